//! What is made of a password: hashes, responses, keys (MS-NLMP section 3.3).
//!
//! MD4, MD5, DES and RC4 are the protocol. They give little security today: who records a sign-in can
//! try passwords on it, so that a deployment wants TLS below.

use des::Des;
use des::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use hmac::{Hmac, Mac as _};
use md4::{Digest as _, Md4};
use md5::Md5;
use rc4::{Rc4, StreamCipher as _};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, ZeroizeOnDrop, Zeroizing};

use super::Name;

/// Sixteen octets that nobody else must know. They are wiped when dropped, compared in constant time,
/// and never printed.
#[derive(Clone)]
pub struct Key([u8; 16]);

impl Key {
    /// A key of these octets.
    #[must_use]
    pub const fn new(octets: [u8; 16]) -> Self {
        Self(octets)
    }

    /// The octets.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The cipher with this key.
    pub(super) fn rc4(&self) -> Rc4 {
        // RC4 repeats its key, so that 16 octets twice are the same key as 16 octets once.
        let mut twice = Zeroizing::new([0; 32]);
        twice.iter_mut().zip(self.0.iter().cycle()).for_each(|(to, from)| *to = *from);
        Rc4::new((&*twice).into())
    }

    /// These octets under this key (`RC4K`).
    pub(super) fn rc4_once(&self, octets: &[u8; 16]) -> Self {
        let mut done = Self(*octets);
        // Sixteen octets are far from the end of the key stream.
        let _ = self.rc4().try_apply_keystream(&mut done.0);
        done
    }

    /// The keyed hash of what `feed` hands over (`HMAC_MD5`).
    pub(super) fn hmac(&self, feed: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Self {
        // HMAC fills its key up with zeros to the hash's block of 64 octets.
        let mut block = Zeroizing::new([0; 64]);
        block.iter_mut().zip(self.0.iter()).for_each(|(to, from)| *to = *from);
        let mut mac = Hmac::<Md5>::new((&*block).into());
        feed(&mut |octets| mac.update(octets));
        Self(mac.finalize().into_bytes().into())
    }

    /// MD5 over the first `len` octets of the key and what follows it.
    pub(super) fn md5(&self, len: usize, then: &[u8]) -> Self {
        let mut hash = Md5::new();
        hash.update(self.0.get(..len).unwrap_or(&self.0));
        hash.update(then);
        Self(hash.finalize().into())
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for Key {}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Key {}

impl core::fmt::Debug for Key {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Key(..)")
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Key {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Key(..)");
    }
}

/// The hash of a password that both sides keep in its place (`NTOWFv1`, MS-NLMP section 3.3.1): who has
/// it can sign in, so that it is to be kept like the password.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NtHash(Key);

impl NtHash {
    /// The hash of this password.
    #[must_use]
    pub fn of(password: &str) -> Self {
        let mut hash = Md4::new();
        Name::Utf8(password).utf16(false, |octets| hash.update(octets));
        Self(Key(hash.finalize().into()))
    }

    /// A hash that was kept.
    #[must_use]
    pub const fn new(octets: [u8; 16]) -> Self {
        Self(Key::new(octets))
    }

    /// The octets, to be kept.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The key for the responses of this user of this domain (`NTOWFv2`, MS-NLMP section 3.3.2).
    pub(super) fn v2(&self, user: Name<'_>, domain: Name<'_>) -> Key {
        self.0.hmac(|take| {
            user.utf16(true, &mut *take);
            domain.utf16(false, take);
        })
    }

    /// The session base key of NTLM version 1 (MS-NLMP section 3.3.1).
    pub(super) fn v1_base(&self) -> Key {
        Key(Md4::digest(self.as_bytes()).into())
    }

    /// The response of NTLM version 1 to these octets (`DESL`, MS-NLMP section 6).
    pub(super) fn v1(&self, challenge: &[u8; 8]) -> [u8; 24] {
        let mut keys = Zeroizing::new([0; 21]);
        keys.iter_mut().zip(self.as_bytes()).for_each(|(to, from)| *to = *from);
        let mut response = [0; 24];
        for (place, key) in response.as_chunks_mut().0.iter_mut().zip(keys.as_chunks().0) {
            *place = des(key, challenge);
        }
        response
    }
}

/// DES with a key of seven octets.
fn des(key: &[u8; 7], block: &[u8; 8]) -> [u8; 8] {
    let bits = key.iter().fold(0_u64, |bits, octet| bits << 8 | u64::from(*octet));
    // Seven bits to an octet; the eighth, of parity, counts for nothing.
    let mut spread = Zeroizing::new([0_u8; 8]);
    for (number, octet) in spread.iter_mut().enumerate() {
        *octet = ((bits >> (49 - 7 * number)) as u8) << 1;
    }
    let mut done = (*block).into();
    Des::new((&*spread).into()).encrypt_block(&mut done);
    done.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ntlm::tests::hex;

    // MS-NLMP section 4.2.
    const CHALLENGE: [u8; 8] = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];

    #[test]
    fn the_hash_and_the_keys_are_those_of_ms_nlmp() {
        let hash = NtHash::of("Password");
        assert_eq!(hash.as_bytes()[..], hex("a4f49c406510bdcab6824ee7c30fd852"));
        assert_eq!(hash.v1_base().as_bytes()[..], hex("d87262b0cde4b1cb7499becccdf10784"));
        let v2 = hash.v2(Name::Utf8("User"), Name::Utf8("Domain"));
        assert_eq!(v2.as_bytes()[..], hex("0c868a403bfd7a93a3001ef22ef02e3f"));
    }

    #[test]
    fn the_hash_of_a_real_sign_in_is_that_of_its_password() {
        let hash = NtHash::of("secret");
        assert_eq!(hash.as_bytes()[..], hex("878d8014606cda29677a44efa1353fc7"));
        let v2 = hash.v2(Name::Utf8("alice@example.test"), Name::EMPTY);
        assert_eq!(v2.as_bytes()[..], hex("e92d7721a3836f6d2c0128c5a6bb5e5c"));
    }

    #[test]
    fn the_response_of_version_1_is_that_of_ms_nlmp() {
        let response = NtHash::of("Password").v1(&CHALLENGE);
        assert_eq!(response[..], hex("67c43011f30298a2ad35ece64f16331c44bdbed927841f94"));
    }

    #[test]
    fn the_session_key_is_enciphered_as_in_ms_nlmp() {
        let random = [0x55; 16];
        let base = NtHash::of("Password").v1_base();
        assert_eq!(base.rc4_once(&random).as_bytes()[..], hex("518822b1b3f350c8958682ecbb3e3cb7"));
        let base = Key::new(hex("8de40ccadbc14a82f15cb0ad0de95ca3").try_into().unwrap());
        assert_eq!(base.rc4_once(&random).as_bytes()[..], hex("c5dad2544fc9799094ce1ce90bc9d03e"));
    }

    #[test]
    fn secrets_are_not_printed() {
        assert_eq!(std::format!("{:?}", NtHash::of("secret")), "NtHash(Key(..))");
    }
}
