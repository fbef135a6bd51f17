//! What a [`Table`](super::Table) knows of its entries without knowing what they are: which are
//! live, their hashes, deadlines and queues. One piece of code for the tables of all kinds.

use core::time::Duration;

use super::table::Index;

/// The number that stands for "no slot".
pub(super) const NONE: u32 = u32::MAX;

/// The queue of entries that have something to send.
pub(super) const READY: usize = 0;
/// The queue of entries that have something to tell the host.
pub(super) const NOTED: usize = 1;

/// What is kept of one slot, and a share of the table's own bookkeeping.
#[derive(Debug, Clone)]
pub(super) struct Node {
    deadline: Option<Duration>,
    generation: u32,
    live: bool,
    /// The next free slot.
    free: u32,
    /// Where this entry stands in the heap of deadlines.
    heap_at: u32,
    /// Bookkeeping of the table: cell `i` of the heap stands in slot `i`.
    heap: u32,
    queues: [Queued; 2],
}

/// An entry's place in one index, and that index's bucket number `i` in slot `i`.
#[derive(Debug, Clone)]
pub(super) struct Link {
    hash: u64,
    /// The neighbours in the same bucket.
    next: u32,
    previous: u32,
    linked: bool,
    /// Bookkeeping of the table: the first entry of bucket `i` stands in slot `i`.
    bucket: u32,
}

/// An entry's place in one of the two queues.
#[derive(Debug, Clone)]
struct Queued {
    next: u32,
    previous: u32,
    queued: bool,
}

impl Node {
    /// What stands in storage before a table begins in it: zeros, for which an image needs no flash.
    pub(super) const ZERO: Self = Self {
        deadline: Some(Duration::ZERO),
        generation: 0,
        live: false,
        free: 0,
        heap_at: 0,
        heap: 0,
        queues: [const { Queued { next: 0, previous: 0, queued: false } }; 2],
    };

    const FREE: Self = Self {
        deadline: None,
        generation: 0,
        live: false,
        free: NONE,
        heap_at: NONE,
        heap: NONE,
        queues: [const { Queued::NOT }; 2],
    };
}

impl Link {
    /// What stands in storage before a table begins in it.
    pub(super) const ZERO: Self = Self { hash: 0, next: 0, previous: 0, linked: false, bucket: 0 };

    const NOT: Self = Self { hash: 0, next: NONE, previous: NONE, linked: false, bucket: NONE };
}

impl Queued {
    const NOT: Self = Self { next: NONE, previous: NONE, queued: false };
}

/// Nodes and links that were lent by the host, or that grow.
#[derive(Debug)]
enum Places<'s> {
    Lent(&'s mut [Node], &'s mut [Link]),
    #[cfg(feature = "alloc")]
    Growing(alloc::vec::Vec<Node>, alloc::vec::Vec<Link>),
}

/// The bookkeeping of one table.
#[derive(Debug)]
pub(super) struct Book<'s> {
    places: Places<'s>,
    /// How many indexes there are.
    indexes: usize,
    pub(super) live: u32,
    /// How many slots are part of the bookkeeping: a power of two in a table that grows.
    used: u32,
    free: u32,
    heap_len: u32,
    /// First and last of each queue.
    ends: [(u32, u32); 2],
}

impl<'s> Book<'s> {
    /// A book in lent places: of the links each slot has `indexes`.
    pub(super) fn lent(nodes: &'s mut [Node], links: &'s mut [Link], indexes: usize) -> Self {
        for node in nodes.iter_mut() {
            *node = Node { generation: node.generation, ..Node::FREE };
        }
        links.fill(Link::NOT);
        // Slot numbers are 32 bits; more than that is never lent in practice, and not used.
        let used = u32::try_from(nodes.len()).unwrap_or(NONE - 1);
        let mut book = Self::over(Places::Lent(nodes, links), indexes);
        book.used = used;
        book.thread_free(0);
        book
    }

    /// A book that grows with its table.
    #[cfg(feature = "alloc")]
    pub(super) fn growing(indexes: usize) -> Self {
        let places = Places::Growing(alloc::vec::Vec::new(), alloc::vec::Vec::new());
        Self::over(places, indexes)
    }

    fn over(places: Places<'s>, indexes: usize) -> Self {
        Self { places, indexes, live: 0, used: 0, free: NONE, heap_len: 0, ends: [(NONE, NONE); 2] }
    }

    /// As many slots as `new`; the entries are dealt to the buckets anew.
    #[cfg(feature = "alloc")]
    pub(super) fn grow(&mut self, new: usize) {
        let indexes = self.indexes;
        let Places::Growing(nodes, links) = &mut self.places else { return };
        let old = u32::try_from(nodes.len()).unwrap_or(NONE - 1);
        nodes.resize_with(new, || Node::FREE);
        for link in links.iter_mut() {
            link.bucket = NONE;
        }
        links.resize_with(new.saturating_mul(indexes), || Link::NOT);
        self.used = u32::try_from(new).unwrap_or(NONE - 1);
        for index_number in 0..indexes {
            for number in 0..old {
                let link = self.link(index_number, number).filter(|link| link.linked);
                if let Some(hash) = link.map(|link| link.hash) {
                    self.put_first(index_number, number, hash);
                }
            }
        }
        self.thread_free(old);
    }

    /// Whether a slot is free.
    pub(super) fn has_room(&self) -> bool {
        self.free != NONE
    }

    /// Takes a free slot for an entry that the first index knows by `hash`.
    pub(super) fn insert(&mut self, hash: u64) -> Option<Index> {
        let number = self.free;
        let node = self.node_mut(number)?;
        let (free, generation) = (node.free, node.generation);
        node.live = true;
        node.deadline = None;
        self.free = free;
        self.live += 1;
        self.put_first(0, number, hash);
        Some(Index::new(number, generation))
    }

    /// Gives a slot back; says whether there was an entry.
    pub(super) fn remove(&mut self, index: Index) -> bool {
        if !self.is_live(index) {
            return false;
        }
        self.set_deadline(index, None);
        self.dequeue(READY, index);
        self.dequeue(NOTED, index);
        for index_number in 0..self.indexes {
            self.unlink(index_number, index.slot());
        }
        let free = self.free;
        if let Some(node) = self.node_mut(index.slot()) {
            node.generation = node.generation.wrapping_add(1);
            node.live = false;
            node.free = free;
        }
        self.free = index.slot();
        self.live -= 1;
        true
    }

    pub(super) fn set_hash(&mut self, index: Index, index_number: usize, hash: Option<u64>) {
        if !self.is_live(index) {
            return;
        }
        self.unlink(index_number, index.slot());
        if let Some(hash) = hash {
            self.put_first(index_number, index.slot(), hash);
        }
    }

    pub(super) fn set_deadline(&mut self, index: Index, deadline: Option<Duration>) {
        if !self.is_live(index) {
            return;
        }
        let number = index.slot();
        let Some(node) = self.node_mut(number) else { return };
        let at = node.heap_at;
        if node.deadline == deadline {
            return;
        }
        node.deadline = deadline;
        match (at, deadline) {
            (NONE, None) => {}
            (NONE, Some(_)) => {
                let last = self.heap_len;
                self.heap_len += 1;
                self.place(last, number);
                self.sift_up(last);
            }
            (at, Some(_)) => {
                self.sift_up(at);
                self.sift_down(at);
            }
            (at, None) => {
                let last = self.heap_len - 1;
                self.heap_len = last;
                if let Some(node) = self.node_mut(number) {
                    node.heap_at = NONE;
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

    pub(super) fn pop_due(&mut self, now: Duration) -> Option<Index> {
        if self.next_deadline()? > now {
            return None;
        }
        let index = self.index_of(self.heap_cell(0))?;
        self.set_deadline(index, None);
        Some(index)
    }

    pub(super) fn enqueue(&mut self, queue: usize, index: Index) {
        if !self.is_live(index) {
            return;
        }
        let number = index.slot();
        let Some((first, last)) = self.ends.get(queue).copied() else { return };
        let Some(place) = self.queued_mut(queue, number) else { return };
        if place.queued {
            return;
        }
        *place = Queued { next: NONE, previous: last, queued: true };
        if let Some(place) = self.queued_mut(queue, last) {
            place.next = number;
        }
        if let Some(ends) = self.ends.get_mut(queue) {
            *ends = (if first == NONE { number } else { first }, number);
        }
    }

    pub(super) fn dequeue(&mut self, queue: usize, index: Index) {
        if !self.is_live(index) {
            return;
        }
        let Some((mut first, mut last)) = self.ends.get(queue).copied() else { return };
        let Some(place) = self.queued_mut(queue, index.slot()) else { return };
        if !place.queued {
            return;
        }
        let (previous, next) = (place.previous, place.next);
        *place = Queued::NOT;
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

    pub(super) fn first_of(&self, queue: usize) -> Option<Index> {
        let (number, _) = *self.ends.get(queue)?;
        self.index_of(number)
    }

    pub(super) fn next_deadline(&self) -> Option<Duration> {
        if self.heap_len == 0 {
            return None;
        }
        self.node(self.heap_cell(0))?.deadline
    }

    /// Whether this entry is there.
    pub(super) fn is_live(&self, index: Index) -> bool {
        self.node(index.slot()).is_some_and(|node| node.live && index.is_of(node.generation))
    }

    /// The name of the entry in a slot.
    pub(super) fn index_of(&self, number: u32) -> Option<Index> {
        self.node(number).map(|node| Index::new(number, node.generation))
    }

    /// The first slot of a hash's bucket that has this hash.
    pub(super) fn first_with(&self, index_number: usize, hash: u64) -> Option<u32> {
        let bucket = self.link(index_number, self.bucket_of(hash))?.bucket;
        self.with(index_number, hash, bucket)
    }

    /// The slot behind `number` in its bucket that has this hash.
    pub(super) fn next_with(&self, index_number: usize, hash: u64, number: u32) -> Option<u32> {
        self.with(index_number, hash, self.link(index_number, number)?.next)
    }

    fn with(&self, index_number: usize, hash: u64, mut number: u32) -> Option<u32> {
        loop {
            let link = self.link(index_number, number)?;
            if link.hash == hash {
                return Some(number);
            }
            number = link.next;
        }
    }

    /// Strings the slots from `first` on together as free ones.
    fn thread_free(&mut self, first: u32) {
        for number in (first..self.used).rev() {
            let free = self.free;
            if let Some(node) = self.node_mut(number) {
                node.free = free;
                self.free = number;
            }
        }
    }

    /// Puts slot `number` first in the bucket of `hash`.
    fn put_first(&mut self, index_number: usize, number: u32, hash: u64) {
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

    fn bucket_of(&self, hash: u64) -> u32 {
        // The remainder is smaller than the divisor, which is 32 bits wide.
        hash.checked_rem(u64::from(self.used)).map_or(NONE, |bucket| bucket as u32)
    }

    fn node(&self, number: u32) -> Option<&Node> {
        match &self.places {
            Places::Lent(nodes, _) => nodes.get(number as usize),
            #[cfg(feature = "alloc")]
            Places::Growing(nodes, _) => nodes.get(number as usize),
        }
    }

    fn node_mut(&mut self, number: u32) -> Option<&mut Node> {
        match &mut self.places {
            Places::Lent(nodes, _) => nodes.get_mut(number as usize),
            #[cfg(feature = "alloc")]
            Places::Growing(nodes, _) => nodes.get_mut(number as usize),
        }
    }

    fn link(&self, index_number: usize, number: u32) -> Option<&Link> {
        let at = self.link_at(index_number, number)?;
        match &self.places {
            Places::Lent(_, links) => links.get(at),
            #[cfg(feature = "alloc")]
            Places::Growing(_, links) => links.get(at),
        }
    }

    fn link_mut(&mut self, index_number: usize, number: u32) -> Option<&mut Link> {
        let at = self.link_at(index_number, number)?;
        match &mut self.places {
            Places::Lent(_, links) => links.get_mut(at),
            #[cfg(feature = "alloc")]
            Places::Growing(_, links) => links.get_mut(at),
        }
    }

    /// A slot's links stand side by side.
    fn link_at(&self, index_number: usize, number: u32) -> Option<usize> {
        if index_number >= self.indexes {
            return None;
        }
        (number as usize).checked_mul(self.indexes)?.checked_add(index_number)
    }

    fn queued_mut(&mut self, queue: usize, number: u32) -> Option<&mut Queued> {
        self.node_mut(number)?.queues.get_mut(queue)
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
