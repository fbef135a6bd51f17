//! Servers that are located by their name (RFC 3263), and what is done where one fails: the next one gets
//! the request that the first has not answered (section 4.3).
//!
//! ```text
//!  register --> poll_query ... handle_answer --> Event::Located, REGISTER to the first server
//!  request  --> 503, no answer, connection refused --> the same request to the next one
//!                                                      none left: Event::NotLocated, the request fails,
//!                                                      the registration begins anew after a while
//! ```
//!
//! The agent asks no name server itself. A host's loop, beside what it does for all agents:
//!
//! ```no_run
//! # use core::time::Duration;
//! # use sip_core::agent::{Account, Agent, Config, Storage};
//! # use sip_core::resolve::{MAX_NAME, Query, Record};
//! # use sip_core::transaction::SentBy;
//! # fn lookup(_: &Query<'_>) -> Option<Vec<(u32, Record<'static>)>> { None }
//! # let (now, config) = (Duration::ZERO, Config::new(SentBy::default()));
//! # let mut storage = Storage::<1, 2, 4, 10, 8192>::new();
//! # let mut agent = Agent::new(config, &mut storage, [42; 32])?;
//! let account = Account::new(b"sip:alice@example.com").located(b"sip:example.com", b"secret");
//! let alice = agent.add_account(&account)?;
//! agent.register(now, alice)?;
//! let mut name = [0; MAX_NAME];
//! while let Some((account, query)) = agent.poll_query(&mut name) {
//!     match lookup(&query) {
//!         Some(records) => agent.handle_answer(now, account, query.id, records),
//!         None => agent.handle_no_answer(now, account, query.id),
//!     }
//! }
//! # Ok::<(), sip_core::agent::Error>(())
//! ```

use core::time::Duration;

use super::account::{AccountEntry, Registration};
use super::call::Phase;
use super::credentials::{Again, Elsewhere};
use super::{AccountId, Agent, Error, Event, Failure, Owner, What, subscription};
use crate::message::Message;
use crate::resolve::{self, MAX_NAME, Query, QueryId, Record, Resolver};
use crate::storage::Index;
use crate::transaction::ClientId;
use crate::transport::Path;
use crate::uri::Uri;

/// How many requests at a time wait for the next server.
pub(super) const PARKED: usize = 6;

/// What an account's entry has of it.
#[derive(Debug)]
pub(super) struct Locator {
    resolver: Resolver<4, 256>,
    /// Whether a server is looked for.
    is_searching: bool,
    /// Whether a REGISTER goes to it first of all.
    wants_register: bool,
    /// Until when what was found may be remembered.
    until: Option<Duration>,
    /// Whether one was found, or none, and that is to be told.
    news: Option<bool>,
}

impl Locator {
    pub(super) fn new(config: resolve::Config, seed: [u64; 4]) -> Self {
        let mut octets = [0; 32];
        for (place, octet) in octets.iter_mut().zip(seed.map(u64::to_le_bytes).as_flattened()) {
            *place = *octet;
        }
        Self {
            resolver: Resolver::new(config, octets),
            is_searching: false,
            wants_register: false,
            until: None,
            news: None,
        }
    }
}

/// A request that waits for the next server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parked {
    transaction: ClientId,
    owner: Owner,
    /// Why it has to.
    failure: Failure,
    /// There is no next server.
    is_over: bool,
}

impl Agent<'_> {
    /// What is to be looked up next in the DNS, and for whose server: answer with
    /// [`Agent::handle_answer`] or [`Agent::handle_no_answer`]. Call it until it gives nothing, as
    /// the other polls.
    #[must_use]
    pub fn poll_query<'b>(
        &mut self,
        name: &'b mut [u8; MAX_NAME],
    ) -> Option<(AccountId, Query<'b>)> {
        let wants = |entry: &AccountEntry| {
            entry.locator.as_ref().is_some_and(|locator| locator.resolver.has_query())
        };
        let (index, _) = self.accounts.iter().find(|(_, entry)| wants(entry))?;
        let locator = self.accounts.get_mut(index)?.locator.as_mut()?;
        Some((AccountId(index), locator.resolver.poll_query(name)?))
    }

    /// The answer to a query: each record with its time to live in seconds. No records means that
    /// there are none.
    pub fn handle_answer<'a>(
        &mut self,
        now: Duration,
        account: AccountId,
        id: QueryId,
        records: impl IntoIterator<Item = (u32, Record<'a>)>,
    ) {
        self.now = now;
        let locator = self.accounts.get_mut(account.0).and_then(|entry| entry.locator.as_mut());
        if let Some(locator) = locator {
            locator.resolver.handle_answer(id, records);
            self.located(now, account.0);
        }
    }

    /// There was no answer to a query: the name server failed, or took too long.
    pub fn handle_no_answer(&mut self, now: Duration, account: AccountId, id: QueryId) {
        self.now = now;
        let locator = self.accounts.get_mut(account.0).and_then(|entry| entry.locator.as_mut());
        if let Some(locator) = locator {
            locator.resolver.handle_failure(id);
            self.located(now, account.0);
        }
    }

    /// Looks for the server of an account that was made with
    /// [`Account::located`](super::Account::located), as [`Agent::register`] does by itself: what
    /// comes of it is told as [`Event::Located`] or [`Event::NotLocated`].
    ///
    /// # Errors
    /// [`Error::Gone`] where there is no such account, [`Error::State`] where its server is not to
    /// be located, [`Error::Uri`] where there is nothing to look for.
    pub fn locate(&mut self, now: Duration, account: AccountId) -> Result<(), Error> {
        self.now = now;
        let entry = self.accounts.get(account.0).ok_or(Error::Gone)?;
        let kept = Message::parse(self.layer.arena().get(entry.pattern())).ok();
        let text = kept.as_ref().map(|kept| super::account::quoted(kept, b"Located"));
        let uri = Uri::parse(text.unwrap_or_default()).map_err(|_| Error::State)?;
        let entry = self.accounts.get_mut(account.0).ok_or(Error::Gone)?;
        let locator = entry.locator.as_mut().ok_or(Error::State)?;
        locator.resolver.resolve(&uri).map_err(|_| Error::Uri)?;
        locator.is_searching = true;
        self.located(now, account.0);
        Ok(())
    }

    /// Registers, where the server is known and may still be remembered; else looks for it first.
    pub(super) fn locate_or_register(&mut self, now: Duration, index: Index) -> Result<(), Error> {
        let entry = self.accounts.get_mut(index).ok_or(Error::Gone)?;
        let is_known = entry.server.is_some();
        let Some(locator) = entry.locator.as_mut() else {
            return self.send_register(now, index, false);
        };
        if is_known && locator.until.is_none_or(|until| now < until) {
            return self.send_register(now, index, false);
        }
        locator.wants_register = true;
        entry.registration = Registration::Asked;
        if locator.is_searching {
            return Ok(());
        }
        self.locate(now, AccountId(index)).inspect_err(|_| {
            if let Some(entry) = self.accounts.get_mut(index) {
                entry.registration = Registration::Idle;
            }
        })
    }

    /// A request was not answered, or with 503: where the server was located, the next one gets it.
    /// Says whether it is taken care of.
    pub(super) fn fail_over(
        &mut self,
        now: Duration,
        transaction: ClientId,
        owner: Owner,
        failure: Failure,
    ) -> bool {
        let may = match owner.what {
            What::Register => self.accounts.get(owner.account).is_some_and(|entry| {
                !matches!(entry.registration, Registration::Leaving | Registration::Idle)
            }),
            What::Publish | What::Single(_) => true,
            What::Invite(call) => self
                .calls
                .get(call)
                .is_some_and(|call| call.phase == Phase::Calling && !call.hang_up),
            What::Subscribe(index) => self
                .subscriptions
                .get(index)
                .is_some_and(|entry| entry.is_ours && entry.phase == subscription::Phase::Asked),
            _ => false,
        };
        let Some(path) = self.layer.client_path(transaction).filter(|_| may) else { return false };
        let Some(entry) = self.accounts.get_mut(owner.account) else { return false };
        let Some(locator) = entry.locator.as_mut() else { return false };
        let is_register = matches!(owner.what, What::Register);
        if is_register {
            locator.wants_register = true;
            self.layer.forget_request(transaction);
        } else {
            let Some(place) = self.parked.iter_mut().find(|place| place.is_none()) else {
                return false;
            };
            *place = Some(Parked { transaction, owner, failure, is_over: false });
        }
        if entry.server == Some(path) {
            // The others that wait on it will find out by themselves.
            entry.server = None;
            locator.is_searching = true;
            locator.resolver.try_next();
        }
        self.located(now, owner.account);
        true
    }

    /// What waited for the next server in vain has failed.
    pub(super) fn parked_note(&mut self) -> Option<Event<'static>> {
        loop {
            let is_over = |place: &&mut Option<Parked>| place.is_some_and(|parked| parked.is_over);
            let Parked { transaction, owner, failure, .. } =
                self.parked.iter_mut().find(is_over)?.take()?;
            let event = self.client_failed(transaction, owner, failure);
            self.layer.forget_request(transaction);
            if event.is_some() {
                return event;
            }
        }
    }

    /// Whether a server was found, or none, is told.
    pub(super) fn locator_note(&mut self, index: Index) -> Option<Event<'static>> {
        let entry = self.accounts.get_mut(index)?;
        let is_found = entry.locator.as_mut()?.news.take()?;
        let (account, server) = (AccountId(index), entry.server);
        // What came of its registration comes next.
        self.accounts.set_noted(index);
        Some(match server {
            Some(path) if is_found => Event::Located { account, path },
            _ => Event::NotLocated { account },
        })
    }

    /// An account is taken out: what waits for its server waits no more.
    pub(super) fn free_parked(&mut self, account: Index) {
        for parked in self.parked.iter_mut().flatten() {
            parked.is_over |= parked.owner.account == account;
        }
    }

    /// Looks whether a server was found, or is known already.
    fn located(&mut self, now: Duration, index: Index) {
        let Some(entry) = self.accounts.get_mut(index) else { return };
        let Some(locator) = entry.locator.as_mut() else { return };
        if locator.is_searching {
            match locator.resolver.poll_event() {
                Some(resolve::Event::Candidate(candidate)) => {
                    let ttl = Some(candidate.ttl_s).filter(|ttl| *ttl < u32::MAX);
                    locator.until =
                        ttl.map(|ttl| now.saturating_add(Duration::from_secs(ttl.into())));
                    locator.is_searching = false;
                    locator.news = Some(true);
                    entry.server = Some(candidate.path(0));
                }
                None if !locator.resolver.is_over() => return,
                _ => {
                    locator.is_searching = false;
                    locator.news = Some(false);
                }
            }
            self.accounts.set_noted(index);
        }
        let Some(entry) = self.accounts.get_mut(index) else { return };
        let Some(locator) = entry.locator.as_mut() else { return };
        let registers = core::mem::take(&mut locator.wants_register);
        match entry.server {
            Some(server) => {
                // A REGISTER goes first: the others may need what it brings.
                if registers && self.send_register(now, index, false).is_err() {
                    self.note_failed(index, Failure::NoRoom);
                }
                self.unpark(now, index, server);
            }
            None => {
                if registers {
                    self.note_failed(index, Failure::NoServer);
                }
                self.free_parked(index);
            }
        }
    }

    /// What waits for a server goes to this one.
    fn unpark(&mut self, now: Duration, account: Index, path: Path) {
        for place in 0..PARKED {
            let parked = self.parked.get(place).copied().flatten();
            let Some(parked) = parked.filter(|it| it.owner.account == account && !it.is_over)
            else {
                continue;
            };
            let elsewhere = Some(Elsewhere { uri: None, path });
            let (transaction, owner) = (parked.transaction, parked.owner);
            // The host may have hung up meanwhile.
            let is_wanted = match owner.what {
                What::Invite(call) => self.calls.get(call).is_some_and(|call| !call.hang_up),
                _ => true,
            };
            let why = Again::Elsewhere;
            let sent = is_wanted && self.resend_to(now, transaction, owner, why, elsewhere).is_ok();
            if sent {
                self.layer.forget_request(transaction);
            }
            if let Some(place) = self.parked.get_mut(place) {
                *place = (!sent).then_some(Parked { is_over: true, ..parked });
            }
        }
    }
}
