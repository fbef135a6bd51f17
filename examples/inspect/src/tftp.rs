//! TFTP packets (RFC 1350 section 5, options of RFC 2347).

use serde_json::{Value, json};
use tftp_core::error::BufferTooSmall;
use tftp_core::option::Options;
use tftp_core::packet::{Kind, Packet};

use crate::report::{Fault, Fields, Report, grow, put, put_text};

/// Decodes one packet.
pub(crate) fn decode(octets: &[u8]) -> Report {
    let packet = match Packet::parse(octets) {
        Ok(packet) => packet,
        Err(error) => return Report::broken(Fault::new(error, error.at)),
    };
    let mut fields = Fields::new();
    match &packet {
        Packet::Request(request) => {
            let (opcode, name) = match request.kind {
                Kind::Read => (1, "RRQ"),
                Kind::Write => (2, "WRQ"),
            };
            kind(&mut fields, opcode, name);
            put_text(&mut fields, "filename", request.name);
            put(&mut fields, "mode", request.mode.name());
            put(&mut fields, "options", options(request.options));
            put(&mut fields, "negotiation", negotiation(request.options));
        }
        Packet::Data { block, data } => {
            kind(&mut fields, 3, "DATA");
            put(&mut fields, "block", *block);
            put(&mut fields, "data", json!({ "length": data.len(), "hex": hex::encode(data) }));
        }
        Packet::Ack { block } => {
            kind(&mut fields, 4, "ACK");
            put(&mut fields, "block", *block);
        }
        Packet::Error { code, message } => {
            kind(&mut fields, 5, "ERROR");
            put(&mut fields, "error_code", code.number());
            put(&mut fields, "error_meaning", code.message());
            put_text(&mut fields, "error_message", message);
        }
        Packet::Oack(offered) => {
            kind(&mut fields, 6, "OACK");
            put(&mut fields, "options", options(*offered));
            put(&mut fields, "negotiation", negotiation(*offered));
        }
    }
    let len = packet.encoded_len();
    let reencoded =
        grow(len, |error: &BufferTooSmall| Some(error.needed), |buffer| packet.write(buffer));
    Report { error: None, fields, reencoded }
}

fn kind(fields: &mut Fields, opcode: u16, name: &str) {
    put(fields, "opcode", opcode);
    put(fields, "type", name);
}

fn options(options: Options<'_>) -> Value {
    let show = |(name, value): (&[u8], &[u8])| {
        let mut fields = Fields::new();
        put_text(&mut fields, "name", name);
        put_text(&mut fields, "value", value);
        Value::Object(fields)
    };
    options.iter().map(show).collect()
}

/// The options that RFC 2348, 2349 and 7440 define, as the numbers that they are.
fn negotiation(options: Options<'_>) -> Value {
    let known = options.known();
    json!({
        "blksize": known.blksize,
        "timeout": known.timeout,
        "tsize": known.tsize,
        "windowsize": known.windowsize,
    })
}
