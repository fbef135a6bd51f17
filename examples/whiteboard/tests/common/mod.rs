//! The program, run as a person would.

#![allow(dead_code, reason = "each test takes what it needs")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

pub(crate) const SOON: Duration = Duration::from_secs(30);

/// The program, with its arguments as words.
pub(crate) fn whiteboard(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whiteboard"));
    command.args(arguments);
    command
}

/// A node that stays; it ends with the test.
pub(crate) struct Node {
    child: Child,
    events: Receiver<Value>,
}

impl Node {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = whiteboard(arguments);
        let mut child = command.arg("--json").stdout(Stdio::piped()).spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let (send, events) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let event = serde_json::from_str(&line).expect("one JSON object a line");
                if send.send(event).is_err() {
                    return;
                }
            }
        });
        Self { child, events }
    }

    /// Waits for an event of this kind.
    pub(crate) fn wait(&self, kind: &str) -> Value {
        self.wait_for(kind, |_| true)
    }

    /// Waits for an event of this kind that is as wanted.
    pub(crate) fn wait_for(&self, kind: &str, is: impl Fn(&Value) -> bool) -> Value {
        loop {
            let event = self.events.recv_timeout(SOON);
            let event = event.unwrap_or_else(|error| panic!("no {kind}: {error}"));
            if event["event"] == kind && is(&event) {
                return event;
            }
        }
    }

    /// Where others may join.
    pub(crate) fn address(&self) -> String {
        self.wait("listening")["address"].as_str().expect("an address").to_owned()
    }

    /// Where the page is.
    pub(crate) fn page(&self) -> String {
        self.wait("web")["address"].as_str().expect("an address").to_owned()
    }

    /// Lets it end as Ctrl+C does; whether it ended well.
    pub(crate) fn stop(mut self) -> bool {
        let id = self.child.id().to_string();
        let killed = Command::new("kill").args(["-TERM", &id]).status();
        assert!(killed.expect("kill is there").success());
        self.child.wait().expect("it ends").success()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the program to its end, which has to be good; what it printed last.
pub(crate) fn run(arguments: &[&str]) -> Value {
    let output = whiteboard(arguments).arg("--json").output().expect("it starts");
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {err}");
    serde_json::from_str(out.lines().last().unwrap_or_default()).expect("one JSON object a line")
}
