//! The whole story with real sockets.

#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

mod common;

use std::path::Path;

use common::{figure, finish, start};
use serde_json::Value;

const STEPS: [&str; 8] =
    ["server", "sign-in", "presence", "messages", "call", "file", "whiteboard", "sign-out"];

/// Two at once, which share the machine's ports; each has to pass, and to leave all of its files.
#[test]
fn two_demos_at_once_show_everything() {
    let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    let demos = folders.each_ref().map(|folder| start(&folder.path().join("new/folder")));
    let events = demos.map(finish);
    for (folder, events) in folders.iter().zip(&events) {
        check(&folder.path().join("new/folder"), events);
    }
    for (step, name) in
        [("server", "tcp_port"), ("sign-in", "alice_sip_port"), ("whiteboard", "port")]
    {
        let [one, other] = events.each_ref().map(|events| figure(events, step, name));
        assert_ne!(one, other, "both had the same {name} at the same time");
    }
}

fn check(folder: &Path, events: &[Value]) {
    let text = std::fs::read_to_string(folder.join("summary.json")).expect("a summary");
    let summary: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(summary["ok"], true, "{summary:#}");
    let steps: Vec<_> =
        summary["steps"].as_array().expect("steps").iter().map(|step| &step["step"]).collect();
    assert_eq!(steps, STEPS);

    let number = |step, name| figure(events, step, name).as_f64().expect("a number");
    assert!(number("call", "loss_percent") <= 1.0);
    assert!(number("call", "mean_jitter_ms") <= 20.0);
    assert!(number("call", "correlation") > 0.9 && number("call", "correlation_back") > 0.9);

    let octets =
        |name: &str| std::fs::read(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let speech = messenger::audio::read_wav(messenger::audio::SPEECH).expect("a WAV file");
    let recording = messenger::audio::read_wav(&octets("call.wav")).expect("a WAV file");
    assert!(messenger::audio::likeness(&speech, &recording, 8000).correlation > 0.9);
    let file = octets("received-holiday.bin");
    assert!(file.len() > 4 << 20 && file == octets("holiday.bin"));
    let picture = octets("whiteboard-alice.png");
    assert!(picture.starts_with(b"\x89PNG") && picture == octets("whiteboard-bob.png"));
}

/// What was received cannot be kept: that step fails, the others do not, and the exit status says so.
#[test]
fn a_step_that_fails_is_marked_and_fails_the_demo() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("received-holiday.bin")).expect("it can be made");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_messenger"))
        .args(["demo", "--out"])
        .arg(folder.path())
        .stdin(std::process::Stdio::null())
        .output()
        .expect("it starts");
    let story = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{story}");
    assert!(!story.contains('\x1b'), "colours are for terminals only");
    let (_, table) = story.split_once("\nstep ").expect("a table");
    for step in STEPS {
        let row =
            table.lines().find(|line| line.starts_with(&format!("{step} "))).expect("its row");
        let result = row.split_ascii_whitespace().nth(1);
        assert_eq!(result, Some(if step == "file" { "FAILED" } else { "ok" }), "{story}");
    }
    assert!(table.contains("received-holiday.bin cannot be written"), "{table}");
    let summary = std::fs::read_to_string(folder.path().join("summary.json")).expect("a summary");
    let summary: Value = serde_json::from_str(&summary).expect("JSON");
    assert_eq!(summary["ok"], false);
}

#[test]
fn a_folder_that_cannot_be_made_is_said_at_once() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_messenger"))
        .args(["demo", "--out"])
        .arg(file.path().join("below-a-file"))
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(1));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(complaint.contains("below-a-file"), "{complaint}");
}
