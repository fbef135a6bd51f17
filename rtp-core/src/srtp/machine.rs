//! The two machines: one for each direction.

use super::context::{Context, Keys, StreamState, Usage};
use super::crypto::{Crypto, Software};
use super::index::ReplayWindow;
use super::{ENCRYPTED, LAST_RTCP_INDEX, MasterKey, Mki, SrtpError};
use crate::packet::Prefix;
use crate::rtcp::HEADER_LEN;
use crate::{BufferTooSmall, Fault, ParseError, Ssrc};

/// Protects what is sent, of up to `STREAMS` sources.
///
/// ```
/// use rtp_core::srtp::{MasterKey, Profile, Receiver, Sender};
/// let key = MasterKey::from_octets(Profile::AesCm128HmacSha1_80, &[7; 30])?;
/// let mut sender = Sender::<1>::new(&key);
/// let mut receiver = Receiver::<1>::new(&key);
/// let mut datagram = [0x80; 200];
/// let len = sender.protect_rtp(&mut datagram, 172)?;
/// assert_eq!(receiver.unprotect_rtp(&mut datagram[..len])?, 172);
/// # Ok::<(), rtp_core::srtp::SrtpError>(())
/// ```
pub struct Sender<const STREAMS: usize, C: Crypto = Software>(Context<C, STREAMS, 1>);

impl<const STREAMS: usize> Sender<STREAMS> {
    /// Derives the session keys (RFC 3711 section 4.3). Where the feature of the key's profile is not
    /// there, each packet is refused.
    pub fn new(master: &MasterKey) -> Self {
        Self(Context::new(Software, master, Keys::new(&Software, master).ok()))
    }
}

impl<const STREAMS: usize, C: Crypto> Sender<STREAMS, C> {
    /// Derives the session keys with the host's own ciphers.
    ///
    /// # Errors
    /// The ciphers cannot work with such a key.
    pub fn with_crypto(crypto: C, master: &MasterKey) -> Result<Self, SrtpError> {
        let keys = Keys::new(&crypto, master)?;
        Ok(Self(Context::new(crypto, master, Some(keys))))
    }

    /// Protects the RTP packet in the first `len` octets of the buffer, and says how long it is
    /// then: [`Sender::rtp_overhead`] more.
    ///
    /// # Errors
    /// The packet is none, was protected before with this key, or finds no room; or the key is
    /// worn out.
    #[inline]
    pub fn protect_rtp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        let context = &mut self.0;
        let needed = len.saturating_add(context.layout.rtp());
        let too_small = BufferTooSmall { needed };
        let (body, trailer) = buffer
            .get_mut(..needed)
            .and_then(|buffer| buffer.split_at_mut_checked(len))
            .ok_or(too_small)?;
        let prefix = Prefix::parse(body)?;
        let at = context.place(prefix.ssrc)?;
        let index = match context.stream(at) {
            Some(stream) => {
                let index = stream.rtp.estimate(prefix.sequence_number);
                let index = index.ok_or(SrtpError::KeyExpired)?;
                // The same index twice would give the keystream away.
                stream.rtp.check(index)?;
                index
            }
            None => u64::from(prefix.sequence_number),
        };
        let [Some(keys)] = &mut context.keys else { return Err(SrtpError::UnknownKey) };
        keys.may_rtp()?;
        let (cells, tag) = context.layout.split_rtp_mut(trailer).ok_or(too_small)?;
        if let Some(mki) = keys.master.mki() {
            cells.copy_from_slice(mki.as_octets());
        }
        keys.usage.rtp += 1;
        let sealed = keys.with_rtp(&context.crypto, index, |transform| {
            transform.seal_rtp(prefix, index, body, tag)
        });
        context.commit(at, prefix.ssrc, |stream| stream.rtp.commit(index));
        sealed?;
        Ok(needed)
    }

    /// Protects the RTCP packet in the first `len` octets of the buffer, and says how long it is
    /// then: [`Sender::rtcp_overhead`] more.
    ///
    /// # Errors
    /// The packet is none, or finds no room, or the key is worn out.
    pub fn protect_rtcp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        let context = &mut self.0;
        let needed = len.saturating_add(context.layout.rtcp());
        let too_small = BufferTooSmall { needed };
        let (body, trailer) = buffer
            .get_mut(..needed)
            .and_then(|buffer| buffer.split_at_mut_checked(len))
            .ok_or(too_small)?;
        let ssrc = rtcp_ssrc(body)?;
        let at = context.place(ssrc)?;
        let stream = context.stream(at);
        let index = stream.map_or(Some(0), |stream| stream.rtcp.following());
        let index = index.filter(|index| *index <= LAST_RTCP_INDEX).ok_or(SrtpError::KeyExpired)?;
        let [Some(keys)] = &mut context.keys else { return Err(SrtpError::UnknownKey) };
        keys.may_rtcp()?;
        let mki = keys.master.mki();
        let mki = mki.as_ref().map_or(&[][..], Mki::as_octets);
        // At most 31 bits.
        let short = index as u32;
        let tag = context.layout.fill_rtcp(trailer, short, mki).ok_or(too_small)?;
        keys.usage.rtcp += 1;
        let sealed = keys.with_rtcp(&context.crypto, index, |transform| {
            transform.seal_rtcp(ssrc, short, body, tag)
        });
        context.commit(at, ssrc, |stream| stream.rtcp.commit(index));
        sealed?;
        Ok(needed)
    }

    /// Takes another master key. Rollover counters and indices of SRTCP go on (RFC 3711 sections
    /// 3.3.1 and 3.4); a peer that begins with none needs [`Sender::remove`] first. With the key
    /// that is in use already nothing changes but its lifetime.
    ///
    /// # Errors
    /// The ciphers cannot work with such a key; the one in use stays.
    pub fn rekey(&mut self, master: &MasterKey) -> Result<(), SrtpError> {
        if self.0.rekey(master)? {
            for stream in self.0.streams.iter_mut().flatten() {
                stream.rtp.forget_seen();
            }
        }
        Ok(())
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

    /// How many packets the key has protected: near [`MasterKey::lifetime`] it is time for another.
    pub fn usage(&self) -> Usage {
        self.0.usage()
    }

    /// Goes on counting where another machine with the same key has stopped.
    pub fn restore_usage(&mut self, usage: Usage) {
        self.0.restore_usage(usage);
    }

    /// How many octets a protected RTP packet is longer.
    pub const fn rtp_overhead(&self) -> usize {
        self.0.layout.rtp()
    }

    /// How many octets a protected RTCP packet is longer.
    pub const fn rtcp_overhead(&self) -> usize {
        self.0.layout.rtcp()
    }
}

/// Opens what is received, of up to `STREAMS` sources, with up to `KEYS` master keys, which
/// packets tell apart by their identifiers.
pub struct Receiver<const STREAMS: usize, const KEYS: usize = 1, C: Crypto = Software>(
    Context<C, STREAMS, KEYS>,
);

impl<const STREAMS: usize> Receiver<STREAMS> {
    /// Derives the session keys (RFC 3711 section 4.3). Where the feature of the key's profile is not
    /// there, each packet is refused.
    pub fn new(master: &MasterKey) -> Self {
        Self(Context::new(Software, master, Keys::new(&Software, master).ok()))
    }
}

impl<const STREAMS: usize, const KEYS: usize, C: Crypto> Receiver<STREAMS, KEYS, C> {
    /// Derives the session keys with the host's own ciphers.
    ///
    /// # Errors
    /// The ciphers cannot work with such a key.
    pub fn with_crypto(crypto: C, master: &MasterKey) -> Result<Self, SrtpError> {
        let keys = Keys::new(&crypto, master)?;
        Ok(Self(Context::new(crypto, master, Some(keys))))
    }

    /// Opens an SRTP packet in place, and says how long the RTP packet at its beginning is.
    ///
    /// # Errors
    /// The packet is none, not authentic, or was here before; the state is then as before, and
    /// with [`Software`] the packet too.
    #[inline]
    pub fn unprotect_rtp(&mut self, datagram: &mut [u8]) -> Result<usize, SrtpError> {
        let context = &mut self.0;
        let total = datagram.len();
        let cut_off = ParseError::new(Fault::Truncated, total);
        let len = total.checked_sub(context.layout.rtp()).ok_or(cut_off)?;
        let (body, trailer) = datagram.split_at_mut_checked(len).ok_or(cut_off)?;
        let prefix = Prefix::parse(body)?;
        let at = context.place(prefix.ssrc)?;
        let index = match context.stream(at) {
            Some(stream) => {
                let index = stream.rtp.estimate(prefix.sequence_number);
                let index = index.ok_or(SrtpError::Replay)?;
                stream.rtp.check(index)?;
                index
            }
            None => u64::from(prefix.sequence_number),
        };
        let (mki, tag) = context.layout.split_rtp(trailer).ok_or(cut_off)?;
        let key = context.key_of(mki)?;
        let keys = context.keys.get_mut(key).and_then(Option::as_mut);
        let keys = keys.ok_or(SrtpError::UnknownKey)?;
        keys.may_rtp()?;
        keys.with_rtp(&context.crypto, index, |transform| {
            transform.open_rtp(prefix, index, body, tag)
        })?;
        keys.usage.rtp += 1;
        context.commit(at, prefix.ssrc, |stream| stream.rtp.commit(index));
        Ok(len)
    }

    /// Opens an SRTCP packet in place, and says how long the RTCP packet at its beginning is.
    ///
    /// # Errors
    /// The packet is none, not authentic, not encrypted, or was here before; the state is then as
    /// before, and with [`Software`] the packet too.
    pub fn unprotect_rtcp(&mut self, datagram: &mut [u8]) -> Result<usize, SrtpError> {
        let context = &mut self.0;
        let total = datagram.len();
        let cut_off = ParseError::new(Fault::Truncated, total);
        let len = total.checked_sub(context.layout.rtcp()).ok_or(cut_off)?;
        let (body, trailer) = datagram.split_at_mut_checked(len).ok_or(cut_off)?;
        let ssrc = rtcp_ssrc(body)?;
        let (word, mki, tag) = context.layout.split_rtcp(trailer).ok_or(cut_off)?;
        if word & ENCRYPTED == 0 {
            return Err(SrtpError::NotEncrypted);
        }
        let short = word & !ENCRYPTED;
        let index = u64::from(short);
        let at = context.place(ssrc)?;
        if let Some(stream) = context.stream(at) {
            stream.rtcp.check(index)?;
        }
        let key = context.key_of(mki)?;
        let keys = context.keys.get_mut(key).and_then(Option::as_mut);
        let keys = keys.ok_or(SrtpError::UnknownKey)?;
        keys.may_rtcp()?;
        keys.with_rtcp(&context.crypto, index, |transform| {
            transform.open_rtcp(ssrc, short, body, tag)
        })?;
        keys.usage.rtcp += 1;
        context.commit(at, ssrc, |stream| stream.rtcp.commit(index));
        Ok(len)
    }

    /// Takes another master key in the place of all others. Rollover counters go on (RFC 3711
    /// section 3.3.1); a peer that begins with none needs [`Receiver::remove`] first. With the
    /// only key that is in use already nothing changes but its lifetime.
    ///
    /// # Errors
    /// The ciphers cannot work with such a key; the ones in use stay.
    pub fn rekey(&mut self, master: &MasterKey) -> Result<(), SrtpError> {
        if self.0.rekey(master)? {
            for stream in self.0.streams.iter_mut().flatten() {
                stream.rtp.forget_seen();
                // Peers that count from 0 again, which they should not, are heard too: nothing was
                // here with the new key yet.
                stream.rtcp = ReplayWindow::NEW;
            }
        }
        Ok(())
    }

    /// Takes another master key beside the others, told apart by their identifiers.
    ///
    /// # Errors
    /// There is no room for another key, or packets could not tell it apart: it has no identifier,
    /// the same as another, one of another length, or another profile.
    pub fn add_key(&mut self, master: &MasterKey) -> Result<(), SrtpError> {
        self.0.add_key(master)
    }

    /// Forgets the master key of this identifier.
    pub fn remove_key(&mut self, mki: Mki) {
        self.0.remove_key(mki);
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

    /// How many packets the first of the keys has opened.
    pub fn usage(&self) -> Usage {
        self.0.usage()
    }

    /// Goes on counting where another machine with the same key has stopped.
    pub fn restore_usage(&mut self, usage: Usage) {
        self.0.restore_usage(usage);
    }

    /// How many octets a protected RTP packet is longer.
    pub const fn rtp_overhead(&self) -> usize {
        self.0.layout.rtp()
    }

    /// How many octets a protected RTCP packet is longer.
    pub const fn rtcp_overhead(&self) -> usize {
        self.0.layout.rtcp()
    }
}

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
