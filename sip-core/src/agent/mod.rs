//! The user agent (RFC 3261 section 8): accounts that register, calls, instant messages, presence.
//!
//! The agent says what happened as an [`Event`], and takes orders as method calls. All that it
//! sends comes out of [`Agent::poll_transmit`], all that it waits for is in
//! [`Agent::poll_timeout`]. A host's loop over UDP:
//!
//! ```no_run
//! use std::net::UdpSocket;
//! use std::time::{Duration, Instant};
//! use sip_core::agent::{Account, Agent, Config, Event, Storage};
//! use sip_core::transaction::SentBy;
//! use sip_core::transport::Path;
//!
//! let socket = UdpSocket::bind("192.0.2.7:7100")?;
//! let config = Config::new(SentBy::all(socket.local_addr()?));
//! // One account, two calls, four subscriptions, 10 transactions, 8192 octets.
//! let mut storage = Storage::<1, 2, 4, 10, 8192>::new();
//! let mut agent = Agent::new(config, &mut storage, [42; 32])?; // a seed of true randomness
//! let server = Path::udp("192.0.2.1:5060".parse()?);
//! let alice = agent.add_account(&Account::new(b"sip:alice@example.com").over(server, b"secret"))?;
//! let epoch = Instant::now();
//! agent.register(epoch.elapsed(), alice)?;
//! let mut buffer = [0; Agent::BUFFER];
//! loop {
//!     while let Some(transmit) = agent.poll_transmit(epoch.elapsed(), &mut buffer) {
//!         socket.send_to(&buffer[..transmit.len], transmit.path.remote)?;
//!     }
//!     while let Some(event) = agent.poll_event() {
//!         println!("{event:?}");
//!     }
//!     let wait = agent.poll_timeout().map(|at| at.saturating_sub(epoch.elapsed()));
//!     socket.set_read_timeout(wait.map(|wait| wait.max(Duration::from_millis(1))))?;
//!     match socket.recv_from(&mut buffer) {
//!         Ok((len, from)) => {
//!             match agent.handle_datagram(epoch.elapsed(), Path::udp(from), &buffer[..len]) {
//!                 Ok(Some(Event::Incoming { call, .. })) => {
//!                     agent.answer(epoch.elapsed(), call, Some((b"application/sdp", b"v=0\r\n")))?;
//!                 }
//!                 Ok(event) => println!("{event:?}"),
//!                 Err(error) => eprintln!("{from}: {error}"),
//!             }
//!         }
//!         Err(_) => agent.handle_timeout(epoch.elapsed()),
//!     }
//! }
//! # #[allow(unreachable_code)]
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! On firmware the same loop waits with `embassy_futures::select` for a datagram or a timer, or
//! the feature `embassy-net` brings it ready as `adapter::embassy_net`. Over TCP and TLS the host
//! keeps the connections, each named by its [`Path`](crate::transport::Path): it hands in what it
//! reads with [`Agent::handle_stream`] and keeps the rest that was not used; for a
//! [`Transmit`](crate::transport::Transmit) it takes the connection of that path or, where
//! `may_connect` is set, opens one; and it says [`Agent::handle_closed`] when one ends.

mod account;
mod again;
mod call;
mod config;
mod credentials;
mod dtmf;
mod event;
#[cfg(feature = "calling")]
mod identity;
mod incoming;
mod invite;
#[cfg(feature = "failover")]
mod locate;
mod machine;
mod notifier;
#[cfg(feature = "offers")]
mod offers;
#[cfg(feature = "outbound")]
mod outbound;
mod publication;
#[cfg(feature = "calling")]
mod reason;
#[cfg(feature = "calling")]
mod redirect;
mod reliable;
mod request;
#[cfg(feature = "resubscribe")]
mod resubscribe;
mod send;
mod subscription;
mod timer;
mod transfer;

#[cfg(test)]
mod tests;

pub use config::{Account, Config, Storage};
pub use dtmf::Dtmf;
pub use event::{AccountId, CallId, End, Error, Event, Failure, RequestId, SubscriptionId};
#[cfg(feature = "calling")]
pub use identity::Identity;
pub use machine::Agent;

use machine::{Owner, What};

// What a phone needs for an account, two calls and four subscriptions, with each feature.
#[cfg(target_pointer_width = "32")]
const _: () =
    assert!(size_of::<Storage<1, 2, 4, 10, 8192>>() + size_of::<Agent<'static>>() <= 16 * 1024);
