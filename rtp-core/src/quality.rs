//! How good a stream is for who listens to it: a report of loss, bursts, delay and opinion.
//!
//! ```text
//! Session ── SourceStatistics: loss, jitter, round trip ──┐
//! jitter::Buffer ── Statistics: late, discarded, delay ───┼─▶ Monitor::report ─▶ Report: R, MOS
//!            └─ each packet played ─▶ Monitor: bursts ────┘                      └▶ VoipMetrics (XR)
//! ```
//!
//! | figure | where it comes from | standard |
//! |---|---|---|
//! | loss rate | [`SourceStatistics::lost`] of those expected | RFC 3611 section 4.7.1 |
//! | discard rate | the jitter buffer's late and discarded packets | RFC 3611 section 4.7.1 |
//! | bursts, gaps | holes in the numbers of what was played | RFC 3611 section 4.7.2, appendix A.2 |
//! | one-way delay | half the round trip, the jitter buffer, [`Setting::fixed_delay`] | G.107 section 7.5 |
//! | R | delay, holes, their runs, the codec's [`Impairment`] | G.107 sections 7.1, 7.5, 7.6 |
//! | MOS | R | G.107 annex B |
//!
//! Neither the session nor the buffer knows of this module: a host that has no use for it pays
//! nothing. A host that has one tells the monitor of each packet that it plays, and asks for a report
//! when it wants one, as behind each RTCP report that goes out.
//!
//! ```
//! use core::time::Duration;
//! use rtp_core::e_model::Impairment;
//! use rtp_core::quality::{Monitor, Setting};
//! use rtp_core::rtcp::{ExtendedBlock, ExtendedReport};
//! # use rtp_core::{jitter, session::{Cname, Config, Session, Storage}, Ssrc};
//! # let mut storage = Storage::<1>::new();
//! # let session = Session::new(Config::new(Cname::new("a@b")?), &mut storage, [0; 32])?;
//! # let mut room = jitter::Storage::<10, 160>::new();
//! # let buffer = jitter::Buffer::new(jitter::Config::new(8000), &mut room)?;
//! let mut monitor = Monitor::new();
//! // At the player: each packet of which `jitter::Playout::Packet` tells.
//! for sequence in (0..500).filter(|sequence| sequence % 100 != 99) {
//!     monitor.played(sequence);
//! }
//! let setting = Setting::new(Impairment::G711_CONCEALED, Duration::from_millis(20));
//! # let peer = Ssrc(7);
//! let report = monitor.report(session.source(peer).as_ref(), &buffer.statistics(), &setting);
//! assert_eq!(report.missing, 4);
//! assert_eq!(report.quality.mos_x100(), 432);
//! // Behind our next RTCP report:
//! let blocks = [ExtendedBlock::VoipMetrics(report.voip_metrics(peer))];
//! let extended = ExtendedReport { ssrc: session.ssrc(), blocks: blocks[..].into() };
//! # assert_eq!(extended.encoded_len(), 44);
//! # Ok::<(), rtp_core::ConfigError>(())
//! ```

use core::time::Duration;

use crate::Ssrc;
use crate::e_model::{Call, Impairment, Quality};
use crate::jitter;
use crate::rtcp::VoipMetrics;
use crate::session::SourceStatistics;

/// Received packets in a row that end a burst (Gmin: RFC 3611 section 4.7.2).
pub const MINIMUM_GAP: u8 = 16;
/// A step of the sequence numbers of this much or more is a stream that has begun anew, not a loss
/// (RFC 3550 appendix A.1, MAX_DROPOUT).
const MAX_DROPOUT: u32 = 3000;
/// A value that is not known (RFC 3611 section 4.7).
const UNKNOWN: u8 = 127;

/// Finds the bursts of loss among the packets of a stream (RFC 3611 appendix A.2).
///
/// A burst begins and ends with a packet that was not played, and holds less than [`MINIMUM_GAP`]
/// played ones in a row; what lies between bursts is gap, with the losses that stand alone in it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Monitor {
    last: Option<u32>,
    /// Packets played since the last that was missing.
    good: u32,
    /// Missing packets of what may become a burst, and those played between them.
    lost: u32,
    inside: u32,
    counts: Counts,
}

/// What [`Monitor`] has counted, without what is still open.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    gap_played: u32,
    gap_missing: u32,
    burst_played: u32,
    burst_missing: u32,
    bursts: u32,
    /// Runs of missing packets with nothing played between.
    runs: u32,
}

/// What a host knows of a stream that packets do not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Setting {
    /// What the codec costs.
    pub impairment: Impairment,
    /// How much sound a packet holds.
    pub packet_time: Duration,
    /// Delay besides network and jitter buffer: the time to fill a packet, the codec, the sound
    /// devices of both ends. One packet's time and 10 ms where nothing better is known.
    pub fixed_delay: Duration,
    /// The greatest delay that the jitter buffer can have.
    pub greatest_delay: Duration,
    /// How losses are concealed.
    pub concealment: Concealment,
    /// Whether the jitter buffer's delay adapts.
    pub adaptive: bool,
    /// What the caller forgives: 0 to 20 points of R (G.107 section 7.8).
    pub advantage: u8,
}

/// How losses are concealed (RFC 3611 section 4.7.6, PLC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Concealment {
    /// Not said.
    Unspecified,
    /// By silence.
    Disabled,
    /// By sound made up to follow what was before, as of G.711 appendix I.
    Enhanced,
    /// By playing the last packet again, or something as simple.
    Standard,
}

/// How good a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Report {
    /// Packets played.
    pub played: u32,
    /// Packets that should have been played and were not, being lost or late.
    pub missing: u32,
    /// Packets that the network lost, in 256ths of those expected.
    pub loss_rate: u8,
    /// Packets that the jitter buffer threw away, in 256ths of those expected.
    pub discard_rate: u8,
    /// The share of missing packets within bursts, in 256ths.
    pub burst_density: u8,
    /// The share of missing packets between bursts, in 256ths.
    pub gap_density: u8,
    /// The mean length of bursts; zero where there was none.
    pub burst_duration: Duration,
    /// The mean length of the gaps between them.
    pub gap_duration: Duration,
    /// The network's way there and back, once it is known.
    pub round_trip: Option<Duration>,
    /// Interarrival jitter (RFC 3550 section 6.4.1).
    pub jitter: Duration,
    /// Jitter buffer and fixed delay.
    pub end_system_delay: Duration,
    /// From mouth to ear, one way; without the network's part where no round trip is known.
    pub delay: Duration,
    /// What the jitter buffer aims at.
    pub nominal_delay: Duration,
    /// R and MOS.
    pub quality: Quality,
    setting: Setting,
}

impl Setting {
    /// A stream of this codec in packets of this much sound, with an adaptive jitter buffer of at
    /// most 200 ms.
    #[must_use]
    pub const fn new(impairment: Impairment, packet_time: Duration) -> Self {
        Self {
            impairment,
            packet_time,
            fixed_delay: packet_time.saturating_add(Duration::from_millis(10)),
            greatest_delay: Duration::from_millis(200),
            concealment: Concealment::Enhanced,
            adaptive: true,
            advantage: 0,
        }
    }

    /// PLC, JBA and JB rate as RFC 3611 section 4.7.6 packs them; the rate is left open.
    const fn receiver_configuration(&self) -> u8 {
        let concealment = match self.concealment {
            Concealment::Unspecified => 0u8,
            Concealment::Disabled => 1,
            Concealment::Enhanced => 2,
            Concealment::Standard => 3,
        };
        concealment << 6 | if self.adaptive { 3 << 4 } else { 2 << 4 }
    }
}

impl Monitor {
    /// A monitor of a stream of which nothing was played yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A packet was given to the player: its sequence number with the count of cycles, as
    /// [`jitter::Frame`] has it. Numbers that were left out are missing packets. A number far off is
    /// a stream that has begun anew.
    pub fn played(&mut self, sequence: u32) {
        let step = sequence.wrapping_sub(self.last.unwrap_or(sequence.wrapping_sub(1)));
        if (2..MAX_DROPOUT).contains(&step) {
            self.missed(step - 1);
        }
        if step == 0 {
            return;
        }
        self.last = Some(sequence);
        self.good = self.good.saturating_add(1);
    }

    /// The stream goes on under other numbers, as another source; what was counted stays.
    pub fn restart(&mut self) {
        self.last = None;
    }

    /// What is known of the stream by now. `source` is the session's view of who sends it, `buffer`
    /// that of the jitter buffer it is played from.
    #[must_use]
    pub fn report(
        &self,
        source: Option<&SourceStatistics>,
        buffer: &jitter::Statistics,
        setting: &Setting,
    ) -> Report {
        let Counts { gap_played, gap_missing, burst_played, burst_missing, bursts, runs } =
            self.counts();
        let played = gap_played.saturating_add(burst_played);
        let missing = gap_missing.saturating_add(burst_missing);
        let all = u64::from(played).saturating_add(missing.into());
        let round_trip = source.and_then(|source| source.remote?.round_trip);
        let end_system_delay = buffer.target_delay.saturating_add(setting.fixed_delay);
        let delay = buffer
            .mean_delay
            .saturating_add(setting.fixed_delay)
            .saturating_add(round_trip.unwrap_or_default() / 2);
        let call = Call {
            impairment: setting.impairment,
            delay,
            loss: Call::loss_of(missing.into(), all),
            burst_ratio_x100: Call::burst_ratio_of(missing.into(), runs.into(), all),
            advantage: setting.advantage,
        };
        let discarded = buffer.late.saturating_add(buffer.discarded);
        let expected = source.map_or(all, |source| source.expected.into());
        let lost = source.map_or(u64::from(missing).saturating_sub(discarded), |source| {
            source.lost.max(0).unsigned_abs().into()
        });
        let in_time = |packets: u32, times: u32| {
            setting.packet_time.saturating_mul(packets).checked_div(times).unwrap_or_default()
        };
        Report {
            played,
            missing,
            loss_rate: share(lost, expected),
            discard_rate: share(discarded, expected),
            burst_density: share_of(burst_missing, burst_played),
            gap_density: share_of(gap_missing, gap_played),
            burst_duration: in_time(burst_played.saturating_add(burst_missing), bursts),
            gap_duration: in_time(gap_played.saturating_add(gap_missing), bursts.saturating_add(1)),
            round_trip,
            jitter: source.map_or(Duration::ZERO, |source| source.jitter_time),
            end_system_delay,
            delay,
            nominal_delay: buffer.target_delay,
            quality: call.rate(),
            setting: *setting,
        }
    }

    /// Packets were left out: they begin a burst, go on with one, or stand alone.
    fn missed(&mut self, packets: u32) {
        self.counts.runs = self.counts.runs.saturating_add(1);
        if self.lost > 0 && self.good < u32::from(MINIMUM_GAP) {
            self.lost = self.lost.saturating_add(packets);
            self.inside = self.inside.saturating_add(self.good);
        } else {
            self.counts = self.counts();
            self.lost = packets;
            self.inside = 0;
        }
        self.good = 0;
    }

    /// The counts with what is still open, as if [`MINIMUM_GAP`] packets were played next
    /// (RFC 3611 section 4.7.2).
    fn counts(&self) -> Counts {
        let mut counts = self.counts;
        counts.gap_played = counts.gap_played.saturating_add(self.good);
        if self.lost > 1 {
            counts.bursts = counts.bursts.saturating_add(1);
            counts.burst_missing = counts.burst_missing.saturating_add(self.lost);
            counts.burst_played = counts.burst_played.saturating_add(self.inside);
        } else {
            // One that stands alone belongs to the gap.
            counts.gap_missing = counts.gap_missing.saturating_add(self.lost);
        }
        counts
    }
}

impl Report {
    /// The report as a block of an RTCP extended report (RFC 3611 section 4.7) on this source.
    /// Levels and echo are not known here: a host that measures them fills them in.
    #[must_use]
    pub fn voip_metrics(&self, source: Ssrc) -> VoipMetrics {
        let mut metrics = VoipMetrics {
            ssrc: source,
            loss_rate: self.loss_rate,
            discard_rate: self.discard_rate,
            burst_density: self.burst_density,
            gap_density: self.gap_density,
            burst_duration: millis(self.burst_duration),
            gap_duration: millis(self.gap_duration),
            round_trip_delay: millis(self.round_trip.unwrap_or_default()),
            end_system_delay: millis(self.end_system_delay),
            // 127, as of each value that is not known.
            signal_level: i8::MAX,
            noise_level: i8::MAX,
            residual_echo_return_loss: UNKNOWN,
            minimum_gap: MINIMUM_GAP,
            external_r_factor: UNKNOWN,
            receiver_configuration: self.setting.receiver_configuration(),
            nominal_delay: millis(self.nominal_delay),
            maximum_delay: millis(self.nominal_delay),
            absolute_maximum_delay: millis(self.setting.greatest_delay),
            ..VoipMetrics::default()
        };
        self.quality.fill(&mut metrics);
        metrics
    }
}

/// A share in 256ths; all is 255.
fn share(part: u64, whole: u64) -> u8 {
    let share = part.saturating_mul(256).checked_div(whole).unwrap_or(0);
    u8::try_from(share).unwrap_or(u8::MAX)
}

/// The share of `part` in both together.
fn share_of(part: u32, rest: u32) -> u8 {
    share(part.into(), u64::from(part).saturating_add(rest.into()))
}

/// Whole milliseconds, as far as 16 bits go.
fn millis(time: Duration) -> u16 {
    let whole = time.as_secs().saturating_mul(1000).saturating_add(time.subsec_millis().into());
    u16::try_from(whole).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests;
