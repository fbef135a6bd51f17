//! What the files of transfers are made of.

use std::io;

use tftp_core::Read;
use tftp_core::netascii::Decoder;

use crate::jail::{Refusal, Upload};

/// How much of a file is read at once.
const READ_AHEAD: usize = 64 * 1024;

/// A transfer's file.
#[derive(Debug)]
pub(crate) enum Content {
    File { file: std::fs::File, ahead: Vec<u8>, at: u64, len: usize },
    Memory(Vec<u8>),
    Upload { upload: Upload, decoder: Option<Decoder> },
}

impl Content {
    /// Reads a part of the file into a datagram.
    pub(crate) fn fill(&mut self, read: &Read, place: &mut [u8]) -> io::Result<()> {
        match self {
            Self::Memory(octets) => {
                let from = usize::try_from(read.offset).unwrap_or(usize::MAX);
                let part = octets.get(from..).and_then(|rest| rest.get(..read.len));
                place.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
            Self::File { file, .. } if read.len > READ_AHEAD / 4 => {
                read_at(file, place, read.offset)
            }
            Self::File { file, ahead, at, len } => {
                let end = read.offset + read.len as u64;
                if read.offset < *at || end > *at + *len as u64 {
                    ahead.resize(READ_AHEAD, 0);
                    *at = read.offset;
                    *len = read_some_at(file, ahead, read.offset)?;
                }
                let from = usize::try_from(read.offset - *at).unwrap_or(usize::MAX);
                let part = ahead[..*len].get(from..).and_then(|rest| rest.get(..read.len));
                place.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
            Self::Upload { .. } => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Adds a block to the file.
    pub(crate) fn store(&mut self, data: &[u8], last: bool) -> Result<(), Refusal> {
        let Self::Upload { upload, decoder } = self else { return Ok(()) };
        match decoder {
            None => upload.write(data)?,
            Some(decoder) => {
                let mut local = vec![0; data.len() + 1];
                let (_, written) = decoder.decode(data, &mut local);
                upload.write(&local[..written])?;
                if last && let Some(octet) = decoder.finish() {
                    upload.write(&[octet])?;
                }
            }
        }
        if last {
            upload.finish()?;
        }
        Ok(())
    }
}

#[cfg(unix)]
fn read_some_at(file: &std::fs::File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    use std::os::unix::fs::FileExt as _;
    file.read_at(into, offset)
}

#[cfg(windows)]
fn read_some_at(file: &std::fs::File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    use std::os::windows::fs::FileExt as _;
    file.seek_read(into, offset)
}

/// Fills the whole slice.
pub(crate) fn read_at(
    file: &std::fs::File,
    mut into: &mut [u8],
    mut offset: u64,
) -> io::Result<()> {
    while !into.is_empty() {
        let read = read_some_at(file, into, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        into = &mut into[read..];
        offset += read as u64;
    }
    Ok(())
}
