//! The program: its arguments, its output, its log, its exit codes.
#![cfg(unix)]
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

mod common;

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use common::content;
use nix::pty::{Winsize, openpty};
use serde_json::Value;

fn tftp() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tftp"));
    command.stdin(Stdio::null());
    command
}

/// `tftp serve`, which ends with the test.
struct Serving {
    child: Child,
    told: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Serving {
    fn start(root: &Path, options: &[&str]) -> Self {
        let mut child = tftp()
            .args(["--json", "serve", "--listen", "127.0.0.1:0"])
            .arg(root)
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        told.read_line(&mut line).unwrap();
        let address = json(&line)["address"].as_str().unwrap().parse().unwrap();
        Self { child, told, address }
    }

    /// `tftp get` or `tftp put` at this server, in a folder.
    fn client(&self, verb: &str, folder: &Path) -> Command {
        let mut command = tftp();
        command.args(["--json", verb, "127.0.0.1", "--port", &self.address.port().to_string()]);
        command.current_dir(folder);
        command
    }

    /// Stops it, and says what it has told.
    fn stop(mut self) -> Vec<Value> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(pid).status().unwrap().success());
        assert!(self.child.wait().unwrap().success(), "a stop is no failure");
        let mut rest = String::new();
        self.told.read_to_string(&mut rest).unwrap();
        rest.lines().map(json).collect()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))
}

fn ends(output: &Output, code: i32) -> Vec<Value> {
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{complaint}");
    String::from_utf8_lossy(&output.stdout).lines().map(json).collect()
}

fn of<'e>(events: &'e [Value], event: &str) -> Vec<&'e Value> {
    events.iter().filter(|told| told["event"] == event).collect()
}

#[test]
fn several_files_pass_at_once_and_the_log_has_them_all() {
    let (root, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = here.path().join("log");
    let serving = Serving::start(root.path(), &["--write", "--log", log.to_str().unwrap()]);
    for (name, len) in [("a", 700_000), ("b", 0), ("c", 1428 * 16)] {
        std::fs::write(root.path().join(name), content(len)).unwrap();
    }
    let get = |names: &[&str]| serving.client("get", here.path()).args(names).output().unwrap();
    let told = ends(&get(&["a", "b", "c"]), 0);
    assert_eq!(of(&told, "complete").len(), 3, "{told:#?}");
    for name in ["a", "b", "c"] {
        let (there, here) = (root.path().join(name), here.path().join(name));
        assert!(std::fs::read(there).unwrap() == std::fs::read(here).unwrap(), "{name}");
    }
    // One that is not there fails the command, and not the others.
    std::fs::remove_file(here.path().join("c")).unwrap();
    let output = get(&["none", "c"]);
    ends(&output, 3);
    assert!(String::from_utf8_lossy(&output.stderr).contains("File not found"));
    assert!(here.path().join("c").exists() && !here.path().join("none").exists());

    let put =
        |arguments: &[&str]| serving.client("put", here.path()).args(arguments).output().unwrap();
    ends(&put(&["a", "--as", "up"]), 0);
    assert!(std::fs::read(root.path().join("up")).unwrap() == content(700_000));
    // It is there now, and may not be written over.
    ends(&put(&["a", "--as", "up"]), 3);
    ends(&put(&["/none"]), 1);
    ends(&put(&["a", "c", "--as", "one-name-for-two"]), 1);
    ends(&put(&["a", "--blksize", "7"]), 2);

    let told = serving.stop();
    // What was written just now is whole, though its client might ask once more.
    assert_eq!(of(&told, "stopping")[0]["transfers"], 0);
    assert!(of(&told, "failed").is_empty(), "{told:#?}");
    let log = std::fs::read_to_string(log).unwrap();
    let log: Vec<Value> = log.lines().map(json).collect();
    // The log has what was told, and when.
    assert_eq!(log.len(), told.len() + 1, "the first line says where it listens");
    for (line, told) in log.iter().skip(1).zip(&told) {
        for (name, value) in told.as_object().unwrap() {
            assert_eq!(&line[name], value);
        }
        let time = line["time"].as_str().unwrap();
        let shape: String =
            time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(shape, "0000-00-00T00:00:00Z");
    }
    let complete = of(&log, "complete");
    assert_eq!(complete.iter().filter(|line| line["kind"] == "read").count(), 4);
    assert_eq!(complete.iter().filter(|line| line["kind"] == "write").count(), 1);
    assert!(complete.iter().all(|line| line["peer"].as_str().unwrap().starts_with("127.0.0.1:")));
    let codes: Vec<_> = of(&log, "refused").iter().map(|line| line["code"].clone()).collect();
    assert_eq!(codes, [1, 6]);
}

#[test]
fn a_transfer_that_was_broken_off_is_taken_up_again() {
    let (root, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let data = content(3_000_000);
    std::fs::write(root.path().join("f"), &data).unwrap();
    // Slow enough that it is in the middle when it is stopped.
    let slow = Serving::start(root.path(), &["--rate", "1000000", "--grace", "0"]);
    let mut get = slow.client("get", here.path()).arg("f").stdout(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(get.stdout.take().unwrap()).lines();
    let progress = told.find(|line| json(line.as_ref().unwrap())["event"] == "progress");
    assert!(progress.is_some());
    let stop = Command::new("kill").args(["-INT", &get.id().to_string()]).status();
    assert!(stop.unwrap().success());
    assert_eq!(get.wait().unwrap().code(), Some(1));
    let part = here.path().join("f.part");
    let len = usize::try_from(part.metadata().unwrap().len()).unwrap();
    assert!(len > 0 && len < data.len(), "{len}");
    assert!(!here.path().join("f").exists(), "half a file has no name");
    drop(slow);
    // What is there is kept: here it is marked to be recognised.
    std::fs::write(&part, vec![b'!'; len]).unwrap();
    let serving = Serving::start(root.path(), &[]);
    ends(&serving.client("get", here.path()).args(["f", "--resume"]).output().unwrap(), 0);
    let copy = std::fs::read(here.path().join("f")).unwrap();
    assert!(copy[..len].iter().all(|octet| *octet == b'!') && copy[len..] == data[len..]);
}

#[test]
fn a_bar_is_drawn_at_a_terminal() {
    let (root, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let serving = Serving::start(root.path(), &["--rate", "4000000"]);
    std::fs::write(root.path().join("f"), content(2_000_000)).unwrap();
    let size = Winsize { ws_row: 24, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
    let terminal = openpty(&size, None).unwrap();
    let mut command = tftp();
    command
        .args(["get", "127.0.0.1", "f", "--port", &serving.address.port().to_string()])
        .current_dir(here.path())
        .env("TERM", "xterm")
        .stderr(Stdio::from(terminal.slave));
    let mut get = command.spawn().unwrap();
    // This side of the terminal's other end.
    drop(command);
    let mut screen = Vec::new();
    let mut master = std::fs::File::from(terminal.master);
    let mut buffer = [0; 4096];
    // It ends with an error once nobody has the terminal open.
    while let Ok(len @ 1..) = master.read(&mut buffer) {
        screen.extend_from_slice(&buffer[..len]);
    }
    assert!(get.wait().unwrap().success());
    let screen = String::from_utf8_lossy(&screen).into_owned();
    assert!(screen.contains("[=====") && screen.contains("1.91 MiB/1.91 MiB"), "{screen}");
    let half = screen.split('\r').find(|line| line.contains("=>") && line.contains(" MiB/1.91"));
    assert!(half.is_some(), "it moves: {screen}");
}
