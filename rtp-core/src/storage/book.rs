//! What a [`Table`](super::Table) knows of its entries without knowing what they are: which are
//! live, their hashes, deadlines and queues.

use core::time::Duration;

use super::table::Index;

/// The number that stands for "no slot".
pub(super) const NONE: u32 = u32::MAX;
/// The neighbour of an entry that stands in no queue.
const NOT_QUEUED: u32 = u32::MAX - 1;
/// Slot numbers are below this.
pub(super) const MOST_SLOTS: usize = NOT_QUEUED as usize;

/// The queues that an entry may stand in, each at most once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queue {
    /// Sources that the next report speaks of.
    Report = 0,
    /// Members that the host has not been told of.
    Event = 1,
}

/// How many queues there are.
const QUEUES: usize = 2;

/// What is kept of one slot, and a share of the table's own bookkeeping.
#[derive(Debug, Clone)]
pub(super) struct Node {
    deadline: Option<Duration>,
    hash: u32,
    /// Odd while an entry lives here: each entry has a name of its own.
    generation: u32,
    /// The next entry in the same bucket, or the next free slot.
    next: u32,
    /// Where this entry stands in the heap of deadlines.
    heap_at: u32,
    /// Bookkeeping of the table: the first entry of bucket `i` stands in slot `i`.
    bucket: u32,
    /// Bookkeeping of the table: cell `i` of the heap stands in slot `i`.
    heap: u32,
    queues: [Neighbours; QUEUES],
}

/// An entry's place in a queue.
#[derive(Debug, Clone, Copy)]
struct Neighbours {
    next: u32,
    previous: u32,
}

impl Node {
    /// What stands in storage before a table begins in it: zeros, for which an image needs no flash.
    pub(super) const ZERO: Self = Self {
        deadline: Some(Duration::ZERO),
        hash: 0,
        generation: 0,
        next: 0,
        heap_at: 0,
        bucket: 0,
        heap: 0,
        queues: [Neighbours { next: 0, previous: 0 }; QUEUES],
    };

    const FREE: Self = Self {
        deadline: None,
        hash: 0,
        generation: 0,
        next: NONE,
        heap_at: NONE,
        bucket: NONE,
        heap: NONE,
        queues: [Neighbours::NOT; QUEUES],
    };

    const fn is_live(&self) -> bool {
        self.generation & 1 == 1
    }
}

impl Neighbours {
    const NOT: Self = Self { next: NOT_QUEUED, previous: NOT_QUEUED };
}

/// Nodes that were lent by the host, or that grow.
#[derive(Debug)]
enum Nodes<'s> {
    Lent(&'s mut [Node]),
    #[cfg(feature = "alloc")]
    Growing(alloc::vec::Vec<Node>),
}

/// The bookkeeping of one table.
#[derive(Debug)]
pub(super) struct Book<'s> {
    nodes: Nodes<'s>,
    pub(super) live: u32,
    /// How many slots are part of the bookkeeping.
    pub(super) used: u32,
    free: u32,
    heap_len: u32,
    /// First and last of each queue.
    ends: [(u32, u32); QUEUES],
}

impl<'s> Book<'s> {
    /// A book in lent nodes.
    pub(super) fn lent(nodes: &'s mut [Node]) -> Self {
        nodes.fill(Node::FREE);
        // Slot numbers are 32 bits; more than that is never lent in practice, and not used.
        let used = nodes.len().min(MOST_SLOTS) as u32;
        let mut book = Self::over(Nodes::Lent(nodes));
        book.used = used;
        book.thread_free(0);
        book
    }

    /// A book that grows with its table.
    #[cfg(feature = "alloc")]
    pub(super) fn growing() -> Self {
        Self::over(Nodes::Growing(alloc::vec::Vec::new()))
    }

    fn over(nodes: Nodes<'s>) -> Self {
        Self { nodes, live: 0, used: 0, free: NONE, heap_len: 0, ends: [(NONE, NONE); QUEUES] }
    }

    /// As many slots as `new`; the entries are dealt to the buckets anew.
    #[cfg(feature = "alloc")]
    pub(super) fn grow(&mut self, new: usize) {
        let Nodes::Growing(nodes) = &mut self.nodes else { return };
        let old = nodes.len().min(MOST_SLOTS) as u32;
        nodes.resize_with(new, || Node::FREE);
        for node in nodes.iter_mut() {
            node.bucket = NONE;
        }
        self.used = new.min(MOST_SLOTS) as u32;
        // A table grows where no slot is free: all the old ones are live.
        for number in 0..old {
            self.put_first(number);
        }
        self.thread_free(old);
    }

    /// Whether a slot is free.
    pub(super) fn has_room(&self) -> bool {
        self.free != NONE
    }

    /// Takes a free slot for an entry with this hash.
    pub(super) fn insert(&mut self, hash: u32) -> Option<Index> {
        let number = self.free;
        let node = self.node_mut(number)?;
        let free = node.next;
        node.generation = node.generation.wrapping_add(1);
        node.hash = hash;
        let index = Index::new(number, node.generation);
        self.free = free;
        self.live += 1;
        self.put_first(number);
        Some(index)
    }

    /// Gives a slot back; says whether there was an entry.
    pub(super) fn remove(&mut self, index: Index) -> bool {
        if !self.is_live(index) {
            return false;
        }
        self.set_deadline(index, None);
        self.dequeue(Queue::Report, index);
        self.dequeue(Queue::Event, index);
        let number = index.slot();
        self.unlink(number);
        let free = self.free;
        if let Some(node) = self.node_mut(number) {
            node.generation = node.generation.wrapping_add(1);
            node.next = free;
        }
        self.free = number;
        self.live -= 1;
        true
    }

    pub(super) fn set_deadline(&mut self, index: Index, deadline: Option<Duration>) {
        let number = index.slot();
        let Some(node) = self.live_mut(index) else { return };
        if node.deadline == deadline {
            return;
        }
        let at = node.heap_at;
        node.deadline = deadline;
        if at == NONE {
            let last = self.heap_len;
            self.heap_len += 1;
            self.place(last, number);
            self.sift(last);
        } else if deadline.is_some() {
            self.sift(at);
        } else {
            node.heap_at = NONE;
            let last = self.heap_len - 1;
            self.heap_len = last;
            if at != last {
                self.place(at, self.heap_cell(last));
                self.sift(at);
            }
        }
    }

    pub(super) fn deadline(&self, index: Index) -> Option<Duration> {
        if !self.is_live(index) {
            return None;
        }
        self.node(index.slot())?.deadline
    }

    pub(super) fn pop_due(&mut self, now: Duration) -> Option<Index> {
        if self.next_deadline()? > now {
            return None;
        }
        let index = self.index_of(self.heap_cell(0))?;
        self.set_deadline(index, None);
        Some(index)
    }

    pub(super) fn next_deadline(&self) -> Option<Duration> {
        if self.heap_len == 0 {
            return None;
        }
        self.node(self.heap_cell(0))?.deadline
    }

    pub(super) fn enqueue(&mut self, queue: Queue, index: Index) {
        let number = index.slot();
        let (_, last) = *self.ends_mut(queue);
        let Some(place) = self.live_mut(index).map(|node| neighbours(node, queue)) else { return };
        if place.next != NOT_QUEUED {
            return;
        }
        *place = Neighbours { next: NONE, previous: last };
        match self.node_mut(last) {
            Some(node) => neighbours(node, queue).next = number,
            None => self.ends_mut(queue).0 = number,
        }
        self.ends_mut(queue).1 = number;
    }

    pub(super) fn dequeue(&mut self, queue: Queue, index: Index) {
        let Some(place) = self.live_mut(index).map(|node| neighbours(node, queue)) else { return };
        let Neighbours { next, previous } = core::mem::replace(place, Neighbours::NOT);
        if next == NOT_QUEUED {
            return;
        }
        match self.node_mut(previous) {
            Some(node) => neighbours(node, queue).next = next,
            None => self.ends_mut(queue).0 = next,
        }
        match self.node_mut(next) {
            Some(node) => neighbours(node, queue).previous = previous,
            None => self.ends_mut(queue).1 = previous,
        }
    }

    pub(super) fn first_of(&self, queue: Queue) -> Option<Index> {
        let [report, event] = &self.ends;
        let (first, _) = match queue {
            Queue::Report => report,
            Queue::Event => event,
        };
        self.index_of(*first)
    }

    /// The entry that stands behind another in a queue.
    pub(super) fn next_of(&self, queue: Queue, index: Index) -> Option<Index> {
        let [report, event] = self.node(index.slot())?.queues;
        self.index_of(match queue {
            Queue::Report => report.next,
            Queue::Event => event.next,
        })
    }

    /// Whether this entry is there.
    pub(super) fn is_live(&self, index: Index) -> bool {
        self.node(index.slot()).is_some_and(|node| index.is_of(node.generation))
    }

    /// The name of the entry in a slot.
    pub(super) fn index_of(&self, number: u32) -> Option<Index> {
        self.node(number).map(|node| Index::new(number, node.generation))
    }

    /// The name and the hash of the entry in a slot, if one lives there.
    pub(super) fn live_in(&self, number: u32) -> Option<(Index, u32)> {
        let node = self.node(number).filter(|node| node.is_live())?;
        Some((Index::new(number, node.generation), node.hash))
    }

    /// The first entry that has this hash.
    pub(super) fn first_with(&self, hash: u32) -> Option<Index> {
        self.with(hash, self.node(self.bucket_of(hash))?.bucket)
    }

    /// The next entry that has this hash.
    pub(super) fn next_with(&self, hash: u32, index: Index) -> Option<Index> {
        self.with(hash, self.node(index.slot())?.next)
    }

    fn with(&self, hash: u32, mut number: u32) -> Option<Index> {
        loop {
            let node = self.node(number)?;
            if node.hash == hash {
                return Some(Index::new(number, node.generation));
            }
            number = node.next;
        }
    }

    /// Strings the slots from `first` on together as free ones.
    fn thread_free(&mut self, first: u32) {
        for number in (first..self.used).rev() {
            let free = self.free;
            if let Some(node) = self.node_mut(number) {
                node.next = free;
                self.free = number;
            }
        }
    }

    /// Puts slot `number` first in the bucket of its hash.
    fn put_first(&mut self, number: u32) {
        let Some(hash) = self.node(number).map(|node| node.hash) else { return };
        let Some(cell) = self.node_mut(self.bucket_of(hash)) else { return };
        let head = core::mem::replace(&mut cell.bucket, number);
        if let Some(node) = self.node_mut(number) {
            node.next = head;
        }
    }

    /// Takes slot `number` out of its bucket.
    fn unlink(&mut self, number: u32) {
        let Some((hash, next)) = self.node(number).map(|node| (node.hash, node.next)) else {
            return;
        };
        let Some(cell) = self.node_mut(self.bucket_of(hash)) else { return };
        if cell.bucket == number {
            cell.bucket = next;
            return;
        }
        let mut before = cell.bucket;
        while let Some(node) = self.node_mut(before) {
            if node.next == number {
                node.next = next;
                return;
            }
            before = node.next;
        }
    }

    fn bucket_of(&self, hash: u32) -> u32 {
        hash.checked_rem(self.used).unwrap_or(NONE)
    }

    fn node(&self, number: u32) -> Option<&Node> {
        match &self.nodes {
            Nodes::Lent(nodes) => nodes.get(number as usize),
            #[cfg(feature = "alloc")]
            Nodes::Growing(nodes) => nodes.get(number as usize),
        }
    }

    fn node_mut(&mut self, number: u32) -> Option<&mut Node> {
        match &mut self.nodes {
            Nodes::Lent(nodes) => nodes.get_mut(number as usize),
            #[cfg(feature = "alloc")]
            Nodes::Growing(nodes) => nodes.get_mut(number as usize),
        }
    }

    fn live_mut(&mut self, index: Index) -> Option<&mut Node> {
        self.node_mut(index.slot()).filter(|node| index.is_of(node.generation))
    }

    fn ends_mut(&mut self, queue: Queue) -> &mut (u32, u32) {
        let [report, event] = &mut self.ends;
        match queue {
            Queue::Report => report,
            Queue::Event => event,
        }
    }

    fn heap_cell(&self, at: u32) -> u32 {
        self.node(at).map_or(NONE, |node| node.heap)
    }

    fn heap_deadline(&self, at: u32) -> Duration {
        self.node(self.heap_cell(at)).and_then(|node| node.deadline).unwrap_or(Duration::MAX)
    }

    /// Writes slot `number` into the heap's cell `at`.
    fn place(&mut self, at: u32, number: u32) {
        if let Some(node) = self.node_mut(at) {
            node.heap = number;
        }
        if let Some(node) = self.node_mut(number) {
            node.heap_at = at;
        }
    }

    fn swap(&mut self, a: u32, b: u32) {
        let (in_a, in_b) = (self.heap_cell(a), self.heap_cell(b));
        self.place(a, in_b);
        self.place(b, in_a);
    }

    /// Moves cell `at` of the heap to where its deadline belongs.
    fn sift(&mut self, mut at: u32) {
        while at > 0 {
            let parent = (at - 1) / 2;
            if self.heap_deadline(parent) <= self.heap_deadline(at) {
                break;
            }
            self.swap(at, parent);
            at = parent;
        }
        loop {
            let left = at.saturating_mul(2).saturating_add(1);
            let mut least = at;
            for child in [left, left.saturating_add(1)] {
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

fn neighbours(node: &mut Node, queue: Queue) -> &mut Neighbours {
    let [report, event] = &mut node.queues;
    match queue {
        Queue::Report => report,
        Queue::Event => event,
    }
}
