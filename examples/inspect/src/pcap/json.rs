//! All that was found, as JSON.

use core::time::Duration;

use serde_json::{Value, json};

use super::Analysis;
use super::calls::{Call, Dialog, Entry, Start, Transaction};
use super::ladder::outcome;
use super::media::MediaLine;
use super::streams::Stream;
use crate::report::{Fault, Fields, put};

/// The one object; of the calls, those that were asked for.
pub(super) fn report(analysis: &Analysis, calls: &[usize]) -> Value {
    let mut fields = Fields::new();
    let error = analysis.ending.error.as_ref();
    put(&mut fields, "valid", error.is_none());
    put(&mut fields, "error", error.map_or(Value::Null, Fault::to_json));
    put(&mut fields, "capture", capture(analysis));
    let shown = calls.iter().filter_map(|index| {
        Some(call(*index, analysis.calls.all.get(*index)?, analysis.streams_of(*index)))
    });
    put(&mut fields, "calls", shown.collect::<Vec<_>>());
    let streams = analysis.streams.all.iter().enumerate();
    let streams = streams.map(|(index, shown)| stream(index + 1, shown));
    put(&mut fields, "streams", streams.collect::<Vec<_>>());
    put(&mut fields, "other", other(analysis));
    fields.into()
}

fn time(time: Duration) -> f64 {
    // Microseconds, as most captures have them.
    (time.as_secs_f64() * 1e6).round() / 1e6
}

fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

fn rounded(number: f64) -> f64 {
    (number * 1e4).round() / 1e4
}

fn capture(analysis: &Analysis) -> Value {
    let ending = &analysis.ending;
    let left = &analysis.left_out;
    let tcp = &analysis.tcp.counts;
    json!({
        "format": ending.format,
        "packets": ending.packets,
        "octets": ending.octets,
        "start": analysis.start.map(time),
        "duration": time(analysis.duration),
        "cut_packets": analysis.cut,
        "sip_messages": analysis.sip,
        "sip_malformed": analysis.malformed + tcp.malformed,
        "rtcp_packets": analysis.streams.rtcp,
        "left_out": {
            "unknown_link_layer": left.link,
            "not_ip": left.not_ip,
            "other_transport": left.other_transport,
            "broken_headers": left.broken,
            "fragmented_datagrams": analysis.fragments.left_out(),
            "sip_messages": analysis.calls.left_out,
            "sip_without_call_id": analysis.calls.without_id,
            "rtp_packets": analysis.streams.left_out,
            "tcp_directions": tcp.forgotten,
        },
        "tcp": { "retransmitted": tcp.retransmitted, "gaps": tcp.gaps },
    })
}

fn call(index: usize, call: &Call, streams: Vec<(usize, &Stream)>) -> Value {
    json!({
        "number": index + 1,
        "call_id": call.id,
        "from": call.from,
        "to": call.to,
        "outcome": outcome(call),
        "messages": call.entries.iter().map(message).collect::<Vec<_>>(),
        "dialogs": call.dialogs().iter().map(dialog).collect::<Vec<_>>(),
        "transactions": call.transactions().iter().map(transaction).collect::<Vec<_>>(),
        "streams": streams.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
    })
}

fn message(entry: &Entry) -> Value {
    let mut fields = Fields::new();
    put(&mut fields, "time", time(entry.seen.at));
    put(&mut fields, "packet", entry.seen.packet);
    put(&mut fields, "from", entry.from.to_string());
    put(&mut fields, "to", entry.to.to_string());
    put(&mut fields, "transport", entry.transport.name());
    match &entry.start {
        Start::Request { method, uri } => {
            put(&mut fields, "method", method.as_str());
            put(&mut fields, "uri", uri.as_str());
        }
        Start::Response { code, reason } => {
            put(&mut fields, "status", *code);
            put(&mut fields, "reason", reason.as_str());
        }
    }
    put(&mut fields, "cseq", entry.cseq.as_ref().map(|(number, _)| *number));
    put(&mut fields, "branch", entry.branch.as_str());
    put(&mut fields, "repeats", entry.repeats);
    if !entry.media.is_empty() {
        put(&mut fields, "media", entry.media.iter().map(media).collect::<Vec<_>>());
    }
    if !entry.body.is_empty() {
        put(&mut fields, "body_type", entry.body.as_str());
    }
    fields.into()
}

fn media(line: &MediaLine) -> Value {
    let formats = line.formats.iter().map(|format| {
        json!({
            "payload_type": format.payload_type,
            "encoding_name": format.name,
            "clock_rate": format.clock_rate,
        })
    });
    json!({
        "media": line.kind,
        "address": line.address.map(|address| address.ip().to_string()),
        "port": line.port,
        "rtcp_port": line.rtcp_port,
        "proto": line.protocol,
        "direction": line.direction,
        "formats": formats.collect::<Vec<_>>(),
    })
}

fn dialog(dialog: &Dialog) -> Value {
    json!({
        "from_tag": dialog.from_tag,
        "to_tag": dialog.to_tag,
        "messages": dialog.messages,
    })
}

fn transaction(transaction: &Transaction) -> Value {
    let since = |at: Duration| millis(at.saturating_sub(transaction.begun));
    json!({
        "method": transaction.method,
        "cseq": transaction.cseq,
        "branch": transaction.branch,
        "time": time(transaction.begun),
        "messages": transaction.messages,
        "repeats": transaction.repeats,
        "first_answer_ms": transaction.answered.map(since),
        "final_answer_ms": transaction.ended.map(|(at, _)| since(at)),
        "status": transaction.ended.map(|(_, code)| code),
    })
}

fn stream(number: usize, stream: &Stream) -> Value {
    let figures = stream.meter.figures();
    let reported = stream.heard.map(|heard| {
        let in_ms =
            |units: u32| rounded(f64::from(units) * 1e3 / f64::from(stream.clock_rate.max(1)));
        json!({
            "reports": heard.reports,
            "lost": heard.lost,
            "fraction_lost": heard.fraction_lost,
            "jitter_ms": in_ms(heard.jitter),
            "max_jitter_ms": in_ms(heard.max_jitter),
            "round_trip_ms": heard.round_trip.map(millis),
            "max_round_trip_ms": heard.max_round_trip.map(millis),
        })
    });
    json!({
        "number": number,
        "call": stream.call().map(|index| index + 1),
        "from": stream.key.from.to_string(),
        "to": stream.key.to.to_string(),
        "ssrc": stream.key.ssrc,
        "payload_type": stream.payload_type,
        "codec": stream.codec,
        "clock_rate": stream.clock_rate,
        "clock_known": stream.clock_known,
        "time": time(stream.first.at),
        "packet": stream.first.packet,
        "duration": time(figures.duration),
        "packets": figures.packets,
        "octets": figures.octets,
        "expected": figures.expected,
        "lost": figures.lost,
        "loss_percent": rounded(figures.loss_percent()),
        "duplicates": figures.duplicates,
        "reordered": figures.reordered,
        "restarts": figures.restarts,
        "jitter_ms": rounded(figures.jitter_ms),
        "mean_jitter_ms": rounded(figures.mean_jitter_ms),
        "max_jitter_ms": rounded(figures.max_jitter_ms),
        "longest_gap_ms": millis(figures.longest_gap),
        "reported": reported,
    })
}

fn other(analysis: &Analysis) -> Value {
    let transfers = analysis.others.transfers.iter().map(|transfer| {
        json!({
            "time": time(transfer.seen.at),
            "packet": transfer.seen.packet,
            "client": transfer.client.to_string(),
            "server": transfer.server.to_string(),
            "request": if transfer.reads { "RRQ" } else { "WRQ" },
            "filename": transfer.name,
        })
    });
    let connections = analysis.others.connections.iter().map(|connection| {
        json!({
            "time": time(connection.seen.at),
            "packet": connection.seen.packet,
            "client": connection.client.to_string(),
            "server": connection.server.to_string(),
            "protocol": connection.protocol,
        })
    });
    json!({
        "tftp": transfers.collect::<Vec<_>>(),
        "connections": connections.collect::<Vec<_>>(),
    })
}
