//! Transfer of calls: REFER with its implicit subscription (RFC 3515), Replaces (RFC 3891).
//!
//! ```text
//!  blind:    A --REFER, Refer-To: C--> B --INVITE--> C        A hangs up once it is told of success
//!  attended: A has talked to C; A --REFER, Refer-To: C?Replaces=…--> B --INVITE, Replaces--> C,
//!            and C hangs up the call that it had with A
//!
//!  B --NOTIFY "SIP/2.0 100 Trying"--> A … --NOTIFY "SIP/2.0 200 OK", terminated--> A
//! ```

use core::time::Duration;

use super::{AccountId, Agent, CallId, Error, Event, Failure, What};
use crate::header::{ReferTo, ReferredBy, Replaces, SubscriptionState};
use crate::message::{Message, Method, Name, StatusCode, Writer};
use crate::storage::Index;
use crate::transaction::ServerId;
use crate::uri::{Uri, unescape};

/// How a call takes part in a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transfer {
    None,
    /// The other side asked us to call somebody: it is told what comes of it.
    Asked,
    /// This call is what the other side of that call asked for.
    Of(Index),
}

/// The longest value of Replaces that a transfer may bring, in octets.
const MAX_REPLACES: usize = 256;
/// The longest dialog, as its requests have it, that another side may be asked to take over, in octets.
const MAX_DIALOG: usize = 768;
/// For how long the implicit subscription of a REFER holds, in seconds.
const TOLD_FOR_S: u32 = 180;

impl Agent<'_> {
    /// Asks the other side of a call to call `uri` in our place (blind transfer, RFC 3515). How that
    /// goes is told as [`Event::TransferProgress`]; the call itself stays until it is hung up.
    ///
    /// # Errors
    /// [`Error::Gone`] where the call is over, [`Error::State`] where it is not established,
    /// [`Error::Uri`] where the URI is malformed, else what stands in the way of sending.
    pub fn transfer(&mut self, now: Duration, call: CallId, uri: &[u8]) -> Result<(), Error> {
        Uri::parse(uri).map_err(|_| Error::Uri)?;
        self.refer(now, call, &mut |to| to.text(uri))
    }

    /// Asks the other side of a call to take over `other`, another call of ours (attended transfer,
    /// RFC 3891): its INVITE there says that it replaces ours.
    ///
    /// # Errors
    /// As [`Agent::transfer`]; [`Error::Uri`] where the other call's addresses and route are longer
    /// than 768 octets together.
    pub fn transfer_to(&mut self, now: Duration, call: CallId, other: CallId) -> Result<(), Error> {
        let entry = self.calls.get(other.0).ok_or(Error::Gone)?;
        let dialog = entry.dialog.as_ref().ok_or(Error::State)?;
        // The dialog is copied: what is written stands in the same arena.
        let mut room = [0; MAX_DIALOG];
        let kept = self.layer.arena().get(dialog.block());
        let copy = room.get_mut(..kept.len()).ok_or(Error::Uri)?;
        copy.copy_from_slice(kept);
        let pattern = Message::parse(copy).map_err(|_| Error::State)?;
        self.refer(now, call, &mut |to| {
            let target = pattern.typed::<crate::header::Contact<'_>>().and_then(Result::ok);
            let uri = target.as_ref().and_then(|target| target.uri());
            to.text(uri.as_ref().and_then(Uri::as_bytes).unwrap_or_default());
            to.text(b"?Replaces=");
            let ours = pattern.typed::<crate::header::From<'_>>().and_then(Result::ok);
            let theirs = pattern.typed::<crate::header::To<'_>>().and_then(Result::ok);
            escape(to, pattern.row(Name::CallId).map_or(&b""[..], |row| row.value));
            to.text(b"%3Bto-tag%3D");
            escape(to, theirs.and_then(|theirs| theirs.tag()).unwrap_or_default());
            to.text(b"%3Bfrom-tag%3D");
            escape(to, ours.and_then(|ours| ours.tag()).unwrap_or_default());
        })
    }

    fn refer(
        &mut self,
        now: Duration,
        call: CallId,
        target: &mut dyn FnMut(&mut Writer<'_>),
    ) -> Result<(), Error> {
        self.now = now;
        let entry = self.calls.get(call.0).ok_or(Error::Gone)?;
        if !entry.is_talking() {
            return Err(Error::State);
        }
        self.in_dialog(now, call.0, Method::Refer, What::Refer(call.0), None, &mut |to| {
            to.name(Name::ReferTo);
            to.text(b"<");
            target(to);
            to.text(b">");
            to.end_row();
        })?;
        Ok(())
    }

    /// Does what a transfer asks for: calls `refer_to`, the URI of the REFER's Refer-To with all that
    /// stands in it, and tells the other side of `call` what comes of it. `referred_by` is the value
    /// of the REFER's Referred-By (RFC 3892), empty where there is none.
    ///
    /// # Errors
    /// [`Error::State`] where nobody has asked for it, [`Error::Uri`] where the URI is malformed or
    /// its Replaces too long, else as [`Agent::invite`].
    pub fn accept_transfer(
        &mut self,
        now: Duration,
        call: CallId,
        refer_to: &[u8],
        referred_by: &[u8],
        offer: Option<(&[u8], &[u8])>,
    ) -> Result<CallId, Error> {
        let entry = self.calls.get(call.0).ok_or(Error::Gone)?;
        if entry.transfer != Transfer::Asked {
            return Err(Error::State);
        }
        let account = AccountId(entry.account);
        let uri = Uri::parse(refer_to).map_err(|_| Error::Uri)?;
        // A question mark may stand in the user part, too: the header part says where it ends.
        let end = refer_to.len().saturating_sub(uri.headers_as_bytes().len());
        let target = refer_to.get(..end).unwrap_or_default();
        let target = target.strip_suffix(b"?").unwrap_or(target);
        // Of the headers that a URI may bring, this one does no harm.
        let header = uri.headers().find(|(name, _)| name.eq_ignore_ascii_case(b"Replaces"));
        let mut room = [0; MAX_REPLACES];
        let mut length = 0;
        for octet in unescape(header.and_then(|(_, value)| value).unwrap_or_default()) {
            *room.get_mut(length).ok_or(Error::Uri)? = octet;
            length += 1;
        }
        let replaces = room.get(..length).unwrap_or_default();
        let made = self.invite_with(now, account, target, offer, false, &mut |to| {
            if !replaces.is_empty() {
                to.raw(Name::Replaces, replaces);
                to.raw(Name::Require, b"replaces");
            }
            if !referred_by.is_empty() {
                to.raw(Name::ReferredBy, referred_by);
            }
        })?;
        if let Some(entry) = self.calls.get_mut(made.0) {
            entry.transfer = Transfer::Of(call.0);
        }
        Ok(made)
    }

    /// Tells the other side that its transfer will not be done.
    ///
    /// # Errors
    /// [`Error::State`] where nobody has asked for one.
    pub fn reject_transfer(
        &mut self,
        now: Duration,
        call: CallId,
        code: StatusCode,
    ) -> Result<(), Error> {
        self.now = now;
        let entry = self.calls.get(call.0).ok_or(Error::Gone)?;
        if entry.transfer != Transfer::Asked || code.get() < 300 {
            return Err(Error::State);
        }
        self.tell_transfer(now, call.0, code)
    }

    /// A REFER within a call: it is taken, and the host is asked.
    pub(super) fn transfer_asked<'d>(
        &mut self,
        now: Duration,
        index: Index,
        transaction: ServerId,
        message: Message<'d>,
    ) -> Result<Option<Event<'d>>, Error> {
        if !matches!(message.typed::<ReferTo<'_>>(), Some(Ok(_))) {
            return self.refuse(now, transaction, StatusCode::BAD_REQUEST, &mut |_| {});
        }
        let entry = self.calls.get_mut(index).ok_or(Error::Gone)?;
        if !entry.is_talking() || entry.transfer == Transfer::Asked {
            return self.refuse(now, transaction, StatusCode::REQUEST_PENDING, &mut |_| {});
        }
        entry.transfer = Transfer::Asked;
        self.layer.respond(now, transaction, StatusCode::ACCEPTED, |to| to.finish())?;
        self.tell_transfer(now, index, StatusCode::TRYING)?;
        Ok(Some(Event::TransferRequested { call: CallId(index), message }))
    }

    /// A NOTIFY within a call: it tells of a transfer that we asked for.
    pub(super) fn transfer_told<'d>(
        &mut self,
        now: Duration,
        index: Index,
        transaction: ServerId,
        message: Message<'d>,
    ) -> Result<Option<Event<'d>>, Error> {
        let event = message.typed::<crate::header::Event<'_>>().and_then(Result::ok);
        if event.is_none_or(|event| !event.package.eq_ignore_ascii_case(b"refer")) {
            return self.refuse(now, transaction, StatusCode::BAD_EVENT, &mut |_| {});
        }
        let Some(code) = fragment_code(message.body()) else {
            return self.refuse(now, transaction, StatusCode::BAD_REQUEST, &mut |_| {});
        };
        self.respond_ok(now, transaction)?;
        let state = message.typed::<SubscriptionState<'_>>().and_then(Result::ok);
        let is_over = state.is_some_and(|state| state.is_terminated());
        Ok(Some(Event::TransferProgress { call: CallId(index), code, is_over }))
    }

    /// A response to a REFER of ours; what comes of a 2xx is told by NOTIFY.
    pub(super) fn refer_response<'d>(&self, index: Index, code: StatusCode) -> Option<Event<'d>> {
        self.calls.get(index)?;
        let refused = code.get() >= 300;
        let (call, failure) = (CallId(index), Failure::Refused(code));
        refused.then_some(Event::TransferFailed { call, failure })
    }

    /// A call that somebody asked for has come further, or has ended.
    pub(super) fn transfer_progress(&mut self, now: Duration, index: Index, code: StatusCode) {
        let Some(entry) = self.calls.get_mut(index) else { return };
        let Transfer::Of(asking) = entry.transfer else { return };
        if code.is_final() {
            entry.transfer = Transfer::None;
        }
        if self.calls.get(asking).is_some_and(|call| call.transfer == Transfer::Asked) {
            // Without room for it the other side hears less; the call goes on.
            let _ = self.tell_transfer(now, asking, code);
        }
    }

    /// Sends a NOTIFY with what has come of a transfer.
    fn tell_transfer(
        &mut self,
        now: Duration,
        index: Index,
        code: StatusCode,
    ) -> Result<(), Error> {
        let is_over = code.is_final();
        let entry = self.calls.get_mut(index).ok_or(Error::Gone)?;
        if is_over {
            entry.transfer = Transfer::None;
        }
        // After a BYE nothing more is said: it would overtake it, and the BYE be refused then for its
        // CSeq (RFC 3261 section 12.2.2).
        if !entry.is_talking() {
            return Err(Error::State);
        }
        let mut room = [0; 64];
        let mut fragment = Writer::new(&mut room);
        fragment.response(code, None);
        let length = fragment.len();
        let text = room.get(..length).unwrap_or_default();
        let body = Some((&b"message/sipfrag;version=2.0"[..], text));
        let what = What::Told(index);
        self.in_dialog(now, index, Method::Notify, what, body, &mut |to| {
            to.raw(Name::Event, b"refer");
            to.name(Name::SubscriptionState);
            if is_over {
                to.text(b"terminated;reason=noresource");
            } else {
                to.text(b"active;expires=");
                to.number(TOLD_FOR_S);
            }
            to.end_row();
        })?;
        Ok(())
    }

    /// The call that an INVITE wants to take the place of, if it wants that (RFC 3891 section 3).
    ///
    /// # Errors
    /// The code to refuse it with.
    pub(super) fn replaced(&self, invite: &Message<'_>) -> Result<Option<Index>, StatusCode> {
        let Some(replaces) = invite.typed::<Replaces<'_>>() else { return Ok(None) };
        let replaces = replaces.map_err(|_| StatusCode::BAD_REQUEST)?;
        let hash = self.dialog_hash(replaces.to_tag, replaces.call_id);
        let blocks = self.layer.arena().blocks();
        let found = self.calls.find(hash, |call| {
            call.dialog.as_ref().is_some_and(|dialog| {
                dialog.is_named(blocks, replaces.call_id, replaces.to_tag, replaces.from_tag)
            })
        });
        let index = found.ok_or(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST)?;
        match self.calls.get(index) {
            Some(call) if !call.is_talking() => Err(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST),
            Some(_) if replaces.early_only => Err(StatusCode::BUSY_HERE),
            _ => Ok(Some(index)),
        }
    }
}

impl<'d> Event<'d> {
    /// What a [`Event::TransferRequested`] asks for: the URI to call, with all that stands in it, and
    /// who asks (Referred-By, RFC 3892), as [`Agent::accept_transfer`] takes them.
    pub fn transfer_target(&self) -> Option<(&'d [u8], &'d [u8])> {
        let Self::TransferRequested { message, .. } = self else { return None };
        let target: ReferTo<'d> = message.typed()?.ok()?;
        let by = message.typed::<ReferredBy<'d>>().and_then(Result::ok);
        let by = by.and(message.row(Name::ReferredBy)).map_or(&b""[..], |row| row.value);
        Some((target.uri().as_bytes()?, by))
    }
}

/// The code of a message fragment's status line (RFC 3420).
fn fragment_code(fragment: &[u8]) -> Option<StatusCode> {
    let rest = fragment.strip_prefix(b"SIP/2.0 ")?;
    let [a @ b'1'..=b'6', b @ b'0'..=b'9', c @ b'0'..=b'9', ..] = rest else { return None };
    let [a, b, c] = [a, b, c].map(|digit| u16::from(digit - b'0'));
    StatusCode::new(a * 100 + b * 10 + c)
}

/// Writes octets as they may stand in a URI's header (RFC 3261 section 25.1, hvalue).
fn escape(to: &mut Writer<'_>, octets: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for octet in octets {
        if octet.is_ascii_alphanumeric() || b"-_.!~*'()".contains(octet) {
            to.text(&[*octet]);
        } else {
            let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or_default();
            to.text(&[b'%', digit(octet >> 4), digit(octet & 15)]);
        }
    }
}
