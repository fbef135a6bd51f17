//! How it ended, for scripts.

use std::process::ExitCode;

use sip_core::agent::Failure;

/// The exit status, as `softphone --help` lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Well = 0,
    Local = 1,
    Credentials = 3,
    NoAnswer = 4,
    Declined = 5,
    Refused = 6,
    Network = 7,
    Media = 8,
}

impl Exit {
    /// What a failure of SIP comes to.
    pub(crate) fn of(failure: &Failure) -> Self {
        match failure {
            Failure::Refused(code) => Self::of_code(code.get()),
            Failure::Timeout => Self::NoAnswer,
            Failure::Transport => Self::Network,
            _ => Self::Local,
        }
    }

    /// What a status code comes to.
    pub(crate) fn of_code(code: u16) -> Self {
        match code {
            200..=299 => Self::Well,
            401 | 403 | 407 => Self::Credentials,
            408 | 480 | 487 | 504 => Self::NoAnswer,
            486 | 600 | 603 => Self::Declined,
            488 | 606 | 415 => Self::Media,
            _ => Self::Refused,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What went wrong, with the status to end with.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) exit: Exit,
    pub(crate) what: String,
}

impl Wrong {
    pub(crate) fn error(exit: Exit, what: impl Into<String>) -> anyhow::Error {
        Self { exit, what: what.into() }.into()
    }
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Wrong {}

/// What to do about a failure of SIP, behind what it says itself.
pub(crate) fn advice(failure: &Failure) -> String {
    let what = match failure {
        Failure::Refused(code) => match code.get() {
            401 | 407 => ": check the password (SOFTPHONE_PASSWORD, --password-file) and --user",
            403 => ": the server does not let this account do that",
            404 => ": there is no such user; check the address",
            480 => ": it is not there at the moment",
            488 | 606 => {
                ": it takes none of our codecs, or not our choice of SRTP (--codecs, --srtp)"
            }
            _ => "",
        },
        Failure::Timeout => ": check the address, --server, --transport, and firewalls between",
        Failure::Transport => {
            ": nobody listens there, or the certificate is not trusted; check --server, --transport and --ca"
        }
        _ => "",
    };
    format!("{failure}{what}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip_core::message::StatusCode;

    #[test]
    fn failures_have_their_status() {
        let refused = |code| Failure::Refused(StatusCode::new(code).unwrap());
        for (failure, exit) in [
            (refused(401), 3),
            (refused(408), 4),
            (refused(486), 5),
            (refused(603), 5),
            (refused(404), 6),
            (refused(488), 8),
            (Failure::Timeout, 4),
            (Failure::Transport, 7),
        ] {
            assert_eq!(Exit::of(&failure) as u8, exit, "{failure:?}");
        }
    }
}
