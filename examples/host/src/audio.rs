//! WAV files, other sampling rates, and how alike two recordings are.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Samples a second of what G.711 carries.
pub const SAMPLE_RATE: u32 = 8000;

/// Sound: one channel of samples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sound {
    /// Samples a second.
    pub rate: u32,
    /// The samples.
    pub samples: Vec<i16>,
}

impl Sound {
    /// Reads a WAV file of any rate; several channels become one.
    ///
    /// # Errors
    /// The file cannot be read, is no WAV file, or holds nothing.
    pub fn read(file: &Path) -> Result<Self> {
        let octets = std::fs::File::open(file)
            .with_context(|| format!("{} cannot be read", file.display()))?;
        Self::from_wav(std::io::BufReader::new(octets))
            .with_context(|| format!("{} cannot be played", file.display()))
    }

    /// The same, out of what is read from anywhere.
    ///
    /// # Errors
    /// As [`Sound::read`].
    pub fn from_wav(wav: impl Read) -> Result<Self> {
        let reader = hound::WavReader::new(wav).context("it is no WAV file")?;
        let spec = reader.spec();
        let bits = u32::from(spec.bits_per_sample);
        let samples: Vec<i16> = match spec.sample_format {
            hound::SampleFormat::Float => reader
                .into_samples::<f32>()
                .map(|sample| sample.map(|sample| (sample * 32_768.0) as i16))
                .collect::<Result<_, _>>()?,
            hound::SampleFormat::Int => reader
                .into_samples::<i32>()
                .map(|sample| {
                    sample.map(|sample| {
                        // The upper 16 bits of what it has; 8 bits are made 16.
                        let scaled =
                            if bits > 16 { sample >> (bits - 16) } else { sample << (16 - bits) };
                        scaled.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
                    })
                })
                .collect::<Result<_, _>>()?,
        };
        let channels = usize::from(spec.channels.max(1));
        let mixed = samples.chunks(channels).map(|frame| {
            let sum: i32 = frame.iter().map(|&sample| i32::from(sample)).sum();
            (sum / frame.len() as i32) as i16
        });
        let sound = Self { rate: spec.sample_rate, samples: mixed.collect() };
        if sound.samples.is_empty() || sound.rate == 0 {
            bail!("it holds no sound");
        }
        Ok(sound)
    }

    /// The same at another rate.
    #[must_use]
    pub fn at(&self, rate: u32) -> Self {
        Self { rate, samples: resample(&self.samples, self.rate, rate) }
    }
}

/// The samples of a WAV file of 8000 Hz, mono, 16 bit.
pub fn read_wav(octets: &[u8]) -> Result<Vec<i16>> {
    let reader = hound::WavReader::new(octets).context("no WAV file")?;
    let spec = reader.spec();
    if spec.channels != 1 || spec.sample_rate != SAMPLE_RATE || spec.bits_per_sample != 16 {
        bail!(
            "speech has to be mono of {SAMPLE_RATE} Hz and 16 bit, not {} channels of {} Hz and {} bit",
            spec.channels,
            spec.sample_rate,
            spec.bits_per_sample
        );
    }
    Ok(reader.into_samples::<i16>().collect::<Result<_, _>>()?)
}

/// Writes samples as such a WAV file.
pub fn write_wav(file: &Path, samples: &[i16]) -> Result<()> {
    let mut writer = Recorder::create(file, SAMPLE_RATE)?;
    writer.write(samples)?;
    writer.finish()
}

/// A WAV file of one channel that grows.
pub struct Recorder {
    writer: hound::WavWriter<std::io::BufWriter<std::fs::File>>,
}

impl Recorder {
    /// Begins a file, in place of one that may be there.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn create(file: &Path, rate: u32) -> Result<Self> {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let writer = hound::WavWriter::create(file, spec)
            .with_context(|| format!("{} cannot be written", file.display()))?;
        Ok(Self { writer })
    }

    /// Adds samples.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&mut self, samples: &[i16]) -> Result<()> {
        for &sample in samples {
            self.writer.write_sample(sample).context("the recording cannot be written")?;
        }
        Ok(())
    }

    /// Makes what was written so far a whole file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn flush(&mut self) -> Result<()> {
        self.writer.flush().context("the recording cannot be written")
    }

    /// Ends the file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(self) -> Result<()> {
        self.writer.finalize().context("the recording cannot be written")
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recorder")
    }
}

/// How many zeros of the filter stand on each side of a sample.
const ZEROS: f64 = 12.0;

/// The samples at another rate, with what the lower of the two rates can carry.
pub fn resample(samples: &[i16], from: u32, to: u32) -> Vec<i16> {
    if from == to || from == 0 || to == 0 {
        return samples.to_vec();
    }
    let len = samples.len() as u64 * u64::from(to) / u64::from(from);
    let mut converted = vec![0; usize::try_from(len).unwrap_or_default()];
    Converter::new(from, to).convert(samples, 0, &mut converted);
    converted
}

/// Makes samples of another rate, any part of them at a time.
#[derive(Clone, Debug)]
pub struct Converter {
    /// So many samples come out for `down` that go in.
    up: u64,
    down: u64,
    /// How many samples on each side of a moment count.
    reach: usize,
    /// For each place that a moment can have between two samples: what they count.
    weights: Vec<f32>,
}

impl Converter {
    /// Between two rates, neither of which is 0.
    pub fn new(from: u32, to: u32) -> Self {
        let divisor = greatest_common_divisor(u64::from(from), u64::from(to)).max(1);
        let (up, down) = ((u64::from(to) / divisor).max(1), (u64::from(from) / divisor).max(1));
        // The filter is as wide as the lower rate asks for.
        let cutoff = (up as f64 / down as f64).min(1.0);
        let reach = (ZEROS / cutoff).ceil() as usize;
        let mut weights = Vec::with_capacity(up as usize * reach * 2);
        for place in 0..up {
            let begin = weights.len();
            for tap in 0..reach * 2 {
                let distance = tap as f64 - (reach as f64 - 1.0) - place as f64 / up as f64;
                let shape = window((distance / reach as f64).clamp(-1.0, 1.0));
                weights.push((cutoff * sinc(distance * cutoff) * shape) as f32);
            }
            let part = weights.get_mut(begin..).unwrap_or_default();
            let sum: f32 = part.iter().sum();
            part.iter_mut().for_each(|weight| *weight /= sum);
        }
        Self { up, down, reach, weights }
    }

    /// Fills `converted` with what the samples are from the converted sample number `first` on.
    pub fn convert(&self, samples: &[i16], first: usize, converted: &mut [i16]) {
        let taps = self.reach * 2;
        for (number, cell) in (first as u64..).zip(converted) {
            let moment = number.saturating_mul(self.down);
            let (before, place) = ((moment / self.up) as usize, (moment % self.up) as usize);
            let weights = self.weights.get(place * taps..(place + 1) * taps).unwrap_or_default();
            // The first sample that counts may lie before the beginning.
            let skip = (self.reach - 1).saturating_sub(before);
            let begin = (before + skip).saturating_sub(self.reach - 1);
            let part = samples.get(begin..).unwrap_or_default();
            let pairs = weights.get(skip..).unwrap_or_default().iter().zip(part);
            let sum: f32 = pairs.map(|(weight, sample)| weight * f32::from(*sample)).sum();
            *cell = sum.round() as i16;
        }
    }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

fn sinc(x: f64) -> f64 {
    let x = x * std::f64::consts::PI;
    if x.abs() < 1e-9 { 1.0 } else { x.sin() / x }
}

/// Hann's, over -1 to 1.
fn window(x: f64) -> f64 {
    0.5 + 0.5 * (x * std::f64::consts::PI).cos()
}

/// How alike a recording is to what was said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likeness {
    /// 1 where the recording is the same but for its loudness, 0 where it has nothing to do with it.
    pub correlation: f64,
    /// How many samples the recording comes later.
    pub lag: usize,
}

/// Searches the lag, up to `max_lag` samples, at which the recording is most like what was said.
///
/// The search compares only the loudest quarter of a second; the likeness is then taken of all that was said, at the
/// lags that came out best.
pub fn likeness(said: &[i16], recorded: &[i16], max_lag: usize) -> Likeness {
    let window = said.len().min(SAMPLE_RATE as usize / 4);
    let from = loudest(said, window);
    let sample = said.get(from..from + window).unwrap_or_default();
    let behind = |lag: usize| recorded.get(lag..).unwrap_or_default();
    let mut lags: Vec<(f64, usize)> =
        (0..=max_lag).map(|lag| (correlation(sample, behind(from + lag)), lag)).collect();
    lags.sort_by(|a, b| b.0.total_cmp(&a.0));
    let best = lags
        .iter()
        .take(5)
        .map(|&(_, lag)| Likeness { correlation: correlation(said, behind(lag)), lag });
    best.max_by(|a, b| a.correlation.total_cmp(&b.correlation))
        .unwrap_or(Likeness { correlation: 0.0, lag: 0 })
}

/// How much of what was said is in a recording, 0 to 1, where a jitter buffer may have left out a packet
/// now and then, or added one.
///
/// Each quarter of a second is looked for by itself, near to where the loudest of them was found, and counts as much
/// as it is loud.
pub fn heard(said: &Sound, recorded: &Sound) -> f64 {
    let recorded = recorded.at(said.rate);
    let quarter = said.rate as usize / 4;
    let from = loudest(&said.samples, quarter);
    let at = |from: usize, lag: i64| -> f64 {
        let Some(part) = said.samples.get(from..from + quarter) else { return 0.0 };
        let there = usize::try_from(from as i64 + lag).ok();
        let there = there.and_then(|there| recorded.samples.get(there..there + quarter));
        there.map_or(0.0, |there| correlation(part, there))
    };
    let reach = recorded.samples.len().max(said.samples.len()) as i64;
    let best = (-reach..reach).max_by(|&a, &b| at(from, a).total_cmp(&at(from, b))).unwrap_or(0);
    let near = i64::from(said.rate) / 4;
    let (mut sum, mut weights) = (0.0, 0.0);
    for (number, part) in said.samples.chunks_exact(quarter).enumerate() {
        let lags = (best - near..=best + near).map(|lag| at(number * quarter, lag));
        let weight = part.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>().sqrt();
        sum += weight * lags.fold(0.0, f64::max);
        weights += weight;
    }
    if weights > 0.0 { sum / weights } else { 0.0 }
}

/// Where the loudest `window` samples begin, to a tenth of the window.
fn loudest(samples: &[i16], window: usize) -> usize {
    let step = (window / 10).max(1);
    let energy = |start: &usize| -> i64 {
        let part = samples.get(*start..start + window).unwrap_or_default();
        part.iter().map(|&sample| i64::from(sample).pow(2)).sum()
    };
    (0..=samples.len().saturating_sub(window)).step_by(step).max_by_key(energy).unwrap_or(0)
}

/// The normalised correlation of `a` with the beginning of `b`; what `b` lacks at its end counts as silence.
fn correlation(a: &[i16], b: &[i16]) -> f64 {
    let b = b.get(..a.len()).unwrap_or(b);
    let (mut cross, mut of_a, mut of_b) = (0_i64, 0_i64, 0_i64);
    for (&a, &b) in a.iter().zip(b) {
        let (a, b) = (i64::from(a), i64::from(b));
        cross += a * b;
        of_a += a * a;
        of_b += b * b;
    }
    for &a in a.get(b.len()..).unwrap_or_default() {
        of_a += i64::from(a) * i64::from(a);
    }
    let norm = (of_a as f64).sqrt() * (of_b as f64).sqrt();
    if norm == 0.0 { 0.0 } else { cross as f64 / norm }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It swells, so that one moment is not like another.
    fn tone(hertz: f64, rate: u32, seconds: f64) -> Vec<i16> {
        let len = (f64::from(rate) * seconds) as usize;
        let at = |i: usize| {
            let time = i as f64 / f64::from(rate);
            (time * hertz * std::f64::consts::TAU).sin() * 12_000.0 * (time / seconds)
        };
        (0..len).map(|i| at(i) as i16).collect()
    }

    fn late(samples: &[i16], lag: usize) -> Vec<i16> {
        std::iter::repeat_n(0, lag).chain(samples.iter().map(|s| s / 2)).collect()
    }

    #[test]
    fn a_quieter_and_later_recording_is_like_its_sound() {
        let said = tone(440.0, 8000, 2.0);
        let found = likeness(&said, &late(&said, 777), 2000);
        assert_eq!(found.lag, 777);
        assert!(found.correlation > 0.999, "{found:?}");
        let half = &late(&said, 100)[..said.len() / 2];
        assert!(likeness(&said, half, 500).correlation < 0.9);
    }

    #[test]
    fn silence_is_like_nothing() {
        assert_eq!(likeness(&[1, 2, 3], &[], 10).correlation, 0.0);
        assert_eq!(likeness(&[], &[1, 2], 10).correlation, 0.0);
    }

    #[test]
    fn a_recording_that_lacks_a_packet_is_heard_all_the_same() {
        let sound = |samples| Sound { rate: 8000, samples };
        let mut said = tone(300.0, 8000, 1.0);
        said.extend(tone(410.0, 8000, 1.0));
        let mut recorded = late(&said, 500);
        recorded.drain(9000..9160);
        assert!(heard(&sound(said.clone()), &sound(recorded)) > 0.95);
        let other = tone(777.0, 8000, 2.0);
        assert!(heard(&sound(said.clone()), &sound(other)) < 0.5);
        assert_eq!(heard(&sound(said), &sound(vec![0; 100])), 0.0);
    }

    #[test]
    fn another_rate_sounds_the_same() {
        for (from, to) in [(16_000, 8000), (8000, 16_000), (44_100, 8000), (8000, 48_000)] {
            let converted = resample(&tone(440.0, from, 1.0), from, to);
            let expected = tone(440.0, to, 1.0);
            assert!(converted.len().abs_diff(expected.len()) <= 1, "{from} to {to}");
            let found = likeness(&expected, &converted, 2);
            assert!(found.correlation > 0.999 && found.lag == 0, "{from} to {to}: {found:?}");
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_carry_is_left_out() {
        let converted = resample(&tone(6000.0, 16_000, 1.0), 16_000, 8000);
        // Where the sound breaks off it is no tone.
        let within = &converted[..converted.len() - 100];
        let loudest = within.iter().map(|s| s.unsigned_abs()).max().unwrap();
        assert!(loudest < 100, "{loudest}");
    }

    #[test]
    fn wav_files_of_other_shapes_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("stereo.wav");
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 44_100,
            bits_per_sample: 24,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&file, spec).unwrap();
        for _ in 0..441 {
            writer.write_sample(1000 << 8).unwrap();
            writer.write_sample(3000 << 8).unwrap();
        }
        writer.finalize().unwrap();
        let sound = Sound::read(&file).unwrap();
        assert_eq!(sound, Sound { rate: 44_100, samples: vec![2000; 441] });
        assert_eq!(sound.at(8000).samples.len(), 80);

        std::fs::write(&file, "no sound at all").unwrap();
        let error = format!("{:#}", Sound::read(&file).unwrap_err());
        assert!(error.contains("stereo.wav") && error.contains("no WAV file"), "{error}");
    }
}
