//! Sessions of instant messages (MS-SIP, MS-SDP section 3.1.5.3, and what is on the wire).
//!
//! ```text
//! INVITE ──▶  m=x-ms-message 5060 sip null
//!             ms-text-format: text/plain; charset=UTF-8;msgr=…;ms-body=<base64>     the first message
//!     ◀── 200  m=x-ms-message 5060 sip sip:bob@example.com
//!              Supported: ms-text-format                                            it was taken
//! ACK ──▶
//! MESSAGE ◀─▶  Content-Type: text/plain; charset=UTF-8;msgr=…
//! INFO ◀─▶     application/xml, <KeyboardActivity><status status="type"/></KeyboardActivity>
//! BYE
//! ```
//!
//! Without `Supported: ms-text-format` in the 200 the first message is sent again as a MESSAGE.

use core::net::IpAddr;

use base64ct::{Base64, Base64Unpadded, Encoding as _};

use super::out::{root, written};
use super::sharing::head;
use crate::error::{BufferTooSmall, Fault, ParseError};
use crate::message::{Message, Writer};
use crate::ntlm::decimal;
use crate::presence::xml::{Event, Reader};
use crate::sdp::{Media, Session};

/// What clients take in a session, as libpurple's says it.
pub const ACCEPT_TYPES: &[u8] =
    b"text/plain text/html application/im-iscomposing+xml text/x-msmsgsinvite";

/// The media type of [`KeyboardActivity`].
pub const TYPING: &[u8] = b"application/xml";

/// The media type of invitations to a file transfer, which are those of Messenger.
pub const FILE_INVITATION: &[u8] = b"text/x-msmsgsinvite; charset=UTF-8";

/// Whether a stream is one of instant messages: `x-ms-message`, or `message` of Windows Messenger 4.7.
#[must_use]
pub fn is_im(media: &Media<'_>) -> bool {
    [&b"x-ms-message"[..], b"message"].iter().any(|kind| media.kind.eq_ignore_ascii_case(kind))
        && media.protocol.eq_ignore_ascii_case(b"sip")
}

/// The stream of instant messages of a session description.
#[must_use]
pub fn im_of<'d>(session: &Session<'d>) -> Option<Media<'d>> {
    session.media().find(is_im)
}

/// Writes a session description with a stream of instant messages to the start of `buffer`, and gives its
/// length: an offer, or the answer of `user`, a SIP URI. The port counts for nothing through a server.
///
/// # Errors
/// [`BufferTooSmall`] with what is needed.
pub fn write_session(
    address: IpAddr,
    port: u16,
    user: Option<&[u8]>,
    buffer: &mut [u8],
) -> Result<usize, BufferTooSmall> {
    written(buffer, |to| {
        head(to, address);
        to.fixed(b"m=x-ms-message ");
        to.number(port.into());
        to.fixed(b" sip ");
        to.text(user.unwrap_or(b"null"));
        to.fixed(b"\r\na=accept-types:");
        to.fixed(ACCEPT_TYPES);
        to.fixed(b"\r\n");
    })
}

/// `ms-text-format`: the first message, in the INVITE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TextFormat<'d> {
    /// Its type with its parameters, `msgr` among them, as a MESSAGE would have it.
    pub content_type: &'d [u8],
    /// The message, in base64; nothing where there is none.
    body: Option<&'d [u8]>,
}

impl<'d> TextFormat<'d> {
    /// Reads the value of the row.
    #[must_use]
    pub fn parse(value: &'d [u8]) -> Option<Self> {
        let (content_type, body) = match param(value, b"ms-body") {
            Some((before, body)) => (before, Some(body)),
            None => (value, None),
        };
        let content_type = content_type.trim_ascii();
        (!content_type.is_empty()).then_some(Self { content_type, body })
    }

    /// That of an INVITE.
    #[must_use]
    pub fn of(message: &Message<'d>) -> Option<Self> {
        message.row(super::name::TEXT_FORMAT).and_then(|row| Self::parse(row.value))
    }

    /// How the message is formatted.
    pub fn format<'b>(&self, buffer: &'b mut [u8]) -> Option<Format<'b>> {
        Format::of(self.content_type, buffer)
    }

    /// Writes the message to the start of `buffer`. Nothing where there is none, it is no base64, or it
    /// does not fit.
    pub fn body<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        decode(self.body?, buffer)
    }

    /// Writes the value of a row with a message of this type.
    pub fn write(content_type: &[u8], body: &[u8], to: &mut Writer<'_>) {
        to.text(content_type);
        to.fixed(b";ms-body=");
        // Three octets at a time, so that no buffer is needed.
        for part in body.chunks(3) {
            let mut text = [0; 4];
            to.text(Base64::encode(part, &mut text).unwrap_or_default().as_bytes());
        }
    }
}

/// What of a font is other than usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Effects {
    /// Bold (`B`).
    pub bold: bool,
    /// Italic (`I`).
    pub italic: bool,
    /// Struck through (`S`).
    pub strike: bool,
    /// Underlined (`U`).
    pub underline: bool,
}

/// How a message looks: `X-MMS-IM-Format`, which stands in the parameter `msgr` of its type.
///
/// ```text
/// X-MMS-IM-Format: FN=MS%20Sans%20Serif; EF=B; CO=ff0000; PF=0; RL=0
///                  font                  effects, colour (blue, green, red), pitch and family, right to left
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Format<'d> {
    /// The font, with `%20` for a space.
    pub font: &'d [u8],
    /// Effects.
    pub effects: Effects,
    /// Red, green and blue, from 0 to 255 each.
    pub colour: [u8; 3],
    /// Pitch and family, as Windows numbers them.
    pub pitch_family: u32,
    /// Whether it runs from right to left.
    pub right_to_left: bool,
}

impl Format<'_> {
    /// That of a message, from its Content-Type; `buffer` holds it, of 256 octets or so.
    pub fn of<'b>(content_type: &[u8], buffer: &'b mut [u8]) -> Option<Format<'b>> {
        let (_, msgr) = param(content_type, b"msgr")?;
        let len = decode(msgr, buffer)?.len();
        // UTF-16, of which ASCII is all that the format has.
        let mut count = 0;
        for at in (0..len).step_by(2) {
            let unit = [*buffer.get(at)?, buffer.get(at + 1).copied()?];
            let unit = u8::try_from(u16::from_le_bytes(unit)).unwrap_or(b'?');
            *buffer.get_mut(count)? = unit;
            count += 1;
        }
        Format::parse(buffer.get(..count)?)
    }

    /// Reads the header field, with or without its name. What is not known is passed over.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Format<'_>> {
        const NAME: &[u8] = b"X-MMS-IM-Format:";
        let text = match text.split_at_checked(NAME.len()) {
            Some((name, rest)) if name.eq_ignore_ascii_case(NAME) => rest,
            _ => text,
        };
        let mut format = Format {
            font: b"",
            effects: Effects::default(),
            colour: [0; 3],
            pitch_family: 0,
            right_to_left: false,
        };
        for part in text.trim_ascii().split(|octet| *octet == b';').map(<[u8]>::trim_ascii) {
            match part.split_at_checked(3) {
                Some((b"FN=", font)) => format.font = font,
                Some((b"EF=", effects)) => {
                    let has = |letter| effects.contains(&letter);
                    format.effects = Effects {
                        bold: has(b'B'),
                        italic: has(b'I'),
                        strike: has(b'S'),
                        underline: has(b'U'),
                    };
                }
                Some((b"CO=", digits)) => {
                    let number = digits.iter().try_fold(0_u32, |number, digit| {
                        Some(number << 4 | char::from(*digit).to_digit(16)?)
                    });
                    let [_, blue, green, red] = number.unwrap_or_default().to_be_bytes();
                    format.colour = [red, green, blue];
                }
                Some((b"PF=", number)) => {
                    format.pitch_family = crate::ntlm::number(number).unwrap_or_default();
                }
                Some((b"RL=", flag)) => format.right_to_left = flag == b"1",
                _ => {}
            }
        }
        (!format.font.is_empty()).then_some(format)
    }

    /// Writes the value of the parameter `msgr`.
    pub fn write_msgr(&self, to: &mut Writer<'_>) {
        let mut utf16 = Utf16 { to, held: [0; 3], len: 0 };
        self.text(|octets| utf16.put(octets));
        utf16.end();
    }

    /// Writes the header field, with its name and the empty line behind it.
    pub fn write(&self, to: &mut Writer<'_>) {
        self.text(|octets| to.fixed(octets));
    }

    fn text(&self, mut put: impl FnMut(&[u8])) {
        put(b"X-MMS-IM-Format: FN=");
        // A line end in a font's name would end the field.
        for octet in self.font.iter().filter(|octet| octet.is_ascii_graphic() && **octet != b';') {
            put(&[*octet]);
        }
        put(b"; EF=");
        for (is_on, letter) in [
            (self.effects.bold, b"B"),
            (self.effects.italic, b"I"),
            (self.effects.strike, b"S"),
            (self.effects.underline, b"U"),
        ] {
            if is_on {
                put(letter);
            }
        }
        put(b"; CO=");
        let [red, green, blue] = self.colour;
        let digits = crate::ntlm::hex_u32(u32::from_be_bytes([0, blue, green, red]));
        let zeros = digits.iter().take(7).take_while(|digit| **digit == b'0').count();
        put(digits.get(zeros..).unwrap_or_default());
        put(b"; PF=");
        put(decimal(self.pitch_family).as_bytes());
        put(if self.right_to_left { b"; RL=1\r\n\r\n" } else { b"; RL=0\r\n\r\n" });
    }
}

/// Writes UTF-16 as base64 without padding, three octets at a time.
struct Utf16<'a, 'b> {
    to: &'a mut Writer<'b>,
    held: [u8; 3],
    len: usize,
}

impl Utf16<'_, '_> {
    fn put(&mut self, ascii: &[u8]) {
        for octet in ascii.iter().flat_map(|octet| [*octet, 0]) {
            if let Some(place) = self.held.get_mut(self.len) {
                *place = octet;
                self.len += 1;
            }
            if self.len == self.held.len() {
                self.end();
            }
        }
    }

    fn end(&mut self) {
        let mut text = [0; 4];
        let held = self.held.get(..self.len).unwrap_or_default();
        self.to.text(Base64Unpadded::encode(held, &mut text).unwrap_or_default().as_bytes());
        self.len = 0;
    }
}

/// Whether somebody is typing: the body of an INFO in the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum KeyboardActivity {
    /// Keys are pressed.
    Type,
    /// No longer.
    Idle,
}

impl KeyboardActivity {
    /// The body of the INFO.
    #[must_use]
    pub const fn body(self) -> &'static [u8] {
        match self {
            Self::Type => {
                b"<?xml version=\"1.0\"?><KeyboardActivity> <status status=\"type\" /></KeyboardActivity>"
            }
            Self::Idle => {
                b"<?xml version=\"1.0\"?><KeyboardActivity> <status status=\"idle\" /></KeyboardActivity>"
            }
        }
    }

    /// Reads the body of an INFO.
    ///
    /// # Errors
    /// [`Fault::Xml`], [`Fault::XmlDepth`], or [`Fault::Document`] where it is something else.
    pub fn parse(octets: &[u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new(octets);
        root(&mut reader, b"KeyboardActivity")?;
        while let Some(event) = reader.next()? {
            let Event::Start { name, attributes } = event else { continue };
            if name.local != b"status" {
                continue;
            }
            match attributes.get(b"status") {
                Some(status) if status == *b"type".as_slice() => return Ok(Self::Type),
                Some(status) if status == *b"idle".as_slice() => return Ok(Self::Idle),
                _ => break,
            }
        }
        Err(ParseError::new(Fault::Document, reader.offset()))
    }
}

/// What stands before a parameter, and its value. Values are not in quotes, and may hold what no token
/// may: base64.
fn param<'d>(value: &'d [u8], name: &[u8]) -> Option<(&'d [u8], &'d [u8])> {
    let mut from = 0;
    loop {
        let rest = value.get(from..)?;
        let semicolon = from + memchr::memchr(b';', rest)?;
        let after = value.get(semicolon + 1..)?;
        let end = memchr::memchr(b';', after).unwrap_or(after.len());
        let part = after.get(..end)?.trim_ascii();
        if let Some((found, text)) = part.split_at_checked(name.len())
            && found.eq_ignore_ascii_case(name)
            && let Some(text) = text.strip_prefix(b"=")
        {
            return Some((value.get(..semicolon)?, text));
        }
        from = semicolon + 1;
    }
}

/// Reads base64 with or without padding.
fn decode<'b>(text: &[u8], buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let end = text.iter().rposition(|octet| *octet != b'=').map_or(0, |last| last + 1);
    Base64Unpadded::decode(text.get(..end)?, buffer).ok()
}

#[cfg(test)]
mod tests {
    use std::string::String;

    use super::*;

    /// The parameter as Windows Messenger sends it.
    const MSGR: &str = "WAAtAE0ATQBTAC0ASQBNAC0ARgBvAHIAbQBhAHQAOgAgAEYATgA9AE0AUwAlADIAMABTAGEAbgBzACUAMgAwAFMA\
        ZQByAGkAZgA7ACAARQBGAD0AOwAgAEMATwA9ADAAOwAgAFAARgA9ADAAOwAgAFIATAA9ADAADQAKAA0ACgA";

    fn text(write: impl FnOnce(&mut Writer<'_>)) -> String {
        let mut buffer = [0; 1024];
        let mut to = Writer::new(&mut buffer);
        write(&mut to);
        String::from_utf8(to.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn the_format_of_a_message_is_read_and_written() {
        let content_type = std::format!("text/plain; charset=UTF-8;msgr={MSGR}");
        let mut buffer = [0; 256];
        let format = Format::of(content_type.as_bytes(), &mut buffer).unwrap();
        assert_eq!(format.font, b"MS%20Sans%20Serif");
        assert_eq!((format.colour, format.effects), ([0; 3], Effects::default()));
        assert_eq!(text(|to| format.write_msgr(to)), MSGR);
        let line = "X-MMS-IM-Format: FN=MS%20Sans%20Serif; EF=; CO=0; PF=0; RL=0\r\n\r\n";
        assert_eq!(text(|to| format.write(to)), line);
        assert_eq!(Format::of(b"text/plain; charset=UTF-8", &mut [0; 256]), None);
        assert_eq!(Format::of(content_type.as_bytes(), &mut [0; 64]), None);
    }

    #[test]
    fn colours_and_effects_come_back() {
        let format = Format {
            font: b"Tahoma",
            effects: Effects { bold: true, italic: false, strike: true, underline: true },
            colour: [0xff, 0x80, 0x01],
            pitch_family: 22,
            right_to_left: true,
        };
        let line = text(|to| format.write(to));
        assert!(line.contains("EF=BSU; CO=180ff; PF=22; RL=1"), "{line}");
        assert_eq!(Format::parse(line.as_bytes()), Some(format));
        let msgr = text(|to| format.write_msgr(to));
        let content_type = std::format!("text/plain;msgr={msgr}");
        assert_eq!(Format::of(content_type.as_bytes(), &mut [0; 256]), Some(format));
    }

    #[test]
    fn the_first_message_stands_in_the_invite() {
        let content_type = std::format!("text/plain; charset=UTF-8;msgr={MSGR}");
        for body in ["", "h", "hi", "hi!", "Grüße, ñ €"] {
            let row = text(|to| TextFormat::write(content_type.as_bytes(), body.as_bytes(), to));
            let read = TextFormat::parse(row.as_bytes()).unwrap();
            assert_eq!(read.content_type, content_type.as_bytes());
            assert_eq!(read.body(&mut [0; 64]), Some(body.as_bytes()));
            assert!(read.format(&mut [0; 256]).is_some());
        }
        let read = TextFormat::parse(b"text/plain; charset=UTF-8").unwrap();
        assert_eq!(read.body(&mut [0; 64]), None);
        assert_eq!(TextFormat::parse(b";ms-body=aGk="), None);
        let read = TextFormat::parse(b"text/plain;ms-body=####").unwrap();
        assert_eq!(read.body(&mut [0; 64]), None);
    }

    #[test]
    fn typing_is_read_and_written() {
        for activity in [KeyboardActivity::Type, KeyboardActivity::Idle] {
            assert_eq!(KeyboardActivity::parse(activity.body()), Ok(activity));
        }
        assert!(
            KeyboardActivity::parse(b"<KeyboardActivity><status status=\"x\"/></KeyboardActivity>")
                .is_err()
        );
        assert!(KeyboardActivity::parse(b"<KeyboardActivity/>").is_err());
        assert!(KeyboardActivity::parse(b"<a/>").is_err());
    }

    #[test]
    fn offers_and_answers_are_those_of_real_clients() {
        let mut buffer = [0; 512];
        let len = write_session([10, 0, 0, 1].into(), 5060, None, &mut buffer).unwrap();
        let offer = String::from_utf8(buffer[..len].to_vec()).unwrap();
        assert!(offer.starts_with(
            "v=0\r\no=- 0 0 IN IP4 10.0.0.1\r\ns=session\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n\
             m=x-ms-message 5060 sip null\r\na=accept-types:text/plain"
        ));
        assert!(im_of(&Session::parse(offer.as_bytes()).unwrap()).is_some());
        let user = Some(&b"sip:bob@example.test"[..]);
        let len = write_session([10, 0, 0, 1].into(), 5060, user, &mut buffer).unwrap();
        let answer = Session::parse(&buffer[..len]).unwrap();
        assert_eq!(im_of(&answer).unwrap().formats_as_bytes(), b"sip:bob@example.test");
        let old = offer.replace("x-ms-message 5060 sip null", "message 5060 sip sip:bob@x");
        assert!(im_of(&Session::parse(old.as_bytes()).unwrap()).is_some());
        let audio = offer.replace("x-ms-message 5060 sip null", "audio 5060 RTP/AVP 0");
        assert!(im_of(&Session::parse(audio.as_bytes()).unwrap()).is_none());
    }
}
