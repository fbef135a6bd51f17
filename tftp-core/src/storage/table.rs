//! Entries found by a keyed hash, ordered by their deadlines, and queued when they have something to
//! send.
//!
//! A [`Table`] lives in [`Slots`] that the host lends, or, with the feature `alloc`, in slots that
//! grow up to a limit. All its bookkeeping is inside the slots, so a table of `N` entries needs
//! exactly `N` slots:
//!
//! ```text
//! slot i:  [ entry ]                                     the entry that lives here
//!          [ hash, deadline, neighbours | bucket, cell ]   its node, and a share of the bookkeeping
//! ```
//!
//! Finding an entry takes the same time however many are live; deadlines cost the logarithm.

use core::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::book::{Book, Node};

/// Names an entry of a [`Table`] for as long as it lives; a later entry of the same slot has
/// another name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Index {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

/// Room for one entry. Its tag stands apart from the entry, so that an empty one is zeros and a
/// static full of them takes no flash.
#[derive(Debug)]
#[repr(u8)]
enum Entry<T> {
    Empty,
    Live(T),
}

impl<T> Entry<T> {
    const fn get(&self) -> Option<&T> {
        match self {
            Self::Live(entry) => Some(entry),
            Self::Empty => None,
        }
    }

    const fn get_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Live(entry) => Some(entry),
            Self::Empty => None,
        }
    }
}

/// Room for `N` entries of a [`Table`], and for its bookkeeping.
#[derive(Debug)]
pub(crate) struct Slots<T, const N: usize> {
    entries: [Entry<T>; N],
    nodes: [Node; N],
}

impl<T, const N: usize> Slots<T, N> {
    /// Slots that hold nothing yet: all zeros.
    pub(crate) const fn new() -> Self {
        Self { entries: [const { Entry::Empty }; N], nodes: [const { Node::ZERO }; N] }
    }

    /// The slots, to begin a table in.
    pub(crate) const fn lend(&mut self) -> Lent<'_, T> {
        Lent { entries: &mut self.entries, nodes: &mut self.nodes }
    }
}

/// [`Slots`] of any number, lent to a [`Table`].
#[derive(Debug)]
pub(crate) struct Lent<'s, T> {
    entries: &'s mut [Entry<T>],
    nodes: &'s mut [Node],
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

/// Entries that stand in slots lent by the host, or in slots that grow.
#[derive(Debug)]
enum Entries<'s, T> {
    Lent(&'s mut [Entry<T>]),
    #[cfg(feature = "alloc")]
    Growing {
        entries: alloc::vec::Vec<Entry<T>>,
        limit: usize,
    },
}

impl<T> Entries<'_, T> {
    fn slice(&self) -> &[Entry<T>] {
        match self {
            Self::Lent(entries) => entries,
            #[cfg(feature = "alloc")]
            Self::Growing { entries, .. } => entries,
        }
    }

    fn slice_mut(&mut self) -> &mut [Entry<T>] {
        match self {
            Self::Lent(entries) => entries,
            #[cfg(feature = "alloc")]
            Self::Growing { entries, .. } => entries,
        }
    }
}

/// Entries found by a keyed hash, ordered by deadline, queued when ready.
#[derive(Debug)]
pub(crate) struct Table<'s, T> {
    entries: Entries<'s, T>,
    book: Book<'s>,
    key: (u64, u64),
}

impl<'s, T> Table<'s, T> {
    /// A table in slots that the host lends. `key` comes of the machine's seed: with it nobody
    /// outside can choose entries that all hash alike.
    pub(crate) fn lent(slots: Lent<'s, T>, key: (u64, u64)) -> Self {
        let Lent { entries, nodes } = slots;
        for entry in entries.iter_mut() {
            *entry = Entry::Empty;
        }
        Self { entries: Entries::Lent(entries), book: Book::lent(nodes), key }
    }

    /// A table that grows as far as `limit` entries.
    #[cfg(feature = "alloc")]
    pub(crate) fn growing(limit: usize, key: (u64, u64)) -> Self {
        // Slot numbers are 32 bits, and one of them stands for no slot.
        let limit = limit.min(u32::MAX as usize - 1);
        let entries = Entries::Growing { entries: alloc::vec::Vec::new(), limit };
        Self { entries, book: Book::growing(), key }
    }

    /// The hash of a key made of several parts.
    pub(crate) fn hash(&self, parts: &[&[u8]]) -> u64 {
        hash(self.key, parts)
    }

    /// Puts an entry in.
    ///
    /// # Errors
    /// The entry comes back where there is no room for it.
    pub(crate) fn insert(&mut self, hash: u64, entry: T) -> Result<Index, (T, Full)> {
        if !self.book.has_room() && !self.grow() {
            return Err((entry, Full { capacity: self.capacity() }));
        }
        let Some(index) = self.book.insert(hash) else {
            return Err((entry, Full { capacity: 0 }));
        };
        if let Some(place) = self.entries.slice_mut().get_mut(index.slot as usize) {
            *place = Entry::Live(entry);
        }
        Ok(index)
    }

    /// Finds the entry with this hash for which `is_it` holds.
    pub(crate) fn find(&self, hash: u64, mut is_it: impl FnMut(&T) -> bool) -> Option<Index> {
        let mut found = self.book.first_with(hash);
        while let Some(number) = found {
            let entry = self.entries.slice().get(number as usize).and_then(Entry::get);
            if entry.is_some_and(&mut is_it) {
                return self.book.index_of(number);
            }
            found = self.book.next_with(hash, number);
        }
        None
    }

    /// Takes an entry out.
    pub(crate) fn remove(&mut self, index: Index) -> Option<T> {
        if !self.book.remove(index) {
            return None;
        }
        let place = self.entries.slice_mut().get_mut(index.slot as usize)?;
        match core::mem::replace(place, Entry::Empty) {
            Entry::Live(entry) => Some(entry),
            Entry::Empty => None,
        }
    }

    /// Asks to be told of the entry at `deadline`, in microseconds of the host's clock, or never.
    pub(crate) fn set_deadline(&mut self, index: Index, deadline: Option<u64>) {
        self.book.set_deadline(index, deadline);
    }

    /// The entry whose deadline is the first to have come by `now`; its deadline is cleared.
    pub(crate) fn pop_due(&mut self, now: u64) -> Option<Index> {
        self.book.pop_due(now)
    }

    /// Queues an entry as one that has something to send; twice is once.
    pub(crate) fn set_ready(&mut self, index: Index) {
        self.book.enqueue(index);
    }

    /// Takes an entry off the queue.
    pub(crate) fn clear_ready(&mut self, index: Index) {
        self.book.dequeue(index);
    }

    /// The entry with this name.
    pub(crate) fn get_mut(&mut self, index: Index) -> Option<&mut T> {
        if !self.book.is_live(index) {
            return None;
        }
        self.entries.slice_mut().get_mut(index.slot as usize)?.get_mut()
    }

    /// The entry with this name.
    pub(crate) fn get(&self, index: Index) -> Option<&T> {
        if !self.book.is_live(index) {
            return None;
        }
        self.entries.slice().get(index.slot as usize)?.get()
    }

    /// The first entry on the queue of those that have something to send.
    pub(crate) fn first_ready(&self) -> Option<Index> {
        self.book.first_ready()
    }

    /// The deadline of an entry.
    pub(crate) fn deadline(&self, index: Index) -> Option<u64> {
        self.book.deadline(index)
    }

    /// The earliest deadline of all.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.book.next_deadline()
    }

    /// How many entries are live.
    pub(crate) const fn len(&self) -> usize {
        self.book.live as usize
    }

    /// How many entries there is room for.
    pub(crate) const fn capacity(&self) -> usize {
        match &self.entries {
            Entries::Lent(entries) => entries.len(),
            #[cfg(feature = "alloc")]
            Entries::Growing { limit, .. } => *limit,
        }
    }

    #[cfg(not(feature = "alloc"))]
    #[expect(clippy::needless_pass_by_ref_mut, reason = "with `alloc` it changes something")]
    fn grow(&mut self) -> bool {
        false
    }

    /// Doubles the slots of a table that grows.
    #[cfg(feature = "alloc")]
    fn grow(&mut self) -> bool {
        let Entries::Growing { entries, limit } = &mut self.entries else { return false };
        let old = entries.len();
        let new = (old * 2).max(8).min(*limit);
        if new <= old {
            return false;
        }
        entries.resize_with(new, || Entry::Empty);
        self.book.grow(new);
        true
    }
}

fn hash(key: (u64, u64), parts: &[&[u8]]) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(key.0, key.1);
    for part in parts {
        hasher.write(part);
        // "ab" + "c" and "a" + "bc" are different keys.
        hasher.write_u8(0xff);
    }
    hasher.finish()
}

/// What one entry takes with its place in a table, in octets.
pub(crate) const fn slot_len<T>() -> usize {
    size_of::<Slots<T, 1>>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;
    use handset_testkit::{Random, seeds};

    const KEY: (u64, u64) = (1, 2);

    #[test]
    fn a_lent_table_is_full_when_its_slots_are() {
        let mut slots = Slots::<char, 2>::new();
        let mut table = Table::lent(slots.lend(), KEY);
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
        let mut slots = Slots::<char, 0>::new();
        let mut table = Table::lent(slots.lend(), KEY);
        assert_eq!(table.insert(1, 'a'), Err(('a', Full { capacity: 0 })));
        assert_eq!(table.find(1, |_| true), None);
        assert_eq!((table.next_deadline(), table.first_ready()), (None, None));
    }

    #[test]
    fn the_parts_of_a_key_do_not_run_together() {
        assert_ne!(hash(KEY, &[b"ab", b"c"]), hash(KEY, &[b"a", b"bc"]));
    }

    #[test]
    fn the_queue_keeps_its_order_and_holds_an_entry_once() {
        let mut slots = Slots::<char, 3>::new();
        let mut table = Table::lent(slots.lend(), KEY);
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
        let mut model: BTreeMap<u64, (Index, Option<u64>)> = BTreeMap::new();
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
                    let deadline = (random.below(4) > 0).then(|| random.below(1000));
                    if let Some((index, old)) = model.get_mut(&key) {
                        table.set_deadline(*index, deadline);
                        *old = deadline;
                    }
                }
                _ => {
                    let now = random.below(1000);
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
            let mut slots = Slots::<u64, 30>::new();
            agrees_with_a_map(Table::lent(slots.lend(), KEY), seed, 2000);
        });
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn a_growing_table_agrees_with_a_map() {
        seeds(20, |seed| agrees_with_a_map(Table::growing(30, KEY), seed, 2000));
    }
}
