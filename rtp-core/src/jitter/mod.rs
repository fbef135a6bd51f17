//! A jitter buffer: takes packets as the network brings them, and gives them in order and in time.
//!
//! ```text
//!  network ─▶ push ─▶ [ 7 | 8 |   | 10 | 11 ]  ─▶ pop ─▶ player, when it has played what it had
//!                       next      lost
//!
//!            ┌───────── packets, long enough in the buffer ─────────┐
//!            │                                                      ▼
//!        Waiting ◀── pause of the talker, or nothing comes ───── Playing
//!         pop: Silence                                  pop: Packet or Conceal
//! ```
//!
//! The delay from the fastest way of the network to the player follows a quantile of what packets
//! take longer than it, or is fixed. It changes where a listener does not notice, in the pauses of
//! the talker; in continuous sound by a packet left out, or by one more concealment. A host that can
//! play sound faster and slower does that instead, see [`Adjustment::Host`].
//!
//! The memory is the host's, a fixed number of packets; push and pop take the same time however
//! deep the buffer is.

mod delay;

use core::time::Duration;

use crate::ConfigError;
use delay::DelayEstimate;

/// How a [`Buffer`] works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Config {
    /// The clock of the timestamps, in hertz.
    pub clock_rate: u32,
    /// How much sound a packet holds, in units of the clock, until packets show it.
    pub packet_units: u32,
    /// How long packets wait.
    pub delay: Delay,
    /// After how many concealments in a row with an empty buffer silence is played.
    pub longest_concealment: u32,
    /// How the delay changes in the middle of sound.
    pub adjustment: Adjustment,
}

impl Config {
    /// Speech at this clock in packets of 20 ms, with a delay that adapts from 20 to 200 ms.
    pub const fn new(clock_rate: u32) -> Self {
        Self {
            clock_rate,
            packet_units: clock_rate / 50,
            delay: Delay::Adaptive {
                minimum: Duration::from_millis(20),
                maximum: Duration::from_millis(200),
            },
            longest_concealment: 5,
            adjustment: Adjustment::Packets,
        }
    }
}

/// How long packets wait, counted from the fastest way of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Delay {
    /// Always this long.
    Fixed(Duration),
    /// As long as all but a few packets need, within limits.
    Adaptive {
        /// The least.
        minimum: Duration,
        /// The greatest.
        maximum: Duration,
    },
}

/// How the delay changes in the middle of sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Adjustment {
    /// By a packet left out, or by one more concealment.
    Packets,
    /// By the host, which stretches or shortens what it plays by up to what [`Buffer::stretch`]
    /// asks for, and pops the next packet when that was played. The buffer does so by itself only
    /// where it is off by more than ten packets.
    Host,
}

/// What would bring the delay to where it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Stretch {
    /// Nothing: it is there, or there is no sound to stretch.
    No,
    /// Sound played longer by this.
    Longer(Duration),
    /// Sound played shorter by this.
    Shorter(Duration),
}

/// Room for one packet but its octets.
#[derive(Clone, Copy, Debug)]
struct Entry {
    sequence: u32,
    timestamp: u32,
    /// When it came, in units of the clock.
    arrival: u32,
    len: u16,
    payload_type: u8,
    marker: bool,
    state: EntryState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EntryState {
    Empty,
    Held,
    Played,
}

impl Entry {
    const EMPTY: Self = Self {
        sequence: 0,
        timestamp: 0,
        arrival: 0,
        len: 0,
        payload_type: 0,
        marker: false,
        state: EntryState::Empty,
    };
}

/// Room for `PACKETS` packets of at most `OCTETS` octets of payload each, which the host lends.
#[derive(Debug)]
pub struct Storage<const PACKETS: usize, const OCTETS: usize> {
    entries: [Entry; PACKETS],
    octets: [[u8; OCTETS]; PACKETS],
}

impl<const PACKETS: usize, const OCTETS: usize> Storage<PACKETS, OCTETS> {
    /// Room with nothing in it.
    pub const fn new() -> Self {
        Self { entries: [Entry::EMPTY; PACKETS], octets: [[0; OCTETS]; PACKETS] }
    }
}

impl<const PACKETS: usize, const OCTETS: usize> Default for Storage<PACKETS, OCTETS> {
    fn default() -> Self {
        Self::new()
    }
}

/// A packet as the buffer holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Frame<'a> {
    /// The sequence number with the count of cycles in the upper 16 bits.
    pub sequence: u32,
    /// The timestamp.
    pub timestamp: u32,
    /// The payload's format.
    pub payload_type: u8,
    /// The marker: in speech, the first packet of a talk spurt.
    pub marker: bool,
    /// The payload.
    pub payload: &'a [u8],
}

/// What the player is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Playout<'a> {
    /// Decode and play this.
    Packet(Frame<'a>),
    /// Conceal one packet.
    Conceal(Cause),
    /// Play one packet's time of silence, or of comfort noise: nobody talks, or sound is still
    /// gathering.
    Silence,
}

/// Why there is something to conceal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Cause {
    /// A packet is missing whose successor is here.
    Lost,
    /// The buffer is empty.
    Empty,
    /// The delay grows by one packet's time.
    Stretch,
}

/// Why a packet was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Rejected {
    /// Its time is over.
    Late,
    /// It is here already, or was.
    Duplicate,
    /// Its payload is longer than the room for one.
    TooLong {
        /// The longest payload, in octets.
        limit: usize,
    },
}

impl core::fmt::Display for Rejected {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Late => f.write_str("the packet has come too late"),
            Self::Duplicate => f.write_str("the packet has come before"),
            Self::TooLong { limit } => write!(f, "the payload is longer than {limit} octets"),
        }
    }
}

impl core::error::Error for Rejected {}

/// What a [`Buffer`] has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Statistics {
    /// Packets given to the player.
    pub played: u64,
    /// Packets that never came, or not before their time: the late ones are among them.
    pub lost: u64,
    /// Packets that came after their time.
    pub late: u64,
    /// Packets that came again.
    pub duplicates: u64,
    /// Packets too long for the room of one.
    pub too_long: u64,
    /// Packets left out to make the delay shorter, or because the buffer was full.
    pub discarded: u64,
    /// Concealments, for whatever cause.
    pub concealed: u64,
    /// Concealments that made the delay longer.
    pub stretched: u64,
    /// Times that the buffer ran empty.
    pub underruns: u64,
    /// Times that the stream began anew: another source, or a jump of its numbers.
    pub restarts: u64,
    /// How long packets played have waited in the buffer, on average.
    pub mean_delay: Duration,
    /// The delay that the buffer aims at, from the fastest way of the network.
    pub target_delay: Duration,
}

/// Whether sound is being played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing has come yet.
    Idle,
    /// Sound gathers, or is awaited.
    Waiting,
    Playing,
}

/// A jitter buffer: the machine.
#[derive(Debug)]
pub struct Buffer<'s> {
    config: Config,
    entries: &'s mut [Entry],
    octets: &'s mut [u8],
    state: State,
    /// No packet has been played since the beginning: an earlier one may still come.
    fresh: bool,
    /// The sequence number to play next, and the highest that has come.
    next: u32,
    highest: u32,
    /// While sound gathers, the first packet that is here: what is missing before it may still
    /// come.
    head: Option<u32>,
    highest_timestamp: u32,
    last_step: u32,
    /// The timestamp that the player has reached.
    cursor: u32,
    /// How much sound a packet holds.
    packet_units: u32,
    empty_for: u32,
    /// Packets since the delay was changed in the middle of sound.
    since_change: u32,
    delay: DelayEstimate,
    waited_units: u64,
    totals: Statistics,
}

/// The delay changes in the middle of sound at most once in this many packets.
const CHANGE_EVERY: u32 = 10;
/// How many packets the delay may be off where the host stretches sound.
const HOST_SLACK: i32 = 10;
/// A step of the sequence numbers back by more than this is a stream begun anew.
const RESTART: i32 = -1000;

impl<'s> Buffer<'s> {
    /// A buffer in memory that the host lends.
    ///
    /// # Errors
    /// The clock is 0, the limits of the delay are crossed, or there is no room for a packet.
    pub fn new<const PACKETS: usize, const OCTETS: usize>(
        config: Config,
        storage: &'s mut Storage<PACKETS, OCTETS>,
    ) -> Result<Self, ConfigError> {
        if config.clock_rate == 0 || config.packet_units == 0 {
            return Err(ConfigError::ClockRate);
        }
        if PACKETS == 0 || OCTETS == 0 {
            return Err(ConfigError::NoStorage);
        }
        storage.entries.fill(Entry::EMPTY);
        Ok(Self {
            delay: DelayEstimate::new(&config)?,
            entries: &mut storage.entries,
            octets: storage.octets.as_flattened_mut(),
            state: State::Idle,
            fresh: true,
            next: 0,
            highest: 0,
            head: None,
            highest_timestamp: 0,
            last_step: 0,
            cursor: 0,
            packet_units: config.packet_units,
            empty_for: 0,
            since_change: 0,
            waited_units: 0,
            totals: Statistics::default(),
            config,
        })
    }

    /// Takes a packet: `frame.sequence` is extended by the count of cycles, as
    /// [`Event::Packet`](crate::session::Event::Packet) gives it.
    ///
    /// # Errors
    /// The packet was not taken; the reason is counted as well.
    #[inline]
    pub fn push(&mut self, now: Duration, frame: Frame<'_>) -> Result<(), Rejected> {
        let Frame { sequence, timestamp, payload, .. } = frame;
        let limit = self.octets.len().checked_div(self.entries.len()).unwrap_or(0);
        let Some(len) = u16::try_from(payload.len()).ok().filter(|len| usize::from(*len) <= limit)
        else {
            self.totals.too_long += 1;
            return Err(Rejected::TooLong { limit });
        };
        let arrival = self.units(now);
        if self.state == State::Idle {
            self.begin(sequence, timestamp);
        }
        // Distances of numbers that wrap: their sign tells before from behind.
        let mut ahead = sequence.wrapping_sub(self.next) as i32;
        let room = i32::try_from(self.entries.len()).unwrap_or(i32::MAX);
        if ahead < RESTART || ahead >= room.saturating_mul(2).saturating_add(100) {
            self.restart(sequence, timestamp);
            ahead = 0;
        }
        let at = self.place(sequence);
        let Some(entry) = self.entries.get(at) else { return Err(Rejected::Late) };
        if entry.sequence == sequence && entry.state != EntryState::Empty {
            self.totals.duplicates += 1;
            return Err(Rejected::Duplicate);
        }
        self.delay.arrived(arrival.wrapping_sub(timestamp));
        if ahead < 0 {
            let span = self.highest.wrapping_sub(sequence);
            if self.fresh && (span as usize) < self.entries.len() {
                self.next = sequence;
            } else {
                self.totals.late += 1;
                return Err(Rejected::Late);
            }
        } else if ahead >= room {
            self.make_room(sequence);
        }
        if sequence.wrapping_sub(self.highest) as i32 > 0 {
            self.learn_packet_units(frame);
            self.highest = sequence;
            self.highest_timestamp = timestamp;
        }
        let start = at.saturating_mul(limit);
        if let Some(cells) = self.octets.get_mut(start..start.saturating_add(payload.len())) {
            cells.copy_from_slice(payload);
        }
        if let Some(entry) = self.entries.get_mut(at) {
            *entry = Entry {
                sequence,
                timestamp,
                arrival,
                len,
                payload_type: frame.payload_type,
                marker: frame.marker,
                state: EntryState::Held,
            };
        }
        if self.state == State::Waiting
            && self.head.is_none_or(|head| (sequence.wrapping_sub(head) as i32) < 0)
        {
            self.head = Some(sequence);
        }
        Ok(())
    }

    /// What to play next. The player calls this whenever it has played what it had: for each call
    /// one packet's time of sound goes by.
    #[inline]
    pub fn pop(&mut self, now: Duration) -> Playout<'_> {
        let now = self.units(now);
        match self.decide(now) {
            Decision::Play => self.play(now),
            Decision::Silence => Playout::Silence,
            Decision::Conceal(cause) => {
                self.totals.concealed += 1;
                Playout::Conceal(cause)
            }
        }
    }

    /// By how much the packet that [`Buffer::pop`] gives at this time should be played longer or
    /// shorter: for hosts that can do so without a change of pitch, with [`Adjustment::Host`].
    pub fn stretch(&self, now: Duration) -> Stretch {
        let Some(head) = self.held(self.next).filter(|_| self.state == State::Playing) else {
            return Stretch::No;
        };
        let waited = self.delay.waited(self.units(now), head.timestamp);
        let excess = waited.saturating_sub(self.delay.target() as i32);
        // A packet's time of play, so that it does not change back and forth.
        let packet = self.packet_units as i32;
        let time = self.time(u64::from(excess.unsigned_abs()));
        match excess {
            ..0 => Stretch::Longer(time),
            _ if excess > packet => Stretch::Shorter(time),
            _ => Stretch::No,
        }
    }

    /// Forgets the stream, as where another source begins; what was counted stays.
    pub fn reset(&mut self) {
        self.entries.fill(Entry::EMPTY);
        self.state = State::Idle;
        self.delay.reset();
    }

    /// What the buffer has done.
    pub fn statistics(&self) -> Statistics {
        let mean = self.waited_units.checked_div(self.totals.played).unwrap_or(0);
        Statistics {
            mean_delay: self.time(mean),
            target_delay: self.time(u64::from(self.delay.target())),
            ..self.totals
        }
    }

    /// How many packets there is room for.
    pub const fn capacity(&self) -> usize {
        self.entries.len()
    }

    /// How many places lie between the packet to play next and the highest that has come: the
    /// depth of the buffer in packets, holes among them.
    pub fn depth(&self) -> usize {
        match self.state {
            State::Idle => 0,
            _ => {
                let span = self.highest.wrapping_sub(self.next).wrapping_add(1) as i32;
                usize::try_from(span).unwrap_or(0)
            }
        }
    }

    fn decide(&mut self, now: u32) -> Decision {
        loop {
            match self.state {
                State::Idle => return Decision::Silence,
                State::Waiting => {
                    let head = self.head.and_then(|sequence| self.held(sequence));
                    let Some(head) = head else { return Decision::Silence };
                    let waited = self.delay.waited(now, head.timestamp);
                    let span = self.highest.wrapping_sub(head.sequence).wrapping_add(1);
                    let full = span as usize >= self.entries.len();
                    if !full && waited < self.delay.target() as i32 {
                        return Decision::Silence;
                    }
                    let missing = head.sequence.wrapping_sub(self.next);
                    if !self.fresh {
                        self.totals.lost += u64::from(missing);
                    }
                    self.next = head.sequence;
                    self.head = None;
                    self.state = State::Playing;
                    self.cursor = head.timestamp;
                    self.since_change = 0;
                    self.empty_for = 0;
                }
                State::Playing => match self.held(self.next) {
                    Some(head) => {
                        if let Some(decision) = self.decide_with(now, head) {
                            return decision;
                        }
                    }
                    None => {
                        if let Some(decision) = self.decide_without() {
                            return decision;
                        }
                    }
                },
            }
        }
    }

    /// The packet to play next is here; nothing where the state has to be looked at again.
    fn decide_with(&mut self, now: u32, head: Entry) -> Option<Decision> {
        let packet = self.packet_units as i32;
        let target = self.delay.target() as i32;
        let gap = head.timestamp.wrapping_sub(self.cursor) as i32;
        if gap >= packet {
            // The talker has paused.
            self.state = State::Waiting;
            self.head = Some(self.next);
            return None;
        }
        let waited = self.delay.waited(now, head.timestamp);
        self.since_change = self.since_change.saturating_add(1);
        let may_change = self.since_change > CHANGE_EVERY;
        let slack = match self.config.adjustment {
            Adjustment::Packets => 1,
            Adjustment::Host => HOST_SLACK,
        };
        let slack = packet.saturating_mul(slack);
        if gap < 0 {
            // It has come after its time, which was concealed: playing it now makes the delay
            // longer.
            if waited > target.saturating_add(packet) {
                self.discard();
                self.totals.late += 1;
                self.totals.lost += 1;
                return None;
            }
        } else if may_change
            && waited > target.saturating_add(packet).saturating_add(slack)
            && self.held(self.next.wrapping_add(1)).is_some()
        {
            self.since_change = 0;
            self.discard();
            self.totals.discarded += 1;
            self.cursor = self.cursor.wrapping_add(self.packet_units);
            return None;
        } else if may_change && waited.saturating_add(slack) < target {
            self.since_change = 0;
            self.totals.stretched += 1;
            return Some(Decision::Conceal(Cause::Stretch));
        }
        Some(Decision::Play)
    }

    /// The packet to play next is not here; nothing where the state has to be looked at again.
    fn decide_without(&mut self) -> Option<Decision> {
        if self.highest.wrapping_sub(self.next) as i32 > 0 {
            self.next = self.next.wrapping_add(1);
            self.totals.lost += 1;
            // Its time went by while the buffer was empty: concealing it once more would delay
            // what follows.
            let concealed = self.empty_for > 0;
            self.empty_for = self.empty_for.saturating_sub(1);
            if concealed {
                return None;
            }
            self.cursor = self.cursor.wrapping_add(self.packet_units);
            return Some(Decision::Conceal(Cause::Lost));
        }
        self.cursor = self.cursor.wrapping_add(self.packet_units);
        if self.empty_for == 0 {
            self.totals.underruns += 1;
        }
        self.empty_for = self.empty_for.saturating_add(1);
        if self.empty_for > self.config.longest_concealment {
            self.state = State::Waiting;
            return Some(Decision::Silence);
        }
        Some(Decision::Conceal(Cause::Empty))
    }

    fn play(&mut self, now: u32) -> Playout<'_> {
        let share = self.octets.len().checked_div(self.entries.len()).unwrap_or(0);
        let at = self.place(self.next);
        let Some(entry) = self.entries.get_mut(at) else { return Playout::Silence };
        entry.state = EntryState::Played;
        let entry = *entry;
        self.fresh = false;
        self.empty_for = 0;
        self.next = self.next.wrapping_add(1);
        self.cursor = entry.timestamp.wrapping_add(self.packet_units);
        self.totals.played += 1;
        let waited = u64::from(now.wrapping_sub(entry.arrival));
        self.waited_units = self.waited_units.saturating_add(waited);
        let start = at.saturating_mul(share);
        let end = start.saturating_add(usize::from(entry.len));
        Playout::Packet(Frame {
            sequence: entry.sequence,
            timestamp: entry.timestamp,
            payload_type: entry.payload_type,
            marker: entry.marker,
            payload: self.octets.get(start..end).unwrap_or_default(),
        })
    }

    fn discard(&mut self) {
        let at = self.place(self.next);
        if let Some(entry) = self.entries.get_mut(at) {
            entry.state = EntryState::Played;
        }
        self.next = self.next.wrapping_add(1);
    }

    /// Gives up the oldest packets, so that `sequence` has a place.
    fn make_room(&mut self, sequence: u32) {
        let len = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let first = sequence.wrapping_sub(len).wrapping_add(1);
        while first.wrapping_sub(self.next) as i32 > 0 {
            if self.held(self.next).is_some() {
                self.totals.discarded += 1;
            } else {
                self.totals.lost += 1;
            }
            self.discard();
        }
        self.state = State::Waiting;
        let held = |sequence: &u32| self.held(*sequence).is_some();
        self.head = (0..len).map(|ahead| self.next.wrapping_add(ahead)).find(held);
    }

    fn begin(&mut self, sequence: u32, timestamp: u32) {
        self.state = State::Waiting;
        self.fresh = true;
        self.next = sequence;
        self.highest = sequence;
        self.head = None;
        self.highest_timestamp = timestamp;
        self.last_step = 0;
    }

    fn restart(&mut self, sequence: u32, timestamp: u32) {
        self.totals.restarts += 1;
        self.reset();
        self.begin(sequence, timestamp);
    }

    /// Two equal steps of the timestamp from packet to packet tell how much sound each holds.
    fn learn_packet_units(&mut self, frame: Frame<'_>) {
        if frame.sequence.wrapping_sub(self.highest) != 1 || frame.marker {
            return;
        }
        let step = frame.timestamp.wrapping_sub(self.highest_timestamp);
        let sane = step != 0 && step <= self.config.clock_rate / 4;
        if sane && step == self.last_step {
            self.packet_units = step;
        }
        self.last_step = step;
    }

    fn held(&self, sequence: u32) -> Option<Entry> {
        let entry = self.entries.get(self.place(sequence))?;
        (entry.sequence == sequence && entry.state == EntryState::Held).then_some(*entry)
    }

    #[inline]
    fn place(&self, sequence: u32) -> usize {
        let len = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        sequence.checked_rem(len).unwrap_or(0) as usize
    }

    #[inline]
    fn units(&self, now: Duration) -> u32 {
        let clock = self.config.clock_rate;
        let part = u64::from(now.subsec_nanos()) * u64::from(clock) / 1_000_000_000;
        // Only the lower 32 bits count, as in timestamps.
        (now.as_secs() as u32).wrapping_mul(clock).wrapping_add(part as u32)
    }

    fn time(&self, units: u64) -> Duration {
        let micros = units.saturating_mul(1_000_000);
        Duration::from_micros(micros.checked_div(u64::from(self.config.clock_rate)).unwrap_or(0))
    }
}

enum Decision {
    Play,
    Conceal(Cause),
    Silence,
}

#[cfg(test)]
mod tests;
