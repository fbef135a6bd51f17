//! SIPp as the clients of the server: it signs in with a digest, and calls itself through the server.

mod common;

use core::net::SocketAddr;
use core::time::Duration;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::TestServer;
use handset_testkit::{Peer, free_port, peer};
use live_server::Notice;
use sip_core::auth::Algorithm;

struct Sipp {
    program: PathBuf,
    folder: tempfile::TempDir,
}

impl Sipp {
    fn find() -> Option<Self> {
        let program = peer("sipp", "sip-tester")?;
        Some(Self { program, folder: tempfile::tempdir().unwrap() })
    }

    fn command(
        &self,
        scenario: &str,
        user: &str,
        port: u16,
        server: SocketAddr,
        tcp: bool,
    ) -> Command {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sipp").join(scenario);
        let mut command = Command::new(&self.program);
        command
            .current_dir(self.folder.path())
            .arg(server.to_string())
            .arg("-sf")
            .arg(path)
            .args(["-t", if tcp { "t1" } else { "u1" }])
            .args(["-i", "127.0.0.1", "-p", &port.to_string(), "-m", "1", "-nostdin"])
            .args(["-au", user, "-ap", &format!("{user}'s secret")])
            .args(["-timeout", "20s", "-timeout_error"])
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    /// Runs a scenario to its end; every call in it must be a good one.
    fn run(&self, mut command: Command) {
        let output = command.output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(0),
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// SIPp 3.6 takes the first challenge there is, and knows MD5 only.
fn server() -> TestServer {
    TestServer::start_with(|config| config.digests = vec![Algorithm::Md5])
}

fn calls_through_the_server(tcp: bool) {
    let Some(sipp) = Sipp::find() else { return };
    let server = server();
    let address = if tcp { server.ready.tcp[0] } else { server.ready.udp[0] };
    let port = free_port();
    let mut register = sipp.command("register.xml", "bob", port, address, tcp);
    register.args(["-s", "bob"]);
    sipp.run(register);
    server.notice(|notice| matches!(notice, Notice::Registered { user, .. } if user == "bob"));

    // The same port again: over TCP the connection that has signed in is gone by now, and the server
    // opens one to the port in the Contact.
    let mut answer = Peer::spawn(&mut sipp.command("answer.xml", "bob", port, address, tcp));
    let mut call = sipp.command("call.xml", "alice", free_port(), address, tcp);
    call.args(["-s", "bob"]);
    std::thread::sleep(Duration::from_millis(300));
    sipp.run(call);
    server
        .notice(|notice| matches!(notice, Notice::Call { state: "answered", code: Some(200), .. }));
    server.notice(|notice| matches!(notice, Notice::Call { state: "ended", .. }));
    assert_eq!(answer.child().wait().unwrap().code(), Some(0));
}

#[test]
fn sipp_calls_sipp_over_udp() {
    calls_through_the_server(false);
}

#[test]
fn sipp_calls_sipp_over_tcp() {
    calls_through_the_server(true);
}

#[test]
fn sipp_signs_in_a_thousand_times() {
    let Some(sipp) = Sipp::find() else { return };
    let server = server();
    let mut register =
        sipp.command("register.xml", "alice", free_port(), server.ready.udp[0], false);
    // One contact, renewed by call after call.
    register.args(["-s", "alice", "-m", "1000", "-r", "500"]);
    sipp.run(register);
    let notices = server.stop();
    let registered = notices
        .iter()
        .filter(|notice| matches!(notice, Notice::Registered { devices: 1, .. }))
        .count();
    assert_eq!(registered, 1000);
}
