//! The text lines of a Messenger connection: a word, then words, then CR LF.

use memchr::memchr;

use super::{ByeCode, Dialect, Error, LINE_LIMIT, TRANSMIT_LEN};
use crate::error::BufferTooSmall;
use crate::writer::{Writer, parse_decimal};

/// Takes a line off the front: how many octets it took, and the line without its end. `None` until
/// its end is there.
pub(super) fn take(octets: &[u8]) -> Result<Option<(usize, &[u8])>, Error> {
    let window = octets.get(..LINE_LIMIT).unwrap_or(octets);
    let Some(end) = memchr(b'\n', window) else {
        return if octets.len() >= LINE_LIMIT { Err(Error::LineTooLong) } else { Ok(None) };
    };
    let line = window.get(..end).unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    Ok(Some((end.saturating_add(1), line)))
}

/// The words of a line.
pub(super) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|octet| *octet == b' ').filter(|word| !word.is_empty())
}

/// The code of a `BYE` line, or what a `CCL` line means.
pub(super) fn farewell(line: &[u8]) -> Option<ByeCode> {
    let mut words = words(line);
    match words.next()? {
        b"CCL" => Some(ByeCode::ReceiverCancelled),
        b"BYE" => {
            let number = words.next().and_then(parse_decimal);
            let number = number.and_then(|number| u32::try_from(number).ok());
            // A BYE without a number says as much as an unknown one.
            Some(number.map_or(ByeCode::Other(0), ByeCode::from_number))
        }
        _ => None,
    }
}

/// Whether a VER line offers this protocol, among others perhaps.
pub(super) fn offers(line: &[u8], dialect: Dialect) -> bool {
    let mut words = words(line);
    words.next() == Some(b"VER") && words.any(|word| word == dialect.name().as_bytes())
}

/// A line that waits to be sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Line {
    Version(Dialect),
    User,
    File(u64),
    Transfer,
    Bye(ByeCode),
    Cancel,
    /// A chunk of type 1.
    End,
    Mac([u8; super::key::MAC_TEXT]),
}

impl Line {
    pub(super) fn write(
        &self,
        name: &str,
        auth_cookie: u32,
        buffer: &mut [u8],
    ) -> Result<usize, BufferTooSmall> {
        let mut writer = Writer::new(buffer);
        let w = &mut writer;
        match self {
            Self::Version(dialect) => w.octets(b"VER ").octets(dialect.name().as_bytes()),
            Self::User => {
                w.octets(b"USR ").octets(name.as_bytes()).octets(b" ").number(auth_cookie.into())
            }
            Self::File(size) => w.octets(b"FIL ").number(*size),
            Self::Transfer => w.octets(b"TFR"),
            Self::Bye(code) => w.octets(b"BYE ").number(code.number().into()),
            Self::Cancel => w.octets(b"CCL"),
            Self::End => return w.octets(&[1, 0, 0]).finish(),
            // Known receivers compare the text up to the NUL, and fail without one.
            Self::Mac(text) => w.octets(b"MAC ").octets(text).octets(b"\0"),
        };
        w.octets(b"\r\n").finish().map_err(|_| BufferTooSmall { needed: TRANSMIT_LEN })
    }
}

/// The lines that wait to be sent: never more than a cancellation behind two others.
pub(super) type Queue = heapless::Deque<Line, 3>;
