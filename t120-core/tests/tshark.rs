//! What two nodes say to each other, read by tshark: no packet is malformed.

#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

mod common;

use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use common::Net;
use handset_testkit::peer;
use t120_core::conference::Config;
use t120_core::whiteboard::{Pen, Point, Shape, Text};

const LONG: Duration = Duration::from_secs(60);

#[test]
fn tshark_finds_nothing_malformed() {
    let (Some(tshark), Some(text2pcap)) =
        (peer("tshark", "tshark"), peer("text2pcap", "wireshark-common"))
    else {
        return;
    };
    let mut net = Net::new(5);
    let host = net.add(Config::new("Alice").expect("a short name"));
    net.nodes[host].host("1").expect("nothing is in the way");
    net.drain(host);
    let guest = net.add(Config::new("Bob").expect("a short name"));
    net.join(guest, host);
    net.run(LONG);
    let points: Vec<Point> = (0..200).map(|i| Point::new(i * 7, i * 3)).collect();
    for node in [host, guest] {
        let node_ref = &mut net.nodes[node];
        let text = Text::new("T.120").expect("short");
        let shape = Shape::Text { at: Point::new(1, 2), height: 30, text };
        node_ref.draw(shape, Pen::default(), None).expect("the board is ready");
        let line = Shape::Freehand(points[..].into());
        node_ref.draw(line, Pen::default(), None).expect("the board is ready");
        net.drain(node);
        net.run(LONG);
    }
    net.nodes[guest].leave().expect("there is room");
    net.drain(guest);
    net.run(LONG);

    let mut dump = String::new();
    for (from_guest, packet) in &net.sent {
        let _ = writeln!(dump, "{}", if *from_guest { "O" } else { "I" });
        for (number, line) in packet.chunks(16).enumerate() {
            let _ = write!(dump, "{:06x}", number * 16);
            for octet in line {
                let _ = write!(dump, " {octet:02x}");
            }
            let _ = writeln!(dump);
        }
    }
    let folder = std::env::temp_dir().join(format!("t120-tshark-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for temporary files");
    let (text, pcap) = (folder.join("dump.txt"), folder.join("dump.pcap"));
    std::fs::write(&text, dump).expect("it can be written");
    // The guest's port first: what it sends goes out.
    let made = Command::new(text2pcap)
        .args(["-q", "-D", "-T", "40000,1503"])
        .args([&text, &pcap])
        .output()
        .expect("text2pcap runs");
    assert!(made.status.success(), "{made:?}");
    let read = Command::new(tshark)
        .args(["-d", "tcp.port==1503,tpkt", "-V", "-r"])
        .arg(&pcap)
        .output()
        .expect("tshark runs");
    let shown = String::from_utf8_lossy(&read.stdout);
    let _ = std::fs::remove_dir_all(&folder);
    let bad: Vec<&str> = shown
        .lines()
        .filter(|line| line.contains("Malformed") || line.contains("BER Error"))
        .collect();
    assert!(bad.is_empty(), "{bad:#?}\n{shown}");
    for pdu in ["connect-initial", "connect-response", "attachUserConfirm", "channelJoinConfirm"] {
        assert!(shown.contains(pdu), "{pdu} is not in\n{shown}");
    }
    for pdu in ["conferenceJoinRequest", "conferenceJoinResponse", "sendDataIndication"] {
        assert!(shown.contains(pdu), "{pdu} is not in\n{shown}");
    }
}
