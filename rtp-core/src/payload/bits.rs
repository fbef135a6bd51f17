//! Bit streams whose packets begin and end within octets: H.261 and H.263.
//!
//! SBIT says how many bits of a payload's first octet belong to the packet before, EBIT how many of its
//! last one belong to the next. Where both packets are there, the octet at the seam is one again.

use super::Error;
use super::assembly::Assembly;

/// Reads bits, most significant first.
#[derive(Clone, Copy, Debug)]
pub(super) struct BitReader<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(super) const fn new(octets: &'a [u8], at: usize) -> Self {
        Self { octets, at }
    }

    /// The next `count` bits, 24 at most.
    pub(super) fn read(&mut self, count: usize) -> Option<u32> {
        let first = self.at / 8;
        let mut window = 0u32;
        for offset in 0..4 {
            window =
                (window << 8) | u32::from(self.octets.get(first + offset).copied().unwrap_or(0));
        }
        let end = self.at.checked_add(count)?;
        if end > self.octets.len() * 8 {
            return None;
        }
        let skip = self.at % 8;
        self.at = end;
        // Nothing is left of 32 bits that are shifted by as many.
        Some((window << skip).checked_shr(32 - count as u32).unwrap_or(0))
    }
}

/// Finds the next start code of `zeros` zeros and a one, or more, at or behind the bit `at`; gives the
/// bit that it begins with: `zeros` before the one.
pub(super) fn start_code(octets: &[u8], at: usize, zeros: usize) -> Option<usize> {
    let mut run = 0;
    let mut bit = at;
    let len = octets.len() * 8;
    while bit < len {
        let octet = octets.get(bit / 8).copied()?;
        let offset = bit % 8;
        // What is left of this octet.
        let left = octet << offset;
        if left == 0 {
            run += 8 - offset;
            bit += 8 - offset;
            continue;
        }
        let before = left.leading_zeros() as usize;
        if run + before >= zeros {
            return Some(bit + before - zeros);
        }
        // Only zeros at the octet's end can belong to a code that is this long.
        run = octet.trailing_zeros() as usize;
        bit += 8 - offset;
    }
    None
}

/// The octets that hold the bits from `begin` to `end`, and how many bits at both ends are not theirs.
pub(super) fn span(octets: &[u8], begin: usize, end: usize) -> Option<(&[u8], u8, u8)> {
    let part = octets.get(begin / 8..end.div_ceil(8))?;
    Some((part, (begin % 8) as u8, ((8 - end % 8) % 8) as u8))
}

/// Where the next payload ends: at the furthest of the bits that it may be cut at, as long as its
/// octets are `limit` at most. These bits are start codes, the bits given in `others`, which rise, and
/// the end.
pub(super) fn cut(
    octets: &[u8],
    begin: usize,
    zeros: usize,
    limit: usize,
    others: impl Iterator<Item = usize>,
) -> Option<usize> {
    let fits = |end: &usize| *end > begin && end.div_ceil(8) - begin / 8 <= limit;
    let total = octets.len() * 8;
    if fits(&total) {
        return Some(total);
    }
    // No further than the limit, and the code itself.
    let window = octets.get(..(begin / 8 + limit + 4).min(octets.len()))?;
    let code = |at| start_code(window, at, zeros).filter(fits);
    let codes = core::iter::successors(code(begin + 1), |at| code(at + 1));
    codes.chain(others.skip_while(|bit| *bit <= begin).take_while(fits)).max()
}

/// Puts payloads together bit by bit.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Seam {
    /// Bits of the last octet that are not part of the frame yet.
    free: u8,
}

impl Seam {
    pub(super) const fn new() -> Self {
        Self { free: 0 }
    }

    /// A frame begins, or packets are missing: the next payload begins with an octet of its own.
    pub(super) fn break_off(&mut self) {
        self.free = 0;
    }

    /// Puts a payload behind what is there; both counts are below 8.
    pub(super) fn append(
        &mut self,
        assembly: &mut Assembly,
        frame: &mut [u8],
        payload: &[u8],
        (sbit, ebit): (u8, u8),
    ) -> Result<(), Error> {
        let bits = (payload.len() * 8).saturating_sub(usize::from(sbit) + usize::from(ebit));
        if bits == 0 {
            return Ok(());
        }
        let Some((first, rest)) = payload.split_first() else { return Ok(()) };
        let mask = 0xff_u8.checked_shr(sbit.into()).unwrap_or(0);
        if self.free == 0 {
            // Bits that are nobody's stay zero, as stuffing before a start code is.
            let place = assembly.reserve(frame, payload.len())?;
            if let Some((head, tail)) = place.split_first_mut() {
                *head = first & mask;
                tail.copy_from_slice(rest);
            }
        } else if self.free + sbit == 8 {
            assembly.reserve(frame, rest.len())?.copy_from_slice(rest);
            let seam = assembly.len() - rest.len() - 1;
            if let Some(octet) = frame.get_mut(seam) {
                *octet |= first & mask;
            }
        } else {
            return self.shift(assembly, frame, payload, (sbit, bits));
        }
        self.end(assembly, frame, ebit);
        Ok(())
    }

    /// The same where the seams do not meet: every octet is shifted.
    fn shift(
        &mut self,
        assembly: &mut Assembly,
        frame: &mut [u8],
        payload: &[u8],
        (sbit, bits): (u8, usize),
    ) -> Result<(), Error> {
        let free = usize::from(self.free);
        let octets = bits.saturating_sub(free).div_ceil(8);
        let seam = assembly.len().saturating_sub(1);
        assembly.reserve(frame, octets)?.fill(0);
        let Some(place) = frame.get_mut(seam..assembly.len()) else { return Ok(()) };
        let mut reader = BitReader::new(payload, sbit.into());
        let mut left = bits;
        let mut room = free;
        for cell in place {
            let count = room.min(left);
            let piece = reader.read(count).unwrap_or(0) as u8;
            if count > 0 {
                *cell |= piece << (room - count);
            }
            left -= count;
            if left == 0 {
                self.end(assembly, frame, (room - count) as u8);
                return Ok(());
            }
            room = 8;
        }
        Ok(())
    }

    fn end(&mut self, assembly: &Assembly, frame: &mut [u8], ebit: u8) {
        self.free = ebit;
        let last = assembly.len().checked_sub(1);
        if let Some(octet) = last.and_then(|last| frame.get_mut(last)) {
            *octet &= 0xff << (ebit & 7);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::Received;
    use alloc::vec::Vec;

    #[test]
    fn start_codes_are_found_at_every_bit() {
        for shift in 0..24 {
            // Ones up to the code, sixteen zeros, and ones again.
            let code = (1u64 << (40 - shift)) - 1;
            let ones = !0u64 << (56 - shift);
            let octets = (code | ones).to_be_bytes();
            assert_eq!(start_code(&octets, 0, 16), Some(8 + shift), "{shift}");
            assert_eq!(start_code(&octets, 8 + shift, 16), Some(8 + shift), "{shift}");
            assert_eq!(start_code(&octets, 9 + shift, 16), None, "{shift}");
        }
        assert_eq!(start_code(&[0, 0, 0, 1], 0, 16), Some(15));
        assert_eq!(start_code(&[0; 9], 0, 16), None);
    }

    fn begun() -> Assembly {
        let mut assembly = Assembly::new();
        assembly.admit(&Received::default()).expect("the first packet");
        assembly
    }

    #[test]
    fn a_stream_that_is_cut_anywhere_comes_back() {
        let stream = [0xa5, 0x3c, 0x0f, 0x96, 0xe1];
        for first in 0..=40 {
            for second in first..=40 {
                let (mut assembly, mut seam, mut frame) = (begun(), Seam::new(), [0xee; 8]);
                for (begin, end) in [(0, first), (first, second), (second, 40)] {
                    let (part, sbit, ebit) = span(&stream, begin, end).expect("inside");
                    // An empty part between two bits of one octet has no octet.
                    let part = if begin == end { &[] } else { part };
                    seam.append(&mut assembly, &mut frame, part, (sbit, ebit)).expect("it fits");
                }
                assert_eq!(frame[..assembly.len()], stream, "{first} {second}");
            }
        }
    }

    #[test]
    fn seams_that_do_not_meet_are_shifted() {
        let bits = |octets: &[u8], from: usize, to: usize| -> Vec<u8> {
            (from..to).map(|bit| (octets[bit / 8] >> (7 - bit % 8)) & 1).collect()
        };
        let (a, b) = ([0xa5, 0x5a], [0x3c, 0x69, 0xf0]);
        for ebit in 0..8u8 {
            for sbit in 0..8u8 {
                for end in 0..8u8 {
                    let (mut assembly, mut seam, mut frame) = (begun(), Seam::new(), [0xee; 8]);
                    seam.append(&mut assembly, &mut frame, &a, (0, ebit)).expect("it fits");
                    seam.append(&mut assembly, &mut frame, &b, (sbit, end)).expect("it fits");
                    let mut expected = bits(&a, 0, 16 - usize::from(ebit));
                    if ebit == 0 {
                        // On an octet's border the bits that are nobody's stay, as zeros.
                        expected.extend(core::iter::repeat_n(0, sbit.into()));
                    }
                    expected.extend(bits(&b, sbit.into(), 24 - usize::from(end)));
                    let seen = bits(&frame, 0, expected.len());
                    assert_eq!(seen, expected, "{ebit} {sbit} {end}");
                    assert_eq!(assembly.len(), expected.len().div_ceil(8));
                }
            }
        }
    }
}
