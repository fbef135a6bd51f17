//! A request that is refused: the status code, and what has to stand beside it.

use crate::message::StatusCode;
use crate::storage::{Full, NotKept};

/// Why and how a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Refusal {
    /// The status code of the answer.
    pub code: StatusCode,
    /// The reason phrase, where it says more than the code's own.
    pub reason: Option<&'static str>,
    /// The header that the code needs.
    pub with: With,
}

/// A header that says how to do better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum With {
    /// None.
    Nothing,
    /// Accept: the media types that are understood (415, 406).
    Accept(&'static str),
    /// Allow: the methods that are understood (405, 501).
    Allow,
    /// Allow-Events: the event packages that are understood (489).
    AllowEvents,
    /// Min-Expires: the shortest interval, in seconds (423).
    MinExpires(u32),
    /// Proxy-Authenticate: the challenges (407).
    ProxyChallenge {
        /// Whether the credentials were good but for their nonce's age.
        stale: bool,
    },
    /// Retry-After: when to try again (503); the server's configuration says in how many seconds.
    RetryAfter,
    /// Unsupported: the option tags that the request requires of a proxy (420).
    UnsupportedByProxy,
    /// Unsupported: the option tags that the request requires of the server itself (420).
    Unsupported,
    /// WWW-Authenticate: the challenges (401).
    Challenge {
        /// Whether the credentials were good but for their nonce's age.
        stale: bool,
    },
}

impl Refusal {
    /// With the code's own reason phrase.
    #[must_use]
    pub const fn new(code: StatusCode) -> Self {
        Self { code, reason: None, with: With::Nothing }
    }

    /// 400, and what is bad.
    #[must_use]
    pub const fn bad(reason: &'static str) -> Self {
        Self { code: StatusCode::BAD_REQUEST, reason: Some(reason), with: With::Nothing }
    }

    /// 440: into no branch more may the request be forked (RFC 5393 section 5.5).
    pub(super) const fn breadth_exceeded() -> Self {
        let code = match StatusCode::new(440) {
            Some(code) => code,
            None => StatusCode::LOOP_DETECTED,
        };
        Self::new(code).because("Max-Breadth Exceeded")
    }

    /// The same with a header.
    #[must_use]
    pub const fn with(self, with: With) -> Self {
        Self { with, ..self }
    }

    /// The same with this reason phrase.
    #[must_use]
    pub const fn because(self, reason: &'static str) -> Self {
        Self { reason: Some(reason), ..self }
    }
}

impl From<Full> for Refusal {
    fn from(_: Full) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE).with(With::RetryAfter)
    }
}

impl From<NotKept> for Refusal {
    fn from(error: NotKept) -> Self {
        super::location::full_of(error).into()
    }
}
