//! SIP out of TCP: segments put in order, and cut into messages by `sip_core`'s framing.
//!
//! ```text
//! segment ─▶ in order? ─yes─▶ buffer ─▶ Framer ─▶ messages
//!               │ no            ▲
//!               ▼               │ the gap is filled, or given up
//!            waiting ───────────┘
//! ```
//!
//! Only what begins as SIP is kept; of other connections each segment is looked at and forgotten.

use core::net::SocketAddr;
use std::collections::{BTreeMap, HashMap};

use sip_core::message::{Framer, Limits, Message};

use super::calls::{Seen, looks_like_sip};
use super::link::Segment;

/// Directions of connections that are followed at the same time.
const DIRECTIONS: usize = 65_536;
/// Octets of one direction that wait for a gap to be filled; then the gap is given up.
const WAITING: usize = 1024 * 1024;
/// Segments of one direction that wait.
const WAITING_SEGMENTS: usize = 2048;
/// Octets that wait in all directions together.
const WAITING_IN_ALL: usize = 64 * 1024 * 1024;
/// A start line that is longer is none.
const START_LINE: usize = 8192;

/// What has been seen of TCP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Segments, or parts of them, that had been there before.
    pub(super) retransmitted: u64,
    /// Places of SIP connections where octets are missing.
    pub(super) gaps: u64,
    /// What cannot be cut into messages.
    pub(super) malformed: u64,
    /// Directions that were forgotten for want of room.
    pub(super) forgotten: u64,
}

/// All connections.
#[derive(Debug, Default)]
pub(super) struct Streams {
    by_path: HashMap<(SocketAddr, SocketAddr), usize>,
    directions: Vec<Direction>,
    /// Octets that wait.
    waiting: usize,
    pub(super) counts: Counts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Nothing of it has been seen but its beginning.
    New,
    Sip,
    /// Not SIP, or not at the beginning of a message: each segment may be one.
    Other,
}

#[derive(Debug)]
struct Direction {
    from: SocketAddr,
    to: SocketAddr,
    kind: Kind,
    /// The sequence number that comes next, and how many octets were before it.
    next: u32,
    offset: u64,
    /// What came too early, by offset.
    early: BTreeMap<u64, (Seen, Vec<u8>)>,
    early_octets: usize,
    buffer: Vec<u8>,
    framer: Framer,
}

impl Streams {
    /// Takes a segment, and hands on each message that it completes.
    pub(super) fn segment(
        &mut self,
        seen: Seen,
        segment: &Segment<'_>,
        each: &mut impl FnMut(Seen, SocketAddr, SocketAddr, &Message<'_>),
    ) {
        let path = (segment.from, segment.to);
        let known = self.by_path.get(&path).copied();
        if segment.syn {
            // The connection begins; one before it that had the same ports is over.
            if let Some(direction) = known.and_then(|index| self.directions.get_mut(index)) {
                direction.finish(&mut self.counts, &mut self.waiting, each);
                direction.restart(Kind::New, segment.sequence.wrapping_add(1));
            } else {
                self.begin(path, Kind::New, segment.sequence.wrapping_add(1), each);
            }
            return;
        }
        if segment.payload.is_empty() {
            return;
        }
        let index = match known {
            Some(index) => index,
            // The capture begins within the connection.
            None if looks_like_sip(segment.payload) => {
                self.begin(path, Kind::Sip, segment.sequence, each)
            }
            None => return,
        };
        let Some(direction) = self.directions.get_mut(index) else { return };
        direction.segment(seen, segment, &mut self.counts, &mut self.waiting, each);
        if self.waiting > WAITING_IN_ALL {
            self.finish(each);
        }
    }

    /// The capture is over: what waits for a gap to be filled waits no more.
    pub(super) fn finish(
        &mut self,
        each: &mut impl FnMut(Seen, SocketAddr, SocketAddr, &Message<'_>),
    ) {
        for direction in &mut self.directions {
            direction.finish(&mut self.counts, &mut self.waiting, each);
        }
    }

    fn begin(
        &mut self,
        path: (SocketAddr, SocketAddr),
        kind: Kind,
        next: u32,
        each: &mut impl FnMut(Seen, SocketAddr, SocketAddr, &Message<'_>),
    ) -> usize {
        if self.directions.len() >= DIRECTIONS {
            self.finish(each);
            self.counts.forgotten += self.directions.len() as u64;
            self.directions.clear();
            self.by_path.clear();
        }
        let index = self.directions.len();
        self.directions.push(Direction {
            from: path.0,
            to: path.1,
            kind,
            next,
            offset: 0,
            early: BTreeMap::new(),
            early_octets: 0,
            buffer: Vec::new(),
            framer: Framer::new(),
        });
        self.by_path.insert(path, index);
        index
    }
}

impl Direction {
    fn restart(&mut self, kind: Kind, next: u32) {
        self.kind = kind;
        self.next = next;
        self.offset = 0;
        self.buffer.clear();
        self.framer = Framer::new();
    }

    fn segment(
        &mut self,
        seen: Seen,
        segment: &Segment<'_>,
        counts: &mut Counts,
        waiting: &mut usize,
        each: &mut impl FnMut(Seen, SocketAddr, SocketAddr, &Message<'_>),
    ) {
        if self.kind == Kind::Other {
            if looks_like_sip(segment.payload) {
                self.restart(Kind::Sip, segment.sequence);
            } else {
                return;
            }
        }
        // How far ahead of what comes next; behind it, where the sign says so.
        let ahead = segment.sequence.wrapping_sub(self.next) as i32;
        let begin = self.offset.saturating_add_signed(ahead.into());
        let payload = if ahead < 0 {
            counts.retransmitted += 1;
            let known = usize::try_from(ahead.unsigned_abs()).unwrap_or(usize::MAX);
            segment.payload.get(known..).unwrap_or_default()
        } else {
            segment.payload
        };
        if payload.is_empty() {
            return;
        }
        if ahead > 0 {
            self.wait(seen, begin, payload, counts, waiting);
            if self.early_octets > WAITING || self.early.len() > WAITING_SEGMENTS {
                self.skip_gap(counts, waiting, each);
            }
            return;
        }
        self.deliver(seen, payload, counts, each);
        self.drain(counts, waiting, each);
    }

    fn wait(
        &mut self,
        seen: Seen,
        begin: u64,
        payload: &[u8],
        counts: &mut Counts,
        waiting: &mut usize,
    ) {
        match self.early.get(&begin) {
            Some((_, known)) if known.len() >= payload.len() => {
                counts.retransmitted += 1;
                return;
            }
            _ => {}
        }
        if let Some((_, shorter)) = self.early.insert(begin, (seen, payload.to_vec())) {
            self.early_octets = self.early_octets.saturating_sub(shorter.len());
            *waiting = waiting.saturating_sub(shorter.len());
        }
        self.early_octets += payload.len();
        *waiting += payload.len();
    }

    /// Hands on what waited for what has come now.
    fn drain(
        &mut self,
        counts: &mut Counts,
        waiting: &mut usize,
        each: &mut impl FnMut(Seen, SocketAddr, SocketAddr, &Message<'_>),
    ) {
        while let Some(entry) = self.early.first_entry() {
            let begin = *entry.key();
            let Some(known) = self.offset.checked_sub(begin) else { break };
            let (seen, payload) = entry.remove();
            self.early_octets = self.early_octets.saturating_sub(payload.len());
            *waiting = waiting.saturating_sub(payload.len());
            let known = usize::try_from(known).unwrap_or(usize::MAX);
            let fresh = payload.get(known..).unwrap_or_default();
            if known > 0 {
                counts.retransmitted += 1;
            }
            if !fresh.is_empty() {
                self.deliver(seen, fresh, counts, each);
            }
        }
    }

    /// Goes on behind octets that the capture does not have.
    fn skip_gap(
        &mut self,
        counts: &mut Counts,
        waiting: &mut usize,
        each: &mut impl FnMut(Seen, SocketAddr, SocketAddr, &Message<'_>),
    ) {
        let Some(first) = self.early.first_key_value().map(|(begin, _)| *begin) else { return };
        let missing = first.saturating_sub(self.offset);
        // Only the lower 32 bits of an offset are in a sequence number.
        self.next = self.next.wrapping_add(missing as u32);
        self.offset = first;
        if self.kind == Kind::Sip {
            counts.gaps += 1;
        }
        self.kind = Kind::Other;
        self.buffer.clear();
        self.framer = Framer::new();
        self.drain(counts, waiting, each);
    }

    fn finish(
        &mut self,
        counts: &mut Counts,
        waiting: &mut usize,
        each: &mut impl FnMut(Seen, SocketAddr, SocketAddr, &Message<'_>),
    ) {
        while !self.early.is_empty() {
            self.skip_gap(counts, waiting, each);
        }
    }

    /// Takes octets that are in order.
    fn deliver(
        &mut self,
        seen: Seen,
        payload: &[u8],
        counts: &mut Counts,
        each: &mut impl FnMut(Seen, SocketAddr, SocketAddr, &Message<'_>),
    ) {
        // Sequence numbers wrap.
        self.next = self.next.wrapping_add(payload.len() as u32);
        self.offset = self.offset.saturating_add(payload.len() as u64);
        if self.kind == Kind::Other {
            if !looks_like_sip(payload) {
                return;
            }
            self.kind = Kind::Sip;
        }
        self.buffer.extend_from_slice(payload);
        if self.kind == Kind::New {
            match begins_as_sip(&self.buffer) {
                Some(true) => self.kind = Kind::Sip,
                Some(false) => {
                    self.kind = Kind::Other;
                    self.buffer = Vec::new();
                }
                None => {}
            }
        }
        if self.kind == Kind::Sip {
            self.cut(seen, counts, each);
        }
    }

    /// Cuts the messages off that are whole.
    fn cut(
        &mut self,
        seen: Seen,
        counts: &mut Counts,
        each: &mut impl FnMut(Seen, SocketAddr, SocketAddr, &Message<'_>),
    ) {
        let mut rest = self.buffer.as_slice();
        let mut broken = false;
        loop {
            // Keep-alives (RFC 5626 section 3.5.1) stand between messages.
            let blank = rest.iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
            if blank > 0 {
                rest = rest.get(blank..).unwrap_or_default();
                self.framer = Framer::new();
            }
            if rest.is_empty() {
                break;
            }
            match self.framer.next(rest, &Limits::DEFAULT) {
                Ok(Some((used, message))) => {
                    each(seen, self.from, self.to, &message);
                    rest = rest.get(used.max(1)..).unwrap_or_default();
                }
                Ok(None) => break,
                Err(_) => {
                    broken = true;
                    break;
                }
            }
        }
        if broken {
            // The next segment that begins with a message brings it back.
            counts.malformed += 1;
            self.kind = Kind::Other;
            self.buffer = Vec::new();
            self.framer = Framer::new();
        } else {
            let used = self.buffer.len().saturating_sub(rest.len());
            self.buffer.drain(..used);
        }
    }
}

/// Whether a connection that begins with these octets carries SIP; nothing where they are too few.
fn begins_as_sip(octets: &[u8]) -> Option<bool> {
    let blank = octets.iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
    let rest = octets.get(blank..).unwrap_or_default();
    let first = rest.first()?;
    if !first.is_ascii_alphabetic() {
        return Some(false);
    }
    if !rest.iter().take(START_LINE).any(|octet| *octet == b'\n') {
        return if rest.len() >= START_LINE { Some(false) } else { None };
    }
    Some(looks_like_sip(rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    const MESSAGE: &[u8] =
        b"OPTIONS sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\n\
        Call-ID: x\r\nCSeq: 1 OPTIONS\r\nContent-Length: 4\r\n\r\nbody";

    struct Run {
        streams: Streams,
        got: Vec<Vec<u8>>,
    }

    impl Run {
        fn new() -> Self {
            Self { streams: Streams::default(), got: Vec::new() }
        }

        fn send(&mut self, sequence: u32, syn: bool, payload: &[u8]) {
            let from = SocketAddr::from(([192, 0, 2, 1], 50_000));
            let to = SocketAddr::from(([192, 0, 2, 2], 5060));
            let segment = Segment { from, to, sequence, syn, payload };
            let seen = Seen { at: Duration::ZERO, packet: 1 };
            let got = &mut self.got;
            self.streams.segment(seen, &segment, &mut |_, _, _, message| {
                got.push(message.as_bytes().to_vec());
            });
        }

        fn finish(&mut self) {
            let got = &mut self.got;
            self.streams.finish(&mut |_, _, _, message| got.push(message.as_bytes().to_vec()));
        }
    }

    #[test]
    fn segments_out_of_order_repeated_and_overlapping_make_each_message_once() {
        // The sequence numbers wrap within the message.
        let start = u32::MAX - 20;
        let twice = [MESSAGE, b"\r\n\r\n", MESSAGE].concat();
        let at = |n: usize| start.wrapping_add(1).wrapping_add(n as u32);
        let mut run = Run::new();
        run.send(start, true, b"");
        run.send(at(50), false, &twice[50..90]);
        run.send(at(0), false, &twice[..30]);
        run.send(at(0), false, &twice[..30]);
        run.send(at(20), false, &twice[20..60]);
        run.send(at(120), false, &twice[120..]);
        run.send(at(80), false, &twice[80..130]);
        assert_eq!(run.got, [MESSAGE, MESSAGE]);
        assert!(run.streams.counts.retransmitted >= 3);
        assert_eq!((run.streams.counts.gaps, run.streams.waiting), (0, 0));
    }

    #[test]
    fn behind_a_gap_the_next_segment_that_begins_a_message_is_taken() {
        let mut run = Run::new();
        run.send(0, true, b"");
        run.send(1, false, &MESSAGE[..40]);
        run.send(1 + 60, false, &MESSAGE[60..]);
        run.send(1 + MESSAGE.len() as u32, false, MESSAGE);
        assert!(run.got.is_empty());
        run.finish();
        assert_eq!(run.got, [MESSAGE]);
        assert_eq!(run.streams.counts.gaps, 1);
        assert_eq!(run.streams.waiting, 0);
    }

    #[test]
    fn a_connection_caught_in_the_middle_is_followed_from_its_next_message() {
        let mut run = Run::new();
        run.send(5000, false, b"tail of something\r\n");
        run.send(6000, false, &MESSAGE[..50]);
        run.send(6050, false, &MESSAGE[50..]);
        assert_eq!(run.got, [MESSAGE]);
    }

    #[test]
    fn what_is_kept_of_other_connections_is_nothing() {
        let mut run = Run::new();
        run.send(0, true, b"");
        run.send(1, false, &[0x16, 3, 1, 2, 0]);
        for i in 0..10_000 {
            run.send(100_000 + i * 1000, false, &[7; 900]);
        }
        assert_eq!(run.streams.waiting, 0);
        assert!(run.streams.directions.iter().all(|direction| direction.buffer.is_empty()));
    }

    #[test]
    fn what_waits_behind_a_gap_is_bounded() {
        let mut run = Run::new();
        run.send(0, true, b"");
        run.send(1, false, &MESSAGE[..40]);
        for i in 0..5000u32 {
            run.send(10_000 + i * 1000, false, &[b'x'; 999]);
        }
        assert!(run.streams.waiting <= WAITING + 1000, "{}", run.streams.waiting);
        assert!(run.streams.counts.gaps >= 1);
    }
}
