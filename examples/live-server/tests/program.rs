//! The program: its arguments, its output, its end.

use core::net::SocketAddr;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const USERS: &str =
    "domain = \"example.test\"\n[[user]]\nname = \"alice\"\npassword = \"secret\"\n";

fn program(users: &str, folder: &Path) -> Command {
    let path = folder.join("users.toml");
    std::fs::write(&path, users).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_live-server"));
    command.arg("--users").arg(path);
    command
}

fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn it_prints_where_it_listens_and_ends_at_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = folder.path().join("cert.pem");
    let mut server = program(USERS, folder.path())
        .args(["--json", "--udp", "127.0.0.1:0", "--tcp", "127.0.0.1:0", "--tls", "127.0.0.1:0"])
        .arg("--write-cert")
        .arg(&certificate)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    let mut transports = Vec::new();
    let ready = loop {
        let event = next();
        match event["event"].as_str().unwrap() {
            "listening" => {
                let address: SocketAddr = event["address"].as_str().unwrap().parse().unwrap();
                assert_ne!(address.port(), 0);
                transports.push(event["transport"].as_str().unwrap().to_owned());
            }
            "certificate" => assert_eq!(event["self_signed"], true),
            _ => break event,
        }
    };
    assert_eq!(transports, ["udp", "tcp", "tls"]);
    assert_eq!((ready["event"].as_str(), ready["users"].as_u64()), (Some("ready"), Some(1)));
    assert!(
        std::fs::read_to_string(certificate).unwrap().starts_with("-----BEGIN CERTIFICATE-----")
    );
    let killed = Command::new("kill").arg(server.id().to_string()).status().unwrap();
    assert!(killed.success());
    assert_eq!(next()["event"], "stopped");
    assert_eq!(server.wait().unwrap().code(), Some(0));
}

#[test]
fn what_is_wrong_is_said_clearly() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Command::new(env!("CARGO_BIN_EXE_live-server"))
        .args(["--users", "/nowhere/users.toml"])
        .output()
        .unwrap();
    assert!(complaint(&missing).contains("/nowhere/users.toml"));

    let unknown = program(&format!("{USERS}colour = \"red\"\n"), folder.path()).output().unwrap();
    let text = complaint(&unknown);
    assert!(text.contains("line 5") && text.contains("colour"), "{text}");

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = program(USERS, folder.path()).args(["--tcp", &address]).output().unwrap();
    let text = complaint(&refused);
    assert!(text.contains(&address) && text.contains("in use"), "{text}");

    let everywhere = program(USERS, folder.path()).args(["--tcp", "0.0.0.0:0"]).output().unwrap();
    assert!(complaint(&everywhere).contains("--advertise"));

    let usage = program(USERS, folder.path()).args(["--tcp", "nonsense"]).output().unwrap();
    assert_eq!(usage.status.code(), Some(2));
}
