//! Servers that are located, and the next one where one fails.

use super::*;
use crate::resolve::{Kind, MAX_NAME, Record};

const ONE: &str = "192.0.2.11:5060";
const TWO: &str = "192.0.2.12:5070";

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

/// Two servers, the first over UDP and the second over `second`. Says how many queries it answered.
fn resolve(agent: &mut Agent<'_>, now: Duration, second: Option<&'static str>) -> usize {
    let mut name = [0; MAX_NAME];
    let mut count = 0;
    while let Some((account, query)) = agent.poll_query(&mut name) {
        count += 1;
        let records: Vec<(u32, Record<'static>)> = match (query.kind, query.name) {
            (Kind::Srv, b"_sip._udp.example.com") => {
                let server = |priority, port, target| {
                    (600, Record::Srv { priority, weight: 0, port, target })
                };
                let mut all = Vec::from([server(1, 5060, &b"one.example.com"[..])]);
                all.extend(second.map(|target| server(2, 5070, target.as_bytes())));
                all
            }
            (Kind::A, b"one.example.com") => Vec::from([(60, Record::A([192, 0, 2, 11].into()))]),
            (Kind::A, b"two.example.com") => Vec::from([(60, Record::A([192, 0, 2, 12].into()))]),
            (Kind::Naptr, _) => {
                agent.handle_no_answer(now, account, query.id);
                continue;
            }
            _ => Vec::new(),
        };
        agent.handle_answer(now, account, query.id, records);
    }
    count
}

fn events(agent: &mut Agent<'_>) -> Vec<String> {
    core::iter::from_fn(|| agent.poll_event()).map(|event| name(&event)).collect()
}

/// Answers a request with this status line and rows.
fn answer(
    agent: &mut Agent<'_>,
    now: Duration,
    (path, request): &(Path, String),
    says: &'static str,
) -> Option<String> {
    let mut script: Script = Box::new(move |_, _| says.into());
    let response = scripted(&mut script, now, request.as_bytes()).unwrap();
    agent.handle_datagram(now, *path, &response).unwrap().as_ref().map(name)
}

/// Alice, whose server is located; registered with the first one where that is wanted.
fn alice(storage: &mut Store, is_registered: bool) -> (Agent<'_>, AccountId) {
    let config = Config::new(SentBy::all(address(ALICE)));
    let mut agent = Agent::new(config, storage, [3; 32]).unwrap();
    let account = Account::new(b"sip:alice@example.com");
    let account = agent.add_account(&account.located(b"sip:example.com", b"")).unwrap();
    if is_registered {
        agent.register(ms(0), account).unwrap();
        resolve(&mut agent, ms(0), Some("two.example.com"));
        let register = sent(&mut agent, ms(0)).remove(0);
        let told = answer(&mut agent, ms(0), &register, "SIP/2.0 200 OK\r\nExpires: 3600");
        assert_eq!(told.as_deref(), Some("Registered"));
        assert_eq!(events(&mut agent), ["Located"]);
    }
    (agent, account)
}

#[test]
fn an_account_registers_where_its_server_is_found() {
    let mut storage = Store::new();
    let (mut agent, account) = alice(&mut storage, false);
    let uri = b"sip:bob@192.0.2.2";
    let lost = Err(Error::Unresolved);
    assert_eq!(agent.message(ms(0), account, uri, b"text/plain", b"x").map(|_| ()), lost);
    agent.register(ms(0), account).unwrap();
    assert!(sent(&mut agent, ms(0)).is_empty() && events(&mut agent).is_empty());
    assert!(resolve(&mut agent, ms(0), Some("two.example.com")) >= 3);
    let register = sent(&mut agent, ms(0)).remove(0);
    assert_eq!(register.0, Path::udp(address(ONE)));
    assert!(register.1.starts_with("REGISTER sip:example.com SIP/2.0"), "{}", register.1);
    assert_eq!(events(&mut agent), ["Located"]);
    answer(&mut agent, ms(0), &register, "SIP/2.0 200 OK\r\nExpires: 3600").unwrap();
    agent.message(ms(1), account, uri, b"text/plain", b"x").unwrap();
    assert_eq!(sent(&mut agent, ms(1))[0].0, Path::udp(address(ONE)));
    // What was found is remembered for as long as it holds, and looked for again then.
    agent.register(ms(59_000), account).unwrap();
    assert_eq!(resolve(&mut agent, ms(59_000), None), 0);
    let register = sent(&mut agent, ms(59_000)).pop().unwrap();
    answer(&mut agent, ms(59_000), &register, "SIP/2.0 200 OK").unwrap();
    agent.register(ms(60_000), account).unwrap();
    assert!(sent(&mut agent, ms(60_000)).iter().all(|(_, text)| !text.starts_with("REGISTER")));
    assert!(resolve(&mut agent, ms(60_000), None) >= 3);
    assert!(sent(&mut agent, ms(60_000))[0].1.starts_with("REGISTER"));
}

#[test]
fn an_address_is_found_without_a_question() {
    let mut storage = Store::new();
    let config = Config::new(SentBy::all(address(ALICE)));
    let mut agent = Agent::new(config, &mut storage, [3; 32]).unwrap();
    let account = Account::new(b"sip:alice@example.com");
    let alice = agent.add_account(&account.located(b"sip:192.0.2.9;transport=tcp", b"")).unwrap();
    agent.register(ms(0), alice).unwrap();
    assert_eq!(sent(&mut agent, ms(0))[0].0, Path::tcp(address(SERVER)));
    assert!(agent.poll_query(&mut [0; MAX_NAME]).is_none());
    assert_eq!(agent.add_account(&account.located(b"example.com", b"")), Err(Error::Uri));
    let fixed = agent.add_account(&account.over(Path::udp(address(SERVER)), b"")).unwrap();
    assert_eq!(agent.locate(ms(0), fixed), Err(Error::State));
}

#[test]
fn the_next_server_gets_what_the_first_refuses_or_does_not_take() {
    for how in ["503", "closed", "silence"] {
        let mut storage = Store::new();
        let (mut agent, account) = alice(&mut storage, true);
        let call = agent.invite(ms(1), account, b"sip:bob@example.com", OFFER).unwrap();
        let first = sent(&mut agent, ms(1)).remove(0);
        let mut now = ms(2);
        match how {
            "503" => {
                assert_eq!(answer(&mut agent, now, &first, "SIP/2.0 503 Busy"), None);
                assert!(sent(&mut agent, now)[0].1.starts_with("ACK "));
            }
            "closed" => agent.handle_closed(now, first.0),
            _ => {
                while now < ms(32_001) {
                    now = agent.poll_timeout().unwrap().max(now);
                    agent.handle_timeout(now);
                    let _ = sent(&mut agent, now);
                    assert!(events(&mut agent).is_empty());
                }
            }
        }
        assert!(events(&mut agent).is_empty(), "{how}: nobody is told of it");
        assert!(resolve(&mut agent, now, Some("two.example.com")) > 0, "{how}");
        let second = sent(&mut agent, now).remove(0);
        assert_eq!(second.0, Path::udp(address(TWO)));
        for same in ["INVITE", "From", "To", "Call-ID", "CSeq", "Contact", "Max-Forwards"] {
            assert_eq!(row(&first.1, same), row(&second.1, same));
        }
        assert_ne!(row(&first.1, "Via"), row(&second.1, "Via"), "another transaction");
        assert_eq!(events(&mut agent), ["Located"]);
        let says = "SIP/2.0 200 OK\r\nContact: <sip:bob@192.0.2.2>";
        let told = answer(&mut agent, now, &second, says);
        assert_eq!(told.as_deref(), Some("Answered "), "{how}");
        let _ = sent(&mut agent, now);
        // It stays the server for all that follows.
        agent.options(now, account, b"sip:bob@example.com").unwrap();
        let options = sent(&mut agent, now).pop().unwrap();
        assert_eq!(options.0, Path::udp(address(TWO)));
        // With none left the request fails as it would without another.
        assert_eq!(answer(&mut agent, now, &options, "SIP/2.0 503 Busy"), None);
        resolve(&mut agent, now, Some("two.example.com"));
        assert_eq!(events(&mut agent), ["RequestFailed", "NotLocated"]);
        let gone = agent.options(now, account, b"sip:bob@example.com").map(|_| ());
        assert_eq!(gone, Err(Error::Unresolved));
        // The registration begins anew, from the first one.
        agent.register(now, account).unwrap();
        resolve(&mut agent, now, None);
        assert_eq!(sent(&mut agent, now)[0].0, Path::udp(address(ONE)));
        let _ = agent.hang_up(now, call);
    }
}

#[test]
fn several_requests_that_one_server_fails_all_go_to_the_next() {
    let mut storage = Storage::<1, 2, 4, 16, 16384>::new();
    let config = Config::new(SentBy::all(address(ALICE)));
    let mut agent = Agent::new(config, &mut storage, [3; 32]).unwrap();
    let account = Account::new(b"sip:alice@example.com");
    let account = agent.add_account(&account.located(b"sip:example.com", b"")).unwrap();
    agent.locate(ms(0), account).unwrap();
    resolve(&mut agent, ms(0), Some("two.example.com"));
    assert_eq!(events(&mut agent), ["Located"]);
    let uri = b"sip:bob@example.com";
    agent.message(ms(1), account, uri, b"text/plain", b"one").unwrap();
    agent.subscribe(ms(1), account, uri, b"presence", b"x/y").unwrap();
    let call = agent.invite(ms(1), account, uri, OFFER).unwrap();
    agent.register(ms(1), account).unwrap();
    assert_eq!(sent(&mut agent, ms(1)).len(), 4);
    agent.handle_closed(ms(2), Path::udp(address(ONE)));
    assert!(events(&mut agent).is_empty());
    // Who hangs up meanwhile calls nobody.
    agent.hang_up(ms(2), call).unwrap();
    resolve(&mut agent, ms(2), Some("two.example.com"));
    let again = sent(&mut agent, ms(2));
    assert!(again.iter().all(|(path, _)| *path == Path::udp(address(TWO))), "{again:?}");
    let lines: Vec<_> = again.iter().filter_map(|(_, text)| text.split(' ').next()).collect();
    assert_eq!((lines.len(), lines[0]), (3, "REGISTER"), "{lines:?}");
    assert_eq!(events(&mut agent), ["Ended Cancelled", "Located"]);
    // Nothing is left of the ones before.
    for parcel in &again {
        let _ = answer(&mut agent, ms(3), parcel, "SIP/2.0 404 Not Found");
    }
    for _ in 0..100 {
        let Some(at) = agent.poll_timeout() else { break };
        agent.handle_timeout(at);
        let _ = (sent(&mut agent, at), events(&mut agent));
    }
    assert_eq!((agent.live(), agent.layer.arena().len()), ((0, 0, 0), 1));
}

#[test]
fn without_an_answer_of_the_dns_it_is_tried_again_later() {
    let mut storage = Store::new();
    let (mut agent, account) = alice(&mut storage, false);
    agent.register(ms(0), account).unwrap();
    let mut now = ms(0);
    let mut waits = 0;
    for _ in 0..5 {
        let mut name = [0; MAX_NAME];
        while let Some((account, query)) = agent.poll_query(&mut name) {
            agent.handle_no_answer(now, account, query.id);
        }
        assert!(sent(&mut agent, now).is_empty());
        assert_eq!(events(&mut agent), ["NotLocated", "RegistrationFailed NoServer"]);
        now = agent.poll_timeout().unwrap();
        agent.handle_timeout(now);
        waits += 1;
    }
    assert!(waits == 5 && now > ms(4 * 31 * 500), "{now:?}");
    resolve(&mut agent, now, None);
    assert_eq!(sent(&mut agent, now)[0].0, Path::udp(address(ONE)));
    assert_eq!(events(&mut agent), ["Located"]);
    // The account is taken out while its server fails.
    agent.options(now, account, b"sip:bob@example.com").unwrap();
    let parcel = sent(&mut agent, now).pop().unwrap();
    agent.handle_closed(now, parcel.0);
    assert!(events(&mut agent).is_empty());
    agent.remove_account(account).unwrap();
    assert_eq!(events(&mut agent), ["RequestFailed"]);
}
