//! The side that sends the blocks (RFC 1350 section 2, RFC 7440 section 4).

use super::{Rollover, Timer};

/// How long to wait between two parts of a window, while no round trip has been measured.
const MINIMUM_PACE: u64 = 500;
/// After so many times of getting nowhere only the one block goes that the peer waits for. More of
/// them might have it lost for ever: by a network whose losses keep step with the window.
const HOPELESS_RUNS: u8 = 6;
const HOPELESS_TRIES: u16 = 3;

/// A block that is to be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Its number on the wire.
    pub(crate) wire: u16,
    /// Where in the file it begins.
    pub(crate) offset: u64,
    /// How many octets it has.
    pub(crate) len: usize,
}

/// What an ACK has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acked {
    /// Nothing: it is old, repeated, or of a block that was not sent.
    Nothing,
    /// There is more to send.
    More,
    /// The peer has it all.
    All,
}

/// The blocks of a file on their way to the peer.
///
/// The peer acknowledges a window when it has all of it, so a window cannot be made smaller than
/// agreed. What shrinks with loss is the part of it that goes at once (`burst`); the parts of a
/// window are spread over a round trip.
///
/// A block that is lost by accident shows as an ACK of a part of the window, and costs one round
/// trip. A buffer too small shows in two ways: nothing at all comes back, since nothing behind the
/// gap has arrived, or again and again only the first few blocks of a window are acknowledged. Only
/// those two make the burst smaller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sending {
    /// Octets of the file; `u64::MAX` while nobody knows.
    size: u64,
    /// All blocks up to this one are acknowledged.
    acked: u64,
    /// The next block to send.
    next: u64,
    /// The last block that may be sent now.
    burst_end: u64,
    /// The last block that was ever sent.
    highest: u64,
    /// When block `acked + 1` was last sent.
    window_sent_at: u64,
    /// The block whose round trip is being measured (0: none), and when it was sent.
    timed: u64,
    timed_at: u64,
    blksize: u16,
    window: u16,
    burst: u16,
    /// ACKs of a small part of a window, one after the other.
    short_runs: u8,
    rollover: Rollover,
}

impl Sending {
    pub(crate) fn new(size: Option<u64>, blksize: u16, window: u16, rollover: Rollover) -> Self {
        let window = window.max(1);
        Self {
            size: size.unwrap_or(u64::MAX),
            acked: 0,
            next: 1,
            burst_end: u64::from(window),
            highest: 0,
            window_sent_at: 0,
            timed: 0,
            timed_at: 0,
            blksize: blksize.max(1),
            window,
            burst: window,
            short_runs: 0,
            rollover,
        }
    }

    /// The next block that may be sent now.
    pub(crate) fn piece(&self) -> Option<Piece> {
        if self.next > self.burst_end.min(self.last()) {
            return None;
        }
        let offset = self.next.saturating_sub(1).saturating_mul(u64::from(self.blksize));
        let left = self.size.saturating_sub(offset);
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(usize::from(self.blksize));
        Some(Piece { wire: self.rollover.wire(self.next), offset, len })
    }

    /// The block that [`Self::piece`] gave has been sent.
    pub(crate) fn sent(&mut self, now: u64, timer: &mut Timer) {
        let block = self.next;
        self.next = block.saturating_add(1);
        if block == self.acked.saturating_add(1) {
            self.window_sent_at = now;
        }
        // Only the block that calls forth an ACK tells a round trip, and only if it is sent once.
        let calls = block == self.window_end() || block >= self.last();
        if block > self.highest {
            self.highest = block;
            if calls {
                self.timed = block;
                self.timed_at = now;
            }
        } else if block <= self.timed {
            self.timed = 0;
        }
        if calls || self.goes_alone(timer) {
            timer.start(now);
        } else if block >= self.burst_end {
            timer.start_for(now, self.pace(timer));
        }
    }

    /// The offer of options that goes before the first block has been sent; `once` unless it was
    /// sent before.
    pub(crate) fn offered(&mut self, now: u64, once: bool) {
        self.timed_at = if once { now.max(1) } else { 0 };
    }

    /// The offer has been acknowledged.
    pub(crate) fn handle_consent(&self, now: u64, timer: &mut Timer) {
        if self.timed_at > 0 {
            timer.sample(now.saturating_sub(self.timed_at));
        }
        timer.progress();
    }

    /// Whether no block has been acknowledged yet.
    pub(crate) fn at_start(&self) -> bool {
        self.acked == 0
    }

    /// An ACK has come.
    pub(crate) fn handle_ack(&mut self, now: u64, wire: u16, timer: &mut Timer) -> Acked {
        let ahead = self.rollover.ahead(self.acked, wire);
        let block = self.acked.saturating_add(ahead);
        if block > self.highest {
            return Acked::Nothing;
        }
        if ahead == 0 {
            return self.handle_repeated(now, timer);
        }
        if self.timed > 0 && block >= self.timed {
            timer.sample(now.saturating_sub(self.timed_at));
            self.timed = 0;
        }
        timer.progress();
        // A block was lost where more had been sent than is acknowledged.
        let lost = block.saturating_add(1) < self.next;
        self.acked = block;
        if block >= self.last() {
            timer.stop();
            return Acked::All;
        }
        if lost {
            self.slow_down(ahead);
        } else {
            self.short_runs = 0;
            let more = (self.window / 8).max(1);
            self.burst = self.burst.saturating_add(more).min(self.window);
        }
        self.restart(block.saturating_add(1).max(if lost { 0 } else { self.next }), timer);
        Acked::More
    }

    /// The timer has fired; false when it has fired too often.
    pub(crate) fn handle_timeout(&mut self, now: u64, timer: &mut Timer) -> bool {
        let more = self.next <= self.window_end().min(self.last()) && self.piece().is_none();
        if more && !self.goes_alone(timer) {
            // The next part of a window that goes in parts.
            self.burst_end =
                self.burst_end.saturating_add(u64::from(self.burst)).min(self.window_end());
            timer.start(now);
            return true;
        }
        if !timer.back_off() {
            return false;
        }
        self.timed = 0;
        self.burst = (self.burst / 2).max(1);
        self.restart(self.acked.saturating_add(1), timer);
        timer.start(now);
        true
    }

    /// The file ends here.
    pub(crate) fn set_size(&mut self, size: u64) {
        self.size = size;
    }

    /// How long the file is, where that is known.
    pub(crate) fn size(&self) -> Option<u64> {
        (self.size != u64::MAX).then_some(self.size)
    }

    /// Octets that the peer has acknowledged.
    pub(crate) fn octets(&self) -> u64 {
        self.acked.saturating_mul(u64::from(self.blksize)).min(self.size)
    }

    /// A repeated ACK: in lock-step it is never answered (else each delayed packet would be sent
    /// twice for ever, the Sorcerer's Apprentice). In a window it may say that the first block was
    /// lost, if it comes late enough to be the answer to it.
    fn handle_repeated(&mut self, now: u64, timer: &Timer) -> Acked {
        let outstanding = self.next > self.acked.saturating_add(1);
        let enough = timer.round_trip().saturating_mul(3) / 4;
        let since = now.saturating_sub(self.window_sent_at);
        if self.window == 1 || !outstanding || timer.round_trip() == 0 || since < enough {
            return Acked::Nothing;
        }
        self.timed = 0;
        self.slow_down(0);
        self.restart(self.acked.saturating_add(1), timer);
        Acked::More
    }

    /// A gap has been told, behind so many blocks of the window. One that comes soon is bad luck;
    /// the second in a row says that less has to be under way at once.
    fn slow_down(&mut self, run: u64) {
        if run.saturating_mul(4) >= u64::from(self.window) {
            self.short_runs = 0;
            return;
        }
        self.short_runs = self.short_runs.saturating_add(1);
        if self.short_runs >= 2 {
            self.burst = (self.burst / 2).max(1);
        }
    }

    fn restart(&mut self, next: u64, timer: &Timer) {
        self.next = next;
        let burst = if self.goes_alone(timer) { 1 } else { u64::from(self.burst) };
        self.burst_end = next.saturating_sub(1).saturating_add(burst).min(self.window_end());
    }

    fn goes_alone(&self, timer: &Timer) -> bool {
        self.short_runs >= HOPELESS_RUNS || timer.tries() >= HOPELESS_TRIES
    }

    /// How long after one part of a window the next one follows: all parts together take a round
    /// trip, but at most eight of them go in one.
    fn pace(&self, timer: &Timer) -> u64 {
        let parts = (u64::from(self.window) / u64::from(self.burst.max(1))).clamp(1, 8);
        let round_trip = match timer.round_trip() {
            0 => timer.interval() / 4,
            round_trip => round_trip,
        };
        (round_trip / parts).max(MINIMUM_PACE)
    }

    fn window_end(&self) -> u64 {
        self.acked.saturating_add(u64::from(self.window))
    }

    /// The number of the last block, which is shorter than the others.
    fn last(&self) -> u64 {
        (self.size / u64::from(self.blksize)).saturating_add(1)
    }
}
