//! The softphone with programs of other people, on the loopback interface.
//!
//! What is not installed is skipped, and the log says so; with `HANDSET_NEED_PEERS=1` it fails.
//! baresip of Debian 12 has no H.264 (its `avcodec` module is in no package that is small), and the
//! softphone has no video: that stands in the tests of payloads with ffmpeg and GStreamer.

#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

mod baresip;
#[path = "../common/mod.rs"]
mod common;
mod kamailio;
mod linphone;
mod own_server;
mod sipp;
mod sipsak;
