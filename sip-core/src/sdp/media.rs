//! One media description and its attributes.

use core::net::IpAddr;

use super::session::{Connection, Lines, field};
use crate::error::{Fault, ParseError};
use crate::uri::{parse_v4, parse_v6};

/// Which way media flow, seen by who made the description (RFC 8866 section 6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Direction {
    /// `sendrecv`.
    SendRecv,
    /// `sendonly`: the other is on hold.
    SendOnly,
    /// `recvonly`.
    RecvOnly,
    /// `inactive`.
    Inactive,
}

impl Direction {
    /// The direction of a pair of yes and no.
    pub const fn new(send: bool, receive: bool) -> Self {
        match (send, receive) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// The direction that an attribute names.
    #[inline]
    pub fn parse(name: &[u8]) -> Option<Self> {
        match name {
            b"sendrecv" => Some(Self::SendRecv),
            b"sendonly" => Some(Self::SendOnly),
            b"recvonly" => Some(Self::RecvOnly),
            b"inactive" => Some(Self::Inactive),
            _ => None,
        }
    }

    /// The attribute.
    pub const fn name(self) -> &'static [u8] {
        match self {
            Self::SendRecv => b"sendrecv",
            Self::SendOnly => b"sendonly",
            Self::RecvOnly => b"recvonly",
            Self::Inactive => b"inactive",
        }
    }

    /// Whether media are sent.
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether media are received.
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same, seen from the other side.
    pub const fn reversed(self) -> Self {
        Self::new(self.receives(), self.sends())
    }

    /// What both allow.
    pub const fn and(self, other: Self) -> Self {
        Self::new(self.sends() && other.sends(), self.receives() && other.receives())
    }
}

/// One attribute, `a=name` or `a=name:value` (RFC 8866 section 5.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Attribute<'d> {
    /// The name; compared with case.
    pub name: &'d [u8],
    /// The value, if there is one.
    pub value: Option<&'d [u8]>,
}

/// The attributes among some lines, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Attributes<'d>(pub(super) Lines<'d>);

impl<'d> Attributes<'d> {
    /// The value of the first attribute of this name, empty where it has none.
    pub fn value(mut self, name: &[u8]) -> Option<&'d [u8]> {
        self.find(|attribute| attribute.name == name)
            .map(|attribute| attribute.value.unwrap_or_default())
    }

    /// The value of each attribute of this name.
    pub fn values(self, name: &[u8]) -> impl Iterator<Item = &'d [u8]> {
        self.filter(move |attribute| attribute.name == name)
            .map(|attribute| attribute.value.unwrap_or_default())
    }

    /// The direction that is named first, if one is.
    pub fn direction(mut self) -> Option<Direction> {
        self.find_map(|attribute| Direction::parse(attribute.name))
    }
}

impl<'d> Iterator for Attributes<'d> {
    type Item = Attribute<'d>;

    fn next(&mut self) -> Option<Attribute<'d>> {
        loop {
            if let (b'a', value) = self.0.next()? {
                let colon = memchr::memchr(b':', value);
                return Some(match colon.and_then(|colon| value.split_at_checked(colon)) {
                    Some((name, value)) => Attribute { name, value: value.get(1..) },
                    None => Attribute { name: value, value: None },
                });
            }
        }
    }
}

/// The formats of a media description.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Formats<'d>(&'d [u8]);

impl<'d> Iterator for Formats<'d> {
    type Item = &'d [u8];

    fn next(&mut self) -> Option<&'d [u8]> {
        while !self.0.is_empty() {
            let format = field(&mut self.0);
            if !format.is_empty() {
                return Some(format);
            }
        }
        None
    }
}

/// What a dynamic payload type means (RFC 8866 section 6.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RtpMap<'d> {
    /// The encoding; compared without case.
    pub name: &'d [u8],
    /// Timestamp units a second.
    pub clock_rate: u32,
    /// Audio channels; 1 where none are given.
    pub channels: u8,
}

impl<'d> RtpMap<'d> {
    /// Reads `name/clock rate/channels`.
    pub fn parse(value: &'d [u8]) -> Option<Self> {
        let mut parts = value.split(|octet| *octet == b'/');
        let name = parts.next().filter(|name| !name.is_empty())?;
        let clock_rate = number(trim(parts.next()?))?;
        let channels = match parts.next() {
            Some(text) => u8::try_from(number(trim(text))?).ok()?,
            None => 1,
        };
        Some(Self { name, clock_rate, channels })
    }

    /// Whether both mean the same.
    pub fn is(&self, name: &[u8], clock_rate: u32, channels: u8) -> bool {
        self.name.eq_ignore_ascii_case(name)
            && self.clock_rate == clock_rate
            && self.channels == channels
    }

    /// What a static payload type of audio means (RFC 3551 section 6).
    pub const fn of_static(payload_type: u8) -> Option<RtpMap<'static>> {
        let (name, clock_rate): (&[u8], u32) = match payload_type {
            0 => (b"PCMU", 8000),
            3 => (b"GSM", 8000),
            4 => (b"G723", 8000),
            5 => (b"DVI4", 8000),
            6 => (b"DVI4", 16000),
            7 => (b"LPC", 8000),
            8 => (b"PCMA", 8000),
            9 => (b"G722", 8000),
            12 => (b"QCELP", 8000),
            13 => (b"CN", 8000),
            15 => (b"G728", 8000),
            16 => (b"DVI4", 11025),
            17 => (b"DVI4", 22050),
            18 => (b"G729", 8000),
            _ => return None,
        };
        Some(RtpMap { name, clock_rate, channels: 1 })
    }
}

fn trim(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}

pub(super) fn number(text: &[u8]) -> Option<u32> {
    if text.is_empty() || text.len() > 10 {
        return None;
    }
    let mut number = 0_u32;
    for octet in text {
        let digit = octet.is_ascii_digit().then(|| u32::from(octet - b'0'))?;
        number = number.checked_mul(10)?.checked_add(digit)?;
    }
    Some(number)
}

/// One media description (RFC 8866 section 5.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Media<'d> {
    /// `audio`, `video`, `message`, …
    pub kind: &'d [u8],
    /// The port; 0 where the stream is refused or ended (RFC 3264 section 6).
    pub port: u16,
    /// How many ports, 1 where it is not said.
    pub ports: u16,
    /// The transport, `RTP/AVP`.
    pub protocol: &'d [u8],
    /// The connection, if it has one of its own.
    pub connection: Option<Connection<'d>>,
    pub(super) formats: &'d [u8],
    pub(super) lines: &'d [u8],
}

impl<'d> Media<'d> {
    pub(super) const NONE: Media<'static> = Media {
        kind: b"",
        port: 0,
        ports: 1,
        protocol: b"",
        connection: None,
        formats: b"",
        lines: b"",
    };

    /// Reads the value of an `m=` line.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn parse(value: &'d [u8]) -> Result<Self, ParseError> {
        let mut rest = value;
        let kind = field(&mut rest);
        let fault = |rest: &[u8]| ParseError::new(Fault::SdpField, value.len() - rest.len());
        if kind.is_empty() {
            return Err(fault(value));
        }
        let at = rest;
        let mut port = field(&mut rest);
        let mut ports = 1;
        if let Some(slash) = memchr::memchr(b'/', port) {
            let (first, count) = port.split_at_checked(slash).unwrap_or_default();
            ports = number(count.get(1..).unwrap_or_default())
                .and_then(|count| u16::try_from(count).ok())
                .ok_or(fault(at))?;
            port = first;
        }
        let port = number(port).and_then(|port| u16::try_from(port).ok()).ok_or(fault(at))?;
        let at = rest;
        let protocol = field(&mut rest);
        if protocol.is_empty() {
            return Err(fault(at));
        }
        if rest.is_empty() {
            return Err(fault(rest));
        }
        Ok(Self { kind, port, ports, protocol, connection: None, formats: rest, lines: b"" })
    }

    /// The formats: payload types for RTP.
    pub const fn formats(&self) -> Formats<'d> {
        Formats(self.formats)
    }

    /// The formats that are payload types of RTP.
    pub fn payload_types(&self) -> impl Iterator<Item = u8> + use<'d> {
        self.formats().filter_map(|format| {
            number(format).and_then(|number| u8::try_from(number).ok()).filter(|pt| *pt < 128)
        })
    }

    /// The formats as they stand, with spaces between them.
    pub const fn formats_as_bytes(&self) -> &'d [u8] {
        self.formats
    }

    /// The attributes.
    pub const fn attributes(&self) -> Attributes<'d> {
        Attributes(Lines(self.lines))
    }

    /// The lines behind the `m=` line.
    pub const fn lines(&self) -> Lines<'d> {
        Lines(self.lines)
    }

    /// What a payload type means: by its `rtpmap`, or as RFC 3551 has it.
    pub fn rtpmap(&self, payload_type: u8) -> Option<RtpMap<'d>> {
        self.of_payload_type(b"rtpmap", payload_type)
            .and_then(RtpMap::parse)
            .or_else(|| RtpMap::of_static(payload_type))
    }

    /// The parameters of a payload type's format (RFC 8866 section 6.15).
    pub fn fmtp(&self, payload_type: u8) -> Option<&'d [u8]> {
        self.of_payload_type(b"fmtp", payload_type)
    }

    /// How many milliseconds of media a packet is to hold (RFC 8866 section 6.4).
    pub fn ptime_ms(&self) -> Option<u32> {
        number(trim(self.attributes().value(b"ptime")?))
    }

    /// Where RTCP is to be sent, where that is said (RFC 3605): the port, and the address if it is
    /// another than that of the media.
    pub fn rtcp(&self) -> Option<(u16, Option<IpAddr>)> {
        let mut rest = self.attributes().value(b"rtcp")?;
        let port = number(field(&mut rest)).and_then(|port| u16::try_from(port).ok())?;
        let (_, _, address) = (field(&mut rest), field(&mut rest), field(&mut rest));
        let address =
            parse_v4(address).map(IpAddr::from).or_else(|| parse_v6(address).map(IpAddr::from));
        Some((port, address))
    }

    fn of_payload_type(&self, name: &[u8], payload_type: u8) -> Option<&'d [u8]> {
        self.attributes().values(name).find_map(|mut value| {
            let matches = number(field(&mut value)) == Some(payload_type.into());
            matches.then_some(value)
        })
    }
}
