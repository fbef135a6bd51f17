//! Comfort noise: what silence sounds like, told in some octets and made again (RFC 3389).
//!
//! ```text
//! samples ─▶ Suppressor ─▶ Sound: encode and send      ┐
//!                       ├▶ Noise: write, send as CN ───┼─▶ Generator ─▶ samples
//!                       └▶ Nothing                     ┘
//! ```
//!
//! Level and colour (reflection coefficients) of the noise are measured while nobody talks, and sent
//! when silence begins and when it changes. The signs of coefficients are those that G.711 appendix II
//! and libwebrtc have: noise whose neighbours are alike has a negative first one.

use super::level::{self, DOUBLING};
use super::voice_activity::Detector;
use crate::BufferTooSmall;
use crate::payload::comfort_noise::{ComfortNoise, coded, coefficient};

/// The most coefficients that are made or used; more of them are not looked at.
pub const ORDER_MAX: usize = 12;

/// Measures level and colour of noise.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Analyzer {
    order: usize,
    /// The products of samples with those so many places before them, smoothed; the first one is
    /// the power.
    products: [i64; ORDER_MAX + 1],
    begun: bool,
}

impl Analyzer {
    /// An analyzer that tells so many coefficients, [`ORDER_MAX`] at most; none for white noise,
    /// 5 to 10 for rooms.
    pub const fn new(order: usize) -> Self {
        let order = if order > ORDER_MAX { ORDER_MAX } else { order };
        Self { order, products: [0; ORDER_MAX + 1], begun: false }
    }

    /// Takes a frame of noise; the last eight or so count.
    pub fn analyze(&mut self, samples: &[i16]) {
        if samples.len() <= ORDER_MAX {
            return;
        }
        let used = self.order + 1;
        for (lag, smooth) in self.products.iter_mut().enumerate().take(used) {
            let pairs = samples.iter().skip(lag).zip(samples);
            let sum: i64 =
                pairs.map(|(new, old)| i64::from(i32::from(*new) * i32::from(*old))).sum();
            // Four bits of fraction, for noise of less than a unit.
            let mean = sum * 16 / samples.len() as i64;
            *smooth = if self.begun { *smooth + (mean - *smooth) / 8 } else { mean };
        }
        self.begun = true;
    }

    /// The level, in dB below overload.
    pub fn level(&self) -> u8 {
        let power = self.products.first().copied().unwrap_or(0).max(0);
        level::dbov(level::logarithm(power as u64) - 4 * DOUBLING)
    }

    /// How many octets a payload takes.
    pub const fn encoded_len(&self) -> usize {
        1 + self.order
    }

    /// Writes a payload, and says how long it is.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let coefficients = self.reflection().map(coded);
        let told = coefficients.get(..self.order).unwrap_or_default();
        ComfortNoise { level: self.level(), coded: told }.write(buffer)
    }

    /// Reflection coefficients by the recursion of Le Roux and Gueguen, which stays within the
    /// power and so in fixed point.
    fn reflection(&self) -> [i16; ORDER_MAX] {
        let mut coefficients = [0; ORDER_MAX];
        let power = self.products.first().copied().unwrap_or(0);
        let down = (64 - power.max(1).leading_zeros()).saturating_sub(40);
        let mut rest = self.products.map(|product| product >> down);
        // A little white noise, without which a pure tone has no inverse.
        if let Some(power) = rest.first_mut() {
            *power += (*power >> 10) + 1;
        }
        let mut forward = rest;
        for (done, coefficient) in coefficients.iter_mut().enumerate().take(self.order) {
            let (error, next) = match rest {
                [error, next, ..] => (error, next),
            };
            if error <= 0 {
                break;
            }
            let k = (-(next << 15) / error).clamp(-32_440, 32_440);
            *coefficient = k as i16;
            let times = |product: i64| (product * k) >> 15;
            if let Some(error) = rest.first_mut() {
                *error += times(next);
            }
            let left = self.order - done;
            for at in 1..left {
                let (after, ahead) = (rest.get(at + 1).copied(), forward.get(at).copied());
                let (after, ahead) = (after.unwrap_or(0), ahead.unwrap_or(0));
                if let Some(cell) = rest.get_mut(at) {
                    *cell = after + times(ahead);
                }
                if let Some(cell) = forward.get_mut(at) {
                    *cell = ahead + times(after);
                }
            }
        }
        coefficients
    }
}

/// What to send for a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Transmission {
    /// The frame, encoded; the first one behind silence has the marker, which
    /// [`audio::Packetizer`](crate::payload::audio::Packetizer) sees to.
    Sound,
    /// Comfort noise, as [`Suppressor::write`] writes it.
    Noise,
    /// Nothing.
    Nothing,
}

/// Silence suppression: decides for each frame what is sent.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Suppressor {
    detector: Detector,
    analyzer: Analyzer,
    /// The level that was told last; nothing while somebody talks.
    told: Option<u8>,
    /// Frames of silence since then.
    frames: u16,
}

impl Suppressor {
    /// A level that differs by so many dB is told anew.
    const CHANGE_DB: u8 = 3;
    /// After so many frames it is told anew anyway, for receivers that have come since.
    const REPEAT: u16 = 250;
    /// Not before so many: noise that flickers is not told of all the time.
    const PAUSE: u16 = 5;

    /// Suppression of silence in sound of so many samples a second, told with so many coefficients.
    pub const fn new(rate: u32, order: usize) -> Self {
        Self {
            detector: Detector::new(rate),
            analyzer: Analyzer::new(order),
            told: None,
            frames: 0,
        }
    }

    /// Takes the next frame.
    pub fn decide(&mut self, samples: &[i16]) -> Transmission {
        if self.detector.detect(samples) {
            (self.told, self.frames) = (None, 0);
            return Transmission::Sound;
        }
        self.analyzer.analyze(samples);
        self.frames = self.frames.saturating_add(1);
        let level = self.analyzer.level();
        let due = match self.told {
            None => true,
            Some(told) => {
                let changed = told.abs_diff(level) >= Self::CHANGE_DB && self.frames > Self::PAUSE;
                changed || self.frames >= Self::REPEAT
            }
        };
        if due {
            (self.told, self.frames) = (Some(level), 0);
            return Transmission::Noise;
        }
        Transmission::Nothing
    }

    /// Writes a payload of comfort noise, and says how long it is.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        self.analyzer.write(buffer)
    }
}

/// Makes noise of the level and colour that was told.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Generator {
    random: u32,
    /// The amplitude that is wanted, and where it is now, in 256ths of a sample's unit.
    wanted: u32,
    amplitude: u32,
    wanted_coefficients: [i16; ORDER_MAX],
    coefficients: [i16; ORDER_MAX],
    /// The state of the lattice, in 256ths.
    state: [i32; ORDER_MAX],
}

impl Generator {
    /// Samples after which level and colour move on.
    const STEP: usize = 40;

    /// A generator of silence; `seed` chooses the noise.
    pub const fn new(seed: u32) -> Self {
        Self {
            random: seed,
            wanted: 0,
            amplitude: 0,
            wanted_coefficients: [0; ORDER_MAX],
            coefficients: [0; ORDER_MAX],
            state: [0; ORDER_MAX],
        }
    }

    /// Takes a payload: the noise goes over to what it says within some milliseconds.
    pub fn update(&mut self, noise: &ComfortNoise<'_>) {
        self.wanted_coefficients = [0; ORDER_MAX];
        let told = noise.coded.iter().map(|coded| coefficient(*coded));
        self.wanted_coefficients.iter_mut().zip(told).for_each(|(cell, told)| {
            // At the edge the filter rings for ever.
            *cell = told.clamp(-32_440, 32_440);
        });
        // What goes in is less loud by what the filter adds: by the root of all (1 - k²).
        let white = self.wanted_coefficients.iter().fold(1u64 << 30, |power, k| {
            let k = i64::from(*k);
            (power * ((1 << 30) - k * k) as u64) >> 30
        });
        let amplitude = u64::from(level::amplitude(noise.level));
        self.wanted = ((amplitude * white.isqrt()) >> 15) as u32;
    }

    /// Makes noise.
    pub fn generate(&mut self, samples: &mut [i16]) {
        for block in samples.chunks_mut(Self::STEP) {
            let step = (i64::from(self.wanted) - i64::from(self.amplitude)) / 4;
            self.amplitude = (i64::from(self.amplitude) + step) as u32;
            if step == 0 {
                self.amplitude = self.wanted;
            }
            for (k, wanted) in self.coefficients.iter_mut().zip(self.wanted_coefficients) {
                *k += ((i32::from(wanted) - i32::from(*k)) / 4) as i16;
            }
            for sample in block {
                *sample = self.next_sample();
            }
        }
    }

    fn next_sample(&mut self) -> i16 {
        // Knuth's congruence; its upper half is even enough for noise.
        self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let even = (self.random >> 16) as u16 as i16;
        // An even spread's deviation is its half width over the root of three: 1.732 = 56756 / 2^15.
        let half_width = (i64::from(self.amplitude) * 56_756) >> 15;
        let mut sample = (i64::from(even) * half_width) >> 15;
        // From the last stage of the lattice to the first.
        let mut above: Option<&mut i32> = None;
        for (k, state) in self.coefficients.iter().zip(&mut self.state).rev() {
            let k = i64::from(*k);
            let back = i64::from(*state);
            sample -= (k * back) >> 15;
            if let Some(above) = above {
                *above = bounded(back + ((k * sample) >> 15));
            }
            above = Some(state);
        }
        if let Some(first) = above {
            *first = bounded(sample);
        }
        (sample >> 8).clamp(i16::MIN.into(), i16::MAX.into()) as i16
    }
}

/// Far more than a sample has, and far less than overflows.
fn bounded(state: i64) -> i32 {
    state.clamp(-(1 << 28), 1 << 28) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use handset_testkit::Random;

    fn white(random: &mut Random, amplitude: i16, count: usize) -> Vec<i16> {
        let range = 2 * amplitude as u64 + 1;
        (0..count).map(|_| (random.below(range) as i64 - i64::from(amplitude)) as i16).collect()
    }

    /// Noise of a room: low frequencies are loudest.
    fn room(random: &mut Random, amplitude: i16, count: usize) -> Vec<i16> {
        let (mut a, mut b) = (0.0, 0.0);
        let shaped = white(random, amplitude, count).into_iter().map(|sample| {
            (a, b) = (f64::from(sample) + 1.4 * a - 0.6 * b, a);
            a as i16
        });
        shaped.collect()
    }

    fn analyzed(samples: &[i16], order: usize) -> Analyzer {
        let mut analyzer = Analyzer::new(order);
        samples.chunks_exact(160).for_each(|frame| analyzer.analyze(frame));
        analyzer
    }

    fn payload(analyzer: &Analyzer) -> Vec<u8> {
        let mut buffer = alloc::vec![0; analyzer.encoded_len()];
        assert_eq!(analyzer.write(&mut buffer), Ok(buffer.len()));
        buffer
    }

    #[test]
    fn a_first_order_process_has_the_coefficient_of_its_pole() {
        let mut random = Random::new(3);
        let mut last = 0.0;
        let shaped: Vec<i16> = white(&mut random, 1000, 16_000)
            .into_iter()
            .map(|sample| {
                last = f64::from(sample) + 0.8 * last;
                last as i16
            })
            .collect();
        let payload = payload(&analyzed(&shaped, 4));
        let told: Vec<f64> = ComfortNoise::parse(&payload)
            .expect("it was written")
            .coefficients()
            .map(|k| f64::from(k) / 32_768.0)
            .collect();
        assert!((told[0] + 0.8).abs() < 0.05, "{told:?}");
        assert!(told[1..].iter().all(|k| k.abs() < 0.1), "{told:?}");
    }

    #[test]
    fn noise_comes_back_as_loud_and_of_the_same_colour() {
        handset_testkit::seeds(5, |seed| {
            let mut random = Random::new(seed);
            for amplitude in [8, 100, 3000] {
                for order in [0, 1, 10] {
                    let before = analyzed(&room(&mut random, amplitude, 8000), order);
                    let payload = payload(&before);
                    let noise = ComfortNoise::parse(&payload).expect("it was written");
                    let mut generator = Generator::new(seed as u32);
                    generator.update(&noise);
                    let mut samples = [0; 16_000];
                    generator.generate(&mut samples);
                    let after = analyzed(&samples[8000..], order);
                    let differ = before.level().abs_diff(after.level());
                    assert!(
                        differ <= 2,
                        "{amplitude} {order}: {} {}",
                        before.level(),
                        after.level()
                    );
                    let pairs = before.reflection().into_iter().zip(after.reflection()).take(2);
                    for (a, b) in pairs {
                        assert!(a.abs_diff(b) < 4500, "{amplitude} {order}: {a} {b}");
                    }
                }
            }
        });
    }

    #[test]
    fn silence_is_told_when_it_begins_and_when_it_changes() {
        let mut random = Random::new(4);
        let mut suppressor = Suppressor::new(8000, 6);
        let mut sent = |samples: Vec<i16>| -> Vec<Transmission> {
            samples.chunks_exact(160).map(|frame| suppressor.decide(frame)).collect()
        };
        let count = |all: &[Transmission], what| all.iter().filter(|sent| **sent == what).count();
        let quiet = sent(white(&mut random, 40, 16_000));
        assert_eq!(quiet[0], Transmission::Noise);
        assert!(count(&quiet, Transmission::Noise) <= 2 && !quiet.contains(&Transmission::Sound));
        let loud = sent(white(&mut random, 4000, 8000));
        assert!(loud[1..].iter().all(|sent| *sent == Transmission::Sound));
        let after = sent(white(&mut random, 40, 16_000));
        // The hangover, one payload, and nothing.
        let sound = count(&after, Transmission::Sound);
        assert!((5..=12).contains(&sound), "{sound}");
        assert_eq!(after[sound], Transmission::Noise);
        assert!(count(&after, Transmission::Nothing) > 80);
        // 6 dB more is no voice, but told.
        let more = sent(white(&mut random, 75, 16_000));
        assert!(more.contains(&Transmission::Noise) && !more.contains(&Transmission::Sound));
    }

    #[test]
    fn any_payload_and_any_samples_are_taken() {
        handset_testkit::seeds(20, |seed| {
            let mut random = Random::new(seed);
            let mut generator = Generator::new(seed as u32);
            let mut analyzer = Analyzer::new(random.below(20) as usize);
            for _ in 0..30 {
                let octets = [&[random.below(128) as u8], &random.octets(20)[..]].concat();
                generator.update(&ComfortNoise::parse(&octets).expect("the level is good"));
                let mut samples = alloc::vec![0; random.below(500) as usize];
                generator.generate(&mut samples);
                analyzer.analyze(&samples);
                analyzer.analyze(&alloc::vec![i16::MIN; random.below(500) as usize]);
                let mut buffer = [0; 32];
                let len = analyzer.write(&mut buffer).expect("it fits");
                assert!(ComfortNoise::parse(&buffer[..len]).is_ok());
            }
        });
    }
}
