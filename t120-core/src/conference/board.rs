//! The whiteboard in the conference.

use super::{BoardPhase, Conference, Phase, encode};
use crate::error::{Error, Fault};
use crate::mcs::{ChannelId, DataPriority, UserId};
use crate::whiteboard::pdu::{SiPdu, WorkspaceRefreshStatusPdu};
use crate::whiteboard::{self, Change, Color, Object, ObjectId, Pen, Shape};

/// All of the whiteboard goes with one priority, so that it stays in one order.
const PRIORITY: DataPriority = DataPriority::High;

const fn refresh_status(refresh_status: bool) -> SiPdu<'static> {
    SiPdu::WorkspaceRefreshStatus(WorkspaceRefreshStatusPdu {
        refresh_status,
        non_standard_parameters: None,
    })
}

impl Conference<'_> {
    /// Draws a shape. It stands on the board when it has come back from the top of the
    /// conference ([`Event::BoardChanged`](super::Event::BoardChanged)), at the top itself at
    /// once.
    ///
    /// # Errors
    /// [`Error::WrongState`] before [`Event::BoardReady`](super::Event::BoardReady),
    /// [`Error::Value`] for coordinates out of range, no points or too many, and
    /// [`Error::Full`] without room to send it.
    pub fn draw(
        &mut self,
        shape: Shape<'_>,
        pen: Pen,
        fill: Option<Color>,
    ) -> Result<ObjectId, Error> {
        let user = self.drawing_user()?;
        self.next_object = self.next_object.wrapping_add(1);
        let id = ObjectId(u32::from(user.value()) << 16 | u32::from(self.next_object));
        let object = Object { id, shape, pen, fill };
        let len = object.write(&mut []).err().map_or(Ok(0), |error| match error {
            crate::WriteError::BufferTooSmall(error) => Ok(error.needed),
            crate::WriteError::Value(fault) => Err(Error::Value(fault)),
        })?;
        self.scratch.reserve(len)?;
        let len = object.write(self.scratch.cells_mut())?;
        self.send_board(user, len)?;
        Ok(id)
    }

    /// Takes an object off the board.
    ///
    /// # Errors
    /// [`Error::Unknown`] where there is none of this name, and as for [`draw`](Self::draw).
    pub fn delete(&mut self, id: ObjectId) -> Result<(), Error> {
        let user = self.drawing_user()?;
        let object = self.board.object(id).ok_or(Error::Unknown)?;
        let is_text = matches!(object.shape, Shape::Text { .. });
        self.scratch.reserve(32)?;
        let len = whiteboard::write_delete(id, is_text, self.scratch.cells_mut())?;
        self.send_board(user, len)
    }

    fn drawing_user(&self) -> Result<UserId, Error> {
        match self.board_user {
            Some(user) if self.board_phase == BoardPhase::Ready => Ok(user),
            _ => Err(Error::WrongState),
        }
    }

    /// Sends what stands in the scratch memory to all boards, and applies it at the top, where
    /// the order of changes is made.
    fn send_board(&mut self, user: UserId, len: usize) -> Result<(), Error> {
        self.flush_refresh()?;
        let octets = self.scratch.cells().get(..len).unwrap_or_default();
        let channel = ChannelId::from_number(whiteboard::CHANNEL);
        let delivery = self.provider.send_data(user, channel, PRIORITY, true, octets)?;
        if delivery.local {
            let change = self.board.apply(octets);
            return self.changed(user, change);
        }
        Ok(())
    }

    /// The whiteboard's user is attached.
    pub(super) fn board_attached(&mut self, user: UserId) -> Result<(), Error> {
        self.board_user = Some(user);
        let own = ChannelId::from(user);
        let channel = ChannelId::from_number(whiteboard::CHANNEL);
        if let Some(result) = self.provider.join(user, own)? {
            self.joined(user, own, result)?;
        }
        if let Some(result) = self.provider.join(user, channel)? {
            self.joined(user, channel, result)?;
        }
        Ok(())
    }

    /// The whiteboard's channel is joined: at the top the board is what it is, anywhere else it
    /// has to be asked for.
    pub(super) fn board_joined(&mut self, user: UserId) -> Result<(), Error> {
        if self.provider.is_top() {
            self.board_phase = BoardPhase::Ready;
            self.pending.board_ready = true;
            return Ok(());
        }
        self.board_phase = BoardPhase::Asking;
        let octets =
            encode(&mut self.scratch, self.config.max_queued_octets, &refresh_status(false))?;
        let channel = ChannelId::from_number(whiteboard::CHANNEL);
        self.provider.send_data(user, channel, PRIORITY, true, octets)?;
        Ok(())
    }

    pub(super) fn handle_board(&mut self, initiator: UserId, octets: &[u8]) -> Result<(), Error> {
        // Until the board is asked for, all that changes is in what will be given.
        if matches!(self.board_phase, BoardPhase::Starting | BoardPhase::Asking)
            && Some(initiator) != self.board_user
        {
            return Ok(());
        }
        let change = self.board.apply(octets);
        self.changed(initiator, change)
    }

    fn changed(&mut self, initiator: UserId, change: Result<Change, Error>) -> Result<(), Error> {
        match change {
            Ok(Change::Nothing) => {}
            Ok(Change::Picture) => self.pending.board = true,
            Ok(Change::RefreshWanted) => {
                if Some(initiator) == self.board_user {
                    self.board.clear();
                    self.pending.board = true;
                    self.board_phase = BoardPhase::Refreshing;
                } else if self.provider.is_top() {
                    self.flush_refresh()?;
                    self.refresh = Some((initiator, 0));
                }
            }
            Ok(Change::RefreshDone) => {
                if self.board_phase == BoardPhase::Refreshing {
                    self.board_phase = BoardPhase::Ready;
                    self.pending.board_ready = true;
                    self.pending.board = true;
                }
            }
            Err(Error::Full(_)) => self.pending.board_full = true,
            // What one node cannot read must not end the conference for it.
            Err(Error::Parse(error)) if error.what != Fault::UnknownAlternative => {}
            Err(_) => {}
        }
        Ok(())
    }

    /// Queues the next object for whoever asked for the board. Whether there was one.
    pub(super) fn refresh_next(&mut self) -> bool {
        let Some((user, at)) = self.refresh.take() else { return false };
        let (Some(own), Phase::Entered) = (self.board_user, self.phase) else { return false };
        let channel = ChannelId::from(user);
        let done = refresh_status(true);
        let (octets, next) = match self.board.pdu_at(at) {
            Some((octets, next)) => (octets, Some((user, next))),
            None => match encode(&mut self.scratch, usize::MAX, &done) {
                Ok(octets) => (octets, None),
                Err(_) => return false,
            },
        };
        match self.provider.send_data(own, channel, PRIORITY, false, octets) {
            Ok(_) => {
                self.refresh = next;
                true
            }
            Err(_) => {
                self.refresh = Some((user, at));
                false
            }
        }
    }

    /// The queue is empty, and still has no room for the object whose turn it is: whoever asked
    /// for the board gets the rest of it, and the host is told. Whether there is a rest.
    pub(super) fn skip_refresh(&mut self) -> bool {
        let Some((user, at)) = self.refresh.take() else { return false };
        self.refresh = self.board.pdu_at(at).map(|(_, next)| (user, next));
        self.pending.board_full = true;
        self.refresh.is_some()
    }

    /// All of a refresh has to go out before the board changes.
    pub(super) fn flush_refresh(&mut self) -> Result<(), Error> {
        while self.refresh_next() {}
        if self.refresh.is_some() {
            let capacity = self.config.max_queued_octets;
            return Err(Error::Full(crate::Full { capacity }));
        }
        Ok(())
    }
}
