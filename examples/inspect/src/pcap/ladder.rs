//! The ladder of one call: who takes part, and what goes between them in the order of time.
//! Text and SVG draw the same ladder.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::HashMap;

use super::calls::{Call, Entry, Outcome, Start, Transport};
use super::streams::Stream;

/// Participants that get a column of their own; all others share one.
const PARTICIPANTS: usize = 16;
/// Rows that are drawn of one call.
pub(super) const ROWS: usize = 5000;

/// One call, ready to be drawn.
#[derive(Debug)]
pub(super) struct Ladder {
    pub(super) participants: Vec<String>,
    pub(super) rows: Vec<Row>,
    /// Rows that are not drawn.
    pub(super) left_out: usize,
}

/// What one row shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Request,
    Provisional,
    Success,
    Redirection,
    Failure,
    /// RTP.
    Media,
}

/// One arrow.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) at: Duration,
    /// Columns.
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) label: String,
    /// What stands below the arrow, a line each.
    pub(super) details: Vec<String>,
    pub(super) class: Class,
    /// The same message went before.
    pub(super) repeated: bool,
}

/// Columns of the participants.
struct Columns {
    /// Whether hosts are told apart by address alone.
    by_host: bool,
    names: Vec<String>,
    places: HashMap<String, usize>,
}

impl Columns {
    /// Hosts are told apart by their addresses, so that a connection from a changing port stays in
    /// one column; where a message goes from an address to itself, by their ports too.
    fn new(call: &Call) -> Self {
        let by_host = call.entries.iter().all(|entry| entry.from.ip() != entry.to.ip());
        Self { by_host, names: Vec::new(), places: HashMap::new() }
    }

    fn name(&self, address: SocketAddr) -> String {
        if self.by_host { address.ip().to_string() } else { address.to_string() }
    }

    fn place(&mut self, address: SocketAddr) -> usize {
        let name = self.name(address);
        if let Some(place) = self.places.get(&name) {
            return *place;
        }
        let place = if self.names.len() < PARTICIPANTS {
            self.names.push(name.clone());
            self.names.len() - 1
        } else {
            if self.names.len() == PARTICIPANTS {
                self.names.push("others".into());
            }
            PARTICIPANTS
        };
        // Those that share a column are not worth remembering.
        if place < PARTICIPANTS {
            self.places.insert(name, place);
        }
        place
    }
}

impl Ladder {
    /// The ladder of a call and of its streams.
    pub(super) fn new(call: &Call, streams: &[&Stream]) -> Self {
        let mut columns = Columns::new(call);
        let mut rows: Vec<Row> = Vec::new();
        for entry in call.entries.iter().take(ROWS) {
            rows.push(Row {
                at: entry.seen.at,
                from: columns.place(entry.from),
                to: columns.place(entry.to),
                label: label(entry),
                details: details(entry),
                class: class(&entry.start),
                repeated: entry.repeats > 0,
            });
        }
        for stream in streams.iter().take(ROWS) {
            // Media of one who signals belong to his column, whatever address they have.
            let owner = |named: &Option<super::streams::Named>| named.as_ref().map(|n| n.owner);
            let from = owner(&stream.source).unwrap_or(stream.key.from);
            let to = owner(&stream.sink).unwrap_or(stream.key.to);
            rows.push(Row {
                at: stream.first.at,
                from: columns.place(from),
                to: columns.place(to),
                label: stream_label(stream),
                details: Vec::new(),
                class: Class::Media,
                repeated: false,
            });
        }
        rows.sort_by_key(|row| row.at);
        let left_out = call.entries.len().saturating_sub(ROWS);
        Self { participants: columns.names, rows, left_out }
    }
}

/// What became of a call, in words.
pub(super) fn outcome(call: &Call) -> String {
    let Outcome { method, answer, cancelled, talked, ended_by } = call.outcome();
    let mut words = match answer {
        Some((code, reason, took)) => {
            format!("{method}: {code} {reason} after {} s", seconds(took))
        }
        None => format!("{method}: no final answer in the capture"),
    };
    if cancelled {
        words.push_str(", cancelled");
    }
    match (talked, ended_by) {
        (Some(talked), Some(by)) => {
            words.push_str(&format!(", then {} s until a BYE from {by}", seconds(talked)));
        }
        (None, Some(by)) if method != "BYE" => words.push_str(&format!(", BYE from {by}")),
        _ => {}
    }
    words
}

/// A time in seconds, to the millisecond.
pub(super) fn seconds(time: Duration) -> String {
    format!("{}.{:03}", time.as_secs(), time.subsec_millis())
}

/// Text from the network for the eyes of a person: what would steer a terminal or turn the
/// direction of writing is shown as a dot.
pub(super) fn harmless(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
    };
    text.chars().map(|c| if steers(c) { '\u{b7}' } else { c }).collect()
}

fn label(entry: &Entry) -> String {
    let mut label = match &entry.start {
        Start::Request { method, .. } => method.clone(),
        Start::Response { code, reason } if reason.is_empty() => code.to_string(),
        Start::Response { code, reason } => format!("{code} {reason}"),
    };
    if !entry.media.is_empty() {
        label.push_str(" (SDP)");
    } else if !entry.body.is_empty() {
        label.push_str(&format!(" ({})", entry.body));
    }
    if entry.transport == Transport::Tcp {
        label.push_str(" TCP");
    }
    if entry.repeats > 0 {
        label.push_str(&format!(" [repeat {}]", entry.repeats));
    }
    harmless(&label)
}

fn details(entry: &Entry) -> Vec<String> {
    if entry.repeats > 0 {
        return Vec::new();
    }
    entry.media.iter().take(16).map(|line| harmless(&line.summary())).collect()
}

fn class(start: &Start) -> Class {
    match start {
        Start::Request { .. } => Class::Request,
        Start::Response { code: ..=199, .. } => Class::Provisional,
        Start::Response { code: 200..=299, .. } => Class::Success,
        Start::Response { code: 300..=399, .. } => Class::Redirection,
        Start::Response { .. } => Class::Failure,
    }
}

fn stream_label(stream: &Stream) -> String {
    let figures = stream.meter.figures();
    harmless(&format!(
        "RTP {}, {} packets, loss {:.1} %, jitter {:.1} ms",
        stream.codec,
        figures.packets,
        figures.loss_percent(),
        figures.mean_jitter_ms
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_steer_a_terminal_is_shown_as_a_dot() {
        assert_eq!(harmless("a\u{1b}[31mb\r\nc\u{202e}d\u{9b}"), "a·[31mb··c·d·");
        assert_eq!(harmless("Läutet 呼"), "Läutet 呼");
    }

    #[test]
    fn seconds_have_milliseconds() {
        assert_eq!(seconds(Duration::from_micros(1_002_900)), "1.002");
    }
}
