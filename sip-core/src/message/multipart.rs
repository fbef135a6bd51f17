//! Bodies of several parts (RFC 2046 section 5.1, in SIP RFC 5621).
//!
//! ```text
//! preamble, ignored
//! --boundary                          ┐
//! Content-Type: application/sdp       │ head
//!                                     │          Part
//! v=0 …                               ┘ body
//! --boundary
//! …
//! --boundary--
//! epilogue, ignored
//! ```
//!
//! [`Multipart`] is a view over the parts, [`Parts`] writes them. A part may be a multipart body
//! itself: [`Part::multipart`] opens it, so how deep to go is the caller's decision.

use super::{Name, Row, Writer, parse};
use crate::error::{Fault, ParseError, WriteError};
use crate::header::cursor::find_sequence;
use crate::header::{ContentDisposition, ContentId, ContentType, Header};

/// A body of several parts.
///
/// ```
/// use sip_core::header::ContentType;
/// use sip_core::message::Message;
///
/// let message = Message::parse(b"MESSAGE sip:bob@example.com SIP/2.0\r\n\
///     Content-Type: multipart/mixed; boundary=\"b 1\"\r\n\r\n\
///     --b 1\r\n\r\nHello\r\n\
///     --b 1\r\nContent-Type: text/html\r\n\r\n<b>Hello</b>\r\n--b 1--\r\n")?;
/// let parts = message.multipart().unwrap()?;
/// let html = parts.part_of(b"text", b"html").unwrap();
/// assert_eq!(html.body(), b"<b>Hello</b>");
/// # Ok::<(), sip_core::error::ParseError>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Multipart<'d> {
    content_type: ContentType<'d>,
    boundary: &'d [u8],
    body: &'d [u8],
}

impl<'d> Multipart<'d> {
    /// How long a boundary may be, in octets (RFC 2046 section 5.1.1).
    pub const MAX_BOUNDARY: usize = 70;
    /// How many parts are read; more are refused with [`Fault::Multipart`].
    pub const MAX_PARTS: usize = 64;

    /// A view over a body of this type.
    ///
    /// # Errors
    /// [`Fault::Document`] where the type is not `multipart`, [`Fault::Multipart`] where it has no
    /// boundary, or one that cannot be.
    pub fn new(content_type: &ContentType<'d>, body: &'d [u8]) -> Result<Self, ParseError> {
        if !content_type.kind.eq_ignore_ascii_case(b"multipart") {
            return Err(ParseError::new(Fault::Document, 0));
        }
        let boundary = content_type.params.get(b"boundary").flatten();
        let boundary = boundary.and_then(|text| text.as_slice());
        let boundary = boundary.filter(|boundary| is_boundary(boundary));
        let boundary = boundary.ok_or(ParseError::new(Fault::Multipart, 0))?;
        Ok(Self { content_type: *content_type, boundary, body })
    }

    /// Each part in turn. After an error there are no more.
    ///
    /// An error is [`Fault::Multipart`] with the offset in the body: a part does not end, its head is
    /// longer than [`Message::MAX_HEAD_OCTETS`](super::Message::MAX_HEAD_OCTETS), or there are no parts
    /// at all or too many.
    pub fn parts(&self) -> impl Iterator<Item = Result<Part<'d>, ParseError>> + use<'d> {
        let Self { boundary, body, .. } = *self;
        let mut at = Some(Place::Preamble);
        let mut count = 0;
        core::iter::from_fn(move || {
            let start = match at.take()? {
                Place::Preamble => match delimiter(body, boundary, 0) {
                    Some(Delimiter { next, closes: false, .. }) => next,
                    _ => return Some(Err(ParseError::new(Fault::Multipart, 0))),
                },
                Place::Part(start) => start,
            };
            count += 1;
            let end = delimiter(body, boundary, start).filter(|_| count <= Self::MAX_PARTS);
            let Some(end) = end else {
                return Some(Err(ParseError::new(Fault::Multipart, start)));
            };
            at = (!end.closes).then_some(Place::Part(end.next));
            let octets = body.get(start..end.at).unwrap_or_default();
            let part = Part::parse(octets, start);
            if part.is_err() {
                at = None;
            }
            Some(part)
        })
    }

    /// The first part of this type that is well-formed.
    pub fn part_of(&self, kind: &[u8], subtype: &[u8]) -> Option<Part<'d>> {
        let mut parts = self.parts().filter_map(Result::ok);
        parts.find(|part| part.content_type().is_ok_and(|found| found.is(kind, subtype)))
    }

    /// The part that the others belong to: of `multipart/related` the one that the parameter `start`
    /// names, else the first (RFC 2387 section 3.2).
    pub fn root(&self) -> Option<Part<'d>> {
        let start = self.content_type.params.value(b"start");
        match start.and_then(|start| ContentId::parse(start).ok()) {
            Some(start) => self.part_with_id(start.0),
            None => self.parts().next().and_then(Result::ok),
        }
    }

    /// The part of this Content-ID, which stands without angle brackets, as in a `cid` URI
    /// (RFC 2392).
    pub fn part_with_id(&self, id: &[u8]) -> Option<Part<'d>> {
        let mut parts = self.parts().filter_map(Result::ok);
        parts.find(|part| part.content_id() == Some(id))
    }

    /// The type of the whole body.
    pub const fn content_type(&self) -> ContentType<'d> {
        self.content_type
    }

    /// The boundary.
    pub const fn boundary(&self) -> &'d [u8] {
        self.boundary
    }
}

/// Where the parts are read on.
enum Place {
    Preamble,
    Part(usize),
}

/// One part of a body.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Part<'d> {
    /// From the first row to the end of the body.
    octets: &'d [u8],
    /// Where the body begins.
    body: usize,
    /// Where the part begins in the whole.
    at: usize,
}

impl<'d> Part<'d> {
    fn parse(octets: &'d [u8], at: usize) -> Result<Self, ParseError> {
        // Without rows the empty line stands first.
        let body = match octets {
            [b'\r', b'\n', ..] => Some(2),
            _ => find_sequence(octets, b"\r\n\r\n").map(|end| end + 4),
        };
        // A part of rows alone may lack its empty line (RFC 2046 section 5.1: the line end before the
        // boundary belongs to that).
        let body = match body {
            None if octets.ends_with(b"\r\n") || octets.is_empty() => octets.len(),
            None => return Err(ParseError::new(Fault::Multipart, at)),
            Some(body) => body,
        };
        if body > super::Message::MAX_HEAD_OCTETS {
            return Err(ParseError::new(Fault::Multipart, at));
        }
        Ok(Self { octets, body, at })
    }

    /// Each row of the part's head in turn. Lines that are no rows are passed over.
    pub fn headers(&self) -> impl Iterator<Item = Row<'d>> + use<'d> {
        let head = self.octets.get(..self.body).unwrap_or_default();
        let (start, mut next) = (self.at, 0);
        core::iter::from_fn(move || {
            let (row, after) = parse::row_of(head, next)?;
            next = after;
            Some(Row { at: row.at + start, ..row })
        })
    }

    /// The first row of this name.
    pub fn row(&self, name: Name<'_>) -> Option<Row<'d>> {
        self.headers().find(|row| row.name == name)
    }

    /// The first value of this header. The offset of an error counts from the start of the whole body.
    pub fn typed<T: Header<'d>>(&self) -> Option<Result<T, ParseError>> {
        self.row(T::NAME)?.values().next()
    }

    /// The type; `text/plain` where nothing is said (RFC 2046 section 5.1).
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn content_type(&self) -> Result<ContentType<'d>, ParseError> {
        self.typed().unwrap_or(Ok(ContentType::new(b"text", b"plain")))
    }

    /// What the part is for (RFC 5621 section 8).
    pub fn disposition(&self) -> Option<ContentDisposition<'d>> {
        self.typed().and_then(Result::ok)
    }

    /// The Content-ID, without its angle brackets.
    pub fn content_id(&self) -> Option<&'d [u8]> {
        self.typed::<ContentId<'d>>().and_then(Result::ok).map(|id| id.0)
    }

    /// The body.
    pub fn body(&self) -> &'d [u8] {
        self.octets.get(self.body..).unwrap_or_default()
    }

    /// The parts of the part, where its type is `multipart`.
    ///
    /// # Errors
    /// As [`Multipart::new`].
    pub fn multipart(&self) -> Option<Result<Multipart<'d>, ParseError>> {
        let content_type = self.content_type().ok()?;
        content_type
            .kind
            .eq_ignore_ascii_case(b"multipart")
            .then(|| Multipart::new(&content_type, self.body()))
    }
}

/// A line that parts are set apart by.
struct Delimiter {
    /// Where what stands before it ends.
    at: usize,
    /// Where what follows it begins.
    next: usize,
    /// Whether it is the last.
    closes: bool,
}

/// The first delimiter at or behind `from`, which is the start of a line.
fn delimiter(body: &[u8], boundary: &[u8], from: usize) -> Option<Delimiter> {
    let mut line = from;
    loop {
        let rest = body.get(line..)?;
        if let Some((length, closes)) = delimiter_length(rest, boundary) {
            // The line end before it is its own, and there is none where it is the first line.
            let at = if line == from { line } else { line.saturating_sub(2) };
            return Some(Delimiter { at, next: line + length, closes });
        }
        line += find_sequence(rest, b"\r\n--")? + 2;
    }
}

/// How long the delimiter is that the octets begin with, its line end included, and whether it is the
/// last.
fn delimiter_length(rest: &[u8], boundary: &[u8]) -> Option<(usize, bool)> {
    let tail = rest.strip_prefix(b"--")?.strip_prefix(boundary)?;
    let (mut tail, closes) = match tail {
        [b'-', b'-', tail @ ..] => (tail, true),
        tail => (tail, false),
    };
    while let [b' ' | b'\t', behind @ ..] = tail {
        tail = behind;
    }
    match tail {
        [b'\r', b'\n', behind @ ..] => Some((rest.len() - behind.len(), closes)),
        // The last one may end the body; what follows it is ignored in any case.
        [] if closes => Some((rest.len(), true)),
        _ => None,
    }
}

/// Whether these octets may be a boundary (RFC 2046 section 5.1.1).
fn is_boundary(octets: &[u8]) -> bool {
    let good = |octet: &u8| octet.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(octet);
    matches!(octets.len(), 1..=Multipart::MAX_BOUNDARY)
        && octets.iter().all(good)
        && !octets.ends_with(b" ")
}

/// Writes the parts of a body.
///
/// ```
/// use sip_core::header::ContentType;
/// use sip_core::message::{Message, Method, Writer};
/// use sip_core::uri::Uri;
///
/// let mut buffer = [0; 512];
/// let mut to = Writer::new(&mut buffer);
/// to.request(Method::Invite, &Uri::parse(b"sip:bob@example.com")?);
/// let length = to
///     .body_parts(b"multipart/mixed;boundary=b1", b"b1", |parts| {
///         parts.part(|to| to.header(&ContentType::new(b"application", b"sdp")), b"v=0\r\n");
///         parts.part(|_| {}, b"Plain text.");
///     })
///     .unwrap();
/// let message = Message::parse(&buffer[..length])?;
/// assert_eq!(message.multipart().unwrap()?.parts().count(), 2);
/// # Ok::<(), sip_core::error::ParseError>(())
/// ```
#[derive(Debug)]
pub struct Parts<'b> {
    to: Writer<'b>,
    boundary: &'b [u8],
    /// The boundary cannot be one, or stands in a part.
    clash: bool,
}

impl<'b> Parts<'b> {
    /// Parts with this boundary: octets that no part holds, random ones best.
    pub fn new(buffer: &'b mut [u8], boundary: &'b [u8]) -> Self {
        Self { to: Writer::new(buffer), boundary, clash: !is_boundary(boundary) }
    }

    /// Adds a part: `head` writes its rows.
    pub fn part(&mut self, head: impl FnOnce(&mut Writer<'b>), body: &[u8]) {
        self.clash |= holds(body, self.boundary);
        self.to.fixed(b"--");
        self.to.text(self.boundary);
        self.to.fixed(b"\r\n");
        head(&mut self.to);
        self.to.fixed(b"\r\n");
        self.to.octets(body);
        self.to.fixed(b"\r\n");
    }

    /// Writes the last delimiter and gives the length of the body.
    ///
    /// # Errors
    /// [`WriteError::BufferTooSmall`] with what is needed; [`WriteError::Boundary`] where the boundary
    /// stands in one of the parts or cannot be one; [`WriteError::LineEnd`] where a row's value held a
    /// line end.
    pub fn finish(mut self) -> Result<usize, WriteError> {
        self.to.fixed(b"--");
        self.to.text(self.boundary);
        self.to.fixed(b"--\r\n");
        let length = self.to.end()?;
        if self.clash { Err(WriteError::Boundary) } else { Ok(length) }
    }
}

/// Whether a line of the body begins as a delimiter does.
fn holds(body: &[u8], boundary: &[u8]) -> bool {
    let is_one =
        |line: &[u8]| line.strip_prefix(b"--").is_some_and(|rest| rest.starts_with(boundary));
    let mut rest = body;
    if is_one(rest) {
        return true;
    }
    while let Some(found) = find_sequence(rest, b"\r\n--") {
        rest = rest.get(found + 2..).unwrap_or_default();
        if is_one(rest) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::string::String;
    use std::vec::Vec;

    use super::super::Message;
    use super::*;

    fn view<'d>(content_type: &'d str, body: &'d str) -> Result<Multipart<'d>, ParseError> {
        Multipart::new(&ContentType::parse(content_type.as_bytes()).unwrap(), body.as_bytes())
    }

    fn bodies<'d>(content_type: &'d str, body: &'d str) -> Vec<Result<&'d str, ParseError>> {
        let read = |part: Part<'d>| core::str::from_utf8(part.body()).unwrap();
        view(content_type, body).unwrap().parts().map(|part| part.map(read)).collect()
    }

    #[test]
    fn the_example_of_rfc_2046_section_5_1_1_has_two_parts() {
        let body = "This is the preamble.  It is to be ignored, though it\r\n\
            is a handy place for composition agents to include an\r\n\
            explanatory note to non-MIME conformant readers.\r\n\r\n\
            --simple-boundary\r\n\r\n\
            This is implicitly typed plain US-ASCII text.\r\nIt does NOT end with a linebreak.\r\n\
            --simple-boundary\r\nContent-type: text/plain; charset=us-ascii\r\n\r\n\
            This is explicitly typed plain US-ASCII text.\r\nIt DOES end with a linebreak.\r\n\r\n\
            --simple-boundary--\r\n\r\nThis is the epilogue.  It is also to be ignored.\r\n";
        let parts: Vec<_> = view("multipart/mixed; boundary=simple-boundary", body)
            .unwrap()
            .parts()
            .map(Result::unwrap)
            .collect();
        assert_eq!(parts.len(), 2);
        assert!(parts[0].body().ends_with(b"It does NOT end with a linebreak."));
        assert!(parts[0].content_type().unwrap().is(b"text", b"plain"));
        assert_eq!(parts[0].headers().count(), 0);
        assert!(parts[1].body().ends_with(b"It DOES end with a linebreak.\r\n"));
        let charset = parts[1].content_type().unwrap();
        assert_eq!(charset.params.value(b"charset"), Some(&b"us-ascii"[..]));
        let row = parts[1].row(Name::ContentType).unwrap();
        let at = &body.as_bytes()[row.at..];
        assert!(
            at.starts_with(b"text/plain; charset=us-ascii\r\n"),
            "offsets are of the whole body"
        );
    }

    #[test]
    fn a_session_description_is_found_beside_a_picture() {
        // As in RFC 5621 section 3 and RFC 3261 section 23.4.
        let message = "INVITE sip:conf@example.com SIP/2.0\r\n\
            Content-Type: multipart/mixed;boundary=\"boundary1\"\r\n\r\n\
            --boundary1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n\
            --boundary1\t \r\nc: image/png\r\nContent-ID: <pic@example.com>\r\n\
            Content-Disposition: render;handling=optional\r\nX-Odd: yes\r\n\r\n\u{1}PNG\r\n--boundary1--";
        let message = Message::parse(message.as_bytes()).unwrap();
        let parts = message.multipart().unwrap().unwrap();
        assert_eq!(parts.root().unwrap().body(), b"v=0\r\n");
        assert_eq!(parts.part_of(b"Application", b"SDP").unwrap().body(), b"v=0\r\n");
        let picture = parts.part_with_id(b"pic@example.com").unwrap();
        assert!(picture.content_type().unwrap().is(b"image", b"png"), "compact names are names");
        assert!(picture.disposition().unwrap().is_optional());
        assert_eq!(picture.row(Name::Other(b"x-odd")).unwrap().value, b"yes");
        assert_eq!(picture.body(), b"\x01PNG");
        assert!(parts.part_of(b"text", b"plain").is_none());
        let plain = Message::parse(b"INVITE sip:a SIP/2.0\r\nContent-Type: a/b\r\n\r\nx").unwrap();
        assert!(plain.multipart().is_none());
    }

    #[test]
    fn the_root_of_related_parts_is_named() {
        let body = "--b\r\nContent-ID: <1@a>\r\n\r\none\r\n--b\r\nContent-ID: <2@a>\r\n\r\ntwo\r\n--b--\r\n";
        let related = view("multipart/related;boundary=b;start=\"<2@a>\"", body).unwrap();
        assert_eq!(related.root().unwrap().body(), b"two");
        assert_eq!(
            view("multipart/related;boundary=b", body).unwrap().root().unwrap().body(),
            b"one"
        );
    }

    #[test]
    fn parts_may_have_parts() {
        let body = "--o\r\nContent-Type: multipart/alternative;boundary=i\r\n\r\n\
            --i\r\n\r\nplain\r\n--i\r\n\r\nrich\r\n--i--\r\n\r\n--o\r\n\r\nlast\r\n--o--\r\n";
        let outer = view("multipart/mixed;boundary=o", body).unwrap();
        let parts: Vec<_> = outer.parts().map(Result::unwrap).collect();
        let inner = parts[0].multipart().unwrap().unwrap();
        let inner: Vec<_> = inner.parts().map(|part| part.unwrap().body()).collect();
        assert_eq!(inner, [&b"plain"[..], b"rich"]);
        assert!(parts[1].multipart().is_none());
        assert_eq!(parts[1].body(), b"last");
    }

    #[test]
    fn a_line_that_only_begins_like_the_boundary_is_text() {
        let body = "--a\r\n\r\n--ab\r\n --a\r\nx--a\r\n--a-\r\n--a --\r\n\r\n--a--\r\n";
        assert_eq!(
            bodies("multipart/mixed;boundary=a", body),
            [Ok("--ab\r\n --a\r\nx--a\r\n--a-\r\n--a --\r\n")]
        );
        assert_eq!(bodies("multipart/mixed;boundary=a", "--a\r\n\r\n\r\n--a--"), [Ok("")]);
        assert_eq!(bodies("multipart/mixed;boundary=a", "--a\r\n--a--"), [Ok("")]);
        assert_eq!(
            bodies("multipart/mixed;boundary=a", "--a\r\nX: y\r\n--a--"),
            [Err(ParseError::new(Fault::Multipart, 5))]
        );
    }

    #[test]
    fn broken_bodies_are_refused_where_they_break() {
        let kind = "multipart/mixed;boundary=a";
        let error = |at| Err(ParseError::new(Fault::Multipart, at));
        assert_eq!(bodies(kind, ""), [error(0)]);
        assert_eq!(bodies(kind, "no parts"), [error(0)]);
        assert_eq!(bodies(kind, "--a--\r\n"), [error(0)]);
        assert_eq!(bodies(kind, "--a\r\n\r\nx\r\n--a\r\n\r\nnever ends"), [Ok("x"), error(15)]);
        for kind in [
            "multipart/mixed",
            "multipart/mixed;boundary",
            "multipart/mixed;boundary=\"\"",
            "multipart/mixed;boundary=\"a \"",
            "multipart/mixed;boundary=\"a\\\"b\"",
            &std::format!("multipart/mixed;boundary={}", "a".repeat(71)),
        ] {
            assert_eq!(view(kind, "--a--").unwrap_err().what, Fault::Multipart, "{kind}");
        }
        assert_eq!(view("text/plain;boundary=a", "").unwrap_err().what, Fault::Document);
        let many = "--a\r\n\r\n\r\n".repeat(Multipart::MAX_PARTS + 1) + "--a--";
        let many = bodies(kind, &many);
        assert_eq!(many.len(), Multipart::MAX_PARTS + 1);
        assert!(many.last().unwrap().is_err());
        let long =
            std::format!("--a\r\nX: {}\r\n\r\n\r\n--a--", "x".repeat(Message::MAX_HEAD_OCTETS));
        assert!(bodies(kind, &long)[0].is_err());
    }

    #[test]
    fn no_cut_of_a_body_does_harm() {
        let body = "--a\r\nContent-Type: a/b\r\n\r\nx\r\n--a\r\n\r\ny\r\n--a--\r\n";
        for end in 0..body.len() {
            let read = bodies("multipart/mixed;boundary=a", &body[..end]);
            assert_eq!(read.last().unwrap().is_ok(), end == body.len() - 2, "{end}");
        }
    }

    #[test]
    fn what_is_written_reads_back_and_a_clash_is_refused() {
        let write = |buffer: &mut [u8], boundary: &[u8], body: &[u8]| {
            // Two lifetimes: the boundary outlives the call, the buffer need not.
            let boundary = boundary.to_vec();
            let mut parts = Parts::new(buffer, &boundary);
            parts.part(|to| to.header(&ContentType::new(b"application", b"sdp")), b"v=0\r\n");
            parts.part(|_| {}, body);
            parts.finish()
        };
        let mut buffer = [0; 256];
        let length = write(&mut buffer, b"b 1", b"--b\r\n").unwrap();
        let text = core::str::from_utf8(&buffer[..length]).unwrap();
        assert_eq!(
            text,
            "--b 1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b 1\r\n\r\n--b\r\n\r\n--b 1--\r\n"
        );
        let read: Vec<String> = bodies("multipart/mixed;boundary=\"b 1\"", text)
            .into_iter()
            .map(|body| body.unwrap().into())
            .collect();
        assert_eq!(read, ["v=0\r\n", "--b\r\n"]);
        for short in 0..length {
            let needed = write(&mut buffer[..short], b"b 1", b"--b\r\n").unwrap_err();
            assert_eq!(needed, crate::error::BufferTooSmall { needed: length }.into());
        }
        for (boundary, body) in [
            (&b"b"[..], &b"--b"[..]),
            (b"b", b"x\r\n--b\r\n"),
            (b"b", b"x\r\n--bb"),
            (b"", b""),
            (b"b\r\n", b""),
            (&[b'b'; 71], b""),
        ] {
            let mut buffer = [0; 512];
            let error = write(&mut buffer, boundary, body).unwrap_err();
            assert!(matches!(error, WriteError::Boundary | WriteError::LineEnd), "{body:?}");
        }
    }
}
