//! Digest authentication (RFC 3261 section 22, RFC 7616, RFC 8760).
//!
//! ```text
//! client                                          server
//!   | REGISTER                                       |
//!   |----------------------------------------------->|  Nonces::make
//!   |        401, WWW-Authenticate: Challenge (s)    |  Challenge::write_row
//!   |<-----------------------------------------------|
//!   | strongest, Challenge::answer                   |
//!   | REGISTER, Authorization: Answer                |  Response::parse, Nonces::check,
//!   |----------------------------------------------->|  Response::verify, ReplayWindow::accept
//!   |        200, Authentication-Info: Info          |  Response::write_info
//!   |<-----------------------------------------------|
//!   | Answer::verify, Challenge::with_nonce          |
//! ```
//!
//! MD5 and SHA-256, with the feature `sha512` SHA-512-256, and their `-sess` forms, with qop `auth`,
//! `auth-int` or none (the form of RFC 2069); hashed user names. Hashes of secrets are wiped when they are dropped, and compared in constant time.

mod client;
mod info;
mod nonce;
mod server;
#[cfg(test)]
mod tests;

pub use client::{Account, Answer, Challenge, Qops, strongest};
pub use info::Info;
pub use nonce::{Freshness, Nonce, Nonces, ReplayWindow};
pub use server::{Response, Secret};

use md5::Md5;
#[cfg(feature = "sha512")]
use sha2::Sha512_256;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize;

use crate::header::Text;

/// A hash and how the key comes of it (RFC 7616 section 3.4.2, RFC 8760 section 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Algorithm {
    /// `MD5`; what a challenge without algorithm means.
    Md5,
    /// `MD5-sess`.
    Md5Sess,
    /// `SHA-256`.
    Sha256,
    /// `SHA-256-sess`.
    Sha256Sess,
    /// `SHA-512-256`.
    #[cfg(feature = "sha512")]
    Sha512_256,
    /// `SHA-512-256-sess`.
    #[cfg(feature = "sha512")]
    Sha512_256Sess,
}

impl Algorithm {
    /// Every algorithm here, from the weakest to the strongest.
    #[cfg(feature = "sha512")]
    pub const ALL: [Self; 6] = [
        Self::Md5,
        Self::Md5Sess,
        Self::Sha256,
        Self::Sha256Sess,
        Self::Sha512_256,
        Self::Sha512_256Sess,
    ];

    /// Every algorithm here, from the weakest to the strongest.
    #[cfg(not(feature = "sha512"))]
    pub const ALL: [Self; 4] = [Self::Md5, Self::Md5Sess, Self::Sha256, Self::Sha256Sess];

    /// The algorithm of this name; compared without case.
    pub fn parse(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(name))
    }

    /// The name as it stands in the parameter `algorithm`.
    pub const fn name(self) -> &'static [u8] {
        match self {
            Self::Md5 => b"MD5",
            Self::Md5Sess => b"MD5-sess",
            Self::Sha256 => b"SHA-256",
            Self::Sha256Sess => b"SHA-256-sess",
            #[cfg(feature = "sha512")]
            Self::Sha512_256 => b"SHA-512-256",
            #[cfg(feature = "sha512")]
            Self::Sha512_256Sess => b"SHA-512-256-sess",
        }
    }

    /// Whether the key depends on the first nonces of the session.
    pub const fn is_session(self) -> bool {
        match self {
            Self::Md5 | Self::Sha256 => false,
            Self::Md5Sess | Self::Sha256Sess => true,
            #[cfg(feature = "sha512")]
            Self::Sha512_256 => false,
            #[cfg(feature = "sha512")]
            Self::Sha512_256Sess => true,
        }
    }

    /// The hash of the user's name, realm and password, as a server may keep it instead of the
    /// password (RFC 7616 section 3.4.2, the `A1` that is no session's).
    pub fn ha1(self, user: &[u8], realm: &[u8], password: &[u8]) -> Hex {
        let mut hash = Hash::new(self);
        hash.update(user);
        hash.update(b":");
        hash.update(realm);
        hash.update(b":");
        hash.update(password);
        hash.finish()
    }
}

/// The quality of protection (RFC 7616 section 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Qop {
    /// `auth`: method and URI are covered.
    Auth,
    /// `auth-int`: and the body.
    AuthInt,
}

impl Qop {
    /// The token as it stands.
    pub const fn name(self) -> &'static [u8] {
        match self {
            Self::Auth => b"auth",
            Self::AuthInt => b"auth-int",
        }
    }
}

/// A hash in lower-case hexadecimal digits. It is wiped when dropped, shown to no one, and
/// compared in constant time.
#[derive(Clone)]
pub struct Hex {
    digits: [u8; 64],
    length: usize,
}

impl Hex {
    fn of(octets: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [0; 64];
        for ([high, low], octet) in digits.as_chunks_mut().0.iter_mut().zip(octets) {
            *high = DIGITS.get(usize::from(octet >> 4)).copied().unwrap_or_default();
            *low = DIGITS.get(usize::from(octet & 15)).copied().unwrap_or_default();
        }
        Self { digits, length: octets.len().min(32) * 2 }
    }

    const fn empty() -> Self {
        Self { digits: [0; 64], length: 0 }
    }

    /// The digits of a hash that was kept; `None` where they are not 32 or 64.
    pub fn from_digits(text: &[u8]) -> Option<Self> {
        if !matches!(text.len(), 32 | 64) || !text.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let mut digits = [0; 64];
        for (digit, octet) in digits.iter_mut().zip(text) {
            *digit = octet.to_ascii_lowercase();
        }
        Some(Self { digits, length: text.len() })
    }

    /// The digits.
    pub fn as_bytes(&self) -> &[u8] {
        self.digits.get(..self.length).unwrap_or_default()
    }

    /// Whether these digits are the same; takes as long whether they are or not.
    pub fn matches(&self, digits: &[u8]) -> bool {
        let Some(other) = Self::from_digits(digits) else { return false };
        self.length == other.length && bool::from(self.digits.ct_eq(&other.digits))
    }
}

impl Drop for Hex {
    fn drop(&mut self) {
        self.digits.zeroize();
    }
}

impl core::fmt::Debug for Hex {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Hex(..)")
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Hex {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Hex(..)");
    }
}

/// One of the hashes at work.
enum Hash {
    Md5(Md5),
    Sha256(Sha256),
    #[cfg(feature = "sha512")]
    Sha512(Sha512_256),
}

impl Hash {
    fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Md5 | Algorithm::Md5Sess => Self::Md5(Md5::new()),
            Algorithm::Sha256 | Algorithm::Sha256Sess => Self::Sha256(Sha256::new()),
            #[cfg(feature = "sha512")]
            Algorithm::Sha512_256 | Algorithm::Sha512_256Sess => Self::Sha512(Sha512_256::new()),
        }
    }

    fn update(&mut self, octets: &[u8]) {
        match self {
            Self::Md5(hash) => hash.update(octets),
            Self::Sha256(hash) => hash.update(octets),
            #[cfg(feature = "sha512")]
            Self::Sha512(hash) => hash.update(octets),
        }
    }

    /// What the text says, without its escapes.
    fn update_text(&mut self, text: &Text<'_>) {
        match text.as_slice() {
            Some(octets) => self.update(octets),
            None => text.octets().for_each(|octet| self.update(&[octet])),
        }
    }

    /// Name, realm and password with colons between them (RFC 7616 section 3.4.2).
    fn ha1(algorithm: Algorithm, user: &Text<'_>, realm: &Text<'_>, password: &[u8]) -> Hex {
        let mut hash = Self::new(algorithm);
        hash.update_text(user);
        hash.update(b":");
        hash.update_text(realm);
        hash.update(b":");
        hash.update(password);
        hash.finish()
    }

    /// What stands for the name where it is not to be seen (RFC 7616 section 3.4.4).
    fn of_user(algorithm: Algorithm, user: &Text<'_>, realm: &Text<'_>) -> Hex {
        let mut hash = Self::new(algorithm);
        hash.update_text(user);
        hash.update(b":");
        hash.update_text(realm);
        hash.finish()
    }

    fn finish(self) -> Hex {
        match self {
            Self::Md5(hash) => {
                let mut octets: [u8; 16] = hash.finalize().into();
                let hex = Hex::of(&octets);
                octets.zeroize();
                hex
            }
            Self::Sha256(hash) => {
                let mut octets: [u8; 32] = hash.finalize().into();
                let hex = Hex::of(&octets);
                octets.zeroize();
                hex
            }
            #[cfg(feature = "sha512")]
            Self::Sha512(hash) => {
                let mut octets: [u8; 32] = hash.finalize().into();
                let hex = Hex::of(&octets);
                octets.zeroize();
                hex
            }
        }
    }
}

fn hash(algorithm: Algorithm, parts: &[&[u8]]) -> Hex {
    let mut hash = Hash::new(algorithm);
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            hash.update(b":");
        }
        hash.update(part);
    }
    hash.finish()
}

/// What goes into a response besides the secret.
struct Inputs<'a> {
    algorithm: Algorithm,
    nonce: &'a [u8],
    /// Client nonce and nonce count in eight digits.
    client: Option<(&'a [u8], &'a [u8])>,
    qop: Option<Qop>,
    /// Empty for `rspauth`.
    method: &'a [u8],
    uri: &'a [u8],
    body: &'a [u8],
}

/// The `response` of RFC 7616 section 3.4.1; without qop that of RFC 2069.
fn response(ha1: &Hex, inputs: &Inputs<'_>) -> Hex {
    let (cnonce, count) = inputs.client.unwrap_or_default();
    let session;
    let key = if inputs.algorithm.is_session() {
        session = hash(inputs.algorithm, &[ha1.as_bytes(), inputs.nonce, cnonce]);
        &session
    } else {
        ha1
    };
    let ha2 = match inputs.qop {
        Some(Qop::AuthInt) => {
            let body = hash(inputs.algorithm, &[inputs.body]);
            hash(inputs.algorithm, &[inputs.method, inputs.uri, body.as_bytes()])
        }
        _ => hash(inputs.algorithm, &[inputs.method, inputs.uri]),
    };
    match inputs.qop {
        Some(qop) => hash(
            inputs.algorithm,
            &[key.as_bytes(), inputs.nonce, count, cnonce, qop.name(), ha2.as_bytes()],
        ),
        None => hash(inputs.algorithm, &[key.as_bytes(), inputs.nonce, ha2.as_bytes()]),
    }
}

/// A nonce count in the eight digits in which it stands.
fn count_digits(count: u32) -> [u8; 8] {
    let mut digits = [0; 8];
    for (place, index) in digits.iter_mut().rev().zip(0_u32..) {
        let digit = (count >> (4 * index) & 15) as u8;
        *place = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
    }
    digits
}
