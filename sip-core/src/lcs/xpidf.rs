//! Presence as Windows Messenger has it between clients: `application/xpidf+xml` (MS-SIP appendix B).
//!
//! ```text
//! <?xml version="1.0"?>
//! <!DOCTYPE presence PUBLIC "-//IETF//DTD RFCxxxx XPIDF 1.0//EN" "xpidf.dtd">
//! <presence>
//!   <presentity uri="sip:bob@192.0.2.7;method=SUBSCRIBE"/>
//!   <atom id="1002">
//!     <address uri="sip:bob@192.0.2.7" priority="0.800000">
//!       <status status="open"/><msnsubstatus substatus="online"/>
//!     </address>
//!   </atom>
//!   <display name="Bob"/>
//! </presence>
//! ```

use super::out::{attribute, measured, optional, root, value, written};
use crate::error::{BufferTooSmall, Fault, ParseError};
use crate::message::Writer;
use crate::presence::xml::{Event, Reader, Text};

/// Whether an address can be reached (MS-SIP appendix B, `status`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Status {
    /// It can.
    Open,
    /// It cannot.
    Closed,
    /// It is, by who reads this.
    InUse,
}

impl Status {
    const ALL: [(Self, &'static [u8]); 3] =
        [(Self::Open, b"open"), (Self::Closed, b"closed"), (Self::InUse, b"inuse")];

    fn parse(text: Text<'_>) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, name)| text == **name).map(|(status, _)| status)
    }

    fn name(self) -> &'static [u8] {
        Self::ALL
            .into_iter()
            .find(|(status, _)| *status == self)
            .map(|(_, name)| name)
            .unwrap_or_default()
    }
}

/// What somebody is doing (MS-SIP appendix B, `msnsubstatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SubStatus {
    /// Nobody knows.
    Unknown,
    /// Away.
    Away,
    /// There.
    Online,
    /// There, and not at the keyboard.
    Idle,
    /// Busy.
    Busy,
    /// Back soon.
    BeRightBack,
    /// On the telephone.
    OnThePhone,
    /// At lunch.
    OutToLunch,
}

impl SubStatus {
    const ALL: [(Self, &'static [u8]); 8] = [
        (Self::Unknown, b"unknown"),
        (Self::Away, b"away"),
        (Self::Online, b"online"),
        (Self::Idle, b"idle"),
        (Self::Busy, b"busy"),
        (Self::BeRightBack, b"berightback"),
        (Self::OnThePhone, b"onthephone"),
        (Self::OutToLunch, b"outtolunch"),
    ];

    fn parse(text: Text<'_>) -> Self {
        let known = Self::ALL.into_iter().find(|(_, name)| text == **name);
        known.map_or(Self::Unknown, |(status, _)| status)
    }

    /// The value of the attribute.
    #[must_use]
    pub fn name(self) -> &'static [u8] {
        Self::ALL
            .into_iter()
            .find(|(status, _)| *status == self)
            .map(|(_, name)| name)
            .unwrap_or_default()
    }
}

/// A presence document with one address: of several the first that is open counts, or the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Xpidf<'d> {
    /// Whose presence it is: a URI, often with `;method=SUBSCRIBE`.
    pub uri: Text<'d>,
    /// Tells apart the atoms of a document.
    pub atom: Option<Text<'d>>,
    /// Where the user is.
    pub address: Option<Text<'d>>,
    /// How much the address is preferred, from 0 to 1.
    pub priority: Option<Text<'d>>,
    /// Whether the address can be reached.
    pub status: Status,
    /// What the user is doing.
    pub substatus: SubStatus,
    /// The user's name.
    pub display_name: Option<Text<'d>>,
}

impl<'d> Xpidf<'d> {
    /// The media type.
    pub const CONTENT_TYPE: &'static [u8] = b"application/xpidf+xml";

    /// A user and what he is doing.
    #[must_use]
    pub const fn new(uri: Text<'d>, status: Status, substatus: SubStatus) -> Self {
        Self {
            uri,
            atom: None,
            address: None,
            priority: None,
            status,
            substatus,
            display_name: None,
        }
    }

    /// Reads a document. Its document type is passed over.
    ///
    /// # Errors
    /// [`Fault::Xml`], [`Fault::XmlDepth`], or [`Fault::Document`] where the root is not `presence` or no
    /// `presentity` stands in it.
    pub fn parse(octets: &'d [u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new(behind_doctype(octets));
        root(&mut reader, b"presence")?;
        let mut uri = None;
        let mut read = Self::new(Text::plain(b""), Status::Closed, SubStatus::Unknown);
        let mut found = false;
        while let Some(event) = reader.next()? {
            let Event::Start { name, attributes } = event else { continue };
            match name.local {
                b"presentity" => uri = uri.or(attributes.get(b"uri")),
                b"atom" if !found => read.atom = value(attributes, b"id"),
                b"address" if !found => {
                    read.address = value(attributes, b"uri");
                    read.priority = value(attributes, b"priority");
                }
                b"status" if !found => {
                    let status = attributes.get(b"status").and_then(Status::parse);
                    read.status = status.unwrap_or(Status::Closed);
                }
                // Windows Messenger writes either name.
                b"msnsubstatus" | b"msnstatus" if !found => {
                    let status = attributes.get(b"substatus").map(SubStatus::parse);
                    read.substatus = status.unwrap_or(SubStatus::Unknown);
                    found = read.status != Status::Closed;
                }
                b"display" => read.display_name = value(attributes, b"name"),
                _ => {}
            }
        }
        read.uri = uri.ok_or(ParseError::new(Fault::Document, 0))?;
        Ok(read)
    }

    /// How many octets [`write`](Self::write) takes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        measured(|to| self.put(to))
    }

    /// Writes the document to the start of `buffer`, and gives its length.
    ///
    /// # Errors
    /// [`BufferTooSmall`] with what is needed.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        written(buffer, |to| self.put(to))
    }

    fn put(&self, to: &mut Writer<'_>) {
        to.fixed(
            b"<?xml version=\"1.0\"?>\r\n<!DOCTYPE presence\r\n\
              PUBLIC \"-//IETF//DTD RFCxxxx XPIDF 1.0//EN\" \"xpidf.dtd\">\r\n\
              <presence>\r\n<presentity",
        );
        attribute(to, b"uri", &self.uri);
        to.fixed(b"/>\r\n<atom");
        attribute(to, b"id", &self.atom.unwrap_or(Text::plain(b"1002")));
        to.fixed(b">\r\n<address");
        attribute(to, b"uri", &self.address.unwrap_or(self.uri));
        optional(to, b"priority", self.priority.as_ref());
        to.fixed(b">\r\n<status");
        attribute(to, b"status", &Text::plain(self.status.name()));
        to.fixed(b"/>\r\n<msnsubstatus");
        attribute(to, b"substatus", &Text::plain(self.substatus.name()));
        to.fixed(b"/>\r\n</address>\r\n</atom>\r\n");
        if let Some(name) = &self.display_name {
            to.fixed(b"<display");
            attribute(to, b"name", name);
            to.fixed(b"/>\r\n");
        }
        to.fixed(b"</presence>\r\n");
    }
}

/// The document behind its document type. One that declares something is left for the reader, which
/// refuses it.
fn behind_doctype(octets: &[u8]) -> &[u8] {
    let rest = octets.trim_ascii_start();
    let rest = match rest.strip_prefix(b"<?xml") {
        Some(prolog) => match crate::header::cursor::find_sequence(prolog, b"?>") {
            Some(end) => prolog.get(end + 2..).unwrap_or_default().trim_ascii_start(),
            None => return octets,
        },
        None => rest,
    };
    if !rest.starts_with(b"<!DOCTYPE") {
        return octets;
    }
    match memchr::memchr2(b'>', b'[', rest) {
        Some(end) if rest.get(end) == Some(&b'>') => rest.get(end + 1..).unwrap_or_default(),
        _ => octets,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_between_two_clients_is_read_and_written() {
        let text = b"<?xml version=\"1.0\"?>\r\n<!DOCTYPE presence\r\n\
            PUBLIC \"-//IETF//DTD RFCxxxx XPIDF 1.0//EN\" \"xpidf.dtd\">\r\n<presence>\r\n\
            <presentity uri=\"sip:user2@193.12.62.199;method=SUBSCRIBE\"/>\r\n<atom id=\"1002\">\r\n\
            <address uri=\"sip:user2@193.12.62.199\" priority=\"0.600000\">\r\n\
            <status status=\"open\"/>\r\n<msnstatus substatus=\"online\"/>\r\n</address>\r\n</atom>\r\n\
            </presence>\r\n";
        let read = Xpidf::parse(text).unwrap();
        assert_eq!((read.status, read.substatus), (Status::Open, SubStatus::Online));
        assert_eq!(read.priority, Some(Text::plain(b"0.600000")));
        let mut buffer = [0; 1024];
        let len = read.write(&mut buffer).unwrap();
        assert_eq!(Xpidf::parse(&buffer[..len]).unwrap(), read);
        assert_eq!(read.encoded_len(), len);
        let own = std::string::String::from_utf8(text.to_vec()).unwrap();
        let own = own.replace("msnstatus", "msnsubstatus");
        assert_eq!(std::str::from_utf8(&buffer[..len]).unwrap(), own);
    }

    #[test]
    fn each_status_comes_back() {
        for (substatus, _) in SubStatus::ALL {
            for (status, _) in Status::ALL {
                let mut one = Xpidf::new(Text::plain(b"sip:a@x"), status, substatus);
                one.display_name = Some(Text::plain(b"A & <B>"));
                one.atom = Some(Text::plain(b"7"));
                one.address = Some(Text::plain(b"sip:a@y"));
                let mut buffer = [0; 1024];
                let len = one.write(&mut buffer).unwrap();
                assert_eq!(Xpidf::parse(&buffer[..len]).unwrap(), one);
            }
        }
    }

    #[test]
    fn a_document_type_that_declares_something_is_refused() {
        let text =
            b"<!DOCTYPE presence [<!ENTITY a \"b\">]><presence><presentity uri=\"a\"/></presence>";
        assert!(Xpidf::parse(text).is_err());
        assert!(Xpidf::parse(b"<presence/>").is_err());
    }

    #[test]
    fn of_several_addresses_the_first_that_is_open_counts() {
        let text = b"<presence><presentity uri=\"sip:a@x\"/><atom id=\"1\"><address uri=\"sip:1\">\
            <status status=\"closed\"/><msnsubstatus substatus=\"away\"/></address></atom>\
            <atom id=\"2\"><address uri=\"sip:2\"><status status=\"open\"/>\
            <msnsubstatus substatus=\"busy\"/></address></atom><atom id=\"3\"><address uri=\"sip:3\">\
            <status status=\"open\"/><msnsubstatus substatus=\"idle\"/></address></atom></presence>";
        let read = Xpidf::parse(text).unwrap();
        assert_eq!((read.atom, read.substatus), (Some(Text::plain(b"2")), SubStatus::Busy));
    }
}
