use core::net::SocketAddr;

/// The transport protocols of SIP (RFC 3261 section 18, RFC 7118 for WebSocket).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream in clear.
    Tcp,
    /// A stream inside TLS.
    Tls,
    /// WebSocket messages in clear.
    Ws,
    /// WebSocket messages inside TLS.
    Wss,
}

impl Transport {
    /// Whether the transport delivers in order and without loss, so that requests are not sent
    /// again.
    #[must_use]
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }

    /// Whether the transport is secured by TLS.
    #[must_use]
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Tls | Self::Wss)
    }

    /// The port that stands for no port (RFC 3261 section 19.1.2, RFC 7118 section 5.2.5).
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
            Self::Ws => 80,
            Self::Wss => 443,
        }
    }

    /// As it stands in a Via header.
    #[must_use]
    pub const fn via_token(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
        }
    }

    /// As it stands in a URI's `transport` parameter. RFC 3261 section 26.2.2 deprecates `tls`
    /// there, but what else says it in a Contact with the scheme `sip`? Of WebSockets there is one
    /// token (RFC 7118 section 5.2.3): the scheme `sips` says that it is over TLS.
    #[must_use]
    pub const fn uri_token(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws | Self::Wss => "ws",
        }
    }

    /// The transport that a token of either kind names.
    #[must_use]
    pub fn from_token(token: &[u8]) -> Option<Self> {
        [Self::Udp, Self::Tcp, Self::Tls, Self::Ws, Self::Wss]
            .into_iter()
            .find(|transport| token.eq_ignore_ascii_case(transport.via_token().as_bytes()))
    }
}

/// The way of a message: over which of the host's sockets, from or to which address. For streams it
/// names the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Path {
    /// The transport protocol.
    pub transport: Transport,
    /// The number that the host gave to one of its sockets or interfaces; 0 where it has one.
    pub local: u16,
    /// The other side's address.
    pub remote: SocketAddr,
}

impl Path {
    /// A path over the host's socket number 0.
    #[must_use]
    pub const fn new(transport: Transport, remote: SocketAddr) -> Self {
        Self { transport, local: 0, remote }
    }

    /// A UDP path over the host's socket number 0.
    #[must_use]
    pub const fn udp(remote: SocketAddr) -> Self {
        Self::new(Transport::Udp, remote)
    }

    /// A TCP path over the host's interface number 0.
    #[must_use]
    pub const fn tcp(remote: SocketAddr) -> Self {
        Self::new(Transport::Tcp, remote)
    }

    /// A TLS path over the host's interface number 0.
    #[must_use]
    pub const fn tls(remote: SocketAddr) -> Self {
        Self::new(Transport::Tls, remote)
    }
}

/// Something to send: it stands in the first `len` octets of the host's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Transmit {
    /// Where it goes.
    pub path: Path,
    /// How many octets it has.
    pub len: usize,
    /// What a host does that has no connection on this stream path: where this is set it opens one
    /// to `path.remote`; where not (TLS towards who came to us), or where it cannot, it calls
    /// `handle_closed` with the path.
    pub may_connect: bool,
}
