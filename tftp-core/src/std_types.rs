//! Conversions for the types of `std` that hosts have in hand.

use std::io;

use crate::messenger;
use crate::{Error, ErrorCode, Failure};

/// What a server tells its client when its own file system refuses.
impl From<io::ErrorKind> for ErrorCode {
    fn from(kind: io::ErrorKind) -> Self {
        match kind {
            io::ErrorKind::NotFound => Self::FileNotFound,
            io::ErrorKind::AlreadyExists => Self::FileAlreadyExists,
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::DiskFull,
            io::ErrorKind::PermissionDenied
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::ReadOnlyFilesystem => Self::AccessViolation,
            _ => Self::NotDefined,
        }
    }
}

impl From<ErrorCode> for io::ErrorKind {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::FileNotFound => Self::NotFound,
            ErrorCode::AccessViolation | ErrorCode::NoSuchUser => Self::PermissionDenied,
            ErrorCode::DiskFull => Self::StorageFull,
            ErrorCode::FileAlreadyExists => Self::AlreadyExists,
            _ => Self::Other,
        }
    }
}

impl From<Failure<'_>> for io::Error {
    fn from(failure: Failure<'_>) -> Self {
        let kind = match failure {
            Failure::Peer { code, .. } => code.into(),
            Failure::TimedOut => io::ErrorKind::TimedOut,
            Failure::Unreachable => io::ErrorKind::HostUnreachable,
            Failure::TooLong => io::ErrorKind::FileTooLarge,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, alloc::format!("{failure}"))
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error {
            Error::Parse(_) => io::ErrorKind::InvalidData,
            Error::Full(_) | Error::SourceFull(_) => io::ErrorKind::ResourceBusy,
            Error::UnknownTransfer => io::ErrorKind::NotFound,
        };
        Self::new(kind, error)
    }
}

impl From<messenger::Error> for io::Error {
    fn from(error: messenger::Error) -> Self {
        let kind = match error {
            messenger::Error::TimedOut => io::ErrorKind::TimedOut,
            messenger::Error::Closed => io::ErrorKind::UnexpectedEof,
            messenger::Error::WrongName | messenger::Error::WrongCookie => {
                io::ErrorKind::PermissionDenied
            }
            messenger::Error::NotWanted
            | messenger::Error::Ended
            | messenger::Error::BufferTooSmall(_) => io::ErrorKind::InvalidInput,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_stays_so_both_ways() {
        assert_eq!(ErrorCode::from(io::ErrorKind::NotFound), ErrorCode::FileNotFound);
        let failure = Failure::Peer { code: ErrorCode::FileNotFound, message: b"no \x07" };
        let error = io::Error::from(failure);
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert_eq!(alloc::format!("{error}"), "the peer says: no \\x07 (1)");
        let error = io::Error::from(messenger::Error::WrongMac);
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(io::Error::from(Error::UnknownTransfer).kind(), io::ErrorKind::NotFound);
    }
}
