//! Where messages come from and go to (RFC 3261 section 18): paths, streams cut into messages, the
//! Via header on arrival, and the local ports of a policy.
//!
//! # WebSocket
//!
//! The framing of RFC 6455 and its handshake (with `Sec-WebSocket-Protocol: sip`) are a library's of
//! the host. One WebSocket message holds one SIP message, and none of either is cut (RFC 7118 section
//! 5), so each goes to `handle_datagram` with a path of [`Transport::Ws`] or [`Transport::Wss`], whole
//! and unmasked, text or binary; Content-Length may be missing there. Each
//! [`Transmit`] is sent as one WebSocket message, as text where it is UTF-8, else binary. A keep-alive
//! of two line ends is a message of its own and is answered with one; a Ping frame is the library's to
//! answer. When the connection ends, `handle_closed` gets its path.

mod path;
mod ports;
mod stream;
mod via;

pub use path::{Path, Transmit, Transport};
pub use ports::{PortError, PortRange};
pub use stream::{Frame, PING, PONG};
pub use via::{Arrival, stamp};
pub(crate) use via::{Text, address};
