//! The octets to decode: from a file or standard input, as they are or in hexadecimal.

use std::fs::File;
use std::io::Read as _;

use anyhow::{Context as _, Result, bail};

/// More than any message of these protocols has: an IM or a block of a file fits many times.
const LIMIT: u64 = 16 * 1024 * 1024;

/// Reads `file` whole (`-` is standard input); `hex` says that it holds hexadecimal text.
pub(crate) fn read(file: &str, hex: bool) -> Result<Vec<u8>> {
    let (name, octets) = if file == "-" {
        ("standard input", up_to_limit(std::io::stdin().lock()).context("standard input")?)
    } else {
        let opened = File::open(file).with_context(|| format!("cannot open {file}"))?;
        (file, up_to_limit(opened).with_context(|| format!("cannot read {file}"))?)
    };
    if hex { from_hex(&octets).with_context(|| name.to_owned()) } else { Ok(octets) }
}

fn up_to_limit(source: impl std::io::Read) -> Result<Vec<u8>> {
    let mut octets = Vec::new();
    source.take(LIMIT + 1).read_to_end(&mut octets)?;
    if u64::try_from(octets.len()).is_ok_and(|len| len > LIMIT) {
        bail!("longer than {} MiB, which no message is", LIMIT / (1024 * 1024));
    }
    Ok(octets)
}

/// Octets from hexadecimal digits, between which blanks and line ends may stand.
fn from_hex(text: &[u8]) -> Result<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len() / 2);
    let mut high = None;
    let (mut line, mut column) = (1u64, 0u64);
    for &byte in text {
        column += 1;
        if byte == b'\n' {
            (line, column) = (line + 1, 0);
        }
        if byte.is_ascii_whitespace() {
            continue;
        }
        let Some(digit) = char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok()) else {
            let shown = byte.escape_ascii();
            bail!("line {line}, column {column}: '{shown}' is not a hexadecimal digit");
        };
        match high.take() {
            None => high = Some(digit),
            Some(high) => octets.push(high << 4 | digit),
        }
    }
    if high.is_some() {
        bail!("an odd number of hexadecimal digits: half an octet is left over");
    }
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_line_ends_between_digits_do_not_count() {
        let octets = from_hex(b" 0a 0B\r\n\tff0\n0 ").expect("it is hexadecimal");
        assert_eq!(octets, [0x0a, 0x0b, 0xff, 0x00]);
        assert_eq!(from_hex(b"").expect("nothing is no fault"), [0; 0]);
    }

    #[test]
    fn a_wrong_digit_is_named_with_its_place() {
        let error = from_hex(b"00 11\n2x").expect_err("x is no digit").to_string();
        assert_eq!(error, "line 2, column 2: 'x' is not a hexadecimal digit");
    }

    #[test]
    fn half_an_octet_is_refused() {
        assert!(from_hex(b"001").is_err());
    }
}
