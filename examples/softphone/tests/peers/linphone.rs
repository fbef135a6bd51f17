//! Linphone's console: it is called, hears and is heard, pauses and goes on, in clear and with SRTP.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use handset_testkit::{Peer, free_port, peer};
use host::audio::Sound;

use crate::common::{Softphone, answer, speech, text};

/// One that runs, answers by itself, and has files for a sound card.
struct Linphone {
    process: Peer,
    port: u16,
    folder: PathBuf,
}

impl Linphone {
    fn start(folder: &Path, says: &Path, sip: &str) -> Option<Self> {
        let program = peer("linphonec", "linphone-cli")?;
        let (port, media) = (free_port(), free_port() & !1);
        std::fs::create_dir_all(folder.join(".local/share/linphone")).unwrap();
        let settings = format!(
            "[sip]\nsip_port={port}\nsip_tcp_port=0\nsip_tls_port=0\nuse_ipv6=0\n\
             contact=sip:linphone@127.0.0.1\n{sip}[rtp]\naudio_rtp_port={media}\n\
             [sound]\nechocancellation=0\n[net]\nmtu=1300\n"
        );
        std::fs::write(folder.join("settings"), settings).unwrap();
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let mut command = Command::new(program);
        command.arg("-c").arg(folder.join("settings")).env("HOME", folder).current_dir(folder);
        let process =
            Peer::spawn(command.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log));
        let mut linphone = Self { process, port, folder: folder.to_owned() };
        linphone.say("soundcard use files");
        linphone.say(&format!("record {}", linphone.recording().display()));
        linphone.say(&format!("play {}", says.display()));
        linphone.say("autoanswer enable");
        // Until it listens.
        std::thread::sleep(Duration::from_millis(1500));
        Some(linphone)
    }

    fn child(&mut self) -> &mut Child {
        self.process.child()
    }

    fn say(&mut self, line: &str) {
        let stdin = self.child().stdin.as_mut().expect("it is piped");
        writeln!(stdin, "{line}").expect("it reads");
        stdin.flush().expect("it reads");
    }

    fn recording(&self) -> PathBuf {
        self.folder.join("heard.wav")
    }

    fn log(&self) -> String {
        let log = std::fs::read(self.folder.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }
}

/// How loud a sound is, in steps of 50 ms.
fn loudness(sound: &Sound) -> Vec<f64> {
    let energy = |part: &[i16]| part.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>();
    sound.samples.chunks(sound.rate as usize / 20).map(|part| energy(part).sqrt()).collect()
}

/// The samples of a recording of Linphone's, at the rate of the call; it writes the header at the end.
#[track_caller]
fn recorded(file: &Path) -> Sound {
    let octets = std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let (_, data) = octets.split_at_checked(44).expect("a WAV file");
    let samples = data.as_chunks().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect();
    Sound { rate: 8000, samples }
}

/// Shows that a recording rises and falls as what was said. Linphone plays files at a clock of its own,
/// so that waves do not lie upon each other for long.
#[track_caller]
fn assert_rises_and_falls(said: &Sound, file: &Path) {
    let recorded = recorded(file);
    let (said, recorded) = (loudness(said), loudness(&recorded));
    let alike = |lag: usize| {
        let there = recorded.get(lag..lag + said.len())?;
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let (a, b) = (mean(&said), mean(there));
        let (mut cross, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
        for (x, y) in said.iter().zip(there) {
            cross += (x - a) * (y - b);
            of_a += (x - a).powi(2);
            of_b += (y - b).powi(2);
        }
        Some(cross / (of_a * of_b).sqrt().max(1.0))
    };
    let best = (0..60).filter_map(alike).fold(0.0, f64::max);
    assert!(best > 0.75, "{} is only like it by {best:.2}", file.display());
}

fn talks(sip: &str, srtp: &str, suite: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let (says, said) = speech(folder.path(), 3.0);
    let (answers, mut answered) = answer(folder.path(), 5.0);
    answered.samples.truncate(2 * answered.rate as usize);
    let home = folder.path().join("linphone");
    let Some(mut linphone) = Linphone::start(&home, &answers, sip) else { return };
    let record = folder.path().join("recorded.wav");
    let uri = format!("sip:linphone@127.0.0.1:{}", linphone.port);
    let mut phone = Softphone::start(&[
        "call",
        &uri,
        "--local",
        "127.0.0.1:0",
        "--codecs",
        "pcmu",
        "--srtp",
        srtp,
        "--play",
        says.to_str().unwrap(),
        "--record",
        record.to_str().unwrap(),
    ]);
    let up = phone.event("answered");
    assert_eq!(up["srtp"].as_str(), suite, "{up}\n{}", linphone.log());
    phone.event("said");
    // It begins its recording anew when it goes on.
    std::thread::sleep(Duration::from_millis(700));
    assert_rises_and_falls(&said, &linphone.recording());
    linphone.say("pause");
    phone.expect("changed", |value| value["direction"] == "recvonly");
    // It takes its own time to have paused.
    std::thread::sleep(Duration::from_secs(1));
    linphone.say("resume");
    phone.expect("changed", |value| value["direction"] == "sendrecv");
    phone.say("hangup");
    assert_eq!(text(&phone.event("ended"), "reason"), "this side has hung up");
    assert_eq!(phone.wait(), 0);
    assert_rises_and_falls(&answered, &record);
    linphone.say("quit");
    let _ = linphone.child().wait();
}

#[test]
fn it_is_called_in_clear() {
    talks("", "off", None);
}

#[test]
fn it_is_called_with_srtp() {
    let sip = "media_encryption=srtp\nmedia_encryption_mandatory=0\n";
    talks(sip, "require", Some("AES_CM_128_HMAC_SHA1_80"));
}
