//! Requests that are sent again: with the credentials that a challenge asks for (RFC 3261 section
//! 22), or with the interval that a 423 asks for.

use core::time::Duration;

use super::account::AccountEntry;
use super::{Agent, Error, Owner, What};
use crate::auth;
use crate::header::{CSeq, ProxyAuthenticate, WwwAuthenticate};
use crate::message::{Message, Method, Name, StatusCode, Writer};
use crate::storage::{Block, Blocks, Index};
use crate::transaction::{ClientId, Tag};
use crate::transport::Path;

/// How often a request is sent with credentials: once, and once more if the nonce was stale.
pub(super) const TRIES: u8 = 2;

/// Whether a request can go to another place.
const MOVES: bool = cfg!(any(feature = "calling", feature = "failover"));

/// Why a request is sent again, and what is other in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// With credentials: for a proxy, or for the other side.
    Credentials { is_proxy: bool },
    /// For so many seconds (423).
    Expires(u32),
    /// With a session of so many seconds (422).
    Session(u32),
    /// As it is, but to another place.
    #[cfg(any(feature = "calling", feature = "failover"))]
    Elsewhere,
}

/// Where a request is sent that was sent before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Elsewhere<'a> {
    /// Its Request-URI, where that is another one: it is another request then, with another number.
    pub(super) uri: Option<&'a [u8]>,
    pub(super) path: Path,
}

impl Agent<'_> {
    /// Sends a request again with credentials. `false` where there are none to send.
    pub(super) fn answer_challenge(
        &mut self,
        now: Duration,
        transaction: ClientId,
        owner: Owner,
        message: &Message<'_>,
    ) -> Result<bool, Error> {
        let is_proxy = message.code() == Some(StatusCode::PROXY_AUTHENTICATION_REQUIRED);
        let challenge = if is_proxy {
            auth::strongest(message.all::<ProxyAuthenticate<'_>>().flatten().map(|one| one.0))
        } else {
            auth::strongest(message.all::<WwwAuthenticate<'_>>().flatten().map(|one| one.0))
        };
        let Some(challenge) = challenge else { return Ok(false) };
        let Some(entry) = self.accounts.get(owner.account) else { return Ok(false) };
        if owner.tried >= TRIES || (owner.tried > 0 && !challenge.stale) || !entry.has_password {
            return Ok(false);
        }
        let block = self.layer.arena_mut().write(|_, room| {
            let mut to = Writer::new(room);
            to.response(StatusCode::UNAUTHORIZED, None);
            challenge.write_row(Name::WwwAuthenticate, &mut to);
            to.finish()
        })?;
        let Some(entry) = self.accounts.get_mut(owner.account) else { return Ok(false) };
        let place = if is_proxy { &mut entry.proxy_challenge } else { &mut entry.challenge };
        let old = place.replace(block);
        if is_proxy {
            entry.proxy_count = 0;
        } else {
            entry.count = 0;
        }
        if let Some(old) = old {
            self.layer.arena_mut().free(old);
        }
        self.resend(now, transaction, owner, Again::Credentials { is_proxy })?;
        Ok(true)
    }

    /// Sends a request again, as a new one: with credentials, or with another Expires.
    pub(super) fn resend(
        &mut self,
        now: Duration,
        transaction: ClientId,
        owner: Owner,
        why: Again,
    ) -> Result<(), Error> {
        self.resend_to(now, transaction, owner, why, None)
    }

    /// The same to another place, where there is one.
    pub(super) fn resend_to(
        &mut self,
        now: Duration,
        transaction: ClientId,
        owner: Owner,
        why: Again,
        elsewhere: Option<Elsewhere<'_>>,
    ) -> Result<(), Error> {
        let (credentials, expires_s, session_s) = match why {
            Again::Credentials { is_proxy } => (Some(is_proxy), None, None),
            Again::Expires(seconds) => (None, Some(seconds), None),
            Again::Session(seconds) => (None, None, Some(seconds)),
            #[cfg(any(feature = "calling", feature = "failover"))]
            Again::Elsewhere => (None, None, None),
        };
        let is_same = MOVES && elsewhere.is_some_and(|elsewhere| elsewhere.uri.is_none());
        let cseq = if is_same { None } else { self.next_cseq(owner) };
        let old_path = self.layer.client_path(transaction).ok_or(Error::Gone)?;
        let cnonce = Tag::new(self.layer.random());
        // Another place asks for credentials of its own.
        let (path, keys, tried) = match elsewhere {
            Some(elsewhere) if MOVES => {
                (elsewhere.path, self.fitting_keys(owner.account, owner.what)?, 0)
            }
            _ => (old_path, self.keys(owner.account, credentials), owner.tried.saturating_add(1)),
        };
        let new_contact = MOVES && path.transport != old_path.transport;
        let sent_by = self.config.transactions.sent_by;
        let owner = Owner { tried, ..owner };
        let (accounts, index) = (&self.accounts, owner.account);
        let uri = elsewhere.and_then(|elsewhere| elsewhere.uri);
        let again = self.layer.retry_with(
            now,
            transaction,
            path,
            uri,
            owner,
            &mut |blocks, kept, mut to| {
                let mut has_via = false;
                for row in kept.headers() {
                    match row.name {
                        Name::Via if !has_via => has_via = true,
                        Name::ContentLength | Name::ContentType => {}
                        // What was answered by one of the two stays for the other.
                        Name::Authorization if credentials != Some(true) => {}
                        Name::ProxyAuthorization if credentials != Some(false) => {}
                        Name::Expires if expires_s.is_some() => {}
                        Name::SessionExpires | Name::MinSe if session_s.is_some() => {}
                        Name::Contact if MOVES && new_contact => {
                            if let Some(entry) = accounts.get(index) {
                                let view = entry.view(blocks);
                                let sent_by = sent_by.of(path.transport);
                                view.write_contact(&mut to, path.transport, sent_by);
                            }
                        }
                        Name::CSeq if !(MOVES && is_same) => {
                            let old = kept.typed::<CSeq<'_>>().and_then(Result::ok);
                            let number = cseq
                                .or(old.map(|old| old.number.saturating_add(1)))
                                .unwrap_or_default();
                            let method = kept.method().unwrap_or(Method::Other(b""));
                            to.header(&CSeq { number, method });
                        }
                        _ => to.row(&row),
                    }
                }
                if let Some(expires) = expires_s {
                    to.raw_number(Name::Expires, expires);
                }
                if let Some(seconds) = session_s {
                    to.raw_number(Name::SessionExpires, seconds);
                    to.raw_number(Name::MinSe, seconds);
                }
                if let Some(entry) = accounts.get(index) {
                    let uri = uri.filter(|_| MOVES).or(kept.uri()).unwrap_or_default();
                    let method = kept.method().unwrap_or(Method::Other(b""));
                    keys.write(blocks, entry, &mut to, method, uri, kept.body(), &cnonce);
                }
                match kept.row(Name::ContentType) {
                    Some(row) => to.body(row.value, kept.body()),
                    None => to.finish(),
                }
            },
        )?;
        #[cfg(feature = "offers")]
        if let What::Update(call) = owner.what
            && self.early_update_moved(call, again)
        {
            return Ok(());
        }
        self.moved(owner, again, expires_s);
        if elsewhere.is_some() {
            self.moved_to(owner, path);
        }
        Ok(())
    }

    /// A request has gone to another place: what it began goes on there.
    fn moved_to(&mut self, owner: Owner, path: Path) {
        match owner.what {
            What::Invite(call) => {
                if let Some(call) = self.calls.get_mut(call) {
                    call.path = path;
                }
            }
            What::Subscribe(index) => {
                if let Some(subscription) = self.subscriptions.get_mut(index) {
                    subscription.path = path;
                }
            }
            _ => {}
        }
    }

    /// The nonce counts for the next request of an account: for its registrar's challenge, its
    /// proxy's, or whichever it has.
    pub(super) fn keys(&mut self, account: Index, only_proxy: Option<bool>) -> Keys {
        let Some(entry) = self.accounts.get_mut(account) else { return Keys::default() };
        let mut keys = Keys::default();
        if entry.challenge.is_some() && only_proxy != Some(true) {
            entry.count = entry.count.saturating_add(1);
            keys.count = Some(entry.count);
        }
        if entry.proxy_challenge.is_some() && only_proxy != Some(false) {
            entry.proxy_count = entry.proxy_count.saturating_add(1);
            keys.proxy_count = Some(entry.proxy_count);
        }
        keys
    }
}

/// The nonce counts of one request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Keys {
    count: Option<u32>,
    proxy_count: Option<u32>,
}

impl Keys {
    /// Writes the credentials that the account has.
    #[expect(clippy::too_many_arguments, reason = "all of them go into the digest")]
    pub(super) fn write(
        &self,
        blocks: Blocks<'_>,
        entry: &AccountEntry,
        to: &mut Writer<'_>,
        method: Method<'_>,
        uri: &[u8],
        body: &[u8],
        cnonce: &Tag,
    ) {
        let view = entry.view(blocks);
        let account = auth::Account { user: view.user, password: view.password };
        let mut one = |name, block: Option<&Block>, count: Option<u32>| {
            let (Some(block), Some(count)) = (block, count) else { return };
            let Ok(kept) = Message::parse(blocks.get(block)) else { return };
            let all = kept.all::<WwwAuthenticate<'_>>().flatten().map(|one| one.0);
            let Some(challenge) = auth::strongest(all) else { return };
            let cnonce = cnonce.as_bytes();
            challenge
                .answer(&account, method.as_bytes(), uri, body, cnonce, count)
                .write_row(name, to);
        };
        one(Name::Authorization, entry.challenge.as_ref(), self.count);
        one(Name::ProxyAuthorization, entry.proxy_challenge.as_ref(), self.proxy_count);
    }
}
