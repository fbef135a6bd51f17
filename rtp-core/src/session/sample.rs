//! Groups larger than the room for them: a sample of the members stands for all (RFC 2762).
//!
//! ```text
//! bits   kept of those that only listen   each stands for
//!  0     all                              1
//!  1     whose digest begins with 0       2        one bit more where the room is full,
//!  2     whose digest begins with 00      4        one less where three quarters are free
//! ```
//!
//! Digests are keyed: nobody outside can choose who is kept. Senders are always kept, and stand for
//! themselves: what is measured of them is reported.
//!
//! With one bit less the sample lacks half of those whom it should hold, until they have been heard.
//! As many as were there are counted in their place for as long as a member may be silent.

use core::time::Duration;

use super::member::{Member, State};
use super::{Leaving, Session};

/// No digest has more bits than are asked for.
const MOST_BITS: u32 = 31;

/// How a session samples.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sample {
    bits: u32,
    /// Members that were there before the sample was widened, and have not been heard since.
    unheard: u32,
    unheard_until: Duration,
}

impl Sample {
    /// How many members one that is kept stands for.
    pub(super) const fn one_in(self) -> u32 {
        1 << self.bits
    }

    /// Whether a member with this digest is kept.
    pub(super) const fn holds(self, digest: u32) -> bool {
        self.bits == 0 || digest >> (32 - self.bits) == 0
    }
}

impl Session<'_> {
    /// How many members this one stands for.
    pub(super) fn weight(&self, member: &Member) -> u32 {
        if member.sender {
            1
        } else if self.sample.holds(self.member_digest(member.ssrc)) {
            self.sample.one_in()
        } else {
            0
        }
    }

    /// Counts a member that has become valid.
    pub(super) fn count_in(&mut self, weight: u32) {
        if self.leaving == Leaving::BackingOff {
            return;
        }
        let known = self.sample.unheard.min(weight);
        self.sample.unheard -= known;
        self.member_count = self.member_count.saturating_add(weight - known);
    }

    /// Takes a member out of the count.
    pub(super) fn count_out(&mut self, weight: u32) {
        if self.leaving != Leaving::BackingOff {
            self.member_count = self.member_count.saturating_sub(weight).max(1);
        }
    }

    /// Makes room by keeping half of those that were kept, and says whether anybody was there to
    /// choose among.
    pub(super) fn narrow(&mut self) -> bool {
        let listens = |member: &Member| member.state == State::Valid && !member.sender;
        let choice = self.members.iter().any(|(_, member)| listens(member));
        if !self.config.sampling || !choice || self.sample.bits >= MOST_BITS {
            return false;
        }
        self.sample = Sample { bits: self.sample.bits + 1, ..Sample::default() };
        let sample = self.sample;
        self.members.retain(|digest, member| !listens(member) || sample.holds(digest));
        if self.leaving != Leaving::BackingOff {
            self.member_count = self.members.iter().fold(1, |count: u32, (_, member)| {
                let weight = if member.state == State::Valid { self.weight(member) } else { 0 };
                count.saturating_add(weight)
            });
        }
        true
    }

    /// Keeps twice as many as were kept, where three quarters of the room are free; and forgets
    /// those who were not heard since that was done.
    pub(super) fn widen(&mut self, now: Duration) {
        if self.sample.unheard > 0 && now >= self.sample.unheard_until {
            let unheard = core::mem::take(&mut self.sample.unheard);
            self.count_out(unheard);
            self.reconsider_backwards(now);
        }
        if self.sample.bits == 0 || self.members.len() > self.members.capacity() / 4 {
            return;
        }
        let before = self.listeners();
        self.sample.bits -= 1;
        let after = self.listeners();
        let unheard = before.saturating_sub(after);
        self.sample.unheard = self.sample.unheard.saturating_add(unheard);
        let silence = super::receive::member_timeout(&self.config, self.timeout_interval());
        self.sample.unheard_until = now.saturating_add(silence);
    }

    /// How many members that only listen there are, by those that are kept.
    fn listeners(&self) -> u32 {
        let valid = self.members.iter().filter(|(_, member)| member.state == State::Valid);
        let weights = valid.filter(|(_, member)| !member.sender).map(|(_, m)| self.weight(m));
        weights.fold(0, u32::saturating_add)
    }
}
