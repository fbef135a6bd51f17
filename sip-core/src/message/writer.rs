//! Writes messages.

use core::net::{Ipv4Addr, Ipv6Addr};

use super::{Method, Name, Parts, Row, StatusCode};
use crate::error::{BufferTooSmall, WriteError};
use crate::header::{Header, Text};
use crate::uri::Uri;

/// Writes one message into a buffer of the host's, from its start line to its body.
///
/// No call fails on its own: a message that is too long is counted to its end, and
/// [`finish`](Self::finish) says how long the buffer has to be. A value that holds a CR or LF of
/// its own is refused there too; a fold within a received value becomes white space.
///
/// ```
/// use sip_core::header::{CSeq, CallId, MaxForwards};
/// use sip_core::message::{Message, Method, Name, Writer};
/// use sip_core::uri::Uri;
///
/// let mut buffer = [0; 512];
/// let mut writer = Writer::new(&mut buffer);
/// writer.request(Method::Options, &Uri::parse(b"sip:bob@example.com")?);
/// writer.header(&CallId(b"1@192.0.2.1"));
/// writer.header(&CSeq { number: 1, method: Method::Options });
/// writer.header(&MaxForwards(70));
/// writer.raw(Name::UserAgent, b"Handset");
/// let length = writer.finish().unwrap();
/// assert_eq!(Message::parse(&buffer[..length])?.headers().count(), 5);
/// # Ok::<(), sip_core::error::ParseError>(())
/// ```
#[derive(Debug)]
pub struct Writer<'b> {
    buffer: &'b mut [u8],
    /// How many octets were written, or would have been.
    at: usize,
    /// Something was refused.
    refused: bool,
}

impl<'b> Writer<'b> {
    /// A writer at the start of the buffer.
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, at: 0, refused: false }
    }

    /// Writes a request line.
    pub fn request(&mut self, method: Method<'_>, uri: &Uri<'_>) {
        self.text(method.as_bytes());
        self.fixed(b" ");
        if uri.headers_as_bytes().is_empty() {
            uri.write(self);
        } else {
            uri.without_headers().write(self);
        }
        self.fixed(b" SIP/2.0\r\n");
    }

    /// Writes a request line with a URI that is there as octets.
    pub fn request_to(&mut self, method: Method<'_>, uri: &[u8]) {
        self.text(method.as_bytes());
        self.fixed(b" ");
        self.text(uri);
        self.fixed(b" SIP/2.0\r\n");
    }

    /// Writes a status line; without a reason phrase the code's own.
    pub fn response<'r>(&mut self, code: StatusCode, reason: impl Into<Option<&'r [u8]>>) {
        self.fixed(b"SIP/2.0 ");
        self.fixed(&code.digits());
        self.fixed(b" ");
        self.text(reason.into().unwrap_or(code.reason().as_bytes()));
        self.fixed(b"\r\n");
    }

    /// The same with a reason phrase in several parts.
    pub(crate) fn response_of(&mut self, code: StatusCode, reason: &[&str]) {
        self.fixed(b"SIP/2.0 ");
        self.fixed(&code.digits());
        self.fixed(b" ");
        for part in reason {
            self.text(part.as_bytes());
        }
        self.fixed(b"\r\n");
    }

    /// Writes a row with a typed value.
    #[inline]
    pub fn header<'d, T: Header<'d>>(&mut self, value: &T) {
        match const { T::NAME } {
            Name::Other(token) => self.name(Name::Other(token)),
            _ => self.fixed(const { T::NAME.with_colon() }),
        }
        value.write(self);
        self.end_row();
    }

    /// Writes one row with all these values and commas between them; nothing where there are none.
    pub fn list<'d, 'v, T: Header<'d> + 'v>(&mut self, values: impl IntoIterator<Item = &'v T>) {
        let mut values = values.into_iter();
        let Some(first) = values.next() else { return };
        self.name(T::NAME);
        first.write(self);
        for value in values {
            self.fixed(b", ");
            value.write(self);
        }
        self.fixed(b"\r\n");
    }

    /// Writes a row with the value as it is. A CR or LF in it is refused.
    #[inline]
    pub fn raw(&mut self, name: Name<'_>, value: &[u8]) {
        self.name(name);
        self.text(value);
        self.end_row();
    }

    /// Writes a row with a number.
    pub fn raw_number(&mut self, name: Name<'_>, value: u32) {
        self.name(name);
        self.number(value);
        self.fixed(b"\r\n");
    }

    /// Writes a received row again.
    #[inline]
    pub fn row(&mut self, row: &Row<'_>) {
        self.raw(row.name, row.value);
    }

    /// Writes Content-Type, Content-Length and the body, and gives the length of the message.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub fn body(mut self, content_type: &[u8], body: &[u8]) -> Result<usize, WriteError> {
        self.fixed(b"Content-Type: ");
        self.text(content_type);
        self.fixed(b"\r\nContent-Length: ");
        self.number(u32::try_from(body.len()).unwrap_or(u32::MAX));
        self.fixed(b"\r\n\r\n");
        self.octets(body);
        self.end()
    }

    /// The same with a body that `write` puts into the buffer it is handed, giving its length.
    ///
    /// # Errors
    /// As [`finish`](Self::finish), or what `write` says is needed.
    pub fn body_with(
        self,
        content_type: &[u8],
        write: impl FnOnce(&mut [u8]) -> Result<usize, BufferTooSmall>,
    ) -> Result<usize, WriteError> {
        self.body_of(content_type, write)
    }

    /// The same with a body of several parts (RFC 2046 section 5.1). `content_type` names the
    /// boundary too; it stands in none of the parts.
    ///
    /// # Errors
    /// As [`Parts::finish`].
    pub fn body_parts(
        self,
        content_type: &[u8],
        boundary: &[u8],
        write: impl FnOnce(&mut Parts<'_>),
    ) -> Result<usize, WriteError> {
        self.body_of(content_type, |room| {
            let mut parts = Parts::new(room, boundary);
            write(&mut parts);
            parts.finish()
        })
    }

    fn body_of<E: Into<WriteError>>(
        mut self,
        content_type: &[u8],
        write: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<usize, WriteError> {
        const FIELD: usize = 10;
        self.fixed(b"Content-Type: ");
        self.text(content_type);
        self.fixed(b"\r\nContent-Length: ");
        // The length is not known yet: room for it, with the spaces that may stand there.
        let field = self.at;
        self.fixed(&[b' '; FIELD]);
        self.fixed(b"\r\n\r\n");
        let room = self.buffer.get_mut(self.at..).unwrap_or_default();
        let length = match write(room) {
            Ok(length) => length,
            Err(error) => {
                return Err(match error.into() {
                    WriteError::BufferTooSmall(BufferTooSmall { needed }) => {
                        BufferTooSmall { needed: self.at.saturating_add(needed) }.into()
                    }
                    other => other,
                });
            }
        };
        self.at = self.at.saturating_add(length);
        let mut rest = length;
        let digits = self.buffer.get_mut(field..field + FIELD).unwrap_or_default();
        for place in digits.iter_mut().rev() {
            *place = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.end()
    }

    /// Writes `Content-Length: 0` and the empty line, and gives the length of the message.
    ///
    /// # Errors
    /// [`WriteError::BufferTooSmall`] with what is needed, [`WriteError::LineEnd`] where a value
    /// held a line end.
    pub fn finish(mut self) -> Result<usize, WriteError> {
        self.fixed(b"Content-Length: 0\r\n\r\n");
        self.end()
    }

    /// Writes the name of a row and its colon. What a [`Header`] writes follows; the row is ended
    /// with [`end_row`](Self::end_row).
    #[inline]
    pub fn name(&mut self, name: Name<'_>) {
        match name {
            Name::Other(token) => {
                self.text(token);
                self.fixed(b": ");
            }
            known => self.fixed(known.in_row()),
        }
    }

    /// Ends a row.
    #[inline]
    pub fn end_row(&mut self) {
        self.fixed(b"\r\n");
    }

    /// Writes part of a value. A CR or LF that is no fold is refused; a fold becomes spaces.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn text(&mut self, text: &[u8]) {
        let Some(place) = self.room(text.len()) else { return self.count(text.len()) };
        if copy(place, text) {
            self.unfold(self.at, text);
        }
        self.at += text.len();
    }

    /// Writes a number.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn number(&mut self, number: u32) {
        if cfg!(target_pointer_width = "64") && number < 10_000 {
            // Two numbers of two digits side by side, and then four of one.
            let pairs = (number / 100) | ((number % 100) << 16);
            let tens = ((pairs * 103) >> 10) & 0x000f_000f;
            let digits = (tens | (pairs - tens * 10) << 8) + 0x3030_3030;
            let zeros = u32::from(number < 1000) + u32::from(number < 100) + u32::from(number < 10);
            let digits = (digits >> (8 * zeros)).to_le_bytes();
            return self.short(digits, 4 - zeros as usize);
        }
        self.long_number(number);
    }

    #[inline(never)]
    fn long_number(&mut self, number: u32) {
        let mut digits = [0; 10];
        let mut rest = number;
        let mut count = 0;
        for place in digits.iter_mut().rev() {
            *place = b'0' + (rest % 10) as u8;
            rest /= 10;
            count += 1;
            if rest == 0 {
                break;
            }
        }
        self.fixed(digits.get(digits.len() - count..).unwrap_or_default());
    }

    /// Writes the first of four octets. Where there is room for all, the others stand there until they
    /// are overwritten.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn short(&mut self, octets: [u8; 4], count: usize) {
        match self.room(4).and_then(|room| room.first_chunk_mut()) {
            Some(room) => {
                *room = octets;
                self.at += count;
            }
            None => self.fixed(octets.get(..count).unwrap_or_default()),
        }
    }

    /// Writes `;name=value`, the value without quotes.
    pub fn param(&mut self, name: &[u8], value: &[u8]) {
        self.fixed(b";");
        self.text(name);
        self.fixed(b"=");
        self.text(value);
    }

    /// Writes `;name="value"`, with the escapes that the value needs.
    pub fn quoted_param(&mut self, name: &[u8], value: &[u8]) {
        self.fixed(b";");
        self.text(name);
        self.fixed(b"=");
        Text::quoted(value).write(self);
    }

    /// What was written so far, as far as the buffer holds it.
    pub fn as_bytes(&self) -> &[u8] {
        self.buffer.get(..self.at).unwrap_or(self.buffer)
    }

    /// How many octets were written, or would have been.
    pub const fn len(&self) -> usize {
        self.at
    }

    /// Whether nothing was written yet.
    pub const fn is_empty(&self) -> bool {
        self.at == 0
    }

    /// Writes octets that hold no line end but what belongs there.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn fixed(&mut self, octets: &[u8]) {
        let Some(place) = self.room(octets.len()) else { return self.count(octets.len()) };
        copy(place, octets);
        self.at += octets.len();
    }

    /// Writes any octets.
    pub(crate) fn octets(&mut self, octets: &[u8]) {
        self.fixed(octets);
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn v4(&mut self, address: Ipv4Addr) {
        if cfg!(target_pointer_width = "64") {
            let [a, b, c, d] = address.octets().map(u32::from);
            for (part, dot) in [(a, 1), (b, 1), (c, 1), (d, 0)] {
                let (hundreds, rest) = (part / 100, part % 100);
                let tens = (rest * 103) >> 10;
                let digits = hundreds | tens << 8 | (rest - tens * 10) << 16;
                let zeros = u32::from(part < 100) + u32::from(part < 10);
                let digits = (digits + 0x2e30_3030) >> (8 * zeros);
                self.short(digits.to_le_bytes(), 3 - zeros as usize + dot);
            }
            return;
        }
        let mut text = [0; 16];
        let mut length = 0;
        for part in address.octets() {
            let digits = [b'0' + part / 100, b'0' + part / 10 % 10, b'0' + part % 10, b'.'];
            let zeros = usize::from(part < 100) + usize::from(part < 10);
            let digits = (u32::from_le_bytes(digits) >> (8 * zeros)).to_le_bytes();
            if let Some(place) = text.get_mut(length..).and_then(|text| text.first_chunk_mut()) {
                *place = digits;
            }
            length += 4 - zeros;
        }
        // Without the last dot.
        self.fixed(text.get(..length - 1).unwrap_or_default());
    }

    /// Writes an address as RFC 5952 has it: the first of the longest runs of zeros is left out.
    pub(crate) fn v6(&mut self, address: Ipv6Addr) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        if let Some(address) = address.to_ipv4_mapped() {
            self.fixed(b"::ffff:");
            return self.v4(address);
        }
        let groups = address.segments();
        let (mut run, mut longest, mut end) = (0, 1, 0);
        for (index, group) in (1_usize..).zip(groups) {
            run = if group == 0 { run + 1 } else { 0 };
            if run > longest {
                (longest, end) = (run, index);
            }
        }
        // No group where no run is long enough.
        let left_out = end.saturating_sub(longest)..end;
        let mut colon = false;
        for (index, group) in groups.into_iter().enumerate() {
            if left_out.contains(&index) {
                if index == left_out.start {
                    self.fixed(b"::");
                }
                colon = false;
                continue;
            }
            if colon {
                self.fixed(b":");
            }
            colon = true;
            let mut begun = false;
            for shift in [12, 8, 4, 0] {
                let digit = usize::from(group >> shift & 15);
                begun |= digit != 0 || shift == 0;
                if let Some(digit) = DIGITS.get(digit).filter(|_| begun) {
                    self.fixed(&[*digit]);
                }
            }
        }
    }

    /// The next octets of the buffer, if it has so many.
    #[inline(always)]
    fn room(&mut self, octets: usize) -> Option<&mut [u8]> {
        self.buffer.get_mut(self.at..)?.get_mut(..octets)
    }

    /// Counts octets that the buffer has no room for; so it has none for any that follow.
    #[cold]
    fn count(&mut self, octets: usize) {
        self.at = self.at.saturating_add(octets);
    }

    /// Ends the message.
    pub(crate) fn end(self) -> Result<usize, WriteError> {
        if self.at > self.buffer.len() {
            return Err(BufferTooSmall { needed: self.at }.into());
        }
        if self.refused {
            return Err(WriteError::LineEnd);
        }
        Ok(self.at)
    }

    /// Makes spaces of the folds in what was just copied; refuses line ends that are none.
    #[cold]
    fn unfold(&mut self, at: usize, text: &[u8]) {
        let mut rest = text;
        loop {
            rest = match rest {
                [] => break,
                [b'\r', b'\n', b' ' | b'\t', tail @ ..] => tail,
                [b'\r' | b'\n', ..] => {
                    self.refused = true;
                    break;
                }
                [_, tail @ ..] => tail,
            };
        }
        let written = self.buffer.get_mut(at..).unwrap_or_default();
        for octet in written.iter_mut().take(text.len()) {
            if matches!(octet, b'\r' | b'\n') {
                *octet = b' ';
            }
        }
    }
}

impl core::fmt::Write for Writer<'_> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.text(text.as_bytes());
        Ok(())
    }
}

/// Copies, and says whether there may have been a CR or LF: whether an octet was below 16. Both
/// slices have the same length.
///
/// The check rides on the copy, 16 octets at a time, which is cheaper than a search of its own. A
/// copy by slice would also bring its check of the lengths along. On a chip octet by octet will do.
#[cfg_attr(target_pointer_width = "64", inline(always))]
fn copy(to: &mut [u8], from: &[u8]) -> bool {
    if cfg!(target_pointer_width = "64") {
        // The last chunk overlaps with what stands before it.
        if let (Some(last), Some(to_last)) = (from.last_chunk::<16>(), to.last_chunk_mut()) {
            *to_last = *last;
            let mut least = *last;
            for (to, from) in to.as_chunks_mut::<16>().0.iter_mut().zip(from.as_chunks().0) {
                *to = *from;
                for (least, octet) in least.iter_mut().zip(from) {
                    *least = (*least).min(*octet);
                }
            }
            return least.iter().fold(false, |found, octet| found | (*octet < 16));
        }
        if let (Some(last), Some(to_last)) = (from.last_chunk::<8>(), to.last_chunk_mut()) {
            *to_last = *last;
            let first = from.first_chunk().unwrap_or(last);
            if let Some(to_first) = to.first_chunk_mut() {
                *to_first = *first;
            }
            return below_16(u64::from_ne_bytes(*first)) | below_16(u64::from_ne_bytes(*last));
        }
        if let (Some(last), Some(to_last)) = (from.last_chunk::<4>(), to.last_chunk_mut()) {
            *to_last = *last;
            let first = from.first_chunk().unwrap_or(last);
            if let Some(to_first) = to.first_chunk_mut() {
                *to_first = *first;
            }
            let (high, low) = (u32::from_ne_bytes(*first), u32::from_ne_bytes(*last));
            return below_16(u64::from(high) << 32 | u64::from(low));
        }
    }
    let mut found = false;
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
        found |= *from < 16;
    }
    found
}

/// Whether one of the eight octets is below 16.
#[inline(always)]
const fn below_16(word: u64) -> bool {
    word.wrapping_sub(0x1010_1010_1010_1010) & !word & 0x8080_8080_8080_8080 != 0
}
