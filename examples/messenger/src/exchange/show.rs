//! What the person at the terminal, or a program, is told.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::Outcome;
use crate::file::ask;
use crate::stop::Stop;

/// One thing that has happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(super) enum Report {
    /// This side is signed in.
    SignedIn { address: String },
    /// A file is offered, by this side or to it.
    Offered { file: String, octets: u64, peer: String },
    /// It goes on: at each tenth.
    Progress { file: String, octets: u64, of: u64 },
    /// It is whole.
    Complete { file: String, path: PathBuf, octets: u64, seconds: f64, rate: f64 },
    /// It has come to nothing.
    Ended { file: String, outcome: Outcome, reason: String },
    /// Something else that a person wants to know.
    Note { text: String },
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A name is the other side's: it must not move the cursor.
        match self {
            Self::SignedIn { address } => write!(f, "signed in as {address}"),
            Self::Offered { file, octets, peer } => {
                write!(f, "{file:?}, {octets} octets: with {peer}")
            }
            Self::Progress { file, octets, of } => write!(f, "{file:?}: {octets} of {of} octets"),
            Self::Complete { file, octets, seconds, rate, .. } => {
                let rate = rate / 1e6;
                write!(f, "{file:?}: {octets} octets in {seconds:.3} s, {rate:.2} MB/s")
            }
            Self::Ended { file, reason, .. } => write!(f, "{file:?}: {reason}"),
            Self::Note { text } => f.write_str(text),
        }
    }
}

/// Tells reports on standard output, and draws bars on a terminal that standard error is.
#[derive(Debug)]
pub(super) struct Show {
    json: bool,
    bars: Option<MultiProgress>,
    /// There is one terminal for all questions.
    asking: tokio::sync::Mutex<()>,
    /// Lines do not run into each other.
    line: Mutex<()>,
}

impl Show {
    pub(super) fn new(json: bool) -> Self {
        let bars = (!json && std::io::stderr().is_terminal()).then(MultiProgress::new);
        Self { json, bars, asking: tokio::sync::Mutex::default(), line: Mutex::default() }
    }

    /// Tells it.
    pub(super) fn tell(&self, report: &Report) {
        let line = if self.json {
            serde_json::to_string(report).unwrap_or_default()
        } else {
            report.to_string()
        };
        let print = || {
            let _line = self.line.lock();
            // Nobody may be reading any more: the files matter, not the lines.
            let mut out = std::io::stdout().lock();
            let _ = writeln!(out, "{line}").and_then(|()| out.flush());
        };
        match &self.bars {
            Some(bars) => bars.suspend(print),
            None => print(),
        }
    }

    pub(super) fn note(&self, text: impl Into<String>) {
        self.tell(&Report::Note { text: text.into() });
    }

    /// A file begins to pass.
    pub(super) fn begin(&self, file: &str, size: u64) -> Progress<'_> {
        let bar = self.bars.as_ref().map(|bars| {
            let style = "{prefix:20!} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
            let bar = bars.add(ProgressBar::new(size));
            bar.set_prefix(file.escape_debug().to_string());
            if let Ok(style) = ProgressStyle::with_template(style) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar
        });
        let file = file.to_owned();
        Progress { show: self, file, size, bar, told: 0, since: Instant::now() }
    }

    /// Asks whether a file may be replaced. Without a terminal nobody can say yes.
    pub(super) async fn may_replace(&self, file: &Path, stop: &Stop) -> bool {
        if self.json || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            let file = file.display();
            self.note(format!("{file} is there already, and nobody can be asked: --overwrite yes"));
            return false;
        }
        let _asking = self.asking.lock().await;
        // Bars would be drawn over the question.
        self.draw(ProgressDrawTarget::hidden());
        let question = file.to_owned();
        let answer = tokio::task::spawn_blocking(move || {
            ask(&question, std::io::stdin().lock(), std::io::stderr())
        });
        let mut stop = stop.clone();
        let yes = tokio::select! {
            answer = answer => answer.unwrap_or(false),
            () = stop.asked() => false,
        };
        self.draw(ProgressDrawTarget::stderr());
        yes
    }

    fn draw(&self, target: ProgressDrawTarget) {
        if let Some(bars) = &self.bars {
            let _ = bars.clear();
            bars.set_draw_target(target);
        }
    }
}

/// How far a file is.
#[derive(Debug)]
pub(super) struct Progress<'s> {
    show: &'s Show,
    file: String,
    size: u64,
    bar: Option<ProgressBar>,
    /// How many tenths have been told.
    told: u64,
    since: Instant,
}

impl Progress<'_> {
    /// So many octets have passed.
    pub(super) fn set(&mut self, octets: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(octets);
            return;
        }
        let tenths = octets.saturating_mul(10).checked_div(self.size).unwrap_or(0);
        if tenths > self.told {
            self.told = tenths;
            let file = self.file.clone();
            self.show.tell(&Report::Progress { file, octets, of: self.size });
        }
    }

    /// It is whole, here or there, as `path`.
    pub(super) fn complete(self, path: PathBuf) {
        if let Some(bar) = &self.bar {
            bar.set_position(self.size);
            bar.finish();
        }
        let seconds = self.since.elapsed().as_secs_f64();
        let (file, octets) = (self.file, self.size);
        let rate = octets as f64 / seconds.max(1e-6);
        self.show.tell(&Report::Complete { file, path, octets, seconds, rate });
    }

    /// It has come to nothing.
    pub(super) fn abandon(self) {
        if let Some(bar) = &self.bar {
            bar.abandon();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_does_not_move_the_cursor() {
        let file = "a\x1b[2Jb\r\nc".to_owned();
        let told = Report::Progress { file, octets: 1, of: 2 }.to_string();
        assert!(told.chars().all(|c| !c.is_control()), "{told:?}");
    }

    #[test]
    fn a_program_is_told_in_words_that_do_not_change() {
        let (file, outcome) = ("f".to_owned(), Outcome::NoAnswer);
        let told = Report::Ended { file, outcome, reason: "late".into() };
        let json = serde_json::to_string(&told).expect("JSON");
        assert_eq!(json, r#"{"event":"ended","file":"f","outcome":"no-answer","reason":"late"}"#);
    }
}
