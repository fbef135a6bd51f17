//! How good calls are, for people: a line, or a table that is drawn anew in its place.

use std::fmt::Write;

use host::quality::Report;

/// A table on a terminal.
#[derive(Debug, Default)]
pub(crate) struct Table {
    lines: usize,
}

impl Table {
    /// What takes the table off the terminal.
    pub(crate) fn clear(&mut self) -> String {
        match std::mem::take(&mut self.lines) {
            0 => String::new(),
            lines => format!("\x1b[{lines}A\x1b[J"),
        }
    }

    /// What draws it in the place of the one before.
    pub(crate) fn draw(&mut self, calls: &[(u32, String, Report)]) -> String {
        let mut text = self.clear();
        if calls.is_empty() {
            return text;
        }
        let _ = writeln!(
            text,
            "{:>4}  {:<24} {:<5} {:>6} {:>7} {:>8} {:>9} {:>9} {:>6} {:>5}",
            "call", "with", "codec", "time", "lost", "jitter", "buffer", "r. trip", "there", "MOS"
        );
        for (call, with, report) in calls {
            let with: String = with.chars().take(24).collect();
            let _ = writeln!(
                text,
                "{call:>4}  {with:<24} {:<5} {:>4.0} s {:>6.2}% {:>5.1} ms {:>6.0} ms {:>9} {:>6} {:>5}",
                report.codec,
                report.seconds,
                report.loss_percent,
                report.jitter_ms,
                report.buffer_ms,
                or_dash(report.round_trip_ms, 1, " ms"),
                or_dash(report.remote_loss_percent, 1, "%"),
                or_dash(report.mos, 2, ""),
            );
        }
        self.lines = calls.len() + 1;
        text
    }
}

/// One report in one line.
pub(crate) fn line(report: &Report) -> String {
    format!(
        "sent {} received {} lost {} ({:.2} %) late {} jitter {:.1} ms round trip {} lost there {} MOS {}",
        report.sent,
        report.received,
        report.lost,
        report.loss_percent,
        report.late,
        report.jitter_ms,
        or_dash(report.round_trip_ms, 1, " ms"),
        or_dash(report.remote_loss_percent, 1, " %"),
        or_dash(report.mos, 2, ""),
    )
}

fn or_dash(value: Option<f64>, digits: usize, unit: &str) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}{unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_takes_the_place_of_the_one_before() {
        let mut table = Table::default();
        let report = Report { codec: "PCMU", mos: Some(4.31), ..Report::default() };
        let calls = [(1, "bob@example.com".to_owned(), report)];
        let first = table.draw(&calls);
        assert!(first.contains("bob@example.com") && first.contains("4.31"), "{first}");
        assert_eq!(first.lines().count(), 2);
        let mut widths = first.lines().map(|line| line.chars().count());
        assert_eq!(widths.next(), widths.next(), "{first}");
        assert!(table.draw(&calls).starts_with("\x1b[2A\x1b[J"));
        assert_eq!(table.draw(&[]), "\x1b[2A\x1b[J");
        assert_eq!(table.clear(), "");
    }
}
