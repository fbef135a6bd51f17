//! The phone's log, which leaves it as numbers that stand for texts in its image.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use defmt_decoder::{DecodeError, Table};

/// Decodes it as it comes.
pub struct Trace {
    table: Table,
    file: PathBuf,
    read: u64,
    kept: Vec<u8>,
}

impl Trace {
    /// For the log that the image writes into the file.
    pub fn new(image: &Path, file: &Path) -> Result<Self> {
        let octets = std::fs::read(image)?;
        let table = Table::parse(&octets)?.context("the image has no texts for its log")?;
        Ok(Self { table, file: file.to_owned(), read: 0, kept: Vec::new() })
    }

    /// The lines that have come since the last call.
    pub fn lines(&mut self) -> Result<Vec<String>> {
        let mut file = std::fs::File::open(&self.file)?;
        file.seek(SeekFrom::Start(self.read))?;
        let before = self.kept.len();
        file.read_to_end(&mut self.kept)?;
        self.read += (self.kept.len() - before) as u64;
        // Frames end with a zero: what comes behind the last one is not whole yet.
        let whole = self.kept.iter().rposition(|octet| *octet == 0).map_or(0, |at| at + 1);
        let rest = self.kept.split_off(whole);
        let frames = core::mem::replace(&mut self.kept, rest);
        let mut decoder = self.table.new_stream_decoder();
        decoder.received(&frames);
        let mut lines = Vec::new();
        loop {
            match decoder.decode() {
                Ok(frame) => lines.push(frame.display(false).to_string()),
                Err(DecodeError::UnexpectedEof) => return Ok(lines),
                Err(DecodeError::Malformed) => lines.push("(a frame that cannot be read)".into()),
            }
        }
    }
}
