//! What the image takes of flash and RAM, by its sections.

use std::path::Path;

use anyhow::{Context, Result};
use object::{Object, ObjectSection, ObjectSymbol, SectionFlags};

/// Flash that the board has for it, in octets.
pub const FLASH_MAX: u64 = 256 * 1024;
/// RAM that the board has for it.
pub const RAM_MAX: u64 = 64 * 1024;
/// RAM that the SDK's machines and their storage may take of it.
pub const SDK_RAM_MAX: u64 = 32 * 1024;

/// What an image takes.
#[derive(Clone, Copy, Debug)]
pub struct Footprint {
    /// Code, constants, and what RAM begins with.
    pub flash: u64,
    /// What stands in RAM for good.
    pub statics: u64,
}

/// Reads it of the ELF file.
pub fn footprint(image: &Path) -> Result<Footprint> {
    const ALLOCATED: u64 = object::elf::SHF_ALLOC as u64;
    let octets = std::fs::read(image)?;
    let file = object::File::parse(&*octets)?;
    let symbol = |name: &str| {
        let found = file.symbols().find(|symbol| symbol.name() == Ok(name));
        found.map(|symbol| symbol.address()).with_context(|| format!("no symbol {name}"))
    };
    let ram = symbol("__sdata")? & !0xffff;
    let (mut flash, mut statics) = (0, 0);
    for section in file.sections() {
        let SectionFlags::Elf { sh_flags } = section.flags() else { continue };
        if sh_flags & ALLOCATED == 0 {
            continue;
        }
        let is_ram = section.address() >= ram;
        statics += if is_ram { section.size() } else { 0 };
        let is_stored = section.kind() != object::SectionKind::UninitializedData
            && section.name() != Ok(".uninit");
        flash += if is_stored { section.size() } else { 0 };
    }
    Ok(Footprint { flash, statics })
}
