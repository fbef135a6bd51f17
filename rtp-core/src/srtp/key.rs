//! Master keys, and what belongs to one: its identifier, its lifetime, its derivation rate.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Profile, SrtpError};

/// The identifier of a master key, which packets carry where there are several (MKI, RFC 3711
/// section 3.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mki {
    octets: [u8; Self::CAPACITY],
    len: u8,
}

impl Mki {
    /// The longest identifier, in octets.
    pub const CAPACITY: usize = 8;

    /// An identifier as packets carry it.
    ///
    /// # Errors
    /// There are no octets, or more than [`Mki::CAPACITY`].
    pub fn new(octets: &[u8]) -> Result<Self, SrtpError> {
        let mut own = [0; Self::CAPACITY];
        own.get_mut(..octets.len()).ok_or(SrtpError::Mki)?.copy_from_slice(octets);
        match u8::try_from(octets.len()) {
            Ok(len) if len > 0 => Ok(Self { octets: own, len }),
            _ => Err(SrtpError::Mki),
        }
    }

    /// A number in so many octets, as `a=crypto` gives it (RFC 4568 section 6.1).
    ///
    /// # Errors
    /// There are no octets, more than [`Mki::CAPACITY`], or too few for the number.
    pub fn from_number(number: u64, octets: usize) -> Result<Self, SrtpError> {
        let all = number.to_be_bytes();
        let zeros = all.len().checked_sub(octets).ok_or(SrtpError::Mki)?;
        match all.split_at_checked(zeros) {
            Some((zeros, octets)) if zeros.iter().all(|octet| *octet == 0) => Self::new(octets),
            _ => Err(SrtpError::Mki),
        }
    }

    /// The identifier as packets carry it.
    pub fn as_octets(&self) -> &[u8] {
        self.octets.get(..self.len()).unwrap_or_default()
    }

    /// The identifier as a number.
    pub fn number(&self) -> u64 {
        self.as_octets().iter().fold(0, |number, octet| (number << 8) | u64::from(*octet))
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.len)
    }
}

impl core::fmt::Debug for Mki {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Mki({}:{})", self.number(), self.len)
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Mki {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Mki({}:{})", self.number(), self.len);
    }
}

/// A master key and its salt, with what was agreed on for it; forgotten by the memory when it is
/// dropped.
#[derive(Clone)]
pub struct MasterKey {
    profile: Profile,
    pub(super) key: Zeroizing<[u8; 32]>,
    pub(super) salt: Zeroizing<[u8; 14]>,
    mki: Option<Mki>,
    /// The exponent of the rate.
    derivation_rate: Option<u8>,
    lifetime: u64,
}

impl MasterKey {
    /// How many packets of SRTP a master key protects at most (RFC 3711 section 9.2).
    pub const RTP_LIFETIME: u64 = 1 << 48;
    /// How many packets of SRTCP a master key protects at most (RFC 3711 section 9.2).
    pub const RTCP_LIFETIME: u64 = 1 << 31;

    /// A key and its salt.
    ///
    /// # Errors
    /// One of them has another length than the profile asks for.
    pub fn new(profile: Profile, key: &[u8], salt: &[u8]) -> Result<Self, SrtpError> {
        let needed = profile.key_len() + profile.salt_len();
        let error = SrtpError::KeyLength { needed };
        if key.len() != profile.key_len() || salt.len() != profile.salt_len() {
            return Err(error);
        }
        let mut own = Self {
            profile,
            key: Zeroizing::default(),
            salt: Zeroizing::default(),
            mki: None,
            derivation_rate: None,
            lifetime: Self::RTP_LIFETIME,
        };
        own.key.get_mut(..key.len()).ok_or(error)?.copy_from_slice(key);
        // A shorter salt is filled up with zeros at its end (RFC 7714 section 11).
        own.salt.get_mut(..salt.len()).ok_or(error)?.copy_from_slice(salt);
        Ok(own)
    }

    /// A key with the salt behind it: what `a=crypto` carries after `inline:` in base64 (RFC 4568
    /// section 6.1).
    ///
    /// # Errors
    /// The octets have another length than the profile asks for.
    pub fn from_octets(profile: Profile, octets: &[u8]) -> Result<Self, SrtpError> {
        let needed = profile.key_len() + profile.salt_len();
        let (key, salt) =
            octets.split_at_checked(profile.key_len()).ok_or(SrtpError::KeyLength { needed })?;
        Self::new(profile, key, salt)
    }

    /// The keys of client and server, out of the octets of DTLS' exporter (RFC 5764 section 4.2):
    /// both keys, then both salts. The exporter's label is `EXTRACTOR-dtls_srtp`, without context;
    /// it has to give [`Profile::dtls_len`] octets.
    ///
    /// ```text
    /// | client's key | server's key | client's salt | server's salt |
    /// ```
    ///
    /// # Errors
    /// The octets are not twice key and salt.
    pub fn from_dtls(profile: Profile, octets: &[u8]) -> Result<(Self, Self), SrtpError> {
        let (key, salt) = (profile.key_len(), profile.salt_len());
        let error = SrtpError::KeyLength { needed: profile.dtls_len() };
        let (client_key, rest) = octets.split_at_checked(key).ok_or(error)?;
        let (server_key, rest) = rest.split_at_checked(key).ok_or(error)?;
        let (client_salt, server_salt) = rest.split_at_checked(salt).ok_or(error)?;
        let client = Self::new(profile, client_key, client_salt).map_err(|_| error)?;
        let server = Self::new(profile, server_key, server_salt).map_err(|_| error)?;
        Ok((client, server))
    }

    /// The same key, with an identifier that its packets carry.
    #[must_use]
    pub const fn with_mki(mut self, mki: Mki) -> Self {
        self.mki = Some(mki);
        self
    }

    /// The same key, good for no more than this many packets of SRTP, and as many of SRTCP
    /// (RFC 4568 section 6.1); no more than the standard allows in any case.
    #[must_use]
    pub const fn with_lifetime(mut self, packets: u64) -> Self {
        self.lifetime = if packets < Self::RTP_LIFETIME { packets } else { Self::RTP_LIFETIME };
        self
    }

    /// The same key, from which session keys are derived anew after each 2 to the power of
    /// `exponent` packets (RFC 3711 section 4.3.1, `KDR` of RFC 4568).
    ///
    /// # Errors
    /// The exponent is above 24.
    pub fn with_derivation_rate(mut self, exponent: u8) -> Result<Self, SrtpError> {
        if exponent > 24 {
            return Err(SrtpError::DerivationRate);
        }
        self.derivation_rate = Some(exponent);
        Ok(self)
    }

    /// Which ciphers the key is for.
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// The identifier that packets carry, if there is one.
    pub const fn mki(&self) -> Option<Mki> {
        self.mki
    }

    /// For how many packets of SRTP the key is good, and as many of SRTCP up to
    /// [`MasterKey::RTCP_LIFETIME`].
    pub const fn lifetime(&self) -> u64 {
        self.lifetime
    }

    /// The exponent of the key derivation rate; nothing where keys are derived once.
    pub const fn derivation_rate(&self) -> Option<u8> {
        self.derivation_rate
    }

    /// Key and salt, as `a=crypto` has them: how many octets of these.
    pub(super) fn octets(&self) -> (Zeroizing<[u8; 46]>, usize) {
        let mut octets = Zeroizing::new([0; 46]);
        let (key, salt) = (self.profile.key_len(), self.profile.salt_len());
        let all = self.key.iter().take(key).chain(self.salt.iter().take(salt));
        octets.iter_mut().zip(all).for_each(|(cell, octet)| *cell = *octet);
        (octets, key + salt)
    }

    /// How often session keys have been derived anew when a packet has this index.
    #[inline]
    pub(super) fn period(&self, index: u64) -> u64 {
        self.derivation_rate.map_or(0, |exponent| index >> (exponent & 63))
    }
}

impl PartialEq for MasterKey {
    /// Compares keys in a time that does not tell where they differ.
    fn eq(&self, other: &Self) -> bool {
        let same_key = self.key.ct_eq(&*other.key) & self.salt.ct_eq(&*other.salt);
        self.profile == other.profile
            && self.mki == other.mki
            && self.derivation_rate == other.derivation_rate
            && self.lifetime == other.lifetime
            && bool::from(same_key)
    }
}

impl Eq for MasterKey {}
