//! How documents of the dialect are read and written.

use crate::error::{BufferTooSmall, Fault, ParseError};
use crate::message::Writer;
use crate::ntlm::Short;
use crate::presence::xml::{Attributes, Event, Reader, Text};

/// Writes a document to the start of `buffer`, and gives its length.
pub(super) fn written(
    buffer: &mut [u8],
    put: impl FnOnce(&mut Writer<'_>),
) -> Result<usize, BufferTooSmall> {
    let room = buffer.len();
    let mut to = Writer::new(buffer);
    put(&mut to);
    match to.len() {
        len if len <= room => Ok(len),
        needed => Err(BufferTooSmall { needed }),
    }
}

/// How many octets a document takes.
pub(super) fn measured(put: impl FnOnce(&mut Writer<'_>)) -> usize {
    let mut to = Writer::new(&mut []);
    put(&mut to);
    to.len()
}

/// Writes ` name="value"`.
pub(super) fn attribute(to: &mut Writer<'_>, name: &[u8], value: &Text<'_>) {
    to.fixed(b" ");
    to.fixed(name);
    to.fixed(b"=\"");
    value.write(to);
    to.fixed(b"\"");
}

/// Writes ` name="value"` where there is a value.
pub(super) fn optional(to: &mut Writer<'_>, name: &[u8], value: Option<&Text<'_>>) {
    if let Some(value) = value {
        attribute(to, name, value);
    }
}

/// Writes ` name="number"`.
pub(super) fn number_attribute(to: &mut Writer<'_>, name: &[u8], value: u32) {
    to.fixed(b" ");
    to.fixed(name);
    to.fixed(b"=\"");
    to.number(value);
    to.fixed(b"\"");
}

/// Writes `<name>value</name>`.
pub(super) fn element(to: &mut Writer<'_>, name: &[u8], value: &Text<'_>) {
    to.fixed(b"<");
    to.fixed(name);
    to.fixed(b">");
    value.write(to);
    to.fixed(b"</");
    to.fixed(name);
    to.fixed(b">");
}

/// A number that an attribute or an element holds.
pub(super) fn number(text: Text<'_>) -> Option<u32> {
    crate::ntlm::number(text.raw().trim_ascii())
}

/// The value of an attribute, which is not empty.
pub(super) fn value<'d>(attributes: Attributes<'d>, name: &[u8]) -> Option<Text<'d>> {
    attributes.get(name).filter(|value| !value.raw().is_empty())
}

/// The number of an attribute.
pub(super) fn number_of(attributes: Attributes<'_>, name: &[u8]) -> Option<u32> {
    attributes.get(name).and_then(number)
}

/// Enters the root element, which has this local name: its attributes.
pub(super) fn root<'d>(
    reader: &mut Reader<'d>,
    local: &[u8],
) -> Result<Attributes<'d>, ParseError> {
    match reader.next()? {
        Some(Event::Start { name, attributes }) if name.local == local => Ok(attributes),
        _ => Err(ParseError::new(Fault::Document, 0)),
    }
}

/// Reads a document to its end: whether it is well-formed.
pub(super) fn check(mut reader: Reader<'_>) -> Result<(), ParseError> {
    while reader.next()?.is_some() {}
    Ok(())
}

/// What stands within the element that began last, as it stands; passes over its end.
pub(super) fn inside<'d>(
    reader: &mut Reader<'d>,
    octets: &'d [u8],
) -> Result<&'d [u8], ParseError> {
    let from = reader.offset();
    reader.skip_element()?;
    let all = octets.get(from..reader.offset()).unwrap_or_default();
    let end = all.iter().rposition(|octet| *octet == b'<').unwrap_or_default();
    Ok(all.get(..end).unwrap_or_default())
}

/// Whether text is `true` or `1`, as XML Schema has it.
pub(super) fn is_true(text: Text<'_>) -> bool {
    matches!(text.raw().trim_ascii(), b"true" | b"1")
}

/// A URI without its scheme `sip:`, as the documents of the dialect often have it.
pub(super) fn without_scheme<'d>(text: &Text<'d>) -> Text<'d> {
    text.strip_prefix(b"sip:").unwrap_or(*text)
}

/// Whether two addresses name one user: without `sip:`, parameters and case.
#[must_use]
pub(super) fn same_user(one: &Text<'_>, other: &Text<'_>) -> bool {
    let bare = |text: &Text<'_>| {
        let mut bare = Short::<256>::EMPTY;
        for octet in without_scheme(text).octets().take_while(|octet| *octet != b';') {
            if !bare.push(&[octet.to_ascii_lowercase()]) {
                return None;
            }
        }
        Some(bare)
    };
    matches!((bare(one), bare(other)), (Some(one), Some(other)) if one == other)
}
