//! `messenger ports` as a person runs it.

#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

use std::io::Write;
use std::process::{Command, Output};

use handset_testkit::peer;

fn messenger(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_messenger")).args(arguments).output().expect("it starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn policy(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(text.as_bytes()).expect("it can be written");
    file
}

fn with_policy(text: &str, format: &str) -> Output {
    let file = policy(text);
    let path = file.path().to_str().expect("a plain name");
    messenger(&["ports", "--policy", path, "--format", format])
}

#[test]
fn the_default_table_names_every_port() {
    let output = messenger(&["ports"]);
    assert!(output.status.success());
    let table = stdout(&output);
    for ports in ["5060", "5061", "7100-7103", "5350-5353", "6891-6900", "1503"] {
        assert!(
            table.lines().any(|line| line.split_ascii_whitespace().nth(2) == Some(ports)),
            "{ports}\n{table}"
        );
    }
}

#[test]
fn json_says_the_same_as_the_table() {
    let json: serde_json::Value =
        serde_json::from_slice(&messenger(&["ports", "--format", "json"]).stdout).expect("JSON");
    let rules = json["rules"].as_array().expect("rules");
    let table = stdout(&messenger(&["ports"]));
    assert_eq!(rules.len(), table.lines().skip(1).take_while(|line| !line.is_empty()).count());
    for rule in rules {
        let purpose = rule["purpose"].as_str().expect("a purpose");
        let line = table.lines().find(|line| {
            line.ends_with(purpose)
                && line.starts_with(rule["direction"].as_str().expect("a direction"))
        });
        assert!(line.expect("its line").contains(&rule["low"].to_string()), "{rule}");
    }
}

#[test]
fn nft_takes_the_rules() {
    let output = with_policy("[sip]\nmin = 8000\nmax = 8009\n", "nftables");
    assert!(output.status.success());
    let rules = stdout(&output);
    assert!(
        rules.contains("tcp dport 8000-8009 accept")
            && rules.contains("udp dport 8000-8009 accept")
    );
    assert!(!rules.contains("7100"));

    let Some(nft) = peer("nft", "nftables") else { return };
    let file = policy(&rules);
    let check =
        Command::new(nft).args(["--check", "--file"]).arg(file.path()).output().expect("it starts");
    let complaint = String::from_utf8_lossy(&check.stderr);
    if complaint.contains("Operation not permitted") {
        eprintln!("SKIPPED: nft may not ask this kernel: nothing was shown here");
        return;
    }
    assert!(check.status.success(), "{complaint}");
}

#[test]
fn a_bad_policy_is_refused_with_file_line_and_reason() {
    for (text, reasons) in [
        ("[sip]\nmin = 80\n", ["line 2", "1024 to 65535"]),
        ("[media]\nmin = 6000\nmax = 5000\n", ["line 3", "[media]"]),
        ("[files]\nmax = 70000\n", ["line 2", "70000"]),
        ("[t120]\nports = 1503\n", ["line 2", "unknown field"]),
    ] {
        let output = with_policy(text, "text");
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(output.stdout.is_empty());
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(reasons.iter().all(|reason| complaint.contains(reason)), "{text}: {complaint}");
    }
    let output = messenger(&["ports", "--policy", "/nonexistent/policy.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nonexistent/policy.toml"));
}
