//! SIP, SDP and presence as Sans-IO state machines.
//!
//! This crate reads and writes the messages, and keeps the transactions, dialogs, calls,
//! registrations and subscriptions, of a SIP user agent or server. It opens no socket, reads no
//! clock and starts no thread: the host hands in what arrived and when, and takes out what is to be
//! sent and where. It needs no allocator (`no_std`, feature `alloc` to grow), forbids unsafe code,
//! and does not panic on any input.
//!
//! # Layers
//!
//! Each layer uses only those above it in this table, and is usable without those below.
//!
//! | module | what it is |
//! |---|---|
//! | [`message`], [`header`], [`uri`] | views over messages, and [`message::Writer`] |
//! | [`sdp`] | session descriptions, and offer/answer for an audio call |
//! | [`auth`] | Digest authentication, both sides |
//! | [`presence`] | presence and typing documents |
//! | [`transport`] | streams and datagrams, Via, ports |
//! | [`resolve`] | where a request goes: NAPTR, SRV and addresses |
//! | [`transaction`] | the four transaction machines |
//! | [`dialog`] | dialogs and their routes |
//! | [`agent`] | the user agent: registration, calls, messages, presence |
//! | [`server`] | registrar, presence and proxy |
//! | `ntlm` | NTLM and the signatures of MS-SIPAE, behind the feature of this name |
//! | `lcs` | the dialect of Live Communications Server, behind the feature of this name |
//!
//! Whole programs to begin with stand in [`guide`]: a phone, a registrar and a proxy.
//!
//! # The wire
//!
//! A message is read without a copy: [`message::Message::parse`] checks its start line and framing
//! and indexes its rows, and a row is read as its type when it is asked for. A malformed value is an
//! error of that value with its offset; the message stays, and can be answered.
//!
//! ```
//! use sip_core::header::{CSeq, CallId, From, To, Via};
//! use sip_core::message::{Message, StatusCode, Writer};
//!
//! let request = b"MESSAGE sip:bob@example.com SIP/2.0\r\n\
//!     Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK77;rport\r\n\
//!     From: <sip:alice@example.com>;tag=88\r\nTo: <sip:bob@example.com>\r\n\
//!     Call-ID: 99@192.0.2.1\r\nCSeq: 1 MESSAGE\r\nContent-Length: 2\r\n\r\nhi";
//! let message = Message::parse(request)?;
//! assert_eq!(message.body(), b"hi");
//!
//! // The answer: what has to be copied is copied, the rest is written.
//! let mut buffer = [0; 512];
//! let mut writer = Writer::new(&mut buffer);
//! writer.response(StatusCode::OK, None);
//! let via = message.typed::<Via>().unwrap()?;
//! writer.header(&via.with_received([198, 51, 100, 7].into(), 5062));
//! writer.header(&message.typed::<From>().unwrap()?);
//! writer.header(&message.typed::<To>().unwrap()?.with_tag(b"77"));
//! writer.header(&message.typed::<CallId>().unwrap()?);
//! writer.header(&message.typed::<CSeq>().unwrap()?);
//! let length = writer.finish().unwrap();
//! assert!(Message::parse(&buffer[..length])?.code() == Some(StatusCode::OK));
//! # Ok::<(), sip_core::error::ParseError>(())
//! ```
//!
//! # The host loop
//!
//! Every machine is driven by the same verbs:
//!
//! 1. Hand in what happened: `handle_datagram`, `handle_stream`, `handle_closed` or
//!    `handle_timeout`, or call what the application wants done.
//! 2. Call `poll_transmit` until it gives nothing, and send each piece where it says.
//! 3. Call `poll_event` until it gives nothing, and tell the application.
//! 4. Wait for input, or until `poll_timeout`.
//!
//! # Standards
//!
//! | standard | where |
//! |---|---|
//! | RFC 3261 (SIP) | everywhere |
//! | RFC 3262, 3265/6665, 3323, 3325, 3326, 3327, 3515, 3608, 3891, 3892, 3903, 3911, 4028, 4488, 4538, 5393, 5626, 5627, 5839, 6086, 7044, 7989 | their headers are typed in [`header`] |
//! | RFC 3262 (reliable responses), 3311 (UPDATE), 6337 (the ways of offers) | [`agent`]; offers in other ways than INVITE and its 2xx, or before the answer: feature `offers` |
//! | RFC 3261 section 8.1.3.4 (redirection), RFC 3326 (Reason), 3323 and 3325 (who calls) | [`agent`], feature `calling` |
//! | RFC 3327 (Path), 3608 (Service-Route), 5627 (GRUU), 5626 (outbound) | the user agent's side: [`agent`], feature `outbound` |
//! | RFC 3515, 3891, 3892 (transfer), 4028 (session timers), 6086 (INFO, without packages) | [`agent`] |
//! | RFC 6665 (events), 3903 (PUBLISH) | [`agent`], [`server`]; lost subscriptions come about again: feature `resubscribe` |
//! | RFC 3263 (locating servers), RFC 2782 (SRV) | [`resolve`]; the host asks the name servers. In the agent, with the next server where one fails: feature `failover` |
//! | RFC 3327 (Path), RFC 5393 (Max-Breadth), RFC 5627 (public GRUU), RFC 3903 (composition) | [`server`] |
//! | RFC 3264 (offer/answer), RFC 8866 (SDP), RFC 3605 (`rtcp`), RFC 4733 (`telephone-event`) | [`sdp`] |
//! | RFC 2046, 5621 (multipart bodies) | [`message::Multipart`] |
//! | RFC 3428 (MESSAGE) | [`agent`], [`server`] |
//! | RFC 3581 (`rport`) | [`header::Via`], [`transport`] |
//! | RFC 3856, 3863 (PIDF), 4479, 4480 (RPID), 3994 (typing), 3842 (mailboxes), 4235 (dialogs), 3858 (watchers) | [`presence`] |
//! | RFC 3966 (`tel`) | [`uri::Tel`] |
//! | RFC 4475 (torture), RFC 5118 (IPv6) | tests |
//! | RFC 6026 | [`transaction`] |
//! | RFC 7118 (WebSocket) | [`transport`]; the framing is the host's |
//! | RFC 7616, 8760, 2617, 2069 (Digest) | [`auth`] |
//! | MS-NLMP, MS-SIP section 3.1 and MS-SIPAE | `ntlm` |
//! | MS-SIP, MS-SDP sections 3.1.5.2 to 3.1.5.4 | `lcs` |
//!
//! # Features
//!
//! None is on by default. `alloc`: storage that grows. `std`: `alloc`, and conversions. `defmt`:
//! `defmt::Format` on every public type. `embedded-io`, `embassy-net`: adapters. `sha512`: SHA-512-256 for
//! Digest. `ntlm`: NTLM and MS-SIPAE. `lcs`: `ntlm`, and the dialect of Live Communications Server.
//!
//! What a small phone can do without is in features of the [`agent`]. Each brings methods, events and fields
//! of [`agent::Config`] or [`agent::Account`], and nothing changes before these are set:
//!
//! | feature | what the agent can do with it |
//! |---|---|
//! | `offers` | answer offers in 2xx (in the ACK), in reliable responses (in the PRACK), in PRACK and in early UPDATE, and send the latter: [`agent::Config`]'s `all_offers` |
//! | `calling` | follow redirections (`max_redirects`), say why a call ends, call without a name, see who calls where a proxy is trusted (`trusted`) |
//! | `outbound` | Path, Service-Route, GRUUs, several flows: [`agent::Account`]'s `outbound` |
//! | `failover` | locate a server by its name and go on to the next one: [`agent::Account`]'s `located` |
//! | `resubscribe` | subscribe again by itself (`resubscribes`) |
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "tests have std")
)]
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

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(test)]
extern crate std;

// Its macros are for all modules below.
#[macro_use]
mod log;

#[cfg(any(feature = "embedded-io", feature = "embassy-net"))]
pub mod adapter;
pub mod agent;
pub mod auth;
pub mod dialog;
pub mod error;
pub mod guide;
pub mod header;
#[cfg(feature = "lcs")]
pub mod lcs;
pub mod message;
#[cfg(feature = "ntlm")]
pub mod ntlm;
pub mod presence;
pub mod resolve;
pub mod sdp;
pub mod server;
pub mod storage;
pub mod transaction;
pub mod transport;
pub mod uri;
