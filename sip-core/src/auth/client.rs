//! The client's side: reads challenges and answers one. And a challenge as the server writes it.

use super::{Algorithm, Hash, Hex, Info, Inputs, Qop, count_digits, response};
use crate::error::{Fault, ParseError};
use crate::header::{Credentials, Scheme, Text};
use crate::message::{Name, Writer};

/// The qualities of protection that a challenge offers (RFC 7616 section 3.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Qops {
    /// `auth`.
    pub auth: bool,
    /// `auth-int`.
    pub auth_int: bool,
}

/// A Digest challenge (RFC 7616 section 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Challenge<'d> {
    /// What the password is for, shown to the user.
    pub realm: Text<'d>,
    /// The server's nonce.
    pub nonce: Text<'d>,
    /// To be sent back as it is.
    pub opaque: Option<Text<'d>>,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// What is offered; `None` where the challenge has no qop, as in RFC 2069.
    pub qop: Option<Qops>,
    /// Whether only the nonce was too old: the password is right, try again without asking.
    pub stale: bool,
    /// Whether the answer may hide the user's name ([`Answer::with_hashed_user`]).
    pub userhash: bool,
}

impl<'d> Challenge<'d> {
    /// A challenge of a server, with qop `auth`.
    pub const fn new(realm: &'d [u8], nonce: &'d [u8], algorithm: Algorithm) -> Self {
        Self {
            realm: Text::quoted(realm),
            nonce: Text::quoted(nonce),
            opaque: None,
            algorithm,
            qop: Some(Qops { auth: true, auth_int: false }),
            stale: false,
            userhash: false,
        }
    }

    /// The same, saying that the nonce was too old.
    pub const fn with_stale(mut self, stale: bool) -> Self {
        self.stale = stale;
        self
    }

    /// The same with another nonce, as the parameter `nextnonce` of an answer gives it: the count of
    /// requests begins at 1 again (RFC 7616 section 3.5).
    pub const fn with_nonce(mut self, nonce: Text<'d>) -> Self {
        self.nonce = nonce;
        self.stale = false;
        self
    }

    /// Reads a challenge. `None` where the scheme is not Digest, or the algorithm or every qop is
    /// unknown: such a challenge is to be passed over (RFC 7616 section 3.7).
    ///
    /// # Errors
    /// [`Fault::ParameterMissing`] where realm or nonce is missing.
    pub fn parse(credentials: &Credentials<'d>) -> Option<Result<Self, ParseError>> {
        if credentials.scheme != Scheme::Digest {
            return None;
        }
        let (mut realm, mut nonce, mut opaque) = (None, None, None);
        let mut algorithm = Some(Algorithm::Md5);
        let mut qop = None;
        let (mut stale, mut userhash) = (false, false);
        for param in credentials.params() {
            let Some(value) = param.value else { continue };
            if param.is(b"realm") {
                realm = Some(value);
            } else if param.is(b"nonce") {
                nonce = Some(value);
            } else if param.is(b"opaque") {
                opaque = Some(value);
            } else if param.is(b"algorithm") {
                algorithm = Algorithm::parse(value.raw());
            } else if param.is(b"qop") {
                let mut offered = Qops::default();
                for name in value.raw().split(|octet| matches!(octet, b',' | b' ' | b'\t')) {
                    offered.auth |= name.eq_ignore_ascii_case(b"auth");
                    offered.auth_int |= name.eq_ignore_ascii_case(b"auth-int");
                }
                qop = Some(offered);
            } else if param.is(b"stale") {
                stale = value.raw().eq_ignore_ascii_case(b"true");
            } else if param.is(b"userhash") {
                userhash = value.raw().eq_ignore_ascii_case(b"true");
            }
        }
        let algorithm = algorithm?;
        if qop == Some(Qops::default()) {
            return None;
        }
        let (Some(realm), Some(nonce)) = (realm, nonce) else {
            return Some(Err(ParseError::new(Fault::ParameterMissing, 0)));
        };
        Some(Ok(Self { realm, nonce, opaque, algorithm, qop, stale, userhash }))
    }

    /// Answers the challenge for one request.
    ///
    /// `count` says how many requests were sent with this nonce, this one included (from 1), and
    /// `cnonce` is a fresh token of the client's choice. Both matter only where there is a qop or
    /// a `-sess` algorithm.
    pub fn answer(
        &self,
        account: &Account<'d>,
        method: &[u8],
        uri: &'d [u8],
        body: &[u8],
        cnonce: &'d [u8],
        count: u32,
    ) -> Answer<'d> {
        let qop = self.qop.map(|offered| if offered.auth { Qop::Auth } else { Qop::AuthInt });
        let mut answer = Answer {
            challenge: *self,
            user: account.user,
            hidden: None,
            uri,
            cnonce,
            count,
            qop,
            response: Hex::empty(),
        };
        answer.response = answer.hash(account, method, body);
        answer
    }

    /// Writes the challenge as a row: [`Name::WwwAuthenticate`] or [`Name::ProxyAuthenticate`].
    pub fn write_row(&self, name: Name<'_>, to: &mut Writer<'_>) {
        to.name(name);
        to.fixed(b"Digest realm=");
        self.realm.write(to);
        to.fixed(b", nonce=");
        self.nonce.write(to);
        if let Some(opaque) = &self.opaque {
            to.fixed(b", opaque=");
            opaque.write(to);
        }
        if self.stale {
            to.fixed(b", stale=TRUE");
        }
        to.fixed(b", algorithm=");
        to.fixed(self.algorithm.name());
        match self.qop {
            None => {}
            Some(Qops { auth_int: false, .. }) => to.fixed(b", qop=\"auth\""),
            Some(Qops { auth: false, .. }) => to.fixed(b", qop=\"auth-int\""),
            Some(_) => to.fixed(b", qop=\"auth,auth-int\""),
        }
        if self.userhash {
            to.fixed(b", userhash=true");
        }
        to.end_row();
    }
}

/// The strongest of these challenges that can be answered; of equals, the first.
///
/// A registrar that knows SHA-256 sends an MD5 challenge beside it for older clients (RFC 8760
/// section 2.4).
pub fn strongest<'d>(
    challenges: impl IntoIterator<Item = Credentials<'d>>,
) -> Option<Challenge<'d>> {
    let mut best: Option<Challenge<'d>> = None;
    for challenge in challenges {
        if let Some(Ok(challenge)) = Challenge::parse(&challenge)
            && best.is_none_or(|best| best.algorithm < challenge.algorithm)
        {
            best = Some(challenge);
        }
    }
    best
}

/// Who answers a challenge. The host keeps the octets, and wipes them when it is done.
#[derive(Clone, Copy)]
pub struct Account<'a> {
    /// The user's name.
    pub user: &'a [u8],
    /// The password.
    pub password: &'a [u8],
}

impl core::fmt::Debug for Account<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Account {{ user: {}, .. }}", self.user.escape_ascii())
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Account<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Account({=[u8]:a}, ..)", self.user);
    }
}

/// The answer to a challenge, ready to be written (RFC 7616 section 3.4).
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Answer<'d> {
    challenge: Challenge<'d>,
    user: &'d [u8],
    /// What stands for the user's name.
    hidden: Option<Hex>,
    uri: &'d [u8],
    cnonce: &'d [u8],
    count: u32,
    qop: Option<Qop>,
    response: Hex,
}

impl Answer<'_> {
    /// The same with a hash in place of the user's name, for a challenge that allows it
    /// ([`Challenge::userhash`], RFC 7616 section 3.4.4).
    pub fn with_hashed_user(mut self) -> Self {
        let (user, realm) = (Text::quoted(self.user), &self.challenge.realm);
        self.hidden = Some(Hash::of_user(self.challenge.algorithm, &user, realm));
        self
    }

    /// Whether the server has shown that it knows the password too: `info` came with the response to
    /// the request that this answer stood in, and `body` is that response's (RFC 7616 section 3.5).
    /// False where it says nothing of that.
    ///
    /// The comparison takes as long whether it is or not.
    pub fn verify(&self, info: &Info<'_>, account: &Account<'_>, body: &[u8]) -> bool {
        let Some(rspauth) = info.rspauth else { return false };
        let same_request = self.qop.is_some()
            && info.qop == self.qop
            && info.cnonce == Some(self.cnonce)
            && info.count() == Some(self.count);
        same_request && self.hash(account, b"", body).matches(rspauth)
    }

    fn hash(&self, account: &Account<'_>, method: &[u8], body: &[u8]) -> Hex {
        let Challenge { algorithm, realm, nonce, .. } = &self.challenge;
        let ha1 = Hash::ha1(*algorithm, &Text::quoted(account.user), realm, account.password);
        response(
            &ha1,
            &Inputs {
                algorithm: *algorithm,
                nonce: nonce.raw(),
                client: Some((self.cnonce, &count_digits(self.count))),
                qop: self.qop,
                method,
                uri: self.uri,
                body,
            },
        )
    }

    /// Writes the answer as a row: [`Name::Authorization`] for a 401,
    /// [`Name::ProxyAuthorization`] for a 407.
    pub fn write_row(&self, name: Name<'_>, to: &mut Writer<'_>) {
        to.name(name);
        to.fixed(b"Digest username=");
        let hidden = self.hidden.as_ref().map(Hex::as_bytes);
        Text::quoted(hidden.unwrap_or(self.user)).write(to);
        to.fixed(b", realm=");
        self.challenge.realm.write(to);
        to.fixed(b", nonce=");
        self.challenge.nonce.write(to);
        to.fixed(b", uri=");
        Text::quoted(self.uri).write(to);
        to.fixed(b", response=\"");
        to.fixed(self.response.as_bytes());
        to.fixed(b"\", algorithm=");
        to.fixed(self.challenge.algorithm.name());
        if self.qop.is_some() || self.challenge.algorithm.is_session() {
            to.fixed(b", cnonce=");
            Text::quoted(self.cnonce).write(to);
        }
        if let Some(opaque) = &self.challenge.opaque {
            to.fixed(b", opaque=");
            opaque.write(to);
        }
        if let Some(qop) = self.qop {
            to.fixed(b", qop=");
            to.fixed(qop.name());
            to.fixed(b", nc=");
            to.fixed(&count_digits(self.count));
        }
        if hidden.is_some() {
            to.fixed(b", userhash=true");
        }
        to.end_row();
    }

    /// The response itself, 32 or 64 hexadecimal digits.
    pub fn response(&self) -> &[u8] {
        self.response.as_bytes()
    }
}
