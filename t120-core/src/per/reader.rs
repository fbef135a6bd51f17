//! Reading bits, numbers, lengths and indexes.

use super::{bits_for, octets_for};
use crate::error::{Fault, ParseError};

/// Reads aligned PER from borrowed octets (X.691).
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    octets: &'a [u8],
    bit: usize,
    wide_text: bool,
    met_simple_text: bool,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `octets`; T.124's SimpleTextString has 8 bits a character.
    pub const fn new(octets: &'a [u8]) -> Self {
        Self { octets, bit: 0, wide_text: false, met_simple_text: false }
    }

    /// A reader for which T.124's SimpleTextString has 16 bits a character.
    pub const fn with_wide_text(octets: &'a [u8]) -> Self {
        Self { octets, bit: 0, wide_text: true, met_simple_text: false }
    }

    /// One bit.
    ///
    /// # Errors
    /// The octets end here.
    pub fn bit(&mut self) -> Result<bool, ParseError> {
        let Some(octet) = self.octets.get(self.bit / 8) else {
            return Err(self.error(Fault::UnexpectedEnd));
        };
        let mask = 0x80u8 >> (self.bit % 8);
        self.bit = self.bit.saturating_add(1);
        Ok(octet & mask != 0)
    }

    /// As many as 64 bits as a number, the first one the greatest.
    ///
    /// # Errors
    /// The octets end before.
    pub fn bits(&mut self, count: u32) -> Result<u64, ParseError> {
        if self.bit.is_multiple_of(8) && count.is_multiple_of(8) {
            // Whole octets on a boundary: most of what is read.
            let octets = self.octets((count / 8) as usize)?;
            return Ok(octets.iter().fold(0, |value, octet| value << 8 | u64::from(*octet)));
        }
        let mut value = 0u64;
        let mut left = count;
        while left > 0 {
            let Some(octet) = self.octets.get(self.bit / 8) else {
                return Err(self.error(Fault::UnexpectedEnd));
            };
            let used = (self.bit % 8) as u32;
            let take = left.min(8 - used);
            let part = (u32::from(*octet) >> (8 - used - take)) & ((1 << take) - 1);
            value = value.wrapping_shl(take) | u64::from(part);
            left -= take;
            self.bit = self.bit.saturating_add(take as usize);
        }
        Ok(value)
    }

    /// Goes on to the next octet boundary.
    pub fn align(&mut self) {
        self.bit = self.bit.saturating_add(7) & !7;
    }

    /// Octets from the next octet boundary on.
    ///
    /// # Errors
    /// The octets end before.
    pub fn octets(&mut self, count: usize) -> Result<&'a [u8], ParseError> {
        self.align();
        let start = self.bit / 8;
        let octets = start.checked_add(count).and_then(|end| self.octets.get(start..end));
        let Some(octets) = octets else { return Err(self.error(Fault::UnexpectedEnd)) };
        self.bit = self.bit.saturating_add(count.saturating_mul(8));
        Ok(octets)
    }

    /// A constrained whole number (X.691 section 10.5).
    ///
    /// # Errors
    /// The octets end before, or the number is above `max`.
    pub fn constrained(&mut self, min: i64, max: i64) -> Result<i64, ParseError> {
        let span = max.wrapping_sub(min).cast_unsigned();
        let offset = if span < 255 {
            self.bits(bits_for(span))?
        } else if span == 255 {
            self.align();
            self.bits(8)?
        } else if span < 65536 {
            self.align();
            self.bits(16)?
        } else {
            let most = octets_for(span);
            let count = self.bits(bits_for(u64::from(most - 1)))? as u32 + 1;
            if count > most {
                return Err(self.error(Fault::BadLength));
            }
            self.align();
            self.bits(count * 8)?
        };
        if offset > span {
            return Err(self.error(Fault::OutOfRange));
        }
        Ok(min.wrapping_add(offset.cast_signed()))
    }

    /// A length determinant (X.691 section 10.9.3): the length, and whether another fragment
    /// follows. Lengths below 128 in the form of two octets are taken too: peers send them.
    ///
    /// # Errors
    /// The octets end before, or a fragment has a size that does not exist.
    pub fn length(&mut self) -> Result<(usize, bool), ParseError> {
        self.align();
        let first = self.bits(8)? as usize;
        match first >> 6 {
            0 | 1 => Ok((first, false)),
            2 => Ok((((first & 0x3f) << 8) | self.bits(8)? as usize, false)),
            _ => match first & 0x3f {
                many @ 1..=4 => Ok((many * 16384, true)),
                _ => Err(self.error(Fault::BadLength)),
            },
        }
    }

    /// A length of a type whose size is constrained to `min..=max`; without an upper bound below
    /// 65536 it is a length determinant (X.691 section 10.9.4).
    ///
    /// # Errors
    /// The octets end before, or the length is outside its bounds.
    pub fn size(&mut self, min: usize, max: usize) -> Result<(usize, bool), ParseError> {
        if max < 65536 {
            let size = self.constrained(min as i64, max as i64)?;
            return Ok((usize::try_from(size).unwrap_or(0), false));
        }
        let (length, more) = self.length()?;
        if length < min && !more {
            return Err(self.error(Fault::OutOfRange));
        }
        Ok((length, more))
    }

    /// A normally small non-negative whole number (X.691 section 10.6).
    ///
    /// # Errors
    /// The octets end before, or the number is beyond 32 bits.
    pub fn small(&mut self) -> Result<u32, ParseError> {
        if !self.bit()? {
            return Ok(self.bits(6)? as u32);
        }
        match self.length()? {
            (count @ 1..=4, false) => {
                let mut value = 0;
                for octet in self.octets(count)? {
                    value = value << 8 | u32::from(*octet);
                }
                Ok(value)
            }
            _ => Err(self.error(Fault::OutOfRange)),
        }
    }

    /// The index of an alternative: `(false, index)` of the root, `(true, index)` of the
    /// additions (X.691 section 22).
    ///
    /// # Errors
    /// The octets end before, or the root has no such index.
    pub fn index(&mut self, extensible: bool, roots: u32) -> Result<(bool, u32), ParseError> {
        if extensible && self.bit()? {
            return Ok((true, self.small()?));
        }
        let last = i64::from(roots.saturating_sub(1));
        match self.constrained(0, last) {
            Ok(index) => Ok((false, index as u32)),
            Err(ParseError { what: Fault::OutOfRange, at }) => {
                Err(ParseError { what: Fault::UnknownAlternative, at })
            }
            Err(error) => Err(error),
        }
    }

    /// The bitmap of a SEQUENCE's extension additions (X.691 section 18.8).
    ///
    /// # Errors
    /// The octets end before, or there are more than 64 additions.
    pub fn additions(&mut self) -> Result<Additions, ParseError> {
        let count = if self.bit()? {
            match self.length()? {
                (count, false) => count as u32,
                _ => return Err(self.error(Fault::OutOfRange)),
            }
        } else {
            self.bits(6)? as u32 + 1
        };
        if count > 64 {
            return Err(self.error(Fault::OutOfRange));
        }
        let bits = self.bits(count)?;
        // The first addition is the highest bit.
        let bits = if count == 0 { 0 } else { bits << (64 - count) };
        Ok(Additions { bits })
    }

    /// A reader of the open type that stands here; this reader goes on behind it.
    ///
    /// # Errors
    /// The octets end before, or the open type is coded in fragments.
    pub fn open(&mut self) -> Result<Self, ParseError> {
        let (length, more) = self.length()?;
        if more {
            return Err(self.error(Fault::Fragmented));
        }
        let start = self.bit;
        self.octets(length)?;
        let end = self.bit / 8;
        let octets = self.octets.get(..end).unwrap_or_default();
        Ok(Self { octets, bit: start, ..*self })
    }

    /// Goes behind the open type that stands here, whatever its length.
    ///
    /// # Errors
    /// The octets end before.
    pub fn skip_open(&mut self) -> Result<(), ParseError> {
        loop {
            let (length, more) = self.length()?;
            self.octets(length)?;
            if !more {
                return Ok(());
            }
        }
    }

    /// An error at this place.
    pub const fn error(&self, what: Fault) -> ParseError {
        ParseError { what, at: self.bit / 8 }
    }

    /// The octets from the next octet boundary to the end.
    pub fn rest(&self) -> &'a [u8] {
        self.octets.get(self.bit.div_ceil(8)..).unwrap_or_default()
    }

    /// Nothing but padding bits may follow.
    ///
    /// # Errors
    /// Octets follow.
    pub fn end(&self) -> Result<(), ParseError> {
        if self.bit.div_ceil(8) < self.octets.len() && !(self.bit == 0 && self.octets.len() == 1) {
            return Err(self.error(Fault::TrailingOctets));
        }
        Ok(())
    }

    pub(super) const fn is_wide_text(&self) -> bool {
        self.wide_text
    }

    pub(super) const fn note_simple_text(&mut self) {
        self.met_simple_text = true;
    }

    pub(super) const fn met_simple_text(&self) -> bool {
        self.met_simple_text
    }

    /// Where the reader stands, in bits.
    pub(super) const fn position(&self) -> usize {
        self.bit
    }

    /// The octets between two octet boundaries that were passed already.
    pub(super) fn between(&self, from: usize, to: usize) -> &'a [u8] {
        self.octets.get(from / 8..to / 8).unwrap_or_default()
    }
}

/// Which extension additions of a SEQUENCE are there.
#[derive(Clone, Copy, Debug)]
pub struct Additions {
    bits: u64,
}

impl Additions {
    /// Whether the next addition is there.
    pub const fn next_is_present(&mut self) -> bool {
        let present = self.bits >> 63 != 0;
        self.bits <<= 1;
        present
    }

    /// Skips all additions that this version does not know.
    ///
    /// # Errors
    /// The octets end before.
    pub fn skip_rest(mut self, reader: &mut Reader<'_>) -> Result<(), ParseError> {
        while self.bits != 0 {
            if self.next_is_present() {
                reader.skip_open()?;
            }
        }
        Ok(())
    }
}
