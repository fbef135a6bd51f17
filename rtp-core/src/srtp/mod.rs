//! SRTP and SRTCP (RFC 3711, RFC 6188, RFC 7714): RTP and RTCP encrypted and authenticated in
//! place.
//!
//! ```text
//! AES-CM    | RTP header | encrypted payload | tag |
//!           | RTCP, 8 octets | encrypted rest | E, index | tag |
//! GCM       | RTP header | encrypted payload | tag 16 |
//!           | RTCP, 8 octets | encrypted rest | tag 16 | E, index |
//! ```
//!
//! A [`Sender`] and a [`Receiver`] have a master key each: the two directions of a call never
//! share one. Nothing of a receiver's state changes before a packet is found to be authentic. What
//! a stream's state is can be taken out and put in again, as after hold or a new key.
//!
//! Key derivation rate and MKI are not used, which is what SDES and DTLS-SRTP come to by default;
//! SRTCP that is not encrypted is refused.

mod index;
mod transform;

use crate::rtcp::HEADER_LEN;
use crate::{BufferTooSmall, Fault, Full, ParseError, Ssrc, packet};
use index::ReplayWindow;
pub use index::WindowState;
use transform::Transform;
use zeroize::Zeroizing;

/// The least that has to be free behind a packet that is to be protected: the longest tag, and
/// the index of SRTCP.
pub const MAXIMUM_OVERHEAD: usize = 20;

/// Which ciphers, with keys of which lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Profile {
    /// AES-128 in counter mode, HMAC-SHA1 of 80 bits (RFC 3711).
    AesCm128HmacSha1_80,
    /// AES-128 in counter mode, HMAC-SHA1 of 32 bits, of 80 for SRTCP (RFC 3711).
    AesCm128HmacSha1_32,
    /// AES-192 in counter mode, HMAC-SHA1 of 80 bits (RFC 6188).
    AesCm192HmacSha1_80,
    /// AES-192 in counter mode, HMAC-SHA1 of 32 bits, of 80 for SRTCP (RFC 6188).
    AesCm192HmacSha1_32,
    /// AES-256 in counter mode, HMAC-SHA1 of 80 bits (RFC 6188).
    AesCm256HmacSha1_80,
    /// AES-256 in counter mode, HMAC-SHA1 of 32 bits, of 80 for SRTCP (RFC 6188).
    AesCm256HmacSha1_32,
    /// AES-128 in Galois/counter mode (RFC 7714).
    AeadAes128Gcm,
    /// AES-256 in Galois/counter mode (RFC 7714).
    AeadAes256Gcm,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::AesCm128HmacSha1_80,
        Self::AesCm128HmacSha1_32,
        Self::AesCm192HmacSha1_80,
        Self::AesCm192HmacSha1_32,
        Self::AesCm256HmacSha1_80,
        Self::AesCm256HmacSha1_32,
        Self::AeadAes128Gcm,
        Self::AeadAes256Gcm,
    ];

    /// How long the master key is, in octets.
    pub const fn key_len(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_80 | Self::AesCm128HmacSha1_32 | Self::AeadAes128Gcm => 16,
            Self::AesCm192HmacSha1_80 | Self::AesCm192HmacSha1_32 => 24,
            Self::AesCm256HmacSha1_80 | Self::AesCm256HmacSha1_32 | Self::AeadAes256Gcm => 32,
        }
    }

    /// How long the master salt is, in octets.
    pub const fn salt_len(self) -> usize {
        if self.is_aead() { 12 } else { 14 }
    }

    /// How many octets a protected RTP packet is longer.
    pub const fn rtp_overhead(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_80 | Self::AesCm192HmacSha1_80 | Self::AesCm256HmacSha1_80 => 10,
            Self::AesCm128HmacSha1_32 | Self::AesCm192HmacSha1_32 | Self::AesCm256HmacSha1_32 => 4,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 16,
        }
    }

    /// How many octets a protected RTCP packet is longer.
    pub const fn rtcp_overhead(self) -> usize {
        if self.is_aead() { 20 } else { 14 }
    }

    /// The name that `a=crypto` has for it (RFC 4568 section 6.2, RFC 6188, RFC 7714).
    pub const fn name(self) -> &'static str {
        match self {
            Self::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
            Self::AesCm192HmacSha1_80 => "AES_192_CM_HMAC_SHA1_80",
            Self::AesCm192HmacSha1_32 => "AES_192_CM_HMAC_SHA1_32",
            Self::AesCm256HmacSha1_80 => "AES_256_CM_HMAC_SHA1_80",
            Self::AesCm256HmacSha1_32 => "AES_256_CM_HMAC_SHA1_32",
            Self::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Self::AeadAes256Gcm => "AEAD_AES_256_GCM",
        }
    }

    /// The profile that `a=crypto` names so.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name() == name)
    }

    /// The number of the protection profile in DTLS (RFC 5764 section 4.1.2, RFC 7714 section
    /// 14.2); AES-192 and AES-256 in counter mode have none.
    pub const fn dtls_number(self) -> Option<u16> {
        match self {
            Self::AesCm128HmacSha1_80 => Some(0x0001),
            Self::AesCm128HmacSha1_32 => Some(0x0002),
            Self::AeadAes128Gcm => Some(0x0007),
            Self::AeadAes256Gcm => Some(0x0008),
            _ => None,
        }
    }

    const fn is_aead(self) -> bool {
        matches!(self, Self::AeadAes128Gcm | Self::AeadAes256Gcm)
    }
}

/// A master key and its salt; forgotten by the memory when it is dropped.
#[derive(Clone)]
pub struct MasterKey {
    profile: Profile,
    key: Zeroizing<[u8; 32]>,
    salt: Zeroizing<[u8; 14]>,
}

impl MasterKey {
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
        let mut own = Self { profile, key: Zeroizing::default(), salt: Zeroizing::default() };
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
    /// both keys, then both salts.
    ///
    /// # Errors
    /// The octets are not twice key and salt.
    pub fn from_dtls(profile: Profile, octets: &[u8]) -> Result<(Self, Self), SrtpError> {
        let (key, salt) = (profile.key_len(), profile.salt_len());
        let error = SrtpError::KeyLength { needed: 2 * (key + salt) };
        let (client_key, rest) = octets.split_at_checked(key).ok_or(error)?;
        let (server_key, rest) = rest.split_at_checked(key).ok_or(error)?;
        let (client_salt, server_salt) = rest.split_at_checked(salt).ok_or(error)?;
        let client = Self::new(profile, client_key, client_salt).map_err(|_| error)?;
        let server = Self::new(profile, server_key, server_salt).map_err(|_| error)?;
        Ok((client, server))
    }
}

/// Why a packet was not protected, or not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SrtpError {
    /// The packet has no header that can be read.
    Parse(ParseError),
    /// The buffer has no room for the tag.
    BufferTooSmall(BufferTooSmall),
    /// Key and salt have the wrong length.
    KeyLength {
        /// How many octets the profile asks for.
        needed: usize,
    },
    /// The tag is not that of the packet: it was changed, or has another key.
    Authentication,
    /// The packet was here before, or is too old to tell.
    Replay,
    /// The key has protected as many packets as one may: take a new one.
    KeyExpired,
    /// There is no room for another source.
    Full(Full),
    /// SRTCP that is not encrypted.
    NotEncrypted,
}

impl core::fmt::Display for SrtpError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Parse(error) => error.fmt(f),
            Self::BufferTooSmall(error) => error.fmt(f),
            Self::KeyLength { needed } => {
                write!(f, "the key material has the wrong length: it takes {needed} octets")
            }
            Self::Authentication => f.write_str("the packet is not authentic"),
            Self::Replay => f.write_str("the packet was here before, or is too old"),
            Self::KeyExpired => f.write_str("the key is worn out: negotiate a new one"),
            Self::Full(error) => error.fmt(f),
            Self::NotEncrypted => f.write_str("the RTCP packet is not encrypted"),
        }
    }
}

impl core::error::Error for SrtpError {}

impl From<ParseError> for SrtpError {
    fn from(error: ParseError) -> Self {
        Self::Parse(error)
    }
}

impl From<BufferTooSmall> for SrtpError {
    fn from(error: BufferTooSmall) -> Self {
        Self::BufferTooSmall(error)
    }
}

/// What is known of one source: taken out of a machine and put into another, it goes on there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct StreamState {
    /// The source.
    pub ssrc: Ssrc,
    /// Of RTP: index (the rollover counter above the sequence number) and replay window.
    pub rtp: WindowState,
    /// Of RTCP.
    pub rtcp: WindowState,
}

/// Session keys, and what is known of up to `STREAMS` sources. A source is looked for one by one:
/// a host with many has a machine for each.
struct Context<const STREAMS: usize> {
    profile: Profile,
    rtp: Transform,
    rtcp: Transform,
    streams: [Option<Stream>; STREAMS],
}

#[derive(Clone, Copy)]
struct Stream {
    ssrc: Ssrc,
    rtp: ReplayWindow,
    rtcp: ReplayWindow,
}

impl<const STREAMS: usize> Context<STREAMS> {
    fn new(master: &MasterKey) -> Self {
        Self {
            profile: master.profile,
            rtp: Transform::derive(master, transform::RTP_LABELS),
            rtcp: Transform::derive(master, transform::RTCP_LABELS),
            streams: [None; STREAMS],
        }
    }

    /// The state of a source; a fresh one where it is not known.
    #[inline]
    fn stream(&self, ssrc: Ssrc) -> Stream {
        let known = self.streams.iter().flatten().find(|stream| stream.ssrc == ssrc);
        known.copied().unwrap_or(Stream {
            ssrc,
            rtp: ReplayWindow::default(),
            rtcp: ReplayWindow::default(),
        })
    }

    /// Where the state of a source is kept, or may be.
    #[inline]
    fn cell(&mut self, ssrc: Ssrc) -> Result<&mut Option<Stream>, SrtpError> {
        let known = |cell: &Option<Stream>| cell.is_some_and(|stream| stream.ssrc == ssrc);
        let at = self.streams.iter().position(known);
        let at = at.or_else(|| self.streams.iter().position(Option::is_none));
        at.and_then(|at| self.streams.get_mut(at))
            .ok_or(SrtpError::Full(Full { capacity: STREAMS }))
    }

    fn export(&self) -> impl Iterator<Item = StreamState> {
        self.streams.iter().flatten().map(|stream| StreamState {
            ssrc: stream.ssrc,
            rtp: stream.rtp.export(),
            rtcp: stream.rtcp.export(),
        })
    }

    fn restore(&mut self, state: StreamState) -> Result<(), SrtpError> {
        *self.cell(state.ssrc)? = Some(Stream {
            ssrc: state.ssrc,
            rtp: ReplayWindow::restore(state.rtp),
            rtcp: ReplayWindow::restore(state.rtcp),
        });
        Ok(())
    }

    fn remove(&mut self, ssrc: Ssrc) {
        for cell in &mut self.streams {
            if cell.is_some_and(|stream| stream.ssrc == ssrc) {
                *cell = None;
            }
        }
    }

    fn rekey(&mut self, master: &MasterKey) {
        self.profile = master.profile;
        self.rtp = Transform::derive(master, transform::RTP_LABELS);
        self.rtcp = Transform::derive(master, transform::RTCP_LABELS);
        // The rollover counter goes on (RFC 3711 section 3.3.1); what the new key has protected
        // begins with nothing.
        for stream in self.streams.iter_mut().flatten() {
            stream.rtp.forget_seen();
            stream.rtcp = ReplayWindow::default();
        }
    }
}

/// Protects what is sent.
pub struct Sender<const STREAMS: usize>(Context<STREAMS>);

impl<const STREAMS: usize> Sender<STREAMS> {
    /// Derives the session keys (RFC 3711 section 4.3).
    pub fn new(master: &MasterKey) -> Self {
        Self(Context::new(master))
    }

    /// Protects the RTP packet in the first `len` octets of the buffer, and says how long it is
    /// then: [`Profile::rtp_overhead`] more.
    ///
    /// # Errors
    /// The packet is none, was protected before with this key, or finds no room.
    #[inline]
    pub fn protect_rtp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        let needed = len.saturating_add(self.0.profile.rtp_overhead());
        let too_small = BufferTooSmall { needed };
        let (body, tag) = buffer
            .get_mut(..needed)
            .and_then(|buffer| buffer.split_at_mut_checked(len))
            .ok_or(too_small)?;
        let prefix = packet::Prefix::parse(body)?;
        let mut stream = self.0.stream(prefix.ssrc);
        let index = stream.rtp.estimate(prefix.sequence_number).ok_or(SrtpError::KeyExpired)?;
        // The same index twice would give the keystream away.
        stream.rtp.check(index)?;
        let cell = self.0.cell(prefix.ssrc)?;
        stream.rtp.commit(index);
        *cell = Some(stream);
        self.0.rtp.seal_rtp(prefix, index, body, tag);
        Ok(needed)
    }

    /// Protects the RTCP packet in the first `len` octets of the buffer, and says how long it is
    /// then: [`Profile::rtcp_overhead`] more.
    ///
    /// # Errors
    /// The packet is none, or finds no room, or the key is worn out.
    pub fn protect_rtcp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        let needed = len.saturating_add(self.0.profile.rtcp_overhead());
        let too_small = BufferTooSmall { needed };
        let (body, trailer) = buffer
            .get_mut(..needed)
            .and_then(|buffer| buffer.split_at_mut_checked(len))
            .ok_or(too_small)?;
        let ssrc = rtcp_ssrc(body)?;
        let mut stream = self.0.stream(ssrc);
        let index = stream.rtcp.following().filter(|index| *index <= LAST_RTCP_INDEX);
        let index = index.ok_or(SrtpError::KeyExpired)?;
        let cell = self.0.cell(ssrc)?;
        stream.rtcp.commit(index);
        *cell = Some(stream);
        // At most 31 bits.
        self.0.rtcp.seal_rtcp(ssrc, index as u32, body, trailer).ok_or(too_small)?;
        Ok(needed)
    }

    /// Takes another master key; the rollover counters go on.
    pub fn rekey(&mut self, master: &MasterKey) {
        self.0.rekey(master);
    }

    /// What is known of each source.
    pub fn export(&self) -> impl Iterator<Item = StreamState> {
        self.0.export()
    }

    /// Goes on with a source where another machine has stopped, with the same key or another.
    ///
    /// # Errors
    /// There is no room for another source.
    pub fn restore(&mut self, state: StreamState) -> Result<(), SrtpError> {
        self.0.restore(state)
    }

    /// Forgets a source.
    pub fn remove(&mut self, ssrc: Ssrc) {
        self.0.remove(ssrc);
    }
}

/// Opens what is received.
pub struct Receiver<const STREAMS: usize>(Context<STREAMS>);

impl<const STREAMS: usize> Receiver<STREAMS> {
    /// Derives the session keys (RFC 3711 section 4.3).
    pub fn new(master: &MasterKey) -> Self {
        Self(Context::new(master))
    }

    /// Opens an SRTP packet in place, and says how long the RTP packet at its beginning is.
    ///
    /// # Errors
    /// The packet is none, not authentic, or was here before; the state and, but for the case
    /// of no room, the packet are then as before.
    #[inline]
    pub fn unprotect_rtp(&mut self, datagram: &mut [u8]) -> Result<usize, SrtpError> {
        let total = datagram.len();
        let cut_off = ParseError::new(Fault::Truncated, total);
        let len = total.checked_sub(self.0.profile.rtp_overhead()).ok_or(cut_off)?;
        let (body, tag) = datagram.split_at_mut_checked(len).ok_or(cut_off)?;
        let prefix = packet::Prefix::parse(body)?;
        let mut stream = self.0.stream(prefix.ssrc);
        let index = stream.rtp.estimate(prefix.sequence_number).ok_or(SrtpError::Replay)?;
        stream.rtp.check(index)?;
        self.0.rtp.open_rtp(prefix, index, body, tag)?;
        stream.rtp.commit(index);
        *self.0.cell(prefix.ssrc)? = Some(stream);
        Ok(len)
    }

    /// Opens an SRTCP packet in place, and says how long the RTCP packet at its beginning is.
    ///
    /// # Errors
    /// The packet is none, not authentic, not encrypted, or was here before; the state and, but
    /// for the case of no room, the packet are then as before.
    pub fn unprotect_rtcp(&mut self, datagram: &mut [u8]) -> Result<usize, SrtpError> {
        let total = datagram.len();
        let cut_off = ParseError::new(Fault::Truncated, total);
        let len = total.checked_sub(self.0.profile.rtcp_overhead()).ok_or(cut_off)?;
        let (body, trailer) = datagram.split_at_mut_checked(len).ok_or(cut_off)?;
        let ssrc = rtcp_ssrc(body)?;
        let word = self.0.rtcp.index_word(trailer).ok_or(cut_off)?;
        if word & ENCRYPTED == 0 {
            return Err(SrtpError::NotEncrypted);
        }
        let index = word & !ENCRYPTED;
        let mut stream = self.0.stream(ssrc);
        stream.rtcp.check(u64::from(index))?;
        self.0.rtcp.open_rtcp(ssrc, index, body, trailer)?;
        stream.rtcp.commit(u64::from(index));
        *self.0.cell(ssrc)? = Some(stream);
        Ok(len)
    }

    /// Takes another master key; the rollover counters go on.
    pub fn rekey(&mut self, master: &MasterKey) {
        self.0.rekey(master);
    }

    /// What is known of each source.
    pub fn export(&self) -> impl Iterator<Item = StreamState> {
        self.0.export()
    }

    /// Goes on with a source where another machine has stopped, with the same key or another.
    ///
    /// # Errors
    /// There is no room for another source.
    pub fn restore(&mut self, state: StreamState) -> Result<(), SrtpError> {
        self.0.restore(state)
    }

    /// Forgets a source.
    pub fn remove(&mut self, ssrc: Ssrc) {
        self.0.remove(ssrc);
    }
}

/// The bit of SRTCP's index that says that the packet is encrypted.
const ENCRYPTED: u32 = 1 << 31;
/// The greatest index of SRTCP (RFC 3711 section 3.4).
const LAST_RTCP_INDEX: u64 = (1 << 31) - 1;

/// Who sends an RTCP packet: what stands in clear behind its first header.
fn rtcp_ssrc(packet: &[u8]) -> Result<Ssrc, ParseError> {
    match packet.split_first_chunk::<{ HEADER_LEN + 4 }>() {
        Some((head, _)) if head[0] >> 6 == 2 => {
            Ok(Ssrc(u32::from_be_bytes([head[4], head[5], head[6], head[7]])))
        }
        Some(_) => Err(ParseError::new(Fault::Version, 0)),
        None => Err(ParseError::new(Fault::Truncated, packet.len())),
    }
}

/// Shows what a type is without showing its keys.
macro_rules! keep_secret {
    ($name:literal, $type:ty $(, $streams:ident)?) => {
        impl$(<const $streams: usize>)? core::fmt::Debug for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str($name)
            }
        }

        #[cfg(feature = "defmt")]
        impl$(<const $streams: usize>)? defmt::Format for $type {
            fn format(&self, f: defmt::Formatter<'_>) {
                defmt::write!(f, $name);
            }
        }
    };
}

keep_secret!("MasterKey", MasterKey);
keep_secret!("srtp::Sender", Sender<STREAMS>, STREAMS);
keep_secret!("srtp::Receiver", Receiver<STREAMS>, STREAMS);

#[cfg(test)]
mod tests;
