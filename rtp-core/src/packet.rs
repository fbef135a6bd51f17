//! RTP packets (RFC 3550 section 5.1).
//!
//! ```text
//!  0                   1                   2                   3
//! |V=2|P|X|  CC   |M|     PT      |       sequence number         |
//! |                           timestamp                           |
//! |           synchronization source (SSRC) identifier            |
//! |        0 to 15 contributing source (CSRC) identifiers         |
//! |    if X:  defined by profile  |  length in words of 32 bits   |
//! |                   header extension data ...                   |
//! |                          payload ...                          |
//! |          if P: padding, the last octet counts it              |
//! ```
//!
//! [`Packet::parse`] is a view over the datagram; [`Packet::write`] makes one.

use core::fmt;

use crate::extension::HeaderExtension;
use crate::{BufferTooSmall, Fault, Fixed, List, ParseError};

/// The octets of a header without CSRCs and extension.
pub const FIXED_HEADER_LEN: usize = 12;

/// Names a source of packets, or a participant, within a session (RFC 3550 section 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ssrc(pub u32);

impl fmt::Display for Ssrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl From<u32> for Ssrc {
    fn from(number: u32) -> Self {
        Self(number)
    }
}

impl Fixed<4> for Ssrc {
    #[inline]
    fn from_octets(octets: &[u8; 4]) -> Self {
        Self(u32::from_be_bytes(*octets))
    }

    #[inline]
    fn to_octets(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }
}

/// The sources that a mixer has mixed into a packet (RFC 3550 section 5.1, CSRC).
pub type Csrcs<'a> = List<'a, Ssrc, 4>;

/// An RTP packet (RFC 3550 section 5.1).
///
/// ```
/// use rtp_core::{Ssrc, packet::Packet};
/// let packet = Packet {
///     payload_type: 0,
///     sequence_number: 7,
///     timestamp: 160,
///     ssrc: Ssrc(0xdecade),
///     payload: b"sound",
///     ..Packet::default()
/// };
/// let mut datagram = [0; 64];
/// let len = packet.write(&mut datagram)?;
/// assert_eq!(Packet::parse(&datagram[..len]).unwrap(), packet);
/// # Ok::<(), rtp_core::BufferTooSmall>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Packet<'a> {
    /// What the profile makes of it: the first packet of a talk spurt, the last of a frame.
    pub marker: bool,
    /// The payload's format, 0 to 127; the upper bit is not written.
    pub payload_type: u8,
    /// Counts packets, and begins anywhere.
    pub sequence_number: u16,
    /// When the first octet of the payload was sampled, in units of the payload's clock.
    pub timestamp: u32,
    /// The source.
    pub ssrc: Ssrc,
    /// The sources mixed into the payload; the first 15 are written.
    pub csrcs: Csrcs<'a>,
    /// The header extension, if there is one.
    pub extension: Option<HeaderExtension<'a>>,
    /// The payload without its padding.
    pub payload: &'a [u8],
    /// How many octets of padding follow the payload, with the one that counts them; 0 for none.
    pub padding: u8,
}

impl<'a> Packet<'a> {
    /// Reads a packet in place.
    ///
    /// # Errors
    /// The datagram is cut off, has another version than 2, or its padding is impossible (the
    /// checks of RFC 3550 appendix A.1 that need no knowledge of the session).
    #[inline]
    pub fn parse(datagram: &'a [u8]) -> Result<Self, ParseError> {
        let Some((fixed, rest)) = datagram.split_first_chunk::<FIXED_HEADER_LEN>() else {
            return Err(ParseError::new(Fault::Truncated, datagram.len()));
        };
        if fixed[0] >> 6 != 2 {
            return Err(ParseError::new(Fault::Version, 0));
        }
        let mut packet = Self {
            marker: fixed[1] & 0x80 != 0,
            payload_type: fixed[1] & 0x7f,
            sequence_number: u16::from_be_bytes([fixed[2], fixed[3]]),
            timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            ssrc: Ssrc(u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]])),
            csrcs: Csrcs::EMPTY,
            extension: None,
            payload: rest,
            padding: 0,
        };
        // Most packets have nothing but the fixed header.
        if fixed[0] & 0x3f != 0 {
            packet.parse_options(fixed[0], rest)?;
        }
        Ok(packet)
    }

    /// How many octets the packet takes.
    #[inline]
    pub fn encoded_len(&self) -> usize {
        self.header_len() + self.payload.len() + usize::from(self.padding)
    }

    /// How many octets the header takes, with CSRCs and extension.
    #[inline]
    pub fn header_len(&self) -> usize {
        let extension = match self.extension {
            Some(extension) => extension.encoded_len(),
            None => 0,
        };
        FIXED_HEADER_LEN + self.csrcs.len().min(15) * 4 + extension
    }

    /// Writes the packet, and says how long it is.
    ///
    /// # Errors
    /// The buffer is too small; nothing is written then.
    #[inline]
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let len = self.encoded_len();
        let Some(buffer) = buffer.get_mut(..len) else {
            return Err(BufferTooSmall { needed: len });
        };
        let Some(rest) = self.fill_header(buffer) else {
            return Err(BufferTooSmall { needed: len });
        };
        // The buffer was cut to the packet's length: what is left are payload and padding.
        if let Some((payload, padding)) = rest.split_at_mut_checked(self.payload.len()) {
            copy(payload, self.payload);
            if let Some((count, zeros)) = padding.split_last_mut() {
                zeros.fill(0);
                *count = self.padding;
            }
        }
        Ok(len)
    }

    /// Writes the header only, and says how long it is: for a host that has its payload written
    /// to its place behind the header already.
    ///
    /// # Errors
    /// The buffer is too small; nothing is written then.
    #[inline]
    pub fn write_header(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.header_len();
        match buffer.get_mut(..needed).and_then(|buffer| self.fill_header(buffer)) {
            Some(_) => Ok(needed),
            None => Err(BufferTooSmall { needed }),
        }
    }

    /// Writes the header, and gives what is left of the buffer.
    #[inline]
    fn fill_header<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b mut [u8]> {
        let (fixed, mut rest) = buffer.split_first_chunk_mut::<FIXED_HEADER_LEN>()?;
        let csrcs = self.csrcs.len().min(15);
        let first = 0x80
            | (u8::from(self.padding != 0) << 5)
            | (u8::from(self.extension.is_some()) << 4)
            // At most 15.
            | csrcs as u8;
        let second = (u8::from(self.marker) << 7) | (self.payload_type & 0x7f);
        let sequence = self.sequence_number.to_be_bytes();
        let timestamp = self.timestamp.to_be_bytes();
        let ssrc = self.ssrc.0.to_be_bytes();
        *fixed = [
            first,
            second,
            sequence[0],
            sequence[1],
            timestamp[0],
            timestamp[1],
            timestamp[2],
            timestamp[3],
            ssrc[0],
            ssrc[1],
            ssrc[2],
            ssrc[3],
        ];
        if csrcs > 0 {
            let (cells, after) = rest.split_at_mut_checked(csrcs * 4)?;
            self.csrcs.write(cells);
            rest = after;
        }
        match self.extension {
            Some(extension) => extension.fill(rest),
            None => Some(rest),
        }
    }

    /// Reads what the first octet promises beside the fixed header: CSRCs, extension, padding.
    fn parse_options(&mut self, first: u8, rest: &'a [u8]) -> Result<(), ParseError> {
        let end = FIXED_HEADER_LEN.saturating_add(rest.len());
        let cut_off = ParseError::new(Fault::Truncated, end);
        let (csrcs, rest) = rest.split_at_checked(usize::from(first & 0x0f) * 4).ok_or(cut_off)?;
        self.csrcs = Csrcs::received(csrcs);
        let mut payload = rest;
        if first & 0x10 != 0 {
            let (extension, after) = HeaderExtension::parse_prefix(rest).ok_or(cut_off)?;
            self.extension = Some(extension);
            payload = after;
        }
        if first & 0x20 != 0 {
            let bad = ParseError::new(Fault::Padding, end.saturating_sub(1));
            let count = *payload.last().ok_or(bad)?;
            let len = payload.len().checked_sub(usize::from(count)).ok_or(bad)?;
            payload = payload.get(..len).filter(|_| count != 0).ok_or(bad)?;
            self.padding = count;
        }
        self.payload = payload;
        Ok(())
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

/// What can be read of a packet whose payload is encrypted: its padding cannot.
#[cfg(feature = "srtp")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prefix {
    /// How long the header is, with CSRCs and extension.
    pub(crate) len: usize,
    pub(crate) ssrc: Ssrc,
    pub(crate) sequence_number: u16,
}

#[cfg(feature = "srtp")]
impl Prefix {
    #[inline]
    pub(crate) fn parse(datagram: &[u8]) -> Result<Self, ParseError> {
        let cut_off = ParseError::new(Fault::Truncated, datagram.len());
        let (fixed, rest) = datagram.split_first_chunk::<FIXED_HEADER_LEN>().ok_or(cut_off)?;
        if fixed[0] >> 6 != 2 {
            return Err(ParseError::new(Fault::Version, 0));
        }
        let csrcs = usize::from(fixed[0] & 0x0f) * 4;
        let (_, after) = rest.split_at_checked(csrcs).ok_or(cut_off)?;
        let mut len = FIXED_HEADER_LEN + csrcs;
        if fixed[0] & 0x10 != 0 {
            len += HeaderExtension::parse_prefix(after).ok_or(cut_off)?.0.encoded_len();
        }
        Ok(Self {
            len,
            ssrc: Ssrc(u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]])),
            sequence_number: u16::from_be_bytes([fixed[2], fixed[3]]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use handset_testkit::{Random, seeds};

    const PLAIN: [u8; 16] = [0x80, 0x88, 0x12, 0x34, 0, 0, 0, 160, 1, 2, 3, 4, 9, 8, 7, 6];

    #[test]
    fn a_plain_packet_is_read_and_written() {
        let packet = Packet::parse(&PLAIN).unwrap();
        assert_eq!(
            packet,
            Packet {
                marker: true,
                payload_type: 8,
                sequence_number: 0x1234,
                timestamp: 160,
                ssrc: Ssrc(0x0102_0304),
                payload: &[9, 8, 7, 6],
                ..Packet::default()
            }
        );
        let mut buffer = [0xff; 16];
        assert_eq!(packet.write(&mut buffer), Ok(16));
        assert_eq!(buffer, PLAIN);
    }

    #[test]
    fn csrcs_extension_and_padding_are_read_and_written() {
        let extension = HeaderExtension { profile: 0xbede, data: &[0x10, 0x42, 0, 0] };
        let packet = Packet {
            csrcs: Csrcs::from(&[Ssrc(5), Ssrc(6)]),
            extension: Some(extension),
            payload: b"abc",
            padding: 5,
            ..Packet::default()
        };
        let mut buffer = [0xff; 64];
        let len = packet.write(&mut buffer).unwrap();
        assert_eq!(len, 12 + 8 + 8 + 3 + 5);
        assert_eq!(len, packet.encoded_len());
        assert_eq!(buffer[0], 0x80 | 0x20 | 0x10 | 2);
        assert_eq!(&buffer[len - 5..len], [0, 0, 0, 0, 5]);
        assert_eq!(Packet::parse(&buffer[..len]), Ok(packet));
    }

    #[test]
    fn each_fault_is_named_with_its_place() {
        let table: [(&[u8], Fault, usize); 9] = [
            (&[], Fault::Truncated, 0),
            (&PLAIN[..11], Fault::Truncated, 11),
            (&[0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], Fault::Version, 0),
            // One CSRC is promised.
            (&[0x81, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3], Fault::Truncated, 15),
            // An extension is promised: no header, then too few words.
            (&[0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3], Fault::Truncated, 15),
            (&[0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 1], Fault::Truncated, 16),
            // Padding: nothing to hold the count, a count of nothing, a count of too much.
            (&[0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], Fault::Padding, 11),
            (&[0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], Fault::Padding, 12),
            (&[0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2], Fault::Padding, 12),
        ];
        for (datagram, what, at) in table {
            assert_eq!(Packet::parse(datagram), Err(ParseError { what, at }), "{datagram:x?}");
        }
    }

    #[test]
    fn a_buffer_too_small_is_refused_with_what_is_needed() {
        let packet = Packet { payload: &[0; 160], ..Packet::default() };
        assert_eq!(packet.write(&mut [0; 171]), Err(BufferTooSmall { needed: 172 }));
        assert_eq!(packet.write_header(&mut [0; 11]), Err(BufferTooSmall { needed: 12 }));
        assert_eq!(packet.write_header(&mut [0; 12]), Ok(12));
    }

    #[test]
    fn sixteen_csrcs_are_cut_to_fifteen() {
        let csrcs = [Ssrc(1); 16];
        let packet = Packet { csrcs: Csrcs::from(&csrcs), ..Packet::default() };
        let mut buffer = [0; 100];
        let len = packet.write(&mut buffer).unwrap();
        assert_eq!(Packet::parse(&buffer[..len]).unwrap().csrcs.len(), 15);
    }

    #[test]
    fn whatever_is_read_is_written_the_same() {
        seeds(2000, |seed| {
            let mut random = Random::new(seed);
            let len = random.below(80) as usize;
            let mut octets = random.octets(len);
            if let Some(first) = octets.first_mut() {
                *first = 0x80 | (*first & 0x3f);
            }
            if let Ok(packet) = Packet::parse(&octets) {
                let mut buffer = vec![0; packet.encoded_len()];
                packet.write(&mut buffer).unwrap();
                assert_eq!(Packet::parse(&buffer), Ok(packet));
                assert_eq!(buffer.len(), octets.len());
                // Only the padding's own octets are free.
                let solid = octets.len() - usize::from(packet.padding);
                assert_eq!(buffer[..solid], octets[..solid]);
            }
        });
    }
}
