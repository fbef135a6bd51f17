//! Programs of other people against our server, and our client against other people's servers.
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

mod common;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use common::{Running, content};
use handset_testkit::{Peer, free_port, peer};
use tftp::fetch::{self, Job};
use tftp_core::client::Config;
use tftp_core::{Mode, OptionSet};

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {said}");
}

fn port(running: &Running) -> String {
    running.address.port().to_string()
}

#[test]
fn tftp_hpa_reads_and_writes() {
    let Some(program) = peer("tftp", "tftp-hpa") else { return };
    for single_port in [false, true] {
        let running = Running::start(|options| options.single_port = single_port);
        let here = tempfile::tempdir().unwrap();
        let data = content(100_001);
        running.file("f", &data);
        let tftp = |commands: &[&str]| {
            run(Command::new(&program)
                .args(["-m", "binary", "127.0.0.1", &port(&running), "-c"])
                .args(commands)
                .current_dir(here.path()));
        };
        tftp(&["get", "f"]);
        assert_eq!(std::fs::read(here.path().join("f")).unwrap(), data);
        tftp(&["put", "f", "g"]);
        // The client does not wait to see that its last block has come.
        let since = Instant::now();
        while std::fs::read(running.folder.path().join("g")).ok().as_ref() != Some(&data) {
            assert!(
                since.elapsed() < Duration::from_secs(5),
                "what was written did not come whole"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn tftp_hpa_reads_text() {
    let Some(program) = peer("tftp", "tftp-hpa") else { return };
    let running = Running::start(|_| {});
    let here = tempfile::tempdir().unwrap();
    let text = b"one\ntwo\n\nfour\n".repeat(500);
    running.file("text", &text);
    run(Command::new(&program)
        .args(["-m", "netascii", "127.0.0.1", &port(&running), "-c", "get", "text"])
        .current_dir(here.path()));
    assert_eq!(std::fs::read(here.path().join("text")).unwrap(), text);
}

#[test]
fn curl_reads_and_writes() {
    let Some(program) = peer("curl", "curl") else { return };
    for single_port in [false, true] {
        let running = Running::start(|options| options.single_port = single_port);
        let here = tempfile::tempdir().unwrap();
        let data = content(300_000);
        running.file("f", &data);
        let url = |name: &str| format!("tftp://127.0.0.1:{}/{name}", running.address.port());
        for blksize in ["512", "1428", "65464"] {
            run(Command::new(&program)
                .args(["-s", "-S", "--tftp-blksize", blksize, "-o", "f", &url("f")])
                .current_dir(here.path()));
            assert_eq!(std::fs::read(here.path().join("f")).unwrap(), data, "{blksize}");
            run(Command::new(&program)
                .args(["-s", "-S", "--tftp-blksize", blksize, "-T", "f", &url("up")])
                .current_dir(here.path()));
            assert_eq!(std::fs::read(running.folder.path().join("up")).unwrap(), data, "{blksize}");
        }
        let output = Command::new(&program).args(["-s", &url("none")]).output().unwrap();
        assert_eq!(output.status.code(), Some(68), "curl's word for a file that is not there");
    }
}

#[test]
fn atftp_reads_and_writes_with_windows() {
    let Some(program) = peer("atftp", "atftp") else { return };
    let running = Running::start(|_| {});
    let here = tempfile::tempdir().unwrap();
    let data = content(1_000_003);
    running.file("f", &data);
    for (blksize, windowsize) in [("512", "1"), ("512", "64"), ("1428", "16"), ("65464", "16")] {
        let atftp = |verb: &str, remote: &str| {
            let (blksize, window) =
                (format!("blksize {blksize}"), format!("windowsize {windowsize}"));
            run(Command::new(&program)
                .args(["--option", &blksize, "--option", &window])
                .args([verb, "-r", remote, "-l", "f", "127.0.0.1", &port(&running)])
                .current_dir(here.path()));
        };
        let since = Instant::now();
        atftp("-g", "f");
        assert_eq!(std::fs::read(here.path().join("f")).unwrap(), data, "{blksize} {windowsize}");
        atftp("-p", "up");
        assert_eq!(std::fs::read(running.folder.path().join("up")).unwrap(), data);
        let seconds = since.elapsed().as_secs_f64();
        assert!(seconds < 8.0, "it stalls: {blksize} {windowsize} {seconds}");
    }
}

fn busybox_has_tftp(program: &Path) -> bool {
    Command::new(program)
        .arg("--list")
        .output()
        .is_ok_and(|output| output.stdout.split(|o| *o == b'\n').any(|line| line == b"tftp"))
}

#[test]
fn busybox_reads_and_writes() {
    let Some(program) = peer("busybox", "busybox") else { return };
    if !busybox_has_tftp(&program) {
        eprintln!("SKIPPED: this busybox has no tftp: nothing was shown here");
        return;
    }
    let running = Running::start(|_| {});
    let here = tempfile::tempdir().unwrap();
    let data = content(100_000);
    running.file("f", &data);
    for blksize in ["512", "1428"] {
        let tftp = |verb: &str, remote: &str| {
            run(Command::new(&program)
                .args(["tftp", "-b", blksize, verb, "-r", remote, "-l", "f", "127.0.0.1"])
                .arg(port(&running))
                .current_dir(here.path()));
        };
        tftp("-g", "f");
        assert_eq!(std::fs::read(here.path().join("f")).unwrap(), data);
        tftp("-p", "up");
        assert_eq!(std::fs::read(running.folder.path().join("up")).unwrap(), data);
    }
}

/// Gets and puts with our client, with and without options.
fn our_client(port: u16, folder: &Path, windows: bool) {
    let here = tempfile::tempdir().unwrap();
    let data = content(300_007);
    std::fs::write(folder.join("f"), &data).unwrap();
    let stop = AtomicBool::new(false);
    for (blksize, windowsize) in
        [(None, None), (Some(1428), None), (Some(1428), Some(16)), (Some(65464), Some(4))]
    {
        let mut config = Config::new(([127, 0, 0, 1], port).into());
        config.options = OptionSet {
            blksize,
            windowsize,
            tsize: blksize.map(|_| 0),
            timeout: blksize.map(|_| 2),
        };
        let local = here.path().join("f");
        let mut job = Job { remote: "f".into(), local, mode: Mode::Octet, resume: false, config };
        let since = Instant::now();
        fetch::get(&job, &stop, &mut |_| {}).unwrap();
        assert_eq!(std::fs::read(&job.local).unwrap(), data);
        if windows {
            job.remote = format!("up{blksize:?}{windowsize:?}");
            // Some servers only write to files that are there.
            std::fs::write(folder.join(&job.remote), "").unwrap();
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                let all = std::fs::Permissions::from_mode(0o666);
                std::fs::set_permissions(folder.join(&job.remote), all).unwrap();
            }
            fetch::put(&job, &stop, &mut |_| {}).unwrap();
            let until = Instant::now() + Duration::from_secs(5);
            while std::fs::read(folder.join(&job.remote)).unwrap() != data {
                assert!(Instant::now() < until, "what was written did not come whole");
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        assert!(since.elapsed() < Duration::from_secs(8), "it stalls");
    }
}

/// A folder that a server under another name may read and write.
fn open_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let all = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(folder.path(), all).unwrap();
    }
    folder
}

fn wait_for_server() {
    // It has no way to say that it is ready; a request too early would only be repeated.
    std::thread::sleep(Duration::from_millis(300));
}

#[test]
fn our_client_uses_tftpd_hpa() {
    let Some(program) = peer("in.tftpd", "tftpd-hpa") else { return };
    // Other packages, which cannot be installed beside it, have a program of the same name.
    let version = Command::new(&program).arg("-V").output().unwrap().stdout;
    if !String::from_utf8_lossy(&version).contains("tftp-hpa") {
        eprintln!("SKIPPED: this in.tftpd is not tftpd-hpa: nothing was shown here");
        return;
    }
    let (folder, port) = (open_folder(), free_port());
    let address = format!("127.0.0.1:{port}");
    let _server = Peer::spawn(
        Command::new(program)
            .args(["-L", "-c", "-u", "root", "-a", &address, "-s"])
            .arg(folder.path())
            .stderr(Stdio::null()),
    );
    wait_for_server();
    our_client(port, folder.path(), true);
}

#[test]
fn our_client_uses_atftpd() {
    // To install it would remove tftpd-hpa; where it is, or a copy of it (`.ci/run install` makes
    // one), it is used.
    let program = std::env::var_os("HANDSET_ATFTPD").unwrap_or("/usr/sbin/atftpd".into());
    if !Path::new(&program).is_file() {
        let needed = std::env::var_os("HANDSET_NEED_PEERS").is_some();
        assert!(!needed, "atftpd is not installed, and HANDSET_NEED_PEERS asks for it");
        eprintln!("SKIPPED: atftpd is not installed: nothing was shown here");
        return;
    }
    let (folder, port) = (open_folder(), free_port());
    let _server = Peer::spawn(
        Command::new(program)
            .args(["--daemon", "--no-fork", "--logfile", "/dev/null", "--bind-address"])
            .args(["127.0.0.1", "--port", &port.to_string()])
            .arg(folder.path())
            .stderr(Stdio::null()),
    );
    wait_for_server();
    our_client(port, folder.path(), true);
}

#[test]
fn our_client_uses_dnsmasq() {
    let Some(program) = peer("dnsmasq", "dnsmasq-base") else { return };
    let folder = open_folder();
    // Its port is fixed; where 69 cannot be had there is nothing to be shown.
    let Ok(socket) = std::net::UdpSocket::bind("127.0.0.1:69") else {
        eprintln!("SKIPPED: port 69 cannot be had here: nothing was shown");
        return;
    };
    drop(socket);
    let _server = Peer::spawn(
        Command::new(program)
            .args(["--no-daemon", "--conf-file=/dev/null", "--port=0", "--enable-tftp"])
            .args(["--listen-address=127.0.0.1", "--bind-interfaces", "--user=root"])
            .arg(format!("--tftp-root={}", folder.path().display()))
            .stderr(Stdio::null()),
    );
    wait_for_server();
    our_client(69, folder.path(), false);
}
