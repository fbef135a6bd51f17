//! Whether a subscription that has ended is worth another attempt, and when (RFC 6665 section 4.1.3).

use core::time::Duration;

use super::machine::number;
use super::{Event, Failure};
use crate::header::SubscriptionState;
use crate::message::{Message, Name, StatusCode};

/// How long to wait where nothing says how long, but at once would be too soon.
const LATER: Duration = Duration::from_secs(60);

impl Event<'_> {
    /// After which time to subscribe again where this is an [`Event::SubscriptionEnded`]; never where
    /// there is no use in it, or where nobody wanted it any more.
    ///
    /// | Subscription-State, `reason` | |
    /// |---|---|
    /// | `deactivated`, `timeout` | at once |
    /// | `probation`, `giveup`, others | as `retry-after` says, or after a minute |
    /// | `rejected`, `noresource`, `invariant` | never |
    ///
    /// After a refusal it is at once where the other side has lost the subscription (481), as
    /// Retry-After says or after a minute where it may go better then (408, 480, 5xx), and else
    /// never; after a minute where there was no answer.
    ///
    /// A notifier that ends each subscription at once is asked again at once: wait longer each time
    /// where no state came in between.
    pub fn subscribe_again_in(&self) -> Option<Duration> {
        let Self::SubscriptionEnded { failure, message, .. } = self else { return None };
        match (failure, message) {
            (Some(Failure::Refused(code)), message) => after_refusal(*code, message.as_ref()),
            (Some(_), _) => Some(LATER),
            (None, Some(message)) => {
                let state = message.typed::<SubscriptionState<'_>>().and_then(Result::ok)?;
                if state.is_terminated() { after_state(&state) } else { None }
            }
            (None, None) => None,
        }
    }
}

/// After a NOTIFY that ends a subscription.
pub(super) fn after_state(state: &SubscriptionState<'_>) -> Option<Duration> {
    let is = |reason: &[u8]| state.reason().is_some_and(|its| its.eq_ignore_ascii_case(reason));
    if is(b"rejected") || is(b"noresource") || is(b"invariant") {
        return None;
    }
    let asked = state.retry_after().map(|seconds| Duration::from_secs(seconds.into()));
    let at_once = is(b"deactivated") || is(b"timeout");
    Some(if at_once { Duration::ZERO } else { asked.unwrap_or(LATER) })
}

/// After a refusal of a SUBSCRIBE.
pub(super) fn after_refusal(code: StatusCode, message: Option<&Message<'_>>) -> Option<Duration> {
    if code == StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST {
        return Some(Duration::ZERO);
    }
    let may_go_better = matches!(code.get(), 408 | 480 | 491 | 500 | 502..=504);
    let asked = message.and_then(|message| number(message, Name::RetryAfter));
    let wait = asked.map_or(LATER, |seconds| Duration::from_secs(seconds.into()));
    may_go_better.then_some(wait)
}
