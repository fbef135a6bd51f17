//! Published presence: the event state compositor's soft state (RFC 3903 section 6).
//!
//! Each publication of a user is kept for itself, under an entity tag of its own. A watcher is shown the
//! composition of all that a user's devices have published (see [`compose`](crate::presence::compose)).

use core::time::Duration;

use super::refusal::Refusal;
use super::user::User;
use crate::message::StatusCode;
use crate::storage::{Arena, Block, Full, Index, Lent, Seeds, Slots, Table};

/// A publication as it is kept; its document stands in the arena.
#[derive(Debug)]
pub(super) struct Entry {
    user: User,
    etag: u64,
    document: Block,
}

/// What came of a PUBLISH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Published {
    /// The entity tag that names the publication from now on (RFC 3903 section 11.3.1).
    pub etag: u64,
    /// Whether watchers have something new to see.
    pub changed: bool,
}

/// What a PUBLISH asks for (RFC 3903 section 4, table 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publish<'d> {
    /// The publication's entity tag, of the header SIP-If-Match.
    pub etag: Option<u64>,
    /// The document, where there is one.
    pub document: Option<&'d [u8]>,
    /// How long it is to be kept; zero takes it back.
    pub expires: Duration,
}

/// Publications in memory that the host lends or that grows.
#[derive(Debug)]
pub struct Publications<'s> {
    table: Table<'s, Entry>,
    arena: Arena<'s>,
    /// Where the entity tags come from.
    tags: u64,
    max_per_user: usize,
}

/// The memory of [`Publications`]: room for `N` of them, with `OCTETS` for their documents.
#[derive(Debug)]
pub struct Storage<const N: usize, const OCTETS: usize> {
    slots: Slots<Entry, N>,
    octets: [u8; OCTETS],
}

impl<const N: usize, const OCTETS: usize> Storage<N, OCTETS> {
    /// Memory that holds nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { slots: Slots::new(), octets: [0; OCTETS] }
    }
}

impl<const N: usize, const OCTETS: usize> Default for Storage<N, OCTETS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'s> Publications<'s> {
    /// Publications in lent memory, at most `max_per_user` of one user.
    pub fn lent<const N: usize, const OCTETS: usize>(
        storage: &'s mut Storage<N, OCTETS>,
        max_per_user: usize,
        seeds: &Seeds,
        purpose: u8,
    ) -> Self {
        Self::over(storage.slots.lend(), &mut storage.octets, max_per_user, seeds, purpose)
    }

    pub(super) fn over(
        slots: Lent<'s, Entry>,
        octets: &'s mut [u8],
        max_per_user: usize,
        seeds: &Seeds,
        purpose: u8,
    ) -> Self {
        let key = seeds.key(purpose);
        let table = Table::lent(slots, key);
        Self { table, arena: Arena::lent(octets, 0), tags: key.0, max_per_user }
    }

    /// Publications that grow as far as `limit` of them, with `octets` for all documents together.
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn growing(
        limit: usize,
        octets: usize,
        max_per_user: usize,
        seeds: &Seeds,
        purpose: u8,
    ) -> Self {
        let key = seeds.key(purpose);
        let table = Table::growing(limit, 1, key);
        Self { table, arena: Arena::growing(octets, 0), tags: key.0, max_per_user }
    }

    /// Does what a PUBLISH for `user` asks for.
    ///
    /// # Errors
    /// 412 where the entity tag is of no publication of the user's, 400 where the document that
    /// belongs there is missing, 503 where there is no room.
    pub fn publish(
        &mut self,
        now: Duration,
        user: &User,
        request: &Publish<'_>,
    ) -> Result<Published, Refusal> {
        let old = match request.etag {
            Some(etag) => {
                let found = self.find(user, |entry| entry.etag == etag);
                Some(found.ok_or(Refusal::new(StatusCode::CONDITIONAL_REQUEST_FAILED))?)
            }
            None => None,
        };
        match (old, request.document, request.expires.is_zero()) {
            (None, None, _) => Err(Refusal::bad("Publication Without a Document")),
            (None, Some(_), true) => Ok(Published { etag: self.next_tag(), changed: false }),
            (None, Some(document), false) => self.insert(now, user, document, request.expires),
            (Some(old), _, true) => {
                self.take(old);
                Ok(Published { etag: self.next_tag(), changed: true })
            }
            (Some(old), None, false) => {
                let etag = self.next_tag();
                if let Some(entry) = self.table.get_mut(old) {
                    entry.etag = etag;
                }
                self.table.set_deadline(old, Some(now.saturating_add(request.expires)));
                Ok(Published { etag, changed: false })
            }
            (Some(old), Some(document), false) => {
                // Into the place of the old one, so that a full table takes it.
                let document = self.arena.copy(document)?;
                self.take(old);
                self.put(now, user, document, request.expires)
            }
        }
    }

    /// Takes out one publication that has come to its end, and says whose it was.
    pub fn expire(&mut self, now: Duration) -> Option<User> {
        let index = self.table.pop_due(now)?;
        self.take(index)
    }

    /// The documents of a user, the latest first.
    pub fn documents(&self, user: &User) -> impl Iterator<Item = &[u8]> + Clone {
        let user = *user;
        (0..).map_while(move |number| {
            let mut before = 0;
            let index = self.find(&user, |_| {
                before += 1;
                before > number
            })?;
            self.table.get(index).map(|entry| self.arena.get(&entry.document))
        })
    }

    /// When the next publication ends.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Duration> {
        self.table.next_deadline()
    }

    /// How many publications there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    fn insert(
        &mut self,
        now: Duration,
        user: &User,
        document: &[u8],
        expires: Duration,
    ) -> Result<Published, Refusal> {
        let mut count = 0;
        self.find(user, |_| {
            count += 1;
            false
        });
        if count >= self.max_per_user {
            return Err(Refusal::from(Full { capacity: self.max_per_user }));
        }
        let document = self.arena.copy(document)?;
        self.put(now, user, document, expires)
    }

    fn put(
        &mut self,
        now: Duration,
        user: &User,
        document: Block,
        expires: Duration,
    ) -> Result<Published, Refusal> {
        let etag = self.next_tag();
        let hash = self.table.hash(&[user.as_bytes()]);
        match self.table.insert(hash, Entry { user: *user, etag, document }) {
            Ok(index) => {
                self.table.set_deadline(index, Some(now.saturating_add(expires)));
                Ok(Published { etag, changed: true })
            }
            Err((entry, full)) => {
                self.arena.free(entry.document);
                Err(full.into())
            }
        }
    }

    fn take(&mut self, index: Index) -> Option<User> {
        let entry = self.table.remove(index)?;
        self.arena.free(entry.document);
        Some(entry.user)
    }

    fn next_tag(&mut self) -> u64 {
        // Odd steps through all numbers of 64 bits: no tag comes twice.
        self.tags = self.tags.wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.tags
    }

    fn find(&self, user: &User, mut is_it: impl FnMut(&Entry) -> bool) -> Option<Index> {
        let hash = self.table.hash(&[user.as_bytes()]);
        self.table.find(hash, |entry| entry.user == *user && is_it(entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn user(name: &str) -> User {
        User::new(name.as_bytes()).unwrap()
    }

    fn first(document: &[u8]) -> Publish<'_> {
        Publish { etag: None, document: Some(document), expires: HOUR }
    }

    #[test]
    fn a_publication_lives_through_the_operations_of_rfc_3903() {
        let mut storage = Storage::<2, 256>::new();
        let mut all = Publications::lent(&mut storage, 2, &Seeds::new([1; 32]), 0);
        let alice = user("alice");
        let now = Duration::ZERO;

        let one = all.publish(now, &alice, &first(b"one")).unwrap();
        assert!(one.changed);
        assert!(all.documents(&alice).eq([&b"one"[..]]));

        let refresh = Publish { etag: Some(one.etag), document: None, expires: HOUR };
        let refreshed = all.publish(now + HOUR / 2, &alice, &refresh).unwrap();
        assert!(!refreshed.changed && refreshed.etag != one.etag);
        assert_eq!(all.next_expiry(), Some(HOUR + HOUR / 2));
        let stale = all.publish(now, &alice, &refresh).unwrap_err();
        assert_eq!(stale.code, StatusCode::CONDITIONAL_REQUEST_FAILED);

        let modify = Publish { etag: Some(refreshed.etag), document: Some(b"two"), expires: HOUR };
        let modified = all.publish(now, &alice, &modify).unwrap();
        assert!(all.documents(&alice).eq([&b"two"[..]]));

        let other = all.publish(now, &alice, &first(b"phone")).unwrap();
        assert!(all.documents(&alice).eq([&b"phone"[..], b"two"]), "the latest first");

        let remove = Publish { etag: Some(other.etag), document: None, expires: Duration::ZERO };
        assert!(all.publish(now, &alice, &remove).unwrap().changed);
        assert!(all.documents(&alice).eq([&b"two"[..]]));
        let remove = Publish { etag: Some(modified.etag), ..remove };
        all.publish(now, &alice, &remove).unwrap();
        assert_eq!((all.documents(&alice).count(), all.len()), (0, 0));
    }

    #[test]
    fn a_tag_is_good_for_its_own_user_only() {
        let mut storage = Storage::<2, 256>::new();
        let mut all = Publications::lent(&mut storage, 2, &Seeds::new([1; 32]), 0);
        let one = all.publish(Duration::ZERO, &user("alice"), &first(b"one")).unwrap();
        let theft = Publish { etag: Some(one.etag), document: Some(b"x"), expires: HOUR };
        let refused = all.publish(Duration::ZERO, &user("mallory"), &theft).unwrap_err();
        assert_eq!(refused.code, StatusCode::CONDITIONAL_REQUEST_FAILED);
        assert!(all.documents(&user("alice")).eq([&b"one"[..]]));
    }

    #[test]
    fn what_is_full_says_so_and_what_ends_makes_room() {
        let mut storage = Storage::<2, 256>::new();
        let mut all = Publications::lent(&mut storage, 1, &Seeds::new([1; 32]), 0);
        let now = Duration::ZERO;
        all.publish(now, &user("alice"), &first(b"one")).unwrap();
        let second = all.publish(now, &user("alice"), &first(b"two")).unwrap_err();
        assert_eq!(second.code, StatusCode::SERVICE_UNAVAILABLE);
        all.publish(now, &user("bob"), &first(b"one")).unwrap();
        let third = all.publish(now, &user("carol"), &first(b"one")).unwrap_err();
        assert_eq!(third.code, StatusCode::SERVICE_UNAVAILABLE);
        assert!(all.expire(HOUR).is_some());
        all.publish(now, &user("carol"), &first(b"one")).unwrap();
        assert_eq!(all.len(), 2);
    }

    #[test]
    fn a_first_publication_needs_a_document() {
        let mut storage = Storage::<1, 64>::new();
        let mut all = Publications::lent(&mut storage, 1, &Seeds::new([1; 32]), 0);
        let empty = Publish { etag: None, document: None, expires: HOUR };
        let refused = all.publish(Duration::ZERO, &user("alice"), &empty).unwrap_err();
        assert_eq!(refused.code, StatusCode::BAD_REQUEST);
    }
}
