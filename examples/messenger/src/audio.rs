//! Speech in WAV files, and how alike two recordings are.

use std::path::Path;

use anyhow::{Context, Result, bail};

/// Samples a second of all audio here: what G.711 carries.
pub const SAMPLE_RATE: u32 = 8000;

/// What Alice says.
pub const SPEECH: &[u8] = include_bytes!("../assets/speech.wav");

/// What Bob says.
pub const ANSWER: &[u8] = include_bytes!("../assets/answer.wav");

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
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: SAMPLE_RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(file, spec)
        .with_context(|| format!("{} cannot be written", file.display()))?;
    for &sample in samples {
        writer.write_sample(sample)?;
    }
    writer.finalize().with_context(|| format!("{} cannot be written", file.display()))
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

    fn late(samples: &[i16], lag: usize) -> Vec<i16> {
        std::iter::repeat_n(0, lag).chain(samples.iter().map(|s| s / 2)).collect()
    }

    #[test]
    fn the_speech_is_about_six_seconds_and_differs_from_the_answer() {
        let (speech, answer) = (read_wav(SPEECH).expect("a WAV"), read_wav(ANSWER).expect("a WAV"));
        for said in [&speech, &answer] {
            assert!((5.0..7.0).contains(&(said.len() as f64 / f64::from(SAMPLE_RATE))));
        }
        assert!(likeness(&speech, &answer, 2000).correlation < 0.5);
    }

    #[test]
    fn a_quieter_and_later_recording_is_like_its_speech() {
        let speech = read_wav(SPEECH).expect("a WAV");
        let found = likeness(&speech, &late(&speech, 777), 2000);
        assert_eq!(found.lag, 777);
        assert!(found.correlation > 0.999, "{found:?}");
    }

    #[test]
    fn half_a_recording_is_not_like_all_of_the_speech() {
        let speech = read_wav(SPEECH).expect("a WAV");
        let half = &late(&speech, 100)[..speech.len() / 2];
        let whole = likeness(&speech, half, 500).correlation;
        assert!(whole < 0.9, "{whole}");
    }

    #[test]
    fn silence_is_like_nothing() {
        assert_eq!(likeness(&[1, 2, 3], &[], 10).correlation, 0.0);
        assert_eq!(likeness(&[], &[1, 2], 10).correlation, 0.0);
    }

    #[test]
    fn a_wav_of_another_rate_is_refused_with_the_reason() {
        let mut octets = SPEECH.to_vec();
        octets[24..28].copy_from_slice(&44_100u32.to_le_bytes());
        octets[28..32].copy_from_slice(&88_200u32.to_le_bytes());
        let error = read_wav(&octets).expect_err("44.1 kHz");
        assert!(error.to_string().contains("44100"), "{error}");
    }
}
