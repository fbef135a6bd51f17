//! GCC inside the conference: the roster, and the end of it (T.124 sections 7.5 to 7.7).

use super::{Conference, EndReason, Name, NodeSlot, setup};
use crate::error::Error;
use crate::gcc::conference::{
    ConferenceTerminateIndication, ConferenceTerminateRequest, ConferenceTerminateResponse,
    TerminateReason, TerminateRequestReason, TerminateResult, UserIdIndication,
};
use crate::gcc::pdu::{
    FunctionNotSupportedResponse, GccPdu, IndicationPdu, RequestPdu, ResponsePdu,
};
use crate::gcc::roster::{
    NodeChange, NodeInformation, NodeRecordList, NodeRefresh, NodeUpdate, RosterUpdateIndication,
};
use crate::gcc::types::{NodeProperties, NodeRecord, NodeType};
use crate::mcs::provider::Way;
use crate::mcs::{ChannelId, DataPriority, Reason, UserId};
use crate::per::{Integer, List};

/// The static channels of GCC (T.120 Annex A; from memory).
pub(super) const BROADCAST_CHANNEL: u16 = 1;
/// Only the node that has created the conference joins this one.
pub(super) const CONVENER_CHANNEL: u16 = 2;
/// The priority of GCC's own traffic.
pub(super) const PRIORITY: DataPriority = DataPriority::High;

fn record(slot: &NodeSlot) -> NodeRecord<'_> {
    NodeRecord {
        superior_node: slot.superior,
        node_type: if slot.superior.is_some() {
            NodeType::Terminal
        } else {
            NodeType::MultiportTerminal
        },
        node_properties: NodeProperties { management_device: false, peripheral_device: false },
        node_name: setup::text(&slot.name),
        participants_list: None,
        site_information: None,
        network_address: None,
        alternative_node_id: None,
        user_data: None,
        node_category: None,
        network_address_v2: None,
    }
}

fn roster_update(node_record_list: NodeRecordList<'_>, full: bool, instance: u16) -> GccPdu<'_> {
    GccPdu::Indication(IndicationPdu::RosterUpdateIndication(RosterUpdateIndication {
        full_refresh: full,
        node_information: NodeInformation {
            node_record_list,
            roster_instance_number: instance,
            nodes_added: true,
            nodes_removed: full,
        },
        application_information: List::new(&[]),
    }))
}

impl Conference<'_> {
    /// This node is in: its superior learns its number, and all of them its name.
    pub(super) fn announce(&mut self) -> Result<(), Error> {
        let Some(node) = self.node else { return Ok(()) };
        let me = NodeSlot { id: Some(node), superior: self.superior, name: self.config.name };
        let Some(superior) = self.superior else {
            self.put(me)?;
            return self.broadcast_roster();
        };
        let channel = ChannelId::from(superior);
        let tag = UserIdIndication { tag: Integer(self.tag) };
        let pdu = GccPdu::Indication(IndicationPdu::UserIdIndication(tag));
        self.send_gcc(node, channel, false, &pdu)?;
        let update =
            [NodeUpdate { node_id: node, node_update: NodeChange::AddRecord(record(&me)) }];
        let list = NodeRecordList::Update(List::new(&update));
        self.send_gcc(node, channel, false, &roster_update(list, false, 0))
    }

    /// Puts a node where its number belongs.
    fn put(&mut self, slot: NodeSlot) -> Result<(), Error> {
        let position = self.roster.as_slice().binary_search_by_key(&slot.id, |other| other.id);
        match position {
            Ok(at) => {
                if let Some(old) = self.roster.as_mut_slice().get_mut(at) {
                    *old = slot;
                }
            }
            Err(at) => self.roster.insert(at, slot)?,
        }
        self.pending.roster = true;
        Ok(())
    }

    fn take_record(&mut self, node_id: UserId, record: &NodeRecord<'_>) -> Result<(), Error> {
        let name = record.node_name.iter().flat_map(|name| name.chars());
        self.put(NodeSlot {
            id: Some(node_id),
            superior: record.superior_node,
            name: Name::of(name),
        })
    }

    /// The top tells everybody who is there.
    fn broadcast_roster(&mut self) -> Result<(), Error> {
        let Some(node) = self.node.filter(|_| self.provider.is_top()) else { return Ok(()) };
        self.roster_instance = self.roster_instance.wrapping_add(1);
        let slots = self.roster.as_slice();
        let make = |number: usize| {
            let slot = slots.get(number).unwrap_or(&NodeSlot::EMPTY);
            NodeRefresh { node_id: slot.id.unwrap_or(UserId::MIN), node_record: record(slot) }
        };
        let list = NodeRecordList::Refresh(List::made(slots.len(), &make));
        let pdu = roster_update(list, true, self.roster_instance);
        let limit = self.config.max_queued_octets;
        let octets = super::encode(&mut self.scratch, limit, &pdu)?;
        let channel = ChannelId::from_number(BROADCAST_CHANNEL);
        self.provider.send_data(node, channel, PRIORITY, true, octets)?;
        Ok(())
    }

    /// Takes those off the roster who are not attached any more; only the top knows all users.
    pub(super) fn sweep_roster(&mut self) -> Result<(), Error> {
        if !self.provider.is_top() {
            return Ok(());
        }
        let mut changed = false;
        let mut at = 0;
        while let Some(slot) = self.roster.as_slice().get(at) {
            if slot.id.is_some_and(|id| self.provider.is_user(id)) {
                at += 1;
            } else {
                let gone = slot.id;
                self.roster.remove(at);
                changed = true;
                if let Some(node) = gone {
                    self.forget_begun(node);
                }
            }
        }
        if changed {
            self.pending.roster = true;
            self.broadcast_roster()?;
        }
        Ok(())
    }

    pub(super) fn handle_gcc(
        &mut self,
        initiator: UserId,
        channel: ChannelId,
        octets: &[u8],
    ) -> Result<(), Error> {
        // What this version does not know must not end the conference.
        let Ok(pdu) = GccPdu::parse(octets) else { return Ok(()) };
        let broadcast = channel.value() == BROADCAST_CHANNEL;
        let from_top = Some(initiator) == self.top_node;
        match pdu {
            GccPdu::Indication(IndicationPdu::RosterUpdateIndication(update)) => {
                if broadcast && from_top && !self.provider.is_top() {
                    return self.replace_roster(&update);
                }
                if !broadcast {
                    return self.merge_roster(initiator, &update, octets);
                }
                Ok(())
            }
            GccPdu::Indication(IndicationPdu::ConferenceTerminateIndication(_)) if from_top => {
                self.provider.end(Reason::UserRequested)?;
                self.forget_conference();
                self.pending.ended.get_or_insert(EndReason::Ended);
                Ok(())
            }
            GccPdu::Request(RequestPdu::ConferenceJoinRequest(request)) if !broadcast => {
                self.answer_join_below(initiator, &request)
            }
            GccPdu::Response(ResponsePdu::ConferenceJoinResponse(response)) if from_top => {
                self.top_has_answered(&response)
            }
            GccPdu::Request(RequestPdu::ConferenceTerminateRequest(_))
                if self.provider.is_top() =>
            {
                let convener = self.convener.map(Way::Below);
                let allowed = convener.is_some() && self.provider.way_to(initiator) == convener;
                let result = if allowed {
                    TerminateResult::Success
                } else {
                    TerminateResult::InvalidRequester
                };
                let response = ConferenceTerminateResponse { result };
                self.answer(initiator, ResponsePdu::ConferenceTerminateResponse(response))?;
                if allowed {
                    self.leave()?;
                    self.pending.ended.get_or_insert(EndReason::Ended);
                }
                Ok(())
            }
            GccPdu::Request(request) if !broadcast => {
                let response = FunctionNotSupportedResponse { request };
                self.answer(initiator, ResponsePdu::FunctionNotSupportedResponse(response))
            }
            _ => Ok(()),
        }
    }

    fn answer(&mut self, to: UserId, response: ResponsePdu<'_>) -> Result<(), Error> {
        let Some(node) = self.node else { return Ok(()) };
        self.send_gcc(node, ChannelId::from(to), false, &GccPdu::Response(response))
    }

    /// The roster as the top has it.
    fn replace_roster(&mut self, update: &RosterUpdateIndication<'_>) -> Result<(), Error> {
        self.roster_instance = update.node_information.roster_instance_number;
        match update.node_information.node_record_list {
            NodeRecordList::Refresh(list) => {
                self.roster.clear();
                self.pending.roster = true;
                for node in list.iter() {
                    self.take_record(node.node_id, &node.node_record)?;
                }
                Ok(())
            }
            NodeRecordList::Update(list) => self.change_roster(list.iter()),
            NodeRecordList::NoChange => Ok(()),
        }
    }

    fn change_roster<'a>(
        &mut self,
        changes: impl Iterator<Item = NodeUpdate<'a>>,
    ) -> Result<(), Error> {
        for change in changes {
            match change.node_update {
                NodeChange::AddRecord(record) | NodeChange::ReplaceRecord(record) => {
                    self.take_record(change.node_id, &record)?;
                }
                NodeChange::RemoveRecord => {
                    let id = Some(change.node_id);
                    let found = self.roster.as_slice().iter().position(|slot| slot.id == id);
                    if let Some(at) = found {
                        self.roster.remove(at);
                        self.pending.roster = true;
                    }
                }
            }
        }
        Ok(())
    }

    /// Nodes below tell of themselves: the top takes it up, all others pass it on.
    fn merge_roster(
        &mut self,
        initiator: UserId,
        update: &RosterUpdateIndication<'_>,
        octets: &[u8],
    ) -> Result<(), Error> {
        if let (false, Some(node), Some(superior)) =
            (self.provider.is_top(), self.node, self.superior)
        {
            let channel = ChannelId::from(superior);
            self.provider.send_data(node, channel, PRIORITY, false, octets)?;
            return Ok(());
        }
        if let NodeRecordList::Update(list) = update.node_information.node_record_list {
            for change in list.iter() {
                // A node speaks for those that are attached on its own side only.
                let same_side = self.provider.way_to(change.node_id).is_some()
                    && self.provider.way_to(change.node_id) == self.provider.way_to(initiator);
                if let (true, NodeChange::AddRecord(record) | NodeChange::ReplaceRecord(record)) =
                    (same_side, change.node_update)
                {
                    self.take_record(change.node_id, &record)?;
                }
            }
            self.broadcast_roster()?;
        }
        Ok(())
    }

    /// The top is asked to end the conference.
    pub(super) fn request_termination(&mut self) -> Result<(), Error> {
        let (Some(node), Some(top)) = (self.node, self.top_node) else {
            return Err(Error::WrongState);
        };
        let request = ConferenceTerminateRequest { reason: TerminateRequestReason::UserInitiated };
        let pdu = GccPdu::Request(RequestPdu::ConferenceTerminateRequest(request));
        self.send_gcc(node, ChannelId::from(top), false, &pdu)
    }

    /// Everybody is told that the conference ends.
    pub(super) fn announce_termination(&mut self) -> Result<(), Error> {
        let Some(node) = self.node else { return Ok(()) };
        let indication = ConferenceTerminateIndication { reason: TerminateReason::UserInitiated };
        let pdu = GccPdu::Indication(IndicationPdu::ConferenceTerminateIndication(indication));
        self.send_gcc(node, ChannelId::from_number(BROADCAST_CHANNEL), true, &pdu)
    }
}
