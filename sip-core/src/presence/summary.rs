//! What waits in a mailbox: `message-summary` (RFC 3842).

use crate::error::{BufferTooSmall, Fault, ParseError};
use crate::header::Cursor;
use crate::message::Writer;

/// The classes of messages, as their lines are named (RFC 3842 section 5.2, RFC 3458).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum MessageClass {
    /// `Voice-Message`.
    Voice,
    /// `Fax-Message`.
    Fax,
    /// `Pager-Message`.
    Pager,
    /// `Multimedia-Message`.
    Multimedia,
    /// `Text-Message`.
    Text,
    /// `None`: of no class that there is a name for.
    None,
}

impl MessageClass {
    /// Every class.
    pub const ALL: [Self; 6] =
        [Self::Voice, Self::Fax, Self::Pager, Self::Multimedia, Self::Text, Self::None];

    /// The name of its line.
    pub const fn name(self) -> &'static [u8] {
        match self {
            Self::Voice => b"Voice-Message",
            Self::Fax => b"Fax-Message",
            Self::Pager => b"Pager-Message",
            Self::Multimedia => b"Multimedia-Message",
            Self::Text => b"Text-Message",
            Self::None => b"None",
        }
    }
}

/// How many messages of a class there are: `new/old (urgent-new/urgent-old)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct MessageCount {
    /// New ones.
    pub new: u32,
    /// Old ones.
    pub old: u32,
    /// How many of the new and of the old are urgent, where that is said.
    pub urgent: Option<(u32, u32)>,
}

impl MessageCount {
    fn parse(text: &[u8], at: usize) -> Result<Self, ParseError> {
        let mut cursor = Cursor::with_base(text, at);
        let pair = |cursor: &mut Cursor<'_>| {
            cursor.skip_whitespace();
            let new = cursor.number(u32::MAX)?;
            cursor.require(b'/', Fault::Number)?;
            Ok((new, cursor.number(u32::MAX)?))
        };
        let (new, old) = pair(&mut cursor)?;
        cursor.skip_whitespace();
        let mut urgent = None;
        if cursor.eat(b'(') {
            urgent = Some(pair(&mut cursor)?);
            cursor.require(b')', Fault::Number)?;
        }
        cursor.end()?;
        Ok(Self { new, old, urgent })
    }
}

/// A `message-summary` body (RFC 3842 section 5.2): whether the lamp is lit, and what waits.
///
/// ```
/// use sip_core::presence::{MessageClass, MessageSummary};
///
/// let body = b"Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.com\r\n\
///     Voice-Message: 2/8 (0/2)\r\n";
/// let summary = MessageSummary::parse(body)?;
/// assert!(summary.waiting);
/// assert_eq!(summary.count(MessageClass::Voice).unwrap().new, 2);
/// # Ok::<(), sip_core::error::ParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct MessageSummary<'d> {
    /// Whether messages wait.
    pub waiting: bool,
    /// The URI of the mailbox, to call it.
    pub account: Option<&'d [u8]>,
    counts: [Option<MessageCount>; MessageClass::ALL.len()],
}

impl<'d> MessageSummary<'d> {
    /// The media type.
    pub const CONTENT_TYPE: &'static [u8] = b"application/simple-message-summary";

    /// A summary without counts.
    pub const fn new(waiting: bool) -> Self {
        Self { waiting, account: None, counts: [None; MessageClass::ALL.len()] }
    }

    /// The same with the count of a class.
    pub fn with_count(mut self, class: MessageClass, count: MessageCount) -> Self {
        if let Some(place) = self.counts.get_mut(class as usize) {
            *place = Some(count);
        }
        self
    }

    /// Reads a body. Lines end in CR LF or LF. What follows an empty line describes single messages,
    /// and is passed over, as are lines that are not known.
    ///
    /// # Errors
    /// [`Fault::Document`] where `Messages-Waiting` is missing or neither `yes` nor `no`;
    /// [`Fault::Number`], `OutOfRange` or `Trailing` where a count is malformed.
    pub fn parse(body: &'d [u8]) -> Result<Self, ParseError> {
        let mut summary = Self::new(false);
        let mut waiting = None;
        let mut at = 0;
        for line in body.split(|octet| *octet == b'\n') {
            let start = at;
            at += line.len() + 1;
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let Some(colon) = memchr::memchr(b':', line) else {
                if line.is_empty() && waiting.is_some() {
                    break;
                }
                continue;
            };
            let (name, value) = line.split_at_checked(colon).unwrap_or_default();
            let (name, value) = (name.trim_ascii(), value.get(1..).unwrap_or_default());
            let class =
                MessageClass::ALL.into_iter().find(|class| name.eq_ignore_ascii_case(class.name()));
            if let Some(class) = class {
                let count = MessageCount::parse(value, start + colon + 1)?;
                summary = summary.with_count(class, count);
            } else if name.eq_ignore_ascii_case(b"Messages-Waiting") {
                waiting = Some(match value.trim_ascii() {
                    value if value.eq_ignore_ascii_case(b"yes") => true,
                    value if value.eq_ignore_ascii_case(b"no") => false,
                    _ => return Err(ParseError::new(Fault::Document, start + colon + 1)),
                });
            } else if name.eq_ignore_ascii_case(b"Message-Account") {
                summary.account = Some(value.trim_ascii());
            }
        }
        summary.waiting = waiting.ok_or(ParseError::new(Fault::Document, 0))?;
        Ok(summary)
    }

    /// How many messages of a class there are, where that is said.
    pub fn count(&self, class: MessageClass) -> Option<MessageCount> {
        self.counts.get(class as usize).copied().flatten()
    }

    /// How many octets [`write`](Self::write) takes.
    pub fn encoded_len(&self) -> usize {
        let mut writer = Writer::new(&mut []);
        self.write_to(&mut writer);
        writer.len()
    }

    /// Writes the body, and gives its length. A line end in the account becomes a space.
    ///
    /// # Errors
    /// [`BufferTooSmall`] with what is needed.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let room = buffer.len();
        let mut writer = Writer::new(buffer);
        self.write_to(&mut writer);
        match writer.len() {
            length if length <= room => Ok(length),
            needed => Err(BufferTooSmall { needed }),
        }
    }

    fn write_to(&self, to: &mut Writer<'_>) {
        to.fixed(if self.waiting {
            b"Messages-Waiting: yes\r\n"
        } else {
            b"Messages-Waiting: no\r\n"
        });
        if let Some(account) = self.account {
            to.fixed(b"Message-Account: ");
            to.text(account);
            to.end_row();
        }
        for class in MessageClass::ALL {
            let Some(count) = self.count(class) else { continue };
            to.fixed(class.name());
            to.fixed(b": ");
            to.number(count.new);
            to.fixed(b"/");
            to.number(count.old);
            if let Some((new, old)) = count.urgent {
                to.fixed(b" (");
                to.number(new);
                to.fixed(b"/");
                to.number(old);
                to.fixed(b")");
            }
            to.end_row();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_3842_are_read() {
        let body = b"Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.com\r\n\
            Voice-Message: 4/8 (1/2)\r\nfax-message:0/1\r\nX-Other: a\r\n\r\n\
            To: <alice@atlanta.example.com>\r\nVoice-Message: no count here\r\n";
        let summary = MessageSummary::parse(body).unwrap();
        assert!(summary.waiting);
        assert_eq!(summary.account, Some(&b"sip:alice@vmail.example.com"[..]));
        let voice = MessageCount { new: 4, old: 8, urgent: Some((1, 2)) };
        assert_eq!(summary.count(MessageClass::Voice), Some(voice));
        let fax = MessageCount { new: 0, old: 1, urgent: None };
        assert_eq!(summary.count(MessageClass::Fax), Some(fax));
        assert_eq!(summary.count(MessageClass::Text), None);
        assert!(!MessageSummary::parse(b"messages-waiting:NO\n").unwrap().waiting);
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let mut summary = MessageSummary::new(true);
        summary.account = Some(b"sip:a@b");
        for (number, class) in (0..).zip(MessageClass::ALL) {
            let urgent = (number % 2 == 0).then_some((number, u32::MAX));
            summary = summary.with_count(class, MessageCount { new: number, old: 7, urgent });
        }
        let mut buffer = [0; 512];
        let length = summary.write(&mut buffer).unwrap();
        assert_eq!(length, summary.encoded_len());
        assert_eq!(MessageSummary::parse(&buffer[..length]).unwrap(), summary);
        assert_eq!(summary.write(&mut [0; 9]).unwrap_err().needed, length);
    }

    #[test]
    fn what_is_malformed_is_named_and_placed() {
        for (body, what, at) in [
            ("", Fault::Document, 0),
            ("Voice-Message: 1/2\r\n", Fault::Document, 0),
            ("Messages-Waiting: maybe\r\n", Fault::Document, 17),
            ("Messages-Waiting: no\r\nVoice-Message: x", Fault::Number, 37),
            ("Messages-Waiting: no\r\nVoice-Message: 1", Fault::Number, 38),
            ("Messages-Waiting: no\r\nVoice-Message: 1/2 (3/4", Fault::Number, 45),
            ("Messages-Waiting: no\r\nVoice-Message: 1/2 x", Fault::Trailing, 41),
            ("Messages-Waiting: no\r\nVoice-Message: 1/4294967296", Fault::OutOfRange, 39),
        ] {
            let error = MessageSummary::parse(body.as_bytes()).unwrap_err();
            assert_eq!((error.what, error.at), (what, at), "{body}");
        }
    }
}
