//! Accounts and their registration (RFC 3261 section 10).

use core::net::SocketAddr;
use core::time::Duration;

use super::machine::number;
use super::send::Begin;
use super::{Account, AccountId, Agent, Error, Event, Failure, Owner, What};
use crate::dialog::Dialog;
use crate::header::{Contact, To};
use crate::message::{Message, Method, Name, StatusCode, Writer};
use crate::storage::{Block, Blocks, Index};
use crate::transport::{Path, Text, Transport};
use crate::uri::Uri;

/// Where an account's registration stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Registration {
    /// It is not asked for.
    Idle,
    /// A REGISTER is on its way.
    Asked,
    /// It holds.
    Held,
    /// It failed and is tried again.
    Waiting,
    /// It is being taken back.
    Leaving,
}

/// One account, as it stands in a slot of an agent's storage.
#[derive(Debug)]
pub(super) struct AccountEntry {
    /// The account's texts, written as a request.
    pattern: Block,
    pub(super) has_password: bool,
    takes_all: bool,
    pub(super) server: Option<Path>,
    pub(super) registration: Registration,
    /// How long registrations, subscriptions and publications are to last.
    pub(super) expires_s: u32,
    pub(super) cseq: u32,
    call_id: u64,
    tag: u64,
    pub(super) failures: u32,
    refresh_at: Option<Duration>,
    pub(super) ping_at: Option<Duration>,
    /// The registrar's challenge and how often it was answered.
    pub(super) challenge: Option<Block>,
    pub(super) count: u32,
    /// The same of a proxy.
    pub(super) proxy_challenge: Option<Block>,
    pub(super) proxy_count: u32,
    /// What is published: its package and its entity tag, written as a response.
    pub(super) published: Option<Block>,
    pub(super) publishing: bool,
    pub(super) publish_at: Option<Duration>,
    /// A failure to be told, and when it is tried again.
    note: Option<(Failure, Option<Duration>)>,
    #[cfg(feature = "outbound")]
    pub(super) flow: super::outbound::Flow,
    #[cfg(feature = "failover")]
    pub(super) locator: Option<super::locate::Locator>,
}

/// An account's texts.
pub(super) struct View<'a> {
    /// The value of From, without its tag.
    pub(super) from: &'a [u8],
    pub(super) address: &'a [u8],
    pub(super) registrar: &'a [u8],
    pub(super) user: &'a [u8],
    pub(super) password: &'a [u8],
    /// The user part of the address.
    pub(super) contact_user: &'a [u8],
    #[cfg(feature = "outbound")]
    pub(super) flow: super::outbound::FlowView<'a>,
}

impl View<'_> {
    /// Writes our Contact, as it is for one transport.
    pub(super) fn write_contact(
        &self,
        to: &mut Writer<'_>,
        transport: Transport,
        sent_by: Option<SocketAddr>,
    ) {
        #[cfg(feature = "outbound")]
        if self.flow.write_gruu(to, self.contact_user.is_empty()) {
            return;
        }
        self.write_address(to, transport, sent_by, false);
    }

    /// The same for a REGISTER, or without a GRUU.
    pub(super) fn write_address(
        &self,
        to: &mut Writer<'_>,
        transport: Transport,
        sent_by: Option<SocketAddr>,
        is_register: bool,
    ) {
        let mut text = Text::default();
        to.name(Name::Contact);
        to.text(b"<sip:");
        if !self.contact_user.is_empty() {
            to.text(self.contact_user);
            to.text(b"@");
        }
        if let Some(address) = sent_by {
            to.text(text.socket(address));
        }
        if transport != Transport::Udp {
            to.param(b"transport", transport.uri_token().as_bytes());
        }
        #[cfg(feature = "outbound")]
        if !is_register {
            self.flow.write_ob(to);
        }
        to.text(b">");
        #[cfg(feature = "outbound")]
        if is_register {
            self.flow.write_binding(to);
        }
        #[cfg(not(feature = "outbound"))]
        let _ = is_register;
        to.end_row();
    }
}

impl AccountEntry {
    pub(super) fn view<'a>(&self, blocks: Blocks<'a>) -> View<'a> {
        let kept = Message::parse(blocks.get(&self.pattern)).ok();
        let value = |name: &'static [u8]| kept.as_ref().map_or(&b""[..], |kept| quoted(kept, name));
        let from = kept.as_ref().and_then(|kept| kept.row(Name::From));
        let address = kept.as_ref().and_then(|kept| kept.typed::<To<'a>>()?.ok()?.uri().as_bytes());
        let address = address.unwrap_or_default();
        View {
            from: from.map(|row| row.value).unwrap_or_default(),
            address,
            registrar: kept.as_ref().and_then(Message::uri).unwrap_or_default(),
            user: value(b"User"),
            password: value(b"Password"),
            contact_user: Uri::parse(address).ok().and_then(|uri| uri.user()).unwrap_or_default(),
            #[cfg(feature = "outbound")]
            flow: self.flow.view(blocks, value(b"Instance")),
        }
    }

    /// The same within a dialog: where that does not say who we are, our Contact does not either.
    pub(super) fn view_in<'a>(&self, blocks: Blocks<'a>, dialog: &Dialog) -> View<'a> {
        let mut view = self.view(blocks);
        if cfg!(feature = "calling") && dialog.is_anonymous(blocks) {
            view.contact_user = b"";
        }
        view
    }

    /// The account's texts, written as a request.
    #[cfg(feature = "failover")]
    pub(super) const fn pattern(&self) -> &Block {
        &self.pattern
    }

    fn deadline(&self) -> Option<Duration> {
        let due = [self.refresh_at, self.ping_at, self.publish_at].into_iter().flatten().min();
        #[cfg(feature = "outbound")]
        let due = [due, self.flow.pong_by].into_iter().flatten().min();
        due
    }
}

impl Agent<'_> {
    /// Adds an account. Nothing is sent before [`Agent::register`] or a request of the account.
    ///
    /// # Errors
    /// [`Error::Uri`] where the address is no SIP URI, [`Error::Accounts`] where there is no room
    /// for it, [`Error::Transaction`] where its texts cannot be kept.
    pub fn add_account(&mut self, account: &Account<'_>) -> Result<AccountId, Error> {
        let uri = Uri::parse(account.address).map_err(|_| Error::Uri)?;
        let host = uri.host().filter(|_| uri.is_sip()).ok_or(Error::Uri)?;
        if !account.registrar.is_empty() {
            Uri::parse(account.registrar).map_err(|_| Error::Uri)?;
        }
        #[cfg(feature = "outbound")]
        if !account.instance.is_empty() && !super::outbound::is_instance(account.instance) {
            return Err(Error::Uri);
        }
        let contact_user = uri.user().unwrap_or_default();
        let auth_user = if account.user.is_empty() { contact_user } else { account.user };
        #[cfg(feature = "failover")]
        let locator = if account.located.is_empty() {
            None
        } else {
            Uri::parse(account.located).map_err(|_| Error::Uri)?;
            let seed = [(); 4].map(|()| self.layer.random());
            Some(super::locate::Locator::new(self.config.resolve, seed))
        };
        let hash = self.accounts.hash(&[contact_user]);
        let pattern = self.layer.arena_mut().write(|_, room| {
            let mut to = Writer::new(room);
            if account.registrar.is_empty() {
                to.request(Method::Register, &Uri::new(uri.scheme(), host).with_port(uri.port()));
            } else {
                to.request_to(Method::Register, account.registrar);
            }
            to.name(Name::From);
            if !account.display_name.is_empty() {
                crate::header::Text::quoted(account.display_name).write(&mut to);
                to.text(b" ");
            }
            to.text(b"<");
            to.text(account.address);
            to.text(b">");
            to.end_row();
            to.name(Name::To);
            to.text(b"<");
            to.text(account.address);
            to.text(b">");
            to.end_row();
            let texts = [
                (&b"User"[..], auth_user),
                (b"Password", account.password),
                #[cfg(feature = "outbound")]
                (b"Instance", account.instance),
                #[cfg(feature = "failover")]
                (b"Located", account.located),
            ];
            for (name, value) in texts {
                to.name(Name::Other(name));
                to.text(b"\"");
                to.text(value);
                to.text(b"\"");
                to.end_row();
            }
            to.finish()
        })?;
        let entry = AccountEntry {
            pattern,
            has_password: !account.password.is_empty(),
            takes_all: account.takes_all,
            server: account.server,
            registration: Registration::Idle,
            expires_s: account.expires_s,
            cseq: 0,
            call_id: self.layer.random(),
            tag: self.layer.random(),
            failures: 0,
            refresh_at: None,
            ping_at: None,
            challenge: None,
            count: 0,
            proxy_challenge: None,
            proxy_count: 0,
            published: None,
            publishing: false,
            publish_at: None,
            note: None,
            #[cfg(feature = "outbound")]
            flow: super::outbound::Flow::new(account.reg_id, account.takes_routes),
            #[cfg(feature = "failover")]
            locator,
        };
        self.insert_account(hash, entry).map(AccountId)
    }

    /// The same account once more, over another server.
    #[cfg(feature = "outbound")]
    pub(super) fn copy_account(&mut self, index: Index, server: Path) -> Result<Index, Error> {
        let (tag, call_id) = (self.layer.random(), self.layer.random());
        let entry = self.accounts.get(index).ok_or(Error::Gone)?;
        let user = entry.view(self.layer.arena().blocks()).contact_user;
        let hash = self.accounts.hash(&[user]);
        let first = entry.pattern.name();
        let pattern = self.layer.arena_mut().write(|blocks, room| {
            let octets = blocks.named(first);
            let needed = octets.len();
            let short = crate::error::BufferTooSmall { needed };
            room.get_mut(..needed).ok_or(short)?.copy_from_slice(octets);
            Ok(needed)
        })?;
        let entry = AccountEntry {
            pattern,
            has_password: entry.has_password,
            takes_all: false,
            server: Some(server),
            registration: Registration::Idle,
            expires_s: entry.expires_s,
            cseq: 0,
            call_id,
            tag,
            failures: 0,
            refresh_at: None,
            ping_at: None,
            challenge: None,
            count: 0,
            proxy_challenge: None,
            proxy_count: 0,
            published: None,
            publishing: false,
            publish_at: None,
            note: None,
            flow: super::outbound::Flow::new(0, false),
            #[cfg(feature = "failover")]
            locator: None,
        };
        self.insert_account(hash, entry)
    }

    fn insert_account(&mut self, hash: u64, entry: AccountEntry) -> Result<Index, Error> {
        self.accounts.insert(hash, entry).map_err(|(entry, full)| {
            self.layer.arena_mut().free(entry.pattern);
            Error::Accounts(full)
        })
    }

    /// Takes an account out: its calls go on until their end, but nothing new is sent for it.
    ///
    /// # Errors
    /// [`Error::Gone`] where there is none.
    pub fn remove_account(&mut self, account: AccountId) -> Result<(), Error> {
        let entry = self.accounts.remove(account.0).ok_or(Error::Gone)?;
        #[cfg(feature = "failover")]
        self.free_parked(account.0);
        let arena = self.layer.arena_mut();
        #[cfg(feature = "outbound")]
        let mut entry = entry;
        #[cfg(feature = "outbound")]
        if let Some(kept) = entry.flow.take_block() {
            arena.free(kept);
        }
        arena.free(entry.pattern);
        for block in [entry.challenge, entry.proxy_challenge, entry.published].into_iter().flatten()
        {
            arena.free(block);
        }
        Ok(())
    }

    /// Registers an account, and keeps it registered. What comes of it is told as
    /// [`Event::Registered`] or [`Event::RegistrationFailed`].
    ///
    /// # Errors
    /// [`Error::Gone`] where there is no such account, [`Error::Unresolved`] where it has no
    /// server, else what stands in the way of sending.
    pub fn register(&mut self, now: Duration, account: AccountId) -> Result<(), Error> {
        self.now = now;
        let entry = self.accounts.get_mut(account.0).ok_or(Error::Gone)?;
        if entry.registration == Registration::Asked {
            return Ok(());
        }
        entry.failures = 0;
        #[cfg(feature = "failover")]
        return self.locate_or_register(now, account.0);
        #[cfg(not(feature = "failover"))]
        self.send_register(now, account.0, false)
    }

    /// Takes an account's registration back.
    ///
    /// # Errors
    /// As [`Agent::register`].
    pub fn unregister(&mut self, now: Duration, account: AccountId) -> Result<(), Error> {
        self.now = now;
        self.send_register(now, account.0, true)
    }

    /// Whether an account's registration holds.
    pub fn is_registered(&self, account: AccountId) -> bool {
        let entry = self.accounts.get(account.0);
        entry.is_some_and(|entry| entry.registration == Registration::Held)
    }

    pub(super) fn send_register(
        &mut self,
        now: Duration,
        account: Index,
        leave: bool,
    ) -> Result<(), Error> {
        let entry = self.accounts.get_mut(account).ok_or(Error::Gone)?;
        entry.cseq = entry.cseq.saturating_add(1);
        let (tag, call_id, cseq) = (entry.tag, entry.call_id, entry.cseq);
        let expires_s = if leave { 0 } else { entry.expires_s };
        let entry = self.accounts.get(account).ok_or(Error::Gone)?;
        let view = entry.view(self.layer.arena().blocks());
        let registrar = Copied::new(view.registrar)?;
        let address = Copied::new(view.address)?;
        // The registrar's way is for all but the registrar.
        #[cfg(feature = "outbound")]
        let own = entry.server.or_else(|| {
            let registrar = Uri::parse(registrar.as_bytes()).ok()?;
            super::send::path_of(&registrar, 0)
        });
        #[cfg(not(feature = "outbound"))]
        let own = None;
        let path = match own {
            Some(own) => own,
            None => self.route(account, registrar.as_bytes())?,
        };
        let begin = Begin {
            path,
            method: Method::Register,
            uri: registrar.as_bytes(),
            to: address.as_bytes(),
            tag,
            call_id,
            cseq,
            body: b"",
        };
        let owner = Owner { what: What::Register, account, tried: 0 };
        self.begin(now, &begin, owner, &mut |_, mut to| {
            to.raw_number(Name::Expires, expires_s);
            to.finish()
        })?;
        let keep_alive = self.config.keep_alive;
        if let Some(entry) = self.accounts.get_mut(account) {
            entry.registration = if leave { Registration::Leaving } else { Registration::Asked };
            entry.refresh_at = None;
            entry.ping_at = (!keep_alive.is_zero() && !leave).then_some(now + keep_alive);
        }
        self.schedule_account(account);
        Ok(())
    }

    /// A response to a REGISTER.
    pub(super) fn register_response<'d>(
        &mut self,
        now: Duration,
        index: Index,
        code: StatusCode,
        message: &Message<'d>,
    ) -> Option<Event<'d>> {
        let account = AccountId(index);
        let entry = self.accounts.get(index)?;
        let is_leaving = entry.registration == Registration::Leaving;
        if code.is_provisional() {
            return None;
        }
        if !code.is_success() {
            let retry_after = number(message, Name::RetryAfter);
            let again = (code.class() == 5 || code == StatusCode::REQUEST_TIMEOUT) && !is_leaving;
            let failure = Failure::Refused(code);
            #[cfg(feature = "outbound")]
            if !is_leaving && self.without_outbound(index, code) {
                return None;
            }
            if again {
                return self.register_again(index, failure, retry_after);
            }
            let entry = self.accounts.get_mut(index)?;
            (entry.registration, entry.refresh_at, entry.ping_at) =
                (Registration::Idle, None, None);
            self.schedule_account(index);
            return Some(Event::RegistrationFailed { account, failure, retry_in: None });
        }
        if is_leaving {
            let entry = self.accounts.get_mut(index)?;
            (entry.registration, entry.refresh_at, entry.ping_at) =
                (Registration::Idle, None, None);
            self.schedule_account(index);
            return Some(Event::Unregistered { account });
        }
        let granted = self.granted(index, message);
        let entry = self.accounts.get_mut(index)?;
        entry.registration = Registration::Held;
        entry.failures = 0;
        let expires = Duration::from_secs(granted.into());
        entry.refresh_at = Some(now.saturating_add(early(expires)));
        #[cfg(feature = "outbound")]
        self.keep_registered(index, message);
        self.schedule_account(index);
        debug!("registered for {=u32} s", granted);
        Some(Event::Registered { account, expires })
    }

    pub(super) fn register_failed(
        &mut self,
        index: Index,
        failure: Failure,
    ) -> Option<Event<'static>> {
        let entry = self.accounts.get_mut(index)?;
        if entry.registration == Registration::Leaving {
            (entry.registration, entry.refresh_at, entry.ping_at) =
                (Registration::Idle, None, None);
            self.schedule_account(index);
            let account = AccountId(index);
            return Some(Event::RegistrationFailed { account, failure, retry_in: None });
        }
        self.register_again(index, failure, None)
    }

    /// Waits before the next REGISTER, longer each time (RFC 5626 section 4.5).
    fn register_again<'d>(
        &mut self,
        index: Index,
        failure: Failure,
        retry_after_s: Option<u32>,
    ) -> Option<Event<'d>> {
        let random = self.layer.random();
        let (least, most, now) = (self.config.retry_min, self.config.retry_max, self.now);
        #[cfg(feature = "outbound")]
        let flow_wait = self.flow_wait(index);
        let entry = self.accounts.get_mut(index)?;
        let wait = least.saturating_mul(1 << entry.failures.min(16)).min(most);
        #[cfg(feature = "outbound")]
        let wait = flow_wait.unwrap_or(wait);
        // Between half of it and all, so that not all phones come back at once.
        let part = (random % 501 + 500) as u32;
        let wait = wait.saturating_mul(part) / 1000;
        let asked = Duration::from_secs(retry_after_s.unwrap_or(0).into()).min(most);
        let wait = wait.max(asked);
        entry.failures = entry.failures.saturating_add(1);
        entry.registration = Registration::Waiting;
        entry.refresh_at = Some(now.saturating_add(wait));
        entry.ping_at = None;
        #[cfg(feature = "outbound")]
        {
            entry.flow.pong_by = None;
        }
        self.schedule_account(index);
        let account = AccountId(index);
        warn!("not registered: {}; next try in {=u64} s", failure, wait.as_secs());
        Some(Event::RegistrationFailed { account, failure, retry_in: Some(wait) })
    }

    /// How long the registrar lets our Contact stand, in seconds (RFC 3261 section 10.2.4).
    fn granted(&self, index: Index, message: &Message<'_>) -> u32 {
        let Some(entry) = self.accounts.get(index) else { return 0 };
        #[cfg(feature = "outbound")]
        if let Some(seconds) = self.bound_for(index, message) {
            return seconds.max(1);
        }
        let view = entry.view(self.layer.arena().blocks());
        let sent_by = self.config.transactions.sent_by;
        let ours = |uri: Uri<'_>| {
            // Registrars rewrite what they bind, so the address may be another one.
            let address = uri.host().and_then(|host| host.address());
            let same = |own: SocketAddr| {
                address == Some(own.ip()) && uri.port().is_none_or(|port| port == own.port())
            };
            uri.user() == Some(view.contact_user)
                && [sent_by.udp, sent_by.tcp, sent_by.tls, sent_by.ws]
                    .into_iter()
                    .flatten()
                    .any(same)
        };
        let contacts = || message.all::<Contact<'_>>().flatten();
        let expires = |contact: Contact<'_>| contact.expires().and_then(Result::ok);
        contacts()
            .find(|contact| contact.uri().is_some_and(ours))
            .and_then(expires)
            .or_else(|| contacts().filter_map(expires).min())
            .or_else(|| number(message, Name::Expires))
            .unwrap_or(entry.expires_s)
            .max(1)
    }

    pub(super) fn account_due(&mut self, now: Duration, index: Index) {
        self.now = now;
        let keep_alive = self.config.keep_alive;
        let Some(entry) = self.accounts.get_mut(index) else { return };
        let is_due = |at: Option<Duration>| at.is_some_and(|at| at <= now);
        let (refresh, ping, publish) =
            (is_due(entry.refresh_at), is_due(entry.ping_at), is_due(entry.publish_at));
        let server = entry.server;
        if ping {
            entry.ping_at = Some(now.saturating_add(keep_alive));
            if let Some(server) = server {
                // A ping that finds no room is made up for by the next one.
                let _ = self.layer.ping(server);
            }
            #[cfg(feature = "outbound")]
            self.pinged(index);
        }
        #[cfg(feature = "outbound")]
        if self.accounts.get(index).is_some_and(|entry| is_due(entry.flow.pong_by)) {
            self.flow_failed(now, index);
        }
        if refresh {
            if let Some(entry) = self.accounts.get_mut(index) {
                entry.refresh_at = None;
            }
            #[cfg(feature = "failover")]
            let sent = self.locate_or_register(now, index);
            #[cfg(not(feature = "failover"))]
            let sent = self.send_register(now, index, false);
            if sent.is_err() {
                self.note_failed(index, Failure::NoRoom);
            }
        }
        if publish {
            if let Some(entry) = self.accounts.get_mut(index) {
                entry.publish_at = None;
            }
            if self.send_publish(now, index, b"", None, false).is_err()
                && let Some(entry) = self.accounts.get_mut(index)
            {
                entry.publish_at = Some(now.saturating_add(self.config.retry_min));
            }
        }
        self.schedule_account(index);
    }

    /// A REGISTER could not be sent: tell, and try again.
    pub(super) fn note_failed(&mut self, index: Index, failure: Failure) {
        let Some(Event::RegistrationFailed { retry_in, .. }) =
            self.register_again(index, failure, None)
        else {
            return;
        };
        if let Some(entry) = self.accounts.get_mut(index) {
            entry.note = Some((failure, retry_in));
            self.accounts.set_noted(index);
        }
    }

    pub(super) fn account_note(&mut self) -> Option<Event<'static>> {
        let index = self.accounts.first_noted()?;
        self.accounts.clear_noted(index);
        #[cfg(feature = "outbound")]
        if let Some(event) = self.flow_note(index) {
            return Some(event);
        }
        #[cfg(feature = "failover")]
        if let Some(event) = self.locator_note(index) {
            return Some(event);
        }
        let entry = self.accounts.get_mut(index)?;
        let (failure, retry_in) = entry.note.take()?;
        Some(Event::RegistrationFailed { account: AccountId(index), failure, retry_in })
    }

    /// A registration holds no longer than the connection over which it was made.
    pub(super) fn accounts_closed(&mut self, now: Duration, path: Path) {
        self.now = now;
        if !path.transport.is_reliable() {
            return;
        }
        loop {
            let lost = self.accounts.iter().find(|(_, entry)| {
                entry.server == Some(path) && entry.registration == Registration::Held
            });
            let Some((index, _)) = lost else { return };
            let retry_in = match self.register_again(index, Failure::Transport, None) {
                Some(Event::RegistrationFailed { retry_in, .. }) => retry_in,
                _ => None,
            };
            if let Some(entry) = self.accounts.get_mut(index) {
                entry.note = Some((Failure::Transport, retry_in));
                self.accounts.set_noted(index);
            }
        }
    }

    /// Whose a request is: by the user of its Request-URI, by that of its To, or whoever takes all.
    pub(super) fn account_for(&self, message: &Message<'_>) -> Option<Index> {
        let blocks = self.layer.arena().blocks();
        let by_user = |user: &[u8]| {
            let hash = self.accounts.hash(&[user]);
            self.accounts.find(hash, |entry| entry.view(blocks).contact_user == user)
        };
        let uri = message.request_uri().and_then(Result::ok);
        let to = message.typed::<To<'_>>().and_then(Result::ok).map(|to| to.uri());
        [uri, to]
            .into_iter()
            .flatten()
            .find_map(|uri| by_user(uri.user()?))
            .map(|index| self.account_of(index))
            .or_else(|| self.accounts.iter().find(|(_, entry)| entry.takes_all).map(|(at, _)| at))
    }

    /// The account that an entry is of, which may be another flow of it.
    fn account_of(&self, index: Index) -> Index {
        #[cfg(feature = "outbound")]
        return self.first_flow(index);
        #[cfg(not(feature = "outbound"))]
        index
    }

    pub(super) fn schedule_account(&mut self, index: Index) {
        let deadline = self.accounts.get(index).and_then(AccountEntry::deadline);
        self.accounts.set_deadline(index, deadline);
    }
}

/// One of an account's texts that no header is for.
pub(super) fn quoted<'a>(kept: &Message<'a>, name: &'static [u8]) -> &'a [u8] {
    let row = kept.row(Name::Other(name));
    // The quotes keep the white space at its ends.
    row.and_then(|row| row.value.strip_prefix(b"\"")?.strip_suffix(b"\"")).unwrap_or_default()
}

/// When to refresh what lasts so long: half a minute before, or half of it where that is less.
pub(super) fn early(expires: Duration) -> Duration {
    expires.saturating_sub(Duration::from_secs(32)).max(expires / 2)
}

/// A URI of an account, out of the arena while something is written into that.
pub(super) struct Copied {
    octets: [u8; Self::MAX],
    len: usize,
}

impl Copied {
    /// The longest address or registrar of an account, in octets.
    pub(super) const MAX: usize = 256;

    pub(super) fn new(octets: &[u8]) -> Result<Self, Error> {
        let mut copied = Self { octets: [0; Self::MAX], len: octets.len() };
        copied.octets.get_mut(..octets.len()).ok_or(Error::Uri)?.copy_from_slice(octets);
        Ok(copied)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or_default()
    }
}
