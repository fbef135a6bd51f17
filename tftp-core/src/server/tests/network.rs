//! One client and a server over networks in virtual time.

use super::*;
use alloc::vec;
use alloc::vec::Vec;
use core::net::SocketAddr;
use handset_testkit::{Link, LinkConfig, Random, seeds};

use crate::Rollover;
use crate::client::{self, Client};

const CLIENT: SocketAddr = SocketAddr::new(IpAddr::V4(core::net::Ipv4Addr::LOCALHOST), 40_000);
const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(core::net::Ipv4Addr::LOCALHOST), 69);

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn file(len: u32) -> Vec<u8> {
    (0..len).map(|i| (i * 7 + i / 251) as u8).collect()
}

/// A transfer, and the network that it passes.
#[derive(Clone, Copy)]
struct Setup {
    link: LinkConfig,
    seed: u64,
    kind: Kind,
    options: OptionSet,
    rollover: Rollover,
    tries: u16,
    /// How many datagrams of one moment each side has room for.
    room: usize,
    /// Of how many datagrams one way at least one arrives; 0: nobody says so.
    one_in: u32,
}

impl Setup {
    fn new(link: LinkConfig, seed: u64, kind: Kind, options: OptionSet) -> Self {
        let rollover = Rollover::Zero;
        Self { link, seed, kind, options, rollover, tries: 30, room: usize::MAX, one_in: 0 }
    }
}

/// Loses what the link itself does not: what a buffer has no room for, and by the rule of one in
/// so many.
struct Network {
    link: Link<SocketAddr>,
    random: Random,
    setup: Setup,
    /// Of each way: what was lost in a row, and how much has come at what moment.
    ways: [(u32, usize, Duration); 2],
}

impl Network {
    fn new(setup: Setup) -> Self {
        let lossless = LinkConfig { loss_per_mille: 0, ..setup.link };
        let link = if setup.one_in > 0 { lossless } else { setup.link };
        Self {
            link: Link::new(link, setup.seed),
            random: Random::new(!setup.seed),
            setup,
            ways: [(0, 0, Duration::ZERO); 2],
        }
    }

    fn send(&mut self, now: Duration, from: SocketAddr, to: SocketAddr, octets: &[u8]) {
        let (lost, moment, at) = &mut self.ways[usize::from(to == CLIENT)];
        if *at != now {
            (*moment, *at) = (0, now);
        }
        *moment += 1;
        if *moment > self.setup.room {
            return;
        }
        if self.setup.one_in > 0 {
            let may = *lost + 1 < self.setup.one_in;
            if may && self.random.chance(self.setup.link.loss_per_mille) {
                *lost += 1;
                return;
            }
            *lost = 0;
        }
        self.link.send(now, from, to, octets);
    }
}

/// Runs a transfer to its end: when the client was done.
fn run(setup: Setup, file: &[u8]) -> Duration {
    let Setup { kind, options, rollover, tries, .. } = setup;
    let mut network = Network::new(setup);
    let mut storage: Storage<2> = Storage::new();
    // Nothing helps a client whose server has forgotten it: where most is lost, it must remember.
    let linger = Duration::from_secs(if tries > 1000 { 36_000 } else { 60 });
    let config = Config { rollover, tries, linger, first_timeout: ms(200), ..Config::default() };
    let mut server = Server::new(config, &mut storage, [3; 32]);
    let config = client::Config {
        options,
        rollover,
        tries,
        linger,
        first_timeout: ms(200),
        ..client::Config::new(SERVER)
    };
    let mut now = ms(1);
    let mut client = match kind {
        Kind::Read => Client::get(now, &config, b"f", Mode::Octet).unwrap(),
        Kind::Write => {
            Client::put(now, &config, b"f", Mode::Octet, Some(file.len() as u64)).unwrap()
        }
    };
    let mut buffer = vec![0; server.transmit_len().min(3000).max(client.transmit_len())];
    let mut copy: Vec<u8> = Vec::new();
    let (mut client_done, mut server_done, mut released) = (None, None, false);
    let mut sent = 0u64;
    loop {
        while let Some(transmit) = client.poll_transmit(now, &mut buffer) {
            if let Some(read) = transmit.read {
                let from = usize::try_from(read.offset).unwrap();
                buffer[read.place()].copy_from_slice(&file[from..from + read.len]);
            }
            network.send(now, CLIENT, transmit.path.remote, &buffer[..transmit.len]);
            sent += 1;
        }
        while let Some(event) = client.poll_event() {
            match event {
                client::Event::Complete { .. } => client_done = Some(now),
                event => panic!("{event:?}"),
            }
        }
        while let Some(transmit) = server.poll_transmit(now, &mut buffer) {
            if let Some((_, read)) = transmit.read {
                let from = usize::try_from(read.offset).unwrap();
                buffer[read.place()].copy_from_slice(&file[from..from + read.len]);
            }
            network.send(now, SERVER, transmit.path.remote, &buffer[..transmit.len]);
            sent += 1;
        }
        while let Some(event) = server.poll_event() {
            match event {
                Event::Complete { .. } => server_done = Some(now),
                Event::Released { .. } => released = true,
                // The client has its file, and its last ACKs were lost.
                Event::Failed { .. } if client_done.is_some() && kind == Kind::Read => {
                    server_done = Some(now);
                }
                event => panic!("{event:?}"),
            }
        }
        if client_done.is_some() && (server_done.is_some() || released) && copy.len() == file.len()
        {
            break;
        }
        let times = [client.poll_timeout(), server.poll_timeout(), network.link.next_arrival()];
        let Some(next) = times.into_iter().flatten().min() else { break };
        now = now.max(next);
        client.handle_timeout(now);
        server.handle_timeout(now);
        // One datagram, then drain.
        if let Some((from, to, octets)) = network.link.receive(now) {
            let path = Path { local: 0, remote: from };
            if to == CLIENT {
                match client.handle_datagram(now, path, &octets) {
                    Ok(Some(client::Event::Block { offset, data, .. })) => {
                        assert_eq!(offset, copy.len() as u64);
                        copy.extend_from_slice(data);
                    }
                    Ok(Some(client::Event::Complete { .. })) => client_done = Some(now),
                    Ok(Some(client::Event::Started { .. }) | None) => {}
                    // After the end of a write the last ACK may come again from a server that
                    // has forgotten; nothing else may go wrong.
                    other => panic!("{other:?}"),
                }
            } else {
                match server.handle_datagram(now, path, &octets) {
                    Ok(Some(Event::Request { transfer, .. })) => {
                        let size = (kind == Kind::Read).then_some(file.len() as u64);
                        let grant = Grant { size, local: None };
                        server.accept(now, transfer, grant).unwrap();
                    }
                    Ok(Some(Event::Block { offset, data, .. })) => {
                        assert_eq!(offset, copy.len() as u64);
                        copy.extend_from_slice(data);
                    }
                    Ok(Some(Event::Complete { .. })) => server_done = Some(now),
                    Ok(None) => {}
                    // A delayed repeat of what belongs to a transfer that is over.
                    Ok(Some(Event::Failed { .. })) if client_done.is_some() => {}
                    other => panic!("{other:?}"),
                }
            }
        }
        assert!(now < Duration::from_secs(1_000_000), "never ends");
        assert!(sent < 10_000_000, "a flood");
    }
    let done = client_done.expect("the client ends well");
    assert!(released || server_done.is_some());
    assert!(copy == file, "{} of {} octets", copy.len(), file.len());
    done
}

fn any_options(random: &mut Random) -> OptionSet {
    let mut some = |of: u64| (random.below(3) > 0).then(|| random.below(of));
    OptionSet {
        blksize: some(1000).map(|n| 8 + n as u16),
        timeout: some(3).map(|n| 1 + n as u8),
        tsize: some(1).map(|_| 0),
        windowsize: some(20).map(|n| 1 + n as u16),
    }
}

fn any_kind(seed: u64) -> Kind {
    if seed.is_multiple_of(2) { Kind::Read } else { Kind::Write }
}

#[test]
fn files_pass_a_bad_network_both_ways() {
    seeds(150, |seed| {
        let mut random = Random::new(seed ^ 0xabcd);
        let len = usize::try_from(random.below(20_000)).unwrap();
        let file = random.octets(len);
        let options = any_options(&mut random);
        run(Setup::new(LinkConfig::BAD, seed, any_kind(seed), options), &file);
    });
}

/// Random networks of which nothing is known but that one datagram in 64 arrives. The environment's
/// `HANDSET_SCHEDULES` says how many, where it is not these few.
#[test]
fn files_pass_any_network_that_delivers_one_datagram_in_64() {
    let count = std::env::var("HANDSET_SCHEDULES")
        .map_or(20_000, |count| count.parse().expect("HANDSET_SCHEDULES is a number"));
    seeds(count, |seed| {
        let mut random = Random::new(seed ^ 0x6464);
        // The worst are the dearest to simulate, and are rarer for it.
        let loss_per_mille = match random.below(32) {
            0 => 1000,
            1 => 900 + random.below(100) as u32,
            2..=5 => 500 + random.below(400) as u32,
            6..=15 => 100 + random.below(400) as u32,
            _ => random.below(100) as u32,
        };
        let link = LinkConfig {
            loss_per_mille,
            duplicate_per_mille: random.below(300) as u32,
            delay: Duration::from_micros(random.below(100_000)),
            jitter: Duration::from_micros(random.below(200_000)),
        };
        let options = OptionSet {
            blksize: (random.below(4) > 0).then(|| 8 + random.below(100) as u16),
            ..any_options(&mut random)
        };
        let blocks = random.below(if loss_per_mille < 500 { 40 } else { 4 });
        let blksize = u64::from(options.blksize_or_default());
        let len = usize::try_from(blocks * blksize + random.below(blksize)).unwrap();
        let setup = Setup {
            rollover: if random.below(2) == 0 { Rollover::Zero } else { Rollover::One },
            tries: 60_000,
            one_in: 64,
            ..Setup::new(link, seed, any_kind(seed), options)
        };
        run(setup, &random.octets(len));
    });
}

#[test]
fn a_window_larger_than_the_receivers_buffer_does_not_stall() {
    let file = file(512 * 400 + 100);
    for kind in [Kind::Read, Kind::Write] {
        for room in [1, 2, 3, 8, 20, 40, 63] {
            let options = OptionSet { windowsize: Some(64), ..OptionSet::NONE };
            // Timers and packets of no real network keep step with each other.
            let link = LinkConfig { delay: Duration::from_micros(1037), ..LinkConfig::GOOD };
            let time = run(Setup { room, ..Setup::new(link, 1, kind, options) }, &file);
            std::println!("{kind:?} with room for {room}: {} ms", time.as_millis());
            // Stop-and-wait, which always works, takes two ways for each block.
            let stop_and_wait = link.delay * 2 * 401;
            let bound = if room == 1 { stop_and_wait * 3 } else { stop_and_wait };
            assert!(time < bound, "{kind:?} {room}: {time:?}");
        }
    }
}

#[test]
fn blocks_roll_over_in_a_long_file() {
    let file = file(8 * 70_000 + 5);
    for (kind, rollover) in [
        (Kind::Read, Rollover::Zero),
        (Kind::Write, Rollover::One),
        (Kind::Read, Rollover::One),
        (Kind::Write, Rollover::Zero),
    ] {
        let options = OptionSet { blksize: Some(8), windowsize: Some(64), ..OptionSet::NONE };
        let link = LinkConfig { loss_per_mille: 2, ..LinkConfig::GOOD };
        run(Setup { rollover, ..Setup::new(link, 5, kind, options) }, &file);
    }
}

#[test]
fn loss_costs_little_time() {
    // 10 ms each way, one packet in a hundred lost each way.
    let link = LinkConfig {
        loss_per_mille: 10,
        duplicate_per_mille: 0,
        delay: ms(10),
        jitter: Duration::ZERO,
    };
    let time = |len, blksize, windowsize, kind| {
        let options =
            OptionSet { blksize: Some(blksize), windowsize: Some(windowsize), ..OptionSet::NONE };
        let setup = |seed| Setup { tries: 6, ..Setup::new(link, seed, kind, options) };
        let total: Duration = (0..5).map(|seed| run(setup(seed), &file(len))).sum();
        total.as_secs_f64() / 5.0
    };
    for kind in [Kind::Read, Kind::Write] {
        let lock_step = time(256 * 1024, 512, 1, kind);
        let large = time(1024 * 1024, 1428, 1, kind);
        let windows = time(1024 * 1024, 1428, 16, kind);
        let wide = time(1024 * 1024, 1428, 64, kind);
        std::println!("{kind:?}: {lock_step:.2} {large:.2} {windows:.2} {wide:.2} s");
        assert!(lock_step < 12.5, "{lock_step}");
        assert!(large < 18.0, "{large}");
        assert!(windows < 1.7, "{windows}");
        assert!(wide < 0.6, "{wide}");
        assert!(large / wide > 20.0, "a window of 64 is worth twenty times lock-step");
    }
}
