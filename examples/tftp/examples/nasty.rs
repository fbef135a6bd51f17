//! Puts the cases of the test `nasty` to our server, and to those of others that are installed, and
//! prints a table with tabs: what the RFCs say, and who does so.
//!
//! ```console
//! $ cargo run --release -p tftp --example nasty > nasty.tsv
//! $ cargo run -p figures -- tsv tftp-nasty nasty.tsv
//! ```
//!
//! The environment's `ATFTPD` and `TFTPD` say where atftpd and the server of the crate `tftpd` are.
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/common/nasty.rs"]
mod nasty;
#[path = "../tests/common/others.rs"]
mod others;

use std::net::SocketAddr;
use std::time::Duration;

use common::Running;

/// The slowest timer among them fires after 5 s.
const SILENCE: Duration = Duration::from_millis(5500);

/// Where the files are, and what they are to be like.
fn fill(folder: &std::path::Path) {
    for (name, content) in nasty::files() {
        std::fs::write(folder.join(name), content).expect("it can be written");
    }
}

fn main() {
    let mut columns = Vec::new();
    let mut column =
        |name, address: SocketAddr| columns.push((name, nasty::cases(address, SILENCE)));
    let running = Running::start(|options| options.config.per_source = 1000);
    fill(running.folder.path());
    column("ours", running.address);
    drop(running);
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path());
    for (name, address, _server) in others::start(folder.path()) {
        column(name, address);
    }
    let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
    println!("what the RFC says\t{}", names.join("\t"));
    let rules: Vec<_> =
        columns.iter().flat_map(|(_, cases)| cases).map(|(rule, _)| *rule).collect();
    for (place, rule) in rules.iter().enumerate() {
        if rules.iter().position(|other| other == rule) != Some(place) {
            continue;
        }
        let kept = columns.iter().map(|(_, cases)| {
            match cases.iter().find(|(said, _)| said == rule).and_then(|(_, kept)| *kept) {
                Some(true) => "yes",
                Some(false) => "**no**",
                None => "",
            }
        });
        println!("{rule}\t{}", kept.collect::<Vec<_>>().join("\t"));
    }
}
