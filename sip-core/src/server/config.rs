//! What a server is told at its construction.

use core::net::SocketAddr;
use core::time::Duration;

use super::MAX_BRANCHES;
use super::registrar::Registrar;
use crate::auth::{Algorithm, Nonces};
use crate::message::Limits;
use crate::transaction::{self, SentBy};
use crate::transport::Transport;

/// One of the addresses that the server is reached at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Listen {
    /// The number that the host has given to the socket: the `local` of its paths.
    pub local: u16,
    /// Its transport.
    pub transport: Transport,
    /// The address that clients see.
    #[cfg_attr(feature = "defmt", defmt(Debug2Format))]
    pub address: SocketAddr,
}

/// What a server is told at its construction.
#[derive(Clone, Copy, Debug)]
pub struct Config<'s> {
    /// The domain: the host part of its users' addresses, and the realm of their passwords.
    pub domain: &'s str,
    /// Other names of the domain.
    pub aliases: &'s [&'s str],
    /// The addresses that the server is reached at. The first of each transport stands in Via.
    pub listen: &'s [Listen],
    /// The rules for registrations.
    pub registrar: Registrar,
    /// The shortest time for which presence may be published or watched, in seconds.
    pub min_presence_s: u32,
    /// The longest such time, in seconds.
    pub max_presence_s: u32,
    /// The longest presence document, in octets.
    pub max_document: usize,
    /// How many publications a user may have.
    pub max_publications_per_user: usize,
    /// The algorithms that challenges offer, the preferred one first (RFC 8760 section 2.3).
    pub algorithms: &'s [Algorithm],
    /// How long a nonce of a challenge is good for.
    pub nonce_lifetime: Duration,
    /// How many nonces that are in use are told apart in a server that grows; in lent memory as many as
    /// there are transactions. Beyond them the oldest are challenged again.
    pub max_nonces: usize,
    /// For how long the contacts of one preference (`q`) ring before those of a lower one are tried in
    /// their place.
    pub search_after: Duration,
    /// What a 503 says in Retry-After, in seconds.
    pub retry_after_s: u32,
    /// How many bindings there may be in a server that grows.
    pub max_bindings: usize,
    /// How many publications there may be in a server that grows.
    pub max_publications: usize,
    /// How many subscriptions there may be in a server that grows.
    pub max_watchers: usize,
    /// How many requests may be relayed at a time in a server that grows.
    pub max_relays: usize,
    /// How many transactions there may be in a server that grows.
    pub max_transactions: usize,
    /// How many octets of messages the transactions may keep in a server that grows.
    pub max_octets: usize,
    /// The longest message that a stream may bring.
    pub limits: Limits,
}

impl<'s> Config<'s> {
    /// A server for this domain at these addresses, with the limits of a small company.
    #[must_use]
    pub const fn new(domain: &'s str, listen: &'s [Listen]) -> Self {
        Self {
            domain,
            aliases: &[],
            listen,
            registrar: Registrar {
                min_expires_s: 60,
                max_expires_s: 3600,
                default_expires_s: 3600,
                max_contacts: MAX_BRANCHES,
            },
            min_presence_s: 60,
            max_presence_s: 3600,
            max_document: 16 * 1024,
            max_publications_per_user: 8,
            algorithms: &[Algorithm::Sha256, Algorithm::Md5],
            nonce_lifetime: Nonces::LIFETIME,
            max_nonces: 100_000,
            search_after: Duration::from_secs(20),
            retry_after_s: 5,
            max_bindings: 10_000,
            max_publications: 10_000,
            max_watchers: 100_000,
            max_relays: 100_000,
            max_transactions: 200_000,
            max_octets: 256 << 20,
            limits: Limits { head_octets: 8192, body_octets: 65_536 },
        }
    }

    pub(super) fn layer(&self) -> transaction::Config {
        let of = |transport| {
            let mut all = self.listen.iter();
            all.find(|listen| listen.transport == transport).map(|listen| listen.address)
        };
        let sent_by = SentBy {
            udp: of(Transport::Udp),
            tcp: of(Transport::Tcp),
            tls: of(Transport::Tls),
            ws: of(Transport::Ws).or(of(Transport::Wss)),
        };
        let mut config = transaction::Config::new(sent_by);
        // More than 3 minutes (RFC 3261 section 16.6 step 11).
        config.timer_c = Some(Duration::from_secs(185));
        config.retry_after_s = self.retry_after_s;
        config.limits = self.limits;
        config.max_transactions = self.max_transactions;
        config.max_octets = self.max_octets;
        config
    }
}
