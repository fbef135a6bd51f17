//! Whole numbers of all kinds, and real ones.

use super::{Reader, Value, Writer, octets_for};
use crate::error::{Fault, ParseError};

/// INTEGER (MIN..MAX): a constrained whole number (X.691 section 12.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Int<const MIN: i64, const MAX: i64>(i64);

impl<const MIN: i64, const MAX: i64> Int<MIN, MAX> {
    /// Zero, or the bound that is nearest to it.
    pub const ZERO: Self = Self(if MIN > 0 {
        MIN
    } else if MAX < 0 {
        MAX
    } else {
        0
    });

    /// The number, if it lies within the bounds.
    pub const fn new(value: i64) -> Option<Self> {
        if value < MIN || value > MAX { None } else { Some(Self(value)) }
    }

    /// The number.
    pub const fn value(self) -> i64 {
        self.0
    }
}

impl<'a, const MIN: i64, const MAX: i64> Value<'a> for Int<MIN, MAX> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ParseError> {
        reader.constrained(MIN, MAX).map(Self)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.constrained(self.0, MIN, MAX);
    }
}

/// INTEGER (0..MAX) of the standards: no upper bound on the wire, 64 bits here (X.691 section
/// 12.2.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Unsigned(pub u64);

impl<'a> Value<'a> for Unsigned {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ParseError> {
        let (length, more) = reader.length()?;
        if more {
            return Err(reader.error(Fault::OutOfRange));
        }
        // A length of zero is no PER, but rdesktop sends it, and means zero.
        let at = reader.error(Fault::OutOfRange);
        let octets = reader.octets(length)?;
        let significant = octets.iter().skip_while(|octet| **octet == 0).count();
        if significant > 8 {
            return Err(at);
        }
        Ok(Self(octets.iter().fold(0, |value, octet| value.wrapping_shl(8) | u64::from(*octet))))
    }

    fn write(&self, writer: &mut Writer<'_>) {
        let count = octets_for(self.0);
        writer.length(count as usize);
        writer.bits(self.0, count * 8);
    }
}

/// INTEGER without bounds, 64 bits here (X.691 section 12.2.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Integer(pub i64);

impl<'a> Value<'a> for Integer {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ParseError> {
        let (length, more) = reader.length()?;
        if more || length == 0 || length > 8 {
            return Err(reader.error(Fault::OutOfRange));
        }
        let octets = reader.octets(length)?;
        let negative = octets.first().is_some_and(|octet| octet & 0x80 != 0);
        let start = if negative { -1i64 } else { 0 };
        Ok(Self(octets.iter().fold(start, |value, octet| value << 8 | i64::from(*octet))))
    }

    fn write(&self, writer: &mut Writer<'_>) {
        let used = if self.0 < 0 { !self.0 } else { self.0 }.cast_unsigned();
        // One bit more than the magnitude, for the sign.
        let count = (u64::BITS - used.leading_zeros()) / 8 + 1;
        writer.length(count as usize);
        writer.bits(self.0.cast_unsigned(), count * 8);
    }
}

/// REAL: the contents octets of its encoding (X.690 section 8.5), as they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Real<'a>(pub &'a [u8]);

impl<'a> Value<'a> for Real<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ParseError> {
        let (length, more) = reader.length()?;
        if more {
            return Err(reader.error(Fault::Fragmented));
        }
        reader.octets(length).map(Self)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.length(self.0.len());
        writer.put(self.0);
    }
}
