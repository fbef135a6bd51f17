//! Sessions over simulated networks, in virtual time.

#![cfg(feature = "alloc")]

extern crate alloc;

use alloc::collections::BTreeSet;
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use handset_testkit::{Link, LinkConfig, seeds};
use rtp_core::session::{
    Cname, Component, Config, Event, Outgoing, Path, Session, SourceStatistics, Storage, Transmit,
};

fn address(host: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, host))
}

fn config(name: &str, peer: u16) -> Config {
    let mut config = Config::new(Cname::new(name).expect("a short name"));
    config.rtp = Some(Path::rtp(address(peer)));
    config.rtcp = Some(Path::rtcp(address(peer)));
    config
}

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// What a test knows of a stream by itself, to hold the session's figures against.
#[derive(Default)]
struct Witness {
    arrivals: Vec<(Duration, u16, u32)>,
}

impl Witness {
    /// Jitter in units of the clock, with fractions, by the words of RFC 3550 section 6.4.1.
    fn jitter(&self) -> f64 {
        let mut jitter = 0.0;
        let mut before: Option<f64> = None;
        for (at, _, timestamp) in &self.arrivals {
            let transit = at.as_secs_f64() * 8000.0 - f64::from(*timestamp);
            if let Some(before) = before {
                let difference: f64 = transit - before;
                jitter += (difference.abs() - jitter) / 16.0;
            }
            before = Some(transit);
        }
        jitter
    }
}

/// A call over a link: sound both ways for `length`. Gives what each knows of the other, and what
/// the link brought to the second.
fn call(
    link: LinkConfig,
    seed: u64,
    length: Duration,
) -> (SourceStatistics, SourceStatistics, Witness) {
    let mut storages = [Storage::<2>::new(), Storage::<2>::new()];
    let [first, second] = &mut storages;
    let fixed = |mut config: Config| {
        // Timestamps that the test can know.
        config.first_sequence_number = Some(65_000);
        config
    };
    let key = |n: u8| [n ^ seed as u8; 32];
    let mut sessions = [
        Session::new(fixed(config("alice", 1)), first, key(1)).expect("it works"),
        Session::new(fixed(config("bob", 0)), second, key(77)).expect("it works"),
    ];
    let ssrcs = [sessions[0].ssrc(), sessions[1].ssrc()];
    let mut links = Link::new(link, seed);
    let mut witness = Witness::default();
    let mut buffer = [0; 1500];
    let mut now = Duration::ZERO;
    let mut sound = 0u32;
    while now < length {
        // Sound every 20 ms.
        if now >= millis(u64::from(sound) * 20) {
            for (host, session) in sessions.iter_mut().enumerate() {
                let outgoing = Outgoing { timestamp: sound * 160, ..Outgoing::new(0) };
                let sent =
                    session.packetize(now, &outgoing, &[0xff; 160], &mut buffer).expect("it fits");
                links.send(
                    now,
                    (host, Component::Rtp),
                    (1 - host, Component::Rtp),
                    &buffer[..sent.len],
                );
            }
            sound += 1;
        }
        while let Some(((from, component), (to, _), octets)) = links.receive(now) {
            let path = Path { component, local: 0, remote: address(from as u16) };
            let event = sessions[to].handle_datagram(now, path, &octets);
            if let (1, Ok(Some(Event::Packet { packet, .. }))) = (to, event) {
                witness.arrivals.push((now, packet.sequence_number, packet.timestamp));
            }
        }
        for (host, session) in sessions.iter_mut().enumerate() {
            session.handle_timeout(now);
            while let Some(Transmit { path, len }) = session.poll_transmit(now, &mut buffer) {
                links.send(now, (host, path.component), (1 - host, path.component), &buffer[..len]);
            }
            while let Some(event) = session.poll_event() {
                let bad = matches!(event, Event::Timeout { .. } | Event::Collision { .. });
                assert!(!bad, "{event:?}");
            }
        }
        let next = [
            Some(millis(u64::from(sound) * 20)),
            links.next_arrival(),
            sessions[0].poll_timeout(),
            sessions[1].poll_timeout(),
        ];
        now = next.into_iter().flatten().min().expect("there is always sound").max(now);
    }
    let of = |session: &Session<'_>, ssrc| session.source(ssrc).expect("they have met");
    (of(&sessions[0], ssrcs[1]), of(&sessions[1], ssrcs[0]), witness)
}

#[test]
fn loss_and_jitter_agree_with_what_the_link_did() {
    seeds(10, |seed| {
        let (_, alice, witness) = call(LinkConfig::BAD, seed, Duration::from_secs(120));
        // Everything that was passed on was counted, duplicates as well.
        assert_eq!(alice.received as usize, witness.arrivals.len());
        let cycles =
            |sequence: u16| u32::from(sequence) + if sequence < 30_000 { 65_536 } else { 0 };
        let distinct: BTreeSet<u32> =
            witness.arrivals.iter().map(|(_, sequence, _)| cycles(*sequence)).collect();
        let (first, last) = (distinct.first().expect("some came"), distinct.last().expect("some"));
        // What came before the source was valid is not expected.
        let base = alice.highest_sequence + 1 - alice.expected;
        assert!(base - first <= 20, "{base} {first}");
        assert_eq!(alice.highest_sequence & 0x1_ffff, *last);
        let loss = f64::from(alice.expected - distinct.len() as u32) / f64::from(alice.expected);
        assert!((0.07..0.13).contains(&loss), "{loss}");
        assert_eq!(
            alice.lost,
            alice.expected as i32 - witness.arrivals.len() as i32,
            "RFC 3550 counts duplicates as received"
        );
        let jitter = witness.jitter();
        let difference = (f64::from(alice.jitter) - jitter).abs();
        // The fixed-point estimator of appendix A.8 rounds by less than one unit.
        assert!(difference <= 1.5, "{} {jitter}", alice.jitter);
    });
}

#[test]
fn each_learns_from_reports_how_it_is_heard() {
    seeds(10, |seed| {
        let (bob, alice, _) = call(LinkConfig::BAD, seed, Duration::from_secs(120));
        for side in [bob, alice] {
            let remote = side.remote.expect("reports have come");
            let round_trip = remote.round_trip.expect("and answers to ours");
            assert!((millis(20)..=millis(140)).contains(&round_trip), "{round_trip:?}");
            assert!(remote.lost > 100 && remote.jitter > 50, "{remote:?}");
            let info = side.sender_report.expect("both send");
            assert!(info.packet_count > 4000 && info.octet_count == info.packet_count * 160);
        }
    });
}

#[test]
fn a_good_link_loses_nothing_and_has_no_jitter() {
    let (_, alice, _) = call(LinkConfig::GOOD, 1, Duration::from_secs(30));
    assert_eq!((alice.lost, alice.jitter), (0, 0));
    assert_eq!(alice.received, alice.expected);
    let round_trip = alice.remote.and_then(|remote| remote.round_trip).expect("reports have come");
    assert!(round_trip.abs_diff(millis(10)) < millis(1), "{round_trip:?}");
}

/// A session of many, each of whom hears all others and has room for so many: octets of RTCP in
/// each second, and the sessions.
fn crowd(
    members: usize,
    senders: usize,
    seconds: u64,
    seed: u8,
    room: usize,
) -> (Vec<u64>, Vec<Session<'static>>) {
    let mut sessions: Vec<Session<'static>> = (0..members)
        .map(|member| {
            let mut config = config("somebody@example.org", 0);
            config.rtcp_bandwidth = 50_000;
            // 360 s over the kilobits of the session (RFC 3550 section 6.2): with the usual 5 s the
            // few senders would leave most of their share.
            config.minimum_interval = millis(360);
            config.member_limit = room;
            config.sampling = room < members;
            let mut key = [seed; 32];
            key[..8].copy_from_slice(&(member as u64).to_be_bytes());
            Session::growing(config, key).expect("it works")
        })
        .collect();
    let mut octets = vec![0u64; seconds as usize];
    let mut buffer = [0; 1500];
    // Steps of 20 ms: a sender's packet each second, and what timers bring.
    for step in 0..seconds * 50 {
        let now = millis(step * 20);
        let mut sent: Vec<(usize, Component, Vec<u8>)> = Vec::new();
        for (member, session) in sessions.iter_mut().enumerate() {
            if member < senders && step % 50 == 0 {
                let outgoing = Outgoing { timestamp: step as u32 * 160, ..Outgoing::new(0) };
                let transmit =
                    session.packetize(now, &outgoing, &[0; 20], &mut buffer).expect("it fits");
                sent.push((member, Component::Rtp, buffer[..transmit.len].to_vec()));
            }
            if session.poll_timeout().is_some_and(|due| due <= now) {
                session.handle_timeout(now);
                while let Some(transmit) = session.poll_transmit(now, &mut buffer) {
                    octets[(step / 50) as usize] += transmit.len as u64 + 28;
                    sent.push((member, Component::Rtcp, buffer[..transmit.len].to_vec()));
                }
            }
        }
        for (from, component, datagram) in &sent {
            let path = Path { component: *component, local: 0, remote: address(*from as u16 + 1) };
            for (member, session) in sessions.iter_mut().enumerate() {
                if member != *from {
                    let _ = session.handle_datagram(now, path, datagram);
                    while session.poll_event().is_some() {}
                }
            }
        }
    }
    (octets, sessions)
}

#[test]
fn five_hundred_members_keep_to_the_bandwidth_of_rtcp() {
    let seconds = 150;
    let (octets, sessions) = crowd(500, 5, seconds, 3, 500);
    for session in &sessions {
        assert_eq!(session.statistics().members, 500);
    }
    assert_eq!(sessions[499].statistics().senders, 5);
    // 50000 bits are 6250 octets a second, once everybody knows everybody.
    let settled = &octets[seconds as usize / 3..];
    let mean = settled.iter().sum::<u64>() as f64 / settled.len() as f64;
    assert!((0.85..1.15).contains(&(mean / 6250.0)), "{mean} octets a second");
    // No flood at the beginning, when everybody thinks to be alone.
    let worst = octets.iter().take(10).max().expect("there are seconds");
    assert!(*worst < 4 * 6250, "{worst} octets in a second of the beginning");
}

#[test]
fn five_thousand_members_keep_to_the_bandwidth_with_room_for_a_hundredth() {
    let (seconds, room) = (180, 50);
    let (octets, sessions) = crowd(5000, 5, seconds, 5, room);
    let mut sum = 0;
    for session in &sessions {
        let statistics = session.statistics();
        assert!(session.sources().count() <= room);
        assert!(statistics.senders == 5 || statistics.senders == 4, "{statistics:?}");
        assert!((64..=512).contains(&statistics.sampled_one_in), "{statistics:?}");
        sum += u64::from(statistics.members);
    }
    let mean = sum / 5000;
    assert!((4250..5750).contains(&mean), "{mean} members");
    let settled = &octets[seconds as usize / 2..];
    let mean = settled.iter().sum::<u64>() as f64 / settled.len() as f64;
    assert!((0.85..1.15).contains(&(mean / 6250.0)), "{mean} octets a second");
    let worst = octets.iter().take(10).max().expect("there are seconds");
    assert!(*worst < 6 * 6250, "{worst} octets in a second of the beginning");
}

#[test]
fn a_crowd_that_leaves_together_does_not_flood() {
    let (_, mut sessions) = crowd(200, 2, 60, 4, 200);
    let start = millis(60_000);
    for session in &mut sessions {
        session.leave(start);
    }
    let mut buffer = [0; 1500];
    let mut in_second = vec![0u64; 300];
    for step in 0..300 * 50u64 {
        let now = start + millis(step * 20);
        let mut sent = Vec::new();
        for (member, session) in sessions.iter_mut().enumerate() {
            if session.poll_timeout().is_some_and(|due| due <= now) {
                session.handle_timeout(now);
            }
            while let Some(transmit) = session.poll_transmit(now, &mut buffer) {
                in_second[(step / 50) as usize] += transmit.len as u64 + 28;
                sent.push((member, buffer[..transmit.len].to_vec()));
            }
        }
        for (from, datagram) in &sent {
            let path = Path::rtcp(address(*from as u16 + 1));
            for (member, session) in sessions.iter_mut().enumerate() {
                if member != *from {
                    let _ = session.handle_datagram(now, path, datagram);
                    while session.poll_event().is_some() {}
                }
            }
        }
    }
    assert!(sessions.iter().all(Session::has_left));
    let worst = in_second.iter().max().expect("there are seconds");
    assert!(*worst < 3 * 6250, "{worst} octets in one second");
}
