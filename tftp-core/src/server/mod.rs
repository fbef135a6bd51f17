//! The server of RFC 1350 with RFC 2347 to 2349 and 7440: any number of transfers in one machine.
//!
//! ```text
//!         accept                 ACK of OACK, DATA 1       last block and its ACK
//!  Asked --------> Offering ---------------------> Running ---------------------> Lingering --+
//!    | refuse         | silence, ERROR                | silence, ERROR, abort    (write only) |
//!    v                v                               v                                       v
//!  ERROR, gone      Failed, Released               Failed, Released            Complete, Released
//! ```
//!
//! Each request comes to the host as [`Event::Request`]; the host answers with [`Server::accept`]
//! or [`Server::refuse`], at once or later. In **single-port mode** all packets pass one socket. In
//! the mode of RFC 1350 the host opens a socket for each transfer, gives it a number, and names it
//! in [`Grant::local`]; from then on the transfer's packets go and come there
//! (`Transmit::path.local`), until [`Event::Released`] says that the socket may be closed.
//!
//! ```
//! # use core::time::Duration;
//! # use tftp_core::server::{Config, Event, Grant, Server, Storage};
//! # use tftp_core::{ErrorCode, Kind, Path};
//! # let mut storage: Storage<2> = Storage::new();
//! let mut server = Server::new(Config::default(), &mut storage, [7; 32]);
//! let (now, file) = (Duration::ZERO, b"hello");
//! let path = Path { local: 0, remote: "192.0.2.1:1069".parse().unwrap() };
//! match server.handle_datagram(now, path, b"\0\x01hello.txt\0octet\0").unwrap() {
//!     Some(Event::Request { transfer, kind: Kind::Read, name: b"hello.txt", .. }) => {
//!         server.accept(now, transfer, Grant::size(file.len() as u64)).unwrap();
//!     }
//!     Some(Event::Request { transfer, .. }) => {
//!         server.refuse(now, transfer, ErrorCode::FileNotFound, "There is only hello.txt").unwrap();
//!     }
//!     _ => {}
//! }
//! let mut buffer = vec![0; server.transmit_len()];
//! while let Some(transmit) = server.poll_transmit(now, &mut buffer) {
//!     if let Some((_, read)) = transmit.read {
//!         let from = read.offset as usize;
//!         buffer[read.place()].copy_from_slice(&file[from..from + read.len]);
//!     }
//!     assert_eq!(&buffer[..transmit.len], b"\0\x03\0\x01hello");
//! }
//! ```

use core::net::IpAddr;
use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

mod config;
mod transfer;

pub use self::config::Config;
use self::transfer::{Phase, Reason, Transfer};
use crate::error::{BufferTooSmall, Fault, Full, ParseError};
use crate::flow::{Acked, Taken, duration, micros};
use crate::option::{DEFAULT_BLKSIZE, OptionSet};
use crate::packet::{DATA_HEADER, ErrorCode, Kind, Mode, Packet, REQUEST_LIMIT, Request};
use crate::storage::{Index, Slots, Table, slot_len};
use crate::{Error, Failure, Path, Read};

/// What a transfer needs, with its place in the table, on every target.
const _: () = assert!(slot_len::<Transfer>() <= 256);

/// The deadline of a transfer that waits to be reported: before all others.
const REPORTS: u64 = 0;

/// Names a transfer for as long as it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TransferId(Index);

/// Where a server without allocation keeps up to `N` transfers.
#[derive(Debug)]
pub struct Storage<const N: usize> {
    transfers: Slots<Transfer, N>,
    sources: Slots<Source, N>,
}

impl<const N: usize> Storage<N> {
    /// Empty storage: all zeros, so that a static of it takes no flash.
    #[must_use]
    pub const fn new() -> Self {
        Self { transfers: Slots::new(), sources: Slots::new() }
    }
}

impl<const N: usize> Default for Storage<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// How many transfers an address has.
#[derive(Debug)]
pub(crate) struct Source {
    address: IpAddr,
    transfers: u32,
}

/// The host's consent to a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Grant {
    /// Read: how many octets the file has on the wire, if known. If not, the host says with
    /// [`Server::ends_at`] where it ends.
    pub size: Option<u64>,
    /// The number of the socket that is the transfer's own; none in single-port mode.
    pub local: Option<u16>,
}

impl Grant {
    /// To a write, or to a read of a file whose size is not known.
    pub const PLAIN: Self = Self { size: None, local: None };

    /// To a read of that many octets.
    #[must_use]
    pub const fn size(octets: u64) -> Self {
        Self { size: Some(octets), local: None }
    }

    /// The same, with a socket of its own.
    #[must_use]
    pub const fn on(self, local: u16) -> Self {
        Self { local: Some(local), ..self }
    }
}

/// What a [`Server`] has to say to its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Event<'d> {
    /// A client asks for a file. Answer with [`Server::accept`] or [`Server::refuse`].
    Request {
        /// The transfer that it would be.
        transfer: TransferId,
        /// Which way the file would go.
        kind: Kind,
        /// The file's name. Treat it as hostile.
        name: &'d [u8],
        /// [`Mode::Octet`] or [`Mode::Netascii`].
        mode: Mode,
        /// Write: how long the file is said to be, in octets (RFC 2349).
        size: Option<u64>,
    },
    /// Write: the next octets of a file, in order. The host stores them before it goes on to
    /// `poll_transmit`, which acknowledges them; where it cannot, it calls [`Server::abort`] first.
    Block {
        /// Which transfer.
        transfer: TransferId,
        /// Where in the file they belong.
        offset: u64,
        /// They.
        data: &'d [u8],
        /// Whether the file ends with them.
        last: bool,
    },
    /// The file is whole, here or at the client.
    Complete {
        /// Which transfer.
        transfer: TransferId,
        /// Its octets on the wire.
        octets: u64,
    },
    /// A transfer has come to nothing.
    Failed {
        /// Which transfer.
        transfer: TransferId,
        /// Why.
        failure: Failure<'d>,
    },
    /// The transfer is over and forgotten; its socket may be closed. Comes last for each transfer
    /// that was accepted, and for each that failed before.
    Released {
        /// Which transfer.
        transfer: TransferId,
    },
    /// The buffer of `poll_transmit` was too small; what was to be sent is still waiting.
    BufferTooSmall {
        /// How long it has to be, in octets.
        needed: usize,
    },
}

/// A datagram to send: the first `len` octets of the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Transmit {
    /// From which socket, and to whom.
    pub path: Path,
    /// How many octets.
    pub len: usize,
    /// The part of a file that the host has to read into the buffer before it sends.
    pub read: Option<(TransferId, Read)>,
}

/// An answer to somebody who has no transfer.
#[derive(Clone, Copy, Debug)]
struct Reply {
    path: Path,
    code: ErrorCode,
    message: &'static str,
}

/// The server's end of any number of transfers.
#[derive(Debug)]
pub struct Server<'s> {
    config: Config,
    transfers: Table<'s, Transfer>,
    sources: Table<'s, Source>,
    replies: heapless::Deque<Reply, 4>,
    too_small: Option<usize>,
}

impl<'s> Server<'s> {
    /// A server in storage that the host lends.
    pub fn new<const N: usize>(
        config: Config,
        storage: &'s mut Storage<N>,
        seed: [u8; 32],
    ) -> Self {
        let mut random = ChaCha8Rng::from_seed(seed);
        let mut key = || (random.next_u64(), random.next_u64());
        let transfers = Table::lent(storage.transfers.lend(), key());
        let sources = Table::lent(storage.sources.lend(), key());
        Self::over(config, transfers, sources)
    }

    /// A server whose storage grows, up to [`Config::transfers`].
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn growing(config: Config, seed: [u8; 32]) -> Server<'static> {
        let mut random = ChaCha8Rng::from_seed(seed);
        let mut key = || (random.next_u64(), random.next_u64());
        let transfers = Table::growing(config.transfers, key());
        let sources = Table::growing(config.transfers, key());
        Server::over(config, transfers, sources)
    }

    fn over(config: Config, transfers: Table<'s, Transfer>, sources: Table<'s, Source>) -> Self {
        Self { config, transfers, sources, replies: heapless::Deque::new(), too_small: None }
    }

    /// How long the buffer of [`Self::poll_transmit`] has to be, in octets.
    #[must_use]
    pub fn transmit_len(&self) -> usize {
        // A client without options gets blocks of 512, whatever the largest one granted is.
        let blksize = self.config.max_blksize.max(DEFAULT_BLKSIZE);
        usize::from(blksize).saturating_add(DATA_HEADER).max(REQUEST_LIMIT)
    }

    /// A datagram has come. Malformed ones are answered with ERROR 4, those of no transfer with
    /// ERROR 5, and an ERROR never.
    ///
    /// # Errors
    /// [`Error::Parse`] for what is no TFTP, [`Error::Full`] and [`Error::SourceFull`] for a
    /// request too many. None of them disturbs other transfers.
    pub fn handle_datagram<'d>(
        &mut self,
        now: Duration,
        path: Path,
        datagram: &'d [u8],
    ) -> Result<Option<Event<'d>>, Error> {
        let at = micros(now);
        let packet = match Packet::parse(datagram) {
            Ok(packet) => packet,
            Err(error) => {
                self.handle_malformed(at, path, datagram, error);
                return Err(Error::Parse(error));
            }
        };
        if let Packet::Request(request) = packet
            && path.local < self.config.listeners
        {
            return self.handle_request(at, path, &request, datagram);
        }
        let Some(index) = self.find(path) else {
            // An ERROR is never answered with an ERROR.
            if !matches!(packet, Packet::Error { .. }) {
                self.reply(path, ErrorCode::UnknownTid, ErrorCode::UnknownTid.message());
            }
            return Ok(None);
        };
        let id = TransferId(index);
        let Some(transfer) = self.transfers.get_mut(index) else { return Ok(None) };
        transfer.heard(at);
        let event = match packet {
            Packet::Error { code, message } => match transfer.phase {
                // It is whole on this side: what the peer thinks of it changes nothing.
                Phase::Lingering | Phase::Ended(_) | Phase::Refusing { .. } => None,
                _ => {
                    transfer.end(Reason::Told);
                    let failure = Failure::Peer { code, message };
                    Some(Event::Failed { transfer: id, failure })
                }
            },
            Packet::Ack { block } => match transfer.handle_ack(at, block, &self.config) {
                Some(Acked::All) => {
                    let octets = transfer.octets();
                    transfer.end(Reason::Told);
                    Some(Event::Complete { transfer: id, octets })
                }
                Some(_) => None,
                None => self.unexpected(index),
            },
            Packet::Data { block, data } => {
                match transfer.handle_data(at, block, data.len(), &self.config) {
                    Ok(Some(Taken::Block { offset, last })) => {
                        Some(Event::Block { transfer: id, offset, data, last })
                    }
                    Ok(Some(Taken::Nothing)) => None,
                    Ok(None) => self.unexpected(index),
                    Err((code, failure)) => {
                        transfer.refuse(code, code.message(), true);
                        Some(Event::Failed { transfer: id, failure })
                    }
                }
            }
            Packet::Request(_) | Packet::Oack(_) => self.unexpected(index),
        };
        self.schedule(index);
        Ok(event)
    }

    /// A client cannot be reached (ICMP), or the transfer's socket has failed.
    pub fn handle_closed(&mut self, _now: Duration, path: Path) {
        if let Some(index) = self.find(path)
            && let Some(transfer) = self.transfers.get_mut(index)
        {
            match transfer.phase {
                Phase::Ended(_) => {}
                Phase::Lingering => transfer.end(Reason::Told),
                _ => transfer.end(Reason::Unreachable),
            }
            self.schedule(index);
        }
    }

    /// The time that [`Self::poll_timeout`] asked for has come.
    pub fn handle_timeout(&mut self, now: Duration) {
        let at = micros(now);
        while let Some(deadline) = self.transfers.next_deadline() {
            // Those that wait to be reported stand at zero, before all others.
            if deadline > at || deadline == REPORTS {
                return;
            }
            let Some(index) = self.transfers.pop_due(at) else { return };
            if let Some(transfer) = self.transfers.get_mut(index) {
                transfer.handle_timeout(at);
            }
            self.schedule(index);
        }
    }

    /// Writes the next datagram to send. Where [`Transmit::read`] is given, the host reads that
    /// part of the file into its place in the buffer before it sends.
    #[must_use]
    pub fn poll_transmit(&mut self, now: Duration, buffer: &mut [u8]) -> Option<Transmit> {
        if let Some(reply) = self.replies.front() {
            let message = reply.message.as_bytes();
            let packet = Packet::Error { code: reply.code, message };
            let path = reply.path;
            return match packet.write(buffer) {
                Ok(len) => {
                    self.replies.pop_front();
                    Some(Transmit { path, len, read: None })
                }
                Err(error) => self.too_small(error),
            };
        }
        let at = micros(now);
        while let Some(index) = self.transfers.first_ready() {
            let transfer = self.transfers.get_mut(index)?;
            match transfer.transmit(at, buffer, &self.config) {
                Some(Ok((path, len, read))) => {
                    if !transfer.has_transmit() {
                        self.transfers.clear_ready(index);
                        self.schedule(index);
                    }
                    let read = read.map(|read| (TransferId(index), read));
                    return Some(Transmit { path, len, read });
                }
                Some(Err(error)) => return self.too_small(error),
                None => {
                    self.transfers.clear_ready(index);
                    self.schedule(index);
                }
            }
        }
        None
    }

    /// What came of time, or of the host's own calls.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event<'static>> {
        if let Some(needed) = self.too_small.take() {
            return Some(Event::BufferTooSmall { needed });
        }
        let index = self.transfers.pop_due(REPORTS)?;
        let id = TransferId(index);
        let transfer = self.transfers.get_mut(index)?;
        let event = match transfer.phase {
            Phase::Lingering => {
                transfer.reported = true;
                Event::Complete { transfer: id, octets: transfer.octets() }
            }
            Phase::Ended(reason) => match reason.failure() {
                Some(failure) => {
                    transfer.phase = Phase::Ended(Reason::Told);
                    Event::Failed { transfer: id, failure }
                }
                None => {
                    self.remove(index);
                    return Some(Event::Released { transfer: id });
                }
            },
            _ => return None,
        };
        self.schedule(index);
        Some(event)
    }

    /// Takes a request.
    ///
    /// # Errors
    /// [`Error::UnknownTransfer`] where the request is no longer waiting.
    pub fn accept(&mut self, now: Duration, id: TransferId, grant: Grant) -> Result<(), Error> {
        let transfer = self.asked(id)?;
        let config = self.config;
        if let Some(transfer) = self.transfers.get_mut(transfer) {
            debug!("a transfer begins, of {} octets", grant.size);
            transfer.accept(micros(now), &grant, &config);
        }
        self.schedule(id.0);
        Ok(())
    }

    /// Refuses a request; the transfer is forgotten when its ERROR is sent.
    ///
    /// # Errors
    /// [`Error::UnknownTransfer`] where the request is no longer waiting.
    pub fn refuse(
        &mut self,
        _now: Duration,
        id: TransferId,
        code: ErrorCode,
        message: &'static str,
    ) -> Result<(), Error> {
        let index = self.asked(id)?;
        if let Some(transfer) = self.transfers.get_mut(index) {
            transfer.refuse(code, message, false);
        }
        self.schedule(index);
        Ok(())
    }

    /// Ends a transfer with an ERROR to the client; [`Event::Released`] follows.
    ///
    /// # Errors
    /// [`Error::UnknownTransfer`] where it has already ended. A write whose [`Event::Complete`] the
    /// host has had is released then, and the client is not told that it came to nothing.
    pub fn abort(
        &mut self,
        _now: Duration,
        id: TransferId,
        code: ErrorCode,
        message: &'static str,
    ) -> Result<(), Error> {
        let transfer = self.transfers.get_mut(id.0).ok_or(Error::UnknownTransfer)?;
        if matches!(transfer.phase, Phase::Ended(_) | Phase::Refusing { .. }) {
            return Err(Error::UnknownTransfer);
        }
        let is_whole = transfer.phase == Phase::Lingering && transfer.reported;
        if is_whole {
            transfer.end(Reason::Told);
        } else {
            transfer.refuse(code, message, true);
        }
        self.schedule(id.0);
        if is_whole { Err(Error::UnknownTransfer) } else { Ok(()) }
    }

    /// Read: the file ends here, in octets on the wire. To be called as soon as the host knows,
    /// before it sends the datagram that has the end in it; it shortens that datagram by what is
    /// missing.
    ///
    /// # Errors
    /// [`Error::UnknownTransfer`] where it has already ended.
    pub fn ends_at(&mut self, id: TransferId, size: u64) -> Result<(), Error> {
        let transfer = self.transfers.get_mut(id.0).ok_or(Error::UnknownTransfer)?;
        transfer.set_size(size);
        self.schedule(id.0);
        Ok(())
    }

    /// When to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.transfers.next_deadline().map(duration)
    }

    /// How many octets of a file have come or have been acknowledged.
    #[must_use]
    pub fn transferred(&self, id: TransferId) -> Option<u64> {
        self.transfers.get(id.0).map(Transfer::octets)
    }

    /// The options that a transfer runs with; those that were asked for, until it is accepted.
    #[must_use]
    pub fn options(&self, id: TransferId) -> Option<OptionSet> {
        self.transfers.get(id.0).map(Transfer::options)
    }

    /// How many transfers are live, those that linger included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.transfers.len()
    }

    /// Whether no transfer is live.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn handle_request<'d>(
        &mut self,
        now: u64,
        path: Path,
        request: &Request<'d>,
        datagram: &[u8],
    ) -> Result<Option<Event<'d>>, Error> {
        let digest = self.transfers.hash(&[datagram]) as u32;
        if let Some(index) = self.find_request(path)
            && let Some(transfer) = self.transfers.get_mut(index)
        {
            let silent = Duration::from_millis(transfer.silent_ms(now).into());
            let again = transfer.digest == digest;
            let over = matches!(transfer.phase, Phase::Lingering | Phase::Ended(_));
            // A repeat may have been under way for longer than a short file took.
            let restarted = (over || transfer.has_begun()) && silent >= self.config.restart_after;
            let repeated = again && !restarted && !matches!(transfer.phase, Phase::Ended(_));
            if repeated {
                // A repeat by the network, or by a client whose timer is short: the answer is
                // under way, and the timer sees to it.
                return Ok(None);
            }
            if over {
                transfer.end(Reason::Told);
            } else {
                transfer.end(Reason::Replaced);
            }
            self.schedule(index);
        }
        if request.mode == Mode::Mail {
            self.reply(path, ErrorCode::IllegalOperation, "Mail is not supported");
            return Ok(None);
        }
        let options = request.options.known();
        if request.kind == Kind::Write
            && options.tsize.is_some_and(|size| size > self.config.size_limit)
        {
            self.reply(path, ErrorCode::DiskFull, ErrorCode::DiskFull.message());
            return Ok(None);
        }
        if let Err(error) = self.count(path.remote.ip()) {
            self.reply(path, ErrorCode::NotDefined, "Too many transfers, try again later");
            return Err(error);
        }
        let transfer = Transfer::new(path, request.kind, options, digest, now, &self.config);
        let hash = self.hash(path);
        match self.transfers.insert(hash, transfer) {
            Ok(index) => Ok(Some(Event::Request {
                transfer: TransferId(index),
                kind: request.kind,
                name: request.name,
                mode: request.mode,
                size: options.tsize.filter(|_| request.kind == Kind::Write),
            })),
            Err((_, full)) => {
                self.uncount(path.remote.ip());
                self.reply(path, ErrorCode::NotDefined, "Too many transfers, try again later");
                Err(Error::Full(full))
            }
        }
    }

    fn handle_malformed(&mut self, now: u64, path: Path, datagram: &[u8], error: ParseError) {
        // An ERROR is never answered, and what is not even a packet is not worth an answer to an
        // address that may be forged.
        let answer = datagram.len() >= 2 && !matches!(datagram, [0, 5, ..]);
        let request = matches!(datagram, [0, 1 | 2, ..]);
        let code = ErrorCode::IllegalOperation;
        let index =
            if request && path.local < self.config.listeners { None } else { self.find(path) };
        let Some(index) = index else {
            if answer {
                self.reply(path, code, code.message());
            }
            return;
        };
        if let Some(transfer) = self.transfers.get_mut(index) {
            transfer.heard(now);
            let at = u16::try_from(error.at).unwrap_or(u16::MAX);
            let reason = Reason::Malformed(error.what, at);
            match transfer.phase {
                Phase::Lingering | Phase::Ended(_) | Phase::Refusing { .. } => {}
                // RFC 1350 section 2: what delay and repeats do not explain ends a transfer.
                _ if answer => transfer.fail(code, reason),
                _ => transfer.end(reason),
            }
        }
        self.schedule(index);
    }

    /// A packet that does not belong to this kind of transfer, or not now.
    fn unexpected<'d>(&mut self, index: Index) -> Option<Event<'d>> {
        let transfer = self.transfers.get_mut(index)?;
        if matches!(transfer.phase, Phase::Lingering | Phase::Ended(_) | Phase::Refusing { .. }) {
            return None;
        }
        let code = ErrorCode::IllegalOperation;
        transfer.refuse(code, code.message(), true);
        let failure = Failure::Malformed(ParseError { what: Fault::Unexpected, at: 0 });
        Some(Event::Failed { transfer: TransferId(index), failure })
    }

    /// Queues a transfer that has something to send, and sets its deadline. A deadline that has
    /// moved away is left in place until it comes: that costs one early call of `handle_timeout`
    /// and saves ordering the deadlines anew for each packet.
    fn schedule(&mut self, index: Index) {
        let Some(transfer) = self.transfers.get(index) else { return };
        let sends = transfer.has_transmit();
        let reports = match transfer.phase {
            Phase::Ended(_) => true,
            Phase::Lingering => !transfer.reported,
            _ => false,
        };
        let forget = transfer.is_refused();
        let deadline = match transfer.timer.deadline {
            u64::MAX => None,
            deadline => Some(deadline.max(REPORTS + 1)),
        };
        if sends {
            self.transfers.set_ready(index);
        }
        if forget {
            self.remove(index);
        } else if reports {
            self.transfers.set_deadline(index, Some(REPORTS));
        } else {
            match (self.transfers.deadline(index), deadline) {
                (Some(set), Some(new)) if set <= new => {}
                (_, deadline) => self.transfers.set_deadline(index, deadline),
            }
        }
    }

    fn asked(&self, id: TransferId) -> Result<Index, Error> {
        match self.transfers.get(id.0) {
            Some(transfer) if transfer.phase == Phase::Asked => Ok(id.0),
            _ => Err(Error::UnknownTransfer),
        }
    }

    fn find(&self, path: Path) -> Option<Index> {
        self.transfers.find(self.hash(path), |transfer| {
            transfer.path == path && !matches!(transfer.phase, Phase::Ended(_))
        })
    }

    fn find_request(&self, path: Path) -> Option<Index> {
        self.transfers.find(self.hash(path), |transfer| {
            transfer.path.remote == path.remote
                && transfer.asked_local == path.local
                && !matches!(transfer.phase, Phase::Ended(_))
        })
    }

    /// The hash of the peer's transfer ID. The socket is not part of it, so that a repeated request
    /// finds a transfer that has gone on to a socket of its own.
    fn hash(&self, path: Path) -> u64 {
        let port = path.remote.port().to_be_bytes();
        match path.remote.ip() {
            IpAddr::V4(address) => self.transfers.hash(&[&address.octets(), &port]),
            IpAddr::V6(address) => self.transfers.hash(&[&address.octets(), &port]),
        }
    }

    fn source_hash(&self, address: IpAddr) -> u64 {
        match address {
            IpAddr::V4(address) => self.sources.hash(&[&address.octets()]),
            IpAddr::V6(address) => self.sources.hash(&[&address.octets()]),
        }
    }

    fn count(&mut self, address: IpAddr) -> Result<(), Error> {
        let hash = self.source_hash(address);
        if let Some(index) = self.sources.find(hash, |source| source.address == address)
            && let Some(source) = self.sources.get_mut(index)
        {
            if source.transfers >= self.config.per_source {
                let capacity = usize::try_from(self.config.per_source).unwrap_or(usize::MAX);
                return Err(Error::SourceFull(Full { capacity }));
            }
            source.transfers = source.transfers.saturating_add(1);
            return Ok(());
        }
        let source = Source { address, transfers: 1 };
        self.sources.insert(hash, source).map(|_| ()).map_err(|(_, full)| Error::Full(full))
    }

    fn uncount(&mut self, address: IpAddr) {
        let hash = self.source_hash(address);
        if let Some(index) = self.sources.find(hash, |source| source.address == address)
            && let Some(source) = self.sources.get_mut(index)
        {
            source.transfers = source.transfers.saturating_sub(1);
            if source.transfers == 0 {
                let _ = self.sources.remove(index);
            }
        }
    }

    fn remove(&mut self, index: Index) {
        if let Some(transfer) = self.transfers.remove(index) {
            self.uncount(transfer.path.remote.ip());
        }
    }

    /// A host that drains after each datagram never has more than one of them waiting; for one
    /// that does not, the newest gives way: its sender will ask again.
    fn reply(&mut self, path: Path, code: ErrorCode, message: &'static str) {
        let _ = self.replies.push_back(Reply { path, code, message });
    }

    fn too_small(&mut self, error: BufferTooSmall) -> Option<Transmit> {
        self.too_small = Some(error.needed);
        None
    }
}

#[cfg(test)]
mod tests;
