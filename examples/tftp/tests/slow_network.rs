//! Real sockets over a network of 20 ms each way that loses one datagram in a hundred.
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

mod common;
#[path = "common/relay.rs"]
mod relay;

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use common::{Running, content};
use relay::{Relay, Way};
use tftp::fetch::{self, Job};
use tftp_core::Mode;
use tftp_core::client::Config;

const WAY: Way = Way { delay: Duration::from_millis(20), loss_per_mille: 10 };

#[test]
fn a_window_is_worth_twenty_times_stop_and_wait() {
    for single_port in [false, true] {
        let running = Running::start(|options| options.single_port = single_port);
        let here = tempfile::tempdir().unwrap();
        // Octets in a second.
        let rate = |len: usize, windowsize| {
            let relay = Relay::start(running.address, WAY, 1);
            let data = content(len);
            running.file("f", &data);
            let local = here.path().join("f");
            let mut config = Config::new(relay.address);
            config.options.windowsize = windowsize;
            let mut job =
                Job { remote: "f".into(), local, mode: Mode::Octet, resume: false, config };
            let stop = AtomicBool::new(false);
            let since = Instant::now();
            fetch::get(&job, &stop, &mut |_| {}).unwrap();
            let seconds = since.elapsed().as_secs_f64();
            assert_eq!(std::fs::read(&job.local).unwrap(), data);
            job.remote = "up".into();
            let since = Instant::now();
            fetch::put(&job, &stop, &mut |_| {}).unwrap();
            let there = since.elapsed().as_secs_f64();
            // The last ACK is under way while the client does not wait for more.
            assert_eq!(std::fs::read(running.folder.path().join("up")).unwrap(), data);
            (len as f64 / seconds, len as f64 / there)
        };
        let (get, put) = rate(80_000, None);
        let (wide_get, wide_put) = rate(2_000_000, Some(64));
        println!("get: {get:.0}, {wide_get:.0}; put: {put:.0}, {wide_put:.0} octets a second");
        assert!(wide_get > 20.0 * get && wide_put > 20.0 * put);
    }
}
