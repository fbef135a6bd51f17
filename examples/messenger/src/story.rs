//! What the person at the terminal reads: the story as it happens, and the table at its end.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::Instant;

use serde_json::{Map, Value, json};

/// How a step of the story ended.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was done.
    pub step: &'static str,
    /// What went wrong, or nothing.
    pub failure: Option<String>,
    /// What was measured: name, and value with its unit.
    pub figures: Vec<(&'static str, Value)>,
}

/// Tells the story on standard output, as lines for a person or as one JSON object a line.
#[derive(Debug)]
pub struct Story {
    began: Instant,
    json: bool,
    colours: bool,
    rows: Mutex<Vec<Row>>,
}

const BOLD: &str = "1";
const DIM: &str = "2";
const GREEN: &str = "32";
const RED: &str = "31";

impl Story {
    /// Begins; colours are for terminals only, and not where the environment's `NO_COLOR` says so.
    pub fn new(json: bool) -> Self {
        let colours = !json
            && std::io::stdout().is_terminal()
            && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { began: Instant::now(), json, colours, rows: Mutex::default() }
    }

    /// Whether progress bars can be drawn: for a person at a terminal.
    pub fn shows_progress(&self) -> bool {
        !self.json && std::io::stderr().is_terminal()
    }

    /// A new part of the story.
    pub fn chapter(&self, title: &str) {
        if self.json {
            self.line(
                &json!({ "event": "chapter", "at_s": self.seconds(), "title": title }).to_string(),
            );
        } else {
            self.line(&format!("\n{}", self.paint(BOLD, title)));
        }
    }

    /// Somebody did something.
    pub fn tell(&self, who: &str, what: impl AsRef<str>) {
        let what = what.as_ref();
        if self.json {
            let event =
                json!({ "event": "told", "at_s": self.seconds(), "who": who, "what": what });
            self.line(&event.to_string());
            return;
        }
        let name = self.paint(colour_of(who), &format!("{who:<6}"));
        let time = self.paint(DIM, &format!("{:8.3}", self.seconds()));
        self.line(&format!("{time}  {name}  {what}"));
    }

    /// Keeps the result of a step for the table.
    pub fn result(&self, row: Row) {
        if self.json {
            let mut event = row_json(&row);
            event.insert("event".into(), "result".into());
            event.insert("at_s".into(), self.seconds().into());
            self.line(&Value::Object(event).to_string());
        } else if let Some(failure) = &row.failure {
            self.tell("demo", self.paint(RED, &format!("{} failed: {failure}", row.step)));
        }
        if let Ok(mut rows) = self.rows.lock() {
            rows.push(row);
        }
    }

    /// The results so far.
    pub fn rows(&self) -> Vec<Row> {
        self.rows.lock().map(|rows| rows.clone()).unwrap_or_default()
    }

    /// The table of all results, as text for a person; nothing in JSON, where each result was an event.
    pub fn table(&self) {
        if self.json {
            return;
        }
        let rows = self.rows();
        let step = rows.iter().map(|row| row.step.chars().count()).max().unwrap_or(0).max(4);
        let rule = self.paint(DIM, &"─".repeat(step + 70));
        self.line("");
        self.line(&self.paint(BOLD, &format!("{:<step$}   result   figures", "step")));
        self.line(&rule);
        for row in &rows {
            let (colour, word) =
                if row.failure.is_none() { (GREEN, "ok    ") } else { (RED, "FAILED") };
            let figures: Vec<String> = row
                .figures
                .iter()
                .map(|(name, value)| format!("{name} {}", plain(value)))
                .collect();
            let mut lines = wrap(&figures, 68);
            lines.extend(row.failure.as_ref().map(|failure| self.paint(RED, failure)));
            let mut lines = lines.into_iter();
            let first = lines.next().unwrap_or_default();
            self.line(&format!("{:<step$}   {}   {first}", row.step, self.paint(colour, word)));
            for line in lines {
                self.line(&format!("{:<step$}            {line}", ""));
            }
        }
        self.line(&rule);
    }

    /// All that was measured, for a program to read.
    pub fn summary(&self) -> Value {
        let rows = self.rows();
        json!({
            "ok": rows.iter().all(|row| row.failure.is_none()),
            "took_s": self.seconds(),
            "steps": rows.iter().map(row_json).collect::<Vec<_>>(),
        })
    }

    /// Seconds since the story began, to the millisecond.
    pub fn seconds(&self) -> f64 {
        (self.began.elapsed().as_secs_f64() * 1000.0).round() / 1000.0
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// One line; whoever closed the pipe does not want the rest of it.
    fn line(&self, line: &str) {
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }
}

fn colour_of(who: &str) -> &'static str {
    match who {
        "alice" => "36",
        "bob" => "35",
        "server" => "33",
        _ => DIM,
    }
}

fn row_json(row: &Row) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("step".into(), row.step.into());
    object.insert("ok".into(), row.failure.is_none().into());
    if let Some(failure) = &row.failure {
        object.insert("failure".into(), failure.as_str().into());
    }
    let figures = row.figures.iter().map(|(name, value)| (key(name), value.clone()));
    object.insert("figures".into(), Value::Object(figures.collect()));
    object
}

/// `mean jitter ms` is a name for people, `mean_jitter_ms` one for programs.
fn key(name: &str) -> String {
    name.replace('%', "percent")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
        .collect()
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => {
                format!("{float:.3}").trim_end_matches('0').trim_end_matches('.').to_owned()
            }
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

/// Joins the figures with commas into lines of at most `width` characters.
fn wrap(figures: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for figure in figures {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 2 + figure.chars().count() <= width => {
                line.push_str(", ");
                line.push_str(figure);
            }
            _ => lines.push(figure.clone()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failed_step_fails_the_summary() {
        let story = Story::new(true);
        story.result(Row {
            step: "one",
            failure: None,
            figures: vec![("mean jitter ms", json!(0.25))],
        });
        assert_eq!(story.summary()["ok"], true);
        story.result(Row { step: "two", failure: Some("no answer".into()), figures: Vec::new() });
        let summary = story.summary();
        assert_eq!(summary["ok"], false);
        assert_eq!(summary["steps"][0]["figures"]["mean_jitter_ms"], 0.25);
        assert_eq!(summary["steps"][1]["failure"], "no answer");
    }

    #[test]
    fn figures_are_wrapped_between_each_other_only() {
        let figures = ["loss % 0".to_owned(), "jitter ms 1".to_owned(), "RTT ms 2".to_owned()];
        assert_eq!(wrap(&figures, 21), ["loss % 0, jitter ms 1", "RTT ms 2"]);
        assert_eq!(wrap(&figures, 1).len(), 3);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(plain(&json!(1.5)), "1.5");
        assert_eq!(plain(&json!(2.0)), "2");
        assert_eq!(plain(&json!(40)), "40");
        assert_eq!(plain(&json!(0.12345)), "0.123");
    }
}
