//! RTCP packets (RFC 3550 section 6): all those of one datagram.

use rtp_core::rtcp::{Application, Chunk, Goodbye, Item, ItemType, Packet, Raw, ReportBlock};
use serde_json::{Value, json};

use crate::report::{Fault, Fields, Report, put, put_text};

/// Decodes the packets of one datagram. What stands before a fault is shown.
pub(crate) fn decode(octets: &[u8]) -> Report {
    let mut packets = Vec::new();
    let mut reencoded = Vec::new();
    let mut rest = octets;
    let mut error = None;
    loop {
        let at = octets.len() - rest.len();
        match next(rest) {
            Ok((shown, written, after)) => {
                packets.push(shown);
                reencoded.extend(written);
                rest = after;
            }
            Err(fault) => {
                error = Some(Fault { offset: at + fault.offset, ..fault });
                break;
            }
        }
        if rest.is_empty() {
            break;
        }
    }
    let mut fields = Fields::new();
    put(&mut fields, "packets", packets);
    Report { error, fields, reencoded: Some(reencoded) }
}

type Shown<'a> = (Value, Vec<u8>, &'a [u8]);

/// The packet at the beginning of `octets`, and what follows it.
fn next(octets: &[u8]) -> Result<Shown<'_>, Fault> {
    let fault = |error: rtp_core::ParseError| Fault::new(error, error.at);
    let (raw, rest) = Raw::parse_prefix(octets).map_err(fault)?;
    if raw.padding != 0 && !rest.is_empty() {
        return Err(Fault::new("only the last packet of a datagram may be padded", 0));
    }
    let packet = Packet::parse(raw).map_err(fault)?;
    let mut written = vec![0; packet.encoded_len()];
    packet.write(&mut written).map_err(|error| Fault::new(error, 0))?;

    let words = (octets.len() - rest.len()) / 4;
    let mut fields = Fields::new();
    put(&mut fields, "type", type_name(raw.packet_type));
    put(&mut fields, "version", 2);
    put(&mut fields, "padding_length", raw.padding);
    put(&mut fields, "count", raw.count);
    put(&mut fields, "packet_type", raw.packet_type);
    put(&mut fields, "length", words.saturating_sub(1));
    show(&packet, &mut fields);
    Ok((fields.into(), written, rest))
}

fn type_name(packet_type: u8) -> Value {
    match packet_type {
        200 => "SR".into(),
        201 => "RR".into(),
        202 => "SDES".into(),
        203 => "BYE".into(),
        204 => "APP".into(),
        205 => "RTPFB".into(),
        206 => "PSFB".into(),
        207 => "XR".into(),
        _ => Value::Null,
    }
}

fn show(packet: &Packet<'_>, fields: &mut Fields) {
    match packet {
        Packet::SenderReport(report) => {
            put(fields, "ssrc", report.ssrc.0);
            let (seconds, fraction) = (report.info.ntp.0 >> 32, report.info.ntp.0 & 0xffff_ffff);
            put(fields, "ntp_timestamp", json!({ "seconds": seconds, "fraction": fraction }));
            put(fields, "rtp_timestamp", report.info.rtp_timestamp);
            put(fields, "sender_packet_count", report.info.packet_count);
            put(fields, "sender_octet_count", report.info.octet_count);
            put(fields, "reports", report.blocks.iter().map(block).collect::<Vec<_>>());
            put(fields, "profile_specific", hex::encode(report.profile));
        }
        Packet::ReceiverReport(report) => {
            put(fields, "ssrc", report.ssrc.0);
            put(fields, "reports", report.blocks.iter().map(block).collect::<Vec<_>>());
            put(fields, "profile_specific", hex::encode(report.profile));
        }
        Packet::SourceDescription(description) => {
            let chunks = description.chunks.iter().map(|c| chunk(&c));
            put(fields, "chunks", chunks.collect::<Vec<_>>());
        }
        Packet::Goodbye(Goodbye { sources, reason }) => {
            put(fields, "sources", sources.iter().map(|s| s.0).collect::<Vec<_>>());
            put_text(fields, "reason", reason);
        }
        Packet::Application(Application { subtype, ssrc, name, data }) => {
            put(fields, "subtype", *subtype);
            put(fields, "ssrc", ssrc.0);
            put_text(fields, "name", name);
            put(fields, "data", hex::encode(data));
        }
        Packet::Unknown(raw) => put(fields, "body", hex::encode(raw.body)),
        // A type that the crate came to know after this program was written.
        other => put(fields, "body", format!("{other:?}")),
    }
}

fn block(block: ReportBlock) -> Value {
    json!({
        "ssrc": block.ssrc.0,
        "fraction_lost": block.fraction_lost,
        "cumulative_number_of_packets_lost": block.cumulative_lost,
        "extended_highest_sequence_number": block.highest_sequence,
        "interarrival_jitter": block.jitter,
        "last_sr": block.last_sr,
        "delay_since_last_sr": block.delay_since_last_sr,
    })
}

fn chunk(chunk: &Chunk<'_>) -> Value {
    let items = chunk.items.iter().map(|i| item(&i)).collect::<Vec<_>>();
    json!({ "ssrc": chunk.ssrc.0, "items": items })
}

fn item(item: &Item<'_>) -> Value {
    let mut fields = Fields::new();
    let name = match item.item_type {
        ItemType::Cname => "CNAME",
        ItemType::Name => "NAME",
        ItemType::Email => "EMAIL",
        ItemType::Phone => "PHONE",
        ItemType::Location => "LOC",
        ItemType::Tool => "TOOL",
        ItemType::Note => "NOTE",
        ItemType::Private => "PRIV",
        ItemType::Mid => "MID",
        _ => "unknown",
    };
    put(&mut fields, "type", name);
    put(&mut fields, "item_type", item.item_type.to_octet());
    put_text(&mut fields, "text", item.value);
    if let Some((prefix, value)) = item.private() {
        put_text(&mut fields, "prefix", prefix);
        put_text(&mut fields, "value", value);
    }
    fields.into()
}
