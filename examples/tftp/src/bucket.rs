//! A limit to the octets of a second.

use std::time::{Duration, Instant};

/// Octets that may be sent now: so many in a second, and a tenth of that at once.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: f64,
    octets: f64,
    filled: Instant,
}

impl Bucket {
    pub(crate) fn new(rate: u64) -> Self {
        Self { rate: rate.max(1) as f64, octets: 0.0, filled: Instant::now() }
    }

    pub(crate) fn has_room(&mut self) -> bool {
        let now = Instant::now();
        let more = now.duration_since(self.filled).as_secs_f64() * self.rate;
        self.octets = (self.octets + more).min(self.rate / 10.0);
        self.filled = now;
        self.octets >= 0.0
    }

    pub(crate) fn take(&mut self, len: usize) {
        self.octets -= len as f64;
    }

    /// How long until there is room; nothing where there is.
    pub(crate) fn wait(&self) -> Option<Duration> {
        (self.octets < 0.0).then(|| Duration::from_secs_f64(-self.octets / self.rate))
    }
}
