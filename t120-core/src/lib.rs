//! T.120 conferencing as Sans-IO state machines: no I/O, no clock, no allocation without the
//! feature `alloc`.
//!
//! ```text
//!   conference   a node: all of this in one machine that the host drives
//!   whiteboard   T.126: pages that all draw on          sharing     T.128: the PDUs
//!   file         T.127: files to all or to one          netmeeting  what it speaks beside
//!   gcc          T.124: the PDUs of conference control
//!   mcs          T.122, T.125: channels and users      per, ber  X.691, X.690
//!   x224, tpkt   T.123: TPDUs and packets in a TCP stream
//! ```
//!
//! A host starts at [`conference`], which has the loop in its page. Each layer's PDUs can be used
//! alone: `parse` gives views that borrow, `write` the same octets again.
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

#[cfg(any(feature = "alloc", test))]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

// Its macros are for all modules below.
#[macro_use]
mod log;

#[cfg(any(feature = "embedded-io", feature = "embassy-net"))]
pub mod adapter;
pub mod ber;
pub mod conference;
pub mod error;
pub mod file;
pub mod gcc;
pub mod mcs;
pub mod netmeeting;
pub mod per;
pub mod sharing;
mod storage;
pub mod tpkt;
mod transport;
pub mod whiteboard;
pub mod x224;

pub use error::{BufferTooSmall, ConfigError, Error, Fault, Full, ParseError, WriteError};
pub use transport::{Connection, Transmit};
