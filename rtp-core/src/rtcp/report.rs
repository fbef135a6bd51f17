//! Sender and receiver reports (RFC 3550 section 6.4).

use super::{HEADER_LEN, ProfileBlocks, Raw, Writer, packet_type};
use crate::{BufferTooSmall, Fault, Fixed, List, NtpTime, ParseError, Ssrc};

/// What one receiver says of one source (RFC 3550 section 6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ReportBlock {
    /// The source that the block is about.
    pub ssrc: Ssrc,
    /// The share of packets lost since the report before, in 256ths.
    pub fraction_lost: u8,
    /// Packets lost since the beginning; duplicates can make it negative. 24 bits on the wire:
    /// what is beyond them stops at their end.
    pub cumulative_lost: i32,
    /// The highest sequence number received, with the count of its cycles in the upper 16 bits.
    pub highest_sequence: u32,
    /// Interarrival jitter, in units of the source's clock.
    pub jitter: u32,
    /// The middle 32 bits of the last sender report's NTP time; 0 for none.
    pub last_sr: u32,
    /// Time since that report came, in 1/65536 s; 0 for none.
    pub delay_since_last_sr: u32,
}

impl Fixed<24> for ReportBlock {
    #[inline]
    fn from_octets(octets: &[u8; 24]) -> Self {
        let word = |at: usize| {
            octets.as_chunks::<4>().0.get(at).map_or(0, |word| u32::from_be_bytes(*word))
        };
        let lost = word(1);
        Self {
            ssrc: Ssrc(word(0)),
            fraction_lost: (lost >> 24) as u8,
            // The shifts carry the sign of 24 bits over to 32.
            cumulative_lost: ((lost << 8) as i32) >> 8,
            highest_sequence: word(2),
            jitter: word(3),
            last_sr: word(4),
            delay_since_last_sr: word(5),
        }
    }

    #[inline]
    fn to_octets(self) -> [u8; 24] {
        let lost = self.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff) as u32 & 0xff_ffff;
        let words = [
            self.ssrc.0,
            (u32::from(self.fraction_lost) << 24) | lost,
            self.highest_sequence,
            self.jitter,
            self.last_sr,
            self.delay_since_last_sr,
        ];
        let mut octets = [0; 24];
        for (cell, word) in octets.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *cell = word.to_be_bytes();
        }
        octets
    }
}

/// The blocks of a report.
pub type ReportBlocks<'a> = List<'a, ReportBlock, 24>;

/// What a sender says of itself (RFC 3550 section 6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SenderInfo {
    /// The wall clock when the report was sent.
    pub ntp: NtpTime,
    /// The same moment in units of the media clock, with the random offset of its timestamps.
    pub rtp_timestamp: u32,
    /// RTP packets sent since the SSRC was taken.
    pub packet_count: u32,
    /// Octets of payload sent, without headers and padding.
    pub octet_count: u32,
}

impl SenderInfo {
    const LEN: usize = 20;

    #[inline]
    fn from_octets(octets: &[u8; Self::LEN]) -> Self {
        let word = |at: usize| {
            octets.as_chunks::<4>().0.get(at).map_or(0, |word| u32::from_be_bytes(*word))
        };
        Self {
            ntp: NtpTime((u64::from(word(0)) << 32) | u64::from(word(1))),
            rtp_timestamp: word(2),
            packet_count: word(3),
            octet_count: word(4),
        }
    }

    #[inline]
    pub(crate) fn to_octets(self) -> [u8; Self::LEN] {
        let words = [
            (self.ntp.0 >> 32) as u32,
            self.ntp.0 as u32,
            self.rtp_timestamp,
            self.packet_count,
            self.octet_count,
        ];
        let mut octets = [0; Self::LEN];
        for (cell, word) in octets.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *cell = word.to_be_bytes();
        }
        octets
    }
}

/// A sender report (RFC 3550 section 6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SenderReport<'a> {
    /// Who reports.
    pub ssrc: Ssrc,
    /// What it says of itself.
    pub info: SenderInfo,
    /// What it says of others; the first 31 are written.
    pub blocks: ReportBlocks<'a>,
    /// The profile's own part behind the blocks, whole words.
    pub profile: &'a [u8],
}

impl<'a> SenderReport<'a> {
    /// Reads one packet; what follows it is not looked at.
    ///
    /// # Errors
    /// It is no sender report, or is cut off.
    pub fn parse(octets: &'a [u8]) -> Result<Self, ParseError> {
        Self::from_raw(Raw::parse_prefix(octets)?.0)
    }

    #[inline]
    pub(super) fn from_raw(raw: Raw<'a>) -> Result<Self, ParseError> {
        if raw.packet_type != packet_type::SR {
            return Err(ParseError::new(Fault::PacketType, 1));
        }
        let cut_off = ParseError::new(Fault::Length, HEADER_LEN + raw.body.len());
        let (ssrc, rest) = raw.body.split_first_chunk::<4>().ok_or(cut_off)?;
        let (info, rest) = rest.split_first_chunk().ok_or(cut_off)?;
        let (blocks, profile) =
            rest.split_at_checked(usize::from(raw.count) * 24).ok_or(cut_off)?;
        Ok(Self {
            ssrc: Ssrc::from_octets(ssrc),
            info: SenderInfo::from_octets(info),
            blocks: ReportBlocks::received(blocks),
            profile,
        })
    }

    /// The profile's own part as Messenger-era peers fill it.
    pub const fn profile_blocks(&self) -> ProfileBlocks<'a> {
        ProfileBlocks::new(self.profile)
    }

    /// How many octets the packet takes.
    #[inline]
    pub fn encoded_len(&self) -> usize {
        HEADER_LEN + 4 + SenderInfo::LEN + report_tail_len(&self.blocks, self.profile)
    }

    /// Writes the packet, and says how long it is.
    ///
    /// # Errors
    /// The buffer is too small.
    #[inline]
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let count = self.blocks.len().min(31) as u8;
        let mut writer = Writer::begin(buffer, needed, count, packet_type::SR)?;
        writer.chunk(&self.ssrc.to_octets());
        writer.chunk(&self.info.to_octets());
        Ok(write_tail(writer, needed, &self.blocks, self.profile))
    }
}

/// A receiver report (RFC 3550 section 6.4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ReceiverReport<'a> {
    /// Who reports.
    pub ssrc: Ssrc,
    /// What it says of others; the first 31 are written.
    pub blocks: ReportBlocks<'a>,
    /// The profile's own part behind the blocks, whole words.
    pub profile: &'a [u8],
}

impl<'a> ReceiverReport<'a> {
    /// Reads one packet; what follows it is not looked at.
    ///
    /// # Errors
    /// It is no receiver report, or is cut off.
    pub fn parse(octets: &'a [u8]) -> Result<Self, ParseError> {
        Self::from_raw(Raw::parse_prefix(octets)?.0)
    }

    #[inline]
    pub(super) fn from_raw(raw: Raw<'a>) -> Result<Self, ParseError> {
        if raw.packet_type != packet_type::RR {
            return Err(ParseError::new(Fault::PacketType, 1));
        }
        let cut_off = ParseError::new(Fault::Length, HEADER_LEN + raw.body.len());
        let (ssrc, rest) = raw.body.split_first_chunk::<4>().ok_or(cut_off)?;
        let (blocks, profile) =
            rest.split_at_checked(usize::from(raw.count) * 24).ok_or(cut_off)?;
        Ok(Self { ssrc: Ssrc::from_octets(ssrc), blocks: ReportBlocks::received(blocks), profile })
    }

    /// The profile's own part as Messenger-era peers fill it.
    pub const fn profile_blocks(&self) -> ProfileBlocks<'a> {
        ProfileBlocks::new(self.profile)
    }

    /// How many octets the packet takes.
    #[inline]
    pub fn encoded_len(&self) -> usize {
        HEADER_LEN + 4 + report_tail_len(&self.blocks, self.profile)
    }

    /// Writes the packet, and says how long it is.
    ///
    /// # Errors
    /// The buffer is too small.
    #[inline]
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let count = self.blocks.len().min(31) as u8;
        let mut writer = Writer::begin(buffer, needed, count, packet_type::RR)?;
        writer.chunk(&self.ssrc.to_octets());
        Ok(write_tail(writer, needed, &self.blocks, self.profile))
    }
}

#[inline]
fn report_tail_len(blocks: &ReportBlocks<'_>, profile: &[u8]) -> usize {
    blocks.len().min(31) * 24 + profile.len().next_multiple_of(4)
}

#[inline]
fn write_tail(
    mut writer: Writer<'_>,
    needed: usize,
    blocks: &ReportBlocks<'_>,
    profile: &[u8],
) -> usize {
    if blocks.len() <= 31 {
        writer.list(blocks);
    } else {
        for block in blocks.iter().take(31) {
            writer.chunk(&block.to_octets());
        }
    }
    writer.slice(profile);
    writer.end(needed)
}
