//! H.264 (RFC 6184), packetization modes 0 and 1.
//!
//! ```text
//! single NAL unit   |F|NRI| type 1-23 | the unit ...
//! STAP-A            |F|NRI| 24 |  size 16  | unit |  size 16  | unit | ...
//! FU-A              |F|NRI| 28 |S|E|R| type | part of the unit ...
//! ```
//!
//! Frames are access units as a byte stream (H.264 annex B), which is what encoders give and decoders
//! take: NAL units behind start codes, of three octets or four where they come in, of four where they
//! go out. Mode 0 sends single units only: the encoder must make slices that fit
//! (`slice-max-size`). All of the three are received, whatever the mode.

use super::annex_b::{Place, next_unit};
use super::assembly::{Admitted, Assembly, Progress};
use super::{Encoded, Error, Payload as Written, Reassembled, Received};
use crate::{BufferTooSmall, Fault, ParseError};

/// What stands before each unit of a frame that was put together.
const START_CODE: [u8; 4] = [0, 0, 0, 1];
const STAP_A: u8 = 24;
const FU_A: u8 = 28;
/// F, NRI and type of the first octet.
const TYPE: u8 = 0x1f;
const F: u8 = 0x80;
const NRI: u8 = 0x60;

/// What `packetization-mode` says (RFC 6184 section 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Mode {
    /// 0: each unit is a payload of its own.
    SingleNal,
    /// 1: short units may share a payload, long ones are cut.
    #[default]
    NonInterleaved,
}

/// A payload (RFC 6184 section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Payload<'a> {
    /// A unit, with its header (section 5.6).
    Single(&'a [u8]),
    /// Several units (section 5.7.1).
    Aggregate(Aggregate<'a>),
    /// Part of a unit (section 5.8).
    Fragment(Fragment<'a>),
}

/// Units that share a payload: STAP-A.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Aggregate<'a> {
    /// F and NRI, in their places: each the greatest of all units.
    pub indicator: u8,
    units: &'a [u8],
}

impl<'a> Aggregate<'a> {
    /// The units, each with its header.
    pub fn units(&self) -> impl Iterator<Item = &'a [u8]> + Clone + 'a {
        sized_units(self.units)
    }
}

/// Part of a unit: FU-A.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Fragment<'a> {
    /// The header of the unit: F, NRI and type.
    pub header: u8,
    /// Whether the part is the first.
    pub start: bool,
    /// Whether the part is the last.
    pub end: bool,
    /// The octets, without the unit's header.
    pub data: &'a [u8],
}

/// Whether a unit has a type of H.264's own: the others mean something else in a payload.
fn is_unit(unit: &[u8]) -> bool {
    unit.first().is_some_and(|header| (1..=23).contains(&(header & TYPE)))
}

/// The units behind sizes of 16 bits, up to one that is cut.
pub(super) fn sized_units(units: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    let mut rest = units;
    core::iter::from_fn(move || {
        let (size, behind) = rest.split_first_chunk()?;
        let (unit, behind) = behind.split_at_checked(u16::from_be_bytes(*size).into())?;
        rest = behind;
        Some(unit)
    })
}

impl<'a> Payload<'a> {
    /// Reads a payload in place.
    ///
    /// # Errors
    /// The payload is cut off, its type is one of mode 2 or none at all, an aggregate has no unit or
    /// one that is cut, or a fragment is first and last at once or carries nothing.
    pub fn parse(payload: &'a [u8]) -> Result<Self, ParseError> {
        let Some((&header, rest)) = payload.split_first() else {
            return Err(ParseError::new(Fault::Truncated, 0));
        };
        match header & TYPE {
            1..=23 => Ok(Self::Single(payload)),
            STAP_A => {
                let aggregate = Aggregate { indicator: header & !TYPE, units: rest };
                let (mut len, mut empty) = (0, rest.is_empty());
                for unit in aggregate.units() {
                    len += 2 + unit.len();
                    empty |= unit.is_empty();
                }
                if empty || len != rest.len() {
                    return Err(ParseError::new(Fault::Length, 1 + len));
                }
                Ok(Self::Aggregate(aggregate))
            }
            FU_A => {
                let Some((&second, data)) = rest.split_first() else {
                    return Err(ParseError::new(Fault::Truncated, 1));
                };
                let (start, end) = (second & 0x80 != 0, second & 0x40 != 0);
                if (start && end) || data.is_empty() {
                    return Err(ParseError::new(Fault::Value, 1));
                }
                let header = (header & !TYPE) | (second & TYPE);
                Ok(Self::Fragment(Fragment { header, start, end, data }))
            }
            _ => Err(ParseError::new(Fault::PacketType, 0)),
        }
    }

    /// How many octets the payload takes.
    pub const fn encoded_len(&self) -> usize {
        match self {
            Self::Single(unit) => unit.len(),
            Self::Aggregate(aggregate) => 1 + aggregate.units.len(),
            Self::Fragment(fragment) => 2 + fragment.data.len(),
        }
    }

    /// Writes the payload, and says how long it is.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let cells = buffer.get_mut(..needed).ok_or(BufferTooSmall { needed })?;
        match (self, cells) {
            (Self::Aggregate(aggregate), [header, units @ ..]) => {
                *header = aggregate.indicator | STAP_A;
                units.copy_from_slice(aggregate.units);
            }
            (Self::Fragment(fragment), [indicator, header, data @ ..]) => {
                *indicator = (fragment.header & !TYPE) | FU_A;
                *header = (u8::from(fragment.start) << 7)
                    | (u8::from(fragment.end) << 6)
                    | (fragment.header & TYPE);
                data.copy_from_slice(fragment.data);
            }
            (Self::Single(unit), cells) => cells.copy_from_slice(unit),
            _ => {}
        }
        Ok(needed)
    }
}

/// Cuts access units into payloads.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Packetizer {
    /// What may be sent.
    pub mode: Mode,
    /// Whether short units share payloads in mode 1. It saves headers; some old receivers read no
    /// STAP-A.
    pub aggregate: bool,
    progress: Progress,
    /// Where the unit that is being cut ends; nothing between units.
    cutting: Option<Cutting>,
    /// Where the next unit begins and ends.
    upcoming: Option<Place>,
}

#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Cutting {
    header: u8,
    start: bool,
    end: usize,
}

impl Packetizer {
    /// A packetizer for this mode.
    pub const fn new(mode: Mode) -> Self {
        Self { mode, aggregate: true, progress: Progress::new(), cutting: None, upcoming: None }
    }

    fn give_up<T>(&mut self, error: impl Into<Error>) -> Result<T, Error> {
        self.cutting = None;
        self.progress.fail(error)
    }

    /// As many units as share the buffer, beginning with the upcoming one; says how long the
    /// payload is, and which unit comes after. Nothing where only one fits.
    fn fill(&self, stream: &[u8], buffer: &mut [u8]) -> Option<(usize, Option<Place>)> {
        let (mut unit, mut indicator, mut count, mut len) = (self.upcoming, 0u8, 0, 1);
        while let Some((begin, end)) = unit {
            let octets = stream.get(begin..end)?;
            if !is_unit(octets) {
                break;
            }
            let Some(place) =
                buffer.get_mut(len..).and_then(|rest| rest.get_mut(..2 + octets.len()))
            else {
                break;
            };
            let (size, place) = place.split_first_chunk_mut()?;
            let Ok(short) = u16::try_from(octets.len()) else { break };
            *size = short.to_be_bytes();
            place.copy_from_slice(octets);
            let header = octets.first()?;
            // RFC 6184 section 5.7: F where any has it, and the greatest NRI.
            indicator = ((indicator | header) & F) | (indicator & NRI).max(header & NRI);
            len += 2 + octets.len();
            count += 1;
            unit = next_unit(stream, end);
        }
        *buffer.first_mut()? = indicator | STAP_A;
        (count > 1).then_some((len, unit))
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
            if !is_unit(unit) {
                return self.give_up(ParseError::new(Fault::PacketType, begin));
            }
            if buffer.len() < unit.len() {
                if self.mode == Mode::SingleNal {
                    return self.give_up(BufferTooSmall { needed: unit.len() });
                }
                let header = unit.first().copied().unwrap_or(0);
                self.cutting = Some(Cutting { header, start: true, end });
                self.progress.at = begin + 1;
                return self.poll_payload(frame, buffer);
            }
            if self.mode == Mode::NonInterleaved
                && self.aggregate
                && let Some((len, upcoming)) = self.fill(stream, buffer)
            {
                self.upcoming = upcoming;
                return written(len, upcoming.is_none());
            }
            // The attempt to share may have written over it.
            if let Some(place) = buffer.get_mut(..unit.len()) {
                place.copy_from_slice(unit);
            }
            self.upcoming = next_unit(stream, end);
            return written(unit.len(), self.upcoming.is_none());
        }
        let Some(Cutting { header, start, end }) = self.cutting else { return Ok(None) };
        let at = self.progress.at;
        let left = stream.get(at..end).unwrap_or_default();
        let most = buffer.len().saturating_sub(2);
        let data = left.get(..left.len().min(most)).unwrap_or_default();
        if data.is_empty() {
            return self.give_up(BufferTooSmall { needed: 3 });
        }
        let fragment = Fragment { header, start, end: data.len() == left.len(), data };
        let len = match Payload::Fragment(fragment).write(buffer) {
            Ok(len) => len,
            Err(error) => return self.give_up(error),
        };
        self.progress.at = at + data.len();
        if fragment.end {
            (self.cutting, self.upcoming) = (None, next_unit(stream, end));
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
    assembly: Assembly,
    /// Where the unit begins in the frame whose parts are coming.
    unit: Option<usize>,
}

impl Depacketizer {
    /// A depacketizer that has seen no packet.
    pub const fn new() -> Self {
        Self { assembly: Assembly::new(), unit: None }
    }

    /// A unit whose last part is missing is of no use to a decoder.
    fn drop_unit(&mut self) {
        if let Some(begin) = self.unit.take() {
            self.assembly.truncate(begin);
            self.assembly.spoil();
        }
    }

    fn take(&mut self, payload: &[u8], frame: &mut [u8]) -> Result<(), Error> {
        let payload = Payload::parse(payload)?;
        if !matches!(payload, Payload::Fragment(Fragment { start: false, .. })) {
            self.drop_unit();
        }
        match payload {
            Payload::Single(unit) => append_unit(&mut self.assembly, frame, unit),
            Payload::Aggregate(aggregate) => {
                aggregate.units().try_for_each(|unit| append_unit(&mut self.assembly, frame, unit))
            }
            Payload::Fragment(fragment) => {
                if fragment.start {
                    let begin = self.assembly.len();
                    append_unit(&mut self.assembly, frame, &[fragment.header])?;
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

/// Puts a unit, or its beginning, behind a start code: both or nothing.
pub(super) fn append_unit(
    assembly: &mut Assembly,
    frame: &mut [u8],
    unit: &[u8],
) -> Result<(), Error> {
    let place = assembly.reserve(frame, START_CODE.len().saturating_add(unit.len()))?;
    if let Some((code, place)) = place.split_first_chunk_mut() {
        *code = START_CODE;
        place.copy_from_slice(unit);
    }
    Ok(())
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
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::tests::{self, Network, packetize};
    use alloc::vec::Vec;

    fn stream(units: &[&[u8]]) -> Vec<u8> {
        units.iter().flat_map(|unit| [&START_CODE, *unit].concat()).collect()
    }

    /// A unit of this type whose octets no start code is made of.
    fn unit(header: u8, len: usize) -> Vec<u8> {
        let rest = (1..len).map(|n| (n % 250) as u8 + 1);
        core::iter::once(header).chain(rest).collect()
    }

    fn key_frame() -> Vec<u8> {
        let (sps, pps, idr) = (unit(0x67, 20), unit(0x68, 5), unit(0x65, 3000));
        stream(&[&sps, &pps, &idr])
    }

    #[test]
    fn short_units_share_a_payload_and_long_ones_are_cut() {
        let all = packetize(&mut Packetizer::new(Mode::NonInterleaved), 7, &key_frame(), 1200);
        let kinds: Vec<_> = all.iter().map(|p| (p.1[0] & TYPE, p.1.len(), p.0.marker)).collect();
        assert_eq!(kinds, [(24, 30, false), (28, 1200, false), (28, 1200, false), (28, 605, true)]);
        // The greatest NRI of both, S on the first part, E on the last, the type in each.
        assert_eq!(all.iter().map(|p| p.1[0]).collect::<Vec<_>>(), [0x78, 0x7c, 0x7c, 0x7c]);
        let seconds: Vec<_> = all[1..].iter().map(|p| p.1[1]).collect();
        assert_eq!(seconds, [0x85, 0x05, 0x45]);
    }

    #[test]
    fn mode_0_sends_single_units_and_refuses_longer_ones() {
        let mut packetizer = Packetizer::new(Mode::SingleNal);
        let frame = stream(&[&unit(0x67, 20), &unit(0x65, 900)]);
        let all = packetize(&mut packetizer, 0, &frame, 1200);
        assert_eq!(all.iter().map(|p| p.1.len()).collect::<Vec<_>>(), [20, 900]);
        let frame = Encoded { timestamp: 1, octets: &frame };
        let mut buffer = [0; 100];
        use crate::payload::Packetizer as _;
        assert!(packetizer.poll_payload(&frame, &mut buffer).is_ok());
        let refused = packetizer.poll_payload(&frame, &mut buffer);
        assert_eq!(refused, Err(BufferTooSmall { needed: 900 }.into()));
    }

    #[test]
    fn units_that_would_mean_something_else_in_a_payload_are_refused() {
        use crate::payload::Packetizer as _;
        for nal_type in [0, 24, 28, 31] {
            let frame = stream(&[&unit(0x67, 9), &unit(nal_type, 9), &unit(0x68, 9)]);
            let frame = Encoded { timestamp: 0, octets: &frame };
            let mut packetizer = Packetizer::new(Mode::NonInterleaved);
            let mut buffer = [0; 100];
            assert!(packetizer.poll_payload(&frame, &mut buffer).is_ok_and(|sent| sent.is_some()));
            let refused = packetizer.poll_payload(&frame, &mut buffer);
            assert_eq!(refused, Err(ParseError::new(Fault::PacketType, 17).into()), "{nal_type}");
        }
    }

    #[test]
    fn frames_come_back_as_they_were_at_any_limit() {
        let frame = key_frame();
        for limit in [3, 4, 9, 30, 31, 32, 33, 100, 1200, 4000] {
            for aggregate in [false, true] {
                let mut packetizer = Packetizer::new(Mode::NonInterleaved);
                packetizer.aggregate = aggregate;
                tests::comes_back(&mut packetizer, &mut Depacketizer::new(), &frame, limit);
            }
        }
    }

    #[test]
    fn a_unit_that_lost_a_part_is_left_out_and_the_frame_marked() {
        let frame = key_frame();
        let all = packetize(&mut Packetizer::new(Mode::NonInterleaved), 0, &frame, 1200);
        for missing in 1..all.len() {
            let mut network = Network::new(Depacketizer::new());
            network.send_without(&all, &[missing]);
            // The packet of another frame shows what is lost at the end.
            network.send_without(
                &packetize(
                    &mut Packetizer::new(Mode::SingleNal),
                    9000,
                    &stream(&[&unit(0x41, 9)]),
                    1200,
                ),
                &[],
            );
            let (first, octets) = &network.frames[0];
            assert!(!first.whole, "{missing}");
            assert_eq!(octets[..], stream(&[&unit(0x67, 20), &unit(0x68, 5)]), "{missing}");
            let last = network.frames.len() - 1;
            assert_eq!(last, 1);
            assert_eq!(first.lost + network.frames[last].0.lost, 1);
        }
    }

    #[test]
    fn payloads_are_read_and_written() {
        let payloads: [&[u8]; 4] = [
            &[0x65, 1, 2],
            &[0x78, 0, 2, 0x67, 1, 0, 1, 0x68],
            &[0x7c, 0x85, 1, 2, 3],
            &[0x7c, 0x45, 1],
        ];
        for octets in payloads {
            let payload = Payload::parse(octets).expect("it is good");
            let mut buffer = [0; 16];
            assert_eq!(payload.write(&mut buffer), Ok(octets.len()));
            assert_eq!(&buffer[..octets.len()], octets);
            assert!(payload.write(&mut buffer[..octets.len() - 1]).is_err());
        }
        let Ok(Payload::Aggregate(aggregate)) = Payload::parse(payloads[1]) else { panic!() };
        assert!(aggregate.units().eq([&[0x67u8, 1][..], &[0x68]]));
    }

    #[test]
    fn malformed_payloads_are_refused() {
        let bad: [&[u8]; 10] = [
            &[],
            &[0x00],
            &[0x79, 1],
            &[0x1d, 0x85, 0, 0, 1],
            &[0x78],
            &[0x78, 0, 0],
            &[0x78, 0, 2, 0x67],
            &[0x7c],
            &[0x7c, 0x85],
            &[0x7c, 0xc5, 1],
        ];
        for payload in bad {
            assert!(Payload::parse(payload).is_err(), "{payload:?}");
        }
    }

    #[test]
    fn a_frame_longer_than_the_buffer_is_an_error_once_and_the_next_is_taken() {
        let all = packetize(&mut Packetizer::new(Mode::NonInterleaved), 0, &key_frame(), 1200);
        let mut network = Network::new(Depacketizer::new());
        network.buffer.truncate(1000);
        network.send_without(&all, &[]);
        assert_eq!(network.frames.len(), 1);
        assert!(!network.frames[0].0.whole && network.errors >= 1);
        let short = stream(&[&unit(0x41, 900)]);
        network.send_without(
            &packetize(&mut Packetizer::new(Mode::NonInterleaved), 9000, &short, 1200),
            &[],
        );
        assert!(network.frames[1].0.whole);
        assert_eq!(network.frames[1].1, short);
    }
}
