//! What the `tftp` program is made of, for tests and other hosts to drive in-process.
//!
//! [`serve`] runs the server machine over UDP sockets and a [`jail`]; [`fetch`] runs the client
//! machine; [`template`] makes files as they are asked for; [`report`] is what both have to tell, for a person or as JSON.

#![forbid(unsafe_code)]
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

mod batch;
mod bucket;
mod content;
pub mod fetch;
pub mod jail;
pub mod report;
pub mod serve;
mod sockets;
pub mod template;

use std::time::Duration;

use tftp_core::{ConfigError, OptionSet, Rollover};

/// The options of a transfer as a person writes them.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Wishes {
    /// Octets of a block, 8 to 65464 (RFC 2348)
    #[arg(long, value_name = "OCTETS")]
    pub blksize: Option<u16>,
    /// Blocks to one acknowledgement, 1 to 65535 (RFC 7440)
    #[arg(long, value_name = "BLOCKS")]
    pub windowsize: Option<u16>,
    /// The longest time before a repeat, 1 to 255 seconds (RFC 2349)
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u8>,
    /// What follows block 65535
    #[arg(long, value_enum, default_value_t = After::Zero)]
    pub rollover: After,
}

/// What follows block 65535.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum After {
    /// Block 0, as nearly everybody does
    #[value(name = "0")]
    Zero,
    /// Block 1
    #[value(name = "1")]
    One,
}

impl From<After> for Rollover {
    fn from(after: After) -> Self {
        match after {
            After::Zero => Self::Zero,
            After::One => Self::One,
        }
    }
}

impl Wishes {
    /// The options to ask for, where nothing else is said `blksize` and `windowsize`.
    ///
    /// # Errors
    /// The first value that is out of its range.
    pub fn options(&self, blksize: u16, windowsize: u16) -> Result<OptionSet, ConfigError> {
        let options = OptionSet {
            blksize: Some(self.blksize.unwrap_or(blksize)),
            windowsize: Some(self.windowsize.unwrap_or(windowsize)).filter(|w| *w != 1),
            timeout: self.timeout,
            tsize: Some(0),
        };
        options.check()?;
        Ok(options)
    }
}

/// A clock for the machines.
#[derive(Clone, Copy, Debug)]
struct Clock(std::time::Instant);

impl Clock {
    fn start() -> Self {
        Self(std::time::Instant::now())
    }

    fn now(self) -> Duration {
        self.0.elapsed()
    }
}
