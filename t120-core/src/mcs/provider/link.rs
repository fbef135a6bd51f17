//! Connections: set up, negotiated, lost (T.125 sections 11.1 and 13.6).

use super::super::connect::{
    ConnectAdditional, ConnectInitial, ConnectMcsPdu, ConnectResponse, ConnectResult,
    DomainParameters,
};
use super::super::domain::{DisconnectProviderUltimatum, DomainMcsPdu, RejectMcsPduUltimatum};
use super::super::merge::{ErectDomainRequest, PlumbDomainIndication};
use super::super::{DataPriority, Diagnostic, McsResult, Reason, UserId};
use super::merge::Merge;
use super::{Connection, Event, GONE, Party, Peer, Provider, Way};
use crate::conference::{EndReason, Report};
use crate::error::{Error, Full};
use crate::per::{Octets, Unsigned};
use crate::transport::Phase;

/// No transport connection.
pub(crate) const NO_LANE: u16 = u16::MAX;

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
        if upward_flag && self.upward.is_some() {
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
        self.set_peer(connection, Peer::Calling { upward: upward_flag });
        Ok(())
    }

    /// What may still be negotiated: nothing, once a user is attached or a connection stands.
    fn bounds(&self) -> (DomainParameters, DomainParameters) {
        if self.frozen {
            (self.parameters, self.parameters)
        } else {
            (self.limits.minimum, self.limits.maximum)
        }
    }

    /// The parameters that a caller and this provider can agree on.
    pub(crate) fn agreeable(&self, initial: &ConnectInitial<'_>) -> Option<DomainParameters> {
        let (minimum, maximum) = self.bounds();
        let low = minimum.raised_to(&initial.minimum_parameters);
        let high = maximum.lowered_to(&initial.maximum_parameters);
        initial.target_parameters.within(&low, &high)
    }

    /// Answers a [`Event::ConnectIndication`]. Whether the connection stands now.
    pub(crate) fn respond(
        &mut self,
        connection: Connection,
        initial: &ConnectInitial<'_>,
        result: McsResult,
        user_data: &[u8],
    ) -> Result<bool, Error> {
        let agreed = self.agreeable(initial);
        let hierarchy = if initial.upward_flag {
            self.top || self.upward.is_some()
        } else {
            self.upward.is_none()
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
            self.expect_lanes(connection, u32::from(connection.0));
            if initial.upward_flag {
                self.set_peer(connection, Peer::Downward { height: 0 });
                self.measure()?;
            } else {
                self.upward = Some(connection);
                self.set_peer(connection, Peer::Upward);
            }
        } else {
            self.set_peer(connection, Peer::Ended);
        }
        Ok(stands)
    }

    /// The connection upward stands: the provider above learns how high we are (T.125 section
    /// 11.8), and where this was the top of a domain, the domain becomes a part of the one above.
    pub(crate) fn go_below<'d>(
        &mut self,
        connection: Connection,
    ) -> Result<Option<Event<'d>>, Error> {
        self.erect(connection)?;
        if !core::mem::replace(&mut self.top, false) {
            return Ok(None);
        }
        self.merge = Some(Merge::START);
        self.plumb(self.parameters.max_height)?;
        self.step_merge()
    }

    fn erect(&mut self, upward: Connection) -> Result<(), Error> {
        let erect = DomainMcsPdu::ErectDomainRequest(ErectDomainRequest {
            sub_height: Unsigned(u64::from(self.height)),
            sub_interval: Unsigned(0),
        });
        Ok(self.send_pdu(upward, &erect)?)
    }

    /// This provider is one higher than the highest below it; those above are told when that
    /// changes.
    fn measure(&mut self) -> Result<(), Error> {
        let heights = self.transport.connections().filter_map(|(_, link)| match link.mcs {
            Peer::Downward { height } => Some(height.saturating_add(1)),
            _ => None,
        });
        let height = heights.max().unwrap_or(0);
        if height == core::mem::replace(&mut self.height, height) {
            return Ok(());
        }
        match self.upward {
            Some(upward) => self.erect(upward),
            // Those who stand too low leave (T.125 section 11.7).
            None if height > self.parameters.max_height => self.plumb(self.parameters.max_height),
            None => Ok(()),
        }
    }

    /// Begins at the top: how far down the domain may go.
    fn plumb(&mut self, height: u32) -> Result<(), Error> {
        let height_limit = Unsigned(u64::from(height));
        let pdu = DomainMcsPdu::PlumbDomainIndication(PlumbDomainIndication { height_limit });
        Ok(self.send_down(&pdu)?)
    }

    /// As many transport connections follow as there are priorities beyond the first.
    fn expect_lanes(&mut self, connection: Connection, called_connect_id: u32) {
        let missing = self.parameters.num_priorities.clamp(1, 4) - 1;
        if let Some(link) = self.transport.link_mut(connection) {
            link.missing = missing as u8;
            link.called_connect_id = called_connect_id;
        }
    }

    /// Whether it is a further transport connection of an MCS connection.
    pub(crate) fn is_lane(&self, connection: Connection) -> bool {
        matches!(self.peer(connection), Peer::Adding { .. } | Peer::Lane { .. })
    }

    /// How many transport connections of this MCS connection are still to come.
    pub(crate) fn missing(&self, connection: Connection) -> u8 {
        self.transport.link(connection).map_or(0, |link| link.missing)
    }

    /// A transport connection will carry the next priority of an MCS connection that we asked for.
    pub(crate) fn add_lane(&mut self, lane: Connection, first: Connection) -> Result<(), Error> {
        let stands = |peer: Peer| matches!(peer, Peer::Upward | Peer::Downward { .. });
        let ours = self.transport.link(first).filter(|link| stands(link.mcs));
        let given = self.transport.connections().filter(|(_, link)| match link.mcs {
            Peer::Adding { first: other, .. } => other == first,
            _ => false,
        });
        let given = given.count() as u8;
        let all = self.parameters.num_priorities.clamp(1, 4) as u8 - 1;
        match ours {
            Some(link) if link.missing > given => {
                let priority = all - link.missing + given + 1;
                self.transport.open(lane, true)?;
                self.set_peer(lane, Peer::Adding { first, priority });
                Ok(())
            }
            _ => Err(Error::WrongState),
        }
    }

    /// The transport connection of [`add_lane`](Self::add_lane) is open.
    pub(crate) fn lane_opened(&mut self, lane: Connection) -> Result<(), Error> {
        let Peer::Adding { first, priority } = self.peer(lane) else { return Ok(()) };
        let called_connect_id = self.transport.link(first).map_or(0, |link| link.called_connect_id);
        let data_priority = DataPriority::from_number(u64::from(priority));
        let data_priority = data_priority.unwrap_or(DataPriority::Low);
        let pdu = ConnectMcsPdu::Additional(ConnectAdditional { called_connect_id, data_priority });
        Ok(self.transport.send([lane], pdu.encoded_len(), |buffer| {
            let _ = pdu.write(buffer);
        })?)
    }

    /// A lane is there. Whether it was the last one missing.
    fn lane_stands(&mut self, lane: Connection, first: Connection, priority: u8) -> bool {
        self.set_peer(lane, Peer::Lane { first, priority });
        self.transport.lanes = true;
        let Some(link) = self.transport.link_mut(first) else { return false };
        if let Some(place) = link.lanes.get_mut(usize::from(priority).wrapping_sub(1)) {
            *place = lane.0;
        }
        link.missing = link.missing.saturating_sub(1);
        link.missing == 0
    }

    /// The caller adds a transport connection to an MCS connection that stands.
    fn added(
        &mut self,
        lane: Connection,
        request: ConnectAdditional,
    ) -> Result<Option<Connection>, Error> {
        let first = u16::try_from(request.called_connect_id).ok().map(Connection);
        let priority = request.data_priority.number();
        let free = |first: Connection| {
            let link = self.transport.link(first)?;
            let stands = matches!(link.mcs, Peer::Upward | Peer::Downward { .. });
            let place = link.lanes.get(usize::from(priority).wrapping_sub(1))?;
            let wanted = u32::from(priority) < self.parameters.num_priorities;
            (stands && wanted && *place == NO_LANE).then_some(first)
        };
        let first = first.and_then(free);
        let result =
            if first.is_some() { McsResult::Successful } else { McsResult::UnspecifiedFailure };
        let pdu = ConnectMcsPdu::Result(ConnectResult { result });
        self.transport.send([lane], pdu.encoded_len(), |buffer| {
            let _ = pdu.write(buffer);
        })?;
        match first {
            Some(first) => drop(self.lane_stands(lane, first, priority)),
            None => self.set_peer(lane, Peer::Ended),
        }
        Ok(first)
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
            (Peer::Calling { upward }, ConnectMcsPdu::Response(response)) => {
                if response.result == McsResult::Successful {
                    let offered = &response.domain_parameters;
                    let (minimum, maximum) = self.bounds();
                    if offered.within(&minimum, &maximum) != Some(*offered) {
                        self.disconnect(connection, Reason::ProviderInitiated)?;
                        return Err(Error::Refused);
                    }
                    self.parameters = *offered;
                    self.frozen = true;
                    self.expect_lanes(connection, response.called_connect_id);
                    if upward {
                        self.upward = Some(connection);
                        self.set_peer(connection, Peer::Upward);
                    } else {
                        self.set_peer(connection, Peer::Downward { height: 0 });
                        self.measure()?;
                    }
                } else {
                    self.set_peer(connection, Peer::Ended);
                }
                Ok(Some(Event::ConnectConfirm { connection, response }))
            }
            (Peer::Idle, ConnectMcsPdu::Additional(request)) => {
                let first = self.added(connection, request)?;
                let last_of = first.filter(|first| self.missing(*first) == 0);
                Ok(first.map(|_| Event::LaneStands { lane: connection, last_of }))
            }
            (Peer::Adding { first, priority }, ConnectMcsPdu::Result(response)) => {
                if response.result != McsResult::Successful {
                    // Any failure tears down all (T.125 section 11.4).
                    self.set_peer(connection, Peer::Ended);
                    self.disconnect(first, Reason::ProviderInitiated)?;
                    let reason = Reason::ProviderInitiated;
                    return Ok(Some(Event::Disconnected { connection: first, reason }));
                }
                let last = self.lane_stands(connection, first, priority);
                let last_of = last.then_some(first);
                Ok(Some(Event::LaneStands { lane: connection, last_of }))
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
        let lanes = self.transport.link(connection).map_or([NO_LANE; 3], |link| link.lanes);
        for lane in lanes.into_iter().filter(|lane| *lane != NO_LANE) {
            self.set_peer(Connection(lane), Peer::Ended);
        }
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
                let gone = Party::Connection(connection).number();
                let waiting = self.attaching.as_mut_slice().iter_mut();
                for origin in waiting.chain(self.merges_below.as_mut_slice()) {
                    if *origin == gone {
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
                self.measure()?;
            }
            Peer::Lane { first, .. } | Peer::Adding { first, .. } => {
                // The loss of one transport connection is the loss of all (T.125 section 6.3).
                return self.disconnect(first, Reason::ProviderInitiated);
            }
            Peer::Idle | Peer::Called | Peer::Calling { .. } | Peer::Ended => {}
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
        self.lists.0.clear();
        self.tokens.clear();
        self.own_channels = 0;
        self.attaching.clear();
        self.merges_below.clear();
        self.merge = None;
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
        self.measure()
    }

    /// The tree must not be higher than the domain allows; this also breaks circles (T.125
    /// section 11.7).
    pub(super) fn plumbed<'d>(
        &mut self,
        connection: Connection,
        indication: &PlumbDomainIndication,
    ) -> Result<Option<Event<'d>>, Error> {
        let Some(limit) = indication.height_limit.0.checked_sub(1) else {
            let reason = Reason::ProviderInitiated;
            self.disconnect(connection, reason)?;
            return Ok(Some(Event::Disconnected { connection, reason }));
        };
        let pdu = DomainMcsPdu::PlumbDomainIndication(PlumbDomainIndication {
            height_limit: Unsigned(limit),
        });
        self.send_down(&pdu)?;
        Ok(None)
    }
}
