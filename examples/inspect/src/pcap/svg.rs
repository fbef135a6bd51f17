//! The ladder as SVG: one picture with all calls below each other, in fonts that every system has.

use core::fmt::Write as _;

use console::measure_text_width;

use super::calls::Call;
use super::ladder::{Class, Ladder, Row, harmless, outcome, seconds};
use super::streams::Stream;

const MARGIN: usize = 28;
/// What the time takes.
const TIME: usize = 84;
/// The least and the greatest distance of two participants.
const COLUMN: core::ops::RangeInclusive<usize> = 200..=420;
const ROW: usize = 34;
const DETAIL: usize = 17;
/// Above the first row of a ladder: heading and participants.
const HEAD: usize = 128;
/// About what a character takes of a small font.
const CHARACTER: usize = 7;

const STYLE: &str = "\
svg{background:#fff}\
text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;\
font-size:13px;fill:#1f2933}\
.mono{font-family:ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;font-size:11.5px}\
.title{font-size:18px;font-weight:600}.quiet{fill:#616e7c}.small{font-size:11.5px}\
.middle{text-anchor:middle}.end{text-anchor:end}.name{font-weight:600}\
.box{fill:#f0f4f8;stroke:#bcccdc}.life{stroke:#cbd2d9;stroke-dasharray:3 4}\
.rule{stroke:#e4e7eb}.arrow{fill:none;stroke-width:1.6}.again{stroke-dasharray:5 4;opacity:.7}\
.band{stroke-width:3}";
/// White edges keep a text apart from the lines that it stands on.
const HALO: &str =
    "text.halo{stroke:#fff;stroke-width:4px;stroke-linejoin:round;paint-order:stroke}";

/// The colours of a class: its name in the style sheet, and the colour itself.
const fn look(class: Class) -> (&'static str, &'static str) {
    match class {
        Class::Request => ("request", "#1d5fbf"),
        Class::Provisional => ("provisional", "#7b8794"),
        Class::Success => ("success", "#17803d"),
        Class::Redirection => ("redirection", "#a15c00"),
        Class::Failure => ("failure", "#c0262d"),
        Class::Media => ("media", "#7c3aa8"),
    }
}

const CLASSES: [Class; 6] = [
    Class::Request,
    Class::Provisional,
    Class::Success,
    Class::Redirection,
    Class::Failure,
    Class::Media,
];

/// A call with its number and its streams.
pub(super) type Drawn<'a> = (usize, &'a Call, Vec<(usize, &'a Stream)>);

/// The picture of these calls.
pub(super) fn draw(name: &str, calls: &[Drawn<'_>]) -> String {
    let mut body = String::new();
    let (mut y, mut width) = (MARGIN, 640);
    for (number, call, streams) in calls {
        let only: Vec<&Stream> = streams.iter().map(|(_, stream)| *stream).collect();
        let ladder = Ladder::new(call, &only);
        let (bottom, right) = section(&mut body, *number, call, &ladder, streams, y);
        y = bottom + MARGIN;
        width = width.max(right + MARGIN);
    }
    if calls.is_empty() {
        text(&mut body, MARGIN, y + 20, "quiet", "There are no SIP calls in this capture.");
        y += 40;
    }
    let mut out = String::new();
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{y}\" \
         viewBox=\"0 0 {width} {y}\" role=\"img\">\n<title>SIP ladder of {}</title>\n<style>{STYLE}",
        escape(name)
    );
    for class in CLASSES {
        let (name, colour) = look(class);
        let _ = write!(out, ".{name}{{stroke:{colour}}}text.{name}{{fill:{colour};stroke:none}}");
    }
    let _ = write!(out, "{HALO}</style>\n<defs>\n");
    for class in CLASSES {
        let (name, colour) = look(class);
        let _ = writeln!(
            out,
            "<marker id=\"{name}\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"8\" \
             markerHeight=\"8\" orient=\"auto\" markerUnits=\"userSpaceOnUse\">\
             <path d=\"M0 1L10 5L0 9z\" fill=\"{colour}\"/></marker>"
        );
    }
    let _ = writeln!(out, "</defs>\n<rect width=\"{width}\" height=\"{y}\" fill=\"#fff\"/>");
    out.push_str(&body);
    out.push_str("</svg>\n");
    out
}

/// One call; how far down and to the right it goes.
fn section(
    out: &mut String,
    number: usize,
    call: &Call,
    ladder: &Ladder,
    streams: &[(usize, &Stream)],
    top: usize,
) -> (usize, usize) {
    let columns = ladder.participants.len();
    let column = column(ladder);
    let centre = |place: usize| MARGIN + TIME + column * place + column / 2;
    let title = format!("{} → {}", harmless(&call.from), harmless(&call.to));
    text(out, MARGIN, top + 16, "title", &format!("{number}  {title}"));
    text(out, MARGIN, top + 38, "quiet", &harmless(&outcome(call)));
    text(out, MARGIN, top + 56, "quiet mono", &format!("Call-ID {}", harmless(&call.id)));
    let mut right = MARGIN + TIME + column * columns;
    right = right.max(MARGIN + (measure_text_width(&title) + 4) * 10);

    let rows = ladder.rows.iter().map(height).sum::<usize>();
    let bottom = top + HEAD + rows + 12;
    for (index, name) in ladder.participants.iter().enumerate() {
        let x = centre(index);
        let _ = writeln!(
            out,
            "<line class=\"life\" x1=\"{x}\" y1=\"{}\" x2=\"{x}\" y2=\"{bottom}\"/>\
             <rect class=\"box\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"30\" rx=\"6\"/>",
            top + 104,
            x - (column / 2 - 20),
            top + 74,
            column / 2 * 2 - 40
        );
        text(out, x, top + 94, "name middle", name);
    }
    let mut y = top + HEAD;
    for row in &ladder.rows {
        arrow(out, row, (centre(row.from), centre(row.to)), y);
        let widest = row.details.iter().map(|detail| measure_text_width(detail)).max();
        let left = centre(row.from.min(row.to));
        right = right.max(left + 10 + widest.unwrap_or(0) * CHARACTER);
        y += height(row);
    }
    if ladder.left_out > 0 {
        text(out, MARGIN, y + 10, "quiet", &format!("… and {} more messages", ladder.left_out));
    }
    let mut y = bottom + 8;
    for (number, stream) in streams {
        let mut lines = Vec::new();
        super::text::figures(*number, stream, 150, &mut lines);
        for (index, line) in lines.iter().enumerate() {
            y += DETAIL;
            let class = if index == 0 { "mono" } else { "mono quiet" };
            text(out, MARGIN + if index == 0 { 0 } else { 18 }, y, class, line.trim());
            right = right.max(MARGIN + (measure_text_width(line) + 4) * CHARACTER);
        }
        y += 5;
    }
    y += 14;
    let _ = writeln!(
        out,
        "<line class=\"rule\" x1=\"{MARGIN}\" y1=\"{y}\" x2=\"{right}\" y2=\"{y}\"/>"
    );
    (y, right)
}

/// How far participants stand from each other: so that names and labels have room, if they are not
/// too long.
fn column(ladder: &Ladder) -> usize {
    let names = ladder.participants.iter().map(|name| measure_text_width(name) * 8 + 64);
    let labels = ladder.rows.iter().map(|row| {
        let span = row.from.abs_diff(row.to).max(1);
        (measure_text_width(&row.label) * CHARACTER + 30) / span
    });
    let widest = names.chain(labels).max().unwrap_or(0);
    widest.clamp(*COLUMN.start(), *COLUMN.end())
}

fn height(row: &Row) -> usize {
    ROW + row.details.len() * DETAIL
}

fn arrow(out: &mut String, row: &Row, (from, to): (usize, usize), y: usize) {
    let (name, _) = look(row.class);
    text(out, MARGIN + TIME - 14, y + 4, "mono quiet end", &seconds(row.at));
    let again = if row.repeated { " again" } else { "" };
    let band = if row.class == Class::Media { " band" } else { "" };
    let left = from.min(to);
    if from == to {
        let _ = writeln!(
            out,
            "<path class=\"arrow {name}{again}\" marker-end=\"url(#{name})\" \
             d=\"M{from} {}h34v12h-32\"/>",
            y - 6
        );
        text(out, from + 42, y + 4, &format!("{name} halo"), &row.label);
    } else {
        let _ = writeln!(
            out,
            "<line class=\"arrow {name}{again}{band}\" marker-end=\"url(#{name})\" x1=\"{from}\" \
             y1=\"{y}\" x2=\"{to}\" y2=\"{y}\"/>"
        );
        text(out, from.midpoint(to), y - 7, &format!("{name} middle halo"), &row.label);
    }
    for (index, detail) in row.details.iter().enumerate() {
        let below = y + 15 + index * DETAIL;
        text(out, left + 10, below, "quiet small halo", detail);
    }
}

fn text(out: &mut String, x: usize, y: usize, class: &str, content: &str) {
    let _ = writeln!(out, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", escape(content));
}

/// A text as XML has it; what may not stand in XML at all was made harmless before.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in harmless(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{b7}'),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_does_not_allow_is_escaped() {
        assert_eq!(escape("<a href=\"x\">&\u{0}\u{ffff}"), "&lt;a href=&quot;x&quot;&gt;&amp;··");
    }
}
