//! Headers that name somebody: From, To, Contact, Route and their like.

use super::Header;
use super::cursor::{BARE_URI, Cursor, DISPLAY, find, trim_end};
use super::params::Params;
use super::text::Text;
use crate::error::{Fault, ParseError};
use crate::message::{Name, Writer};
use crate::uri::Uri;

/// A URI with a display name and header parameters (RFC 3261 section 20.10).
///
/// ```text
/// "Alice" <sip:alice@example.com;transport=tcp>;tag=88
/// display  uri                                 params
/// ```
///
/// Without the angle brackets, parameters belong to the header and not to the URI.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Address<'d> {
    /// The value as it was received; empty once something was changed.
    raw: &'d [u8],
    display: Option<Text<'d>>,
    uri: Uri<'d>,
    /// The parameter that the type on top has picked out, `tag`.
    tag: Option<&'d [u8]>,
    params: Params<'d>,
}

impl<'d> Address<'d> {
    /// `<uri>`.
    pub const fn new(uri: Uri<'d>) -> Self {
        Self { raw: b"", display: None, uri, tag: None, params: Params::NONE }
    }

    /// The same with a display name, any text.
    pub const fn with_display(mut self, name: &'d [u8]) -> Self {
        self.display = Some(Text::quoted(name));
        self.raw = b"";
        self
    }

    /// The same with these header parameters in place of those it had, `tag` apart.
    pub const fn with_params(mut self, params: Params<'d>) -> Self {
        self.params = params;
        self.raw = b"";
        self
    }

    /// The same with this `tag`.
    pub const fn with_tag(mut self, tag: &'d [u8]) -> Self {
        self.tag = Some(tag);
        self.raw = b"";
        self
    }

    /// The display name.
    #[inline]
    pub const fn display(&self) -> Option<Text<'d>> {
        self.display
    }

    /// The URI.
    #[inline]
    pub const fn uri(&self) -> Uri<'d> {
        self.uri
    }

    /// The parameter `tag`.
    #[inline]
    pub const fn tag(&self) -> Option<&'d [u8]> {
        self.tag
    }

    /// The header parameters as they were received, `tag` among them.
    #[inline]
    pub const fn params(&self) -> Params<'d> {
        self.params
    }

    /// The whole value as it was received; `None` where it was put together or changed.
    pub const fn as_bytes(&self) -> Option<&'d [u8]> {
        if self.raw.is_empty() { None } else { Some(self.raw) }
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        let start = cursor.position();
        let mut display = None;
        match cursor.peek() {
            Some(b'<') => {}
            Some(b'"') => {
                display = Some(cursor.quoted()?);
                cursor.skip_whitespace();
                if cursor.peek() != Some(b'<') {
                    return Err(cursor.error(Fault::Angle));
                }
            }
            None => return Err(cursor.error(Fault::Empty)),
            Some(_) => {
                let words = cursor.span(DISPLAY);
                if cursor.peek() == Some(b'<') {
                    display = Some(Text::token(trim_end(words)));
                } else {
                    cursor.rewind(start);
                }
            }
        }
        let angle = cursor.eat(b'<');
        let at = cursor.offset();
        let text = if angle {
            let rest = cursor.rest();
            let Some(text) = find(rest, [b'>']).and_then(|end| rest.get(..end)) else {
                return Err(cursor.error(Fault::Angle));
            };
            cursor.advance(text.len() + 1);
            text
        } else {
            let text = cursor.span(BARE_URI);
            if cursor.peek() == Some(b'?') {
                // RFC 3261 section 20.10: a URI with a question mark stands in brackets.
                return Err(cursor.error(Fault::Angle));
            }
            text
        };
        let uri = Uri::parse_at(text, at)?;
        let mut tag = None;
        let params = cursor.params_with(|param| {
            if tag.is_none() && param.is(b"tag") {
                tag = param.value.map(|value| value.raw());
            }
        })?;
        let raw = trim_end(cursor.since(start));
        Ok(Self { raw, display, uri, tag, params })
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn write(&self, to: &mut Writer<'_>) {
        if !self.raw.is_empty() {
            return to.text(self.raw);
        }
        if let Some(display) = &self.display {
            display.write(to);
            to.fixed(b" ");
        }
        to.fixed(b"<");
        self.uri.write(to);
        to.fixed(b">");
        if let Some(tag) = self.tag {
            to.fixed(b";tag=");
            to.text(tag);
        }
        if !self.params.is_empty() {
            self.params.write_except(to, |param| param.is(b"tag"));
        }
    }
}

macro_rules! addresses {
    ($($(#[$doc:meta])* $type:ident, list $list:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $type<'d>(pub Address<'d>);

        impl<'d> $type<'d> {
            /// The URI in angle brackets, without display name and parameters.
            pub const fn new(uri: Uri<'d>) -> Self {
                Self(Address::new(uri))
            }
        }

        impl<'d> core::ops::Deref for $type<'d> {
            type Target = Address<'d>;

            fn deref(&self) -> &Address<'d> {
                &self.0
            }
        }

        impl<'d> Header<'d> for $type<'d> {
            const NAME: Name<'static> = Name::$type;
            const LIST: bool = $list;

            #[inline]
            fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
                Address::take(cursor).map(Self)
            }

            #[inline]
            fn write(&self, to: &mut Writer<'_>) {
                self.0.write(to);
            }
        }
    )*};
}

addresses! {
    /// Who sends the request (RFC 3261 section 20.20).
    From, list false;
    /// Whom the request is for (RFC 3261 section 20.39).
    To, list false;
    /// A hop that the request is to take (RFC 3261 section 20.34).
    Route, list true;
    /// A hop that later requests are to take (RFC 3261 section 20.30).
    RecordRoute, list true;
    /// Where to reply to instead of From (RFC 3261 section 20.31).
    ReplyTo, list false;
    /// Whom to refer to (RFC 3515 section 2.1).
    ReferTo, list false;
    /// Who has referred (RFC 3892 section 3).
    ReferredBy, list false;
    /// A hop that requests to a registered address are to take (RFC 3327).
    Path, list true;
    /// A hop that requests of the registered user are to take (RFC 3608).
    ServiceRoute, list true;
    /// Who it is, as the network asserts (RFC 3325 section 9.1).
    PAssertedIdentity, list true;
    /// Who it would be, as the user prefers (RFC 3325 section 9.2).
    PPreferredIdentity, list true;
    /// A target that the request was sent to (RFC 7044 section 5).
    HistoryInfo, list true;
}

impl<'d> HistoryInfo<'d> {
    /// The parameter `index`: which branch of which retargeting it was, `1.1.2` (RFC 7044 section 5.1).
    /// It must be there, and is not where an implementation is older.
    pub fn index(&self) -> Option<&'d [u8]> {
        self.params().value(b"index")
    }

    /// Why the target was chosen, and the index of the one that it came from: the parameter `rc` (the
    /// user stayed the same), `mp` (it is another user) or `np` (it is the same target), in this order
    /// (RFC 7044 section 5.1).
    pub fn chosen(&self) -> Option<(&'static [u8], &'d [u8])> {
        [&b"rc"[..], b"mp", b"np"]
            .into_iter()
            .find_map(|name| self.params().value(name).map(|index| (name, index)))
    }
}

impl<'d> From<'d> {
    /// The same with this `tag`.
    pub const fn with_tag(self, tag: &'d [u8]) -> Self {
        Self(self.0.with_tag(tag))
    }

    /// The same with a display name.
    pub const fn with_display(self, name: &'d [u8]) -> Self {
        Self(self.0.with_display(name))
    }
}

impl<'d> To<'d> {
    /// The same with this `tag`.
    pub const fn with_tag(self, tag: &'d [u8]) -> Self {
        Self(self.0.with_tag(tag))
    }

    /// The same with a display name.
    pub const fn with_display(self, name: &'d [u8]) -> Self {
        Self(self.0.with_display(name))
    }
}

/// Where somebody can be reached, or every binding of a user (RFC 3261 section 20.10).
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Contact<'d> {
    /// `*`: all bindings are to be removed (RFC 3261 section 10.2.2).
    Wildcard,
    /// One address.
    Address(Address<'d>),
}

impl<'d> Contact<'d> {
    /// The URI in angle brackets, without display name and parameters.
    pub const fn new(uri: Uri<'d>) -> Self {
        Self::Address(Address::new(uri))
    }

    /// The same with these header parameters.
    pub const fn with_params(self, params: Params<'d>) -> Self {
        match self {
            Self::Wildcard => Self::Wildcard,
            Self::Address(address) => Self::Address(address.with_params(params)),
        }
    }

    /// The address, if it is one.
    pub const fn address(&self) -> Option<&Address<'d>> {
        match self {
            Self::Wildcard => None,
            Self::Address(address) => Some(address),
        }
    }

    /// The URI, if it is an address.
    pub fn uri(&self) -> Option<Uri<'d>> {
        self.address().map(Address::uri)
    }

    /// The header parameters.
    pub fn params(&self) -> Params<'d> {
        self.address().map(Address::params).unwrap_or_default()
    }

    /// The parameter `expires`, in seconds.
    ///
    /// `Some(Err(_))` where it is no number that fits: RFC 3261 section 20.10 has it taken for
    /// 3600 then, section 21.4.1 allows a 400.
    pub fn expires(&self) -> Option<Result<u32, ParseError>> {
        let value = self.params().get(b"expires")?;
        let mut cursor = Cursor::new(value.map(|text| text.raw()).unwrap_or_default());
        Some(cursor.number(u32::MAX).and_then(|number| cursor.end().map(|()| number)))
    }

    /// The parameter `q` in thousandths, 0 to 1000 (RFC 3261 section 20.10).
    pub fn q_thousandths(&self) -> Option<Result<u16, ParseError>> {
        let value = self.params().get(b"q")?;
        Some(q_thousandths(value.map(|text| text.raw()).unwrap_or_default()))
    }

    /// The parameter `reg-id`: which of its flows a client registers (RFC 5626 section 4.2). `None`
    /// where it is absent, or no number from 1.
    pub fn reg_id(&self) -> Option<u32> {
        let mut cursor = Cursor::new(self.params().value(b"reg-id")?);
        let number = cursor.number(u32::MAX).ok().filter(|number| *number > 0)?;
        cursor.end().ok().map(|()| number)
    }

    /// The parameter `pub-gruu`: a URI that reaches this user agent for good (RFC 5627 section 5.2).
    pub fn pub_gruu(&self) -> Option<Result<Uri<'d>, ParseError>> {
        self.params().value(b"pub-gruu").map(Uri::parse)
    }

    /// The parameter `temp-gruu`: a URI that reaches this user agent without naming it (RFC 5627
    /// section 5.2).
    pub fn temp_gruu(&self) -> Option<Result<Uri<'d>, ParseError>> {
        self.params().value(b"temp-gruu").map(Uri::parse)
    }

    /// The parameter `+sip.instance` without its quotes, `<urn:uuid:…>` (RFC 5626 section 4.1).
    pub fn instance(&self) -> Option<&'d [u8]> {
        self.params().value(b"+sip.instance")
    }
}

/// Reads `0.75` as 750 (RFC 3261 section 25.1, qvalue).
pub(crate) fn q_thousandths(text: &[u8]) -> Result<u16, ParseError> {
    let (whole, rest) = match text {
        [whole @ (b'0' | b'1'), rest @ ..] => (u16::from(whole - b'0') * 1000, rest),
        _ => return Err(ParseError::new(Fault::Number, 0)),
    };
    let digits = match rest {
        [] => return Ok(whole),
        [b'.', digits @ ..] if digits.len() <= 3 && digits.iter().all(u8::is_ascii_digit) => digits,
        _ => return Err(ParseError::new(Fault::Number, 1)),
    };
    let fraction = digits
        .iter()
        .zip([100, 10, 1])
        .map(|(digit, weight)| u16::from(digit - b'0') * weight)
        .sum::<u16>();
    match whole + fraction {
        q @ 0..=1000 => Ok(q),
        _ => Err(ParseError::new(Fault::OutOfRange, 0)),
    }
}

impl<'d> Header<'d> for Contact<'d> {
    const NAME: Name<'static> = Name::Contact;
    const LIST: bool = true;

    #[inline]
    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        if cursor.peek() == Some(b'*') && trim_end(cursor.rest()) == b"*" {
            cursor.advance(1);
            return Ok(Self::Wildcard);
        }
        Address::take(cursor).map(Self::Address)
    }

    fn write(&self, to: &mut Writer<'_>) {
        match self {
            Self::Wildcard => to.fixed(b"*"),
            Self::Address(address) => address.write(to),
        }
    }
}
