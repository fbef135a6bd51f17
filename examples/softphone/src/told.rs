//! What the telephone tells: a line of text, or an object of JSON.

use std::fmt;
use std::io::{IsTerminal, Write};
use std::time::Instant;

use host::quality::Report;
use serde::Serialize;

use crate::table::Table;

/// Something that happened; `EVENTS.md` documents them for programs.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(crate) enum Told {
    Listening {
        address: String,
    },
    Registered {
        account: String,
        expires_s: u64,
    },
    Unregistered {
        account: String,
    },
    RegistrationFailed {
        account: String,
        reason: String,
        retry_in_s: Option<u64>,
    },
    Calling {
        call: u32,
        to: String,
    },
    Incoming {
        call: u32,
        from: String,
        replaces: Option<u32>,
    },
    Progress {
        call: u32,
        code: u16,
        early_media: bool,
    },
    Answered {
        call: u32,
        with: String,
        codec: &'static str,
        srtp: Option<&'static str>,
        remote: String,
        dtmf: &'static str,
    },
    Sound {
        call: u32,
    },
    Changed {
        call: u32,
        direction: &'static str,
        codec: &'static str,
        srtp: Option<&'static str>,
    },
    ChangeFailed {
        call: u32,
        reason: String,
    },
    Held {
        call: u32,
    },
    Resumed {
        call: u32,
    },
    Said {
        call: u32,
    },
    Digit {
        call: u32,
        digit: char,
    },
    DigitsSent {
        call: u32,
    },
    TransferRequested {
        call: u32,
        to: String,
    },
    TransferProgress {
        call: u32,
        code: u16,
        over: bool,
    },
    TransferFailed {
        call: u32,
        reason: String,
    },
    Message {
        call: Option<u32>,
        from: String,
        content_type: String,
        text: String,
    },
    Delivered {
        to: String,
        code: u16,
    },
    Options {
        to: String,
        code: u16,
        response: String,
    },
    Subscribed {
        to: String,
        package: String,
    },
    Notify {
        to: String,
        package: String,
        content_type: String,
        summary: String,
        body: String,
    },
    SubscriptionEnded {
        to: String,
        reason: Option<String>,
    },
    Published {
        account: String,
    },
    Stats {
        call: u32,
        with: String,
        #[serde(flatten)]
        report: Report,
    },
    Ended {
        call: u32,
        with: String,
        reason: String,
        answered: bool,
        seconds: f64,
        recording: Option<String>,
        stats: Option<Report>,
    },
    Warning {
        text: String,
    },
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listening { address } => write!(f, "listening at {address}"),
            Self::Registered { account, expires_s } => {
                write!(f, "{account} is registered for {expires_s} s")
            }
            Self::Unregistered { account } => write!(f, "{account} is not registered any more"),
            Self::RegistrationFailed { account, reason, retry_in_s } => {
                write!(f, "{account} is not registered: {reason}")?;
                match retry_in_s {
                    Some(seconds) => write!(f, "; the next try is in {seconds} s"),
                    None => Ok(()),
                }
            }
            Self::Calling { call, to } => write!(f, "[{call}] calling {to}"),
            Self::Incoming { call, from, replaces: None } => {
                write!(f, "[{call}] {from} is calling")
            }
            Self::Incoming { call, from, replaces: Some(other) } => {
                write!(f, "[{call}] {from} takes the place of call {other}")
            }
            Self::Progress { call, code: 180, .. } => write!(f, "[{call}] it rings"),
            Self::Progress { call, code, early_media } => {
                write!(f, "[{call}] {code}{}", if *early_media { ", with sound" } else { "" })
            }
            Self::Answered { call, with, codec, srtp, .. } => {
                let srtp = srtp.unwrap_or("no SRTP");
                write!(f, "[{call}] talking with {with}: {codec}, {srtp}")
            }
            Self::Sound { call } => write!(f, "[{call}] sound comes"),
            Self::Changed { call, direction, codec, srtp } => {
                let srtp = srtp.unwrap_or("no SRTP");
                write!(f, "[{call}] changed by the other side: {direction}, {codec}, {srtp}")
            }
            Self::ChangeFailed { call, reason } => write!(f, "[{call}] not changed: {reason}"),
            Self::Held { call } => write!(f, "[{call}] on hold"),
            Self::Resumed { call } => write!(f, "[{call}] resumed"),
            Self::Said { call } => write!(f, "[{call}] all was said"),
            Self::Digit { call, digit } => write!(f, "[{call}] digit {digit}"),
            Self::DigitsSent { call } => write!(f, "[{call}] the digits are sent"),
            Self::TransferRequested { call, to } => write!(f, "[{call}] is to call {to} instead"),
            Self::TransferProgress { call, code, over } => {
                let over = if *over { ", and that is all" } else { "" };
                write!(f, "[{call}] the transfer has come to {code}{over}")
            }
            Self::TransferFailed { call, reason } => {
                write!(f, "[{call}] not transferred: {reason}")
            }
            Self::Message { call: Some(call), from, text, .. } => {
                write!(f, "[{call}] {from} writes: {text}")
            }
            Self::Message { from, text, .. } => write!(f, "{from} writes: {text}"),
            Self::Delivered { to, code } => write!(f, "delivered to {to} ({code})"),
            Self::Options { to, code, response } => {
                write!(f, "{to}: {code}\n{}", response.trim_end())
            }
            Self::Subscribed { to, package } => write!(f, "subscribed to {package} of {to}"),
            Self::Notify { to, summary, .. } => write!(f, "{to}: {summary}"),
            Self::SubscriptionEnded { to, reason: None } => {
                write!(f, "the subscription to {to} is over")
            }
            Self::SubscriptionEnded { to, reason: Some(reason) } => {
                write!(f, "the subscription to {to} is over: {reason}")
            }
            Self::Published { account } => write!(f, "the presence of {account} is published"),
            Self::Stats { call, report, .. } => {
                write!(f, "[{call}] {}", crate::table::line(report))
            }
            Self::Ended { call, with, reason, seconds, recording, stats, .. } => {
                write!(f, "[{call}] with {with} is over after {seconds:.1} s: {reason}")?;
                if let Some(stats) = stats {
                    write!(f, "\n[{call}] {}", crate::table::line(stats))?;
                }
                match recording {
                    Some(file) => write!(f, "\n[{call}] recorded in {file}"),
                    None => Ok(()),
                }
            }
            Self::Warning { text } => write!(f, "warning: {text}"),
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    at: f64,
    #[serde(flatten)]
    told: &'a Told,
}

/// Where it is told.
pub(crate) struct Output {
    json: bool,
    began: Instant,
    table: Option<Table>,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        let table = (!json && std::io::stdout().is_terminal()).then(Table::default);
        Self { json, began: Instant::now(), table }
    }

    pub(crate) fn tell(&mut self, told: &Told) {
        let mut out = std::io::stdout().lock();
        // Nobody reads any more: there is nothing left to tell, and the call goes on.
        let _ = if self.json {
            let at = (self.began.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
            serde_json::to_writer(&mut out, &Line { at, told })
                .map_err(Into::into)
                .and_then(|()| writeln!(out))
        } else {
            let clear = self.table.as_mut().map_or_else(String::new, Table::clear);
            write!(out, "{clear}").and_then(|()| writeln!(out, "{told}"))
        };
        let _ = out.flush();
    }

    /// Shows how good calls are: a table that is drawn anew on a terminal, lines elsewhere.
    pub(crate) fn stats(&mut self, calls: &[(u32, String, Report)]) {
        if let Some(table) = &mut self.table {
            let mut out = std::io::stdout().lock();
            let _ = write!(out, "{}", table.draw(calls));
            let _ = out.flush();
            return;
        }
        for (call, with, report) in calls {
            let (with, report) = (with.clone(), report.clone());
            self.tell(&Told::Stats { call: *call, with, report });
        }
    }

    pub(crate) fn warn(&mut self, text: impl Into<String>) {
        self.tell(&Told::Warning { text: text.into() });
    }
}
