//! What a [`Table`](super::Table) knows of its entries without knowing what they are: which are
//! live, their hashes, deadlines and queue. One piece of code for the tables of all kinds.

use super::table::Index;

/// The number that stands for "no slot".
const NONE: u32 = u32::MAX;

/// What is kept of one slot, and a share of the table's own bookkeeping.
#[derive(Debug, Clone)]
pub(super) struct Node {
    hash: u64,
    /// In microseconds of the host's clock; counts only for an entry that stands in the heap.
    deadline: u64,
    generation: u32,
    /// The next entry in the same bucket, or the next free slot.
    next: u32,
    /// Where this entry stands in the heap of deadlines.
    heap_at: u32,
    /// The next and previous entries that have something to send.
    ready_next: u32,
    ready_previous: u32,
    /// Bookkeeping of the table: the first entry of bucket `i` stands in slot `i`.
    bucket: u32,
    /// Bookkeeping of the table: cell `i` of the heap stands in slot `i`.
    heap: u32,
    live: bool,
    ready: bool,
}

impl Node {
    /// What stands in storage before a table begins in it: zeros, for which an image needs no flash.
    pub(super) const ZERO: Self = Self {
        next: 0,
        heap_at: 0,
        ready_next: 0,
        ready_previous: 0,
        bucket: 0,
        heap: 0,
        ..Self::FREE
    };

    const FREE: Self = Self {
        hash: 0,
        deadline: 0,
        generation: 0,
        next: NONE,
        heap_at: NONE,
        ready_next: NONE,
        ready_previous: NONE,
        bucket: NONE,
        heap: NONE,
        live: false,
        ready: false,
    };

    /// Whether this entry lives here.
    const fn is(&self, index: Index) -> bool {
        self.live && self.generation == index.generation
    }
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
    /// How many slots are part of the bookkeeping: a power of two in a table that grows.
    used: u32,
    free: u32,
    heap_len: u32,
    ready_first: u32,
    ready_last: u32,
}

impl<'s> Book<'s> {
    /// A book in lent places.
    pub(super) fn lent(nodes: &'s mut [Node]) -> Self {
        for node in nodes.iter_mut() {
            *node = Node { generation: node.generation, ..Node::FREE };
        }
        // Slot numbers are 32 bits; more than that is never lent in practice, and not used.
        let used = u32::try_from(nodes.len()).unwrap_or(NONE - 1);
        let mut book = Self::over(Nodes::Lent(nodes));
        book.used = used;
        book.thread_free(0);
        book
    }

    /// A book that grows with its table.
    #[cfg(feature = "alloc")]
    pub(super) const fn growing() -> Self {
        Self::over(Nodes::Growing(alloc::vec::Vec::new()))
    }

    const fn over(nodes: Nodes<'s>) -> Self {
        Self {
            nodes,
            live: 0,
            used: 0,
            free: NONE,
            heap_len: 0,
            ready_first: NONE,
            ready_last: NONE,
        }
    }

    /// As many slots as `new`; the entries are dealt to the buckets anew.
    #[cfg(feature = "alloc")]
    pub(super) fn grow(&mut self, new: usize) {
        let Nodes::Growing(nodes) = &mut self.nodes else { return };
        let old = u32::try_from(nodes.len()).unwrap_or(NONE - 1);
        for node in nodes.iter_mut() {
            node.bucket = NONE;
        }
        nodes.resize_with(new, || Node::FREE);
        self.used = u32::try_from(new).unwrap_or(NONE - 1);
        for number in 0..old {
            self.put_first(number);
        }
        self.thread_free(old);
    }

    /// Whether a slot is free.
    pub(super) const fn has_room(&self) -> bool {
        self.free != NONE
    }

    /// Takes a free slot for an entry with this hash.
    pub(super) fn insert(&mut self, hash: u64) -> Option<Index> {
        let number = self.free;
        let node = self.node_mut(number)?;
        let (free, generation) = (node.next, node.generation);
        node.live = true;
        node.hash = hash;
        self.free = free;
        self.live += 1;
        self.put_first(number);
        Some(Index { slot: number, generation })
    }

    /// Gives a slot back; says whether there was an entry.
    pub(super) fn remove(&mut self, index: Index) -> bool {
        if !self.is_live(index) {
            return false;
        }
        self.set_deadline(index, None);
        self.dequeue(index);
        self.unlink(index.slot);
        let free = self.free;
        if let Some(node) = self.node_mut(index.slot) {
            node.generation = node.generation.wrapping_add(1);
            node.live = false;
            node.next = free;
        }
        self.free = index.slot;
        self.live -= 1;
        true
    }

    pub(super) fn set_deadline(&mut self, index: Index, deadline: Option<u64>) {
        let number = index.slot;
        let Some(node) = self.live_mut(index) else { return };
        let at = node.heap_at;
        match (at, deadline) {
            (NONE, None) => {}
            (NONE, Some(deadline)) => {
                node.deadline = deadline;
                let last = self.heap_len;
                self.heap_len += 1;
                self.place(last, number);
                self.sift_up(last);
            }
            (at, Some(deadline)) => {
                node.deadline = deadline;
                self.sift_up(at);
                self.sift_down(at);
            }
            (at, None) => {
                node.heap_at = NONE;
                let last = self.heap_len - 1;
                self.heap_len = last;
                if at != last {
                    let moved = self.heap_cell(last);
                    self.place(at, moved);
                    self.sift_up(at);
                    self.sift_down(at);
                }
            }
        }
    }

    pub(super) fn pop_due(&mut self, now: u64) -> Option<Index> {
        if self.next_deadline()? > now {
            return None;
        }
        let index = self.index_of(self.heap_cell(0))?;
        self.set_deadline(index, None);
        Some(index)
    }

    pub(super) fn enqueue(&mut self, index: Index) {
        let last = self.ready_last;
        let Some(node) = self.live_mut(index) else { return };
        if node.ready {
            return;
        }
        node.ready = true;
        node.ready_next = NONE;
        node.ready_previous = last;
        match self.node_mut(last) {
            Some(node) => node.ready_next = index.slot,
            None => self.ready_first = index.slot,
        }
        self.ready_last = index.slot;
    }

    pub(super) fn dequeue(&mut self, index: Index) {
        let Some(node) = self.live_mut(index) else { return };
        if !node.ready {
            return;
        }
        node.ready = false;
        let (previous, next) = (node.ready_previous, node.ready_next);
        match self.node_mut(previous) {
            Some(node) => node.ready_next = next,
            None => self.ready_first = next,
        }
        match self.node_mut(next) {
            Some(node) => node.ready_previous = previous,
            None => self.ready_last = previous,
        }
    }

    pub(super) fn first_ready(&self) -> Option<Index> {
        self.index_of(self.ready_first)
    }

    pub(super) fn deadline(&self, index: Index) -> Option<u64> {
        let node = self.node(index.slot).filter(|node| node.is(index))?;
        (node.heap_at != NONE).then_some(node.deadline)
    }

    pub(super) fn next_deadline(&self) -> Option<u64> {
        (self.heap_len > 0).then(|| self.heap_deadline(0))
    }

    /// Whether this entry is there.
    pub(super) fn is_live(&self, index: Index) -> bool {
        self.node(index.slot).is_some_and(|node| node.is(index))
    }

    /// The name of the entry in a slot.
    pub(super) fn index_of(&self, number: u32) -> Option<Index> {
        self.node(number).map(|node| Index { slot: number, generation: node.generation })
    }

    /// The first slot of a hash's bucket that has this hash.
    pub(super) fn first_with(&self, hash: u64) -> Option<u32> {
        self.with(hash, self.node(self.bucket_of(hash))?.bucket)
    }

    /// The slot behind `number` in its bucket that has this hash.
    pub(super) fn next_with(&self, hash: u64, number: u32) -> Option<u32> {
        self.with(hash, self.node(number)?.next)
    }

    fn with(&self, hash: u64, mut number: u32) -> Option<u32> {
        loop {
            let node = self.node(number)?;
            if node.hash == hash {
                return Some(number);
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
        let Some(bucket) = self.node(number).map(|node| self.bucket_of(node.hash)) else { return };
        let Some(cell) = self.node_mut(bucket) else { return };
        let head = core::mem::replace(&mut cell.bucket, number);
        if let Some(node) = self.node_mut(number) {
            node.next = head;
        }
    }

    /// Takes slot `number` out of its bucket.
    fn unlink(&mut self, number: u32) {
        let Some(node) = self.node(number) else { return };
        let (bucket, next) = (self.bucket_of(node.hash), node.next);
        let Some(cell) = self.node_mut(bucket) else { return };
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

    fn bucket_of(&self, hash: u64) -> u32 {
        // The remainder is smaller than the divisor, which is 32 bits wide.
        hash.checked_rem(u64::from(self.used)).map_or(NONE, |bucket| bucket as u32)
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
        self.node_mut(index.slot).filter(|node| node.is(index))
    }

    fn heap_cell(&self, at: u32) -> u32 {
        self.node(at).map_or(NONE, |node| node.heap)
    }

    fn heap_deadline(&self, at: u32) -> u64 {
        self.node(self.heap_cell(at)).map_or(u64::MAX, |node| node.deadline)
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
