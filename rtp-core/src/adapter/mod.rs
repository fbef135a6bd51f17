//! Runs machines over other people's sockets.

#[cfg(feature = "embassy-net")]
pub mod embassy_net;
