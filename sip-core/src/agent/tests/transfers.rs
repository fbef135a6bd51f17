use super::calls::established;
use super::*;

const CAROL: &str = "192.0.2.3:5060";

/// Alice, Bob and Carol; Alice has a call with Bob.
fn with_three(test: impl FnOnce(&mut Net<'_>, AccountId, CallId)) {
    let (mut one, mut two, mut three) = (Store::new(), Store::new(), Store::new());
    let (a, alice) = agent(&mut one, ALICE, "alice", 1);
    let (b, _) = agent(&mut two, BOB, "bob", 2);
    let (c, _) = agent(&mut three, CAROL, "carol", 3);
    let mut net = Net::new(LinkConfig::GOOD, 1, [(a, ALICE), (b, BOB), (c, CAROL)].into());
    let (call, _) = established(&mut net, alice);
    net.told(0);
    net.told(1);
    test(&mut net, alice, call);
    let end = net.now + Duration::from_secs(200);
    net.run(end, |_, _, _| {});
    net.assert_quiet();
}

/// Does what a transfer asks for, and answers each call.
fn obliging(agent: &mut Agent<'_>, now: Duration, event: &Event<'_>) {
    match event {
        Event::TransferRequested { call, .. } => {
            let (target, by) = event.transfer_target().unwrap();
            agent.accept_transfer(now, *call, target, by, OFFER).unwrap();
        }
        Event::Incoming { call, .. } => {
            agent.ring(now, *call, StatusCode::RINGING, None).unwrap();
            agent.answer(now, *call, ANSWER).unwrap();
        }
        _ => {}
    }
}

#[test]
fn a_refer_says_where_its_sender_is() {
    with_three(|net, _, call| {
        net.sides[0].agent.transfer(net.now, call, b"sip:carol@192.0.2.3").unwrap();
        let mut buffer = [0; 2048];
        let sent = net.sides[0].agent.poll_transmit(net.now, &mut buffer).unwrap();
        let text = str::from_utf8(&buffer[..sent.len]).unwrap();
        assert!(text.starts_with("REFER "), "{text}");
        assert!(text.contains("\r\nContact: <sip:alice@192.0.2.1:5060>\r\n"), "{text}");
        let until = net.now + ms(5000);
        net.run(until, |agent, now, event| obliging(agent, now, &event));
        let _ = net.sides[0].agent.hang_up(net.now, call);
        let until = net.now + ms(5000);
        net.run(until, |_, _, _| {});
        let (theirs, _) = net.sides[1].agent.calls.iter().next().unwrap();
        net.sides[1].agent.hang_up(net.now, CallId(theirs)).unwrap();
    });
}

#[test]
fn a_blind_transfer_calls_the_other_and_tells_of_it() {
    with_three(|net, _, call| {
        net.sides[0].agent.transfer(net.now, call, b"sip:carol@192.0.2.3").unwrap();
        let until = net.now + ms(5000);
        net.run(until, |agent, now, event| obliging(agent, now, &event));
        let told = net.told(0);
        assert_eq!(told.first().map(String::as_str), Some("TransferProgress 100"));
        assert_eq!(told.last().map(String::as_str), Some("TransferProgress 200, over"));
        assert!(net.told(1).contains(&"Answered v=0 answer".into()));
        assert!(net.told(2).contains(&"Incoming v=0 offer".into()));
        net.sides[0].agent.hang_up(net.now, call).unwrap();
        let until = net.now + ms(5000);
        net.run(until, |_, _, _| {});
        assert_eq!(net.told(0), ["Ended Local"]);
        assert_eq!(net.told(1), ["Ended Remote"]);
        // Bob and Carol talk.
        assert_eq!((net.sides[1].agent.live().1, net.sides[2].agent.live().1), (1, 1));
        let (theirs, _) = net.sides[1].agent.calls.iter().next().unwrap();
        net.sides[1].agent.hang_up(net.now, CallId(theirs)).unwrap();
    });
}

#[test]
fn nothing_is_said_in_a_dialog_after_its_bye() {
    with_three(|net, _, call| {
        net.sides[0].agent.transfer(net.now, call, b"sip:carol@192.0.2.3").unwrap();
        let until = net.now + ms(1000);
        let (mut theirs, mut incoming) = (None, None);
        net.run(until, |agent, now, event| match event {
            Event::Incoming { call, .. } => incoming = Some(call),
            Event::TransferRequested { call, .. } => {
                obliging(agent, now, &event);
                theirs = Some(call);
            }
            _ => {}
        });
        // Bob hangs up with Alice just when Carol answers.
        net.sides[1].agent.hang_up(net.now, theirs.unwrap()).unwrap();
        net.sides[2].agent.answer(net.now, incoming.unwrap(), ANSWER).unwrap();
        let until = net.now + ms(1000);
        net.run(until, |_, _, _| {});
        // What comes after the BYE would have a higher CSeq, and overtake it.
        let bye = net.lines.iter().position(|line| line.starts_with("BYE ")).unwrap();
        let late = net.lines.iter().skip(bye).filter(|line| line.starts_with("NOTIFY "));
        assert_eq!(late.count(), 0, "{:?}", net.lines);
        assert!(net.told(1).contains(&"Answered v=0 answer".into()));
        let (theirs, _) = net.sides[1].agent.calls.iter().next().unwrap();
        net.sides[1].agent.hang_up(net.now, CallId(theirs)).unwrap();
    });
}

#[test]
fn a_transfer_that_fails_is_told_with_its_code() {
    with_three(|net, _, call| {
        net.sides[0].agent.transfer(net.now, call, b"sip:carol@192.0.2.3").unwrap();
        let until = net.now + ms(5000);
        net.run(until, |agent, now, event| match event {
            Event::TransferRequested { call, .. } => {
                let (target, by) = event.transfer_target().unwrap();
                agent.accept_transfer(now, call, target, by, OFFER).unwrap();
            }
            Event::Incoming { call, .. } => {
                agent.reject(now, call, StatusCode::BUSY_HERE).unwrap();
            }
            _ => {}
        });
        let told = net.told(0);
        assert_eq!(told, ["TransferProgress 100", "TransferProgress 486, over"]);
        // Another one may be asked for, and be refused by the person.
        net.sides[0].agent.transfer(net.now, call, b"sip:carol@192.0.2.3").unwrap();
        let until = net.now + ms(5000);
        net.run(until, |agent, now, event| {
            if let Event::TransferRequested { call, .. } = event {
                agent.reject_transfer(now, call, StatusCode::DECLINE).unwrap();
                let again = agent.reject_transfer(now, call, StatusCode::DECLINE);
                assert_eq!(again, Err(Error::State));
            }
        });
        assert_eq!(net.told(0), ["TransferProgress 100", "TransferProgress 603, over"]);
        net.sides[0].agent.hang_up(net.now, call).unwrap();
    });
}

#[test]
fn an_attended_transfer_joins_the_two_others() {
    with_three(|net, alice, call| {
        let uri = b"sip:carol@192.0.2.3";
        let other = net.sides[0].agent.invite(net.now, alice, uri, OFFER).unwrap();
        let until = net.now + ms(5000);
        net.run(until, |agent, now, event| obliging(agent, now, &event));
        net.told(0);
        net.told(2);
        net.sides[0].agent.transfer_to(net.now, call, other).unwrap();
        let until = net.now + ms(5000);
        let mut replaced = 0;
        net.run(until, |agent, now, event| {
            if let Event::Incoming { replaces: Some(_), .. } = event {
                replaced += 1;
            }
            obliging(agent, now, &event);
        });
        assert_eq!(replaced, 1);
        let told = net.told(0);
        assert!(told.contains(&"Ended Remote".into()), "Carol has hung up: {told:?}");
        assert!(told.contains(&"TransferProgress 200, over".into()), "{told:?}");
        assert!(net.told(2).contains(&"Ended Local".into()));
        assert_eq!(net.sides[2].agent.live().1, 1, "she talks to Bob only");
        net.sides[0].agent.hang_up(net.now, call).unwrap();
        let (theirs, _) = net.sides[2].agent.calls.iter().next().unwrap();
        net.sides[2].agent.hang_up(net.now, CallId(theirs)).unwrap();
    });
}

#[test]
fn a_transfer_wants_a_uri_and_a_call_that_is_established() {
    with_three(|net, alice, call| {
        let agent = &mut net.sides[0].agent;
        assert_eq!(agent.transfer(net.now, call, b"nobody"), Err(Error::Uri));
        let ringing = agent.invite(net.now, alice, b"sip:x@192.0.2.3", OFFER).unwrap();
        assert_eq!(agent.transfer(net.now, ringing, b"sip:a@b"), Err(Error::State));
        assert_eq!(agent.transfer_to(net.now, call, ringing), Err(Error::State));
        assert!(agent.accept_transfer(net.now, call, b"sip:a@b", b"", OFFER).is_err());
        agent.hang_up(net.now, ringing).unwrap();
        agent.hang_up(net.now, call).unwrap();
    });
}

#[test]
fn a_replaces_that_is_too_long_is_not_followed() {
    with_three(|net, _, call| {
        let uri = format!("sip:carol@192.0.2.3?Replaces={}", "x".repeat(300));
        net.sides[0].agent.transfer(net.now, call, uri.as_bytes()).unwrap();
        let until = net.now + ms(5000);
        net.run(until, |agent, now, event| {
            if let Event::TransferRequested { call, .. } = event {
                let (target, by) = event.transfer_target().unwrap();
                let done = agent.accept_transfer(now, call, target, by, OFFER);
                assert_eq!(done, Err(Error::Uri));
                agent.reject_transfer(now, call, StatusCode::DECLINE).unwrap();
            }
        });
        assert_eq!(net.told(2), Vec::<String>::new());
        net.sides[0].agent.hang_up(net.now, call).unwrap();
    });
}

#[test]
fn a_question_mark_in_a_user_part_ends_no_uri() {
    with_three(|net, _, call| {
        net.sides[0].agent.transfer(net.now, call, b"sip:ca?rol@192.0.2.3?Subject=x").unwrap();
        let until = net.now + ms(5000);
        net.run(until, |agent, now, event| obliging(agent, now, &event));
        assert!(net.lines.contains(&"INVITE sip:ca?rol@192.0.2.3 SIP/2.0".into()));
        assert_eq!(net.told(0), ["TransferProgress 100", "TransferProgress 404, over"]);
        net.sides[0].agent.hang_up(net.now, call).unwrap();
    });
}
