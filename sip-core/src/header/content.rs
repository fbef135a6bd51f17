//! What the body is: Content-Type and Content-Disposition.

use super::Header;
use super::cursor::Cursor;
use super::params::Params;
use crate::error::{Fault, ParseError};
use crate::message::{Name, Writer};

/// The type of the body (RFC 3261 section 20.15).
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ContentType<'d> {
    /// The type, `text` of `text/plain`; compared without case.
    pub kind: &'d [u8],
    /// The subtype, `plain` of `text/plain`; compared without case.
    pub subtype: &'d [u8],
    /// The parameters.
    pub params: Params<'d>,
}

impl<'d> ContentType<'d> {
    /// A type without parameters.
    pub const fn new(kind: &'d [u8], subtype: &'d [u8]) -> Self {
        Self { kind, subtype, params: Params::NONE }
    }

    /// Whether it is this type, whatever its parameters.
    pub fn is(&self, kind: &[u8], subtype: &[u8]) -> bool {
        self.kind.eq_ignore_ascii_case(kind) && self.subtype.eq_ignore_ascii_case(subtype)
    }
}

impl PartialEq for ContentType<'_> {
    fn eq(&self, other: &ContentType<'_>) -> bool {
        self.is(other.kind, other.subtype) && self.params == other.params
    }
}

impl Eq for ContentType<'_> {}

impl<'d> Header<'d> for ContentType<'d> {
    const NAME: Name<'static> = Name::ContentType;

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

/// What the body is for (RFC 3261 section 20.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ContentDisposition<'d> {
    /// `session`, `render`, `icon`, `alert` or another token.
    pub kind: &'d [u8],
    /// The parameters, `handling` among them.
    pub params: Params<'d>,
}

impl ContentDisposition<'_> {
    /// Whether the body may be ignored by those who do not understand it.
    pub fn is_optional(&self) -> bool {
        self.params.value(b"handling").is_some_and(|value| value.eq_ignore_ascii_case(b"optional"))
    }
}

impl<'d> Header<'d> for ContentDisposition<'d> {
    const NAME: Name<'static> = Name::ContentDisposition;

    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        Ok(Self { kind: cursor.token()?, params: cursor.params()? })
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.text(self.kind);
        self.params.write(to);
    }
}
