//! Aligned PER (X.691, BASIC-PER ALIGNED), read and written without allocation.
//!
//! ```text
//! SEQUENCE   [extended?] [one bit for each OPTIONAL] components… [additions]
//! CHOICE     [extended?] index of the alternative   the alternative
//! length     0xxxxxxx | 10xxxxxx xxxxxxxx | 1100 0mmm (a fragment of m × 16384) …
//! ```
//!
//! [`Reader`] walks over borrowed octets bit by bit; [`Writer`] fills a buffer, or only counts.
//! Types that have an encoding are [`Value`]s; those of the standards are made by the macros of
//! this module, from tables that read like the ASN.1 they stand for.

mod list;
pub(crate) mod macros;
mod number;
mod octets;
mod reader;
mod text;
mod writer;

pub use list::{List, ListIter};
pub use number::{Int, Integer, Real, Unsigned};
pub use octets::{Chunks, Flags, ObjectIdentifier, Octets, SizedOctets, TwoOctets};
pub use reader::{Additions, Reader};
pub use text::{BmpString, DialString, NumericString, SimpleText};
pub use writer::Writer;

pub(crate) use macros::{choice, enumerated, integer, sequence};

use crate::error::{BufferTooSmall, Fault, ParseError, WriteError};

/// A type with an aligned PER encoding.
pub trait Value<'a>: Copy {
    /// Reads a value where the reader stands.
    ///
    /// # Errors
    /// What is wrong with the octets, and where.
    fn read(reader: &mut Reader<'a>) -> Result<Self, ParseError>;

    /// Writes the value where the writer stands.
    fn write(&self, writer: &mut Writer<'_>);
}

/// Reads one value that fills `octets` (X.691 section 11.1).
///
/// Where the two codings of T.124's SimpleTextString differ, the one that fits is taken.
///
/// # Errors
/// What is wrong with the octets, and where.
pub fn parse<'a, T: Value<'a>>(octets: &'a [u8]) -> Result<T, ParseError> {
    match parse_with(Reader::new(octets)) {
        Err((error, true)) => parse_with(Reader::with_wide_text(octets)).map_err(|_| error),
        Err((error, false)) => Err(error),
        Ok(value) => Ok(value),
    }
}

// The second of an error says whether a SimpleTextString was met, that is whether the other
// coding is worth trying.
fn parse_with<'a, T: Value<'a>>(mut reader: Reader<'a>) -> Result<T, (ParseError, bool)> {
    let value = T::read(&mut reader).map_err(|error| (error, reader.met_simple_text()))?;
    match reader.end() {
        Ok(()) => Ok(value),
        Err(error) => Err((error, reader.met_simple_text())),
    }
}

/// How many octets the encoding of `value` has.
pub fn encoded_len<'a, T: Value<'a>>(value: &T) -> usize {
    let mut writer = Writer::counting();
    value.write(&mut writer);
    writer.octets()
}

/// Writes `value` to the start of `buffer`; returns how many octets that took.
///
/// # Errors
/// The buffer is too small, or the value lies outside its type.
pub fn write<'a, T: Value<'a>>(value: &T, buffer: &mut [u8]) -> Result<usize, WriteError> {
    let room = buffer.len();
    let mut writer = Writer::new(buffer);
    value.write(&mut writer);
    if let Some(fault) = writer.fault() {
        return Err(WriteError::Value(fault));
    }
    let needed = writer.octets();
    if needed > room {
        return Err(WriteError::BufferTooSmall(BufferTooSmall { needed }));
    }
    Ok(needed)
}

/// The width of a field that holds `0..=span`.
const fn bits_for(span: u64) -> u32 {
    u64::BITS - span.leading_zeros()
}

/// The octets that hold `number`: at least one.
const fn octets_for(number: u64) -> u32 {
    let bits = bits_for(number);
    if bits == 0 { 1 } else { bits.div_ceil(8) }
}

impl<'a> Value<'a> for bool {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ParseError> {
        reader.bit()
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.bit(*self);
    }
}

/// INTEGER (0..255): one aligned octet.
impl<'a> Value<'a> for u8 {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ParseError> {
        Self::try_from(reader.constrained(0, 255)?).map_err(|_| reader.error(Fault::OutOfRange))
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.constrained(i64::from(*self), 0, 255);
    }
}

/// INTEGER (0..65535): two aligned octets.
impl<'a> Value<'a> for u16 {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ParseError> {
        Self::try_from(reader.constrained(0, 65535)?).map_err(|_| reader.error(Fault::OutOfRange))
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.constrained(i64::from(*self), 0, 65535);
    }
}

/// INTEGER (0..4294967295): a length of two bits and as many octets as needed.
impl<'a> Value<'a> for u32 {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ParseError> {
        let value = reader.constrained(0, i64::from(Self::MAX))?;
        Self::try_from(value).map_err(|_| reader.error(Fault::OutOfRange))
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.constrained(i64::from(*self), 0, i64::from(Self::MAX));
    }
}

#[cfg(test)]
mod tests;
