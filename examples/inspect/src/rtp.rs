//! RTP packets (RFC 3550 section 5.1) with header extensions (RFC 8285).

use rtp_core::extension::{HeaderExtension, ONE_BYTE, TWO_BYTE};
use rtp_core::packet::Packet;
use serde_json::{Value, json};

use crate::report::{Fault, Fields, Report, put};

/// Decodes one packet.
pub(crate) fn decode(octets: &[u8]) -> Report {
    let packet = match Packet::parse(octets) {
        Ok(packet) => packet,
        Err(error) => return Report::broken(Fault::new(error, error.at)),
    };
    let mut fields = Fields::new();
    put(&mut fields, "version", 2);
    put(&mut fields, "padding", packet.padding != 0);
    put(&mut fields, "csrc_count", packet.csrcs.len());
    put(&mut fields, "marker", packet.marker);
    put(&mut fields, "payload_type", packet.payload_type);
    put(&mut fields, "sequence_number", packet.sequence_number);
    put(&mut fields, "timestamp", packet.timestamp);
    put(&mut fields, "ssrc", packet.ssrc.0);
    put(&mut fields, "csrc", packet.csrcs.iter().map(|csrc| csrc.0).collect::<Vec<_>>());
    put(&mut fields, "extension", packet.extension.as_ref().map_or(Value::Null, extension));
    put(
        &mut fields,
        "payload",
        json!({ "length": packet.payload.len(), "hex": hex::encode(packet.payload) }),
    );
    put(&mut fields, "padding_length", packet.padding);
    let mut reencoded = vec![0; packet.encoded_len()];
    let written = packet.write(&mut reencoded).is_ok();
    Report { error: None, fields, reencoded: written.then_some(reencoded) }
}

fn extension(extension: &HeaderExtension<'_>) -> Value {
    let mut fields = Fields::new();
    put(&mut fields, "profile", extension.profile);
    put(&mut fields, "length", extension.data.len() / 4);
    put(&mut fields, "octets", hex::encode(extension.data));
    let form = match extension.profile {
        ONE_BYTE => "one-byte",
        profile if profile & 0xfff0 == TWO_BYTE => "two-byte",
        _ => return fields.into(),
    };
    put(&mut fields, "form", form);
    let elements = extension
        .elements()
        .map(|element| json!({ "id": element.id, "octets": hex::encode(element.data) }));
    put(&mut fields, "elements", elements.collect::<Vec<_>>());
    fields.into()
}
