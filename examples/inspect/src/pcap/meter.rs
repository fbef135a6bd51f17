//! The figures of one RTP stream, by `rtp_core`'s session (RFC 3550 appendices A.1, A.3, A.8).

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use rtp_core::packet::{FIXED_HEADER_LEN, Packet};
use rtp_core::session::{Clock, Cname, Config, Event, Path, Session, SourceStatistics};
use rtp_core::{Error, Ssrc};

use super::calls::Seen;

/// What the session's clock is faster by than the stream's, so that jitter is not rounded to whole
/// units of the timestamp: an eighth of a millisecond at 8000 Hz.
const FINER: u32 = 64;
/// Clocks that payload types of one stream may change between, each with a payload type for the
/// session.
const CLOCKS: [u32; 8] = [8000, 16_000, 32_000, 44_100, 48_000, 90_000, 11_025, 22_050];
/// The payload type that stands for the first of [`CLOCKS`]; for any other clock, the one behind
/// the last.
const FIRST_TYPE: u8 = 96;
/// How far back duplicates are known from packets out of order.
const WINDOW: u32 = 128;

/// What matters of one RTP packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observation {
    pub(super) seen: Seen,
    pub(super) ssrc: u32,
    pub(super) sequence_number: u16,
    pub(super) timestamp: u32,
    pub(super) payload_type: u8,
    /// On the wire, as far as headers tell.
    pub(super) payload_octets: usize,
}

/// The figures.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Figures {
    /// All packets that were seen.
    pub(super) packets: u64,
    pub(super) octets: u64,
    pub(super) expected: u64,
    /// Expected less received, as RFC 3550 counts: a duplicate makes up for a loss.
    pub(super) lost: i64,
    pub(super) duplicates: u64,
    /// Packets that came behind one with a later number.
    pub(super) reordered: u64,
    /// How often the numbers began anew.
    pub(super) restarts: u64,
    pub(super) duration: Duration,
    /// The longest time between two packets.
    pub(super) longest_gap: Duration,
    /// The interarrival jitter behind the last packet, and its mean and greatest value.
    pub(super) jitter_ms: f64,
    pub(super) mean_jitter_ms: f64,
    pub(super) max_jitter_ms: f64,
}

impl Figures {
    /// Lost packets of a hundred.
    pub(super) fn loss_percent(&self) -> f64 {
        if self.expected == 0 {
            return 0.0;
        }
        self.lost.max(0) as f64 * 100.0 / self.expected as f64
    }
}

/// Measures one stream.
#[derive(Debug)]
pub(super) struct Meter {
    session: Option<Box<Session<'static>>>,
    ssrc: Ssrc,
    path: Path,
    figures: Figures,
    /// Of runs of numbers that are over.
    before: (u64, i64),
    last: Option<SourceStatistics>,
    first: Duration,
    latest: Duration,
    jitter_sum_ms: f64,
    jitter_count: u64,
    /// The highest number, extended, and which of those before it have come.
    highest: Option<u32>,
    history: u128,
}

impl Meter {
    /// A stream of this source, whose timestamps mostly count by this clock, in hertz.
    pub(super) fn new(ssrc: u32, clock_rate: u32) -> Self {
        Self {
            session: session(ssrc, clock_rate),
            ssrc: Ssrc(ssrc),
            path: Path::rtp(SocketAddr::from((Ipv4Addr::LOCALHOST, 1))),
            figures: Figures::default(),
            before: (0, 0),
            last: None,
            first: Duration::ZERO,
            latest: Duration::ZERO,
            jitter_sum_ms: 0.0,
            jitter_count: 0,
            highest: None,
            history: 0,
        }
    }

    /// Takes a packet; its clock is in hertz.
    pub(super) fn add(&mut self, observation: &Observation, clock_rate: u32) {
        let at = observation.seen.at;
        if self.figures.packets == 0 {
            self.first = at;
        } else {
            let gap = at.saturating_sub(self.latest);
            self.figures.longest_gap = self.figures.longest_gap.max(gap);
        }
        self.latest = self.latest.max(at);
        self.figures.packets += 1;
        self.figures.octets += observation.payload_octets as u64;
        let known = CLOCKS.iter().position(|clock| *clock == clock_rate).unwrap_or(CLOCKS.len());
        // The session needs the header alone, with its clock made finer.
        let packet = Packet {
            payload_type: FIRST_TYPE + known as u8,
            sequence_number: observation.sequence_number,
            timestamp: observation.timestamp.wrapping_mul(FINER),
            ssrc: self.ssrc,
            ..Packet::default()
        };
        let mut header = [0; FIXED_HEADER_LEN];
        let Some(session) = self.session.as_mut().filter(|_| packet.write(&mut header).is_ok())
        else {
            return;
        };
        let sequence = match session.handle_datagram(self.latest, self.path, &header) {
            Ok(Some(Event::Packet { sequence, .. })) => sequence,
            Ok(_) => return,
            Err(Error::Sequence { .. }) => return,
            Err(_) => return,
        };
        let Some(now) = session.source(self.ssrc) else { return };
        if let Some(last) = self.last.filter(|last| now.received <= last.received) {
            // The source has started again, and the session counts from there.
            self.before.0 += u64::from(last.expected);
            self.before.1 += i64::from(last.lost);
            self.figures.restarts += 1;
            self.highest = None;
        }
        self.last = Some(now);
        let jitter_ms = f64::from(now.jitter) * 1000.0 / f64::from(now.clock_rate.max(1));
        self.jitter_sum_ms += jitter_ms;
        self.jitter_count += 1;
        self.figures.max_jitter_ms = self.figures.max_jitter_ms.max(jitter_ms);
        self.order(sequence);
    }

    pub(super) fn figures(&self) -> Figures {
        let Some(last) = self.last else { return self.figures };
        let jitter = f64::from(last.jitter) * 1000.0 / f64::from(last.clock_rate.max(1));
        Figures {
            expected: self.before.0 + u64::from(last.expected),
            lost: self.before.1 + i64::from(last.lost),
            duration: self.latest.saturating_sub(self.first),
            jitter_ms: jitter,
            mean_jitter_ms: self.jitter_sum_ms / (self.jitter_count.max(1) as f64),
            ..self.figures
        }
    }

    /// Tells duplicates and packets out of order by their extended numbers.
    fn order(&mut self, sequence: u32) {
        let Some(highest) = self.highest else {
            (self.highest, self.history) = (Some(sequence), 1);
            return;
        };
        let ahead = sequence.wrapping_sub(highest) as i32;
        if ahead > 0 {
            self.history = self.history.checked_shl(ahead.unsigned_abs()).unwrap_or(0) | 1;
            self.highest = Some(sequence);
            return;
        }
        let behind = ahead.unsigned_abs();
        let bit = if behind < WINDOW { 1u128 << behind } else { 0 };
        if self.history & bit != 0 {
            self.figures.duplicates += 1;
        } else {
            self.history |= bit;
            self.figures.reordered += 1;
        }
    }
}

/// A session that only listens, to one source.
fn session(ssrc: u32, clock_rate: u32) -> Option<Box<Session<'static>>> {
    let mut config = Config::new(Cname::new("inspect").ok()?);
    config.ssrc = Some(Ssrc(!ssrc));
    config.clock_rate = clock_rate.max(1).saturating_mul(FINER);
    for ((place, hertz), payload_type) in config.clocks.iter_mut().zip(CLOCKS).zip(FIRST_TYPE..) {
        *place = Some(Clock { payload_type, hertz: hertz * FINER });
    }
    // All that is there counts, from the first packet on.
    config.min_sequential = 0;
    // One source, and room for those that a mixer names.
    config.member_limit = 8;
    Session::growing(config, [0; 32]).ok().map(Box::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(packets: &[(u64, u16, u32)]) -> Figures {
        let mut meter = Meter::new(7, 8000);
        for (ms, sequence_number, timestamp) in packets {
            let seen = Seen { at: Duration::from_millis(*ms), packet: 1 };
            let observation = Observation {
                seen,
                ssrc: 7,
                sequence_number: *sequence_number,
                timestamp: *timestamp,
                payload_type: 0,
                payload_octets: 160,
            };
            meter.add(&observation, 8000);
        }
        meter.figures()
    }

    #[test]
    fn loss_duplicates_and_order_are_told_apart() {
        let packet = |n: u16| (u64::from(n) * 20, n, u32::from(n) * 160);
        let numbers = [0, 1, 2, 4, 3, 3, 6, 7, 9];
        let figures = run(&numbers.map(packet));
        assert_eq!((figures.packets, figures.expected), (9, 10));
        // 5 and 8 are missing; 3 came twice.
        assert_eq!((figures.lost, figures.duplicates, figures.reordered), (1, 1, 1));
        assert_eq!(figures.octets, 9 * 160);
        assert_eq!((figures.duration, figures.loss_percent()), (Duration::from_millis(180), 10.0));
    }

    #[test]
    fn jitter_is_that_of_the_appendix_and_finer_than_a_unit() {
        let figures = run(&[(0, 0, 0), (20, 1, 160), (50, 2, 320)]);
        // 10 ms late, of which a sixteenth counts.
        assert!((figures.jitter_ms - 0.625).abs() < 0.005, "{}", figures.jitter_ms);
        assert_eq!(figures.max_jitter_ms, figures.jitter_ms);
        assert!((figures.mean_jitter_ms - 0.625 / 3.0).abs() < 0.005);
        assert_eq!(figures.longest_gap, Duration::from_millis(30));
    }

    #[test]
    fn a_source_that_starts_again_keeps_what_was_counted() {
        let figures = run(&[
            (0, 10, 0),
            (20, 11, 160),
            (40, 13, 480),
            (60, 40_000, 0),
            (80, 40_001, 160),
            (100, 40_002, 320),
            (120, 40_004, 640),
        ]);
        assert_eq!((figures.restarts, figures.packets), (1, 7));
        assert_eq!((figures.expected, figures.lost), (4 + 4, 2));
    }
}
