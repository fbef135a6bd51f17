//! Publication of our state (RFC 3903).

use core::time::Duration;

use super::account::{Copied, early};
use super::machine::number;
use super::send::Begin;
use super::{AccountId, Agent, Error, Event, Failure, Owner, What};
use crate::message::{Message, Method, Name, StatusCode, Writer};
use crate::storage::{Block, Index};

impl Agent<'_> {
    /// Publishes a state of ours (RFC 3903), and keeps it published: a presence document, say, with
    /// the package `presence`. A later call takes its place.
    ///
    /// # Errors
    /// [`Error::State`] while another is on its way (wait for [`Event::Published`]), else as
    /// [`Agent::register`].
    pub fn publish(
        &mut self,
        now: Duration,
        account: AccountId,
        package: &[u8],
        content_type: &[u8],
        body: &[u8],
    ) -> Result<(), Error> {
        self.now = now;
        self.send_publish(now, account.0, package, Some((content_type, body)), false)
    }

    /// Takes back what was published.
    ///
    /// # Errors
    /// [`Error::State`] where nothing is published, else as [`Agent::publish`].
    pub fn unpublish(&mut self, now: Duration, account: AccountId) -> Result<(), Error> {
        self.now = now;
        let entry = self.accounts.get(account.0).ok_or(Error::Gone)?;
        if entry.published.is_none() {
            return Err(Error::State);
        }
        self.send_publish(now, account.0, b"", None, true)
    }

    pub(super) fn send_publish(
        &mut self,
        now: Duration,
        index: Index,
        package: &[u8],
        body: Option<(&[u8], &[u8])>,
        remove: bool,
    ) -> Result<(), Error> {
        let entry = self.accounts.get(index).ok_or(Error::Gone)?;
        if entry.publishing {
            return Err(Error::State);
        }
        let expires_s = if remove { 0 } else { entry.expires_s };
        let address = Copied::new(entry.view(self.layer.arena().blocks()).address)?;
        let path = self.route(index, address.as_bytes())?;
        let (tag, call_id) = (self.layer.random(), self.layer.random());
        let begin = Begin {
            path,
            method: Method::Publish,
            uri: address.as_bytes(),
            to: address.as_bytes(),
            tag,
            call_id,
            cseq: 1,
            body: body.map_or(b"", |(_, body)| body),
        };
        let owner = Owner { what: What::Publish, account: index, tried: 0 };
        // The block is lent to the writer and put back.
        let published = self.accounts.get_mut(index).and_then(|entry| entry.published.take());
        let sent = self.begin(now, &begin, owner, &mut |blocks, mut to| {
            let kept = published.as_ref().and_then(|kept| Message::parse(blocks.get(kept)).ok());
            let old = kept.as_ref().and_then(|kept| kept.row(Name::Event)).map(|row| row.value);
            let wanted = if package.is_empty() { old.unwrap_or_default() } else { package };
            to.raw(Name::Event, wanted);
            to.raw_number(Name::Expires, expires_s);
            if old == Some(wanted)
                && let Some(row) = kept.as_ref().and_then(|kept| kept.row(Name::SipEtag))
            {
                to.raw(Name::SipIfMatch, row.value);
            }
            match body {
                Some((content_type, body)) => to.body(content_type, body),
                None => to.finish(),
            }
        });
        let entry = self.accounts.get_mut(index).ok_or(Error::Gone)?;
        entry.published = published;
        sent?;
        entry.publishing = true;
        entry.publish_at = None;
        if !package.is_empty() {
            let kept = self.layer.arena_mut().write(|_, room| {
                let mut to = Writer::new(room);
                to.response(StatusCode::OK, None);
                to.raw(Name::Event, package);
                to.finish()
            })?;
            self.set_published(index, Some(kept));
        }
        self.schedule_account(index);
        Ok(())
    }

    fn set_published(&mut self, index: Index, kept: Option<Block>) {
        let Some(entry) = self.accounts.get_mut(index) else { return };
        if let Some(old) = core::mem::replace(&mut entry.published, kept) {
            self.layer.arena_mut().free(old);
        }
    }

    /// A response to a PUBLISH (RFC 3903 section 4.1).
    pub(super) fn publish_response<'d>(
        &mut self,
        now: Duration,
        index: Index,
        code: StatusCode,
        message: &Message<'d>,
    ) -> Option<Event<'d>> {
        if code.is_provisional() {
            return None;
        }
        let account = AccountId(index);
        let entry = self.accounts.get_mut(index)?;
        entry.publishing = false;
        if !code.is_success() {
            // Without the entity tag the next one begins anew (RFC 3903 section 4.1).
            self.set_published(index, None);
            let failure = Failure::Refused(code);
            return Some(Event::PublicationFailed { account, failure });
        }
        let granted = number(message, Name::Expires).unwrap_or(entry.expires_s);
        let expires = Duration::from_secs(granted.into());
        if granted == 0 {
            self.set_published(index, None);
            return Some(Event::Published { account, expires });
        }
        entry.publish_at = Some(now.saturating_add(early(expires)));
        let published = entry.published.take();
        let kept = self.layer.arena_mut().write(|blocks, room| {
            let mut to = Writer::new(room);
            to.response(StatusCode::OK, None);
            let old = published.as_ref().and_then(|old| Message::parse(blocks.get(old)).ok());
            if let Some(row) = old.and_then(|old| old.row(Name::Event)) {
                to.row(&row);
            }
            if let Some(row) = message.row(Name::SipEtag) {
                to.row(&row);
            }
            to.finish()
        });
        if let Some(old) = published {
            self.layer.arena_mut().free(old);
        }
        let Ok(kept) = kept else {
            let failure = Failure::NoRoom;
            return Some(Event::PublicationFailed { account, failure });
        };
        self.set_published(index, Some(kept));
        self.schedule_account(index);
        Some(Event::Published { account, expires })
    }

    pub(super) fn publish_failed(
        &mut self,
        index: Index,
        failure: Failure,
    ) -> Option<Event<'static>> {
        let entry = self.accounts.get_mut(index)?;
        entry.publishing = false;
        self.set_published(index, None);
        Some(Event::PublicationFailed { account: AccountId(index), failure })
    }
}
