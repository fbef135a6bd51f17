//! Captures: ladders in text, JSON and SVG, and the figures of RTP streams.

#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

#[path = "common/capture.rs"]
mod capture;

use std::path::{Path, PathBuf};
use std::process::Command;

use capture::{Capture, Link, call, rtp, sdp, sip};
use serde_json::Value;

/// What a run came to.
struct Shown {
    code: i32,
    text: String,
    errors: String,
}

fn run(arguments: &[&str], file: &Path) -> Shown {
    let output = Command::new(env!("CARGO_BIN_EXE_inspect"))
        .arg("pcap")
        .args(arguments)
        .arg(file)
        .output()
        .expect("the program starts");
    Shown {
        code: output.status.code().expect("no signal ends it"),
        text: String::from_utf8(output.stdout).expect("it is text"),
        errors: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A folder with a file of these octets in it.
fn file(octets: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("calls.pcap");
    std::fs::write(&path, octets).expect("it can be written");
    (folder, path)
}

fn json(octets: &[u8]) -> Value {
    let (_folder, path) = file(octets);
    let shown = run(&["--json"], &path);
    serde_json::from_str(&shown.text).unwrap_or_else(|_| panic!("no JSON: {}", shown.errors))
}

#[test]
fn a_call_is_drawn_as_a_ladder() {
    let (_folder, path) = file(&call(Link::Ethernet).pcap());
    let shown = run(&["--width", "100"], &path);
    assert_eq!(shown.code, 0, "{}", shown.errors);
    let lines: Vec<&str> = shown.text.lines().collect();
    let line = |words: &[&str]| {
        let found = lines.iter().position(|line| words.iter().all(|word| line.contains(word)));
        found.unwrap_or_else(|| panic!("no line has {words:?}:\n{}", shown.text))
    };
    let order = [
        line(&["call 1", "call-1@example.com"]),
        line(&["sip:alice@example.com → sip:bob@example.com"]),
        line(&["INVITE: 200 OK after 1.500 s", "2.500 s until a BYE from 192.0.2.1:5060"]),
        line(&["time s", "192.0.2.1", "192.0.2.2"]),
        line(&["0.000", "│─", " INVITE (SDP) ", "▶│"]),
        line(&["audio 192.0.2.1:4000 PCMU,telephone-event sendrecv"]),
        line(&["0.500", "╌ INVITE (SDP) [repeat 1] ╌", "▶│"]),
        line(&["0.520", "│◀─", " 180 Ringing ", "─│"]),
        line(&["1.500", "│◀─", " 200 OK (SDP) "]),
        line(&["audio 192.0.2.2:5000"]),
        line(&["1.510", " ACK ", "▶│"]),
        line(&["1.600", "│ RTP PCMU, 90 packets, loss 10.0 %"]),
        line(&["│═══", "═══▶│"]),
        line(&["1.605", "│ RTP PCMU, 100 packets, loss 0.0 %"]),
        line(&["│◀══", "════│"]),
        line(&["4.000", " BYE ", "▶│"]),
        line(&["4.012", "│◀─", " 200 OK "]),
        line(&["stream 1", "192.0.2.1:4000 → 192.0.2.2:5000", "PCMU/8000", "SSRC 000a11ce"]),
    ];
    assert!(order.is_sorted(), "{order:?}\n{}", shown.text);
    assert!(lines.iter().all(|line| line.chars().count() <= 100), "{}", shown.text);
}

#[test]
fn the_text_is_as_narrow_as_is_asked_for() {
    let (_folder, path) = file(&call(Link::Ethernet).pcap());
    for width in [40, 60, 80, 200] {
        let shown = run(&["--width", &width.to_string()], &path);
        assert_eq!(shown.code, 0);
        let widest = shown.text.lines().map(|line| line.chars().count()).max();
        assert!(widest.is_some_and(|widest| widest <= width), "{width}:\n{}", shown.text);
        for word in ["INVITE", "180 Ringing", "BYE", "RTP PCMU"] {
            assert!(shown.text.contains(word), "{width} {word}:\n{}", shown.text);
        }
    }
}

#[test]
fn the_picture_is_xml_with_an_arrow_for_each_message() {
    let mut capture = call(Link::Ethernet);
    let hostile = "SIP/2.0 486 <script>&\"\u{202e}\u{1b}[31m";
    capture.udp(
        5_000_000,
        "192.0.2.2:5060",
        "192.0.2.1:5060",
        &sip("call-2&<x>@example.com", hostile, "9 OPTIONS", "q", ""),
    );
    let (folder, path) = file(&capture.pcap());
    let picture = folder.path().join("calls.svg");
    let shown = run(&["--svg", picture.to_str().expect("a plain name")], &path);
    assert_eq!(shown.code, 0, "{}", shown.errors);
    assert!(!shown.text.contains('\u{1b}') && !shown.text.contains('\u{202e}'));

    let text = std::fs::read_to_string(&picture).expect("it is there");
    let document = roxmltree::Document::parse(&text).expect("it is well-formed");
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "svg");
    assert_eq!(root.tag_name().namespace(), Some("http://www.w3.org/2000/svg"));
    let arrows = document.descendants().filter(|node| node.has_attribute("marker-end"));
    // Eight messages and one hostile one, two streams.
    assert_eq!(arrows.count(), 7 + 1 + 2);
    let texts: Vec<&str> = document
        .descendants()
        .filter(|node| node.has_tag_name((root.tag_name().namespace().unwrap_or(""), "text")))
        .filter_map(|node| node.text())
        .collect();
    for word in
        ["INVITE (SDP)", "180 Ringing", "200 OK (SDP)", "192.0.2.2", "486 <script>&\"··[31m"]
    {
        assert!(texts.contains(&word), "{word}: {texts:#?}");
    }
    assert!(texts.iter().any(|text| text.starts_with("RTP PCMU, 90 packets")));
    // Nothing is fetched from elsewhere, and nothing runs.
    let named = |name| document.descendants().any(|node| node.tag_name().name() == name);
    assert!(!named("script") && !named("image") && !text.contains("@import"));
    assert_eq!(text.matches("http").count(), 1, "only the name space");
    // All is within the picture.
    let number = |node: roxmltree::Node<'_, '_>, name: &str| {
        node.attribute(name).and_then(|value| value.parse::<f64>().ok())
    };
    let (width, height) = (number(root, "width"), number(root, "height"));
    for node in document.descendants().filter(|node| node.tag_name().name() == "line") {
        assert!(number(node, "x2") <= width && number(node, "y2") <= height, "{node:?}");
    }
}

#[test]
fn dialogs_transactions_and_media_are_told_in_json() {
    let report = json(&call(Link::Ethernet).pcap());
    assert_eq!(report["valid"], true);
    assert_eq!(report["capture"]["sip_messages"], 7);
    let call = &report["calls"][0];
    assert_eq!(call["call_id"], "call-1@example.com");
    assert_eq!(call["dialogs"].as_array().map(Vec::len), Some(1));
    assert_eq!(call["dialogs"][0]["to_tag"], "b1");
    let transactions = call["transactions"].as_array().expect("there are some");
    let find = |method: &str| transactions.iter().find(|t| t["method"] == method);
    let invite = find("INVITE").expect("it is there");
    assert_eq!((&invite["status"], &invite["repeats"]), (&200.into(), &1.into()));
    assert_eq!(invite["first_answer_ms"], 520.0);
    assert_eq!(find("BYE").expect("it is there")["final_answer_ms"], 12.0);
    let first = &call["messages"][0];
    assert_eq!((&first["method"], &first["time"]), (&"INVITE".into(), &0.0.into()));
    assert_eq!(first["media"][0]["port"], 4000);
    assert_eq!(call["messages"][1]["repeats"], 1);
    assert_eq!(call["streams"], serde_json::json!([1, 2]));
    let stream = &report["streams"][0];
    assert_eq!((&stream["expected"], &stream["lost"]), (&100.into(), &10.into()));
    assert_eq!((&stream["codec"], &stream["call"]), (&"PCMU".into(), &1.into()));
    assert_eq!(report["streams"][1]["lost"], 0);
}

#[test]
fn every_link_layer_and_both_formats_give_the_same() {
    let mut expected = json(&call(Link::Ethernet).pcap());
    let octets = |report: &mut Value| {
        let capture = report["capture"].as_object_mut().expect("an object");
        capture.remove("format").zip(capture.remove("octets"))
    };
    octets(&mut expected);
    let check = |what: &str, file: &[u8]| {
        let mut report = json(file);
        octets(&mut report);
        assert_eq!(report, expected, "{what}");
    };
    for link in [Link::Null, Link::Raw, Link::Sll, Link::Sll2, Link::Ethernet] {
        check(&format!("{link:?}"), &call(link).pcap());
        check(&format!("{link:?}, pcapng"), &call(link).pcapng());
    }
    for tags in [1, 2, 3, 4, 7] {
        let mut capture = call(Link::Ethernet);
        capture.tags = tags;
        check(&format!("{tags} tags"), &capture.pcap());
    }
}

#[test]
fn ipv6_fragments_and_cut_packets_are_read() {
    let mut capture = Capture::new(Link::Ethernet);
    let (a, b) = ("[2001:db8::1]:5060", "[2001:db8::2]:5060");
    capture.udp(0, a, b, &sip("six", "OPTIONS sip:b@example.com SIP/2.0", "1 OPTIONS", "", ""));
    let long = sdp("192.0.2.9", 6000, &"a=note:long\r\n".repeat(300));
    let message = sip("long", "INVITE sip:b@example.com SIP/2.0", "1 INVITE", "", &long);
    capture.fragments(1000, "192.0.2.9:5060", "192.0.2.8:5060", &message, 1480);
    let report = json(&capture.pcap());
    let ids: Vec<&Value> =
        report["calls"].as_array().expect("calls").iter().map(|c| &c["call_id"]).collect();
    assert_eq!(ids, ["six", "long"]);
    assert_eq!(report["calls"][0]["messages"][0]["from"], a);
    assert_eq!(report["calls"][1]["messages"][0]["media"][0]["port"], 6000);
    assert_eq!(report["capture"]["left_out"]["fragmented_datagrams"], 0);
    capture.packets.pop();
    assert_eq!(json(&capture.pcap())["capture"]["left_out"]["fragmented_datagrams"], 1);

    // Of RTP the header is enough; the length is that on the wire.
    let whole = json(&call(Link::Ethernet).pcap());
    let cut = json(&call(Link::Ethernet).pcap_cut(60));
    assert!(cut["capture"]["cut_packets"].as_u64() > Some(190));
    assert_eq!(cut["streams"].as_array().map(Vec::len), Some(2));
    for name in ["packets", "octets", "lost", "mean_jitter_ms"] {
        assert_eq!(cut["streams"][0][name], whole["streams"][0][name], "{name}");
    }
}

#[test]
fn sip_over_tcp_is_put_in_order_and_cut_into_messages() {
    let mut capture = Capture::new(Link::Ethernet);
    let (a, b) = ("192.0.2.1:49152", "192.0.2.2:5060");
    let invite =
        sip("tcp", "INVITE sip:b@example.com SIP/2.0", "1 INVITE", "", &sdp("192.0.2.1", 4000, ""));
    let options = sip("tcp", "OPTIONS sip:b@example.com SIP/2.0", "2 OPTIONS", "", "");
    let stream = [invite.as_slice(), b"\r\n\r\n", &options].concat();
    capture.tcp(0, a, b, u32::MAX - 100, true, b"");
    let start = (u32::MAX - 100).wrapping_add(1);
    let mut send = |at, from: usize, to: usize| {
        let sequence = start.wrapping_add(u32::try_from(from).expect("it is near"));
        capture.tcp(at, a, b, sequence, false, &stream[from..to]);
    };
    send(10, 0, 100);
    send(20, 300, stream.len());
    send(30, 0, 100);
    send(40, 80, 350);
    capture.tcp(50, b, a, 7, true, b"");
    capture.tcp(60, b, a, 8, false, &sip("tcp", "SIP/2.0 200 OK", "2 OPTIONS", "x", ""));
    let report = json(&capture.pcap());
    let messages = report["calls"][0]["messages"].as_array().expect("messages");
    let what: Vec<String> =
        messages.iter().map(|m| format!("{}{}", m["method"], m["status"])).collect();
    assert_eq!(what, ["\"INVITE\"null", "\"OPTIONS\"null", "null200"]);
    assert!(messages.iter().all(|message| message["transport"] == "TCP"));
    assert_eq!(report["capture"]["tcp"]["gaps"], 0);
}

#[test]
fn streams_without_a_call_are_found_by_what_they_look_like() {
    let mut capture = Capture::new(Link::Ethernet);
    for n in 0..50u16 {
        let packet = rtp(111, n, u32::from(n) * 960, 77);
        capture.udp(u64::from(n) * 20_000, "192.0.2.1:40000", "192.0.2.2:50000", &packet);
        // What only has the right first octet is none.
        let noise =
            [0x80, 1, (n.wrapping_mul(12_345) >> 8) as u8, n as u8, 9, 9, 9, 9, 1, 2, 3, n as u8];
        capture.udp(u64::from(n) * 20_000, "192.0.2.1:40001", "192.0.2.2:50001", &noise);
    }
    let report = json(&capture.pcap());
    let streams = report["streams"].as_array().expect("streams");
    assert_eq!(streams.len(), 1, "{streams:#?}");
    let stream = &streams[0];
    assert_eq!((&stream["packets"], &stream["lost"]), (&50.into(), &0.into()));
    assert_eq!((&stream["clock_rate"], &stream["clock_known"]), (&48_000.into(), &false.into()));
    assert_eq!(stream["call"], Value::Null);
    assert!(stream["mean_jitter_ms"].as_f64().is_some_and(|jitter| jitter < 0.01));
}

#[test]
fn calls_are_chosen_by_id_number_caller_and_method() {
    let mut capture = call(Link::Ethernet);
    let message = "MESSAGE sip:carol@example.com SIP/2.0";
    capture.udp(
        9_000_000,
        "192.0.2.1:5060",
        "192.0.2.3:5060",
        &sip("im-9@example.com", message, "1 MESSAGE", "", ""),
    );
    let (_folder, path) = file(&capture.pcap());
    let chosen = |arguments: &[&str]| {
        let shown = run(&[&["--json"], arguments].concat(), &path);
        let report: Value = serde_json::from_str(&shown.text).expect("it is JSON");
        let calls = report["calls"].as_array().expect("calls").iter();
        (shown.code, calls.map(|call| call["number"].as_u64().unwrap_or(0)).collect::<Vec<_>>())
    };
    assert_eq!(chosen(&[]), (0, vec![1, 2]));
    assert_eq!(chosen(&["--call", "im-9"]), (0, vec![2]));
    assert_eq!(chosen(&["--call", "2"]), (0, vec![2]));
    assert_eq!(chosen(&["--method", "bye"]), (0, vec![1]));
    assert_eq!(chosen(&["--from", "ALICE@"]), (0, vec![1, 2]));
    assert_eq!(chosen(&["--from", "alice", "--method", "MESSAGE"]), (0, vec![2]));
    assert_eq!(chosen(&["--call", "nobody"]), (1, vec![]));
    let shown = run(&["--from", "nobody"], &path);
    assert!(shown.errors.contains("none of the 2 calls"), "{}", shown.errors);
}

#[test]
fn what_else_is_in_it_is_named() {
    let mut capture = Capture::new(Link::Ethernet);
    capture.udp(0, "192.0.2.5:2000", "192.0.2.6:69", b"\0\x01phone.cfg\0octet\0");
    capture.tcp(1000, "192.0.2.7:3000", "192.0.2.8:1503", 1, true, b"");
    capture.tcp(2000, "192.0.2.8:1503", "192.0.2.7:3000", 1, false, b"\x03\0\0\x04");
    let (_folder, path) = file(&capture.pcap());
    let shown = run(&[], &path);
    assert!(
        shown.text.contains("192.0.2.5:2000 reads phone.cfg from 192.0.2.6:69"),
        "{}",
        shown.text
    );
    assert_eq!(shown.text.matches("T.120").count(), 1, "{}", shown.text);
    assert!(shown.text.contains("192.0.2.7:3000 → 192.0.2.8:1503"), "{}", shown.text);
}

#[test]
fn wrong_calls_and_files_are_told_what_to_do() {
    let (folder, path) = file(b"INVITE sip:bob@example.com SIP/2.0\r\n\r\n");
    let shown = run(&[], &path);
    assert_eq!(shown.code, 2);
    assert!(shown.errors.contains("tcpdump -w") && shown.errors.contains("calls.pcap"));
    let shown = run(&[], &folder.path().join("none"));
    assert!(shown.code == 2 && shown.errors.contains("cannot open"), "{}", shown.errors);
    let shown = run(&[], folder.path());
    assert!(shown.code == 2 && shown.errors.contains("folder"), "{}", shown.errors);
    let shown = run(&["--hex"], &path);
    assert!(shown.code == 2 && shown.errors.contains("--hex"), "{}", shown.errors);

    let whole = call(Link::Ethernet).pcap();
    let (_folder, path) = file(&whole[..whole.len() - 5]);
    let shown = run(&[], &path);
    assert_eq!(shown.code, 1);
    assert!(shown.errors.contains("cut off"), "{}", shown.errors);
    assert!(shown.text.contains("INVITE"), "what is there is shown");
}
