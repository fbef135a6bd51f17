//! Octet strings, object identifiers and bit flags.

use core::fmt;

use super::{Reader, Value, Writer};
use crate::error::{Fault, ParseError};

const FRAGMENT: usize = 16384;

/// An OCTET STRING without bounds (X.691 section 16.8): a view of one slice, or of the fragments
/// in which the wire has one longer than 16383 octets.
#[derive(Clone, Copy)]
pub struct Octets<'a> {
    first: &'a [u8],
    /// The further fragments, each with its length before it.
    rest: &'a [u8],
    len: usize,
}

impl<'a> Octets<'a> {
    /// A view of a slice.
    pub const fn new(octets: &'a [u8]) -> Self {
        Self { first: octets, rest: &[], len: octets.len() }
    }

    /// The octets in one slice, if the wire did not have them in fragments.
    pub const fn as_slice(&self) -> Option<&'a [u8]> {
        if self.first.len() == self.len { Some(self.first) } else { None }
    }

    /// The octets, slice by slice.
    pub const fn chunks(&self) -> Chunks<'a> {
        Chunks { first: Some(self.first), rest: Reader::new(self.rest) }
    }

    /// How many octets there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Copies all of them to the start of `buffer`; `None` where it has no room.
    pub fn copy_to<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        let mut at = 0usize;
        for chunk in self.chunks() {
            let end = at.checked_add(chunk.len())?;
            buffer.get_mut(at..end)?.copy_from_slice(chunk);
            at = end;
        }
        buffer.get(..at)
    }
}

impl<'a> From<&'a [u8]> for Octets<'a> {
    fn from(octets: &'a [u8]) -> Self {
        Self::new(octets)
    }
}

impl PartialEq for Octets<'_> {
    fn eq(&self, other: &Self) -> bool {
        if let (Some(one), Some(two)) = (self.as_slice(), other.as_slice()) {
            return one == two;
        }
        self.len == other.len && self.chunks().flatten().eq(other.chunks().flatten())
    }
}

impl Eq for Octets<'_> {}

impl fmt::Debug for Octets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("h'")?;
        for octet in self.chunks().flatten() {
            write!(f, "{octet:02x}")?;
        }
        f.write_str("'")
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Octets<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{} octets", self.len);
    }
}

impl<'a> Value<'a> for Octets<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ParseError> {
        let (length, mut more) = reader.length()?;
        let first = reader.octets(length)?;
        let mut len = length;
        let from = reader.position();
        while more {
            let (length, again) = reader.length()?;
            len = len.saturating_add(reader.octets(length)?.len());
            more = again;
        }
        let rest = reader.between(from, reader.position());
        Ok(Self { first, rest, len })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        if self.len < FRAGMENT {
            writer.length(self.len);
            for chunk in self.chunks() {
                writer.put(chunk);
            }
            return;
        }
        let mut chunks = self.chunks();
        let mut chunk: &[u8] = &[];
        let mut left = self.len;
        loop {
            let many = (left / FRAGMENT).min(4);
            let size = if many == 0 { left } else { many * FRAGMENT };
            if many == 0 {
                writer.length(size);
            } else {
                writer.align();
                writer.bits(0xc0 | many as u64, 8);
            }
            let mut wanted = size;
            while wanted > 0 {
                if chunk.is_empty() {
                    match chunks.next() {
                        Some(next) => chunk = next,
                        None => break,
                    }
                }
                let (now, later) = chunk.split_at(wanted.min(chunk.len()));
                writer.put(now);
                wanted -= now.len();
                chunk = later;
            }
            left -= size;
            if many == 0 {
                return;
            }
        }
    }
}

/// The slices of an [`Octets`].
#[derive(Clone, Debug)]
pub struct Chunks<'a> {
    first: Option<&'a [u8]>,
    rest: Reader<'a>,
}

impl<'a> Iterator for Chunks<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        if self.rest.rest().is_empty() {
            return None;
        }
        let (length, _) = self.rest.length().ok()?;
        self.rest.octets(length).ok()
    }
}

/// An OCTET STRING (SIZE (MIN..MAX)) of more than two octets at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SizedOctets<'a, const MIN: usize, const MAX: usize>(&'a [u8]);

impl<'a, const MIN: usize, const MAX: usize> SizedOctets<'a, MIN, MAX> {
    /// A view of a slice, if its length is within the bounds.
    pub const fn new(octets: &'a [u8]) -> Option<Self> {
        if octets.len() < MIN || octets.len() > MAX { None } else { Some(Self(octets)) }
    }

    /// The octets.
    pub const fn as_slice(&self) -> &'a [u8] {
        self.0
    }
}

impl<'a, const MIN: usize, const MAX: usize> Value<'a> for SizedOctets<'a, MIN, MAX> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ParseError> {
        let (size, more) = reader.size(MIN, MAX)?;
        if more {
            return Err(reader.error(Fault::Fragmented));
        }
        if size == 0 {
            return Ok(Self(&[]));
        }
        reader.octets(size).map(Self)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.size(self.0.len(), MIN, MAX);
        if !self.0.is_empty() {
            writer.put(self.0);
        }
    }
}

/// An OCTET STRING (SIZE (2)), which stands in the bit stream unaligned (X.691 section 16.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TwoOctets(pub [u8; 2]);

impl<'a> Value<'a> for TwoOctets {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ParseError> {
        Ok(Self((reader.bits(16)? as u16).to_be_bytes()))
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.bits(u64::from(u16::from_be_bytes(self.0)), 16);
    }
}

/// An OBJECT IDENTIFIER: its contents octets (X.690 section 8.19).
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ObjectIdentifier<'a>(&'a [u8]);

impl<'a> ObjectIdentifier<'a> {
    /// From contents octets; `None` where these are no whole identifier.
    pub fn new(contents: &'a [u8]) -> Option<Self> {
        let ends = contents.last().is_some_and(|octet| octet & 0x80 == 0);
        (ends && contents.len() < 128).then_some(Self(contents))
    }

    /// From contents octets that are known to be an identifier.
    pub(crate) const fn known(contents: &'a [u8]) -> Self {
        Self(contents)
    }

    /// The contents octets.
    pub const fn contents(&self) -> &'a [u8] {
        self.0
    }

    /// The numbers of the identifier, as far as 64 bits hold them.
    pub fn arcs(&self) -> impl Iterator<Item = u64> + 'a {
        let mut numbers = self.0.split_inclusive(|octet| octet & 0x80 == 0).map(|octets| {
            octets.iter().fold(0u64, |value, octet| value.wrapping_shl(7) | u64::from(octet & 0x7f))
        });
        let first = numbers.next().unwrap_or(0);
        let top = (first / 40).min(2);
        [top, first - top * 40].into_iter().chain(numbers)
    }
}

impl fmt::Debug for ObjectIdentifier<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, arc) in self.arcs().enumerate() {
            if number > 0 {
                f.write_str(".")?;
            }
            write!(f, "{arc}")?;
        }
        Ok(())
    }
}

impl<'a> Value<'a> for ObjectIdentifier<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ParseError> {
        let (length, more) = reader.length()?;
        if more {
            return Err(reader.error(Fault::BadLength));
        }
        let at = reader.error(Fault::OutOfRange);
        Self::new(reader.octets(length)?).ok_or(at)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.length(self.0.len());
        writer.put(self.0);
    }
}

/// A BIT STRING with named bits and no bound, of 64 bits at most here (X.691 section 15).
///
/// Its length is kept as the wire has it, for trailing zero bits mean nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Flags {
    bits: u64,
    len: u8,
}

impl Flags {
    /// No bit set.
    pub const NONE: Self = Self { bits: 0, len: 0 };

    /// With the bit of this number set too; numbers beyond 63 change nothing.
    #[must_use]
    pub const fn with(self, number: u8) -> Self {
        if number > 63 {
            return self;
        }
        let len = if self.len > number { self.len } else { number + 1 };
        Self { bits: self.bits | (1 << 63) >> number, len }
    }

    /// Whether the bit of this number is set.
    pub const fn has(self, number: u8) -> bool {
        number < 64 && self.bits & ((1 << 63) >> number) != 0
    }
}

impl<'a> Value<'a> for Flags {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ParseError> {
        match reader.length()? {
            (0, false) => Ok(Self::NONE),
            (len @ 1..=64, false) => {
                let bits = reader.bits(len as u32)? << (64 - len);
                Ok(Self { bits, len: len as u8 })
            }
            _ => Err(reader.error(Fault::OutOfRange)),
        }
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.length(usize::from(self.len));
        if self.len > 0 {
            writer.bits(self.bits >> (64 - self.len), u32::from(self.len));
        }
    }
}
