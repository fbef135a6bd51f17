//! How subscriptions of the dialect differ (MS-SIP sections 3.4 to 3.6).
//!
//! ```text
//! SUBSCRIBE                                       200 OK
//! Supported: com.microsoft.autoextend             Supported: com.microsoft.autoextend, ms-benotify
//! Supported: ms-benotify                          ms-piggyback-cseq: 1
//! Proxy-Require: ms-benotify                      subscription-state: active;expires=24767
//! Supported: ms-piggyback-first-notify            Event: presence
//!                                                 Content-Type: …
//!                                                 (the body of the first notification)
//!
//! BENOTIFY, in the same dialog, CSeq rising, never answered
//! ```

use super::registration::supports;
use super::{name, option};
use crate::header::{CSeq, Expires};
use crate::message::{Message, Name, Writer};
use crate::ntlm::number;

/// What both sides of a subscription can do: what a SUBSCRIBE offers, or what its 200 takes of that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Extensions {
    /// Notifications come as BENOTIFY.
    pub benotify: bool,
    /// The first notification comes in the 200.
    pub piggyback: bool,
    /// Each notification begins the subscription's life anew.
    pub autoextend: bool,
}

impl Extensions {
    /// All of them.
    pub const ALL: Self = Self { benotify: true, piggyback: true, autoextend: true };

    /// Those that a message says.
    #[must_use]
    pub fn of(message: &Message<'_>) -> Self {
        Self {
            benotify: supports(message, option::BENOTIFY),
            piggyback: supports(message, option::PIGGYBACK),
            autoextend: supports(message, option::AUTOEXTEND),
        }
    }

    /// Those that both sides have.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            benotify: self.benotify && other.benotify,
            piggyback: self.piggyback && other.piggyback,
            autoextend: self.autoextend && other.autoextend,
        }
    }

    /// Writes the rows of a SUBSCRIBE or of its 200. A SUBSCRIBE requires of proxies that they know
    /// BENOTIFY; where one does not (420), it is sent again without (MS-SIP section 3.5.1.1).
    pub fn write_rows(&self, is_request: bool, to: &mut Writer<'_>) {
        for (is_there, tag) in [
            (self.autoextend, option::AUTOEXTEND),
            (self.benotify, option::BENOTIFY),
            (self.piggyback, option::PIGGYBACK),
        ] {
            if is_there {
                to.raw(Name::Supported, tag);
            }
        }
        if self.benotify && is_request {
            to.raw(Name::ProxyRequire, option::BENOTIFY);
        }
    }
}

/// A first notification in the 200 to a SUBSCRIBE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Piggyback<'d> {
    /// The CSeq number that the NOTIFY would have had: those that follow are higher.
    pub cseq: u32,
    /// The type of the document.
    pub content_type: &'d [u8],
    /// The document.
    pub body: &'d [u8],
}

impl<'d> Piggyback<'d> {
    /// That of a 200 to a SUBSCRIBE.
    #[must_use]
    pub fn of(message: &Message<'d>) -> Option<Self> {
        let is_success = message.code().is_some_and(|code| code.is_success());
        let cseq = message.row(name::PIGGYBACK_CSEQ).and_then(|row| number(row.value.trim_ascii()));
        let content_type = message.row(Name::ContentType)?.value;
        // A server may leave out the number.
        let has_it = cseq.is_some() || supports(message, option::PIGGYBACK);
        (is_success && has_it && !message.body().is_empty()).then(|| Self {
            cseq: cseq.unwrap_or(1),
            content_type,
            body: message.body(),
        })
    }

    /// Writes the row with the number.
    pub fn write_row(&self, to: &mut Writer<'_>) {
        to.raw_number(name::PIGGYBACK_CSEQ, self.cseq);
    }
}

/// A subscription as its subscriber sees it: when it ends, and which notifications are news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Subscribed {
    /// What both sides can do.
    pub extensions: Extensions,
    /// How long it lasts, in seconds.
    pub expires_s: u32,
    highest: u32,
}

impl Subscribed {
    /// What a 200 to a SUBSCRIBE with these extensions says; `asked_s` is taken where it does not say how
    /// long.
    #[must_use]
    pub fn of(message: &Message<'_>, offered: Extensions, asked_s: u32) -> Self {
        let expires = message.typed::<Expires>().and_then(Result::ok);
        Self {
            extensions: offered.and(Extensions::of(message)),
            expires_s: expires.map_or(asked_s, |expires| expires.0),
            highest: Piggyback::of(message).map_or(0, |first| first.cseq),
        }
    }

    /// A notification has come: whether it is newer than those before. Its CSeq number decides, as
    /// BENOTIFYs may overtake each other; those of batches have the `version` of their list beside it.
    pub fn notified(&mut self, message: &Message<'_>) -> bool {
        let cseq = message.typed::<CSeq<'_>>().and_then(Result::ok);
        let Some(cseq) = cseq.filter(|cseq| cseq.number > self.highest) else { return false };
        self.highest = cseq.number;
        true
    }

    /// For how many seconds it lasts from a notification on; nothing where that changes nothing.
    #[must_use]
    pub fn extended_s(&self) -> Option<u32> {
        self.extensions.autoextend.then_some(self.expires_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: &[u8] = b"SIP/2.0 200 OK\r\nExpires: 24767\r\nContent-Type: text/xml+msrtc.pidf\r\n\
        ms-piggyback-cseq: 1\r\nSupported: com.microsoft.autoextend, ms-piggyback-first-notify,\r\n \
        ms-benotify\r\nContent-Length: 4\r\n\r\n<a/>";

    #[test]
    fn the_first_notification_comes_in_the_200() {
        let message = Message::parse(OK).unwrap();
        let first = Piggyback::of(&message).unwrap();
        assert_eq!((first.cseq, first.body), (1, &b"<a/>"[..]));
        assert_eq!(Extensions::of(&message), Extensions::ALL);
        let mut subscribed = Subscribed::of(&message, Extensions::ALL, 60);
        assert_eq!(subscribed.extended_s(), Some(24767));
        let mut notify = |number: u32| {
            let text = std::format!("BENOTIFY sip:a@x SIP/2.0\r\nCSeq: {number} BENOTIFY\r\n\r\n");
            subscribed.notified(&Message::parse(text.as_bytes()).unwrap())
        };
        assert_eq!([1, 2, 4, 3, 4, 5].map(&mut notify), [false, true, true, false, false, true]);
    }

    #[test]
    fn without_the_extension_there_is_none() {
        let message =
            Message::parse(b"SIP/2.0 200 OK\r\nContent-Type: a/b\r\nContent-Length: 1\r\n\r\nx");
        assert_eq!(Piggyback::of(&message.unwrap()), None);
        let message = Message::parse(b"SIP/2.0 200 OK\r\nSupported: ms-benotify\r\n\r\n").unwrap();
        let subscribed = Subscribed::of(&message, Extensions::ALL, 60);
        assert!(subscribed.extensions.benotify && !subscribed.extensions.piggyback);
        assert_eq!((subscribed.expires_s, subscribed.extended_s()), (60, None));
    }

    #[test]
    fn the_rows_of_a_subscribe_are_those_of_a_real_client() {
        let mut buffer = [0; 512];
        let mut to = Writer::new(&mut buffer);
        Extensions::ALL.write_rows(true, &mut to);
        assert_eq!(
            to.as_bytes(),
            b"Supported: com.microsoft.autoextend\r\nSupported: ms-benotify\r\n\
              Supported: ms-piggyback-first-notify\r\nProxy-Require: ms-benotify\r\n"
        );
    }
}
