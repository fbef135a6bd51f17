//! The task that owns a client's agent, and feeds and drains it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sip_core::agent::{Agent, Event};
use sip_core::transport::{Path, Transport};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use crate::happening::Happening;
use crate::net::{Input, Network};

/// How long connections may take to send what waits when a client ends.
const FAREWELL: Duration = Duration::from_secs(1);

/// What somebody wants of the client's task.
pub(crate) type Question = Box<dyn FnOnce(&mut Driver, Duration) + Send>;

/// A connection as the client's task sees it.
struct Connection {
    id: u64,
    queue: mpsc::Sender<Vec<u8>>,
    /// The beginning of a message whose end has not come yet.
    rest: Vec<u8>,
}

/// The agent, and all that it is driven with.
pub(crate) struct Driver {
    agent: Agent<'static>,
    epoch: Instant,
    udp: Option<Arc<UdpSocket>>,
    network: Network,
    connections: HashMap<Path, Connection>,
    accepted: u64,
    buffer: Vec<u8>,
    tell: mpsc::UnboundedSender<Happening>,
    /// Whether each message is told of, too.
    pub(crate) traces: bool,
}

impl Driver {
    pub(crate) fn new(
        agent: Agent<'static>,
        udp: Option<Arc<UdpSocket>>,
        network: Network,
        tell: mpsc::UnboundedSender<Happening>,
    ) -> Self {
        let (epoch, buffer) = (Instant::now(), vec![0; Agent::BUFFER]);
        Self {
            agent,
            epoch,
            udp,
            network,
            connections: HashMap::new(),
            accepted: 0,
            buffer,
            tell,
            traces: false,
        }
    }

    /// The agent, to be asked for something; it is drained behind that.
    pub(crate) fn agent(&mut self) -> &mut Agent<'static> {
        &mut self.agent
    }

    /// Closes all connections.
    pub(crate) fn disconnect(&mut self, now: Duration) {
        for (path, _) in std::mem::take(&mut self.connections) {
            self.agent.handle_closed(now, path);
        }
    }

    /// How many connections others have opened to the client's own port.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Runs until nobody can ask any more.
    pub(crate) async fn run(
        mut self,
        mut inputs: mpsc::Receiver<Input>,
        mut asked: mpsc::Receiver<Question>,
    ) {
        loop {
            self.drain().await;
            let timeout = self.agent.poll_timeout().map(|at| self.epoch + at);
            let wait = async {
                match timeout {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                question = asked.recv() => match question {
                    Some(question) => {
                        let now = self.now();
                        question(&mut self, now);
                    }
                    None => break,
                },
                Some(input) = inputs.recv() => self.handle(input).await,
                () = wait => {}
            }
            // Inputs that never cease must not keep the timers from running.
            let now = self.now();
            if self.agent.poll_timeout().is_some_and(|at| at <= now) {
                self.agent.handle_timeout(now);
            }
        }
        // A queue without a sender ends its connection once it is empty.
        let mut open = self.connections.drain().count();
        let quiet = async {
            while open > 0 {
                match inputs.recv().await {
                    Some(Input::Closed { .. }) => open -= 1,
                    Some(_) => {}
                    None => break,
                }
            }
        };
        // Who does not take what waits for him in this time does without.
        let _ = tokio::time::timeout(FAREWELL, quiet).await;
    }

    async fn handle(&mut self, input: Input) {
        let now = self.now();
        match input {
            Input::Datagram { path, octets } => {
                self.trace(path, false, &octets);
                match self.agent.handle_datagram(now, path, &octets) {
                    Ok(Some(event)) => self.tell(&event),
                    Ok(None) => {}
                    Err(error) => self.trouble(path, error.to_string()),
                }
            }
            Input::Opened { path, id, queue } => {
                self.accepted += 1;
                let new = Connection { id, queue, rest: Vec::new() };
                if self.connections.insert(path, new).is_some() {
                    // The older connection of the same addresses cannot live any more.
                    self.agent.handle_closed(now, path);
                }
            }
            Input::Stream { path, id, octets } => self.stream(path, id, &octets).await,
            Input::Closed { path, id, error } => {
                if self.is_open(path, id) {
                    self.connections.remove(&path);
                    self.agent.handle_closed(now, path);
                }
                if let Some(error) = error {
                    self.trouble(path, error);
                }
            }
        }
    }

    async fn stream(&mut self, path: Path, id: u64, octets: &[u8]) {
        let Some(connection) = self.connections.get_mut(&path).filter(|c| c.id == id) else {
            return;
        };
        let mut rest = std::mem::take(&mut connection.rest);
        rest.extend_from_slice(octets);
        let mut at = 0;
        loop {
            let now = self.now();
            match self.agent.handle_stream(now, path, rest.get(at..).unwrap_or_default()) {
                Ok((used, event)) => {
                    self.trace(path, false, rest.get(at..at + used).unwrap_or_default());
                    at += used;
                    if let Some(event) = event {
                        self.tell(&event);
                    }
                    self.drain().await;
                    if used == 0 {
                        break;
                    }
                }
                Err(error) => {
                    self.trouble(path, error.to_string());
                    self.drain().await;
                    self.connections.remove(&path);
                    self.agent.handle_closed(now, path);
                    return;
                }
            }
        }
        rest.drain(..at.min(rest.len()));
        if let Some(connection) = self.connections.get_mut(&path).filter(|c| c.id == id) {
            connection.rest = rest;
        }
    }

    /// Sends and tells whatever there is.
    async fn drain(&mut self) {
        loop {
            self.send().await;
            let mut too_small = false;
            while let Some(event) = self.agent.poll_event() {
                if let Event::BufferTooSmall { needed } = event {
                    self.buffer.resize(needed.max(self.buffer.len()), 0);
                    too_small = true;
                } else {
                    self.tell(&event);
                }
            }
            if !too_small {
                return;
            }
        }
    }

    async fn send(&mut self) {
        loop {
            let now = self.now();
            let Some(transmit) = self.agent.poll_transmit(now, &mut self.buffer) else { break };
            let octets = self.buffer.get(..transmit.len).unwrap_or_default();
            let path = transmit.path;
            self.trace(path, true, octets);
            if path.transport == Transport::Udp {
                let sent = match &self.udp {
                    Some(udp) => udp.send_to(octets, path.remote).await.is_ok(),
                    None => false,
                };
                if !sent {
                    self.agent.handle_closed(now, path);
                }
                continue;
            }
            let octets = octets.to_vec();
            if !self.connections.contains_key(&path) {
                if !transmit.may_connect {
                    self.agent.handle_closed(now, path);
                    continue;
                }
                let (id, queue) = self.network.connect(path);
                self.connections.insert(path, Connection { id, queue, rest: Vec::new() });
            }
            let full =
                self.connections.get(&path).is_none_or(|c| c.queue.try_send(octets).is_err());
            if full {
                self.connections.remove(&path);
                self.agent.handle_closed(now, path);
                self.trouble(path, "takes nothing of what it is sent, closed".to_owned());
            }
        }
    }

    fn tell(&self, event: &Event<'_>) {
        if let Some(happening) = Happening::of(event) {
            // Who has dropped the client wants to know nothing.
            let _ = self.tell.send(happening);
        }
    }

    fn trouble(&self, path: Path, error: String) {
        let _ = self.tell.send(Happening::Trouble { remote: path.remote, error });
    }

    fn trace(&self, path: Path, sent: bool, octets: &[u8]) {
        // Keep-alives are no messages.
        if self.traces && octets.iter().any(|octet| !octet.is_ascii_whitespace()) {
            let text = String::from_utf8_lossy(octets).into_owned();
            let _ = self.tell.send(Happening::Trace { path, sent, text });
        }
    }

    fn is_open(&self, path: Path, id: u64) -> bool {
        self.connections.get(&path).is_some_and(|connection| connection.id == id)
    }

    fn now(&self) -> Duration {
        self.epoch.elapsed()
    }
}
