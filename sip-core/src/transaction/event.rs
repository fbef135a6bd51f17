use core::fmt;

use super::ConfigError;
use crate::error::ParseError;
use crate::message::{Message, StatusCode};
use crate::storage::{Full, Index, NotKept};
use crate::transport::{Path, Transport};

/// Names a client transaction: a request that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ClientId(pub(super) Index);

/// Names a server transaction: a request that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ServerId(pub(super) Index);

/// Why a transaction ended without what it was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Failure {
    /// No final response came in time (timers B, F and the wait after a CANCEL), or no ACK for a
    /// server's final response (timer H, and timer L for a 2xx that is sent again).
    Timeout,
    /// The path could not be used: its stream ended or could not be opened, or its datagrams
    /// cannot be delivered.
    Transport,
}

/// What a transaction layer has to tell. `U` is what its user attached to the transaction.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'d, U> {
    /// A request that is new: answer it with [`Layer::respond`](super::Layer::respond).
    Request {
        /// Its server transaction.
        transaction: ServerId,
        /// The request.
        message: Message<'d>,
        /// The way it came.
        path: Path,
    },
    /// An ACK that belongs to no transaction: one for a 2xx. It is the dialog's, or to be relayed.
    Ack {
        /// The request.
        message: Message<'d>,
        /// The way it came.
        path: Path,
    },
    /// A CANCEL for an INVITE that has no final response yet. It is answered already; what it
    /// asks for is the user's to do: a 487 for the INVITE, or a CANCEL onwards.
    Cancel {
        /// The INVITE's server transaction.
        transaction: ServerId,
        /// What the user attached to it.
        user: Option<U>,
        /// The CANCEL.
        message: Message<'d>,
        /// The way it came.
        path: Path,
    },
    /// A response, provisional or final. A 2xx to an INVITE is to be acknowledged with
    /// [`Layer::acknowledge`](super::Layer::acknowledge), or relayed.
    Response {
        /// Its client transaction.
        transaction: ClientId,
        /// What the user attached to it.
        user: U,
        /// The response.
        message: Message<'d>,
        /// The way it came.
        path: Path,
    },
    /// A response that belongs to no transaction (any more).
    Stray {
        /// The response.
        message: Message<'d>,
        /// The way it came.
        path: Path,
    },
    /// A message came on a stream, well framed, that is no good otherwise or for which there is no
    /// room; where RFC 3261 has an answer for that, it is queued. The stream goes on.
    Refused {
        /// The way it came.
        path: Path,
        /// What is wrong.
        error: Error,
    },
    /// A client transaction ended without a final response. It is gone.
    ClientFailed {
        /// The transaction.
        transaction: ClientId,
        /// What the user attached to it.
        user: U,
        /// Why.
        failure: Failure,
    },
    /// A server transaction ended without an ACK, or could not deliver its response. It is gone.
    ServerFailed {
        /// The transaction.
        transaction: ServerId,
        /// What the user attached to it.
        user: Option<U>,
        /// Why.
        failure: Failure,
    },
    /// The buffer handed to `poll_transmit` is too small for what stands first; it stays queued.
    BufferTooSmall {
        /// How many octets it must have.
        needed: usize,
    },
}

/// What the host is told of its own call, or of bytes that it handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// The bytes are no SIP message. Where they were near enough to a request, the answer (400,
    /// 505, 513) is queued; on a stream, close it after that is sent.
    Malformed(ParseError),
    /// A header that each message must have is missing or malformed (RFC 3261 section 8.1.1). Where
    /// a request can be answered, the 400 is queued.
    Header(&'static str),
    /// No transaction is free. A request that arrived was answered 503.
    Transactions(Full),
    /// No room is left for the octets of a message. A request that arrived was answered 503.
    Octets(Full),
    /// A value that was to be written holds a line end.
    LineEnd,
    /// There is no such transaction any more.
    Gone,
    /// What was asked for is not possible in the state that this is in.
    State,
    /// The configuration names no address of ours for this transport.
    NoAddress(Transport),
    /// The message cannot go by this method or code.
    Code(StatusCode),
    /// The configuration is refused.
    Config(ConfigError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "not a SIP message: {error}"),
            Self::Header(name) => write!(f, "the {name} header is missing or malformed"),
            Self::Transactions(full) => write!(f, "no transaction is free: {full}"),
            Self::Octets(full) => {
                write!(f, "no room for the message in {} octets", full.capacity)
            }
            Self::LineEnd => f.write_str("a value holds a line end and was refused"),
            Self::Gone => f.write_str("the transaction is over"),
            Self::State => f.write_str("not possible in this state"),
            Self::NoAddress(transport) => {
                write!(f, "the configuration has no address for {}", transport.via_token())
            }
            Self::Code(code) => write!(f, "{} cannot stand here", code.get()),
            Self::Config(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Error {}

impl From<ParseError> for Error {
    fn from(error: ParseError) -> Self {
        Self::Malformed(error)
    }
}

impl From<NotKept> for Error {
    fn from(error: NotKept) -> Self {
        match error {
            NotKept::Full(full) => Self::Octets(full),
            NotKept::LineEnd => Self::LineEnd,
        }
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}
