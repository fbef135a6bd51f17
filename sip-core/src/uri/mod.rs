//! SIP, SIPS and other URIs (RFC 3261 section 19.1).
//!
//! ```text
//! sip:user:password@host:port;uri-parameters?headers
//! |   |              |    |    |              |
//! |   userinfo       |    |    params()       headers()
//! scheme()           |    port()
//!                    host()
//! ```

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::error::{Fault, ParseError};
use crate::header::cursor::{self, Cursor, HOST, URI_HEADER, URI_PARAM, USER};
use crate::message::Writer;

mod compare;
mod tel;
#[cfg(test)]
mod tests;

pub use tel::Tel;

/// The scheme of a URI.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Scheme<'d> {
    /// `sip` (RFC 3261 section 19.1).
    Sip,
    /// `sips` (RFC 3261 section 19.1).
    Sips,
    /// `tel` (RFC 3966).
    Tel,
    /// Any other; what follows the colon is opaque.
    Other(&'d [u8]),
}

impl<'d> Scheme<'d> {
    /// The scheme as it stands before the colon.
    pub const fn as_bytes(&self) -> &'d [u8] {
        match self {
            Self::Sip => b"sip",
            Self::Sips => b"sips",
            Self::Tel => b"tel",
            Self::Other(name) => name,
        }
    }
}

impl PartialEq for Scheme<'_> {
    fn eq(&self, other: &Scheme<'_>) -> bool {
        self.as_bytes().eq_ignore_ascii_case(other.as_bytes())
    }
}

impl Eq for Scheme<'_> {}

/// A host: a name or an address (RFC 3261 section 25.1).
#[derive(Clone, Copy, Debug)]
pub enum Host<'d> {
    /// A host name; compared without case. Digits alone are a name too.
    Name(&'d [u8]),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address; stands in brackets.
    V6(Ipv6Addr),
}

#[cfg(feature = "defmt")]
impl defmt::Format for Host<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        match self {
            Self::Name(name) => defmt::write!(f, "Name({=[u8]:a})", *name),
            Self::V4(address) => defmt::write!(f, "V4({=[u8; 4]})", address.octets()),
            Self::V6(address) => defmt::write!(f, "V6({=[u8; 16]})", address.octets()),
        }
    }
}

impl<'d> Host<'d> {
    /// Reads a host that stands alone; an IPv6 address may lack its brackets (as it does in a
    /// Via's `received`).
    ///
    /// # Errors
    /// [`Fault::Host`].
    pub fn parse(text: &'d [u8]) -> Result<Self, ParseError> {
        if memchr::memchr(b':', text).is_some() && text.first() != Some(&b'[') {
            return parse_v6(text).map(Self::V6).ok_or(ParseError::new(Fault::Host, 0));
        }
        let mut cursor = Cursor::new(text);
        let host = Self::take(&mut cursor)?;
        if cursor.is_at_end() { Ok(host) } else { Err(cursor.error(Fault::Host)) }
    }

    /// Takes a host, up to where it ends.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        let name = cursor.span(HOST);
        match name {
            [] if cursor.peek() == Some(b'[') => Self::take_v6(cursor),
            [] => Err(cursor.error(Fault::Host)),
            [b'0'..=b'9', .., b'0'..=b'9'] => Ok(parse_v4(name).map_or(Self::Name(name), Self::V4)),
            _ => Ok(Self::Name(name)),
        }
    }

    #[cold]
    fn take_v6(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        let error = cursor.error(Fault::Host);
        let (_, inside) = cursor.rest().split_at_checked(1).unwrap_or_default();
        let end = memchr::memchr(b']', inside).ok_or(error)?;
        let address = inside.get(..end).and_then(parse_v6).ok_or(error)?;
        cursor.advance(end + 2);
        Ok(Self::V6(address))
    }

    /// The address, where it is one.
    pub const fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::V4(address) => Some(IpAddr::V4(*address)),
            Self::V6(address) => Some(IpAddr::V6(*address)),
        }
    }

    /// Writes the host, an IPv6 address in brackets.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn write(&self, to: &mut Writer<'_>) {
        match self {
            Self::Name(name) => to.text(name),
            Self::V4(address) => to.v4(*address),
            Self::V6(address) => {
                to.fixed(b"[");
                to.v6(*address);
                to.fixed(b"]");
            }
        }
    }
}

impl From<IpAddr> for Host<'_> {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6(address),
        }
    }
}

impl PartialEq for Host<'_> {
    fn eq(&self, other: &Host<'_>) -> bool {
        match (self, other) {
            (Host::Name(a), Host::Name(b)) => a.eq_ignore_ascii_case(b),
            (Host::V4(a), Host::V4(b)) => a == b,
            (Host::V6(a), Host::V6(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Host<'_> {}

/// Four decimal numbers with dots.
#[inline]
pub(crate) fn parse_v4(text: &[u8]) -> Option<Ipv4Addr> {
    let mut address = 0;
    let mut rest = text;
    for part in 0..4 {
        if part > 0 {
            let [b'.', tail @ ..] = rest else { return None };
            rest = tail;
        }
        let mut number = u32::from(digit(rest.first())?);
        let mut digits = 1;
        while digits < 3
            && let Some(digit) = digit(rest.get(digits))
        {
            number = number * 10 + u32::from(digit);
            digits += 1;
        }
        if number > 255 {
            return None;
        }
        address = address << 8 | number;
        rest = rest.get(digits..)?;
    }
    rest.is_empty().then(|| Ipv4Addr::from_bits(address))
}

/// The value of a decimal digit.
#[inline(always)]
fn digit(octet: Option<&u8>) -> Option<u8> {
    octet.map(|octet| octet.wrapping_sub(b'0')).filter(|digit| *digit < 10)
}

/// An IPv6 address without brackets (RFC 4291 section 2.2). Three colons in a row are taken for two
/// (RFC 5118 section 4.10).
pub(crate) fn parse_v6(text: &[u8]) -> Option<Ipv6Addr> {
    let mut groups = [0_u16; 8];
    let mut count = 0;
    // Before which group zeros are left out.
    let mut gap = None;
    let mut rest = text;
    if let [b':', b':', b':', tail @ ..] | [b':', b':', tail @ ..] = text {
        gap = Some(0);
        rest = tail;
    }
    while !rest.is_empty() {
        let end = rest.iter().position(|octet| *octet == b':').unwrap_or(rest.len());
        let (group, tail) = rest.split_at_checked(end)?;
        if tail.is_empty() && group.contains(&b'.') {
            let address = parse_v4(group)?.to_bits();
            *groups.get_mut(count)? = (address >> 16) as u16;
            *groups.get_mut(count + 1)? = address as u16;
            count += 2;
            break;
        }
        if group.is_empty() || group.len() > 4 || !group.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        *groups.get_mut(count)? =
            group.iter().fold(0, |group, digit| group << 4 | u16::from(hex(*digit)));
        count += 1;
        rest = match tail {
            [b':', b':', b':', tail @ ..] | [b':', b':', tail @ ..] => {
                if gap.replace(count).is_some() {
                    return None;
                }
                tail
            }
            [b':', _, ..] => tail.get(1..)?,
            [] => tail,
            _ => return None,
        };
    }
    match gap {
        None if count == 8 => Some(groups.into()),
        Some(gap) if count < 8 => {
            let (head, tail) = groups.get(..count)?.split_at_checked(gap)?;
            let mut address = [0; 8];
            for (place, group) in address.iter_mut().zip(head) {
                *place = *group;
            }
            for (place, group) in address.iter_mut().rev().zip(tail.iter().rev()) {
                *place = *group;
            }
            Some(address.into())
        }
        _ => None,
    }
}

/// A URI (RFC 3261 section 19.1), as it was received or as it is put together.
///
/// ```
/// use sip_core::uri::{Host, Scheme, Uri};
///
/// let uri = Uri::parse(b"sip:alice@example.com:5070;transport=tcp").unwrap();
/// assert_eq!(uri.user(), Some(&b"alice"[..]));
/// assert_eq!(uri.host(), Some(Host::Name(b"example.com")));
/// assert_eq!(uri.port(), Some(5070));
/// assert_eq!(uri.param(b"transport"), Some(&b"tcp"[..]));
///
/// let uri = Uri::new(Scheme::Sip, Host::Name(b"example.com")).with_user(b"alice");
/// assert!(uri.same(&Uri::parse(b"SIP:alice@EXAMPLE.com").unwrap()));
/// ```
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Uri<'d> {
    /// All of it as it was received; empty once something was changed.
    raw: &'d [u8],
    kind: Kind,
    /// User and password; of a URI that is neither sip nor sips, all behind the colon.
    userinfo: Option<&'d [u8]>,
    host: Host<'d>,
    port: Option<u16>,
    /// From the first semicolon.
    params: &'d [u8],
    /// Behind the question mark; of a URI of any other scheme, the scheme's name.
    headers: &'d [u8],
}

/// A scheme without its name, which would make each URI longer.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Kind {
    Sip,
    Sips,
    Tel,
    Other,
}

impl<'d> Uri<'d> {
    /// A URI of a scheme and a host. The host answers for `scheme` being `Sip` or `Sips`.
    pub const fn new(scheme: Scheme<'d>, host: Host<'d>) -> Self {
        let (kind, headers): (_, &[u8]) = match scheme {
            Scheme::Sip => (Kind::Sip, b""),
            Scheme::Sips => (Kind::Sips, b""),
            Scheme::Tel => (Kind::Tel, b""),
            Scheme::Other(name) => (Kind::Other, name),
        };
        Self { raw: b"", kind, userinfo: None, host, port: None, params: b"", headers }
    }

    /// Reads a URI that stands alone.
    ///
    /// # Errors
    /// What is wrong and where: `Scheme`, `User`, `Host`, `Port`, `Parameter`, `UriHeaders`.
    pub fn parse(text: &'d [u8]) -> Result<Self, ParseError> {
        Self::parse_at(text, 0)
    }

    /// The same, with errors that count from `base` octets before.
    #[inline]
    pub(crate) fn parse_at(text: &'d [u8], base: usize) -> Result<Self, ParseError> {
        let kind;
        let mut cursor = Cursor::with_base(text, base);
        match text {
            [b's' | b'S', b'i' | b'I', b'p' | b'P', b':', ..] => {
                kind = Kind::Sip;
                cursor.advance(4);
            }
            [b's' | b'S', b'i' | b'I', b'p' | b'P', b's' | b'S', b':', ..] => {
                kind = Kind::Sips;
                cursor.advance(5);
            }
            _ => return Self::parse_opaque(text, base),
        }
        let mut userinfo = None;
        let start = cursor.position();
        let part = cursor.span(USER);
        match cursor.peek() {
            Some(b'@') if part.first().is_some_and(|first| *first != b':') => {
                userinfo = Some(part);
                cursor.advance(1);
            }
            None => cursor.rewind(start),
            _ if cursor::find(cursor.rest(), [b'@']).is_some() => {
                return Err(cursor.error(Fault::User));
            }
            _ => cursor.rewind(start),
        }
        let host = Host::take(&mut cursor)?;
        let mut port = None;
        if cursor.eat(b':') {
            let at = cursor.offset();
            let number = cursor.number(65535).map_err(|_| ParseError::new(Fault::Port, at))?;
            port = u16::try_from(number).ok();
        }
        let params = match cursor.peek() {
            Some(b';') => cursor.span(URI_PARAM),
            _ => b"",
        };
        let mut headers: &[u8] = b"";
        if cursor.eat(b'?') {
            headers = cursor.span(URI_HEADER);
            if !cursor.is_at_end() || headers.is_empty() {
                return Err(cursor.error(Fault::UriHeaders));
            }
        } else if !cursor.is_at_end() {
            let fault = if params.is_empty() { Fault::Host } else { Fault::Parameter };
            return Err(cursor.error(fault));
        }
        Ok(Self { raw: text, kind, userinfo, host, port, params, headers })
    }

    #[cold]
    fn parse_opaque(text: &'d [u8], base: usize) -> Result<Self, ParseError> {
        let error = ParseError::new(Fault::Scheme, base);
        let colon = memchr::memchr(b':', text).ok_or(error)?;
        let (name, rest) = text.split_at_checked(colon).ok_or(error)?;
        let name_is_good = name.first().is_some_and(u8::is_ascii_alphabetic)
            && name.iter().all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(octet));
        if !name_is_good {
            return Err(error);
        }
        let (_, rest) = rest.split_at_checked(1).unwrap_or_default();
        let bad = |octet: &u8| *octet <= b' ' || matches!(octet, b'<' | b'>' | b'"' | 0x7f);
        if let Some(found) = rest.iter().position(bad) {
            return Err(ParseError::new(Fault::Trailing, base + colon + 1 + found));
        }
        if rest.is_empty() {
            return Err(ParseError::new(Fault::Empty, base + text.len()));
        }
        let (kind, name) = if name.eq_ignore_ascii_case(b"tel") {
            (Kind::Tel, &[][..])
        } else {
            (Kind::Other, name)
        };
        Ok(Self {
            raw: text,
            kind,
            userinfo: Some(rest),
            host: Host::Name(b""),
            port: None,
            params: b"",
            headers: name,
        })
    }

    /// The same with this user; octets that may not stand there are escaped by the caller
    /// (see [`escape_user`]).
    pub const fn with_user(mut self, user: &'d [u8]) -> Self {
        self.userinfo = Some(user);
        self.raw = b"";
        self
    }

    /// The same with this port, or without one.
    pub const fn with_port(mut self, port: Option<u16>) -> Self {
        self.port = port;
        self.raw = b"";
        self
    }

    /// The same with these parameters, from their first semicolon: `;transport=tcp;lr`.
    pub const fn with_params(mut self, params: &'d [u8]) -> Self {
        self.params = params;
        self.raw = b"";
        self
    }

    /// The same without the header part, as it stands in a request (RFC 3261 section 19.1.5).
    pub const fn without_headers(mut self) -> Self {
        if self.is_sip() && !self.headers.is_empty() {
            self.headers = b"";
            self.raw = b"";
        }
        self
    }

    /// The scheme.
    pub const fn scheme(&self) -> Scheme<'d> {
        match self.kind {
            Kind::Sip => Scheme::Sip,
            Kind::Sips => Scheme::Sips,
            Kind::Tel => Scheme::Tel,
            Kind::Other => Scheme::Other(self.headers),
        }
    }

    /// Whether the scheme is `sip` or `sips`.
    pub const fn is_sip(&self) -> bool {
        matches!(self.kind, Kind::Sip | Kind::Sips)
    }

    /// The user part as it stands, escapes and all.
    pub fn user(&self) -> Option<&'d [u8]> {
        let userinfo = self.userinfo.filter(|_| self.is_sip())?;
        match cursor::find(userinfo, [b':']) {
            Some(colon) => userinfo.get(..colon),
            None => Some(userinfo),
        }
    }

    /// The password as it stands. The standard recommends against it.
    pub fn password(&self) -> Option<&'d [u8]> {
        let userinfo = self.userinfo.filter(|_| self.is_sip())?;
        cursor::find(userinfo, [b':']).and_then(|colon| userinfo.get(colon + 1..))
    }

    /// User and password as they stand.
    pub fn userinfo(&self) -> Option<&'d [u8]> {
        self.userinfo.filter(|_| self.is_sip())
    }

    /// The host; `None` where the scheme is neither `sip` nor `sips`.
    pub const fn host(&self) -> Option<Host<'d>> {
        if self.is_sip() { Some(self.host) } else { None }
    }

    /// The port, where it is given.
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// What follows the colon of a URI that is neither `sip` nor `sips`.
    pub fn opaque(&self) -> Option<&'d [u8]> {
        self.userinfo.filter(|_| !self.is_sip())
    }

    /// Each parameter in turn, name and value as they stand.
    pub fn params(&self) -> impl Iterator<Item = (&'d [u8], Option<&'d [u8]>)> + use<'d> {
        pairs(self.params, b';')
    }

    /// The parameters as they stand, from the first semicolon.
    pub const fn params_as_bytes(&self) -> &'d [u8] {
        self.params
    }

    /// The value of the first parameter of this name, empty where it has none.
    pub fn param(&self, name: &[u8]) -> Option<&'d [u8]> {
        self.params()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.unwrap_or_default())
    }

    /// Whether the parameter `lr` marks a loose router (RFC 3261 section 19.1.1).
    pub fn is_loose_router(&self) -> bool {
        self.param(b"lr").is_some()
    }

    /// Each header of the header part in turn, name and value as they stand.
    pub fn headers(&self) -> impl Iterator<Item = (&'d [u8], Option<&'d [u8]>)> + use<'d> {
        pairs(self.headers_as_bytes(), b'&')
    }

    /// The header part as it stands, without its question mark.
    pub const fn headers_as_bytes(&self) -> &'d [u8] {
        if self.is_sip() { self.headers } else { b"" }
    }

    /// The whole as it was received; `None` where it was put together or changed.
    pub const fn as_bytes(&self) -> Option<&'d [u8]> {
        if self.raw.is_empty() { None } else { Some(self.raw) }
    }

    /// Writes the URI.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn write(&self, to: &mut Writer<'_>) {
        if self.raw.is_empty() {
            self.write_parts(to);
        } else {
            to.text(self.raw);
        }
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn write_parts(&self, to: &mut Writer<'_>) {
        match self.kind {
            Kind::Sip => to.fixed(b"sip:"),
            _ => {
                to.text(self.scheme().as_bytes());
                to.fixed(b":");
            }
        }
        if !self.is_sip() {
            to.text(self.userinfo.unwrap_or_default());
            return;
        }
        if let Some(userinfo) = self.userinfo {
            to.text(userinfo);
            to.fixed(b"@");
        }
        self.host.write(to);
        if let Some(port) = self.port {
            to.fixed(b":");
            to.number(port.into());
        }
        to.text(self.params);
        if !self.headers.is_empty() {
            to.fixed(b"?");
            to.text(self.headers);
        }
    }
}

/// Splits `a=b` pairs; empty ones are left out.
fn pairs(text: &[u8], separator: u8) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
    text.split(move |octet| *octet == separator).filter(|pair| !pair.is_empty()).map(|pair| {
        match memchr::memchr(b'=', pair).and_then(|at| pair.split_at_checked(at)) {
            Some((name, value)) => (name, value.get(1..)),
            None => (pair, None),
        }
    })
}

/// The octets with `%HH` resolved; a percent sign that is no escape stays as it is.
pub fn unescape(text: &[u8]) -> impl Iterator<Item = u8> + Clone + use<'_> {
    let mut rest = text;
    core::iter::from_fn(move || match rest {
        [b'%', high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
            rest = tail;
            Some(hex(*high) << 4 | hex(*low))
        }
        [octet, tail @ ..] => {
            rest = tail;
            Some(*octet)
        }
        [] => None,
    })
}

/// Writes a user name as the user part of a URI: what may not stand there becomes `%HH`.
///
/// # Errors
/// [`BufferTooSmall`](crate::error::BufferTooSmall) with what is needed.
pub fn escape_user<'b>(
    name: &[u8],
    buffer: &'b mut [u8],
) -> Result<&'b [u8], crate::error::BufferTooSmall> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut needed = 0;
    let mut put = |octet: u8| {
        if let Some(place) = buffer.get_mut(needed) {
            *place = octet;
        }
        needed += 1;
    };
    for octet in name {
        let stands = octet.is_ascii()
            && cursor::span(core::slice::from_ref(octet), USER) == 1
            && !matches!(octet, b'%' | b':' | b'#');
        if stands {
            put(*octet);
        } else {
            put(b'%');
            put(HEX.get(usize::from(octet >> 4)).copied().unwrap_or_default());
            put(HEX.get(usize::from(octet & 15)).copied().unwrap_or_default());
        }
    }
    buffer.get(..needed).ok_or(crate::error::BufferTooSmall { needed })
}

/// The value of a hexadecimal digit.
pub(crate) const fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 0,
    }
}
