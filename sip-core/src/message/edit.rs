//! Changes a received message and leaves all other octets as they came: what a proxy does (RFC 3261
//! sections 16.6 and 16.7).
//!
//! ```text
//! INVITE sip:bob@example.com SIP/2.0      set_request_uri
//!                                     ◀── insert_before(Via, …)
//! v: SIP/2.0/UDP a, SIP/2.0/TCP b         remove_values(Via, 1), replace_value(Via, …)
//! Max-Forwards:  70                       replace(MaxForwards, …)
//! Subject: a                              not touched: names, case, spaces and folds stay
//!   folded one
//! Proxy-Authorization: …                  remove(ProxyAuthorization)
//!
//! body                                    not touched
//! ```
//!
//! [`Writer::row`] writes rows anew, with long names and without folds. [`Editor`] copies, so that a
//! signature over a row still holds (RFC 8224), and a message that one does not understand whole goes
//! on as it is.

use super::{Message, Name, Row, StatusCode, Writer, parse};
use crate::error::WriteError;

/// Changes to one message, written in one pass.
///
/// Each change is named by the rows of the message as it was received; changes at one place are
/// written in the order of the calls. There is room for `EDITS` changes.
///
/// ```
/// use sip_core::message::{Editor, Message, Name};
///
/// let message = Message::parse(b"OPTIONS sip:bob@example.com SIP/2.0\r\n\
///     v: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nMax-Forwards : 70\r\n\
///     Route: <sip:p1;lr>,<sip:p2;lr>\r\n\r\n")?;
/// let mut edit: Editor = Editor::new(&message);
/// edit.set_request_uri(b"sip:bob@192.0.2.7");
/// edit.insert_before(Name::Via, Name::Via, b"SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK2");
/// edit.replace(Name::MaxForwards, b"69");
/// edit.remove_values(Name::Route, 1);
/// let mut buffer = [0; 512];
/// let length = edit.write(&mut buffer).unwrap();
/// assert_eq!(&buffer[..length], b"OPTIONS sip:bob@192.0.2.7 SIP/2.0\r\n\
///     Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK2\r\n\
///     v: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nMax-Forwards : 69\r\n\
///     Route: <sip:p2;lr>\r\n\r\n");
/// # Ok::<(), sip_core::error::ParseError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Editor<'e, 'd, const EDITS: usize = 12> {
    message: &'e Message<'d>,
    edits: [Option<Edit<'e>>; EDITS],
    count: usize,
    /// How many changes there was no room for.
    missed: usize,
    wants_length: bool,
}

/// Octets that are left out, and what stands in their place.
#[derive(Clone, Copy, Debug)]
struct Edit<'e> {
    from: usize,
    to: usize,
    with: With<'e>,
}

#[derive(Clone, Copy, Debug)]
enum With<'e> {
    Nothing,
    Value(&'e [u8]),
    Row(Name<'e>, &'e [u8]),
    Status(StatusCode),
}

impl<'e, 'd, const EDITS: usize> Editor<'e, 'd, EDITS> {
    /// No changes yet. The message is one that was parsed, not [salvaged](Message::salvage).
    #[must_use]
    pub const fn new(message: &'e Message<'d>) -> Self {
        Self { message, edits: [None; EDITS], count: 0, missed: 0, wants_length: false }
    }

    /// Puts another Request-URI into a request; does nothing to a response.
    pub fn set_request_uri(&mut self, uri: &'e [u8]) {
        let (Some(method), Some(old)) = (self.message.method(), self.message.uri()) else { return };
        let from = method.as_bytes().len() + 1;
        self.push(from, from + old.len(), With::Value(uri));
    }

    /// Puts another status code into a response, with its own reason phrase; does nothing to a request.
    pub fn set_status(&mut self, code: StatusCode) {
        if self.message.code().is_some() {
            let end = memchr::memchr(b'\r', self.message.as_bytes()).unwrap_or_default();
            self.push(0, end, With::Status(code));
        }
    }

    /// Puts a row before the first row of the name `anchor`; where there is none, before all rows.
    pub fn insert_before(&mut self, anchor: Name<'_>, name: Name<'e>, value: &'e [u8]) {
        let at = match self.message.headers().find(|row| row.name == anchor) {
            Some(row) => self.line_of(&row).0,
            None => self.first_line(),
        };
        self.push(at, at, With::Row(name, value));
    }

    /// Puts a row behind the last row of the name `anchor`; where there is none, behind all rows.
    pub fn insert_after(&mut self, anchor: Name<'_>, name: Name<'e>, value: &'e [u8]) {
        let at = match self.message.headers().filter(|row| row.name == anchor).last() {
            Some(row) => self.line_of(&row).1,
            None => self.rows_end(),
        };
        self.push(at, at, With::Row(name, value));
    }

    /// Puts another value into the first row of this name; where there is none, adds a row behind all
    /// others.
    pub fn replace(&mut self, name: Name<'e>, value: &'e [u8]) {
        match self.message.headers().find(|row| row.name == name) {
            Some(row) => self.push(row.at, row.at + row.value.len(), With::Value(value)),
            None => {
                let end = self.rows_end();
                self.push(end, end, With::Row(name, value));
            }
        }
    }

    /// Puts another value in place of the first of those that the first row of this name holds. Says
    /// whether there was one.
    pub fn replace_value(&mut self, name: Name<'_>, value: &'e [u8]) -> bool {
        let Some(row) = self.message.headers().find(|row| row.name == name) else { return false };
        let end = value_end(row.value);
        let old = row.value.get(..end).unwrap_or_default().trim_ascii_end();
        self.push(row.at, row.at + old.len(), With::Value(value));
        true
    }

    /// Takes out all rows of this name, or those that `is_it` picks.
    pub fn remove(&mut self, name: Name<'_>, is_it: impl Fn(&Row<'d>) -> bool) {
        let message = self.message;
        for row in message.headers().filter(|row| row.name == name && is_it(row)) {
            let (from, to) = self.line_of(&row);
            self.push(from, to, With::Nothing);
        }
    }

    /// Takes out the first `count` values of this name, of as many rows as they stand in. Says how many
    /// there were.
    pub fn remove_values(&mut self, name: Name<'_>, count: usize) -> usize {
        let message = self.message;
        let mut left = count;
        for row in message.headers().filter(|row| row.name == name) {
            if left == 0 {
                break;
            }
            let mut rest = row.value;
            let mut emptied = true;
            while left > 0 {
                left -= 1;
                let end = value_end(rest);
                emptied = end >= rest.len();
                if emptied {
                    break;
                }
                rest = rest.get(end + 1..).unwrap_or_default().trim_ascii_start();
            }
            if emptied {
                let (from, to) = self.line_of(&row);
                self.push(from, to, With::Nothing);
            } else {
                self.push(row.at, row.at + row.value.len() - rest.len(), With::Nothing);
            }
        }
        count - left
    }

    /// Adds a Content-Length where there is none, as streams need it (RFC 3261 section 18.3).
    pub const fn want_content_length(&mut self) {
        self.wants_length = true;
    }

    /// How many changes there was no room for: where there are any, [`write`](Self::write) refuses.
    pub const fn missed(&self) -> usize {
        self.missed
    }

    /// Writes the changed message, and gives its length.
    ///
    /// # Errors
    /// [`WriteError::BufferTooSmall`] with what is needed; [`WriteError::LineEnd`] where a new value
    /// holds a line end that is no fold, or a change was missed.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, WriteError> {
        self.write_to(Writer::new(buffer))
    }

    /// Writes the changed message behind what `to` holds already, and gives the length of all of it.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_to(&self, mut to: Writer<'_>) -> Result<usize, WriteError> {
        let octets = self.message.as_bytes();
        let end = self.rows_end();
        let mut at = 0;
        let mut done = None;
        while let Some((number, edit)) = self.next_edit(done) {
            done = Some((edit.from, number));
            // One change inside another is part of that.
            if edit.from < at {
                continue;
            }
            to.octets(octets.get(at..edit.from).unwrap_or_default());
            match edit.with {
                With::Nothing => {}
                With::Value(value) => to.text(value),
                With::Row(name, value) => to.raw(name, value),
                With::Status(code) => {
                    to.fixed(b"SIP/2.0 ");
                    to.fixed(&code.digits());
                    to.fixed(b" ");
                    to.text(code.reason().as_bytes());
                }
            }
            at = edit.to;
        }
        to.octets(octets.get(at..end).unwrap_or_default());
        let body = self.message.body();
        if self.wants_length && self.message.row(Name::ContentLength).is_none() {
            to.raw_number(Name::ContentLength, u32::try_from(body.len()).unwrap_or(u32::MAX));
        }
        to.end_row();
        to.octets(body);
        let length = to.end()?;
        if self.missed > 0 { Err(WriteError::LineEnd) } else { Ok(length) }
    }

    /// The next change behind `done`, by its place and the order of the calls.
    fn next_edit(&self, done: Option<(usize, usize)>) -> Option<(usize, Edit<'e>)> {
        let edits = self.edits.iter().flatten().enumerate();
        let behind =
            edits.filter(|(number, edit)| done.is_none_or(|done| (edit.from, *number) > done));
        behind
            .min_by_key(|(number, edit)| (edit.from, *number))
            .map(|(number, edit)| (number, *edit))
    }

    fn push(&mut self, from: usize, to: usize, with: With<'e>) {
        match self.edits.get_mut(self.count) {
            Some(place) => {
                *place = Some(Edit { from, to, with });
                self.count += 1;
            }
            None => self.missed += 1,
        }
    }

    /// Where a row begins and ends, its name and line end included.
    fn line_of(&self, row: &Row<'_>) -> (usize, usize) {
        let octets = self.message.as_bytes();
        (parse::line_before(octets, row.at), parse::line_after(octets, row.at + row.value.len()))
    }

    /// Where the line begins that follows the start line.
    fn first_line(&self) -> usize {
        memchr::memchr(b'\n', self.message.as_bytes()).map_or(0, |end| end + 1)
    }

    /// Where the empty line is, or would be: a datagram without a body may lack it.
    fn rows_end(&self) -> usize {
        let head = self.message.head();
        head.strip_suffix(b"\r\n")
            .filter(|rows| rows.ends_with(b"\r\n"))
            .map_or(head.len(), <[u8]>::len)
    }
}

/// Where the first value ends that a row holds: at its comma, or at the end. Commas in quotes and in
/// angle brackets are none.
fn value_end(row: &[u8]) -> usize {
    let (mut quoted, mut angle, mut escaped) = (false, false, false);
    let end = row.iter().position(|octet| {
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
    end.unwrap_or(row.len())
}

#[cfg(test)]
mod tests {
    use std::string::String;
    use std::vec::Vec;

    use super::*;

    const REQUEST: &str = "INVITE sip:bob@example.com SIP/2.0\r\n\
        v:\r\n SIP/2.0/UDP a;x=\",\" ,\tSIP/2.0/TCP b\r\n\
        VIA: SIP/2.0/TLS c\r\n\
        f: \"A, B\" <sip:a@b;x=,>;tag=1\r\n\
        Route :<sip:p1,2;lr>,\r\n <sip:p2;lr>\r\n\
        ROUTE: \"x, \\\"y\" <sip:p3;lr>\r\n\
        X-Odd:   spaces   \r\n\
        Subject: folded\r\n\tonce\r\n\
        Empty:\r\n\
        Content-Length: 4\r\n\r\nbody";

    fn edited<'d>(text: &'d str, change: impl FnOnce(&mut Editor<'_, 'd>)) -> String {
        let message = Message::parse(text.as_bytes()).unwrap();
        let mut editor: Editor<'_, '_> = Editor::new(&message);
        // The message lives no longer than this call.
        let mut buffer = [0; 1024];
        change(&mut editor);
        let length = editor.write(&mut buffer).unwrap();
        for short in [0, length - 1] {
            let error = editor.write(&mut buffer[..short]).unwrap_err();
            assert_eq!(error, crate::error::BufferTooSmall { needed: length }.into());
        }
        let length = editor.write(&mut buffer).unwrap();
        let text = String::from_utf8(buffer[..length].to_vec()).unwrap();
        assert!(Message::parse(text.as_bytes()).is_ok(), "{text}");
        text
    }

    #[test]
    fn without_changes_every_octet_stays() {
        assert_eq!(edited(REQUEST, |_| {}), REQUEST);
    }

    #[test]
    fn each_change_touches_its_own_octets_only() {
        for (old, new, change) in [
            (
                "sip:bob@example.com",
                "sip:bob@192.0.2.7;x",
                (|edit| edit.set_request_uri(b"sip:bob@192.0.2.7;x")) as fn(&mut Editor<'_, '_>),
            ),
            ("v:\r\n", "Via: z\r\nv:\r\n", |edit| edit.insert_before(Name::Via, Name::Via, b"z")),
            ("c\r\nf:", "c\r\nVia: z\r\nf:", |edit| edit.insert_after(Name::Via, Name::Via, b"z")),
            ("v:\r\n", "Path: z\r\nv:\r\n", |edit| {
                edit.insert_before(Name::Path, Name::Path, b"z")
            }),
            ("4\r\n\r\n", "4\r\nPath: z\r\n\r\n", |edit| {
                edit.insert_after(Name::Path, Name::Path, b"z");
            }),
            ("4\r\n\r\n", "4\r\nPath: z\r\n\r\n", |edit| edit.replace(Name::Path, b"z")),
            ("folded\r\n\tonce", "new", |edit| edit.replace(Name::Subject, b"new")),
            ("spaces   ", "x   ", |edit| edit.replace(Name::Other(b"x-odd"), b"x")),
            ("Empty:\r\n", "Empty:now\r\n", |edit| edit.replace(Name::Other(b"empty"), b"now")),
            ("a;x=\",\" ,", "a;received=1 ,", |edit| {
                assert!(edit.replace_value(Name::Via, b"SIP/2.0/UDP a;received=1"));
            }),
            ("SIP/2.0/UDP a;x=\",\" ,\tSIP", "SIP", |edit| {
                assert_eq!(edit.remove_values(Name::Via, 1), 1);
            }),
            ("v:\r\n SIP/2.0/UDP a;x=\",\" ,\tSIP/2.0/TCP b\r\n", "", |edit| {
                assert_eq!(edit.remove_values(Name::Via, 2), 2);
            }),
            (
                "v:\r\n SIP/2.0/UDP a;x=\",\" ,\tSIP/2.0/TCP b\r\nVIA: SIP/2.0/TLS c\r\n",
                "",
                |edit| assert_eq!(edit.remove_values(Name::Via, 9), 3),
            ),
            ("<sip:p1,2;lr>,\r\n <sip:p2", "<sip:p2", |edit| {
                assert_eq!(edit.remove_values(Name::Route, 1), 1);
            }),
            ("ROUTE: \"x, \\\"y\" <sip:p3;lr>\r\n", "", |edit| {
                edit.remove(Name::Route, |row| row.value.starts_with(b"\""));
            }),
            ("f: \"A, B\" <sip:a@b;x=,>;tag=1\r\n", "", |edit| {
                assert_eq!(edit.remove_values(Name::From, 1), 1);
            }),
        ] {
            let expected = REQUEST.replacen(old, new, 1);
            assert_ne!(expected, REQUEST, "{old} is there");
            assert_eq!(edited(REQUEST, |edit| change(edit)), expected);
        }
        let none = edited(REQUEST, |edit| {
            assert_eq!(edit.remove_values(Name::Path, 1), 0);
            assert!(!edit.replace_value(Name::Path, b"x"));
            edit.set_status(StatusCode::OK);
        });
        assert_eq!(none, REQUEST);
    }

    #[test]
    fn a_response_goes_back_without_its_first_via() {
        let text = "SIP/2.0 503 Later\r\nVia: SIP/2.0/UDP a\r\nVia: SIP/2.0/UDP b\r\nX: y\r\n\r\n!";
        let back = edited(text, |edit| {
            edit.set_status(StatusCode::SERVER_INTERNAL_ERROR);
            edit.set_request_uri(b"sip:nobody");
            edit.remove_values(Name::Via, 1);
            edit.want_content_length();
        });
        assert_eq!(
            back,
            "SIP/2.0 500 Server Internal Error\r\nVia: SIP/2.0/UDP b\r\nX: y\r\n\
             Content-Length: 1\r\n\r\n!"
        );
        // Without the empty line, which a datagram without a body may lack.
        let short = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a\r\nContent-Length: 0\r\n";
        let added = edited(short, |edit| {
            edit.insert_after(Name::Path, Name::Path, b"p");
            edit.want_content_length();
        });
        assert_eq!(added, std::format!("{short}Path: p\r\n\r\n"));
    }

    #[test]
    fn changes_at_one_place_keep_their_order_and_those_within_a_removed_row_are_gone() {
        let text = "OPTIONS sip:a SIP/2.0\r\nRoute: <sip:b>\r\nX: y\r\n\r\n";
        let new = edited(text, |edit| {
            edit.insert_before(Name::Route, Name::RecordRoute, b"<sip:1>");
            edit.insert_before(Name::Route, Name::RecordRoute, b"<sip:2>");
            edit.remove(Name::Route, |_| true);
            edit.replace(Name::Route, b"<sip:c>");
        });
        assert_eq!(
            new,
            "OPTIONS sip:a SIP/2.0\r\nRecord-Route: <sip:1>\r\nRecord-Route: <sip:2>\r\nX: y\r\n\r\n"
        );
    }

    #[test]
    fn what_would_break_the_message_is_refused() {
        let message = Message::parse(REQUEST.as_bytes()).unwrap();
        let mut buffer = [0; 1024];
        for value in [&b"a\r\nX: y"[..], b"\n", b"\r"] {
            let mut editor = Editor::<'_, '_, 2>::new(&message);
            editor.replace(Name::Subject, value);
            assert_eq!(editor.write(&mut buffer), Err(WriteError::LineEnd));
        }
        let mut editor = Editor::<'_, '_, 2>::new(&message);
        (0..3).for_each(|_| editor.insert_before(Name::Via, Name::Path, b"x"));
        assert_eq!(editor.missed(), 1);
        assert!(editor.write(&mut buffer).is_err());
    }

    #[test]
    fn rows_behind_the_index_are_edited_like_the_others() {
        let mut text = String::from("OPTIONS sip:a SIP/2.0\r\n");
        for number in 0..80 {
            text += &std::format!("X-{number}: {number}\r\n");
        }
        text += "Via: a,b\r\n\r\n";
        let expected = text.replace("Via: a,b", "Via: b").replace("X-70: 70\r\n", "");
        let new = edited(&text, |edit| {
            edit.remove_values(Name::Via, 1);
            edit.remove(Name::Other(b"x-70"), |_| true);
        });
        assert_eq!(new, expected);
        let names: Vec<_> =
            Message::parse(new.as_bytes()).unwrap().headers().map(|row| row.at).collect();
        assert_eq!(names.len(), 80);
    }
}
