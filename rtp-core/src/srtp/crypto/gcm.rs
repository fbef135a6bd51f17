//! AES in Galois/counter mode (NIST SP 800-38D section 7), out of RustCrypto's AES and GHASH.
//!
//! ```text
//! J0 = nonce | 1     keystream:  E(J0)     E(J0 + 1)  E(J0 + 2)  ...
//!                                │         │ ⊕ data
//!                                ▼         ▼
//! tag = GHASH( associated, 0.. | data, 0.. | lengths in bits ) ⊕ E(J0)
//! ```
//!
//! A packet of speech is short: what its tag is masked with and its keystream come out of one call of
//! the cipher, and all that is hashed goes into one call of GHASH, four blocks at a time where there
//! are vectors. The crate `aes-gcm` does both in pieces, and takes a third longer for 160 octets.

use aes::cipher::{
    BlockCipherEncrypt, BlockSizeUser, InnerIvInit, KeyInit, StreamCipherCore, consts::U16,
};
use ctr::CtrCore;
use ctr::flavors::Ctr32BE;
use ghash::GHash;
use ghash::universal_hash::{UniversalHash, array::Array};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::{AEAD_TAG_LEN, CryptoError};

type Block = Array<u8, U16>;

/// Blocks that are worked on at once: enough for 240 octets.
const BLOCKS: usize = 16;

/// AES with a key of some length in Galois/counter mode, with nonces of 12 octets.
pub(super) struct Gcm<C> {
    cipher: C,
    ghash: GHash,
}

impl<C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit> Gcm<C> {
    /// Fails on a key of another length than the cipher has.
    pub(super) fn new(key: &[u8]) -> Result<Self, CryptoError> {
        let cipher = C::new_from_slice(key).map_err(|_| CryptoError)?;
        let mut subkey = Block::default();
        cipher.encrypt_block(&mut subkey);
        let ghash = GHash::new(&subkey);
        subkey.zeroize();
        Ok(Self { cipher, ghash })
    }

    #[inline]
    pub(super) fn seal(
        &self,
        nonce: &[u8; 12],
        associated: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; AEAD_TAG_LEN], CryptoError> {
        let stream = Stream::begin(&self.cipher, nonce, data.len());
        let mask = stream.mask();
        stream.apply(data)?;
        Ok(self.tag(mask, associated, data))
    }

    /// Leaves the data as they are where the tag is not right.
    #[inline]
    pub(super) fn open(
        &self,
        nonce: &[u8; 12],
        associated: &[u8],
        data: &mut [u8],
        tag: &[u8; AEAD_TAG_LEN],
    ) -> Result<(), CryptoError> {
        let stream = Stream::begin(&self.cipher, nonce, data.len());
        let expected = self.tag(stream.mask(), associated, data);
        if expected.ct_eq(tag).into() { stream.apply(data) } else { Err(CryptoError) }
    }

    #[inline]
    fn tag(&self, mask: u128, associated: &[u8], data: &[u8]) -> [u8; AEAD_TAG_LEN] {
        let mut hash =
            Hash { ghash: self.ghash.clone(), blocks: [Block::default(); BLOCKS], filled: 0 };
        hash.push(associated);
        hash.push(data);
        let bits = |octets: &[u8]| octets.len() as u128 * 8;
        hash.push(&(bits(associated) << 64 | bits(data)).to_be_bytes());
        (hash.end() ^ mask).to_be_bytes()
    }
}

/// The keystream of one packet.
struct Stream<'c, C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>> {
    /// The tag's mask, and the first blocks for the data.
    first: [Block; BLOCKS],
    /// What follows them.
    rest: CtrCore<&'c C, Ctr32BE>,
}

impl<'c, C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>> Stream<'c, C> {
    #[inline]
    fn begin(cipher: &'c C, nonce: &[u8; 12], len: usize) -> Self {
        let mut counter = Block::default();
        let (begin, end) = counter.split_at_mut(nonce.len());
        begin.copy_from_slice(nonce);
        end.copy_from_slice(&1u32.to_be_bytes());
        let mut rest = CtrCore::inner_iv_init(cipher, &counter);
        let mut first = [Block::default(); BLOCKS];
        let needed = len.div_ceil(16).saturating_add(1).min(BLOCKS);
        if let Some(blocks) = first.get_mut(..needed) {
            rest.write_keystream_blocks(blocks);
        }
        Self { first, rest }
    }

    fn mask(&self) -> u128 {
        let [mask, ..] = &self.first;
        u128::from_be_bytes(mask.0)
    }

    #[inline]
    fn apply(self, data: &mut [u8]) -> Result<(), CryptoError> {
        let [_, first @ ..] = &self.first;
        let first = Array::slice_as_flattened(first);
        let at = data.len().min(first.len());
        let (begin, end) = data.split_at_mut(at);
        begin.iter_mut().zip(first).for_each(|(octet, key)| *octet ^= key);
        if end.is_empty() {
            return Ok(());
        }
        self.rest.try_apply_keystream_partial(end.into()).map_err(|_| CryptoError)
    }
}

/// GHASH of a packet's parts, each filled up to whole blocks.
struct Hash {
    ghash: GHash,
    blocks: [Block; BLOCKS],
    filled: usize,
}

impl Hash {
    #[inline]
    fn push(&mut self, part: &[u8]) {
        let room = BLOCKS.saturating_sub(self.filled).saturating_mul(16);
        let (begin, end) = part.split_at(part.len().min(room));
        self.fill(begin);
        if end.is_empty() {
            return;
        }
        self.ghash.update(&self.blocks);
        self.filled = 0;
        // What does not fit goes in from where it stands, but for the piece of a block at its end.
        let (whole, piece) = Array::slice_as_chunks(end);
        self.ghash.update(whole);
        self.fill(piece);
    }

    /// Copies octets that there is room for.
    #[inline]
    fn fill(&mut self, octets: &[u8]) {
        let places = self.blocks.iter_mut().skip(self.filled);
        let (whole, piece) = octets.as_chunks::<16>();
        for (place, block) in places.zip(whole) {
            place.0 = *block;
        }
        self.filled = self.filled.saturating_add(whole.len());
        if !piece.is_empty()
            && let Some(place) = self.blocks.get_mut(self.filled)
        {
            *place = Block::default();
            place.iter_mut().zip(piece).for_each(|(cell, octet)| *cell = *octet);
            self.filled = self.filled.saturating_add(1);
        }
    }

    #[inline]
    fn end(mut self) -> u128 {
        self.ghash.update(self.blocks.get(..self.filled).unwrap_or_default());
        u128::from_be_bytes(self.ghash.finalize().0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aes::{Aes128, Aes256};
    use aes_gcm::aead::AeadInOut;
    use aes_gcm::{Aes128Gcm, Aes256Gcm};
    use alloc::vec::Vec;
    use handset_testkit::{Random, seeds};

    fn octets(random: &mut Random, len: usize) -> Vec<u8> {
        (0..len).map(|_| random.below(256) as u8).collect()
    }

    #[test]
    fn it_seals_and_opens_what_the_crate_aes_gcm_does() {
        seeds(5, |seed| {
            let random = &mut Random::new(seed);
            for len in (0..=300).chain([511, 512, 513, 1200, 1499]) {
                let key = octets(random, 32);
                let nonce = [random.below(256) as u8; 12];
                let associated = random.below(if len % 9 == 0 { 600 } else { 40 }) as usize;
                let associated = octets(random, associated);
                let plain = octets(random, len);

                let mut theirs = plain.clone();
                let peer = Aes256Gcm::new_from_slice(&key).unwrap();
                let tag = peer
                    .encrypt_inout_detached(
                        &nonce.into(),
                        &associated,
                        theirs.as_mut_slice().into(),
                    )
                    .unwrap();
                let gcm = Gcm::<Aes256>::new(&key).unwrap();
                let mut ours = plain.clone();
                assert_eq!(gcm.seal(&nonce, &associated, &mut ours), Ok(tag.0), "{len}");
                assert_eq!(ours, theirs, "{len}");
                gcm.open(&nonce, &associated, &mut ours, &tag.0).unwrap();
                assert_eq!(ours, plain, "{len}");

                let peer = Aes128Gcm::new_from_slice(&key[..16]).unwrap();
                let tag = peer
                    .encrypt_inout_detached(&nonce.into(), &associated, ours.as_mut_slice().into())
                    .unwrap();
                let gcm = Gcm::<Aes128>::new(&key[..16]).unwrap();
                gcm.open(&nonce, &associated, &mut ours, &tag.0).unwrap();
                assert_eq!(ours, plain, "{len}");
            }
        });
    }

    #[test]
    fn what_is_not_authentic_stays_as_it_is() {
        let gcm = Gcm::<Aes128>::new(&[1; 16]).unwrap();
        for len in [0, 1, 160, 1200] {
            let mut data = alloc::vec![7; len];
            let tag = gcm.seal(&[2; 12], &[3; 12], &mut data).unwrap();
            let sealed = data.clone();
            for bit in 0..128 {
                let mut other = tag;
                other[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(gcm.open(&[2; 12], &[3; 12], &mut data, &other), Err(CryptoError));
            }
            for (nonce, associated) in [([4; 12], [3; 12]), ([2; 12], [4; 12])] {
                assert_eq!(gcm.open(&nonce, &associated, &mut data, &tag), Err(CryptoError));
            }
            assert_eq!(data, sealed);
        }
        assert!(Gcm::<Aes128>::new(&[1; 17]).is_err());
    }
}
