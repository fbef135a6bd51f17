//! What the messages in events say beside their bodies, and digits that go by INFO.

use core::time::Duration;

use super::{Agent, CallId, Error, Event, RequestId};
use crate::header::{ContentType, Reason, ReferredBy};
use crate::message::Message;

/// A digit that was pressed, as it goes in an INFO of `application/dtmf-relay` (which is no standard,
/// but what gateways speak that do not take telephone events of RFC 4733).
///
/// ```
/// use sip_core::agent::Dtmf;
/// use core::time::Duration;
///
/// let digit = Dtmf::parse(b"Signal=5\r\nDuration=160\r\n").unwrap();
/// assert_eq!((digit.signal, digit.duration), (b'5', Duration::from_millis(160)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Dtmf {
    /// `0` to `9`, `*`, `#` or `A` to `D`.
    pub signal: u8,
    /// How long it was pressed.
    pub duration: Duration,
}

impl Dtmf {
    /// Reads the body of an INFO: `Signal=…` and `Duration=…`, in milliseconds, or the digit alone.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let mut digit = Self { signal: 0, duration: Duration::from_millis(160) };
        for line in body.split(|octet| matches!(octet, b'\r' | b'\n')) {
            let line = line.trim_ascii();
            let Some(at) = line.iter().position(|octet| *octet == b'=') else {
                if let [signal] = line {
                    digit.signal = *signal;
                }
                continue;
            };
            let (name, value) = line.split_at_checked(at)?;
            let (name, value) = (name.trim_ascii(), value.get(1..)?.trim_ascii());
            if name.eq_ignore_ascii_case(b"Signal") {
                let [signal] = value else { return None };
                digit.signal = *signal;
            } else if name.eq_ignore_ascii_case(b"Duration") {
                let text = core::str::from_utf8(value).ok()?;
                digit.duration = Duration::from_millis(text.parse::<u32>().ok()?.into());
            }
        }
        digit.signal = digit.signal.to_ascii_uppercase();
        matches!(digit.signal, b'0'..=b'9' | b'*' | b'#' | b'A'..=b'D').then_some(digit)
    }
}

impl Agent<'_> {
    /// Sends a digit within a call by INFO (RFC 6086), to who does not take telephone events in the
    /// media (RFC 4733).
    ///
    /// # Errors
    /// As [`Agent::info`].
    pub fn dtmf(&mut self, now: Duration, call: CallId, digit: Dtmf) -> Result<RequestId, Error> {
        let mut body = [0; 48];
        let mut len = 0;
        let mut push = |octets: &[u8]| {
            if let Some(place) = body.get_mut(len..len + octets.len()) {
                place.copy_from_slice(octets);
                len += octets.len();
            }
        };
        push(b"Signal=");
        push(&[digit.signal]);
        push(b"\r\nDuration=");
        let millis = u16::try_from(digit.duration.as_millis()).unwrap_or(u16::MAX);
        let mut started = false;
        for unit in [10_000, 1000, 100, 10, 1] {
            let place = (millis / unit % 10) as u8;
            started |= place > 0 || unit == 1;
            if started {
                push(&[b'0' + place]);
            }
        }
        push(b"\r\n");
        self.info(now, call, b"application/dtmf-relay", body.get(..len).unwrap_or_default())
    }
}

impl<'d> Event<'d> {
    /// The digit that an [`Event::Info`] brings, if it does.
    pub fn dtmf(&self) -> Option<Dtmf> {
        let Self::Info { message, .. } = self else { return None };
        let kind = message.typed::<ContentType<'_>>()?.ok()?;
        let is_it = kind.is(b"application", b"dtmf-relay") || kind.is(b"application", b"dtmf");
        if is_it { Dtmf::parse(message.body()) } else { None }
    }

    /// Who has referred the caller to us, of an [`Event::Incoming`], or who refers us elsewhere, of an
    /// [`Event::TransferRequested`] (RFC 3892).
    pub fn referred_by(&self) -> Option<ReferredBy<'d>> {
        match self {
            Self::Incoming { message, .. } | Self::TransferRequested { message, .. } => {
                message.typed()?.ok()
            }
            _ => None,
        }
    }

    /// Why a call has ended, as the other side or a proxy says in its CANCEL, BYE or refusal (RFC
    /// 3326).
    pub fn reason(&self) -> Option<Reason<'d>> {
        let Self::Ended { message, .. } = self else { return None };
        message.as_ref()?.typed()?.ok()
    }

    /// Whether a call that rang here was answered elsewhere: no missed call, then (RFC 3326 section 2,
    /// `SIP;cause=200`).
    pub fn is_completed_elsewhere(&self) -> bool {
        let Self::Ended { message: Some(message), .. } = self else { return false };
        is_completed(message)
    }
}

fn is_completed(message: &Message<'_>) -> bool {
    message
        .all::<Reason<'_>>()
        .flatten()
        .any(|reason| reason.protocol.eq_ignore_ascii_case(b"SIP") && reason.cause() == Some(200))
}
