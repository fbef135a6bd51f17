//! Octets written one after the other into a buffer that may turn out too small.

use crate::error::BufferTooSmall;

/// Goes on counting behind the buffer's end, so that the error can say how much is needed.
pub(crate) struct Writer<'b> {
    buffer: &'b mut [u8],
    at: usize,
}

impl<'b> Writer<'b> {
    pub(crate) fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, at: 0 }
    }

    pub(crate) fn octets(&mut self, octets: &[u8]) -> &mut Self {
        let end = self.at.saturating_add(octets.len());
        if let Some(room) = self.buffer.get_mut(self.at..end) {
            copy(room, octets);
        }
        self.at = end;
        self
    }

    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        let mut digits = [0; 20];
        let text = decimal(number, &mut digits);
        self.octets(text)
    }

    pub(crate) fn finish(&self) -> Result<usize, BufferTooSmall> {
        if self.at > self.buffer.len() {
            return Err(BufferTooSmall { needed: self.at });
        }
        Ok(self.at)
    }

    pub(crate) fn len(&self) -> usize {
        self.at
    }
}

/// Copies as many octets as both have. Unlike the copy of a slice to one of its length, which is
/// what the caller means, it has nothing to check that could fail.
#[inline]
fn copy(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// A number as decimal digits, written from the end of `digits`.
pub(crate) fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut begin = digits.len();
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        // The remainder of a division by ten fits in an octet.
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        begin = at;
        if number == 0 {
            break;
        }
    }
    digits.get(begin..).unwrap_or_default()
}

/// The number that decimal digits stand for; nothing else may be among them.
pub(crate) fn parse_decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |number, octet| {
        let digit = octet.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_and_read() {
        for number in [0, 9, 10, 4_294_967_295, u64::MAX] {
            let mut digits = [0; 20];
            let text = decimal(number, &mut digits);
            assert_eq!(parse_decimal(text), Some(number));
        }
        for bad in [&b""[..], b"-1", b"1 ", b"18446744073709551616", b"0x1"] {
            assert_eq!(parse_decimal(bad), None);
        }
    }

    #[test]
    fn a_buffer_too_small_says_how_much_is_needed() {
        let mut buffer = [0; 3];
        let mut writer = Writer::new(&mut buffer);
        writer.octets(b"ab").number(123);
        assert_eq!(writer.finish(), Err(BufferTooSmall { needed: 5 }));
    }
}
