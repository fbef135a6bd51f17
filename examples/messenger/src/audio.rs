//! What Alice and Bob say.

pub use host::audio::{Likeness, SAMPLE_RATE, likeness, read_wav, write_wav};

/// What Alice says.
pub const SPEECH: &[u8] = include_bytes!("../assets/speech.wav");

/// What Bob says.
pub const ANSWER: &[u8] = include_bytes!("../assets/answer.wav");

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
    fn a_wav_of_another_rate_is_refused_with_the_reason() {
        let mut octets = SPEECH.to_vec();
        octets[24..28].copy_from_slice(&44_100u32.to_le_bytes());
        octets[28..32].copy_from_slice(&88_200u32.to_le_bytes());
        let error = read_wav(&octets).expect_err("44.1 kHz");
        assert!(error.to_string().contains("44100"), "{error}");
    }
}
