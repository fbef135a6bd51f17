//! Others' subscriptions to our state: the notifier's side of RFC 6665 (section 4.2).

use core::time::Duration;

use super::machine::{has_contact, number};
use super::subscription::{Phase, Subscription};
use super::{AccountId, Agent, Error, Event, Failure, Owner, SubscriptionId, What};
use crate::dialog::{Dialog, DialogError};
use crate::header::Event as Package;
use crate::message::{Message, Method, Name, StatusCode};
use crate::storage::Index;
use crate::transaction::ServerId;
use crate::transport::Path;

impl Agent<'_> {
    /// Accepts another's subscription. Tell it our state at once with [`Agent::notify`].
    ///
    /// # Errors
    /// [`Error::Gone`], [`Error::State`] where it wants no answer, else what stands in the way of
    /// sending.
    pub fn accept_subscription(
        &mut self,
        now: Duration,
        subscription: SubscriptionId,
    ) -> Result<(), Error> {
        self.now = now;
        let entry = self.subscriptions.get(subscription.0).ok_or(Error::Gone)?;
        let server = entry.server.ok_or(Error::State)?;
        let expires_s = entry.expires_s;
        self.respond_subscribe(now, subscription.0, server, expires_s)?;
        if let Some(entry) = self.subscriptions.get_mut(subscription.0) {
            entry.server = None;
            entry.phase = Phase::Active;
            entry.due_at = Some(now.saturating_add(Duration::from_secs(expires_s.into())));
        }
        self.schedule_subscription(subscription.0);
        Ok(())
    }

    /// Refuses another's subscription, which is over then.
    ///
    /// # Errors
    /// As [`Agent::accept_subscription`].
    pub fn reject_subscription(
        &mut self,
        now: Duration,
        subscription: SubscriptionId,
        code: StatusCode,
    ) -> Result<(), Error> {
        self.now = now;
        let entry = self.subscriptions.get_mut(subscription.0).ok_or(Error::Gone)?;
        let server = entry.server.ok_or(Error::State)?;
        if code.get() < 300 {
            return Err(Error::State);
        }
        self.layer.respond(now, server, code, |to| to.finish())?;
        self.drop_subscription(subscription.0);
        Ok(())
    }

    /// Tells another our state.
    ///
    /// # Errors
    /// [`Error::Gone`], [`Error::State`] where it is ours or not accepted, else what stands in the
    /// way of sending.
    pub fn notify(
        &mut self,
        now: Duration,
        subscription: SubscriptionId,
        content_type: &[u8],
        body: &[u8],
    ) -> Result<(), Error> {
        self.now = now;
        let entry = self.subscriptions.get(subscription.0).ok_or(Error::Gone)?;
        // A subscription for no time fetches the state once (RFC 6665 section 4.4.3).
        let is_last = entry.expires_s == 0;
        self.send_notify(
            now,
            subscription.0,
            Some((content_type, body)),
            is_last.then_some(b"timeout"),
        )?;
        if is_last {
            self.end_subscription_later(subscription.0, None);
        }
        Ok(())
    }

    /// Ends another's subscription.
    ///
    /// # Errors
    /// As [`Agent::notify`].
    pub fn terminate_subscription(
        &mut self,
        now: Duration,
        subscription: SubscriptionId,
    ) -> Result<(), Error> {
        self.now = now;
        self.send_notify(now, subscription.0, None, Some(b"noresource"))?;
        self.drop_subscription(subscription.0);
        Ok(())
    }

    pub(super) fn send_notify(
        &mut self,
        now: Duration,
        index: Index,
        body: Option<(&[u8], &[u8])>,
        reason: Option<&[u8]>,
    ) -> Result<(), Error> {
        let entry = self.subscriptions.get(index).ok_or(Error::Gone)?;
        if entry.is_ours || entry.phase != Phase::Active {
            return Err(Error::State);
        }
        let left = entry.due_at.map_or(Duration::ZERO, |at| at.saturating_sub(now));
        let left = u32::try_from(left.as_secs()).unwrap_or(u32::MAX);
        self.in_its_dialog(
            now,
            index,
            Method::Notify,
            What::Notify(index),
            body,
            &mut |to, kept| {
                if let Some(row) = kept.row(Name::Event) {
                    to.row(&row);
                }
                to.name(Name::SubscriptionState);
                match reason {
                    Some(reason) => {
                        to.text(b"terminated");
                        to.param(b"reason", reason);
                    }
                    None => {
                        to.text(b"active;expires=");
                        to.number(left);
                    }
                }
                to.end_row();
            },
        )
    }

    pub(super) fn respond_subscribe(
        &mut self,
        now: Duration,
        index: Index,
        server: ServerId,
        expires_s: u32,
    ) -> Result<(), Error> {
        let entry = self.subscriptions.get(index).ok_or(Error::Gone)?;
        let path = self.layer.server_path(server).ok_or(Error::Gone)?;
        let sent_by = self.config.transactions.sent_by.of(path.transport);
        let (accounts, account) = (&self.accounts, entry.account);
        self.layer.respond_with(now, server, StatusCode::OK, false, &mut |blocks, mut to| {
            if let Some(account) = accounts.get(account) {
                account.view(blocks).write_contact(&mut to, path.transport, sent_by);
            }
            to.raw_number(Name::Expires, expires_s);
            to.finish()
        })?;
        Ok(())
    }

    /// A SUBSCRIBE outside of any dialog.
    pub(super) fn subscribe_arrived<'d>(
        &mut self,
        now: Duration,
        account: Index,
        transaction: ServerId,
        message: Message<'d>,
        path: Path,
    ) -> Result<Option<Event<'d>>, Error> {
        let packages = self.config.packages;
        let row = message.row(Name::Event);
        let package = message.typed::<Package<'_>>().and_then(Result::ok);
        let known = package.is_some_and(|package| {
            packages.iter().any(|known| known.eq_ignore_ascii_case(package.package))
        });
        let Some(row) = row.filter(|_| known) else {
            return self.refuse(now, transaction, StatusCode::BAD_EVENT, &mut |to| {
                for package in packages {
                    to.raw(Name::AllowEvents, package);
                }
            });
        };
        if !has_contact(&message) {
            return self.refuse(now, transaction, StatusCode::BAD_REQUEST, &mut |_| {});
        }
        let tag = self.layer.tag(transaction).ok_or(Error::Gone)?;
        let dialog = match Dialog::server(self.layer.arena_mut(), &message, &tag) {
            Ok(dialog) => dialog,
            Err(DialogError::NotKept(error)) => return Err(error.into()),
            Err(_) => return self.refuse(now, transaction, StatusCode::BAD_REQUEST, &mut |_| {}),
        };
        let package = match self.keep_package(row.value, b"", b"") {
            Ok(package) => package,
            Err(error) => {
                dialog.free(self.layer.arena_mut());
                return Err(error);
            }
        };
        let call_id = message.row(Name::CallId).map_or(&b""[..], |row| row.value);
        let hash = self.dialog_hash(tag.as_bytes(), call_id);
        let asked = number(&message, Name::Expires).unwrap_or(3600);
        let patience = self.config.transactions.t1.saturating_mul(64);
        let index = self.insert_subscription(
            hash,
            Subscription {
                account,
                is_ours: false,
                phase: Phase::Arrived,
                dialog: Some(dialog),
                server: Some(transaction),
                path,
                package,
                expires_s: asked.min(1 << 24),
                // The host has as long to answer as the other side waits.
                due_at: Some(now.saturating_add(patience)),
                awaited_until: None,
                note: None,
                #[cfg(feature = "resubscribe")]
                attempts: 0,
                #[cfg(feature = "resubscribe")]
                suspended: None,
            },
        )?;
        let owner = Owner { what: What::Subscribe(index), account, tried: 0 };
        self.layer.set_user(transaction, owner)?;
        self.schedule_subscription(index);
        let (subscription, account) = (SubscriptionId(index), AccountId(account));
        Ok(Some(Event::Subscribe { subscription, account, message }))
    }

    /// A SUBSCRIBE that refreshes another's subscription, or takes it back.
    pub(super) fn resubscribed<'d>(
        &mut self,
        now: Duration,
        index: Index,
        transaction: ServerId,
        message: &Message<'d>,
    ) -> Result<Option<Event<'d>>, Error> {
        let subscription = SubscriptionId(index);
        let entry = self.subscriptions.get_mut(index).ok_or(Error::Gone)?;
        if entry.phase != Phase::Active {
            return self.refuse(now, transaction, StatusCode::REQUEST_PENDING, &mut |_| {});
        }
        let expires_s = number(message, Name::Expires).unwrap_or(entry.expires_s).min(1 << 24);
        if let Some(dialog) = entry.dialog.as_mut() {
            dialog.refresh(self.layer.arena_mut(), message)?;
        }
        self.respond_subscribe(now, index, transaction, expires_s)?;
        if expires_s == 0 {
            // Where there is no room for the last NOTIFY the other side waits in vain, no longer
            // than its timer N.
            let _ = self.send_notify(now, index, None, Some(b"timeout"));
            self.drop_subscription(index);
            let (failure, message) = (None, None);
            return Ok(Some(Event::SubscriptionEnded { subscription, failure, message }));
        }
        let entry = self.subscriptions.get_mut(index).ok_or(Error::Gone)?;
        entry.expires_s = expires_s;
        entry.due_at = Some(now.saturating_add(Duration::from_secs(expires_s.into())));
        self.schedule_subscription(index);
        Ok(Some(Event::Refreshed { subscription }))
    }

    /// A response to a NOTIFY of ours.
    pub(super) fn notify_response<'d>(
        &mut self,
        index: Index,
        code: StatusCode,
        message: Message<'d>,
    ) -> Option<Event<'d>> {
        // The codes that end the usage of the dialog (RFC 5057 section 5.1).
        let is_over = matches!(code.get(), 404 | 405 | 410 | 416 | 480..=485 | 489 | 501 | 604);
        self.subscriptions.get(index)?;
        if !is_over {
            return None;
        }
        self.drop_subscription(index);
        Some(Event::SubscriptionEnded {
            subscription: SubscriptionId(index),
            failure: Some(Failure::Refused(code)),
            message: Some(message),
        })
    }
}
