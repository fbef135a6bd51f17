//! The dialect of Live Communications Server 2003 and 2005 and of Windows Messenger (MS-SIP, MS-SDP).
//!
//! The rest of this crate does not know it: what stands here reads and writes the rows and documents of
//! the dialect.
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
pub mod contacts;
pub mod endpoint;
pub mod im;
mod out;
pub mod presentity;
pub mod provisioning;
pub mod registration;
pub mod service;
pub mod sharing;
pub mod subscription;
pub mod translate;
pub mod watchers;
pub mod xpidf;

use crate::message::{Method, Name};

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
