//! What the program has to tell: a line for a person, or a JSON object.

use std::fmt;
use std::net::SocketAddr;

use serde::Serialize;

/// One thing that has happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Report {
    /// The server takes requests.
    Listening {
        /// Where.
        address: SocketAddr,
    },
    /// A transfer has begun.
    Started {
        /// The other side.
        peer: SocketAddr,
        /// `read` or `write`, as the client sees it.
        kind: &'static str,
        /// The file's name.
        file: String,
        /// Its octets, where known.
        size: Option<u64>,
        /// Octets of a block.
        blksize: u16,
        /// Blocks to one acknowledgement.
        windowsize: u16,
    },
    /// A request was refused.
    Refused {
        /// Who asked.
        peer: SocketAddr,
        /// `read` or `write`.
        kind: &'static str,
        /// The file's name.
        file: String,
        /// The code of the ERROR that was sent.
        code: u16,
        /// Why.
        reason: String,
    },
    /// A transfer goes on; at most a few in a second.
    Progress {
        /// The file's name.
        file: String,
        /// Octets so far.
        octets: u64,
        /// Its octets, where known.
        size: Option<u64>,
    },
    /// A file is whole.
    Complete {
        /// The other side.
        peer: SocketAddr,
        /// `read` or `write`.
        kind: &'static str,
        /// The file's name.
        file: String,
        /// Its octets on the wire.
        octets: u64,
        /// How long it took.
        seconds: f64,
        /// Octets in a second.
        rate: f64,
    },
    /// A transfer has come to nothing.
    Failed {
        /// The other side.
        peer: SocketAddr,
        /// `read` or `write`.
        kind: &'static str,
        /// The file's name.
        file: String,
        /// Octets that had passed.
        octets: u64,
        /// Why.
        reason: String,
    },
    /// A datagram that is no TFTP, or that there is no room for.
    Rejected {
        /// Who sent it.
        peer: SocketAddr,
        /// Why.
        reason: String,
    },
    /// The server ends when its transfers have.
    Stopping {
        /// How many are still under way.
        transfers: usize,
    },
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listening { address } => write!(f, "listening on {address}"),
            Self::Started { peer, kind, file, size, blksize, windowsize } => {
                write!(f, "{peer} {kind} {file:?}: ")?;
                match size {
                    Some(size) => write!(f, "{size} octets")?,
                    None => f.write_str("size unknown")?,
                }
                write!(f, ", blocks of {blksize}, windows of {windowsize}")
            }
            Self::Refused { peer, kind, file, code, reason } => {
                write!(f, "{peer} {kind} {file:?}: refused with ERROR {code}: {reason}")
            }
            Self::Progress { file, octets, size: Some(size) } => {
                write!(f, "{file:?}: {octets} of {size} octets")
            }
            Self::Progress { file, octets, size: None } => write!(f, "{file:?}: {octets} octets"),
            Self::Complete { peer, kind, file, octets, seconds, rate } => {
                let rate = rate / 1e6;
                write!(
                    f,
                    "{peer} {kind} {file:?}: {octets} octets in {seconds:.3} s, {rate:.2} MB/s"
                )
            }
            Self::Failed { peer, kind, file, octets, reason } => {
                write!(f, "{peer} {kind} {file:?}: failed after {octets} octets: {reason}")
            }
            Self::Rejected { peer, reason } => write!(f, "{peer}: {reason}"),
            Self::Stopping { transfers } => write!(f, "stopping; {transfers} transfers under way"),
        }
    }
}

/// Octets in a second.
pub(crate) fn rate(octets: u64, seconds: f64) -> f64 {
    octets as f64 / seconds.max(1e-6)
}
