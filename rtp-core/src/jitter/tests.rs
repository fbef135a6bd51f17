use super::*;
use alloc::vec::Vec;
use handset_testkit::{Link, LinkConfig, Random, seeds};

const PACKET: u64 = 20;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn frame(sequence: u32, payload: &[u8]) -> Frame<'_> {
    Frame {
        sequence,
        timestamp: sequence.wrapping_mul(160),
        payload_type: 0,
        marker: false,
        payload,
    }
}

fn fixed(delay_ms: u64) -> Config {
    Config { delay: Delay::Fixed(ms(delay_ms)), ..Config::new(8000) }
}

/// What came out: the sequence number, or what else.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Out {
    Packet(u32),
    Conceal(Cause),
    Silence,
}

fn pop(buffer: &mut Buffer<'_>, now: Duration) -> Out {
    match buffer.pop(now) {
        Playout::Packet(frame) => {
            assert_eq!(frame.payload, frame.sequence.to_be_bytes());
            Packet(frame.sequence)
        }
        Playout::Conceal(cause) => Conceal(cause),
        Playout::Silence => Silence,
    }
}

fn push(buffer: &mut Buffer<'_>, now: Duration, sequence: u32) -> Result<(), Rejected> {
    buffer.push(now, frame(sequence, &sequence.to_be_bytes()))
}

use Out::{Conceal, Packet, Silence};

#[test]
fn packets_come_out_in_order_after_the_delay() {
    let storage = &mut Storage::<8, 4>::new();
    let mut buffer = Buffer::new(fixed(40), storage).unwrap();
    let mut seen = Vec::new();
    for (n, arrivals) in [&[10u32][..], &[], &[12, 11], &[13], &[14]].into_iter().enumerate() {
        let now = ms(n as u64 * PACKET);
        for sequence in arrivals {
            push(&mut buffer, now, *sequence).unwrap();
        }
        seen.push(pop(&mut buffer, now));
    }
    assert_eq!(seen, [Silence, Silence, Packet(10), Packet(11), Packet(12)]);
    assert_eq!(buffer.depth(), 2);
}

#[test]
fn a_hole_is_concealed_once_and_what_comes_after_its_time_is_late() {
    let storage = &mut Storage::<8, 4>::new();
    let mut buffer = Buffer::new(fixed(20), storage).unwrap();
    for sequence in [0, 1, 3] {
        push(&mut buffer, ms(u64::from(sequence) * PACKET), sequence).unwrap();
    }
    let seen: Vec<_> = (1..5).map(|n| pop(&mut buffer, ms(n * PACKET))).collect();
    assert_eq!(seen, [Packet(0), Packet(1), Conceal(Cause::Lost), Packet(3)]);
    assert_eq!(push(&mut buffer, ms(100), 2), Err(Rejected::Late));
    assert_eq!(push(&mut buffer, ms(100), 3), Err(Rejected::Duplicate));
    let statistics = buffer.statistics();
    assert_eq!((statistics.played, statistics.lost, statistics.late), (3, 1, 1));
    assert_eq!((statistics.concealed, statistics.duplicates), (1, 1));
    assert_eq!(statistics.mean_delay, ms(20));
}

#[test]
fn a_duplicate_in_the_buffer_is_told() {
    let storage = &mut Storage::<8, 4>::new();
    let mut buffer = Buffer::new(fixed(20), storage).unwrap();
    push(&mut buffer, ms(0), 5).unwrap();
    assert_eq!(push(&mut buffer, ms(1), 5), Err(Rejected::Duplicate));
}

#[test]
fn a_payload_too_long_is_refused() {
    let storage = &mut Storage::<2, 4>::new();
    let mut buffer = Buffer::new(fixed(20), storage).unwrap();
    let result = buffer.push(ms(0), frame(1, &[0; 5]));
    assert_eq!(result, Err(Rejected::TooLong { limit: 4 }));
    assert_eq!(buffer.statistics().too_long, 1);
}

#[test]
fn an_empty_buffer_is_concealed_for_a_while_and_then_silent() {
    let storage = &mut Storage::<8, 4>::new();
    let config = Config { longest_concealment: 2, ..fixed(20) };
    let mut buffer = Buffer::new(config, storage).unwrap();
    push(&mut buffer, ms(0), 1).unwrap();
    let seen: Vec<_> = (1..6).map(|n| pop(&mut buffer, ms(n * PACKET))).collect();
    let empty = Conceal(Cause::Empty);
    assert_eq!(seen, [Packet(1), empty, empty, Silence, Silence]);
    assert_eq!(buffer.statistics().underruns, 1);
    // When sound comes again, the delay is kept: 1 was played 20 ms after its time.
    push(&mut buffer, ms(200), 11).unwrap();
    assert_eq!(pop(&mut buffer, ms(200)), Silence);
    assert_eq!(pop(&mut buffer, ms(220)), Packet(11));
    assert_eq!(buffer.statistics().lost, 9);
}

#[test]
fn a_gap_that_was_concealed_as_it_passed_is_not_concealed_again() {
    let storage = &mut Storage::<16, 4>::new();
    let mut buffer = Buffer::new(fixed(20), storage).unwrap();
    let mut seen = Vec::new();
    for n in 0..10u32 {
        let now = ms(u64::from(n) * PACKET);
        // 2 to 5 are lost: the buffer runs empty meanwhile.
        if !(2..6).contains(&n) {
            push(&mut buffer, now, n).unwrap();
        }
        seen.push(pop(&mut buffer, now));
    }
    let empty = Conceal(Cause::Empty);
    assert_eq!(seen[..6], [Silence, Packet(0), Packet(1), empty, empty, empty]);
    // 6 is here when the last of the gap passes, and follows it in its time.
    assert_eq!(seen[6..], [Conceal(Cause::Lost), Packet(6), Packet(7), Packet(8)]);
    let statistics = buffer.statistics();
    assert_eq!((statistics.lost, statistics.concealed, statistics.late), (4, 4, 0));
}

#[test]
fn a_talk_spurt_whose_first_packet_is_overtaken_is_played_whole() {
    let storage = &mut Storage::<16, 4>::new();
    let mut buffer = Buffer::new(fixed(60), storage).unwrap();
    let mut seen = Vec::new();
    // 0 is played, and the talker pauses; the next spurt comes out of order.
    let spurt = |n: u32| Frame { timestamp: 3200 + (n - 1) * 160, marker: n == 1, ..frame(n, &[]) };
    for tick in 0..30u64 {
        let now = ms(tick * PACKET);
        match tick {
            0 => push(&mut buffer, now, 0).unwrap(),
            21 => buffer.push(now, spurt(2)).unwrap(),
            22 => [1, 3].into_iter().for_each(|n| buffer.push(now, spurt(n)).unwrap()),
            _ => {}
        }
        if let Playout::Packet(frame) = buffer.pop(now) {
            seen.push((tick, frame.sequence));
        }
    }
    assert_eq!(seen, [(3, 0), (23, 1), (24, 2), (25, 3)]);
    assert_eq!((buffer.statistics().lost, buffer.statistics().late), (0, 0));
}

#[test]
fn a_pause_of_the_talker_is_silence_and_no_loss() {
    let storage = &mut Storage::<8, 4>::new();
    let mut buffer = Buffer::new(fixed(20), storage).unwrap();
    let payload = 1u32.to_be_bytes();
    push(&mut buffer, ms(0), 0).unwrap();
    // The next packet in sequence, 200 ms later in time, with the marker of a talk spurt.
    let spurt = Frame { timestamp: 1600, marker: true, ..frame(1, &payload) };
    let mut seen = Vec::new();
    for n in 0..13 {
        if n == 10 {
            buffer.push(ms(200), spurt).unwrap();
        }
        seen.push(pop(&mut buffer, ms(n * PACKET)));
    }
    assert_eq!(seen[..2], [Silence, Packet(0)]);
    assert_eq!(seen[10..], [Silence, Packet(1), Conceal(Cause::Empty)]);
    assert_eq!(buffer.statistics().lost, 0);
}

#[test]
fn a_full_buffer_gives_up_its_oldest() {
    let storage = &mut Storage::<4, 4>::new();
    let mut buffer = Buffer::new(fixed(20), storage).unwrap();
    for sequence in 0..6 {
        push(&mut buffer, ms(0), sequence).unwrap();
    }
    assert_eq!(buffer.depth(), 4);
    assert_eq!(buffer.statistics().discarded, 2);
    assert_eq!(pop(&mut buffer, ms(0)), Packet(2));
}

#[test]
fn a_jump_of_the_numbers_begins_anew() {
    let storage = &mut Storage::<4, 4>::new();
    let mut buffer = Buffer::new(fixed(0), storage).unwrap();
    push(&mut buffer, ms(0), 100_000).unwrap();
    assert_eq!(pop(&mut buffer, ms(0)), Packet(100_000));
    for sequence in [7, 200_000] {
        push(&mut buffer, ms(20), sequence).unwrap();
        assert_eq!(pop(&mut buffer, ms(20)), Packet(sequence));
    }
    assert_eq!(buffer.statistics().restarts, 2);
}

#[test]
fn numbers_and_timestamps_may_wrap() {
    let storage = &mut Storage::<8, 4>::new();
    let mut buffer = Buffer::new(fixed(20), storage).unwrap();
    let first = u32::MAX - 2;
    let mut seen = Vec::new();
    for n in 0..6u32 {
        let sequence = first.wrapping_add(n);
        let payload = sequence.to_be_bytes();
        let timestamp = (u32::MAX - 300).wrapping_add(n * 160);
        let now = ms(u64::from(n) * PACKET);
        buffer.push(now, Frame { timestamp, ..frame(sequence, &payload) }).unwrap();
        seen.push(pop(&mut buffer, now));
    }
    let expected =
        [Silence, Packet(first), Packet(first + 1), Packet(first + 2), Packet(0), Packet(1)];
    assert_eq!(seen, expected);
}

#[test]
fn other_packet_times_are_learned() {
    let storage = &mut Storage::<16, 4>::new();
    let mut buffer = Buffer::new(fixed(60), storage).unwrap();
    // 60 ms in each packet, popped every 60 ms.
    let mut seen = Vec::new();
    for n in 0..6u32 {
        let payload = n.to_be_bytes();
        let now = ms(u64::from(n) * 60);
        buffer.push(now, Frame { timestamp: n * 480, ..frame(n, &payload) }).unwrap();
        seen.push(pop(&mut buffer, now));
    }
    assert_eq!(seen[1..], [Packet(0), Packet(1), Packet(2), Packet(3), Packet(4)]);
}

/// A stream of sound over a network, played every 20 ms; gives the buffer's statistics, and how
/// many different packets the network brought.
fn over(link: LinkConfig, config: Config, seed: u64, packets: u32) -> (Statistics, u64) {
    let storage = &mut Storage::<32, 4>::new();
    let mut buffer = Buffer::new(config, storage).unwrap();
    let mut link = Link::new(link, seed);
    let mut arrived = alloc::vec![false; packets as usize];
    let mut last = None;
    for tick in 0..u64::from(packets) + 50 {
        // Sound is taken and played 7 ms apart.
        let now = ms(tick * PACKET);
        if tick < u64::from(packets) {
            link.send(now, 0, 1, &(tick as u32).to_be_bytes());
        }
        let play = now + ms(7);
        while let Some(at) = link.next_arrival().filter(|at| *at <= play) {
            let (_, _, octets) = link.receive(at).unwrap();
            let sequence = u32::from_be_bytes(octets.clone().try_into().unwrap());
            arrived[sequence as usize] = true;
            let _ = buffer.push(at, frame(sequence, &octets));
        }
        if let Packet(sequence) = pop(&mut buffer, play) {
            assert!(last.is_none_or(|last| sequence > last), "{last:?} {sequence}");
            last = Some(sequence);
        }
    }
    (buffer.statistics(), arrived.iter().filter(|came| **came).count() as u64)
}

#[test]
fn a_good_network_is_played_whole_with_little_delay() {
    let (statistics, arrived) = over(LinkConfig::GOOD, Config::new(8000), 1, 1000);
    assert_eq!((statistics.played, arrived), (1000, 1000));
    assert_eq!((statistics.lost, statistics.late), (0, 0));
    assert!(statistics.mean_delay <= ms(40), "{statistics:?}");
}

#[test]
fn a_bad_network_is_played_but_for_what_it_lost() {
    seeds(20, |seed| {
        let (statistics, arrived) = over(LinkConfig::BAD, Config::new(8000), seed, 3000);
        // One in forty may be late by design; the beginning has to be learned.
        let missing = arrived - statistics.played;
        assert!(missing < arrived / 20, "{missing} of {arrived}: {statistics:?}");
        assert!(statistics.mean_delay < ms(80), "{statistics:?}");
        assert!(statistics.target_delay <= ms(80), "{statistics:?}");
        // Everything sent was played, lost or left out, but for packets still in the buffer.
        let accounted = statistics.played + statistics.lost + statistics.discarded;
        assert!((2990..=3000).contains(&accounted), "{statistics:?}");
    });
}

#[test]
fn an_adaptive_delay_loses_less_than_a_fixed_one_as_long() {
    let mut late = (0, 0);
    seeds(10, |seed| {
        let (adaptive, _) = over(LinkConfig::BAD, Config::new(8000), seed, 3000);
        assert!(adaptive.played > 2500);
    });
    for seed in 0..10 {
        let (adaptive, came) = over(LinkConfig::BAD, Config::new(8000), seed, 3000);
        let (short, _) = over(LinkConfig::BAD, fixed(30), seed, 3000);
        late.0 += came - adaptive.played;
        late.1 += came - short.played;
    }
    assert!(late.0 < late.1, "{late:?}");
}

#[test]
fn clocks_that_drift_apart_make_the_delay_neither_grow_nor_shrink() {
    for parts_per_million in [-300i64, 300] {
        let storage = &mut Storage::<32, 4>::new();
        let mut buffer = Buffer::new(Config::new(8000), storage).unwrap();
        let packet = 20_000i64;
        let played = packet + packet * parts_per_million / 1_000_000;
        let (mut send, mut play, mut sequence) = (0i64, 5_000i64, 0u32);
        let mut deepest = 0;
        // An hour.
        while sequence < 180_000 {
            if send <= play {
                let now = Duration::from_micros(send as u64);
                push(&mut buffer, now, sequence).unwrap();
                sequence += 1;
                send += packet;
            } else {
                pop(&mut buffer, Duration::from_micros(play as u64));
                play += played;
                deepest = deepest.max(buffer.depth());
            }
        }
        let statistics = buffer.statistics();
        assert!(deepest <= 5, "{parts_per_million}: {deepest} {statistics:?}");
        // 300 ppm of an hour are 54 packets.
        let changed = statistics.discarded + statistics.concealed;
        assert!((30..=120).contains(&changed), "{parts_per_million}: {statistics:?}");
        assert_eq!(statistics.late, 0, "{statistics:?}");
    }
}

#[test]
fn a_host_that_stretches_sound_loses_and_repeats_none_of_it() {
    for parts_per_million in [-300i64, 300] {
        let storage = &mut Storage::<64, 4>::new();
        let config = Config { adjustment: Adjustment::Host, ..Config::new(8000) };
        let mut buffer = Buffer::new(config, storage).unwrap();
        let mut random = Random::new(1);
        let mut link = Link::new(LinkConfig { duplicate_per_mille: 0, ..LinkConfig::BAD }, 1);
        let packet = 20_000i64;
        let (mut send, mut play, mut sent) = (0i64, 5_000i64, 0u32);
        let (mut longer, mut shorter) = (0, 0);
        // An hour; the jitter changes each minute, and the clocks drift apart.
        while sent < 180_000 {
            let at = |micros: i64| Duration::from_micros(micros as u64);
            if send <= play {
                if sent % 3000 == 0 {
                    let jitter = ms(random.below(150));
                    link.set_config(LinkConfig { jitter, ..LinkConfig::GOOD });
                }
                link.send(at(send), 0, 1, &sent.to_be_bytes());
                sent += 1;
                send += packet + packet * parts_per_million / 1_000_000;
                continue;
            }
            let now = at(play);
            while let Some((_, _, octets)) = link.receive(now) {
                let _ = buffer.push(now, frame(word(&octets), &octets));
            }
            // A tenth more or less of what is played is not heard.
            let tenth = packet / 10;
            play += packet
                + match buffer.stretch(now) {
                    Stretch::No => 0,
                    Stretch::Longer(by) => {
                        longer += 1;
                        tenth.min(by.as_micros() as i64)
                    }
                    Stretch::Shorter(by) => {
                        shorter += 1;
                        -tenth.min(by.as_micros() as i64)
                    }
                };
            let _ = buffer.pop(now);
        }
        let statistics = buffer.statistics();
        assert_eq!((statistics.discarded, statistics.stretched), (0, 0), "{statistics:?}");
        assert!(longer > 100 && shorter > 100, "{longer} {shorter}");
        assert!(statistics.played > 179_000, "{statistics:?}");
        assert!(statistics.mean_delay < ms(110), "{statistics:?}");
    }
}

fn word(octets: &[u8]) -> u32 {
    u32::from_be_bytes(octets.try_into().unwrap())
}

#[test]
fn whatever_comes_at_whatever_time_the_buffer_goes_on() {
    seeds(200, |seed| {
        let mut random = Random::new(seed);
        let storage = &mut Storage::<5, 3>::new();
        let mut buffer = Buffer::new(Config::new(8000), storage).unwrap();
        let mut now = Duration::ZERO;
        let mut near = random.number() as u32;
        for _ in 0..500 {
            now += ms(random.below(60));
            if random.chance(20) {
                near = random.number() as u32;
            }
            let sequence = near.wrapping_add(random.below(12) as u32).wrapping_sub(6);
            near = near.wrapping_add(random.below(2) as u32);
            let timestamp = if random.chance(100) {
                random.number() as u32
            } else {
                sequence.wrapping_mul(160)
            };
            let octets = random.octets(random.clone().below(5) as usize);
            let given = Frame {
                sequence,
                timestamp,
                payload_type: 0,
                marker: random.chance(100),
                payload: &octets,
            };
            let _ = buffer.push(now, given);
            assert!(buffer.depth() <= 5);
            if let Playout::Packet(frame) = buffer.pop(now) {
                assert!(frame.payload.len() <= 3);
            }
        }
    });
}
