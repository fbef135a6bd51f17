//! The lock of a workset ([MS-MNPR] section 3.1.5).
//!
//! ```text
//!            request            all have granted
//!   Free ------------> Asking ------------------> Held --- release ---> Free
//!                        |  one denies
//!                        +-----------> Free
//! ```
//!
//! The document has no rule for two that ask at once: here the lower MCS user wins, and the other
//! one is denied.

use super::message::{Body, LockKind, Message};
use crate::error::{Error, Full};

/// How many nodes may have to be asked.
pub const MAX_RESPONDENTS: usize = 64;

/// How it stands with a lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum LockState {
    /// Nobody has it, as far as is known here.
    #[default]
    Free,
    /// This node has asked for it.
    Asking,
    /// This node has it.
    Held,
    /// Another one has it.
    HeldBy(u16),
}

/// The lock of one workset, as one node has it.
#[derive(Clone, Copy, Debug)]
pub struct Lock {
    group: u8,
    workset: u8,
    user: u16,
    state: LockState,
    correlator: u16,
    /// Who has to grant it yet.
    respondents: [u16; MAX_RESPONDENTS],
    count: usize,
}

impl Lock {
    /// A lock that nobody has.
    pub const fn new(group: u8, workset: u8, user: u16) -> Self {
        let (state, respondents) = (LockState::Free, [0; MAX_RESPONDENTS]);
        Self { group, workset, user, state, correlator: 0, respondents, count: 0 }
    }

    /// Asks for it all those that use the group. With nobody to ask it is held at once, and there
    /// is nothing to be sent.
    ///
    /// # Errors
    /// [`Error::WrongState`] where it is not free, [`Error::Full`] for more than
    /// [`MAX_RESPONDENTS`].
    pub fn request(&mut self, respondents: &[u16]) -> Result<Option<Message<'static>>, Error> {
        if self.state != LockState::Free {
            return Err(Error::WrongState);
        }
        let full = Error::Full(Full { capacity: MAX_RESPONDENTS });
        let places = self.respondents.get_mut(..respondents.len()).ok_or(full)?;
        places.copy_from_slice(respondents);
        self.count = respondents.len();
        if self.count == 0 {
            self.state = LockState::Held;
            return Ok(None);
        }
        self.state = LockState::Asking;
        self.correlator = self.correlator.wrapping_add(1);
        Ok(Some(self.message(LockKind::Request, self.correlator)))
    }

    /// Gives it back.
    ///
    /// # Errors
    /// [`Error::WrongState`] where this node does not have it.
    pub fn release(&mut self) -> Result<Message<'static>, Error> {
        if self.state != LockState::Held {
            return Err(Error::WrongState);
        }
        self.state = LockState::Free;
        Ok(self.message(LockKind::Unlock, 0))
    }

    /// Takes a message of another node; gives the answer to it, which goes to that node alone.
    pub fn handle(&mut self, message: &Message<'_>) -> Option<Message<'static>> {
        let Body::Lock { kind, group, workset, correlator } = message.body else { return None };
        if (group, workset) != (self.group, self.workset) {
            return None;
        }
        let from = message.sender;
        match kind {
            LockKind::Request => {
                let denied = match self.state {
                    LockState::Held => true,
                    LockState::Asking => self.user < from,
                    LockState::HeldBy(user) => user != from,
                    LockState::Free => false,
                };
                if denied {
                    return Some(self.message(LockKind::Deny, correlator));
                }
                self.state = LockState::HeldBy(from);
                Some(self.message(LockKind::Grant, correlator))
            }
            LockKind::Grant if self.state == LockState::Asking => {
                self.granted(from);
                None
            }
            LockKind::Deny if self.state == LockState::Asking => {
                self.state = LockState::Free;
                // Those who have granted it already learn that it is free again.
                Some(self.message(LockKind::Unlock, 0))
            }
            LockKind::Unlock if self.state == LockState::HeldBy(from) => {
                self.state = LockState::Free;
                None
            }
            LockKind::Notify if self.state == LockState::HeldBy(from) => {
                // The correlator tells who has it now.
                self.state = if correlator == self.user {
                    LockState::Held
                } else {
                    LockState::HeldBy(correlator)
                };
                None
            }
            _ => None,
        }
    }

    /// A node has left: it need not be asked any more, and has nothing any more.
    pub fn handle_left(&mut self, user: u16) {
        if self.state == LockState::HeldBy(user) {
            self.state = LockState::Free;
        }
        if self.state == LockState::Asking {
            self.granted(user);
        }
    }

    /// How it stands with it.
    pub const fn state(&self) -> LockState {
        self.state
    }

    fn granted(&mut self, by: u16) {
        let places = self.respondents.get_mut(..self.count).unwrap_or_default();
        if let Some(at) = places.iter().position(|user| *user == by) {
            let last = self.count.saturating_sub(1);
            places.swap(at, last);
            self.count = last;
        }
        if self.count == 0 {
            self.state = LockState::Held;
        }
    }

    const fn message(&self, kind: LockKind, correlator: u16) -> Message<'static> {
        let (group, workset) = (self.group, self.workset);
        Message { sender: self.user, body: Body::Lock { kind, group, workset, correlator } }
    }
}
