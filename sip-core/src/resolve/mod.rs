//! Where a request goes: transport, address and port of a URI, found in the DNS (RFC 3263).
//!
//! ```text
//!  URI ──┬─ numeric host ────────────────────────────────────────────────▶ candidate
//!        ├─ port ─────────────────────────────────────────▶ A, AAAA ─────▶ candidates
//!        ├─ transport ───────────▶ SRV _sip._tcp.domain ─┬▶ A, AAAA of each server ▶ …
//!        │                             ▲        └─ none ─┴▶ A, AAAA of the domain  ▶ …
//!        └─ neither ──▶ NAPTR ─────────┤
//!                          └─ none ────┘ of each transport in turn
//! ```
//!
//! [`Resolver`] asks nobody itself: [`poll_query`](Resolver::poll_query) says what is to be asked,
//! and [`handle_answer`](Resolver::handle_answer) takes what came of it. It sorts the services by
//! order and preference and the servers by priority and weight, and gives one
//! [`Candidate`] after another: the next one when the one before has failed (RFC 3263 section
//! 4.3). It asks no more than it needs for that, so a server that is reached at once costs three
//! queries. How long to wait for a name server is the host's to decide, and so is what to remember:
//! each candidate says how long it holds.
//!
//! A request that fails over is a new transaction (a new branch), and goes to the next candidate; all
//! requests of a transaction and its CANCEL and ACK go to the same one. The name to look for in a TLS
//! certificate is that of the URI, and not that of the server that was found (RFC 5922 section 4).
//!
//! A host loop with tokio, over a resolver like hickory's. `lookup` is what the host has: it asks for
//! records of a kind, with a timeout of its own.
//!
//! ```
//! use sip_core::resolve::{Event, Kind, MAX_NAME, Query, Record, Resolver};
//! use sip_core::transport::Path;
//! use sip_core::uri::Uri;
//!
//! # struct Dns;
//! # impl Dns {
//! #     // One domain, one server.
//! #     fn lookup(&self, query: &Query<'_>) -> Result<Vec<(u32, Record<'static>)>, ()> {
//! #         Ok(match (query.kind, query.name) {
//! #             (Kind::Srv, b"_sip._tcp.example.com") => vec![
//! #                 (600, Record::Srv { priority: 1, weight: 0, port: 5070, target: b"sip.example.com." })],
//! #             (Kind::A, b"sip.example.com") => vec![(60, Record::A([192, 0, 2, 1].into()))],
//! #             (Kind::Naptr, _) => return Err(()),
//! #             _ => vec![],
//! #         })
//! #     }
//! # }
//! # fn send(path: Path) -> bool { path.remote == "192.0.2.1:5070".parse().unwrap() }
//! fn send_to(dns: &Dns, resolver: &mut Resolver, uri: &Uri) -> Option<Path> {
//!     resolver.resolve(uri).ok()?;
//!     loop {
//!         // In a task: `select!` over the answers of all queries and the transaction's end.
//!         while let Some(query) = resolver.poll_query(&mut [0; MAX_NAME]) {
//!             match dns.lookup(&query) {
//!                 // "No such name" is an answer too: one without records.
//!                 Ok(records) => resolver.handle_answer(query.id, records),
//!                 Err(_) => resolver.handle_failure(query.id),
//!             }
//!         }
//!         match resolver.poll_event()? {
//!             Event::Candidate(candidate) if send(candidate.path(0)) => {
//!                 return Some(candidate.path(0));
//!             }
//!             Event::Candidate(_) => resolver.try_next(),
//!             _ => return None, // Answer 503, or tell the user.
//!         }
//!     }
//! }
//!
//! let mut resolver: Resolver = Resolver::new(Default::default(), [7; 32]);
//! let uri = Uri::parse(b"sip:bob@example.com").unwrap();
//! assert!(send_to(&Dns, &mut resolver, &uri).is_some());
//! ```
//!
//! On firmware the resolver is a `static` beside the agent, of less than 1 KiB. embassy-net asks for
//! addresses only; a phone that has no SRV queries configures one transport
//! ([`Config::transports`]) and answers the NAPTR and SRV queries with no records, or speaks DNS on a
//! UDP socket: [`Kind::number`] and the name are all that a question has.
//!
//! ```
//! # use sip_core::resolve::{Config, Event, Kind, MAX_NAME, Record, Resolver};
//! # use sip_core::transport::Transport;
//! # use sip_core::uri::Uri;
//! # fn dns_query(_: &str, _: Kind) -> Option<core::net::Ipv4Addr> { Some([192, 0, 2, 9].into()) }
//! let config = Config { transports: &[Transport::Udp], ipv6: false, ..Config::default() };
//! let mut resolver = Resolver::<4, 256>::new(config, [7; 32]);
//! resolver.resolve(&Uri::parse(b"sip:pbx.example.com")?).unwrap();
//! let mut name = [0; MAX_NAME];
//! while let Some(query) = resolver.poll_query(&mut name) {
//!     let text = core::str::from_utf8(query.name).unwrap_or_default();
//!     match query.kind {
//!         // stack.dns_query(text, DnsQueryType::A).await
//!         Kind::A => match dns_query(text, Kind::A) {
//!             Some(address) => resolver.handle_answer(query.id, [(60, Record::A(address))]),
//!             None => resolver.handle_failure(query.id),
//!         },
//!         _ => resolver.handle_answer(query.id, []),
//!     }
//! }
//! let Some(Event::Candidate(found)) = resolver.poll_event() else { panic!() };
//! assert_eq!(found.remote, "192.0.2.9:5060".parse().unwrap());
//! # Ok::<(), sip_core::error::ParseError>(())
//! ```

mod record;
#[cfg(test)]
mod tests;

use core::fmt;
use core::net::{IpAddr, SocketAddr};

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

use crate::transport::Transport;
use crate::uri::{Host, Scheme, Uri};

use record::{Few, Names, Span, is_usable, plain, prefix_of, transport_of};

pub use record::{Candidate, Event, Kind, MAX_NAME, Query, QueryId, Record};

/// How a resolver behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Config {
    /// The transports that the host has. Where the DNS does not say which one a domain prefers, they
    /// are tried in this order.
    pub transports: &'static [Transport],
    /// Whether the host has IPv4.
    pub ipv4: bool,
    /// Whether the host has IPv6. Where it has both, both kinds of addresses are asked for at once.
    pub ipv6: bool,
    /// Whether IPv6 addresses go before those of IPv4.
    pub ipv6_first: bool,
    /// How many queries a resolution may take: a domain that needs more has no further candidates.
    pub max_queries: u16,
}

impl Config {
    /// UDP, TCP and TLS; IPv6 before IPv4; 40 queries.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            transports: &[Transport::Udp, Transport::Tcp, Transport::Tls],
            ipv4: true,
            ipv6: true,
            ipv6_first: true,
            max_queries: 40,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

/// Why a URI has no place in the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ResolveError {
    /// Its scheme is neither `sip` nor `sips`; a `tel` URI is made a SIP URI first.
    Scheme,
    /// It asks for a transport that is unknown, that [`Config::transports`] lacks, or that is not
    /// secure where the scheme is `sips`.
    Transport,
    /// Its host is no name that the DNS could have, or longer than there is room for.
    Host,
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "the URI is neither sip nor sips",
            Self::Transport => "the URI asks for a transport that is not supported",
            Self::Host => "the host of the URI is no domain name, or too long",
        })
    }
}

impl core::error::Error for ResolveError {}

/// A transport to try, and the name of its SRV records.
#[derive(Clone, Copy, Debug)]
struct Way {
    /// Order and preference of its NAPTR record.
    rank: (u16, u16),
    transport: Transport,
    /// As a NAPTR record names it; where there is none, the domain with the transport's prefix.
    service: Option<Span>,
    ttl_s: u32,
}

/// One SRV record.
#[derive(Clone, Copy, Debug)]
struct Server {
    priority: u16,
    weight: u16,
    port: u16,
    target: Span,
    ttl_s: u32,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Nothing: the next candidate is looked for when it is asked for.
    Idle,
    Naptr,
    Srv,
    /// Addresses of this name.
    Addresses(Span),
    /// The host has not been told yet what was found.
    Found(Candidate),
    /// The host has not been told yet that nothing is left.
    Ending,
    /// The host was told.
    Ended,
}

/// A query that is under way.
#[derive(Clone, Copy, Debug)]
struct Pending {
    id: QueryId,
    kind: Kind,
    /// Whether the host has taken it.
    taken: bool,
}

/// Finds where to send a request (RFC 3263). See the [module](self) for how it is driven.
///
/// It keeps at most `RECORDS` services, servers and addresses each, the first ones by their rank,
/// and `OCTETS` octets of names.
#[derive(Debug)]
pub struct Resolver<const RECORDS: usize = 8, const OCTETS: usize = 512> {
    config: Config,
    /// Of the generator, which is made anew for each number: it would be a third of all this.
    seed: [u8; 32],
    drawn: u64,
    step: Step,
    pending: [Option<Pending>; 2],
    last_id: u16,
    names: Names<OCTETS>,
    domain: Span,
    /// The ways that were not gone yet, the one that is gone, and what is left of it.
    ways: Few<Way, RECORDS>,
    way: Way,
    servers: Few<Server, RECORDS>,
    addresses: Few<(bool, IpAddr), RECORDS>,
    port: u16,
    /// How long the addresses hold.
    ttl_s: u32,
    /// Whether the scheme asks for TLS.
    secure: bool,
    /// Whether the ways were announced or asked for: one without SRV records then leads to the
    /// domain's own addresses.
    announced: bool,
    /// Whether the way has SRV records, be they only one that says that there is no such service
    /// (RFC 2782): the domain's own addresses are no way then.
    has_srv: bool,
    /// With which transport to try the domain's own addresses when there were no SRV records at all.
    fallback: Option<Transport>,
    names_of_ways: usize,
    queries: u16,
    candidates: u16,
    unanswered: u16,
    left_out: u16,
}

impl<const RECORDS: usize, const OCTETS: usize> Resolver<RECORDS, OCTETS> {
    /// A resolver that has nothing to do yet. The seed decides between servers of one priority.
    #[must_use]
    pub fn new(config: Config, seed: [u8; 32]) -> Self {
        let nothing = Span::default();
        let way = Way { rank: (0, 0), transport: Transport::Udp, service: None, ttl_s: u32::MAX };
        Self {
            config,
            seed,
            drawn: 0,
            step: Step::Ended,
            pending: [None; 2],
            last_id: 0,
            names: Names::new(),
            domain: nothing,
            ways: Few::new(),
            way,
            servers: Few::new(),
            addresses: Few::new(),
            port: 0,
            ttl_s: u32::MAX,
            secure: false,
            announced: false,
            has_srv: false,
            fallback: None,
            names_of_ways: 0,
            queries: 0,
            candidates: 0,
            unanswered: 0,
            left_out: 0,
        }
    }

    /// Begins with this URI (RFC 3263 sections 4.1 and 4.2); what was under way is given up. Of a
    /// URI with `maddr`, that is the host.
    ///
    /// # Errors
    /// [`ResolveError`] where there is nothing to ask.
    pub fn resolve(&mut self, uri: &Uri<'_>) -> Result<(), ResolveError> {
        let host = uri.host().ok_or(ResolveError::Scheme)?;
        let host = match uri.param(b"maddr") {
            Some(maddr) => Host::parse(maddr).map_err(|_| ResolveError::Host)?,
            None => host,
        };
        let secure = uri.scheme() == Scheme::Sips;
        let transport = match uri.param(b"transport") {
            Some(token) => {
                let named = Transport::from_token(token).ok_or(ResolveError::Transport)?;
                Some(match (named, secure) {
                    (Transport::Udp, true) => return Err(ResolveError::Transport),
                    (Transport::Tcp, true) => Transport::Tls,
                    (Transport::Ws, true) => Transport::Wss,
                    (named, _) => named,
                })
            }
            None => None,
        };
        self.begin(host, uri.port(), transport, secure)
    }

    /// Begins with the sent-by of a Via: where a response goes when the connection is gone that its
    /// request came on, or when it cannot be sent to where the request came from (RFC 3263 section 5).
    ///
    /// # Errors
    /// [`ResolveError`] where there is nothing to ask.
    pub fn resolve_sent_by(
        &mut self,
        transport: Transport,
        host: Host<'_>,
        port: Option<u16>,
    ) -> Result<(), ResolveError> {
        self.begin(host, port, Some(transport), transport.is_secure())
    }

    /// The answer to a query: each record with its time to live in seconds. No records means that
    /// there are none. Records of other kinds, as of a CNAME that was followed, are passed over.
    pub fn handle_answer<'a>(
        &mut self,
        id: QueryId,
        records: impl IntoIterator<Item = (u32, Record<'a>)>,
    ) {
        let Some(kind) = self.settle(id) else { return };
        for (ttl_s, record) in records {
            self.take(kind, ttl_s, &record);
        }
        self.go_on();
    }

    /// There was no answer to a query: the name server failed, or took too long. The resolution goes on
    /// as if there were no records.
    pub fn handle_failure(&mut self, id: QueryId) {
        if self.settle(id).is_some() {
            self.unanswered = self.unanswered.saturating_add(1);
            self.go_on();
        }
    }

    /// The candidate that was given last has failed: looks for the next one. Does nothing while one is
    /// looked for already.
    pub fn try_next(&mut self) {
        if self.step == Step::Idle {
            self.advance();
        }
    }

    /// What is to be asked next; its name is written into `name`. There may be two queries under way.
    #[must_use]
    pub fn poll_query<'b>(&mut self, name: &'b mut [u8; MAX_NAME]) -> Option<Query<'b>> {
        let pending = self.pending.iter_mut().flatten().find(|pending| !pending.taken)?;
        pending.taken = true;
        let Pending { id, kind, .. } = *pending;
        let (prefix, base) = self.asked();
        let length = prefix.len() + base.len();
        for (to, from) in name.iter_mut().zip(prefix.iter().chain(base)) {
            *to = *from;
        }
        Some(Query { id, kind, name: name.get(..length).unwrap_or_default() })
    }

    /// Whether there is something to be asked: [`poll_query`](Self::poll_query) says what.
    pub fn has_query(&self) -> bool {
        self.pending.iter().flatten().any(|pending| !pending.taken)
    }

    /// Whether no candidate is left, and that was told.
    pub fn is_over(&self) -> bool {
        self.step == Step::Ended
    }

    /// What came of it.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        match self.step {
            Step::Found(candidate) => {
                self.step = Step::Idle;
                Some(Event::Candidate(candidate))
            }
            Step::Ending => {
                self.step = Step::Ended;
                Some(Event::Exhausted {
                    candidates: self.candidates,
                    unanswered: self.unanswered,
                    left_out: self.left_out,
                })
            }
            _ => None,
        }
    }

    fn begin(
        &mut self,
        host: Host<'_>,
        port: Option<u16>,
        transport: Option<Transport>,
        secure: bool,
    ) -> Result<(), ResolveError> {
        if transport.is_some_and(|named| !self.has(named)) {
            return Err(ResolveError::Transport);
        }
        let mut names = Names::new();
        let domain = match host {
            Host::Name(name) => {
                let name = plain(name).ok_or(ResolveError::Host)?;
                names.keep(name).ok_or(ResolveError::Host)?
            }
            _ => Span::default(),
        };
        let chosen = transport.or_else(|| self.default_transport(secure));
        let chosen = chosen.ok_or(ResolveError::Transport)?;
        self.names = names;
        self.domain = domain;
        self.names_of_ways = self.names.mark();
        self.pending = [None; 2];
        self.ways.clear();
        self.servers.clear();
        self.addresses.clear();
        (self.queries, self.candidates, self.unanswered, self.left_out) = (0, 0, 0, 0);
        self.way = Way { rank: (0, 0), transport: chosen, service: None, ttl_s: u32::MAX };
        self.secure = secure;
        self.announced = transport.is_some();
        self.has_srv = false;
        self.fallback = None;
        self.ttl_s = u32::MAX;
        self.port = port.unwrap_or(chosen.default_port());
        match (host.address(), port, transport) {
            (Some(address), ..) => {
                self.addresses.insert_by((false, address), |_| 0);
                self.advance();
            }
            (None, Some(_), _) => self.ask_addresses(domain),
            (None, None, Some(_)) => {
                self.add_transport(chosen, 0);
                self.fallback = Some(chosen);
                self.advance();
            }
            (None, None, None) => {
                self.fallback = Some(chosen);
                self.step = Step::Naptr;
                self.ask(Kind::Naptr, 0);
            }
        }
        Ok(())
    }

    /// Takes one record of an answer.
    fn take(&mut self, kind: Kind, ttl_s: u32, record: &Record<'_>) {
        let kept = match (kind, *record) {
            (Kind::A, Record::A(address)) => self.take_address(ttl_s, address.into()),
            (Kind::Aaaa, Record::Aaaa(address)) => self.take_address(ttl_s, address.into()),
            (Kind::Srv, Record::Srv { priority, weight, port, target }) => {
                self.fallback = None;
                self.has_srv = true;
                if target == b"." {
                    return;
                }
                let fits = |server: &Server| priority < server.priority;
                let name = plain(target).filter(|_| port != 0 && self.servers.has_room(fits));
                name.and_then(|name| self.names.keep(name)).is_some_and(|target| {
                    let server = Server { priority, weight, port, target, ttl_s };
                    self.servers.insert_by(server, |server| server.priority)
                })
            }
            (
                Kind::Naptr,
                Record::Naptr { order, preference, flags, services, regexp, replacement },
            ) => {
                let transport = transport_of(services).filter(|transport| self.allows(*transport));
                let is_for_srv = flags.eq_ignore_ascii_case(b"s") && regexp.is_empty();
                let Some(transport) = transport.filter(|_| is_for_srv) else { return };
                let rank = (order, preference);
                let name = plain(replacement).filter(|_| self.ways.has_room(|way| rank < way.rank));
                name.and_then(|name| self.names.keep(name)).is_some_and(|service| {
                    let way = Way { rank, transport, service: Some(service), ttl_s };
                    self.ways.insert_by(way, |way| way.rank)
                })
            }
            _ => true,
        };
        self.left_out = self.left_out.saturating_add(u16::from(!kept));
    }

    fn take_address(&mut self, ttl_s: u32, address: IpAddr) -> bool {
        if !is_usable(address) {
            return false;
        }
        self.ttl_s = self.ttl_s.min(ttl_s);
        let second = address.is_ipv6() != self.config.ipv6_first;
        self.addresses.insert_by((second, address), |(second, _)| *second)
    }

    /// Goes on when all answers of a step are there.
    fn go_on(&mut self) {
        if self.pending.iter().any(Option::is_some) {
            return;
        }
        match self.step {
            Step::Naptr => {
                self.names_of_ways = self.names.mark();
                if self.ways.iter().next().is_some() {
                    self.announced = true;
                    self.fallback = None;
                } else {
                    // Without NAPTR records each transport has its turn (RFC 3263 section 4.1).
                    for (rank, transport) in (0_u16..).zip(self.config.transports) {
                        self.add_transport(*transport, rank);
                    }
                }
            }
            Step::Srv if self.announced && !self.has_srv => {
                self.fallback = None;
                return self.ask_domain(self.way.transport);
            }
            _ => {}
        }
        self.advance();
    }

    /// Adds the way of a transport that the DNS has not announced, where it may be gone and its name
    /// could be in the DNS.
    fn add_transport(&mut self, transport: Transport, rank: u16) {
        let length = prefix_of(transport).len() + self.names.name(self.domain).len();
        if self.allows(transport) && length <= MAX_NAME {
            let way = Way { rank: (rank, 0), transport, service: None, ttl_s: u32::MAX };
            let kept = self.ways.insert_by(way, |way| way.rank);
            self.left_out = self.left_out.saturating_add(u16::from(!kept));
        }
    }

    /// Finds the next candidate, or asks for what it takes.
    fn advance(&mut self) {
        if let Some((_, address)) = self.addresses.take(0) {
            self.candidates = self.candidates.saturating_add(1);
            let remote = SocketAddr::new(address, self.port);
            let (transport, ttl_s) = (self.way.transport, self.ttl_s);
            self.step = Step::Found(Candidate { transport, remote, ttl_s });
        } else if let Some(server) = self.choose() {
            self.port = server.port;
            self.ttl_s = self.way.ttl_s.min(server.ttl_s);
            self.ask_addresses(server.target);
        } else if let Some(way) = self.ways.take(0) {
            self.way = way;
            self.has_srv = false;
            self.names.forget(self.names_of_ways);
            self.step = Step::Srv;
            self.ask(Kind::Srv, 0);
        } else if let Some(transport) = self.fallback.take() {
            self.way.ttl_s = u32::MAX;
            self.ask_domain(transport);
        } else {
            self.step = Step::Ending;
        }
    }

    /// Takes one of the servers of the least priority, by their weights (RFC 2782).
    fn choose(&mut self) -> Option<Server> {
        let least = self.servers.iter().next()?.priority;
        let level = |server: &&Server| server.priority == least;
        let weights = self.servers.iter().filter(level).map(|server| u32::from(server.weight));
        let total = weights.sum::<u32>();
        // Those of weight zero stand first, and are chosen when the number is zero.
        let mut random = ChaCha8Rng::from_seed(self.seed);
        random.set_stream(self.drawn);
        self.drawn = self.drawn.wrapping_add(1);
        let point = (u64::from(random.next_u32()) * (u64::from(total) + 1)) >> 32;
        let mut sum = 0;
        let mut chosen = None;
        for zero in [true, false] {
            for (number, server) in self.servers.iter().enumerate() {
                if server.priority == least && (server.weight == 0) == zero && chosen.is_none() {
                    sum += u64::from(server.weight);
                    chosen = (sum >= point).then_some(number);
                }
            }
        }
        self.servers.take(chosen?)
    }

    /// Asks for the addresses of the domain itself, at the transport's own port.
    fn ask_domain(&mut self, transport: Transport) {
        self.way.transport = transport;
        self.port = transport.default_port();
        self.ttl_s = self.way.ttl_s;
        self.ask_addresses(self.domain);
    }

    fn ask_addresses(&mut self, name: Span) {
        self.step = Step::Addresses(name);
        if self.config.ipv6 {
            self.ask(Kind::Aaaa, 0);
        }
        if self.config.ipv4 {
            self.ask(Kind::A, 1);
        }
        if !(self.config.ipv4 || self.config.ipv6) {
            self.step = Step::Ending;
        }
    }

    /// Puts a query where the host finds it. One too many ends the resolution.
    fn ask(&mut self, kind: Kind, place: usize) {
        if self.queries >= self.config.max_queries {
            self.left_out = self.left_out.saturating_add(1);
            self.pending = [None; 2];
            self.step = Step::Ending;
            return;
        }
        self.queries += 1;
        self.last_id = self.last_id.wrapping_add(1);
        if let Some(place) = self.pending.get_mut(place) {
            *place = Some(Pending { id: QueryId(self.last_id), kind, taken: false });
        }
    }

    /// Ends the wait for an answer; gives what was asked for.
    fn settle(&mut self, id: QueryId) -> Option<Kind> {
        let place = self
            .pending
            .iter_mut()
            .find(|place| place.is_some_and(|pending| pending.id == id && pending.taken))?;
        place.take().map(|pending| pending.kind)
    }

    /// The name that is asked for now, in two parts.
    fn asked(&self) -> (&'static [u8], &[u8]) {
        match (self.step, self.way.service) {
            (Step::Srv, Some(service)) => (b"", self.names.name(service)),
            (Step::Srv, None) => (prefix_of(self.way.transport), self.names.name(self.domain)),
            (Step::Addresses(name), _) => (b"", self.names.name(name)),
            _ => (b"", self.names.name(self.domain)),
        }
    }

    fn has(&self, transport: Transport) -> bool {
        self.config.transports.contains(&transport)
    }

    /// Whether a service of this transport may be used for the URI.
    fn allows(&self, transport: Transport) -> bool {
        self.has(transport) && (transport.is_secure() || !self.secure)
    }

    /// What a URI means that names no transport (RFC 3263 section 4.1): UDP, or TLS for `sips`; the
    /// host's first where it has not that.
    fn default_transport(&self, secure: bool) -> Option<Transport> {
        let wanted = if secure { Transport::Tls } else { Transport::Udp };
        let mut all = self.config.transports.iter().copied();
        if self.has(wanted) {
            return Some(wanted);
        }
        all.find(|transport| transport.is_secure() || !secure)
    }
}
