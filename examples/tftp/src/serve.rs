//! The server: one thread, the machine, UDP sockets, and the jail.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use mio::{Events, Poll, Token, Waker};
use tftp_core::netascii::Decoder;
use tftp_core::server::{Config, Event, Grant, Server, TransferId};
use tftp_core::{ErrorCode, Kind, Mode, Path};

use crate::Clock;
use crate::batch::Batch;
use crate::bucket::Bucket;
use crate::content::Content;
use crate::jail::{Access, Jail, Refusal, to_netascii};
use crate::report::{Report, rate};
use crate::sockets::Sockets;
use crate::template::Template;

/// After how many datagrams the timers are looked at, however many more there are.
const ROUND: u32 = 256;
/// How many packets of one transfer in turns are waited for in its own socket, and for how long in
/// all, before all sockets are looked at: one system call of three for each block is saved.
const TURNS: u32 = 32;
const TURNS_TIME: Duration = Duration::from_millis(1);
/// When a socket is looked at again that may have had more than one packet. A timer that fires
/// before the system's own tick costs more than all system calls that it saves.
const SOON: Duration = Duration::from_millis(20);
/// How long those are answered after a stop who have not seen that their file has come whole.
const FAREWELL: Duration = Duration::from_secs(1);
const WAKE: Token = Token(usize::MAX);

/// What a server is to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder.
    pub root: std::path::PathBuf,
    /// Where requests come to; port 0 takes a free one.
    pub listen: Vec<SocketAddr>,
    /// What clients may do.
    pub access: Access,
    /// Files that are made as they are asked for; they come before those of the folder.
    pub templates: Vec<Template>,
    /// All packets pass the sockets that the requests come to.
    pub single_port: bool,
    /// Octets in a second, of all transfers together.
    pub rate: Option<u64>,
    /// How long transfers may go on after a stop.
    pub grace: Duration,
    /// The machine's limits.
    pub config: Config,
}

impl Options {
    /// A server that only reads, on one address.
    pub fn new(root: impl Into<std::path::PathBuf>, listen: SocketAddr) -> Self {
        Self {
            root: root.into(),
            listen: vec![listen],
            access: Access::default(),
            templates: Vec::new(),
            single_port: false,
            rate: None,
            grace: Duration::from_secs(5),
            config: Config::default(),
        }
    }
}

/// Stops a server from another thread.
#[derive(Clone, Debug)]
pub struct Stopper {
    stop: Arc<AtomicBool>,
    waker: Arc<Waker>,
}

impl Stopper {
    /// No more requests are taken; [`Serve::run`] returns when the transfers have ended.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        // Where waking fails the server looks at its next timer.
        let _ = self.waker.wake();
    }
}

/// A server that is bound to its sockets.
#[derive(Debug)]
pub struct Serve {
    options: Options,
    jail: Jail,
    poll: Poll,
    stopper: Stopper,
    clock: Clock,
    server: Server<'static>,
    sockets: Sockets,
    open: HashMap<TransferId, Open>,
    /// Sockets that one packet was taken of, and that may have another.
    perhaps: Vec<u16>,
    bucket: Option<Bucket>,
    batch: Batch,
}

/// A transfer's file.
#[derive(Debug)]
struct Open {
    peer: SocketAddr,
    kind: &'static str,
    name: String,
    local: Option<u16>,
    since: Instant,
    octets: u64,
    is_whole: bool,
    content: Content,
}

impl Serve {
    /// Binds the sockets and opens the folder.
    ///
    /// # Errors
    /// What cannot be bound or opened.
    pub fn bind(mut options: Options) -> anyhow::Result<Self> {
        let jail = Jail::open(&options.root, options.access)
            .with_context(|| format!("cannot open the folder {}", options.root.display()))?;
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let mut sockets = Sockets::default();
        anyhow::ensure!(!options.listen.is_empty(), "no address to listen on");
        for address in &options.listen {
            sockets
                .listen(&poll, *address)
                .with_context(|| format!("cannot listen on {address}"))?;
        }
        options.config.listeners = sockets.listeners();
        let mut seed = [0; 32];
        {
            use std::hash::{BuildHasher as _, Hasher as _};
            // The only source of the standard library that nobody outside can foresee.
            for part in seed.chunks_mut(8) {
                let state = std::collections::hash_map::RandomState::new();
                part.copy_from_slice(&state.build_hasher().finish().to_le_bytes());
            }
        }
        let server = Server::growing(options.config, seed);
        let room = server.transmit_len();
        Ok(Self {
            jail,
            poll,
            stopper: Stopper { stop: Arc::new(AtomicBool::new(false)), waker },
            clock: Clock::start(),
            server,
            sockets,
            open: HashMap::new(),
            perhaps: Vec::new(),
            bucket: options.rate.map(Bucket::new),
            batch: Batch::new(room),
            options,
        })
    }

    /// Where the server listens, ports filled in.
    ///
    /// # Errors
    /// What the system says.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        (0..self.sockets.listeners())
            .filter_map(|local| self.sockets.get(local))
            .map(|socket| socket.udp.local_addr())
            .collect()
    }

    /// What stops it.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Serves until it is stopped.
    ///
    /// # Errors
    /// What the system says of the sockets.
    pub fn run(mut self, mut tell: impl FnMut(&Report)) -> anyhow::Result<()> {
        for address in self.addresses()? {
            tell(&Report::Listening { address });
        }
        let mut events = Events::with_capacity(256);
        let mut buffer = vec![0; usize::from(self.options.config.max_blksize) + 4 + 512];
        let mut stopped: Option<Instant> = None;
        loop {
            let mut deadline = None;
            if self.stopper.stop.load(Ordering::Acquire) {
                let transfers = self.open.values().filter(|open| !open.is_whole).count();
                let since = *stopped.get_or_insert_with(|| {
                    tell(&Report::Stopping { transfers });
                    Instant::now()
                });
                let grace = self.options.grace;
                let end = since + if transfers > 0 { grace } else { grace.min(FAREWELL) };
                if self.open.is_empty() {
                    return Ok(());
                }
                if Instant::now() >= end {
                    self.abort_all(&mut tell);
                    return Ok(());
                }
                deadline = Some(end);
            }
            let timeout = self.timeout(deadline);
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            }
            let perhaps = std::mem::take(&mut self.perhaps);
            for event in &events {
                if let Ok(local) = u16::try_from(event.token().0) {
                    self.receive(local, &mut buffer, &mut tell);
                }
            }
            for local in perhaps {
                if !self.perhaps.contains(&local) {
                    self.receive(local, &mut buffer, &mut tell);
                }
            }
            self.server.handle_timeout(self.clock.now());
            self.drain(&mut tell);
        }
    }

    fn timeout(&self, deadline: Option<Instant>) -> Option<Duration> {
        let now = self.clock.now();
        let machine = self.server.poll_timeout().map(|at| at.saturating_sub(now));
        let bucket = self.bucket.as_ref().and_then(Bucket::wait);
        let end = deadline.map(|end| end.saturating_duration_since(Instant::now()));
        let perhaps = (!self.perhaps.is_empty()).then_some(SOON);
        [machine, bucket, end, perhaps].into_iter().flatten().min()
    }

    /// Takes all that has come to a socket: it is not told of again before more comes.
    ///
    /// Where packets come in turns one is taken, and the system call that would say that there is
    /// no other is saved: the next one is told of when it comes. Where there was another after all
    /// (a repeat, a stranger's) it is found soon enough. And where nobody else is there the next one
    /// is waited for here, for a moment.
    fn receive(&mut self, local: u16, buffer: &mut [u8], tell: &mut impl FnMut(&Report)) {
        let mut round = 0u32;
        let mut since = None;
        loop {
            let Some(socket) = self.sockets.get(local) else { return };
            let in_turns = socket.in_turns;
            let waits = in_turns && round > 0;
            let received = if waits { socket.wait(buffer) } else { socket.receive(buffer) };
            let (len, remote) = match received {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // An ICMP message to an earlier datagram; the timer sees to it.
                Err(_) => continue,
            };
            let now = self.clock.now();
            let path = Path { local, remote };
            let result = self.server.handle_datagram(now, path, &buffer[..len]);
            match result {
                Ok(None) => {}
                Ok(Some(event)) => self.handle_event(now, path, event, tell),
                Err(error) => tell(&Report::Rejected { peer: remote, reason: error.to_string() }),
            }
            round += 1;
            if in_turns {
                self.drain(tell);
                let begin = *since.get_or_insert(now);
                let alone = self.open.len() == 1 && self.bucket.is_none();
                if alone && round < TURNS && now.saturating_sub(begin) < TURNS_TIME {
                    continue;
                }
                self.perhaps.push(local);
                return;
            }
            if round.is_multiple_of(ROUND) {
                self.server.handle_timeout(now);
            }
            self.drain(tell);
        }
    }

    fn handle_event(
        &mut self,
        now: Duration,
        path: Path,
        event: Event<'_>,
        tell: &mut impl FnMut(&Report),
    ) {
        match event {
            Event::Request { transfer, kind, name, mode, .. } => {
                let peer = path.remote;
                let word = if kind == Kind::Read { "read" } else { "write" };
                let file = String::from_utf8_lossy(name).into_owned();
                let in_turns = kind == Kind::Read
                    && self.server.options(transfer).is_some_and(|o| o.windowsize.is_none());
                let opened = self.open(kind, name, mode, path, in_turns);
                let (content, size, local) = match opened {
                    Ok(opened) => opened,
                    Err(Refusal { code, message }) => {
                        let _ = self.server.refuse(now, transfer, code, message);
                        let reason = message.to_owned();
                        let code = code.number();
                        tell(&Report::Refused { peer, kind: word, file, code, reason });
                        return;
                    }
                };
                let _ = self.server.accept(now, transfer, Grant { size, local });
                let options = self.server.options(transfer).unwrap_or_default();
                tell(&Report::Started {
                    peer,
                    kind: word,
                    file: file.clone(),
                    size: size.or(options.tsize),
                    blksize: options.blksize_or_default(),
                    windowsize: options.windowsize_or_default(),
                });
                let since = Instant::now();
                let (octets, is_whole) = (0, false);
                let open =
                    Open { peer, kind: word, name: file, local, since, octets, is_whole, content };
                self.open.insert(transfer, open);
            }
            Event::Block { transfer, data, last, .. } => {
                let Some(open) = self.open.get_mut(&transfer) else { return };
                open.octets += data.len() as u64;
                if let Err(Refusal { code, message }) = open.content.store(data, last) {
                    let _ = self.server.abort(now, transfer, code, message);
                    tell(&open.failed(message.to_owned()));
                }
            }
            Event::Complete { transfer, octets } => {
                if let Some(open) = self.open.get_mut(&transfer) {
                    open.is_whole = true;
                    let seconds = open.since.elapsed().as_secs_f64();
                    tell(&Report::Complete {
                        peer: open.peer,
                        kind: open.kind,
                        file: open.name.clone(),
                        octets,
                        seconds,
                        rate: rate(octets, seconds),
                    });
                }
            }
            Event::Failed { transfer, failure } => {
                let octets = self.server.transferred(transfer).unwrap_or(0);
                if let Some(open) = self.open.get_mut(&transfer) {
                    open.octets = octets;
                    tell(&open.failed(failure.to_string()));
                }
            }
            Event::Released { transfer } => {
                if let Some(local) = self.open.remove(&transfer).and_then(|open| open.local) {
                    self.sockets.close(&self.poll, local);
                }
            }
            _ => {}
        }
    }

    /// Opens the file of a request, and a socket for its transfer.
    fn open(
        &mut self,
        kind: Kind,
        name: &[u8],
        mode: Mode,
        path: Path,
        in_turns: bool,
    ) -> Result<(Content, Option<u64>, Option<u16>), Refusal> {
        if self.stopper.stop.load(Ordering::Acquire) {
            let code = ErrorCode::NotDefined;
            return Err(Refusal { code, message: "The server is stopping" });
        }
        let made = (kind == Kind::Read).then(|| self.make(name, path.remote.ip())).flatten();
        let (content, size) = match (made, kind, mode) {
            (Some(made), _, mode) => {
                let made = made?;
                let made = if mode == Mode::Netascii { to_netascii(&made) } else { made };
                let size = made.len() as u64;
                (Content::Memory(made), Some(size))
            }
            (None, Kind::Read, Mode::Netascii) => {
                let text = self.jail.read_netascii(name)?;
                let size = text.len() as u64;
                (Content::Memory(text), Some(size))
            }
            (None, Kind::Read, _) => {
                let (file, size) = self.jail.read(name)?;
                (Content::File { file, ahead: Vec::new(), at: 0, len: 0 }, Some(size))
            }
            (None, Kind::Write, mode) => {
                let upload = self.jail.create(name)?;
                let decoder = (mode == Mode::Netascii).then(Decoder::new);
                (Content::Upload { upload, decoder }, None)
            }
        };
        let local = if self.options.single_port {
            None
        } else {
            let opened = self.sockets.open(&self.poll, path.local, in_turns);
            let busy = Refusal { code: ErrorCode::NotDefined, message: "No port is free" };
            Some(opened.map_err(|_| busy)?)
        };
        Ok((content, size, local))
    }

    /// What the first template that fits the name makes of it.
    fn make(&self, name: &[u8], peer: IpAddr) -> Option<io::Result<Vec<u8>>> {
        self.options.templates.iter().find_map(|template| template.make(name, peer))
    }

    /// Sends what there is to send, and takes the events that have come of it.
    fn drain(&mut self, tell: &mut impl FnMut(&Report)) {
        loop {
            let now = self.clock.now();
            while self.bucket.as_mut().is_none_or(Bucket::has_room) {
                let Some(transmit) = self.server.poll_transmit(now, self.batch.space()) else {
                    break;
                };
                if let Some(bucket) = &mut self.bucket {
                    bucket.take(transmit.len);
                }
                if let Some((transfer, read)) = transmit.read {
                    let place = &mut self.batch.space()[read.place()];
                    let filled = match self.open.get_mut(&transfer) {
                        Some(open) => open.content.fill(&read, place),
                        None => Err(io::ErrorKind::NotFound.into()),
                    };
                    if filled.is_err() {
                        let message = "The file cannot be read any more";
                        let code = ErrorCode::NotDefined;
                        let _ = self.server.abort(now, transfer, code, message);
                        if let Some(open) = self.open.get(&transfer) {
                            tell(&open.failed(message.to_owned()));
                        }
                        continue;
                    }
                }
                if !self.batch.takes(transmit.path, transmit.len) {
                    self.flush(transmit.len);
                }
                self.batch.push(transmit.path, transmit.len);
            }
            self.flush(0);
            let mut quiet = true;
            while let Some(event) = self.server.poll_event() {
                quiet = false;
                // Whose they are does not matter: no request comes of time.
                if let Some(nobody) = self.options.listen.first().copied() {
                    let path = Path { local: 0, remote: nobody };
                    self.handle_event(now, path, event, tell);
                }
            }
            if quiet {
                return;
            }
        }
    }

    fn flush(&mut self, next: usize) {
        let local = self.batch.path().map(|path| path.local);
        let socket = local.and_then(|local| self.sockets.get(local));
        self.batch.flush(socket.map(|socket| &socket.udp), next);
    }

    fn abort_all(&mut self, tell: &mut impl FnMut(&Report)) {
        let message = "The server is stopping";
        let now = self.clock.now();
        for (transfer, open) in &self.open {
            if self.server.abort(now, *transfer, ErrorCode::NotDefined, message).is_ok() {
                tell(&open.failed(message.to_owned()));
            }
        }
        // The ERRORs go out whatever the rate is.
        self.bucket = None;
        self.drain(tell);
    }
}

impl Open {
    fn failed(&self, reason: String) -> Report {
        Report::Failed {
            peer: self.peer,
            kind: self.kind,
            file: self.name.clone(),
            octets: self.octets,
            reason,
        }
    }
}
