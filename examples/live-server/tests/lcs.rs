//! Clients of Live Communications Server at a real server: they sign in with NTLM, see each other and
//! talk, over TCP, beside plain ones.

mod common;

use core::time::Duration;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use common::{Client as Plain, TestServer};
use live_server::Notice;
use sip_core::agent::{Account, AccountId, Agent, Config, Event};
use sip_core::lcs::endpoint::Epid;
use sip_core::lcs::presentity::{Activity, Presentity};
use sip_core::lcs::{BENOTIFY, Client};
use sip_core::message::{Limits, Message};
use sip_core::ntlm::{self, NtHash, Policy};
use sip_core::presence::{self, Basic, Pidf, Tuple};
use sip_core::transaction::SentBy;
use sip_core::transport::{Frame, Path};

/// Longer than anything takes here that works.
const PATIENCE: Duration = Duration::from_secs(10);

struct Phone {
    agent: Agent<'static>,
    client: Client,
    account: AccountId,
    stream: TcpStream,
    rest: Vec<u8>,
    epoch: Instant,
    /// The names of events, and the bodies that came with them.
    told: Vec<(String, Vec<u8>)>,
    unanswered: usize,
}

impl Phone {
    fn new(name: &str, server: core::net::SocketAddr) -> Self {
        let stream = TcpStream::connect(server).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let seed = [name.len() as u8; 32];
        let config = Config::new(SentBy::all(stream.local_addr().unwrap()));
        let mut agent = Agent::growing(config, seed).unwrap();
        let uri = format!("sip:{name}@example.test");
        let account = Account::new(uri.as_bytes()).over(Path::tcp(server), b"stand-in");
        let account = agent.add_account(&account).unwrap();
        let hash = NtHash::of(&format!("{name}'s secret"));
        let sign_in = ntlm::Client::new(name, "EXAMPLE", "PC", hash, seed).unwrap();
        let client = Client::new(sign_in, Epid::new(0x1234_5678_9a00 + name.len() as u64), seed);
        let (rest, told) = (Vec::new(), Vec::new());
        Self { agent, client, account, stream, rest, epoch: Instant::now(), told, unanswered: 0 }
    }

    fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    fn drain(&mut self) {
        let (mut buffer, mut room) = ([0; Agent::BUFFER], [0; 8192]);
        while let Some(transmit) = self.agent.poll_transmit(self.now(), &mut buffer) {
            let sealed = self.client.seal(&buffer[..transmit.len], &mut room).unwrap();
            let (octets, rest) = room.split_at(sealed.len);
            self.stream.write_all(octets).unwrap();
            let now = self.now();
            self.agent.handle_stream(now, transmit.path, &rest[..sealed.answer]).unwrap();
        }
        while let Some(event) = self.agent.poll_event() {
            self.told.push(told(&event));
        }
    }

    /// Runs until something is told that begins so: what came with it.
    fn wait(&mut self, name: &str) -> Vec<u8> {
        let begin = Instant::now();
        loop {
            self.drain();
            if let Some(at) = self.told.iter().position(|(told, _)| told == name) {
                return self.told.remove(at).1;
            }
            assert!(begin.elapsed() < PATIENCE, "{name} does not come: {:?}", self.told);
            let mut octets = [0; 4096];
            match self.stream.read(&mut octets) {
                Ok(0) => panic!("closed while waiting for {name}"),
                Ok(len) => self.rest.extend_from_slice(&octets[..len]),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => panic!("{error}"),
            }
            self.take();
            let now = self.now();
            self.agent.handle_timeout(now);
        }
    }

    fn take(&mut self) {
        let rest = core::mem::take(&mut self.rest);
        let mut at = 0;
        while let Frame::Message(used, message) =
            Frame::next(&rest[at..], &Limits::DEFAULT).unwrap()
        {
            self.unanswered += usize::from(message.method() == Some(BENOTIFY));
            let path = Path::tcp(self.stream.peer_addr().unwrap());
            let mut room = [0; 16384];
            let opened = self.client.open(0, message.as_bytes(), &mut room).unwrap();
            for message in [opened.message, opened.then] {
                let now = self.now();
                let (_, event) = self.agent.handle_stream(now, path, message).unwrap();
                self.told.extend(event.map(|event| told(&event)));
            }
            at += used;
            self.drain();
        }
        self.rest = rest[at..].to_vec();
    }
}

fn told(event: &Event<'_>) -> (String, Vec<u8>) {
    let name = format!("{event:?}");
    let name = name.split([' ', '{']).next().unwrap().to_owned();
    let body = |message: &Message<'_>| message.body().to_vec();
    match event {
        Event::Message { message, .. } | Event::Notify { message, .. } => (name, body(message)),
        _ => (name, Vec::new()),
    }
}

#[test]
fn clients_of_the_dialect_sign_in_see_each_other_and_talk() {
    let server = TestServer::start_with(|config| config.lcs = Some(Policy::STRICT));
    let address = server.ready.tcp[0];
    let (mut alice, mut bob) = (Phone::new("alice", address), Phone::new("bob", address));
    for phone in [&mut alice, &mut bob] {
        let now = phone.now();
        phone.agent.register(now, phone.account).unwrap();
        phone.wait("Registered");
        server.notice(|notice| matches!(notice, Notice::Registered { .. }));
    }
    let now = alice.now();
    let accept = b"text/xml+msrtc.pidf";
    let uri = b"sip:bob@example.test";
    alice.agent.subscribe(now, alice.account, uri, b"presence", accept).unwrap();
    alice.wait("Notify");

    let mut pidf = Pidf::new(uri);
    pidf.add_tuple(Tuple::new(b"pc", Basic::Open));
    pidf.add_activity(presence::Activity::Busy);
    let mut body = [0; 1024];
    let len = pidf.write(&mut body).unwrap();
    let (now, kind) = (bob.now(), Pidf::CONTENT_TYPE);
    bob.agent.publish(now, bob.account, b"presence", kind, &body[..len]).unwrap();
    bob.wait("Published");
    let document = alice.wait("Notify");
    let document = Presentity::parse(&document).unwrap();
    assert_eq!(Activity::of(document.activity.aggregate), Activity::Busy);
    assert!(alice.unanswered >= 2);

    let now = alice.now();
    alice.agent.message(now, alice.account, uri, b"text/plain", b"hello, bob").unwrap();
    alice.drain();
    assert_eq!(bob.wait("Message"), b"hello, bob");
    alice.wait("Response");

    // A plain client has Digest, and reaches them.
    let mut carol = Plain::tcp("carol", &server.ready);
    assert_eq!(carol.register(600).code(), 200);
    let asked = std::thread::spawn(move || {
        let more = "Content-Type: text/plain\r\n";
        carol.ask("MESSAGE", "sip:bob@example.test", "<sip:bob@example.test>", more, "and me")
    });
    assert_eq!(bob.wait("Message"), b"and me");
    bob.drain();
    assert_eq!(asked.join().unwrap().code(), 200);
}
