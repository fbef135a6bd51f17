//! The ports that media uses: pairs of an even port for RTP and the odd one after it for RTCP
//! (RFC 3550 section 11), out of a range that a policy gives.
//!
//! A pair that was released rests for a while, so that packets still under way to an old call do
//! not reach a new one; the pair that has rested longest is taken first.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use crate::{ConfigError, Full};

/// The least port that a policy may use.
pub const MINIMUM_PORT: u16 = 1024;

/// The range of ports that a policy opens for media, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PortRange {
    low: u16,
    high: u16,
}

impl PortRange {
    /// The range of Windows Messenger's policy: 5350 to 5353.
    pub const DEFAULT: Self = Self { low: 5350, high: 5353 };

    /// A range.
    ///
    /// # Errors
    /// An end is below [`MINIMUM_PORT`], or the low end is above the high end.
    pub const fn new(low: u16, high: u16) -> Result<Self, ConfigError> {
        if low < MINIMUM_PORT {
            return Err(ConfigError::PortTooLow { port: low, minimum: MINIMUM_PORT });
        }
        if high < MINIMUM_PORT {
            return Err(ConfigError::PortTooLow { port: high, minimum: MINIMUM_PORT });
        }
        if low > high {
            return Err(ConfigError::RangeCrossed { low, high });
        }
        Ok(Self { low, high })
    }

    /// The lowest port.
    pub const fn low(self) -> u16 {
        self.low
    }

    /// The highest port.
    pub const fn high(self) -> u16 {
        self.high
    }

    /// Whether a port is in the range.
    pub const fn contains(self, port: u16) -> bool {
        self.low <= port && port <= self.high
    }

    /// How many pairs the range holds.
    pub const fn pairs(self) -> usize {
        // 65535 is odd: the first even port is never beyond the range of its type.
        let first = self.low as usize + (self.low & 1) as usize;
        (self.high as usize + 1).saturating_sub(first) / 2
    }

    /// The pair of this number, counted from the low end.
    pub fn pair(self, number: usize) -> Option<PortPair> {
        if number >= self.pairs() {
            return None;
        }
        let rtp = usize::from(self.low).next_multiple_of(2).checked_add(number * 2)?;
        u16::try_from(rtp).ok().map(|rtp| PortPair { rtp })
    }

    fn number(self, pair: PortPair) -> Option<usize> {
        let first = usize::from(self.low).next_multiple_of(2);
        let number = usize::from(pair.rtp).checked_sub(first)? / 2;
        (self.pair(number) == Some(pair)).then_some(number)
    }
}

impl Default for PortRange {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// An even port for RTP, and the odd one after it for RTCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PortPair {
    rtp: u16,
}

impl PortPair {
    /// The port of RTP.
    pub const fn rtp(self) -> u16 {
        self.rtp
    }

    /// The port of RTCP.
    pub const fn rtcp(self) -> u16 {
        // An even port is never the last one.
        self.rtp | 1
    }

    /// The pair at an address of the host, as it is reached without a translator of addresses.
    pub const fn at(self, address: IpAddr) -> External {
        External {
            rtp: SocketAddr::new(address, self.rtp()),
            rtcp: SocketAddr::new(address, self.rtcp()),
        }
    }
}

/// Where a pair is reached from outside, as a router that translates addresses has mapped it: what
/// SDP says of the medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct External {
    /// The address of RTP: of `c=` and `m=`.
    pub rtp: SocketAddr,
    /// The address of RTCP.
    pub rtcp: SocketAddr,
}

impl External {
    /// Whether SDP has to name the address of RTCP (`a=rtcp`, RFC 3605): it is not the port after
    /// that of RTP.
    pub fn needs_rtcp_attribute(&self) -> bool {
        let next = self.rtp.port().checked_add(1);
        self.rtp.ip() != self.rtcp.ip() || next != Some(self.rtcp.port())
    }
}

/// Room for the state of one pair, which the host lends.
#[derive(Clone, Copy, Debug)]
pub struct PairSlot {
    state: PairState,
    /// The next pair in the order of rest.
    next: u16,
    external: Option<External>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PairState {
    Taken,
    /// May be taken from this time on.
    Free(Duration),
}

const NONE: u16 = u16::MAX;

impl PairSlot {
    /// A slot that was not used yet.
    pub const EMPTY: Self =
        Self { state: PairState::Free(Duration::ZERO), next: NONE, external: None };
}

/// Gives out the pairs of a range. Taking and releasing take the same time however many there are.
///
/// ```
/// use core::time::Duration;
/// use rtp_core::ports::{PairSlot, PortPairs, PortRange};
/// let mut slots = [PairSlot::EMPTY; 2];
/// let mut pairs = PortPairs::new(PortRange::DEFAULT, Duration::from_secs(5), &mut slots)?;
/// let pair = pairs.allocate(Duration::ZERO).unwrap();
/// assert_eq!((pair.rtp(), pair.rtcp()), (5350, 5351));
/// # Ok::<(), rtp_core::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct PortPairs<'s> {
    range: PortRange,
    reuse_delay: Duration,
    slots: &'s mut [PairSlot],
    first: u16,
    last: u16,
    taken: usize,
}

impl<'s> PortPairs<'s> {
    /// Gives out as many pairs of `range` as there are slots, from its low end. A pair rests for
    /// `reuse_delay` after its release.
    ///
    /// # Errors
    /// The range holds no pair, or there is no slot.
    pub fn new(
        range: PortRange,
        reuse_delay: Duration,
        slots: &'s mut [PairSlot],
    ) -> Result<Self, ConfigError> {
        let pairs = range.pairs();
        if pairs == 0 {
            return Err(ConfigError::NoPair { low: range.low, high: range.high });
        }
        let len = slots.len().min(pairs);
        let (slots, _) = slots.split_at_mut(len);
        let Some(last) = len.checked_sub(1) else { return Err(ConfigError::NoStorage) };
        for (slot, number) in slots.iter_mut().zip(1u16..) {
            *slot = PairSlot { next: number, ..PairSlot::EMPTY };
        }
        if let Some(slot) = slots.last_mut() {
            slot.next = NONE;
        }
        // A range holds at most 32256 pairs.
        let last = u16::try_from(last).unwrap_or(NONE - 1);
        Ok(Self { range, reuse_delay, slots, first: 0, last, taken: 0 })
    }

    /// Takes the pair that has rested longest.
    ///
    /// # Errors
    /// All pairs are taken, or rest still.
    pub fn allocate(&mut self, now: Duration) -> Result<PortPair, Full> {
        let full = Full { capacity: self.slots.len() };
        let number = usize::from(self.first);
        let slot = self.slots.get_mut(number).ok_or(full)?;
        match slot.state {
            PairState::Free(from) if from <= now => {}
            _ => return Err(full),
        }
        slot.state = PairState::Taken;
        self.first = slot.next;
        if self.first == NONE {
            self.last = NONE;
        }
        self.taken += 1;
        self.range.pair(number).ok_or(full)
    }

    /// Gives a pair back. One that another program of the host holds is given back as well: it
    /// comes to the end of the order of rest. Says whether the pair was taken.
    pub fn release(&mut self, now: Duration, pair: PortPair) -> bool {
        let Some(number) = self.range.number(pair) else { return false };
        let free = PairState::Free(now.saturating_add(self.reuse_delay));
        let Some(slot) = self.slots.get_mut(number) else { return false };
        if slot.state != PairState::Taken {
            return false;
        }
        *slot = PairSlot { state: free, next: NONE, ..*slot };
        let number = u16::try_from(number).unwrap_or(NONE);
        match self.slots.get_mut(usize::from(self.last)) {
            Some(last) => last.next = number,
            None => self.first = number,
        }
        self.last = number;
        self.taken -= 1;
        true
    }

    /// Says where a pair is reached from outside, as the host has learned of its router; it stays so
    /// until the host says otherwise, whoever takes the pair. Says whether the pair is one of these.
    pub fn set_external(&mut self, pair: PortPair, external: Option<External>) -> bool {
        let slot = self.range.number(pair).and_then(|number| self.slots.get_mut(number));
        slot.map(|slot| slot.external = external).is_some()
    }

    /// Where a pair is reached from outside, if the host has said so.
    pub fn external(&self, pair: PortPair) -> Option<External> {
        self.slots.get(self.range.number(pair)?)?.external
    }

    /// When a pair may be taken again, where none may be now.
    pub fn next_free(&self) -> Option<Duration> {
        match self.slots.get(usize::from(self.first))?.state {
            PairState::Free(from) => Some(from),
            PairState::Taken => None,
        }
    }

    /// How many pairs are taken.
    pub const fn taken(&self) -> usize {
        self.taken
    }

    /// The range that the pairs come from.
    pub const fn range(&self) -> PortRange {
        self.range
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const REST: Duration = Duration::from_secs(5);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_range_out_of_bounds_or_crossed_is_refused_with_the_reason() {
        assert_eq!(
            PortRange::new(1023, 2000),
            Err(ConfigError::PortTooLow { port: 1023, minimum: 1024 })
        );
        assert_eq!(
            PortRange::new(2000, 80),
            Err(ConfigError::PortTooLow { port: 80, minimum: 1024 })
        );
        assert_eq!(
            PortRange::new(2000, 1999),
            Err(ConfigError::RangeCrossed { low: 2000, high: 1999 })
        );
        assert!(PortRange::new(1024, 65535).is_ok());
    }

    #[test]
    fn pairs_are_even_and_odd_and_inside_the_range() {
        let table = [(5350, 5353, 2), (5351, 5353, 1), (5350, 5352, 1), (5351, 5352, 0)];
        for (low, high, pairs) in table {
            let range = PortRange::new(low, high).unwrap();
            assert_eq!(range.pairs(), pairs);
            for number in 0..pairs {
                let pair = range.pair(number).unwrap();
                assert!(pair.rtp().is_multiple_of(2) && pair.rtcp() == pair.rtp() + 1);
                assert!(range.contains(pair.rtp()) && range.contains(pair.rtcp()));
            }
            assert_eq!(range.pair(pairs), None);
        }
        assert_eq!(PortRange::new(1024, 65535).unwrap().pairs(), 32_256);
        assert_eq!(PortRange::new(65535, 65535).unwrap().pairs(), 0);
    }

    #[test]
    fn a_range_without_a_pair_is_refused() {
        let range = PortRange::new(5351, 5352).unwrap();
        let error = PortPairs::new(range, REST, &mut [PairSlot::EMPTY]).unwrap_err();
        assert_eq!(error, ConfigError::NoPair { low: 5351, high: 5352 });
        let error = PortPairs::new(PortRange::DEFAULT, REST, &mut []).unwrap_err();
        assert_eq!(error, ConfigError::NoStorage);
    }

    #[test]
    fn a_released_pair_rests_and_the_one_rested_longest_is_next() {
        let mut slots = [PairSlot::EMPTY; 8];
        let range = PortRange::new(6000, 6005).unwrap();
        let mut pairs = PortPairs::new(range, REST, &mut slots).unwrap();
        let taken: Vec<_> = (0..3).map(|_| pairs.allocate(at(0)).unwrap()).collect();
        assert_eq!(pairs.allocate(at(0)), Err(Full { capacity: 3 }));
        assert_eq!((pairs.taken(), pairs.next_free()), (3, None));
        assert!(pairs.release(at(1), taken[2]));
        assert!(pairs.release(at(2), taken[0]));
        assert!(!pairs.release(at(2), taken[0]), "it was given back already");
        assert_eq!(pairs.allocate(at(5)), Err(Full { capacity: 3 }));
        assert_eq!(pairs.next_free(), Some(at(6)));
        assert_eq!(pairs.allocate(at(6)), Ok(taken[2]));
        assert_eq!(pairs.allocate(at(6)), Err(Full { capacity: 3 }));
        assert_eq!(pairs.allocate(at(7)), Ok(taken[0]));
    }

    #[test]
    fn a_pair_of_elsewhere_is_not_taken_back() {
        let mut slots = [PairSlot::EMPTY; 1];
        let mut pairs = PortPairs::new(PortRange::DEFAULT, REST, &mut slots).unwrap();
        let pair = pairs.allocate(at(0)).unwrap();
        let elsewhere = PortRange::new(7000, 7001).unwrap().pair(0).unwrap();
        assert!(!pairs.release(at(0), elsewhere));
        // Inside the range, but beyond the slots.
        assert!(!pairs.release(at(0), PortRange::DEFAULT.pair(1).unwrap()));
        assert!(pairs.release(at(0), pair));
    }

    #[test]
    fn where_a_pair_is_reached_from_outside_stays_with_it() {
        let mut slots = [PairSlot::EMPTY; 2];
        let mut pairs = PortPairs::new(PortRange::DEFAULT, REST, &mut slots).unwrap();
        let pair = pairs.allocate(at(0)).unwrap();
        assert_eq!(pairs.external(pair), None);
        let address = |port| SocketAddr::from(([198, 51, 100, 7], port));
        let mapped = External { rtp: address(40_000), rtcp: address(40_101) };
        assert!(pairs.set_external(pair, Some(mapped)));
        pairs.release(at(1), pair);
        assert_eq!(pairs.external(pair), Some(mapped));
        let other = pairs.allocate(at(2)).unwrap();
        assert_eq!(pairs.external(other), None);
        let elsewhere = PortRange::new(2000, 2001).unwrap().pair(0).unwrap();
        assert!(!pairs.set_external(elsewhere, Some(mapped)));
        assert_eq!(pairs.external(elsewhere), None);
    }

    #[test]
    fn sdp_names_the_port_of_rtcp_where_it_is_not_the_next() {
        let pair = PortRange::DEFAULT.pair(1).unwrap();
        let plain = pair.at([192, 0, 2, 1].into());
        assert_eq!((plain.rtp.port(), plain.rtcp.port()), (5352, 5353));
        assert!(!plain.needs_rtcp_attribute());
        let moved = SocketAddr::from(([192, 0, 2, 1], 5355));
        assert!(External { rtcp: moved, ..plain }.needs_rtcp_attribute());
        let elsewhere = SocketAddr::from(([192, 0, 2, 2], 5353));
        assert!(External { rtcp: elsewhere, ..plain }.needs_rtcp_attribute());
        let last = SocketAddr::from(([192, 0, 2, 1], u16::MAX));
        assert!(External { rtp: last, ..plain }.needs_rtcp_attribute());
    }
}
