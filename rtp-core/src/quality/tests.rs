use super::*;
use crate::jitter::{Buffer, Frame, Playout};
use crate::rtcp::{Compound, ExtendedBlock, ExtendedReport, Packet};
use crate::session::{
    Cname, Component, Config, Event, Outgoing, Path, Session, SourceStatistics, Storage,
};
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddr};
use handset_testkit::{Link, LinkConfig, Random, seeds};

const SETTING: Setting = Setting::new(Impairment::G711_CONCEALED, Duration::from_millis(20));

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// What is reported of a stream in which `x` stands for a packet that is not played.
fn report_of(packets: impl Iterator<Item = bool>) -> Report {
    let mut monitor = Monitor::new();
    for (sequence, played) in (65_530u32..).zip(packets) {
        if played {
            monitor.played(sequence);
        }
    }
    monitor.report(None, &jitter::Statistics::default(), &SETTING)
}

fn report_of_text(packets: &str) -> Report {
    report_of(packets.bytes().map(|packet| packet != b'x'))
}

#[test]
fn losses_that_stand_alone_belong_to_the_gap() {
    let report = report_of_text("................x................x................");
    assert_eq!((report.played, report.missing), (48, 2));
    assert_eq!((report.burst_density, report.burst_duration), (0, Duration::ZERO));
    assert_eq!((report.gap_density, report.gap_duration), (10, ms(1000)));
}

#[test]
fn a_burst_lasts_from_loss_to_loss_until_sixteen_are_played() {
    // 20 of gap, a burst of 3 + 6 with 15 between the runs, 16 of gap.
    let report = report_of_text("....................xxx...............xxxxxx................");
    assert_eq!((report.played, report.missing), (51, 9));
    assert_eq!((report.burst_density, report.burst_duration), (96, ms(24 * 20)));
    assert_eq!((report.gap_density, report.gap_duration), (0, ms(18 * 20)));
    // With one more between them they are two.
    let report = report_of_text("....................xxx................xxxxxx................");
    assert_eq!((report.burst_density, report.burst_duration), (255, ms(90)));
    // Three gaps of 20, 16 and 16 packets.
    assert_eq!(report.gap_duration, ms(52 * 20) / 3);
}

#[test]
fn a_stream_that_begins_anew_has_lost_nothing() {
    let mut monitor = Monitor::new();
    for sequence in [1, 2, 2, 70_000, 70_001, 5, 6, u32::MAX, 0, 1] {
        monitor.played(sequence);
    }
    monitor.restart();
    monitor.played(100);
    let report = monitor.report(None, &jitter::Statistics::default(), &SETTING);
    assert_eq!((report.played, report.missing), (10, 0));
    assert_eq!(report.quality.r_factor(), 92);
}

/// RFC 3611 appendix A.2, with floats, by its transitions.
fn appendix_a_2(packets: &[bool]) -> [f64; 4] {
    let (mut c11, mut c13, mut c14, mut c22, mut c23, mut c33) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    let (mut pkt, mut lost) = (0u32, 0);
    for &played in packets {
        if played {
            pkt += 1;
            continue;
        }
        if pkt >= u32::from(MINIMUM_GAP) {
            if lost == 1 {
                c14 += 1.0;
            } else {
                c13 += 1.0;
            }
            lost = 1;
            c11 += f64::from(pkt);
        } else {
            lost += 1;
            if pkt == 0 {
                c33 += 1.0;
            } else {
                c23 += 1.0;
                c22 += f64::from(pkt - 1);
            }
        }
        pkt = 0;
    }
    let (c31, c32) = (c13, c23);
    let all = c11 + c14 + c13 + c22 + c23 + c31 + c32 + c33;
    let p32 = c32 / (c31 + c32 + c33);
    let p23 = if c22 + c23 < 1.0 { 1.0 } else { 1.0 - c22 / (c22 + c23) };
    let gap = (c11 + c14 + c13) * 20.0 / c13;
    [256.0 * p23 / (p23 + p32), 256.0 * c14 / (c11 + c14), all * 20.0 / c13 - gap, gap]
}

#[test]
fn long_streams_agree_with_the_transitions_of_appendix_a_2() {
    seeds(5, |seed| {
        let mut random = Random::new(seed);
        let mut bad = false;
        let packets: Vec<bool> = (0..200_000)
            .map(|_| {
                bad = if bad { random.below(20) > 0 } else { random.below(300) == 0 };
                random.below(100) >= if bad { 40 } else { 1 }
            })
            .collect();
        let report = report_of(packets.iter().copied());
        let ours = [
            f64::from(report.burst_density),
            f64::from(report.gap_density),
            report.burst_duration.as_secs_f64() * 1000.0,
            report.gap_duration.as_secs_f64() * 1000.0,
        ];
        for (ours, theirs) in ours.into_iter().zip(appendix_a_2(&packets)) {
            let apart = (ours - theirs).abs();
            assert!(apart <= 1.0 + theirs * 0.02, "{ours} {theirs}");
        }
    });
}

#[test]
fn runs_of_loss_cost_more_than_losses_one_by_one() {
    let one_by_one = report_of((0..3000).map(|n| n % 30 != 7));
    let in_runs = report_of((0..3000).map(|n| !(100..110).contains(&(n % 300))));
    assert_eq!((one_by_one.missing, in_runs.missing), (100, 100));
    assert!(one_by_one.quality.r_x100() > in_runs.quality.r_x100() + 100);
}

/// A call of two minutes through a link: what the second reports of the first, how many packets were
/// sent, and what both think of the way there and back.
fn call(link: LinkConfig, seed: u64) -> (Report, SourceStatistics) {
    let address = |host: usize| SocketAddr::from((Ipv4Addr::LOCALHOST, host as u16));
    let config = |peer: usize| Config {
        rtp: Some(Path::rtp(address(peer))),
        rtcp: Some(Path::rtcp(address(peer))),
        min_sequential: 0,
        ..Config::new(Cname::anonymous([peer as u8; 12]))
    };
    let [mut first, mut second] = [Storage::<1>::new(), Storage::<1>::new()];
    let mut sessions = [
        Session::new(config(1), &mut first, [seed as u8; 32]).unwrap(),
        Session::new(config(0), &mut second, [!seed as u8; 32]).unwrap(),
    ];
    let peer = sessions[0].ssrc();
    let mut room = jitter::Storage::<20, 160>::new();
    let mut buffer = Buffer::new(jitter::Config::new(8000), &mut room).unwrap();
    let mut monitor = Monitor::new();
    let mut network = Link::new(link, seed);
    let mut octets = [0; 1500];
    for tick in 0..2 * 60 * 1000 / 5 {
        let now = ms(5 * tick);
        if tick % 4 == 0 {
            let outgoing = Outgoing { timestamp: tick as u32 * 40, ..Outgoing::new(0) };
            for (host, session) in sessions.iter_mut().enumerate() {
                let sent = session.packetize(now, &outgoing, &[0x55; 160], &mut octets).unwrap();
                let to = (1 - host, Component::Rtp);
                network.send(now, (host, Component::Rtp), to, &octets[..sent.len]);
            }
            if let Playout::Packet(frame) = buffer.pop(now) {
                monitor.played(frame.sequence);
            }
        }
        while let Some(((from, component), (to, _), datagram)) = network.receive(now) {
            let path = Path { component, local: 0, remote: address(from) };
            let heard = sessions[to].handle_datagram(now, path, &datagram);
            if let (1, Ok(Some(Event::Packet { sequence, packet }))) = (to, heard) {
                let _ = buffer.push(
                    now,
                    Frame {
                        sequence,
                        timestamp: packet.timestamp,
                        payload_type: packet.payload_type,
                        marker: packet.marker,
                        payload: packet.payload,
                    },
                );
            }
        }
        for (host, session) in sessions.iter_mut().enumerate() {
            session.handle_timeout(now);
            while let Some(sent) = session.poll_transmit(now, &mut octets) {
                let component = sent.path.component;
                let to = (1 - host, component);
                network.send(now, (host, component), to, &octets[..sent.len]);
            }
            while session.poll_event().is_some() {}
        }
    }
    let source = sessions[1].source(peer).unwrap();
    (monitor.report(Some(&source), &buffer.statistics(), &SETTING), source)
}

#[test]
fn a_call_is_reported_as_the_network_is() {
    let good = LinkConfig { delay: ms(40), ..LinkConfig::GOOD };
    seeds(3, |seed| {
        let (report, _) = call(good, seed);
        assert_eq!((report.missing, report.loss_rate, report.discard_rate), (0, 0, 0));
        let round_trip = report.round_trip.unwrap();
        assert!((ms(70)..=ms(90)).contains(&round_trip), "{round_trip:?}");
        // 40 ms on the way, 20 in the buffer, 30 besides.
        assert!((ms(80)..=ms(100)).contains(&report.delay), "{:?}", report.delay);
        assert!(report.quality.mos_x100() >= 430);

        let lossy = LinkConfig { loss_per_mille: 50, jitter: ms(30), ..good };
        let (report, source) = call(lossy, seed);
        assert!(report.missing.abs_diff(source.lost as u32) <= 60, "{report:?} {source:?}");
        assert!((9..=17).contains(&report.loss_rate), "{report:?}");
        assert!((300..400).contains(&report.quality.mos_x100()), "{report:?}");
        assert!(report.burst_density > report.gap_density);
    });
}

#[test]
fn the_report_goes_out_in_an_extended_report() {
    let report = report_of_text("....................xxx.........................");
    let metrics = report.voip_metrics(Ssrc(5));
    let blocks = [ExtendedBlock::VoipMetrics(metrics)];
    let extended = ExtendedReport { ssrc: Ssrc(1), blocks: blocks[..].into() };
    let mut octets = [0; 44];
    assert_eq!(extended.write(&mut octets), Ok(44));
    let packet = Compound::parse(&octets).unwrap().packets().next();
    assert_eq!(packet, Some(Ok(Packet::ExtendedReport(extended))));
    assert_eq!((metrics.loss_rate, metrics.discard_rate, metrics.burst_density), (16, 0, 255));
    assert_eq!((metrics.burst_duration, metrics.gap_duration), (60, 450));
    assert_eq!((metrics.round_trip_delay, metrics.end_system_delay), (0, 30));
    assert_eq!((metrics.signal_level, metrics.residual_echo_return_loss), (127, 127));
    assert_eq!((metrics.minimum_gap, metrics.receiver_configuration), (16, 0b1011_0000));
    assert_eq!((metrics.external_r_factor, metrics.absolute_maximum_delay), (127, 200));
    assert_eq!(metrics.r_factor, report.quality.r_factor());
}
