//! Who watches whom: the subscriptions to presence, on the notifier's side (RFC 6665 section 4.2,
//! RFC 3856 section 6).
//!
//! ```text
//! SUBSCRIBE ──▶ active ──resource changed, renewed──▶ ready ──NOTIFY sent──▶ in flight
//!                 ▲                                     ▲                        │
//!                 │                                     └──changed meanwhile─────┤
//!                 └──────────────── 2xx, nothing new ────────────────────────────┤
//!   expired, Expires: 0 ──▶ ready, ended ──last NOTIFY sent──▶ gone ◀── refused, no answer
//! ```
//!
//! One NOTIFY of a subscription is under way at a time: over UDP two could overtake each other, and
//! what changes meanwhile is told with the next.

use core::time::Duration;

use super::refusal::Refusal;
use super::user::User;
use crate::error::BufferTooSmall;
use crate::message::StatusCode;
use crate::storage::{Arena, Block, Index, Lent, Seeds, Slots, Table};
use crate::transport::Path;

/// Index of the table by resource.
const RESOURCES: usize = 0;
/// Index of the table by Call-ID.
const DIALOGS: usize = 1;
/// How many indexes there are.
pub(super) const INDEXES: usize = 2;

/// How many texts a subscription keeps.
const TEXTS: usize = 6;

/// Names a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct WatcherId(Index);

/// Why a subscription ends (RFC 6665 section 4.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum End {
    /// It was not renewed, or was taken back.
    Timeout,
}

/// What a SUBSCRIBE says about its dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscribe<'d> {
    /// Whose presence is asked for.
    pub resource: User,
    /// Who asks.
    pub watcher: User,
    /// The value of Call-ID.
    pub call_id: &'d [u8],
    /// The value of From with its tag: the NOTIFY's To.
    pub from: &'d [u8],
    /// The tag of From.
    pub from_tag: &'d [u8],
    /// The value of To without a tag: the NOTIFY's From, but for its tag.
    pub to: &'d [u8],
    /// The URI of the Contact: where the NOTIFY goes.
    pub contact: &'d [u8],
    /// The values of Record-Route in their order, with commas between: the NOTIFY's Route.
    pub routes: &'d [u8],
    /// The value of Event.
    pub event: &'d [u8],
    /// The number of CSeq.
    pub cseq: u32,
    /// The way it came.
    pub path: Path,
    /// How long it is to last; zero asks for one NOTIFY only.
    pub expires: Duration,
}

/// A subscription as it is kept; its texts stand in the arena.
#[derive(Debug)]
pub(super) struct Entry {
    resource: User,
    watcher: User,
    local_tag: u64,
    local_cseq: u32,
    remote_cseq: u32,
    path: Path,
    expires_at: Duration,
    ended: Option<End>,
    /// Whether there is something that the watcher has not been told.
    news: bool,
    in_flight: bool,
    texts: Block,
    ends: [u16; TEXTS],
}

/// What a NOTIFY is made of.
#[derive(Clone, Copy, Debug)]
pub struct Notify<'a> {
    /// Whose presence it tells of.
    pub resource: User,
    /// Who is told.
    pub watcher: User,
    /// The Call-ID.
    pub call_id: &'a [u8],
    /// The value of To.
    pub to: &'a [u8],
    /// The value of From, but for its tag.
    pub from: &'a [u8],
    /// The tag of From.
    pub from_tag: u64,
    /// The Request-URI.
    pub target: &'a [u8],
    /// The value of Route; empty where there is none.
    pub routes: &'a [u8],
    /// The value of Event.
    pub event: &'a [u8],
    /// The number of CSeq.
    pub cseq: u32,
    /// The way it goes.
    pub path: Path,
    /// For how long the subscription lasts yet.
    pub remaining: Duration,
    /// Why it ends with this NOTIFY, if it does.
    pub ended: Option<End>,
}

/// The subscriptions to the presence of users, in memory that the host lends or that grows.
#[derive(Debug)]
pub struct Watchers<'s> {
    table: Table<'s, Entry>,
    arena: Arena<'s>,
    /// Where the tags come from.
    tags: u64,
}

/// The memory of [`Watchers`]: room for `N` subscriptions, with `OCTETS` for what they keep of their
/// dialogs (some 400 octets each).
#[derive(Debug)]
pub struct Storage<const N: usize, const OCTETS: usize> {
    slots: Slots<Entry, N, INDEXES>,
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

impl<'s> Watchers<'s> {
    /// Subscriptions in lent memory.
    pub fn lent<const N: usize, const OCTETS: usize>(
        storage: &'s mut Storage<N, OCTETS>,
        seeds: &Seeds,
        purpose: u8,
    ) -> Self {
        Self::over(storage.slots.lend(), &mut storage.octets, seeds, purpose)
    }

    pub(super) fn over(
        slots: Lent<'s, Entry>,
        octets: &'s mut [u8],
        seeds: &Seeds,
        purpose: u8,
    ) -> Self {
        let key = seeds.key(purpose);
        let table = Table::lent(slots, key);
        Self { table, arena: Arena::lent(octets, 0), tags: key.1 }
    }

    /// Subscriptions that grow as far as `limit` of them.
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn growing(limit: usize, seeds: &Seeds, purpose: u8) -> Self {
        let key = seeds.key(purpose);
        let octets = limit.saturating_mul(1024).saturating_add(8192);
        Self {
            table: Table::growing(limit, INDEXES, key),
            arena: Arena::growing(octets, 0),
            tags: key.1,
        }
    }

    /// A SUBSCRIBE that begins a dialog. Gives the tag of the dialog's local side.
    ///
    /// # Errors
    /// 503 where there is no room; 513 where its headers are beyond all measure.
    pub fn begin(
        &mut self,
        now: Duration,
        request: &Subscribe<'_>,
    ) -> Result<(WatcherId, u64), Refusal> {
        let (texts, ends) = self.keep(request)?;
        self.tags = self.tags.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let local_tag = self.tags;
        let entry = Entry {
            resource: request.resource,
            watcher: request.watcher,
            local_tag,
            local_cseq: 0,
            remote_cseq: request.cseq,
            path: request.path,
            expires_at: now.saturating_add(request.expires),
            ended: None,
            news: false,
            in_flight: false,
            texts,
            ends,
        };
        let resource = self.table.hash(&[request.resource.as_bytes()]);
        let dialog = self.table.hash(&[request.call_id]);
        match self.table.insert(resource, entry) {
            Ok(index) => {
                self.table.set_hash(index, DIALOGS, Some(dialog));
                self.extend(now, index, request.expires);
                Ok((WatcherId(index), local_tag))
            }
            Err((entry, full)) => {
                self.arena.free(entry.texts);
                Err(full.into())
            }
        }
    }

    /// A SUBSCRIBE in the dialog with this local tag: renews it, or takes it back.
    ///
    /// # Errors
    /// 481 where there is no such dialog, 500 where its CSeq is not above the last one (RFC 3261
    /// section 12.2.2), 503 where there is no room for a new Contact.
    pub fn renew(
        &mut self,
        now: Duration,
        local_tag: &[u8],
        request: &Subscribe<'_>,
    ) -> Result<WatcherId, Refusal> {
        let gone = Refusal::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
        let index = self.find(local_tag, request.call_id).ok_or(gone)?;
        let entry = self.table.get(index).ok_or(gone)?;
        if entry.ended.is_some() || entry.watcher != request.watcher {
            return Err(gone);
        }
        if request.cseq <= entry.remote_cseq {
            return Err(
                Refusal::new(StatusCode::SERVER_INTERNAL_ERROR).because("CSeq Out of Order")
            );
        }
        // The Contact may have moved (a target refresh); the route set stays as it began.
        let kept = Notify::of(entry, self.arena.get(&entry.texts), now);
        let moved = kept.target != request.contact;
        if moved {
            let mut routes = super::line::Line::<1024>::new();
            routes.put(kept.routes);
            let mut from = super::line::Line::<512>::new();
            from.put(kept.to);
            let mut to = super::line::Line::<512>::new();
            to.put(kept.from);
            let request = Subscribe {
                from: from.as_bytes(),
                to: to.as_bytes(),
                routes: routes.as_bytes(),
                ..*request
            };
            let (texts, ends) = self.keep(&request)?;
            if let Some(entry) = self.table.get_mut(index) {
                entry.ends = ends;
                let old = core::mem::replace(&mut entry.texts, texts);
                self.arena.free(old);
            }
        }
        if let Some(entry) = self.table.get_mut(index) {
            entry.remote_cseq = request.cseq;
            entry.path = request.path;
        }
        self.extend(now, index, request.expires);
        Ok(WatcherId(index))
    }

    /// A resource has changed: all who watch it are to be told.
    pub fn changed(&mut self, resource: &User) {
        let hash = self.table.hash(&[resource.as_bytes()]);
        // Each step finds one that was not told yet, so there are as many as there are watchers.
        while let Some(index) = self.table.find_in(RESOURCES, hash, |entry| {
            entry.resource == *resource && !entry.news && entry.ended.is_none()
        }) {
            self.tell(index);
        }
    }

    /// Ends one subscription that was not renewed in time: a last NOTIFY says so.
    pub fn expire(&mut self, now: Duration) -> bool {
        let Some(index) = self.table.pop_due(now) else { return false };
        if let Some(entry) = self.table.get_mut(index) {
            entry.ended = Some(End::Timeout);
        }
        self.tell(index);
        true
    }

    /// The next subscription that has something to be told. It is under way then, until
    /// [`Watchers::answered`] says what came of it.
    pub fn take_ready(&mut self) -> Option<WatcherId> {
        let index = self.table.first_ready()?;
        self.table.clear_ready(index);
        let entry = self.table.get_mut(index)?;
        entry.news = false;
        entry.in_flight = true;
        entry.local_cseq = entry.local_cseq.wrapping_add(1);
        Some(WatcherId(index))
    }

    /// The NOTIFY that [`Watchers::take_ready`] named is done with: `good` says that the watcher has taken
    /// it. Whoever refuses one, or does not answer, watches no longer (RFC 6665 section 4.2.2). Says
    /// whether the subscription lives on.
    pub fn answered(&mut self, id: WatcherId, good: bool) -> bool {
        let Some(entry) = self.table.get_mut(id.0) else { return false };
        entry.in_flight = false;
        if !good || (entry.ended.is_some() && !entry.news) {
            self.remove(id);
            return false;
        }
        if entry.news {
            self.table.set_ready(id.0);
        }
        true
    }

    /// The NOTIFY that [`Watchers::take_ready`] named could not be sent yet: it is next again.
    pub fn postpone(&mut self, id: WatcherId) {
        if let Some(entry) = self.table.get_mut(id.0) {
            entry.in_flight = false;
            entry.local_cseq = entry.local_cseq.wrapping_sub(1);
        }
        self.tell(id.0);
    }

    /// Forgets a subscription.
    pub fn remove(&mut self, id: WatcherId) {
        if let Some(entry) = self.table.remove(id.0) {
            self.arena.free(entry.texts);
        }
    }

    /// What the NOTIFY of a subscription is made of.
    #[must_use]
    pub fn notify(&self, now: Duration, id: WatcherId) -> Option<Notify<'_>> {
        let entry = self.table.get(id.0)?;
        Some(Notify::of(entry, self.arena.get(&entry.texts), now))
    }

    /// When the next subscription ends.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Duration> {
        self.table.next_deadline()
    }

    /// How many subscriptions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    fn find(&self, local_tag: &[u8], call_id: &[u8]) -> Option<Index> {
        let mut octets = [0; 8];
        super::line::from_hex(local_tag, &mut octets).filter(|len| *len == 8)?;
        let local_tag = u64::from_be_bytes(octets);
        let hash = self.table.hash(&[call_id]);
        self.table.find_in(DIALOGS, hash, |entry| entry.local_tag == local_tag)
    }

    /// Sets a new end, and sees to it that the watcher is told the state: each SUBSCRIBE is answered
    /// by a NOTIFY (RFC 6665 section 4.2.1.2).
    fn extend(&mut self, now: Duration, index: Index, expires: Duration) {
        let ended = expires.is_zero().then_some(End::Timeout);
        let expires_at = now.saturating_add(expires);
        if let Some(entry) = self.table.get_mut(index) {
            entry.expires_at = expires_at;
            entry.ended = ended;
        }
        self.table.set_deadline(index, Some(expires_at).filter(|_| ended.is_none()));
        self.tell(index);
    }

    fn tell(&mut self, index: Index) {
        let Some(entry) = self.table.get_mut(index) else { return };
        entry.news = true;
        if !entry.in_flight {
            self.table.set_ready(index);
        }
    }

    fn keep(&mut self, request: &Subscribe<'_>) -> Result<(Block, [u16; TEXTS]), Refusal> {
        let texts = [
            request.call_id,
            request.from,
            request.to,
            request.contact,
            request.routes,
            request.event,
        ];
        let mut ends = [0; TEXTS];
        let mut len: usize = 0;
        for (end, text) in ends.iter_mut().zip(texts) {
            len = len.saturating_add(text.len());
            *end = u16::try_from(len).map_err(|_| Refusal::new(StatusCode::MESSAGE_TOO_LARGE))?;
        }
        let block = self.arena.write(|_, room| {
            let short = BufferTooSmall { needed: len };
            let mut room = room.get_mut(..len).ok_or(short)?;
            for text in texts {
                let split = room.split_at_mut_checked(text.len());
                let (to, rest) = split.ok_or(short)?;
                to.copy_from_slice(text);
                room = rest;
            }
            Ok(len)
        });
        Ok((block?, ends))
    }
}

impl<'a> Notify<'a> {
    fn of(entry: &Entry, texts: &'a [u8], now: Duration) -> Self {
        let mut start = 0;
        let [call_id, to, from, target, routes, event] = entry.ends.map(|end| {
            let end = usize::from(end);
            let text = texts.get(start..end).unwrap_or_default();
            start = end;
            text
        });
        Self {
            resource: entry.resource,
            watcher: entry.watcher,
            call_id,
            to,
            from,
            from_tag: entry.local_tag,
            target,
            routes,
            event,
            cseq: entry.local_cseq,
            path: entry.path,
            remaining: entry.expires_at.saturating_sub(now),
            ended: entry.ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::SocketAddr;

    const HOUR: Duration = Duration::from_secs(3600);

    fn request(resource: &str, cseq: u32) -> Subscribe<'static> {
        Subscribe {
            resource: User::new(resource.as_bytes()).unwrap(),
            watcher: User::new(b"bob").unwrap(),
            call_id: b"call",
            from: b"<sip:bob@a.test>;tag=b",
            from_tag: b"b",
            to: b"<sip:alice@a.test>",
            contact: b"sip:bob@192.0.2.1",
            routes: b"",
            event: b"presence",
            cseq,
            path: Path::udp(SocketAddr::from(([192, 0, 2, 1], 5060))),
            expires: HOUR,
        }
    }

    fn hex(tag: u64) -> std::string::String {
        std::format!("{tag:016x}")
    }

    #[test]
    fn a_watcher_is_told_once_at_a_time() {
        let mut storage = Storage::<2, 512>::new();
        let mut all = Watchers::lent(&mut storage, &Seeds::new([1; 32]), 0);
        let now = Duration::ZERO;
        let (id, _) = all.begin(now, &request("alice", 1)).unwrap();
        assert_eq!(all.take_ready(), Some(id));
        let notify = all.notify(now, id).unwrap();
        assert_eq!((notify.cseq, notify.remaining, notify.ended), (1, HOUR, None));
        assert_eq!(
            (notify.to, notify.target),
            (&b"<sip:bob@a.test>;tag=b"[..], &b"sip:bob@192.0.2.1"[..])
        );

        all.changed(&User::new(b"alice").unwrap());
        all.changed(&User::new(b"alice").unwrap());
        all.changed(&User::new(b"carol").unwrap());
        assert_eq!(all.take_ready(), None, "the first is under way");
        assert!(all.answered(id, true));
        assert_eq!(all.take_ready(), Some(id));
        assert!(all.answered(id, true));
        assert_eq!(all.take_ready(), None);
    }

    #[test]
    fn it_is_renewed_and_taken_back_in_its_dialog() {
        let mut storage = Storage::<1, 512>::new();
        let mut all = Watchers::lent(&mut storage, &Seeds::new([1; 32]), 0);
        let now = Duration::ZERO;
        let (id, tag) = all.begin(now, &request("alice", 5)).unwrap();
        let tag = hex(tag);
        all.take_ready();
        all.answered(id, true);

        let again = all.renew(now, tag.as_bytes(), &request("alice", 5)).unwrap_err();
        assert_eq!(again.code, StatusCode::SERVER_INTERNAL_ERROR);
        let other = all.renew(now, b"0123456789abcdef", &request("alice", 6)).unwrap_err();
        assert_eq!(other.code, StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);

        let moved = Subscribe { contact: b"sip:bob@192.0.2.99", ..request("alice", 6) };
        assert_eq!(all.renew(now + HOUR / 2, tag.as_bytes(), &moved), Ok(id));
        assert_eq!(all.next_expiry(), Some(HOUR + HOUR / 2));
        let notify = all.notify(now, id).unwrap();
        assert_eq!(notify.target, b"sip:bob@192.0.2.99");
        assert_eq!((notify.call_id, notify.event), (&b"call"[..], &b"presence"[..]));
        all.take_ready();
        all.answered(id, true);

        let back = Subscribe { expires: Duration::ZERO, ..request("alice", 7) };
        all.renew(now, tag.as_bytes(), &back).unwrap();
        assert_eq!(all.take_ready(), Some(id));
        assert_eq!(all.notify(now, id).unwrap().ended, Some(End::Timeout));
        assert!(!all.answered(id, true));
        assert!(all.is_empty() && all.arena.is_empty());
    }

    #[test]
    fn what_is_not_renewed_ends_with_a_last_word() {
        let mut storage = Storage::<1, 512>::new();
        let mut all = Watchers::lent(&mut storage, &Seeds::new([1; 32]), 0);
        let (id, _) = all.begin(Duration::ZERO, &request("alice", 1)).unwrap();
        all.take_ready();
        all.answered(id, true);
        assert!(!all.expire(HOUR - Duration::from_secs(1)));
        assert!(all.expire(HOUR));
        assert_eq!(all.take_ready(), Some(id));
        assert!(!all.answered(id, true));
        assert!(all.is_empty());
    }

    #[test]
    fn who_refuses_is_told_no_more() {
        let mut storage = Storage::<1, 512>::new();
        let mut all = Watchers::lent(&mut storage, &Seeds::new([1; 32]), 0);
        let (id, _) = all.begin(Duration::ZERO, &request("alice", 1)).unwrap();
        let full = all.begin(Duration::ZERO, &request("alice", 1)).unwrap_err();
        assert_eq!(full.code, StatusCode::SERVICE_UNAVAILABLE);
        all.take_ready();
        assert!(!all.answered(id, false));
        assert!(all.is_empty());
    }
}
