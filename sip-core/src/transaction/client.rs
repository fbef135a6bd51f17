//! Requests that are sent, and the responses to them.

use core::time::Duration;

use super::layer::Next;
use super::machine::Machine;
use super::server::Key;
use super::{ClientId, Error, Event, Layer, State, Tag, Transaction};
use crate::error::WriteError;
use crate::header::{CSeq, To};
use crate::message::{Message, Method, Name, StatusCode, Writer};
use crate::storage::{Block, Blocks, Index, hash};
use crate::transport::{Arrival, Path, Text};

/// Writes what follows a request's Via, or the rows that a response takes from its request, and ends
/// the message. One type for all writers, so that what surrounds them stands in an image once.
pub(crate) type Fill<'f> = dyn FnMut(Blocks<'_>, Writer<'_>) -> Result<usize, WriteError> + 'f;

/// The same for a request that is sent again: sees the one that was sent.
pub(crate) type Refill<'f> =
    dyn FnMut(Blocks<'_>, &Message<'_>, Writer<'_>) -> Result<usize, WriteError> + 'f;

/// Whom a request is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target<'a> {
    /// A Request-URI.
    Uri(&'a [u8]),
    /// The Request-URI of a request that is kept as a pattern.
    Kept(&'a Block),
}

impl<U: Copy> Layer<'_, U> {
    /// Sends a request. The layer writes the request line and the topmost Via; `write` adds the
    /// rest and ends the message. What comes of it is told with `user`.
    ///
    /// An ACK is not sent this way: see [`Layer::acknowledge`] and [`Layer::send_stateless`].
    ///
    /// # Errors
    /// [`Error::Transactions`] or [`Error::Octets`] where there is no room, [`Error::NoAddress`]
    /// where the configuration has no address for the transport, [`Error::LineEnd`] where a value
    /// holds one, [`Error::State`] for an ACK.
    pub fn send_request(
        &mut self,
        now: Duration,
        path: Path,
        user: U,
        method: Method<'_>,
        uri: &[u8],
        mut write: impl FnMut(Writer<'_>) -> Result<usize, WriteError>,
    ) -> Result<ClientId, Error> {
        let target = Target::Uri(uri);
        self.request_with(now, path, user, method, target, &mut |_, to| write(to))
    }

    /// The same for who stands on this layer and keeps octets in its arena.
    pub(crate) fn request_with(
        &mut self,
        now: Duration,
        path: Path,
        user: U,
        method: Method<'_>,
        target: Target<'_>,
        write: &mut Fill<'_>,
    ) -> Result<ClientId, Error> {
        if method == Method::Ack {
            return Err(Error::State);
        }
        let branch = self.random();
        let block = self.write_request(path, branch, method, target, write)?;
        self.start(now, path, user, branch, method, block)
    }

    /// Sends the request of another transaction once more, as a new one: `write` is handed what
    /// was sent then, and writes all behind the topmost Via. The method and the Request-URI stay.
    /// This wants [`Config::keep_requests`](super::Config::keep_requests).
    ///
    /// # Errors
    /// As [`Layer::send_request`]; [`Error::Gone`] where the request is not kept any more.
    pub fn retry(
        &mut self,
        now: Duration,
        transaction: ClientId,
        path: Path,
        user: U,
        mut write: impl FnMut(&Message<'_>, Writer<'_>) -> Result<usize, WriteError>,
    ) -> Result<ClientId, Error> {
        self.retry_with(now, transaction, path, None, user, &mut |_, kept, to| write(kept, to))
    }

    /// The same for who stands on this layer and keeps octets in its arena; with a `uri` the request is
    /// for that one.
    pub(crate) fn retry_with(
        &mut self,
        now: Duration,
        transaction: ClientId,
        path: Path,
        uri: Option<&[u8]>,
        user: U,
        write: &mut Refill<'_>,
    ) -> Result<ClientId, Error> {
        let entry = self.client_mut(transaction)?;
        let kept = entry.block.take().ok_or(Error::Gone)?;
        let branch = self.random();
        let config = self.config;
        let sent_by = config.sent_by.of(path.transport);
        let block = self.arena.write(|blocks, room| {
            let mut to = Writer::new(room);
            if let Ok(kept) = Message::parse(blocks.get(&kept)) {
                to.request_to(
                    kept.method().unwrap_or(Method::Other(b"")),
                    uri.filter(|_| MOVES).or(kept.uri()).unwrap_or(b""),
                );
                write_via(&mut to, path, sent_by, branch);
                return write(blocks, &kept, to);
            }
            to.finish()
        });
        let method = Message::parse(self.arena.get(&kept)).ok().and_then(|kept| kept.method());
        let is_invite = method == Some(Method::Invite);
        let key = self.client_key(branch, method.unwrap_or(Method::Other(b"")));
        self.arena.free(kept);
        let block = block?;
        self.start_with(now, path, user, key, is_invite, block)
    }

    /// Lets go of the request that [`Config::keep_requests`](super::Config::keep_requests) kept:
    /// it will not be sent again.
    pub fn forget_request(&mut self, transaction: ClientId) {
        let Some(entry) = self.table.get_mut(transaction.0) else { return };
        #[cfg(any(feature = "calling", feature = "failover"))]
        if entry.machine.is_client
            && entry.machine.state == State::Terminated
            && entry.note.is_none()
        {
            return self.remove(transaction.0);
        }
        let is_over =
            !matches!(entry.machine.state, State::Calling | State::Trying | State::Proceeding);
        if entry.machine.is_client
            && is_over
            && entry.next != Next::Block
            && let Some(block) = entry.block.take()
        {
            self.arena.free(block);
        }
    }

    /// Cancels an INVITE (RFC 3261 section 9.1): the CANCEL goes out as soon as there is a
    /// provisional response, and the INVITE's own final response still comes.
    ///
    /// # Errors
    /// [`Error::Gone`] or [`Error::State`] where there is nothing to cancel any more, else as
    /// [`Layer::send_request`].
    pub fn cancel(&mut self, now: Duration, transaction: ClientId) -> Result<(), Error> {
        let entry = self.client_mut(transaction)?;
        match entry.machine.state {
            State::Calling if entry.machine.is_invite => {
                entry.cancel_wanted = true;
                Ok(())
            }
            State::Proceeding if entry.machine.is_invite => self.send_cancel(now, transaction.0),
            _ => Err(Error::State),
        }
    }

    /// The same with a Reason in the CANCEL (RFC 3326): `reason` is the header's value.
    ///
    /// # Errors
    /// As [`Layer::cancel`]; [`Error::Octets`] where there is no room for the reason.
    #[cfg(feature = "calling")]
    pub fn cancel_because(
        &mut self,
        now: Duration,
        transaction: ClientId,
        reason: &[u8],
    ) -> Result<(), Error> {
        self.client_mut(transaction)?;
        let reason = self.arena.copy(reason)?;
        if let Some(old) = self.client_mut(transaction)?.reason.replace(reason) {
            self.arena.free(old);
        }
        self.cancel(now, transaction)
    }

    /// Nobody waits for the final response of an INVITE any more: where it does not come within 64
    /// times T1, as after a CANCEL (RFC 3261 section 9.1), the transaction ends without it. A
    /// provisional response alone would keep it for good, unless the configuration has a Timer C.
    pub fn give_up(&mut self, now: Duration, transaction: ClientId) {
        let config = self.config;
        if let Ok(entry) = self.client_mut(transaction)
            && entry.machine.is_invite
        {
            entry.machine.cancelled(now, &config);
            self.schedule(transaction.0);
        }
    }

    /// Sends the ACK for a 2xx to an INVITE and keeps it: each time the same 2xx comes again, the
    /// ACK is sent again, and nobody is told (RFC 3261 section 13.2.2.4). The layer writes the
    /// request line and the Via; `write` adds what belongs to the dialog.
    ///
    /// # Errors
    /// As [`Layer::send_request`]; [`Error::State`] where there is no 2xx, or where another 2xx
    /// was acknowledged before (of a fork; use [`Layer::send_stateless`] for that one).
    pub fn acknowledge(
        &mut self,
        transaction: ClientId,
        response: &Message<'_>,
        path: Path,
        uri: &[u8],
        mut write: impl FnMut(Writer<'_>) -> Result<usize, WriteError>,
    ) -> Result<(), Error> {
        self.acknowledge_with(transaction, response, path, Target::Uri(uri), &mut |_, to| write(to))
    }

    /// The same for who stands on this layer and keeps octets in its arena.
    pub(crate) fn acknowledge_with(
        &mut self,
        transaction: ClientId,
        response: &Message<'_>,
        path: Path,
        target: Target<'_>,
        write: &mut Fill<'_>,
    ) -> Result<(), Error> {
        let tag = self.tag_hash(response);
        let entry = self.client_mut(transaction)?;
        if entry.machine.state != State::Accepted || entry.tag.is_some_and(|old| old != tag) {
            return Err(Error::State);
        }
        let branch = self.random();
        let block = self.write_request(path, branch, Method::Ack, target, write)?;
        self.set_path(transaction.0, path);
        let Some(entry) = self.table.get_mut(transaction.0) else {
            self.arena.free(block);
            return Err(Error::Gone);
        };
        entry.tag = Some(tag);
        entry.next = Next::Answer;
        if let Some(old) = entry.answer.replace(block) {
            self.arena.free(old);
        }
        self.table.set_ready(transaction.0);
        Ok(())
    }

    /// Sends a request once, without a transaction: an ACK that is relayed, or one for another
    /// fork's 2xx. The layer writes the request line and the topmost Via.
    ///
    /// # Errors
    /// As [`Layer::send_request`].
    pub fn send_stateless(
        &mut self,
        path: Path,
        method: Method<'_>,
        uri: &[u8],
        mut write: impl FnMut(Writer<'_>) -> Result<usize, WriteError>,
    ) -> Result<(), Error> {
        self.stateless_with(path, method, Target::Uri(uri), &mut |_, to| write(to))
    }

    /// The same for who stands on this layer and keeps octets in its arena.
    pub(crate) fn stateless_with(
        &mut self,
        path: Path,
        method: Method<'_>,
        target: Target<'_>,
        write: &mut Fill<'_>,
    ) -> Result<(), Error> {
        let branch = self.random();
        let block = self.write_request(path, branch, method, target, write)?;
        self.post(path, Some(block), &[], true)
    }

    /// Where this transaction's request goes.
    pub fn client_path(&self, transaction: ClientId) -> Option<Path> {
        self.table.get(transaction.0).map(|entry| entry.path)
    }

    /// The state of a client transaction; `None` where it is over.
    pub fn client_state(&self, transaction: ClientId) -> Option<State> {
        self.table.get(transaction.0).map(|entry| entry.machine.state)
    }

    /// A response arrived.
    pub(super) fn answered<'d>(
        &mut self,
        now: Duration,
        path: Path,
        code: StatusCode,
        message: Message<'d>,
    ) -> Result<Option<Event<'d, U>>, Error> {
        let row = message.row(Name::Via).ok_or(Error::Header("Via"))?;
        let via = Arrival::parse(row.value).ok_or(Error::Header("Via"))?;
        let cseq = message.typed::<CSeq<'_>>().and_then(Result::ok).ok_or(Error::Header("CSeq"))?;
        let found = via
            .branch
            .and_then(|branch| self.by_key(self.key(&[b"C", branch, cseq.method.as_bytes()])));
        let Some(index) = found else { return Ok(Some(Event::Stray { message, path })) };
        let tag = self.tag_hash(&message);
        let (config, keeps) = (self.config, self.config.keep_requests);
        let Some(entry) = self.table.get_mut(index) else { return Ok(None) };
        if entry.machine.state == State::Accepted && entry.tag == Some(tag) && code.is_success() {
            // The 2xx came again, so the ACK was lost.
            if entry.answer.is_some() {
                entry.next = Next::Answer;
                self.table.set_ready(index);
            }
            return Ok(None);
        }
        let is_new = entry.machine.response(now, &config, code.get());
        let (is_invite, is_internal) = (entry.machine.is_invite, entry.is_internal);
        let user = entry.user;
        if code.is_final() {
            entry.cancel_wanted = false;
            if entry.next == Next::Block {
                entry.next = Next::Nothing;
                self.table.clear_ready(index);
            }
            if is_invite && !code.is_success() {
                self.acknowledge_refusal(index, &message);
            }
            if (is_invite && code.is_success()) || !keeps || is_internal {
                self.drop_request(index);
            }
        } else if entry.cancel_wanted && entry.machine.state == State::Proceeding {
            // Where there is no room for it, the next provisional response tries again.
            let _ = self.send_cancel(now, index);
        }
        self.schedule(index);
        match user.filter(|_| is_new && !is_internal) {
            Some(user) => {
                Ok(Some(Event::Response { transaction: ClientId(index), user, message, path }))
            }
            None => Ok(None),
        }
    }

    /// Sends the CANCEL of an INVITE that has a provisional response.
    pub(super) fn send_cancel(&mut self, now: Duration, index: Index) -> Result<(), Error> {
        let entry = self.table.get(index).ok_or(Error::Gone)?;
        let (path, user) = (entry.path, entry.user.ok_or(Error::Gone)?);
        let kept = entry.block.as_ref().ok_or(Error::State)?;
        #[cfg(feature = "calling")]
        let reason = entry.reason.as_ref();
        // The same topmost Via, and nothing of the INVITE's other Vias (RFC 3261 section 9.1).
        let block = self.arena.write(|blocks, room| {
            let mut to = Writer::new(room);
            if let Ok(invite) = Message::parse(blocks.get(kept)) {
                write_hop(&mut to, &invite, Method::Cancel, None);
            }
            #[cfg(feature = "calling")]
            if let Some(reason) = reason {
                to.raw(Name::Reason, blocks.get(reason));
            }
            to.finish()
        })?;
        let key = {
            let invite = Message::parse(self.arena.get(kept)).ok();
            let row = invite.as_ref().and_then(|invite| invite.row(Name::Via));
            let branch = row.and_then(|row| Arrival::parse(row.value)).and_then(|via| via.branch);
            self.key(&[b"C", branch.unwrap_or_default(), Method::Cancel.as_bytes()])
        };
        let own = self.start_with(now, path, user, key, false, block)?;
        if let Some(entry) = self.table.get_mut(own.0) {
            entry.is_internal = true;
        }
        let config = self.config;
        if let Some(entry) = self.table.get_mut(index) {
            entry.cancel_wanted = false;
            entry.machine.cancelled(now, &config);
        }
        self.schedule(index);
        Ok(())
    }

    /// Sends the ACK for a final response of 300 to 699 (RFC 3261 section 17.1.1.3), each time it
    /// comes.
    fn acknowledge_refusal(&mut self, index: Index, response: &Message<'_>) {
        let Some(entry) = self.table.get(index) else { return };
        if entry.answer.is_none() {
            let Some(kept) = entry.block.as_ref() else { return };
            // Without room for it the response comes again, and there may be room then.
            let written = self.arena.write_reserved(|blocks, room| {
                let mut to = Writer::new(room);
                if let Ok(invite) = Message::parse(blocks.get(kept)) {
                    write_hop(&mut to, &invite, Method::Ack, response.row(Name::To));
                }
                to.finish()
            });
            let Ok(block) = written else { return };
            if let Some(entry) = self.table.get_mut(index) {
                entry.answer = Some(block);
            }
        }
        if let Some(entry) = self.table.get_mut(index) {
            entry.next = Next::Answer;
            self.table.set_ready(index);
        }
    }

    fn drop_request(&mut self, index: Index) {
        let Some(entry) = self.table.get_mut(index) else { return };
        // An ACK that could not be written yet still needs it.
        let is_needed = entry.machine.is_invite
            && entry.machine.state == State::Completed
            && entry.answer.is_none();
        if !is_needed && let Some(block) = entry.block.take() {
            self.arena.free(block);
        }
    }

    fn write_request(
        &mut self,
        path: Path,
        branch: u64,
        method: Method<'_>,
        target: Target<'_>,
        write: &mut Fill<'_>,
    ) -> Result<Block, Error> {
        let sent_by = self.config.sent_by.of(path.transport);
        if sent_by.is_none() {
            return Err(Error::NoAddress(path.transport));
        }
        let block = self.arena.write(|blocks, room| {
            let mut to = Writer::new(room);
            match target {
                Target::Uri(uri) => to.request_to(method, uri),
                Target::Kept(kept) => {
                    let kept = Message::parse(blocks.get(kept)).ok();
                    to.request_to(method, kept.and_then(|kept| kept.uri()).unwrap_or_default());
                }
            }
            write_via(&mut to, path, sent_by, branch);
            write(blocks, to)
        })?;
        Ok(block)
    }

    fn start(
        &mut self,
        now: Duration,
        path: Path,
        user: U,
        branch: u64,
        method: Method<'_>,
        block: Block,
    ) -> Result<ClientId, Error> {
        let key = self.client_key(branch, method);
        self.start_with(now, path, user, key, method == Method::Invite, block)
    }

    fn start_with(
        &mut self,
        now: Duration,
        path: Path,
        user: U,
        key: Key,
        is_invite: bool,
        block: Block,
    ) -> Result<ClientId, Error> {
        let reliable = path.transport.is_reliable();
        let entry = Transaction {
            machine: Machine::client(now, &self.config, is_invite, reliable),
            check: key.check,
            path,
            user: Some(user),
            block: Some(block),
            answer: None,
            tag: None,
            next: Next::Block,
            note: None,
            cancel_wanted: false,
            is_internal: false,
            #[cfg(feature = "calling")]
            reason: None,
        };
        let index = self.insert(key, entry)?;
        self.table.set_ready(index);
        Ok(ClientId(index))
    }

    fn client_mut(&mut self, transaction: ClientId) -> Result<&mut Transaction<U>, Error> {
        let entry = self.table.get_mut(transaction.0).ok_or(Error::Gone)?;
        if entry.machine.is_client { Ok(entry) } else { Err(Error::Gone) }
    }

    fn client_key(&self, branch: u64, method: Method<'_>) -> Key {
        let mut whole = [0; 23];
        let digits = Tag::new(branch);
        for (place, octet) in whole.iter_mut().zip(COOKIE.iter().chain(digits.as_bytes())) {
            *place = *octet;
        }
        self.key(&[b"C", &whole, method.as_bytes()])
    }

    fn tag_hash(&self, response: &Message<'_>) -> u64 {
        let to = response.typed::<To<'_>>().and_then(Result::ok);
        hash(self.check_key, &[to.and_then(|to| to.tag()).unwrap_or_default()])
    }
}

/// Whether a request can go to another URI when it is sent again.
const MOVES: bool = cfg!(any(feature = "calling", feature = "failover"));

/// The magic cookie that a branch begins with (RFC 3261 section 8.1.1.7).
const COOKIE: &[u8; 7] = b"z9hG4bK";

/// Writes our Via (RFC 3261 section 18.1.1), which asks for `rport` (RFC 3581).
fn write_via(to: &mut Writer<'_>, path: Path, sent_by: Option<core::net::SocketAddr>, branch: u64) {
    let mut text = Text::default();
    to.name(Name::Via);
    to.text(b"SIP/2.0/");
    to.text(path.transport.via_token().as_bytes());
    to.text(b" ");
    if let Some(address) = sent_by {
        to.text(text.socket(address));
    }
    to.text(b";branch=");
    to.text(COOKIE);
    to.text(text.hex(branch));
    to.text(b";rport");
    to.end_row();
}

/// Writes a CANCEL, or an ACK for a refusal, of an INVITE: they go hop by hop, as it did.
fn write_hop(
    to: &mut Writer<'_>,
    invite: &Message<'_>,
    method: Method<'_>,
    their_to: Option<crate::message::Row<'_>>,
) {
    to.request_to(method, invite.uri().unwrap_or_default());
    if let Some(row) = invite.row(Name::Via) {
        to.row(&row);
    }
    for row in invite.rows(Name::Route) {
        to.row(&row);
    }
    let their_to = their_to.or(invite.row(Name::To));
    for row in [invite.row(Name::From), their_to, invite.row(Name::CallId)].into_iter().flatten() {
        to.row(&row);
    }
    let cseq = invite.typed::<CSeq<'_>>().and_then(Result::ok);
    to.header(&CSeq { number: cseq.map_or(0, |cseq| cseq.number), method });
    to.raw(Name::MaxForwards, b"70");
}
