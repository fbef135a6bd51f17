//! The client: one thread and one socket for each transfer.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::{Path as FilePath, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tftp_core::client::{Client, Config, Event};
use tftp_core::netascii::Decoder;
use tftp_core::{ConfigError, ErrorCode, Failure, Mode, Path};

use crate::Clock;
use crate::batch::Batch;
use crate::content::read_at;
use crate::jail::to_netascii;
use crate::report::{Report, rate};

/// How large the socket's buffers are asked to be, in octets.
const SOCKET_BUFFER: usize = 4 << 20;
/// How long the socket is waited on at once. The machine's timers are looked at that often, and
/// only where one comes sooner does the socket's own time-out have to be changed.
const TICK: Duration = Duration::from_millis(10);
/// How often progress is told.
const PROGRESS: Duration = Duration::from_millis(100);

/// One transfer.
#[derive(Clone, Debug)]
pub struct Job {
    /// The file's name at the server.
    pub remote: String,
    /// The file here; `-` is the standard output.
    pub local: PathBuf,
    /// Octets or text.
    pub mode: Mode,
    /// Get: what an earlier try has left is kept, and only the rest is written.
    pub resume: bool,
    /// The machine's settings.
    pub config: Config,
}

/// Why a transfer has come to nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The file here cannot be read or written.
    File(PathBuf, io::Error),
    /// The socket has failed.
    Socket(io::Error),
    /// The request cannot be made.
    Config(ConfigError),
    /// The server has refused, with this code and these words.
    Peer(ErrorCode, String),
    /// The server does not answer.
    TimedOut,
    /// Something else that the machine says.
    Failed(String),
    /// It was stopped from here.
    Stopped,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Socket(error) => write!(f, "the socket: {error}"),
            Self::Config(error) => error.fmt(f),
            Self::Peer(code, message) => {
                write!(f, "the server refuses (ERROR {}): {message}", code.number())
            }
            Self::TimedOut => f.write_str("the server does not answer"),
            Self::Failed(reason) => f.write_str(reason),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

impl std::error::Error for Error {}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<Failure<'_>> for Error {
    fn from(failure: Failure<'_>) -> Self {
        match failure {
            Failure::Peer { code, message } => Self::Peer(code, message.escape_ascii().to_string()),
            Failure::TimedOut => Self::TimedOut,
            other => Self::Failed(other.to_string()),
        }
    }
}

/// Reads a file from the server. It appears under its name when it is whole; until then it is
/// `<name>.part`, which stays for [`Job::resume`] where the transfer fails in the middle.
///
/// # Errors
/// Why there is no file.
pub fn get(job: &Job, stop: &AtomicBool, tell: &mut dyn FnMut(&Report)) -> Result<u64, Error> {
    let mut sink = Sink::open(job)?;
    let mut config = job.config;
    config.resume_at = sink.resume_at;
    let (socket, buffer) = socket(&config)?;
    if let Some(window) = config.options.windowsize {
        // A window that the socket cannot hold is lost, every time.
        let block = 2 * (usize::from(config.options.blksize_or_default()) + 60);
        let fitting = u16::try_from(buffer / block).unwrap_or(u16::MAX).max(1);
        config.options.windowsize = Some(window.min(fitting));
    }
    let clock = Clock::start();
    let client = Client::get(clock.now(), &config, job.remote.as_bytes(), job.mode)?;
    let mut run = Run { job, socket, clock, client, stop, since: Instant::now(), kind: "read" };
    let octets = run.run(tell, Some(&mut sink), &Source::None)?;
    sink.finish()?;
    Ok(octets)
}

/// Writes a file to the server.
///
/// # Errors
/// Why the server does not have it.
pub fn put(job: &Job, stop: &AtomicBool, tell: &mut dyn FnMut(&Report)) -> Result<u64, Error> {
    let file_error = |error| Error::File(job.local.clone(), error);
    let (source, size) = if job.mode == Mode::Netascii {
        let local = std::fs::read(&job.local).map_err(file_error)?;
        let wire = to_netascii(&local);
        let size = wire.len() as u64;
        (Source::Memory(wire), size)
    } else {
        let file = File::open(&job.local).map_err(file_error)?;
        let metadata = file.metadata().map_err(file_error)?;
        if !metadata.is_file() {
            return Err(file_error(io::Error::other("not a file")));
        }
        (Source::File(file), metadata.len())
    };
    let (socket, _) = socket(&job.config)?;
    let clock = Clock::start();
    let name = job.remote.as_bytes();
    let client = Client::put(clock.now(), &job.config, name, job.mode, Some(size))?;
    let since = Instant::now();
    let mut run = Run { job, socket, clock, client, stop, since, kind: "write" };
    run.run(tell, None, &source)
}

/// Where the octets of a put come from.
enum Source {
    None,
    File(File),
    Memory(Vec<u8>),
}

impl Source {
    fn read(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        match self {
            Self::None => Err(io::ErrorKind::Unsupported.into()),
            Self::File(file) => read_at(file, into, offset),
            Self::Memory(octets) => {
                let from = usize::try_from(offset).unwrap_or(usize::MAX);
                let part = octets.get(from..).and_then(|rest| rest.get(..into.len()));
                into.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
        }
    }
}

/// Where the octets of a get go.
struct Sink {
    path: PathBuf,
    part: PathBuf,
    /// `None` is the standard output.
    file: Option<io::BufWriter<File>>,
    decoder: Option<Decoder>,
    resume_at: u64,
}

impl Sink {
    fn open(job: &Job) -> Result<Self, Error> {
        let path = job.local.clone();
        let decoder = (job.mode == Mode::Netascii).then(Decoder::new);
        if path == FilePath::new("-") {
            return Ok(Self { part: path.clone(), path, file: None, decoder, resume_at: 0 });
        }
        let mut name = path.clone().into_os_string();
        name.push(".part");
        let part = PathBuf::from(name);
        let error = |error| Error::File(part.clone(), error);
        // What netascii has left cannot be matched with offsets on the wire.
        let resume = job.resume && decoder.is_none();
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(!resume)
            .open(&part)
            .map_err(error)?;
        let resume_at = if resume { file.seek(SeekFrom::End(0)).map_err(error)? } else { 0 };
        // A large block is written as it is; a copy would cost more than it saves.
        let large = job.config.options.blksize_or_default() >= 16 * 1024;
        let file = Some(io::BufWriter::with_capacity(if large { 0 } else { 256 * 1024 }, file));
        Ok(Self { path, part, file, decoder, resume_at })
    }

    fn write(&mut self, data: &[u8], last: bool) -> Result<(), Error> {
        let mut local = Vec::new();
        let mut octets = data;
        if let Some(decoder) = &mut self.decoder {
            local.resize(data.len() + 2, 0);
            let (_, mut written) = decoder.decode(data, &mut local);
            if last && let Some(octet) = decoder.finish() {
                local[written] = octet;
                written += 1;
            }
            octets = &local[..written];
        }
        let written = match &mut self.file {
            Some(file) => file.write_all(octets),
            None => io::stdout().write_all(octets),
        };
        let flushed = match (&mut self.file, last) {
            (Some(file), true) => written.and_then(|()| file.flush()),
            (None, true) => written.and_then(|()| io::stdout().flush()),
            (_, false) => written,
        };
        flushed.map_err(|error| Error::File(self.part.clone(), error))
    }

    fn finish(self) -> Result<(), Error> {
        if self.file.is_some() {
            std::fs::rename(&self.part, &self.path)
                .map_err(|error| Error::File(self.path.clone(), error))?;
        }
        Ok(())
    }
}

struct Run<'a> {
    job: &'a Job,
    socket: UdpSocket,
    clock: Clock,
    client: Client<'a>,
    stop: &'a AtomicBool,
    since: Instant,
    kind: &'static str,
}

impl Run<'_> {
    fn run(
        &mut self,
        tell: &mut dyn FnMut(&Report),
        mut sink: Option<&mut Sink>,
        source: &Source,
    ) -> Result<u64, Error> {
        let mut batch = Batch::new(self.client.transmit_len());
        let mut buffer = vec![0; self.client.receive_len() + 1];
        let mut waits = Duration::ZERO;
        let mut told = Instant::now();
        let mut started = false;
        let peer = self.job.config.server;
        let file = self.job.remote.clone();
        let result = loop {
            if self.stop.load(Ordering::Relaxed) {
                self.client.abort(self.clock.now(), ErrorCode::NotDefined);
                self.transmit(&mut batch, source)?;
                break Err(Error::Stopped);
            }
            self.transmit(&mut batch, source)?;
            match self.client.poll_event() {
                Some(Event::Complete { octets }) => break Ok(octets),
                Some(Event::Failed(failure)) => break Err(failure.into()),
                _ => {}
            }
            let wait = self
                .client
                .poll_timeout()
                .map_or(TICK, |at| at.saturating_sub(self.clock.now()))
                .clamp(Duration::from_millis(1), TICK);
            // Waking early costs little; setting the time-out costs a system call for each block.
            if waits.is_zero() || wait < waits / 2 || wait > waits * 4 {
                self.socket.set_read_timeout(Some(wait)).map_err(Error::Socket)?;
                waits = wait;
            }
            let (len, remote) = match self.socket.recv_from(&mut buffer) {
                Ok(received) => received,
                Err(error) if is_timeout(&error) => {
                    self.client.handle_timeout(self.clock.now());
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    let path = Path { local: 0, remote: peer };
                    self.client.handle_closed(self.clock.now(), path);
                    continue;
                }
                Err(error) => break Err(Error::Socket(error)),
            };
            let now = self.clock.now();
            let path = Path { local: 0, remote };
            // What is no TFTP is told by an event, where it ends the transfer.
            let event = self.client.handle_datagram(now, path, &buffer[..len]).unwrap_or(None);
            if !started && self.client.transferred() > 0 {
                started = true;
                self.tell_started(tell);
            }
            match event {
                Some(Event::Block { data, last, .. }) => {
                    if let Some(sink) = &mut sink
                        && let Err(error) = sink.write(data, last)
                    {
                        self.client.abort(now, ErrorCode::DiskFull);
                        self.transmit(&mut batch, source)?;
                        break Err(error);
                    }
                }
                Some(Event::Complete { octets }) => break Ok(octets),
                Some(Event::Failed(failure)) => {
                    let error = failure.into();
                    self.transmit(&mut batch, source)?;
                    break Err(error);
                }
                _ => {}
            }
            if told.elapsed() > PROGRESS {
                told = Instant::now();
                let octets = self.client.transferred();
                let size = self.client.options().tsize;
                tell(&Report::Progress { file: file.clone(), octets, size });
            }
        };
        let seconds = self.since.elapsed().as_secs_f64();
        match &result {
            Ok(octets) => {
                let (octets, rate) = (*octets, rate(*octets, seconds));
                tell(&Report::Complete { peer, kind: self.kind, file, octets, seconds, rate });
            }
            Err(error) => {
                // What has come is worth keeping for a resume.
                if let Some(Sink { file: Some(file), .. }) = sink {
                    let _ = file.flush();
                }
                let octets = self.client.transferred();
                let reason = error.to_string();
                tell(&Report::Failed { peer, kind: self.kind, file, octets, reason });
            }
        }
        result
    }

    fn tell_started(&self, tell: &mut dyn FnMut(&Report)) {
        let options = self.client.options();
        tell(&Report::Started {
            peer: self.job.config.server,
            kind: self.kind,
            file: self.job.remote.clone(),
            size: options.tsize,
            blksize: options.blksize_or_default(),
            windowsize: options.windowsize_or_default(),
        });
    }

    fn transmit(&mut self, batch: &mut Batch, source: &Source) -> Result<(), Error> {
        let now = self.clock.now();
        while let Some(transmit) = self.client.poll_transmit(now, batch.space()) {
            if let Some(read) = transmit.read {
                let place = &mut batch.space()[read.place()];
                if let Err(error) = source.read(read.offset, place) {
                    self.client.abort(now, ErrorCode::NotDefined);
                    batch.flush(Some(&self.socket), 0);
                    if let Some(last) = self.client.poll_transmit(now, batch.space()) {
                        batch.push(last.path, last.len);
                        batch.flush(Some(&self.socket), 0);
                    }
                    return Err(Error::File(self.job.local.clone(), error));
                }
            }
            if !batch.takes(transmit.path, transmit.len) {
                batch.flush(Some(&self.socket), transmit.len);
            }
            batch.push(transmit.path, transmit.len);
        }
        batch.flush(Some(&self.socket), 0);
        Ok(())
    }
}

/// A socket with a port of its own for this transfer, and how much it can hold.
fn socket(config: &Config) -> Result<(UdpSocket, usize), Error> {
    let any: SocketAddr = if config.server.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let socket = UdpSocket::bind(any).map_err(Error::Socket)?;
    let options = socket2::SockRef::from(&socket);
    // As large as the system allows; less is no error.
    let _ = options.set_recv_buffer_size(SOCKET_BUFFER);
    let _ = options.set_send_buffer_size(SOCKET_BUFFER);
    let holds = options.recv_buffer_size().map_err(Error::Socket)?;
    Ok((socket, holds))
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}
