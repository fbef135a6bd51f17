//! Networks of their own, for tests of what goes from one machine to another.

use std::fs::File;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::peer;

/// A machine of its own, as far as the network is concerned: a network namespace, which ends with it.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    ip: PathBuf,
}

impl Namespace {
    /// Makes one. Without the right to do so the test has to be skipped, and the log says so loudly;
    /// with `HANDSET_NEED_PEERS=1` that fails the test.
    pub fn new(label: &str) -> Option<Self> {
        let ip = peer("ip", "iproute2")?;
        let namespace = Self { name: format!("handset-{label}-{}", std::process::id()), ip };
        let made = namespace.ip(&["netns", "add", &namespace.name]);
        if !made {
            assert!(
                std::env::var_os("HANDSET_NEED_PEERS").is_none(),
                "no network namespace can be made, and HANDSET_NEED_PEERS asks for it"
            );
            eprintln!("SKIPPED: no network namespace can be made: nothing was shown here");
            return None;
        }
        assert!(namespace.configure(&["link", "set", "lo", "up"]));
        Some(namespace)
    }

    /// A cable between two of them, with an address of a network of 256 at either end. The ends have
    /// the names that are given.
    pub fn connect(&self, link: &str, address: Ipv4Addr, other: &Self, far: &str, at: Ipv4Addr) {
        let (name, theirs) = (self.name.as_str(), other.name.as_str());
        let made = [
            "link", "add", link, "netns", name, "type", "veth", "peer", "name", far, "netns",
            theirs,
        ];
        assert!(self.ip(&made), "no cable from {link} to {far}");
        for (end, link, address) in [(self, link, address), (other, far, at)] {
            let address = format!("{address}/24");
            assert!(end.configure(&["address", "add", &address, "dev", link]));
            assert!(end.configure(&["link", "set", link, "up"]));
        }
    }

    /// Runs `ip` inside of it.
    pub fn configure(&self, arguments: &[&str]) -> bool {
        self.ip(&[&["-n", &self.name], arguments].concat())
    }

    /// A program that runs inside of it.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(&self.ip);
        command.args(["netns", "exec", &self.name, program]);
        command
    }

    /// Does something inside of it, on a thread of its own: sockets that are opened there stay there.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        thread::scope(|scope| {
            let inside = scope.spawn(|| {
                let file = File::open(format!("/run/netns/{}", self.name)).expect("it is there");
                move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
                    .expect("whoever made it may enter it");
                work()
            });
            inside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn ip(&self, arguments: &[&str]) -> bool {
        let mut command = Command::new(&self.ip);
        command.args(arguments).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        self.ip(&["netns", "delete", &self.name]);
    }
}
