//! H.265 (RFC 7798).
//!
//! ```text
//! single NAL unit   |F|  type 6 | layer 6 |TID| [DONL] the unit ...
//! aggregate (48)    header | [DONL] size 16 | unit | [DOND] size 16 | unit | ...
//! fragment (49)     header |S|E|  type 6  | [DONL, first only] part of the unit ...
//! ```
//!
//! Frames are access units as a byte stream (H.265 annex B), as with [`super::h264`]. Decoding order
//! numbers (DONL and DOND) are there where SDP's `sprop-max-don-diff` is above 0: they are written and
//! passed over, but units are not put into another order by them.

use super::annex_b::{Place, next_unit};
use super::assembly::{Admitted, Assembly, Progress};
use super::h264::append_unit;
use super::{Encoded, Error, Payload as Written, Reassembled, Received};
use crate::{BufferTooSmall, Fault, ParseError};

const AGGREGATE: u8 = 48;
const FRAGMENT: u8 = 49;

/// The header of a NAL unit, or of a payload (RFC 7798 section 1.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NalHeader(pub [u8; 2]);

impl NalHeader {
    /// The type, 0 to 63.
    pub const fn nal_type(self) -> u8 {
        (self.0[0] >> 1) & 0x3f
    }

    /// The layer, 0 to 63.
    pub const fn layer(self) -> u8 {
        ((self.0[0] & 1) << 5) | (self.0[1] >> 3)
    }

    /// The temporal sub-layer plus 1, 1 to 7.
    pub const fn temporal_id_plus_1(self) -> u8 {
        self.0[1] & 7
    }

    /// The same with another type.
    const fn with_type(self, nal_type: u8) -> Self {
        Self([(self.0[0] & 0x81) | (nal_type << 1), self.0[1]])
    }
}

/// A payload (RFC 7798 section 4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Payload<'a> {
    /// A unit (section 4.4.1).
    Single {
        /// Its header.
        header: NalHeader,
        /// Its decoding order number, where the stream has them.
        donl: Option<u16>,
        /// What follows the header.
        data: &'a [u8],
    },
    /// Several units (section 4.4.2).
    Aggregate(Aggregate<'a>),
    /// Part of a unit (section 4.4.3).
    Fragment(Fragment<'a>),
}

/// Units that share a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Aggregate<'a> {
    /// The least layer and temporal sub-layer of all units.
    pub header: NalHeader,
    /// The decoding order number of the first unit, where the stream has them.
    pub donl: Option<u16>,
    units: &'a [u8],
}

impl<'a> Aggregate<'a> {
    /// The units, each with its header.
    pub fn units(&self) -> impl Iterator<Item = &'a [u8]> + Clone + 'a {
        let (mut rest, mut first, has_don) = (self.units, true, self.donl.is_some());
        core::iter::from_fn(move || {
            // One octet of difference before all but the first.
            let skip = usize::from(has_don && !core::mem::take(&mut first));
            let (size, behind) = rest.get(skip..)?.split_first_chunk()?;
            let (unit, behind) = behind.split_at_checked(u16::from_be_bytes(*size).into())?;
            rest = behind;
            Some(unit)
        })
    }
}

/// Part of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Fragment<'a> {
    /// The header of the unit.
    pub header: NalHeader,
    /// Whether the part is the first.
    pub start: bool,
    /// Whether the part is the last.
    pub end: bool,
    /// The decoding order number, on the first part where the stream has them.
    pub donl: Option<u16>,
    /// The octets, without the unit's header.
    pub data: &'a [u8],
}

impl<'a> Payload<'a> {
    /// Reads a payload in place; `has_donl` says whether the stream has decoding order numbers.
    ///
    /// # Errors
    /// The payload is cut off, is a PACI packet or of a type without a meaning, an aggregate has no
    /// unit or one that is cut, or a fragment is first and last at once or carries nothing.
    pub fn parse(payload: &'a [u8], has_donl: bool) -> Result<Self, ParseError> {
        let truncated = ParseError::new(Fault::Truncated, payload.len());
        let (&header, rest) = payload.split_first_chunk().ok_or(truncated)?;
        let header = NalHeader(header);
        let number = |octets: &'a [u8], there: bool| {
            if !there {
                return Ok((None, octets));
            }
            let (donl, rest) = octets.split_first_chunk().ok_or(truncated)?;
            Ok((Some(u16::from_be_bytes(*donl)), rest))
        };
        match header.nal_type() {
            0..AGGREGATE => {
                let (donl, data) = number(rest, has_donl)?;
                Ok(Self::Single { header, donl, data })
            }
            AGGREGATE => {
                let (donl, units) = number(rest, has_donl)?;
                let aggregate = Aggregate { header, donl, units };
                let (mut len, mut count, mut short) = (0, 0, false);
                for unit in aggregate.units() {
                    len += 2 + unit.len() + usize::from(has_donl && count > 0);
                    count += 1;
                    short |= unit.len() < 2;
                }
                if short || count == 0 || len != units.len() {
                    let at = payload.len() - units.len() + len;
                    return Err(ParseError::new(Fault::Length, at));
                }
                Ok(Self::Aggregate(aggregate))
            }
            FRAGMENT => {
                let (&third, rest) = rest.split_first().ok_or(truncated)?;
                let (start, end) = (third & 0x80 != 0, third & 0x40 != 0);
                let (donl, data) = number(rest, has_donl && start)?;
                if (start && end) || data.is_empty() {
                    return Err(ParseError::new(Fault::Value, 2));
                }
                let header = header.with_type(third & 0x3f);
                Ok(Self::Fragment(Fragment { header, start, end, donl, data }))
            }
            _ => Err(ParseError::new(Fault::PacketType, 0)),
        }
    }

    /// How many octets the payload takes.
    pub fn encoded_len(&self) -> usize {
        let number = |donl: &Option<u16>| if donl.is_some() { 2 } else { 0 };
        match self {
            Self::Single { donl, data, .. } => 2 + number(donl) + data.len(),
            Self::Aggregate(aggregate) => 2 + number(&aggregate.donl) + aggregate.units.len(),
            Self::Fragment(fragment) => 3 + number(&fragment.donl) + fragment.data.len(),
        }
    }

    /// Writes the payload, and says how long it is.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let too_small = BufferTooSmall { needed };
        let cells = buffer.get_mut(..needed).ok_or(too_small)?;
        let (first, mut rest) = cells.split_first_chunk_mut::<2>().ok_or(too_small)?;
        let (header, donl, data) = match self {
            Self::Single { header, donl, data } => (*header, donl, *data),
            Self::Aggregate(aggregate) => {
                (aggregate.header.with_type(AGGREGATE), &aggregate.donl, aggregate.units)
            }
            Self::Fragment(fragment) => {
                let (third, behind) = rest.split_first_mut().ok_or(too_small)?;
                *third = (u8::from(fragment.start) << 7)
                    | (u8::from(fragment.end) << 6)
                    | fragment.header.nal_type();
                rest = behind;
                (fragment.header.with_type(FRAGMENT), &fragment.donl, fragment.data)
            }
        };
        *first = header.0;
        if let Some(donl) = donl {
            let (place, behind) = rest.split_first_chunk_mut().ok_or(too_small)?;
            *place = donl.to_be_bytes();
            rest = behind;
        }
        rest.copy_from_slice(data);
        Ok(needed)
    }
}

/// Cuts access units into payloads.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Packetizer {
    /// Whether each unit gets a decoding order number: that in which it is sent.
    pub donl: bool,
    /// Whether short units share payloads.
    pub aggregate: bool,
    progress: Progress,
    /// The unit that is being cut; nothing between units.
    cutting: Option<Cutting>,
    /// Where the next unit begins and ends.
    upcoming: Option<Place>,
    /// The number of the next unit.
    number: u16,
}

#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Cutting {
    header: NalHeader,
    start: bool,
    end: usize,
}

impl Packetizer {
    /// A packetizer without decoding order numbers, that lets short units share payloads.
    pub const fn new() -> Self {
        Self {
            donl: false,
            aggregate: true,
            progress: Progress::new(),
            cutting: None,
            upcoming: None,
            number: 0,
        }
    }

    fn give_up<T>(&mut self, error: impl Into<Error>) -> Result<T, Error> {
        self.cutting = None;
        self.progress.fail(error)
    }

    /// As many units as share the buffer, beginning with the upcoming one; says how long the
    /// payload is, which unit comes after, and how many there are. Nothing where only one fits.
    fn fill(&self, stream: &[u8], buffer: &mut [u8]) -> Option<(usize, Option<Place>, u16)> {
        let (mut unit, mut len, mut count) = (self.upcoming, 2, 0u16);
        let mut least = (63, 7);
        while let Some((begin, end)) = unit {
            let octets = stream.get(begin..end)?;
            let header = octets.split_first_chunk().map(|(header, _)| NalHeader(*header));
            let Some(header) = header.filter(|header| header.nal_type() < AGGREGATE) else { break };
            let number = match (self.donl, count) {
                (false, _) => 0,
                (true, 0) => 2,
                (true, _) => 1,
            };
            let Some(place) = buffer.get_mut(len..) else { break };
            let Some(place) = place.get_mut(..number + 2 + octets.len()) else { break };
            let Ok(size) = u16::try_from(octets.len()) else { break };
            let (don, place) = place.split_at_mut_checked(number)?;
            match don {
                [high, low] => [*high, *low] = self.number.to_be_bytes(),
                // The difference less one: units are numbered one after another.
                _ => don.fill(0),
            }
            let (place_of_size, place) = place.split_first_chunk_mut()?;
            *place_of_size = size.to_be_bytes();
            place.copy_from_slice(octets);
            least.0 = header.layer().min(least.0);
            least.1 = header.temporal_id_plus_1().min(least.1);
            len += number + 2 + octets.len();
            count += 1;
            unit = next_unit(stream, end);
        }
        let (layer, temporal) = least;
        let header = NalHeader([layer >> 5, (layer << 3) | temporal]).with_type(AGGREGATE);
        *buffer.first_chunk_mut()? = header.0;
        (count > 1).then_some((len, unit, count))
    }
}

impl super::Packetizer for Packetizer {
    fn poll_payload(
        &mut self,
        frame: &Encoded<'_>,
        buffer: &mut [u8],
    ) -> Result<Option<Written>, Error> {
        let stream = frame.octets;
        if self.progress.resume(frame).0 {
            (self.cutting, self.upcoming) = (None, next_unit(stream, 0));
        }
        let written = |len, marker| Ok(Some(Written { len, marker, timestamp: frame.timestamp }));
        if self.cutting.is_none() {
            let Some((begin, end)) = self.upcoming else {
                self.progress.reset();
                return Ok(None);
            };
            let unit = stream.get(begin..end).unwrap_or_default();
            let Some((&header, data)) = unit.split_first_chunk() else {
                return self.give_up(ParseError::new(Fault::Truncated, begin));
            };
            let header = NalHeader(header);
            if header.nal_type() >= AGGREGATE {
                return self.give_up(ParseError::new(Fault::PacketType, begin));
            }
            let donl = self.donl.then_some(self.number);
            let single = Payload::Single { header, donl, data };
            if buffer.len() < single.encoded_len() {
                self.cutting = Some(Cutting { header, start: true, end });
                self.progress.at = begin + 2;
                return self.poll_payload(frame, buffer);
            }
            if self.aggregate
                && let Some((len, upcoming, count)) = self.fill(stream, buffer)
            {
                self.number = self.number.wrapping_add(count);
                self.upcoming = upcoming;
                return written(len, upcoming.is_none());
            }
            let len = match single.write(buffer) {
                Ok(len) => len,
                Err(error) => return self.give_up(error),
            };
            self.number = self.number.wrapping_add(1);
            self.upcoming = next_unit(stream, end);
            return written(len, self.upcoming.is_none());
        }
        let Some(Cutting { header, start, end }) = self.cutting else { return Ok(None) };
        let at = self.progress.at;
        let left = stream.get(at..end).unwrap_or_default();
        let donl = (self.donl && start).then_some(self.number);
        let mut fragment = Fragment { header, start, end: false, donl, data: &[] };
        let most = buffer.len().saturating_sub(Payload::Fragment(fragment).encoded_len());
        fragment.data = left.get(..left.len().min(most)).unwrap_or_default();
        fragment.end = fragment.data.len() == left.len();
        if fragment.data.is_empty() || (start && fragment.end) {
            // Even a unit of the least length takes two parts, once it is cut.
            return self.give_up(BufferTooSmall { needed: buffer.len().saturating_add(1) });
        }
        let len = match Payload::Fragment(fragment).write(buffer) {
            Ok(len) => len,
            Err(error) => return self.give_up(error),
        };
        self.progress.at = at + fragment.data.len();
        if fragment.end {
            (self.cutting, self.upcoming) = (None, next_unit(stream, end));
            self.number = self.number.wrapping_add(1);
            return written(len, self.upcoming.is_none());
        }
        self.cutting = Some(Cutting { header, start: false, end });
        written(len, false)
    }
}

/// Puts access units together.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Depacketizer {
    /// Whether the stream has decoding order numbers.
    pub donl: bool,
    assembly: Assembly,
    /// Where the unit begins in the frame whose parts are coming.
    unit: Option<usize>,
}

impl Depacketizer {
    /// A depacketizer of a stream without decoding order numbers.
    pub const fn new() -> Self {
        Self { donl: false, assembly: Assembly::new(), unit: None }
    }

    /// A unit whose last part is missing is of no use to a decoder.
    fn drop_unit(&mut self) {
        if let Some(begin) = self.unit.take() {
            self.assembly.truncate(begin);
            self.assembly.spoil();
        }
    }

    fn take(&mut self, payload: &[u8], frame: &mut [u8]) -> Result<(), Error> {
        let payload = Payload::parse(payload, self.donl)?;
        if !matches!(payload, Payload::Fragment(Fragment { start: false, .. })) {
            self.drop_unit();
        }
        match payload {
            Payload::Single { header, data, .. } => {
                let begin = self.assembly.len();
                append_unit(&mut self.assembly, frame, &header.0)?;
                let taken = self.assembly.append(frame, data);
                taken.inspect_err(|_| self.assembly.truncate(begin))
            }
            Payload::Aggregate(aggregate) => {
                aggregate.units().try_for_each(|unit| append_unit(&mut self.assembly, frame, unit))
            }
            Payload::Fragment(fragment) => {
                if fragment.start {
                    let begin = self.assembly.len();
                    append_unit(&mut self.assembly, frame, &fragment.header.0)?;
                    self.unit = Some(begin);
                }
                if self.unit.is_none() {
                    // Its beginning was lost.
                    self.assembly.spoil();
                    return Ok(());
                }
                self.assembly.append(frame, fragment.data)?;
                if fragment.end {
                    self.unit = None;
                }
                Ok(())
            }
        }
    }
}

impl super::Depacketizer for Depacketizer {
    fn push(
        &mut self,
        packet: &Received<'_>,
        frame: &mut [u8],
    ) -> Result<Option<Reassembled>, Error> {
        // The frame before has ended with a unit that is not whole.
        if self.assembly.is_other(packet) {
            self.drop_unit();
        }
        match self.assembly.admit(packet)? {
            Admitted::Earlier(earlier) => return Ok(Some(earlier)),
            Admitted::Packet { gap: true, .. } => self.drop_unit(),
            Admitted::Packet { .. } => {}
        }
        let taken = self.take(packet.payload, frame);
        if taken.is_err() {
            self.drop_unit();
            self.assembly.spoil();
        }
        if packet.marker {
            self.drop_unit();
        }
        match (self.assembly.finish(packet), taken) {
            // What was kept is worth more than the news of what was not.
            (Some(whole), _) => Ok(Some(whole)),
            (None, taken) => taken.map(|()| None),
        }
    }

    fn reset(&mut self) {
        *self = Self { donl: self.donl, ..Self::new() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::tests::{self, Network, packetize};
    use alloc::vec::Vec;

    fn unit(nal_type: u8, len: usize) -> Vec<u8> {
        let rest = (2..len).map(|n| (n % 250) as u8 + 1);
        [nal_type << 1, 1].into_iter().chain(rest).collect()
    }

    fn stream(units: &[Vec<u8>]) -> Vec<u8> {
        units.iter().flat_map(|unit| [&[0, 0, 0, 1], &unit[..]].concat()).collect()
    }

    fn key_frame() -> Vec<u8> {
        stream(&[unit(32, 24), unit(33, 40), unit(34, 7), unit(19, 3000)])
    }

    #[test]
    fn short_units_share_a_payload_and_long_ones_are_cut() {
        let all = packetize(&mut Packetizer::new(), 7, &key_frame(), 1200);
        let kinds: Vec<_> = all.iter().map(|p| (p.1[0] >> 1, p.1.len(), p.0.marker)).collect();
        assert_eq!(kinds, [(48, 79, false), (49, 1200, false), (49, 1200, false), (49, 607, true)]);
        let thirds: Vec<_> = all[1..].iter().map(|p| p.1[2]).collect();
        assert_eq!(thirds, [0x80 | 19, 19, 0x40 | 19]);
    }

    #[test]
    fn frames_come_back_as_they_were_at_any_limit_with_numbers_and_without() {
        let frame = key_frame();
        for limit in [6, 7, 9, 24, 40, 90, 1200, 4000] {
            for (donl, aggregate) in [(false, false), (false, true), (true, true), (true, false)] {
                let mut packetizer = Packetizer { donl, aggregate, ..Packetizer::new() };
                let mut depacketizer = Depacketizer { donl, ..Depacketizer::new() };
                tests::comes_back(&mut packetizer, &mut depacketizer, &frame, limit);
            }
        }
    }

    #[test]
    fn units_that_would_mean_something_else_in_a_payload_are_refused() {
        use crate::payload::Packetizer as _;
        for nal_type in [48, 49, 50, 63] {
            let frame = stream(&[unit(33, 9), unit(nal_type, 9)]);
            let frame = Encoded { timestamp: 0, octets: &frame };
            let (mut packetizer, mut buffer) = (Packetizer::new(), [0; 100]);
            assert!(packetizer.poll_payload(&frame, &mut buffer).is_ok_and(|sent| sent.is_some()));
            let refused = packetizer.poll_payload(&frame, &mut buffer);
            assert_eq!(refused, Err(ParseError::new(Fault::PacketType, 17).into()), "{nal_type}");
        }
    }

    #[test]
    fn numbers_count_units_in_the_order_of_sending() {
        let mut packetizer = Packetizer { donl: true, ..Packetizer::new() };
        let all = packetize(&mut packetizer, 7, &key_frame(), 1200);
        let Ok(Payload::Aggregate(three)) = Payload::parse(&all[0].1, true) else { panic!() };
        assert_eq!((three.donl, three.units().count()), (Some(0), 3));
        let Ok(Payload::Fragment(part)) = Payload::parse(&all[1].1, true) else { panic!() };
        assert_eq!(part.donl, Some(3));
        let next = packetize(&mut packetizer, 8, &stream(&[unit(1, 9)]), 1200);
        let Ok(Payload::Single { donl, .. }) = Payload::parse(&next[0].1, true) else { panic!() };
        assert_eq!(donl, Some(4));
    }

    #[test]
    fn a_unit_that_lost_a_part_is_left_out_and_the_frame_marked() {
        let all = packetize(&mut Packetizer::new(), 0, &key_frame(), 1200);
        for missing in 1..all.len() {
            let mut network = Network::new(Depacketizer::new());
            network.send_without(&all, &[missing]);
            let other = stream(&[unit(1, 9)]);
            network.send_without(&packetize(&mut Packetizer::new(), 9000, &other, 1200), &[]);
            assert!(!network.frames[0].0.whole);
            assert_eq!(network.frames[0].1, stream(&[unit(32, 24), unit(33, 40), unit(34, 7)]));
            assert_eq!(network.frames[1].1, other);
        }
    }

    #[test]
    fn payloads_are_read_and_written() {
        let payloads: [(&[u8], bool); 5] = [
            (&[0x02, 1, 9], false),
            (&[0x02, 1, 0, 7, 9], true),
            (&[0x60, 1, 0, 2, 0x40, 1, 0, 3, 0x42, 1, 5], false),
            (&[0x60, 1, 0, 9, 0, 2, 0x40, 1, 0, 0, 3, 0x42, 1, 5], true),
            (&[0x62, 1, 0x93, 0, 4, 1], true),
        ];
        for (octets, donl) in payloads {
            let payload = Payload::parse(octets, donl).expect("it is good");
            let mut buffer = [0; 16];
            assert_eq!(payload.write(&mut buffer), Ok(octets.len()));
            assert_eq!(&buffer[..octets.len()], octets);
            assert!(payload.write(&mut buffer[..octets.len() - 1]).is_err());
        }
        let header = NalHeader([0x41, 0x0a]);
        assert_eq!((header.nal_type(), header.layer(), header.temporal_id_plus_1()), (32, 33, 2));
    }

    #[test]
    fn malformed_payloads_are_refused() {
        let bad: [(&[u8], bool); 9] = [
            (&[2], false),
            (&[2, 1, 0], true),
            (&[0x60, 1], false),
            (&[0x60, 1, 0, 1, 9], false),
            (&[0x60, 1, 0, 3, 9, 9], false),
            (&[0x62, 1], false),
            (&[0x62, 1, 0x80], false),
            (&[0x62, 1, 0xc0, 1], false),
            (&[0x64, 1, 1], false),
        ];
        for (payload, donl) in bad {
            assert!(Payload::parse(payload, donl).is_err(), "{payload:?}");
        }
    }
}
