//! What a session tells its host.

use crate::Ssrc;
use crate::packet::Packet;
use crate::rtcp::{Compound, SenderInfo};

/// What a session tells its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Event<'d> {
    /// RTP of a valid source.
    Packet {
        /// Its sequence number with the count of cycles in the upper 16 bits: what a jitter
        /// buffer orders by.
        sequence: u32,
        /// The packet: source, payload type, timestamp, marker, payload.
        packet: Packet<'d>,
    },
    /// RTCP. The session has taken what it needs; here it is whole, for texts and for packets of
    /// the application.
    Rtcp {
        /// All packets of the datagram.
        compound: Compound<'d>,
    },
    /// A participant became valid (RFC 3550 section 6.2.1).
    Joined {
        /// The participant.
        ssrc: Ssrc,
    },
    /// A source has reported what it sends.
    SenderReport {
        /// The source.
        ssrc: Ssrc,
        /// Its wall clock, timestamp and counts.
        info: SenderInfo,
    },
    /// A participant has left (RFC 3550 section 6.6).
    Goodbye {
        /// The participant.
        ssrc: Ssrc,
    },
    /// A participant was silent for too long (RFC 3550 section 6.3.5).
    Timeout {
        /// The participant.
        ssrc: Ssrc,
    },
    /// A source sends from where another has sent until a moment ago, and there was no room for
    /// both: the peer goes on under another SSRC, as after a re-INVITE. The old one is forgotten;
    /// a jitter buffer begins anew.
    Succeeded {
        /// What is forgotten.
        old: Ssrc,
        /// What sends now.
        new: Ssrc,
    },
    /// Somebody else has our SSRC; we have taken another (RFC 3550 section 8.2).
    Collision {
        /// What we had.
        old: Ssrc,
        /// What we have.
        new: Ssrc,
    },
    /// The goodbye has been sent, or there was no need of one: the session is over.
    Left,
    /// A buffer given to `poll_transmit` was too small; what was to be sent waits for a larger
    /// one.
    BufferTooSmall {
        /// How many octets are needed.
        needed: usize,
    },
}
