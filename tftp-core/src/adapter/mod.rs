//! Runs the machines over other people's sockets and streams.

#[cfg(feature = "embassy-net")]
pub mod embassy_net;
#[cfg(feature = "embedded-io")]
pub mod embedded_io;
