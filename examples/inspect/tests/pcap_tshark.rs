//! The figures of RTP streams, beside those of tshark.

#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

#[path = "common/capture.rs"]
mod capture;

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use capture::{Capture, Link, rtp, sdp, sip};
use handset_testkit::{Peer, Random, free_port, peer};
use serde_json::Value;

/// One line of `tshark -z rtp,streams`.
#[derive(Debug)]
struct Row {
    ssrc: u64,
    packets: f64,
    lost: f64,
    mean_jitter: f64,
    max_jitter: f64,
}

/// Two calls, each with a stream both ways, of different clocks, with loss and late packets.
fn calls() -> Capture {
    let mut random = Random::new(42);
    let mut capture = Capture::new(Link::Ethernet);
    let wide = "m=audio 7000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n";
    for (call, body, units) in [(1u8, sdp("192.0.2.1", 4000, ""), 160), (2, String::new(), 960)] {
        let (alice, bob) = (format!("192.0.2.{}", call * 2 - 1), format!("192.0.2.{}", call * 2));
        let describe = |host: &str| match call {
            1 => sdp(host, 7000, ""),
            _ => {
                format!("v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n{wide}")
            }
        };
        assert!(body.is_empty() || call == 1);
        let id = format!("tshark-{call}");
        let (a, b) = (format!("{alice}:5060"), format!("{bob}:5060"));
        let invite = "INVITE sip:bob@example.com SIP/2.0";
        capture.udp(0, &a, &b, &sip(&id, invite, "1 INVITE", "", &describe(&alice)));
        let ok = sip(&id, "SIP/2.0 200 OK", "1 INVITE", "t", &describe(&bob));
        capture.udp(1000, &b, &a, &ok);
        let kind = if call == 1 { 0 } else { 96 };
        for (from, to, ssrc, loss) in [(&alice, &bob, 0x1000, 50), (&bob, &alice, 0x2000, 0)] {
            let ssrc = ssrc + u32::from(call);
            for n in 0..1500u16 {
                let jitter = random.below(15_000);
                if random.chance(loss) {
                    continue;
                }
                let packet = rtp(kind, n.wrapping_add(65_000), u32::from(n) * units, ssrc);
                let at = 10_000 + u64::from(n) * 20_000 + jitter;
                capture.udp(at, &format!("{from}:7000"), &format!("{to}:7000"), &packet);
            }
        }
    }
    capture.packets.sort_by_key(|(at, _)| *at);
    capture
}

fn rows(tshark: &Path, file: &Path) -> Vec<Row> {
    let output = Command::new(tshark)
        .args(["-n", "-q", "-z", "rtp,streams", "-r"])
        .arg(file)
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{text}");
    let row = |line: &str| {
        // Start, end, source, port, destination, port, SSRC, codec (with blanks perhaps), packets,
        // lost and its share, three figures of gaps, three of jitter, and a mark for problems.
        let (before, after) = line.split_once("0x")?;
        assert_eq!(before.split_whitespace().count(), 6, "{line}");
        let words: Vec<&str> = after.split_whitespace().collect();
        let share = words.iter().position(|word| word.starts_with('('))?;
        let number = |at: usize| words.get(at)?.parse::<f64>().ok();
        Some(Row {
            ssrc: u64::from_str_radix(words.first()?, 16).ok()?,
            packets: number(share - 2)?,
            lost: number(share - 1)?,
            mean_jitter: number(share + 5)?,
            max_jitter: number(share + 6)?,
        })
    };
    text.lines().filter_map(row).collect()
}

#[test]
fn loss_and_jitter_agree_with_tshark() {
    let Some(tshark) = peer("tshark", "tshark") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("calls.pcap");
    calls().write(&file);
    let rows = rows(&tshark, &file);
    assert_eq!(rows.len(), 4, "{rows:?}");

    let output = Command::new(env!("CARGO_BIN_EXE_inspect"))
        .args(["pcap", "--json"])
        .arg(&file)
        .output()
        .expect("it starts");
    let report: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let streams = report["streams"].as_array().expect("streams");
    assert_eq!(streams.len(), 4);
    for row in rows {
        let ours = streams.iter().find(|stream| stream["ssrc"] == row.ssrc);
        let ours = ours.unwrap_or_else(|| panic!("no stream {:x}", row.ssrc));
        let figure = |name: &str| ours[name].as_f64().unwrap_or(f64::NAN);
        assert_eq!(figure("packets"), row.packets, "{row:?}");
        assert_eq!(figure("lost"), row.lost, "{row:?}");
        for (name, theirs) in
            [("mean_jitter_ms", row.mean_jitter), ("max_jitter_ms", row.max_jitter)]
        {
            assert!(theirs > 1.0, "{row:?}");
            let apart = (figure(name) - theirs).abs() / theirs;
            assert!(apart < 0.01, "{name} is {}, not {theirs}: {row:?}", figure(name));
        }
    }
}

/// Captures what goes over these ports of the loopback interface, where this user may.
fn capture_into(tshark: &Path, file: &Path, sip: u16, mark: u16) -> Option<Peer> {
    let mut command = Command::new(tshark);
    let filter = format!("tcp port {sip} or udp port {mark}");
    command.args(["-i", "lo", "-f", &filter, "-w"]).arg(file);
    let mut capturing = Peer::spawn(command.stdout(Stdio::null()).stderr(Stdio::piped()));
    let mut said = BufReader::new(capturing.child().stderr.take().expect("it is piped"));
    let (mut all, mut line) = (String::new(), String::new());
    while !line.contains("Capturing on") {
        line.clear();
        if !said.read_line(&mut line).is_ok_and(|len| len > 0) {
            let needed = std::env::var_os("HANDSET_NEED_PEERS").is_some();
            assert!(!needed, "tshark may not capture here: {all}");
            eprintln!("SKIPPED: tshark may not capture here, nothing was shown: {all}");
            return None;
        }
        all.push_str(&line);
    }
    std::thread::spawn(move || said.read_to_end(&mut Vec::new()));
    // It says so before it is true: what is sent to it comes into the file when it is.
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    let begun = Instant::now();
    while std::fs::metadata(file).map_or(0, |data| data.len()) < 4000 {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing is captured");
        let _ = socket.send_to(&[0; 1000], (Ipv4Addr::LOCALHOST, mark));
        std::thread::sleep(Duration::from_millis(50));
    }
    Some(capturing)
}

#[test]
fn calls_of_sipp_over_tcp_are_drawn_from_a_live_capture() {
    let Some(tshark) = peer("tshark", "tshark") else { return };
    let Some(sipp) = peer("sipp", "sip-tester") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("live.pcapng");
    let (server, client, mark) = (free_port().to_string(), free_port().to_string(), free_port());
    let port = server.parse().expect("it is a number");
    let Some(mut capturing) = capture_into(&tshark, &file, port, mark) else { return };
    let sipp = |scenario: &str, port: &str, more: &[&str]| {
        let mut command = Command::new(&sipp);
        command.args(["-sn", scenario, "-t", "t1", "-i", "127.0.0.1", "-p", port, "-m", "3"]);
        command.args(more).current_dir(folder.path());
        Peer::spawn(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()))
    };
    let _answering = sipp("uas", &server, &[]);
    let begun = Instant::now();
    while std::net::TcpStream::connect(format!("127.0.0.1:{server}")).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20), "sipp does not listen");
        std::thread::sleep(Duration::from_millis(50));
    }
    let target = format!("127.0.0.1:{server}");
    let mut calling = sipp("uac", &client, &["-d", "200", "-timeout", "30", &target]);
    assert!(calling.child().wait().expect("it ends").success());
    // What the kernel has seen last is still on its way into the file.
    std::thread::sleep(Duration::from_millis(1500));
    let pid = capturing.child().id().to_string();
    let stopped = Command::new("kill").args(["-INT", &pid]).status().expect("kill runs");
    assert!(stopped.success() && capturing.child().wait().expect("it ends").success());

    let shown = Command::new(env!("CARGO_BIN_EXE_inspect")).arg("pcap").arg(&file).output();
    let text = String::from_utf8(shown.expect("it starts").stdout).expect("it is text");
    assert!(text.contains("SIP messages 18, calls 3"), "{text}");
    for (words, times) in [
        ("INVITE (SDP) TCP", 3),
        (" 180 Ringing TCP ", 3),
        (" 200 OK (SDP) TCP ", 3),
        (" ACK TCP ", 3),
        (" BYE TCP ", 3),
        ("INVITE: 200 OK after", 3),
    ] {
        assert_eq!(text.matches(words).count(), times, "{words}:\n{text}");
    }
}

#[test]
fn tshark_reads_the_captures_of_these_tests_without_complaint() {
    let Some(tshark) = peer("tshark", "tshark") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    for link in [Link::Ethernet, Link::Raw, Link::Null, Link::Sll, Link::Sll2] {
        for (name, octets) in
            [("a.pcap", capture::call(link).pcap()), ("a.pcapng", capture::call(link).pcapng())]
        {
            let file = folder.path().join(name);
            std::fs::write(&file, octets).expect("it can be written");
            let read = |filter: &str| {
                let output = Command::new(&tshark)
                    .args(["-n", "-o", "udp.check_checksum:TRUE", "-Y", filter, "-r"])
                    .arg(&file)
                    .output()
                    .expect("it starts");
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                String::from_utf8_lossy(&output.stdout).lines().count()
            };
            assert_eq!(read("sip"), 7, "{link:?} {name}");
            assert_eq!(read("_ws.malformed || udp.checksum.status == 0"), 0, "{link:?} {name}");
        }
    }
}
