//! Calls that are sent elsewhere, reasons for their end, and who calls.

use super::*;
use crate::header::{CSeq, CallId as CallIdRow};
use core::cell::RefCell;
use std::rc::Rc;

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

/// Alice calls somebody at a server that answers each INVITE for a user as `answers` says; Bob takes each
/// call. Says what Alice was told, and for whom the INVITEs at the server were.
fn redirected(
    most: u8,
    first: &str,
    answers: &'static [(&'static str, &'static str)],
    then: impl FnOnce(&mut Net<'_>, CallId),
) -> (Vec<String>, Vec<String>) {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let log = seen.clone();
    let (mut ours, mut theirs) = (Store::new(), Store::new());
    let (a, alice) = agent_with(&mut ours, ALICE, "alice", 1, |config| config.max_redirects = most);
    let (b, _) = agent(&mut theirs, BOB, "bob", 2);
    let kept = a.layer.arena().len();
    let mut net = Net::new(LinkConfig::GOOD, 1, [(a, ALICE), (b, BOB)].into());
    let mut ids = Vec::new();
    net.script = Some(Box::new(move |_, request| {
        if request.method() == Some(crate::message::Method::Ack) {
            return "SIP/2.0 100 To an ACK there is no answer".into();
        }
        let user = request.request_uri().unwrap().unwrap().user().unwrap_or_default();
        let user = String::from_utf8_lossy(user).into_owned();
        let id = request.typed::<CallIdRow<'_>>().unwrap().unwrap().0.to_vec();
        let number = request.typed::<CSeq<'_>>().unwrap().unwrap().number;
        ids.push((id, number));
        assert!(ids.iter().all(|(id, _)| *id == ids[0].0), "the Call-ID stays");
        assert!(ids.is_sorted_by_key(|(_, number)| *number), "and the numbers go on");
        log.borrow_mut().push(user.clone());
        let answer = answers.iter().find(|(name, _)| *name == user);
        answer.map_or("SIP/2.0 404 Not Found", |(_, answer)| answer).into()
    }));
    let uri = format!("sip:{first}@192.0.2.9");
    let call = net.sides[0].agent.invite(ms(0), alice, uri.as_bytes(), OFFER).unwrap();
    net.run(ms(100_000), |agent, now, event| {
        if let Event::Incoming { call, .. } = event {
            agent.answer(now, call, ANSWER).unwrap();
        }
    });
    then(&mut net, call);
    net.run(net.now + ms(100_000), |_, _, _| {});
    net.assert_quiet();
    assert_eq!(net.sides[0].agent.layer.arena().len(), kept, "nothing stays behind");
    (net.told(0), seen.take())
}

#[test]
fn a_redirected_call_goes_to_the_best_place_first_and_on_until_one_takes_it() {
    let (told, seen) = redirected(
        5,
        "a",
        &[
            (
                "a",
                "SIP/2.0 302 Moved\r\nContact: <sip:bob@192.0.2.2>;q=0.3, <sip:c@192.0.2.9>;q=0.5, \
                 <mailto:a@b>;q=1\r\nContact: <sip:d@192.0.2.9>, <sip:e@192.0.2.9>;q=0.1",
            ),
            ("c", "SIP/2.0 486 Busy Here"),
            // What was tried is not tried again, written otherwise either.
            ("d", "SIP/2.0 301 Moved\r\nContact: <sip:%61@192.0.2.9>, <sip:d@192.0.2.9>"),
        ],
        |net, call| {
            net.sides[0].agent.hang_up(net.now, call).unwrap();
        },
    );
    assert_eq!(seen, ["a", "d", "c"]);
    assert_eq!(told, ["Redirected", "Redirected", "Answered v=0 answer", "Ended Local"]);
}

#[test]
fn a_call_that_is_sent_in_circles_or_too_far_ends() {
    let circle: &[_] = &[
        ("a", "SIP/2.0 302 Moved\r\nContact: <sip:b@192.0.2.9>"),
        ("b", "SIP/2.0 302 Moved\r\nContact: <sip:a@192.0.2.9>, <sip:b@192.0.2.9:5060>"),
        ("c", "SIP/2.0 302 Moved\r\nContact: <sip:d@192.0.2.9>, <sip:e@192.0.2.9>;q=0.5"),
        ("d", "SIP/2.0 300 Choose\r\nContact: <sip:f@192.0.2.9>;q=0.1"),
        ("e", "SIP/2.0 603 Decline"),
        ("g", "SIP/2.0 302 Moved\r\nContact: <sip:h@192.0.2.9>"),
    ];
    let ended = |code: u16| format!("Ended Failed(Refused(StatusCode({code})))");
    let (told, seen) = redirected(9, "a", circle, |_, _| {});
    // Port 5060 and no port are not the same URI, but there it ends.
    assert_eq!((seen.join(""), told.last()), ("abb".into(), Some(&ended(302))));
    let (told, seen) = redirected(9, "c", circle, |_, _| {});
    assert_eq!((seen.join(""), told.last()), ("cde".into(), Some(&ended(603))), "603 is the end");
    let (told, seen) = redirected(1, "c", circle, |_, _| {});
    assert_eq!((seen.join(""), told.last()), ("cd".into(), Some(&ended(300))));
    let (told, seen) = redirected(9, "g", circle, |_, _| {});
    assert_eq!((seen.join(""), told.last()), ("gh".into(), Some(&ended(404))));
    let (told, seen) = redirected(0, "a", circle, |_, _| {});
    assert_eq!((seen.join(""), told), ("a".into(), Vec::from([ended(302)])));
}

#[test]
fn a_place_that_does_not_answer_is_followed_by_the_next() {
    let (told, seen) = redirected(
        5,
        "a",
        &[("a", "SIP/2.0 302 x\r\nContact: <sip:x@192.0.2.77>, <sip:bob@192.0.2.2>;q=0.5")],
        |net, call| net.sides[0].agent.hang_up(net.now, call).unwrap(),
    );
    assert_eq!((seen.join(""), told.len()), ("a".into(), 3));
    assert_eq!(told[1], "Answered v=0 answer");
    // Who hangs up meanwhile calls nobody else.
    let (mut storage, answer) = (Store::new(), "SIP/2.0 302 x\r\nContact: <sip:b@192.0.2.2>");
    let (mut alice, account) =
        agent_with(&mut storage, ALICE, "alice", 1, |config| config.max_redirects = 5);
    let call = alice.invite(ms(0), account, b"sip:a@192.0.2.9", OFFER).unwrap();
    let invite = sent(&mut alice, ms(0)).remove(0);
    alice.hang_up(ms(1), call).unwrap();
    let mut script: Script = Box::new(move |_, _| answer.into());
    let response = scripted(&mut script, ms(2), invite.as_bytes()).unwrap();
    let told = alice.handle_datagram(ms(2), Path::udp(address(SERVER)), &response).unwrap();
    assert!(matches!(told, Some(Event::Ended { .. })), "{told:?}");
}

#[test]
fn who_hangs_up_says_why() {
    const ELSEWHERE: &[u8] = b"SIP;cause=200;text=\"Call completed elsewhere\"";
    for answers in [false, true] {
        let (mut ours, mut theirs) = (Store::new(), Store::new());
        let (a, alice) = agent(&mut ours, ALICE, "alice", 1);
        let (b, _) = agent(&mut theirs, BOB, "bob", 2);
        let kept = a.layer.arena().len();
        let mut net = Net::new(LinkConfig::BAD, 3, [(a, ALICE), (b, BOB)].into());
        let call = net.sides[0].agent.invite(ms(0), alice, b"sip:bob@192.0.2.2", OFFER).unwrap();
        net.run(ms(40_000), |agent, now, event| {
            if let Event::Incoming { call, .. } = event {
                if answers {
                    agent.answer(now, call, ANSWER).unwrap();
                } else {
                    agent.ring(now, call, StatusCode::RINGING, None).unwrap();
                }
            }
        });
        let agent = &mut net.sides[0].agent;
        let long = [b'x'; 129];
        for bad in [&b""[..], b"SIP;cause=200\r\nX: y", b"\"", &long] {
            assert_eq!(agent.hang_up_because(net.now, call, bad), Err(Error::State));
        }
        agent.hang_up_because(net.now, call, ELSEWHERE).unwrap();
        let mut reasons = Vec::new();
        net.run(net.now + ms(100_000), |_, _, event| {
            if let Some(reason) = event.reason() {
                reasons.push((reason.cause(), event.is_completed_elsewhere()));
            }
        });
        // Of the CANCEL or the BYE; the 487 says nothing.
        assert_eq!(reasons, [(Some(200), true)], "{:?}", net.told(1));
        net.assert_quiet();
        assert_eq!(net.sides[0].agent.layer.arena().len(), kept);
    }
}

#[test]
fn an_anonymous_call_stays_one() {
    let (mut ours, mut theirs) = (Store::new(), Store::new());
    let (mut a, alice) = agent(&mut ours, ALICE, "alice", 1);
    let (mut b, _) = agent(&mut theirs, BOB, "bob", 2);
    let (to_a, to_b) = (Path::udp(address(ALICE)), Path::udp(address(BOB)));
    let uri = b"sip:bob@192.0.2.2";
    let call = a.invite_as(ms(0), alice, uri, OFFER, &Identity::anonymous()).unwrap();
    let invite = sent(&mut a, ms(0)).remove(0);
    let from = row(&invite, "From");
    assert!(from.starts_with("\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag="), "{from}");
    assert_eq!(row(&invite, "Privacy"), "id");
    assert!(!invite.to_ascii_lowercase().contains("alice"), "{invite}");
    let told = b.handle_datagram(ms(1), to_a, invite.as_bytes()).unwrap();
    let Some(Event::Incoming { call: theirs, .. }) = told else { panic!("{told:?}") };
    b.answer(ms(1), theirs, ANSWER).unwrap();
    let answer = sent(&mut b, ms(1)).pop().unwrap();
    a.handle_datagram(ms(2), to_b, answer.as_bytes()).unwrap();
    let ack = sent(&mut a, ms(2)).pop().unwrap();
    b.handle_datagram(ms(3), to_a, ack.as_bytes()).unwrap();
    a.reinvite(ms(4), call, OFFER).unwrap();
    let again = sent(&mut a, ms(4)).remove(0);
    assert!(again.starts_with("INVITE ") && !again.contains("alice"), "{again}");
    assert_eq!(row(&again, "Contact"), "<sip:192.0.2.1:5060>");
    // And in its answers.
    let told = b.handle_datagram(ms(5), to_a, again.as_bytes()).unwrap();
    let Some(Event::Reinvited { .. }) = told else { panic!("{told:?}") };
    b.reject(ms(5), theirs, StatusCode::NOT_ACCEPTABLE_HERE).unwrap();
    for text in sent(&mut b, ms(5)) {
        a.handle_datagram(ms(6), to_b, text.as_bytes()).unwrap();
    }
    let _ = sent(&mut a, ms(6));
    b.reinvite(ms(7), theirs, OFFER).unwrap();
    let other = sent(&mut b, ms(7)).pop().unwrap();
    a.handle_datagram(ms(8), to_b, other.as_bytes()).unwrap();
    a.answer(ms(8), call, ANSWER).unwrap();
    let answer = sent(&mut a, ms(8)).pop().unwrap();
    assert!(answer.starts_with("SIP/2.0 200 ") && !answer.contains("alice"), "{answer}");
}

#[test]
fn an_asserted_identity_counts_where_its_source_is_trusted() {
    static TRUSTED: [core::net::IpAddr; 1] =
        [core::net::IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 7))];
    let mut storage = Store::new();
    let mut config = Config::new(SentBy::all(address(ALICE)));
    config.trusted = &TRUSTED;
    let text = "INVITE sip:alice@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK3\r\n\
         From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1\r\nTo: <sip:alice@a>\r\n\
         Call-ID: 3\r\nCSeq: 7 INVITE\r\nContact: <sip:192.0.2.3>\r\nPrivacy: id\r\n\
         P-Asserted-Identity: \"Carol\" <sip:carol@example.com>, <tel:+15551234>\r\n\
         Referred-By: <sip:dave@example.com>\r\nContent-Length: 0\r\n\r\n";
    for trusts_servers in [false, true] {
        config.trusts_servers = trusts_servers;
        let mut agent = Agent::new(config, &mut storage, [1; 32]).unwrap();
        let server = Path::udp(address(SERVER));
        agent.add_account(&Account::new(b"sip:alice@a").over(server, b"")).unwrap();
        let proxy = Path::udp(address("192.0.2.7:5060"));
        let told = agent.handle_datagram(ms(0), proxy, text.as_bytes()).unwrap().unwrap();
        let by = told.referred_by().unwrap().uri();
        assert_eq!(by.as_bytes(), Some(&b"sip:dave@example.com"[..]));
        let Event::Incoming { message, .. } = told else { panic!("{told:?}") };
        let told = |path: Path| {
            let all = agent.asserted_identities(path, &message);
            all.map(|one| one.uri().as_bytes().unwrap().to_vec()).collect::<Vec<_>>()
        };
        assert_eq!(told(proxy), [&b"sip:carol@example.com"[..], b"tel:+15551234"]);
        assert!(told(Path::udp(address("192.0.2.8:5060"))).is_empty());
        assert_eq!(told(server).is_empty(), !trusts_servers);
    }
    // What a host that is trusted itself says of others.
    let (mut agent, account) = agent(&mut storage, ALICE, "alice", 1);
    let identity = Identity {
        asserted: b"<sip:carol@example.com>",
        preferred: b"<sip:c@example.com>",
        ..Identity::default()
    };
    agent.invite_as(ms(0), account, b"sip:bob@192.0.2.2", OFFER, &identity).unwrap();
    let invite = sent(&mut agent, ms(0)).remove(0);
    assert_eq!(row(&invite, "P-Asserted-Identity"), "<sip:carol@example.com>");
    assert_eq!(row(&invite, "P-Preferred-Identity"), "<sip:c@example.com>");
    assert!(row(&invite, "From").starts_with("<sip:alice@") && !invite.contains("Privacy"));
}
