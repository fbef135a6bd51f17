//! What the host is told.

use super::Connection;
use crate::mcs::{ChannelId, DataPriority, Notice, UserId};

/// What has happened. Events say that something is new; what it is, is read from the
/// [`Conference`](super::Conference).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Event {
    /// The node is in the conference.
    Joined {
        /// Its own number.
        node: UserId,
        /// The number of the node at the top.
        top: UserId,
    },
    /// A connection to another node stands.
    Connected {
        /// Which one.
        connection: Connection,
    },
    /// The connection has ended: the host drains `poll_transmit`, closes the stream, and calls
    /// `handle_closed`.
    Disconnected {
        /// Which one.
        connection: Connection,
        /// Why.
        reason: EndReason,
    },
    /// Nodes have come, gone, or changed.
    RosterChanged,
    /// The board has all that stands on it, and can be drawn on.
    BoardReady,
    /// The picture has changed.
    BoardChanged,
    /// Something could not be put together or drawn for want of room: this board is not equal to the others any
    /// more. With more of it, leave and join again.
    BoardFull,
    /// The node is in no conference any more.
    Ended {
        /// Why.
        reason: EndReason,
    },
    /// A confirm or an indication of MCS for a user that the host has
    /// [attached](super::Conference::attach_user).
    Mcs(Notice),
    /// Data on a channel that a user of the host's has joined: whole, however many PDUs it came
    /// in. [`Conference::received`](super::Conference::received) has it until the next call that
    /// takes something in.
    UserData {
        /// Who has sent it.
        initiator: UserId,
        /// On which channel.
        channel: ChannelId,
        /// With which priority.
        priority: DataPriority,
    },
    /// A PDU of GCC that is for the host: an answer, or an indication.
    /// [`Conference::received_gcc`](super::Conference::received_gcc) has it.
    Gcc {
        /// The node that has sent it.
        from: UserId,
    },
    /// The answer to a [query](super::Conference::query):
    /// [`Conference::received_query`](super::Conference::received_query) has it.
    QueryAnswered {
        /// The connection, which ends with it.
        connection: Connection,
    },
    /// Somebody wants this node in a conference:
    /// [`Conference::answer_invitation`](super::Conference::answer_invitation) says whether.
    Invited {
        /// The connection that the answer goes on.
        connection: Connection,
    },
    /// The nodes at both ends have agreed on this many further transport connections: the host
    /// opens as many streams to the same node and gives each to
    /// [`Conference::add_stream`](super::Conference::add_stream).
    StreamsWanted {
        /// The connection that they belong to.
        connection: Connection,
        /// How many.
        count: u8,
    },
    /// Input that was not taken (`handle_stream` said 0 although a whole packet was there) is
    /// taken again: the host offers it once more.
    Resumed,
    /// The conference has another top: it has become a part of another one.
    Merged {
        /// The new top.
        top: UserId,
    },
    /// Another node conducts the conference, or none does any more.
    ConductorChanged,
    /// A node would like to conduct the conference instead of this one.
    ConductorWanted {
        /// Which one.
        node: UserId,
    },
    /// The conductor offers the lead to this node:
    /// [`Conference::answer_conductor`](super::Conference::answer_conductor) says whether.
    ConductorOffered {
        /// Who offers it.
        donor: UserId,
    },
    /// Entities or capabilities of an application protocol have come or gone.
    ApplicationsChanged,
    /// Something that was for the host was lost for want of room.
    Overrun,
    /// The buffer handed to `poll_transmit` is too small; the packet stays queued.
    BufferTooSmall {
        /// How many octets it would have to have.
        needed: usize,
    },
}

/// Why a connection or a conference has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum EndReason {
    /// The other side has ended it.
    Ended,
    /// The other side refused the call.
    Refused,
    /// There is no conference of that name.
    NoSuchConference,
    /// The conference is locked.
    Locked,
    /// The stream is gone.
    Lost,
    /// The connection was not set up in time.
    TimedOut,
    /// The conference wants a password, or another one.
    InvalidPassword,
    /// The conference wants the password as the answer to this challenge: call again with its tag.
    ChallengeResponseRequired {
        /// Names the challenge.
        tag: i64,
    },
    /// This node was ejected from the conference.
    Ejected,
    /// The user of this node was purged when two conferences became one.
    Purged,
    /// The stream took less than the conference asks for.
    TooSlow,
}

/// What has to be told of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    Up,
    Down(EndReason),
}

/// What has to be told: each kind once, however often it came about.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pending {
    pub(super) joined: bool,
    pub(super) roster: bool,
    pub(super) board_ready: bool,
    pub(super) board: bool,
    pub(super) board_full: bool,
    pub(super) merged: bool,
    pub(super) conductor: bool,
    pub(super) conductor_wanted: Option<UserId>,
    pub(super) conductor_offered: Option<UserId>,
    pub(super) applications: bool,
    pub(super) overrun: bool,
    pub(super) streams: Option<(Connection, u8)>,
    pub(super) invited: Option<Connection>,
    pub(super) ended: Option<EndReason>,
    pub(super) too_small: Option<usize>,
    /// How many connections are being set up.
    pub(super) watched: u32,
}

impl Pending {
    pub(super) fn next(&mut self, node: Option<UserId>, top: Option<UserId>) -> Option<Event> {
        if let Some(needed) = self.too_small.take() {
            return Some(Event::BufferTooSmall { needed });
        }
        if core::mem::take(&mut self.joined)
            && let (Some(node), Some(top)) = (node, top)
        {
            return Some(Event::Joined { node, top });
        }
        if core::mem::take(&mut self.roster) {
            return Some(Event::RosterChanged);
        }
        if core::mem::take(&mut self.board_ready) {
            return Some(Event::BoardReady);
        }
        if core::mem::take(&mut self.board) {
            return Some(Event::BoardChanged);
        }
        if core::mem::take(&mut self.board_full) {
            return Some(Event::BoardFull);
        }
        if core::mem::take(&mut self.merged)
            && let Some(top) = top
        {
            return Some(Event::Merged { top });
        }
        if core::mem::take(&mut self.conductor) {
            return Some(Event::ConductorChanged);
        }
        if let Some(node) = self.conductor_wanted.take() {
            return Some(Event::ConductorWanted { node });
        }
        if let Some(donor) = self.conductor_offered.take() {
            return Some(Event::ConductorOffered { donor });
        }
        if core::mem::take(&mut self.applications) {
            return Some(Event::ApplicationsChanged);
        }
        if core::mem::take(&mut self.overrun) {
            return Some(Event::Overrun);
        }
        if let Some((connection, count)) = self.streams.take() {
            return Some(Event::StreamsWanted { connection, count });
        }
        if let Some(connection) = self.invited.take() {
            return Some(Event::Invited { connection });
        }
        self.ended.take().map(|reason| Event::Ended { reason })
    }
}
