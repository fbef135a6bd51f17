//! The machine on sockets of embedded runtimes.

#[cfg(feature = "embassy-net")]
pub mod embassy_net;
#[cfg(feature = "embedded-io")]
pub mod embedded_io;
