//! A user's contacts, kept by the server: `application/vnd-microsoft-roaming-contacts+xml` (MS-SIP
//! section 3.7 and appendix D).
//!
//! ```text
//! <contactList deltaNum="685">                                       all of it
//!   <group id="1" name="~" externalURI=""/>                          group 1 is always there
//!   <contact uri="bob@example.com" name="" groups="1 3" subscribed="true" externalURI=""/>
//! </contactList>
//!
//! <contactDelta deltaNum="686" prevDeltaNum="685">                   what has changed
//!   <addedGroup …/><modifiedGroup …/><addedContact …/><modifiedContact …/>
//!   <deletedGroup id="2"/><deletedContact uri="sip:bob@example.com"/>
//! </contactDelta>
//! ```

use super::out::{
    attribute, check, is_true, measured, number_attribute, number_of, value, written,
};
use crate::error::{BufferTooSmall, Fault, ParseError};
use crate::message::Writer;
use crate::presence::xml::{Attributes, Event, QName, Reader, Text};

/// The media type.
pub const CONTENT_TYPE: &[u8] = b"application/vnd-microsoft-roaming-contacts+xml";

/// The highest number of a group.
pub const MAX_GROUP: u32 = 64;

/// The group that every contact is in, and that cannot be deleted.
pub const DEFAULT_GROUP: Group<'static> =
    Group { id: 1, name: Text::plain(b"~"), external_uri: Text::plain(b"") };

/// A group of contacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Group<'d> {
    /// Its number, 1 to 64.
    pub id: u32,
    /// Its name, of 256 octets at most.
    pub name: Text<'d>,
    /// Where a list of its contacts is kept elsewhere; empty for none.
    pub external_uri: Text<'d>,
}

impl<'d> Group<'d> {
    fn parse(attributes: Attributes<'d>) -> Option<Self> {
        let empty = Text::plain(b"");
        Some(Self {
            id: number_of(attributes, b"id").filter(|id| *id <= MAX_GROUP)?,
            name: attributes.get(b"name").unwrap_or(empty),
            external_uri: attributes.get(b"externalURI").unwrap_or(empty),
        })
    }

    fn put(&self, name: &[u8], to: &mut Writer<'_>) {
        to.fixed(b"<");
        to.fixed(name);
        number_attribute(to, b"id", self.id);
        attribute(to, b"name", &self.name);
        attribute(to, b"externalURI", &self.external_uri);
        to.fixed(b" />");
    }
}

/// The numbers of groups: bit `i` for group `i`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Groups(u128);

impl Groups {
    /// The groups of a list with white space between them; what is none is passed over.
    #[must_use]
    pub fn parse(text: Text<'_>) -> Self {
        let numbers = text.raw().split(u8::is_ascii_whitespace).filter_map(crate::ntlm::number);
        numbers.collect()
    }

    /// Whether this group is one of them.
    #[must_use]
    pub const fn has(self, id: u32) -> bool {
        id <= MAX_GROUP && self.0 >> id & 1 == 1
    }

    /// The same without this group.
    #[must_use]
    pub const fn without(self, id: u32) -> Self {
        if id <= MAX_GROUP { Self(self.0 & !(1 << id)) } else { self }
    }

    /// Each in turn, in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = u32> {
        (0..=MAX_GROUP).filter(move |id| self.has(*id))
    }

    /// Writes them with spaces between them.
    pub(super) fn put(self, to: &mut Writer<'_>) {
        for (at, id) in self.iter().enumerate() {
            if at > 0 {
                to.fixed(b" ");
            }
            to.number(id);
        }
    }
}

impl FromIterator<u32> for Groups {
    fn from_iter<I: IntoIterator<Item = u32>>(ids: I) -> Self {
        let known = ids.into_iter().filter(|id| *id <= MAX_GROUP);
        Self(known.fold(0, |bits, id| bits | 1 << id))
    }
}

/// A contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Contact<'d> {
    /// The address; without `sip:` in a full list, with it in what has changed.
    pub uri: Text<'d>,
    /// The name that the user gave, of 256 octets at most; empty for none.
    pub name: Text<'d>,
    /// The groups.
    pub groups: Groups,
    /// Whether the user watches the contact's presence.
    pub subscribed: bool,
    /// Where more is known of the contact; empty for nowhere.
    pub external_uri: Text<'d>,
}

impl<'d> Contact<'d> {
    fn parse(attributes: Attributes<'d>) -> Option<Self> {
        let empty = Text::plain(b"");
        Some(Self {
            uri: attributes
                .get(b"uri")
                .map(|uri| uri.trimmed())
                .filter(|uri| !uri.raw().is_empty())?,
            name: attributes.get(b"name").unwrap_or(empty),
            groups: attributes.get(b"groups").map(Groups::parse).unwrap_or_default(),
            subscribed: attributes.get(b"subscribed").is_none_or(is_true),
            external_uri: attributes.get(b"externalURI").unwrap_or(empty),
        })
    }

    fn put(&self, name: &[u8], to: &mut Writer<'_>) {
        to.fixed(b"<");
        to.fixed(name);
        attribute(to, b"uri", &self.uri);
        attribute(to, b"name", &self.name);
        to.fixed(b" groups=\"");
        self.groups.put(to);
        to.fixed(b"\"");
        let subscribed: &[u8] = if self.subscribed { b"true" } else { b"false" };
        attribute(to, b"subscribed", &Text::plain(subscribed));
        attribute(to, b"externalURI", &self.external_uri);
        to.fixed(b" />");
    }
}

/// What stands in a list, or has changed in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Item<'d> {
    /// A group.
    Group(Group<'d>),
    /// A contact.
    Contact(Contact<'d>),
    /// A group is new.
    AddedGroup(Group<'d>),
    /// A group has changed.
    ModifiedGroup(Group<'d>),
    /// A group is gone.
    DeletedGroup(u32),
    /// A contact is new.
    AddedContact(Contact<'d>),
    /// A contact has changed.
    ModifiedContact(Contact<'d>),
    /// A contact is gone.
    DeletedContact(Text<'d>),
}

impl<'d> Item<'d> {
    fn parse(name: &QName<'d>, attributes: Attributes<'d>) -> Option<Self> {
        let (group, contact) = (|| Group::parse(attributes), || Contact::parse(attributes));
        match name.local {
            b"group" => group().map(Self::Group),
            b"contact" => contact().map(Self::Contact),
            b"addedGroup" => group().map(Self::AddedGroup),
            b"modifiedGroup" => group().map(Self::ModifiedGroup),
            b"deletedGroup" => number_of(attributes, b"id").map(Self::DeletedGroup),
            b"addedContact" => contact().map(Self::AddedContact),
            b"modifiedContact" => contact().map(Self::ModifiedContact),
            b"deletedContact" => value(attributes, b"uri").map(Self::DeletedContact),
            _ => None,
        }
    }

    fn put(&self, to: &mut Writer<'_>) {
        match self {
            Self::Group(group) => group.put(b"group", to),
            Self::Contact(contact) => contact.put(b"contact", to),
            Self::AddedGroup(group) => group.put(b"addedGroup", to),
            Self::ModifiedGroup(group) => group.put(b"modifiedGroup", to),
            Self::DeletedGroup(id) => {
                to.fixed(b"<deletedGroup");
                number_attribute(to, b"id", *id);
                to.fixed(b" />");
            }
            Self::AddedContact(contact) => contact.put(b"addedContact", to),
            Self::ModifiedContact(contact) => contact.put(b"modifiedContact", to),
            Self::DeletedContact(uri) => {
                to.fixed(b"<deletedContact");
                attribute(to, b"uri", uri);
                to.fixed(b" />");
            }
        }
    }
}

/// All of a list, or what has changed in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Extent {
    /// All of it.
    Full,
    /// What has changed since this number.
    Delta {
        /// The number before the change.
        from: u32,
    },
}

/// A list of contacts and groups.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ContactList<'d> {
    /// The number of its last change.
    pub delta: u32,
    /// All of it, or what has changed.
    pub extent: Extent,
    reader: Reader<'d>,
}

impl<'d> ContactList<'d> {
    /// Reads a document.
    ///
    /// # Errors
    /// [`Fault::Xml`], [`Fault::XmlDepth`], or [`Fault::Document`] where the root is neither
    /// `contactList` nor `contactDelta`, or lacks its numbers.
    pub fn parse(octets: &'d [u8]) -> Result<Self, ParseError> {
        let error = ParseError::new(Fault::Document, 0);
        let mut reader = Reader::new(octets);
        let Some(Event::Start { name, attributes }) = reader.next()? else { return Err(error) };
        let extent = match name.local {
            b"contactList" => Extent::Full,
            b"contactDelta" => {
                Extent::Delta { from: number_of(attributes, b"prevDeltaNum").ok_or(error)? }
            }
            _ => return Err(error),
        };
        let delta = number_of(attributes, b"deltaNum").ok_or(error)?;
        check(reader.clone())?;
        Ok(Self { delta, extent, reader })
    }

    /// What stands in it, in its order. What is malformed or not known is passed over.
    pub fn items(&self) -> impl Iterator<Item = Item<'d>> + use<'d> {
        let mut reader = self.reader.clone();
        core::iter::from_fn(move || {
            loop {
                match reader.next() {
                    Ok(Some(Event::Start { name, attributes })) => {
                        if let Some(item) = Item::parse(&name, attributes) {
                            return Some(item);
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
pub fn encoded_len<'a>(
    delta: u32,
    extent: Extent,
    items: impl IntoIterator<Item = Item<'a>>,
) -> usize {
    measured(|to| put(delta, extent, items, to))
}

/// Writes a document to the start of `buffer`, and gives its length.
///
/// # Errors
/// [`BufferTooSmall`] with what is needed.
pub fn write<'a>(
    delta: u32,
    extent: Extent,
    items: impl IntoIterator<Item = Item<'a>>,
    buffer: &mut [u8],
) -> Result<usize, BufferTooSmall> {
    written(buffer, |to| put(delta, extent, items, to))
}

fn put<'a>(
    delta: u32,
    extent: Extent,
    items: impl IntoIterator<Item = Item<'a>>,
    to: &mut Writer<'_>,
) {
    let name: &[u8] = if extent == Extent::Full { b"contactList" } else { b"contactDelta" };
    to.fixed(b"<");
    to.fixed(name);
    number_attribute(to, b"deltaNum", delta);
    if let Extent::Delta { from } = extent {
        number_attribute(to, b"prevDeltaNum", from);
    }
    to.fixed(b" >");
    for item in items {
        item.put(to);
    }
    to.fixed(b"</");
    to.fixed(name);
    to.fixed(b">");
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn round_trip(text: &[u8]) -> (ContactList<'_>, Vec<Item<'_>>) {
        let list = ContactList::parse(text).unwrap();
        let items: Vec<_> = list.items().collect();
        let mut buffer = [0; 2048];
        let len = write(list.delta, list.extent, list.items(), &mut buffer).unwrap();
        assert_eq!(encoded_len(list.delta, list.extent, list.items()), len);
        let again = ContactList::parse(&buffer[..len]).unwrap();
        assert_eq!((again.delta, again.extent), (list.delta, list.extent));
        assert!(again.items().eq(items.iter().copied()));
        (list, items)
    }

    #[test]
    fn the_list_of_ms_sip_is_read_and_written() {
        let (list, items) = round_trip(
            b"<contactList deltaNum=\"685\" >\r\n<group id=\"1\" name=\"~\" externalURI=\"\" />\r\n\
              <group id=\"2\" name=\"Team\" externalURI=\"\" />\r\n\
              <contact uri=\"contact1@tradewind.com\" name=\"\"\r\ngroups=\"1 3 \" subscribed=\"true\" externalURI=\"\" />\r\n\
              <contact uri=\"contact2@tradewind.com \" name=\"Two\" groups=\"1 2 \" subscribed=\"false\" \
              externalURI=\"\"><contactExtension><x/></contactExtension></contact></contactList>",
        );
        assert_eq!((list.delta, list.extent), (685, Extent::Full));
        assert_eq!(items[0], Item::Group(DEFAULT_GROUP));
        let Item::Contact(contact) = items[3] else { panic!() };
        assert_eq!(contact.uri, *b"contact2@tradewind.com".as_slice());
        assert!(contact.groups.iter().eq([1, 2]) && !contact.subscribed);
    }

    #[test]
    fn what_has_changed_is_read_and_written() {
        let (list, items) = round_trip(
            b"<contactDelta deltaNum=\"686\" prevDeltaNum=\"685\"><addedGroup id=\"2\" name=\"A\" externalURI=\"\"/>\
              <modifiedGroup id=\"3\" name=\"B\" externalURI=\"\"/><addedContact uri=\"sip:a@x\" name=\"\" groups=\"1\" \
              subscribed=\"true\" externalURI=\"\"/><modifiedContact uri=\"sip:b@x\" groups=\"64 0 65\"/>\
              <deletedGroup id=\"4\"/><deletedContact uri=\"sip:c@x\"/><new/></contactDelta>",
        );
        assert_eq!(list.extent, Extent::Delta { from: 685 });
        assert_eq!(items.len(), 6);
        assert_eq!(items[5], Item::DeletedContact(Text::plain(b"sip:c@x")));
        let Item::ModifiedContact(contact) = items[3] else { panic!() };
        assert!(contact.groups.iter().eq([0, 64]));
        assert!(contact.groups.without(64).iter().eq([0]));
    }

    #[test]
    fn a_list_without_its_numbers_is_refused() {
        assert!(ContactList::parse(b"<contactList/>").is_err());
        assert!(ContactList::parse(b"<contactDelta deltaNum=\"1\"/>").is_err());
        assert!(ContactList::parse(b"<contactList deltaNum=\"1\">").is_err());
    }
}
