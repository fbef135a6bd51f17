use super::*;
use crate::auth::{Algorithm, Challenge, Response, Secret};
use crate::header::{Authorization, ProxyAuthorization};
use crate::message::{Method, Writer};
use core::cell::RefCell;
use std::rc::Rc;

const PASSWORD: &[u8] = b" se\"cret ";

fn registered_agent<'s>(storage: &'s mut Store, password: &[u8]) -> (Agent<'s>, AccountId) {
    let mut config = Config::new(SentBy::all(address(ALICE)));
    config.user_agent = b"Handset";
    let mut agent = Agent::new(config, storage, [5; 32]).unwrap();
    let server = Path::udp(address(SERVER));
    let account = Account::new(b"sip:alice@example.com").over(server, password);
    let account = agent.add_account(&account).unwrap();
    (agent, account)
}

fn with_one(script: Script, password: &[u8], test: impl FnOnce(&mut Net<'_>, AccountId)) {
    let mut storage = Store::new();
    let (agent, account) = registered_agent(&mut storage, password);
    let mut net = Net::new(LinkConfig::GOOD, 1, [(agent, ALICE)].into());
    net.script = Some(script);
    test(&mut net, account);
}

fn challenge(algorithm: Algorithm, nonce: &str, stale: bool, proxy: bool) -> String {
    let mut buffer = [0; 500];
    let mut to = Writer::new(&mut buffer);
    let name = if proxy { Name::ProxyAuthenticate } else { Name::WwwAuthenticate };
    Challenge::new(b"example.com", nonce.as_bytes(), algorithm)
        .with_stale(stale)
        .write_row(name, &mut to);
    String::from_utf8(to.as_bytes().to_vec()).unwrap()
}

/// Whether a request has good credentials, and which nonce and count.
fn credentials(request: &Message<'_>, proxy: bool) -> Option<(String, u32)> {
    let response = if proxy {
        Response::parse(&request.typed::<ProxyAuthorization<'_>>()?.ok()?.0)?.ok()?
    } else {
        Response::parse(&request.typed::<Authorization<'_>>()?.ok()?.0)?.ok()?
    };
    let secret = Secret::Password(PASSWORD);
    let method = request.method()?;
    let is_good = response.verify(secret, method.as_bytes(), request.body())
        && Some(response.uri) == request.uri();
    is_good.then(|| (String::from_utf8_lossy(response.nonce).into_owned(), response.count()))
}

#[test]
fn an_account_registers_with_each_algorithm_and_stays_registered() {
    for algorithm in Algorithm::ALL {
        let seen = Rc::new(RefCell::new(Vec::new()));
        let log = seen.clone();
        let script: Script = Box::new(move |now, request| {
            assert_eq!(request.method(), Some(Method::Register));
            assert_eq!(request.uri(), Some(&b"sip:example.com"[..]));
            match credentials(request, false) {
                Some((_, count)) => {
                    log.borrow_mut().push((now.as_secs(), count));
                    "SIP/2.0 200 OK\r\nContact: <sip:alice@192.0.2.1:5060>;expires=600\r\n".into()
                }
                // The strongest of two is to be taken.
                None => format!(
                    "SIP/2.0 401 Unauthorized\r\n{}{}",
                    challenge(Algorithm::Md5, "weak", false, false),
                    challenge(algorithm, "n", false, false)
                ),
            }
        });
        with_one(script, PASSWORD, |net, account| {
            net.sides[0].agent.register(net.now, account).unwrap();
            net.run(Duration::from_secs(1200), |_, _, _| {});
            assert_eq!(net.told(0), ["Registered"; 3]);
            assert_eq!(*seen.borrow(), [(0, 1), (568, 2), (1136, 3)], "one request for a refresh");
            net.sides[0].agent.unregister(net.now, account).unwrap();
            net.run(Duration::from_secs(5000), |_, _, _| {});
            assert_eq!(net.told(0), ["Unregistered"]);
            net.assert_quiet();
        });
    }
}

#[test]
fn a_stale_nonce_is_not_a_wrong_password_and_a_wrong_one_is_not_tried_for_ever() {
    let script: Script = Box::new(|_, request| match credentials(request, false) {
        Some((nonce, _)) if nonce == "new" => "SIP/2.0 200 OK\r\nExpires: 60".into(),
        Some(_) => format!("SIP/2.0 401 x\r\n{}", challenge(Algorithm::Sha256, "new", true, false)),
        None => format!("SIP/2.0 401 x\r\n{}", challenge(Algorithm::Sha256, "old", false, false)),
    });
    with_one(script, PASSWORD, |net, account| {
        net.sides[0].agent.register(net.now, account).unwrap();
        net.run(ms(1000), |_, _, _| {});
        assert_eq!(net.told(0), ["Registered"]);
    });
    let count = Rc::new(RefCell::new(0));
    let log = count.clone();
    let script: Script = Box::new(move |_, _| {
        *log.borrow_mut() += 1;
        format!("SIP/2.0 401 x\r\n{}", challenge(Algorithm::Sha256, "old", false, false))
    });
    with_one(script, b"wrong", |net, account| {
        net.sides[0].agent.register(net.now, account).unwrap();
        net.run(ms(1_000_000), |_, _, _| {});
        assert_eq!(net.told(0), ["RegistrationFailed Refused(StatusCode(401))"]);
        assert_eq!(*count.borrow(), 2);
        net.assert_quiet();
    });
}

#[test]
fn a_registered_account_sends_keep_alives_where_that_is_wanted() {
    let mut storage = Store::new();
    let mut config = Config::new(SentBy::all(address(ALICE)));
    config.keep_alive = Duration::from_secs(30);
    let mut agent = Agent::new(config, &mut storage, [5; 32]).unwrap();
    let server = Path::udp(address(SERVER));
    let account = agent.add_account(&Account::new(b"sip:alice@a").over(server, b"")).unwrap();
    agent.register(ms(0), account).unwrap();
    let mut buffer = [0; Agent::BUFFER];
    let sent = agent.poll_transmit(ms(0), &mut buffer).unwrap();
    let mut script: Script = Box::new(|_, _| "SIP/2.0 200 OK".into());
    let response = scripted(&mut script, ms(0), &buffer[..sent.len]).unwrap();
    agent.handle_datagram(ms(0), server, &response).unwrap();
    agent.handle_timeout(ms(6000));
    assert_eq!(agent.poll_timeout(), Some(ms(30_000)));
    agent.handle_timeout(ms(30_000));
    let sent = agent.poll_transmit(ms(30_000), &mut buffer).unwrap();
    assert_eq!((sent.path, &buffer[..sent.len]), (server, &b"\r\n\r\n"[..]));
}

#[test]
fn a_registration_too_brief_is_asked_for_again_with_the_registrars_minimum() {
    let script: Script = Box::new(|_, request| {
        let expires = request.row(Name::Expires).map(|row| row.value);
        if expires == Some(b"7200") {
            "SIP/2.0 200 OK\r\nExpires: 7200".into()
        } else {
            "SIP/2.0 423 Interval Too Brief\r\nMin-Expires: 7200".into()
        }
    });
    with_one(script, b"", |net, account| {
        net.sides[0].agent.register(net.now, account).unwrap();
        net.run(ms(1000), |_, _, _| {});
        assert_eq!(net.told(0), ["Registered"]);
    });
}

#[test]
fn a_registrar_that_fails_is_asked_again_with_longer_waits() {
    let times = Rc::new(RefCell::new(Vec::new()));
    let log = times.clone();
    let script: Script = Box::new(move |now, _| {
        log.borrow_mut().push(now);
        match log.borrow().len() {
            8 => "SIP/2.0 200 OK".into(),
            3 => "SIP/2.0 503 x\r\nRetry-After: 100 (busy)".into(),
            _ => "SIP/2.0 500 x".into(),
        }
    });
    with_one(script, b"", |net, account| {
        net.sides[0].agent.register(net.now, account).unwrap();
        net.run(Duration::from_secs(3000), |_, _, _| {});
        let told = net.told(0);
        assert_eq!(told.len(), 8);
        assert_eq!(told[7], "Registered");
        let waits: Vec<u64> =
            times.borrow().windows(2).map(|two| (two[1] - two[0]).as_secs()).collect();
        for (number, wait) in waits.iter().enumerate() {
            let longest = 4 << number;
            let range = if number == 2 { 100..=101 } else { longest / 2..=longest + 1 };
            assert!(range.contains(wait), "{number}: {waits:?}");
        }
    });
}

#[test]
fn a_server_that_is_silent_is_told_and_tried_again() {
    let mut storage = Store::new();
    let (agent, account) = registered_agent(&mut storage, b"");
    let mut net = Net::new(LinkConfig::GOOD, 1, [(agent, ALICE)].into());
    net.sides[0].agent.register(net.now, account).unwrap();
    net.run(ms(33_000), |_, _, _| {});
    assert_eq!(net.told(0), ["RegistrationFailed Timeout"]);
    net.script = Some(Box::new(|_, _| "SIP/2.0 200 OK".into()));
    net.run(ms(40_000), |_, _, _| {});
    assert_eq!(net.told(0), ["Registered"]);
}

#[test]
fn a_registration_ends_with_its_connection_and_comes_back() {
    let mut storage = Store::new();
    let mut agent =
        Agent::new(Config::new(SentBy::all(address(ALICE))), &mut storage, [5; 32]).unwrap();
    let server = Path::tls(address("192.0.2.9:5061"));
    let account = Account::new(b"sip:alice@example.com").over(server, b"");
    let account = agent.add_account(&account).unwrap();
    agent.register(ms(0), account).unwrap();
    let mut buffer = [0; Agent::BUFFER];
    for round in 0..2 {
        let now = agent.poll_timeout().filter(|_| round > 0).unwrap_or_default();
        agent.handle_timeout(now);
        let sent = agent.poll_transmit(now, &mut buffer).unwrap();
        assert_eq!((sent.path, sent.may_connect), (server, true));
        let text = String::from_utf8(buffer[..sent.len].to_vec()).unwrap();
        assert!(text.contains("\r\nVia: SIP/2.0/TLS 192.0.2.1:5060;"), "{text}");
        assert!(
            text.contains("\r\nContact: <sip:alice@192.0.2.1:5060;transport=tls>\r\n"),
            "{text}"
        );
        let mut script: Script = Box::new(|_, _| "SIP/2.0 200 OK\r\nExpires: 600".into());
        let response = scripted(&mut script, now, text.as_bytes()).unwrap();
        let (used, event) = agent.handle_stream(now, server, &response).unwrap();
        assert_eq!(used, response.len());
        assert!(matches!(event, Some(Event::Registered { .. })));
        assert!(agent.is_registered(account));
        agent.handle_closed(now, server);
        let event = agent.poll_event();
        let lost = Failure::Transport;
        assert!(
            matches!(event, Some(Event::RegistrationFailed { failure, retry_in: Some(_), .. }) if failure == lost)
        );
    }
}

#[test]
fn within_a_dialog_the_proxys_credentials_go_alone() {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let log = seen.clone();
    let script: Script = Box::new(move |_, request| {
        let method = request.method().unwrap();
        let both = (credentials(request, false).is_some(), credentials(request, true).is_some());
        log.borrow_mut().push((String::from_utf8_lossy(method.as_bytes()).into_owned(), both));
        match (method, both) {
            (Method::Register, (false, _)) => {
                format!("SIP/2.0 401 x\r\n{}", challenge(Algorithm::Md5, "r", false, false))
            }
            (Method::Invite, (_, false)) => {
                format!("SIP/2.0 407 x\r\n{}", challenge(Algorithm::Md5, "p", false, true))
            }
            _ => "SIP/2.0 200 OK\r\nContact: <sip:bob@192.0.2.9>\r\nExpires: 600".into(),
        }
    });
    with_one(script, PASSWORD, |net, alice| {
        net.sides[0].agent.register(net.now, alice).unwrap();
        net.run(ms(1000), |_, _, _| {});
        let call = net.sides[0].agent.invite(net.now, alice, b"sip:bob@x", OFFER).unwrap();
        net.run(ms(2000), |_, _, _| {});
        net.sides[0].agent.reinvite(net.now, call, OFFER).unwrap();
        net.run(ms(3000), |_, _, _| {});
        net.sides[0].agent.hang_up(net.now, call).unwrap();
        net.run(ms(4000), |_, _, _| {});
    });
    let seen: Vec<_> =
        seen.borrow().iter().filter(|(method, _)| method != "ACK").cloned().collect();
    let [both, alone] = [(true, true), (false, true)];
    assert_eq!(
        seen,
        [
            ("REGISTER", (false, false)),
            ("REGISTER", (true, false)),
            ("INVITE", (true, false)),
            ("INVITE", both),
            ("INVITE", alone),
            ("BYE", alone),
        ]
        .map(|(method, credentials)| (String::from(method), credentials))
    );
}

#[test]
fn every_kind_of_request_answers_a_proxys_challenge() {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let log = seen.clone();
    let script: Script = Box::new(move |_, request| {
        let method = String::from_utf8_lossy(request.method().unwrap().as_bytes()).into_owned();
        if method == "ACK" {
            return "SIP/2.0 100 ignored".into();
        }
        // A nonce for each method, so that each is challenged.
        let is_good = credentials(request, true).is_some_and(|(nonce, _)| nonce == method);
        log.borrow_mut().push((method.clone(), is_good));
        match method.as_str() {
            _ if !is_good => {
                format!("SIP/2.0 407 x\r\n{}", challenge(Algorithm::Sha256, &method, true, true))
            }
            "INVITE" => "SIP/2.0 486 Busy Here".into(),
            "SUBSCRIBE" => "SIP/2.0 404 Not Found".into(),
            _ => "SIP/2.0 200 OK\r\nSIP-ETag: e1\r\nExpires: 100".into(),
        }
    });
    with_one(script, PASSWORD, |net, alice| {
        let uri = b"sip:bob@example.com";
        let now = net.now;
        net.sides[0].agent.message(now, alice, uri, b"text/plain", b"hi").unwrap();
        net.run(ms(1000), |_, _, _| {});
        let now = net.now;
        net.sides[0].agent.invite(now, alice, uri, OFFER).unwrap();
        net.run(ms(2000), |_, _, _| {});
        let now = net.now;
        net.sides[0]
            .agent
            .subscribe(now, alice, uri, b"presence", b"application/pidf+xml")
            .unwrap();
        net.run(ms(3000), |_, _, _| {});
        let now = net.now;
        net.sides[0]
            .agent
            .publish(now, alice, b"presence", b"application/pidf+xml", b"<open/>")
            .unwrap();
        net.run(ms(4000), |_, _, _| {});
        assert_eq!(
            net.told(0),
            [
                "Response 200",
                "Ended Failed(Refused(StatusCode(486)))",
                "SubscriptionEnded",
                "Published"
            ]
        );
        let methods = ["MESSAGE", "INVITE", "SUBSCRIBE", "PUBLISH"];
        let wanted: Vec<_> = methods
            .iter()
            .flat_map(|method| [false, true].map(|good| (String::from(*method), good)))
            .collect();
        assert_eq!(*seen.borrow(), wanted);
    });
}

#[test]
fn what_is_published_is_refreshed_changed_and_taken_back_by_its_entity_tag() {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let log = seen.clone();
    let script: Script = Box::new(move |_, request| {
        let row =
            |name| request.row(name).map(|row| String::from_utf8_lossy(row.value).into_owned());
        let number = log.borrow().len();
        log.borrow_mut().push((
            row(Name::SipIfMatch),
            row(Name::Expires).unwrap(),
            request.body().len(),
        ));
        let expires = if row(Name::Expires).as_deref() == Some("0") { 0 } else { 100 };
        match number {
            4 => "SIP/2.0 412 Conditional Request Failed".into(),
            _ => format!("SIP/2.0 200 OK\r\nSIP-ETag: e{number}\r\nExpires: {expires}"),
        }
    });
    with_one(script, b"", |net, alice| {
        let publish = |net: &mut Net<'_>, body: &[u8]| {
            let now = net.now;
            net.sides[0]
                .agent
                .publish(now, alice, b"presence", b"application/pidf+xml", body)
                .unwrap();
            net.run(now + ms(1000), |_, _, _| {});
        };
        publish(net, b"open");
        net.run(ms(70_000), |_, _, _| {});
        publish(net, b"away!");
        let now = net.now;
        net.sides[0].agent.unpublish(now, alice).unwrap();
        net.run(now + ms(1000), |_, _, _| {});
        assert_eq!(net.told(0), ["Published"; 4]);
        publish(net, b"lost");
        assert_eq!(net.told(0), ["PublicationFailed"]);
        publish(net, b"again");
        assert_eq!(net.told(0), ["Published"]);
        let tag = |number: u32| Some(format!("e{number}"));
        let hour = || String::from("3600");
        assert_eq!(
            *seen.borrow(),
            [
                (None, hour(), 4),
                (tag(0), hour(), 0),
                (tag(1), hour(), 5),
                (tag(2), "0".into(), 0),
                (None, hour(), 4),
                (None, hour(), 5),
            ]
        );
    });
}
