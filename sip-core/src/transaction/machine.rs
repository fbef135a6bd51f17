//! The four state machines of a transaction, without messages: what they wait for and what falls
//! due (RFC 3261 section 17 with the corrections of RFC 6026).
//!
//! ```text
//!  INVITE client (17.1.1)                          INVITE server (17.2.1)
//!  Calling --1xx--> Proceeding --2xx--> Accepted   Proceeding --2xx--> Accepted --L--> end
//!     |  A: again      |                   M          |  1xx, 100 after 200 ms
//!     |  B: failed     |3xx-6xx            |          |3xx-6xx
//!     +--3xx-6xx----> Completed --D-----> end         v
//!                      ACK each time               Completed --ACK--> Confirmed --I--> end
//!                                                     G: again, H: failed
//!
//!  non-INVITE client (17.1.2)                      non-INVITE server (17.2.2)
//!  Trying --1xx--> Proceeding --final--> Completed Trying --1xx--> Proceeding --final--> Completed
//!    E: again, F: failed (both)             K: end                                       J: end
//! ```

use core::time::Duration;

use super::Config;

/// The states of RFC 3261 figures 5 to 8 and RFC 6026 figures 2 and 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum State {
    /// A client's INVITE has no answer yet (figure 5).
    Calling,
    /// A client's request other than INVITE has no answer yet (figure 6), or a server's was not
    /// answered yet (figure 8).
    Trying,
    /// There was a provisional response; or a server's INVITE is being worked on.
    Proceeding,
    /// There was a 2xx to an INVITE (RFC 6026).
    Accepted,
    /// There was a final response, to an INVITE one of 300 to 699.
    Completed,
    /// A server's final response to an INVITE was acknowledged.
    Confirmed,
    /// Over.
    Terminated,
}

/// What became due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Due {
    /// Send again what was sent last.
    pub(super) resend: bool,
    /// Send 100 Trying.
    pub(super) trying: bool,
    /// The other side is not there any more: no answer, or no ACK.
    pub(super) failed: bool,
    /// Timer C ran out: the INVITE is to be cancelled.
    pub(super) cancel: bool,
}

/// One transaction's state and timers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Machine {
    pub(super) state: State,
    pub(super) is_client: bool,
    pub(super) is_invite: bool,
    /// Whether the transport sends nothing again.
    reliable: bool,
    /// Whether a response to an INVITE is sent again until it is acknowledged: a 2xx by an ACK, a
    /// reliable provisional one by a PRACK.
    repeats: bool,
    /// Whether a CANCEL was sent for a client's INVITE.
    is_cancelled: bool,
    /// A, E, G or the 2xx of RFC 3261 section 13.3.1.4: how long the wait is now.
    interval: Duration,
    /// When it ends; for a server's INVITE without an answer, when 100 Trying is due.
    resend_at: Option<Duration>,
    /// B, C, D, F, H, I, J, K, L, M, by state.
    end_at: Option<Duration>,
}

/// 64 times T1: how long a transaction waits for the other side.
fn patience(config: &Config) -> Duration {
    config.t1.saturating_mul(64)
}

impl Machine {
    /// A request that was sent just now.
    pub(super) fn client(now: Duration, config: &Config, is_invite: bool, reliable: bool) -> Self {
        Self {
            state: if is_invite { State::Calling } else { State::Trying },
            is_client: true,
            is_invite,
            reliable,
            repeats: false,
            is_cancelled: false,
            interval: config.t1,
            // Timers A and E.
            resend_at: (!reliable).then_some(now.saturating_add(config.t1)),
            // Timers B and F.
            end_at: Some(now.saturating_add(patience(config))),
        }
    }

    /// A request that arrived just now.
    pub(super) fn server(now: Duration, config: &Config, is_invite: bool, reliable: bool) -> Self {
        Self {
            state: if is_invite { State::Proceeding } else { State::Trying },
            is_client: false,
            is_invite,
            reliable,
            repeats: false,
            is_cancelled: false,
            interval: config.t1,
            resend_at: is_invite.then_some(now.saturating_add(config.trying_after)),
            // An INVITE may ring as long as it likes. The client of anything else has given up by
            // then, so an answer would find nobody (RFC 4320 section 4.2).
            end_at: (!is_invite).then_some(now.saturating_add(patience(config))),
        }
    }

    /// A client's response of this code. Says whether it is for the transaction's user.
    pub(super) fn response(&mut self, now: Duration, config: &Config, code: u16) -> bool {
        match (self.state, code) {
            (State::Calling | State::Trying | State::Proceeding, 100..=199) => {
                self.state = State::Proceeding;
                if self.is_cancelled {
                    // The wait after a CANCEL goes on.
                } else if self.is_invite {
                    self.resend_at = None;
                    // Timer C; where it is not wanted, B is all the same over.
                    self.end_at = config.timer_c.map(|wait| now.saturating_add(wait));
                } else {
                    self.interval = config.t2;
                }
                true
            }
            (State::Calling | State::Proceeding, 200..=299) if self.is_invite => {
                self.state = State::Accepted;
                self.resend_at = None;
                // Timer M.
                self.end_at = Some(now.saturating_add(patience(config)));
                true
            }
            (State::Accepted, 200..=299) => true,
            (State::Calling | State::Trying | State::Proceeding, _) => {
                self.state = State::Completed;
                self.resend_at = None;
                // Timers D and K; zero where nothing comes again.
                let wait = match (self.reliable, self.is_invite) {
                    (true, _) => Duration::ZERO,
                    (false, true) => config.timer_d,
                    (false, false) => config.t4,
                };
                self.end_at = Some(now.saturating_add(wait));
                true
            }
            _ => false,
        }
    }

    /// A server's response of this code, sent just now.
    pub(super) fn respond(&mut self, now: Duration, config: &Config, code: u16, repeat: bool) {
        match (self.state, code) {
            (State::Trying | State::Proceeding, 100..=199) => {
                self.state = State::Proceeding;
                if self.is_invite {
                    self.interval = config.t1;
                    self.repeats = repeat;
                    self.resend_at = repeat.then_some(now.saturating_add(config.t1));
                }
            }
            (State::Proceeding, 200..=299) if self.is_invite => {
                self.state = State::Accepted;
                self.interval = config.t1;
                self.repeats = repeat;
                self.resend_at = repeat.then_some(now.saturating_add(config.t1));
                // Timer L.
                self.end_at = Some(now.saturating_add(patience(config)));
            }
            (State::Trying | State::Proceeding, _) => {
                self.state = State::Completed;
                self.interval = config.t1;
                if self.is_invite {
                    // Timers G and H.
                    self.resend_at = (!self.reliable).then_some(now.saturating_add(config.t1));
                    self.end_at = Some(now.saturating_add(patience(config)));
                } else {
                    // Timer J.
                    let wait = if self.reliable { Duration::ZERO } else { patience(config) };
                    self.resend_at = None;
                    self.end_at = Some(now.saturating_add(wait));
                }
            }
            _ => {}
        }
    }

    /// An ACK for a server's final response of 300 to 699.
    pub(super) fn acknowledged(&mut self, now: Duration, config: &Config) {
        if self.state == State::Completed && self.is_invite {
            self.state = State::Confirmed;
            self.resend_at = None;
            // Timer I.
            let wait = if self.reliable { Duration::ZERO } else { config.t4 };
            self.end_at = Some(now.saturating_add(wait));
        }
    }

    /// The ACK for a server's 2xx, or the PRACK for its provisional response: it is not sent again.
    pub(super) fn stop_repeating(&mut self) {
        if self.repeats {
            self.repeats = false;
            self.resend_at = None;
        }
    }

    /// A CANCEL was sent for a client's INVITE: the final response must come within 64 times T1
    /// (RFC 3261 section 9.1).
    pub(super) fn cancelled(&mut self, now: Duration, config: &Config) {
        if self.state == State::Proceeding {
            self.is_cancelled = true;
            self.end_at = Some(now.saturating_add(patience(config)));
        }
    }

    /// What is due at `now`.
    pub(super) fn due(&mut self, now: Duration, config: &Config) -> Due {
        let mut due = Due::default();
        if self.end_at.is_some_and(|at| at <= now) {
            let waits = matches!(self.state, State::Calling | State::Trying | State::Proceeding);
            let rings = self.is_client && self.is_invite && self.state == State::Proceeding;
            if rings && !self.is_cancelled {
                // Timer C.
                due.cancel = true;
                self.cancelled(now, config);
                return due;
            }
            due.failed = match self.state {
                _ if self.is_client => waits,
                State::Accepted => self.repeats,
                // Timer H.
                State::Completed => self.is_invite,
                _ => waits,
            };
            self.state = State::Terminated;
            (self.resend_at, self.end_at) = (None, None);
            return due;
        }
        if self.resend_at.is_some_and(|at| at <= now) {
            if !self.is_client && self.state == State::Proceeding && !self.repeats {
                due.trying = true;
                self.resend_at = None;
                return due;
            }
            due.resend = true;
            let doubled = self.interval.saturating_mul(2);
            // Timer A doubles until B ends it, and so does the wait for a PRACK (RFC 3262 section 3)
            // until the user gives up; all others stop growing at T2.
            let grows =
                self.state == State::Calling || !self.is_client && self.state == State::Proceeding;
            self.interval = if grows { doubled } else { doubled.min(config.t2) };
            self.resend_at = Some(now.saturating_add(self.interval));
        }
        due
    }

    /// Ends it whatever it waits for.
    pub(super) fn end(&mut self) {
        self.state = State::Terminated;
        (self.resend_at, self.end_at) = (None, None);
    }

    /// When something is due next.
    pub(super) fn deadline(&self) -> Option<Duration> {
        match (self.resend_at, self.end_at) {
            (Some(resend), Some(end)) => Some(resend.min(end)),
            (resend, end) => resend.or(end),
        }
    }
}
