//! Puts the memory map where the linker looks for it.

use std::path::PathBuf;

/// Not in the package's folder, where the linker would find it before the one that is made here.
const MEMORY: &str = "src/board/memory.x";

fn main() {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let mut memory = std::fs::read_to_string(MEMORY).expect("it can be read");
    if std::env::var_os("CARGO_FEATURE_PANIC_FREE").is_some() {
        // It links all wire layers, more than a phone needs, and is not run.
        memory = memory.replace("256K", "1024K");
    }
    std::fs::write(out.join("memory.x"), memory).expect("memory.x can be written");
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rerun-if-changed={MEMORY}");
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rustc-link-arg-bins=-Tdefmt.x");
    println!("cargo:rustc-link-arg-bins=--nmagic");
}
