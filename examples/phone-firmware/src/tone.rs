//! A tone for a microphone that is not there.

/// A sine of 440 Hz at 8000 samples a second: 200 samples are eleven whole periods.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tone {
    at: usize,
}

impl Tone {
    /// A tone at its beginning.
    pub const fn new() -> Self {
        Self { at: 0 }
    }

    /// The next samples.
    pub fn fill(&mut self, samples: &mut [i16]) {
        for sample in samples {
            // The tone stands still 11/200 of a circle further with each sample.
            let phase = (self.at * 11 % PERIOD) as i32;
            *sample = sine(phase);
            self.at = (self.at + 1) % PERIOD;
        }
    }
}

const PERIOD: usize = 200;

/// A sine of amplitude 8192, `phase` in 200ths of a circle: Bhaskara's approximation, which is
/// within 0.2 % and needs no table.
fn sine(phase: i32) -> i16 {
    let half = PERIOD as i32 / 2;
    let (x, sign) = if phase < half { (phase, 1) } else { (phase - half, -1) };
    let product = x * (half - x);
    let value = 16 * product * 8192 / (5 * half * half - 4 * product);
    (sign * value) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_sine_of_440_hz() {
        let mut samples = [0; 8000];
        Tone::new().fill(&mut samples);
        for (sample, n) in samples.iter().zip(0..) {
            let exact = 8192.0 * (std::f64::consts::TAU * 440.0 * f64::from(n) / 8000.0).sin();
            assert!((f64::from(*sample) - exact).abs() < 20.0, "sample {n}: {sample}, {exact}");
        }
    }
}
