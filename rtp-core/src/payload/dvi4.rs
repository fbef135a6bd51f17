//! DVI4: ADPCM of four bits with its state in each packet (RFC 3551 section 4.5.1).
//!
//! ```text
//! |        predicted value        |     index     |   reserved    |
//! | sample 0| sample 1| two samples an octet, the first in the upper half ...
//! ```
//!
//! The state lets a decoder begin with any packet, so that a loss spoils nothing behind it. Windows
//! Messenger uses payload types 5 (8000 Hz) and 6 (16000 Hz).

use super::audio::{self, Encoding};
use crate::{BufferTooSmall, Fault, ParseError};

/// Makes payloads of blocks as an encoder gives them, with their state.
pub type Packetizer = audio::Packetizer<Dvi4>;
/// Takes payloads.
pub type Depacketizer = audio::Depacketizer<Dvi4>;

/// The encoding's rules: a block cannot be cut, since its state is that of its beginning.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Dvi4;

impl Encoding for Dvi4 {
    fn units(payload: &[u8]) -> Result<u32, ParseError> {
        Ok(Block::parse(payload)?.sample_count())
    }

    fn cut(frame: &[u8], limit: usize) -> usize {
        if frame.len() <= limit { frame.len() } else { 0 }
    }
}

/// A payload: a state, and the codes that follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Block<'a> {
    /// The value predicted for the first sample, by the samples before.
    pub predicted: i16,
    /// The index into the table of step sizes, 0 to 88.
    pub index: u8,
    /// The codes, two an octet.
    pub codes: &'a [u8],
}

impl<'a> Block<'a> {
    /// The octets of the state.
    pub const HEADER_LEN: usize = 4;
    /// The greatest index.
    pub const INDEX_MAX: u8 = 88;

    /// Reads a payload in place.
    ///
    /// # Errors
    /// The payload is shorter than the state, or the index is beyond the table.
    pub fn parse(payload: &'a [u8]) -> Result<Self, ParseError> {
        let Some((&[high, low, index, _], codes)) = payload.split_first_chunk() else {
            return Err(ParseError::new(Fault::Truncated, payload.len()));
        };
        if index > Self::INDEX_MAX {
            return Err(ParseError::new(Fault::Value, 2));
        }
        Ok(Self { predicted: i16::from_be_bytes([high, low]), index, codes })
    }

    /// How many octets the payload takes.
    pub const fn encoded_len(&self) -> usize {
        Self::HEADER_LEN + self.codes.len()
    }

    /// Writes the payload, and says how long it is.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let too_small = BufferTooSmall { needed };
        let cells = buffer.get_mut(..needed).ok_or(too_small)?;
        let (header, codes) = cells.split_first_chunk_mut::<4>().ok_or(too_small)?;
        let [high, low] = self.predicted.to_be_bytes();
        *header = [high, low, self.index, 0];
        codes.copy_from_slice(self.codes);
        Ok(needed)
    }

    /// How many samples there are.
    pub const fn sample_count(&self) -> u32 {
        (self.codes.len() as u32).saturating_mul(2)
    }

    /// The codes in the order of samples, 0 to 15 each.
    pub fn samples(&self) -> impl Iterator<Item = u8> + Clone + 'a {
        self.codes.iter().flat_map(|octet| [octet >> 4, octet & 0x0f])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_read_and_written() {
        let octets = [0xff, 0x38, 42, 0, 0x12, 0xf0];
        let block = Block::parse(&octets).expect("it is whole");
        assert_eq!((block.predicted, block.index, block.sample_count()), (-200, 42, 4));
        assert!(block.samples().eq([1, 2, 15, 0]));
        let mut buffer = [0xee; 6];
        assert_eq!(block.write(&mut buffer), Ok(6));
        assert_eq!(buffer, octets);
        assert_eq!(block.write(&mut [0; 5]), Err(BufferTooSmall { needed: 6 }));
    }

    #[test]
    fn an_index_beyond_the_table_and_a_cut_state_are_refused() {
        assert_eq!(Block::parse(&[0, 0, 89, 0]), Err(ParseError::new(Fault::Value, 2)));
        assert_eq!(Block::parse(&[0, 0, 1]), Err(ParseError::new(Fault::Truncated, 3)));
    }

    #[test]
    fn twenty_milliseconds_at_8000_hz_are_84_octets() {
        assert_eq!(Dvi4::units(&[0; 84]), Ok(160));
        assert_eq!(Dvi4::cut(&[0; 84], 83), 0);
    }
}
