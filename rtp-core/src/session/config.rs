//! What a host tells a session at its beginning, and the names of its paths.

use core::net::SocketAddr;
use core::time::Duration;

use crate::{ConfigError, Ssrc};

/// Which of its two sockets a datagram belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Component {
    /// The socket of RTP; of RTCP too where both share one (RFC 5761).
    Rtp,
    /// The socket of RTCP, by custom the next port after RTP's (RFC 3550 section 11).
    Rtcp,
}

/// A way that datagrams take: from which socket of the host, to or from which address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Path {
    /// Which of the session's two sockets.
    pub component: Component,
    /// The number that the host gave to the socket; 0 where the component says all.
    pub local: u16,
    /// The peer's address.
    pub remote: SocketAddr,
}

impl Path {
    /// RTP to or from this address.
    pub const fn rtp(remote: SocketAddr) -> Self {
        Self { component: Component::Rtp, local: 0, remote }
    }

    /// RTCP to or from this address.
    pub const fn rtcp(remote: SocketAddr) -> Self {
        Self { component: Component::Rtcp, local: 0, remote }
    }
}

/// A datagram to send, in the buffer that the host gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Transmit {
    /// Where it goes.
    pub path: Path,
    /// How long it is, in octets.
    pub len: usize,
}

/// The canonical name of a participant (RFC 3550 section 6.5.1): the same for all its streams.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cname {
    octets: [u8; Self::CAPACITY],
    len: u8,
}

impl Cname {
    /// The longest name, in octets.
    pub const CAPACITY: usize = 64;

    /// A name of the host's choice, as `user@host`.
    ///
    /// # Errors
    /// The name is empty or longer than [`Cname::CAPACITY`].
    pub fn new(name: &str) -> Result<Self, ConfigError> {
        let error = ConfigError::Cname { len: name.len() };
        let mut octets = [0; Self::CAPACITY];
        octets.get_mut(..name.len()).ok_or(error)?.copy_from_slice(name.as_bytes());
        match u8::try_from(name.len()) {
            Ok(len) if len > 0 => Ok(Self { octets, len }),
            _ => Err(error),
        }
    }

    /// A name that tells nothing of who it is for: 96 random bits in 16 characters (RFC 7022
    /// section 4.2).
    pub fn anonymous(random: [u8; 12]) -> Self {
        const DIGITS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut octets = [0; Self::CAPACITY];
        let cells = octets.as_chunks_mut::<4>().0.iter_mut();
        for (cells, three) in cells.zip(random.as_chunks::<3>().0) {
            let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
            for (cell, shift) in cells.iter_mut().zip([18, 12, 6, 0]) {
                // Six bits always name one of 64 digits.
                *cell = DIGITS.get(((bits >> shift) & 63) as usize).copied().unwrap_or(b'A');
            }
        }
        Self { octets, len: 16 }
    }

    /// The name's octets.
    pub fn as_octets(&self) -> &[u8] {
        self.octets.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl core::fmt::Debug for Cname {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("Cname").field(&core::str::from_utf8(self.as_octets())).finish()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Cname {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Cname({=[u8]:a})", self.as_octets());
    }
}

/// The clock of a payload type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Clock {
    /// The payload type, 0 to 127.
    pub payload_type: u8,
    /// Its clock, in hertz.
    pub hertz: u32,
}

/// How a session works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Config {
    /// Our canonical name.
    pub cname: Cname,
    /// Our SSRC; a random one where nothing is given.
    pub ssrc: Option<Ssrc>,
    /// Our first sequence number; a random one where nothing is given.
    pub first_sequence_number: Option<u16>,
    /// Where RTP goes; may be said later with `set_remote`.
    pub rtp: Option<Path>,
    /// Where RTCP goes; with [`Config::mux`] the RTP path where nothing is given.
    pub rtcp: Option<Path>,
    /// Whether RTCP shares the RTP path (RFC 5761): kinds are then told apart by their octets.
    pub mux: bool,
    /// The clock of our own timestamps, and of payload types that no other clock is named for, in
    /// hertz. Static payload types (RFC 3551) have their own.
    pub clock_rate: u32,
    /// Clocks of dynamic payload types that differ from `clock_rate`.
    pub clocks: [Option<Clock>; 8],
    /// What RTCP may take, in bits per second: by custom 5 % of the session's bandwidth
    /// (RFC 3550 section 6.2).
    pub rtcp_bandwidth: u32,
    /// The least interval between reports, before it is varied: 5 s; half of it before the first.
    pub minimum_interval: Duration,
    /// After how many intervals of silence a member has timed out (RFC 3550 section 6.3.5).
    pub timeout_intervals: u32,
    /// No member times out before this much silence.
    pub least_timeout: Duration,
    /// How many packets in sequence make a source valid (RFC 3550 appendix A.1): 2; 0 where
    /// packets are authenticated, so that the first is passed on as well.
    pub min_sequential: u8,
    /// From how many members on a goodbye waits for its time (RFC 3550 section 6.3.7).
    pub bye_back_off_members: u32,
    /// Whether RTCP that does not begin with a report is taken: reduced size (RFC 5506), and
    /// Messenger-era peers.
    pub lone_packets: bool,
    /// How many members a growing session keeps.
    pub member_limit: usize,
    /// Whether a sample of the members stands for all where there is no room for all (RFC 2762):
    /// for groups of thousands. Senders are always kept; of those that only listen, and are not
    /// part of the sample, no event tells but [`Event::Rtcp`](super::Event::Rtcp).
    pub sampling: bool,
}

impl Config {
    /// The least interval between reports that RFC 3550 section 6.2 recommends.
    pub const MINIMUM_INTERVAL: Duration = Duration::from_secs(5);

    /// A session of telephone quality: a clock of 8000 Hz, 64 kbit/s and headers.
    pub const fn new(cname: Cname) -> Self {
        Self {
            cname,
            ssrc: None,
            first_sequence_number: None,
            rtp: None,
            rtcp: None,
            mux: false,
            clock_rate: 8000,
            clocks: [None; 8],
            rtcp_bandwidth: 4000,
            minimum_interval: Self::MINIMUM_INTERVAL,
            timeout_intervals: 5,
            least_timeout: Duration::ZERO,
            min_sequential: super::source::MIN_SEQUENTIAL,
            bye_back_off_members: 50,
            lone_packets: true,
            member_limit: 1024,
            sampling: false,
        }
    }

    /// The clock of a payload type, in hertz.
    pub fn clock_of(&self, payload_type: u8) -> u32 {
        self.clocks
            .iter()
            .flatten()
            .find(|clock| clock.payload_type == payload_type)
            .map(|clock| clock.hertz)
            .or_else(|| crate::payload::static_type(payload_type).map(|known| known.clock_rate))
            .unwrap_or(self.clock_rate)
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let clocks = self.clocks.iter().flatten();
        if self.clock_rate == 0 || clocks.clone().any(|clock| clock.hertz == 0) {
            return Err(ConfigError::ClockRate);
        }
        if let Some(clock) = clocks.clone().find(|clock| clock.payload_type > 127) {
            return Err(ConfigError::PayloadType { payload_type: clock.payload_type });
        }
        if self.rtcp_bandwidth == 0 {
            return Err(ConfigError::Bandwidth);
        }
        Ok(())
    }

    /// Where RTCP goes.
    pub(super) fn rtcp_path(&self) -> Option<Path> {
        if self.mux { self.rtcp.or(self.rtp) } else { self.rtcp }
    }

    /// The octets of the headers of UDP and IP, which count as bandwidth (RFC 3550 section 6.2).
    pub(super) fn overhead(&self) -> usize {
        match self.rtcp_path().or(self.rtp) {
            Some(Path { remote: SocketAddr::V6(_), .. }) => 48,
            _ => 28,
        }
    }
}
