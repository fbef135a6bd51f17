//! Limits and storage of a node.

use core::time::Duration;

use crate::error::ConfigError;
use crate::mcs::connect::DomainParameters;
use crate::mcs::provider::{Channel, Limits, Member, Tables, Token, Way};
use crate::mcs::{Notice, UserId};
use crate::storage::{Room, Slot};
use crate::transport::{FRAME, Link, Transport};

/// A name of at most 63 octets of UTF-8.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name {
    len: u8,
    octets: [u8; 63],
}

impl Name {
    /// No name.
    pub const EMPTY: Self = Self { len: 0, octets: [0; 63] };

    /// The name, if it has room.
    pub fn new(text: &str) -> Option<Self> {
        let mut name = Self::EMPTY;
        name.octets.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        name.len = u8::try_from(text.len()).ok()?;
        Some(name)
    }

    /// As much of the characters as there is room for.
    pub(super) fn of(chars: impl Iterator<Item = char>) -> Self {
        let mut name = Self::EMPTY;
        for c in chars {
            let start = usize::from(name.len);
            let Some(room) = name.octets.get_mut(start..) else { break };
            if room.len() < c.len_utf8() {
                break;
            }
            name.len += c.encode_utf8(room).len() as u8;
        }
        name
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        let octets = self.octets.get(..usize::from(self.len)).unwrap_or_default();
        core::str::from_utf8(octets).unwrap_or_default()
    }
}

impl core::fmt::Debug for Name {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.as_str().fmt(f)
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Name {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=str}", self.as_str());
    }
}

/// The limits of a node.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Config {
    /// The user's name, as the others see it.
    pub name: Name,
    /// Whether a node that calls may create a conference with this node at its top.
    pub accept_create: bool,
    /// How long a connection may take until it stands.
    pub setup_timeout: Duration,
    /// How many users may be attached in the domain; each node has two, one for GCC and one for
    /// the whiteboard.
    pub max_users: u16,
    /// How many channels may be in use in the domain; each user has one of its own.
    pub max_channels: u16,
    /// How many tokens may be in use in the domain.
    pub max_tokens: u16,
    /// How many transport connections may make up a connection to another node, 1 to 4: one for
    /// each of the highest data priorities, and the last for all others.
    pub max_priorities: u8,
    /// How high the tree of nodes may be.
    pub max_height: u16,
    /// How much each stream has to take at least while something waits for it, in octets per
    /// second, every packet counted as if it were as long as it may be; 0: whatever it takes.
    pub min_throughput: u32,
    /// Over how long that is measured; nodes above should have it longer.
    pub throughput_interval: Duration,
    /// The greatest domain MCSPDU, in octets: 512 or more.
    pub max_pdu_octets: usize,
    /// The greatest TPKT that is taken, in octets: connect PDUs may be longer than domain ones.
    pub max_packet_octets: usize,
    /// With growing storage: how many connections.
    pub max_connections: u16,
    /// With growing storage: how many nodes the roster holds.
    pub max_nodes: u16,
    /// With growing storage: how many octets the board has for its objects; a line of 100 points
    /// takes 430.
    pub max_board_octets: usize,
    /// With growing storage: how many octets the registry and the applications of all nodes take.
    pub max_directory_octets: usize,
    /// With growing storage: how many octets may wait to be sent, and to be put together. From
    /// half of it on nothing more is taken in until something has gone.
    pub max_queued_octets: usize,
}

impl Config {
    /// The defaults for a user of this name.
    ///
    /// # Errors
    /// The name has more than 63 octets.
    pub fn new(name: &str) -> Result<Self, ConfigError> {
        Ok(Self {
            name: Name::new(name).ok_or(ConfigError::NameTooLong)?,
            accept_create: true,
            setup_timeout: Duration::from_secs(30),
            max_users: 1000,
            max_channels: 2000,
            max_tokens: 2000,
            max_priorities: 1,
            max_height: 100,
            min_throughput: 0,
            throughput_interval: Duration::from_secs(10),
            max_pdu_octets: 4096,
            max_packet_octets: 16 * 1024,
            max_connections: 256,
            max_nodes: 500,
            max_board_octets: 1024 * 1024,
            max_directory_octets: 64 * 1024,
            max_queued_octets: 4 * 1024 * 1024,
        })
    }

    pub(super) const fn check(&self) -> Result<(), ConfigError> {
        if self.max_pdu_octets < 512 || self.max_packet_octets < self.max_pdu_octets + FRAME {
            return Err(ConfigError::PduTooSmall);
        }
        Ok(())
    }

    pub(super) fn limits(&self) -> Limits {
        let maximum = DomainParameters {
            max_channel_ids: u32::from(self.max_channels),
            max_user_ids: u32::from(self.max_users),
            max_token_ids: u32::from(self.max_tokens),
            num_priorities: u32::from(self.max_priorities.clamp(1, 4)),
            min_throughput: self.min_throughput,
            max_height: u32::from(self.max_height.max(1)),
            max_mcs_pdu_size: self.max_pdu_octets.min(65528) as u32,
            protocol_version: 2,
        };
        Limits { minimum: DomainParameters::MINIMUM, maximum }
    }
}

/// Room for one node in the roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeSlot {
    pub(super) id: Option<UserId>,
    pub(super) superior: Option<UserId>,
    pub(super) name: Name,
}

impl NodeSlot {
    /// Room that is free.
    pub const EMPTY: Self = Self { id: None, superior: None, name: Name::EMPTY };
}

impl Default for NodeSlot {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// What a node needs to remember, lent by the host: `CONNECTIONS` at once, `USERS` attached in the
/// part of the domain below, `CHANNELS` that they have joined in all (each user takes two or
/// three), and `OCTETS` for the board, the queue, and each place where PDUs are put together.
///
/// A node with no others below it does with `Storage<1, 4, 8, 4096>`.
#[derive(Debug)]
pub struct Storage<
    const CONNECTIONS: usize,
    const USERS: usize,
    const CHANNELS: usize,
    const OCTETS: usize,
> {
    links: [Link; CONNECTIONS],
    users: [Slot<Way>; USERS],
    attaching: [u32; USERS],
    merging: [u32; CONNECTIONS],
    tokens: [Slot<Token>; CHANNELS],
    notices: [Notice; CHANNELS],
    channels: [Slot<Channel>; CHANNELS],
    members: [Slot<Member>; CHANNELS],
    roster: [NodeSlot; USERS],
    outbox: [u8; OCTETS],
    assembly: [u8; OCTETS],
    units: [u8; OCTETS],
    scratch: [u8; OCTETS],
    board: [u8; OCTETS],
}

impl<const CONNECTIONS: usize, const USERS: usize, const CHANNELS: usize, const OCTETS: usize>
    Storage<CONNECTIONS, USERS, CHANNELS, OCTETS>
{
    /// Storage that holds nothing yet.
    pub const fn new() -> Self {
        Self {
            links: [Link::CLOSED; CONNECTIONS],
            users: [Slot::EMPTY; USERS],
            attaching: [0; USERS],
            merging: [0; CONNECTIONS],
            tokens: [Slot::EMPTY; CHANNELS],
            notices: [Notice::EMPTY; CHANNELS],
            channels: [Slot::EMPTY; CHANNELS],
            members: [Slot::EMPTY; CHANNELS],
            roster: [NodeSlot::EMPTY; USERS],
            outbox: [0; OCTETS],
            assembly: [0; OCTETS],
            units: [0; OCTETS],
            scratch: [0; OCTETS],
            board: [0; OCTETS],
        }
    }
}

impl<const CONNECTIONS: usize, const USERS: usize, const CHANNELS: usize, const OCTETS: usize>
    Default for Storage<CONNECTIONS, USERS, CHANNELS, OCTETS>
{
    fn default() -> Self {
        Self::new()
    }
}

pub(super) struct Parts<'s> {
    pub(super) transport: Transport<'s>,
    pub(super) tables: Tables<'s>,
    pub(super) roster: Room<'s, NodeSlot>,
    pub(super) units: Room<'s, u8>,
    pub(super) directory: Room<'s, u8>,
    pub(super) scratch: Room<'s, u8>,
    pub(super) board: Room<'s, u8>,
}

pub(super) fn lent<
    's,
    const CONNECTIONS: usize,
    const USERS: usize,
    const CHANNELS: usize,
    const OCTETS: usize,
>(
    storage: &'s mut Storage<CONNECTIONS, USERS, CHANNELS, OCTETS>,
    config: &Config,
) -> Parts<'s> {
    *storage = Storage::new();
    // A quarter of the room for units is for the registry and the applications.
    let (directory, units) = storage.units.split_at_mut(OCTETS / 4);
    Parts {
        transport: Transport::new(
            Room::Lent(&mut storage.links),
            Room::Lent(&mut storage.outbox),
            Room::Lent(&mut storage.assembly),
            config.max_packet_octets,
        ),
        tables: Tables {
            users: Room::Lent(&mut storage.users),
            channels: Room::Lent(&mut storage.channels),
            members: Room::Lent(&mut storage.members),
            attaching: Room::Lent(&mut storage.attaching),
            merging: Room::Lent(&mut storage.merging),
            tokens: Room::Lent(&mut storage.tokens),
            notices: Room::Lent(&mut storage.notices),
        },
        roster: Room::Lent(&mut storage.roster),
        units: Room::Lent(units),
        directory: Room::Lent(directory),
        scratch: Room::Lent(&mut storage.scratch),
        board: Room::Lent(&mut storage.board),
    }
}

#[cfg(feature = "alloc")]
pub(super) fn growing(config: &Config) -> Parts<'static> {
    fn room<T>(limit: usize) -> Room<'static, T> {
        Room::Growing { cells: alloc::vec::Vec::new(), limit }
    }
    let users = usize::from(config.max_users);
    let channels = usize::from(config.max_channels);
    Parts {
        transport: Transport::new(
            room(usize::from(config.max_connections)),
            room(config.max_queued_octets),
            room(config.max_queued_octets),
            config.max_packet_octets,
        ),
        tables: Tables {
            users: room(users),
            channels: room(channels),
            // Each of the users may join a channel of its own and some that all join, be admitted
            // to some, and have some tokens.
            members: room(channels.saturating_add(users.saturating_mul(16))),
            attaching: room(users),
            merging: room(usize::from(config.max_connections)),
            tokens: room(usize::from(config.max_tokens)),
            notices: room(channels.saturating_add(users)),
        },
        roster: room(usize::from(config.max_nodes)),
        units: room(config.max_queued_octets),
        directory: room(config.max_directory_octets),
        scratch: room(config.max_queued_octets),
        board: room(config.max_board_octets),
    }
}
