//! Writes the tables of README.md from what was measured.
//!
//! A table stands between `<!-- figures NAME -->` and `<!-- /figures -->`; each subcommand makes one
//! anew, from the results that Criterion left behind, from the symbols of a firmware image, or
//! from simulated networks.

#![forbid(unsafe_code)]
#![expect(clippy::std_instead_of_alloc, reason = "a host has std")]

mod elf;
mod image;
mod jitter;
mod readme;
mod speed;
mod tftp;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

/// Writes the tables of README.md from what was measured.
#[derive(Parser)]
#[command(
    version,
    after_help = "Examples:
  cargo bench && figures speed
  figures sizes target/thumbv7m-none-eabi/release/sizes
  examples/tftp/speed.sh > speed.tsv && figures tftp speed.tsv
  figures jitter"
)]
struct Arguments {
    /// The file whose tables are written.
    #[arg(long, default_value = "README.md", global = true)]
    readme: PathBuf,
    /// Print the table and leave the file alone.
    #[arg(long, global = true)]
    print: bool,
    #[command(subcommand)]
    table: Table,
}

#[derive(Subcommand)]
enum Table {
    /// The speed table, from the results of the last `cargo bench`.
    Speed {
        /// Where Criterion has put its results.
        #[arg(long, default_value = "target/criterion")]
        results: PathBuf,
    },
    /// The memory table, from the symbols `SIZE_OF_…` and `FLASH_OF_…` of a firmware image.
    Sizes {
        /// The image, an ELF file.
        image: PathBuf,
    },
    /// What the flash and the RAM of the phone's image go to.
    Image {
        /// The image, an ELF file.
        image: PathBuf,
    },
    /// The speed of TFTP servers, from what `examples/tftp/speed.sh` has printed.
    Tftp {
        /// Its output.
        results: PathBuf,
    },
    /// Any table, from fields with tabs between them; the first line has their names.
    Tsv {
        /// The name that it has in the file.
        name: String,
        /// The fields.
        file: PathBuf,
    },
    /// What the jitter buffer makes of six hours of bad networks in virtual time: a table, and a
    /// picture.
    Jitter {
        /// Where the picture is written.
        #[arg(long, default_value = "rtp-core/jitter.svg")]
        picture: PathBuf,
    },
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let (name, table) = match &arguments.table {
        Table::Speed { results } => ("speed", speed::table(results)?),
        Table::Sizes { image } => ("sizes", elf::table(image)?),
        Table::Image { image } => ("image", image::table(image)?),
        Table::Tftp { results } => ("tftp", tftp::speed(results)?),
        Table::Tsv { name, file } => (name.as_str(), tftp::plain(file)?),
        Table::Jitter { picture } => {
            let (table, drawing) = jitter::table_and_picture();
            if !arguments.print {
                std::fs::write(picture, drawing)
                    .with_context(|| format!("writing {}", picture.display()))?;
            }
            ("jitter", table)
        }
    };
    if arguments.print {
        print!("{table}");
        return Ok(());
    }
    readme::replace(&arguments.readme, name, &table)
}
