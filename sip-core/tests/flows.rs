//! Random call flows between agents through a proxy, in virtual time, over a network that loses, repeats
//! and reorders: calls that are answered, refused, cancelled or left to ring, sessions that are held and
//! resumed, by both sides at once, too, transfers, messages and subscriptions. Once all is quiet, both
//! sides of each call agree on whether it stands and on its session; and at the end no call, no
//! transaction and no timer is left anywhere.
//!
//! `HANDSET_FLOWS` says how many flows are run, 1000 without it.

extern crate alloc;

use alloc::collections::BTreeMap;
use core::net::SocketAddr;
use core::time::Duration;

use handset_testkit::{Link, LinkConfig, Random, seeds};
use sip_core::agent::{self, Account, AccountId, Agent, CallId, Event, RequestId, SubscriptionId};
use sip_core::auth::Algorithm;
use sip_core::message::{Message, Name, StatusCode};
use sip_core::server::{self, Ha1, Listen, Live, Server, Users};
use sip_core::transaction::SentBy;
use sip_core::transport::{Path, Transport};

/// Who is on which phone: one of the users has two, which ring together.
const PHONES: [&str; 4] = ["alice", "bob", "bob", "carol"];

const SDP: &[u8] = b"application/sdp";

/// How many flows a world sees before it is taken down.
const FLOWS: u64 = 20;

struct Everybody;

impl Users for Everybody {
    fn ha1(&self, user: &[u8]) -> Option<Ha1> {
        let known = PHONES.iter().any(|name| name.as_bytes() == user);
        let hash = |algorithm: Algorithm| algorithm.ha1(user, b"a.test", b"secret");
        known.then(|| Ha1 { sha256: Some(hash(Algorithm::Sha256)), ..Ha1::default() })
    }
}

fn host(number: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, u8::try_from(number).unwrap()], 5060))
}

const SERVER: usize = 9;

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn body(message: &Message<'_>) -> String {
    String::from_utf8_lossy(message.body()).into_owned()
}

/// What is known of a call on one side.
#[derive(Debug, Default)]
struct Call {
    /// The Call-ID; empty until the other side has been heard.
    id: String,
    is_up: bool,
    /// The offer that was agreed on last.
    session: String,
    /// The offer that was answered, and is agreed on with the ACK.
    answered: String,
}

/// What is to be done later.
#[derive(Clone, Debug)]
enum Plan {
    Call {
        uri: &'static str,
    },
    Message {
        uri: &'static str,
    },
    Watch {
        uri: &'static str,
    },
    Ring(CallId),
    Answer(CallId),
    Reject(CallId),
    /// Hold, or resume: a new offer.
    Change(CallId, bool),
    Transfer(CallId, &'static str),
    Info(CallId),
    HangUp(CallId),
    /// Hangs up all that is left of calls, and takes back all subscriptions.
    Finish,
}

struct Phone<'s> {
    number: usize,
    agent: Agent<'s>,
    account: AccountId,
    random: Random,
    calls: BTreeMap<CallId, Call>,
    watched: Vec<SubscriptionId>,
    /// The requests that wait for their outcome.
    asked: Vec<RequestId>,
    plans: Vec<(Duration, Plan)>,
    is_registered: bool,
    /// Tells apart the offers.
    offers: u32,
    counts: BTreeMap<&'static str, u32>,
}

impl Phone<'_> {
    fn plan(&mut self, at: Duration, plan: Plan) {
        self.plans.push((at, plan));
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn offer(&mut self) -> String {
        self.offers += 1;
        format!("offer {} of {}", self.offers, self.number)
    }

    fn soon(&mut self, now: Duration, at_most_ms: u64) -> Duration {
        now + ms(self.random.below(at_most_ms))
    }

    /// Does what was planned; what is not possible any more is left.
    fn act(&mut self, now: Duration, plan: Plan) {
        match plan {
            Plan::Call { uri } => {
                let offer = self.offer();
                let body = Some((SDP, offer.as_bytes()));
                if let Ok(call) = self.agent.invite(now, self.account, uri.as_bytes(), body) {
                    self.count("call");
                    self.calls.insert(call, Call::default());
                    if self.random.chance(250) {
                        // Changes its mind; the answer may come at the same moment.
                        let at = self.soon(now, 2500);
                        self.plan(at, Plan::HangUp(call));
                    }
                }
            }
            Plan::Message { uri } => {
                let done =
                    self.agent.message(now, self.account, uri.as_bytes(), b"text/plain", b"hello");
                self.asked.extend(done);
            }
            Plan::Watch { uri } => {
                let uri = uri.as_bytes();
                let kind = b"application/pidf+xml";
                let done = self.agent.subscribe(now, self.account, uri, b"presence", kind);
                self.watched.extend(done);
            }
            Plan::Ring(call) => {
                let _ = self.agent.ring(now, call, StatusCode::RINGING, None);
            }
            Plan::Answer(call) => self.answer(now, call),
            Plan::Reject(call) => {
                if self.agent.reject(now, call, StatusCode::BUSY_HERE).is_ok() {
                    self.count("refused");
                }
            }
            Plan::Change(call, again) => {
                let offer = self.offer();
                match self.agent.reinvite(now, call, Some((SDP, offer.as_bytes()))) {
                    Ok(()) => self.count("change"),
                    // Another change is under way.
                    Err(_) if again => {
                        let at = self.soon(now, 3000);
                        self.plan(at, Plan::Change(call, false));
                    }
                    Err(_) => {}
                }
            }
            Plan::Transfer(call, uri) => {
                if self.agent.transfer(now, call, uri.as_bytes()).is_ok() {
                    self.count("transfer");
                }
            }
            Plan::Info(call) => {
                let kind = b"application/dtmf-relay";
                self.asked.extend(self.agent.info(now, call, kind, b"Signal=5"));
            }
            Plan::HangUp(call) => {
                let _ = self.agent.hang_up(now, call);
            }
            Plan::Finish => {
                let calls: Vec<CallId> = self.calls.keys().copied().collect();
                for call in calls {
                    let _ = self.agent.hang_up(now, call);
                }
                for watched in self.watched.clone() {
                    let _ = self.agent.unsubscribe(now, watched);
                }
            }
        }
    }

    fn answer(&mut self, now: Duration, id: CallId) {
        let Some(call) = self.calls.get(&id) else { return };
        let answer = format!("to {}", call.answered);
        if self.agent.answer(now, id, Some((SDP, answer.as_bytes()))).is_ok() {
            self.count("answer");
        }
    }

    fn told(&mut self, now: Duration, event: Event<'_>) {
        let call_id = |message: &Message<'_>| {
            let row = message.row(Name::CallId);
            String::from_utf8_lossy(row.map_or(b"", |row| row.value)).into_owned()
        };
        let agreed = |message: &Message<'_>| body(message).trim_start_matches("to ").to_owned();
        match event {
            Event::Registered { .. } => self.is_registered = true,
            Event::Unregistered { .. } => self.is_registered = false,
            Event::Incoming { call, ref message, .. } => {
                let known =
                    Call { id: call_id(message), answered: body(message), ..Call::default() };
                self.calls.insert(call, known);
                if self.random.chance(700) {
                    let at = self.soon(now, 300);
                    self.plan(at, Plan::Ring(call));
                }
                let at = self.soon(now, 3000);
                match self.random.below(10) {
                    0..=6 => self.plan(at, Plan::Answer(call)),
                    7 | 8 => self.plan(at, Plan::Reject(call)),
                    // Nobody is there.
                    _ => self.count("unanswered"),
                }
            }
            Event::Answered { call, ref message } => {
                let known = self.calls.get_mut(&call).unwrap();
                known.id = call_id(message);
                known.is_up = true;
                known.session = agreed(message);
                self.talk(now, call);
            }
            Event::Confirmed { call, .. } => {
                let known = self.calls.get_mut(&call).unwrap();
                known.session = core::mem::take(&mut known.answered);
                if !core::mem::replace(&mut known.is_up, true) {
                    self.talk(now, call);
                }
            }
            Event::Reinvited { call, ref message } => {
                self.calls.get_mut(&call).unwrap().answered = body(message);
                match self.random.below(8) {
                    0 => {
                        let code = StatusCode::NOT_ACCEPTABLE_HERE;
                        self.agent.reject(now, call, code).unwrap();
                    }
                    1..=4 => self.answer(now, call),
                    _ => {
                        let at = self.soon(now, 1500);
                        self.plan(at, Plan::Answer(call));
                    }
                }
            }
            Event::Changed { call, ref message } => {
                self.calls.get_mut(&call).unwrap().session = agreed(message);
            }
            Event::ChangeFailed { call, failure }
                if failure == agent::Failure::Refused(StatusCode::REQUEST_PENDING) =>
            {
                self.count("glare");
                let at = self.soon(now, 4000);
                self.plan(at, Plan::Change(call, false));
            }
            Event::TransferRequested { call, .. } if self.random.chance(200) => {
                let _ = self.agent.reject_transfer(now, call, StatusCode::DECLINE);
            }
            Event::TransferRequested { call, .. } => {
                let (uri, by) = event.transfer_target().unwrap();
                let offer = self.offer();
                let body = Some((SDP, offer.as_bytes()));
                if let Ok(made) = self.agent.accept_transfer(now, call, uri, by, body) {
                    self.calls.insert(made, Call::default());
                }
            }
            Event::TransferProgress { call, code, is_over: true } if code.is_success() => {
                self.count("transferred");
                let _ = self.agent.hang_up(now, call);
            }
            Event::Ended { call, .. } => {
                assert!(self.calls.remove(&call).is_some(), "a call ends once");
                self.plans.retain(|(_, plan)| {
                    !matches!(plan, Plan::HangUp(other) | Plan::Answer(other) if *other == call)
                });
            }
            Event::Response { request, .. } | Event::RequestFailed { request, .. } => {
                let at = self.asked.iter().position(|asked| *asked == request);
                self.asked.remove(at.expect("a request has one outcome"));
                self.count("request");
            }
            Event::SubscriptionEnded { subscription, .. } => {
                self.watched.retain(|watched| *watched != subscription);
            }
            Event::Notify { .. } => self.count("notify"),
            _ => {}
        }
    }

    /// What is done within a call that stands; its other side makes plans of its own.
    fn talk(&mut self, now: Duration, call: CallId) {
        // Both sides at the same moment, now and then.
        let moment = Duration::from_secs(now.as_secs() + 2);
        for _ in 0..self.random.below(3) {
            let at = if self.random.chance(400) { moment } else { self.soon(now, 8000) };
            self.plan(at, Plan::Change(call, true));
        }
        if self.random.chance(150) {
            let uri = ["sip:carol@a.test", "sip:bob@a.test"][self.random.below(2) as usize];
            let at = self.soon(now, 6000);
            self.plan(at, Plan::Transfer(call, uri));
        }
        if self.random.chance(300) {
            let at = self.soon(now, 6000);
            self.plan(at, Plan::Info(call));
        }
        // Some stand for long, and are looked at when all is quiet.
        if self.random.chance(500) {
            let at = self.soon(now, 10_000);
            self.plan(at, Plan::HangUp(call));
        }
    }
}

struct World<'s> {
    now: Duration,
    link: Link<SocketAddr>,
    server: Server<'s, Everybody>,
    phones: Vec<Phone<'s>>,
    random: Random,
}

type PhoneStorage = agent::Storage<1, 16, 8, 128, 262_144>;
type ServerStorage = server::Storage<16, 8, 32, 64, 512, 524_288>;

impl<'s> World<'s> {
    fn new(
        seed: u64,
        listen: &'s [Listen],
        server: &'s mut ServerStorage,
        phones: &'s mut [Box<PhoneStorage>],
    ) -> Self {
        let mut random = Random::new(seed);
        let mut config = server::Config::new("a.test", listen);
        config.algorithms = &[Algorithm::Sha256];
        let server = Server::new(config, Everybody, server, random.seed()).unwrap();
        let phones = phones.iter_mut().zip(PHONES).zip(1..).map(|((storage, name), number)| {
            let mut config = agent::Config::new(SentBy::all(host(number)));
            config.ring_limit = Duration::from_secs(40);
            let mut agent = Agent::new(config, storage, random.seed()).unwrap();
            let address = format!("sip:{name}@a.test");
            let account = Account::new(address.as_bytes()).over(Path::udp(host(SERVER)), b"secret");
            let account = agent.add_account(&account).unwrap();
            Phone {
                number,
                agent,
                account,
                random: Random::new(random.number()),
                calls: BTreeMap::new(),
                watched: Vec::new(),
                asked: Vec::new(),
                plans: Vec::new(),
                is_registered: false,
                offers: 0,
                counts: BTreeMap::new(),
            }
        });
        let phones = phones.collect();
        let link = Link::new(LinkConfig::BAD, random.number());
        Self { now: Duration::ZERO, link, server, phones, random }
    }

    fn drain(&mut self) {
        let mut buffer = vec![0; 8192];
        let now = self.now;
        while let Some(transmit) = self.server.poll_transmit(now, &mut buffer) {
            self.link.send(now, host(SERVER), transmit.path.remote, &buffer[..transmit.len]);
        }
        while self.server.poll_event().is_some() {}
        for (phone, number) in self.phones.iter_mut().zip(1..) {
            loop {
                while let Some(transmit) = phone.agent.poll_transmit(now, &mut buffer) {
                    let octets = &buffer[..transmit.len];
                    self.link.send(now, host(number), transmit.path.remote, octets);
                }
                match phone.agent.poll_event() {
                    Some(event) => phone.told(now, event),
                    None => break,
                }
            }
        }
    }

    /// Goes on to the next thing that happens; says whether it is before `end`.
    fn step(&mut self, end: Duration) -> bool {
        self.drain();
        let phones = self.phones.iter().flat_map(|phone| {
            let plans = phone.plans.iter().map(|(at, _)| *at);
            plans.chain(phone.agent.poll_timeout())
        });
        let next = phones.chain(self.server.poll_timeout()).chain(self.link.next_arrival()).min();
        let Some(next) = next.filter(|next| *next <= end) else {
            self.now = end;
            return false;
        };
        self.now = self.now.max(next);
        let now = self.now;
        self.server.handle_timeout(now);
        for phone in &mut self.phones {
            phone.agent.handle_timeout(now);
            while let Some(at) = phone.plans.iter().position(|(at, _)| *at <= now) {
                let (_, plan) = phone.plans.remove(at);
                phone.act(now, plan);
            }
        }
        self.drain();
        while let Some((from, to, octets)) = self.link.receive(now) {
            if to == host(SERVER) {
                // The relayed messages are well-formed; what is wrong with one fails the test elsewhere.
                self.server.handle_datagram(now, Path::udp(from), &octets).unwrap();
            } else {
                let phone = self.phones.iter_mut().zip(1..).find(|(_, number)| host(*number) == to);
                let (phone, _) = phone.unwrap();
                if let Some(event) =
                    phone.agent.handle_datagram(now, Path::udp(from), &octets).unwrap()
                {
                    phone.told(now, event);
                }
            }
            self.drain();
        }
        true
    }

    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
    }

    fn register(&mut self) {
        let now = self.now;
        for phone in &mut self.phones {
            phone.agent.register(now, phone.account).unwrap();
        }
        self.wait(Duration::from_secs(40));
        for phone in &mut self.phones {
            assert!(phone.is_registered);
        }
    }

    /// Something begins, and goes on as it happens to.
    fn flow(&mut self) {
        const URIS: [&str; 3] = ["sip:alice@a.test", "sip:bob@a.test", "sip:carol@a.test"];
        let at = self.now + ms(self.random.below(5000));
        let who = self.random.below(PHONES.len() as u64) as usize;
        let others = URIS.iter().filter(|uri| !uri.contains(PHONES[who]));
        let others: Vec<&'static str> = others.copied().collect();
        let uri = others[self.random.below(others.len() as u64) as usize];
        let plan = match self.random.below(10) {
            0 => Plan::Message { uri },
            1 => Plan::Watch { uri },
            _ => Plan::Call { uri },
        };
        self.phones[who].plan(at, plan);
    }

    /// Both sides of each call that stands are there, and agree on its session.
    fn assert_agreement(&mut self) {
        let mut agreed = 0;
        let mut sides: BTreeMap<&str, Vec<(usize, &Call)>> = BTreeMap::new();
        for (number, phone) in self.phones.iter().enumerate() {
            for call in phone.calls.values() {
                sides.entry(&call.id).or_default().push((number, call));
            }
        }
        for (id, sides) in sides {
            let [(_, one), (_, other)] = sides.as_slice() else {
                panic!("call {id:?} has not two sides: {sides:?}");
            };
            assert!(one.is_up && other.is_up, "{id}: {sides:?}");
            assert_eq!(one.session, other.session, "{id}: {sides:?}");
            agreed += 1;
        }
        *self.phones[0].counts.entry("agreed").or_default() += agreed;
    }

    /// Ends everything, and sees that nothing is left.
    fn finish(&mut self) {
        for _ in 0..3 {
            let now = self.now;
            for phone in &mut self.phones {
                phone.plan(now, Plan::Finish);
            }
            self.wait(Duration::from_secs(80));
        }
        let now = self.now;
        for phone in &mut self.phones {
            assert!(phone.calls.is_empty(), "{:?}", phone.calls);
            assert!(phone.watched.is_empty() && phone.asked.is_empty() && phone.plans.is_empty());
            phone.agent.unregister(now, phone.account).unwrap();
        }
        self.wait(Duration::from_secs(300));
        for phone in &self.phones {
            assert!(!phone.is_registered);
            assert_eq!(phone.agent.live(), (0, 0, 0));
            assert_eq!(phone.agent.poll_timeout(), None);
        }
        assert_eq!(self.server.live(), Live::default());
        assert_eq!(self.server.poll_timeout(), None);
        assert_eq!(self.link.next_arrival(), None);
    }
}

#[test]
fn call_flows_through_a_proxy_end_with_both_sides_in_the_same_state_and_nothing_left() {
    let flows = std::env::var("HANDSET_FLOWS").map_or(1000, |text| text.parse().unwrap());
    let counts = core::cell::RefCell::new(BTreeMap::<&str, u32>::new());
    seeds(u64::div_ceil(flows, FLOWS), |seed| {
        let listen = [Listen { local: 0, transport: Transport::Udp, address: host(SERVER) }];
        let mut server = Box::new(ServerStorage::new());
        let mut phones: Vec<_> = PHONES.map(|_| Box::new(PhoneStorage::new())).into();
        let mut world = World::new(seed, &listen, &mut server, &mut phones);
        world.register();
        for _ in 0..FLOWS / 4 {
            // Several at a time.
            for _ in 0..4 {
                world.flow();
            }
            // Longer than any transaction takes, and than a phone rings.
            world.wait(Duration::from_secs(150));
            world.assert_agreement();
        }
        world.finish();
        for phone in &world.phones {
            for (what, count) in &phone.counts {
                *counts.borrow_mut().entry(what).or_default() += count;
            }
        }
    });
    let counts = counts.into_inner();
    println!("{counts:?}");
    // All that is meant to happen does.
    for what in [
        "agreed",
        "answer",
        "change",
        "glare",
        "notify",
        "refused",
        "request",
        "transferred",
        "unanswered",
    ] {
        assert!(counts.contains_key(what) || flows < 1000, "{what}: {counts:?}");
    }
}
