//! A messenger: presence, instant messages, calls, files and whiteboards over SIP, as a library.
//!
//! | module | what it is for |
//! |---|---|
//! | [`client`], [`happening`] | a signed-in person's side of SIP over UDP, TCP and TLS |
//! | [`audio`] | what people say, and how alike a recording is to it |
//! | [`file`](mod@file), [`exchange`] | files over Messenger's TFTP, and the commands that send and take them |
//! | [`board`], [`render`] | a whiteboard over T.120, and its picture |
//! | [`ports`], [`bind`] | the ports of a policy: what a firewall has to let through, and sockets on them |
//! | [`demo`], [`story`] | two people on one machine who do all of it, and what is told of them |

#![forbid(unsafe_code)]
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

pub mod audio;
pub mod board;
pub mod demo;
pub mod exchange;
pub mod file;
pub mod map;
pub mod ports;
pub mod render;
pub mod router;
pub mod stop;
pub mod story;

pub use host::{bind, client, happening, net, random};
