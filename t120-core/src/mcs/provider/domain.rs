//! Users and channels: requests, confirms and indications (T.125 sections 11.17 to 11.24).

use super::super::domain::{
    AttachUserConfirm, AttachUserRequest, ChannelJoinConfirm, ChannelJoinRequest,
    ChannelLeaveRequest, DetachUserIndication, DetachUserRequest, DomainMcsPdu,
};
use super::super::{ChannelId, Diagnostic, McsResult, Reason, UserId};
use super::{
    Channel, Connection, Event, GONE, LOCAL, Member, NOBODY, Party, Peer, Provider, Way,
    channel_key, member_key,
};
use crate::error::{Error, Full};
use crate::per::List;

impl Provider<'_> {
    /// Takes a whole TSDU.
    pub(crate) fn handle<'d>(
        &mut self,
        connection: Connection,
        tsdu: &'d [u8],
    ) -> Result<Option<Event<'d>>, Error> {
        let (from_above, choice) = match (self.peer(connection), tsdu.first()) {
            (Peer::Upward, Some(choice)) => (true, choice),
            (Peer::Downward { .. }, Some(choice)) => (false, choice),
            (Peer::Ended, _) => return Ok(None),
            _ => return self.handle_connect(connection, tsdu),
        };
        if matches!(choice >> 2, 25..=28) {
            return self.handle_data(connection, from_above, tsdu);
        }
        let pdu = match DomainMcsPdu::parse(tsdu) {
            Ok(pdu) => pdu,
            Err(error) => {
                self.reject(connection, Diagnostic::InvalidPerEncoding, tsdu)?;
                return Err(Error::Parse(error));
            }
        };
        match (from_above, pdu) {
            (_, DomainMcsPdu::DisconnectProviderUltimatum(pdu)) => {
                self.lose(connection)?;
                return Ok(Some(Event::Disconnected { connection, reason: pdu.reason }));
            }
            (_, DomainMcsPdu::RejectMcsPduUltimatum(_)) => {
                // What we sent was refused: the peer and we do not understand each other.
                self.disconnect(connection, Reason::ProviderInitiated)?;
                let reason = Reason::ProviderInitiated;
                return Ok(Some(Event::Disconnected { connection, reason }));
            }
            (true, DomainMcsPdu::PlumbDomainIndication(pdu)) => self.plumbed(connection, &pdu)?,
            (true, DomainMcsPdu::AttachUserConfirm(pdu)) => return self.attached(&pdu),
            (true, DomainMcsPdu::ChannelJoinConfirm(pdu)) => return self.joined(&pdu),
            (true, DomainMcsPdu::DetachUserIndication(pdu)) => {
                self.send_down(&DomainMcsPdu::DetachUserIndication(pdu))?;
                for user in pdu.user_ids.iter() {
                    self.forget_user(user)?;
                }
                return Ok(Some(Event::Detached { reason: pdu.reason, users: pdu.user_ids }));
            }
            (false, DomainMcsPdu::ErectDomainRequest(pdu)) => self.erected(connection, &pdu)?,
            (false, DomainMcsPdu::AttachUserRequest(_)) => self.attach_below(connection)?,
            (false, DomainMcsPdu::DetachUserRequest(pdu)) => {
                return self.detach_below(connection, &pdu);
            }
            (false, DomainMcsPdu::ChannelJoinRequest(pdu)) => {
                let party = Party::Connection(connection);
                self.request_join(party, pdu.initiator, pdu.channel_id)?;
            }
            (false, DomainMcsPdu::ChannelLeaveRequest(pdu)) => {
                for channel in pdu.channel_ids.iter() {
                    self.remove_member(channel, Party::Connection(connection))?;
                }
            }
            (from_above, _) => {
                let diagnostic = if from_above {
                    Diagnostic::ForbiddenPduDownward
                } else {
                    Diagnostic::ForbiddenPduUpward
                };
                self.reject(connection, diagnostic, tsdu)?;
            }
        }
        Ok(None)
    }

    fn attach_below(&mut self, connection: Connection) -> Result<(), Error> {
        if self.top {
            let (result, initiator) = match self.new_user(Way::Below(connection)) {
                Ok(user) => (McsResult::Successful, Some(user)),
                Err(_) => (McsResult::TooManyUsers, None),
            };
            return self.confirm_attach(connection, result, initiator);
        }
        let Some(upward) = self.upward else { return Ok(()) };
        if self.attaching.push(Party::Connection(connection).number()).is_err() {
            return self.confirm_attach(connection, McsResult::TooManyUsers, None);
        }
        Ok(self.send_pdu(upward, &DomainMcsPdu::AttachUserRequest(AttachUserRequest {}))?)
    }

    fn confirm_attach(
        &mut self,
        connection: Connection,
        result: McsResult,
        initiator: Option<UserId>,
    ) -> Result<(), Error> {
        let confirm = DomainMcsPdu::AttachUserConfirm(AttachUserConfirm { result, initiator });
        Ok(self.send_pdu(connection, &confirm)?)
    }

    /// The confirm for whoever has waited longest.
    fn attached<'d>(&mut self, confirm: &AttachUserConfirm) -> Result<Option<Event<'d>>, Error> {
        let Some(origin) = self.attaching.remove(0) else {
            return Err(Error::UnexpectedPdu);
        };
        let user = match (confirm.result, confirm.initiator) {
            (McsResult::Successful, Some(user)) => Ok(user),
            (McsResult::Successful, None) => return Err(Error::UnexpectedPdu),
            (result, _) => Err(result),
        };
        let way = match Party::from_number(origin) {
            _ if origin == GONE => None,
            Some(Party::Connection(connection)) => Some(Way::Below(connection)),
            _ => Some(Way::Here),
        };
        let stored = match (user, way) {
            (Ok(user), Some(way)) => self.users.insert(u64::from(user.value()), way),
            (Ok(_), None) => Err(Full { capacity: 0 }),
            (Err(_), _) => Ok(()),
        };
        let user = match (user, stored) {
            (Ok(user), Err(_)) => {
                // There is no way back to whoever asked, or no room: the user must not stay.
                self.send_detach(user, Reason::ProviderInitiated)?;
                Err(McsResult::TooManyUsers)
            }
            (user, _) => user,
        };
        match way {
            Some(Way::Below(connection)) => {
                let result = user.err().unwrap_or(McsResult::Successful);
                self.confirm_attach(connection, result, user.ok())?;
                Ok(None)
            }
            Some(Way::Here) => {
                let tag = (origin ^ LOCAL) as u16;
                Ok(Some(Event::AttachConfirm { tag, result: user }))
            }
            None => Ok(None),
        }
    }

    fn send_detach(&mut self, user: UserId, reason: Reason) -> Result<(), Error> {
        let Some(upward) = self.upward else { return Ok(()) };
        let users = [user];
        let user_ids = List::new(&users);
        let pdu = DomainMcsPdu::DetachUserRequest(DetachUserRequest { reason, user_ids });
        Ok(self.send_pdu(upward, &pdu)?)
    }

    /// A user of ours, or one below who is lost, is to be detached.
    pub(crate) fn request_detach(&mut self, user: UserId, reason: Reason) -> Result<(), Error> {
        if !self.top {
            self.send_detach(user, reason)?;
            return self.forget_user(user);
        }
        self.forget_user(user)?;
        let users = [user];
        let user_ids = List::new(&users);
        let pdu = DomainMcsPdu::DetachUserIndication(DetachUserIndication { reason, user_ids });
        Ok(self.send_down(&pdu)?)
    }

    fn detach_below<'d>(
        &mut self,
        connection: Connection,
        request: &DetachUserRequest<'d>,
    ) -> Result<Option<Event<'d>>, Error> {
        // Only those who are there may be detached from there (T.125 section 11.19).
        for user in request.user_ids.iter() {
            if self.way_to(user) == Some(Way::Below(connection)) {
                self.request_detach(user, request.reason)?;
            }
        }
        Ok(Some(Event::Detached { reason: request.reason, users: request.user_ids }))
    }

    /// Removes a user, its channel, and what it had joined here.
    pub(super) fn forget_user(&mut self, user: UserId) -> Result<(), Error> {
        let channel = ChannelId::from(user);
        if let Some(way) = self.users.remove(u64::from(user.value()))
            && way == Way::Here
        {
            self.leave_all(Party::User(user))?;
        }
        while let Some(first) = self.channels.get(channel_key(channel)).map(|c| c.first) {
            self.unlink(channel, first);
        }
        Ok(())
    }

    /// Joins a local user to a channel; channel 0 asks for a new one. `Some` where the answer is
    /// known at once, else the confirm comes as an event.
    pub(crate) fn join(
        &mut self,
        user: UserId,
        channel: ChannelId,
    ) -> Result<Option<Result<ChannelId, McsResult>>, Error> {
        if self.way_to(user) != Some(Way::Here) {
            return Err(Error::Unknown);
        }
        self.request_join(Party::User(user), user, channel)
    }

    fn request_join(
        &mut self,
        party: Party,
        initiator: UserId,
        channel: ChannelId,
    ) -> Result<Option<Result<ChannelId, McsResult>>, Error> {
        let expected = match party {
            Party::Connection(connection) => Way::Below(connection),
            Party::User(_) => Way::Here,
        };
        if self.way_to(initiator) != Some(expected) {
            // It may be racing its own detachment (T.125 section 11.21).
            return Ok(None);
        }
        // Static and assigned channels are open to all: one that we have joined needs no asking.
        let is_user = channel.as_user().is_some_and(|user| self.is_user(user));
        let known = self.channels.get(channel_key(channel)).is_some() && !is_user;
        if let (false, false, Some(upward)) = (self.top, known, self.upward) {
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

    fn decide_join(
        &mut self,
        party: Party,
        initiator: UserId,
        requested: ChannelId,
    ) -> Result<ChannelId, McsResult> {
        let new = self.channels.get(channel_key(requested)).is_none();
        let channel = match requested.value() {
            0 => self.new_id().map(ChannelId::from).ok_or(McsResult::TooManyChannels)?,
            1..=1000 => requested,
            number if number == initiator.value() => requested,
            _ if requested.as_user().is_some_and(|user| self.is_user(user)) => {
                return Err(McsResult::OtherUserId);
            }
            _ if new => return Err(McsResult::NoSuchChannel),
            _ => requested,
        };
        let in_use = self.channels.len() + self.users.len();
        let counts_already = channel == ChannelId::from(initiator) || !new;
        if !counts_already && in_use >= self.parameters.max_channel_ids as usize {
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
    fn joined<'d>(&mut self, confirm: &ChannelJoinConfirm) -> Result<Option<Event<'d>>, Error> {
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
                if self.channels.get(channel_key(channel)).is_none() {
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

    pub(super) fn is_member(&self, channel: ChannelId, party: Party) -> bool {
        self.members.get(member_key(channel, party.number())).is_some()
    }

    fn add_member(&mut self, channel: ChannelId, party: Party) -> Result<(), Full> {
        if self.is_member(channel, party) {
            return Ok(());
        }
        let number = party.number();
        let next = self.channels.get(channel_key(channel)).map_or(NOBODY, |c| c.first);
        self.members.insert(member_key(channel, number), Member { next, previous: NOBODY })?;
        if let Err(full) = self.channels.insert(channel_key(channel), Channel { first: number }) {
            self.members.remove(member_key(channel, number));
            return Err(full);
        }
        if let Some(second) = self.members.get_mut(member_key(channel, next)) {
            second.previous = number;
        }
        Ok(())
    }

    /// Takes a party off a channel's list; the channel goes with the last one.
    fn unlink(&mut self, channel: ChannelId, number: u32) {
        let Some(member) = self.members.remove(member_key(channel, number)) else {
            self.channels.remove(channel_key(channel));
            return;
        };
        if let Some(next) = self.members.get_mut(member_key(channel, member.next)) {
            next.previous = member.previous;
        }
        if let Some(previous) = self.members.get_mut(member_key(channel, member.previous)) {
            previous.next = member.next;
        } else if member.next == NOBODY {
            self.channels.remove(channel_key(channel));
        } else if let Some(entry) = self.channels.get_mut(channel_key(channel)) {
            entry.first = member.next;
        }
    }

    fn remove_member(&mut self, channel: ChannelId, party: Party) -> Result<(), Error> {
        if !self.is_member(channel, party) {
            return Ok(());
        }
        self.unlink(channel, party.number());
        if self.channels.get(channel_key(channel)).is_none() {
            self.leave_above(channel)?;
        }
        Ok(())
    }

    fn leave_above(&mut self, channel: ChannelId) -> Result<(), Error> {
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
        while let Some((next, key)) = self.members.scan(from, |key, _| key as u32 == number) {
            from = next;
            self.remove_member(ChannelId::from_number((key >> 32) as u16), party)?;
        }
        Ok(())
    }
}
