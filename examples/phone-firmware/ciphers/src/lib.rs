//! The ciphers of the phone's SRTP, by RustCrypto: AES-128 in counter mode and HMAC-SHA1, the one suite
//! that each peer knows (RFC 4568 section 6.2). A chip with an AES engine has another one of these.
//!
//! They stand in a package of their own, so that the compiler makes them fast in an image that is
//! small otherwise.

#![no_std]
#![forbid(unsafe_code)]

use aes::Aes128;
use aes::cipher::{InnerIvInit, KeyInit, StreamCipherCore};
use ctr::CtrCore;
use ctr::flavors::Ctr32BE;
use rtp_core::srtp::crypto::{
    AEAD_TAG_LEN, Aead, CounterMode, Crypto, CryptoError, Mac, Software, SoftwareMac,
};

/// What the phone protects calls with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ciphers;

impl Crypto for Ciphers {
    type CounterMode = Aes;
    type Mac = Hmac;
    type Aead = Never;

    fn counter_mode(&self, key: &[u8]) -> Result<Aes, CryptoError> {
        Aes128::new_from_slice(key).map(Aes).map_err(|_| CryptoError)
    }

    fn mac(&self, key: &[u8; 20]) -> Result<Hmac, CryptoError> {
        Software.mac(key).map(Hmac)
    }

    fn aead(&self, _: &[u8]) -> Result<Never, CryptoError> {
        Err(CryptoError)
    }
}

/// AES-128 in counter mode.
#[expect(missing_debug_implementations, reason = "it holds a key")]
pub struct Aes(Aes128);

impl CounterMode for Aes {
    #[inline(never)]
    fn apply(&mut self, counter: &[u8; 16], data: &mut [u8]) -> Result<(), CryptoError> {
        let stream = CtrCore::<_, Ctr32BE>::inner_iv_init(&self.0, counter.into());
        stream.try_apply_keystream_partial(data.into()).map_err(|_| CryptoError)
    }
}

/// HMAC-SHA1.
#[expect(missing_debug_implementations, reason = "it holds a key")]
pub struct Hmac(SoftwareMac);

impl Mac for Hmac {
    fn tag(&mut self, packet: &[u8], word: [u8; 4]) -> Result<[u8; 20], CryptoError> {
        self.0.tag(packet, word)
    }
}

/// GCM, which the phone does without.
#[derive(Clone, Copy, Debug)]
pub enum Never {}

impl Aead for Never {
    fn seal(
        &mut self,
        _: &[u8; 12],
        _: &[u8],
        _: &mut [u8],
    ) -> Result<[u8; AEAD_TAG_LEN], CryptoError> {
        match *self {}
    }

    fn open(
        &mut self,
        _: &[u8; 12],
        _: &[u8],
        _: &mut [u8],
        _: &[u8; AEAD_TAG_LEN],
    ) -> Result<(), CryptoError> {
        match *self {}
    }
}
