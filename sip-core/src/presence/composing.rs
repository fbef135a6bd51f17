//! Indication of message composition (RFC 3994).

use super::pidf::element;
use super::xml::{Event, Reader, Text};
use crate::error::{BufferTooSmall, Fault, ParseError};
use crate::message::Writer;

/// Whether somebody is typing (RFC 3994 section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ComposingState {
    /// A message is being written.
    Active,
    /// None is. Unknown states mean this (RFC 3994 section 3.3).
    Idle,
}

/// Says that somebody is typing, or no longer (RFC 3994 section 4).
///
/// ```
/// use sip_core::presence::{ComposingState, IsComposing};
///
/// let typing = IsComposing::new(ComposingState::Active);
/// let mut buffer = [0; 256];
/// let length = typing.write(&mut buffer)?;
/// assert_eq!(IsComposing::parse(&buffer[..length]).unwrap(), typing);
/// # Ok::<(), sip_core::error::BufferTooSmall>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct IsComposing<'d> {
    /// Whether a message is being written.
    pub state: ComposingState,
    /// What is being written: `text/plain`, `audio`, ….
    pub content_type: Option<Text<'d>>,
    /// After how many seconds the state is said again; without that it lasts 120.
    pub refresh_seconds: Option<u32>,
    /// When a key was last pressed, as RFC 3339 writes it.
    pub last_active: Option<Text<'d>>,
}

impl<'d> IsComposing<'d> {
    /// The media type.
    pub const CONTENT_TYPE: &'static [u8] = b"application/im-iscomposing+xml";

    /// A state and nothing else.
    pub const fn new(state: ComposingState) -> Self {
        Self { state, content_type: None, refresh_seconds: None, last_active: None }
    }

    /// Reads a document.
    ///
    /// # Errors
    /// [`Fault::Xml`], [`Fault::XmlDepth`], or [`Fault::Document`] where the root is not
    /// `isComposing` or has no `state`.
    pub fn parse(octets: &'d [u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new(octets);
        match reader.next()? {
            Some(Event::Start { name, .. }) if name.local == b"isComposing" => {}
            _ => return Err(ParseError::new(Fault::Document, 0)),
        }
        let mut state = None;
        let mut read = Self::new(ComposingState::Idle);
        while let Some(event) = reader.next()? {
            let Event::Start { name, .. } = event else { continue };
            match name.local {
                b"state" => {
                    state = Some(match reader.text()? {
                        Some(text) if text.raw() == b"active" => ComposingState::Active,
                        _ => ComposingState::Idle,
                    });
                }
                b"contenttype" => read.content_type = reader.text()?,
                b"lastactive" => read.last_active = reader.text()?,
                b"refresh" => {
                    read.refresh_seconds = reader.text()?.and_then(|text| {
                        core::str::from_utf8(text.raw()).ok().and_then(|text| text.parse().ok())
                    });
                }
                _ => reader.skip_element()?,
            }
        }
        read.state = state.ok_or(ParseError::new(Fault::Document, 0))?;
        Ok(read)
    }

    /// How many octets [`write`](Self::write) takes.
    pub fn encoded_len(&self) -> usize {
        let mut writer = Writer::new(&mut []);
        self.write_to(&mut writer);
        writer.len()
    }

    /// Writes the document, and gives its length.
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
        to.fixed(
            b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
              <isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\">",
        );
        to.fixed(match self.state {
            ComposingState::Active => b"<state>active</state>",
            ComposingState::Idle => b"<state>idle</state>",
        });
        if let Some(last_active) = &self.last_active {
            element(to, b"lastactive", last_active);
        }
        if let Some(content_type) = &self.content_type {
            element(to, b"contenttype", content_type);
        }
        if let Some(seconds) = self.refresh_seconds {
            to.fixed(b"<refresh>");
            to.number(seconds);
            to.fixed(b"</refresh>");
        }
        to.fixed(b"</isComposing>\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_3994_are_read() {
        let active = br#"<?xml version="1.0" encoding="UTF-8"?>
          <isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing">
            <state>active</state>
            <contenttype>text/plain</contenttype>
            <refresh>90</refresh>
          </isComposing>"#;
        let read = IsComposing::parse(active).unwrap();
        assert_eq!(read.state, ComposingState::Active);
        assert_eq!(read.content_type.unwrap(), b"text/plain"[..]);
        assert_eq!(read.refresh_seconds, Some(90));
        let idle = br#"<c:isComposing xmlns:c="urn:ietf:params:xml:ns:im-iscomposing"><c:state>idle</c:state>
            <c:lastactive>2003-01-27T10:43:00Z</c:lastactive></c:isComposing>"#;
        let read = IsComposing::parse(idle).unwrap();
        assert_eq!(read.state, ComposingState::Idle);
        assert_eq!(read.last_active.unwrap(), b"2003-01-27T10:43:00Z"[..]);
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let composing = IsComposing {
            content_type: Some(Text::plain(b"text/<plain>")),
            refresh_seconds: Some(60),
            last_active: Some(Text::plain(b"2003-01-27T10:43:00Z")),
            ..IsComposing::new(ComposingState::Active)
        };
        let mut buffer = [0; 512];
        let length = composing.write(&mut buffer).unwrap();
        assert_eq!(length, composing.encoded_len());
        assert_eq!(IsComposing::parse(&buffer[..length]).unwrap(), composing);
        assert_eq!(composing.write(&mut [0; 1]).unwrap_err().needed, length);
    }

    #[test]
    fn unknown_states_are_idle_and_none_is_an_error() {
        let read = IsComposing::parse(b"<isComposing><state>x</state></isComposing>").unwrap();
        assert_eq!(read.state, ComposingState::Idle);
        assert_eq!(IsComposing::parse(b"<isComposing/>").unwrap_err().what, Fault::Document);
        assert_eq!(IsComposing::parse(b"<x/>").unwrap_err().what, Fault::Document);
    }
}
