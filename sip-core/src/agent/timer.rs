//! Session timers (RFC 4028): both sides know until when a call lasts at the most, and one of them
//! refreshes it, so that a call whose other side has gone without a word does not stay for ever.
//!
//! ```text
//!  refresher:      0 ---- interval / 2: UPDATE, or a re-INVITE by the host ---- interval
//!  the other side: 0 ------------------------- interval - min(32 s, interval / 3): BYE
//! ```

use core::time::Duration;

use super::call::{Note, Phase};
use super::machine::lists;
use super::{Agent, CallId, Config, End, Error, Event, Failure, What};
use crate::header::{Allow, MinSe, SessionExpires, Supported};
use crate::message::{Message, Method, Name, StatusCode, Writer};
use crate::storage::Index;
use crate::transaction::{ClientId, ServerId};

/// What is agreed on a session's time.
#[derive(Clone, Copy, Debug)]
pub(super) struct SessionTimer {
    /// In seconds; 0 where the session has no end.
    interval_s: u32,
    /// Whether it is we who refresh it.
    is_ours: bool,
    /// Whether the other side knows what `Require: timer` means.
    is_known: bool,
    /// Whether the other side takes an UPDATE.
    takes_update: bool,
    /// When it is to be refreshed, or over.
    due: Option<Duration>,
    /// A refresh was due, and has not succeeded yet.
    was_due: bool,
}

impl SessionTimer {
    pub(super) const NONE: Self = Self {
        interval_s: 0,
        is_ours: false,
        is_known: false,
        takes_update: false,
        due: None,
        was_due: false,
    };

    /// What a request of theirs asks for.
    ///
    /// # Errors
    /// The least interval that we take, where theirs is shorter.
    pub(super) fn offered(request: &Message<'_>, config: &Config) -> Result<Self, u32> {
        let is_known = lists(request.all::<Supported<'_>>().flatten().map(|tag| tag.0), b"timer");
        let asked = request.typed::<SessionExpires<'_>>().and_then(Result::ok);
        if config.session_expires_s == 0 && asked.is_none() {
            return Ok(Self { takes_update: takes_update(request), ..Self::NONE });
        }
        let interval_s = match asked {
            Some(asked) if asked.seconds < config.session_min_s && is_known => {
                return Err(config.session_min_s);
            }
            Some(asked) => asked.seconds.max(config.session_min_s),
            None if is_known => config.session_expires_s,
            None => 0,
        };
        let refresher = asked.and_then(|asked| asked.params.value(b"refresher"));
        // Who does not know the extension cannot be asked to refresh.
        let is_ours = match refresher {
            Some(refresher) => !refresher.eq_ignore_ascii_case(b"uac"),
            None => !is_known,
        };
        let takes_update = takes_update(request);
        Ok(Self { interval_s, is_ours, is_known, takes_update, ..Self::NONE })
    }

    /// What a 2xx of theirs says.
    fn agreed(response: &Message<'_>) -> Self {
        let takes_update = takes_update(response);
        match response.typed::<SessionExpires<'_>>() {
            Some(Ok(agreed)) => {
                let refresher = agreed.params.value(b"refresher");
                let is_ours = refresher.is_none_or(|who| !who.eq_ignore_ascii_case(b"uas"));
                let interval_s = agreed.seconds;
                Self { interval_s, is_ours, takes_update, ..Self::NONE }
            }
            _ => Self { takes_update, ..Self::NONE },
        }
    }

    /// Begins to count.
    pub(super) fn arm(&mut self, now: Duration) {
        let interval = Duration::from_secs(self.interval_s.into());
        let wait = if self.is_ours { interval / 2 } else { interval - margin(interval) };
        self.due = (self.interval_s > 0).then_some(now.saturating_add(wait));
        self.was_due = false;
    }

    pub(super) const fn due(&self) -> Option<Duration> {
        self.due
    }

    /// Writes what an INVITE or UPDATE of ours asks for.
    pub(super) fn write_request(&self, to: &mut Writer<'_>, config: &Config) {
        let seconds = if self.interval_s == 0 { config.session_expires_s } else { self.interval_s };
        if seconds == 0 {
            return;
        }
        to.name(Name::SessionExpires);
        to.number(seconds);
        if self.interval_s > 0 {
            // Who refreshes stays the same.
            to.param(b"refresher", if self.is_ours { b"uac" } else { b"uas" });
        }
        to.end_row();
        to.raw_number(Name::MinSe, config.session_min_s);
    }

    /// Writes what a 2xx of ours says.
    pub(super) fn write_response(&self, to: &mut Writer<'_>) {
        if self.interval_s == 0 {
            return;
        }
        to.name(Name::SessionExpires);
        to.number(self.interval_s);
        to.param(b"refresher", if self.is_ours { b"uas" } else { b"uac" });
        to.end_row();
        if self.is_known && !self.is_ours {
            to.raw(Name::Require, b"timer");
        }
    }
}

/// How long before its end a session is given up.
fn margin(interval: Duration) -> Duration {
    (interval / 3).min(Duration::from_secs(32))
}

fn takes_update(message: &Message<'_>) -> bool {
    message.all::<Allow<'_>>().flatten().any(|allow| allow.0 == Method::Update)
}

impl Agent<'_> {
    /// Changes a session without a re-INVITE (RFC 3311): the body is an offer, and what comes of it is
    /// told as [`Event::Changed`] or [`Event::ChangeFailed`]. Unlike a re-INVITE it is answered at
    /// once, so that nobody may be asked there.
    ///
    /// # Errors
    /// [`Error::Gone`] where the call is over, [`Error::State`] where it is not established or where
    /// another change is under way, else what stands in the way of sending.
    pub fn update(
        &mut self,
        now: Duration,
        call: CallId,
        offer: (&[u8], &[u8]),
    ) -> Result<(), Error> {
        self.now = now;
        #[cfg(feature = "offers")]
        if self.is_early(call.0) {
            return self.update_early(now, call.0, offer);
        }
        self.may_change(call.0)?;
        self.send_update(now, call.0, Some(offer))?;
        if let Some(entry) = self.calls.get_mut(call.0) {
            entry.settled = false;
        }
        Ok(())
    }

    fn send_update(
        &mut self,
        now: Duration,
        index: Index,
        offer: Option<(&[u8], &[u8])>,
    ) -> Result<(), Error> {
        let (config, timer) = (self.config, self.calls.get(index).ok_or(Error::Gone)?.timer);
        let what = What::Update(index);
        let client = self.in_dialog(now, index, Method::Update, what, offer, &mut |to| {
            to.raw(Name::Supported, super::machine::SUPPORTED);
            timer.write_request(to, &config);
        })?;
        if let Some(entry) = self.calls.get_mut(index) {
            entry.client = Some(client);
        }
        Ok(())
    }

    /// A response to an UPDATE of ours.
    pub(super) fn update_response<'d>(
        &mut self,
        now: Duration,
        index: Index,
        transaction: ClientId,
        code: StatusCode,
        message: Message<'d>,
    ) -> Option<Event<'d>> {
        let call = CallId(index);
        #[cfg(feature = "offers")]
        if code.is_final() {
            self.bring_update(index, transaction);
            if !code.is_success() {
                self.note_refusal(index, code, &message);
            }
            if self.is_early_update(index, transaction) {
                let refused = Err(Failure::Refused(code));
                let outcome = if code.is_success() { Ok(message) } else { refused };
                return self.early_update_done(index, transaction, outcome);
            }
        }
        let entry = self.calls.get_mut(index)?;
        if code.is_provisional() || entry.client != Some(transaction) {
            return None;
        }
        entry.client = None;
        let was_offer = !core::mem::replace(&mut entry.settled, true);
        if code.is_success() {
            if let Some(dialog) = entry.dialog.as_mut() {
                // Where there is no room the old target stays, which most often still holds.
                let _ = dialog.refresh(self.layer.arena_mut(), &message);
            }
            self.session_agreed(now, index, &message);
            return was_offer.then_some(Event::Changed { call, message });
        }
        let failure = Failure::Refused(code);
        if is_lost(code) {
            return self.lose(now, index, failure);
        }
        if was_offer {
            return Some(Event::ChangeFailed { call, failure });
        }
        entry.timer.takes_update = false;
        Some(Event::RefreshDue { call })
    }

    /// No response came to an UPDATE of ours.
    pub(super) fn update_failed(
        &mut self,
        index: Index,
        transaction: ClientId,
        failure: Failure,
    ) -> Option<Event<'static>> {
        #[cfg(feature = "offers")]
        {
            self.bring_update(index, transaction);
            if self.is_early_update(index, transaction) {
                return self.early_update_done(index, transaction, Err(failure));
            }
        }
        let now = self.now;
        let entry = self.calls.get_mut(index)?;
        if entry.client != Some(transaction) || entry.phase != Phase::Active {
            return None;
        }
        self.lose(now, index, failure)
    }

    /// A 2xx to an INVITE or UPDATE of ours says until when the session lasts.
    pub(super) fn session_agreed(&mut self, now: Duration, index: Index, response: &Message<'_>) {
        if let Some(entry) = self.calls.get_mut(index) {
            entry.timer = SessionTimer::agreed(response);
            entry.timer.arm(now);
        }
        self.schedule_call(index);
    }

    /// A session is to be refreshed, or is over.
    pub(super) fn session_due(&mut self, now: Duration, index: Index) {
        let Some(entry) = self.calls.get_mut(index) else { return };
        let timer = &mut entry.timer;
        if entry.phase != Phase::Active || timer.due.is_none_or(|due| due > now) {
            return;
        }
        if !timer.is_ours || timer.was_due {
            *timer = SessionTimer::NONE;
            self.leave(now, index);
            return self.end_later(index, End::Failed(Failure::Timeout));
        }
        let interval = Duration::from_secs(timer.interval_s.into());
        timer.was_due = true;
        timer.due = Some(now.saturating_add((interval / 2).saturating_sub(margin(interval))));
        let by_update = timer.takes_update && entry.client.is_none() && entry.server.is_none();
        if !(by_update && self.send_update(now, index, None).is_ok())
            && let Some(entry) = self.calls.get_mut(index)
        {
            entry.note = Some(Note::RefreshDue);
            self.calls.set_noted(index);
        }
    }

    /// Refuses a session that is too short (RFC 4028 section 6).
    pub(super) fn refuse_interval<'d>(
        &mut self,
        now: Duration,
        transaction: ServerId,
        least: u32,
    ) -> Result<Option<Event<'d>>, Error> {
        let code = StatusCode::SESSION_INTERVAL_TOO_SMALL;
        self.refuse(now, transaction, code, &mut |to| to.raw_number(Name::MinSe, least))
    }
}

/// The interval that a 422 asks for.
pub(super) fn least_interval(message: &Message<'_>) -> Option<u32> {
    let least = message.typed::<MinSe<'_>>().and_then(Result::ok)?.seconds;
    Some(least).filter(|least| *least < 1 << 24)
}

/// Whether a response says that the other side knows nothing of the call (RFC 3261 section 12.2.1.2).
pub(super) fn is_lost(code: StatusCode) -> bool {
    code == StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST || code == StatusCode::REQUEST_TIMEOUT
}
