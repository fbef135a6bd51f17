//! Loss and jitter as a session and tshark see them, of the same packets at the same times.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::time::Duration;

use handset_testkit::{Link, LinkConfig, peer, seeds};
use rtp_core::Ssrc;
use rtp_core::packet::Packet;
use rtp_core::session::{Cname, Config, Path, Session, Storage};

/// A capture: raw IP packets with UDP.
struct Capture(Vec<u8>);

impl Capture {
    fn new() -> Self {
        // pcap with microseconds, link type 101: raw IP.
        let words = [0xa1b2_c3d4u32, 0x0002_0004, 0, 0, 65_535, 101];
        let mut octets: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        octets[4..8].copy_from_slice(&[2u16.to_ne_bytes(), 4u16.to_ne_bytes()].concat());
        Self(octets)
    }

    fn add(&mut self, at: Duration, payload: &[u8]) {
        let len = payload.len() as u32 + 28;
        for word in [at.as_secs() as u32, at.subsec_micros(), len, len] {
            self.0.extend(word.to_ne_bytes());
        }
        self.0.extend([0x45, 0, (len >> 8) as u8, len as u8, 0, 0, 0, 0, 64, 17, 0, 0]);
        self.0.extend([127, 0, 0, 1, 127, 0, 0, 1]);
        let udp = len - 20;
        self.0.extend([0x9d, 0x80, 0x9d, 0x80, (udp >> 8) as u8, udp as u8, 0, 0]);
        self.0.extend(payload);
    }
}

/// Loss in packets and mean and greatest jitter in milliseconds.
#[derive(Debug)]
struct Figures {
    packets: f64,
    lost: f64,
    mean_jitter: f64,
    greatest_jitter: f64,
}

/// Sends a minute of sound over a link; gives the capture, and what a session makes of it.
fn ours(link: LinkConfig, seed: u64) -> (Capture, Figures) {
    let mut link = Link::new(link, seed);
    for n in 0..3000u32 {
        let packet = Packet {
            ssrc: Ssrc(0x1234_5678),
            // The numbers begin anew on the way.
            sequence_number: 64_000u16.wrapping_add(n as u16),
            timestamp: n * 160,
            payload: &[0xd5; 160],
            ..Packet::default()
        };
        let mut octets = [0; 172];
        packet.write(&mut octets).expect("it fits");
        link.send(Duration::from_millis(u64::from(n) * 20), 0, 1, &octets);
    }
    let mut storage = Storage::<1>::new();
    let mut config = Config::new(Cname::new("a@b").expect("a short name"));
    config.min_sequential = 0;
    let mut session = Session::new(config, &mut storage, [1; 32]).expect("it works");
    let path = Path::rtp(SocketAddr::from((Ipv4Addr::LOCALHOST, 40320)));
    let mut capture = Capture::new();
    let (mut sum, mut greatest, mut count) = (0.0, 0.0, 0.0);
    while let Some(at) = link.next_arrival() {
        let (_, _, octets) = link.receive(at).expect("it has arrived");
        capture.add(at, &octets);
        session.handle_datagram(at, path, &octets).expect("it is RTP");
        let source = session.source(Ssrc(0x1234_5678)).expect("it is known");
        // A report's figure is rounded down to whole units (RFC 3550 appendix A.8): by half a unit
        // on average.
        let jitter = (f64::from(source.jitter) + 0.5) / 8.0;
        sum += jitter;
        count += 1.0;
        greatest = f64::max(greatest, jitter);
    }
    let source = session.source(Ssrc(0x1234_5678)).expect("it is known");
    let figures = Figures {
        packets: f64::from(source.received),
        lost: f64::from(source.lost),
        mean_jitter: sum / count,
        greatest_jitter: greatest,
    };
    (capture, figures)
}

#[test]
fn tshark_sees_the_same_loss_and_jitter() {
    let Some(tshark) = peer("tshark", "tshark") else { return };
    let jitter = |millis| LinkConfig {
        loss_per_mille: 100,
        jitter: Duration::from_millis(millis),
        ..LinkConfig::GOOD
    };
    // Without overtaking, and with it.
    for link in [jitter(19), jitter(60)] {
        seeds(3, |seed| {
            let (capture, ours) = ours(link, seed);
            let folder = tempfile::tempdir().expect("a folder");
            let file = folder.path().join("stream.pcap");
            fs::write(&file, &capture.0).expect("a file");
            let mut command = Command::new(&tshark);
            command.arg("-r").arg(&file).args(["-d", "udp.port==40320,rtp"]);
            let output = command.args(["-q", "-z", "rtp,streams"]).output().expect("it starts");
            let text = String::from_utf8_lossy(&output.stdout);
            let row = text.lines().find(|line| line.contains("0x12345678"));
            let row = row.unwrap_or_else(|| panic!("{text}"));
            println!("{row}");
            let theirs = figures(row);
            let near = |a: f64, b: f64| (a - b).abs() <= a.abs().max(b.abs()) * 0.01;
            assert!(near(ours.packets, theirs.packets), "{ours:?} {theirs:?}");
            assert!(near(ours.lost, theirs.lost), "{ours:?} {theirs:?}");
            assert!(near(ours.mean_jitter, theirs.mean_jitter), "{ours:?} {theirs:?}");
            assert!(near(ours.greatest_jitter, theirs.greatest_jitter), "{ours:?} {theirs:?}");
        });
    }
}

/// The figures of a row of `rtp,streams`: behind the payload's name come packets, loss with its
/// share, deltas, jitters.
fn figures(row: &str) -> Figures {
    let words: Vec<&str> = row.split_whitespace().collect();
    let share = words.iter().position(|word| word.ends_with("%)")).expect("a share of loss");
    let number = |at: usize| words[at].parse().expect("a number");
    Figures {
        packets: number(share - 2),
        lost: number(share - 1),
        mean_jitter: number(share + 5),
        greatest_jitter: number(share + 6),
    }
}
