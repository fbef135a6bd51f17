//! What the tests of the softphone share: the program itself, and what it tells.

#![allow(dead_code, reason = "each test uses its part")]

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use host::audio::{Recorder, Sound, heard};
use serde_json::Value;

/// How long anything may take on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(15);

/// Speech of another host's, the first `seconds` of it.
pub(crate) fn speech(folder: &Path, seconds: f64) -> (PathBuf, Sound) {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../messenger/assets");
    let mut sound = Sound::read(&assets.join("speech.wav")).expect("a WAV file");
    sound.samples.truncate((f64::from(sound.rate) * seconds) as usize);
    (wav(folder, "said.wav", &sound), sound)
}

/// The same from another voice.
pub(crate) fn answer(folder: &Path, seconds: f64) -> (PathBuf, Sound) {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../messenger/assets");
    let mut sound = Sound::read(&assets.join("answer.wav")).expect("a WAV file");
    sound.samples.truncate((f64::from(sound.rate) * seconds) as usize);
    (wav(folder, "answered.wav", &sound), sound)
}

pub(crate) fn wav(folder: &Path, name: &str, sound: &Sound) -> PathBuf {
    let file = folder.join(name);
    let mut recorder = Recorder::create(&file, sound.rate).expect("it can be written");
    recorder.write(&sound.samples).expect("it can be written");
    recorder.finish().expect("it can be written");
    file
}

/// Shows that what was said is in a recording.
#[track_caller]
pub(crate) fn assert_heard(said: &Sound, file: &Path) {
    let recorded = Sound::read(file).unwrap_or_else(|error| panic!("{error:#}"));
    let much = heard(said, &recorded);
    assert!(much > 0.85, "{} holds only {much:.2} of what was said", file.display());
}

/// How loud a recording is, as the root of its mean square.
pub(crate) fn loudness(file: &Path) -> f64 {
    let sound = Sound::read(file).unwrap_or_else(|error| panic!("{error:#}"));
    let sum: f64 = sound.samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    (sum / sound.samples.len() as f64).sqrt()
}

/// The program, with what it tells.
pub(crate) struct Softphone {
    child: Child,
    stdin: Option<ChildStdin>,
    told: Receiver<Value>,
    before: Vec<Value>,
    name: String,
}

impl Softphone {
    /// Starts it with these arguments, and `--json`.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_softphone"))
            .args(arguments)
            .arg("--json")
            .env_remove("SOFTPHONE_ACCOUNT")
            .env_remove("SOFTPHONE_PASSWORD")
            .env_remove("SOFTPHONE_SERVER")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("it starts");
        let stdin = child.stdin.take();
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let (teller, told) = channel();
        let name = arguments.join(" ");
        let of = name.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let value = serde_json::from_str(&line)
                    .unwrap_or_else(|error| panic!("{of}: {line:?} is no JSON: {error}"));
                if teller.send(value).is_err() {
                    return;
                }
            }
        });
        Self { child, stdin, told, before: Vec::new(), name }
    }

    /// An answering one on a free port, and the URI that it is called by.
    pub(crate) fn answering(arguments: &[&str]) -> (Self, String) {
        let all = [&["answer", "--local", "127.0.0.1:0"], arguments].concat();
        let mut phone = Self::start(&all);
        let address = phone.address();
        (phone, format!("sip:phone@{address}"))
    }

    /// Where it listens.
    pub(crate) fn address(&mut self) -> SocketAddr {
        let told = self.expect("listening", |_| true);
        text(&told, "address").parse().expect("an address")
    }

    /// Says something to it.
    pub(crate) fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("it is open");
        writeln!(stdin, "{line}").expect("it reads");
        stdin.flush().expect("it reads");
    }

    /// Waits for it to tell of something that suits; what it told before stays known to nobody.
    #[track_caller]
    pub(crate) fn expect(&mut self, event: &str, suits: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + SOON;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.told.recv_timeout(left) {
                Ok(value) if value["event"] == event && suits(&value) => {
                    self.before.push(value.clone());
                    return value;
                }
                Ok(value) => self.before.push(value),
                Err(_) => {
                    let before: Vec<String> = self.before.iter().map(Value::to_string).collect();
                    panic!(
                        "`softphone {}` did not tell of {event}:\n{}",
                        self.name,
                        before.join("\n")
                    );
                }
            }
        }
    }

    /// The same without a condition.
    #[track_caller]
    pub(crate) fn event(&mut self, event: &str) -> Value {
        self.expect(event, |_| true)
    }

    /// Whether it has told of something until now.
    pub(crate) fn has_told(&mut self, event: &str) -> bool {
        self.before.extend(self.told.try_iter());
        self.before.iter().any(|value| value["event"] == event)
    }

    /// Waits for its end, and gives its status.
    #[track_caller]
    pub(crate) fn wait(mut self) -> i32 {
        let until = Instant::now() + SOON;
        loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                return status.code().expect("it ends by itself");
            }
            if Instant::now() > until {
                self.before.extend(self.told.try_iter());
                let before: Vec<String> = self.before.iter().map(Value::to_string).collect();
                panic!("`softphone {}` does not end:\n{}", self.name, before.join("\n"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Tells it to end, and waits for that.
    #[track_caller]
    pub(crate) fn quit(mut self) -> i32 {
        // It may have ended by itself.
        let _ = self.stdin.as_mut().map(|stdin| writeln!(stdin, "quit"));
        self.wait()
    }

    /// Asks it to end, as a system that shuts down does.
    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        assert!(status.success());
    }
}

impl Drop for Softphone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A field that is a text.
#[track_caller]
pub(crate) fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_else(|| panic!("no text {field} in {value}"))
}

/// A field that is a number.
#[track_caller]
pub(crate) fn number(value: &Value, field: &str) -> f64 {
    value[field].as_f64().unwrap_or_else(|| panic!("no number {field} in {value}"))
}
