//! Bodies: text or octets, with SDP and multipart taken apart.

use serde_json::Value;
use sip_core::header::{ContentType, Header};
use sip_core::message::{Message, Name};

use crate::report::{Fault, Fields, put, put_text};

/// How deep parts may nest before they are shown as octets only.
const DEPTH: usize = 8;

/// The body of a message that begins `skipped` octets into the input.
pub(super) fn show(message: &Message<'_>, skipped: usize) -> Value {
    let content_type = match message.typed::<ContentType<'_>>() {
        Some(Ok(content_type)) => Some(content_type),
        _ => None,
    };
    let at = skipped + message.head().len();
    entity(message.body(), at, content_type.as_ref(), DEPTH)
}

fn entity(body: &[u8], at: usize, content_type: Option<&ContentType<'_>>, depth: usize) -> Value {
    let mut fields = Fields::new();
    put(&mut fields, "length", body.len());
    put(&mut fields, "offset", at);
    match core::str::from_utf8(body) {
        Ok(text) if !body.contains(&0) => put(&mut fields, "text", text),
        _ => put(&mut fields, "hex", hex::encode(body)),
    }
    let Some(content_type) = content_type.filter(|_| !body.is_empty()) else {
        return fields.into();
    };
    if content_type.is(b"application", b"sdp") {
        put(&mut fields, "sdp", crate::sdp::decode(body).to_fields());
    } else if content_type.kind.eq_ignore_ascii_case(b"multipart") && depth > 0 {
        let mut shown = Fields::new();
        match content_type.params.get(b"boundary").flatten() {
            Some(boundary) => {
                let boundary = super::part::octets(&boundary);
                let (parts, whole) = parts(body, at, &boundary, depth);
                put(&mut shown, "parts", parts);
                let missing = Fault::new("the closing boundary is missing", at + body.len());
                let error = if whole { Value::Null } else { missing.to_json() };
                put(&mut shown, "error", error);
            }
            None => {
                let missing = Fault::new("Content-Type has no boundary", at);
                put(&mut shown, "parts", Vec::<Value>::new());
                put(&mut shown, "error", missing.to_json());
            }
        }
        put(&mut fields, "multipart", Value::Object(shown));
    }
    fields.into()
}

/// The parts of a multipart body (RFC 2046 section 5.1), and whether its end is there.
fn parts(body: &[u8], at: usize, boundary: &[u8], depth: usize) -> (Vec<Value>, bool) {
    let mut parts = Vec::new();
    // The first octet of the part that is open.
    let mut open: Option<usize> = None;
    let mut line_at = 0;
    for line in body.split_inclusive(|octet| *octet == b'\n') {
        let begin = line_at;
        line_at += line.len();
        let Some(rest) = line.strip_prefix(b"--").and_then(|l| l.strip_prefix(boundary)) else {
            continue;
        };
        let closing = rest.starts_with(b"--");
        let padding = if closing { rest.get(2..).unwrap_or_default() } else { rest };
        if !padding.trim_ascii().is_empty() {
            // A longer boundary, of an inner body perhaps.
            continue;
        }
        if let Some(open) = open {
            // The line end before a boundary belongs to the boundary.
            let octets = body.get(open..begin).unwrap_or_default();
            let octets = octets.strip_suffix(b"\n").unwrap_or(octets);
            let octets = octets.strip_suffix(b"\r").unwrap_or(octets);
            parts.push(part(octets, at + open, depth));
        }
        if closing {
            return (parts, true);
        }
        open = Some(line_at);
    }
    (parts, false)
}

/// A part: headers, an empty line, a body.
fn part(octets: &[u8], at: usize, depth: usize) -> Value {
    let mut headers: Vec<(&[u8], Vec<u8>)> = Vec::new();
    let mut body_at = 0;
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        let text = line.trim_ascii_end();
        body_at += line.len();
        if text.is_empty() {
            break;
        }
        match (text.first(), headers.last_mut()) {
            (Some(b' ' | b'\t'), Some((_, value))) => {
                value.push(b' ');
                value.extend_from_slice(text.trim_ascii_start());
            }
            _ => {
                let colon = text.iter().position(|octet| *octet == b':').unwrap_or(text.len());
                let (name, value) = text.split_at(colon);
                let value = value.strip_prefix(b":").unwrap_or(value);
                headers.push((name.trim_ascii(), value.trim_ascii().to_vec()));
            }
        }
    }
    let body = octets.get(body_at..).unwrap_or_default();
    let content_type = headers
        .iter()
        .find(|(name, _)| Name::parse(name) == Name::ContentType)
        .and_then(|(_, value)| ContentType::parse(value).ok());
    let shown = headers.iter().map(|(name, value)| {
        let mut fields = Fields::new();
        put_text(&mut fields, "name", name);
        put_text(&mut fields, "value", value);
        Value::Object(fields)
    });
    let mut fields = Fields::new();
    put(&mut fields, "headers", shown.collect::<Vec<_>>());
    let body = entity(body, at + body_at, content_type.as_ref(), depth.saturating_sub(1));
    put(&mut fields, "body", body);
    fields.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(body: &str) -> (Vec<Value>, bool) {
        parts(body.as_bytes(), 0, b"b", DEPTH)
    }

    #[test]
    fn preamble_and_epilogue_are_no_parts() {
        let (parts, whole) = shown("hello\r\n--b\r\n\r\none\r\n--b--\r\nbye");
        assert!(whole);
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0]["body"]["text"], "one");
        assert_eq!(parts[0]["body"]["offset"], 14);
    }

    #[test]
    fn a_longer_boundary_is_none_of_ours() {
        let (parts, whole) = shown("--b\r\nA: 1\r\n 2\r\n\r\n--bc\r\n--b--");
        assert!(whole);
        assert_eq!(parts[0]["headers"][0]["value"], "1 2");
        assert_eq!(parts[0]["body"]["text"], "--bc");
    }

    #[test]
    fn a_missing_end_is_told() {
        let (parts, whole) = shown("--b\r\n\r\none");
        assert!(parts.is_empty() && !whole);
    }
}
