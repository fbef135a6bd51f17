//! Offers and answers in all the ways that they go (RFC 6337 section 2.2).

use super::*;

const NEW: (&[u8], &[u8]) = (b"application/sdp", b"v=0 new");
const REPLY: (&[u8], &[u8]) = (b"application/sdp", b"v=0 reply");
const EARLY: Option<(&[u8], &[u8])> = Some((b"application/sdp", b"v=0 early"));

fn all(config: &mut Config) {
    config.all_offers = true;
    config.reliable_provisional = true;
}

/// All that an agent has to send.
fn sent(agent: &mut Agent<'_>, now: Duration) -> Vec<String> {
    let mut buffer = [0; Agent::BUFFER];
    core::iter::from_fn(|| {
        let transmit = agent.poll_transmit(now, &mut buffer)?;
        Some(String::from_utf8_lossy(&buffer[..transmit.len]).into_owned())
    })
    .collect()
}

fn row<'t>(text: &'t str, name: &str) -> &'t str {
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line[name.len()..].trim_start_matches(": ")
}

/// Alice calls Bob, both with all ways of offers; `react` does the rest.
fn between(
    config: LinkConfig,
    seed: u64,
    offer: Option<(&[u8], &[u8])>,
    mut react: impl FnMut(&mut Agent<'_>, Duration, &Event<'_>),
    then: impl FnOnce(&mut Net<'_>, CallId),
) {
    let (mut ours, mut theirs) = (Store::new(), Store::new());
    let (a, alice) = agent_with(&mut ours, ALICE, "alice", 1, all);
    let (b, _) = agent_with(&mut theirs, BOB, "bob", 2, all);
    let kept = (a.layer.arena().len(), b.layer.arena().len());
    let mut net = Net::new(config, seed, [(a, ALICE), (b, BOB)].into());
    let call = net.sides[0].agent.invite(ms(0), alice, b"sip:bob@192.0.2.2", offer).unwrap();
    net.run(ms(60_000), |agent, now, event| react(agent, now, &event));
    then(&mut net, call);
    // At its end a call leaves nothing behind.
    let _ = net.sides[0].agent.hang_up(net.now, call);
    net.run(net.now + ms(200_000), |_, _, _| {});
    net.assert_quiet();
    let [a, b] = [0, 1].map(|side| net.sides[side].agent.layer.arena().len());
    assert_eq!((a, b), kept);
}

#[test]
fn both_sides_change_the_session_before_the_call_is_answered() {
    seeds(5, |seed| {
        between(
            LinkConfig::GOOD,
            seed,
            OFFER,
            |agent, now, event| match event {
                Event::Incoming { call, .. } => {
                    agent.ring(now, *call, StatusCode::SESSION_PROGRESS, EARLY).unwrap();
                }
                Event::Progress { call, .. } => agent.update(now, *call, NEW).unwrap(),
                Event::Offered { call, message } => {
                    // Until it has its answer, the call has none, and nothing else is offered.
                    assert_eq!(agent.update(now, *call, NEW), Err(Error::State));
                    if message.body() == NEW.1 {
                        assert_eq!(agent.answer(now, *call, ANSWER), Err(Error::State));
                    }
                    agent.answer_offer(now, *call, REPLY).unwrap();
                    assert_eq!(agent.answer_offer(now, *call, REPLY), Err(Error::State));
                    if message.body() == NEW.1 {
                        // The called wants it otherwise once more.
                        agent.update(now, *call, (b"application/sdp", b"v=0 back")).unwrap();
                    }
                }
                Event::Changed { call, message } => {
                    assert_eq!(message.body(), REPLY.1);
                    // The called has its answer, and answers the call.
                    let _ = agent.answer(now, *call, None);
                }
                _ => {}
            },
            |net, call| {
                assert_eq!(
                    net.told(0),
                    ["Progress 183", "Changed v=0 reply", "Offered", "Answered "]
                );
                let told = net.told(1);
                assert_eq!(told[0], "Incoming v=0 offer");
                assert_eq!(told.iter().filter(|one| *one == "Offered").count(), 1, "{told:?}");
                assert_eq!(told.last().unwrap(), "Confirmed ");
                // The call goes on as any other.
                net.sides[0].agent.reinvite(net.now, call, OFFER).unwrap();
                net.run(net.now + ms(30_000), |agent, now, event| {
                    if let Event::Reinvited { call, .. } = event {
                        agent.answer(now, call, ANSWER).unwrap();
                    }
                });
                assert_eq!(net.told(0), ["Changed v=0 answer"]);
            },
        );
    });
}

#[test]
fn two_updates_at_once_are_both_refused_and_tried_again_at_different_times() {
    between(
        LinkConfig::GOOD,
        1,
        OFFER,
        |agent, now, event| match event {
            Event::Incoming { call, .. } => {
                agent.ring(now, *call, StatusCode::SESSION_PROGRESS, EARLY).unwrap();
            }
            Event::ProgressAcknowledged { call, .. } => agent.update(now, *call, NEW).unwrap(),
            // Before the other's has come.
            Event::Progress { call, .. } => agent.update(now, *call, NEW).unwrap(),
            _ => {}
        },
        |net, call| {
            let [one, two] = [net.told(0), net.told(1)];
            assert_eq!(one, ["Progress 183", "ChangeFailed Refused(StatusCode(491))"]);
            assert_eq!(two[1..], ["ProgressAcknowledged", "ChangeFailed Refused(StatusCode(491))"]);
            for _ in 0..50 {
                let wait = net.sides[0].agent.change_again_in(call);
                assert!((ms(2100)..=ms(4000)).contains(&wait), "{wait:?}");
            }
            net.sides[0].agent.update(net.now, call, NEW).unwrap();
            let mut waits = Vec::new();
            net.run(net.now + ms(10_000), |agent, now, event| {
                if let Event::Offered { call, .. } = event {
                    waits.extend((0..50).map(|_| agent.change_again_in(call)));
                    agent.reject_offer(now, call, StatusCode::NOT_ACCEPTABLE_HERE).unwrap();
                    assert_eq!(
                        agent.reject_offer(now, call, StatusCode::BUSY_HERE),
                        Err(Error::State)
                    );
                }
            });
            assert!(waits.iter().all(|wait| *wait <= ms(2000)) && waits.len() == 50);
            assert_eq!(net.told(0), ["ChangeFailed Refused(StatusCode(488))"]);
        },
    );
}

#[test]
fn an_offer_in_a_2xx_is_answered_in_the_ack_when_the_host_likes() {
    seeds(20, |seed| {
        let lossy = LinkConfig { loss_per_mille: 150, ..LinkConfig::GOOD };
        between(
            lossy,
            seed,
            None,
            |agent, now, event| {
                if let Event::Incoming { call, message, .. } = event {
                    assert!(message.body().is_empty());
                    agent.answer(now, *call, OFFER).unwrap();
                }
            },
            |net, call| {
                // The 2xx comes again and again, and is told once. The called gives up after 32 s.
                assert_eq!(net.told(0)[0], "Answered v=0 offer");
                net.sides[1].told.clear();
                let _ = net.sides[0].agent.answer_offer(net.now, call, REPLY);
            },
        );
        between(
            lossy,
            seed,
            None,
            |agent, now, event| match event {
                Event::Incoming { call, .. } | Event::Reinvited { call, .. } => {
                    agent.answer(now, *call, OFFER).unwrap();
                }
                Event::Answered { call, .. } | Event::Changed { call, .. } => {
                    assert_eq!(agent.update(now, *call, NEW), Err(Error::State));
                    agent.answer_offer(now, *call, REPLY).unwrap();
                }
                _ => {}
            },
            |net, call| {
                assert_eq!(net.told(0), ["Answered v=0 offer"]);
                assert_eq!(net.told(1), ["Incoming ", "Confirmed v=0 reply"]);
                // The same in a re-INVITE.
                net.sides[0].agent.reinvite(net.now, call, None).unwrap();
                net.run(net.now + ms(30_000), |agent, now, event| match event {
                    Event::Reinvited { call, .. } => agent.answer(now, call, OFFER).unwrap(),
                    Event::Changed { call, .. } => agent.answer_offer(now, call, REPLY).unwrap(),
                    _ => {}
                });
                assert_eq!(net.told(0), ["Changed v=0 offer"]);
                assert_eq!(net.told(1), ["Reinvited ", "Confirmed v=0 reply"]);
                // And an offer of ours after that is answered by the 2xx again.
                net.sides[0].agent.reinvite(net.now, call, OFFER).unwrap();
                net.run(net.now + ms(30_000), |agent, now, event| {
                    if let Event::Reinvited { call, .. } = event {
                        agent.answer(now, call, ANSWER).unwrap();
                    }
                });
                assert_eq!(net.told(0), ["Changed v=0 answer"]);
                assert_eq!(net.told(1), ["Reinvited v=0 offer", "Confirmed "]);
            },
        );
    });
}

#[test]
fn who_hangs_up_instead_of_answering_acknowledges_first() {
    between(
        LinkConfig::GOOD,
        1,
        None,
        |agent, now, event| match event {
            Event::Incoming { call, .. } => agent.answer(now, *call, OFFER).unwrap(),
            Event::Answered { call, .. } => agent.hang_up(now, *call).unwrap(),
            _ => {}
        },
        |net, _| {
            assert_eq!(net.told(0), ["Answered v=0 offer", "Ended Local"]);
            assert_eq!(net.told(1), ["Incoming ", "Confirmed ", "Ended Remote"]);
        },
    );
}

#[test]
fn an_offer_in_a_reliable_response_is_answered_in_the_prack() {
    seeds(20, |seed| {
        let lossy = LinkConfig { loss_per_mille: 150, ..LinkConfig::GOOD };
        between(
            lossy,
            seed,
            None,
            |agent, now, event| match event {
                Event::Incoming { call, .. } => {
                    agent.ring(now, *call, StatusCode::SESSION_PROGRESS, OFFER).unwrap();
                }
                Event::Progress { call, message } => {
                    assert_eq!(message.body(), b"v=0 offer");
                    agent.answer_offer(now, *call, REPLY).unwrap();
                }
                Event::ProgressAcknowledged { call, message } => {
                    assert_eq!(message.body(), b"v=0 reply");
                    agent.answer(now, *call, None).unwrap();
                }
                _ => {}
            },
            |net, _| {
                assert_eq!(net.told(0), ["Progress 183", "Answered "]);
                assert_eq!(net.told(1), ["Incoming ", "ProgressAcknowledged", "Confirmed "]);
            },
        );
    });
}

/// A request of Alice's within the dialog with Bob's tag, with this body.
fn request(method: &str, tag: &str, number: u32, rows: &str, body: &str) -> String {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{method} sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP {ALICE};branch=z9hG4bKr{number}\r\n\
         From: <sip:alice@example.com>;tag=1\r\nTo: <sip:bob@example.com>{tag}\r\n\
         Call-ID: a\r\nCSeq: {number} {method}\r\nContact: <sip:alice@{ALICE}>\r\n{rows}{kind}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn an_offer_in_a_prack_is_answered_in_its_2xx_and_others_wait_meanwhile() {
    let mut storage = Store::new();
    let (mut bob, _) = agent_with(&mut storage, BOB, "bob", 2, all);
    let path = Path::udp(address(ALICE));
    let ask = |bob: &mut Agent<'_>, text: &str| {
        let event = bob.handle_datagram(ms(1), path, text.as_bytes()).unwrap();
        (event.as_ref().map(name), sent(bob, ms(1)))
    };
    let invite = request("INVITE", "", 1, "Supported: 100rel\r\n", "v=0 offer");
    let event = bob.handle_datagram(ms(0), path, invite.as_bytes());
    let Ok(Some(Event::Incoming { call, .. })) = event else { panic!("{event:?}") };
    bob.ring(ms(0), call, StatusCode::SESSION_PROGRESS, EARLY).unwrap();
    let text = sent(&mut bob, ms(0)).remove(0);
    let tag = format!(";tag={}", row(&text, "To").rsplit("tag=").next().unwrap());
    let rack = format!("RAck: {} 1 INVITE\r\n", row(&text, "RSeq"));
    // Before the PRACK an UPDATE without an offer is taken, and the target is another one then.
    let (told, answers) = ask(&mut bob, &request("UPDATE", &tag, 2, "", ""));
    assert!(told.is_none() && answers[0].starts_with("SIP/2.0 200 "), "{answers:?}");
    assert!(answers[0].contains("\r\nContact: <sip:bob@192.0.2.2:5060>\r\n"), "{answers:?}");
    let (told, answers) = ask(&mut bob, &request("PRACK", &tag, 3, &rack, "v=0 more"));
    assert_eq!((told.as_deref(), answers.len()), (Some("Offered"), 0));
    assert_eq!(bob.answer(ms(1), call, None), Err(Error::State));
    // Whoever asks for more has to wait.
    let (told, answers) = ask(&mut bob, &request("UPDATE", &tag, 4, "", "v=0 even more"));
    assert!(told.is_none() && answers[0].starts_with("SIP/2.0 500 "), "{answers:?}");
    let wait: u32 = row(&answers[0], "Retry-After").parse().unwrap();
    assert!(wait <= 10);
    bob.answer_offer(ms(1), call, REPLY).unwrap();
    let answers = sent(&mut bob, ms(1));
    assert!(answers[0].starts_with("SIP/2.0 200 ") && answers[0].ends_with("v=0 reply"));
    assert_eq!(row(&answers[0], "CSeq"), "3 PRACK");
    // An UPDATE of ours is under way: theirs is refused.
    bob.update(ms(1), call, NEW).unwrap();
    let update = sent(&mut bob, ms(1)).remove(0);
    assert!(update.contains("\r\nContact: ") && update.ends_with("v=0 new"), "{update}");
    let (told, answers) = ask(&mut bob, &request("UPDATE", &tag, 5, "", "v=0 mine"));
    assert!(told.is_none() && answers[0].starts_with("SIP/2.0 491 "), "{answers:?}");
    // The caller gives up while an offer of its own waits.
    let rows: String = ["Via", "From", "To", "Call-ID", "CSeq"]
        .iter()
        .map(|name| format!("{name}: {}\r\n", row(&update, name)))
        .collect();
    let busy = format!("SIP/2.0 500 Busy\r\n{rows}Retry-After: 7\r\nContent-Length: 0\r\n\r\n");
    let (told, _) = ask(&mut bob, &busy);
    assert_eq!(told.as_deref(), Some("ChangeFailed Refused(StatusCode(500))"));
    assert_eq!(bob.change_again_in(call), ms(7000));
    let (told, _) = ask(&mut bob, &request("UPDATE", &tag, 6, "", "v=0 last"));
    assert_eq!(told.as_deref(), Some("Offered"));
    let cancel = request("CANCEL", "", 1, "", "");
    let (told, answers) = ask(&mut bob, &cancel);
    assert_eq!(told.as_deref(), Some("Ended Cancelled"));
    let codes: Vec<_> = answers.iter().map(|text| (&text[8..11], row(text, "CSeq"))).collect();
    assert!(codes.contains(&("487", "6 UPDATE")) && codes.contains(&("487", "1 INVITE")));
}

#[test]
fn each_fork_has_offers_of_its_own() {
    let mut storage = Storage::<1, 1, 1, 24, 16384>::new();
    let mut config = Config::new(SentBy::all(address(ALICE)));
    all(&mut config);
    let mut alice = Agent::new(config, &mut storage, [1; 32]).unwrap();
    let account = alice.add_account(&Account::new(b"sip:alice@example.com")).unwrap();
    let kept = alice.layer.arena().len();
    let call = alice.invite(ms(0), account, b"sip:bob@192.0.2.2", OFFER).unwrap();
    let invite = sent(&mut alice, ms(0)).remove(0);
    let rows: String = ["Via", "From", "Call-ID", "CSeq"]
        .iter()
        .map(|name| format!("{name}: {}\r\n", row(&invite, name)))
        .collect();
    let path = Path::udp(address(BOB));
    let response = |code: u16, tag: &str, rseq: u32, body: &str| {
        let reliable =
            if rseq > 0 { format!("Require: 100rel\r\nRSeq: {rseq}\r\n") } else { String::new() };
        format!(
            "SIP/2.0 {code} X\r\n{rows}To: <sip:bob@192.0.2.2>;tag={tag}\r\n\
             Contact: <sip:{tag}@{BOB}>\r\n{reliable}Content-Type: application/sdp\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let ask = |method: &str, tag: &str, number: u32| {
        format!(
            "{method} sip:alice@{ALICE} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {BOB};branch=z9hG4bK{tag}{number}\r\n\
             From: <sip:bob@192.0.2.2>;tag={tag}\r\nTo: {}\r\nCall-ID: {}\r\n\
             CSeq: {number} {method}\r\nContact: <sip:{tag}@{BOB}>\r\n\
             Content-Type: application/sdp\r\nContent-Length: 3\r\n\r\nv=0",
            row(&invite, "From"),
            row(&invite, "Call-ID")
        )
    };
    let give = |alice: &mut Agent<'_>, text: &str| {
        let event = alice.handle_datagram(ms(5), path, text.as_bytes()).unwrap();
        (event.as_ref().map(name), sent(alice, ms(5)))
    };
    for tag in ["one", "two", "three", "four"] {
        let (told, pracks) = give(&mut alice, &response(183, tag, 9, "v=0 a"));
        assert_eq!(told.as_deref(), Some("Progress 183"));
        assert!(pracks[0].starts_with(&format!("PRACK sip:{tag}@")), "{pracks:?}");
    }
    // The first one has an offer, and the last that spoke gets ours.
    let (told, _) = give(&mut alice, &ask("UPDATE", "one", 1));
    assert_eq!(told.as_deref(), Some("Offered"));
    let (_, answers) = give(&mut alice, &ask("BYE", "two", 1));
    assert!(answers[0].starts_with("SIP/2.0 481 "), "nobody ends a call that is not there yet");
    let (_, answers) = give(&mut alice, &ask("INVITE", "three", 1));
    assert!(answers[0].starts_with("SIP/2.0 491 "), "{answers:?}");
    alice.update(ms(5), call, NEW).unwrap();
    let update = sent(&mut alice, ms(5)).remove(0);
    assert!(update.starts_with("UPDATE sip:three@"), "{update}");
    assert_eq!(row(&update, "CSeq"), "3 UPDATE");
    alice.answer_offer(ms(5), call, REPLY).unwrap();
    let answer = sent(&mut alice, ms(5)).remove(0);
    assert!(row(&answer, "From").ends_with("tag=one") && answer.ends_with("v=0 reply"));
    // A stranger's request is none of ours.
    let (_, answers) = give(&mut alice, &ask("UPDATE", "five", 1));
    assert!(answers[0].starts_with("SIP/2.0 481 "), "{answers:?}");
    // The third answers: its numbers go on, the other dialogs are gone.
    let (told, acks) = give(&mut alice, &response(200, "three", 0, ""));
    assert_eq!(told.as_deref(), Some("Answered "));
    assert!(acks[0].starts_with("ACK sip:three@"), "{acks:?}");
    let (_, answers) = give(&mut alice, &ask("UPDATE", "one", 2));
    assert!(answers[0].starts_with("SIP/2.0 481 "), "{answers:?}");
    alice.hang_up(ms(6), call).unwrap();
    let bye = sent(&mut alice, ms(6)).pop().unwrap();
    assert_eq!(row(&bye, "CSeq"), "4 BYE");
    for _ in 0..200 {
        let Some(at) = alice.poll_timeout() else { break };
        alice.handle_timeout(at);
        let _ = sent(&mut alice, at);
        while alice.poll_event().is_some() {}
    }
    assert_eq!((alice.live(), alice.layer.arena().len()), ((0, 0, 0), kept));
}

#[test]
fn who_has_not_asked_for_it_gets_no_offers_in_other_ways() {
    let mut storage = Store::new();
    let (mut alice, account) = agent(&mut storage, ALICE, "alice", 1);
    let call = alice.invite(ms(0), account, b"sip:bob@192.0.2.2", None).unwrap();
    let invite = sent(&mut alice, ms(0)).remove(0);
    assert!(!invite.contains("100rel"), "{invite}");
    assert_eq!(alice.update(ms(0), call, NEW), Err(Error::State));
    let rows: String = ["Via", "From", "Call-ID", "CSeq"]
        .iter()
        .map(|name| format!("{name}: {}\r\n", row(&invite, name)))
        .collect();
    let answer = format!(
        "SIP/2.0 200 OK\r\n{rows}To: <sip:bob@192.0.2.2>;tag=b\r\nContact: <sip:b@{BOB}>\r\n\
         Content-Type: application/sdp\r\nContent-Length: 3\r\n\r\nv=0"
    );
    let told = alice.handle_datagram(ms(1), Path::udp(address(BOB)), answer.as_bytes());
    assert!(matches!(told, Ok(Some(Event::Answered { .. }))));
    assert!(sent(&mut alice, ms(1))[0].starts_with("ACK "));
    assert_eq!(alice.answer_offer(ms(1), call, REPLY), Err(Error::State));
}
