//! Headers that are lists of tokens. Each type is one value; a row holds any number of them.

use super::Header;
use super::cursor::Cursor;
use super::params::Params;
use crate::error::{Fault, ParseError};
use crate::message::{Method, Name, Writer};

macro_rules! lists {
    ($($(#[$doc:meta])* $type:ident, empty $empty:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $type<'d>(pub &'d [u8]);

        impl PartialEq for $type<'_> {
            fn eq(&self, other: &$type<'_>) -> bool {
                self.0.eq_ignore_ascii_case(other.0)
            }
        }

        impl Eq for $type<'_> {}

        impl<'d> Header<'d> for $type<'d> {
            const NAME: Name<'static> = Name::$type;
            const LIST: bool = true;
            const MAY_BE_EMPTY: bool = $empty;

            fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
                cursor.token().map(Self)
            }

            fn write(&self, to: &mut Writer<'_>) {
                to.text(self.0);
            }
        }
    )*};
}

lists! {
    /// An extension that the sender supports (RFC 3261 section 20.37).
    Supported, empty true;
    /// An extension that the user agent server must support (RFC 3261 section 20.32).
    Require, empty false;
    /// An extension that proxies must support (RFC 3261 section 20.29).
    ProxyRequire, empty false;
    /// An extension that is not supported (RFC 3261 section 20.40).
    Unsupported, empty false;
    /// An encoding of the body (RFC 3261 section 20.12).
    ContentEncoding, empty false;
    /// A language of the body (RFC 3261 section 20.13).
    ContentLanguage, empty false;
    /// An event package that the sender supports (RFC 6665 section 8.2.2).
    AllowEvents, empty false;
}

/// A method that the sender supports (RFC 3261 section 20.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Allow<'d>(pub Method<'d>);

impl<'d> Header<'d> for Allow<'d> {
    const NAME: Name<'static> = Name::Allow;
    const LIST: bool = true;
    const MAY_BE_EMPTY: bool = true;

    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        cursor.token().map(Method::from_token).map(Self)
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.text(self.0.as_bytes());
    }
}

/// A call that this one answers to (RFC 3261 section 20.21).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct InReplyTo<'d>(pub &'d [u8]);

impl<'d> Header<'d> for InReplyTo<'d> {
    const NAME: Name<'static> = Name::InReplyTo;
    const LIST: bool = true;

    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        let rest = cursor.rest();
        let end = |octet: &u8| *octet <= b' ' || *octet == b',';
        let length = rest.iter().position(end).unwrap_or(rest.len());
        if length == 0 {
            return Err(cursor.error(Fault::Empty));
        }
        cursor.advance(length);
        Ok(Self(rest.get(..length).unwrap_or_default()))
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.text(self.0);
    }
}

/// A media range that the sender takes, `application/sdp`, `text/*` or `*/*` (RFC 3261
/// section 20.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Accept<'d> {
    /// The type; `*` for any.
    pub kind: &'d [u8],
    /// The subtype; `*` for any.
    pub subtype: &'d [u8],
    /// The parameters, `q` among them.
    pub params: Params<'d>,
}

impl Accept<'_> {
    /// Whether a body of this type is taken.
    pub fn takes(&self, kind: &[u8], subtype: &[u8]) -> bool {
        let fits = |range: &[u8], what: &[u8]| range == b"*" || range.eq_ignore_ascii_case(what);
        fits(self.kind, kind) && fits(self.subtype, subtype)
    }
}

impl<'d> Header<'d> for Accept<'d> {
    const NAME: Name<'static> = Name::Accept;
    const LIST: bool = true;
    const MAY_BE_EMPTY: bool = true;

    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        let kind = cursor.token()?;
        cursor.require(b'/', Fault::Token)?;
        Ok(Self { kind, subtype: cursor.token()?, params: cursor.params()? })
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.text(self.kind);
        to.fixed(b"/");
        to.text(self.subtype);
        self.params.write(to);
    }
}

macro_rules! ranges {
    ($($(#[$doc:meta])* $type:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $type<'d> {
            /// The name; `*` for any.
            pub name: &'d [u8],
            /// The parameters, `q` among them.
            pub params: Params<'d>,
        }

        impl<'d> Header<'d> for $type<'d> {
            const NAME: Name<'static> = Name::$type;
            const LIST: bool = true;
            const MAY_BE_EMPTY: bool = true;

            fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
                Ok(Self { name: cursor.token()?, params: cursor.params()? })
            }

            fn write(&self, to: &mut Writer<'_>) {
                to.text(self.name);
                self.params.write(to);
            }
        }
    )*};
}

ranges! {
    /// An encoding that the sender takes (RFC 3261 section 20.2).
    AcceptEncoding;
    /// A language that the sender prefers (RFC 3261 section 20.3).
    AcceptLanguage;
}
