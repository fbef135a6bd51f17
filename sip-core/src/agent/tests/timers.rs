use super::calls::{established, with_two};
use super::*;

fn count(net: &Net<'_>, start: &str) -> usize {
    net.lines.iter().filter(|line| line.starts_with(start)).count()
}

/// Two agents whose sessions last this long at the most.
fn with_timers(
    ours: (u32, u32),
    theirs: (u32, u32),
    test: impl FnOnce(&mut Net<'_>, AccountId, AccountId),
) {
    let set = |(expires, least): (u32, u32)| {
        move |config: &mut Config| {
            (config.session_expires_s, config.session_min_s) = (expires, least);
        }
    };
    let (mut one, mut two) = (Store::new(), Store::new());
    let (a, alice) = agent_with(&mut one, ALICE, "alice", 1, set(ours));
    let (b, bob) = agent_with(&mut two, BOB, "bob", 2, set(theirs));
    test(&mut Net::new(LinkConfig::GOOD, 1, [(a, ALICE), (b, BOB)].into()), alice, bob);
}

#[test]
fn a_long_call_is_refreshed_by_updates_that_nobody_is_told_of() {
    for (ours, theirs) in [((90, 90), (90, 90)), ((90, 90), (0, 90)), ((0, 90), (0, 90))] {
        with_timers(ours, theirs, |net, alice, _| {
            established(net, alice);
            net.told(0);
            net.told(1);
            net.run(Duration::from_secs(900), |_, _, _| {});
            let refreshed = count(net, "UPDATE ");
            let expected = if ours.0 == 0 { 0..=0 } else { 18..=20 };
            assert!(expected.contains(&refreshed), "{ours:?} {theirs:?}: {refreshed}");
            assert_eq!((net.told(0), net.told(1)), (Vec::new(), Vec::new()));
            assert_eq!((net.sides[0].agent.live().1, net.sides[1].agent.live().1), (1, 1));
        });
    }
}

#[test]
fn a_session_ends_where_the_refresher_has_gone() {
    with_timers((90, 90), (90, 90), |net, alice, _| {
        established(net, alice);
        net.told(0);
        net.told(1);
        // Alice, who refreshes, is never heard of again.
        net.sides.remove(0);
        net.run(Duration::from_secs(59), |_, _, _| {});
        assert_eq!(net.told(0), Vec::<String>::new());
        net.run(Duration::from_secs(62), |_, _, _| {});
        // 90 s less a third of them (RFC 4028 section 10).
        assert_eq!(net.told(0), ["Ended Failed(Timeout)"]);
        assert!(count(net, "BYE ") > 0);
    });
}

#[test]
fn a_change_that_is_never_answered_ends_with_its_call() {
    with_timers((0, 90), (0, 90), |net, alice, _| {
        let (call, _) = established(net, alice);
        net.sides[0].agent.reinvite(net.now, call, OFFER).unwrap();
        // There is a 100 Trying; what would come after it is lost.
        let until = net.now + ms(1000);
        net.run(until, |_, _, _| {});
        net.sides.remove(1);
        net.sides[0].agent.hang_up(net.now, call).unwrap();
        let until = net.now + Duration::from_secs(100);
        net.run(until, |_, _, _| {});
        assert_eq!(net.told(0).last().map(String::as_str), Some("Ended Local"));
        net.assert_quiet();
    });
}

#[test]
fn a_session_that_is_too_short_is_asked_for_again() {
    with_timers((90, 90), (600, 200), |net, alice, _| {
        established(net, alice);
        assert_eq!(count(net, "SIP/2.0 422"), 1);
        assert_eq!(count(net, "INVITE "), 2);
        assert_eq!(net.told(0), ["Answered v=0 answer"]);
        // 200 s: the first refresh is at 100 s.
        net.run(Duration::from_secs(99), |_, _, _| {});
        assert_eq!(count(net, "UPDATE "), 0);
        net.run(Duration::from_secs(102), |_, _, _| {});
        assert_eq!(count(net, "UPDATE "), 1);
    });
}

#[test]
fn a_session_is_changed_by_an_update() {
    with_two(LinkConfig::GOOD, 1, |net, alice, _| {
        let (call, _) = established(net, alice);
        net.told(0);
        net.told(1);
        let offer = (&b"application/sdp"[..], &b"v=0 held"[..]);
        net.sides[0].agent.update(net.now, call, offer).unwrap();
        let busy = net.sides[0].agent.update(net.now, call, offer);
        assert_eq!(busy, Err(Error::State), "one at a time");
        let until = net.now + ms(1000);
        net.run(until, |agent, now, event| {
            if let Event::Reinvited { call, .. } = event {
                agent.answer(now, call, ANSWER).unwrap();
            }
        });
        assert_eq!(net.told(1), ["Reinvited v=0 held"]);
        assert_eq!(net.told(0), ["Changed v=0 answer"]);
        assert_eq!(count(net, "ACK "), 1, "an UPDATE has none");
        net.sides[0].agent.update(net.now, call, offer).unwrap();
        let until = net.now + ms(1000);
        net.run(until, |agent, now, event| {
            if let Event::Reinvited { call, .. } = event {
                agent.reject(now, call, StatusCode::NOT_ACCEPTABLE_HERE).unwrap();
            }
        });
        assert_eq!(net.told(0), ["ChangeFailed Refused(StatusCode(488))"]);
        net.sides[0].agent.hang_up(net.now, call).unwrap();
    });
}

#[test]
fn who_takes_no_update_is_refreshed_by_the_host() {
    let mut storage = Store::new();
    let (mut alice, account) = agent(&mut storage, ALICE, "alice", 1);
    alice.invite(ms(0), account, b"sip:bob@192.0.2.2", OFFER).unwrap();
    let mut buffer = [0; Agent::BUFFER];
    let len = alice.poll_transmit(ms(0), &mut buffer).unwrap().len;
    let invite = String::from_utf8_lossy(&buffer[..len]).into_owned();
    assert!(invite.contains("\r\nSession-Expires: 1800\r\nMin-SE: 90\r\n"), "{invite}");
    let rows: String = invite
        .lines()
        .filter(|line| ["Via", "From", "Call-ID", "CSeq"].iter().any(|name| line.starts_with(name)))
        .map(|line| format!("{line}\r\n"))
        .collect();
    let text = format!(
        "SIP/2.0 200 OK\r\n{rows}To: <sip:bob@192.0.2.2>;tag=b\r\nContact: <sip:bob@{BOB}>\r\n\
         Allow: INVITE, ACK, BYE\r\nSession-Expires: 100;refresher=uac\r\nRequire: timer\r\n\
         Content-Length: 0\r\n\r\n"
    );
    let told = alice.handle_datagram(ms(0), Path::udp(address(BOB)), text.as_bytes());
    assert!(matches!(told, Ok(Some(Event::Answered { .. }))), "{told:?}");
    let _ = alice.poll_transmit(ms(0), &mut buffer);
    alice.handle_timeout(Duration::from_secs(49));
    assert!(alice.poll_event().is_none());
    alice.handle_timeout(Duration::from_secs(50));
    let event = alice.poll_event();
    let Some(Event::RefreshDue { call }) = event else { panic!("{event:?}") };
    alice.reinvite(Duration::from_secs(50), call, OFFER).unwrap();
    let len = alice.poll_transmit(Duration::from_secs(50), &mut buffer).unwrap().len;
    let again = String::from_utf8_lossy(&buffer[..len]).into_owned();
    assert!(again.contains("\r\nSession-Expires: 100;refresher=uac\r\n"), "{again}");
}
