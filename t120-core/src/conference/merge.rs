//! A conference becomes a part of another one: the domain of its top is merged (T.125 section
//! 13.5), and what GCC and the whiteboard know goes to the new top.

use core::time::Duration;

use super::{BoardPhase, Conference, Connection, Credentials, Phase, Purpose};
use crate::error::Error;
use crate::mcs::{ChannelId, DataPriority, UserId};

impl Conference<'_> {
    pub(super) fn call_to_merge(
        &mut self,
        now: Duration,
        connection: Connection,
        credentials: Credentials,
    ) -> Result<(), Error> {
        if self.merging_call.is_some() {
            return Err(Error::WrongState);
        }
        self.provider.transport.open(connection, true)?;
        self.set_purpose(connection, Purpose::Merge);
        self.watch(now, connection);
        self.credentials = credentials;
        self.merging_call = Some(connection);
        Ok(())
    }

    /// A call by which this conference would have become a part of another one has ended.
    pub(super) fn call_is_over(&mut self, connection: Connection) {
        if self.merging_call == Some(connection) {
            self.merging_call = None;
        }
        if self.invitation.is_some_and(|invitation| invitation.connection == connection) {
            self.invitation = None;
        }
    }

    /// The connection upward stands.
    pub(super) fn merge_domain(&mut self, connection: Connection) -> Result<(), Error> {
        self.board_phase = BoardPhase::Starting;
        match self.provider.go_below(connection)? {
            Some(_) => self.merged(),
            None => Ok(()),
        }
    }

    /// All users, channels and tokens have been taken, or purged.
    pub(super) fn merged(&mut self) -> Result<(), Error> {
        self.settle()?;
        self.merging_call = None;
        if self.phase != Phase::Entered {
            return Ok(());
        }
        self.pending.merged = true;
        self.convener = None;
        self.convener_node = None;
        self.announce_all()?;
        match self.board_user {
            // What was drawn here before goes to all, and then all of it is asked for.
            Some(_) => self.republish = Some(0),
            None => drop(self.provider.attach(super::user::BOARD)?),
        }
        Ok(())
    }

    /// Queues the next object of this board for all. Whether there is a next step.
    pub(super) fn republish_next(&mut self) -> bool {
        let (Some(at), Some(user)) = (self.republish, self.board_user) else { return false };
        let channel = ChannelId::from_number(crate::whiteboard::CHANNEL);
        let Some((octets, next)) = self.board.pdu_at(at) else {
            self.republish = None;
            return self.board_joined(user).is_ok();
        };
        match self.provider.send_data(user, channel, DataPriority::High, true, octets) {
            Ok(_) => {
                self.republish = Some(next);
                true
            }
            Err(_) => false,
        }
    }

    /// The top of the conference is another one now.
    pub(super) fn top_changed(&mut self, top: UserId) -> Result<(), Error> {
        self.top_node = Some(top);
        self.pending.merged = true;
        match self.board_user {
            Some(user) if self.board_phase != BoardPhase::Starting => self.board_joined(user),
            _ => Ok(()),
        }
    }
}
