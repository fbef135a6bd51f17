//! Session descriptions (RFC 8866, and RFC 4566 before it).

use serde_json::{Value, json};
use sip_core::sdp::{Attribute, Connection, Lines, Media, Origin, Session, Writer};

use crate::report::{Fault, Fields, Report, put, put_text, put_text_or_null};

/// Decodes one description.
pub(crate) fn decode(octets: &[u8]) -> Report {
    let session = match Session::parse(octets) {
        Ok(session) => session,
        Err(error) => return Report::broken(Fault::new(error, error.at)),
    };
    let mut fields = Fields::new();
    put(&mut fields, "version", 0);
    put(&mut fields, "origin", session.origin().as_ref().map_or(Value::Null, origin));
    put_text(&mut fields, "session_name", session.name());
    common(&mut fields, session.lines(), session.connection().as_ref());
    put(&mut fields, "times", times(session.lines()));
    put(&mut fields, "attributes", session.attributes().map(|a| attribute(&a)).collect::<Vec<_>>());
    let media = session.media().map(|m| description(&session, &m));
    put(&mut fields, "media", media.collect::<Vec<_>>());
    put(&mut fields, "lines", lines(octets));
    Report { error: None, fields, reencoded: encode(&session) }
}

fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|octet| *octet == b' ').filter(|word| !word.is_empty())
}

fn origin(origin: &Origin<'_>) -> Value {
    let mut fields = Fields::new();
    put_text(&mut fields, "username", origin.user);
    put_text(&mut fields, "session_id", origin.session);
    put_text(&mut fields, "session_version", origin.version);
    let mut words = words(origin.address);
    put_text_or_null(&mut fields, "nettype", words.next());
    put_text_or_null(&mut fields, "addrtype", words.next());
    put_text_or_null(&mut fields, "unicast_address", words.next());
    fields.into()
}

fn connection(connection: &Connection<'_>) -> Value {
    let mut fields = Fields::new();
    let mut words = words(connection.kind);
    put_text_or_null(&mut fields, "nettype", words.next());
    put_text_or_null(&mut fields, "addrtype", words.next());
    put_text(&mut fields, "address", connection.address);
    fields.into()
}

/// What both a session and a media description may have.
fn common(fields: &mut Fields, lines: Lines<'_>, own: Option<&Connection<'_>>) {
    let all = |letter: u8| {
        let found = lines.filter(move |(found, _)| *found == letter);
        found.map(|(_, value)| String::from_utf8_lossy(value).into()).collect::<Vec<Value>>()
    };
    for (name, letter) in [("information", b'i'), ("uri", b'u'), ("key", b'k')] {
        if let Some(value) = all(letter).into_iter().next() {
            put(fields, name, value);
        }
    }
    for (name, letter) in [("emails", b'e'), ("phones", b'p')] {
        let values = all(letter);
        if !values.is_empty() {
            put(fields, name, values);
        }
    }
    put(fields, "connection", own.map_or(Value::Null, connection));
    let bandwidths = lines.filter(|(letter, _)| *letter == b'b').map(|(_, value)| {
        let mut parts = value.splitn(2, |octet| *octet == b':');
        let mut fields = Fields::new();
        put_text_or_null(&mut fields, "bwtype", parts.next());
        put(&mut fields, "bandwidth", parts.next().and_then(number));
        Value::Object(fields)
    });
    put(fields, "bandwidths", bandwidths.collect::<Vec<_>>());
}

fn number(text: &[u8]) -> Option<u64> {
    core::str::from_utf8(text).ok()?.parse().ok()
}

/// The `t=` lines, each with the repetitions behind it.
fn times(lines: Lines<'_>) -> Vec<Value> {
    let mut times: Vec<Value> = Vec::new();
    for (letter, value) in lines {
        match (letter, times.last_mut()) {
            (b't', _) => {
                let mut words = words(value).map(number);
                times.push(json!({
                    "start_time": words.next().flatten(),
                    "stop_time": words.next().flatten(),
                    "repeat_times": [],
                }));
            }
            (b'r', Some(time)) => {
                if let Some(Value::Array(repeats)) = time.get_mut("repeat_times") {
                    repeats.push(String::from_utf8_lossy(value).into());
                }
            }
            _ => {}
        }
    }
    times
}

fn attribute(attribute: &Attribute<'_>) -> Value {
    let mut fields = Fields::new();
    put_text(&mut fields, "name", attribute.name);
    put_text_or_null(&mut fields, "value", attribute.value);
    fields.into()
}

fn description(session: &Session<'_>, media: &Media<'_>) -> Value {
    let mut fields = Fields::new();
    put_text(&mut fields, "media", media.kind);
    put(&mut fields, "port", media.port);
    put(&mut fields, "number_of_ports", media.ports);
    put_text(&mut fields, "proto", media.protocol);
    let formats = media.formats().map(|format| String::from_utf8_lossy(format).into());
    put(&mut fields, "formats", formats.collect::<Vec<Value>>());
    common(&mut fields, media.lines(), media.connection.as_ref());
    put(&mut fields, "attributes", media.attributes().map(|a| attribute(&a)).collect::<Vec<_>>());
    put(&mut fields, "direction", String::from_utf8_lossy(session.direction(media).name()));
    let encodings = media.payload_types().filter_map(|payload_type| {
        let map = media.rtpmap(payload_type)?;
        let mut fields = Fields::new();
        put(&mut fields, "payload_type", payload_type);
        put_text(&mut fields, "encoding_name", map.name);
        put(&mut fields, "clock_rate", map.clock_rate);
        put(&mut fields, "channels", map.channels);
        put_text_or_null(&mut fields, "format_parameters", media.fmtp(payload_type));
        Some(Value::Object(fields))
    });
    put(&mut fields, "encodings", encodings.collect::<Vec<_>>());
    fields.into()
}

/// Every line as it stands, with its place.
fn lines(octets: &[u8]) -> Vec<Value> {
    let mut at = 0;
    let mut shown = Vec::new();
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if let [letter, b'=', value @ ..] = text {
            let mut fields = Fields::new();
            put(&mut fields, "type", char::from(*letter).to_string());
            put_text(&mut fields, "value", value);
            put(&mut fields, "offset", at);
            shown.push(fields.into());
        }
        at += line.len();
    }
    shown
}

/// The description as our encoder writes it from what was read: origin, connections, times, media
/// and attributes from their parts, other lines as they stand.
fn encode(session: &Session<'_>) -> Option<Vec<u8>> {
    let mut buffer = vec![0; session.encoded_len() + 64];
    let mut writer = Writer::new(&mut buffer);
    writer.line(b'v', b"0");
    let mut first = true;
    for (letter, value) in session.lines() {
        match (letter, session.origin()) {
            // The version, which was read already.
            (b'v', _) if first => {}
            (b'o', Some(origin)) => {
                let parts = [origin.user, origin.session, origin.version, origin.address];
                writer.line(b'o', &parts.join(&b' '));
            }
            (b's', _) => writer.line(b's', session.name()),
            (b'c', _) => line_of_connection(&mut writer, session.connection().as_ref(), value),
            _ => line(&mut writer, letter, value),
        }
        first = false;
    }
    for media in session.media() {
        if media.ports == 1 {
            writer.media(media.kind, media.port, media.protocol, media.formats_as_bytes());
        } else {
            let port = format!("{}/{}", media.port, media.ports).into_bytes();
            let parts = [media.kind, &port, media.protocol, media.formats_as_bytes()];
            writer.line(b'm', &parts.join(&b' '));
        }
        for (letter, value) in media.lines() {
            match letter {
                b'c' => line_of_connection(&mut writer, media.connection.as_ref(), value),
                _ => line(&mut writer, letter, value),
            }
        }
    }
    let len = writer.finish().ok()?;
    buffer.truncate(len);
    Some(buffer)
}

/// A connection from its address, where that is all there is to it.
fn line_of_connection(writer: &mut Writer<'_>, known: Option<&Connection<'_>>, value: &[u8]) {
    let parts = known.map(|known| [known.kind, known.address].join(&b' '));
    match (known.and_then(Connection::ip), parts) {
        (Some(address), Some(parts)) if parts == value => writer.connection(address),
        _ => writer.line(b'c', value),
    }
}

fn line(writer: &mut Writer<'_>, letter: u8, value: &[u8]) {
    match letter {
        b't' => {
            let numbers = words(value).map(|word| number(word).and_then(|n| u32::try_from(n).ok()));
            match numbers.collect::<Vec<_>>().as_slice() {
                [Some(start), Some(stop)] => writer.time(*start, *stop),
                _ => writer.line(b't', value),
            }
        }
        b'a' => match value.iter().position(|octet| *octet == b':') {
            Some(colon) if colon + 1 < value.len() => {
                let (name, value) = value.split_at(colon);
                writer.attribute(name, value.get(1..).unwrap_or_default());
            }
            Some(_) => writer.line(b'a', value),
            None => writer.attribute(value, b""),
        },
        _ => writer.line(letter, value),
    }
}
