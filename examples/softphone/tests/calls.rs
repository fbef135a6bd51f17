//! Softphones that call each other, and ends that scripts can tell apart.

#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

mod common;

use common::{Softphone, answer, assert_heard, number, speech, text};

/// The arguments of a call from a port of its own.
fn calling<'a>(uri: &'a str, more: &[&'a str]) -> Softphone {
    Softphone::start(&[&["call", uri, "--local", "127.0.0.1:0"], more].concat())
}

#[test]
fn each_hears_what_the_other_says_under_srtp() {
    let folder = tempfile::tempdir().unwrap();
    let (said_file, said) = speech(folder.path(), 3.0);
    let (answered_file, answered) = answer(folder.path(), 3.0);
    let (at_alice, at_bob) = (folder.path().join("alice.wav"), folder.path().join("bob.wav"));
    let path = |file: &std::path::Path| file.to_str().unwrap().to_owned();
    let (mut bob, uri) = Softphone::answering(&[
        "--play",
        &path(&answered_file),
        "--record",
        &path(&at_bob),
        "--calls",
        "1",
        "--srtp",
        "offer",
    ]);
    let mut alice = calling(
        &uri,
        &[
            "--play",
            &path(&said_file),
            "--until-said",
            "--record",
            &path(&at_alice),
            "--srtp",
            "require",
            "--dtmf",
            "1*",
            "--stats",
        ],
    );
    let up = alice.event("answered");
    assert_eq!((text(&up, "codec"), text(&up, "srtp")), ("G722", "AES_CM_128_HMAC_SHA1_80"));
    for digit in ["1", "*"] {
        bob.expect("digit", |value| value["digit"] == digit);
    }
    let stats = alice.expect("stats", |value| !value["round_trip_ms"].is_null());
    assert!(number(&stats, "mos") > 3.0 && number(&stats, "received") > 10.0, "{stats}");
    let ended = alice.event("ended");
    assert_eq!(ended["stats"]["refused"], 0, "{ended}");
    assert_eq!((alice.wait(), bob.wait()), (0, 0));
    assert_heard(&said, &at_bob);
    assert_heard(&answered, &at_alice);
}

#[test]
fn a_call_is_held_and_taken_back() {
    let (mut bob, uri) = Softphone::answering(&["--calls", "1", "--srtp", "offer"]);
    let mut alice = calling(&uri, &["--srtp", "offer"]);
    alice.event("sound");
    alice.say("hold");
    alice.event("held");
    bob.expect("changed", |value| value["direction"] == "recvonly");
    alice.say("resume");
    alice.event("resumed");
    bob.expect("changed", |value| value["direction"] == "sendrecv");
    // And from the other side.
    bob.say("hold");
    bob.event("held");
    alice.expect("changed", |value| value["direction"] == "recvonly");
    alice.say("message still there?");
    let message = bob.event("message");
    assert_eq!((text(&message, "text"), &message["call"]), ("still there?", &1.into()));
    alice.event("delivered");
    bob.say("hangup");
    let ended = alice.event("ended");
    assert_eq!(
        (text(&ended, "reason"), &ended["stats"]["refused"]),
        ("the other side has hung up", &0.into())
    );
    assert_eq!((alice.wait(), bob.wait()), (0, 0));
}

#[test]
fn a_blind_transfer_brings_two_others_together() {
    let (mut carol, to_carol) = Softphone::answering(&["--calls", "1"]);
    let (mut bob, to_bob) = Softphone::answering(&["--calls", "1"]);
    let mut alice = calling(&to_bob, &[]);
    alice.event("sound");
    alice.say(&format!("transfer {to_carol}"));
    let asked = bob.event("transfer-requested");
    assert_eq!(text(&asked, "to"), to_carol);
    alice.expect("transfer-progress", |value| value["over"] == true && value["code"] == 200);
    assert_eq!(alice.wait(), 0);
    carol.event("sound");
    bob.expect("sound", |value| value["call"] == 2);
    carol.say("hangup");
    assert_eq!(carol.wait(), 0);
    bob.expect("ended", |value| value["call"] == 2);
    assert_eq!(bob.wait(), 0);
}

#[test]
fn an_attended_transfer_connects_the_two_that_were_talked_to() {
    let (mut carol, to_carol) = Softphone::answering(&["--calls", "2"]);
    let (mut bob, to_bob) = Softphone::answering(&["--calls", "2"]);
    let mut alice = calling(&to_bob, &[]);
    alice.event("sound");
    alice.say("hold");
    alice.event("held");
    alice.say(&format!("dial {to_carol}"));
    alice.expect("sound", |value| value["call"] == 2);
    alice.say("attended 1");
    let incoming = carol.expect("incoming", |value| value["call"] == 2);
    assert_eq!(incoming["replaces"], 1);
    carol.expect("sound", |value| value["call"] == 2);
    bob.expect("sound", |value| value["call"] == 2);
    assert_eq!(alice.wait(), 0);
    bob.say("hangup");
    assert_eq!((bob.wait(), carol.wait()), (0, 0));
}

#[test]
fn scripts_can_tell_how_a_call_came_out() {
    let (_busy, uri) = Softphone::answering(&["--reject", "486"]);
    let mut alice = calling(&uri, &[]);
    let ended = alice.event("ended");
    assert!(text(&ended, "reason").contains("486"), "{ended}");
    assert_eq!(alice.wait(), 5);

    // No SRTP where it is required, and no codec in common.
    let (_clear, uri) = Softphone::answering(&["--codecs", "pcmu"]);
    let mut alice = calling(&uri, &["--srtp", "require"]);
    let ended = alice.event("ended");
    assert!(text(&ended, "reason").contains("--srtp"), "{ended}");
    assert_eq!(alice.wait(), 8);
    assert_eq!(calling(&uri, &["--codecs", "pcma"]).wait(), 8);

    // It rings in vain.
    let (_silent, uri) = Softphone::answering(&["--manual"]);
    assert_eq!(calling(&uri, &["--ring-timeout", "1"]).wait(), 4);

    // Nobody is there, and the connection says so.
    let port = handset_testkit::free_port();
    let nobody = format!("sip:nobody@127.0.0.1:{port}");
    assert_eq!(calling(&nobody, &["--transport", "tcp"]).wait(), 7);

    // Wrong on this machine, and on the command line.
    assert_eq!(calling(&uri, &["--play", "/nowhere.wav"]).wait(), 1);
    assert_eq!(calling(&uri, &["--srtp", "sometimes"]).wait(), 2);
}

#[test]
fn calls_go_over_tcp_and_a_signal_hangs_up() {
    let (mut bob, uri) = Softphone::answering(&["--calls", "1"]);
    let mut alice = calling(&uri, &["--transport", "tcp", "--codecs", "pcma"]);
    let up = alice.event("answered");
    assert_eq!((text(&up, "codec"), &up["srtp"]), ("PCMA", &serde_json::Value::Null));
    alice.event("sound");
    alice.terminate();
    assert_eq!(alice.wait(), 0);
    let ended = bob.event("ended");
    assert_eq!(text(&ended, "reason"), "the other side has hung up");
    assert_eq!(bob.wait(), 0);
}

#[test]
fn messages_and_questions_go_without_a_server() {
    let (mut bob, uri) = Softphone::answering(&[]);
    let arguments = ["message", &uri, "Grüße", "--local", "127.0.0.1:0"];
    let mut alice = Softphone::start(&arguments);
    alice.event("delivered");
    assert_eq!(alice.wait(), 0);
    let message = bob.event("message");
    assert_eq!((text(&message, "text"), &message["call"]), ("Grüße", &serde_json::Value::Null));
    let mut asking = Softphone::start(&["options", &uri, "--local", "127.0.0.1:0"]);
    let answer = asking.event("options");
    assert!(text(&answer, "response").contains("Allow: INVITE"), "{answer}");
    assert_eq!((asking.wait(), bob.quit()), (0, 0));
}

#[test]
fn calls_go_over_ipv6() {
    let mut bob = Softphone::start(&["answer", "--local", "[::1]:0", "--calls", "1"]);
    let uri = format!("sip:bob@{}", bob.address());
    let mut alice = Softphone::start(&["call", &uri, "--local", "[::1]:0", "--srtp", "offer"]);
    let up = alice.event("answered");
    assert!(text(&up, "remote").starts_with("[::1]:"), "{up}");
    alice.event("sound");
    assert_eq!((alice.quit(), bob.wait()), (0, 0));
}
