//! How good the sound of a call is: loss, jitter, round trip, and the opinion that the E-model has of it.

use std::time::Duration;

use rtp_core::e_model::{Call, Impairment};
use rtp_core::jitter;
use rtp_core::session::SourceStatistics;
use serde::Serialize;

/// What a packet of sound takes by itself: its own time, and what concealment holds back.
const CODING: Duration = Duration::from_millis(24);

/// What was measured of a call until now.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// For how long there has been sound, in seconds.
    pub seconds: f64,
    /// The codec.
    pub codec: &'static str,
    /// The suite of SRTP; nothing where sound is in clear.
    pub srtp: Option<&'static str>,
    /// Packets sent.
    pub sent: u32,
    /// Packets received, duplicates among them.
    pub received: u32,
    /// Packets that should have come.
    pub expected: u32,
    /// Packets that did not come; negative where duplicates outnumber them.
    pub lost: i32,
    /// The share of packets that did not come, in percent.
    pub loss_percent: f64,
    /// Packets that came too late to be played.
    pub late: u64,
    /// Times of a packet for which sound was made up.
    pub concealed: u64,
    /// Interarrival jitter now (RFC 3550 section 6.4.1), in milliseconds.
    pub jitter_ms: f64,
    /// The same, averaged over all packets.
    pub mean_jitter_ms: f64,
    /// How long packets wait to be played, on average, in milliseconds.
    pub buffer_ms: f64,
    /// The way there and back, by the other side's last report, in milliseconds.
    pub round_trip_ms: Option<f64>,
    /// Of our packets, the share that the other side says is lost in its last interval, in percent.
    pub remote_loss_percent: Option<f64>,
    /// Of our packets, how many the other side says are lost in all.
    pub remote_lost: Option<i32>,
    /// The jitter of our packets there, in milliseconds.
    pub remote_jitter_ms: Option<f64>,
    /// The other side's reports that came.
    pub reports: u32,
    /// Datagrams refused: no RTP, not authentic, or from elsewhere.
    pub refused: u64,
    /// Why the last of those was refused.
    pub refusal: Option<String>,
    /// The mean opinion of a conversation with this sound (ITU-T G.107), 1 to 4.5; nothing before
    /// sound has come.
    pub mos: Option<f64>,
    /// R, 0 to 100, on which that opinion rests.
    pub r_factor: Option<u8>,
}

/// What the E-model makes of a call; nothing where there has been no sound.
pub(crate) fn rate(
    played: &jitter::Statistics,
    runs: u64,
    round_trip: Option<Duration>,
) -> Option<(f64, u8)> {
    let expected = played.played.saturating_add(played.lost);
    if played.played == 0 {
        return None;
    }
    // G.722 has no place on the narrowband scale: it counts as the best that stands there.
    let mut call = Call::new(Impairment::G711_CONCEALED);
    call.delay = round_trip.unwrap_or_default() / 2 + played.mean_delay + CODING;
    call.loss = Call::loss_of(played.lost, expected);
    call.burst_ratio_x100 = Call::burst_ratio_of(played.lost, runs, expected);
    let quality = call.rate();
    Some((f64::from(quality.mos_x100()) / 100.0, quality.r_factor()))
}

impl Report {
    /// Puts in what is known of the other side's stream.
    pub(crate) fn of_source(&mut self, source: &SourceStatistics) {
        self.received = source.received;
        self.expected = source.expected;
        self.lost = source.lost;
        self.loss_percent = rounded(f64::from(source.loss()) * 100.0);
        self.jitter_ms = milliseconds(source.jitter_time);
    }
}

/// To the hundredth of a millisecond.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    rounded(time.as_secs_f64() * 1000.0)
}

/// To two digits behind the point.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn played(played: u64, lost: u64) -> jitter::Statistics {
        let mut statistics = jitter::Statistics::default();
        (statistics.played, statistics.lost) = (played, lost);
        statistics.mean_delay = Duration::from_millis(40);
        statistics
    }

    #[test]
    fn loss_and_delay_spoil_the_opinion() {
        assert_eq!(rate(&played(0, 0), 0, None), None);
        let (good, r) = rate(&played(1000, 0), 0, None).expect("there was sound");
        assert!(good > 4.3 && r > 90, "{good} {r}");
        let (lossy, _) = rate(&played(950, 50), 50, None).expect("there was sound");
        let (bursts, _) = rate(&played(950, 50), 5, None).expect("there was sound");
        let far = Some(Duration::from_millis(600));
        let (slow, _) = rate(&played(1000, 0), 0, far).expect("there was sound");
        assert!(lossy < good && bursts < lossy && slow < good, "{lossy} {bursts} {slow}");
    }
}
