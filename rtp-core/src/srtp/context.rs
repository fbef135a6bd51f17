//! What senders and receivers have in common: keys with their use, and the state of each source.

use super::crypto::{Crypto, CryptoError};
use super::index::{ReplayWindow, WindowState};
use super::transform::{Layout, RTCP_LABELS, RTP_LABELS, Transform};
use super::{MasterKey, Mki, SrtpError};
use crate::{Full, Ssrc};

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

/// How many packets a master key has protected, or opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Usage {
    /// Packets of SRTP.
    pub rtp: u64,
    /// Packets of SRTCP.
    pub rtcp: u64,
}

/// Session keys of a period, and which period that is.
struct Period<C: Crypto> {
    number: u64,
    transform: Transform<C>,
}

/// A master key, and the session keys that were derived of it.
pub(super) struct Keys<C: Crypto> {
    pub(super) master: MasterKey,
    pub(super) usage: Usage,
    rtp: Period<C>,
    rtcp: Period<C>,
}

impl<C: Crypto> Keys<C> {
    pub(super) fn new(crypto: &C, master: &MasterKey) -> Result<Self, CryptoError> {
        let first = |labels| {
            let transform = Transform::derive(crypto, master, labels, 0)?;
            Ok(Period { number: 0, transform })
        };
        Ok(Self {
            rtp: first(RTP_LABELS)?,
            rtcp: first(RTCP_LABELS)?,
            usage: Usage::default(),
            master: master.clone(),
        })
    }

    /// Does something with the session keys of RTP for a packet of this index.
    #[inline]
    pub(super) fn with_rtp<T, E: From<CryptoError>>(
        &mut self,
        crypto: &C,
        index: u64,
        then: impl FnOnce(&mut Transform<C>) -> Result<T, E>,
    ) -> Result<T, E> {
        let number = self.master.period(index);
        if number == self.rtp.number {
            return then(&mut self.rtp.transform);
        }
        self.rtp.change(crypto, &self.master, RTP_LABELS, number, then)
    }

    /// Does something with the session keys of RTCP for a packet of this index.
    pub(super) fn with_rtcp<T, E: From<CryptoError>>(
        &mut self,
        crypto: &C,
        index: u64,
        then: impl FnOnce(&mut Transform<C>) -> Result<T, E>,
    ) -> Result<T, E> {
        let number = self.master.period(index);
        if number == self.rtcp.number {
            return then(&mut self.rtcp.transform);
        }
        self.rtcp.change(crypto, &self.master, RTCP_LABELS, number, then)
    }

    #[inline]
    pub(super) fn may_rtp(&self) -> Result<(), SrtpError> {
        if self.usage.rtp < self.master.lifetime() { Ok(()) } else { Err(SrtpError::KeyExpired) }
    }

    pub(super) fn may_rtcp(&self) -> Result<(), SrtpError> {
        let limit = self.master.lifetime().min(MasterKey::RTCP_LIFETIME);
        if self.usage.rtcp < limit { Ok(()) } else { Err(SrtpError::KeyExpired) }
    }
}

impl<C: Crypto> Period<C> {
    /// Derives the keys of another period, and keeps them if what is done with them succeeds and
    /// they are the newer ones: a packet of the period before may still come.
    #[cold]
    fn change<T, E: From<CryptoError>>(
        &mut self,
        crypto: &C,
        master: &MasterKey,
        labels: [u8; 3],
        number: u64,
        then: impl FnOnce(&mut Transform<C>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut transform = Transform::derive(crypto, master, labels, number)?;
        let done = then(&mut transform)?;
        if number > self.number {
            *self = Self { number, transform };
        }
        Ok(done)
    }
}

/// Keys, and what is known of up to `STREAMS` sources. A source is looked for one by one: a host
/// with many has a machine for each.
pub(super) struct Context<C: Crypto, const STREAMS: usize, const KEYS: usize> {
    pub(super) crypto: C,
    pub(super) layout: Layout,
    pub(super) keys: [Option<Keys<C>>; KEYS],
    pub(super) streams: [Option<Stream>; STREAMS],
}

#[derive(Clone, Copy)]
pub(super) struct Stream {
    pub(super) ssrc: Ssrc,
    pub(super) rtp: ReplayWindow,
    pub(super) rtcp: ReplayWindow,
}

impl Stream {
    const fn new(ssrc: Ssrc) -> Self {
        Self { ssrc, rtp: ReplayWindow::NEW, rtcp: ReplayWindow::NEW }
    }
}

impl<C: Crypto, const STREAMS: usize, const KEYS: usize> Context<C, STREAMS, KEYS> {
    pub(super) fn new(crypto: C, master: &MasterKey, first: Option<Keys<C>>) -> Self {
        let mut keys = [const { None }; KEYS];
        if let Some(cell) = keys.first_mut() {
            *cell = first;
        }
        Self { crypto, layout: Layout::of(master), keys, streams: [None; STREAMS] }
    }

    /// Where the state of a source is kept, or would be.
    #[inline]
    pub(super) fn place(&self, ssrc: Ssrc) -> Result<usize, SrtpError> {
        let known = |cell: &Option<Stream>| cell.as_ref().is_some_and(|s| s.ssrc == ssrc);
        self.streams
            .iter()
            .position(known)
            .or_else(|| self.streams.iter().position(Option::is_none))
            .ok_or(SrtpError::Full(Full { capacity: STREAMS }))
    }

    /// The state of a source, as far as it has one.
    #[inline]
    pub(super) fn stream(&self, at: usize) -> Option<&Stream> {
        self.streams.get(at)?.as_ref()
    }

    /// The state of a source, to be changed.
    #[inline]
    pub(super) fn commit(&mut self, at: usize, ssrc: Ssrc, change: impl FnOnce(&mut Stream)) {
        if let Some(cell) = self.streams.get_mut(at) {
            change(cell.get_or_insert_with(|| Stream::new(ssrc)));
        }
    }

    /// Which key a packet with this identifier was made with.
    #[inline]
    pub(super) fn key_of(&self, mki: &[u8]) -> Result<usize, SrtpError> {
        if self.layout.mki == 0 {
            return Ok(0);
        }
        let named = |cell: &Option<Keys<C>>| {
            let named = cell.as_ref().and_then(|keys| keys.master.mki());
            named.is_some_and(|named| named.as_octets() == mki)
        };
        self.keys.iter().position(named).ok_or(SrtpError::UnknownKey)
    }

    /// Puts this key into the place of all others, and says whether it is another.
    pub(super) fn rekey(&mut self, master: &MasterKey) -> Result<bool, CryptoError> {
        let mut known = None;
        for cell in &mut self.keys {
            if cell.as_ref().is_some_and(|keys| is_same_key(&keys.master, master)) {
                known = cell.take();
            }
        }
        // The key of now once more, as in an answer that repeats it: nothing begins anew.
        let changed = known.is_none();
        let keys = match known {
            Some(keys) => Keys { master: master.clone(), ..keys },
            None => Keys::new(&self.crypto, master)?,
        };
        self.keys.fill_with(|| None);
        if let Some(first) = self.keys.first_mut() {
            *first = Some(keys);
        }
        self.layout = Layout::of(master);
        Ok(changed)
    }

    /// Puts this key beside the others.
    pub(super) fn add_key(&mut self, master: &MasterKey) -> Result<(), SrtpError> {
        let others = self.keys.iter().flatten();
        for keys in others.clone() {
            let (known, mki) = (&keys.master, keys.master.mki());
            let alike = known.profile() == master.profile()
                && mki.map(|mki| mki.len()) == master.mki().map(|mki| mki.len());
            if !alike || mki.is_none() || mki == master.mki() {
                return Err(SrtpError::KeysDiffer);
            }
        }
        let none = others.count() == 0;
        let cell = self.keys.iter_mut().find(|cell| cell.is_none());
        let cell = cell.ok_or(SrtpError::Full(Full { capacity: KEYS }))?;
        *cell = Some(Keys::new(&self.crypto, master)?);
        if none {
            self.layout = Layout::of(master);
        }
        Ok(())
    }

    pub(super) fn remove_key(&mut self, mki: Mki) {
        for cell in &mut self.keys {
            if cell.as_ref().is_some_and(|keys| keys.master.mki() == Some(mki)) {
                *cell = None;
            }
        }
    }

    pub(super) fn usage(&self) -> Usage {
        self.keys.iter().flatten().next().map_or(Usage::default(), |keys| keys.usage)
    }

    pub(super) fn restore_usage(&mut self, usage: Usage) {
        if let Some(keys) = self.keys.iter_mut().flatten().next() {
            keys.usage = usage;
        }
    }

    pub(super) fn export(&self) -> impl Iterator<Item = StreamState> {
        self.streams.iter().flatten().map(|stream| StreamState {
            ssrc: stream.ssrc,
            rtp: stream.rtp.export(),
            rtcp: stream.rtcp.export(),
        })
    }

    pub(super) fn restore(&mut self, state: StreamState) -> Result<(), SrtpError> {
        let at = self.place(state.ssrc)?;
        self.commit(at, state.ssrc, |stream| {
            stream.rtp = ReplayWindow::restore(state.rtp);
            stream.rtcp = ReplayWindow::restore(state.rtcp);
        });
        Ok(())
    }

    pub(super) fn remove(&mut self, ssrc: Ssrc) {
        for cell in &mut self.streams {
            if cell.is_some_and(|stream| stream.ssrc == ssrc) {
                *cell = None;
            }
        }
    }
}

/// Whether two master keys lead to the same session keys, in the same packets.
fn is_same_key(one: &MasterKey, other: &MasterKey) -> bool {
    one.clone().with_lifetime(0) == other.clone().with_lifetime(0)
}
