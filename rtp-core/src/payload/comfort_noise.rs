//! Comfort noise: what silence sounds like at the sender (RFC 3389).
//!
//! ```text
//! |0|   level     |  N1           |  N2           | ...
//! ```
//!
//! The level is in dB below overload; the coefficients, of which there may be none, are reflection
//! coefficients of an all-pole filter that gives the noise its colour. The static payload type is 13
//! at 8000 Hz; other clocks need a dynamic one. `codec::comfort_noise` makes and plays such noise.

use super::audio::{self, Encoding};
use crate::{BufferTooSmall, Fault, ParseError};

/// Makes payloads; without markers, since noise begins no talk spurt (RFC 3389 section 4).
pub type Packetizer = audio::Packetizer<Noise>;
/// Takes payloads.
pub type Depacketizer = audio::Depacketizer<Noise>;

/// The encoding's rules: a payload is whole, and lasts until the next packet.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Noise;

impl Encoding for Noise {
    const TALK_SPURTS: bool = false;

    fn units(payload: &[u8]) -> Result<u32, ParseError> {
        ComfortNoise::parse(payload).map(|_| 0)
    }

    fn cut(frame: &[u8], limit: usize) -> usize {
        if frame.len() <= limit { frame.len() } else { 0 }
    }
}

/// A payload (RFC 3389 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ComfortNoise<'a> {
    /// How loud the noise is, in dB below overload (-dBov), 0 to 127; a square wave at full scale
    /// is 0.
    pub level: u8,
    /// The reflection coefficients as they are coded; see [`ComfortNoise::coefficients`].
    pub coded: &'a [u8],
}

impl<'a> ComfortNoise<'a> {
    /// Reads a payload in place.
    ///
    /// # Errors
    /// The payload is empty, or the bit above the level is set.
    pub fn parse(payload: &'a [u8]) -> Result<Self, ParseError> {
        let Some((level, coded)) = payload.split_first() else {
            return Err(ParseError::new(Fault::Truncated, 0));
        };
        if level & 0x80 != 0 {
            return Err(ParseError::new(Fault::Value, 0));
        }
        Ok(Self { level: *level, coded })
    }

    /// How many octets the payload takes.
    pub const fn encoded_len(&self) -> usize {
        1 + self.coded.len()
    }

    /// Writes the payload, and says how long it is. A level above 127 is written as 127.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let cells = buffer.get_mut(..needed).ok_or(BufferTooSmall { needed })?;
        if let Some((level, coded)) = cells.split_first_mut() {
            *level = self.level.min(127);
            coded.copy_from_slice(self.coded);
        }
        Ok(needed)
    }

    /// The reflection coefficients, -1 to 1 as -32768 to 32767 (RFC 3389 section 3.2).
    pub fn coefficients(&self) -> impl ExactSizeIterator<Item = i16> + Clone + 'a {
        self.coded.iter().map(|coded| coefficient(*coded))
    }
}

/// A reflection coefficient as it is coded, as a fraction of 32768: 258 · (N - 127), and the one
/// code that would pass 1 as the most that there is.
pub const fn coefficient(coded: u8) -> i16 {
    let fraction = 258 * (coded as i32 - 127);
    if fraction > 32_767 { 32_767 } else { fraction as i16 }
}

/// The code that is nearest to a reflection coefficient.
pub const fn coded(coefficient: i16) -> u8 {
    let nearest = (coefficient as i32 + 127 * 258 + 129) / 258;
    // 32768 / 258 is 127.0: never below 0, and 254 at most.
    if nearest < 0 { 0 } else { nearest as u8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_read_and_written() {
        let noise = ComfortNoise::parse(&[0x28, 127, 0, 254]).expect("it is whole");
        assert_eq!(noise.level, 40);
        assert!(noise.coefficients().eq([0, -32_766, 32_766]));
        let mut buffer = [0; 4];
        assert_eq!(noise.write(&mut buffer), Ok(4));
        assert_eq!(buffer, [0x28, 127, 0, 254]);
        assert_eq!(noise.write(&mut [0; 3]), Err(BufferTooSmall { needed: 4 }));
    }

    #[test]
    fn nothing_and_a_set_upper_bit_are_no_noise() {
        assert!(ComfortNoise::parse(&[]).is_err());
        assert_eq!(ComfortNoise::parse(&[0x80]), Err(ParseError::new(Fault::Value, 0)));
    }

    #[test]
    fn a_coefficient_is_coded_as_the_nearest_one() {
        for code in 0..=254 {
            assert_eq!(coded(coefficient(code)), code);
        }
        assert_eq!(coefficient(255), 32_767);
        for value in i16::MIN..=i16::MAX {
            let back = i32::from(coefficient(coded(value)));
            assert!((back - i32::from(value)).abs() <= 129, "{value} {back}");
        }
    }
}
