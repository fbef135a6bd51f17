//! H.263 as RFC 2190 has it: modes A, B and C.
//!
//! ```text
//! A  |0|P|SBIT |EBIT | SRC |I|U|S|A|   R   |DBQ| TRB |      TR       |
//! B  |1|0|SBIT |EBIT | SRC |  QUANT  |  GOBN   |       MBA       | R |
//!    |I|U|S|A|    HMV1     |    VMV1     |    HMV2     |    VMV2     |
//! C  |1|1| as B ...      | RR of 19 bits         |DBQ| TRB |    TR   |
//! ```
//!
//! Mode A begins with a picture or a group of blocks, mode B with a macroblock, mode C with one of a
//! PB-frame. Groups of blocks are told by their start codes; macroblocks only the encoder knows, and
//! hands them in where a group is longer than a payload.
//!
//! Newer streams have the payload of RFC 4629: [`super::h263_1998`]. Windows Messenger has this one,
//! with the I bit upside down: see [`Packetizer::inverted`].

use super::assembly::{Admitted, Assembly, Progress};
use super::bits::{BitReader, Seam, cut, span};
use super::{Encoded, Error, Payload, Reassembled, Received};
use crate::{BufferTooSmall, Fault, ParseError};

/// The zeros of a start code: of a picture, or of a group of blocks.
const ZEROS: usize = 16;

/// What stands before a part of a picture (RFC 2190 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Header {
    /// SBIT: how many of the first bits are not part of it, 0 to 7.
    pub sbit: u8,
    /// EBIT: how many of the last bits are not part of it, 0 to 7.
    pub ebit: u8,
    /// SRC: the size: 1 for 128 by 96, 2 for 176 by 144, 3 for 352 by 288, 4 and 5 for four and
    /// sixteen times that.
    pub source_format: u8,
    /// I, U, S, A.
    pub options: Options,
    /// What else the mode has.
    pub mode: Mode,
}

/// What the picture makes use of, as its own header says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Options {
    /// I: whether the picture depends on others. Windows Messenger has it the other way round.
    pub inter: bool,
    /// U: unrestricted motion vectors.
    pub unrestricted_vectors: bool,
    /// S: arithmetic coding.
    pub arithmetic: bool,
    /// A: advanced prediction.
    pub advanced_prediction: bool,
}

impl Options {
    const fn from_bits(bits: u8) -> Self {
        Self {
            inter: bits & 8 != 0,
            unrestricted_vectors: bits & 4 != 0,
            arithmetic: bits & 2 != 0,
            advanced_prediction: bits & 1 != 0,
        }
    }

    const fn bits(self) -> u8 {
        (self.inter as u8) << 3
            | (self.unrestricted_vectors as u8) << 2
            | (self.arithmetic as u8) << 1
            | self.advanced_prediction as u8
    }
}

/// Where a payload begins, and with what state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Mode {
    /// With a picture or a group of blocks.
    A {
        /// P: whether it is a PB-frame.
        is_pb: bool,
        /// Of a PB-frame; else 0 but for the temporal reference, which may be there.
        pb: PbFrame,
    },
    /// With a macroblock of a picture that is no PB-frame.
    B(Macroblock),
    /// With a macroblock of a PB-frame.
    C(Macroblock, PbFrame),
}

/// What is told of a PB-frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PbFrame {
    /// DBQ: how the quantizer of the B-frame differs, 0 to 3.
    pub dbquant: u8,
    /// TRB: the B-frame's temporal reference, 0 to 7.
    pub b_reference: u8,
    /// TR: the P-frame's temporal reference.
    pub reference: u8,
}

/// The state of the coder before a macroblock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Macroblock {
    /// QUANT: the quantizer in effect; 0 where the payload begins with a group of blocks.
    pub quantizer: u8,
    /// GOBN: the group of blocks, 0 to 31.
    pub gob_number: u8,
    /// MBA: the address within the picture, 0 to 511.
    pub address: u16,
    /// HMV1, VMV1, HMV2, VMV2: the predictors of motion vectors, -64 to 63.
    pub vectors: [i8; 4],
}

impl Header {
    /// Reads a header, and gives the part of the picture behind it.
    ///
    /// # Errors
    /// The payload is shorter than the header, or more bits are left out than there are.
    pub fn parse(payload: &[u8]) -> Result<(Self, &[u8]), ParseError> {
        let truncated = ParseError::new(Fault::Truncated, payload.len());
        let (header, part) = Self::read(payload).ok_or(truncated)?;
        if usize::from(header.sbit + header.ebit) > part.len() * 8 {
            return Err(ParseError::new(Fault::Length, 0));
        }
        Ok((header, part))
    }

    fn read(payload: &[u8]) -> Option<(Self, &[u8])> {
        let mut reader = BitReader::new(payload, 0);
        let mut field = |width| reader.read(width).map(|value| value as u16);
        let (is_b, is_pb) = (field(1)? == 1, field(1)? == 1);
        let (sbit, ebit, source_format) = (field(3)? as u8, field(3)? as u8, field(3)? as u8);
        let (options, mode, len);
        if is_b {
            let (quantizer, gob_number) = (field(5)? as u8, field(5)? as u8);
            let address = field(9)?;
            field(2)?;
            options = field(4)? as u8;
            let mut vectors = [0; 4];
            for vector in &mut vectors {
                // Seven bits, the first one the sign.
                *vector = ((field(7)? << 1) as u8 as i8) >> 1;
            }
            let block = Macroblock { quantizer, gob_number, address, vectors };
            if is_pb {
                field(16)?;
                field(3)?;
                let (dbquant, b_reference) = (field(2)? as u8, field(3)? as u8);
                let pb = PbFrame { dbquant, b_reference, reference: field(8)? as u8 };
                (mode, len) = (Mode::C(block, pb), 12);
            } else {
                (mode, len) = (Mode::B(block), 8);
            }
        } else {
            options = field(4)? as u8;
            field(4)?;
            let (dbquant, b_reference) = (field(2)? as u8, field(3)? as u8);
            let pb = PbFrame { dbquant, b_reference, reference: field(8)? as u8 };
            (mode, len) = (Mode::A { is_pb, pb }, 4);
        }
        let options = Options::from_bits(options);
        Some((Self { sbit, ebit, source_format, options, mode }, payload.get(len..)?))
    }

    /// How many octets the header takes: 4, 8 or 12.
    pub const fn encoded_len(&self) -> usize {
        match self.mode {
            Mode::A { .. } => 4,
            Mode::B(_) => 8,
            Mode::C(..) => 12,
        }
    }

    /// Writes the header, and says how long it is; of each field as many bits as it has.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let cells = buffer.get_mut(..needed).ok_or(BufferTooSmall { needed })?;
        let (f, p) = match self.mode {
            Mode::A { is_pb, .. } => (0, u32::from(is_pb)),
            Mode::B(_) => (1, 0),
            Mode::C(..) => (1, 1),
        };
        let seam = (u32::from(self.sbit & 7) << 3) | u32::from(self.ebit & 7);
        let first =
            (f << 31) | (p << 30) | (seam << 24) | (u32::from(self.source_format & 7) << 21);
        let options = u32::from(self.options.bits());
        let pb_bits = |pb: PbFrame| {
            (u32::from(pb.dbquant & 3) << 11)
                | (u32::from(pb.b_reference & 7) << 8)
                | u32::from(pb.reference)
        };
        let block_bits = |block: Macroblock| {
            let first = first
                | (u32::from(block.quantizer & 31) << 16)
                | (u32::from(block.gob_number & 31) << 11)
                | (u32::from(block.address & 0x1ff) << 2);
            let vectors = block.vectors.iter();
            let second = vectors.fold(options, |bits, v| (bits << 7) | u32::from(*v as u8 & 0x7f));
            [first, second]
        };
        let words = match self.mode {
            Mode::A { pb, .. } => [first | (options << 17) | pb_bits(pb), 0, 0],
            Mode::B(block) => {
                let [first, second] = block_bits(block);
                [first, second, 0]
            }
            Mode::C(block, pb) => {
                let [first, second] = block_bits(block);
                [first, second, pb_bits(pb)]
            }
        };
        for (cell, word) in cells.as_chunks_mut().0.iter_mut().zip(words) {
            *cell = word.to_be_bytes();
        }
        Ok(needed)
    }

    /// Whether the payload begins with a picture or a group of blocks, and so can be decoded
    /// whatever was lost before it.
    pub const fn begins_group(&self) -> bool {
        match self.mode {
            Mode::A { .. } => true,
            Mode::B(block) | Mode::C(block, _) => block.quantizer == 0,
        }
    }
}

/// What a picture's own header says (H.263 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Picture {
    /// The size, 1 to 5.
    pub source_format: u8,
    /// What it makes use of.
    pub options: Options,
    /// Whether it is a PB-frame, and what is told of one.
    pub pb: Option<PbFrame>,
    /// The temporal reference.
    pub reference: u8,
}

impl Picture {
    /// Reads the header at the beginning of a picture.
    ///
    /// # Errors
    /// There is no start code, the header is cut off, or it is one of H.263 version 2 (PLUSPTYPE),
    /// which RFC 2190 does not carry.
    pub fn parse(picture: &[u8]) -> Result<Self, ParseError> {
        let truncated = ParseError::new(Fault::Truncated, picture.len());
        let mut reader = BitReader::new(picture, 0);
        let mut field = |width| reader.read(width).ok_or(truncated);
        if field(22)? != 0x20 {
            return Err(ParseError::new(Fault::Value, 0));
        }
        let reference = field(8)? as u8;
        // A one, a zero, split screen, camera, freeze.
        if field(5)? >> 3 != 2 {
            return Err(ParseError::new(Fault::Value, 3));
        }
        let source_format = field(3)? as u8;
        if !(1..=5).contains(&source_format) {
            return Err(ParseError::new(Fault::Value, 4));
        }
        let options = Options::from_bits(field(4)? as u8);
        let is_pb = field(1)? == 1;
        field(5)?;
        let several = field(1)? == 1;
        if several {
            field(2)?;
        }
        let pb = if is_pb {
            let b_reference = field(3)? as u8;
            Some(PbFrame { b_reference, dbquant: field(2)? as u8, reference })
        } else {
            None
        };
        Ok(Self { source_format, options, pb, reference })
    }
}

/// A macroblock that a picture may be cut before, as its encoder knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Cut {
    /// The bit of the picture that it begins with.
    pub bit: usize,
    /// The state of the coder there.
    pub state: Macroblock,
}

/// Cuts pictures into payloads. It keeps nothing from one picture to the next: where macroblocks are
/// handed in, each picture may have a packetizer of its own.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Packetizer<'m> {
    /// Whether I is 1 for pictures that depend on no other, as Windows Messenger has it.
    pub inverted: bool,
    /// Macroblocks of the next picture that it may be cut before, first ones first; needed where a
    /// group of blocks is longer than a payload.
    pub macroblocks: &'m [Cut],
    progress: Progress,
    /// What the header of the picture that is being cut says.
    picture: Option<Picture>,
}

impl Packetizer<'_> {
    /// A packetizer that cuts before groups of blocks.
    pub const fn new() -> Self {
        Self { inverted: false, macroblocks: &[], progress: Progress::new(), picture: None }
    }

    fn give_up<T>(&mut self, error: impl Into<Error>) -> Result<T, Error> {
        self.picture = None;
        self.progress.fail(error)
    }

    /// The header of a part that begins with this bit.
    fn header(&self, picture: Picture, begin: usize, (sbit, ebit): (u8, u8)) -> Header {
        let state = self.macroblocks.iter().find(|cut| cut.bit == begin).map(|cut| cut.state);
        let reference = PbFrame { reference: picture.reference, ..PbFrame::default() };
        let mode = match (state, picture.pb) {
            (None, pb) => Mode::A { is_pb: pb.is_some(), pb: pb.unwrap_or(reference) },
            (Some(state), None) => Mode::B(state),
            (Some(state), Some(pb)) => Mode::C(state, pb),
        };
        let inter = picture.options.inter != self.inverted;
        let options = Options { inter, ..picture.options };
        Header { sbit, ebit, source_format: picture.source_format, options, mode }
    }
}

impl super::Packetizer for Packetizer<'_> {
    fn poll_payload(
        &mut self,
        frame: &Encoded<'_>,
        buffer: &mut [u8],
    ) -> Result<Option<Payload>, Error> {
        if self.progress.resume(frame).0 {
            self.picture = None;
        }
        // In bits here.
        let begin = self.progress.at;
        let total = frame.octets.len() * 8;
        if begin >= total {
            self.progress.reset();
            self.picture = None;
            return Ok(None);
        }
        let picture = match self.picture.map_or_else(|| Picture::parse(frame.octets), Ok) {
            Ok(picture) => picture,
            Err(error) => return self.give_up(error),
        };
        self.picture = Some(picture);
        let header_len = self.header(picture, begin, (0, 0)).encoded_len();
        let limit = buffer.len().saturating_sub(header_len);
        let others = self.macroblocks.iter().map(|cut| cut.bit);
        let end = cut(frame.octets, begin, ZEROS, limit, others);
        let part = end.and_then(|end| Some((end, span(frame.octets, begin, end)?)));
        let Some((end, (part, sbit, ebit))) = part else {
            return self.give_up(BufferTooSmall { needed: buffer.len().saturating_add(1) });
        };
        if let Err(error) = self.header(picture, begin, (sbit, ebit)).write(buffer) {
            return self.give_up(error);
        }
        let len = header_len + part.len();
        let Some(place) = buffer.get_mut(header_len..len) else {
            return self.give_up(BufferTooSmall { needed: len });
        };
        place.copy_from_slice(part);
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
        if self.waiting && !header.begins_group() {
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

    /// RFC 2190's meaning of I; the documents of Messenger print the other one.
    const INTER: Options = Options {
        inter: true,
        unrestricted_vectors: false,
        arithmetic: false,
        advanced_prediction: false,
    };
    const NONE: Options = Options { inter: false, ..INTER };

    #[test]
    fn the_headers_of_the_messenger_documents_are_read_and_written() {
        let pb = |reference| PbFrame { reference, ..PbFrame::default() };
        let a = |reference| Mode::A { is_pb: false, pb: pb(reference) };
        let b = |address, vectors| {
            Mode::B(Macroblock { quantizer: 7, gob_number: 0, address, vectors })
        };
        let rows: [(&[u8], Header); 4] = [
            (
                &[0x05, 0x70, 0, 1],
                Header { sbit: 0, ebit: 5, source_format: 3, options: INTER, mode: a(1) },
            ),
            (
                &[0x02, 0x60, 0, 2],
                Header { sbit: 0, ebit: 2, source_format: 3, options: NONE, mode: a(2) },
            ),
            (
                &[0xbd, 0x67, 0x00, 0x14, 0x80, 0, 0, 0],
                Header { sbit: 7, ebit: 5, source_format: 3, options: INTER, mode: b(5, [0; 4]) },
            ),
            (
                &[0xa1, 0x67, 0x00, 0x18, 0x0f, 0x00, 0x80, 0],
                Header {
                    sbit: 4,
                    ebit: 1,
                    source_format: 3,
                    options: NONE,
                    mode: b(6, [-8, 2, 0, 0]),
                },
            ),
        ];
        for (octets, header) in rows {
            let payload = [octets, &[1, 2]].concat();
            assert_eq!(Header::parse(&payload), Ok((header, &[1, 2][..])));
            let mut buffer = [0; 12];
            assert_eq!(header.write(&mut buffer), Ok(octets.len()));
            assert_eq!(&buffer[..octets.len()], octets);
            assert!(header.write(&mut buffer[..octets.len() - 1]).is_err());
        }
    }

    #[test]
    fn mode_c_and_every_field_are_read_as_they_were_written() {
        let block =
            Macroblock { quantizer: 31, gob_number: 17, address: 395, vectors: [-64, 63, -1, 1] };
        let pb = PbFrame { dbquant: 3, b_reference: 5, reference: 200 };
        let options = Options::from_bits(5);
        for mode in [Mode::A { is_pb: true, pb }, Mode::B(block), Mode::C(block, pb)] {
            let header = Header { sbit: 1, ebit: 7, source_format: 4, options, mode };
            let mut buffer = [0; 13];
            let len = header.write(&mut buffer).expect("it fits");
            assert_eq!(Header::parse(&buffer[..=len]), Ok((header, &[0][..])));
            assert!(Header::parse(&buffer[..len]).is_err(), "more bits than there are");
            assert!(Header::parse(&buffer[..len - 1]).is_err());
        }
    }

    fn bits(value: u32, width: usize) -> impl Iterator<Item = u8> {
        (0..width).rev().map(move |bit| ((value >> bit) & 1) as u8)
    }

    /// A picture whose groups begin anywhere; `pb` makes it a PB-frame.
    fn picture(pb: bool) -> (Vec<u8>, Vec<usize>) {
        let mut stream: Vec<u8> = bits(0x20, 22).collect();
        let mut starts = alloc::vec![0];
        stream.extend(bits(77, 8));
        stream.extend(bits(0b10_000, 5));
        stream.extend(bits(2, 3));
        stream.extend([1, 0, 0, 1, u8::from(pb)]);
        stream.extend(bits(9, 5));
        stream.push(0);
        if pb {
            stream.extend(bits(3, 3).chain(bits(2, 2)));
        }
        for (number, len) in [(0, 300), (1, 333), (2, 171), (3, 92)] {
            if number > 0 {
                starts.push(stream.len());
                stream.extend(bits(1, 17).chain(bits(number, 5)));
            }
            stream.extend((0..len).map(|n| u8::from(n % 7 != 0)));
        }
        while !stream.len().is_multiple_of(8) {
            stream.push(1);
        }
        let octets = stream.as_chunks::<8>().0.iter();
        (octets.map(|bits| bits.iter().fold(0, |octet, bit| (octet << 1) | bit)).collect(), starts)
    }

    #[test]
    fn a_pictures_header_is_read() {
        let read = Picture::parse(&picture(true).0).expect("it is good");
        let options = Options { advanced_prediction: true, ..INTER };
        let pb = PbFrame { dbquant: 2, b_reference: 3, reference: 77 };
        assert_eq!(read, Picture { source_format: 2, options, pb: Some(pb), reference: 77 });
        for bad in [&[][..], &[0, 0, 0x80], &[1, 0, 0x80, 2, 9, 9, 9], &[0, 0, 0x80, 2, 0x1c, 0, 0]]
        {
            assert!(Picture::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn pictures_are_cut_before_groups_of_blocks_at_any_bit() {
        for pb in [false, true] {
            let (picture, _) = picture(pb);
            for limit in [56, 70, 100, 200] {
                let mut packetizer = Packetizer::new();
                let all = packetize(&mut packetizer, 0, &picture, limit);
                for (_, octets) in &all {
                    let (header, _) = Header::parse(octets).expect("it was written");
                    assert_eq!(header.source_format, 2);
                    let Mode::A { is_pb, pb: told } = header.mode else { panic!("mode A") };
                    assert_eq!((is_pb, told.reference), (pb, 77));
                }
                tests::comes_back(&mut packetizer, &mut Depacketizer::new(), &picture, limit);
            }
        }
    }

    #[test]
    fn a_group_longer_than_a_payload_is_cut_before_macroblocks() {
        for pb in [false, true] {
            let (picture, starts) = picture(pb);
            let state = Macroblock { quantizer: 9, address: 44, ..Macroblock::default() };
            let cuts = [100, 200, 290, starts[1] + 120, starts[1] + 240];
            let cuts = cuts.map(|bit| Cut { bit, state });
            let mut packetizer = Packetizer { macroblocks: &cuts, ..Packetizer::new() };
            let all = packetize(&mut packetizer, 0, &picture, 40);
            let modes = all.iter().map(|(_, octets)| octets[0] >> 6);
            let b_or_c = modes.filter(|mode| *mode == if pb { 3 } else { 2 }).count();
            assert!(b_or_c >= 2, "{b_or_c}");
            tests::comes_back(&mut packetizer, &mut Depacketizer::new(), &picture, 40);
            // A part that begins within a group is of no use behind a gap.
            let mut network = Network::new(Depacketizer::new());
            network.send_without(&all, &[0]);
            let (frame, _) = &network.frames[0];
            assert!(!frame.whole);
        }
    }

    #[test]
    fn messengers_bit_is_the_other_way_round() {
        let (picture, _) = picture(false);
        for (inverted, inter) in [(false, true), (true, false)] {
            let mut packetizer = Packetizer { inverted, ..Packetizer::new() };
            let all = packetize(&mut packetizer, 0, &picture, 200);
            let (header, _) = Header::parse(&all[0].1).expect("it was written");
            assert_eq!(header.options.inter, inter);
        }
    }

    #[test]
    fn a_frame_that_is_no_picture_is_refused() {
        use crate::payload::Packetizer as _;
        let frame = Encoded { timestamp: 0, octets: &[1, 2, 3, 4, 5, 6, 7, 8] };
        assert!(matches!(
            Packetizer::new().poll_payload(&frame, &mut [0; 99]),
            Err(Error::Parse(_))
        ));
    }
}
