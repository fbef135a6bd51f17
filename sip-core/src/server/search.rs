//! The contacts of a user, one preference after the other (RFC 3261 section 16.6): those with the highest
//! `q` ring together; those of the next one when all of these have refused, or have not answered in time.

use core::time::Duration;

use super::event::Event;
use super::line::Line;
use super::location::{Binding, Location, MAX_CONTACT, MAX_ROUTE};
use super::proxy::{Branch, breadth, relayed};
use super::refusal::Refusal;
use super::route::{Routed, reach};
use super::user::User;
use super::{MAX_BRANCHES, RelayId, Server};
use crate::message::{Message, StatusCode};
use crate::storage::{Arena, Block};
use crate::transaction::{ClientId, Error, ServerId};
use crate::transport::Path;
use crate::uri::Uri;

/// What the contacts of a lower preference are tried with, when their turn comes.
#[derive(Debug)]
pub(super) struct Search {
    /// The request as it came.
    request: Block,
    source: Path,
    user: User,
    /// The preference that was tried last.
    q_per_mille: u16,
}

/// Some contacts that are tried together: of a preference below `before`, and not below `down_to`; those
/// of one instance, where one is named.
#[derive(Clone, Copy)]
struct Group<'a> {
    before: u32,
    down_to: u16,
    instance: &'a [u8],
}

impl<'a> Group<'a> {
    /// All contacts that a request to `target` is for: where it is a GRUU, those of its instance (RFC
    /// 5627 section 5.3).
    fn all(target: &'a [u8]) -> Self {
        let uri = Uri::parse(target).ok();
        let instance = uri.and_then(|uri| uri.param(b"gr")).unwrap_or_default();
        Self { before: u32::MAX, down_to: 0, instance }
    }

    fn has(&self, binding: &Binding<'_>) -> bool {
        let q = binding.q_per_mille;
        u32::from(q) < self.before
            && q >= self.down_to
            && (self.instance.is_empty() || self.instance.eq_ignore_ascii_case(binding.instance))
    }
}

/// What came of trying them.
struct Forked {
    branches: [Option<ClientId>; MAX_BRANCHES],
    sent: usize,
    trouble: Option<Error>,
}

impl<U, L: Location> Server<'_, U, L> {
    /// Relays a request to the contacts of a user, the preferred ones first.
    pub(super) fn relay_to_user<'d>(
        &mut self,
        now: Duration,
        transaction: ServerId,
        source: Path,
        message: &Message<'d>,
        routed: &Routed<'d>,
        user: &User,
    ) -> Result<Option<Event<'d>>, Refusal> {
        let gone = Refusal::new(StatusCode::TEMPORARILY_UNAVAILABLE);
        let mut group = Group::all(routed.target);
        let mut q = self.next_q(user, group).ok_or(gone)?;
        let id = self.begin(transaction, message)?;
        loop {
            let lower = self.next_q(user, Group { before: q.into(), down_to: 0, ..group });
            let request = lower.and_then(|_| self.answers.copy(message.as_bytes()).ok());
            // Without room for the request all are tried together.
            let down_to = if lower.is_some() && request.is_none() { 0 } else { q };
            group.down_to = down_to;
            let forked = self.fork(now, id, source, message, routed, user, group);
            if let Some(request) = request {
                match self.relays.get_mut(id.0).filter(|_| matches!(&forked, Ok(f) if f.sent > 0)) {
                    Some(relay) => {
                        let search = Search { request, source, user: *user, q_per_mille: q };
                        relay.0.search = Some(search);
                    }
                    None => self.answers.free(request),
                }
            }
            match (forked, lower) {
                (Err(refusal), _) => {
                    self.drop_relay(id);
                    return Err(refusal);
                }
                (Ok(Forked { sent: 0, .. }), Some(next)) if down_to > 0 => {
                    (group.before, q) = (q.into(), next);
                }
                (Ok(forked), _) => {
                    self.begun(id, forked.branches, forked.sent, forked.trouble)?;
                    self.limit_search(now, id);
                    return Ok(Some(relayed(message, forked.sent)));
                }
            }
        }
    }

    /// Goes on to the contacts of the next lower preference, when all that were tried have refused. Says
    /// whether there are any.
    pub(super) fn search_on(&mut self, now: Duration, id: RelayId) -> bool {
        let Some(relay) = self.relays.get_mut(id.0).map(|entry| &mut entry.0) else { return false };
        let best = relay.best.as_ref().map(|(code, _)| *code);
        // Whoever asked has given up in the same moment, where it was no INVITE.
        let is_late = !relay.is_invite && best == Some(StatusCode::REQUEST_TIMEOUT);
        let Some(mut search) = relay.search.take() else { return false };
        // What is kept is lent to the request while it is sent.
        let answers = core::mem::replace(&mut self.answers, Arena::lent(&mut [], 0));
        let mut sent = 0;
        if let Ok(message) = Message::parse(answers.get(&search.request)) {
            let routed = Routed::of(&message, &self.config, &self.flows);
            let mut group = Group::all(routed.target);
            group.before = search.q_per_mille.into();
            while let Some(q) = self.next_q(&search.user, group)
                && sent == 0
                && !is_late
            {
                search.q_per_mille = q;
                group.down_to = q;
                let user = search.user;
                let forked = self.fork(now, id, search.source, &message, &routed, &user, group);
                if let (Ok(forked), Some(relay)) = (forked, self.relays.get_mut(id.0)) {
                    sent = forked.sent;
                    relay.0.branches = forked.branches;
                    relay.0.pending = sent;
                }
                (group.before, group.down_to) = (q.into(), 0);
            }
        }
        self.answers = answers;
        match self.relays.get_mut(id.0) {
            Some(relay) if sent > 0 => relay.0.search = Some(search),
            _ => self.answers.free(search.request),
        }
        self.limit_search(now, id);
        sent > 0
    }

    /// The time of the contacts that ring is over, or that of a call that was answered.
    pub(super) fn relay_due(&mut self, now: Duration, id: RelayId) {
        match self.relays.get(id.0) {
            Some(relay) if relay.0.search.is_some() && !relay.0.accepted => {
                self.cancel_branches(now, id);
            }
            _ => self.drop_relay(id),
        }
    }

    /// No other contacts are tried.
    pub(super) fn end_search(&mut self, id: RelayId) {
        let search = self.relays.get_mut(id.0).and_then(|relay| relay.0.search.take());
        if let Some(search) = search {
            self.relays.set_deadline(id.0, None);
            self.answers.free(search.request);
        }
    }

    /// Sets for how long the contacts ring before those of a lower preference do.
    fn limit_search(&mut self, now: Duration, id: RelayId) {
        let Some(relay) = self.relays.get(id.0).map(|entry| &entry.0) else { return };
        let more = relay.search.as_ref().is_some_and(|search| {
            let request = Message::parse(self.answers.get(&search.request)).ok();
            let target = request.and_then(|request| request.uri()).unwrap_or_default();
            let before = search.q_per_mille.into();
            self.next_q(&search.user, Group { before, ..Group::all(target) }).is_some()
        });
        let rings = more && relay.is_invite && !relay.accepted;
        let end = now.saturating_add(self.config.search_after);
        self.relays.set_deadline(id.0, rings.then_some(end));
    }

    /// Sends a request to each contact of a group.
    #[expect(clippy::too_many_arguments, reason = "what a request is made of, and where it goes")]
    fn fork(
        &mut self,
        now: Duration,
        id: RelayId,
        source: Path,
        message: &Message<'_>,
        routed: &Routed<'_>,
        user: &User,
        group: Group<'_>,
    ) -> Result<Forked, Refusal> {
        let mut count = 0;
        while count < MAX_BRANCHES && self.contact(user, group, count).is_some() {
            count += 1;
        }
        // No branch may be forked further than all of them together (RFC 5393 section 5.3.3).
        let share = breadth(message)?.checked_div(u32::try_from(count).unwrap_or(u32::MAX));
        let breadth = match share {
            Some(0) => return Err(Refusal::breadth_exceeded()),
            share => share.unwrap_or(1),
        };
        let mut forked = Forked { branches: [None; MAX_BRANCHES], sent: 0, trouble: None };
        for number in 0..count {
            let Some(contact) = self.contact(user, group, number) else { break };
            let (path, target, route) = (contact.0, contact.1.as_bytes(), contact.2.as_bytes());
            let side = self.flows.side(path, Some(user));
            let branch = Branch { side, target, path: route, breadth };
            match self.branch(now, id, source, &branch, message, routed) {
                Ok(client) => {
                    if let Some(place) = forked.branches.get_mut(forked.sent) {
                        *place = Some(client);
                        forked.sent += 1;
                    }
                }
                Err(error) => forked.trouble = Some(error),
            }
        }
        Ok(forked)
    }

    /// The highest preference of the contacts of a group.
    fn next_q(&self, user: &User, group: Group<'_>) -> Option<u16> {
        let mut highest = None;
        self.location.each(user, &mut |binding| {
            if group.has(binding) {
                highest = highest.max(Some(binding.q_per_mille));
            }
            true
        });
        highest
    }

    /// The path, the URI and the route of one of the contacts that can be reached, counted from 0.
    fn contact(
        &self,
        user: &User,
        group: Group<'_>,
        number: usize,
    ) -> Option<(Path, Line<MAX_CONTACT>, Line<MAX_ROUTE>)> {
        let (mut at, mut found) = (0, None);
        self.location.each(user, &mut |binding| {
            if let Some(path) = reach(binding).filter(|_| group.has(binding)) {
                if at == number {
                    let (mut contact, mut route) = (Line::new(), Line::new());
                    contact.put(binding.contact);
                    route.put(binding.route);
                    found = Some((path, contact, route));
                }
                at += 1;
            }
            found.is_none()
        });
        found
    }
}
