//! Who is at the other end: a user's device, and how it is reached (MS-SIP sections 3.1.5.1 and 3.1.5.3).
//!
//! ```text
//! From: <sip:alice@example.com>;tag=2968444269;epid=b34afb6ebb23
//! Contact: <sip:alice@example.com:7100;maddr=192.0.2.7;transport=tcp>;methods="INVITE, MESSAGE, …";
//!          proxy=replace;+sip.instance="<urn:uuid:085e0bd8-031c-5a0d-8d9a-f149aae6954a>"
//! ```
//!
//! A user signs in from several devices; `epid` tells them apart, stays when an address changes, and finds
//! the sign-in that signs a message.

use core::net::{IpAddr, SocketAddr};

use crate::header::{Address, Contact, Params};
use crate::message::{Message, Writer};
use crate::ntlm::Short;
use crate::transport::Transport;
use crate::uri::{Host, Uri};

/// The methods that a client of Windows Messenger 5.1 takes, as its Contact names them.
pub const METHODS: &[u8] =
    b"INVITE, MESSAGE, INFO, SUBSCRIBE, OPTIONS, BYE, CANCEL, NOTIFY, ACK, REFER, BENOTIFY";

/// A device of a user: at most 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Epid(Short<16>);

impl Epid {
    /// An `epid` of twelve digits, of a number that should be random once and be kept.
    #[must_use]
    pub fn new(number: u64) -> Self {
        let mut digits = Short::EMPTY;
        for at in (0..12).rev() {
            let digit = (number >> (4 * at) & 15) as u8;
            let digit = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
            // Twelve octets fit.
            let _ = digits.push(&[digit]);
        }
        Self(digits)
    }

    /// The text of an `epid` parameter; nothing where it is empty, longer than 16 octets or no token.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let is_token = |octet: &u8| octet.is_ascii_alphanumeric() || b"-._~".contains(octet);
        (!text.is_empty() && text.iter().all(is_token)).then(|| Short::new(text).map(Self))?
    }

    /// The device that From or To names.
    #[must_use]
    pub fn of(address: &Address<'_>) -> Option<Self> {
        address.params().value(b"epid").and_then(Self::parse)
    }

    /// The device that has sent a request, or that a response goes to.
    #[must_use]
    pub fn of_sender(message: &Message<'_>) -> Option<Self> {
        Self::of(&message.typed::<crate::header::From<'_>>()?.ok()?.0)
    }

    /// The device that a request is for.
    #[must_use]
    pub fn of_receiver(message: &Message<'_>) -> Option<Self> {
        Self::of(&message.typed::<crate::header::To<'_>>()?.ok()?.0)
    }

    /// The text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// What a Contact of the dialect says beside its URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ContactInfo<'d> {
    /// The address that stands in `maddr`, where requests go in place of the URI's host.
    pub maddr: Option<Host<'d>>,
    /// The transport, with or without quotes.
    pub transport: Option<Transport>,
    /// Whether the first proxy puts its own address in the place of `maddr` (`proxy=replace`).
    pub proxy_replace: bool,
    /// The methods that are taken, as they stand; nothing where it is not said.
    methods: Option<&'d [u8]>,
    /// The device, `<urn:uuid:…>` (`+sip.instance`).
    pub instance: Option<&'d [u8]>,
    /// The URI for this device alone, that a later server gives.
    pub gruu: Option<&'d [u8]>,
}

impl<'d> ContactInfo<'d> {
    /// What a Contact says; nothing where it is `*`.
    #[must_use]
    pub fn of(contact: &Contact<'d>) -> Option<Self> {
        let uri = contact.uri()?;
        let params: Params<'d> = contact.params();
        let quoted = |text: &'d [u8]| {
            text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(text)
        };
        Some(Self {
            maddr: uri.param(b"maddr").and_then(|text| Host::parse(quoted(text)).ok()),
            transport: uri.param(b"transport").and_then(|text| Transport::from_token(quoted(text))),
            proxy_replace: params
                .value(b"proxy")
                .is_some_and(|value| value.eq_ignore_ascii_case(b"replace")),
            methods: params.value(b"methods"),
            instance: params.value(b"+sip.instance"),
            gruu: params.value(b"gruu"),
        })
    }

    /// The methods that are taken.
    pub fn methods(&self) -> impl Iterator<Item = &'d [u8]> + use<'d> {
        let all = self.methods.unwrap_or_default();
        all.split(|octet| *octet == b',').map(<[u8]>::trim_ascii).filter(|one| !one.is_empty())
    }

    /// Whether a method is taken, as far as the Contact says.
    #[must_use]
    pub fn takes(&self, method: &[u8]) -> bool {
        self.methods.is_none() || self.methods().any(|one| one == method)
    }

    /// Where requests go: `maddr`, or the URI's host, where it is an address, and the port.
    #[must_use]
    pub fn destination(&self, uri: &Uri<'d>) -> Option<SocketAddr> {
        let host = self.maddr.or(uri.host())?;
        let transport = self.transport.unwrap_or(Transport::Udp);
        Some(SocketAddr::new(host.address()?, uri.port().unwrap_or(transport.default_port())))
    }
}

/// The Contact of a client of the dialect.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ClientContact<'a> {
    /// `alice@example.com`; a REGISTER may do without.
    pub user: &'a [u8],
    /// Where the client listens, or its own end of the connection.
    #[cfg_attr(feature = "defmt", defmt(Debug2Format))]
    pub address: SocketAddr,
    /// The transport.
    pub transport: Transport,
    /// `urn:uuid:…`, the same for as long as the device; empty for none.
    pub instance: &'a [u8],
}

impl ClientContact<'_> {
    /// Writes the value of the row.
    pub fn write(&self, to: &mut Writer<'_>) {
        to.fixed(b"<sip:");
        if self.user.is_empty() {
            host(to, self.address.ip(), true);
        } else {
            to.text(self.user);
        }
        to.fixed(b":");
        to.number(self.address.port().into());
        if !self.user.is_empty() {
            to.fixed(b";maddr=");
            host(to, self.address.ip(), true);
        }
        to.fixed(b";transport=");
        to.fixed(self.transport.uri_token().as_bytes());
        to.fixed(b">;methods=\"");
        to.fixed(METHODS);
        to.fixed(b"\";proxy=replace");
        if !self.instance.is_empty() {
            to.fixed(b";+sip.instance=\"<");
            to.text(self.instance);
            to.fixed(b">\"");
        }
    }
}

/// Writes a Contact as the first proxy passes it on: its own address in the place of `maddr`, and without
/// `proxy=replace`. Says whether that was asked for; nothing is written where not.
pub fn write_replaced(contact: &Contact<'_>, proxy: IpAddr, to: &mut Writer<'_>) -> bool {
    let (Some(info), Some(uri)) = (ContactInfo::of(contact), contact.uri()) else { return false };
    if !info.proxy_replace {
        return false;
    }
    to.fixed(b"<");
    to.text(uri.scheme().as_bytes());
    to.fixed(b":");
    if let Some(user) = uri.userinfo() {
        to.text(user);
        to.fixed(b"@");
    }
    if let Some(name) = uri.host() {
        name.write(to);
    }
    if let Some(port) = uri.port() {
        to.fixed(b":");
        to.number(port.into());
    }
    for (name, value) in uri.params().filter(|(name, _)| !name.eq_ignore_ascii_case(b"maddr")) {
        to.fixed(b";");
        to.text(name);
        if let Some(value) = value {
            to.fixed(b"=");
            to.text(value);
        }
    }
    to.fixed(b";maddr=");
    host(to, proxy, true);
    to.fixed(b">");
    for param in contact.params().iter().filter(|param| !param.is(b"proxy")) {
        to.fixed(b";");
        param.write(to);
    }
    true
}

fn host(to: &mut Writer<'_>, address: IpAddr, brackets: bool) {
    match address {
        IpAddr::V4(address) => to.v4(address),
        IpAddr::V6(address) => {
            to.fixed(if brackets { b"[" } else { b"" });
            to.v6(address);
            to.fixed(if brackets { b"]" } else { b"" });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::Header as _;

    fn contact(text: &str) -> Contact<'_> {
        Contact::parse(text.as_bytes()).unwrap()
    }

    fn text(write: impl FnOnce(&mut Writer<'_>)) -> std::string::String {
        let mut buffer = [0; 512];
        let mut to = Writer::new(&mut buffer);
        write(&mut to);
        std::string::String::from_utf8(to.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn the_contact_of_ms_sip_is_read_quotes_and_all() {
        let contact = contact(
            "<sip:user1@server.contoso.com:14383;maddr=11.22.33.44;transport=\"tcp\">;proxy=replace",
        );
        let info = ContactInfo::of(&contact).unwrap();
        assert!(info.proxy_replace);
        assert_eq!(info.transport, Some(Transport::Tcp));
        let destination = info.destination(&contact.uri().unwrap());
        assert_eq!(destination, Some("11.22.33.44:14383".parse().unwrap()));
        assert!(info.takes(b"INVITE"), "nothing is said");
        let replaced = text(|to| {
            assert!(write_replaced(&contact, [10, 0, 0, 1].into(), to));
        });
        assert_eq!(
            replaced,
            "<sip:user1@server.contoso.com:14383;transport=\"tcp\";maddr=10.0.0.1>"
        );
    }

    #[test]
    fn the_contact_of_a_client_is_written_and_read() {
        let own = ClientContact {
            user: b"alice@example.com",
            address: "192.0.2.7:7100".parse().unwrap(),
            transport: Transport::Tcp,
            instance: b"urn:uuid:085e0bd8-031c-5a0d-8d9a-f149aae6954a",
        };
        let written = text(|to| own.write(to));
        let contact = contact(&written);
        let info = ContactInfo::of(&contact).unwrap();
        assert!(info.proxy_replace && info.takes(b"BENOTIFY") && !info.takes(b"PUBLISH"));
        assert_eq!(info.methods().count(), 11);
        assert_eq!(info.instance, Some(&b"<urn:uuid:085e0bd8-031c-5a0d-8d9a-f149aae6954a>"[..]));
        assert_eq!(info.destination(&contact.uri().unwrap()), Some(own.address));
        let bare = text(|to| ClientContact { user: b"", instance: b"", ..own }.write(to));
        assert!(bare.starts_with("<sip:192.0.2.7:7100;transport=tcp>;methods="), "{bare}");
        assert_eq!(ContactInfo::of(&Contact::parse(b"*").unwrap()), None);
    }

    #[test]
    fn an_epid_is_a_short_token() {
        assert_eq!(Epid::new(0xb34a_fb6e_bb23).as_bytes(), b"b34afb6ebb23");
        assert_eq!(Epid::parse(b"b34afb6ebb23"), Some(Epid::new(0xb34a_fb6e_bb23)));
        for bad in [&b""[..], b"12345678901234567", b"a b", b"a\"b"] {
            assert_eq!(Epid::parse(bad), None);
        }
    }
}
