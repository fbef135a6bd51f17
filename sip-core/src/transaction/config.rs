use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use crate::message::Limits;
use crate::transport::Transport;

/// How a transaction layer behaves, and its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Config {
    /// Our address as it stands in the Via of requests over each transport that we use; its port
    /// is the one on which we listen.
    pub sent_by: SentBy,
    /// The round-trip time estimate T1 (RFC 3261 section 17.1.1.1).
    pub t1: Duration,
    /// The longest wait between two sendings of a request other than INVITE, T2.
    pub t2: Duration,
    /// How long a message stays in the network, T4.
    pub t4: Duration,
    /// How long ACKs are sent for a final response that comes again, over UDP (timer D; at least
    /// 32 s).
    pub timer_d: Duration,
    /// How long a client's INVITE may have provisional responses only, before it is cancelled
    /// (timer C; a proxy must set it, to more than 3 minutes).
    pub timer_c: Option<Duration>,
    /// How long the user may leave an INVITE without an answer before 100 Trying is sent for it.
    pub trying_after: Duration,
    /// Whether a request that came by two ways is answered 482 the second time (RFC 3261 section
    /// 8.2.2.2). A user agent wants that, a proxy must not.
    pub refuse_merged: bool,
    /// Whether a client's request is kept after its final response until it is sent again or let
    /// go: whoever answers challenges wants that.
    pub keep_requests: bool,
    /// Whether it is kept, too, where no final response came: after an
    /// [`Event::ClientFailed`](super::Event::ClientFailed) it is to be sent again with
    /// [`Layer::retry`](super::Layer::retry), and let go with
    /// [`Layer::forget_request`](super::Layer::forget_request) in any case.
    #[cfg(any(feature = "calling", feature = "failover"))]
    pub keep_failed: bool,
    /// What a 503 says in its Retry-After where there is no room, in seconds.
    pub retry_after_s: u32,
    /// The longest message that a stream may bring.
    pub limits: Limits,
    /// The most transactions at a time in a layer that grows.
    pub max_transactions: usize,
    /// The most octets that a layer that grows keeps.
    pub max_octets: usize,
    /// How many of the octets kept are left for answers that must be possible when all else is
    /// full.
    pub reserve: usize,
}

impl Config {
    /// The values of RFC 3261, and a name for each transport in `sent_by`.
    #[must_use]
    pub const fn new(sent_by: SentBy) -> Self {
        Self {
            sent_by,
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            timer_d: Duration::from_secs(32),
            timer_c: None,
            trying_after: Duration::from_millis(200),
            refuse_merged: false,
            keep_requests: false,
            #[cfg(any(feature = "calling", feature = "failover"))]
            keep_failed: false,
            retry_after_s: 5,
            limits: Limits { head_octets: 8192, body_octets: 65536 },
            max_transactions: 1 << 20,
            max_octets: 1 << 30,
            reserve: 1536,
        }
    }

    /// Whether a request that has failed is kept.
    pub(crate) const fn keeps_failed(&self) -> bool {
        #[cfg(any(feature = "calling", feature = "failover"))]
        return self.keep_failed;
        #[cfg(not(any(feature = "calling", feature = "failover")))]
        false
    }

    /// Whether the values go together.
    ///
    /// # Errors
    /// [`ConfigError`] names what does not.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.t1.is_zero() || self.t2 < self.t1 {
            return Err(ConfigError::Timers);
        }
        if self.timer_c.is_some_and(|wait| wait.is_zero()) {
            return Err(ConfigError::Timers);
        }
        if self.limits.head_octets == 0 {
            return Err(ConfigError::Limits);
        }
        Ok(())
    }
}

/// Our own addresses, by transport: what stands in Via, and, at a user agent, in Contact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct SentBy {
    /// For UDP.
    pub udp: Option<SocketAddr>,
    /// For TCP.
    pub tcp: Option<SocketAddr>,
    /// For TLS. A client that only opens connections has no port here that anybody could reach;
    /// any will do.
    pub tls: Option<SocketAddr>,
    /// For WebSocket in clear and inside TLS.
    pub ws: Option<SocketAddr>,
}

impl SentBy {
    /// One address for all transports.
    #[must_use]
    pub const fn all(address: SocketAddr) -> Self {
        Self { udp: Some(address), tcp: Some(address), tls: Some(address), ws: Some(address) }
    }

    /// The address for one transport.
    #[must_use]
    pub const fn of(&self, transport: Transport) -> Option<SocketAddr> {
        match transport {
            Transport::Udp => self.udp,
            Transport::Tcp => self.tcp,
            Transport::Tls => self.tls,
            Transport::Ws | Transport::Wss => self.ws,
        }
    }
}

/// Why a configuration is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ConfigError {
    /// T1 or timer C is zero, or T2 is shorter than T1.
    Timers,
    /// The longest head of a message is zero.
    Limits,
    /// The octets lent are fewer than the reserve and one message.
    Octets {
        /// How many are needed at least.
        needed: usize,
    },
    /// No slot was lent for something that needs one.
    Slots,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timers => f.write_str("T1 and timer C must not be zero, nor T2 shorter than T1"),
            Self::Limits => f.write_str("limits.head_octets must not be zero"),
            Self::Octets { needed } => write!(f, "lend at least {needed} octets"),
            Self::Slots => f.write_str("lend at least one slot of each kind"),
        }
    }
}

impl core::error::Error for ConfigError {}
