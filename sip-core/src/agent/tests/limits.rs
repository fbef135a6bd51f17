//! Full storage, hostile input, and how much memory all of it takes.

use super::*;
use handset_testkit::Random;

#[test]
fn a_call_too_many_is_answered_486() {
    let (mut ours, mut theirs) = (Store::new(), Store::new());
    let (a, alice) = agent(&mut ours, ALICE, "alice", 1);
    let (b, _) = agent(&mut theirs, BOB, "bob", 2);
    let mut net = Net::new(LinkConfig::GOOD, 1, [(a, ALICE), (b, BOB)].into());
    let uri = b"sip:bob@192.0.2.2";
    let full = Error::Calls(crate::storage::Full { capacity: 2 });
    let [one, two] =
        [(); 2].map(|()| net.sides[0].agent.invite(net.now, alice, uri, OFFER).unwrap());
    assert_eq!(net.sides[0].agent.invite(net.now, alice, uri, OFFER), Err(full));
    net.run(ms(1000), |_, _, _| {});
    // A third caller, out of nowhere.
    let text = "INVITE sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.3;branch=z9hG4bK3\r\n\
         From: <sip:carol@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: 3\r\n\
         CSeq: 7 INVITE\r\nContact: <sip:carol@192.0.2.3>\r\nContent-Length: 0\r\n\r\n";
    let third = Path::udp(address("192.0.2.3:5060"));
    let told = net.sides[1].agent.handle_datagram(net.now, third, text.as_bytes());
    assert_eq!(told.map(|_| ()), Err(full));
    net.drain();
    assert_eq!(net.lines.last().unwrap(), "SIP/2.0 486 Busy Here");
    for call in [one, two] {
        net.sides[0].agent.hang_up(net.now, call).unwrap();
    }
    net.run(ms(300_000), |_, _, _| {});
    net.assert_quiet();
}

#[test]
fn with_little_room_nothing_is_lost_without_a_word() {
    // From too little for anything to enough for a call: whatever fails says so, and nothing stays.
    fn with<const OCTETS: usize>() -> bool {
        let mut ours = Storage::<1, 2, 2, 4, OCTETS>::new();
        let mut config = Config::new(SentBy::all(address(ALICE)));
        config.transactions.reserve = 600;
        let mut a = Agent::new(config, &mut ours, [1; 32]).unwrap();
        let Ok(alice) = a.add_account(&Account::new(b"sip:alice@example.com")) else {
            return false;
        };
        let mut theirs = Store::new();
        let (b, bob) = agent(&mut theirs, BOB, "bob", 2);
        let mut net = Net::new(LinkConfig::GOOD, 1, [(a, ALICE), (b, BOB)].into());
        let out = net.sides[0].agent.invite(net.now, alice, b"sip:bob@192.0.2.2", OFFER);
        let into = net.sides[1].agent.invite(net.now, bob, b"sip:alice@192.0.2.1", OFFER).unwrap();
        // As long as it rings at most, should neither answer nor refusal find room.
        net.run(ms(250_000), |agent, now, event| {
            if let Event::Incoming { call, .. } = event
                && agent.answer(now, call, ANSWER).is_err()
            {
                // The host is told, and can refuse with less.
                let _ = agent.reject(now, call, StatusCode::BUSY_HERE);
            }
        });
        let told = net.told(1);
        let answered = told.iter().any(|one| one.starts_with("Answered"));
        let ended = told.iter().any(|one| one.starts_with("Ended"));
        assert!(answered || ended, "{OCTETS}: {told:?}");
        let _ = net.sides[1].agent.hang_up(net.now, into);
        if let Ok(call) = out {
            let _ = net.sides[0].agent.hang_up(net.now, call);
        }
        net.run(ms(900_000), |_, _, _| {});
        assert_eq!(
            (net.sides[0].agent.live(), net.sides[1].agent.live()),
            ((0, 0, 0), (0, 0, 0)),
            "{OCTETS}"
        );
        answered
    }
    let done = [
        with::<1200>(),
        with::<1500>(),
        with::<1800>(),
        with::<2100>(),
        with::<2500>(),
        with::<3000>(),
        with::<3500>(),
        with::<4000>(),
        with::<5000>(),
        with::<8000>(),
    ];
    assert!(!done[0] && done[9], "{done:?}");
}

/// An answer to a request, of any kind.
fn answered(request: &[u8], random: &mut Random) -> Vec<u8> {
    const SAYS: [&str; 8] = [
        "SIP/2.0 180 Ringing\r\nContact: <sip:b@192.0.2.2>\r\nRequire: 100rel\r\nRSeq: 1\r\n",
        "SIP/2.0 183 x\r\nContact: <sip:c@192.0.2.2>\r\nRequire: 100rel\r\nRSeq: 2\r\n",
        "SIP/2.0 200 OK\r\nContact: <sip:b@192.0.2.2>\r\nExpires: 60\r\n",
        "SIP/2.0 302 Moved\r\nContact: <sip:c@192.0.2.2>;q=0.5, <sip:d@192.0.2.3>\r\n",
        "SIP/2.0 481 Gone\r\n",
        "SIP/2.0 491 Request Pending\r\n",
        "SIP/2.0 503 Busy\r\nRetry-After: 5\r\n",
        "SIP/2.0 486 Busy Here\r\n",
    ];
    let Some(request) = Message::parse(request).ok().filter(|request| request.method().is_some())
    else {
        return Vec::new();
    };
    let mut text = String::from(SAYS[random.below(SAYS.len() as u64) as usize]);
    for row in request.headers() {
        let is_to = row.name == Name::To;
        if !matches!(row.name, Name::Via | Name::From | Name::To | Name::CallId | Name::CSeq) {
            continue;
        }
        let tag = if is_to { format!(";tag={}", random.below(3)) } else { String::new() };
        let name = String::from_utf8_lossy(row.name.long());
        text += &format!("{name}: {}{tag}\r\n", String::from_utf8_lossy(row.value));
    }
    let body = if random.chance(500) { "v=0" } else { "" };
    text +=
        &format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    text.into_bytes()
}

#[test]
fn no_octets_upset_an_agent() {
    let samples = [
        "INVITE sip:alice@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.3;branch=z9hG4bK3;rport\r\n\
         From: <sip:carol@example.com>;tag=1\r\nTo: <sip:alice@example.com>\r\nCall-ID: 3\r\n\
         CSeq: 7 INVITE\r\nContact: <sip:carol@192.0.2.3>\r\nContent-Type: application/sdp\r\n\
         Record-Route: <sip:p;lr>, <sip:q>\r\nContent-Length: 3\r\n\r\nv=0",
        "SUBSCRIBE sip:alice@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.3;branch=z9hG4bK4\r\n\
         From: <sip:carol@example.com>;tag=1\r\nTo: <sip:alice@example.com>\r\nCall-ID: 4\r\n\
         CSeq: 7 SUBSCRIBE\r\nContact: <sip:carol@192.0.2.3>\r\nEvent: presence\r\nExpires: 9\r\n\
         Content-Length: 0\r\n\r\n",
        "CANCEL sip:alice@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.3;branch=z9hG4bK3;rport\r\n\
         From: <sip:carol@example.com>;tag=1\r\nTo: <sip:alice@example.com>\r\nCall-ID: 3\r\n\
         CSeq: 7 CANCEL\r\nContent-Length: 0\r\n\r\n",
        "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK3\r\n\
         WWW-Authenticate: Digest realm=\"a\", nonce=\"b\", qop=\"auth\"\r\nCSeq: 1 REGISTER\r\n\
         From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n",
    ];
    seeds(30, |seed| {
        let mut random = Random::new(seed);
        let mut storage = Store::new();
        let (mut agent, alice) = agent_with(&mut storage, ALICE, "alice", seed as u8, |config| {
            let _ = &config;
            #[cfg(feature = "offers")]
            {
                config.all_offers = seed % 2 == 0;
                config.reliable_provisional = true;
            }
            #[cfg(feature = "calling")]
            {
                config.max_redirects = 3;
            }
            #[cfg(feature = "resubscribe")]
            {
                config.resubscribes = seed % 3 == 0;
            }
        });
        let mut now = Duration::ZERO;
        let mut buffer = [0; Agent::BUFFER];
        let mut last: Vec<u8> = Vec::new();
        let mut stream: Vec<u8> = Vec::new();
        for step in 0..400_u32 {
            // A sample, or what was last sent, cut, changed, or of another transaction.
            let mut octets = match random.below(6) {
                0 => last.clone(),
                1 => answered(&last, &mut random),
                _ => samples[random.below(4) as usize]
                    .replace("Call-ID: ", &format!("Call-ID: {step}"))
                    .into_bytes(),
            };
            for _ in 0..random.below(4) {
                if octets.is_empty() {
                    break;
                }
                let at = random.below(octets.len() as u64) as usize;
                match random.below(3) {
                    0 => octets[at] = random.below(256) as u8,
                    1 => octets.truncate(at),
                    _ => {
                        octets.remove(at);
                    }
                }
            }
            let path = match random.below(3) {
                0 => Path::udp(address(BOB)),
                1 => Path::udp(address("192.0.2.3:5060")),
                _ => Path::tcp(address(BOB)),
            };
            match random.below(6) {
                0 => {
                    stream.extend_from_slice(&octets);
                    while let Ok((used, _)) = agent.handle_stream(now, path, &stream) {
                        if used == 0 {
                            break;
                        }
                        stream.drain(..used);
                    }
                    if stream.len() > 20_000 {
                        stream.clear();
                    }
                }
                1 => agent.handle_closed(now, path),
                2 => {
                    let uri = b"sip:bob@192.0.2.2";
                    let calls: Vec<_> = agent.calls.iter().map(|(at, _)| CallId(at)).collect();
                    for call in calls {
                        let code = StatusCode::SESSION_PROGRESS;
                        let _ = match random.below(9) {
                            0 => agent.ring(now, call, code, ANSWER),
                            1 => agent.update(now, call, ANSWER.unwrap()),
                            2 => agent.reinvite(now, call, None),
                            3 => agent.hang_up(now, call),
                            #[cfg(feature = "offers")]
                            4 => agent.answer_offer(now, call, ANSWER.unwrap()),
                            #[cfg(feature = "offers")]
                            5 => agent.reject_offer(now, call, StatusCode::BUSY_HERE),
                            _ => Ok(()),
                        };
                    }
                    let _ = match random.below(4) {
                        0 => agent.message(now, alice, uri, b"text/plain", b"x").map(|_| ()),
                        1 => agent.invite(now, alice, uri, OFFER).map(|_| ()),
                        2 => agent.subscribe(now, alice, uri, b"presence", b"x/y").map(|_| ()),
                        _ => agent.options(now, alice, uri).map(|_| ()),
                    };
                }
                _ => match agent.handle_datagram(now, path, &octets) {
                    Ok(Some(Event::Incoming { call, .. })) if random.chance(500) => {
                        let _ = agent.answer(now, call, ANSWER);
                    }
                    Ok(Some(Event::Subscribe { subscription, .. })) => {
                        let _ = agent.accept_subscription(now, subscription);
                    }
                    _ => {}
                },
            }
            while let Some(sent) = agent.poll_transmit(now, &mut buffer) {
                last = buffer[..sent.len].to_vec();
                assert!(Message::parse(&last).is_ok() || last == b"\r\n", "what we send is good");
            }
            while agent.poll_event().is_some() {}
            now += ms(random.below(3000));
            if random.chance(900) {
                agent.handle_timeout(now);
            }
        }
        // Left alone, it comes to rest, but for calls that the host has taken.
        for _ in 0..2000 {
            let all: Vec<_> =
                agent.subscriptions.iter().map(|(at, _)| SubscriptionId(at)).collect();
            for subscription in all {
                let _ = agent.unsubscribe(now, subscription);
            }
            let Some(at) = agent.poll_timeout() else { break };
            now = now.max(at);
            agent.handle_timeout(now);
            while agent.poll_transmit(now, &mut buffer).is_some() {}
            while agent.poll_event().is_some() {}
        }
        assert_eq!((agent.live().0, agent.poll_timeout()), (0, None));
    });
}

/// What a phone has: an account, two calls, four subscriptions.
type Phone = Storage<1, 2, 4, 10, 8192>;

#[test]
fn a_phones_storage_is_enough_for_all_of_it_at_once() {
    let mut ours = Phone::new();
    let config = Config::new(SentBy::all(address(ALICE)));
    let mut a = Agent::new(config, &mut ours, [1; 32]).unwrap();
    let alice = a.add_account(&Account::new(b"sip:alice@example.com")).unwrap();
    let mut theirs = Storage::<1, 4, 8, 64, 65536>::new();
    let config = Config::new(SentBy::all(address(BOB)));
    let mut b = Agent::new(config, &mut theirs, [2; 32]).unwrap();
    b.add_account(&Account::new(b"sip:bob@example.com")).unwrap();
    let mut net = Net::new(LinkConfig::BAD, 7, [(a, ALICE), (b, BOB)].into());
    // A session description as phones send them.
    let sdp = [b'x'; 300];
    let kind = b"application/pidf+xml";
    let step = |net: &mut Net<'_>| {
        let until = net.now + ms(40_000);
        net.run(until, |agent, now, event| match event {
            Event::Incoming { call, .. } => {
                agent.answer(now, call, Some((b"application/sdp", &sdp))).unwrap();
            }
            Event::Subscribe { subscription, .. } => {
                agent.accept_subscription(now, subscription).unwrap();
                agent.notify(now, subscription, kind, &sdp).unwrap();
            }
            _ => {}
        });
    };
    let uri = b"sip:bob@192.0.2.2";
    for _ in 0..4 {
        net.sides[0].agent.subscribe(net.now, alice, uri, b"presence", kind).unwrap();
        step(&mut net);
    }
    for _ in 0..2 {
        let offer: Option<(&[u8], &[u8])> = Some((b"application/sdp", &sdp));
        net.sides[0].agent.invite(net.now, alice, uri, offer).unwrap();
        step(&mut net);
    }
    net.sides[0].agent.message(net.now, alice, uri, b"text/plain", &sdp).unwrap();
    step(&mut net);
    let told = net.told(0);
    let count = |start: &str| told.iter().filter(|one| one.starts_with(start)).count();
    assert_eq!([count("Notify"), count("Answered"), count("Response")], [4, 2, 1], "{told:?}");
    assert_eq!(net.sides[0].agent.live(), (0, 2, 4));
    let room = net.sides[0].agent.room_octets();
    assert!(room > 3000, "{room} octets are left for what goes to and fro");
}

#[test]
fn an_agent_of_a_phone_fits_into_16_kib() {
    let all = size_of::<Phone>() + size_of::<Agent<'_>>();
    // Pointers are half as long on the phone, where it is a tenth less.
    let most = if cfg!(feature = "failover") { 17 * 1024 } else { 16 * 1024 };
    assert!(all <= most, "{all} octets: {} + {}", size_of::<Phone>(), size_of::<Agent<'_>>());
}
