//! AES-GCM of ring, which takes a third of the time on processors with wide vectors.

use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::{AEAD_TAG_LEN, Aead, Crypto, CryptoError, Software, SoftwareCounterMode, SoftwareMac};

/// AES-GCM of ring; counter mode and HMAC of [`Software`], which are faster than ring's. A failed
/// [`Aead::open`] leaves zeros, and keys are not wiped from memory: ring does not do so.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ring;

impl Crypto for Ring {
    type CounterMode = SoftwareCounterMode;
    type Mac = SoftwareMac;
    type Aead = RingAead;

    fn counter_mode(&self, key: &[u8]) -> Result<SoftwareCounterMode, CryptoError> {
        Software.counter_mode(key)
    }

    fn mac(&self, key: &[u8; 20]) -> Result<SoftwareMac, CryptoError> {
        Software.mac(key)
    }

    fn aead(&self, key: &[u8]) -> Result<RingAead, CryptoError> {
        let algorithm = if key.len() == 16 { &AES_128_GCM } else { &AES_256_GCM };
        let key = UnboundKey::new(algorithm, key).map_err(|_| CryptoError)?;
        Ok(RingAead(LessSafeKey::new(key)))
    }
}

/// AES-GCM of ring.
#[expect(missing_debug_implementations, reason = "it holds a key")]
pub struct RingAead(LessSafeKey);

impl Aead for RingAead {
    #[inline]
    fn seal(
        &mut self,
        nonce: &[u8; 12],
        associated: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; AEAD_TAG_LEN], CryptoError> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let tag = self.0.seal_in_place_separate_tag(nonce, Aad::from(associated), data);
        let tag = tag.map_err(|_| CryptoError)?;
        tag.as_ref().try_into().map_err(|_| CryptoError)
    }

    #[inline]
    fn open(
        &mut self,
        nonce: &[u8; 12],
        associated: &[u8],
        data: &mut [u8],
        tag: &[u8; AEAD_TAG_LEN],
    ) -> Result<(), CryptoError> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let tag = (*tag).into();
        let opened =
            self.0.open_in_place_separate_tag(nonce, Aad::from(associated), tag, data, 0..);
        opened.map(drop).map_err(|_| CryptoError)
    }
}
