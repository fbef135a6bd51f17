//! TFTP's tables: the speed of servers, and the plain ones of other measurements.

use core::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// A line of `examples/tftp/speed.sh`.
struct Cell {
    mib: String,
    options: String,
    who: String,
    /// What was measured; nothing where the file did not come whole in time.
    measured: Option<Measured>,
}

struct Measured {
    megabytes_a_second: f64,
    /// Of the server, where that is known.
    cpu_seconds_a_gigabyte: Option<f64>,
}

/// A table for each size: a row for each server and client, a column for each blksize and
/// windowsize; the fastest of a column is bold.
pub(crate) fn speed(results: &Path) -> Result<String> {
    let text = std::fs::read_to_string(results)
        .with_context(|| format!("reading {}", results.display()))?;
    let cells: Vec<Cell> = text
        .lines()
        .map(|line| cell(line).with_context(|| format!("this line is no result: {line}")))
        .collect::<Result<_>>()?;
    ensure!(!cells.is_empty(), "{} has no results", results.display());
    let mut tables = String::new();
    for mib in distinct(cells.iter().map(|cell| &cell.mib)) {
        let cells: Vec<&Cell> = cells.iter().filter(|cell| cell.mib == *mib).collect();
        let columns = distinct(cells.iter().map(|cell| &cell.options));
        if !tables.is_empty() {
            tables.push('\n');
        }
        writeln!(tables, "| {mib} MiB | {} |", list(&columns, |column| (*column).clone()))?;
        writeln!(tables, "|---|{}", "---:|".repeat(columns.len()))?;
        for who in distinct(cells.iter().map(|cell| &cell.who)) {
            let row = list(&columns, |column| {
                let of_column = || cells.iter().filter(|cell| cell.options == **column);
                let best = of_column().map(|cell| rounded(cell)).fold(0.0, f64::max);
                match of_column().find(|cell| cell.who == *who) {
                    Some(cell) => show(cell, rounded(cell) == best),
                    None => String::new(),
                }
            });
            writeln!(tables, "| {who} | {row} |")?;
        }
    }
    Ok(tables)
}

/// Fields with tabs between them, the first line being their names; numbers stand to the right.
pub(crate) fn plain(file: &Path) -> Result<String> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    let (head, body) = rows.split_first().context("the file is empty")?;
    ensure!(!body.is_empty(), "{} has no rows", file.display());
    ensure!(body.iter().all(|row| row.len() == head.len()), "a row has too many fields or too few");
    let mut table = format!("| {} |\n|", head.join(" | "));
    for column in 0..head.len() {
        let numbers = body.iter().all(|row| {
            row.get(column).is_some_and(|field| field.starts_with(|c: char| c.is_ascii_digit()))
        });
        table.push_str(if numbers { "---:|" } else { "---|" });
    }
    table.push('\n');
    for row in body {
        writeln!(table, "| {} |", row.join(" | "))?;
    }
    Ok(table)
}

fn cell(line: &str) -> Option<Cell> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [mib, blksize, windowsize, server, client, octets, seconds, server_cpu, _] = *fields else {
        return None;
    };
    let (octets, seconds): (f64, f64) = (octets.parse().ok()?, seconds.parse().ok()?);
    let who = match (server, client) {
        ("ours", "ours") => "ours, our client".to_owned(),
        (server, _) => server.replacen("ours-", "ours, ", 1).replace("single-port", "single port"),
    };
    let measured = (octets > 0.0 && seconds > 0.0).then(|| Measured {
        megabytes_a_second: octets / seconds / 1e6,
        cpu_seconds_a_gigabyte: server_cpu.parse().ok().map(|cpu: f64| cpu / octets * 1e9),
    });
    Some(Cell { mib: mib.into(), options: format!("{blksize}/{windowsize}"), who, measured })
}

fn rounded(cell: &Cell) -> f64 {
    cell.measured.as_ref().map_or(0.0, |measured| measured.megabytes_a_second.round())
}

fn show(cell: &Cell, best: bool) -> String {
    let Some(measured) = &cell.measured else { return "stalls".into() };
    let mark = if best { "**" } else { "" };
    let speed = measured.megabytes_a_second;
    match measured.cpu_seconds_a_gigabyte {
        Some(cpu) if cpu < 10.0 => format!("{mark}{speed:.0}{mark} ({cpu:.2})"),
        Some(cpu) => format!("{mark}{speed:.0}{mark} ({cpu:.1})"),
        None => format!("{mark}{speed:.0}{mark}"),
    }
}

fn list<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
    items.iter().map(show).collect::<Vec<_>>().join(" | ")
}

fn distinct<'a>(items: impl Iterator<Item = &'a String>) -> Vec<&'a String> {
    let mut seen = Vec::new();
    for item in items {
        if !seen.contains(&item) {
            seen.push(item);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_becomes_a_cell() {
        let text = "64\t512\t1\tours\tatftp\t67108864\t2\t1\t1\n\
                    64\t512\t1\tdnsmasq\tatftp\t67108864\t4\tunknown\t1\n\
                    64\t512\t16\tours\tatftp\t67108864\t1\t0.1\t1\n\
                    64\t512\t16\tdnsmasq\tatftp\t0\t0\t0\t0\n";
        let file = std::env::temp_dir().join(format!("figures-{}.tsv", std::process::id()));
        std::fs::write(&file, text).unwrap();
        let table = speed(&file);
        std::fs::remove_file(&file).unwrap();
        assert_eq!(
            table.unwrap(),
            "| 64 MiB | 512/1 | 512/16 |\n|---|---:|---:|\n\
             | ours | **34** (14.9) | **67** (1.49) |\n| dnsmasq | 17 | stalls |\n"
        );
        assert!(cell("64\t512").is_none());
    }
}
