//! A board kept in a file: the PDUs that draw it again.
//!
//! ```text
//!   "T126" | length | PDU | length | PDU | …       lengths of 4 octets, the highest first
//! ```

use anyhow::{Context, Result, ensure};
use t120_core::conference::Conference;
use t120_core::whiteboard::pdu::SiPdu;

const MAGIC: &[u8; 4] = b"T126";

/// The file of a board.
pub fn write(node: &Conference<'_>) -> Vec<u8> {
    let mut file = MAGIC.to_vec();
    for pdu in node.board().pdus() {
        file.extend_from_slice(&(pdu.len() as u32).to_be_bytes());
        file.extend_from_slice(pdu);
    }
    file
}

/// The PDUs in a file.
pub fn read(file: &[u8]) -> Result<Vec<Vec<u8>>> {
    let mut rest = file.strip_prefix(MAGIC).context("this is no kept board")?;
    let mut pdus = Vec::new();
    while !rest.is_empty() {
        let short = "the kept board is cut short";
        let (len, behind) = rest.split_first_chunk().context(short)?;
        let len = usize::try_from(u32::from_be_bytes(*len))?;
        let (pdu, behind) = behind.split_at_checked(len).context(short)?;
        ensure!(SiPdu::parse(pdu).is_ok(), "the kept board has something that is no PDU of one");
        pdus.push(pdu.to_vec());
        rest = behind;
    }
    Ok(pdus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_kept_board_is_refused() {
        assert!(read(b"PNG").is_err());
        assert!(read(b"T126\0\0\0\x05abc").is_err());
        assert!(read(b"T126\0\0\0\x02\xff\xff").is_err());
        assert!(read(b"T126").unwrap().is_empty());
    }
}
