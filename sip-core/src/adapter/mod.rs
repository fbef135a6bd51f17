//! Thin layers between the machines and what carries their octets.

#[cfg(feature = "embassy-net")]
pub mod embassy_net;
#[cfg(feature = "embedded-io")]
pub mod embedded_io;
