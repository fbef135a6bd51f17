//! Subscriptions of ours that come about again by themselves after they were lost (RFC 6665 section
//! 4.1.3): what [`Config::resubscribes`](super::Config::resubscribes) switches on.
//!
//! ```text
//!  Active --NOTIFY terminated;reason=deactivated, 481, no answer--> Waiting --SUBSCRIBE--> Asked
//!         --NOTIFY terminated;reason=rejected, 403-------------------------------------> Ended
//! ```

use core::time::Duration;

use super::account::Copied;
use super::send::Begin;
use super::subscription::Phase;
use super::{Agent, Error, Event, Failure, Owner, SubscriptionId, What};
use crate::header::To;
use crate::message::{Message, Method, Name};
use crate::storage::Index;
use crate::transaction::Tag;

/// The index by which a subscription is found by its dialog.
const BY_DIALOG: usize = 0;

impl Agent<'_> {
    /// A subscription of ours is lost: it waits for another attempt, where there is use in one. The
    /// wait is at least as long as after so many failures of a registration. Takes the message along
    /// where it does.
    pub(super) fn suspend<'d>(
        &mut self,
        index: Index,
        wait: Option<Duration>,
        failure: Option<Failure>,
        message: &mut Option<Message<'d>>,
    ) -> Option<Event<'d>> {
        let (least, most, now) = (self.config.retry_min, self.config.retry_max, self.now);
        let wants = self.config.resubscribes;
        let wait = wait.filter(|_| wants)?;
        let random = self.layer.random();
        let entry = self.subscriptions.get_mut(index)?;
        if !entry.is_ours || entry.phase == Phase::Leaving {
            return None;
        }
        // The first attempt is made as the table has it.
        let doubled = match entry.attempts {
            0 => Duration::ZERO,
            attempts => least.saturating_mul(1 << attempts.min(16)),
        };
        let part = (random % 501 + 500) as u32;
        let doubled = doubled.min(most).saturating_mul(part) / 1000;
        let wait = wait.max(doubled);
        entry.attempts = entry.attempts.saturating_add(1);
        entry.phase = Phase::Waiting;
        (entry.due_at, entry.awaited_until) = (Some(now.saturating_add(wait)), None);
        if let Some(dialog) = entry.dialog.take() {
            dialog.free(self.layer.arena_mut());
        }
        // What still comes of the old one is nobody's.
        self.subscriptions.set_hash(index, BY_DIALOG, None);
        self.schedule_subscription(index);
        let (subscription, retry_in, message) = (SubscriptionId(index), wait, message.take());
        Some(Event::SubscriptionSuspended { subscription, failure, retry_in, message })
    }

    /// Subscribes once more, as if for the first time.
    pub(super) fn subscribe_again(&mut self, now: Duration, index: Index) -> Result<(), Error> {
        let entry = self.subscriptions.get(index).ok_or(Error::Gone)?;
        let (account, expires_s) = (entry.account, entry.expires_s);
        let package = entry.package.name();
        let kept = Message::parse(self.layer.arena().get(&entry.package)).ok();
        let uri = kept.as_ref().and_then(|kept| kept.typed::<To<'_>>()?.ok()?.uri().as_bytes());
        let uri = Copied::new(uri.unwrap_or_default())?;
        let uri = uri.as_bytes();
        let path = self.route(account, uri)?;
        let (tag, call_id) = (self.layer.random(), self.layer.random());
        let hash = self.dialog_hash(Tag::new(tag).as_bytes(), Tag::new(call_id).as_bytes());
        let patience = self.config.transactions.t1.saturating_mul(128);
        let owner = Owner { what: What::Subscribe(index), account, tried: 0 };
        let method = Method::Subscribe;
        let begin = Begin { path, method, uri, to: uri, tag, call_id, cseq: 1, body: b"" };
        self.begin(now, &begin, owner, &mut |blocks, mut to| {
            let kept = Message::parse(blocks.named(package)).ok();
            for name in [Name::Event, Name::Accept] {
                if let Some(row) = kept.as_ref().and_then(|kept| kept.row(name)) {
                    to.row(&row);
                }
            }
            to.raw_number(Name::Expires, expires_s);
            to.finish()
        })?;
        self.subscriptions.set_hash(index, BY_DIALOG, Some(hash));
        if let Some(entry) = self.subscriptions.get_mut(index) {
            (entry.phase, entry.path) = (Phase::Asked, path);
            (entry.due_at, entry.awaited_until) = (None, Some(now.saturating_add(patience)));
        }
        self.schedule_subscription(index);
        Ok(())
    }

    /// A subscription whose time to wait is over is asked for again; where that cannot be sent it
    /// waits on.
    pub(super) fn resubscribe_due(&mut self, now: Duration, index: Index) {
        if self.subscribe_again(now, index).is_err() {
            let failure = Some(Failure::NoRoom);
            // It is told when there is something new to tell.
            let _ = self.suspend(index, Some(self.config.retry_min), failure, &mut None);
        }
    }

    /// A SUBSCRIBE of ours has no answer, or no NOTIFY follows.
    pub(super) fn suspend_later(&mut self, index: Index, failure: Failure) -> bool {
        let wait = self.config.retry_min;
        if self.suspend(index, Some(wait), Some(failure), &mut None).is_none() {
            return false;
        }
        if let Some(entry) = self.subscriptions.get_mut(index) {
            entry.suspended = Some(failure);
            self.subscriptions.set_noted(index);
        }
        true
    }

    /// A subscription that waits is told.
    pub(super) fn suspended_note(&mut self, index: Index) -> Option<Event<'static>> {
        let now = self.now;
        let entry = self.subscriptions.get_mut(index)?;
        let failure = Some(entry.suspended.take()?);
        let retry_in = entry.due_at.map_or(Duration::ZERO, |at| at.saturating_sub(now));
        let subscription = SubscriptionId(index);
        Some(Event::SubscriptionSuspended { subscription, failure, retry_in, message: None })
    }
}
