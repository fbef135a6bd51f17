//! Session keys, and what is done to a packet with them.

use aes::cipher::{BlockCipherEncrypt, InnerIvInit, KeyInit, StreamCipher, consts::U16};
use aes::{Aes128, Aes192, Aes256};
use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use ctr::{Ctr128BE, CtrCore};
use hmac::{Hmac, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{ENCRYPTED, MasterKey, Profile, SrtpError};
use crate::Ssrc;
use crate::packet::Prefix;
use crate::rtcp::HEADER_LEN;

/// Labels of the keys for encryption, authentication and salt (RFC 3711 section 4.3.2).
pub(super) const RTP_LABELS: [u8; 3] = [0, 1, 2];
/// The same for SRTCP.
pub(super) const RTCP_LABELS: [u8; 3] = [3, 4, 5];

/// What of an RTCP packet stands in clear: its first header, and the SSRC.
const RTCP_CLEAR: usize = HEADER_LEN + 4;
/// How long SRTCP's tag is with HMAC-SHA1 (RFC 3711 section 5.2, RFC 4568 section 6.2).
const RTCP_TAG: usize = 10;
const GCM_TAG: usize = 16;

/// A block cipher with its key.
pub(super) enum Aes {
    A128(Aes128),
    A192(Aes192),
    A256(Aes256),
}

impl Aes {
    /// A cipher by the length of its key: 16, 24 or 32 octets.
    fn new(key: &[u8]) -> Option<Self> {
        Some(match key.len() {
            16 => Self::A128(Aes128::new_from_slice(key).ok()?),
            24 => Self::A192(Aes192::new_from_slice(key).ok()?),
            _ => Self::A256(Aes256::new_from_slice(key).ok()?),
        })
    }

    /// Adds the keystream of counter mode (RFC 3711 section 4.1.1).
    #[inline]
    fn apply(&self, iv: [u8; 16], data: &mut [u8]) {
        fn with<C: BlockCipherEncrypt<BlockSize = U16>>(cipher: &C, iv: [u8; 16], data: &mut [u8]) {
            let mut stream = Ctr128BE::from_core(CtrCore::inner_iv_init(cipher, &iv.into()));
            // A datagram never comes near the end of the keystream.
            let _ = stream.try_apply_keystream(data);
        }
        match self {
            Self::A128(cipher) => with(cipher, iv, data),
            Self::A192(cipher) => with(cipher, iv, data),
            Self::A256(cipher) => with(cipher, iv, data),
        }
    }
}

/// The keys of RTP or of RTCP.
pub(super) enum Transform {
    CounterMode {
        cipher: Aes,
        salt: [u8; 14],
        /// With its two pads worked in already.
        mac: Hmac<Sha1>,
    },
    Gcm128 {
        cipher: Aes128Gcm,
        salt: [u8; 12],
    },
    Gcm256 {
        cipher: Aes256Gcm,
        salt: [u8; 12],
    },
    /// Not reached: keys have the length that their profile asks for.
    None,
}

impl Transform {
    /// Derives session keys of a master key (RFC 3711 section 4.3, RFC 7714 section 11).
    pub(super) fn derive(master: &MasterKey, [key, auth, salt]: [u8; 3]) -> Self {
        let len = master.profile.key_len();
        let Some(generator) = master.key.get(..len).and_then(Aes::new) else { return Self::None };
        let derive = |label: u8, octets: &mut [u8]| {
            let mut iv = [0; 16];
            for (cell, salt) in iv.iter_mut().zip(master.salt.iter()) {
                *cell = *salt;
            }
            iv[7] ^= label;
            generator.apply(iv, octets);
        };
        let mut session_key = Zeroizing::new([0; 32]);
        let mut session_auth = Zeroizing::new([0; 20]);
        let mut session_salt = [0; 14];
        let Some(session_key) = session_key.get_mut(..len) else { return Self::None };
        derive(key, session_key);
        derive(auth, &mut *session_auth);
        derive(salt, &mut session_salt);
        Self::with_session_keys(master.profile, session_key, &*session_auth, session_salt)
    }

    pub(super) fn with_session_keys(
        profile: Profile,
        key: &[u8],
        auth: &[u8],
        salt: [u8; 14],
    ) -> Self {
        let [short_salt @ .., _, _] = salt;
        match profile {
            Profile::AeadAes128Gcm => Aes128Gcm::new_from_slice(key)
                .map_or(Self::None, |cipher| Self::Gcm128 { cipher, salt: short_salt }),
            Profile::AeadAes256Gcm => Aes256Gcm::new_from_slice(key)
                .map_or(Self::None, |cipher| Self::Gcm256 { cipher, salt: short_salt }),
            _ => match (Aes::new(key), Hmac::new_from_slice(auth)) {
                (Some(cipher), Ok(mac)) => Self::CounterMode { cipher, salt, mac },
                _ => Self::None,
            },
        }
    }

    /// Encrypts the payload of a packet, and writes its tag.
    #[inline]
    pub(super) fn seal_rtp(&self, prefix: Prefix, index: u64, body: &mut [u8], tag: &mut [u8]) {
        if let Self::CounterMode { cipher, salt, mac } = self {
            if let Some(payload) = body.get_mut(prefix.len..) {
                cipher.apply(counter_iv(salt, prefix.ssrc, index), payload);
            }
            let roc = ((index >> 16) as u32).to_be_bytes();
            let whole = authenticate(mac, body, &roc);
            tag.iter_mut().zip(whole).for_each(|(cell, octet)| *cell = octet);
        } else if let Some((header, payload)) = body.split_at_mut_checked(prefix.len) {
            let nonce = nonce(prefix.ssrc, index);
            if let Some(whole) = self.encrypt(nonce, header, payload) {
                tag.iter_mut().zip(whole).for_each(|(cell, octet)| *cell = octet);
            }
        }
    }

    /// Checks the tag of a packet, and decrypts its payload where the tag is right.
    #[inline]
    pub(super) fn open_rtp(
        &self,
        prefix: Prefix,
        index: u64,
        body: &mut [u8],
        tag: &[u8],
    ) -> Result<(), SrtpError> {
        if let Self::CounterMode { cipher, salt, mac } = self {
            let roc = ((index >> 16) as u32).to_be_bytes();
            same(&authenticate(mac, body, &roc), tag)?;
            if let Some(payload) = body.get_mut(prefix.len..) {
                cipher.apply(counter_iv(salt, prefix.ssrc, index), payload);
            }
            Ok(())
        } else {
            let (header, payload) =
                body.split_at_mut_checked(prefix.len).ok_or(SrtpError::Authentication)?;
            self.decrypt(nonce(prefix.ssrc, index), header, payload, tag)
        }
    }

    /// Encrypts an RTCP packet, and writes what stands behind it.
    pub(super) fn seal_rtcp(
        &self,
        ssrc: Ssrc,
        index: u32,
        body: &mut [u8],
        trailer: &mut [u8],
    ) -> Option<()> {
        let word = (index | ENCRYPTED).to_be_bytes();
        let (clear, rest) = body.split_at_mut_checked(RTCP_CLEAR)?;
        if let Self::CounterMode { cipher, salt, mac } = self {
            cipher.apply(counter_iv(salt, ssrc, u64::from(index)), rest);
            let (cells, tag) = trailer.split_first_chunk_mut::<4>()?;
            *cells = word;
            let whole = authenticate(mac, body, &word);
            tag.iter_mut().zip(whole).for_each(|(cell, octet)| *cell = octet);
        } else {
            let whole = self.encrypt(nonce(ssrc, u64::from(index)), &aad(clear, word)?, rest)?;
            let (tag, cells) = trailer.split_first_chunk_mut::<GCM_TAG>()?;
            *tag = whole;
            *cells.first_chunk_mut()? = word;
        }
        Some(())
    }

    /// Checks the tag of an RTCP packet, and decrypts it where the tag is right.
    pub(super) fn open_rtcp(
        &self,
        ssrc: Ssrc,
        index: u32,
        body: &mut [u8],
        trailer: &[u8],
    ) -> Result<(), SrtpError> {
        let word = (index | ENCRYPTED).to_be_bytes();
        if let Self::CounterMode { cipher, salt, mac } = self {
            let tag = trailer.get(4..).ok_or(SrtpError::Authentication)?;
            same(&authenticate(mac, body, &word), tag)?;
            if let Some(rest) = body.get_mut(RTCP_CLEAR..) {
                cipher.apply(counter_iv(salt, ssrc, u64::from(index)), rest);
            }
            return Ok(());
        }
        let parts = body.split_at_mut_checked(RTCP_CLEAR).zip(trailer.get(..GCM_TAG));
        let ((clear, rest), tag) = parts.ok_or(SrtpError::Authentication)?;
        let aad = aad(clear, word).ok_or(SrtpError::Authentication)?;
        self.decrypt(nonce(ssrc, u64::from(index)), &aad, rest, tag)
    }

    /// The word behind an RTCP packet that holds its index.
    pub(super) fn index_word(&self, trailer: &[u8]) -> Option<u32> {
        let word = match self {
            Self::CounterMode { .. } => trailer.first_chunk::<4>()?,
            _ => trailer.last_chunk::<4>()?,
        };
        Some(u32::from_be_bytes(*word))
    }

    fn encrypt(&self, nonce: [u8; 12], aad: &[u8], data: &mut [u8]) -> Option<[u8; GCM_TAG]> {
        let tag = match self {
            Self::Gcm128 { cipher, salt } => {
                cipher.encrypt_inout_detached(&salted(nonce, salt).into(), aad, data.into())
            }
            Self::Gcm256 { cipher, salt } => {
                cipher.encrypt_inout_detached(&salted(nonce, salt).into(), aad, data.into())
            }
            _ => return None,
        };
        tag.ok().map(Into::into)
    }

    fn decrypt(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        data: &mut [u8],
        tag: &[u8],
    ) -> Result<(), SrtpError> {
        let tag: [u8; GCM_TAG] = tag.try_into().map_err(|_| SrtpError::Authentication)?;
        let opened = match self {
            Self::Gcm128 { cipher, salt } => {
                let nonce = salted(nonce, salt).into();
                cipher.decrypt_inout_detached(&nonce, aad, data.into(), &tag.into())
            }
            Self::Gcm256 { cipher, salt } => {
                let nonce = salted(nonce, salt).into();
                cipher.decrypt_inout_detached(&nonce, aad, data.into(), &tag.into())
            }
            _ => return Err(SrtpError::Authentication),
        };
        opened.map_err(|_| SrtpError::Authentication)
    }
}

/// The tag of a packet and what is authenticated with it.
#[inline]
fn authenticate(mac: &Hmac<Sha1>, packet: &[u8], more: &[u8; 4]) -> [u8; 20] {
    let mut mac = mac.clone();
    mac.update(packet);
    mac.update(more);
    mac.finalize().into_bytes().into()
}

/// Compares the beginning of a tag, in a time that does not tell where it differs.
#[inline]
fn same(whole: &[u8; 20], tag: &[u8]) -> Result<(), SrtpError> {
    match whole.get(..tag.len().min(RTCP_TAG)) {
        Some(expected) if bool::from(expected.ct_eq(tag)) => Ok(()),
        _ => Err(SrtpError::Authentication),
    }
}

/// The counter that a packet begins with (RFC 3711 section 4.1.1).
#[inline]
fn counter_iv(salt: &[u8; 14], ssrc: Ssrc, index: u64) -> [u8; 16] {
    let mut wide = [0; 16];
    let (cells, _) = wide.split_at_mut(14);
    cells.copy_from_slice(salt);
    let number = (u128::from(ssrc.0) << 64) | (u128::from(index) << 16);
    (u128::from_be_bytes(wide) ^ number).to_be_bytes()
}

/// SSRC and index at their places in a nonce (RFC 7714 sections 8.1 and 9.1).
#[inline]
fn nonce(ssrc: Ssrc, index: u64) -> [u8; 12] {
    let number = (u128::from(ssrc.0) << 48) | u128::from(index);
    let [_, _, _, _, nonce @ ..] = number.to_be_bytes();
    nonce
}

#[inline]
fn salted(mut nonce: [u8; 12], salt: &[u8; 12]) -> [u8; 12] {
    nonce.iter_mut().zip(salt).for_each(|(cell, salt)| *cell ^= salt);
    nonce
}

/// What is authenticated of an RTCP packet beside what is encrypted (RFC 7714 section 9.2).
fn aad(clear: &[u8], word: [u8; 4]) -> Option<[u8; RTCP_CLEAR + 4]> {
    let mut aad = [0; RTCP_CLEAR + 4];
    let (head, tail) = aad.split_at_mut_checked(RTCP_CLEAR)?;
    head.copy_from_slice(clear.get(..RTCP_CLEAR)?);
    tail.copy_from_slice(&word);
    Some(aad)
}
