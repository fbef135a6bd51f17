//! All the ways that offers and answers go (RFC 3264, RFC 6337 section 2.2), beside an offer in an INVITE
//! and its answer in the 2xx: what [`Config::all_offers`](super::Config::all_offers) switches on.
//!
//! ```text
//!  offer in          answer in        who answers with answer_offer
//!  2xx               ACK              the caller                      RFC 3261 section 13.2.2.4
//!  reliable 1xx      PRACK            the caller                      RFC 3262 section 5
//!  PRACK             2xx to PRACK     the called                      RFC 3262 section 5
//!  UPDATE            2xx to UPDATE    whoever gets it, before the     RFC 3311
//!                                     call is answered
//! ```
//!
//! Before a call of ours is answered, each fork that has answered reliably has a dialog of its own. The
//! one that spoke last stands in the call's entry, and orders of the host go to it; the others wait.

use core::time::Duration;

use super::call::{Body, Call, Phase, finish};
use super::machine::{SUPPORTED, number};
use super::{Agent, CallId, Error, Event, Failure, What};
use crate::dialog::Dialog;
use crate::header::{CSeq, RAck};
use crate::message::{Message, Method, Name, StatusCode, Writer};
use crate::storage::Index;
use crate::transaction::{ClientId, ServerId};

/// How many early dialogs of a call wait beside the one that spoke last.
const OTHERS: usize = 3;
/// How long a To may be of a dialog whose ACK brings an answer, in octets.
const MAX_TO: usize = 512;

/// Where the offers and answers of a dialog stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// An INVITE without an offer is under way.
    Open,
    /// Our offer wants an answer.
    Ours,
    /// Their offer wants an answer.
    Theirs,
    /// No offer is without its answer.
    Agreed,
}

/// What the host's answer goes out with.
#[derive(Clone, Copy, Debug)]
enum Waiting {
    /// The 2xx to an UPDATE or a PRACK of theirs.
    Response(ServerId),
    /// The PRACK for this response of theirs to this INVITE of ours.
    Prack(RAck<'static>),
    /// The ACK for a 2xx to this INVITE of ours.
    Ack(ClientId, u32),
}

/// The offers of one dialog.
#[derive(Clone, Copy, Debug)]
struct Exchange {
    state: State,
    waiting: Option<Waiting>,
    /// An UPDATE of ours that was sent before the call was answered.
    update: Option<ClientId>,
}

/// The offers of a call.
#[derive(Debug)]
pub(super) struct Offers {
    /// Of the dialog in the call's entry.
    here: Exchange,
    others: [Option<(Dialog, Exchange)>; OTHERS],
    /// Whether the Call-ID is ours.
    is_caller: bool,
    /// Whether our first INVITE made an offer, as each fork has it.
    with_offer: bool,
    /// What a change of ours was refused with.
    retry_after_s: Option<u32>,
}

impl Offers {
    pub(super) const NONE: Self = Self {
        here: Exchange { state: State::Agreed, waiting: None, update: None },
        others: [const { None }; OTHERS],
        is_caller: false,
        with_offer: false,
        retry_after_s: None,
    };

    /// A call of theirs begins.
    pub(super) fn arrived(&mut self, invite: &Message<'_>) {
        self.here.state = if invite.body().is_empty() { State::Open } else { State::Theirs };
    }

    /// A call of ours begins.
    const fn began(&mut self, with_offer: bool) {
        (self.is_caller, self.with_offer) = (true, with_offer);
        self.asked(with_offer);
    }

    /// An INVITE or UPDATE of ours goes out.
    pub(super) const fn asked(&mut self, with_offer: bool) {
        self.here.state = if with_offer { State::Ours } else { State::Open };
    }

    /// A reliable response of ours goes out.
    pub(super) const fn answered_early(&mut self, with_body: bool) {
        self.here.state = match self.here.state {
            State::Theirs if with_body => State::Agreed,
            State::Open if with_body => State::Ours,
            state => state,
        };
    }

    /// An INVITE has come to its end.
    pub(super) const fn settled(&mut self) {
        self.here.state = State::Agreed;
    }

    /// Whether an offer stands in the way of another one, or of the answer to the call.
    pub(super) const fn is_busy(&self) -> bool {
        self.here.waiting.is_some() || self.here.update.is_some()
    }

    /// Where a fork stands that has said nothing yet.
    const fn at_first(&self) -> Exchange {
        let state = if self.with_offer { State::Ours } else { State::Open };
        Exchange { state, waiting: None, update: None }
    }

    /// Whether the other side offers something in a 2xx to an INVITE of ours.
    fn is_offered_by(&self, response: &Message<'_>) -> bool {
        self.here.state == State::Open && !response.body().is_empty()
    }
}

impl Call {
    /// The same as a call of ours that begins.
    pub(super) const fn began(mut self, with_offer: bool) -> Self {
        self.offers.began(with_offer);
        self
    }
}

impl Agent<'_> {
    /// Answers an offer of the other side's that came in another way than an INVITE or, once the
    /// call is established, an UPDATE: see [`Event::Offered`], and the bodies of
    /// [`Event::Progress`], [`Event::Answered`] and [`Event::Changed`] where our INVITE made no
    /// offer. The answer goes out in the PRACK, the ACK or the 2xx that the other side waits for.
    ///
    /// # Errors
    /// [`Error::Gone`] where the call is over, [`Error::State`] where no such offer waits for an
    /// answer, else what stands in the way of sending.
    pub fn answer_offer(
        &mut self,
        now: Duration,
        call: CallId,
        answer: (&[u8], &[u8]),
    ) -> Result<(), Error> {
        self.now = now;
        let waiting = self.waiting_offer(call.0)?;
        let body = Some(answer);
        match waiting {
            Waiting::Response(server) => {
                self.respond_early(now, call.0, server, StatusCode::OK, body)?;
            }
            Waiting::Prack(rack) => self.send_prack(now, call.0, rack, body)?,
            Waiting::Ack(client, cseq) => self.acknowledge_late(call.0, client, cseq, body)?,
        }
        if let Some(entry) = self.calls.get_mut(call.0) {
            (entry.offers.here.waiting, entry.offers.here.state) = (None, State::Agreed);
        }
        Ok(())
    }

    /// Refuses an offer of the other side's that came in an UPDATE or a PRACK before the call was
    /// answered, with 488 say: the session stays as it is. An offer that came in a response cannot
    /// be refused but by hanging up.
    ///
    /// # Errors
    /// As [`Agent::answer_offer`]; [`Error::State`] also where the offer came in a response or the
    /// code is below 300.
    pub fn reject_offer(
        &mut self,
        now: Duration,
        call: CallId,
        code: StatusCode,
    ) -> Result<(), Error> {
        self.now = now;
        let Waiting::Response(server) = self.waiting_offer(call.0)? else {
            return Err(Error::State);
        };
        if code.get() < 300 {
            return Err(Error::State);
        }
        self.layer.respond(now, server, code, |to| to.finish())?;
        if let Some(entry) = self.calls.get_mut(call.0) {
            (entry.offers.here.waiting, entry.offers.here.state) = (None, State::Agreed);
        }
        Ok(())
    }

    /// How long to wait before a change is asked for again that was refused with 491 or with 500 and
    /// a Retry-After ([`Event::ChangeFailed`]): between 2.1 and 4 s for the side that began the
    /// call, up to 2 s for the other (RFC 3261 section 14.1), or as long as the Retry-After says.
    pub fn change_again_in(&mut self, call: CallId) -> Duration {
        let random = self.layer.random();
        let Some(entry) = self.calls.get(call.0) else { return Duration::ZERO };
        if let Some(seconds) = entry.offers.retry_after_s {
            return Duration::from_secs(seconds.into());
        }
        let tens = if entry.offers.is_caller { 210 + random % 191 } else { random % 201 };
        Duration::from_millis(tens * 10)
    }

    /// Sends an UPDATE with an offer before the call is answered (RFC 3311 section 5.1).
    pub(super) fn update_early(
        &mut self,
        now: Duration,
        index: Index,
        offer: (&[u8], &[u8]),
    ) -> Result<(), Error> {
        let entry = self.calls.get(index).ok_or(Error::Gone)?;
        let exchange = &entry.offers.here;
        let may = matches!(entry.phase, Phase::Calling | Phase::Ringing)
            && entry.dialog.is_some()
            && exchange.state == State::Agreed
            && !entry.offers.is_busy()
            && !entry.reliable.is_open()
            && !entry.hang_up;
        if !may {
            return Err(Error::State);
        }
        let what = What::Update(index);
        let body = Some(offer);
        let client = self.in_dialog(now, index, Method::Update, what, body, &mut |to| {
            to.raw(Name::Supported, SUPPORTED);
        })?;
        if let Some(entry) = self.calls.get_mut(index) {
            entry.offers.here.update = Some(client);
            entry.offers.here.state = State::Ours;
        }
        Ok(())
    }

    /// An UPDATE before the call is answered (RFC 3311 section 5.2).
    pub(super) fn updated_early<'d>(
        &mut self,
        now: Duration,
        index: Index,
        transaction: ServerId,
        message: Message<'d>,
    ) -> Result<Option<Event<'d>>, Error> {
        let wait = self.layer.random() % 11;
        let entry = self.calls.get_mut(index).ok_or(Error::Gone)?;
        let Exchange { state, waiting, update } = entry.offers.here;
        if waiting.is_some() || (state == State::Theirs && !message.body().is_empty()) {
            let code = StatusCode::SERVER_INTERNAL_ERROR;
            return self.refuse(now, transaction, code, &mut |to| {
                to.raw_number(Name::RetryAfter, wait as u32);
            });
        }
        if update.is_some() || (state != State::Agreed && !message.body().is_empty()) {
            return self.refuse(now, transaction, StatusCode::REQUEST_PENDING, &mut |_| {});
        }
        if let Some(dialog) = entry.dialog.as_mut() {
            dialog.refresh(self.layer.arena_mut(), &message)?;
        }
        if message.body().is_empty() {
            self.respond_early(now, index, transaction, StatusCode::OK, None)?;
            return Ok(None);
        }
        Ok(self.offered(index, transaction, message))
    }

    /// A PRACK arrived whose response is acknowledged with it: what its body is.
    pub(super) fn prack_body<'d>(
        &mut self,
        now: Duration,
        index: Index,
        transaction: ServerId,
        message: Message<'d>,
    ) -> Result<Option<Event<'d>>, Error> {
        let entry = self.calls.get_mut(index).ok_or(Error::Gone)?;
        let state = entry.offers.here.state;
        match state {
            State::Agreed if !message.body().is_empty() => {
                return Ok(self.offered(index, transaction, message));
            }
            // The offer of the INVITE has no answer yet.
            State::Theirs if !message.body().is_empty() => {
                return self.refuse(now, transaction, StatusCode::NOT_ACCEPTABLE_HERE, &mut |_| {});
            }
            // Without the answer that it owes, the 2xx makes the offer once more.
            State::Ours if message.body().is_empty() => entry.offers.here.state = State::Open,
            State::Ours => entry.offers.here.state = State::Agreed,
            _ => {}
        }
        self.respond_ok(now, transaction)?;
        Ok(Some(Event::ProgressAcknowledged { call: CallId(index), message }))
    }

    /// A reliable response to an INVITE of ours that is new: its dialog is kept, and it is
    /// acknowledged, or waits for the host's answer to what it offers. Says whether it is to be
    /// told.
    pub(super) fn progress_early(
        &mut self,
        now: Duration,
        index: Index,
        response: &Message<'_>,
        rack: RAck<'static>,
    ) -> bool {
        if !self.bring_fork(index, response) {
            let Ok(dialog) = Dialog::client(self.layer.arena_mut(), response) else {
                return true;
            };
            let Some(entry) = self.calls.get_mut(index) else {
                dialog.free(self.layer.arena_mut());
                return false;
            };
            let old = entry.dialog.replace(dialog);
            if let Some(old) = old {
                let exchange = entry.offers.here;
                // What was said to the first forks holds for this one, too: the INVITE's offer.
                entry.offers.here = entry.offers.at_first();
                match entry.offers.others.iter_mut().find(|place| place.is_none()) {
                    Some(place) => *place = Some((old, exchange)),
                    None => old.free(self.layer.arena_mut()),
                }
            }
        }
        let Some(entry) = self.calls.get_mut(index) else { return false };
        let has_body = !response.body().is_empty();
        match entry.offers.here.state {
            State::Open if has_body => {
                entry.offers.here.state = State::Theirs;
                entry.offers.here.waiting = Some(Waiting::Prack(rack));
                return true;
            }
            State::Ours if has_body && entry.offers.here.update.is_none() => {
                entry.offers.here.state = State::Agreed;
            }
            _ => {}
        }
        self.send_prack(now, index, rack, None).is_ok()
    }

    /// A 2xx to our first INVITE: of an early dialog that is known, which goes on with its numbers,
    /// or of a new one. The other forks are let go.
    ///
    /// # Errors
    /// Where the response makes no dialog.
    pub(super) fn confirm_dialog(
        &mut self,
        index: Index,
        response: &Message<'_>,
    ) -> Result<Dialog, crate::dialog::DialogError> {
        let known = self.bring_fork(index, response);
        let entry = self.calls.get_mut(index);
        let early = entry.and_then(|entry| {
            if !known {
                entry.offers.here = entry.offers.at_first();
            }
            entry.dialog.take()
        });
        let dialog = match early {
            Some(mut early) if known => match early.confirm(self.layer.arena_mut(), response) {
                Ok(()) => Ok(early),
                Err(error) => {
                    early.free(self.layer.arena_mut());
                    Err(error)
                }
            },
            stranger => {
                if let Some(stranger) = stranger {
                    stranger.free(self.layer.arena_mut());
                }
                Dialog::client(self.layer.arena_mut(), response)
            }
        };
        self.free_forks(index);
        dialog
    }

    /// A 2xx to an INVITE of ours: whether its ACK waits for the host's answer to what it offers.
    pub(super) fn offered_at_last(
        &mut self,
        index: Index,
        client: ClientId,
        response: &Message<'_>,
    ) -> bool {
        let all = self.config.all_offers;
        let Some(entry) = self.calls.get_mut(index) else { return false };
        let offers = &mut entry.offers;
        if matches!(offers.here.waiting, Some(Waiting::Ack(..))) {
            // The 2xx came again.
            return true;
        }
        let wants = all && offers.is_offered_by(response) && !entry.hang_up;
        if wants {
            let cseq = response.typed::<CSeq<'_>>().and_then(Result::ok);
            offers.here.state = State::Theirs;
            offers.here.waiting = Some(Waiting::Ack(client, cseq.map_or(0, |cseq| cseq.number)));
        } else if offers.here.update.is_none() {
            offers.settled();
        }
        wants
    }

    /// A call is to end whose ACK waits for an answer: it goes without one, since a BYE follows.
    pub(super) fn acknowledge_now(&mut self, index: Index) {
        let Some(entry) = self.calls.get_mut(index) else { return };
        let Some(Waiting::Ack(client, cseq)) = entry.offers.here.waiting else { return };
        entry.offers.here.waiting = None;
        // Without room for it the BYE ends the call all the same.
        let _ = self.acknowledge_late(index, client, cseq, None);
    }

    /// A response to an UPDATE of ours: brings its dialog to the front.
    pub(super) fn bring_update(&mut self, index: Index, transaction: ClientId) {
        let is_it = |exchange: &Exchange| exchange.update == Some(transaction);
        self.bring(index, |_, exchange| is_it(exchange));
    }

    /// A request within the early dialog of a fork: brings that to the front. Says whether there is
    /// one.
    pub(super) fn bring_asker(&mut self, index: Index, request: &Message<'_>) -> bool {
        let Some(entry) = self.calls.get_mut(index) else { return false };
        let blocks = self.layer.arena().blocks();
        bring(entry, |dialog, _| dialog.matches(blocks, request))
    }

    /// Whether a request of theirs has its place: before our call is answered few have.
    pub(super) fn is_in_place(&self, index: Index, method: Method<'_>) -> bool {
        let calling = self.calls.get(index).is_some_and(|call| call.phase == Phase::Calling);
        !calling
            || matches!(
                method,
                Method::Update | Method::Invite | Method::Info | Method::Message | Method::Options
            )
    }

    /// Whether a call is not answered yet, and its offers go as this module has it.
    pub(super) fn is_early(&self, index: Index) -> bool {
        let phase = self.calls.get(index).map(|call| call.phase);
        self.config.all_offers && matches!(phase, Some(Phase::Calling | Phase::Ringing))
    }

    /// Whether a request belongs to an early dialog that is not in the call's entry.
    pub(super) fn is_of_fork(&self, call: &Call, request: &Message<'_>) -> bool {
        let blocks = self.layer.arena().blocks();
        call.offers.others.iter().flatten().any(|(dialog, _)| dialog.matches(blocks, request))
    }

    /// What has come of an UPDATE of ours that was sent before the call was answered; `None` where
    /// it is none.
    pub(super) fn early_update_done<'d>(
        &mut self,
        index: Index,
        transaction: ClientId,
        outcome: Result<Message<'d>, Failure>,
    ) -> Option<Event<'d>> {
        let call = CallId(index);
        let entry = self.calls.get_mut(index)?;
        if entry.offers.here.update != Some(transaction) {
            return None;
        }
        entry.offers.here.update = None;
        entry.offers.here.state = State::Agreed;
        match outcome {
            Ok(message) => {
                if let Some(dialog) = entry.dialog.as_mut() {
                    // Where there is no room the old target stays, which most often still holds.
                    let _ = dialog.refresh(self.layer.arena_mut(), &message);
                }
                Some(Event::Changed { call, message })
            }
            Err(failure) => Some(Event::ChangeFailed { call, failure }),
        }
    }

    /// Whether an UPDATE of ours is one that was sent before the call was answered.
    pub(super) fn is_early_update(&self, index: Index, transaction: ClientId) -> bool {
        self.calls.get(index).is_some_and(|call| call.offers.here.update == Some(transaction))
    }

    /// An UPDATE of ours goes on as another transaction. Says whether it is an early one.
    pub(super) fn early_update_moved(&mut self, index: Index, again: ClientId) -> bool {
        let Some(entry) = self.calls.get_mut(index) else { return false };
        let is_early = entry.offers.here.update.is_some();
        if is_early {
            entry.offers.here.update = Some(again);
        }
        is_early
    }

    /// A change of ours was refused: remembers when it may be tried again.
    pub(super) fn note_refusal(&mut self, index: Index, code: StatusCode, message: &Message<'_>) {
        let Some(entry) = self.calls.get_mut(index) else { return };
        let is_wait = code == StatusCode::SERVER_INTERNAL_ERROR;
        entry.offers.retry_after_s =
            number(message, Name::RetryAfter).filter(|seconds| is_wait && *seconds < 1 << 16);
        entry.offers.settled();
    }

    /// The early dialogs beside the one in the call's entry are given back, and what waits for an
    /// answer is answered.
    pub(super) fn free_offers(&mut self, mut call: Call) -> Call {
        let now = self.now;
        let here = call.offers.here.waiting.take();
        let others = call.offers.others.each_mut().map(Option::take);
        let mut waiting = [here; OTHERS + 1];
        for (place, other) in waiting.iter_mut().skip(1).zip(others) {
            *place = other.as_ref().and_then(|(_, exchange)| exchange.waiting);
            if let Some((dialog, _)) = other {
                dialog.free(self.layer.arena_mut());
            }
        }
        for waiting in waiting.into_iter().flatten() {
            if let Waiting::Response(server) = waiting {
                let code = StatusCode::REQUEST_TERMINATED;
                // Without room for it the other side has its own end of the call.
                let _ = self.layer.respond(now, server, code, |to| to.finish());
            }
        }
        call
    }

    /// A call of ours begins anew elsewhere.
    #[cfg(feature = "calling")]
    pub(super) fn restart_offers(&mut self, index: Index) {
        self.free_forks(index);
        let Some(entry) = self.calls.get_mut(index) else { return };
        entry.offers.here = entry.offers.at_first();
        if let Some(dialog) = entry.dialog.take() {
            dialog.free(self.layer.arena_mut());
        }
    }

    fn free_forks(&mut self, index: Index) {
        let Some(entry) = self.calls.get_mut(index) else { return };
        for (dialog, _) in entry.offers.others.each_mut().map(Option::take).into_iter().flatten() {
            dialog.free(self.layer.arena_mut());
        }
    }

    /// Takes an offer that waits for the host's answer.
    fn offered<'d>(
        &mut self,
        index: Index,
        transaction: ServerId,
        message: Message<'d>,
    ) -> Option<Event<'d>> {
        let entry = self.calls.get_mut(index)?;
        entry.offers.here.state = State::Theirs;
        entry.offers.here.waiting = Some(Waiting::Response(transaction));
        Some(Event::Offered { call: CallId(index), message })
    }

    /// What the host's answer goes out with. Where another fork's offer waits, that one comes to the
    /// front.
    fn waiting_offer(&mut self, index: Index) -> Result<Waiting, Error> {
        let entry = self.calls.get(index).ok_or(Error::Gone)?;
        if entry.offers.here.waiting.is_none() {
            self.bring(index, |_, exchange| exchange.waiting.is_some());
        }
        self.calls.get(index).and_then(|entry| entry.offers.here.waiting).ok_or(Error::State)
    }

    fn respond_early(
        &mut self,
        now: Duration,
        index: Index,
        server: ServerId,
        code: StatusCode,
        body: Body<'_>,
    ) -> Result<(), Error> {
        let entry = self.calls.get(index).ok_or(Error::Gone)?;
        let path = self.layer.server_path(server).ok_or(Error::Gone)?;
        let sent_by = self.config.transactions.sent_by.of(path.transport);
        let (accounts, account) = (&self.accounts, entry.account);
        self.layer.respond_with(now, server, code, false, &mut |blocks, mut to| {
            if let Some(account) = accounts.get(account) {
                account.view(blocks).write_contact(&mut to, path.transport, sent_by);
            }
            finish(to, body)
        })?;
        Ok(())
    }

    fn send_prack(
        &mut self,
        now: Duration,
        index: Index,
        rack: RAck<'static>,
        body: Body<'_>,
    ) -> Result<(), Error> {
        self.in_dialog(now, index, Method::Prack, What::Nobody, body, &mut |to| {
            to.header(&rack);
        })?;
        Ok(())
    }

    /// Sends the ACK for a 2xx that was told before.
    fn acknowledge_late(
        &mut self,
        index: Index,
        client: ClientId,
        cseq: u32,
        body: Body<'_>,
    ) -> Result<(), Error> {
        let entry = self.calls.get(index).ok_or(Error::Gone)?;
        let dialog = entry.dialog.as_ref().ok_or(Error::State)?;
        // The layer knows the 2xx by its To, which the dialog has.
        let mut room = [0; MAX_TO];
        let mut to = Writer::new(&mut room);
        to.response(StatusCode::OK, None);
        let kept = Message::parse(self.layer.arena().get(dialog.block())).ok();
        if let Some(row) = kept.and_then(|kept| kept.row(Name::To)) {
            to.row(&row);
        }
        let len = to.finish().map_err(|_| Error::State)?;
        let response = room.get(..len).and_then(|octets| Message::parse(octets).ok());
        let response = response.ok_or(Error::State)?;
        self.send_ack(index, client, &response, cseq, body)
    }

    /// Brings the early dialog to the front that a response is of. Says whether there is one.
    fn bring_fork(&mut self, index: Index, response: &Message<'_>) -> bool {
        let Some(entry) = self.calls.get_mut(index) else { return false };
        let blocks = self.layer.arena().blocks();
        bring(entry, |dialog, _| dialog.is_of(blocks, response))
    }

    fn bring(&mut self, index: Index, is_it: impl Fn(&Dialog, &Exchange) -> bool) -> bool {
        self.calls.get_mut(index).is_some_and(|entry| bring(entry, is_it))
    }
}

/// Brings the early dialog to the front that `is_it`. Says whether there is one.
fn bring(entry: &mut Call, is_it: impl Fn(&Dialog, &Exchange) -> bool) -> bool {
    let Some(here) = entry.dialog.as_mut() else { return false };
    if is_it(here, &entry.offers.here) {
        return true;
    }
    let mut others = entry.offers.others.iter_mut().flatten();
    let Some((dialog, exchange)) = others.find(|(dialog, exchange)| is_it(dialog, exchange)) else {
        return false;
    };
    core::mem::swap(here, dialog);
    core::mem::swap(&mut entry.offers.here, exchange);
    true
}
