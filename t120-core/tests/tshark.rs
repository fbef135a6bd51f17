//! What two nodes say to each other, read by tshark: no packet is malformed.

#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

mod common;

use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use common::Net;
use handset_testkit::peer;
use t120_core::conference::{Capability, Config, Entity, Event};
use t120_core::gcc::registry::RegistryKey;
use t120_core::gcc::types::{CapabilityClass, CapabilityId, EntityId, Key, SessionKey};
use t120_core::mcs::{ChannelId, DataPriority, Notice, TokenId};
use t120_core::per::{ObjectIdentifier, SizedOctets, Unsigned};
use t120_core::whiteboard::{Pen, Point, Shape, Text};

const LONG: Duration = Duration::from_secs(60);

/// What a node's host asks for, so that all kinds of PDUs are sent.
fn speak(net: &mut Net, node: usize) {
    net.nodes[node].attach_user(1).expect("it is in");
    net.drain(node);
    net.run(LONG);
    let user = net.events[node].iter().rev().find_map(|event| match event {
        Event::Mcs(Notice::Attach { result, .. }) => result.ok(),
        _ => None,
    });
    let user = user.expect("it is attached");
    let machine = &mut net.nodes[node];
    machine.join_channel(user, ChannelId::MIN).expect("it is attached");
    machine.convene_channel(user).expect("it is attached");
    let token = TokenId::new(40 + node as u16).expect("a token");
    machine.grab_token(user, token).expect("it is attached");
    machine.please_token(user, token).expect("it is attached");
    machine.test_token(user, token).expect("it is attached");
    machine.inhibit_token(user, token).expect("it is attached");
    let low = DataPriority::Low;
    machine
        .send_data(user, ChannelId::from_number(77), low, true, &[1; 9000])
        .expect("it is attached");
    machine.send_text("Grüße", None).expect("it is in");
    machine.lock().expect("it is in");
    machine.unlock().expect("it is in");
    machine.announce_time_remaining(60, None).expect("it is in");
    machine.allocate_handles(EntityId::MIN, 5).expect("it is in");
    let key = Key::Object(ObjectIdentifier::new(&[0, 20, 126, 0, 1]).expect("an identifier"));
    let session = SessionKey { application_protocol_key: key, session_id: None };
    let resource_id = SizedOctets::new(b"board").expect("short");
    let key = RegistryKey { session_key: session, resource_id };
    machine.assign_token(EntityId::MIN, key).expect("it is in");
    let capability = Capability {
        id: CapabilityId::Standard(3),
        class: CapabilityClass::UnsignedMax(Unsigned(70000)),
    };
    let entity = Entity {
        id: EntityId::MIN,
        session,
        active: true,
        conducting_operation_capable: false,
        startup_channel: None,
        user: Some(user),
        capabilities: &[capability],
        non_collapsing_capabilities: &[],
    };
    machine.enroll(&entity).expect("it is in");
    net.drain(node);
    net.run(LONG);
    let private = net.events[node].iter().rev().find_map(|event| match event {
        Event::Mcs(Notice::ChannelConvene { result, .. }) => result.ok(),
        _ => None,
    });
    let others: Vec<_> = net.nodes[node].roster().map(|node| node.id).collect();
    let private = private.expect("there is room");
    net.nodes[node].admit_to_channel(user, private, &others).expect("it manages it");
    net.nodes[node].release_token(user, token).expect("it is attached");
    net.nodes[node].grab_token(user, token).expect("it is attached");
    net.drain(node);
    net.run(LONG);
}

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
    speak(&mut net, guest);
    // A conference of its own that becomes a part of this one, tokens, channels and all.
    let third = net.add(Config::new("Carol").expect("a short name"));
    net.nodes[third].host("1").expect("nothing is in the way");
    net.drain(third);
    speak(&mut net, third);
    net.join(third, guest);
    net.run(LONG);
    assert_eq!(net.nodes[third].roster().count(), 3, "they have merged");
    let number = net.nodes[third].node().expect("it is in");
    net.nodes[host].eject(number).expect("the top may");
    net.drain(host);
    net.run(LONG);
    net.nodes[guest].leave().expect("there is room");
    net.drain(guest);
    net.run(LONG);

    let dump = |which: &dyn Fn(&[u8]) -> Option<usize>| {
        let mut dump = String::new();
        for (from_guest, packet) in &net.sent {
            let Some(start) = which(packet) else { continue };
            let _ = writeln!(dump, "{}", if *from_guest { "O" } else { "I" });
            for (number, line) in packet[start..].chunks(16).enumerate() {
                let _ = write!(dump, "{:06x}", number * 16);
                for octet in line {
                    let _ = write!(dump, " {octet:02x}");
                }
                let _ = writeln!(dump);
            }
        }
        dump
    };
    let folder = std::env::temp_dir().join(format!("t120-tshark-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for temporary files");
    let (text, pcap) = (folder.join("dump.txt"), folder.join("dump.pcap"));
    std::fs::write(&text, dump(&|_| Some(0))).expect("it can be written");
    // The guest's port first: what it sends goes out.
    let made = Command::new(&text2pcap)
        .args(["-q", "-D", "-T", "40000,1503"])
        .args([&text, &pcap])
        .output()
        .expect("text2pcap runs");
    assert!(made.status.success(), "{made:?}");
    let read = Command::new(&tshark)
        // X.225 would take some MCSPDUs for its own by their first octets.
        .args(["-d", "tcp.port==1503,tpkt", "--disable-protocol", "ses", "-V", "-r"])
        .arg(&pcap)
        .output()
        .expect("tshark runs");
    let shown = String::from_utf8_lossy(&read.stdout);
    // Over TCP tshark looks for the MCSPDUs of remote desktops only: all of them once more, as
    // packets of nothing else.
    let alone = |packet: &[u8]| matches!(packet, [3, _, _, _, 2, 0xf0, 0x80, ..]).then_some(7);
    std::fs::write(&text, dump(&alone)).expect("it can be written");
    let made =
        Command::new(&text2pcap).args(["-q", "-D", "-l", "147"]).args([&text, &pcap]).output();
    assert!(made.is_ok_and(|made| made.status.success()));
    let read = Command::new(&tshark)
        .args(["-o", "uat:user_dlts:\"User 0 (DLT=147)\",\"t125\",\"0\",\"\",\"0\",\"\""])
        .args(["-V", "-r"])
        .arg(&pcap)
        .output()
        .expect("tshark runs");
    let alone = String::from_utf8_lossy(&read.stdout);
    let bad: Vec<&str> = alone.lines().filter(|line| line.contains("Malformed")).collect();
    assert!(bad.is_empty(), "{bad:#?}");
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
    let others = [
        "mergeChannelsRequest",
        "mergeChannelsConfirm",
        "mergeTokensRequest",
        "mergeTokensConfirm",
        "channelConveneConfirm",
        "channelAdmitRequest",
        "tokenGrabConfirm",
        "tokenInhibitConfirm",
        "tokenPleaseIndication",
        "tokenTestConfirm",
        "tokenReleaseConfirm",
        "uniformSendDataIndication",
    ];
    let missing: Vec<&str> = others.into_iter().filter(|pdu| !alone.contains(pdu)).collect();
    assert!(missing.is_empty(), "tshark does not show {missing:?}");
}
