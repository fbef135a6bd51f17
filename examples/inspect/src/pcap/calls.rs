//! SIP messages, gathered by their Call-ID into dialogs and transactions.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use sip_core::header::{CSeq, CallId, ContentType, From, To, Via};
use sip_core::message::{Message, Method, Name, StartLine, Writer};
use sip_core::uri::Uri;

use super::media::{self, MediaLine};

/// Messages that are kept; of later ones only the number.
pub(super) const MESSAGES: usize = 200_000;
/// Octets of each text that is kept of a message.
const TEXT: usize = 256;

/// When and where in the capture something was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Since the capture's first packet.
    pub(super) at: Duration,
    /// The number of the packet, or of the last of several.
    pub(super) packet: u64,
}

/// How a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Udp,
    Tcp,
}

impl Transport {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        }
    }
}

/// The start line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Request { method: String, uri: String },
    Response { code: u16, reason: String },
}

/// One message.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) seen: Seen,
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) transport: Transport,
    pub(super) start: Start,
    /// Number and method of CSeq.
    pub(super) cseq: Option<(u32, String)>,
    /// Of the topmost Via.
    pub(super) branch: String,
    pub(super) from_tag: String,
    pub(super) to_tag: String,
    /// How many times the same message went the same way before.
    pub(super) repeats: u32,
    /// The media of its session description.
    pub(super) media: Vec<MediaLine>,
    /// The type of a body that is no session description.
    pub(super) body: String,
}

/// All that has one Call-ID.
#[derive(Clone, Debug, Default)]
pub(super) struct Call {
    pub(super) id: String,
    /// The URIs of From and To in its first message.
    pub(super) from: String,
    pub(super) to: String,
    pub(super) entries: Vec<Entry>,
    /// Digests of the messages, to know one again.
    digests: HashMap<u64, u32>,
}

/// A transaction, as one hop of the network sees it (RFC 3261 section 17).
#[derive(Clone, Debug)]
pub(super) struct Transaction {
    pub(super) method: String,
    pub(super) cseq: u32,
    pub(super) branch: String,
    pub(super) begun: Duration,
    pub(super) messages: usize,
    pub(super) repeats: usize,
    /// The time of its first response, and of its final one with the code.
    pub(super) answered: Option<Duration>,
    pub(super) ended: Option<(Duration, u16)>,
}

/// A dialog: the tags of both sides (RFC 3261 section 12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dialog {
    pub(super) from_tag: String,
    pub(super) to_tag: String,
    pub(super) messages: usize,
}

/// What became of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// The method that it began with.
    pub(super) method: String,
    /// The final answer to that, with its reason, and how long it took.
    pub(super) answer: Option<(u16, String, Duration)>,
    pub(super) cancelled: bool,
    /// From the answer to the BYE.
    pub(super) talked: Option<Duration>,
    /// Who sent the BYE.
    pub(super) ended_by: Option<SocketAddr>,
}

/// All calls of a capture, in the order of their first messages.
#[derive(Debug, Default)]
pub(super) struct Calls {
    pub(super) all: Vec<Call>,
    by_id: HashMap<Vec<u8>, usize>,
    messages: usize,
    hasher: RandomState,
    /// Messages that there was no room for.
    pub(super) left_out: u64,
    /// Messages without a Call-ID.
    pub(super) without_id: u64,
}

impl Calls {
    /// Takes a message; the call that it belongs to and the media that it describes.
    pub(super) fn add(
        &mut self,
        seen: Seen,
        (from, to): (SocketAddr, SocketAddr),
        transport: Transport,
        message: &Message<'_>,
    ) -> Option<(usize, &[MediaLine])> {
        let id = match message.typed::<CallId<'_>>() {
            Some(Ok(CallId(id))) => id,
            _ => {
                self.without_id += 1;
                return None;
            }
        };
        if self.messages >= MESSAGES {
            self.left_out += 1;
            return None;
        }
        self.messages += 1;
        let index = match self.by_id.get(id) {
            Some(index) => *index,
            None => {
                let index = self.all.len();
                self.by_id.insert(id.to_vec(), index);
                self.all.push(Call {
                    id: text(id),
                    from: from_uri(message),
                    to: to_uri(message),
                    ..Call::default()
                });
                index
            }
        };
        let digest = self.hasher.hash_one((from, to, message.as_bytes()));
        let call = self.all.get_mut(index)?;
        let count = call.digests.entry(digest).or_insert(0);
        let repeats = *count;
        *count = count.saturating_add(1);
        let entry = Entry { repeats, ..entry(seen, from, to, transport, message) };
        call.entries.push(entry);
        call.entries.last().map(|entry| (index, entry.media.as_slice()))
    }

    /// Puts the messages of each call in the order of time: one that was cut out of a stream with
    /// a gap in it is known late.
    pub(super) fn sort(&mut self) {
        for call in &mut self.all {
            call.entries.sort_by_key(|entry| (entry.seen.at, entry.seen.packet));
        }
    }
}

impl Call {
    pub(super) fn transactions(&self) -> Vec<Transaction> {
        let mut found: Vec<Transaction> = Vec::new();
        let mut places: HashMap<(&str, &str, u32), usize> = HashMap::new();
        for entry in &self.entries {
            let Some((number, method)) = &entry.cseq else { continue };
            let place = *places.entry((&entry.branch, method, *number)).or_insert_with(|| {
                found.push(Transaction {
                    method: method.clone(),
                    cseq: *number,
                    branch: entry.branch.clone(),
                    begun: entry.seen.at,
                    messages: 0,
                    repeats: 0,
                    answered: None,
                    ended: None,
                });
                found.len() - 1
            });
            let Some(transaction) = found.get_mut(place) else { continue };
            transaction.messages += 1;
            transaction.repeats += usize::from(entry.repeats > 0);
            if let Start::Response { code, .. } = entry.start {
                transaction.answered.get_or_insert(entry.seen.at);
                if code >= 200 {
                    transaction.ended.get_or_insert((entry.seen.at, code));
                }
            }
        }
        found
    }

    pub(super) fn dialogs(&self) -> Vec<Dialog> {
        let mut found: Vec<Dialog> = Vec::new();
        for entry in self.entries.iter().filter(|entry| !entry.to_tag.is_empty()) {
            let (a, b) = (entry.from_tag.as_str(), entry.to_tag.as_str());
            // In requests of the side that was called the tags stand the other way round.
            let room = found.len() < 64;
            let known = found.iter_mut().find(|dialog| {
                let pair = (dialog.from_tag.as_str(), dialog.to_tag.as_str());
                pair == (a, b) || pair == (b, a)
            });
            match known {
                Some(dialog) => dialog.messages += 1,
                // A proxy that forks makes a few; anything else that makes many is an attack.
                None if room => {
                    found.push(Dialog { from_tag: a.into(), to_tag: b.into(), messages: 1 });
                }
                None => {}
            }
        }
        found
    }

    pub(super) fn outcome(&self) -> Outcome {
        let mut outcome = Outcome::default();
        let mut first: Option<(&Entry, u32)> = None;
        let mut answered = None;
        for entry in &self.entries {
            let Some((number, cseq_method)) = &entry.cseq else { continue };
            match &entry.start {
                Start::Request { method, .. } if first.is_none() => {
                    outcome.method.clone_from(method);
                    first = Some((entry, *number));
                }
                Start::Request { method, .. } if method == "CANCEL" => outcome.cancelled = true,
                Start::Request { method, .. } if method == "BYE" && outcome.ended_by.is_none() => {
                    outcome.ended_by = Some(entry.from);
                    outcome.talked = answered.map(|at| entry.seen.at.saturating_sub(at));
                }
                Start::Request { method, .. } if *method == outcome.method => {
                    // After a challenge the request comes again, with the next number.
                    let challenged = outcome.answer.as_ref().is_some_and(|a| a.0 / 100 == 4);
                    if challenged && let Some((_, last)) = &mut first {
                        *last = *number;
                    }
                }
                Start::Request { .. } => {}
                Start::Response { code, reason } if *code >= 200 => {
                    let Some((begin, expected)) = first else { continue };
                    let better = outcome.answer.as_ref().is_none_or(|known| known.0 >= 300);
                    if *cseq_method == outcome.method && *number == expected && better {
                        let took = entry.seen.at.saturating_sub(begin.seen.at);
                        outcome.answer = Some((*code, reason.clone(), took));
                        if *code < 300 {
                            answered = Some(entry.seen.at);
                        }
                    }
                }
                Start::Response { .. } => {}
            }
        }
        if outcome.method.is_empty()
            && let Some((_, method)) = self.entries.first().and_then(|entry| entry.cseq.as_ref())
        {
            outcome.method.clone_from(method);
        }
        outcome
    }

    /// Whether a request of this method is in it.
    pub(super) fn has_method(&self, wanted: &str) -> bool {
        self.entries.iter().any(|entry| match &entry.start {
            Start::Request { method, .. } => method.eq_ignore_ascii_case(wanted),
            Start::Response { .. } => false,
        })
    }
}

/// Whether octets begin with the start line of a SIP message, line ends before it aside.
pub(super) fn looks_like_sip(octets: &[u8]) -> bool {
    let blank = octets.iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
    let rest = octets.get(blank..).unwrap_or_default();
    if !rest.first().is_some_and(u8::is_ascii_alphabetic) {
        return false;
    }
    if rest.starts_with(b"SIP/2.0 ") {
        return true;
    }
    // What is no method ends the search early: nearly all that is not SIP.
    let method = rest.iter().take(32).take_while(|octet| is_token(**octet)).count();
    if rest.get(method) != Some(&b' ') {
        return false;
    }
    let line = rest.iter().take(8192).position(|octet| *octet == b'\n');
    let line = line.and_then(|end| rest.get(..end)).unwrap_or_default();
    line.strip_suffix(b"\r").unwrap_or(line).ends_with(b" SIP/2.0")
}

fn is_token(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&octet)
}

fn entry(
    seen: Seen,
    from: SocketAddr,
    to: SocketAddr,
    transport: Transport,
    message: &Message<'_>,
) -> Entry {
    let start = match message.start() {
        StartLine::Request { method, uri } => {
            Start::Request { method: text(method.as_bytes()), uri: text(uri) }
        }
        StartLine::Response { code, reason } => {
            Start::Response { code: code.get(), reason: text(reason) }
        }
    };
    let cseq = match message.typed::<CSeq<'_>>() {
        Some(Ok(CSeq { number, method })) => Some((number, text(transaction_method(&method)))),
        _ => None,
    };
    let branch = message.all::<Via<'_>>().next().and_then(Result::ok);
    let branch = branch.and_then(|via| via.branch()).map(text).unwrap_or_default();
    let from_tag = match message.typed::<From<'_>>() {
        Some(Ok(from)) => from.tag().map(text).unwrap_or_default(),
        _ => String::new(),
    };
    let to_tag = match message.typed::<To<'_>>() {
        Some(Ok(to)) => to.tag().map(text).unwrap_or_default(),
        _ => String::new(),
    };
    let content_type = match message.typed::<ContentType<'_>>() {
        Some(Ok(content_type)) if !message.body().is_empty() => Some(content_type),
        _ => None,
    };
    let mut media = Vec::new();
    let mut body = String::new();
    if let Some(content_type) = content_type {
        media = media::describe(message.body(), &content_type);
        if media.is_empty() {
            body = text(&[content_type.kind, content_type.subtype].join(&b'/'));
        }
    }
    Entry {
        seen,
        from,
        to,
        transport,
        start,
        cseq,
        branch,
        from_tag,
        to_tag,
        repeats: 0,
        media,
        body,
    }
}

/// The method that names a transaction: an ACK of a failure has the branch of its INVITE, and
/// belongs to it (RFC 3261 section 17.1.1.3).
fn transaction_method<'d>(method: &Method<'d>) -> &'d [u8] {
    match method {
        Method::Ack => Method::Invite.as_bytes(),
        other => other.as_bytes(),
    }
}

/// The URI of From; where it is malformed, all that stands there.
fn from_uri(message: &Message<'_>) -> String {
    match message.typed::<From<'_>>() {
        Some(Ok(from)) => uri(&from.uri()),
        _ => text(message.row(Name::From).map(|row| row.value).unwrap_or_default()),
    }
}

/// The URI of To; where it is malformed, all that stands there.
fn to_uri(message: &Message<'_>) -> String {
    match message.typed::<To<'_>>() {
        Some(Ok(to)) => uri(&to.uri()),
        _ => text(message.row(Name::To).map(|row| row.value).unwrap_or_default()),
    }
}

fn uri(uri: &Uri<'_>) -> String {
    let mut buffer = vec![0; Message::MAX_HEAD_OCTETS];
    let mut writer = Writer::new(&mut buffer);
    uri.write(&mut writer);
    text(writer.as_bytes())
}

/// A text that is kept: no longer than is worth showing.
fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets.get(..TEXT).unwrap_or(octets)).into_owned()
}
