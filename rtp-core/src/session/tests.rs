use super::*;
use crate::packet::Packet;
use crate::rtcp::{self, Compound};
use crate::{BufferTooSmall, Error, Fault, ParseError};
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddr};
use handset_testkit::{Random, seeds};

mod changes;
mod feedback;
mod groups;

fn address(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn config(name: &str) -> Config {
    Config {
        rtp: Some(Path::rtp(address(9000))),
        rtcp: Some(Path::rtcp(address(9001))),
        ..Config::new(Cname::new(name).unwrap())
    }
}

/// A session in storage that nobody gives back.
fn session(config: Config, seed: u8) -> Session<'static> {
    let storage: &'static mut Storage<8> = alloc::boxed::Box::leak(alloc::boxed::Box::default());
    Session::new(config, storage, [seed; 32]).unwrap()
}

const FROM: u16 = 7000;

fn rtp_path() -> Path {
    Path::rtp(address(FROM))
}

fn rtcp_path() -> Path {
    Path::rtcp(address(FROM + 1))
}

fn rtp(ssrc: u32, sequence_number: u16, timestamp: u32) -> Vec<u8> {
    let packet = Packet {
        ssrc: Ssrc(ssrc),
        sequence_number,
        timestamp,
        payload: &[0xff; 160],
        ..Packet::default()
    };
    let mut octets = alloc::vec![0; packet.encoded_len()];
    packet.write(&mut octets).unwrap();
    octets
}

fn written(write: impl Fn(&mut [u8]) -> Result<usize, BufferTooSmall>) -> Vec<u8> {
    let mut octets = alloc::vec![0; 1500];
    let len = write(&mut octets).unwrap();
    octets.truncate(len);
    octets
}

fn receiver_report(ssrc: u32) -> Vec<u8> {
    written(|b| rtcp::ReceiverReport { ssrc: Ssrc(ssrc), ..Default::default() }.write(b))
}

fn goodbye(ssrc: u32) -> Vec<u8> {
    let sources = [Ssrc(ssrc)];
    let packet = rtcp::Goodbye { sources: (&sources).into(), reason: b"" };
    let mut octets = receiver_report(ssrc);
    octets.extend(written(|buffer| packet.write(buffer)));
    octets
}

fn events(session: &mut Session<'_>) -> Vec<Event<'static>> {
    core::iter::from_fn(|| session.poll_event()).collect()
}

/// Runs the timers until RTCP is sent, or `end`.
fn next_rtcp(session: &mut Session<'_>, end: Duration) -> Option<(Duration, Vec<u8>)> {
    let mut buffer = [0; Session::BUFFER_LEN];
    while let Some(now) = session.poll_timeout().filter(|now| *now <= end) {
        session.handle_timeout(now);
        if let Some(transmit) = session.poll_transmit(now, &mut buffer) {
            assert_eq!(transmit.path.component, Component::Rtcp);
            return Some((now, buffer[..transmit.len].to_vec()));
        }
        while session.poll_event().is_some() {}
    }
    None
}

#[test]
fn a_packet_goes_out_in_the_hosts_buffer() {
    let mut session = session(config("a@b"), 1);
    let mut buffer = [0; 200];
    let outgoing = Outgoing { marker: true, timestamp: 320, ..Outgoing::new(8) };
    let first = session.packetize(ms(0), &outgoing, &[7; 160], &mut buffer).unwrap();
    assert_eq!(first, Transmit { path: Path::rtp(address(9000)), len: 172 });
    let one = Packet::parse(&buffer[..172]).unwrap();
    assert_eq!((one.marker, one.payload_type, one.ssrc), (true, 8, session.ssrc()));
    assert_eq!(one.payload, [7; 160]);
    let (sequence, timestamp) = (one.sequence_number, one.timestamp);

    buffer[12..14].copy_from_slice(&[1, 2]);
    let outgoing = Outgoing { timestamp: 480, ..Outgoing::new(8) };
    let second = session.packetize_in_place(ms(20), &outgoing, 2, &mut buffer).unwrap();
    let two = Packet::parse(&buffer[..second.len]).unwrap();
    assert_eq!(two.sequence_number, sequence.wrapping_add(1));
    assert_eq!(two.timestamp, timestamp.wrapping_add(160));
    assert_eq!(two.payload, [1, 2]);
    let statistics = session.statistics();
    assert_eq!((statistics.packets_sent, statistics.octets_sent), (2, 162));
}

#[test]
fn a_packet_that_cannot_go_out_changes_nothing() {
    let mut session = session(Config { rtp: None, ..config("a@b") }, 1);
    let error = session.packetize(ms(0), &Outgoing::new(0), &[0; 4], &mut [0; 15]);
    assert_eq!(error, Err(BufferTooSmall { needed: 16 }.into()));
    let error = session.packetize(ms(0), &Outgoing::new(0), &[0; 4], &mut [0; 16]);
    assert_eq!(error, Err(Error::NoDestination));
    assert_eq!(session.statistics().packets_sent, 0);
    session.set_remote(ms(0), Some(Path::rtp(address(1))), None);
    assert!(session.packetize(ms(0), &Outgoing::new(0), &[0; 4], &mut [0; 16]).is_ok());
}

#[test]
fn a_source_is_passed_on_once_it_is_valid() {
    let mut session = session(config("a@b"), 1);
    let first = rtp(5, 100, 0);
    let error = session.handle_datagram(ms(0), rtp_path(), &first).unwrap_err();
    assert_eq!(error, Error::Sequence { ssrc: Ssrc(5) });
    assert_eq!(session.statistics().members, 1);
    let second = rtp(5, 101, 160);
    let event = session.handle_datagram(ms(20), rtp_path(), &second).unwrap();
    assert!(
        matches!(event, Some(Event::Packet { sequence: 101, packet }) if packet.payload.len() == 160)
    );
    assert_eq!(events(&mut session), [Event::Joined { ssrc: Ssrc(5) }]);
    let statistics = session.statistics();
    assert_eq!((statistics.members, statistics.senders, statistics.refused), (2, 1, 1));
    assert_eq!(session.source(Ssrc(5)).unwrap().received, 1);
}

#[test]
fn the_first_report_comes_within_half_the_interval_and_names_us() {
    for seed in 0..20 {
        let mut session = session(config("alice@example.org"), seed);
        assert_eq!(session.poll_timeout(), Some(Duration::ZERO));
        let (at, report) = next_rtcp(&mut session, ms(60_000)).unwrap();
        // 2.5 s, varied by 0.5 to 1.5, divided by 1.21828.
        assert!((ms(1025)..=ms(3079)).contains(&at), "{at:?}");
        let compound = Compound::parse(&report).unwrap();
        compound.check().unwrap();
        let mut packets = compound.packets().map(Result::unwrap);
        assert!(
            matches!(packets.next(), Some(rtcp::Packet::ReceiverReport(r)) if r.ssrc == session.ssrc())
        );
        let Some(rtcp::Packet::SourceDescription(description)) = packets.next() else {
            panic!("a description")
        };
        let chunk = description.chunks.iter().next().unwrap();
        assert_eq!((chunk.ssrc, chunk.cname()), (session.ssrc(), Some(&b"alice@example.org"[..])));
        let (next, _) = next_rtcp(&mut session, ms(60_000)).unwrap();
        assert!((ms(2051)..=ms(6157)).contains(&(next - at)), "{next:?}");
    }
}

#[test]
fn who_sends_reports_as_a_sender_and_who_stops_as_a_receiver() {
    let mut session = session(config("a@b"), 3);
    session.set_wall_clock(ms(0), NtpTime::from_unix(ms(1_000_000)));
    let mut buffer = [0; 200];
    let outgoing = Outgoing { timestamp: 8000, ..Outgoing::new(0) };
    session.packetize(ms(1000), &outgoing, &[0; 160], &mut buffer).unwrap();
    let sent = Packet::parse(&buffer[..172]).unwrap().timestamp;
    let (at, report) = next_rtcp(&mut session, ms(60_000)).unwrap();
    let report = rtcp::SenderReport::parse(&report).unwrap();
    assert_eq!((report.info.packet_count, report.info.octet_count), (1, 160));
    assert_eq!(report.info.ntp, NtpTime::from_unix(ms(1_000_000)).plus(at));
    // The timestamp of the moment of the report, not of the packet.
    let later = report.info.rtp_timestamp.wrapping_sub(sent);
    let expected = ((at - ms(1000)).as_micros() * 8 / 1000) as u32;
    assert!(later.abs_diff(expected) <= 1, "{later} {expected}");
    let kinds: Vec<u8> =
        (0..4).map(|_| next_rtcp(&mut session, ms(90_000)).unwrap().1[1]).collect();
    assert_eq!(kinds.last(), Some(&rtcp::packet_type::RR), "{kinds:?}");
}

#[test]
fn a_report_speaks_of_each_source_heard_since_the_one_before() {
    let mut session = session(config("a@b"), 4);
    session.handle_timeout(ms(0));
    for (sequence, time) in [(1, 0), (2, 20), (4, 60), (5, 80)] {
        let _ = session.handle_datagram(ms(time), rtp_path(), &rtp(5, sequence, time as u32 * 8));
    }
    let info = rtcp::SenderInfo { ntp: NtpTime(0xb44d_b705_2000_0000), ..Default::default() };
    let report = rtcp::SenderReport { ssrc: Ssrc(5), info, ..Default::default() };
    let octets = written(|buffer| report.write(buffer));
    session.handle_datagram(ms(100), rtcp_path(), &octets).unwrap();
    let (at, report) = next_rtcp(&mut session, ms(60_000)).unwrap();
    let report = rtcp::ReceiverReport::parse(&report).unwrap();
    let block = report.blocks.iter().next().unwrap();
    assert_eq!((block.ssrc, block.highest_sequence), (Ssrc(5), 5));
    // 2 to 5 were expected, 3 was not there.
    assert_eq!((block.fraction_lost, block.cumulative_lost), (64, 1));
    assert_eq!(block.last_sr, 0xb705_2000);
    assert_eq!(block.delay_since_last_sr, crate::ntp::short(at - ms(100)));
    assert_eq!(session.ntp_of(Ssrc(5), 8000), Some(info.ntp.plus(ms(1000))));
    assert_eq!(session.ntp_of(Ssrc(5), 0u32.wrapping_sub(8000)), Some(info.ntp.minus(ms(1000))));
    let (_, next) = next_rtcp(&mut session, ms(60_000)).unwrap();
    assert!(rtcp::ReceiverReport::parse(&next).unwrap().blocks.is_empty());
}

#[test]
fn forty_sources_are_reported_by_turns() {
    let storage = &mut Storage::<40>::new();
    let mut session = Session::new(config("a@b"), storage, [9; 32]).unwrap();
    for ssrc in 1..=40 {
        for sequence in 1..3 {
            let octets = rtp(ssrc, sequence, 0);
            let _ = session.handle_datagram(ms(0), Path::rtp(address(ssrc as u16)), &octets);
        }
    }
    let mut seen = Vec::new();
    for expected in [31, 9] {
        let (_, report) = next_rtcp(&mut session, ms(60_000)).unwrap();
        let report = rtcp::ReceiverReport::parse(&report).unwrap();
        assert_eq!(report.blocks.len(), expected);
        seen.extend(report.blocks.iter().map(|block| block.ssrc.0));
    }
    assert!(seen.into_iter().eq(1..=40));
}

#[test]
fn the_round_trip_is_that_of_the_network() {
    let mut alice = session(config("alice"), 1);
    let mut bob = session(config("bob"), 2);
    alice.packetize(ms(0), &Outgoing::new(0), &[0; 160], &mut [0; 200]).unwrap();
    let (sent, report) = next_rtcp(&mut alice, ms(60_000)).unwrap();
    // 40 ms there.
    bob.handle_timeout(sent);
    bob.handle_datagram(sent + ms(40), rtcp_path(), &report).unwrap();
    // RTP of Alice's makes Bob speak of her.
    for sequence in 1..3 {
        let octets = rtp(alice.ssrc().0, sequence, 0);
        let _ = bob.handle_datagram(sent + ms(41), rtp_path(), &octets);
    }
    let (answered, answer) = next_rtcp(&mut bob, ms(60_000)).unwrap();
    assert!(answered > sent + ms(41));
    // 60 ms back.
    alice.handle_datagram(answered + ms(60), rtcp_path(), &answer).unwrap();
    let view = alice.source(bob.ssrc()).unwrap().remote.unwrap();
    let round_trip = view.round_trip.unwrap();
    assert!(round_trip.abs_diff(ms(100)) < ms(1), "{round_trip:?}");
    assert_eq!(view.highest_sequence, 2);
}

#[test]
fn a_goodbye_is_told_and_late_packets_do_not_bring_its_source_back() {
    let mut session = session(config("a@b"), 5);
    for sequence in 1..3 {
        let _ = session.handle_datagram(ms(0), rtp_path(), &rtp(5, sequence, 0));
    }
    session.handle_datagram(ms(10), rtcp_path(), &goodbye(5)).unwrap();
    let told = events(&mut session);
    assert_eq!(told, [Event::Joined { ssrc: Ssrc(5) }, Event::Goodbye { ssrc: Ssrc(5) }]);
    let statistics = session.statistics();
    assert_eq!((statistics.members, statistics.senders), (1, 0));
    let late = session.handle_datagram(ms(20), rtp_path(), &rtp(5, 3, 0)).unwrap_err();
    assert_eq!(late, Error::AfterBye { ssrc: Ssrc(5) });
    session.handle_timeout(ms(2010));
    assert_eq!(session.source(Ssrc(5)), None);
    // The same source may come back later.
    for sequence in 10..12 {
        let _ = session.handle_datagram(ms(3000), rtp_path(), &rtp(5, sequence, 0));
    }
    assert_eq!(events(&mut session), [Event::Joined { ssrc: Ssrc(5) }]);
}

#[test]
fn nobody_says_goodbye_for_another() {
    let mut session = session(config("a@b"), 5);
    session.handle_datagram(ms(0), rtcp_path(), &receiver_report(5)).unwrap();
    let sources = [Ssrc(5)];
    let packet = rtcp::Goodbye { sources: (&sources).into(), reason: b"" };
    let octets = written(|buffer| packet.write(buffer));
    session.handle_datagram(ms(10), Path::rtcp(address(1)), &octets).unwrap();
    assert_eq!(events(&mut session), [Event::Joined { ssrc: Ssrc(5) }]);
    assert_eq!(session.statistics().members, 2);
}

#[test]
fn silence_ends_a_sender_and_then_a_member() {
    let mut session = session(config("a@b"), 6);
    for sequence in 1..3 {
        let _ = session.handle_datagram(ms(0), rtp_path(), &rtp(5, sequence, 0));
    }
    let mut ended = None;
    let mut no_sender = None;
    while let Some(now) = session.poll_timeout().filter(|now| *now < ms(100_000)) {
        session.handle_timeout(now);
        while session.poll_transmit(now, &mut [0; Session::BUFFER_LEN]).is_some() {}
        if session.statistics().senders == 0 {
            no_sender.get_or_insert(now);
        }
        if events(&mut session).contains(&Event::Timeout { ssrc: Ssrc(5) }) {
            ended = Some(now);
        }
    }
    assert_eq!((no_sender, ended), (Some(ms(10_000)), Some(ms(25_000))));
    assert_eq!(session.statistics().members, 1);
    assert_eq!(session.sources().count(), 0);
}

#[test]
fn a_collision_takes_another_ssrc_with_a_goodbye_for_the_old_one() {
    let mut session = session(Config { ssrc: Some(Ssrc(77)), ..config("a@b") }, 7);
    session.packetize(ms(0), &Outgoing::new(0), &[0; 4], &mut [0; 20]).unwrap();
    let other = rtp(77, 1, 0);
    let error = session.handle_datagram(ms(100), rtp_path(), &other).unwrap_err();
    assert_eq!(error, Error::Loop, "not so soon after the last change");
    let error = session.handle_datagram(ms(3000), rtp_path(), &other).unwrap_err();
    assert_eq!(error, Error::Sequence { ssrc: Ssrc(77) }, "it is a source of its own now");
    let new = session.ssrc();
    assert_ne!(new, Ssrc(77));
    let mut buffer = [0; Session::BUFFER_LEN];
    let transmit = session.poll_transmit(ms(3000), &mut buffer).unwrap();
    let last = Compound::parse(&buffer[..transmit.len]).unwrap().packets().last();
    assert!(
        matches!(last, Some(Ok(rtcp::Packet::Goodbye(bye))) if bye.sources.get(0) == Some(Ssrc(77)))
    );
    assert_eq!(session.poll_transmit(ms(3000), &mut buffer), None);
    assert_eq!(events(&mut session), [Event::Collision { old: Ssrc(77), new }]);
    assert_eq!(session.statistics().packets_sent, 0, "the counts begin anew");

    // Our own packets come back from there: a loop, and no other change.
    session.packetize(ms(6000), &Outgoing::new(0), &[0; 4], &mut buffer).unwrap();
    let echo = rtp(new.0, 1, 0);
    assert_eq!(session.handle_datagram(ms(6010), rtp_path(), &echo), Err(Error::Loop));
    assert_eq!(session.ssrc(), new);
}

#[test]
fn another_address_with_a_known_ssrc_is_a_conflict_until_the_first_is_silent() {
    let mut session = session(config("a@b"), 8);
    for sequence in 1..3 {
        let _ = session.handle_datagram(ms(0), rtp_path(), &rtp(5, sequence, 0));
    }
    let elsewhere = Path::rtp(address(1));
    let third = rtp(5, 3, 0);
    let error = session.handle_datagram(ms(1000), elsewhere, &third);
    assert_eq!(error, Err(Error::Conflict { ssrc: Ssrc(5) }));
    assert!(session.handle_datagram(ms(2000), elsewhere, &third).is_ok());
}

#[test]
fn a_full_table_says_so_and_forgets_what_proved_nothing() {
    let storage = &mut Storage::<2>::new();
    let mut session = Session::new(config("a@b"), storage, [9; 32]).unwrap();
    for ssrc in [1, 2] {
        let _ = session.handle_datagram(ms(0), rtp_path(), &rtp(ssrc, 1, 0));
    }
    let error = session.handle_datagram(ms(0), rtp_path(), &rtp(3, 1, 0)).unwrap_err();
    assert_eq!(error, Error::Full(crate::Full { capacity: 2 }));
    assert_eq!(session.statistics().turned_away, 1);
    session.handle_timeout(ms(5000));
    let error = session.handle_datagram(ms(5000), rtp_path(), &rtp(3, 1, 0)).unwrap_err();
    assert_eq!(error, Error::Sequence { ssrc: Ssrc(3) });
}

#[test]
fn leaving_says_goodbye_at_once_in_a_small_session() {
    let mut session = session(config("a@b"), 10);
    session.packetize(ms(0), &Outgoing::new(0), &[0; 4], &mut [0; 20]).unwrap();
    session.leave(ms(10));
    let mut buffer = [0; Session::BUFFER_LEN];
    let transmit = session.poll_transmit(ms(10), &mut buffer).unwrap();
    let compound = Compound::parse(&buffer[..transmit.len]).unwrap();
    compound.check().unwrap();
    assert!(matches!(compound.packets().last(), Some(Ok(rtcp::Packet::Goodbye(_)))));
    assert_eq!(events(&mut session), [Event::Left]);
    assert!(session.has_left());
    assert_eq!(session.poll_timeout(), None);
    let error = session.packetize(ms(20), &Outgoing::new(0), &[0; 4], &mut [0; 20]);
    assert_eq!(error, Err(Error::Left));
}

#[test]
fn who_was_never_heard_leaves_without_a_word() {
    let mut session = session(config("a@b"), 11);
    session.leave(ms(0));
    assert_eq!(session.poll_transmit(ms(0), &mut [0; Session::BUFFER_LEN]), None);
    assert_eq!(events(&mut session), [Event::Left]);
}

#[test]
fn in_a_crowd_a_goodbye_waits_and_counts_the_goodbyes_of_others() {
    let mut alone = Vec::new();
    for others in [0u32, 2000] {
        let config = Config { bye_back_off_members: 1, ..config("a@b") };
        let mut session = session(config, 12);
        session.packetize(ms(0), &Outgoing::new(0), &[0; 4], &mut [0; 20]).unwrap();
        session.leave(ms(0));
        assert_eq!(session.poll_transmit(ms(0), &mut [0; Session::BUFFER_LEN]), None);
        for ssrc in 0..others {
            session.handle_datagram(ms(1), rtcp_path(), &goodbye(0x1000 + ssrc)).ok();
        }
        alone.push(next_rtcp(&mut session, ms(1_000_000)).unwrap().0);
        assert!(session.has_left());
    }
    assert!(alone[0] < ms(4000) && alone[1] > ms(100_000), "{alone:?}");
}

#[test]
fn a_buffer_too_small_loses_nothing_and_is_told_once() {
    let mut session = session(config("a@b"), 13);
    session.handle_timeout(ms(0));
    let due = session.poll_timeout().unwrap();
    session.handle_timeout(due);
    for _ in 0..3 {
        assert_eq!(session.poll_transmit(due, &mut [0; 20]), None);
    }
    assert_eq!(events(&mut session), [Event::BufferTooSmall { needed: 24 }]);
    assert_eq!(session.poll_transmit(due, &mut [0; 24]).unwrap().len, 24);
}

#[test]
fn two_kinds_share_a_path_where_the_host_says_so() {
    let config = Config { mux: true, rtcp: None, ..config("a@b") };
    let mut session = session(config, 14);
    session.handle_datagram(ms(0), rtp_path(), &receiver_report(5)).unwrap();
    let _ = session.handle_datagram(ms(0), rtp_path(), &rtp(5, 1, 0));
    let second = rtp(5, 2, 0);
    let event = session.handle_datagram(ms(0), rtp_path(), &second).unwrap();
    assert!(matches!(event, Some(Event::Packet { .. })));
    let error = session.handle_datagram(ms(0), rtp_path(), &[22, 254, 253]).unwrap_err();
    assert_eq!(error, Error::NotRtp(crate::demux::Protocol::Dtls));
    session.handle_timeout(ms(0));
    let due = session.poll_timeout().unwrap();
    session.handle_timeout(due);
    let transmit = session.poll_transmit(due, &mut [0; Session::BUFFER_LEN]).unwrap();
    assert_eq!(transmit.path, Path::rtp(address(9000)));
}

#[test]
fn lone_packets_are_taken_or_refused_as_the_host_says() {
    let items = [rtcp::Item { item_type: rtcp::ItemType::Cname, value: b"a\0" }];
    let chunks = [rtcp::Chunk { ssrc: Ssrc(5), items: (&items).into() }];
    let lone = written(|b| rtcp::SourceDescription { chunks: (&chunks).into() }.write(b));
    let mut tolerant = session(config("a@b"), 15);
    tolerant.handle_datagram(ms(0), rtcp_path(), &lone).unwrap();
    assert_eq!(events(&mut tolerant), [Event::Joined { ssrc: Ssrc(5) }]);
    let mut strict = session(Config { lone_packets: false, ..config("a@b") }, 15);
    let error = strict.handle_datagram(ms(0), rtcp_path(), &lone).unwrap_err();
    assert_eq!(error, Error::Parse(ParseError { what: Fault::PacketType, at: 1 }));
}

#[test]
fn a_report_on_the_port_of_rtp_is_no_rtp() {
    let mut session = session(config("a@b"), 16);
    let error = session.handle_datagram(ms(0), rtp_path(), &receiver_report(5)).unwrap_err();
    assert_eq!(error, Error::Parse(ParseError { what: Fault::PacketType, at: 1 }));
}

#[test]
fn configurations_that_cannot_work_are_refused() {
    let refused = |config| Session::new(config, &mut Storage::<1>::new(), [0; 32]).unwrap_err();
    let good = config("a@b");
    assert_eq!(refused(Config { clock_rate: 0, ..good }), ConfigError::ClockRate);
    assert_eq!(refused(Config { rtcp_bandwidth: 0, ..good }), ConfigError::Bandwidth);
    let none = Session::new(good, &mut Storage::<0>::new(), [0; 32]).unwrap_err();
    assert_eq!(none, ConfigError::NoStorage);
    assert_eq!(Cname::new(""), Err(ConfigError::Cname { len: 0 }));
    let long = "x".repeat(65);
    assert_eq!(Cname::new(&long), Err(ConfigError::Cname { len: 65 }));
    assert_eq!(Cname::anonymous([0xff; 12]).as_octets(), b"////////////////");
}

#[test]
fn the_same_seed_and_inputs_give_the_same_outputs() {
    let run = |seed| {
        let mut session = session(config("a@b"), seed);
        let first = next_rtcp(&mut session, ms(60_000));
        (session.ssrc(), first, next_rtcp(&mut session, ms(60_000)))
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn whatever_comes_the_session_goes_on_within_its_storage() {
    seeds(200, |seed| {
        let mut random = Random::new(seed);
        let storage = &mut Storage::<4>::new();
        let config = Config { mux: random.chance(500), ..config("a@b") };
        let mut session = Session::new(config, storage, random.seed()).unwrap();
        let mut now = Duration::ZERO;
        for _ in 0..300 {
            now += ms(random.below(2000));
            let len = random.below(100) as usize;
            let mut octets = match random.below(5) {
                0 => random.octets(len),
                1 => receiver_report(random.below(6) as u32),
                2 => goodbye(random.below(6) as u32),
                _ => rtp(random.below(6) as u32, random.below(300) as u16, 0),
            };
            for _ in 0..random.below(3) {
                let at = random.below(octets.len() as u64) as usize;
                if let Some(octet) = octets.get_mut(at) {
                    *octet = random.number() as u8;
                }
            }
            let from = address(random.below(3) as u16);
            let path = if random.chance(500) { Path::rtp(from) } else { Path::rtcp(from) };
            let _ = session.handle_datagram(now, path, &octets);
            session.handle_timeout(now);
            let mut buffer = [0; Session::BUFFER_LEN];
            let mut sent = 0;
            while let Some(transmit) = session.poll_transmit(now, &mut buffer) {
                Compound::parse(&buffer[..transmit.len]).unwrap().check().unwrap();
                sent += 1;
            }
            assert!(sent <= 2);
            if random.chance(800) {
                while session.poll_event().is_some() {}
            }
            if random.chance(5) {
                session.leave(now);
            }
            let next = session.poll_timeout();
            assert!(next.is_none_or(|next| next > now) || session.has_left(), "{next:?} {now:?}");
            let statistics = session.statistics();
            assert!(statistics.members <= 5 || session.leaving != Leaving::No);
            assert!(statistics.senders <= statistics.members.max(1));
        }
    });
}
