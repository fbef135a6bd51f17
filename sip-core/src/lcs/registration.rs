//! What a server of the dialect answers to a REGISTER, and how it ends a registration (MS-SIP section 4.1,
//! and what is on the wire).
//!
//! ```text
//! SIP/2.0 200 OK
//! Expires: 900                                                   needed; a client asks again 30 s before
//! Allow-Events: vnd-microsoft-roaming-contacts, presence, …      what the client may subscribe to at itself
//! Supported: adhoclist                                           one SUBSCRIBE for many
//! ms-keep-alive: UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300
//!
//! BENOTIFY sip:alice@…                                           the server ends it
//! Event: registration-notify
//! Content-Type: text/registration-event
//!
//! deregistered;event=unregistered
//! ```

use core::time::Duration;

use super::{name, option};
use crate::header::{AllowEvents, Contact, Expires, Params, Supported};
use crate::message::{Message, Name, StatusCode, Writer};
use crate::ntlm::number;
use crate::uri::Uri;

/// The media type of [`Ended`].
pub const CONTENT_TYPE: &[u8] = b"text/registration-event";

/// How long before the end of a registration a client asks again.
pub const REFRESH_BEFORE: Duration = Duration::from_secs(30);

/// How long a connection is silent before a client sends CR LF CR LF, unless the server says otherwise.
pub const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// `ms-keep-alive`: who keeps a connection alive, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct KeepAlive {
    /// Whether a server says so (`UAS`), or a client (`UAC`).
    pub is_server: bool,
    /// Whether TCP's own keep-alive is used.
    pub tcp: Option<bool>,
    /// Whether each hop does it for itself.
    pub hop_by_hop: Option<bool>,
    /// Whether the ends do it.
    pub end_to_end: Option<bool>,
    /// After how many seconds of silence the connection is taken for dead.
    pub timeout_s: Option<u32>,
}

impl KeepAlive {
    /// What a client says.
    pub const CLIENT: Self = Self {
        is_server: false,
        tcp: None,
        hop_by_hop: Some(true),
        end_to_end: None,
        timeout_s: None,
    };

    /// What a server says that takes a connection for dead after so many seconds.
    #[must_use]
    pub const fn server(timeout_s: u32) -> Self {
        Self {
            is_server: true,
            tcp: Some(false),
            hop_by_hop: Some(true),
            end_to_end: Some(false),
            timeout_s: Some(timeout_s),
        }
    }

    /// Reads the value of the row.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let end = value.iter().position(|octet| *octet == b';').unwrap_or(value.len());
        let (who, params) = value.split_at_checked(end)?;
        let is_server = match who.trim_ascii() {
            who if who.eq_ignore_ascii_case(b"UAS") => true,
            who if who.eq_ignore_ascii_case(b"UAC") => false,
            _ => return None,
        };
        let params = if params.is_empty() { Params::NONE } else { Params::parse(params).ok()? };
        let yes = |name: &[u8]| params.value(name).map(|value| value.eq_ignore_ascii_case(b"yes"));
        Some(Self {
            is_server,
            tcp: yes(b"tcp"),
            hop_by_hop: yes(b"hop-hop"),
            end_to_end: yes(b"end-end"),
            timeout_s: params.value(b"timeout").and_then(number),
        })
    }

    /// That of a message.
    #[must_use]
    pub fn of(message: &Message<'_>) -> Option<Self> {
        message.row(name::KEEP_ALIVE).and_then(|row| Self::parse(row.value))
    }

    /// Writes the value of the row.
    pub fn write(&self, to: &mut Writer<'_>) {
        to.fixed(if self.is_server { b"UAS" } else { b"UAC" });
        for (name, value) in
            [(&b"tcp"[..], self.tcp), (b"hop-hop", self.hop_by_hop), (b"end-end", self.end_to_end)]
        {
            if let Some(value) = value {
                to.fixed(b"; ");
                to.fixed(name);
                to.fixed(if value { b"=yes" } else { b"=no" });
            }
        }
        if let Some(timeout) = self.timeout_s {
            to.fixed(b"; timeout=");
            to.number(timeout);
        }
    }
}

/// What a 200 to a REGISTER says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Registered<'d> {
    /// How long the registration lasts, in seconds: what the header Expires says. A server that does not
    /// say it leaves a client of the dialect not registered.
    pub expires_s: Option<u32>,
    /// Keep-alive.
    pub keep_alive: Option<KeepAlive>,
    /// Whether one SUBSCRIBE for many is taken.
    pub adhoclist: bool,
    /// Whether it is a server of 2007 or later, which speaks another dialect.
    pub categories: bool,
    /// What the server is: `RTC/2.0`.
    pub server: Option<&'d [u8]>,
}

impl<'d> Registered<'d> {
    /// What a message says.
    #[must_use]
    pub fn of(message: &Message<'d>) -> Self {
        let supports = |tag| supports(message, tag);
        Self {
            expires_s: message
                .typed::<Expires>()
                .and_then(Result::ok)
                .map(|expires| expires.0)
                .filter(|expires| *expires > 0),
            keep_alive: KeepAlive::of(message),
            adhoclist: supports(option::ADHOCLIST),
            categories: supports(option::CATEGORIES),
            server: message.row(Name::Server).map(|row| row.value),
        }
    }

    /// After how long the client registers again.
    #[must_use]
    pub fn refresh_after(&self) -> Option<Duration> {
        let life = Duration::from_secs(self.expires_s?.into());
        Some(life.checked_sub(REFRESH_BEFORE).unwrap_or(life / 2))
    }

    /// After how much silence the client sends CR LF CR LF.
    #[must_use]
    pub fn keep_alive_after(&self) -> Duration {
        let timeout = self.keep_alive.and_then(|keep_alive| keep_alive.timeout_s);
        // Before the server takes the connection for dead.
        timeout
            .filter(|timeout| *timeout > 1)
            .map_or(KEEP_ALIVE, |timeout| Duration::from_secs(timeout.into()) / 2)
    }
}

/// Whether a message says `Supported` with this tag.
#[must_use]
pub fn supports(message: &Message<'_>, tag: &[u8]) -> bool {
    message.all::<Supported<'_>>().flatten().any(|one| one.0.eq_ignore_ascii_case(tag))
}

/// Whether a 200 to a REGISTER lets its client subscribe to this package at itself.
#[must_use]
pub fn allows(message: &Message<'_>, package: &[u8]) -> bool {
    message.all::<AllowEvents<'_>>().flatten().any(|one| one.0.eq_ignore_ascii_case(package))
}

/// The server that a Director sends a client to: the Contact of a 301 or 302 (MS-SIP section 4.1).
#[must_use]
pub fn home_server<'d>(message: &Message<'d>) -> Option<Uri<'d>> {
    matches!(message.code()?, StatusCode::MOVED_PERMANENTLY | StatusCode::MOVED_TEMPORARILY)
        .then(|| message.typed::<Contact<'d>>()?.ok()?.uri())?
}

/// Why a server has ended a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Ended {
    /// It was ended: by another sign-in, or by the server's stop.
    Unregistered,
    /// The user may sign in no longer.
    Rejected,
    /// The user is moved to another server, or switched off for a while.
    Deactivated,
}

impl Ended {
    const ALL: [(Self, &'static [u8]); 3] = [
        (Self::Unregistered, b"unregistered"),
        (Self::Rejected, b"rejected"),
        (Self::Deactivated, b"deactivated"),
    ];

    /// Reads the body of a notification of `registration-notify`; nothing where it says something else.
    #[must_use]
    pub fn parse(body: &[u8]) -> Option<Self> {
        let mut parts = body.trim_ascii().split(|octet| *octet == b';').map(<[u8]>::trim_ascii);
        if !parts.next()?.eq_ignore_ascii_case(b"deregistered") {
            return None;
        }
        let event = parts.find_map(|part| {
            let (name, value) = part.split_at_checked(6)?;
            name.eq_ignore_ascii_case(b"event=").then_some(value)
        });
        let event = event.unwrap_or(b"unregistered");
        let known = Self::ALL.into_iter().find(|(_, name)| event.eq_ignore_ascii_case(name));
        known.map(|(ended, _)| ended)
    }

    /// Why a message says that a registration has ended.
    #[must_use]
    pub fn of(message: &Message<'_>) -> Option<Self> {
        let event = message.typed::<crate::header::Event<'_>>()?.ok()?;
        let is_it = event.package.eq_ignore_ascii_case(super::package::REGISTRATION);
        is_it.then(|| Self::parse(message.body()))?
    }

    /// The body of a notification.
    #[must_use]
    pub const fn body(self) -> &'static [u8] {
        match self {
            Self::Unregistered => b"deregistered;event=unregistered",
            Self::Rejected => b"deregistered;event=rejected",
            Self::Deactivated => b"deregistered;event=deactivated",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(keep_alive: KeepAlive) -> std::string::String {
        let mut buffer = [0; 128];
        let mut to = Writer::new(&mut buffer);
        keep_alive.write(&mut to);
        std::string::String::from_utf8(to.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn keep_alive_is_read_and_written() {
        let text = "UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300";
        let server = KeepAlive::parse(text.as_bytes()).unwrap();
        assert_eq!(server, KeepAlive::server(300));
        assert_eq!(written(server), text);
        assert_eq!(KeepAlive::parse(b"UAC;hop-hop=yes"), Some(KeepAlive::CLIENT));
        assert_eq!(
            KeepAlive::parse(written(KeepAlive::CLIENT).as_bytes()),
            Some(KeepAlive::CLIENT)
        );
        assert_eq!(KeepAlive::parse(b"both"), None);
    }

    #[test]
    fn a_200_says_how_to_go_on() {
        let text = "SIP/2.0 200 OK\r\nExpires: 900\r\nAllow-Events: vnd-microsoft-roaming-contacts,\
            presence.wpending\r\nSupported: adhoclist\r\nServer: RTC/2.0\r\n\
            ms-keep-alive: UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300\r\n\r\n";
        let message = Message::parse(text.as_bytes()).unwrap();
        let registered = Registered::of(&message);
        assert_eq!(registered.refresh_after(), Some(Duration::from_secs(870)));
        assert_eq!(registered.keep_alive_after(), Duration::from_secs(150));
        assert!(registered.adhoclist && !registered.categories);
        assert_eq!(registered.server, Some(&b"RTC/2.0"[..]));
        assert!(allows(&message, super::super::package::CONTACTS));
        assert!(!allows(&message, super::super::package::ACL));
        let message = Message::parse(b"SIP/2.0 200 OK\r\nExpires: 0\r\n\r\n").unwrap();
        let registered = Registered::of(&message);
        assert_eq!((registered.expires_s, registered.refresh_after()), (None, None));
        assert_eq!(registered.keep_alive_after(), KEEP_ALIVE);
    }

    #[test]
    fn a_registration_that_the_server_ends_is_known() {
        for (ended, _) in Ended::ALL {
            assert_eq!(Ended::parse(ended.body()), Some(ended));
        }
        assert_eq!(Ended::parse(b"deregistered\r\n"), Some(Ended::Unregistered));
        assert_eq!(Ended::parse(b"registered;event=rejected"), None);
        assert_eq!(Ended::parse(b"deregistered;event=flown"), None);
        let text = "BENOTIFY sip:a@x SIP/2.0\r\nEvent: registration-notify\r\nContent-Length: 27\r\n\r\n\
            deregistered;event=rejected";
        let message = Message::parse(text.as_bytes()).unwrap();
        assert_eq!(Ended::of(&message), Some(Ended::Rejected));
    }

    #[test]
    fn a_director_sends_to_the_home_server() {
        let text = "SIP/2.0 301 Moved Permanently\r\nContact: sip:hs2.contoso.com\r\n\r\n";
        let message = Message::parse(text.as_bytes()).unwrap();
        assert!(home_server(&message).unwrap().same(&Uri::parse(b"sip:hs2.contoso.com").unwrap()));
        let message =
            Message::parse(b"SIP/2.0 200 OK\r\nContact: sip:hs2.contoso.com\r\n\r\n").unwrap();
        assert!(home_server(&message).is_none());
    }
}
