//! What nasty, broken and confused clients get of our server. `examples/nasty.rs` puts the same cases
//! to other servers.
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

mod common;
#[path = "common/nasty.rs"]
mod nasty;

use std::time::Duration;

use common::Running;

#[test]
fn nasty_clients_get_what_the_rfcs_say() {
    std::thread::scope(|scope| {
        for single_port in [false, true] {
            scope.spawn(move || {
                let running = Running::start(|options| {
                    options.single_port = single_port;
                    options.config.per_source = 1000;
                });
                for (name, content) in nasty::files() {
                    running.file(name, &content);
                }
                let cases = nasty::cases(running.address, Duration::from_millis(1500));
                let broken: Vec<_> = cases.iter().filter(|(_, kept)| *kept != Some(true)).collect();
                assert!(broken.is_empty(), "single port {single_port}: {broken:#?}");
                assert!(cases.len() > 20);
            });
        }
    });
}
