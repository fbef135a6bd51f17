//! Lists whose elements are found by their number: who has joined a channel, who is admitted to
//! it, who has a token.

use super::{Map, NOBODY};
use crate::error::Full;

/// A place in a list: who stands beside it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    next: u32,
    previous: u32,
}

/// Which list: its kind and the number of what it belongs to stand above the member's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ListId(u64);

impl ListId {
    /// The parties that have joined a channel.
    pub(super) const fn joined(channel: u16) -> Self {
        Self((channel as u64) << 32)
    }

    /// The users that are admitted to a private channel.
    pub(super) const fn admitted(channel: u16) -> Self {
        Self(1 << 48 | (channel as u64) << 32)
    }

    /// The users that have a token or are being given it.
    pub(super) const fn possessors(token: u16) -> Self {
        Self(2 << 48 | (token as u64) << 32)
    }

    /// Which list a key of the table belongs to, and which member it is.
    pub(super) const fn of_key(key: u64) -> (Self, u32) {
        (Self(key & !0xffff_ffff), key as u32)
    }

    /// What the list belongs to.
    pub(super) const fn number(self) -> u16 {
        (self.0 >> 32) as u16
    }

    /// 0 for joined, 1 for admitted, 2 for possessors.
    pub(super) const fn kind(self) -> u64 {
        self.0 >> 48
    }

    const fn key(self, member: u32) -> u64 {
        self.0 | member as u64
    }
}

/// All lists in one table; where each begins is kept by what it belongs to.
#[derive(Debug)]
pub(super) struct Lists<'s>(pub(super) Map<'s, Member>);

impl Lists<'_> {
    pub(super) fn contains(&self, list: ListId, member: u32) -> bool {
        self.0.get(list.key(member)).is_some()
    }

    /// Puts a member at the front; one that is there already stays where it is.
    pub(super) fn add(&mut self, list: ListId, first: &mut u32, member: u32) -> Result<(), Full> {
        if self.contains(list, member) {
            return Ok(());
        }
        let next = *first;
        self.0.insert(list.key(member), Member { next, previous: NOBODY })?;
        if let Some(second) = self.0.get_mut(list.key(next)) {
            second.previous = member;
        }
        *first = member;
        Ok(())
    }

    /// Whether it was there.
    pub(super) fn remove(&mut self, list: ListId, first: &mut u32, member: u32) -> bool {
        let Some(removed) = self.0.remove(list.key(member)) else { return false };
        if let Some(next) = self.0.get_mut(list.key(removed.next)) {
            next.previous = removed.previous;
        }
        match self.0.get_mut(list.key(removed.previous)) {
            Some(previous) => previous.next = removed.next,
            None => *first = removed.next,
        }
        true
    }

    pub(super) fn clear(&mut self, list: ListId, first: &mut u32) {
        while *first != NOBODY {
            let member = *first;
            if !self.remove(list, first, member) {
                *first = NOBODY;
            }
        }
    }

    pub(super) fn after(&self, list: ListId, member: u32) -> u32 {
        self.0.get(list.key(member)).map_or(NOBODY, |member| member.next)
    }

    /// The members, from the one that was added last.
    pub(super) fn iter(&self, list: ListId, first: u32) -> impl Iterator<Item = u32> {
        let mut next = first;
        core::iter::from_fn(move || {
            let member = next;
            next = self.0.get(list.key(member))?.next;
            Some(member)
        })
    }
}
