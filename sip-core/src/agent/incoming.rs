//! What the other side of a call sends: its INVITE, what follows within the dialog, its ACK and its
//! CANCEL (RFC 3261 sections 9.2, 12.2.2, 13.3, 14.2, 15.1.2).

use core::time::Duration;

use super::call::{Call, Phase};
use super::machine::has_contact;
use super::reliable::Reliable;
use super::timer::SessionTimer;
use super::{AccountId, Agent, CallId, End, Error, Event, Failure, Owner, What};
use crate::dialog::{Dialog, Order};
use crate::header::ContentType;
use crate::message::{Message, Method, Name, StatusCode};
use crate::storage::Index;
use crate::transaction::ServerId;
use crate::transport::Path;

impl Agent<'_> {
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
        let timer = match SessionTimer::offered(&message, &self.config) {
            Ok(timer) => timer,
            Err(least) => return self.refuse_interval(now, transaction, least),
        };
        let replaced = match self.replaced(&message) {
            Ok(replaced) => replaced,
            Err(code) => return self.refuse(now, transaction, code, &mut |_| {}),
        };
        let tag = self.layer.tag(transaction).ok_or(Error::Gone)?;
        let dialog = Dialog::server(self.layer.arena_mut(), &message, &tag);
        let dialog = match dialog {
            Ok(dialog) => dialog,
            Err(crate::dialog::DialogError::NotKept(error)) => return Err(error.into()),
            Err(_) => return self.refuse(now, transaction, StatusCode::BAD_REQUEST, &mut |_| {}),
        };
        let call_id = message.row(Name::CallId).map_or(&b""[..], |row| row.value);
        let hash = self.dialog_hash(tag.as_bytes(), call_id);
        let mut call = Call::new(account, Phase::Ringing, path);
        call.dialog = Some(dialog);
        call.server = Some(transaction);
        call.settled = true;
        call.ring_by = Some(now.saturating_add(self.config.ring_limit));
        call.reliable = Reliable::offered(&message);
        call.timer = timer;
        call.replaces = replaced;
        #[cfg(feature = "offers")]
        call.offers.arrived(&message);
        match self.calls.insert(hash, call) {
            Ok(index) => {
                let owner = Owner { what: What::Invite(index), account, tried: 0 };
                self.layer.set_user(transaction, owner)?;
                self.schedule_call(index);
                let (account, replaces) = (AccountId(account), replaced.map(CallId));
                Ok(Some(Event::Incoming { call: CallId(index), account, replaces, message }))
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
            let is_it = call.dialog.as_ref().is_some_and(|dialog| dialog.matches(blocks, message));
            #[cfg(feature = "offers")]
            let is_it = is_it || self.is_of_fork(call, message);
            is_it
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
        #[cfg(feature = "offers")]
        if !self.bring_asker(index, &message) || !self.is_in_place(index, method) {
            let code = StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST;
            return self.refuse(now, transaction, code, &mut |_| {});
        }
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
            Method::Invite | Method::Update => {
                self.reinvited(now, index, transaction, method == Method::Update, message)
            }
            Method::Prack => self.provisional_acknowledged(now, index, transaction, message),
            Method::Refer => self.transfer_asked(now, index, transaction, message),
            Method::Notify => self.transfer_told(now, index, transaction, message),
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
        is_update: bool,
        message: Message<'d>,
    ) -> Result<Option<Event<'d>>, Error> {
        if !takes_body(&message) {
            let code = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return self.refuse(now, transaction, code, &mut |to| {
                to.raw(Name::Accept, b"application/sdp");
            });
        }
        #[cfg(feature = "offers")]
        if is_update && self.is_early(index) {
            return self.updated_early(now, index, transaction, message);
        }
        let wait = self.layer.random() % 11;
        let entry = self.calls.get_mut(index).ok_or(Error::Gone)?;
        #[cfg(feature = "offers")]
        if entry.offers.is_busy() {
            return self.refuse(now, transaction, StatusCode::REQUEST_PENDING, &mut |_| {});
        }
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
        let timer = match SessionTimer::offered(&message, &self.config) {
            Ok(timer) => timer,
            Err(least) => return self.refuse_interval(now, transaction, least),
        };
        if let Some(dialog) = entry.dialog.as_mut() {
            dialog.refresh(self.layer.arena_mut(), &message)?;
        }
        entry.timer = timer;
        entry.server = Some(transaction);
        entry.is_update = is_update;
        let owner = Owner { what: What::Invite(index), account: entry.account, tried: 0 };
        self.layer.set_user(transaction, owner)?;
        if is_update && message.body().is_empty() {
            // Nothing but the session's time begins anew (RFC 4028 section 7.4).
            self.answer(now, CallId(index), None)?;
            return Ok(None);
        }
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
        self.schedule_call(index);
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
        if core::mem::take(&mut entry.is_update) {
            // Nobody has answered the UPDATE; the session is as it was.
            return None;
        }
        if entry.phase == Phase::Ringing {
            self.drop_call(index);
            let end = End::Failed(failure);
            return Some(Event::Ended { call: CallId(index), end, message: None });
        }
        // RFC 3261 section 13.3.1.4: without an ACK the session is ended with a BYE.
        self.lose(now, index, failure)
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
