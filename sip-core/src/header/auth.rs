//! Headers of authentication (RFC 3261 sections 20.6, 20.7, 20.27, 20.28, 20.44).
//!
//! What they mean for Digest is in [`auth`](crate::auth).

use super::Header;
use super::cursor::Cursor;
use super::params::Param;
use super::text::Text;
use crate::error::{Fault, ParseError};
use crate::message::{Name, Writer};

/// An authentication scheme.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Scheme<'d> {
    /// RFC 7616, RFC 8760.
    Digest,
    /// RFC 8898.
    Bearer,
    /// Any other token.
    Other(&'d [u8]),
}

impl<'d> Scheme<'d> {
    /// The scheme as it stands.
    pub const fn as_bytes(&self) -> &'d [u8] {
        match self {
            Self::Digest => b"Digest",
            Self::Bearer => b"Bearer",
            Self::Other(token) => token,
        }
    }
}

impl PartialEq for Scheme<'_> {
    fn eq(&self, other: &Scheme<'_>) -> bool {
        self.as_bytes().eq_ignore_ascii_case(other.as_bytes())
    }
}

impl Eq for Scheme<'_> {}

/// A scheme and its parameters: a challenge or credentials (RFC 3261 section 25.1).
///
/// ```text
/// Digest realm="example.com", nonce="84f1c1ae", algorithm=MD5
/// scheme params
/// ```
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Credentials<'d> {
    /// The scheme.
    pub scheme: Scheme<'d>,
    /// The parameters with their commas, or the one token of schemes like Basic.
    raw: &'d [u8],
}

impl<'d> Credentials<'d> {
    /// A scheme with what follows it, as it stands.
    pub const fn new(scheme: Scheme<'d>, raw: &'d [u8]) -> Self {
        Self { scheme, raw }
    }

    /// Each parameter in turn. Ends where something stands that is no parameter.
    pub fn params(&self) -> impl Iterator<Item = Param<'d>> + use<'d> {
        let mut cursor = Cursor::new(self.raw);
        let mut more = true;
        core::iter::from_fn(move || {
            if !core::mem::take(&mut more) {
                return None;
            }
            let param = cursor.param().ok()?;
            more = cursor.comma();
            Some(param)
        })
    }

    /// The value of the first parameter of this name.
    pub fn param(&self, name: &[u8]) -> Option<Text<'d>> {
        self.params().find(|param| param.is(name)).and_then(|param| param.value)
    }

    /// What follows the scheme, as it stands.
    pub const fn as_bytes(&self) -> &'d [u8] {
        self.raw
    }

    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        let token = cursor.token()?;
        let scheme = if token.eq_ignore_ascii_case(b"Digest") {
            Scheme::Digest
        } else if token.eq_ignore_ascii_case(b"Bearer") {
            Scheme::Bearer
        } else {
            Scheme::Other(token)
        };
        let before = cursor.position();
        cursor.skip_whitespace();
        if cursor.position() == before && !cursor.is_at_end() {
            return Err(cursor.error(Fault::Token));
        }
        let start = cursor.position();
        if scheme == Scheme::Digest {
            loop {
                cursor.param()?;
                if !cursor.comma() {
                    break;
                }
            }
        } else {
            cursor.take_rest();
        }
        Ok(Self { scheme, raw: super::cursor::trim_end(cursor.since(start)) })
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.text(self.scheme.as_bytes());
        if !self.raw.is_empty() {
            to.fixed(b" ");
            to.text(self.raw);
        }
    }
}

impl PartialEq for Credentials<'_> {
    fn eq(&self, other: &Credentials<'_>) -> bool {
        self.scheme == other.scheme && self.raw == other.raw
    }
}

impl Eq for Credentials<'_> {}

macro_rules! credentials {
    ($($(#[$doc:meta])* $type:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $type<'d>(pub Credentials<'d>);

        impl<'d> core::ops::Deref for $type<'d> {
            type Target = Credentials<'d>;

            fn deref(&self) -> &Credentials<'d> {
                &self.0
            }
        }

        impl<'d> Header<'d> for $type<'d> {
            const NAME: Name<'static> = Name::$type;
            // The commas are between the parameters; each row is one value.
            const REPEATS: bool = true;

            fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
                Credentials::take(cursor).map(Self)
            }

            fn write(&self, to: &mut Writer<'_>) {
                self.0.write(to);
            }
        }
    )*};
}

credentials! {
    /// A challenge of a user agent server or registrar (RFC 3261 section 20.44).
    WwwAuthenticate;
    /// A challenge of a proxy (RFC 3261 section 20.27).
    ProxyAuthenticate;
    /// Credentials for a user agent server or registrar (RFC 3261 section 20.7).
    Authorization;
    /// Credentials for a proxy (RFC 3261 section 20.28).
    ProxyAuthorization;
}

macro_rules! infos {
    ($($(#[$doc:meta])* $type:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $type<'d>(&'d [u8]);

        impl<'d> $type<'d> {
            /// Parameters with commas between them, as they stand.
            pub const fn new(raw: &'d [u8]) -> Self {
                Self(raw)
            }

            /// Each parameter in turn.
            pub fn params(&self) -> impl Iterator<Item = Param<'d>> + use<'d> {
                Credentials::new(Scheme::Digest, self.0).params()
            }

            /// The value of the first parameter of this name: `nextnonce`, `rspauth`, …
            pub fn param(&self, name: &[u8]) -> Option<Text<'d>> {
                Credentials::new(Scheme::Digest, self.0).param(name)
            }
        }

        impl<'d> Header<'d> for $type<'d> {
            const NAME: Name<'static> = Name::$type;
            const REPEATS: bool = true;

            fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
                // NTLM and Kerberos of MS-SIP name their scheme here: that stays as it is.
                match cursor.take_rest() {
                    [] => Err(cursor.error(Fault::Empty)),
                    raw => Ok(Self(raw)),
                }
            }

            fn write(&self, to: &mut Writer<'_>) {
                to.text(self.0);
            }
        }
    )*};
}

infos! {
    /// What the server says of an authentication that succeeded (RFC 3261 section 20.6).
    AuthenticationInfo;
    /// What a proxy says of an authentication that succeeded (RFC 7615).
    ProxyAuthenticationInfo;
}
