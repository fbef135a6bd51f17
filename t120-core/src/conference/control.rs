//! Conference control: lock, unlock, terminate, eject, transfer, add, time and text (T.124
//! sections 7.3, 7.6 and 7.8). The top decides; who may what, the conference's profile says.

use super::{Conference, EndReason};
use crate::error::{Error, Fault};
use crate::gcc::conference::{
    AddResult, ConferenceAddRequest, ConferenceAddResponse, ConferenceAssistanceIndication,
    ConferenceEjectUserIndication, ConferenceEjectUserRequest, ConferenceEjectUserResponse,
    ConferenceLockIndication, ConferenceLockRequest, ConferenceLockResponse,
    ConferenceTerminateIndication, ConferenceTerminateRequest, ConferenceTerminateResponse,
    ConferenceTimeExtendIndication, ConferenceTimeInquireIndication,
    ConferenceTimeRemainingIndication, ConferenceTransferIndication, ConferenceTransferRequest,
    ConferenceTransferResponse, ConferenceUnlockIndication, ConferenceUnlockRequest,
    ConferenceUnlockResponse, EjectReason, EjectRequestReason, EjectResult, LockResult,
    TerminateReason, TerminateRequestReason, TerminateResult, TextMessageIndication,
    TransferResult, UnlockResult,
};
use crate::gcc::network::NetworkAddress;
use crate::gcc::pdu::{FunctionNotSupportedResponse, IndicationPdu, RequestPdu, ResponsePdu};
use crate::gcc::types::{ConferenceNameSelector, Privilege, TextString, Time};
use crate::mcs::provider::Way;
use crate::mcs::{Reason, UserId};
use crate::per::{Integer, List};

impl Conference<'_> {
    /// Asks for the conference to be locked: nobody joins any more but those who are invited.
    /// The answer comes as [`Event::Gcc`](super::Event::Gcc).
    ///
    /// # Errors
    /// [`Error::WrongState`] in no conference, [`Error::Full`] without room for the request.
    pub fn lock(&mut self) -> Result<(), Error> {
        self.request(RequestPdu::ConferenceLockRequest(ConferenceLockRequest {}))
    }

    /// Asks for the conference to be unlocked.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock).
    pub fn unlock(&mut self) -> Result<(), Error> {
        self.request(RequestPdu::ConferenceUnlockRequest(ConferenceUnlockRequest {}))
    }

    /// Whether the conference is locked, as far as this node was told.
    pub const fn is_locked(&self) -> bool {
        self.profile.locked
    }

    /// Asks for a node to be thrown out, with all below it.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock).
    pub fn eject(&mut self, node: UserId) -> Result<(), Error> {
        let reason = EjectRequestReason::UserInitiated;
        let request = ConferenceEjectUserRequest { node_to_eject: node, reason };
        self.request(RequestPdu::ConferenceEjectUserRequest(request))
    }

    /// Asks for nodes, or with none named all of them, to go to another conference. They are told
    /// by [`Event::Gcc`](super::Event::Gcc), and their hosts follow it.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock); [`Error::Value`] for a name that has not digits only.
    pub fn transfer(&mut self, conference: &str, nodes: &[UserId]) -> Result<(), Error> {
        let name = crate::per::NumericString::new(conference);
        let name = name.ok_or(Error::Value(Fault::BadCharacter))?;
        self.request(RequestPdu::ConferenceTransferRequest(ConferenceTransferRequest {
            conference_name: ConferenceNameSelector::Numeric(name),
            conference_name_modifier: None,
            network_address: None,
            transferring_nodes: (!nodes.is_empty()).then_some(List::new(nodes)),
            password: None,
            network_address_v2: None,
        }))
    }

    /// Asks for a node to be called and invited. Whoever is asked gets the request as
    /// [`Event::Gcc`](super::Event::Gcc), calls and [invites](Self::invite), and
    /// [answers](Self::answer_add).
    ///
    /// # Errors
    /// As for [`lock`](Self::lock).
    pub fn add(
        &mut self,
        address: NetworkAddress<'_>,
        tag: i64,
        adding: Option<UserId>,
    ) -> Result<(), Error> {
        let (Some(node), Some(top)) = (self.node, self.top_node) else {
            return Err(Error::WrongState);
        };
        let request = RequestPdu::ConferenceAddRequest(ConferenceAddRequest {
            network_address: address,
            requesting_node: node,
            tag: Integer(tag),
            adding_mcu: adding,
            user_data: None,
            node_category: None,
            network_address_v2: None,
        });
        let pdu = crate::gcc::pdu::GccPdu::Request(request);
        if top != node {
            return self.send_gcc(node, top.into(), false, &pdu);
        }
        match adding.filter(|adding| *adding != node) {
            Some(adding) => self.send_gcc(node, adding.into(), false, &pdu),
            None => Err(Error::WrongState),
        }
    }

    /// Answers a request to add a node, as it came.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock).
    pub fn answer_add(
        &mut self,
        requesting_node: UserId,
        tag: i64,
        result: AddResult,
    ) -> Result<(), Error> {
        let response = ConferenceAddResponse { tag: Integer(tag), result, user_data: None };
        self.answer(requesting_node, ResponsePdu::ConferenceAddResponse(response))
    }

    /// Sends a text to all nodes, or to one.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock); [`Error::Value`] for more than 255 UTF-16 units.
    pub fn send_text(&mut self, text: &str, to: Option<UserId>) -> Result<(), Error> {
        let message = TextString::new(text).ok_or(Error::Value(Fault::OutOfRange))?;
        self.indicate(to, IndicationPdu::TextMessageIndication(TextMessageIndication { message }))
    }

    /// Says for how many seconds the conference goes on, or one node stays in it.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock).
    pub fn announce_time_remaining(
        &mut self,
        seconds: i32,
        node: Option<UserId>,
    ) -> Result<(), Error> {
        let time_remaining = Time::new(seconds).ok_or(Error::Value(Fault::OutOfRange))?;
        let indication = ConferenceTimeRemainingIndication { time_remaining, node_id: node };
        self.indicate(None, IndicationPdu::ConferenceTimeRemainingIndication(indication))
    }

    /// Asks how long the conference goes on, or how long this node may stay.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock).
    pub fn inquire_time(&mut self, node_specific: bool) -> Result<(), Error> {
        let indication = ConferenceTimeInquireIndication { node_specific_time_flag: node_specific };
        self.indicate(None, IndicationPdu::ConferenceTimeInquireIndication(indication))
    }

    /// Asks for more time, in seconds.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock).
    pub fn extend_time(&mut self, seconds: i32, node_specific: bool) -> Result<(), Error> {
        let indication = ConferenceTimeExtendIndication {
            time_to_extend: Time::new(seconds).ok_or(Error::Value(Fault::OutOfRange))?,
            node_specific_time_flag: node_specific,
        };
        self.indicate(None, IndicationPdu::ConferenceTimeExtendIndication(indication))
    }

    /// Calls the operator.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock).
    pub fn ask_for_assistance(&mut self) -> Result<(), Error> {
        let indication = ConferenceAssistanceIndication { user_data: None };
        self.indicate(None, IndicationPdu::ConferenceAssistanceIndication(indication))
    }

    /// The top is asked to end the conference.
    pub(super) fn request_termination(&mut self) -> Result<(), Error> {
        let request = ConferenceTerminateRequest { reason: TerminateRequestReason::UserInitiated };
        self.request(RequestPdu::ConferenceTerminateRequest(request))
    }

    /// Everybody is told that the conference ends.
    pub(super) fn announce_termination(&mut self) -> Result<(), Error> {
        let indication = ConferenceTerminateIndication { reason: TerminateReason::UserInitiated };
        self.indicate(None, IndicationPdu::ConferenceTerminateIndication(indication))
    }

    /// Whether a node may do something: the top and the convener may anything.
    fn may(&self, privilege: Privilege, node: UserId) -> bool {
        if Some(node) == self.node || self.is_convener(node) {
            return true;
        }
        let profile = &self.profile;
        match self.conductor {
            None => profile.non_conducted_privileges.has(privilege),
            Some(conductor) if conductor == node => profile.conductor_privileges.has(privilege),
            Some(_) => profile.conducted_privileges.has(privilege),
        }
    }

    fn is_convener(&self, node: UserId) -> bool {
        match (self.convener_node, self.convener) {
            (Some(convener), _) => convener == node,
            (None, Some(connection)) => self.provider.way_to(node) == Some(Way::Below(connection)),
            (None, None) => false,
        }
    }

    /// A node has told its number to the one above it.
    fn learn_node(&mut self, node: UserId, tag: i64) {
        if let Some(convener) = self.convener
            && i64::from(convener.0) == tag
            && self.provider.way_to(node) == Some(Way::Below(convener))
        {
            self.convener_node.get_or_insert(node);
        }
    }

    /// The top is asked for something.
    pub(super) fn handle_request(
        &mut self,
        from: UserId,
        request: &RequestPdu<'_>,
    ) -> Result<(), Error> {
        match request {
            RequestPdu::ConferenceLockRequest(_) => {
                let result = match self.may(Privilege::LockUnlock, from) {
                    false => LockResult::InvalidRequester,
                    true if self.profile.locked => LockResult::AlreadyLocked,
                    true => LockResult::Success,
                };
                let response = ConferenceLockResponse { result };
                self.answer(from, ResponsePdu::ConferenceLockResponse(response))?;
                if result == LockResult::Success {
                    self.profile.locked = true;
                    let indication = ConferenceLockIndication {};
                    self.indicate(None, IndicationPdu::ConferenceLockIndication(indication))?;
                }
                Ok(())
            }
            RequestPdu::ConferenceUnlockRequest(_) => {
                let result = match self.may(Privilege::LockUnlock, from) {
                    false => UnlockResult::InvalidRequester,
                    true if !self.profile.locked => UnlockResult::AlreadyUnlocked,
                    true => UnlockResult::Success,
                };
                let response = ConferenceUnlockResponse { result };
                self.answer(from, ResponsePdu::ConferenceUnlockResponse(response))?;
                if result == UnlockResult::Success {
                    self.profile.locked = false;
                    let indication = ConferenceUnlockIndication {};
                    self.indicate(None, IndicationPdu::ConferenceUnlockIndication(indication))?;
                }
                Ok(())
            }
            RequestPdu::ConferenceTerminateRequest(_) => {
                let allowed = self.may(Privilege::Terminate, from);
                let result = match allowed {
                    true => TerminateResult::Success,
                    false => TerminateResult::InvalidRequester,
                };
                let response = ConferenceTerminateResponse { result };
                self.answer(from, ResponsePdu::ConferenceTerminateResponse(response))?;
                if allowed {
                    self.leave()?;
                    self.pending.ended.get_or_insert(EndReason::Ended);
                }
                Ok(())
            }
            RequestPdu::ConferenceEjectUserRequest(request) => {
                let node = request.node_to_eject;
                let result = match self.may(Privilege::EjectUser, from) {
                    false => EjectResult::InvalidRequester,
                    true if !self.is_node(node) || Some(node) == self.node => {
                        EjectResult::InvalidNode
                    }
                    true => EjectResult::Success,
                };
                let response = ConferenceEjectUserResponse { node_to_eject: node, result };
                self.answer(from, ResponsePdu::ConferenceEjectUserResponse(response))?;
                if result != EjectResult::Success {
                    return Ok(());
                }
                let reason = EjectReason::UserInitiated;
                let indication = ConferenceEjectUserIndication { node_to_eject: node, reason };
                self.indicate(None, IndicationPdu::ConferenceEjectUserIndication(indication))?;
                self.cut_off(node)
            }
            RequestPdu::ConferenceTransferRequest(request) => {
                let allowed = self.may(Privilege::Transfer, from);
                let response = ConferenceTransferResponse {
                    conference_name: request.conference_name,
                    conference_name_modifier: request.conference_name_modifier,
                    transferring_nodes: request.transferring_nodes,
                    result: match allowed {
                        true => TransferResult::Success,
                        false => TransferResult::InvalidRequester,
                    },
                };
                self.answer(from, ResponsePdu::ConferenceTransferResponse(response))?;
                if !allowed {
                    return Ok(());
                }
                let indication = ConferenceTransferIndication {
                    conference_name: request.conference_name,
                    conference_name_modifier: request.conference_name_modifier,
                    network_address: request.network_address,
                    transferring_nodes: request.transferring_nodes,
                    password: request.password,
                    network_address_v2: request.network_address_v2,
                };
                self.indicate(None, IndicationPdu::ConferenceTransferIndication(indication))
            }
            request if super::registry::is_of_registry(request) => {
                self.handle_registry(from, request)
            }
            request => {
                let response = FunctionNotSupportedResponse { request: *request };
                self.answer(from, ResponsePdu::FunctionNotSupportedResponse(response))
            }
        }
    }

    /// A node is to be called: by this one, whose host is told, or by another one.
    pub(super) fn handle_add(
        &mut self,
        from: UserId,
        request: &ConferenceAddRequest<'_>,
    ) -> Result<bool, Error> {
        let by_top = Some(from) == self.top_node;
        if !self.provider.is_top() {
            // Only the top hands such requests on.
            return Ok(by_top);
        }
        if !self.may(Privilege::Add, from) {
            let (tag, result, user_data) = (request.tag, AddResult::InvalidRequester, None);
            let response = ConferenceAddResponse { tag, result, user_data };
            self.answer(from, ResponsePdu::ConferenceAddResponse(response))?;
            return Ok(false);
        }
        match (request.adding_mcu, self.node) {
            (Some(adding), Some(node)) if adding != node && self.is_node(adding) => {
                let request = ConferenceAddRequest { requesting_node: from, ..*request };
                let pdu =
                    crate::gcc::pdu::GccPdu::Request(RequestPdu::ConferenceAddRequest(request));
                self.send_gcc(node, adding.into(), false, &pdu)?;
                Ok(false)
            }
            _ => Ok(true),
        }
    }

    /// Something was answered. Whether the host is told.
    pub(super) fn handle_response(&self, from_top: bool, response: &ResponsePdu<'_>) -> bool {
        match response {
            ResponsePdu::ConferenceJoinResponse(_) => false,
            // The node that has added answers itself.
            ResponsePdu::ConferenceAddResponse(_) | ResponsePdu::NonStandardResponse(_) => true,
            _ => from_top,
        }
    }

    /// Something is said. Whether the host is told.
    pub(super) fn handle_indication(
        &mut self,
        from: UserId,
        from_top: bool,
        broadcast: bool,
        indication: &IndicationPdu<'_>,
    ) -> Result<bool, Error> {
        match indication {
            IndicationPdu::ConferenceTerminateIndication(_) if from_top => {
                self.provider.end(Reason::UserRequested)?;
                self.forget_conference();
                self.pending.ended.get_or_insert(EndReason::Ended);
                Ok(false)
            }
            IndicationPdu::UserIdIndication(pdu) if !broadcast => {
                self.learn_node(from, pdu.tag.0);
                Ok(false)
            }
            IndicationPdu::ConferenceLockIndication(_) if from_top => {
                self.profile.locked = true;
                Ok(true)
            }
            IndicationPdu::ConferenceUnlockIndication(_) if from_top => {
                self.profile.locked = false;
                Ok(true)
            }
            IndicationPdu::ConferenceEjectUserIndication(pdu) if from_top => {
                if Some(pdu.node_to_eject) == self.node
                    && let Some(upward) = self.provider.upward()
                {
                    self.dropped(upward, EndReason::Ejected)?;
                    return Ok(false);
                }
                self.cut_off(pdu.node_to_eject)?;
                Ok(true)
            }
            IndicationPdu::ConferenceTransferIndication(pdu) if from_top => {
                let nodes = pdu.transferring_nodes;
                Ok(nodes.is_none_or(|nodes| nodes.iter().any(|node| Some(node) == self.node)))
            }
            IndicationPdu::RegistryMonitorEntryIndication(_) if from_top => Ok(true),
            IndicationPdu::ConductorAssignIndication(_)
            | IndicationPdu::ConductorReleaseIndication(_)
            | IndicationPdu::ConductorPermissionAskIndication(_)
            | IndicationPdu::ConductorPermissionGrantIndication(_) => {
                Ok(self.conducted(from, from_top, indication))
            }
            IndicationPdu::ApplicationInvokeIndication(pdu) => {
                let nodes = pdu.destination_nodes;
                Ok(nodes.is_none_or(|nodes| nodes.iter().any(|node| Some(node) == self.node)))
            }
            IndicationPdu::ConferenceTimeRemainingIndication(_)
            | IndicationPdu::ConferenceTimeInquireIndication(_)
            | IndicationPdu::ConferenceTimeExtendIndication(_)
            | IndicationPdu::ConferenceAssistanceIndication(_)
            | IndicationPdu::TextMessageIndication(_)
            | IndicationPdu::NonStandardIndication(_) => Ok(true),
            _ => Ok(false),
        }
    }

    /// Ends the connection to a node below that was ejected.
    fn cut_off(&mut self, node: UserId) -> Result<(), Error> {
        let slot = self.roster.as_slice().iter().find(|slot| slot.id == Some(node));
        let below_us =
            slot.is_some_and(|slot| slot.superior.is_some() && slot.superior == self.node);
        match self.provider.way_to(node) {
            Some(Way::Below(connection)) if below_us => {
                self.dropped(connection, EndReason::Ejected)
            }
            _ => Ok(()),
        }
    }

    /// What a node that has left had: its entities, its entries, the conference's lead.
    pub(super) fn forget_node(&mut self, node: UserId) {
        self.forget_entities_of(node);
        self.disown_entries_of(node);
        if self.conductor == Some(node) {
            self.conductor = None;
            self.pending.conductor = true;
            let indication = crate::gcc::conference::ConductorReleaseIndication {};
            let _ = self.indicate(None, IndicationPdu::ConductorReleaseIndication(indication));
        }
    }
}
