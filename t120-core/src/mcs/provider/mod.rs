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

mod data;
mod domain;
mod link;

use super::connect::{ConnectInitial, ConnectResponse, DomainParameters};
use super::data::Data;
use super::{ChannelId, McsResult, Reason, UserId};
use crate::error::Error;
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
    /// Connect-Initial is sent.
    Calling,
    /// The peer is the superior.
    Upward,
    /// The peer is a subordinate whose subtree has this height.
    Downward { height: u32 },
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

/// A channel that somebody here or below has joined.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Channel {
    /// The first of the list of those who have joined it.
    first: u32,
}

/// A party's place in the list of those who have joined a channel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    next: u32,
    previous: u32,
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
    pub(crate) attaching: Room<'s, u32>,
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
    members: Map<'s, Member>,
    /// Who waits for AttachUserConfirm, first come first served.
    attaching: Dense<'s, u32>,
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
            members: Map::new(tables.members, random.rotate_left(40)),
            attaching: Dense::new(tables.attaching),
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

    /// Attaches a user: `Some` where this is the top, else the confirm comes as an event that
    /// bears `tag`.
    pub(crate) fn attach(&mut self, tag: u16) -> Result<Option<UserId>, Error> {
        if self.top {
            let user = self.new_user(Way::Here)?;
            return Ok(Some(user));
        }
        let upward = self.upward.ok_or(Error::WrongState)?;
        self.attaching.push(LOCAL | u32::from(tag))?;
        self.send_pdu(
            upward,
            &super::domain::DomainMcsPdu::AttachUserRequest(super::domain::AttachUserRequest {}),
        )?;
        Ok(None)
    }

    /// A number that is spread at random (T.125 section 13.7).
    fn random(&mut self) -> u64 {
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

    fn new_user(&mut self, way: Way) -> Result<UserId, Error> {
        let limit = self.parameters.max_user_ids as usize;
        let full = Error::Full(crate::error::Full { capacity: limit });
        if self.users.len() >= limit {
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
    members: &Map<'_, Member>,
    channel: ChannelId,
) -> impl Iterator<Item = Party> {
    let mut next = channels.get(channel_key(channel)).map_or(NOBODY, |c| c.first);
    core::iter::from_fn(move || {
        let number = next;
        next = members.get(member_key(channel, number))?.next;
        Party::from_number(number)
    })
}

const fn channel_key(channel: ChannelId) -> u64 {
    channel.value() as u64
}

const fn member_key(channel: ChannelId, party: u32) -> u64 {
    (channel.value() as u64) << 32 | party as u64
}
