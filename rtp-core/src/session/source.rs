//! What is measured of one source (RFC 3550 appendices A.1, A.3, A.8).

use core::time::Duration;

use super::timestamp_units;

/// Packets in sequence that make a source valid (RFC 3550 appendix A.1, MIN_SEQUENTIAL).
pub(super) const MIN_SEQUENTIAL: u8 = 2;
/// A step forward of this much or more may be a source that has started again.
const MAX_DROPOUT: u16 = 3000;
/// A step back of this much or more may be a source that has started again.
const MAX_MISORDER: u16 = 100;
/// No sequence number is equal to it.
const NO_SEQUENCE: u32 = 1 << 16;

/// What the sequence number of a packet means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It follows: the number with the count of its cycles in the upper 16 bits.
    Valid(u32),
    /// The source has to show more packets in sequence first.
    Probation,
    /// It is far away from what was expected; if the next one follows it, the source has started
    /// again.
    Jump,
}

/// The reception of one source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reception {
    /// The highest number received, and how often the numbers have begun anew.
    max: u16,
    cycles: u16,
    base: u32,
    bad: u32,
    probation: u8,
    pub(super) received: u32,
    pub(super) octets: u64,
    expected_prior: u32,
    received_prior: u32,
    /// The difference of arrival and timestamp of the packet before, in units of its clock.
    transit: Option<u32>,
    /// Sixteen times the interarrival jitter.
    jitter: u32,
    pub(super) clock_rate: u32,
    pub(super) payload_type: u8,
}

impl Reception {
    pub(super) fn new(sequence: u16, min_sequential: u8) -> Self {
        let mut reception = Self {
            max: sequence.wrapping_sub(1),
            cycles: 0,
            base: u32::from(sequence),
            bad: NO_SEQUENCE,
            probation: min_sequential,
            received: 0,
            octets: 0,
            expected_prior: 0,
            received_prior: 0,
            transit: None,
            jitter: 0,
            clock_rate: 0,
            payload_type: 0,
        };
        if min_sequential == 0 {
            reception.begin(sequence);
            reception.max = sequence.wrapping_sub(1);
            // The first packet is about to come: counting it must not turn the cycle.
            if sequence == 0 {
                reception.cycles = u16::MAX;
            }
        }
        reception
    }

    /// Takes a packet's sequence number (`update_seq` of RFC 3550 appendix A.1).
    #[inline]
    pub(super) fn update(&mut self, sequence: u16, min_sequential: u8) -> Verdict {
        let step = sequence.wrapping_sub(self.max);
        if self.probation > 0 {
            if step == 1 {
                self.probation -= 1;
                self.max = sequence;
                if self.probation == 0 {
                    self.begin(sequence);
                    self.received = 1;
                    return Verdict::Valid(self.highest());
                }
            } else {
                // This packet is the first of the run.
                self.probation = min_sequential.saturating_sub(1);
                self.max = sequence;
            }
            return Verdict::Probation;
        }
        let extended = if step < MAX_DROPOUT {
            if sequence < self.max {
                self.cycles = self.cycles.wrapping_add(1);
            }
            self.max = sequence;
            self.highest()
        } else if step <= 0u16.wrapping_sub(MAX_MISORDER) {
            if u32::from(sequence) != self.bad {
                self.bad = u32::from(sequence.wrapping_add(1));
                return Verdict::Jump;
            }
            // Two in sequence: the other side has started again and has not told.
            self.begin(sequence);
            self.highest()
        } else {
            // A duplicate, or one out of order.
            self.highest().wrapping_sub(u32::from(self.max.wrapping_sub(sequence)))
        };
        self.received = self.received.wrapping_add(1);
        Verdict::Valid(extended)
    }

    /// Takes a packet's arrival for the jitter (RFC 3550 appendix A.8).
    #[inline]
    pub(super) fn arrived(&mut self, now: Duration, timestamp: u32, payload_type: u8, clock: u32) {
        self.payload_type = payload_type;
        if self.clock_rate != clock {
            // RFC 7160: what was measured in units of one clock says nothing of another.
            let in_new_units = u64::from(self.jitter).saturating_mul(u64::from(clock));
            self.jitter = in_new_units
                .checked_div(u64::from(self.clock_rate))
                .map_or(0, |jitter| u32::try_from(jitter).unwrap_or(u32::MAX));
            self.clock_rate = clock;
            self.transit = None;
        }
        let transit = timestamp_units(now, clock).wrapping_sub(timestamp);
        if let Some(before) = self.transit {
            // The sign of the difference does not matter.
            let difference = (transit.wrapping_sub(before) as i32).unsigned_abs();
            let settled = self.jitter.saturating_add(8) >> 4;
            self.jitter = self.jitter.saturating_sub(settled).saturating_add(difference);
        }
        self.transit = Some(transit);
    }

    /// Fraction lost in 256ths since the call before, and the loss since the beginning
    /// (RFC 3550 appendix A.3).
    pub(super) fn report_loss(&mut self) -> (u8, i32) {
        let expected = self.expected();
        let expected_interval = expected.wrapping_sub(self.expected_prior);
        let received_interval = self.received.wrapping_sub(self.received_prior);
        self.expected_prior = expected;
        self.received_prior = self.received;
        let lost = expected_interval.saturating_sub(received_interval);
        let fraction =
            (u64::from(lost) << 8).checked_div(u64::from(expected_interval)).unwrap_or(0);
        (u8::try_from(fraction).unwrap_or(u8::MAX), self.lost())
    }

    /// The highest sequence number, extended by the count of its cycles.
    #[inline]
    pub(super) fn highest(&self) -> u32 {
        (u32::from(self.cycles) << 16) | u32::from(self.max)
    }

    /// Packets that should have come.
    pub(super) fn expected(&self) -> u32 {
        self.highest().wrapping_sub(self.base).wrapping_add(1)
    }

    /// Packets that have not come; negative where duplicates outnumber them. 24 bits.
    pub(super) fn lost(&self) -> i32 {
        // A difference of two counts, whose sign is meant.
        (self.expected().wrapping_sub(self.received) as i32).clamp(-0x80_0000, 0x7f_ffff)
    }

    /// Interarrival jitter in units of the source's clock.
    pub(super) fn jitter(&self) -> u32 {
        self.jitter >> 4
    }

    pub(super) fn is_valid(&self) -> bool {
        self.probation == 0
    }

    fn begin(&mut self, sequence: u16) {
        self.base = u32::from(sequence);
        self.max = sequence;
        self.bad = NO_SEQUENCE;
        self.probation = 0;
        self.cycles = 0;
        self.received = 0;
        self.received_prior = 0;
        self.expected_prior = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Jump, Probation, Valid};

    fn run(reception: &mut Reception, numbers: &[u16]) -> alloc::vec::Vec<Verdict> {
        numbers.iter().map(|number| reception.update(*number, MIN_SEQUENTIAL)).collect()
    }

    #[test]
    fn a_source_is_valid_after_two_packets_in_sequence() {
        let mut reception = Reception::new(10, MIN_SEQUENTIAL);
        assert_eq!(run(&mut reception, &[10, 11, 12]), [Probation, Valid(11), Valid(12)]);
        assert_eq!((reception.expected(), reception.received, reception.lost()), (2, 2, 0));

        let mut reception = Reception::new(10, MIN_SEQUENTIAL);
        let seen = run(&mut reception, &[10, 12, 14, 15]);
        assert_eq!(seen, [Probation, Probation, Probation, Valid(15)]);
    }

    #[test]
    fn without_probation_the_first_packet_counts() {
        for first in [0, 1, 77, u16::MAX] {
            let mut reception = Reception::new(first, 0);
            let seen = [reception.update(first, 0), reception.update(first.wrapping_add(1), 0)];
            let next = if first == u16::MAX { 0x1_0000 } else { u32::from(first) + 1 };
            assert_eq!(seen, [Valid(u32::from(first)), Valid(next)], "{first}");
            assert_eq!((reception.expected(), reception.received), (2, 2), "{first}");
        }
    }

    #[test]
    fn cycles_are_counted_and_late_packets_belong_to_their_cycle() {
        let mut reception = Reception::new(65_533, MIN_SEQUENTIAL);
        let seen = run(&mut reception, &[65_533, 65_534, 0, 65_535, 1, 65_535]);
        assert_eq!(
            seen,
            [Probation, Valid(65_534), Valid(65_536), Valid(65_535), Valid(65_537), Valid(65_535)]
        );
        // 65534 to 65537 were expected; the duplicate counts as received.
        assert_eq!((reception.expected(), reception.received, reception.lost()), (4, 5, -1));
    }

    #[test]
    fn a_jump_is_believed_when_the_next_packet_follows_it() {
        let mut reception = Reception::new(1, 0);
        let seen = run(&mut reception, &[1, 2, 40_000, 3, 50_000, 50_001, 50_002]);
        assert_eq!(seen, [Valid(1), Valid(2), Jump, Valid(3), Jump, Valid(50_001), Valid(50_002)]);
        assert_eq!((reception.expected(), reception.received), (2, 2));
    }

    #[test]
    fn the_edges_of_dropout_and_misorder_are_those_of_the_appendix() {
        let step = |step: u16| {
            let mut reception = Reception::new(30_000, 0);
            reception.update(30_000, 0);
            reception.update(30_000u16.wrapping_add(step), 0)
        };
        assert_eq!(step(2999), Valid(32_999));
        assert_eq!(step(3000), Jump);
        assert_eq!(step(0u16.wrapping_sub(100)), Jump);
        assert_eq!(step(0u16.wrapping_sub(99)), Valid(29_901));
    }

    #[test]
    fn loss_is_reported_for_the_interval_and_in_total() {
        let mut reception = Reception::new(0, 0);
        run(&mut reception, &[0, 1, 2, 3, 5, 6, 7]);
        assert_eq!(reception.report_loss(), (32, 1));
        run(&mut reception, &[8, 9]);
        assert_eq!(reception.report_loss(), (0, 1));
        // More received than expected is no loss.
        run(&mut reception, &[9, 9]);
        assert_eq!(reception.report_loss(), (0, -1));
    }

    #[test]
    fn jitter_follows_appendix_a_8() {
        let mut reception = Reception::new(0, 0);
        let ms = Duration::from_millis;
        reception.arrived(ms(0), 0, 0, 8000);
        reception.arrived(ms(20), 160, 0, 8000);
        assert_eq!(reception.jitter(), 0);
        // 10 ms late: 80 units, a sixteenth of which counts.
        reception.arrived(ms(50), 320, 0, 8000);
        assert_eq!(reception.jitter(), 5);
        // The same jitter in another clock's units.
        reception.arrived(ms(60), 0, 9, 16_000);
        assert_eq!(reception.jitter(), 10);
    }
}
