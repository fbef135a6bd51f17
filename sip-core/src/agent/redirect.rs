//! Calls that are sent elsewhere (RFC 3261 section 8.1.3.4): a 3xx names other places, which are tried one
//! after the other, by their `q`, until one of them takes the call, says 6xx, or no more are left.
//!
//! ```text
//!  INVITE bob@a --> 302, Contact: <bob@b>;q=0.9, <bob@c>;q=0.5
//!  INVITE bob@b --> 486                                      the next one
//!  INVITE bob@c --> 301, Contact: <bob@a>, <bob@d>           a was tried; d is new
//!  INVITE bob@d --> 200
//! ```

use core::time::Duration;

use super::call::{Call, Phase};
use super::credentials::{Again, Elsewhere};
use super::reliable::Reliable;
use super::{Agent, Owner, What};
use crate::header::{Contact, To};
use crate::message::{Message, Name, StatusCode, Writer};
use crate::storage::{Block, Index};
use crate::transaction::ClientId;
use crate::uri::{Scheme, Uri};

/// How many places are remembered for one call at most.
const PLACES: usize = 32;
/// The longest URI that a call is sent to, in octets.
const MAX_URI: usize = 256;

/// The places that a call may be sent to.
#[derive(Debug)]
pub(super) struct Targets {
    /// Each with its `q`, as the Contact rows of a response.
    kept: Option<Block>,
    /// Which of them were tried, by their place.
    tried: u32,
    /// How many requests were sent to them.
    count: u8,
}

impl Targets {
    pub(super) const NONE: Self = Self { kept: None, tried: 0, count: 0 };
}

impl Agent<'_> {
    /// A final response to an INVITE of ours: where it sends the call elsewhere, or refuses it and
    /// there are other places, it goes to the next one. Says whether it does.
    pub(super) fn redirected(
        &mut self,
        now: Duration,
        transaction: ClientId,
        owner: Owner,
        code: StatusCode,
        message: &Message<'_>,
    ) -> bool {
        let What::Invite(index) = owner.what else { return false };
        let Some(entry) = self.calls.get(index) else { return false };
        let most = self.config.max_redirects;
        if most == 0
            || entry.phase != Phase::Calling
            || entry.hang_up
            || !matches!(code.class(), 3..=5)
        {
            return false;
        }
        if matches!(code.get(), 300..=302) && self.keep_targets(index, message).is_err() {
            return false;
        }
        self.next_target(now, index, transaction, owner)
    }

    /// An INVITE of ours had no final response: there may be other places. Says whether it goes to
    /// the next one.
    pub(super) fn redirect_failed(
        &mut self,
        now: Duration,
        transaction: ClientId,
        owner: Owner,
    ) -> bool {
        let What::Invite(index) = owner.what else { return false };
        let may = |call: &Call| {
            call.phase == Phase::Calling && !call.hang_up && call.client == Some(transaction)
        };
        self.calls.get(index).is_some_and(may) && self.next_target(now, index, transaction, owner)
    }

    /// What a call keeps of other places is given back.
    pub(super) fn free_targets(&mut self, mut call: Call) -> Call {
        for kept in [call.targets.kept.take(), call.reason.take()].into_iter().flatten() {
            self.layer.arena_mut().free(kept);
        }
        call
    }

    /// Takes the places that a 3xx names behind those that are known, each once.
    fn keep_targets(
        &mut self,
        index: Index,
        message: &Message<'_>,
    ) -> Result<(), crate::storage::NotKept> {
        let Some(entry) = self.calls.get_mut(index) else { return Ok(()) };
        let old = entry.targets.kept.take();
        // The first place of all is where the call went to begin with.
        entry.targets.tried |= 1;
        let first = message.typed::<To<'_>>().and_then(Result::ok).map(|to| to.uri());
        let written = self.layer.arena_mut().write(|blocks, room| {
            let mut to = Writer::new(room);
            to.response(StatusCode::MULTIPLE_CHOICES, None);
            let known = old.as_ref().and_then(|old| Message::parse(blocks.get(old)).ok());
            let mut count = 0_usize;
            match (&known, &first) {
                (Some(known), _) => {
                    for row in known.rows(Name::Contact) {
                        to.row(&row);
                        count += 1;
                    }
                }
                (None, Some(first)) => {
                    to.header(&Contact::new(first.without_headers()));
                    count += 1;
                }
                (None, None) => {}
            }
            for (place, contact) in message.all::<Contact<'_>>().flatten().enumerate() {
                let Some(uri) = contact.uri().map(Uri::without_headers) else { continue };
                let is_same = |other: Contact<'_>| {
                    other.uri().is_some_and(|other| other.without_headers().same(&uri))
                };
                let is_worse = first.is_some_and(|first| {
                    first.scheme() == Scheme::Sips && uri.scheme() != Scheme::Sips
                });
                let is_known = first.is_some_and(|first| first.without_headers().same(&uri))
                    || known
                        .as_ref()
                        .is_some_and(|known| known.all::<Contact<'_>>().flatten().any(is_same))
                    || message.all::<Contact<'_>>().flatten().take(place).any(is_same);
                if !uri.is_sip() || is_worse || is_known || count >= PLACES {
                    continue;
                }
                to.header(&Contact::new(uri).with_params(contact.params()));
                count += 1;
            }
            to.finish()
        });
        let mut result = Ok(());
        let kept = match written {
            Ok(kept) => {
                if let Some(old) = old {
                    self.layer.arena_mut().free(old);
                }
                Some(kept)
            }
            Err(error) => {
                result = Err(error);
                old
            }
        };
        match self.calls.get_mut(index) {
            Some(entry) => entry.targets.kept = kept,
            None => {
                if let Some(kept) = kept {
                    self.layer.arena_mut().free(kept);
                }
            }
        }
        result
    }

    /// Sends the INVITE to the best place that was not tried.
    fn next_target(
        &mut self,
        now: Duration,
        index: Index,
        transaction: ClientId,
        owner: Owner,
    ) -> bool {
        loop {
            let Some(entry) = self.calls.get_mut(index) else { return false };
            let Some(kept) = entry.targets.kept.as_ref() else { return false };
            if entry.targets.count >= self.config.max_redirects {
                return false;
            }
            let Ok(message) = Message::parse(self.layer.arena().get(kept)) else { return false };
            let q = |contact: &Contact<'_>| match contact.q_thousandths() {
                Some(Ok(q)) => q,
                _ => 1000,
            };
            let places = message.all::<Contact<'_>>().flatten().enumerate().take(PLACES);
            let untried = places.filter(|(place, _)| entry.targets.tried & (1 << place) == 0);
            // Of those that are as good, the one that was named first.
            let best =
                untried.reduce(|best, other| if q(&other.1) > q(&best.1) { other } else { best });
            let Some((place, contact)) = best else { return false };
            entry.targets.tried |= 1 << place;
            let mut room = [0; MAX_URI];
            let uri = contact.uri().and_then(|uri| uri.as_bytes()).unwrap_or_default();
            let Some(copy) = room.get_mut(..uri.len()) else { continue };
            copy.copy_from_slice(uri);
            let Ok(path) = self.route(owner.account, copy) else { continue };
            let Some(entry) = self.calls.get_mut(index) else { return false };
            entry.targets.count += 1;
            // What the last place said early is of no use any more.
            entry.reliable = Reliable::NONE;
            #[cfg(feature = "offers")]
            self.restart_offers(index);
            let elsewhere = Elsewhere { uri: Some(copy), path };
            let why = Again::Elsewhere;
            return self.resend_to(now, transaction, owner, why, Some(elsewhere)).is_ok();
        }
    }
}
