//! The client of RFC 1350 with RFC 2347 to 2349 and 7440: one [`Client`] is one transfer, from a
//! socket of its own.
//!
//! ```text
//!             OACK, DATA 1, ACK 0      last block and its ACK
//!  Asking ---------------------> Running ------------------> Lingering ---> ended
//!     |                             |                          (get only: repeats the last ACK)
//!     +-- silence, ERROR, refusal --+--> ended, Failed
//! ```
//!
//! The host binds a new local port for each transfer (RFC 1350 section 4), leaves the socket
//! unconnected, since the server answers from another port than 69, and runs this loop:
//!
//! ```
//! # use core::time::Duration;
//! # use tftp_core::client::{Client, Config, Event};
//! # use tftp_core::{Mode, Path};
//! # trait Socket {
//! #     fn send_to(&mut self, octets: &[u8], to: core::net::SocketAddr);
//! #     fn recv_from(&mut self, buffer: &mut [u8], until: Option<Duration>)
//! #         -> Option<(usize, core::net::SocketAddr)>;
//! # }
//! # fn write_flash(_offset: u64, _data: &[u8]) {}
//! fn fetch(socket: &mut impl Socket, server: core::net::SocketAddr, now: impl Fn() -> Duration) {
//!     let config = Config::new(server);
//!     let mut client = Client::get(now(), &config, b"phone.img", Mode::Octet).unwrap();
//!     let mut buffer = [0; 1432];
//!     while !client.is_ended() {
//!         while let Some(transmit) = client.poll_transmit(now(), &mut buffer) {
//!             socket.send_to(&buffer[..transmit.len], transmit.path.remote);
//!         }
//!         while let Some(event) = client.poll_event() {
//!             // The end, well or not.
//!             # let _ = event;
//!         }
//!         match socket.recv_from(&mut buffer, client.poll_timeout()) {
//!             None => client.handle_timeout(now()),
//!             Some((len, remote)) => {
//!                 let path = Path { local: 0, remote };
//!                 if let Ok(Some(Event::Block { offset, data, .. })) =
//!                     client.handle_datagram(now(), path, &buffer[..len])
//!                 {
//!                     write_flash(offset, data);
//!                 }
//!             }
//!         }
//!     }
//! }
//! ```

use core::net::SocketAddr;
use core::time::Duration;

use crate::error::{BufferTooSmall, ConfigError, Fault, ParseError};
use crate::flow::{Acked, Receiving, Rollover, Sending, Taken, Timer, duration, micros};
use crate::option::{DEFAULT_BLKSIZE, MAX_BLKSIZE, OptionSet};
use crate::packet::{DATA_HEADER, ErrorCode, Kind, Mode, Packet, REQUEST_LIMIT, emit_request};
use crate::writer::Writer;
use crate::{Error, Failure, Path, Read, Transmit};

/// What a transfer is to be like. All options are wishes: what the server does not grant falls back
/// to lock-step with blocks of 512 octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Config {
    /// Where the request goes: usually to port 69.
    pub server: SocketAddr,
    /// The options to ask for. Of `tsize` only its presence counts: the client fills it in. Ask for
    /// no larger a window than the socket's receive buffer holds.
    pub options: OptionSet,
    /// What follows block 65535.
    pub rollover: Rollover,
    /// The octets of the file that the host has already, when a transfer is taken up again after a
    /// reset: they come again, but not to the host.
    pub resume_at: u64,
    /// The longest file that is taken, in octets.
    pub size_limit: u64,
    /// How long to wait for the first answer before asking again.
    pub first_timeout: Duration,
    /// The shortest time before a repeat, whatever was measured.
    pub min_timeout: Duration,
    /// The longest time before a repeat; `timeout` (RFC 2349), once granted, lowers it.
    pub max_timeout: Duration,
    /// How many repeats in a row without an answer end the transfer. Repeats sooner than after
    /// `first_timeout`, which a short round trip brings, do not count.
    pub tries: u16,
    /// How long the last ACK is repeated on demand.
    pub linger: Duration,
}

impl Config {
    /// Asks for blocks of 1428 octets, which fit an Ethernet frame, and for the file's size.
    #[must_use]
    pub const fn new(server: SocketAddr) -> Self {
        Self {
            server,
            options: OptionSet {
                blksize: Some(1428),
                timeout: None,
                tsize: Some(0),
                windowsize: None,
            },
            rollover: Rollover::Zero,
            resume_at: 0,
            size_limit: u64::MAX,
            first_timeout: Duration::from_secs(1),
            min_timeout: Duration::from_millis(20),
            max_timeout: Duration::from_secs(5),
            tries: 6,
            linger: Duration::from_secs(6),
        }
    }
}

/// What a [`Client`] has to say to its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Event<'d> {
    /// The server has taken the request.
    Started {
        /// What it has granted.
        options: OptionSet,
    },
    /// The next octets of the file, in order.
    Block {
        /// Where in the file they belong.
        offset: u64,
        /// They.
        data: &'d [u8],
        /// Whether the file ends with them.
        last: bool,
    },
    /// The file is whole, here or at the server.
    Complete {
        /// Its octets on the wire.
        octets: u64,
    },
    /// The transfer has come to nothing.
    Failed(Failure<'d>),
    /// The buffer of `poll_transmit` was too small; what was to be sent is still waiting.
    BufferTooSmall {
        /// How long it has to be, in octets.
        needed: usize,
    },
}

/// One transfer.
#[derive(Debug)]
pub struct Client<'s> {
    name: &'s [u8],
    mode: Mode,
    kind: Kind,
    config: Config,
    phase: Phase,
    /// Where the server's end of the transfer is, once known.
    tid: Option<SocketAddr>,
    local: u16,
    /// What was asked for, then what was granted.
    options: OptionSet,
    flow: Flow,
    timer: Timer,
    /// When the request was sent, while it was sent only once.
    asked_at: Option<u64>,
    /// The request is to be sent.
    ask: bool,
    /// An ERROR that ends the transfer, and is to be sent to the server.
    error: Option<ErrorCode>,
    /// Somebody else who is to be told ERROR 5.
    stranger: Option<Path>,
    event: Option<Event<'static>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Asking,
    Running,
    Lingering,
    Ended,
}

#[derive(Debug)]
enum Flow {
    Sending(Sending),
    Receiving(Receiving),
}

impl<'s> Client<'s> {
    /// Reads a file from the server.
    ///
    /// # Errors
    /// [`ConfigError`] where the name or an option cannot be asked for.
    pub fn get(
        now: Duration,
        config: &Config,
        name: &'s [u8],
        mode: Mode,
    ) -> Result<Self, ConfigError> {
        let flow = Flow::Receiving(Receiving::new(0, 1, config.rollover));
        let options = OptionSet { tsize: config.options.tsize.map(|_| 0), ..config.options };
        Self::new(now, config, name, mode, Kind::Read, options, flow)
    }

    /// Writes a file of `size` octets to the server. Where the size is not known, the host says
    /// with [`Self::ends_at`] where the file ends when it comes to its end.
    ///
    /// # Errors
    /// [`ConfigError`] where the name or an option cannot be asked for.
    pub fn put(
        now: Duration,
        config: &Config,
        name: &'s [u8],
        mode: Mode,
        size: Option<u64>,
    ) -> Result<Self, ConfigError> {
        let flow = Flow::Sending(Sending::new(size, 0, 1, config.rollover));
        let options = OptionSet { tsize: config.options.tsize.and(size), ..config.options };
        Self::new(now, config, name, mode, Kind::Write, options, flow)
    }

    fn new(
        now: Duration,
        config: &Config,
        name: &'s [u8],
        mode: Mode,
        kind: Kind,
        options: OptionSet,
        flow: Flow,
    ) -> Result<Self, ConfigError> {
        options.check()?;
        let mut writer = Writer::new(&mut []);
        emit_request(&mut writer, kind, name, mode);
        options.emit(&mut writer);
        if name.is_empty() || name.contains(&0) || writer.len() > REQUEST_LIMIT {
            let others = writer.len().saturating_sub(name.len());
            return Err(ConfigError::Name { limit: REQUEST_LIMIT.saturating_sub(others) });
        }
        let ceiling = options.timeout.map_or(u32::MAX, |s| u32::from(s).saturating_mul(1_000_000));
        let mut timer = Timer::new(
            short(config.first_timeout).min(ceiling),
            short(config.min_timeout),
            short(config.max_timeout),
            config.tries,
        );
        timer.start(micros(now));
        Ok(Self {
            name,
            mode,
            kind,
            config: *config,
            phase: Phase::Asking,
            tid: None,
            local: 0,
            options,
            flow,
            timer,
            asked_at: None,
            ask: true,
            error: None,
            stranger: None,
            event: None,
        })
    }

    /// How long the buffer of [`Self::poll_transmit`] has to be, in octets.
    #[must_use]
    pub fn transmit_len(&self) -> usize {
        let blksize = match self.kind {
            Kind::Read => 0,
            // A server that knows no options takes blocks of 512.
            Kind::Write => usize::from(self.options.blksize_or_default().max(DEFAULT_BLKSIZE)),
        };
        blksize.saturating_add(DATA_HEADER).max(REQUEST_LIMIT)
    }

    /// How long a datagram may be that comes in, in octets.
    #[must_use]
    pub fn receive_len(&self) -> usize {
        let blksize = match self.kind {
            // A server that knows no options sends blocks of 512.
            Kind::Read => usize::from(self.options.blksize_or_default().max(DEFAULT_BLKSIZE)),
            Kind::Write => 0,
        };
        blksize.saturating_add(DATA_HEADER).max(REQUEST_LIMIT)
    }

    /// A datagram has come. `path.local` is the number of the transfer's socket, and goes out again
    /// with each [`Transmit`].
    ///
    /// # Errors
    /// [`Error::Parse`] for what is no TFTP; where it comes from the server it ends the transfer
    /// too (RFC 1350 section 2), and [`Event::Failed`] says so.
    pub fn handle_datagram<'d>(
        &mut self,
        now: Duration,
        path: Path,
        datagram: &'d [u8],
    ) -> Result<Option<Event<'d>>, Error> {
        self.local = path.local;
        let parsed = Packet::parse(datagram);
        if self.phase == Phase::Ended {
            return Ok(None);
        }
        let known = match self.tid {
            Some(tid) => tid == path.remote,
            // The server answers from its address, on a port of its choice.
            None => self.config.server.ip() == path.remote.ip(),
        };
        if !known {
            // An ERROR is never answered with an ERROR.
            if !matches!(datagram, [0, 5, ..]) {
                self.stranger = Some(path);
            }
            return Ok(None);
        }
        let packet = match parsed {
            Ok(packet) => packet,
            Err(error) => {
                let answer =
                    (!matches!(datagram, [0, 5, ..])).then_some(ErrorCode::IllegalOperation);
                if self.phase == Phase::Running || self.phase == Phase::Asking {
                    self.tid = Some(path.remote);
                    self.end(answer, Failure::Malformed(error));
                }
                return Err(Error::Parse(error));
            }
        };
        let now = micros(now);
        match packet {
            Packet::Error { code, message } => {
                if self.phase == Phase::Lingering {
                    return Ok(None);
                }
                self.phase = Phase::Ended;
                Ok(Some(Event::Failed(Failure::Peer { code, message })))
            }
            Packet::Oack(options) if self.phase == Phase::Asking => {
                self.begin(now, path.remote);
                match options.granted(&self.options) {
                    Ok(granted) => Ok(self.start(now, granted, true)),
                    Err(error) => {
                        let code = Some(ErrorCode::OptionNegotiation);
                        Ok(self.end_with(code, Failure::Malformed(error)))
                    }
                }
            }
            // The ACK that answered it was lost.
            Packet::Oack(_) => {
                if let Flow::Receiving(receiving) = &mut self.flow
                    && receiving.at_start()
                {
                    receiving.set_due();
                }
                Ok(None)
            }
            Packet::Data { block, data } if self.kind == Kind::Read => {
                if self.phase == Phase::Asking {
                    if block != 1 {
                        return Ok(None);
                    }
                    self.begin(now, path.remote);
                    // The options were not granted; the host learns it with the first block.
                    let _ = self.start(now, OptionSet::NONE, false);
                }
                Ok(self.handle_data(now, block, data))
            }
            Packet::Ack { block } if self.kind == Kind::Write => {
                if self.phase == Phase::Asking {
                    if block != 0 {
                        return Ok(None);
                    }
                    self.begin(now, path.remote);
                    return Ok(self.start(now, OptionSet::NONE, false));
                }
                Ok(self.handle_ack(now, block))
            }
            _ if self.phase == Phase::Lingering => Ok(None),
            _ => {
                self.tid = Some(path.remote);
                let error = ParseError { what: Fault::Unexpected, at: 0 };
                let code = Some(ErrorCode::IllegalOperation);
                Ok(self.end_with(code, Failure::Malformed(error)))
            }
        }
    }

    /// The server cannot be reached (ICMP), or the socket has failed.
    pub fn handle_closed(&mut self, _now: Duration, path: Path) {
        let of_server = self.tid.unwrap_or(self.config.server) == path.remote;
        if of_server && matches!(self.phase, Phase::Asking | Phase::Running) {
            self.end(None, Failure::Unreachable);
        }
    }

    /// The time that [`Self::poll_timeout`] asked for has come.
    pub fn handle_timeout(&mut self, now: Duration) {
        let now = micros(now);
        if now < self.timer.deadline {
            return;
        }
        let goes_on = match (self.phase, &mut self.flow) {
            (Phase::Ended, _) => return,
            (Phase::Lingering, _) => {
                self.phase = Phase::Ended;
                self.timer.stop();
                return;
            }
            (Phase::Asking, _) => {
                self.ask = true;
                // Its round trip cannot be told from that of its repeat.
                self.asked_at = None;
                let goes_on = self.timer.back_off();
                self.timer.start(now);
                goes_on
            }
            (Phase::Running, Flow::Sending(sending)) => {
                sending.handle_timeout(now, &mut self.timer)
            }
            (Phase::Running, Flow::Receiving(receiving)) => {
                receiving.handle_timeout(now, &mut self.timer)
            }
        };
        if !goes_on {
            self.end(None, Failure::TimedOut);
        }
    }

    /// Writes the next datagram to send. Where [`Transmit::read`] is given, the host reads that
    /// part of the file into its place in the buffer before it sends.
    #[must_use]
    pub fn poll_transmit(&mut self, now: Duration, buffer: &mut [u8]) -> Option<Transmit> {
        match self.transmit(micros(now), buffer)? {
            Ok(transmit) => Some(transmit),
            Err(BufferTooSmall { needed }) => {
                self.event.get_or_insert(Event::BufferTooSmall { needed });
                None
            }
        }
    }

    /// What came of time, or of the host's own calls.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event<'static>> {
        self.event.take()
    }

    /// When to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let runs = self.phase != Phase::Ended && self.timer.deadline != u64::MAX;
        runs.then(|| duration(self.timer.deadline))
    }

    /// Put: the file ends here, in octets. To be called as soon as the host knows, before it sends
    /// the datagram that has the end in it; it shortens that datagram by what is missing.
    pub fn ends_at(&mut self, size: u64) {
        if let Flow::Sending(sending) = &mut self.flow {
            sending.set_size(size);
        }
    }

    /// Gives up and tells the server why.
    pub fn abort(&mut self, _now: Duration, code: ErrorCode) {
        if matches!(self.phase, Phase::Asking | Phase::Running) {
            self.phase = Phase::Ended;
            self.error = self.tid.is_some().then_some(code);
        }
    }

    /// Whether everything is done: no more datagram will be wanted.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.phase == Phase::Ended
            && self.error.is_none()
            && self.stranger.is_none()
            && self.event.is_none()
    }

    /// Octets of the file that have come, or have been acknowledged.
    #[must_use]
    pub fn transferred(&self) -> u64 {
        match &self.flow {
            Flow::Sending(sending) => sending.octets(),
            Flow::Receiving(receiving) => receiving.octets(),
        }
    }

    /// What was asked for, or, once the server has answered, what it has granted.
    #[must_use]
    pub const fn options(&self) -> OptionSet {
        self.options
    }

    fn transmit(
        &mut self,
        now: u64,
        buffer: &mut [u8],
    ) -> Option<Result<Transmit, BufferTooSmall>> {
        if let Some(path) = self.stranger {
            let code = ErrorCode::UnknownTid;
            let message = code.message().as_bytes();
            let written = Packet::Error { code, message }.write(buffer);
            return Some(written.map(|len| {
                self.stranger = None;
                Transmit { path, len, read: None }
            }));
        }
        let remote = self.tid.unwrap_or(self.config.server);
        let path = Path { local: self.local, remote };
        if let Some(code) = self.error {
            let message = code.message().as_bytes();
            let written = Packet::Error { code, message }.write(buffer);
            return Some(written.map(|len| {
                self.error = None;
                Transmit { path, len, read: None }
            }));
        }
        match self.phase {
            Phase::Ended => None,
            Phase::Asking => {
                if !self.ask {
                    return None;
                }
                let mut writer = Writer::new(buffer);
                emit_request(&mut writer, self.kind, self.name, self.mode);
                self.options.emit(&mut writer);
                Some(writer.finish().map(|len| {
                    self.ask = false;
                    if self.timer.is_fresh() {
                        self.asked_at = Some(now);
                    }
                    Transmit { path, len, read: None }
                }))
            }
            Phase::Running | Phase::Lingering => match &mut self.flow {
                Flow::Sending(sending) => {
                    let piece = sending.piece()?;
                    let len = DATA_HEADER.saturating_add(piece.len);
                    let Some(header) =
                        buffer.get_mut(..len).and_then(|b| b.first_chunk_mut::<DATA_HEADER>())
                    else {
                        return Some(Err(BufferTooSmall { needed: len }));
                    };
                    let [high, low] = piece.wire.to_be_bytes();
                    *header = [0, 3, high, low];
                    sending.sent(now, &mut self.timer);
                    let read = Read { offset: piece.offset, at: DATA_HEADER, len: piece.len };
                    Some(Ok(Transmit { path, len, read: Some(read) }))
                }
                Flow::Receiving(receiving) => {
                    let block = receiving.ack()?;
                    Some(Packet::Ack { block }.write(buffer).map(|len| {
                        receiving.sent(now, &mut self.timer);
                        if self.phase == Phase::Lingering {
                            self.timer.start_for(now, u64::from(short(self.config.linger)));
                        }
                        Transmit { path, len, read: None }
                    }))
                }
            },
        }
    }

    /// The server has answered: its end of the transfer is known, and perhaps the round trip.
    fn begin(&mut self, now: u64, remote: SocketAddr) {
        self.tid = Some(remote);
        self.phase = Phase::Running;
        self.ask = false;
        if let Some(asked_at) = self.asked_at {
            self.timer.sample(now.saturating_sub(asked_at));
        }
        self.timer.progress();
    }

    fn start<'d>(&mut self, now: u64, granted: OptionSet, oack: bool) -> Option<Event<'d>> {
        self.options = granted;
        if let Some(seconds) = granted.timeout {
            self.timer.set_ceiling(u32::from(seconds).saturating_mul(1_000_000));
        }
        let (blksize, window) = (granted.blksize_or_default(), granted.windowsize_or_default());
        match &mut self.flow {
            Flow::Receiving(receiving) => {
                *receiving = Receiving::new(blksize, window, self.config.rollover);
                if granted.tsize.is_some_and(|size| size > self.config.size_limit) {
                    return self.end_with(Some(ErrorCode::DiskFull), Failure::TooLong);
                }
                if oack {
                    receiving.set_due();
                }
                self.timer.start(now);
            }
            Flow::Sending(sending) => {
                let size = sending.size();
                *sending = Sending::new(size, blksize, window, self.config.rollover);
            }
        }
        Some(Event::Started { options: granted })
    }

    fn handle_data<'d>(&mut self, now: u64, block: u16, data: &'d [u8]) -> Option<Event<'d>> {
        let Flow::Receiving(receiving) = &mut self.flow else { return None };
        if data.len() > receiving.blksize() {
            let error = ParseError { what: Fault::BlockTooLong, at: receiving.blksize() };
            let code = Some(ErrorCode::IllegalOperation);
            return self.end_with(code, Failure::Malformed(error));
        }
        let taken = receiving.handle_data(now, block, data.len(), &mut self.timer);
        let Taken::Block { offset, last } = taken else { return None };
        let octets = receiving.octets();
        if octets > self.config.size_limit {
            return self.end_with(Some(ErrorCode::DiskFull), Failure::TooLong);
        }
        if last {
            // In netascii the sizes of the two sides need not agree.
            let announced = self.options.tsize.filter(|_| self.mode == Mode::Octet);
            if let Some(announced) = announced.filter(|announced| *announced != octets) {
                let failure = Failure::WrongSize { announced, received: octets };
                return self.end_with(Some(ErrorCode::NotDefined), failure);
            }
            self.phase = Phase::Lingering;
            self.event = Some(Event::Complete { octets });
        }
        let known = self.config.resume_at.saturating_sub(offset);
        let known = usize::try_from(known).unwrap_or(usize::MAX).min(data.len());
        let new = data.get(known..).unwrap_or_default();
        if new.is_empty() && !last {
            return None;
        }
        Some(Event::Block { offset: offset.saturating_add(known as u64), data: new, last })
    }

    fn handle_ack<'d>(&mut self, now: u64, block: u16) -> Option<Event<'d>> {
        let Flow::Sending(sending) = &mut self.flow else { return None };
        match sending.handle_ack(now, block, &mut self.timer) {
            Acked::Nothing | Acked::More => None,
            Acked::All => {
                self.phase = Phase::Ended;
                Some(Event::Complete { octets: sending.octets() })
            }
        }
    }

    fn end_with<'d>(&mut self, code: Option<ErrorCode>, failure: Failure<'d>) -> Option<Event<'d>> {
        warn!("the transfer has failed: {}", failure);
        self.phase = Phase::Ended;
        self.error = code;
        Some(Event::Failed(failure))
    }

    fn end(&mut self, code: Option<ErrorCode>, failure: Failure<'static>) {
        self.event = self.end_with(code, failure);
    }
}

/// Microseconds that fit the timer.
fn short(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

/// The longest datagram that any transfer can send or receive.
pub const MAX_DATAGRAM: usize = MAX_BLKSIZE as usize + DATA_HEADER;

#[cfg(test)]
mod tests;
