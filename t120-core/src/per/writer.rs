//! Writing bits, numbers, lengths and indexes.

use super::{Value, bits_for, octets_for};
use crate::error::Fault;
use crate::tpkt::copy;

/// Writes aligned PER into a buffer (X.691), or only counts what it would write.
///
/// Writing beyond the buffer's end counts on without writing, so that the caller learns how much
/// room is needed.
#[derive(Debug)]
pub struct Writer<'b> {
    buffer: &'b mut [u8],
    bit: usize,
    fault: Option<Fault>,
}

impl<'b> Writer<'b> {
    /// A writer at the start of `buffer`.
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, bit: 0, fault: None }
    }

    /// A writer that counts.
    pub const fn counting() -> Self {
        Self { buffer: &mut [], bit: 0, fault: None }
    }

    /// One bit.
    pub fn bit(&mut self, bit: bool) {
        self.bits(u64::from(bit), 1);
    }

    /// The lowest `count` bits of a number, the greatest first.
    pub fn bits(&mut self, value: u64, count: u32) {
        if self.bit.is_multiple_of(8) && count.is_multiple_of(8) && count <= 64 {
            // Whole octets on a boundary: most of what is written.
            let octets = value.wrapping_shl(64u32.wrapping_sub(count)).to_be_bytes();
            let octets = octets.get(..(count / 8) as usize).unwrap_or_default();
            return self.put(octets);
        }
        let mut left = count;
        while left > 0 {
            let used = (self.bit % 8) as u32;
            let take = left.min(8 - used);
            let part = (value >> (left - take)) as u32 & ((1 << take) - 1);
            if let Some(octet) = self.buffer.get_mut(self.bit / 8) {
                let kept = if used == 0 { 0 } else { *octet };
                *octet = kept | (part << (8 - used - take)) as u8;
            }
            left -= take;
            self.bit += take as usize;
        }
    }

    /// Goes on to the next octet boundary.
    pub const fn align(&mut self) {
        self.bit = (self.bit + 7) & !7;
    }

    /// Octets from the next octet boundary on.
    pub fn put(&mut self, octets: &[u8]) {
        self.align();
        let start = self.bit / 8;
        if let Some(room) = self.buffer.get_mut(start..start.saturating_add(octets.len())) {
            copy(room, octets);
        }
        self.bit += octets.len() * 8;
    }

    /// A constrained whole number (X.691 section 10.5); one outside its bounds is a fault.
    pub fn constrained(&mut self, value: i64, min: i64, max: i64) {
        if value < min || value > max {
            self.fail(Fault::OutOfRange);
            return;
        }
        let span = max.wrapping_sub(min).cast_unsigned();
        let offset = value.wrapping_sub(min).cast_unsigned();
        if span < 255 {
            self.bits(offset, bits_for(span));
        } else if span == 255 {
            self.align();
            self.bits(offset, 8);
        } else if span < 65536 {
            self.align();
            self.bits(offset, 16);
        } else {
            let most = octets_for(span);
            let count = octets_for(offset);
            self.bits(u64::from(count - 1), bits_for(u64::from(most - 1)));
            self.align();
            self.bits(offset, count * 8);
        }
    }

    /// A length determinant of a whole value below 16384 (X.691 section 10.9.3).
    pub fn length(&mut self, length: usize) {
        self.align();
        match length {
            0..128 => self.bits(length as u64, 8),
            128..16384 => self.bits(0x8000 | length as u64, 16),
            _ => self.fail(Fault::OutOfRange),
        }
    }

    /// The length of a type whose size is constrained to `min..=max`, where it is below 16384 or
    /// the bound below 65536.
    pub fn size(&mut self, size: usize, min: usize, max: usize) {
        if max < 65536 {
            self.constrained(size as i64, min as i64, max as i64);
        } else if size < min {
            self.fail(Fault::OutOfRange);
        } else {
            self.length(size);
        }
    }

    /// A normally small non-negative whole number (X.691 section 10.6).
    pub fn small(&mut self, value: u32) {
        if value < 64 {
            self.bits(u64::from(value), 7);
        } else {
            self.bit(true);
            let count = octets_for(u64::from(value));
            self.length(count as usize);
            self.bits(u64::from(value), count * 8);
        }
    }

    /// The index of an alternative of the root (X.691 section 22).
    pub fn index(&mut self, extensible: bool, index: u32, roots: u32) {
        if extensible {
            self.bit(false);
        }
        self.constrained(i64::from(index), 0, i64::from(roots.saturating_sub(1)));
    }

    /// The index of an alternative that is an extension addition.
    pub fn addition_index(&mut self, index: u32) {
        self.bit(true);
        self.small(index);
    }

    /// How many additions the bitmap that follows speaks of.
    pub fn additions(&mut self, count: u32) {
        self.small(count.saturating_sub(1));
    }

    /// A value as an open type: aligned, with its length in octets before it.
    pub fn open<'a, T: Value<'a>>(&mut self, value: &T) {
        let mut counting = Writer::counting();
        value.write(&mut counting);
        let length = counting.octets();
        self.length(length);
        let end = self.bit + length * 8;
        value.write(self);
        // An empty encoding is one octet of zero.
        if self.bit < end {
            self.bits(0, (end - self.bit) as u32);
        }
    }

    /// Notes that the value cannot be encoded; the first fault stands.
    pub fn fail(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    /// How many octets were or would have been written: a complete encoding has at least one.
    pub const fn octets(&self) -> usize {
        let octets = self.bit.div_ceil(8);
        if octets == 0 { 1 } else { octets }
    }

    /// Why the value cannot be encoded.
    pub const fn fault(&self) -> Option<Fault> {
        self.fault
    }
}
