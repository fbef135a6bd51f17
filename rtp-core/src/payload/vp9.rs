//! VP9 (RFC 9628).
//!
//! ```text
//! |I|P|L|F|B|E|V|Z|
//! |M| picture ID 7, or 15 |            if I
//! | TID |U| SID |D|                    if L
//! |   TL0PICIDX   |                    if L, without F
//! |   P_DIFF    |N|  up to 3 times     if P and F
//! |N_S|Y|G|-| sizes, picture groups    if V
//! | part of the frame ...
//! ```
//!
//! B and E stand on the first and last part of a layer's frame, the marker on the last of the picture.

use super::assembly::{Admitted, Assembly, Progress};
pub use super::vp8::PictureId;
use super::vp8::copy_part;
use super::{Encoded, Error, Payload, Reassembled, Received};
use crate::{BufferTooSmall, Fault, ParseError};

/// Where a frame stands in a stream of several layers (RFC 9628 section 4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Layer {
    /// TID: the temporal layer, 0 to 7.
    pub temporal: u8,
    /// U: whether a receiver may switch up to this temporal layer here.
    pub switching_up: bool,
    /// SID: the spatial layer, 0 to 7.
    pub spatial: u8,
    /// D: whether the frame is predicted from the spatial layer below.
    pub inter_layer: bool,
    /// TL0PICIDX: counts frames of the base layer; not in flexible mode.
    pub tl0_picture_index: Option<u8>,
}

/// What stands before a part of a frame (RFC 9628 section 4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Descriptor<'a> {
    /// I: the picture's ID.
    pub picture_id: Option<PictureId>,
    /// P: whether the frame is predicted from earlier pictures.
    pub inter_picture: bool,
    /// L: the layer.
    pub layer: Option<Layer>,
    /// F: whether the pictures that it is predicted from are told one by one.
    pub flexible: bool,
    /// B: whether the part is the frame's first.
    pub start: bool,
    /// E: whether the part is the frame's last.
    pub end: bool,
    /// Z: whether no higher spatial layer of the picture depends on the frame.
    pub not_reference: bool,
    /// How many pictures back those are that it is predicted from, in flexible mode: three at most,
    /// 0 for none.
    pub references: [u8; 3],
    /// V: how the layers hang together, as it stands on the wire.
    pub scalability: Option<Scalability<'a>>,
}

/// The structure of layers (RFC 9628 section 4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Scalability<'a>(&'a [u8]);

impl<'a> Scalability<'a> {
    /// Reads a structure, and gives what stands behind it.
    fn parse(octets: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (head, mut rest) = octets.split_first()?;
        if head & 0x10 != 0 {
            let sizes = (usize::from(head >> 5) + 1) * 4;
            rest = rest.get(sizes..)?;
        }
        if head & 0x08 != 0 {
            let (groups, behind) = rest.split_first()?;
            rest = behind;
            for _ in 0..*groups {
                let (group, behind) = rest.split_first()?;
                rest = behind.get(usize::from((group >> 2) & 3)..)?;
            }
        }
        let (structure, rest) = octets.split_at_checked(octets.len() - rest.len())?;
        Some((Self(structure), rest))
    }

    /// How many spatial layers there are, 1 to 8.
    pub fn spatial_layers(&self) -> u8 {
        self.0.first().map_or(1, |head| (head >> 5) + 1)
    }

    /// Width and height of each spatial layer, lowest first; none where they are not told.
    pub fn sizes(&self) -> impl Iterator<Item = (u16, u16)> + Clone + 'a {
        let told = self.0.first().is_some_and(|head| head & 0x10 != 0);
        let count = if told { usize::from(self.spatial_layers()) } else { 0 };
        let cells = self.0.get(1..).unwrap_or_default().as_chunks::<4>().0;
        let both =
            |[a, b, c, d]: &[u8; 4]| (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
        cells.iter().take(count).map(both)
    }
}

impl<'a> Descriptor<'a> {
    /// Reads a descriptor, and gives the part of the frame behind it.
    ///
    /// # Errors
    /// The payload ends with the descriptor or within it, or tells of more than three references.
    pub fn parse(payload: &'a [u8]) -> Result<(Self, &'a [u8]), ParseError> {
        Self::read(payload).ok_or(ParseError::new(Fault::Truncated, payload.len()))
    }

    fn read(payload: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (first, mut rest) = payload.split_first()?;
        let is = |bit: u8| first & bit != 0;
        let mut descriptor = Self {
            inter_picture: is(0x40),
            flexible: is(0x10),
            start: is(0x08),
            end: is(0x04),
            not_reference: is(0x01),
            ..Self::default()
        };
        if is(0x80) {
            let (picture_id, behind) = PictureId::parse(rest)?;
            (descriptor.picture_id, rest) = (Some(picture_id), behind);
        }
        if is(0x20) {
            let (octet, behind) = rest.split_first()?;
            rest = behind;
            let mut layer = Layer {
                temporal: octet >> 5,
                switching_up: octet & 0x10 != 0,
                spatial: (octet >> 1) & 7,
                inter_layer: octet & 1 != 0,
                tl0_picture_index: None,
            };
            if !descriptor.flexible {
                let (index, behind) = rest.split_first()?;
                (layer.tl0_picture_index, rest) = (Some(*index), behind);
            }
            descriptor.layer = Some(layer);
        }
        if descriptor.flexible && descriptor.inter_picture {
            let mut more = true;
            for reference in &mut descriptor.references {
                let (octet, behind) = rest.split_first().filter(|_| more)?;
                (*reference, rest, more) = (octet >> 1, behind, octet & 1 != 0);
                if !more {
                    break;
                }
            }
            if more {
                return None;
            }
        }
        if is(0x02) {
            let (scalability, behind) = Scalability::parse(rest)?;
            (descriptor.scalability, rest) = (Some(scalability), behind);
        }
        (!rest.is_empty()).then_some((descriptor, rest))
    }

    /// How many octets the descriptor takes.
    pub fn encoded_len(&self) -> usize {
        1 + self.picture_id.map_or(0, PictureId::encoded_len)
            + self.layer.map_or(0, |_| if self.flexible { 1 } else { 2 })
            + self.told_references().len()
            + self.scalability.map_or(0, |scalability| scalability.0.len())
    }

    /// Writes the descriptor, and says how long it is.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let cells = buffer.get_mut(..needed).ok_or(BufferTooSmall { needed })?;
        let first = [
            self.picture_id.is_some(),
            self.inter_picture,
            self.layer.is_some(),
            self.flexible,
            self.start,
            self.end,
            self.scalability.is_some(),
            self.not_reference,
        ];
        let first = first.iter().fold(0, |octet, flag| (octet << 1) | u8::from(*flag));
        let id = self.picture_id.map(|id| (id.octets(), id.encoded_len()));
        let id = id.iter().flat_map(|(octets, len)| octets.iter().take(*len).copied());
        let layer = self.layer.map(|layer| {
            let octet = (layer.temporal << 5)
                | (u8::from(layer.switching_up) << 4)
                | ((layer.spatial & 7) << 1)
                | u8::from(layer.inter_layer);
            ([octet, layer.tl0_picture_index.unwrap_or(0)], if self.flexible { 1 } else { 2 })
        });
        let layer = layer.iter().flat_map(|(octets, len)| octets.iter().take(*len).copied());
        let told = self.told_references();
        let references = told.iter().enumerate();
        let references = references.map(|(at, back)| (back << 1) | u8::from(at + 1 < told.len()));
        let structure = self.scalability.map_or(&[][..], |scalability| scalability.0);
        let octets = id.chain(layer).chain(references).chain(structure.iter().copied());
        let octets = core::iter::once(first).chain(octets);
        cells.iter_mut().zip(octets).for_each(|(cell, octet)| *cell = octet);
        Ok(needed)
    }

    /// The references that are written: at least one of a frame that has any.
    fn told_references(&self) -> &[u8] {
        if !(self.flexible && self.inter_picture) {
            return &[];
        }
        let used = self.references.iter().rposition(|back| *back != 0).unwrap_or(0);
        self.references.get(..=used).unwrap_or_default()
    }
}

/// Whether a frame can be decoded without others (VP9 bitstream section 7.2); nothing of no octets.
pub fn is_key_frame(frame: &[u8]) -> bool {
    let Some(first) = frame.first() else { return false };
    // Frame marker of two bits, two of the profile, low one first, and a reserved one in profile 3.
    let reserved = usize::from(first & 0x30 == 0x30);
    let bit = |at: usize| first & (0x80 >> (4 + reserved + at)) != 0;
    let (show_existing, is_inter) = (bit(0), bit(1));
    first >> 6 == 2 && !show_existing && !is_inter
}

/// Cuts frames into payloads, in non-flexible mode.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Packetizer {
    /// The next picture's ID; counts on by itself.
    pub picture_id: PictureId,
    /// The layer of the next frame, in a stream that has several.
    pub layer: Option<Layer>,
    /// Whether the next frame is the picture's last one: that of the highest spatial layer.
    pub ends_picture: bool,
    /// Width and height, told with key frames of a stream with one layer.
    pub size: Option<(u16, u16)>,
    progress: Progress,
}

impl Packetizer {
    /// A packetizer of a stream with one layer, whose pictures are numbered from this ID on; a
    /// random one is best.
    pub const fn new(first: PictureId) -> Self {
        Self {
            picture_id: first,
            layer: None,
            ends_picture: true,
            size: None,
            progress: Progress::new(),
        }
    }
}

impl super::Packetizer for Packetizer {
    fn poll_payload(
        &mut self,
        frame: &Encoded<'_>,
        buffer: &mut [u8],
    ) -> Result<Option<Payload>, Error> {
        let (start, left) = self.progress.resume(frame);
        if left.is_empty() {
            self.progress.reset();
            return Ok(None);
        }
        let key = is_key_frame(frame.octets);
        // One spatial layer, its size, no picture groups.
        let mut structure = [0x10, 0, 0, 0, 0];
        if let (Some((width, height)), [_, size @ ..]) = (self.size, &mut structure) {
            let both = (u32::from(width) << 16) | u32::from(height);
            *size = both.to_be_bytes();
        }
        let told = start && key && self.layer.is_none() && self.size.is_some();
        let mut descriptor = Descriptor {
            picture_id: Some(self.picture_id),
            inter_picture: !key,
            layer: self.layer,
            start,
            scalability: told.then_some(Scalability(&structure)),
            ..Descriptor::default()
        };
        let header = descriptor.encoded_len();
        let len = copy_part(left, buffer, header);
        if len == 0 {
            return self.progress.fail(BufferTooSmall { needed: header + 1 });
        }
        descriptor.end = len == left.len();
        if let Err(error) = descriptor.write(buffer) {
            return self.progress.fail(error);
        }
        self.progress.at += len;
        let marker = descriptor.end && self.ends_picture;
        if marker {
            self.picture_id = self.picture_id.next();
        }
        Ok(Some(Payload { len: header + len, marker, timestamp: frame.timestamp }))
    }
}

/// Puts pictures together: all layers' frames of one timestamp, one behind another. Of a picture with
/// a gap what stands before the gap is kept, and whole frames of further layers are not.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Depacketizer {
    assembly: Assembly,
}

impl Depacketizer {
    /// A depacketizer that has seen no packet.
    pub const fn new() -> Self {
        Self { assembly: Assembly::new() }
    }

    fn take(&mut self, payload: &[u8], first: bool, frame: &mut [u8]) -> Result<(), Error> {
        let (descriptor, part) = Descriptor::parse(payload)?;
        if first {
            // The base layer's beginning is the picture's.
            let base = descriptor.layer.is_none_or(|layer| layer.spatial == 0);
            if descriptor.start && base { self.assembly.mend() } else { self.assembly.spoil() }
        }
        if self.assembly.is_whole() { self.assembly.append(frame, part) } else { Ok(()) }
    }
}

impl super::Depacketizer for Depacketizer {
    fn push(
        &mut self,
        packet: &Received<'_>,
        frame: &mut [u8],
    ) -> Result<Option<Reassembled>, Error> {
        let first = match self.assembly.admit(packet)? {
            Admitted::Earlier(earlier) => return Ok(Some(earlier)),
            Admitted::Packet { first, .. } => first,
        };
        let taken = self.take(packet.payload, first, frame);
        if taken.is_err() {
            self.assembly.spoil();
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

    fn frame(first: u8, len: usize) -> Vec<u8> {
        core::iter::once(first).chain((1..len).map(|n| n as u8)).collect()
    }

    #[test]
    fn descriptors_are_read_and_written() {
        let rows: [&[u8]; 7] = [
            &[0x08],
            &[0x8c, 0x05],
            &[0xcc, 0x81, 0x02],
            &[0xa8, 0x05, 0x5b, 0x09],
            &[0xd9, 0x05, 0x03, 0x04],
            &[0x0a, 0x18, 0, 64, 0, 48, 2, 0x08, 1, 2, 0x40],
            &[0xfe, 0xff, 0xff, 0x00, 0x02, 0x20],
        ];
        for octets in rows {
            let payload = [octets, &[0xaa]].concat();
            let (descriptor, rest) = Descriptor::parse(&payload).expect("it is whole");
            assert_eq!(rest, [0xaa], "{octets:02x?}");
            let mut buffer = [0; 16];
            assert_eq!(descriptor.write(&mut buffer), Ok(octets.len()), "{octets:02x?}");
            assert_eq!(&buffer[..octets.len()], octets);
            for cut in 0..octets.len() {
                assert!(Descriptor::parse(&payload[..cut]).is_err(), "{octets:02x?} {cut}");
            }
        }
        let (descriptor, _) = Descriptor::parse(&[0x0a, 0x10, 0, 64, 0, 48, 9]).expect("whole");
        let structure = descriptor.scalability.expect("V is set");
        assert!(structure.sizes().eq([(64, 48)]) && structure.spatial_layers() == 1);
    }

    #[test]
    fn more_than_three_references_are_refused() {
        assert!(Descriptor::parse(&[0x58, 3, 3, 2, 9]).is_ok());
        assert!(Descriptor::parse(&[0x58, 3, 3, 3, 2, 9]).is_err());
    }

    #[test]
    fn key_frames_are_told_in_each_profile() {
        for (first, key) in [
            (0x82, true),
            (0x86, false),
            (0xa2, true),
            (0xb0, true),
            (0xb2, false),
            (0x8a, false),
            (0x02, false),
        ] {
            assert_eq!(is_key_frame(&[first]), key, "{first:02x}");
        }
    }

    #[test]
    fn frames_come_back_as_they_were_at_any_limit() {
        for limit in [9, 10, 100, 1003, 1008, 2000] {
            let mut packetizer = Packetizer::new(PictureId::Long(7));
            packetizer.size = Some((640, 480));
            let frame = frame(0x82, 1000);
            tests::comes_back(&mut packetizer, &mut Depacketizer::new(), &frame, limit);
        }
    }

    #[test]
    fn the_first_part_of_a_key_frame_tells_the_size() {
        let mut packetizer = Packetizer::new(PictureId::Short(127));
        packetizer.size = Some((640, 480));
        let all = packetize(&mut packetizer, 0, &frame(0x82, 100), 60);
        let of = |at: usize| Descriptor::parse(&all[at].1).expect("it was written").0;
        assert!(of(0).scalability.is_some_and(|told| told.sizes().eq([(640, 480)])));
        assert!(of(0).start && !of(0).end && !of(0).inter_picture);
        assert!(!of(1).start && of(1).end && of(1).scalability.is_none());
        assert_eq!(packetizer.picture_id, PictureId::Short(0));
        let next = packetize(&mut packetizer, 1, &frame(0x86, 50), 60);
        assert!(Descriptor::parse(&next[0].1).expect("good").0.inter_picture);
    }

    #[test]
    fn the_layers_of_a_picture_come_together() {
        let mut packetizer = Packetizer::new(PictureId::Long(1));
        let mut all = Vec::new();
        for spatial in 0..2 {
            let tl0_picture_index = Some(3);
            packetizer.layer = Some(Layer { spatial, tl0_picture_index, ..Layer::default() });
            packetizer.ends_picture = spatial == 1;
            all.extend(packetize(&mut packetizer, 5, &frame(0x86, 80), 60));
        }
        assert_eq!(packetizer.picture_id, PictureId::Long(2));
        let mut network = Network::new(Depacketizer::new());
        network.send_without(&all, &[]);
        assert_eq!(network.frames.len(), 1);
        assert_eq!(network.frames[0].1, [frame(0x86, 80), frame(0x86, 80)].concat());
        assert!(network.frames[0].0.whole);
        let mut network = Network::new(Depacketizer::new());
        network.send_without(&all, &[0, 1]);
        assert!(network.frames.is_empty(), "a higher layer alone");
    }
}
