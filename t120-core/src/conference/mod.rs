//! A node of a conference: transport, MCS, GCC and the whiteboard in one machine.
//!
//! ```text
//!   host:   streams on TCP port 1503      |  draw, delete, leave …   |  board, roster
//!                  |                               |                        ^
//!           handle_stream, poll_transmit           v                        |
//!          +---------------------------------------------------------------------+
//!          |  TPKT, X.224  |  MCS provider  |  GCC node  |  whiteboard           |
//!          +---------------------------------------------------------------------+
//! ```
//!
//! A node [hosts](Conference::host) a conference and becomes its top, or
//! [joins](Conference::join) one at a node that it has opened a stream to, or
//! [creates](Conference::create) one there. A node that has joined takes further nodes below
//! itself. After every `handle_*` and every call that changes something the host calls
//! [`poll_transmit`](Conference::poll_transmit) until it gives nothing, then
//! [`poll_event`](Conference::poll_event) until it gives nothing.
//!
//! The host loop, here with two nodes in one place; with sockets, the octets of `poll_transmit`
//! are written to the stream of their connection instead:
//!
//! ```
//! # #[cfg(feature = "alloc")] {
//! use std::time::Duration;
//! use t120_core::conference::{Conference, Config, Connection, Event};
//! use t120_core::whiteboard::{Pen, Point, Shape};
//!
//! let now = Duration::ZERO;
//! let mut alice = Conference::growing(Config::new("Alice")?, [1; 32])?;
//! let mut bob = Conference::growing(Config::new("Bob")?, [2; 32])?;
//! alice.host("1")?;
//! alice.accept(now, Connection(0))?; // a stream that came in on TCP port 1503
//! bob.join(now, Connection(0), "1")?; // a stream that was opened to it
//!
//! let mut streams = [Vec::new(), Vec::new()]; // to Alice, to Bob
//! let mut buffer = [0; 2048];
//! let mut drawn = false;
//! loop {
//!     let mut idle = true;
//!     for (number, node) in [&mut alice, &mut bob].into_iter().enumerate() {
//!         let mut used = 1;
//!         while used > 0 {
//!             let octets = std::mem::take(&mut streams[number]);
//!             let mut event;
//!             (used, event) = node.handle_stream(now, Connection(0), &octets)?;
//!             streams[number] = octets[used..].to_vec(); // the host keeps the rest
//!             while let Some(transmit) = node.poll_transmit(now, &mut buffer) {
//!                 streams[1 - number].extend_from_slice(&buffer[..transmit.len]);
//!                 idle = false;
//!             }
//!             while let Some(event) = event.take().or_else(|| node.poll_event()) {
//!                 if event == Event::BoardReady && number == 1 && !drawn {
//!                     drawn = true;
//!                     let (from, to) = (Point::new(10, 10), Point::new(90, 50));
//!                     node.draw(Shape::Ellipse { from, to }, Pen::default(), None)?;
//!                     idle = false;
//!                 }
//!             }
//!         }
//!     }
//!     if idle {
//!         break;
//!     }
//! }
//! assert_eq!(alice.board().len(), 1);
//! assert_eq!(alice.board().digest(), bob.board().digest());
//! assert_eq!(bob.roster().count(), 2);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod application;
mod board;
mod call;
mod conductor;
mod config;
mod control;
mod event;
mod gcc;
mod invite;
mod merge;
mod profile;
mod registry;
mod setup;
mod user;

pub use crate::transport::{Connection, Transmit};
pub use application::{Capability, Entity};
pub use board::Picture;
pub use config::{Config, Name, NodeSlot, Storage};
pub use event::{EndReason, Event};
pub use profile::{Credentials, Privileges, Profile};

use core::time::Duration;

use crate::error::{Error, Full};
use crate::mcs::provider::{self, Provider};
use crate::mcs::{ChannelId, Notice, Reason, UserId};
use crate::storage::{Dense, Records, Room};
use crate::transport::{Phase as LinkPhase, Received};
use crate::whiteboard::Board;
use event::Pending;
pub(crate) use event::Report;

/// The port of T.120 on TCP.
pub const PORT: u16 = 1503;

/// How far a node is on its way into a conference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// In none.
    #[default]
    Idle,
    /// Has called.
    Calling(Connection),
    /// The connection stands, and the node's user is being attached.
    Attaching,
    /// The node has its number, and joins its channels.
    Joining,
    /// In it.
    Entered,
}

/// Whose a unit of user data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    /// The node has seen to it.
    Node,
    /// A PDU of GCC that the host is told of.
    GccHost,
    /// Data on a channel of the host's.
    Host,
}

/// What a connection was opened for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To join a conference, or to create one.
    Enter,
    /// The peer has called.
    #[default]
    Accepted,
    /// The peer has called to invite this node, which has accepted.
    Invited,
    /// To ask which conferences there are.
    Query,
    /// To invite the other node into this node's conference.
    Invite,
    /// To make this node's conference a part of another one.
    Merge,
}

/// How far the whiteboard is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum BoardPhase {
    /// Its user is being attached, or its channels joined.
    #[default]
    Starting,
    /// The wish to get all that stands there is on its way.
    Asking,
    /// What stands there is coming.
    Refreshing,
    /// Equal to all others.
    Ready,
}

/// A node of a conference.
#[derive(Debug)]
pub struct Conference<'s> {
    config: Config,
    provider: Provider<'s>,
    scratch: Room<'s, u8>,
    /// Units of user data that came in several PDUs, marked with their sender, channel, priority.
    units: Records<'s>,
    roster: Dense<'s, NodeSlot>,
    roster_instance: u16,
    board: Board<'s>,
    phase: Phase,
    board_phase: BoardPhase,
    profile: Profile,
    credentials: Credentials,
    /// Which connect PDU a call begins with.
    call: setup::Call,
    /// The call by which the conference of this top becomes a part of another one.
    merging_call: Option<Connection>,
    /// What stands on the board here goes to all, from this place on.
    republish: Option<usize>,
    invitation: Option<invite::Invitation>,
    /// Application entities, sessions and entries of the registry.
    directory: Records<'s>,
    handles: u32,
    applications_instance: u16,
    conductor: Option<UserId>,
    /// Input was not taken, and has to be offered again.
    held: bool,
    /// Which of the units the host was told of.
    told: Option<u64>,
    /// Whether units wait for the host.
    ready: bool,
    node: Option<UserId>,
    board_user: Option<UserId>,
    top_node: Option<UserId>,
    superior: Option<UserId>,
    /// The connection of who created the conference from afar.
    convener: Option<Connection>,
    /// Its node, as soon as that is known.
    convener_node: Option<UserId>,
    tag: i64,
    /// Names the challenge for the password of this top.
    challenge: i64,
    next_object: u16,
    /// Who gets all that stands on the board next, and from where on.
    refresh: Option<(UserId, usize)>,
    pending: Pending,
}

/// One node in the roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Node<'c> {
    /// Its number in the conference.
    pub id: UserId,
    /// Its user's name.
    pub name: &'c str,
    /// The node above it; none for the top.
    pub superior: Option<UserId>,
}

impl<'s> Conference<'s> {
    /// A node that is in no conference, in storage that the host lends.
    ///
    /// # Errors
    /// The configuration cannot work.
    pub fn new<
        const CONNECTIONS: usize,
        const USERS: usize,
        const CHANNELS: usize,
        const OCTETS: usize,
    >(
        config: Config,
        storage: &'s mut Storage<CONNECTIONS, USERS, CHANNELS, OCTETS>,
        seed: [u8; 32],
    ) -> Result<Self, crate::ConfigError> {
        config.check()?;
        Ok(Self::with_parts(config, config::lent(storage, &config), seed))
    }

    /// A node that is in no conference, whose storage grows up to the limits in `config`.
    ///
    /// # Errors
    /// The configuration cannot work.
    #[cfg(feature = "alloc")]
    pub fn growing(config: Config, seed: [u8; 32]) -> Result<Self, crate::ConfigError> {
        config.check()?;
        Ok(Self::with_parts(config, config::growing(&config), seed))
    }

    fn with_parts(config: Config, parts: config::Parts<'s>, seed: [u8; 32]) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = seed;
        let random = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        Self {
            config,
            provider: Provider::new(parts.transport, parts.tables, config.limits(), random),
            scratch: parts.scratch,
            units: Records::new(parts.units),
            roster: Dense::new(parts.roster),
            roster_instance: 0,
            board: Board::new(parts.board),
            phase: Phase::Idle,
            board_phase: BoardPhase::Starting,
            profile: Profile::EMPTY,
            credentials: Credentials::EMPTY,
            call: setup::Call::Join,
            merging_call: None,
            republish: None,
            invitation: None,
            directory: Records::new(parts.directory),
            handles: 0,
            applications_instance: 0,
            conductor: None,
            held: false,
            told: None,
            ready: false,
            node: None,
            board_user: None,
            top_node: None,
            superior: None,
            convener: None,
            convener_node: None,
            tag: 0,
            challenge: 0,
            next_object: 0,
            refresh: None,
            pending: Pending::default(),
        }
    }

    /// Octets came on a stream: takes at most one packet, and says how many octets it had. The
    /// host keeps the rest, and calls again while any are used. Nothing is taken while half of the
    /// queue's room waits to be sent, or from below while this conference becomes a part of
    /// another one: [`Event::Resumed`] says when the same octets are to be offered again.
    ///
    /// # Errors
    /// What the peer sent cannot be taken. The host drains `poll_transmit`, closes the stream, and
    /// calls [`handle_closed`](Self::handle_closed).
    pub fn handle_stream(
        &mut self,
        now: Duration,
        connection: Connection,
        octets: &[u8],
    ) -> Result<(usize, Option<Event>), Error> {
        self.forget_told();
        if self.holds(connection) {
            self.held = true;
            return Ok((0, None));
        }
        if self.flush_refresh().is_err() {
            // What stands on the board has to go out before it changes, and its stream is slow.
            self.held = true;
            return Ok((0, None));
        }
        let (used, received) = self.provider.transport.receive(connection, octets)?;
        match received {
            Received::Nothing => {}
            Received::Tsdu(tsdu) => self.handle_tsdu(now, connection, tsdu)?,
            Received::Assembled => {
                let none = Records::new(Room::Lent(&mut []));
                let mut taken = core::mem::replace(&mut self.provider.transport.assembly, none);
                let mut result = Ok(());
                if let Some(record) = taken.find(u64::from(connection.0)) {
                    let at = record.at;
                    result = self.handle_tsdu(now, connection, record.octets);
                    taken.remove(at);
                }
                self.provider.transport.assembly = taken;
                result?;
            }
            Received::Opened => self.opened(connection)?,
            Received::Refused => self.dropped(connection, EndReason::Refused)?,
        }
        self.settle()?;
        Ok((used, if used > 0 { self.poll_event() } else { None }))
    }

    /// A stream ended, or could not be opened.
    pub fn handle_closed(&mut self, now: Duration, connection: Connection) {
        let _ = now;
        let known = self
            .provider
            .transport
            .link(connection)
            .is_some_and(|link| link.phase != LinkPhase::Closed);
        if !known {
            return;
        }
        let upward = self.provider.upward();
        self.unwatch(connection);
        self.call_is_over(connection);
        // What cannot be told for want of room is lost with the connections it was meant for.
        let _ = self.provider.closed(connection);
        let lost = upward.is_some() && self.provider.upward().is_none();
        if lost || self.phase == Phase::Calling(connection) {
            self.forget_conference();
            self.pending.ended = Some(EndReason::Lost);
        } else {
            let _ = self.sweep_roster();
        }
        let _ = self.settle();
    }

    /// The time that [`poll_timeout`](Self::poll_timeout) asked for has come.
    pub fn handle_timeout(&mut self, now: Duration) {
        while let Some((connection, _)) = self.first_watched().filter(|(_, due)| *due <= now) {
            self.unwatch(connection);
            let _ = self.dropped(connection, EndReason::TimedOut);
        }
        while let Some(connection) =
            self.provider.take_offender(now, self.config.throughput_interval)
        {
            let _ = self.dropped(connection, EndReason::TooSlow);
        }
        let _ = self.settle();
    }

    /// Writes the next packet into `buffer`. It never needs more than
    /// [`transmit_len`](Self::transmit_len) octets.
    #[must_use]
    pub fn poll_transmit(&mut self, now: Duration, buffer: &mut [u8]) -> Option<Transmit> {
        let _ = now;
        loop {
            match self.provider.transport.poll(now, buffer) {
                Ok(Some(transmit)) => return Some(transmit),
                // The next object of a refresh is queued when those before it are gone.
                Ok(None) if self.republish_next() => {}
                Ok(None) if self.refresh_next() => {}
                Ok(None) if self.provider.transport.is_idle() && self.skip_refresh() => {}
                Ok(None) => return None,
                Err(needed) => {
                    self.pending.too_small = Some(needed);
                    return None;
                }
            }
        }
    }

    /// What came of the host's calls, of time, and of what a packet has brought beyond the event
    /// that `handle_stream` gave.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        if let Some(event) = self.pending.next(self.node, self.top_node) {
            return Some(event);
        }
        if let Some(notice) = self.next_notice() {
            return Some(Event::Mcs(notice));
        }
        if let Some(event) = self.next_ready() {
            return Some(event);
        }
        let waits = self.refresh.is_some() || self.provider.transport.is_congested();
        if self.held && !waits && !self.provider.is_merging() {
            self.held = false;
            return Some(Event::Resumed);
        }
        let (connection, report) = self.provider.transport.take_report()?;
        Some(match report {
            Report::Up => Event::Connected { connection },
            Report::Down(reason) => Event::Disconnected { connection, reason },
        })
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), or never.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let watched = self.first_watched().map(|(_, due)| due);
        let slow = self.provider.first_slow(self.config.throughput_interval);
        watched.into_iter().chain(slow).min()
    }

    /// How long a packet of [`poll_transmit`](Self::poll_transmit) may be, in octets.
    pub const fn transmit_len(&self) -> usize {
        self.config.max_packet_octets
    }

    /// The board, to be rendered.
    pub const fn board(&self) -> &Board<'s> {
        &self.board
    }

    /// Whether the board is equal to all others, so that it can be drawn on.
    pub fn board_is_ready(&self) -> bool {
        self.board_phase == BoardPhase::Ready
    }

    /// The nodes of the conference, in the order of their numbers.
    pub fn roster(&self) -> impl Iterator<Item = Node<'_>> {
        self.roster.as_slice().iter().filter_map(|slot| {
            let id = slot.id?;
            Some(Node { id, name: slot.name.as_str(), superior: slot.superior })
        })
    }

    /// This node's number in the conference.
    pub const fn node(&self) -> Option<UserId> {
        self.node
    }

    /// Whether this node is at the top of its conference.
    pub const fn is_top(&self) -> bool {
        self.provider.is_top()
    }

    fn handle_tsdu(
        &mut self,
        now: Duration,
        connection: Connection,
        tsdu: &[u8],
    ) -> Result<(), Error> {
        let _ = now;
        use provider::Event as Mcs;
        match self.provider.handle(connection, tsdu)? {
            None => Ok(()),
            Some(Mcs::Data(data)) => self.handle_data(&data),
            Some(Mcs::ConnectIndication { connection, initial }) => {
                self.called(connection, &initial)
            }
            Some(Mcs::ConnectConfirm { connection, response }) => {
                self.answered(connection, &response)
            }
            Some(Mcs::AttachConfirm { tag, result }) => self.attach_confirmed(tag, result),
            Some(Mcs::JoinConfirm { user, requested, result }) => {
                self.join_confirmed(user, requested, result)
            }
            Some(Mcs::LaneStands { lane, last_of }) => {
                self.unwatch(lane);
                match last_of {
                    Some(first) => self.stands(first),
                    None => Ok(()),
                }
            }
            Some(Mcs::Merged) => self.merged(),
            Some(Mcs::Detached { users, .. }) => {
                for user in users.iter() {
                    self.forget_units(user);
                }
                self.sweep_roster()
            }
            Some(Mcs::Disconnected { connection, .. }) => {
                self.call_is_over(connection);
                self.unwatch(connection);
                if self.provider.upward().is_none() && !self.provider.is_top() {
                    self.forget_conference();
                    self.pending.ended.get_or_insert(EndReason::Ended);
                } else {
                    self.sweep_roster()?;
                }
                self.report(connection, Report::Down(EndReason::Ended));
                Ok(())
            }
        }
    }

    /// Puts units together that came in several PDUs.
    fn handle_data(&mut self, data: &crate::mcs::data::Data<'_>) -> Result<(), Error> {
        let mark = user::mark_of_data(data);
        let whole = data.segmentation.begin && data.segmentation.end;
        if let (true, Some(octets)) = (whole, data.user_data.as_slice()) {
            match self.handle_unit(data.initiator, data.channel, octets)? {
                For::Node => {}
                For::GccHost => self.keep_gcc(data.initiator, octets),
                For::Host => {
                    self.keep_user_data(data.initiator, data.channel, data.priority, octets);
                }
            }
            return Ok(());
        }
        let mut found = self.units.find(mark).map(|record| record.at);
        if data.segmentation.begin {
            if let Some(at) = found {
                self.units.remove(at);
            }
            found = self.units.push(mark, &[]).ok();
            self.pending.board_full |= found.is_none();
        }
        // Without its beginning a unit is of no use: it was sent before the channel was joined.
        let Some(at) = found else { return Ok(()) };
        for chunk in data.user_data.chunks() {
            if self.units.extend(at, chunk).is_err() {
                // What one of them sends too long must not cost the others the conference.
                self.units.remove(at);
                self.pending.board_full = true;
                return Ok(());
            }
        }
        if !data.segmentation.end {
            return Ok(());
        }
        let none = Records::new(Room::Lent(&mut []));
        let taken = core::mem::replace(&mut self.units, none);
        let mut result = Ok(For::Node);
        if let Some(record) = taken.get(at) {
            result = self.handle_unit(data.initiator, data.channel, record.octets);
        }
        self.units = taken;
        match result? {
            For::Node => self.units.remove(at),
            For::GccHost => self.keep_unit(at, true),
            For::Host => self.keep_unit(at, false),
        }
        Ok(())
    }

    /// What a user has begun to say will not be ended any more.
    fn forget_units(&mut self, user: UserId) {
        loop {
            let mut units = self.units.iter();
            let found = units.find(|unit| unit.mark >> 32 == u64::from(user.value()));
            let Some(at) = found.map(|unit| unit.at) else { return };
            drop(units);
            self.units.remove(at);
        }
    }

    /// Takes a whole unit; says whose it is.
    fn handle_unit(
        &mut self,
        initiator: UserId,
        channel: ChannelId,
        octets: &[u8],
    ) -> Result<For, Error> {
        let own = |user: Option<UserId>| user.map(ChannelId::from) == Some(channel);
        if channel.value() == crate::whiteboard::CHANNEL || own(self.board_user) {
            return self.handle_board(initiator, octets).map(|()| For::Node);
        }
        if channel.value() <= gcc::CONVENER_CHANNEL || own(self.node) {
            let for_host = self.handle_gcc(initiator, channel, octets)?;
            return Ok(if for_host { For::GccHost } else { For::Node });
        }
        Ok(For::Host)
    }

    /// Whether nothing can be taken in on a connection at present: the domain of this former top
    /// is being merged, or too much waits to be sent.
    fn holds(&self, connection: Connection) -> bool {
        self.provider.holds(connection) || self.provider.transport.is_congested()
    }

    /// Sees to what MCS has told of the node's own users.
    fn settle(&mut self) -> Result<(), Error> {
        let (node, board) = (self.node, self.board_user);
        while let Some(notice) = self.provider.take_notice_of(node, board) {
            self.own_notice(notice)?;
        }
        Ok(())
    }

    fn own_notice(&mut self, notice: Notice) -> Result<(), Error> {
        match notice {
            Notice::Detach { user, .. } if Some(user) == self.node => {
                // Others know this node by that number: it has to join again.
                let Some(upward) = self.provider.upward() else { return Ok(()) };
                self.dropped(upward, EndReason::Purged)
            }
            Notice::Detach { .. } => {
                self.board_user = None;
                self.board_phase = BoardPhase::Starting;
                if !self.provider.is_merging() {
                    self.provider.attach(user::BOARD)?;
                }
                Ok(())
            }
            Notice::TokenGrab(confirm) => self.conductor_confirmed(confirm),
            Notice::TokenRelease(confirm) => self.conductor_released(confirm),
            Notice::TokenGive { donor, .. } => self.conductor_offered(donor),
            Notice::TokenGiveConfirm(confirm) => self.conductor_given(confirm),
            Notice::TokenPlease { initiator, .. } => self.conductor_wanted(initiator),
            _ => Ok(()),
        }
    }

    fn forget_conference(&mut self) {
        self.phase = Phase::Idle;
        self.board_phase = BoardPhase::Starting;
        self.node = None;
        self.board_user = None;
        self.top_node = None;
        self.superior = None;
        self.convener = None;
        self.convener_node = None;
        self.merging_call = None;
        self.republish = None;
        self.invitation = None;
        self.conductor = None;
        self.directory.clear();
        self.refresh = None;
        self.roster.clear();
        self.forget_units_of_conference();
    }

    /// A connection is no good any more: whoever is on it is told, and the host.
    fn dropped(&mut self, connection: Connection, reason: EndReason) -> Result<(), Error> {
        self.unwatch(connection);
        self.call_is_over(connection);
        let upward = self.provider.upward();
        self.provider.disconnect(connection, Reason::ProviderInitiated)?;
        let lost = upward.is_some() && self.provider.upward().is_none();
        if lost || self.phase == Phase::Calling(connection) {
            self.forget_conference();
            self.pending.ended.get_or_insert(reason);
        } else {
            self.sweep_roster()?;
        }
        warn!("{} is over: {}", connection, reason);
        self.report(connection, Report::Down(reason));
        Ok(())
    }

    fn report(&mut self, connection: Connection, report: Report) {
        self.provider.transport.report(connection, report);
    }

    /// From now on the connection has to be set up within the time that is configured.
    fn watch(&mut self, now: Duration, connection: Connection) {
        let due = now.saturating_add(self.config.setup_timeout);
        if let Some(link) = self.provider.transport.link_mut(connection) {
            link.due = Some(due);
            self.pending.watched += 1;
        }
    }

    fn unwatch(&mut self, connection: Connection) {
        if let Some(link) = self.provider.transport.link_mut(connection)
            && link.due.take().is_some()
        {
            self.pending.watched = self.pending.watched.saturating_sub(1);
        }
    }

    fn first_watched(&self) -> Option<(Connection, Duration)> {
        if self.pending.watched == 0 {
            return None;
        }
        let links = self.provider.transport.connections();
        links.filter_map(|(connection, link)| Some((connection, link.due?))).min_by_key(|w| w.1)
    }

    /// The connection stands.
    fn up(&mut self, connection: Connection) {
        debug!("{} stands", connection);
        self.unwatch(connection);
        self.report(connection, Report::Up);
    }
}

/// Encodes a value into scratch memory and gives it on.
fn encode<'r, 'a, T: crate::per::Value<'a>>(
    scratch: &'r mut Room<'_, u8>,
    limit: usize,
    value: &T,
) -> Result<&'r [u8], Error> {
    let needed = crate::per::encoded_len(value);
    if needed > limit {
        return Err(Error::Full(Full { capacity: limit }));
    }
    scratch.reserve(needed)?;
    let len = crate::per::write(value, scratch.cells_mut())?;
    Ok(scratch.cells().get(..len).unwrap_or_default())
}

/// Encodes into scratch memory what `write` writes, which is called twice.
fn encode_with<'r>(
    scratch: &'r mut Room<'_, u8>,
    limit: usize,
    write: impl Fn(&mut crate::per::Writer<'_>),
) -> Result<&'r [u8], Error> {
    let mut writer = crate::per::Writer::counting();
    write(&mut writer);
    let needed = writer.octets();
    if needed > limit {
        return Err(Error::Full(Full { capacity: limit }));
    }
    scratch.reserve(needed)?;
    let mut writer = crate::per::Writer::new(scratch.cells_mut());
    write(&mut writer);
    if let Some(fault) = writer.fault() {
        return Err(Error::Value(fault));
    }
    Ok(scratch.cells().get(..needed).unwrap_or_default())
}
