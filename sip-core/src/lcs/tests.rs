//! Clients of the dialect and plain ones at one server, in virtual time.

mod transcripts;

use std::boxed::Box;
use std::collections::VecDeque;
use std::format;
use std::net::SocketAddr;
use std::string::{String, ToString};
use std::vec::Vec;

use super::*;
use crate::agent::{self, Account, AccountId, Agent};
use crate::auth::Algorithm;
use crate::lcs::endpoint::Epid;
use crate::lcs::presentity::{Activity, Presentity};
use crate::lcs::service::Request;
use crate::message::{Message, StatusCode};
use crate::ntlm::{Config, NtHash};
use crate::presence::xml::Text;
use crate::presence::{Activity as Rpid, Basic, Pidf, Tuple};
use crate::server::{self, Ha1, Listen, Server, User, Users};
use crate::transaction::SentBy;
use crate::transport::{Path, Transport};

const SERVER: &str = "10.0.0.1:5060";

/// Carol has a password for Digest, the others for NTLM.
#[derive(Debug)]
struct Everybody;

impl Users for Everybody {
    fn ha1(&self, user: &[u8]) -> Option<Ha1> {
        let sha256 = Some(Algorithm::Sha256.ha1(b"carol", b"a.test", b"secret"));
        match user {
            b"alice" | b"bob" => Some(Ha1::default()),
            b"carol" => Some(Ha1 { sha256, ..Ha1::default() }),
            _ => None,
        }
    }
}

impl ntlm::Users for Everybody {
    fn nt_hash(&self, user: ntlm::Name<'_>, domain: ntlm::Name<'_>) -> Option<(User, NtHash)> {
        let known = ["alice", "bob"].into_iter().find(|name| user == ntlm::Name::Utf8(name));
        let name = known.filter(|_| domain == ntlm::Name::Utf8("A"))?;
        Some((User::new(name.as_bytes())?, NtHash::of("secret")))
    }
}

struct Phone {
    agent: Agent<'static>,
    /// None in a plain one.
    client: Option<Client>,
    at: SocketAddr,
    account: AccountId,
    told: Vec<String>,
}

struct Net {
    now: core::time::Duration,
    server: Server<'static, Everybody>,
    front: Front<'static, Everybody>,
    phones: Vec<Phone>,
    /// What went over the wire: the phone, whether it sent it, and the message.
    wire: Vec<(usize, bool, String)>,
    /// What the server dropped.
    dropped: Vec<Error>,
    ways: VecDeque<(usize, bool, Vec<u8>)>,
}

fn leak<T>(storage: T) -> &'static mut T {
    Box::leak(Box::new(storage))
}

impl Net {
    fn new(version: ntlm::Version) -> Self {
        let listen = leak([Listen {
            local: 0,
            transport: Transport::Tcp,
            address: SERVER.parse().unwrap(),
        }]);
        let storage = leak(server::Storage::<8, 8, 8, 8, 32, 65536>::new());
        let config = server::Config::new("a.test", listen);
        let server = Server::new(config, Everybody, storage, [7; 32]).unwrap();
        let mut config = Config::new("lcs.a.test", "a.test", "A");
        config.version = version;
        let storage = leak(Storage::<8, 8>::new());
        let front = Front::new(&config, Everybody, storage, [8; 32]).unwrap();
        Self {
            now: core::time::Duration::ZERO,
            server,
            front,
            phones: Vec::new(),
            wire: Vec::new(),
            dropped: Vec::new(),
            ways: VecDeque::new(),
        }
    }

    fn add(&mut self, name: &str, password: &str) -> usize {
        let number = self.phones.len();
        let at: SocketAddr = format!("10.0.0.{}:7100", number + 2).parse().unwrap();
        let storage = leak(agent::Storage::<1, 2, 4, 16, 16384>::new());
        let seed = [number as u8 + 20; 32];
        let config = agent::Config::new(SentBy::all(at));
        let mut agent = Agent::new(config, storage, seed).unwrap();
        let uri = format!("sip:{name}@a.test");
        let is_plain = name == "carol";
        let own = if is_plain { password.as_bytes() } else { b"stand-in" };
        let account = Account::new(uri.as_bytes()).over(Path::tcp(SERVER.parse().unwrap()), own);
        let account = agent.add_account(&account).unwrap();
        let client = (!is_plain).then(|| {
            let sign_in = ntlm::Client::new(name, "A", "PC", NtHash::of(password), seed).unwrap();
            Client::new(sign_in, Epid::new(0xb34a_fb6e_bb00 + number as u64), seed)
        });
        self.phones.push(Phone { agent, client, at, account, told: Vec::new() });
        number
    }

    fn phone_drain(&mut self, number: usize) {
        let phone = &mut self.phones[number];
        let (mut buffer, mut room) = ([0; Agent::BUFFER], [0; 8192]);
        while let Some(transmit) = phone.agent.poll_transmit(self.now, &mut buffer) {
            let octets = &buffer[..transmit.len];
            let octets = match &mut phone.client {
                None => octets,
                Some(client) => {
                    let sealed = client.seal(octets, &mut room).unwrap();
                    let (octets, rest) = room.split_at(sealed.len);
                    let path = transmit.path;
                    let answer = &rest[..sealed.answer];
                    phone.agent.handle_stream(self.now, path, answer).unwrap();
                    octets
                }
            };
            if !octets.is_empty() {
                self.ways.push_back((number, true, octets.to_vec()));
            }
        }
        while let Some(event) = phone.agent.poll_event() {
            phone.told.push(told(&event));
        }
    }

    fn server_drain(&mut self) {
        let (mut buffer, mut room) = ([0; 16384], [0; 16384]);
        while let Some(transmit) = self.server.poll_transmit(self.now, &mut buffer) {
            let octets = &buffer[..transmit.len];
            let sealed = self.front.seal(self.now, transmit.path, octets, &mut room).unwrap();
            let (octets, rest) = room.split_at(sealed.len);
            let number = self.phones.iter().position(|phone| phone.at == transmit.path.remote);
            self.ways.push_back((number.unwrap(), false, octets.to_vec()));
            let answer = &rest[..sealed.answer];
            self.server.handle_stream(self.now, transmit.path, answer).unwrap();
        }
        while self.server.poll_event().is_some() {}
    }

    fn phone_takes(&mut self, number: usize, octets: &[u8]) -> Result<(), Error> {
        let path = Path::tcp(SERVER.parse().unwrap());
        let phone = &mut self.phones[number];
        let mut room = [0; 16384];
        let opened = match &mut phone.client {
            Some(client) => client.open(0, octets, &mut room)?,
            None => Opened { message: octets, then: b"", ended: None },
        };
        for message in [opened.message, opened.then] {
            let (used, event) = phone.agent.handle_stream(self.now, path, message).unwrap();
            assert_eq!(used, message.len());
            phone.told.extend(event.map(|event| told(&event)));
        }
        Ok(())
    }

    fn server_takes(&mut self, number: usize, octets: &[u8]) -> Result<(), Error> {
        let path = Path::tcp(self.phones[number].at);
        let (mut room, mut answer) = ([0; 16384], [0; 4096]);
        match self.front.open(self.now, path, octets, &mut room)? {
            Taken::Message { message, user } => {
                self.server.prove(user);
                let (used, _) = self.server.handle_stream(self.now, path, message).unwrap();
                assert_eq!(used, message.len());
                self.server.prove(None);
            }
            Taken::Answer(octets) => self.ways.push_back((number, false, octets.to_vec())),
            Taken::Host { message, user } => {
                let request = Message::parse(message).unwrap();
                assert_eq!(user.as_bytes(), b"alice");
                assert!(matches!(Request::parse(request.body()), Ok(Request::AddGroup { .. })));
                let mut body = [0; 512];
                let len = service::write_group_id(2, &mut body).unwrap();
                let ok = StatusCode::OK;
                let len = self.front.answer(path, &request, ok, &mut answer, |to| {
                    to.body(service::CONTENT_TYPE, &body[..len])
                })?;
                self.ways.push_back((number, false, answer[..len].to_vec()));
            }
        }
        Ok(())
    }

    /// Runs until nothing moves any more.
    fn settle(&mut self) {
        loop {
            for number in 0..self.phones.len() {
                self.phone_drain(number);
            }
            self.server_drain();
            let Some((number, up, octets)) = self.ways.pop_front() else { return };
            let text = String::from_utf8(octets.clone()).unwrap();
            self.wire.push((number, up, text));
            if up {
                if let Err(error) = self.server_takes(number, &octets) {
                    self.dropped.push(error);
                }
            } else {
                self.phone_takes(number, &octets).unwrap();
            }
        }
    }

    /// Lets time pass.
    fn pass(&mut self, seconds: u64) {
        let until = self.now + core::time::Duration::from_secs(seconds);
        loop {
            let next = self.phones.iter().filter_map(|phone| phone.agent.poll_timeout());
            let next = next.chain(self.server.poll_timeout()).min().filter(|next| *next <= until);
            self.now = next.unwrap_or(until).max(self.now);
            for phone in &mut self.phones {
                phone.agent.handle_timeout(self.now);
            }
            self.server.handle_timeout(self.now);
            self.settle();
            if next.is_none() {
                return;
            }
        }
    }

    fn register(&mut self, number: usize) {
        let phone = &mut self.phones[number];
        phone.agent.register(self.now, phone.account).unwrap();
        self.settle();
    }

    fn told(&mut self, number: usize) -> Vec<String> {
        core::mem::take(&mut self.phones[number].told)
    }

    /// What went over the wire since the last time, of one phone.
    fn wire_of(&mut self, number: usize) -> Vec<(bool, String)> {
        let (own, others): (Vec<_>, Vec<_>) =
            core::mem::take(&mut self.wire).into_iter().partition(|one| one.0 == number);
        self.wire = others;
        own.into_iter().map(|(_, up, text)| (up, text)).collect()
    }
}

/// The name of an event, and its message's body.
fn told(event: &agent::Event<'_>) -> String {
    let name = format!("{event:?}");
    let name = name.split([' ', '{']).next().unwrap().to_string();
    let body = match event {
        agent::Event::Message { message, .. } | agent::Event::Notify { message, .. } => {
            String::from_utf8_lossy(message.body()).into_owned()
        }
        agent::Event::Response { message, .. } => format!("{}", message.code().unwrap()),
        _ => return name,
    };
    format!("{name} {body}")
}

fn is_signed(text: &str, up: bool) -> bool {
    let (row, value) = if up {
        ("uthorization: NTLM", "response=\"01000000")
    } else {
        ("uthentication-Info: NTLM", "rspauth=\"01000000")
    };
    text.lines().any(|line| line.contains(row) && line.contains(value) && line.contains("num=\""))
}

fn start(text: &str) -> &str {
    text.lines().next().unwrap()
}

#[test]
fn a_client_signs_in_and_all_that_follows_is_signed_both_ways() {
    for version in [ntlm::Version::V2, ntlm::Version::V3, ntlm::Version::V4] {
        let mut net = Net::new(version);
        let alice = net.add("alice", "secret");
        net.register(alice);
        assert_eq!(net.told(alice), ["Registered"]);
        let wire = net.wire_of(alice);
        let starts: Vec<_> = wire.iter().map(|(_, text)| &start(text)[..12]).collect();
        assert_eq!(
            starts,
            [
                "REGISTER sip",
                "SIP/2.0 401 ",
                "REGISTER sip",
                "SIP/2.0 401 ",
                "REGISTER sip",
                "SIP/2.0 200 "
            ]
        );
        assert!(
            wire.iter().all(|(_, text)| !text.contains("Digest") || start(text).contains("401"))
        );
        assert!(wire[0].1.contains(";epid=b34afb6ebb00\r\n"));
        assert!(
            wire[5].1.contains("ms-keep-alive: UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300")
        );
        assert!(wire[5].1.contains("\r\nExpires: 3600\r\n"));
        assert!(is_signed(&wire[5].1, false) && !is_signed(&wire[3].1, false));
        assert_eq!(is_signed(&wire[4].1, true), version == ntlm::Version::V4);

        // The registration is refreshed by itself, signed, without another challenge.
        net.pass(3600);
        let wire = net.wire_of(alice);
        assert!(wire.len() >= 2);
        assert!(wire.iter().all(|(up, text)| is_signed(text, *up)), "{wire:?}");
        assert_eq!(net.dropped, []);
    }
}

#[test]
fn another_password_gets_nowhere() {
    let mut net = Net::new(ntlm::Version::V2);
    let alice = net.add("alice", "Secret");
    net.register(alice);
    assert_eq!(net.told(alice), ["RegistrationFailed"]);
    assert!(!net.phones[alice].agent.is_registered(net.phones[alice].account));
}

#[test]
fn presence_and_messages_pass_signed_between_clients_of_the_dialect() {
    let mut net = Net::new(ntlm::Version::V2);
    let (alice, bob) = (net.add("alice", "secret"), net.add("bob", "secret"));
    net.register(alice);
    net.register(bob);
    net.wire.clear();
    net.told(alice);
    net.told(bob);

    let phone = &mut net.phones[alice];
    let accept = b"text/xml+msrtc.pidf, application/pidf+xml";
    phone.agent.subscribe(net.now, phone.account, b"sip:bob@a.test", b"presence", accept).unwrap();
    net.settle();
    let seen = net.told(alice);
    assert_eq!(seen.len(), 2, "{seen:?}");
    let document = seen[1].strip_prefix("Notify ").unwrap();
    let document = Presentity::parse(document.as_bytes()).unwrap();
    assert_eq!(document.uri, *b"bob@a.test".as_slice());
    assert_eq!(Activity::of(document.activity.aggregate), Activity::Active);

    let mut pidf = Pidf::new(b"sip:bob@a.test");
    pidf.add_tuple(Tuple::new(b"pc", Basic::Open));
    pidf.add_activity(Rpid::Busy);
    let mut body = [0; 1024];
    let len = pidf.write(&mut body).unwrap();
    for _ in 0..2 {
        let phone = &mut net.phones[bob];
        let kind = Pidf::CONTENT_TYPE;
        phone.agent.publish(net.now, phone.account, b"presence", kind, &body[..len]).unwrap();
        net.settle();
        assert_eq!(net.told(bob), ["Published"]);
    }
    let seen = net.told(alice);
    let document = seen[0].strip_prefix("Notify ").unwrap();
    let document = Presentity::parse(document.as_bytes()).unwrap();
    assert_eq!(Activity::of(document.activity.aggregate), Activity::Busy);

    let phone = &mut net.phones[alice];
    phone.agent.message(net.now, phone.account, b"sip:bob@a.test", b"text/plain", b"hi").unwrap();
    net.settle();
    assert_eq!(net.told(bob), ["Message hi"]);
    assert_eq!(net.told(alice), ["Response 200 OK"]);

    let of_alice = net.wire_of(alice);
    assert!(of_alice.iter().any(|(up, text)| !up && text.starts_with("BENOTIFY ")), "{of_alice:?}");
    let is_notify = |text: &str| {
        text.lines().any(|line| line.starts_with("CSeq: ") && line.ends_with(" NOTIFY"))
    };
    assert!(!of_alice.iter().any(|(_, text)| is_notify(text)), "none is answered");
    assert!(
        of_alice.iter().any(|(_, text)| text.contains("To: <sip:alice@a.test>")
            && text.contains("epid=b34afb6ebb00"))
    );
    let of_bob = net.wire_of(bob);
    assert!(
        of_bob.iter().any(|(up, text)| *up
            && text.starts_with("SERVICE ")
            && text.contains("m:setPresence"))
    );
    assert!(!of_bob.iter().any(|(_, text)| text.contains(" PUBLISH\r")));
    for (up, text) in of_alice.iter().chain(&of_bob) {
        assert!(is_signed(text, *up), "{text}");
    }
    assert_eq!(net.dropped, []);
}

#[test]
fn what_was_changed_or_comes_again_is_refused_on_both_sides() {
    let mut net = Net::new(ntlm::Version::V2);
    let (alice, bob) = (net.add("alice", "secret"), net.add("bob", "secret"));
    net.register(alice);
    net.register(bob);
    net.wire.clear();
    let phone = &mut net.phones[alice];
    phone.agent.message(net.now, phone.account, b"sip:bob@a.test", b"text/plain", b"hi").unwrap();
    net.settle();
    let up = net.wire_of(alice).into_iter().find(|(up, _)| *up).unwrap().1;
    let down = net.wire_of(bob).into_iter().find(|(up, _)| !*up).unwrap().1;
    net.told(bob);

    let replayed = Err(Error::Security(ntlm::Error::Replayed));
    assert_eq!(net.server_takes(alice, up.as_bytes()), replayed);
    assert_eq!(net.phone_takes(bob, down.as_bytes()), replayed);
    let changed = |text: &str| {
        let row = text.lines().find(|line| line.contains("num=\"")).unwrap();
        let number = row.split("num=\"").nth(1).unwrap().split('"').next().unwrap();
        let later = text.replace(&format!("num=\"{number}\""), "num=\"77\"");
        assert_ne!(later, text);
        later
    };
    let forged = Err(Error::Security(ntlm::Error::Signature));
    assert_eq!(net.server_takes(alice, changed(&up).as_bytes()), forged);
    assert_eq!(net.phone_takes(bob, changed(&down).as_bytes()), forged);
    let from = up.replace("From: <sip:alice@", "From: <sip:carol@");
    assert_eq!(net.server_takes(alice, changed(&from).as_bytes()), forged);

    // Without its signature the server asks for one, and the client drops it.
    let bare = |text: &str| {
        let lines = text.split_inclusive("\r\n").filter(|line| !line.contains("NTLM"));
        lines.collect::<String>()
    };
    assert_eq!(net.server_takes(alice, bare(&up).as_bytes()), Ok(()));
    let answer = net.ways.pop_back().unwrap();
    assert!(answer.2.starts_with(b"SIP/2.0 407 "));
    let unsigned = Err(Error::Security(ntlm::Error::Unsigned));
    assert_eq!(net.phone_takes(bob, bare(&down).as_bytes()), unsigned);
    assert!(net.told(bob).is_empty());
}

#[test]
fn plain_clients_and_those_of_the_dialect_see_each_other() {
    let mut net = Net::new(ntlm::Version::V2);
    let (alice, carol) = (net.add("alice", "secret"), net.add("carol", "secret"));
    net.register(alice);
    net.register(carol);
    assert_eq!(
        (net.told(alice), net.told(carol)),
        (["Registered".into()].into(), ["Registered".into()].into())
    );
    let watch = |net: &mut Net, who: usize, whom: &[u8], accept: &[u8]| {
        let phone = &mut net.phones[who];
        phone.agent.subscribe(net.now, phone.account, whom, b"presence", accept).unwrap();
        net.settle();
    };
    watch(&mut net, carol, b"sip:alice@a.test", b"application/pidf+xml");
    watch(&mut net, alice, b"sip:carol@a.test", b"application/xpidf+xml");
    net.told(carol);
    net.told(alice);
    net.wire.clear();
    for (who, uri) in [(alice, &b"sip:alice@a.test"[..]), (carol, b"sip:carol@a.test")] {
        let mut pidf = Pidf::new(uri);
        pidf.add_tuple(Tuple::new(b"pc", Basic::Open));
        pidf.add_activity(Rpid::OnThePhone);
        let mut body = [0; 1024];
        let len = pidf.write(&mut body).unwrap();
        let phone = &mut net.phones[who];
        let kind = Pidf::CONTENT_TYPE;
        phone.agent.publish(net.now, phone.account, b"presence", kind, &body[..len]).unwrap();
        net.settle();
    }
    let seen = net.told(carol).into_iter().find(|one| one.starts_with("Notify")).unwrap();
    let pidf = Pidf::parse(seen.strip_prefix("Notify ").unwrap().as_bytes()).unwrap();
    assert_eq!(pidf.activities().next(), Some(Rpid::OnThePhone));
    let seen = net.told(alice).into_iter().find(|one| one.starts_with("Notify")).unwrap();
    let xpidf = xpidf::Xpidf::parse(seen.strip_prefix("Notify ").unwrap().as_bytes()).unwrap();
    assert_eq!(xpidf.substatus, xpidf::SubStatus::OnThePhone);
    for (who, text) in [(alice, b"hi"), (carol, b"ho")] {
        let whom: &[u8] = if who == alice { b"sip:carol@a.test" } else { b"sip:alice@a.test" };
        let phone = &mut net.phones[who];
        phone.agent.message(net.now, phone.account, whom, b"text/plain", text).unwrap();
        net.settle();
    }
    assert!(net.told(carol).contains(&"Message hi".to_string()));
    assert!(net.told(alice).contains(&"Message ho".to_string()));
    assert!(!net.wire_of(carol).iter().any(|(_, text)| text.contains("rspauth=\"01000000")));
    assert!(net.wire_of(alice).iter().all(|(up, text)| is_signed(text, *up)));
    assert_eq!(net.dropped, []);
}

#[test]
fn contacts_are_the_hosts_business_and_answered_signed() {
    let mut net = Net::new(ntlm::Version::V2);
    let alice = net.add("alice", "secret");
    net.register(alice);
    let add =
        Request::AddGroup { name: Text::plain(b"Team"), external_uri: Text::plain(b""), delta: 1 };
    let mut body = [0; 512];
    let len = add.write(&mut body).unwrap();
    let text = format!(
        "SERVICE sip:alice@a.test SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.0.2:7100\r\nMax-Forwards: 70\r\n\
         From: <sip:alice@a.test>;tag=1\r\nTo: <sip:alice@a.test>\r\nCall-ID: s1\r\nCSeq: 1 SERVICE\r\n\
         Content-Type: application/SOAP+xml\r\nContent-Length: {len}\r\n\r\n{}",
        core::str::from_utf8(&body[..len]).unwrap()
    );
    let mut room = [0; 4096];
    let client = net.phones[alice].client.as_mut().unwrap();
    let sealed = client.seal(text.as_bytes(), &mut room).unwrap();
    net.server_takes(alice, &room[..sealed.len]).unwrap();
    let (_, _, answer) = net.ways.pop_back().unwrap();
    let answer_text = String::from_utf8(answer.clone()).unwrap();
    assert!(is_signed(&answer_text, false), "{answer_text}");
    let client = net.phones[alice].client.as_mut().unwrap();
    let opened = client.open(0, &answer, &mut room).unwrap();
    let message = Message::parse(opened.message).unwrap();
    assert_eq!(service::parse_group_id(message.body()), Ok(2));
}

#[test]
fn a_piggybacked_notification_comes_to_the_agent_as_a_notify() {
    let mut net = Net::new(ntlm::Version::V2);
    let alice = net.add("alice", "secret");
    net.phones[alice].client.as_mut().unwrap().sign_in.reset();
    let phone = &mut net.phones[alice];
    phone
        .agent
        .subscribe(net.now, phone.account, b"sip:bob@a.test", b"presence", b"text/xml+msrtc.pidf")
        .unwrap();
    net.phone_drain(alice);
    let (_, _, octets) = net.ways.pop_front().unwrap();
    let request = Message::parse(&octets).unwrap();
    let row =
        |name: Name<'_>| String::from_utf8(request.row(name).unwrap().value.to_vec()).unwrap();
    let document = "<presentity uri=\"bob@a.test\"><availability aggregate=\"300\"/><activity aggregate=\"400\"/></presentity>";
    let response = format!(
        "SIP/2.0 200 OK\r\nVia: {}\r\nFrom: {}\r\nTo: {};tag=9\r\nCall-ID: {}\r\nCSeq: {}\r\n\
         Contact: <sip:lcs.a.test;transport=tcp>\r\nExpires: 24767\r\nEvent: presence\r\n\
         subscription-state: active;expires=24767\r\nms-piggyback-cseq: 1\r\n\
         Supported: com.microsoft.autoextend, ms-piggyback-first-notify, ms-benotify\r\n\
         Content-Type: text/xml+msrtc.pidf\r\nContent-Length: {}\r\n\r\n{document}",
        row(Name::Via),
        row(Name::From),
        row(Name::To),
        row(Name::CallId),
        row(Name::CSeq),
        document.len()
    );
    net.phone_takes(alice, response.as_bytes()).unwrap();
    assert_eq!(net.told(alice), ["Subscribed".to_string(), format!("Notify {document}")]);
    net.phone_drain(alice);
    assert!(net.ways.is_empty(), "nobody has sent it, so nobody is answered");
}
