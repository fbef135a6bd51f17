//! What can go wrong, and what to do about it.

use core::fmt;

use crate::Ssrc;

/// What was wrong with octets that were to be parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Fault {
    /// The octets end before what their own length fields promise.
    Truncated,
    /// The version field is not 2.
    Version,
    /// The padding count is zero, or larger than what it pads.
    Padding,
    /// A length or count field does not agree with what it counts.
    Length,
    /// The packet type is not the one that was asked for, or not one that may stand here.
    PacketType,
    /// A value that the standard does not allow.
    Value,
}

/// Octets do not follow the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ParseError {
    /// What is wrong.
    pub what: Fault,
    /// Where, in octets from the beginning.
    pub at: usize,
}

impl ParseError {
    pub(crate) const fn new(what: Fault, at: usize) -> Self {
        Self { what, at }
    }

    /// The same error, for octets that begin `offset` octets into something larger.
    pub(crate) const fn moved(self, offset: usize) -> Self {
        Self { what: self.what, at: self.at.saturating_add(offset) }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            Fault::Truncated => "the packet is cut off",
            Fault::Version => "the version is not 2",
            Fault::Padding => "the padding count is impossible",
            Fault::Length => "a length does not agree with its contents",
            Fault::PacketType => "this packet type may not stand here",
            Fault::Value => "a value is not allowed",
        };
        write!(f, "{what}, at octet {}", self.at)
    }
}

impl core::error::Error for ParseError {}

/// The buffer to write into is too small.
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

/// All the room that the host has given is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Full {
    /// How many entries there is room for.
    pub capacity: usize,
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "all {} places are taken", self.capacity)
    }
}

impl core::error::Error for Full {}

/// A configuration that cannot work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ConfigError {
    /// A port is below the least that a policy may use.
    PortTooLow {
        /// The port.
        port: u16,
        /// The least that is allowed.
        minimum: u16,
    },
    /// The low end of a range of ports is above its high end.
    RangeCrossed {
        /// The low end.
        low: u16,
        /// The high end.
        high: u16,
    },
    /// A range of ports holds no pair of an even port and the odd one after it.
    NoPair {
        /// The low end.
        low: u16,
        /// The high end.
        high: u16,
    },
    /// The canonical name is empty or longer than [`session::Cname::CAPACITY`](crate::session::Cname::CAPACITY).
    Cname {
        /// How long it is, in octets.
        len: usize,
    },
    /// A clock rate of zero.
    ClockRate,
    /// A bandwidth of zero.
    Bandwidth,
    /// The host lends room for nothing.
    NoStorage,
    /// The least delay of a jitter buffer is above its greatest.
    DelayCrossed,
    /// An ID of a header extension that is 0, or that another extension has.
    ExtensionId {
        /// The ID.
        id: u8,
    },
    /// A payload type above 127.
    PayloadType {
        /// The payload type.
        payload_type: u8,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PortTooLow { port, minimum } => {
                write!(f, "port {port} is below {minimum}: choose {minimum} to 65535")
            }
            Self::RangeCrossed { low, high } => {
                write!(f, "the low end {low} is above the high end {high}: exchange them")
            }
            Self::NoPair { low, high } => write!(
                f,
                "ports {low} to {high} hold no even port followed by an odd one: widen the range"
            ),
            Self::Cname { len } => write!(
                f,
                "the canonical name is {len} octets long: it takes 1 to {}",
                crate::session::Cname::CAPACITY
            ),
            Self::ClockRate => f.write_str("the clock rate is zero: give it in hertz"),
            Self::Bandwidth => f.write_str("the bandwidth is zero: give it in bits per second"),
            Self::NoStorage => f.write_str("no storage: lend room for one entry or more"),
            Self::DelayCrossed => {
                f.write_str("the least delay is above the greatest: exchange them")
            }
            Self::ExtensionId { id } => {
                write!(f, "extension ID {id}: choose one from 1 on that no other has")
            }
            Self::PayloadType { payload_type } => {
                write!(f, "payload type {payload_type}: choose 0 to 127")
            }
        }
    }
}

impl core::error::Error for ConfigError {}

/// What a [`Session`](crate::session::Session) refuses, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// A datagram that is not RTP or RTCP as the standard has it.
    Parse(ParseError),
    /// A datagram of another protocol (STUN, DTLS) on a shared port: give it to that protocol.
    NotRtp(crate::demux::Protocol),
    /// The host's buffer is too small.
    BufferTooSmall(BufferTooSmall),
    /// There is no room for another member: lend more, or take fewer.
    Full(Full),
    /// The configuration cannot work.
    Config(ConfigError),
    /// Nothing can be sent before the host has said where to.
    NoDestination,
    /// The session has been left; nothing more is sent.
    Left,
    /// The packet has the wrong sequence number: its source is on probation, or has jumped
    /// (RFC 3550 appendix A.1). It is not passed on.
    Sequence {
        /// The source.
        ssrc: Ssrc,
    },
    /// Another address uses the SSRC of a source that is still heard (RFC 3550 section 8.2): a
    /// collision or a loop among others. The packet is not passed on.
    Conflict {
        /// The source.
        ssrc: Ssrc,
    },
    /// Our own SSRC has come from outside (RFC 3550 section 8.2): from an address that has used it
    /// before, which is a loop; or so soon after we took it that we keep it for now.
    Loop,
    /// The source has said goodbye a moment ago; this packet was under way.
    AfterBye {
        /// The source.
        ssrc: Ssrc,
    },
    /// A payload too long for one packet, or for what holds it.
    TooLong {
        /// How many octets may be.
        limit: usize,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parse(error) => error.fmt(f),
            Self::NotRtp(protocol) => write!(f, "the datagram is {protocol:?}, not RTP or RTCP"),
            Self::BufferTooSmall(error) => error.fmt(f),
            Self::Full(error) => error.fmt(f),
            Self::Config(error) => error.fmt(f),
            Self::NoDestination => f.write_str("nowhere to send to: call set_remote first"),
            Self::Left => f.write_str("the session has been left: make a new one"),
            Self::Sequence { ssrc } => {
                write!(f, "source {ssrc} is on probation: its sequence numbers do not follow yet")
            }
            Self::Conflict { ssrc } => write!(f, "another address sends as source {ssrc}"),
            Self::Loop => {
                f.write_str("our own SSRC came back: packets loop, or somebody else has it")
            }
            Self::AfterBye { ssrc } => write!(f, "source {ssrc} has said goodbye"),
            Self::TooLong { limit } => write!(f, "too long: at most {limit} octets"),
        }
    }
}

impl core::error::Error for Error {}

impl From<ParseError> for Error {
    fn from(error: ParseError) -> Self {
        Self::Parse(error)
    }
}

impl From<BufferTooSmall> for Error {
    fn from(error: BufferTooSmall) -> Self {
        Self::BufferTooSmall(error)
    }
}

impl From<Full> for Error {
    fn from(error: Full) -> Self {
        Self::Full(error)
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}
