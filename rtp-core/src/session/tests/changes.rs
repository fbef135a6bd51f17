//! What changes in mid-stream: sources, hold, payload types; and what ties streams together.

use super::*;

#[test]
fn a_peer_that_goes_on_under_another_ssrc_is_heard_with_room_for_one() {
    let storage = &mut Storage::<1>::new();
    let mut session = Session::new(config("a@b"), storage, [9; 32]).unwrap();
    for sequence in 1..20 {
        let now = ms(u64::from(sequence) * 20);
        let _ = session.handle_datagram(now, rtp_path(), &rtp(5, sequence, 0));
    }
    assert_eq!(events(&mut session), [Event::Joined { ssrc: Ssrc(5) }]);
    let mut heard = Vec::new();
    for n in 0..20u16 {
        let now = ms(400 + u64::from(n) * 20);
        // A stranger does not get in.
        let stranger = rtp(7, n, 0);
        assert!(session.handle_datagram(now, Path::rtp(address(1)), &stranger).is_err());
        if session.handle_datagram(now, rtp_path(), &rtp(6, 1000 + n, 0)).is_ok() {
            heard.push(n);
        }
    }
    // 200 ms after the last of the old one, and once it has shown two packets in sequence.
    assert_eq!(heard.first(), Some(&10));
    assert_eq!(heard.len(), 10);
    assert_eq!(
        events(&mut session),
        [Event::Succeeded { old: Ssrc(5), new: Ssrc(6) }, Event::Joined { ssrc: Ssrc(6) }]
    );
    assert_eq!(session.statistics().members, 2);
}

#[test]
fn two_sources_of_one_address_do_not_push_each_other_out() {
    let storage = &mut Storage::<1>::new();
    let mut session = Session::new(config("a@b"), storage, [9; 32]).unwrap();
    for sequence in 1..50 {
        let now = ms(u64::from(sequence) * 20);
        for ssrc in [5, 6] {
            let taken = session.handle_datagram(now, rtp_path(), &rtp(ssrc, sequence, 0)).is_ok();
            assert_eq!(taken, ssrc == 5 && sequence > 1);
        }
    }
    assert_eq!(events(&mut session), [Event::Joined { ssrc: Ssrc(5) }]);
}

#[test]
fn on_hold_nothing_goes_out_and_afterwards_the_stream_goes_on() {
    let mut ours = session(config("a@b"), 21);
    let mut theirs = session(config("c@d"), 22);
    let mut buffer = [0; 200];
    let mut send = |ours: &mut Session<'_>, theirs: &mut Session<'_>, tick: u32| {
        let outgoing = Outgoing { timestamp: tick * 160, ..Outgoing::new(0) };
        let now = ms(u64::from(tick) * 20);
        let sent = ours.packetize(now, &outgoing, &[0xff; 160], &mut buffer)?;
        let _ = theirs.handle_datagram(now, rtp_path(), &buffer[..sent.len]);
        Ok::<_, Error>(())
    };
    for tick in 0..50 {
        send(&mut ours, &mut theirs, tick).unwrap();
    }
    let ssrc = ours.ssrc();
    ours.set_remote(ms(1000), None, None);
    for tick in 50..600 {
        assert_eq!(send(&mut ours, &mut theirs, tick), Err(Error::NoDestination));
    }
    assert_eq!(next_rtcp(&mut ours, ms(12_000)), None, "nor reports");
    ours.set_remote(ms(12_000), Some(Path::rtp(address(9000))), Some(Path::rtcp(address(9001))));
    for tick in 600..650 {
        send(&mut ours, &mut theirs, tick).unwrap();
    }
    let source = theirs.source(ssrc).unwrap();
    assert_eq!((source.lost, source.received, source.jitter), (0, 99, 0));
    assert!(next_rtcp(&mut ours, ms(30_000)).is_some());
}

#[test]
fn a_payload_type_with_another_clock_makes_no_jitter_and_no_loss() {
    let mut clocks = [None; 8];
    clocks[0] = Some(Clock { payload_type: 96, hertz: 48_000 });
    let mut ours = session(Config { clocks, ..config("a@b") }, 23);
    let mut theirs = session(Config { clocks, ..config("c@d") }, 24);
    let mut buffer = [0; 200];
    for tick in 0..100u32 {
        let now = ms(u64::from(tick) * 20);
        // After a second 48 kHz, each counted by its own clock.
        let (payload_type, units) = if tick < 50 { (0, 160) } else { (96, 960) };
        let outgoing = Outgoing { timestamp: tick * units, ..Outgoing::new(payload_type) };
        let sent = ours.packetize(now, &outgoing, &[0xff; 160], &mut buffer).unwrap();
        let _ = theirs.handle_datagram(now, rtp_path(), &buffer[..sent.len]);
    }
    let source = theirs.source(ours.ssrc()).unwrap();
    assert_eq!((source.payload_type, source.clock_rate), (96, 48_000));
    assert_eq!((source.lost, source.jitter), (0, 0));
    // Our own report counts on by the clock of now.
    let last = Packet::parse(&buffer[..172]).unwrap().timestamp;
    let (at, report) = next_rtcp(&mut ours, ms(60_000)).unwrap();
    let report = rtcp::SenderReport::parse(&report).unwrap();
    let later = report.info.rtp_timestamp.wrapping_sub(last);
    let expected = ((at - ms(99 * 20)).as_micros() * 48 / 1000) as u32;
    assert!(later.abs_diff(expected) <= 1, "{later} {expected}");
}

#[test]
fn sound_and_picture_of_one_moment_meet_by_their_reports() {
    // Two sessions of one sender with clocks of 8000 and 90000 Hz, whose timestamps begin anywhere.
    let wall = NtpTime::from_unix(Duration::from_secs(1_700_000_000));
    let mut receivers = [session(config("c@d"), 32), session(config("c@d"), 33)];
    let mut moments = Vec::new();
    for (number, receiver) in receivers.iter_mut().enumerate() {
        let clock_rate = [8000, 90_000][number];
        let config = Config { clock_rate, ..config("a@b") };
        let payload_type = [0, 31][number];
        let mut sender = session(config, 40 + number as u8);
        sender.set_wall_clock(ms(0), wall);
        let mut buffer = [0; 200];
        let mut stamp = 0;
        for tick in 0..500u64 {
            let now = ms(tick * 20 + number as u64 * 7);
            let timestamp = (now.as_millis() as u32).wrapping_mul(clock_rate / 1000);
            let outgoing = Outgoing { timestamp, ..Outgoing::new(payload_type) };
            let sent = sender.packetize(now, &outgoing, &[0xff; 100], &mut buffer).unwrap();
            // Sound takes 40 ms, the picture 90 ms.
            let way = ms([40, 90][number]);
            let _ = receiver.handle_datagram(now + way, rtp_path(), &buffer[..sent.len]);
            stamp = Packet::parse(&buffer[..sent.len]).unwrap().timestamp;
            sender.handle_timeout(now);
            let mut report = [0; Session::BUFFER_LEN];
            while let Some(sent) = sender.poll_transmit(now, &mut report) {
                receiver.handle_datagram(now + way, rtcp_path(), &report[..sent.len]).unwrap();
            }
        }
        moments.push(receiver.ntp_of(sender.ssrc(), stamp).unwrap());
    }
    // The last packets were made 7 ms apart, whatever their ways took.
    let expected = [wall.plus(ms(499 * 20)), wall.plus(ms(499 * 20 + 7))];
    for (moment, expected) in moments.into_iter().zip(expected) {
        let apart = moment.0.abs_diff(expected.0);
        assert!(apart < (1 << 32) / 2000, "{apart}");
    }
}
