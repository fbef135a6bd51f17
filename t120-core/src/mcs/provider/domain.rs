//! Which PDU goes where (T.125 section 10, table 10-1).

use super::super::domain::DomainMcsPdu;
use super::super::{Diagnostic, Reason, UserId};
use super::{Connection, Event, Party, Peer, Provider, Way};
use crate::error::Error;

impl Provider<'_> {
    /// Takes a whole TSDU.
    pub(crate) fn handle<'d>(
        &mut self,
        connection: Connection,
        tsdu: &'d [u8],
    ) -> Result<Option<Event<'d>>, Error> {
        let is_data = tsdu.first().is_some_and(|choice| matches!(choice >> 2, 25..=28));
        let from_above = match self.peer(connection) {
            Peer::Upward => true,
            Peer::Downward { .. } => false,
            Peer::Ended => return Ok(None),
            Peer::Lane { first, priority } => {
                let from_above = match self.peer(first) {
                    Peer::Upward => true,
                    Peer::Downward { .. } => false,
                    _ => return Ok(None),
                };
                if is_data {
                    return self.handle_data(first, priority, from_above, tsdu);
                }
                // Control goes on the first transport connection (T.125 section 6.2).
                self.reject(connection, Diagnostic::WrongTransportPriority, tsdu)?;
                return Ok(None);
            }
            _ => return self.handle_connect(connection, tsdu),
        };
        if is_data {
            return self.handle_data(connection, 0, from_above, tsdu);
        }
        let pdu = match DomainMcsPdu::parse(tsdu) {
            Ok(pdu) => pdu,
            Err(error) => {
                self.reject(connection, Diagnostic::InvalidPerEncoding, tsdu)?;
                return Err(Error::Parse(error));
            }
        };
        match pdu {
            DomainMcsPdu::DisconnectProviderUltimatum(pdu) => {
                self.lose(connection)?;
                Ok(Some(Event::Disconnected { connection, reason: pdu.reason }))
            }
            DomainMcsPdu::RejectMcsPduUltimatum(_) => {
                // What we sent was refused: the peer and we do not understand each other.
                self.disconnect(connection, Reason::ProviderInitiated)?;
                let reason = Reason::ProviderInitiated;
                Ok(Some(Event::Disconnected { connection, reason }))
            }
            pdu if from_above => self.handle_from_above(connection, pdu, tsdu),
            pdu => self.handle_from_below(connection, pdu, tsdu),
        }
    }

    fn handle_from_above<'d>(
        &mut self,
        connection: Connection,
        pdu: DomainMcsPdu<'d>,
        tsdu: &[u8],
    ) -> Result<Option<Event<'d>>, Error> {
        match pdu {
            DomainMcsPdu::PlumbDomainIndication(pdu) => return self.plumbed(connection, &pdu),
            DomainMcsPdu::MergeChannelsConfirm(pdu) => return self.merge_channels_confirmed(pdu),
            DomainMcsPdu::MergeTokensConfirm(pdu) => return self.merge_tokens_confirmed(pdu),
            DomainMcsPdu::PurgeChannelsIndication(pdu) => return self.purge_channels(pdu),
            DomainMcsPdu::PurgeTokensIndication(pdu) => self.purge_tokens(pdu)?,
            DomainMcsPdu::AttachUserConfirm(pdu) => return self.attached(&pdu),
            DomainMcsPdu::DetachUserIndication(pdu) => return self.detached_above(pdu),
            DomainMcsPdu::ChannelJoinConfirm(pdu) => return self.joined(&pdu),
            DomainMcsPdu::ChannelConveneConfirm(pdu) => self.convened(&pdu)?,
            DomainMcsPdu::ChannelDisbandIndication(pdu) => self.disbanded(pdu.channel_id)?,
            DomainMcsPdu::ChannelAdmitIndication(pdu) => {
                self.admitted(pdu.initiator, pdu.channel_id, pdu.user_ids)?;
            }
            DomainMcsPdu::ChannelExpelIndication(pdu) => {
                self.expelled(pdu.channel_id, pdu.user_ids)?;
            }
            DomainMcsPdu::TokenGrabConfirm(_)
            | DomainMcsPdu::TokenInhibitConfirm(_)
            | DomainMcsPdu::TokenGiveConfirm(_)
            | DomainMcsPdu::TokenReleaseConfirm(_)
            | DomainMcsPdu::TokenTestConfirm(_) => self.token_confirm(&pdu)?,
            DomainMcsPdu::TokenGiveIndication(pdu) => self.given(pdu)?,
            DomainMcsPdu::TokenPleaseIndication(pdu) => self.pleased(pdu)?,
            _ => self.reject(connection, Diagnostic::ForbiddenPduDownward, tsdu)?,
        }
        Ok(None)
    }

    fn handle_from_below<'d>(
        &mut self,
        connection: Connection,
        pdu: DomainMcsPdu<'d>,
        tsdu: &[u8],
    ) -> Result<Option<Event<'d>>, Error> {
        if let Some(initiator) = initiator(&pdu) {
            if self.way_to(initiator) != Some(Way::Below(connection)) {
                // It may be racing its own detachment (T.125 section 11.21).
                return Ok(None);
            }
            if is_of_token(&pdu) {
                self.token_request(initiator, &pdu)?;
            } else {
                self.channel_request(initiator, &pdu)?;
            }
            return Ok(None);
        }
        match pdu {
            DomainMcsPdu::ErectDomainRequest(pdu) => self.erected(connection, &pdu)?,
            DomainMcsPdu::MergeChannelsRequest(pdu) => {
                self.merge_channels_below(connection, pdu)?
            }
            DomainMcsPdu::MergeTokensRequest(pdu) => self.merge_tokens_below(connection, pdu)?,
            DomainMcsPdu::AttachUserRequest(_) => self.attach_below(connection)?,
            DomainMcsPdu::DetachUserRequest(pdu) => return self.detach_below(connection, &pdu),
            DomainMcsPdu::ChannelJoinRequest(pdu) => {
                let party = Party::Connection(connection);
                self.request_join(party, pdu.initiator, pdu.channel_id)?;
            }
            DomainMcsPdu::ChannelLeaveRequest(pdu) => {
                for channel in pdu.channel_ids.iter() {
                    self.remove_member(channel, Party::Connection(connection))?;
                }
            }
            _ => self.reject(connection, Diagnostic::ForbiddenPduUpward, tsdu)?,
        }
        Ok(None)
    }

    /// The user is attached here, and its requests can be taken.
    pub(super) fn check_local(&self, user: UserId) -> Result<(), Error> {
        match self.way_to(user) {
            Some(Way::Here) if self.is_merging() => Err(Error::WrongState),
            Some(Way::Here) => Ok(()),
            _ => Err(Error::Unknown),
        }
    }
}

/// Whose request it is, for those that only go up to the top.
fn initiator(pdu: &DomainMcsPdu<'_>) -> Option<UserId> {
    Some(match pdu {
        DomainMcsPdu::ChannelConveneRequest(pdu) => pdu.initiator,
        DomainMcsPdu::ChannelDisbandRequest(pdu) => pdu.initiator,
        DomainMcsPdu::ChannelAdmitRequest(pdu) => pdu.initiator,
        DomainMcsPdu::ChannelExpelRequest(pdu) => pdu.initiator,
        DomainMcsPdu::TokenGrabRequest(pdu) => pdu.initiator,
        DomainMcsPdu::TokenInhibitRequest(pdu) => pdu.initiator,
        DomainMcsPdu::TokenGiveRequest(pdu) => pdu.initiator,
        DomainMcsPdu::TokenGiveResponse(pdu) => pdu.recipient,
        DomainMcsPdu::TokenPleaseRequest(pdu) => pdu.initiator,
        DomainMcsPdu::TokenReleaseRequest(pdu) => pdu.initiator,
        DomainMcsPdu::TokenTestRequest(pdu) => pdu.initiator,
        _ => return None,
    })
}

const fn is_of_token(pdu: &DomainMcsPdu<'_>) -> bool {
    !matches!(
        pdu,
        DomainMcsPdu::ChannelConveneRequest(_)
            | DomainMcsPdu::ChannelDisbandRequest(_)
            | DomainMcsPdu::ChannelAdmitRequest(_)
            | DomainMcsPdu::ChannelExpelRequest(_)
    )
}
