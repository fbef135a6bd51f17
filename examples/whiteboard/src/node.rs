//! The one task that owns a node of a conference, with its TCP connections.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde::Serialize;
use t120_core::conference::{Conference, Config, Connection, EndReason, Event, PORT};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep_until, timeout, timeout_at};

/// How many octets may wait for a node that takes none, before it is given up.
const MAX_WAITING: usize = 64 * 1024 * 1024;
/// How many connections there are at most.
const MAX_CONNECTIONS: u16 = 256;
/// How long the other side may take to be connected to.
const CONNECT: Duration = Duration::from_secs(20);
/// How many octets the board may have.
const MAX_BOARD: usize = 32 * 1024 * 1024;

/// Which conference, as whom.
#[derive(Clone, Debug)]
pub struct Options {
    /// The user's name.
    pub name: String,
    /// The name of the conference, in digits.
    pub conference: String,
    /// Where other nodes may join at this one.
    pub listen: Option<SocketAddr>,
}

/// What has happened, for those who watch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Happening {
    /// Other nodes may join here.
    Listening {
        /// Where.
        address: SocketAddr,
    },
    /// The node is in the conference.
    Joined {
        /// Its number.
        node: u16,
    },
    /// The board is equal to all others.
    Ready {
        /// How many objects stand on it.
        objects: usize,
    },
    /// Somebody has come or gone.
    People {
        /// Who is there.
        names: Vec<String>,
    },
    /// There is no more room for what others draw.
    BoardFull,
    /// The conference is over.
    Ended {
        /// Why.
        reason: String,
    },
    /// The board can be seen in a browser.
    Web {
        /// Where.
        address: String,
    },
}

type Question = Box<dyn FnOnce(&mut Conference<'static>) + Send>;

/// What asks a node, from wherever.
#[derive(Clone, Debug)]
pub struct Handle {
    questions: mpsc::Sender<Question>,
    changes: watch::Receiver<u64>,
}

/// A node that runs.
#[derive(Debug)]
pub struct Node {
    handle: Handle,
    task: JoinHandle<Result<()>>,
}

impl Node {
    /// Begins a conference.
    pub async fn host(
        options: &Options,
        tell: impl Fn(Happening) + Send + 'static,
    ) -> Result<Self> {
        let mut node = new(options)?;
        node.host(&options.conference).context("the name of a conference has digits only")?;
        Self::start(node, options, None, tell).await
    }

    /// Joins a conference at a node.
    pub async fn join(
        options: &Options,
        at: &str,
        tell: impl Fn(Happening) + Send + 'static,
    ) -> Result<Self> {
        let node = new(options)?;
        let open = async {
            if at.parse::<SocketAddr>().is_ok() || at.contains("]:") || at.matches(':').count() == 1
            {
                TcpStream::connect(at).await
            } else {
                TcpStream::connect((at.trim_matches(['[', ']']), PORT)).await
            }
        };
        let stream = timeout(CONNECT, open).await.map_err(|_| anyhow!("{at} does not answer"))?;
        let stream = stream.with_context(|| format!("no connection to {at}"))?;
        Self::start(node, options, Some(stream), tell).await
    }

    async fn start(
        node: Conference<'static>,
        options: &Options,
        upward: Option<TcpStream>,
        tell: impl Fn(Happening) + Send + 'static,
    ) -> Result<Self> {
        let (input, inputs) = mpsc::channel(64);
        if let Some(address) = options.listen {
            let listener = TcpListener::bind(address)
                .await
                .with_context(|| format!("nobody can listen on {address}"))?;
            tell(Happening::Listening { address: listener.local_addr()? });
            tokio::spawn(listen(listener, input.clone()));
        }
        let (questions, asked) = mpsc::channel(64);
        let (changed, changes) = watch::channel(0);
        let mut driver = Driver {
            buffer: vec![0; node.transmit_len()],
            node,
            epoch: Instant::now(),
            links: BTreeMap::new(),
            next_generation: 0,
            input,
            changed,
            tell: Box::new(tell),
            ended: None,
        };
        if let Some(stream) = upward {
            let connection = driver.open(stream)?;
            let now = driver.now();
            driver.node.join(now, connection, &options.conference).context("it cannot join")?;
        }
        let task = tokio::spawn(driver.run(inputs, asked));
        Ok(Self { handle: Handle { questions, changes }, task })
    }

    /// What asks it.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Leaves the conference, and closes all connections.
    pub async fn leave(self) -> Result<()> {
        // Where it is over already there is nothing to leave.
        let _ = self.handle.ask(|node| node.leave()).await;
        self.ended().await
    }

    /// Waits until the conference is over, and says so if it should not be.
    pub async fn ended(self) -> Result<()> {
        drop(self.handle);
        self.task.await.context("the node's task broke")?
    }
}

impl Handle {
    /// Asks the node.
    pub async fn ask<R: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Conference<'static>) -> R + Send + 'static,
    ) -> Result<R> {
        let (answer, answered) = oneshot::channel();
        let question: Question = Box::new(move |node| {
            // Whoever asked may not wait any more.
            let _ = answer.send(question(node));
        });
        self.questions.send(question).await.map_err(|_| anyhow!("the conference is over"))?;
        answered.await.context("the conference is over")
    }

    /// Waits until the node is as `is` wants it.
    pub async fn until(
        &mut self,
        what: &str,
        limit: Duration,
        is: impl Fn(&Conference<'static>) -> bool + Clone + Send + 'static,
    ) -> Result<()> {
        let until = tokio::time::Instant::now() + limit;
        loop {
            self.changes.mark_unchanged();
            let is = is.clone();
            if self.ask(move |node| is(node)).await? {
                return Ok(());
            }
            match timeout_at(until, self.changes.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => bail!("the conference was over before {what}"),
                Err(_) => bail!("{what} did not come within {} s", limit.as_secs_f32()),
            }
        }
    }

    /// Waits until something has happened since the last time; false where nothing will any more.
    pub async fn changed(&mut self) -> bool {
        self.changes.changed().await.is_ok()
    }
}

fn new(options: &Options) -> Result<Conference<'static>> {
    let mut config = Config::new(&options.name).context("a name has up to 63 octets")?;
    config.max_board_octets = MAX_BOARD;
    config.max_queued_octets = 2 * MAX_BOARD;
    config.max_connections = MAX_CONNECTIONS;
    let mut seed = [0; 32];
    // Nothing secret comes of it: it spreads the users' numbers.
    let random = std::fs::File::open("/dev/urandom").and_then(|mut f| f.read_exact(&mut seed));
    if random.is_err() {
        let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let mixed = time.as_nanos().wrapping_mul(u128::from(std::process::id()) + 1);
        seed[..16].copy_from_slice(&mixed.to_le_bytes());
    }
    Ok(Conference::growing(config, seed)?)
}

async fn listen(listener: TcpListener, input: mpsc::Sender<Input>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                if input.send(Input::Accepted(stream)).await.is_err() {
                    return;
                }
            }
            // Too many files, say: what is open may be closed in a while.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// What reaches the task from a connection. Its generation tells it from an older one of the same
/// number.
enum Input {
    Accepted(TcpStream),
    Octets(u16, u64, Vec<u8>),
    Closed(u16, u64),
}

struct Link {
    generation: u64,
    inbox: Vec<u8>,
    outbox: mpsc::UnboundedSender<Vec<u8>>,
    waiting: Arc<AtomicUsize>,
    reader: JoinHandle<()>,
    writer: JoinHandle<()>,
}

struct Driver {
    node: Conference<'static>,
    epoch: Instant,
    buffer: Vec<u8>,
    links: BTreeMap<u16, Link>,
    next_generation: u64,
    input: mpsc::Sender<Input>,
    changed: watch::Sender<u64>,
    tell: Box<dyn Fn(Happening) + Send>,
    /// Why the conference is over, once it is.
    ended: Option<EndReason>,
}

impl Driver {
    /// Runs until nobody can ask any more, or the conference is over.
    async fn run(
        mut self,
        mut inputs: mpsc::Receiver<Input>,
        mut asked: mpsc::Receiver<Question>,
    ) -> Result<()> {
        loop {
            self.drain();
            if let Some(reason) = self.ended {
                (self.tell)(Happening::Ended { reason: format!("{reason:?}") });
                self.goodbye().await;
                return match reason {
                    EndReason::Ended => Ok(()),
                    reason => bail!("the conference is over: {reason:?}"),
                };
            }
            let wait = self.node.poll_timeout().unwrap_or(Duration::from_secs(3600));
            let wait = self.epoch + wait;
            tokio::select! {
                question = asked.recv() => match question {
                    Some(question) => {
                        let was_in = self.node.node().is_some();
                        question(&mut self.node);
                        if was_in && self.node.node().is_none() {
                            self.ended = Some(EndReason::Ended);
                        }
                    }
                    None => {
                        let _ = self.node.leave();
                        self.drain();
                        self.goodbye().await;
                        return Ok(());
                    }
                },
                input = inputs.recv() => match input {
                    Some(Input::Accepted(stream)) => self.accept(stream),
                    Some(Input::Octets(number, generation, octets)) => {
                        self.take(number, generation, &octets);
                    }
                    Some(Input::Closed(number, generation)) => {
                        if self.is(number, generation) {
                            self.close(number);
                        }
                    }
                    None => bail!("no input any more"),
                },
                () = sleep_until(wait.into()) => {
                    let now = self.now();
                    self.node.handle_timeout(now);
                }
            }
        }
    }

    fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    fn is(&self, number: u16, generation: u64) -> bool {
        self.links.get(&number).is_some_and(|link| link.generation == generation)
    }

    fn accept(&mut self, stream: TcpStream) {
        // Without room for it, it is closed.
        let Ok(connection) = self.open(stream) else { return };
        let now = self.now();
        if self.node.accept(now, connection).is_err() {
            self.drop_link(connection.0);
        }
    }

    /// Starts reading and writing a stream.
    fn open(&mut self, stream: TcpStream) -> Result<Connection> {
        stream.set_nodelay(true)?;
        let mut numbers = 0..MAX_CONNECTIONS;
        let number = numbers.find(|number| !self.links.contains_key(number));
        let number = number.context("there are too many connections")?;
        let generation = self.next_generation;
        self.next_generation += 1;
        let (mut from, mut to) = stream.into_split();
        let input = self.input.clone();
        let reader = tokio::spawn(async move {
            loop {
                let mut octets = Vec::with_capacity(16 * 1024);
                match from.read_buf(&mut octets).await {
                    Ok(len) if len > 0 => {
                        let sent = input.send(Input::Octets(number, generation, octets)).await;
                        if sent.is_err() {
                            return;
                        }
                    }
                    _ => {
                        let _ = input.send(Input::Closed(number, generation)).await;
                        return;
                    }
                }
            }
        });
        let (outbox, mut packets) = mpsc::unbounded_channel::<Vec<u8>>();
        let waiting = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&waiting);
        let writer = tokio::spawn(async move {
            while let Some(packet) = packets.recv().await {
                let written = to.write_all(&packet).await;
                counted.fetch_sub(packet.len(), Ordering::Relaxed);
                if written.is_err() {
                    return;
                }
            }
            let _ = to.shutdown().await;
        });
        let inbox = Vec::new();
        let link = Link { generation, inbox, outbox, waiting, reader, writer };
        self.links.insert(number, link);
        Ok(Connection(number))
    }

    /// Takes all whole packets.
    fn take(&mut self, number: u16, generation: u64, octets: &[u8]) {
        if !self.is(number, generation) {
            return;
        }
        let Some(link) = self.links.get_mut(&number) else { return };
        let mut inbox = std::mem::take(&mut link.inbox);
        inbox.extend_from_slice(octets);
        let mut at = 0;
        loop {
            let now = self.now();
            let rest = inbox.get(at..).unwrap_or_default();
            match self.node.handle_stream(now, Connection(number), rest) {
                Ok((used, event)) => {
                    at += used;
                    event.into_iter().for_each(|event| self.note(event));
                    self.drain();
                    if used == 0 || !self.is(number, generation) {
                        break;
                    }
                }
                Err(_) => {
                    // What it sends cannot be understood: it goes, and the others stay.
                    self.drain();
                    self.close(number);
                    return;
                }
            }
        }
        inbox.drain(..at);
        if let Some(link) = self.links.get_mut(&number).filter(|l| l.generation == generation) {
            link.inbox = inbox;
        }
    }

    /// Writes all that is to be sent, and tells all that has happened.
    fn drain(&mut self) {
        loop {
            let mut again = self.transmit();
            while let Some(event) = self.node.poll_event() {
                self.note(event);
                again = true;
            }
            if !again {
                return;
            }
        }
    }

    /// Writes all that is to be sent; whether somebody had to be given up who takes nothing.
    fn transmit(&mut self) -> bool {
        let now = self.now();
        let mut slow = Vec::new();
        while let Some(transmit) = self.node.poll_transmit(now, &mut self.buffer) {
            let octets = self.buffer.get(..transmit.len).unwrap_or_default();
            let number = transmit.connection.0;
            let Some(link) = self.links.get(&number) else { continue };
            let waiting = link.waiting.fetch_add(octets.len(), Ordering::Relaxed);
            let sent = link.outbox.send(octets.to_vec());
            if (sent.is_err() || waiting > MAX_WAITING) && !slow.contains(&number) {
                slow.push(number);
            }
        }
        for number in &slow {
            self.close(*number);
        }
        !slow.is_empty()
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Joined { node, .. } => (self.tell)(Happening::Joined { node: node.value() }),
            Event::BoardReady => {
                let objects = self.node.board().len();
                (self.tell)(Happening::Ready { objects });
            }
            Event::RosterChanged => {
                let names = self.node.roster().map(|person| person.name.to_owned()).collect();
                (self.tell)(Happening::People { names });
            }
            Event::BoardFull => (self.tell)(Happening::BoardFull),
            Event::Disconnected { connection, reason } => {
                // What was said last on it goes out first.
                self.transmit();
                self.close(connection.0);
                if self.node.node().is_none() && !self.node.is_top() {
                    self.ended.get_or_insert(reason);
                }
            }
            Event::Ended { reason } => {
                self.ended.get_or_insert(reason);
            }
            _ => {}
        }
        self.changed.send_modify(|changes| *changes += 1);
    }

    /// The stream is over, or has to be.
    fn close(&mut self, number: u16) {
        self.drop_link(number);
        let now = self.now();
        self.node.handle_closed(now, Connection(number));
    }

    fn drop_link(&mut self, number: u16) {
        if let Some(link) = self.links.remove(&number) {
            link.reader.abort();
            // The writer ends when it has written what it has.
            drop(link.outbox);
        }
    }

    /// What was said last goes out.
    async fn goodbye(&mut self) {
        let writers = std::mem::take(&mut self.links).into_values().map(|link| {
            link.reader.abort();
            drop(link.outbox);
            link.writer
        });
        let all = async {
            for writer in writers.collect::<Vec<_>>() {
                let _ = writer.await;
            }
        };
        let _ = timeout(Duration::from_secs(2), all).await;
    }
}
