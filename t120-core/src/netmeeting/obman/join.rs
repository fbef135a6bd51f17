//! Joining a workset group late ([MS-MNPR] section 3.1.5, figures 7 and 8).
//!
//! ```text
//!   joiner                          helper
//!     | -- HELLO, to all ------------> |
//!     | <--------------- WELCOME ----- |    the first one to answer helps
//!     | -- WSGROUP_SEND_REQ ---------> |
//!     | <-- worksets, MIDWAY --------- |
//!     | <-- objects, COMPLETE -------- |    or DENY, and another one is asked
//! ```

use super::message::{Body, Message, NO_COMPRESSION, ObjectId, SendKind};

/// How far somebody who joins is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum JoinState {
    /// Waits for somebody to answer.
    Greeting,
    /// Has asked this user for the group.
    Asking(u16),
    /// All worksets are known.
    Midway(u16),
    /// All objects have come.
    Complete,
}

/// Somebody who joins a group.
#[derive(Clone, Copy, Debug)]
pub struct Joiner {
    user: u16,
    group: u8,
    correlator: u16,
    object: ObjectId,
    state: JoinState,
    used: u32,
}

impl Joiner {
    /// Who joins; `registration` is the object that stands for it in the group of all groups. The
    /// message goes to all on that group's channel.
    pub const fn new(user: u16, group: u8, registration: ObjectId) -> (Self, Message<'static>) {
        let (correlator, state) = (user, JoinState::Greeting);
        let joiner = Self { user, group, correlator, object: registration, state, used: 0 };
        let body = Body::Hello { compression: NO_COMPRESSION };
        (joiner, Message { sender: user, body })
    }

    /// Takes a message of another node; gives the answer to it, which goes to that node alone, on
    /// its own channel.
    pub fn handle(&mut self, message: &Message<'_>) -> Option<Message<'static>> {
        match (message.body, self.state) {
            (Body::Welcome { .. }, JoinState::Greeting) => {
                self.state = JoinState::Asking(message.sender);
                Some(Message { sender: self.user, body: self.request() })
            }
            (
                Body::Send { kind, group, correlator, max_sequence, .. },
                JoinState::Asking(helper) | JoinState::Midway(helper),
            ) if message.sender == helper
                && (group, correlator) == (self.group, self.correlator) =>
            {
                match kind {
                    SendKind::Midway => {
                        self.state = JoinState::Midway(helper);
                        self.used = self.used.max(max_sequence);
                    }
                    SendKind::Complete => self.state = JoinState::Complete,
                    SendKind::Deny => self.state = JoinState::Greeting,
                    SendKind::Request => {}
                }
                None
            }
            _ => None,
        }
    }

    /// A node has left: if it was the helper, HELLO has to be said again.
    pub fn handle_left(&mut self, user: u16) -> Option<Message<'static>> {
        match self.state {
            JoinState::Asking(helper) | JoinState::Midway(helper) if helper == user => {
                self.state = JoinState::Greeting;
                let body = Body::Hello { compression: NO_COMPRESSION };
                Some(Message { sender: self.user, body })
            }
            _ => None,
        }
    }

    /// How far it is.
    pub const fn state(&self) -> JoinState {
        self.state
    }

    /// The highest sequence that this user's objects have had already
    /// ([`Group::skip_sequences`](super::Group::skip_sequences)).
    pub const fn used_sequence(&self) -> u32 {
        self.used
    }

    const fn request(&self) -> Body<'static> {
        Body::Send {
            kind: SendKind::Request,
            group: self.group,
            correlator: self.correlator,
            object: self.object,
            max_sequence: 0,
        }
    }
}
