//! Kamailio as registrar, proxy and presence server.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use handset_testkit::{free_port, peer};

use crate::common::{SOON, Softphone, answer, assert_heard, speech, text};

/// One that runs; any user of example.test signs in with the password "secret".
struct Kamailio {
    main: Child,
    address: String,
    _folder: tempfile::TempDir,
}

impl Kamailio {
    fn start() -> Option<Self> {
        let program = peer("kamailio", "kamailio")?;
        if !has_presence() {
            assert!(
                std::env::var_os("HANDSET_NEED_PEERS").is_none(),
                "Debian's kamailio-presence-modules is not installed"
            );
            eprintln!("SKIPPED: Debian's kamailio-presence-modules is not installed");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let config = include_str!("../../../phone-lab/assets/kamailio.cfg");
        let config = config.replace("10.77.0.1:5060", &address);
        let file = folder.path().join("kamailio.cfg");
        std::fs::write(&file, config).unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let main = Command::new(program)
            .arg("-f")
            .arg(&file)
            .args(["-DD", "-E", "-m", "64", "-M", "8", "-P"])
            .arg(folder.path().join("pid"))
            .arg("-Y")
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("it starts");
        let kamailio = Self { main, address, _folder: folder };
        let until = Instant::now() + SOON;
        while TcpStream::connect(&kamailio.address).is_err() {
            assert!(Instant::now() < until, "Kamailio does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(kamailio)
    }

    /// A softphone with an account here.
    fn phone(&self, command: &[&str], user: &str, more: &[&str]) -> Softphone {
        let account = format!("sip:{user}@example.test");
        let common = [
            "-a",
            &account,
            "--password",
            "secret",
            "--server",
            &self.address,
            "--local",
            "127.0.0.1:0",
        ];
        Softphone::start(&[command, &common[..], more].concat())
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        // Its processes end with the first of them, if that is told to end.
        let pid = self.main.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let until = Instant::now() + Duration::from_secs(5);
        while Instant::now() < until && matches!(self.main.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.main.kill();
        let _ = self.main.wait();
    }
}

fn has_presence() -> bool {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let places = folders.map(|folder| folder.path().join("kamailio/modules/presence.so"));
    places
        .chain([Path::new("/usr/lib64/kamailio/modules/presence.so").to_owned()])
        .any(|p| p.exists())
}

#[test]
fn it_registers_who_knows_the_password() {
    let Some(server) = Kamailio::start() else { return };
    for transport in ["udp", "tcp"] {
        let mut phone = server.phone(&["register"], "alice", &["--transport", transport]);
        phone.event("registered");
        phone.terminate();
        phone.event("unregistered");
        assert_eq!(phone.wait(), 0);
    }
    let account = ["register", "-a", "sip:alice@example.test", "--password", "wrong"];
    let way = ["--server", server.address.as_str(), "--local", "127.0.0.1:0"];
    let mut phone = Softphone::start(&[&account[..], &way[..]].concat());
    let failed = phone.event("registration-failed");
    assert!(text(&failed, "reason").contains("password"), "{failed}");
    assert_eq!(phone.wait(), 3);
}

#[test]
fn calls_and_messages_go_through_it() {
    let Some(server) = Kamailio::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let ((says, said), (answers, answered)) =
        (speech(folder.path(), 2.5), answer(folder.path(), 2.5));
    let (at_alice, at_bob) = (folder.path().join("alice.wav"), folder.path().join("bob.wav"));
    let path = |file: &Path| file.to_str().unwrap().to_owned();
    let mut bob = server.phone(
        &["answer"],
        "bob",
        &[
            "--transport",
            "tcp",
            "--play",
            &path(&answers),
            "--record",
            &path(&at_bob),
            "--srtp",
            "offer",
        ],
    );
    bob.event("registered");
    let message = server.phone(&["message", "bob", "Lunch?"], "alice", &[]);
    assert_eq!(message.wait(), 0);
    assert_eq!(text(&bob.event("message"), "from"), "alice@example.test");
    let mut alice = server.phone(
        &["call", "bob"],
        "alice",
        &["--play", &path(&says), "--until-said", "--record", &path(&at_alice), "--srtp", "offer"],
    );
    let up = alice.event("answered");
    assert_eq!(text(&up, "srtp"), "AES_CM_128_HMAC_SHA1_80");
    assert_eq!(alice.wait(), 0);
    bob.event("ended");
    assert_eq!(bob.quit(), 0);
    assert_heard(&said, &at_bob);
    assert_heard(&answered, &at_alice);
    // Nobody of that name.
    assert_eq!(server.phone(&["call", "nobody"], "alice", &[]).wait(), 6);
}

#[test]
fn it_tells_of_presence_and_of_each_change() {
    let Some(server) = Kamailio::start() else { return };
    let mut alice = server.phone(&["subscribe", "bob"], "alice", &[]);
    alice.event("subscribed");
    let mut bob = server.phone(&["publish", "open", "--note", "In the garden"], "bob", &[]);
    bob.event("published");
    alice.expect("notify", |value| value["summary"] == "open: In the garden");
    bob.terminate();
    assert_eq!(bob.wait(), 0);
    alice.expect("notify", |value| value["summary"] != "open: In the garden");
    let mut bob = server.phone(&["publish", "closed", "--once"], "bob", &[]);
    bob.event("published");
    assert_eq!(bob.wait(), 0);
    alice.expect("notify", |value| value["summary"] == "closed");
    alice.terminate();
    assert_eq!(alice.wait(), 0);
}

#[test]
fn transfers_go_through_it() {
    let Some(server) = Kamailio::start() else { return };
    let mut bob = server.phone(&["answer"], "bob", &[]);
    let mut carol = server.phone(&["answer"], "carol", &[]);
    bob.event("registered");
    carol.event("registered");
    // Blind.
    let mut alice = server.phone(&["call", "bob"], "alice", &[]);
    alice.event("sound");
    alice.say("transfer carol");
    assert_eq!(text(&bob.event("transfer-requested"), "to"), "sip:carol@example.test");
    carol.event("sound");
    assert_eq!(alice.wait(), 0);
    carol.say("hangup");
    bob.expect("ended", |value| value["call"] == 2);
    // Attended, from a phone that is registered itself.
    let mut alice = server.phone(&["call", "bob", "--register"], "alice", &[]);
    alice.event("sound");
    alice.say("hold");
    alice.event("held");
    alice.say("dial carol");
    alice.expect("sound", |value| value["call"] == 2);
    alice.say("attended 1");
    let incoming = carol.expect("incoming", |value| !value["replaces"].is_null());
    let number = incoming["call"].clone();
    carol.expect("sound", |value| value["call"] == number);
    assert_eq!(alice.wait(), 0);
    assert_eq!((bob.quit(), carol.quit()), (0, 0));
}
