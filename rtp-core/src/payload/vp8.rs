//! VP8 (RFC 7741).
//!
//! ```text
//! |X|R|N|S|R| PID |
//! |I|L|T|K|  RSV  |            if X
//! |M| picture ID 7, or 15 |    if I
//! |   TL0PICIDX   |            if L
//! |TID|Y| KEYIDX  |            if T or K
//! | part of the frame ...
//! ```
//!
//! A frame is cut anywhere: S stands on its first part, the marker on its last.

use super::assembly::{Admitted, Assembly, Progress};
use super::{Encoded, Error, Payload, Reassembled, Received};
use crate::{BufferTooSmall, Fault, ParseError};

/// A picture ID: with seven bits, or with fifteen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PictureId {
    /// 0 to 127.
    Short(u8),
    /// 0 to 32767.
    Long(u16),
}

impl PictureId {
    /// The number.
    pub const fn number(self) -> u16 {
        match self {
            Self::Short(number) => number as u16 & 0x7f,
            Self::Long(number) => number & 0x7fff,
        }
    }

    /// The ID of the picture behind this one.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Short(number) => Self::Short(number.wrapping_add(1) & 0x7f),
            Self::Long(number) => Self::Long(number.wrapping_add(1) & 0x7fff),
        }
    }

    pub(super) const fn encoded_len(self) -> usize {
        match self {
            Self::Short(_) => 1,
            Self::Long(_) => 2,
        }
    }

    /// Reads an ID, and gives what stands behind it.
    pub(super) fn parse(octets: &[u8]) -> Option<(Self, &[u8])> {
        match octets {
            [first, second, rest @ ..] if first & 0x80 != 0 => {
                Some((Self::Long(u16::from_be_bytes([first & 0x7f, *second])), rest))
            }
            [first, rest @ ..] if first & 0x80 == 0 => Some((Self::Short(*first), rest)),
            _ => None,
        }
    }

    pub(super) fn octets(self) -> [u8; 2] {
        match self {
            Self::Short(number) => [number & 0x7f, 0],
            Self::Long(number) => (number | 0x8000).to_be_bytes(),
        }
    }
}

/// Where a frame stands in a stream of several temporal layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TemporalLayer {
    /// TID: the layer, 0 to 3.
    pub id: u8,
    /// Y: whether the frame depends on the base layer only.
    pub layer_sync: bool,
}

/// What stands before a part of a frame (RFC 7741 section 4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Descriptor {
    /// N: whether no other frame depends on this one.
    pub non_reference: bool,
    /// S: whether a partition begins with this part.
    pub start: bool,
    /// PID: which partition the part's first octet belongs to, 0 to 7.
    pub partition: u8,
    /// The picture's ID.
    pub picture_id: Option<PictureId>,
    /// TL0PICIDX: counts frames of the base layer.
    pub tl0_picture_index: Option<u8>,
    /// The temporal layer.
    pub temporal_layer: Option<TemporalLayer>,
    /// KEYIDX: which key frame it depends on, 0 to 31.
    pub key_index: Option<u8>,
}

impl Descriptor {
    /// The most octets that a descriptor takes.
    pub const LEN_MAX: usize = 6;

    /// Reads a descriptor, and gives the part of the frame behind it.
    ///
    /// # Errors
    /// The payload ends with the descriptor or within it.
    pub fn parse(payload: &[u8]) -> Result<(Self, &[u8]), ParseError> {
        Self::read(payload).ok_or(ParseError::new(Fault::Truncated, payload.len()))
    }

    fn read(payload: &[u8]) -> Option<(Self, &[u8])> {
        let (first, mut rest) = payload.split_first()?;
        let mut descriptor = Self {
            non_reference: first & 0x20 != 0,
            start: first & 0x10 != 0,
            partition: first & 7,
            ..Self::default()
        };
        if first & 0x80 != 0 {
            let (flags, behind) = rest.split_first()?;
            rest = behind;
            if flags & 0x80 != 0 {
                let (picture_id, behind) = PictureId::parse(rest)?;
                (descriptor.picture_id, rest) = (Some(picture_id), behind);
            }
            if flags & 0x40 != 0 {
                let (index, behind) = rest.split_first()?;
                (descriptor.tl0_picture_index, rest) = (Some(*index), behind);
            }
            if flags & 0x30 != 0 {
                let (octet, behind) = rest.split_first()?;
                rest = behind;
                if flags & 0x20 != 0 {
                    let layer = TemporalLayer { id: octet >> 6, layer_sync: octet & 0x20 != 0 };
                    descriptor.temporal_layer = Some(layer);
                }
                if flags & 0x10 != 0 {
                    descriptor.key_index = Some(octet & 0x1f);
                }
            }
        }
        (!rest.is_empty()).then_some((descriptor, rest))
    }

    /// How many octets the descriptor takes.
    pub const fn encoded_len(&self) -> usize {
        if !self.is_extended() {
            return 1;
        }
        let id = match self.picture_id {
            Some(id) => id.encoded_len(),
            None => 0,
        };
        let layer = self.temporal_layer.is_some() || self.key_index.is_some();
        2 + id + self.tl0_picture_index.is_some() as usize + layer as usize
    }

    /// Writes the descriptor, and says how long it is.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let cells = buffer.get_mut(..needed).ok_or(BufferTooSmall { needed })?;
        let layer = self.temporal_layer;
        let flags = (u8::from(self.picture_id.is_some()) << 7)
            | (u8::from(self.tl0_picture_index.is_some()) << 6)
            | (u8::from(layer.is_some()) << 5)
            | (u8::from(self.key_index.is_some()) << 4);
        let first = (u8::from(self.is_extended()) << 7)
            | (u8::from(self.non_reference) << 5)
            | (u8::from(self.start) << 4)
            | (self.partition & 7);
        let head = [first, flags];
        let id = self.picture_id.map(|id| (id.octets(), id.encoded_len()));
        let id = id.iter().flat_map(|(octets, len)| octets.iter().take(*len));
        let (tid, sync) = layer.map_or((0, 0), |layer| (layer.id & 3, u8::from(layer.layer_sync)));
        let last = (tid << 6) | (sync << 5) | (self.key_index.unwrap_or(0) & 0x1f);
        let octets = head.iter().chain(id).chain(self.tl0_picture_index.iter()).chain([&last]);
        // A descriptor without the last fields is shorter.
        cells.iter_mut().zip(octets).for_each(|(cell, octet)| *cell = *octet);
        Ok(needed)
    }

    const fn is_extended(&self) -> bool {
        self.picture_id.is_some()
            || self.tl0_picture_index.is_some()
            || self.temporal_layer.is_some()
            || self.key_index.is_some()
    }
}

/// Whether a frame can be decoded without others (RFC 6386 section 9.1); nothing of no octets.
pub fn is_key_frame(frame: &[u8]) -> bool {
    frame.first().is_some_and(|first| first & 1 == 0)
}

/// Cuts frames into payloads.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Packetizer {
    /// What stands before each part of the next frame. S and the partition follow from the part; a
    /// picture ID counts on by itself, the rest is the host's to change before a frame.
    pub descriptor: Descriptor,
    progress: Progress,
}

impl Packetizer {
    /// A packetizer whose pictures are numbered from this ID on; a random one is best.
    pub const fn new(first: PictureId) -> Self {
        let descriptor = Descriptor {
            non_reference: false,
            start: false,
            partition: 0,
            picture_id: Some(first),
            tl0_picture_index: None,
            temporal_layer: None,
            key_index: None,
        };
        Self { descriptor, progress: Progress::new() }
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
        let descriptor = Descriptor { start, partition: 0, ..self.descriptor };
        let header = match descriptor.write(buffer) {
            Ok(len) => len,
            Err(error) => return self.progress.fail(error),
        };
        let len = copy_part(left, buffer, header);
        if len == 0 {
            return self.progress.fail(BufferTooSmall { needed: header + 1 });
        }
        self.progress.at += len;
        let marker = len == left.len();
        if marker {
            self.descriptor.picture_id = self.descriptor.picture_id.map(PictureId::next);
        }
        Ok(Some(Payload { len: header + len, marker, timestamp: frame.timestamp }))
    }
}

/// Copies as much as there is room for behind the header; says how much.
pub(super) fn copy_part(left: &[u8], buffer: &mut [u8], header: usize) -> usize {
    let place = buffer.get_mut(header..).unwrap_or_default();
    let len = left.len().min(place.len());
    place.iter_mut().zip(left).for_each(|(cell, octet)| *cell = *octet);
    len
}

/// Puts frames together. Of a frame with a gap what stands before the gap is kept: a decoder can use
/// the first partition.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Depacketizer {
    assembly: Assembly,
    /// What stood before the last part.
    descriptor: Descriptor,
}

impl Depacketizer {
    /// A depacketizer that has seen no packet.
    pub const fn new() -> Self {
        let descriptor = Packetizer::new(PictureId::Short(0)).descriptor;
        Self {
            assembly: Assembly::new(),
            descriptor: Descriptor { picture_id: None, ..descriptor },
        }
    }

    /// What stood before the last part that was taken: layers, picture ID.
    pub const fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn take(&mut self, payload: &[u8], first: bool, frame: &mut [u8]) -> Result<(), Error> {
        let (descriptor, part) = Descriptor::parse(payload)?;
        self.descriptor = descriptor;
        if first {
            if descriptor.start && descriptor.partition == 0 {
                self.assembly.mend();
            } else {
                self.assembly.spoil();
            }
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

    fn frame(len: usize) -> Vec<u8> {
        (0..len).map(|n| n as u8).collect()
    }

    #[test]
    fn descriptors_are_read_and_written() {
        let rows: [&[u8]; 8] = [
            &[0x10],
            &[0x37],
            &[0x90, 0x80, 0x11],
            &[0x90, 0x80, 0x81, 0x02],
            &[0x80, 0x40, 0x09],
            &[0x80, 0x20, 0xe0],
            &[0x80, 0x10, 0x1f],
            &[0x90, 0xf0, 0xff, 0xff, 0x05, 0x7f],
        ];
        for octets in rows {
            let payload = [octets, &[0xaa]].concat();
            let (descriptor, rest) = Descriptor::parse(&payload).expect("it is whole");
            assert_eq!(rest, [0xaa]);
            let mut buffer = [0; Descriptor::LEN_MAX];
            assert_eq!(descriptor.write(&mut buffer), Ok(octets.len()), "{octets:02x?}");
            assert_eq!(&buffer[..octets.len()], octets);
            assert!(descriptor.write(&mut buffer[..octets.len() - 1]).is_err());
            for cut in 0..=octets.len() {
                assert!(Descriptor::parse(&octets[..cut]).is_err() || cut < octets.len());
            }
        }
    }

    #[test]
    fn picture_ids_go_round() {
        assert_eq!(PictureId::Short(127).next(), PictureId::Short(0));
        assert_eq!(PictureId::Long(0x7fff).next(), PictureId::Long(0));
        assert_eq!(PictureId::Long(127).next().number(), 128);
    }

    #[test]
    fn frames_come_back_as_they_were_at_any_limit() {
        for limit in [5, 6, 100, 1004, 1005, 2000] {
            let mut packetizer = Packetizer::new(PictureId::Long(7));
            tests::comes_back(&mut packetizer, &mut Depacketizer::new(), &frame(1000), limit);
        }
    }

    #[test]
    fn a_layer_is_told_with_each_part() {
        let mut packetizer = Packetizer::new(PictureId::Short(127));
        packetizer.descriptor.temporal_layer = Some(TemporalLayer { id: 2, layer_sync: true });
        packetizer.descriptor.tl0_picture_index = Some(9);
        let all = packetize(&mut packetizer, 0, &frame(20), 16);
        let seen: Vec<_> =
            all.iter().map(|(_, octets)| Descriptor::parse(octets).unwrap().0).collect();
        assert_eq!(seen.iter().map(|d| d.start).collect::<Vec<_>>(), [true, false]);
        assert!(seen.iter().all(|d| d.picture_id == Some(PictureId::Short(127))));
        assert!(seen.iter().all(|d| d.temporal_layer.is_some_and(|layer| layer.id == 2)));
        assert_eq!(packetizer.descriptor.picture_id, Some(PictureId::Short(0)));
    }

    #[test]
    fn what_stands_before_a_gap_is_kept_and_marked() {
        let mut packetizer = Packetizer::new(PictureId::Long(7));
        let all = packetize(&mut packetizer, 0, &frame(1000), 254);
        for missing in 0..4 {
            let mut network = Network::new(Depacketizer::new());
            network.send_without(&all, &[missing]);
            network.send_without(&packetize(&mut packetizer, 1, &frame(50), 254), &[]);
            // Nothing is left of a frame without its beginning.
            let kept = usize::from(missing > 0);
            assert_eq!(network.frames.len(), kept + 1, "{missing}");
            if kept == 1 {
                assert!(!network.frames[0].0.whole);
                assert_eq!(network.frames[0].1, frame(1000)[..missing * 250]);
            }
            assert!(network.frames[kept].0.whole, "{missing}");
        }
    }
}
