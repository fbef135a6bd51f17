//! Short texts, made without the formatting machinery.

use core::net::{IpAddr, SocketAddr};

use crate::transport::Text;

/// A header's value while it is put together. What does not fit makes the whole of it empty: a cut
/// value is worse than none.
#[derive(Debug)]
pub(crate) struct Line<const N: usize> {
    octets: [u8; N],
    len: usize,
    overflowed: bool,
}

impl<const N: usize> Line<N> {
    pub(crate) const fn new() -> Self {
        Self { octets: [0; N], len: 0, overflowed: false }
    }

    pub(crate) fn put(&mut self, text: &[u8]) -> &mut Self {
        let room = self.octets.get_mut(self.len..).and_then(|room| room.get_mut(..text.len()));
        match room {
            Some(room) => {
                room.copy_from_slice(text);
                self.len += text.len();
            }
            None => self.overflowed = true,
        }
        self
    }

    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        self.put(Text::default().number(number))
    }

    pub(crate) fn hex(&mut self, number: u64) -> &mut Self {
        self.put(Text::default().hex(number))
    }

    /// The octets as pairs of hexadecimal digits.
    pub(crate) fn hex_octets(&mut self, octets: &[u8]) -> &mut Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        for octet in octets {
            let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
            self.put(&[digit(octet >> 4), digit(octet & 15)]);
        }
        self
    }

    /// An address and its port, as they stand in a URI or a Via.
    pub(crate) fn address(&mut self, address: SocketAddr) -> &mut Self {
        let mut text = Text::default();
        match address.ip() {
            ip @ IpAddr::V4(_) => self.put(text.address(ip)),
            ip @ IpAddr::V6(_) => self.put(b"[").put(text.address(ip)).put(b"]"),
        };
        self.put(b":").number(address.port().into())
    }

    /// Whether nothing was put in yet.
    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0 && !self.overflowed
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        if self.overflowed { &[] } else { self.octets.get(..self.len).unwrap_or_default() }
    }
}

/// The octets that pairs of hexadecimal digits stand for: how many of `to` were filled. Nothing where
/// something else stands there, or too much of it.
pub(crate) fn from_hex(text: &[u8], to: &mut [u8]) -> Option<usize> {
    let digit = |octet: &u8| char::from(*octet).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let mut len = 0;
    for pair in text.chunks(2) {
        let [high, low] = pair else { return None };
        *to.get_mut(len)? = (digit(high)? << 4) | digit(low)?;
        len += 1;
    }
    Some(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_not_cut() {
        let mut line = Line::<8>::new();
        assert_eq!(line.put(b"abc").number(42).as_bytes(), b"abc42");
        assert_eq!(line.put(b"defg").as_bytes(), b"");
    }

    #[test]
    fn addresses_stand_as_in_a_uri() {
        let mut line = Line::<64>::new();
        line.address("192.0.2.1:5060".parse().unwrap())
            .put(b" ")
            .address("[::1]:9".parse().unwrap());
        assert_eq!(line.as_bytes(), b"192.0.2.1:5060 [0:0:0:0:0:0:0:1]:9");
    }

    #[test]
    fn hexadecimal_digits_come_back() {
        let mut line = Line::<64>::new();
        line.hex_octets(&[0, 0x9f, 255]);
        assert_eq!(line.as_bytes(), b"009fff");
        let mut octets = [0; 3];
        assert_eq!((from_hex(line.as_bytes(), &mut octets), octets), (Some(3), [0, 0x9f, 255]));
        assert_eq!(from_hex(b"009fff00", &mut octets), None);
        assert_eq!(from_hex(b"0", &mut octets), None);
        assert_eq!(from_hex(b"0x", &mut octets), None);
    }
}
