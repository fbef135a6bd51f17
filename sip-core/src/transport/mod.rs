//! Where messages come from and go to (RFC 3261 section 18): paths, streams cut into messages, the
//! Via header on arrival, and the local ports of a policy.

mod path;
mod ports;
mod stream;
mod via;

pub use path::{Path, Transmit, Transport};
pub use ports::{PortError, PortRange};
pub use stream::{Frame, PING, PONG};
pub use via::{Arrival, stamp};
pub(crate) use via::{Text, address};
