use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::machine::Machine;
use super::{ClientId, Config, ConfigError, Error, Event, Failure, ServerId, State};
use crate::message::{Message, StartLine};
use crate::storage::{Arena, Block, Index, Lent, Seeds, Slots, Table};
use crate::transport::{Frame, PING, PONG, Path, Text, Transmit};

/// The index of a layer's table that knows transactions by branch, sent-by and method.
pub(super) const BY_KEY: usize = 0;
/// The index that knows requests by what is the same on each way that they came.
pub(super) const BY_REQUEST: usize = 1;
/// The index that knows transactions by their path.
pub(super) const BY_PATH: usize = 2;
/// How many indexes there are.
pub(super) const INDEXES: usize = 3;

/// Memory for a [`Layer`] with room for `TRANSACTIONS` transactions at a time and `OCTETS` octets
/// of messages kept for them.
#[derive(Debug)]
pub struct Storage<U, const TRANSACTIONS: usize, const OCTETS: usize> {
    pub(crate) slots: Slots<Transaction<U>, TRANSACTIONS, INDEXES>,
    pub(crate) octets: [u8; OCTETS],
}

impl<U, const TRANSACTIONS: usize, const OCTETS: usize> Storage<U, TRANSACTIONS, OCTETS> {
    /// Empty storage, to stand in a static or on the stack.
    #[must_use]
    pub const fn new() -> Self {
        Self { slots: Slots::new(), octets: [0; OCTETS] }
    }
}

impl<U, const T: usize, const O: usize> Default for Storage<U, T, O> {
    fn default() -> Self {
        Self::new()
    }
}

/// What a transaction has to send next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Nothing,
    /// The request, or for a server the 100 Trying: what is kept in `block`.
    Block,
    /// The ACK, or for a server the response: what is kept in `answer`.
    Answer,
}

/// One transaction, as it stands in a slot of a layer's storage.
#[derive(Debug)]
pub struct Transaction<U> {
    pub(super) machine: Machine,
    /// A second hash of what the first one was made of: with both a chance match is out of reach.
    pub(super) check: u64,
    pub(super) path: Path,
    pub(super) user: Option<U>,
    /// A client's request; a server's 100 Trying, from which its other responses take their rows.
    pub(super) block: Option<Block>,
    /// A client's ACK; a server's last response.
    pub(super) answer: Option<Block>,
    /// The tag of our To; at a client, a hash of the To tag whose 2xx was acknowledged.
    pub(super) tag: Option<u64>,
    pub(super) next: Next,
    pub(super) note: Option<Failure>,
    /// A CANCEL is to follow as soon as there is a provisional response (RFC 3261 section 9.1).
    pub(super) cancel_wanted: bool,
    /// The layer's own CANCEL: nobody is told of it.
    pub(super) is_internal: bool,
    /// What the CANCEL says in its Reason.
    #[cfg(feature = "calling")]
    pub(super) reason: Option<Block>,
}

/// A response without a transaction, or a keep-alive, on its way out.
#[derive(Debug)]
struct Parcel {
    path: Path,
    /// What is to be sent; a pong or a ping where there is nothing kept.
    block: Option<Block>,
    octets: &'static [u8],
    may_connect: bool,
}

/// How many parcels wait at a time. A host that drains after each input never has more than two.
const PARCELS: usize = 4;

/// The tag that the layer puts into the To of a server transaction's responses (RFC 3261 section
/// 19.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Tag(pub(crate) [u8; 16]);

impl Tag {
    /// The tag that stands for a number: 16 hexadecimal digits.
    #[must_use]
    pub fn new(number: u64) -> Self {
        let mut tag = [b'0'; 16];
        let mut text = Text::default();
        for (place, digit) in tag.iter_mut().zip(text.hex(number)) {
            *place = *digit;
        }
        Self(tag)
    }

    /// As it stands in the header.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The transaction layer. `U` is what its user attaches to each transaction.
#[derive(Debug)]
pub struct Layer<'s, U> {
    pub(super) config: Config,
    pub(super) table: Table<'s, Transaction<U>>,
    pub(super) arena: Arena<'s>,
    pub(super) random: ChaCha8Rng,
    /// The key of [`Transaction::check`].
    pub(super) check_key: (u64, u64),
    parcels: [Option<Parcel>; PARCELS],
    too_small: Option<(usize, bool)>,
}

impl<'s, U: Copy> Layer<'s, U> {
    /// A layer in memory that the host lends.
    ///
    /// # Errors
    /// [`Error::Config`] where the configuration is refused, or the memory is too small for one
    /// transaction.
    pub fn new<const TRANSACTIONS: usize, const OCTETS: usize>(
        config: Config,
        storage: &'s mut Storage<U, TRANSACTIONS, OCTETS>,
        seed: [u8; 32],
    ) -> Result<Self, Error> {
        Self::over(config, storage.slots.lend(), &mut storage.octets, seed)
    }

    /// A layer whose memory grows as far as the configuration's limits.
    ///
    /// # Errors
    /// [`Error::Config`] where the configuration is refused.
    #[cfg(feature = "alloc")]
    pub fn growing(config: Config, seed: [u8; 32]) -> Result<Self, Error> {
        config.check()?;
        let seeds = Seeds::new(seed);
        let table = Table::growing(config.max_transactions, INDEXES, seeds.key(0));
        let arena = Arena::growing(config.max_octets, config.reserve);
        Ok(Self::with(config, table, arena, seed))
    }

    pub(crate) fn over(
        config: Config,
        slots: Lent<'s, Transaction<U>>,
        octets: &'s mut [u8],
        seed: [u8; 32],
    ) -> Result<Self, Error> {
        config.check()?;
        if slots.is_empty() {
            return Err(ConfigError::Slots.into());
        }
        let needed = config.reserve.saturating_add(512);
        if octets.len() < needed {
            return Err(ConfigError::Octets { needed }.into());
        }
        let table = Table::lent(slots, Seeds::new(seed).key(0));
        let arena = Arena::lent(octets, config.reserve);
        Ok(Self::with(config, table, arena, seed))
    }

    fn with(
        config: Config,
        table: Table<'s, Transaction<U>>,
        arena: Arena<'s>,
        seed: [u8; 32],
    ) -> Self {
        Self {
            config,
            table,
            arena,
            random: ChaCha8Rng::from_seed(seed),
            check_key: Seeds::new(seed).key(1),
            parcels: [const { None }; PARCELS],
            too_small: None,
        }
    }

    /// A datagram arrived.
    ///
    /// # Errors
    /// What is wrong with it, or that there is no room for what it asks; where RFC 3261 has an
    /// answer for that, it is queued.
    pub fn handle_datagram<'d>(
        &mut self,
        now: Duration,
        path: Path,
        datagram: &'d [u8],
    ) -> Result<Option<Event<'d, U>>, Error> {
        // Keep-alives, and the padding that some senders put in front (RFC 5626 section 3.5.1,
        // RFC 3261 section 7.5).
        let text = datagram.trim_ascii_start();
        if text.is_empty() {
            // Over WebSocket a keep-alive is a message of its own (RFC 7118 section 6).
            if datagram == PING && path.transport.is_reliable() {
                self.pong(path)?;
            }
            return Ok(None);
        }
        match Message::parse(text) {
            Ok(message) => self.handle_message(now, path, message),
            Err(error) => {
                self.refuse_malformed(path, text, error);
                Err(error.into())
            }
        }
    }

    /// Bytes of a stream arrived. Says how many of them were used; with none used it needs more.
    /// At most one message is taken at a time: call it again with the rest while bytes are used.
    ///
    /// # Errors
    /// The stream cannot be understood any more: drain `poll_transmit`, then close it. What is
    /// wrong with one message that is well framed is told as [`Event::Refused`].
    pub fn handle_stream<'d>(
        &mut self,
        now: Duration,
        path: Path,
        bytes: &'d [u8],
    ) -> Result<(usize, Option<Event<'d, U>>), Error> {
        match Frame::next(bytes, &self.config.limits) {
            Ok(Frame::Incomplete) => Ok((0, None)),
            Ok(Frame::Blank(len)) => Ok((len, None)),
            Ok(Frame::Ping(len)) => {
                self.pong(path)?;
                Ok((len, None))
            }
            Ok(Frame::Message(len, message)) => match self.handle_message(now, path, message) {
                Ok(event) => Ok((len, event)),
                Err(error) => Ok((len, Some(Event::Refused { path, error }))),
            },
            Err(error) => {
                self.refuse_malformed(path, bytes.trim_ascii_start(), error);
                Err(error.into())
            }
        }
    }

    /// A message that the host has parsed and cut out itself arrived.
    ///
    /// # Errors
    /// As [`Layer::handle_datagram`].
    pub fn handle_message<'d>(
        &mut self,
        now: Duration,
        path: Path,
        message: Message<'d>,
    ) -> Result<Option<Event<'d, U>>, Error> {
        match message.start() {
            StartLine::Request { method, .. } => self.arrived(now, path, method, message),
            StartLine::Response { code, .. } => self.answered(now, path, code, message),
        }
    }

    /// A stream ended or could not be opened, or a datagram could not be delivered (ICMP): what
    /// waits for an answer on this path fails, what has to answer on it looks for another way.
    pub fn handle_closed(&mut self, now: Duration, path: Path) {
        let hash = self.path_hash(path);
        for place in 0..PARCELS {
            if self
                .parcels
                .get(place)
                .is_some_and(|parcel| parcel.as_ref().is_some_and(|parcel| parcel.path == path))
            {
                self.drop_parcel(place);
            }
        }
        while let Some(index) = self.table.find_in(BY_PATH, hash, |entry| entry.path == path) {
            self.table.set_hash(index, BY_PATH, None);
            let Some(entry) = self.table.get(index) else { continue };
            let waits =
                matches!(entry.machine.state, State::Calling | State::Trying | State::Proceeding);
            if entry.machine.is_client {
                if waits {
                    self.fail(index, Failure::Transport);
                }
                continue;
            }
            match self.other_way(index) {
                Some(other) => self.set_path(index, other),
                None if waits || entry.machine.is_invite => self.fail(index, Failure::Transport),
                None => self.remove(index),
            }
        }
        self.handle_timeout(now);
    }

    /// The time that [`Layer::poll_timeout`] asked for has come; early or late calls are harmless.
    pub fn handle_timeout(&mut self, now: Duration) {
        while let Some(index) = self.table.pop_due(now) {
            let config = self.config;
            let Some(entry) = self.table.get_mut(index) else { continue };
            let due = entry.machine.due(now, &config);
            if due.trying {
                entry.next = Next::Block;
            }
            if due.resend {
                let acknowledged = entry.answer.is_some();
                entry.next = if acknowledged { Next::Answer } else { Next::Block };
            }
            if due.trying || due.resend {
                self.table.set_ready(index);
            }
            if due.cancel {
                // Where there is no room for a CANCEL the transaction ends by its other timer.
                let _ = self.send_cancel(now, index);
            }
            if due.failed {
                self.fail(index, Failure::Timeout);
            } else {
                self.schedule(index);
            }
        }
    }

    /// Writes what is to be sent next into `buffer`. A host with buffers as long as the longest
    /// message it sends never meets [`Event::BufferTooSmall`].
    #[must_use]
    pub fn poll_transmit(&mut self, _now: Duration, buffer: &mut [u8]) -> Option<Transmit> {
        for place in 0..PARCELS {
            let Some(parcel) = self.parcels.get(place)?.as_ref() else { continue };
            let octets = match &parcel.block {
                Some(block) => self.arena.get(block),
                None => parcel.octets,
            };
            let (path, len, may_connect) = (parcel.path, octets.len(), parcel.may_connect);
            let Some(room) = buffer.get_mut(..len) else {
                self.note_too_small(len);
                return None;
            };
            room.copy_from_slice(octets);
            self.drop_parcel(place);
            return Some(Transmit { path, len, may_connect });
        }
        loop {
            let index = self.table.first_ready()?;
            let entry = self.table.get(index)?;
            let block = match entry.next {
                Next::Nothing => None,
                Next::Block => entry.block.as_ref(),
                Next::Answer => entry.answer.as_ref(),
            };
            let Some(octets) = block.map(|block| self.arena.get(block)) else {
                self.table.clear_ready(index);
                continue;
            };
            let (path, len) = (entry.path, octets.len());
            let may_connect = entry.machine.is_client || !path.transport.is_secure();
            let Some(room) = buffer.get_mut(..len) else {
                self.note_too_small(len);
                return None;
            };
            room.copy_from_slice(octets);
            self.table.clear_ready(index);
            if let Some(entry) = self.table.get_mut(index) {
                entry.next = Next::Nothing;
                if entry.machine.state == State::Terminated {
                    self.remove(index);
                }
            }
            self.too_small = None;
            return Some(Transmit { path, len, may_connect });
        }
    }

    /// What came of time, of a closed path or of the host's own calls.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event<'static, U>> {
        if let Some((needed, false)) = self.too_small {
            self.too_small = Some((needed, true));
            return Some(Event::BufferTooSmall { needed });
        }
        loop {
            let index = self.table.first_noted()?;
            self.table.clear_noted(index);
            let entry = self.table.get_mut(index)?;
            let Some(failure) = entry.note.take() else { continue };
            let (user, is_client) = (entry.user, entry.machine.is_client);
            if !(is_client && user.is_some() && self.config.keeps_failed()) {
                self.remove(index);
            }
            match user {
                Some(user) if is_client => {
                    let transaction = ClientId(index);
                    return Some(Event::ClientFailed { transaction, user, failure });
                }
                _ if is_client => {}
                user => {
                    let transaction = ServerId(index);
                    return Some(Event::ServerFailed { transaction, user, failure });
                }
            }
        }
    }

    /// When to call [`Layer::handle_timeout`] next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.table.next_deadline()
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How many transactions are live.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether no transaction is live.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The octets that this layer keeps, for who stands on it and keeps octets too.
    pub fn arena(&self) -> &Arena<'s> {
        &self.arena
    }

    /// The octets that this layer keeps, for who stands on it and keeps octets too.
    pub fn arena_mut(&mut self) -> &mut Arena<'s> {
        &mut self.arena
    }

    /// A random number from the layer's seed.
    pub fn random(&mut self) -> u64 {
        // Two halves: for a whole one the generator would stand in an image twice.
        u64::from(self.random.next_u32()) << 32 | u64::from(self.random.next_u32())
    }

    /// Queues something that belongs to no transaction.
    /// Answers a keep-alive. One answer is enough for all that came since the host has sent.
    fn pong(&mut self, path: Path) -> Result<(), Error> {
        let is_queued =
            self.parcels.iter().flatten().any(|parcel| {
                parcel.path == path && parcel.block.is_none() && parcel.octets == PONG
            });
        if is_queued { Ok(()) } else { self.post(path, None, PONG, false) }
    }

    pub(super) fn post(
        &mut self,
        path: Path,
        block: Option<Block>,
        octets: &'static [u8],
        may_connect: bool,
    ) -> Result<(), Error> {
        match self.parcels.iter_mut().find(|parcel| parcel.is_none()) {
            Some(place) => {
                *place = Some(Parcel { path, block, octets, may_connect });
                Ok(())
            }
            None => {
                if let Some(block) = block {
                    self.arena.free(block);
                }
                Err(Error::Transactions(crate::storage::Full { capacity: PARCELS }))
            }
        }
    }

    /// Queues a keep-alive: two line ends, which a stream's other side answers with one (RFC 5626
    /// section 3.5.1).
    ///
    /// # Errors
    /// [`Error::Transactions`] where the host has not drained `poll_transmit`.
    pub fn ping(&mut self, path: Path) -> Result<(), Error> {
        self.post(path, None, PING, true)
    }

    fn drop_parcel(&mut self, place: usize) {
        let parcel = self.parcels.get_mut(place).and_then(Option::take);
        if let Some(block) = parcel.and_then(|parcel| parcel.block) {
            self.arena.free(block);
        }
        // What waits stays in order.
        for at in place..PARCELS - 1 {
            if let Some([here, next]) = self
                .parcels
                .get_mut(at..at + 2)
                .and_then(|pair| <&mut [Option<Parcel>; 2]>::try_from(pair).ok())
            {
                core::mem::swap(here, next);
            }
        }
        self.too_small = None;
    }

    fn note_too_small(&mut self, needed: usize) {
        if self.too_small.is_none_or(|(told, _)| told != needed) {
            self.too_small = Some((needed, false));
        }
    }

    pub(super) fn schedule(&mut self, index: Index) {
        let Some(entry) = self.table.get(index) else { return };
        if entry.machine.state == State::Terminated && entry.note.is_none() {
            // What has still to be sent is sent first.
            if entry.next == Next::Nothing {
                self.remove(index);
            }
            return;
        }
        let deadline = entry.machine.deadline();
        self.table.set_deadline(index, deadline);
    }

    /// Ends a transaction that has to tell of it.
    pub(super) fn fail(&mut self, index: Index, failure: Failure) {
        let Some(entry) = self.table.get_mut(index) else { return };
        if entry.is_internal {
            self.remove(index);
            return;
        }
        debug!("a transaction has failed: {}", failure);
        entry.machine.end();
        entry.note = Some(failure);
        entry.next = Next::Nothing;
        let keeps = entry.machine.is_client && self.config.keeps_failed();
        let request = if keeps { None } else { entry.block.take() };
        for block in [request, entry.answer.take()].into_iter().flatten() {
            self.arena.free(block);
        }
        self.table.set_deadline(index, None);
        self.table.clear_ready(index);
        self.table.set_hash(index, BY_KEY, None);
        self.table.set_hash(index, BY_REQUEST, None);
        self.table.set_hash(index, BY_PATH, None);
        self.table.set_noted(index);
    }

    pub(super) fn remove(&mut self, index: Index) {
        let Some(entry) = self.table.remove(index) else { return };
        for block in [entry.block, entry.answer].into_iter().flatten() {
            self.arena.free(block);
        }
        #[cfg(feature = "calling")]
        if let Some(reason) = entry.reason {
            self.arena.free(reason);
        }
    }

    pub(super) fn set_path(&mut self, index: Index, path: Path) {
        let hash = self.path_hash(path);
        if let Some(entry) = self.table.get_mut(index) {
            entry.path = path;
        }
        self.table.set_hash(index, BY_PATH, Some(hash));
    }

    pub(super) fn path_hash(&self, path: Path) -> u64 {
        let mut address = [0; 16];
        match path.remote.ip() {
            core::net::IpAddr::V4(ip) => {
                for (place, octet) in address.iter_mut().zip(ip.octets()) {
                    *place = octet;
                }
            }
            core::net::IpAddr::V6(ip) => address = ip.octets(),
        }
        let numbers = [
            path.remote.port().to_be_bytes(),
            path.local.to_be_bytes(),
            [path.transport as u8, u8::from(path.remote.is_ipv6())],
        ];
        self.table.hash(&[&address, numbers.as_flattened()])
    }
}
