//! What header values are made of: URIs, addresses, parameters.

use serde_json::{Value, json};
use sip_core::header::{Address, Param, Params, Text};
use sip_core::message::Message;
use sip_core::uri::{Host, Uri};

use crate::report::{Fault, Fields, put, put_text, put_text_or_null};

/// The Request-URI, or what is wrong with it.
pub(super) fn request_uri(message: &Message<'_>, raw: &[u8], skipped: usize) -> Value {
    match message.request_uri() {
        Some(Ok(parsed)) => uri(&parsed),
        Some(Err(error)) => {
            let mut fields = Fields::new();
            put_text(&mut fields, "uri", raw);
            put(&mut fields, "error", Fault::new(error, skipped + error.at).to_json());
            fields.into()
        }
        None => Value::Null,
    }
}

/// A URI with its parts.
pub(super) fn uri(uri: &Uri<'_>) -> Value {
    let mut fields = Fields::new();
    if let Some(text) = uri.as_bytes() {
        put_text(&mut fields, "uri", text);
    }
    put_text(&mut fields, "scheme", &uri.scheme().as_bytes().to_ascii_lowercase());
    if let Some(opaque) = uri.opaque() {
        put_text(&mut fields, "opaque", opaque);
        return fields.into();
    }
    put_text_or_null(&mut fields, "user", uri.user());
    put_text_or_null(&mut fields, "password", uri.password());
    put(&mut fields, "host", uri.host().map_or(Value::Null, host));
    put(&mut fields, "port", uri.port());
    put(&mut fields, "parameters", uri.params().map(pair).collect::<Vec<_>>());
    put(&mut fields, "headers", uri.headers().map(pair).collect::<Vec<_>>());
    fields.into()
}

/// The same URI, to be written from its parts and not as it was received.
pub(super) fn rebuilt<'d>(uri: &Uri<'d>) -> Uri<'d> {
    uri.with_port(uri.port())
}

pub(super) fn host(host: Host<'_>) -> Value {
    match host {
        Host::Name(name) => String::from_utf8_lossy(name).into(),
        Host::V4(address) => address.to_string().into(),
        Host::V6(address) => format!("[{address}]").into(),
    }
}

fn pair((name, value): (&[u8], Option<&[u8]>)) -> Value {
    let mut fields = Fields::new();
    put_text(&mut fields, "name", name);
    put_text_or_null(&mut fields, "value", value);
    fields.into()
}

/// What a text says, with its escapes resolved.
pub(super) fn octets(text: &Text<'_>) -> Vec<u8> {
    text.octets().collect()
}

/// A display name, a URI and parameters, into the fields of a header.
pub(super) fn address(fields: &mut Fields, address: &Address<'_>) {
    put_text_or_null(fields, "display_name", address.display().as_ref().map(octets).as_deref());
    put(fields, "uri", uri(&address.uri()));
}

pub(super) fn params(params: &Params<'_>) -> Value {
    params.iter().map(|p| param(&p)).collect()
}

pub(super) fn param(param: &Param<'_>) -> Value {
    let mut fields = Fields::new();
    put_text(&mut fields, "name", param.name);
    put_text_or_null(&mut fields, "value", param.value.as_ref().map(octets).as_deref());
    if param.value.is_some_and(|text| text.is_quoted()) {
        put(&mut fields, "quoted", true);
    }
    fields.into()
}

/// An error within a value, at its place in the input.
pub(super) fn error(error: sip_core::error::ParseError, skipped: usize) -> Value {
    json!({ "message": error.what.to_string(), "offset": skipped + error.at })
}
