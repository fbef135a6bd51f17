//! G.711: telephone speech, 8000 samples a second of 8 bits each, in two laws.
//!
//! A code is a floating-point number: sign, exponent of 3 bits, mantissa of 4.
//!
//! ```text
//! mu-law   (|x| / 4 + 33)  = (16 + mantissa + ½) · 2^(exponent + 1)      all bits inverted
//! A-law    |x| / 16        = (16 + mantissa + ½) · 2^(exponent - 1)      even bits inverted
//! ```
//!
//! So the encoder reads exponent and mantissa off an ordinary floating-point number, many samples
//! at a time where the processor has vectors, and counts leading zeros where it has none. The
//! result is that of ITU-T G.191's reference for each of the 65536 samples.

/// Which of the two laws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Law {
    /// Mu-law, payload type 0 (PCMU): North America and Japan.
    Mu,
    /// A-law, payload type 8 (PCMA): elsewhere.
    A,
}

/// The code of digital silence in mu-law.
pub const MU_SILENCE: u8 = 0xff;
/// The code of digital silence in A-law.
pub const A_SILENCE: u8 = 0xd5;

impl Law {
    /// Encodes linear samples of 16 bits, as many as both slices hold; says how many.
    #[inline]
    pub fn encode(self, samples: &[i16], codes: &mut [u8]) -> usize {
        match self {
            Self::Mu => encode_all_mu(samples, codes),
            Self::A => encode_all_a(samples, codes),
        }
    }

    /// Decodes to linear samples of 16 bits, as many as both slices hold; says how many.
    #[inline]
    pub fn decode(self, codes: &[u8], samples: &mut [i16]) -> usize {
        match self {
            Self::Mu => decode_all_mu(codes, samples),
            Self::A => decode_all_a(codes, samples),
        }
    }

    /// The code of digital silence.
    pub const fn silence(self) -> u8 {
        match self {
            Self::Mu => MU_SILENCE,
            Self::A => A_SILENCE,
        }
    }
}

// Where there are vectors each stands by itself: within a caller's code compilers run out of registers
// for them.

#[cfg_attr(any(target_arch = "x86_64", target_arch = "aarch64"), inline(never))]
fn encode_all_mu(samples: &[i16], codes: &mut [u8]) -> usize {
    in_blocks(samples, codes, encode_mu)
}

#[cfg_attr(any(target_arch = "x86_64", target_arch = "aarch64"), inline(never))]
fn encode_all_a(samples: &[i16], codes: &mut [u8]) -> usize {
    in_blocks(samples, codes, encode_a)
}

#[cfg_attr(any(target_arch = "x86_64", target_arch = "aarch64"), inline(never))]
fn decode_all_mu(codes: &[u8], samples: &mut [i16]) -> usize {
    in_blocks(codes, samples, decode_mu)
}

#[cfg_attr(any(target_arch = "x86_64", target_arch = "aarch64"), inline(never))]
fn decode_all_a(codes: &[u8], samples: &mut [i16]) -> usize {
    in_blocks(codes, samples, decode_a)
}

/// Goes by blocks, of which compilers make vector code where there are vectors, and then through what
/// is left over.
#[inline(always)]
fn in_blocks<A: Copy, B>(from: &[A], to: &mut [B], each: impl Fn(A) -> B) -> usize {
    let count = from.len().min(to.len());
    let (from, _) = from.split_at(count);
    let (to, _) = to.split_at_mut(count);
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    let (from, to) = {
        let (from_blocks, from) = from.as_chunks::<16>();
        let (to_blocks, to) = to.as_chunks_mut::<16>();
        for (to, from) in to_blocks.iter_mut().zip(from_blocks) {
            *to = from.map(&each);
        }
        (from, to)
    };
    for (to, from) in to.iter_mut().zip(from) {
        *to = each(*from);
    }
    count
}

/// Encodes one sample in mu-law.
#[inline(always)]
pub fn encode_mu(sample: i16) -> u8 {
    // Ones' complement, as the reference has it: -1 is as near to zero as 0. (Saturating addition of
    // 132 would be two steps less, but keeps compilers from vectors.)
    let magnitude = (((sample ^ (sample >> 15)) >> 2) + 33).min(0x1fff);
    // 33 to 8191: exponents 5 to 12.
    let code = exponent_and_mantissa(magnitude, 5);
    // All bits inverted: -1 less the code. Set for positive samples.
    let sign = (sample >> 15) & 0x80;
    ((-1 - code) ^ sign) as u8
}

/// Encodes one sample in A-law.
#[inline(always)]
pub fn encode_a(sample: i16) -> u8 {
    let magnitude = (sample ^ (sample >> 15)) >> 4;
    // 16 to 2047: exponents 4 to 10, which are segments 1 to 7. Below, the code is the number
    // itself: that of 16, less what the number is less.
    let linear = magnitude - 16;
    let code = exponent_and_mantissa(magnitude.max(16), 3) + (linear & (linear >> 15));
    let sign = (!sample >> 15) & 0x80;
    ((code | sign) as u8) ^ 0x55
}

/// Decodes one code of mu-law.
#[inline]
#[expect(clippy::indexing_slicing, reason = "an octet is always inside a table of 256")]
pub fn decode_mu(code: u8) -> i16 {
    MU_LINEAR[code as usize]
}

/// Decodes one code of A-law.
#[inline]
#[expect(clippy::indexing_slicing, reason = "an octet is always inside a table of 256")]
pub fn decode_a(code: u8) -> i16 {
    A_LINEAR[code as usize]
}

/// The exponent of `number`, less `least`, and the four bits behind its highest one.
#[inline(always)]
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn exponent_and_mantissa(number: i16, least: i16) -> i16 {
    // Exact: the number has fewer bits than the float's mantissa. Compilers make vector code of
    // this, and none of counting zeros. It is positive: without a sign it is widened in half the steps.
    (f32::from(number as u16).to_bits() >> 19) as i16 - ((127 + least) << 4)
}

/// The exponent of `number`, less `least`, and the four bits behind its highest one.
#[inline(always)]
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn exponent_and_mantissa(number: i16, least: i16) -> i16 {
    by_leading_zeros(number, least)
}

#[inline(always)]
#[cfg(any(test, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn by_leading_zeros(number: i16, least: i16) -> i16 {
    // At least 16 in both laws: the highest bit is the fifth or a higher one.
    let exponent = 15 - number.leading_zeros() as i16;
    ((exponent - least) << 4) | ((number >> (exponent - 4)) & 0x0f)
}

#[expect(clippy::indexing_slicing, reason = "checked while it is compiled")]
static MU_LINEAR: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        let inverted = !(code as u8);
        let mantissa = (inverted & 0x0f) as i16;
        let exponent = (inverted >> 4) & 7;
        let magnitude = (((mantissa * 2 + 33) << exponent) - 33) << 2;
        table[code] = if inverted & 0x80 != 0 { -magnitude } else { magnitude };
        code += 1;
    }
    table
};

#[expect(clippy::indexing_slicing, reason = "checked while it is compiled")]
static A_LINEAR: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        let plain = (code as u8) ^ 0x55;
        let mantissa = (plain & 0x0f) as i16;
        let exponent = (plain >> 4) & 7;
        let magnitude = if exponent == 0 {
            (mantissa * 2 + 1) << 3
        } else {
            (mantissa * 2 + 33) << (exponent + 2)
        };
        table[code] = if plain & 0x80 != 0 { magnitude } else { -magnitude };
        code += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use std::path::PathBuf;

    /// G.711 table 2a's decision: the code whose segment and interval hold the sample.
    fn mu_by_definition(sample: i16) -> u8 {
        let magnitude = i32::from(if sample < 0 { !sample } else { sample }) / 4 + 33;
        let magnitude = magnitude.min(8191);
        let mut segment = 0;
        while magnitude >= (64 << segment) {
            segment += 1;
        }
        let interval = (magnitude - (32 << segment)) / (2 << segment);
        let sign = if sample < 0 { 0 } else { 0x80 };
        (sign | (0x7f - (segment * 16 + interval))) as u8
    }

    fn a_by_definition(sample: i16) -> u8 {
        let magnitude = i32::from(if sample < 0 { !sample } else { sample }) / 16;
        let mut segment = 0;
        while magnitude >= (16 << segment) {
            segment += 1;
        }
        let interval = if segment == 0 {
            magnitude
        } else {
            (magnitude - (8 << segment)) / (1 << (segment - 1))
        };
        let sign = if sample < 0 { 0 } else { 0x80 };
        ((sign | (segment * 16 + interval)) as u8) ^ 0x55
    }

    #[test]
    fn each_of_65536_samples_is_encoded_as_the_definition_says() {
        for sample in i16::MIN..=i16::MAX {
            assert_eq!(encode_mu(sample), mu_by_definition(sample), "{sample}");
            assert_eq!(encode_a(sample), a_by_definition(sample), "{sample}");
        }
    }

    #[test]
    fn counting_zeros_agrees_with_the_float() {
        for number in 16..=i16::MAX {
            let least = if number < 32 { 3 } else { 5 };
            assert_eq!(by_leading_zeros(number, least), exponent_and_mantissa(number, least));
        }
    }

    #[test]
    fn a_code_decoded_and_encoded_is_the_same_code() {
        for code in 0..=u8::MAX {
            assert_eq!(encode_a(decode_a(code)), code);
            // Mu-law has two zeros; the positive one is encoded.
            let expected = if code == 0x7f { 0xff } else { code };
            assert_eq!(encode_mu(decode_mu(code)), expected);
        }
    }

    #[test]
    fn silence_is_zero_or_next_to_it() {
        assert_eq!(decode_mu(Law::Mu.silence()), 0);
        assert_eq!(decode_a(Law::A.silence()), 8);
    }

    #[test]
    fn the_shorter_slice_decides_how_much_is_coded() {
        let mut codes = [0; 3];
        assert_eq!(Law::Mu.encode(&[0; 5], &mut codes), 3);
        let mut samples = [1; 5];
        assert_eq!(Law::A.decode(&codes, &mut samples), 3);
        assert_eq!(samples[3..], [1, 1]);
    }

    /// The words of one of ITU-T G.191's sequences, little endian.
    fn sequence(name: &str) -> Option<Vec<u16>> {
        let path: PathBuf =
            [env!("CARGO_MANIFEST_DIR"), "../../shared/rtp-itu/g711", name].iter().collect();
        let Ok(octets) = std::fs::read(&path) else {
            std::eprintln!("SKIPPED: {} is not there: nothing was shown here", path.display());
            return None;
        };
        Some(octets.as_chunks().0.iter().map(|word| u16::from_le_bytes(*word)).collect())
    }

    #[test]
    fn the_sequences_of_the_itu_come_out_bit_by_bit() {
        let Some(sweep) = sequence("sweep.src") else { return };
        assert_eq!(sweep.len(), 65_536);
        let samples: Vec<i16> = sweep.iter().map(|word| *word as i16).collect();
        for (law, coded, decoded) in
            [(Law::A, "sweep-r.a", "sweep-r.a-a"), (Law::Mu, "sweep-r.u", "sweep-r.u-u")]
        {
            let mut codes = alloc::vec![0; samples.len()];
            law.encode(&samples, &mut codes);
            let expected = sequence(coded).expect("it stands beside the sweep");
            assert!(codes.iter().map(|code| u16::from(*code)).eq(expected), "{law:?} encode");
            let mut linear = alloc::vec![0i16; samples.len()];
            law.decode(&codes, &mut linear);
            let expected = sequence(decoded).expect("it stands beside the sweep");
            assert!(linear.iter().map(|sample| *sample as u16).eq(expected), "{law:?} decode");
        }
    }
}
