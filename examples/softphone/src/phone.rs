//! The telephone: calls, what the other sides do with them, and what the person at the keyboard wants.

mod calls;
mod orders;

use std::time::Duration;

use anyhow::Result;
use host::client::Client;
use host::happening::Happening;
use host::media::{News, Outcome};
use sip_core::agent::{CallId, End, Failure, RequestId};
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use crate::cli::{Identity, SoundOptions};
use crate::command::Command;
use crate::connect::{Connected, Wish, connect};
use crate::exit::Exit;
use crate::line::{Common, Line, Phase};
use crate::signals::Stop;
use crate::simple::{FAREWELL, common, sign_in, unregister};
use crate::told::{Output, Told};

/// How calls that come are answered.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    pub(crate) ring_ms: u64,
    pub(crate) manual: bool,
    pub(crate) reject: Option<u16>,
    /// After how many calls it is over.
    pub(crate) calls: Option<u32>,
}

/// Calls somebody.
pub(crate) async fn call(
    identity: &Identity,
    sound: SoundOptions,
    uri: &str,
    register: bool,
    ring_timeout: u64,
) -> Result<Exit> {
    let wish = Wish { target: Some(uri), registers: register, reliable: false };
    let connected = connect(identity, wish).await?;
    let mut phone = Phone::new(connected, identity, sound, Manner::default(), register)?;
    let exit = phone.sign_in().await?;
    if exit != Exit::Well {
        return phone.end(exit).await;
    }
    phone.ring_timeout = Duration::from_secs(ring_timeout);
    phone.ends_with_calls = true;
    phone.dial(uri).await?;
    let exit = phone.work().await?;
    phone.end(exit).await
}

/// Answers calls.
pub(crate) async fn answer(
    identity: &Identity,
    sound: SoundOptions,
    manner: Manner,
    no_register: bool,
    reliable: bool,
) -> Result<Exit> {
    let registers = identity.account.is_some() && !no_register;
    let connected = connect(identity, Wish { target: None, registers, reliable }).await?;
    let mut phone = Phone::new(connected, identity, sound, manner, registers)?;
    let exit = phone.sign_in().await?;
    if exit != Exit::Well {
        return phone.end(exit).await;
    }
    let exit = phone.work().await?;
    phone.end(exit).await
}

/// What is to be done at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Answer,
    HangUp,
    Change(bool),
    /// Who has not answered that we have hung up is left.
    Leave,
}

/// How a call has come out.
struct Finished {
    number: u32,
    with: String,
    reason: String,
    answered: Option<Instant>,
    recording: Option<String>,
    outcome: Result<Outcome>,
}

pub(crate) struct Phone {
    connected: Connected,
    common: Common,
    manner: Manner,
    out: Output,
    registered: bool,
    registers: bool,
    lines: Vec<Line>,
    /// The number of the call that commands are for, and of the last call there was.
    current: u32,
    last: u32,
    news: mpsc::UnboundedReceiver<(u32, News)>,
    due: Vec<(Instant, u32, Due)>,
    finishing: JoinSet<Finished>,
    /// Messages within calls that were not answered yet.
    sent: Vec<(RequestId, String)>,
    finished: u32,
    ends_with_calls: bool,
    ring_timeout: Duration,
    stopping: bool,
    exit: Exit,
}

impl Phone {
    fn new(
        connected: Connected,
        identity: &Identity,
        sound: SoundOptions,
        manner: Manner,
        registers: bool,
    ) -> Result<Self> {
        let (tell, news) = mpsc::unbounded_channel();
        let common = Common::new(connected.local.ip(), &connected.account, sound, tell)?;
        let mut out = Output::new(identity.json);
        out.tell(&Told::Listening { address: connected.local.to_string() });
        Ok(Self {
            connected,
            common,
            manner,
            out,
            registered: false,
            registers,
            lines: Vec::new(),
            current: 0,
            last: 0,
            news,
            due: Vec::new(),
            finishing: JoinSet::new(),
            sent: Vec::new(),
            finished: 0,
            ends_with_calls: false,
            ring_timeout: Duration::from_secs(60),
            stopping: false,
            exit: Exit::Well,
        })
    }

    async fn sign_in(&mut self) -> Result<Exit> {
        if !self.registers {
            return Ok(Exit::Well);
        }
        let exit = sign_in(&mut self.connected, &mut self.out).await?;
        self.registered = exit == Exit::Well;
        Ok(exit)
    }

    /// Until there is nothing more to do.
    async fn work(&mut self) -> Result<Exit> {
        let mut stop = Stop::new()?;
        let mut input = Some(BufReader::new(tokio::io::stdin()).lines());
        let mut seconds = interval(Duration::from_secs(1));
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.is_over() {
            let next = self.due.iter().map(|(at, ..)| *at).min();
            let wait = async {
                match next {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                happening = self.connected.client.next() => match happening {
                    Some(happening) => self.happened(happening).await?,
                    None => break,
                },
                Some((number, news)) = self.news.recv() => self.sounded(number, news).await?,
                line = read(&mut input) => match line {
                    Some(line) => self.order(&line).await?,
                    // Scripts have nothing to say: it goes on.
                    None => input = None,
                },
                Some(finished) = self.finishing.join_next() => self.finish(finished?),
                _ = seconds.tick() => self.show_stats(),
                () = stop.wait() => self.stop().await?,
                () = wait => self.act().await?,
            }
        }
        Ok(self.exit)
    }

    fn is_over(&self) -> bool {
        let quiet = self.lines.is_empty() && self.finishing.is_empty();
        let enough = self.manner.calls.is_some_and(|calls| self.finished >= calls);
        quiet && (self.stopping || self.ends_with_calls || enough)
    }

    /// Hangs up, and ends once that is done; at once where it is asked for again.
    async fn stop(&mut self) -> Result<()> {
        if self.stopping {
            self.lines.clear();
            self.finishing.abort_all();
            return Ok(());
        }
        self.stopping = true;
        self.after(FAREWELL, 0, Due::Leave);
        for id in self.lines.iter().map(|line| line.id).collect::<Vec<_>>() {
            self.hang_up(id).await?;
        }
        Ok(())
    }

    async fn end(mut self, exit: Exit) -> Result<Exit> {
        if self.registered {
            unregister(&mut self.connected, &mut self.out, FAREWELL).await?;
        }
        // Who answers the last request late is not waited for.
        let _ = timeout(FAREWELL, self.connected.client.end()).await;
        Ok(exit)
    }

    fn client(&self) -> &Client {
        &self.connected.client
    }

    fn show_stats(&mut self) {
        if !self.common.options.stats {
            return;
        }
        let reports: Vec<_> = self.reports();
        if !reports.is_empty() {
            self.out.stats(&reports);
        }
    }

    fn reports(&self) -> Vec<(u32, String, host::quality::Report)> {
        let talking = self.lines.iter().filter(|line| line.phase == Phase::Talking);
        talking.map(|line| (line.number, line.with.clone(), line.media.report())).collect()
    }

    /// Does what its time has come for.
    async fn act(&mut self) -> Result<()> {
        let now = Instant::now();
        let (ripe, rest): (Vec<_>, Vec<_>) = self.due.drain(..).partition(|(at, ..)| *at <= now);
        self.due = rest;
        if ripe.iter().any(|(.., due)| *due == Due::Leave) {
            for id in self.lines.iter().map(|line| line.id).collect::<Vec<_>>() {
                self.ended(id, &End::Failed(Failure::Timeout));
            }
        }
        for (_, number, due) in ripe {
            let Some(line) = self.lines.iter().find(|line| line.number == number) else { continue };
            match due {
                Due::Answer => self.pick_up(number).await?,
                Due::HangUp => self.hang_up(line.id).await?,
                Due::Change(hold) => self.change(number, hold).await?,
                Due::Leave => {}
            }
        }
        Ok(())
    }

    fn after(&mut self, wait: Duration, number: u32, due: Due) {
        self.due.push((Instant::now() + wait, number, due));
    }

    fn line_of(&mut self, id: CallId) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| line.id == id)
    }

    fn line(&mut self, number: u32) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| line.number == number)
    }

    /// Something about the sound of a call.
    async fn sounded(&mut self, number: u32, news: News) -> Result<()> {
        let call = number;
        match news {
            News::Sound => self.out.tell(&Told::Sound { call }),
            News::Digit(digit) => self.out.tell(&Told::Digit { call, digit }),
            News::DigitsSent => self.out.tell(&Told::DigitsSent { call }),
            News::Said => {
                self.out.tell(&Told::Said { call });
                if self.common.options.until_said {
                    // What was said last is still on its way through the other side's buffer.
                    self.after(Duration::from_millis(500), number, Due::HangUp);
                }
            }
        }
        Ok(())
    }

    /// A call is over and its sound, too.
    fn finish(&mut self, finished: Finished) {
        let seconds = finished.answered.map_or(0.0, |at| at.elapsed().as_secs_f64());
        let (stats, recording) = match finished.outcome {
            Ok(outcome) => {
                let stats = finished.answered.map(|_| outcome.report);
                (stats, finished.recording.filter(|_| outcome.rate > 0))
            }
            Err(error) => {
                self.out.warn(format!("{error:#}"));
                self.exit = Exit::Local;
                (None, None)
            }
        };
        self.out.tell(&Told::Ended {
            call: finished.number,
            with: finished.with,
            reason: finished.reason,
            answered: finished.answered.is_some(),
            seconds: (seconds * 1000.0).round() / 1000.0,
            recording,
            stats,
        });
        self.finished += 1;
    }

    /// What happens that concerns no call.
    fn others(&mut self, happening: &Happening) {
        match happening {
            Happening::Registered { .. } => self.registered = true,
            Happening::RegistrationFailed { .. } | Happening::Unregistered => {
                self.registered = false;
            }
            Happening::Response { request, code, .. } => {
                if let Some(at) = self.sent.iter().position(|(sent, _)| sent == request) {
                    let (_, to) = self.sent.swap_remove(at);
                    let code = *code;
                    if (200..300).contains(&code) {
                        self.out.tell(&Told::Delivered { to, code });
                    } else {
                        self.out.warn(format!("{to} has refused it with {code}"));
                    }
                }
            }
            Happening::RequestFailed { request, failure } => {
                if let Some(at) = self.sent.iter().position(|(sent, _)| sent == request) {
                    let (_, to) = self.sent.swap_remove(at);
                    self.out.warn(format!("{to} has not got it: {failure}"));
                }
            }
            _ => {}
        }
        let account = self.connected.account.clone();
        common(&mut self.out, &account, happening);
    }

    /// A line from the keyboard.
    async fn order(&mut self, line: &str) -> Result<()> {
        match Command::parse(line) {
            Ok(Some(command)) => self.obey(command).await,
            Ok(None) => Ok(()),
            Err(error) => {
                self.out.warn(error);
                Ok(())
            }
        }
    }
}

/// The next line of the standard input, if there will be any.
async fn read(input: &mut Option<Lines<BufReader<Stdin>>>) -> Option<String> {
    match input {
        Some(lines) => lines.next_line().await.ok().flatten(),
        None => std::future::pending().await,
    }
}
