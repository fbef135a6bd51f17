//! baresip calls the softphone, is called by it, holds, transfers, and speaks SRTP.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use handset_testkit::{Peer, free_port, peer};

use crate::common::{SOON, Softphone, assert_heard, speech, text};

/// One that runs, and its control connection.
struct Baresip {
    _process: Peer,
    control: TcpStream,
    told: Vec<u8>,
    port: u16,
    folder: PathBuf,
}

impl Baresip {
    /// Starts one that says a WAV file, writes what it hears into its folder, and answers by itself;
    /// `account` stands behind its address.
    fn start(folder: &Path, says: &Path, account: &str) -> Option<Self> {
        let program = peer("baresip", "baresip-core")?;
        let (port, control) = (free_port(), free_port());
        std::fs::create_dir_all(folder).unwrap();
        let config = format!(
            "poll_method epoll\nsip_listen 127.0.0.1:{port}\nsip_trans_def udp\n\
             call_local_timeout 60\ncall_max_calls 4\nnet_interface 127.0.0.1\n\
             audio_player aubridge,spk\naudio_source aufile,{}\naudio_alert aubridge,alert\n\
             ausrc_srate 8000\nauplay_srate 48000\nausrc_channels 1\nauplay_channels 1\n\
             audio_txmode poll\naudio_level no\nrtp_ports 21000-21400\nsnd_path {}\n\
             module_path /usr/lib/baresip/modules\nmodule g711.so\nmodule g722.so\nmodule srtp.so\n\
             module ausine.so\nmodule aufile.so\nmodule aubridge.so\nmodule sndfile.so\n\
             module_tmp uuid.so\nmodule_tmp account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n\
             ctrl_tcp_listen 127.0.0.1:{control}\n",
            says.display(),
            folder.display()
        );
        std::fs::write(folder.join("config"), config).unwrap();
        std::fs::write(folder.join("contacts"), "").unwrap();
        let account = format!(
            "<sip:baresip@127.0.0.1:{port}>;regint=0;answermode=auto;audio_codecs=PCMU{account}\n"
        );
        std::fs::write(folder.join("accounts"), account).unwrap();
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let mut command = Command::new(program);
        command.arg("-f").arg(folder).args(["-t", "60"]).current_dir(folder);
        let process =
            Peer::spawn(command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log));
        let until = Instant::now() + SOON;
        let control = loop {
            match TcpStream::connect(("127.0.0.1", control)) {
                Ok(control) => break control,
                Err(error) => assert!(Instant::now() < until, "baresip does not answer: {error}"),
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        control.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let folder = folder.to_owned();
        Some(Self { _process: process, control, told: Vec::new(), port, folder })
    }

    fn uri(&self) -> String {
        format!("sip:baresip@127.0.0.1:{}", self.port)
    }

    /// Gives it an order.
    fn order(&mut self, command: &str, parameters: &str) {
        let json = serde_json::json!({ "command": command, "params": parameters, "token": "test" });
        let json = json.to_string();
        write!(self.control, "{}:{json},", json.len()).expect("it is there");
    }

    /// Waits until it tells of something.
    #[track_caller]
    fn expect(&mut self, event: &str) {
        let until = Instant::now() + SOON;
        let mut buffer = [0; 4096];
        loop {
            let told = String::from_utf8_lossy(&self.told);
            if let Some(at) = told.find(event) {
                self.told.drain(..(at + event.len()).min(self.told.len()));
                return;
            }
            assert!(Instant::now() < until, "no {event}: {told}\n{}", self.log());
            if let Ok(len) = self.control.read(&mut buffer) {
                assert!(len > 0, "baresip is gone\n{}", self.log());
                self.told.extend(&buffer[..len]);
            }
        }
    }

    fn log(&self) -> String {
        let log = std::fs::read(self.folder.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// What it has heard: the recording of what it decoded.
    #[track_caller]
    fn recording(&self) -> PathBuf {
        let found = std::fs::read_dir(&self.folder).unwrap().flatten().map(|entry| entry.path());
        let is_heard = |file: &PathBuf| file.to_string_lossy().ends_with("dec.wav");
        found.filter(is_heard).last().unwrap_or_else(|| panic!("no recording\n{}", self.log()))
    }
}

/// A folder, what the softphone says, and what baresip says.
fn scene() -> (tempfile::TempDir, [PathBuf; 2], [host::audio::Sound; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let (said_file, said) = speech(folder.path(), 3.5);
    // It hangs up at the end of its file: that is longer than what it is compared with.
    let (answered_file, mut answered) = crate::common::answer(folder.path(), 6.0);
    answered.samples.truncate(3 * answered.rate as usize);
    (folder, [said_file, answered_file], [said, answered])
}

fn path(file: &Path) -> &str {
    file.to_str().unwrap()
}

/// baresip sends reports before its keys are in use, and goodbyes more than once; of its sound
/// nothing is refused.
#[track_caller]
fn assert_sound_is_taken(stats: &serde_json::Value) {
    let refused = stats["refused"].as_u64().unwrap();
    assert!(refused <= 3 && stats["lost"].as_i64() <= Some(1), "{stats}");
    assert!(refused == 0 || text(stats, "refusal").starts_with("Rtcp"), "{stats}");
}

/// The softphone calls; both hear what the other says.
fn is_called(account: &str, srtp: &str, suite: Option<&str>) {
    let (folder, [says, answers], [said, answered]) = scene();
    let home = folder.path().join("baresip");
    let Some(baresip) = Baresip::start(&home, &answers, account) else { return };
    let record = folder.path().join("heard.wav");
    let uri = baresip.uri();
    let mut phone = Softphone::start(&[
        "call",
        &uri,
        "--local",
        "127.0.0.1:0",
        "--srtp",
        srtp,
        "--play",
        path(&says),
        "--record",
        path(&record),
        "--duration",
        "4.0",
    ]);
    let up = phone.event("answered");
    assert_eq!(up["srtp"].as_str(), suite, "{up}");
    let ended = phone.event("ended");
    assert_sound_is_taken(&ended["stats"]);
    assert_eq!(phone.wait(), 0);
    assert_heard(&answered, &record);
    // It ends its file a little later.
    std::thread::sleep(Duration::from_millis(300));
    assert_heard(&said, &baresip.recording());
}

#[test]
fn it_is_called_in_clear() {
    is_called("", "off", None);
}

#[test]
fn it_is_called_with_srtp_that_must_be() {
    is_called(";mediaenc=srtp-mand", "require", Some("AES_CM_128_HMAC_SHA1_80"));
}

#[test]
fn it_is_called_with_srtp_that_may_be() {
    is_called(";mediaenc=srtp", "offer", Some("AES_CM_128_HMAC_SHA1_80"));
    is_called("", "offer", None);
}

#[test]
fn it_calls_with_srtp_and_without() {
    for (account, srtp, suite) in [
        ("", "offer", None),
        (";mediaenc=srtp", "offer", Some("AES_CM_128_HMAC_SHA1_80")),
        (";mediaenc=srtp-mand", "require", Some("AES_CM_128_HMAC_SHA1_80")),
    ] {
        let (folder, [says, answers], [said, answered]) = scene();
        let home = folder.path().join("baresip");
        let Some(mut baresip) = Baresip::start(&home, &answers, account) else { return };
        let record = folder.path().join("heard.wav");
        let (mut phone, uri) = Softphone::answering(&[
            "--calls",
            "1",
            "--srtp",
            srtp,
            "--play",
            path(&says),
            "--record",
            path(&record),
        ]);
        baresip.order("dial", &uri);
        let up = phone.event("answered");
        assert_eq!(up["srtp"].as_str(), suite, "{account}: {up}");
        baresip.expect("CALL_ESTABLISHED");
        std::thread::sleep(Duration::from_millis(4000));
        baresip.order("hangup", "");
        assert_eq!(text(&phone.event("ended"), "reason"), "the other side has hung up");
        assert_eq!(phone.wait(), 0);
        assert_heard(&answered, &record);
        std::thread::sleep(Duration::from_millis(300));
        assert_heard(&said, &baresip.recording());
    }
}

#[test]
fn either_side_holds_and_takes_back() {
    let (folder, [_, answers], _) = scene();
    let home = folder.path().join("baresip");
    let Some(mut baresip) = Baresip::start(&home, &answers, ";mediaenc=srtp") else { return };
    let uri = baresip.uri();
    let mut phone = Softphone::start(&["call", &uri, "--local", "127.0.0.1:0", "--srtp", "offer"]);
    phone.event("sound");
    phone.say("hold");
    phone.event("held");
    phone.say("resume");
    phone.event("resumed");
    baresip.order("hold", "");
    phone.expect("changed", |value| value["direction"] == "recvonly");
    baresip.order("resume", "");
    phone.expect("changed", |value| value["direction"] == "sendrecv");
    phone.say("stats");
    let before = phone.event("stats")["received"].as_u64().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    phone.say("stats");
    let stats = phone.event("stats");
    assert!(stats["received"].as_u64().unwrap() > before + 10, "{stats}");
    assert_sound_is_taken(&stats);
    assert_eq!(phone.quit(), 0);
}

#[test]
fn digits_arrive_from_both() {
    let (folder, [_, answers], _) = scene();
    let home = folder.path().join("baresip");
    let Some(mut baresip) = Baresip::start(&home, &answers, "") else { return };
    let (mut phone, uri) = Softphone::answering(&["--calls", "1"]);
    baresip.order("dial", &uri);
    phone.event("sound");
    baresip.expect("CALL_ESTABLISHED");
    phone.say("dtmf 5");
    phone.event("digits-sent");
    baresip.expect("CALL_DTMF_START");
    baresip.order("sndcode", "7");
    phone.expect("digit", |value| value["digit"] == "7");
    assert_eq!(phone.quit(), 0);
}

#[test]
fn it_is_transferred_and_transfers() {
    let (folder, [_, answers], _) = scene();
    let home = folder.path().join("baresip");
    let Some(mut baresip) = Baresip::start(&home, &answers, "") else { return };
    // We have it call Carol in our place.
    let (mut carol, to_carol) = Softphone::answering(&["--calls", "1"]);
    let uri = baresip.uri();
    let mut phone = Softphone::start(&["call", &uri, "--local", "127.0.0.1:0"]);
    phone.event("sound");
    phone.say(&format!("transfer {to_carol}"));
    carol.event("sound");
    assert_eq!(phone.wait(), 0);
    assert_eq!(carol.quit(), 0);

    // It has us call Dave in its place.
    let (mut dave, to_dave) = Softphone::answering(&["--calls", "1"]);
    let (mut phone, uri) = Softphone::answering(&["--calls", "2"]);
    baresip.order("dial", &uri);
    phone.event("sound");
    baresip.expect("CALL_ESTABLISHED");
    baresip.order("transfer", &to_dave);
    assert_eq!(text(&phone.event("transfer-requested"), "to"), to_dave);
    dave.event("sound");
    dave.say("hangup");
    assert_eq!((dave.wait(), phone.quit()), (0, 0));
}
