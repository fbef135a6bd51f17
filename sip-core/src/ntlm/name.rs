//! Names as NTLM knows them: UTF-16 on the wire, UTF-8 in the host.

use core::fmt;

/// A name of a user, a domain or a computer, in any of the encodings that NTLM has
/// (MS-NLMP section 2.2).
#[derive(Clone, Copy)]
pub enum Name<'d> {
    /// UTF-8, as the host has it.
    Utf8(&'d str),
    /// UTF-16, the low octet first, as it stands in a message with
    /// [`Flags::UNICODE`](super::Flags::UNICODE).
    Utf16(&'d [u8]),
    /// A code page of the client's; read as Latin 1, of which ASCII is the part that is sure.
    Oem(&'d [u8]),
}

impl<'d> Name<'d> {
    /// A name of no characters.
    pub const EMPTY: Self = Self::Utf8("");

    /// The characters; what is no character stands as U+FFFD.
    pub fn chars(&self) -> impl Iterator<Item = char> + use<'d> {
        let (mut utf8, wide, oem) = match *self {
            Self::Utf8(text) => (text.chars(), &[][..], &[][..]),
            Self::Utf16(octets) => ("".chars(), octets.as_chunks::<2>().0, &[][..]),
            Self::Oem(octets) => ("".chars(), &[][..], octets),
        };
        let units = wide.iter().map(|pair| u16::from_le_bytes(*pair));
        let mut wide = char::decode_utf16(units)
            .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER));
        let mut oem = oem.iter().map(|octet| char::from(*octet));
        core::iter::from_fn(move || utf8.next().or_else(|| wide.next()).or_else(|| oem.next()))
    }

    /// Whether there are no characters.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chars().next().is_none()
    }

    /// Writes it as UTF-8 to the start of `buffer`; nothing where it does not fit.
    pub fn copy_to<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        let mut len = 0;
        for character in self.chars() {
            let room = buffer.get_mut(len..)?;
            let mut octets = [0; 4];
            let octets = character.encode_utf8(&mut octets).as_bytes();
            room.get_mut(..octets.len())?.copy_from_slice(octets);
            len += octets.len();
        }
        buffer.get(..len)
    }

    /// Hands the octets of its UTF-16 to `take`, in upper case where that is asked for.
    pub(super) fn utf16(&self, upper: bool, mut take: impl FnMut(&[u8])) {
        for character in self.chars() {
            let mut units = [0; 2];
            let character = if upper { upper_case(character) } else { character };
            for unit in character.encode_utf16(&mut units) {
                take(&unit.to_le_bytes());
            }
        }
    }

    /// Hands the octets that stand for it in a message to `take`.
    pub(super) fn wire(&self, unicode: bool, mut take: impl FnMut(&[u8])) {
        if unicode {
            return self.utf16(false, take);
        }
        for character in self.chars() {
            take(&[u8::try_from(u32::from(character)).unwrap_or(b'?')]);
        }
    }
}

impl PartialEq for Name<'_> {
    fn eq(&self, other: &Name<'_>) -> bool {
        self.chars().eq(other.chars())
    }
}

impl Eq for Name<'_> {}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for character in self.chars() {
            fmt::Display::fmt(&character.escape_debug(), f)?;
        }
        f.write_str("\"")
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Name<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        match self {
            Self::Utf8(text) => defmt::write!(f, "{=str}", text),
            Self::Utf16(octets) | Self::Oem(octets) => defmt::write!(f, "{=[u8]:a}", octets),
        }
    }
}

/// The upper case as Windows has it: one character for one.
fn upper_case(character: char) -> char {
    let mut all = character.to_uppercase();
    match (all.next(), all.next()) {
        (Some(upper), None) => upper,
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn the_encodings_of_one_name_are_equal() {
        let wide: Vec<u8> = "Zoë 😀".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(Name::Utf16(&wide), Name::Utf8("Zoë 😀"));
        assert_eq!(Name::Oem(b"Zo\xeb"), Name::Utf8("Zoë"));
        assert_ne!(Name::Utf8("zoë"), Name::Utf8("Zoë"));
        let mut back = [0; 16];
        assert_eq!(Name::Utf16(&wide).copy_to(&mut back), Some("Zoë 😀".as_bytes()));
        assert_eq!(Name::Utf16(&wide).copy_to(&mut back[..8]), None);
    }

    #[test]
    fn half_a_pair_is_replaced() {
        assert_eq!(Name::Utf16(&[0x3d, 0xd8, 0x61, 0, 7]), Name::Utf8("\u{fffd}a"));
    }

    #[test]
    fn upper_case_keeps_the_number_of_characters() {
        let upper = |text| {
            let mut octets = Vec::new();
            Name::Utf8(text).utf16(true, |part| octets.extend_from_slice(part));
            octets
        };
        assert_eq!(upper("aß"), [b'A', 0, 0xdf, 0]);
    }
}
