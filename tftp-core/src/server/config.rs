//! What a server grants and bears.

use core::time::Duration;

use crate::Rollover;
use crate::option::{DEFAULT_BLKSIZE, MAX_BLKSIZE, MIN_BLKSIZE, OptionSet};
use crate::packet::Kind;

/// What a server grants and bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Config {
    /// How many of the host's sockets take requests: those with the numbers below. On the others a
    /// request is no request.
    pub listeners: u16,
    /// The largest block that is granted, in octets (RFC 2348: 8 to 65464).
    pub max_blksize: u16,
    /// The largest window that is granted, in blocks (RFC 7440).
    pub max_windowsize: u16,
    /// How many octets a window may have: more than fits the receive buffer of a client with
    /// ordinary settings is lost there, every time.
    pub window_octets: u32,
    /// What follows block 65535.
    pub rollover: Rollover,
    /// How many transfers one address may have at a time.
    pub per_source: u32,
    /// How many transfers there may be in all, where storage grows.
    pub transfers: usize,
    /// The longest file that is taken, in octets.
    pub size_limit: u64,
    /// How long to wait for the first ACK before the first answer is repeated.
    pub first_timeout: Duration,
    /// The shortest time before a repeat, whatever was measured.
    pub min_timeout: Duration,
    /// The longest time before a repeat; `timeout` (RFC 2349), where asked for, lowers it.
    pub max_timeout: Duration,
    /// How many repeats in a row without an answer end a transfer. Each is sent to whatever address
    /// a request was forged with. Repeats sooner than after `first_timeout`, which only a client that
    /// has answered gets, do not count.
    pub tries: u16,
    /// How long the last ACK of a write is repeated on demand.
    pub linger: Duration,
    /// After how much silence in the middle of a transfer its client's request, seen once more,
    /// counts as a new one.
    pub restart_after: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listeners: 1,
            max_blksize: MAX_BLKSIZE,
            max_windowsize: 64,
            window_octets: 128 * 1024,
            rollover: Rollover::Zero,
            per_source: 64,
            transfers: 10_000,
            size_limit: u64::MAX,
            first_timeout: Duration::from_secs(1),
            min_timeout: Duration::from_millis(20),
            max_timeout: Duration::from_secs(5),
            tries: 6,
            linger: Duration::from_secs(6),
            restart_after: Duration::from_secs(2),
        }
    }
}

impl Config {
    /// What is granted of the options that a client asked for.
    pub(super) fn grant(&self, asked: &OptionSet, kind: Kind, size: Option<u64>) -> OptionSet {
        let blksize = asked.blksize.map(|blksize| blksize.min(self.max_blksize).max(MIN_BLKSIZE));
        let octets = u32::from(blksize.unwrap_or(DEFAULT_BLKSIZE));
        let fitting = self.window_octets.checked_div(octets).unwrap_or(1);
        let fitting = u16::try_from(fitting).unwrap_or(u16::MAX).max(1);
        OptionSet {
            blksize,
            timeout: asked.timeout,
            tsize: match kind {
                Kind::Read => asked.tsize.and(size),
                Kind::Write => asked.tsize,
            },
            windowsize: asked
                .windowsize
                .map(|window| window.min(self.max_windowsize).min(fitting).max(1)),
        }
    }
}
