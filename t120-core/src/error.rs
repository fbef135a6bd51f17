//! What can go wrong, by cause.

use core::fmt;

/// What is wrong with octets that were to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Fault {
    /// The octets end before the value does.
    UnexpectedEnd,
    /// A number or a length lies outside what its type allows.
    OutOfRange,
    /// The index of a CHOICE or ENUMERATED names nothing that this version knows.
    UnknownAlternative,
    /// A tag is not the one that has to stand here.
    UnexpectedTag,
    /// A length is coded in a form that is not allowed here.
    BadLength,
    /// More octets follow where the value ends.
    TrailingOctets,
    /// A TPKT header has another version than 3.
    BadVersion,
    /// A TPDU of a kind, a class or with parameters that class 0 does not have.
    BadTpdu,
    /// A character does not belong to its string type.
    BadCharacter,
    /// A value is coded in fragments where this implementation reads only whole ones.
    Fragmented,
    /// The object identifier is not the one of T.124.
    UnexpectedKey,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnexpectedEnd => "the octets end before the value does",
            Self::OutOfRange => "a number or length is outside the range of its type",
            Self::UnknownAlternative => "an unknown alternative",
            Self::UnexpectedTag => "an unexpected tag",
            Self::BadLength => "a length in a form that is not allowed",
            Self::TrailingOctets => "octets follow the end of the value",
            Self::BadVersion => "the TPKT version is not 3",
            Self::BadTpdu => "not a TPDU of transport class 0",
            Self::BadCharacter => "a character that the string type does not have",
            Self::Fragmented => "a fragmented value where only a whole one can be read",
            Self::UnexpectedKey => "not the object identifier of T.124",
        })
    }
}

/// Octets that are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ParseError {
    /// What is wrong.
    pub what: Fault,
    /// Where it was noticed, in octets from the start of what was parsed.
    pub at: usize,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at octet {}", self.what, self.at)
    }
}

impl core::error::Error for ParseError {}

/// A buffer has no room for what was to be written into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BufferTooSmall {
    /// How many octets it would have to have.
    pub needed: usize,
}

impl fmt::Display for BufferTooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the buffer is too small: {} octets are needed", self.needed)
    }
}

impl core::error::Error for BufferTooSmall {}

/// A value could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum WriteError {
    /// The buffer has no room for it.
    BufferTooSmall(BufferTooSmall),
    /// The value has no encoding, because a string, list or number in it is outside its type.
    Value(Fault),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BufferTooSmall(error) => error.fmt(f),
            Self::Value(fault) => write!(f, "the value cannot be encoded: {fault}"),
        }
    }
}

impl core::error::Error for WriteError {}

impl From<BufferTooSmall> for WriteError {
    fn from(error: BufferTooSmall) -> Self {
        Self::BufferTooSmall(error)
    }
}

/// A table or buffer holds as much as the host has given room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Full {
    /// How much there is room for: entries of a table, octets of a buffer.
    pub capacity: usize,
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no room beyond {}", self.capacity)
    }
}

impl core::error::Error for Full {}

/// Why a machine refuses an input or a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// What the peer sent cannot be read; drain `poll_transmit`, then close the connection.
    Parse(ParseError),
    /// The peer sent a TPKT longer than the limit in the configuration.
    TooLong {
        /// The length that the peer announced, in octets.
        length: usize,
        /// The limit, in octets.
        limit: usize,
    },
    /// The peer sent a PDU that has no place in the state of its connection.
    UnexpectedPdu,
    /// The peer refused the connection or sent a result other than successful.
    Refused,
    /// Storage is full: give more of it, or drain `poll_transmit` before the next call.
    Full(Full),
    /// No connection, user, channel or object of this name is known.
    Unknown,
    /// The call has no meaning in the present state (nothing joined yet, or joined already).
    WrongState,
    /// What the host asks to be sent has no encoding.
    Value(Fault),
    /// The user is not admitted to the private channel.
    NotAdmitted,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parse(error) => write!(f, "the peer sent what cannot be read: {error}"),
            Self::TooLong { length, limit } => {
                write!(f, "the peer sent a TPKT of {length} octets, the limit is {limit}")
            }
            Self::UnexpectedPdu => f.write_str("the peer sent a PDU out of place"),
            Self::Refused => f.write_str("the peer refused the connection"),
            Self::Full(full) => write!(f, "storage is full: {full}"),
            Self::Unknown => f.write_str("nothing of this name is known"),
            Self::WrongState => f.write_str("not possible in the present state"),
            Self::Value(fault) => write!(f, "cannot be encoded: {fault}"),
            Self::NotAdmitted => f.write_str("the user is not admitted to the private channel"),
        }
    }
}

impl core::error::Error for Error {}

impl From<ParseError> for Error {
    fn from(error: ParseError) -> Self {
        Self::Parse(error)
    }
}

impl From<Full> for Error {
    fn from(full: Full) -> Self {
        Self::Full(full)
    }
}

impl From<WriteError> for Error {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::BufferTooSmall(error) => Self::Full(Full { capacity: error.needed }),
            WriteError::Value(fault) => Self::Value(fault),
        }
    }
}

/// A configuration that cannot work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ConfigError {
    /// The greatest MCSPDU is smaller than a connect PDU needs.
    PduTooSmall,
    /// The user's name is longer than 255 UTF-16 units.
    NameTooLong,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PduTooSmall => "max_pdu_octets has to be 512 or more",
            Self::NameTooLong => "the name has more than 255 UTF-16 units",
        })
    }
}

impl core::error::Error for ConfigError {}
