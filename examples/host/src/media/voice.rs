//! What is said in a call.

use crate::audio::{Converter, Sound};

/// What is said, at the rate of the codec.
pub(super) struct Voice {
    speech: Option<Sound>,
    repeats: bool,
    /// What brings it to the rate, and that rate.
    converter: Option<(u32, Converter)>,
    /// Frames of 20 ms that were said.
    frames: usize,
    said: bool,
}

impl Voice {
    pub(super) fn new(speech: Option<Sound>, repeats: bool) -> Self {
        Self { speech, repeats, converter: None, frames: 0, said: false }
    }

    /// The next 20 ms; true where the speech has just come to its end.
    pub(super) fn next(&mut self, rate: u32, samples: &mut [i16]) -> bool {
        samples.fill(0);
        let Some(speech) = &self.speech else { return false };
        if self.converter.as_ref().is_none_or(|(of, _)| *of != rate) {
            self.converter = Some((rate, Converter::new(speech.rate, rate)));
        }
        let Some((_, converter)) = &self.converter else { return false };
        let len = speech.samples.len() as u64 * u64::from(rate) / u64::from(speech.rate.max(1));
        let len = usize::try_from(len).unwrap_or_default();
        let mut at = self.frames * samples.len();
        if self.repeats && len > 0 {
            at %= len.next_multiple_of(samples.len());
        }
        self.frames += 1;
        if speech.rate == rate {
            let part = speech.samples.get(at..).unwrap_or_default();
            samples.iter_mut().zip(part).for_each(|(cell, sample)| *cell = *sample);
        } else if at < len {
            converter.convert(&speech.samples, at, samples);
        }
        let ends = !self.said && at + samples.len() >= len;
        self.said |= ends;
        ends
    }
}
