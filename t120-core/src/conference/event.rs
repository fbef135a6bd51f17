//! What the host is told.

use super::Connection;
use crate::mcs::UserId;

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
        self.ended.take().map(|reason| Event::Ended { reason })
    }
}
