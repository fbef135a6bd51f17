//! Entries found by one or more keyed hashes, ordered by their deadlines, and queued when they have
//! something to send or to tell.
//!
//! A [`Table`] lives in slots that the host lends, or, with the feature `alloc`, in slots that grow
//! up to a limit. All its bookkeeping is inside the slots, so a table of `N` entries needs exactly
//! `N` slots:
//!
//! ```text
//! slot i:  [ entry | K hashes | neighbours in K buckets | queue links ]   the entry that lives here
//!          [ K bucket heads | heap cell ]            a share of the table's own bookkeeping
//! ```
//!
//! An entry has a hash in each of `K` indexes, or in some of them: a transaction is found by its
//! branch in one and by its connection in another.
//!
//! Finding an entry takes the same time however many are live; deadlines cost the logarithm.

use core::hash::Hasher;
use core::time::Duration;

use siphasher::sip::SipHasher13;

/// The number that stands for "no slot".
const NONE: u32 = u32::MAX;

/// Names an entry of a [`Table`] for as long as it lives; a later entry of the same slot has
/// another name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Index {
    slot: u32,
    generation: u32,
}

impl Index {
    /// The name as one number, for a host that keeps names as numbers.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        (self.generation as u64) << 32 | self.slot as u64
    }

    /// The name that [`Index::to_bits`] gave.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self { slot: bits as u32, generation: (bits >> 32) as u32 }
    }
}

/// Room for one entry of a [`Table`], and for a share of the table's bookkeeping.
#[derive(Debug, Clone)]
pub struct Slot<T, const K: usize = 1> {
    entry: Option<T>,
    deadline: Option<Duration>,
    generation: u32,
    /// The next free slot.
    free: u32,
    /// Where this entry stands in the heap of deadlines.
    heap_at: u32,
    /// Bookkeeping of the table: cell `i` of the heap stands in slot `i`.
    heap: u32,
    links: [Link; K],
    queues: [Queued; 2],
}

/// An entry's place in one index, and that index's bucket number `i` in slot `i`.
#[derive(Debug, Clone)]
struct Link {
    hash: u64,
    /// The neighbours in the same bucket.
    next: u32,
    previous: u32,
    linked: bool,
    /// Bookkeeping of the table: the first entry of bucket `i` stands in slot `i`.
    bucket: u32,
}

impl Link {
    const EMPTY: Self = Self { hash: 0, next: NONE, previous: NONE, linked: false, bucket: NONE };
}

/// An entry's place in one of the two queues.
#[derive(Debug, Clone)]
struct Queued {
    next: u32,
    previous: u32,
    queued: bool,
}

impl Queued {
    const EMPTY: Self = Self { next: NONE, previous: NONE, queued: false };
}

/// The queue of entries that have something to send.
const READY: usize = 0;
/// The queue of entries that have something to tell the host.
const NOTED: usize = 1;

impl<T, const K: usize> Slot<T, K> {
    /// A slot that holds nothing yet.
    pub const EMPTY: Self = Self {
        entry: None,
        deadline: None,
        generation: 0,
        free: NONE,
        heap_at: NONE,
        heap: NONE,
        links: [const { Link::EMPTY }; K],
        queues: [const { Queued::EMPTY }; 2],
    };
}

/// The table is full: it holds as many entries as the host has given room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Full {
    /// How many entries there is room for.
    pub capacity: usize,
}

impl core::fmt::Display for Full {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "all {} places are taken", self.capacity)
    }
}

impl core::error::Error for Full {}

/// Slots that were lent by the host, or that grow.
#[derive(Debug)]
enum Slots<'s, T, const K: usize> {
    Lent(&'s mut [Slot<T, K>]),
    #[cfg(feature = "alloc")]
    Growing {
        slots: alloc::vec::Vec<Slot<T, K>>,
        limit: usize,
    },
}

impl<T, const K: usize> Slots<'_, T, K> {
    fn slice(&self) -> &[Slot<T, K>] {
        match self {
            Self::Lent(slots) => slots,
            #[cfg(feature = "alloc")]
            Self::Growing { slots, .. } => slots,
        }
    }

    fn slice_mut(&mut self) -> &mut [Slot<T, K>] {
        match self {
            Self::Lent(slots) => slots,
            #[cfg(feature = "alloc")]
            Self::Growing { slots, .. } => slots,
        }
    }
}

/// Entries found by keyed hashes, ordered by deadline, queued when ready.
#[derive(Debug)]
pub struct Table<'s, T, const K: usize = 1> {
    slots: Slots<'s, T, K>,
    key: (u64, u64),
    live: u32,
    /// How many slots are part of the bookkeeping: a power of two in a table that grows.
    used: u32,
    free: u32,
    heap_len: u32,
    /// First and last of each queue.
    ends: [(u32, u32); 2],
}

impl<'s, T, const K: usize> Table<'s, T, K> {
    /// A table in slots that the host lends. `key` comes of the machine's seed: with it nobody
    /// outside can choose entries that all hash alike.
    pub fn lent(slots: &'s mut [Slot<T, K>], key: (u64, u64)) -> Self {
        // Slot numbers are 32 bits; more than that is never lent in practice, and not used.
        let len = slots.len().min(NONE as usize - 1);
        let (slots, _) = slots.split_at_mut(len);
        for slot in slots.iter_mut() {
            *slot = Slot { generation: slot.generation, ..Slot::EMPTY };
        }
        let used = u32::try_from(len).unwrap_or(0);
        let mut table = Self::over(Slots::Lent(slots), key);
        table.used = used;
        table.thread_free(0);
        table
    }

    /// A table that grows as far as `limit` entries.
    #[cfg(feature = "alloc")]
    pub fn growing(limit: usize, key: (u64, u64)) -> Self {
        let limit = limit.min(NONE as usize - 1);
        Self::over(Slots::Growing { slots: alloc::vec::Vec::new(), limit }, key)
    }

    fn over(slots: Slots<'s, T, K>, key: (u64, u64)) -> Self {
        Self { slots, key, live: 0, used: 0, free: NONE, heap_len: 0, ends: [(NONE, NONE); 2] }
    }

    /// The hash of a key made of several parts.
    pub fn hash(&self, parts: &[&[u8]]) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(self.key.0, self.key.1);
        for part in parts {
            hasher.write(part);
            // "ab" + "c" and "a" + "bc" are different keys.
            hasher.write_u8(0xff);
        }
        hasher.finish()
    }

    /// Puts an entry in, found by `hash` in the first index.
    ///
    /// # Errors
    /// The entry comes back where there is no room for it.
    pub fn insert(&mut self, hash: u64, entry: T) -> Result<Index, (T, Full)> {
        if self.free == NONE && !self.grow() {
            return Err((entry, Full { capacity: self.capacity() }));
        }
        let number = self.free;
        let Some(slot) = self.slot_mut(number) else {
            return Err((entry, Full { capacity: 0 }));
        };
        let free = slot.free;
        slot.entry = Some(entry);
        slot.deadline = None;
        let generation = slot.generation;
        self.free = free;
        self.live += 1;
        self.link(0, number, hash);
        Ok(Index { slot: number, generation })
    }

    /// Makes an entry known by `hash` in index number `index_number` (from 0, below `K`), or by
    /// nothing there.
    pub fn set_hash(&mut self, index: Index, index_number: usize, hash: Option<u64>) {
        if self.get(index).is_none() {
            return;
        }
        self.unlink(index_number, index.slot);
        if let Some(hash) = hash {
            self.link(index_number, index.slot, hash);
        }
    }

    /// Finds the entry with this hash in the first index for which `is_it` holds.
    pub fn find(&self, hash: u64, is_it: impl FnMut(&T) -> bool) -> Option<Index> {
        self.find_in(0, hash, is_it)
    }

    /// Finds the entry with this hash in index number `index_number` for which `is_it` holds. Of
    /// several, the one that was put in last.
    pub fn find_in(
        &self,
        index_number: usize,
        hash: u64,
        mut is_it: impl FnMut(&T) -> bool,
    ) -> Option<Index> {
        let mut number = self.slot(self.bucket_of(hash))?.links.get(index_number)?.bucket;
        while let Some(slot) = self.slot(number) {
            let link = slot.links.get(index_number)?;
            if link.hash == hash && slot.entry.as_ref().is_some_and(&mut is_it) {
                return Some(Index { slot: number, generation: slot.generation });
            }
            number = link.next;
        }
        None
    }

    /// Takes an entry out.
    pub fn remove(&mut self, index: Index) -> Option<T> {
        self.get(index)?;
        self.set_deadline(index, None);
        self.clear_ready(index);
        self.clear_noted(index);
        let number = index.slot;
        for index_number in 0..K {
            self.unlink(index_number, number);
        }
        let free = self.free;
        let slot = self.slot_mut(number)?;
        slot.generation = slot.generation.wrapping_add(1);
        slot.free = free;
        let entry = slot.entry.take();
        self.free = number;
        self.live -= 1;
        entry
    }

    /// Asks to be told of the entry at `deadline`, or never.
    pub fn set_deadline(&mut self, index: Index, deadline: Option<Duration>) {
        if self.get(index).is_none() {
            return;
        }
        let Some(slot) = self.slot_mut(index.slot) else { return };
        let at = slot.heap_at;
        if slot.deadline == deadline {
            return;
        }
        slot.deadline = deadline;
        match (at, deadline) {
            (NONE, None) => {}
            (NONE, Some(_)) => {
                let last = self.heap_len;
                self.heap_len += 1;
                self.place(last, index.slot);
                self.sift_up(last);
            }
            (at, Some(_)) => {
                self.sift_up(at);
                self.sift_down(at);
            }
            (at, None) => {
                let last = self.heap_len - 1;
                self.heap_len = last;
                if let Some(slot) = self.slot_mut(index.slot) {
                    slot.heap_at = NONE;
                }
                if at != last {
                    let moved = self.heap_cell(last);
                    self.place(at, moved);
                    self.sift_up(at);
                    self.sift_down(at);
                }
            }
        }
    }

    /// The entry whose deadline is the first to have come by `now`; its deadline is cleared.
    pub fn pop_due(&mut self, now: Duration) -> Option<Index> {
        if self.next_deadline()? > now {
            return None;
        }
        let number = self.heap_cell(0);
        let index = Index { slot: number, generation: self.slot(number)?.generation };
        self.set_deadline(index, None);
        Some(index)
    }

    /// Queues an entry as one that has something to send; twice is once.
    pub fn set_ready(&mut self, index: Index) {
        self.enqueue(READY, index);
    }

    /// Takes an entry off the queue of those that have something to send.
    pub fn clear_ready(&mut self, index: Index) {
        self.dequeue(READY, index);
    }

    /// Queues an entry as one that has something to tell; twice is once.
    pub fn set_noted(&mut self, index: Index) {
        self.enqueue(NOTED, index);
    }

    /// Takes an entry off the queue of those that have something to tell.
    pub fn clear_noted(&mut self, index: Index) {
        self.dequeue(NOTED, index);
    }

    /// The entry with this name.
    pub fn get_mut(&mut self, index: Index) -> Option<&mut T> {
        let slot = self.slot_mut(index.slot)?;
        if slot.generation == index.generation { slot.entry.as_mut() } else { None }
    }

    /// The entry with this name.
    pub fn get(&self, index: Index) -> Option<&T> {
        let slot = self.slot(index.slot)?;
        if slot.generation == index.generation { slot.entry.as_ref() } else { None }
    }

    /// The first entry on the queue of those that have something to send.
    pub fn first_ready(&self) -> Option<Index> {
        self.first_of(READY)
    }

    /// The first entry on the queue of those that have something to tell.
    pub fn first_noted(&self) -> Option<Index> {
        self.first_of(NOTED)
    }

    /// The earliest deadline of all.
    pub fn next_deadline(&self) -> Option<Duration> {
        if self.heap_len == 0 {
            return None;
        }
        self.slot(self.heap_cell(0))?.deadline
    }

    /// All entries, in no particular order. Takes time that grows with the table's capacity.
    pub fn iter(&self) -> impl Iterator<Item = (Index, &T)> {
        self.slots.slice().iter().zip(0u32..).filter_map(|(slot, number)| {
            let index = Index { slot: number, generation: slot.generation };
            slot.entry.as_ref().map(|entry| (index, entry))
        })
    }

    /// How many entries are live.
    pub fn len(&self) -> usize {
        self.live as usize
    }

    /// Whether no entry is live.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// How many entries there is room for.
    pub fn capacity(&self) -> usize {
        match &self.slots {
            Slots::Lent(slots) => slots.len(),
            #[cfg(feature = "alloc")]
            Slots::Growing { limit, .. } => *limit,
        }
    }

    #[cfg(not(feature = "alloc"))]
    #[expect(clippy::needless_pass_by_ref_mut, reason = "with `alloc` it changes something")]
    fn grow(&mut self) -> bool {
        false
    }

    /// Doubles the slots of a table that grows, and deals the entries to the buckets anew.
    #[cfg(feature = "alloc")]
    fn grow(&mut self) -> bool {
        let Slots::Growing { slots, limit } = &mut self.slots else { return false };
        let old = slots.len();
        let new = (old * 2).clamp(8, *limit);
        if new <= old {
            return false;
        }
        slots.resize_with(new, || Slot::EMPTY);
        self.used = u32::try_from(new).unwrap_or(NONE - 1);
        for slot in slots.iter_mut() {
            for link in &mut slot.links {
                link.bucket = NONE;
            }
        }
        let old = u32::try_from(old).unwrap_or(NONE - 1);
        for index_number in 0..K {
            for number in 0..old {
                let link = self.slot(number).and_then(|slot| slot.links.get(index_number));
                let Some(hash) = link.filter(|link| link.linked).map(|link| link.hash) else {
                    continue;
                };
                self.link(index_number, number, hash);
            }
        }
        self.thread_free(old);
        true
    }

    /// Strings the slots from `first` on together as free ones.
    fn thread_free(&mut self, first: u32) {
        for number in (first..self.used).rev() {
            let free = self.free;
            if let Some(slot) = self.slot_mut(number) {
                slot.free = free;
                self.free = number;
            }
        }
    }

    fn enqueue(&mut self, queue: usize, index: Index) {
        if self.get(index).is_none() {
            return;
        }
        let Some((first, last)) = self.ends.get(queue).copied() else { return };
        let Some(place) = self.queued_mut(queue, index.slot) else { return };
        if place.queued {
            return;
        }
        *place = Queued { next: NONE, previous: last, queued: true };
        if let Some(place) = self.queued_mut(queue, last) {
            place.next = index.slot;
        }
        if let Some(ends) = self.ends.get_mut(queue) {
            *ends = (if first == NONE { index.slot } else { first }, index.slot);
        }
    }

    fn dequeue(&mut self, queue: usize, index: Index) {
        if self.get(index).is_none() {
            return;
        }
        let Some((mut first, mut last)) = self.ends.get(queue).copied() else { return };
        let Some(place) = self.queued_mut(queue, index.slot) else { return };
        if !place.queued {
            return;
        }
        let (previous, next) = (place.previous, place.next);
        *place = Queued::EMPTY;
        match self.queued_mut(queue, previous) {
            Some(place) => place.next = next,
            None => first = next,
        }
        match self.queued_mut(queue, next) {
            Some(place) => place.previous = previous,
            None => last = previous,
        }
        if let Some(ends) = self.ends.get_mut(queue) {
            *ends = (first, last);
        }
    }

    fn queued_mut(&mut self, queue: usize, number: u32) -> Option<&mut Queued> {
        self.slot_mut(number)?.queues.get_mut(queue)
    }

    fn first_of(&self, queue: usize) -> Option<Index> {
        let (number, _) = *self.ends.get(queue)?;
        self.slot(number).map(|slot| Index { slot: number, generation: slot.generation })
    }

    /// Puts slot `number` first in the bucket of `hash`.
    fn link(&mut self, index_number: usize, number: u32, hash: u64) {
        let bucket = self.bucket_of(hash);
        let Some(cell) = self.link_mut(index_number, bucket) else { return };
        let head = cell.bucket;
        cell.bucket = number;
        if let Some(link) = self.link_mut(index_number, number) {
            link.hash = hash;
            link.next = head;
            link.previous = NONE;
            link.linked = true;
        }
        if let Some(link) = self.link_mut(index_number, head) {
            link.previous = number;
        }
    }

    fn unlink(&mut self, index_number: usize, number: u32) {
        let Some(link) = self.link_mut(index_number, number) else { return };
        if !link.linked {
            return;
        }
        link.linked = false;
        let (hash, next, previous) = (link.hash, link.next, link.previous);
        match self.link_mut(index_number, previous) {
            Some(link) => link.next = next,
            None => {
                let bucket = self.bucket_of(hash);
                if let Some(link) = self.link_mut(index_number, bucket) {
                    link.bucket = next;
                }
            }
        }
        if let Some(link) = self.link_mut(index_number, next) {
            link.previous = previous;
        }
    }

    fn link_mut(&mut self, index_number: usize, number: u32) -> Option<&mut Link> {
        self.slot_mut(number)?.links.get_mut(index_number)
    }

    fn bucket_of(&self, hash: u64) -> u32 {
        // The remainder is smaller than the divisor, which is 32 bits wide.
        hash.checked_rem(u64::from(self.used)).map_or(NONE, |bucket| bucket as u32)
    }

    fn slot(&self, number: u32) -> Option<&Slot<T, K>> {
        self.slots.slice().get(number as usize)
    }

    fn slot_mut(&mut self, number: u32) -> Option<&mut Slot<T, K>> {
        self.slots.slice_mut().get_mut(number as usize)
    }

    fn heap_cell(&self, at: u32) -> u32 {
        self.slot(at).map_or(NONE, |slot| slot.heap)
    }

    fn heap_deadline(&self, at: u32) -> Duration {
        let number = self.heap_cell(at);
        self.slot(number).and_then(|slot| slot.deadline).unwrap_or(Duration::MAX)
    }

    /// Writes slot `number` into the heap's cell `at`.
    fn place(&mut self, at: u32, number: u32) {
        if let Some(slot) = self.slot_mut(at) {
            slot.heap = number;
        }
        if let Some(slot) = self.slot_mut(number) {
            slot.heap_at = at;
        }
    }

    fn swap(&mut self, a: u32, b: u32) {
        let (in_a, in_b) = (self.heap_cell(a), self.heap_cell(b));
        self.place(a, in_b);
        self.place(b, in_a);
    }

    fn sift_up(&mut self, mut at: u32) {
        while at > 0 {
            let parent = (at - 1) / 2;
            if self.heap_deadline(parent) <= self.heap_deadline(at) {
                return;
            }
            self.swap(at, parent);
            at = parent;
        }
    }

    fn sift_down(&mut self, mut at: u32) {
        loop {
            let left = at.saturating_mul(2).saturating_add(1);
            let right = left.saturating_add(1);
            let mut least = at;
            for child in [left, right] {
                if child < self.heap_len && self.heap_deadline(child) < self.heap_deadline(least) {
                    least = child;
                }
            }
            if least == at {
                return;
            }
            self.swap(at, least);
            at = least;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use handset_testkit::{Random, seeds};
    use std::collections::BTreeMap;
    use std::vec::Vec;

    const KEY: (u64, u64) = (1, 2);

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn a_lent_table_is_full_when_its_slots_are() {
        let mut slots: [Slot<char>; 2] = [const { Slot::EMPTY }; 2];
        let mut table = Table::lent(&mut slots, KEY);
        let one = table.insert(1, 'a').unwrap();
        table.insert(1, 'b').unwrap();
        assert_eq!(table.insert(1, 'c'), Err(('c', Full { capacity: 2 })));
        assert_eq!(table.remove(one), Some('a'));
        assert_eq!(table.remove(one), None);
        let other = table.insert(1, 'c').unwrap();
        assert_ne!(one, other, "a name is not used again");
        assert_eq!(table.get(one), None);
        assert_eq!(table.find(1, |c| *c == 'b').and_then(|i| table.get(i)), Some(&'b'));
    }

    #[test]
    fn no_slots_hold_nothing() {
        let mut table: Table<'_, char> = Table::lent(&mut [], KEY);
        assert_eq!(table.insert(1, 'a'), Err(('a', Full { capacity: 0 })));
        assert_eq!(table.find(1, |_| true), None);
        assert_eq!((table.next_deadline(), table.first_ready()), (None, None));
    }

    #[test]
    fn the_parts_of_a_key_do_not_run_together() {
        let table: Table<'_, ()> = Table::lent(&mut [], KEY);
        assert_ne!(table.hash(&[b"ab", b"c"]), table.hash(&[b"a", b"bc"]));
    }

    #[test]
    fn an_entry_is_found_in_each_index_that_knows_it() {
        let mut slots: [Slot<char, 2>; 4] = [const { Slot::EMPTY }; 4];
        let mut table = Table::lent(&mut slots, KEY);
        let [a, b, c] = ['a', 'b', 'c'].map(|entry| table.insert(1, entry).unwrap());
        for index in [a, b, c] {
            table.set_hash(index, 1, Some(9));
        }
        table.set_hash(b, 1, Some(5));
        table.remove(c);
        assert_eq!(table.find_in(1, 9, |_| true), Some(a));
        assert_eq!(table.find_in(1, 5, |_| true), Some(b));
        table.set_hash(a, 1, None);
        assert_eq!(table.find_in(1, 9, |_| true), None);
        assert_eq!(table.find(1, |entry| *entry == 'a'), Some(a));
        assert_eq!(table.find_in(7, 9, |_| true), None, "there is no such index");
        assert_eq!(Index::from_bits(b.to_bits()), b);
    }

    #[test]
    fn the_queue_keeps_its_order_and_holds_an_entry_once() {
        let mut slots: [Slot<char>; 3] = [const { Slot::EMPTY }; 3];
        let mut table = Table::lent(&mut slots, KEY);
        let [a, b, c] = ['a', 'b', 'c'].map(|entry| table.insert(7, entry).unwrap());
        for index in [b, a, c, b] {
            table.set_ready(index);
        }
        table.clear_ready(a);
        let mut order = Vec::new();
        while let Some(index) = table.first_ready() {
            table.clear_ready(index);
            order.push(index);
        }
        assert_eq!(order, [b, c]);
    }

    /// Does the same to a table and to a plain map, and compares them at each step.
    fn agrees_with_a_map(mut table: Table<'_, u64>, seed: u64, steps: u32) {
        let mut random = Random::new(seed);
        let mut model: BTreeMap<u64, (Index, Option<Duration>)> = BTreeMap::new();
        for step in 0..steps {
            let key = random.below(40);
            let hash = key % 5;
            match random.below(4) {
                0 => {
                    if !model.contains_key(&key) && table.len() < table.capacity() {
                        let index = table.insert(hash, key).unwrap();
                        model.insert(key, (index, None));
                    }
                }
                1 => {
                    let index = model.remove(&key).map(|(index, _)| index);
                    assert_eq!(index.and_then(|i| table.remove(i)), index.map(|_| key));
                }
                2 => {
                    let deadline = (random.below(4) > 0).then(|| ms(random.below(1000)));
                    if let Some((index, old)) = model.get_mut(&key) {
                        table.set_deadline(*index, deadline);
                        *old = deadline;
                    }
                }
                _ => {
                    let now = ms(random.below(1000));
                    if let Some(index) = table.pop_due(now) {
                        let key = *table.get(index).unwrap();
                        let due = model.get_mut(&key).unwrap().1.take();
                        assert!(due.is_some_and(|due| due <= now), "step {step}");
                    }
                }
            }
            let first = model.values().filter_map(|(_, deadline)| *deadline).min();
            assert_eq!(table.next_deadline(), first, "step {step}");
            let found = table.find(hash, |k| *k == key);
            assert_eq!(found, model.get(&key).map(|(index, _)| *index), "step {step}");
            assert_eq!(table.len(), model.len());
        }
    }

    #[test]
    fn a_lent_table_agrees_with_a_map() {
        seeds(20, |seed| {
            let mut slots: [Slot<u64>; 30] = [const { Slot::EMPTY }; 30];
            agrees_with_a_map(Table::lent(&mut slots, KEY), seed, 2000);
        });
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn a_growing_table_agrees_with_a_map() {
        seeds(20, |seed| agrees_with_a_map(Table::growing(30, KEY), seed, 2000));
    }
}
