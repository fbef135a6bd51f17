//! Who is who: challenges and the digests that answer them (RFC 3261 section 22, RFC 7616, RFC 8760).

use core::time::Duration;

use super::Config;
use super::refusal::{Refusal, With};
use super::serve::from_user;
use super::user::User;
use crate::auth::{Algorithm, Challenge, Freshness, Hex, Nonces, ReplayWindow, Response, Secret};
use crate::header::{Authorization, Credentials, ProxyAuthorization};
use crate::message::{Message, Name, StatusCode, Writer};
use crate::storage::Table;
use crate::uri::Uri;

/// What the host keeps of a user's password: [`Algorithm::ha1`] of the user's name, the domain and the
/// password. A user without a hash for an algorithm cannot use it.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ha1 {
    /// For [`Algorithm::Md5`].
    pub md5: Option<Hex>,
    /// For [`Algorithm::Sha256`].
    pub sha256: Option<Hex>,
    /// For SHA-512-256, which the feature `sha512` brings.
    pub sha512_256: Option<Hex>,
}

/// The users of the domain, as the host knows them.
pub trait Users {
    /// The hashes of this user's password; nothing where there is no such user. Names are compared octet
    /// by octet.
    fn ha1(&self, user: &[u8]) -> Option<Ha1>;
}

/// A user in a table.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Account<'a> {
    /// The name.
    pub name: &'a [u8],
    /// The hashes of the password.
    pub ha1: Ha1,
}

/// A table of users; it is searched from its beginning.
impl Users for &[Account<'_>] {
    fn ha1(&self, user: &[u8]) -> Option<Ha1> {
        self.iter().find(|account| account.name == user).map(|account| account.ha1.clone())
    }
}

/// What a server keeps of a nonce that somebody has used.
#[derive(Debug)]
pub(super) struct NonceEntry {
    salt: u64,
    counts: ReplayWindow,
}

/// A sender who has shown that he knows the password.
#[derive(Debug)]
pub(super) struct Proof<'d> {
    response: Response<'d>,
    ha1: Hex,
    /// Whether half of the nonce's life is over.
    is_aging: bool,
}

/// Challenges, and checks what comes back.
#[derive(Debug)]
pub(super) struct Gate<'s, U> {
    users: U,
    nonces: Nonces,
    /// Tells apart the nonces of one millisecond, and counts them.
    salt: u64,
    /// The nonces that were used, and with which counts: only who knows a password gets in here.
    used: Table<'s, NonceEntry>,
    /// Up to this salt, nonces that are not in the table may have been pushed out of it.
    forgotten: u64,
    /// Who has sent what is handed in, where the host knows.
    pub(super) proven: Option<User>,
}

impl<'s, U> Gate<'s, U> {
    pub(super) fn new(
        users: U,
        config: &Config<'_>,
        used: Table<'s, NonceEntry>,
        seed: [u8; 32],
    ) -> Self {
        // The seed itself goes to other places; who knows a nonce must not learn anything of it.
        let mut key = seed;
        for (place, octet) in key.iter_mut().zip(b"nonces of the server role, HMAC ") {
            *place ^= octet;
        }
        let nonces = Nonces::new(key, config.nonce_lifetime);
        Self { users, nonces, salt: 0, used, forgotten: 0, proven: None }
    }

    /// Writes the challenges, the preferred one first.
    pub(super) fn write_challenges(
        &mut self,
        now: Duration,
        config: &Config<'_>,
        name: Name<'_>,
        stale: bool,
        to: &mut Writer<'_>,
    ) {
        self.salt = self.salt.wrapping_add(1);
        let nonce = self.nonces.make(now, self.salt);
        for algorithm in config.algorithms {
            let challenge = Challenge::new(config.domain.as_bytes(), nonce.as_bytes(), *algorithm);
            challenge.with_stale(stale).write_row(name, to);
        }
    }

    /// Writes Authentication-Info for a response without a body: that this server knows the password
    /// too, and a new nonce before the old one is too old (RFC 7616 section 3.5).
    pub(super) fn write_info(&mut self, now: Duration, proof: &Proof<'_>, to: &mut Writer<'_>) {
        let next = proof.is_aging.then(|| {
            self.salt = self.salt.wrapping_add(1);
            self.nonces.make(now, self.salt)
        });
        let secret = Secret::Ha1(&proof.ha1);
        proof.response.write_info(Name::AuthenticationInfo, secret, b"", next.as_ref(), to);
    }

    /// Whether this count of a nonce is new (RFC 7616 section 3.4). Where there is no room to know,
    /// it is not: the sender gets a new nonce, and no request is served twice.
    fn is_new(&mut self, now: Duration, lifetime: Duration, salt: u64, count: u32) -> bool {
        let hash = self.used.hash(&[&salt.to_be_bytes()]);
        if let Some(index) = self.used.find(hash, |entry| entry.salt == salt) {
            return self.used.get_mut(index).is_some_and(|entry| entry.counts.accept(count));
        }
        let mut counts = ReplayWindow::new();
        if salt <= self.forgotten || !counts.accept(count) {
            return false;
        }
        // By then the nonce itself is too old.
        while let Some(index) = self.used.pop_due(now) {
            self.used.remove(index);
        }
        let mut entry = NonceEntry { salt, counts };
        loop {
            match self.used.insert(hash, entry) {
                Ok(index) => {
                    // One more millisecond: at its last moment the nonce is still good.
                    let end = now.saturating_add(lifetime + Duration::from_millis(1));
                    self.used.set_deadline(index, Some(end));
                    return true;
                }
                Err((back, _)) => entry = back,
            }
            let Some(oldest) = self.used.pop_due(Duration::MAX) else { return false };
            if let Some(gone) = self.used.remove(oldest) {
                self.forgotten = self.forgotten.max(gone.salt);
            }
        }
    }
}

impl<U: Users> Gate<'_, U> {
    /// Whether there is such a user.
    pub(super) fn knows(&self, user: &User) -> bool {
        self.users.ha1(user.as_bytes()).is_some()
    }

    /// A REGISTER for `user`: its sender must be that user (RFC 3261 section 10.3 steps 3 and 4). There
    /// is no proof where the host knows the sender.
    pub(super) fn check_register<'d>(
        &mut self,
        now: Duration,
        config: &Config<'_>,
        message: &Message<'d>,
        user: &User,
    ) -> Result<Option<Proof<'d>>, Refusal> {
        if let Some(done) = self.check_proven(user) {
            return done.map(|()| None);
        }
        let challenge =
            |stale| Refusal::new(StatusCode::UNAUTHORIZED).with(With::Challenge { stale });
        let mut all = message.all::<Authorization<'_>>().flatten().map(|row| row.0);
        self.check(now, config, message, user, &mut all, challenge).map(Some)
    }

    /// Any other request: its sender must be the user of the domain that From names (RFC 3261 section
    /// 22.3).
    pub(super) fn check_request(
        &mut self,
        now: Duration,
        config: &Config<'_>,
        message: &Message<'_>,
    ) -> Result<(), Refusal> {
        let Some(user) = from_user(message, config) else {
            return Err(Refusal::new(StatusCode::FORBIDDEN).because("Not a User of This Domain"));
        };
        if let Some(done) = self.check_proven(&user) {
            return done;
        }
        let challenge = |stale| {
            Refusal::new(StatusCode::PROXY_AUTHENTICATION_REQUIRED)
                .with(With::ProxyChallenge { stale })
        };
        let mut all = message.all::<ProxyAuthorization<'_>>().flatten().map(|row| row.0);
        self.check(now, config, message, &user, &mut all, challenge).map(|_| ())
    }

    /// Where the host knows the sender: whether it is this user.
    fn check_proven(&self, user: &User) -> Option<Result<(), Refusal>> {
        self.proven.map(|proven| match proven == *user {
            true => Ok(()),
            false => Err(Refusal::new(StatusCode::FORBIDDEN).because("Not Your Name")),
        })
    }

    fn check<'d>(
        &mut self,
        now: Duration,
        config: &Config<'_>,
        message: &Message<'d>,
        user: &User,
        all: &mut dyn Iterator<Item = Credentials<'d>>,
        challenge: impl Fn(bool) -> Refusal,
    ) -> Result<Proof<'d>, Refusal> {
        let realm = config.domain.as_bytes();
        let ours = all.filter_map(|credentials| Response::parse(&credentials)).find(|response| {
            match response {
                Ok(response) => response.realm.octets().eq(realm.iter().copied()),
                Err(_) => true,
            }
        });
        let response = match ours {
            None => return Err(challenge(false)),
            Some(Err(_)) => return Err(Refusal::bad("Malformed Credentials")),
            Some(Ok(response)) => response,
        };
        if !is_for_us(config, response.uri, message.uri().unwrap_or_default()) {
            return Err(Refusal::bad("Credentials for Another URI"));
        }
        let freshness = self.nonces.check(now, response.nonce);
        if freshness == Freshness::Foreign || !config.algorithms.contains(&response.algorithm) {
            return Err(challenge(false));
        }
        // The name as it was signed, which is not always the name that is claimed.
        let mut name = [0; super::MAX_USER];
        let name = match response.user.as_slice() {
            Some(name) => name,
            None => response.user.copy_to(&mut name).map_err(|_| challenge(false))?,
        };
        let ha1 = self.users.ha1(name).ok_or(challenge(false))?;
        let hash = match response.algorithm {
            Algorithm::Md5 | Algorithm::Md5Sess => ha1.md5,
            Algorithm::Sha256 | Algorithm::Sha256Sess => ha1.sha256,
            #[cfg(feature = "sha512")]
            Algorithm::Sha512_256 | Algorithm::Sha512_256Sess => ha1.sha512_256,
        };
        let hash = hash.ok_or(challenge(false))?;
        let method = message.method().map_or(&b""[..], |method| method.as_bytes());
        if !response.verify(Secret::Ha1(&hash), method, message.body()) {
            return Err(challenge(false));
        }
        let Freshness::Fresh { salt, age } = freshness else { return Err(challenge(true)) };
        // Without a qop there is no count: such a nonce is good for one request.
        let count = if response.qop.is_some() { response.count() } else { 1 };
        if !self.is_new(now, config.nonce_lifetime, salt, count) {
            return Err(challenge(true));
        }
        if name != user.as_bytes() {
            return Err(Refusal::new(StatusCode::FORBIDDEN).because("Not Your Name"));
        }
        Ok(Proof { response, ha1: hash, is_aging: age > config.nonce_lifetime / 2 })
    }
}

/// Whether a request answers a challenge.
pub(super) fn has_credentials(message: &Message<'_>) -> bool {
    [Name::Authorization, Name::ProxyAuthorization]
        .into_iter()
        .any(|name| message.row(name).is_some())
}

/// Whether the digest was made for this request's URI (RFC 7616 section 3.4.6), or for the server: some
/// clients sign the address that they send to.
fn is_for_us(config: &Config<'_>, signed: &[u8], uri: &[u8]) -> bool {
    if signed == uri {
        return true;
    }
    let Ok(signed) = Uri::parse(signed) else { return false };
    Uri::parse(uri).is_ok_and(|uri| signed.same(&uri))
        || (signed.user().is_none() && config.is_own(&signed))
}
