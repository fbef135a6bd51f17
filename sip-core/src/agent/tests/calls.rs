use super::*;

/// Alice calls Bob, who answers; gives the two names of the call.
pub(super) fn established<'s>(net: &mut Net<'s>, alice: AccountId) -> (CallId, CallId) {
    let call = net.sides[0].agent.invite(net.now, alice, b"sip:bob@192.0.2.2", OFFER).unwrap();
    let mut theirs = None;
    let until = net.now + ms(5000);
    net.run(until, |agent, now, event| {
        if let Event::Incoming { call, .. } = event {
            agent.ring(now, call, StatusCode::RINGING, None).unwrap();
            agent.answer(now, call, ANSWER).unwrap();
            theirs = Some(call);
        }
    });
    (call, theirs.unwrap())
}

pub(super) fn with_two(
    config: LinkConfig,
    seed: u64,
    test: impl FnOnce(&mut Net<'_>, AccountId, AccountId),
) {
    let (mut ours, mut theirs) = (Store::new(), Store::new());
    let (a, alice) = agent(&mut ours, ALICE, "alice", 1);
    let (b, bob) = agent(&mut theirs, BOB, "bob", 2);
    let room = (a.room_octets(), b.room_octets());
    let mut net = Net::new(config, seed, [(a, ALICE), (b, BOB)].into());
    test(&mut net, alice, bob);
    let end = net.now + Duration::from_secs(1000);
    net.run(end, |_, _, _| {});
    net.assert_quiet();
    let left = |side: usize| net.sides[side].agent.room_octets();
    // Nothing is kept but the accounts; the arena's directory may have grown.
    assert!(left(0) + 200 > room.0 && left(1) + 200 > room.1, "octets are lost");
}

#[test]
fn a_call_is_answered_and_hung_up() {
    with_two(LinkConfig::GOOD, 1, |net, alice, _| {
        let (call, _) = established(net, alice);
        assert_eq!(net.told(0), ["Answered v=0 answer"]);
        assert_eq!(net.told(1), ["Incoming v=0 offer", "Confirmed "]);
        net.sides[0].agent.hang_up(net.now, call).unwrap();
        net.run(ms(10_000), |_, _, _| {});
        assert_eq!(
            (net.told(0), net.told(1)),
            (["Ended Local".into()].into(), ["Ended Remote".into()].into())
        );
        assert!(net.sides[0].agent.hang_up(net.now, call).is_err());
    });
}

#[test]
fn a_call_over_tcp_says_so_in_via_and_contact() {
    with_two(LinkConfig::GOOD, 1, |net, alice, _| {
        net.streams = true;
        let uri = b"sip:bob@192.0.2.2;transport=tcp";
        let call = net.sides[0].agent.invite(net.now, alice, uri, OFFER).unwrap();
        net.run(ms(5000), |agent, now, event| {
            if let Event::Incoming { call, message, .. } = event {
                let text = String::from_utf8_lossy(message.as_bytes()).into_owned();
                assert!(text.contains("\r\nVia: SIP/2.0/TCP 192.0.2.1:5060;"), "{text}");
                let contact = "\r\nContact: <sip:alice@192.0.2.1:5060;transport=tcp>\r\n";
                assert!(text.contains(contact), "{text}");
                agent.answer(now, call, ANSWER).unwrap();
            }
        });
        assert_eq!(net.told(0), ["Answered v=0 answer"]);
        net.sides[0].agent.hang_up(net.now, call).unwrap();
        net.run(ms(10_000), |_, _, _| {});
        assert_eq!(net.told(1), ["Incoming v=0 offer", "Confirmed ", "Ended Remote"]);
        let lines = [
            "INVITE sip:bob@192.0.2.2;transport=tcp SIP/2.0",
            "SIP/2.0 200 OK",
            "ACK sip:bob@192.0.2.2:5060;transport=tcp SIP/2.0",
            "BYE sip:bob@192.0.2.2:5060;transport=tcp SIP/2.0",
            "SIP/2.0 200 OK",
        ];
        assert_eq!(net.lines, lines, "nothing is sent twice");
    });
}

#[test]
fn the_callee_may_hang_up_too() {
    with_two(LinkConfig::GOOD, 1, |net, alice, _| {
        let (_, theirs) = established(net, alice);
        net.sides[1].agent.hang_up(net.now, theirs).unwrap();
        net.run(ms(10_000), |_, _, _| {});
        assert_eq!(net.told(0)[1..], ["Ended Remote"]);
        assert_eq!(net.told(1)[2..], ["Ended Local"]);
    });
}

#[test]
fn a_call_is_cancelled_while_it_rings() {
    with_two(LinkConfig::GOOD, 1, |net, alice, _| {
        let uri = b"sip:bob@192.0.2.2";
        let call = net.sides[0].agent.invite(net.now, alice, uri, OFFER).unwrap();
        net.run(ms(100), |agent, now, event| {
            if let Event::Incoming { call, .. } = event {
                agent.ring(now, call, StatusCode::RINGING, None).unwrap();
            }
        });
        net.sides[0].agent.hang_up(net.now, call).unwrap();
        net.run(ms(1000), |_, _, _| {});
        assert_eq!(net.told(0), ["Progress 180", "Ended Cancelled"]);
        assert_eq!(net.told(1), ["Incoming v=0 offer", "Ended Cancelled"]);
    });
}

#[test]
fn a_call_is_declined() {
    with_two(LinkConfig::GOOD, 1, |net, alice, _| {
        net.sides[0].agent.invite(net.now, alice, b"sip:bob@192.0.2.2", None).unwrap();
        net.run(ms(1000), |agent, now, event| {
            if let Event::Incoming { call, .. } = event {
                agent.reject(now, call, StatusCode::DECLINE).unwrap();
            }
        });
        assert_eq!(net.told(0), ["Ended Failed(Refused(StatusCode(603)))"]);
        assert_eq!(net.told(1), ["Incoming ", "Ended Local"]);
    });
}

#[test]
fn a_call_that_nobody_takes_ends_by_itself() {
    with_two(LinkConfig::GOOD, 1, |net, alice, _| {
        net.sides[0].agent.invite(net.now, alice, b"sip:bob@192.0.2.2", None).unwrap();
        net.run(ms(200_000), |_, _, _| {});
        assert_eq!(net.told(0), ["Ended Failed(Refused(StatusCode(480)))"]);
        assert_eq!(net.told(1), ["Incoming ", "Ended Failed(Timeout)"]);
    });
}

#[test]
fn a_call_to_nobody_times_out() {
    with_two(LinkConfig::GOOD, 1, |net, alice, _| {
        net.sides[0].agent.invite(net.now, alice, b"sip:bob@192.0.2.77", None).unwrap();
        net.run(ms(100_000), |_, _, _| {});
        assert_eq!(net.told(0), ["Ended Failed(Timeout)"]);
    });
}

#[test]
fn a_session_is_held_and_resumed() {
    with_two(LinkConfig::GOOD, 1, |net, alice, _| {
        let (call, theirs) = established(net, alice);
        for side in [0, 1] {
            let own = if side == 0 { call } else { theirs };
            net.told(0);
            net.told(1);
            let hold: Option<(&[u8], &[u8])> = Some((b"application/sdp", b"sendonly"));
            net.sides[side].agent.reinvite(net.now, own, hold).unwrap();
            assert_eq!(net.sides[side].agent.reinvite(net.now, own, None), Err(Error::State));
            let until = net.now + ms(1000);
            net.run(until, |agent, now, event| {
                if let Event::Reinvited { call, .. } = event {
                    agent.answer(now, call, Some((b"application/sdp", b"recvonly"))).unwrap();
                }
            });
            assert_eq!(net.told(side), ["Changed recvonly"]);
            assert_eq!(net.told(1 - side), ["Reinvited sendonly", "Confirmed "]);
        }
        net.sides[0].agent.reinvite(net.now, call, OFFER).unwrap();
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
fn both_sides_that_change_at_once_are_told_491() {
    with_two(LinkConfig::GOOD, 1, |net, alice, _| {
        let (call, theirs) = established(net, alice);
        net.told(0);
        net.told(1);
        net.sides[0].agent.reinvite(net.now, call, OFFER).unwrap();
        net.sides[1].agent.reinvite(net.now, theirs, OFFER).unwrap();
        let until = net.now + ms(1000);
        net.run(until, |_, _, _| {});
        for side in 0..2 {
            assert_eq!(net.told(side), ["ChangeFailed Refused(StatusCode(491))"]);
        }
        net.sides[0].agent.hang_up(net.now, call).unwrap();
    });
}

#[test]
fn info_and_messages_go_within_a_call() {
    with_two(LinkConfig::GOOD, 1, |net, alice, _| {
        let (call, theirs) = established(net, alice);
        net.told(0);
        net.told(1);
        net.sides[0].agent.info(net.now, call, b"application/dtmf-relay", b"Signal=1").unwrap();
        net.sides[1].agent.message_in_call(net.now, theirs, b"text/plain", b"hi").unwrap();
        let until = net.now + ms(1000);
        net.run(until, |_, _, _| {});
        assert_eq!(net.told(0), ["Message hi", "Response 200"]);
        assert_eq!(net.told(1), ["Info Signal=1", "Response 200"]);
        net.sides[0].agent.hang_up(net.now, call).unwrap();
    });
}

#[test]
fn a_peer_that_vanishes_ends_the_call() {
    with_two(LinkConfig::GOOD, 1, |net, alice, _| {
        let (call, _) = established(net, alice);
        net.told(0);
        net.link.set_cut(true);
        net.sides[0].agent.reinvite(net.now, call, OFFER).unwrap();
        net.run(ms(100_000), |_, _, _| {});
        assert_eq!(net.told(0), ["Ended Failed(Timeout)"]);
        net.link.set_cut(false);
        // Bob finds out when he speaks.
        let theirs =
            net.sides[1].agent.calls.iter().next().map(|(index, _)| CallId(index)).unwrap();
        net.told(1);
        net.sides[1].agent.info(net.now, theirs, b"text/plain", b"x").unwrap();
        net.run(ms(110_000), |_, _, _| {});
        assert_eq!(net.told(1), ["Response 481"]);
        net.sides[1].agent.hang_up(net.now, theirs).unwrap();
    });
}

#[test]
fn every_fork_but_the_first_is_acknowledged_and_hung_up() {
    with_two(LinkConfig::GOOD, 1, |net, alice, _| {
        let (call, _) = established(net, alice);
        let lines = net.lines.len();
        // The answer of another fork, made of what Alice had sent.
        let text = format!(
            "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP {ALICE};branch={}\r\nFrom: <sip:alice@example.com>;tag={}\r\n\
             To: <sip:bob@192.0.2.2>;tag=other\r\nCall-ID: {}\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:other@192.0.2.2>\r\nContent-Length: 0\r\n\r\n",
            field(net, "branch="),
            field(net, "tag="),
            field(net, "Call-ID: ")
        );
        let path = Path::udp(address(BOB));
        let event = net.sides[0].agent.handle_datagram(net.now, path, text.as_bytes()).unwrap();
        assert!(event.is_none());
        net.drain();
        assert_eq!(
            net.lines[lines..],
            ["ACK sip:other@192.0.2.2 SIP/2.0", "BYE sip:other@192.0.2.2 SIP/2.0"]
        );
        net.sides[0].agent.hang_up(net.now, call).unwrap();
    });
}

/// Something out of the first INVITE that was sent.
fn field(net: &Net<'_>, name: &str) -> String {
    let (_, rest) = net.first.split_once(name).unwrap();
    rest.split([';', '\r', '>']).next().unwrap().into()
}

#[test]
fn calls_over_a_bad_network_end_alike_on_both_sides() {
    seeds(60, |seed| {
        with_two(LinkConfig::BAD, seed, |net, alice, _| {
            let uri = b"sip:bob@192.0.2.2";
            let call = net.sides[0].agent.invite(net.now, alice, uri, OFFER).unwrap();
            let mut theirs = None;
            let (answers, early) = (seed % 4 != 0, seed % 5 == 0);
            if early {
                net.run(ms(seed % 300), |agent, now, event| {
                    if let Event::Incoming { call, .. } = event {
                        agent.ring(now, call, StatusCode::RINGING, None).unwrap();
                        theirs = Some(call);
                    }
                });
                net.sides[0].agent.hang_up(net.now, call).unwrap();
            }
            net.run(ms(40_000), |agent, now, event| match event {
                Event::Incoming { call, .. } => {
                    theirs = Some(call);
                    agent.ring(now, call, StatusCode::RINGING, None).unwrap();
                    if answers {
                        agent.answer(now, call, ANSWER).unwrap();
                    } else {
                        agent.reject(now, call, StatusCode::BUSY_HERE).unwrap();
                    }
                }
                Event::Reinvited { call, .. } => agent.answer(now, call, ANSWER).unwrap(),
                _ => {}
            });
            let live = |net: &Net<'_>| [0, 1].map(|side| net.sides[side].agent.live().1);
            let both = live(net);
            assert_eq!(both[0], both[1], "one side thinks that there is a call");
            assert_eq!(both[0] == 1, answers && !early, "{:?} {:?}", net.told(0), net.told(1));
            if both[0] == 1 {
                let _ = net.sides[0].agent.reinvite(net.now, call, OFFER);
                let until = net.now + ms(40_000);
                net.run(until, |agent, now, event| {
                    if let Event::Reinvited { call, .. } = event {
                        agent.answer(now, call, ANSWER).unwrap();
                    }
                });
                let side = (seed % 2) as usize;
                let own = if side == 0 { call } else { theirs.unwrap() };
                net.sides[side].agent.hang_up(net.now, own).unwrap();
                let until = net.now + ms(40_000);
                net.run(until, |_, _, _| {});
                assert_eq!(live(net), [0, 0]);
            }
            let ends =
                |told: Vec<String>| told.iter().filter(|one| one.starts_with("Ended")).count();
            assert_eq!((ends(net.told(0)), ends(net.told(1)) <= 1), (1, true));
        });
    });
}
