//! What RTCP says of streams: loss and jitter as their receivers see them, and round trips.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::HashMap;

use rtp_core::rtcp::{Compound, Packet, ReportBlocks};

use super::calls::Seen;
use super::link::Datagram;

/// Sources that reports are kept of.
const SOURCES: usize = 65_536;
/// Sender reports that receivers may refer to.
const SENDER_REPORTS: usize = 65_536;

/// What a receiver has reported of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Heard {
    pub(super) reports: u64,
    /// Of its last report: packets lost since the beginning, and the share since the report before
    /// in 256ths.
    pub(super) lost: i32,
    pub(super) fraction_lost: u8,
    /// In units of the stream's clock: of its last report, and the greatest.
    pub(super) jitter: u32,
    pub(super) max_jitter: u32,
    /// From where the capture was made to the receiver and back.
    pub(super) round_trip: Option<Duration>,
    pub(super) max_round_trip: Option<Duration>,
}

/// All reports of a capture.
#[derive(Debug, Default)]
pub(super) struct Reports {
    /// By the source that they are about, and the addresses that its packets go from and to.
    by_source: HashMap<(u32, IpAddr, IpAddr), Heard>,
    /// When a sender report was seen: by source and the middle of its NTP time.
    sent: HashMap<(u32, u32), Duration>,
}

impl Reports {
    /// Takes a datagram that looks like RTCP, and says whether it is.
    pub(super) fn datagram(&mut self, seen: Seen, datagram: &Datagram<'_>) -> bool {
        let Ok(compound) = Compound::parse(datagram.payload) else { return false };
        if compound.check().is_err() {
            return false;
        }
        for packet in compound.packets().flatten() {
            match packet {
                Packet::SenderReport(report) => {
                    if self.sent.len() >= SENDER_REPORTS {
                        self.sent.clear();
                    }
                    self.sent.insert((report.ssrc.0, report.info.ntp.middle()), seen.at);
                    self.blocks(seen, datagram, report.blocks);
                }
                Packet::ReceiverReport(report) => self.blocks(seen, datagram, report.blocks),
                _ => {}
            }
        }
        true
    }

    /// What was reported of the stream of this source that goes from one address to another.
    pub(super) fn of(&self, ssrc: u32, (from, to): (IpAddr, IpAddr)) -> Option<Heard> {
        self.by_source.get(&(ssrc, from, to)).copied()
    }

    fn blocks(&mut self, seen: Seen, datagram: &Datagram<'_>, blocks: ReportBlocks<'_>) {
        for block in blocks.iter() {
            // Reports go the other way.
            let key = (block.ssrc.0, datagram.to.ip(), datagram.from.ip());
            if self.by_source.len() >= SOURCES && !self.by_source.contains_key(&key) {
                continue;
            }
            let heard = self.by_source.entry(key).or_default();
            heard.reports += 1;
            heard.lost = block.cumulative_lost;
            heard.fraction_lost = block.fraction_lost;
            heard.jitter = block.jitter;
            heard.max_jitter = heard.max_jitter.max(block.jitter);
            // RFC 3550 section 6.4.1, with the capture in the place of the sender.
            if block.last_sr != 0
                && let Some(sent) = self.sent.get(&(block.ssrc.0, block.last_sr))
            {
                let held = u64::from(block.delay_since_last_sr) * 1_000_000 / 65_536;
                let away = seen.at.saturating_sub(*sent);
                let round_trip = away.saturating_sub(Duration::from_micros(held));
                heard.round_trip = Some(round_trip);
                heard.max_round_trip = heard.max_round_trip.max(Some(round_trip));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::SocketAddr;
    use rtp_core::rtcp::{ReceiverReport, ReportBlock, SenderInfo, SenderReport};
    use rtp_core::{NtpTime, Ssrc};

    #[test]
    fn loss_and_round_trip_come_out_of_a_pair_of_reports() {
        let alice = SocketAddr::from(([192, 0, 2, 1], 4001));
        let bob = SocketAddr::from(([192, 0, 2, 2], 5001));
        let mut reports = Reports::default();
        let mut take = |ms, from, to, payload: &[u8]| {
            let seen = Seen { at: Duration::from_millis(ms), packet: 1 };
            reports.datagram(seen, &Datagram { from, to, payload, wire_len: payload.len() })
        };
        let ntp = NtpTime::from_unix(Duration::from_secs(1000));
        let info = SenderInfo { ntp, ..SenderInfo::default() };
        let sender = SenderReport { ssrc: Ssrc(7), info, ..SenderReport::default() };
        let mut octets = [0; 64];
        let len = sender.write(&mut octets).expect("it fits");
        assert!(take(0, alice, bob, &octets[..len]));
        let block = ReportBlock {
            ssrc: Ssrc(7),
            fraction_lost: 64,
            cumulative_lost: 12,
            jitter: 80,
            last_sr: ntp.middle(),
            delay_since_last_sr: 65_536,
            ..ReportBlock::default()
        };
        let block = rtp_core::Fixed::to_octets(block);
        let mut receiver = [0; 32];
        receiver[..8].copy_from_slice(&[0x81, 201, 0, 7, 0, 0, 0, 9]);
        receiver[8..].copy_from_slice(&block);
        assert!(ReceiverReport::parse(&receiver).is_ok());
        assert!(take(1040, bob, alice, &receiver));
        assert!(!take(1040, bob, alice, &receiver[..20]));
        let heard = reports.of(7, (alice.ip(), bob.ip())).expect("it was reported");
        assert_eq!((heard.reports, heard.lost, heard.fraction_lost), (1, 12, 64));
        assert_eq!(heard.round_trip, Some(Duration::from_millis(40)));
        assert_eq!(reports.of(7, (bob.ip(), alice.ip())), None);
    }
}
