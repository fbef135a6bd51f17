//! Who waits for a decision to see a user: `text/xml+msrtc.wpending`, in notifications of
//! `presence.wpending`.
//!
//! ```text
//! <watchers><watcher uri="sip:bob@example.com" displayName="Bob"/></watchers>
//! ```
//!
//! MS-SIP does not describe it. The root's name is not known from a real server; clients look for the
//! `watcher` elements alone, and so does this reader.

use super::out::{attribute, check, measured, optional, value, written};
use crate::error::{BufferTooSmall, Fault, ParseError};
use crate::message::Writer;
use crate::presence::xml::{Event, Reader, Text};

/// The media type.
pub const CONTENT_TYPE: &[u8] = b"text/xml+msrtc.wpending";

/// Somebody who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Watcher<'d> {
    /// The SIP URI.
    pub uri: Text<'d>,
    /// The name.
    pub display_name: Option<Text<'d>>,
}

/// Those who wait.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PendingWatchers<'d>(Reader<'d>);

impl<'d> PendingWatchers<'d> {
    /// Reads a document.
    ///
    /// # Errors
    /// [`Fault::Xml`], [`Fault::XmlDepth`], or [`Fault::Document`] where there is no root.
    pub fn parse(octets: &'d [u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new(octets);
        match reader.next()? {
            Some(Event::Start { .. }) => {}
            _ => return Err(ParseError::new(Fault::Document, 0)),
        }
        check(reader.clone())?;
        Ok(Self(reader))
    }

    /// Each of them in turn.
    pub fn watchers(&self) -> impl Iterator<Item = Watcher<'d>> + use<'d> {
        let mut reader = self.0.clone();
        core::iter::from_fn(move || {
            loop {
                match reader.next() {
                    Ok(Some(Event::Start { name, attributes })) if name.local == b"watcher" => {
                        if let Some(uri) = value(attributes, b"uri") {
                            let display_name = value(attributes, b"displayName");
                            return Some(Watcher { uri, display_name });
                        }
                    }
                    Ok(Some(_)) => {}
                    _ => return None,
                }
            }
        })
    }
}

/// How many octets [`write()`] takes.
pub fn encoded_len<'a>(watchers: impl IntoIterator<Item = Watcher<'a>>) -> usize {
    measured(|to| put(watchers, to))
}

/// Writes a document to the start of `buffer`, and gives its length.
///
/// # Errors
/// [`BufferTooSmall`] with what is needed.
pub fn write<'a>(
    watchers: impl IntoIterator<Item = Watcher<'a>>,
    buffer: &mut [u8],
) -> Result<usize, BufferTooSmall> {
    written(buffer, |to| put(watchers, to))
}

fn put<'a>(watchers: impl IntoIterator<Item = Watcher<'a>>, to: &mut Writer<'_>) {
    to.fixed(b"<watchers>");
    for watcher in watchers {
        to.fixed(b"<watcher");
        attribute(to, b"uri", &watcher.uri);
        optional(to, b"displayName", watcher.display_name.as_ref());
        to.fixed(b"/>");
    }
    to.fixed(b"</watchers>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_wait_are_read_and_written() {
        let text = b"<watchers><watcher uri=\"sip:bob@x\" displayName=\"B &amp; C\"/>\
            <watcher uri=\"sip:d@x\"/></watchers>";
        let read = PendingWatchers::parse(text).unwrap();
        assert_eq!(read.watchers().count(), 2);
        let mut buffer = [0; 256];
        let len = write(read.watchers(), &mut buffer).unwrap();
        assert_eq!(&buffer[..len], text);
        assert_eq!(encoded_len(read.watchers()), len);
        assert!(PendingWatchers::parse(b"<a><watcher uri=\"b\">").is_err());
    }
}
