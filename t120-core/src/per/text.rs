//! Strings of characters.

use core::fmt;

use super::{Reader, Value, Writer};
use crate::error::{Fault, ParseError};

/// A BMPString (SIZE (MIN..MAX)): UTF-16 units, borrowed from the wire or to be made of a `&str`.
///
/// Characters beyond the Basic Multilingual Plane are written as surrogates, as peers do.
#[derive(Clone, Copy)]
pub struct BmpString<'a, const MIN: usize, const MAX: usize>(Bmp<'a>);

#[derive(Clone, Copy)]
enum Bmp<'a> {
    /// Two octets a unit, the high one first.
    Wire(&'a [u8]),
    Text(&'a str),
}

impl<'a> Bmp<'a> {
    fn units(self) -> impl Iterator<Item = u16> + 'a {
        let (wire, text) = match self {
            Self::Wire(octets) => (octets, ""),
            Self::Text(text) => (&[][..], text),
        };
        let (pairs, _) = wire.as_chunks::<2>();
        pairs.iter().map(|pair| u16::from_be_bytes(*pair)).chain(text.encode_utf16())
    }

    fn chars(self) -> impl Iterator<Item = char> + 'a {
        char::decode_utf16(self.units()).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

fn debug(chars: impl Iterator<Item = char>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for c in chars {
        write!(f, "{}", c.escape_debug())?;
    }
    f.write_str("\"")
}

impl<'a, const MIN: usize, const MAX: usize> BmpString<'a, MIN, MAX> {
    /// The string, if its length in UTF-16 units is within the bounds.
    pub fn new(text: &'a str) -> Option<Self> {
        let len = text.encode_utf16().count();
        (len >= MIN && len <= MAX).then_some(Self(Bmp::Text(text)))
    }

    /// The UTF-16 units.
    pub fn units(&self) -> impl Iterator<Item = u16> + 'a {
        self.0.units()
    }

    /// The characters; a lone surrogate is U+FFFD.
    pub fn chars(&self) -> impl Iterator<Item = char> + 'a {
        self.0.chars()
    }
}

impl<const MIN: usize, const MAX: usize> PartialEq for BmpString<'_, MIN, MAX> {
    fn eq(&self, other: &Self) -> bool {
        self.units().eq(other.units())
    }
}

impl<const MIN: usize, const MAX: usize> fmt::Debug for BmpString<'_, MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(self.chars(), f)
    }
}

#[cfg(feature = "defmt")]
impl<const MIN: usize, const MAX: usize> defmt::Format for BmpString<'_, MIN, MAX> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "text of {} units", self.units().count());
    }
}

impl<'a, const MIN: usize, const MAX: usize> Value<'a> for BmpString<'a, MIN, MAX> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ParseError> {
        let (size, _) = reader.size(MIN, MAX)?;
        reader.octets(size.saturating_mul(2)).map(|octets| Self(Bmp::Wire(octets)))
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.size(self.units().count(), MIN, MAX);
        writer.align();
        for unit in self.units() {
            writer.bits(u64::from(unit), 16);
        }
    }
}

/// T.124's SimpleTextString: BMPString (SIZE (0..255)) of characters below 256.
///
/// The Recommendation's constraint makes it 8 bits a character; module texts without the
/// constraint make it 16, and implementations differ. Both are read, what was read is written
/// again as it was, and what the host makes has [8 bits](SimpleText::new).
#[derive(Clone, Copy)]
pub struct SimpleText<'a>(Simple<'a>);

#[derive(Clone, Copy)]
enum Simple<'a> {
    /// One octet a character.
    Narrow(&'a [u8]),
    Wide(Bmp<'a>),
    Text(&'a str),
}

impl<'a> SimpleText<'a> {
    /// The string with 8 bits a character, if all are below 256 and there are at most 255.
    pub fn new(text: &'a str) -> Option<Self> {
        let fits = text.chars().count() <= 255 && text.chars().all(|c| u32::from(c) < 256);
        fits.then_some(Self(Simple::Text(text)))
    }

    /// The string with 16 bits a character, if there are at most 255 units.
    pub fn wide(text: &'a str) -> Option<Self> {
        (text.encode_utf16().count() <= 255).then_some(Self(Simple::Wide(Bmp::Text(text))))
    }

    /// The characters.
    pub fn chars(&self) -> impl Iterator<Item = char> + 'a {
        let (narrow, wide, text) = match self.0 {
            Simple::Narrow(octets) => (octets, Bmp::Wire(&[]), ""),
            Simple::Wide(bmp) => (&[][..], bmp, ""),
            Simple::Text(text) => (&[][..], Bmp::Wire(&[]), text),
        };
        narrow.iter().map(|octet| char::from(*octet)).chain(wide.chars()).chain(text.chars())
    }
}

impl PartialEq for SimpleText<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.chars().eq(other.chars())
    }
}

impl fmt::Debug for SimpleText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(self.chars(), f)
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for SimpleText<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "text of {} characters", self.chars().count());
    }
}

impl<'a> Value<'a> for SimpleText<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ParseError> {
        reader.note_simple_text();
        let (size, _) = reader.size(0, 255)?;
        if reader.is_wide_text() {
            let octets = reader.octets(size.saturating_mul(2))?;
            return Ok(Self(Simple::Wide(Bmp::Wire(octets))));
        }
        reader.octets(size).map(|octets| Self(Simple::Narrow(octets)))
    }

    fn write(&self, writer: &mut Writer<'_>) {
        match self.0 {
            Simple::Wide(bmp) => BmpString::<0, 255>(bmp).write(writer),
            Simple::Narrow(_) | Simple::Text(_) => {
                writer.size(self.chars().count(), 0, 255);
                writer.align();
                for c in self.chars() {
                    writer.bits(u64::from(u32::from(c)), 8);
                }
            }
        }
    }
}

/// Four bits a character, from an alphabet of at most 16.
#[derive(Clone, Copy)]
enum Nibbles<'a> {
    Wire { octets: &'a [u8], len: usize },
    Text(&'a str),
}

impl<'a> Nibbles<'a> {
    fn characters(self, alphabet: &'static [u8]) -> impl Iterator<Item = u8> + 'a {
        let (octets, len, text) = match self {
            Self::Wire { octets, len } => (octets, len, ""),
            Self::Text(text) => (&[][..], 0, text),
        };
        let nibbles = octets.iter().flat_map(|octet| [octet >> 4, octet & 15]).take(len);
        let wire = nibbles.map(|n| alphabet.get(usize::from(n)).copied().unwrap_or(b'?'));
        wire.chain(text.bytes())
    }

    fn read(
        reader: &mut Reader<'a>,
        min: usize,
        max: usize,
        alphabet: &'static [u8],
    ) -> Result<Self, ParseError> {
        let (len, _) = reader.size(min, max)?;
        reader.align();
        let at = reader.error(Fault::BadCharacter);
        let from = reader.position();
        for _ in 0..len {
            if reader.bits(4)? as usize >= alphabet.len() {
                return Err(at);
            }
        }
        // An odd last nibble has the rest of its octet after it, which may belong to what follows.
        let octets = reader.between(from, reader.position().saturating_add(7));
        Ok(Self::Wire { octets, len })
    }

    fn write(self, writer: &mut Writer<'_>, min: usize, max: usize, alphabet: &'static [u8]) {
        writer.size(self.characters(alphabet).count(), min, max);
        writer.align();
        for character in self.characters(alphabet) {
            match alphabet.iter().position(|known| *known == character) {
                Some(index) => writer.bits(index as u64, 4),
                None => writer.fail(Fault::BadCharacter),
            }
        }
    }
}

macro_rules! nibble_string {
    ($(#[$meta:meta])* $name:ident $alphabet:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy)]
        pub struct $name<'a, const MIN: usize, const MAX: usize>(Nibbles<'a>);

        impl<'a, const MIN: usize, const MAX: usize> $name<'a, MIN, MAX> {
            /// The string, if it has only characters of the alphabet and its length is within
            /// the bounds.
            pub fn new(text: &'a str) -> Option<Self> {
                let fits = text.len() >= MIN && text.len() <= MAX;
                let fits = fits && text.bytes().all(|c| $alphabet.contains(&c));
                fits.then_some(Self(Nibbles::Text(text)))
            }

            /// The characters, all of them ASCII.
            pub fn characters(&self) -> impl Iterator<Item = u8> + 'a {
                self.0.characters($alphabet)
            }
        }

        impl<const MIN: usize, const MAX: usize> PartialEq for $name<'_, MIN, MAX> {
            fn eq(&self, other: &Self) -> bool {
                self.characters().eq(other.characters())
            }
        }

        impl<const MIN: usize, const MAX: usize> fmt::Debug for $name<'_, MIN, MAX> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                debug(self.characters().map(char::from), f)
            }
        }

        #[cfg(feature = "defmt")]
        impl<const MIN: usize, const MAX: usize> defmt::Format for $name<'_, MIN, MAX> {
            fn format(&self, f: defmt::Formatter<'_>) {
                defmt::write!(f, "text of {} characters", self.characters().count());
            }
        }

        impl<'a, const MIN: usize, const MAX: usize> Value<'a> for $name<'a, MIN, MAX> {
            fn read(reader: &mut Reader<'a>) -> Result<Self, ParseError> {
                Nibbles::read(reader, MIN, MAX, $alphabet).map(Self)
            }

            fn write(&self, writer: &mut Writer<'_>) {
                self.0.write(writer, MIN, MAX, $alphabet);
            }
        }
    };
}

nibble_string! {
    /// A NumericString (SIZE (MIN..MAX)) (FROM ("0123456789")): four bits a digit.
    NumericString b"0123456789"
}

nibble_string! {
    /// A BMPString (SIZE (MIN..MAX)) (FROM ("0123456789#*,")): four bits a character.
    DialString b"#*,0123456789"
}
