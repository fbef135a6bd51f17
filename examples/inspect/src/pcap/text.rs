//! The ladder as text, no wider than the terminal.
//!
//! ```text
//!  time s     192.0.2.1                      192.0.2.2
//!   0.000         │───────── INVITE (SDP) ───────▶│
//!                 │ audio 192.0.2.1:4000 PCMU sendrecv
//!   0.120         │◀──────── 180 Ringing ─────────│
//! ```

use console::measure_text_width;

use super::calls::Call;
use super::ladder::{Class, Ladder, Row, harmless, outcome, seconds};
use super::streams::Stream;

/// What the time takes.
const TIME: usize = 10;
/// The least and the greatest width of a column.
const LEAST: usize = 6;
const GREATEST: usize = 60;

/// Cells of one line: a character that takes two leaves the second empty.
struct Line(Vec<Option<char>>);

impl Line {
    fn new(width: usize) -> Self {
        Self(vec![Some(' '); width])
    }

    fn put(&mut self, at: usize, character: char) {
        if let Some(cell) = self.0.get_mut(at) {
            *cell = Some(character);
        }
    }

    fn write(&mut self, at: usize, text: &str) {
        let mut place = at;
        let mut buffer = [0; 4];
        for character in text.chars() {
            // Nearly all of it is ASCII, whose width is known without asking.
            let width = match character {
                ' '..='~' => 1,
                other => measure_text_width(other.encode_utf8(&mut buffer)),
            };
            match width {
                1 => self.put(place, character),
                2 if place + 1 < self.0.len() => {
                    self.put(place, character);
                    if let Some(cell) = self.0.get_mut(place + 1) {
                        *cell = None;
                    }
                    place += 1;
                }
                0 => continue,
                _ => self.put(place, '…'),
            }
            place += 1;
        }
    }

    fn finish(self) -> String {
        let text: String = self.0.into_iter().flatten().collect();
        text.trim_end().to_owned()
    }
}

/// A call and its streams: heading, ladder, figures.
pub(super) fn call(
    number: usize,
    call: &Call,
    streams: &[(usize, &Stream)],
    width: usize,
) -> String {
    let only: Vec<&Stream> = streams.iter().map(|(_, stream)| *stream).collect();
    let ladder = Ladder::new(call, &only);
    let mut out = Vec::new();
    out.push(fit(&format!("call {number}  {}", harmless(&call.id)), width));
    out.push(fit(&format!("  {} → {}", harmless(&call.from), harmless(&call.to)), width));
    out.push(fit(&format!("  {}", harmless(&outcome(call))), width));
    out.push(String::new());
    draw(&ladder, width, &mut out);
    if !streams.is_empty() {
        out.push(String::new());
        for (number, stream) in streams {
            figures(*number, stream, width, &mut out);
        }
    }
    out.push(String::new());
    out.join("\n")
}

/// The figures of one stream, in a few lines.
pub(super) fn figures(number: usize, stream: &Stream, width: usize, out: &mut Vec<String>) {
    let figures = stream.meter.figures();
    let guessed = if stream.clock_known { "" } else { " (a guess)" };
    let codec = harmless(&stream.codec);
    let key = stream.key;
    let head = format!(
        "  stream {number}  {} → {}  {codec}/{}{guessed}  SSRC {:08x}",
        key.from, key.to, stream.clock_rate, key.ssrc
    );
    wrap(&head, 4, width, out);
    let mut words = format!(
        "    {} packets in {} s; lost {} ({:.1} %), {} twice, {} out of order; jitter {:.1} ms in \
         the mean, {:.1} at most; longest gap {} ms",
        figures.packets,
        seconds(figures.duration),
        figures.lost,
        figures.loss_percent(),
        figures.duplicates,
        figures.reordered,
        figures.mean_jitter_ms,
        figures.max_jitter_ms,
        figures.longest_gap.as_millis(),
    );
    if figures.restarts > 0 {
        words.push_str(&format!("; began anew {} times", figures.restarts));
    }
    wrap(&words, 4, width, out);
    if let Some(heard) = stream.heard {
        let clock = f64::from(stream.clock_rate.max(1));
        let mut words = format!(
            "    its receiver reports: lost {}, jitter {:.1} ms at most",
            heard.lost,
            f64::from(heard.max_jitter) * 1000.0 / clock
        );
        if let Some(round_trip) = heard.round_trip {
            words.push_str(&format!(", round trip {:.1} ms", round_trip.as_secs_f64() * 1000.0));
        }
        let plural = if heard.reports == 1 { "" } else { "s" };
        words.push_str(&format!(" ({} report{plural})", heard.reports));
        wrap(&words, 4, width, out);
    }
}

fn draw(ladder: &Ladder, width: usize, out: &mut Vec<String>) {
    let count = ladder.participants.len();
    if count == 0 {
        return;
    }
    let cell = (width.saturating_sub(TIME) / count).min(GREATEST);
    if cell < LEAST {
        list(ladder, width, out);
        return;
    }
    let centre = |column: usize| TIME + cell * column + cell / 2;
    let centres: Vec<usize> = (0..count).map(centre).collect();
    let all = TIME + cell * count;

    // Where a name does not fit above its column, a letter stands for it.
    let fits = ladder.participants.iter().all(|name| measure_text_width(name) < cell);
    let mut head = Line::new(all);
    head.write(1, "time s");
    for (index, name) in ladder.participants.iter().enumerate() {
        let shown = if fits { name.clone() } else { letter(index) };
        if !fits {
            out.push(fit(&format!("  {shown} = {name}"), width));
        }
        head.write(centre(index).saturating_sub(measure_text_width(&shown) / 2), &shown);
    }
    out.push(head.finish());

    for row in &ladder.rows {
        arrow(row, &centres, all, width, out);
    }
    if ladder.left_out > 0 {
        out.push(format!("  … and {} more messages", ladder.left_out));
    }
}

fn arrow(row: &Row, centres: &[usize], all: usize, width: usize, out: &mut Vec<String>) {
    let (Some(from), Some(to)) = (centres.get(row.from), centres.get(row.to)) else { return };
    let (left, right) = (*from.min(to), *from.max(to));
    let rungs = |len: usize| {
        let mut line = Line::new(len);
        centres.iter().for_each(|centre| line.put(*centre, '│'));
        line
    };
    let time = format!("{:>8}", seconds(row.at));
    let mut line = rungs(all);
    line.write(0, &time);
    let room = right.saturating_sub(left + 1);
    let label_width = measure_text_width(&row.label);
    let inside = left < right && label_width + 6 <= room;
    if !inside {
        // The label stands above its arrow, as far as the line goes.
        let mut above = rungs(width.max(all));
        above.write(0, &time);
        let text = fit(&row.label, width.saturating_sub(left + 2));
        above.write(left + 2, &text);
        out.push(above.finish());
        line = rungs(all);
    }
    if left == right {
        line.write(left + 1, "◀╮ to itself");
    } else {
        let shaft = match row.class {
            Class::Media => '═',
            _ if row.repeated => '╌',
            _ => '─',
        };
        (left + 1..right).for_each(|at| line.put(at, shaft));
        if row.to > row.from {
            line.put(right.saturating_sub(1), '▶');
        } else {
            line.put(left + 1, '◀');
        }
        if inside {
            let text = format!(" {} ", row.label);
            line.write(left + 1 + (room - label_width - 2) / 2, &text);
        }
    }
    out.push(line.finish());
    for detail in &row.details {
        let mut line = rungs(width.max(all));
        line.write(left + 2, &fit(detail, width.saturating_sub(left + 2)));
        out.push(line.finish());
    }
}

/// Where there is no room for columns: a line for each message.
fn list(ladder: &Ladder, width: usize, out: &mut Vec<String>) {
    for (index, name) in ladder.participants.iter().enumerate() {
        out.push(fit(&format!("  {} = {name}", letter(index)), width));
    }
    for row in &ladder.rows {
        let words = format!(
            "{:>8} {} → {}  {}",
            seconds(row.at),
            letter(row.from),
            letter(row.to),
            row.label
        );
        out.push(fit(&words, width));
        for detail in &row.details {
            out.push(fit(&format!("{:16}{detail}", ""), width));
        }
    }
}

/// What stands for a participant.
fn letter(index: usize) -> String {
    match u8::try_from(index) {
        Ok(index @ 0..26) => char::from(b'A' + index).to_string(),
        _ => format!("P{index}"),
    }
}

/// Cuts a text where the line ends.
pub(super) fn fit(text: &str, width: usize) -> String {
    console::truncate_str(text, width, "…").into_owned()
}

/// Breaks a text between words.
pub(super) fn wrap(text: &str, indent: usize, width: usize, out: &mut Vec<String>) {
    let blank = text.len() - text.trim_start().len();
    let mut line = " ".repeat(blank);
    let mut empty = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if !empty && measure_text_width(&line) + 1 + measure_text_width(word) > width {
            out.push(fit(&line, width));
            line = " ".repeat(indent + 2);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    out.push(fit(&line, width));
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    fn row(from: usize, to: usize, label: &str) -> Row {
        Row {
            at: Duration::from_millis(1500),
            from,
            to,
            label: label.into(),
            details: vec!["audio 192.0.2.1:4000 PCMU".into()],
            class: Class::Request,
            repeated: false,
        }
    }

    fn drawn(participants: &[&str], rows: Vec<Row>, width: usize) -> Vec<String> {
        let participants = participants.iter().map(|name| (*name).to_owned()).collect();
        let mut out = Vec::new();
        draw(&Ladder { participants, rows, left_out: 0 }, width, &mut out);
        for line in &out {
            assert!(measure_text_width(line) <= width, "{width}: {line}");
        }
        out
    }

    #[test]
    fn an_arrow_points_where_the_message_goes() {
        let rows = vec![row(0, 1, "INVITE"), row(1, 0, "180 Ringing")];
        let out = drawn(&["192.0.2.1", "192.0.2.2"], rows, 80);
        let [head, there, _, back, _] = out.as_slice() else { panic!("{out:#?}") };
        assert!(head.find("192.0.2.1") < head.find("192.0.2.2"));
        assert!(there.contains("1.500") && there.contains(" INVITE ─") && there.contains("▶│"));
        assert!(back.contains("│◀─") && back.contains(" 180 Ringing ") && !back.contains('▶'));
    }

    #[test]
    fn any_number_of_participants_fits_any_width() {
        let names: Vec<String> = (0..17).map(|n| format!("2001:db8::{n}:1234")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for width in [30, 40, 80, 132, 250] {
            for count in 1..=names.len() {
                let last = count - 1;
                let rows = vec![
                    row(0, last, "183 Session Progress (SDP) TCP [repeat 2]"),
                    row(last, last / 2, "BYE"),
                    row(last, last, "OPTIONS"),
                    row(0, 0, "呼び出し中 呼び出し中 呼び出し中"),
                ];
                let out = drawn(&names[..count], rows, width);
                assert!(out.iter().any(|line| line.contains("BYE")), "{width} {count}: {out:#?}");
            }
        }
    }

    #[test]
    fn long_words_are_broken_between_lines() {
        let mut out = Vec::new();
        wrap("    one two three four five", 4, 16, &mut out);
        assert_eq!(out, ["    one two", "      three four", "      five"]);
    }
}
