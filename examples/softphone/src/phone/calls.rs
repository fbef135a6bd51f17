//! What happens to calls.

use std::time::Duration;

use anyhow::Result;
use host::happening::{Happening, why};
use rand::Pick;
use sip_core::agent::{CallId, End, Failure};
use sip_core::message::StatusCode;
use tokio::time::Instant;

use super::{Due, Finished, Phone};
use crate::exit::{Exit, advice};
use crate::line::{Line, Phase, direction_name};
use crate::told::Told;

/// The media type of session descriptions.
pub(super) const SDP: &[u8] = b"application/sdp";

impl Phone {
    pub(super) async fn happened(&mut self, happening: Happening) -> Result<()> {
        match happening {
            Happening::Incoming { call, from, replaces, body } => {
                self.incoming(call, &from, replaces, body).await
            }
            Happening::Progress { call, code, body } => {
                self.progress(call, code, &body);
                Ok(())
            }
            Happening::ProgressAcknowledged { call } => {
                let Some(line) = self.line_of(call) else { return Ok(()) };
                match line.answer.take() {
                    Some(answer) => self.send_answer(call, answer).await,
                    None => Ok(()),
                }
            }
            Happening::Answered { call, body } => self.answered(call, &body).await,
            Happening::Confirmed { call, body } => self.confirmed(call, &body).await,
            Happening::Reinvited { call, body } => self.reinvited(call, &body).await,
            Happening::Changed { call, body } => self.changed(call, &body).await,
            Happening::ChangeFailed { call, failure } => self.change_failed(call, failure),
            Happening::RefreshDue { call } => {
                let Some(line) = self.line_of(call) else { return Ok(()) };
                let offer = line.negotiator.offer()?;
                self.reinvite(call, offer).await.map(|_| ())
            }
            Happening::TransferRequested { call, target, by } => {
                self.transfer_requested(call, target, by).await
            }
            Happening::TransferProgress { call, code, is_over } => {
                self.transfer_progress(call, code, is_over).await
            }
            Happening::TransferFailed { call, failure } => {
                if let Some(line) = self.line_of(call) {
                    line.transferring = false;
                    let number = line.number;
                    let reason = advice(&failure);
                    self.out.tell(&Told::TransferFailed { call: number, reason });
                }
                Ok(())
            }
            Happening::Info { call, content_type, body } => {
                self.info(call, &content_type, &body);
                Ok(())
            }
            Happening::Message { call: Some(call), from, content_type, body } => {
                let call = self.line_of(call).map(|line| line.number);
                let text = String::from_utf8_lossy(&body).into_owned();
                self.out.tell(&Told::Message { call, from, content_type, text });
                Ok(())
            }
            Happening::Ended { call, end } => {
                self.ended(call, &end);
                Ok(())
            }
            other => {
                self.others(&other);
                Ok(())
            }
        }
    }

    async fn incoming(
        &mut self,
        call: CallId,
        from: &str,
        replaces: Option<CallId>,
        offer: Vec<u8>,
    ) -> Result<()> {
        let code = self.manner.reject.and_then(StatusCode::new);
        let enough =
            self.manner.calls.is_some_and(|calls| self.last >= calls && replaces.is_none());
        let busy = (self.stopping || enough).then_some(StatusCode::BUSY_HERE);
        if let Some(code) = code.or(busy) {
            self.last += 1;
            let number = self.last;
            let from = from.to_owned();
            self.out.tell(&Told::Incoming { call: number, from: from.clone(), replaces: None });
            self.client().ask(move |agent, now| agent.reject(now, call, code)).await??;
            self.out.tell(&Told::Ended {
                call: number,
                with: from,
                reason: format!("declined with {} {}", code.get(), code.reason()),
                answered: false,
                seconds: 0.0,
                recording: None,
                stats: None,
            });
            self.finished += 1;
            return Ok(());
        }
        self.last += 1;
        let number = self.last;
        let mut line = match Line::prepare(&self.common, number).await {
            Ok(prepared) => prepared.line(call, from, false),
            Err(error) => {
                self.out.warn(format!("{error:#}"));
                let code = StatusCode::SERVICE_UNAVAILABLE;
                self.client().ask(move |agent, now| agent.reject(now, call, code)).await??;
                self.finished += 1;
                return Ok(());
            }
        };
        line.offer = offer;
        let replaced = replaces.and_then(|id| self.line_of(id)).map(|line| line.number);
        let told = Told::Incoming { call: number, from: from.to_owned(), replaces: replaced };
        self.out.tell(&told);
        self.lines.push(line);
        self.current = number;
        if replaces.is_some() {
            // Whoever talks here goes on with somebody else: it does not ring.
            return self.pick_up(number).await;
        }
        let rung = self
            .client()
            .ask(move |agent, now| agent.ring(now, call, StatusCode::RINGING, None))
            .await?;
        if rung.is_ok() && !self.manner.manual {
            self.after(Duration::from_millis(self.manner.ring_ms), number, Due::Answer);
        }
        Ok(())
    }

    /// Answers a call that rings.
    pub(super) async fn pick_up(&mut self, number: u32) -> Result<()> {
        let Some(line) = self.line(number).filter(|line| line.phase == Phase::Ringing) else {
            return Ok(());
        };
        let id = line.id;
        let answer = if line.offer.is_empty() {
            line.answer_in_ack = true;
            line.negotiator.offer()
        } else {
            let offer = std::mem::take(&mut line.offer);
            line.negotiator.answer(&offer).map(|(answer, agreement)| {
                line.agreement = Some(agreement);
                answer
            })
        };
        match answer {
            Ok(answer) => self.send_answer(id, answer).await,
            Err(error) => {
                self.out.warn(format!("the call cannot be taken: {error:#}"));
                self.exit = Exit::Media;
                let code = StatusCode::NOT_ACCEPTABLE_HERE;
                // It may be over by now.
                let _ = self.client().ask(move |agent, now| agent.reject(now, id, code)).await?;
                Ok(())
            }
        }
    }

    async fn send_answer(&mut self, call: CallId, answer: Vec<u8>) -> Result<()> {
        let body = answer.clone();
        let sent = self
            .client()
            .ask(move |agent, now| agent.answer(now, call, Some((SDP, &body))))
            .await?;
        let Some(line) = self.line_of(call) else { return Ok(()) };
        match sent {
            Ok(()) => {
                line.phase = Phase::Talking;
                line.answered = Some(Instant::now());
                if let Some(agreement) = line.agreement.clone() {
                    line.agree(agreement);
                    let number = line.number;
                    self.talking(number);
                }
            }
            // The caller has not acknowledged yet that it rings (RFC 3262).
            Err(sip_core::agent::Error::State) => line.answer = Some(answer),
            Err(error) => self.out.warn(format!("the call cannot be answered: {error}")),
        }
        Ok(())
    }

    /// Two sides talk now.
    fn talking(&mut self, number: u32) {
        let Some(line) = self.line(number) else { return };
        let Some(agreement) = line.agreement.clone() else { return };
        let told = Told::Answered {
            call: number,
            with: line.with.clone(),
            codec: agreement.codec.name(),
            srtp: agreement.keys.as_ref().map(|keys| keys.ours.profile().name()),
            remote: agreement.rtp.to_string(),
            dtmf: if agreement.events.is_some() { "telephone-event" } else { "info" },
        };
        self.out.tell(&told);
        if agreement.rtp.is_ipv4() != self.common.ip.is_ipv4() {
            self.out.warn(format!(
                "[{number}] the other side wants its sound at {}, which {} cannot reach: \
                 see --local",
                agreement.rtp, self.common.ip
            ));
        }
        if let Some(digits) = self.common.options.dtmf.clone() {
            self.dial_digits(number, digits);
        }
        if let Some(seconds) = self.common.options.duration {
            let wait = Duration::try_from_secs_f64(seconds).unwrap_or_default();
            self.after(wait, number, Due::HangUp);
        }
    }

    fn progress(&mut self, call: CallId, code: u16, body: &[u8]) {
        if code == 100 {
            return;
        }
        let Some(line) = self.line_of(call) else { return };
        // Early media: the answer to our offer.
        let early = if body.is_empty() { None } else { line.negotiator.accept(body).ok() };
        let early_media = early.is_some();
        if let Some(agreement) = early {
            line.agree(agreement);
        }
        let call = line.number;
        self.out.tell(&Told::Progress { call, code, early_media });
    }

    async fn answered(&mut self, call: CallId, answer: &[u8]) -> Result<()> {
        let Some(line) = self.line_of(call) else { return Ok(()) };
        let number = line.number;
        let agreed = match (answer.is_empty(), line.agreement.clone()) {
            // It was given with a provisional response.
            (true, Some(early)) => Ok(early),
            _ => line.negotiator.accept(answer),
        };
        line.phase = Phase::Talking;
        line.answered = Some(Instant::now());
        match agreed {
            Ok(agreement) => line.agree(agreement),
            Err(error) => {
                self.out.warn(format!("the answer cannot be used: {error:#}"));
                self.exit = Exit::Media;
                return self.hang_up(call).await;
            }
        }
        self.due.retain(|(_, call, due)| *call != number || *due != Due::HangUp);
        self.talking(number);
        Ok(())
    }

    async fn confirmed(&mut self, call: CallId, answer: &[u8]) -> Result<()> {
        let Some(line) = self.line_of(call).filter(|line| line.answer_in_ack) else {
            return Ok(());
        };
        line.answer_in_ack = false;
        let (number, first) = (line.number, line.agreement.is_none());
        match line.negotiator.accept(answer) {
            Ok(agreement) => {
                line.agree(agreement);
                if first {
                    self.talking(number);
                }
                Ok(())
            }
            Err(error) => {
                self.out.warn(format!("the answer cannot be used: {error:#}"));
                self.exit = Exit::Media;
                self.hang_up(call).await
            }
        }
    }

    /// The other side changes the session.
    async fn reinvited(&mut self, call: CallId, offer: &[u8]) -> Result<()> {
        let Some(line) = self.line_of(call) else { return Ok(()) };
        if offer.is_empty() {
            // It asks for our offer, as to refresh the session.
            line.answer_in_ack = true;
            let offer = line.negotiator.offer()?;
            let sent = move |agent: &mut sip_core::agent::Agent<'static>, now| {
                agent.answer(now, call, Some((SDP, &offer)))
            };
            self.client().ask(sent).await??;
            return Ok(());
        }
        match line.negotiator.answer(offer) {
            Ok((answer, agreement)) => {
                let told = Told::Changed {
                    call: line.number,
                    direction: direction_name(agreement.direction),
                    codec: agreement.codec.name(),
                    srtp: agreement.keys.as_ref().map(|keys| keys.ours.profile().name()),
                };
                let is_news = line.agreement.as_ref() != Some(&agreement);
                line.agree(agreement);
                self.client()
                    .ask(move |agent, now| agent.answer(now, call, Some((SDP, &answer))))
                    .await??;
                if is_news {
                    self.out.tell(&told);
                }
            }
            Err(error) => {
                self.out.warn(format!("the other side's change cannot be taken: {error:#}"));
                let code = StatusCode::NOT_ACCEPTABLE_HERE;
                self.client().ask(move |agent, now| agent.reject(now, call, code)).await??;
            }
        }
        Ok(())
    }

    /// The other side has agreed to a change of ours.
    async fn changed(&mut self, call: CallId, answer: &[u8]) -> Result<()> {
        let Some(line) = self.line_of(call) else { return Ok(()) };
        let number = line.number;
        let wanted = line.changing.take();
        match line.negotiator.accept(answer) {
            Ok(agreement) => line.agree(agreement),
            Err(error) => {
                let reason = format!("{error:#}");
                self.out.tell(&Told::ChangeFailed { call: number, reason });
                return Ok(());
            }
        }
        if let Some(hold) = wanted {
            line.held = hold;
            line.media.mute(hold);
            self.out.tell(&if hold {
                Told::Held { call: number }
            } else {
                Told::Resumed { call: number }
            });
        }
        Ok(())
    }

    fn change_failed(&mut self, call: CallId, failure: Failure) -> Result<()> {
        let Some(line) = self.line_of(call) else { return Ok(()) };
        let number = line.number;
        let Some(hold) = line.changing.take() else { return Ok(()) };
        if matches!(failure, Failure::Refused(code) if code.get() == 491) {
            // RFC 3261 section 14.1: who has made the call waits longer.
            let wait = if line.ours { Pick::between(2100, 4000)? } else { Pick::between(0, 2000)? };
            self.after(Duration::from_millis(wait), number, Due::Change(hold));
            return Ok(());
        }
        // The next offer is of what goes on.
        let held = line.held;
        let _ = line.offer(held);
        self.out.tell(&Told::ChangeFailed { call: number, reason: advice(&failure) });
        Ok(())
    }

    async fn transfer_requested(
        &mut self,
        call: CallId,
        target: Vec<u8>,
        by: Vec<u8>,
    ) -> Result<()> {
        let Some(line) = self.line_of(call) else { return Ok(()) };
        let number = line.number;
        let text = String::from_utf8_lossy(&target).into_owned();
        let to = text.split('?').next().unwrap_or_default().to_owned();
        self.out.tell(&Told::TransferRequested { call: number, to: to.clone() });
        if self.common.options.no_transfer {
            let code = StatusCode::DECLINE;
            self.client().ask(move |agent, now| agent.reject_transfer(now, call, code)).await??;
            return Ok(());
        }
        self.last += 1;
        let new = self.last;
        let mut prepared = Line::prepare(&self.common, new).await?;
        let offer = prepared.negotiator.offer()?;
        let accepted = self
            .client()
            .ask(move |agent, now| {
                agent.accept_transfer(now, call, &target, &by, Some((SDP, &offer)))
            })
            .await?;
        match accepted {
            Ok(id) => {
                let mut line = prepared.line(id, &to, true);
                line.for_transfer = true;
                self.lines.push(line);
                self.current = new;
                self.out.tell(&Told::Calling { call: new, to });
            }
            Err(error) => {
                self.out.warn(format!("{to} cannot be called: {error}"));
                let code = StatusCode::SERVICE_UNAVAILABLE;
                let _ = self
                    .client()
                    .ask(move |agent, now| agent.reject_transfer(now, call, code))
                    .await?;
            }
        }
        Ok(())
    }

    async fn transfer_progress(&mut self, call: CallId, code: u16, is_over: bool) -> Result<()> {
        let Some(line) = self.line_of(call) else { return Ok(()) };
        let (number, transferring) = (line.number, line.transferring);
        self.out.tell(&Told::TransferProgress { call: number, code, over: is_over });
        if transferring && (200..300).contains(&code) {
            return self.hang_up(call).await;
        }
        Ok(())
    }

    /// Digits that come by INFO.
    fn info(&mut self, call: CallId, content_type: &str, body: &[u8]) {
        let Some(line) = self.line_of(call) else { return };
        let call = line.number;
        let text = String::from_utf8_lossy(body).into_owned();
        let is = |name: &str| content_type.to_ascii_lowercase().starts_with(name);
        let digit = if is("application/dtmf-relay") {
            let signal = text.lines().find_map(|line| line.trim().strip_prefix("Signal="));
            signal.and_then(|signal| signal.trim().chars().next())
        } else if is("application/dtmf") {
            text.trim().chars().next()
        } else {
            None
        };
        match digit {
            Some(digit) => self.out.tell(&Told::Digit { call, digit }),
            None => self.out.warn(format!("[{call}] an INFO of {content_type}")),
        }
    }

    pub(super) fn ended(&mut self, call: CallId, end: &End) {
        let Some(at) = self.lines.iter().position(|line| line.id == call) else { return };
        let line = self.lines.remove(at);
        self.due.retain(|(_, number, _)| *number != line.number);
        if self.current == line.number {
            self.current = self.lines.last().map_or(0, |line| line.number);
        }
        let reason = match end {
            End::Failed(failure) => advice(failure),
            End::Cancelled if line.ours => "nobody has answered in time".to_owned(),
            other => why(other),
        };
        // What becomes of a call that somebody else has asked for is not ours.
        let counts = self.exit == Exit::Well && line.ours && !line.for_transfer;
        if counts && line.answered.is_none() {
            self.exit = match end {
                End::Failed(failure) => Exit::of(failure),
                _ if self.stopping => Exit::Well,
                _ => Exit::NoAnswer,
            };
        }
        let recording = line.recording.as_ref().map(|file| file.display().to_string());
        let (number, with, answered) = (line.number, line.with, line.answered);
        let media = line.media;
        self.finishing.spawn(async move {
            let outcome = media.end().await;
            Finished { number, with, reason, answered, recording, outcome }
        });
    }
}

mod rand {
    use anyhow::Result;
    use host::random;

    pub(super) struct Pick;

    impl Pick {
        /// A number that nobody can foresee, of these and those between.
        pub(super) fn between(least: u64, most: u64) -> Result<u64> {
            let seed = random::seed()?;
            let number = u64::from(u32::from_be_bytes([seed[0], seed[1], seed[2], seed[3]]));
            Ok(least + number % (most - least + 1))
        }
    }
}
