//! Headers of the extensions: what a feature offers, wants or hides.

use super::Header;
use super::cursor::{Cursor, TOKEN, find};
use super::params::Params;
use crate::error::{Fault, ParseError};
use crate::message::{Name, Writer};

/// Whether a REFER makes a subscription (RFC 4488 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ReferSub<'d> {
    /// `true`, or `false` where the sender wants none, or the receiver has made none.
    pub subscribes: bool,
    /// The parameters.
    pub params: Params<'d>,
}

impl ReferSub<'_> {
    /// Without parameters.
    pub const fn new(subscribes: bool) -> Self {
        Self { subscribes, params: Params::NONE }
    }
}

impl<'d> Header<'d> for ReferSub<'d> {
    const NAME: Name<'static> = Name::ReferSub;

    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        let error = cursor.error(Fault::Token);
        let subscribes = match cursor.token()? {
            token if token.eq_ignore_ascii_case(b"true") => true,
            token if token.eq_ignore_ascii_case(b"false") => false,
            _ => return Err(error),
        };
        Ok(Self { subscribes, params: cursor.params()? })
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.fixed(if self.subscribes { b"true" } else { b"false" });
        self.params.write(to);
    }
}

macro_rules! packages {
    ($($(#[$doc:meta])* $type:ident, list $list:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $type<'d> {
            /// The package; compared as it stands.
            pub package: &'d [u8],
            /// The parameters.
            pub params: Params<'d>,
        }

        impl<'d> $type<'d> {
            /// A package without parameters.
            pub const fn new(package: &'d [u8]) -> Self {
                Self { package, params: Params::NONE }
            }
        }

        impl<'d> Header<'d> for $type<'d> {
            const NAME: Name<'static> = Name::$type;
            const LIST: bool = $list;
            const MAY_BE_EMPTY: bool = $list;

            fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
                Ok(Self { package: cursor.token()?, params: cursor.params()? })
            }

            fn write(&self, to: &mut Writer<'_>) {
                to.text(self.package);
                self.params.write(to);
            }
        }
    )*};
}

packages! {
    /// The package that an INFO belongs to (RFC 6086 section 7.2).
    InfoPackage, list false;
    /// A package whose INFOs the sender takes; a row without any takes none (RFC 6086 section 7.3).
    RecvInfo, list true;
}

/// What of the sender is to be hidden (RFC 3323 section 4.2), with semicolons between the values.
///
/// ```
/// use sip_core::header::{Header, Privacy};
///
/// let privacy = Privacy::parse(b"id;critical").unwrap();
/// assert!(privacy.has(b"id") && privacy.is_critical() && !privacy.has(b"header"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Privacy<'d>(&'d [u8]);

impl<'d> Privacy<'d> {
    /// `id`: the asserted identity is for the network only (RFC 3325 section 9.3).
    pub const ID: Privacy<'static> = Privacy(b"id");
    /// `none`: nothing may be hidden.
    pub const NONE: Privacy<'static> = Privacy(b"none");

    /// Each value in turn: `header`, `session`, `user`, `id`, `none`, `critical`, ….
    pub fn values(&self) -> impl Iterator<Item = &'d [u8]> + use<'d> {
        self.0.split(|octet| *octet == b';').map(<[u8]>::trim_ascii)
    }

    /// Whether this value is among them.
    pub fn has(&self, value: &[u8]) -> bool {
        self.values().any(|found| found.eq_ignore_ascii_case(value))
    }

    /// Whether the request must fail where it cannot be hidden (RFC 3323 section 4.2, `critical`).
    pub fn is_critical(&self) -> bool {
        self.has(b"critical")
    }
}

impl<'d> Header<'d> for Privacy<'d> {
    const NAME: Name<'static> = Name::Privacy;
    const REPEATS: bool = true;

    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        let start = cursor.position();
        loop {
            cursor.token()?;
            let end = cursor.position();
            cursor.skip_whitespace();
            if !cursor.eat(b';') {
                cursor.rewind(end);
                return Ok(Self(cursor.since(start)));
            }
            cursor.skip_whitespace();
        }
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.text(self.0);
    }
}

macro_rules! links {
    ($($(#[$doc:meta])* $type:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $type<'d> {
            /// The URI, of any scheme, without its angle brackets.
            pub uri: &'d [u8],
            /// The parameters.
            pub params: Params<'d>,
        }

        impl<'d> Header<'d> for $type<'d> {
            const NAME: Name<'static> = Name::$type;
            const LIST: bool = true;

            fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
                Ok(Self { uri: in_angles(cursor)?, params: cursor.params()? })
            }

            fn write(&self, to: &mut Writer<'_>) {
                to.fixed(b"<");
                to.text(self.uri);
                to.fixed(b">");
                self.params.write(to);
            }
        }
    )*};
}

links! {
    /// What to ring with instead of the usual (RFC 3261 section 20.4).
    AlertInfo;
    /// More about the caller or the called; the parameter `purpose` says what (RFC 3261 section 20.9).
    CallInfo;
    /// More about an error (RFC 3261 section 20.18).
    ErrorInfo;
}

/// Takes what stands between angle brackets.
fn in_angles<'d>(cursor: &mut Cursor<'d>) -> Result<&'d [u8], ParseError> {
    if !cursor.eat(b'<') {
        return Err(cursor.error(Fault::Angle));
    }
    let rest = cursor.rest();
    let inside = find(rest, [b'>']).and_then(|end| rest.get(..end));
    match inside {
        None => Err(cursor.error(Fault::Angle)),
        Some(inside) if inside.is_empty() || inside.iter().any(|octet| *octet <= b' ') => {
            Err(cursor.error(Fault::Empty))
        }
        Some(inside) => {
            cursor.advance(inside.len() + 1);
            Ok(inside)
        }
    }
}

/// Names a body, for others to refer to it (RFC 8262, RFC 2392).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ContentId<'d>(
    /// Without the angle brackets.
    pub &'d [u8],
);

impl<'d> Header<'d> for ContentId<'d> {
    const NAME: Name<'static> = Name::ContentId;

    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        in_angles(cursor).map(Self)
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.fixed(b"<");
        to.text(self.0);
        to.fixed(b">");
    }
}

/// How urgent it is: `emergency`, `urgent`, `normal`, `non-urgent` or another token (RFC 3261 section
/// 20.26).
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Priority<'d>(pub &'d [u8]);

impl PartialEq for Priority<'_> {
    fn eq(&self, other: &Priority<'_>) -> bool {
        self.0.eq_ignore_ascii_case(other.0)
    }
}

impl Eq for Priority<'_> {}

impl<'d> Header<'d> for Priority<'d> {
    const NAME: Name<'static> = Name::Priority;

    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        cursor.token().map(Self)
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.text(self.0);
    }
}

/// The version of MIME, `1.0` (RFC 3261 section 20.24).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct MimeVersion {
    /// The number before the dot.
    pub major: u8,
    /// The number behind it.
    pub minor: u8,
}

impl<'d> Header<'d> for MimeVersion {
    const NAME: Name<'static> = Name::MimeVersion;

    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        let major = cursor.number(u8::MAX.into())? as u8;
        if !cursor.eat(b'.') {
            return Err(cursor.error(Fault::Number));
        }
        Ok(Self { major, minor: cursor.number(u8::MAX.into())? as u8 })
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.number(self.major.into());
        to.fixed(b".");
        to.number(self.minor.into());
    }
}

/// When the request was sent by the client's clock, and how long the server has kept it (RFC 3261
/// section 20.38): decimal fractions of seconds, as they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Timestamp<'d> {
    /// The time, for the client alone to read.
    pub time: &'d [u8],
    /// The delay.
    pub delay: Option<&'d [u8]>,
}

impl<'d> Header<'d> for Timestamp<'d> {
    const NAME: Name<'static> = Name::Timestamp;

    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        let time = fraction(cursor, true)?;
        cursor.skip_whitespace();
        let delay = if cursor.is_at_end() { None } else { Some(fraction(cursor, false)?) };
        Ok(Self { time, delay })
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.text(self.time);
        if let Some(delay) = self.delay {
            to.fixed(b" ");
            to.text(delay);
        }
    }
}

/// Takes digits with one dot at most; whether they have to begin with a digit.
fn fraction<'d>(cursor: &mut Cursor<'d>, digit_first: bool) -> Result<&'d [u8], ParseError> {
    let error = cursor.error(Fault::Number);
    let word = cursor.span(TOKEN);
    let dots = word.iter().filter(|octet| **octet == b'.').count();
    let digits = word.iter().filter(|octet| octet.is_ascii_digit()).count();
    let begins = word.first().is_some_and(u8::is_ascii_digit) || !digit_first;
    let good = begins && dots <= 1 && digits > 0 && dots + digits == word.len();
    if good { Ok(word) } else { Err(error) }
}
