//! Messages on streams (RFC 3261 section 18.3).

use super::Message;
use crate::error::ParseError;
use crate::header::cursor::find_sequence;

/// How long a message on a stream may be. A longer one is refused as soon as that is seen, so
/// that nobody is made to wait for its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Limits {
    /// Start line and headers with the empty line, in octets; at most
    /// [`Message::MAX_HEAD_OCTETS`] counts.
    pub head_octets: usize,
    /// The body, in octets.
    pub body_octets: usize,
}

impl Limits {
    /// 65535 octets of head and as many of body.
    pub const DEFAULT: Self =
        Self { head_octets: Message::MAX_HEAD_OCTETS, body_octets: u16::MAX as usize };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Cuts a stream into messages with linear work, in however small pieces it comes.
///
/// The host keeps the octets that were not used and hands them in again with those that came
/// since; the framer remembers how far they were looked at. One framer belongs to one stream.
///
/// ```
/// use sip_core::message::{Framer, Limits};
///
/// let stream = b"\r\nSIP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nhi";
/// let mut framer = Framer::new();
/// for end in 0..stream.len() {
///     assert!(framer.next(&stream[..end], &Limits::DEFAULT)?.is_none());
/// }
/// let (used, message) = framer.next(stream, &Limits::DEFAULT)?.unwrap();
/// assert_eq!((used, message.body()), (stream.len(), &b"hi"[..]));
/// # Ok::<(), sip_core::error::ParseError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Framer {
    /// No message can end before so many octets are there.
    needed: usize,
    /// How many octets were searched for the empty line.
    searched: usize,
}

impl Framer {
    /// A framer at the start of a stream, or behind a message.
    pub const fn new() -> Self {
        Self { needed: 0, searched: 0 }
    }

    /// Reads the message that the stream's unused octets begin with, as
    /// [`Message::parse_stream`] does.
    ///
    /// # Errors
    /// As [`Message::parse_stream`].
    pub fn next<'d>(
        &mut self,
        octets: &'d [u8],
        limits: &Limits,
    ) -> Result<Option<(usize, Message<'d>)>, ParseError> {
        if octets.len() < self.needed {
            return Ok(None);
        }
        let limit = limits.head_octets.min(Message::MAX_HEAD_OCTETS);
        if self.needed == 0 && octets.len() <= limit && !self.head_is_whole(octets) {
            return Ok(None);
        }
        let parsed = Message::parse_stream(octets, limits);
        match &parsed {
            // The head is there and is good: only the length of the body is missing.
            Ok(None) => self.needed = self.needed.max(octets.len().saturating_add(1)),
            Ok(Some(_)) | Err(_) => *self = Self::new(),
        }
        parsed
    }

    /// Looks for the empty line behind the octets that were looked at before.
    fn head_is_whole(&mut self, octets: &[u8]) -> bool {
        // Line ends before the start line are none of its own.
        let skipped = octets.iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
        let from = self.searched.saturating_sub(3).max(skipped.saturating_sub(1));
        let rest = octets.get(from..).unwrap_or_default();
        self.searched = octets.len();
        find_sequence(rest, b"\n\r\n").is_some() || find_sequence(rest, b"\n\n").is_some()
    }
}
