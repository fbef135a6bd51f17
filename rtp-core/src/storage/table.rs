//! Entries found by a keyed hash, ordered by their deadlines, and queued when there is something to
//! tell of them.
//!
//! A [`Table`] lives in [`Slots`] that the host lends, or, with the feature `alloc`, in slots that
//! grow up to a limit. All its bookkeeping is inside the slots, so a table of `N` entries needs
//! exactly `N` slots:
//!
//! ```text
//! slot i:  [ entry ]                        the entry that lives here
//!          [ hash | deadline | neighbours   its node
//!          | bucket head | heap cell ]      and a share of the table's own bookkeeping
//! ```
//!
//! Finding an entry takes the same time however many are live; deadlines cost the logarithm.

use core::hash::Hasher;
use core::time::Duration;

use siphasher::sip::SipHasher13;

use super::book::{Book, Node, Queue};
use crate::Full;

/// Names an entry of a [`Table`] for as long as it lives; a later entry of the same slot has
/// another name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Index {
    slot: u32,
    generation: u32,
}

impl Index {
    pub(super) const fn new(slot: u32, generation: u32) -> Self {
        Self { slot, generation }
    }

    pub(super) const fn slot(self) -> u32 {
        self.slot
    }

    pub(super) const fn is_of(self, generation: u32) -> bool {
        self.generation == generation
    }
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
    /// Slots that hold nothing yet: all zeros, so that a static of them takes no flash.
    pub(crate) const fn new() -> Self {
        Self { entries: [const { Entry::Empty }; N], nodes: [const { Node::ZERO }; N] }
    }

    /// The slots, to begin a table in.
    pub(crate) fn lend(&mut self) -> Lent<'_, T> {
        Lent { entries: &mut self.entries, nodes: &mut self.nodes }
    }
}

/// [`Slots`] of any number, lent to a [`Table`].
#[derive(Debug)]
pub(crate) struct Lent<'s, T> {
    entries: &'s mut [Entry<T>],
    nodes: &'s mut [Node],
}

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
        let limit = limit.min(super::book::MOST_SLOTS);
        let entries = Entries::Growing { entries: alloc::vec::Vec::new(), limit };
        Self { entries, book: Book::growing(), key }
    }

    /// The hash of a key, which nobody outside can tell.
    pub(crate) fn hash(&self, key: &[u8]) -> u32 {
        let mut hasher = self.hasher();
        hasher.write(key);
        (hasher.finish() >> 32) as u32
    }

    /// The keyed hasher of this table.
    pub(crate) fn hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.key.0, self.key.1)
    }

    /// Puts an entry in.
    ///
    /// # Errors
    /// There is no room for it.
    pub(crate) fn insert(&mut self, hash: u32, entry: T) -> Result<Index, Full> {
        if !self.book.has_room() {
            self.grow();
        }
        let index = self.book.insert(hash).ok_or(Full { capacity: self.capacity() })?;
        if let Some(place) = self.entries.slice_mut().get_mut(index.slot as usize) {
            *place = Entry::Live(entry);
        }
        Ok(index)
    }

    /// Finds the entry with this hash for which `is_it` holds.
    #[inline]
    pub(crate) fn find(&self, hash: u32, mut is_it: impl FnMut(&T) -> bool) -> Option<Index> {
        let mut found = self.book.first_with(hash);
        while let Some(index) = found {
            let entry = self.entries.slice().get(index.slot as usize).and_then(Entry::get);
            if entry.is_some_and(&mut is_it) {
                return Some(index);
            }
            found = self.book.next_with(hash, index);
        }
        None
    }

    /// Takes an entry out.
    pub(crate) fn remove(&mut self, index: Index) {
        if self.book.remove(index)
            && let Some(place) = self.entries.slice_mut().get_mut(index.slot as usize)
        {
            *place = Entry::Empty;
        }
    }

    /// Asks to be told of the entry at `deadline`, or never.
    pub(crate) fn set_deadline(&mut self, index: Index, deadline: Option<Duration>) {
        self.book.set_deadline(index, deadline);
    }

    /// The entry whose deadline is the first to have come by `now`; its deadline is cleared.
    pub(crate) fn pop_due(&mut self, now: Duration) -> Option<Index> {
        self.book.pop_due(now)
    }

    /// Puts an entry at the end of a queue; twice is once.
    pub(crate) fn enqueue(&mut self, queue: Queue, index: Index) {
        self.book.enqueue(queue, index);
    }

    /// Takes an entry off a queue.
    pub(crate) fn dequeue(&mut self, queue: Queue, index: Index) {
        self.book.dequeue(queue, index);
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

    /// The first entry of a queue.
    pub(crate) fn first(&self, queue: Queue) -> Option<Index> {
        self.book.first_of(queue)
    }

    /// The entries of a queue, in its order.
    pub(crate) fn queued(&self, queue: Queue) -> impl Iterator<Item = Index> {
        core::iter::successors(self.first(queue), move |index| self.book.next_of(queue, *index))
    }

    /// The deadline of an entry.
    pub(crate) fn deadline(&self, index: Index) -> Option<Duration> {
        self.book.deadline(index)
    }

    /// The earliest deadline of all.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.book.next_deadline()
    }

    /// All entries, in no particular order. Takes time that grows with the table's capacity.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Index, &T)> {
        self.entries.slice().iter().zip(0u32..).filter_map(|(place, number)| {
            place.get().and_then(|entry| Some((self.book.index_of(number)?, entry)))
        })
    }

    /// Takes out all entries that are not to be kept, by their hashes and themselves. Takes time that
    /// grows with the table's capacity.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(u32, &T) -> bool) {
        for number in 0..self.book.used {
            if let Some((index, hash)) = self.book.live_in(number)
                && self.get(index).is_some_and(|entry| !keep(hash, entry))
            {
                self.remove(index);
            }
        }
    }

    /// How many entries are live.
    pub(crate) fn len(&self) -> usize {
        self.book.live as usize
    }

    /// How many entries there is room for.
    pub(crate) fn capacity(&self) -> usize {
        match &self.entries {
            Entries::Lent(entries) => entries.len(),
            #[cfg(feature = "alloc")]
            Entries::Growing { limit, .. } => *limit,
        }
    }

    #[cfg(not(feature = "alloc"))]
    #[expect(clippy::needless_pass_by_ref_mut, reason = "a table that grows needs it")]
    fn grow(&mut self) {}

    /// Doubles the slots of a table that grows.
    #[cfg(feature = "alloc")]
    fn grow(&mut self) {
        let Entries::Growing { entries, limit } = &mut self.entries else { return };
        let old = entries.len();
        let new = (old * 2).max(8).min(*limit);
        if new > old {
            entries.resize_with(new, || Entry::Empty);
            self.book.grow(new);
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
        let mut slots = Slots::<char, 2>::new();
        let mut table = Table::lent(slots.lend(), KEY);
        let one = table.insert(1, 'a').unwrap();
        table.insert(1, 'b').unwrap();
        assert_eq!(table.insert(1, 'c'), Err(Full { capacity: 2 }));
        table.remove(one);
        table.remove(one);
        assert_eq!(table.len(), 1);
        let other = table.insert(1, 'c').unwrap();
        assert_ne!(one, other, "a name is not used again");
        assert_eq!(table.get(one), None);
        assert_eq!(table.find(1, |c| *c == 'b').and_then(|i| table.get(i)), Some(&'b'));
    }

    #[test]
    fn what_is_not_kept_is_gone_from_everywhere() {
        let mut slots = Slots::<u32, 8>::new();
        let mut table = Table::lent(slots.lend(), KEY);
        for n in 0..8 {
            let index = table.insert(n % 3, n).unwrap();
            table.set_deadline(index, Some(ms(n.into())));
            table.enqueue(Queue::Event, index);
        }
        table.retain(|hash, n| hash == n % 3 && n % 2 == 1);
        assert_eq!((table.len(), table.queued(Queue::Event).count()), (4, 4));
        assert_eq!(table.next_deadline(), Some(ms(1)));
        assert_eq!(table.find(0, |n| *n == 6), None);
        assert!(table.iter().map(|(_, n)| *n).eq([1, 3, 5, 7]));
        assert!(table.insert(0, 9).is_ok());
    }

    #[test]
    fn no_slots_hold_nothing() {
        let mut slots = Slots::<char, 0>::new();
        let mut table = Table::lent(slots.lend(), KEY);
        assert_eq!(table.insert(1, 'a'), Err(Full { capacity: 0 }));
        assert_eq!(table.find(1, |_| true), None);
        assert_eq!((table.next_deadline(), table.first(Queue::Event)), (None, None));
    }

    #[test]
    fn a_queue_keeps_its_order_and_holds_an_entry_once() {
        let mut slots = Slots::<char, 3>::new();
        let mut table = Table::lent(slots.lend(), KEY);
        let [a, b, c] = ['a', 'b', 'c'].map(|entry| table.insert(7, entry).unwrap());
        for index in [b, a, c, b] {
            table.enqueue(Queue::Event, index);
        }
        table.enqueue(Queue::Report, a);
        table.dequeue(Queue::Event, a);
        assert!(table.queued(Queue::Event).eq([b, c]));
        assert!(table.queued(Queue::Report).eq([a]));
        let mut order = Vec::new();
        while let Some(index) = table.first(Queue::Event) {
            table.dequeue(Queue::Event, index);
            order.push(index);
        }
        assert_eq!(order, [b, c]);
        table.remove(a);
        assert_eq!(table.first(Queue::Report), None);
    }

    /// Does the same to a table and to a plain map, and compares them at each step.
    fn agrees_with_a_map(mut table: Table<'_, u64>, seed: u64, steps: u32) {
        let mut random = Random::new(seed);
        let mut model: BTreeMap<u64, (Index, Option<Duration>)> = BTreeMap::new();
        for step in 0..steps {
            let key = random.below(40);
            let hash = (key % 5) as u32;
            match random.below(4) {
                0 => {
                    if !model.contains_key(&key) && table.len() < table.capacity() {
                        let index = table.insert(hash, key).unwrap();
                        model.insert(key, (index, None));
                    }
                }
                1 => {
                    if let Some((index, _)) = model.remove(&key) {
                        assert_eq!(table.get(index), Some(&key));
                        table.remove(index);
                        assert_eq!(table.get(index), None);
                    }
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
