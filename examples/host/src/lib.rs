//! What hosts on tokio share: the sockets and the task of a SIP agent, the sound of calls.
//!
//! | module | what it is for |
//! |---|---|
//! | [`client`], [`happening`] | one side of SIP over UDP, TCP and TLS, and what happens to it |
//! | [`net`], [`bind`] | its connections, and sockets on the ports of a policy |
//! | [`negotiation`], [`keys`] | offers and answers of calls, with keys for SRTP |
//! | [`media`], [`codec`], [`quality`] | the sound of a call, and how good it is |
//! | [`audio`] | WAV files, other sampling rates, how alike two recordings are |
//! | [`random`] | random numbers from the system |

#![forbid(unsafe_code)]
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

pub mod audio;
pub mod bind;
pub mod client;
pub mod codec;
mod driver;
pub mod happening;
pub mod keys;
pub mod media;
pub mod negotiation;
pub mod net;
pub mod quality;
pub mod random;
