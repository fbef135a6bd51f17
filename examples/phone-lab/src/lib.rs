//! What the lab is made of: a phone in QEMU, its servers, far ends, and the checks of them.

#![forbid(unsafe_code)]
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

pub mod baresip;
pub mod bench;
pub mod checks;
pub mod far;
pub mod garbage;
pub mod image;
pub mod keys;
pub mod media;
pub mod phone;
pub mod process;
pub mod report;
pub mod servers;
pub mod sound;
pub mod trace;
