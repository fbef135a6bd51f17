//! What of a message is signed (MS-SIP section 3.1; MS-SIPAE section 3.2).
//!
//! ```text
//! <NTLM><crand><cnum><realm><targetname><Call-ID><CSeq number><CSeq method><From URI><From tag>
//!   version 2        <To tag><Expires>[<status code>]
//!   versions 3 and 4 <To URI><To tag><asserted SIP URI><asserted tel URI><Expires>[<status code>]
//! ```
//!
//! Each value stands as it does in the message, and none where there is none; the status code stands in
//! responses alone.

use super::{Error, Mechanism, Version};
use crate::header::{Address, CSeq, From, To};
use crate::message::{Message, Name};

/// The longest text that is signed, in octets.
pub const MAX_SIGNED: usize = 2048;

/// The text that a signature is over.
#[derive(Clone)]
pub struct SignedText {
    octets: [u8; MAX_SIGNED],
    len: usize,
    overflowed: bool,
}

/// What of a signature's row is part of what is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Terms<'a> {
    /// The mechanism.
    pub mechanism: Mechanism,
    /// Which fields are signed.
    pub version: Version,
    /// `crand` or `srand`.
    pub random: &'a [u8],
    /// `cnum` or `snum`.
    pub number: &'a [u8],
    /// The realm.
    pub realm: &'a [u8],
    /// The server.
    pub targetname: &'a [u8],
}

impl SignedText {
    /// The text of a message.
    ///
    /// # Errors
    /// [`Error::Incomplete`] where the message lacks Call-ID, CSeq, From or To, [`Error::TooLong`] where
    /// the text is longer than [`MAX_SIGNED`].
    pub fn of(message: &Message<'_>, terms: &Terms<'_>) -> Result<Self, Error> {
        let cseq = message.typed::<CSeq<'_>>().and_then(Result::ok).ok_or(Error::Incomplete)?;
        let call_id = message.row(Name::CallId).ok_or(Error::Incomplete)?;
        let from = message.typed::<From<'_>>().and_then(Result::ok).ok_or(Error::Incomplete)?;
        let (from, from_tag) = party(message, Name::From, &from.0);
        let to = message.typed::<To<'_>>().and_then(Result::ok).ok_or(Error::Incomplete)?;
        let (to, to_tag) = party(message, Name::To, &to.0);
        // The number as it stands: what is before the white space.
        let number = message.row(Name::CSeq).map(|row| row.value.trim_ascii()).unwrap_or_default();
        let end = number.iter().position(|octet| !octet.is_ascii_digit()).unwrap_or(number.len());

        let mut text = Self { octets: [0; MAX_SIGNED], len: 0, overflowed: false };
        text.field(terms.mechanism.as_bytes());
        text.field(terms.random);
        text.field(terms.number);
        text.field(terms.realm);
        text.field(terms.targetname);
        text.field(call_id.value.trim_ascii());
        text.field(number.get(..end).unwrap_or_default());
        text.field(cseq.method.as_bytes());
        text.field(from);
        text.field(from_tag);
        if terms.version >= Version::V3 {
            text.field(to);
        }
        text.field(to_tag);
        if terms.version >= Version::V3 {
            let (sip, tel) = asserted(message);
            text.field(sip);
            text.field(tel);
        }
        text.field(
            message.row(Name::Expires).map(|row| row.value.trim_ascii()).unwrap_or_default(),
        );
        if let Some(code) = message.code() {
            text.field(&code.digits());
        }
        if text.overflowed { Err(Error::TooLong) } else { Ok(text) }
    }

    /// The text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or_default()
    }

    fn field(&mut self, value: &[u8]) {
        for part in [b"<", value, b">"] {
            let room = self.octets.get_mut(self.len..).and_then(|room| room.get_mut(..part.len()));
            match room {
                Some(room) => {
                    room.copy_from_slice(part);
                    self.len += part.len();
                }
                None => self.overflowed = true,
            }
        }
    }
}

impl core::fmt::Debug for SignedText {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "\"{}\"", self.as_bytes().escape_ascii())
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for SignedText {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=[u8]:a}", self.as_bytes());
    }
}

/// The URI, as it stands, and the tag of From or To.
fn party<'d>(message: &Message<'d>, name: Name<'_>, address: &Address<'d>) -> (&'d [u8], &'d [u8]) {
    let uri = message.row(name).map(|row| uri_text(row.value)).unwrap_or_default();
    (uri, address.tag().unwrap_or_default())
}

/// The SIP URI and the `tel` URI of the identity that is asserted, or preferred.
fn asserted<'d>(message: &Message<'d>) -> (&'d [u8], &'d [u8]) {
    let (mut sip, mut tel) = (&b""[..], &b""[..]);
    let name = match message.row(Name::PAssertedIdentity) {
        Some(_) => Name::PAssertedIdentity,
        None => Name::PPreferredIdentity,
    };
    for row in message.rows(name) {
        let mut rest = row.value;
        while !rest.is_empty() {
            let uri = uri_text(rest);
            let scheme =
                memchr::memchr(b':', uri).and_then(|end| uri.get(..end)).unwrap_or_default();
            if sip.is_empty()
                && [&b"sip"[..], b"sips"].iter().any(|name| scheme.eq_ignore_ascii_case(name))
            {
                sip = uri;
            } else if tel.is_empty() && scheme.eq_ignore_ascii_case(b"tel") {
                tel = uri;
            }
            rest = after_comma(rest);
        }
    }
    (sip, tel)
}

/// The URI of an address: between the angle brackets, or up to the first parameter.
fn uri_text(address: &[u8]) -> &[u8] {
    let mut quoted = false;
    let mut escaped = false;
    let open = address.iter().position(|octet| {
        if core::mem::take(&mut escaped) {
            return false;
        }
        match octet {
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'<' => return !quoted,
            _ => {}
        }
        false
    });
    match open.and_then(|open| address.get(open + 1..)) {
        Some(inside) => {
            let end = memchr::memchr(b'>', inside).unwrap_or(inside.len());
            inside.get(..end).unwrap_or_default()
        }
        None => {
            let end = address.iter().position(|octet| b";,".contains(octet));
            address.get(..end.unwrap_or(address.len())).unwrap_or_default().trim_ascii()
        }
    }
}

/// What follows the first comma outside of quotes and brackets.
fn after_comma(list: &[u8]) -> &[u8] {
    let (mut quoted, mut angle, mut escaped) = (false, false, false);
    let comma = list.iter().position(|octet| {
        if core::mem::take(&mut escaped) {
            return false;
        }
        match octet {
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'<' if !quoted => angle = true,
            b'>' if !quoted => angle = false,
            b',' => return !(quoted || angle),
            _ => {}
        }
        false
    });
    comma.and_then(|comma| list.get(comma + 1..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(message: &str, version: Version) -> std::string::String {
        let message = message.replace('\n', "\r\n");
        let message = Message::parse(message.as_bytes()).unwrap();
        let terms = Terms {
            mechanism: Mechanism::Ntlm,
            version,
            random: b"9a165837",
            number: b"1",
            realm: b"r",
            targetname: b"t",
        };
        let text = SignedText::of(&message, &terms).unwrap();
        std::string::String::from_utf8(text.as_bytes().to_vec()).unwrap()
    }

    const SUBSCRIBE: &str = "SUBSCRIBE sip:alice@example.test SIP/2.0\nVia: SIP/2.0/tcp 127.0.0.1:5060\n\
        From: \"<A>\" <sip:alice@example.test>;tag=58;epid=b3\nTo: sip:bob@example.test;x=1\n\
        Call-ID: 4C31\nCSeq: 007 SUBSCRIBE\n\
        P-Asserted-Identity: \"a, <b\" <SIP:alice@example.test>, <tel:+1555>\n\n";

    #[test]
    fn the_versions_sign_different_fields() {
        let head = "<NTLM><9a165837><1><r><t><4C31><007><SUBSCRIBE><sip:alice@example.test><58>";
        assert_eq!(text(SUBSCRIBE, Version::V2), std::format!("{head}<><>"));
        let more = "<sip:bob@example.test><><SIP:alice@example.test><tel:+1555><>";
        assert_eq!(text(SUBSCRIBE, Version::V3), std::format!("{head}{more}"));
        assert_eq!(text(SUBSCRIBE, Version::V4), std::format!("{head}{more}"));
    }

    #[test]
    fn a_response_is_signed_with_its_code() {
        let response = "SIP/2.0 200 OK\nFrom: <sip:a@x>;tag=1\nTo: <sip:a@x>;tag=2\nCall-ID: c\n\
            CSeq: 3 REGISTER\nExpires: 900\nP-Preferred-Identity: <sip:p@x>\n\n";
        let head = "<NTLM><9a165837><1><r><t><c><3><REGISTER><sip:a@x><1>";
        assert_eq!(text(response, Version::V2), std::format!("{head}<2><900><200>"));
        let more = "<sip:a@x><2><sip:p@x><><900><200>";
        assert_eq!(text(response, Version::V4), std::format!("{head}{more}"));
    }

    #[test]
    fn what_cannot_be_signed_is_said() {
        let terms = Terms {
            mechanism: Mechanism::Ntlm,
            version: Version::V2,
            random: b"",
            number: b"",
            realm: &[b'r'; MAX_SIGNED],
            targetname: b"",
        };
        let parse = |text: &'static str| Message::parse(text.as_bytes()).unwrap();
        let message = parse("SIP/2.0 200 OK\r\nCSeq: 1 A\r\n\r\n");
        assert_eq!(SignedText::of(&message, &terms).unwrap_err(), Error::Incomplete);
        let message = parse(
            "SIP/2.0 200 OK\r\nCSeq: 1 A\r\nCall-ID: c\r\nFrom: <sip:a@x>\r\nTo: <sip:a@x>\r\n\r\n",
        );
        assert_eq!(SignedText::of(&message, &terms).unwrap_err(), Error::TooLong);
    }
}
