//! Presence as Live Communications Server has it: `text/xml+msrtc.pidf` (MS-SIP appendix A).
//!
//! ```text
//! <presentity uri="bob@example.com" xmlns="http://schemas.microsoft.com/2002/09/sip/presence">
//!   <availability aggregate="300" description="" epid="abc123"/>     of the most available device
//!   <activity aggregate="400" description="" note="…"/>
//!   <displayName displayName="Bob"/>
//!   <userInfo>…</userInfo>                                            what the user keeps on the server
//!   <devices>
//!     <devicePresence epid="abc123" ageOfPresence="30">
//!       <availability …/><activity …/>…
//!     </devicePresence>
//!   </devices>
//! </presentity>
//! ```

use super::out::{
    attribute, inside, measured, number_attribute, number_of, optional, root, value, written,
};
use crate::error::{BufferTooSmall, Fault, ParseError};
use crate::message::Writer;
use crate::presence::xml::{Attributes, Event, Reader, Text};

/// How many devices a document may have before the rest is only counted.
const MANY: usize = 8;

/// The name space of the document.
const NAMESPACE: &[u8] = b"http://schemas.microsoft.com/2002/09/sip/presence";

/// Whether somebody can be called, by classes of a hundred (MS-SIP appendix A).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Availability {
    /// 0 to 99: no calls are taken.
    Offline,
    /// 100 to 199: nobody knows until it is tried, as with a mobile telephone.
    Perhaps,
    /// 200 to 299: a device is connected.
    Connected,
    /// 300 and more: the user is near a device.
    Near,
}

impl Availability {
    /// The class of a number.
    #[must_use]
    pub const fn of(aggregate: u32) -> Self {
        match aggregate {
            0..100 => Self::Offline,
            100..200 => Self::Perhaps,
            200..300 => Self::Connected,
            _ => Self::Near,
        }
    }

    /// The number that stands for the class.
    #[must_use]
    pub const fn aggregate(self) -> u32 {
        match self {
            Self::Offline => 0,
            Self::Perhaps => 100,
            Self::Connected => 200,
            Self::Near => 300,
        }
    }
}

/// What somebody is doing, by classes (MS-SIP appendix A).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Activity {
    /// 0 to 99: nobody knows.
    Unknown,
    /// 100 to 149, and 700 to 799.
    Away,
    /// 150 to 199.
    OutToLunch,
    /// 200 to 299.
    Idle,
    /// 300 to 399.
    BeRightBack,
    /// 400 to 499, and 800 and more.
    Active,
    /// 500 to 599: in a session, on the telephone.
    InSession,
    /// 600 to 699.
    Busy,
}

impl Activity {
    /// The class of a number.
    #[must_use]
    pub const fn of(aggregate: u32) -> Self {
        match aggregate {
            0..100 => Self::Unknown,
            100..150 | 700..800 => Self::Away,
            150..200 => Self::OutToLunch,
            200..300 => Self::Idle,
            300..400 => Self::BeRightBack,
            500..600 => Self::InSession,
            600..700 => Self::Busy,
            _ => Self::Active,
        }
    }

    /// The number that stands for the class.
    #[must_use]
    pub const fn aggregate(self) -> u32 {
        match self {
            Self::Unknown => 0,
            Self::Away => 100,
            Self::OutToLunch => 150,
            Self::Idle => 200,
            Self::BeRightBack => 300,
            Self::Active => 400,
            Self::InSession => 500,
            Self::Busy => 600,
        }
    }
}

/// A number and what stands beside it: an `availability` or `activity` element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Level<'d> {
    /// The number, 0 to 999: [`Availability`] or [`Activity`].
    pub aggregate: u32,
    /// Words for it; a server leaves them empty.
    pub description: Option<Text<'d>>,
    /// The device.
    pub epid: Option<Text<'d>>,
    /// What the user says.
    pub note: Option<Text<'d>>,
}

impl<'d> Level<'d> {
    /// A number alone.
    #[must_use]
    pub const fn new(aggregate: u32) -> Self {
        Self { aggregate, description: None, epid: None, note: None }
    }

    pub(super) fn parse(attributes: Attributes<'d>) -> Self {
        Self {
            aggregate: number_of(attributes, b"aggregate").unwrap_or_default().min(999),
            description: value(attributes, b"description"),
            epid: value(attributes, b"epid"),
            note: value(attributes, b"note"),
        }
    }

    fn write(&self, name: &[u8], to: &mut Writer<'_>) {
        to.fixed(b"<");
        to.fixed(name);
        number_attribute(to, b"aggregate", self.aggregate);
        // Clients of 2005 look for it.
        attribute(to, b"description", &self.description.unwrap_or(Text::plain(b"")));
        optional(to, b"epid", self.epid.as_ref());
        optional(to, b"note", self.note.as_ref());
        to.fixed(b" />");
    }
}

/// The presence of one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Device<'d> {
    /// The device.
    pub epid: Option<Text<'d>>,
    /// How long ago it said so, in seconds.
    pub age_s: u32,
    /// Its availability.
    pub availability: Level<'d>,
    /// Its activity.
    pub activity: Level<'d>,
    /// Its name.
    pub name: Option<Text<'d>>,
}

impl<'d> Device<'d> {
    fn parse(reader: &mut Reader<'d>, attributes: Attributes<'d>) -> Result<Self, ParseError> {
        let mut device = Self {
            epid: value(attributes, b"epid"),
            age_s: number_of(attributes, b"ageOfPresence").unwrap_or_default(),
            availability: Level::new(0),
            activity: Level::new(0),
            name: None,
        };
        let depth = reader.depth();
        while reader.depth() >= depth {
            let Some(event) = reader.next()? else { break };
            let Event::Start { name, attributes } = event else { continue };
            match name.local {
                b"availability" => device.availability = Level::parse(attributes),
                b"activity" => device.activity = Level::parse(attributes),
                b"deviceName" => device.name = value(attributes, b"name"),
                _ => {}
            }
            reader.skip_element()?;
        }
        Ok(device)
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.fixed(b"<devicePresence");
        optional(to, b"epid", self.epid.as_ref());
        number_attribute(to, b"ageOfPresence", self.age_s);
        to.fixed(b">");
        self.availability.write(b"availability", to);
        self.activity.write(b"activity", to);
        if let Some(name) = &self.name {
            to.fixed(
                b"<deviceName xmlns=\"http://schemas.microsoft.com/2002/09/sip/client/presence\"",
            );
            attribute(to, b"name", name);
            to.fixed(b" />");
        }
        to.fixed(b"</devicePresence>");
    }
}

/// A presence document.
///
/// ```
/// use sip_core::lcs::presentity::{Activity, Availability, Level, Presentity};
/// use sip_core::presence::xml::Text;
///
/// let mut bob = Presentity::new(Text::plain(b"bob@example.com"));
/// bob.availability = Level::new(Availability::Near.aggregate());
/// bob.activity = Level::new(Activity::Active.aggregate());
/// let mut buffer = [0; 1024];
/// let length = bob.write(&mut buffer)?;
/// assert_eq!(Presentity::parse(&buffer[..length]).unwrap(), bob);
/// # Ok::<(), sip_core::error::BufferTooSmall>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Presentity<'d> {
    /// Whose presence it is; mostly without `sip:`.
    pub uri: Text<'d>,
    /// The availability of the most available device.
    pub availability: Level<'d>,
    /// The activity of that device.
    pub activity: Level<'d>,
    /// The user's name.
    pub display_name: Option<Text<'d>>,
    /// The user's electronic mail.
    pub email: Option<Text<'d>>,
    /// The user's telephone number.
    pub phone_number: Option<Text<'d>>,
    /// What the user keeps on the server, as it stands: any XML, of 1024 characters at most.
    pub user_info: Option<&'d [u8]>,
    devices: [Option<Device<'d>>; MANY],
    omitted: usize,
}

impl<'d> Presentity<'d> {
    /// The media type.
    pub const CONTENT_TYPE: &'static [u8] = b"text/xml+msrtc.pidf";
    /// How many devices are kept.
    pub const MAX_DEVICES: usize = MANY;
    /// How many characters of [`user_info`](Self::user_info) a server keeps.
    pub const MAX_USER_INFO: usize = 1024;

    /// Somebody who is offline.
    #[must_use]
    pub const fn new(uri: Text<'d>) -> Self {
        Self {
            uri,
            availability: Level::new(0),
            activity: Level::new(0),
            display_name: None,
            email: None,
            phone_number: None,
            user_info: None,
            devices: [None; MANY],
            omitted: 0,
        }
    }

    /// Reads a document.
    ///
    /// # Errors
    /// [`Fault::Xml`], [`Fault::XmlDepth`], or [`Fault::Document`] where the root is not `presentity` or
    /// lacks its `uri`.
    pub fn parse(octets: &'d [u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new(octets);
        let attributes = root(&mut reader, b"presentity")?;
        Self::read(&mut reader, octets, attributes)
    }

    /// Reads the element that began last.
    pub(super) fn read(
        reader: &mut Reader<'d>,
        octets: &'d [u8],
        attributes: Attributes<'d>,
    ) -> Result<Self, ParseError> {
        let uri = attributes.get(b"uri").ok_or(ParseError::new(Fault::Document, 0))?;
        let mut presentity = Self::new(uri);
        let depth = reader.depth();
        while reader.depth() >= depth {
            let Some(event) = reader.next()? else { break };
            let Event::Start { name, attributes } = event else { continue };
            match name.local {
                b"availability" => presentity.availability = Level::parse(attributes),
                b"activity" => presentity.activity = Level::parse(attributes),
                b"displayName" => presentity.display_name = value(attributes, b"displayName"),
                b"email" => presentity.email = value(attributes, b"email"),
                b"phoneNumber" => presentity.phone_number = value(attributes, b"number"),
                b"userInfo" => {
                    let info = inside(reader, octets)?;
                    presentity.user_info = Some(info).filter(|info| !info.is_empty());
                    continue;
                }
                b"devices" => continue,
                b"devicePresence" => {
                    let device = Device::parse(reader, attributes)?;
                    presentity.add_device(device);
                    continue;
                }
                _ => {}
            }
            reader.skip_element()?;
        }
        Ok(presentity)
    }

    /// Adds a device; says whether there was room for it.
    pub fn add_device(&mut self, device: Device<'d>) -> bool {
        let place = self.devices.iter_mut().find(|place| place.is_none());
        self.omitted += usize::from(place.is_none());
        place.map(|place| *place = Some(device)).is_some()
    }

    /// Takes availability and activity from the most available device, as a server does for watchers.
    pub fn aggregate(&mut self) {
        let mut best: Option<Device<'d>> = None;
        for device in self.devices.iter().flatten() {
            let rank =
                |device: &Device<'_>| (device.availability.aggregate, device.activity.aggregate);
            if best.is_none_or(|best| rank(device) > rank(&best)) {
                best = Some(*device);
            }
        }
        if let Some(best) = best {
            self.availability = Level { description: None, epid: best.epid, ..best.availability };
            self.activity = Level { description: None, epid: best.epid, ..best.activity };
        }
    }

    /// The devices in their order.
    pub fn devices(&self) -> impl Iterator<Item = &Device<'d>> {
        self.devices.iter().flatten()
    }

    /// How many devices there was no room for.
    #[must_use]
    pub const fn omitted(&self) -> usize {
        self.omitted
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

    pub(super) fn put(&self, to: &mut Writer<'_>) {
        to.fixed(b"<presentity");
        attribute(to, b"uri", &self.uri);
        attribute(to, b"xmlns", &Text::plain(NAMESPACE));
        to.fixed(b">");
        self.availability.write(b"availability", to);
        self.activity.write(b"activity", to);
        if let Some(name) = &self.display_name {
            to.fixed(b"<displayName");
            attribute(to, b"displayName", name);
            to.fixed(b" />");
        }
        if let Some(email) = &self.email {
            to.fixed(b"<email");
            attribute(to, b"email", email);
            to.fixed(b" />");
        }
        if let Some(number) = &self.phone_number {
            to.fixed(b"<phoneNumber label=\"\"");
            attribute(to, b"number", number);
            to.fixed(b" />");
        }
        to.fixed(b"<userInfo>");
        to.octets(self.user_info.unwrap_or_default());
        to.fixed(b"</userInfo><devices>");
        for device in self.devices() {
            device.write(to);
        }
        to.fixed(b"</devices></presentity>");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_of_ms_sip_is_read_and_written() {
        let text = b"<presentity uri=\"user1@server.contoso.com\"\r\n\
            xmlns=\"http://schemas.microsoft.com/2002/09/sip/presence\"\r\n\
            xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\r\n\
            <availability aggregate=\"300\" description=\"\" epid=\"03640fc59f\" />\r\n\
            <activity aggregate=\"400\" description=\"\" epid=\"03640fc59f\" />\r\n\
            <displayName displayName=\"User 1\" />\r\n\
            <userInfo><states><a b=\"1\"/></states></userInfo><devices>\r\n\
            <devicePresence epid=\"03640fc59f\" ageOfPresence=\"30\"\r\n\
            xmlns:m=\"http://schemas.microsoft.com/winrtc/2002/11/sip\">\r\n\
            <availability aggregate=\"300\" description=\"online\" />\r\n\
            <activity aggregate=\"400\" description=\"Active\" note=\"Note: I am online\" />\r\n\
            <email email=\"someone@microsoft.com\" xmlns=\"http://schemas.microsoft.com/2002/09/sip/client/presence\">\r\n\
            </email>\r\n<deviceName name=\"HOSTNAME\" xmlns=\"http://schemas.microsoft.com/2002/09/sip/client/presence\">\r\n\
            </deviceName>\r\n<rtc:devicedata namespace=\"rtcsample\">\r\n\
            <![CDATA[<applicationname>RTC Sample</applicationdata>]]>\r\n</rtc:devicedata>\r\n\
            </devicePresence>\r\n</devices>\r\n</presentity>";
        let read = Presentity::parse(text).unwrap();
        assert_eq!(read.uri, *b"user1@server.contoso.com".as_slice());
        assert_eq!(Availability::of(read.availability.aggregate), Availability::Near);
        assert_eq!(Activity::of(read.activity.aggregate), Activity::Active);
        assert_eq!(read.user_info, Some(&b"<states><a b=\"1\"/></states>"[..]));
        let device = read.devices().next().unwrap();
        assert_eq!((device.age_s, device.name), (30, Some(Text::plain(b"HOSTNAME"))));
        assert_eq!(device.activity.note, Some(Text::plain(b"Note: I am online")));

        let mut buffer = [0; 2048];
        let len = read.write(&mut buffer).unwrap();
        assert_eq!(len, read.encoded_len());
        assert_eq!(Presentity::parse(&buffer[..len]).unwrap(), read);
        assert_eq!(read.write(&mut [0; 10]), Err(BufferTooSmall { needed: len }));
    }

    #[test]
    fn the_least_document_that_a_client_takes_is_written_so() {
        let mut bob = Presentity::new(Text::plain(b"bob@example.test"));
        bob.availability = Level { epid: Some(Text::plain(b"abc123")), ..Level::new(300) };
        bob.activity = Level::new(400);
        bob.display_name = Some(Text::plain(b"Bob"));
        let mut buffer = [0; 1024];
        let len = bob.write(&mut buffer).unwrap();
        let text: &[u8] = b"<presentity uri=\"bob@example.test\" xmlns=\"http://schemas.microsoft.com/2002/09/sip/presence\">\
            <availability aggregate=\"300\" description=\"\" epid=\"abc123\" />\
            <activity aggregate=\"400\" description=\"\" /><displayName displayName=\"Bob\" />\
            <userInfo></userInfo><devices></devices></presentity>";
        assert_eq!(&buffer[..len], text);
    }

    #[test]
    fn numbers_fall_into_their_classes() {
        for number in 0..1000 {
            let class = Availability::of(number);
            assert_eq!(Availability::of(class.aggregate()), class, "{number}");
            let class = Activity::of(number);
            assert_eq!(Activity::of(class.aggregate()), class, "{number}");
        }
        assert_eq!(Activity::of(149), Activity::Away);
        assert_eq!(Activity::of(150), Activity::OutToLunch);
        assert_eq!(Activity::of(799), Activity::Away);
        assert_eq!(Activity::of(800), Activity::Active);
        assert_eq!(Availability::of(199), Availability::Perhaps);
    }

    #[test]
    fn of_several_devices_the_most_available_counts() {
        let mut user = Presentity::new(Text::plain(b"a@x"));
        for (epid, availability, activity) in
            [(b"1", 200, 200), (b"2", 300, 100), (b"3", 300, 600), (b"4", 0, 900)]
        {
            let availability = Level::new(availability);
            let epid = Some(Text::plain(epid));
            let activity = Level::new(activity);
            user.add_device(Device { epid, age_s: 0, availability, activity, name: None });
        }
        user.aggregate();
        assert_eq!((user.availability.aggregate, user.activity.aggregate), (300, 600));
        assert_eq!(user.activity.epid, Some(Text::plain(b"3")));
        let device = *user.devices().next().unwrap();
        for _ in 0..MANY - 4 {
            assert!(user.add_device(device));
        }
        assert!(!user.add_device(device));
        assert_eq!(user.omitted(), 1);
    }
}
