//! G.722 at 64 kbit/s: wideband speech, 16000 samples a second, a code of 8 bits for every two.
//!
//! ```text
//!            ┌─ low band, 8000 a second ──▶ ADPCM, 6 bits ─┐
//! 16 kHz ─▶ QMF                                            ├─▶ | high 2 | low 6 |
//!            └─ high band, 8000 a second ─▶ ADPCM, 2 bits ─┘
//! ```
//!
//! A decoder may be told that the lowest one or two bits of the low band carry something else
//! (modes 2 and 3). RTP's clock for it says 8000 Hz, as RFC 3551 section 4.5.2 has it.

/// The half of the filter that splits and joins the bands (G.722 table 11); the other half is its
/// mirror.
const QMF: [i32; 12] = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11];

/// Decision levels of the low band (G.722 table 14, Q6).
const DECISIONS: [i32; 30] = [
    0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940,
    1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
];
/// Logarithmic steps by the upper four bits of the low band's code (WL of RL42).
const LOW_STEPS: [i32; 16] =
    [-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60];
/// Logarithmic steps by the high band's code (WH of IH2).
const HIGH_STEPS: [i32; 4] = [798, -214, 798, -214];
/// Powers of two with fractions of 1/32 (ILB).
const POWERS: [i32; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
    2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];
/// Output of the inverse quantisers of 2, 4, 5 and 6 bits (QM2 to QM6).
const INVERSE_2: [i32; 4] = [-7408, -1616, 7408, 1616];
const INVERSE_4: [i32; 16] = [
    0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584,
    1200, 0,
];
const INVERSE_5: [i32; 32] = [
    -280, -280, -23352, -17560, -14120, -11664, -9752, -8184, -6864, -5712, -4696, -3784, -2960,
    -2208, -1520, -880, 23352, 17560, 14120, 11664, 9752, 8184, 6864, 5712, 4696, 3784, 2960, 2208,
    1520, 880, 280, -280,
];
const INVERSE_6: [i32; 64] = [
    -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232,
    -9360, -8576, -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776,
    -2400, -2032, -1688, -1360, -1040, -728, 24808, 21904, 19008, 16704, 14984, 13512, 12280,
    11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456, 4944, 4464, 4008, 3576, 3168, 2776,
    2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
];

/// How many bits of the low band a decoder listens to (G.722 section 1.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Mode {
    /// All six: 64 kbit/s of speech.
    #[default]
    One,
    /// Five: 56 kbit/s of speech, 8 of something else.
    Two,
    /// Four: 48 kbit/s of speech, 16 of something else.
    Three,
}

/// The adaptive predictor and quantiser of one band (G.722 section 3.6).
#[derive(Clone, Copy, Debug)]
struct Band {
    /// The signal that is predicted (s).
    estimate: i32,
    /// What the zeros contribute to it (sz).
    zeros: i32,
    /// Reconstructed signal, newest first (r).
    reconstructed: [i32; 2],
    /// Coefficients of the poles (a).
    poles: [i32; 2],
    /// Partly reconstructed signal, newest first (p).
    partial: [i32; 2],
    /// Quantised differences, newest first (d).
    differences: [i32; 6],
    /// Coefficients of the zeros (b).
    zero_factors: [i32; 6],
    /// The logarithm of the quantiser's scale (nb), and the scale (det).
    logarithm: i32,
    scale: i32,
}

impl Band {
    const fn new(scale: i32) -> Self {
        Self {
            estimate: 0,
            zeros: 0,
            reconstructed: [0; 2],
            poles: [0; 2],
            partial: [0; 2],
            differences: [0; 6],
            zero_factors: [0; 6],
            logarithm: 0,
            scale,
        }
    }

    /// Adapts the scale of the quantiser (LOGSCL and SCALEL, or LOGSCH and SCALEH).
    #[inline]
    fn adapt_scale(&mut self, step: i32, most: i32, shift: i32) {
        self.logarithm = (((self.logarithm * 127) >> 7) + step).clamp(0, most);
        let power = POWERS.get(((self.logarithm >> 6) & 31) as usize).copied().unwrap_or(0);
        let down = shift - (self.logarithm >> 11);
        self.scale = if down < 0 { power << -down } else { power >> down } << 2;
    }

    /// Takes a quantised difference, and predicts the next sample (G.722 section 3.6.3).
    #[inline]
    fn adapt(&mut self, difference: i32) {
        let partial = saturate(self.zeros + difference);
        let reconstructed = saturate(self.estimate + difference);
        let [p1, p2] = self.partial;
        let same = |a: i32, b: i32| (a ^ b) >= 0;

        // The second pole (UPPOL2).
        let first = saturate(self.poles[0] << 2);
        let push = if same(partial, p1) { -first } else { first };
        let push = push.min(32_767) >> 7;
        let lean = if same(partial, p2) { 128 } else { -128 };
        let second = (push + lean + ((self.poles[1] * 32_512) >> 15)).clamp(-12_288, 12_288);
        // The first pole (UPPOL1).
        let lean = if same(partial, p1) { 192 } else { -192 };
        let most = saturate(15_360 - second);
        let first = saturate(lean + ((self.poles[0] * 32_640) >> 15)).clamp(-most, most);

        // The zeros (UPZERO).
        let gain = if difference == 0 { 0 } else { 128 };
        for (factor, past) in self.zero_factors.iter_mut().zip(self.differences) {
            let lean = if same(difference, past) { gain } else { -gain };
            *factor = saturate(lean + ((*factor * 32_640) >> 15));
        }

        // One step in time (DELAYA).
        let [d1, d2, d3, d4, d5, _] = self.differences;
        self.differences = [difference, d1, d2, d3, d4, d5];
        self.partial = [partial, p1];
        self.reconstructed = [reconstructed, self.reconstructed[0]];
        self.poles = [first, second];

        // The next sample (FILTEP, FILTEZ, PREDIC).
        let pole = |factor: i32, sample: i32| (factor * saturate(sample * 2)) >> 15;
        let poles =
            saturate(pole(first, self.reconstructed[0]) + pole(second, self.reconstructed[1]));
        let zeros = self.zero_factors.iter().zip(self.differences);
        let zeros = zeros.map(|(factor, past)| (factor * saturate(past * 2)) >> 15).sum::<i32>();
        self.zeros = saturate(zeros);
        self.estimate = saturate(poles + self.zeros);
    }

    /// The low band takes the upper four bits of its code.
    #[inline]
    fn adapt_low(&mut self, code: usize) {
        let difference = (self.scale * INVERSE_4.get(code).copied().unwrap_or(0)) >> 15;
        self.adapt_scale(LOW_STEPS.get(code).copied().unwrap_or(0), 18_432, 8);
        self.adapt(difference);
    }

    /// The high band takes its code, and gives the difference that it means.
    #[inline]
    fn adapt_high(&mut self, code: usize) -> i32 {
        let difference = (self.scale * INVERSE_2.get(code).copied().unwrap_or(0)) >> 15;
        self.adapt_scale(HIGH_STEPS.get(code).copied().unwrap_or(0), 22_528, 10);
        self.adapt(difference);
        difference
    }
}

/// What 16 bits hold.
#[inline]
fn saturate(number: i32) -> i32 {
    number.clamp(-32_768, 32_767)
}

/// The samples that the filter looks back on: even ones, and odd ones, oldest first.
#[derive(Clone, Copy, Debug)]
struct History {
    even: [i32; 12],
    odd: [i32; 12],
}

impl History {
    const EMPTY: Self = Self { even: [0; 12], odd: [0; 12] };

    /// Takes two samples, and gives the sums of both halves of the filter.
    #[inline]
    fn filter(&mut self, even: i32, odd: i32) -> (i32, i32) {
        self.even.copy_within(1.., 0);
        self.odd.copy_within(1.., 0);
        self.even[11] = even;
        self.odd[11] = odd;
        let evens = self.even.iter().zip(QMF).map(|(sample, factor)| sample * factor).sum();
        let odds = self.odd.iter().zip(QMF.iter().rev()).map(|(s, factor)| s * factor).sum();
        (evens, odds)
    }
}

/// Encodes.
#[derive(Clone, Debug)]
pub struct Encoder {
    low: Band,
    high: Band,
    history: History,
}

impl Encoder {
    /// An encoder at rest.
    pub const fn new() -> Self {
        Self { low: Band::new(32), high: Band::new(8), history: History::EMPTY }
    }

    /// Encodes pairs of samples, as many as both slices hold; says how many codes there are.
    pub fn encode(&mut self, samples: &[i16], codes: &mut [u8]) -> usize {
        let pairs = samples.as_chunks::<2>().0;
        for (code, [first, second]) in codes.iter_mut().zip(pairs) {
            *code = self.encode_pair(i32::from(*first), i32::from(*second));
        }
        codes.len().min(pairs.len())
    }

    fn encode_pair(&mut self, first: i32, second: i32) -> u8 {
        let (evens, odds) = self.history.filter(first, second);
        let low = self.encode_low(saturate((odds + evens) >> 14));
        let high = self.encode_high(saturate((odds - evens) >> 14));
        // Six bits and two.
        ((high << 6) | low) as u8
    }

    fn encode_low(&mut self, sample: i32) -> usize {
        let error = saturate(sample - self.low.estimate);
        let magnitude = if error >= 0 { error } else { -(error + 1) };
        let scale = self.low.scale;
        // The decision levels rise: those below the error stand first.
        let level = DECISIONS
            .get(1..)
            .unwrap_or_default()
            .partition_point(|decision| magnitude >= (decision * scale) >> 12);
        let code = match (error < 0, level) {
            (true, 0) => 63,
            (true, 1) => 62,
            (true, level) => 33 - level,
            (false, level) => 61 - level,
        };
        self.low.adapt_low(code >> 2);
        code
    }

    fn encode_high(&mut self, sample: i32) -> usize {
        let error = saturate(sample - self.high.estimate);
        let magnitude = if error >= 0 { error } else { -(error + 1) };
        let outer = magnitude >= (564 * self.high.scale) >> 12;
        let code = match (error < 0, outer) {
            (true, false) => 1,
            (true, true) => 0,
            (false, false) => 3,
            (false, true) => 2,
        };
        self.high.adapt_high(code);
        code
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

/// Decodes.
#[derive(Clone, Debug)]
pub struct Decoder {
    mode: Mode,
    low: Band,
    high: Band,
    history: History,
}

impl Decoder {
    /// A decoder at rest.
    pub const fn new(mode: Mode) -> Self {
        Self { mode, low: Band::new(32), high: Band::new(8), history: History::EMPTY }
    }

    /// Decodes codes to pairs of samples, as many as both slices hold; says how many samples there
    /// are.
    pub fn decode(&mut self, codes: &[u8], samples: &mut [i16]) -> usize {
        let pairs = samples.as_chunks_mut::<2>().0;
        let count = codes.len().min(pairs.len()) * 2;
        for (pair, code) in pairs.iter_mut().zip(codes) {
            *pair = self.decode_code(usize::from(*code));
        }
        count
    }

    fn decode_code(&mut self, code: usize) -> [i16; 2] {
        let low = code & 63;
        let difference = match self.mode {
            Mode::One => INVERSE_6.get(low),
            Mode::Two => INVERSE_5.get(low >> 1),
            Mode::Three => INVERSE_4.get(low >> 2),
        };
        let difference = (self.low.scale * difference.copied().unwrap_or(0)) >> 15;
        let low_sample = limit(self.low.estimate + difference);
        self.low.adapt_low(low >> 2);
        let estimate = self.high.estimate;
        let high_sample = limit(estimate + self.high.adapt_high(code >> 6));
        let (evens, odds) = self.history.filter(low_sample + high_sample, low_sample - high_sample);
        // The filter mixes even and odd crosswise on the way back.
        [(odds >> 11), (evens >> 11)].map(|sample| saturate(sample) as i16)
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new(Mode::One)
    }
}

/// The 15 bits that a band may have (LIMIT).
#[inline]
fn limit(sample: i32) -> i32 {
    sample.clamp(-16_384, 16_383)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use std::path::PathBuf;

    /// The words of one of ITU-T G.191's sequences, little endian.
    fn sequence(name: &str) -> Option<Vec<u16>> {
        let path: PathBuf =
            [env!("CARGO_MANIFEST_DIR"), "../../shared/rtp-itu/g722", name].iter().collect();
        let Ok(octets) = std::fs::read(&path) else {
            std::eprintln!("SKIPPED: {} is not there: nothing was shown here", path.display());
            return None;
        };
        Some(octets.as_chunks().0.iter().map(|word| u16::from_le_bytes(*word)).collect())
    }

    #[test]
    fn the_codes_of_the_itu_come_out_bit_by_bit() {
        let (Some(input), Some(expected)) = (sequence("inpsp.bin"), sequence("codspw.cod")) else {
            return;
        };
        let samples: Vec<i16> = input.iter().map(|word| *word as i16).collect();
        let mut codes = alloc::vec![0; samples.len() / 2];
        assert_eq!(Encoder::new().encode(&samples, &mut codes), codes.len());
        let differ = codes.iter().zip(&expected).filter(|(a, b)| u16::from(**a) != **b).count();
        assert_eq!((differ, codes.len()), (0, expected.len()));
    }

    #[test]
    fn the_sound_of_the_itu_comes_out_bit_by_bit_in_each_mode() {
        let Some(coded) = sequence("codspw.cod") else { return };
        let codes: Vec<u8> = coded.iter().map(|word| *word as u8).collect();
        for (mode, name) in
            [(Mode::One, "outsp1.bin"), (Mode::Two, "outsp2.bin"), (Mode::Three, "outsp3.bin")]
        {
            let expected = sequence(name).expect("it stands beside the codes");
            let mut samples = alloc::vec![0; codes.len() * 2];
            assert_eq!(Decoder::new(mode).decode(&codes, &mut samples), samples.len());
            let differ = samples.iter().zip(&expected).filter(|(a, b)| **a as u16 != **b).count();
            assert_eq!((differ, samples.len()), (0, expected.len()), "{mode:?}");
        }
    }

    #[test]
    fn a_tone_comes_back_much_as_it_was() {
        // A triangle of 500 Hz.
        let samples: Vec<i16> = (0..1600i16).map(|n| ((n % 32) - 16).abs() * 800 - 6400).collect();
        let (mut codes, mut back) = ([0; 800], [0; 1600]);
        Encoder::new().encode(&samples, &mut codes);
        Decoder::default().decode(&codes, &mut back);
        // Both filters together take 22 samples.
        let (mut error, mut power) = (0i64, 0i64);
        for (before, after) in samples[400..1500].iter().zip(&back[422..]) {
            error += i64::from(before - after).pow(2);
            power += i64::from(*before).pow(2);
        }
        assert!(error * 100 < power, "{error} {power}");
    }

    #[test]
    fn the_shorter_slice_decides_how_much_is_coded() {
        assert_eq!(Encoder::new().encode(&[0; 7], &mut [0; 9]), 3);
        assert_eq!(Decoder::default().decode(&[0; 9], &mut [0; 7]), 6);
    }

    #[test]
    fn any_codes_and_any_samples_are_taken() {
        handset_testkit::seeds(20, |seed| {
            let mut random = handset_testkit::Random::new(seed);
            let codes = random.octets(4000);
            let mut samples = alloc::vec![0i16; 8000];
            assert_eq!(Decoder::default().decode(&codes, &mut samples), 8000);
            for sample in &mut samples {
                *sample = if random.chance(500) { i16::MIN } else { i16::MAX };
            }
            let mut again = alloc::vec![0; 4000];
            assert_eq!(Encoder::new().encode(&samples, &mut again), 4000);
        });
    }
}
