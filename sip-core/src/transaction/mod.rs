//! The transaction layer (RFC 3261 section 17, RFC 6026): requests are sent again until they are
//! answered, what arrives twice is answered twice and told once, and each response finds its
//! request. A proxy or a server takes this layer alone; the user agent stands on it too.
//!
//! The user attaches a value of its own, `U`, to each transaction: a call's name, or the other
//! transaction that a proxy relays to.
//!
//! ```text
//!  handle_datagram, handle_stream --> [ match by branch, sent-by, method ] --> Event
//!  send_request, respond, cancel  --> [ machine, timers, octets kept     ] --> poll_transmit
//! ```
//!
//! A redirect server in its whole:
//!
//! ```
//! # use core::time::Duration;
//! # use sip_core::message::{Name, StatusCode};
//! # use sip_core::transaction::{Config, Error, Event, Layer, SentBy, Storage};
//! # use sip_core::transport::Path;
//! # fn wait() -> Option<(Duration, Path, &'static [u8])> { None }
//! # fn clock() -> Duration { Duration::ZERO }
//! # fn send(_: Path, _: &[u8]) {}
//! fn serve(layer: &mut Layer<'_, ()>) {
//!     let mut buffer = [0; 1500];
//!     // What arrived, or nothing where layer.poll_timeout() came first.
//!     while let Some((now, path, datagram)) = wait() {
//!         match layer.handle_datagram(now, path, datagram) {
//!             Ok(Some(Event::Request { transaction, .. })) => {
//!                 let moved = layer.respond(now, transaction, StatusCode::MOVED_TEMPORARILY, |mut to| {
//!                     to.raw(Name::Contact, b"<sip:elsewhere.example.com>");
//!                     to.finish()
//!                 });
//!                 if let Err(error) = moved { eprintln!("{error}") }
//!             }
//!             Ok(_) => {}
//!             Err(error) => eprintln!("{path:?}: {error}"),
//!         }
//!         layer.handle_timeout(now);
//!         while let Some(transmit) = layer.poll_transmit(now, &mut buffer) {
//!             send(transmit.path, &buffer[..transmit.len]);
//!         }
//!         while let Some(event) = layer.poll_event() { eprintln!("{event:?}") }
//!     }
//! }
//! let mut storage = Storage::<(), 16, 16384>::new();
//! let config = Config::new(SentBy::all("192.0.2.1:5060".parse().unwrap()));
//! let mut layer = Layer::new(config, &mut storage, [7; 32])?;
//! serve(&mut layer);
//! # Ok::<(), Error>(())
//! ```

mod client;
mod config;
mod event;
mod layer;
mod machine;
mod server;

pub(crate) use server::write_rows;

#[cfg(test)]
mod tests;

pub(crate) use client::{Fill, Target};
pub use config::{Config, ConfigError, SentBy};
pub use event::{ClientId, Error, Event, Failure, ServerId};
pub use layer::{Layer, Storage, Tag, Transaction};
pub use machine::State;
