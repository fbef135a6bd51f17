//! The server role: a registrar, a presence server and a proxy for the users of one domain (RFC 3261
//! sections 10 and 16, RFC 3903, RFC 6665 with RFC 3856).
//!
//! ```text
//!                ┌──────────── Server ────────────────────────────────────────────┐
//!  datagrams,    │ transaction::Layer ─▶ gate ─▶ REGISTER  ─▶ registrar ─▶ location │
//!  streams  ───▶ │  (sent again, once     │      PUBLISH   ─▶ publication ─┐       │
//!           ◀─── │   told, answered)      │      SUBSCRIBE ─▶ watcher ◀────┴ NOTIFY │
//!                │                        └───── all else  ─▶ proxy ─▶ location     │
//!                └────────────────────────────────────────────────────────────────┘
//! ```
//!
//! [`Server`] is one machine with the verbs of all machines here. Its parts stand alone too:
//! [`registrar`] over any [`Location`], [`publication`], [`watcher`]; a proxy of another kind is made
//! of [`transaction::Layer`] and [`message`](crate::message).
//!
//! Who a user is: whoever proves it with the digest of the password (RFC 3261 section 22), with MD5 or
//! SHA-256 (RFC 8760). REGISTER is challenged with 401, all else of a local user with 407; the name in
//! From must be the name that was proven. ACK and CANCEL are not challenged, and neither is a request
//! inside a dialog that was set up through this server: the Record-Route that it put there shows it.
//! Credentials are good once: a nonce count that was used before is challenged again. The 200 to a
//! REGISTER shows that the server knows the password too, and brings the next nonce in time.
//!
//! Where a user is: a registration is bound to the path it came over, and requests go back over it. When
//! a connection in clear TCP has ended, the client is reached on the port that its Contact names
//! ([`Transmit::may_connect`] is set); in TLS only over the connection that the client opened.
//!
//! A server on one UDP socket, in memory that is lent to it:
//!
//! ```
//! # use core::time::Duration;
//! use sip_core::auth::Algorithm;
//! use sip_core::server::{Account, Config, Ha1, Listen, Server, Storage};
//! use sip_core::transport::{Path, Transport};
//! # fn wait(_: Option<Duration>) -> Option<(Duration, Path, Option<&'static [u8]>)> { None }
//! # fn send(_: Path, _: &[u8]) {}
//!
//! let ha1 = |algorithm: Algorithm| algorithm.ha1(b"alice", b"example.com", b"secret");
//! let ha1 = Ha1 { sha256: Some(ha1(Algorithm::Sha256)), ..Ha1::default() };
//! let users = [Account { name: b"alice", ha1 }];
//! let address = "192.0.2.1:5060".parse().unwrap();
//! let listen = [Listen { local: 0, transport: Transport::Udp, address }];
//! // Bindings, publications, subscriptions, requests under way, transactions, octets for these.
//! let mut storage = Storage::<4, 4, 8, 4, 16, 32768>::new();
//! let config = Config::new("example.com", &listen);
//! let mut server = Server::new(config, &users[..], &mut storage, [7; 32])?;
//!
//! let mut buffer = [0; 4096];
//! // What arrived, or nothing where the time has come.
//! while let Some((now, path, datagram)) = wait(server.poll_timeout()) {
//!     match datagram.map(|datagram| server.handle_datagram(now, path, datagram)) {
//!         Some(Ok(Some(event))) => println!("{event:?}"),
//!         Some(Ok(None)) => {}
//!         Some(Err(error)) => println!("{path:?}: {error}"),
//!         None => server.handle_timeout(now),
//!     }
//!     while let Some(transmit) = server.poll_transmit(now, &mut buffer) {
//!         send(transmit.path, &buffer[..transmit.len]);
//!     }
//!     while let Some(event) = server.poll_event() {
//!         println!("{event:?}");
//!     }
//! }
//! # Ok::<(), sip_core::transaction::Error>(())
//! ```

mod config;
mod event;
mod flow;
mod gate;
mod line;
pub mod location;
mod notifier;
mod proxy;
pub mod publication;
mod refusal;
pub mod registrar;
mod route;
mod search;
mod serve;
#[cfg(test)]
mod tests;
mod user;
pub mod watcher;

use core::time::Duration;

use crate::message::StatusCode;
use crate::storage::{Arena, Index, Seeds, Slots, Table};
use crate::transaction::{self, Error, Layer};
use crate::transport::{Path, Transmit};

use event::Told;
use flow::Flows;
use gate::{Gate, NonceEntry};
use proxy::Relay;

pub use config::{Config, Listen};
pub use event::{Departure, Event};
pub use gate::{Account, Ha1, Users};
pub use refusal::{Refusal, With};
pub use user::{MAX_USER, User};

use location::{Bindings, Location};
use publication::Publications;
use watcher::{WatcherId, Watchers};

/// How long the host's buffer for [`Server::poll_transmit`] has to be, in octets, where messages may be
/// as long as the configuration's default limits let them. A shorter one does where messages are shorter:
/// a longer message stays queued then, and [`Event::BufferTooSmall`] says so.
pub const TRANSMIT_BUFFER: usize = 80 * 1024;

/// To how many contacts of a user a request is sent at most.
pub const MAX_BRANCHES: usize = 8;

/// The methods that the server itself understands, or relays.
const ALLOW: &[u8] = b"INVITE, ACK, CANCEL, BYE, OPTIONS, MESSAGE, REGISTER, SUBSCRIBE, NOTIFY, \
    PUBLISH, REFER, INFO, UPDATE, PRACK";

/// The media type of presence documents (RFC 3863).
const PIDF: &str = "application/pidf+xml";

/// The event package of presence (RFC 3856).
const PRESENCE: &[u8] = b"presence";

/// Whom a transaction belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Owner {
    /// A NOTIFY of this subscription.
    Notify(WatcherId),
    /// A request that is relayed.
    Relay(#[doc(hidden)] RelayId),
}

/// Names a request that is relayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RelayId(Index);

/// What a server keeps of a request that is relayed.
#[derive(Debug)]
pub struct RelayEntry(Relay);

/// The memory of a [`Server`], to be lent: room for so many bindings, publications, subscriptions,
/// requests that are relayed and transactions, and for `OCTETS` octets of messages that transactions
/// keep.
#[derive(Debug)]
pub struct Storage<
    const BINDINGS: usize,
    const PUBLICATIONS: usize,
    const WATCHERS: usize,
    const RELAYS: usize,
    const TRANSACTIONS: usize,
    const OCTETS: usize,
> {
    bindings: Slots<location::Entry, BINDINGS, { location::INDEXES }>,
    binding_octets: [[u8; 256]; BINDINGS],
    publications: Slots<publication::Entry, PUBLICATIONS>,
    publication_octets: [[u8; 1024]; PUBLICATIONS],
    watchers: Slots<watcher::Entry, WATCHERS, { watcher::INDEXES }>,
    watcher_octets: [[u8; 512]; WATCHERS],
    relays: Slots<RelayEntry, RELAYS>,
    nonces: Slots<NonceEntry, TRANSACTIONS>,
    answer_octets: [[u8; 512]; RELAYS],
    layer: transaction::Storage<Owner, TRANSACTIONS, OCTETS>,
}

impl<const B: usize, const P: usize, const W: usize, const R: usize, const T: usize, const O: usize>
    Storage<B, P, W, R, T, O>
{
    /// Memory that holds nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bindings: Slots::new(),
            binding_octets: [[0; 256]; B],
            publications: Slots::new(),
            publication_octets: [[0; 1024]; P],
            watchers: Slots::new(),
            watcher_octets: [[0; 512]; W],
            relays: Slots::new(),
            nonces: Slots::new(),
            answer_octets: [[0; 512]; R],
            layer: transaction::Storage::new(),
        }
    }
}

impl<const B: usize, const P: usize, const W: usize, const R: usize, const T: usize, const O: usize>
    Default for Storage<B, P, W, R, T, O>
{
    fn default() -> Self {
        Self::new()
    }
}

/// A registrar, presence server and proxy for one domain. `U` knows the users, `L` where they are.
#[derive(Debug)]
pub struct Server<'s, U, L = Bindings<'s>> {
    config: Config<'s>,
    gate: Gate<'s, U>,
    flows: Flows,
    layer: Layer<'s, Owner>,
    location: L,
    publications: Publications<'s>,
    watchers: Watchers<'s>,
    relays: Table<'s, RelayEntry>,
    /// The best responses so far of the requests that are relayed.
    answers: Arena<'s>,
    told: Told,
    /// Until when no NOTIFY is begun, since there was no room for the last one.
    notify_after: Option<Duration>,
    /// The latest time that the host has spoken of.
    now: Duration,
}

/// What a server is put together from.
struct Parts<'s, L> {
    layer: Layer<'s, Owner>,
    location: L,
    publications: Publications<'s>,
    watchers: Watchers<'s>,
    relays: Table<'s, RelayEntry>,
    nonces: Table<'s, NonceEntry>,
    answers: Arena<'s>,
}

/// The purposes of the keys that follow from the seed. The transaction layer takes a seed of its own.
mod purpose {
    pub(super) const BINDINGS: u8 = 16;
    pub(super) const PUBLICATIONS: u8 = 17;
    pub(super) const WATCHERS: u8 = 18;
    pub(super) const RELAYS: u8 = 19;
    pub(super) const FLOWS: u8 = 20;
    pub(super) const NONCES: u8 = 21;
}

impl<'s, U: Users> Server<'s, U> {
    /// A server in memory that the host lends.
    ///
    /// # Errors
    /// [`Error::Config`] where the memory is too small for anything.
    pub fn new<
        const B: usize,
        const P: usize,
        const W: usize,
        const R: usize,
        const T: usize,
        const O: usize,
    >(
        config: Config<'s>,
        users: U,
        storage: &'s mut Storage<B, P, W, R, T, O>,
        seed: [u8; 32],
    ) -> Result<Self, Error> {
        let seeds = Seeds::new(seed);
        let location = Bindings::over(
            storage.bindings.lend(),
            storage.binding_octets.as_flattened_mut(),
            &seeds,
            purpose::BINDINGS,
        );
        let publications = Publications::over(
            storage.publications.lend(),
            storage.publication_octets.as_flattened_mut(),
            config.max_publications_per_user,
            &seeds,
            purpose::PUBLICATIONS,
        );
        let watchers = Watchers::over(
            storage.watchers.lend(),
            storage.watcher_octets.as_flattened_mut(),
            &seeds,
            purpose::WATCHERS,
        );
        let relays = Table::lent(storage.relays.lend(), seeds.key(purpose::RELAYS));
        let nonces = Table::lent(storage.nonces.lend(), seeds.key(purpose::NONCES));
        let answers = Arena::lent(storage.answer_octets.as_flattened_mut(), 0);
        let layer = Layer::new(config.layer(), &mut storage.layer, seed)?;
        let parts = Parts { layer, location, publications, watchers, relays, nonces, answers };
        Ok(Self::with(config, users, parts, seed))
    }

    /// A server whose memory grows as far as the configuration's limits.
    ///
    /// # Errors
    /// [`Error::Config`] where the configuration is refused.
    #[cfg(feature = "alloc")]
    pub fn growing(config: Config<'s>, users: U, seed: [u8; 32]) -> Result<Self, Error> {
        let location = Bindings::growing(config.max_bindings, &Seeds::new(seed), purpose::BINDINGS);
        Self::growing_with(config, users, location, seed)
    }
}

impl<'s, U: Users, L: Location> Server<'s, U, L> {
    /// The same with a store of bindings of the host's own.
    ///
    /// # Errors
    /// [`Error::Config`] where the configuration is refused.
    #[cfg(feature = "alloc")]
    pub fn growing_with(
        config: Config<'s>,
        users: U,
        location: L,
        seed: [u8; 32],
    ) -> Result<Self, Error> {
        let seeds = Seeds::new(seed);
        let octets = config.max_publications.saturating_mul(2048).max(config.max_document * 2);
        let publications = Publications::growing(
            config.max_publications,
            octets,
            config.max_publications_per_user,
            &seeds,
            purpose::PUBLICATIONS,
        );
        let watchers = Watchers::growing(config.max_watchers, &seeds, purpose::WATCHERS);
        let relays = Table::growing(config.max_relays, 1, seeds.key(purpose::RELAYS));
        let nonces = Table::growing(config.max_nonces, 1, seeds.key(purpose::NONCES));
        let answers = Arena::growing(config.max_octets, 0);
        let layer = Layer::growing(config.layer(), seed)?;
        let parts = Parts { layer, location, publications, watchers, relays, nonces, answers };
        Ok(Self::with(config, users, parts, seed))
    }

    fn with(config: Config<'s>, users: U, parts: Parts<'s, L>, seed: [u8; 32]) -> Self {
        let seeds = Seeds::new(seed);
        Self {
            gate: Gate::new(users, &config, parts.nonces, seed),
            flows: Flows::new(seeds.key(purpose::FLOWS)),
            config,
            layer: parts.layer,
            location: parts.location,
            publications: parts.publications,
            watchers: parts.watchers,
            relays: parts.relays,
            answers: parts.answers,
            told: Told::new(),
            notify_after: None,
            now: Duration::ZERO,
        }
    }

    /// Says who has sent what is handed in from now on, where the host knows it better than by Digest: by
    /// a client certificate of TLS, or by signatures of a layer below. Such a request is not challenged,
    /// and only taken from the user whom it names. With nothing, Digest says who it is.
    pub const fn prove(&mut self, user: Option<User>) {
        self.gate.proven = user;
    }

    /// A datagram arrived.
    ///
    /// # Errors
    /// What is wrong with it, or that there is no room for what it asks; where RFC 3261 has an answer
    /// for that, it is queued.
    pub fn handle_datagram<'d>(
        &mut self,
        now: Duration,
        path: Path,
        datagram: &'d [u8],
    ) -> Result<Option<Event<'d>>, Error> {
        self.now = now;
        let event = self.layer.handle_datagram(now, path, datagram)?;
        Ok(event.and_then(|event| self.dispatch(now, event)))
    }

    /// Bytes of a stream arrived. Says how many of them were used; with none used it needs more. It
    /// takes at most one message: call it again with the rest while it uses bytes.
    ///
    /// # Errors
    /// The stream cannot be understood any more: drain [`Server::poll_transmit`], then close it.
    pub fn handle_stream<'d>(
        &mut self,
        now: Duration,
        path: Path,
        bytes: &'d [u8],
    ) -> Result<(usize, Option<Event<'d>>), Error> {
        self.now = now;
        let (used, event) = self.layer.handle_stream(now, path, bytes)?;
        Ok((used, event.and_then(|event| self.dispatch(now, event))))
    }

    /// A stream ended or could not be opened, or a datagram could not be sent.
    pub fn handle_closed(&mut self, now: Duration, path: Path) {
        self.now = now;
        while let Some(user) = self.location.disconnect(path) {
            let bindings = self.location.count(&user);
            self.watchers.changed(&user);
            self.told.push(Event::Unregistered { user, reason: Departure::Disconnected, bindings });
        }
        self.layer.handle_closed(now, path);
        self.failures(now);
    }

    /// The time that [`Server::poll_timeout`] asked for has come; early or late calls are harmless.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.now = now;
        self.notify_after = self.notify_after.filter(|at| *at > now);
        self.layer.handle_timeout(now);
        self.failures(now);
        // What there is no room to tell of now is done when the host has asked for what there is.
        while self.told.has_room() {
            let Some(user) = self.location.expire(now) else { break };
            let bindings = self.location.count(&user);
            self.watchers.changed(&user);
            self.told.push(Event::Unregistered { user, reason: Departure::Expired, bindings });
        }
        while let Some(user) = self.publications.expire(now) {
            self.watchers.changed(&user);
        }
        while self.watchers.expire(now) {}
        while let Some(index) = self.relays.pop_due(now) {
            self.relay_due(now, RelayId(index));
        }
    }

    /// Writes what is to be sent next into `buffer`; [`TRANSMIT_BUFFER`] is long enough for anything.
    #[must_use]
    pub fn poll_transmit(&mut self, now: Duration, buffer: &mut [u8]) -> Option<Transmit> {
        loop {
            if let Some(mut transmit) = self.layer.poll_transmit(now, buffer) {
                // Whoever came over TLS is reached over his connection, or not at all.
                transmit.may_connect &= !transmit.path.transport.is_secure();
                return Some(transmit);
            }
            if !self.notify_next(now) {
                return None;
            }
        }
    }

    /// What came of time, or of a connection's end.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event<'static>> {
        if let Some(transaction::Event::BufferTooSmall { needed }) = self.layer.poll_event() {
            return Some(Event::BufferTooSmall { needed });
        }
        self.told.pop()
    }

    /// When to call [`Server::handle_timeout`] next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        [
            self.layer.poll_timeout(),
            self.location.next_expiry(),
            self.publications.next_expiry(),
            self.watchers.next_expiry(),
            self.relays.next_deadline(),
            self.notify_after,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// How many transactions, relayed requests, publications and subscriptions there are: all zero in
    /// a server that has nothing to do any more.
    #[must_use]
    pub fn live(&self) -> Live {
        Live {
            transactions: self.layer.len(),
            relays: self.relays.len(),
            publications: self.publications.len(),
            watchers: self.watchers.len(),
        }
    }

    /// The store of bindings.
    pub fn location(&self) -> &L {
        &self.location
    }

    fn dispatch<'d>(
        &mut self,
        now: Duration,
        event: transaction::Event<'d, Owner>,
    ) -> Option<Event<'d>> {
        match event {
            transaction::Event::Request { transaction, message, path } => {
                self.request(now, transaction, path, &message)
            }
            transaction::Event::Ack { message, path } => {
                self.acknowledge(path, &message);
                None
            }
            transaction::Event::Cancel { transaction, user, .. } => {
                self.cancel(now, transaction, user);
                None
            }
            transaction::Event::Response { user, message, .. } => match user {
                Owner::Relay(relay) => self.relayed(now, relay, &message),
                Owner::Notify(watcher) => {
                    let code = message.code().unwrap_or(StatusCode::SERVER_INTERNAL_ERROR);
                    if code.is_final() {
                        self.watchers.answered(watcher, code.is_success());
                    }
                    None
                }
            },
            other => {
                self.failed(now, other);
                None
            }
        }
    }

    /// Deals with what came of time in the transaction layer.
    fn failures(&mut self, now: Duration) {
        while let Some(event) = self.layer.poll_event() {
            self.failed(now, event);
        }
    }

    fn failed(&mut self, now: Duration, event: transaction::Event<'_, Owner>) {
        match event {
            transaction::Event::ClientFailed { user: Owner::Notify(watcher), .. } => {
                self.watchers.answered(watcher, false);
            }
            transaction::Event::ClientFailed { user: Owner::Relay(relay), failure, .. } => {
                self.branch_failed(now, relay, failure);
            }
            transaction::Event::ServerFailed { user: Some(Owner::Relay(relay)), .. } => {
                self.caller_gone(now, relay);
            }
            transaction::Event::BufferTooSmall { needed } => {
                self.told.push(Event::BufferTooSmall { needed });
            }
            // A response that belongs to nothing (any more), or a transaction that was nobody's.
            _ => {}
        }
    }
}

/// How much a server has under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Live {
    /// Transactions.
    pub transactions: usize,
    /// Requests that are relayed.
    pub relays: usize,
    /// Publications.
    pub publications: usize,
    /// Subscriptions.
    pub watchers: usize,
}
