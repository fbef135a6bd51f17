//! The proxy: requests that are handed on, and their responses (RFC 3261 section 16).
//!
//! ```text
//!                        ┌─▶ branch: client transaction ─▶ contact
//!  server transaction ─▶ Relay ─▶ branch … MAX_BRANCHES
//!     ▲                  │
//!     │ 2xx at once, each; 6xx ends the rest; else the best when all have answered,
//!     │ those of a lower preference after those of a higher one
//!     └──────────────────┘
//! ```

use core::time::Duration;

use super::event::{Event, from_uri, to_uri};
use super::flow::Side;
use super::location::Location;
use super::refusal::Refusal;
use super::route::{Routed, Way, direct, is_value};
use super::search::Search;
use super::serve::from_user;
use super::{MAX_BRANCHES, Owner, RelayEntry, RelayId, Server};
use crate::error::WriteError;
use crate::header::{From, MaxBreadth, MaxForwards, ProxyAuthorization, Route, To};
use crate::message::{Editor, Message, Method, Name, StatusCode, Writer};
use crate::storage::Block;
use crate::transaction::{ClientId, Error, Failure, ServerId};
use crate::transport::{Path, stamp};

/// How long an INVITE that was accepted once is remembered, for the 2xx of other branches: 64 times T1,
/// as long as its transactions live (RFC 6026 section 8.4).
const ACCEPTED: Duration = Duration::from_secs(32);

/// A request that is relayed.
#[derive(Debug)]
pub(super) struct Relay {
    server: ServerId,
    pub(super) is_invite: bool,
    pub(super) branches: [Option<ClientId>; MAX_BRANCHES],
    /// How many branches have no final response yet.
    pub(super) pending: usize,
    /// The best final response so far, and its octets where it was received (RFC 3261 section 16.7
    /// step 6).
    pub(super) best: Option<(StatusCode, Option<Block>)>,
    /// Whether a 2xx was handed on.
    pub(super) accepted: bool,
    /// What the contacts of a lower preference are tried with.
    pub(super) search: Option<Search>,
}

/// What a request is sent on with.
#[derive(Clone, Copy)]
struct Onward<'a, 'd> {
    message: &'a Message<'d>,
    routed: &'a Routed<'d>,
    /// The way it came.
    source: Path,
    /// Max-Forwards as it goes on.
    hops: u8,
    /// Our Record-Route values, topmost first; empty ones are left out.
    record: [&'a [u8]; 2],
    /// The route to the contact itself (RFC 3327); empty where there is none.
    path: &'a [u8],
    /// Max-Breadth as it goes on; an ACK has none.
    breadth: Option<u32>,
    realm: &'a [u8],
}

/// One of the ways that a request goes on.
pub(super) struct Branch<'a> {
    pub(super) side: Side,
    pub(super) target: &'a [u8],
    /// As [`Onward::path`].
    pub(super) path: &'a [u8],
    pub(super) breadth: u32,
}

impl<U, L: Location> Server<'_, U, L> {
    /// Relays a request to one target over one path.
    pub(super) fn relay_to<'d>(
        &mut self,
        now: Duration,
        transaction: ServerId,
        source: Path,
        message: &Message<'d>,
        routed: &Routed<'d>,
        path: Path,
    ) -> Result<Option<Event<'d>>, Refusal> {
        let breadth = breadth(message)?;
        let id = self.begin(transaction, message)?;
        let mut branches = [None; MAX_BRANCHES];
        let (mut sent, mut trouble) = (0, None);
        let side = self.flows.side(path, None);
        let branch = Branch { side, target: routed.target, path: b"", breadth };
        match self.branch(now, id, source, &branch, message, routed) {
            Ok(branch) => {
                if let Some(place) = branches.first_mut() {
                    *place = Some(branch);
                    sent = 1;
                }
            }
            Err(error) => trouble = Some(error),
        }
        self.begun(id, branches, sent, trouble)?;
        Ok(Some(relayed(message, sent)))
    }

    /// Hands on an ACK for a 2xx. An ACK has no answer: one that leads nowhere is dropped.
    pub(super) fn acknowledge(&mut self, source: Path, message: &Message<'_>) {
        let routed = Routed::of(message, &self.config, &self.flows);
        let Ok(hops) = hops(message) else { return };
        let Some(path) = self.onward_path(&routed) else { return };
        let domain = self.config.domain;
        let onward = Onward {
            message,
            routed: &routed,
            source,
            hops,
            record: [&[], &[]],
            path: b"",
            breadth: None,
            realm: domain.as_bytes(),
        };
        // Without room for it the 2xx comes again, and the ACK with it.
        let _ = self.layer.send_stateless(path, Method::Ack, routed.target, |to| onward.write(to));
    }

    /// The path of a request inside a dialog that was set up through this server, or to a contact that
    /// is registered here.
    pub(super) fn onward_path(&self, routed: &Routed<'_>) -> Option<Path> {
        if let Some(next) = routed.next.filter(|_| routed.known) {
            return direct(&self.config, next);
        }
        match routed.side {
            Some(side) => self.way_to(side, routed.target),
            None => match self.way(None, routed.target, |_| true) {
                Way::Over(path) => Some(path),
                Way::Gone | Way::Unknown => None,
            },
        }
    }

    /// A response to a request that was relayed.
    pub(super) fn relayed<'d>(
        &mut self,
        now: Duration,
        id: RelayId,
        message: &Message<'d>,
    ) -> Option<Event<'d>> {
        let code = message.code()?;
        let relay = &mut self.relays.get_mut(id.0)?.0;
        let (server, is_invite) = (relay.server, relay.is_invite);
        if !code.is_final() {
            // 100 Trying goes one hop only (RFC 3261 section 16.7 step 5).
            if code != StatusCode::TRYING && !relay.accepted {
                // Without room the caller hears the next one.
                let _ = self.layer.forward(now, server, code, |to| write_back(message, code, to));
            }
            return None;
        }
        relay.pending = relay.pending.saturating_sub(1);
        if code.is_success() {
            let is_first = !relay.accepted;
            relay.accepted = true;
            let done = self.layer.forward(now, server, code, |to| write_back(message, code, to));
            self.end_search(id);
            if is_invite {
                self.cancel_branches(now, id);
                self.relays.set_deadline(id.0, Some(now.saturating_add(ACCEPTED)));
                self.free_best(id);
            } else {
                self.drop_relay(id);
            }
            let tell = is_invite && is_first && done.is_ok();
            return tell.then(|| answered(message, code));
        }
        let keep = relay.best.as_ref().is_none_or(|(best, _)| is_better(code, *best));
        if keep && !relay.accepted {
            // Where there is no room for its octets, its code alone is handed on.
            let block = self.answers.copy(message.as_bytes()).ok();
            let old = match self.relays.get_mut(id.0) {
                Some(relay) => relay.0.best.replace((code, block)),
                None => Some((code, block)),
            };
            if let Some((_, Some(old))) = old {
                self.answers.free(old);
            }
        }
        if code.class() == 6 {
            self.end_search(id);
            self.cancel_branches(now, id);
        }
        let told = self.finish(now, id)?;
        is_invite.then(|| answered(message, told))
    }

    /// A branch ended without a final response.
    pub(super) fn branch_failed(&mut self, now: Duration, id: RelayId, failure: Failure) {
        let Some(relay) = self.relays.get_mut(id.0).map(|entry| &mut entry.0) else { return };
        let code = match failure {
            Failure::Timeout => StatusCode::REQUEST_TIMEOUT,
            _ => StatusCode::TEMPORARILY_UNAVAILABLE,
        };
        relay.pending = relay.pending.saturating_sub(1);
        if relay.best.as_ref().is_none_or(|(best, _)| is_better(code, *best))
            && let Some((_, Some(old))) = relay.best.replace((code, None))
        {
            self.answers.free(old);
        }
        self.finish(now, id);
    }

    /// Whoever asked is gone, or does not acknowledge the answer: nobody waits for the branches.
    pub(super) fn caller_gone(&mut self, now: Duration, id: RelayId) {
        self.cancel_branches(now, id);
        self.drop_relay(id);
    }

    /// The caller cancels an INVITE (RFC 3261 section 16.10).
    pub(super) fn cancel(&mut self, now: Duration, transaction: ServerId, owner: Option<Owner>) {
        match owner {
            Some(Owner::Relay(id)) if self.relays.get(id.0).is_some() => {
                self.end_search(id);
                self.cancel_branches(now, id);
            }
            _ => {
                let code = StatusCode::REQUEST_TERMINATED;
                // The INVITE may have had its answer in the same moment.
                let _ = self.layer.respond(now, transaction, code, |to| to.finish());
            }
        }
    }

    /// Forgets a request that was relayed.
    pub(super) fn drop_relay(&mut self, id: RelayId) {
        self.free_best(id);
        self.end_search(id);
        self.relays.remove(id.0);
    }

    /// Makes the relay of a request, unless it was here before (RFC 3261 section 16.3 step 4: a request
    /// with the same target that is under way already has gone round in a circle, or has come on two
    /// ways).
    pub(super) fn begin(
        &mut self,
        transaction: ServerId,
        message: &Message<'_>,
    ) -> Result<RelayId, Refusal> {
        let value = |name| message.row(name).map_or(&b""[..], |row| row.value);
        let from = message.typed::<From<'_>>().and_then(Result::ok);
        let tag = from.and_then(|from| from.tag()).unwrap_or_default();
        let uri = message.uri().unwrap_or_default();
        let hash = self.relays.hash(&[value(Name::CallId), value(Name::CSeq), tag, uri]);
        if self.relays.find(hash, |_| true).is_some() {
            return Err(Refusal::new(StatusCode::LOOP_DETECTED));
        }
        let relay = Relay {
            server: transaction,
            is_invite: message.method() == Some(Method::Invite),
            branches: [None; MAX_BRANCHES],
            pending: 0,
            best: None,
            accepted: false,
            search: None,
        };
        let index = self.relays.insert(hash, RelayEntry(relay)).map_err(|(_, full)| full)?;
        let id = RelayId(index);
        // The transaction has just begun.
        let _ = self.layer.set_user(transaction, Owner::Relay(id));
        Ok(id)
    }

    /// Keeps what was sent, or takes it all back where nothing was.
    pub(super) fn begun(
        &mut self,
        id: RelayId,
        branches: [Option<ClientId>; MAX_BRANCHES],
        sent: usize,
        trouble: Option<Error>,
    ) -> Result<(), Refusal> {
        if sent == 0 {
            self.drop_relay(id);
            return Err(match trouble {
                Some(Error::Transactions(full) | Error::Octets(full)) => full.into(),
                Some(_) => Refusal::new(StatusCode::SERVER_INTERNAL_ERROR),
                // There are contacts, but no connection to any of them.
                None => Refusal::new(StatusCode::TEMPORARILY_UNAVAILABLE),
            });
        }
        if let Some(relay) = self.relays.get_mut(id.0) {
            relay.0.branches = branches;
            relay.0.pending = sent;
        }
        Ok(())
    }

    /// Sends a request on one way.
    pub(super) fn branch(
        &mut self,
        now: Duration,
        id: RelayId,
        source: Path,
        branch: &Branch<'_>,
        message: &Message<'_>,
        routed: &Routed<'_>,
    ) -> Result<ClientId, Error> {
        let Branch { side, target, path, breadth } = *branch;
        let call_id = message.row(Name::CallId).map_or(&b""[..], |row| row.value);
        let opens = matches!(
            message.method(),
            Some(Method::Invite | Method::Subscribe | Method::Refer | Method::Notify)
        ) && !has_to_tag(message);
        let caller = self.flows.side(source, from_user(message, &self.config).as_ref());
        let (theirs, ours) = (self.record_route(side, call_id), self.record_route(caller, call_id));
        let record = if opens { [theirs.as_bytes(), ours.as_bytes()] } else { [&b""[..], &[]] };
        let domain = self.config.domain;
        let onward = Onward {
            message,
            routed,
            source,
            hops: hops(message).unwrap_or(0),
            record,
            path,
            breadth: Some(breadth),
            realm: domain.as_bytes(),
        };
        let method = message.method().unwrap_or(Method::Other(b""));
        let owner = Owner::Relay(id);
        self.layer.send_request(now, side.path, owner, method, target, |to| onward.write(to))
    }

    /// Sends a CANCEL to each branch that has no final response yet.
    pub(super) fn cancel_branches(&mut self, now: Duration, id: RelayId) {
        let Some(relay) = self.relays.get(id.0) else { return };
        if !relay.0.is_invite {
            return;
        }
        for branch in relay.0.branches.into_iter().flatten() {
            // One that has its final response is left alone.
            let _ = self.layer.cancel(now, branch);
        }
    }

    /// Hands on the best response once all branches have answered. Gives its code then.
    fn finish(&mut self, now: Duration, id: RelayId) -> Option<StatusCode> {
        let relay = &mut self.relays.get_mut(id.0)?.0;
        if relay.pending > 0 || relay.accepted {
            return None;
        }
        if self.search_on(now, id) {
            return None;
        }
        let relay = &mut self.relays.get_mut(id.0)?.0;
        let (server, is_invite) = (relay.server, relay.is_invite);
        let (code, block) = relay.best.take()?;
        // One contact's trouble is not the whole server's (RFC 3261 section 16.7 step 6).
        let code = if code == StatusCode::SERVICE_UNAVAILABLE {
            StatusCode::SERVER_INTERNAL_ERROR
        } else {
            code
        };
        if code == StatusCode::REQUEST_TIMEOUT && !is_invite {
            // Whoever asked has given up in the same moment (RFC 4320 section 4.2).
            if let Some(block) = block {
                self.answers.free(block);
            }
            self.drop_relay(id);
            return None;
        }
        let done = match &block {
            Some(block) => {
                let octets = self.answers.get(block);
                self.layer.forward(now, server, code, |to| match Message::parse(octets) {
                    Ok(message) => write_back(&message, code, to),
                    // What is kept was a message when it came.
                    Err(_) => to.finish(),
                })
            }
            None => self.layer.respond(now, server, code, |to| to.finish()),
        };
        if done.is_err() {
            // Without room for the whole of it, its code at least; or the caller is gone.
            let _ = self.layer.respond(now, server, code, |to| to.finish());
        }
        if let Some(block) = block {
            self.answers.free(block);
        }
        self.drop_relay(id);
        Some(code)
    }

    fn free_best(&mut self, id: RelayId) {
        let best = self.relays.get_mut(id.0).and_then(|relay| relay.0.best.take());
        if let Some((_, Some(block))) = best {
            self.answers.free(block);
        }
    }
}

impl Onward<'_, '_> {
    /// Writes the request as it goes on, behind the Via that the transaction layer has put on top (RFC
    /// 3261 section 16.6).
    fn write(&self, mut to: Writer<'_>) -> Result<usize, WriteError> {
        let message = self.message;
        let mut is_first = true;
        for row in message.rows(Name::Via) {
            if core::mem::take(&mut is_first) {
                to.name(Name::Via);
                stamp(row.value, self.source.remote, |part| to.text(part));
                to.end_row();
            } else {
                to.row(&row);
            }
        }
        for value in self.record {
            if !value.is_empty() {
                to.raw(Name::RecordRoute, value);
            }
        }
        to.header(&MaxForwards(self.hops));
        if let Some(breadth) = self.breadth {
            to.header(&MaxBreadth(breadth));
        }
        if !self.path.is_empty() {
            to.raw(Name::Route, self.path);
        }
        let routes = message.all::<Route<'_>>().count();
        let last = routes.saturating_sub(self.routed.taken);
        let kept = message.all::<Route<'_>>().take(last).skip(self.routed.own);
        for route in kept.flatten() {
            to.header(&route);
        }
        for row in message.headers() {
            match row.name {
                Name::Via | Name::MaxForwards | Name::Route | Name::ContentLength => {}
                Name::MaxBreadth if self.breadth.is_some() => {}
                Name::ProxyAuthorization if is_for(row.value, self.realm) => {}
                _ => to.row(&row),
            }
        }
        write_body(message.body(), to)
    }
}

/// Writes a response as it goes back, without this server's own Via (RFC 3261 section 16.7 step 3); all
/// else stays as it came.
fn write_back(
    message: &Message<'_>,
    code: StatusCode,
    to: Writer<'_>,
) -> Result<usize, WriteError> {
    let mut edit: Editor<'_, '_, 4> = Editor::new(message);
    if message.code() != Some(code) {
        edit.set_status(code);
    }
    edit.remove_values(Name::Via, 1);
    // A datagram may lack it, and the caller's stream may not.
    edit.want_content_length();
    edit.write_to(to)
}

fn write_body(body: &[u8], mut to: Writer<'_>) -> Result<usize, WriteError> {
    to.name(Name::ContentLength);
    to.number(u32::try_from(body.len()).unwrap_or(u32::MAX));
    to.end_row();
    to.end_row();
    to.octets(body);
    to.end()
}

/// Max-Forwards as a request goes on (RFC 3261 sections 16.3 step 3 and 16.6 step 3).
pub(super) fn hops(message: &Message<'_>) -> Result<u8, Refusal> {
    match message.typed::<MaxForwards>() {
        None => Ok(70),
        Some(Ok(MaxForwards(0))) => Err(Refusal::new(StatusCode::TOO_MANY_HOPS)),
        Some(Ok(MaxForwards(hops))) => Ok(hops - 1),
        Some(Err(_)) => Err(Refusal::bad("Malformed Max-Forwards")),
    }
}

/// Into how many branches a request may be forked yet (RFC 5393 section 5.3.3).
pub(super) fn breadth(message: &Message<'_>) -> Result<u32, Refusal> {
    match message.typed::<MaxBreadth>() {
        None => Ok(60),
        Some(Ok(MaxBreadth(0))) => Err(Refusal::breadth_exceeded()),
        Some(Ok(MaxBreadth(breadth))) => Ok(breadth),
        Some(Err(_)) => Err(Refusal::bad("Malformed Max-Breadth")),
    }
}

pub(super) fn has_to_tag(message: &Message<'_>) -> bool {
    message.typed::<To<'_>>().and_then(Result::ok).is_some_and(|to| to.tag().is_some())
}

/// Whether credentials are for this realm.
fn is_for(value: &[u8], realm: &[u8]) -> bool {
    use crate::header::Header;
    ProxyAuthorization::parse(value).is_ok_and(|credentials| {
        credentials.params().any(|param| param.is(b"realm") && is_value(&param, realm))
    })
}

/// Whether a final response is to be handed on rather than another one (RFC 3261 section 16.7 step 6):
/// 6xx before all, then the lowest class, and within 4xx what the caller can do something about.
fn is_better(new: StatusCode, old: StatusCode) -> bool {
    let rank = |code: StatusCode| match (code.class(), code.get()) {
        (6, _) => 0,
        (class, 401 | 407 | 415 | 420 | 484) => u16::from(class) * 10,
        // That nobody answered says the least.
        (class, 408 | 480 | 487) => u16::from(class) * 10 + 2,
        (class, _) => u16::from(class) * 10 + 1,
    };
    rank(new) < rank(old)
}

pub(super) fn relayed<'d>(message: &Message<'d>, branches: usize) -> Event<'d> {
    Event::Relayed {
        method: message.method().unwrap_or(Method::Other(b"")),
        from: from_uri(message),
        to: to_uri(message),
        branches,
        in_dialog: has_to_tag(message),
    }
}

fn answered<'d>(message: &Message<'d>, code: StatusCode) -> Event<'d> {
    Event::Answered { code, from: from_uri(message), to: to_uri(message) }
}
