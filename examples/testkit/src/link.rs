//! A network between simulated hosts, in virtual time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::Random;

/// How bad the network is.
#[derive(Clone, Copy, Debug)]
pub struct LinkConfig {
    /// Datagrams that never arrive, in a thousand.
    pub loss_per_mille: u32,
    /// Datagrams that arrive twice, in a thousand.
    pub duplicate_per_mille: u32,
    /// The shortest way.
    pub delay: Duration,
    /// What the longest way takes more; later datagrams overtake earlier ones within it.
    pub jitter: Duration,
}

impl LinkConfig {
    /// Nothing is lost, everything takes 5 ms.
    pub const GOOD: Self = Self {
        loss_per_mille: 0,
        duplicate_per_mille: 0,
        delay: Duration::from_millis(5),
        jitter: Duration::ZERO,
    };

    /// One datagram in ten is lost, one in twenty comes twice, and they overtake each other.
    pub const BAD: Self = Self {
        loss_per_mille: 100,
        duplicate_per_mille: 50,
        delay: Duration::from_millis(10),
        jitter: Duration::from_millis(60),
    };
}

/// A network that carries datagrams between hosts named by `A`.
#[derive(Debug)]
pub struct Link<A> {
    config: LinkConfig,
    random: Random,
    cut: bool,
    sent: u64,
    in_flight: BinaryHeap<Reverse<(Duration, u64, Datagram<A>)>>,
}

#[derive(Debug)]
struct Datagram<A> {
    from: A,
    to: A,
    octets: Vec<u8>,
}

// The heap orders by time and number of sending, which no two datagrams share.
impl<A> PartialEq for Datagram<A> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl<A> Eq for Datagram<A> {}
impl<A> PartialOrd for Datagram<A> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<A> Ord for Datagram<A> {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

impl<A: Copy> Link<A> {
    /// A network whose accidents follow from `seed`.
    pub fn new(config: LinkConfig, seed: u64) -> Self {
        Self {
            config,
            random: Random::new(seed),
            cut: false,
            sent: 0,
            in_flight: BinaryHeap::new(),
        }
    }

    /// Changes how bad the network is for what is sent from now on.
    pub fn set_config(&mut self, config: LinkConfig) {
        self.config = config;
    }

    /// While the link is cut everything sent is lost; what is under way still arrives.
    pub fn set_cut(&mut self, cut: bool) {
        self.cut = cut;
    }

    /// Sends a datagram.
    pub fn send(&mut self, now: Duration, from: A, to: A, octets: &[u8]) {
        if self.cut || self.random.chance(self.config.loss_per_mille) {
            return;
        }
        let copies = if self.random.chance(self.config.duplicate_per_mille) { 2 } else { 1 };
        for _ in 0..copies {
            let jitter_us = u64::try_from(self.config.jitter.as_micros()).unwrap_or(u64::MAX);
            let jitter = Duration::from_micros(self.random.below(jitter_us + 1));
            let datagram = Datagram { from, to, octets: octets.to_vec() };
            let arrival = now + self.config.delay + jitter;
            self.in_flight.push(Reverse((arrival, self.sent, datagram)));
            self.sent += 1;
        }
    }

    /// Takes the next datagram that has arrived by `now`: from, to, octets.
    pub fn receive(&mut self, now: Duration) -> Option<(A, A, Vec<u8>)> {
        if self.next_arrival()? > now {
            return None;
        }
        self.in_flight.pop().map(|Reverse((_, _, d))| (d.from, d.to, d.octets))
    }

    /// When the next datagram arrives.
    pub fn next_arrival(&self) -> Option<Duration> {
        self.in_flight.peek().map(|Reverse((at, _, _))| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(config: LinkConfig, seed: u64) -> Vec<(u128, u8)> {
        let mut link = Link::new(config, seed);
        for i in 0..200u8 {
            link.send(Duration::from_millis(u64::from(i)), 'a', 'b', &[i]);
        }
        let mut seen = Vec::new();
        while let Some(at) = link.next_arrival() {
            let (_, _, octets) = link.receive(at).expect("it has arrived");
            seen.push((at.as_micros(), octets[0]));
        }
        seen
    }

    #[test]
    fn a_good_link_delivers_all_in_order() {
        let seen = arrivals(LinkConfig::GOOD, 1);
        assert!(seen.iter().map(|(_, i)| *i).eq(0..200));
    }

    #[test]
    fn a_bad_link_loses_repeats_and_reorders_the_same_for_the_same_seed() {
        let seen = arrivals(LinkConfig::BAD, 7);
        assert_eq!(seen, arrivals(LinkConfig::BAD, 7));
        assert_ne!(seen, arrivals(LinkConfig::BAD, 8));
        let mut distinct: Vec<u8> = seen.iter().map(|(_, i)| *i).collect();
        assert!(!distinct.is_sorted());
        let total = distinct.len();
        distinct.sort_unstable();
        distinct.dedup();
        assert!(distinct.len() < 200 && distinct.len() < total);
    }

    #[test]
    fn nothing_crosses_a_cut_link() {
        let mut link = Link::new(LinkConfig::GOOD, 0);
        link.set_cut(true);
        link.send(Duration::ZERO, 0, 1, b"x");
        assert_eq!(link.next_arrival(), None);
    }
}
