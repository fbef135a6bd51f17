//! SIP messages as they stand on the wire (RFC 3261 section 7).
//!
//! ```text
//! INVITE sip:bob@example.com SIP/2.0     start line    StartLine
//! Via: SIP/2.0/UDP 192.0.2.1;branch=…    headers       Row, or typed: Via, From, CSeq, …
//! From: <sip:alice@example.com>;tag=1
//! Content-Length: 5
//!                                        empty line
//! hello                                  body
//! ```
//!
//! [`Message::parse`] reads one datagram, [`Message::parse_stream`] one message from a stream. Both
//! check the start line and the framing and index the header rows; the values are read when they are
//! asked for, with [`Message::typed`] and [`Message::all`]. So a message with a malformed value is
//! still a message: it can be answered, and the error says where the fault is.
//!
//! [`Writer`] writes messages into the host's buffer, [`Editor`] changes received ones.

mod edit;
mod method;
mod multipart;
mod name;
mod parse;
mod status;
mod stream;
#[cfg(test)]
mod tests;
mod writer;

pub use edit::Editor;
pub use method::Method;
pub use multipart::{Multipart, Part, Parts};
pub use name::Name;
pub use status::StatusCode;
pub use stream::{Framer, Limits};
pub use writer::Writer;

use crate::error::{Fault, ParseError};
use crate::header::cursor::Cursor;
use crate::header::scan;
use crate::header::{ContentType, Header};
use crate::uri::Uri;

/// How many rows the index has room for: more than nearly all messages have. Those behind them are
/// read again when they are asked for, so that a view stays small enough to be handed around.
const INDEXED: usize = 24;

/// The start line of a message (RFC 3261 sections 7.1 and 7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum StartLine<'d> {
    /// A request line.
    Request {
        /// The method.
        method: Method<'d>,
        /// The Request-URI as it stands; [`Message::request_uri`] reads it.
        uri: &'d [u8],
    },
    /// A status line.
    Response {
        /// The status code.
        code: StatusCode,
        /// The reason phrase as it stands; may be empty.
        reason: &'d [u8],
    },
}

/// One header row of a message.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Row<'d> {
    /// The name; a compact form is the same name.
    pub name: Name<'d>,
    /// The value without the white space around it, with the folds within it.
    pub value: &'d [u8],
    /// Where the value begins in the message, in octets.
    pub at: usize,
}

/// Where a value stands. Offsets count from the start of the message.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Place {
    value: u16,
    end: u16,
}

/// A SIP message: a view over the octets that it was read from (RFC 3261 section 7).
///
/// ```
/// use sip_core::header::{CSeq, From, Via};
/// use sip_core::message::{Message, Method};
///
/// let datagram = b"OPTIONS sip:bob@example.com SIP/2.0\r\n\
///     Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK77\r\n\
///     f: <sip:alice@example.com>;tag=88\r\n\
///     To: <sip:bob@example.com>\r\n\
///     Call-ID: 99@192.0.2.1\r\n\
///     CSeq: 7 OPTIONS\r\n\
///     Content-Length: 0\r\n\r\n";
/// let message = Message::parse(datagram)?;
/// assert_eq!(message.method(), Some(Method::Options));
/// let via = message.typed::<Via>().unwrap()?;
/// assert_eq!(via.branch(), Some(&b"z9hG4bK77"[..]));
/// let from = message.typed::<From>().unwrap()?;
/// assert_eq!(from.tag(), Some(&b"88"[..]));
/// let cseq = message.typed::<CSeq>().unwrap()?;
/// assert_eq!(cseq.number, 7);
/// # Ok::<(), sip_core::error::ParseError>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Message<'d> {
    /// From the start line to the end of the body.
    octets: &'d [u8],
    start: StartLine<'d>,
    /// Whether the version is SIP/2.0.
    version: bool,
    /// How many rows there are, those that are not indexed among them.
    rows: u8,
    /// Where the body begins.
    body: u32,
    /// The numbers of the indexed rows' names, and the rows' values.
    ids: [u8; INDEXED],
    places: [Place; INDEXED],
}

impl<'d> Message<'d> {
    /// How many header rows a message may have; one with more is refused with
    /// [`Fault::TooManyHeaders`].
    pub const MAX_HEADERS: usize = 96;

    /// How long start line and headers may be, in octets; longer ones are refused with
    /// [`Fault::HeadTooLong`].
    pub const MAX_HEAD_OCTETS: usize = u16::MAX as usize;

    /// Reads the message that one datagram holds (RFC 3261 section 18.3).
    ///
    /// The body ends where Content-Length says, and what follows is ignored; without a
    /// Content-Length it is the rest of the datagram. Line ends before the start line are skipped.
    ///
    /// # Errors
    /// The start line or the framing is broken. [`Message::salvage`] then tells whether there is
    /// somebody to answer.
    pub fn parse(datagram: &'d [u8]) -> Result<Self, ParseError> {
        parse::datagram(datagram)
    }

    /// Reads the message that a stream begins with, and says how many octets it takes.
    ///
    /// `None` means that more octets are needed. Line ends before the start line are skipped and
    /// counted with the message (RFC 3261 section 7.5). Each call reads from the start: where the
    /// octets come in small pieces, [`Framer`] keeps that linear.
    ///
    /// # Errors
    /// The start line or the framing is broken, Content-Length is missing, or the message is longer
    /// than `limits`. What follows on the stream cannot be told apart any more: close it.
    pub fn parse_stream(
        octets: &'d [u8],
        limits: &Limits,
    ) -> Result<Option<(usize, Self)>, ParseError> {
        parse::stream(octets, limits)
    }

    /// Reads as much of a broken request as it takes to refuse it with `400 Bad Request`.
    ///
    /// The request line may be malformed, rows that are no headers are skipped, and the body is
    /// left out. `None` where the octets do not even begin with a method, where they are a
    /// response, or where there is no Via to answer to.
    pub fn salvage(octets: &'d [u8]) -> Option<Self> {
        parse::salvage(octets)
    }

    /// The start line.
    #[inline]
    pub const fn start(&self) -> StartLine<'d> {
        self.start
    }

    /// The method, where this is a request.
    #[inline]
    pub const fn method(&self) -> Option<Method<'d>> {
        match self.start {
            StartLine::Request { method, .. } => Some(method),
            StartLine::Response { .. } => None,
        }
    }

    /// The Request-URI as it stands, where this is a request.
    #[inline]
    pub const fn uri(&self) -> Option<&'d [u8]> {
        match self.start {
            StartLine::Request { uri, .. } => Some(uri),
            StartLine::Response { .. } => None,
        }
    }

    /// The Request-URI, where this is a request.
    pub fn request_uri(&self) -> Option<Result<Uri<'d>, ParseError>> {
        match self.start {
            StartLine::Request { method, uri } => {
                Some(Uri::parse_at(uri, method.as_bytes().len() + 1))
            }
            StartLine::Response { .. } => None,
        }
    }

    /// The status code, where this is a response.
    #[inline]
    pub const fn code(&self) -> Option<StatusCode> {
        match self.start {
            StartLine::Response { code, .. } => Some(code),
            StartLine::Request { .. } => None,
        }
    }

    /// Whether the version is `SIP/2.0`; a request of another one is answered with 505
    /// (RFC 3261 section 21.5.6).
    #[inline]
    pub const fn is_version_2(&self) -> bool {
        self.version
    }

    /// Each header row in turn.
    pub fn headers(&self) -> impl Iterator<Item = Row<'d>> + '_ {
        Rows { message: self, next: 0, scanned: 0 }.map(|(id, place)| self.row_at(id, place))
    }

    /// The first row of this name.
    pub fn row(&self, name: Name<'_>) -> Option<Row<'d>> {
        match name.id() {
            0 => self.headers().find(|row| row.name == name),
            id => self.of(id).next().map(|place| self.row_at(id, place)),
        }
    }

    /// Each row of this name in turn.
    pub fn rows(&self, name: Name<'d>) -> impl Iterator<Item = Row<'d>> + '_ {
        let id = name.id();
        self.of(id)
            .map(move |place| self.row_at(id, place))
            .filter(move |row| id != 0 || row.name == name)
    }

    /// The first value of this header.
    ///
    /// `None` where it is absent, `Some(Err(_))` where it is malformed, or where it stands more
    /// than once and may not ([`Fault::Repeated`]: which of them holds is not for a parser to
    /// choose). A list header without values, as in an empty `Supported:`, is absent.
    #[inline]
    pub fn typed<T: Header<'d>>(&self) -> Option<Result<T, ParseError>> {
        let (at, value, second) = self.first_two(T::NAME)?;
        if let Some(at) = second.filter(|_| !T::REPEATS) {
            return Some(Err(ParseError::new(Fault::Repeated, at)));
        }
        if T::LIST && T::MAY_BE_EMPTY && value.is_empty() {
            return self.all().next();
        }
        let mut cursor = Cursor::with_base(value, at);
        // The value stays where it was put: it may be long enough for a copy to tell.
        let mut taken = Some(T::take(&mut cursor));
        if let Some(Ok(_)) = &taken
            && let Err(error) = if T::LIST { cursor.end_of_value() } else { cursor.end() }
        {
            taken = Some(Err(error));
        }
        taken
    }

    /// Every value of this header, of all its rows and between the commas of each.
    ///
    /// After a malformed value the rest of its row is skipped.
    pub fn all<T: Header<'d>>(
        &self,
    ) -> impl Iterator<Item = Result<T, ParseError>> + use<'_, 'd, T> {
        self.rows(T::NAME).flat_map(|row| row.values())
    }

    /// The parts of the body, where its type is `multipart`.
    ///
    /// # Errors
    /// As [`Multipart::new`].
    pub fn multipart(&self) -> Option<Result<Multipart<'d>, ParseError>> {
        let content_type = self.typed::<ContentType<'d>>()?.ok()?;
        content_type
            .kind
            .eq_ignore_ascii_case(b"multipart")
            .then(|| Multipart::new(&content_type, self.body()))
    }

    /// The body.
    #[inline]
    pub fn body(&self) -> &'d [u8] {
        self.octets.get(self.body as usize..).unwrap_or_default()
    }

    /// The whole message, without what stood before or behind it.
    #[inline]
    pub const fn as_bytes(&self) -> &'d [u8] {
        self.octets
    }

    /// Start line and headers with the empty line.
    #[inline]
    pub fn head(&self) -> &'d [u8] {
        self.octets.get(..self.body as usize).unwrap_or_default()
    }

    /// The first value of this name, with its offset, and the offset of the second.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn first_two(&self, name: Name<'d>) -> Option<(usize, &'d [u8], Option<usize>)> {
        let id = name.id();
        if id == 0 || usize::from(self.rows) > INDEXED {
            return self.first_two_of_many(name);
        }
        let (first, second) = scan::first_two(&self.ids, id);
        let first = self.places.get(first?)?;
        let at = usize::from(first.value);
        let value = self.octets.get(at..usize::from(first.end)).unwrap_or_default();
        let second = second.and_then(|second| self.places.get(second));
        Some((at, value, second.map(|second| usize::from(second.value))))
    }

    /// The same where the name is none that has a number, or where not all rows are indexed.
    #[cold]
    fn first_two_of_many(&self, name: Name<'d>) -> Option<(usize, &'d [u8], Option<usize>)> {
        let mut rows = self.rows(name);
        let first = rows.next()?;
        Some((first.at, first.value, rows.next().map(|second| second.at)))
    }

    /// The places of the rows whose name has this number.
    fn of(&self, id: u8) -> impl Iterator<Item = Place> + use<'_, 'd> {
        let mut rows = Rows { message: self, next: 0, scanned: 0 };
        core::iter::from_fn(move || rows.next_of(id))
    }

    /// The row whose value stands here.
    fn row_at(&self, id: u8, place: Place) -> Row<'d> {
        let (at, end) = (usize::from(place.value), usize::from(place.end));
        let token = if id == 0 { parse::token_before(self.octets, at) } else { b"" };
        Row {
            name: Name::from_id(id, token),
            value: self.octets.get(at..end).unwrap_or_default(),
            at,
        }
    }
}

/// Goes through the rows of a message: the indexed ones, and then what follows them.
struct Rows<'m, 'd> {
    message: &'m Message<'d>,
    next: u8,
    /// Where to read on behind the indexed rows; 0 before that.
    scanned: usize,
}

impl Rows<'_, '_> {
    /// Goes on to the next row of this name.
    fn next_of(&mut self, id: u8) -> Option<Place> {
        let rows = self.message.rows;
        let ids = self.message.ids.get(..usize::from(rows).min(INDEXED)).unwrap_or_default();
        if let Some(rest) = ids.get(usize::from(self.next)..)
            && let Some(found) = memchr::memchr(id, rest)
        {
            let at = usize::from(self.next) + found;
            self.next = at as u8 + 1;
            return self.message.places.get(at).copied();
        }
        if usize::from(rows) <= INDEXED {
            self.next = rows;
            return None;
        }
        self.next = self.next.max(INDEXED as u8);
        self.find(|(found, _)| *found == id).map(|(_, place)| place)
    }
}

impl Iterator for Rows<'_, '_> {
    type Item = (u8, Place);

    fn next(&mut self) -> Option<Self::Item> {
        let message = self.message;
        if self.next >= message.rows {
            return None;
        }
        let at = usize::from(self.next);
        self.next += 1;
        if let (Some(id), Some(place)) = (message.ids.get(at), message.places.get(at)) {
            return Some((*id, *place));
        }
        if self.scanned == 0 {
            let last = message.places.last().map_or(0, |place| usize::from(place.end));
            self.scanned = parse::line_after(message.octets, last);
        }
        let (row, next) = parse::row_from(message.octets, self.scanned)?;
        self.scanned = next;
        Some(row)
    }
}
