//! Routes, GRUUs and flows that a registration brings.

use super::*;
use crate::transport::PING;

const URN: &[u8] = b"urn:uuid:00000000-0000-1000-8000-000A95A0E128";
const EDGE_ONE: &str = "192.0.2.11:5060";
const EDGE_TWO: &str = "192.0.2.12:5060";

type Flows = Storage<2, 2, 2, 12, 12288>;

/// All that an agent has to send, and where to.
fn sent(agent: &mut Agent<'_>, now: Duration) -> Vec<(Path, String)> {
    let mut buffer = [0; Agent::BUFFER];
    core::iter::from_fn(|| {
        let transmit = agent.poll_transmit(now, &mut buffer)?;
        Some((transmit.path, String::from_utf8_lossy(&buffer[..transmit.len]).into_owned()))
    })
    .collect()
}

fn row<'t>(text: &'t str, name: &str) -> &'t str {
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line[name.len()..].trim_start_matches(": ")
}

fn edge(at: &str) -> Path {
    Path::tcp(address(at))
}

fn device(storage: &mut Flows) -> (Agent<'_>, AccountId) {
    let mut config = Config::new(SentBy::all(address(ALICE)));
    config.transactions.t1 = ms(500);
    let mut agent = Agent::new(config, storage, [9; 32]).unwrap();
    let account = Account::new(b"sip:alice@example.com").over(edge(EDGE_ONE), b"");
    let account = agent.add_account(&account.outbound(URN)).unwrap();
    (agent, account)
}

/// Answers a request with this status line and rows.
fn answer<'d>(
    agent: &mut Agent<'_>,
    now: Duration,
    path: Path,
    request: &str,
    says: &'static str,
    buffer: &'d mut Vec<u8>,
) -> Option<Event<'d>> {
    let mut script: Script = Box::new(move |_, _| says.into());
    *buffer = scripted(&mut script, now, request.as_bytes()).unwrap();
    let (used, event) = agent.handle_stream(now, path, buffer).unwrap();
    assert_eq!(used, buffer.len());
    event
}

/// Registers and gives the REGISTER.
fn registered(agent: &mut Agent<'_>, now: Duration, flow: AccountId, says: &'static str) -> String {
    agent.register(now, flow).unwrap();
    let (path, text) = sent(agent, now).remove(0);
    let mut buffer = Vec::new();
    let told = answer(agent, now, path, &text, says, &mut buffer);
    assert!(matches!(told, Some(Event::Registered { account, .. }) if account == flow), "{told:?}");
    text
}

const GOOD: &str = "SIP/2.0 200 OK\r\nRequire: outbound\r\nExpires: 3600";
const WHOLE: &str = "SIP/2.0 200 OK\r\nRequire: outbound\r\n\
    Service-Route: <sip:p1.example.com;lr>, <sip:p2.example.com;lr>\r\n\
    Path: <sip:token@edge1.example.com;lr;ob>\r\nFlow-Timer: 100\r\n\
    Contact: <sip:alice@192.0.2.99>;expires=60;+sip.instance=\"<urn:uuid:other>\";reg-id=1\r\n\
    Contact: <sip:alice@192.0.2.1:5060;transport=tcp>;reg-id=1;expires=1200\
    ;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000a95a0e128>\"\
    ;pub-gruu=\"sip:alice@example.com;gr=urn:uuid:00000000-0000-1000-8000-000a95a0e128\"\
    ;temp-gruu=\"sip:tgruu.7hs@example.com;gr\"";

#[test]
fn a_registration_brings_a_way_and_an_address_for_all_that_follows() {
    let mut storage = Flows::new();
    let (mut agent, account) = device(&mut storage);
    assert!(agent.registration(account).is_none() && agent.pub_gruu(account).is_none());
    agent.register(ms(0), account).unwrap();
    let (path, text) = sent(&mut agent, ms(0)).remove(0);
    assert_eq!(path, edge(EDGE_ONE));
    assert_eq!(
        row(&text, "Contact"),
        "<sip:alice@192.0.2.1:5060;transport=tcp>;reg-id=1;\
         +sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\""
    );
    let supported: Vec<_> = text.lines().filter(|line| line.starts_with("Supported")).collect();
    assert_eq!(supported, ["Supported: path", "Supported: outbound", "Supported: gruu"]);
    let mut buffer = Vec::new();
    let told = answer(&mut agent, ms(0), path, &text, WHOLE, &mut buffer);
    let Some(Event::Registered { expires, .. }) = told else { panic!("{told:?}") };
    assert_eq!(expires, Duration::from_secs(1200), "ours, and not the other device's");
    assert_eq!(agent.temp_gruu(account), Some(&b"sip:tgruu.7hs@example.com;gr"[..]));
    let kept = agent.registration(account).unwrap();
    assert_eq!(kept.row(Name::Path).unwrap().value, b"<sip:token@edge1.example.com;lr;ob>");
    // A call takes that way, with the GRUU for its Contact.
    agent.invite(ms(1), account, b"sip:bob@example.com", OFFER).unwrap();
    let (path, invite) = sent(&mut agent, ms(1)).remove(0);
    assert_eq!(path, edge(EDGE_ONE));
    assert_eq!(row(&invite, "Route"), "<sip:p1.example.com;lr>, <sip:p2.example.com;lr>");
    let gruu = "sip:alice@example.com;gr=urn:uuid:00000000-0000-1000-8000-000a95a0e128";
    assert_eq!(row(&invite, "Contact"), format!("<{gruu}>"));
    #[cfg(feature = "calling")]
    {
        let call = agent
            .invite_as(ms(1), account, b"sip:bob@example.com", OFFER, &Identity::anonymous())
            .unwrap();
        let (_, invite) = sent(&mut agent, ms(1)).remove(0);
        assert_eq!(row(&invite, "Contact"), "<sip:tgruu.7hs@example.com;gr>");
        agent.hang_up(ms(1), call).unwrap();
    }
    // The next registration does not take it, and without routes nothing does.
    let text = registered(&mut agent, ms(2), account, GOOD);
    assert!(!text.contains("Route") && text.contains("reg-id=1"), "{text}");
    assert_eq!(row(&text, "CSeq"), "2 REGISTER");
    assert!(agent.pub_gruu(account).is_none());
    agent.message(ms(3), account, b"sip:bob@example.com", b"text/plain", b"x").unwrap();
    assert!(!sent(&mut agent, ms(3))[0].1.contains("Route"));
    // Without a GRUU the Contact of a dialog asks for the flow.
    agent.subscribe(ms(4), account, b"sip:bob@example.com", b"presence", b"x/y").unwrap();
    let (_, text) = sent(&mut agent, ms(4)).remove(0);
    assert_eq!(row(&text, "Contact"), "<sip:alice@192.0.2.1:5060;transport=tcp;ob>");
}

#[test]
fn who_asks_for_nothing_of_it_registers_as_ever() {
    let mut storage = Flows::new();
    let mut agent =
        Agent::new(Config::new(SentBy::all(address(ALICE))), &mut storage, [9; 32]).unwrap();
    let account = Account::new(b"sip:alice@example.com").over(edge(EDGE_ONE), b"");
    let alice = agent.add_account(&account).unwrap();
    let text = registered(&mut agent, ms(0), alice, WHOLE);
    assert!(!text.contains("Supported") && !text.contains("instance"), "{text}");
    agent.invite(ms(1), alice, b"sip:bob@example.com", OFFER).unwrap();
    let (_, invite) = sent(&mut agent, ms(1)).remove(0);
    assert!(!invite.contains("Route: "), "{invite}");
    assert_eq!(row(&invite, "Contact"), "<sip:alice@192.0.2.1:5060;transport=tcp>");
    assert_eq!(agent.add_flow(alice, edge(EDGE_TWO)), Err(Error::State));
    for bad in [&b"uuid"[..], b"urn:uuid:\"", b"urn:u>", b"sip:a@b", b"urn:a b"] {
        assert_eq!(agent.add_account(&account.outbound(bad)), Err(Error::Uri), "{bad:?}");
    }
}

#[test]
fn with_two_flows_one_is_enough() {
    let mut storage = Flows::new();
    let (mut agent, account) = device(&mut storage);
    let other = agent.add_flow(account, edge(EDGE_TWO)).unwrap();
    assert!(matches!(agent.add_flow(account, edge(SERVER)), Err(Error::Accounts(_))));
    let first = registered(&mut agent, ms(0), account, GOOD);
    let second = registered(&mut agent, ms(0), other, GOOD);
    assert!(second.contains(";reg-id=2;+sip.instance="), "{second}");
    assert_ne!(row(&first, "Call-ID"), row(&second, "Call-ID"));
    let way = |agent: &mut Agent<'_>, now| {
        agent.options(now, account, b"sip:bob@example.com").unwrap();
        sent(agent, now).remove(0).0
    };
    assert_eq!(way(&mut agent, ms(1)), edge(EDGE_ONE));
    // The first connection ends: requests take the other, and a new attempt is made after a while.
    agent.handle_closed(ms(1000), edge(EDGE_ONE));
    let failed = |agent: &mut Agent<'_>, of: AccountId| loop {
        match agent.poll_event() {
            Some(Event::RegistrationFailed { account, retry_in, .. }) if account == of => {
                return retry_in.unwrap();
            }
            Some(Event::RequestFailed { .. }) => {}
            other => panic!("{other:?}"),
        }
    };
    let wait = failed(&mut agent, account);
    assert!((ms(90_000)..=ms(180_000)).contains(&wait), "{wait:?}");
    assert_eq!(way(&mut agent, ms(1001)), edge(EDGE_TWO));
    // What comes over the other is the account's.
    let text = "MESSAGE sip:alice@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.12;branch=z9hG4bK3\r\n\
         From: <sip:bob@example.com>;tag=1\r\nTo: <sip:alice@example.com>\r\nCall-ID: 3\r\n\
         CSeq: 7 MESSAGE\r\nContent-Length: 0\r\n\r\n";
    let told = agent.handle_stream(ms(1002), edge(EDGE_TWO), text.as_bytes()).unwrap().1;
    assert!(matches!(told, Some(Event::Message { account: of, .. }) if of == account), "{told:?}");
    // With none left the wait is shorter at first, and grows.
    agent.handle_closed(ms(2000), edge(EDGE_TWO));
    let wait = failed(&mut agent, other);
    assert!((ms(30_000)..=ms(60_000)).contains(&wait), "{wait:?}");
    let mut longest = Duration::ZERO;
    let mut now = ms(2000);
    let _ = sent(&mut agent, now);
    for _ in 0..60 {
        now = agent.poll_timeout().unwrap().max(now);
        agent.handle_timeout(now);
        for (path, _) in sent(&mut agent, now) {
            agent.handle_closed(now, path);
        }
        while let Some(event) = agent.poll_event() {
            if let Event::RegistrationFailed { retry_in, .. } = event {
                longest = longest.max(retry_in.unwrap());
            }
        }
    }
    assert!((ms(900_000)..=ms(1_800_000)).contains(&longest), "{longest:?}");
    // When the first is back, it takes over.
    registered(&mut agent, now, account, GOOD);
    assert_eq!(way(&mut agent, now), edge(EDGE_ONE));
}

#[test]
fn a_flow_without_a_pong_has_failed() {
    let mut storage = Flows::new();
    let (mut agent, account) = device(&mut storage);
    registered(&mut agent, ms(0), account, WHOLE);
    let mut now = ms(0);
    let mut buffer = Vec::new();
    let ping = |agent: &mut Agent<'_>, now: &mut Duration| loop {
        *now = agent.poll_timeout().unwrap().max(*now);
        agent.handle_timeout(*now);
        if let Some((path, text)) = sent(agent, *now).pop() {
            assert_eq!((path, text.as_bytes()), (edge(EDGE_ONE), PING));
            return *now;
        }
    };
    let mut last = now;
    for _ in 0..8 {
        let at = ping(&mut agent, &mut now);
        assert!((ms(80_000)..=ms(100_000)).contains(&(at - last)), "{:?}", at - last);
        last = at;
        // The host keeps what could become a ping: two pongs lie there the second time.
        buffer.extend_from_slice(b"\r\n");
        let (used, _) = agent.handle_stream(now + ms(9000), edge(EDGE_ONE), &buffer).unwrap();
        buffer.drain(..used);
        let _ = sent(&mut agent, now);
    }
    let call = agent.invite(now, account, b"sip:bob@example.com", OFFER).unwrap();
    let _ = sent(&mut agent, now);
    // It would be refreshed earlier than the call fails by itself.
    let at = ping(&mut agent, &mut now);
    while agent.poll_event().is_some() {}
    let told = loop {
        now = agent.poll_timeout().unwrap().max(now);
        agent.handle_timeout(now);
        let told: Vec<_> =
            core::iter::from_fn(|| agent.poll_event()).map(|event| name(&event)).collect();
        if !told.is_empty() {
            break told;
        }
    };
    assert_eq!(now - at, ms(10_000));
    assert!(told.contains(&"FlowFailed".into()), "{told:?}");
    assert!(told.iter().any(|one| one.starts_with("RegistrationFailed")), "{told:?}");
    assert!(!agent.is_registered(account));
    let _ = agent.hang_up(now, call);
}

#[test]
fn a_first_hop_that_knows_no_flows_is_registered_with_without() {
    let mut storage = Flows::new();
    let (mut agent, account) = device(&mut storage);
    agent.register(ms(0), account).unwrap();
    let (path, text) = sent(&mut agent, ms(0)).remove(0);
    let mut buffer = Vec::new();
    let says = "SIP/2.0 439 First Hop Lacks Outbound Support";
    assert!(answer(&mut agent, ms(1), path, &text, says, &mut buffer).is_none());
    let (_, text) = sent(&mut agent, ms(1)).remove(0);
    assert!(!text.contains("reg-id") && text.contains("+sip.instance"), "{text}");
    let told = answer(&mut agent, ms(2), path, &text, "SIP/2.0 200 OK", &mut buffer);
    assert!(matches!(told, Some(Event::Registered { .. })), "{told:?}");
    assert_eq!(agent.add_flow(account, edge(EDGE_TWO)), Err(Error::State));
}

#[test]
fn a_service_route_is_a_way_for_an_account_without_a_server() {
    let mut storage = Flows::new();
    let mut agent =
        Agent::new(Config::new(SentBy::all(address(ALICE))), &mut storage, [9; 32]).unwrap();
    let mut account = Account::new(b"sip:alice@example.com");
    (account.registrar, account.takes_routes) = (b"sip:192.0.2.9;transport=tcp", true);
    let alice = agent.add_account(&account).unwrap();
    let says = "SIP/2.0 200 OK\r\nService-Route: <sip:192.0.2.12;transport=tcp;lr>";
    registered(&mut agent, ms(0), alice, says);
    agent.message(ms(1), alice, b"sip:bob@example.com", b"text/plain", b"x").unwrap();
    let (path, text) = sent(&mut agent, ms(1)).remove(0);
    assert_eq!((path, row(&text, "Route")), (edge(EDGE_TWO), "<sip:192.0.2.12;transport=tcp;lr>"));
    // But not for the registrar itself.
    agent.register(ms(2), alice).unwrap();
    assert_eq!(sent(&mut agent, ms(2))[0].0, edge(SERVER));
    let room = agent.layer.arena().len();
    agent.remove_account(alice).unwrap();
    assert_eq!(agent.layer.arena().len() + 2, room);
}
