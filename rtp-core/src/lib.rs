//! RTP and RTCP (RFC 3550) as Sans-IO state machines: no sockets, no clock, no allocation.
//!
//! From the wire up; each layer is usable alone:
//!
//! | module | what it is for |
//! |---|---|
//! | [`packet`], [`extension`] | an RTP packet: parse it in place, write it into a slice |
//! | [`rtcp`] | RTCP packets, compound rules, the liberties of old peers |
//! | [`demux`] | which protocol a datagram on a shared port belongs to (RFC 5761, RFC 7983) |
//! | [`session`] | RFC 3550's machine: sources, loss, jitter, reports, collisions, time-outs |
//! | `srtp` | encryption and authentication, with the feature of that name (RFC 3711, RFC 7714) |
//! | `des` | Windows Messenger's encryption, with the feature of that name |
//! | [`payload`] | payload types and formats: sound, pictures, telephone-event; packetizers and depacketizers |
//! | [`codec`] | G.711 in both laws, G.722; concealment of losses, voice activity, comfort noise |
//! | [`e_model`] | how good a call is: R and MOS out of delay and loss (ITU-T G.107) |
//! | [`quality`] | what a listener gets of a stream: loss, bursts, delay, R and MOS (RFC 3611) |
//! | [`jitter`] | a jitter buffer in memory that the host lends |
//! | [`ports`] | the pairs of ports that media uses, out of a range that a policy gives |
//!
//! All machines are driven by the same verbs. `now` is a [`core::time::Duration`] since an epoch of
//! the host's choice, and never goes back. After every call that changes something the host calls
//! `poll_transmit` until it gives nothing, then `poll_event` until it gives nothing, and then waits
//! for input or until `poll_timeout`.

#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable
    )
)]

#[cfg(any(test, feature = "alloc"))]
extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

// Its macros are for all modules below.
#[macro_use]
mod log;

#[cfg(feature = "embassy-net")]
pub mod adapter;
pub mod codec;
pub mod demux;
#[cfg(feature = "des")]
pub mod des;
pub mod e_model;
mod error;
pub mod extension;
pub mod jitter;
mod list;
mod ntp;
pub mod packet;
pub mod payload;
pub mod ports;
pub mod quality;
pub mod rtcp;
pub mod session;
#[cfg(feature = "srtp")]
pub mod srtp;
mod storage;

pub use error::{BufferTooSmall, ConfigError, Error, Fault, Full, ParseError};
pub use list::{Fixed, List};
pub use ntp::NtpTime;
pub use packet::Ssrc;
