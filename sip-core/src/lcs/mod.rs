//! The dialect of Live Communications Server 2003 and 2005 and of Windows Messenger (MS-SIP, MS-SDP).
//!
//! The rest of this crate does not know it: what stands here reads and writes the rows and documents of
//! the dialect, and [`Client`] and [`Front`] stand between a network and an
//! [`Agent`](crate::agent::Agent) or a [`Server`](crate::server::Server) that speak plain SIP.
//!
//! | module | what it is |
//! |---|---|
//! | [`endpoint`] | `epid`, `maddr`, `proxy=replace`, `methods`, `+sip.instance` |
//! | [`registration`] | what a 200 to a REGISTER says, keep-alive, a registration that the server ends, the home server |
//! | [`subscription`] | piggybacked first notifications, BENOTIFY, subscriptions that extend themselves |
//! | [`batch`] | one SUBSCRIBE for many: `adhoclist`, `rlmi` |
//! | [`presentity`], [`xpidf`], [`translate`] | presence as Microsoft writes it, and as PIDF |
//! | [`service`] | SOAP over SERVICE: presence, contacts, groups, access |
//! | [`contacts`], [`acl`], [`watchers`], [`provisioning`] | the documents of the other subscriptions |
//! | [`im`] | sessions of instant messages, their formats, typing |
//! | [`sharing`] | invitations to a whiteboard or a shared application |
//!
//! Requests without a branch in Via, which these clients send, are matched as RFC 3261 section 17.2.3 has
//! it for RFC 2543 by [`transaction`](crate::transaction) itself.

pub mod acl;
pub mod batch;
mod client;
pub mod contacts;
pub mod endpoint;
mod front;
pub mod im;
mod out;
pub mod presentity;
pub mod provisioning;
pub mod registration;
mod relay;
pub mod service;
pub mod sharing;
pub mod subscription;
#[cfg(test)]
mod tests;
pub mod translate;
pub mod watchers;
pub mod xpidf;

use crate::error::{BufferTooSmall, ParseError};
use crate::message::{Method, Name};
use crate::ntlm;

pub use client::{Client, Opened};
pub use front::{Front, FrontEntry, Storage, Taken};
pub use relay::Sealed;

/// Why a message does not get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// It is malformed.
    Parse(ParseError),
    /// It lacks a row that every message has, or cannot be written as it should be.
    Message,
    /// It is not signed as it should be, or cannot be signed.
    Security(ntlm::Error),
    /// The host's buffer is too small.
    BufferTooSmall(BufferTooSmall),
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Parse(error) => error.fmt(f),
            Self::Message => f.write_str("the message lacks what every message has"),
            Self::Security(error) => error.fmt(f),
            Self::BufferTooSmall(small) => small.fmt(f),
        }
    }
}

impl core::error::Error for Error {}

impl From<ParseError> for Error {
    fn from(error: ParseError) -> Self {
        Self::Parse(error)
    }
}

impl From<ntlm::Error> for Error {
    fn from(error: ntlm::Error) -> Self {
        Self::Security(error)
    }
}

/// A request to the server itself; its body is of [`service`].
pub const SERVICE: Method<'static> = Method::Other(b"SERVICE");

/// A notification that is not answered, and that is sent to who says `Supported: ms-benotify`.
pub const BENOTIFY: Method<'static> = Method::Other(b"BENOTIFY");

/// Whether requests of this method are never answered.
#[must_use]
pub fn is_unanswered(method: Method<'_>) -> bool {
    method == BENOTIFY || method == Method::Ack
}

/// The option tags of the dialect.
pub mod option {
    /// One SUBSCRIBE for many.
    pub const ADHOCLIST: &[u8] = b"adhoclist";
    /// Each notification begins the subscription's life anew.
    pub const AUTOEXTEND: &[u8] = b"com.microsoft.autoextend";
    /// Notifications come as BENOTIFY.
    pub const BENOTIFY: &[u8] = b"ms-benotify";
    /// The first notification comes in the 200 to the SUBSCRIBE.
    pub const PIGGYBACK: &[u8] = b"ms-piggyback-first-notify";
    /// The first message of a session stands in its INVITE.
    pub const TEXT_FORMAT: &[u8] = b"ms-text-format";
    /// Office Communications Server 2007: a server of 2003 or 2005 must not say it.
    pub const CATEGORIES: &[u8] = b"msrtc-event-categories";
    /// A client that publishes its presence.
    pub const PRESENCE: &[u8] = b"com.microsoft.msrtc.presence";
}

/// The header fields of the dialect.
pub mod name {
    use super::Name;

    /// `ms-keep-alive`: [`KeepAlive`](super::registration::KeepAlive).
    pub const KEEP_ALIVE: Name<'static> = Name::Other(b"ms-keep-alive");
    /// `ms-piggyback-cseq`: the number that the piggybacked notification would have had.
    pub const PIGGYBACK_CSEQ: Name<'static> = Name::Other(b"ms-piggyback-cseq");
    /// `ms-text-format`: [`TextFormat`](super::im::TextFormat).
    pub const TEXT_FORMAT: Name<'static> = Name::Other(b"ms-text-format");
}

/// The event packages of the dialect, beside `presence`.
pub mod package {
    /// A user's contacts: [`contacts`](super::contacts).
    pub const CONTACTS: &[u8] = b"vnd-microsoft-roaming-contacts";
    /// Who may see and call a user: [`acl`](super::acl).
    pub const ACL: &[u8] = b"vnd-microsoft-roaming-ACL";
    /// What the administrator has set up for a user: [`provisioning`](super::provisioning).
    pub const PROVISIONING: &[u8] = b"vnd-microsoft-provisioning";
    /// Who waits for a decision to see a user: [`watchers`](super::watchers).
    pub const WATCHERS: &[u8] = b"presence.wpending";
    /// What becomes of a registration: [`registration`](super::registration).
    pub const REGISTRATION: &[u8] = b"registration-notify";
}
