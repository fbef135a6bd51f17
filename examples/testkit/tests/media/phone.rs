//! A phone of two sockets on loopback: RTP, RTCP, SRTP where it has keys, a jitter buffer, G.711.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use rtp_core::codec::g711::Law;
use rtp_core::jitter::{Buffer, Frame, Playout, Storage as JitterStorage};
use rtp_core::rtcp::Packet as Rtcp;
use rtp_core::session::{
    Cname, Component, Config, Event, Outgoing, Path, Session, SourceStatistics, Storage,
};
use rtp_core::srtp::crypto::Ring;
use rtp_core::srtp::{MasterKey, Receiver, SrtpError};

/// An even port and the odd one after it.
pub(crate) struct Ports {
    rtp: UdpSocket,
    rtcp: UdpSocket,
    pub(crate) number: u16,
}

impl Ports {
    /// Two that are free.
    pub(crate) fn bind() -> Self {
        for _ in 0..200 {
            let number = handset_testkit::free_port() & !1;
            let bind = |port| UdpSocket::bind((Ipv4Addr::LOCALHOST, port));
            if let (Ok(rtp), Ok(rtcp)) = (bind(number), bind(number + 1)) {
                for socket in [&rtp, &rtcp] {
                    socket.set_nonblocking(true).expect("it can be told");
                }
                return Self { rtp, rtcp, number };
            }
        }
        panic!("no pair of ports is free");
    }
}

/// The port of a pair that nobody has, for a peer to bind.
pub(crate) fn free_pair() -> u16 {
    Ports::bind().number
}

/// What came.
pub(crate) struct Heard {
    pub(crate) samples: Vec<i16>,
    pub(crate) source: SourceStatistics,
    /// Sender reports, and reports with a block about us.
    pub(crate) sender_reports: u32,
    pub(crate) about_us: u32,
    pub(crate) concealed: u64,
    pub(crate) refused: Vec<SrtpError>,
}

/// Talks to a peer and listens to it.
pub(crate) struct Call<'k> {
    /// Where to send, if anything is to be sent.
    pub(crate) remote: Option<u16>,
    /// Keys of what is sent, and of what is received.
    pub(crate) send_key: Option<&'k MasterKey>,
    pub(crate) receive_key: Option<&'k MasterKey>,
    /// Ours, where the peer has to know it.
    pub(crate) ssrc: Option<u32>,
    /// When it ends, if `until` does not end it.
    pub(crate) length: Duration,
}

impl Call<'_> {
    pub(crate) const NEW: Self = Self {
        remote: None,
        send_key: None,
        receive_key: None,
        ssrc: None,
        length: Duration::from_secs(20),
    };

    /// Runs until `until` says so. What was sent is a tone of 440 Hz, 15.3 dB below full scale.
    pub(crate) fn run(&self, ports: &Ports, mut until: impl FnMut(u64) -> bool) -> Option<Heard> {
        let mut storage = Storage::<4>::new();
        let mut config = Config::new(Cname::new("phone@example.org").expect("a short name"));
        let address = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        config.rtp = self.remote.map(|port| Path::rtp(address(port)));
        config.rtcp = self.remote.map(|port| Path::rtcp(address(port + 1)));
        config.ssrc = self.ssrc.map(Into::into);
        config.minimum_interval = Duration::from_secs(1);
        config.min_sequential = if self.receive_key.is_some() { 0 } else { 2 };
        let mut session = Session::new(config, &mut storage, [7; 32]).expect("it works");
        // The pure ciphers one way, ring's the other.
        let mut sender = self.send_key.map(rtp_core::srtp::Sender::<2>::new);
        let mut receiver = self
            .receive_key
            .map(|key| Receiver::<2, 1, Ring>::with_crypto(Ring, key).expect("ring knows the key"));
        let mut memory = Box::new(JitterStorage::<32, 320>::new());
        let mut jitter =
            Buffer::new(rtp_core::jitter::Config::new(8000), &mut memory).expect("it works");
        let (mut heard, mut refused) = (Vec::new(), Vec::new());
        let (mut sender_reports, mut about_us, mut ssrc) = (0, 0, None);
        let (begin, mut tick) = (Instant::now(), 0u32);
        let mut buffer = [0; 2048];
        while begin.elapsed() < self.length && !until(heard.len() as u64 / 160) {
            let now = begin.elapsed();
            for (component, socket) in
                [(Component::Rtp, &ports.rtp), (Component::Rtcp, &ports.rtcp)]
            {
                let (mut len, remote) = match socket.recv_from(&mut buffer) {
                    Ok(received) => received,
                    Err(error) => {
                        assert!(
                            matches!(
                                error.kind(),
                                ErrorKind::WouldBlock | ErrorKind::ConnectionRefused
                            ),
                            "{error}"
                        );
                        continue;
                    }
                };
                if let Some(receiver) = &mut receiver {
                    let datagram = &mut buffer[..len];
                    let opened = match component {
                        Component::Rtp => receiver.unprotect_rtp(datagram),
                        Component::Rtcp => receiver.unprotect_rtcp(datagram),
                    };
                    match opened {
                        Ok(opened) => len = opened,
                        Err(error) => {
                            refused.push(error);
                            continue;
                        }
                    }
                }
                let path = Path { component, local: 0, remote };
                match session.handle_datagram(now, path, &buffer[..len]) {
                    Ok(Some(Event::Packet { sequence, packet })) => {
                        ssrc = Some(packet.ssrc);
                        let frame = Frame {
                            sequence,
                            timestamp: packet.timestamp,
                            payload_type: packet.payload_type,
                            marker: packet.marker,
                            payload: packet.payload,
                        };
                        let _ = jitter.push(now, frame);
                    }
                    Ok(Some(Event::Rtcp { compound })) => {
                        for packet in compound.packets().map(|p| p.expect("it is whole")) {
                            let blocks = match packet {
                                Rtcp::SenderReport(report) => {
                                    sender_reports += 1;
                                    report.blocks
                                }
                                Rtcp::ReceiverReport(report) => report.blocks,
                                _ => continue,
                            };
                            let ours =
                                |block: rtp_core::rtcp::ReportBlock| block.ssrc == session.ssrc();
                            about_us += u32::from(blocks.iter().any(ours));
                        }
                    }
                    _ => {}
                }
            }
            session.handle_timeout(now);
            while let Some(sent) = session.poll_transmit(now, &mut buffer) {
                let mut len = sent.len;
                if let Some(sender) = &mut sender {
                    len = sender.protect_rtcp(&mut buffer, len).expect("it fits");
                }
                let _ = ports.rtcp.send_to(&buffer[..len], sent.path.remote);
            }
            while session.poll_event().is_some() {}
            if now >= Duration::from_millis(20) * tick {
                if self.remote.is_some() {
                    let mut codes = [0; 160];
                    Law::Mu.encode(&tone(tick), &mut codes);
                    let outgoing =
                        Outgoing { timestamp: tick * 160, marker: tick == 0, ..Outgoing::new(0) };
                    let sent =
                        session.packetize(now, &outgoing, &codes, &mut buffer).expect("it fits");
                    let mut len = sent.len;
                    if let Some(sender) = &mut sender {
                        len = sender.protect_rtp(&mut buffer, len).expect("it fits");
                    }
                    let _ = ports.rtp.send_to(&buffer[..len], sent.path.remote);
                }
                tick += 1;
                if let Playout::Packet(frame) = jitter.pop(now) {
                    let mut samples = vec![0; frame.payload.len()];
                    Law::Mu.decode(frame.payload, &mut samples);
                    heard.extend(samples);
                }
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let source = session.source(ssrc?)?;
        Some(Heard {
            samples: heard,
            source,
            sender_reports,
            about_us,
            concealed: jitter.statistics().concealed,
            refused,
        })
    }
}

/// 20 ms of 440 Hz.
fn tone(tick: u32) -> [i16; 160] {
    core::array::from_fn(|n| {
        let at = (tick * 160) as f64 + n as f64;
        (8000.0 * (core::f64::consts::TAU * 440.0 * at / 8000.0).sin()) as i16
    })
}

/// Which share of the sound's power is at 440 Hz, in pieces of 100 ms.
pub(crate) fn purity(samples: &[i16]) -> f64 {
    let (mut tone, mut all) = (0.0, 0.0);
    for piece in samples.chunks_exact(800) {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, sample) in piece.iter().enumerate() {
            let angle = core::f64::consts::TAU * 440.0 * n as f64 / 8000.0;
            re += f64::from(*sample) * angle.cos();
            im += f64::from(*sample) * angle.sin();
            all += f64::from(*sample).powi(2);
        }
        tone += (re * re + im * im) * 2.0 / 800.0;
    }
    tone / all
}
