//! Captures that somebody made to do harm: they end in an answer, and soon.

#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

#[path = "common/capture.rs"]
mod capture;

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use capture::{Capture, Link, call, rtp, sdp, sip};
use handset_testkit::{Random, seeds};

/// Gives a file to the program on its standard input; what it says and how long it took.
fn inspect(arguments: &[&str], octets: &[u8]) -> (i32, String, Duration) {
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_inspect"))
        .arg("pcap")
        .args(arguments)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = child.stdin.take().expect("it is piped");
    let octets = octets.to_vec();
    let writer = std::thread::spawn(move || {
        // A program that has seen enough ends without reading the rest.
        let _ = input.write_all(&octets);
    });
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("writing does not fail");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!errors.contains("panicked"), "{errors}");
    let code = output.status.code().expect("no signal ends it");
    (code, String::from_utf8_lossy(&output.stdout).into_owned(), begun.elapsed())
}

/// A capture with a little of everything.
fn everything() -> Capture {
    let mut all = call(Link::Ethernet);
    let offer = sdp("192.0.2.1", 4000, "");
    let message = sip("tcp", "INVITE sip:b@example.com SIP/2.0", "1 INVITE", "", &offer);
    let (a, b) = ("192.0.2.1:49152", "192.0.2.2:5060");
    all.tcp(5_000_000, a, b, 99, true, b"");
    for (index, part) in message.chunks(100).enumerate().rev() {
        let sequence = 100 + u32::try_from(index).expect("it is short") * 100;
        all.tcp(5_000_100, a, b, sequence, false, part);
    }
    all.fragments(5_100_000, "192.0.2.9:5060", "192.0.2.8:5060", &message, 160);
    all.udp(5_200_000, "[2001:db8::1]:5060", "[2001:db8::2]:5060", &message);
    let report = [0x80, 200, 0, 6, 0, 0xa, 0x11, 0xce, 1, 2, 3, 4, 5, 6, 7, 8];
    all.udp(5_300_000, "192.0.2.1:4001", "192.0.2.2:5001", &[&report[..], &[0; 12]].concat());
    all.udp(5_400_000, "192.0.2.5:2000", "192.0.2.6:69", b"\0\x01phone.cfg\0octet\0");
    all
}

fn mutate(octets: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(20) {
        let len = octets.len() as u64;
        let at = usize::try_from(random.below(len)).expect("it is near");
        match random.below(6) {
            0 => octets[at] ^= 1 << random.below(8),
            1 => octets[at] = random.number() as u8,
            2 => octets.truncate(at.max(40)),
            3 => {
                let end = (at + usize::try_from(random.below(64)).expect("few")).min(octets.len());
                octets.drain(at..end);
            }
            4 => {
                let count = usize::try_from(random.below(64)).expect("few");
                let more = random.octets(count);
                octets.splice(at..at, more);
            }
            // Lengths and counts like these have done harm before.
            _ => {
                let value = [0, 1, 0x7fff_ffff, 0xffff_ffff, 0xffff, 65_535 << 16][at % 6_usize];
                let end = (at + 4).min(octets.len());
                let octets = &mut octets[at..end];
                octets.copy_from_slice(&u32::to_le_bytes(value)[..octets.len()]);
            }
        }
        if octets.is_empty() {
            return;
        }
    }
}

#[test]
fn broken_captures_end_in_an_answer() {
    let files = [everything().pcap(), everything().pcapng()];
    let whole = inspect(&["--json"], &files[0]);
    assert_eq!(whole.0, 0, "{}", whole.1);
    assert!(whole.1.contains("\"call_id\":\"tcp\"") && whole.1.contains("phone.cfg"));
    seeds(100, |seed| {
        let mut random = Random::new(seed);
        for file in &files {
            let mut file = file.clone();
            mutate(&mut file, &mut random);
            let arguments: &[&str] = if seed % 2 == 0 { &["--json"] } else { &["--width", "60"] };
            let (code, text, took) = inspect(arguments, &file);
            assert!((0..=2).contains(&code), "{code}");
            assert!(!text.contains('\u{1b}'));
            assert!(took < Duration::from_secs(10), "{took:?}");
        }
    });
}

#[test]
fn tags_in_tags_and_headers_cut_anywhere_are_counted() {
    let mut capture = call(Link::Ethernet);
    capture.tags = 300;
    let (code, text, _) = inspect(&["--json"], &capture.pcap());
    assert_eq!(code, 0);
    assert!(text.contains("\"calls\":[]"), "{text}");
    let capture = everything();
    for snap in 0..80 {
        let (code, text, _) = inspect(&["--json"], &capture.pcap_cut(snap));
        assert_eq!(code, 0, "{snap}: {text}");
    }
}

#[test]
fn floods_of_small_packets_are_bounded() {
    // Each packet from another source, each looking like the beginning of something.
    let mut random = Random::new(7);
    let mut capture = Capture::new(Link::Raw);
    let opening = sip("x", "INVITE sip:b@example.com SIP/2.0", "1 INVITE", "", "");
    for n in 0..40_000u32 {
        let from = format!("10.{}.{}.{}:{}", n >> 16 & 255, n >> 8 & 255, n & 255, 2000 + n % 999);
        match n % 4 {
            0 => capture.udp(n.into(), &from, "192.0.2.1:9000", &rtp(0, n as u16, n, n)),
            1 => capture.tcp(n.into(), &from, "192.0.2.1:5060", n, true, b""),
            2 => capture.tcp(n.into(), &from, "192.0.2.1:5060", n, false, &opening[..60]),
            _ => {
                let call = format!("{:x}", random.number());
                let message = sip(&call, "OPTIONS sip:x SIP/2.0", "1 OPTIONS", "", "");
                capture.udp(n.into(), &from, "192.0.2.1:5060", &message);
            }
        }
    }
    let (code, text, took) = inspect(&["--json"], &capture.pcap());
    assert_eq!(code, 0);
    assert!(text.contains("\"sip_messages\":10000"), "every whole message counts");
    assert!(text.contains("\"streams\":[]"), "one packet is no stream");
    assert!(took < Duration::from_secs(60), "{took:?}");
}
