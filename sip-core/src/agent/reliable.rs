//! Reliable provisional responses (RFC 3262): each is sent again until a PRACK acknowledges it, so that
//! what it says of early media arrives.
//!
//! ```text
//!  caller                         callee
//!    | --- INVITE, Supported: 100rel -> |
//!    | <- 183, Require: 100rel, RSeq -- |  again after T1, 2 T1, 4 T1 … until 64 T1: then 504
//!    | --- PRACK, RAck -------------->  |
//!    | <- 200 ------------------------- |
//! ```

use core::time::Duration;

use super::call::{Body, Phase};
use super::machine::lists;
use super::send::Within;
use super::{Agent, CallId, Error, Event, Owner, What};
use crate::dialog::Dialog;
use crate::header::{CSeq, RAck, RSeq, Require, Supported, To};
use crate::message::{Message, Method, StatusCode};
use crate::storage::Index;
use crate::transaction::ServerId;

/// How many forks of a call of ours may answer reliably. What further ones say is not acknowledged,
/// so that they give up.
const FORKS: usize = 4;

/// What the caller says of reliable responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    No,
    Supported,
    Required,
}

/// What is kept of the reliable responses to one INVITE.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reliable {
    wanted: Wanted,
    /// The number of the INVITE.
    cseq: u32,
    /// The number of our last reliable response; 0 before the first.
    rseq: u32,
    /// Until when the PRACK for it must be there.
    due: Option<Duration>,
    /// The other sides of a call of ours.
    forks: [Fork; FORKS],
}

/// One early dialog of a call of ours.
#[derive(Clone, Copy, Debug)]
struct Fork {
    /// A hash of its tag; 0 where there is none.
    tag: u64,
    /// The number of its last reliable response.
    rseq: u32,
    /// The number of our last request to it.
    cseq: u32,
}

impl Reliable {
    pub(super) const NONE: Self = Self {
        wanted: Wanted::No,
        cseq: 0,
        rseq: 0,
        due: None,
        forks: [Fork { tag: 0, rseq: 0, cseq: 0 }; FORKS],
    };

    /// What an INVITE says.
    pub(super) fn offered(invite: &Message<'_>) -> Self {
        let wanted = if lists(invite.all::<Require<'_>>().flatten().map(|tag| tag.0), b"100rel") {
            Wanted::Required
        } else if lists(invite.all::<Supported<'_>>().flatten().map(|tag| tag.0), b"100rel") {
            Wanted::Supported
        } else {
            Wanted::No
        };
        let cseq = invite.typed::<CSeq<'_>>().and_then(Result::ok);
        Self { wanted, cseq: cseq.map_or(0, |cseq| cseq.number), ..Self::NONE }
    }

    /// Whether the next provisional response is to be reliable; `gladly` where it is enough that the
    /// caller supports it.
    pub(super) fn is_wanted(&self, gladly: bool) -> bool {
        self.wanted == Wanted::Required || (gladly && self.wanted == Wanted::Supported)
    }

    /// Whether a PRACK is waited for.
    pub(super) const fn is_open(&self) -> bool {
        self.due.is_some()
    }

    pub(super) const fn due(&self) -> Option<Duration> {
        self.due
    }

    /// Whether a PRACK was waited for long enough.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        self.due.is_some_and(|at| at <= now)
    }
}

impl Agent<'_> {
    /// Sends a provisional response that is sent again until its PRACK comes.
    pub(super) fn ring_reliably(
        &mut self,
        now: Duration,
        index: Index,
        code: StatusCode,
        body: Body<'_>,
    ) -> Result<(), Error> {
        // RFC 3262 section 3: the first number is between 1 and 2^31 - 1.
        let first = (self.layer.random() as u32 >> 1).max(1);
        let entry = self.calls.get(index).ok_or(Error::Gone)?;
        let rseq =
            if entry.reliable.rseq == 0 { first } else { entry.reliable.rseq.wrapping_add(1) };
        self.respond_invite(now, index, code, body, Some(rseq))?;
        let patience = self.config.transactions.t1.saturating_mul(64);
        if let Some(entry) = self.calls.get_mut(index) {
            entry.reliable.rseq = rseq;
            entry.reliable.due = Some(now.saturating_add(patience));
        }
        self.schedule_call(index);
        Ok(())
    }

    /// A PRACK arrived.
    pub(super) fn provisional_acknowledged<'d>(
        &mut self,
        now: Duration,
        index: Index,
        transaction: ServerId,
        message: Message<'d>,
    ) -> Result<Option<Event<'d>>, Error> {
        let Some(Ok(rack)) = message.typed::<RAck<'_>>() else {
            return self.refuse(now, transaction, StatusCode::BAD_REQUEST, &mut |_| {});
        };
        let entry = self.calls.get_mut(index).ok_or(Error::Gone)?;
        let reliable = &mut entry.reliable;
        let acknowledges = CSeq { number: reliable.cseq, method: Method::Invite };
        if !reliable.is_open() || rack.response != reliable.rseq || rack.cseq != acknowledges {
            let code = StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST;
            return self.refuse(now, transaction, code, &mut |_| {});
        }
        reliable.due = None;
        if let Some(server) = entry.server {
            // It may have its final response already.
            let _ = self.layer.provisional_acknowledged(server);
        }
        self.schedule_call(index);
        #[cfg(feature = "offers")]
        if self.config.all_offers {
            return self.prack_body(now, index, transaction, message);
        }
        self.respond_ok(now, transaction)?;
        Ok(Some(Event::ProgressAcknowledged { call: CallId(index), message }))
    }

    /// Acknowledges a provisional response to an INVITE of ours, if it asks for that. Says whether it
    /// is new.
    pub(super) fn acknowledge_progress(
        &mut self,
        now: Duration,
        index: Index,
        response: &Message<'_>,
    ) -> bool {
        let Some(Ok(RSeq(rseq))) = response.typed::<RSeq>() else { return true };
        let mut required = response.all::<Require<'_>>().flatten().map(|tag| tag.0);
        let Some(Ok(cseq)) = response.typed::<CSeq<'_>>() else { return true };
        if !lists(&mut required, b"100rel") {
            return true;
        }
        let tag = self.tag_of(response);
        let Some(entry) = self.calls.get_mut(index) else { return false };
        let (account, began) = (entry.account, entry.path);
        let Some(fork) = entry.reliable.fork(tag) else { return false };
        if fork.rseq != 0 && rseq != fork.rseq.wrapping_add(1) {
            return false;
        }
        #[cfg(feature = "offers")]
        if self.config.all_offers {
            (fork.tag, fork.rseq) = (tag, rseq);
            let cseq = CSeq { number: cseq.number, method: Method::Invite };
            let told = self.progress_early(now, index, response, RAck { response: rseq, cseq });
            if !told
                && let Some(fork) =
                    self.calls.get_mut(index).and_then(|call| call.reliable.fork(tag))
            {
                fork.rseq = rseq.wrapping_sub(1);
            }
            return told;
        }
        let Ok(mut dialog) = Dialog::client(self.layer.arena_mut(), response) else {
            return true;
        };
        dialog.set_local_cseq(fork.cseq.max(cseq.number));
        let number = dialog.next_cseq();
        *fork = Fork { tag, rseq, cseq: number };
        let path = self.dialog_path(account, &dialog, began);
        let owner = Owner { what: What::Nobody, account, tried: 0 };
        let method = Method::Prack;
        let within = Within { dialog: &dialog, cseq: number, path, method, body: b"" };
        // Without room for it the response comes again; it counts as new then, too.
        let sent = self.within(now, &within, owner, &mut |_, mut to| {
            to.header(&RAck { response: rseq, cseq });
            to.finish()
        });
        dialog.free(self.layer.arena_mut());
        if sent.is_err()
            && let Some(fork) = self.calls.get_mut(index).and_then(|call| call.reliable.fork(tag))
        {
            fork.rseq = rseq.wrapping_sub(1);
        }
        sent.is_ok()
    }

    /// The number of our last request to the fork that sent this response.
    pub(super) fn early_cseq(&mut self, index: Index, response: &Message<'_>) -> u32 {
        let tag = self.tag_of(response);
        let call = self.calls.get_mut(index).filter(|call| call.phase == Phase::Calling);
        call.and_then(|call| call.reliable.fork(tag)).map_or(0, |fork| fork.cseq)
    }

    fn tag_of(&self, response: &Message<'_>) -> u64 {
        let to = response.typed::<To<'_>>().and_then(Result::ok);
        self.calls.hash(&[to.and_then(|to| to.tag()).unwrap_or_default()]) | 1
    }
}

impl Reliable {
    /// The early dialog with this tag, or room for it.
    fn fork(&mut self, tag: u64) -> Option<&mut Fork> {
        let known = self.forks.iter().position(|fork| fork.tag == tag);
        let at = known.or_else(|| self.forks.iter().position(|fork| fork.tag == 0))?;
        self.forks.get_mut(at)
    }
}
