//! Targets of sip-core.

mod lcs;
mod machine;
mod parse;

pub use lcs::{lcs, lcs_filter, ntlm};
pub use machine::{agent, server, transaction};
pub use parse::{auth, headers, message, pidf, sdp, stream, uri};
