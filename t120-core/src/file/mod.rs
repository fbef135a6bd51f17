//! File transfer (T.127, multipoint binary file transfer): the PDUs, and a machine that offers,
//! sends and receives files over MCS channels.
//!
//! ```text
//!   sender                                    receivers
//!     | -- FileOffer, on the control channel --> |
//!     | <------------- FileAccept or FileReject -|   where the offer asks for an answer
//!     | -- FileStart, on the data channel -----> |   the header again, and the first octets
//!     | -- FileData … -------------------------> |
//!     | -- FileData, eofFlag ------------------> |   one file at a time on a data channel
//! ```
//!
//! The Recommendation's module was not at hand when the tables were made: they follow its text
//! from memory, and **no independent encoder has confirmed any of it**. Each correction is one
//! line of a table ([`pdu`]).
//!
//! The [`Session`] knows neither files nor MCS: the host attaches a user, joins the channels
//! [`CONTROL_CHANNEL`] and [`DATA_CHANNEL`] and the user's own, hands in what comes on them, and
//! sends what the machine writes on the [`Channel`] that it names.

mod event;
pub mod pdu;
mod session;

pub use event::{
    Channel, Config, Direction, EndReason, Event, Offer, Transfer, TransferId, Transmit,
};
pub use session::{Session, Slot};

/// The static channel on which files are offered (T.120 Annex A; from memory).
pub const CONTROL_CHANNEL: u16 = 9;
/// The static channel on which files are sent (T.120 Annex A; from memory).
pub const DATA_CHANNEL: u16 = 10;
/// The most octets of a file that one PDU has.
pub const MAX_DATA_OCTETS: usize = 65535;
/// The key of NetMeeting's non-standard PDU at the end of a file ([MS-MNPR]).
pub const NETMEETING_FILE_END_KEY: &[u8] = b"NetMeeting 1 FileEnd";
/// The key of NetMeeting's non-standard PDU when it leaves the channel ([MS-MNPR]).
pub const NETMEETING_CHANNEL_LEAVE_KEY: &[u8] = b"NetMeeting 1 ChannelLeave";
/// The key of NetMeeting's non-standard PDU in all other cases ([MS-MNPR]).
pub const NETMEETING_KEY: &[u8] = b"NetMeeting 1 MBFT";

#[cfg(all(test, feature = "alloc"))]
mod tests;
