//! The speed table: what Criterion measured, a row a benchmark.

use core::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// Reads every `new/estimates.json` below `results`; the folder's name is the benchmark's.
pub(crate) fn table(results: &Path) -> Result<String> {
    let mut rows = Vec::new();
    collect(results, results, &mut rows)?;
    ensure!(!rows.is_empty(), "no results in {}: run cargo bench first", results.display());
    rows.sort();
    let mut text = String::from("| benchmark | time |\n|---|---:|\n");
    for (name, nanoseconds) in rows {
        writeln!(text, "| {name} | {} |", time(f64::from_bits(nanoseconds)))?;
    }
    Ok(text)
}

fn collect(root: &Path, folder: &Path, rows: &mut Vec<(String, u64)>) -> Result<()> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        let estimates = path.join("new").join("estimates.json");
        if estimates.is_file() {
            let name = path.strip_prefix(root)?.display().to_string().replace('_', " ");
            rows.push((name, estimate(&estimates)?.to_bits()));
        } else {
            collect(root, &path, rows)?;
        }
    }
    Ok(())
}

/// The estimate in nanoseconds: the slope where Criterion fitted one, else the mean.
fn estimate(file: &Path) -> Result<f64> {
    let text = std::fs::read_to_string(file)?;
    let json: serde_json::Value = serde_json::from_str(&text)?;
    ["slope", "mean"]
        .iter()
        .find_map(|kind| json[kind]["point_estimate"].as_f64())
        .with_context(|| format!("{} has no estimate", file.display()))
}

fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns < 100.0 => format!("{ns:.1} ns"),
        ns if ns < 10_000.0 => format!("{ns:.0} ns"),
        ns => format!("{:.1} µs", ns / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit_that_suits_them() {
        assert_eq!(time(4.46), "4.5 ns");
        assert_eq!(time(786.6), "787 ns");
        assert_eq!(time(11_220.0), "11.2 µs");
    }
}
