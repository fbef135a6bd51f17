//! Feedback (RFC 4585, RFC 5104): packets that ask a sender for something, now.
//!
//! ```text
//! |V=2|P|  FMT  |  PT=205, 206  |            length             |
//! |                  SSRC of packet sender                        |
//! |                  SSRC of media source                         |
//! |            feedback control information ...                   |
//! ```

use super::{HEADER_LEN, Raw, TransportWide, Writer, packet_type};
use crate::packet::Csrcs;
use crate::{BufferTooSmall, Fault, Fixed, List, ParseError, Ssrc};

/// Feedback on the transport (RFC 4585 section 6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TransportFeedback<'a> {
    /// Who sends the feedback.
    pub sender: Ssrc,
    /// The source that it is about; 0 where the message names sources itself.
    pub media: Ssrc,
    /// What it says.
    pub message: TransportMessage<'a>,
}

/// What feedback on the transport says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum TransportMessage<'a> {
    /// Packets that are missing (RFC 4585 section 6.2.1, generic NACK).
    Nack(List<'a, NackPair, 4>),
    /// A request to send no faster (RFC 5104 section 4.2.1, TMMBR).
    MaximumBitrateRequest(List<'a, MaximumBitrate, 8>),
    /// The limits that are kept (RFC 5104 section 4.2.2, TMMBN).
    MaximumBitrateNotification(List<'a, MaximumBitrate, 8>),
    /// When the packets of all streams have come (transport-wide congestion control).
    TransportWide(TransportWide<'a>),
    /// A format that this crate does not know.
    Unknown {
        /// The format.
        format: u8,
        /// Its control information.
        data: &'a [u8],
    },
}

/// Up to 17 packets that are missing (RFC 4585 section 6.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NackPair {
    /// A sequence number (PID).
    pub first: u16,
    /// Which of the 16 after it are missing as well, from the lowest bit on (BLP).
    pub others: u16,
}

impl NackPair {
    /// The sequence numbers that are missing.
    pub fn sequence_numbers(self) -> impl Iterator<Item = u16> {
        let others = (0..16u16).filter(move |bit| self.others & (1 << bit) != 0).map(|bit| bit + 1);
        core::iter::once(0).chain(others).map(move |step| self.first.wrapping_add(step))
    }

    /// Packs sequence numbers, in rising order, into pairs; says how many pairs were filled.
    /// Numbers that find no room are left out.
    pub fn pack(missing: impl IntoIterator<Item = u16>, pairs: &mut [Self]) -> usize {
        let mut used = 0usize;
        for number in missing {
            let last = used.checked_sub(1).and_then(|at| pairs.get_mut(at));
            if let Some(pair) = last {
                match number.wrapping_sub(pair.first) {
                    0 => continue,
                    step @ 1..=16 => {
                        pair.others |= 1 << (step - 1);
                        continue;
                    }
                    _ => {}
                }
            }
            let Some(pair) = pairs.get_mut(used) else { break };
            *pair = Self { first: number, others: 0 };
            used += 1;
        }
        used
    }
}

impl Fixed<4> for NackPair {
    fn from_octets(octets: &[u8; 4]) -> Self {
        let [a, b, c, d] = *octets;
        Self { first: u16::from_be_bytes([a, b]), others: u16::from_be_bytes([c, d]) }
    }

    fn to_octets(self) -> [u8; 4] {
        let ([a, b], [c, d]) = (self.first.to_be_bytes(), self.others.to_be_bytes());
        [a, b, c, d]
    }
}

/// A limit to the bitrate of a sender (RFC 5104 section 4.2.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct MaximumBitrate {
    /// The sender.
    pub ssrc: Ssrc,
    /// Bits per second; of its 64 bits the highest 17 that are used are written.
    pub bits_per_second: u64,
    /// Octets of headers that each packet has beside, 0 to 511.
    pub overhead: u16,
}

impl Fixed<8> for MaximumBitrate {
    fn from_octets(octets: &[u8; 8]) -> Self {
        let [a, b, c, d, e, f, g, h] = *octets;
        let word = u32::from_be_bytes([e, f, g, h]);
        Self {
            ssrc: Ssrc(u32::from_be_bytes([a, b, c, d])),
            bits_per_second: expand(word >> 26, (word >> 9) & 0x1_ffff),
            // Nine bits.
            overhead: (word & 0x1ff) as u16,
        }
    }

    fn to_octets(self) -> [u8; 8] {
        let (exponent, mantissa) = compress(self.bits_per_second, 17);
        let word = (exponent << 26) | (mantissa << 9) | u32::from(self.overhead & 0x1ff);
        let ([a, b, c, d], [e, f, g, h]) = (self.ssrc.to_octets(), word.to_be_bytes());
        [a, b, c, d, e, f, g, h]
    }
}

/// Feedback on the payload (RFC 4585 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PayloadFeedback<'a> {
    /// Who sends the feedback.
    pub sender: Ssrc,
    /// The source that it is about; 0 where the message names sources itself.
    pub media: Ssrc,
    /// What it says.
    pub message: PayloadMessage<'a>,
}

/// What feedback on the payload says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PayloadMessage<'a> {
    /// Pictures were lost (RFC 4585 section 6.3.1, PLI).
    PictureLoss,
    /// Parts of a picture were lost (RFC 4585 section 6.3.2, SLI).
    SliceLoss(List<'a, LostSlice, 4>),
    /// The picture to refer to (RFC 4585 section 6.3.3, RPSI), as its codec has it.
    ReferencePicture(&'a [u8]),
    /// A whole picture is asked for (RFC 5104 section 4.3.1, FIR).
    FullIntra(List<'a, FullIntra, 8>),
    /// What the receiver takes the way to bear (REMB).
    ReceiverEstimate(ReceiverEstimate<'a>),
    /// A format that this crate does not know.
    Unknown {
        /// The format.
        format: u8,
        /// Its control information.
        data: &'a [u8],
    },
}

/// Macroblocks that were lost (RFC 4585 section 6.3.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LostSlice {
    /// The first macroblock, 13 bits.
    pub first: u16,
    /// How many, 13 bits.
    pub number: u16,
    /// The lower 6 bits of the picture's identifier.
    pub picture: u8,
}

impl Fixed<4> for LostSlice {
    fn from_octets(octets: &[u8; 4]) -> Self {
        let word = u32::from_be_bytes(*octets);
        Self {
            first: (word >> 19) as u16,
            number: ((word >> 6) & 0x1fff) as u16,
            picture: (word & 0x3f) as u8,
        }
    }

    fn to_octets(self) -> [u8; 4] {
        let first = u32::from(self.first & 0x1fff) << 19;
        let number = u32::from(self.number & 0x1fff) << 6;
        (first | number | u32::from(self.picture & 0x3f)).to_be_bytes()
    }
}

/// A request for a whole picture (RFC 5104 section 4.3.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FullIntra {
    /// Who is asked.
    pub ssrc: Ssrc,
    /// Counts requests: a repetition has the number of the first.
    pub sequence_number: u8,
}

impl Fixed<8> for FullIntra {
    fn from_octets(octets: &[u8; 8]) -> Self {
        let [a, b, c, d, sequence_number, ..] = *octets;
        Self { ssrc: Ssrc(u32::from_be_bytes([a, b, c, d])), sequence_number }
    }

    fn to_octets(self) -> [u8; 8] {
        let [a, b, c, d] = self.ssrc.to_octets();
        [a, b, c, d, self.sequence_number, 0, 0, 0]
    }
}

/// What a receiver takes the way to bear (REMB, draft-alvestrand-rmcat-remb-03).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ReceiverEstimate<'a> {
    /// Bits per second for all sources together; the highest 18 bits that are used are written.
    pub bits_per_second: u64,
    /// The sources; the first 255 are written.
    pub sources: Csrcs<'a>,
}

impl<'a> ReceiverEstimate<'a> {
    const NAME: [u8; 4] = *b"REMB";

    fn parse(data: &'a [u8]) -> Option<Self> {
        let (name, rest) = data.split_first_chunk::<4>()?;
        let (&[count, a, b, c], rest) = rest.split_first_chunk::<4>()?;
        let sources = rest.get(..usize::from(count) * 4)?;
        let word = u32::from_be_bytes([0, a, b, c]);
        (*name == Self::NAME).then(|| Self {
            bits_per_second: expand(word >> 18, word & 0x3_ffff),
            sources: Csrcs::received(sources),
        })
    }

    fn encoded_len(&self) -> usize {
        8 + self.sources.len().min(255) * 4
    }

    fn write(&self, writer: &mut Writer<'_>) {
        let (exponent, mantissa) = compress(self.bits_per_second, 18);
        let [_, a, b, c] = ((exponent << 18) | mantissa).to_be_bytes();
        writer.chunk(&Self::NAME);
        // At most 255.
        writer.chunk(&[self.sources.len().min(255) as u8, a, b, c]);
        for source in self.sources.iter().take(255) {
            writer.chunk(&source.to_octets());
        }
    }
}

impl<'a> TransportFeedback<'a> {
    /// Reads one packet; what follows it is not looked at.
    ///
    /// # Errors
    /// It is of another type, or is cut off.
    pub fn parse(octets: &'a [u8]) -> Result<Self, ParseError> {
        Self::from_raw(Raw::parse_prefix(octets)?.0)
    }

    pub(super) fn from_raw(raw: Raw<'a>) -> Result<Self, ParseError> {
        let (sender, media, data) = control_information(raw, packet_type::RTPFB)?;
        let message = match raw.count {
            1 => TransportMessage::Nack(whole(data)?),
            3 => TransportMessage::MaximumBitrateRequest(whole(data)?),
            4 => TransportMessage::MaximumBitrateNotification(whole(data)?),
            15 => TransportMessage::TransportWide(
                TransportWide::parse(data).map_err(|error| error.moved(HEADER_LEN + 8))?,
            ),
            format => TransportMessage::Unknown { format, data },
        };
        Ok(Self { sender, media, message })
    }

    /// How many octets the packet takes.
    pub fn encoded_len(&self) -> usize {
        let data = match self.message {
            TransportMessage::Nack(list) => list.encoded_len(),
            TransportMessage::MaximumBitrateRequest(list)
            | TransportMessage::MaximumBitrateNotification(list) => list.encoded_len(),
            TransportMessage::TransportWide(report) => report.encoded_len(),
            TransportMessage::Unknown { data, .. } => data.len(),
        };
        HEADER_LEN + 8 + data.next_multiple_of(4)
    }

    /// Writes the packet, and says how long it is.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let format = match self.message {
            TransportMessage::Nack(_) => 1,
            TransportMessage::MaximumBitrateRequest(_) => 3,
            TransportMessage::MaximumBitrateNotification(_) => 4,
            TransportMessage::TransportWide(_) => 15,
            TransportMessage::Unknown { format, .. } => format,
        };
        let mut writer = Writer::begin(buffer, needed, format, packet_type::RTPFB)?;
        writer.chunk(&self.sender.to_octets());
        writer.chunk(&self.media.to_octets());
        match self.message {
            TransportMessage::Nack(list) => writer.list(&list),
            TransportMessage::MaximumBitrateRequest(list)
            | TransportMessage::MaximumBitrateNotification(list) => writer.list(&list),
            TransportMessage::TransportWide(report) => report.write(&mut writer),
            TransportMessage::Unknown { data, .. } => writer.slice(data),
        }
        Ok(writer.end(needed))
    }
}

impl<'a> PayloadFeedback<'a> {
    /// Reads one packet; what follows it is not looked at.
    ///
    /// # Errors
    /// It is of another type, or is cut off.
    pub fn parse(octets: &'a [u8]) -> Result<Self, ParseError> {
        Self::from_raw(Raw::parse_prefix(octets)?.0)
    }

    pub(super) fn from_raw(raw: Raw<'a>) -> Result<Self, ParseError> {
        let (sender, media, data) = control_information(raw, packet_type::PSFB)?;
        let message = match raw.count {
            1 => PayloadMessage::PictureLoss,
            2 => PayloadMessage::SliceLoss(whole(data)?),
            3 => PayloadMessage::ReferencePicture(data),
            4 => PayloadMessage::FullIntra(whole(data)?),
            15 => match ReceiverEstimate::parse(data) {
                Some(estimate) => PayloadMessage::ReceiverEstimate(estimate),
                None => PayloadMessage::Unknown { format: 15, data },
            },
            format => PayloadMessage::Unknown { format, data },
        };
        Ok(Self { sender, media, message })
    }

    /// How many octets the packet takes.
    pub fn encoded_len(&self) -> usize {
        let data = match self.message {
            PayloadMessage::PictureLoss => 0,
            PayloadMessage::SliceLoss(list) => list.encoded_len(),
            PayloadMessage::FullIntra(list) => list.encoded_len(),
            PayloadMessage::ReceiverEstimate(estimate) => estimate.encoded_len(),
            PayloadMessage::ReferencePicture(data) | PayloadMessage::Unknown { data, .. } => {
                data.len()
            }
        };
        HEADER_LEN + 8 + data.next_multiple_of(4)
    }

    /// Writes the packet, and says how long it is.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let format = match self.message {
            PayloadMessage::PictureLoss => 1,
            PayloadMessage::SliceLoss(_) => 2,
            PayloadMessage::ReferencePicture(_) => 3,
            PayloadMessage::FullIntra(_) => 4,
            PayloadMessage::ReceiverEstimate(_) => 15,
            PayloadMessage::Unknown { format, .. } => format,
        };
        let mut writer = Writer::begin(buffer, needed, format, packet_type::PSFB)?;
        writer.chunk(&self.sender.to_octets());
        writer.chunk(&self.media.to_octets());
        match self.message {
            PayloadMessage::PictureLoss => {}
            PayloadMessage::SliceLoss(list) => writer.list(&list),
            PayloadMessage::FullIntra(list) => writer.list(&list),
            PayloadMessage::ReceiverEstimate(estimate) => estimate.write(&mut writer),
            PayloadMessage::ReferencePicture(data) | PayloadMessage::Unknown { data, .. } => {
                writer.slice(data);
            }
        }
        Ok(writer.end(needed))
    }
}

/// The two SSRCs of feedback, and its control information.
fn control_information(raw: Raw<'_>, kind: u8) -> Result<(Ssrc, Ssrc, &[u8]), ParseError> {
    if raw.packet_type != kind {
        return Err(ParseError::new(Fault::PacketType, 1));
    }
    let cut_off = ParseError::new(Fault::Length, HEADER_LEN + raw.body.len());
    let (sender, rest) = raw.body.split_first_chunk::<4>().ok_or(cut_off)?;
    let (media, data) = rest.split_first_chunk::<4>().ok_or(cut_off)?;
    Ok((Ssrc::from_octets(sender), Ssrc::from_octets(media), data))
}

/// A list that takes all of its octets, and has one entry or more.
fn whole<T: Fixed<N>, const N: usize>(data: &[u8]) -> Result<List<'_, T, N>, ParseError> {
    let list = List::received(data);
    if list.encoded_len() != data.len() {
        return Err(ParseError::new(Fault::Length, HEADER_LEN + 8 + data.len()));
    }
    Ok(list)
}

/// A number of so many bits of mantissa, and the exponent to go with it.
fn compress(number: u64, bits: u32) -> (u32, u32) {
    let exponent = (64 - number.leading_zeros()).saturating_sub(bits);
    // Shifted until no more than `bits` are left, 18 at most.
    (exponent, (number >> exponent) as u32)
}

/// The number that mantissa and exponent make; the greatest one where it is too great.
fn expand(exponent: u32, mantissa: u32) -> u64 {
    let mantissa = u64::from(mantissa);
    if mantissa.leading_zeros() < exponent { u64::MAX } else { mantissa << exponent }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtcp::{Compound, Packet};
    use alloc::vec::Vec;

    fn comes_back(packet: Packet<'_>) -> Vec<u8> {
        let mut buffer = alloc::vec![0xff; packet.encoded_len()];
        assert_eq!(packet.write(&mut buffer), Ok(buffer.len()));
        let compound = Compound::parse(&buffer).unwrap();
        let again: Vec<_> = compound.packets().map(Result::unwrap).collect();
        assert_eq!(again, [packet]);
        buffer
    }

    fn transport(message: TransportMessage<'_>) -> Vec<u8> {
        let packet = TransportFeedback { sender: Ssrc(1), media: Ssrc(2), message };
        comes_back(Packet::TransportFeedback(packet))
    }

    fn payload(message: PayloadMessage<'_>) -> Vec<u8> {
        let packet = PayloadFeedback { sender: Ssrc(1), media: Ssrc(2), message };
        comes_back(Packet::PayloadFeedback(packet))
    }

    #[test]
    fn missing_packets_are_packed_and_unpacked() {
        let missing = [65_534u16, 65_535, 3, 14, 15, 100];
        let mut pairs = [NackPair::default(); 4];
        assert_eq!(NackPair::pack(missing, &mut pairs), 3);
        assert_eq!(pairs[0], NackPair { first: 65_534, others: 0b1_0001 | 1 << 15 });
        let unpacked: Vec<_> = pairs[..3].iter().flat_map(|p| p.sequence_numbers()).collect();
        assert_eq!(unpacked, missing);
        let octets = transport(TransportMessage::Nack((&pairs[..3]).into()));
        assert_eq!(octets[..4], [0x81, 205, 0, 5]);
        assert_eq!(NackPair::pack(missing, &mut pairs[..1]), 1);
    }

    #[test]
    fn requests_for_pictures_come_back() {
        assert_eq!(payload(PayloadMessage::PictureLoss), [0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]);
        let request = FullIntra { ssrc: Ssrc(7), sequence_number: 9 };
        let octets = payload(PayloadMessage::FullIntra((&[request]).into()));
        assert_eq!(octets[12..], [0, 0, 0, 7, 9, 0, 0, 0]);
        let slice = LostSlice { first: 0x1fff, number: 1, picture: 0x3f };
        let octets = payload(PayloadMessage::SliceLoss((&[slice]).into()));
        assert_eq!(octets[12..], [0xff, 0xf8, 0, 0x7f]);
        payload(PayloadMessage::ReferencePicture(&[0, 34, 5, 6]));
        payload(PayloadMessage::Unknown { format: 9, data: &[1, 2, 3, 4] });
    }

    #[test]
    fn limits_of_bitrate_come_back_as_far_as_their_bits_go() {
        let limit = MaximumBitrate { ssrc: Ssrc(3), bits_per_second: 1_000_000, overhead: 40 };
        let octets = transport(TransportMessage::MaximumBitrateRequest((&[limit]).into()));
        // 1000000 = 125000 << 3.
        assert_eq!(octets[16..], ((3u32 << 26) | (125_000 << 9) | 40).to_be_bytes());
        transport(TransportMessage::MaximumBitrateNotification((&[limit, limit]).into()));
        let sources = [Ssrc(4), Ssrc(5)];
        let estimate = ReceiverEstimate { bits_per_second: 2_500_000, sources: (&sources).into() };
        let octets = payload(PayloadMessage::ReceiverEstimate(estimate));
        assert_eq!(octets[12..16], *b"REMB");
        // 2500000 = 156250 << 4.
        assert_eq!(octets[16..20], ((2u32 << 24) | (4 << 18) | 156_250).to_be_bytes());
    }

    #[test]
    fn numbers_too_great_stop_at_the_greatest() {
        assert_eq!(expand(63, 3), u64::MAX);
        assert_eq!(expand(63, 1), 1 << 63);
        assert_eq!(compress(u64::MAX, 18), (46, 0x3_ffff));
        assert_eq!(compress(5, 18), (0, 5));
    }

    #[test]
    fn feedback_cut_off_is_refused() {
        let short = [0x81, 205, 0, 1, 0, 0, 0, 1];
        let error = TransportFeedback::parse(&short).unwrap_err();
        assert_eq!(error, ParseError { what: Fault::Length, at: 8 });
        let odd = [0x84, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
        let error = PayloadFeedback::parse(&odd).unwrap_err();
        assert_eq!(error, ParseError { what: Fault::Length, at: 16 });
    }
}
