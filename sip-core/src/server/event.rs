//! What a server tells its host.

use super::user::User;
use crate::header::{From, To};
use crate::message::{Message, Method, StatusCode};
use crate::transport::Path;

/// Why a binding is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Departure {
    /// Its TLS connection has ended.
    Disconnected,
    /// It was not renewed in time.
    Expired,
    /// The client has taken it back.
    Removed,
}

/// Something that happened. All of it is done already: the host need not do anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Event<'d> {
    /// An INVITE that was relayed has got its final response.
    Answered {
        /// The response's status code.
        code: StatusCode,
        /// The URI of From.
        from: &'d [u8],
        /// The URI of To.
        to: &'d [u8],
    },
    /// The buffer handed to `poll_transmit` is too small for what stands first; it stays queued.
    BufferTooSmall {
        /// How many octets it must have.
        needed: usize,
    },
    /// More happened at a time than there is room to tell of.
    Overflow {
        /// How many events are missing.
        events: usize,
    },
    /// A user has published presence, or taken it back.
    Published {
        /// The user.
        user: User,
    },
    /// A request was refused by the server itself.
    Refused {
        /// Its method.
        method: Method<'d>,
        /// The URI of From.
        from: &'d [u8],
        /// The status code of the answer.
        code: StatusCode,
        /// The way it came.
        path: Path,
    },
    /// A user has signed in from a contact, or renewed it.
    Registered {
        /// The user.
        user: User,
        /// The contact's URI.
        contact: &'d [u8],
        /// For how long, in seconds.
        expires_s: u32,
        /// The way it came.
        path: Path,
        /// How many contacts the user has now.
        bindings: usize,
    },
    /// A request was relayed.
    Relayed {
        /// Its method.
        method: Method<'d>,
        /// The URI of From.
        from: &'d [u8],
        /// The URI of To.
        to: &'d [u8],
        /// To how many contacts.
        branches: usize,
        /// Whether it belongs to a dialog that was set up before.
        in_dialog: bool,
    },
    /// A user's presence is watched, or no longer.
    Subscribed {
        /// The user.
        user: User,
        /// The URI of who watches.
        watcher: &'d [u8],
        /// For how long, in seconds; 0 ends it.
        expires_s: u32,
    },
    /// A contact of a user is gone.
    Unregistered {
        /// The user.
        user: User,
        /// Why.
        reason: Departure,
        /// How many contacts the user has left.
        bindings: usize,
    },
}

/// How many events wait for the host.
const ROOM: usize = 8;

/// The events that wait for the host, in their order.
#[derive(Debug)]
pub(super) struct Told {
    events: [Option<Event<'static>>; ROOM],
    missed: usize,
}

impl Told {
    pub(super) const fn new() -> Self {
        Self { events: [None; ROOM], missed: 0 }
    }

    pub(super) fn push(&mut self, event: Event<'static>) {
        match self.events.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some(event),
            None => self.missed = self.missed.saturating_add(1),
        }
    }

    pub(super) fn pop(&mut self) -> Option<Event<'static>> {
        let first = self.events.first_mut().and_then(Option::take);
        self.events.rotate_left(1);
        if first.is_none() && self.missed > 0 {
            return Some(Event::Overflow { events: core::mem::take(&mut self.missed) });
        }
        first
    }

    pub(super) fn has_room(&self) -> bool {
        self.events.iter().any(Option::is_none)
    }
}

/// The URI of From as it stands.
pub(super) fn from_uri<'d>(message: &Message<'d>) -> &'d [u8] {
    let from = message.typed::<From<'d>>().and_then(Result::ok);
    from.and_then(|from| from.uri().as_bytes()).unwrap_or_default()
}

/// The URI of To as it stands.
pub(super) fn to_uri<'d>(message: &Message<'d>) -> &'d [u8] {
    let to = message.typed::<To<'d>>().and_then(Result::ok);
    to.and_then(|to| to.uri().as_bytes()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_keep_their_order_and_what_is_missing_is_said() {
        let mut told = Told::new();
        for needed in 0..ROOM + 2 {
            told.push(Event::BufferTooSmall { needed });
        }
        assert!(!told.has_room());
        for needed in 0..ROOM {
            assert_eq!(told.pop(), Some(Event::BufferTooSmall { needed }));
        }
        assert_eq!(told.pop(), Some(Event::Overflow { events: 2 }));
        assert_eq!(told.pop(), None);
        assert!(told.has_room());
    }
}
