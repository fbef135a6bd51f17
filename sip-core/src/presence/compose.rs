//! Composition: one presence document of what several devices have published.

use super::xml::{Attributes, Event, QName, Reader, Text, attribute};
use crate::error::{BufferTooSmall, ParseError};
use crate::message::Writer;

/// The namespace of PIDF (RFC 3863 section 4.2).
const PIDF: &[u8] = b"urn:ietf:params:xml:ns:pidf";

/// Writes one PIDF document of several of the same person, the latest first: what an event state
/// compositor shows (RFC 3903 section 3, RFC 3863). `entity` is whose presence it is, as a URI.
///
/// All tuples are shown, and all that extensions have added. Where two documents have tuples of the same
/// id, the older one gets another id, or is left out where it has the same contact, too: it is the same
/// device then. There is one person, so `person` and a note about it come from the latest document that
/// has one. A document that is no XML is shown as far as it can be read.
///
/// ```
/// use sip_core::presence::{Pidf, compose};
///
/// let phone: &[u8] = b"<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='sip:a@example.com'>\
///     <tuple id='t'><status><basic>open</basic></status><contact>sip:a@192.0.2.1</contact></tuple>\
///     </presence>";
/// let desk: &[u8] = b"<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='sip:a@example.com'>\
///     <tuple id='t'><status><basic>closed</basic></status><contact>sip:a@192.0.2.2</contact></tuple>\
///     </presence>";
/// let mut buffer = [0; 1024];
/// let length = compose(b"sip:a@example.com", [phone, desk].into_iter(), &mut buffer)?;
/// let both = Pidf::parse(&buffer[..length]).unwrap();
/// assert_eq!(both.tuples().count(), 2);
/// # Ok::<(), sip_core::error::BufferTooSmall>(())
/// ```
///
/// # Errors
/// [`BufferTooSmall`] with what is needed.
pub fn compose<'d>(
    entity: &[u8],
    documents: impl Iterator<Item = &'d [u8]> + Clone,
    buffer: &mut [u8],
) -> Result<usize, BufferTooSmall> {
    let mut to = Writer::new(buffer);
    to.fixed(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<presence xmlns=\"");
    to.fixed(PIDF);
    to.fixed(b"\"");
    attribute(&mut to, b"entity", Some(&Text::plain(entity)));
    to.fixed(b">");
    for (age, document) in documents.clone().enumerate() {
        let Ok(mut children) = Children::of(document) else { continue };
        while let Ok(Some(child)) = children.next() {
            let mut newer = documents.clone().take(age);
            match child.name.local {
                b"tuple" => {
                    let twin = |document| Children::of(document).ok()?.find_tuple(&child);
                    match newer.find_map(twin) {
                        None => child.write(&mut to, 0),
                        Some(twin) if twin.contact == child.contact => {}
                        Some(_) => child.write(&mut to, age),
                    }
                }
                local @ (b"person" | b"note") => {
                    let has = |document| Children::of(document).is_ok_and(|all| all.have(local));
                    if !newer.any(has) {
                        child.write(&mut to, 0);
                    }
                }
                _ => child.write(&mut to, 0),
            }
        }
    }
    to.fixed(b"</presence>\r\n");
    match to.len() {
        length if length > to.as_bytes().len() => Err(BufferTooSmall { needed: length }),
        length => Ok(length),
    }
}

/// The elements of a document's root.
struct Children<'d> {
    document: &'d [u8],
    reader: Reader<'d>,
    /// The attributes of the root.
    root: Attributes<'d>,
}

/// One of them.
struct Child<'d> {
    root: Attributes<'d>,
    name: QName<'d>,
    attributes: Attributes<'d>,
    /// All behind the start tag, the end tag too; empty where the element is.
    content: &'d [u8],
    contact: Option<Text<'d>>,
}

impl<'d> Children<'d> {
    fn of(document: &'d [u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new(document);
        match reader.next()? {
            Some(Event::Start { name, attributes }) if name.local == b"presence" => {
                Ok(Self { document, reader, root: attributes })
            }
            _ => Err(ParseError::new(crate::error::Fault::Document, 0)),
        }
    }

    fn next(&mut self) -> Result<Option<Child<'d>>, ParseError> {
        loop {
            match self.reader.next()? {
                Some(Event::Start { name, attributes }) => {
                    let start = self.reader.offset();
                    let depth = self.reader.depth();
                    let mut contact = None;
                    while self.reader.depth() >= depth {
                        match self.reader.next()? {
                            Some(Event::Start { name, .. })
                                if name.local == b"contact" && self.reader.depth() == depth + 1 =>
                            {
                                contact = self.reader.text()?;
                            }
                            Some(_) => {}
                            None => break,
                        }
                    }
                    let content = self.document.get(start..self.reader.offset());
                    let content = content.unwrap_or_default();
                    return Ok(Some(Child { root: self.root, name, attributes, content, contact }));
                }
                Some(Event::Text(_)) => {}
                Some(Event::End { .. }) | None => return Ok(None),
            }
        }
    }

    /// The tuple with the same id, if there is one.
    fn find_tuple(mut self, like: &Child<'_>) -> Option<Child<'d>> {
        let id = like.attributes.get(b"id");
        while let Ok(Some(child)) = self.next() {
            if child.name.local == b"tuple" && child.attributes.get(b"id") == id {
                return Some(child);
            }
        }
        None
    }

    /// Whether there is an element of this name.
    fn have(mut self, local: &[u8]) -> bool {
        while let Ok(Some(child)) = self.next() {
            if child.name.local == local {
                return true;
            }
        }
        false
    }
}

impl Child<'_> {
    /// Writes the element with the namespaces that its root has declared; an age other than 0 is added
    /// to its id.
    fn write(&self, to: &mut Writer<'_>, age: usize) {
        to.fixed(b"<");
        put(to, self.name);
        let mut has_default = false;
        for (name, value) in self.attributes {
            has_default |= is_default(name);
            to.fixed(b" ");
            put(to, name);
            to.fixed(b"=\"");
            value.write(to);
            if age > 0 && name.prefix.is_empty() && name.local == b"id" {
                to.fixed(b"-");
                to.number(u32::try_from(age).unwrap_or(u32::MAX));
            }
            to.fixed(b"\"");
        }
        let mut inherited = None;
        for (name, value) in self.root {
            if is_default(name) {
                inherited = Some(value);
            } else if name.prefix == b"xmlns"
                && !self.attributes.into_iter().any(|(own, _)| own == name)
            {
                to.fixed(b" ");
                put(to, name);
                to.fixed(b"=\"");
                value.write(to);
                to.fixed(b"\"");
            }
        }
        let inherited = inherited.unwrap_or(Text::plain(b""));
        if !has_default && inherited != *PIDF {
            attribute(to, b"xmlns", Some(&inherited));
        }
        if self.content.is_empty() {
            to.fixed(b"/>");
        } else {
            to.fixed(b">");
            to.octets(self.content);
        }
    }
}

/// Whether an attribute declares the default namespace.
fn is_default(name: QName<'_>) -> bool {
    name.prefix.is_empty() && name.local == b"xmlns"
}

fn put(to: &mut Writer<'_>, name: QName<'_>) {
    if !name.prefix.is_empty() {
        to.octets(name.prefix);
        to.fixed(b":");
    }
    to.octets(name.local);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presence::{Activity, Basic, Pidf};
    use std::string::String;
    use std::vec;

    const NEW: &str = "<?xml version='1.0'?><presence xmlns='urn:ietf:params:xml:ns:pidf' \
        xmlns:r='urn:ietf:params:xml:ns:pidf:rpid' \
        xmlns:d='urn:ietf:params:xml:ns:pidf:data-model' entity='sip:a@b'>\n\
        <tuple id='t1'><status><basic>open</basic></status><contact>sip:a@1</contact></tuple>\
        <d:person id='p'><r:activities><r:away/></r:activities></d:person></presence>";
    const OLD: &str = "<p:presence xmlns:p='urn:ietf:params:xml:ns:pidf' entity='sip:a@b'>\
        <p:tuple id='t1'><p:status><p:basic>closed</p:basic></p:status>\
        <p:contact>sip:a@2</p:contact></p:tuple>\
        <p:tuple id='t2'/><p:note>away</p:note></p:presence>";

    fn composed(documents: &[&str]) -> String {
        let mut buffer = vec![0; 4096];
        let documents = documents.iter().map(|text| text.as_bytes());
        let length = compose(b"sip:a@b", documents.clone(), &mut buffer).unwrap();
        let short = compose(b"sip:a@b", documents, &mut buffer[..length - 1]);
        assert_eq!(short, Err(BufferTooSmall { needed: length }));
        String::from_utf8(buffer[..length].into()).unwrap()
    }

    #[test]
    fn all_tuples_are_there_with_ids_and_namespaces_of_their_own() {
        let text = composed(&[NEW, OLD]);
        let both = Pidf::parse(text.as_bytes()).unwrap();
        let tuples: vec::Vec<_> = both.tuples().collect();
        let ids: vec::Vec<_> = tuples.iter().map(|tuple| tuple.id.raw()).collect();
        assert_eq!(ids, [&b"t1"[..], b"t1-1", b"t2"], "{text}");
        assert_eq!((tuples[0].basic, tuples[1].basic), (Some(Basic::Open), Some(Basic::Closed)));
        assert!(both.activities().eq([Activity::Away]), "{text}");
        assert!(
            text.contains("<p:tuple id=\"t1-1\" xmlns:p=\"urn:ietf:params:xml:ns:pidf\""),
            "{text}"
        );
        assert!(
            text.contains(
                "<p:tuple id=\"t2\" xmlns:p=\"urn:ietf:params:xml:ns:pidf\" xmlns=\"\"/>"
            )
        );
        assert!(text.contains("<p:note"), "{text}");
    }

    #[test]
    fn what_one_device_has_said_twice_is_shown_once_and_there_is_one_person() {
        let text = composed(&[NEW, NEW, OLD]);
        let all = Pidf::parse(text.as_bytes()).unwrap();
        assert_eq!(all.tuples().count(), 3, "{text}");
        assert_eq!(text.matches("d:person ").count(), 1, "{text}");
    }

    #[test]
    fn what_is_no_document_is_shown_as_far_as_it_can_be_read() {
        let cut = &NEW[..NEW.find("<d:person").unwrap() + 20];
        let text = composed(&[cut, "no xml", "<other/>", ""]);
        let all = Pidf::parse(text.as_bytes()).unwrap();
        assert_eq!(all.tuples().count(), 1, "{text}");
        assert_eq!(text.matches("person").count(), 0, "{text}");
    }
}
