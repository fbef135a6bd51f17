//! Programs of other people to talk to.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Finds `program`, or installs Debian's `package` that holds it where this may be done
/// (`HANDSET_INSTALL_PEERS=1`). Without it the test has to be skipped, and the log says so loudly;
/// with `HANDSET_NEED_PEERS=1`, as in CI, a missing peer fails the test.
pub fn peer(program: &str, package: &str) -> Option<PathBuf> {
    if let Some(path) = find(program) {
        return Some(path);
    }
    if std::env::var_os("HANDSET_INSTALL_PEERS").is_some() {
        let _ = Command::new("apt-get")
            .args(["install", "-y", "--no-install-recommends", package])
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(Stdio::null())
            .status();
        if let Some(path) = find(program) {
            return Some(path);
        }
    }
    assert!(
        std::env::var_os("HANDSET_NEED_PEERS").is_none(),
        "{program} (Debian's {package}) is not installed, and HANDSET_NEED_PEERS asks for it"
    );
    eprintln!("SKIPPED: {program} (Debian's {package}) is not installed: nothing was shown here");
    None
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

/// A peer that runs beside the test, and ends with it.
#[derive(Debug)]
pub struct Peer(Child);

impl Peer {
    /// Starts it.
    pub fn spawn(command: &mut Command) -> Self {
        Self(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    /// The process, to wait for or to read from.
    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port of the loopback address that neither UDP nor TCP uses at the moment.
pub fn free_port() -> u16 {
    for _ in 0..100 {
        let Ok(udp) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)) else { continue };
        let port = udp.local_addr().expect("a bound socket has an address").port();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free for both UDP and TCP");
}
