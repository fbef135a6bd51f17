//! Private channels (T.125 sections 11.24 to 11.31): convened by a manager, who alone admits and
//! expels.

use super::super::domain::{
    ChannelAdmitIndication, ChannelAdmitRequest, ChannelConveneConfirm, ChannelConveneRequest,
    ChannelDisbandIndication, ChannelDisbandRequest, ChannelExpelIndication, ChannelExpelRequest,
    DomainMcsPdu,
};
use super::super::notice::Notice;
use super::super::{ChannelId, McsResult, PrivateChannelId, UserId};
use super::user::MANY;
use super::{Channel, ListId, NOBODY, Party, Provider, Way, channel_key};
use crate::error::{Error, Full};
use crate::per::List;

fn channel_of(channel: PrivateChannelId) -> ChannelId {
    ChannelId::from_number(channel.value())
}

impl Provider<'_> {
    /// Whether the user may join and send on a private channel, as far as is known here.
    pub(super) fn is_admitted(&self, channel: ChannelId, user: UserId) -> bool {
        self.lists.contains(ListId::admitted(channel.value()), u32::from(user.value()))
    }

    /// Whether the channel is known to be private, and the user not admitted to it.
    pub(super) fn is_shut_out(&self, user: UserId, channel: ChannelId) -> bool {
        // Most channels are not private, and all below 1001 cannot be.
        channel.value() > 1000
            && self.channels.get(channel_key(channel)).is_some_and(|entry| entry.manager != 0)
            && !self.is_admitted(channel, user)
    }

    /// A local user wants a private channel.
    pub(crate) fn convene(&mut self, user: UserId) -> Result<(), Error> {
        self.check_local(user)?;
        self.channel_request(
            user,
            &DomainMcsPdu::ChannelConveneRequest(ChannelConveneRequest { initiator: user }),
        )
    }

    /// The manager ends its private channel.
    pub(crate) fn disband(&mut self, user: UserId, channel: PrivateChannelId) -> Result<(), Error> {
        self.check_manager(user, channel)?;
        let request = ChannelDisbandRequest { initiator: user, channel_id: channel };
        self.channel_request(user, &DomainMcsPdu::ChannelDisbandRequest(request))
    }

    /// The manager lets users join.
    pub(crate) fn admit(
        &mut self,
        user: UserId,
        channel: PrivateChannelId,
        users: &[UserId],
    ) -> Result<(), Error> {
        self.check_manager(user, channel)?;
        for some in users.chunks(MANY) {
            let user_ids = List::new(some);
            let request = ChannelAdmitRequest { initiator: user, channel_id: channel, user_ids };
            self.channel_request(user, &DomainMcsPdu::ChannelAdmitRequest(request))?;
        }
        Ok(())
    }

    /// The manager takes the right to join from users.
    pub(crate) fn expel(
        &mut self,
        user: UserId,
        channel: PrivateChannelId,
        users: &[UserId],
    ) -> Result<(), Error> {
        self.check_manager(user, channel)?;
        for some in users.chunks(MANY) {
            let user_ids = List::new(some);
            let request = ChannelExpelRequest { initiator: user, channel_id: channel, user_ids };
            self.channel_request(user, &DomainMcsPdu::ChannelExpelRequest(request))?;
        }
        Ok(())
    }

    fn check_manager(&self, user: UserId, channel: PrivateChannelId) -> Result<(), Error> {
        self.check_local(user)?;
        match self.channels.get(u64::from(channel.value())) {
            Some(entry) if entry.manager == user.value() => Ok(()),
            _ => Err(Error::Unknown),
        }
    }

    /// Sends a request of a user here or below up, or decides it at the top.
    pub(super) fn channel_request(
        &mut self,
        initiator: UserId,
        pdu: &DomainMcsPdu<'_>,
    ) -> Result<(), Error> {
        if let (false, Some(upward)) = (self.top, self.upward) {
            return Ok(self.send_pdu(upward, pdu)?);
        }
        match pdu {
            DomainMcsPdu::ChannelConveneRequest(_) => self.decide_convene(initiator),
            DomainMcsPdu::ChannelDisbandRequest(pdu) if self.manages(initiator, pdu.channel_id) => {
                self.disbanded(pdu.channel_id)
            }
            DomainMcsPdu::ChannelAdmitRequest(pdu) if self.manages(initiator, pdu.channel_id) => {
                self.admitted(initiator, pdu.channel_id, pdu.user_ids)
            }
            DomainMcsPdu::ChannelExpelRequest(pdu) if self.manages(initiator, pdu.channel_id) => {
                self.expelled(pdu.channel_id, pdu.user_ids)
            }
            // Of another's channel, or one that is gone meanwhile.
            _ => Ok(()),
        }
    }

    fn manages(&self, user: UserId, channel: PrivateChannelId) -> bool {
        let entry = self.channels.get(u64::from(channel.value()));
        entry.is_some_and(|entry| entry.manager == user.value())
    }

    fn decide_convene(&mut self, initiator: UserId) -> Result<(), Error> {
        let room = self.channels_in_use() < self.parameters.max_channel_ids as usize;
        let id = if room { self.new_id() } else { None };
        let id = id.and_then(|id| PrivateChannelId::new(id.value()));
        let id = id.filter(|id| self.found(*id, initiator, initiator).is_ok());
        self.convened(&ChannelConveneConfirm {
            result: if id.is_some() { McsResult::Successful } else { McsResult::TooManyChannels },
            initiator,
            channel_id: id,
        })
    }

    /// Puts a private channel into the table, or one more user who is admitted to it.
    pub(super) fn found(
        &mut self,
        channel: PrivateChannelId,
        manager: UserId,
        user: UserId,
    ) -> Result<(), Full> {
        let channel = channel_of(channel);
        let mut entry = self.channel_entry(channel)?;
        entry.manager = manager.value();
        let list = ListId::admitted(channel.value());
        let result = self.lists.add(list, &mut entry.admitted, u32::from(user.value()));
        self.keep_channel(channel, entry);
        result
    }

    /// The confirm of a private channel goes down to whoever convened it.
    pub(super) fn convened(&mut self, confirm: &ChannelConveneConfirm) -> Result<(), Error> {
        let ChannelConveneConfirm { result, initiator, channel_id } = *confirm;
        if let (false, Some(channel)) = (self.top, channel_id)
            && self.is_user(initiator)
        {
            // Without room for it here its members are not known here, and ask above.
            let _ = self.found(channel, initiator, initiator);
        }
        match self.way_to(initiator) {
            Some(Way::Below(connection)) => {
                Ok(self.send_pdu(connection, &DomainMcsPdu::ChannelConveneConfirm(*confirm))?)
            }
            Some(Way::Here) => {
                let result = match (result, channel_id) {
                    (McsResult::Successful, Some(channel)) => Ok(channel),
                    (McsResult::Successful, None) => Err(McsResult::UnspecifiedFailure),
                    (result, _) => Err(result),
                };
                self.tell(Notice::ChannelConvene { user: initiator, result });
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Users are admitted: those here and below are told.
    pub(super) fn admitted(
        &mut self,
        manager: UserId,
        channel: PrivateChannelId,
        users: List<'_, UserId>,
    ) -> Result<(), Error> {
        self.by_way(users.iter(), |provider, way, some| {
            let (mut new, mut count) = ([UserId::MIN; MANY], 0);
            for user in some {
                if provider.is_admitted(channel_of(channel), *user)
                    || provider.found(channel, manager, *user).is_err()
                {
                    continue;
                }
                if let Some(place) = new.get_mut(count) {
                    *place = *user;
                    count += 1;
                }
            }
            let new = new.get(..count).unwrap_or_default();
            match way {
                _ if new.is_empty() => Ok(()),
                Way::Below(connection) => {
                    let pdu = DomainMcsPdu::ChannelAdmitIndication(ChannelAdmitIndication {
                        initiator: manager,
                        channel_id: channel,
                        user_ids: List::new(new),
                    });
                    Ok(provider.send_pdu(connection, &pdu)?)
                }
                Way::Here => {
                    for user in new {
                        provider.tell(Notice::ChannelAdmit { user: *user, channel, manager });
                    }
                    Ok(())
                }
            }
        })
    }

    /// Users are expelled: those here and below are told, and do not hear the channel any more.
    pub(super) fn expelled(
        &mut self,
        channel: PrivateChannelId,
        users: List<'_, UserId>,
    ) -> Result<(), Error> {
        let id = channel_of(channel);
        self.by_way(users.iter(), |provider, way, some| {
            if let Way::Below(connection) = way {
                let pdu = DomainMcsPdu::ChannelExpelIndication(ChannelExpelIndication {
                    channel_id: channel,
                    user_ids: List::new(some),
                });
                provider.send_pdu(connection, &pdu)?;
            }
            for user in some {
                let manager = provider.channels.get(channel_key(id)).map(|entry| entry.manager);
                if manager == Some(user.value()) || !provider.is_admitted(id, *user) {
                    continue;
                }
                if way == Way::Here {
                    provider.tell(Notice::ChannelExpel { user: *user, channel });
                }
                provider.no_longer_admitted(id, *user)?;
            }
            Ok(())
        })
    }

    /// A private channel is no more.
    pub(super) fn disbanded(&mut self, channel: PrivateChannelId) -> Result<(), Error> {
        let id = channel_of(channel);
        let list = ListId::admitted(id.value());
        let Some(mut entry) = self.channels.get(channel_key(id)).copied() else { return Ok(()) };
        let pdu = DomainMcsPdu::ChannelDisbandIndication(ChannelDisbandIndication {
            channel_id: channel,
        });
        while let Some(user) = { self.users_in(list, entry.admitted).next() } {
            let way = self.way_to(user);
            match way {
                Some(Way::Here) => self.tell(Notice::ChannelDisband { user, channel }),
                Some(Way::Below(connection)) => self.send_pdu(connection, &pdu)?,
                None => {}
            }
            // All that are the same way have been told with it.
            let mut next = entry.admitted;
            while next != NOBODY {
                let member = next;
                next = self.lists.after(list, member);
                let other = super::user_of(member);
                let same = match way {
                    Some(Way::Below(_)) => other.and_then(|user| self.way_to(user)) == way,
                    _ => other == Some(user),
                };
                if same {
                    self.lists.remove(list, &mut entry.admitted, member);
                }
            }
        }
        self.lists.clear(ListId::joined(id.value()), &mut entry.first);
        self.remove_channel(id);
        Ok(())
    }

    /// A user is expelled from a private channel, or gone.
    pub(super) fn no_longer_admitted(
        &mut self,
        channel: ChannelId,
        user: UserId,
    ) -> Result<(), Error> {
        let Some(mut entry) = self.channels.get(channel_key(channel)).copied() else {
            return Ok(());
        };
        let admitted = ListId::admitted(channel.value());
        self.lists.remove(admitted, &mut entry.admitted, u32::from(user.value()));
        let party = match self.way_to(user) {
            Some(Way::Below(connection)) => {
                let way = Some(Way::Below(connection));
                let others = self.users_in(admitted, entry.admitted).any(|u| self.way_to(u) == way);
                (!others).then_some(Party::Connection(connection))
            }
            // It is gone already where it is not known any more.
            _ => Some(Party::User(user)),
        };
        let joined = ListId::joined(channel.value());
        let left =
            party.is_some_and(|party| self.lists.remove(joined, &mut entry.first, party.number()));
        self.keep_channel(channel, entry);
        // Where nobody is admitted any more, the provider above knows it by itself.
        if left && entry.first == NOBODY && entry.admitted != NOBODY {
            self.leave_above(channel)?;
        }
        Ok(())
    }

    /// The manager of private channels is gone, and they with it.
    pub(super) fn disband_managed_by(&mut self, manager: UserId) -> Result<(), Error> {
        let mut from = 0;
        while let Some((next, key)) =
            self.channels.scan(from, |_, entry: &Channel| entry.manager == manager.value())
        {
            from = next;
            if let Some(channel) = u16::try_from(key).ok().and_then(PrivateChannelId::new) {
                self.disbanded(channel)?;
            }
        }
        Ok(())
    }
}
