//! What the far end says, and how alike what it hears is.

use anyhow::{Context, Result};

/// Samples a second.
pub const RATE: usize = 8000;
/// How far what is heard may be shifted against what was said: three quarters of a second.
const LAG_MAX: i64 = RATE as i64 * 3 / 4;
/// Samples of a packet.
const FRAME: usize = RATE / 50;
const QUARTER: usize = RATE / 4;

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

/// Compares `heard` with `said`.
///
/// A jitter buffer on the way leaves out a frame now and then, or adds one, so the shift is not the
/// same all the time: it is found for the loudest second, and each quarter of a second is then
/// compared at that shift and at those that differ by up to ten whole frames. Quarters count as much
/// as they are loud.
pub fn likeness(said: &[i16], heard: &[i16]) -> Likeness {
    let at = |from: usize, len: usize, shift: i64| {
        let there = usize::try_from(from as i64 - shift).ok();
        let there = there.and_then(|there| said.get(there..there + len));
        let here = heard.get(from..from + len);
        there.zip(here).map(|(there, here)| correlation(there, here))
    };
    let from = loudest(heard);
    let lag = (-LAG_MAX..=LAG_MAX)
        .filter_map(|shift| Some((at(from, RATE.min(heard.len()), shift)?, shift)))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or(0, |(_, shift)| shift);
    let (mut sum, mut weights) = (0.0, 0.0);
    for (number, quarter) in heard.chunks_exact(QUARTER).enumerate() {
        // What came before anything was said, or has not come yet.
        if at(number * QUARTER, QUARTER, lag).is_none() {
            continue;
        }
        let frames = (-10..=10).map(|frames| lag + frames * FRAME as i64);
        let alike = frames.filter_map(|shift| at(number * QUARTER, QUARTER, shift));
        let best = alike.fold(0.0, f64::max);
        let weight = quarter.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>().sqrt();
        sum += weight * best;
        weights += weight;
    }
    let correlation = if weights > 0.0 { sum / weights } else { 0.0 };
    Likeness { correlation, lag_ms: lag * 1000 / RATE as i64 }
}

/// Where the loudest second begins, to a tenth.
fn loudest(samples: &[i16]) -> usize {
    let energy = |from: &usize| -> i64 {
        let second = samples.get(*from..from + RATE).unwrap_or_default();
        second.iter().map(|sample| i64::from(*sample).pow(2)).sum()
    };
    let starts = (0..=samples.len().saturating_sub(RATE)).step_by(RATE / 10);
    starts.max_by_key(energy).unwrap_or(0)
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
        // That a frame is left out in the middle does not matter much.
        let skipped: Vec<i16> =
            late.iter().take(20_000).chain(late.iter().skip(20_160)).copied().collect();
        assert!(likeness(&said, &skipped).correlation > 0.95);
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
