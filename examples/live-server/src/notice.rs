//! What the server tells the person who runs it: a line of text, or an object of JSON.

use core::fmt;
use core::net::SocketAddr;

use serde::Serialize;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Notice {
    /// The certificate of the TLS addresses.
    Certificate {
        /// Whether it was made by the server itself.
        self_signed: bool,
        /// SHA-256 of the certificate.
        sha256: String,
    },
    /// An address is open.
    Listening {
        /// `udp`, `tcp` or `tls`.
        transport: &'static str,
        /// The address with the real port.
        address: SocketAddr,
    },
    /// All addresses are open.
    Ready {
        /// The domain that is served.
        domain: String,
        /// How many users may sign in.
        users: usize,
    },
    /// A user's device has signed in, or renewed it.
    Registered {
        /// The user.
        user: String,
        /// The device's address.
        contact: String,
        /// For how long, in seconds.
        expires_s: u32,
        /// The transport it came over.
        transport: &'static str,
        /// Where it came from.
        from: SocketAddr,
        /// How many devices the user has now.
        devices: usize,
    },
    /// A user's device has signed out, or has not renewed in time.
    Unregistered {
        /// The user.
        user: String,
        /// Why: `disconnected`, `expired` or `removed`.
        reason: &'static str,
        /// How many devices the user has left.
        devices: usize,
    },
    /// A user has said how he is.
    Published {
        /// The user.
        user: String,
    },
    /// A user watches another's presence.
    Subscribed {
        /// Who watches.
        watcher: String,
        /// Whom.
        user: String,
        /// For how long, in seconds; 0 ends it.
        expires_s: u32,
    },
    /// A message for a user was handed on.
    Relayed {
        /// What it asks for.
        method: String,
        /// Whom it says that it is from.
        from: String,
        /// Whom it is for.
        to: String,
        /// To how many devices.
        devices: usize,
    },
    /// A call begins to ring, is answered, or ends.
    Call {
        /// `calling`, `answered`, `failed` or `ended`.
        state: &'static str,
        /// Who calls, or hangs up.
        from: String,
        /// Who is called, or hung up on.
        to: String,
        /// The answer's status code, where there is one.
        code: Option<u16>,
    },
    /// A request was refused.
    Refused {
        /// What it asks for.
        method: String,
        /// Whom it says that it is from.
        from: String,
        /// The status code of the answer.
        code: u16,
        /// Where it came from.
        address: SocketAddr,
    },
    /// Somebody sent what is no SIP message, or one that is too large.
    Malformed {
        /// What is wrong.
        error: String,
        /// Where it came from.
        address: SocketAddr,
    },
    /// More happened at a time than could be told.
    Missed {
        /// How many events are missing here.
        events: usize,
    },
    /// Something did not work between the server and one peer.
    Trouble {
        /// What.
        error: String,
        /// The peer.
        address: SocketAddr,
    },
    /// The server ends.
    Stopped {
        /// Messages received.
        received: u64,
        /// Messages sent.
        sent: u64,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate { self_signed: true, sha256 } => {
                write!(f, "made a self-signed certificate, SHA-256 {sha256}")
            }
            Self::Certificate { self_signed: false, sha256 } => {
                write!(f, "certificate with SHA-256 {sha256}")
            }
            Self::Listening { transport, address } => {
                write!(f, "listening on {transport} {address}")
            }
            Self::Ready { domain, users } => write!(f, "ready: {users} users of {domain}"),
            Self::Registered { user, contact, expires_s, transport, from, devices } => write!(
                f,
                "{user} signed in over {transport} from {from} as {contact} for {expires_s} s, devices: {devices}"
            ),
            Self::Unregistered { user, reason, devices } => {
                write!(f, "{user} signed out ({reason}), devices left: {devices}")
            }
            Self::Published { user } => write!(f, "{user} published presence"),
            Self::Subscribed { watcher, user, expires_s: 0 } => {
                write!(f, "{watcher} watches {user} no longer")
            }
            Self::Subscribed { watcher, user, expires_s } => {
                write!(f, "{watcher} watches {user} for {expires_s} s")
            }
            Self::Relayed { method, from, to, devices } => {
                write!(f, "{method} from {from} to {to}, devices: {devices}")
            }
            Self::Call { state, from, to, code: None } => write!(f, "call {state}: {from} to {to}"),
            Self::Call { state, from, to, code: Some(code) } => {
                write!(f, "call {state} with {code}: {from} to {to}")
            }
            Self::Refused { method, from, code, address } => {
                write!(f, "refused {method} of {from} ({address}) with {code}")
            }
            Self::Malformed { error, address } => {
                write!(f, "not a SIP message from {address}: {error}")
            }
            Self::Missed { events } => write!(f, "{events} events more"),
            Self::Trouble { error, address } => write!(f, "{address}: {error}"),
            Self::Stopped { received, sent } => {
                write!(f, "stopped after {received} messages in, {sent} out")
            }
        }
    }
}
