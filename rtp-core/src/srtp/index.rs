//! Which packet a sequence number means, and whether it was here before (RFC 3711 section 3.3).

use super::SrtpError;

/// The greatest index of SRTP: 32 bits of rollover counter, 16 of sequence number.
const LAST_INDEX: u64 = (1 << 48) - 1;
/// How many packets back a receiver can tell whether one was here.
const WINDOW: u64 = 128;

/// The state of a replay window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct WindowState {
    /// The highest index: of SRTP the rollover counter above 16 bits of sequence number, of SRTCP
    /// a number of 31 bits.
    pub highest: u64,
    /// Which packets have been here, from the highest index in the lowest bit down; 0 for none.
    /// A receiver that joins late has the rollover counter in `highest` and 0 here.
    pub seen: u128,
}

/// The packets that have been here of late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ReplayWindow {
    state: WindowState,
    /// Whether `highest` names a packet, or no more than the rollover counter to begin with.
    begun: bool,
}

impl ReplayWindow {
    /// Nothing has been here.
    pub(super) const NEW: Self = Self { state: WindowState { highest: 0, seen: 0 }, begun: false };

    pub(super) const fn restore(state: WindowState) -> Self {
        Self { state, begun: state.seen != 0 }
    }

    pub(super) const fn export(&self) -> WindowState {
        self.state
    }

    /// The index that a sequence number most likely has (RFC 3711 section 3.3.1); nothing where
    /// it would be before the first or after the last of all.
    #[inline]
    pub(super) fn estimate(&self, sequence: u16) -> Option<u64> {
        let cycle = self.state.highest >> 16;
        // The lower bits are the sequence number.
        let step = i32::from(sequence) - i32::from(self.state.highest as u16);
        let cycle = match step {
            _ if !self.begun => cycle,
            32_769.. => cycle.checked_sub(1)?,
            ..=-32_769 => cycle + 1,
            _ => cycle,
        };
        let index = (cycle << 16) | u64::from(sequence);
        (index <= LAST_INDEX).then_some(index)
    }

    /// Refuses a packet that was here before, or is too old to tell.
    #[inline]
    pub(super) fn check(&self, index: u64) -> Result<(), SrtpError> {
        if !self.begun || index > self.state.highest {
            return Ok(());
        }
        let back = self.state.highest - index;
        if back >= WINDOW || self.state.seen & (1 << back) != 0 {
            return Err(SrtpError::Replay);
        }
        Ok(())
    }

    /// Notes that a packet was here.
    #[inline]
    pub(super) fn commit(&mut self, index: u64) {
        let state = &mut self.state;
        if !self.begun || index > state.highest {
            let ahead = if self.begun { index.saturating_sub(state.highest) } else { WINDOW };
            let shifted = u32::try_from(ahead).ok().and_then(|ahead| state.seen.checked_shl(ahead));
            state.seen = shifted.unwrap_or(0) | 1;
            state.highest = index;
            self.begun = true;
        } else if let Some(bit) =
            u32::try_from(state.highest - index).ok().and_then(|back| 1u128.checked_shl(back))
        {
            state.seen |= bit;
        }
    }

    /// The index after the highest.
    pub(super) const fn following(&self) -> Option<u64> {
        if self.begun { self.state.highest.checked_add(1) } else { Some(self.state.highest) }
    }

    /// Keeps the rollover counter and the place in it, and forgets what was here.
    pub(super) const fn forget_seen(&mut self) {
        if self.begun {
            // The highest itself stays, so that the estimate goes on.
            self.state.seen = 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rollover_counter_follows_with_packets_out_of_order() {
        let mut window = ReplayWindow::default();
        for (sequence, index) in [
            (65_533u16, 65_533u64),
            (65_535, 65_535),
            (1, 65_537),
            (65_534, 65_534),
            (0, 65_536),
            (40_000, 40_000),
        ] {
            let estimate = window.estimate(sequence).unwrap();
            assert_eq!(estimate, index, "{sequence}");
            if index > 65_000 {
                window.check(estimate).unwrap();
                window.commit(estimate);
            }
        }
    }

    #[test]
    fn before_the_first_and_after_the_last_there_is_no_index() {
        let mut window = ReplayWindow::default();
        window.commit(5);
        assert_eq!(window.estimate(65_000), None);
        let mut window = ReplayWindow::restore(WindowState { highest: LAST_INDEX, seen: 1 });
        assert_eq!(window.estimate(0), None);
        assert_eq!(window.estimate(65_534), Some(LAST_INDEX - 1));
        window.commit(LAST_INDEX - 1);
        assert_eq!(window.export().seen, 3);
    }

    #[test]
    fn a_packet_is_taken_once_within_the_window_and_not_behind_it() {
        let mut window = ReplayWindow::default();
        window.commit(1000);
        assert_eq!(window.check(1000), Err(SrtpError::Replay));
        assert_eq!(window.check(1000 - 127), Ok(()));
        assert_eq!(window.check(1000 - 128), Err(SrtpError::Replay));
        window.commit(900);
        assert_eq!(window.check(900), Err(SrtpError::Replay));
        window.commit(1010);
        assert_eq!(window.check(1000), Err(SrtpError::Replay));
        assert_eq!(window.check(1005), Ok(()));
        window.commit(5000);
        assert_eq!(window.export(), WindowState { highest: 5000, seen: 1 });
    }

    #[test]
    fn a_late_joiner_begins_with_the_counter_it_was_given() {
        let window = ReplayWindow::restore(WindowState { highest: 7 << 16, seen: 0 });
        assert_eq!(window.estimate(65_000), Some((7 << 16) | 65_000));
        assert_eq!(window.check(7 << 16), Ok(()));
    }
}
