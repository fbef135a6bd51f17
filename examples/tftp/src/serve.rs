//! The server: one thread, the machine, UDP sockets, and the jail.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use tftp_core::netascii::Decoder;
use tftp_core::server::{Config, Event, Grant, Server, TransferId};
use tftp_core::{ErrorCode, Kind, Mode, Path, Read};

use crate::Clock;
use crate::batch::Batch;
use crate::jail::{Access, Jail, Refusal, Upload};
use crate::report::{Report, rate};

/// How much of a file is read at once.
const READ_AHEAD: usize = 64 * 1024;
/// How large the sockets' buffers are asked to be, in octets.
const SOCKET_BUFFER: usize = 4 << 20;
/// After how many datagrams the timers are looked at, however many more there are.
const ROUND: u32 = 256;
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
    content: Content,
}

#[derive(Debug)]
enum Content {
    File { file: std::fs::File, ahead: Vec<u8>, at: u64, len: usize },
    Memory(Vec<u8>),
    Upload { upload: Upload, decoder: Option<Decoder> },
}

#[derive(Debug, Default)]
struct Sockets {
    of: HashMap<u16, UdpSocket>,
    next: u16,
    listeners: u16,
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
            let socket = bind(*address).with_context(|| format!("cannot listen on {address}"))?;
            let local = sockets.listeners;
            sockets.listeners = local.checked_add(1).context("too many addresses")?;
            sockets.insert(&poll, local, socket)?;
        }
        options.config.listeners = sockets.listeners;
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
        (0..self.sockets.listeners)
            .filter_map(|local| self.sockets.of.get(&local))
            .map(UdpSocket::local_addr)
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
        let mut deadline: Option<Instant> = None;
        loop {
            if self.stopper.stop.load(Ordering::Acquire) {
                let end = *deadline.get_or_insert_with(|| {
                    tell(&Report::Stopping { transfers: self.open.len() });
                    Instant::now() + self.options.grace
                });
                if self.open.is_empty() {
                    return Ok(());
                }
                if Instant::now() >= end {
                    self.abort_all(&mut tell);
                    return Ok(());
                }
            }
            let timeout = self.timeout(deadline);
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            }
            for event in &events {
                let token = event.token();
                if token != WAKE {
                    self.receive(token, &mut buffer, &mut tell);
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
        [machine, bucket, end].into_iter().flatten().min()
    }

    /// Takes all that has come to a socket: it is not told of again before more comes.
    fn receive(&mut self, token: Token, buffer: &mut [u8], tell: &mut impl FnMut(&Report)) {
        let Ok(local) = u16::try_from(token.0) else { return };
        let mut round = 0u32;
        loop {
            let Some(socket) = self.sockets.of.get(&local) else { return };
            let (len, remote) = match socket.recv_from(buffer) {
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
                Ok(Some(event)) => self.handle_event(now, remote, event, tell),
                Err(error) => tell(&Report::Rejected { peer: remote, reason: error.to_string() }),
            }
            round += 1;
            if round.is_multiple_of(ROUND) {
                self.server.handle_timeout(now);
            }
            self.drain(tell);
        }
    }

    fn handle_event(
        &mut self,
        now: Duration,
        peer: SocketAddr,
        event: Event<'_>,
        tell: &mut impl FnMut(&Report),
    ) {
        match event {
            Event::Request { transfer, kind, name, mode, .. } => {
                let word = if kind == Kind::Read { "read" } else { "write" };
                let file = String::from_utf8_lossy(name).into_owned();
                let opened = self.open(kind, name, mode, peer);
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
                let open = Open { peer, kind: word, name: file, local, since, octets: 0, content };
                self.open.insert(transfer, open);
            }
            Event::Block { transfer, data, last, .. } => {
                let Some(open) = self.open.get_mut(&transfer) else { return };
                open.octets += data.len() as u64;
                if let Err(Refusal { code, message }) = open.store(data, last) {
                    let _ = self.server.abort(now, transfer, code, message);
                    tell(&open.failed(message.to_owned()));
                }
            }
            Event::Complete { transfer, octets } => {
                if let Some(open) = self.open.get(&transfer) {
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
                    self.sockets.remove(&self.poll, local);
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
        peer: SocketAddr,
    ) -> Result<(Content, Option<u64>, Option<u16>), Refusal> {
        if self.stopper.stop.load(Ordering::Acquire) {
            let code = ErrorCode::NotDefined;
            return Err(Refusal { code, message: "The server is stopping" });
        }
        let (content, size) = match (kind, mode) {
            (Kind::Read, Mode::Netascii) => {
                let text = self.jail.read_netascii(name)?;
                let size = text.len() as u64;
                (Content::Memory(text), Some(size))
            }
            (Kind::Read, _) => {
                let (file, size) = self.jail.read(name)?;
                (Content::File { file, ahead: Vec::new(), at: 0, len: 0 }, Some(size))
            }
            (Kind::Write, mode) => {
                let upload = self.jail.create(name)?;
                let decoder = (mode == Mode::Netascii).then(Decoder::new);
                (Content::Upload { upload, decoder }, None)
            }
        };
        let local = if self.options.single_port { None } else { Some(self.own_socket(peer)?) };
        Ok((content, size, local))
    }

    fn own_socket(&mut self, peer: SocketAddr) -> Result<u16, Refusal> {
        let busy = Refusal { code: ErrorCode::NotDefined, message: "No port is free" };
        let mut address = self
            .options
            .listen
            .iter()
            .find(|address| address.is_ipv4() == peer.is_ipv4())
            .copied()
            .ok_or(busy)?;
        address.set_port(0);
        let socket = bind(address).map_err(|_| busy)?;
        let local = self.sockets.free().ok_or(busy)?;
        self.sockets.insert(&self.poll, local, socket).map_err(|_| busy)?;
        Ok(local)
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
                        Some(open) => open.fill(&read, place),
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
                let nobody = self.options.listen.first().copied();
                if let Some(nobody) = nobody {
                    self.handle_event(now, nobody, event, tell);
                }
            }
            if quiet {
                return;
            }
        }
    }

    fn flush(&mut self, next: usize) {
        let local = self.batch.path().map(|path| path.local);
        let socket = local.and_then(|local| self.sockets.of.get(&local));
        self.batch.flush(socket, next);
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
    /// Reads a part of the file into a datagram.
    fn fill(&mut self, read: &Read, place: &mut [u8]) -> io::Result<()> {
        match &mut self.content {
            Content::Memory(octets) => {
                let from = usize::try_from(read.offset).unwrap_or(usize::MAX);
                let part = octets.get(from..).and_then(|rest| rest.get(..read.len));
                place.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
            Content::File { file, .. } if read.len > READ_AHEAD / 4 => {
                read_at(file, place, read.offset)
            }
            Content::File { file, ahead, at, len } => {
                let end = read.offset + read.len as u64;
                if read.offset < *at || end > *at + *len as u64 {
                    ahead.resize(READ_AHEAD, 0);
                    *at = read.offset;
                    *len = read_some_at(file, ahead, read.offset)?;
                }
                let from = usize::try_from(read.offset - *at).unwrap_or(usize::MAX);
                let part = ahead[..*len].get(from..).and_then(|rest| rest.get(..read.len));
                place.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
            Content::Upload { .. } => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Adds a block to the file.
    fn store(&mut self, data: &[u8], last: bool) -> Result<(), Refusal> {
        let Content::Upload { upload, decoder } = &mut self.content else { return Ok(()) };
        match decoder {
            None => upload.write(data)?,
            Some(decoder) => {
                let mut local = vec![0; data.len() + 1];
                let (_, written) = decoder.decode(data, &mut local);
                upload.write(&local[..written])?;
                if last && let Some(octet) = decoder.finish() {
                    upload.write(&[octet])?;
                }
            }
        }
        if last {
            upload.finish()?;
        }
        Ok(())
    }

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

impl Sockets {
    fn insert(&mut self, poll: &Poll, local: u16, mut socket: UdpSocket) -> io::Result<()> {
        poll.registry().register(&mut socket, Token(usize::from(local)), Interest::READABLE)?;
        self.of.insert(local, socket);
        Ok(())
    }

    fn remove(&mut self, poll: &Poll, local: u16) {
        if let Some(mut socket) = self.of.remove(&local) {
            let _ = poll.registry().deregister(&mut socket);
        }
    }

    /// A number that no socket has.
    fn free(&mut self) -> Option<u16> {
        for _ in self.listeners..u16::MAX {
            self.next = self.next.checked_add(1).unwrap_or(0).max(self.listeners);
            if !self.of.contains_key(&self.next) {
                return Some(self.next);
            }
        }
        None
    }
}

fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = std::net::UdpSocket::bind(address)?;
    socket.set_nonblocking(true)?;
    let options = socket2::SockRef::from(&socket);
    // As large as the system allows; less is no error.
    let _ = options.set_recv_buffer_size(SOCKET_BUFFER);
    let _ = options.set_send_buffer_size(SOCKET_BUFFER);
    Ok(UdpSocket::from_std(socket))
}

/// Octets that may be sent now: so many in a second, and a tenth of that at once.
#[derive(Debug)]
struct Bucket {
    rate: f64,
    octets: f64,
    filled: Instant,
}

impl Bucket {
    fn new(rate: u64) -> Self {
        Self { rate: rate.max(1) as f64, octets: 0.0, filled: Instant::now() }
    }

    fn has_room(&mut self) -> bool {
        let now = Instant::now();
        let more = now.duration_since(self.filled).as_secs_f64() * self.rate;
        self.octets = (self.octets + more).min(self.rate / 10.0);
        self.filled = now;
        self.octets >= 0.0
    }

    fn take(&mut self, len: usize) {
        self.octets -= len as f64;
    }

    /// How long until there is room; nothing where there is.
    fn wait(&self) -> Option<Duration> {
        (self.octets < 0.0).then(|| Duration::from_secs_f64(-self.octets / self.rate))
    }
}

#[cfg(unix)]
fn read_some_at(file: &std::fs::File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    use std::os::unix::fs::FileExt as _;
    file.read_at(into, offset)
}

#[cfg(windows)]
fn read_some_at(file: &std::fs::File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    use std::os::windows::fs::FileExt as _;
    file.seek_read(into, offset)
}

/// Fills the whole slice.
pub(crate) fn read_at(
    file: &std::fs::File,
    mut into: &mut [u8],
    mut offset: u64,
) -> io::Result<()> {
    while !into.is_empty() {
        let read = read_some_at(file, into, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        into = &mut into[read..];
        offset += read as u64;
    }
    Ok(())
}
