//! Targets of sip-core.

mod machine;
mod parse;

pub use machine::{agent, server, transaction};
pub use parse::{auth, headers, message, pidf, sdp, stream, uri};
