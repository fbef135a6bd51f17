//! What the host says to a [`Session`](super::Session), and what it is told.

use core::time::Duration;

use super::pdu::*;
use crate::mcs::UserId as McsUser;

/// The limits of a [`Session`](super::Session).
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Config {
    /// With growing storage: how many files may be offered or under way at once, both ways.
    pub max_transfers: usize,
    /// The greatest file that is taken, in octets.
    pub max_file_octets: u64,
    /// How long receivers may take to answer an offer.
    pub offer_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_transfers: 64,
            max_file_octets: u64::MAX,
            offer_timeout: Duration::from_secs(120),
        }
    }
}

/// Names a transfer: whose file it is, and that user's handle of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TransferId {
    /// Who sends it.
    pub sender: McsUser,
    /// `fileHandle`.
    pub handle: u16,
}

/// Which way a file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Direction {
    /// From here.
    Outgoing,
    /// To here.
    Incoming,
}

/// A file that was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Transfer {
    /// Its name.
    pub id: TransferId,
    /// Which way it goes.
    pub direction: Direction,
    /// Its size in octets, where that was said.
    pub size: Option<u64>,
    /// How many of its octets have gone or come.
    pub octets: u64,
    /// How many receivers have accepted it.
    pub accepted: u16,
    /// How many receivers have rejected it.
    pub rejected: u16,
}

/// Where something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Channel {
    /// To all, on the control channel.
    Control,
    /// To all, on the data channel of this number.
    Data(u16),
    /// To one user, on its own channel.
    User(McsUser),
}

/// What is to be sent, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Transmit {
    /// Where.
    pub channel: Channel,
    /// How many octets of the buffer.
    pub len: usize,
}

/// A file that is offered.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Offer<'a> {
    /// Its name, in octets of its character set.
    pub name: &'a [u8],
    /// Its size in octets, where that is known.
    pub size: Option<u64>,
    /// To whom; none is to all.
    pub to: Option<McsUser>,
    /// Whether receivers answer before it is sent.
    pub acknowledge: bool,
    /// The request that it answers: whose, and that user's handle of it.
    pub request: Option<(McsUser, u16)>,
}

/// Why a transfer is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum EndReason {
    /// All octets have gone or come.
    Complete,
    /// Nobody wanted it.
    Rejected,
    /// Nobody answered in time.
    TimedOut,
    /// One of the two sides gave up.
    Aborted,
    /// The sender has left the conference.
    Left,
    /// More octets came than were announced, or than may be taken, or fewer before the end.
    WrongSize,
}

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Event<'d> {
    /// Somebody offers a file. [`Session::accept`](super::Session::accept) or [`Session::reject`](super::Session::reject) answers; where no
    /// answer is asked for, only the one that accepts gets its octets.
    Offered {
        /// Which.
        id: TransferId,
        /// What is said of it.
        header: FileHeader<'d>,
        /// Whether the sender waits for an answer.
        acknowledge: bool,
    },
    /// Somebody wants a file that this node has offered: its octets can be sent.
    Accepted {
        /// Which.
        id: TransferId,
        /// Who.
        by: McsUser,
    },
    /// Somebody does not want a file that this node has offered.
    Rejected {
        /// Which.
        id: TransferId,
        /// Who.
        by: McsUser,
        /// Why.
        reason: RejectReason,
    },
    /// Octets of a file that this node has accepted.
    Data {
        /// Which.
        id: TransferId,
        /// Where in the file they stand.
        offset: u64,
        /// The octets.
        octets: &'d [u8],
        /// Whether they are the last: the file is complete.
        end: bool,
    },
    /// A transfer is over, and forgotten.
    Ended {
        /// Which.
        id: TransferId,
        /// Why.
        reason: EndReason,
    },
    /// Somebody asks for a file. [`Session::offer`](super::Session::offer) answers, or [`Session::deny`](super::Session::deny).
    Requested {
        /// Who.
        by: McsUser,
        /// That user's handle of the request.
        handle: u16,
        /// Which file.
        header: FileHeader<'d>,
    },
    /// Somebody does not give a file that this node has asked for.
    Denied {
        /// Who.
        by: McsUser,
        /// This node's handle of the request.
        handle: u16,
        /// Why.
        reason: DenyReason,
    },
    /// Somebody asks what files there are. [`Session::list`](super::Session::list) answers.
    DirectoryRequested {
        /// Who.
        by: McsUser,
        /// In which folder.
        pathname: Option<Names<'d>>,
    },
    /// Somebody says what files there are.
    Directory {
        /// Who.
        by: McsUser,
        /// What is said.
        response: DirectoryResponsePdu<'d>,
    },
    /// Another PDU, for hosts that want it.
    Other {
        /// Who has sent it.
        by: McsUser,
        /// The PDU.
        pdu: MbftPdu<'d>,
    },
    /// The buffer handed to `poll_transmit` is too small; what is to be sent stays queued.
    BufferTooSmall {
        /// How many octets it would have to have.
        needed: usize,
    },
}
