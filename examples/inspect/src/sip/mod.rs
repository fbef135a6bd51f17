//! SIP messages (RFC 3261).

mod body;
mod header;
mod part;

use sip_core::header::{ContentLength, ContentType};
use sip_core::message::{Limits, Message, Name, StartLine, Writer};
use sip_core::uri::Uri;

use crate::report::{Fault, Fields, Report, put, put_text};
use header::Shown;

/// Decodes one message: a datagram, or the first of a stream.
pub(crate) fn decode(octets: &[u8], stream: bool) -> Report {
    // Line ends before a start line belong to no message; places count from the input's beginning.
    let skipped = octets.iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
    let parsed = if stream {
        match Message::parse_stream(octets, &Limits::DEFAULT) {
            Ok(Some((used, message))) => Ok((used, message)),
            Ok(None) => {
                let words = "incomplete: the stream has to go on to hold the whole message";
                return Report::broken(Fault::new(words, octets.len()));
            }
            Err(error) => Err(error),
        }
    } else {
        Message::parse(octets).map(|message| (skipped + message.as_bytes().len(), message))
    };
    let (consumed, message) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return Report::broken(Fault::new(error, error.at)),
    };

    let headers = header::all(&message, skipped);
    let mut fields = Fields::new();
    start_line(&mut fields, &message, skipped);
    put(&mut fields, "consumed", consumed);
    put(&mut fields, "headers", headers.iter().map(Shown::to_json).collect::<Vec<_>>());
    put(&mut fields, "body", body::show(&message, skipped));
    let reencoded = encode(&message, &headers);
    Report { error: None, fields, reencoded }
}

fn start_line(fields: &mut Fields, message: &Message<'_>, skipped: usize) {
    match message.start() {
        StartLine::Request { method, uri } => {
            put(fields, "kind", "request");
            put_text(fields, "method", method.as_bytes());
            put(fields, "uri", part::request_uri(message, uri, skipped));
        }
        StartLine::Response { code, reason } => {
            put(fields, "kind", "response");
            put(fields, "status", code.get());
            put_text(fields, "reason", reason);
        }
    }
    put_text(fields, "version", version(message));
}

/// The version as the start line has it: first in a status line, last in a request line.
fn version<'d>(message: &Message<'d>) -> &'d [u8] {
    let line = message.as_bytes().split(|octet| *octet == b'\r').next().unwrap_or_default();
    let mut words = line.split(|octet| *octet == b' ');
    let word = if message.code().is_some() { words.next() } else { words.next_back() };
    word.unwrap_or_default()
}

/// The message as our encoder writes it: typed values from their parts, what has no type or no
/// valid value as it stands. Content-Type and Content-Length come last, where the encoder puts them.
fn encode(message: &Message<'_>, headers: &[Shown<'_>]) -> Option<Vec<u8>> {
    // Compact names grow, and so do lines that are put together anew.
    let mut buffer = vec![0; message.as_bytes().len() * 2 + 4096];
    let mut writer = Writer::new(&mut buffer);
    match message.start() {
        StartLine::Request { method, uri } => match Uri::parse(uri) {
            // A Request-URI may not have headers; the writer would leave them out.
            Ok(uri) if uri.headers_as_bytes().is_empty() => {
                writer.request(method, &part::rebuilt(&uri));
            }
            _ => writer.request_to(method, uri),
        },
        StartLine::Response { code, reason } => writer.response(code, reason),
    }
    let body = message.body();
    let content_type = message.row(Name::ContentType);
    for header in headers {
        match header.name() {
            Name::ContentLength => {}
            Name::ContentType if !body.is_empty() => {}
            _ => header.write(&mut writer),
        }
    }
    let len = match content_type {
        _ if body.is_empty() => writer.finish().ok()?,
        Some(row) => {
            let mut text = vec![0; row.value.len() * 2 + 64];
            let mut part = Writer::new(&mut text);
            match message.typed::<ContentType<'_>>() {
                Some(Ok(value)) => sip_core::header::Header::write(&value, &mut part),
                _ => part.text(row.value),
            }
            writer.body(part.as_bytes(), body).ok()?
        }
        None => {
            // A body without a type: the encoder has no call for what nobody should send.
            writer.header(&ContentLength(u32::try_from(body.len()).ok()?));
            writer.end_row();
            let mut octets = writer.as_bytes().to_vec();
            octets.extend_from_slice(body);
            return Some(octets);
        }
    };
    buffer.truncate(len);
    Some(buffer)
}
