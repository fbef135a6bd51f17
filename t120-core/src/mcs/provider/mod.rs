//! The provider: one node of a domain (T.122, T.125).
//!
//! ```text
//!            upward connection            one at most; without it the provider is the top
//!                  |
//!  users --- [ provider ]                 users, channels and who has joined them
//!             /    |    \
//!          downward connections
//! ```
//!
//! Requests go up and confirms come back down along the initiator; data on a channel goes to
//! everybody below who has joined it. The provider keeps whose user is where and which way a
//! channel was joined, each found by its number in the same time however many there are.

mod channel;
mod data;
mod domain;
pub(crate) mod link;
mod list;
mod merge;
mod private;
mod purge;
mod token;
mod user;

pub(crate) use list::Member;
use list::{ListId, Lists};
pub(crate) use token::{Token, TokenAction};

use core::time::Duration;

use super::connect::{ConnectInitial, ConnectResponse, DomainParameters};
use super::data::Data;
use super::notice::Notice;
use super::{ChannelId, McsResult, Reason, UserId};
use crate::error::{Error, Full};
use crate::per::List;
use crate::storage::{Dense, Map, Room, Slot};
use crate::transport::{Connection, Transport};

/// Where MCS stands on a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Nothing was said yet.
    #[default]
    Idle,
    /// Connect-Initial came, and has to be answered.
    Called,
    /// Connect-Initial is sent, so that the peer becomes our superior, or our subordinate.
    Calling { upward: bool },
    /// The peer is the superior.
    Upward,
    /// The peer is a subordinate whose subtree has this height.
    Downward { height: u32 },
    /// Another transport connection of the MCS connection that `first` belongs to, being set up.
    Adding { first: Connection, priority: u8 },
    /// Another transport connection of an MCS connection: data of this priority and below.
    Lane { first: Connection, priority: u8 },
    /// An ultimatum was given or taken: what still comes is of no use.
    Ended,
}

/// Somebody who joins channels: a connection, or a local user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Party {
    Connection(Connection),
    User(UserId),
}

/// A connection is its number, a local user 65536 more than its own.
const LOCAL: u32 = 0x1_0000;
/// Whoever asked is gone.
const GONE: u32 = u32::MAX;
/// The end of a list of parties.
const NOBODY: u32 = u32::MAX;

impl Party {
    const fn number(self) -> u32 {
        match self {
            Self::Connection(connection) => connection.0 as u32,
            Self::User(user) => LOCAL | user.value() as u32,
        }
    }

    fn from_number(number: u32) -> Option<Self> {
        if number < LOCAL {
            return Some(Self::Connection(Connection(number as u16)));
        }
        u16::try_from(number ^ LOCAL).ok().and_then(UserId::new).map(Self::User)
    }
}

/// Which way a user is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Here,
    Below(Connection),
}

/// A channel that somebody here or below has joined, or is admitted to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Channel {
    /// The first of the list of those who have joined it.
    first: u32,
    /// The first of the list of the users here and below that are admitted to it.
    admitted: u32,
    /// The manager of a private channel; 0 for all others.
    manager: u16,
}

impl Channel {
    const NEW: Self = Self { first: NOBODY, admitted: NOBODY, manager: 0 };
}

/// What the provider tells its users' node.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub(crate) enum Event<'d> {
    /// Somebody calls; [`Provider::respond`] answers.
    ConnectIndication { connection: Connection, initial: ConnectInitial<'d> },
    /// The answer to our own call.
    ConnectConfirm { connection: Connection, response: ConnectResponse<'d> },
    /// A user of ours is attached, or is not.
    AttachConfirm { tag: u16, result: Result<UserId, McsResult> },
    /// A user of ours has joined a channel, or has not.
    JoinConfirm { user: UserId, requested: ChannelId, result: Result<ChannelId, McsResult> },
    /// Users are gone.
    Detached { reason: Reason, users: List<'d, UserId> },
    /// Data on a channel that a user of ours has joined.
    Data(Data<'d>),
    /// The peer has ended the connection.
    Disconnected { connection: Connection, reason: Reason },
    /// A further transport connection of an MCS connection stands; the caller's last one ends the
    /// setting up of that connection.
    LaneStands { lane: Connection, last_of: Option<Connection> },
    /// This provider's domain has become a part of the one above.
    Merged,
}

/// Whether something local has joined the channel that local data was sent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// The data has to be taken as received by the users here.
    pub(crate) local: bool,
}

#[derive(Debug)]
pub(crate) struct Tables<'s> {
    pub(crate) users: Room<'s, Slot<Way>>,
    pub(crate) channels: Room<'s, Slot<Channel>>,
    pub(crate) members: Room<'s, Slot<Member>>,
    pub(crate) tokens: Room<'s, Slot<Token>>,
    pub(crate) attaching: Room<'s, u32>,
    pub(crate) merging: Room<'s, u32>,
    pub(crate) notices: Room<'s, Notice>,
}

/// One node of a domain.
#[derive(Debug)]
pub(crate) struct Provider<'s> {
    pub(crate) transport: Transport<'s>,
    upward: Option<Connection>,
    /// Whether this provider may act as the top of a domain.
    top: bool,
    limits: Limits,
    parameters: DomainParameters,
    frozen: bool,
    users: Map<'s, Way>,
    channels: Map<'s, Channel>,
    lists: Lists<'s>,
    tokens: Map<'s, Token>,
    /// How many channels are users' own: they count as users already.
    own_channels: usize,
    /// Who waits for AttachUserConfirm, first come first served.
    attaching: Dense<'s, u32>,
    /// Who waits for the confirm of a merge, first come first served.
    merges_below: Dense<'s, u32>,
    /// How far the merge of our own domain into another one is.
    merge: Option<merge::Merge>,
    notices: Dense<'s, Notice>,
    notice_lost: bool,
    random: u64,
    height: u32,
}

/// What the provider can bear.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) minimum: DomainParameters,
    pub(crate) maximum: DomainParameters,
}

impl<'s> Provider<'s> {
    pub(crate) fn new(
        transport: Transport<'s>,
        tables: Tables<'s>,
        limits: Limits,
        random: u64,
    ) -> Self {
        Self {
            transport,
            upward: None,
            top: false,
            limits,
            parameters: limits.maximum,
            frozen: false,
            users: Map::new(tables.users, random),
            channels: Map::new(tables.channels, random.rotate_left(20)),
            lists: Lists(Map::new(tables.members, random.rotate_left(40))),
            tokens: Map::new(tables.tokens, random.rotate_left(50)),
            own_channels: 0,
            attaching: Dense::new(tables.attaching),
            merges_below: Dense::new(tables.merging),
            merge: None,
            notices: Dense::new(tables.notices),
            notice_lost: false,
            random: random | 1,
            height: 0,
        }
    }

    /// Makes this provider the top of a domain of its own.
    pub(crate) fn become_top(&mut self) -> Result<(), Error> {
        if self.upward.is_some() || self.top {
            return Err(Error::WrongState);
        }
        self.top = true;
        Ok(())
    }

    pub(crate) const fn is_top(&self) -> bool {
        self.top
    }

    pub(crate) const fn upward(&self) -> Option<Connection> {
        self.upward
    }

    pub(crate) fn is_user(&self, user: UserId) -> bool {
        self.users.get(u64::from(user.value())).is_some()
    }

    /// Whether somebody has a token, or is being given it, as far as is known here.
    pub(crate) fn is_token(&self, token: u16) -> bool {
        self.tokens.get(u64::from(token)).is_some()
    }

    /// The parameters of the domain.
    pub(crate) const fn parameters(&self) -> DomainParameters {
        self.parameters
    }

    /// Whether a call on this connection waits for its answer.
    pub(crate) fn is_called(&self, connection: Connection) -> bool {
        self.peer(connection) == Peer::Called
    }

    /// The connection below which a user is attached.
    pub(crate) fn way_to(&self, user: UserId) -> Option<Way> {
        self.users.get(u64::from(user.value())).copied()
    }

    /// The next confirm or indication for a user here.
    pub(crate) fn take_notice(&mut self) -> Option<Notice> {
        self.notices.remove(0)
    }

    /// The next that is for one of the node's own users.
    pub(crate) fn take_notice_of(
        &mut self,
        node: Option<UserId>,
        board: Option<UserId>,
    ) -> Option<Notice> {
        let own = |user: UserId| Some(user) == node || Some(user) == board;
        let at =
            self.notices.as_slice().iter().position(|notice| notice.user().is_some_and(own))?;
        self.notices.remove(at)
    }

    /// Whether nothing may be taken from below, because the domain is being merged (T.125 section
    /// 13.5).
    pub(crate) fn holds(&self, connection: Connection) -> bool {
        self.merge.is_some() && {
            let first = match self.peer(connection) {
                Peer::Lane { first, .. } => first,
                _ => connection,
            };
            self.upward != Some(first)
        }
    }

    /// When the streams that take too little are to be looked at.
    pub(crate) fn first_slow(&self, interval: Duration) -> Option<Duration> {
        (self.parameters.min_throughput > 0).then(|| self.transport.first_slow(interval)).flatten()
    }

    /// A connection that takes less than the domain asks for (T.125 section 13.3).
    pub(crate) fn take_offender(
        &mut self,
        now: Duration,
        interval: Duration,
    ) -> Option<Connection> {
        let octets = u64::from(self.parameters.min_throughput).saturating_mul(interval.as_secs());
        let size = u64::from(self.parameters.max_mcs_pdu_size.max(1));
        let least = u32::try_from(octets / size).unwrap_or(u32::MAX);
        if self.parameters.min_throughput == 0 {
            return None;
        }
        let lane = self.transport.take_offender(now, interval, least.max(1))?;
        Some(match self.peer(lane) {
            Peer::Lane { first, .. } => first,
            _ => lane,
        })
    }

    /// Whether a notice found no room since this was asked last.
    pub(crate) const fn take_notice_lost(&mut self) -> bool {
        core::mem::replace(&mut self.notice_lost, false)
    }

    /// Tells a user here.
    pub(crate) fn tell(&mut self, notice: Notice) {
        if self.notices.push(notice).is_err() {
            self.notice_lost = true;
        }
    }

    /// A number that is spread at random (T.125 section 13.7).
    pub(crate) fn random(&mut self) -> u64 {
        // xorshift64*: the numbers need to be spread, not secret.
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A dynamic channel number that is not in use.
    fn new_id(&mut self) -> Option<UserId> {
        let start = (self.random() >> 32) % 64535;
        (0..64535u64).find_map(|step| {
            let number = 1001 + (start + step) % 64535;
            let free = self.users.get(number).is_none() && self.channels.get(number).is_none();
            UserId::new(number as u16).filter(|_| free)
        })
    }

    /// How many channels count against the limit of the domain (T.125 section 5.6).
    fn channels_in_use(&self) -> usize {
        (self.channels.len() + self.users.len()).saturating_sub(self.own_channels)
    }

    fn new_user(&mut self, way: Way) -> Result<UserId, Error> {
        let limit = self.parameters.max_user_ids as usize;
        let full = Error::Full(Full { capacity: limit });
        if self.users.len() >= limit
            || self.channels_in_use() >= self.parameters.max_channel_ids as usize
        {
            return Err(full);
        }
        let user = self.new_id().ok_or(full)?;
        self.users.insert(u64::from(user.value()), way)?;
        self.frozen = true;
        Ok(user)
    }
}

/// Those who have joined a channel.
fn parties(
    channels: &Map<'_, Channel>,
    lists: &Lists<'_>,
    channel: ChannelId,
) -> impl Iterator<Item = Party> {
    let first = channels.get(channel_key(channel)).map_or(NOBODY, |c| c.first);
    lists.iter(ListId::joined(channel.value()), first).filter_map(Party::from_number)
}

const fn channel_key(channel: ChannelId) -> u64 {
    channel.value() as u64
}

const fn user_key(user: UserId) -> u64 {
    user.value() as u64
}

/// The user with a number that a list has.
fn user_of(number: u32) -> Option<UserId> {
    u16::try_from(number).ok().and_then(UserId::new)
}
