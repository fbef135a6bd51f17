//! The headers of a JPEG image (ITU-T T.81 annex B): read from an encoder's, made for a decoder.

use super::super::Error;
use super::tables::HUFFMAN;
use crate::{Fault, ParseError};

/// EOI.
pub(super) const END: [u8; 2] = [0xff, 0xd9];
/// SOI.
const START: [u8; 2] = [0xff, 0xd8];

/// How the colours are sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Sampling {
    /// 4:2:2: one of two columns.
    Columns,
    /// 4:2:0: one of two columns and rows.
    ColumnsAndRows,
}

impl Sampling {
    /// That of a type of RFC 2435 section 4.1, where it is one of those two.
    pub const fn of(jpeg_type: u8) -> Option<Self> {
        match jpeg_type {
            0 => Some(Self::Columns),
            1 => Some(Self::ColumnsAndRows),
            _ => None,
        }
    }

    /// The type.
    pub const fn jpeg_type(self) -> u8 {
        match self {
            Self::Columns => 0,
            Self::ColumnsAndRows => 1,
        }
    }

    /// The factors of brightness, as SOF0 has them; those of colour are 1 and 1.
    const fn factors(self) -> u8 {
        match self {
            Self::Columns => 0x21,
            Self::ColumnsAndRows => 0x22,
        }
    }
}

/// What the headers of an encoder's image say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Image {
    pub(super) sampling: Sampling,
    /// In pixels, rounded up to multiples of 8.
    pub(super) size: (u16, u16),
    pub(super) restart_interval: u16,
    /// Where the scan begins and ends.
    pub(super) scan: (usize, usize),
    /// Where the tables of brightness and of colour stand.
    quantization: [usize; 2],
}

impl Image {
    pub(super) fn parse(image: &[u8]) -> Result<Self, ParseError> {
        let wrong = |at| ParseError::new(Fault::Value, at);
        let truncated = ParseError::new(Fault::Truncated, image.len());
        let mut rest = image.strip_prefix(&START).ok_or(wrong(0))?;
        let mut tables = [None; 4];
        let mut frame = None;
        let mut restart_interval = 0;
        loop {
            let at = image.len() - rest.len();
            let (&[mark, kind], behind) = rest.split_first_chunk().ok_or(truncated)?;
            if mark != 0xff {
                return Err(wrong(at));
            }
            if kind == 0xff {
                // Any number of these may stand before a marker.
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            let len = behind.first_chunk().map(|len| usize::from(u16::from_be_bytes(*len)));
            let len = len.ok_or(truncated)?;
            let segment = behind.get(2..len.max(2)).ok_or(truncated)?;
            rest = behind.get(len.max(2)..).unwrap_or_default();
            match kind {
                0xdb => find_tables(segment, at + 4, &mut tables).ok_or(wrong(at))?,
                0xc4 if !are_known(segment) => return Err(wrong(at)),
                0xc0 => frame = Some(Frame::parse(segment).ok_or(wrong(at))?),
                // All other kinds of coding.
                0xc1..=0xc3 | 0xc5..=0xcf if kind != 0xc8 && kind != 0xcc => return Err(wrong(at)),
                0xdd => {
                    let interval = segment.first_chunk().ok_or(truncated)?;
                    restart_interval = u16::from_be_bytes(*interval);
                }
                0xda => break,
                _ => {}
            }
        }
        let begin = image.len() - rest.len();
        let end = rest.windows(2).rposition(|pair| pair == END).unwrap_or(rest.len());
        let frame: Frame = frame.ok_or(wrong(begin))?;
        let table = |id: u8| tables.get(usize::from(id)).copied().flatten().ok_or(wrong(begin));
        Ok(Self {
            sampling: frame.sampling,
            size: frame.size,
            restart_interval,
            scan: (begin, begin + end),
            quantization: [table(frame.tables[0])?, table(frame.tables[1])?],
        })
    }

    /// The tables of the image that was read.
    pub(super) fn tables(&self, image: &[u8]) -> [u8; 128] {
        let mut tables = [0; 128];
        for (half, at) in tables.as_chunks_mut::<64>().0.iter_mut().zip(self.quantization) {
            if let Some(table) = image.get(at..).and_then(<[u8]>::first_chunk) {
                *half = *table;
            }
        }
        tables
    }
}

/// What SOF0 says.
#[derive(Clone, Copy)]
struct Frame {
    sampling: Sampling,
    size: (u16, u16),
    /// The numbers of the tables of brightness and of colour.
    tables: [u8; 2],
}

impl Frame {
    fn parse(segment: &[u8]) -> Option<Self> {
        let (&[precision, h1, h0, w1, w0, count], components) = segment.split_first_chunk()?;
        let &[_, factors, first, _, 0x11, second, _, 0x11, third] = components else { return None };
        if precision != 8 || count != 3 || second != third {
            return None;
        }
        let sampling = match factors {
            0x21 => Sampling::Columns,
            0x22 => Sampling::ColumnsAndRows,
            _ => return None,
        };
        let rounded = |high, low| {
            let pixels = u16::from_be_bytes([high, low]).checked_next_multiple_of(8)?;
            (8..=2040).contains(&pixels).then_some(pixels)
        };
        Some(Self { sampling, size: (rounded(w1, w0)?, rounded(h1, h0)?), tables: [first, second] })
    }
}

/// Notes where the tables of a DQT segment stand, which itself begins at `at`.
fn find_tables(segment: &[u8], at: usize, tables: &mut [Option<usize>; 4]) -> Option<()> {
    for (number, table) in segment.chunks(65).enumerate() {
        let (id, values) = table.split_first()?;
        // Those of 16 bits have another number in the upper half.
        let place = tables.get_mut(usize::from(*id))?;
        (values.len() == 64).then_some(())?;
        *place = Some(at + number * 65 + 1);
    }
    Some(())
}

/// Whether the tables of a DHT segment are those of annex K.
fn are_known(segment: &[u8]) -> bool {
    let mut rest = segment;
    while let Some((id, behind)) = rest.split_first() {
        let Some(known) = HUFFMAN.iter().find(|known| known.id == *id) else { return false };
        let after = behind.strip_prefix(&known.lengths);
        let Some(after) = after.and_then(|after| after.strip_prefix(known.values)) else {
            return false;
        };
        rest = after;
    }
    true
}

/// Writes all that stands before a scan (RFC 2435 appendix B).
pub(super) fn write_headers(
    tables: &[u8; 128],
    sampling: Sampling,
    (width, height): (u16, u16),
    restart_interval: u16,
    mut write: impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    write(&START)?;
    for (id, table) in (0..).zip(tables.as_chunks::<64>().0) {
        write(&[0xff, 0xdb, 0, 67, id])?;
        write(table)?;
    }
    if restart_interval > 0 {
        let [high, low] = restart_interval.to_be_bytes();
        write(&[0xff, 0xdd, 0, 4, high, low])?;
    }
    let ([h1, h0], [w1, w0]) = (height.to_be_bytes(), width.to_be_bytes());
    let factors = sampling.factors();
    write(&[0xff, 0xc0, 0, 17, 8, h1, h0, w1, w0, 3])?;
    write(&[1, factors, 0, 2, 0x11, 1, 3, 0x11, 1])?;
    for table in HUFFMAN {
        // 19 more than the values, of which there are 162 at most.
        write(&[0xff, 0xc4, 0, (table.values.len() + 19) as u8, table.id])?;
        write(&table.lengths)?;
        write(table.values)?;
    }
    write(&[0xff, 0xda, 0, 12, 3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0])
}
