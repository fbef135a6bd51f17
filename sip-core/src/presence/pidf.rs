//! The presence information data format (RFC 3863) with activities (RFC 4480).

use super::xml::{Event, Reader, Text};
use crate::error::{BufferTooSmall, Fault, ParseError};
use crate::message::Writer;

/// How many tuples, and how many activities, a document may have before the rest is only counted.
const MANY: usize = 8;

/// Whether somebody can be reached there (RFC 3863 section 4.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Basic {
    /// `open`.
    Open,
    /// `closed`.
    Closed,
}

macro_rules! activities {
    ($($variant:ident = $name:literal;)*) => {
        /// What somebody is doing (RFC 4480 section 3.2).
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[non_exhaustive]
        pub enum Activity<'d> {
            $(
                #[doc = concat!("`", $name, "`.")]
                $variant,
            )*
            /// Any other element's local name.
            Other(&'d [u8]),
        }

        impl<'d> Activity<'d> {
            /// The activity that an element of this local name stands for.
            pub fn parse(name: &'d [u8]) -> Self {
                $(
                    if name == $name.as_bytes() {
                        return Self::$variant;
                    }
                )*
                Self::Other(name)
            }

            /// The local name of the element.
            pub const fn name(&self) -> &'d [u8] {
                match self {
                    $(Self::$variant => $name.as_bytes(),)*
                    Self::Other(name) => name,
                }
            }
        }
    };
}

activities! {
    Appointment = "appointment";
    Away = "away";
    Breakfast = "breakfast";
    Busy = "busy";
    Dinner = "dinner";
    Holiday = "holiday";
    InTransit = "in-transit";
    LookingForWork = "looking-for-work";
    Lunch = "lunch";
    Meal = "meal";
    Meeting = "meeting";
    OnThePhone = "on-the-phone";
    Performance = "performance";
    PermanentAbsence = "permanent-absence";
    Playing = "playing";
    Presentation = "presentation";
    Shopping = "shopping";
    Sleeping = "sleeping";
    Spectator = "spectator";
    Steering = "steering";
    Travel = "travel";
    Tv = "tv";
    Unknown = "unknown";
    Vacation = "vacation";
    Working = "working";
    Worship = "worship";
}

/// One way to reach somebody (RFC 3863 section 4.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Tuple<'d> {
    /// Tells apart the tuples of a document.
    pub id: Text<'d>,
    /// Whether somebody can be reached there.
    pub basic: Option<Basic>,
    /// The URI.
    pub contact: Option<Text<'d>>,
    /// The priority of the contact as it stands: `0.8`.
    pub priority: Option<Text<'d>>,
    /// A note for people.
    pub note: Option<Text<'d>>,
    /// When it was last changed, as RFC 3339 writes it.
    pub timestamp: Option<Text<'d>>,
}

impl<'d> Tuple<'d> {
    /// A tuple with an id and a status.
    pub const fn new(id: &'d [u8], basic: Basic) -> Self {
        Self { basic: Some(basic), ..Self::with_id(Text::plain(id)) }
    }

    const fn with_id(id: Text<'d>) -> Self {
        Self { id, basic: None, contact: None, priority: None, note: None, timestamp: None }
    }
}

/// A presence document (RFC 3863 section 4) with a person's activities (RFC 4479, RFC 4480).
///
/// ```
/// use sip_core::presence::{Activity, Basic, Pidf, Tuple};
///
/// let mut pidf = Pidf::new(b"sip:alice@example.com");
/// pidf.add_tuple(Tuple::new(b"phone", Basic::Open));
/// pidf.add_activity(Activity::OnThePhone);
/// let mut buffer = [0; 1024];
/// let length = pidf.write(&mut buffer)?;
/// let read = Pidf::parse(&buffer[..length]).unwrap();
/// assert_eq!(read.basic(), Some(Basic::Open));
/// assert_eq!(read.activities().next(), Some(Activity::OnThePhone));
/// # Ok::<(), sip_core::error::BufferTooSmall>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Pidf<'d> {
    /// Whose presence it is: a URI.
    pub entity: Text<'d>,
    /// A note on all of it.
    pub note: Option<Text<'d>>,
    tuples: [Option<Tuple<'d>>; MANY],
    activities: [Option<Activity<'d>>; MANY],
    /// How many tuples and activities there was no room for.
    omitted: usize,
}

impl<'d> Pidf<'d> {
    /// The media type.
    pub const CONTENT_TYPE: &'static [u8] = b"application/pidf+xml";
    /// How many tuples are kept, and how many activities.
    pub const MAX_TUPLES: usize = MANY;

    /// A document without tuples.
    pub const fn new(entity: &'d [u8]) -> Self {
        Self::of(Text::plain(entity))
    }

    const fn of(entity: Text<'d>) -> Self {
        Self { entity, note: None, tuples: [None; MANY], activities: [None; MANY], omitted: 0 }
    }

    /// Reads a document. Elements are known by their local names, whatever their prefixes.
    ///
    /// # Errors
    /// [`Fault::Xml`], [`Fault::XmlDepth`], or [`Fault::Document`] where the root is not
    /// `presence` or lacks its `entity`.
    pub fn parse(octets: &'d [u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new(octets);
        let mut pidf = match reader.next()? {
            Some(Event::Start { name, attributes }) if name.local == b"presence" => {
                let entity = attributes.get(b"entity");
                Self::of(entity.ok_or(ParseError::new(Fault::Document, 0))?)
            }
            _ => return Err(ParseError::new(Fault::Document, 0)),
        };
        while let Some(event) = reader.next()? {
            let Event::Start { name, attributes } = event else { continue };
            match name.local {
                b"tuple" => {
                    let id = attributes.get(b"id").unwrap_or(Text::plain(b""));
                    let tuple = parse_tuple(&mut reader, id)?;
                    pidf.add_tuple(tuple);
                }
                b"note" => pidf.note = pidf.note.or(reader.text()?),
                b"person" => pidf.parse_person(&mut reader)?,
                _ => reader.skip_element()?,
            }
        }
        Ok(pidf)
    }

    fn parse_person(&mut self, reader: &mut Reader<'d>) -> Result<(), ParseError> {
        let person = reader.depth();
        while reader.depth() >= person {
            let Some(event) = reader.next()? else { break };
            let Event::Start { name, .. } = event else { continue };
            match name.local {
                // The activities stand in an element of this name; each is an element.
                b"activities" => {}
                b"note" => self.note = self.note.or(reader.text()?),
                _ if reader.depth() == person + 2 => {
                    self.add_activity(Activity::parse(name.local));
                    reader.skip_element()?;
                }
                _ => reader.skip_element()?,
            }
        }
        Ok(())
    }

    /// Adds a tuple; says whether there was room for it.
    pub fn add_tuple(&mut self, tuple: Tuple<'d>) -> bool {
        let place = self.tuples.iter_mut().find(|place| place.is_none());
        self.omitted += usize::from(place.is_none());
        place.map(|place| *place = Some(tuple)).is_some()
    }

    /// Adds an activity; says whether there was room for it.
    pub fn add_activity(&mut self, activity: Activity<'d>) -> bool {
        let place = self.activities.iter_mut().find(|place| place.is_none());
        self.omitted += usize::from(place.is_none());
        place.map(|place| *place = Some(activity)).is_some()
    }

    /// The tuples in their order.
    pub fn tuples(&self) -> impl Iterator<Item = &Tuple<'d>> {
        self.tuples.iter().flatten()
    }

    /// What the person is doing.
    pub fn activities(&self) -> impl Iterator<Item = Activity<'d>> + '_ {
        self.activities.iter().flatten().copied()
    }

    /// How many tuples and activities there was no room for.
    pub const fn omitted(&self) -> usize {
        self.omitted
    }

    /// Whether the person can be reached in any way: open if one tuple is.
    pub fn basic(&self) -> Option<Basic> {
        let mut found = None;
        for basic in self.tuples().filter_map(|tuple| tuple.basic) {
            if basic == Basic::Open {
                return Some(Basic::Open);
            }
            found = Some(basic);
        }
        found
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
              <presence xmlns=\"urn:ietf:params:xml:ns:pidf\"",
        );
        let person = self.activities().next().is_some();
        if person {
            to.fixed(
                b" xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" \
                  xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\"",
            );
        }
        to.fixed(b" entity=\"");
        self.entity.write(to);
        to.fixed(b"\">\r\n");
        for tuple in self.tuples() {
            tuple.write_to(to);
        }
        if let Some(note) = &self.note {
            element(to, b"note", note);
        }
        if person {
            to.fixed(b"<dm:person id=\"person\"><rpid:activities>");
            for activity in self.activities() {
                to.fixed(b"<rpid:");
                to.octets(activity.name());
                to.fixed(b"/>");
            }
            to.fixed(b"</rpid:activities></dm:person>\r\n");
        }
        to.fixed(b"</presence>\r\n");
    }
}

impl PartialEq for Pidf<'_> {
    fn eq(&self, other: &Pidf<'_>) -> bool {
        self.entity == other.entity
            && self.note == other.note
            && self.tuples().eq(other.tuples())
            && self.activities().eq(other.activities())
    }
}

impl Eq for Pidf<'_> {}

impl Tuple<'_> {
    fn write_to(&self, to: &mut Writer<'_>) {
        to.fixed(b"<tuple id=\"");
        self.id.write(to);
        to.fixed(b"\"><status>");
        match self.basic {
            Some(Basic::Open) => to.fixed(b"<basic>open</basic>"),
            Some(Basic::Closed) => to.fixed(b"<basic>closed</basic>"),
            None => {}
        }
        to.fixed(b"</status>");
        if let Some(contact) = &self.contact {
            to.fixed(b"<contact");
            if let Some(priority) = &self.priority {
                to.fixed(b" priority=\"");
                priority.write(to);
                to.fixed(b"\"");
            }
            to.fixed(b">");
            contact.write(to);
            to.fixed(b"</contact>");
        }
        if let Some(note) = &self.note {
            element(to, b"note", note);
        }
        if let Some(timestamp) = &self.timestamp {
            element(to, b"timestamp", timestamp);
        }
        to.fixed(b"</tuple>\r\n");
    }
}

/// Writes `<name>text</name>`.
pub(super) fn element(to: &mut Writer<'_>, name: &[u8], text: &Text<'_>) {
    to.fixed(b"<");
    to.fixed(name);
    to.fixed(b">");
    text.write(to);
    to.fixed(b"</");
    to.fixed(name);
    to.fixed(b">");
}

fn parse_tuple<'d>(reader: &mut Reader<'d>, id: Text<'d>) -> Result<Tuple<'d>, ParseError> {
    let mut tuple = Tuple::with_id(id);
    let inside = reader.depth();
    while reader.depth() >= inside {
        let Some(event) = reader.next()? else { break };
        let Event::Start { name, attributes } = event else { continue };
        match name.local {
            // Its children are read in their turn.
            b"status" => {}
            b"basic" => {
                tuple.basic = match reader.text()?.map(|text| text.raw()) {
                    Some(b"open") => Some(Basic::Open),
                    Some(b"closed") => Some(Basic::Closed),
                    _ => None,
                };
            }
            b"contact" => {
                tuple.priority = attributes.get(b"priority");
                tuple.contact = reader.text()?;
            }
            b"note" => tuple.note = tuple.note.or(reader.text()?),
            b"timestamp" => tuple.timestamp = reader.text()?,
            _ => reader.skip_element()?,
        }
    }
    Ok(tuple)
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    const DOCUMENT: &[u8] = br#"<?xml version="1.0" encoding="UTF-8"?>
<impp:presence xmlns:impp="urn:ietf:params:xml:ns:pidf" xmlns:x="urn:ietf:params:xml:ns:pidf:rpid"
    xmlns:d="urn:ietf:params:xml:ns:pidf:data-model" entity="pres:a&amp;b@example.com">
  <impp:tuple id="sg89ae">
    <impp:status><impp:basic> open </impp:basic><z:location xmlns:z="z"><z:basic>no</z:basic></z:location></impp:status>
    <impp:contact priority="0.8">im:someone@mobilecarrier.net</impp:contact>
    <impp:note xml:lang="en">Don't Disturb &lt;please&gt;</impp:note>
    <impp:timestamp>2001-10-27T16:49:29Z</impp:timestamp>
  </impp:tuple>
  <impp:tuple id="two"><impp:status><impp:basic>closed</impp:basic></impp:status></impp:tuple>
  <d:person id="p1"><x:activities><x:note>in a call</x:note><x:on-the-phone/><x:fishing/></x:activities>
    <x:mood><x:happy/></x:mood></d:person>
</impp:presence>"#;

    #[test]
    fn a_document_with_prefixes_and_extensions_is_read() {
        let pidf = Pidf::parse(DOCUMENT).unwrap();
        assert_eq!(pidf.entity, b"pres:a&b@example.com"[..]);
        let tuples: Vec<_> = pidf.tuples().collect();
        assert_eq!(tuples.len(), 2);
        assert_eq!(tuples[0].id, b"sg89ae"[..]);
        assert_eq!(tuples[0].basic, Some(Basic::Open));
        assert_eq!(tuples[0].priority.unwrap(), b"0.8"[..]);
        assert_eq!(tuples[0].contact.unwrap(), b"im:someone@mobilecarrier.net"[..]);
        assert_eq!(tuples[0].note.unwrap(), b"Don't Disturb <please>"[..]);
        assert_eq!(tuples[0].timestamp.unwrap(), b"2001-10-27T16:49:29Z"[..]);
        assert_eq!(tuples[1].basic, Some(Basic::Closed));
        assert_eq!(pidf.basic(), Some(Basic::Open));
        let activities: Vec<_> = pidf.activities().collect();
        assert_eq!(activities, [Activity::OnThePhone, Activity::Other(b"fishing")]);
        assert_eq!(pidf.note.unwrap(), b"in a call"[..]);
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let read = Pidf::parse(DOCUMENT).unwrap();
        let mut built = Pidf::new(b"sip:\"a\"&<b>@example.com");
        built.note = Some(Text::plain(b"1 < 2 & 3"));
        for pidf in [read, built] {
            let mut buffer = [0; 2048];
            let length = pidf.write(&mut buffer).unwrap();
            assert_eq!(length, pidf.encoded_len());
            assert_eq!(Pidf::parse(&buffer[..length]).unwrap(), pidf);
            let error = pidf.write(&mut [0; 10]).unwrap_err();
            assert_eq!(error.needed, length);
        }
    }

    #[test]
    fn other_documents_are_refused() {
        for (text, what) in [
            (&b"<a/>"[..], Fault::Document),
            (b"<presence/>", Fault::Document),
            (b"<presence entity='x'>", Fault::Xml),
            (b"<presence entity='x'><tuple id='1'></presence>", Fault::Xml),
            (b"", Fault::Xml),
        ] {
            assert_eq!(Pidf::parse(text).unwrap_err().what, what, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn what_there_is_no_room_for_is_counted() {
        let mut text = b"<presence entity='x'>".to_vec();
        for _ in 0..10 {
            text.extend(b"<tuple id='y'/>");
        }
        text.extend(b"</presence>");
        let pidf = Pidf::parse(&text).unwrap();
        assert_eq!((pidf.tuples().count(), pidf.omitted()), (8, 2));
    }
}
