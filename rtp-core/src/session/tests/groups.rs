//! Groups that are larger than the room for them, and that become smaller.

use super::*;

/// A session with room for 64 that samples, and has heard a report of each SSRC of a range.
fn sampled(storage: &mut Storage<64>, members: u32) -> Session<'_> {
    let mut session =
        Session::new(Config { sampling: true, ..config("a@b") }, storage, [3; 32]).unwrap();
    hear(&mut session, ms(0), 1..=members);
    session
}

fn hear(session: &mut Session<'_>, now: Duration, members: core::ops::RangeInclusive<u32>) {
    for ssrc in members {
        let path = Path::rtcp(address((ssrc % 60_000) as u16));
        session.handle_datagram(now, path, &receiver_report(ssrc)).unwrap();
        while session.poll_event().is_some() {}
    }
}

#[test]
fn a_sample_stands_for_all_where_there_is_no_room_for_all() {
    for (members, one_in) in [(63, 1..=1), (1000, 16..=64), (20_000, 256..=1024)] {
        let storage = &mut Storage::<64>::new();
        let session = sampled(storage, members);
        let statistics = session.statistics();
        assert!(one_in.contains(&statistics.sampled_one_in), "{statistics:?}");
        let share = f64::from(statistics.members) / f64::from(members + 1);
        // With 32 to 64 kept the estimate is good to a sixth, twice that at most here.
        assert!((0.65..1.35).contains(&share), "{statistics:?}");
        assert_eq!(statistics.turned_away, 0);
        assert!(session.sources().count() <= 64);
    }
}

#[test]
fn senders_are_kept_whatever_the_sample_is() {
    let storage = &mut Storage::<64>::new();
    let mut session = sampled(storage, 2000);
    for ssrc in 5000..5020 {
        let from = Path::rtp(address(ssrc as u16));
        for sequence in 1..3 {
            let _ = session.handle_datagram(ms(10), from, &rtp(ssrc, sequence, 0));
        }
        assert_eq!(session.source(Ssrc(ssrc)).unwrap().received, 1);
    }
    hear(&mut session, ms(20), 10_000..=12_000);
    for ssrc in 5000..5020 {
        assert!(session.source(Ssrc(ssrc)).is_some(), "{ssrc}");
    }
    let statistics = session.statistics();
    assert_eq!(statistics.senders, 20);
    assert!((2500..6000).contains(&statistics.members), "{statistics:?}");
}

#[test]
fn a_group_that_shrinks_is_sampled_more_densely_without_a_leap() {
    let storage = &mut Storage::<64>::new();
    let mut session = sampled(storage, 2000);
    let full = session.statistics();
    // All but a hundred leave; those go on to be heard.
    for ssrc in 101..=2000 {
        let path = Path::rtcp(address((ssrc % 60_000) as u16));
        let _ = session.handle_datagram(ms(1000), path, &goodbye(ssrc));
        while session.poll_event().is_some() {}
    }
    let mut now = ms(1000);
    let mut before = session.statistics().members;
    let mut ended = before;
    for round in 0..400u64 {
        now = ms(1000 + round * 1000);
        hear(&mut session, now, 1..=100);
        session.handle_timeout(now);
        while session.poll_transmit(now, &mut [0; Session::BUFFER_LEN]).is_some() {}
        ended = session.statistics().members;
        assert!(ended < before + before / 2 + 40, "{before} {ended}");
        before = ended;
    }
    let statistics = session.statistics();
    assert!(statistics.sampled_one_in < full.sampled_one_in, "{statistics:?}");
    assert!((60..=150).contains(&ended), "{statistics:?} {now:?}");
}

#[test]
fn who_hears_goodbyes_reports_sooner() {
    let storage = &mut Storage::<200>::new();
    let quick = Config { rtcp_bandwidth: 400, ..config("a@b") };
    let mut session = Session::new(quick, storage, [5; 32]).unwrap();
    for ssrc in 1..=150 {
        let path = Path::rtcp(address(ssrc as u16));
        session.handle_datagram(ms(0), path, &receiver_report(ssrc)).unwrap();
    }
    let _ = events(&mut session);
    // One report, so that the timer is set for all of them.
    let (at, _) = next_rtcp(&mut session, Duration::from_secs(100_000)).unwrap();
    let _ = events(&mut session);
    let mut due = Duration::MAX;
    while let Some(deadline) = session.poll_timeout().filter(|d| *d < at + ms(1)) {
        session.handle_timeout(deadline);
    }
    let before = session.next;
    for ssrc in 1..=149 {
        let path = Path::rtcp(address(ssrc as u16));
        let _ = session.handle_datagram(at + ms(1), path, &goodbye(ssrc));
        assert!(session.next <= before, "never later by a goodbye");
        due = due.min(session.next);
    }
    // RFC 3550 section 6.3.4: what was left is shortened as the group has become smaller.
    let (left, was) = (due - at, before - at);
    let shortened = was.as_secs_f64() / left.as_secs_f64();
    assert!((60.0..90.0).contains(&shortened), "{was:?} {left:?}");
}
