//! Packets that an application defines (RFC 3550 section 6.7).

use super::{HEADER_LEN, Raw, Writer, packet_type};
use crate::{BufferTooSmall, Fault, ParseError, Ssrc};

/// An application's own packet (RFC 3550 section 6.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Application<'a> {
    /// What the application makes of it, 0 to 31.
    pub subtype: u8,
    /// Who sends it.
    pub ssrc: Ssrc,
    /// Four characters of ASCII that name the application.
    pub name: [u8; 4],
    /// Its data; filled up to whole words with zeros when written.
    pub data: &'a [u8],
}

impl<'a> Application<'a> {
    /// Reads one packet; what follows it is not looked at.
    ///
    /// # Errors
    /// It is of another type, or is cut off.
    pub fn parse(octets: &'a [u8]) -> Result<Self, ParseError> {
        Self::from_raw(Raw::parse_prefix(octets)?.0)
    }

    pub(super) fn from_raw(raw: Raw<'a>) -> Result<Self, ParseError> {
        if raw.packet_type != packet_type::APP {
            return Err(ParseError::new(Fault::PacketType, 1));
        }
        let cut_off = ParseError::new(Fault::Length, HEADER_LEN + raw.body.len());
        let (ssrc, rest) = raw.body.split_first_chunk::<4>().ok_or(cut_off)?;
        let (name, data) = rest.split_first_chunk::<4>().ok_or(cut_off)?;
        Ok(Self { subtype: raw.count, ssrc: Ssrc(u32::from_be_bytes(*ssrc)), name: *name, data })
    }

    /// How many octets the packet takes.
    pub fn encoded_len(&self) -> usize {
        HEADER_LEN + 8 + self.data.len().next_multiple_of(4)
    }

    /// Writes the packet, and says how long it is.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let mut writer = Writer::begin(buffer, needed, self.subtype, packet_type::APP)?;
        writer.chunk(&self.ssrc.0.to_be_bytes());
        writer.chunk(&self.name);
        writer.slice(self.data);
        Ok(writer.end(needed))
    }
}
