//! Session keys, and what is done to a packet with them.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::crypto::{AEAD_TAG_LEN, Aead, CounterMode, Crypto, CryptoError, Mac};
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

/// The keys of RTP or of RTCP.
pub(super) enum Transform<C: Crypto> {
    CounterMode { cipher: C::CounterMode, mac: C::Mac, salt: Zeroizing<[u8; 14]> },
    Aead { cipher: C::Aead, salt: Zeroizing<[u8; 12]> },
}

impl<C: Crypto> Transform<C> {
    /// Derives the session keys of a period out of a master key (RFC 3711 section 4.3, RFC 7714
    /// section 11).
    pub(super) fn derive(
        crypto: &C,
        master: &MasterKey,
        [key, auth, salt]: [u8; 3],
        period: u64,
    ) -> Result<Self, CryptoError> {
        let len = master.profile().key_len();
        let mut generator = crypto.counter_mode(master.key.get(..len).ok_or(CryptoError)?)?;
        let mut derive = |label: u8, octets: &mut [u8]| {
            // | salt 14 | 0 | with | label | period 48 | at its end.
            let mut wide = [0; 16];
            wide.iter_mut().zip(master.salt.iter()).for_each(|(cell, salt)| *cell = *salt);
            let number = (u128::from(label) << 48) | u128::from(period & 0xffff_ffff_ffff);
            let counter = u128::from_be_bytes(wide) ^ (number << 16);
            generator.apply(&counter.to_be_bytes(), octets)
        };
        let mut session_key = Zeroizing::new([0; 32]);
        let mut session_auth = Zeroizing::new([0; 20]);
        let mut session_salt = Zeroizing::new([0; 14]);
        let session_key = session_key.get_mut(..len).ok_or(CryptoError)?;
        derive(key, session_key)?;
        derive(auth, &mut *session_auth)?;
        derive(salt, &mut *session_salt)?;
        Self::with_session_keys(crypto, master.profile(), session_key, &session_auth, session_salt)
    }

    pub(super) fn with_session_keys(
        crypto: &C,
        profile: Profile,
        key: &[u8],
        auth: &[u8; 20],
        salt: Zeroizing<[u8; 14]>,
    ) -> Result<Self, CryptoError> {
        if profile.is_aead() {
            let [short @ .., _, _] = *salt;
            return Ok(Self::Aead { cipher: crypto.aead(key)?, salt: Zeroizing::new(short) });
        }
        Ok(Self::CounterMode { cipher: crypto.counter_mode(key)?, mac: crypto.mac(auth)?, salt })
    }

    /// Encrypts the payload of a packet, and writes its tag.
    #[inline]
    pub(super) fn seal_rtp(
        &mut self,
        prefix: Prefix,
        index: u64,
        body: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), CryptoError> {
        match self {
            Self::CounterMode { cipher, mac, salt } => {
                let payload = body.get_mut(prefix.len..).ok_or(CryptoError)?;
                cipher.apply(&counter(salt, prefix.ssrc, index), payload)?;
                let whole = mac.tag(body, rollover(index))?;
                tag.iter_mut().zip(whole).for_each(|(cell, octet)| *cell = octet);
            }
            Self::Aead { cipher, salt } => {
                let (header, payload) = body.split_at_mut_checked(prefix.len).ok_or(CryptoError)?;
                let nonce = nonce(salt, prefix.ssrc, index);
                let whole = cipher.seal(&nonce, header, payload)?;
                tag.iter_mut().zip(whole).for_each(|(cell, octet)| *cell = octet);
            }
        }
        Ok(())
    }

    /// Checks the tag of a packet, and decrypts its payload where the tag is right.
    #[inline]
    pub(super) fn open_rtp(
        &mut self,
        prefix: Prefix,
        index: u64,
        body: &mut [u8],
        tag: &[u8],
    ) -> Result<(), SrtpError> {
        match self {
            Self::CounterMode { cipher, mac, salt } => {
                same(&mac.tag(body, rollover(index))?, tag)?;
                let payload = body.get_mut(prefix.len..).ok_or(CryptoError)?;
                cipher.apply(&counter(salt, prefix.ssrc, index), payload)?;
                Ok(())
            }
            Self::Aead { cipher, salt } => {
                let (header, payload) = body.split_at_mut_checked(prefix.len).ok_or(CryptoError)?;
                let nonce = nonce(salt, prefix.ssrc, index);
                open(cipher, &nonce, header, payload, tag)
            }
        }
    }

    /// Encrypts an RTCP packet, and writes its tag.
    pub(super) fn seal_rtcp(
        &mut self,
        ssrc: Ssrc,
        index: u32,
        body: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), CryptoError> {
        let word = (index | ENCRYPTED).to_be_bytes();
        let (clear, rest) = body.split_at_mut_checked(RTCP_CLEAR).ok_or(CryptoError)?;
        match self {
            Self::CounterMode { cipher, mac, salt } => {
                cipher.apply(&counter(salt, ssrc, u64::from(index)), rest)?;
                let whole = mac.tag(body, word)?;
                tag.iter_mut().zip(whole).for_each(|(cell, octet)| *cell = octet);
            }
            Self::Aead { cipher, salt } => {
                let nonce = nonce(salt, ssrc, u64::from(index));
                let whole = cipher.seal(&nonce, &associated(clear, word)?, rest)?;
                tag.iter_mut().zip(whole).for_each(|(cell, octet)| *cell = octet);
            }
        }
        Ok(())
    }

    /// Checks the tag of an RTCP packet, and decrypts it where the tag is right.
    pub(super) fn open_rtcp(
        &mut self,
        ssrc: Ssrc,
        index: u32,
        body: &mut [u8],
        tag: &[u8],
    ) -> Result<(), SrtpError> {
        let word = (index | ENCRYPTED).to_be_bytes();
        match self {
            Self::CounterMode { cipher, mac, salt } => {
                same(&mac.tag(body, word)?, tag)?;
                let rest = body.get_mut(RTCP_CLEAR..).ok_or(CryptoError)?;
                cipher.apply(&counter(salt, ssrc, u64::from(index)), rest)?;
                Ok(())
            }
            Self::Aead { cipher, salt } => {
                let (clear, rest) = body.split_at_mut_checked(RTCP_CLEAR).ok_or(CryptoError)?;
                let nonce = nonce(salt, ssrc, u64::from(index));
                open(cipher, &nonce, &associated(clear, word)?, rest, tag)
            }
        }
    }
}

/// Where a packet's parts stand behind its body.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    aead: bool,
    pub(super) rtp_tag: usize,
    pub(super) mki: usize,
}

impl Layout {
    pub(super) fn of(master: &MasterKey) -> Self {
        let profile = master.profile();
        Self {
            aead: profile.is_aead(),
            rtp_tag: profile.rtp_overhead(),
            mki: master.mki().map_or(0, |mki| mki.len()),
        }
    }

    /// How much longer a protected RTP packet is.
    #[inline]
    pub(super) const fn rtp(self) -> usize {
        self.rtp_tag + self.mki
    }

    /// How much longer a protected RTCP packet is.
    pub(super) const fn rtcp(self) -> usize {
        4 + self.mki + if self.aead { AEAD_TAG_LEN } else { RTCP_TAG }
    }

    /// What stands behind the body of an SRTP packet: identifier and tag.
    #[inline]
    pub(super) fn split_rtp(self, trailer: &[u8]) -> Option<(&[u8], &[u8])> {
        if self.aead {
            trailer.split_at_checked(self.rtp_tag).map(|(tag, mki)| (mki, tag))
        } else {
            trailer.split_at_checked(self.mki)
        }
    }

    /// The same, to be written.
    #[inline]
    pub(super) fn split_rtp_mut(self, trailer: &mut [u8]) -> Option<(&mut [u8], &mut [u8])> {
        if self.aead {
            trailer.split_at_mut_checked(self.rtp_tag).map(|(tag, mki)| (mki, tag))
        } else {
            trailer.split_at_mut_checked(self.mki)
        }
    }

    /// What stands behind the body of an SRTCP packet: index, identifier and tag.
    pub(super) fn split_rtcp(self, trailer: &[u8]) -> Option<(u32, &[u8], &[u8])> {
        let (tag, rest) = trailer.split_at_checked(if self.aead { AEAD_TAG_LEN } else { 0 })?;
        let (word, rest) = rest.split_first_chunk::<4>()?;
        let (mki, last) = rest.split_at_checked(self.mki)?;
        Some((u32::from_be_bytes(*word), mki, if self.aead { tag } else { last }))
    }

    /// Writes index and identifier behind the body of an SRTCP packet, and gives the place of its
    /// tag.
    pub(super) fn fill_rtcp<'b>(
        self,
        trailer: &'b mut [u8],
        index: u32,
        mki: &[u8],
    ) -> Option<&'b mut [u8]> {
        let tag_len = if self.aead { AEAD_TAG_LEN } else { 0 };
        let (tag, rest) = trailer.split_at_mut_checked(tag_len)?;
        let (word, rest) = rest.split_first_chunk_mut::<4>()?;
        *word = (index | ENCRYPTED).to_be_bytes();
        let (cells, last) = rest.split_at_mut_checked(mki.len())?;
        cells.copy_from_slice(mki);
        Some(if self.aead { tag } else { last })
    }
}

fn open(
    cipher: &mut impl Aead,
    nonce: &[u8; 12],
    associated: &[u8],
    data: &mut [u8],
    tag: &[u8],
) -> Result<(), SrtpError> {
    let tag = tag.try_into().map_err(|_| SrtpError::Authentication)?;
    cipher.open(nonce, associated, data, tag).map_err(|_| SrtpError::Authentication)
}

/// Compares the beginning of a tag, in a time that does not tell where it differs.
#[inline]
fn same(whole: &[u8; 20], tag: &[u8]) -> Result<(), SrtpError> {
    match whole.get(..tag.len().min(RTCP_TAG)) {
        Some(expected) if bool::from(expected.ct_eq(tag)) => Ok(()),
        _ => Err(SrtpError::Authentication),
    }
}

/// The rollover counter, which is authenticated with a packet (RFC 3711 section 4.2).
#[inline]
const fn rollover(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}

/// The counter that a packet begins with (RFC 3711 section 4.1.1).
#[inline]
fn counter(salt: &[u8; 14], ssrc: Ssrc, index: u64) -> [u8; 16] {
    let mut wide = [0; 16];
    let (cells, _) = wide.split_at_mut(14);
    cells.copy_from_slice(salt);
    let number = (u128::from(ssrc.0) << 64) | (u128::from(index) << 16);
    (u128::from_be_bytes(wide) ^ number).to_be_bytes()
}

/// The nonce of a packet: SSRC and index at their places, and the salt (RFC 7714 sections 8.1 and
/// 9.1).
#[inline]
fn nonce(salt: &[u8; 12], ssrc: Ssrc, index: u64) -> [u8; 12] {
    let number = (u128::from(ssrc.0) << 48) | u128::from(index);
    let [_, _, _, _, mut nonce @ ..] = number.to_be_bytes();
    nonce.iter_mut().zip(salt).for_each(|(cell, salt)| *cell ^= salt);
    nonce
}

/// What is authenticated of an RTCP packet beside what is encrypted (RFC 7714 section 9.2).
fn associated(clear: &[u8], word: [u8; 4]) -> Result<[u8; RTCP_CLEAR + 4], CryptoError> {
    let mut all = [0; RTCP_CLEAR + 4];
    let (head, tail) = all.split_at_mut_checked(RTCP_CLEAR).ok_or(CryptoError)?;
    head.copy_from_slice(clear.get(..RTCP_CLEAR).ok_or(CryptoError)?);
    tail.copy_from_slice(&word);
    Ok(all)
}
