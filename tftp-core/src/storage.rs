//! Where a machine keeps what is live: entries found by a keyed hash, ordered by their deadlines,
//! and queued when they have something to send.
//!
//! A [`Table`] lives in slots that the host lends, or, with the feature `alloc`, in slots that grow
//! up to a limit. All its bookkeeping is inside the slots, so a table of `N` entries needs exactly
//! `N` slots:
//!
//! ```text
//! slot i:  [ entry | hash | next in its bucket ]   the entry that lives here
//!          [ bucket head | heap cell | queue links ]   a share of the table's own bookkeeping
//! ```
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
pub(crate) struct Index {
    slot: u32,
    generation: u32,
}

/// Room for one entry of a [`Table`], and for a share of the table's bookkeeping.
#[derive(Debug, Clone)]
pub(crate) struct Slot<T> {
    entry: Option<T>,
    generation: u32,
    hash: u64,
    deadline: Option<Duration>,
    /// The next entry in the same bucket, or the next free slot.
    next: u32,
    /// Where this entry stands in the heap of deadlines.
    heap_at: u32,
    /// The next and previous entries that have something to send.
    ready_next: u32,
    ready_previous: u32,
    ready: bool,
    /// Bookkeeping of the table: the first entry of bucket `i` stands in slot `i`.
    bucket: u32,
    /// Bookkeeping of the table: cell `i` of the heap stands in slot `i`.
    heap: u32,
}

impl<T> Slot<T> {
    /// A slot that holds nothing yet.
    pub(crate) const EMPTY: Self = Self {
        entry: None,
        generation: 0,
        hash: 0,
        deadline: None,
        next: NONE,
        heap_at: NONE,
        ready_next: NONE,
        ready_previous: NONE,
        ready: false,
        bucket: NONE,
        heap: NONE,
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
enum Slots<'s, T> {
    Lent(&'s mut [Slot<T>]),
    #[cfg(feature = "alloc")]
    Growing {
        slots: alloc::vec::Vec<Slot<T>>,
        limit: usize,
    },
}

impl<T> Slots<'_, T> {
    fn slice(&self) -> &[Slot<T>] {
        match self {
            Self::Lent(slots) => slots,
            #[cfg(feature = "alloc")]
            Self::Growing { slots, .. } => slots,
        }
    }

    fn slice_mut(&mut self) -> &mut [Slot<T>] {
        match self {
            Self::Lent(slots) => slots,
            #[cfg(feature = "alloc")]
            Self::Growing { slots, .. } => slots,
        }
    }
}

/// Entries found by a keyed hash, ordered by deadline, queued when ready.
#[derive(Debug)]
pub(crate) struct Table<'s, T> {
    slots: Slots<'s, T>,
    key: (u64, u64),
    live: u32,
    /// How many slots are part of the bookkeeping: a power of two in a table that grows.
    used: u32,
    free: u32,
    heap_len: u32,
    ready_first: u32,
    ready_last: u32,
}

impl<'s, T> Table<'s, T> {
    /// A table in slots that the host lends. `key` comes of the machine's seed: with it nobody
    /// outside can choose entries that all hash alike.
    pub(crate) fn lent(slots: &'s mut [Slot<T>], key: (u64, u64)) -> Self {
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
    pub(crate) fn growing(limit: usize, key: (u64, u64)) -> Self {
        let limit = limit.min(NONE as usize - 1);
        Self::over(Slots::Growing { slots: alloc::vec::Vec::new(), limit }, key)
    }

    fn over(slots: Slots<'s, T>, key: (u64, u64)) -> Self {
        Self {
            slots,
            key,
            live: 0,
            used: 0,
            free: NONE,
            heap_len: 0,
            ready_first: NONE,
            ready_last: NONE,
        }
    }

    /// The hash of a key made of several parts.
    pub(crate) fn hash(&self, parts: &[&[u8]]) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(self.key.0, self.key.1);
        for part in parts {
            hasher.write(part);
            // "ab" + "c" and "a" + "bc" are different keys.
            hasher.write_u8(0xff);
        }
        hasher.finish()
    }

    /// Puts an entry in.
    ///
    /// # Errors
    /// The entry comes back where there is no room for it.
    pub(crate) fn insert(&mut self, hash: u64, entry: T) -> Result<Index, (T, Full)> {
        if self.free == NONE && !self.grow() {
            return Err((entry, Full { capacity: self.capacity() }));
        }
        let number = self.free;
        let bucket = self.bucket_of(hash);
        let head = self.slot(bucket).map_or(NONE, |slot| slot.bucket);
        let Some(slot) = self.slot_mut(number) else {
            return Err((entry, Full { capacity: 0 }));
        };
        let free = slot.next;
        slot.entry = Some(entry);
        slot.hash = hash;
        slot.next = head;
        slot.deadline = None;
        let generation = slot.generation;
        self.free = free;
        if let Some(slot) = self.slot_mut(bucket) {
            slot.bucket = number;
        }
        self.live += 1;
        Ok(Index { slot: number, generation })
    }

    /// Finds the entry with this hash for which `is_it` holds.
    pub(crate) fn find(&self, hash: u64, mut is_it: impl FnMut(&T) -> bool) -> Option<Index> {
        let mut number = self.slot(self.bucket_of(hash))?.bucket;
        while let Some(slot) = self.slot(number) {
            if slot.hash == hash && slot.entry.as_ref().is_some_and(&mut is_it) {
                return Some(Index { slot: number, generation: slot.generation });
            }
            number = slot.next;
        }
        None
    }

    /// Takes an entry out.
    pub(crate) fn remove(&mut self, index: Index) -> Option<T> {
        self.get(index)?;
        self.set_deadline(index, None);
        self.clear_ready(index);
        let number = index.slot;
        let (hash, next) = self.slot(number).map(|slot| (slot.hash, slot.next))?;
        let bucket = self.bucket_of(hash);
        let head = self.slot(bucket)?.bucket;
        if head == number {
            self.slot_mut(bucket)?.bucket = next;
        } else {
            let mut before = head;
            while let Some(slot) = self.slot_mut(before) {
                if slot.next == number {
                    slot.next = next;
                    break;
                }
                before = slot.next;
            }
        }
        let free = self.free;
        let slot = self.slot_mut(number)?;
        slot.generation = slot.generation.wrapping_add(1);
        slot.next = free;
        let entry = slot.entry.take();
        self.free = number;
        self.live -= 1;
        entry
    }

    /// Asks to be told of the entry at `deadline`, or never.
    pub(crate) fn set_deadline(&mut self, index: Index, deadline: Option<Duration>) {
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
    pub(crate) fn pop_due(&mut self, now: Duration) -> Option<Index> {
        if self.next_deadline()? > now {
            return None;
        }
        let number = self.heap_cell(0);
        let index = Index { slot: number, generation: self.slot(number)?.generation };
        self.set_deadline(index, None);
        Some(index)
    }

    /// Queues an entry as one that has something to send; twice is once.
    pub(crate) fn set_ready(&mut self, index: Index) {
        if self.get(index).is_none() {
            return;
        }
        let last = self.ready_last;
        let Some(slot) = self.slot_mut(index.slot) else { return };
        if slot.ready {
            return;
        }
        slot.ready = true;
        slot.ready_next = NONE;
        slot.ready_previous = last;
        if last == NONE {
            self.ready_first = index.slot;
        } else if let Some(slot) = self.slot_mut(last) {
            slot.ready_next = index.slot;
        }
        self.ready_last = index.slot;
    }

    /// Takes an entry off the queue.
    pub(crate) fn clear_ready(&mut self, index: Index) {
        if self.get(index).is_none() {
            return;
        }
        let Some(slot) = self.slot_mut(index.slot) else { return };
        if !slot.ready {
            return;
        }
        slot.ready = false;
        let (previous, next) = (slot.ready_previous, slot.ready_next);
        match self.slot_mut(previous) {
            Some(slot) => slot.ready_next = next,
            None => self.ready_first = next,
        }
        match self.slot_mut(next) {
            Some(slot) => slot.ready_previous = previous,
            None => self.ready_last = previous,
        }
    }

    /// The entry with this name.
    pub(crate) fn get_mut(&mut self, index: Index) -> Option<&mut T> {
        let slot = self.slot_mut(index.slot)?;
        if slot.generation == index.generation { slot.entry.as_mut() } else { None }
    }

    /// The entry with this name.
    pub(crate) fn get(&self, index: Index) -> Option<&T> {
        let slot = self.slot(index.slot)?;
        if slot.generation == index.generation { slot.entry.as_ref() } else { None }
    }

    /// The first entry on the queue of those that have something to send.
    pub(crate) fn first_ready(&self) -> Option<Index> {
        let number = self.ready_first;
        self.slot(number).map(|slot| Index { slot: number, generation: slot.generation })
    }

    /// The deadline of an entry.
    pub(crate) fn deadline(&self, index: Index) -> Option<Duration> {
        self.get(index)?;
        self.slot(index.slot)?.deadline
    }

    /// The earliest deadline of all.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        if self.heap_len == 0 {
            return None;
        }
        self.slot(self.heap_cell(0))?.deadline
    }

    /// How many entries are live.
    pub(crate) fn len(&self) -> usize {
        self.live as usize
    }

    /// How many entries there is room for.
    pub(crate) fn capacity(&self) -> usize {
        match &self.slots {
            Slots::Lent(slots) => slots.len(),
            #[cfg(feature = "alloc")]
            Slots::Growing { limit, .. } => *limit,
        }
    }

    #[cfg(not(feature = "alloc"))]
    #[expect(clippy::needless_pass_by_ref_mut, reason = "with `alloc` it changes the table")]
    fn grow(&mut self) -> bool {
        false
    }

    /// Doubles the slots of a table that grows, and deals the entries to the buckets anew.
    #[cfg(feature = "alloc")]
    fn grow(&mut self) -> bool {
        let Slots::Growing { slots, limit } = &mut self.slots else { return false };
        let old = slots.len();
        let new = (old * 2).max(8).min(*limit);
        if new <= old {
            return false;
        }
        slots.resize_with(new, || Slot::EMPTY);
        self.used = u32::try_from(new).unwrap_or(NONE - 1);
        for slot in slots.iter_mut() {
            slot.bucket = NONE;
        }
        let old = u32::try_from(old).unwrap_or(NONE - 1);
        for number in 0..old {
            let Some(hash) = self.slot(number).map(|slot| slot.hash) else { continue };
            let bucket = self.bucket_of(hash);
            let head = self.slot(bucket).map_or(NONE, |slot| slot.bucket);
            if let Some(slot) = self.slot_mut(number) {
                slot.next = head;
            }
            if let Some(slot) = self.slot_mut(bucket) {
                slot.bucket = number;
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
                slot.next = free;
                self.free = number;
            }
        }
    }

    fn bucket_of(&self, hash: u64) -> u32 {
        // The remainder is smaller than the divisor, which is 32 bits wide.
        hash.checked_rem(u64::from(self.used)).map_or(NONE, |bucket| bucket as u32)
    }

    fn slot(&self, number: u32) -> Option<&Slot<T>> {
        self.slots.slice().get(number as usize)
    }

    fn slot_mut(&mut self, number: u32) -> Option<&mut Slot<T>> {
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
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;
    use handset_testkit::{Random, seeds};

    const KEY: (u64, u64) = (1, 2);

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn a_lent_table_is_full_when_its_slots_are() {
        let mut slots = [const { Slot::EMPTY }; 2];
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
        let mut table = Table::lent(&mut [], KEY);
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
    fn the_queue_keeps_its_order_and_holds_an_entry_once() {
        let mut slots = [const { Slot::EMPTY }; 3];
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
            let mut slots = [const { Slot::EMPTY }; 30];
            agrees_with_a_map(Table::lent(&mut slots, KEY), seed, 2000);
        });
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn a_growing_table_agrees_with_a_map() {
        seeds(20, |seed| agrees_with_a_map(Table::growing(30, KEY), seed, 2000));
    }
}
