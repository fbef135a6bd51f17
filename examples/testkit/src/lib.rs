//! What the tests of all four crates share.
//!
//! [`Link`] is a network in virtual time that loses, repeats, delays and reorders; [`seeds`] gives
//! every test its seeds and names the one that failed; [`peer`] finds programs of other people to
//! talk to, installs them where it may, and says loudly when a test has to go without.

#![forbid(unsafe_code)]
#![expect(
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc,
    reason = "it is for tests, which have std"
)]

mod link;
mod peer;
mod seed;

pub use link::{Link, LinkConfig};
pub use peer::{Peer, free_port, peer};
pub use seed::{Random, seeds};
