//! What is asked of the name servers, and what they say.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::transport::{Path, Transport};

/// How long a domain name may be, in octets of its text (RFC 1035 section 2.3.4).
pub const MAX_NAME: usize = 253;

/// The kinds of records that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Kind {
    /// IPv4 addresses (RFC 1035 section 3.4.1).
    A,
    /// IPv6 addresses (RFC 3596).
    Aaaa,
    /// The servers of a service (RFC 2782).
    Srv,
    /// The services of a domain (RFC 3403).
    Naptr,
}

impl Kind {
    /// The number of the type in a DNS message (RFC 1035 section 3.2.2).
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::A => 1,
            Self::Aaaa => 28,
            Self::Srv => 33,
            Self::Naptr => 35,
        }
    }
}

/// Names a query; an answer to one that is not awaited any more changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct QueryId(pub(super) u16);

/// What the host is to ask its name server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Query<'b> {
    /// Goes with the answer.
    pub id: QueryId,
    /// The type of the records.
    pub kind: Kind,
    /// The name, without a dot at its end. It is absolute: no search list applies to it.
    pub name: &'b [u8],
}

/// One record of an answer. Names are texts, with or without a dot at their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Record<'a> {
    /// An IPv4 address.
    A(#[cfg_attr(feature = "defmt", defmt(Debug2Format))] Ipv4Addr),
    /// An IPv6 address.
    Aaaa(#[cfg_attr(feature = "defmt", defmt(Debug2Format))] Ipv6Addr),
    /// A server of a service (RFC 2782).
    Srv {
        /// Lower ones are tried first.
        priority: u16,
        /// How often it is chosen among those of one priority.
        weight: u16,
        /// The port.
        port: u16,
        /// The host name; `.` where the service is not offered at all.
        target: &'a [u8],
    },
    /// A service of a domain (RFC 3403 section 4.1).
    Naptr {
        /// Lower ones are tried first.
        order: u16,
        /// Lower ones are tried first among those of one order.
        preference: u16,
        /// `s` where the replacement has SRV records; others are passed over.
        flags: &'a [u8],
        /// `SIP+D2U` and its like (RFC 3263 section 4.1).
        services: &'a [u8],
        /// The regular expression, empty in the records that are used here.
        regexp: &'a [u8],
        /// The name to go on with.
        replacement: &'a [u8],
    },
}

/// One place to send a request to, and for how long it may be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Candidate {
    /// The transport.
    pub transport: Transport,
    /// The address and port.
    #[cfg_attr(feature = "defmt", defmt(Debug2Format))]
    pub remote: SocketAddr,
    /// For how many seconds the records hold that led here: the least of their times to live.
    /// `u32::MAX` where none was needed.
    pub ttl_s: u32,
}

impl Candidate {
    /// The path there over the host's socket or interface of this number.
    #[must_use]
    pub const fn path(&self, local: u16) -> Path {
        Path { transport: self.transport, local, remote: self.remote }
    }
}

/// What came of a resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Event {
    /// Send the request there. If it cannot be sent, times out or is answered 503, ask for
    /// another with [`Resolver::try_next`](super::Resolver::try_next).
    Candidate(Candidate),
    /// There is no other candidate.
    Exhausted {
        /// How many there were.
        candidates: u16,
        /// How many queries had no answer: with none of these and no candidate, there is no such
        /// domain or it has no SIP service; with some, it may be worth another attempt later.
        unanswered: u16,
        /// How many records were passed over because there was no room, or because a limit was
        /// reached.
        left_out: u16,
    },
}

/// The transport that a NAPTR service field names (RFC 3263 section 4.1, RFC 7118 section 10.5).
pub(super) fn transport_of(services: &[u8]) -> Option<Transport> {
    [
        (&b"SIP+D2U"[..], Transport::Udp),
        (b"SIP+D2T", Transport::Tcp),
        (b"SIPS+D2T", Transport::Tls),
        (b"SIP+D2W", Transport::Ws),
        (b"SIPS+D2W", Transport::Wss),
    ]
    .into_iter()
    .find(|(name, _)| name.eq_ignore_ascii_case(services))
    .map(|(_, transport)| transport)
}

/// What stands before a domain in the name of its SRV records (RFC 3263 section 4.1).
pub(super) const fn prefix_of(transport: Transport) -> &'static [u8] {
    match transport {
        Transport::Udp => b"_sip._udp.",
        Transport::Tcp => b"_sip._tcp.",
        Transport::Tls => b"_sips._tcp.",
        Transport::Ws => b"_sip._ws.",
        Transport::Wss => b"_sips._ws.",
    }
}

/// A list with room for `N`; the items that come too late are for the caller to count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Few<T, const N: usize> {
    items: [Option<T>; N],
    len: usize,
}

impl<T: Copy, const N: usize> Few<T, N> {
    pub(super) const fn new() -> Self {
        Self { items: [None; N], len: 0 }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    /// Adds an item behind those that stand before it by `key`; where there is no room, the last
    /// of all is left out. Says whether all were kept.
    pub(super) fn insert_by<K: Ord>(&mut self, item: T, key: impl Fn(&T) -> K) -> bool {
        let mut carried = Some(item);
        let mut place = 0;
        for slot in self.items.iter_mut().take(self.len) {
            match (&*slot, &carried) {
                (Some(here), Some(new)) if key(here) > key(new) => {
                    core::mem::swap(slot, &mut carried);
                }
                _ => {}
            }
            place += 1;
        }
        match self.items.get_mut(place) {
            Some(slot) => {
                *slot = carried;
                self.len = place + 1;
                true
            }
            None => false,
        }
    }

    /// Whether an item would be kept: where there is no room, the last one has to be `beaten`.
    pub(super) fn has_room(&self, beaten: impl Fn(&T) -> bool) -> bool {
        self.len < N || self.items.last().is_some_and(|last| last.as_ref().is_some_and(beaten))
    }

    /// Takes the item of this number out.
    pub(super) fn take(&mut self, number: usize) -> Option<T> {
        let taken = self.items.get_mut(number)?.take();
        let (_, behind) = self.items.split_at_mut_checked(number)?;
        behind.rotate_left(1);
        self.len = self.len.saturating_sub(usize::from(taken.is_some()));
        taken
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter().flatten()
    }
}

/// Where a name stands among the kept ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    at: u16,
    len: u16,
}

/// Names, one behind another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<const OCTETS: usize> {
    octets: [u8; OCTETS],
    used: usize,
}

impl<const OCTETS: usize> Names<OCTETS> {
    pub(super) const fn new() -> Self {
        Self { octets: [0; OCTETS], used: 0 }
    }

    /// Keeps a name. `None` where there is no room.
    pub(super) fn keep(&mut self, name: &[u8]) -> Option<Span> {
        let at = self.used;
        let place = self.octets.get_mut(at..)?.get_mut(..name.len())?;
        for (to, from) in place.iter_mut().zip(name) {
            *to = *from;
        }
        self.used = at + name.len();
        Some(Span { at: u16::try_from(at).ok()?, len: u16::try_from(name.len()).ok()? })
    }

    /// Forgets all names that were kept after the mark was taken.
    pub(super) fn forget(&mut self, mark: usize) {
        self.used = self.used.min(mark);
    }

    pub(super) const fn mark(&self) -> usize {
        self.used
    }

    pub(super) fn name(&self, span: Span) -> &[u8] {
        let rest = self.octets.get(usize::from(span.at)..).unwrap_or_default();
        rest.get(..usize::from(span.len)).unwrap_or_default()
    }
}

/// A name as it is kept: without its last dot. `None` where it is none that could be asked for.
pub(super) fn plain(name: &[u8]) -> Option<&[u8]> {
    let name = name.strip_suffix(b".").unwrap_or(name);
    let labels_are_good = name.split(|octet| *octet == b'.').all(|label| {
        let allowed = |octet: &u8| octet.is_ascii_alphanumeric() || b"-_".contains(octet);
        matches!(label.len(), 1..=63) && label.iter().all(allowed)
    });
    (name.len() <= MAX_NAME && labels_are_good).then_some(name)
}

/// Whether an address is one that a request can be sent to, and not this host or everybody.
pub(super) fn is_usable(address: IpAddr) -> bool {
    !address.is_unspecified()
        && !address.is_multicast()
        && address != IpAddr::V4(Ipv4Addr::BROADCAST)
}
