//! A reader of small XML documents: one pass, no recursion, no allocation.
//!
//! It reads elements, attributes, text and character data, and passes over comments and processing
//! instructions. Names are split at their prefix; namespaces are not resolved. Document types are
//! refused, so that no entity can be declared. Elements may nest to [`Reader::MAX_DEPTH`].

use crate::error::{Fault, ParseError};
use crate::message::Writer;

/// A name: `prefix:local`, or `local` alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct QName<'d> {
    /// The prefix, empty for none.
    pub prefix: &'d [u8],
    /// The local part.
    pub local: &'d [u8],
}

impl<'d> QName<'d> {
    fn split(name: &'d [u8]) -> Self {
        match memchr::memchr(b':', name).and_then(|colon| name.split_at_checked(colon)) {
            Some((prefix, local)) => Self { prefix, local: local.get(1..).unwrap_or_default() },
            None => Self { prefix: b"", local: name },
        }
    }
}

/// Text of a document.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Text<'d> {
    raw: &'d [u8],
    /// Whether references like `&amp;` stand in it.
    escaped: bool,
}

impl<'d> Text<'d> {
    /// Any text; it is escaped when it is written.
    pub const fn plain(text: &'d [u8]) -> Self {
        Self { raw: text, escaped: false }
    }

    pub(crate) const fn escaped(raw: &'d [u8]) -> Self {
        Self { raw, escaped: true }
    }

    /// The octets as they stand.
    pub const fn raw(&self) -> &'d [u8] {
        self.raw
    }

    /// The octets that it says, with the references resolved. One that is unknown stays as it is.
    pub fn octets(&self) -> impl Iterator<Item = u8> + use<'d> {
        let mut rest = self.raw;
        let escaped = self.escaped;
        let mut pending = [0; 4];
        let mut waiting = 0..0;
        core::iter::from_fn(move || {
            if let Some(next) = waiting.next() {
                return pending.get(next).copied();
            }
            let (first, tail) = rest.split_first()?;
            if escaped
                && *first == b'&'
                && let Some((character, length)) = reference(rest)
            {
                let length_utf8 = character.encode_utf8(&mut pending).len();
                waiting = 1..length_utf8;
                rest = rest.get(length..).unwrap_or_default();
                return pending.first().copied();
            }
            rest = tail;
            Some(*first)
        })
    }

    /// Copies what it says to the start of `buffer`.
    ///
    /// # Errors
    /// [`BufferTooSmall`](crate::error::BufferTooSmall) with what is needed.
    pub fn copy_to<'b>(
        &self,
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], crate::error::BufferTooSmall> {
        let mut needed = 0;
        for octet in self.octets() {
            if let Some(place) = buffer.get_mut(needed) {
                *place = octet;
            }
            needed += 1;
        }
        buffer.get(..needed).ok_or(crate::error::BufferTooSmall { needed })
    }

    /// The same without white space around it.
    pub fn trimmed(&self) -> Self {
        Self { raw: self.raw.trim_ascii(), escaped: self.escaped }
    }

    /// The same without these octets before it, which are compared without case; nothing where it does
    /// not begin with them.
    pub fn strip_prefix(&self, prefix: &[u8]) -> Option<Self> {
        let (start, rest) = self.raw.split_at_checked(prefix.len())?;
        start.eq_ignore_ascii_case(prefix).then_some(Self { raw: rest, escaped: self.escaped })
    }

    /// Writes it, for content and attributes alike.
    pub(crate) fn write(&self, to: &mut Writer<'_>) {
        let mut rest = self.raw;
        // What was an attribute in single quotes may hold a double one, which ends those written here.
        let escaped = self.escaped;
        let special =
            |octet: &u8| *octet == b'"' || (!escaped && matches!(octet, b'<' | b'>' | b'&'));
        while let Some(found) = rest.iter().position(special) {
            let (before, after) = rest.split_at_checked(found).unwrap_or_default();
            to.octets(before);
            let (octet, after) = after.split_first().unwrap_or((&b'&', &[]));
            to.octets(match octet {
                b'<' => b"&lt;",
                b'>' => b"&gt;",
                b'"' => b"&quot;",
                _ => b"&amp;",
            });
            rest = after;
        }
        to.octets(rest);
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Text<'_>) -> bool {
        self.octets().eq(other.octets())
    }
}

impl Eq for Text<'_> {}

impl PartialEq<[u8]> for Text<'_> {
    fn eq(&self, other: &[u8]) -> bool {
        self.octets().eq(other.iter().copied())
    }
}

/// The character that a reference stands for, and the length of the reference.
fn reference(text: &[u8]) -> Option<(char, usize)> {
    let end = text.iter().take(12).position(|octet| *octet == b';')?;
    let character = match text.get(1..end)? {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        [b'#', b'x' | b'X', digits @ ..] => numeric(digits, 16)?,
        [b'#', digits @ ..] => numeric(digits, 10)?,
        _ => return None,
    };
    Some((character, end + 1))
}

fn numeric(digits: &[u8], radix: u32) -> Option<char> {
    if digits.is_empty() {
        return None;
    }
    let mut number = 0_u32;
    for digit in digits {
        let digit = char::from(*digit).to_digit(radix)?;
        number = number.checked_mul(radix)?.checked_add(digit)?;
    }
    char::from_u32(number).filter(|character| *character != '\0')
}

/// The attributes of an element.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Attributes<'d>(&'d [u8]);

impl<'d> Attributes<'d> {
    /// The value of the first attribute with this local name, whatever its prefix.
    pub fn get(mut self, local: &[u8]) -> Option<Text<'d>> {
        self.find(|(name, _)| name.local == local).map(|(_, value)| value)
    }
}

impl<'d> Iterator for Attributes<'d> {
    type Item = (QName<'d>, Text<'d>);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.0.trim_ascii_start();
        let equals = memchr::memchr(b'=', rest)?;
        let (name, value) = rest.split_at_checked(equals)?;
        let value = value.get(1..)?.trim_ascii_start();
        let (quote, value) = value.split_first()?;
        let end = memchr::memchr(*quote, value)?;
        let (value, rest) = value.split_at_checked(end)?;
        self.0 = rest.get(1..)?;
        Some((QName::split(name.trim_ascii_end()), Text::escaped(value)))
    }
}

/// A number that an attribute or an element holds.
pub(super) fn number(text: Text<'_>) -> Option<u32> {
    let mut cursor = crate::header::Cursor::new(text.raw().trim_ascii());
    let number = cursor.number(u32::MAX).ok()?;
    cursor.is_at_end().then_some(number)
}

/// Writes an attribute with a space before it, if there is a value.
pub(super) fn attribute(to: &mut Writer<'_>, name: &[u8], value: Option<&Text<'_>>) {
    if let Some(value) = value {
        to.fixed(b" ");
        to.fixed(name);
        to.fixed(b"=\"");
        value.write(to);
        to.fixed(b"\"");
    }
}

/// What stands in a document.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Event<'d> {
    /// An element begins. One that is empty ends with the next event.
    Start {
        /// Its name.
        name: QName<'d>,
        /// Its attributes.
        attributes: Attributes<'d>,
    },
    /// An element ends.
    End {
        /// Its name.
        name: QName<'d>,
    },
    /// Text between tags; white space alone is not reported.
    Text(Text<'d>),
}

/// Reads a document event by event.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Reader<'d> {
    octets: &'d [u8],
    at: usize,
    open: [&'d [u8]; DEPTH],
    depth: usize,
    /// The element that began last is empty and ends next.
    ends: bool,
    /// The root element was read.
    done: bool,
}

const DEPTH: usize = 24;

impl<'d> Reader<'d> {
    /// How deep elements may nest.
    pub const MAX_DEPTH: usize = DEPTH;

    /// A reader at the start of a document.
    pub const fn new(octets: &'d [u8]) -> Self {
        Self { octets, at: 0, open: [b""; DEPTH], depth: 0, ends: false, done: false }
    }

    /// The next event; `None` behind the root element.
    ///
    /// # Errors
    /// [`Fault::Xml`] or [`Fault::XmlDepth`], where it is.
    #[expect(clippy::should_implement_trait, reason = "an iterator would go on after an error")]
    pub fn next(&mut self) -> Result<Option<Event<'d>>, ParseError> {
        if self.ends {
            self.ends = false;
            return self.pop().map(Some);
        }
        loop {
            let rest = self.rest();
            if rest.is_empty() {
                return if self.done { Ok(None) } else { Err(self.error()) };
            }
            if !rest.starts_with(b"<") {
                let length = memchr::memchr(b'<', rest).unwrap_or(rest.len());
                let text = rest.get(..length).unwrap_or_default();
                let blank = text.trim_ascii().is_empty() || text == b"\xef\xbb\xbf";
                if !blank && self.depth == 0 {
                    return Err(self.error());
                }
                self.at += length;
                if !blank {
                    return Ok(Some(Event::Text(Text::escaped(text))));
                }
            } else if rest.starts_with(b"<?") {
                self.skip_to(b"?>")?;
            } else if rest.starts_with(b"<!--") {
                self.skip_to(b"-->")?;
            } else if rest.starts_with(b"<![CDATA[") && self.depth > 0 {
                let from = self.at + 9;
                self.skip_to(b"]]>")?;
                let text = self.octets.get(from..self.at - 3).unwrap_or_default();
                return Ok(Some(Event::Text(Text::plain(text))));
            } else if rest.starts_with(b"</") {
                return self.end_tag().map(Some);
            } else {
                return self.start_tag().map(Some);
            }
        }
    }

    /// Passes over what is left of the element that began last, and over its end.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn skip_element(&mut self) -> Result<(), ParseError> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            if self.next()?.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// The text of the element that began last, without white space around it; passes over its
    /// end. Of several pieces, the first.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn text(&mut self) -> Result<Option<Text<'d>>, ParseError> {
        let outside = self.depth.saturating_sub(1);
        let mut found = None;
        while self.depth > outside {
            match self.next()? {
                Some(Event::Text(text)) if self.depth == outside + 1 => {
                    found = found.or(Some(text.trimmed()));
                }
                Some(_) => {}
                None => break,
            }
        }
        Ok(found)
    }

    /// How many elements are open.
    pub const fn depth(&self) -> usize {
        self.depth
    }

    /// Where the next event begins, in octets.
    pub const fn offset(&self) -> usize {
        self.at
    }

    fn rest(&self) -> &'d [u8] {
        self.octets.get(self.at..).unwrap_or_default()
    }

    fn error(&self) -> ParseError {
        ParseError::new(Fault::Xml, self.at)
    }

    fn skip_to(&mut self, end: &[u8]) -> Result<(), ParseError> {
        let found = crate::header::cursor::find_sequence(self.rest(), end).ok_or(self.error())?;
        self.at += found + end.len();
        Ok(())
    }

    fn start_tag(&mut self) -> Result<Event<'d>, ParseError> {
        let rest = self.rest();
        let error = self.error();
        if self.done {
            return Err(error);
        }
        // A closing bracket may stand in an attribute's value.
        let mut quote = None;
        let end = rest.iter().position(|octet| match (quote, octet) {
            (None, b'>') => true,
            (None, b'"' | b'\'') => {
                quote = Some(*octet);
                false
            }
            (Some(open), octet) if open == *octet => {
                quote = None;
                false
            }
            _ => false,
        });
        let inside = end.and_then(|end| rest.get(1..end)).ok_or(error)?;
        let (inside, empty) = match inside {
            [inside @ .., b'/'] => (inside, true),
            inside => (inside, false),
        };
        let length = inside.iter().position(u8::is_ascii_whitespace).unwrap_or(inside.len());
        let (name, attributes) = inside.split_at_checked(length).ok_or(error)?;
        if !is_name(name) || !well_formed(attributes) {
            return Err(error);
        }
        let place =
            self.open.get_mut(self.depth).ok_or(ParseError::new(Fault::XmlDepth, self.at))?;
        *place = name;
        self.depth += 1;
        self.ends = empty;
        self.at += end.unwrap_or_default() + 1;
        Ok(Event::Start { name: QName::split(name), attributes: Attributes(attributes) })
    }

    fn end_tag(&mut self) -> Result<Event<'d>, ParseError> {
        let rest = self.rest();
        let end = memchr::memchr(b'>', rest).ok_or(self.error())?;
        let name = rest.get(2..end).unwrap_or_default().trim_ascii_end();
        let open = self.open.get(self.depth.wrapping_sub(1));
        if open != Some(&name) {
            return Err(self.error());
        }
        self.at += end + 1;
        self.pop()
    }

    fn pop(&mut self) -> Result<Event<'d>, ParseError> {
        self.depth = self.depth.checked_sub(1).ok_or(self.error())?;
        self.done = self.depth == 0;
        let name = self.open.get(self.depth).copied().unwrap_or_default();
        Ok(Event::End { name: QName::split(name) })
    }
}

fn is_name(name: &[u8]) -> bool {
    let allowed =
        |octet: &u8| octet.is_ascii_alphanumeric() || *octet >= 0x80 || b"_:-.".contains(octet);
    name.first().is_some_and(|first| !first.is_ascii_digit() && !b"-.".contains(first))
        && name.iter().all(allowed)
}

/// Whether these are attributes and nothing else.
fn well_formed(attributes: &[u8]) -> bool {
    let mut reader = Attributes(attributes);
    while !reader.0.trim_ascii_start().is_empty() {
        let before = reader.0.trim_ascii_start();
        let quote = before
            .get(memchr::memchr(b'=', before).map_or(0, |equals| equals + 1)..)
            .map(<[u8]>::trim_ascii_start)
            .and_then(<[u8]>::first);
        match (quote, reader.next()) {
            (Some(b'"' | b'\''), Some((name, _))) if is_name(name.local) => {}
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use std::string::String;
    use std::vec::Vec;

    use super::*;

    fn read(text: &str) -> Result<Vec<String>, ParseError> {
        let mut reader = Reader::new(text.as_bytes());
        let mut events = Vec::new();
        while let Some(event) = reader.next()? {
            let say = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
            events.push(match event {
                Event::Start { name, attributes } => {
                    let mut text = std::format!("<{}", say(name.local));
                    for (name, value) in attributes {
                        let value: Vec<u8> = value.octets().collect();
                        text += &std::format!(" {}={}", say(name.local), say(&value));
                    }
                    text
                }
                Event::End { name } => std::format!("</{}", say(name.local)),
                Event::Text(text) => say(&text.octets().collect::<Vec<_>>()),
            });
        }
        Ok(events)
    }

    #[test]
    fn elements_attributes_and_text_are_read() {
        let events = read(
            "<?xml version='1.0'?>\n<!-- > --><p:a x='1>2' p:y = \"&lt;&#x41;&#66;&none;\">\n\
             <b/>t &amp; u<![CDATA[<raw>&amp;]]><c ></c ></p:a>\n",
        )
        .unwrap();
        assert_eq!(
            events,
            ["<a x=1>2 y=<AB&none;", "<b", "</b", "t & u", "<raw>&amp;", "<c", "</c", "</a"]
        );
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for text in [
            "",
            "x",
            "<a>",
            "<a></b>",
            "</a>",
            "<a/><b/>",
            "<a/>x",
            "<a",
            "<a x>",
            "<a x=1/>",
            "<a x='1/>",
            "<1/>",
            "<a><!-- </a>",
            "<!DOCTYPE a [<!ENTITY x 'y'>]><a/>",
            "<a><![CDATA[</a>",
        ] {
            assert_eq!(read(text).unwrap_err().what, Fault::Xml, "{text}");
        }
    }

    #[test]
    fn nesting_ends_at_the_limit() {
        let deep = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
        assert!(read(&deep(Reader::MAX_DEPTH)).is_ok());
        let error = read(&deep(Reader::MAX_DEPTH + 1)).unwrap_err();
        assert_eq!(error, ParseError::new(Fault::XmlDepth, 3 * Reader::MAX_DEPTH));
    }
}
