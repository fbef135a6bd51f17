//! What goes over the wire in the demo, as tshark reads it.

#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

mod common;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{figure, finish, start};
use handset_testkit::{Peer, peer};

#[test]
fn tshark_finds_nothing_malformed() {
    let Some(tshark) = peer("tshark", "tshark") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let capture = folder.path().join("demo.pcapng");
    let Some(mut capturing) = capture_into(&tshark, &capture) else { return };
    let events = finish(start(&folder.path().join("out")));
    // What the kernel has seen last is still on its way into the file.
    std::thread::sleep(Duration::from_millis(500));
    let pid = capturing.child().id().to_string();
    let stopped = Command::new("kill").args(["-INT", &pid]).status().expect("kill runs");
    assert!(stopped.success() && capturing.child().wait().expect("it ends").success());

    let port = |step, name| figure(&events, step, name).as_u64().expect("a port");
    let (rtp_a, rtp_b) = (port("call", "alice_rtp_port"), port("call", "bob_rtp_port"));
    let ports = [
        ("tcp", port("server", "tcp_port"), "sip"),
        ("tcp", port("server", "tls_port"), "tls"),
        ("udp", rtp_a, "rtp"),
        ("udp", rtp_b, "rtp"),
        ("tcp", port("whiteboard", "port"), "tpkt"),
    ];
    let read = |filter: &str| {
        let mut command = Command::new(&tshark);
        command.arg("-r").arg(&capture);
        for (transport, port, protocol) in ports {
            command.arg("-d").arg(format!("{transport}.port=={port},{protocol}"));
        }
        let output = command.args(["-Y", filter]).output().expect("it starts");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{filter}: {complaint}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    for (transport, port, protocol) in ports {
        let all = read(&format!("{transport}.port=={port} && {protocol}"));
        assert!(!all.is_empty(), "no {protocol} on {transport} port {port}");
        let faults = "(_ws.malformed || _ws.expert.severity == error)";
        let malformed = read(&format!("{transport}.port=={port} && {faults}"));
        assert!(malformed.is_empty(), "{malformed}");
    }
    // RTCP is encrypted behind its first eight octets: it is there, and nothing in it can be read.
    for port in [rtp_a + 1, rtp_b + 1] {
        assert!(!read(&format!("udp.port=={port}")).is_empty(), "no RTCP on port {port}");
    }
    let whiteboard = port("whiteboard", "port");
    for (protocol, at_least) in [("t125", 10), ("t124", 2)] {
        let seen = read(&format!("tcp.port=={whiteboard} && {protocol}")).lines().count();
        assert!(seen >= at_least, "tshark sees {protocol} in {seen} frames");
    }
    let server = port("server", "tcp_port");
    for method in ["REGISTER", "SUBSCRIBE", "NOTIFY", "PUBLISH", "INVITE", "ACK", "MESSAGE", "BYE"]
    {
        let seen = read(&format!("tcp.port=={server} && sip.Method == \"{method}\""));
        assert!(!seen.is_empty(), "tshark sees no {method}");
    }
}

/// Captures on the loopback interface, where this user may.
fn capture_into(tshark: &Path, capture: &Path) -> Option<Peer> {
    let mut command = Command::new(tshark);
    command.args(["-i", "lo", "-w"]).arg(capture).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut capturing = Peer::spawn(&mut command);
    let mut said = BufReader::new(capturing.child().stderr.take().expect("it is piped"));
    let mut all = String::new();
    let mut line = String::new();
    while said.read_line(&mut line).is_ok_and(|len| len > 0) {
        if line.contains("Capturing on") {
            // It says so a little before it is true.
            std::thread::sleep(Duration::from_secs(1));
            std::thread::spawn(move || said.read_to_end(&mut Vec::new()));
            return Some(capturing);
        }
        all.push_str(&line);
        line.clear();
    }
    assert!(std::env::var_os("HANDSET_NEED_PEERS").is_none(), "tshark may not capture here: {all}");
    eprintln!("SKIPPED: tshark may not capture here, nothing was shown: {all}");
    None
}
