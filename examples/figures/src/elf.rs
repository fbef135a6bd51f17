//! The memory table: what the symbols of a firmware image say.

use core::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use object::{Object, ObjectSymbol};

/// A row for each symbol `SIZE_OF_…`: its name in words, its size in octets.
pub(crate) fn table(image: &Path) -> Result<String> {
    let octets = std::fs::read(image).with_context(|| format!("reading {}", image.display()))?;
    let file = object::File::parse(&*octets)
        .with_context(|| format!("{} is no ELF image", image.display()))?;
    let mut rows: Vec<(String, u64)> = file
        .symbols()
        .filter_map(|symbol| {
            let name = symbol.name().ok()?.strip_prefix("SIZE_OF_")?;
            Some((words(name), symbol.size()))
        })
        .collect();
    ensure!(!rows.is_empty(), "{} has no symbol SIZE_OF_…", image.display());
    rows.sort();
    let mut text = String::from("| on thumbv7m | octets |\n|---|---:|\n");
    for (name, size) in rows {
        writeln!(text, "| {name} | {size} |")?;
    }
    Ok(text)
}

/// A symbol's name as words: the first is a crate's, and KiB is a unit.
fn words(name: &str) -> String {
    let name = name.to_lowercase().replace('_', " ").replace(" kib", " KiB");
    match name.split_once(' ') {
        Some((protocol, rest)) => format!("{}: {rest}", protocol.to_uppercase()),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_becomes_words() {
        assert_eq!(words("SIP_AGENT_STORAGE_OF_8_KIB"), "SIP: agent storage of 8 KiB");
    }
}
