//! Finds the start line, the header rows and the body.

use super::name::Name;
use super::stream::Limits;
use super::{INDEXED, Message, Method, Place, Row, StartLine, StatusCode};
use crate::error::{Fault, ParseError};
use crate::header::cursor::{TOKEN, span, trim_end};
use crate::header::scan::{find, find_line_end};

/// Where the head of a message ends, and what says where its body does.
struct Head {
    /// The first octet behind the empty line.
    body: usize,
    content_length: Option<usize>,
}

pub(super) fn datagram(octets: &[u8]) -> Result<Message<'_>, ParseError> {
    let skipped = leading_line_ends(octets);
    let place = |error: ParseError| ParseError::new(error.what, error.at + skipped);
    let rest = octets.get(skipped..).unwrap_or_default();
    let truncated = ParseError::new(Fault::Truncated, octets.len());
    let mut message = Message::new(rest);
    let head = message.read(Rules::Datagram).map_err(place)?.ok_or(truncated)?;
    if let Some(length) = head.content_length {
        message.octets = rest.get(..head.body.saturating_add(length)).ok_or(truncated)?;
    }
    Ok(message)
}

pub(super) fn stream<'d>(
    octets: &'d [u8],
    limits: &Limits,
) -> Result<Option<(usize, Message<'d>)>, ParseError> {
    let skipped = leading_line_ends(octets);
    let place = |error: ParseError| ParseError::new(error.what, error.at + skipped);
    let rest = octets.get(skipped..).unwrap_or_default();
    // Octets behind the limit are not looked at, so that a long body costs nothing here.
    let limit = limits.head_octets.min(Message::MAX_HEAD_OCTETS);
    let mut message = Message::new(rest);
    let head = match message.read(Rules::Stream { limit }).map_err(place)? {
        Some(head) => head,
        None if rest.len() > limit => {
            return Err(ParseError::new(Fault::HeadTooLong, skipped + limit));
        }
        None => return Ok(None),
    };
    let length = head
        .content_length
        .ok_or(ParseError::new(Fault::ContentLengthMissing, skipped + head.body))?;
    if length > limits.body_octets {
        return Err(ParseError::new(Fault::BodyTooLong, skipped + head.body));
    }
    let end = head.body.saturating_add(length);
    match rest.get(..end) {
        None => Ok(None),
        Some(whole) => {
            message.octets = whole;
            Ok(Some((skipped + end, message)))
        }
    }
}

pub(super) fn salvage(octets: &[u8]) -> Option<Message<'_>> {
    let octets = octets.get(leading_line_ends(octets)..).unwrap_or_default();
    let octets = octets.get(..octets.len().min(Message::MAX_HEAD_OCTETS)).unwrap_or_default();
    let mut message = Message::new(octets);
    let method = octets.get(..span(octets, TOKEN)).filter(|method| !method.is_empty())?;
    if octets.get(method.len()) != Some(&b' ') {
        return None;
    }
    let line = octets.get(..memchr::memchr(b'\n', octets)? + 1)?;
    let uri = trim_end(line.get(method.len() + 1..)?);
    message.start = StartLine::Request { method: Method::from_token(method), uri };
    message.version = line.ends_with(b" SIP/2.0\r\n");
    let mut at = line.len();
    while at < octets.len() {
        // Only a line with a name may look for its colon: many without one would each look at all
        // that follows.
        let named = odd_name(octets.get(at..).unwrap_or_default(), at);
        let line = named.and_then(|_| read_row(octets, at));
        match line.and_then(|line| message.add_line(line, at)) {
            Ok(RowEnd::At(next)) => at = next,
            Ok(RowEnd::EmptyLine) => {
                message.body = at as u32 + 2;
                break;
            }
            Ok(RowEnd::Missing) | Err(ParseError { what: Fault::TooManyHeaders, .. }) => {
                message.body = octets.len() as u32;
                break;
            }
            Err(_) => match find_next_line(octets, at) {
                Some(next) => at = next,
                None => break,
            },
        }
    }
    if message.body == 0 {
        message.body = octets.len() as u32;
    }
    message.octets = octets.get(..message.body as usize).unwrap_or_default();
    message.row(Name::Via)?;
    Some(message)
}

/// What differs between a datagram and a stream.
#[derive(Clone, Copy)]
enum Rules {
    Datagram,
    Stream { limit: usize },
}

/// What a line is.
enum Line {
    /// A row: the number of its name, its value, and where the next line begins.
    Row { id: u8, place: Place, next: usize },
    /// The empty line.
    Empty,
    /// The octets end before the line does.
    Missing,
}

/// What follows a row.
enum RowEnd {
    /// The next row begins here.
    At(usize),
    /// There was no row, but the empty line.
    EmptyLine,
    /// The octets end before the row does.
    Missing,
}

impl<'d> Message<'d> {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    const fn new(octets: &'d [u8]) -> Self {
        Self {
            octets,
            start: StartLine::Request { method: Method::Other(b""), uri: b"" },
            version: true,
            rows: 0,
            body: 0,
            ids: [0; INDEXED],
            places: [Place { value: 0, end: 0 }; INDEXED],
        }
    }

    /// Reads the head. `None` where the octets end before it does.
    fn read(&mut self, rules: Rules) -> Result<Option<Head>, ParseError> {
        let limit = match rules {
            Rules::Datagram => Self::MAX_HEAD_OCTETS,
            Rules::Stream { limit } => limit,
        };
        // Behind the limit nothing is looked at, so that the places of all rows fit.
        let octets = self.octets.get(..limit).unwrap_or(self.octets);
        let too_long = octets.len() < self.octets.len();
        let missing = || match (rules, too_long) {
            (Rules::Datagram, true) => Err(ParseError::new(Fault::HeadTooLong, limit)),
            _ => Ok(None),
        };
        let Some(mut at) = self.read_start_line(octets)? else { return missing() };
        let mut ended = false;
        while at < octets.len() {
            match self.add_line(read_row(octets, at)?, at)? {
                RowEnd::At(next) => at = next,
                RowEnd::EmptyLine => {
                    at += 2;
                    ended = true;
                    break;
                }
                RowEnd::Missing => return missing(),
            }
        }
        let content_length = self.content_length()?;
        // A datagram that stops short of the empty line is whole if it says that it has no body.
        let bodiless = matches!(rules, Rules::Datagram) && content_length == Some(0);
        if !(ended || bodiless) {
            return missing();
        }
        self.body = at as u32;
        Ok(Some(Head { body: at, content_length }))
    }

    /// Reads the start line and gives where the next one begins.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn read_start_line(&mut self, octets: &'d [u8]) -> Result<Option<usize>, ParseError> {
        let Some(end) = find_line_end(octets) else { return Ok(None) };
        match octets.get(end..) {
            Some([b'\r', b'\n', ..]) => {}
            Some([b'\r']) => return Ok(None),
            _ => return Err(ParseError::new(Fault::LineEnd, end)),
        }
        let line = octets.get(..end).unwrap_or_default();
        if let [b'S' | b's', b'I' | b'i', b'P' | b'p', b'/', ..] = line {
            self.read_status_line(line)?;
        } else {
            self.read_request_line(line)?;
        }
        Ok(Some(end + 2))
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn read_request_line(&mut self, line: &'d [u8]) -> Result<(), ParseError> {
        let error = |what, at| Err(ParseError::new(what, at));
        let method_end = span(line, TOKEN);
        let (method, rest) = line.split_at_checked(method_end).unwrap_or_default();
        let [b' ', rest @ ..] = rest else { return error(Fault::StartLine, method_end) };
        if method.is_empty() {
            return error(Fault::StartLine, 0);
        }
        let uri_at = method_end + 1;
        let Some((uri, version)) =
            find(rest, [b' ']).and_then(|space| rest.split_at_checked(space))
        else {
            return error(Fault::StartLine, line.len());
        };
        if uri.is_empty() {
            return error(Fault::StartLine, uri_at);
        }
        let version_at = uri_at + uri.len() + 1;
        let version = version.get(1..).unwrap_or_default();
        if version != b"SIP/2.0" {
            self.version = is_version(version, version_at)?;
        }
        match uri {
            [b's' | b'S', b'i' | b'I', b'p' | b'P', ..] => {}
            [first, ..] if !first.is_ascii_alphabetic() => return error(Fault::RequestUri, uri_at),
            _ => {}
        }
        if find(uri, [b'<', b'>', b'\t']).is_some() || find(uri, [b':']).is_none() {
            return error(Fault::RequestUri, uri_at);
        }
        self.start = StartLine::Request { method: Method::from_token(method), uri };
        Ok(())
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn read_status_line(&mut self, line: &'d [u8]) -> Result<(), ParseError> {
        let error = |what, at| Err(ParseError::new(what, at));
        let Some((version, rest)) =
            find(line, [b' ']).and_then(|space| line.split_at_checked(space))
        else {
            return error(Fault::StartLine, line.len());
        };
        if version != b"SIP/2.0" {
            self.version = is_version(version, 0)?;
        }
        let code_at = version.len() + 1;
        let (digits, reason) = match rest {
            [b' ', a, b, c, b' ', reason @ ..] => ([*a, *b, *c], reason),
            // The space before an empty phrase is often forgotten.
            [b' ', a, b, c] => ([*a, *b, *c], &[][..]),
            _ => return error(Fault::StatusCode, code_at),
        };
        if !digits.iter().all(u8::is_ascii_digit) {
            return error(Fault::StatusCode, code_at);
        }
        let [a, b, c] = digits.map(|digit| u16::from(digit - b'0'));
        match StatusCode::new(a * 100 + b * 10 + c) {
            Some(code) => self.start = StartLine::Response { code, reason },
            None => return error(Fault::StatusCode, code_at),
        }
        Ok(())
    }

    /// Adds what was read at `at` to the index.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn add_line(&mut self, line: Line, at: usize) -> Result<RowEnd, ParseError> {
        match line {
            Line::Row { id, place, next } => {
                let row = usize::from(self.rows);
                if row >= Self::MAX_HEADERS {
                    return Err(ParseError::new(Fault::TooManyHeaders, at));
                }
                if let (Some(its_id), Some(its_place)) =
                    (self.ids.get_mut(row), self.places.get_mut(row))
                {
                    (*its_id, *its_place) = (id, place);
                }
                self.rows += 1;
                Ok(RowEnd::At(next))
            }
            Line::Empty => Ok(RowEnd::EmptyLine),
            Line::Missing => Ok(RowEnd::Missing),
        }
    }

    /// What Content-Length says, if it is there.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn content_length(&self) -> Result<Option<usize>, ParseError> {
        let Some((at, value, second)) = self.first_two(Name::ContentLength) else {
            return Ok(None);
        };
        if let Some(at) = second {
            return Err(ParseError::new(Fault::Repeated, at));
        }
        let mut length = 0_usize;
        for octet in value {
            length = match octet {
                b'0'..=b'9' => length.saturating_mul(10).saturating_add((octet - b'0').into()),
                _ => return Err(ParseError::new(Fault::ContentLength, at)),
            };
        }
        if value.is_empty() {
            return Err(ParseError::new(Fault::ContentLength, at));
        }
        Ok(Some(length))
    }
}

/// Reads the line that begins at `at`. All of `octets` lies within [`Message::MAX_HEAD_OCTETS`].
#[cfg_attr(target_pointer_width = "64", inline(always))]
fn read_row(octets: &[u8], at: usize) -> Result<Line, ParseError> {
    let rest = octets.get(at..).unwrap_or_default();
    if let [b'\r', b'\n', ..] = rest {
        return Ok(Line::Empty);
    }
    // Where the line ends is looked for from its start, not behind the colon: so the two searches do
    // not wait for each other. No line end stands in a name.
    let line = line_length(rest);
    // A known name needs no look at its octets: it is a token.
    let colon = find(rest, [b':']);
    let (token, value) = rest.split_at_checked(colon.unwrap_or(rest.len())).unwrap_or_default();
    let mut id = Name::id_of(token);
    let mut value = match (id, value) {
        (1.., [_, value @ ..]) => value,
        _ => match odd_name(rest, at)? {
            Ok((token, value)) => {
                id = Name::id_of(token);
                value
            }
            Err(line) => return Ok(line),
        },
    };
    while let [b' ' | b'\t', tail @ ..] = value {
        value = tail;
    }
    let mut value_at = rest.len() - value.len();
    let length = match line {
        Ok(Some(length)) => length,
        Ok(None) => return Ok(Line::Missing),
        Err(place) => return Err(ParseError::new(Fault::LineEnd, at + place)),
    };
    let mut value = rest.get(value_at..length).unwrap_or_default();
    // A value may begin on the next line.
    if let [b'\r', ..] = value {
        while let [b' ' | b'\t' | b'\r' | b'\n', tail @ ..] = value {
            value = tail;
            value_at += 1;
        }
    }
    let value_at = at + value_at;
    let end = value_at + trim_end(value).len();
    let place = Place { value: value_at as u16, end: end as u16 };
    Ok(Line::Row { id, place, next: at + length + 2 })
}

/// How long the line is that `rest` begins with, or what is left of it, folds included; `None` where
/// its end is missing, the offset of a line end that is none as an error.
#[cfg_attr(target_pointer_width = "64", inline(always))]
fn line_length(rest: &[u8]) -> Result<Option<usize>, usize> {
    let mut length = 0;
    loop {
        let tail = rest.get(length..).unwrap_or_default();
        let Some(found) = find_line_end(tail) else { return Ok(None) };
        length += found;
        match rest.get(length..) {
            Some([b'\r', b'\n', b' ' | b'\t', ..]) => length += 3,
            Some([b'\r', b'\n', ..]) => return Ok(Some(length)),
            Some([b'\r']) => return Ok(None),
            _ => return Err(length),
        }
    }
}

/// A name, and what follows its colon; or that there is no row.
type Named<'d> = Result<(&'d [u8], &'d [u8]), Line>;

/// Reads a name that is not known as it stands, with the white space and the colon behind it.
#[inline(never)]
fn odd_name(rest: &[u8], at: usize) -> Result<Named<'_>, ParseError> {
    let (token, mut value) = rest.split_at_checked(span(rest, TOKEN)).unwrap_or_default();
    if token.is_empty() {
        return match value {
            [b'\r', b'\n', ..] => Ok(Err(Line::Empty)),
            [b'\r'] => Ok(Err(Line::Missing)),
            [b'\r' | b'\n', ..] => Err(ParseError::new(Fault::LineEnd, at)),
            _ => Err(ParseError::new(Fault::HeaderName, at)),
        };
    }
    while let [b' ' | b'\t', tail @ ..] = value {
        value = tail;
    }
    match value {
        [b':', value @ ..] => Ok(Ok((token, value))),
        [] => Ok(Err(Line::Missing)),
        _ => Err(ParseError::new(Fault::HeaderName, at + rest.len() - value.len())),
    }
}

/// The first row at or behind `at`, and where the next line begins. A line that is no row was
/// passed over when the message was read, and is again.
pub(super) fn row_from(octets: &[u8], at: usize) -> Option<((u8, Place), usize)> {
    let octets = octets.get(..Message::MAX_HEAD_OCTETS).unwrap_or(octets);
    let mut at = at;
    while at < octets.len() {
        match read_row(octets, at) {
            Ok(Line::Row { id, place, next }) => return Some(((id, place), next)),
            Ok(Line::Empty | Line::Missing) => return None,
            Err(_) => at = find_next_line(octets, at)?,
        }
    }
    None
}

/// The first row at or behind `at` of some that stand alone, and where the next line begins.
pub(super) fn row_of(octets: &[u8], at: usize) -> Option<(Row<'_>, usize)> {
    let ((id, place), next) = row_from(octets, at)?;
    let value_at = usize::from(place.value);
    let token = if id == 0 { token_before(octets, value_at) } else { b"" };
    let value = octets.get(value_at..usize::from(place.end)).unwrap_or_default();
    Some((Row { name: Name::from_id(id, token), value, at: value_at }, next))
}

/// Where the line begins that follows the value that ends at `end`.
pub(super) fn line_after(octets: &[u8], end: usize) -> usize {
    let rest = octets.get(end..).unwrap_or_default();
    match line_length(rest) {
        Ok(Some(length)) => end + length + 2,
        _ => octets.len(),
    }
}

/// The name of the row whose value begins at `value`.
pub(super) fn token_before(octets: &[u8], value: usize) -> &[u8] {
    let head = octets.get(..value).unwrap_or_default().trim_ascii_end();
    let name = head.strip_suffix(b":").unwrap_or(head).trim_ascii_end();
    let line = memchr::memrchr(b'\n', name).map_or(0, |found| found + 1);
    name.get(line..).unwrap_or_default()
}

/// Where the row begins whose value begins at `value`.
pub(super) fn line_before(octets: &[u8], value: usize) -> usize {
    let head = octets.get(..value).unwrap_or_default().trim_ascii_end();
    memchr::memrchr(b'\n', head).map_or(0, |found| found + 1)
}

/// Where the line begins that follows the next line feed.
fn find_next_line(octets: &[u8], at: usize) -> Option<usize> {
    memchr::memchr(b'\n', octets.get(at..)?).map(|found| at + found + 1)
}

/// Whether a version that is not `SIP/2.0` to the letter is 2.0 all the same; an error where it is
/// no version at all.
#[cold]
fn is_version(version: &[u8], at: usize) -> Result<bool, ParseError> {
    let error = ParseError::new(Fault::StartLine, at);
    let (name, number) = version.split_at_checked(4).ok_or(error)?;
    let dot = memchr::memchr(b'.', number).ok_or(error)?;
    let (major, minor) = number.split_at_checked(dot).ok_or(error)?;
    let minor = minor.get(1..).unwrap_or_default();
    let digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    if !name.eq_ignore_ascii_case(b"SIP/") || !digits(major) || !digits(minor) {
        return Err(error);
    }
    Ok((major, minor) == (b"2", b"0"))
}

/// How many octets of line ends stand before the start line.
fn leading_line_ends(octets: &[u8]) -> usize {
    let mut rest = octets;
    while let [b'\r' | b'\n', tail @ ..] = rest {
        rest = tail;
    }
    octets.len() - rest.len()
}
