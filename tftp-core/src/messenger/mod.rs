//! Messenger's "TFTP over TCP": the file transfer of Windows Messenger and Live Communications
//! Server (`MSN_SECURE_FTP`), and its ancestor without encryption (`MSNFTP`).
//!
//! It shares nothing with RFC 1350 but the name. Two people agree on a transfer in SIP MESSAGEs
//! ([`invitation`]); then one side listens on a port of a [`PortRange`], the other connects, and
//! the file passes over that TCP connection between a [`Sender`] and a [`Receiver`]:
//!
//! ```text
//!  receiver R                                  sender S
//!     | VER MSN_SECURE_FTP                         |
//!     |------------------------------------------->|
//!     |                         VER MSN_SECURE_FTP |
//!     |<-------------------------------------------|
//!     | USR <name of R> <AuthCookie>               |   S: name and cookie as agreed, else drop
//!     |------------------------------------------->|
//!     |                                 FIL <size> |   R: size as announced, else drop
//!     |<-------------------------------------------|
//!     | TFR                                        |
//!     |------------------------------------------->|
//!     |     chunk: 00, length LE16, octets (RC4)   |   at most 2045 octets each
//!     |<-------------------------------------------|
//!     | BYE 16777989                               |
//!     |------------------------------------------->|
//!     |       MAC <28 characters> NUL (HMAC-SHA1)  |   R: as computed, else the file is not whole
//!     |<-------------------------------------------|
//! ```
//!
//! In plain MSNFTP the octets are not encrypted and there is no MAC. R speaks first, whoever
//! connected; so the machines do not ask who did, and one TCP connection is all they have.
//!
//! A transfer ends in exactly one way: [`Event::Complete`], [`Event::Cancelled`],
//! [`Event::Failed`], or an `Err` of `handle_stream`. Only `Complete` means that the file is whole.
//! After each of them the host sends what `poll_transmit` still gives, and closes.

use core::fmt;
use core::time::Duration;

pub mod invitation;
mod key;
mod line;
mod ports;
mod receiver;
mod sender;

pub use invitation::{Accept, Address, Cancel, Invitation, Invite};
pub use key::{KEY_OCTETS, KEY_TEXT, Key, Keys};
pub use ports::PortRange;
pub use receiver::Receiver;
pub use sender::{Read, Sender};

use crate::error::{BufferTooSmall, ConfigError, ParseError};

/// The longest payload of a chunk that is sent, in octets.
pub const CHUNK: usize = 2045;
/// The octets before each chunk's payload.
pub const CHUNK_HEADER: usize = 3;
/// The longest line that is understood, with its CR LF. A host that keeps this much, and hands it
/// in together, never has too little.
pub const LINE_LIMIT: usize = 256;
/// How long the receiver's name may be, in octets.
pub const NAME_LIMIT: usize = 192;
/// A buffer of this length holds whatever `poll_transmit` writes.
pub const TRANSMIT_LEN: usize = LINE_LIMIT;

/// Which of the two protocols runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Dialect {
    /// `MSN_SECURE_FTP`: RC4 and HMAC-SHA1.
    Secure,
    /// `MSNFTP`: in clear, without a check.
    Plain,
}

impl Dialect {
    const fn name(self) -> &'static str {
        match self {
            Self::Secure => "MSN_SECURE_FTP",
            Self::Plain => "MSNFTP",
        }
    }
}

/// What the two sides have agreed on before they connect; the same for both.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Config<'a> {
    /// The sign-in name of the file's receiver, without `sip:`. Peers that read lines of 49 octets
    /// take 33 of it; the limit here is [`NAME_LIMIT`].
    pub name: &'a str,
    /// `AuthCookie` of the side that listens.
    pub auth_cookie: u32,
    /// `Application-FileSize`, in octets.
    pub size: u64,
    /// The receiver's keys; none for plain MSNFTP.
    pub keys: Option<Keys>,
    /// How long the peer may be silent before the transfer fails. Known peers wait 10 s.
    pub silence: Duration,
}

impl<'a> Config<'a> {
    /// An encrypted transfer of `size` octets to `name`.
    #[must_use]
    pub const fn new(name: &'a str, auth_cookie: u32, size: u64, keys: Keys) -> Self {
        Self { name, auth_cookie, size, keys: Some(keys), silence: Duration::from_secs(60) }
    }

    /// A transfer in clear.
    #[must_use]
    pub const fn plain(name: &'a str, auth_cookie: u32, size: u64) -> Self {
        Self { name, auth_cookie, size, keys: None, silence: Duration::from_secs(60) }
    }

    /// Which protocol that makes.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        if self.keys.is_some() { Dialect::Secure } else { Dialect::Plain }
    }

    fn checked_name(&self) -> Result<heapless::String<NAME_LIMIT>, ConfigError> {
        let error = ConfigError::Name { limit: NAME_LIMIT };
        if self.name.is_empty() || self.name.bytes().any(|octet| octet <= b' ') {
            return Err(error);
        }
        heapless::String::try_from(self.name).map_err(|_| error)
    }
}

/// What there is to send on the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Transmit {
    /// How many octets of the buffer.
    pub len: usize,
}

/// What a [`Sender`] or a [`Receiver`] has to say to its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Event<'d> {
    /// Both sides agree on what is transferred; the octets follow.
    Started,
    /// Receiver: octets of the file, in order. Until [`Event::Complete`] they are only a part.
    Data {
        /// Where in the file they belong.
        offset: u64,
        /// They, deciphered.
        data: &'d [u8],
    },
    /// The file is whole: receiver, its MAC is right; sender, the receiver says that it has it.
    Complete,
    /// The peer has given up, or this side has been told to.
    Cancelled {
        /// Why, where it was said.
        code: ByeCode,
    },
    /// The transfer has come to nothing.
    Failed(Error),
    /// The buffer of `poll_transmit` was too small; what was to be sent is still waiting.
    BufferTooSmall {
        /// How long it has to be, in octets.
        needed: usize,
    },
}

/// Why one side says BYE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ByeCode {
    /// 16777987: sent.
    Sent,
    /// 16777989: received.
    Received,
    /// 2147942405: the receiver has no room for it.
    DiskFull,
    /// 2164261682, or a `CCL` line: the receiver has cancelled.
    ReceiverCancelled,
    /// 2164261683, or a chunk that begins with 1: the sender has cancelled.
    SenderCancelled,
    /// 2164261694: timed out or blocked.
    TimedOut,
    /// Any other number.
    Other(u32),
}

impl ByeCode {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Sent => 16_777_987,
            Self::Received => 16_777_989,
            Self::DiskFull => 2_147_942_405,
            Self::ReceiverCancelled => 2_164_261_682,
            Self::SenderCancelled => 2_164_261_683,
            Self::TimedOut => 2_164_261_694,
            Self::Other(number) => number,
        }
    }

    /// What a number stands for.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        match number {
            16_777_987 => Self::Sent,
            16_777_989 => Self::Received,
            2_147_942_405 => Self::DiskFull,
            2_164_261_682 => Self::ReceiverCancelled,
            2_164_261_683 => Self::SenderCancelled,
            2_164_261_694 => Self::TimedOut,
            number => Self::Other(number),
        }
    }
}

impl fmt::Display for ByeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sent => f.write_str("the file was sent"),
            Self::Received => f.write_str("the file was received"),
            Self::DiskFull => f.write_str("the receiver has no room for the file"),
            Self::ReceiverCancelled => f.write_str("the receiver cancelled"),
            Self::SenderCancelled => f.write_str("the sender cancelled"),
            Self::TimedOut => f.write_str("the transfer timed out or was blocked"),
            Self::Other(number) => write!(f, "ended with code {number}"),
        }
    }
}

/// Why a transfer came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// The peer sent something that the protocol has no place for; `at` counts the octets that it
    /// had sent before.
    Parse(ParseError),
    /// A line longer than [`LINE_LIMIT`].
    LineTooLong,
    /// The peer's VER names another protocol.
    WrongVersion,
    /// USR names somebody else than the one the file is for.
    WrongName,
    /// USR has another AuthCookie than agreed: a stranger has connected.
    WrongCookie,
    /// FIL says another size than the invitation.
    WrongSize {
        /// What the invitation said, in octets.
        announced: u64,
        /// What FIL says.
        said: u64,
    },
    /// More octets came than FIL announced.
    TooMuchData,
    /// The MAC is not that of what was received: the file was changed under way.
    WrongMac,
    /// The peer was silent for too long.
    TimedOut,
    /// The connection ended in the middle.
    Closed,
    /// The host supplied octets that nobody asked for.
    NotWanted,
    /// The transfer has already ended.
    Ended,
    /// The buffer cannot hold a chunk.
    BufferTooSmall(BufferTooSmall),
}

impl From<BufferTooSmall> for Error {
    fn from(error: BufferTooSmall) -> Self {
        Self::BufferTooSmall(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parse(error) => error.fmt(f),
            Self::LineTooLong => write!(f, "the peer sent a line of over {LINE_LIMIT} octets"),
            Self::WrongVersion => f.write_str("the peer speaks another file protocol"),
            Self::WrongName => f.write_str("somebody else than the file's receiver has connected"),
            Self::WrongCookie => f.write_str("a stranger has connected: its cookie is wrong"),
            Self::WrongSize { announced, said } => {
                write!(f, "the file has {said} octets, but {announced} were announced")
            }
            Self::TooMuchData => f.write_str("the peer sent more than the file has"),
            Self::WrongMac => f.write_str("the file was changed under way: ask for it again"),
            Self::TimedOut => f.write_str("the peer was silent for too long"),
            Self::Closed => f.write_str("the connection ended in the middle of the file"),
            Self::NotWanted => f.write_str("no octets of the file are wanted now"),
            Self::Ended => f.write_str("the transfer has already ended"),
            Self::BufferTooSmall(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Error {}

#[cfg(test)]
mod tests;
