//! When to send RTCP (RFC 3550 sections 6.2, 6.3 and appendix A.7).

use core::time::Duration;

/// What the interval between reports follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Population {
    pub(super) members: u32,
    pub(super) senders: u32,
    pub(super) we_sent: bool,
}

/// The mean size of RTCP packets with all their headers, as an average that forgets (RFC 3550
/// section 6.3.3), in 1/256 octets.
#[derive(Clone, Copy, Debug)]
pub(super) struct AverageSize(u32);

impl AverageSize {
    pub(super) fn new(octets: usize) -> Self {
        Self(u32::try_from(octets).unwrap_or(u32::MAX).saturating_mul(256))
    }

    pub(super) fn add(&mut self, octets: usize) {
        let size = Self::new(octets.min(0xffff)).0;
        // At most a sixteenth and fifteen sixteenths of 24 bits.
        self.0 = size / 16 + self.0 / 16 * 15 + (self.0 % 16) * 15 / 16;
    }

    /// The last packet was longer than it was said to be.
    pub(super) fn grow(&mut self, octets: usize) {
        self.0 = self.0.saturating_add(Self::new(octets.min(0xffff)).0 / 16);
    }

    #[cfg(test)]
    fn octets(self) -> u32 {
        self.0 / 256
    }
}

/// What the interval is held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// What RTCP may take of the session's bandwidth, in bits per second.
    pub(super) rtcp_bandwidth: u32,
    /// The least interval, before it is varied.
    pub(super) minimum: Duration,
}

/// The deterministic interval (RFC 3550 section 6.3.1, Td).
pub(super) fn interval(population: Population, size: AverageSize, limits: Limits) -> Duration {
    let Population { members, senders, we_sent } = population;
    // Senders share a quarter of the bandwidth as long as they are not more than that of all.
    let (count, quarters) = if senders <= members / 4 {
        if we_sent { (senders, 1u64) } else { (members.saturating_sub(senders), 3) }
    } else {
        (members, 4)
    };
    // size / 256 octets * 8 bits * count / (bandwidth * quarters / 4), in seconds and what remains:
    // 128 bits would do it in one step, for more octets of a firmware's image than all of this.
    let bits = u64::from(size.0).saturating_mul(u64::from(count.max(1)));
    let share = u64::from(limits.rtcp_bandwidth).saturating_mul(quarters * 8);
    let Some(seconds) = bits.checked_div(share) else { return Duration::MAX };
    // What remains is less than the divisor's 38 bits.
    let micros = (bits % share).saturating_mul(1_000_000) / share;
    Duration::from_secs(seconds).saturating_add(Duration::from_micros(micros)).max(limits.minimum)
}

/// The interval varied by a factor from 0.5 to 1.5, and divided by e - 3/2, which makes up for
/// what reconsideration adds (RFC 3550 section 6.3.1, T).
pub(super) fn vary(interval: Duration, random: u32) -> Duration {
    // (1/2 + random / 2^32) / 1.21828, in 2^-31.
    const HALF: u32 = 881_358_821;
    const WHOLE: u64 = 1_762_717_641;
    let factor = HALF + ((u64::from(random) * WHOLE) >> 32) as u32;
    scale(interval, factor, 1 << 31)
}

/// A length of time shortened as `part` is to `whole`.
pub(super) fn scale(length: Duration, part: u32, whole: u32) -> Duration {
    length.saturating_mul(part).checked_div(whole).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { rtcp_bandwidth: 3200, minimum: Duration::from_secs(5) };

    fn td(members: u32, senders: u32, we_sent: bool) -> Duration {
        interval(Population { members, senders, we_sent }, AverageSize::new(100), LIMITS)
    }

    #[test]
    fn two_members_report_at_the_least_interval() {
        assert_eq!(td(2, 1, true), LIMITS.minimum);
        assert_eq!(td(2, 2, false), LIMITS.minimum);
    }

    #[test]
    fn senders_share_a_quarter_and_receivers_three() {
        // 100 octets are 800 bits; 3200 bits a second are 4 packets; 3 of them are receivers'.
        assert_eq!(td(301, 1, false), Duration::from_secs(100));
        assert_eq!(td(400, 100, true), Duration::from_secs(100));
        // More senders than a quarter of all: everybody shares everything.
        assert_eq!(td(400, 101, false), Duration::from_secs(100));
        assert_eq!(td(400, 101, true), Duration::from_secs(100));
    }

    #[test]
    fn the_interval_varies_from_a_half_to_three_halves_with_compensation() {
        let second = Duration::from_secs(1);
        assert_eq!(vary(second, 0).as_micros(), 410_414);
        let longest = vary(second, u32::MAX);
        assert_eq!(longest.as_millis(), 1231);
    }

    #[test]
    fn the_average_size_forgets_slowly() {
        let mut size = AverageSize::new(100);
        size.add(260);
        assert_eq!(size.octets(), 110);
        for _ in 0..200 {
            size.add(60);
        }
        assert_eq!(size.octets(), 60);
    }

    #[test]
    fn nothing_divides_by_zero_and_nothing_overflows() {
        let limits = Limits { rtcp_bandwidth: 0, minimum: Duration::ZERO };
        let population = Population { members: u32::MAX, senders: 0, we_sent: false };
        let most = interval(population, AverageSize::new(usize::MAX), limits);
        assert!(vary(most, u32::MAX) > Duration::ZERO);
        assert_eq!(scale(Duration::MAX, 1, 0), Duration::ZERO);
        assert_eq!(scale(Duration::from_secs(8), 1, 4), Duration::from_secs(2));
    }
}
