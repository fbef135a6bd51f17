//! Where the users are: the bindings of addresses of record to contacts (RFC 3261 section 10).
//!
//! [`Location`] is what the server asks of a store; [`Bindings`] is the one that is built in.

use core::time::Duration;

use super::user::User;
use crate::error::BufferTooSmall;
use crate::storage::{Arena, Block, Full, Index, Lent, NotKept, Seeds, Slots, Table};
use crate::transport::{Path, Transport};
use crate::uri::{Host, Uri};

/// The longest contact URI that is kept, in octets.
pub const MAX_CONTACT: usize = 512;

/// The longest route to a contact that is kept, in octets.
pub const MAX_ROUTE: usize = 512;

/// The longest name of a user agent's instance that is kept, in octets; `urn:uuid:` and 36 are usual.
pub const MAX_INSTANCE: usize = 128;

/// The longest Call-ID that is kept, in octets.
pub const MAX_CALL_ID: usize = 256;

/// One contact of one user (RFC 3261 section 10.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Binding<'a> {
    /// The user that it is a contact of.
    pub user: User,
    /// The contact's URI as the client wrote it, without brackets.
    pub contact: &'a [u8],
    /// The route to the contact, as it stands in Route: the values of Path (RFC 3327); empty where there
    /// is none.
    pub route: &'a [u8],
    /// Which of the user's agents it is, `urn:uuid:…`: the contact's `+sip.instance` without its brackets
    /// (RFC 5627 section 4.2); empty where the client gave none.
    pub instance: &'a [u8],
    /// The Call-ID of the REGISTER that made or renewed it last.
    pub call_id: &'a [u8],
    /// The CSeq number of that REGISTER.
    pub cseq: u32,
    /// The preference among the user's contacts, in thousandths (RFC 3261 section 20.10).
    pub q_per_mille: u16,
    /// When it ends, if it is not renewed.
    pub expires_at: Duration,
    /// The way that REGISTER came: requests go back the same way.
    pub path: Path,
    /// Whether that way is still there: a connection may have ended.
    pub connected: bool,
}

/// A store of bindings.
pub trait Location {
    /// Puts a binding in, in place of the one of the same user and contact (compared as RFC 3261
    /// section 19.1.4 compares URIs).
    ///
    /// # Errors
    /// [`Full`] where there is no room; the store is as it was then.
    fn put(&mut self, binding: &Binding<'_>) -> Result<(), Full>;

    /// Takes the binding of this user and contact out. Says whether there was one.
    fn remove(&mut self, user: &User, contact: &[u8]) -> bool;

    /// The connection `path` has ended. Bindings in clear TCP stay: their contact listens on a port
    /// of its own. A binding in TLS could not be reached any more, and is taken out: one at a time
    /// is given back, until there is none.
    fn disconnect(&mut self, path: Path) -> Option<User>;

    /// Takes out one binding that has come to its end.
    fn expire(&mut self, now: Duration) -> Option<User>;

    /// Shows the bindings of a user, the ones that came last first, until `visit` says that it has
    /// seen enough (`false`).
    fn each(&self, user: &User, visit: &mut dyn FnMut(&Binding<'_>) -> bool);

    /// Shows the bindings whose contact is `uri`, until `visit` says that it has seen enough.
    fn at(&self, uri: &[u8], visit: &mut dyn FnMut(&Binding<'_>) -> bool);

    /// When the next binding ends.
    fn next_expiry(&self) -> Option<Duration>;

    /// How many bindings a user has.
    fn count(&self, user: &User) -> usize {
        let mut count = 0;
        self.each(user, &mut |_| {
            count += 1;
            true
        });
        count
    }
}

/// The indexes of the table: by user, by contact, by connection.
const USERS: usize = 0;
const CONTACTS: usize = 1;
const PATHS: usize = 2;
/// How many indexes there are.
pub(super) const INDEXES: usize = 3;

/// A binding as it is kept; its text stands in the arena.
#[derive(Debug)]
pub(super) struct Entry {
    user: User,
    /// Contact, route, instance and Call-ID, one after the other.
    text: Block,
    contact_len: usize,
    route_len: usize,
    instance_len: usize,
    cseq: u32,
    q_per_mille: u16,
    expires_at: Duration,
    path: Path,
    connected: bool,
}

/// Bindings in memory that the host lends or that grows.
#[derive(Debug)]
pub struct Bindings<'s> {
    table: Table<'s, Entry>,
    arena: Arena<'s>,
}

/// The memory of [`Bindings`]: room for `N` bindings, with `OCTETS` for their contacts and Call-IDs.
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

impl<'s> Bindings<'s> {
    /// Bindings in lent memory.
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
        Self { table: Table::lent(slots, seeds.key(purpose)), arena: Arena::lent(octets, 0) }
    }

    /// Bindings that grow as far as `limit` of them.
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn growing(limit: usize, seeds: &Seeds, purpose: u8) -> Self {
        // Contact and Call-ID have some 100 octets together; who has longer ones finds room too.
        let octets = limit
            .saturating_mul(256)
            .saturating_add(MAX_CONTACT + MAX_ROUTE + MAX_INSTANCE + MAX_CALL_ID + 64);
        Self {
            table: Table::growing(limit, INDEXES, seeds.key(purpose)),
            arena: Arena::growing(octets, 0),
        }
    }

    /// How many bindings there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    fn find(&self, user: &User, contact: &[u8]) -> Option<Index> {
        let parsed = Uri::parse(contact).ok();
        self.table.find_in(USERS, self.user_hash(user), |entry| {
            entry.user == *user && same(self.contact(entry), contact, parsed.as_ref())
        })
    }

    fn take(&mut self, index: Index) -> Option<User> {
        let entry = self.table.remove(index)?;
        self.arena.free(entry.text);
        Some(entry.user)
    }

    fn view<'a>(&'a self, entry: &'a Entry) -> Binding<'a> {
        let text = self.arena.get(&entry.text);
        let (contact, rest) = text.split_at_checked(entry.contact_len).unwrap_or_default();
        let (route, rest) = rest.split_at_checked(entry.route_len).unwrap_or_default();
        let (instance, call_id) = rest.split_at_checked(entry.instance_len).unwrap_or_default();
        Binding {
            user: entry.user,
            contact,
            route,
            instance,
            call_id,
            cseq: entry.cseq,
            q_per_mille: entry.q_per_mille,
            expires_at: entry.expires_at,
            path: entry.path,
            connected: entry.connected,
        }
    }

    fn contact<'a>(&'a self, entry: &'a Entry) -> &'a [u8] {
        self.view(entry).contact
    }

    fn user_hash(&self, user: &User) -> u64 {
        self.table.hash(&[user.as_bytes()])
    }

    /// The hash of what two URIs that are the same must have in common.
    fn contact_hash(&self, uri: &[u8]) -> u64 {
        let parsed = Uri::parse(uri).ok();
        let Some(host) = parsed.and_then(|uri| uri.host()) else { return self.table.hash(&[uri]) };
        let user = parsed.and_then(|uri| User::new(uri.user().unwrap_or_default()));
        let user = user.as_ref().map_or(&[][..], User::as_bytes);
        match host {
            Host::Name(name) => {
                let mut lower = [0; 255];
                let name = match lower.get_mut(..name.len()) {
                    Some(lower) => {
                        lower.copy_from_slice(name);
                        lower.make_ascii_lowercase();
                        &*lower
                    }
                    None => &[],
                };
                self.table.hash(&[user, name])
            }
            Host::V4(address) => self.table.hash(&[user, &address.octets()]),
            Host::V6(address) => self.table.hash(&[user, &address.octets()]),
        }
    }

    fn path_hash(&self, path: Path) -> u64 {
        let port = path.remote.port().to_be_bytes();
        let local = path.local.to_be_bytes();
        match path.remote.ip() {
            core::net::IpAddr::V4(ip) => self.table.hash(&[&ip.octets(), &port, &local]),
            core::net::IpAddr::V6(ip) => self.table.hash(&[&ip.octets(), &port, &local]),
        }
    }
}

impl Location for Bindings<'_> {
    fn put(&mut self, binding: &Binding<'_>) -> Result<(), Full> {
        let text = self.arena.write(|_, room| {
            let parts = [binding.contact, binding.route, binding.instance, binding.call_id];
            let needed = parts.iter().fold(0_usize, |sum, part| sum.saturating_add(part.len()));
            let mut room = room.get_mut(..needed).ok_or(BufferTooSmall { needed })?;
            for part in parts {
                let split = room.split_at_mut_checked(part.len());
                let (place, rest) = split.ok_or(BufferTooSmall { needed })?;
                place.copy_from_slice(part);
                room = rest;
            }
            Ok(needed)
        });
        let text = text.map_err(full_of)?;
        let old = self.find(&binding.user, binding.contact);
        let entry = Entry {
            user: binding.user,
            text,
            contact_len: binding.contact.len(),
            route_len: binding.route.len(),
            instance_len: binding.instance.len(),
            cseq: binding.cseq,
            q_per_mille: binding.q_per_mille,
            expires_at: binding.expires_at,
            path: binding.path,
            connected: binding.connected,
        };
        if let Some(old) = old {
            self.take(old);
        }
        let index = match self.table.insert(self.user_hash(&binding.user), entry) {
            Ok(index) => index,
            Err((entry, full)) => {
                self.arena.free(entry.text);
                return Err(full);
            }
        };
        let contact = self.contact_hash(binding.contact);
        self.table.set_hash(index, CONTACTS, Some(contact));
        let path = self.path_hash(binding.path);
        self.table.set_hash(index, PATHS, Some(path).filter(|_| binding.connected));
        self.table.set_deadline(index, Some(binding.expires_at));
        Ok(())
    }

    fn remove(&mut self, user: &User, contact: &[u8]) -> bool {
        self.find(user, contact).and_then(|index| self.take(index)).is_some()
    }

    fn disconnect(&mut self, path: Path) -> Option<User> {
        let hash = self.path_hash(path);
        while let Some(index) = self.table.find_in(PATHS, hash, |entry| entry.path == path) {
            if matches!(path.transport, Transport::Tls | Transport::Wss | Transport::Ws) {
                return self.take(index);
            }
            self.table.set_hash(index, PATHS, None);
            if let Some(entry) = self.table.get_mut(index) {
                entry.connected = false;
            }
        }
        None
    }

    fn expire(&mut self, now: Duration) -> Option<User> {
        let index = self.table.pop_due(now)?;
        self.take(index)
    }

    fn each(&self, user: &User, visit: &mut dyn FnMut(&Binding<'_>) -> bool) {
        self.table.find_in(USERS, self.user_hash(user), |entry| {
            entry.user == *user && !visit(&self.view(entry))
        });
    }

    fn at(&self, uri: &[u8], visit: &mut dyn FnMut(&Binding<'_>) -> bool) {
        let parsed = Uri::parse(uri).ok();
        self.table.find_in(CONTACTS, self.contact_hash(uri), |entry| {
            same(self.contact(entry), uri, parsed.as_ref()) && !visit(&self.view(entry))
        });
    }

    fn next_expiry(&self) -> Option<Duration> {
        self.table.next_deadline()
    }
}

/// How full it is where octets could not be kept. What is copied here is not checked for line ends.
pub(super) fn full_of(error: NotKept) -> Full {
    match error {
        NotKept::Full(full) => full,
        NotKept::LineEnd => Full { capacity: 0 },
    }
}

/// Whether two URIs are the same one (RFC 3261 section 19.1.4); what does not parse is compared as
/// it stands.
fn same(kept: &[u8], asked: &[u8], parsed: Option<&Uri<'_>>) -> bool {
    if kept == asked {
        return true;
    }
    match (Uri::parse(kept), parsed) {
        (Ok(kept), Some(asked)) => kept.same(asked),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::SocketAddr;
    use std::string::String;
    use std::vec::Vec;

    fn path(transport: Transport, port: u16) -> Path {
        Path { transport, local: 0, remote: SocketAddr::from(([127, 0, 0, 1], port)) }
    }

    fn binding<'a>(user: &str, contact: &'a str, transport: Transport) -> Binding<'a> {
        Binding {
            user: User::new(user.as_bytes()).unwrap(),
            contact: contact.as_bytes(),
            route: b"",
            instance: b"",
            call_id: b"call-id",
            cseq: 1,
            q_per_mille: 1000,
            expires_at: Duration::from_secs(60),
            path: path(transport, 4000),
            connected: true,
        }
    }

    fn contacts(bindings: &Bindings<'_>, user: &str) -> Vec<String> {
        let mut seen = Vec::new();
        bindings.each(&User::new(user.as_bytes()).unwrap(), &mut |binding| {
            seen.push(String::from_utf8_lossy(binding.contact).into_owned());
            true
        });
        seen
    }

    #[test]
    fn a_contact_that_is_the_same_uri_is_renewed_not_added() {
        let mut storage = Storage::<2, 256>::new();
        let mut bindings = Bindings::lent(&mut storage, &Seeds::new([1; 32]), 0);
        bindings.put(&binding("alice", "sip:alice@HOST.test:5070", Transport::Udp)).unwrap();
        bindings.put(&binding("alice", "sip:%61lice@host.test:5070", Transport::Udp)).unwrap();
        assert_eq!(contacts(&bindings, "alice"), ["sip:%61lice@host.test:5070"]);
        bindings.put(&binding("alice", "sip:alice@host.test", Transport::Udp)).unwrap();
        let full = bindings.put(&binding("bob", "sip:bob@host.test", Transport::Udp));
        assert_eq!(full, Err(Full { capacity: 2 }));
        assert_eq!((contacts(&bindings, "alice").len(), contacts(&bindings, "bob").len()), (2, 0));
        assert!(bindings.remove(&User::new(b"alice").unwrap(), b"sip:alice@HOST.test"));
        assert_eq!(bindings.len(), 1);
    }

    #[test]
    fn a_contact_is_found_by_its_uri() {
        let mut storage = Storage::<2, 256>::new();
        let mut bindings = Bindings::lent(&mut storage, &Seeds::new([1; 32]), 0);
        bindings
            .put(&binding("alice", "sip:127.0.0.1:5070;transport=tcp", Transport::Tcp))
            .unwrap();
        let mut seen = 0;
        for uri in ["sip:127.0.0.1:5070;transport=TCP", "sip:127.0.0.1:5071;transport=tcp"] {
            bindings.at(uri.as_bytes(), &mut |found| {
                assert_eq!(found.user.as_bytes(), b"alice");
                seen += 1;
                true
            });
        }
        assert_eq!(seen, 1);
    }

    #[test]
    fn a_connection_that_ends_takes_tls_bindings_with_it_and_leaves_tcp_ones() {
        let mut storage = Storage::<2, 256>::new();
        let mut bindings = Bindings::lent(&mut storage, &Seeds::new([1; 32]), 0);
        bindings.put(&binding("alice", "sip:alice@a.test", Transport::Tls)).unwrap();
        bindings.put(&binding("bob", "sip:bob@b.test", Transport::Tcp)).unwrap();
        assert_eq!(bindings.disconnect(path(Transport::Tcp, 4000)), None);
        assert_eq!(bindings.disconnect(path(Transport::Tls, 4000)), User::new(b"alice"));
        assert_eq!(bindings.disconnect(path(Transport::Tls, 4000)), None);
        let mut connected = true;
        bindings.each(&User::new(b"bob").unwrap(), &mut |binding| {
            connected = binding.connected;
            true
        });
        assert!(!connected);
        assert_eq!(bindings.len(), 1);
    }

    #[test]
    fn what_is_not_renewed_ends() {
        let mut storage = Storage::<1, 256>::new();
        let mut bindings = Bindings::lent(&mut storage, &Seeds::new([1; 32]), 0);
        bindings.put(&binding("alice", "sip:alice@a.test", Transport::Udp)).unwrap();
        assert_eq!(bindings.next_expiry(), Some(Duration::from_secs(60)));
        assert_eq!(bindings.expire(Duration::from_secs(59)), None);
        assert_eq!(bindings.expire(Duration::from_secs(60)), User::new(b"alice"));
        assert_eq!((bindings.next_expiry(), bindings.len()), (None, 0));
    }
}
