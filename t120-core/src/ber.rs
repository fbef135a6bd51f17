//! The part of BER (X.690) that T.125's connect PDUs need, read and written without allocation.
//!
//! Lengths are definite. Integers and lengths with more octets than they need are read, for peers
//! send them; what is written is DER.

use crate::error::{Fault, ParseError};
use crate::tpkt::copy;

/// BOOLEAN, INTEGER, OCTET STRING, ENUMERATED, SEQUENCE and the tags of T.125's connect PDUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Tag(u16);

impl Tag {
    /// UNIVERSAL 1.
    pub const BOOLEAN: Self = Self(0x01);
    /// UNIVERSAL 2.
    pub const INTEGER: Self = Self(0x02);
    /// UNIVERSAL 4.
    pub const OCTET_STRING: Self = Self(0x04);
    /// UNIVERSAL 10.
    pub const ENUMERATED: Self = Self(0x0a);
    /// UNIVERSAL 16, constructed.
    pub const SEQUENCE: Self = Self(0x30);

    /// APPLICATION `number`, constructed; numbers from 31 to 127.
    pub const fn application(number: u8) -> Self {
        Self(0x7f00 | (number & 0x7f) as u16)
    }
}

/// Reads BER from borrowed octets.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `octets`.
    pub const fn new(octets: &'a [u8]) -> Self {
        Self { octets, at: 0 }
    }

    /// An error at this place.
    pub const fn error(&self, what: Fault) -> ParseError {
        ParseError { what, at: self.at }
    }

    fn octet(&mut self) -> Result<u8, ParseError> {
        let Some(octet) = self.octets.get(self.at) else {
            return Err(self.error(Fault::UnexpectedEnd));
        };
        self.at += 1;
        Ok(*octet)
    }

    /// The tag that stands here (X.690 section 8.1.2).
    ///
    /// # Errors
    /// The octets end before, or the tag has more than two octets.
    pub fn tag(&mut self) -> Result<Tag, ParseError> {
        let first = self.octet()?;
        if first & 0x1f != 0x1f {
            return Ok(Tag(u16::from(first)));
        }
        let second = self.octet()?;
        if second & 0x80 != 0 {
            return Err(self.error(Fault::UnexpectedTag));
        }
        Ok(Tag(u16::from_be_bytes([first, second])))
    }

    /// A definite length (X.690 section 8.1.3).
    ///
    /// # Errors
    /// The octets end before, the form is indefinite, or the length needs more than 32 bits.
    pub fn length(&mut self) -> Result<usize, ParseError> {
        let first = self.octet()?;
        if first < 0x80 {
            return Ok(usize::from(first));
        }
        let count = first & 0x7f;
        if count == 0 || count > 8 {
            return Err(self.error(Fault::BadLength));
        }
        let mut length = 0u64;
        for _ in 0..count {
            length = length << 8 | u64::from(self.octet()?);
        }
        usize::try_from(length).map_err(|_| self.error(Fault::BadLength))
    }

    /// The contents of a value with this tag; the reader goes on behind it.
    ///
    /// # Errors
    /// Another tag stands here, or the octets end before.
    pub fn value(&mut self, tag: Tag) -> Result<Self, ParseError> {
        let at = self.error(Fault::UnexpectedTag);
        if self.tag()? != tag {
            return Err(at);
        }
        let length = self.length()?;
        let start = self.at;
        let end = start.checked_add(length).filter(|end| *end <= self.octets.len());
        let Some(end) = end else { return Err(self.error(Fault::UnexpectedEnd)) };
        self.at = end;
        Ok(Self { octets: self.octets.get(..end).unwrap_or_default(), at: start })
    }

    /// An INTEGER that is not negative, of at most 64 bits, or an ENUMERATED.
    ///
    /// # Errors
    /// Another tag stands here, the octets end before, or the number is out of range.
    pub fn unsigned(&mut self, tag: Tag) -> Result<u64, ParseError> {
        let contents = self.value(tag)?;
        let octets = contents.rest();
        let at = contents.error(Fault::OutOfRange);
        let significant = octets.iter().skip_while(|octet| **octet == 0).count();
        // Peers leave out the zero octet that a number with its top bit set should begin with.
        if octets.is_empty() || significant > 8 {
            return Err(at);
        }
        Ok(octets.iter().fold(0, |value, octet| value << 8 | u64::from(*octet)))
    }

    /// A BOOLEAN.
    ///
    /// # Errors
    /// Another tag stands here, or the contents are not one octet.
    pub fn boolean(&mut self) -> Result<bool, ParseError> {
        let contents = self.value(Tag::BOOLEAN)?;
        match contents.rest() {
            [octet] => Ok(*octet != 0),
            _ => Err(contents.error(Fault::BadLength)),
        }
    }

    /// An OCTET STRING in primitive form.
    ///
    /// # Errors
    /// Another tag stands here, or the octets end before.
    pub fn octet_string(&mut self) -> Result<&'a [u8], ParseError> {
        Ok(self.value(Tag::OCTET_STRING)?.rest())
    }

    /// All that follows.
    pub fn rest(&self) -> &'a [u8] {
        self.octets.get(self.at..).unwrap_or_default()
    }

    /// Nothing may follow.
    ///
    /// # Errors
    /// Octets follow.
    pub fn end(&self) -> Result<(), ParseError> {
        if self.at < self.octets.len() {
            return Err(self.error(Fault::TrailingOctets));
        }
        Ok(())
    }
}

/// Writes DER into a buffer; beyond its end it only counts.
#[derive(Debug)]
pub struct Writer<'b> {
    buffer: &'b mut [u8],
    at: usize,
}

impl<'b> Writer<'b> {
    /// A writer at the start of `buffer`.
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, at: 0 }
    }

    /// How many octets were or would have been written.
    pub const fn octets(&self) -> usize {
        self.at
    }

    fn put(&mut self, octets: &[u8]) {
        let end = self.at.saturating_add(octets.len());
        if let Some(room) = self.buffer.get_mut(self.at..end) {
            copy(room, octets);
        }
        self.at = end;
    }

    /// A tag and a length.
    pub fn header(&mut self, tag: Tag, length: usize) {
        let [high, low] = tag.0.to_be_bytes();
        if high != 0 {
            self.put(&[high]);
        }
        self.put(&[low]);
        if length < 0x80 {
            self.put(&[length as u8]);
        } else {
            let octets = (length as u64).to_be_bytes();
            let skip = octets.iter().take_while(|octet| **octet == 0).count();
            self.put(&[0x80 | (8 - skip) as u8]);
            self.put(octets.get(skip..).unwrap_or_default());
        }
    }

    /// An INTEGER or ENUMERATED that is not negative.
    pub fn unsigned(&mut self, tag: Tag, value: u64) {
        let length = unsigned_len(value);
        let [high, low] = tag.0.to_be_bytes();
        if high == 0 && length <= 8 {
            // In one piece: most of a connect PDU is small numbers.
            let [a, b, c, d, e, f, g, h] = (value << (64 - 8 * length)).to_be_bytes();
            let whole = [low, length as u8, a, b, c, d, e, f, g, h];
            self.put(whole.get(..2 + length).unwrap_or_default());
            return;
        }
        self.header(tag, length);
        if length == 9 {
            self.put(&[0]);
        }
        let octets = value.to_be_bytes();
        self.put(octets.get(8usize.saturating_sub(length)..).unwrap_or_default());
    }

    /// A BOOLEAN.
    pub fn boolean(&mut self, value: bool) {
        self.put(&[0x01, 0x01, if value { 0xff } else { 0 }]);
    }

    /// An OCTET STRING.
    pub fn octet_string(&mut self, octets: &[u8]) {
        self.header(Tag::OCTET_STRING, octets.len());
        self.put(octets);
    }
}

/// The octets of a number that is not negative: one bit is the sign's.
pub(crate) const fn unsigned_len(value: u64) -> usize {
    ((u64::BITS - value.leading_zeros()) / 8 + 1) as usize
}

/// The octets of a length.
pub(crate) const fn length_len(length: usize) -> usize {
    match length {
        0..0x80 => 1,
        _ => 1 + (usize::BITS - length.leading_zeros()).div_ceil(8) as usize,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_sign_bit_free() {
        for (value, expected) in [
            (0u64, &[2u8, 1, 0][..]),
            (127, &[2, 1, 127]),
            (128, &[2, 2, 0, 128]),
            (65535, &[2, 3, 0, 255, 255]),
            (u64::MAX, &[2, 9, 0, 255, 255, 255, 255, 255, 255, 255, 255]),
        ] {
            let mut buffer = [0; 16];
            let mut writer = Writer::new(&mut buffer);
            writer.unsigned(Tag::INTEGER, value);
            let len = writer.octets();
            assert_eq!(&buffer[..len], expected);
            assert_eq!(Reader::new(expected).unsigned(Tag::INTEGER), Ok(value));
        }
    }

    #[test]
    fn numbers_and_lengths_that_are_longer_than_needed_are_read() {
        assert_eq!(Reader::new(&[2, 2, 0, 0x22]).unsigned(Tag::INTEGER), Ok(0x22));
        assert_eq!(Reader::new(&[2, 0x82, 0, 1, 7]).unsigned(Tag::INTEGER), Ok(7));
    }

    #[test]
    fn the_indefinite_form_and_lengths_beyond_the_end_are_refused_where_they_stand() {
        let indefinite = Reader::new(&[0x30, 0x80, 0, 0]).value(Tag::SEQUENCE).map(|r| r.at);
        assert_eq!(indefinite, Err(ParseError { what: Fault::BadLength, at: 2 }));
        let beyond = Reader::new(&[4, 3, 1, 2]).octet_string();
        assert_eq!(beyond, Err(ParseError { what: Fault::UnexpectedEnd, at: 2 }));
        let tag = Reader::new(&[4, 0]).boolean();
        assert_eq!(tag, Err(ParseError { what: Fault::UnexpectedTag, at: 0 }));
    }
}
