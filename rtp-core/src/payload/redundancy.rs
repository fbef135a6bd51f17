//! Redundant audio: each packet repeats what earlier ones carried (RFC 2198).
//!
//! ```text
//! |1|   block PT  |  timestamp offset         |   block length    |   each redundant block
//! |0|   block PT  |                                                 the primary one, last
//! | redundant data ... | primary data to the end of the payload
//! ```
//!
//! A lost packet comes again with the next one or the one after. Blocks should be taken apart before
//! a jitter buffer, each being put in by its own timestamp; [`Depacketizer`] gives them in the order
//! of timestamps, each once.
//!
//! Windows Messenger writes `red/8000` whatever the clock of what is inside, repeats at a distance of
//! three packets at most, and its documents show a redundant block with RED's own payload type: such a
//! block has the type of the primary one.

use super::assembly::{Admitted, Assembly, Progress};
use super::{Encoded, Error, Payload, Reassembled, Received};
use crate::{BufferTooSmall, Fault, ParseError};

/// One block of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Block<'a> {
    /// The payload type of what is inside.
    pub payload_type: u8,
    /// How much earlier than the packet it was sampled, in units of its clock; 0 for the primary
    /// block, 16383 at most.
    pub timestamp_offset: u16,
    /// What is inside; 1023 octets at most in a redundant block.
    pub data: &'a [u8],
}

/// A payload: its blocks, the primary one last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Blocks<'a> {
    /// The headers of the redundant blocks, and what they tell of.
    headers: &'a [[u8; 4]],
    redundant: &'a [u8],
    primary: Block<'a>,
}

impl<'a> Blocks<'a> {
    /// The octets of a redundant block's header, and of the primary one's.
    const HEADER_LEN: usize = 4;
    const PRIMARY_HEADER_LEN: usize = 1;
    /// The most that the fields of a header hold.
    const OFFSET_MAX: u16 = 0x3fff;
    const LEN_MAX: usize = 0x3ff;

    /// Reads a payload in place.
    ///
    /// # Errors
    /// There is no primary block, or the redundant ones are longer than the payload.
    pub fn parse(payload: &'a [u8]) -> Result<Self, ParseError> {
        let cells = payload.as_chunks::<4>().0;
        let count = cells.iter().take_while(|cell| cell[0] & 0x80 != 0).count();
        let truncated = ParseError::new(Fault::Truncated, payload.len());
        let (headers, _) = cells.split_at_checked(count).ok_or(truncated)?;
        let after = payload.get(count * Self::HEADER_LEN..).and_then(<[u8]>::split_first);
        let (primary, data) = after.ok_or(truncated)?;
        if primary & 0x80 != 0 {
            return Err(truncated);
        }
        // Each length has ten bits, and there are fewer headers than octets.
        let redundant_len = headers.iter().map(block_len).sum();
        let Some((redundant, data)) = data.split_at_checked(redundant_len) else {
            return Err(ParseError::new(Fault::Length, count * Self::HEADER_LEN));
        };
        let primary = Block { payload_type: primary & 0x7f, timestamp_offset: 0, data };
        Ok(Self { headers, redundant, primary })
    }

    /// The primary block: what the packet was sent for.
    pub const fn primary(&self) -> Block<'a> {
        self.primary
    }

    /// The redundant blocks as they stand, oldest first by custom.
    pub fn redundant(&self) -> impl Iterator<Item = Block<'a>> + Clone + 'a {
        self.headers.iter().scan(self.redundant, |rest, header| {
            let (data, behind) = rest.split_at_checked(block_len(header))?;
            *rest = behind;
            let [payload_type, high, low, _] = *header;
            Some(Block {
                payload_type: payload_type & 0x7f,
                timestamp_offset: u16::from_be_bytes([high, low]) >> 2,
                data,
            })
        })
    }

    /// All blocks, the primary one last.
    pub fn iter(&self) -> impl Iterator<Item = Block<'a>> + Clone + 'a {
        self.redundant().chain([self.primary])
    }

    /// How many octets a payload of these blocks takes.
    pub fn encoded_len(redundant: &[Block<'_>], primary: &Block<'_>) -> usize {
        let blocks = redundant.iter().map(|block| Self::HEADER_LEN + block.data.len());
        blocks.sum::<usize>() + Self::PRIMARY_HEADER_LEN + primary.data.len()
    }

    /// Writes a payload, and says how long it is.
    ///
    /// # Errors
    /// The buffer is too small; or, as a fault of the block with that number, a redundant block is
    /// longer or older than its header can say.
    pub fn write(
        redundant: &[Block<'_>],
        primary: &Block<'_>,
        buffer: &mut [u8],
    ) -> Result<usize, Error> {
        let fits = |block: &Block<'_>| {
            block.data.len() <= Self::LEN_MAX && block.timestamp_offset <= Self::OFFSET_MAX
        };
        if let Some(at) = redundant.iter().position(|block| !fits(block)) {
            return Err(ParseError::new(Fault::Value, at).into());
        }
        let needed = Self::encoded_len(redundant, primary);
        let too_small = BufferTooSmall { needed };
        let mut rest = buffer.get_mut(..needed).ok_or(too_small)?;
        for block in redundant {
            let (header, behind) = rest.split_first_chunk_mut().ok_or(too_small)?;
            *header = header_of(block);
            rest = behind;
        }
        let (header, mut rest) = rest.split_first_mut().ok_or(too_small)?;
        *header = primary.payload_type & 0x7f;
        for block in redundant.iter().chain([primary]) {
            let (data, behind) = rest.split_at_mut_checked(block.data.len()).ok_or(too_small)?;
            data.copy_from_slice(block.data);
            rest = behind;
        }
        Ok(needed)
    }
}

fn block_len(header: &[u8; 4]) -> usize {
    usize::from(u16::from_be_bytes([header[2], header[3]]) & 0x3ff)
}

fn header_of(block: &Block<'_>) -> [u8; 4] {
    let bits = (u32::from(block.timestamp_offset) << 10) | block.data.len() as u32;
    let [_, a, b, c] = bits.to_be_bytes();
    [0x80 | block.payload_type, a, b, c]
}

/// Repeats the last `DISTANCE` frames, of up to `OCTETS` octets each, in every packet.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Packetizer<const DISTANCE: usize, const OCTETS: usize> {
    /// The payload type of what is inside; the packet's own is RED's.
    pub payload_type: u8,
    progress: Progress,
    /// Newest first.
    sent: [Option<Sent<OCTETS>>; DISTANCE],
}

#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Sent<const OCTETS: usize> {
    timestamp: u32,
    len: usize,
    octets: [u8; OCTETS],
}

impl<const DISTANCE: usize, const OCTETS: usize> Packetizer<DISTANCE, OCTETS> {
    /// A packetizer of frames of this payload type.
    pub const fn new(payload_type: u8) -> Self {
        Self { payload_type, progress: Progress::new(), sent: [None; DISTANCE] }
    }

    fn remember(&mut self, frame: &Encoded<'_>) {
        self.sent.rotate_right(1);
        let Some(newest) = self.sent.first_mut() else { return };
        let mut octets = [0; OCTETS];
        // What is too long for the memory, or for its header, is not repeated.
        *newest = octets
            .get_mut(..frame.octets.len())
            .filter(|place| place.len() <= Blocks::LEN_MAX)
            .map(|place| place.copy_from_slice(frame.octets))
            .map(|()| Sent { timestamp: frame.timestamp, len: frame.octets.len(), octets });
    }
}

impl<const DISTANCE: usize, const OCTETS: usize> super::Packetizer
    for Packetizer<DISTANCE, OCTETS>
{
    fn poll_payload(
        &mut self,
        frame: &Encoded<'_>,
        buffer: &mut [u8],
    ) -> Result<Option<Payload>, Error> {
        let (first, _) = self.progress.resume(frame);
        if !first || frame.octets.is_empty() {
            self.progress.reset();
            return Ok(None);
        }
        let primary =
            Block { payload_type: self.payload_type, timestamp_offset: 0, data: frame.octets };
        let mut blocks = [primary; DISTANCE];
        let mut room = buffer.len().saturating_sub(Blocks::encoded_len(&[], &primary));
        let mut count = 0;
        // The newest are worth most where not all have room; they stand behind the older ones.
        for sent in self.sent.iter().flatten() {
            let age = frame.timestamp.wrapping_sub(sent.timestamp);
            let needed = Blocks::HEADER_LEN + sent.len;
            let (Ok(timestamp_offset), Some(data)) =
                (u16::try_from(age), sent.octets.get(..sent.len))
            else {
                break;
            };
            if timestamp_offset > Blocks::OFFSET_MAX || needed > room {
                break;
            }
            let Some(place) = blocks.iter_mut().rev().nth(count) else { break };
            *place = Block { payload_type: self.payload_type, timestamp_offset, data };
            room -= needed;
            count += 1;
        }
        let redundant = blocks.get(DISTANCE - count..).unwrap_or_default();
        let written = Blocks::write(redundant, &primary, buffer);
        match written {
            Ok(len) => {
                // A pause has passed where nothing was sent before.
                let marker = self.sent.iter().all(Option::is_none);
                self.remember(frame);
                Ok(Some(Payload { len, marker, timestamp: frame.timestamp }))
            }
            Err(error) => self.progress.fail(error),
        }
    }
}

/// Gives each frame once, be it a primary one or the repetition of one that was lost.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Depacketizer {
    assembly: Assembly,
    /// The newest timestamp that was given.
    given: Option<u32>,
    /// The sequence number of the packet whose blocks are being given.
    current: Option<u16>,
    /// Packets missing before it that no block has made up for.
    lost: u16,
}

impl Depacketizer {
    /// A depacketizer that has seen no packet.
    pub const fn new() -> Self {
        Self { assembly: Assembly::new(), given: None, current: None, lost: 0 }
    }

    fn next_block<'a>(
        &self,
        packet: &Received<'a>,
    ) -> Result<Option<(Block<'a>, bool)>, ParseError> {
        let blocks = Blocks::parse(packet.payload)?;
        let primary = blocks.primary();
        let newer = |block: &Block<'_>| {
            let timestamp = packet.timestamp.wrapping_sub(u32::from(block.timestamp_offset));
            // The sign tells later from earlier.
            self.given.is_some_and(|given| timestamp.wrapping_sub(given) as i32 > 0)
        };
        let missed = blocks.redundant().filter(|block| !block.data.is_empty() && newer(block));
        if let Some(block) = missed.max_by_key(|block| block.timestamp_offset) {
            let same = block.payload_type == packet.payload_type;
            let payload_type = if same { primary.payload_type } else { block.payload_type };
            return Ok(Some((Block { payload_type, ..block }, false)));
        }
        Ok((!primary.data.is_empty()).then_some((primary, true)))
    }
}

impl super::Depacketizer for Depacketizer {
    fn push(
        &mut self,
        packet: &Received<'_>,
        frame: &mut [u8],
    ) -> Result<Option<Reassembled>, Error> {
        if self.current != Some(packet.sequence) {
            if let Admitted::Earlier(earlier) = self.assembly.admit(packet)? {
                return Ok(Some(earlier));
            }
            self.assembly.mend();
            self.lost = self.assembly.close_empty();
            self.current = Some(packet.sequence);
        }
        let next = self.next_block(packet);
        let Some((block, last)) = next.inspect_err(|_| self.current = None)? else {
            self.current = None;
            return Ok(None);
        };
        let timestamp = packet.timestamp.wrapping_sub(u32::from(block.timestamp_offset));
        self.given = Some(timestamp);
        if last {
            self.current = None;
        } else {
            self.lost = self.lost.saturating_sub(1);
        }
        let needed = block.data.len();
        let place = frame.get_mut(..needed).ok_or(BufferTooSmall { needed });
        place.inspect_err(|_| self.current = None)?.copy_from_slice(block.data);
        let lost = if last { core::mem::take(&mut self.lost) } else { 0 };
        Ok(Some(Reassembled {
            len: needed,
            payload_type: block.payload_type,
            timestamp,
            lost,
            whole: true,
            consumed: last,
        }))
    }

    fn reset(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::{Depacketizer as _, Packetizer as _};
    use alloc::vec::Vec;

    #[test]
    fn a_payload_is_read_and_written() {
        let redundant = [
            Block { payload_type: 7, timestamp_offset: 320, data: b"abc" },
            Block { payload_type: 7, timestamp_offset: 160, data: b"" },
        ];
        let primary = Block { payload_type: 5, timestamp_offset: 0, data: b"defg" };
        let mut buffer = [0; 32];
        let len = Blocks::write(&redundant, &primary, &mut buffer).expect("it fits");
        // RFC 2198 section 3: offset of 14 bits, length of 10.
        assert_eq!(buffer[..9], [0x87, 0x05, 0x00, 0x03, 0x87, 0x02, 0x80, 0x00, 0x05]);
        let blocks = Blocks::parse(&buffer[..len]).expect("it was written");
        assert!(blocks.redundant().eq(redundant));
        assert_eq!((blocks.primary(), len), (primary, 16));
        let small = Blocks::write(&redundant, &primary, &mut buffer[..15]);
        assert_eq!(small, Err(BufferTooSmall { needed: 16 }.into()));
    }

    #[test]
    fn what_a_header_cannot_say_is_refused() {
        let primary = Block { payload_type: 5, timestamp_offset: 0, data: b"x" };
        let long = Block { data: &[0; 1024], ..primary };
        let old = Block { timestamp_offset: 0x4000, ..primary };
        for block in [long, old] {
            let error = Blocks::write(&[primary, block], &primary, &mut [0; 2000]);
            assert_eq!(error, Err(ParseError::new(Fault::Value, 1).into()));
        }
    }

    #[test]
    fn payloads_that_are_cut_are_refused() {
        for cut in [&[][..], &[0x80], &[0x80, 0, 0, 1], &[0x80, 0, 0, 1, 0], &[0x80, 0, 0]] {
            assert!(Blocks::parse(cut).is_err(), "{cut:?}");
        }
        assert!(Blocks::parse(&[0]).is_ok_and(|blocks| blocks.primary().data.is_empty()));
    }

    fn sent(count: u16) -> Vec<(u16, u32, Vec<u8>)> {
        let mut packetizer = Packetizer::<2, 20>::new(0);
        let mut buffer = [0; 100];
        (0..count)
            .map(|n| {
                let (timestamp, octets) = (u32::from(n) * 160, [n as u8; 20]);
                let frame = Encoded { timestamp, octets: &octets };
                let payload = packetizer.poll_payload(&frame, &mut buffer).expect("it fits");
                let len = payload.expect("a payload").len;
                assert_eq!(packetizer.poll_payload(&frame, &mut buffer), Ok(None));
                (n, timestamp, buffer[..len].to_vec())
            })
            .collect()
    }

    fn heard(packets: &[(u16, u32, Vec<u8>)]) -> Vec<(u8, u32, u16)> {
        let (mut depacketizer, mut buffer) = (Depacketizer::new(), [0; 20]);
        let mut heard = Vec::new();
        for (sequence, timestamp, payload) in packets {
            let packet = Received {
                payload_type: 97,
                sequence: *sequence,
                timestamp: *timestamp,
                marker: false,
                payload,
            };
            loop {
                let frame = depacketizer.push(&packet, &mut buffer).expect("in order");
                let frame = frame.expect("each packet has a primary block");
                assert_eq!((frame.len, frame.payload_type, frame.whole), (20, 0, true));
                heard.push((buffer[0], frame.timestamp / 160, frame.lost));
                if frame.consumed {
                    break;
                }
            }
        }
        heard
    }

    #[test]
    fn each_frame_is_heard_once_and_two_lost_ones_come_with_the_next() {
        let mut packets = sent(8);
        assert_eq!(packets[5].2.len(), 2 * 24 + 21);
        assert_eq!(heard(&packets), (0..8).map(|n| (n, u32::from(n), 0)).collect::<Vec<_>>());
        packets.drain(3..5);
        assert_eq!(heard(&packets), (0..8).map(|n| (n, u32::from(n), 0)).collect::<Vec<_>>());
    }

    #[test]
    fn what_no_packet_repeats_is_lost() {
        let mut packets = sent(8);
        packets.drain(2..5);
        let frames = heard(&packets);
        let seen: Vec<_> = frames.iter().map(|(octet, _, lost)| (*octet, *lost)).collect();
        assert_eq!(seen, [(0, 0), (1, 0), (3, 0), (4, 0), (5, 1), (6, 0), (7, 0)]);
    }

    #[test]
    fn a_buffer_that_is_small_takes_the_newest_repetitions() {
        let mut packetizer = Packetizer::<2, 20>::new(0);
        for n in 0..3 {
            let frame = Encoded { timestamp: n * 160, octets: &[n as u8; 20] };
            let limit = if n == 2 { 50 } else { 100 };
            let mut buffer = [0; 100];
            let payload = packetizer.poll_payload(&frame, &mut buffer[..limit]).expect("it fits");
            let blocks = Blocks::parse(&buffer[..payload.expect("a payload").len]);
            let offsets: Vec<_> =
                blocks.expect("good").redundant().map(|block| block.timestamp_offset).collect();
            assert_eq!(offsets, [&[][..], &[160], &[160]][n as usize]);
            assert_eq!(packetizer.poll_payload(&frame, &mut buffer), Ok(None));
        }
    }

    #[test]
    fn a_block_with_reds_own_type_has_that_of_the_primary_one() {
        let redundant = [Block { payload_type: 97, timestamp_offset: 160, data: b"a" }];
        let primary = Block { payload_type: 114, timestamp_offset: 0, data: b"b" };
        let mut octets = [0; 16];
        let len = Blocks::write(&redundant, &primary, &mut octets).expect("it fits");
        let mut depacketizer = Depacketizer::new();
        let first =
            Received { payload_type: 97, sequence: 1, payload: &[114, 0], ..Received::default() };
        assert!(depacketizer.push(&first, &mut [0; 4]).is_ok());
        let third = Received { sequence: 3, timestamp: 320, payload: &octets[..len], ..first };
        let frame = depacketizer.push(&third, &mut [0; 4]).expect("good").expect("a frame");
        assert_eq!((frame.payload_type, frame.timestamp, frame.consumed), (114, 160, false));
    }
}
