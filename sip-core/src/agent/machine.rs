use core::time::Duration;

use super::account::AccountEntry;
use super::call::Call;
use super::credentials::Again;
use super::subscription::Subscription;
use super::timer::least_interval;
use super::{AccountId, Config, Error, Event, RequestId, Storage};
use crate::dialog::Dialog;
use crate::header::{Contact, Require, To};
use crate::message::{Message, Method, Name, StatusCode, Writer};
use crate::storage::{Index, Seeds, Table};
use crate::transaction::{self, ClientId, Layer, ServerId};
use crate::transport::{Path, Transmit};

/// What a transaction belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    pub(super) what: What,
    pub(super) account: Index,
    /// How often the request was sent with credentials.
    pub(super) tried: u8,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    Register,
    Publish,
    Invite(Index),
    Bye(Index),
    /// A call's session is changed or refreshed by an UPDATE.
    Update(Index),
    /// The other side of a call is asked to call somebody else.
    Refer(Index),
    /// The other side of a call is told what came of its transfer.
    Told(Index),
    /// An INFO or a MESSAGE within a call.
    InCall(Index, RequestId),
    Subscribe(Index),
    Notify(Index),
    Single(RequestId),
    /// The BYE to a fork that nobody wants.
    Nobody,
}

/// The methods that we take.
pub(super) const ALLOW: &[u8] =
    b"INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, MESSAGE, SUBSCRIBE, NOTIFY, PRACK, UPDATE, REFER";
/// The extensions that we support, but for those that an INVITE names by itself.
pub(super) const SUPPORTED: &[u8] = b"timer, replaces";
/// The extensions that a request may require.
const KNOWN: [&[u8]; 3] = [b"100rel", b"timer", b"replaces"];
/// The bodies that we take.
pub(super) const ACCEPT: &[u8] =
    b"application/sdp, text/plain, application/im-iscomposing+xml, application/pidf+xml";

/// A user agent (RFC 3261 section 8): accounts, calls, messages, subscriptions.
#[derive(Debug)]
pub struct Agent<'s> {
    pub(super) config: Config,
    pub(super) layer: Layer<'s, Owner>,
    pub(super) accounts: Table<'s, AccountEntry>,
    pub(super) calls: Table<'s, Call>,
    pub(super) subscriptions: Table<'s, Subscription>,
    requests: u32,
    /// Requests that wait for the next server.
    #[cfg(feature = "failover")]
    pub(super) parked: [Option<super::locate::Parked>; super::locate::PARKED],
    /// The time of the last call.
    pub(super) now: Duration,
}

impl<'s> Agent<'s> {
    /// How long the buffer for `poll_transmit` is at most, unless bodies are handed in that are
    /// longer than 1000 octets or a proxy adds many rows.
    pub const BUFFER: usize = 4096;

    /// An agent in memory that the host lends.
    ///
    /// # Errors
    /// [`Error::Transaction`] where the configuration is refused, or the memory is too small.
    pub fn new<const A: usize, const C: usize, const S: usize, const T: usize, const O: usize>(
        config: Config,
        storage: &'s mut Storage<A, C, S, T, O>,
        seed: [u8; 32],
    ) -> Result<Self, Error> {
        let seeds = Seeds::new(seed);
        let transactions = &mut storage.transactions;
        let layer = Layer::new(config.transactions, transactions, seed)?;
        Ok(Self {
            config,
            layer,
            accounts: Table::lent(storage.accounts.lend(), seeds.key(2)),
            calls: Table::lent(storage.calls.lend(), seeds.key(3)),
            subscriptions: Table::lent(storage.subscriptions.lend(), seeds.key(4)),
            requests: 0,
            #[cfg(feature = "failover")]
            parked: [None; super::locate::PARKED],
            now: Duration::ZERO,
        })
    }

    /// An agent whose memory grows as far as the configuration's limits.
    ///
    /// # Errors
    /// [`Error::Transaction`] where the configuration is refused.
    #[cfg(feature = "alloc")]
    pub fn growing(config: Config, seed: [u8; 32]) -> Result<Self, Error> {
        let seeds = Seeds::new(seed);
        Ok(Self {
            config,
            layer: Layer::growing(config.transactions, seed)?,
            accounts: Table::growing(config.max_accounts, 1, seeds.key(2)),
            calls: Table::growing(config.max_calls, 1, seeds.key(3)),
            subscriptions: Table::growing(config.max_subscriptions, 1, seeds.key(4)),
            requests: 0,
            #[cfg(feature = "failover")]
            parked: [None; super::locate::PARKED],
            now: Duration::ZERO,
        })
    }

    /// A datagram arrived.
    ///
    /// # Errors
    /// What is wrong with it, or that there is no room for what it asks; where RFC 3261 has an
    /// answer for that, it is queued.
    pub fn handle_datagram<'d>(
        &mut self,
        now: Duration,
        path: Path,
        datagram: &'d [u8],
    ) -> Result<Option<Event<'d>>, Error> {
        self.now = now;
        match self.layer.handle_datagram(now, path, datagram)? {
            Some(event) => self.take(now, event),
            None => Ok(None),
        }
    }

    /// Bytes of a stream arrived. Says how many of them were used; with none used it needs more.
    /// At most one message is taken at a time: call it again with the rest while bytes are used.
    ///
    /// # Errors
    /// The stream cannot be understood any more: drain `poll_transmit`, then close it. What is
    /// wrong with one message that is well framed is told as [`Event::Refused`].
    pub fn handle_stream<'d>(
        &mut self,
        now: Duration,
        path: Path,
        bytes: &'d [u8],
    ) -> Result<(usize, Option<Event<'d>>), Error> {
        self.now = now;
        #[cfg(feature = "outbound")]
        self.heard(path, bytes);
        let (used, event) = self.layer.handle_stream(now, path, bytes)?;
        let event = match event {
            Some(event) => match self.take(now, event) {
                Ok(event) => event,
                Err(error) => Some(Event::Refused { path, error }),
            },
            None => None,
        };
        Ok((used, event))
    }

    /// A stream ended or could not be opened, or a datagram could not be delivered (ICMP).
    pub fn handle_closed(&mut self, now: Duration, path: Path) {
        self.now = now;
        self.layer.handle_closed(now, path);
        self.accounts_closed(now, path);
    }

    /// The time that [`Agent::poll_timeout`] asked for has come; early or late calls are harmless.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.now = now;
        self.layer.handle_timeout(now);
        while let Some(index) = self.accounts.pop_due(now) {
            self.account_due(now, index);
        }
        while let Some(index) = self.calls.pop_due(now) {
            self.call_due(now, index);
        }
        while let Some(index) = self.subscriptions.pop_due(now) {
            self.subscription_due(now, index);
        }
    }

    /// Writes what is to be sent next into `buffer`: see [`Agent::BUFFER`].
    #[must_use]
    pub fn poll_transmit(&mut self, now: Duration, buffer: &mut [u8]) -> Option<Transmit> {
        self.layer.poll_transmit(now, buffer)
    }

    /// What came of time, of a closed path or of the host's own calls.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event<'static>> {
        while let Some(event) = self.layer.poll_event() {
            let event = match event {
                transaction::Event::BufferTooSmall { needed } => {
                    Some(Event::BufferTooSmall { needed })
                }
                transaction::Event::ClientFailed { transaction, user, failure } => {
                    #[cfg(feature = "failover")]
                    if self.fail_over(self.now, transaction, user, failure.into()) {
                        continue;
                    }
                    let event = self.client_failed(transaction, user, failure.into());
                    #[cfg(any(feature = "calling", feature = "failover"))]
                    self.layer.forget_request(transaction);
                    event
                }
                transaction::Event::ServerFailed { transaction, user, failure } => {
                    self.server_failed(transaction, user, failure.into())
                }
                _ => None,
            };
            if event.is_some() {
                return event;
            }
        }
        #[cfg(feature = "failover")]
        if let Some(event) = self.parked_note() {
            return Some(event);
        }
        self.account_note().or_else(|| self.call_note()).or_else(|| self.subscription_note())
    }

    /// When to call [`Agent::handle_timeout`] next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        [
            self.layer.poll_timeout(),
            self.accounts.next_deadline(),
            self.calls.next_deadline(),
            self.subscriptions.next_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// A random number of the agent's generator, for what the host writes itself and nobody may
    /// guess: the keys of a session description (RFC 4568 section 6.1), a boundary, a cookie.
    pub fn random(&mut self) -> u64 {
        self.layer.random()
    }

    /// How many transactions, calls and subscriptions are live, in this order.
    pub fn live(&self) -> (usize, usize, usize) {
        (self.layer.len(), self.calls.len(), self.subscriptions.len())
    }

    /// How many octets can still be kept for messages and dialogs.
    pub fn room_octets(&self) -> usize {
        self.layer.arena().room()
    }

    fn take<'d>(
        &mut self,
        now: Duration,
        event: transaction::Event<'d, Owner>,
    ) -> Result<Option<Event<'d>>, Error> {
        match event {
            transaction::Event::Request { transaction, message, path } => {
                self.request(now, transaction, message, path)
            }
            transaction::Event::Ack { message, .. } => self.call_ack(now, message),
            transaction::Event::Cancel { transaction, user, message, .. } => {
                self.call_cancelled(now, transaction, user, message)
            }
            transaction::Event::Response { transaction, user, message, .. } => {
                self.response(now, transaction, user, message)
            }
            transaction::Event::Refused { path, error } => {
                Ok(Some(Event::Refused { path, error: error.into() }))
            }
            transaction::Event::BufferTooSmall { needed } => {
                Ok(Some(Event::BufferTooSmall { needed }))
            }
            // A 2xx that comes after its transaction is gone belongs to a call that is, too.
            _ => Ok(None),
        }
    }

    /// A request that is new (RFC 3261 section 8.2).
    fn request<'d>(
        &mut self,
        now: Duration,
        transaction: ServerId,
        message: Message<'d>,
        path: Path,
    ) -> Result<Option<Event<'d>>, Error> {
        let done = self.dispatch(now, transaction, message.clone(), path);
        if done.is_err() && self.layer.server_state(transaction) == Some(transaction::State::Trying)
            || matches!(done, Err(Error::Transaction(transaction::Error::Octets(_))))
        {
            // Nobody will answer it any more: say so, while the reserve lasts.
            self.layer.abandon(transaction);
            let seconds = self.config.transactions.retry_after_s;
            let code = StatusCode::SERVICE_UNAVAILABLE;
            self.layer.respond_stateless(path, &message, code, |mut to| {
                to.raw_number(Name::RetryAfter, seconds);
                to.finish()
            })?;
        }
        done
    }

    fn dispatch<'d>(
        &mut self,
        now: Duration,
        transaction: ServerId,
        message: Message<'d>,
        path: Path,
    ) -> Result<Option<Event<'d>>, Error> {
        let Some(method) = message.method() else { return Ok(None) };
        let known = matches!(
            method,
            Method::Invite
                | Method::Bye
                | Method::Options
                | Method::Info
                | Method::Message
                | Method::Subscribe
                | Method::Notify
                | Method::Prack
                | Method::Update
                | Method::Refer
        );
        if !known {
            let code = match method {
                Method::Other(_) => StatusCode::NOT_IMPLEMENTED,
                _ => StatusCode::METHOD_NOT_ALLOWED,
            };
            return self.refuse(now, transaction, code, &mut |to| to.raw(Name::Allow, ALLOW));
        }
        if matches!(message.request_uri(), Some(Ok(uri)) if !uri.is_sip()) {
            let code = StatusCode::UNSUPPORTED_URI_SCHEME;
            return self.refuse(now, transaction, code, &mut |_| {});
        }
        let unknown = |tag: &Require<'_>| !lists(KNOWN, tag.0);
        if message.all::<Require<'_>>().flatten().any(|tag| unknown(&tag)) {
            let code = StatusCode::BAD_EXTENSION;
            return self.refuse(now, transaction, code, &mut |to| {
                for tag in message.all::<Require<'_>>().flatten().filter(unknown) {
                    to.raw(Name::Unsupported, tag.0);
                }
            });
        }
        let has_tag =
            message.typed::<To<'_>>().and_then(Result::ok).is_some_and(|to| to.tag().is_some());
        if has_tag {
            if let Some(index) = self.call_of(&message) {
                return self.in_call(now, index, transaction, method, message);
            }
            if let Some(index) = self.subscription_of(&message) {
                return self.in_subscription(now, index, transaction, method, message);
            }
            if method == Method::Notify
                && let Some(index) = self.subscription_awaiting(&message)
            {
                return self.in_subscription(now, index, transaction, method, message);
            }
            let code = StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST;
            return self.refuse(now, transaction, code, &mut |_| {});
        }
        if matches!(
            method,
            Method::Bye
                | Method::Info
                | Method::Notify
                | Method::Prack
                | Method::Update
                | Method::Refer
        ) {
            let code = StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST;
            return self.refuse(now, transaction, code, &mut |_| {});
        }
        let Some(account) = self.account_for(&message) else {
            return self.refuse(now, transaction, StatusCode::NOT_FOUND, &mut |_| {});
        };
        match method {
            Method::Invite => self.call_arrived(now, account, transaction, message, path),
            Method::Subscribe => self.subscribe_arrived(now, account, transaction, message, path),
            Method::Message => {
                self.respond_ok(now, transaction)?;
                Ok(Some(Event::Message { account: AccountId(account), call: None, message }))
            }
            _ => {
                self.respond_options(now, transaction)?;
                Ok(None)
            }
        }
    }

    /// A response to a request of ours.
    fn response<'d>(
        &mut self,
        now: Duration,
        transaction: ClientId,
        owner: Owner,
        message: Message<'d>,
    ) -> Result<Option<Event<'d>>, Error> {
        let Some(code) = message.code() else { return Ok(None) };
        #[cfg(feature = "offers")]
        if let What::Update(call) = owner.what {
            self.bring_update(call, transaction);
        }
        if code == StatusCode::UNAUTHORIZED || code == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            match self.answer_challenge(now, transaction, owner, &message) {
                Ok(true) => return Ok(None),
                Ok(false) => {}
                // It goes on as a refusal, which it is for the user.
                Err(_) => {}
            }
        }
        let longer = match code {
            StatusCode::INTERVAL_TOO_BRIEF => {
                let minimum = number(&message, Name::MinExpires);
                minimum.filter(|minimum| *minimum < 1 << 24).map(Again::Expires)
            }
            StatusCode::SESSION_INTERVAL_TOO_SMALL => least_interval(&message).map(Again::Session),
            _ => None,
        };
        if let Some(longer) = longer
            && owner.tried <= super::credentials::TRIES
            && self.resend(now, transaction, owner, longer).is_ok()
        {
            return Ok(None);
        }
        #[cfg(feature = "failover")]
        if code == StatusCode::SERVICE_UNAVAILABLE
            && self.fail_over(now, transaction, owner, super::Failure::Refused(code))
        {
            return Ok(None);
        }
        #[cfg(feature = "calling")]
        if self.redirected(now, transaction, owner, code, &message) {
            self.layer.forget_request(transaction);
            return Ok(match owner.what {
                What::Invite(call) if code.class() == 3 => {
                    Some(Event::Redirected { call: super::CallId(call), message })
                }
                _ => None,
            });
        }
        let event = match owner.what {
            What::Register => self.register_response(now, owner.account, code, &message),
            What::Publish => self.publish_response(now, owner.account, code, &message),
            What::Invite(call) => self.invite_response(now, call, transaction, code, message),
            What::Bye(call) if code.is_final() => self.call_left(call),
            What::Update(call) => self.update_response(now, call, transaction, code, message),
            What::Refer(call) if code.is_final() => self.refer_response(call, code),
            What::Subscribe(index) => self.subscribe_response(now, index, code, message),
            What::Notify(index) => self.notify_response(index, code, message),
            What::InCall(_, request) | What::Single(request) if code.is_final() => {
                Some(Event::Response { request, message })
            }
            What::Bye(_)
            | What::Refer(_)
            | What::Told(_)
            | What::InCall(..)
            | What::Single(_)
            | What::Nobody => None,
        };
        if code.is_final() {
            self.layer.forget_request(transaction);
        }
        Ok(event)
    }

    pub(super) fn client_failed(
        &mut self,
        transaction: ClientId,
        owner: Owner,
        failure: super::Failure,
    ) -> Option<Event<'static>> {
        #[cfg(feature = "calling")]
        if self.redirect_failed(self.now, transaction, owner) {
            return None;
        }
        match owner.what {
            What::Register => self.register_failed(owner.account, failure),
            What::Publish => self.publish_failed(owner.account, failure),
            What::Invite(call) => self.invite_failed(call, transaction, failure),
            What::Bye(call) => self.call_left(call),
            What::Update(call) => self.update_failed(call, transaction, failure),
            What::Refer(call) => Some(Event::TransferFailed { call: super::CallId(call), failure }),
            What::Subscribe(index) | What::Notify(index) => {
                self.subscription_failed(index, failure)
            }
            What::InCall(_, request) | What::Single(request) => {
                Some(Event::RequestFailed { request, failure })
            }
            What::Told(_) | What::Nobody => None,
        }
    }

    /// The number of the next request of what this belongs to; `None` where each stands alone.
    pub(super) fn next_cseq(&mut self, owner: Owner) -> Option<u32> {
        match owner.what {
            What::Register => {
                let entry = self.accounts.get_mut(owner.account)?;
                entry.cseq = entry.cseq.saturating_add(1);
                Some(entry.cseq)
            }
            What::Bye(call)
            | What::Update(call)
            | What::Refer(call)
            | What::Told(call)
            | What::InCall(call, _)
            | What::Invite(call) => {
                self.calls.get_mut(call)?.dialog.as_mut().map(Dialog::next_cseq)
            }
            What::Subscribe(index) | What::Notify(index) => {
                self.subscriptions.get_mut(index)?.dialog.as_mut().map(Dialog::next_cseq)
            }
            What::Publish | What::Single(_) | What::Nobody => None,
        }
    }

    /// A request goes on as another transaction.
    pub(super) fn moved(&mut self, owner: Owner, again: ClientId, expires_s: Option<u32>) {
        match owner.what {
            What::Invite(call) | What::Update(call) => {
                if let Some(call) = self.calls.get_mut(call) {
                    call.client = Some(again);
                }
            }
            What::Subscribe(index) => {
                if let Some(subscription) = self.subscriptions.get_mut(index) {
                    subscription.expires_s = expires_s.unwrap_or(subscription.expires_s);
                }
            }
            What::Register => {
                if let Some(entry) = self.accounts.get_mut(owner.account) {
                    entry.expires_s = expires_s.unwrap_or(entry.expires_s);
                }
            }
            _ => {}
        }
    }

    /// A name for the next request that stands alone.
    pub(super) fn request_id(&mut self) -> RequestId {
        self.requests = self.requests.wrapping_add(1);
        RequestId(self.requests)
    }

    /// Answers 200 without a body.
    pub(super) fn respond_ok(&mut self, now: Duration, transaction: ServerId) -> Result<(), Error> {
        self.layer.respond(now, transaction, StatusCode::OK, |to| to.finish())?;
        Ok(())
    }

    pub(super) fn respond_options(
        &mut self,
        now: Duration,
        transaction: ServerId,
    ) -> Result<(), Error> {
        let packages = self.config.packages;
        self.layer.respond(now, transaction, StatusCode::OK, |mut to| {
            to.raw(Name::Allow, ALLOW);
            to.raw(Name::Accept, ACCEPT);
            to.raw(Name::Supported, b"100rel");
            to.raw(Name::Supported, SUPPORTED);
            for package in packages {
                to.raw(Name::AllowEvents, package);
            }
            to.finish()
        })?;
        Ok(())
    }

    /// Refuses a request, which nobody is told of.
    pub(super) fn refuse<'d>(
        &mut self,
        now: Duration,
        transaction: ServerId,
        code: StatusCode,
        write: &mut dyn FnMut(&mut Writer<'_>),
    ) -> Result<Option<Event<'d>>, Error> {
        self.layer.respond(now, transaction, code, |mut to| {
            write(&mut to);
            to.finish()
        })?;
        Ok(None)
    }

    /// The hash by which calls and subscriptions are found: our tag and the Call-ID.
    pub(super) fn dialog_hash(&self, tag: &[u8], call_id: &[u8]) -> u64 {
        self.calls.hash(&[tag, call_id])
    }

    /// The same of a request that arrived.
    pub(super) fn request_hash(&self, message: &Message<'_>) -> Option<u64> {
        let tag = message.typed::<To<'_>>()?.ok()?.tag()?;
        Some(self.dialog_hash(tag, message.row(Name::CallId)?.value))
    }
}

/// The number in a header that holds one, what follows it left aside.
pub(super) fn number(message: &Message<'_>, name: Name<'_>) -> Option<u32> {
    let value = message.row(name)?.value;
    let digits = value.iter().take_while(|octet| octet.is_ascii_digit());
    let mut any = false;
    let number = digits.fold(0_u32, |number, digit| {
        any = true;
        number.saturating_mul(10).saturating_add(u32::from(digit - b'0'))
    });
    any.then_some(number)
}

/// Whether a message has what a dialog needs of the other side.
pub(super) fn has_contact(message: &Message<'_>) -> bool {
    matches!(message.typed::<Contact<'_>>(), Some(Ok(contact)) if contact.uri().is_some())
}

/// Whether one of these tokens is this one; they are compared without case.
pub(super) fn lists<'t>(tokens: impl IntoIterator<Item = &'t [u8]>, wanted: &[u8]) -> bool {
    tokens.into_iter().any(|token| token.eq_ignore_ascii_case(wanted))
}
