//! Requests to the server in SOAP over SERVICE: presence, contacts, groups, access (MS-SIP sections 3.2,
//! 3.7, 4.5 to 4.10 and appendix D).
//!
//! ```text
//! SERVICE sip:alice@example.com SIP/2.0
//! Content-Type: application/SOAP+xml
//!
//! <SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Body>
//!   <m:setContact xmlns:m="http://schemas.microsoft.com/winrtc/2002/11/sip">
//!     <m:displayName>Bob</m:displayName><m:groups>1 3</m:groups><m:subscribed>true</m:subscribed>
//!     <m:URI>sip:bob@example.com</m:URI><m:externalURI/><m:deltaNum>12</m:deltaNum>
//!   </m:setContact>
//! </SOAP-ENV:Body></SOAP-ENV:Envelope>
//! ```
//!
//! 200 says that it is done, 403 that it is not. Of the changes, `deltaNum` must be the server's number
//! of the list; it rises by one with each. Changes come back in notifications of [`super::contacts`] and
//! [`super::acl`].

use super::acl::{Ace, Rights, Scope};
use super::contacts::{Contact, Group, Groups, MAX_GROUP};
use super::out::{attribute, element, inside, is_true, measured, number, value, written};
use super::presentity::Level;
use crate::error::{BufferTooSmall, Fault, ParseError};
use crate::message::Writer;
use crate::presence::xml::{Event, Reader, Text};

/// The media type.
pub const CONTENT_TYPE: &[u8] = b"application/SOAP+xml";

/// Presence that a client publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SetPresence<'d> {
    /// The user's SIP URI.
    pub uri: Text<'d>,
    /// [`Availability`](super::presentity::Availability).
    pub availability: Level<'d>,
    /// [`Activity`](super::presentity::Activity).
    pub activity: Level<'d>,
    /// The device's electronic mail.
    pub email: Option<Text<'d>>,
    /// The device's name.
    pub device_name: Option<Text<'d>>,
    /// Data of programs: their name, and what stands there, as it stands.
    pub device_data: Option<(Text<'d>, &'d [u8])>,
    /// What the server is to keep for the user, as it stands.
    pub user_info: Option<&'d [u8]>,
    /// The device, where the document names it (as libpurple's does).
    pub device_id: Option<Text<'d>>,
}

impl<'d> SetPresence<'d> {
    /// An availability and an activity.
    #[must_use]
    pub const fn new(uri: Text<'d>, availability: u32, activity: u32) -> Self {
        Self {
            uri,
            availability: Level::new(availability),
            activity: Level::new(activity),
            email: None,
            device_name: None,
            device_data: None,
            user_info: None,
            device_id: None,
        }
    }

    fn read(reader: &mut Reader<'d>, octets: &'d [u8]) -> Result<Self, ParseError> {
        let error = ParseError::new(Fault::Document, reader.offset());
        let mut read = Self::new(Text::plain(b""), 0, 0);
        let mut is_named = false;
        let depth = reader.depth();
        while reader.depth() >= depth {
            let Some(event) = reader.next()? else { break };
            let Event::Start { name, attributes } = event else { continue };
            match name.local {
                b"presentity" => {
                    read.uri = value(attributes, b"uri").ok_or(error)?;
                    is_named = true;
                    continue;
                }
                b"availability" => read.availability = Level::parse(attributes),
                b"activity" => read.activity = Level::parse(attributes),
                b"email" => read.email = value(attributes, b"email"),
                b"deviceName" => read.device_name = value(attributes, b"name"),
                b"device" => read.device_id = value(attributes, b"deviceId"),
                b"devicedata" => {
                    let namespace = attributes.get(b"namespace").unwrap_or(Text::plain(b""));
                    read.device_data = Some((namespace, inside(reader, octets)?));
                    continue;
                }
                b"userInfo" => {
                    read.user_info = Some(inside(reader, octets)?);
                    continue;
                }
                _ => {}
            }
            reader.skip_element()?;
        }
        if is_named { Ok(read) } else { Err(error) }
    }

    fn put(&self, to: &mut Writer<'_>) {
        to.fixed(b"<m:presentity");
        attribute(to, b"m:uri", &self.uri);
        to.fixed(b">");
        for (name, level) in
            [(&b"availability"[..], &self.availability), (b"activity", &self.activity)]
        {
            to.fixed(b"<m:");
            to.fixed(name);
            to.fixed(b" m:aggregate=\"");
            to.number(level.aggregate);
            to.fixed(b"\"");
            for (name, value) in [
                (&b"m:description"[..], &level.description),
                (b"m:epid", &level.epid),
                (b"m:note", &level.note),
            ] {
                if let Some(value) = value {
                    attribute(to, name, value);
                }
            }
            to.fixed(b"/>");
        }
        for (name, key, value) in [
            (&b"email"[..], &b"email"[..], &self.email),
            (b"deviceName", b"name", &self.device_name),
        ] {
            if let Some(value) = value {
                to.fixed(b"<");
                to.fixed(name);
                to.fixed(b" xmlns=\"http://schemas.microsoft.com/2002/09/sip/client/presence\"");
                attribute(to, key, value);
                to.fixed(b"/>");
            }
        }
        if let Some((namespace, data)) = &self.device_data {
            to.fixed(
                b"<rtc:devicedata xmlns:rtc=\"http://schemas.microsoft.com/2002/09/sip/client/presence\"",
            );
            attribute(to, b"namespace", namespace);
            to.fixed(b">");
            to.octets(data);
            to.fixed(b"</rtc:devicedata>");
        }
        if let Some(info) = self.user_info {
            to.fixed(b"<userInfo>");
            to.octets(info);
            to.fixed(b"</userInfo>");
        }
        if let Some(device) = &self.device_id {
            to.fixed(b"<device");
            attribute(to, b"deviceId", device);
            to.fixed(b"/>");
        }
        to.fixed(b"</m:presentity>");
    }
}

/// A request to the server.
///
/// ```
/// use sip_core::lcs::service::Request;
/// use sip_core::presence::xml::Text;
///
/// let add = Request::AddGroup {
///     name: Text::plain(b"Friends"),
///     external_uri: Text::plain(b""),
///     delta: 16,
/// };
/// let mut buffer = [0; 512];
/// let length = add.write(&mut buffer)?;
/// assert_eq!(Request::parse(&buffer[..length]).unwrap(), add);
/// # Ok::<(), sip_core::error::BufferTooSmall>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "views, in place, without an allocator")]
pub enum Request<'d> {
    /// This device's presence is this from now on.
    SetPresence(SetPresence<'d>),
    /// What is the presence of this user? The 200 brings a document of [`super::presentity`].
    GetPresence {
        /// The user's SIP URI.
        uri: Text<'d>,
    },
    /// This contact is one from now on, or has changed.
    SetContact {
        /// The contact, `sip:` before its URI.
        contact: Contact<'d>,
        /// The number of the list.
        delta: u32,
    },
    /// This contact is one no longer.
    DeleteContact {
        /// The contact's SIP URI.
        uri: Text<'d>,
        /// The number of the list.
        delta: u32,
    },
    /// A new group; the 200 brings its number: [`write_group_id`].
    AddGroup {
        /// Its name.
        name: Text<'d>,
        /// Where a list of its contacts is kept elsewhere; empty for none.
        external_uri: Text<'d>,
        /// The number of the list.
        delta: u32,
    },
    /// A group has changed.
    ModifyGroup {
        /// The group.
        group: Group<'d>,
        /// The number of the list.
        delta: u32,
    },
    /// A group, which has no contacts, goes.
    DeleteGroup {
        /// Its number, not 1.
        id: u32,
        /// The number of the list.
        delta: u32,
    },
    /// Somebody's rights are these from now on.
    SetAce {
        /// Who, and what.
        ace: Ace<'d>,
        /// The number of the access list, which is another than that of the contacts.
        delta: u32,
    },
}

/// The elements of a request that hold text.
#[derive(Default)]
struct Leaves<'d> {
    name: Option<Text<'d>>,
    display_name: Option<Text<'d>>,
    groups: Groups,
    group_id: Option<u32>,
    subscribed: Option<Text<'d>>,
    uri: Option<Text<'d>>,
    external_uri: Option<Text<'d>>,
    kind: Option<Text<'d>>,
    mask: Option<Text<'d>>,
    rights: Option<Text<'d>>,
    delta: Option<u32>,
}

impl<'d> Leaves<'d> {
    fn read(reader: &mut Reader<'d>) -> Result<Self, ParseError> {
        let mut leaves = Self::default();
        let depth = reader.depth();
        while reader.depth() >= depth {
            let Some(event) = reader.next()? else { break };
            let Event::Start { name, .. } = event else { continue };
            let text = reader.text()?.filter(|text| !text.raw().is_empty());
            match name.local {
                b"name" => leaves.name = text,
                b"displayName" => leaves.display_name = text,
                b"groups" => leaves.groups = text.map(Groups::parse).unwrap_or_default(),
                b"groupID" => leaves.group_id = text.and_then(number).filter(|id| *id <= MAX_GROUP),
                b"subscribed" => leaves.subscribed = text,
                b"URI" => leaves.uri = text,
                b"externalURI" => leaves.external_uri = text,
                b"type" => leaves.kind = text,
                b"mask" => leaves.mask = text,
                b"rights" => leaves.rights = text,
                b"deltaNum" => leaves.delta = text.and_then(number),
                _ => {}
            }
        }
        Ok(leaves)
    }
}

impl<'d> Request<'d> {
    /// Reads the body of a SERVICE.
    ///
    /// # Errors
    /// [`Fault::Xml`], [`Fault::XmlDepth`], or [`Fault::Document`] where it is no SOAP envelope, the
    /// request is not known, or lacks what it needs.
    pub fn parse(octets: &'d [u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new(octets);
        let name = enter_body(&mut reader)?;
        let error = ParseError::new(Fault::Document, reader.offset());
        let read = match name {
            b"setPresence" => Self::SetPresence(SetPresence::read(&mut reader, octets)?),
            b"getPresence" => {
                let mut found = None;
                let depth = reader.depth();
                while reader.depth() >= depth {
                    let Some(event) = reader.next()? else { break };
                    if let Event::Start { name, attributes } = event
                        && name.local == b"presentity"
                    {
                        found = found.or(value(attributes, b"uri"));
                    }
                }
                Self::GetPresence { uri: found.ok_or(error)? }
            }
            b"setContact" | b"deleteContact" | b"addGroup" | b"modifyGroup" | b"deleteGroup"
            | b"setACE" => Self::of_leaves(name, Leaves::read(&mut reader)?).ok_or(error)?,
            _ => return Err(error),
        };
        while reader.next()?.is_some() {}
        Ok(read)
    }

    fn of_leaves(name: &[u8], leaves: Leaves<'d>) -> Option<Self> {
        let empty = Text::plain(b"");
        let delta = leaves.delta?;
        let external_uri = leaves.external_uri.unwrap_or(empty);
        Some(match name {
            b"setContact" => Self::SetContact {
                contact: Contact {
                    uri: leaves.uri?,
                    name: leaves.display_name.unwrap_or(empty),
                    groups: leaves.groups,
                    subscribed: leaves.subscribed.is_none_or(is_true),
                    external_uri,
                },
                delta,
            },
            b"deleteContact" => Self::DeleteContact { uri: leaves.uri?, delta },
            b"addGroup" => Self::AddGroup { name: leaves.name?, external_uri, delta },
            b"modifyGroup" => Self::ModifyGroup {
                group: Group { id: leaves.group_id?, name: leaves.name?, external_uri },
                delta,
            },
            b"deleteGroup" => Self::DeleteGroup { id: leaves.group_id?, delta },
            _ => Self::SetAce {
                ace: Ace {
                    scope: Scope::parse(&leaves.kind?, leaves.mask)?,
                    rights: Rights::parse(leaves.rights?.raw())?,
                },
                delta,
            },
        })
    }

    /// How many octets [`write`](Self::write) takes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        measured(|to| self.put(to))
    }

    /// Writes the body of a SERVICE to the start of `buffer`, and gives its length.
    ///
    /// # Errors
    /// [`BufferTooSmall`] with what is needed.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        written(buffer, |to| self.put(to))
    }

    fn put(&self, to: &mut Writer<'_>) {
        let empty = Text::plain(b"");
        match self {
            Self::SetPresence(presence) => {
                envelope(to, b"setPresence", None, |to| presence.put(to));
            }
            Self::GetPresence { uri } => envelope(to, b"getPresence", None, |to| {
                to.fixed(b"<presentity");
                attribute(to, b"uri", uri);
                to.fixed(b"/>");
            }),
            Self::SetContact { contact, delta } => {
                envelope(to, b"setContact", Some(*delta), |to| {
                    element(to, b"m:displayName", &contact.name);
                    to.fixed(b"<m:groups>");
                    contact.groups.put(to);
                    to.fixed(b"</m:groups>");
                    let subscribed: &[u8] = if contact.subscribed { b"true" } else { b"false" };
                    element(to, b"m:subscribed", &Text::plain(subscribed));
                    element(to, b"m:URI", &contact.uri);
                    element(to, b"m:externalURI", &contact.external_uri);
                })
            }
            Self::DeleteContact { uri, delta } => {
                envelope(to, b"deleteContact", Some(*delta), |to| element(to, b"m:URI", uri));
            }
            Self::AddGroup { name, external_uri, delta } => {
                envelope(to, b"addGroup", Some(*delta), |to| {
                    element(to, b"m:name", name);
                    element(to, b"m:externalURI", external_uri);
                });
            }
            Self::ModifyGroup { group, delta } => {
                envelope(to, b"modifyGroup", Some(*delta), |to| {
                    group_id(to, group.id);
                    element(to, b"m:name", &group.name);
                    element(to, b"m:externalURI", &group.external_uri);
                });
            }
            Self::DeleteGroup { id, delta } => {
                envelope(to, b"deleteGroup", Some(*delta), |to| group_id(to, *id));
            }
            Self::SetAce { ace, delta } => envelope(to, b"setACE", Some(*delta), |to| {
                element(to, b"m:type", &Text::plain(ace.scope.kind()));
                element(to, b"m:mask", &ace.scope.mask().unwrap_or(empty));
                element(to, b"m:rights", &Text::plain(&ace.rights.letters()));
            }),
        }
    }
}

/// Writes the body of the 200 to an [`Request::AddGroup`], with the number of the group.
///
/// # Errors
/// [`BufferTooSmall`] with what is needed.
pub fn write_group_id(id: u32, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
    written(buffer, |to| envelope(to, b"addGroup", None, |to| group_id(to, id)))
}

/// Reads the body of the 200 to an [`Request::AddGroup`]: the number of the group.
///
/// # Errors
/// [`Fault::Xml`], [`Fault::XmlDepth`], or [`Fault::Document`] where it is something else.
pub fn parse_group_id(octets: &[u8]) -> Result<u32, ParseError> {
    let mut reader = Reader::new(octets);
    let error = ParseError::new(Fault::Document, 0);
    if enter_body(&mut reader)? != b"addGroup" {
        return Err(error);
    }
    Leaves::read(&mut reader)?.group_id.ok_or(error)
}

/// Enters the first element in the body of an envelope, whose local name it gives.
fn enter_body<'d>(reader: &mut Reader<'d>) -> Result<&'d [u8], ParseError> {
    let error = ParseError::new(Fault::Document, 0);
    super::out::root(reader, b"Envelope")?;
    loop {
        match reader.next()? {
            Some(Event::Start { name, .. }) if name.local == b"Body" => break,
            Some(Event::Start { .. }) => reader.skip_element()?,
            Some(Event::Text(_)) => {}
            _ => return Err(error),
        }
    }
    loop {
        match reader.next()? {
            Some(Event::Start { name, .. }) => return Ok(name.local),
            Some(Event::Text(_)) => {}
            _ => return Err(error),
        }
    }
}

/// Writes an envelope around a request, which ends in `deltaNum` where there is one.
fn envelope(
    to: &mut Writer<'_>,
    name: &[u8],
    delta: Option<u32>,
    put: impl FnOnce(&mut Writer<'_>),
) {
    to.fixed(
        b"<SOAP-ENV:Envelope xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\">\
          <SOAP-ENV:Body><m:",
    );
    to.fixed(name);
    to.fixed(b" xmlns:m=\"http://schemas.microsoft.com/winrtc/2002/11/sip\">");
    put(to);
    if let Some(delta) = delta {
        to.fixed(b"<m:deltaNum>");
        to.number(delta);
        to.fixed(b"</m:deltaNum>");
    }
    to.fixed(b"</m:");
    to.fixed(name);
    to.fixed(b"></SOAP-ENV:Body></SOAP-ENV:Envelope>");
}

fn group_id(to: &mut Writer<'_>, id: u32) {
    to.fixed(b"<m:groupID>");
    to.number(id);
    to.fixed(b"</m:groupID>");
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::string::String;

    use super::*;

    fn enveloped(inside: &str) -> String {
        format!(
            "<SOAP-ENV:Envelope\r\nxmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\">\r\n\
             <SOAP-ENV:Body>\r\n{inside}\r\n</SOAP-ENV:Body>\r\n</SOAP-ENV:Envelope>"
        )
    }

    fn round_trip(inside: &str, check: impl FnOnce(Request<'_>)) {
        let text = enveloped(inside);
        let read = Request::parse(text.as_bytes()).unwrap();
        let mut buffer = [0; 2048];
        let len = read.write(&mut buffer).unwrap();
        assert_eq!(read.encoded_len(), len);
        let again = &buffer[..len];
        assert_eq!(Request::parse(again).unwrap(), read, "{}", again.escape_ascii());
        check(read);
    }

    #[test]
    fn the_set_presence_of_ms_sip_is_read_and_written() {
        let text = "<m:setPresence\r\nxmlns:m=\"http://schemas.microsoft.com/winrtc/2002/11/sip\">\r\n\
            <m:presentity m:uri=\"sip:user2@server.contoso.com\">\r\n\
            <m:availability m:aggregate=\"300\"\r\nm:description=\"online\" />\r\n\
            <m:activity m:aggregate=\"400\" m:description=\"Active\"\r\nm:note=\"Note: I am online\" />\r\n\
            <email\r\nxmlns=\"http://schemas.microsoft.com/2002/09/sip/client/presence\"\r\n\
            email=\"someone@microsoft.com\" />\r\n<deviceName\r\n\
            xmlns=\"http://schemas.microsoft.com/2002/09/sip/client/presence\"\r\nname=\"HOSTNAME\" />\r\n\
            <rtc:devicedata\r\nxmlns:rtc=\"http://schemas.microsoft.com/2002/09/sip/client/presence\"\r\n\
            namespace=\"rtcsample\">\r\n<![CDATA[<applicationname>RTC Sample</applicationdata>]]>\r\n\
            </rtc:devicedata>\r\n<userInfo><a/></userInfo>\r\n</m:presentity>\r\n</m:setPresence>";
        round_trip(text, |read| {
            let Request::SetPresence(presence) = read else { panic!() };
            assert_eq!((presence.availability.aggregate, presence.activity.aggregate), (300, 400));
            assert_eq!(presence.activity.note, Some(Text::plain(b"Note: I am online")));
            assert_eq!(presence.device_name, Some(Text::plain(b"HOSTNAME")));
            assert_eq!(presence.user_info, Some(&b"<a/>"[..]));
            let (namespace, data) = presence.device_data.unwrap();
            assert_eq!(namespace, *b"rtcsample".as_slice());
            assert!(data.trim_ascii().starts_with(b"<![CDATA[<applicationname>"));
        });
    }

    #[test]
    fn the_other_requests_of_ms_sip_are_read_and_written() {
        let named = |name: &str, inside: &str| {
            format!(
                "<m:{name}\r\nxmlns:m=\"http://schemas.microsoft.com/winrtc/2002/11/sip\">\r\n{inside}</m:{name}>"
            )
        };
        let contact = "<m:displayName>buddy 1</m:displayName>\r\n<m:groups />\r\n\
            <m:subscribed>true</m:subscribed>\r\n<m:URI>sip:user4@server.contoso.com</m:URI>\r\n\
            <m:externalURI />\r\n<m:deltaNum>12</m:deltaNum>\r\n";
        round_trip(&named("setContact", contact), |read| {
            let Request::SetContact { contact, delta: 12 } = read else { panic!("{read:?}") };
            assert_eq!(contact.name, *b"buddy 1".as_slice());
            assert_eq!(contact.groups, Groups::default());
            assert!(contact.subscribed);
        });
        let gone = "<m:URI>sip:user4@server.contoso.com</m:URI><m:deltaNum>15</m:deltaNum>";
        round_trip(&named("deleteContact", gone), |read| {
            let uri = Text::plain(b"sip:user4@server.contoso.com");
            assert_eq!(read, Request::DeleteContact { uri, delta: 15 });
        });
        let group = "<m:name>Friends</m:name>\r\n<m:externalURI />\r\n<m:deltaNum>16</m:deltaNum>";
        round_trip(&named("addGroup", group), |read| {
            let (name, external_uri) = (Text::plain(b"Friends"), Text::plain(b""));
            assert_eq!(read, Request::AddGroup { name, external_uri, delta: 16 });
        });
        let changed =
            "<m:groupID>2</m:groupID><m:name>F &amp; G</m:name><m:deltaNum>9</m:deltaNum>";
        round_trip(&named("modifyGroup", changed), |read| {
            let Request::ModifyGroup { group, delta: 9 } = read else { panic!("{read:?}") };
            assert_eq!((group.id, group.name), (2, Text::plain(b"F & G")));
        });
        let gone = "<m:groupID>1</m:groupID>\r\n<m:deltaNum>17</m:deltaNum>";
        round_trip(&named("deleteGroup", gone), |read| {
            assert_eq!(read, Request::DeleteGroup { id: 1, delta: 17 });
        });
        let ace = "<m:type>USER</m:type>\r\n<m:mask>sip:user3@server.contoso.com</m:mask>\r\n\
            <m:rights>AA</m:rights>\r\n<m:deltaNum>2</m:deltaNum>";
        round_trip(&named("setACE", ace), |read| {
            let scope = Scope::User(Text::plain(b"sip:user3@server.contoso.com"));
            let ace = Ace { scope, rights: Rights::ALLOWED };
            assert_eq!(read, Request::SetAce { ace, delta: 2 });
        });
        round_trip(&named("getPresence", "<presentity uri=\"sip:bob@x\"/>"), |read| {
            assert_eq!(read, Request::GetPresence { uri: Text::plain(b"sip:bob@x") });
        });
    }

    #[test]
    fn the_number_of_a_new_group_comes_back() {
        let mut buffer = [0; 512];
        let len = write_group_id(2, &mut buffer).unwrap();
        let text = &buffer[..len];
        assert!(text.ends_with(
            b"<m:groupID>2</m:groupID></m:addGroup></SOAP-ENV:Body></SOAP-ENV:Envelope>"
        ));
        assert_eq!(parse_group_id(text), Ok(2));
        assert!(parse_group_id(enveloped("<m:addGroup/>").as_bytes()).is_err());
    }

    #[test]
    fn what_is_not_known_or_lacks_something_is_refused() {
        for inside in [
            "",
            "<m:fly/>",
            "<m:setContact><m:URI>sip:a@x</m:URI></m:setContact>",
            "<m:setPresence/>",
        ] {
            assert!(Request::parse(enveloped(inside).as_bytes()).is_err(), "{inside}");
        }
        assert!(Request::parse(b"<a/>").is_err());
        let cut = enveloped(
            "<m:deleteGroup><m:groupID>1</m:groupID><m:deltaNum>1</m:deltaNum></m:deleteGroup>",
        );
        assert!(Request::parse(cut.as_bytes()).is_ok());
        assert!(Request::parse(&cut.as_bytes()[..cut.len() - 1]).is_err());
    }
}
