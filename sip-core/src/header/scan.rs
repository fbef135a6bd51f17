//! Looks for octets, eight at a time.
//!
//! What is looked for stands some 5 to 60 octets away, which is too near for a vectorized search to pay
//! for its start. What is left behind the last eight is looked at together with octets that were looked
//! at before, instead of one by one.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Where the first CR or LF stands.
///
/// Octets are asked whether one of them is below 16, as hardly anything but line ends is: sixteen at
/// a time, and then eight.
#[cfg_attr(target_pointer_width = "64", inline(always))]
pub(crate) fn find_line_end(octets: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        if cfg!(target_pointer_width = "64") {
            for chunk in octets.get(at..)?.as_chunks::<16>().0 {
                if chunk.iter().fold(false, |found, octet| found | (*octet < 16)) {
                    break;
                }
                at += 16;
            }
        }
        at += search(octets.get(at..)?, |word| below(word, 16), |octet| octet < 16)?;
        if let Some(b'\r' | b'\n') = octets.get(at) {
            return Some(at);
        }
        at += 1;
    }
}

/// Where the first of one or two octets stands.
#[cfg_attr(target_pointer_width = "64", inline(always))]
pub(crate) fn find<const N: usize>(octets: &[u8], wanted: [u8; N]) -> Option<usize> {
    search(
        octets,
        |word| wanted.iter().fold(0, |all, octet| all | zero(word ^ (ONES * u64::from(*octet)))),
        |octet| wanted.contains(&octet),
    )
}

/// Where the first octet stands that is a space or a control character.
#[cfg_attr(target_pointer_width = "64", inline(always))]
pub(crate) fn find_blank(octets: &[u8]) -> Option<usize> {
    search(octets, |word| below(word, b' ' + 1), |octet| octet <= b' ')
}

/// Which of three times eight octets are this one: where the first of them stands, and the second.
#[cfg_attr(target_pointer_width = "64", inline(always))]
pub(crate) fn first_two(octets: &[u8; 24], wanted: u8) -> (Option<usize>, Option<usize>) {
    if cfg!(not(target_pointer_width = "64")) {
        let mut found = (0..).zip(octets).filter(|(_, octet)| **octet == wanted);
        let mut next = || found.next().map(|(place, _)| place);
        return (next(), next());
    }
    // Neither the octets nor the wanted one are above 127, so that none takes a bit from its neighbour.
    let wanted = u64::from(wanted) * ONES;
    let [a, b, c] = [0, 8, 16].map(|at| {
        let word = octets.get(at..).and_then(|octets| octets.first_chunk()).copied();
        HIGH.wrapping_sub(u64::from_le_bytes(word.unwrap_or_default()) ^ wanted) & HIGH
    });
    let place = |at: usize, found: u64| Some(at + found.trailing_zeros() as usize / 8);
    let first_of = |at: usize, words: [u64; 3]| match words {
        [0, 0, 0] => None,
        [0, 0, word] => place(at + 16, word),
        [0, word, _] => place(at + 8, word),
        [word, ..] => place(at, word),
    };
    let first = first_of(0, [a, b, c]);
    let rest = if a != 0 {
        [a & (a - 1), b, c]
    } else if b != 0 {
        [0, b & (b - 1), c]
    } else {
        [0, 0, c & c.wrapping_sub(1)]
    };
    (first, first_of(0, rest))
}

/// The search, by words and by octets where there are fewer than eight.
#[cfg_attr(target_pointer_width = "64", inline(always))]
fn search(
    octets: &[u8],
    found_in: impl Fn(u64) -> u64,
    is_found: impl Fn(u8) -> bool,
) -> Option<usize> {
    let (chunks, rest) = octets.as_chunks::<8>();
    let mut at = 0;
    for chunk in chunks {
        let found = found_in(u64::from_le_bytes(*chunk));
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    // The last eight overlap with what stands before them.
    if cfg!(target_pointer_width = "64")
        && let Some(last) = octets.last_chunk::<8>()
    {
        let found = found_in(u64::from_le_bytes(*last));
        let place = octets.len() - 8 + found.trailing_zeros() as usize / 8;
        return (found != 0).then_some(place);
    }
    rest.iter().position(|octet| is_found(*octet)).map(|found| at + found)
}

/// The octets of a word that are zero; the lowest bit of the result is at the first of them.
#[inline(always)]
const fn zero(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGH
}

/// The octets of a word that are below a number of up to 128; the lowest bit of the result is at the
/// first of them.
#[inline(always)]
const fn below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(ONES * limit as u64) & !word & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found_and_none_before_it() {
        for length in 0..50 {
            for place in 0..length {
                let mut octets = [b'x'; 50];
                // What is like what is looked for, and is not: a high bit, a neighbour, a tab.
                for (at, octet) in octets.iter_mut().enumerate() {
                    *octet = [b'x', 0x8d, 0xff, b'\t', 0x0e, b'!', 0xbb][at % 7];
                }
                octets[place] = b'\r';
                assert_eq!(find_line_end(&octets[..length]), Some(place), "{length}");
                assert_eq!(find_line_end(&octets[..place]), None);
                octets[place] = b':';
                assert_eq!(find(&octets[..length], [b':']), Some(place), "{length}");
                assert_eq!(find(&octets[..length], [b'?', b':']), Some(place), "{length}");
                assert_eq!(find(&octets[..place], [b':']), None);
                octets.fill(0xff);
                octets[place] = b' ';
                assert_eq!(find_blank(&octets[..length]), Some(place), "{length}");
                assert_eq!(find_blank(&octets[..place]), None);
            }
        }
    }

    #[test]
    fn the_first_two_places_of_a_number_are_found() {
        for first in 0..24 {
            for second in first..24 {
                let mut octets = [5; 24];
                octets[first] = 4;
                octets[second] = 4;
                let found = (Some(first), (second > first).then_some(second));
                assert_eq!(first_two(&octets, 4), found);
            }
        }
        assert_eq!(first_two(&[5; 24], 4), (None, None));
    }
}
