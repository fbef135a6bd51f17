//! Texts that are kept in place.

use core::fmt;

/// A text of at most `N` octets (65535 at most), kept in place.
#[derive(Clone, Copy)]
pub struct Short<const N: usize> {
    len: u16,
    octets: [u8; N],
}

impl<const N: usize> Short<N> {
    /// An empty text.
    pub const EMPTY: Self = Self { len: 0, octets: [0; N] };

    /// This text; nothing where it is too long.
    #[must_use]
    pub fn new(text: &[u8]) -> Option<Self> {
        let mut short = Self::EMPTY;
        short.push(text).then_some(short)
    }

    /// Appends a text; says whether there was room for it.
    #[must_use]
    pub fn push(&mut self, text: &[u8]) -> bool {
        let from = usize::from(self.len);
        let room = self.octets.get_mut(from..).and_then(|room| room.get_mut(..text.len()));
        match (room, u16::try_from(from + text.len())) {
            (Some(room), Ok(len)) => {
                room.copy_from_slice(text);
                self.len = len;
                true
            }
            _ => false,
        }
    }

    /// The text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.octets.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// Whether it is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<const N: usize> Default for Short<N> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<const N: usize> PartialEq for Short<N> {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl<const N: usize> Eq for Short<N> {}

impl<const N: usize> fmt::Debug for Short<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.as_bytes().escape_ascii())
    }
}

#[cfg(feature = "defmt")]
impl<const N: usize> defmt::Format for Short<N> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=[u8]:a}", self.as_bytes());
    }
}

/// The digits of a number, in lower case.
pub(crate) fn hex_u32(number: u32) -> [u8; 8] {
    let mut digits = [0; 8];
    for (at, digit) in digits.iter_mut().enumerate() {
        *digit = hex_digit((number >> (28 - 4 * at)) as u8 & 15);
    }
    digits
}

/// The digits of a number, without zeros before it.
pub(crate) fn decimal(mut number: u32) -> Short<10> {
    let mut digits = [b'0'; 10];
    let mut len = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        len += 1;
        if number == 0 {
            break;
        }
    }
    let from = digits.len() - len;
    Short::new(digits.get(from..).unwrap_or_default()).unwrap_or_default()
}

/// A number of decimal digits.
pub(crate) fn number(text: &[u8]) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u32, |number, digit| {
        let digit = char::from(*digit).to_digit(10)?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// The octets as pairs of digits in upper case, as Microsoft writes signatures.
pub(crate) fn hex<const N: usize>(octets: &[u8]) -> Option<Short<N>> {
    let mut text = Short::EMPTY;
    for octet in octets {
        let pair = [hex_digit(octet >> 4), hex_digit(octet & 15)].map(|d| d.to_ascii_uppercase());
        if !text.push(&pair) {
            return None;
        }
    }
    Some(text)
}

/// The octets that pairs of digits stand for.
pub(crate) fn from_hex<'b>(text: &[u8], buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let place = buffer.get_mut(..pairs.len())?;
    for (octet, [high, low]) in place.iter_mut().zip(pairs) {
        *octet = u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?;
    }
    Some(place)
}

const fn hex_digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' + value - 10 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_and_read() {
        for value in [0, 9, 10, 4_294_967_295] {
            let text = decimal(value);
            assert_eq!(text.as_bytes(), std::format!("{value}").as_bytes());
            assert_eq!(number(text.as_bytes()), Some(value));
        }
        for bad in [&b""[..], b"-1", b"4294967296", b"1 "] {
            assert_eq!(number(bad), None);
        }
        assert_eq!(&hex_u32(0x9a16_5837), b"9a165837");
        let mut octets = [0; 3];
        assert_eq!(from_hex(b"00fFa5", &mut octets), Some(&[0, 255, 0xa5][..]));
        assert_eq!(hex::<6>(&[0, 255, 0xa5]).unwrap().as_bytes(), b"00FFA5");
        for bad in [&b"0"[..], b"0g", b"00000000"] {
            assert_eq!(from_hex(bad, &mut octets), None);
        }
    }

    #[test]
    fn what_does_not_fit_is_not_cut() {
        let mut text = Short::<3>::new(b"ab").unwrap();
        assert!(!text.push(b"cd"));
        assert_eq!(text.as_bytes(), b"ab");
        assert_eq!(Short::<3>::new(b"abcd"), None);
    }
}
