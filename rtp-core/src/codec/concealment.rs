//! Packet loss concealment as G.711 appendix I describes it: the last pitch period goes on, and fades.
//!
//! ```text
//!           sound │ lost, the first 10 ms  │ lost, 10 to 60 ms      │ sound
//! ────────────────┼────────────────────────┼────────────────────────┼───────
//!  one period, found by      as it is      │ two, then three periods│ joined
//!  correlation over 20 ms                  │ 20 % less in 10 ms     │ crosswise
//! ```
//!
//! All sound goes through the concealer, which holds it back by a quarter of the longest period, 3.75
//! ms: so much can still be joined with what replaces the next frame. Appendix I is for 8000 Hz;
//! [`Wideband`] is the same at 16000 Hz, for G.722 and others, all lengths in samples being doubled.
//! It works on samples, behind a decoder; a decoder with a state, like G.722's, is left as it is
//! during a loss, and finds back by itself within some milliseconds.
//!
//! ```
//! use rtp_core::codec::{concealment::Narrowband, g711::Law};
//! let mut concealer = Narrowband::new();
//! let mut samples = [0; 160];
//! // A packet has come:
//! Law::Mu.decode(&[0xff; 160], &mut samples);
//! concealer.receive(&mut samples);
//! // The next one is lost:
//! concealer.conceal(&mut samples);
//! ```

/// Concealment at 8000 Hz (G.711 appendix I), in less than 1.7 kB.
pub type Narrowband = Concealer<390, 30>;
/// Concealment at 16000 Hz, for G.722, in less than 3.3 kB.
pub type Wideband = Concealer<780, 60>;

/// Hides losses. `HISTORY` is three of the longest periods and a quarter of one, `OVERLAP` that
/// quarter: see [`Narrowband`] and [`Wideband`].
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Concealer<const HISTORY: usize, const OVERLAP: usize> {
    /// The newest samples, those not yet played among them.
    history: [i16; HISTORY],
    /// What was there when the loss began, its end joined with its beginning.
    periods: [i16; HISTORY],
    /// The end of it before it was joined.
    end: [i16; OVERLAP],
    /// The pitch period in samples, and how many samples are repeated.
    pitch: usize,
    repeated: usize,
    /// Where in them the next sample is taken.
    offset: usize,
    /// Blocks of 10 ms that were lost up to now.
    lost: usize,
}

impl<const HISTORY: usize, const OVERLAP: usize> Concealer<HISTORY, OVERLAP> {
    /// How many samples the sound is held back by.
    pub const DELAY: usize = OVERLAP;
    /// Samples in 10 ms.
    const BLOCK: usize = HISTORY / 39 * 8;
    const PITCH_MAX: usize = OVERLAP * 4;
    /// Pitch differs by so many samples at most: from 200 Hz to 66 Hz.
    const PITCH_RANGE: usize = Self::BLOCK;
    /// The length of what is correlated: 20 ms.
    const WINDOW: usize = Self::BLOCK * 2;
    /// The first search takes one sample of so many: every second one at 8000 Hz.
    const DECIMATION: usize = Self::BLOCK / 40;
    /// How much longer the join becomes for each 10 ms that were lost: 4 ms.
    const JOIN_STEP: usize = Self::BLOCK * 2 / 5;
    /// What a gain of 1 is: the gain falls by one for each sample, so that 10 ms are 20 %.
    const GAIN_ONE: usize = Self::BLOCK * 5;
    /// After so many blocks nothing is left: 60 ms.
    const MUTED: usize = 6;
    /// Energy below which a window counts as silent.
    const ENERGY_MIN: i64 = 250;

    /// A concealer that has heard silence.
    pub const fn new() -> Self {
        Self {
            history: [0; HISTORY],
            periods: [0; HISTORY],
            end: [0; OVERLAP],
            pitch: Self::PITCH_MAX,
            repeated: Self::PITCH_MAX,
            offset: 0,
            lost: 0,
        }
    }

    /// Takes sound that has come, and puts what is to be played in its place: the sound, later by
    /// [`Concealer::DELAY`] samples, and joined with what hid a loss before it.
    pub fn receive(&mut self, samples: &mut [i16]) {
        for block in samples.chunks_mut(Self::BLOCK) {
            if self.lost > 0 {
                self.join(block);
                self.lost = 0;
            }
            self.keep(block);
        }
    }

    /// Makes sound for the time of a packet that has not come; whole multiples of 10 ms are best.
    pub fn conceal(&mut self, samples: &mut [i16]) {
        for block in samples.chunks_mut(Self::BLOCK) {
            match self.lost {
                0 => {
                    self.begin();
                    block.fill_with(|| self.next_sample());
                }
                1 | 2 => {
                    self.lengthen(block);
                    self.fade(block);
                }
                lost if lost < Self::MUTED => {
                    block.fill_with(|| self.next_sample());
                    self.fade(block);
                }
                _ => block.fill(0),
            }
            self.lost = self.lost.saturating_add(1);
            self.keep(block);
        }
    }

    /// Whether the sound that was given last was made, and not received.
    pub const fn is_concealing(&self) -> bool {
        self.lost > 0
    }

    /// The first block of a loss: the last period is found and made to repeat without a seam.
    fn begin(&mut self) {
        self.periods = self.history;
        self.pitch = self.find_pitch();
        let quarter = self.pitch / 4;
        let end = self.periods.iter().skip(HISTORY - quarter);
        self.end.iter_mut().zip(end).for_each(|(kept, sample)| *kept = *sample);
        self.offset = 0;
        self.repeat(self.pitch);
        // What is not played yet ends the same way.
        let joined = self.periods.iter().skip(HISTORY - quarter);
        let place = self.history.iter_mut().skip(HISTORY - quarter);
        place.zip(joined).for_each(|(old, new)| *old = *new);
    }

    /// The second and third block: one period more is repeated, so that it does not sound like a
    /// machine. What was repeated before goes on for a quarter of a period, and fades.
    fn lengthen(&mut self, block: &mut [i16]) {
        let quarter = self.pitch / 4;
        let offset = self.offset;
        let mut tail = [0; OVERLAP];
        let (tail, _) = tail.split_at_mut(quarter.min(OVERLAP));
        tail.fill_with(|| self.next_sample());
        self.offset = offset;
        while self.offset > self.pitch {
            self.offset -= self.pitch;
        }
        self.repeat(self.repeated.saturating_add(self.pitch));
        block.fill_with(|| self.next_sample());
        cross(tail, block);
    }

    /// Repeats the last `count` samples: their end is joined with what stands before them.
    fn repeat(&mut self, count: usize) {
        self.repeated = count.min(HISTORY - OVERLAP);
        let quarter = (self.pitch / 4).min(OVERLAP);
        let begin = HISTORY - self.repeated - quarter;
        let mut joined = [0; OVERLAP];
        let before = self.periods.iter().skip(begin);
        joined.iter_mut().zip(before).for_each(|(cell, sample)| *cell = *sample);
        let (joined, _) = joined.split_at_mut(quarter);
        cross(&self.end, joined);
        let place = self.periods.iter_mut().skip(HISTORY - quarter);
        place.zip(&*joined).for_each(|(old, new)| *old = *new);
    }

    /// The next of the repeated samples.
    fn next_sample(&mut self) -> i16 {
        let sample = self.periods.get(HISTORY - self.repeated + self.offset).copied();
        self.offset += 1;
        if self.offset >= self.repeated {
            self.offset = 0;
        }
        sample.unwrap_or(0)
    }

    /// The gain at the beginning of a block.
    fn gain(&self) -> usize {
        let fallen = self.lost.saturating_sub(1).saturating_mul(Self::BLOCK);
        Self::GAIN_ONE.saturating_sub(fallen)
    }

    fn fade(&self, block: &mut [i16]) {
        let mut gain = self.gain();
        for sample in block {
            *sample = scaled(*sample, gain, Self::GAIN_ONE) as i16;
            gain = gain.saturating_sub(1);
        }
    }

    /// The first block behind a loss: what hid the loss goes on, and fades into the sound.
    fn join(&mut self, block: &mut [i16]) {
        let longer = (self.lost - 1).saturating_mul(Self::JOIN_STEP);
        let len = (self.pitch / 4).saturating_add(longer).min(block.len()).min(Self::BLOCK);
        let gain = self.gain();
        for (at, sample) in block.iter_mut().take(len).enumerate() {
            let hidden = scaled(self.next_sample(), gain, Self::GAIN_ONE);
            *sample = weighed(hidden, i32::from(*sample), at, len);
        }
    }

    /// Appends a block to the history, and gives the sound that is now to be played.
    fn keep(&mut self, block: &mut [i16]) {
        let len = block.len();
        self.history.copy_within(len.min(HISTORY).., 0);
        let newest = self.history.iter_mut().skip(HISTORY - len.min(HISTORY));
        newest.zip(&*block).for_each(|(place, sample)| *place = *sample);
        let due = self.history.iter().skip(HISTORY - OVERLAP - len.min(HISTORY - OVERLAP));
        block.iter_mut().zip(due).for_each(|(sample, due)| *sample = *due);
    }

    /// The lag at which the last 20 ms are most like what was before them.
    fn find_pitch(&self) -> usize {
        let all = &self.history;
        let newest = all.get(HISTORY - Self::WINDOW..).unwrap_or_default();
        // Correlation over the root of energy, so that loud windows win nothing by being loud.
        let likeness = |lead: usize, step: usize| {
            let begin = HISTORY - Self::WINDOW - Self::PITCH_MAX + lead;
            let window = all.get(begin..begin + Self::WINDOW).unwrap_or_default();
            let (mut energy, mut correlation) = (0i64, 0i64);
            for (old, new) in window.iter().zip(newest).step_by(step) {
                let (old, new) = (i32::from(*old), i32::from(*new));
                energy += i64::from(old * old);
                correlation += i64::from(old * new);
            }
            let root = energy.max(Self::ENERGY_MIN).isqrt();
            (correlation << 8) / root.max(1)
        };
        let best = |leads: &mut dyn Iterator<Item = usize>, step, latest: bool| {
            let mut best = (0, i64::MIN);
            for lead in leads {
                let found = likeness(lead, step);
                if found > best.1 || (latest && found == best.1) {
                    best = (lead, found);
                }
            }
            best.0
        };
        let step = Self::DECIMATION;
        let coarse = best(&mut (0..=Self::PITCH_RANGE).step_by(step), step, true);
        let near = coarse.saturating_sub(step - 1)..=(coarse + step - 1).min(Self::PITCH_RANGE);
        Self::PITCH_MAX - best(&mut { near }, 1, false)
    }
}

impl<const HISTORY: usize, const OVERLAP: usize> Default for Concealer<HISTORY, OVERLAP> {
    fn default() -> Self {
        Self::new()
    }
}

/// Fades from what stands in `from` to what stands in `to`, in the place of the latter.
fn cross(from: &[i16], to: &mut [i16]) {
    let len = from.len().min(to.len());
    for (at, (sample, old)) in to.iter_mut().zip(from).enumerate() {
        *sample = weighed(i32::from(*old), i32::from(*sample), at, len);
    }
}

/// The sample at `at` of a straight fade of `len` samples, whose first one is not all old any more.
fn weighed(old: i32, new: i32, at: usize, len: usize) -> i16 {
    let (at, len) = (at as i32, len.max(1) as i32);
    ((old * (len - 1 - at) + new * (at + 1)) / len) as i16
}

fn scaled(sample: i16, gain: usize, one: usize) -> i32 {
    i32::from(sample) * gain as i32 / one as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use std::path::PathBuf;

    /// A voice of one period, with overtones.
    fn voice(period: usize, count: usize) -> Vec<i16> {
        let sample = |n: usize| {
            let phase = core::f64::consts::TAU * (n % period) as f64 / period as f64;
            (8000.0 * phase.sin() + 3000.0 * (2.0 * phase).sin() + 1500.0 * (5.0 * phase).cos())
                as i16
        };
        (0..count).map(sample).collect()
    }

    fn power(samples: &[i16]) -> f64 {
        samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / samples.len() as f64
    }

    #[test]
    fn memory_is_what_the_documentation_says() {
        assert!(size_of::<Narrowband>() < 1700, "{}", size_of::<Narrowband>());
        assert!(size_of::<Wideband>() < 3300, "{}", size_of::<Wideband>());
    }

    #[test]
    fn sound_without_loss_is_only_held_back() {
        let sound = voice(57, 1600);
        let mut played = sound.clone();
        let mut concealer = Narrowband::new();
        for frame in played.chunks_mut(160) {
            concealer.receive(frame);
        }
        assert_eq!(played[30..], sound[..1570]);
        assert_eq!(played[..30], [0; 30]);
        assert!(!concealer.is_concealing());
    }

    #[test]
    fn a_lost_frame_of_a_steady_voice_is_hardly_missed() {
        for period in [41, 57, 80, 100, 119] {
            let sound = voice(period, 1600);
            let mut played = sound.clone();
            let mut concealer = Narrowband::new();
            for (number, frame) in played.chunks_mut(80).enumerate() {
                if number == 8 { concealer.conceal(frame) } else { concealer.receive(frame) }
            }
            let error: Vec<i16> = (30..1600).map(|n| played[n] - sound[n - 30]).collect();
            let ratio = power(&sound) / power(&error).max(1e-9);
            assert!(ratio > 1000.0, "{period}: {ratio}");
        }
    }

    #[test]
    fn the_same_holds_at_16_khz() {
        let sound = voice(150, 3200);
        let mut played = sound.clone();
        let mut concealer = Wideband::new();
        for (number, frame) in played.chunks_mut(160).enumerate() {
            if number == 8 { concealer.conceal(frame) } else { concealer.receive(frame) }
        }
        let error: Vec<i16> = (60..3200).map(|n| played[n] - sound[n - 60]).collect();
        assert!(power(&sound) / power(&error).max(1e-9) > 1000.0);
    }

    #[test]
    fn g722_with_losses_is_nearer_to_what_was_sent_than_with_gaps() {
        use crate::codec::g722::{Decoder, Encoder};
        let sound = voice(150, 16_000);
        let mut codes = alloc::vec![0; 8000];
        Encoder::new().encode(&sound, &mut codes);
        let lost = |frame: usize| frame % 10 == 7;
        let decoded = |hide: bool, loses: bool| {
            let (mut decoder, mut concealer) = (Decoder::default(), Wideband::new());
            let mut played = alloc::vec![0; 16_000];
            for (n, (frame, codes)) in played.chunks_mut(320).zip(codes.chunks(160)).enumerate() {
                if !(loses && lost(n)) {
                    decoder.decode(codes, frame);
                    concealer.receive(frame);
                } else if hide {
                    concealer.conceal(frame);
                } else {
                    concealer.receive(frame);
                }
            }
            played
        };
        let whole = decoded(true, false);
        let error = |other: Vec<i16>| {
            let errors: Vec<i16> =
                whole.iter().zip(other).map(|(a, b)| a.saturating_sub(b)).collect();
            power(&errors)
        };
        let (hidden, gaps) = (error(decoded(true, true)), error(decoded(false, true)));
        assert!(hidden * 10.0 < gaps, "{hidden} {gaps}");
    }

    #[test]
    fn a_long_loss_fades_by_a_fifth_in_ten_milliseconds_and_ends_in_silence() {
        let sound = voice(80, 800);
        let mut concealer = Narrowband::new();
        concealer.receive(&mut sound.clone());
        let mut lost = [0; 800];
        concealer.conceal(&mut lost);
        // Played later by a quarter of a period.
        let levels: Vec<f64> = lost[30..].chunks_exact(80).map(|b| power(b).sqrt()).collect();
        let full = power(&sound).sqrt();
        let expected = [1.0, 0.9, 0.7, 0.5, 0.3, 0.1, 0.0, 0.0];
        for (at, (level, expected)) in levels.iter().zip(expected).enumerate() {
            assert!((level / full - expected).abs() < 0.05, "{at}: {}", level / full);
        }
        assert!(lost[510..].iter().all(|sample| *sample == 0));
    }

    #[test]
    fn frames_of_any_length_and_any_samples_are_taken() {
        handset_testkit::seeds(20, |seed| {
            let mut random = handset_testkit::Random::new(seed);
            let mut concealers = (Narrowband::new(), Wideband::new());
            for _ in 0..50 {
                let mut frame = alloc::vec![0i16; random.below(900) as usize];
                for sample in &mut frame {
                    *sample = if random.chance(500) { i16::MIN } else { i16::MAX };
                }
                if random.chance(400) {
                    concealers.0.conceal(&mut frame);
                    concealers.1.conceal(&mut frame);
                } else {
                    concealers.0.receive(&mut frame);
                    concealers.1.receive(&mut frame);
                }
            }
        });
    }

    fn sequence(name: &str) -> Option<Vec<u16>> {
        let path: PathBuf =
            [env!("CARGO_MANIFEST_DIR"), "../../shared/rtp-itu/g711-plc", name].iter().collect();
        let Ok(octets) = std::fs::read(&path) else {
            std::eprintln!("SKIPPED: {} is not there: nothing was shown here", path.display());
            return None;
        };
        Some(octets.as_chunks().0.iter().map(|word| u16::from_le_bytes(*word)).collect())
    }

    #[test]
    fn the_itus_concealed_speech_comes_out_but_for_rounding() {
        let Some(input) = sequence("f2.le") else { return };
        for (pattern, expected) in [("fe10.g192", "f2_10.raw"), ("fe10_2.g192", "f2_10_2.raw")] {
            let pattern = sequence(pattern).expect("it stands beside the speech");
            let expected: Vec<i16> = sequence(expected)
                .expect("it stands there")
                .iter()
                .map(|word| *word as i16)
                .collect();
            let mut played: Vec<i16> = input.iter().map(|word| *word as i16).collect();
            let mut concealer = Narrowband::new();
            for (frame, mark) in played.chunks_mut(80).zip(pattern.iter().cycle()) {
                if *mark == 0x6b20 { concealer.conceal(frame) } else { concealer.receive(frame) }
            }
            // The reference does not count what it holds back.
            let differences = played[Narrowband::DELAY..].iter().zip(&expected);
            let differences: Vec<_> = differences.map(|(a, b)| a.abs_diff(*b)).collect();
            assert_eq!(differences.len() + Narrowband::DELAY, expected.len());
            // It computes with floats, and this does not: one in a hundred differs by one.
            assert!(differences.iter().all(|difference| *difference <= 1));
            let differ = differences.iter().filter(|difference| **difference != 0).count();
            assert!(differ * 100 < differences.len(), "{differ} of {}", differences.len());
        }
    }
}
