//! The ciphers and hashes that SRTP is made of, behind traits: a chip's AES engine fits in.
//!
//! | | by default | with feature `ring` | on a chip |
//! |---|---|---|---|
//! | [`Crypto`] | [`Software`] | `Ring` | the host's own |
//! | [`CounterMode`] | RustCrypto | RustCrypto, which is faster | its AES engine |
//! | [`Mac`] | RustCrypto | RustCrypto, which is faster | its hash engine, or [`Software`]'s |
//! | [`Aead`] | RustCrypto | ring | its GCM engine |
//!
//! What an engine needs (a peripheral's handle, a lock) is in the value that implements
//! [`Crypto`]; the ciphers that it makes carry a copy or a reference of it.
//!
//! ```
//! use rtp_core::srtp::crypto::{Aead, CounterMode, Crypto, CryptoError, Mac, Software};
//! use rtp_core::srtp::{MasterKey, Profile, Sender};
//!
//! /// An engine that does AES in counter mode; here by software, and counts what it was asked.
//! #[derive(Clone, Copy)]
//! struct Chip<'c>(&'c core::cell::Cell<u32>);
//!
//! struct Engine<'c>(Chip<'c>, <Software as Crypto>::CounterMode);
//!
//! impl CounterMode for Engine<'_> {
//!     fn apply(&mut self, counter: &[u8; 16], data: &mut [u8]) -> Result<(), CryptoError> {
//!         self.0.0.set(self.0.0.get() + 1);
//!         self.1.apply(counter, data)
//!     }
//! }
//!
//! impl<'c> Crypto for Chip<'c> {
//!     type CounterMode = Engine<'c>;
//!     type Mac = <Software as Crypto>::Mac;
//!     type Aead = <Software as Crypto>::Aead;
//!
//!     fn counter_mode(&self, key: &[u8]) -> Result<Engine<'c>, CryptoError> {
//!         Ok(Engine(*self, Software.counter_mode(key)?))
//!     }
//!     fn mac(&self, key: &[u8; 20]) -> Result<Self::Mac, CryptoError> {
//!         Software.mac(key)
//!     }
//!     fn aead(&self, key: &[u8]) -> Result<Self::Aead, CryptoError> {
//!         Software.aead(key)
//!     }
//! }
//!
//! let asked = core::cell::Cell::new(0);
//! let key = MasterKey::from_octets(Profile::AesCm128HmacSha1_80, &[7; 30])?;
//! let mut sender = Sender::<1, Chip>::with_crypto(Chip(&asked), &key)?;
//! let mut datagram = [0x80; 200];
//! let len = sender.protect_rtp(&mut datagram, 172)?;
//! assert_eq!(len, 182);
//! assert!(asked.get() > 0);
//! # Ok::<(), rtp_core::srtp::SrtpError>(())
//! ```

#[cfg(feature = "srtp-gcm")]
mod gcm;
#[cfg(feature = "ring")]
mod ring;
mod software;

#[cfg(feature = "ring")]
pub use self::ring::{Ring, RingAead};
pub use software::{Software, SoftwareAead, SoftwareCounterMode, SoftwareMac};

/// How long the tag of [`Aead`] is, in octets.
pub const AEAD_TAG_LEN: usize = 16;

/// A cipher that cannot be made with this key, or an engine that has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CryptoError;

impl core::fmt::Display for CryptoError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the cipher cannot work with this key, or its engine has failed")
    }
}

impl core::error::Error for CryptoError {}

/// A library of ciphers, or a chip that has some.
pub trait Crypto {
    /// AES in counter mode with a key.
    type CounterMode: CounterMode;
    /// HMAC-SHA1 with a key.
    type Mac: Mac;
    /// AES in Galois/counter mode with a key.
    type Aead: Aead;

    /// AES in counter mode, by a key of 16, 24 or 32 octets.
    ///
    /// # Errors
    /// Keys of this length are not known here.
    fn counter_mode(&self, key: &[u8]) -> Result<Self::CounterMode, CryptoError>;

    /// HMAC-SHA1.
    ///
    /// # Errors
    /// The engine has failed.
    fn mac(&self, key: &[u8; 20]) -> Result<Self::Mac, CryptoError>;

    /// AES in Galois/counter mode, by a key of 16 or 32 octets.
    ///
    /// # Errors
    /// Keys of this length are not known here.
    fn aead(&self, key: &[u8]) -> Result<Self::Aead, CryptoError>;
}

/// AES in counter mode (RFC 3711 section 4.1.1). Its key is forgotten when it is dropped.
pub trait CounterMode {
    /// Adds the keystream that begins with this counter block to `data`, which is never longer
    /// than 2^16 blocks of 16 octets: the last two octets of the counter do not run over.
    ///
    /// # Errors
    /// The engine has failed; `data` is of no use then.
    fn apply(&mut self, counter: &[u8; 16], data: &mut [u8]) -> Result<(), CryptoError>;
}

/// HMAC-SHA1 (RFC 3711 section 4.2.1). Its key is forgotten when it is dropped.
pub trait Mac {
    /// The whole tag of a packet with a word behind it.
    ///
    /// # Errors
    /// The engine has failed.
    fn tag(&mut self, packet: &[u8], word: [u8; 4]) -> Result<[u8; 20], CryptoError>;
}

/// AES in Galois/counter mode (RFC 7714). Its key is forgotten when it is dropped.
pub trait Aead {
    /// Encrypts `data`, and gives the tag of it and of `associated`.
    ///
    /// # Errors
    /// The engine has failed; `data` is of no use then.
    fn seal(
        &mut self,
        nonce: &[u8; 12],
        associated: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; AEAD_TAG_LEN], CryptoError>;

    /// Decrypts `data` if the tag is right, which is compared in a time that does not tell where
    /// it differs.
    ///
    /// # Errors
    /// The tag is not right, or the engine has failed; whether `data` is then as before is the
    /// implementation's matter.
    fn open(
        &mut self,
        nonce: &[u8; 12],
        associated: &[u8],
        data: &mut [u8],
        tag: &[u8; AEAD_TAG_LEN],
    ) -> Result<(), CryptoError>;
}
