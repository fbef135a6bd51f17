//! The SDK's own server: over TLS, with a certificate that is trusted or is not.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use live_server::{Config, Users};
use tokio::sync::oneshot;

use crate::common::{SOON, Softphone, text};

/// A server on TLS; it ends with the test.
struct Server {
    address: std::net::SocketAddr,
    certificate: std::path::PathBuf,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
    folder: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let certificate = folder.path().join("cert.pem");
        let mut users = Users::new("example.test").unwrap();
        for name in ["alice", "bob"] {
            users.add(name, "secret").unwrap();
        }
        let mut config = Config::new(users);
        config.tls.push(([127, 0, 0, 1], 0).into());
        config.write_cert = Some(certificate.clone());
        let (ready, is_ready) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(live_server::run(config, ready, stopped)).unwrap();
        });
        let ready = is_ready.blocking_recv().expect("it listens");
        Self { address: ready.tls[0], certificate, stop: Some(stop), thread: Some(thread), folder }
    }

    fn phone(&self, command: &[&str], user: &str, more: &[&str]) -> Softphone {
        let (account, server) = (format!("sip:{user}@example.test"), self.address.to_string());
        let common = [
            "-a",
            &account,
            "--password",
            "secret",
            "--server",
            &server,
            "--transport",
            "tls",
            "--local",
            "127.0.0.1:0",
            "--tls-name",
            "example.test",
        ];
        Softphone::start(&[command, &common[..], more].concat())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let until = Instant::now() + SOON;
            while !thread.is_finished() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

#[test]
fn a_call_goes_over_tls_with_required_srtp_of_gcm() {
    let server = Server::start();
    let ca = server.certificate.to_str().unwrap();
    let srtp = ["--ca", ca, "--srtp", "require", "--srtp-suites", "gcm256,aes-cm-80"];
    let mut bob = server.phone(&["answer", "--calls", "1"], "bob", &srtp);
    bob.event("registered");
    let mut alice = server.phone(&["call", "bob"], "alice", &srtp);
    assert_eq!(text(&alice.event("answered"), "srtp"), "AEAD_AES_256_GCM");
    alice.event("sound");
    bob.event("sound");
    alice.say("hold");
    alice.event("held");
    alice.say("resume");
    alice.event("resumed");
    alice.say("hangup");
    let ended = alice.event("ended");
    assert_eq!(ended["stats"]["refused"], 0, "{ended}");
    assert_eq!((alice.wait(), bob.wait()), (0, 0));
}

#[test]
fn a_certificate_that_is_not_trusted_is_refused() {
    let server = Server::start();
    // Another one's, which says nothing of this server.
    let other = Server::start();
    let phone =
        server.phone(&["register"], "alice", &["--ca", other.certificate.to_str().unwrap()]);
    assert_eq!(phone.wait(), 7);
    let empty = server.folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let phone = server.phone(&["register"], "alice", &["--ca", empty.to_str().unwrap()]);
    assert_eq!(phone.wait(), 1);
}

#[test]
fn help_and_events_are_there_to_read() {
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_softphone"));
        let output = command.args(arguments).stdin(Stdio::null()).output().expect("it starts");
        assert!(output.status.success());
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let help = run(&["--help"]);
    for part in ["Examples:", "Exit status:", "softphone call sip:bob@192.0.2.7"] {
        assert!(help.contains(part), "{part}");
    }
    // All that the tests wait for is documented.
    let events = run(&["events"]);
    let tests = [include_str!("../calls.rs"), include_str!("sipp.rs"), include_str!("kamailio.rs")];
    for test in tests {
        for part in test.split("event(\"").skip(1) {
            let event = part.split('"').next().unwrap();
            assert!(events.contains(&format!("`{event}`")), "{event} is not documented");
        }
    }
}
