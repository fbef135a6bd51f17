//! Subscriptions that end, and come about again.

use super::*;

const KIND: &[u8] = b"application/simple-message-summary";

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

/// The answer to a SUBSCRIBE, and the NOTIFY that follows, in this state.
fn response(subscribe: &str, says: &str) -> String {
    let rows: String = ["Via", "From", "Call-ID", "CSeq"]
        .iter()
        .map(|name| format!("{name}: {}\r\n", row(subscribe, name)))
        .collect();
    format!(
        "SIP/2.0 {says}\r\n{rows}To: <sip:vm@192.0.2.9>;tag=n\r\nContact: <sip:vm@{SERVER}>\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

fn notify(subscribe: &str, number: u32, state: &str) -> String {
    format!(
        "NOTIFY sip:alice@{ALICE} SIP/2.0\r\nVia: SIP/2.0/UDP {SERVER};branch=z9hG4bK{}{number}\r\n\
         From: <sip:vm@192.0.2.9>;tag=n\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {number} NOTIFY\r\n\
         Contact: <sip:vm@{SERVER}>\r\nEvent: message-summary\r\nSubscription-State: {state}\r\n\
         Content-Length: 0\r\n\r\n",
        row(subscribe, "Call-ID"),
        row(subscribe, "From"),
        row(subscribe, "Call-ID")
    )
}

fn give<'d>(agent: &mut Agent<'_>, now: Duration, text: &'d str) -> Option<Event<'d>> {
    agent.handle_datagram(now, Path::udp(address(SERVER)), text.as_bytes()).unwrap()
}

/// Alice, who has subscribed to her mailbox and was told its state; her SUBSCRIBE.
fn subscribed(agent: &mut Agent<'_>, alice: AccountId) -> (SubscriptionId, String) {
    let uri = b"sip:vm@192.0.2.9";
    let id = agent.subscribe(ms(0), alice, uri, b"message-summary", KIND).unwrap();
    let text = sent(agent, ms(0)).remove(0);
    give(agent, ms(1), &response(&text, "200 OK\r\nExpires: 3600")).unwrap();
    let told = notify(&text, 1, "active;expires=3600");
    assert!(matches!(give(agent, ms(2), &told), Some(Event::Notify { .. })));
    let _ = sent(agent, ms(2));
    (id, text)
}

#[test]
fn each_reason_has_its_own_wait() {
    for (state, wait) in [
        ("terminated;reason=deactivated", Some(0)),
        ("terminated;reason=deactivated;retry-after=9", Some(0)),
        ("terminated;reason=timeout", Some(0)),
        ("terminated;reason=probation", Some(60)),
        ("terminated;reason=Probation;retry-after=9", Some(9)),
        ("terminated;reason=giveup;retry-after=900", Some(900)),
        ("terminated;reason=giveup", Some(60)),
        ("terminated;reason=rejected", None),
        ("terminated;reason=noresource;retry-after=9", None),
        ("terminated;reason=invariant", None),
        ("terminated;reason=something", Some(60)),
        ("terminated", Some(60)),
    ] {
        let mut storage = Store::new();
        let (mut agent, alice) = agent(&mut storage, ALICE, "alice", 1);
        let (id, text) = subscribed(&mut agent, alice);
        let told = notify(&text, 2, state);
        let event = give(&mut agent, ms(3), &told).unwrap();
        let wait = wait.map(Duration::from_secs);
        assert_eq!(event.subscribe_again_in(), wait, "{state}");
        assert!(
            matches!(event, Event::SubscriptionEnded { subscription, .. } if subscription == id)
        );
        assert_eq!(agent.live().2, 0);
    }
    for (says, wait) in [
        ("481 Gone", Some(0)),
        ("503 Busy\r\nRetry-After: 7", Some(7)),
        ("500 x", Some(60)),
        ("480 x", Some(60)),
        ("403 x", None),
        ("404 x", None),
        ("489 x", None),
        ("603 x", None),
    ] {
        let mut storage = Store::new();
        let (mut agent, alice) = agent(&mut storage, ALICE, "alice", 1);
        let uri = b"sip:vm@192.0.2.9";
        agent.subscribe(ms(0), alice, uri, b"message-summary", KIND).unwrap();
        let text = response(&sent(&mut agent, ms(0)).remove(0), says);
        let event = give(&mut agent, ms(1), &text).unwrap();
        assert_eq!(event.subscribe_again_in(), wait.map(Duration::from_secs), "{says}");
    }
}

#[test]
fn each_package_of_a_phone_is_subscribed_to_and_told() {
    for (package, kind, body) in [
        (&b"message-summary"[..], KIND, &b"Messages-Waiting: yes\r\n"[..]),
        (b"dialog", b"application/dialog-info+xml", b"<dialog-info/>"),
        (b"presence.winfo", b"application/watcherinfo+xml", b"<watcherinfo/>"),
        (b"presence", b"application/pidf+xml", b"<presence/>"),
    ] {
        let (mut ours, mut theirs) = (Store::new(), Store::new());
        let (a, alice) = agent(&mut ours, ALICE, "alice", 1);
        let (b, _) = agent_with(&mut theirs, BOB, "bob", 2, |config| {
            config.packages = &[b"presence", b"dialog", b"message-summary", b"presence.winfo"];
        });
        let mut net = Net::new(LinkConfig::BAD, 4, [(a, ALICE), (b, BOB)].into());
        let uri = b"sip:bob@192.0.2.2";
        let id = net.sides[0].agent.subscribe(ms(0), alice, uri, package, kind).unwrap();
        net.run(ms(40_000), |agent, now, event| {
            if let Event::Subscribe { subscription, message, .. } = event {
                assert_eq!(message.row(Name::Event).unwrap().value, package);
                assert_eq!(message.row(Name::Accept).unwrap().value, kind);
                agent.accept_subscription(now, subscription).unwrap();
                agent.notify(now, subscription, kind, body).unwrap();
            }
        });
        let told = net.told(0);
        let notified = format!("Notify {}", String::from_utf8_lossy(body));
        assert!(told.contains(&notified) && told.contains(&"Subscribed".into()), "{told:?}");
        net.sides[0].agent.unsubscribe(net.now, id).unwrap();
        net.run(net.now + ms(100_000), |_, _, _| {});
        net.assert_quiet();
    }
}

#[cfg(feature = "resubscribe")]
#[test]
fn a_subscription_that_is_lost_comes_about_again_under_its_name() {
    let mut storage = Store::new();
    let (mut agent, alice) =
        agent_with(&mut storage, ALICE, "alice", 1, |config| config.resubscribes = true);
    let (id, text) = subscribed(&mut agent, alice);
    let mut now = ms(3);
    let told = notify(&text, 2, "terminated;reason=probation;retry-after=9");
    let event = give(&mut agent, now, &told);
    let Some(Event::SubscriptionSuspended { subscription, retry_in, failure: None, .. }) = event
    else {
        panic!("{event:?}");
    };
    assert_eq!((subscription, retry_in), (id, ms(9000)));
    // It can be taken back while it waits.
    agent.unsubscribe(now, id).unwrap();
    assert!(matches!(agent.poll_event(), Some(Event::SubscriptionEnded { failure: None, .. })));
    assert_eq!(agent.live().2, 0);
    let _ = sent(&mut agent, now);
    // Not taken back, it goes on.
    let (id, mut text) = subscribed(&mut agent, alice);
    let told = notify(&text, 2, "terminated;reason=deactivated");
    let event = give(&mut agent, now, &told);
    assert!(
        matches!(event, Some(Event::SubscriptionSuspended { retry_in, .. }) if retry_in.is_zero())
    );
    let mut waits = Vec::new();
    for _ in 0..5 {
        let _ = sent(&mut agent, now);
        let new = loop {
            now = agent.poll_timeout().unwrap().max(now);
            agent.handle_timeout(now);
            let mut texts = sent(&mut agent, now).into_iter();
            if let Some(new) = texts.find(|text| text.starts_with("SUBSCRIBE")) {
                break new;
            }
        };
        assert!(new.starts_with("SUBSCRIBE sip:vm@192.0.2.9 "), "{new}");
        assert_ne!(row(&new, "Call-ID"), row(&text, "Call-ID"));
        assert_eq!(row(&new, "Event"), "message-summary");
        assert_eq!(row(&new, "CSeq"), "1 SUBSCRIBE");
        // What still comes of the old one is refused.
        let stale = notify(&text, 7, "active");
        assert!(give(&mut agent, now, &stale).is_none());
        assert!(sent(&mut agent, now)[0].starts_with("SIP/2.0 481 "));
        let refusal = response(&new, "500 Not Now\r\nRetry-After: 1");
        let event = give(&mut agent, now, &refusal);
        let Some(Event::SubscriptionSuspended { subscription, failure, retry_in, .. }) = event
        else {
            panic!("{event:?}");
        };
        assert_eq!((subscription, failure.is_some()), (id, true));
        waits.push(retry_in);
        text = new;
    }
    assert!(waits.windows(2).all(|two| two[0] <= two[1] * 2), "{waits:?}");
    assert!(waits[4] >= ms(4000 * 32 / 2), "{waits:?}");
    // A NOTIFY that says never ends it for good.
    let new = loop {
        now = agent.poll_timeout().unwrap().max(now);
        agent.handle_timeout(now);
        let mut texts = sent(&mut agent, now).into_iter();
        if let Some(new) = texts.find(|text| text.starts_with("SUBSCRIBE")) {
            break new;
        }
    };
    let told = notify(&new, 1, "terminated;reason=rejected");
    assert!(matches!(give(&mut agent, now, &told), Some(Event::SubscriptionEnded { .. })));
    for _ in 0..50 {
        let Some(at) = agent.poll_timeout() else { break };
        agent.handle_timeout(at);
        let _ = sent(&mut agent, at);
        assert!(agent.poll_event().is_none());
    }
    assert_eq!((agent.live(), agent.layer.arena().len()), ((0, 0, 0), 1));
}

#[cfg(feature = "resubscribe")]
#[test]
fn silence_is_asked_again_too() {
    let mut storage = Store::new();
    let (mut agent, alice) =
        agent_with(&mut storage, ALICE, "alice", 1, |config| config.resubscribes = true);
    let uri = b"sip:vm@192.0.2.9";
    let id = agent.subscribe(ms(0), alice, uri, b"message-summary", KIND).unwrap();
    let text = sent(&mut agent, ms(0)).remove(0);
    // Accepted, but no NOTIFY follows (timer N).
    give(&mut agent, ms(1), &response(&text, "200 OK\r\nExpires: 3600")).unwrap();
    let mut told = Vec::new();
    let mut now = ms(1);
    while told.len() < 3 {
        now = agent.poll_timeout().unwrap().max(now);
        agent.handle_timeout(now);
        let _ = sent(&mut agent, now);
        told.extend(core::iter::from_fn(|| agent.poll_event()).map(|event| name(&event)));
    }
    assert_eq!(told, ["SubscriptionSuspended"; 3]);
    agent.unsubscribe(now, id).unwrap();
    assert!(matches!(agent.poll_event(), Some(Event::SubscriptionEnded { failure: None, .. })));
}
