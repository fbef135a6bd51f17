//! The parameters of NTLM and Kerberos in the rows of SIP (MS-SIP section 3.1).
//!
//! ```text
//! NTLM qop="auth", realm="…", targetname="…", opaque="…", version=4, gssapi-data="…",
//!      crand="9a165837", cnum="1", response="…"        what a client signs
//!      srand="0878F41B", snum="1", rspauth="…"         what a server signs
//! ```

use super::Side;
use super::short::{decimal, number};
use crate::header::{Credentials, Scheme};
use crate::message::{Message, Name, Writer};

/// A mechanism that signs messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Mechanism {
    /// Kerberos; its tokens come from the host.
    Kerberos,
    /// NTLM.
    Ntlm,
}

impl Mechanism {
    /// Its name, as it stands in rows and in what is signed.
    #[must_use]
    pub const fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Kerberos => b"Kerberos",
            Self::Ntlm => b"NTLM",
        }
    }

    fn parse(token: &[u8]) -> Option<Self> {
        [Self::Kerberos, Self::Ntlm]
            .into_iter()
            .find(|mechanism| token.eq_ignore_ascii_case(mechanism.as_bytes()))
    }
}

/// Which fields of a message are signed (MS-SIP section 3.1; MS-SIPAE section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Version {
    /// Live Communications Server 2003 and 2005: no version is named.
    #[default]
    V2,
    /// The URI of To and the asserted identity are signed, too.
    V3,
    /// The same, and the REGISTER with the AUTHENTICATE is signed.
    V4,
}

impl Version {
    /// The number that rows name it by; version 2 is not named.
    #[must_use]
    pub const fn number(self) -> Option<u32> {
        match self {
            Self::V2 => None,
            Self::V3 => Some(3),
            Self::V4 => Some(4),
        }
    }

    /// The version that a server means which names this number: the highest that we have.
    #[must_use]
    pub const fn from_number(number: Option<u32>) -> Self {
        match number {
            None | Some(0..=2) => Self::V2,
            Some(3) => Self::V3,
            Some(_) => Self::V4,
        }
    }
}

/// The signature in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Signed<'d> {
    /// Who signed.
    pub side: Side,
    /// `crand` or `srand`: eight hexadecimal digits.
    pub random: &'d [u8],
    /// `cnum` or `snum`: counts the messages of one side from 1.
    pub number: &'d [u8],
    /// `response` or `rspauth`: the signature, in hexadecimal digits.
    pub signature: &'d [u8],
}

/// The parameters of one row of WWW-Authenticate, Proxy-Authenticate, Authorization,
/// Proxy-Authorization, Authentication-Info or Proxy-Authentication-Info.
///
/// ```
/// use sip_core::ntlm::{Fields, Mechanism};
///
/// let row = b"NTLM realm=\"SIP Communications Service\", targetname=\"lcs.example.test\", version=4";
/// let fields = Fields::parse(row).unwrap();
/// assert_eq!(fields.mechanism, Mechanism::Ntlm);
/// assert_eq!(fields.realm, b"SIP Communications Service");
/// assert_eq!(fields.version, Some(4));
/// assert_eq!(fields.gssapi_data, None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Fields<'d> {
    /// The mechanism.
    pub mechanism: Mechanism,
    /// Whether there is a `qop="auth"`.
    pub qop: bool,
    /// The realm.
    pub realm: &'d [u8],
    /// The server.
    pub targetname: &'d [u8],
    /// Names the sign-in.
    pub opaque: Option<&'d [u8]>,
    /// The version, where one is named.
    pub version: Option<u32>,
    /// A token, in base64; empty where a client asks for one.
    pub gssapi_data: Option<&'d [u8]>,
    /// The signature.
    pub signed: Option<Signed<'d>>,
}

impl<'d> Fields<'d> {
    /// Fields of a mechanism, all empty.
    #[must_use]
    pub const fn new(mechanism: Mechanism) -> Self {
        Self {
            mechanism,
            qop: false,
            realm: b"",
            targetname: b"",
            opaque: None,
            version: None,
            gssapi_data: None,
            signed: None,
        }
    }

    /// Reads the value of a row; nothing where it is another mechanism's. What is not understood is
    /// passed over, and of a parameter that stands twice the first is taken.
    #[must_use]
    pub fn parse(row: &'d [u8]) -> Option<Self> {
        let row = row.trim_ascii();
        let end = row.iter().position(u8::is_ascii_whitespace).unwrap_or(row.len());
        let (scheme, rest) = row.split_at_checked(end)?;
        let mut fields = Self::new(Mechanism::parse(scheme)?);
        let (mut realm, mut targetname, mut qop, mut version) = (None, None, None, None);
        let mut client = [None; 3];
        let mut server = [None; 3];
        for param in Credentials::new(Scheme::Other(scheme), rest.trim_ascii()).params() {
            let Some(value) = param.value.map(|value| value.raw()) else { continue };
            let [crand, cnum, response] = &mut client;
            let [srand, snum, rspauth] = &mut server;
            let places: [(&[u8], &mut Option<&'d [u8]>); 12] = [
                (b"realm", &mut realm),
                (b"targetname", &mut targetname),
                (b"opaque", &mut fields.opaque),
                (b"gssapi-data", &mut fields.gssapi_data),
                (b"qop", &mut qop),
                (b"version", &mut version),
                (b"crand", crand),
                (b"cnum", cnum),
                (b"response", response),
                (b"srand", srand),
                (b"snum", snum),
                (b"rspauth", rspauth),
            ];
            let place = places.into_iter().find(|(name, _)| param.is(name));
            if let Some((_, place @ None)) = place {
                *place = Some(value);
            }
        }
        fields.realm = realm.unwrap_or_default();
        fields.targetname = targetname.unwrap_or_default();
        fields.qop = qop.is_some_and(|qop| qop.eq_ignore_ascii_case(b"auth"));
        fields.version = version.and_then(number);
        fields.signed = signed(Side::Client, client).or(signed(Side::Server, server));
        Some(fields)
    }

    /// The first rows of this name with this mechanism, or with any.
    pub fn of(message: &Message<'d>, name: Name<'d>, mechanism: Option<Mechanism>) -> Option<Self> {
        message
            .rows(name)
            .filter_map(|row| Self::parse(row.value))
            .find(|fields| mechanism.is_none_or(|mechanism| fields.mechanism == mechanism))
    }

    /// The row with which the other side signed a message, and its name.
    #[must_use]
    pub fn of_signed(message: &Message<'d>, side: Side) -> Option<(Name<'static>, Self)> {
        let names = match side {
            Side::Client => [Name::Authorization, Name::ProxyAuthorization],
            Side::Server => [Name::AuthenticationInfo, Name::ProxyAuthenticationInfo],
        };
        names
            .into_iter()
            .find_map(|name| Self::of(message, name, None).map(|fields| (name, fields)))
    }

    /// Writes it as the value of a row.
    pub fn write(&self, to: &mut Writer<'_>) {
        to.fixed(self.mechanism.as_bytes());
        let mut first = true;
        let mut put = |name: &[u8], value: &[u8], quoted: bool| {
            to.fixed(if core::mem::take(&mut first) { b" " } else { b", " });
            to.fixed(name);
            to.fixed(if quoted { b"=\"" } else { b"=" });
            to.text(value);
            to.fixed(if quoted { b"\"" } else { b"" });
        };
        if self.qop {
            put(b"qop", b"auth", true);
        }
        put(b"realm", self.realm, true);
        put(b"targetname", self.targetname, true);
        if let Some(opaque) = self.opaque {
            put(b"opaque", opaque, true);
        }
        if let Some(version) = self.version {
            put(b"version", decimal(version).as_bytes(), false);
        }
        if let Some(data) = self.gssapi_data {
            put(b"gssapi-data", data, true);
        }
        if let Some(signed) = self.signed {
            let names: [&[u8]; 3] = match signed.side {
                Side::Client => [b"crand", b"cnum", b"response"],
                Side::Server => [b"srand", b"snum", b"rspauth"],
            };
            for (name, value) in names.iter().zip([signed.random, signed.number, signed.signature])
            {
                put(name, value, true);
            }
        }
    }
}

fn signed(side: Side, values: [Option<&[u8]>; 3]) -> Option<Signed<'_>> {
    let [random, number, signature] = values;
    Some(Signed { side, random: random?, number: number?, signature: signature? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(row: &str) -> Fields<'_> {
        let fields = Fields::parse(row.as_bytes()).unwrap();
        let mut buffer = [0; 1024];
        let mut to = Writer::new(&mut buffer);
        fields.write(&mut to);
        let len = to.len();
        assert_eq!(Fields::parse(&buffer[..len]), Some(fields), "{row}");
        fields
    }

    #[test]
    fn the_rows_of_a_sign_in_are_read_and_written() {
        let first = round_trip(
            "NTLM realm=\"SIP Communications Service\", targetname=\"lcs.example.test\"",
        );
        assert_eq!((first.version, first.gssapi_data), (None, None));
        let asks = round_trip("ntlm QOP=\"auth\", realm=\"r\", targetname=\"t\", gssapi-data=\"\"");
        assert!(asks.qop);
        assert_eq!(asks.gssapi_data, Some(&b""[..]));
        let challenge = round_trip(
            "NTLM opaque=\"9dc5b0b0\", gssapi-data=\"TlRMTVNTUAACAAAA==\", targetname=\"t\", \
             realm=\"r\", version=4",
        );
        assert_eq!(challenge.opaque, Some(&b"9dc5b0b0"[..]));
        assert_eq!(challenge.gssapi_data, Some(&b"TlRMTVNTUAACAAAA=="[..]));
        assert_eq!(challenge.version, Some(4));
        let info = round_trip(
            "NTLM rspauth=\"0100000000000000BF2E52667DDF6DED\", srand=\"0878F41B\", snum=\"1\", \
             opaque=\"4452DFB0\", qop=\"auth\", targetname=\"t\", realm=\"r\"",
        );
        let signed = info.signed.unwrap();
        assert_eq!((signed.side, signed.random), (Side::Server, &b"0878F41B"[..]));
        let later = round_trip(
            "Kerberos qop=\"auth\", opaque=\"A5\", realm=\"r\", targetname=\"sip/t\", \
             crand=\"c35d5e1f\", cnum=\"12\", response=\"602306092a\"",
        );
        assert_eq!(later.mechanism, Mechanism::Kerberos);
        let signed = later.signed.unwrap();
        assert_eq!((signed.side, signed.number), (Side::Client, &b"12"[..]));
    }

    #[test]
    fn half_a_signature_is_none() {
        let fields = Fields::parse(b"NTLM realm=\"r\", crand=\"1\", cnum=\"2\"").unwrap();
        assert_eq!(fields.signed, None);
        assert_eq!(Fields::parse(b"Digest realm=\"r\""), None);
        assert_eq!(Fields::parse(b""), None);
        assert_eq!(Fields::parse(b"NTLM").unwrap(), Fields::new(Mechanism::Ntlm));
    }

    #[test]
    fn of_a_parameter_that_stands_twice_the_first_counts() {
        let fields = Fields::parse(b"NTLM opaque=\"a\", opaque=\"b\"").unwrap();
        assert_eq!(fields.opaque, Some(&b"a"[..]));
    }
}
