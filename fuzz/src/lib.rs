//! What the fuzz targets do with their octets.
//!
//! A target of a parser reads, writes what it has read, and reads that again: it must be the same. A
//! target of a machine drives it by a script, see [`drive`]; nothing may panic, storage may not be
//! exceeded, and timers have to come to rest.

#![forbid(unsafe_code)]

pub mod drive;
pub mod payload;
pub mod rtp;
pub mod sip;
pub mod srtp;
pub mod t120;
pub mod tftp;

/// Writes with a buffer of the length that was announced, and checks that it was kept to.
///
/// # Panics
/// The writer does not fill what it has announced.
pub fn exactly<E: core::fmt::Debug>(
    encoded_len: usize,
    write: impl FnOnce(&mut [u8]) -> Result<usize, E>,
) -> Vec<u8> {
    let mut buffer = vec![0xa5; encoded_len];
    let written = write(&mut buffer).expect("a buffer of the announced length is enough");
    assert_eq!(written, encoded_len, "another length was announced");
    buffer
}
