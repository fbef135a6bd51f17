//! The parameters behind a header value.

use super::cursor::Cursor;
use super::text::Text;
use crate::error::ParseError;
use crate::message::Writer;

/// One parameter, `name`, `name=token` or `name="string"` (RFC 3261 section 25.1, generic-param).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Param<'d> {
    /// The name; compared without case.
    pub name: &'d [u8],
    /// The value, if there is one.
    pub value: Option<Text<'d>>,
}

impl Param<'_> {
    /// Whether the parameter has this name.
    #[inline]
    pub fn is(&self, name: &[u8]) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Writes `;name=value`.
    pub fn write(&self, to: &mut Writer<'_>) {
        to.fixed(b";");
        to.text(self.name);
        if let Some(value) = &self.value {
            to.fixed(b"=");
            value.write(to);
        }
    }
}

/// The parameters behind a header value, in their order.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Params<'d> {
    /// With the first semicolon; was read once without error, or comes from nowhere.
    raw: &'d [u8],
}

impl<'d> Params<'d> {
    /// No parameters.
    pub const NONE: Params<'static> = Params { raw: b"" };

    /// Reads parameters, each with its semicolon: `;a;b=c`.
    ///
    /// # Errors
    /// [`Fault::Parameter`](crate::error::Fault::Parameter), `Quote`, and `Trailing` where
    /// something else follows.
    pub fn parse(text: &'d [u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(text);
        let params = cursor.params()?;
        cursor.end()?;
        Ok(params)
    }

    #[inline(always)]
    pub(crate) const fn validated(raw: &'d [u8]) -> Self {
        Self { raw }
    }

    /// The parameters as they stand, from the first semicolon.
    pub const fn as_bytes(&self) -> &'d [u8] {
        self.raw
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// Each parameter in turn.
    pub fn iter(&self) -> impl Iterator<Item = Param<'d>> + use<'d> {
        let mut cursor = Cursor::new(self.raw);
        core::iter::from_fn(move || {
            cursor.skip_whitespace();
            if cursor.eat(b';') { cursor.param().ok() } else { None }
        })
    }

    /// The value of the first parameter of this name: `None` where there is no such parameter,
    /// `Some(None)` where it has no value.
    pub fn get(&self, name: &[u8]) -> Option<Option<Text<'d>>> {
        self.iter().find(|param| param.is(name)).map(|param| param.value)
    }

    /// The value of the first parameter of this name as it stands, without quotes.
    pub fn value(&self, name: &[u8]) -> Option<&'d [u8]> {
        self.get(name).flatten().map(|text| text.raw())
    }

    /// Whether there is a parameter of this name.
    pub fn has(&self, name: &[u8]) -> bool {
        self.get(name).is_some()
    }

    /// Writes all of them, and the semicolons.
    #[inline]
    pub fn write(&self, to: &mut Writer<'_>) {
        to.text(self.raw);
    }

    /// Writes all but those that `skip` picks.
    pub(crate) fn write_except(&self, to: &mut Writer<'_>, skip: impl Fn(&Param<'_>) -> bool) {
        for param in self.iter().filter(|param| !skip(param)) {
            param.write(to);
        }
    }
}

impl PartialEq for Params<'_> {
    /// Whether they stand the same, in the same order; names are compared without case.
    fn eq(&self, other: &Params<'_>) -> bool {
        if self.raw == other.raw {
            return true;
        }
        let (mut ours, mut theirs) = (self.iter(), other.iter());
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return true,
                (Some(a), Some(b)) if a.is(b.name) && a.value == b.value => {}
                _ => return false,
            }
        }
    }
}

impl Eq for Params<'_> {}
