//! Writes captures, and the packets in them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

/// What the packets of a capture begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "not every test file needs each of them")]
pub(crate) enum Link {
    Null = 0,
    Ethernet = 1,
    Raw = 101,
    Sll = 113,
    Sll2 = 276,
}

/// A capture that grows.
#[derive(Clone, Debug)]
pub(crate) struct Capture {
    pub(crate) link: Link,
    /// VLAN tags of each packet, on Ethernet.
    pub(crate) tags: usize,
    /// Time and octets, IP and what is above it.
    pub(crate) packets: Vec<(Duration, Vec<u8>)>,
    identification: u16,
}

#[allow(dead_code, reason = "not every test file needs each of them")]
impl Capture {
    pub(crate) fn new(link: Link) -> Self {
        Self { link, tags: 0, packets: Vec::new(), identification: 0 }
    }

    pub(crate) fn udp(&mut self, at_us: u64, from: &str, to: &str, payload: &[u8]) {
        let (from, to) = (address(from), address(to));
        let length = u16::try_from(payload.len() + 8).expect("it is a datagram");
        let mut udp = Vec::new();
        udp.extend(from.port().to_be_bytes());
        udp.extend(to.port().to_be_bytes());
        udp.extend(length.to_be_bytes());
        udp.extend([0, 0]);
        udp.extend(payload);
        let sum = checksum(&[&pseudo_header(from.ip(), to.ip(), 17, udp.len()), &udp]);
        let sum = if sum == 0 { 0xffff } else { sum };
        udp[6..8].copy_from_slice(&sum.to_be_bytes());
        self.ip(at_us, from.ip(), to.ip(), 17, &udp);
    }

    pub(crate) fn tcp(
        &mut self,
        at_us: u64,
        from: &str,
        to: &str,
        sequence: u32,
        syn: bool,
        payload: &[u8],
    ) {
        let (from, to) = (address(from), address(to));
        let mut tcp = Vec::new();
        tcp.extend(from.port().to_be_bytes());
        tcp.extend(to.port().to_be_bytes());
        tcp.extend(sequence.to_be_bytes());
        tcp.extend([0, 0, 0, 1, 0x50, if syn { 2 } else { 0x18 }, 0xff, 0xff, 0, 0, 0, 0]);
        tcp.extend(payload);
        let sum = checksum(&[&pseudo_header(from.ip(), to.ip(), 6, tcp.len()), &tcp]);
        tcp[16..18].copy_from_slice(&sum.to_be_bytes());
        self.ip(at_us, from.ip(), to.ip(), 6, &tcp);
    }

    /// A datagram in fragments of `size` octets, the last one first.
    pub(crate) fn fragments(
        &mut self,
        at_us: u64,
        from: &str,
        to: &str,
        payload: &[u8],
        size: usize,
    ) {
        assert_eq!(size % 8, 0, "fragments are whole groups of eight octets");
        let mut whole = Self::new(self.link);
        whole.udp(at_us, from, to, payload);
        let (_, packet) = whole.packets.remove(0);
        let (header, rest) = packet.split_at(20);
        assert_eq!(header[0] >> 4, 4, "only IPv4 is taken apart here");
        self.identification += 1;
        let parts: Vec<(usize, &[u8])> = rest.chunks(size).enumerate().collect();
        let last = parts.len() - 1;
        for (index, part) in parts.into_iter().rev() {
            let mut header = header.to_vec();
            let length = u16::try_from(20 + part.len()).expect("it is short");
            let offset = u16::try_from(index * size / 8).expect("it is near");
            let more = if index == last { 0 } else { 0x2000 };
            header[2..4].copy_from_slice(&length.to_be_bytes());
            header[4..6].copy_from_slice(&self.identification.to_be_bytes());
            header[6..8].copy_from_slice(&(offset | more).to_be_bytes());
            self.push(at_us, [&sealed(header), part].concat());
        }
    }

    pub(crate) fn push(&mut self, at_us: u64, ip: Vec<u8>) {
        self.packets.push((Duration::from_micros(at_us), ip));
    }

    pub(crate) fn pcap(&self) -> Vec<u8> {
        self.pcap_cut(65_535)
    }

    /// The capture as `tcpdump -s` cuts its packets.
    pub(crate) fn pcap_cut(&self, snap: usize) -> Vec<u8> {
        let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        file.extend([0, 0, 4, 0]);
        file.extend((self.link as u32).to_le_bytes());
        for (at, ip) in &self.packets {
            let packet = self.framed(ip);
            let kept = packet.len().min(snap);
            let seconds = u32::try_from(at.as_secs()).expect("it is soon") + 1_700_000_000;
            file.extend(seconds.to_le_bytes());
            file.extend(at.subsec_micros().to_le_bytes());
            file.extend(u32::try_from(kept).expect("it is short").to_le_bytes());
            file.extend(u32::try_from(packet.len()).expect("it is short").to_le_bytes());
            file.extend(&packet[..kept]);
        }
        file
    }

    /// The same as pcapng, with nanoseconds.
    pub(crate) fn pcapng(&self) -> Vec<u8> {
        let mut file = Vec::new();
        let mut block = |kind: u32, body: &[u8]| {
            let padding = vec![0; body.len().next_multiple_of(4) - body.len()];
            let len = u32::try_from(12 + body.len() + padding.len()).expect("it is short");
            file.extend(kind.to_le_bytes());
            file.extend(len.to_le_bytes());
            file.extend(body);
            file.extend(padding);
            file.extend(len.to_le_bytes());
        };
        block(
            0x0a0d_0d0a,
            &[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255],
        );
        let mut interface = (self.link as u32).to_le_bytes().to_vec();
        // No limit of length; if_tsresol is 9; end of options.
        interface.extend([0, 0, 0, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0]);
        block(1, &interface);
        for (at, ip) in &self.packets {
            let packet = self.framed(ip);
            let count =
                u64::try_from(at.as_nanos()).expect("it is soon") + 1_700_000_000_000_000_000;
            let len = u32::try_from(packet.len()).expect("it is short").to_le_bytes();
            let mut body = vec![0, 0, 0, 0];
            body.extend(((count >> 32) as u32).to_le_bytes());
            body.extend((count as u32).to_le_bytes());
            body.extend(len);
            body.extend(len);
            body.extend(packet);
            block(6, &body);
        }
        file
    }

    pub(crate) fn write(&self, path: &Path) {
        std::fs::write(path, self.pcap()).expect("the capture can be written");
    }

    fn ip(&mut self, at_us: u64, from: IpAddr, to: IpAddr, protocol: u8, payload: &[u8]) {
        let ip = match (from, to) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                self.identification = self.identification.wrapping_add(1);
                let length = u16::try_from(20 + payload.len()).expect("it is a packet");
                let mut header = vec![0x45, 0];
                header.extend(length.to_be_bytes());
                header.extend(self.identification.to_be_bytes());
                header.extend([0, 0, 64, protocol, 0, 0]);
                header.extend(from.octets());
                header.extend(to.octets());
                [&sealed(header), payload].concat()
            }
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                let mut header = vec![0x60, 0, 0, 0];
                header.extend(u16::try_from(payload.len()).expect("it is short").to_be_bytes());
                header.extend([protocol, 64]);
                header.extend(from.octets());
                header.extend(to.octets());
                [&header, payload].concat()
            }
            _ => panic!("both ends speak the same IP"),
        };
        self.push(at_us, ip);
    }

    fn framed(&self, ip: &[u8]) -> Vec<u8> {
        let kind: [u8; 2] = if ip[0] >> 4 == 4 { [8, 0] } else { [0x86, 0xdd] };
        let mut frame = Vec::new();
        match self.link {
            Link::Raw => {}
            Link::Null => frame.extend([if ip[0] >> 4 == 4 { 2 } else { 30 }, 0, 0, 0]),
            Link::Ethernet => {
                frame.extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]);
                for tag in 0..self.tags {
                    frame.extend([0x81, 0, 0, tag as u8]);
                }
                frame.extend(kind);
            }
            Link::Sll => {
                frame.extend([0, 0, 3, 4, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0]);
                frame.extend(kind);
            }
            Link::Sll2 => {
                frame.extend(kind);
                frame.extend([0, 0, 0, 0, 0, 1, 3, 4, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0]);
            }
        }
        frame.extend(ip);
        frame
    }
}

/// The header with its checksum.
fn sealed(mut header: Vec<u8>) -> Vec<u8> {
    header[10..12].fill(0);
    let sum = checksum(&[&header]);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    header
}

fn pseudo_header(from: IpAddr, to: IpAddr, protocol: u8, len: usize) -> Vec<u8> {
    let mut header = Vec::new();
    for ip in [from, to] {
        match ip {
            IpAddr::V4(ip) => header.extend(ip.octets()),
            IpAddr::V6(ip) => header.extend(ip.octets()),
        }
    }
    header.extend([0, protocol]);
    header.extend(u16::try_from(len).expect("it is short").to_be_bytes());
    header
}

fn checksum(parts: &[&[u8]]) -> u16 {
    let octets = parts.concat();
    let words = octets.chunks(2).map(|pair| match pair {
        [high, low] => u32::from(u16::from_be_bytes([*high, *low])),
        [high] => u32::from(*high) << 8,
        _ => 0,
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap_or_else(|_| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
}

/// An RTP packet with 160 octets of payload.
#[allow(dead_code, reason = "not every test file needs it")]
pub(crate) fn rtp(payload_type: u8, sequence: u16, timestamp: u32, ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, payload_type];
    packet.extend(sequence.to_be_bytes());
    packet.extend(timestamp.to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend([0xd5; 160]);
    packet
}

/// A SIP message from its start line, its own headers and its body; the rest is as in one call.
#[allow(dead_code, reason = "not every test file needs it")]
pub(crate) fn sip(call: &str, start: &str, cseq: &str, to_tag: &str, body: &str) -> Vec<u8> {
    let tag = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    let branch = cseq.replace(' ', "").replace("ACK", "INVITE");
    format!(
        "{start}\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{branch}\r\n\
         Max-Forwards: 70\r\nFrom: \"Alice <&>\" <sip:alice@example.com>;tag=a1\r\n\
         To: <sip:bob@example.com>{tag}\r\nCall-ID: {call}\r\nCSeq: {cseq}\r\n{kind}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A description of one audio stream.
#[allow(dead_code, reason = "not every test file needs it")]
pub(crate) fn sdp(host: &str, port: u16, extra: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\n{extra}"
    )
}

/// A call from 192.0.2.1 to 192.0.2.2 with a repeated INVITE, two seconds of sound both ways, the
/// third of which to Bob loses packets, and a BYE.
#[allow(dead_code, reason = "not every test file needs it")]
pub(crate) fn call(link: Link) -> Capture {
    let mut capture = Capture::new(link);
    let (alice, bob) = ("192.0.2.1:5060", "192.0.2.2:5060");
    let id = "call-1@example.com";
    let invite = "INVITE sip:bob@example.com SIP/2.0";
    let offer = sdp("192.0.2.1", 4000, "a=sendrecv\r\n");
    let answer = sdp("192.0.2.2", 5000, "");
    let invite = sip(id, invite, "1 INVITE", "", &offer);
    capture.udp(0, alice, bob, &invite);
    capture.udp(500_000, alice, bob, &invite);
    capture.udp(520_000, bob, alice, &sip(id, "SIP/2.0 180 Ringing", "1 INVITE", "b1", ""));
    capture.udp(1_500_000, bob, alice, &sip(id, "SIP/2.0 200 OK", "1 INVITE", "b1", &answer));
    let ack = sip(id, "ACK sip:bob@192.0.2.2 SIP/2.0", "1 ACK", "b1", "");
    capture.udp(1_510_000, alice, bob, &ack);
    for n in 0..100u16 {
        let at = 1_600_000 + u64::from(n) * 20_000;
        let packet = rtp(0, n, u32::from(n) * 160, 0xa11ce);
        if n % 10 != 7 {
            let late = u64::from(n % 4) * 3000;
            capture.udp(at + late, "192.0.2.1:4000", "192.0.2.2:5000", &packet);
        }
        let packet = rtp(0, n.wrapping_add(65_500), u32::from(n) * 160, 0xb0b);
        capture.udp(at + 5000, "192.0.2.2:5000", "192.0.2.1:4000", &packet);
    }
    let bye = sip(id, "BYE sip:bob@192.0.2.2 SIP/2.0", "2 BYE", "b1", "");
    capture.udp(4_000_000, alice, bob, &bye);
    capture.udp(4_012_000, bob, alice, &sip(id, "SIP/2.0 200 OK", "2 BYE", "b1", ""));
    capture.packets.sort_by_key(|(at, _)| *at);
    capture
}
