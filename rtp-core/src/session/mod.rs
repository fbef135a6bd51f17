//! RFC 3550's session: who takes part, what of it arrives, and what is reported.
//!
//! ```text
//!                packetize ─────────────▶ RTP, in the host's buffer
//!   RTP, RTCP ─▶ handle_datagram ───────▶ Event::Packet, Event::Rtcp
//!                handle_timeout
//!                poll_transmit ─────────▶ RTCP: SR or RR, SDES, BYE
//!                feedback, append ──────▶ RTCP of the host's own: NACK, PLI, XR ...
//!                poll_event ────────────▶ Joined, SenderReport, Goodbye, Timeout, Collision ...
//! ```
//!
//! RTP does not wait in the session: [`Session::packetize`] writes it straight into the buffer
//! that the host sends. What the session sends by itself is RTCP, in its own time (section 6.3),
//! by [`Session::poll_transmit`].
//!
//! A session has two datagram paths, told apart by [`Path::component`]; with
//! [`Config::mux`] both kinds share the RTP path (RFC 5761).

mod config;
mod event;
mod feedback;
mod member;
mod receive;
mod sample;
mod send;
mod source;
mod timing;

pub use config::{Clock, Cname, Component, Config, Path, Transmit};
pub use event::Event;
pub use feedback::Compounding;
pub use member::{Member, RemoteView, SourceStatistics};
pub use send::Outgoing;

use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::storage::{Index, Queue, Slots, Table};
use crate::{ConfigError, Error, NtpTime, Ssrc};
use member::State;
use sample::Sample;
use timing::{AverageSize, Limits, Population};

/// Room for the members of a session, which the host lends: zeros, so that a static of it takes no
/// flash.
///
/// ```
/// use rtp_core::session::{Cname, Config, Session, Storage};
/// let mut storage = Storage::<4>::new();
/// let config = Config::new(Cname::new("alice@example.org")?);
/// let session = Session::new(config, &mut storage, [0; 32])?;
/// # Ok::<(), rtp_core::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct Storage<const MEMBERS: usize> {
    members: Slots<Member, MEMBERS>,
}

impl<const MEMBERS: usize> Storage<MEMBERS> {
    /// Room for `MEMBERS` others: one for a call between two.
    pub const fn new() -> Self {
        Self { members: Slots::new() }
    }
}

impl<const MEMBERS: usize> Default for Storage<MEMBERS> {
    fn default() -> Self {
        Self::new()
    }
}

/// How far our leaving has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    No,
    /// The goodbye waits for its time (RFC 3550 section 6.3.7).
    BackingOff,
    /// The goodbye is to be sent.
    Goodbye,
    Left,
}

/// What was sent under our own SSRC.
#[derive(Clone, Copy, Debug, Default)]
struct Own {
    ssrc: Ssrc,
    sequence: u16,
    timestamp_offset: u32,
    packets: u32,
    octets: u32,
    /// The last packet: when it was sent, its timestamp, and the clock of that.
    last: Option<(Duration, u32, u32)>,
    /// Whether any RTP or RTCP has been sent under it.
    spoken: bool,
}

/// An RTP session (RFC 3550): the machine.
///
/// RTCP needs a buffer of [`Session::BUFFER_LEN`] octets at most.
#[derive(Debug)]
pub struct Session<'s> {
    config: Config,
    members: Table<'s, Member>,
    random: ChaCha8Rng,
    own: Own,
    wall_clock: NtpTime,
    /// Whether the first call with a time has come.
    begun: bool,
    initial: bool,
    /// When RTCP was sent last, and when it is to be sent next (tp and tn).
    previous: Duration,
    next: Duration,
    member_count: u32,
    sender_count: u32,
    previous_members: u32,
    sample: Sample,
    we_sent: bool,
    average: AverageSize,
    report_due: bool,
    leaving: Leaving,
    /// The SSRC that a collision has taken from us, to say goodbye for.
    disowned: Option<Ssrc>,
    /// Addresses that have used our SSRC: digest and time (RFC 3550 section 8.2).
    conflicts: [(u64, Duration); 4],
    ssrc_taken: Duration,
    collision: Option<(Ssrc, Ssrc)>,
    succession: Option<(Ssrc, Ssrc)>,
    too_small: Option<usize>,
    told_too_small: bool,
    tell_left: bool,
    totals: Statistics,
}

/// What a session has sent and received in all, and how many take part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Statistics {
    /// RTP packets sent under the SSRC of now.
    pub packets_sent: u32,
    /// Octets of payload sent under the SSRC of now.
    pub octets_sent: u32,
    /// RTP packets received and passed on.
    pub packets_received: u64,
    /// Datagrams refused, for whatever reason.
    pub refused: u64,
    /// RTCP datagrams sent.
    pub rtcp_sent: u64,
    /// Octets of RTCP sent, with the headers of UDP and IP.
    pub rtcp_octets_sent: u64,
    /// RTCP datagrams received.
    pub rtcp_received: u64,
    /// Members, with ourselves: an estimate where [`Config::sampling`] has come into play.
    pub members: u32,
    /// How many members that only listen each one that is kept stands for: 1 where all are kept.
    pub sampled_one_in: u32,
    /// Members that have sent RTP of late, with ourselves.
    pub senders: u32,
    /// Sources that there was no room for.
    pub turned_away: u64,
}

impl<'s> Session<'s> {
    /// A buffer of this many octets holds every RTCP packet that a session sends: a report with
    /// 31 blocks, a description, a goodbye.
    pub const BUFFER_LEN: usize = 28 + 31 * 24 + (8 + 2 + Cname::CAPACITY + 4) + 8;

    /// A session whose members live in storage that the host lends.
    ///
    /// # Errors
    /// The configuration cannot work, or the storage holds nobody.
    pub fn new<const MEMBERS: usize>(
        config: Config,
        storage: &'s mut Storage<MEMBERS>,
        seed: [u8; 32],
    ) -> Result<Self, ConfigError> {
        let mut random = ChaCha8Rng::from_seed(seed);
        let key = (wide(&mut random), wide(&mut random));
        Self::over(config, Table::lent(storage.members.lend(), key), random)
    }

    fn over(
        config: Config,
        members: Table<'s, Member>,
        mut random: ChaCha8Rng,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        if members.capacity() == 0 {
            return Err(ConfigError::NoStorage);
        }
        let own = new_own(&mut random, config.ssrc, config.first_sequence_number);
        // The first report is likely to be about this long (RFC 3550 section 6.3.2).
        let likely = 8 + 24 + 12 + config.cname.as_octets().len();
        Ok(Self {
            average: AverageSize::new(likely.saturating_add(config.overhead())),
            config,
            members,
            random,
            own,
            wall_clock: NtpTime::default(),
            begun: false,
            initial: true,
            previous: Duration::ZERO,
            next: Duration::ZERO,
            member_count: 1,
            sender_count: 0,
            previous_members: 1,
            sample: Sample::default(),
            we_sent: false,
            report_due: false,
            leaving: Leaving::No,
            disowned: None,
            conflicts: [(0, Duration::ZERO); 4],
            ssrc_taken: Duration::ZERO,
            collision: None,
            succession: None,
            too_small: None,
            told_too_small: false,
            tell_left: false,
            totals: Statistics::default(),
        })
    }

    /// The time that [`Session::poll_timeout`] asked for has come; early and late calls do no harm.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.begin(now);
        while let Some(index) = self.members.pop_due(now) {
            self.member_due(now, index);
        }
        self.widen(now);
        if now < self.next || self.report_due || self.leaving >= Leaving::Goodbye {
            return;
        }
        // Timer reconsideration (RFC 3550 section 6.3.6): the population may have grown since the
        // timer was set.
        let interval = self.random_interval();
        self.next = self.previous.saturating_add(interval);
        if self.next <= now {
            match self.leaving {
                Leaving::No => self.report_due = true,
                _ => self.leaving = Leaving::Goodbye,
            }
        } else {
            self.previous_members = self.member_count;
        }
    }

    /// A datagram could not be sent on this path. Reports go on: the path may heal.
    pub fn handle_closed(&mut self, now: Duration, path: Path) {
        self.begin(now);
        let _ = path;
    }

    /// Says what the wall clock shows now. Without it reports carry time since the host's epoch,
    /// which is good for round trips, but ties no streams of different hosts together.
    pub fn set_wall_clock(&mut self, now: Duration, time: NtpTime) {
        self.begin(now);
        self.wall_clock = time.minus(now);
    }

    /// Says where RTP and RTCP go from now on; nothing goes to `None`. For an address that was
    /// not known at first, or has changed, as after hold.
    pub fn set_remote(&mut self, now: Duration, rtp: Option<Path>, rtcp: Option<Path>) {
        self.begin(now);
        self.config.rtp = rtp;
        self.config.rtcp = rtcp;
    }

    /// Leaves the session. The goodbye goes out at once, or, where there are many members, in its
    /// time (RFC 3550 section 6.3.7); [`Event::Left`] tells when.
    pub fn leave(&mut self, now: Duration) {
        self.begin(now);
        if self.leaving != Leaving::No {
            return;
        }
        self.report_due = false;
        if !self.own.spoken {
            // Who has never been heard says nothing.
            self.leaving = Leaving::Left;
            self.tell_left = true;
        } else if self.member_count < self.config.bye_back_off_members {
            self.leaving = Leaving::Goodbye;
        } else {
            self.leaving = Leaving::BackingOff;
            self.previous = now;
            self.previous_members = 1;
            self.member_count = 1;
            self.sender_count = 0;
            self.initial = true;
            self.we_sent = false;
            let goodbye = 8 + 12 + self.config.cname.as_octets().len() + 8;
            self.average = AverageSize::new(goodbye.saturating_add(self.config.overhead()));
            self.next = now.saturating_add(self.random_interval());
        }
    }

    /// What came of time or of the host's own calls, and what RTCP has told of members.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event<'static>> {
        if let Some(needed) = self.too_small.take() {
            return Some(Event::BufferTooSmall { needed });
        }
        if let Some((old, new)) = self.collision.take() {
            return Some(Event::Collision { old, new });
        }
        if let Some((old, new)) = self.succession.take() {
            return Some(Event::Succeeded { old, new });
        }
        while let Some(index) = self.members.first(Queue::Event) {
            if let Some(event) = self.member_news(index) {
                return Some(event);
            }
        }
        if core::mem::take(&mut self.tell_left) {
            return Some(Event::Left);
        }
        None
    }

    /// When to call [`Session::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        if !self.begun {
            return Some(Duration::ZERO);
        }
        if self.leaving == Leaving::Left {
            return None;
        }
        let report = match self.leaving {
            Leaving::No if self.report_due => None,
            Leaving::No | Leaving::BackingOff => Some(self.next),
            _ => None,
        };
        match (report, self.members.next_deadline()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Our own SSRC; a collision may change it.
    pub const fn ssrc(&self) -> Ssrc {
        self.own.ssrc
    }

    /// Whether the session has been left and nothing more will be sent.
    pub fn has_left(&self) -> bool {
        self.leaving == Leaving::Left
    }

    /// What the session has sent and received.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            packets_sent: self.own.packets,
            octets_sent: self.own.octets,
            members: self.member_count,
            senders: self.sender_count,
            sampled_one_in: self.sample.one_in(),
            ..self.totals
        }
    }

    /// What is known of one source.
    pub fn source(&self, ssrc: Ssrc) -> Option<SourceStatistics> {
        self.members.get(self.find(ssrc)?).map(Member::statistics)
    }

    /// What is known of each source. Takes time that grows with the room for members.
    pub fn sources(&self) -> impl Iterator<Item = SourceStatistics> {
        self.members
            .iter()
            .filter(|(_, member)| member.state == State::Valid)
            .map(|(_, member)| member.statistics())
    }

    /// When a sample of this source was taken, by the source's own wall clock; nothing before its
    /// first sender report. Streams with the same canonical name play together by it.
    pub fn ntp_of(&self, ssrc: Ssrc, timestamp: u32) -> Option<NtpTime> {
        self.members.get(self.find(ssrc)?)?.ntp_of(timestamp)
    }

    /// The configuration, as `set_remote` has left it.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Sets the first timer (RFC 3550 section 6.3.2).
    fn begin(&mut self, now: Duration) {
        if !self.begun {
            self.begun = true;
            self.previous = now;
            self.ssrc_taken = now;
            self.next = now.saturating_add(self.random_interval());
        }
    }

    /// A keyed digest of an SSRC: where a member is found, and whether it is part of a sample.
    fn member_digest(&self, ssrc: Ssrc) -> u32 {
        self.members.hash(&ssrc.0.to_be_bytes())
    }

    fn find(&self, ssrc: Ssrc) -> Option<Index> {
        let hash = self.member_digest(ssrc);
        self.members.find(hash, |member| member.ssrc == ssrc)
    }

    fn limits(&self, initial: bool) -> Limits {
        let minimum = self.config.minimum_interval;
        Limits {
            rtcp_bandwidth: self.config.rtcp_bandwidth,
            minimum: if initial { minimum / 2 } else { minimum },
        }
    }

    /// The interval to the next report, varied at random (T).
    fn random_interval(&mut self) -> Duration {
        let population = Population {
            members: self.member_count,
            senders: self.sender_count,
            we_sent: self.we_sent,
        };
        let interval = timing::interval(population, self.average, self.limits(self.initial));
        timing::vary(interval, self.random.next_u32())
    }

    /// The interval that time-outs are counted in (RFC 3550 section 6.3.5): a receiver's, not
    /// varied.
    fn timeout_interval(&self) -> Duration {
        let population =
            Population { members: self.member_count, senders: self.sender_count, we_sent: false };
        let least = Limits {
            minimum: self.config.minimum_interval.max(Config::MINIMUM_INTERVAL),
            ..self.limits(false)
        };
        timing::interval(population, self.average, least)
    }

    /// The wall clock, or what stands for it.
    fn ntp(&self, now: Duration) -> NtpTime {
        self.wall_clock.plus(now)
    }
}

#[cfg(feature = "alloc")]
impl Session<'static> {
    /// A session whose storage grows as members come, up to [`Config::member_limit`].
    ///
    /// # Errors
    /// The configuration cannot work.
    pub fn growing(config: Config, seed: [u8; 32]) -> Result<Self, ConfigError> {
        let mut random = ChaCha8Rng::from_seed(seed);
        let key = (wide(&mut random), wide(&mut random));
        let members = Table::growing(config.member_limit, key);
        Self::over(config, members, random)
    }
}

impl Leaving {
    const fn rank(self) -> u8 {
        match self {
            Self::No => 0,
            Self::BackingOff => 1,
            Self::Goodbye => 2,
            Self::Left => 3,
        }
    }
}

impl PartialOrd for Leaving {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        self.rank().partial_cmp(&other.rank())
    }
}

/// A random number in two halves: for a whole one the generator would stand in an image twice.
fn wide(random: &mut ChaCha8Rng) -> u64 {
    u64::from(random.next_u32()) << 32 | u64::from(random.next_u32())
}

/// A fresh identity: random SSRC, sequence number and timestamp offset (RFC 3550 section 5.1).
fn new_own(random: &mut ChaCha8Rng, ssrc: Option<Ssrc>, sequence: Option<u16>) -> Own {
    // Old peers take SSRC 0 for no source at all.
    let chosen = Ssrc(random.next_u32().max(1));
    let bits = wide(random);
    Own {
        ssrc: ssrc.unwrap_or(chosen),
        // Different parts of one random number.
        sequence: sequence.unwrap_or((bits >> 32) as u16),
        timestamp_offset: bits as u32,
        ..Own::default()
    }
}

/// A time in units of a clock, of which the lower 32 bits count.
#[inline]
fn timestamp_units(time: Duration, clock: u32) -> u32 {
    let seconds = (time.as_secs() as u32).wrapping_mul(clock);
    let part = u64::from(time.subsec_nanos()) * u64::from(clock) / 1_000_000_000;
    seconds.wrapping_add(part as u32)
}

/// What `Result`s of this module carry when a packet was refused.
type Refused = Error;

#[cfg(test)]
mod tests;
