//! GCC inside the conference: whose PDU is whose, and the roster of nodes (T.124 section 7.5).

use super::{Conference, Name, NodeSlot, setup};
use crate::error::Error;
use crate::gcc::conference::UserIdIndication;
use crate::gcc::pdu::{
    FunctionNotSupportedResponse, GccPdu, IndicationPdu, RequestPdu, ResponsePdu,
};
use crate::gcc::roster::{
    NodeChange, NodeInformation, NodeRecordList, NodeRefresh, NodeUpdate, RosterUpdateIndication,
};
use crate::gcc::types::{NodeProperties, NodeRecord, NodeType};
use crate::mcs::provider::Way;
use crate::mcs::{ChannelId, DataPriority, UserId};
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

const fn node_information(
    list: NodeRecordList<'_>,
    full: bool,
    instance: u16,
) -> NodeInformation<'_> {
    NodeInformation {
        node_record_list: list,
        roster_instance_number: instance,
        nodes_added: true,
        nodes_removed: full,
    }
}

impl Conference<'_> {
    /// This node is in: its superior learns its number, and all of them its name.
    pub(super) fn announce(&mut self) -> Result<(), Error> {
        let Some(node) = self.node else { return Ok(()) };
        let me = NodeSlot { id: Some(node), superior: self.superior, name: self.config.name };
        self.put(me)?;
        self.announce_all()
    }

    /// All that this node knows of goes up; at the top it goes to everybody.
    pub(super) fn announce_all(&mut self) -> Result<(), Error> {
        let Some(node) = self.node else { return Ok(()) };
        let Some(superior) = self.superior else { return self.broadcast_roster() };
        let me = NodeSlot { id: Some(node), superior: self.superior, name: self.config.name };
        self.put(me)?;
        let channel = ChannelId::from(superior);
        let tag = UserIdIndication { tag: Integer(self.tag) };
        let pdu = GccPdu::Indication(IndicationPdu::UserIdIndication(tag));
        self.send_gcc(node, channel, false, &pdu)?;
        let slots = self.roster.as_slice();
        let make = |number: usize| {
            let slot = slots.get(number).unwrap_or(&NodeSlot::EMPTY);
            NodeUpdate {
                node_id: slot.id.unwrap_or(UserId::MIN),
                node_update: NodeChange::AddRecord(record(slot)),
            }
        };
        let list = NodeRecordList::Update(List::made(slots.len(), &make));
        let applications = super::application::Upward::new(&self.directory);
        let make_application = |number: usize| applications.at(number);
        let pdu =
            GccPdu::Indication(IndicationPdu::RosterUpdateIndication(RosterUpdateIndication {
                full_refresh: false,
                node_information: node_information(list, false, 0),
                application_information: List::made(applications.len(), &make_application),
            }));
        let limit = self.config.max_queued_octets;
        let octets = super::encode(&mut self.scratch, limit, &pdu)?;
        self.provider.send_data(node, channel, PRIORITY, false, octets)?;
        Ok(())
    }

    /// Puts a node where its number belongs.
    fn put(&mut self, slot: NodeSlot) -> Result<(), Error> {
        let position = self.roster.as_slice().binary_search_by_key(&slot.id, |other| other.id);
        match position {
            Ok(at) => {
                if let Some(old) = self.roster.as_mut_slice().get_mut(at) {
                    if *old == slot {
                        return Ok(());
                    }
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

    /// The top tells everybody who is there, and which applications they have.
    pub(super) fn broadcast_roster(&mut self) -> Result<(), Error> {
        let Some(node) = self.node.filter(|_| self.provider.is_top()) else { return Ok(()) };
        self.roster_instance = self.roster_instance.wrapping_add(1);
        let slots = self.roster.as_slice();
        let make = |number: usize| {
            let slot = slots.get(number).unwrap_or(&NodeSlot::EMPTY);
            NodeRefresh { node_id: slot.id.unwrap_or(UserId::MIN), node_record: record(slot) }
        };
        let list = NodeRecordList::Refresh(List::made(slots.len(), &make));
        let sessions = super::application::Sessions::new(&self.directory);
        let instance = self.applications_instance;
        let make_session = |number: usize| sessions.at(number, instance);
        let pdu =
            GccPdu::Indication(IndicationPdu::RosterUpdateIndication(RosterUpdateIndication {
                full_refresh: true,
                node_information: node_information(list, true, self.roster_instance),
                application_information: List::made(sessions.len(), &make_session),
            }));
        let limit = self.config.max_queued_octets;
        let octets = super::encode(&mut self.scratch, limit, &pdu)?;
        let channel = ChannelId::from_number(BROADCAST_CHANNEL);
        self.provider.send_data(node, channel, PRIORITY, true, octets)?;
        // Who has just come learns who conducts.
        self.repeat_conductor()
    }

    /// Takes those off the roster who are not attached any more; only the top knows all users.
    pub(super) fn sweep_roster(&mut self) -> Result<(), Error> {
        if !self.provider.is_top() {
            return Ok(());
        }
        let mut changed = false;
        let mut at = 0;
        while let Some(slot) = self.roster.as_slice().get(at).copied() {
            if slot.id.is_some_and(|id| self.provider.is_user(id)) {
                at += 1;
            } else {
                let gone = slot.id;
                self.roster.remove(at);
                if let Some(id) = slot.id {
                    self.forget_node(id);
                }
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

    /// Takes a PDU of GCC. Whether the host is told of it, too.
    pub(super) fn handle_gcc(
        &mut self,
        initiator: UserId,
        channel: ChannelId,
        octets: &[u8],
    ) -> Result<bool, Error> {
        // What this version does not know must not end the conference.
        let Ok(pdu) = GccPdu::parse(octets) else { return Ok(false) };
        let broadcast = channel.value() == BROADCAST_CHANNEL;
        let from_top = Some(initiator) == self.top_node;
        match pdu {
            GccPdu::Indication(IndicationPdu::RosterUpdateIndication(update)) => {
                if broadcast && !self.provider.is_top() {
                    self.replace_roster(initiator, &update)?;
                } else if !broadcast {
                    self.merge_roster(initiator, &update, octets)?;
                }
                Ok(false)
            }
            GccPdu::Indication(indication) => {
                // What is said to all comes back, and the host knows what it has said.
                let own = Some(initiator) == self.node;
                let told = self.handle_indication(initiator, from_top, broadcast, &indication)?;
                Ok(told && !own)
            }
            GccPdu::Request(RequestPdu::ConferenceJoinRequest(request)) if !broadcast => {
                self.answer_join_below(initiator, &request)?;
                Ok(false)
            }
            GccPdu::Response(ResponsePdu::ConferenceJoinResponse(response)) if from_top => {
                self.top_has_answered(&response)?;
                Ok(false)
            }
            GccPdu::Request(RequestPdu::NonStandardRequest(_)) if !broadcast => Ok(true),
            // An addition may be asked of the node that is to add, too.
            GccPdu::Request(RequestPdu::ConferenceAddRequest(request)) if !broadcast => {
                self.handle_add(initiator, &request)
            }
            GccPdu::Request(request) if !broadcast && self.provider.is_top() => {
                self.handle_request(initiator, &request)?;
                Ok(false)
            }
            GccPdu::Request(request) if !broadcast => {
                let response = FunctionNotSupportedResponse { request };
                self.answer(initiator, ResponsePdu::FunctionNotSupportedResponse(response))?;
                Ok(false)
            }
            GccPdu::Response(response) if !broadcast => {
                Ok(self.handle_response(from_top, &response))
            }
            _ => Ok(false),
        }
    }

    /// Answers a request; the answer to this node's own one goes to the host at once.
    pub(super) fn answer(&mut self, to: UserId, response: ResponsePdu<'_>) -> Result<(), Error> {
        let Some(node) = self.node else { return Ok(()) };
        let pdu = GccPdu::Response(response);
        if to != node {
            return self.send_gcc(node, ChannelId::from(to), false, &pdu);
        }
        let limit = self.config.max_queued_octets;
        super::encode(&mut self.scratch, limit, &pdu)?;
        let len = pdu.encoded_len();
        let scratch = core::mem::replace(&mut self.scratch, crate::storage::Room::Lent(&mut []));
        self.keep_gcc(node, scratch.cells().get(..len).unwrap_or_default());
        self.scratch = scratch;
        Ok(())
    }

    /// The roster as the top has it. The top is the node that has none above itself: after two
    /// conferences became one it is another node than before.
    fn replace_roster(
        &mut self,
        initiator: UserId,
        update: &RosterUpdateIndication<'_>,
    ) -> Result<(), Error> {
        if self.provider.is_merging() {
            // What is known here has to reach the new top first; it tells all anew then.
            return Ok(());
        }
        if Some(initiator) != self.top_node {
            let is_top = match update.node_information.node_record_list {
                NodeRecordList::Refresh(list) => list.iter().any(|node| {
                    node.node_id == initiator && node.node_record.superior_node.is_none()
                }),
                _ => false,
            };
            if !is_top {
                return Ok(());
            }
            self.top_changed(initiator)?;
        }
        self.roster_instance = update.node_information.roster_instance_number;
        match update.node_information.node_record_list {
            NodeRecordList::Refresh(list) => {
                self.roster.clear();
                self.pending.roster = true;
                for node in list.iter() {
                    self.take_record(node.node_id, &node.node_record)?;
                }
            }
            NodeRecordList::Update(list) => self.change_roster(list.iter())?,
            NodeRecordList::NoChange => {}
        }
        self.replace_applications(update);
        Ok(())
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
                if let (true, NodeChange::AddRecord(record) | NodeChange::ReplaceRecord(record)) =
                    (self.is_same_side(change.node_id, initiator), change.node_update)
                {
                    self.take_record(change.node_id, &record)?;
                }
            }
        }
        self.merge_applications(initiator, update);
        self.broadcast_roster()
    }

    /// A node speaks for those that are attached on its own side only.
    pub(super) fn is_same_side(&self, node: UserId, speaker: UserId) -> bool {
        let way = self.provider.way_to(node);
        way.is_some()
            && way == self.provider.way_to(speaker)
            && (way != Some(Way::Here) || node == speaker)
    }

    /// Whether a node is known to be in the conference.
    pub(super) fn is_node(&self, node: UserId) -> bool {
        self.roster.as_slice().binary_search_by_key(&Some(node), |slot| slot.id).is_ok()
    }

    /// Sends an indication to all nodes, or to one.
    pub(super) fn indicate(
        &mut self,
        to: Option<UserId>,
        indication: IndicationPdu<'_>,
    ) -> Result<(), Error> {
        let node = self.node.ok_or(Error::WrongState)?;
        let channel = to.map_or(ChannelId::from_number(BROADCAST_CHANNEL), ChannelId::from);
        self.send_gcc(node, channel, to.is_none(), &GccPdu::Indication(indication))
    }

    /// Sends a request to the top; at the top it is handled at once.
    pub(super) fn request(&mut self, request: RequestPdu<'_>) -> Result<(), Error> {
        let (Some(node), Some(top)) = (self.node, self.top_node) else {
            return Err(Error::WrongState);
        };
        if self.provider.is_top() {
            return self.handle_request(node, &request);
        }
        self.send_gcc(node, ChannelId::from(top), false, &GccPdu::Request(request))
    }
}
