//! The whole server in virtual time, over a network that loses, repeats and reorders: users sign in,
//! publish and watch presence, send messages and call each other, sign out, and nothing is left.

extern crate alloc;

use alloc::collections::BTreeMap;
use core::net::SocketAddr;
use core::time::Duration;

use handset_testkit::{Link, LinkConfig, Random, seeds};
use sip_core::auth::{Account, Algorithm, Challenge, strongest};
use sip_core::header::{
    Authorization, CSeq, Contact, From, Header, ProxyAuthenticate, RecordRoute, To, WwwAuthenticate,
};
use sip_core::message::{Message, Method, Name, StatusCode, Writer};
use sip_core::server::{self, Config, Ha1, Listen, Server, Users};
use sip_core::transaction::{self, ClientId, Layer, SentBy, ServerId};
use sip_core::transport::{Path, Transport};

const NAMES: [&str; 3] = ["alice", "bob", "carol"];

struct Everybody;

impl Users for Everybody {
    fn ha1(&self, user: &[u8]) -> Option<Ha1> {
        let name = core::str::from_utf8(user).ok().filter(|name| NAMES.contains(name))?;
        let hash = |algorithm: Algorithm| {
            Some(algorithm.ha1(name.as_bytes(), b"a.test", secret(name).as_bytes()))
        };
        Some(Ha1 { md5: hash(Algorithm::Md5), sha256: hash(Algorithm::Sha256), ..Ha1::default() })
    }
}

fn secret(name: &str) -> String {
    format!("{name}'s secret")
}

fn host(number: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, number], 5060))
}

const SERVER: u8 = 100;

/// What one side of a dialog keeps.
#[derive(Clone, Debug, Default)]
struct Dialog {
    target: String,
    routes: Vec<String>,
    from: String,
    to: String,
    call_id: String,
}

/// A user's phone: a transaction layer, and a person who answers everything at once.
struct Phone {
    name: &'static str,
    address: SocketAddr,
    layer: Layer<'static, u32>,
    cseq: u32,
    /// The final responses, by the number of the request.
    answers: BTreeMap<u32, Vec<u8>>,
    failed: Vec<u32>,
    /// The requests that came, once each.
    got: Vec<Vec<u8>>,
    acks: u32,
    answering: Option<ServerId>,
    /// INVITEs that were sent.
    calls: BTreeMap<u32, ClientId>,
    dialog: Dialog,
}

type Storage = transaction::Storage<u32, 32, 65536>;

impl Phone {
    fn new(name: &'static str, number: u8, seed: [u8; 32]) -> Self {
        let config = transaction::Config::new(SentBy::all(host(number)));
        // Lent for the whole of a short test.
        let storage = Box::leak(Box::new(Storage::new()));
        Self {
            name,
            address: host(number),
            layer: Layer::new(config, storage, seed).unwrap(),
            cseq: 0,
            answers: BTreeMap::new(),
            failed: Vec::new(),
            got: Vec::new(),
            acks: 0,
            answering: None,
            calls: BTreeMap::new(),
            dialog: Dialog::default(),
        }
    }

    fn contact(&self) -> String {
        format!("<sip:{}@{}>", self.name, self.address)
    }

    fn server(&self) -> Path {
        Path::udp(host(SERVER))
    }

    /// Sends a request; gives its number.
    fn send(
        &mut self,
        now: Duration,
        method: Method<'_>,
        uri: &str,
        rows: &[(Name<'_>, String)],
        body: &str,
    ) -> u32 {
        self.cseq += 1;
        let number = self.cseq;
        let has = |name: Name<'_>| rows.iter().any(|(found, _)| *found == name);
        let from = format!("<sip:{}@a.test>;tag={}", self.name, self.name);
        let call_id = format!("{}-{number}", self.name);
        let sent = self.layer.send_request(
            now,
            Path::udp(host(SERVER)),
            number,
            method,
            uri.as_bytes(),
            |mut to| {
                to.raw(Name::MaxForwards, b"70");
                if !has(Name::From) {
                    to.raw(Name::From, from.as_bytes());
                }
                if !has(Name::To) {
                    to.raw(Name::To, format!("<{uri}>").as_bytes());
                }
                if !has(Name::CallId) {
                    to.raw(Name::CallId, call_id.as_bytes());
                }
                to.header(&CSeq { number, method });
                for (name, value) in rows {
                    to.raw(*name, value.as_bytes());
                }
                match (body, method) {
                    ("", _) => to.finish(),
                    (body, Method::Publish) => to.body(b"application/pidf+xml", body.as_bytes()),
                    (body, _) => to.body(b"text/plain", body.as_bytes()),
                }
            },
        );
        let sent = sent.unwrap();
        if method == Method::Invite {
            self.calls.insert(number, sent);
        }
        number
    }

    /// The credentials that answer a challenge.
    fn sign(
        &self,
        answer: &[u8],
        method: Method<'_>,
        uri: &str,
        body: &str,
    ) -> (Name<'static>, String) {
        let message = Message::parse(answer).unwrap();
        let is_proxy = message.code() == Some(StatusCode::PROXY_AUTHENTICATION_REQUIRED);
        let proxy = message.all::<ProxyAuthenticate<'_>>().map(|row| row.unwrap().0);
        let own = message.all::<WwwAuthenticate<'_>>().map(|row| row.unwrap().0);
        let challenge: Challenge<'_> = strongest(proxy.chain(own)).unwrap();
        assert_eq!(challenge.algorithm, Algorithm::Sha256);
        let password = secret(self.name);
        let account = Account { user: self.name.as_bytes(), password: password.as_bytes() };
        let answer = challenge.answer(
            &account,
            method.as_bytes(),
            uri.as_bytes(),
            body.as_bytes(),
            b"cnonce",
            1,
        );
        let mut buffer = [0; 1024];
        let mut to = Writer::new(&mut buffer);
        answer.write_row(Name::Authorization, &mut to);
        let row = String::from_utf8(to.as_bytes().to_vec()).unwrap();
        let value = row.trim().split_once(": ").unwrap().1.to_owned();
        assert!(Authorization::parse(value.as_bytes()).is_ok());
        (if is_proxy { Name::ProxyAuthorization } else { Name::Authorization }, value)
    }

    fn receive(&mut self, now: Duration, from: SocketAddr, octets: &[u8]) {
        match self.layer.handle_datagram(now, Path::udp(from), octets) {
            Ok(Some(event)) => self.told(now, event),
            Ok(None) => {}
            Err(error) => panic!("{}: {error}: {}", self.name, octets.escape_ascii()),
        }
    }

    fn told(&mut self, now: Duration, event: transaction::Event<'_, u32>) {
        match event {
            transaction::Event::Request { transaction, message, .. } => {
                let contact = self.contact();
                self.got.push(message.as_bytes().to_vec());
                if message.method() == Some(Method::Invite) {
                    self.layer
                        .respond(now, transaction, StatusCode::RINGING, |mut to| {
                            to.raw(Name::Contact, contact.as_bytes());
                            to.finish()
                        })
                        .unwrap();
                    self.layer
                        .respond_until_acknowledged(now, transaction, StatusCode::OK, |mut to| {
                            to.raw(Name::Contact, contact.as_bytes());
                            to.finish()
                        })
                        .unwrap();
                    self.answering = Some(transaction);
                } else {
                    self.layer.respond(now, transaction, StatusCode::OK, |to| to.finish()).unwrap();
                }
            }
            transaction::Event::Ack { .. } => {
                self.acks += 1;
                if let Some(transaction) = self.answering.take() {
                    self.layer.acknowledged(transaction).unwrap();
                }
            }
            transaction::Event::Response { transaction, user, message, .. } => {
                let code = message.code().unwrap();
                if !code.is_final() {
                    return;
                }
                if code.is_success() && self.calls.contains_key(&user) {
                    self.begin(&message);
                    let dialog = self.dialog.clone();
                    let path = self.server();
                    self.layer
                        .acknowledge(
                            transaction,
                            &message,
                            path,
                            dialog.target.as_bytes(),
                            |mut to| {
                                to.raw(Name::MaxForwards, b"70");
                                dialog.write(&mut to);
                                to.header(&CSeq { number: user, method: Method::Ack });
                                to.finish()
                            },
                        )
                        .unwrap();
                }
                let old = self.answers.insert(user, message.as_bytes().to_vec());
                assert!(old.is_none() || self.calls.contains_key(&user), "one final response each");
            }
            transaction::Event::ClientFailed { user, .. } => self.failed.push(user),
            _ => {}
        }
    }

    /// The dialog that a 2xx to an INVITE makes (RFC 3261 section 12.1.2).
    fn begin(&mut self, answer: &Message<'_>) {
        let contact = answer.typed::<Contact<'_>>().unwrap().unwrap();
        let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).unwrap();
        let mut routes: Vec<String> = answer
            .all::<RecordRoute<'_>>()
            .map(|route| text(route.unwrap().as_bytes().unwrap()))
            .collect();
        routes.reverse();
        self.dialog = Dialog {
            target: text(contact.uri().unwrap().as_bytes().unwrap()),
            routes,
            from: text(answer.typed::<From<'_>>().unwrap().unwrap().as_bytes().unwrap()),
            to: text(answer.typed::<To<'_>>().unwrap().unwrap().as_bytes().unwrap()),
            call_id: text(answer.row(Name::CallId).unwrap().value),
        };
    }

    fn count(&self, method: &str) -> usize {
        self.got.iter().filter(|octets| octets.starts_with(method.as_bytes())).count()
    }
}

impl Dialog {
    fn write(&self, to: &mut Writer<'_>) {
        for route in &self.routes {
            to.raw(Name::Route, route.as_bytes());
        }
        to.raw(Name::From, self.from.as_bytes());
        to.raw(Name::To, self.to.as_bytes());
        to.raw(Name::CallId, self.call_id.as_bytes());
    }
}

type Small = server::Storage<16, 8, 16, 16, 64, 131072>;

struct World {
    now: Duration,
    link: Link<SocketAddr>,
    server: Server<'static, Everybody>,
    phones: Vec<Phone>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let listen: &'static [Listen] = Box::leak(Box::new([Listen {
            local: 0,
            transport: Transport::Udp,
            address: host(SERVER),
        }]));
        let storage = Box::leak(Box::new(Small::new()));
        let config = Config::new("a.test", listen);
        let server = Server::new(config, Everybody, storage, random.seed()).unwrap();
        let phones = NAMES
            .into_iter()
            .zip(1..)
            .map(|(name, number)| Phone::new(name, number, random.seed()))
            .collect();
        Self { now: Duration::ZERO, link: Link::new(LinkConfig::BAD, seed), server, phones }
    }

    fn drain(&mut self) {
        let mut buffer = vec![0; 65536];
        while let Some(transmit) = self.server.poll_transmit(self.now, &mut buffer) {
            self.link.send(self.now, host(SERVER), transmit.path.remote, &buffer[..transmit.len]);
        }
        while self.server.poll_event().is_some() {}
        for phone in &mut self.phones {
            while let Some(transmit) = phone.layer.poll_transmit(self.now, &mut buffer) {
                self.link.send(
                    self.now,
                    phone.address,
                    transmit.path.remote,
                    &buffer[..transmit.len],
                );
            }
            while let Some(event) = phone.layer.poll_event() {
                phone.told(self.now, event);
            }
        }
    }

    /// Goes on to the next thing that happens; says whether it is before `end`.
    fn step(&mut self, end: Duration) -> bool {
        self.drain();
        let phones = self.phones.iter().filter_map(|phone| phone.layer.poll_timeout());
        let next = phones.chain(self.server.poll_timeout()).chain(self.link.next_arrival()).min();
        let Some(next) = next.filter(|next| *next <= end) else {
            self.now = end;
            return false;
        };
        self.now = self.now.max(next);
        while let Some((from, to, octets)) = self.link.receive(self.now) {
            if to == host(SERVER) {
                self.server.handle_datagram(self.now, Path::udp(from), &octets).unwrap();
            } else if let Some(phone) = self.phones.iter_mut().find(|phone| phone.address == to) {
                phone.receive(self.now, from, &octets);
            }
            self.drain();
        }
        self.server.handle_timeout(self.now);
        for phone in &mut self.phones {
            phone.layer.handle_timeout(self.now);
        }
        true
    }

    fn wait(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        while self.step(end) {}
    }

    fn until(&mut self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let end = self.now + Duration::from_secs(120);
        while !is_so(self) {
            assert!(self.step(end), "{what} does not happen");
        }
    }

    /// Sends a request, answers the challenge to it, and gives the final response.
    fn ask(
        &mut self,
        who: usize,
        method: Method<'static>,
        uri: &str,
        rows: &[(Name<'static>, String)],
        body: &str,
    ) -> Vec<u8> {
        let mut rows = rows.to_vec();
        for _ in 0..3 {
            let number = self.phones[who].send(self.now, method, uri, &rows, body);
            self.until(&format!("an answer to {method}"), |world| {
                let phone = &world.phones[who];
                assert!(!phone.failed.contains(&number), "{method} gets no answer");
                phone.answers.contains_key(&number)
            });
            let phone = &self.phones[who];
            let answer = phone.answers[&number].clone();
            let code = Message::parse(&answer).unwrap().code().unwrap().get();
            if !matches!(code, 401 | 407) {
                return answer;
            }
            rows.push(phone.sign(&answer, method, uri, body));
        }
        panic!("{method} is challenged again and again")
    }

    fn expect(
        &mut self,
        who: usize,
        method: Method<'static>,
        uri: &str,
        rows: &[(Name<'static>, String)],
        body: &str,
    ) {
        let answer = self.ask(who, method, uri, rows, body);
        assert!(answer.starts_with(b"SIP/2.0 200 "), "{}", answer.escape_ascii());
    }

    fn register(&mut self, who: usize, expires_s: u32) {
        let phone = &self.phones[who];
        let rows = [
            (Name::To, format!("<sip:{}@a.test>", phone.name)),
            (Name::Contact, phone.contact()),
            (Name::Expires, expires_s.to_string()),
        ];
        self.expect(who, Method::Register, "sip:a.test", &rows, "");
    }
}

#[test]
fn a_day_of_three_users_over_a_bad_network() {
    const ALICE: usize = 0;
    const BOB: usize = 1;
    seeds(30, |seed| {
        let mut world = World::new(seed);
        for who in 0..NAMES.len() {
            world.register(who, 3600);
        }
        let rows = [
            (Name::Event, "presence".to_owned()),
            (Name::Contact, world.phones[ALICE].contact()),
            (Name::Expires, "3600".to_owned()),
        ];
        world.expect(ALICE, Method::Subscribe, "sip:bob@a.test", &rows, "");
        world.until("the first NOTIFY", |world| world.phones[ALICE].count("NOTIFY") == 1);
        let rows = [(Name::Event, "presence".to_owned())];
        world.expect(BOB, Method::Publish, "sip:bob@a.test", &rows, "<presence>lunch</presence>");
        world.until("the second NOTIFY", |world| world.phones[ALICE].count("NOTIFY") == 2);
        let last = world.phones[ALICE].got.last().unwrap().clone();
        assert!(last.ends_with(b"<presence>lunch</presence>"), "{}", last.escape_ascii());

        for number in 0..5 {
            let text = format!("message {number}");
            world.expect(ALICE, Method::Message, "sip:bob@a.test", &[], &text);
            world.expect(BOB, Method::Message, "sip:carol@a.test", &[], &text);
        }
        // Each arrived once, and in the order in which they were sent.
        let bodies: Vec<String> = world.phones[BOB]
            .got
            .iter()
            .filter(|octets| octets.starts_with(b"MESSAGE"))
            .map(|octets| {
                String::from_utf8(Message::parse(octets).unwrap().body().to_vec()).unwrap()
            })
            .collect();
        assert_eq!(bodies, ["message 0", "message 1", "message 2", "message 3", "message 4"]);
        assert_eq!(world.phones[2].count("MESSAGE"), 5);

        let rows = [(Name::Contact, world.phones[ALICE].contact())];
        world.expect(ALICE, Method::Invite, "sip:bob@a.test", &rows, "v=0");
        world.until("the ACK", |world| world.phones[BOB].acks > 0);
        assert_eq!(world.phones[BOB].count("INVITE"), 1);
        let dialog = world.phones[ALICE].dialog.clone();
        let mut rows = vec![
            (Name::From, dialog.from.clone()),
            (Name::To, dialog.to.clone()),
            (Name::CallId, dialog.call_id.clone()),
        ];
        rows.extend(dialog.routes.iter().map(|route| (Name::Route, route.clone())));
        world.expect(ALICE, Method::Bye, &dialog.target, &rows, "");
        assert_eq!(world.phones[BOB].count("BYE"), 1);

        // Bob goes; Alice sees it, and stays until her time is up.
        world.register(BOB, 0);
        world.until("the third NOTIFY", |world| world.phones[ALICE].count("NOTIFY") == 3);
        let last = world.phones[ALICE].got.last().unwrap().clone();
        assert!(last.ends_with(b"<basic>closed</basic></status></tuple></presence>\r\n"));
        let gone = world.ask(ALICE, Method::Message, "sip:bob@a.test", &[], "still there?");
        assert!(gone.starts_with(b"SIP/2.0 480 "), "{}", gone.escape_ascii());
        world.wait(3 * 3600);
        assert_eq!(world.server.live(), server::Live::default(), "nothing is left");
        for phone in &world.phones {
            assert!(phone.layer.is_empty() && phone.failed.is_empty(), "{}", phone.name);
        }
        assert_eq!(world.server.poll_timeout(), None);
    });
}

/// Bytes that anybody may send, whole messages with something changed, at any time.
#[test]
fn nothing_that_is_sent_to_it_stops_the_server() {
    let patterns: Vec<Vec<u8>> = ["REGISTER", "MESSAGE", "INVITE", "SUBSCRIBE", "PUBLISH", "ACK", "CANCEL", "BYE"]
        .into_iter()
        .map(|method| {
            format!(
                "{method} sip:bob@a.test SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx;rport\r\n\
                 Max-Forwards: 7\r\nRoute: <sip:0000@192.0.2.100:5060;lr>, <sip:x@192.0.2.7>\r\n\
                 From: <sip:alice@a.test>;tag=1\r\nTo: <sip:bob@a.test>;tag=2\r\nCall-ID: c\r\n\
                 CSeq: 1 {method}\r\nContact: <sip:bob@192.0.2.1>\r\nEvent: presence\r\nExpires: 600\r\n\
                 Authorization: Digest username=\"bob\", realm=\"a.test\", nonce=\"n\", uri=\"u\", response=\"r\"\r\n\
                 Content-Type: application/pidf+xml\r\nContent-Length: 4\r\n\r\n<a/>"
            )
            .into_bytes()
        })
        .collect();
    seeds(20, |seed| {
        let mut random = Random::new(seed);
        let mut world = World::new(seed);
        let mut buffer = vec![0; 65536];
        for _ in 0..500 {
            let mut octets = patterns[random.below(patterns.len() as u64) as usize].clone();
            for _ in 0..random.below(6) {
                let at = random.below(octets.len() as u64) as usize;
                match random.below(3) {
                    0 => octets[at] = random.number() as u8,
                    1 => drop(octets.drain(at..(at + random.below(9) as usize).min(octets.len()))),
                    _ => octets.insert(at, b"\r\n<>;,:\"%@="[random.below(11) as usize]),
                }
            }
            world.now += Duration::from_millis(random.below(2000));
            let from = host(1 + random.below(3) as u8);
            if random.chance(200) {
                let path = Path::tcp(from);
                if world.server.handle_stream(world.now, path, &octets).is_err()
                    || random.chance(100)
                {
                    world.server.handle_closed(world.now, path);
                }
            } else {
                // What is no message is an error, and no more than that.
                let _ = world.server.handle_datagram(world.now, Path::udp(from), &octets);
            }
            while world.server.poll_transmit(world.now, &mut buffer).is_some() {}
            while world.server.poll_event().is_some() {}
            world.server.handle_timeout(world.now);
        }
        world.wait(3 * 3600);
        assert_eq!(world.server.live(), server::Live::default(), "nothing is left");
        world.register(0, 3600);
    });
}
