//! TPKT: packets in a TCP stream (RFC 1006 section 6, T.123 section 8).
//!
//! ```text
//!   0        1        2        3        4
//!  +--------+--------+--------+--------+----------------
//!  |   3    |   0    |      length     |  one TPDU …
//!  +--------+--------+--------+--------+----------------
//! ```

use crate::error::{BufferTooSmall, Fault, ParseError};

/// The octets of the header.
pub const HEADER_LEN: usize = 4;
/// The greatest packet, in octets, with its header.
pub const MAX_LEN: usize = 65535;

/// A packet: a view of its TPDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Tpkt<'a> {
    /// The TPDU.
    pub payload: &'a [u8],
}

/// How long the packet is that begins with `octets`, header included; `None` where the header is
/// not whole yet.
///
/// # Errors
/// The version is not 3, or the length is below that of any TPDU (7).
#[inline]
pub fn frame_len(octets: &[u8]) -> Result<Option<usize>, ParseError> {
    match octets {
        [3, _, high, low, ..] => {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            if length < 7 {
                return Err(ParseError { what: Fault::BadLength, at: 2 });
            }
            Ok(Some(length))
        }
        [] | [3] | [3, _] | [3, _, _] => Ok(None),
        _ => Err(ParseError { what: Fault::BadVersion, at: 0 }),
    }
}

/// Copies as many octets as both have. Unlike the copy of a slice to one of its length, which is
/// what all callers mean, it has nothing to check that could fail.
#[inline]
pub(crate) fn copy(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

impl<'a> Tpkt<'a> {
    /// Reads the packet that fills `octets`.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(octets: &'a [u8]) -> Result<Self, ParseError> {
        match frame_len(octets)? {
            Some(length) if length == octets.len() => {
                Ok(Self { payload: octets.get(HEADER_LEN..).unwrap_or_default() })
            }
            Some(length) if length < octets.len() => {
                Err(ParseError { what: Fault::TrailingOctets, at: length })
            }
            _ => Err(ParseError { what: Fault::UnexpectedEnd, at: octets.len() }),
        }
    }

    /// How many octets the packet has.
    pub const fn encoded_len(&self) -> usize {
        HEADER_LEN + self.payload.len()
    }

    /// Writes the packet to the start of `buffer`; returns its length in octets.
    ///
    /// # Errors
    /// The buffer is too small, or the packet would be longer than [`MAX_LEN`], and no buffer
    /// would do.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let length = u16::try_from(needed).map_err(|_| BufferTooSmall { needed })?;
        let room = buffer.get_mut(..needed).ok_or(BufferTooSmall { needed })?;
        if let Some((head, payload)) = room.split_first_chunk_mut::<HEADER_LEN>() {
            *head = header(length);
            copy(payload, self.payload);
        }
        Ok(needed)
    }
}

/// The header of a packet of `length` octets, header included.
#[inline]
pub const fn header(length: u16) -> [u8; HEADER_LEN] {
    let [high, low] = length.to_be_bytes();
    [3, 0, high, low]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_written_as_it_was_read() {
        let packet = [3, 0, 0, 7, 2, 0xf0, 0x80];
        let tpkt = Tpkt::parse(&packet).unwrap();
        let mut buffer = [0; 7];
        assert_eq!(tpkt.write(&mut buffer), Ok(7));
        assert_eq!(buffer, packet);
        assert_eq!(tpkt.write(&mut buffer[..6]), Err(BufferTooSmall { needed: 7 }));
    }

    #[test]
    fn a_header_cut_anywhere_asks_for_more_and_a_bad_one_is_refused() {
        for cut in 0..4 {
            assert_eq!(frame_len(&[3, 0, 0, 7][..cut]), Ok(None));
        }
        assert_eq!(frame_len(&[3, 0, 1, 0]), Ok(Some(256)));
        let version = ParseError { what: Fault::BadVersion, at: 0 };
        assert_eq!(frame_len(&[2]), Err(version));
        let short = ParseError { what: Fault::BadLength, at: 2 };
        assert_eq!(frame_len(&[3, 0, 0, 6]), Err(short));
    }

    #[test]
    fn a_packet_that_is_too_short_or_too_long_says_where() {
        let short = Tpkt::parse(&[3, 0, 0, 8, 2, 0xf0, 0x80]);
        assert_eq!(short, Err(ParseError { what: Fault::UnexpectedEnd, at: 7 }));
        let long = Tpkt::parse(&[3, 0, 0, 7, 2, 0xf0, 0x80, 9]);
        assert_eq!(long, Err(ParseError { what: Fault::TrailingOctets, at: 7 }));
    }
}
