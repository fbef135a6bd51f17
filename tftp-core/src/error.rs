//! What can go wrong, by cause: each error says what is wrong and where.

use core::fmt;

pub use crate::storage::Full;

/// What a parser did not find as its standard says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Fault {
    /// A TFTP opcode other than 1 to 6 (RFC 1350 section 5, RFC 2347).
    Opcode,
    /// The datagram ends before its fixed fields do.
    Truncated,
    /// The file name is empty or has no NUL behind it.
    FileName,
    /// The transfer mode is not `netascii`, `octet` or `mail`, or has no NUL behind it.
    Mode,
    /// An option has no name, or no NUL behind its name.
    OptionName,
    /// An option has no NUL behind its value, or a value that is not of its kind.
    OptionValue,
    /// A request of more than 512 octets (RFC 2347).
    TooLong,
    /// A DATA packet with more octets than the agreed block size (RFC 2348).
    BlockTooLong,
    /// A packet that has no place at this point of a transfer (RFC 1350 section 5).
    Unexpected,
    /// A line of an invitation has no colon, is not UTF-8, or holds a CR.
    Line,
    /// An invitation has no `Invitation-Command`, or one other than INVITE, ACCEPT and CANCEL.
    InvitationCommand,
    /// An invitation has no `Invitation-Cookie`, or one that is not a number of 32 bits.
    InvitationCookie,
    /// An invitation to a file transfer has no `Application-File`.
    ApplicationFile,
    /// An invitation to a file transfer has no `Application-FileSize`, or one that is no number.
    ApplicationFileSize,
    /// A key is not the base64 text of 24 octets, or one of two keys is missing.
    Key,
    /// `Port`, `AuthCookie` or `IP-Address` is missing beside the others, or no number.
    Address,
    /// A line on a Messenger connection is not the one that has to come here.
    Command,
    /// The header of a chunk begins with an octet other than 0 and 1.
    ChunkType,
}

impl Fault {
    const fn text(self) -> &'static str {
        match self {
            Self::Opcode => "the opcode is not one of 1 to 6",
            Self::Truncated => "the datagram ends too early",
            Self::FileName => "the file name is empty or not ended by a NUL",
            Self::Mode => "the mode is not netascii, octet or mail, or not ended by a NUL",
            Self::OptionName => "an option's name is empty or not ended by a NUL",
            Self::OptionValue => "an option's value is not ended by a NUL or not of its kind",
            Self::TooLong => "the request is longer than 512 octets",
            Self::BlockTooLong => "the block is longer than agreed",
            Self::Unexpected => "this packet may not come here",
            Self::Line => "a line has no colon, is not UTF-8, or holds a CR",
            Self::InvitationCommand => "Invitation-Command is not INVITE, ACCEPT or CANCEL",
            Self::InvitationCookie => "Invitation-Cookie is not a number of 32 bits",
            Self::ApplicationFile => "Application-File is missing",
            Self::ApplicationFileSize => "Application-FileSize is not a number",
            Self::Key => "a key is not the base64 text of 24 octets, or is missing",
            Self::Address => "IP-Address, Port or AuthCookie is missing or not of its kind",
            Self::Command => "this line may not come here",
            Self::ChunkType => "a chunk begins with neither 0 nor 1",
        }
    }
}

/// Octets that are not what their standard says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ParseError {
    /// What is wrong.
    pub what: Fault,
    /// Where, in octets from the beginning of what was parsed.
    pub at: usize,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (octet {})", self.what.text(), self.at)
    }
}

impl core::error::Error for ParseError {}

/// The buffer that was handed in cannot hold what is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BufferTooSmall {
    /// How many octets are needed.
    pub needed: usize,
}

impl fmt::Display for BufferTooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the buffer is too small: {} octets are needed", self.needed)
    }
}

impl core::error::Error for BufferTooSmall {}

/// A configuration that cannot work, refused before anything is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ConfigError {
    /// A port below the policy's minimum.
    PortTooLow {
        /// The port that was asked for.
        port: u16,
        /// The lowest one allowed.
        minimum: u16,
    },
    /// The low end of a port range lies above its high end.
    RangeCrossed {
        /// The low end.
        low: u16,
        /// The high end.
        high: u16,
    },
    /// A block size outside 8 to 65464 octets (RFC 2348).
    Blksize {
        /// The size that was asked for, in octets.
        blksize: u16,
    },
    /// A window of no blocks (RFC 7440 section 3: 1 to 65535).
    Windowsize,
    /// A time-out of 0 seconds, or of more than 255 (RFC 2349).
    Timeout,
    /// A name that is empty, too long, or holds octets that the protocol has no place for.
    Name {
        /// How long it may be, in octets.
        limit: usize,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PortTooLow { port, minimum } => {
                write!(f, "port {port} is too low: choose one from {minimum} to 65535")
            }
            Self::RangeCrossed { low, high } => {
                write!(f, "the port range {low}-{high} ends before it begins: swap its ends")
            }
            Self::Blksize { blksize } => {
                write!(f, "a block of {blksize} octets is not possible: choose 8 to 65464")
            }
            Self::Windowsize => {
                f.write_str("a window of 0 blocks is not possible: choose 1 to 65535")
            }
            Self::Timeout => f.write_str("a time-out has to be 1 to 255 whole seconds"),
            Self::Name { limit } => {
                write!(f, "a name has to be 1 to {limit} octets without NUL, CR, LF or separators")
            }
        }
    }
}

impl core::error::Error for ConfigError {}
