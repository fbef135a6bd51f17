//! Subscriptions, ours to others' state and others' to ours (RFC 6665): the subscriber's side, and
//! what both sides share.
//!
//! ```text
//!  subscriber: subscribe --> Asked --2xx, NOTIFY--> Active --unsubscribe--> Leaving --> Ended
//!                               |  refused: Ended     |  refreshed by itself
//!                                                     +--NOTIFY terminated--> Ended
//!  notifier:   SUBSCRIBE --> Arrived --accept--> Active --its time is over, or theirs--> Ended
//! ```

use core::time::Duration;

use super::account::early;
use super::machine::number;
use super::send::{Begin, Within};
use super::{AccountId, Agent, Error, Event, Failure, Owner, SubscriptionId, What};
use crate::dialog::{Dialog, DialogError, Order};
use crate::header::{Event as Package, SubscriptionState};
use crate::message::{Message, Method, Name, StatusCode};
use crate::storage::{Block, Index};
use crate::transaction::{ServerId, Tag};
use crate::transport::Path;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Our SUBSCRIBE has no response and no NOTIFY yet.
    Asked,
    /// Their SUBSCRIBE wants an answer.
    Arrived,
    /// It holds.
    Active,
    /// We have taken it back.
    Leaving,
    /// It is lost, and asked for again after a while.
    #[cfg(feature = "resubscribe")]
    Waiting,
}

/// One subscription, as it stands in a slot of an agent's storage.
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) account: Index,
    pub(super) is_ours: bool,
    pub(super) phase: Phase,
    pub(super) dialog: Option<Dialog>,
    /// Their SUBSCRIBE that wants an answer.
    pub(super) server: Option<ServerId>,
    /// The way that it began.
    pub(super) path: Path,
    /// The value of Event; of ours, the value of Accept behind a line end.
    pub(super) package: Block,
    pub(super) expires_s: u32,
    /// When ours is refreshed; when theirs is over.
    pub(super) due_at: Option<Duration>,
    /// Until when a NOTIFY must come (RFC 6665 section 4.1.2.4, timer N).
    pub(super) awaited_until: Option<Duration>,
    pub(super) note: Option<Option<Failure>>,
    /// How often it was lost since there was a state.
    #[cfg(feature = "resubscribe")]
    pub(super) attempts: u32,
    /// Why it waits, where that is to be told.
    #[cfg(feature = "resubscribe")]
    pub(super) suspended: Option<Failure>,
}

impl Agent<'_> {
    /// Subscribes to somebody's state: to the package `presence`, say, in documents of
    /// `application/pidf+xml`. It is refreshed by itself.
    ///
    /// # Errors
    /// [`Error::Subscriptions`] where there is no room for another, else as [`Agent::message`].
    pub fn subscribe(
        &mut self,
        now: Duration,
        account: AccountId,
        uri: &[u8],
        package: &[u8],
        accept: &[u8],
    ) -> Result<SubscriptionId, Error> {
        self.now = now;
        let path = self.route(account.0, uri)?;
        let expires_s = self.accounts.get(account.0).ok_or(Error::Gone)?.expires_s;
        let (tag, call_id) = (self.layer.random(), self.layer.random());
        let hash = self.dialog_hash(Tag::new(tag).as_bytes(), Tag::new(call_id).as_bytes());
        let kept = self.keep_package(package, accept, uri)?;
        let patience = self.config.transactions.t1.saturating_mul(64);
        let subscription = Subscription {
            account: account.0,
            is_ours: true,
            phase: Phase::Asked,
            dialog: None,
            server: None,
            path,
            package: kept,
            expires_s,
            due_at: None,
            awaited_until: Some(now.saturating_add(patience.saturating_mul(2))),
            note: None,
            #[cfg(feature = "resubscribe")]
            attempts: 0,
            #[cfg(feature = "resubscribe")]
            suspended: None,
        };
        let index = self.insert_subscription(hash, subscription)?;
        let owner = Owner { what: What::Subscribe(index), account: account.0, tried: 0 };
        let method = Method::Subscribe;
        let begin = Begin { path, method, uri, to: uri, tag, call_id, cseq: 1, body: b"" };
        let sent = self.begin(now, &begin, owner, &mut |_, mut to| {
            to.raw(Name::Event, package);
            to.raw(Name::Accept, accept);
            to.raw_number(Name::Expires, expires_s);
            to.finish()
        });
        if let Err(error) = sent {
            self.drop_subscription(index);
            return Err(error);
        }
        self.schedule_subscription(index);
        Ok(SubscriptionId(index))
    }

    /// Takes a subscription of ours back. [`Event::SubscriptionEnded`] follows.
    ///
    /// # Errors
    /// [`Error::Gone`], [`Error::State`] where it is another's or was not answered yet, else what
    /// stands in the way of sending.
    pub fn unsubscribe(
        &mut self,
        now: Duration,
        subscription: SubscriptionId,
    ) -> Result<(), Error> {
        self.now = now;
        let entry = self.subscriptions.get(subscription.0).ok_or(Error::Gone)?;
        #[cfg(feature = "resubscribe")]
        if entry.phase == Phase::Waiting {
            self.end_subscription_later(subscription.0, None);
            return Ok(());
        }
        if !entry.is_ours || entry.phase != Phase::Active {
            return Err(Error::State);
        }
        let patience = self.config.transactions.t1.saturating_mul(64);
        self.send_subscribe(now, subscription.0, 0)?;
        if let Some(entry) = self.subscriptions.get_mut(subscription.0) {
            entry.phase = Phase::Leaving;
            entry.due_at = None;
            entry.awaited_until = Some(now.saturating_add(patience));
        }
        self.schedule_subscription(subscription.0);
        Ok(())
    }

    pub(super) fn keep_package(
        &mut self,
        package: &[u8],
        accept: &[u8],
        uri: &[u8],
    ) -> Result<Block, Error> {
        let keeps_uri = cfg!(feature = "resubscribe") && !uri.is_empty();
        Ok(self.layer.arena_mut().write(|_, room| {
            let mut to = crate::message::Writer::new(room);
            to.response(StatusCode::OK, None);
            to.raw(Name::Event, package);
            to.raw(Name::Accept, accept);
            if cfg!(feature = "resubscribe") && keeps_uri {
                to.name(Name::To);
                to.text(b"<");
                to.text(uri);
                to.text(b">");
                to.end_row();
            }
            to.finish()
        })?)
    }

    pub(super) fn insert_subscription(
        &mut self,
        hash: u64,
        subscription: Subscription,
    ) -> Result<Index, Error> {
        match self.subscriptions.insert(hash, subscription) {
            Ok(index) => Ok(index),
            Err((entry, full)) => {
                let arena = self.layer.arena_mut();
                arena.free(entry.package);
                if let Some(dialog) = entry.dialog {
                    dialog.free(arena);
                }
                Err(Error::Subscriptions(full))
            }
        }
    }

    fn send_subscribe(&mut self, now: Duration, index: Index, expires_s: u32) -> Result<(), Error> {
        self.in_its_dialog(
            now,
            index,
            Method::Subscribe,
            What::Subscribe(index),
            None,
            &mut |to, kept| {
                for name in [Name::Event, Name::Accept] {
                    if let Some(row) = kept.row(name) {
                        to.row(&row);
                    }
                }
                to.raw_number(Name::Expires, expires_s);
            },
        )
    }

    pub(super) fn in_its_dialog(
        &mut self,
        now: Duration,
        index: Index,
        method: Method<'_>,
        what: What,
        body: Option<(&[u8], &[u8])>,
        rows: &mut dyn FnMut(&mut crate::message::Writer<'_>, &Message<'_>),
    ) -> Result<(), Error> {
        let entry = self.subscriptions.get_mut(index).ok_or(Error::Gone)?;
        let (account, began) = (entry.account, entry.path);
        // The entry is taken apart for the writer and put together again.
        let mut dialog = entry.dialog.take().ok_or(Error::State)?;
        let cseq = dialog.next_cseq();
        let path = self.dialog_path(account, &dialog, began);
        let owner = Owner { what, account, tried: 0 };
        let octets = body.map_or(&b""[..], |(_, body)| body);
        let package = self.subscriptions.get(index).map(|entry| entry.package.name());
        let within = Within { dialog: &dialog, cseq, path, method, body: octets };
        let sent = self.within(now, &within, owner, &mut |blocks, mut to| {
            let kept = package.and_then(|package| Message::parse(blocks.named(package)).ok());
            if let Some(kept) = kept {
                rows(&mut to, &kept);
            }
            match body {
                Some((content_type, body)) => to.body(content_type, body),
                None => to.finish(),
            }
        });
        match self.subscriptions.get_mut(index) {
            Some(entry) => entry.dialog = Some(dialog),
            None => dialog.free(self.layer.arena_mut()),
        }
        sent.map(|_| ())
    }

    /// The subscription that a request with a To tag belongs to.
    pub(super) fn subscription_of(&self, message: &Message<'_>) -> Option<Index> {
        let hash = self.request_hash(message)?;
        let blocks = self.layer.arena().blocks();
        self.subscriptions.find(hash, |entry| {
            entry.dialog.as_ref().is_some_and(|dialog| dialog.matches(blocks, message))
        })
    }

    /// The subscription of ours whose first NOTIFY this is, come before the SUBSCRIBE's response.
    pub(super) fn subscription_awaiting(&self, message: &Message<'_>) -> Option<Index> {
        let hash = self.request_hash(message)?;
        self.subscriptions.find(hash, |entry| entry.is_ours && entry.dialog.is_none())
    }

    /// A request within a subscription.
    pub(super) fn in_subscription<'d>(
        &mut self,
        now: Duration,
        index: Index,
        transaction: ServerId,
        method: Method<'_>,
        message: Message<'d>,
    ) -> Result<Option<Event<'d>>, Error> {
        let entry = self.subscriptions.get_mut(index).ok_or(Error::Gone)?;
        if entry.dialog.is_none() {
            match Dialog::notified(self.layer.arena_mut(), &message, 1) {
                Ok(dialog) => entry.dialog = Some(dialog),
                Err(DialogError::NotKept(error)) => return Err(error.into()),
                Err(_) => {
                    return self.refuse(now, transaction, StatusCode::BAD_REQUEST, &mut |_| {});
                }
            }
        }
        let dialog = entry.dialog.as_mut().ok_or(Error::State)?;
        if dialog.receive(&message) == Order::Late {
            return self.refuse(now, transaction, StatusCode::SERVER_INTERNAL_ERROR, &mut |_| {});
        }
        match (entry.is_ours, method) {
            (true, Method::Notify) => self.notified(now, index, transaction, message),
            (false, Method::Subscribe) => self.resubscribed(now, index, transaction, &message),
            _ => self.refuse(now, transaction, StatusCode::METHOD_NOT_ALLOWED, &mut |to| {
                to.raw(Name::Allow, super::machine::ALLOW);
            }),
        }
    }

    /// A NOTIFY for a subscription of ours.
    fn notified<'d>(
        &mut self,
        now: Duration,
        index: Index,
        transaction: ServerId,
        message: Message<'d>,
    ) -> Result<Option<Event<'d>>, Error> {
        let subscription = SubscriptionId(index);
        let entry = self.subscriptions.get(index).ok_or(Error::Gone)?;
        let kept = Message::parse(self.layer.arena().get(&entry.package)).ok();
        let ours = kept.as_ref().and_then(|kept| kept.typed::<Package<'_>>()?.ok());
        let theirs = message.typed::<Package<'_>>().and_then(Result::ok);
        let matches = match (ours, theirs) {
            (Some(ours), Some(theirs)) => ours.matches(&theirs),
            _ => false,
        };
        if !matches {
            return self.refuse(now, transaction, StatusCode::BAD_EVENT, &mut |_| {});
        }
        let Some(Ok(state)) = message.typed::<SubscriptionState<'_>>() else {
            return self.refuse(now, transaction, StatusCode::BAD_REQUEST, &mut |_| {});
        };
        self.respond_ok(now, transaction)?;
        if state.is_terminated() {
            let message = Some(message);
            #[cfg(feature = "resubscribe")]
            let mut message = message;
            #[cfg(feature = "resubscribe")]
            let wait = super::again::after_state(&state);
            #[cfg(feature = "resubscribe")]
            if let Some(event) = self.suspend(index, wait, None, &mut message) {
                return Ok(Some(event));
            }
            self.drop_subscription(index);
            return Ok(Some(Event::SubscriptionEnded { subscription, failure: None, message }));
        }
        let entry = self.subscriptions.get_mut(index).ok_or(Error::Gone)?;
        if let Some(dialog) = entry.dialog.as_mut() {
            // Where there is no room the old target stays, which most often still holds.
            let _ = dialog.refresh(self.layer.arena_mut(), &message);
        }
        if entry.phase != Phase::Leaving {
            entry.awaited_until = None;
            entry.phase = Phase::Active;
            #[cfg(feature = "resubscribe")]
            {
                entry.attempts = 0;
            }
            if let Some(expires) = state.expires() {
                let at = now.saturating_add(early(Duration::from_secs(expires.into())));
                entry.due_at = Some(entry.due_at.map_or(at, |due| due.min(at)));
            }
        }
        self.schedule_subscription(index);
        Ok(Some(Event::Notify { subscription, message }))
    }

    /// A response to a SUBSCRIBE of ours.
    pub(super) fn subscribe_response<'d>(
        &mut self,
        now: Duration,
        index: Index,
        code: StatusCode,
        message: Message<'d>,
    ) -> Option<Event<'d>> {
        let subscription = SubscriptionId(index);
        let entry = self.subscriptions.get_mut(index)?;
        if code.is_provisional() {
            return None;
        }
        #[cfg(feature = "resubscribe")]
        if entry.phase == Phase::Waiting {
            return None;
        }
        if !code.is_success() {
            let is_leaving = entry.phase == Phase::Leaving;
            let failure = (!is_leaving).then_some(Failure::Refused(code));
            let message = Some(message);
            #[cfg(feature = "resubscribe")]
            let mut message = message;
            #[cfg(feature = "resubscribe")]
            let wait = super::again::after_refusal(code, message.as_ref());
            #[cfg(feature = "resubscribe")]
            if let Some(event) = self.suspend(index, wait, failure, &mut message) {
                return Some(event);
            }
            self.drop_subscription(index);
            return Some(Event::SubscriptionEnded { subscription, failure, message });
        }
        if entry.dialog.is_none() {
            match Dialog::client(self.layer.arena_mut(), &message) {
                Ok(dialog) => entry.dialog = Some(dialog),
                Err(_) => {
                    self.drop_subscription(index);
                    let failure = Some(Failure::NoRoom);
                    return Some(Event::SubscriptionEnded { subscription, failure, message: None });
                }
            }
        }
        if entry.phase == Phase::Leaving {
            return None;
        }
        let patience = self.config.transactions.t1.saturating_mul(64);
        let granted = number(&message, Name::Expires).unwrap_or(entry.expires_s).max(1);
        let expires = Duration::from_secs(granted.into());
        entry.due_at = Some(now.saturating_add(early(expires)));
        if entry.phase == Phase::Asked {
            entry.phase = Phase::Active;
            // Timer N.
            entry.awaited_until = Some(now.saturating_add(patience));
        }
        self.schedule_subscription(index);
        Some(Event::Subscribed { subscription, expires })
    }

    /// A SUBSCRIBE or NOTIFY of ours has no answer.
    pub(super) fn subscription_failed(
        &mut self,
        index: Index,
        failure: Failure,
    ) -> Option<Event<'static>> {
        let entry = self.subscriptions.get(index)?;
        #[cfg(feature = "resubscribe")]
        if entry.phase == Phase::Waiting {
            return None;
        }
        #[cfg(feature = "resubscribe")]
        if entry.is_ours
            && let Some(event) =
                self.suspend(index, Some(self.config.retry_min), Some(failure), &mut None)
        {
            return Some(event);
        }
        #[cfg(not(feature = "resubscribe"))]
        let _ = entry;
        self.drop_subscription(index);
        let (subscription, failure) = (SubscriptionId(index), Some(failure));
        Some(Event::SubscriptionEnded { subscription, failure, message: None })
    }

    pub(super) fn subscription_due(&mut self, now: Duration, index: Index) {
        self.now = now;
        let Some(entry) = self.subscriptions.get_mut(index) else { return };
        let is_due = |at: Option<Duration>| at.is_some_and(|at| at <= now);
        let (is_ours, phase) = (entry.is_ours, entry.phase);
        if is_due(entry.awaited_until) {
            let failure = (phase != Phase::Leaving).then_some(Failure::Timeout);
            #[cfg(feature = "resubscribe")]
            if phase != Phase::Leaving && self.suspend_later(index, Failure::Timeout) {
                return;
            }
            self.end_subscription_later(index, failure);
        } else if is_due(entry.due_at) {
            entry.due_at = None;
            match (is_ours, phase) {
                #[cfg(feature = "resubscribe")]
                (true, Phase::Waiting) => self.resubscribe_due(now, index),
                (true, _) => {
                    let expires_s = entry.expires_s;
                    if self.send_subscribe(now, index, expires_s).is_err() {
                        self.end_subscription_later(index, Some(Failure::NoRoom));
                    }
                }
                (false, Phase::Arrived) => {
                    let server = entry.server.take();
                    if let Some(server) = server {
                        let code = StatusCode::TEMPORARILY_UNAVAILABLE;
                        let _ = self.layer.respond(now, server, code, |to| to.finish());
                    }
                    self.end_subscription_later(index, Some(Failure::Timeout));
                }
                (false, _) => {
                    // The other side knows the time as well, should there be no room for this.
                    let _ = self.send_notify(now, index, None, Some(b"timeout"));
                    self.end_subscription_later(index, None);
                }
            }
        }
        self.schedule_subscription(index);
    }

    pub(super) fn subscription_note(&mut self) -> Option<Event<'static>> {
        let index = self.subscriptions.first_noted()?;
        self.subscriptions.clear_noted(index);
        #[cfg(feature = "resubscribe")]
        if let Some(event) = self.suspended_note(index) {
            return Some(event);
        }
        let failure = self.subscriptions.get_mut(index)?.note.take()?;
        self.drop_subscription(index);
        let subscription = SubscriptionId(index);
        Some(Event::SubscriptionEnded { subscription, failure, message: None })
    }

    pub(super) fn end_subscription_later(&mut self, index: Index, failure: Option<Failure>) {
        if let Some(entry) = self.subscriptions.get_mut(index) {
            entry.note = Some(failure);
            (entry.due_at, entry.awaited_until) = (None, None);
            self.subscriptions.set_noted(index);
        }
        self.schedule_subscription(index);
    }

    pub(super) fn schedule_subscription(&mut self, index: Index) {
        let Some(entry) = self.subscriptions.get(index) else { return };
        let deadline = [entry.due_at, entry.awaited_until].into_iter().flatten().min();
        self.subscriptions.set_deadline(index, deadline);
    }

    pub(super) fn drop_subscription(&mut self, index: Index) {
        let Some(entry) = self.subscriptions.remove(index) else { return };
        let arena = self.layer.arena_mut();
        arena.free(entry.package);
        if let Some(dialog) = entry.dialog {
            dialog.free(arena);
        }
    }
}
