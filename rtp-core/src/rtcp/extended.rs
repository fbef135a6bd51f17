//! Extended reports (RFC 3611).
//!
//! ```text
//! |V=2|P|reserved |   PT=207      |            length             |
//! |                             SSRC                              |
//! block:  |  type 8  | specific 8 | length in words, less one 16 | contents ... |
//! ```

use super::{HEADER_LEN, Raw, Writer, packet_type};
use crate::{BufferTooSmall, Fault, Fixed, List, NtpTime, ParseError, Ssrc};

/// An extended report (RFC 3611 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ExtendedReport<'a> {
    /// Who reports.
    pub ssrc: Ssrc,
    /// What it reports.
    pub blocks: ExtendedBlocks<'a>,
}

/// One block of an extended report (RFC 3611 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ExtendedBlock<'a> {
    /// Which packets were lost, as runs and bits (section 4.1).
    LossRuns(Runs<'a>),
    /// Which packets came more than once, as runs and bits (section 4.2).
    DuplicateRuns(Runs<'a>),
    /// When packets came (section 4.3).
    ReceiptTimes(ReceiptTimes<'a>),
    /// A receiver's wall clock, for the round trip of one who sends nothing (section 4.4).
    ReceiverReferenceTime(NtpTime),
    /// The answers to such clocks (section 4.5).
    DelaySinceLastReceiverReport(List<'a, DelayBlock, 12>),
    /// A summary of reception (section 4.6).
    StatisticsSummary(StatisticsSummary),
    /// The quality of a call (section 4.7).
    VoipMetrics(VoipMetrics),
    /// A type that this crate does not know.
    Unknown {
        /// The type.
        block_type: u8,
        /// What the type makes of the octet behind it.
        specific: u8,
        /// The contents, whole words.
        data: &'a [u8],
    },
}

/// Packets of a range told of as runs and bits (RFC 3611 section 4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Runs<'a> {
    /// The source.
    pub ssrc: Ssrc,
    /// Only packets whose numbers are multiples of 2 to this power are told of; 0 to 15.
    pub thinning: u8,
    /// The first sequence number.
    pub begin: u16,
    /// The one behind the last.
    pub end: u16,
    /// The chunks, with the zero that fills them up to words.
    pub chunks: List<'a, u16, 2>,
}

/// When packets of a range came (RFC 3611 section 4.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ReceiptTimes<'a> {
    /// The source.
    pub ssrc: Ssrc,
    /// Only packets whose numbers are multiples of 2 to this power are told of; 0 to 15.
    pub thinning: u8,
    /// The first sequence number.
    pub begin: u16,
    /// The one behind the last.
    pub end: u16,
    /// The times, in units of the source's clock.
    pub times: List<'a, u32, 4>,
}

/// The answer to one receiver's clock (RFC 3611 section 4.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DelayBlock {
    /// The receiver.
    pub ssrc: Ssrc,
    /// The middle 32 bits of its last clock; 0 for none.
    pub last_rr: u32,
    /// Time since that came, in 1/65536 s; 0 for none.
    pub delay_since_last_rr: u32,
}

impl Fixed<12> for DelayBlock {
    fn from_octets(octets: &[u8; 12]) -> Self {
        let [ssrc, last_rr, delay_since_last_rr] = words(octets);
        Self { ssrc: Ssrc(ssrc), last_rr, delay_since_last_rr }
    }

    fn to_octets(self) -> [u8; 12] {
        octets([self.ssrc.0, self.last_rr, self.delay_since_last_rr])
    }
}

/// A summary of reception (RFC 3611 section 4.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct StatisticsSummary {
    /// Which of the parts mean something: loss 0x80, duplicates 0x40, jitter 0x20, and in 0x18
    /// whether `ttl` holds TTLs of IPv4 (1) or hop limits of IPv6 (2).
    pub flags: u8,
    /// The source.
    pub ssrc: Ssrc,
    /// The first sequence number.
    pub begin: u16,
    /// The one behind the last.
    pub end: u16,
    /// Packets lost.
    pub lost: u32,
    /// Packets that came again.
    pub duplicates: u32,
    /// Jitter in units of the source's clock: least, greatest, mean, standard deviation.
    pub jitter: [u32; 4],
    /// TTL or hop limit: least, greatest, mean, standard deviation.
    pub ttl: [u8; 4],
}

/// The quality of a call (RFC 3611 section 4.7). 127 stands for a value that is not known where
/// it is said below.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct VoipMetrics {
    /// The source.
    pub ssrc: Ssrc,
    /// Packets lost on the network, in 256ths.
    pub loss_rate: u8,
    /// Packets discarded by the jitter buffer, in 256ths.
    pub discard_rate: u8,
    /// The share of packets missing within bursts, in 256ths.
    pub burst_density: u8,
    /// The share of packets missing between bursts, in 256ths.
    pub gap_density: u8,
    /// The mean length of bursts, in ms.
    pub burst_duration: u16,
    /// The mean length of the gaps between them, in ms.
    pub gap_duration: u16,
    /// The round trip, in ms.
    pub round_trip_delay: u16,
    /// The delay within the end system, in ms.
    pub end_system_delay: u16,
    /// The level of speech, in dBm0; 127 for not known.
    pub signal_level: i8,
    /// The level of noise, in dBm0; 127 for not known.
    pub noise_level: i8,
    /// Residual echo return loss, in dB; 127 for not known.
    pub residual_echo_return_loss: u8,
    /// The least number of good packets between bursts, 16 by custom.
    pub minimum_gap: u8,
    /// The R factor, 0 to 100 (ITU-T G.107); 127 for not known.
    pub r_factor: u8,
    /// The R factor of a network beyond; 127 for not known.
    pub external_r_factor: u8,
    /// Ten times the mean opinion of listening, 10 to 50; 127 for not known.
    pub mos_listening: u8,
    /// Ten times the mean opinion of conversation, 10 to 50; 127 for not known.
    pub mos_conversation: u8,
    /// Concealment, adaptation and adjustment of the receiver, as RFC 3611 section 4.7.6 packs
    /// them.
    pub receiver_configuration: u8,
    /// The jitter buffer's delay now, in ms.
    pub nominal_delay: u16,
    /// The jitter buffer's greatest delay so far, in ms.
    pub maximum_delay: u16,
    /// The greatest delay that it can have, in ms.
    pub absolute_maximum_delay: u16,
}

impl VoipMetrics {
    fn parse(body: &[u8; 32]) -> Self {
        let [ssrc, rates, durations, delays, levels, quality, config, maximum] = words(body);
        let [loss_rate, discard_rate, burst_density, gap_density] = rates.to_be_bytes();
        let [signal, noise, residual_echo_return_loss, minimum_gap] = levels.to_be_bytes();
        let [r_factor, external_r_factor, mos_listening, mos_conversation] = quality.to_be_bytes();
        let (burst_duration, gap_duration) = halves(durations);
        let (round_trip_delay, end_system_delay) = halves(delays);
        let (maximum_delay, absolute_maximum_delay) = halves(maximum);
        Self {
            ssrc: Ssrc(ssrc),
            loss_rate,
            discard_rate,
            burst_density,
            gap_density,
            burst_duration,
            gap_duration,
            round_trip_delay,
            end_system_delay,
            signal_level: i8::from_be_bytes([signal]),
            noise_level: i8::from_be_bytes([noise]),
            residual_echo_return_loss,
            minimum_gap,
            r_factor,
            external_r_factor,
            mos_listening,
            mos_conversation,
            receiver_configuration: config.to_be_bytes()[0],
            nominal_delay: halves(config).1,
            maximum_delay,
            absolute_maximum_delay,
        }
    }

    fn to_octets(self) -> [u8; 32] {
        octets([
            self.ssrc.0,
            u32::from_be_bytes([
                self.loss_rate,
                self.discard_rate,
                self.burst_density,
                self.gap_density,
            ]),
            joined(self.burst_duration, self.gap_duration),
            joined(self.round_trip_delay, self.end_system_delay),
            u32::from_be_bytes([
                self.signal_level.to_be_bytes()[0],
                self.noise_level.to_be_bytes()[0],
                self.residual_echo_return_loss,
                self.minimum_gap,
            ]),
            u32::from_be_bytes([
                self.r_factor,
                self.external_r_factor,
                self.mos_listening,
                self.mos_conversation,
            ]),
            joined(u16::from(self.receiver_configuration) << 8, self.nominal_delay),
            joined(self.maximum_delay, self.absolute_maximum_delay),
        ])
    }
}

impl StatisticsSummary {
    fn parse(flags: u8, body: &[u8; 36]) -> Self {
        let [ssrc, range, lost, duplicates, a, b, c, d, ttl] = words(body);
        let (begin, end) = halves(range);
        let jitter = [a, b, c, d];
        Self {
            flags,
            ssrc: Ssrc(ssrc),
            begin,
            end,
            lost,
            duplicates,
            jitter,
            ttl: ttl.to_be_bytes(),
        }
    }

    fn to_octets(self) -> [u8; 36] {
        let [a, b, c, d] = self.jitter;
        let range = joined(self.begin, self.end);
        let ttl = u32::from_be_bytes(self.ttl);
        octets([self.ssrc.0, range, self.lost, self.duplicates, a, b, c, d, ttl])
    }
}

impl<'a> ExtendedBlock<'a> {
    const HEAD: usize = 4;

    /// Reads the block at the beginning of `octets`, and gives what follows it.
    fn parse_prefix(octets: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&[block_type, specific, c, d], rest) = octets.split_first_chunk::<4>()?;
        let len = usize::from(u16::from_be_bytes([c, d])) * 4;
        let (data, rest) = rest.split_at_checked(len)?;
        let known = Self::known(block_type, specific, data);
        Some((known.unwrap_or(Self::Unknown { block_type, specific, data }), rest))
    }

    /// A block of a known type and of the length that the type has.
    fn known(block_type: u8, specific: u8, data: &'a [u8]) -> Option<Self> {
        let thinning = specific & 0x0f;
        Some(match block_type {
            1..=3 => {
                let (head, rest) = data.split_first_chunk::<8>()?;
                let [ssrc, range] = words(head);
                let (ssrc, (begin, end)) = (Ssrc(ssrc), halves(range));
                if block_type == 3 {
                    let times = List::received(rest);
                    Self::ReceiptTimes(ReceiptTimes { ssrc, thinning, begin, end, times })
                } else {
                    let runs = Runs { ssrc, thinning, begin, end, chunks: List::received(rest) };
                    if block_type == 1 { Self::LossRuns(runs) } else { Self::DuplicateRuns(runs) }
                }
            }
            4 => Self::ReceiverReferenceTime(NtpTime(u64::from_be_bytes(*exactly(data)?))),
            5 if data.len().is_multiple_of(12) => {
                Self::DelaySinceLastReceiverReport(List::received(data))
            }
            6 => Self::StatisticsSummary(StatisticsSummary::parse(specific, exactly(data)?)),
            7 => Self::VoipMetrics(VoipMetrics::parse(exactly(data)?)),
            _ => return None,
        })
    }

    fn encoded_len(&self) -> usize {
        let body = match self {
            Self::LossRuns(runs) | Self::DuplicateRuns(runs) => 8 + runs.chunks.encoded_len(),
            Self::ReceiptTimes(times) => 8 + times.times.encoded_len(),
            Self::ReceiverReferenceTime(_) => 8,
            Self::DelaySinceLastReceiverReport(list) => list.encoded_len(),
            Self::StatisticsSummary(_) => 36,
            Self::VoipMetrics(_) => 32,
            Self::Unknown { data, .. } => data.len(),
        };
        Self::HEAD + body.next_multiple_of(4)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        let (block_type, specific) = match self {
            Self::LossRuns(runs) => (1, runs.thinning & 0x0f),
            Self::DuplicateRuns(runs) => (2, runs.thinning & 0x0f),
            Self::ReceiptTimes(times) => (3, times.thinning & 0x0f),
            Self::ReceiverReferenceTime(_) => (4, 0),
            Self::DelaySinceLastReceiverReport(_) => (5, 0),
            Self::StatisticsSummary(summary) => (6, summary.flags),
            Self::VoipMetrics(_) => (7, 0),
            Self::Unknown { block_type, specific, .. } => (*block_type, *specific),
        };
        let len = self.encoded_len();
        let words = u16::try_from(len / 4).unwrap_or(u16::MAX).saturating_sub(1);
        let [c, d] = words.to_be_bytes();
        let end = writer.left().saturating_sub(len);
        writer.chunk(&[block_type, specific, c, d]);
        match self {
            Self::LossRuns(runs) | Self::DuplicateRuns(runs) => {
                writer.chunk(&octets::<2, 8>([runs.ssrc.0, joined(runs.begin, runs.end)]));
                writer.list(&runs.chunks);
            }
            Self::ReceiptTimes(times) => {
                writer.chunk(&octets::<2, 8>([times.ssrc.0, joined(times.begin, times.end)]));
                writer.list(&times.times);
            }
            Self::ReceiverReferenceTime(time) => writer.chunk(&time.0.to_be_bytes()),
            Self::DelaySinceLastReceiverReport(list) => writer.list(list),
            Self::StatisticsSummary(summary) => writer.chunk(&summary.to_octets()),
            Self::VoipMetrics(metrics) => writer.chunk(&metrics.to_octets()),
            Self::Unknown { data, .. } => writer.slice(data),
        }
        writer.zeros(writer.left().saturating_sub(end));
    }
}

/// The blocks of an extended report: received, or to be sent.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ExtendedBlocks<'a>(BlocksOf<'a>);

#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum BlocksOf<'a> {
    /// Blocks that were found to be whole.
    Octets(&'a [u8]),
    Values(&'a [ExtendedBlock<'a>]),
}

impl<'a> ExtendedBlocks<'a> {
    /// The blocks, in their order.
    pub fn iter(&self) -> impl Iterator<Item = ExtendedBlock<'a>> + Clone + 'a {
        let (mut octets, values) = match self.0 {
            BlocksOf::Octets(octets) => (octets, &[][..]),
            BlocksOf::Values(values) => (&[][..], values),
        };
        core::iter::from_fn(move || {
            let (block, rest) = ExtendedBlock::parse_prefix(octets)?;
            octets = rest;
            Some(block)
        })
        .chain(values.iter().copied())
    }
}

impl<'a> From<&'a [ExtendedBlock<'a>]> for ExtendedBlocks<'a> {
    fn from(blocks: &'a [ExtendedBlock<'a>]) -> Self {
        Self(BlocksOf::Values(blocks))
    }
}

impl PartialEq for ExtendedBlocks<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for ExtendedBlocks<'_> {}

impl<'a> ExtendedReport<'a> {
    /// Reads one packet; what follows it is not looked at.
    ///
    /// # Errors
    /// It is of another type, or a block is cut off.
    pub fn parse(octets: &'a [u8]) -> Result<Self, ParseError> {
        Self::from_raw(Raw::parse_prefix(octets)?.0)
    }

    pub(super) fn from_raw(raw: Raw<'a>) -> Result<Self, ParseError> {
        if raw.packet_type != packet_type::XR {
            return Err(ParseError::new(Fault::PacketType, 1));
        }
        let cut_off = ParseError::new(Fault::Length, HEADER_LEN + raw.body.len());
        let (ssrc, blocks) = raw.body.split_first_chunk::<4>().ok_or(cut_off)?;
        let mut rest = blocks;
        while !rest.is_empty() {
            (_, rest) = ExtendedBlock::parse_prefix(rest).ok_or(cut_off)?;
        }
        Ok(Self { ssrc: Ssrc::from_octets(ssrc), blocks: ExtendedBlocks(BlocksOf::Octets(blocks)) })
    }

    /// How many octets the packet takes.
    pub fn encoded_len(&self) -> usize {
        HEADER_LEN + 4 + self.blocks.iter().map(|block| block.encoded_len()).sum::<usize>()
    }

    /// Writes the packet, and says how long it is.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let mut writer = Writer::begin(buffer, needed, 0, packet_type::XR)?;
        writer.chunk(&self.ssrc.to_octets());
        for block in self.blocks.iter() {
            block.write(&mut writer);
        }
        Ok(writer.end(needed))
    }
}

/// An array of this length, where the octets have just that.
fn exactly<const N: usize>(data: &[u8]) -> Option<&[u8; N]> {
    data.try_into().ok()
}

/// `N` octets as `WORDS` words of four.
fn words<const WORDS: usize, const N: usize>(octets: &[u8; N]) -> [u32; WORDS] {
    let mut words = [0; WORDS];
    for (word, octets) in words.iter_mut().zip(octets.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*octets);
    }
    words
}

/// Words as octets.
fn octets<const WORDS: usize, const N: usize>(words: [u32; WORDS]) -> [u8; N] {
    let mut octets = [0; N];
    for (octets, word) in octets.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *octets = word.to_be_bytes();
    }
    octets
}

/// The upper and the lower half of a word.
fn halves(word: u32) -> (u16, u16) {
    ((word >> 16) as u16, word as u16)
}

fn joined(upper: u16, lower: u16) -> u32 {
    (u32::from(upper) << 16) | u32::from(lower)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtcp::{Compound, Packet};

    #[test]
    fn each_block_comes_back_with_the_length_of_the_rfc() {
        let chunks = [0x8001u16, 0];
        let runs =
            Runs { ssrc: Ssrc(5), thinning: 2, begin: 10, end: 20, chunks: (&chunks).into() };
        let times = [160u32, 320];
        let delays = [DelayBlock { ssrc: Ssrc(6), last_rr: 7, delay_since_last_rr: 8 }];
        let blocks = [
            (ExtendedBlock::LossRuns(runs), 16),
            (ExtendedBlock::DuplicateRuns(runs), 16),
            (
                ExtendedBlock::ReceiptTimes(ReceiptTimes {
                    ssrc: Ssrc(5),
                    thinning: 0,
                    begin: 1,
                    end: 3,
                    times: (&times).into(),
                }),
                20,
            ),
            (ExtendedBlock::ReceiverReferenceTime(NtpTime(0x0102_0304_0506_0708)), 12),
            (ExtendedBlock::DelaySinceLastReceiverReport((&delays).into()), 16),
            (
                ExtendedBlock::StatisticsSummary(StatisticsSummary {
                    flags: 0xe8,
                    ssrc: Ssrc(5),
                    begin: 1,
                    end: 100,
                    lost: 3,
                    duplicates: 1,
                    jitter: [1, 2, 3, 4],
                    ttl: [60, 64, 62, 1],
                }),
                40,
            ),
            (
                ExtendedBlock::VoipMetrics(VoipMetrics {
                    ssrc: Ssrc(5),
                    loss_rate: 12,
                    burst_duration: 300,
                    gap_duration: 4000,
                    round_trip_delay: 80,
                    end_system_delay: 60,
                    signal_level: -20,
                    noise_level: -60,
                    residual_echo_return_loss: 127,
                    minimum_gap: 16,
                    r_factor: 93,
                    external_r_factor: 127,
                    mos_listening: 44,
                    mos_conversation: 43,
                    receiver_configuration: 0xb0,
                    nominal_delay: 40,
                    maximum_delay: 80,
                    absolute_maximum_delay: 200,
                    ..VoipMetrics::default()
                }),
                36,
            ),
            (ExtendedBlock::Unknown { block_type: 99, specific: 1, data: &[1, 2, 3, 4] }, 8),
        ];
        for (block, len) in blocks {
            let all = [block, block];
            let report = ExtendedReport { ssrc: Ssrc(1), blocks: all[..].into() };
            let mut buffer = alloc::vec![0xff; report.encoded_len()];
            assert_eq!(buffer.len(), 8 + 2 * len, "{block:?}");
            assert_eq!(report.write(&mut buffer), Ok(8 + 2 * len));
            let packet = Compound::parse(&buffer).unwrap().packets().next().unwrap();
            assert_eq!(packet, Ok(Packet::ExtendedReport(report)));
        }
    }

    #[test]
    fn a_known_type_of_another_length_is_kept_as_it_is() {
        let octets = [0x80, 207, 0, 3, 0, 0, 0, 1, 4, 0, 0, 1, 1, 2, 3, 4];
        let report = ExtendedReport::parse(&octets).unwrap();
        let block = report.blocks.iter().next();
        let data = &[1, 2, 3, 4][..];
        assert_eq!(block, Some(ExtendedBlock::Unknown { block_type: 4, specific: 0, data }));
        let mut buffer = [0; 16];
        assert_eq!(report.write(&mut buffer), Ok(16));
        assert_eq!(buffer, octets);
    }

    #[test]
    fn a_block_cut_off_is_refused() {
        let octets = [0x80, 207, 0, 3, 0, 0, 0, 1, 4, 0, 0, 2, 1, 2, 3, 4];
        let error = ExtendedReport::parse(&octets).unwrap_err();
        assert_eq!(error, ParseError { what: Fault::Length, at: 16 });
    }
}
