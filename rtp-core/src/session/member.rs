//! One participant, as a session knows it.

use core::time::Duration;

use super::source::Reception;
use crate::rtcp::SenderInfo;
use crate::{NtpTime, Ssrc};

/// A participant of a session; opaque to hosts, who only lend room for it.
#[derive(Debug, Clone)]
pub struct Member {
    pub(super) ssrc: Ssrc,
    /// Digests of the addresses that its RTP and its RTCP come from; 0 for none yet.
    pub(super) rtp_from: u64,
    pub(super) rtcp_from: u64,
    /// When the last packet of any kind came, and the last packet of RTP.
    pub(super) heard: Duration,
    pub(super) rtp_heard: Option<Duration>,
    pub(super) state: State,
    /// Whether it counts among the senders.
    pub(super) sender: bool,
    pub(super) news: News,
    pub(super) reception: Option<Reception>,
    pub(super) report: Option<SenderReportSeen>,
    pub(super) about_us: Option<RemoteView>,
}

/// What a member's presence is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Something came, but not enough to believe it (RFC 3550 section 6.2.1).
    Unproven,
    /// Counts as a member.
    Valid,
    /// Has said goodbye or was silent for too long; counts no more, and is kept until the host has
    /// been told and packets under way have come.
    Gone,
}

/// What the host has to be told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct News {
    pub(super) joined: bool,
    pub(super) report: bool,
    pub(super) goodbye: bool,
    pub(super) timeout: bool,
}

/// The last sender report of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SenderReportSeen {
    pub(super) info: SenderInfo,
    pub(super) at: Duration,
}

/// What a participant says of our own packets, in the last report that spoke of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RemoteView {
    /// The share of our packets lost in its last interval, in 256ths.
    pub fraction_lost: u8,
    /// Our packets lost since the beginning; duplicates can make it negative.
    pub lost: i32,
    /// The highest sequence number that it has received, with the count of its cycles.
    pub highest_sequence: u32,
    /// The jitter of our packets there, in units of our clock.
    pub jitter: u32,
    /// The time there and back, once it has had a sender report of ours to measure with
    /// (RFC 3550 section 6.4.1).
    pub round_trip: Option<Duration>,
    /// When that report came.
    pub at: Duration,
}

/// What is known of a source (RFC 3550 section 6.4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SourceStatistics {
    /// The source.
    pub ssrc: Ssrc,
    /// Packets received, duplicates and late ones among them.
    pub received: u32,
    /// Octets of payload received.
    pub octets: u64,
    /// Packets that should have come, by their sequence numbers.
    pub expected: u32,
    /// Packets that have not come; negative where duplicates outnumber them.
    pub lost: i32,
    /// Interarrival jitter in units of the source's clock (RFC 3550 section 6.4.1).
    pub jitter: u32,
    /// The same as a length of time.
    pub jitter_time: Duration,
    /// The clock that the source's timestamps count, in hertz.
    pub clock_rate: u32,
    /// The payload type of its last packet.
    pub payload_type: u8,
    /// The highest sequence number received, with the count of its cycles.
    pub highest_sequence: u32,
    /// The sender's own count in its last report: packets, octets, times.
    pub sender_report: Option<SenderInfo>,
    /// When the last packet of any kind came.
    pub heard: Duration,
    /// What it says of our packets.
    pub remote: Option<RemoteView>,
}

impl SourceStatistics {
    /// The share of packets lost since the beginning, 0 to 1.
    pub fn loss(&self) -> f32 {
        if self.expected == 0 {
            return 0.0;
        }
        self.lost.max(0) as f32 / self.expected as f32
    }
}

impl Member {
    pub(super) fn new(ssrc: Ssrc, now: Duration) -> Self {
        Self {
            ssrc,
            rtp_from: 0,
            rtcp_from: 0,
            heard: now,
            rtp_heard: None,
            state: State::Unproven,
            sender: false,
            news: News::default(),
            reception: None,
            report: None,
            about_us: None,
        }
    }

    pub(super) fn statistics(&self) -> SourceStatistics {
        let reception = self.reception.filter(Reception::is_valid);
        let (jitter, clock_rate) = reception.map_or((0, 0), |r| (r.jitter(), r.clock_rate));
        let micros = u64::from(jitter).saturating_mul(1_000_000);
        SourceStatistics {
            ssrc: self.ssrc,
            received: reception.map_or(0, |r| r.received),
            octets: reception.map_or(0, |r| r.octets),
            expected: reception.map_or(0, |r| r.expected()),
            lost: reception.map_or(0, |r| r.lost()),
            jitter,
            jitter_time: Duration::from_micros(
                micros.checked_div(u64::from(clock_rate)).unwrap_or(0),
            ),
            clock_rate,
            payload_type: reception.map_or(0, |r| r.payload_type),
            highest_sequence: reception.map_or(0, |r| r.highest()),
            sender_report: self.report.map(|report| report.info),
            heard: self.heard,
            remote: self.about_us,
        }
    }

    /// When a sample with this timestamp was taken, by the source's own wall clock: what ties
    /// the streams of one participant together (RFC 3550 section 6.4.1).
    pub(super) fn ntp_of(&self, timestamp: u32) -> Option<NtpTime> {
        let info = self.report?.info;
        let clock = self.reception?.clock_rate;
        // The timestamp may lie on either side of the report's.
        let units = timestamp.wrapping_sub(info.rtp_timestamp) as i32;
        let nanos = u64::from(units.unsigned_abs()).saturating_mul(1_000_000_000);
        let apart = Duration::from_nanos(nanos.checked_div(u64::from(clock))?);
        Some(if units < 0 { info.ntp.minus(apart) } else { info.ntp.plus(apart) })
    }
}
