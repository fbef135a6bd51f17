//! Requests that arrive, and the responses to them.

use core::net::SocketAddr;
use core::time::Duration;

use super::client::Fill;
use super::layer::{BY_KEY, BY_PATH, BY_REQUEST, Next};
use super::machine::Machine;
use super::{Error, Event, Layer, ServerId, State, Tag, Transaction};
use crate::error::{Fault, ParseError, WriteError};
use crate::header::{CSeq, CallId, From, To};
use crate::message::{Message, Method, Name, StatusCode, Writer};
use crate::storage::{Block, Index, hash};
use crate::transport::{Arrival, Path, stamp};

/// What a request is known by, hashed with two keys.
#[derive(Clone, Copy)]
pub(super) struct Key {
    pub(super) hash: u64,
    pub(super) check: u64,
}

impl<U: Copy> Layer<'_, U> {
    /// Answers a request. The layer writes the status line and the rows that RFC 3261 section
    /// 8.2.6 takes from the request, with a tag in the To; `write` adds what else is to be said and
    /// ends the message. A 2xx to an INVITE is sent once for each call: see
    /// [`Layer::respond_until_acknowledged`].
    ///
    /// # Errors
    /// [`Error::Gone`] or [`Error::State`] where the transaction is over or has its final response,
    /// [`Error::Octets`] where there is no room, [`Error::LineEnd`] where `write` wrote one.
    pub fn respond(
        &mut self,
        now: Duration,
        transaction: ServerId,
        code: StatusCode,
        mut write: impl FnMut(Writer<'_>) -> Result<usize, WriteError>,
    ) -> Result<(), Error> {
        self.respond_with(now, transaction, code, false, &mut |_, to| write(to))
    }

    /// Answers an INVITE with a 2xx that is sent again until [`Layer::acknowledged`] is called, or
    /// for 64 times T1 (RFC 3261 section 13.3.1.4): what a user agent's core does. Without the ACK
    /// the transaction ends with [`Event::ServerFailed`].
    ///
    /// # Errors
    /// As [`Layer::respond`].
    pub fn respond_until_acknowledged(
        &mut self,
        now: Duration,
        transaction: ServerId,
        code: StatusCode,
        mut write: impl FnMut(Writer<'_>) -> Result<usize, WriteError>,
    ) -> Result<(), Error> {
        self.respond_with(now, transaction, code, code.is_success(), &mut |_, to| write(to))
    }

    /// Answers a request with a response that `write` writes whole, from its status line on: what a
    /// proxy does with a response that it relays.
    ///
    /// # Errors
    /// As [`Layer::respond`].
    pub fn forward(
        &mut self,
        now: Duration,
        transaction: ServerId,
        code: StatusCode,
        mut write: impl FnMut(Writer<'_>) -> Result<usize, WriteError>,
    ) -> Result<(), Error> {
        self.may_respond(transaction, code)?;
        let block = self.arena.write(|_, room| write(Writer::new(room)))?;
        self.send_response(now, transaction, code, false, block);
        Ok(())
    }

    /// Answers a request for which there is no transaction, or should be none.
    ///
    /// # Errors
    /// [`Error::Header`] where the request has no Via to answer to, [`Error::Octets`] where even
    /// the reserve is used up.
    pub fn respond_stateless(
        &mut self,
        path: Path,
        request: &Message<'_>,
        code: StatusCode,
        mut write: impl FnMut(Writer<'_>) -> Result<usize, WriteError>,
    ) -> Result<(), Error> {
        self.refuse(path, request, code, &[code.reason()], &mut |_, to| write(to))
    }

    /// Answers a request without a transaction, with a reason phrase in several parts.
    fn refuse(
        &mut self,
        path: Path,
        request: &Message<'_>,
        code: StatusCode,
        reason: &[&str],
        write: &mut Fill<'_>,
    ) -> Result<(), Error> {
        let via = request.row(Name::Via).and_then(|row| Arrival::parse(row.value));
        let via = via.ok_or(Error::Header("Via"))?;
        // The same request always gets the same tag (RFC 3261 section 8.2.7).
        let call_id = request.row(Name::CallId).map_or(&b""[..], |row| row.value);
        let tag = Tag::new(hash(self.check_key, &[via.value, call_id]));
        let block = self.arena.write_reserved(|blocks, room| {
            let mut to = Writer::new(room);
            to.response_of(code, reason);
            write_rows(&mut to, request, Some(path.remote), code, Some(tag.as_bytes()), false);
            write(blocks, to)
        })?;
        self.post(via.response_path(path), Some(block), &[], false)
    }

    /// The ACK for a 2xx has arrived: the response is not sent again.
    ///
    /// # Errors
    /// [`Error::Gone`] where the transaction is over.
    pub fn acknowledged(&mut self, transaction: ServerId) -> Result<(), Error> {
        let entry = self.server_mut(transaction)?;
        entry.machine.stop_repeating();
        let answer = entry.answer.take();
        entry.next = Next::Nothing;
        if let Some(block) = answer {
            self.arena.free(block);
        }
        self.table.clear_ready(transaction.0);
        self.schedule(transaction.0);
        Ok(())
    }

    /// Answers an INVITE with a provisional response that is sent again until
    /// [`Layer::provisional_acknowledged`] is called: what a reliable one asks for (RFC 3262 section
    /// 3). `write` adds its RSeq and its Require. Who gives up after 64 times T1 is the user.
    ///
    /// # Errors
    /// As [`Layer::respond`].
    pub fn respond_reliably(
        &mut self,
        now: Duration,
        transaction: ServerId,
        code: StatusCode,
        mut write: impl FnMut(Writer<'_>) -> Result<usize, WriteError>,
    ) -> Result<(), Error> {
        self.respond_with(now, transaction, code, code.is_provisional(), &mut |_, to| write(to))
    }

    /// The PRACK for a provisional response has arrived: it is not sent again by the clock, but
    /// still where the INVITE comes again.
    ///
    /// # Errors
    /// [`Error::Gone`] where the transaction is over, [`Error::State`] where it has its final
    /// response.
    pub fn provisional_acknowledged(&mut self, transaction: ServerId) -> Result<(), Error> {
        let entry = self.server_mut(transaction)?;
        if entry.machine.state != State::Proceeding {
            return Err(Error::State);
        }
        entry.machine.stop_repeating();
        entry.next = Next::Nothing;
        self.table.clear_ready(transaction.0);
        self.schedule(transaction.0);
        Ok(())
    }

    /// Drops a transaction without an answer.
    pub fn abandon(&mut self, transaction: ServerId) {
        if self.server_mut(transaction).is_ok() {
            self.remove(transaction.0);
        }
    }

    /// Attaches a value of the user's to a transaction; it stands in later events.
    ///
    /// # Errors
    /// [`Error::Gone`] where the transaction is over.
    pub fn set_user(&mut self, transaction: ServerId, user: U) -> Result<(), Error> {
        self.server_mut(transaction)?.user = Some(user);
        Ok(())
    }

    /// The tag of the To in this transaction's responses, where the request brought none.
    pub fn tag(&self, transaction: ServerId) -> Option<Tag> {
        self.table.get(transaction.0)?.tag.map(Tag::new)
    }

    /// The state of a server transaction; `None` where it is over.
    pub fn server_state(&self, transaction: ServerId) -> Option<State> {
        self.table.get(transaction.0).map(|entry| entry.machine.state)
    }

    /// Where this transaction's responses go.
    pub fn server_path(&self, transaction: ServerId) -> Option<Path> {
        self.table.get(transaction.0).map(|entry| entry.path)
    }

    /// A request arrived.
    pub(super) fn arrived<'d>(
        &mut self,
        now: Duration,
        path: Path,
        method: Method<'d>,
        message: Message<'d>,
    ) -> Result<Option<Event<'d, U>>, Error> {
        let row = message.row(Name::Via).ok_or(Error::Header("Via"))?;
        let via = Arrival::parse(row.value).ok_or(Error::Header("Via"))?;
        let is_ack = method == Method::Ack;
        let checked = check(&message, method);
        if let Err(name) = checked {
            debug!("a request is refused for its {=str}", name);
            if !is_ack {
                let code = StatusCode::BAD_REQUEST;
                let fault = if has_row(&message, name) { "Malformed " } else { "Missing " };
                self.refuse(path, &message, code, &[fault, name], &mut |_, to| to.finish())?;
            }
            return Err(Error::Header(name));
        }
        if !message.is_version_2() {
            if !is_ack {
                let code = StatusCode::VERSION_NOT_SUPPORTED;
                self.respond_stateless(path, &message, code, |to| to.finish())?;
            }
            return Err(ParseError::new(Fault::Version, 0).into());
        }
        let matched = if is_ack { Method::Invite } else { method };
        let key = self.request_key(&via, &message, matched);
        if let Some(index) = self.by_key(key) {
            return self.again(now, path, &via, index, message, is_ack);
        }
        match method {
            Method::Ack => Ok(Some(Event::Ack { message, path })),
            Method::Cancel => self.cancelled(now, path, &via, key, message),
            _ => {
                let merged = self.merge_hash(&message);
                if self.config.refuse_merged
                    && message
                        .typed::<To<'_>>()
                        .is_some_and(|to| to.is_ok_and(|to| to.tag().is_none()))
                    && self.table.find_in(BY_REQUEST, merged, |_| true).is_some()
                {
                    let code = StatusCode::LOOP_DETECTED;
                    self.respond_stateless(path, &message, code, |to| to.finish())?;
                    return Ok(None);
                }
                let transaction = self.open(now, path, &via, key, &message)?;
                if self.config.refuse_merged {
                    self.table.set_hash(transaction.0, BY_REQUEST, Some(merged));
                }
                Ok(Some(Event::Request { transaction, message, path }))
            }
        }
    }

    /// Answers what is no message but near enough to a request.
    pub(super) fn refuse_malformed(&mut self, path: Path, octets: &[u8], error: ParseError) {
        let Some(message) = Message::salvage(octets) else { return };
        if message.method() == Some(Method::Ack) || check_present(&message).is_err() {
            return;
        }
        let code = match error.what {
            Fault::Version => StatusCode::VERSION_NOT_SUPPORTED,
            Fault::TooManyHeaders | Fault::HeadTooLong | Fault::BodyTooLong => {
                StatusCode::MESSAGE_TOO_LARGE
            }
            _ if !message.is_version_2() => StatusCode::VERSION_NOT_SUPPORTED,
            _ => StatusCode::BAD_REQUEST,
        };
        // Where there is no room for it, the sender hears nothing, as if it had been lost.
        let _ = self.respond_stateless(path, &message, code, |to| to.finish());
    }

    /// Where a server transaction's response goes when its stream is gone.
    pub(super) fn other_way(&self, index: Index) -> Option<Path> {
        let entry = self.table.get(index)?;
        let octets = self.arena.get(entry.answer.as_ref().or(entry.block.as_ref())?);
        let kept = Message::parse(octets).ok()?;
        Arrival::parse(kept.row(Name::Via)?.value)?.fallback_path(entry.path)
    }

    /// What belongs to a transaction that is there already.
    fn again<'d>(
        &mut self,
        now: Duration,
        path: Path,
        via: &Arrival<'_>,
        index: Index,
        message: Message<'d>,
        is_ack: bool,
    ) -> Result<Option<Event<'d, U>>, Error> {
        let config = self.config;
        let Some(entry) = self.table.get_mut(index) else { return Ok(None) };
        if is_ack {
            // An ACK of RFC 2543 for a 2xx has the INVITE's own key.
            if entry.machine.state == State::Accepted {
                return Ok(Some(Event::Ack { message, path }));
            }
            entry.machine.acknowledged(now, &config);
            entry.next = Next::Nothing;
            let answer = entry.answer.take();
            if let Some(block) = answer {
                self.arena.free(block);
            }
            self.table.clear_ready(index);
            self.schedule(index);
            return Ok(None);
        }
        // The user agent's core repeats its 2xx by the clock (RFC 6026 section 7.1).
        if entry.machine.state == State::Accepted {
            return Ok(None);
        }
        if entry.answer.is_some() {
            entry.next = Next::Answer;
        } else if entry.machine.is_invite && entry.machine.state == State::Proceeding {
            entry.next = Next::Block;
        }
        if entry.next != Next::Nothing {
            self.table.set_ready(index);
        }
        // A client that lost its connection asks again over another.
        if path.transport.is_reliable() {
            self.set_path(index, via.response_path(path));
        }
        Ok(None)
    }

    /// A CANCEL that is new (RFC 3261 section 9.2).
    fn cancelled<'d>(
        &mut self,
        now: Duration,
        path: Path,
        via: &Arrival<'_>,
        key: Key,
        message: Message<'d>,
    ) -> Result<Option<Event<'d, U>>, Error> {
        let invite = self.by_key(self.request_key(via, &message, Method::Invite));
        let own = self.open(now, path, via, key, &message)?;
        if let Some(entry) = self.table.get_mut(own.0) {
            entry.is_internal = true;
        }
        let Some(index) = invite else {
            let code = StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST;
            self.respond(now, own, code, |to| to.finish())?;
            return Ok(None);
        };
        // Both responses carry the same tag (RFC 3261 section 9.2).
        let tag = self.table.get(index).and_then(|entry| entry.tag);
        if let Some(entry) = self.table.get_mut(own.0) {
            entry.tag = tag.or(entry.tag);
        }
        self.respond(now, own, StatusCode::OK, |to| to.finish())?;
        let waiting =
            self.table.get(index).filter(|entry| entry.machine.state == State::Proceeding);
        Ok(waiting.map(|entry| Event::Cancel {
            transaction: ServerId(index),
            user: entry.user,
            message,
            path,
        }))
    }

    /// Makes a server transaction, or answers 503 where there is no room for one.
    fn open(
        &mut self,
        now: Duration,
        path: Path,
        via: &Arrival<'_>,
        key: Key,
        message: &Message<'_>,
    ) -> Result<ServerId, Error> {
        let made = self.try_open(now, path, via, key, message);
        if made.is_err() {
            warn!("no room for a request: it is answered 503");
            let retry_after = self.config.retry_after_s;
            let code = StatusCode::SERVICE_UNAVAILABLE;
            self.respond_stateless(path, message, code, |mut to| {
                to.raw_number(Name::RetryAfter, retry_after);
                to.finish()
            })?;
        }
        made
    }

    fn try_open(
        &mut self,
        now: Duration,
        path: Path,
        via: &Arrival<'_>,
        key: Key,
        message: &Message<'_>,
    ) -> Result<ServerId, Error> {
        let tag = self.random();
        let block = self.arena.write(|_, room| {
            let mut to = Writer::new(room);
            to.response(StatusCode::TRYING, None);
            write_rows(&mut to, message, Some(path.remote), StatusCode::TRYING, None, true);
            to.finish()
        })?;
        let is_invite = message.method() == Some(Method::Invite);
        let path = via.response_path(path);
        let reliable = path.transport.is_reliable();
        let entry = Transaction {
            machine: Machine::server(now, &self.config, is_invite, reliable),
            check: key.check,
            path,
            user: None,
            block: Some(block),
            answer: None,
            tag: Some(tag),
            next: Next::Nothing,
            note: None,
            cancel_wanted: false,
            is_internal: false,
            #[cfg(feature = "calling")]
            reason: None,
        };
        let index = self.insert(key, entry)?;
        Ok(ServerId(index))
    }

    pub(super) fn insert(&mut self, key: Key, entry: Transaction<U>) -> Result<Index, Error> {
        let path = entry.path;
        match self.table.insert(key.hash, entry) {
            Ok(index) => {
                self.table.set_hash(index, BY_PATH, Some(self.path_hash(path)));
                self.schedule(index);
                Ok(index)
            }
            Err((entry, full)) => {
                if let Some(block) = entry.block {
                    self.arena.free(block);
                }
                Err(Error::Transactions(full))
            }
        }
    }

    /// The same for who stands on this layer and keeps octets in its arena.
    pub(crate) fn respond_with(
        &mut self,
        now: Duration,
        transaction: ServerId,
        code: StatusCode,
        repeat: bool,
        write: &mut Fill<'_>,
    ) -> Result<(), Error> {
        self.may_respond(transaction, code)?;
        let entry = self.table.get(transaction.0).ok_or(Error::Gone)?;
        let kept = entry.block.as_ref().ok_or(Error::State)?;
        let tag = entry.tag.map(Tag::new);
        let block = self.arena.write(|blocks, room| {
            let mut to = Writer::new(room);
            // What is kept was written by this layer.
            if let Ok(kept) = Message::parse(blocks.get(kept)) {
                let opens_dialog = code.get() > 100 && code.get() < 300;
                to.response(code, None);
                write_rows(
                    &mut to,
                    &kept,
                    None,
                    code,
                    tag.as_ref().map(Tag::as_bytes),
                    opens_dialog,
                );
            }
            write(blocks, to)
        })?;
        self.send_response(now, transaction, code, repeat, block);
        Ok(())
    }

    fn may_respond(&self, transaction: ServerId, code: StatusCode) -> Result<(), Error> {
        let entry = self.table.get(transaction.0).ok_or(Error::Gone)?;
        match entry.machine.state {
            _ if entry.machine.is_client => Err(Error::Gone),
            State::Trying | State::Proceeding => Ok(()),
            // A proxy relays each 2xx that comes (RFC 6026 section 7.1).
            State::Accepted if code.is_success() => Ok(()),
            State::Terminated => Err(Error::Gone),
            _ => Err(Error::State),
        }
    }

    fn send_response(
        &mut self,
        now: Duration,
        transaction: ServerId,
        code: StatusCode,
        repeat: bool,
        block: Block,
    ) {
        let config = self.config;
        let Some(entry) = self.table.get_mut(transaction.0) else {
            self.arena.free(block);
            return;
        };
        entry.machine.respond(now, &config, code.get(), repeat);
        entry.next = Next::Answer;
        let old = entry.answer.replace(block);
        // The rows of the request are all in the final response.
        let request = if code.is_final() { entry.block.take() } else { None };
        for block in [old, request].into_iter().flatten() {
            self.arena.free(block);
        }
        self.table.set_ready(transaction.0);
        self.schedule(transaction.0);
    }

    fn server_mut(&mut self, transaction: ServerId) -> Result<&mut Transaction<U>, Error> {
        let entry = self.table.get_mut(transaction.0).ok_or(Error::Gone)?;
        if entry.machine.is_client { Err(Error::Gone) } else { Ok(entry) }
    }

    pub(super) fn by_key(&self, key: Key) -> Option<Index> {
        self.table.find_in(BY_KEY, key.hash, |entry| entry.check == key.check)
    }

    pub(super) fn key(&self, parts: &[&[u8]]) -> Key {
        Key { hash: self.table.hash(parts), check: hash(self.check_key, parts) }
    }

    /// What makes a request the same as another (RFC 3261 section 17.2.3): its branch, sent-by and
    /// method; from a sender of RFC 2543, what that one had in place of a branch.
    fn request_key(&self, via: &Arrival<'_>, message: &Message<'_>, method: Method<'_>) -> Key {
        match via.unique_branch() {
            Some(branch) => {
                let port = via.port.unwrap_or(0).to_be_bytes();
                self.key(&[b"S", branch, via.host, &port, method.as_bytes()])
            }
            None => {
                let value = |name| message.row(name).map_or(&b""[..], |row| row.value);
                let from = message.typed::<From<'_>>().and_then(Result::ok);
                let from_tag = from.and_then(|from| from.tag()).unwrap_or_default();
                let cseq = message.typed::<CSeq<'_>>().and_then(Result::ok);
                let number = cseq.map_or(0, |cseq| cseq.number).to_be_bytes();
                let uri = message.uri().unwrap_or_default();
                let method = method.as_bytes();
                self.key(&[b"2543", uri, from_tag, value(Name::CallId), &number, via.value, method])
            }
        }
    }

    /// What is the same in a request on each of its ways (RFC 3261 section 8.2.2.2).
    fn merge_hash(&self, message: &Message<'_>) -> u64 {
        let from = message.typed::<From<'_>>().and_then(Result::ok);
        let tag = from.and_then(|from| from.tag()).unwrap_or_default();
        let value = |name| message.row(name).map_or(&b""[..], |row| row.value);
        self.table.hash(&[tag, value(Name::CallId), value(Name::CSeq)])
    }
}

/// Whether the headers that each request must have are there and well formed (RFC 3261 section
/// 8.1.1); the name of the first that is not.
fn check(message: &Message<'_>, method: Method<'_>) -> Result<(), &'static str> {
    let good = |value: Option<bool>, name| match value {
        Some(true) => Ok(()),
        _ => Err(name),
    };
    good(message.typed::<From<'_>>().map(|value| value.is_ok()), "From")?;
    good(message.typed::<To<'_>>().map(|value| value.is_ok()), "To")?;
    good(message.typed::<CallId<'_>>().map(|value| value.is_ok()), "Call-ID")?;
    let cseq = message.typed::<CSeq<'_>>();
    good(cseq.map(|value| value.is_ok_and(|cseq| cseq.method == method)), "CSeq")
}

/// Whether the headers that a response copies are there at all.
fn check_present(message: &Message<'_>) -> Result<(), ()> {
    [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq]
        .into_iter()
        .all(|name| message.row(name).is_some())
        .then_some(())
        .ok_or(())
}

/// Whether a header of this name stands in the message.
fn has_row(message: &Message<'_>, name: &str) -> bool {
    message.row(Name::parse(name.as_bytes())).is_some()
}

/// Writes the rows that a response takes from its request (RFC 3261 section 8.2.6.2), with the
/// topmost Via stamped where the source is given.
pub(crate) fn write_rows(
    to: &mut Writer<'_>,
    request: &Message<'_>,
    source: Option<SocketAddr>,
    code: StatusCode,
    tag: Option<&[u8]>,
    record_route: bool,
) {
    let mut is_first = true;
    for row in request.rows(Name::Via) {
        match source.filter(|_| is_first) {
            Some(source) => {
                to.name(Name::Via);
                stamp(row.value, source, |part| to.text(part));
                to.end_row();
            }
            None => to.row(&row),
        }
        is_first = false;
    }
    for name in [Name::From, Name::CallId, Name::CSeq] {
        if let Some(row) = request.row(name) {
            to.row(&row);
        }
    }
    if let Some(row) = request.row(Name::To) {
        let has_tag =
            request.typed::<To<'_>>().and_then(Result::ok).is_some_and(|to| to.tag().is_some());
        to.name(Name::To);
        to.text(row.value);
        if let Some(tag) = tag.filter(|_| !has_tag && code != StatusCode::TRYING) {
            to.param(b"tag", tag);
        }
        to.end_row();
    }
    if record_route {
        for row in request.rows(Name::RecordRoute) {
            to.row(&row);
        }
    }
}
