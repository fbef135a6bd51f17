//! What SRTP refuses, and why.

use super::crypto::CryptoError;
use crate::{BufferTooSmall, Full, ParseError};

/// Why a packet was not protected, or not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SrtpError {
    /// The packet has no header that can be read.
    Parse(ParseError),
    /// The buffer has no room for the tag.
    BufferTooSmall(BufferTooSmall),
    /// Key and salt have the wrong length.
    KeyLength {
        /// How many octets the profile asks for.
        needed: usize,
    },
    /// The tag is not that of the packet: it was changed, or has another key.
    Authentication,
    /// The packet was here before, or is too old to tell.
    Replay,
    /// The key has protected as many packets as one may: take a new one.
    KeyExpired,
    /// There is no room for another source, or for another key.
    Full(Full),
    /// SRTCP that is not encrypted.
    NotEncrypted,
    /// The packet names a master key that nobody has given.
    UnknownKey,
    /// The keys of a receiver have different profiles, or identifiers of different lengths, or
    /// several have none: no packet could tell which one it was made with.
    KeysDiffer,
    /// A master key identifier of no octets, of more than [`Mki::CAPACITY`](super::Mki::CAPACITY),
    /// or of too few for its value.
    Mki,
    /// A key derivation rate above 2^24.
    DerivationRate,
    /// The cipher cannot work with such a key, or its engine has failed.
    Crypto(CryptoError),
}

impl core::fmt::Display for SrtpError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Parse(error) => error.fmt(f),
            Self::BufferTooSmall(error) => error.fmt(f),
            Self::KeyLength { needed } => {
                write!(f, "the key material has the wrong length: it takes {needed} octets")
            }
            Self::Authentication => f.write_str("the packet is not authentic"),
            Self::Replay => f.write_str("the packet was here before, or is too old"),
            Self::KeyExpired => f.write_str("the key is worn out: negotiate a new one"),
            Self::Full(error) => error.fmt(f),
            Self::NotEncrypted => f.write_str("the RTCP packet is not encrypted"),
            Self::UnknownKey => f.write_str("the packet names a master key that is not known"),
            Self::KeysDiffer => f.write_str(
                "several keys need one profile, and identifiers of one length: give each its MKI",
            ),
            Self::Mki => write!(
                f,
                "the master key identifier does not fit: give it 1 to {} octets",
                super::Mki::CAPACITY
            ),
            Self::DerivationRate => {
                f.write_str("the key derivation rate is too great: it is 2 to the power of 0 to 24")
            }
            Self::Crypto(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for SrtpError {}

impl From<ParseError> for SrtpError {
    fn from(error: ParseError) -> Self {
        Self::Parse(error)
    }
}

impl From<BufferTooSmall> for SrtpError {
    fn from(error: BufferTooSmall) -> Self {
        Self::BufferTooSmall(error)
    }
}

impl From<CryptoError> for SrtpError {
    fn from(error: CryptoError) -> Self {
        Self::Crypto(error)
    }
}
