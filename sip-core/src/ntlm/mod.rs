//! NTLM without a connection, and the signatures that it makes of SIP messages (MS-NLMP; MS-SIP section
//! 3.1, later called MS-SIPAE).
//!
//! ```text
//! client                                                      server
//!   REGISTER ─────────────────────────────────────────────────▶
//!   ◀─ 401 WWW-Authenticate: NTLM realm, targetname[, version]
//!   REGISTER, Authorization: NTLM gssapi-data="" ──────────────▶
//!   ◀─ 401 NTLM opaque, gssapi-data="<CHALLENGE>"
//!   REGISTER, NTLM opaque, gssapi-data="<AUTHENTICATE>" ───────▶
//!   ◀─ 200 Authentication-Info: NTLM opaque, srand, snum, rspauth
//!   each message, NTLM opaque, crand, cnum, response ──────────▶
//!   ◀─ each message, NTLM opaque, srand, snum, rspauth
//! ```
//!
//! | layer | what it is |
//! |---|---|
//! | [`Challenge`], [`Authenticate`] | the messages of NTLM |
//! | [`NtHash`], [`answer`], [`Authenticate::verify`] | responses, and what both sides have after them |
//! | [`Session`] | signatures |
//! | [`Fields`] | the parameters in the rows of SIP |
//! | [`SignedText`], [`Association`] | what of a message is signed, and the signatures of one sign-in |
//! | [`Client`], [`Server`] | the two sides of the sign-in |
//!
//! Kerberos has the same rows and signatures; its tokens come from the host, which gives a
//! [`Kerberos`].

mod association;
mod client;
mod fields;
mod kerberos;
mod key;
mod message;
mod name;
mod response;
mod server;
mod session;
mod short;
mod signed;
#[cfg(test)]
mod tests;

use crate::error::BufferTooSmall;

pub use association::{Association, Signature, Window};
pub use client::Client;
pub use fields::{Fields, Mechanism, Signed, Version};
pub use kerberos::{Kerberos, NoKerberos};
pub use key::{Key, NtHash};
pub use message::{Authenticate, Challenge, Flags, Malformed, PairId, pairs, write_pairs};
pub use name::Name;
pub use response::{Fresh, Login, MAX_INFO, Policy, answer};
pub use server::{AssociationId, Config, Entry, INDEXES, Server, Storage, Users, Verdict};
pub use session::{SEQUENCE, SIGNATURE_OCTETS, Session, Side};
pub use short::Short;
#[cfg(feature = "lcs")]
pub(crate) use short::{decimal, hex_u32, number};
pub use signed::{MAX_SIGNED, SignedText, Terms};

/// Why somebody is not who he says, or a message not what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// A message of NTLM is malformed.
    Malformed(Malformed),
    /// What is offered is weaker than the policy allows.
    Weak,
    /// The response was made with another password, or for another challenge.
    Password,
    /// A value is longer than what is kept of it.
    TooLong,
    /// The host's buffer is too small.
    BufferTooSmall(BufferTooSmall),
    /// The message is not signed, and has to be.
    Unsigned,
    /// The signature is that of another message, or of somebody else.
    Signature,
    /// The message came before.
    Replayed,
    /// The message lacks what a signature is over.
    Incomplete,
    /// The mechanism is none that we have.
    Mechanism,
    /// The row belongs to no sign-in that is known.
    Unknown,
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Malformed(malformed) => return malformed.fmt(f),
            Self::BufferTooSmall(small) => return small.fmt(f),
            Self::Weak => "the other side wants weaker security than the policy allows",
            Self::Password => "the response does not fit the password",
            Self::TooLong => "a value of the sign-in is too long",
            Self::Unsigned => "the message is not signed",
            Self::Signature => "the signature does not fit the message",
            Self::Replayed => "the message came before",
            Self::Incomplete => "the message lacks what its signature is over",
            Self::Mechanism => "the mechanism is neither NTLM nor Kerberos",
            Self::Unknown => "the message belongs to no sign-in that is known",
        })
    }
}

impl core::error::Error for Error {}

impl From<Malformed> for Error {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl From<BufferTooSmall> for Error {
    fn from(small: BufferTooSmall) -> Self {
        Self::BufferTooSmall(small)
    }
}
