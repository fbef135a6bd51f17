//! How loud sound is, in logarithms.

/// What 3.01 dB are: a factor of two in power.
pub(super) const DOUBLING: i32 = 256;
/// The power of a square wave at full scale, which 0 dBov is.
pub(super) const OVERLOAD: i32 = 30 * DOUBLING;

/// The mean power of samples, as a logarithm: 256 for each factor of two, 0 for a power of one and
/// less.
pub(super) fn power(samples: &[i16]) -> i32 {
    let squares = samples.iter().map(|sample| u64::from(sample.unsigned_abs()).pow(2));
    logarithm(squares.sum::<u64>() / (samples.len() as u64).max(1))
}

/// The logarithm of a number: 256 for each factor of two, within 8, a tenth of a decibel; 0 for 0 and 1.
pub(super) fn logarithm(number: u64) -> i32 {
    let Some(whole) = number.checked_ilog2() else { return 0 };
    // Eight bits behind the highest one.
    let part = if whole >= 8 { number >> (whole - 8) } else { number << (8 - whole) } as i32 & 0xff;
    // The logarithm bends above the straight line by 0.086 in the middle.
    whole as i32 * DOUBLING + part + ((part * (256 - part) * 88) >> 16)
}

/// A power as [`power`] gives it, in whole dB below overload, 0 to 127 (RFC 3389 section 3.1).
pub(super) fn dbov(power: i32) -> u8 {
    // 3.0103 dB a doubling.
    let tenths = (OVERLOAD - power).max(0) * 301 / 2560;
    ((tenths + 5) / 10).clamp(0, 127) as u8
}

/// The root of the mean square of sound of a level in dB below overload, in 256ths of a sample's
/// unit.
pub(super) fn amplitude(dbov: u8) -> u32 {
    // 10^(-1/20) for each dB, as a fraction of 2^30.
    let fallen = (0..dbov.min(127)).fold(1u64 << 30, |x, _| (x * 956_973_409) >> 30);
    (fallen >> 7) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_right_within_a_tenth_of_a_decibel() {
        for n in (1..70_000u64).chain([1 << 40, u64::MAX]) {
            let exact = (n as f64).log2() * 256.0;
            assert!((f64::from(logarithm(n)) - exact).abs() <= 8.0, "{n}");
        }
        assert_eq!(logarithm(0), 0);
    }

    #[test]
    fn levels_and_amplitudes_belong_together() {
        assert_eq!(dbov(power(&[i16::MIN; 80])), 0);
        assert_eq!(dbov(power(&[0; 80])), 90);
        assert_eq!(dbov(power(&[])), 90);
        for level in 0..80u8 {
            let exact = 32_768.0 * 256.0 * 10f64.powf(-f64::from(level) / 20.0);
            let amplitude = amplitude(level);
            assert!((f64::from(amplitude) / exact - 1.0).abs() < 0.01, "{level}");
            let sample = (amplitude / 256) as i16;
            if sample > 30 {
                assert!(dbov(power(&[sample; 80])).abs_diff(level) <= 1, "{level}");
            }
        }
    }
}
