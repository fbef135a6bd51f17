use super::*;

const EARLY: Option<(&[u8], &[u8])> = Some((b"application/sdp", b"v=0 early"));

/// An INVITE of Alice's for Bob that says this of reliable responses.
fn invite(row: &str) -> String {
    format!(
        "INVITE sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP {ALICE};branch=z9hG4bK1\r\n\
         From: <sip:alice@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: a\r\n\
         CSeq: 7 INVITE\r\nContact: <sip:alice@{ALICE}>\r\n{row}Content-Length: 0\r\n\r\n"
    )
}

/// A PRACK that acknowledges `rack` in the dialog with Bob's tag.
fn prack(tag: &str, rack: &str, number: u32) -> String {
    format!(
        "PRACK sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP {ALICE};branch=z9hG4bKp{number}\r\n\
         From: <sip:alice@example.com>;tag=1\r\nTo: <sip:bob@example.com>;tag={tag}\r\n\
         Call-ID: a\r\nCSeq: {number} PRACK\r\nRAck: {rack}\r\nContent-Length: 0\r\n\r\n"
    )
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

/// Bob, who was called and has rung; the call, and his reliable 183.
fn rung<'s>(storage: &'s mut Store, says: &str) -> (Agent<'s>, CallId, String) {
    let (mut bob, _) = agent_with(storage, BOB, "bob", 2, |config| {
        config.reliable_provisional = true;
    });
    let text = invite(says);
    let event = bob.handle_datagram(ms(0), Path::udp(address(ALICE)), text.as_bytes());
    let Ok(Some(Event::Incoming { call, .. })) = event else { panic!("{event:?}") };
    bob.ring(ms(0), call, StatusCode::SESSION_PROGRESS, EARLY).unwrap();
    let sent = sent(&mut bob, ms(0));
    assert_eq!(sent.len(), 1);
    (bob, call, sent[0].clone())
}

#[test]
fn early_media_arrives_over_a_network_that_loses_a_fifth() {
    seeds(40, |seed| {
        let (mut ours, mut theirs) = (Store::new(), Store::new());
        let (a, alice) = agent(&mut ours, ALICE, "alice", 1);
        let reliable = |config: &mut Config| config.reliable_provisional = true;
        let (b, _) = agent_with(&mut theirs, BOB, "bob", 2, reliable);
        let lossy = LinkConfig { loss_per_mille: 200, ..LinkConfig::GOOD };
        let mut net = Net::new(lossy, seed, [(a, ALICE), (b, BOB)].into());
        let call = net.sides[0].agent.invite(ms(0), alice, b"sip:bob@192.0.2.2", OFFER).unwrap();
        net.run(ms(60_000), |agent, now, event| match event {
            Event::Incoming { call, .. } => {
                agent.ring(now, call, StatusCode::SESSION_PROGRESS, EARLY).unwrap();
                let again = agent.ring(now, call, StatusCode::RINGING, None);
                assert_eq!(again, Err(Error::State), "one at a time");
                assert_eq!(agent.answer(now, call, ANSWER), Err(Error::State));
            }
            Event::ProgressAcknowledged { call, .. } => agent.answer(now, call, None).unwrap(),
            _ => {}
        });
        assert_eq!(net.told(0), ["Progress 183", "Answered "]);
        let told = net.told(1);
        assert_eq!(told[1..], ["ProgressAcknowledged", "Confirmed "]);
        net.sides[0].agent.hang_up(net.now, call).unwrap();
        net.run(Duration::from_secs(200), |_, _, _| {});
        net.assert_quiet();
    });
}

#[test]
fn without_a_prack_it_is_sent_again_and_then_refused() {
    let mut storage = Store::new();
    let (mut bob, call, first) = rung(&mut storage, "Require: 100rel\r\n");
    assert!(first.starts_with("SIP/2.0 183 ") && first.contains("\r\nRequire: 100rel\r\n"));
    let (mut times, mut last) = (Vec::new(), String::new());
    while let Some(now) = bob.poll_timeout().filter(|now| *now < ms(33_000)) {
        bob.handle_timeout(now);
        for text in sent(&mut bob, now) {
            times.push(now.as_millis());
            last = text;
        }
    }
    // RFC 3262 section 3: T1, doubled each time, until 64 T1 have gone by.
    assert_eq!(times, [500, 1500, 3500, 7500, 15500, 31500, 32000, 32500]);
    assert!(last.starts_with("SIP/2.0 504 "), "{last}");
    let ended = bob.poll_event();
    let timeout = End::Failed(Failure::Timeout);
    assert!(
        matches!(ended, Some(Event::Ended { call: over, end, .. }) if over == call && end == timeout)
    );
}

#[test]
fn only_the_prack_of_the_last_response_acknowledges_it() {
    for says in ["Supported: x, 100REL\r\n", "Require: 100rel\r\n"] {
        let mut storage = Store::new();
        let (mut bob, call, first) = rung(&mut storage, says);
        let tag = row(&first, "To").split("tag=").nth(1).unwrap();
        let rseq: u32 = row(&first, "RSeq").parse().unwrap();
        let good = format!("{rseq} 7 INVITE");
        let path = Path::udp(address(ALICE));
        for (number, rack, code) in [
            (8, "x", 400),
            (9, &*format!("{} 7 INVITE", rseq + 1), 481),
            (10, &*format!("{rseq} 6 INVITE"), 481),
            (11, &*format!("{rseq} 7 UPDATE"), 481),
            (12, &*good, 200),
            (13, &*good, 481),
        ] {
            let text = prack(tag, rack, number);
            let event = bob.handle_datagram(ms(1), path, text.as_bytes()).unwrap();
            let told = matches!(event, Some(Event::ProgressAcknowledged { .. }));
            assert_eq!(told, code == 200, "{rack}");
            let answer = sent(&mut bob, ms(1));
            assert!(answer[0].starts_with(&format!("SIP/2.0 {code} ")), "{rack}: {answer:?}");
        }
        // The next one has the next number.
        bob.ring(ms(2), call, StatusCode::RINGING, None).unwrap();
        let next = sent(&mut bob, ms(2));
        assert_eq!(row(&next[0], "RSeq"), format!("{}", rseq + 1));
    }
}

#[test]
fn who_does_not_know_of_it_is_answered_as_ever() {
    let mut storage = Store::new();
    let (bob, _, text) = rung(&mut storage, "");
    assert!(!text.contains("RSeq") && !text.contains("Require"), "{text}");
    assert_eq!(bob.poll_timeout(), Some(Duration::from_secs(180)), "nothing is sent again");
}

#[test]
fn each_fork_is_acknowledged_and_each_response_told_once() {
    let mut storage = Store::new();
    let (mut alice, account) = agent(&mut storage, ALICE, "alice", 1);
    alice.invite(ms(0), account, b"sip:bob@192.0.2.2", OFFER).unwrap();
    let invite = sent(&mut alice, ms(0)).remove(0);
    assert!(invite.contains("\r\nSupported: 100rel\r\n"), "{invite}");
    let rows: String = ["Via", "From", "Call-ID", "CSeq"]
        .iter()
        .map(|name| format!("{name}: {}\r\n", row(&invite, name)))
        .collect();
    let response = |code: u16, tag: &str, rseq: u32| {
        let reliable =
            if rseq > 0 { format!("Require: 100rel\r\nRSeq: {rseq}\r\n") } else { String::new() };
        format!(
            "SIP/2.0 {code} X\r\n{rows}To: <sip:bob@192.0.2.2>;tag={tag}\r\n\
             Contact: <sip:{tag}@{BOB}>\r\n{reliable}Content-Length: 0\r\n\r\n"
        )
    };
    let mut numbers = Vec::new();
    for (tag, rseq, prack) in [
        ("one", 10, Some("10 1 INVITE")),
        ("one", 10, None), // it came again
        ("one", 12, None), // one is missing
        ("two", 7, Some("7 1 INVITE")),
        ("one", 11, Some("11 1 INVITE")),
        ("one", 10, None),
    ] {
        let text = response(183, tag, rseq);
        let told = alice.handle_datagram(ms(5), Path::udp(address(BOB)), text.as_bytes()).unwrap();
        let sent = sent(&mut alice, ms(5));
        assert_eq!(matches!(told, Some(Event::Progress { .. })), prack.is_some(), "{tag} {rseq}");
        assert_eq!(sent.iter().map(|text| row(text, "RAck")).next(), prack, "{tag} {rseq}");
        if let Some(text) = sent.first() {
            assert!(text.starts_with(&format!("PRACK sip:{tag}@{BOB} ")), "{text}");
            assert!(row(text, "To").ends_with(tag));
            numbers.push(String::from(row(text, "CSeq")));
        }
    }
    assert_eq!(numbers, ["2 PRACK", "2 PRACK", "3 PRACK"], "each dialog counts for itself");
    // The requests of the call that comes about go on counting from there.
    let text = response(200, "one", 0);
    let told = alice.handle_datagram(ms(6), Path::udp(address(BOB)), text.as_bytes());
    let Ok(Some(Event::Answered { call, .. })) = told else { panic!("{told:?}") };
    alice.hang_up(ms(6), call).unwrap();
    let bye = sent(&mut alice, ms(6)).pop().unwrap();
    assert_eq!(row(&bye, "CSeq"), "4 BYE");
}
