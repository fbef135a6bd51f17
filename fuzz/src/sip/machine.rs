//! The machines: the transaction layer, user agents, the server.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::collections::VecDeque;

use sip_core::agent::{self, AccountId, Agent, CallId, SubscriptionId};
use sip_core::auth::Algorithm;
use sip_core::message::{Limits, Message, Method, Name, StatusCode};
use sip_core::server::{self, Ha1, Listen, Server, Users};
use sip_core::transaction::{self, ClientId, Layer, SentBy, ServerId};
use sip_core::transport::{Path, Transmit, Transport};

use crate::drive::{Machine, Script, Wires, drive};

/// Two transaction layers.
pub fn transaction(octets: &[u8]) {
    let mut storages = [const { transaction::Storage::<u32, 4, 4096>::new() }; 2];
    let [one, two] = &mut storages;
    let mut nodes = [(one, 1), (two, 2)].map(|(storage, number)| {
        let mut config = transaction::Config::new(SentBy::all(address(number)));
        config.limits = LIMITS;
        config.timer_c = Some(Duration::from_secs(185));
        let layer = Layer::new(config, storage, [number; 32]).expect("the storage is enough");
        Node::new(Transactions { layer, clients: Vec::new(), servers: Vec::new() })
    });
    let [a, b] = &mut nodes;
    drive(&mut [a, b], PAIR, octets);
}

/// Two user agents, each with an account of the other's address.
pub fn agent(octets: &[u8]) {
    let mut storages = [const { agent::Storage::<1, 2, 2, 6, 8192>::new() }; 2];
    let [one, two] = &mut storages;
    let mut nodes =
        [(one, 1), (two, 2)].map(|(storage, number)| Node::new(user(number, storage, 3 - number)));
    let [a, b] = &mut nodes;
    drive(&mut [a, b], PAIR, octets);
}

/// A server and two user agents that know it.
pub fn server(octets: &[u8]) {
    let mut storages = [const { agent::Storage::<1, 2, 2, 6, 8192>::new() }; 2];
    let mut storage = server::Storage::<3, 2, 2, 2, 8, 16384>::new();
    let listen = [Transport::Udp, Transport::Tcp].map(|transport| Listen {
        local: 0,
        transport,
        address: address(3),
    });
    let mut config = server::Config::new("example.com", &listen);
    config.limits = LIMITS;
    config.max_document = 1024;
    let serving = Server::new(config, Everybody, &mut storage, [3; 32]).expect("it is enough");
    let mut serving = Node::new(Serving(serving));
    let [one, two] = &mut storages;
    let mut nodes =
        [(one, 1), (two, 2)].map(|(storage, number)| Node::new(user(number, storage, 3)));
    let [a, b] = &mut nodes;
    // Each has two ways to each: UDP and TCP. The order is that of `PEERS`.
    let wires: Wires<'_> = &[
        &[None, None, Some((1, 0)), Some((1, 1)), Some((2, 0)), Some((2, 1))],
        &[Some((0, 2)), Some((0, 3)), None, None, Some((2, 2)), Some((2, 3))],
        &[Some((0, 4)), Some((0, 5)), Some((1, 4)), Some((1, 5)), None, None],
    ];
    drive(&mut [a, b, &mut serving], wires, octets);
}

const LIMITS: Limits = Limits { head_octets: 2048, body_octets: 2048 };

/// Two nodes: peers 0 and 1 lead to the first over UDP and TCP, 2 and 3 to the second.
const PAIR: Wires<'static> =
    &[&[None, None, Some((1, 0)), Some((1, 1))], &[Some((0, 2)), Some((0, 3)), None, None]];

fn address(number: u8) -> SocketAddr {
    (Ipv4Addr::new(192, 0, 2, number), 5060).into()
}

fn path(peer: usize) -> Path {
    let number = u8::try_from(peer / 2 + 1).unwrap_or(9);
    match peer % 2 {
        0 => Path::udp(address(number)),
        _ => Path::tcp(address(number)),
    }
}

fn peer(path: Path) -> usize {
    let SocketAddr::V4(remote) = path.remote else { return usize::MAX };
    let number = usize::from(remote.ip().octets()[3]);
    let stream = usize::from(path.transport != Transport::Udp);
    if remote.port() == 5060 && (1..=3).contains(&number) {
        (number - 1) * 2 + stream
    } else {
        usize::MAX
    }
}

/// What the driver needs of a machine that speaks SIP.
trait Engine {
    fn datagram(&mut self, now: Duration, path: Path, octets: &[u8]);
    fn stream(&mut self, now: Duration, path: Path, octets: &[u8]) -> Result<usize, ()>;
    fn closed(&mut self, now: Duration, path: Path);
    fn timeout(&mut self, now: Duration);
    fn transmit(&mut self, now: Duration, buffer: &mut [u8]) -> Option<Transmit>;
    fn event(&mut self) -> bool;
    fn deadline(&mut self) -> Option<Duration>;
    fn beats(&self) -> bool;
    fn call(&mut self, now: Duration, script: &mut Script<'_>);
}

/// A machine with the octets of its streams that were not used yet.
struct Node<E> {
    engine: E,
    unread: [VecDeque<u8>; 3],
}

impl<E> Node<E> {
    fn new(engine: E) -> Self {
        Self { engine, unread: [const { VecDeque::new() }; 3] }
    }
}

impl<E: Engine> Machine for Node<E> {
    fn handle(&mut self, now: Duration, peer: usize, octets: &[u8]) {
        let path = path(peer);
        if path.transport == Transport::Udp {
            return self.engine.datagram(now, path, octets);
        }
        let unread = &mut self.unread[peer / 2 % 3];
        unread.extend(octets);
        while !unread.is_empty() {
            let octets = unread.make_contiguous();
            match self.engine.stream(now, path, octets) {
                Ok(0) => break,
                Ok(used) => {
                    assert!(used <= unread.len(), "more was used than there is");
                    unread.drain(..used);
                }
                Err(()) => {
                    unread.clear();
                    self.engine.closed(now, path);
                }
            }
        }
        let most = LIMITS.head_octets + LIMITS.body_octets + octets.len();
        assert!(unread.len() <= most, "it waits for more than its limits");
    }

    fn closed(&mut self, now: Duration, peer: usize) {
        let path = path(peer | 1);
        self.unread[peer / 2 % 3].clear();
        self.engine.closed(now, path);
    }

    fn timeout(&mut self, now: Duration) {
        self.engine.timeout(now);
    }

    fn transmit(&mut self, now: Duration, buffer: &mut [u8]) -> Option<(usize, usize)> {
        let sent = self.engine.transmit(now, buffer)?;
        Some((peer(sent.path), sent.len))
    }

    fn event(&mut self) -> bool {
        self.engine.event()
    }

    fn deadline(&mut self) -> Option<Duration> {
        self.engine.deadline()
    }

    fn beats(&self) -> bool {
        self.engine.beats()
    }

    fn call(&mut self, now: Duration, script: &mut Script<'_>) -> Vec<(usize, Vec<u8>)> {
        self.engine.call(now, script);
        Vec::new()
    }
}

struct Transactions<'s> {
    layer: Layer<'s, u32>,
    clients: Vec<ClientId>,
    servers: Vec<ServerId>,
}

impl Transactions<'_> {
    fn note(&mut self, event: transaction::Event<'_, u32>) {
        match event {
            transaction::Event::Request { transaction, .. } => self.servers.push(transaction),
            transaction::Event::Response { transaction, message, path, .. } => {
                if message.code().is_some_and(StatusCode::is_success) {
                    let uri = b"sip:b@192.0.2.2";
                    let _ = self.layer.acknowledge(transaction, &message, path, uri, |mut to| {
                        to.raw(Name::CSeq, b"1 ACK");
                        to.finish()
                    });
                }
                self.layer.forget_request(transaction);
            }
            _ => {}
        }
        assert!(self.layer.len() <= 4, "more transactions than storage");
        self.clients.truncate(8);
        self.servers.truncate(8);
    }
}

impl Engine for Transactions<'_> {
    fn datagram(&mut self, now: Duration, path: Path, octets: &[u8]) {
        if let Ok(Some(event)) = self.layer.handle_datagram(now, path, octets) {
            self.note(event);
        }
    }

    fn stream(&mut self, now: Duration, path: Path, octets: &[u8]) -> Result<usize, ()> {
        let (used, event) = self.layer.handle_stream(now, path, octets).map_err(drop)?;
        if let Some(event) = event {
            self.note(event);
        }
        Ok(used)
    }

    fn closed(&mut self, now: Duration, path: Path) {
        self.layer.handle_closed(now, path);
    }

    fn timeout(&mut self, now: Duration) {
        self.layer.handle_timeout(now);
    }

    fn transmit(&mut self, now: Duration, buffer: &mut [u8]) -> Option<Transmit> {
        self.layer.poll_transmit(now, buffer)
    }

    fn event(&mut self) -> bool {
        self.layer.poll_event().is_some()
    }

    fn deadline(&mut self) -> Option<Duration> {
        self.layer.poll_timeout()
    }

    fn beats(&self) -> bool {
        false
    }

    fn call(&mut self, now: Duration, script: &mut Script<'_>) {
        let to = path(script.below(6));
        let choice = script.octet();
        let client = self.clients.get(script.below(self.clients.len())).copied();
        let server = self.servers.get(script.below(self.servers.len())).copied();
        match (choice % 8, client, server) {
            (0, Some(client), _) => drop(self.layer.cancel(now, client)),
            (1, _, Some(server)) => drop(self.layer.acknowledged(server)),
            (2 | 3, _, Some(server)) => {
                let code = StatusCode::new(100 + script.short() % 600).unwrap_or(StatusCode::OK);
                let write = |to: sip_core::message::Writer<'_>| to.finish();
                let done = if choice & 8 == 0 {
                    self.layer.respond(now, server, code, write)
                } else {
                    self.layer.respond_until_acknowledged(now, server, code, write)
                };
                let _ = done;
            }
            (4, _, _) => drop(self.layer.ping(to)),
            _ => {
                let methods = [Method::Invite, Method::Options, Method::Message, Method::Bye];
                let method = methods[usize::from(choice >> 3) % methods.len()];
                let line = [b"1 ", method.as_bytes()].concat();
                let sent = self.layer.send_request(
                    now,
                    to,
                    7,
                    method,
                    b"sip:b@192.0.2.2",
                    |mut writer| {
                        writer.raw(Name::From, b"<sip:a@192.0.2.1>;tag=1");
                        writer.raw(Name::To, b"<sip:b@192.0.2.2>");
                        writer.raw(Name::CallId, b"1@192.0.2.1");
                        writer.raw(Name::CSeq, &line);
                        writer.raw(Name::MaxForwards, b"70");
                        writer.finish()
                    },
                );
                self.clients.extend(sent);
            }
        }
    }
}

/// A user agent `number` whose server, and whose friend, has the address of `other`.
fn user<'s>(number: u8, storage: &'s mut agent::Storage<1, 2, 2, 6, 8192>, other: u8) -> Phone<'s> {
    let mut config = agent::Config::new(SentBy::all(address(number)));
    config.transactions.limits = LIMITS;
    let mut agent = Agent::new(config, storage, [number; 32]).expect("the storage is enough");
    let name: &[u8] = if number == 1 { b"sip:alice@example.com" } else { b"sip:bob@example.com" };
    let over = if number == 1 { Path::udp(address(other)) } else { Path::tcp(address(other)) };
    let mut account = agent::Account::new(name).over(over, b"secret");
    account.takes_all = true;
    account.expires_s = 600;
    let account = agent.add_account(&account).expect("the account is good");
    Phone { agent, account, calls: VecDeque::new(), subscriptions: VecDeque::new() }
}

struct Phone<'s> {
    agent: Agent<'s>,
    account: AccountId,
    calls: VecDeque<CallId>,
    subscriptions: VecDeque<SubscriptionId>,
}

impl Phone<'_> {
    fn note(&mut self, event: &agent::Event<'_>) {
        match event {
            agent::Event::Incoming { call, .. } => self.calls.push_back(*call),
            agent::Event::Subscribe { subscription, .. } => {
                self.subscriptions.push_back(*subscription);
            }
            _ => {}
        }
        if self.calls.len() > 3 {
            self.calls.pop_front();
        }
        if self.subscriptions.len() > 3 {
            self.subscriptions.pop_front();
        }
    }
}

impl Engine for Phone<'_> {
    fn datagram(&mut self, now: Duration, path: Path, octets: &[u8]) {
        if let Ok(Some(event)) = self.agent.handle_datagram(now, path, octets) {
            self.note(&event);
        }
    }

    fn stream(&mut self, now: Duration, path: Path, octets: &[u8]) -> Result<usize, ()> {
        let (used, event) = self.agent.handle_stream(now, path, octets).map_err(drop)?;
        if let Some(event) = event {
            self.note(&event);
        }
        Ok(used)
    }

    fn closed(&mut self, now: Duration, path: Path) {
        self.agent.handle_closed(now, path);
    }

    fn timeout(&mut self, now: Duration) {
        self.agent.handle_timeout(now);
    }

    fn transmit(&mut self, now: Duration, buffer: &mut [u8]) -> Option<Transmit> {
        self.agent.poll_transmit(now, buffer)
    }

    fn event(&mut self) -> bool {
        self.agent.poll_event().is_some()
    }

    fn deadline(&mut self) -> Option<Duration> {
        self.agent.poll_timeout()
    }

    fn beats(&self) -> bool {
        true
    }

    fn call(&mut self, now: Duration, script: &mut Script<'_>) {
        let choice = script.octet();
        let call = self.calls.get(script.below(self.calls.len())).copied();
        let subscription = self.subscriptions.get(script.below(self.subscriptions.len())).copied();
        let uri: &[u8] = script.one_of(&[
            &b"sip:bob@example.com"[..],
            b"sip:alice@example.com",
            b"sip:bob@192.0.2.2",
            b"sip:alice@192.0.2.1;transport=tcp",
        ]);
        let body = Some((&b"application/sdp"[..], &b"v=0\r\n"[..]));
        let (agent, account) = (&mut self.agent, self.account);
        match (choice % 20, call, subscription) {
            (0, ..) => drop(agent.register(now, account)),
            (1, ..) => drop(agent.unregister(now, account)),
            (2, ..) => self.calls.extend(agent.invite(now, account, uri, body)),
            (3, Some(call), _) => drop(agent.answer(now, call, body)),
            (4, Some(call), _) => drop(agent.ring(now, call, StatusCode::RINGING, None)),
            (5, Some(call), _) => {
                let code = StatusCode::new(100 + script.short() % 600);
                let _ = agent.reject(now, call, code.unwrap_or(StatusCode::OK));
            }
            (6 | 7, Some(call), _) => drop(agent.hang_up(now, call)),
            (8, Some(call), _) => drop(agent.reinvite(now, call, body)),
            (9, Some(call), _) => drop(agent.info(now, call, b"text/plain", b"1")),
            (10, ..) => drop(agent.message(now, account, uri, b"text/plain", b"hello")),
            (11, ..) => drop(agent.options(now, account, uri)),
            (12, ..) => {
                let made = agent.subscribe(now, account, uri, b"presence", b"application/pidf+xml");
                self.subscriptions.extend(made);
            }
            (13, _, Some(it)) => drop(agent.accept_subscription(now, it)),
            (14, _, Some(it)) => drop(agent.unsubscribe(now, it)),
            (15, _, Some(it)) => drop(agent.notify(now, it, b"text/plain", b"here")),
            (16, _, Some(it)) => drop(agent.terminate_subscription(now, it)),
            (17, _, Some(it)) => {
                let code = StatusCode::new(100 + script.short() % 600);
                let _ = agent.reject_subscription(now, it, code.unwrap_or(StatusCode::OK));
            }
            (18, ..) => drop(agent.publish(now, account, b"presence", b"text/plain", b"here")),
            _ => drop(agent.unpublish(now, account)),
        }
    }
}

/// Everybody's password is the same.
struct Everybody;

impl Users for Everybody {
    fn ha1(&self, user: &[u8]) -> Option<Ha1> {
        let ha1 = |algorithm: Algorithm| Some(algorithm.ha1(user, b"example.com", b"secret"));
        Some(Ha1 { md5: ha1(Algorithm::Md5), sha256: ha1(Algorithm::Sha256), ..Ha1::default() })
    }
}

struct Serving<'s>(Server<'s, Everybody>);

impl Engine for Serving<'_> {
    fn datagram(&mut self, now: Duration, path: Path, octets: &[u8]) {
        let _ = self.0.handle_datagram(now, path, octets);
    }

    fn stream(&mut self, now: Duration, path: Path, octets: &[u8]) -> Result<usize, ()> {
        self.0.handle_stream(now, path, octets).map(|(used, _)| used).map_err(drop)
    }

    fn closed(&mut self, now: Duration, path: Path) {
        self.0.handle_closed(now, path);
    }

    fn timeout(&mut self, now: Duration) {
        self.0.handle_timeout(now);
    }

    fn transmit(&mut self, now: Duration, buffer: &mut [u8]) -> Option<Transmit> {
        self.0.poll_transmit(now, buffer)
    }

    fn event(&mut self) -> bool {
        self.0.poll_event().is_some()
    }

    fn deadline(&mut self) -> Option<Duration> {
        self.0.poll_timeout()
    }

    fn beats(&self) -> bool {
        false
    }

    fn call(&mut self, now: Duration, script: &mut Script<'_>) {
        // A request of a stranger, well formed but for what the script puts in.
        let method = script.one_of(&["REGISTER", "INVITE", "MESSAGE", "SUBSCRIBE", "PUBLISH"]);
        let more = String::from_utf8_lossy(script.octets()).into_owned();
        let text = format!(
            "{method} sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK{}\r\n\
             From: <sip:carol@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: 9\r\n\
             CSeq: 1 {method}\r\nMax-Forwards: 70\r\nContact: <sip:carol@192.0.2.9>\r\n{more}\r\n\r\n",
            script.octet(),
        );
        let _ = Message::parse(text.as_bytes());
        self.datagram(now, Path::udp(address(9)), text.as_bytes());
    }
}
