//! Reads the tokens, numbers and strings that header values are made of.
//!
//! Every function here moves forward only, so a value is read in linear time. White space is what
//! RFC 3261 section 25.1 calls LWS: a folded value keeps its CR LF, which only ever stands before
//! a space or a tab and is white space like them.
//!
//! What is hot here, and in the rest of the wire layers, is put into its callers on machines with
//! addresses of 64 bits only: there it saves time, and on a chip it would cost a third of the
//! crate's flash.

use crate::error::{Fault, ParseError};

use super::params::{Param, Params};
pub(crate) use super::scan::find;
use super::text::Text;

/// Octets that a token may hold (RFC 3261 section 25.1).
pub(crate) const TOKEN: u8 = 1;
/// Octets that the user part of a SIP URI may hold, with the password and its colon.
pub(crate) const USER: u8 = 2;
/// Octets that a host name may hold; the underscore is none of them by the grammar, but is met.
pub(crate) const HOST: u8 = 4;
/// Octets of the parameters of a SIP URI, with their separators; the quote is met in MS-SIP.
pub(crate) const URI_PARAM: u8 = 8;
/// Octets of the header part of a SIP URI, with their separators.
pub(crate) const URI_HEADER: u8 = 16;
/// Octets of a header parameter's value that is not quoted.
pub(crate) const VALUE: u8 = 32;
/// Octets of a display name that is not quoted, with the white space between its words.
pub(crate) const DISPLAY: u8 = 64;
/// Octets of a URI that stands without angle brackets.
pub(crate) const BARE_URI: u8 = 128;

/// The classes of each octet.
pub(crate) static CLASS: [u8; 256] = classes();

#[allow(clippy::indexing_slicing, reason = "runs in the compiler only")]
const fn classes() -> [u8; 256] {
    const fn add(table: &mut [u8; 256], octets: &[u8], class: u8) {
        let mut i = 0;
        while i < octets.len() {
            table[octets[i] as usize] |= class;
            i += 1;
        }
    }
    let mut table = [0; 256];
    let mut octet = 0_usize;
    while octet < 256 {
        if (octet as u8).is_ascii_alphanumeric() {
            table[octet] =
                TOKEN | USER | HOST | URI_PARAM | URI_HEADER | VALUE | DISPLAY | BARE_URI;
        } else if octet >= 0x80 {
            table[octet] = USER | VALUE | DISPLAY | BARE_URI;
        } else if octet > 0x20 && octet < 0x7f {
            table[octet] = VALUE | BARE_URI;
        }
        octet += 1;
    }
    add(&mut table, b"-.!%*_+`'~", TOKEN | DISPLAY);
    add(&mut table, b" \t\r\n", DISPLAY);
    add(&mut table, b"-_.!~*'()%", USER | URI_PARAM | URI_HEADER);
    add(&mut table, b"&=+$,;?/:#", USER);
    add(&mut table, b"-._", HOST);
    add(&mut table, b"[]/:&+$;=\"", URI_PARAM);
    add(&mut table, b"[]/?:+$&=", URI_HEADER);
    let mut i = 0;
    while i < 6 {
        table[b"\",;<>\\"[i] as usize] &= !(VALUE | BARE_URI);
        i += 1;
    }
    table[b'?' as usize] &= !BARE_URI;
    table
}

/// The classes of an octet.
#[inline(always)]
#[allow(clippy::indexing_slicing, reason = "there is an entry for every octet")]
fn class_of(octet: u8) -> u8 {
    CLASS[usize::from(octet)]
}

/// How many of the first octets are of the class.
///
/// Four at a time: one branch for four octets instead of eight.
#[cfg_attr(target_pointer_width = "64", inline(always))]
pub(crate) fn span(octets: &[u8], class: u8) -> usize {
    let (chunks, _) = octets.as_chunks::<4>();
    let mut count = 0;
    for [a, b, c, d] in chunks {
        let all = class_of(*a) & class_of(*b) & class_of(*c) & class_of(*d);
        if all & class == 0 {
            break;
        }
        count += 4;
    }
    for octet in octets.get(count..).unwrap_or_default() {
        if class_of(*octet) & class == 0 {
            break;
        }
        count += 1;
    }
    count
}

/// Where a few octets stand in a row. The first of them is searched for, and is to be rare.
pub(crate) fn find_sequence(octets: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut at = 0;
    loop {
        let rest = octets.get(at..)?;
        let found = memchr::memchr(first, rest)?;
        if rest.get(found..)?.starts_with(wanted) {
            return Some(at + found);
        }
        at += found + 1;
    }
}

/// Reads a header value from its start to its end.
///
/// Whoever types a header of their own (see [`Header`](super::Header)) reads it with this.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Cursor<'d> {
    octets: &'d [u8],
    at: usize,
    /// The offset of the first octet, in whatever the errors are to speak of.
    base: usize,
}

impl<'d> Cursor<'d> {
    /// A cursor at the start of these octets.
    #[inline]
    pub const fn new(octets: &'d [u8]) -> Self {
        Self { octets, at: 0, base: 0 }
    }

    /// A cursor whose errors count from `base` octets before its start.
    #[inline]
    pub const fn with_base(octets: &'d [u8], base: usize) -> Self {
        Self { octets, at: 0, base }
    }

    /// Skips white space, folds included.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn skip_whitespace(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    /// Takes the octet if it is the next.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn eat(&mut self, octet: u8) -> bool {
        let eaten = self.peek() == Some(octet);
        self.at += usize::from(eaten);
        eaten
    }

    /// Takes the octet with the white space around it, or says that it is not there.
    pub fn require(&mut self, octet: u8, or: Fault) -> Result<(), ParseError> {
        self.skip_whitespace();
        if !self.eat(octet) {
            return Err(self.error(or));
        }
        self.skip_whitespace();
        Ok(())
    }

    /// Takes the octets of a class; there may be none.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn span(&mut self, class: u8) -> &'d [u8] {
        let rest = self.rest();
        let count = span(rest, class);
        self.at += count;
        rest.get(..count).unwrap_or_default()
    }

    /// Takes a token (RFC 3261 section 25.1).
    ///
    /// # Errors
    /// [`Fault::Token`] where none stands.
    #[inline]
    pub fn token(&mut self) -> Result<&'d [u8], ParseError> {
        match self.span(TOKEN) {
            [] => Err(self.error(Fault::Token)),
            token => Ok(token),
        }
    }

    /// Takes a decimal number of at most `max`.
    ///
    /// # Errors
    /// [`Fault::Number`] where no digit stands, [`Fault::OutOfRange`] where it is greater.
    #[inline]
    pub fn number(&mut self, max: u32) -> Result<u32, ParseError> {
        let start = self.at;
        let mut value = 0_u64;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            value = (value * 10 + u64::from(digit - b'0')).min(1 << 40);
            self.at += 1;
        }
        if self.at == start {
            return Err(self.error(Fault::Number));
        }
        match u32::try_from(value) {
            Ok(value) if value <= max => Ok(value),
            _ => Err(ParseError::new(Fault::OutOfRange, self.base + start)),
        }
    }

    /// Takes a quoted string with its quotes; gives what is between them, escapes and all.
    ///
    /// # Errors
    /// [`Fault::Quote`] where no quote stands, or where the string does not end.
    pub fn quoted(&mut self) -> Result<Text<'d>, ParseError> {
        let start = self.at;
        if !self.eat(b'"') {
            return Err(self.error(Fault::Quote));
        }
        let inside = self.at;
        loop {
            let Some(found) = find(self.rest(), [b'"', b'\\']) else {
                self.at = start;
                return Err(self.error(Fault::Quote));
            };
            self.at += found;
            if self.eat(b'"') {
                let text = self.octets.get(inside..self.at - 1).unwrap_or_default();
                return Ok(Text::escaped(text));
            }
            self.at = (self.at + 2).min(self.octets.len());
        }
    }

    /// Takes a token or a quoted string.
    ///
    /// # Errors
    /// [`Fault::Token`] or [`Fault::Quote`].
    pub fn token_or_quoted(&mut self) -> Result<Text<'d>, ParseError> {
        match self.peek() {
            Some(b'"') => self.quoted(),
            _ => self.token().map(Text::token),
        }
    }

    /// Takes `;name=value` as often as it stands, and the white space before it.
    ///
    /// # Errors
    /// [`Fault::Parameter`] where a parameter is empty, [`Fault::Quote`].
    pub fn params(&mut self) -> Result<Params<'d>, ParseError> {
        self.params_with(|_| {})
    }

    /// The same, and shows each parameter as it goes by.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn params_with(
        &mut self,
        mut seen: impl FnMut(&Param<'d>),
    ) -> Result<Params<'d>, ParseError> {
        self.skip_whitespace();
        let start = self.at;
        let mut end = start;
        while self.eat(b';') {
            let param = self.param()?;
            seen(&param);
            end = self.at;
            self.skip_whitespace();
        }
        Ok(Params::validated(self.octets.get(start..end).unwrap_or_default()))
    }

    /// Takes `name`, `name=token` or `name="string"`.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn param(&mut self) -> Result<Param<'d>, ParseError> {
        self.skip_whitespace();
        let name = self.span(TOKEN);
        if name.is_empty() {
            return Err(self.error(Fault::Parameter));
        }
        let end = self.at;
        self.skip_whitespace();
        if !self.eat(b'=') {
            self.at = end;
            return Ok(Param { name, value: None });
        }
        self.skip_whitespace();
        if self.peek() == Some(b'"') {
            return Ok(Param { name, value: Some(self.quoted()?) });
        }
        match self.span(VALUE) {
            [] => Err(self.error(Fault::Parameter)),
            value => Ok(Param { name, value: Some(Text::token(value)) }),
        }
    }

    /// Takes a comma and the white space around it, if one stands next.
    #[inline]
    pub fn comma(&mut self) -> bool {
        self.skip_whitespace();
        let eaten = self.eat(b',');
        if eaten {
            self.skip_whitespace();
        }
        eaten
    }

    /// Takes all that is left, without the white space at its end.
    pub fn take_rest(&mut self) -> &'d [u8] {
        self.skip_whitespace();
        let rest = self.rest();
        self.at = self.octets.len();
        trim_end(rest)
    }

    /// Moves on by this many octets.
    #[inline(always)]
    pub(crate) fn advance(&mut self, octets: usize) {
        self.at = (self.at + octets).min(self.octets.len());
    }

    /// Moves back to an offset that [`position`](Self::position) gave.
    #[inline(always)]
    pub(crate) fn rewind(&mut self, position: usize) {
        self.at = position.min(self.at);
    }

    /// Checks that nothing but white space is left.
    ///
    /// # Errors
    /// [`Fault::Trailing`].
    #[inline]
    pub fn end(&mut self) -> Result<(), ParseError> {
        self.skip_whitespace();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.error(Fault::Trailing)),
        }
    }

    /// Checks that nothing or a comma is left.
    #[inline]
    pub(crate) fn end_of_value(&mut self) -> Result<(), ParseError> {
        self.skip_whitespace();
        match self.peek() {
            None | Some(b',') => Ok(()),
            Some(_) => Err(self.error(Fault::Trailing)),
        }
    }

    /// The next octet.
    #[inline(always)]
    pub fn peek(&self) -> Option<u8> {
        self.octets.get(self.at).copied()
    }

    /// What is left.
    #[inline(always)]
    pub fn rest(&self) -> &'d [u8] {
        self.octets.get(self.at..).unwrap_or_default()
    }

    /// Whether nothing is left.
    pub fn is_at_end(&self) -> bool {
        self.at >= self.octets.len()
    }

    /// How many octets were read.
    #[inline(always)]
    pub const fn position(&self) -> usize {
        self.at
    }

    /// The offset of the next octet, as errors give it.
    #[inline(always)]
    pub const fn offset(&self) -> usize {
        self.base + self.at
    }

    /// The octets from an earlier [`position`](Self::position) to here.
    #[inline(always)]
    pub fn since(&self, position: usize) -> &'d [u8] {
        self.octets.get(position..self.at).unwrap_or_default()
    }

    /// An error at the next octet.
    #[cold]
    pub const fn error(&self, what: Fault) -> ParseError {
        ParseError::new(what, self.base + self.at)
    }
}

/// Without the white space at the end.
#[inline]
pub(crate) fn trim_end(mut octets: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t' | b'\r' | b'\n'] = octets {
        octets = rest;
    }
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_do_not_wrap() {
        let read = |text: &'static [u8]| Cursor::new(text).number(u32::MAX).map_err(|e| e.what);
        assert_eq!(read(b"4294967295"), Ok(u32::MAX));
        assert_eq!(read(b"0009"), Ok(9));
        assert_eq!(read(b"4294967296"), Err(Fault::OutOfRange));
        assert_eq!(read(b"36893488147419103232"), Err(Fault::OutOfRange));
        assert_eq!(read(b"-1"), Err(Fault::Number));
        assert_eq!(read(b""), Err(Fault::Number));
    }

    #[test]
    fn quoted_strings_end_at_the_quote_that_is_not_escaped() {
        let mut cursor = Cursor::new(br#""a \" b\\" rest"#);
        assert_eq!(cursor.quoted().unwrap().raw(), br#"a \" b\\"#);
        assert_eq!(cursor.rest(), b" rest");
        for open in [&br#""abc"#[..], br#""abc\"#, br#""abc\""#, b"\"", b"x"] {
            assert_eq!(Cursor::new(open).quoted().unwrap_err(), ParseError::new(Fault::Quote, 0));
        }
    }

    #[test]
    fn parameters_may_have_folds_and_quotes_around_them() {
        let text = b" ;\r\n tag = 98asjd8 ;lr;x=\"<a;b,c>\" , next";
        let mut cursor = Cursor::new(text);
        let params = cursor.params().unwrap();
        assert_eq!(params.get(b"TAG").unwrap().unwrap().raw(), b"98asjd8");
        assert_eq!(params.get(b"lr"), Some(None));
        assert_eq!(params.get(b"x").unwrap().unwrap().raw(), b"<a;b,c>");
        assert!(cursor.comma());
        assert_eq!(cursor.rest(), b"next");
        for (bad, at) in [(&b";;a"[..], 1), (b";a=;b", 3), (b";", 1), (b";a;", 3), (b";=b", 1)] {
            let error = Cursor::new(bad).params().unwrap_err();
            assert_eq!(error, ParseError::new(Fault::Parameter, at), "{}", bad.escape_ascii());
        }
    }
}
