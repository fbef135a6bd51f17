//! Measures our client with our server, and with those of others that are installed, over a network
//! of 20 ms each way that loses one datagram in a hundred, and prints a table with tabs.
//!
//! ```console
//! $ cargo run --release -p tftp --example slow_network > slow.tsv
//! $ cargo run -p figures -- tsv tftp-slow-network slow.tsv
//! ```
//!
//! Names as arguments (`ours dnsmasq`) measure only those servers. The environment's `ATFTPD` and `TFTPD` say where atftpd and the server of the crate `tftpd` are.
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/common/others.rs"]
mod others;
#[path = "../tests/common/relay.rs"]
mod relay;

use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use common::{Running, content};
use relay::{Relay, Way};
use tftp::fetch::{self, Job};
use tftp_core::Mode;
use tftp_core::client::Config;

const WAY: Way = Way { delay: Duration::from_millis(20), loss_per_mille: 10 };
const OCTETS: usize = 1024 * 1024;
/// Which losses there are decides much: the mean of so many networks.
const SEEDS: u64 = 3;

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = content(OCTETS);
    std::fs::write(folder.path().join("f"), &data).expect("it can be written");
    let only: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|wanted| wanted == name);
    println!("server\t1428/1\t1428/16\t1428/64\tgain");
    if wanted("ours") {
        let running = Running::start(|options| options.root = folder.path().to_owned());
        row("ours", running.address, &data);
    }
    for (name, address, _server) in others::start(folder.path()) {
        if wanted(name) {
            row(name, address, &data);
        }
    }
}

fn row(name: &str, server: SocketAddr, data: &[u8]) {
    let seconds = [None, Some(16), Some(64)].map(|windowsize| seconds(server, windowsize, data));
    let texts = seconds.map(|seconds| seconds.map_or("fails".into(), |s| format!("{s:.2} s")));
    let gain = match seconds {
        [Some(alone), _, Some(wide)] => format!("{:.0}×", alone / wide),
        _ => String::new(),
    };
    println!("{name}\t{}\t{gain}", texts.join("\t"));
}

/// How long the file takes; nothing where one of the transfers comes to nothing.
fn seconds(server: SocketAddr, windowsize: Option<u16>, data: &[u8]) -> Option<f64> {
    let here = tempfile::tempdir().expect("a folder");
    let mut total = 0.0;
    for seed in 0..SEEDS {
        let relay = Relay::start(server, WAY, seed);
        let local = here.path().join("f");
        let mut config = Config::new(relay.address);
        config.options.windowsize = windowsize;
        let job = Job { remote: "f".into(), local, mode: Mode::Octet, resume: false, config };
        let since = Instant::now();
        if let Err(error) = fetch::get(&job, &AtomicBool::new(false), &mut |_| {}) {
            eprintln!("{server}, windows of {windowsize:?}, seed {seed}: {error}");
            return None;
        }
        total += since.elapsed().as_secs_f64();
        assert!(std::fs::read(&job.local).expect("the file") == data, "it is another file");
    }
    Some(total / SEEDS as f64)
}
