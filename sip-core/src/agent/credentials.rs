//! Requests that are sent again: with the credentials that a challenge asks for (RFC 3261 section
//! 22), or with the interval that a 423 asks for.

use core::time::Duration;

use super::account::AccountEntry;
use super::{Agent, Error, Owner};
use crate::auth;
use crate::header::{CSeq, ProxyAuthenticate, WwwAuthenticate};
use crate::message::{Message, Method, Name, StatusCode, Writer};
use crate::storage::{Block, Blocks, Index};
use crate::transaction::{ClientId, Tag};

/// How often a request is sent with credentials: once, and once more if the nonce was stale.
pub(super) const TRIES: u8 = 2;

/// Why a request is sent again, and what is other in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// With credentials: for a proxy, or for the other side.
    Credentials { is_proxy: bool },
    /// For so many seconds (423).
    Expires(u32),
    /// With a session of so many seconds (422).
    Session(u32),
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
        let (credentials, expires_s, session_s) = match why {
            Again::Credentials { is_proxy } => (Some(is_proxy), None, None),
            Again::Expires(seconds) => (None, Some(seconds), None),
            Again::Session(seconds) => (None, None, Some(seconds)),
        };
        let cseq = self.next_cseq(owner);
        let path = self.layer.client_path(transaction).ok_or(Error::Gone)?;
        let cnonce = Tag::new(self.layer.random());
        let keys = self.keys(owner.account, credentials);
        let tried = owner.tried.saturating_add(1);
        let owner = Owner { tried, ..owner };
        let (accounts, index) = (&self.accounts, owner.account);
        let again = self.layer.retry_with(
            now,
            transaction,
            path,
            None,
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
                        Name::CSeq => {
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
                    let uri = kept.uri().unwrap_or_default();
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
        if let super::What::Update(call) = owner.what
            && self.early_update_moved(call, again)
        {
            return Ok(());
        }
        self.moved(owner, again, expires_s);
        Ok(())
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
