//! Calls (RFC 3261 sections 13 to 15).
//!
//! ```text
//!  invite --> Calling --2xx, ACK----------------+                +--> Event::Ended
//!                |  cancel                      v   hang_up      |
//!                +--refused--> Ended         Active --BYE--> Leaving
//!                                               ^   BYE arrives: Ended
//!  INVITE --> Ringing --answer--> Accepted -ACK-+
//!                |  reject, CANCEL: Ended
//! ```

use core::time::Duration;

use super::machine::SUPPORTED;
use super::reliable::Reliable;
use super::send::{Begin, Within};
use super::timer::SessionTimer;
use super::transfer::Transfer;
use super::{AccountId, Agent, CallId, End, Error, Event, Failure, Owner, RequestId, What};
use crate::dialog::Dialog;
use crate::error::WriteError;
use crate::message::{Method, Name, StatusCode, Writer};
use crate::storage::Index;
use crate::transaction::{self, ClientId, ServerId, Tag};
use crate::transport::Path;

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// We have sent an INVITE.
    Calling,
    /// We have an INVITE to answer.
    Ringing,
    /// We have answered, the ACK is not there yet.
    Accepted,
    /// Both sides agree.
    Active,
    /// We have sent a BYE.
    Leaving,
}

/// One call, as it stands in a slot of an agent's storage.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) account: Index,
    pub(super) phase: Phase,
    pub(super) dialog: Option<Dialog>,
    /// Our INVITE that has no final response or no end of it yet.
    pub(super) client: Option<ClientId>,
    /// Their INVITE that has no answer or no ACK yet.
    pub(super) server: Option<ServerId>,
    /// The way that the call began.
    pub(super) path: Path,
    /// The host has hung up; it is done as soon as the protocol lets it.
    pub(super) hang_up: bool,
    /// Our INVITE, or re-INVITE, has its final response.
    pub(super) settled: bool,
    /// What is to be told of the call's end.
    /// What is to be told of the call that came of time.
    pub(super) note: Option<Note>,
    /// What waits in `server` is an UPDATE: it is answered once, and no ACK follows.
    pub(super) is_update: bool,
    /// Until when a call of theirs may ring.
    pub(super) ring_by: Option<Duration>,
    pub(super) reliable: Reliable,
    pub(super) timer: SessionTimer,
    pub(super) transfer: Transfer,
    /// The call that this one takes the place of when it is answered (RFC 3891).
    pub(super) replaces: Option<Index>,
    #[cfg(feature = "offers")]
    pub(super) offers: super::offers::Offers,
    /// Where else it may be sent to.
    #[cfg(feature = "calling")]
    pub(super) targets: super::redirect::Targets,
    /// Why it is to end, as the value of a Reason.
    #[cfg(feature = "calling")]
    pub(super) reason: Option<crate::storage::Block>,
}

/// What came of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Note {
    Ended(End),
    RefreshDue,
}

/// What a request in a call is about.
pub(super) type Body<'a> = Option<(&'a [u8], &'a [u8])>;

impl Call {
    /// Whether it is established.
    pub(super) fn is_talking(&self) -> bool {
        matches!(self.phase, Phase::Active | Phase::Accepted)
    }

    pub(super) const fn new(account: Index, phase: Phase, path: Path) -> Self {
        Self {
            account,
            phase,
            dialog: None,
            client: None,
            server: None,
            path,
            hang_up: false,
            settled: false,
            note: None,
            is_update: false,
            ring_by: None,
            reliable: Reliable::NONE,
            timer: SessionTimer::NONE,
            transfer: Transfer::None,
            replaces: None,
            #[cfg(feature = "offers")]
            offers: super::offers::Offers::NONE,
            #[cfg(feature = "calling")]
            targets: super::redirect::Targets::NONE,
            #[cfg(feature = "calling")]
            reason: None,
        }
    }
}

impl Agent<'_> {
    /// Calls somebody; the body is the offer (RFC 3264), or there is none.
    ///
    /// # Errors
    /// [`Error::Calls`] where there is no room for another call, else as [`Agent::message`].
    pub fn invite(
        &mut self,
        now: Duration,
        account: AccountId,
        uri: &[u8],
        offer: Option<(&[u8], &[u8])>,
    ) -> Result<CallId, Error> {
        self.invite_with(now, account, uri, offer, false, &mut |_| {})
    }

    /// The same with rows of their own in the INVITE, and without saying who we are where that is
    /// `hidden`.
    pub(super) fn invite_with(
        &mut self,
        now: Duration,
        account: AccountId,
        uri: &[u8],
        offer: Body<'_>,
        hidden: bool,
        rows: &mut dyn FnMut(&mut Writer<'_>),
    ) -> Result<CallId, Error> {
        self.now = now;
        let path = self.route(account.0, uri)?;
        let (tag, call_id) = (self.layer.random(), self.layer.random());
        let hash = self.dialog_hash(Tag::new(tag).as_bytes(), Tag::new(call_id).as_bytes());
        let call = Call::new(account.0, Phase::Calling, path);
        #[cfg(feature = "offers")]
        let call = call.began(offer.is_some());
        let index = self.calls.insert(hash, call).map_err(|(_, full)| Error::Calls(full))?;
        let owner = Owner { what: What::Invite(index), account: account.0, tried: 0 };
        let body = offer.map_or(&b""[..], |(_, body)| body);
        let method = Method::Invite;
        let begin = Begin { path, method, uri, to: uri, tag, call_id, cseq: 1, body };
        let config = self.config;
        let sent = self.begin_as(now, &begin, owner, hidden, &mut |_, mut to| {
            // Without an offer the first reliable response would bring one, and the PRACK would have
            // to bring the answer: the ACK brings it instead.
            if offer.is_some() || config.takes_all_offers() {
                to.raw(Name::Supported, b"100rel");
            }
            to.raw(Name::Supported, SUPPORTED);
            SessionTimer::NONE.write_request(&mut to, &config);
            rows(&mut to);
            finish(to, offer)
        });
        match sent {
            Ok(client) => {
                if let Some(call) = self.calls.get_mut(index) {
                    call.client = Some(client);
                }
                Ok(CallId(index))
            }
            Err(error) => {
                self.drop_call(index);
                Err(error)
            }
        }
    }

    /// Tells the caller that it rings here (180), or another provisional answer; with a body it is
    /// early media.
    ///
    /// # Errors
    /// [`Error::Gone`], [`Error::State`] where there is nothing to answer, else what stands in the
    /// way of sending.
    pub fn ring(
        &mut self,
        now: Duration,
        call: CallId,
        code: StatusCode,
        body: Option<(&[u8], &[u8])>,
    ) -> Result<(), Error> {
        self.now = now;
        if !code.is_provisional() || code == StatusCode::TRYING {
            return Err(Error::State);
        }
        let entry = self.calls.get(call.0).ok_or(Error::Gone)?;
        // RFC 3262 section 3: the next one only when the last one is acknowledged.
        if entry.phase != Phase::Ringing || entry.reliable.is_open() {
            return Err(Error::State);
        }
        if entry.reliable.is_wanted(self.config.reliable_provisional) {
            self.ring_reliably(now, call.0, code, body)?;
            #[cfg(feature = "offers")]
            if let Some(entry) = self.calls.get_mut(call.0) {
                entry.offers.answered_early(body.is_some());
            }
            return Ok(());
        }
        self.respond_invite(now, call.0, code, body, None)
    }

    /// Answers a call or a re-INVITE with 200; the body is the answer to their offer, or our offer
    /// where they made none.
    ///
    /// # Errors
    /// As [`Agent::ring`].
    pub fn answer(
        &mut self,
        now: Duration,
        call: CallId,
        body: Option<(&[u8], &[u8])>,
    ) -> Result<(), Error> {
        self.now = now;
        let entry = self.calls.get(call.0).ok_or(Error::Gone)?;
        // RFC 3262 section 5: what was offered or answered early is to be acknowledged first.
        if !matches!(entry.phase, Phase::Ringing | Phase::Active) || entry.reliable.is_open() {
            return Err(Error::State);
        }
        #[cfg(feature = "offers")]
        if entry.offers.is_busy() {
            return Err(Error::State);
        }
        self.respond_invite(now, call.0, StatusCode::OK, body, None)?;
        let Some(entry) = self.calls.get_mut(call.0) else { return Ok(()) };
        entry.timer.arm(now);
        if entry.is_update {
            (entry.server, entry.is_update) = (None, false);
        } else {
            (entry.phase, entry.ring_by) = (Phase::Accepted, None);
        }
        let replaced = entry.replaces.take();
        self.schedule_call(call.0);
        if let Some(replaced) = replaced {
            // RFC 3891 section 3. It may be over by now.
            let _ = self.hang_up(now, CallId(replaced));
        }
        Ok(())
    }

    /// Refuses a call, which is over then, or a re-INVITE, after which the call goes on as it was.
    /// 486 Busy Here, 603 Decline, 488 Not Acceptable Here are usual.
    ///
    /// # Errors
    /// As [`Agent::ring`].
    pub fn reject(&mut self, now: Duration, call: CallId, code: StatusCode) -> Result<(), Error> {
        self.now = now;
        if code.get() < 300 {
            return Err(Error::State);
        }
        let entry = self.calls.get_mut(call.0).ok_or(Error::Gone)?;
        let server = entry.server.ok_or(Error::State)?;
        let is_call = entry.phase == Phase::Ringing;
        if !is_call && entry.phase != Phase::Active {
            return Err(Error::State);
        }
        self.layer.respond(now, server, code, |to| to.finish())?;
        if let Some(entry) = self.calls.get_mut(call.0) {
            (entry.server, entry.is_update) = (None, false);
        }
        if is_call {
            self.end_later(call.0, End::Local);
        }
        Ok(())
    }

    /// Ends a call, whatever it is at: cancels it, declines it, or says BYE. [`Event::Ended`]
    /// follows when that is done.
    ///
    /// # Errors
    /// [`Error::Gone`], or what stands in the way of sending.
    pub fn hang_up(&mut self, now: Duration, call: CallId) -> Result<(), Error> {
        self.now = now;
        let entry = self.calls.get_mut(call.0).ok_or(Error::Gone)?;
        entry.hang_up = true;
        match (entry.phase, entry.client) {
            (Phase::Calling, Some(client)) => match self.cancel_call(now, call.0, client) {
                // Its answer is there already and is dealt with as it comes.
                Err(transaction::Error::Gone | transaction::Error::State) => Ok(()),
                done => Ok(done?),
            },
            (Phase::Calling, None) => {
                self.end_later(call.0, End::Local);
                Ok(())
            }
            (Phase::Ringing, _) => self.reject(now, call, StatusCode::DECLINE),
            // RFC 3261 section 15: not before the ACK.
            (Phase::Accepted | Phase::Leaving, _) => Ok(()),
            (Phase::Active, _) => {
                #[cfg(feature = "offers")]
                self.acknowledge_now(call.0);
                self.send_bye(now, call.0)
            }
        }
    }

    /// Asks the other side to change the session (a re-INVITE): to hold or resume it, or for other
    /// media.
    ///
    /// # Errors
    /// [`Error::State`] where the call is not established or another change is on its way.
    pub fn reinvite(
        &mut self,
        now: Duration,
        call: CallId,
        offer: Option<(&[u8], &[u8])>,
    ) -> Result<(), Error> {
        self.now = now;
        self.may_change(call.0)?;
        let entry = self.calls.get(call.0).ok_or(Error::Gone)?;
        let what = What::Invite(call.0);
        let (config, timer) = (self.config, entry.timer);
        let client = self.in_dialog(now, call.0, Method::Invite, what, offer, &mut |to| {
            to.raw(Name::Supported, SUPPORTED);
            timer.write_request(to, &config);
        })?;
        if let Some(entry) = self.calls.get_mut(call.0) {
            entry.client = Some(client);
            entry.settled = false;
            #[cfg(feature = "offers")]
            entry.offers.asked(offer.is_some());
        }
        Ok(())
    }

    /// Sends an INFO within a call (RFC 6086), a DTMF digit say.
    ///
    /// # Errors
    /// [`Error::State`] where the call is not established, else what stands in the way of sending.
    pub fn info(
        &mut self,
        now: Duration,
        call: CallId,
        content_type: &[u8],
        body: &[u8],
    ) -> Result<RequestId, Error> {
        self.send_in_call(now, call, Method::Info, content_type, body)
    }

    /// Sends an instant message within a call, as message sessions do.
    ///
    /// # Errors
    /// As [`Agent::info`].
    pub fn message_in_call(
        &mut self,
        now: Duration,
        call: CallId,
        content_type: &[u8],
        body: &[u8],
    ) -> Result<RequestId, Error> {
        self.send_in_call(now, call, Method::Message, content_type, body)
    }

    /// Whether a call's session can be changed now: it is established, and no other change is under
    /// way.
    pub(super) fn may_change(&self, index: Index) -> Result<(), Error> {
        let entry = self.calls.get(index).ok_or(Error::Gone)?;
        let is_busy = entry.client.is_some() && !entry.settled;
        let may = entry.phase == Phase::Active && entry.server.is_none() && !is_busy;
        #[cfg(feature = "offers")]
        let may = may && !entry.offers.is_busy();
        if may { Ok(()) } else { Err(Error::State) }
    }

    fn send_in_call(
        &mut self,
        now: Duration,
        call: CallId,
        method: Method<'_>,
        content_type: &[u8],
        body: &[u8],
    ) -> Result<RequestId, Error> {
        self.now = now;
        let entry = self.calls.get(call.0).ok_or(Error::Gone)?;
        if !entry.is_talking() {
            return Err(Error::State);
        }
        let id = self.request_id();
        let (what, body) = (What::InCall(call.0, id), Some((content_type, body)));
        self.in_dialog(now, call.0, method, what, body, &mut |_| {})?;
        Ok(id)
    }

    pub(super) fn in_dialog(
        &mut self,
        now: Duration,
        index: Index,
        method: Method<'_>,
        what: What,
        body: Body<'_>,
        rows: &mut dyn FnMut(&mut Writer<'_>),
    ) -> Result<ClientId, Error> {
        let entry = self.calls.get_mut(index).ok_or(Error::Gone)?;
        let (account, began) = (entry.account, entry.path);
        // The dialog is lent to the writer and put back.
        let mut dialog = entry.dialog.take().ok_or(Error::State)?;
        let path = self.dialog_path(account, &dialog, began);
        let cseq = dialog.next_cseq();
        let owner = Owner { what, account, tried: 0 };
        let octets = body.map_or(&b""[..], |(_, body)| body);
        let within = Within { dialog: &dialog, cseq, path, method, body: octets };
        let sent = self.within(now, &within, owner, &mut |_, mut to| {
            rows(&mut to);
            finish(to, body)
        });
        match self.calls.get_mut(index) {
            Some(entry) => entry.dialog = Some(dialog),
            None => dialog.free(self.layer.arena_mut()),
        }
        sent
    }

    #[cfg(not(feature = "calling"))]
    fn cancel_call(
        &mut self,
        now: Duration,
        _: Index,
        client: ClientId,
    ) -> Result<(), transaction::Error> {
        self.layer.cancel(now, client)
    }

    pub(super) fn send_bye(&mut self, now: Duration, index: Index) -> Result<(), Error> {
        #[cfg(feature = "calling")]
        self.send_bye_because(now, index)?;
        #[cfg(not(feature = "calling"))]
        self.in_dialog(now, index, Method::Bye, What::Bye(index), None, &mut |_| {})?;
        if let Some(entry) = self.calls.get_mut(index) {
            entry.phase = Phase::Leaving;
        }
        self.schedule_call(index);
        Ok(())
    }

    /// Answers what waits for an answer, an INVITE or an UPDATE; `rseq` is a reliable provisional
    /// response's number.
    pub(super) fn respond_invite(
        &mut self,
        now: Duration,
        index: Index,
        code: StatusCode,
        body: Body<'_>,
        rseq: Option<u32>,
    ) -> Result<(), Error> {
        let entry = self.calls.get(index).ok_or(Error::Gone)?;
        let server = entry.server.ok_or(Error::State)?;
        let path = self.layer.server_path(server).ok_or(Error::Gone)?;
        let sent_by = self.config.transactions.sent_by.of(path.transport);
        let (accounts, account, timer) = (&self.accounts, entry.account, entry.timer);
        let blocks = self.layer.arena().blocks();
        let hidden = cfg!(feature = "calling")
            && entry.dialog.as_ref().is_some_and(|dialog| dialog.is_anonymous(blocks));
        let is_final = code.is_success();
        let repeat = rseq.is_some() || (is_final && !entry.is_update);
        self.layer.respond_with(now, server, code, repeat, &mut |blocks, mut to| {
            if let Some(account) = accounts.get(account) {
                let mut view = account.view(blocks);
                if cfg!(feature = "calling") && hidden {
                    view.contact_user = b"";
                }
                view.write_contact(&mut to, path.transport, sent_by);
            }
            to.raw(Name::Allow, super::machine::ALLOW);
            if let Some(rseq) = rseq {
                to.raw(Name::Require, b"100rel");
                to.raw_number(Name::RSeq, rseq);
            }
            if is_final {
                to.raw(Name::Supported, SUPPORTED);
                timer.write_response(&mut to);
            }
            finish(to, body)
        })?;
        Ok(())
    }

    /// Ends a call that has failed, with a BYE for the other side, if it is there.
    pub(super) fn lose<'d>(
        &mut self,
        now: Duration,
        index: Index,
        failure: Failure,
    ) -> Option<Event<'d>> {
        self.calls.get(index)?;
        self.leave(now, index);
        self.drop_call(index);
        Some(Event::Ended { call: CallId(index), end: End::Failed(failure), message: None })
    }

    /// Sends a BYE that nobody waits for, if there is a dialog.
    pub(super) fn leave(&mut self, now: Duration, index: Index) {
        let Some(entry) = self.calls.get_mut(index) else { return };
        let (account, began) = (entry.account, entry.path);
        let Some(mut dialog) = entry.dialog.take() else { return };
        let path = self.dialog_path(account, &dialog, began);
        let cseq = dialog.next_cseq();
        let owner = Owner { what: What::Nobody, account, tried: 0 };
        let method = Method::Bye;
        let within = Within { dialog: &dialog, cseq, path, method, body: b"" };
        // Without room for it the other side finds out by itself.
        let _ = self.within(now, &within, owner, &mut |_, to| to.finish());
        dialog.free(self.layer.arena_mut());
    }

    /// The BYE is answered, or will not be: the call is over all the same.
    pub(super) fn call_left<'d>(&mut self, index: Index) -> Option<Event<'d>> {
        self.calls.get(index)?;
        self.drop_call(index);
        Some(Event::Ended { call: CallId(index), end: End::Local, message: None })
    }

    pub(super) fn call_due(&mut self, now: Duration, index: Index) {
        self.now = now;
        let Some(entry) = self.calls.get_mut(index) else { return };
        let is_due = |at: Option<Duration>| at.is_some_and(|at| at <= now);
        let unacknowledged = entry.reliable.is_due(now);
        if is_due(entry.ring_by) || unacknowledged {
            let server = entry.server.take();
            // RFC 3262 section 3 wants a 5xx where no PRACK comes.
            let code = if unacknowledged {
                StatusCode::SERVER_TIMEOUT
            } else {
                StatusCode::TEMPORARILY_UNAVAILABLE
            };
            if let Some(server) = server {
                // Without room for it the caller hears nothing and gives up.
                let _ = self.layer.respond(now, server, code, |to| to.finish());
            }
            return self.end_later(index, End::Failed(Failure::Timeout));
        }
        self.session_due(now, index);
        self.schedule_call(index);
    }

    pub(super) fn call_note(&mut self) -> Option<Event<'static>> {
        let index = self.calls.first_noted()?;
        self.calls.clear_noted(index);
        match self.calls.get_mut(index)?.note.take()? {
            Note::Ended(end) => {
                self.drop_call(index);
                Some(Event::Ended { call: CallId(index), end, message: None })
            }
            Note::RefreshDue => Some(Event::RefreshDue { call: CallId(index) }),
        }
    }

    /// Asks to be told when the first of a call's times has come.
    pub(super) fn schedule_call(&mut self, index: Index) {
        let Some(entry) = self.calls.get(index) else { return };
        let timer = entry.timer.due().filter(|_| entry.phase == Phase::Active);
        let due = [entry.ring_by, entry.reliable.due(), timer].into_iter().flatten().min();
        self.calls.set_deadline(index, due);
    }

    pub(super) fn end_later(&mut self, index: Index, end: End) {
        if let Some(entry) = self.calls.get_mut(index) {
            entry.note = Some(Note::Ended(end));
            self.calls.set_noted(index);
            self.calls.set_deadline(index, None);
        }
    }

    pub(super) fn drop_call(&mut self, index: Index) {
        let Some(entry) = self.calls.remove(index) else { return };
        #[cfg(feature = "offers")]
        let entry = self.free_offers(entry);
        #[cfg(feature = "calling")]
        let entry = self.free_targets(entry);
        // A re-INVITE may be under way that nobody answers after the BYE.
        if let Some(client) = entry.client {
            self.layer.give_up(self.now, client);
        }
        if let Some(dialog) = entry.dialog {
            dialog.free(self.layer.arena_mut());
        }
    }
}

/// Ends a message, with a body or without.
pub(super) fn finish(to: Writer<'_>, body: Body<'_>) -> Result<usize, WriteError> {
    match body {
        Some((content_type, body)) => to.body(content_type, body),
        None => to.finish(),
    }
}
