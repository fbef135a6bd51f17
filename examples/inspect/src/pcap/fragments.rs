//! IP datagrams put together from their fragments (RFC 791 section 3.2, RFC 8200 section 4.5).

use core::net::IpAddr;
use std::collections::{BTreeMap, HashMap};

/// Datagrams that are put together at the same time; the oldest is given up for a new one.
const DATAGRAMS: usize = 256;
/// Fragments of one datagram.
const PARTS: usize = 1024;
/// The longest datagram.
const LONGEST: usize = 65_535;

/// Which datagram a fragment belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) from: IpAddr,
    pub(super) to: IpAddr,
    pub(super) protocol: u8,
    pub(super) identification: u32,
}

/// One fragment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment<'a> {
    pub(super) key: Key,
    /// In octets.
    pub(super) offset: usize,
    pub(super) more: bool,
    pub(super) octets: &'a [u8],
}

/// Datagrams of which not all has been seen.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    open: HashMap<Key, Open>,
    begun: u64,
    /// Datagrams that were given up.
    pub(super) given_up: u64,
}

#[derive(Debug, Default)]
struct Open {
    order: u64,
    parts: BTreeMap<usize, Vec<u8>>,
    held: usize,
    /// How long the datagram is, once its last fragment has been seen.
    len: Option<usize>,
}

impl Fragments {
    /// Takes a fragment; the datagram, when it is whole.
    pub(super) fn add(&mut self, fragment: &Fragment<'_>) -> Option<Vec<u8>> {
        let end = fragment.offset.checked_add(fragment.octets.len())?;
        if end > LONGEST || fragment.octets.is_empty() {
            return None;
        }
        if !self.open.contains_key(&fragment.key) && self.open.len() >= DATAGRAMS {
            let oldest = self.open.iter().min_by_key(|(_, open)| open.order).map(|(key, _)| *key);
            if let Some(oldest) = oldest {
                self.open.remove(&oldest);
                self.given_up += 1;
            }
        }
        let order = self.begun;
        let open = self.open.entry(fragment.key).or_insert_with(|| {
            self.begun += 1;
            Open { order, ..Open::default() }
        });
        if !fragment.more {
            open.len = Some(end);
        }
        if open.parts.len() >= PARTS || open.held > 2 * LONGEST {
            self.open.remove(&fragment.key);
            self.given_up += 1;
            return None;
        }
        // Of two that begin at the same place the first is believed.
        open.parts.entry(fragment.offset).or_insert_with(|| {
            open.held += fragment.octets.len();
            fragment.octets.to_vec()
        });
        let whole = open.whole()?;
        self.open.remove(&fragment.key);
        Some(whole)
    }

    /// How many datagrams were not whole, those that are still open among them.
    pub(super) fn left_out(&self) -> u64 {
        self.given_up + self.open.len() as u64
    }
}

impl Open {
    fn whole(&self) -> Option<Vec<u8>> {
        let len = self.len?;
        if self.held < len {
            return None;
        }
        let mut whole = Vec::with_capacity(len);
        for (offset, octets) in &self.parts {
            // What overlaps was there before.
            let known = whole.len().checked_sub(*offset)?;
            whole.extend_from_slice(octets.get(known..).unwrap_or_default());
        }
        whole.truncate(len);
        (whole.len() == len).then_some(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(id: u32, offset: usize, more: bool, octets: &[u8]) -> Fragment<'_> {
        let host = IpAddr::from([192, 0, 2, 1]);
        let key = Key { from: host, to: host, protocol: 17, identification: id };
        Fragment { key, offset, more, octets }
    }

    #[test]
    fn fragments_in_any_order_with_overlaps_make_the_datagram() {
        let mut fragments = Fragments::default();
        assert_eq!(fragments.add(&part(1, 16, false, b"cc")), None);
        assert_eq!(fragments.add(&part(1, 8, true, b"bbbbbbbb")), None);
        assert_eq!(fragments.add(&part(1, 8, true, b"XXXXXXXX")), None);
        assert_eq!(fragments.left_out(), 1);
        let whole = fragments.add(&part(1, 0, true, b"aaaaaaaaYY"));
        assert_eq!(whole.as_deref(), Some(&b"aaaaaaaaYYbbbbbbcc"[..]));
        assert_eq!(fragments.left_out(), 0);
    }

    #[test]
    fn what_is_kept_of_endless_fragments_is_bounded() {
        let mut fragments = Fragments::default();
        for id in 0..10_000 {
            assert_eq!(fragments.add(&part(id, 8, true, &[0; 1000])), None);
        }
        assert_eq!(fragments.open.len(), DATAGRAMS);
        for offset in 0..20_000 {
            fragments.add(&part(10_000, offset * 2, true, b"ab"));
        }
        assert!(fragments.open.values().all(|open| open.parts.len() <= PARTS));
        assert!(fragments.left_out() >= 10_000);
        assert_eq!(fragments.add(&part(7, LONGEST, false, b"a")), None);
    }
}
