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
//!
//! # The sound of a call
//!
//! Two sockets, a clock, a jitter buffer: what a host does, here over tokio. The same over embassy-net
//! stands in `adapter::embassy_net`, with the feature `embassy-net`.
//!
//! ```
//! use rtp_core::codec::{concealment::Narrowband, g711::Law};
//! use rtp_core::jitter::{self, Buffer, Frame, Playout};
//! use rtp_core::session::{Cname, Component, Config, Event, Outgoing, Path, Session, Storage};
//! use std::net::SocketAddr;
//! use tokio::net::UdpSocket;
//! use tokio::time::{Duration, Instant, interval, sleep_until};
//!
//! /// Talks to a peer for so long; says how many packets of it were played.
//! async fn talk(
//!     (rtp, rtcp): (UdpSocket, UdpSocket),
//!     peer: (SocketAddr, SocketAddr),
//!     seed: [u8; 32],
//!     length: Duration,
//! ) -> Result<u64, Box<dyn std::error::Error>> {
//!     let mut config = Config::new(Cname::anonymous(*seed.first_chunk().unwrap_or(&[0; 12])));
//!     (config.rtp, config.rtcp) = (Some(Path::rtp(peer.0)), Some(Path::rtcp(peer.1)));
//!     let mut members = Storage::<2>::new();
//!     let mut session = Session::new(config, &mut members, seed)?;
//!     let mut packets = jitter::Storage::<16, 160>::new();
//!     let mut buffer = Buffer::new(jitter::Config::new(8000), &mut packets)?;
//!     let mut concealment = Narrowband::new();
//!     let (mut from_rtp, mut from_rtcp, mut out) = ([0; 1500], [0; 1500], [0; 1500]);
//!     let (mut timestamp, mut ticks) = (0, interval(Duration::from_millis(20)));
//!     let begin = Instant::now();
//!     while begin.elapsed() < length {
//!         // The session's own time.
//!         let timeout = session.poll_timeout().unwrap_or(Duration::from_secs(60));
//!         tokio::select! {
//!             Ok((len, remote)) = rtp.recv_from(&mut from_rtp) => {
//!                 let (now, path) = (begin.elapsed(), Path::rtp(remote));
//!                 // What is refused is counted; the session goes on.
//!                 if let Ok(Some(Event::Packet { sequence, packet })) =
//!                     session.handle_datagram(now, path, &from_rtp[..len])
//!                 {
//!                     let _ = buffer.push(now, Frame {
//!                         sequence,
//!                         timestamp: packet.timestamp,
//!                         payload_type: packet.payload_type,
//!                         marker: packet.marker,
//!                         payload: packet.payload,
//!                     });
//!                 }
//!             }
//!             Ok((len, remote)) = rtcp.recv_from(&mut from_rtcp) => {
//!                 let path = Path::rtcp(remote);
//!                 let _ = session.handle_datagram(begin.elapsed(), path, &from_rtcp[..len]);
//!             }
//!             _ = ticks.tick() => {
//!                 let now = begin.elapsed();
//!                 // From the microphone.
//!                 let (recorded, mut codes) = ([0i16; 160], [0; 160]);
//!                 Law::Mu.encode(&recorded, &mut codes);
//!                 let outgoing = Outgoing { timestamp, ..Outgoing::new(0) };
//!                 timestamp = timestamp.wrapping_add(160);
//!                 let sent = session.packetize(now, &outgoing, &codes, &mut out)?;
//!                 rtp.send_to(&out[..sent.len], sent.path.remote).await?;
//!                 // To the ear-piece.
//!                 let mut played = [0i16; 160];
//!                 match buffer.pop(now) {
//!                     Playout::Packet(frame) => {
//!                         Law::Mu.decode(frame.payload, &mut played);
//!                         concealment.receive(&mut played);
//!                     }
//!                     Playout::Conceal(_) => concealment.conceal(&mut played),
//!                     Playout::Silence => {}
//!                 }
//!             }
//!             () = sleep_until(begin + timeout) => session.handle_timeout(begin.elapsed()),
//!         }
//!         while let Some(report) = session.poll_transmit(begin.elapsed(), &mut out) {
//!             let socket = match report.path.component {
//!                 Component::Rtp => &rtp,
//!                 Component::Rtcp => &rtcp,
//!             };
//!             socket.send_to(&out[..report.len], report.path.remote).await?;
//!         }
//!         while let Some(event) = session.poll_event() {
//!             if let Event::Goodbye { .. } | Event::Timeout { .. } = event {
//!                 return Ok(buffer.statistics().played);
//!             }
//!         }
//!     }
//!     Ok(buffer.statistics().played)
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! #     async fn sockets() -> std::io::Result<(UdpSocket, UdpSocket)> {
//! #         Ok((UdpSocket::bind("127.0.0.1:0").await?, UdpSocket::bind("127.0.0.1:0").await?))
//! #     }
//! #     let (ours, theirs) = (sockets().await?, sockets().await?);
//! #     let us = (ours.0.local_addr()?, ours.1.local_addr()?);
//! #     let them = (theirs.0.local_addr()?, theirs.1.local_addr()?);
//! #     let length = Duration::from_millis(600);
//! #     let us_to_them = talk(ours, them, [1; 32], length);
//! #     let (heard, _) = tokio::join!(us_to_them, talk(theirs, us, [2; 32], length));
//! #     assert!(heard? > 5);
//! #     Ok(())
//! # }
//! ```

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
