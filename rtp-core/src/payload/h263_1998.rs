//! H.263-1998 and H.263-2000 (RFC 4629), which also carry H.263 of 1996.
//!
//! ```text
//! |   RR    |P|V|   PLEN    |PEBIT|
//! | TID |  RUN  |S|                  if V
//! | another copy of the picture's header, PLEN octets
//! | part of the picture ...
//! ```
//!
//! A picture is cut between octets; best before a start code, whose two octets of zeros P stands for.

use super::assembly::{Admitted, Assembly, Progress};
use super::{Encoded, Error, Payload as Written, Reassembled, Received};
use crate::{BufferTooSmall, Fault, ParseError};

/// The octets that P stands for.
const ZEROS: [u8; 2] = [0, 0];

/// A payload (RFC 4629 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Payload<'a> {
    /// P: whether it begins with a start code, of a picture, a slice, a group of blocks or the end.
    pub start: bool,
    /// V: the octet for redundant coding (VRC).
    pub redundancy: Option<u8>,
    /// A copy of the picture's header, without its two octets of zeros; 63 octets at most.
    pub picture_header: &'a [u8],
    /// PEBIT: how many of that copy's last bits are not part of it.
    pub picture_header_ebit: u8,
    /// The part of the picture, without the two octets of zeros of a start code at its beginning.
    pub data: &'a [u8],
}

impl<'a> Payload<'a> {
    const HEADER_LEN: usize = 2;

    /// Reads a payload in place.
    ///
    /// # Errors
    /// The payload is cut off.
    pub fn parse(payload: &'a [u8]) -> Result<Self, ParseError> {
        Self::read(payload).ok_or(ParseError::new(Fault::Truncated, payload.len()))
    }

    fn read(payload: &'a [u8]) -> Option<Self> {
        let (head, mut rest) = payload.split_first_chunk()?;
        let head = u16::from_be_bytes(*head);
        let mut redundancy = None;
        if head & 0x0200 != 0 {
            let (octet, behind) = rest.split_first()?;
            (redundancy, rest) = (Some(*octet), behind);
        }
        let (picture_header, data) = rest.split_at_checked(usize::from((head >> 3) & 0x3f))?;
        Some(Self {
            start: head & 0x0400 != 0,
            redundancy,
            picture_header,
            picture_header_ebit: (head & 7) as u8,
            data,
        })
    }

    /// How many octets the payload takes.
    pub fn encoded_len(&self) -> usize {
        Self::HEADER_LEN
            + usize::from(self.redundancy.is_some())
            + self.picture_header.len().min(0x3f)
            + self.data.len()
    }

    /// Writes the payload, and says how long it is; of a header the first 63 octets.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let cells = buffer.get_mut(..needed).ok_or(BufferTooSmall { needed })?;
        let copy = self.picture_header.iter().take(0x3f);
        let head = (u16::from(self.start) << 10)
            | (u16::from(self.redundancy.is_some()) << 9)
            | ((copy.len() as u16) << 3)
            | u16::from(self.picture_header_ebit & 7);
        let head = head.to_be_bytes();
        let octets = head.iter().chain(&self.redundancy).chain(copy).chain(self.data);
        cells.iter_mut().zip(octets).for_each(|(cell, octet)| *cell = *octet);
        Ok(needed)
    }
}

/// Cuts pictures into payloads.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Packetizer {
    progress: Progress,
}

impl Packetizer {
    /// A packetizer.
    pub const fn new() -> Self {
        Self { progress: Progress::new() }
    }
}

/// Whether a start code stands here: two octets of zeros, and a one.
fn is_start_code(octets: &[u8]) -> bool {
    matches!(octets, [0, 0, third, ..] if third & 0x80 != 0)
}

impl super::Packetizer for Packetizer {
    fn poll_payload(
        &mut self,
        frame: &Encoded<'_>,
        buffer: &mut [u8],
    ) -> Result<Option<Written>, Error> {
        let (first, left) = self.progress.resume(frame);
        if left.is_empty() {
            self.progress.reset();
            return Ok(None);
        }
        let start = is_start_code(left);
        if first && !start {
            return self.progress.fail(ParseError::new(Fault::Value, 0));
        }
        let saved = if start { ZEROS.len() } else { 0 };
        let room = buffer.len().saturating_sub(Payload::HEADER_LEN);
        let mut len = left.len().min(room.saturating_add(saved));
        if room == 0 {
            return self.progress.fail(BufferTooSmall { needed: Payload::HEADER_LEN + 1 });
        }
        if len < left.len() {
            // Before the last start code that fits, so that a loss spoils little.
            let mut codes = left.windows(3).enumerate().take(len.saturating_add(1)).skip(1);
            let best = codes.rfind(|(_, octets)| is_start_code(octets));
            len = best.map_or(len, |(at, _)| at);
        }
        let data = left.get(saved..len).unwrap_or_default();
        let payload =
            Payload { start, redundancy: None, picture_header: &[], picture_header_ebit: 0, data };
        let marker = len == left.len();
        let written = match payload.write(buffer) {
            Ok(len) => len,
            Err(error) => return self.progress.fail(error),
        };
        self.progress.at += len;
        Ok(Some(Written { len: written, marker, timestamp: frame.timestamp }))
    }
}

/// Puts pictures together. Behind a gap it goes on with the next start code.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Depacketizer {
    assembly: Assembly,
    /// Whether a start code is waited for.
    waiting: bool,
}

impl Depacketizer {
    /// A depacketizer that has seen no packet.
    pub const fn new() -> Self {
        Self { assembly: Assembly::new(), waiting: false }
    }

    fn take(&mut self, octets: &[u8], frame: &mut [u8]) -> Result<(), Error> {
        let payload = Payload::parse(octets)?;
        if self.waiting && !payload.start {
            self.assembly.spoil();
            return Ok(());
        }
        self.waiting = false;
        if payload.start {
            self.assembly.append(frame, &ZEROS)?;
        }
        self.assembly.append(frame, payload.data)
    }
}

impl super::Depacketizer for Depacketizer {
    fn push(
        &mut self,
        packet: &Received<'_>,
        frame: &mut [u8],
    ) -> Result<Option<Reassembled>, Error> {
        match self.assembly.admit(packet)? {
            Admitted::Earlier(earlier) => return Ok(Some(earlier)),
            Admitted::Packet { gap, first } => self.waiting |= gap || first,
        }
        let taken = self.take(packet.payload, frame);
        if taken.is_err() {
            self.assembly.spoil();
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

    /// A picture of three groups of blocks.
    fn picture() -> Vec<u8> {
        let group = |number: u8, len: usize| {
            let rest = (0..len).map(|n| (n % 200) as u8 + 1);
            [0, 0, 0x80 | (number << 2)].into_iter().chain(rest).collect::<Vec<_>>()
        };
        [group(0, 400), group(1, 300), group(2, 900)].concat()
    }

    #[test]
    fn payloads_are_read_and_written() {
        let rows: [&[u8]; 4] = [
            &[0x04, 0x00, 0x82, 1],
            &[0x00, 0x00, 1],
            &[0x06, 0x00, 0x21, 0x82],
            &[0x04, 0x1b, 9, 8, 7, 1],
        ];
        for octets in rows {
            let payload = Payload::parse(octets).expect("it is whole");
            let mut buffer = [0; 8];
            assert_eq!(payload.write(&mut buffer), Ok(octets.len()));
            assert_eq!(&buffer[..octets.len()], octets);
            assert!(payload.write(&mut buffer[..octets.len() - 1]).is_err());
        }
        for cut in [&[][..], &[4], &[0x02, 0], &[0, 0x10, 1]] {
            assert!(Payload::parse(cut).is_err(), "{cut:?}");
        }
    }

    #[test]
    fn pictures_are_cut_before_start_codes_where_one_fits() {
        let all = packetize(&mut Packetizer::new(), 0, &picture(), 500);
        let seen: Vec<_> =
            all.iter().map(|(_, octets)| (octets[0] & 4 != 0, octets.len())).collect();
        // 403 and 303 octets, less two of zeros, and two of header.
        assert_eq!(seen, [(true, 403), (true, 303), (true, 500), (false, 405)]);
    }

    #[test]
    fn pictures_come_back_as_they_were_at_any_limit() {
        for limit in [3, 4, 5, 300, 303, 305, 403, 706, 2000] {
            let (mut packetizer, mut depacketizer) = (Packetizer::new(), Depacketizer::new());
            tests::comes_back(&mut packetizer, &mut depacketizer, &picture(), limit);
        }
    }

    #[test]
    fn behind_a_gap_the_next_group_comes_next() {
        let all = packetize(&mut Packetizer::new(), 0, &picture(), 250);
        let groups: Vec<_> = (0..all.len()).filter(|at| all[*at].1[0] & 4 != 0).collect();
        assert_eq!(groups, [0, 2, 4]);
        let mut network = Network::new(Depacketizer::new());
        network.send_without(&all, &[2]);
        let (frame, octets) = &network.frames[0];
        assert!(!frame.whole && frame.lost == 1);
        let picture = picture();
        assert_eq!(octets[..], [&picture[..403], &picture[706..]].concat());
    }

    #[test]
    fn a_frame_that_begins_with_no_start_code_is_refused() {
        use crate::payload::Packetizer as _;
        let frame = Encoded { timestamp: 0, octets: &[1, 2, 3] };
        assert!(matches!(
            Packetizer::new().poll_payload(&frame, &mut [0; 99]),
            Err(Error::Parse(_))
        ));
    }
}
