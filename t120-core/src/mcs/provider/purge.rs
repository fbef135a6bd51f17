//! What a merge takes away (T.125 sections 11.11 and 11.14).

use super::super::domain::DomainMcsPdu;
use super::super::merge::{PurgeChannelsIndication, PurgeTokensIndication};
use super::super::notice::Notice;
use super::super::{ChannelId, PrivateChannelId, Reason};
use super::{Event, ListId, NOBODY, Party, Provider, Way, channel_key};
use crate::error::Error;

impl Provider<'_> {
    /// Users and channels are purged from the domain: all below are told.
    pub(super) fn purge_channels<'d>(
        &mut self,
        indication: PurgeChannelsIndication<'d>,
    ) -> Result<Option<Event<'d>>, Error> {
        self.send_down(&DomainMcsPdu::PurgeChannelsIndication(indication))?;
        for user in indication.detach_user_ids.iter() {
            self.purge_user(user, Reason::ChannelPurged)?;
        }
        for channel in indication.purge_channel_ids.iter() {
            self.purge_channel(channel)?;
        }
        let (reason, users) = (Reason::ChannelPurged, indication.detach_user_ids);
        Ok(Some(Event::Detached { reason, users }))
    }

    fn purge_channel(&mut self, channel: ChannelId) -> Result<(), Error> {
        let Some(mut entry) = self.channels.get(channel_key(channel)).copied() else {
            return Ok(());
        };
        if entry.manager != 0 {
            // All below have the indication already.
            let admitted = ListId::admitted(channel.value());
            while let Some(user) = { self.users_in(admitted, entry.admitted).next() } {
                self.lists.remove(admitted, &mut entry.admitted, u32::from(user.value()));
                let private = PrivateChannelId::new(channel.value());
                if let (Some(Way::Here), Some(channel)) = (self.way_to(user), private) {
                    self.tell(Notice::ChannelDisband { user, channel });
                }
            }
        }
        let joined = ListId::joined(channel.value());
        while entry.first != NOBODY {
            let member = entry.first;
            if let (Some(Party::User(user)), 0) = (Party::from_number(member), entry.manager) {
                self.tell(Notice::ChannelLeave { user, channel });
            }
            if !self.lists.remove(joined, &mut entry.first, member) {
                break;
            }
        }
        self.remove_channel(channel);
        Ok(())
    }

    /// Tokens are purged from the domain: all below are told, and who had them is detached.
    pub(super) fn purge_tokens(
        &mut self,
        indication: PurgeTokensIndication<'_>,
    ) -> Result<(), Error> {
        self.send_down(&DomainMcsPdu::PurgeTokensIndication(indication))?;
        for token in indication.purge_token_ids.iter() {
            let list = ListId::possessors(token.value());
            while let Some(mut entry) = self.tokens.get(u64::from(token.value())).copied() {
                let Some(user) = ({ self.users_in(list, entry.first).next() }) else { break };
                self.lists.remove(list, &mut entry.first, u32::from(user.value()));
                match entry.first {
                    NOBODY => drop(self.tokens.remove(u64::from(token.value()))),
                    _ => drop(self.tokens.insert(u64::from(token.value()), entry)),
                }
                if self.way_to(user) == Some(Way::Here) {
                    self.tell(Notice::Detach { user, reason: Reason::TokenPurged });
                    self.request_detach(user, Reason::TokenPurged)?;
                }
            }
        }
        Ok(())
    }
}
