//! The ciphers of RustCrypto: in software, or with the instructions that a processor has for them.

use aes::Aes128;
#[cfg(feature = "srtp-aes256")]
use aes::Aes192;
#[cfg(any(feature = "srtp-aes256", feature = "srtp-gcm"))]
use aes::Aes256;
use aes::cipher::{BlockCipherEncrypt, InnerIvInit, KeyInit, StreamCipherCore, consts::U16};
use ctr::CtrCore;
use ctr::flavors::Ctr32BE;
use sha1::block_api::compress;
use zeroize::Zeroize;

use super::{AEAD_TAG_LEN, Aead, CounterMode, Crypto, CryptoError, Mac};

/// RustCrypto's AES, SHA-1 and GCM; a failed [`Aead::open`] leaves the data as they were. Keys of
/// AES-192 and AES-256 want the feature `srtp-aes256`, those of GCM `srtp-gcm`: an image that does
/// without is smaller by 10 KiB.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Software;

impl Crypto for Software {
    type CounterMode = SoftwareCounterMode;
    type Mac = SoftwareMac;
    type Aead = SoftwareAead;

    fn counter_mode(&self, key: &[u8]) -> Result<SoftwareCounterMode, CryptoError> {
        let cipher = match key.len() {
            #[cfg(feature = "srtp-aes256")]
            24 => Aes192::new_from_slice(key).map(Aes::A192),
            #[cfg(feature = "srtp-aes256")]
            32 => Aes256::new_from_slice(key).map(Aes::A256),
            _ => Aes128::new_from_slice(key).map(Aes::A128),
        };
        cipher.map(SoftwareCounterMode).map_err(|_| CryptoError)
    }

    fn mac(&self, key: &[u8; 20]) -> Result<SoftwareMac, CryptoError> {
        Ok(SoftwareMac::new(key))
    }

    #[cfg(not(feature = "srtp-gcm"))]
    fn aead(&self, _: &[u8]) -> Result<SoftwareAead, CryptoError> {
        Err(CryptoError)
    }

    #[cfg(feature = "srtp-gcm")]
    fn aead(&self, key: &[u8]) -> Result<SoftwareAead, CryptoError> {
        let cipher = match key.len() {
            16 => super::gcm::Gcm::new(key).map(Gcm::A128),
            _ => super::gcm::Gcm::new(key).map(Gcm::A256),
        };
        cipher.map(SoftwareAead)
    }
}

/// AES of RustCrypto in counter mode.
#[expect(missing_debug_implementations, reason = "it holds a key")]
pub struct SoftwareCounterMode(Aes);

enum Aes {
    A128(Aes128),
    #[cfg(feature = "srtp-aes256")]
    A192(Aes192),
    #[cfg(feature = "srtp-aes256")]
    A256(Aes256),
}

impl CounterMode for SoftwareCounterMode {
    #[inline]
    fn apply(&mut self, counter: &[u8; 16], data: &mut [u8]) -> Result<(), CryptoError> {
        #[inline]
        fn with<C: BlockCipherEncrypt<BlockSize = U16>>(
            cipher: &C,
            counter: &[u8; 16],
            data: &mut [u8],
        ) -> Result<(), CryptoError> {
            let stream = CtrCore::<_, Ctr32BE>::inner_iv_init(cipher, counter.into());
            stream.try_apply_keystream_partial(data.into()).map_err(|_| CryptoError)
        }
        match &self.0 {
            Aes::A128(cipher) => with(cipher, counter, data),
            #[cfg(feature = "srtp-aes256")]
            Aes::A192(cipher) => with(cipher, counter, data),
            #[cfg(feature = "srtp-aes256")]
            Aes::A256(cipher) => with(cipher, counter, data),
        }
    }
}

/// HMAC (RFC 2104) over RustCrypto's SHA-1, with both pads worked in beforehand: 40 octets, of
/// which nothing has to be copied for a packet.
#[expect(missing_debug_implementations, reason = "it holds a key")]
pub struct SoftwareMac {
    inner: [u32; 5],
    outer: [u32; 5],
}

/// What SHA-1 begins with (FIPS 180-4 section 5.3.1).
const BEGIN: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
/// The octets of a block of SHA-1.
const BLOCK: usize = 64;

impl SoftwareMac {
    fn new(key: &[u8; 20]) -> Self {
        let pad = |octet: u8| {
            let mut block = [octet; BLOCK];
            block.iter_mut().zip(key).for_each(|(cell, key)| *cell ^= key);
            let mut state = BEGIN;
            compress(&mut state, core::slice::from_ref(&block));
            block.zeroize();
            state
        };
        Self { inner: pad(0x36), outer: pad(0x5c) }
    }
}

impl Mac for SoftwareMac {
    #[inline]
    fn tag(&mut self, packet: &[u8], word: [u8; 4]) -> Result<[u8; 20], CryptoError> {
        let (blocks, rest) = packet.as_chunks::<BLOCK>();
        let mut state = self.inner;
        compress(&mut state, blocks);
        // What is left, the word, the bit that ends a message, and its length with the pad's.
        let mut tail = [0; 2 * BLOCK];
        let (cells, free) = tail.split_at_mut_checked(rest.len()).ok_or(CryptoError)?;
        cells.copy_from_slice(rest);
        *free.first_chunk_mut().ok_or(CryptoError)? = [word[0], word[1], word[2], word[3], 0x80];
        let octets = BLOCK as u64 + packet.len() as u64 + 4;
        // The end bit and the length take 9 octets.
        let end = if rest.len() + 4 + 9 <= BLOCK { BLOCK } else { 2 * BLOCK };
        let tail = tail.get_mut(..end).ok_or(CryptoError)?;
        *tail.last_chunk_mut().ok_or(CryptoError)? = (octets * 8).to_be_bytes();
        compress(&mut state, tail.as_chunks().0);

        let mut last = [0; BLOCK];
        for (cell, word) in last.as_chunks_mut::<4>().0.iter_mut().zip(state) {
            *cell = word.to_be_bytes();
        }
        last[20] = 0x80;
        if let Some(length) = last.last_chunk_mut() {
            *length = ((BLOCK as u64 + 20) * 8).to_be_bytes();
        }
        let mut state = self.outer;
        compress(&mut state, core::slice::from_ref(&last));
        let mut tag = [0; 20];
        for (cell, word) in tag.as_chunks_mut::<4>().0.iter_mut().zip(state) {
            *cell = word.to_be_bytes();
        }
        Ok(tag)
    }
}

impl Drop for SoftwareMac {
    fn drop(&mut self) {
        self.inner.zeroize();
        self.outer.zeroize();
    }
}

/// AES-GCM out of RustCrypto's AES and GHASH.
#[cfg_attr(feature = "srtp-gcm", expect(missing_debug_implementations, reason = "it holds a key"))]
#[cfg_attr(not(feature = "srtp-gcm"), derive(Debug))]
pub struct SoftwareAead(Gcm);

#[cfg(feature = "srtp-gcm")]
enum Gcm {
    A128(super::gcm::Gcm<Aes128>),
    A256(super::gcm::Gcm<Aes256>),
}

/// There is none without the feature.
#[cfg(not(feature = "srtp-gcm"))]
#[derive(Debug)]
enum Gcm {}

#[cfg(not(feature = "srtp-gcm"))]
impl Aead for SoftwareAead {
    fn seal(
        &mut self,
        _: &[u8; 12],
        _: &[u8],
        _: &mut [u8],
    ) -> Result<[u8; AEAD_TAG_LEN], CryptoError> {
        match self.0 {}
    }

    fn open(
        &mut self,
        _: &[u8; 12],
        _: &[u8],
        _: &mut [u8],
        _: &[u8; AEAD_TAG_LEN],
    ) -> Result<(), CryptoError> {
        match self.0 {}
    }
}

#[cfg(feature = "srtp-gcm")]
impl Aead for SoftwareAead {
    #[inline]
    fn seal(
        &mut self,
        nonce: &[u8; 12],
        associated: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; AEAD_TAG_LEN], CryptoError> {
        match &self.0 {
            Gcm::A128(cipher) => cipher.seal(nonce, associated, data),
            Gcm::A256(cipher) => cipher.seal(nonce, associated, data),
        }
    }

    #[inline]
    fn open(
        &mut self,
        nonce: &[u8; 12],
        associated: &[u8],
        data: &mut [u8],
        tag: &[u8; AEAD_TAG_LEN],
    ) -> Result<(), CryptoError> {
        match &self.0 {
            Gcm::A128(cipher) => cipher.open(nonce, associated, data, tag),
            Gcm::A256(cipher) => cipher.open(nonce, associated, data, tag),
        }
    }
}
