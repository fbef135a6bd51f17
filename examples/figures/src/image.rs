//! The table of a firmware image: what its flash and its RAM go to, by the owners of its symbols.

use core::fmt::Write;
use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};

/// Owners and the crates by whose names they are known, in the order of the table; what stands in
/// no row is the last one's. The first four are the SDK's own, the fifth is what they bring along.
const OWNERS: [(&str, &[&str]); 7] = [
    ("sip-core", &["sip_core"]),
    ("rtp-core", &["rtp_core"]),
    ("tftp-core", &["tftp_core"]),
    ("t120-core", &["t120_core"]),
    (
        "ciphers, hashes, random numbers, searches",
        &[
            "phone_ciphers",
            "aes",
            "cipher",
            "ctr",
            "sha1",
            "sha2",
            "md5",
            "rand_chacha",
            "rand_core",
            "ppv_lite86",
            "siphasher",
            "subtle",
            "zeroize",
            "memchr",
            "base64ct",
            "digest",
        ],
    ),
    (
        "embassy and smoltcp",
        &["smoltcp", "embassy_net", "embassy_executor", "embassy_sync", "embassy_time"],
    ),
    ("the phone, `core` and the rest", &[]),
];
/// How many of the owners are the SDK's own crates.
const SDK: usize = 4;

/// Sums up the symbols of an image.
pub(crate) fn table(image: &Path) -> Result<String> {
    let octets = std::fs::read(image).with_context(|| format!("reading {}", image.display()))?;
    let file = object::File::parse(&*octets)
        .with_context(|| format!("{} is no ELF image", image.display()))?;
    let ram = |address: u64| address >= 0x2000_0000;
    // Several names may stand for the same octets.
    let (mut flash, mut statics) = (BTreeMap::new(), BTreeMap::new());
    for symbol in file.symbols().filter(|symbol| symbol.size() > 0) {
        let Ok(name) = symbol.name() else { continue };
        let place = if ram(symbol.address()) { &mut statics } else { &mut flash };
        if matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Data) {
            place.insert(symbol.address(), (owner(name), symbol.size()));
        }
    }
    ensure!(!flash.is_empty(), "{} has no symbols", image.display());
    let sum = |place: &BTreeMap<u64, (usize, u64)>, wanted: usize| -> u64 {
        place.values().filter(|(owner, _)| *owner == wanted).map(|(_, size)| size).sum()
    };
    let mut text = String::from("| of the phone's image | octets of flash |\n|---|---:|\n");
    for (at, (name, _)) in OWNERS.iter().enumerate() {
        writeln!(text, "| {name} | {} |", sum(&flash, at))?;
    }
    let sdk: u64 = (0..SDK).map(|at| sum(&flash, at)).sum();
    let brought = sum(&flash, SDK);
    let all: u64 = flash.values().map(|(_, size)| size).sum();
    let all_ram: u64 = statics.values().map(|(_, size)| size).sum();
    writeln!(text, "| **the four crates** | **{sdk}** of {} |", 128 * 1024)?;
    writeln!(text, "| the four crates with their ciphers and hashes | {} |", sdk + brought)?;
    writeln!(text, "| **all symbols** | **{all}** of {} |", 256 * 1024)?;
    writeln!(
        text,
        "| *RAM of the SDK's machines and their storage* | *{}* of {} |",
        word(&file, "SDK_RAM")?,
        32 * 1024
    )?;
    writeln!(text, "| *RAM that stands for good, all of it* | *{all_ram}* of {} |", 64 * 1024)?;
    Ok(text)
}

/// The number that a symbol stands for.
fn word(file: &object::File<'_>, name: &str) -> Result<u32> {
    let symbol = file.symbol_by_name(name).with_context(|| format!("no symbol {name}"))?;
    let section = file.section_by_index(symbol.section_index().context("it has no section")?)?;
    let octets = section.data_range(symbol.address(), 4)?.context("it is not in its section")?;
    Ok(u32::from_le_bytes(octets.try_into()?))
}

/// Whose a symbol is: the first crate that its mangled name names decides.
fn owner(name: &str) -> usize {
    let first = OWNERS.iter().enumerate().flat_map(|(at, (_, crates))| {
        crates.iter().filter_map(move |krate| Some((position(name, krate)?, at)))
    });
    first.min().map_or(OWNERS.len() - 1, |(_, at)| at)
}

/// Where a mangled name has this crate's: its length stands before it.
fn position(name: &str, krate: &str) -> Option<usize> {
    name.find(&format!("{}{krate}", krate.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_is_its_first_crates() {
        for (name, expected) in [
            ("_ZN8sip_core7message7Message5parse17h0E", "sip-core"),
            ("_ZN4core3ptr50drop_in_place$LT$8rtp_core7sessionE", "rtp-core"),
            (
                "_ZN62_$LT$4sha16Sha1$u20$as$u20$8sip_coreE",
                "ciphers, hashes, random numbers, searches",
            ),
            ("_ZN5phone4main17h0E", "the phone, `core` and the rest"),
            ("memcpy", "the phone, `core` and the rest"),
        ] {
            assert_eq!(OWNERS[owner(name)].0, expected, "{name}");
        }
    }
}
