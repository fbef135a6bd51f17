//! Into a conference: calls, answers, users and channels (T.124 section 7).

use super::{Conference, Connection, EndReason, Name, Phase, Report, encode, gcc};
use crate::error::{Error, Fault, Full};
use crate::gcc::connect::{
    ConferenceCreateRequest, ConferenceCreateResponse, ConferenceInviteResponse,
    ConferenceJoinRequest, ConferenceJoinResponse, ConferenceQueryResponse, ConnectData,
    ConnectGccPdu, CreateResult, InviteResult, JoinResult, QueryResult,
};
use crate::gcc::types::{
    ConferenceDescriptor, ConferenceName, ConferenceNameSelector, Key, NodeType, TerminationMethod,
};
use crate::mcs::connect::{ConnectInitial, ConnectResponse, DomainParameters};
use crate::mcs::{ChannelId, McsResult, UserId};
use crate::per::{BmpString, Integer, List, NumericString, ObjectIdentifier, Octets, Value};

/// `{itu-t recommendation t 124 version(0) 1}`, the key of ConnectData.
const T124: ObjectIdentifier<'static> = ObjectIdentifier::known(&[0x00, 0x14, 0x7c, 0x00, 0x01]);

/// The tags of our own attach requests.
const NODE: u16 = 1;
const BOARD: u16 = 2;

pub(super) fn conference_name(name: &str) -> Result<Name, Error> {
    if NumericString::<'_, 1, 255>::new(name).is_none() {
        return Err(Error::Value(Fault::BadCharacter));
    }
    Name::new(name).ok_or(Error::Value(Fault::OutOfRange))
}

fn numeric(name: &Name) -> Result<NumericString<'_, 1, 255>, Error> {
    NumericString::new(name.as_str()).ok_or(Error::WrongState)
}

pub(super) fn text(name: &Name) -> Option<BmpString<'_, 0, 255>> {
    BmpString::new(name.as_str())
}

/// What a join request is answered with where nothing else is to be said.
fn join_response(top: UserId, tag: i64, result: JoinResult) -> ConferenceJoinResponse<'static> {
    ConferenceJoinResponse {
        node_id: None,
        top_node_id: top,
        tag: Integer(tag),
        conference_name_alias: None,
        password_in_the_clear_required: false,
        locked_conference: false,
        listed_conference: true,
        conductible_conference: false,
        termination_method: TerminationMethod::Automatic,
        conductor_privileges: None,
        conducted_privileges: None,
        non_conducted_privileges: None,
        conference_description: None,
        password: None,
        result,
        user_data: None,
        node_category: None,
        conference_mode: None,
    }
}

impl<'s> Conference<'s> {
    /// This node is the top: all that takes others a way to the top and back happens at once.
    pub(super) fn become_top(&mut self) -> Result<(), Error> {
        self.provider.become_top()?;
        self.phase = Phase::Attaching;
        if let Some(user) = self.provider.attach(NODE)? {
            self.attached(NODE, Ok(user))?;
        }
        Ok(())
    }

    /// The transport connection of our call is open.
    pub(super) fn opened(&mut self, connection: Connection) -> Result<(), Error> {
        if self.phase != Phase::Calling(connection) {
            return Ok(());
        }
        let (conference, caller) = (self.conference, self.config.name);
        let numeric = numeric(&conference)?;
        let pdu = if self.creates {
            ConnectGccPdu::ConferenceCreateRequest(ConferenceCreateRequest {
                conference_name: ConferenceName { numeric, text: None, unicode_text: None },
                convener_password: None,
                password: None,
                locked_conference: false,
                listed_conference: true,
                conductible_conference: false,
                termination_method: TerminationMethod::Automatic,
                conductor_privileges: None,
                conducted_privileges: None,
                non_conducted_privileges: None,
                conference_description: None,
                caller_identifier: text(&caller),
                user_data: None,
                conference_priority: None,
                conference_mode: None,
            })
        } else {
            ConnectGccPdu::ConferenceJoinRequest(ConferenceJoinRequest {
                conference_name: Some(ConferenceNameSelector::Numeric(numeric)),
                conference_name_modifier: None,
                tag: None,
                password: None,
                convener_password: None,
                caller_identifier: text(&caller),
                user_data: None,
                node_category: None,
            })
        };
        let mut buffer = [0; CONNECT_DATA];
        let user_data = connect_data(&pdu, &mut buffer)?;
        self.provider.connect(connection, true, user_data)
    }

    /// Somebody calls.
    pub(super) fn called(
        &mut self,
        connection: Connection,
        initial: &ConnectInitial<'_>,
    ) -> Result<(), Error> {
        let mut buffer = [0; CONNECT_DATA];
        let data = ConnectData::parse(initial.user_data)?;
        if data.t124_identifier != Key::Object(T124) {
            return Err(Error::Parse(crate::ParseError { what: Fault::UnexpectedKey, at: 0 }));
        }
        let mut copied = [0; CONNECT_DATA];
        let connect_pdu = match data.connect_pdu.as_slice() {
            Some(octets) => octets,
            None => data
                .connect_pdu
                .copy_to(&mut copied)
                .ok_or(Error::TooLong { length: data.connect_pdu.len(), limit: CONNECT_DATA })?,
        };
        let own_name = self.conference;
        let (result, answer) = match ConnectGccPdu::parse(connect_pdu)? {
            ConnectGccPdu::ConferenceCreateRequest(request) => {
                let result = self.create_for(connection, &request);
                let answer = ConnectGccPdu::ConferenceCreateResponse(ConferenceCreateResponse {
                    node_id: self.node.unwrap_or(UserId::MIN),
                    tag: Integer(i64::from(connection.0)),
                    result,
                    user_data: None,
                });
                (result == CreateResult::Success, answer)
            }
            ConnectGccPdu::ConferenceJoinRequest(request) => {
                let result = self.may_join(&request);
                if let (JoinResult::Success, false, Some(node)) =
                    (result, self.provider.is_top(), self.node)
                {
                    // The top decides; its answer comes as a GCC response with this tag.
                    return self.ask_top_to_join(node, connection, initial, request);
                }
                let top = self.top_node.unwrap_or(UserId::MIN);
                let mut answer = join_response(top, i64::from(connection.0), result);
                answer.node_id = self.node.filter(|_| result == JoinResult::Success);
                let answer = ConnectGccPdu::ConferenceJoinResponse(answer);
                (result == JoinResult::Success, answer)
            }
            ConnectGccPdu::ConferenceQueryRequest(_) => {
                let descriptor =
                    NumericString::new(own_name.as_str()).map(|numeric| ConferenceDescriptor {
                        conference_name: ConferenceName { numeric, text: None, unicode_text: None },
                        conference_name_modifier: None,
                        conference_description: None,
                        locked_conference: false,
                        password_in_the_clear_required: false,
                        network_address: None,
                        default_conference_flag: None,
                        conference_mode: None,
                    });
                let entered = self.phase == Phase::Entered;
                let list = descriptor.as_ref().filter(|_| entered).map(core::slice::from_ref);
                let answer = ConnectGccPdu::ConferenceQueryResponse(ConferenceQueryResponse {
                    node_type: NodeType::MultiportTerminal,
                    asymmetry_indicator: None,
                    conference_list: List::new(list.unwrap_or_default()),
                    result: QueryResult::Success,
                    user_data: None,
                    wait_for_invitation_flag: None,
                    no_unlisted_conference_flag: None,
                });
                // A query needs no connection, and gets none (T.124 section 7.2.1).
                let user_data = connect_data(&answer, &mut buffer)?;
                self.unwatch(connection);
                let refused = McsResult::UserRejected;
                self.provider.respond(connection, initial, refused, user_data)?;
                self.report(connection, Report::Down(EndReason::Ended));
                return Ok(());
            }
            ConnectGccPdu::ConferenceInviteRequest(_) => {
                let result = InviteResult::UserRejected;
                let answer = ConferenceInviteResponse { result, user_data: None };
                (false, ConnectGccPdu::ConferenceInviteResponse(answer))
            }
            _ => return Err(Error::UnexpectedPdu),
        };
        let user_data = connect_data(&answer, &mut buffer)?;
        let wanted = if result { McsResult::Successful } else { McsResult::UserRejected };
        let stands = self.provider.respond(connection, initial, wanted, user_data)?;
        self.settle(connection, stands);
        Ok(())
    }

    fn settle(&mut self, connection: Connection, stands: bool) {
        if stands {
            self.up(connection);
        } else {
            self.unwatch(connection);
            self.report(connection, Report::Down(EndReason::Refused));
        }
    }

    fn create_for(
        &mut self,
        connection: Connection,
        request: &ConferenceCreateRequest<'_>,
    ) -> CreateResult {
        if !self.config.accept_create || self.phase != Phase::Idle {
            return CreateResult::UserRejected;
        }
        if request.locked_conference {
            return CreateResult::LockedConferenceNotSupported;
        }
        let digits = request.conference_name.numeric.characters().map(char::from);
        self.conference = Name::of(digits);
        self.convener = Some(connection);
        match self.become_top() {
            Ok(()) => CreateResult::Success,
            Err(_) => {
                let _ = self.provider.end(crate::mcs::Reason::ProviderInitiated);
                self.forget_conference();
                CreateResult::ResourcesNotAvailable
            }
        }
    }

    pub(super) fn may_join(&self, request: &ConferenceJoinRequest<'_>) -> JoinResult {
        let same = match &request.conference_name {
            Some(ConferenceNameSelector::Numeric(name)) => {
                name.characters().eq(self.conference.as_str().bytes())
            }
            // Sent on by a node that has compared it already.
            None => request.tag.is_some(),
            Some(_) => false,
        };
        if self.phase == Phase::Entered && same {
            JoinResult::Success
        } else {
            JoinResult::InvalidConference
        }
    }

    fn ask_top_to_join(
        &mut self,
        node: UserId,
        connection: Connection,
        initial: &ConnectInitial<'_>,
        request: ConferenceJoinRequest<'_>,
    ) -> Result<(), Error> {
        let parameters = self.provider.parameters();
        let fits = parameters.within(&initial.minimum_parameters, &initial.maximum_parameters)
            == Some(parameters);
        let Some(top) = self.top_node.filter(|_| fits && initial.upward_flag) else {
            let unacceptable = McsResult::ParametersUnacceptable;
            let stands = self.provider.respond(connection, initial, unacceptable, &[])?;
            self.settle(connection, stands);
            return Ok(());
        };
        let request =
            crate::gcc::pdu::GccPdu::Request(crate::gcc::pdu::RequestPdu::ConferenceJoinRequest(
                ConferenceJoinRequest { tag: Some(Integer(i64::from(connection.0))), ..request },
            ));
        self.send_gcc(node, ChannelId::from(top), false, &request)
    }

    /// The top has asked us to join a node below another, and we answer.
    pub(super) fn answer_join_below(
        &mut self,
        initiator: UserId,
        request: &ConferenceJoinRequest<'_>,
    ) -> Result<(), Error> {
        let (Some(node), Some(Integer(tag))) = (self.node, request.tag) else { return Ok(()) };
        let response = join_response(node, tag, self.may_join(request));
        let pdu = crate::gcc::pdu::GccPdu::Response(
            crate::gcc::pdu::ResponsePdu::ConferenceJoinResponse(response),
        );
        self.send_gcc(node, ChannelId::from(initiator), false, &pdu)
    }

    /// The top has decided who may join below us.
    pub(super) fn top_has_answered(
        &mut self,
        response: &ConferenceJoinResponse<'_>,
    ) -> Result<(), Error> {
        let connection = u16::try_from(response.tag.0).ok().map(Connection);
        let Some(connection) = connection.filter(|c| self.provider.is_called(*c)) else {
            return Ok(());
        };
        let answer = ConferenceJoinResponse { node_id: self.node, ..*response };
        let mut buffer = [0; CONNECT_DATA];
        let pdu = ConnectGccPdu::ConferenceJoinResponse(answer);
        let user_data = connect_data(&pdu, &mut buffer)?;
        let success = response.result == JoinResult::Success;
        let result = if success { McsResult::Successful } else { McsResult::UserRejected };
        let parameters = self.provider.parameters();
        // Its own parameters were found to hold ours when the call came.
        let initial = asking_for(parameters);
        let stands = self.provider.respond(connection, &initial, result, user_data)?;
        self.settle(connection, stands);
        Ok(())
    }

    /// Our call is answered.
    pub(super) fn answered(
        &mut self,
        connection: Connection,
        response: &ConnectResponse<'_>,
    ) -> Result<(), Error> {
        let gcc = ConnectData::parse(response.user_data).ok();
        let pdu = gcc.and_then(|data| data.connect_pdu.as_slice());
        let pdu = pdu.and_then(|octets| ConnectGccPdu::parse(octets).ok());
        let reason = match (response.result, pdu) {
            (McsResult::Successful, Some(ConnectGccPdu::ConferenceJoinResponse(answer))) => {
                if answer.result == JoinResult::Success {
                    self.top_node = Some(answer.top_node_id);
                    self.superior = Some(answer.node_id.unwrap_or(answer.top_node_id));
                    self.tag = answer.tag.0;
                    return self.enter(connection);
                }
                EndReason::Refused
            }
            (McsResult::Successful, Some(ConnectGccPdu::ConferenceCreateResponse(answer))) => {
                if answer.result == CreateResult::Success {
                    self.top_node = Some(answer.node_id);
                    self.superior = Some(answer.node_id);
                    self.tag = answer.tag.0;
                    return self.enter(connection);
                }
                EndReason::Refused
            }
            (_, Some(ConnectGccPdu::ConferenceJoinResponse(answer)))
                if answer.result == JoinResult::InvalidConference =>
            {
                EndReason::NoSuchConference
            }
            _ => EndReason::Refused,
        };
        self.dropped(connection, reason)
    }

    /// The connection to our superior stands.
    fn enter(&mut self, connection: Connection) -> Result<(), Error> {
        self.up(connection);
        self.phase = Phase::Attaching;
        self.provider.attach(NODE)?;
        Ok(())
    }

    pub(super) fn attached(
        &mut self,
        tag: u16,
        result: Result<UserId, McsResult>,
    ) -> Result<(), Error> {
        let user = match (tag, result) {
            (BOARD, Ok(user)) => return self.board_attached(user),
            // Without a whiteboard the conference is still one.
            (BOARD, Err(_)) => return Ok(()),
            (_, Ok(user)) => user,
            (_, Err(_)) => return self.give_up(),
        };
        self.node = Some(user);
        self.phase = Phase::Joining;
        if self.provider.is_top() {
            self.top_node = Some(user);
        }
        let own = ChannelId::from(user);
        let channels = [own, ChannelId::from_number(gcc::BROADCAST_CHANNEL)];
        for channel in channels {
            if let Some(result) = self.provider.join(user, channel)? {
                self.joined(user, channel, result)?;
            }
        }
        Ok(())
    }

    pub(super) fn joined(
        &mut self,
        user: UserId,
        requested: ChannelId,
        result: Result<ChannelId, McsResult>,
    ) -> Result<(), Error> {
        if Some(user) == self.board_user {
            return match (requested.value(), result) {
                (crate::whiteboard::CHANNEL, Ok(_)) => self.board_joined(user),
                _ => Ok(()),
            };
        }
        if Some(user) != self.node || requested.value() != gcc::BROADCAST_CHANNEL {
            return Ok(());
        }
        if result.is_err() {
            return self.give_up();
        }
        self.phase = Phase::Entered;
        self.pending.joined = true;
        self.announce()?;
        if let Some(board) = self.provider.attach(BOARD)? {
            self.board_attached(board)?;
        }
        Ok(())
    }

    /// The domain has no room for us.
    fn give_up(&mut self) -> Result<(), Error> {
        match self.provider.upward() {
            Some(upward) => self.dropped(upward, EndReason::Refused),
            None => Err(Error::Full(Full { capacity: usize::from(self.config.max_users) })),
        }
    }

    pub(super) fn send_gcc<'a, T: Value<'a>>(
        &mut self,
        node: UserId,
        channel: ChannelId,
        uniform: bool,
        pdu: &T,
    ) -> Result<(), Error> {
        let octets = encode(&mut self.scratch, self.config.max_queued_octets, pdu)?;
        self.provider.send_data(node, channel, gcc::PRIORITY, uniform, octets)?;
        Ok(())
    }
}

/// The most that GCC puts into a connect PDU here.
const CONNECT_DATA: usize = 1024;

fn connect_data<'b>(
    pdu: &ConnectGccPdu<'_>,
    buffer: &'b mut [u8; CONNECT_DATA],
) -> Result<&'b [u8], Error> {
    let mut inner = [0; CONNECT_DATA / 2];
    let len = pdu.write(&mut inner)?;
    let connect_pdu = Octets::new(inner.get(..len).unwrap_or_default());
    let data = ConnectData { t124_identifier: Key::Object(T124), connect_pdu };
    let len = data.write(buffer)?;
    Ok(buffer.get(..len).unwrap_or_default())
}

const fn asking_for(parameters: DomainParameters) -> ConnectInitial<'static> {
    ConnectInitial {
        calling_domain_selector: &[],
        called_domain_selector: &[],
        upward_flag: true,
        target_parameters: parameters,
        minimum_parameters: parameters,
        maximum_parameters: parameters,
        user_data: &[],
    }
}
