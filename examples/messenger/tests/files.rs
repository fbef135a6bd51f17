//! `messenger send` and `messenger take`: two people at a live-server, each with the real program.

#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use live_server::{Config, Users};
use nix::pty::{Winsize, openpty};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;

/// No command may take longer, whatever happens.
const LIMIT: Duration = Duration::from_secs(40);

const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];

/// A live-server with a folder for what the two people need.
struct Server {
    folder: TempDir,
    tcp: SocketAddr,
    tls: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut users = Users::new("example.test").expect("a domain");
        for name in PEOPLE {
            users.add(name, &format!("secret of {name}")).expect("a user");
            let file = folder.path().join(format!("{name}.password"));
            std::fs::write(file, format!("secret of {name}\n")).expect("it can be written");
        }
        std::fs::create_dir(folder.path().join("taken")).expect("it can be made");
        let mut config = Config::new(users);
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        config.tcp = vec![any];
        config.tls = vec![any];
        config.write_cert = Some(folder.path().join("cert.pem"));
        let (tell_ready, ready) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let run = live_server::run(config, tell_ready, stopped);
            runtime.expect("a runtime").block_on(run).expect("it runs");
        });
        let ready = ready.blocking_recv().expect("it is ready");
        let (tcp, tls) = (ready.tcp[0], ready.tls[0]);
        Self { folder, tcp, tls, stop: Some(stop), thread: Some(thread) }
    }

    fn taken(&self) -> PathBuf {
        self.folder.path().join("taken")
    }

    /// How many files are in the folder of what was taken.
    fn count(&self) -> usize {
        std::fs::read_dir(self.taken()).expect("the folder").count()
    }

    /// A file to send.
    fn file(&self, name: &str, octets: &[u8]) -> PathBuf {
        let file = self.folder.path().join(name);
        std::fs::write(&file, octets).expect("it can be written");
        file
    }

    /// A file that takes some time to send and no room on the disk.
    fn long_file(&self) -> PathBuf {
        let file = self.file("long.bin", b"");
        let long = File::options().write(true).open(&file).expect("it is there");
        long.set_len(800_000_000).expect("it can be long");
        file
    }

    /// A command of somebody who signs in; each test has an address of its own, and its ports.
    fn command(&self, what: &str, who: &str, tls: bool, ip: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_messenger"));
        command.args([what, "--as", &format!("sip:{who}@example.test"), "--ip", ip]);
        command.arg("--password-file").arg(self.folder.path().join(format!("{who}.password")));
        let server = if tls { self.tls } else { self.tcp };
        command.args(["--server", &server.to_string()]);
        if tls {
            command.arg("--tls").arg("--trust").arg(self.folder.path().join("cert.pem"));
        }
        command
    }

    fn send(&self, tls: bool, ip: &str) -> Command {
        let mut command = self.command("send", "alice", tls, ip);
        command.args(["--json", "--to", "sip:bob@example.test"]);
        command
    }

    fn take(&self, tls: bool, ip: &str) -> Command {
        let mut command = self.command("take", "bob", tls, ip);
        command.arg("--into").arg(self.taken());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

/// A command that runs, and what it tells.
struct Running {
    child: Child,
    events: Receiver<Value>,
    told: Vec<Value>,
    began: Instant,
}

impl Running {
    /// Starts a command that speaks JSON, without a terminal.
    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().expect("it starts");
        let events = events(child.stdout.take().expect("it is piped"));
        Self { child, events, told: Vec::new(), began: Instant::now() }
    }

    /// Waits until it has told of this.
    fn until(&mut self, event: &str) -> Value {
        loop {
            let left = LIMIT.saturating_sub(self.began.elapsed());
            let told = self.events.recv_timeout(left);
            let told = told.unwrap_or_else(|_| panic!("no {event} after {:?}", self.told));
            self.told.push(told.clone());
            if told["event"] == event {
                return told;
            }
        }
    }

    /// Ctrl-C.
    fn interrupt(&self) {
        let kill = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(kill.expect("it can be told").success());
    }

    /// Waits for its end: the exit code, and all that it has told.
    fn finish(mut self) -> (i32, Vec<Value>) {
        let status = wait(&mut self.child, self.began);
        self.told.extend(self.events.iter());
        (status, self.told)
    }
}

fn wait(child: &mut Child, began: Instant) -> i32 {
    loop {
        if let Some(status) = child.try_wait().expect("it is ours") {
            return status.code().expect("it ends by itself");
        }
        if began.elapsed() > LIMIT {
            child.kill().expect("it runs");
            panic!("it does not end by itself");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn events(stdout: ChildStdout) -> Receiver<Value> {
    let (tell, events) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            let line = line.expect("UTF-8");
            let event = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
            // A test that has failed listens no more.
            let _ = tell.send(event);
        }
    });
    events
}

fn of<'e>(events: &'e [Value], event: &str) -> Vec<&'e Value> {
    events.iter().filter(|told| told["event"] == event).collect()
}

fn octets(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 % 251) as u8).collect()
}

/// Starts to take, and once signed in, to send.
fn both(mut take: Command, send: Command) -> (Running, Running) {
    take.arg("--json");
    let mut taking = Running::start(take);
    taking.until("signed-in");
    (taking, Running::start(send))
}

#[test]
fn files_pass_however_people_sign_in_and_whoever_connects() {
    let server = Server::start();
    let files = [("empty", 0), ("small.txt", 1000), ("holiday.bin", 700_001)]
        .map(|(name, len)| (name, server.file(name, &octets(len))));
    for (tls, options) in [
        ((false, false), &[][..]),
        ((true, true), &["--behind-nat"]),
        ((false, true), &["--plain"]),
        ((true, false), &["--plain", "--behind-nat"]),
    ] {
        let mut send = server.send(tls.0, "127.0.0.11");
        send.args(options).args(files.each_ref().map(|(_, file)| file));
        let (taking, sending) = both(server.take(tls.1, "127.0.0.11"), send);
        for running in [sending, taking] {
            let (code, told) = running.finish();
            assert_eq!(code, 0, "{tls:?} {options:?}: {told:#?}");
            assert_eq!(of(&told, "offered").len(), 3);
            assert_eq!(of(&told, "complete").len(), 3);
            // Nobody watches: each tenth is told, of the long file at least.
            let last = of(&told, "progress").into_iter().rfind(|told| told["of"] == 700_001);
            assert_eq!(last.expect("progress")["octets"], 700_001, "{told:#?}");
        }
        for (name, file) in &files {
            let copy = std::fs::read(server.taken().join(name)).expect("it was taken");
            assert!(copy == std::fs::read(file).expect("the file"), "{name}");
            std::fs::remove_file(server.taken().join(name)).expect("it is there");
        }
        assert_eq!(server.count(), 0, "nothing else is left");
    }
}

#[test]
fn more_files_than_ports_pass_ten_at_a_time() {
    let server = Server::start();
    let mut send = server.send(false, "127.0.0.12");
    for number in 0..23 {
        send.arg(server.file(&format!("file {number}"), &octets(10_000 + number)));
    }
    let (taking, sending) = both(server.take(false, "127.0.0.12"), send);
    for running in [sending, taking] {
        let (code, told) = running.finish();
        assert_eq!((code, of(&told, "complete").len()), (0, 23), "{told:#?}");
    }
    for number in 0..23 {
        let copy = std::fs::read(server.taken().join(format!("file {number}")));
        assert!(copy.expect("it was taken") == octets(10_000 + number), "{number}");
    }
}

#[test]
fn either_side_gives_up_with_ctrl_c_and_the_other_is_told() {
    let server = Server::start();
    let file = server.long_file();
    for (who, options, reason) in [
        ("sender", &[][..], "the sender cancelled"),
        ("receiver", &[][..], "the receiver cancelled"),
        ("receiver", &["--plain", "--behind-nat"][..], "the receiver cancelled"),
    ] {
        let mut send = server.send(false, "127.0.0.13");
        send.args(options).arg(&file);
        let (mut taking, mut sending) = both(server.take(true, "127.0.0.13"), send);
        taking.until("progress");
        sending.until("progress");
        if who == "sender" {
            sending.interrupt()
        } else {
            taking.interrupt()
        }
        for running in [sending, taking] {
            let (code, told) = running.finish();
            let ended = of(&told, "ended");
            assert_eq!((code, ended.len()), (5, 1), "{who}: {told:#?}");
            assert_eq!(ended[0]["outcome"], "cancelled", "{who}");
            assert_eq!(ended[0]["reason"], reason, "{who}");
            assert!(of(&told, "complete").is_empty());
        }
        assert_eq!(server.count(), 0, "half a file is removed");
    }
}

#[test]
fn a_sender_may_give_up_before_he_has_an_answer() {
    let server = Server::start();
    // Bob signs in, and does not answer: he is at another conversation, and stays there.
    let mut carol = server.command("send", "carol", false, "127.0.0.14");
    carol.args(["--json", "--to", "bob@example.test"]).arg(server.long_file());
    let (mut taking, mut first) = both(server.take(false, "127.0.0.14"), carol);
    first.until("progress");
    let mut send = server.send(false, "127.0.0.14");
    send.arg(server.file("f", b"f"));
    let mut sending = Running::start(send);
    sending.until("signed-in");
    sending.interrupt();
    let (code, told) = sending.finish();
    assert_eq!((code, of(&told, "ended")[0]["outcome"].as_str()), (5, Some("cancelled")));
    taking.until("progress");
    first.interrupt();
    assert_eq!((first.finish().0, taking.finish().0), (5, 5));
}

#[test]
fn a_file_is_not_replaced_without_leave() {
    let server = Server::start();
    let file = server.file("f", b"new");
    let there = server.taken().join("f");
    for (answer, code, expected) in [("no", 3, "old"), ("ask", 3, "old"), ("yes", 0, "new")] {
        std::fs::write(&there, "old").expect("it can be written");
        let mut take = server.take(false, "127.0.0.15");
        take.args(["--overwrite", answer]);
        let mut send = server.send(false, "127.0.0.15");
        send.arg(&file);
        let (taking, sending) = both(take, send);
        let (sent, received) = (sending.finish(), taking.finish());
        assert_eq!((sent.0, received.0), (code, code), "{answer}: {:#?}", received.1);
        if code != 0 {
            for told in [&sent.1, &received.1] {
                assert_eq!(of(told, "ended")[0]["outcome"], "declined");
            }
        }
        assert_eq!(std::fs::read_to_string(&there).expect("the file"), expected, "{answer}");
    }
}

#[test]
fn who_is_not_there_or_does_not_want_to_is_no_answer() {
    let server = Server::start();
    let mut send = server.command("send", "alice", false, "127.0.0.16");
    send.args(["--json", "--to", "nobody@example.test"]).arg(server.file("f", b"f"));
    let (code, told) = Running::start(send).finish();
    assert_eq!((code, of(&told, "ended")[0]["outcome"].as_str()), (4, Some("no-answer")));

    // Bob takes files from Carol only; without a file he goes when he is told to.
    let mut take = server.take(false, "127.0.0.16");
    take.args(["--from", "carol@example.test"]);
    let mut send = server.send(false, "127.0.0.16");
    send.arg(server.file("f", b"f"));
    let (mut taking, sending) = both(take, send);
    assert_eq!(sending.finish().0, 4);
    assert!(taking.until("note")["text"].as_str().expect("text").contains("turned away"));
    taking.interrupt();
    assert_eq!(taking.finish().0, 5);
}

#[test]
fn a_wrong_password_and_a_file_that_is_not_there_are_said() {
    let server = Server::start();
    let file = server.file("f", b"f");
    std::fs::write(server.folder.path().join("alice.password"), "guess").expect("written");
    for (file, complaint) in [(file.as_path(), "refused"), (Path::new("/none"), "/none")] {
        let output = server.send(false, "127.0.0.17").arg(file).output().expect("it starts");
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(complaint), "{said}");
    }
    // And wrong usage has its own code.
    let nobody = Command::new(env!("CARGO_BIN_EXE_messenger")).arg("send").output();
    assert_eq!(nobody.expect("it starts").status.code(), Some(2));
}

#[test]
fn who_stays_takes_from_one_after_the_other_and_nothing_too_long() {
    let server = Server::start();
    let mut take = server.take(true, "127.0.0.20");
    take.args(["--json", "--stay", "--size-limit", "1000"]);
    let mut taking = Running::start(take);
    taking.until("signed-in");
    for (who, name, len, code) in
        [("alice", "one", 1000, 0), ("carol", "two", 1001, 3), ("carol", "three", 0, 0)]
    {
        let mut send = server.command("send", who, false, "127.0.0.20");
        send.args(["--json", "--to", "bob@example.test"]).arg(server.file(name, &octets(len)));
        let (sent, told) = Running::start(send).finish();
        assert_eq!(sent, code, "{name}: {told:#?}");
    }
    taking.interrupt();
    let (code, told) = taking.finish();
    assert_eq!((code, of(&told, "complete").len()), (3, 2), "{told:#?}");
    assert_eq!(of(&told, "ended")[0]["file"], "two");
    let peers: Vec<_> = of(&told, "offered").iter().map(|told| told["peer"].clone()).collect();
    assert_eq!(peers, ["alice@example.test", "carol@example.test", "carol@example.test"]);
    assert_eq!(server.count(), 2);
}

#[test]
fn of_two_files_with_one_name_only_the_first_is_taken() {
    let server = Server::start();
    let other = server.folder.path().join("other");
    std::fs::create_dir(&other).expect("it can be made");
    std::fs::write(other.join("f"), octets(300_000)).expect("it can be written");
    let mut send = server.send(false, "127.0.0.21");
    send.arg(server.file("f", &octets(200_000))).arg(other.join("f"));
    let (taking, sending) = both(server.take(false, "127.0.0.21"), send);
    for running in [sending, taking] {
        let (code, told) = running.finish();
        assert_eq!((code, of(&told, "complete").len()), (3, 1), "{told:#?}");
        assert_eq!(of(&told, "ended")[0]["outcome"], "declined");
    }
    let copy = std::fs::read(server.taken().join("f")).expect("it was taken");
    assert!(copy == octets(200_000) || copy == octets(300_000));
    assert_eq!(server.count(), 1);
}

/// A terminal with a program at it.
struct Terminal {
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    seen: String,
    child: Child,
    began: Instant,
}

impl Terminal {
    fn start(mut command: Command) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(&size, None).expect("a terminal");
        let slave = |fd: &OwnedFd| Stdio::from(fd.try_clone().expect("a descriptor"));
        let (input, output) = (slave(&pair.slave), slave(&pair.slave));
        command.stdin(input).stderr(output).stdout(slave(&pair.slave));
        // Programs draw no bars where the terminal cannot move its cursor.
        command.env("TERM", "xterm");
        let child = command.spawn().expect("it starts");
        drop((command, pair.slave));
        let keyboard = File::from(pair.master);
        let mut reader = keyboard.try_clone().expect("a descriptor");
        let (tell, screen) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // It ends with an error once nobody has the terminal open.
            while let Ok(len @ 1..) = reader.read(&mut buffer) {
                if tell.send(buffer[..len].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { keyboard, screen, seen: String::new(), child, began: Instant::now() }
    }

    /// Waits for a text on the screen.
    fn until(&mut self, text: &str) {
        while !self.seen.contains(text) {
            let left = LIMIT.saturating_sub(self.began.elapsed());
            let octets = self.screen.recv_timeout(left);
            let octets = octets.unwrap_or_else(|_| panic!("no {text:?} in {:?}", self.seen));
            self.seen.push_str(&String::from_utf8_lossy(&octets));
        }
    }

    fn type_in(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).expect("it is open");
    }

    /// Waits for the end: the exit code, and what was on the screen.
    fn finish(mut self) -> (i32, String) {
        let code = wait(&mut self.child, self.began);
        for octets in self.screen.iter() {
            self.seen.push_str(&String::from_utf8_lossy(&octets));
        }
        (code, self.seen)
    }
}

#[test]
fn at_a_terminal_a_bar_is_drawn_and_the_question_is_asked() {
    let server = Server::start();
    let file = server.file("holiday.bin", &octets(3_000_000));
    let there = server.taken().join("holiday.bin");
    std::fs::write(&there, "old").expect("it can be written");
    for (answer, code) in [("n\n", 3), ("y\n", 0)] {
        let mut taking = Terminal::start(server.take(false, "127.0.0.18"));
        taking.until("signed in as bob@example.test");
        let mut send = server.send(false, "127.0.0.18");
        send.arg(&file);
        let sending = Running::start(send);
        taking.until("Replace it? [y/N] ");
        assert_eq!(std::fs::read_to_string(&there).expect("the file"), "old");
        taking.type_in(answer);
        let (sent, told) = sending.finish();
        let (taken, screen) = taking.finish();
        assert_eq!((sent, taken), (code, code), "{screen} {told:#?}");
        if code == 0 {
            assert!(screen.contains("[=====") && screen.contains("2.86 MiB/2.86 MiB"), "{screen}");
            assert!(std::fs::read(&there).expect("the file") == octets(3_000_000));
        } else {
            assert!(screen.contains("there is a file of that name already"), "{screen}");
            assert_eq!(std::fs::read_to_string(&there).expect("the file"), "old");
        }
    }
}

#[test]
fn a_question_may_be_left_unanswered() {
    let server = Server::start();
    let there = server.taken().join("f");
    std::fs::write(&there, "old").expect("it can be written");
    let mut taking = Terminal::start(server.take(false, "127.0.0.22"));
    taking.until("signed in");
    let mut send = server.send(false, "127.0.0.22");
    send.arg(server.file("f", b"new"));
    let sending = Running::start(send);
    taking.until("Replace it? [y/N] ");
    let kill = Command::new("kill").args(["-INT", &taking.child.id().to_string()]).status();
    assert!(kill.expect("it can be told").success());
    assert_eq!(sending.finish().0, 3);
    assert_eq!(taking.finish().0, 5);
    assert_eq!(std::fs::read_to_string(&there).expect("the file"), "old");
}

#[test]
fn without_a_terminal_lines_are_told_and_nothing_moves_a_cursor() {
    let server = Server::start();
    let mut send = server.send(false, "127.0.0.19");
    send.arg(server.file("holiday.bin", &octets(3_000_000)));
    let mut taking = server.take(false, "127.0.0.19");
    taking.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut taking = taking.spawn().expect("it starts");
    let mut out = BufReader::new(taking.stdout.take().expect("it is piped"));
    let mut text = String::new();
    out.read_line(&mut text).expect("UTF-8");
    assert_eq!(text, "signed in as bob@example.test\n");
    assert_eq!(Running::start(send).finish().0, 0);
    out.read_to_string(&mut text).expect("UTF-8");
    let mut complaints = String::new();
    let mut errors = taking.stderr.take().expect("it is piped");
    errors.read_to_string(&mut complaints).expect("UTF-8");
    assert_eq!((wait(&mut taking, Instant::now()), complaints.as_str()), (0, ""));
    let tenths = text.lines().filter(|line| line.ends_with(" of 3000000 octets")).count();
    assert!((1..=10).contains(&tenths), "{text}");
    assert!(text.contains("3000000 octets in "), "{text}");
    assert!(!text.contains('\x1b'), "{text:?}");
}
