//! How long packets have to wait so that all but a few are there in time.

use super::{Config, Delay};
use crate::ConfigError;

/// How many steps the histogram has.
const STEPS: usize = 64;
/// One in this many packets may come too late.
const ONE_IN: u32 = 40;
/// When this many packets were counted, half of them are forgotten.
const MEMORY: u32 = 600;
/// How many packets the fastest way is remembered for, at least.
const WINDOW: u32 = 500;

/// A histogram of what packets take longer than the fastest of late, and the quantile of it.
#[derive(Debug)]
pub(super) struct DelayEstimate {
    minimum: u32,
    maximum: u32,
    adaptive: bool,
    /// How wide a step is, in units of the clock.
    width: u32,
    counts: [u16; STEPS],
    total: u32,
    /// The step that holds the quantile, and how many packets are beyond it.
    step: usize,
    beyond: u32,
    /// The least difference of arrival and timestamp: of this window, and of the one before.
    least: Option<u32>,
    least_before: Option<u32>,
    in_window: u32,
}

impl DelayEstimate {
    pub(super) fn new(config: &Config) -> Result<Self, ConfigError> {
        let units = |time: core::time::Duration| {
            let seconds = time.as_secs().saturating_mul(u64::from(config.clock_rate));
            let part = u64::from(time.subsec_micros()) * u64::from(config.clock_rate) / 1_000_000;
            // Half of what 32 bits hold, so that differences keep their sign.
            let units = u32::try_from(seconds.saturating_add(part)).unwrap_or(u32::MAX);
            units.min(u32::MAX / 4)
        };
        let (minimum, maximum, adaptive) = match config.delay {
            Delay::Fixed(delay) => (units(delay), units(delay), false),
            Delay::Adaptive { minimum, maximum } => (units(minimum), units(maximum), true),
        };
        if minimum > maximum {
            return Err(ConfigError::DelayCrossed);
        }
        Ok(Self {
            minimum,
            maximum,
            adaptive,
            width: (maximum / (STEPS as u32 - 4)).max(1),
            counts: [0; STEPS],
            total: 0,
            step: 0,
            beyond: 0,
            least: None,
            least_before: None,
            in_window: 0,
        })
    }

    /// Takes the difference of a packet's arrival and its timestamp.
    #[inline]
    pub(super) fn arrived(&mut self, transit: u32) {
        if self.in_window >= WINDOW {
            // The clocks of sender and receiver drift apart: the fastest way is looked for anew.
            self.least_before = self.least.replace(transit);
            self.in_window = 0;
        }
        self.in_window += 1;
        self.least = Some(lesser(self.least, transit));
        if !self.adaptive {
            return;
        }
        let longer = transit.wrapping_sub(self.base());
        let step = (longer.checked_div(self.width).unwrap_or(0) as usize).min(STEPS - 1);
        self.count(step);
    }

    /// How long a packet with this timestamp has waited by `now`, from when it would have come on
    /// the fastest way; negative where it would not be here yet.
    #[inline]
    pub(super) fn waited(&self, now: u32, timestamp: u32) -> i32 {
        // The sign of the difference is meant.
        now.wrapping_sub(timestamp).wrapping_sub(self.base()) as i32
    }

    /// How long packets are to wait, from when they would have come on the fastest way.
    #[inline]
    pub(super) fn target(&self) -> u32 {
        if !self.adaptive {
            return self.maximum;
        }
        let upper = u32::try_from(self.step + 1).unwrap_or(u32::MAX).saturating_mul(self.width);
        upper.clamp(self.minimum, self.maximum)
    }

    pub(super) fn reset(&mut self) {
        self.counts = [0; STEPS];
        self.total = 0;
        self.step = 0;
        self.beyond = 0;
        self.least = None;
        self.least_before = None;
        self.in_window = 0;
    }

    fn base(&self) -> u32 {
        match (self.least, self.least_before) {
            (Some(now), before) => lesser(before, now),
            (None, before) => before.unwrap_or(0),
        }
    }

    #[inline]
    fn count(&mut self, step: usize) {
        if self.total >= MEMORY {
            self.forget();
        }
        if let Some(count) = self.counts.get_mut(step) {
            *count += 1;
        }
        self.total += 1;
        if step > self.step {
            self.beyond += 1;
        }
        let allowed = self.total / ONE_IN;
        // The quantile moves to where no more than one in so many are beyond it.
        while self.beyond > allowed && self.step < STEPS - 1 {
            self.step += 1;
            self.beyond = self.beyond.saturating_sub(self.at(self.step));
        }
        while self.step > 0 && self.beyond + self.at(self.step) <= allowed {
            self.beyond += self.at(self.step);
            self.step -= 1;
        }
    }

    fn forget(&mut self) {
        self.total = 0;
        self.beyond = 0;
        for (step, count) in self.counts.iter_mut().enumerate() {
            *count /= 2;
            self.total += u32::from(*count);
            if step > self.step {
                self.beyond += u32::from(*count);
            }
        }
    }

    fn at(&self, step: usize) -> u32 {
        self.counts.get(step).copied().map_or(0, u32::from)
    }
}

/// The lesser of two numbers that wrap.
fn lesser(a: Option<u32>, b: u32) -> u32 {
    match a {
        Some(a) if (a.wrapping_sub(b) as i32) < 0 => a,
        _ => b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;
    use handset_testkit::{Random, seeds};

    fn estimate(minimum_ms: u64, maximum_ms: u64) -> DelayEstimate {
        let delay = Delay::Adaptive {
            minimum: Duration::from_millis(minimum_ms),
            maximum: Duration::from_millis(maximum_ms),
        };
        DelayEstimate::new(&Config { delay, ..Config::new(8000) }).unwrap()
    }

    #[test]
    fn the_target_is_where_one_in_forty_is_beyond() {
        seeds(20, |seed| {
            let mut random = Random::new(seed);
            let mut estimate = estimate(0, 400);
            for _ in 0..2000 {
                // Evenly from 0 to 100 ms.
                estimate.arrived(5_000_000u32.wrapping_add(random.below(800) as u32));
            }
            let target = estimate.target();
            assert!((740..=850).contains(&target), "{target}");
        });
    }

    #[test]
    fn the_target_follows_the_network_both_ways() {
        let mut estimate = estimate(20, 400);
        let mut run = |longest: u32, packets: u32| {
            for n in 0..packets {
                estimate.arrived((n * 37) % (longest + 1));
            }
            estimate.target()
        };
        assert_eq!(run(10, 500), 160, "never below the least");
        let bad = run(1600, 1500);
        assert!((1500..=1700).contains(&bad), "{bad}");
        let good = run(10, 4000);
        assert!(good <= 160, "{good}");
    }

    #[test]
    fn a_drifting_clock_moves_the_fastest_way_along() {
        let mut estimate = estimate(20, 400);
        for n in 0..10_000u32 {
            estimate.arrived(n / 10);
        }
        // 1000 units of drift; what is left of them is what two windows take.
        assert!(estimate.waited(1000, 0) <= 100, "{}", estimate.waited(1000, 0));
        assert!(estimate.target() <= 160);
    }

    #[test]
    fn transits_may_wrap() {
        let mut estimate = estimate(0, 400);
        estimate.arrived(u32::MAX - 10);
        estimate.arrived(20);
        assert_eq!(estimate.waited(20, 0), 31);
        let crossed = Delay::Adaptive { minimum: Duration::from_secs(1), maximum: Duration::ZERO };
        let result = DelayEstimate::new(&Config { delay: crossed, ..Config::new(8000) });
        assert_eq!(result.unwrap_err(), ConfigError::DelayCrossed);
    }
}
