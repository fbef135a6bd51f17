//! Where the machines keep what they know: slices that the host lends, or, with the feature
//! `alloc`, vectors that grow up to a limit.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

use crate::error::{Error, Full, WriteError};

/// Room for a number of `T`.
#[derive(Debug)]
pub(crate) enum Room<'s, T> {
    Lent(&'s mut [T]),
    #[cfg(feature = "alloc")]
    Growing {
        cells: Vec<T>,
        limit: usize,
    },
}

impl<T: Copy + Default> Room<'_, T> {
    pub(crate) fn cells(&self) -> &[T] {
        match self {
            Self::Lent(cells) => cells,
            #[cfg(feature = "alloc")]
            Self::Growing { cells, .. } => cells,
        }
    }

    pub(crate) fn cells_mut(&mut self) -> &mut [T] {
        match self {
            Self::Lent(cells) => cells,
            #[cfg(feature = "alloc")]
            Self::Growing { cells, .. } => cells,
        }
    }

    /// How many cells there may be.
    pub(crate) fn limit(&self) -> usize {
        match self {
            Self::Lent(cells) => cells.len(),
            #[cfg(feature = "alloc")]
            Self::Growing { limit, .. } => *limit,
        }
    }

    /// Makes sure of at least `len` cells.
    pub(crate) fn reserve(&mut self, len: usize) -> Result<(), Full> {
        if len <= self.cells().len() {
            return Ok(());
        }
        match self {
            Self::Lent(cells) => Err(Full { capacity: cells.len() }),
            #[cfg(feature = "alloc")]
            Self::Growing { cells, limit } => {
                if len > *limit {
                    return Err(Full { capacity: *limit });
                }
                let doubled = cells.len().saturating_mul(2).clamp(len, *limit);
                cells.resize(doubled, T::default());
                Ok(())
            }
        }
    }
}

/// A list without gaps.
#[derive(Debug)]
pub(crate) struct Dense<'s, T> {
    room: Room<'s, T>,
    len: usize,
}

impl<'s, T: Copy + Default> Dense<'s, T> {
    pub(crate) const fn new(room: Room<'s, T>) -> Self {
        Self { room, len: 0 }
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        self.room.cells().get(..self.len).unwrap_or_default()
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        let len = self.len;
        self.room.cells_mut().get_mut(..len).unwrap_or_default()
    }

    /// Puts an element before the one at `at`, or at the end.
    pub(crate) fn insert(&mut self, at: usize, element: T) -> Result<(), Full> {
        self.room.reserve(self.len.saturating_add(1))?;
        let at = at.min(self.len);
        self.len += 1;
        if let Some([first, tail @ ..]) = self.as_mut_slice().get_mut(at..) {
            let mut carried = core::mem::replace(first, element);
            for cell in tail {
                core::mem::swap(cell, &mut carried);
            }
        }
        Ok(())
    }

    pub(crate) fn push(&mut self, element: T) -> Result<(), Full> {
        self.insert(self.len, element)
    }

    pub(crate) fn remove(&mut self, at: usize) -> Option<T> {
        let removed = self.as_slice().get(at).copied()?;
        self.as_mut_slice().copy_within(at + 1.., at);
        self.len -= 1;
        Some(removed)
    }

    pub(crate) const fn clear(&mut self) {
        self.len = 0;
    }
}

/// The number that stands for "no slot".
const NONE: u32 = u32::MAX;

/// Room for one entry of a table, and for a share of the table's bookkeeping.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot<V> {
    key: u64,
    value: Option<V>,
    /// The next entry in the same bucket, or the next free slot.
    next: u32,
    /// The first entry of the bucket with this slot's number.
    bucket: u32,
}

impl<V> Slot<V> {
    pub(crate) const EMPTY: Self = Self { key: 0, value: None, next: NONE, bucket: NONE };
}

impl<V> Default for Slot<V> {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// Entries found by their key in the same time however many there are.
#[derive(Debug)]
pub(crate) struct Map<'s, V> {
    room: Room<'s, Slot<V>>,
    /// How many slots were ever used; those behind it are free without being in the list.
    used: usize,
    free: u32,
    /// How many buckets there are: as many as there were slots when they were last dealt out.
    buckets: usize,
    len: usize,
    /// A number of the machine's own, so that nobody outside can choose keys that share a bucket.
    secret: u64,
}

impl<'s, V: Copy> Map<'s, V> {
    pub(crate) fn new(room: Room<'s, Slot<V>>, secret: u64) -> Self {
        let buckets = room.cells().len();
        Self { room, used: 0, free: NONE, buckets, len: 0, secret: secret | 1 }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    fn slot(&self, number: u32) -> Option<&Slot<V>> {
        self.room.cells().get(number as usize)
    }

    fn slot_mut(&mut self, number: u32) -> Option<&mut Slot<V>> {
        self.room.cells_mut().get_mut(number as usize)
    }

    fn bucket_of(&self, key: u64) -> u32 {
        let mixed = (key ^ (key >> 32) ^ self.secret.rotate_left(17)).wrapping_mul(self.secret);
        let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 32) as u32 % (self.buckets.max(1) as u32)
    }

    fn find(&self, key: u64) -> Option<u32> {
        let mut number = self.slot(self.bucket_of(key))?.bucket;
        while let Some(slot) = self.slot(number) {
            if slot.key == key {
                return Some(number);
            }
            number = slot.next;
        }
        None
    }

    pub(crate) fn get(&self, key: u64) -> Option<&V> {
        self.slot(self.find(key)?)?.value.as_ref()
    }

    pub(crate) fn get_mut(&mut self, key: u64) -> Option<&mut V> {
        let number = self.find(key)?;
        self.slot_mut(number)?.value.as_mut()
    }

    /// Puts an entry in; one with the same key is replaced.
    pub(crate) fn insert(&mut self, key: u64, value: V) -> Result<(), Full> {
        if let Some(old) = self.get_mut(key) {
            *old = value;
            return Ok(());
        }
        let number = match self.slot(self.free) {
            Some(slot) => {
                let number = self.free;
                self.free = slot.next;
                number
            }
            None => {
                self.room.reserve(self.used + 1)?;
                self.used += 1;
                if self.room.cells().len() != self.buckets {
                    self.deal();
                }
                (self.used - 1) as u32
            }
        };
        if let Some(slot) = self.slot_mut(number) {
            slot.key = key;
            slot.value = Some(value);
        }
        self.link(number, key);
        self.len += 1;
        Ok(())
    }

    fn link(&mut self, number: u32, key: u64) {
        let bucket = self.bucket_of(key);
        let Some(head) = self.slot_mut(bucket) else { return };
        let next = core::mem::replace(&mut head.bucket, number);
        if let Some(slot) = self.slot_mut(number) {
            slot.next = next;
        }
    }

    /// Deals the entries to as many buckets as there are slots now.
    fn deal(&mut self) {
        self.buckets = self.room.cells().len();
        for slot in self.room.cells_mut() {
            slot.bucket = NONE;
        }
        // The list of free slots is empty here, or no new slot would have been taken.
        for number in 0..self.used as u32 {
            if let Some(Slot { key, value: Some(_), .. }) = self.slot(number) {
                self.link(number, *key);
            }
        }
    }

    pub(crate) fn remove(&mut self, key: u64) -> Option<V> {
        let number = self.find(key)?;
        let next = self.slot(number)?.next;
        let bucket = self.bucket_of(key);
        if self.slot(bucket)?.bucket == number {
            self.slot_mut(bucket)?.bucket = next;
        } else {
            let mut before = self.slot(bucket)?.bucket;
            while self.slot(before)?.next != number {
                before = self.slot(before)?.next;
            }
            self.slot_mut(before)?.next = next;
        }
        let free = self.free;
        let slot = self.slot_mut(number)?;
        slot.next = free;
        let value = slot.value.take();
        self.free = number;
        self.len -= 1;
        value
    }

    /// Forgets all entries.
    pub(crate) fn clear(&mut self) {
        self.room.cells_mut().fill(Slot::EMPTY);
        self.used = 0;
        self.free = NONE;
        self.len = 0;
    }

    /// The key of the first entry from slot `from` on for which `is_it` holds, and where to go on.
    pub(crate) fn scan(
        &self,
        from: usize,
        mut is_it: impl FnMut(u64, &V) -> bool,
    ) -> Option<(usize, u64)> {
        let slots = self.room.cells().get(from..self.used)?;
        let at = slots
            .iter()
            .position(|slot| slot.value.as_ref().is_some_and(|value| is_it(slot.key, value)))?;
        slots.get(at).map(|slot| (from + at + 1, slot.key))
    }
}

/// Octet strings one after the other, each with its length and a mark of the owner's before it.
///
/// ```text
///  | len | mark | octets … | len | mark | octets … |      free
///  0                                              end
/// ```
#[derive(Debug)]
pub(crate) struct Records<'s> {
    room: Room<'s, u8>,
    end: usize,
}

/// What stands before the octets of a record.
const RECORD_HEAD: usize = 12;

/// A record: where it stands, its mark, its octets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'r> {
    pub(crate) at: usize,
    pub(crate) mark: u64,
    pub(crate) octets: &'r [u8],
}

/// The records from one on; it remembers where it is, and not whose they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordIter<'r> {
    used: &'r [u8],
    at: usize,
}

impl<'r> Iterator for RecordIter<'r> {
    type Item = Record<'r>;

    fn next(&mut self) -> Option<Record<'r>> {
        let record = record(self.used, self.at)?;
        self.at = self.at + RECORD_HEAD + record.octets.len();
        Some(record)
    }
}

fn record(used: &[u8], at: usize) -> Option<Record<'_>> {
    let (len, rest) = used.get(at..)?.split_first_chunk::<4>()?;
    let (mark, rest) = rest.split_first_chunk::<8>()?;
    let octets = rest.get(..u32::from_le_bytes(*len) as usize)?;
    Some(Record { at, mark: u64::from_le_bytes(*mark), octets })
}

impl<'s> Records<'s> {
    pub(crate) const fn new(room: Room<'s, u8>) -> Self {
        Self { room, end: 0 }
    }

    fn used(&self) -> &[u8] {
        self.room.cells().get(..self.end).unwrap_or_default()
    }

    pub(crate) const fn clear(&mut self) {
        self.end = 0;
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.end == 0
    }

    /// How many octets are taken, heads included.
    pub(crate) const fn len(&self) -> usize {
        self.end
    }

    /// How many there may be.
    pub(crate) fn limit(&self) -> usize {
        self.room.limit()
    }

    /// The record at `at`.
    pub(crate) fn get(&self, at: usize) -> Option<Record<'_>> {
        record(self.used(), at)
    }

    /// The records in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Record<'_>> + Clone {
        self.iter_from(0)
    }

    /// The records in their order, from the one at `at` on.
    pub(crate) fn iter_from(&self, at: usize) -> RecordIter<'_> {
        RecordIter { used: self.used(), at }
    }

    pub(crate) fn find(&self, mark: u64) -> Option<Record<'_>> {
        self.iter().find(|record| record.mark == mark)
    }

    /// Where the record behind the one at `at` stands.
    pub(crate) fn after(&self, at: usize) -> usize {
        self.get(at).map_or(self.end, |record| at + RECORD_HEAD + record.octets.len())
    }

    /// Appends a record; returns where it stands.
    pub(crate) fn push(&mut self, mark: u64, octets: &[u8]) -> Result<usize, Full> {
        let at = self.end;
        let end = at.saturating_add(RECORD_HEAD).saturating_add(octets.len());
        self.room.reserve(end)?;
        self.end = end;
        if let Some(room) = self.room.cells_mut().get_mut(at..end)
            && let Some((head, body)) = room.split_first_chunk_mut::<RECORD_HEAD>()
        {
            if let Some((len, rest)) = head.split_first_chunk_mut::<4>() {
                *len = (octets.len() as u32).to_le_bytes();
                rest.copy_from_slice(&mark.to_le_bytes());
            }
            body.copy_from_slice(octets);
        }
        Ok(at)
    }

    /// Appends octets to the record at `at`.
    pub(crate) fn extend(&mut self, at: usize, octets: &[u8]) -> Result<(), Full> {
        let Some(record) = self.get(at) else { return Ok(()) };
        let old = record.octets.len();
        let split = at + RECORD_HEAD + old;
        let end = self.end.saturating_add(octets.len());
        self.room.reserve(end)?;
        let old_end = self.end;
        self.end = end;
        let cells = self.room.cells_mut();
        if split <= old_end && end <= cells.len() {
            cells.copy_within(split..old_end, split + octets.len());
        }
        if let Some(room) = cells.get_mut(split..split + octets.len()) {
            room.copy_from_slice(octets);
        }
        if let Some(len) = cells.get_mut(at..at + 4) {
            len.copy_from_slice(&((old + octets.len()) as u32).to_le_bytes());
        }
        Ok(())
    }

    /// Lengthens the last record, which stands at `at`; what stands in the new octets is not said.
    pub(crate) fn grow(&mut self, at: usize, more: usize) -> Result<(), Full> {
        let Some(record) = self.get(at) else { return Ok(()) };
        let len = record.octets.len() + more;
        let end = self.end.saturating_add(more);
        self.room.reserve(end)?;
        if let Some(field) = self.room.cells_mut().get_mut(at..at + 4) {
            field.copy_from_slice(&(len as u32).to_le_bytes());
        }
        self.end = end;
        Ok(())
    }

    /// Forgets the record at `at` and all behind it.
    pub(crate) fn truncate(&mut self, at: usize) {
        self.end = self.end.min(at);
    }

    /// Forgets the records before the one at `at`.
    pub(crate) fn drop_before(&mut self, at: usize) {
        let end = self.end;
        let cells = self.room.cells_mut();
        if at <= end && end <= cells.len() {
            cells.copy_within(at..end, 0);
            self.end = end - at;
        }
    }

    /// The octets of a record, to be written over.
    pub(crate) fn octets_mut(&mut self, at: usize) -> Option<&mut [u8]> {
        let len = self.get(at)?.octets.len();
        let start = at + RECORD_HEAD;
        self.room.cells_mut().get_mut(start..start + len)
    }

    /// Replaces the octets of the record at `at` by what `make` writes of them and of `with`.
    pub(crate) fn rewrite(
        &mut self,
        at: usize,
        with: &[u8],
        make: impl for<'r> Fn(&'r [u8], &'r [u8], &mut [u8]) -> Result<usize, WriteError>,
    ) -> Result<(), Error> {
        let Some(record) = self.get(at) else { return Ok(()) };
        let (old, end) = (record.octets.len(), self.end);
        let body = at + RECORD_HEAD;
        let mut more = 0;
        let new = loop {
            self.room.reserve(end.saturating_add(more))?;
            let Some((used, free)) = self.room.cells_mut().split_at_mut_checked(end) else {
                return Ok(());
            };
            let octets = used.get(body..body + old).unwrap_or_default();
            match make(octets, with, free) {
                Ok(new) => break new.min(free.len()),
                Err(WriteError::BufferTooSmall(error)) if error.needed > more => {
                    more = error.needed;
                }
                Err(error) => return Err(error.into()),
            }
        };
        // It was written behind all records, and goes before the octets that it replaces.
        let cells = self.room.cells_mut();
        if let Some(cells) = cells.get_mut(body..end + new) {
            cells.rotate_right(new);
            cells.copy_within(new + old.., new);
        }
        if let Some(len) = cells.get_mut(at..at + 4) {
            len.copy_from_slice(&(new as u32).to_le_bytes());
        }
        self.end = end + new - old;
        Ok(())
    }

    /// Puts the record at `at` behind all others.
    pub(crate) fn raise(&mut self, at: usize) {
        let (behind, end) = (self.after(at), self.end);
        if let Some(cells) = self.room.cells_mut().get_mut(at..end) {
            cells.rotate_left(behind.saturating_sub(at).min(cells.len()));
        }
    }

    /// Puts the record at `at` before the one that stands at `to`, further to the front.
    pub(crate) fn lower(&mut self, at: usize, to: usize) {
        let behind = self.after(at);
        if let Some(cells) = self.room.cells_mut().get_mut(to..behind) {
            cells.rotate_right(behind.saturating_sub(at).min(cells.len()));
        }
    }

    /// Sets bits of a record's mark.
    pub(crate) fn mark(&mut self, at: usize, bits: u64) {
        let Some(record) = self.get(at) else { return };
        let mark = (record.mark | bits).to_le_bytes();
        if let Some(place) = self.room.cells_mut().get_mut(at + 4..at + RECORD_HEAD) {
            place.copy_from_slice(&mark);
        }
    }

    pub(crate) fn remove(&mut self, at: usize) {
        let Some(record) = self.get(at) else { return };
        let behind = at + RECORD_HEAD + record.octets.len();
        let end = self.end;
        let cells = self.room.cells_mut();
        if behind <= end && end <= cells.len() {
            cells.copy_within(behind..end, at);
            self.end = end - (behind - at);
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;
    use alloc::{format, vec};

    use handset_testkit::{Random, seeds};

    use super::*;

    #[test]
    fn a_map_does_what_a_plain_one_does() {
        seeds(20, |seed| {
            let mut random = Random::new(seed);
            let mut slots = [Slot::EMPTY; 13];
            let mut lent = Map::new(Room::Lent(&mut slots), random.number());
            let mut plain = BTreeMap::new();
            for step in 0..2000u32 {
                let key = random.below(30);
                if random.chance(500) {
                    let full = plain.len() == 13 && !plain.contains_key(&key);
                    assert_eq!(lent.insert(key, step).is_err(), full);
                    if !full {
                        plain.insert(key, step);
                    }
                } else {
                    assert_eq!(lent.remove(key), plain.remove(&key));
                }
                assert_eq!(lent.len(), plain.len());
                assert!(plain.iter().all(|(k, v)| lent.get(*k) == Some(v)));
                let (mut from, mut scanned) = (0, 0);
                while let Some((next, key)) = lent.scan(from, |_, _| true) {
                    assert!(plain.contains_key(&key));
                    (from, scanned) = (next, scanned + 1);
                }
                assert_eq!(scanned, plain.len());
                assert_eq!(lent.get(key), plain.get(&key));
            }
        });
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn a_map_that_grows_finds_all_and_stops_at_its_limit() {
        let mut map = Map::new(Room::Growing { cells: vec![], limit: 1000 }, 99);
        for key in 0..1000u64 {
            map.insert(key * 7, key).unwrap();
        }
        assert_eq!(map.insert(1, 1), Err(Full { capacity: 1000 }));
        assert!((0..1000u64).all(|key| map.get(key * 7) == Some(&key)));
    }

    #[test]
    fn records_grow_shrink_and_go_in_their_order() {
        let mut room = vec![0; 60];
        let mut records = Records::new(Room::Lent(&mut room));
        let first = records.push(1, b"abc").unwrap();
        let second = records.push(2, b"").unwrap();
        records.extend(first, b"def").unwrap();
        let show = |records: &Records<'_>| {
            records
                .iter()
                .map(|r| format!("{}{}", r.mark, core::str::from_utf8(r.octets).unwrap()))
                .collect::<Vec<_>>()
        };
        assert_eq!(show(&records), ["1abcdef", "2"]);
        assert_ne!(second, records.find(2).unwrap().at);
        records.push(3, b"0123456789").unwrap();
        assert_eq!(records.push(4, b"12345678"), Err(Full { capacity: 60 }));
        records.remove(records.find(1).unwrap().at);
        assert_eq!(show(&records), ["2", "30123456789"]);
        records.push(4, b"12345678").unwrap();
        assert_eq!(records.after(records.find(3).unwrap().at), records.find(4).unwrap().at);
    }

    #[test]
    fn a_dense_list_keeps_its_order() {
        let mut room = [0; 3];
        let mut list = Dense::new(Room::Lent(&mut room));
        list.push(1).unwrap();
        list.push(3).unwrap();
        list.insert(1, 2).unwrap();
        assert_eq!(list.as_slice(), [1, 2, 3]);
        assert_eq!(list.push(4), Err(Full { capacity: 3 }));
        assert_eq!(list.remove(0), Some(1));
        assert_eq!(list.as_slice(), [2, 3]);
    }
}
