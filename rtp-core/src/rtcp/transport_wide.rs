//! Transport-wide feedback: when the packets of all streams have come
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01).
//!
//! ```text
//! | base sequence number | packet status count |
//! | reference time 24, in 64 ms | feedback packet count 8 |
//! | chunks of 16 bits ... | deltas of 8 or 16 bits, in 250 us ... | padding |
//!
//! chunk   |0| symbol 2 | run of packets 13 |
//!         |1|0| 14 symbols of 1 bit |       |1|1| 7 symbols of 2 bits |
//! symbol  0 has not come   1 delta of 8 bits   2 delta of 16 bits, signed
//! ```

use super::Writer;
use crate::{Fault, ParseError};

/// When packets have come, by their transport-wide sequence numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TransportWide<'a> {
    /// The number of the first packet that is spoken of.
    pub base: u16,
    /// When the first delta counts from, in units of 64 ms; of its bits 24 are written, one of
    /// them the sign.
    pub reference_time: i32,
    /// Counts the feedback packets.
    pub feedback_count: u8,
    /// What has become of each packet from the base on.
    pub packets: Arrivals<'a>,
}

/// What has become of packets: received, or to be sent.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Arrivals<'a>(ArrivalsOf<'a>);

#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum ArrivalsOf<'a> {
    Octets { chunks: &'a [u8], deltas: &'a [u8], count: u16 },
    Values(&'a [Option<i16>]),
}

impl<'a> Arrivals<'a> {
    /// For each packet the time since the one before that came, in units of 250 us; nothing for
    /// one that has not come.
    pub fn iter(&self) -> impl Iterator<Item = Option<i16>> + Clone + 'a {
        let (chunks, mut deltas, count, values) = match self.0 {
            ArrivalsOf::Octets { chunks, deltas, count } => (chunks, deltas, count, &[][..]),
            ArrivalsOf::Values(values) => (&[][..], &[][..], 0, values),
        };
        symbols(chunks, count)
            .map(move |symbol| match symbol {
                Symbol::Small => {
                    let (delta, rest) = deltas.split_first()?;
                    deltas = rest;
                    Some(i16::from(*delta))
                }
                Symbol::Large => {
                    let (delta, rest) = deltas.split_first_chunk::<2>()?;
                    deltas = rest;
                    Some(i16::from_be_bytes(*delta))
                }
                Symbol::Lost => None,
            })
            .chain(values.iter().copied())
    }

    /// How many packets are spoken of; of more than 65535 the first are written.
    pub fn len(&self) -> usize {
        match self.0 {
            ArrivalsOf::Octets { count, .. } => usize::from(count),
            ArrivalsOf::Values(values) => values.len().min(usize::from(u16::MAX)),
        }
    }

    /// Whether none are.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a> From<&'a [Option<i16>]> for Arrivals<'a> {
    fn from(values: &'a [Option<i16>]) -> Self {
        Self(ArrivalsOf::Values(values))
    }
}

impl PartialEq for Arrivals<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Arrivals<'_> {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Symbol {
    Lost,
    Small,
    Large,
}

impl Symbol {
    const fn from_bits(bits: u16) -> Self {
        match bits & 3 {
            1 => Self::Small,
            2 => Self::Large,
            // 3 is reserved: it comes without a delta.
            _ => Self::Lost,
        }
    }

    fn of(arrival: Option<i16>) -> Self {
        match arrival {
            None => Self::Lost,
            Some(0..=255) => Self::Small,
            Some(_) => Self::Large,
        }
    }

    const fn delta_len(self) -> usize {
        match self {
            Self::Lost => 0,
            Self::Small => 1,
            Self::Large => 2,
        }
    }
}

/// The symbols of chunks, as many as are counted.
fn symbols(chunks: &[u8], count: u16) -> impl Iterator<Item = Symbol> + Clone {
    chunks
        .as_chunks::<2>()
        .0
        .iter()
        .flat_map(|chunk| {
            let chunk = u16::from_be_bytes(*chunk);
            (0..chunk_len(chunk)).map(move |at| match chunk >> 14 {
                0 | 1 => Symbol::from_bits(chunk >> 13),
                2 => Symbol::from_bits((chunk >> (13 - at)) & 1),
                _ => Symbol::from_bits(chunk >> (12 - at * 2)),
            })
        })
        .take(usize::from(count))
}

const fn chunk_len(chunk: u16) -> u16 {
    match chunk >> 14 {
        0 | 1 => chunk & 0x1fff,
        2 => 14,
        _ => 7,
    }
}

/// The octets before the chunks.
const HEAD: usize = 8;

impl<'a> TransportWide<'a> {
    /// Reads the control information of a feedback packet.
    pub(super) fn parse(data: &'a [u8]) -> Result<Self, ParseError> {
        let cut_off = ParseError::new(Fault::Length, data.len());
        let (&[a, b, c, d, e, f, g, feedback_count], rest) =
            data.split_first_chunk::<HEAD>().ok_or(cut_off)?;
        let count = u16::from_be_bytes([c, d]);
        let mut covered = 0u32;
        let mut chunks_len = 0;
        for chunk in rest.as_chunks::<2>().0 {
            if covered >= u32::from(count) {
                break;
            }
            covered += u32::from(chunk_len(u16::from_be_bytes(*chunk)));
            chunks_len += 2;
        }
        if covered < u32::from(count) {
            return Err(cut_off);
        }
        let (chunks, deltas) = rest.split_at_checked(chunks_len).ok_or(cut_off)?;
        let needed: usize = symbols(chunks, count).map(Symbol::delta_len).sum();
        // What is left over is padding to whole words.
        let deltas = deltas.get(..needed).ok_or(cut_off)?;
        Ok(Self {
            base: u16::from_be_bytes([a, b]),
            // The shift carries the sign of 24 bits over to 32.
            reference_time: i32::from_be_bytes([e, f, g, 0]) >> 8,
            feedback_count,
            packets: Arrivals(ArrivalsOf::Octets { chunks, deltas, count }),
        })
    }

    pub(super) fn encoded_len(&self) -> usize {
        let (mut chunks, mut deltas) = (0, 0);
        self.chunks(|_| chunks += 2);
        for arrival in self.packets.iter().take(self.packets.len()) {
            deltas += Symbol::of(arrival).delta_len();
        }
        HEAD + chunks + deltas
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        let [a, b] = self.base.to_be_bytes();
        let [c, d] = u16::try_from(self.packets.len()).unwrap_or(u16::MAX).to_be_bytes();
        let [e, f, g, _] = (self.reference_time << 8).to_be_bytes();
        writer.chunk(&[a, b, c, d, e, f, g, self.feedback_count]);
        self.chunks(|chunk| writer.chunk(&chunk.to_be_bytes()));
        for arrival in self.packets.iter().take(self.packets.len()).flatten() {
            match u8::try_from(arrival) {
                Ok(small) => writer.chunk(&[small]),
                Err(_) => writer.chunk(&arrival.to_be_bytes()),
            }
        }
    }

    /// Gives the chunks that tell of all packets: runs where seven or more are alike.
    fn chunks(&self, mut give: impl FnMut(u16)) {
        let mut symbols = self.packets.iter().take(self.packets.len()).map(Symbol::of);
        let mut next = symbols.next();
        // Symbols that no chunk has told of yet; all alike but for the last.
        let mut waiting = [Symbol::Lost; 7];
        while next.is_some() {
            let mut len = 0;
            let mut alike = true;
            while len < 7
                && let Some(symbol) = next
            {
                next = symbols.next();
                if let Some(cell) = waiting.get_mut(len) {
                    *cell = symbol;
                }
                alike &= symbol == waiting[0];
                len += 1;
            }
            if alike && len == 7 {
                let first = waiting[0];
                let mut run = 7u16;
                while run < 0x1fff && next == Some(first) {
                    next = symbols.next();
                    run += 1;
                }
                give(((first as u16) << 13) | run);
            } else {
                let bits = waiting
                    .iter()
                    .take(len)
                    .zip((0..7u16).rev())
                    .fold(0, |bits, (symbol, at)| bits | ((*symbol as u16) << (at * 2)));
                give(0xc000 | bits);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ssrc;
    use crate::rtcp::{TransportFeedback, TransportMessage};
    use alloc::vec::Vec;
    use handset_testkit::{Random, seeds};

    fn feedback(arrivals: &[Option<i16>]) -> TransportFeedback<'_> {
        TransportFeedback {
            sender: Ssrc(1),
            media: Ssrc(2),
            message: TransportMessage::TransportWide(TransportWide {
                base: 65_530,
                reference_time: -3,
                feedback_count: 9,
                packets: arrivals.into(),
            }),
        }
    }

    #[test]
    fn a_packet_of_the_drafts_form_is_read() {
        // Two in a run of small deltas, then a vector of 2 bits: lost, large.
        let octets = [
            0x8f, 205, 0, 6, 0, 0, 0, 1, 0, 0, 0, 2, //
            0, 10, 0, 4, 0, 0, 1, 7, //
            0x20, 0x02, 0xc8, 0x00, 4, 8, 0xff, 0xfe,
        ];
        let parsed = TransportFeedback::parse(&octets).unwrap();
        let TransportMessage::TransportWide(report) = parsed.message else {
            panic!("{parsed:?}");
        };
        assert_eq!((report.base, report.reference_time, report.feedback_count), (10, 1, 7));
        let arrivals: Vec<_> = report.packets.iter().collect();
        assert_eq!(arrivals, [Some(4), Some(8), None, Some(-2)]);
    }

    #[test]
    fn a_vector_of_one_bit_is_read() {
        let mut octets =
            alloc::vec![0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0];
        octets.extend([0xa8, 0x00, 1, 2]);
        let parsed = TransportFeedback::parse(&octets).unwrap();
        let TransportMessage::TransportWide(report) = parsed.message else {
            panic!("{parsed:?}");
        };
        let arrivals: Vec<_> = report.packets.iter().collect();
        assert_eq!(arrivals, [Some(1), None, Some(2)]);
    }

    #[test]
    fn whatever_has_come_is_written_and_read() {
        seeds(300, |seed| {
            let mut random = Random::new(seed);
            let mut arrivals = Vec::new();
            while arrivals.len() < random.clone().below(400) as usize {
                let arrival = match random.below(3) {
                    0 => None,
                    1 => Some(random.below(256) as i16),
                    _ => Some(random.number() as i16),
                };
                let run = if random.chance(100) { random.below(60) } else { 1 };
                arrivals.extend((0..run).map(|_| arrival));
            }
            let packet = feedback(&arrivals);
            let mut buffer = alloc::vec![0; packet.encoded_len()];
            assert_eq!(packet.write(&mut buffer), Ok(buffer.len()));
            assert_eq!(TransportFeedback::parse(&buffer), Ok(packet));
        });
    }

    #[test]
    fn a_long_run_takes_one_chunk() {
        let packet = feedback(&[None; 500]);
        assert_eq!(packet.encoded_len(), 12 + 8 + 4);
    }

    #[test]
    fn chunks_or_deltas_cut_off_are_refused() {
        let arrivals = [Some(1), None, Some(-1), Some(3)];
        let packet = feedback(&arrivals);
        let mut buffer = alloc::vec![0; packet.encoded_len()];
        packet.write(&mut buffer).unwrap();
        buffer.truncate(buffer.len() - 4);
        buffer[3] -= 1;
        let error = TransportFeedback::parse(&buffer).unwrap_err();
        assert_eq!(error.what, Fault::Length);
    }
}
