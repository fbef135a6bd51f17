//! Connections: set up, negotiated, lost (T.125 sections 11.1 and 13.6).

use super::super::connect::{ConnectInitial, ConnectMcsPdu, ConnectResponse};
use super::super::domain::{DisconnectProviderUltimatum, DomainMcsPdu, RejectMcsPduUltimatum};
use super::super::merge::{ErectDomainRequest, PlumbDomainIndication};
use super::super::{Diagnostic, McsResult, Reason, UserId};
use super::{Connection, Event, GONE, Party, Peer, Provider, Way};
use crate::conference::{EndReason, Report};
use crate::error::{Error, Full};
use crate::per::{Octets, Unsigned};
use crate::transport::Phase;

/// How much of a PDU that is refused goes back with the refusal.
const REJECTED_OCTETS: usize = 16;

impl Provider<'_> {
    pub(super) fn peer(&self, connection: Connection) -> Peer {
        self.transport.link(connection).map_or(Peer::Idle, |link| link.mcs)
    }

    pub(super) fn set_peer(&mut self, connection: Connection, peer: Peer) {
        if let Some(link) = self.transport.link_mut(connection) {
            link.mcs = peer;
        }
        if peer == Peer::Ended {
            self.transport.report(connection, Report::Down(EndReason::Ended));
        }
    }

    pub(super) fn downward(&self) -> impl Iterator<Item = Connection> {
        self.transport
            .connections()
            .filter(|(_, link)| matches!(link.mcs, Peer::Downward { .. }))
            .map(|(connection, _)| connection)
    }

    pub(super) fn send_pdu(
        &mut self,
        connection: Connection,
        pdu: &DomainMcsPdu<'_>,
    ) -> Result<(), Full> {
        self.transport.send([connection], pdu.encoded_len(), |buffer| {
            let _ = pdu.write(buffer);
        })
    }

    /// Sends a PDU to all subordinates.
    pub(super) fn send_down(&mut self, pdu: &DomainMcsPdu<'_>) -> Result<(), Full> {
        let mut next = 0;
        // One copy each: these PDUs are short, and rare beside data.
        loop {
            let found = self.downward().find(|connection| connection.0 >= next);
            let Some(connection) = found else { break };
            self.send_pdu(connection, pdu)?;
            let Some(after) = connection.0.checked_add(1) else { break };
            next = after;
        }
        Ok(())
    }

    /// Asks for an MCS connection on a transport connection that is open.
    pub(crate) fn connect(
        &mut self,
        connection: Connection,
        upward_flag: bool,
        user_data: &[u8],
    ) -> Result<(), Error> {
        if upward_flag && (self.top || self.upward.is_some()) {
            return Err(Error::WrongState);
        }
        let (minimum, maximum) = self.bounds();
        let initial = ConnectMcsPdu::Initial(ConnectInitial {
            calling_domain_selector: &[1],
            called_domain_selector: &[1],
            upward_flag,
            target_parameters: maximum,
            minimum_parameters: minimum,
            maximum_parameters: maximum,
            user_data,
        });
        self.transport.send([connection], initial.encoded_len(), |buffer| {
            let _ = initial.write(buffer);
        })?;
        self.set_peer(connection, Peer::Calling);
        Ok(())
    }

    /// What may still be negotiated: nothing, once a user is attached or a connection stands.
    fn bounds(
        &self,
    ) -> (super::super::connect::DomainParameters, super::super::connect::DomainParameters) {
        if self.frozen {
            (self.parameters, self.parameters)
        } else {
            (self.limits.minimum, self.limits.maximum)
        }
    }

    /// Answers a [`Event::ConnectIndication`]. Whether the connection stands now.
    pub(crate) fn respond(
        &mut self,
        connection: Connection,
        initial: &ConnectInitial<'_>,
        result: McsResult,
        user_data: &[u8],
    ) -> Result<bool, Error> {
        let (minimum, maximum) = self.bounds();
        let low = minimum.raised_to(&initial.minimum_parameters);
        let high = maximum.lowered_to(&initial.maximum_parameters);
        let agreed = initial.target_parameters.within(&low, &high);
        let hierarchy = if initial.upward_flag {
            self.top || self.upward.is_some()
        } else {
            !self.top && self.upward.is_none()
        };
        let result = match (result, agreed) {
            (McsResult::Successful, None) => McsResult::ParametersUnacceptable,
            (McsResult::Successful, Some(_)) if !hierarchy => McsResult::DomainNotHierarchical,
            (result, _) => result,
        };
        let stands = result == McsResult::Successful;
        let parameters = agreed.unwrap_or(self.parameters);
        let response = ConnectMcsPdu::Response(ConnectResponse {
            result,
            called_connect_id: u32::from(connection.0),
            domain_parameters: parameters,
            user_data,
        });
        self.transport.send([connection], response.encoded_len(), |buffer| {
            let _ = response.write(buffer);
        })?;
        if stands {
            self.parameters = parameters;
            self.frozen = true;
            if initial.upward_flag {
                self.set_peer(connection, Peer::Downward { height: 0 });
                self.grow_to(0)?;
            } else {
                self.go_below(connection)?;
            }
        } else {
            self.set_peer(connection, Peer::Ended);
        }
        Ok(stands)
    }

    /// Our superior is there: it learns how high we are (T.125 section 11.8).
    fn go_below(&mut self, connection: Connection) -> Result<(), Error> {
        self.upward = Some(connection);
        self.set_peer(connection, Peer::Upward);
        self.erect(connection)
    }

    fn erect(&mut self, upward: Connection) -> Result<(), Error> {
        let erect = DomainMcsPdu::ErectDomainRequest(ErectDomainRequest {
            sub_height: Unsigned(u64::from(self.height)),
            sub_interval: Unsigned(0),
        });
        Ok(self.send_pdu(upward, &erect)?)
    }

    /// A subordinate has this height: ours is one more than the greatest.
    fn grow_to(&mut self, below: u32) -> Result<(), Error> {
        let height = below.saturating_add(1);
        if height > self.height {
            self.height = height;
            if let Some(upward) = self.upward {
                self.erect(upward)?;
            }
        }
        Ok(())
    }

    /// Takes a connect PDU.
    pub(super) fn handle_connect<'d>(
        &mut self,
        connection: Connection,
        tsdu: &'d [u8],
    ) -> Result<Option<Event<'d>>, Error> {
        let pdu = match ConnectMcsPdu::parse(tsdu) {
            Ok(pdu) => pdu,
            Err(error) => {
                self.reject(connection, Diagnostic::InvalidBerEncoding, tsdu)?;
                return Err(Error::Parse(error));
            }
        };
        match (self.peer(connection), pdu) {
            (Peer::Idle, ConnectMcsPdu::Initial(initial)) => {
                self.set_peer(connection, Peer::Called);
                Ok(Some(Event::ConnectIndication { connection, initial }))
            }
            (Peer::Calling, ConnectMcsPdu::Response(response)) => {
                if response.result == McsResult::Successful {
                    let offered = &response.domain_parameters;
                    let (minimum, maximum) = self.bounds();
                    if offered.within(&minimum, &maximum) != Some(*offered) {
                        self.disconnect(connection, Reason::ProviderInitiated)?;
                        return Err(Error::Refused);
                    }
                    self.parameters = *offered;
                    self.frozen = true;
                    self.go_below(connection)?;
                } else {
                    self.set_peer(connection, Peer::Ended);
                }
                Ok(Some(Event::ConnectConfirm { connection, response }))
            }
            _ => Err(Error::UnexpectedPdu),
        }
    }

    /// Says that a PDU was refused, with its first octets (T.125 section 11.16).
    pub(super) fn reject(
        &mut self,
        connection: Connection,
        diagnostic: Diagnostic,
        tsdu: &[u8],
    ) -> Result<(), Full> {
        let initial = tsdu.get(..REJECTED_OCTETS).unwrap_or(tsdu);
        let pdu = DomainMcsPdu::RejectMcsPduUltimatum(RejectMcsPduUltimatum {
            diagnostic,
            initial_octets: Octets::new(initial),
        });
        self.send_pdu(connection, &pdu)
    }

    /// Ends a connection: the peer is told, what was below it is detached.
    pub(crate) fn disconnect(
        &mut self,
        connection: Connection,
        reason: Reason,
    ) -> Result<(), Error> {
        let open = self.transport.link(connection).is_some_and(|link| link.phase == Phase::Open);
        if open {
            let ultimatum =
                DomainMcsPdu::DisconnectProviderUltimatum(DisconnectProviderUltimatum { reason });
            self.send_pdu(connection, &ultimatum)?;
        }
        self.lose(connection)
    }

    /// A connection is gone: its transport is closed, or an ultimatum was given.
    pub(super) fn lose(&mut self, connection: Connection) -> Result<(), Error> {
        let peer = self.peer(connection);
        self.set_peer(connection, Peer::Ended);
        match peer {
            Peer::Upward => {
                // Without its superior a provider has no domain: all below is cut off too.
                self.upward = None;
                let ultimatum =
                    DomainMcsPdu::DisconnectProviderUltimatum(DisconnectProviderUltimatum {
                        reason: Reason::DomainDisconnected,
                    });
                self.send_down(&ultimatum)?;
                while let Some(below) = { self.downward().next() } {
                    self.set_peer(below, Peer::Ended);
                }
                self.reset();
            }
            Peer::Downward { .. } => {
                self.leave_all(Party::Connection(connection))?;
                for index in 0..self.attaching.as_slice().len() {
                    if let Some(origin) = self.attaching.as_mut_slice().get_mut(index)
                        && *origin == Party::Connection(connection).number()
                    {
                        *origin = GONE;
                    }
                }
                let mut from = 0;
                while let Some((next, key)) =
                    self.users.scan(from, |_, way| *way == Way::Below(connection))
                {
                    from = next;
                    if let Some(user) = u16::try_from(key).ok().and_then(UserId::new) {
                        self.request_detach(user, Reason::DomainDisconnected)?;
                    }
                }
            }
            Peer::Idle | Peer::Called | Peer::Calling | Peer::Ended => {}
        }
        Ok(())
    }

    /// Forgets the domain.
    fn reset(&mut self) {
        self.top = false;
        self.frozen = false;
        self.height = 0;
        self.users.clear();
        self.channels.clear();
        self.members.clear();
        self.attaching.clear();
    }

    /// Ends the domain: everybody is told.
    pub(crate) fn end(&mut self, reason: Reason) -> Result<(), Error> {
        let ultimatum =
            DomainMcsPdu::DisconnectProviderUltimatum(DisconnectProviderUltimatum { reason });
        if let Some(upward) = self.upward.take() {
            self.send_pdu(upward, &ultimatum)?;
            self.set_peer(upward, Peer::Ended);
        }
        self.send_down(&ultimatum)?;
        while let Some(below) = { self.downward().next() } {
            self.set_peer(below, Peer::Ended);
        }
        self.reset();
        Ok(())
    }

    /// The stream is gone.
    pub(crate) fn closed(&mut self, connection: Connection) -> Result<(), Error> {
        self.transport.close_quietly(connection);
        let result = self.lose(connection);
        self.transport.close(connection);
        result
    }

    pub(super) fn erected(
        &mut self,
        connection: Connection,
        request: &ErectDomainRequest,
    ) -> Result<(), Error> {
        let height = u32::try_from(request.sub_height.0).unwrap_or(u32::MAX);
        self.set_peer(connection, Peer::Downward { height });
        self.grow_to(height)
    }

    /// The tree must not be higher than the domain allows; this also breaks circles (T.125
    /// section 11.7).
    pub(super) fn plumbed(
        &mut self,
        connection: Connection,
        indication: &PlumbDomainIndication,
    ) -> Result<(), Error> {
        let Some(limit) = indication.height_limit.0.checked_sub(1) else {
            return self.disconnect(connection, Reason::ProviderInitiated);
        };
        let pdu = DomainMcsPdu::PlumbDomainIndication(PlumbDomainIndication {
            height_limit: Unsigned(limit),
        });
        Ok(self.send_down(&pdu)?)
    }
}
