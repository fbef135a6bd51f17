//! When to repeat: the measured round trip (in the spirit of RFC 6298), back-off, and a limit.

/// A retransmission timer. All times are microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timer {
    /// When it fires; `u64::MAX` for never.
    pub(crate) deadline: u64,
    /// The smoothed round trip; 0 until one was measured.
    srtt: u32,
    variation: u32,
    /// How long it runs now, with back-off.
    interval: u32,
    /// What it runs at first, while no round trip is known.
    initial: u32,
    floor: u32,
    ceiling: u32,
    /// How often it has fired after `initial` or longer since there was progress. What it does
    /// sooner, after a short round trip, does not count: a peer that erases a sector or waits for
    /// its own timer has the same seconds as one that has never answered.
    tries: u16,
    limit: u16,
    /// It has not fired since there was progress.
    fresh: bool,
}

impl Timer {
    pub(crate) fn new(initial: u32, floor: u32, ceiling: u32, limit: u16) -> Self {
        let ceiling = ceiling.max(floor);
        let initial = initial.clamp(floor, ceiling);
        Self {
            deadline: u64::MAX,
            srtt: 0,
            variation: 0,
            interval: initial,
            initial,
            floor,
            ceiling,
            tries: 0,
            limit,
            fresh: true,
        }
    }

    /// Never waits longer than `ceiling` from now on.
    pub(crate) fn set_ceiling(&mut self, ceiling: u32) {
        self.ceiling = ceiling.max(self.floor);
        self.interval = self.interval.min(self.ceiling);
        self.initial = self.initial.min(self.ceiling);
    }

    /// Takes in the round trip of something that was sent once.
    pub(crate) fn sample(&mut self, round_trip: u64) {
        let sample = u32::try_from(round_trip).unwrap_or(u32::MAX / 8).clamp(1, u32::MAX / 8);
        if self.srtt == 0 {
            self.srtt = sample;
            self.variation = sample / 2;
        } else {
            let error = self.srtt.abs_diff(sample);
            self.variation = self.variation - self.variation / 4 + error / 4;
            self.srtt = (self.srtt - self.srtt / 8 + sample / 8).max(1);
        }
    }

    /// Something new has come: the count and the back-off begin anew.
    pub(crate) fn progress(&mut self) {
        self.tries = 0;
        self.fresh = true;
        if self.srtt > 0 {
            // Three round trips at least: a peer that writes to flash answers unevenly.
            let spread = self.variation.saturating_mul(4).max(self.srtt.saturating_mul(2));
            self.interval = self.srtt.saturating_add(spread).clamp(self.floor, self.ceiling);
        }
    }

    /// Starts it.
    pub(crate) fn start(&mut self, now: u64) {
        self.deadline = now.saturating_add(u64::from(self.interval));
    }

    /// Starts it for a given time.
    pub(crate) fn start_for(&mut self, now: u64, interval: u64) {
        self.deadline = now.saturating_add(interval);
    }

    pub(crate) fn stop(&mut self) {
        self.deadline = u64::MAX;
    }

    /// It has fired: waits twice as long from now on. False when it has fired too often.
    pub(crate) fn back_off(&mut self) -> bool {
        if self.tries >= self.limit {
            return false;
        }
        self.fresh = false;
        if self.interval >= self.initial {
            self.tries = self.tries.saturating_add(1);
        }
        self.interval = self.interval.saturating_mul(2).min(self.ceiling);
        true
    }

    /// Whether it has not fired since there was progress.
    pub(crate) fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// How often it has fired since there was progress, after a time that counts.
    pub(crate) fn tries(&self) -> u16 {
        self.tries
    }

    /// The smoothed round trip, 0 until one was measured.
    pub(crate) fn round_trip(&self) -> u64 {
        u64::from(self.srtt)
    }

    pub(crate) fn interval(&self) -> u64 {
        u64::from(self.interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_learns_the_round_trip_and_keeps_to_its_limits() {
        let mut timer = Timer::new(1_000_000, 20_000, 5_000_000, 3);
        timer.start(10);
        assert_eq!(timer.deadline, 1_000_010);
        for _ in 0..50 {
            timer.sample(40_000);
            timer.progress();
        }
        assert!((120_000..130_000).contains(&timer.interval()), "{}", timer.interval());
        for _ in 0..100 {
            timer.sample(50);
            timer.progress();
        }
        assert_eq!(timer.interval(), 20_000);
        for _ in 0..100 {
            timer.sample(u64::MAX);
            timer.progress();
        }
        assert_eq!(timer.interval(), 5_000_000);
    }

    #[test]
    fn it_backs_off_and_gives_up() {
        let mut timer = Timer::new(1000, 10, 3000, 3);
        let mut intervals = alloc::vec::Vec::new();
        while timer.back_off() {
            intervals.push(timer.interval());
        }
        assert_eq!(intervals, [2000, 3000, 3000]);
        timer.progress();
        assert!(timer.back_off(), "progress sets the count back");
    }

    #[test]
    fn a_short_round_trip_does_not_make_it_impatient() {
        let mut timer = Timer::new(1_000_000, 20_000, 5_000_000, 3);
        timer.sample(50);
        timer.progress();
        let mut waited = timer.interval();
        while timer.back_off() {
            waited += timer.interval();
        }
        assert!(waited >= 10_000_000, "it gives up after {waited} microseconds");
        assert!(!timer.is_fresh());
    }
}
