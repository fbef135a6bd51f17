//! NetMeeting's chat ([MS-MNPR] 2.2.6): texts on an MCS channel.
//!
//! ```text
//!   | 8 | 0 0 0 0 0 0 0 | UTF-16, the least octet first … | 0 0 |
//! ```
//!
//! Who says it is the MCS initiator, and all on the channel hear it: there is nothing else to know,
//! and so no state to keep. The number of the channel is not known.

use core::fmt;

use super::wire;
use crate::error::{BufferTooSmall, Fault, ParseError};

/// The octets before the text.
const HEADER: usize = 8;

/// What somebody says.
#[derive(Clone, Copy)]
pub struct ChatMessage<'a>(Source<'a>);

#[derive(Clone, Copy)]
enum Source<'a> {
    Wire(&'a [u8]),
    Text(&'a str),
}

impl<'a> ChatMessage<'a> {
    /// What is to be said; a zero in it would end it there, and is left out.
    pub const fn new(text: &'a str) -> Self {
        Self(Source::Text(text))
    }

    /// Reads what came in one MCS user data. A text without a zero at its end is taken too, and
    /// so is a header of another length than 8.
    ///
    /// # Errors
    /// There is no text.
    pub fn parse(octets: &'a [u8]) -> Result<Self, ParseError> {
        let header = usize::from(wire::at::<u8>(octets, 0)).max(1);
        let text = octets.get(header..).filter(|_| !octets.is_empty());
        let text = text.ok_or(wire::error(Fault::UnexpectedEnd, octets.len()))?;
        if !text.len().is_multiple_of(2) {
            return Err(wire::error(Fault::BadLength, octets.len()));
        }
        Ok(Self(Source::Wire(text)))
    }

    /// The characters; a lone surrogate is U+FFFD.
    pub fn chars(&self) -> impl Iterator<Item = char> + 'a {
        char::decode_utf16(self.units()).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// How many octets the encoding has.
    pub fn encoded_len(&self) -> usize {
        HEADER + 2 * self.units().count() + 2
    }

    /// Writes the encoding to the start of `buffer`; returns its length in octets.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let room = wire::zeroed(buffer, needed)?;
        wire::put(room, 0, HEADER as u8);
        let text = room.get_mut(HEADER..).unwrap_or_default();
        for (place, unit) in text.as_chunks_mut::<2>().0.iter_mut().zip(self.units()) {
            *place = unit.to_le_bytes();
        }
        Ok(needed)
    }

    fn units(&self) -> impl Iterator<Item = u16> + 'a {
        let (wire, text) = match self.0 {
            Source::Wire(octets) => (octets, ""),
            Source::Text(text) => (&[][..], text),
        };
        let wire = wire.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
        let wire = wire.take_while(|unit| *unit != 0);
        wire.chain(text.encode_utf16().filter(|unit| *unit != 0))
    }
}

impl PartialEq for ChatMessage<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.units().eq(other.units())
    }
}

impl fmt::Debug for ChatMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.chars() {
            write!(f, "{}", c.escape_debug())?;
        }
        f.write_str("\"")
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for ChatMessage<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "chat of {} units", self.units().count());
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    #[test]
    fn a_text_goes_as_the_document_says_and_comes_back() {
        let message = ChatMessage::new("Hi \u{1f388}\0");
        let mut octets = [9; 20];
        assert_eq!(message.write(&mut octets), Ok(20));
        assert_eq!(octets[..14], *b"\x08\0\0\0\0\0\0\0H\0i\0 \0");
        assert_eq!(octets[18..], [0, 0]);
        let read = ChatMessage::parse(&octets).unwrap();
        assert_eq!(read, message);
        assert_eq!(read.chars().collect::<String>(), "Hi \u{1f388}");
        assert!(message.write(&mut octets[..19]).is_err());
    }

    #[test]
    fn what_is_no_text_is_refused_and_one_without_its_end_is_read() {
        assert!(ChatMessage::parse(b"").is_err());
        assert!(ChatMessage::parse(b"\x08\0\0").is_err());
        assert!(ChatMessage::parse(b"\x08\0\0\0\0\0\0\0H").is_err());
        let read = ChatMessage::parse(b"\x08\0\0\0\0\0\0\0H\0").unwrap();
        assert!(read.chars().eq(['H']));
    }
}
