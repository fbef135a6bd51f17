//! Garbage for the phone's ports: random octets, and messages that were damaged or cut.

use core::net::SocketAddr;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use anyhow::Result;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::phone::ADDRESS;
use crate::servers::OWN;

const MESSAGES: &[&str] = &[
    "OPTIONS sip:alice@10.77.0.50 SIP/2.0\r\nVia: SIP/2.0/UDP 10.77.0.1:6999;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: <sip:x@example.test>;tag=1\r\nTo: <sip:alice@example.test>\r\nCall-ID: a@b\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
    "NOTIFY sip:alice@10.77.0.50 SIP/2.0\r\nVia: SIP/2.0/UDP 10.77.0.1:6999;branch=z9hG4bK2\r\nMax-Forwards: 70\r\nFrom: <sip:x@example.test>;tag=1\r\nTo: <sip:alice@example.test>;tag=2\r\nCall-ID: c@d\r\nCSeq: 1 NOTIFY\r\nEvent: presence\r\nSubscription-State: active\r\nContent-Length: 0\r\n\r\n",
    "BYE sip:alice@10.77.0.50 SIP/2.0\r\nVia: SIP/2.0/UDP 10.77.0.1:6999;branch=z9hG4bK3\r\nMax-Forwards: 70\r\nFrom: <sip:x@example.test>;tag=1\r\nTo: <sip:alice@example.test>;tag=2\r\nCall-ID: e@f\r\nCSeq: 2 BYE\r\nContent-Length: 0\r\n\r\n",
    "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.77.0.50:5060;branch=z9hG4bK4\r\nFrom: <sip:alice@example.test>;tag=1\r\nTo: <sip:alice@example.test>;tag=2\r\nCall-ID: g@h\r\nCSeq: 1 REGISTER\r\nContact: <sip:alice@10.77.0.50>;expires=1\r\nContent-Length: 0\r\n\r\n",
    "CANCEL sip:alice@10.77.0.50 SIP/2.0\r\nVia: SIP/2.0/UDP 10.77.0.1:6999;branch=z9hG4bK5\r\nMax-Forwards: 70\r\nFrom: <sip:x@example.test>;tag=1\r\nTo: <sip:alice@example.test>\r\nCall-ID: i@j\r\nCSeq: 1 CANCEL\r\nContent-Length: 0\r\n\r\n",
];

/// An INVITE, which is only sent cut: a whole one would ring, rightly.
const INVITE: &str = "INVITE sip:alice@10.77.0.50 SIP/2.0\r\nVia: SIP/2.0/UDP 10.77.0.1:6999;branch=z9hG4bK6\r\nMax-Forwards: 70\r\nFrom: <sip:x@example.test>;tag=1\r\nTo: <sip:alice@example.test>\r\nCall-ID: k@l\r\nCSeq: 1 INVITE\r\nContact: <sip:x@10.77.0.1:6999>\r\nContent-Type: application/sdp\r\nContent-Length: 120\r\n\r\nv=0\r\n";

/// A packet of RTP, and one of RTCP.
const RTP: &[u8] = &[0x80, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 0xff, 0xff, 0xff, 0xff];
const RTCP: &[u8] =
    &[0x80, 201, 0, 1, 1, 2, 3, 4, 0x81, 202, 0, 3, 1, 2, 3, 4, 1, 2, b'x', b'y', 0, 0, 0, 0];

/// What was sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sent {
    /// Datagrams to port 5060.
    pub sip: u32,
    /// Datagrams to the media ports.
    pub media: u32,
}

/// Sends garbage for so long, `rate` datagrams a second.
pub fn throw(seed: u64, time: Duration, rate: u32, sip: bool) -> Result<Sent> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let socket = UdpSocket::bind((OWN, 0))?;
    let address: core::net::IpAddr = ADDRESS.parse()?;
    let mut sent = Sent::default();
    let began = Instant::now();
    let mut due = began;
    while began.elapsed() < time {
        let to_sip = sip && random.next_u32().is_multiple_of(2);
        let port = match (to_sip, random.next_u32() % 2) {
            (true, _) => 5060,
            (false, low) => 5350 + low as u16,
        };
        let octets = datagram(&mut random, to_sip);
        // What does not fit into the queue is as good as lost.
        let _ = socket.send_to(&octets, SocketAddr::new(address, port));
        *(if to_sip { &mut sent.sip } else { &mut sent.media }) += 1;
        due += Duration::from_secs(1) / rate;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    Ok(sent)
}

fn below(random: &mut ChaCha8Rng, end: usize) -> usize {
    random.next_u32() as usize % end.max(1)
}

fn datagram(random: &mut ChaCha8Rng, to_sip: bool) -> Vec<u8> {
    if random.next_u32().is_multiple_of(3) {
        let mut octets = vec![0; below(random, 1400)];
        random.fill_bytes(&mut octets);
        return octets;
    }
    let mut octets = if !to_sip {
        let mut octets =
            if random.next_u32().is_multiple_of(2) { RTP.to_vec() } else { RTCP.to_vec() };
        octets.extend((0..below(random, 160)).map(|n| n as u8));
        octets
    } else if random.next_u32().is_multiple_of(4) {
        let end = below(random, INVITE.len() - 80);
        return INVITE.as_bytes().get(..end).unwrap_or_default().to_vec();
    } else {
        MESSAGES[below(random, MESSAGES.len())].as_bytes().to_vec()
    };
    for _ in 0..1 + below(random, 8) {
        let at = below(random, octets.len());
        match random.next_u32() % 4 {
            0 => octets[at] = random.next_u32() as u8,
            1 => octets.truncate(at.max(1)),
            2 => {
                octets.remove(at);
            }
            _ => octets.insert(at, random.next_u32() as u8),
        }
        if octets.is_empty() {
            octets.push(0);
        }
    }
    octets
}
