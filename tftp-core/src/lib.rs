//! TFTP over UDP, and Messenger's file transfer over TCP, as state machines without I/O.
//!
//! | module | what | standard |
//! | --- | --- | --- |
//! | [`packet`] | the six packets | RFC 1350 section 5, RFC 2347 |
//! | [`option`] | blksize, timeout, tsize, windowsize | RFC 2347 to 2349, RFC 7440 |
//! | [`netascii`] | text with CR LF | RFC 1350 section 1 |
//! | [`client`] | one transfer to or from a server | RFC 1350, RFC 7440 |
//! | [`server`] | any number of transfers | RFC 1350, RFC 7440 |
//! | [`messenger`] | file transfer between two people over TCP | `MSN_SECURE_FTP`, `MSNFTP` |
//!
//! A machine has no socket, no clock and no file. The host hands it what comes in and what time it
//! is, sends what [`poll_transmit`](server::Server::poll_transmit) writes, and reads and writes the
//! files. Octets of a file pass in slices: what has come is handed out where it stands in the
//! host's buffer ([`server::Event::Block`]), what goes out is read by the host straight into its
//! place in the datagram ([`Transmit::read`]), by offset, so that a repeat is only another read.
//!
//! After each `handle_*` and each call that changes something the host calls `poll_transmit` until
//! it gives nothing, then `poll_event` until it gives nothing, then waits for input or for
//! `poll_timeout`.

#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable
    )
)]

#[cfg(any(test, feature = "alloc"))]
extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

use core::fmt;
use core::net::SocketAddr;

// Its macros are for all modules below.
#[macro_use]
mod log;

#[cfg(any(feature = "embedded-io", feature = "embassy-net"))]
pub mod adapter;
pub mod client;
pub mod error;
mod flow;
pub mod messenger;
pub mod netascii;
pub mod option;
pub mod packet;
pub mod server;
#[cfg(feature = "std")]
mod std_types;
mod storage;
mod writer;

pub use error::{BufferTooSmall, ConfigError, Fault, Full, ParseError};
pub use flow::Rollover;
pub use option::{OptionSet, Options};
pub use packet::{ErrorCode, Kind, Mode, Packet, Request};

/// Where a datagram comes from or goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Path {
    /// The number that the host has given to one of its sockets; 0 where it has one.
    pub local: u16,
    /// The peer's address and port: its transfer ID (RFC 1350 section 4).
    pub remote: SocketAddr,
}

/// A datagram to send: the first `len` octets of the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Transmit {
    /// From which socket, and to whom.
    pub path: Path,
    /// How many octets.
    pub len: usize,
    /// The part of the file that the host has to read into the buffer before it sends.
    pub read: Option<Read>,
}

/// A part of a file that belongs into a datagram.
///
/// ```
/// # use tftp_core::Read;
/// # let (mut buffer, file, read) = ([0; 16], [7; 4], Read { offset: 1, at: 4, len: 3 });
/// let from = read.offset as usize;
/// buffer[read.place()].copy_from_slice(&file[from..from + read.len]);
/// # assert_eq!(buffer[..8], [0, 0, 0, 0, 7, 7, 7, 0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Read {
    /// Where it begins in the file, in octets.
    pub offset: u64,
    /// Where it belongs in the buffer.
    pub at: usize,
    /// How many octets it has; 0 where a file ends with a full block.
    pub len: usize,
}

impl Read {
    /// Its place in the buffer.
    #[must_use]
    pub const fn place(&self) -> core::ops::Range<usize> {
        self.at..self.at.saturating_add(self.len)
    }
}

/// Why a transfer has come to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Failure<'d> {
    /// The peer has said ERROR.
    Peer {
        /// What kind of error.
        code: ErrorCode,
        /// For a person to read. Treat it as hostile.
        message: &'d [u8],
    },
    /// The peer does not answer any more.
    TimedOut,
    /// The peer cannot be reached, or the socket has failed.
    Unreachable,
    /// The peer has sent what the protocol has no place for.
    Malformed(ParseError),
    /// The file is longer than the host's limit.
    TooLong,
    /// The file is not as long as `tsize` said (RFC 2349).
    WrongSize {
        /// What was said, in octets.
        announced: u64,
        /// What came, in octets.
        received: u64,
    },
    /// The peer has begun anew with another request.
    Replaced,
}

impl fmt::Display for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer { code, message } => {
                write!(f, "the peer says: {} ({})", message.escape_ascii(), code.number())
            }
            Self::TimedOut => f.write_str("the peer does not answer"),
            Self::Unreachable => f.write_str("the peer cannot be reached"),
            Self::Malformed(error) => write!(f, "the peer sent no valid TFTP: {error}"),
            Self::TooLong => f.write_str("the file is longer than the limit"),
            Self::WrongSize { announced, received } => {
                write!(f, "the file has {received} octets, but {announced} were announced")
            }
            Self::Replaced => f.write_str("the peer has begun anew with another request"),
        }
    }
}

/// What a machine refuses to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// A datagram is no TFTP; its sender has been told where the protocol allows it.
    Parse(ParseError),
    /// There is no room for another transfer; the client has been told.
    Full(Full),
    /// One address has as many transfers as it may have; the client has been told.
    SourceFull(Full),
    /// There is no such transfer, or it does not wait for this.
    UnknownTransfer,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parse(error) => error.fmt(f),
            Self::Full(full) => write!(f, "no more transfers: {full}"),
            Self::SourceFull(full) => write!(f, "no more transfers for this address: {full}"),
            Self::UnknownTransfer => f.write_str("there is no such transfer, or not any more"),
        }
    }
}

impl core::error::Error for Error {}

impl From<ParseError> for Error {
    fn from(error: ParseError) -> Self {
        Self::Parse(error)
    }
}
