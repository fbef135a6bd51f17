//! Event, Subscription-State, Replaces, Reason and Warning.

use super::Header;
use super::cursor::Cursor;
use super::params::Params;
use super::text::Text;
use crate::error::{Fault, ParseError};
use crate::message::{Name, Writer};

/// The event package of a subscription (RFC 6665 section 8.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Event<'d> {
    /// The package, with its templates: `presence`, `presence.winfo`.
    pub package: &'d [u8],
    /// The parameters, `id` among them.
    pub params: Params<'d>,
}

impl<'d> Event<'d> {
    /// An event without parameters.
    pub const fn new(package: &'d [u8]) -> Self {
        Self { package, params: Params::NONE }
    }

    /// The parameter `id`, which tells apart the subscriptions of one dialog.
    pub fn id(&self) -> Option<&'d [u8]> {
        self.params.value(b"id")
    }

    /// Whether both name the same subscription of a dialog: package and id agree, as they stand
    /// (RFC 6665 section 8.2.1).
    pub fn matches(&self, other: &Event<'_>) -> bool {
        self.package == other.package && self.id() == other.id()
    }
}

impl<'d> Header<'d> for Event<'d> {
    const NAME: Name<'static> = Name::Event;

    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        Ok(Self { package: cursor.token()?, params: cursor.params()? })
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.text(self.package);
        self.params.write(to);
    }
}

/// The state of a subscription (RFC 6665 section 8.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SubscriptionState<'d> {
    /// `active`, `pending`, `terminated` or another token; compared without case.
    pub state: &'d [u8],
    /// The parameters, `expires`, `reason` and `retry-after` among them.
    pub params: Params<'d>,
}

impl<'d> SubscriptionState<'d> {
    /// A state without parameters.
    pub const fn new(state: &'d [u8]) -> Self {
        Self { state, params: Params::NONE }
    }

    /// Whether the subscription has ended.
    pub fn is_terminated(&self) -> bool {
        self.state.eq_ignore_ascii_case(b"terminated")
    }

    /// Whether the subscription is active.
    pub fn is_active(&self) -> bool {
        self.state.eq_ignore_ascii_case(b"active")
    }

    /// For how many seconds more it holds.
    pub fn expires(&self) -> Option<u32> {
        number(self.params.value(b"expires")?)
    }

    /// After how many seconds to subscribe again.
    pub fn retry_after(&self) -> Option<u32> {
        number(self.params.value(b"retry-after")?)
    }

    /// Why it has ended: `deactivated`, `rejected`, `timeout`, …
    pub fn reason(&self) -> Option<&'d [u8]> {
        self.params.value(b"reason")
    }
}

fn number(text: &[u8]) -> Option<u32> {
    let mut cursor = Cursor::new(text);
    let number = cursor.number(u32::MAX).ok()?;
    cursor.end().ok().map(|()| number)
}

impl<'d> Header<'d> for SubscriptionState<'d> {
    const NAME: Name<'static> = Name::SubscriptionState;

    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        Ok(Self { state: cursor.token()?, params: cursor.params()? })
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.text(self.state);
        self.params.write(to);
    }
}

/// The dialog that this call is to replace (RFC 3891 section 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Replaces<'d> {
    /// The Call-ID.
    pub call_id: &'d [u8],
    /// The tag of the receiver.
    pub to_tag: &'d [u8],
    /// The tag of the other side.
    pub from_tag: &'d [u8],
    /// Whether only an early dialog is meant.
    pub early_only: bool,
}

impl<'d> Header<'d> for Replaces<'d> {
    const NAME: Name<'static> = Name::Replaces;

    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        let rest = cursor.rest();
        let end = |octet: &u8| *octet <= b' ' || matches!(octet, b';' | b',');
        let length = rest.iter().position(end).unwrap_or(rest.len());
        let call_id = rest.get(..length).unwrap_or_default();
        if call_id.is_empty() {
            return Err(cursor.error(Fault::Empty));
        }
        cursor.advance(length);
        let (mut to_tag, mut from_tag, mut early_only) = (None, None, false);
        cursor.params_with(|param| {
            let value = param.value.map(|text| text.raw());
            if param.is(b"to-tag") {
                to_tag = to_tag.or(value);
            } else if param.is(b"from-tag") {
                from_tag = from_tag.or(value);
            } else if param.is(b"early-only") {
                early_only = true;
            }
        })?;
        match (to_tag, from_tag) {
            (Some(to_tag), Some(from_tag)) => Ok(Self { call_id, to_tag, from_tag, early_only }),
            _ => Err(cursor.error(Fault::ParameterMissing)),
        }
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.text(self.call_id);
        to.param(b"to-tag", self.to_tag);
        to.param(b"from-tag", self.from_tag);
        if self.early_only {
            to.fixed(b";early-only");
        }
    }
}

/// Why a request was sent (RFC 3326 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Reason<'d> {
    /// `SIP`, `Q.850` or another token.
    pub protocol: &'d [u8],
    /// The parameters, `cause` and `text` among them.
    pub params: Params<'d>,
}

impl<'d> Reason<'d> {
    /// The parameter `cause`.
    pub fn cause(&self) -> Option<u32> {
        number(self.params.value(b"cause")?)
    }

    /// The parameter `text`.
    pub fn text(&self) -> Option<Text<'d>> {
        self.params.get(b"text").flatten()
    }
}

impl<'d> Header<'d> for Reason<'d> {
    const NAME: Name<'static> = Name::Reason;
    const LIST: bool = true;

    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        Ok(Self { protocol: cursor.token()?, params: cursor.params()? })
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.text(self.protocol);
        self.params.write(to);
    }
}

/// More about a response (RFC 3261 section 20.43).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Warning<'d> {
    /// Three digits, 100 to 999.
    pub code: u16,
    /// Who warns: a host, or a pseudonym.
    pub agent: &'d [u8],
    /// The text.
    pub text: Text<'d>,
}

impl<'d> Header<'d> for Warning<'d> {
    const NAME: Name<'static> = Name::Warning;
    const LIST: bool = true;

    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        let at = cursor.offset();
        let code = match cursor.number(999)? {
            code @ 100..=999 => code as u16,
            _ => return Err(ParseError::new(Fault::OutOfRange, at)),
        };
        cursor.skip_whitespace();
        let rest = cursor.rest();
        let end = |octet: &u8| *octet <= b' ' || matches!(octet, b'"' | b',');
        let length = rest.iter().position(end).unwrap_or(rest.len());
        if length == 0 {
            return Err(cursor.error(Fault::Host));
        }
        cursor.advance(length);
        cursor.skip_whitespace();
        let agent = rest.get(..length).unwrap_or_default();
        Ok(Self { code, agent, text: cursor.quoted()? })
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.number(self.code.into());
        to.fixed(b" ");
        to.text(self.agent);
        to.fixed(b" ");
        self.text.write(to);
    }
}
