//! What of the phone does not depend on the chip: its configuration file, its console, its sound.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod command;
pub mod config;
pub mod sdes;
pub mod tone;
