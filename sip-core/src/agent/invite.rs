//! What comes of an INVITE of ours (RFC 3261 sections 13.2.2 and 14.1).

use core::time::Duration;

use super::call::{Body, Phase, finish};
use super::send::{Within, path_of};
use super::timer::is_lost;
use super::{Agent, CallId, End, Error, Event, Failure, Owner, What};
use crate::dialog::Dialog;
use crate::message::{Message, Method, StatusCode};
use crate::storage::Index;
use crate::transaction::{ClientId, Tag, Target};

impl Agent<'_> {
    /// A response to an INVITE of ours.
    pub(super) fn invite_response<'d>(
        &mut self,
        now: Duration,
        index: Index,
        transaction: ClientId,
        code: StatusCode,
        message: Message<'d>,
    ) -> Option<Event<'d>> {
        let call = CallId(index);
        let Some(entry) = self.calls.get_mut(index) else {
            if code.is_success() {
                self.decline_fork(now, None, &message);
            }
            return None;
        };
        if code.is_provisional() {
            let is_told = code != StatusCode::TRYING && entry.phase == Phase::Calling;
            if !is_told || !self.acknowledge_progress(now, index, &message) {
                return None;
            }
            self.transfer_progress(now, index, code);
            return Some(Event::Progress { call, message });
        }
        if code.is_success() {
            return self.invite_accepted(now, index, transaction, message);
        }
        let is_call = entry.phase == Phase::Calling;
        entry.client = None;
        entry.settled = true;
        #[cfg(feature = "offers")]
        self.note_refusal(index, code, &message);
        if is_call {
            let hung_up = self.calls.get(index).is_some_and(|call| call.hang_up);
            self.transfer_progress(now, index, code);
            self.drop_call(index);
            let end = if hung_up && code == StatusCode::REQUEST_TERMINATED {
                End::Cancelled
            } else {
                End::Failed(Failure::Refused(code))
            };
            return Some(Event::Ended { call, end, message: Some(message) });
        }
        let failure = Failure::Refused(code);
        if is_lost(code) && self.calls.get(index).is_some_and(|call| call.phase == Phase::Active) {
            return self.lose(now, index, failure);
        }
        Some(Event::ChangeFailed { call, failure })
    }

    /// A 2xx to an INVITE of ours, the first, one that comes again, or another fork's.
    fn invite_accepted<'d>(
        &mut self,
        now: Duration,
        index: Index,
        transaction: ClientId,
        message: Message<'d>,
    ) -> Option<Event<'d>> {
        let call = CallId(index);
        let entry = self.calls.get_mut(index)?;
        let (account, is_call) = (entry.account, entry.phase == Phase::Calling);
        if is_call {
            let early = self.early_cseq(index, &message);
            #[cfg(feature = "offers")]
            let made = self.confirm_dialog(index, &message);
            #[cfg(not(feature = "offers"))]
            let made = Dialog::client(self.layer.arena_mut(), &message);
            let dialog = match made {
                Ok(mut dialog) => {
                    dialog.set_local_cseq(early.max(dialog.local_cseq()));
                    dialog
                }
                Err(_) => {
                    // Without a dialog there is no ACK; the other side gives up by itself.
                    self.drop_call(index);
                    let end = End::Failed(Failure::NoRoom);
                    return Some(Event::Ended { call, end, message: Some(message) });
                }
            };
            let entry = self.calls.get_mut(index)?;
            entry.dialog = Some(dialog);
            entry.phase = Phase::Active;
        } else {
            let blocks = self.layer.arena().blocks();
            let is_ours =
                entry.dialog.as_ref().is_some_and(|dialog| dialog.is_of(blocks, &message));
            if !is_ours {
                self.decline_fork(now, Some(account), &message);
                return None;
            }
            if let Some(dialog) = entry.dialog.as_mut() {
                // Where there is no room the old target stays, which most often still holds.
                let _ = dialog.refresh(self.layer.arena_mut(), &message);
            }
        }
        let entry = self.calls.get_mut(index)?;
        entry.settled = true;
        entry.client = None;
        let hang_up = entry.hang_up;
        #[cfg(feature = "offers")]
        if self.offered_at_last(index, transaction, &message) {
            return self.agreed(now, index, message, is_call);
        }
        let cseq = message.typed::<crate::header::CSeq<'_>>().and_then(Result::ok);
        let cseq = cseq.map_or(0, |cseq| cseq.number);
        let acked = self.send_ack(index, transaction, &message, cseq, None);
        if acked.is_err() && is_call {
            // The 2xx comes again, and is then declined like a fork's.
            self.drop_call(index);
            let end = End::Failed(Failure::NoRoom);
            return Some(Event::Ended { call, end, message: Some(message) });
        }
        if is_call && hang_up {
            return match self.send_bye(now, index) {
                Ok(()) => None,
                Err(_) => self.lose(now, index, Failure::NoRoom),
            };
        }
        self.agreed(now, index, message, is_call)
    }

    /// What a 2xx says is told.
    fn agreed<'d>(
        &mut self,
        now: Duration,
        index: Index,
        message: Message<'d>,
        is_call: bool,
    ) -> Option<Event<'d>> {
        let call = CallId(index);
        self.session_agreed(now, index, &message);
        self.transfer_progress(now, index, StatusCode::OK);
        Some(if is_call {
            Event::Answered { call, message }
        } else {
            Event::Changed { call, message }
        })
    }

    /// Acknowledges a 2xx; the body is the answer to what it offers, if it does.
    pub(super) fn send_ack(
        &mut self,
        index: Index,
        transaction: ClientId,
        message: &Message<'_>,
        cseq: u32,
        body: Body<'_>,
    ) -> Result<(), Error> {
        let entry = self.calls.get_mut(index).ok_or(Error::Gone)?;
        let (account, began) = (entry.account, entry.path);
        let dialog = entry.dialog.take().ok_or(Error::State)?;
        let path = self.dialog_path(account, &dialog, began);
        let keys = self.keys(account, None);
        let cnonce = Tag::new(self.layer.random());
        let (accounts, target) = (&self.accounts, Target::Kept(dialog.block()));
        let octets = body.map_or(&b""[..], |(_, body)| body);
        let acked = self.layer.acknowledge_with(
            transaction,
            message,
            path,
            target,
            &mut |blocks, mut to| {
                dialog.write(blocks, &mut to, Method::Ack, cseq);
                // RFC 3261 section 22.1: with the credentials of the INVITE.
                if let Some(entry) = accounts.get(account) {
                    let kept = Message::parse(blocks.get(dialog.block())).ok();
                    let uri = kept.and_then(|kept| kept.uri()).unwrap_or_default();
                    keys.write(blocks, entry, &mut to, Method::Invite, uri, octets, &cnonce);
                }
                finish(to, body)
            },
        );
        match self.calls.get_mut(index) {
            Some(entry) => entry.dialog = Some(dialog),
            None => dialog.free(self.layer.arena_mut()),
        }
        Ok(acked?)
    }

    /// Another fork has answered too: acknowledge it and hang up (RFC 3261 section 13.2.2.4).
    fn decline_fork(&mut self, now: Duration, account: Option<Index>, message: &Message<'_>) {
        let account = account.or_else(|| self.accounts.iter().next().map(|(index, _)| index));
        let Some(account) = account else { return };
        let Ok(mut dialog) = Dialog::client(self.layer.arena_mut(), message) else { return };
        let cseq = dialog.local_cseq();
        let hop = dialog.next_hop(self.layer.arena().blocks());
        let server = self.accounts.get(account).and_then(|entry| entry.server);
        if let Some(path) = server.or_else(|| path_of(&hop?, 0)) {
            let target = Target::Kept(dialog.block());
            // Where there is no room for these the fork gives up by itself.
            let _ = self.layer.stateless_with(path, Method::Ack, target, &mut |blocks, mut to| {
                dialog.write(blocks, &mut to, Method::Ack, cseq);
                to.finish()
            });
            let cseq = dialog.next_cseq();
            let owner = Owner { what: What::Nobody, account, tried: 0 };
            let method = Method::Bye;
            let within = Within { dialog: &dialog, cseq, path, method, body: b"" };
            let _ = self.within(now, &within, owner, &mut |_, to| to.finish());
        }
        dialog.free(self.layer.arena_mut());
    }

    pub(super) fn invite_failed(
        &mut self,
        index: Index,
        transaction: ClientId,
        failure: Failure,
    ) -> Option<Event<'static>> {
        let call = CallId(index);
        let now = self.now;
        let entry = self.calls.get_mut(index)?;
        if entry.client != Some(transaction) {
            return None;
        }
        entry.client = None;
        entry.settled = true;
        if entry.phase == Phase::Calling {
            let end = if entry.hang_up { End::Cancelled } else { End::Failed(failure) };
            self.transfer_progress(now, index, StatusCode::REQUEST_TIMEOUT);
            self.drop_call(index);
            return Some(Event::Ended { call, end, message: None });
        }
        // RFC 3261 section 14.1: no answer to a re-INVITE ends the call.
        if entry.phase == Phase::Active { self.lose(now, index, failure) } else { None }
    }
}
