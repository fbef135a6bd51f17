//! Who is watching: `watcherinfo+xml` (RFC 3857, RFC 3858).

use super::xml::{Attributes, Event, Reader, Text, attribute, number};
use crate::error::{BufferTooSmall, Fault, ParseError};
use crate::message::Writer;

macro_rules! words {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub enum $type {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $type {
            /// The text as it stands.
            pub const fn name(self) -> &'static [u8] {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            fn of(text: Text<'_>) -> Option<Self> {
                [$(Self::$variant,)*].into_iter().find(|word| word.name() == text.raw())
            }
        }
    };
}

words! {
    /// The state of a watcher's subscription (RFC 3857 section 4.7.1).
    WatcherStatus {
        /// `pending`: nobody has decided yet.
        Pending = b"pending",
        /// `active`: it was allowed.
        Active = b"active",
        /// `waiting`: it ended before anybody had decided.
        Waiting = b"waiting",
        /// `terminated`.
        Terminated = b"terminated",
    }
}

words! {
    /// What led to the state (RFC 3857 section 4.7.1).
    WatcherEvent {
        /// `subscribe`: the watcher came.
        Subscribe = b"subscribe",
        /// `approved`.
        Approved = b"approved",
        /// `deactivated`: the watcher is to come again.
        Deactivated = b"deactivated",
        /// `probation`: the watcher is to come again later.
        Probation = b"probation",
        /// `rejected`.
        Rejected = b"rejected",
        /// `timeout`: the watcher has not come again.
        Timeout = b"timeout",
        /// `giveup`: nobody has decided in time.
        GiveUp = b"giveup",
        /// `noresource`: what was watched is gone.
        NoResource = b"noresource",
    }
}

/// Somebody who watches (RFC 3858 section 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Watcher<'d> {
    /// Tells apart the watchers of a document.
    pub id: Text<'d>,
    /// The URI.
    pub uri: Text<'d>,
    /// The display name.
    pub display: Option<Text<'d>>,
    /// The state.
    pub status: WatcherStatus,
    /// What led to it.
    pub event: WatcherEvent,
    /// For how many seconds the subscription still holds.
    pub expiration_s: Option<u32>,
    /// For how many seconds it has been there.
    pub subscribed_s: Option<u32>,
}

impl<'d> Watcher<'d> {
    /// A watcher with a state and nothing else.
    pub const fn new(
        id: &'d [u8],
        uri: &'d [u8],
        status: WatcherStatus,
        event: WatcherEvent,
    ) -> Self {
        let (id, uri) = (Text::plain(id), Text::plain(uri));
        Self { id, uri, display: None, status, event, expiration_s: None, subscribed_s: None }
    }
}

/// Where the watchers of a document stand.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Watchers<'d> {
    /// In a document that was read once without error.
    Document(&'d [u8]),
    /// In a list.
    List(&'d [Watcher<'d>]),
}

/// A `watcherinfo` document (RFC 3858 section 4) about one resource: a view that reads its watchers
/// when they are asked for.
///
/// ```
/// use sip_core::presence::{Watcher, WatcherEvent, WatcherInfo, WatcherStatus};
///
/// let bob = Watcher::new(b"1", b"sip:bob@b.test", WatcherStatus::Pending, WatcherEvent::Subscribe);
/// let watchers = [bob];
/// let info = WatcherInfo::new(b"sip:alice@a.test", b"presence", 0, true, &watchers);
/// let mut buffer = [0; 512];
/// let length = info.write(&mut buffer)?;
/// assert_eq!(WatcherInfo::parse(&buffer[..length]).unwrap().watchers().next(), Some(bob));
/// # Ok::<(), sip_core::error::BufferTooSmall>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct WatcherInfo<'d> {
    /// What is watched: a URI.
    pub resource: Text<'d>,
    /// The event package by which it is watched.
    pub package: Text<'d>,
    /// Counts the documents of a subscription: after a partial one whose number is not the next, the
    /// subscriber asks for all again (RFC 3858 section 4.1).
    pub version: u32,
    /// Whether these are all watchers, or only those that have changed.
    pub is_full: bool,
    watchers: Watchers<'d>,
}

impl<'d> WatcherInfo<'d> {
    /// The media type.
    pub const CONTENT_TYPE: &'static [u8] = b"application/watcherinfo+xml";

    /// A document with these watchers.
    pub const fn new(
        resource: &'d [u8],
        package: &'d [u8],
        version: u32,
        is_full: bool,
        watchers: &'d [Watcher<'d>],
    ) -> Self {
        let (resource, package) = (Text::plain(resource), Text::plain(package));
        Self { resource, package, version, is_full, watchers: Watchers::List(watchers) }
    }

    /// Reads a document whole. Of several lists the first is read; elements are known by their local
    /// names, whatever their prefixes. Without a list, resource and package are empty.
    ///
    /// # Errors
    /// [`Fault::Xml`], [`Fault::XmlDepth`], or [`Fault::Document`] where the root is not `watcherinfo`,
    /// an attribute that must be there is missing or unknown, or a watcher has no URI.
    pub fn parse(octets: &'d [u8]) -> Result<Self, ParseError> {
        let fault = ParseError::new(Fault::Document, 0);
        let mut reader = Reader::new(octets);
        let (version, state) = match reader.next()? {
            Some(Event::Start { name, attributes }) if name.local == b"watcherinfo" => (
                attributes.get(b"version").and_then(number).ok_or(fault)?,
                attributes.get(b"state").ok_or(fault)?,
            ),
            _ => return Err(fault),
        };
        let is_full = match state.raw() {
            b"full" => true,
            b"partial" => false,
            _ => return Err(fault),
        };
        let mut info = Self::new(b"", b"", version, is_full, &[]);
        if let Some(list) = enter_list(&mut reader)? {
            info.resource = list.get(b"resource").ok_or(fault)?;
            info.package = list.get(b"package").ok_or(fault)?;
            info.watchers = Watchers::Document(octets);
            while next_watcher(&mut reader)?.is_some() {}
        }
        // What follows has to be well-formed too.
        while reader.next()?.is_some() {}
        Ok(info)
    }

    /// Each watcher in turn.
    pub fn watchers(&self) -> impl Iterator<Item = Watcher<'d>> + use<'d> {
        let (octets, list) = match self.watchers {
            Watchers::Document(octets) => (octets, &[][..]),
            Watchers::List(list) => (&b""[..], list),
        };
        let mut reader = Reader::new(octets);
        // The root's start and the list's, which were there when the document was read.
        let read =
            matches!(reader.next(), Ok(Some(_))) && matches!(enter_list(&mut reader), Ok(Some(_)));
        let document =
            core::iter::from_fn(move || if read { next_watcher(&mut reader).ok()? } else { None });
        list.iter().copied().chain(document)
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
              <watcherinfo xmlns=\"urn:ietf:params:xml:ns:watcherinfo\" version=\"",
        );
        to.number(self.version);
        to.fixed(if self.is_full {
            b"\" state=\"full\">\r\n"
        } else {
            b"\" state=\"partial\">\r\n"
        });
        to.fixed(b"<watcher-list");
        attribute(to, b"resource", Some(&self.resource));
        attribute(to, b"package", Some(&self.package));
        to.fixed(b">\r\n");
        for watcher in self.watchers() {
            watcher.write_to(to);
        }
        to.fixed(b"</watcher-list></watcherinfo>\r\n");
    }
}

impl PartialEq for WatcherInfo<'_> {
    fn eq(&self, other: &WatcherInfo<'_>) -> bool {
        self.resource == other.resource
            && self.package == other.package
            && (self.version, self.is_full) == (other.version, other.is_full)
            && self.watchers().eq(other.watchers())
    }
}

impl Eq for WatcherInfo<'_> {}

/// Goes into the first list; the reader stands inside the root.
fn enter_list<'d>(reader: &mut Reader<'d>) -> Result<Option<Attributes<'d>>, ParseError> {
    while let Some(event) = reader.next()? {
        match event {
            Event::Start { name, attributes } if name.local == b"watcher-list" => {
                return Ok(Some(attributes));
            }
            Event::Start { .. } => reader.skip_element()?,
            _ => {}
        }
    }
    Ok(None)
}

/// The next watcher of the list that the reader stands in.
fn next_watcher<'d>(reader: &mut Reader<'d>) -> Result<Option<Watcher<'d>>, ParseError> {
    while let Some(event) = reader.next()? {
        match event {
            Event::Start { name, attributes } if name.local == b"watcher" => {
                return watcher(reader, attributes).map(Some);
            }
            Event::Start { .. } => reader.skip_element()?,
            Event::End { .. } => return Ok(None),
            Event::Text(_) => {}
        }
    }
    Ok(None)
}

fn watcher<'d>(
    reader: &mut Reader<'d>,
    attributes: Attributes<'d>,
) -> Result<Watcher<'d>, ParseError> {
    let fault = ParseError::new(Fault::Document, reader.offset());
    Ok(Watcher {
        id: attributes.get(b"id").ok_or(fault)?,
        status: attributes.get(b"status").and_then(WatcherStatus::of).ok_or(fault)?,
        event: attributes.get(b"event").and_then(WatcherEvent::of).ok_or(fault)?,
        display: attributes.get(b"display-name"),
        expiration_s: attributes.get(b"expiration").and_then(number),
        subscribed_s: attributes.get(b"duration-subscribed").and_then(number),
        uri: reader.text()?.ok_or(fault)?,
    })
}

impl Watcher<'_> {
    fn write_to(&self, to: &mut Writer<'_>) {
        to.fixed(b"<watcher");
        attribute(to, b"id", Some(&self.id));
        to.fixed(b" status=\"");
        to.fixed(self.status.name());
        to.fixed(b"\" event=\"");
        to.fixed(self.event.name());
        to.fixed(b"\"");
        attribute(to, b"display-name", self.display.as_ref());
        for (name, seconds) in [
            (&b" expiration=\""[..], self.expiration_s),
            (b" duration-subscribed=\"", self.subscribed_s),
        ] {
            if let Some(seconds) = seconds {
                to.fixed(name);
                to.number(seconds);
                to.fixed(b"\"");
            }
        }
        to.fixed(b">");
        self.uri.write(to);
        to.fixed(b"</watcher>\r\n");
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// As in RFC 3858 section 6.
    const EXAMPLE: &str = r#"<?xml version="1.0"?>
      <watcherinfo xmlns="urn:ietf:params:xml:ns:watcherinfo" version="0" state="full">
        <watcher-list resource="sip:professor@example.net" package="presence">
          <watcher status="active" id="8ajksjda7s" duration-subscribed="509" event="approved">sip:userA@example.net</watcher>
          <watcher status="pending" id="hh8juja87s997-ass7" display-name="Mr. Subscriber"
                   event="subscribe" expiration="60">sip:userB@example.org</watcher>
        </watcher-list>
        <watcher-list resource="sip:other@example.net" package="dialog">
          <watcher status="active" id="x" event="approved">sip:c@example.org</watcher>
        </watcher-list>
      </watcherinfo>"#;

    #[test]
    fn the_example_of_rfc_3858_is_read() {
        let info = WatcherInfo::parse(EXAMPLE.as_bytes()).unwrap();
        assert_eq!(info.resource, b"sip:professor@example.net"[..]);
        assert_eq!(info.package, b"presence"[..]);
        assert_eq!((info.version, info.is_full), (0, true));
        let watchers: Vec<_> = info.watchers().collect();
        assert_eq!(watchers.len(), 2);
        let active = (WatcherStatus::Active, WatcherEvent::Approved);
        assert_eq!((watchers[0].status, watchers[0].event), active);
        assert_eq!(watchers[0].subscribed_s, Some(509));
        assert_eq!(watchers[0].uri, b"sip:userA@example.net"[..]);
        assert_eq!(watchers[1].display.unwrap(), b"Mr. Subscriber"[..]);
        assert_eq!(watchers[1].expiration_s, Some(60));
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let read = WatcherInfo::parse(EXAMPLE.as_bytes()).unwrap();
        let mut buffer = [0; 2048];
        let length = read.write(&mut buffer).unwrap();
        assert_eq!(length, read.encoded_len());
        assert_eq!(WatcherInfo::parse(&buffer[..length]).unwrap(), read);
        assert_eq!(read.write(&mut [0; 9]).unwrap_err().needed, length);
        let none = WatcherInfo::new(b"sip:<a>", b"presence", 7, false, &[]);
        let length = none.write(&mut buffer).unwrap();
        assert_eq!(WatcherInfo::parse(&buffer[..length]).unwrap(), none);
    }

    #[test]
    fn other_documents_are_refused() {
        let list = |inside: &str| {
            std::format!(
                "<watcherinfo version='1' state='full'><watcher-list resource='a' package='b'>\
                 {inside}</watcher-list></watcherinfo>"
            )
        };
        for text in [
            "<presence/>",
            "<watcherinfo/>",
            "<watcherinfo version='1' state='odd'/>",
            "<watcherinfo version='1' state='full'><watcher-list/></watcherinfo>",
            &list("<watcher status='active' event='approved'>a</watcher>"),
            &list("<watcher id='1' status='odd' event='approved'>a</watcher>"),
            &list("<watcher id='1' status='active' event='odd'>a</watcher>"),
            &list("<watcher id='1' status='active' event='approved'/>"),
        ] {
            let error = WatcherInfo::parse(text.as_bytes()).unwrap_err();
            assert_eq!(error.what, Fault::Document, "{text}");
        }
        let empty = "<watcherinfo version='1' state='partial'/>";
        assert_eq!(WatcherInfo::parse(empty.as_bytes()).unwrap().watchers().count(), 0);
        for end in 0..EXAMPLE.len() {
            assert!(WatcherInfo::parse(&EXAMPLE.as_bytes()[..end]).is_err(), "{end}");
        }
    }
}
