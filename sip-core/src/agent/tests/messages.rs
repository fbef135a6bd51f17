use super::*;

fn with_two(config: LinkConfig, seed: u64, test: impl FnOnce(&mut Net<'_>, AccountId, AccountId)) {
    let (mut ours, mut theirs) = (Store::new(), Store::new());
    let (a, alice) = agent(&mut ours, ALICE, "alice", 1);
    let (b, bob) = agent(&mut theirs, BOB, "bob", 2);
    let mut net = Net::new(config, seed, [(a, ALICE), (b, BOB)].into());
    test(&mut net, alice, bob);
    let end = net.now + Duration::from_secs(1000);
    net.run(end, |_, _, _| {});
    net.assert_quiet();
}

#[test]
fn instant_messages_arrive_once_each_however_bad_the_network() {
    seeds(20, |seed| {
        with_two(LinkConfig::BAD, seed, |net, alice, _| {
            let mut sent = 0;
            for number in 0..30 {
                let text = format!("message {number}");
                let uri = b"sip:bob@192.0.2.2";
                let now = net.now;
                // Ten transactions at a time: the eleventh is refused here, and nothing is lost.
                if net.sides[0]
                    .agent
                    .message(now, alice, uri, b"text/plain", text.as_bytes())
                    .is_ok()
                {
                    sent += 1;
                }
                net.run(now + ms(4000), |_, _, _| {});
            }
            net.run(ms(200_000), |_, _, _| {});
            let (ours, mut theirs) = (net.told(0), net.told(1));
            assert_eq!(ours.len(), sent);
            let done = ours.iter().filter(|one| *one == "Response 200").count();
            theirs.sort();
            let all = theirs.len();
            theirs.dedup();
            assert_eq!(theirs.len(), all, "a message was told twice");
            assert!(done <= all && all >= 20, "{done} of {all} answered, {sent} sent");
        });
    });
}

#[test]
fn presence_is_subscribed_notified_refreshed_and_taken_back() {
    for (seed, config) in [(1, LinkConfig::GOOD), (2, LinkConfig::BAD), (3, LinkConfig::BAD)] {
        with_two(config, seed, |net, alice, _| {
            let uri = b"sip:bob@192.0.2.2";
            let kind = b"application/pidf+xml";
            let subscribed =
                net.sides[0].agent.subscribe(net.now, alice, uri, b"presence", kind).unwrap();
            let mut theirs = None;
            let mut react = |agent: &mut Agent<'_>, now, event: Event<'_>| match event {
                Event::Subscribe { subscription, .. } => {
                    theirs = Some(subscription);
                    agent.accept_subscription(now, subscription).unwrap();
                    agent.notify(now, subscription, kind, b"open").unwrap();
                }
                Event::Refreshed { subscription } => {
                    agent.notify(now, subscription, kind, b"still open").unwrap();
                }
                _ => {}
            };
            net.run(ms(40_000), &mut react);
            let told = net.told(0);
            assert!(
                told.contains(&"Subscribed".into()) && told.contains(&"Notify open".into()),
                "{told:?}"
            );
            // An hour is over, and the subscription is not.
            net.run(Duration::from_secs(3700), &mut react);
            assert_eq!(net.told(0), ["Subscribed", "Notify still open"]);
            net.sides[1].agent.notify(net.now, theirs.unwrap(), kind, b"closed").unwrap();
            let until = net.now + ms(40_000);
            net.run(until, |_, _, _| {});
            assert_eq!(net.told(0), ["Notify closed"]);
            net.told(1);
            net.sides[0].agent.unsubscribe(net.now, subscribed).unwrap();
            let until = net.now + ms(80_000);
            net.run(until, |_, _, _| {});
            assert_eq!(
                (net.told(0), net.told(1)),
                (["SubscriptionEnded".into()].into(), ["SubscriptionEnded".into()].into())
            );
        });
    }
}

#[test]
fn a_subscription_ends_with_its_notifier_or_its_time() {
    with_two(LinkConfig::GOOD, 1, |net, alice, _| {
        let kind = b"application/pidf+xml";
        for ends_it in [true, false] {
            let uri = b"sip:bob@192.0.2.2";
            net.sides[0].agent.subscribe(net.now, alice, uri, b"presence", kind).unwrap();
            let mut theirs = None;
            let until = net.now + ms(1000);
            net.run(until, |agent, now, event| {
                if let Event::Subscribe { subscription, .. } = event {
                    theirs = Some(subscription);
                    agent.accept_subscription(now, subscription).unwrap();
                    agent.notify(now, subscription, kind, b"open").unwrap();
                }
            });
            net.told(0);
            net.told(1);
            if ends_it {
                net.sides[1].agent.terminate_subscription(net.now, theirs.unwrap()).unwrap();
            } else {
                // Alice cannot be heard any more.
                net.link.set_cut(true);
            }
            let until = net.now + Duration::from_secs(4000);
            net.run(until, |_, _, _| {});
            assert_eq!(net.told(0), ["SubscriptionEnded"]);
            assert_eq!(net.told(1).len(), usize::from(!ends_it));
            net.link.set_cut(false);
        }
    });
}

#[test]
fn a_subscription_to_another_package_is_refused_489() {
    with_two(LinkConfig::GOOD, 1, |net, alice, _| {
        let uri = b"sip:bob@192.0.2.2";
        net.sides[0].agent.subscribe(net.now, alice, uri, b"dialog", b"x/y").unwrap();
        net.run(ms(1000), |_, _, _| {});
        assert_eq!(net.told(0), ["SubscriptionEnded"]);
        assert!(net.lines.contains(&"SIP/2.0 489 Bad Event".into()));
        assert!(net.told(1).is_empty());
    });
}

#[test]
fn options_are_answered_by_themselves() {
    with_two(LinkConfig::GOOD, 1, |net, alice, _| {
        net.sides[0].agent.options(net.now, alice, b"sip:bob@192.0.2.2").unwrap();
        net.run(ms(1000), |_, _, _| {});
        assert_eq!(net.told(0), ["Response 200"]);
        assert!(net.told(1).is_empty());
    });
}

#[test]
fn a_uri_that_leads_nowhere_is_refused_with_the_reason() {
    with_two(LinkConfig::GOOD, 1, |net, alice, _| {
        let now = net.now;
        let mut message =
            |uri: &[u8]| net.sides[0].agent.message(now, alice, uri, b"text/plain", b"x");
        assert_eq!(message(b"sip:bob@example.com"), Err(Error::Unresolved));
        assert_eq!(message(b"bob"), Err(Error::Uri));
        let evil = crate::transaction::Error::LineEnd;
        let now = net.now;
        let kind = b"text/plain\r\nRoute: <sip:evil>";
        let refused = net.sides[0].agent.message(now, alice, b"sip:b@192.0.2.2", kind, b"x");
        assert_eq!(refused, Err(Error::Transaction(evil)));
    });
}
