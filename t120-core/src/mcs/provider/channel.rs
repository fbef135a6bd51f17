//! Channels: joined and left (T.125 sections 11.21 to 11.23).

use super::super::domain::{
    ChannelJoinConfirm, ChannelJoinRequest, ChannelLeaveRequest, DomainMcsPdu,
};
use super::super::{ChannelId, McsResult, UserId};
use super::{Channel, Connection, Event, ListId, NOBODY, Party, Provider, Way, channel_key};
use crate::error::{Error, Full};
use crate::per::List;

impl Provider<'_> {
    /// Joins a local user to a channel; channel 0 asks for a new one. `Some` where the answer is
    /// known at once, else the confirm comes as an event.
    pub(crate) fn join(
        &mut self,
        user: UserId,
        channel: ChannelId,
    ) -> Result<Option<Result<ChannelId, McsResult>>, Error> {
        self.check_local(user)?;
        self.request_join(Party::User(user), user, channel)
    }

    /// A local user leaves a channel.
    pub(crate) fn leave(&mut self, user: UserId, channel: ChannelId) -> Result<(), Error> {
        self.check_local(user)?;
        if !self.is_member(channel, Party::User(user)) {
            return Err(Error::Unknown);
        }
        self.remove_member(channel, Party::User(user))
    }

    pub(super) fn request_join(
        &mut self,
        party: Party,
        initiator: UserId,
        channel: ChannelId,
    ) -> Result<Option<Result<ChannelId, McsResult>>, Error> {
        if !self.is_from(party, initiator) {
            // It may be racing its own detachment (T.125 section 11.21).
            return Ok(None);
        }
        if let (false, false, Some(upward)) =
            (self.top, self.may_join_here(initiator, channel), self.upward)
        {
            let request = ChannelJoinRequest { initiator, channel_id: channel };
            self.send_pdu(upward, &DomainMcsPdu::ChannelJoinRequest(request))?;
            return Ok(None);
        }
        let result = self.decide_join(party, initiator, channel);
        if let Party::Connection(connection) = party {
            self.confirm_join(connection, initiator, channel, result)?;
            return Ok(None);
        }
        Ok(Some(result))
    }

    /// Whether a join needs no asking above: the channel has been joined here already, and is
    /// open to the user.
    fn may_join_here(&self, initiator: UserId, channel: ChannelId) -> bool {
        let is_user = channel.as_user().is_some_and(|user| self.is_user(user));
        match self.channels.get(channel_key(channel)) {
            Some(Channel { first: NOBODY, .. }) | None => false,
            Some(Channel { manager: 0, .. }) => !is_user,
            Some(_) => self.is_admitted(channel, initiator),
        }
    }

    fn decide_join(
        &mut self,
        party: Party,
        initiator: UserId,
        requested: ChannelId,
    ) -> Result<ChannelId, McsResult> {
        let known = self.channels.get(channel_key(requested)).copied();
        let channel = match (requested.value(), known) {
            (0, _) => self.new_id().map(ChannelId::from).ok_or(McsResult::TooManyChannels)?,
            (1..=1000, _) => requested,
            (number, _) if number == initiator.value() => requested,
            _ if requested.as_user().is_some_and(|user| self.is_user(user)) => {
                return Err(McsResult::OtherUserId);
            }
            (_, None) => return Err(McsResult::NoSuchChannel),
            (_, Some(Channel { manager: 0, .. })) => requested,
            (_, Some(_)) if self.is_admitted(requested, initiator) => requested,
            (_, Some(_)) => return Err(McsResult::NotAdmitted),
        };
        let counts_already = channel == ChannelId::from(initiator) || known.is_some();
        if !counts_already && self.channels_in_use() >= self.parameters.max_channel_ids as usize {
            return Err(McsResult::TooManyChannels);
        }
        self.add_member(channel, party).map_err(|_| McsResult::TooManyChannels)?;
        Ok(channel)
    }

    fn confirm_join(
        &mut self,
        connection: Connection,
        initiator: UserId,
        requested: ChannelId,
        result: Result<ChannelId, McsResult>,
    ) -> Result<(), Error> {
        let confirm = DomainMcsPdu::ChannelJoinConfirm(ChannelJoinConfirm {
            result: result.err().unwrap_or(McsResult::Successful),
            initiator,
            requested,
            channel_id: result.ok(),
        });
        Ok(self.send_pdu(connection, &confirm)?)
    }

    /// The answer from above, to be passed on.
    pub(super) fn joined<'d>(
        &mut self,
        confirm: &ChannelJoinConfirm,
    ) -> Result<Option<Event<'d>>, Error> {
        let ChannelJoinConfirm { result, initiator, requested, channel_id } = *confirm;
        let mut result = match (result, channel_id) {
            (McsResult::Successful, Some(channel)) => Ok(channel),
            (McsResult::Successful, None) => return Err(Error::UnexpectedPdu),
            (result, _) => Err(result),
        };
        let party = match self.way_to(initiator) {
            Some(Way::Here) => Some(Party::User(initiator)),
            Some(Way::Below(connection)) => Some(Party::Connection(connection)),
            None => None,
        };
        if let Ok(channel) = result {
            let added = party.map_or(Err(Full { capacity: 0 }), |p| self.add_member(channel, p));
            if added.is_err() {
                result = Err(McsResult::TooManyChannels);
                let joined = self.channels.get(channel_key(channel));
                if joined.is_none_or(|channel| channel.first == NOBODY) {
                    self.leave_above(channel)?;
                }
            }
        }
        match party {
            Some(Party::Connection(connection)) => {
                self.confirm_join(connection, initiator, requested, result)?;
                Ok(None)
            }
            Some(Party::User(user)) => Ok(Some(Event::JoinConfirm { user, requested, result })),
            None => Ok(None),
        }
    }

    /// Whether a user is where a request with its number comes from.
    pub(super) fn is_from(&self, party: Party, user: UserId) -> bool {
        let expected = match party {
            Party::Connection(connection) => Way::Below(connection),
            Party::User(_) => Way::Here,
        };
        self.way_to(user) == Some(expected)
    }

    pub(super) fn is_member(&self, channel: ChannelId, party: Party) -> bool {
        self.lists.contains(ListId::joined(channel.value()), party.number())
    }

    /// The entry of a channel; a new one where there is none.
    pub(super) fn channel_entry(&mut self, channel: ChannelId) -> Result<Channel, Full> {
        if let Some(entry) = self.channels.get(channel_key(channel)) {
            return Ok(*entry);
        }
        self.channels.insert(channel_key(channel), Channel::NEW)?;
        let own = channel.as_user().is_some_and(|user| self.is_user(user));
        self.own_channels += usize::from(own);
        Ok(Channel::NEW)
    }

    /// Keeps an entry, or forgets it where nobody has joined or is admitted any more.
    pub(super) fn keep_channel(&mut self, channel: ChannelId, entry: Channel) {
        let used = entry.first != NOBODY || entry.admitted != NOBODY;
        if !used {
            self.remove_channel(channel);
        } else if let Some(place) = self.channels.get_mut(channel_key(channel)) {
            *place = entry;
        }
    }

    pub(super) fn remove_channel(&mut self, channel: ChannelId) {
        if self.channels.remove(channel_key(channel)).is_some() {
            let own = channel.as_user().is_some_and(|user| self.is_user(user));
            self.own_channels = self.own_channels.saturating_sub(usize::from(own));
        }
    }

    pub(super) fn add_member(&mut self, channel: ChannelId, party: Party) -> Result<(), Full> {
        let mut entry = self.channel_entry(channel)?;
        let list = ListId::joined(channel.value());
        let result = self.lists.add(list, &mut entry.first, party.number());
        self.keep_channel(channel, entry);
        result
    }

    pub(super) fn remove_member(&mut self, channel: ChannelId, party: Party) -> Result<(), Error> {
        let Some(mut entry) = self.channels.get(channel_key(channel)).copied() else {
            return Ok(());
        };
        let list = ListId::joined(channel.value());
        if !self.lists.remove(list, &mut entry.first, party.number()) {
            return Ok(());
        }
        self.keep_channel(channel, entry);
        if entry.first == NOBODY {
            self.leave_above(channel)?;
        }
        Ok(())
    }

    pub(super) fn leave_above(&mut self, channel: ChannelId) -> Result<(), Error> {
        let Some(upward) = self.upward else { return Ok(()) };
        let channels = [channel];
        let pdu = DomainMcsPdu::ChannelLeaveRequest(ChannelLeaveRequest {
            channel_ids: List::new(&channels),
        });
        Ok(self.send_pdu(upward, &pdu)?)
    }

    /// Takes a party off all channels.
    pub(super) fn leave_all(&mut self, party: Party) -> Result<(), Error> {
        let number = party.number();
        let mut from = 0;
        while let Some((next, key)) = self.lists.0.scan(from, |key, _| {
            let (list, member) = ListId::of_key(key);
            list.kind() == 0 && member == number
        }) {
            from = next;
            let (list, _) = ListId::of_key(key);
            self.remove_member(ChannelId::from_number(list.number()), party)?;
        }
        Ok(())
    }
}
