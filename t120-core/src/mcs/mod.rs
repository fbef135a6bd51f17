//! The multipoint communication service (T.122, T.125).
//!
//! ```text
//!            top provider                    the domain is a tree of providers;
//!            /          \                    users attach to any of them, join channels,
//!      provider        provider              and what is sent on a channel reaches
//!       |    \            |                  everybody who has joined it
//!     user  user        user
//! ```
//!
//! [`connect`] has the PDUs that set a connection up (BER), [`domain`] and its neighbours those
//! that run inside it (aligned PER), [`data`] the fast way for the PDUs that carry data, and
//! `provider` the machine.

pub mod connect;
pub mod data;
pub mod domain;
pub mod map;
pub mod merge;
mod notice;
pub(crate) mod provider;
pub mod token;
mod types;
pub mod v3;

pub use notice::{Notice, TokenConfirm};
pub use types::{
    AssignedChannelId, ChannelId, DataPriority, Diagnostic, DynamicChannelId, McsResult,
    PrivateChannelId, Reason, StaticChannelId, TokenId, TokenStatus, UserId,
};

use crate::error::ParseError;
use crate::per::{Reader, Value, Writer};

/// `Segmentation` (T.125 section 7): whether a data PDU begins and ends a unit of user data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Segmentation {
    /// The first segment of a unit.
    pub begin: bool,
    /// The last segment of a unit.
    pub end: bool,
}

impl Segmentation {
    /// The whole unit in one PDU.
    pub const WHOLE: Self = Self { begin: true, end: true };

    const fn bits(self) -> u8 {
        (self.begin as u8) << 1 | self.end as u8
    }

    const fn from_bits(bits: u8) -> Self {
        Self { begin: bits & 2 != 0, end: bits & 1 != 0 }
    }
}

impl<'a> Value<'a> for Segmentation {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ParseError> {
        Ok(Self::from_bits(reader.bits(2)? as u8))
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.bits(u64::from(self.bits()), 2);
    }
}

impl From<UserId> for ChannelId {
    /// A user's own channel has the user's number (T.122 section 7).
    fn from(user: UserId) -> Self {
        Self::from_number(user.value())
    }
}

impl ChannelId {
    /// The channel with this number; any number is one.
    pub const fn from_number(number: u16) -> Self {
        match Self::new(number) {
            Some(id) => id,
            None => Self::MIN,
        }
    }

    /// The user whose own channel this would be: numbers from 1001 on.
    pub const fn as_user(self) -> Option<UserId> {
        UserId::new(self.value())
    }
}
