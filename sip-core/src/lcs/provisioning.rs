//! What the administrator has set up for a user: `application/vnd-microsoft-roaming-provisioning+xml`.
//!
//! ```text
//! <provisioning><user uri="sip:alice@example.com"><line uri="tel:+15551234" server="sip:pbx@…"/></user>
//! </provisioning>
//! ```
//!
//! Only what is known of it is read: the telephone line of each user (remote call control).

use super::out::{attribute, check, measured, optional, value, written};
use crate::error::{BufferTooSmall, Fault, ParseError};
use crate::message::Writer;
use crate::presence::xml::{Event, Reader, Text};

/// The media type.
pub const CONTENT_TYPE: &[u8] = b"application/vnd-microsoft-roaming-provisioning+xml";

/// A user's telephone line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Line<'d> {
    /// The user's SIP URI.
    pub user: Option<Text<'d>>,
    /// The line's URI.
    pub uri: Text<'d>,
    /// The server that controls the line.
    pub server: Option<Text<'d>>,
}

/// A provisioning document.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Provisioning<'d>(Reader<'d>);

impl<'d> Provisioning<'d> {
    /// Reads a document, whose root's name begins with `provision`.
    ///
    /// # Errors
    /// [`Fault::Xml`], [`Fault::XmlDepth`], or [`Fault::Document`] where it is another document.
    pub fn parse(octets: &'d [u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new(octets);
        match reader.next()? {
            Some(Event::Start { name, .. }) if name.local.starts_with(b"provision") => {}
            _ => return Err(ParseError::new(Fault::Document, 0)),
        }
        check(reader.clone())?;
        Ok(Self(reader))
    }

    /// Each line in turn.
    pub fn lines(&self) -> impl Iterator<Item = Line<'d>> + use<'d> {
        let mut reader = self.0.clone();
        let mut user = None;
        core::iter::from_fn(move || {
            loop {
                match reader.next() {
                    Ok(Some(Event::Start { name, attributes })) => match name.local {
                        b"user" => user = value(attributes, b"uri"),
                        b"line" => {
                            if let Some(uri) = value(attributes, b"uri") {
                                return Some(Line {
                                    user,
                                    uri,
                                    server: value(attributes, b"server"),
                                });
                            }
                        }
                        _ => {}
                    },
                    Ok(Some(_)) => {}
                    _ => return None,
                }
            }
        })
    }
}

/// How many octets [`write()`] takes.
pub fn encoded_len<'a>(lines: impl IntoIterator<Item = Line<'a>>) -> usize {
    measured(|to| put(lines, to))
}

/// Writes a document to the start of `buffer`, and gives its length.
///
/// # Errors
/// [`BufferTooSmall`] with what is needed.
pub fn write<'a>(
    lines: impl IntoIterator<Item = Line<'a>>,
    buffer: &mut [u8],
) -> Result<usize, BufferTooSmall> {
    written(buffer, |to| put(lines, to))
}

fn put<'a>(lines: impl IntoIterator<Item = Line<'a>>, to: &mut Writer<'_>) {
    to.fixed(b"<provisioning>");
    for line in lines {
        to.fixed(b"<user");
        optional(to, b"uri", line.user.as_ref());
        to.fixed(b"><line");
        attribute(to, b"uri", &line.uri);
        optional(to, b"server", line.server.as_ref());
        to.fixed(b"/></user>");
    }
    to.fixed(b"</provisioning>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_written() {
        let text =
            b"<provisioning><user uri=\"sip:a@x\"><line uri=\"tel:+1\" server=\"sip:p@x\"/></user>\
            <user uri=\"sip:b@x\"><line uri=\"tel:+2\"/></user></provisioning>";
        let read = Provisioning::parse(text).unwrap();
        assert_eq!(read.lines().count(), 2);
        let mut buffer = [0; 256];
        let len = write(read.lines(), &mut buffer).unwrap();
        assert_eq!(&buffer[..len], text);
        assert_eq!(encoded_len(read.lines()), len);
        assert!(Provisioning::parse(b"<presence/>").is_err());
    }
}
