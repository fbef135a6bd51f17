//! Goodbyes (RFC 3550 section 6.6).

use super::{HEADER_LEN, Raw, Writer, packet_type};
use crate::packet::Csrcs;
use crate::{BufferTooSmall, Fault, ParseError};

/// Sources that leave (RFC 3550 section 6.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Goodbye<'a> {
    /// Who leaves; the first 31 are written.
    pub sources: Csrcs<'a>,
    /// Why, in UTF-8; the first 255 octets are written, and nothing where it is empty.
    pub reason: &'a [u8],
}

impl<'a> Goodbye<'a> {
    /// Reads one packet; what follows it is not looked at.
    ///
    /// # Errors
    /// It is no goodbye, or is cut off.
    pub fn parse(octets: &'a [u8]) -> Result<Self, ParseError> {
        Self::from_raw(Raw::parse_prefix(octets)?.0)
    }

    pub(super) fn from_raw(raw: Raw<'a>) -> Result<Self, ParseError> {
        if raw.packet_type != packet_type::BYE {
            return Err(ParseError::new(Fault::PacketType, 1));
        }
        let cut_off = ParseError::new(Fault::Length, HEADER_LEN + raw.body.len());
        let (sources, rest) =
            raw.body.split_at_checked(usize::from(raw.count) * 4).ok_or(cut_off)?;
        let reason = match rest.split_first() {
            Some((len, text)) => text.get(..usize::from(*len)).ok_or(cut_off)?,
            None => &[],
        };
        Ok(Self { sources: Csrcs::received(sources), reason })
    }

    /// How many octets the packet takes.
    #[inline]
    pub fn encoded_len(&self) -> usize {
        let reason = match self.reason.len() {
            0 => 0,
            len => (1 + len.min(255)).next_multiple_of(4),
        };
        HEADER_LEN + self.sources.len().min(31) * 4 + reason
    }

    /// Writes the packet, and says how long it is.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let count = self.sources.len().min(31) as u8;
        let mut writer = Writer::begin(buffer, needed, count, packet_type::BYE)?;
        for source in self.sources.iter().take(31) {
            writer.chunk(&source.0.to_be_bytes());
        }
        if !self.reason.is_empty() {
            let reason = self.reason.get(..255).unwrap_or(self.reason);
            writer.chunk(&[reason.len() as u8]);
            writer.slice(reason);
        }
        Ok(writer.end(needed))
    }
}
