//! What the person at the keyboard wants.

use std::time::Duration;

use anyhow::Result;
use sip_core::agent::{Agent, CallId, Error};
use sip_core::message::StatusCode;

use super::calls::SDP;
use super::{Due, Phone};
use crate::command::{Command, HELP};
use crate::line::{Line, Phase};
use crate::told::Told;

/// How long to wait before a change is tried again while another one is under way.
const BUSY: Duration = Duration::from_millis(100);

impl Phone {
    pub(super) async fn obey(&mut self, command: Command) -> Result<()> {
        match command {
            Command::Hold(call) => self.change(call.unwrap_or(self.current), true).await,
            Command::Resume(call) => self.change(call.unwrap_or(self.current), false).await,
            Command::Dtmf(digits) => {
                if self.talks(self.current).is_some() {
                    self.dial_digits(self.current, digits);
                }
                Ok(())
            }
            Command::Transfer(uri) => self.transfer(&uri).await,
            Command::Dial(uri) => match self.dial(&uri).await {
                Err(error) => {
                    self.out.warn(format!("{error:#}"));
                    Ok(())
                }
                Ok(()) => Ok(()),
            },
            Command::Attended(call) => self.attended(call).await,
            Command::Message(text) => self.write(text).await,
            Command::Select(call) => {
                if self.line(call).is_some() {
                    self.current = call;
                } else {
                    self.out.warn(format!("there is no call {call}"));
                }
                Ok(())
            }
            Command::Answer(call) => {
                let call = call.unwrap_or(self.current);
                match self.line(call).filter(|line| line.phase == Phase::Ringing) {
                    Some(_) => self.pick_up(call).await,
                    None => {
                        self.out.warn(format!("call {call} does not ring"));
                        Ok(())
                    }
                }
            }
            Command::Reject(call) => {
                let call = call.unwrap_or(self.current);
                let ringing = self.line(call).filter(|line| line.phase == Phase::Ringing);
                match ringing.map(|line| line.id) {
                    Some(id) => {
                        let code = StatusCode::BUSY_HERE;
                        let done = self.client().ask(move |agent, now| agent.reject(now, id, code));
                        let done = done.await?;
                        self.complain(done);
                    }
                    None => self.out.warn(format!("call {call} does not ring")),
                }
                Ok(())
            }
            Command::HangUp(call) => {
                let call = call.unwrap_or(self.current);
                match self.line(call).map(|line| line.id) {
                    Some(id) => self.hang_up(id).await,
                    None => {
                        self.out.warn(format!("there is no call {call}"));
                        Ok(())
                    }
                }
            }
            Command::Stats => {
                for (call, with, report) in self.reports() {
                    self.out.tell(&Told::Stats { call, with, report });
                }
                Ok(())
            }
            Command::Calls => {
                for line in &self.lines {
                    let current = if line.number == self.current { "*" } else { " " };
                    let held = if line.held { ", on hold" } else { "" };
                    eprintln!("{current}{} {} {:?}{held}", line.number, line.with, line.phase);
                }
                Ok(())
            }
            Command::Help => {
                eprintln!("{HELP}");
                Ok(())
            }
            Command::Quit => self.stop().await,
        }
    }

    /// Calls somebody.
    pub(super) async fn dial(&mut self, uri: &str) -> Result<()> {
        self.last += 1;
        let number = self.last;
        let to = self.connected.uri(uri);
        let mut prepared = Line::prepare(&self.common, number).await?;
        let offer = prepared.negotiator.offer()?;
        let (account, target) = (self.client().account(), to.clone());
        let id = self
            .client()
            .ask(move |agent, now| {
                agent.invite(now, account, target.as_bytes(), Some((SDP, &offer)))
            })
            .await?
            .map_err(|error| anyhow::anyhow!("{to} cannot be called: {error}"))?;
        self.lines.push(prepared.line(id, &to, true));
        self.current = number;
        self.out.tell(&Told::Calling { call: number, to });
        self.after(self.ring_timeout, number, Due::HangUp);
        Ok(())
    }

    /// Ends a call, whatever it is at.
    pub(super) async fn hang_up(&mut self, call: CallId) -> Result<()> {
        if let Some(line) = self.line_of(call) {
            if line.phase == Phase::Ending {
                return Ok(());
            }
            line.phase = Phase::Ending;
        }
        let done = self.client().ask(move |agent, now| agent.hang_up(now, call)).await?;
        // The other side may have been faster.
        if !matches!(done, Err(Error::Gone)) {
            self.complain(done);
        }
        Ok(())
    }

    /// Holds a call, or takes it back.
    pub(super) async fn change(&mut self, number: u32, hold: bool) -> Result<()> {
        if self.talks(number).is_none() {
            return Ok(());
        }
        let Some(line) = self.line(number) else { return Ok(()) };
        if line.held == hold || line.changing.is_some() {
            let state = if line.held { "on hold" } else { "not on hold" };
            self.out.warn(format!("call {number} is {state} already, or about to change"));
            return Ok(());
        }
        let (id, offer) = (line.id, line.offer(hold)?);
        line.changing = Some(hold);
        if hold {
            line.media.mute(true);
        }
        let done = self.send_offer(id, offer).await?;
        if done.is_ok() {
            return Ok(());
        }
        if let Some(line) = self.line(number) {
            line.changing = None;
        }
        if done == Err(Error::State) {
            // Another change is not over yet (RFC 3261 section 14.1): its ACK is on the way, say.
            self.after(BUSY, number, Due::Change(hold));
        } else {
            self.complain(done);
        }
        Ok(())
    }

    pub(super) async fn reinvite(&mut self, call: CallId, offer: Vec<u8>) -> Result<bool> {
        let done = self.send_offer(call, offer).await?;
        Ok(self.complain(done))
    }

    async fn send_offer(&self, call: CallId, offer: Vec<u8>) -> Result<Result<(), Error>> {
        let sent =
            move |agent: &mut Agent<'static>, now| agent.reinvite(now, call, Some((SDP, &offer)));
        self.client().ask(sent).await
    }

    /// Sends digits: in RTP where that was agreed on, else as INFO.
    pub(super) fn dial_digits(&mut self, number: u32, digits: String) {
        let Some(line) = self.line(number) else { return };
        let has_events = line.agreement.as_ref().is_some_and(|agreed| agreed.events.is_some());
        if has_events {
            line.media.dial(&digits);
            return;
        }
        let id = line.id;
        // The order of INFO requests is kept by their number in the dialog.
        let bodies: Vec<String> =
            digits.chars().map(|digit| format!("Signal={digit}\r\nDuration=100\r\n")).collect();
        let client = self.connected.client.sender();
        let tell = self.common.tell.clone();
        tokio::spawn(async move {
            for body in bodies {
                let sent = client.ask(move |agent, now| {
                    agent.info(now, id, b"application/dtmf-relay", body.as_bytes())
                });
                if !matches!(sent.await, Ok(Ok(_))) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            let _ = tell.send((number, host::media::News::DigitsSent));
        });
    }

    /// The other side is to call somebody else.
    async fn transfer(&mut self, uri: &str) -> Result<()> {
        let Some(id) = self.talks(self.current) else { return Ok(()) };
        let uri = self.connected.uri(uri);
        let done =
            self.client().ask(move |agent, now| agent.transfer(now, id, uri.as_bytes())).await?;
        if self.complain(done)
            && let Some(line) = self.line_of(id)
        {
            line.transferring = true;
        }
        Ok(())
    }

    /// The other side of a call is to talk with the one of the current call.
    async fn attended(&mut self, other: u32) -> Result<()> {
        if other == self.current {
            self.out.warn("name another call than the current one");
            return Ok(());
        }
        let Some(asked) = self.talks(other) else { return Ok(()) };
        let Some(taken) = self.talks(self.current) else { return Ok(()) };
        let done =
            self.client().ask(move |agent, now| agent.transfer_to(now, asked, taken)).await?;
        if self.complain(done)
            && let Some(line) = self.line_of(asked)
        {
            line.transferring = true;
        }
        Ok(())
    }

    async fn write(&mut self, text: String) -> Result<()> {
        let Some(id) = self.talks(self.current) else { return Ok(()) };
        let to = self.line_of(id).map(|line| line.with.clone()).unwrap_or_default();
        let sent = self
            .client()
            .ask(move |agent, now| {
                agent.message_in_call(now, id, b"text/plain;charset=UTF-8", text.as_bytes())
            })
            .await?;
        match sent {
            Ok(request) => self.sent.push((request, to)),
            Err(error) => self.out.warn(error.to_string()),
        }
        Ok(())
    }

    /// The name of a call in which two sides talk.
    fn talks(&mut self, number: u32) -> Option<CallId> {
        let found = self.line(number).filter(|line| line.phase == Phase::Talking);
        let found = found.map(|line| line.id);
        if found.is_none() {
            self.out.warn(match number {
                0 => "there is no call".to_owned(),
                number => format!("nobody talks in call {number}"),
            });
        }
        found
    }

    /// Says what the agent will not do; true where it does.
    fn complain(&mut self, done: Result<(), Error>) -> bool {
        match done {
            Ok(()) => true,
            Err(error) => {
                self.out.warn(format!("that cannot be done now: {error}"));
                false
            }
        }
    }
}
