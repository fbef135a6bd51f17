//! The half of a session that sends.

use core::time::Duration;

use super::{Leaving, Session, Transmit, timestamp_units};
use crate::extension::HeaderExtension;
use crate::packet::{Csrcs, Packet};
use crate::rtcp::{
    Chunk, Chunks, Goodbye, Item, ItemType, Items, ReportBlock, SenderInfo, SourceDescription,
    packet_type,
};
use crate::storage::Queue;
use crate::{BufferTooSmall, Error, Fixed, Ssrc, ntp};

/// What the host says of a packet that it sends; the session adds SSRC and sequence number.
///
/// ```
/// use rtp_core::session::Outgoing;
/// let first_of_a_talk_spurt = Outgoing { marker: true, timestamp: 160, ..Outgoing::new(0) };
/// # let _ = first_of_a_talk_spurt;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Outgoing<'a> {
    /// The payload's format, 0 to 127.
    pub payload_type: u8,
    /// The first packet of a talk spurt, or the last of a video frame.
    pub marker: bool,
    /// When the payload was sampled, in units of the media clock since a moment of the host's
    /// choice; the session adds its random offset.
    pub timestamp: u32,
    /// The sources that were mixed into the payload.
    pub csrcs: Csrcs<'a>,
    /// A header extension.
    pub extension: Option<HeaderExtension<'a>>,
}

impl Outgoing<'_> {
    /// A packet of this payload type, at the media clock's beginning, without a marker.
    pub const fn new(payload_type: u8) -> Self {
        Self { payload_type, marker: false, timestamp: 0, csrcs: Csrcs::EMPTY, extension: None }
    }

    /// How many octets the header will take: where the payload of
    /// [`Session::packetize_in_place`] has to stand.
    pub fn header_len(&self) -> usize {
        self.packet().header_len()
    }

    fn packet(&self) -> Packet<'_> {
        Packet {
            marker: self.marker,
            payload_type: self.payload_type,
            timestamp: self.timestamp,
            csrcs: self.csrcs,
            extension: self.extension,
            ..Packet::default()
        }
    }
}

impl Session<'_> {
    /// Makes an RTP packet of a payload, in the buffer that the host sends.
    ///
    /// # Errors
    /// The buffer is too small, nowhere to send to was named, or the session was left.
    #[inline]
    pub fn packetize(
        &mut self,
        now: Duration,
        outgoing: &Outgoing<'_>,
        payload: &[u8],
        buffer: &mut [u8],
    ) -> Result<Transmit, Error> {
        let header_len = outgoing.header_len();
        let needed = header_len.saturating_add(payload.len());
        let too_small = BufferTooSmall { needed };
        let place = buffer.get_mut(header_len..needed).ok_or(too_small)?;
        place.copy_from_slice(payload);
        self.packetize_in_place(now, outgoing, payload.len(), buffer)
    }

    /// Makes an RTP packet of a payload that stands in the buffer already, `header_len` octets
    /// from its beginning: an encoder may write straight to there.
    ///
    /// # Errors
    /// The buffer is too small, nowhere to send to was named, or the session was left.
    #[inline]
    pub fn packetize_in_place(
        &mut self,
        now: Duration,
        outgoing: &Outgoing<'_>,
        payload_len: usize,
        buffer: &mut [u8],
    ) -> Result<Transmit, Error> {
        self.begin(now);
        if self.leaving != Leaving::No {
            return Err(Error::Left);
        }
        let path = self.config.rtp.ok_or(Error::NoDestination)?;
        let packet = Packet {
            sequence_number: self.own.sequence,
            timestamp: outgoing.timestamp.wrapping_add(self.own.timestamp_offset),
            ssrc: self.own.ssrc,
            ..outgoing.packet()
        };
        let len = packet.header_len().saturating_add(payload_len);
        if buffer.len() < len {
            return Err(BufferTooSmall { needed: len }.into());
        }
        packet.write_header(buffer)?;
        self.own.sequence = self.own.sequence.wrapping_add(1);
        self.own.packets = self.own.packets.wrapping_add(1);
        self.own.octets = self.own.octets.wrapping_add(payload_len as u32);
        let clock = self.config.clock_of(packet.payload_type);
        self.own.last = Some((now, packet.timestamp, clock));
        self.own.spoken = true;
        if !self.we_sent {
            // RFC 3550 section 6.3.8: a sender from its first packet on.
            self.we_sent = true;
            self.sender_count = self.sender_count.saturating_add(1);
        }
        Ok(Transmit { path, len })
    }

    /// Writes the next RTCP packet that is due into the host's buffer, which
    /// [`Session::BUFFER_LEN`] octets suffice for.
    #[must_use]
    pub fn poll_transmit(&mut self, now: Duration, buffer: &mut [u8]) -> Option<Transmit> {
        self.begin(now);
        let Some(path) = self.config.rtcp_path() else {
            // Nobody to tell: the report of this interval is left out.
            self.disowned = None;
            if core::mem::take(&mut self.report_due) {
                self.schedule(now);
            }
            if self.leaving == Leaving::Goodbye {
                self.leaving = Leaving::Left;
                self.tell_left = true;
            }
            return None;
        };
        let written = if let Some(ssrc) = self.disowned {
            self.write_goodbye(ssrc, buffer)
        } else if self.leaving == Leaving::Goodbye {
            self.write_goodbye(self.own.ssrc, buffer)
        } else if self.report_due {
            self.write_report(now, buffer)
        } else {
            return None;
        };
        let len = match written {
            Ok(len) => len,
            Err(BufferTooSmall { needed }) => {
                if !core::mem::replace(&mut self.told_too_small, true) {
                    self.too_small = Some(needed);
                }
                return None;
            }
        };
        self.told_too_small = false;
        let size = len.saturating_add(self.config.overhead());
        self.average.add(size);
        self.totals.rtcp_sent = self.totals.rtcp_sent.saturating_add(1);
        self.totals.rtcp_octets_sent = self.totals.rtcp_octets_sent.saturating_add(size as u64);
        if self.disowned.take().is_some() {
        } else if self.leaving == Leaving::Goodbye {
            self.leaving = Leaving::Left;
            self.tell_left = true;
        } else {
            self.own.spoken = true;
            self.report_due = false;
            self.schedule(now);
        }
        Some(Transmit { path, len })
    }

    /// Sets the timer after a report (RFC 3550 sections 6.3.6 and 6.3.8).
    fn schedule(&mut self, now: Duration) {
        let two_intervals = now.saturating_sub(self.previous).saturating_mul(2);
        let silent =
            self.own.last.is_none_or(|(last, ..)| now.saturating_sub(last) > two_intervals);
        if self.we_sent && silent {
            self.we_sent = false;
            self.sender_count = self.sender_count.saturating_sub(1);
        }
        self.previous = now;
        self.initial = false;
        self.next = now.saturating_add(self.random_interval());
        self.previous_members = self.member_count;
    }

    /// A report, with a block for each source heard since the report before, and a description.
    fn write_report(&mut self, now: Duration, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let sources = self.members.queued(Queue::Report).take(31).count();
        let head = if self.we_sent { 28 } else { 8 };
        let report_len = head + sources * 24;
        let needed = report_len.saturating_add(self.describe(self.own.ssrc, |d| d.encoded_len()));
        let too_small = BufferTooSmall { needed };
        let (report, rest) = buffer
            .get_mut(..needed)
            .and_then(|buffer| buffer.split_at_mut_checked(report_len))
            .ok_or(too_small)?;
        let (fixed, report) = report.split_first_chunk_mut::<8>().ok_or(too_small)?;
        let (info, blocks) = report.split_at_mut_checked(head - 8).ok_or(too_small)?;
        let packet_type = if self.we_sent { packet_type::SR } else { packet_type::RR };
        let [a, b] = u16::try_from(report_len / 4 - 1).unwrap_or_default().to_be_bytes();
        let [s, t, u, v] = self.own.ssrc.to_octets();
        // At most 31 sources.
        *fixed = [0x80 | sources as u8, packet_type, a, b, s, t, u, v];
        if let Some(cells) = info.first_chunk_mut() {
            *cells = self.sender_info(now).to_octets();
        }
        for cells in blocks.as_chunks_mut::<24>().0 {
            let block = self.members.first(Queue::Report).map(|index| self.block(now, index));
            *cells = block.unwrap_or_default().to_octets();
        }
        self.describe(self.own.ssrc, |description| description.write(rest))?;
        Ok(needed)
    }

    /// Takes the block of a source, and the source off the queue.
    fn block(&mut self, now: Duration, index: crate::storage::Index) -> ReportBlock {
        self.members.dequeue(Queue::Report, index);
        let Some(member) = self.members.get_mut(index) else { return ReportBlock::default() };
        let Some(reception) = member.reception.as_mut() else {
            return ReportBlock { ssrc: member.ssrc, ..ReportBlock::default() };
        };
        let (fraction_lost, cumulative_lost) = reception.report_loss();
        let (last_sr, delay_since_last_sr) = member.report.map_or((0, 0), |report| {
            (report.info.ntp.middle(), ntp::short(now.saturating_sub(report.at)))
        });
        ReportBlock {
            ssrc: member.ssrc,
            fraction_lost,
            cumulative_lost,
            highest_sequence: reception.highest(),
            jitter: reception.jitter(),
            last_sr,
            delay_since_last_sr,
        }
    }

    fn sender_info(&self, now: Duration) -> SenderInfo {
        let offset = self.own.timestamp_offset;
        let rtp_timestamp = self.own.last.map_or(offset, |(at, timestamp, clock)| {
            timestamp.wrapping_add(timestamp_units(now.saturating_sub(at), clock))
        });
        SenderInfo {
            ntp: self.ntp(now),
            rtp_timestamp,
            packet_count: self.own.packets,
            octet_count: self.own.octets,
        }
    }

    /// A goodbye, behind an empty report and a description (RFC 3550 section 6.1).
    fn write_goodbye(&self, ssrc: Ssrc, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let sources = [ssrc];
        let goodbye = Goodbye { sources: Csrcs::from(&sources), reason: &[] };
        let description_len = self.describe(ssrc, |description| description.encoded_len());
        let needed = 8 + description_len + goodbye.encoded_len();
        let too_small = BufferTooSmall { needed };
        let buffer = buffer.get_mut(..needed).ok_or(too_small)?;
        let (report, rest) = buffer.split_first_chunk_mut::<8>().ok_or(too_small)?;
        *report = empty_report(ssrc);
        let (description, rest) = rest.split_at_mut_checked(description_len).ok_or(too_small)?;
        self.describe(ssrc, |value| value.write(description))?;
        goodbye.write(rest)?;
        Ok(needed)
    }

    /// Our description, given to `then`.
    pub(super) fn describe<T>(
        &self,
        ssrc: Ssrc,
        then: impl FnOnce(&SourceDescription<'_>) -> T,
    ) -> T {
        let items = [Item { item_type: ItemType::Cname, value: self.config.cname.as_octets() }];
        let chunks = [Chunk { ssrc, items: Items::from(&items) }];
        then(&SourceDescription { chunks: Chunks::from(&chunks) })
    }
}

/// A receiver report without blocks.
pub(super) fn empty_report(ssrc: Ssrc) -> [u8; 8] {
    let [s, t, u, v] = ssrc.to_octets();
    [0x80, packet_type::RR, 0, 1, s, t, u, v]
}
