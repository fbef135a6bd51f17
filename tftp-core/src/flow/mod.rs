//! What client and server share: the flow of blocks in one direction, and its timer.
//!
//! ```text
//!  sender                                    receiver
//!    | 1 2 3 4 (window of 4)                    |
//!    |----------------------------------------->| 3 is lost
//!    |                     ACK 2 at once, for 4 | the gap is seen one way later
//!    |<-----------------------------------------|
//!    | 3 4 5 6                                  |
//!    |----------------------------------------->|
//! ```
//!
//! Block numbers have 64 bits here and 16 on the wire. Times are microseconds.

use core::time::Duration;

mod receiving;
mod sending;
mod timer;

pub(crate) use receiving::{Receiving, Taken};
pub(crate) use sending::{Acked, Sending};
pub(crate) use timer::Timer;

/// What follows block 65535 on the wire; RFC 1350 does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Rollover {
    /// Block 0, as nearly everybody does.
    #[default]
    Zero,
    /// Block 1, as some (aviation among them) do.
    One,
}

impl Rollover {
    /// The number on the wire of a block.
    pub(crate) fn wire(self, block: u64) -> u16 {
        match self {
            // The lower 16 bits are what the wire has room for.
            Self::Zero => block as u16,
            Self::One => match block.checked_sub(1) {
                None => 0,
                Some(before) => (before % 65535) as u16 + 1,
            },
        }
    }

    /// How many blocks the one that `wire` names lies ahead of `block`; what lies behind comes out
    /// as a number of more than half the circle.
    pub(crate) fn ahead(self, block: u64, wire: u16) -> u64 {
        match self {
            Self::Zero => u64::from(wire.wrapping_sub(block as u16)),
            Self::One => {
                let here = self.wire(block);
                if wire == 0 || here == 0 {
                    // Block 0 is no part of the circle: it comes once, before block 1.
                    return if wire >= here { u64::from(wire) } else { u64::from(u16::MAX) };
                }
                let (wire, here) = (u64::from(wire), u64::from(here));
                if wire >= here { wire - here } else { wire + 65535 - here }
            }
        }
    }
}

/// Microseconds since the host's epoch.
pub(crate) fn micros(now: Duration) -> u64 {
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}

/// The point of the host's clock that many microseconds after its epoch.
pub(crate) const fn duration(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_roll_over_to_0_or_to_1() {
        let wires = |rollover: Rollover| {
            [0, 1, 65535, 65536, 65537, 131_070, 131_071].map(|block| rollover.wire(block))
        };
        assert_eq!(wires(Rollover::Zero), [0, 1, 65535, 0, 1, 65534, 65535]);
        assert_eq!(wires(Rollover::One), [0, 1, 65535, 1, 2, 65535, 1]);
    }

    #[test]
    fn the_distance_to_a_number_on_the_wire_is_found_across_the_end() {
        for rollover in [Rollover::Zero, Rollover::One] {
            for block in [0, 1, 2, 60_000, 65_534, 65_535, 65_536, 65_537, 131_070, 131_071] {
                for ahead in [0, 1, 2, 1000, 30_000] {
                    let wire = rollover.wire(block + ahead);
                    assert_eq!(rollover.ahead(block, wire), ahead, "{rollover:?} {block}");
                }
                for behind in 1..block.min(1000) {
                    let wire = rollover.wire(block - behind);
                    assert!(rollover.ahead(block, wire) > 32768, "{rollover:?} {block} {behind}");
                }
            }
        }
    }
}
