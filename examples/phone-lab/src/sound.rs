//! What the far end says, and how alike what it hears is.

use anyhow::{Context, Result};

/// Samples a second.
pub const RATE: usize = 8000;
/// How far what is heard may be shifted against what was said: three quarters of a second.
const LAG_MAX: usize = RATE * 3 / 4;

/// Six seconds of speech at 8000 Hz.
const SPEECH: &[u8] = include_bytes!("../../messenger/assets/speech.wav");

/// The samples of it.
pub fn speech() -> Result<Vec<i16>> {
    let reader = hound::WavReader::new(SPEECH).context("the speech is no WAV file")?;
    Ok(reader.into_samples::<i16>().collect::<Result<_, _>>()?)
}

/// How alike two recordings are.
#[derive(Clone, Copy, Debug)]
pub struct Likeness {
    /// 1 where one is the other but for its loudness, about 0 where they have nothing in common.
    pub correlation: f64,
    /// How much later the loudest second came, in milliseconds.
    pub lag_ms: i64,
}

/// Compares `heard` with `said`, second by second, each at the shift at which it is most alike: a
/// jitter buffer on the way leaves out a frame now and then, or adds one, in the pauses of speech.
/// The seconds count as much as they are loud.
pub fn likeness(said: &[i16], heard: &[i16]) -> Likeness {
    let (mut sum, mut weights) = (0.0, 0.0);
    let mut loudest = (0.0, 0);
    for (number, second) in heard.chunks_exact(RATE).enumerate() {
        let from = (number * RATE) as i64;
        let alike = |shift: i64| {
            let at = usize::try_from(from - shift).ok();
            let there = at.and_then(|at| said.get(at..at + RATE));
            there.map_or(0.0, |there| correlation(there, second))
        };
        let shifts = -(LAG_MAX as i64)..=LAG_MAX as i64;
        let best = shifts.map(|shift| (alike(shift), shift)).max_by(|a, b| a.0.total_cmp(&b.0));
        let (correlation, shift) = best.unwrap_or((0.0, 0));
        let weight = second.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>().sqrt();
        sum += weight * correlation;
        weights += weight;
        if weight > loudest.0 {
            loudest = (weight, shift);
        }
    }
    let correlation = if weights > 0.0 { sum / weights } else { 0.0 };
    Likeness { correlation, lag_ms: loudest.1 * 1000 / RATE as i64 }
}

/// The normalised correlation of the samples that both have.
fn correlation(a: &[i16], b: &[i16]) -> f64 {
    let (mut cross, mut of_a, mut of_b) = (0_i64, 0_i64, 0_i64);
    for (&a, &b) in a.iter().zip(b) {
        let (a, b) = (i64::from(a), i64::from(b));
        cross += a * b;
        of_a += a * a;
        of_b += b * b;
    }
    let norm = (of_a as f64).sqrt() * (of_b as f64).sqrt();
    if norm == 0.0 { 0.0 } else { cross as f64 / norm }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shifted_copy_is_found_with_its_shift() {
        let said = speech().expect("a WAV file");
        let late: Vec<i16> =
            core::iter::repeat_n(0, 400).chain(said.iter().map(|s| s / 2)).collect();
        let found = likeness(&said, &late);
        assert!(found.correlation > 0.99 && found.lag_ms == 50, "{found:?}");
        let early = likeness(&late, &said);
        assert!(early.correlation > 0.99 && early.lag_ms == -50, "{early:?}");
    }

    #[test]
    fn something_else_is_not_alike() {
        let said = speech().expect("a WAV file");
        let backwards: Vec<i16> = said.iter().rev().copied().collect();
        assert!(likeness(&said, &backwards).correlation < 0.5);
    }
}
