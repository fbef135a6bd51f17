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

use super::machine::has_contact;
use super::send::{Begin, Within};
use super::{AccountId, Agent, CallId, End, Error, Event, Failure, Owner, RequestId, What};
use crate::dialog::{Dialog, Order};
use crate::header::ContentType;
use crate::message::{Message, Method, Name, StatusCode};
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
    server: Option<ServerId>,
    /// The way that the call began.
    pub(super) path: Path,
    /// The host has hung up; it is done as soon as the protocol lets it.
    pub(super) hang_up: bool,
    /// Our INVITE, or re-INVITE, has its final response.
    pub(super) settled: bool,
    /// What is to be told of the call's end.
    note: Option<End>,
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
        self.now = now;
        let path = self.route(account.0, uri)?;
        let (tag, call_id) = (self.layer.random(), self.layer.random());
        let hash = self.dialog_hash(Tag::new(tag).as_bytes(), Tag::new(call_id).as_bytes());
        let call = Call {
            account: account.0,
            phase: Phase::Calling,
            dialog: None,
            client: None,
            server: None,
            path,
            hang_up: false,
            settled: false,
            note: None,
        };
        let index = self.calls.insert(hash, call).map_err(|(_, full)| Error::Calls(full))?;
        let owner = Owner { what: What::Invite(index), account: account.0, tried: 0 };
        let body = offer.map_or(&b""[..], |(_, body)| body);
        let method = Method::Invite;
        let begin = Begin { path, method, uri, to: uri, tag, call_id, cseq: 1, body };
        let sent = self.begin(now, &begin, owner, &mut |_, to| match offer {
            Some((content_type, body)) => to.body(content_type, body),
            None => to.finish(),
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
        if entry.phase != Phase::Ringing {
            return Err(Error::State);
        }
        self.respond_invite(now, call.0, code, body)
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
        if !matches!(entry.phase, Phase::Ringing | Phase::Active) {
            return Err(Error::State);
        }
        self.respond_invite(now, call.0, StatusCode::OK, body)?;
        if let Some(entry) = self.calls.get_mut(call.0) {
            entry.phase = Phase::Accepted;
            self.calls.set_deadline(call.0, None);
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
            entry.server = None;
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
            (Phase::Calling, Some(client)) => match self.layer.cancel(now, client) {
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
            (Phase::Active, _) => self.send_bye(now, call.0),
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
        let entry = self.calls.get(call.0).ok_or(Error::Gone)?;
        let is_busy = entry.client.is_some() && !entry.settled;
        if entry.phase != Phase::Active || entry.server.is_some() || is_busy {
            return Err(Error::State);
        }
        let what = What::Invite(call.0);
        let client = self.in_dialog(now, call.0, Method::Invite, what, offer)?;
        if let Some(entry) = self.calls.get_mut(call.0) {
            entry.client = Some(client);
            entry.settled = false;
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
        if !matches!(entry.phase, Phase::Active | Phase::Accepted) {
            return Err(Error::State);
        }
        let id = self.request_id();
        self.in_dialog(now, call.0, method, What::InCall(call.0, id), Some((content_type, body)))?;
        Ok(id)
    }

    fn in_dialog(
        &mut self,
        now: Duration,
        index: Index,
        method: Method<'_>,
        what: What,
        body: Option<(&[u8], &[u8])>,
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
        let sent = self.within(now, &within, owner, &mut |_, to| match body {
            Some((content_type, body)) => to.body(content_type, body),
            None => to.finish(),
        });
        match self.calls.get_mut(index) {
            Some(entry) => entry.dialog = Some(dialog),
            None => dialog.free(self.layer.arena_mut()),
        }
        sent
    }

    pub(super) fn send_bye(&mut self, now: Duration, index: Index) -> Result<(), Error> {
        self.in_dialog(now, index, Method::Bye, What::Bye(index), None)?;
        if let Some(entry) = self.calls.get_mut(index) {
            entry.phase = Phase::Leaving;
        }
        Ok(())
    }

    fn respond_invite(
        &mut self,
        now: Duration,
        index: Index,
        code: StatusCode,
        body: Option<(&[u8], &[u8])>,
    ) -> Result<(), Error> {
        let entry = self.calls.get(index).ok_or(Error::Gone)?;
        let server = entry.server.ok_or(Error::State)?;
        let path = self.layer.server_path(server).ok_or(Error::Gone)?;
        let sent_by = self.config.transactions.sent_by.of(path.transport);
        let (accounts, account) = (&self.accounts, entry.account);
        let repeat = code.is_success();
        self.layer.respond_with(now, server, code, repeat, &mut |blocks, mut to| {
            if let Some(account) = accounts.get(account) {
                account.view(blocks).write_contact(&mut to, path.transport, sent_by);
            }
            to.raw(Name::Allow, super::machine::ALLOW);
            match body {
                Some((content_type, body)) => to.body(content_type, body),
                None => to.finish(),
            }
        })?;
        Ok(())
    }

    /// An INVITE outside of any dialog.
    pub(super) fn call_arrived<'d>(
        &mut self,
        now: Duration,
        account: Index,
        transaction: ServerId,
        message: Message<'d>,
        path: Path,
    ) -> Result<Option<Event<'d>>, Error> {
        if !takes_body(&message) {
            let code = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return self.refuse(now, transaction, code, &mut |to| {
                to.raw(Name::Accept, b"application/sdp");
            });
        }
        if !has_contact(&message) {
            return self.refuse(now, transaction, StatusCode::BAD_REQUEST, &mut |_| {});
        }
        let tag = self.layer.tag(transaction).ok_or(Error::Gone)?;
        let dialog = Dialog::server(self.layer.arena_mut(), &message, &tag);
        let dialog = match dialog {
            Ok(dialog) => dialog,
            Err(crate::dialog::DialogError::NotKept(error)) => return Err(error.into()),
            Err(_) => return self.refuse(now, transaction, StatusCode::BAD_REQUEST, &mut |_| {}),
        };
        let call_id = message.row(Name::CallId).map_or(&b""[..], |row| row.value);
        let hash = self.dialog_hash(tag.as_bytes(), call_id);
        let call = Call {
            account,
            phase: Phase::Ringing,
            dialog: Some(dialog),
            client: None,
            server: Some(transaction),
            path,
            hang_up: false,
            settled: true,
            note: None,
        };
        match self.calls.insert(hash, call) {
            Ok(index) => {
                let owner = Owner { what: What::Invite(index), account, tried: 0 };
                self.layer.set_user(transaction, owner)?;
                let limit = now.saturating_add(self.config.ring_limit);
                self.calls.set_deadline(index, Some(limit));
                let account = AccountId(account);
                Ok(Some(Event::Incoming { call: CallId(index), account, message }))
            }
            Err((call, full)) => {
                if let Some(dialog) = call.dialog {
                    dialog.free(self.layer.arena_mut());
                }
                self.refuse(now, transaction, StatusCode::BUSY_HERE, &mut |_| {})?;
                Err(Error::Calls(full))
            }
        }
    }

    /// The call that a request with a To tag belongs to.
    pub(super) fn call_of(&self, message: &Message<'_>) -> Option<Index> {
        let hash = self.request_hash(message)?;
        let blocks = self.layer.arena().blocks();
        self.calls.find(hash, |call| {
            call.dialog.as_ref().is_some_and(|dialog| dialog.matches(blocks, message))
        })
    }

    /// A request within a call.
    pub(super) fn in_call<'d>(
        &mut self,
        now: Duration,
        index: Index,
        transaction: ServerId,
        method: Method<'_>,
        message: Message<'d>,
    ) -> Result<Option<Event<'d>>, Error> {
        let entry = self.calls.get_mut(index).ok_or(Error::Gone)?;
        let account = entry.account;
        let dialog = entry.dialog.as_mut().ok_or(Error::State)?;
        if dialog.receive(&message) == Order::Late {
            return self.refuse(now, transaction, StatusCode::SERVER_INTERNAL_ERROR, &mut |_| {});
        }
        let call = CallId(index);
        match method {
            Method::Bye => {
                self.respond_ok(now, transaction)?;
                let pending = self.calls.get_mut(index).and_then(|call| call.server.take());
                if let Some(pending) = pending {
                    // RFC 3261 section 15.1.2.
                    let code = StatusCode::REQUEST_TERMINATED;
                    let _ = self.layer.respond(now, pending, code, |to| to.finish());
                }
                let end = match self.calls.get(index) {
                    Some(call) if call.phase == Phase::Leaving => End::Local,
                    _ => End::Remote,
                };
                self.drop_call(index);
                Ok(Some(Event::Ended { call, end, message: Some(message) }))
            }
            Method::Info => {
                self.respond_ok(now, transaction)?;
                Ok(Some(Event::Info { call, message }))
            }
            Method::Message => {
                self.respond_ok(now, transaction)?;
                let account = AccountId(account);
                Ok(Some(Event::Message { account, call: Some(call), message }))
            }
            Method::Options => {
                self.respond_options(now, transaction)?;
                Ok(None)
            }
            Method::Invite => self.reinvited(now, index, transaction, message),
            _ => self.refuse(now, transaction, StatusCode::METHOD_NOT_ALLOWED, &mut |to| {
                to.raw(Name::Allow, super::machine::ALLOW);
            }),
        }
    }

    /// A re-INVITE (RFC 3261 section 14.2).
    fn reinvited<'d>(
        &mut self,
        now: Duration,
        index: Index,
        transaction: ServerId,
        message: Message<'d>,
    ) -> Result<Option<Event<'d>>, Error> {
        if !takes_body(&message) {
            let code = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return self.refuse(now, transaction, code, &mut |to| {
                to.raw(Name::Accept, b"application/sdp");
            });
        }
        let wait = self.layer.random() % 11;
        let entry = self.calls.get_mut(index).ok_or(Error::Gone)?;
        if entry.client.is_some() && !entry.settled {
            return self.refuse(now, transaction, StatusCode::REQUEST_PENDING, &mut |_| {});
        }
        if entry.server.is_some() {
            let code = StatusCode::SERVER_INTERNAL_ERROR;
            return self.refuse(now, transaction, code, &mut |to| {
                to.raw_number(Name::RetryAfter, wait as u32);
            });
        }
        if entry.phase != Phase::Active {
            return self.refuse(now, transaction, StatusCode::REQUEST_TERMINATED, &mut |_| {});
        }
        if let Some(dialog) = entry.dialog.as_mut() {
            dialog.refresh(self.layer.arena_mut(), &message)?;
        }
        entry.server = Some(transaction);
        let owner = Owner { what: What::Invite(index), account: entry.account, tried: 0 };
        self.layer.set_user(transaction, owner)?;
        Ok(Some(Event::Reinvited { call: CallId(index), message }))
    }

    /// An ACK for a 2xx of ours.
    pub(super) fn call_ack<'d>(
        &mut self,
        now: Duration,
        message: Message<'d>,
    ) -> Result<Option<Event<'d>>, Error> {
        let Some(index) = self.call_of(&message) else { return Ok(None) };
        let entry = self.calls.get_mut(index).ok_or(Error::Gone)?;
        if entry.phase != Phase::Accepted {
            return Ok(None);
        }
        let Some(server) = entry.server.take() else { return Ok(None) };
        entry.phase = Phase::Active;
        let hang_up = entry.hang_up;
        // It may be gone already, and then has stopped by itself.
        let _ = self.layer.acknowledged(server);
        if hang_up {
            self.send_bye(now, index)?;
        }
        Ok(Some(Event::Confirmed { call: CallId(index), message }))
    }

    /// A CANCEL for an INVITE of theirs.
    pub(super) fn call_cancelled<'d>(
        &mut self,
        now: Duration,
        transaction: ServerId,
        owner: Option<Owner>,
        message: Message<'d>,
    ) -> Result<Option<Event<'d>>, Error> {
        let code = StatusCode::REQUEST_TERMINATED;
        self.layer.respond(now, transaction, code, |to| to.finish())?;
        let Some(Owner { what: What::Invite(index), .. }) = owner else { return Ok(None) };
        let call = CallId(index);
        let Some(entry) = self.calls.get_mut(index) else { return Ok(None) };
        entry.server = None;
        if entry.phase != Phase::Ringing {
            // It was a re-INVITE: the call goes on.
            return Ok(None);
        }
        self.drop_call(index);
        Ok(Some(Event::Ended { call, end: End::Cancelled, message: Some(message) }))
    }

    /// No ACK came for our answer, or the caller's connection is gone.
    pub(super) fn server_failed(
        &mut self,
        transaction: ServerId,
        owner: Option<Owner>,
        failure: Failure,
    ) -> Option<Event<'static>> {
        let now = self.now;
        let Some(Owner { what: What::Invite(index), .. }) = owner else { return None };
        let entry = self.calls.get_mut(index)?;
        if entry.server != Some(transaction) {
            return None;
        }
        entry.server = None;
        if entry.phase == Phase::Ringing {
            self.drop_call(index);
            let end = End::Failed(failure);
            return Some(Event::Ended { call: CallId(index), end, message: None });
        }
        // RFC 3261 section 13.3.1.4: without an ACK the session is ended with a BYE.
        self.lose(now, index, failure)
    }

    /// Ends a call that has failed, with a BYE for the other side, if it is there.
    pub(super) fn lose<'d>(
        &mut self,
        now: Duration,
        index: Index,
        failure: Failure,
    ) -> Option<Event<'d>> {
        let entry = self.calls.get_mut(index)?;
        let (account, began, dialog) = (entry.account, entry.path, entry.dialog.take());
        if let Some(mut dialog) = dialog {
            let path = self.dialog_path(account, &dialog, began);
            let cseq = dialog.next_cseq();
            let owner = Owner { what: What::Nobody, account, tried: 0 };
            let method = Method::Bye;
            let within = Within { dialog: &dialog, cseq, path, method, body: b"" };
            let _ = self.within(now, &within, owner, &mut |_, to| to.finish());
            dialog.free(self.layer.arena_mut());
        }
        self.drop_call(index);
        Some(Event::Ended { call: CallId(index), end: End::Failed(failure), message: None })
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
        if entry.phase != Phase::Ringing {
            return;
        }
        if let Some(server) = entry.server.take() {
            let code = StatusCode::TEMPORARILY_UNAVAILABLE;
            // Without room for it the caller hears nothing and gives up.
            let _ = self.layer.respond(now, server, code, |to| to.finish());
        }
        self.end_later(index, End::Failed(Failure::Timeout));
    }

    pub(super) fn call_note(&mut self) -> Option<Event<'static>> {
        let index = self.calls.first_noted()?;
        self.calls.clear_noted(index);
        let end = self.calls.get_mut(index)?.note.take()?;
        self.drop_call(index);
        Some(Event::Ended { call: CallId(index), end, message: None })
    }

    fn end_later(&mut self, index: Index, end: End) {
        if let Some(entry) = self.calls.get_mut(index) {
            entry.note = Some(end);
            self.calls.set_noted(index);
            self.calls.set_deadline(index, None);
        }
    }

    pub(super) fn drop_call(&mut self, index: Index) {
        let Some(entry) = self.calls.remove(index) else { return };
        if let Some(dialog) = entry.dialog {
            dialog.free(self.layer.arena_mut());
        }
    }
}

/// Whether we can read the body of an INVITE: there is none, or it is a session description.
fn takes_body(message: &Message<'_>) -> bool {
    message.body().is_empty()
        || matches!(
            message.typed::<ContentType<'_>>(),
            Some(Ok(kind)) if kind.is(b"application", b"sdp") || kind.is(b"multipart", b"mixed")
        )
}
