//! What is to be sent, in its order, one copy of the octets for all who get them.
//!
//! ```text
//!  record: | left u16 | destinations n u16 | n × (connection u16, sent u32) | octets … |
//! ```

use super::{Connection, FRAME};
use crate::error::Full;
use crate::storage::{Records, Room};
use crate::{tpkt, x224};

#[derive(Debug)]
pub(super) struct Outbox<'s> {
    records: Records<'s>,
    /// Where the first record that is not done stands.
    head: usize,
    /// Where to go on: all that stands before waits for streams that take nothing at present.
    at: usize,
    index: usize,
}

/// Whether a connection takes something.
pub(super) enum Readiness {
    Closed,
    Paused,
    /// A DT may have this much user data.
    Ready(usize),
}

/// A packet was written.
pub(super) struct Sent {
    pub(super) connection: Connection,
    pub(super) len: usize,
    /// It was the last of its TSDU.
    pub(super) end: bool,
}

const ENTRY_HEAD: usize = 4;
const DESTINATION: usize = 6;
/// How much is sent of what is done.
const DONE: u32 = u32::MAX;

struct Entry<'r> {
    left: u16,
    destinations: &'r [[u8; DESTINATION]],
    octets: &'r [u8],
}

impl<'r> Entry<'r> {
    fn read(record: &'r [u8]) -> Option<Self> {
        let (head, rest) = record.split_first_chunk::<ENTRY_HEAD>()?;
        let [l1, l2, d1, d2] = *head;
        let count = usize::from(u16::from_le_bytes([d1, d2]));
        let (destinations, octets) = rest.split_at_checked(count * DESTINATION)?;
        let left = u16::from_le_bytes([l1, l2]);
        Some(Self { left, destinations: destinations.as_chunks().0, octets })
    }

    /// A connection, and how much was sent to it.
    fn destination(&self, index: usize) -> Option<(Connection, u32)> {
        let [c1, c2, s1, s2, s3, s4] = *self.destinations.get(index)?;
        let sent = u32::from_le_bytes([s1, s2, s3, s4]);
        Some((Connection(u16::from_le_bytes([c1, c2])), sent))
    }
}

impl<'s> Outbox<'s> {
    pub(super) const fn new(room: Room<'s, u8>) -> Self {
        Self { records: Records::new(room), head: 0, at: 0, index: 0 }
    }

    /// Queues `len` octets, which `write` fills in, for where `route` says that each of the
    /// destinations is reached.
    pub(super) fn push(
        &mut self,
        raw: bool,
        destinations: impl IntoIterator<Item = Connection>,
        len: usize,
        route: impl Fn(Connection) -> Connection,
        mut queued: impl FnMut(Connection),
        write: impl FnOnce(&mut [u8]),
    ) -> Result<(), Full> {
        let start = match self.records.push(u64::from(raw), &[0; ENTRY_HEAD]) {
            Ok(start) => start,
            Err(_) => {
                self.drop_done();
                self.records.push(u64::from(raw), &[0; ENTRY_HEAD])?
            }
        };
        match self.fill(start, destinations, len, route, write) {
            Ok(true) => {
                let entry = self.records.get(start).and_then(|record| Entry::read(record.octets));
                if let Some(entry) = entry {
                    let all = 0..entry.destinations.len();
                    all.filter_map(|index| entry.destination(index)).for_each(|to| queued(to.0));
                }
                Ok(())
            }
            Ok(false) => {
                self.records.truncate(start);
                Ok(())
            }
            Err(full) => {
                self.records.truncate(start);
                Err(full)
            }
        }
    }

    /// `Ok(false)` where nobody is there to get it.
    fn fill(
        &mut self,
        start: usize,
        destinations: impl IntoIterator<Item = Connection>,
        len: usize,
        route: impl Fn(Connection) -> Connection,
        write: impl FnOnce(&mut [u8]),
    ) -> Result<bool, Full> {
        let mut count = 0u16;
        for destination in destinations {
            let [c1, c2] = route(destination).0.to_le_bytes();
            self.records.extend(start, &[c1, c2, 0, 0, 0, 0])?;
            count = count.saturating_add(1);
        }
        if count == 0 {
            return Ok(false);
        }
        self.records.grow(start, len)?;
        if let Some(record) = self.records.octets_mut(start) {
            let [c1, c2] = count.to_le_bytes();
            if let Some(head) = record.first_chunk_mut::<ENTRY_HEAD>() {
                *head = [c1, c2, c1, c2];
            }
            if let Some(octets) = record.get_mut(ENTRY_HEAD + usize::from(count) * DESTINATION..) {
                write(octets);
            }
        }
        Ok(true)
    }

    /// Whether nothing waits, not even for a stream that takes nothing.
    pub(super) const fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// From half of the room on it is time to wait.
    pub(super) fn is_half_full(&self) -> bool {
        self.records.len().saturating_sub(self.head) > self.records.limit() / 2
    }

    /// A stream takes something again: what waits for it stands anywhere.
    pub(super) const fn rewind(&mut self) {
        self.at = self.head;
        self.index = 0;
    }

    /// Gives the room of what is done back.
    fn drop_done(&mut self) {
        self.skip_done();
        self.records.drop_before(self.head);
        self.at = self.at.saturating_sub(self.head);
        self.head = 0;
    }

    fn skip_done(&mut self) {
        while let Some(entry) = self.records.get(self.head).and_then(|r| Entry::read(r.octets)) {
            if entry.left > 0 {
                return;
            }
            self.head = self.records.after(self.head);
            if self.at < self.head {
                (self.at, self.index) = (self.head, 0);
            }
        }
    }

    pub(super) fn poll(
        &mut self,
        buffer: &mut [u8],
        mut state: impl FnMut(Connection) -> Readiness,
    ) -> Result<Option<Sent>, usize> {
        loop {
            let Some(record) = self.records.get(self.at) else {
                self.skip_done();
                if self.records.get(self.head).is_none() {
                    self.records.clear();
                    (self.head, self.at, self.index) = (0, 0, 0);
                }
                return Ok(None);
            };
            let next = Entry::read(record.octets)
                .and_then(|entry| Some((entry.destination(self.index)?, entry.octets)));
            let Some(((connection, sent), octets)) = next else {
                self.at = self.records.after(self.at);
                self.index = 0;
                continue;
            };
            if sent == DONE {
                self.index += 1;
                continue;
            }
            let limit = match state(connection) {
                Readiness::Closed => {
                    self.advance(DONE);
                    continue;
                }
                Readiness::Paused => {
                    self.index += 1;
                    continue;
                }
                Readiness::Ready(limit) => limit,
            };
            let raw = record.mark == 1;
            let left = octets.get(sent as usize..).unwrap_or_default();
            let (piece, after) =
                if raw { (left, &[][..]) } else { left.split_at(limit.max(1).min(left.len())) };
            let head_len = if raw { tpkt::HEADER_LEN } else { FRAME };
            let len = head_len + piece.len();
            let Some(packet) = buffer.get_mut(..len) else { return Err(len) };
            let [h1, h2, h3, h4] = tpkt::header(len as u16);
            let end = after.is_empty();
            let [x1, x2, x3] = x224::data_header(end);
            let head = [h1, h2, h3, h4, x1, x2, x3];
            let (packet_head, body) = packet.split_at_mut(head_len);
            packet_head.copy_from_slice(head.get(..head_len).unwrap_or_default());
            body.copy_from_slice(piece);
            let sent = sent.wrapping_add(piece.len() as u32);
            self.advance(if end { DONE } else { sent });
            return Ok(Some(Sent { connection, len, end }));
        }
    }

    /// So much was sent to the destination where we stand.
    fn advance(&mut self, sent: u32) {
        let index = self.index;
        if sent == DONE {
            self.index += 1;
        }
        let Some(record) = self.records.octets_mut(self.at) else { return };
        let at = ENTRY_HEAD + index * DESTINATION + 2;
        if let Some(place) = record.get_mut(at..at + 4) {
            place.copy_from_slice(&sent.to_le_bytes());
        }
        if sent == DONE
            && let Some(left) = record.first_chunk_mut::<2>()
        {
            *left = u16::from_le_bytes(*left).saturating_sub(1).to_le_bytes();
        }
    }
}
