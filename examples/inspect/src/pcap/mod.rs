//! Captures: the SIP calls in them as ladders, and the RTP streams with their loss and jitter.
//!
//! ```text
//! file ─▶ capture ─▶ link ─▶ UDP ─┬─ SIP ─▶ calls ─┬─▶ text, SVG, JSON
//!                     │           ├─ RTP, RTCP ─▶ streams
//!                     │ fragments └─ TFTP ─▶ others
//!                     └───▶ TCP ─▶ tcp ─ SIP ─▶ calls
//! ```
//!
//! A capture is read once, from its beginning to its end; what is kept of it is bounded, and what
//! was left out is told.

mod calls;
mod capture;
mod fragments;
mod json;
mod ladder;
mod link;
mod media;
mod meter;
mod others;
mod reports;
mod streams;
mod svg;
mod tcp;
mod text;

use core::time::Duration;
use std::collections::HashMap;
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use sip_core::message::Message;

use calls::{Call, Calls, Seen, Transport, looks_like_sip};
use capture::{Ending, Packet};
use fragments::Fragments;
use ladder::{harmless, seconds};
use link::{Content, Datagram, LeftOut};
use others::Others;
use streams::{Stream, Streams};

/// The width of text where the output is no terminal.
const WIDTH: usize = 100;
/// The narrowest text.
const NARROWEST: usize = 40;

/// What to show of a capture.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The file (pcap or pcapng), or `-` for standard input
    pub(crate) file: String,
    /// Only the call with this Call-ID, or with an ID that begins so; or the call of this number
    #[arg(long, value_name = "ID")]
    call: Option<String>,
    /// Only calls whose From has this in it, without regard to case
    #[arg(long, value_name = "TEXT")]
    from: Option<String>,
    /// Only calls with a request of this method
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// Draw the calls into this file too
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// How wide the text may be, in columns [default: the terminal's width, else 100]
    #[arg(long, value_name = "COLUMNS")]
    width: Option<usize>,
}

/// All that was found.
#[derive(Debug)]
struct Analysis {
    ending: Ending,
    /// The time of the first packet, since 1 January 1970.
    start: Option<Duration>,
    duration: Duration,
    /// Packets of which not all was captured.
    cut: u64,
    sip: u64,
    /// Datagrams that begin as SIP and are none.
    malformed: u64,
    left_out: LeftOut,
    fragments: Fragments,
    tcp: tcp::Streams,
    calls: Calls,
    streams: Streams,
    /// The places of the streams of each call.
    streams_by_call: HashMap<usize, Vec<usize>>,
    others: Others,
}

/// Shows a capture; `json` and `pretty` say how.
pub(crate) fn run(options: &Options, json: bool, pretty: bool) -> Result<ExitCode> {
    let name = options.file.as_str();
    let analysis = if name == "-" {
        analyse(std::io::stdin()).context("standard input")?
    } else {
        let file = File::open(name).with_context(|| format!("cannot open {name}"))?;
        if file.metadata().is_ok_and(|data| data.is_dir()) {
            bail!("{name} is a folder: name the capture within it");
        }
        analyse(file).with_context(|| name.to_owned())?
    };
    let chosen = options.choose(&analysis.calls.all);
    if let Some(file) = &options.svg {
        let drawn: Vec<svg::Drawn<'_>> = chosen
            .iter()
            .filter_map(|index| {
                let call = analysis.calls.all.get(*index)?;
                Some((index + 1, call, analysis.streams_of(*index)))
            })
            .collect();
        std::fs::write(file, svg::draw(name, &drawn))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    let shown = if json {
        let report = json::report(&analysis, &chosen);
        if pretty { format!("{report:#}") } else { report.to_string() }
    } else {
        analysis.text(name, options, &chosen)
    };
    if let Err(error) = writeln!(std::io::stdout().lock(), "{shown}") {
        // A reader that has seen enough, as `head` has, is no failure of ours.
        if error.kind() != std::io::ErrorKind::BrokenPipe {
            return Err(error).context("standard output");
        }
    }
    if let Some(fault) = &analysis.ending.error {
        eprintln!("warning: {name}: {} (offset {})", fault.message, fault.offset);
        return Ok(ExitCode::from(1));
    }
    if chosen.is_empty() && options.filters() {
        eprintln!(
            "warning: none of the {} calls in {name} is as asked for: leave out --call, --from \
             and --method to see them all",
            analysis.calls.all.len()
        );
        return Ok(ExitCode::from(1));
    }
    Ok(ExitCode::SUCCESS)
}

impl Options {
    fn filters(&self) -> bool {
        self.call.is_some() || self.from.is_some() || self.method.is_some()
    }

    /// The places of the calls that are asked for.
    fn choose(&self, calls: &[Call]) -> Vec<usize> {
        let number = self.call.as_ref().and_then(|id| id.parse::<usize>().ok());
        // A number is one only where no Call-ID begins so.
        let named = |id: &str| calls.iter().any(|call| call.id.starts_with(id));
        let number = number.filter(|_| !self.call.as_deref().is_some_and(named));
        let wanted = |(index, call): (usize, &Call)| {
            let by_id = match (&self.call, number) {
                (_, Some(number)) => index + 1 == number,
                (Some(id), None) => call.id.starts_with(id.as_str()),
                (None, None) => true,
            };
            let by_from = self
                .from
                .as_ref()
                .is_none_or(|text| call.from.to_lowercase().contains(&text.to_lowercase()));
            let by_method = self.method.as_ref().is_none_or(|method| call.has_method(method));
            (by_id && by_from && by_method).then_some(index)
        };
        calls.iter().enumerate().filter_map(wanted).collect()
    }

    fn columns(&self) -> usize {
        let terminal = || console::Term::stdout().size_checked().map(|(_, columns)| columns.into());
        self.width.or_else(terminal).unwrap_or(WIDTH).clamp(NARROWEST, 1000)
    }
}

fn analyse(source: impl std::io::Read + Send) -> Result<Analysis> {
    let mut start = None;
    let (mut duration, mut cut) = (Duration::ZERO, 0);
    let (mut sip, mut malformed) = (0, 0);
    let mut left_out = LeftOut::default();
    let mut fragments = Fragments::default();
    let mut tcp = tcp::Streams::default();
    let mut calls = Calls::default();
    let mut streams = Streams::default();
    let mut others = Others::default();

    let ending = capture::read(source, |packet: &Packet<'_>| {
        let begin = *start.get_or_insert(packet.at);
        let seen = Seen { at: packet.at.saturating_sub(begin), packet: packet.number };
        duration = duration.max(seen.at);
        cut += u64::from(packet.cut);
        link::content(packet, &mut fragments, &mut left_out, |content| match content {
            Content::Udp(datagram) if looks_like_sip(datagram.payload) => {
                match Message::parse(datagram.payload) {
                    Ok(message) => {
                        sip += 1;
                        let hosts = (datagram.from, datagram.to);
                        add(&mut calls, &mut streams, seen, hosts, Transport::Udp, &message);
                    }
                    Err(_) => malformed += 1,
                }
            }
            Content::Udp(datagram) => other_datagram(&mut streams, &mut others, seen, &datagram),
            Content::Tcp(segment) => {
                others.segment(seen, &segment);
                tcp.segment(seen, &segment, &mut |seen, from, to, message| {
                    sip += 1;
                    add(&mut calls, &mut streams, seen, (from, to), Transport::Tcp, message);
                });
            }
        });
    })?;
    tcp.finish(&mut |seen, from, to, message| {
        sip += 1;
        add(&mut calls, &mut streams, seen, (from, to), Transport::Tcp, message);
    });
    calls.sort();
    streams.finish();
    let mut streams_by_call: HashMap<usize, Vec<usize>> = HashMap::new();
    for (index, stream) in streams.all.iter().enumerate() {
        if let Some(call) = stream.call() {
            streams_by_call.entry(call).or_default().push(index);
        }
    }
    Ok(Analysis {
        ending,
        start,
        duration,
        cut,
        sip,
        malformed,
        left_out,
        fragments,
        tcp,
        calls,
        streams,
        streams_by_call,
        others,
    })
}

fn other_datagram(streams: &mut Streams, others: &mut Others, seen: Seen, datagram: &Datagram<'_>) {
    if !streams.datagram(seen, datagram) {
        others.datagram(seen, datagram);
    }
}

fn add(
    calls: &mut Calls,
    streams: &mut Streams,
    seen: Seen,
    hosts: (core::net::SocketAddr, core::net::SocketAddr),
    transport: Transport,
    message: &Message<'_>,
) {
    if let Some((call, media)) = calls.add(seen, hosts, transport, message) {
        streams.describe(call, hosts.0, media);
    }
}

impl Analysis {
    /// The streams of a call, with their numbers.
    fn streams_of(&self, call: usize) -> Vec<(usize, &Stream)> {
        let places = self.streams_by_call.get(&call).map(Vec::as_slice).unwrap_or_default();
        let streams =
            places.iter().filter_map(|place| Some((*place, self.streams.all.get(*place)?)));
        streams.map(|(place, stream)| (place + 1, stream)).collect()
    }

    fn text(&self, name: &str, options: &Options, chosen: &[usize]) -> String {
        let width = options.columns();
        let mut out = self.heading(name, width);
        for index in chosen {
            if let Some(call) = self.calls.all.get(*index) {
                out.push(text::call(index + 1, call, &self.streams_of(*index), width));
            }
        }
        if options.filters() {
            return out.join("\n").trim_end().to_owned();
        }
        let alone = self.streams.all.iter().enumerate().filter(|(_, s)| s.call().is_none());
        let alone: Vec<_> = alone.collect();
        if !alone.is_empty() {
            out.push("streams of no call in the capture".into());
            for (index, stream) in alone {
                text::figures(index + 1, stream, width, &mut out);
            }
            out.push(String::new());
        }
        self.others(width, &mut out);
        out.join("\n").trim_end().to_owned()
    }

    fn heading(&self, name: &str, width: usize) -> Vec<String> {
        let mut out = Vec::new();
        let words = format!(
            "{}: {}, packets {} in {} s, SIP messages {}, calls {}, RTP streams {}",
            harmless(name),
            self.ending.format,
            self.ending.packets,
            seconds(self.duration),
            self.sip,
            self.calls.all.len(),
            self.streams.all.len()
        );
        text::wrap(&words, 0, width, &mut out);
        let left = &self.left_out;
        let counts = [
            (self.malformed + self.tcp.counts.malformed, "SIP messages that cannot be read"),
            (self.calls.without_id, "SIP messages without a Call-ID"),
            (self.calls.left_out, "SIP messages beyond the first 200000"),
            (self.tcp.counts.gaps, "gaps in TCP connections with SIP"),
            (self.tcp.counts.forgotten, "TCP connections beyond what is followed at once"),
            (self.fragments.left_out(), "fragmented datagrams that are not whole"),
            (self.streams.left_out, "RTP packets of streams beyond the first 16384"),
            (left.link, "packets of a link layer that is not known"),
            (left.broken, "packets with broken or cut headers"),
        ];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts: Vec<String> = counts.map(|(count, of)| format!("{count} {of}")).collect();
        if !counts.is_empty() {
            text::wrap(&format!("left out: {}", counts.join(", ")), 0, width, &mut out);
        }
        if self.cut > 0 {
            let words = format!(
                "{} packets were captured in part: capture with `tcpdump -s 0` to have them whole",
                self.cut
            );
            text::wrap(&words, 0, width, &mut out);
        }
        out.push(String::new());
        out
    }

    fn others(&self, width: usize, out: &mut Vec<String>) {
        for transfer in &self.others.transfers {
            let words = format!(
                "TFTP {:>8} {} {} {} {} {}",
                seconds(transfer.seen.at),
                transfer.client,
                if transfer.reads { "reads" } else { "writes" },
                harmless(&transfer.name),
                if transfer.reads { "from" } else { "to" },
                transfer.server
            );
            out.push(text::fit(&words, width));
        }
        for connection in &self.others.connections {
            let words = format!(
                "{} {:>8} {} → {}",
                connection.protocol,
                seconds(connection.seen.at),
                connection.client,
                connection.server
            );
            out.push(text::fit(&words, width));
        }
    }
}
