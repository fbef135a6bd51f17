//! The server's side: reads what a client answers and checks it.

use super::{Algorithm, Hash, Hex, Inputs, Nonce, Qop, response};
use crate::error::{Fault, ParseError};
use crate::header::{Credentials, Scheme, Text};
use crate::message::{Name, Writer};

/// What a server knows of a user.
#[derive(Clone, Copy)]
pub enum Secret<'a> {
    /// The password.
    Password(&'a [u8]),
    /// [`Algorithm::ha1`] of user, realm and password, for the algorithm of the answer.
    Ha1(&'a Hex),
}

impl core::fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Secret<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Secret(..)");
    }
}

/// A client's answer to a Digest challenge (RFC 7616 section 3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Response<'d> {
    /// The user's name, or what stands for it ([`Response::userhash`]).
    pub user: Text<'d>,
    /// The realm of the challenge.
    pub realm: Text<'d>,
    /// The nonce of the challenge.
    pub nonce: &'d [u8],
    /// The URI that the answer covers; the server checks that it means the Request-URI.
    pub uri: &'d [u8],
    /// The hash, in hexadecimal digits.
    pub response: &'d [u8],
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The opaque value of the challenge.
    pub opaque: Option<Text<'d>>,
    /// The quality of protection; `None` for the form of RFC 2069.
    pub qop: Option<Qop>,
    /// Whether a hash stands in place of the user's name: [`Response::is_user`] tells whose, and only
    /// [`Secret::Ha1`] verifies it (RFC 7616 section 3.4.4).
    pub userhash: bool,
    /// The client's nonce.
    pub cnonce: Option<&'d [u8]>,
    /// How many requests were sent with this nonce, in the digits in which it stands.
    count: &'d [u8],
}

impl<'d> Response<'d> {
    /// Reads an answer. `None` where the scheme is not Digest, or algorithm or qop is unknown.
    ///
    /// # Errors
    /// [`Fault::ParameterMissing`], or [`Fault::Number`] where the nonce count is not eight
    /// hexadecimal digits.
    pub fn parse(credentials: &Credentials<'d>) -> Option<Result<Self, ParseError>> {
        if credentials.scheme != Scheme::Digest {
            return None;
        }
        let (mut user, mut realm, mut opaque) = (None, None, None);
        let (mut nonce, mut uri, mut response) = (None, None, None);
        let (mut cnonce, mut count) = (None, None);
        let mut algorithm = Some(Algorithm::Md5);
        let mut qop = Some(None);
        let mut userhash = false;
        for param in credentials.params() {
            let Some(value) = param.value else { continue };
            if param.is(b"username") {
                user = Some(value);
            } else if param.is(b"realm") {
                realm = Some(value);
            } else if param.is(b"opaque") {
                opaque = Some(value);
            } else if param.is(b"nonce") {
                nonce = Some(value.raw());
            } else if param.is(b"uri") {
                uri = Some(value.raw());
            } else if param.is(b"response") {
                response = Some(value.raw());
            } else if param.is(b"userhash") {
                userhash = value.raw().eq_ignore_ascii_case(b"true");
            } else if param.is(b"cnonce") {
                cnonce = Some(value.raw());
            } else if param.is(b"nc") {
                count = Some(value.raw());
            } else if param.is(b"algorithm") {
                algorithm = Algorithm::parse(value.raw());
            } else if param.is(b"qop") {
                qop = match value.raw() {
                    name if name.eq_ignore_ascii_case(b"auth") => Some(Some(Qop::Auth)),
                    name if name.eq_ignore_ascii_case(b"auth-int") => Some(Some(Qop::AuthInt)),
                    _ => None,
                };
            }
        }
        let (algorithm, qop) = (algorithm?, qop?);
        let missing = Some(Err(ParseError::new(Fault::ParameterMissing, 0)));
        let (Some(user), Some(realm), Some(nonce), Some(uri), Some(response)) =
            (user, realm, nonce, uri, response)
        else {
            return missing;
        };
        if (qop.is_some() && count.is_none())
            || ((qop.is_some() || algorithm.is_session()) && cnonce.is_none())
        {
            return missing;
        }
        let count = count.unwrap_or_default();
        if qop.is_some() && (count.len() != 8 || !count.iter().all(u8::is_ascii_hexdigit)) {
            return Some(Err(ParseError::new(Fault::Number, 0)));
        }
        Some(Ok(Self {
            user,
            realm,
            nonce,
            uri,
            response,
            algorithm,
            opaque,
            qop,
            userhash,
            cnonce,
            count,
        }))
    }

    /// How many requests were sent with this nonce, this one included; 0 in the form of RFC 2069.
    pub fn count(&self) -> u32 {
        self.count.iter().fold(0, |count, digit| count << 4 | u32::from(crate::uri::hex(*digit)))
    }

    /// Whether the answer was made with this secret, for this method and body.
    ///
    /// The comparison takes as long whether it is or not. That the nonce is the server's own and
    /// fresh, the realm its realm, the URI the Request-URI, and the count new, are checks of
    /// their own.
    pub fn verify(&self, secret: Secret<'_>, method: &[u8], body: &[u8]) -> bool {
        self.expected(secret, method, body).matches(self.response)
    }

    /// The parameter `rspauth` of Authentication-Info, with which the server shows that it knows
    /// the secret too (RFC 7616 section 3.5). `body` is that of the response.
    pub fn rspauth(&self, secret: Secret<'_>, body: &[u8]) -> Hex {
        self.expected(secret, b"", body)
    }

    /// Whether the answer is this user's, be the name hashed or not.
    pub fn is_user(&self, name: &[u8]) -> bool {
        if !self.userhash {
            return self.user == *name;
        }
        let hash = Hash::of_user(self.algorithm, &Text::quoted(name), &self.realm);
        hash.matches(self.user.raw())
    }

    /// Writes what the response to a request with this answer says of it, as a row:
    /// [`Name::AuthenticationInfo`] or [`Name::ProxyAuthenticationInfo`] (RFC 7616 section 3.5,
    /// RFC 7615). `body` is that of the response, and `next` the nonce for the requests to come.
    pub fn write_info(
        &self,
        name: Name<'_>,
        secret: Secret<'_>,
        body: &[u8],
        next: Option<&Nonce>,
        to: &mut Writer<'_>,
    ) {
        if next.is_none() && self.qop.is_none() {
            return;
        }
        to.name(name);
        if let Some(next) = next {
            to.fixed(b"nextnonce=\"");
            to.fixed(next.as_bytes());
            to.fixed(b"\"");
        }
        if let Some(qop) = self.qop {
            if next.is_some() {
                to.fixed(b", ");
            }
            to.fixed(b"qop=");
            to.fixed(qop.name());
            to.fixed(b", rspauth=\"");
            to.fixed(self.rspauth(secret, body).as_bytes());
            to.fixed(b"\", cnonce=\"");
            to.text(self.cnonce.unwrap_or_default());
            to.fixed(b"\", nc=");
            to.text(self.count);
        }
        to.end_row();
    }

    fn expected(&self, secret: Secret<'_>, method: &[u8], body: &[u8]) -> Hex {
        let computed;
        let ha1 = match secret {
            Secret::Ha1(ha1) => ha1,
            Secret::Password(password) => {
                computed = Hash::ha1(self.algorithm, &self.user, &self.realm, password);
                &computed
            }
        };
        response(
            ha1,
            &Inputs {
                algorithm: self.algorithm,
                nonce: self.nonce,
                client: Some((self.cnonce.unwrap_or_default(), self.count)),
                qop: self.qop,
                method,
                uri: self.uri,
                body,
            },
        )
    }
}
