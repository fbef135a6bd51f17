//! Users of MCS that the host attaches for its own application protocols (T.122).

use super::{Conference, Event, Phase};
use crate::error::Error;
use crate::gcc::connect::{ConferenceQueryResponse, ConnectGccPdu};
use crate::gcc::pdu::GccPdu;
use crate::mcs::data::Data;
use crate::mcs::provider::TokenAction;
use crate::mcs::{
    ChannelId, DataPriority, McsResult, Notice, PrivateChannelId, Reason, TokenId, UserId,
};

/// The tags of the node's own attach requests; the host's are below.
pub(super) const NODE: u16 = 0xffff;
pub(super) const BOARD: u16 = 0xfffe;

/// What waits for the host stands among the units, marked so.
const READY: u64 = 1 << 63;
const GCC: u64 = 1 << 62;
const QUERY: u64 = 1 << 61;

impl Conference<'_> {
    /// MCS-ATTACH-USER request: [`Notice::Attach`] answers, with `tag`.
    ///
    /// # Errors
    /// [`Error::WrongState`] before [`Event::Joined`], [`Error::Unknown`] for a tag of 0xfffe or
    /// 0xffff, [`Error::Full`] without room for the request.
    pub fn attach_user(&mut self, tag: u16) -> Result<(), Error> {
        if self.phase != Phase::Entered {
            return Err(Error::WrongState);
        }
        if tag >= BOARD {
            return Err(Error::Unknown);
        }
        match self.provider.attach(tag) {
            Ok(Some(user)) => self.provider.tell(Notice::Attach { tag, result: Ok(user) }),
            Ok(None) => {}
            Err(Error::Full(_)) if self.provider.is_top() => {
                let result = Err(McsResult::TooManyUsers);
                self.provider.tell(Notice::Attach { tag, result });
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// MCS-DETACH-USER request.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a user that the host has not attached, [`Error::Full`] without room
    /// to say so.
    pub fn detach_user(&mut self, user: UserId) -> Result<(), Error> {
        self.check_user(user)?;
        self.provider.request_detach(user, Reason::UserRequested)
    }

    /// MCS-CHANNEL-JOIN request; channel 0 asks for a new one that all may join.
    /// [`Notice::ChannelJoin`] answers.
    ///
    /// # Errors
    /// As for [`detach_user`](Self::detach_user), and [`Error::WrongState`] while the conference
    /// becomes a part of another one.
    pub fn join_channel(&mut self, user: UserId, channel: ChannelId) -> Result<(), Error> {
        self.check_user(user)?;
        if let Some(result) = self.provider.join(user, channel)? {
            self.provider.tell(Notice::ChannelJoin { user, requested: channel, result });
        }
        Ok(())
    }

    /// MCS-CHANNEL-LEAVE request.
    ///
    /// # Errors
    /// As for [`join_channel`](Self::join_channel); [`Error::Unknown`] also where the user has not
    /// joined it.
    pub fn leave_channel(&mut self, user: UserId, channel: ChannelId) -> Result<(), Error> {
        self.check_user(user)?;
        self.provider.leave(user, channel)
    }

    /// MCS-CHANNEL-CONVENE request: a private channel, whose manager the user becomes.
    /// [`Notice::ChannelConvene`] answers.
    ///
    /// # Errors
    /// As for [`join_channel`](Self::join_channel).
    pub fn convene_channel(&mut self, user: UserId) -> Result<(), Error> {
        self.check_user(user)?;
        self.provider.convene(user)
    }

    /// MCS-CHANNEL-DISBAND request, of the manager.
    ///
    /// # Errors
    /// As for [`join_channel`](Self::join_channel); [`Error::Unknown`] also where the user does
    /// not manage such a channel.
    pub fn disband_channel(
        &mut self,
        user: UserId,
        channel: PrivateChannelId,
    ) -> Result<(), Error> {
        self.check_user(user)?;
        self.provider.disband(user, channel)
    }

    /// MCS-CHANNEL-ADMIT request, of the manager: the users may join and send from now on.
    ///
    /// # Errors
    /// As for [`disband_channel`](Self::disband_channel).
    pub fn admit_to_channel(
        &mut self,
        user: UserId,
        channel: PrivateChannelId,
        users: &[UserId],
    ) -> Result<(), Error> {
        self.check_user(user)?;
        self.provider.admit(user, channel, users)
    }

    /// MCS-CHANNEL-EXPEL request, of the manager.
    ///
    /// # Errors
    /// As for [`disband_channel`](Self::disband_channel).
    pub fn expel_from_channel(
        &mut self,
        user: UserId,
        channel: PrivateChannelId,
        users: &[UserId],
    ) -> Result<(), Error> {
        self.check_user(user)?;
        self.provider.expel(user, channel, users)
    }

    /// MCS-SEND-DATA request, or with `uniform` MCS-UNIFORM-SEND-DATA: to all others that have
    /// joined the channel, or to all, in one order for everybody. The data may have any length.
    ///
    /// # Errors
    /// As for [`join_channel`](Self::join_channel), [`Error::NotAdmitted`] for a private channel
    /// of others.
    pub fn send_data(
        &mut self,
        user: UserId,
        channel: ChannelId,
        priority: DataPriority,
        uniform: bool,
        user_data: &[u8],
    ) -> Result<(), Error> {
        self.check_user(user)?;
        let delivery = self.provider.send_data(user, channel, priority, uniform, user_data)?;
        if delivery.local {
            self.keep_user_data(user, channel, priority, user_data);
        }
        Ok(())
    }

    /// MCS-TOKEN-GRAB request: [`Notice::TokenGrab`] answers.
    ///
    /// # Errors
    /// As for [`join_channel`](Self::join_channel).
    pub fn grab_token(&mut self, user: UserId, token: TokenId) -> Result<(), Error> {
        self.token(user, token, TokenAction::Grab)
    }

    /// MCS-TOKEN-INHIBIT request: [`Notice::TokenInhibit`] answers.
    ///
    /// # Errors
    /// As for [`join_channel`](Self::join_channel).
    pub fn inhibit_token(&mut self, user: UserId, token: TokenId) -> Result<(), Error> {
        self.token(user, token, TokenAction::Inhibit)
    }

    /// MCS-TOKEN-GIVE request: [`Notice::TokenGiveConfirm`] answers, when the recipient has.
    ///
    /// # Errors
    /// As for [`join_channel`](Self::join_channel).
    pub fn give_token(
        &mut self,
        user: UserId,
        token: TokenId,
        recipient: UserId,
    ) -> Result<(), Error> {
        self.token(user, token, TokenAction::Give(recipient))
    }

    /// MCS-TOKEN-GIVE response, to [`Notice::TokenGive`].
    ///
    /// # Errors
    /// As for [`join_channel`](Self::join_channel).
    pub fn answer_token(&mut self, user: UserId, token: TokenId, take: bool) -> Result<(), Error> {
        let result = if take { McsResult::Successful } else { McsResult::UserRejected };
        self.token(user, token, TokenAction::Answer(result))
    }

    /// MCS-TOKEN-PLEASE request: all who have the token get [`Notice::TokenPlease`].
    ///
    /// # Errors
    /// As for [`join_channel`](Self::join_channel).
    pub fn please_token(&mut self, user: UserId, token: TokenId) -> Result<(), Error> {
        self.token(user, token, TokenAction::Please)
    }

    /// MCS-TOKEN-RELEASE request: [`Notice::TokenRelease`] answers.
    ///
    /// # Errors
    /// As for [`join_channel`](Self::join_channel).
    pub fn release_token(&mut self, user: UserId, token: TokenId) -> Result<(), Error> {
        self.token(user, token, TokenAction::Release)
    }

    /// MCS-TOKEN-TEST request: [`Notice::TokenTest`] answers.
    ///
    /// # Errors
    /// As for [`join_channel`](Self::join_channel).
    pub fn test_token(&mut self, user: UserId, token: TokenId) -> Result<(), Error> {
        self.token(user, token, TokenAction::Test)
    }

    /// The data of the last [`Event::UserData`]; empty after the next call that takes something in.
    pub fn received(&self) -> &[u8] {
        let told = self.told.filter(|mark| mark & (GCC | QUERY) == 0);
        told.and_then(|mark| self.units.find(mark)).map_or(&[], |record| record.octets)
    }

    /// The PDU of the last [`Event::Gcc`].
    pub fn received_gcc(&self) -> Option<GccPdu<'_>> {
        let mark = self.told.filter(|mark| mark & GCC != 0)?;
        GccPdu::parse(self.units.find(mark)?.octets).ok()
    }

    /// The answer of the last [`Event::QueryAnswered`].
    pub fn received_query(&self) -> Option<ConferenceQueryResponse<'_>> {
        let mark = self.told.filter(|mark| mark & QUERY != 0)?;
        match ConnectGccPdu::parse(self.units.find(mark)?.octets) {
            Ok(ConnectGccPdu::ConferenceQueryResponse(response)) => Some(response),
            _ => None,
        }
    }

    fn token(&mut self, user: UserId, token: TokenId, action: TokenAction) -> Result<(), Error> {
        self.check_user(user)?;
        self.provider.token(user, token, action)
    }

    /// The node's own users are not the host's.
    fn check_user(&self, user: UserId) -> Result<(), Error> {
        if Some(user) == self.node || Some(user) == self.board_user {
            return Err(Error::Unknown);
        }
        match self.provider.way_to(user) {
            Some(crate::mcs::provider::Way::Here) => Ok(()),
            _ => Err(Error::Unknown),
        }
    }

    fn keep(&mut self, mark: u64, octets: &[u8]) {
        if self.units.push(READY | mark, octets).is_err() {
            self.pending.overrun = true;
        }
        self.ready = true;
    }

    pub(super) fn keep_user_data(
        &mut self,
        initiator: UserId,
        channel: ChannelId,
        priority: DataPriority,
        octets: &[u8],
    ) {
        self.keep(mark_of(initiator, channel, priority), octets);
    }

    pub(super) fn keep_gcc(&mut self, from: UserId, octets: &[u8]) {
        self.keep(GCC | u64::from(from.value()) << 32, octets);
    }

    pub(super) fn keep_query(&mut self, connection: u16, octets: &[u8]) {
        self.keep(QUERY | u64::from(connection), octets);
    }

    /// A unit that was put together is for the host.
    pub(super) fn keep_unit(&mut self, at: usize, gcc: bool) {
        self.units.mark(at, if gcc { READY | GCC } else { READY });
        self.ready = true;
    }

    /// What the host was told of is not needed any more.
    pub(super) fn forget_told(&mut self) {
        if let Some(mark) = self.told.take()
            && let Some(at) = self.units.find(mark).map(|record| record.at)
        {
            self.units.remove(at);
        }
    }

    /// What was being put together is of no use without its conference; what waits for the host
    /// still is.
    pub(super) fn forget_units_of_conference(&mut self) {
        loop {
            let partial = self.units.iter().find(|record| record.mark & READY == 0);
            let Some(at) = partial.map(|record| record.at) else { return };
            self.units.remove(at);
        }
    }

    /// The next of what waits for the host.
    pub(super) fn next_ready(&mut self) -> Option<Event> {
        self.forget_told();
        if !self.ready {
            return None;
        }
        let Some(mark) = self.units.iter().map(|record| record.mark).find(|mark| mark & READY != 0)
        else {
            self.ready = false;
            return None;
        };
        self.told = Some(mark);
        let user = UserId::new((mark >> 32) as u16).unwrap_or(UserId::MIN);
        Some(if mark & QUERY != 0 {
            Event::QueryAnswered { connection: super::Connection(mark as u16) }
        } else if mark & GCC != 0 {
            Event::Gcc { from: user }
        } else {
            Event::UserData {
                initiator: user,
                channel: ChannelId::from_number((mark >> 8) as u16),
                priority: DataPriority::from_number(mark & 0xff).unwrap_or(DataPriority::Low),
            }
        })
    }

    /// Confirms and indications for the node's own users are seen to; the others are the host's.
    pub(super) fn next_notice(&mut self) -> Option<Notice> {
        let notice = self.provider.take_notice();
        if notice.is_none() && self.provider.take_notice_lost() {
            self.pending.overrun = true;
        }
        notice
    }

    /// Joins a user's own confirms to the flow of those that come later.
    pub(super) fn attach_confirmed(
        &mut self,
        tag: u16,
        result: Result<UserId, McsResult>,
    ) -> Result<(), Error> {
        if tag >= BOARD {
            return self.attached(tag, result);
        }
        self.provider.tell(Notice::Attach { tag, result });
        Ok(())
    }

    pub(super) fn join_confirmed(
        &mut self,
        user: UserId,
        requested: ChannelId,
        result: Result<ChannelId, McsResult>,
    ) -> Result<(), Error> {
        if Some(user) == self.node || Some(user) == self.board_user {
            return self.joined(user, requested, result);
        }
        self.provider.tell(Notice::ChannelJoin { user, requested, result });
        Ok(())
    }
}

/// What a unit is marked with until it is whole.
pub(super) fn mark_of(initiator: UserId, channel: ChannelId, priority: DataPriority) -> u64 {
    u64::from(initiator.value()) << 32
        | u64::from(channel.value()) << 8
        | u64::from(priority.number())
}

/// What a PDU's unit is marked with.
pub(super) fn mark_of_data(data: &Data<'_>) -> u64 {
    mark_of(data.initiator, data.channel, data.priority)
}
