//! Users: attached and detached (T.125 sections 11.17 to 11.20).

use super::super::domain::{
    AttachUserConfirm, AttachUserRequest, DetachUserIndication, DetachUserRequest, DomainMcsPdu,
};
use super::super::notice::Notice;
use super::super::{ChannelId, McsResult, Reason, UserId};
use super::{
    Connection, Event, GONE, LOCAL, ListId, Party, Provider, Way, channel_key, user_key, user_of,
};
use crate::error::{Error, Full};
use crate::per::List;

impl Provider<'_> {
    /// Attaches a user: `Some` where this is the top, else the confirm comes as an event that
    /// bears `tag`.
    pub(crate) fn attach(&mut self, tag: u16) -> Result<Option<UserId>, Error> {
        if self.top {
            return Ok(Some(self.new_user(Way::Here)?));
        }
        let upward = self.upward.filter(|_| self.merge.is_none()).ok_or(Error::WrongState)?;
        self.attaching.push(LOCAL | u32::from(tag))?;
        self.send_pdu(upward, &DomainMcsPdu::AttachUserRequest(AttachUserRequest {}))?;
        Ok(None)
    }

    pub(super) fn attach_below(&mut self, connection: Connection) -> Result<(), Error> {
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
    pub(super) fn attached<'d>(
        &mut self,
        confirm: &AttachUserConfirm,
    ) -> Result<Option<Event<'d>>, Error> {
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
            (Ok(user), Some(way)) => self.users.insert(user_key(user), way),
            (Ok(_), None) => Err(Full { capacity: 0 }),
            (Err(_), _) => Ok(()),
        };
        let user = match (user, stored) {
            (Ok(user), Err(_)) => {
                // There is no way back to whoever asked, or no room: the user must not stay.
                self.send_detach(user, Reason::DomainDisconnected)?;
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

    pub(super) fn send_detach(&mut self, user: UserId, reason: Reason) -> Result<(), Error> {
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

    pub(super) fn detach_below<'d>(
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

    /// The top says who is gone.
    pub(super) fn detached_above<'d>(
        &mut self,
        indication: DetachUserIndication<'d>,
    ) -> Result<Option<Event<'d>>, Error> {
        self.send_down(&DomainMcsPdu::DetachUserIndication(indication))?;
        for user in indication.user_ids.iter() {
            self.purge_user(user, indication.reason)?;
        }
        Ok(Some(Event::Detached { reason: indication.reason, users: indication.user_ids }))
    }

    /// A user is detached without having asked for it.
    pub(super) fn purge_user(&mut self, user: UserId, reason: Reason) -> Result<(), Error> {
        if self.way_to(user) == Some(Way::Here) {
            self.tell(Notice::Detach { user, reason });
        }
        self.forget_user(user)
    }

    /// Removes a user, its channel, what it had joined here, was admitted to, and possessed.
    pub(super) fn forget_user(&mut self, user: UserId) -> Result<(), Error> {
        let own = ChannelId::from(user);
        if let Some(entry) = self.channels.get(channel_key(own)).copied() {
            let mut first = entry.first;
            self.lists.clear(ListId::joined(own.value()), &mut first);
            self.remove_channel(own);
        }
        let Some(way) = self.users.remove(user_key(user)) else { return Ok(()) };
        let (mut from, me) = (0, u32::from(user.value()));
        let here = Party::User(user).number();
        while let Some((next, key)) = self.lists.0.scan(from, |key, _| {
            let (list, member) = ListId::of_key(key);
            if list.kind() == 0 { member == here } else { member == me }
        }) {
            from = next;
            let (list, _) = ListId::of_key(key);
            match list.kind() {
                0 if way == Way::Here => {
                    let channel = ChannelId::from_number(list.number());
                    self.remove_member(channel, Party::User(user))?;
                }
                0 => {}
                1 => self.no_longer_admitted(ChannelId::from_number(list.number()), user)?,
                _ => self.no_longer_possesses(list.number(), user)?,
            }
        }
        if self.top {
            self.disband_managed_by(user)?;
        }
        Ok(())
    }

    /// Runs `visit` for each way that some of `users` are, with as many of them as fit at once.
    pub(super) fn by_way(
        &mut self,
        users: impl Iterator<Item = UserId> + Clone,
        mut visit: impl FnMut(&mut Self, Way, &[UserId]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut least = 0u32;
        loop {
            let number = |way: Option<Way>| match way {
                Some(Way::Here) => Some(LOCAL),
                Some(Way::Below(connection)) => Some(u32::from(connection.0)),
                None => None,
            };
            let ways = users.clone().filter_map(|user| number(self.way_to(user)));
            let Some(next) = ways.filter(|way| *way >= least).min() else { return Ok(()) };
            let way = match Party::from_number(next) {
                Some(Party::Connection(connection)) => Way::Below(connection),
                _ => Way::Here,
            };
            let (mut some, mut count) = ([UserId::MIN; MANY], 0);
            for user in users.clone() {
                if self.way_to(user) != Some(way) {
                    continue;
                }
                if count == MANY {
                    visit(self, way, &some)?;
                    count = 0;
                }
                if let Some(place) = some.get_mut(count) {
                    *place = user;
                    count += 1;
                }
            }
            visit(self, way, some.get(..count).unwrap_or_default())?;
            if next == LOCAL {
                return Ok(());
            }
            least = next + 1;
        }
    }

    /// The users of a list that is kept here.
    pub(super) fn users_in(&self, list: ListId, first: u32) -> impl Iterator<Item = UserId> {
        self.lists.iter(list, first).filter_map(user_of)
    }
}

/// As many users as go into one PDU: it stays below the least size of a domain MCSPDU.
pub(super) const MANY: usize = 32;
