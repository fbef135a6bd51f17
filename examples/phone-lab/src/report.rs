//! What came of the checks.

use std::time::Duration;

use serde::Serialize;

/// What came of one.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Which servers, and which step: `peers.fuzz`.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// Whether it does.
    pub ok: bool,
    /// What was measured, or why not.
    pub measured: String,
    /// How long it took, in seconds.
    pub seconds: f64,
}

impl Outcome {
    /// One that has run.
    pub fn new(name: String, title: &str, result: anyhow::Result<String>, took: Duration) -> Self {
        let (ok, measured) = match result {
            Ok(measured) => (true, measured),
            Err(error) => (false, format!("{error:#}")),
        };
        Self { name, title: title.to_owned(), ok, measured, seconds: took.as_secs_f64() }
    }

    /// As a line for people.
    pub fn line(&self) -> String {
        let word = if self.ok { "ok" } else { "FAILED" };
        format!("{word}: {}: {}: {} ({:.1} s)", self.name, self.title, self.measured, self.seconds)
    }
}

/// A table of all of them.
pub fn table(outcomes: &[Outcome]) -> String {
    let width = outcomes.iter().map(|outcome| outcome.name.len()).max().unwrap_or(0);
    let mut table = String::new();
    for outcome in outcomes {
        let word = if outcome.ok { "ok" } else { "FAILED" };
        let name = &outcome.name;
        table += &format!(
            "{name:width$}  {word:6}  {}\n",
            outcome.measured.lines().next().unwrap_or("")
        );
    }
    table
}
