//! A voice activity detector: is somebody talking, or is this the room's noise?
//!
//! ```text
//!  level ▲        ╭─╮ ╭──╮                voice: 9 dB above the floor, or 6 once it has begun,
//!        │        │ ╰─╯  ╰╮ ╭─╮                  and 60 to 200 ms behind it
//!        │ ╌╌╌╌╌╌╌│╌╌╌╌╌╌╌│╌│╌│╌╌ +9 dB
//!  floor │────────╯       ╰─╯ ╰───        floor: falls in 50 ms, rises in half a second with noise,
//!        └────────────────────────▶              and where a level stays for two seconds
//! ```
//!
//! It goes by power alone, against a floor that follows the noise. A steady tone of more than two
//! seconds counts as noise: such sound wants a codec without silence suppression.

use super::level::{DOUBLING, OVERLOAD, power};

/// How far above the floor voice begins, and how far it goes on: 9 dB and 6.
const BEGINS: i32 = 3 * DOUBLING;
const GOES_ON: i32 = 2 * DOUBLING;
/// Below 63 dB under overload nothing is voice.
const LEAST: i32 = OVERLOAD - 21 * DOUBLING;
/// The highest floor to begin with: 39 dB under overload.
const FIRST_FLOOR: i32 = OVERLOAD - 13 * DOUBLING;
/// How long voice goes on behind its last loud frame: after some words, and after a click.
const HANGOVER_MS: u32 = 200;
const SHORT_HANGOVER_MS: u32 = 60;
/// What is shorter is a click.
const CLICK_MS: u32 = 60;
/// A level that stays within 6 dB for so long is a floor.
const STEADY_MS: u32 = 2000;
const STEADY: i32 = 2 * DOUBLING;

/// Tells voice from noise, a frame at a time.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Detector {
    /// Samples a second.
    rate: u32,
    /// The level of the noise; nothing before the first frame.
    floor: Option<i32>,
    /// How long voice has been loud, and how long it goes on being voice.
    loud_ms: u32,
    hangover_ms: u32,
    /// The lowest and highest level of late, and since when.
    lowest: i32,
    highest: i32,
    steady_ms: u32,
}

impl Detector {
    /// A detector for sound of so many samples a second.
    pub const fn new(rate: u32) -> Self {
        Self {
            rate,
            floor: None,
            loud_ms: 0,
            hangover_ms: 0,
            lowest: i32::MAX,
            highest: 0,
            steady_ms: 0,
        }
    }

    /// Whether a frame, of 10 to 30 ms best, is voice or stands so close behind voice that it
    /// belongs to it.
    pub fn detect(&mut self, samples: &[i16]) -> bool {
        let ms = (samples.len() as u64 * 1000 / u64::from(self.rate.max(1))).min(1000) as u32;
        let level = power(samples);
        let floor = *self.floor.get_or_insert(level.min(FIRST_FLOOR));
        let margin = if self.hangover_ms > 0 { GOES_ON } else { BEGINS };
        let loud = level > floor + margin && level > LEAST;
        self.follow(floor, level, ms);
        if loud {
            self.loud_ms = self.loud_ms.saturating_add(ms);
            self.hangover_ms =
                if self.loud_ms >= CLICK_MS { HANGOVER_MS } else { SHORT_HANGOVER_MS };
            return true;
        }
        self.loud_ms = 0;
        let belongs = self.hangover_ms > 0;
        self.hangover_ms = self.hangover_ms.saturating_sub(ms.max(1));
        belongs
    }

    /// How loud the noise is, in dB below overload; nothing before the first frame.
    pub fn noise_dbov(&self) -> Option<u8> {
        self.floor.map(super::level::dbov)
    }

    /// Lets the floor follow.
    fn follow(&mut self, floor: i32, level: i32, ms: u32) {
        let toward = |over_ms: u32| {
            let share =
                i64::from(level - floor) * i64::from(ms) / i64::from(over_ms.max(ms).max(1));
            floor + share as i32
        };
        let mut next = if level < floor {
            toward(50)
        } else if level < floor + BEGINS {
            toward(500)
        } else {
            floor
        };
        self.lowest = self.lowest.min(level);
        self.highest = self.highest.max(level);
        self.steady_ms = self.steady_ms.saturating_add(ms);
        if self.highest.saturating_sub(self.lowest) > STEADY {
            (self.lowest, self.highest, self.steady_ms) = (level, level, 0);
        } else if self.steady_ms >= STEADY_MS {
            next = next.max(self.lowest);
            (self.lowest, self.highest, self.steady_ms) = (level, level, 0);
        }
        self.floor = Some(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use handset_testkit::Random;

    /// Noise of this amplitude.
    fn noise(random: &mut Random, amplitude: i16, count: usize) -> Vec<i16> {
        let range = 2 * amplitude as u64 + 1;
        (0..count).map(|_| (random.below(range) as i64 - i64::from(amplitude)) as i16).collect()
    }

    /// The same with a voice in it.
    fn voice(random: &mut Random, amplitude: i16, count: usize) -> Vec<i16> {
        let mut samples = noise(random, amplitude, count);
        for (n, sample) in samples.iter_mut().enumerate() {
            // Syllables of a quarter of a second over a tone of 160 Hz.
            let envelope = (core::f64::consts::PI * n as f64 / 2000.0).sin().powi(2);
            let tone = (core::f64::consts::TAU * n as f64 / 50.0).sin();
            *sample = sample.saturating_add((6000.0 * envelope * tone) as i16);
        }
        samples
    }

    fn share(detector: &mut Detector, samples: &[i16]) -> usize {
        let frames: Vec<bool> = samples.chunks(160).map(|frame| detector.detect(frame)).collect();
        frames.iter().filter(|voice| **voice).count() * 100 / frames.len()
    }

    #[test]
    fn talk_is_told_from_noise_of_any_loudness() {
        handset_testkit::seeds(5, |seed| {
            let mut random = Random::new(seed);
            for amplitude in [1, 30, 200] {
                let mut detector = Detector::new(8000);
                for _ in 0..5 {
                    let silence = share(&mut detector, &noise(&mut random, amplitude, 24_000));
                    let talk = share(&mut detector, &voice(&mut random, amplitude, 24_000));
                    assert!(silence <= 12, "noise {amplitude}: {silence} %");
                    assert!(talk >= 90, "voice in noise {amplitude}: {talk} %");
                }
            }
        });
    }

    #[test]
    fn the_first_syllable_is_heard_and_the_last_one_not_cut() {
        let mut random = Random::new(1);
        let mut detector = Detector::new(8000);
        share(&mut detector, &noise(&mut random, 30, 8000));
        let talk = voice(&mut random, 30, 4000);
        let heard: Vec<bool> = talk.chunks(160).map(|frame| detector.detect(frame)).collect();
        assert!(heard.iter().position(|voice| *voice).is_some_and(|first| first <= 2));
        let after: Vec<bool> =
            noise(&mut random, 30, 4800).chunks(160).map(|frame| detector.detect(frame)).collect();
        let tail = after.iter().take_while(|voice| **voice).count();
        assert!((8..=11).contains(&tail), "{tail}");
        assert!(after[tail..].iter().all(|voice| !voice));
    }

    #[test]
    fn a_fan_that_is_switched_on_is_noise_after_two_seconds() {
        let mut random = Random::new(2);
        let mut detector = Detector::new(8000);
        share(&mut detector, &noise(&mut random, 20, 16_000));
        assert!(share(&mut detector, &noise(&mut random, 600, 16_000)) > 90);
        share(&mut detector, &noise(&mut random, 600, 4000));
        assert_eq!(share(&mut detector, &noise(&mut random, 600, 16_000)), 0);
        assert!(detector.noise_dbov().is_some_and(|level| (36..=42).contains(&level)));
    }

    #[test]
    fn anything_is_taken() {
        for rate in [0, 1, 8000, u32::MAX] {
            let mut detector = Detector::new(rate);
            for frame in [&[][..], &[0], &[i16::MIN; 5000], &[1; 7]] {
                for _ in 0..50 {
                    let _ = detector.detect(frame);
                }
            }
        }
    }
}
