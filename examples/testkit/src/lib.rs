//! What the tests of all four crates share.
//!
//! [`Link`] is a network in virtual time that loses, repeats, delays and reorders; [`seeds`] gives
//! every test its seeds and names the one that failed; [`peer`] finds programs of other people to
//! talk to, installs them where it may, and says loudly when a test has to go without; a
//! `Namespace` is a machine of its own on the network.

#![forbid(unsafe_code)]
#![expect(
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc,
    reason = "it is for tests, which have std"
)]

mod link;
#[cfg(target_os = "linux")]
mod netns;
mod peer;
mod seed;

pub use link::{Link, LinkConfig};
#[cfg(target_os = "linux")]
pub use netns::Namespace;
pub use peer::{Peer, free_port, peer};
pub use seed::{Random, seeds};
