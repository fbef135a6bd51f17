//! The side that the blocks come to (RFC 1350 section 2, RFC 7440 section 4).

use super::{Rollover, Timer};

/// What to do with a block that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Nothing: it was there before, or comes too early.
    Nothing,
    /// It is the next one.
    Block {
        /// Where in the file it begins.
        offset: u64,
        /// Whether the file ends with it.
        last: bool,
    },
}

/// The blocks of a file on their way from the peer. They are taken in order; a gap is told at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Receiving {
    /// The next block.
    expected: u64,
    /// The block that was acknowledged last.
    acked: u64,
    /// When that was.
    acked_at: u64,
    /// Octets of the file that have come.
    octets: u64,
    blksize: u16,
    window: u16,
    /// An ACK has to be sent.
    due: bool,
    /// The ACK that was sent last was sent once, so the block that follows it tells a round trip.
    timing: bool,
    /// The gap before the next block has been told.
    gap_told: bool,
    /// Whether the last block has come.
    complete: bool,
    rollover: Rollover,
}

impl Receiving {
    pub(crate) fn new(blksize: u16, window: u16, rollover: Rollover) -> Self {
        Self {
            expected: 1,
            acked: 0,
            acked_at: 0,
            octets: 0,
            blksize: blksize.max(1),
            window: window.max(1),
            due: false,
            timing: false,
            gap_told: false,
            complete: false,
            rollover,
        }
    }

    /// A block has come, with `len` octets of at most the block size.
    pub(crate) fn handle_data(
        &mut self,
        now: u64,
        wire: u16,
        len: usize,
        timer: &mut Timer,
    ) -> Taken {
        let since = now.saturating_sub(self.acked_at);
        let ahead = self.rollover.ahead(self.expected, wire);
        if self.complete || ahead >= 32768 {
            // It has come before: the ACK was lost, or the network repeats itself. One answer to
            // all repeated blocks of a window is enough.
            let answered = since < timer.round_trip() / 2;
            self.due |= !answered;
            return Taken::Nothing;
        }
        if ahead > 0 {
            // One before it is missing. The blocks behind the gap come in one row: one ACK tells
            // the peer, and another only when the peer has had the time to act on the first.
            let told = self.gap_told && since < timer.round_trip().saturating_mul(3) / 4;
            if ahead < u64::from(self.window) && !told {
                self.gap_told = true;
                self.due = true;
            }
            return Taken::Nothing;
        }
        if self.timing && self.expected == self.acked.saturating_add(1) {
            timer.sample(since);
        }
        self.timing = false;
        self.gap_told = false;
        timer.progress();
        let offset = self.octets;
        let block = self.expected;
        self.expected = block.saturating_add(1);
        self.octets = offset.saturating_add(len as u64);
        let last = len < usize::from(self.blksize);
        self.complete = last;
        if last || block.saturating_sub(self.acked) >= u64::from(self.window) {
            self.due = true;
        } else {
            timer.start(now);
        }
        Taken::Block { offset, last }
    }

    /// The block to acknowledge now, as on the wire.
    pub(crate) fn ack(&self) -> Option<u16> {
        self.due.then(|| self.rollover.wire(self.expected.saturating_sub(1)))
    }

    /// The ACK that [`Self::ack`] gave has been sent.
    pub(crate) fn sent(&mut self, now: u64, timer: &mut Timer) {
        let block = self.expected.saturating_sub(1);
        self.timing = block > self.acked || (block == 0 && self.acked_at == 0);
        self.acked = block;
        self.acked_at = now;
        self.due = false;
        if self.complete {
            timer.stop();
        } else {
            timer.start(now);
        }
    }

    /// The timer has fired: the ACK is repeated. False when it has fired too often.
    pub(crate) fn handle_timeout(&mut self, now: u64, timer: &mut Timer) -> bool {
        if !timer.back_off() {
            return false;
        }
        self.due = true;
        timer.start(now);
        true
    }

    /// Asks for an ACK.
    pub(crate) fn set_due(&mut self) {
        self.due = true;
    }

    /// Whether no block has come yet.
    pub(crate) fn at_start(&self) -> bool {
        self.expected == 1
    }

    /// Octets of the file that have come.
    pub(crate) fn octets(&self) -> u64 {
        self.octets
    }

    pub(crate) fn blksize(&self) -> usize {
        usize::from(self.blksize)
    }
}
