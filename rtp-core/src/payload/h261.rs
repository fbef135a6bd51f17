//! H.261 (RFC 4587; RFC 2032 has the same payload).
//!
//! ```text
//! |SBIT |EBIT |I|V| GOBN  |   MBAP  |  QUANT  |  HMVD   |  VMVD   |
//! | part of the picture, from any bit to any bit ...
//! ```
//!
//! A picture is cut before groups of blocks, which their start codes tell; and before macroblocks,
//! which only the encoder knows, where it hands them in. The state of a header lets a decoder begin
//! with any packet.

use super::assembly::{Admitted, Assembly, Progress};
use super::bits::{Seam, cut, span};
use super::{Encoded, Error, Payload, Reassembled, Received};
use crate::{BufferTooSmall, Fault, ParseError};

/// The zeros of a start code: of a picture, or of a group of blocks.
const ZEROS: usize = 15;

/// What stands before a part of a picture (RFC 4587 section 4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Header {
    /// SBIT: how many of the first bits are not part of it, 0 to 7.
    pub sbit: u8,
    /// EBIT: how many of the last bits are not part of it, 0 to 7.
    pub ebit: u8,
    /// I: whether the whole stream has only blocks that depend on no other picture.
    pub intra: bool,
    /// V: whether the stream may have motion vectors.
    pub motion_vectors: bool,
    /// GOBN: the group of blocks that the part begins in; 0 where it begins with a group.
    pub gob_number: u8,
    /// MBAP: the address of the last macroblock before, less one; 0 to 31.
    pub address_predictor: u8,
    /// QUANT: the quantizer in effect.
    pub quantizer: u8,
    /// HMVD: the horizontal motion vector of the macroblock before, -15 to 15.
    pub horizontal_vector: i8,
    /// VMVD: the vertical one.
    pub vertical_vector: i8,
}

impl Header {
    /// The octets of a header.
    pub const LEN: usize = 4;

    /// Reads a header, and gives the part of the picture behind it.
    ///
    /// # Errors
    /// The payload is shorter than the header, or more bits are left out than there are.
    pub fn parse(payload: &[u8]) -> Result<(Self, &[u8]), ParseError> {
        let Some((octets, part)) = payload.split_first_chunk() else {
            return Err(ParseError::new(Fault::Truncated, payload.len()));
        };
        let bits = u32::from_be_bytes(*octets);
        let field = |shift: u32, width: u32| ((bits >> shift) & ((1 << width) - 1)) as u8;
        let signed = |shift| ((field(shift, 5) << 3) as i8) >> 3;
        let header = Self {
            sbit: field(29, 3),
            ebit: field(26, 3),
            intra: field(25, 1) == 1,
            motion_vectors: field(24, 1) == 1,
            gob_number: field(20, 4),
            address_predictor: field(15, 5),
            quantizer: field(10, 5),
            horizontal_vector: signed(5),
            vertical_vector: signed(0),
        };
        if usize::from(header.sbit + header.ebit) > part.len() * 8 {
            return Err(ParseError::new(Fault::Length, 0));
        }
        Ok((header, part))
    }

    /// The octets of the header; of each field as many bits as it has.
    pub fn to_octets(self) -> [u8; 4] {
        let field =
            |value: u8, shift: u32, width: u32| ((value as u32) & ((1 << width) - 1)) << shift;
        let bits = field(self.sbit, 29, 3)
            | field(self.ebit, 26, 3)
            | field(self.intra.into(), 25, 1)
            | field(self.motion_vectors.into(), 24, 1)
            | field(self.gob_number, 20, 4)
            | field(self.address_predictor, 15, 5)
            | field(self.quantizer, 10, 5)
            | field(self.horizontal_vector as u8, 5, 5)
            | field(self.vertical_vector as u8, 0, 5);
        bits.to_be_bytes()
    }

    /// How many octets the header takes.
    pub const fn encoded_len(&self) -> usize {
        Self::LEN
    }

    /// Writes the header, and says how long it is.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let cells = buffer.first_chunk_mut().ok_or(BufferTooSmall { needed: Self::LEN })?;
        *cells = self.to_octets();
        Ok(Self::LEN)
    }
}

/// A macroblock that a picture may be cut before, as its encoder knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Macroblock {
    /// The bit of the picture that it begins with.
    pub bit: usize,
    /// The state of the coder there. SBIT, EBIT, I and V are not looked at.
    pub header: Header,
}

/// Cuts pictures into payloads. It keeps nothing from one picture to the next: where macroblocks are
/// handed in, each picture may have a packetizer of its own.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Packetizer<'m> {
    /// Whether the whole stream has only blocks that depend on no other picture.
    pub intra: bool,
    /// Whether the stream may have motion vectors.
    pub motion_vectors: bool,
    /// Macroblocks of the next picture that it may be cut before, first ones first; needed where a
    /// group of blocks is longer than a payload.
    pub macroblocks: &'m [Macroblock],
    progress: Progress,
}

impl Packetizer<'_> {
    /// A packetizer of a stream that may have motion vectors, which is cut before groups of blocks.
    pub const fn new() -> Self {
        Self { intra: false, motion_vectors: true, macroblocks: &[], progress: Progress::new() }
    }
}

impl super::Packetizer for Packetizer<'_> {
    fn poll_payload(
        &mut self,
        frame: &Encoded<'_>,
        buffer: &mut [u8],
    ) -> Result<Option<Payload>, Error> {
        self.progress.resume(frame);
        // In bits here.
        let begin = self.progress.at;
        let total = frame.octets.len() * 8;
        if begin >= total {
            self.progress.reset();
            return Ok(None);
        }
        let limit = buffer.len().saturating_sub(Header::LEN);
        let others = self.macroblocks.iter().map(|block| block.bit);
        let end = cut(frame.octets, begin, ZEROS, limit, others);
        let part = end.and_then(|end| Some((end, span(frame.octets, begin, end)?)));
        let Some((end, (part, sbit, ebit))) = part else {
            return self.progress.fail(BufferTooSmall { needed: buffer.len().saturating_add(1) });
        };
        let state = self.macroblocks.iter().find(|block| block.bit == begin);
        let header = Header {
            sbit,
            ebit,
            intra: self.intra,
            motion_vectors: self.motion_vectors,
            ..state.map(|block| block.header).unwrap_or_default()
        };
        let len = Header::LEN + part.len();
        let place = buffer.get_mut(..len).and_then(<[u8]>::split_first_chunk_mut);
        let Some((place, rest)) = place else {
            return self.progress.fail(BufferTooSmall { needed: len });
        };
        *place = header.to_octets();
        rest.copy_from_slice(part);
        self.progress.at = end;
        Ok(Some(Payload { len, marker: end == total, timestamp: frame.timestamp }))
    }
}

/// Puts pictures together. Behind a gap it goes on with the next group of blocks.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Depacketizer {
    assembly: Assembly,
    seam: Seam,
    /// Whether a group of blocks is waited for.
    waiting: bool,
}

impl Depacketizer {
    /// A depacketizer that has seen no packet.
    pub const fn new() -> Self {
        Self { assembly: Assembly::new(), seam: Seam::new(), waiting: false }
    }

    fn take(&mut self, payload: &[u8], frame: &mut [u8]) -> Result<(), Error> {
        let (header, part) = Header::parse(payload)?;
        if self.waiting && header.gob_number != 0 {
            self.assembly.spoil();
            return Ok(());
        }
        self.waiting = false;
        self.seam.append(&mut self.assembly, frame, part, (header.sbit, header.ebit))
    }
}

impl super::Depacketizer for Depacketizer {
    fn push(
        &mut self,
        packet: &Received<'_>,
        frame: &mut [u8],
    ) -> Result<Option<Reassembled>, Error> {
        let (gap, first) = match self.assembly.admit(packet)? {
            Admitted::Earlier(earlier) => return Ok(Some(earlier)),
            Admitted::Packet { gap, first } => (gap, first),
        };
        if gap || first {
            self.seam.break_off();
            self.waiting = true;
        }
        let taken = self.take(packet.payload, frame);
        if taken.is_err() {
            self.assembly.spoil();
            self.seam.break_off();
            self.waiting = true;
        }
        match (self.assembly.finish(packet), taken) {
            // What was kept is worth more than the news of what was not.
            (Some(whole), _) => Ok(Some(whole)),
            (None, taken) => taken.map(|()| None),
        }
    }

    fn reset(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::tests::{self, Network, packetize};
    use alloc::vec::Vec;

    #[test]
    fn the_headers_of_the_messenger_documents_are_read_and_written() {
        let intra =
            Header { sbit: 4, ebit: 6, intra: true, motion_vectors: true, ..Header::default() };
        let inter = Header { sbit: 5, ebit: 4, motion_vectors: true, ..Header::default() };
        for (octets, header) in [([0x9b, 0, 0, 0], intra), ([0xb1, 0, 0, 0], inter)] {
            assert_eq!(header.to_octets(), octets);
            let payload = [&octets[..], &[1, 2]].concat();
            assert_eq!(Header::parse(&payload), Ok((header, &[1, 2][..])));
        }
    }

    #[test]
    fn every_field_is_read_as_it_was_written() {
        let header = Header {
            sbit: 7,
            ebit: 1,
            intra: true,
            motion_vectors: false,
            gob_number: 12,
            address_predictor: 31,
            quantizer: 17,
            horizontal_vector: -15,
            vertical_vector: 15,
        };
        let mut buffer = [0; 5];
        assert_eq!(header.write(&mut buffer), Ok(4));
        assert_eq!(Header::parse(&buffer), Ok((header, &[0][..])));
        assert!(header.write(&mut [0; 3]).is_err());
    }

    #[test]
    fn cut_headers_and_impossible_bits_are_refused() {
        assert_eq!(Header::parse(&[0, 0, 0]), Err(ParseError::new(Fault::Truncated, 3)));
        assert_eq!(Header::parse(&[0x20, 0, 0, 0]), Err(ParseError::new(Fault::Length, 0)));
        assert!(Header::parse(&[0xfc, 0, 0, 0, 1]).is_err());
    }

    /// A picture of three groups that begin anywhere, and the bits they begin with.
    fn picture() -> (Vec<u8>, [usize; 4]) {
        let mut bits: Vec<u8> = Vec::new();
        let mut starts = [0; 4];
        for (start, (number, len)) in
            starts.iter_mut().zip([(0u8, 12), (1, 333), (3, 171), (5, 92)])
        {
            *start = bits.len();
            bits.extend([0; ZEROS]);
            bits.push(1);
            bits.extend((0..4).rev().map(|bit| (number >> bit) & 1));
            bits.extend((0..len).map(|n| u8::from(n % 5 != 0)));
        }
        while !bits.len().is_multiple_of(8) {
            bits.push(1);
        }
        let octets = bits.as_chunks::<8>().0.iter();
        (octets.map(|bits| bits.iter().fold(0, |octet, bit| (octet << 1) | bit)).collect(), starts)
    }

    #[test]
    fn pictures_are_cut_before_groups_of_blocks_at_any_bit() {
        let (picture, starts) = picture();
        for limit in [49, 60, 77, 200] {
            let mut packetizer = Packetizer::new();
            let all = packetize(&mut packetizer, 0, &picture, limit);
            for (_, octets) in &all {
                let (header, _) = Header::parse(octets).expect("it was written");
                assert_eq!((header.gob_number, header.motion_vectors), (0, true));
            }
            let sbits: Vec<_> = all.iter().map(|(_, octets)| octets[0] >> 5).collect();
            assert!(
                sbits.iter().all(|sbit| starts.iter().any(|bit| bit % 8 == usize::from(*sbit)))
            );
            tests::comes_back(&mut packetizer, &mut Depacketizer::new(), &picture, limit);
        }
    }

    #[test]
    fn a_group_longer_than_a_payload_is_cut_before_macroblocks() {
        let (picture, starts) = picture();
        let frame = Encoded { timestamp: 0, octets: &picture };
        use crate::payload::Packetizer as _;
        let mut packetizer = Packetizer::new();
        // The picture's header alone still fits.
        assert!(packetizer.poll_payload(&frame, &mut [0; 24]).is_ok());
        let error = packetizer.poll_payload(&frame, &mut [0; 24]);
        assert_eq!(error, Err(BufferTooSmall { needed: 25 }.into()));
        let header =
            Header { gob_number: 1, quantizer: 9, horizontal_vector: -3, ..Header::default() };
        let macroblocks: Vec<_> = (1..4)
            .map(|n| Macroblock { bit: starts[1] + n * 100, header })
            .chain([Macroblock { bit: starts[2] + 90, header }])
            .collect();
        let mut packetizer = Packetizer { macroblocks: &macroblocks, ..Packetizer::new() };
        let all = packetize(&mut packetizer, 0, &picture, 24);
        let states = all.iter().map(|(_, octets)| Header::parse(octets).expect("good").0);
        assert!(states.filter(|header| header.quantizer == 9).count() >= 3);
        tests::comes_back(&mut packetizer, &mut Depacketizer::new(), &picture, 24);
        // Behind a gap within a group, the next group comes next.
        let mut network = Network::new(Depacketizer::new());
        network.send_without(&all, &[2]);
        let (frame, octets) = &network.frames[0];
        assert!(!frame.whole && frame.lost == 1);
        assert!(octets.len() < picture.len());
    }

    #[test]
    fn a_group_behind_a_gap_begins_with_an_octet_of_its_own() {
        let (picture, starts) = picture();
        let all = packetize(&mut Packetizer::new(), 0, &picture, 49);
        let mut network = Network::new(Depacketizer::new());
        network.send_without(&all, &[1]);
        let (frame, octets) = &network.frames[0];
        assert!(!frame.whole);
        // The first payload ends within an octet, and the third begins within one.
        let first = all[0].1.len() - Header::LEN;
        let shift = starts[2] % 8;
        assert_eq!(octets[first] & (0xff_u8 << (8 - shift).min(7)), 0);
        assert_eq!(octets[first + 1..], all[2].1[Header::LEN + 1..]);
    }
}
