use core::time::Duration;

use super::Owner;
use super::account::AccountEntry;
use super::call::Call;
use super::subscription::Subscription;
use crate::storage::Slots;
use crate::transaction::SentBy;
use crate::transport::Path;

/// How a user agent behaves, and its limits.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Config {
    /// The transaction layer's configuration: our addresses, timers and limits of octets.
    pub transactions: crate::transaction::Config,
    /// What stands in User-Agent and Server; nothing where it is empty.
    pub user_agent: &'static [u8],
    /// The event packages that others may subscribe to at us (RFC 6665); 489 answers the others.
    pub packages: &'static [&'static [u8]],
    /// How long a call may ring before it is answered 480.
    pub ring_limit: Duration,
    /// Whether provisional responses are reliable (RFC 3262) where the caller supports that; they
    /// always are where it requires it.
    pub reliable_provisional: bool,
    /// How many other places a call is sent to at most, one after the other, where it is redirected
    /// (RFC 3261 section 8.1.3.4); with 0 a 3xx ends the call as a refusal.
    #[cfg(feature = "calling")]
    pub max_redirects: u8,
    /// Whose word counts on who it is (RFC 3325): the addresses of proxies that are trusted, beside
    /// the accounts' servers where [`Config::trusts_servers`] is set.
    #[cfg(feature = "calling")]
    #[cfg_attr(feature = "defmt", defmt(Debug2Format))]
    pub trusted: &'static [core::net::IpAddr],
    /// Whether the accounts' servers are trusted, too.
    #[cfg(feature = "calling")]
    pub trusts_servers: bool,
    /// Whether offers and answers go by all the ways that the standards have (RFC 6337 section 2.2): the
    /// host answers with [`Agent::answer_offer`](super::Agent::answer_offer) what comes in a response
    /// to an INVITE without an offer, in a PRACK, or in an UPDATE before the call is answered. Without
    /// it no such offer is asked for, and such an UPDATE is refused.
    #[cfg(feature = "offers")]
    pub all_offers: bool,
    /// How long a session is to last without a refresh, in seconds (RFC 4028); 0 asks for no end,
    /// and takes one where the other side asks for it.
    pub session_expires_s: u32,
    /// The shortest session that is taken, in seconds; at least 90 (RFC 4028 section 4).
    pub session_min_s: u32,
    /// How often a registered account sends a keep-alive over its path (RFC 5626 section 3.5.1);
    /// zero sends none.
    pub keep_alive: Duration,
    /// The first wait after a registration failed; it doubles with each failure (RFC 5626 section
    /// 4.5).
    pub retry_min: Duration,
    /// The longest wait after a registration failed.
    pub retry_max: Duration,
    /// The base of the wait after a flow has failed while another one works (RFC 5626 section 4.5).
    #[cfg(feature = "outbound")]
    pub flow_retry: Duration,
    /// The same where all flows of the account have failed.
    #[cfg(feature = "outbound")]
    pub flow_retry_all: Duration,
    /// Whether subscriptions of ours that are lost come about again by themselves, when and if RFC 6665
    /// section 4.1.3 has it so ([`Event::subscribe_again_in`](super::Event::subscribe_again_in)).
    #[cfg(feature = "resubscribe")]
    pub resubscribes: bool,
    /// How servers are located: over which transports, and with which kinds of addresses.
    #[cfg(feature = "failover")]
    pub resolve: crate::resolve::Config,
    /// The most accounts at a time in an agent that grows.
    pub max_accounts: usize,
    /// The most calls at a time in an agent that grows.
    pub max_calls: usize,
    /// The most subscriptions at a time in an agent that grows, our own and others'.
    pub max_subscriptions: usize,
}

impl Config {
    /// The values of the RFCs, with our addresses in `sent_by`.
    #[must_use]
    pub const fn new(sent_by: SentBy) -> Self {
        let mut transactions = crate::transaction::Config::new(sent_by);
        transactions.keep_requests = true;
        transactions.refuse_merged = true;
        #[cfg(any(feature = "calling", feature = "failover"))]
        {
            transactions.keep_failed = true;
        }
        Self {
            transactions,
            user_agent: b"",
            packages: &[b"presence"],
            ring_limit: Duration::from_secs(180),
            reliable_provisional: false,
            #[cfg(feature = "calling")]
            max_redirects: 0,
            #[cfg(feature = "calling")]
            trusted: &[],
            #[cfg(feature = "calling")]
            trusts_servers: false,
            #[cfg(feature = "offers")]
            all_offers: false,
            session_expires_s: 1800,
            session_min_s: 90,
            keep_alive: Duration::ZERO,
            retry_min: Duration::from_secs(4),
            retry_max: Duration::from_secs(1800),
            #[cfg(feature = "outbound")]
            flow_retry: Duration::from_secs(90),
            #[cfg(feature = "outbound")]
            flow_retry_all: Duration::from_secs(30),
            #[cfg(feature = "resubscribe")]
            resubscribes: false,
            #[cfg(feature = "failover")]
            resolve: crate::resolve::Config::new(),
            max_accounts: 64,
            max_calls: 1 << 16,
            max_subscriptions: 1 << 16,
        }
    }

    /// Whether the host answers offers in all the ways that they come.
    pub(super) const fn takes_all_offers(&self) -> bool {
        #[cfg(feature = "offers")]
        return self.all_offers;
        #[cfg(not(feature = "offers"))]
        false
    }
}

/// An account: who we are, and over whom we speak.
#[derive(Clone, Copy)]
pub struct Account<'a> {
    /// The address of record, `sip:alice@example.com`.
    pub address: &'a [u8],
    /// The name that is shown to others; none where it is empty.
    pub display_name: &'a [u8],
    /// The user name of authentication; where it is empty, the address's user.
    pub user: &'a [u8],
    /// The password; without one no challenge is answered.
    pub password: &'a [u8],
    /// The registrar's URI; where it is empty, the address's domain.
    pub registrar: &'a [u8],
    /// The server over which everything goes that is not answered on the way it came. Without one
    /// each request goes straight to the address in its URI.
    pub server: Option<Path>,
    /// How long registrations, subscriptions and publications last, in seconds.
    pub expires_s: u32,
    /// Whether requests for users that no account knows are this account's.
    pub takes_all: bool,
    /// The URI of the server, which is located by it (RFC 3263), in place of [`Account::server`]; fixed
    /// where it is empty.
    #[cfg(feature = "failover")]
    pub located: &'a [u8],
    /// The URN of this device, `urn:uuid:…`, the same after each start (RFC 5626 section 4.1): with it
    /// the registrar is asked for GRUUs (RFC 5627). None where it is empty.
    #[cfg(feature = "outbound")]
    pub instance: &'a [u8],
    /// The number of the account's flow, 1 where it registers flows (RFC 5626), else 0.
    #[cfg(feature = "outbound")]
    pub reg_id: u32,
    /// Whether the registrar's Path is taken (RFC 3327), and its Service-Route used for other requests
    /// (RFC 3608).
    #[cfg(feature = "outbound")]
    pub takes_routes: bool,
}

impl<'a> Account<'a> {
    /// An account without a server, for the address of record `address`.
    #[must_use]
    pub const fn new(address: &'a [u8]) -> Self {
        Self {
            address,
            display_name: b"",
            user: b"",
            password: b"",
            registrar: b"",
            server: None,
            expires_s: 3600,
            takes_all: false,
            #[cfg(feature = "failover")]
            located: b"",
            #[cfg(feature = "outbound")]
            instance: b"",
            #[cfg(feature = "outbound")]
            reg_id: 0,
            #[cfg(feature = "outbound")]
            takes_routes: false,
        }
    }

    /// The same over the server of this URI, `sip:example.com`, whose place is looked for (RFC 3263), with
    /// the password of the address's user: see [`Agent::poll_query`](super::Agent::poll_query).
    #[cfg(feature = "failover")]
    #[must_use]
    pub const fn located(mut self, server: &'a [u8], password: &'a [u8]) -> Self {
        (self.located, self.password) = (server, password);
        self
    }

    /// The same as the device with this URN, which registers flows (RFC 5626), has GRUUs (RFC 5627) and
    /// takes the registrar's routes (RFC 3327, 3608). Add more flows with
    /// [`Agent::add_flow`](super::Agent::add_flow).
    #[cfg(feature = "outbound")]
    #[must_use]
    pub const fn outbound(mut self, instance: &'a [u8]) -> Self {
        (self.instance, self.reg_id, self.takes_routes) = (instance, 1, true);
        self
    }

    /// The same over a server, with the password of the address's user.
    #[must_use]
    pub const fn over(mut self, server: Path, password: &'a [u8]) -> Self {
        self.server = Some(server);
        self.password = password;
        self
    }
}

impl core::fmt::Debug for Account<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Account {{ address: {}, .. }}", self.address.escape_ascii())
    }
}

/// Memory for an [`Agent`](super::Agent): room for so many accounts, calls, subscriptions (our own
/// and others'), transactions, and octets of messages and dialogs.
///
/// A phone with one account and two calls does well with 10 transactions and 8192 octets.
#[derive(Debug)]
pub struct Storage<
    const ACCOUNTS: usize,
    const CALLS: usize,
    const SUBSCRIPTIONS: usize,
    const TRANSACTIONS: usize,
    const OCTETS: usize,
> {
    pub(super) accounts: Slots<AccountEntry, ACCOUNTS>,
    pub(super) calls: Slots<Call, CALLS>,
    pub(super) subscriptions: Slots<Subscription, SUBSCRIPTIONS>,
    pub(super) transactions: crate::transaction::Storage<Owner, TRANSACTIONS, OCTETS>,
}

impl<const A: usize, const C: usize, const S: usize, const T: usize, const O: usize>
    Storage<A, C, S, T, O>
{
    /// Empty storage, to stand in a static or on the stack.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            accounts: Slots::new(),
            calls: Slots::new(),
            subscriptions: Slots::new(),
            transactions: crate::transaction::Storage::new(),
        }
    }
}

impl<const A: usize, const C: usize, const S: usize, const T: usize, const O: usize> Default
    for Storage<A, C, S, T, O>
{
    fn default() -> Self {
        Self::new()
    }
}
