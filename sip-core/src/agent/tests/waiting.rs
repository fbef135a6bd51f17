//! A second call while one is up, digits by INFO, messages within a call, and what we can do.

use super::calls::established;
use super::*;

#[test]
fn a_second_call_is_told_while_one_is_up_and_the_host_holds_the_first() {
    let (mut one, mut two, mut three) = (Store::new(), Store::new(), Store::new());
    let (a, alice) = agent(&mut one, ALICE, "alice", 1);
    let (b, _) = agent(&mut two, BOB, "bob", 2);
    let (c, carol) = agent(&mut three, "192.0.2.3:5060", "carol", 3);
    let sides = [(a, ALICE), (b, BOB), (c, "192.0.2.3:5060")].into();
    let mut net = Net::new(LinkConfig::GOOD, 1, sides);
    let (first, at_bob) = established(&mut net, alice);
    let (now, uri) = (net.now, b"sip:bob@192.0.2.2");
    let second = net.sides[2].agent.invite(now, carol, uri, OFFER).unwrap();
    net.told(1);
    net.run(now + ms(5000), |agent, now, event| match event {
        Event::Incoming { call, .. } => {
            assert_ne!(call, at_bob);
            agent.ring(now, call, StatusCode::RINGING, None).unwrap();
            agent.reinvite(now, at_bob, Some((b"application/sdp", b"v=0 hold"))).unwrap();
        }
        Event::Reinvited { call, message } => {
            assert_eq!(message.body(), b"v=0 hold");
            agent.answer(now, call, ANSWER).unwrap();
        }
        Event::Changed { .. } => {
            let waiting = agent.calls.iter().map(|(at, _)| CallId(at)).find(|at| *at != at_bob);
            agent.answer(now, waiting.unwrap(), ANSWER).unwrap();
        }
        _ => {}
    });
    assert_eq!(net.told(1), ["Incoming v=0 offer", "Changed v=0 answer", "Confirmed "]);
    assert_eq!(net.sides[1].agent.live().1, 2);
    for (side, call) in [(0, first), (2, second)] {
        net.sides[side].agent.hang_up(net.now, call).unwrap();
    }
    net.run(net.now + ms(60_000), |_, _, _| {});
    assert_eq!(net.told(1), ["Ended Remote"; 2]);
    net.assert_quiet();
}

#[test]
fn digits_and_messages_go_within_a_call() {
    let (mut one, mut two) = (Store::new(), Store::new());
    let (a, alice) = agent(&mut one, ALICE, "alice", 1);
    let (b, _) = agent(&mut two, BOB, "bob", 2);
    let mut net = Net::new(LinkConfig::BAD, 5, [(a, ALICE), (b, BOB)].into());
    let (call, at_bob) = established(&mut net, alice);
    let mut got = Vec::new();
    for (signal, millis) in [(b'0', 40), (b'#', 160), (b'D', 65_535)] {
        let digit = Dtmf { signal, duration: ms(millis) };
        net.sides[0].agent.dtmf(net.now, call, digit).unwrap();
        net.run(net.now + ms(20_000), |_, _, event| got.extend(event.dtmf()));
        assert_eq!(got.pop(), Some(digit));
    }
    assert!(got.is_empty());
    net.told(1);
    net.sides[0].agent.message_in_call(net.now, call, b"text/plain", b"hi").unwrap();
    let mut of = Vec::new();
    net.run(net.now + ms(20_000), |_, _, event| {
        if let Event::Message { call, .. } = event {
            of.push(call);
        }
    });
    assert_eq!((net.told(1), of), (Vec::from(["Message hi".into()]), Vec::from([Some(at_bob)])));
    net.sides[0].agent.hang_up(net.now, call).unwrap();
    net.run(net.now + ms(100_000), |_, _, _| {});
    net.assert_quiet();
}

#[test]
fn a_digit_is_read_as_gateways_write_it() {
    let read = |text: &str| Dtmf::parse(text.as_bytes()).map(|it| (it.signal, it.duration));
    assert_eq!(read("Signal=5\r\nDuration=160\r\n"), Some((b'5', ms(160))));
    assert_eq!(read("signal= a \nduration = 250"), Some((b'A', ms(250))));
    assert_eq!(read("7"), Some((b'7', ms(160))), "application/dtmf");
    for bad in ["", "Signal=", "Signal=12", "Signal=x", "Duration=5", "Signal=5\r\nDuration=-1"] {
        assert_eq!(read(bad), None, "{bad}");
    }
}
