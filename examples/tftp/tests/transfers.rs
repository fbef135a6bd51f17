//! Our client and our server over real sockets.
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

mod common;

use std::net::UdpSocket;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use common::{Running, content};
use tftp::fetch::{self, Error, Job};
use tftp::report::Report;
use tftp_core::client::Config;
use tftp_core::{ErrorCode, Mode, OptionSet};

fn job(running: &Running, remote: &str, local: &std::path::Path) -> Job {
    Job {
        remote: remote.to_owned(),
        local: local.to_owned(),
        mode: Mode::Octet,
        resume: false,
        config: Config::new(running.address),
    }
}

fn get(job: &Job) -> Result<u64, Error> {
    fetch::get(job, &AtomicBool::new(false), &mut |_| {})
}

fn put(job: &Job) -> Result<u64, Error> {
    fetch::put(job, &AtomicBool::new(false), &mut |_| {})
}

#[test]
fn files_pass_both_ways_with_every_kind_of_options() {
    for single_port in [false, true] {
        let running = Running::start(|options| options.single_port = single_port);
        let here = tempfile::tempdir().unwrap();
        for (number, (len, blksize, windowsize)) in [
            (0, None, None),
            (511, None, None),
            (512, None, None),
            (100_000, Some(1428), None),
            (1_000_000, Some(1428), Some(16)),
            (3_000_000, Some(65464), Some(16)),
            (300_000, Some(8), Some(64)),
            (1_000_000, Some(512), Some(64)),
        ]
        .into_iter()
        .enumerate()
        {
            let data = content(len);
            let (there, here) = (format!("f{number}"), here.path().join(format!("f{number}")));
            running.file(&there, &data);
            let mut job = job(&running, &there, &here);
            job.config.options =
                OptionSet { blksize, windowsize, tsize: Some(0), ..OptionSet::NONE };
            assert_eq!(get(&job).unwrap(), len as u64);
            assert_eq!(std::fs::read(&here).unwrap(), data);

            job.remote = format!("up{number}");
            assert_eq!(put(&job).unwrap(), len as u64);
            assert_eq!(std::fs::read(running.folder.path().join(&job.remote)).unwrap(), data);
        }
    }
}

#[test]
fn text_is_turned_both_ways() {
    let running = Running::start(|_| {});
    let here = tempfile::tempdir().unwrap();
    let text = b"a line\nanother\r and\r\n".repeat(1000);
    let file = here.path().join("text");
    std::fs::write(&file, &text).unwrap();
    let mut job = job(&running, "text", &file);
    job.mode = Mode::Netascii;
    assert!(put(&job).unwrap() > text.len() as u64);
    assert_eq!(std::fs::read(running.folder.path().join("text")).unwrap(), text);
    job.local = here.path().join("back");
    get(&job).unwrap();
    assert_eq!(std::fs::read(&job.local).unwrap(), text);
}

#[test]
fn a_file_may_be_made_as_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("phone.xml");
    std::fs::write(&text, "mac {*}\n".repeat(200)).unwrap();
    let running = Running::start(|options| {
        options.templates = vec![format!("SEP*.xml={}", text.display()).parse().unwrap()];
    });
    running.file("SEPx.txt", b"not made");
    let here = tempfile::tempdir().unwrap();
    let local = here.path().join("x");
    for mode in [Mode::Octet, Mode::Netascii] {
        let mut job = job(&running, "SEP0011AA.xml", &local);
        job.mode = mode;
        get(&job).unwrap();
        let made = "mac 0011AA\n".repeat(200);
        assert_eq!(std::fs::read_to_string(&local).unwrap(), made);
    }
    get(&job(&running, "SEPx.txt", &local)).unwrap();
    assert_eq!(std::fs::read(&local).unwrap(), b"not made");
    std::fs::remove_file(text).unwrap();
    assert!(matches!(
        get(&job(&running, "SEP1.xml", &local)),
        Err(Error::Peer(ErrorCode::FileNotFound, _))
    ));
}

#[test]
fn ipv6_is_served_as_ipv4_is() {
    if UdpSocket::bind("[::1]:0").is_err() {
        eprintln!("SKIPPED: there is no IPv6 here: nothing was shown");
        return;
    }
    for single_port in [false, true] {
        let running = Running::start(|options| {
            options.listen = vec!["[::1]:0".parse().unwrap()];
            options.single_port = single_port;
        });
        let here = tempfile::tempdir().unwrap();
        let data = content(100_000);
        running.file("f", &data);
        let local = here.path().join("f");
        let mut job = job(&running, "f", &local);
        job.config.options.windowsize = Some(16);
        get(&job).unwrap();
        assert_eq!(std::fs::read(&local).unwrap(), data);
        job.remote = "up".into();
        put(&job).unwrap();
        assert_eq!(std::fs::read(running.folder.path().join("up")).unwrap(), data);
    }
}

#[test]
fn an_answer_comes_from_the_address_that_was_asked() {
    let running = Running::start(|options| {
        options.listen = ["127.0.0.1:0", "127.0.0.2:0"].map(|a| a.parse().unwrap()).to_vec();
    });
    running.file("f", b"file");
    let addresses: Vec<_> = running
        .reports
        .iter()
        .filter_map(|report| match report {
            Report::Listening { address } => Some(address),
            _ => None,
        })
        .take(2)
        .collect();
    for address in addresses {
        let client = UdpSocket::bind("0.0.0.0:0").unwrap();
        client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        client.send_to(b"\0\x01f\0octet\0", address).unwrap();
        let (_, from) = client.recv_from(&mut [0; 1024]).unwrap();
        assert_eq!(from.ip(), address.ip());
        assert_ne!(from.port(), address.port());
    }
}

#[test]
fn refusals_are_told() {
    let running = Running::start(|options| options.access.overwrite = false);
    let here = tempfile::tempdir().unwrap();
    let local = here.path().join("x");
    for (name, code) in [
        ("none", ErrorCode::FileNotFound),
        ("../secret", ErrorCode::AccessViolation),
        ("a\\b", ErrorCode::AccessViolation),
    ] {
        match get(&job(&running, name, &local)) {
            Err(Error::Peer(told, _)) => assert_eq!(told, code),
            other => panic!("{other:?}"),
        }
    }
    assert!(!local.exists());
    std::fs::write(&local, "new").unwrap();
    running.file("old", b"old");
    match put(&job(&running, "old", &local)) {
        Err(Error::Peer(ErrorCode::FileAlreadyExists, _)) => {}
        other => panic!("{other:?}"),
    }
    let refused = running.reports.iter().find(|report| matches!(report, Report::Refused { .. }));
    assert!(refused.is_some_and(|report| report.to_string().contains("refused with ERROR 1")));
}

#[test]
fn a_server_that_is_not_there_is_given_up() {
    let nobody = UdpSocket::bind("127.0.0.1:0").unwrap();
    let here = tempfile::tempdir().unwrap();
    let mut config = Config::new(nobody.local_addr().unwrap());
    config.first_timeout = Duration::from_millis(10);
    config.max_timeout = Duration::from_millis(30);
    let local = here.path().join("x");
    let job = Job { remote: "f".into(), local, mode: Mode::Octet, resume: false, config };
    assert!(matches!(get(&job), Err(Error::TimedOut)));
}

#[test]
fn a_transfer_is_taken_up_again() {
    let running = Running::start(|_| {});
    let here = tempfile::tempdir().unwrap();
    let data = content(50_000);
    running.file("f", &data);
    let local = here.path().join("f");
    // What has come before is kept: here it is marked to be recognised.
    std::fs::write(here.path().join("f.part"), [b'!'; 10_001]).unwrap();
    let mut job = job(&running, "f", &local);
    job.resume = true;
    assert_eq!(get(&job).unwrap(), 50_000);
    let copy = std::fs::read(&local).unwrap();
    assert_eq!(copy[..10_001], [b'!'; 10_001]);
    assert_eq!(copy[10_001..], data[10_001..]);
}

#[test]
fn many_files_pass_at_once() {
    let running = Running::start(|_| {});
    let here = tempfile::tempdir().unwrap();
    let data = content(200_000);
    running.file("f", &data);
    std::thread::scope(|scope| {
        for number in 0..20 {
            let mut job = job(&running, "f", &here.path().join(number.to_string()));
            job.config.options.windowsize = Some(8);
            let data = &data;
            scope.spawn(move || {
                get(&job).unwrap();
                assert_eq!(&std::fs::read(&job.local).unwrap(), data);
            });
        }
    });
}

#[test]
fn a_transfer_in_turns_keeps_nobody_waiting() {
    let running = Running::start(|_| {});
    running.file("long", &content(5_000_000));
    running.file("short", b"short");
    let new = || {
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        client
    };
    let slow = new();
    slow.send_to(b"\0\x01long\0octet\0", running.address).unwrap();
    std::thread::scope(|scope| {
        let others = scope.spawn(|| {
            for _ in 0..20 {
                let (client, mut buffer) = (new(), [0; 1024]);
                client.send_to(b"\0\x01short\0octet\0", running.address).unwrap();
                let since = Instant::now();
                let (len, from) = client.recv_from(&mut buffer).unwrap();
                assert_eq!(&buffer[..len], b"\0\x03\0\x01short");
                assert!(since.elapsed() < Duration::from_millis(500), "{:?}", since.elapsed());
                client.send_to(b"\0\x04\0\x01", from).unwrap();
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        // Fast and slow by turns, as long as the others come and go.
        let mut blocks = 0u16;
        while !others.is_finished() {
            let mut buffer = [0; 1024];
            let (len, from) = slow.recv_from(&mut buffer).unwrap();
            assert_eq!(len, 516);
            if buffer[2..4] != (blocks + 1).to_be_bytes() {
                // A repeat: this machine has been busy with something else.
                continue;
            }
            blocks += 1;
            if blocks % 8 > 5 {
                std::thread::sleep(Duration::from_millis(3));
            }
            let mut ack = *b"\0\x04\0\0";
            ack[2..].copy_from_slice(&buffer[2..4]);
            slow.send_to(&ack, from).unwrap();
        }
        assert!(blocks > 10, "{blocks}");
    });
}

#[test]
fn the_rate_is_kept() {
    let running = Running::start(|options| options.rate = Some(1_000_000));
    let here = tempfile::tempdir().unwrap();
    running.file("f", &content(500_000));
    let since = Instant::now();
    get(&job(&running, "f", &here.path().join("f"))).unwrap();
    let seconds = since.elapsed().as_secs_f64();
    assert!((0.35..3.0).contains(&seconds), "{seconds}");
}

#[test]
fn a_stop_waits_for_transfers_and_then_ends_them() {
    let running = Running::start(|_| {});
    running.file("f", &content(5000));
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    client.send_to(b"\0\x01f\0octet\0", running.address).unwrap();
    let mut buffer = [0; 1024];
    let (len, _) = client.recv_from(&mut buffer).unwrap();
    assert_eq!((len, &buffer[..4]), (516, &b"\0\x03\0\x01"[..]));
    let since = Instant::now();
    running.stop();
    // No new ones are taken meanwhile.
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    other.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    other.send_to(b"\0\x01f\0octet\0", running.address).unwrap();
    let (len, _) = other.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..len], b"\0\x05\0\0The server is stopping\0");
    loop {
        let (len, _) = client.recv_from(&mut buffer).unwrap();
        if buffer[1] == 5 {
            assert_eq!(&buffer[..len], b"\0\x05\0\0The server is stopping\0");
            break;
        }
    }
    running.join();
    assert!(since.elapsed() < Duration::from_secs(4));
}

#[test]
fn half_a_file_never_shows() {
    let running = Running::start(|_| {});
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    client.send_to(b"\0\x02f\0octet\0", running.address).unwrap();
    let mut buffer = [0; 1024];
    let (_, from) = client.recv_from(&mut buffer).unwrap();
    let mut block = b"\0\x03\0\x01".to_vec();
    block.extend(content(512));
    client.send_to(&block, from).unwrap();
    let (len, _) = client.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..len], b"\0\x04\0\x01");
    assert!(!running.folder.path().join("f").exists());
    client.send_to(b"\0\x05\0\0changed my mind\0", from).unwrap();
    let failed = running.reports.iter().find(|report| matches!(report, Report::Failed { .. }));
    assert!(failed.is_some_and(|report| report.to_string().contains("changed my mind")));
    // Its socket and its temporary file go away.
    let since = Instant::now();
    while std::fs::read_dir(running.folder.path()).unwrap().count() > 0 {
        assert!(since.elapsed() < Duration::from_secs(5), "the temporary file stays");
        std::thread::sleep(Duration::from_millis(5));
    }
}
