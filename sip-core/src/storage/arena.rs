//! Octets of no fixed size, in blocks that are named and can be moved.
//!
//! ```text
//! | block | free block | block | …            room            … | where block n begins … 1 | 0 |
//! 0                             end                             directory          length
//! ```
//!
//! A new block is written straight into the room behind the last one. What is freed stays where it
//! is until room is short; then the blocks that live move together, and the directory, which grows
//! down from the top, learns where they went. Each block carries its number and its length in
//! front.

use super::Full;
use crate::error::{BufferTooSmall, WriteError};

/// What a block carries in front of its octets: its number and its length, 4 octets each.
const HEAD: usize = 8;
/// What the directory holds for each block: where it begins, or the next free number.
const ENTRY: usize = 4;
/// The number of no block.
const NONE: u32 = u32::MAX;

/// Names a block of an [`Arena`]. Whoever holds it gives it back with [`Arena::free`].
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Block(u32);

/// Writes a block: sees the others and the room, and says how many octets it wrote. One type for all
/// writers, so that what surrounds them stands in an image once.
type Fill<'f> = dyn FnMut(Blocks<'_>, &mut [u8]) -> Result<usize, WriteError> + 'f;

/// Why octets could not be kept in an [`Arena`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum NotKept {
    /// There is not enough room; the capacity is in octets.
    Full(Full),
    /// A value that was to be written holds a CR or LF.
    LineEnd,
}

impl core::fmt::Display for NotKept {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Full(Full { capacity }) => {
                write!(f, "not enough room is left of {capacity} octets")
            }
            Self::LineEnd => WriteError::LineEnd.fmt(f),
        }
    }
}

impl core::error::Error for NotKept {}

/// Octets that the host lends, or, with the feature `alloc`, that grow up to a limit.
#[derive(Debug)]
pub struct Arena<'s> {
    octets: Octets<'s>,
    /// Where the last block ends.
    end: usize,
    /// Octets of freed blocks before `end`, with their heads.
    garbage: usize,
    /// How many numbers the directory holds.
    numbers: u32,
    /// The first number that is free.
    free: u32,
    live: u32,
    /// Room that [`Arena::write`] leaves for [`Arena::write_reserved`].
    reserve: usize,
}

#[derive(Debug)]
enum Octets<'s> {
    Lent(&'s mut [u8]),
    #[cfg(feature = "alloc")]
    Growing {
        octets: alloc::vec::Vec<u8>,
        limit: usize,
    },
}

impl Octets<'_> {
    fn slice(&self) -> &[u8] {
        match self {
            Self::Lent(octets) => octets,
            #[cfg(feature = "alloc")]
            Self::Growing { octets, .. } => octets,
        }
    }

    fn slice_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Lent(octets) => octets,
            #[cfg(feature = "alloc")]
            Self::Growing { octets, .. } => octets,
        }
    }
}

/// The blocks of an arena, to read while a new one is written.
#[derive(Debug, Clone, Copy)]
pub struct Blocks<'a> {
    octets: &'a [u8],
    directory: &'a [u8],
}

impl Block {
    /// The block's number, by which it is found while its owner is borrowed.
    pub(crate) const fn name(&self) -> u32 {
        self.0
    }
}

impl<'a> Blocks<'a> {
    /// The octets of a block.
    #[must_use]
    pub fn get(&self, block: &Block) -> &'a [u8] {
        self.named(block.0)
    }

    pub(crate) fn named(&self, number: u32) -> &'a [u8] {
        let at = (number as usize)
            .checked_add(1)
            .and_then(|number| number.checked_mul(ENTRY))
            .and_then(|back| self.directory.len().checked_sub(back))
            .and_then(|at| number_at(self.directory, at));
        at.and_then(|at| block_at(self.octets, at as usize)).map_or(&[], |(_, octets)| octets)
    }
}

fn number_at(octets: &[u8], at: usize) -> Option<u32> {
    octets.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

fn put_number(octets: &mut [u8], at: usize, number: u32) {
    if let Some(bytes) = octets.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
        *bytes = number.to_le_bytes();
    }
}

/// The number and the octets of the block that begins at `at`.
fn block_at(octets: &[u8], at: usize) -> Option<(u32, &[u8])> {
    let number = number_at(octets, at)?;
    let len = number_at(octets, at.checked_add(4)?)? as usize;
    let from = at.checked_add(HEAD)?;
    octets.get(from..from.checked_add(len)?).map(|octets| (number, octets))
}

impl<'s> Arena<'s> {
    /// An arena in octets that the host lends. `reserve` of them are kept for
    /// [`Arena::write_reserved`].
    pub fn lent(octets: &'s mut [u8], reserve: usize) -> Self {
        // Places are 32 bits; more than that is never lent in practice, and not used.
        let len = octets.len().min(NONE as usize - 1);
        let (octets, _) = octets.split_at_mut(len);
        Self::over(Octets::Lent(octets), reserve)
    }

    /// An arena that grows as far as `limit` octets.
    #[cfg(feature = "alloc")]
    pub fn growing(limit: usize, reserve: usize) -> Self {
        let limit = limit.min(NONE as usize - 1);
        Self::over(Octets::Growing { octets: alloc::vec::Vec::new(), limit }, reserve)
    }

    fn over(octets: Octets<'s>, reserve: usize) -> Self {
        Self { octets, end: 0, garbage: 0, numbers: 0, free: NONE, live: 0, reserve }
    }

    /// Writes a new block: `write` sees the other blocks and the room, and says how many octets it
    /// wrote. It is called again where the room was too small at first.
    ///
    /// # Errors
    /// [`NotKept`] where there is not enough room, or `write` refused to write.
    pub fn write(
        &mut self,
        mut write: impl FnMut(Blocks<'_>, &mut [u8]) -> Result<usize, WriteError>,
    ) -> Result<Block, NotKept> {
        self.write_leaving(self.reserve, &mut write)
    }

    /// The same, into the room that is kept for what must not fail while there is any.
    ///
    /// # Errors
    /// [`NotKept`] where there is not enough room, or `write` refused to write.
    pub fn write_reserved(
        &mut self,
        mut write: impl FnMut(Blocks<'_>, &mut [u8]) -> Result<usize, WriteError>,
    ) -> Result<Block, NotKept> {
        self.write_leaving(0, &mut write)
    }

    fn write_leaving(&mut self, reserve: usize, write: &mut Fill<'_>) -> Result<Block, NotKept> {
        let full = Full { capacity: self.capacity() };
        let number = self.take_number(reserve).ok_or(NotKept::Full(full))?;
        let mut tried = 0;
        let written = loop {
            if tried == 0 && !self.make_room(0, reserve) {
                break Err(NotKept::Full(full));
            }
            match self.attempt(reserve, write) {
                Ok(len) => break Ok(len),
                Err(WriteError::BufferTooSmall(BufferTooSmall { needed })) => {
                    // A writer that asks for no more than it was given would ask for ever.
                    if needed <= tried || !self.make_room(needed, reserve) {
                        break Err(NotKept::Full(full));
                    }
                    tried = needed;
                }
                Err(WriteError::LineEnd | WriteError::Boundary) => break Err(NotKept::LineEnd),
            }
        };
        let at = self.end;
        let kept = written.and_then(|len| {
            let number = |number| u32::try_from(number).map_err(|_| NotKept::Full(full));
            Ok((number(at)?, number(len)?))
        });
        let (head, len) = match kept {
            Ok(kept) => kept,
            Err(error) => {
                self.give_number(number);
                return Err(error);
            }
        };
        let octets = self.octets.slice_mut();
        put_number(octets, at, number);
        put_number(octets, at.saturating_add(4), len);
        self.end = at.saturating_add(HEAD).saturating_add(len as usize);
        self.set_directory(number, head);
        self.live += 1;
        Ok(Block(number))
    }

    /// Keeps a copy of some octets.
    ///
    /// # Errors
    /// [`NotKept`] where there is not enough room, or `write` refused to write.
    pub fn copy(&mut self, octets: &[u8]) -> Result<Block, NotKept> {
        self.write(|_, room| match room.get_mut(..octets.len()) {
            Some(room) => {
                room.copy_from_slice(octets);
                Ok(octets.len())
            }
            None => Err(BufferTooSmall { needed: octets.len() }.into()),
        })
    }

    /// Gives a block back.
    pub fn free(&mut self, block: Block) {
        let Some(at) = self.directory_of(block.0).map(|at| at as usize) else { return };
        let Some(len) = block_at(self.octets.slice(), at).map(|(_, octets)| octets.len()) else {
            return;
        };
        put_number(self.octets.slice_mut(), at, NONE);
        self.give_number(block.0);
        self.live = self.live.saturating_sub(1);
        if at + HEAD + len == self.end {
            self.end = at;
        } else {
            self.garbage += HEAD + len;
        }
        if self.live == 0 {
            (self.end, self.garbage) = (0, 0);
            (self.numbers, self.free) = (0, NONE);
        }
    }

    /// The octets of a block.
    pub fn get(&self, block: &Block) -> &[u8] {
        self.blocks().get(block)
    }

    /// All blocks, to read.
    pub fn blocks(&self) -> Blocks<'_> {
        let octets = self.octets.slice();
        let (octets, directory) = octets.split_at_checked(self.top()).unwrap_or_default();
        Blocks { octets, directory }
    }

    /// How many octets can still be had, the reserve and the directory's needs left aside.
    pub fn room(&self) -> usize {
        let used = (self.end - self.garbage).saturating_add(self.directory_len());
        self.capacity().saturating_sub(used).saturating_sub(self.reserve)
    }

    /// How many octets there are in all.
    pub fn capacity(&self) -> usize {
        match &self.octets {
            Octets::Lent(octets) => octets.len(),
            #[cfg(feature = "alloc")]
            Octets::Growing { limit, .. } => *limit,
        }
    }

    /// How many blocks are live.
    pub fn len(&self) -> usize {
        self.live as usize
    }

    /// Whether no block is live.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    fn attempt(&mut self, reserve: usize, write: &mut Fill<'_>) -> Result<usize, WriteError> {
        let (top, end) = (self.top(), self.end);
        let octets = self.octets.slice_mut();
        let (octets, directory) = octets.split_at_mut_checked(top).unwrap_or_default();
        let (blocks, room) = octets.split_at_mut_checked(end).unwrap_or_default();
        let room_len = room.len().saturating_sub(reserve);
        let room = room.get_mut(HEAD..room_len).unwrap_or_default();
        let len = room.len();
        let written = write(Blocks { octets: blocks, directory }, room)?;
        if written > len { Err(BufferTooSmall { needed: written }.into()) } else { Ok(written) }
    }

    /// Sees to it that a block of `len` octets can be written.
    fn make_room(&mut self, len: usize, reserve: usize) -> bool {
        let Some(needed) = len.checked_add(HEAD + reserve) else { return false };
        let has = |arena: &Self| arena.top().saturating_sub(arena.end) >= needed;
        if has(self) {
            return true;
        }
        // Moving the blocks costs what is live, so it has to win as much, or be the last way.
        if self.garbage >= self.end / 2 {
            self.compact();
        }
        if !has(self) {
            self.grow(needed);
        }
        if !has(self) && self.garbage > 0 {
            self.compact();
        }
        has(self)
    }

    fn compact(&mut self) {
        let (mut from, mut to) = (0, 0);
        while from < self.end {
            let Some((number, len)) =
                block_at(self.octets.slice(), from).map(|(number, octets)| (number, octets.len()))
            else {
                break;
            };
            let whole = HEAD + len;
            if number != NONE {
                self.octets.slice_mut().copy_within(from..from + whole, to);
                self.set_directory(number, u32::try_from(to).unwrap_or(NONE));
                to += whole;
            }
            from += whole;
        }
        (self.end, self.garbage) = (to, 0);
    }

    #[cfg(not(feature = "alloc"))]
    #[expect(clippy::needless_pass_by_ref_mut, reason = "with `alloc` it changes something")]
    fn grow(&mut self, _: usize) {}

    /// At least doubles an arena that grows, as far as its limit lets it.
    #[cfg(feature = "alloc")]
    fn grow(&mut self, needed: usize) {
        let directory = self.directory_len();
        let Octets::Growing { octets, limit } = &mut self.octets else { return };
        let old = octets.len();
        let new = (old.saturating_mul(2)).max(old.saturating_add(needed)).max(1024).min(*limit);
        if new > old {
            octets.resize(new, 0);
            octets.copy_within(old - directory..old, new - directory);
        }
    }

    /// A number for a new block; the directory grows where no number is free.
    fn take_number(&mut self, reserve: usize) -> Option<u32> {
        if self.free != NONE {
            let number = self.free;
            self.free = self.directory_of(number)?;
            return Some(number);
        }
        if self.top().saturating_sub(self.end) < ENTRY && !self.make_room(ENTRY, reserve) {
            return None;
        }
        let number = self.numbers;
        self.numbers += 1;
        Some(number)
    }

    fn give_number(&mut self, number: u32) {
        self.set_directory(number, self.free);
        self.free = number;
    }

    fn set_directory(&mut self, number: u32, value: u32) {
        let octets = self.octets.slice_mut();
        let back = (number as usize + 1) * ENTRY;
        if let Some(at) = octets.len().checked_sub(back) {
            put_number(octets, at, value);
        }
    }

    fn directory_of(&self, number: u32) -> Option<u32> {
        if number >= self.numbers {
            return None;
        }
        let octets = self.octets.slice();
        number_at(octets, octets.len().checked_sub((number as usize + 1) * ENTRY)?)
    }

    fn directory_len(&self) -> usize {
        self.numbers as usize * ENTRY
    }

    /// Where the directory begins.
    fn top(&self) -> usize {
        self.octets.slice().len().saturating_sub(self.directory_len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use handset_testkit::{Random, seeds};
    use std::vec;
    use std::vec::Vec;

    #[test]
    fn what_is_freed_can_be_had_again() {
        let mut octets = [0; 64];
        let mut arena = Arena::lent(&mut octets, 0);
        let one = arena.copy(b"0123456789").unwrap();
        let two = arena.copy(b"abcdefghij").unwrap();
        assert_eq!(arena.copy(&[7; 20]), Err(NotKept::Full(Full { capacity: 64 })));
        arena.free(one);
        let three = arena.copy(&[7; 20]).unwrap();
        assert_eq!((arena.get(&two), arena.get(&three)), (&b"abcdefghij"[..], &[7; 20][..]));
    }

    #[test]
    fn the_reserve_is_left_for_what_must_not_fail() {
        let mut octets = [0; 64];
        let mut arena = Arena::lent(&mut octets, 30);
        assert!(arena.copy(&[1; 23]).is_err());
        let one = arena.copy(&[1; 22]).unwrap();
        assert!(arena.copy(&[2; 1]).is_err());
        let two = arena
            .write_reserved(|_, room| {
                room.first_chunk_mut::<18>().ok_or(BufferTooSmall { needed: 18 })?.fill(2);
                Ok(18)
            })
            .unwrap();
        assert_eq!((arena.get(&one), arena.get(&two)), (&[1; 22][..], &[2; 18][..]));
    }

    #[test]
    fn an_arena_without_octets_is_full() {
        let mut arena = Arena::lent(&mut [], 0);
        assert_eq!(arena.copy(b"a"), Err(NotKept::Full(Full { capacity: 0 })));
        assert!(arena.is_empty());
    }

    #[test]
    fn a_writer_that_never_has_enough_is_given_up() {
        let mut octets = [0; 64];
        let mut arena = Arena::lent(&mut octets, 0);
        assert!(arena.write(|_, _| Err(BufferTooSmall { needed: 10 }.into())).is_err());
        assert_eq!((arena.len(), arena.room()), (0, 64 - ENTRY));
    }

    /// Does the same to an arena and to a plain list, and compares them at each step.
    fn agrees_with_a_list(mut arena: Arena<'_>, seed: u64, mut must_fit: usize) {
        let mut random = Random::new(seed);
        let mut model: Vec<(Block, Vec<u8>)> = Vec::new();
        for step in 0..3000_u32 {
            if random.below(2) == 0 {
                let octets = vec![random.below(256) as u8; random.below(90) as usize];
                let needed = octets.len() + HEAD + ENTRY;
                let room = arena.room();
                match arena.copy(&octets) {
                    Ok(block) => model.push((block, octets)),
                    Err(_) => assert!(room < needed, "step {step}: {room} octets are enough"),
                }
            } else if !model.is_empty() {
                let (block, _) = model.swap_remove(random.below(model.len() as u64) as usize);
                arena.free(block);
            }
            assert_eq!(arena.len(), model.len());
            must_fit = must_fit.max(model.len());
            for (block, octets) in &model {
                assert_eq!(arena.get(block), octets, "step {step}");
            }
        }
        assert!(must_fit > 10);
        for (block, _) in model {
            arena.free(block);
        }
        assert!(arena.is_empty());
    }

    #[test]
    fn a_lent_arena_agrees_with_a_list() {
        seeds(10, |seed| agrees_with_a_list(Arena::lent(&mut [0; 1500], 0), seed, 0));
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn a_growing_arena_agrees_with_a_list() {
        seeds(10, |seed| agrees_with_a_list(Arena::growing(1500, 0), seed, 0));
    }
}
