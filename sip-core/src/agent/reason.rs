//! Why a call ends (RFC 3326).

use core::time::Duration;

use super::{Agent, CallId, Error, What};
use crate::header::{Header, Reason};
use crate::message::Method;
use crate::storage::Index;
use crate::transaction::{self, ClientId};

/// The longest reason of a BYE, in octets.
const MAX_REASON: usize = 128;

impl Agent<'_> {
    /// Ends a call as [`Agent::hang_up`] does and says why in the CANCEL or the BYE: `reason` is the
    /// value of a Reason (RFC 3326), `SIP;cause=200;text="Call completed elsewhere"`, say, or
    /// `Q.850;cause=16`.
    ///
    /// # Errors
    /// As [`Agent::hang_up`]; [`Error::State`] where the reason is malformed or longer than 128
    /// octets.
    pub fn hang_up_because(
        &mut self,
        now: Duration,
        call: CallId,
        reason: &[u8],
    ) -> Result<(), Error> {
        if reason.len() > MAX_REASON || Reason::parse(reason).is_err() {
            return Err(Error::State);
        }
        self.calls.get(call.0).ok_or(Error::Gone)?;
        let reason = self.layer.arena_mut().copy(reason)?;
        let old = self.calls.get_mut(call.0).and_then(|entry| entry.reason.replace(reason));
        if let Some(old) = old {
            self.layer.arena_mut().free(old);
        }
        self.hang_up(now, call)
    }

    pub(super) fn cancel_call(
        &mut self,
        now: Duration,
        index: Index,
        client: ClientId,
    ) -> Result<(), transaction::Error> {
        let (reason, len) = self.reason(index);
        match reason.get(..len) {
            Some(reason) if len > 0 => self.layer.cancel_because(now, client, reason),
            _ => self.layer.cancel(now, client),
        }
    }

    pub(super) fn send_bye_because(&mut self, now: Duration, index: Index) -> Result<(), Error> {
        let (reason, len) = self.reason(index);
        let reason = reason.get(..len).unwrap_or_default();
        self.in_dialog(now, index, Method::Bye, What::Bye(index), None, &mut |to| {
            if !reason.is_empty() {
                to.raw(Reason::NAME, reason);
            }
        })?;
        Ok(())
    }

    /// The reason of a call's end, out of the arena while something is written into that.
    fn reason(&self, index: Index) -> ([u8; MAX_REASON], usize) {
        let mut room = [0; MAX_REASON];
        let kept = self.calls.get(index).and_then(|entry| entry.reason.as_ref());
        let kept = kept.map_or(&b""[..], |kept| self.layer.arena().get(kept));
        match room.get_mut(..kept.len()) {
            Some(copy) => {
                copy.copy_from_slice(kept);
                (room, kept.len())
            }
            None => (room, 0),
        }
    }
}
