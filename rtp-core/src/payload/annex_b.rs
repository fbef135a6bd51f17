//! The byte stream of H.264 and H.265, annex B of both: NAL units behind start codes.

/// Where a unit begins and ends.
pub(super) type Place = (usize, usize);

/// Finds the next NAL unit of a byte stream at or behind `at`. Zeros that belong to start codes, or
/// trail a unit, are not part of it.
pub(super) fn next_unit(stream: &[u8], mut at: usize) -> Option<Place> {
    loop {
        let begin = start_code(stream, at)? + 3;
        let behind = start_code(stream, begin).unwrap_or(stream.len());
        let unit = stream.get(begin..behind)?;
        // A unit never ends with zero (H.264 section 7.4.1); one of nothing is none.
        if let Some(last) = unit.iter().rposition(|octet| *octet != 0) {
            return Some((begin, begin + last + 1));
        }
        at = behind;
    }
}

/// Finds 00 00 01 at or behind `at`.
fn start_code(stream: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let rest = stream.get(at..)?;
        // Coded pictures have few zeros: eight octets without one hold no beginning of a code.
        if let Some(eight) = rest.first_chunk::<8>()
            && !has_zero(u64::from_ne_bytes(*eight))
        {
            at += 8;
            continue;
        }
        // The third octet tells how far to go on: above 1 it is part of no start code, and a 1 that
        // no two zeros stand before is none either.
        match rest.first_chunk::<3>()? {
            [0, 0, 1] => return Some(at),
            [_, _, 0] => at += 1,
            _ => at += 3,
        }
    }
}

/// Whether one of eight octets is zero: only a zero borrows without having had its upper bit.
const fn has_zero(octets: u64) -> bool {
    const LOW: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    octets.wrapping_sub(LOW) & !octets & HIGH != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn units(stream: &[u8]) -> Vec<&[u8]> {
        let mut at = 0;
        core::iter::from_fn(|| {
            let (begin, end) = next_unit(stream, at)?;
            at = end;
            Some(&stream[begin..end])
        })
        .collect()
    }

    #[test]
    fn units_stand_between_start_codes_of_three_and_four_octets() {
        let stream = [0, 0, 0, 1, 9, 0, 5, 0, 0, 1, 7, 0, 0, 3, 1, 0, 0, 0, 0, 1, 8];
        assert_eq!(units(&stream), [&[9, 0, 5][..], &[7, 0, 0, 3, 1], &[8]]);
    }

    #[test]
    fn units_of_nothing_and_trailing_zeros_are_passed_over() {
        assert_eq!(units(&[0, 0, 1, 0, 0, 1, 0, 0, 1, 5, 0, 0]), [&[5]]);
        assert_eq!(units(&[1, 2, 3, 0, 0, 1]), [&[0u8; 0]; 0]);
        assert_eq!(units(&[]), [&[0u8; 0]; 0]);
    }

    #[test]
    fn every_start_code_is_found_whatever_stands_before_it() {
        for n in 0..4096u32 {
            let before: Vec<u8> = (0..6).map(|digit| (n >> (2 * digit)) as u8 & 3).collect();
            for padding in 0..9 {
                let stream = [&alloc::vec![7; padding], &before[..], &[0, 0, 1, 9, 9, 9]].concat();
                let expected = stream.windows(3).position(|window| window == [0, 0, 1]);
                assert_eq!(start_code(&stream, 0), expected, "{stream:?}");
            }
        }
    }
}
