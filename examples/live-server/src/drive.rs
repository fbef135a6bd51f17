//! The one task that owns the server machine, and feeds and drains it.

use alloc::sync::Arc;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::HashMap;
use std::time::Instant;

use anyhow::{Context, Result};
use sip_core::message::{Limits, Method};
use sip_core::ntlm::Policy;
use sip_core::server::{self, Departure, Event, Ha1, Listen, Server};
use sip_core::transport::{Frame, Path, Transport};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};

use crate::lcs::Dialect;
use crate::net::{Input, Network, PATIENCE};
use crate::{Notice, Notify, Users};

/// How long the connections may take to send what waits, when the server stops.
const FAREWELL: Duration = Duration::from_secs(2);

impl server::Users for &Users {
    fn ha1(&self, user: &[u8]) -> Option<Ha1> {
        self.account(user).cloned()
    }
}

fn seed() -> Result<[u8; 32]> {
    let mut seed = [0; 32];
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut seed)
        .map_err(|_| anyhow::anyhow!("the system gives no random numbers"))?;
    Ok(seed)
}

/// How often connections are looked through for messages that do not come to their end.
const SWEEP: Duration = Duration::from_secs(5);

/// The name of a transport, as it stands in a configuration.
pub(crate) fn transport_name(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "udp",
        Transport::Tcp => "tcp",
        Transport::Tls => "tls",
        _ => "other",
    }
}

/// A connection as this task sees it.
struct Connection {
    id: u64,
    queue: mpsc::Sender<Vec<u8>>,
    /// The beginning of a message whose end has not come yet, and since when.
    rest: Vec<u8>,
    since: Option<Instant>,
}

pub(crate) struct Driver<'c> {
    server: Server<'c, &'c Users>,
    dialect: Option<Dialect<'c>>,
    limits: Limits,
    listen: &'c [Listen],
    sockets: Vec<Arc<UdpSocket>>,
    network: Network,
    connections: HashMap<Path, Connection>,
    buffer: Vec<u8>,
    epoch: Instant,
    notify: Notify,
    received: u64,
    sent: u64,
}

impl<'c> Driver<'c> {
    pub(crate) fn new(
        config: server::Config<'c>,
        users: &'c Users,
        lcs: Option<Policy>,
        sockets: Vec<Arc<UdpSocket>>,
        network: Network,
        notify: Notify,
    ) -> Result<Self> {
        let listen = config.listen;
        let limits = config.limits;
        let domain = config.domain;
        let server =
            Server::growing(config, users, seed()?).context("the server cannot be set up")?;
        let dialect = match lcs {
            Some(policy) => Some(Dialect::new(users, domain, policy, seed()?)?),
            None => None,
        };
        Ok(Self {
            server,
            dialect,
            limits,
            listen,
            sockets,
            network,
            connections: HashMap::new(),
            buffer: vec![0; server::TRANSMIT_BUFFER],
            epoch: Instant::now(),
            notify,
            received: 0,
            sent: 0,
        })
    }

    /// Serves until it is told to stop.
    pub(crate) async fn run(
        &mut self,
        mut inputs: mpsc::Receiver<Input>,
        mut stop: oneshot::Receiver<()>,
    ) -> mpsc::Receiver<Input> {
        let mut sweep = tokio::time::interval(SWEEP);
        loop {
            self.drain().await;
            let timeout = self.server.poll_timeout().map(|at| self.epoch + at);
            let wait = async {
                match timeout {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => core::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                _ = &mut stop => break,
                input = inputs.recv() => match input {
                    Some(input) => self.handle(input).await,
                    None => break,
                },
                _ = sweep.tick() => self.sweep().await,
                () = wait => {}
            }
            // Inputs that never cease must not keep the timers from running.
            let now = self.now();
            if self.server.poll_timeout().is_some_and(|at| at <= now) {
                self.server.handle_timeout(now);
            }
        }
        inputs
    }

    /// Lets what waits go out, and closes all connections.
    pub(crate) async fn end(&mut self, mut inputs: mpsc::Receiver<Input>) {
        self.drain().await;
        self.connections.clear();
        let quiet = async {
            let mut open = self.network.open();
            while open > 0 && inputs.recv().await.is_some() {
                open = self.network.open();
            }
        };
        // Who does not take what waits for him in this time does without.
        let _ = tokio::time::timeout(FAREWELL, quiet).await;
        (self.notify)(&Notice::Stopped { received: self.received, sent: self.sent });
    }

    async fn handle(&mut self, input: Input) {
        match input {
            Input::Datagram { path, octets } => self.datagram(path, &octets),
            Input::Opened { path, id, queue } => {
                let new = Connection { id, queue, rest: Vec::new(), since: None };
                if self.connections.insert(path, new).is_some() {
                    // The older connection of the same addresses cannot live any more.
                    let now = self.now();
                    self.server.handle_closed(now, path);
                }
            }
            Input::Stream { path, id, octets } => self.stream(path, id, octets).await,
            Input::Closed { path, id, error } => {
                if self.connections.get(&path).is_some_and(|connection| connection.id == id) {
                    self.connections.remove(&path);
                    let now = self.now();
                    self.server.handle_closed(now, path);
                    if let Some(dialect) = &mut self.dialect {
                        dialect.closed(path);
                    }
                }
                if let Some(error) = error {
                    (self.notify)(&Notice::Trouble { error, address: path.remote });
                }
            }
            Input::Trouble { address, error } => {
                (self.notify)(&Notice::Trouble { error, address });
            }
        }
    }

    fn datagram(&mut self, path: Path, octets: &[u8]) {
        self.received += 1;
        let now = self.now();
        if let Some(dialect) = &mut self.dialect {
            let notify = &mut self.notify;
            let taken =
                dialect.take(&mut self.server, now, path, octets, |event| tell(notify, event));
            if let Err(error) = taken {
                notify(&Notice::Malformed { error, address: path.remote });
            }
            return;
        }
        match self.server.handle_datagram(now, path, octets) {
            Ok(Some(event)) => tell(&mut self.notify, &event),
            Ok(None) => {}
            Err(error) => {
                (self.notify)(&Notice::Malformed { error: error.to_string(), address: path.remote })
            }
        }
    }

    async fn stream(&mut self, path: Path, id: u64, octets: Vec<u8>) {
        let Some(connection) = self.connections.get_mut(&path).filter(|c| c.id == id) else {
            return;
        };
        let mut rest = core::mem::take(&mut connection.rest);
        if rest.is_empty() {
            rest = octets;
        } else {
            rest.extend_from_slice(&octets);
        }
        let mut at = 0;
        loop {
            let bytes = rest.get(at..).unwrap_or_default();
            let now = self.now();
            if let Some(dialect) = &mut self.dialect
                && let Ok(Frame::Message(used, message)) = Frame::next(bytes, &self.limits)
            {
                let notify = &mut self.notify;
                let octets = message.as_bytes();
                let taken =
                    dialect.take(&mut self.server, now, path, octets, |event| tell(notify, event));
                // What is well framed and not good is dropped; the stream goes on.
                if let Err(error) = taken {
                    notify(&Notice::Malformed { error, address: path.remote });
                }
                at += used;
                self.received += 1;
                self.drain().await;
                continue;
            }
            match self.server.handle_stream(now, path, bytes) {
                Ok((0, event)) => {
                    if let Some(event) = event {
                        tell(&mut self.notify, &event);
                    }
                    break;
                }
                Ok((used, event)) => {
                    at += used;
                    self.received += 1;
                    if let Some(event) = event {
                        tell(&mut self.notify, &event);
                    }
                }
                Err(error) => {
                    let error = error.to_string();
                    (self.notify)(&Notice::Malformed { error, address: path.remote });
                    self.drain().await;
                    self.close(path, id);
                    return;
                }
            }
            self.drain().await;
        }
        rest.drain(..at.min(rest.len()));
        // What a long message needed is not kept for the next one.
        rest.shrink_to(4096);
        let Some(connection) = self.connections.get_mut(&path).filter(|c| c.id == id) else {
            return;
        };
        // A message that was begun and is not going on would hold its place for ever.
        connection.since = match (rest.is_empty(), at, connection.since) {
            (true, _, _) => None,
            (false, 0, Some(since)) => Some(since),
            (false, _, _) => Some(Instant::now()),
        };
        connection.rest = rest;
    }

    /// Closes connections on which a message was begun and does not come to its end.
    async fn sweep(&mut self) {
        let slow = |connection: &Connection| {
            connection.since.is_some_and(|since| since.elapsed() > PATIENCE)
        };
        let all = self.connections.iter().filter(|(_, connection)| slow(connection));
        let slow: Vec<_> = all.map(|(path, connection)| (*path, connection.id)).collect();
        for (path, id) in slow {
            let error = "a message does not come to its end, closed".to_owned();
            (self.notify)(&Notice::Trouble { error, address: path.remote });
            self.close(path, id);
            self.drain().await;
        }
    }

    /// Sends and tells whatever there is.
    async fn drain(&mut self) {
        loop {
            let reply = self.dialect.as_mut().and_then(|dialect| dialect.replies.pop_front());
            if let Some((path, octets)) = reply {
                self.send(path, false, octets).await;
                continue;
            }
            let now = self.now();
            let Some(transmit) = self.server.poll_transmit(now, &mut self.buffer) else { break };
            let octets = self.buffer.get(..transmit.len).unwrap_or_default();
            let path = transmit.path;
            let octets = match &mut self.dialect {
                None => octets.to_vec(),
                Some(dialect) => match dialect.seal(now, path, octets) {
                    Ok((octets, answer)) => {
                        // Of no news to anybody.
                        let _ = if path.transport.is_reliable() {
                            self.server.handle_stream(now, path, &answer).map(|_| ())
                        } else if answer.is_empty() {
                            Ok(())
                        } else {
                            self.server.handle_datagram(now, path, &answer).map(|_| ())
                        };
                        octets
                    }
                    Err(error) => {
                        (self.notify)(&Notice::Trouble { error, address: path.remote });
                        continue;
                    }
                },
            };
            self.send(path, transmit.may_connect, octets).await;
        }
        while let Some(event) = self.server.poll_event() {
            tell(&mut self.notify, &event);
        }
    }

    async fn send(&mut self, path: Path, may_connect: bool, octets: Vec<u8>) {
        let now = self.now();
        self.sent += 1;
        if path.transport == Transport::Udp {
            let Some(socket) = self.sockets.get(usize::from(path.local)) else { return };
            if let Err(error) = socket.send_to(&octets, path.remote).await {
                let error = format!("cannot send: {error}");
                (self.notify)(&Notice::Trouble { error, address: path.remote });
                self.server.handle_closed(now, path);
            }
            return;
        }
        if !self.connections.contains_key(&path) {
            if !may_connect {
                self.server.handle_closed(now, path);
                return;
            }
            self.open(path);
        }
        let Some(connection) = self.connections.get(&path) else { return };
        if connection.queue.try_send(octets).is_err() {
            let error = "takes nothing of what it is sent, closed".to_owned();
            (self.notify)(&Notice::Trouble { error, address: path.remote });
            let id = connection.id;
            self.close(path, id);
        }
    }

    fn open(&mut self, path: Path) {
        let from = self.listen.iter().find(|listen| listen.local == path.local);
        let from =
            from.map_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0)), |listen| listen.address);
        let (id, queue) = self.network.connect(path, from);
        self.connections.insert(path, Connection { id, queue, rest: Vec::new(), since: None });
    }

    /// Ends a connection once what waits has been sent over it.
    fn close(&mut self, path: Path, id: u64) {
        if self.connections.get(&path).is_some_and(|connection| connection.id == id) {
            self.connections.remove(&path);
            let now = self.now();
            self.server.handle_closed(now, path);
        }
    }

    fn now(&self) -> Duration {
        self.epoch.elapsed()
    }
}

/// Tells the person who runs the server what has happened.
fn tell(notify: &mut Notify, event: &Event<'_>) {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    let notice = match *event {
        Event::Registered { ref user, contact, expires_s, path, bindings } => Notice::Registered {
            user: user.to_string(),
            contact: text(contact),
            expires_s,
            transport: transport_name(path.transport),
            from: path.remote,
            devices: bindings,
        },
        Event::Unregistered { ref user, reason, bindings } => Notice::Unregistered {
            user: user.to_string(),
            reason: match reason {
                Departure::Disconnected => "disconnected",
                Departure::Expired => "expired",
                _ => "removed",
            },
            devices: bindings,
        },
        Event::Published { ref user } => Notice::Published { user: user.to_string() },
        Event::Subscribed { ref user, watcher, expires_s } => {
            Notice::Subscribed { watcher: text(watcher), user: user.to_string(), expires_s }
        }
        Event::Relayed { method: Method::Invite, from, to, in_dialog: false, .. } => {
            Notice::Call { state: "calling", from: text(from), to: text(to), code: None }
        }
        Event::Relayed { method: Method::Bye, from, to, .. } => {
            Notice::Call { state: "ended", from: text(from), to: text(to), code: None }
        }
        Event::Relayed { method, from, to, branches, .. } => Notice::Relayed {
            method: method.to_string(),
            from: text(from),
            to: text(to),
            devices: branches,
        },
        Event::Answered { code, from, to } => Notice::Call {
            state: if code.is_success() { "answered" } else { "failed" },
            from: text(from),
            to: text(to),
            code: Some(code.get()),
        },
        Event::Refused { method, from, code, path } => Notice::Refused {
            method: method.to_string(),
            from: text(from),
            code: code.get(),
            address: path.remote,
        },
        Event::Overflow { events } => Notice::Missed { events },
        _ => return,
    };
    notify(&notice);
}
