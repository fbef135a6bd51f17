//! The keys of `MSN_SECURE_FTP`, its cipher and its MAC.
//!
//! RC4 and SHA-1 are the protocol; they give no security today, and the keys pass in clear through
//! the SIP server unless TLS carries the signalling.

use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use rand_core::CryptoRng;
use rc4::{Rc4, StreamCipher};
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// How many octets a key has on the wire, before base64.
pub const KEY_OCTETS: usize = 24;
/// How many characters the base64 text of a key has.
pub const KEY_TEXT: usize = 32;
/// How many characters the base64 text of a MAC has.
pub(crate) const MAC_TEXT: usize = 28;

/// One key of 24 octets; its text is `Encryption-Key` or `Hash-Key` of an invitation.
///
/// It is wiped when dropped, compared in constant time, and never printed.
#[derive(Clone)]
pub struct Key([u8; KEY_OCTETS]);

impl Key {
    /// A key of these octets.
    #[must_use]
    pub const fn new(octets: [u8; KEY_OCTETS]) -> Self {
        Self(octets)
    }

    /// A fresh key.
    pub fn generate(random: &mut impl CryptoRng) -> Self {
        let mut key = Self([0; KEY_OCTETS]);
        random.fill_bytes(&mut key.0);
        key
    }

    /// The key that a base64 text of 32 characters stands for; any other text is none.
    #[must_use]
    pub fn from_base64(text: &[u8]) -> Option<Self> {
        if text.len() != KEY_TEXT {
            return None;
        }
        let mut key = Self([0; KEY_OCTETS]);
        let len = Base64::decode(text, &mut key.0).ok()?.len();
        (len == KEY_OCTETS).then_some(key)
    }

    /// Its base64 text.
    #[must_use]
    pub fn to_base64(&self) -> [u8; KEY_TEXT] {
        let mut text = [0; KEY_TEXT];
        // 24 octets always make 32 characters.
        let _ = Base64::encode(&self.0, &mut text);
        text
    }

    /// The first 16 octets of SHA-1 over the key: what cipher and MAC are keyed with.
    fn derived(&self) -> Zeroizing<[u8; 16]> {
        let mut digest: [u8; 20] = Sha1::digest(self.0).into();
        let mut derived = Zeroizing::new([0; 16]);
        derived.iter_mut().zip(digest.iter()).for_each(|(to, from)| *to = *from);
        digest.zeroize();
        derived
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

/// The two keys that the receiver of a file makes and sends in its ACCEPT.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Keys {
    /// `Encryption-Key`: keys the cipher.
    pub encryption: Key,
    /// `Hash-Key`: keys the MAC.
    pub hash: Key,
}

impl Keys {
    /// Two fresh keys.
    pub fn generate(random: &mut impl CryptoRng) -> Self {
        Self { encryption: Key::generate(random), hash: Key::generate(random) }
    }
}

/// The cipher and the MAC as they run along a file.
pub(crate) struct Secrets {
    cipher: Rc4,
    mac: Hmac<Sha1>,
}

impl Secrets {
    pub(crate) fn new(keys: &Keys) -> Self {
        // RC4 repeats its key, so 16 octets twice are the same key as 16 octets once.
        let key = keys.encryption.derived();
        let mut cipher_key = Zeroizing::new([0; 32]);
        cipher_key.iter_mut().zip(key.iter().cycle()).for_each(|(to, from)| *to = *from);
        // HMAC fills its key up with zeros to the hash's block of 64 octets.
        let key = keys.hash.derived();
        let mut mac_key = Zeroizing::new([0; 64]);
        mac_key.iter_mut().zip(key.iter()).for_each(|(to, from)| *to = *from);
        Self { cipher: Rc4::new((&*cipher_key).into()), mac: Hmac::<Sha1>::new((&*mac_key).into()) }
    }

    /// Writes `plain` into `cipher`, which is as long.
    pub(crate) fn seal(&mut self, plain: &[u8], cipher: &mut [u8]) {
        self.mac.update(plain);
        // The lengths are equal, so nothing can fail.
        let _ = self.cipher.try_apply_keystream_b2b(plain, cipher);
    }

    /// Deciphers in place.
    pub(crate) fn open(&mut self, octets: &mut [u8]) {
        let _ = self.cipher.try_apply_keystream(octets);
        self.mac.update(octets);
    }

    /// The base64 text of the MAC over all that was sealed or opened.
    pub(crate) fn mac_text(&self) -> [u8; MAC_TEXT] {
        let digest = self.mac.clone().finalize().into_bytes();
        let mut text = [0; MAC_TEXT];
        // 20 octets always make 28 characters.
        let _ = Base64::encode(&digest, &mut text);
        text
    }

    /// Whether `text` is the MAC over all that was opened, found out in constant time.
    pub(crate) fn verify(&self, text: &[u8]) -> bool {
        self.mac_text().as_slice().ct_eq(text).into()
    }
}

impl core::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Secrets(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENCRYPTION: &[u8] = b"mtZPaeEUqFosUqX6r45CAnMta6Nr+ckM";
    const HASH: &[u8] = b"VAVXdaWMiD9i16lD61GdGKNDElLRVVRE";

    fn keys() -> Keys {
        Keys {
            encryption: Key::from_base64(ENCRYPTION).unwrap(),
            hash: Key::from_base64(HASH).unwrap(),
        }
    }

    #[test]
    fn keys_are_derived_as_in_the_capture() {
        let keys = keys();
        assert_eq!(hex::encode(*keys.encryption.derived()), "c0fa4aa749b39be4453ac3d352117966");
        assert_eq!(hex::encode(*keys.hash.derived()), "f578ab16dce3589173c9ab665cee6a97");
        assert_eq!(keys.encryption.to_base64(), ENCRYPTION);
    }

    #[test]
    fn cipher_and_mac_are_those_of_the_capture() {
        let plain: alloc::vec::Vec<u8> = (0..3000u32).map(|i| (7 * i + 3) as u8).collect();
        let mut secrets = Secrets::new(&keys());
        let mut cipher = alloc::vec![0; 3000];
        secrets.seal(&plain[..2045], &mut cipher[..2045]);
        secrets.seal(&plain[2045..], &mut cipher[2045..]);
        assert_eq!(hex::encode(&cipher[..16]), "12f410b14f8a3ddc9f5df8495bbbc408");
        assert_eq!(hex::encode(&cipher[2984..]), "daa7fe8f7c24e06e7deaf311f3c50f7d");
        assert_eq!(&secrets.mac_text(), b"jonBO3yQDhxckJHxaL/9IfMRtwM=");

        let mut other = Secrets::new(&keys());
        other.open(&mut cipher);
        assert_eq!(cipher, plain);
        assert!(other.verify(b"jonBO3yQDhxckJHxaL/9IfMRtwM="));
        assert!(!other.verify(b"jonBO3yQDhxckJHxaL/9IfMRtwN="));
        assert!(!other.verify(b"jonBO3yQDhxckJHxaL/9IfMRtwM"));
    }

    #[test]
    fn only_32_characters_of_base64_are_a_key() {
        assert!(Key::from_base64(&ENCRYPTION[..31]).is_none());
        assert!(Key::from_base64(&[ENCRYPTION, b"="].concat()).is_none());
        assert!(Key::from_base64(b"mtZPaeEUqFosUqX6r45CAnMta6Nr+c==").is_none());
        assert!(Key::from_base64(b"mtZPaeEUqFosUqX6r45CAnMta6Nr+c!!").is_none());
    }

    #[test]
    fn a_key_does_not_print_itself() {
        assert_eq!(alloc::format!("{:?}", keys().hash), "Key(..)");
    }
}
