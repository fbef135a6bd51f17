//! U-Boot's client in QEMU against our server. It has a program of its own among the tests because
//! U-Boot asks at port 69, which other tests of servers want too.
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

mod common;

use std::io::{Read as _, Write as _};
use std::net::UdpSocket;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use common::{Running, content};
use handset_testkit::{Peer, peer};

/// Not without the line's end: `crc32` says `==> ` before what it found.
const PROMPT: &str = "\n=> ";
/// Where the machine `virt` has memory that U-Boot does not use itself.
const MEMORY: &str = "0x41000000";

/// U-Boot's console.
struct Console {
    input: ChildStdin,
    output: ChildStdout,
}

impl Console {
    /// Sends a line and reads until `until` has come.
    fn say(&mut self, line: &str, until: &str) -> String {
        self.input.write_all(format!("{line}\n").as_bytes()).unwrap();
        self.read(until)
    }

    fn read(&mut self, until: &str) -> String {
        let (mut said, mut octet) = (String::new(), [0]);
        while !said.ends_with(until) {
            assert!(self.output.read(&mut octet).unwrap() > 0, "it has ended: {said}");
            said.push(char::from(octet[0]));
        }
        said
    }
}

/// CRC-32 as U-Boot's command computes it.
fn crc32(octets: &[u8]) -> u32 {
    !octets.iter().fold(u32::MAX, |crc, octet| {
        (0..8).fold(crc ^ u32::from(*octet), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    })
}

fn port_69_is_free() -> bool {
    // A test of another server may hold it for a while.
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(20) {
        if UdpSocket::bind("127.0.0.1:69").is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    false
}

#[test]
fn u_boot_reads() {
    let Some(qemu) = peer("qemu-system-arm", "qemu-system-arm") else { return };
    let Some(image) = peer("/usr/lib/u-boot/qemu_arm/u-boot.bin", "u-boot-qemu") else { return };
    if !port_69_is_free() {
        eprintln!("SKIPPED: port 69 cannot be had here: nothing was shown");
        return;
    }
    // QEMU's user network keeps port 69 of its own addresses to itself; to all others it is a router,
    // and the host's loopback address is one of them.
    let running = Running::start(|options| options.listen = vec!["127.0.0.1:69".parse().unwrap()]);
    let data = content(1_500_007);
    running.file("f", &data);
    // Its driver of this card has room for eight packets: windows of 16 and 64 are lost for the most
    // part, and the rest has to come nevertheless.
    let mut machine = Peer::spawn(
        Command::new(qemu)
            .args(["-M", "virt", "-cpu", "cortex-a15", "-m", "128", "-nographic", "-bios"])
            .arg(image)
            .args(["-netdev", "user,id=net", "-device", "e1000,netdev=net,romfile="])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped()),
    );
    let input = machine.child().stdin.take().unwrap();
    let output = machine.child().stdout.take().unwrap();
    let mut console = Console { input, output };
    // A console that says nothing more is a test that fails, not one that hangs.
    let watch = {
        let pid = machine.child().id().to_string();
        let (done, end) = std::sync::mpsc::channel::<()>();
        std::thread::spawn(move || {
            if end.recv_timeout(Duration::from_secs(120)) == Err(RecvTimeoutError::Timeout) {
                let _ = Command::new("kill").arg(pid).status();
            }
        });
        done
    };
    console.read("stop autoboot");
    console.say("", PROMPT);
    console.say("setenv ipaddr 10.0.2.15; setenv netmask 255.255.255.0", PROMPT);
    console.say("setenv gatewayip 10.0.2.2; setenv serverip 127.0.0.1", PROMPT);
    for (blksize, windowsize) in [("512", "1"), ("1468", "1"), ("1468", "16"), ("512", "64")] {
        console.say(&format!("setenv tftpblocksize {blksize}"), PROMPT);
        console.say(&format!("setenv tftpwindowsize {windowsize}"), PROMPT);
        console.say(&format!("mw.b {MEMORY} 0 0x200000"), PROMPT);
        let said = console.say(&format!("tftpboot {MEMORY} f"), PROMPT);
        assert!(said.contains("Bytes transferred = 1500007"), "{blksize} {windowsize}: {said}");
        let said = console.say(&format!("crc32 {MEMORY} ${{filesize}}"), PROMPT);
        let expected = format!("==> {:08x}", crc32(&data));
        assert!(said.contains(&expected), "{blksize} {windowsize}: {said}");
    }
    let said = console.say(&format!("tftpboot {MEMORY} none"), PROMPT);
    assert!(said.contains("File not found"), "{said}");
    let _ = watch.send(());
    let started = running.reports.try_iter().map(|report| report.to_string());
    let granted: Vec<_> = started.filter(|line| line.contains("windows of")).collect();
    for wish in ["blocks of 512, windows of 1", "1468, windows of 16", "512, windows of 64"] {
        assert!(granted.iter().any(|line| line.ends_with(wish)), "{wish}: {granted:?}");
    }
}
