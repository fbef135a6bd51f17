//! One SUBSCRIBE for the presence of many (MS-SIP section 3.3): the list that is asked for, and the index
//! of what comes.
//!
//! ```text
//! SUBSCRIBE sip:alice@example.com, Event: presence, Require: adhoclist, Supported: eventlist
//! Content-Type: application/adrl+xml
//!
//! <adhoclist xmlns="urn:ietf:params:xml:ns:adrl" uri="sip:alice@example.com" name="sip:alice@example.com">
//!   <create xmlns=""><resource uri="sip:bob@example.com"/>…</create>       later <add>, <delete>
//! </adhoclist>
//!
//! Content-Type: multipart/related; type="application/rlmi+xml"; start=resourceList; boundary=…
//!   Content-ID: resourceList, application/rlmi+xml
//!     <list xmlns="urn:ietf:params:xml:ns:rlmi" uri="sip:alice@…" version="0" fullState="true">
//!       <resource uri="sip:bob@…"><instance id="0" state="active" cid="bob@…"/></resource>…
//!     </list>
//!   Content-ID: bob@…, text/xml+msrtc.pidf
//! ```
//!
//! The parts themselves are [`Multipart`]'s; [`part_of`] finds what an instance's `cid` names.

use super::out::{
    attribute, check, is_true, measured, number_attribute, number_of, optional, root, value,
    written,
};
use crate::error::{BufferTooSmall, ParseError};
use crate::message::{Multipart, Name, Part, Writer};
use crate::presence::xml::{Event, Reader, Text};

/// The media type of what is asked for.
pub const ADHOC_LIST: &[u8] = b"application/adrl+xml";

/// The media type of the index.
pub const RESOURCE_LIST: &[u8] = b"application/rlmi+xml";

/// What becomes of the resources of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Change {
    /// These are the list.
    Create,
    /// These come to it.
    Add,
    /// These go from it.
    Delete,
}

impl Change {
    const ALL: [(Self, &'static [u8]); 3] =
        [(Self::Create, b"create"), (Self::Add, b"add"), (Self::Delete, b"delete")];
}

/// The list that a SUBSCRIBE asks for.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AdhocList<'d> {
    /// Who asks.
    pub uri: Option<Text<'d>>,
    reader: Reader<'d>,
}

impl<'d> AdhocList<'d> {
    /// Reads a document.
    ///
    /// # Errors
    /// [`Fault::Xml`](crate::error::Fault::Xml), [`Fault::XmlDepth`](crate::error::Fault::XmlDepth), or
    /// [`Fault::Document`](crate::error::Fault::Document) where the root is not `adhoclist`.
    pub fn parse(octets: &'d [u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new(octets);
        let attributes = root(&mut reader, b"adhoclist")?;
        check(reader.clone())?;
        Ok(Self { uri: value(attributes, b"uri"), reader })
    }

    /// The URI of each resource, and what becomes of it.
    pub fn resources(&self) -> impl Iterator<Item = (Change, Text<'d>)> + use<'d> {
        let mut reader = self.reader.clone();
        let mut change = Change::Create;
        core::iter::from_fn(move || {
            loop {
                match reader.next() {
                    Ok(Some(Event::Start { name, attributes })) => {
                        let known = Change::ALL.into_iter().find(|(_, known)| *known == name.local);
                        if let Some((known, _)) = known {
                            change = known;
                        } else if name.local == b"resource"
                            && let Some(uri) = value(attributes, b"uri")
                        {
                            return Some((change, uri));
                        }
                    }
                    Ok(Some(_)) => {}
                    _ => return None,
                }
            }
        })
    }
}

/// Writes a list to the start of `buffer`, and gives its length.
///
/// # Errors
/// [`BufferTooSmall`] with what is needed.
pub fn write_adhoc<'a>(
    uri: &Text<'_>,
    change: Change,
    resources: impl IntoIterator<Item = Text<'a>>,
    buffer: &mut [u8],
) -> Result<usize, BufferTooSmall> {
    written(buffer, |to| {
        let name = Change::ALL.into_iter().find(|(known, _)| *known == change);
        let name = name.map(|(_, name)| name).unwrap_or_default();
        to.fixed(b"<adhoclist xmlns=\"urn:ietf:params:xml:ns:adrl\"");
        attribute(to, b"uri", uri);
        attribute(to, b"name", uri);
        to.fixed(b"><");
        to.fixed(name);
        to.fixed(b" xmlns=\"\">");
        for uri in resources {
            to.fixed(b"<resource");
            attribute(to, b"uri", &uri);
            to.fixed(b"/>");
        }
        to.fixed(b"</");
        to.fixed(name);
        to.fixed(b"></adhoclist>");
    })
}

/// A resource in the index of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Resource<'d> {
    /// Its URI.
    pub uri: Text<'d>,
    /// The state of its subscription: `active`, `pending` or `terminated`; nothing where the resource has
    /// no instance.
    pub state: Option<Text<'d>>,
    /// The Content-ID of the part with its document.
    pub cid: Option<Text<'d>>,
}

/// The index of a notification about many (RFC 4662 section 5).
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ResourceList<'d> {
    /// Whose list it is.
    pub uri: Option<Text<'d>>,
    /// Rises with each notification: BENOTIFYs may overtake each other.
    pub version: u32,
    /// Whether all resources stand in it, or those that have changed.
    pub full_state: bool,
    reader: Reader<'d>,
}

impl<'d> ResourceList<'d> {
    /// Reads a document.
    ///
    /// # Errors
    /// [`Fault::Xml`](crate::error::Fault::Xml), [`Fault::XmlDepth`](crate::error::Fault::XmlDepth), or
    /// [`Fault::Document`](crate::error::Fault::Document) where the root is not `list`.
    pub fn parse(octets: &'d [u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new(octets);
        let attributes = root(&mut reader, b"list")?;
        check(reader.clone())?;
        Ok(Self {
            uri: value(attributes, b"uri"),
            version: number_of(attributes, b"version").unwrap_or_default(),
            full_state: attributes.get(b"fullState").is_some_and(is_true),
            reader,
        })
    }

    /// Each resource in turn, with its first instance.
    pub fn resources(&self) -> impl Iterator<Item = Resource<'d>> + use<'d> {
        let mut reader = self.reader.clone();
        core::iter::from_fn(move || {
            let mut found: Option<Resource<'d>> = None;
            loop {
                match reader.next() {
                    Ok(Some(Event::Start { name, attributes })) => match (name.local, &mut found) {
                        (b"resource", None) => {
                            found = value(attributes, b"uri").map(|uri| Resource {
                                uri,
                                state: None,
                                cid: None,
                            });
                        }
                        (b"instance", Some(resource)) if resource.state.is_none() => {
                            resource.state = value(attributes, b"state");
                            resource.cid = value(attributes, b"cid");
                        }
                        _ => {}
                    },
                    Ok(Some(Event::End { name })) if name.local == b"resource" => {
                        if found.is_some() {
                            return found;
                        }
                    }
                    Ok(Some(_)) => {}
                    _ => return None,
                }
            }
        })
    }
}

/// The part of a notification that an instance's `cid` names: servers of the dialect write Content-ID
/// without the angle brackets of RFC 2392.
#[must_use]
pub fn part_of<'d>(parts: &Multipart<'d>, cid: &Text<'_>) -> Option<Part<'d>> {
    parts.parts().map_while(Result::ok).find(|part| {
        let id = part.row(Name::ContentId).map(|row| row.value.trim_ascii()).unwrap_or_default();
        let bare = id.strip_prefix(b"<").and_then(|id| id.strip_suffix(b">")).unwrap_or(id);
        *cid == *bare
    })
}

/// How many octets [`write_list`] takes.
pub fn list_len<'a>(
    uri: &Text<'_>,
    version: u32,
    full_state: bool,
    resources: impl IntoIterator<Item = Resource<'a>>,
) -> usize {
    measured(|to| put_list(uri, version, full_state, resources, to))
}

/// Writes an index to the start of `buffer`, and gives its length.
///
/// # Errors
/// [`BufferTooSmall`] with what is needed.
pub fn write_list<'a>(
    uri: &Text<'_>,
    version: u32,
    full_state: bool,
    resources: impl IntoIterator<Item = Resource<'a>>,
    buffer: &mut [u8],
) -> Result<usize, BufferTooSmall> {
    written(buffer, |to| put_list(uri, version, full_state, resources, to))
}

fn put_list<'a>(
    uri: &Text<'_>,
    version: u32,
    full_state: bool,
    resources: impl IntoIterator<Item = Resource<'a>>,
    to: &mut Writer<'_>,
) {
    to.fixed(b"<list xmlns=\"urn:ietf:params:xml:ns:rlmi\"");
    attribute(to, b"uri", uri);
    number_attribute(to, b"version", version);
    let full: &[u8] = if full_state { b"true" } else { b"false" };
    attribute(to, b"fullState", &Text::plain(full));
    to.fixed(b">");
    for resource in resources {
        to.fixed(b"<resource");
        attribute(to, b"uri", &resource.uri);
        to.fixed(b">");
        if resource.state.is_some() || resource.cid.is_some() {
            to.fixed(b"<instance id=\"0\"");
            optional(to, b"state", resource.state.as_ref());
            optional(to, b"cid", resource.cid.as_ref());
            to.fixed(b"/>");
        }
        to.fixed(b"</resource>");
    }
    to.fixed(b"</list>");
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn the_list_that_is_asked_for_is_read_and_written() {
        let text = b"<adhoclist xmlns=\"urn:ietf:params:xml:ns:adrl\" uri=\"sip:user1@x\" name=\"sip:user1@x\">\
            <create xmlns=\"\"><resource uri=\"sip:user2@x\"/><resource uri=\"sip:user3@x\"/></create></adhoclist>";
        let list = AdhocList::parse(text).unwrap();
        let all: Vec<_> = list.resources().collect();
        assert_eq!(all[1], (Change::Create, Text::plain(b"sip:user3@x")));
        let mut buffer = [0; 512];
        let uris = all.iter().map(|(_, uri)| *uri);
        let len = write_adhoc(&list.uri.unwrap(), Change::Create, uris, &mut buffer).unwrap();
        assert_eq!(&buffer[..len], text);
        let later = AdhocList::parse(
            b"<adhoclist><add><resource uri=\"a\"/></add><delete><resource uri=\"b\"/></delete></adhoclist>",
        );
        let changes: Vec<_> = later.unwrap().resources().map(|(change, _)| change).collect();
        assert_eq!(changes, [Change::Add, Change::Delete]);
    }

    #[test]
    fn the_index_of_what_comes_is_read_and_written() {
        let text = b"<list xmlns=\"urn:ietf:params:xml:ns:rlmi\" uri=\"sip:user1@x\" version=\"7\" fullState=\"true\">\
            <resource uri=\"sip:user2@x\"><instance id=\"0\" state=\"active\" cid=\"user2@x\"/></resource>\
            <resource uri=\"sip:user3@x\"></resource></list>";
        let list = ResourceList::parse(text).unwrap();
        assert_eq!((list.version, list.full_state), (7, true));
        let all: Vec<_> = list.resources().collect();
        assert_eq!(all[0].cid, Some(Text::plain(b"user2@x")));
        assert_eq!(all[1].state, None);
        let mut buffer = [0; 512];
        let uri = list.uri.unwrap();
        let len = write_list(&uri, 7, true, list.resources(), &mut buffer).unwrap();
        assert_eq!(&buffer[..len], text);
        assert_eq!(list_len(&uri, 7, true, list.resources()), len);
    }
}
