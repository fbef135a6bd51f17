//! `text/x-msmsgsinvite`: the bodies of SIP MESSAGEs that agree on a file transfer.
//!
//! ```text
//!  sender S                                    receiver R
//!     | INVITE  cookie, file, size, [N]            |
//!     |------------------------------------------->|
//!     |        ACCEPT  cookie, keys, [address of R]|     CANCEL at any time
//!     |<-------------------------------------------|
//!     | ACCEPT  cookie, address of S               |     only where S listens
//!     |------------------------------------------->|
//! ```
//!
//! S listens unless it says `Connectivity: N`; whoever listens makes the AuthCookie. Fields come in
//! any order and any letter case; unknown ones are ignored.

use core::str;

use memchr::memchr;

use super::key::{Key, Keys};
use crate::error::{BufferTooSmall, Fault, ParseError};
use crate::writer::{Writer, parse_decimal};

/// The content type of these bodies.
pub const CONTENT_TYPE: &str = "text/x-msmsgsinvite; charset=UTF-8";

/// The GUID that stands for a file transfer; letter case does not matter.
pub const FILE_TRANSFER_GUID: &str = "{5D3E02AB-6190-11d3-BBBB-00C04F795683}";

/// One body.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Invitation<'a> {
    /// `Invitation-Command: INVITE` to a file transfer.
    Invite(Invite<'a>),
    /// `Invitation-Command: INVITE` to another application, to be declined.
    Other {
        /// Ties the bodies of one invitation together.
        cookie: u32,
        /// `Application-GUID`, which says what it is.
        guid: &'a str,
    },
    /// `Invitation-Command: ACCEPT`.
    Accept(Accept<'a>),
    /// `Invitation-Command: CANCEL`.
    Cancel(Cancel<'a>),
}

/// The sender offers a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Invite<'a> {
    /// `Invitation-Cookie`, chosen by the sender: ties the bodies of one transfer together.
    pub cookie: u32,
    /// `Application-Name`: for display only.
    pub application: &'a str,
    /// `Application-File`: the file's name. Treat it as hostile.
    pub file: &'a str,
    /// `Application-FileSize`, in octets.
    pub size: u64,
    /// False with `Connectivity: N`: the sender cannot listen, the receiver has to.
    pub can_listen: bool,
    /// `Encryption: R`: the transfer is [`Dialect::Secure`](super::Dialect::Secure).
    pub encrypted: bool,
}

impl<'a> Invite<'a> {
    /// An encrypted offer by a sender that listens.
    #[must_use]
    pub const fn new(cookie: u32, file: &'a str, size: u64) -> Self {
        Self { cookie, application: "File Transfer", file, size, can_listen: true, encrypted: true }
    }
}

/// The receiver takes the file, or the sender says where it listens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Accept<'a> {
    /// `Invitation-Cookie` of the INVITE.
    pub cookie: u32,
    /// `Encryption-Key` and `Hash-Key`, in the receiver's ACCEPT.
    pub keys: Option<Keys>,
    /// Where the one that sent this listens. Its presence alone says that the other has to connect.
    pub address: Option<Address<'a>>,
    /// `Sender-Connect: TRUE`, in answer to `Connectivity: N`.
    pub sender_connect: bool,
    /// `Launch-Application`, which MSN clients write.
    pub launch_application: Option<bool>,
}

impl<'a> Accept<'a> {
    /// The receiver's answer to an INVITE of a sender that listens. `keys` only where the INVITE
    /// asked for encryption.
    #[must_use]
    pub const fn by_receiver(cookie: u32, keys: Option<Keys>) -> Self {
        Self { cookie, keys, address: None, sender_connect: false, launch_application: None }
    }

    /// The receiver's answer to an INVITE with `Connectivity: N`.
    #[must_use]
    pub const fn by_listening_receiver(
        cookie: u32,
        keys: Option<Keys>,
        address: Address<'a>,
    ) -> Self {
        Self {
            cookie,
            keys,
            address: Some(address),
            sender_connect: true,
            launch_application: None,
        }
    }

    /// The sender's answer to the receiver's ACCEPT: where it listens.
    #[must_use]
    pub const fn by_sender(cookie: u32, address: Address<'a>) -> Self {
        Self {
            cookie,
            keys: None,
            address: Some(address),
            sender_connect: false,
            launch_application: None,
        }
    }
}

/// Where the listening side waits for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Address<'a> {
    /// `IP-Address`: an address, or a host's name.
    pub host: &'a str,
    /// `Port`. `PortX`, the same XOR 0x3141, is written beside it and ignored when read.
    pub port: u16,
    /// `AuthCookie`, which the receiver repeats on the connection.
    pub auth_cookie: u32,
    /// `IP-Address-Internal` and the port behind `PortX-Internal`: a second way behind the NAT.
    pub internal: Option<(&'a str, u16)>,
}

impl<'a> Address<'a> {
    /// An address without a second way.
    #[must_use]
    pub const fn new(host: &'a str, port: u16, auth_cookie: u32) -> Self {
        Self { host, port, auth_cookie, internal: None }
    }
}

/// One side will not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Cancel<'a> {
    /// `Invitation-Cookie` of the INVITE.
    pub cookie: u32,
    /// `Cancel-Code`, one of [`Self::REJECT`] and its like; empty where there was none.
    pub code: &'a str,
}

impl Cancel<'_> {
    /// The user said no.
    pub const REJECT: &'static str = "REJECT";
    /// There is no such application here.
    pub const REJECT_NOT_INSTALLED: &'static str = "REJECT_NOT_INSTALLED";
    /// Nobody answered.
    pub const TIMEOUT: &'static str = "TIMEOUT";
    /// The connection failed.
    pub const FAIL: &'static str = "FAIL";
}

/// What stands between `Port` and `PortX`.
const PORT_X: u16 = 0x3141;

impl<'a> Invitation<'a> {
    /// Reads a body.
    ///
    /// # Errors
    /// What is missing or wrong, with the octet at which it stands (of a missing field: the end).
    pub fn parse(body: &'a [u8]) -> Result<Self, ParseError> {
        let fields = Fields::parse(body)?;
        let cookie = u32::try_from(
            fields
                .number(fields.cookie, Fault::InvitationCookie)?
                .ok_or(ParseError { what: Fault::InvitationCookie, at: body.len() })?,
        )
        .map_err(|_| fields.error(fields.cookie, Fault::InvitationCookie))?;
        let command = fields.command.map_or("", |field| field.value);
        if command.eq_ignore_ascii_case("INVITE") {
            fields.invite(cookie)
        } else if command.eq_ignore_ascii_case("ACCEPT") {
            fields.accept(cookie).map(Self::Accept)
        } else if command.eq_ignore_ascii_case("CANCEL") {
            let code = fields.cancel_code.map_or("", |field| field.value);
            Ok(Self::Cancel(Cancel { cookie, code }))
        } else {
            Err(fields.error(fields.command, Fault::InvitationCommand))
        }
    }

    /// Writes the body and returns its length.
    ///
    /// # Errors
    /// [`BufferTooSmall`] with the length that is needed.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let mut writer = Writer::new(buffer);
        self.emit(&mut writer);
        writer.finish()
    }

    /// How long the body is, in octets.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let mut writer = Writer::new(&mut []);
        self.emit(&mut writer);
        writer.len()
    }

    /// The cookie that ties it to others.
    #[must_use]
    pub const fn cookie(&self) -> u32 {
        match self {
            Self::Invite(Invite { cookie, .. })
            | Self::Other { cookie, .. }
            | Self::Accept(Accept { cookie, .. })
            | Self::Cancel(Cancel { cookie, .. }) => *cookie,
        }
    }

    fn emit(&self, w: &mut Writer<'_>) {
        match self {
            Self::Invite(invite) => {
                field(w, "Application-Name", invite.application);
                field(w, "Application-GUID", FILE_TRANSFER_GUID);
                field(w, "Invitation-Command", "INVITE");
                number(w, "Invitation-Cookie", u64::from(invite.cookie));
                field(w, "Application-File", invite.file);
                number(w, "Application-FileSize", invite.size);
                if !invite.can_listen {
                    field(w, "Connectivity", "N");
                }
                if invite.encrypted {
                    field(w, "Encryption", "R");
                }
            }
            Self::Other { cookie, guid } => {
                field(w, "Application-GUID", guid);
                field(w, "Invitation-Command", "INVITE");
                number(w, "Invitation-Cookie", u64::from(*cookie));
            }
            Self::Accept(accept) => {
                field(w, "Invitation-Command", "ACCEPT");
                field(w, "Request-Data", "IP-Address:");
                number(w, "Invitation-Cookie", u64::from(accept.cookie));
                if let Some(keys) = &accept.keys {
                    base64(w, "Encryption-Key", &keys.encryption);
                    base64(w, "Hash-Key", &keys.hash);
                }
                if let Some(address) = &accept.address {
                    field(w, "IP-Address", address.host);
                    number(w, "Port", u64::from(address.port));
                    number(w, "PortX", u64::from(address.port ^ PORT_X));
                    if let Some((host, port)) = address.internal {
                        field(w, "IP-Address-Internal", host);
                        number(w, "PortX-Internal", u64::from(port ^ PORT_X));
                    }
                    number(w, "AuthCookie", u64::from(address.auth_cookie));
                }
                if let Some(launch) = accept.launch_application {
                    field(w, "Launch-Application", if launch { "TRUE" } else { "FALSE" });
                }
                if accept.sender_connect {
                    field(w, "Sender-Connect", "TRUE");
                }
            }
            Self::Cancel(cancel) => {
                field(w, "Invitation-Command", "CANCEL");
                number(w, "Invitation-Cookie", u64::from(cancel.cookie));
                field(w, "Cancel-Code", cancel.code);
            }
        }
    }
}

fn field(w: &mut Writer<'_>, name: &str, value: &str) {
    w.octets(name.as_bytes()).octets(b": ");
    // A line break in a file's name would begin a field of the peer's choice.
    for part in value.as_bytes().split(|octet| *octet == b'\r' || *octet == b'\n') {
        w.octets(part);
    }
    w.octets(b"\r\n");
}

fn number(w: &mut Writer<'_>, name: &str, value: u64) {
    w.octets(name.as_bytes()).octets(b": ").number(value).octets(b"\r\n");
}

fn base64(w: &mut Writer<'_>, name: &str, key: &Key) {
    w.octets(name.as_bytes()).octets(b": ").octets(&key.to_base64()).octets(b"\r\n");
}

/// One line's value and where it stands.
#[derive(Clone, Copy)]
struct Field<'a> {
    value: &'a str,
    at: usize,
}

/// The fields that matter; of repeated ones the first counts.
#[derive(Default)]
struct Fields<'a> {
    end: usize,
    command: Option<Field<'a>>,
    cookie: Option<Field<'a>>,
    application: Option<Field<'a>>,
    guid: Option<Field<'a>>,
    file: Option<Field<'a>>,
    size: Option<Field<'a>>,
    connectivity: Option<Field<'a>>,
    encryption: Option<Field<'a>>,
    encryption_key: Option<Field<'a>>,
    hash_key: Option<Field<'a>>,
    host: Option<Field<'a>>,
    port: Option<Field<'a>>,
    internal_host: Option<Field<'a>>,
    internal_port_x: Option<Field<'a>>,
    auth_cookie: Option<Field<'a>>,
    sender_connect: Option<Field<'a>>,
    launch_application: Option<Field<'a>>,
    cancel_code: Option<Field<'a>>,
}

impl<'a> Fields<'a> {
    fn parse(body: &'a [u8]) -> Result<Self, ParseError> {
        let mut fields = Self { end: body.len(), ..Self::default() };
        let mut rest = body;
        while !rest.is_empty() {
            let at = body.len() - rest.len();
            let (line, after) = match memchr(b'\n', rest).and_then(|end| rest.split_at_checked(end))
            {
                Some((line, after)) => (line, after.split_first().map_or(after, |(_, rest)| rest)),
                None => (rest, &[][..]),
            };
            rest = after;
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            let error = ParseError { what: Fault::Line, at };
            if line.contains(&b'\r') {
                return Err(error);
            }
            let line = str::from_utf8(line).map_err(|_| error)?;
            let (name, value) = line.split_once(':').ok_or(error)?;
            if let Some(field) = fields.named(name.trim_ascii()) {
                field.get_or_insert(Field { value: value.trim_ascii(), at });
            }
        }
        Ok(fields)
    }

    fn named(&mut self, name: &str) -> Option<&mut Option<Field<'a>>> {
        let fields = [
            ("Invitation-Command", &mut self.command),
            ("Invitation-Cookie", &mut self.cookie),
            ("Application-Name", &mut self.application),
            ("Application-GUID", &mut self.guid),
            ("Application-File", &mut self.file),
            ("Application-FileSize", &mut self.size),
            ("Connectivity", &mut self.connectivity),
            ("Encryption", &mut self.encryption),
            ("Encryption-Key", &mut self.encryption_key),
            ("Hash-Key", &mut self.hash_key),
            ("IP-Address", &mut self.host),
            ("Port", &mut self.port),
            ("IP-Address-Internal", &mut self.internal_host),
            ("PortX-Internal", &mut self.internal_port_x),
            ("AuthCookie", &mut self.auth_cookie),
            ("Sender-Connect", &mut self.sender_connect),
            ("Launch-Application", &mut self.launch_application),
            ("Cancel-Code", &mut self.cancel_code),
        ];
        fields.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, f)| f)
    }

    fn invite(&self, cookie: u32) -> Result<Invitation<'a>, ParseError> {
        let guid = self.guid.map_or("", |field| field.value);
        if !guid.eq_ignore_ascii_case(FILE_TRANSFER_GUID) {
            return Ok(Invitation::Other { cookie, guid });
        }
        let file = self
            .file
            .filter(|field| !field.value.is_empty())
            .ok_or(self.error(self.file, Fault::ApplicationFile))?;
        let size = self
            .number(self.size, Fault::ApplicationFileSize)?
            .ok_or(self.error(None, Fault::ApplicationFileSize))?;
        Ok(Invitation::Invite(Invite {
            cookie,
            application: self.application.map_or("", |field| field.value),
            file: file.value,
            size,
            can_listen: !self.connectivity.is_some_and(|f| f.value.eq_ignore_ascii_case("N")),
            encrypted: self.encryption.is_some(),
        }))
    }

    fn accept(&self, cookie: u32) -> Result<Accept<'a>, ParseError> {
        let keys = match (self.encryption_key, self.hash_key) {
            (None, None) => None,
            (encryption, hash) => {
                Some(Keys { encryption: self.key(encryption)?, hash: self.key(hash)? })
            }
        };
        let address = match (self.host, self.port) {
            (None, None) => None,
            (host, port) => {
                let host = host.filter(|field| !field.value.is_empty());
                let host = host.ok_or(self.error(self.host, Fault::Address))?;
                let number: u64 =
                    self.number(port, Fault::Address)?.ok_or(self.error(None, Fault::Address))?;
                let port = u16::try_from(number)
                    .ok()
                    .filter(|port| *port > 0)
                    .ok_or(self.error(port, Fault::Address))?;
                let auth_cookie = self
                    .number(self.auth_cookie, Fault::Address)?
                    .and_then(|number| u32::try_from(number).ok())
                    .ok_or(self.error(self.auth_cookie, Fault::Address))?;
                let internal = self.internal_host.zip(self.internal_port_x).and_then(|(h, p)| {
                    let port_x = u16::try_from(parse_decimal(p.value.as_bytes())?).ok()?;
                    Some((h.value, port_x ^ PORT_X))
                });
                Some(Address { host: host.value, port, auth_cookie, internal })
            }
        };
        let truth =
            |field: Option<Field<'_>>| field.map(|field| field.value.eq_ignore_ascii_case("TRUE"));
        Ok(Accept {
            cookie,
            keys,
            address,
            sender_connect: truth(self.sender_connect).unwrap_or(false),
            launch_application: truth(self.launch_application),
        })
    }

    fn key(&self, field: Option<Field<'_>>) -> Result<Key, ParseError> {
        field
            .and_then(|field| Key::from_base64(field.value.as_bytes()))
            .ok_or(self.error(field, Fault::Key))
    }

    fn number(&self, field: Option<Field<'_>>, what: Fault) -> Result<Option<u64>, ParseError> {
        let Some(found) = field else { return Ok(None) };
        match parse_decimal(found.value.as_bytes()) {
            Some(number) => Ok(Some(number)),
            None => Err(self.error(field, what)),
        }
    }

    fn error(&self, field: Option<Field<'_>>, what: Fault) -> ParseError {
        ParseError { what, at: field.map_or(self.end, |field| field.at) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::vec;

    fn written(invitation: &Invitation<'_>) -> String {
        let mut buffer = vec![0; invitation.encoded_len()];
        assert_eq!(invitation.write(&mut buffer), Ok(buffer.len()));
        if let Some((_, short)) = buffer.clone().split_last_mut() {
            assert_eq!(
                invitation.write(short),
                Err(BufferTooSmall { needed: buffer.len() }),
                "one octet less is too small"
            );
        }
        String::from_utf8(buffer).unwrap()
    }

    const INVITE: &str = "Application-Name: File Transfer\r\n\
        Application-GUID: {5D3E02AB-6190-11d3-BBBB-00C04F795683}\r\n\
        Invitation-Command: INVITE\r\nInvitation-Cookie: 811065074\r\n\
        Application-File: sample.bin\r\nApplication-FileSize: 5000\r\nEncryption: R\r\n";
    const ACCEPT_R: &str = "Invitation-Command: ACCEPT\r\nRequest-Data: IP-Address:\r\n\
        Invitation-Cookie: 811065074\r\n\
        Encryption-Key: XAvN5TamQf1L1KR+bLmDRxUgEImjAspI\r\n\
        Hash-Key: /Qx6sKD7m/wHaOE9DiI6Wvff2GOYW6qt\r\n";
    const ACCEPT_S: &str = "Invitation-Command: ACCEPT\r\nRequest-Data: IP-Address:\r\n\
        Invitation-Cookie: 811065074\r\nIP-Address: 127.0.0.1\r\nPort: 6891\r\nPortX: 11178\r\n\
        AuthCookie: 520477810\r\n";

    #[test]
    fn a_line_end_within_a_value_is_refused() {
        let body = b"Invitation-Command: CANCEL\r\nInvitation-Cookie: 1\r\nCancel-Code: A\rB\r\n";
        assert_eq!(Invitation::parse(body), Err(ParseError { what: Fault::Line, at: 50 }));
    }

    #[test]
    fn the_bodies_of_the_capture_are_read_and_written_alike() {
        let keys = Keys {
            encryption: Key::from_base64(b"XAvN5TamQf1L1KR+bLmDRxUgEImjAspI").unwrap(),
            hash: Key::from_base64(b"/Qx6sKD7m/wHaOE9DiI6Wvff2GOYW6qt").unwrap(),
        };
        let address = Address::new("127.0.0.1", 6891, 520_477_810);
        let cookie = 811_065_074;
        for (text, expected) in [
            (INVITE, Invitation::Invite(Invite::new(cookie, "sample.bin", 5000))),
            (ACCEPT_R, Invitation::Accept(Accept::by_receiver(cookie, Some(keys)))),
            (ACCEPT_S, Invitation::Accept(Accept::by_sender(cookie, address))),
            (
                "Invitation-Command: CANCEL\r\nInvitation-Cookie: 578346820\r\nCancel-Code: REJECT\r\n",
                Invitation::Cancel(Cancel { cookie: 578_346_820, code: Cancel::REJECT }),
            ),
        ] {
            let parsed = Invitation::parse(text.as_bytes()).unwrap();
            assert_eq!(parsed, expected);
            assert_eq!(written(&parsed), text);
            assert_eq!(parsed.cookie(), expected.cookie());
        }
    }

    #[test]
    fn a_sender_behind_a_nat_says_so_before_the_encryption() {
        let invite = Invite { can_listen: false, ..Invite::new(1, "a", 2) };
        let text = written(&Invitation::Invite(invite));
        assert!(text.ends_with("Connectivity: N\r\nEncryption: R\r\n"), "{text}");
        assert_eq!(Invitation::parse(text.as_bytes()), Ok(Invitation::Invite(invite)));
    }

    #[test]
    fn every_field_of_an_accept_comes_back() {
        let accept = Invitation::Accept(Accept {
            cookie: 7,
            keys: Some(Keys { encryption: Key::new([1; 24]), hash: Key::new([2; 24]) }),
            address: Some(Address {
                internal: Some(("10.0.0.2", 6892)),
                ..Address::new("relay.example.test", 6900, u32::MAX)
            }),
            sender_connect: true,
            launch_application: Some(false),
        });
        assert_eq!(Invitation::parse(written(&accept).as_bytes()), Ok(accept));
    }

    #[test]
    fn order_case_line_ends_and_strangers_do_not_matter() {
        let text = "X-New: a:b\n\nencryption: R\ninvitation-cookie:5\nAPPLICATION-FILESIZE: 0\n\
            Application-File:  a b.txt \nInvitation-Command: invite\n\
            Application-Guid: {5d3e02ab-6190-11D3-bbbb-00c04f795683}";
        let expected = Invite { application: "", ..Invite::new(5, "a b.txt", 0) };
        assert_eq!(Invitation::parse(text.as_bytes()), Ok(Invitation::Invite(expected)));
    }

    #[test]
    fn another_application_is_named() {
        let text =
            "Application-GUID: {1}\r\nInvitation-Command: INVITE\r\nInvitation-Cookie: 9\r\n";
        let other = Invitation::Other { cookie: 9, guid: "{1}" };
        assert_eq!(Invitation::parse(text.as_bytes()), Ok(other.clone()));
        assert_eq!(written(&other), text);
    }

    #[test]
    fn a_line_break_in_a_name_begins_no_field() {
        let invite = Invitation::Invite(Invite::new(1, "a\r\nEncryption: X\n", 1));
        assert!(written(&invite).contains("Application-File: aEncryption: X\r\n"));
    }

    #[test]
    fn each_fault_is_named_with_its_place() {
        let invite = |lines: &str| {
            let mut text = String::from(
                "Application-GUID: {5D3E02AB-6190-11d3-BBBB-00C04F795683}\r\nInvitation-Command: INVITE\r\n",
            );
            text.push_str(lines);
            text
        };
        let accept = |lines: &str| {
            let mut text = String::from("Invitation-Command: ACCEPT\r\nInvitation-Cookie: 1\r\n");
            text.push_str(lines);
            text
        };
        for (text, what, found) in [
            (invite("Application-File: a\r\n"), Fault::InvitationCookie, None),
            (
                invite("Invitation-Cookie: x\r\n"),
                Fault::InvitationCookie,
                Some("Invitation-Cookie"),
            ),
            (
                invite("Invitation-Cookie: 4294967296\r\n"),
                Fault::InvitationCookie,
                Some("Invitation-Cookie"),
            ),
            (invite("Invitation-Cookie: 1\r\n"), Fault::ApplicationFile, None),
            (
                invite("Invitation-Cookie: 1\r\nApplication-File: a\r\n"),
                Fault::ApplicationFileSize,
                None,
            ),
            (
                invite(
                    "Invitation-Cookie: 1\r\nApplication-File: a\r\nApplication-FileSize: -1\r\n",
                ),
                Fault::ApplicationFileSize,
                Some("Application-FileSize"),
            ),
            (accept("Hash-Key: AAAA\r\n"), Fault::Key, None),
            (
                accept("Encryption-Key: AAAA\r\nHash-Key: AAAA\r\n"),
                Fault::Key,
                Some("Encryption-Key"),
            ),
            (accept("IP-Address: a\r\n"), Fault::Address, None),
            (accept("IP-Address: a\r\nPort: 0\r\nAuthCookie: 1\r\n"), Fault::Address, Some("Port")),
            (
                accept("IP-Address: a\r\nPort: 65536\r\nAuthCookie: 1\r\n"),
                Fault::Address,
                Some("Port"),
            ),
            (accept("IP-Address: a\r\nPort: 1\r\n"), Fault::Address, None),
            (accept("IP-Address: \r\nPort: 1\r\n"), Fault::Address, Some("IP-Address")),
            (accept("no colon\r\n"), Fault::Line, Some("no colon")),
            (
                String::from("Invitation-Command: FOO\r\nInvitation-Cookie: 1\r\n"),
                Fault::InvitationCommand,
                Some("Invitation-Command"),
            ),
            (String::new(), Fault::InvitationCookie, None),
        ] {
            let at = found.map_or(text.len(), |name| text.find(name).unwrap());
            let error = Invitation::parse(text.as_bytes()).unwrap_err();
            assert_eq!(error, ParseError { what, at }, "{text}");
        }
        let error = Invitation::parse(b"A: \xff\r\n").unwrap_err();
        assert_eq!(error, ParseError { what: Fault::Line, at: 0 });
    }
}
