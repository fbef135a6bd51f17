//! Words and quoted strings.

use super::scan::find;
use crate::message::Writer;

/// A token, or the inside of a quoted string (RFC 3261 section 25.1).
///
/// It remembers how it stood, so that it is written again as it came; two texts are equal when
/// they say the same.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Text<'d> {
    raw: &'d [u8],
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Kind {
    /// Stands without quotes.
    Token,
    /// Stands in quotes, and has its escapes already.
    Escaped,
    /// Stands in quotes, and is to be escaped.
    Plain,
}

impl<'d> Text<'d> {
    /// A text that is written without quotes: the host answers for its being a token.
    #[inline]
    pub const fn token(raw: &'d [u8]) -> Self {
        Self { raw, kind: Kind::Token }
    }

    /// Any text: it is written in quotes, with escapes where they are needed.
    #[inline]
    pub const fn quoted(text: &'d [u8]) -> Self {
        Self { raw: text, kind: Kind::Plain }
    }

    /// The inside of a quoted string as it stands on the wire.
    #[inline]
    pub(crate) const fn escaped(raw: &'d [u8]) -> Self {
        Self { raw, kind: Kind::Escaped }
    }

    /// The octets as they stand, without the quotes and with the escapes.
    #[inline]
    pub const fn raw(&self) -> &'d [u8] {
        self.raw
    }

    /// Whether it stands in quotes.
    #[inline]
    pub const fn is_quoted(&self) -> bool {
        !matches!(self.kind, Kind::Token)
    }

    /// The octets that it says: escapes resolved, folds made one space.
    pub fn octets(&self) -> impl Iterator<Item = u8> + use<'d> {
        let mut rest = self.raw;
        let escaped = self.kind == Kind::Escaped;
        core::iter::from_fn(move || {
            let (octet, tail) = rest.split_first()?;
            rest = tail;
            match *octet {
                b'\\' if escaped => {
                    let (octet, tail) = rest.split_first().unwrap_or((octet, rest));
                    rest = tail;
                    Some(*octet)
                }
                b'\r' => {
                    while let [b'\r' | b'\n' | b' ' | b'\t', tail @ ..] = rest {
                        rest = tail;
                    }
                    Some(b' ')
                }
                octet => Some(octet),
            }
        })
    }

    /// The octets that it says where they stand in one piece, that is, without escapes and folds.
    pub fn as_slice(&self) -> Option<&'d [u8]> {
        let plain = match self.kind {
            Kind::Token | Kind::Plain => true,
            Kind::Escaped => find(self.raw, [b'\\', b'\r']).is_none(),
        };
        plain.then_some(self.raw)
    }

    /// Copies what it says to the start of `buffer`.
    ///
    /// # Errors
    /// [`BufferTooSmall`](crate::error::BufferTooSmall) with what is needed.
    pub fn copy_to<'b>(
        &self,
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], crate::error::BufferTooSmall> {
        let mut needed = 0;
        for octet in self.octets() {
            if let Some(place) = buffer.get_mut(needed) {
                *place = octet;
            }
            needed += 1;
        }
        buffer.get(..needed).ok_or(crate::error::BufferTooSmall { needed })
    }

    /// Writes it as it came, or as it has to stand.
    pub fn write(&self, to: &mut Writer<'_>) {
        match self.kind {
            Kind::Token => to.text(self.raw),
            Kind::Escaped => {
                to.fixed(b"\"");
                to.text(self.raw);
                to.fixed(b"\"");
            }
            Kind::Plain => {
                to.fixed(b"\"");
                let mut rest = self.raw;
                while let Some(found) = find(rest, [b'"', b'\\']) {
                    let (before, after) = rest.split_at_checked(found).unwrap_or_default();
                    to.text(before);
                    to.fixed(b"\\");
                    let (octet, after) = after.split_at_checked(1).unwrap_or_default();
                    to.text(octet);
                    rest = after;
                }
                to.text(rest);
                to.fixed(b"\"");
            }
        }
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Text<'_>) -> bool {
        self.octets().eq(other.octets())
    }
}

impl Eq for Text<'_> {}

impl PartialEq<[u8]> for Text<'_> {
    fn eq(&self, other: &[u8]) -> bool {
        self.octets().eq(other.iter().copied())
    }
}

impl PartialEq<&[u8]> for Text<'_> {
    fn eq(&self, other: &&[u8]) -> bool {
        *self == **other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_folds_are_resolved() {
        let text = Text::escaped(b"J Rosenberg \\\\\\\"\r\n  x");
        let mut buffer = [0; 32];
        assert_eq!(text.copy_to(&mut buffer).unwrap(), b"J Rosenberg \\\" x");
        assert_eq!(text.as_slice(), None);
        assert_eq!(text, b"J Rosenberg \\\" x"[..]);
        assert_eq!(text.copy_to(&mut [0; 3]).unwrap_err().needed, 16);
        assert_eq!(Text::token(b"abc"), Text::quoted(b"abc"));
    }

    #[test]
    fn plain_text_is_written_with_escapes_and_reads_back() {
        let mut buffer = [0; 64];
        let mut writer = Writer::new(&mut buffer);
        Text::quoted(b"a\"b\\c").write(&mut writer);
        let written = writer.as_bytes();
        assert_eq!(written, b"\"a\\\"b\\\\c\"");
        let read = super::super::Cursor::new(written).quoted().unwrap();
        assert_eq!(read, b"a\"b\\c"[..]);
    }
}
