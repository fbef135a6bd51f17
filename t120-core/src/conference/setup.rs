//! Into a conference: calls, answers, users and channels (T.124 section 7).

use super::profile::{is_password, selector};
use super::user::{BOARD, NODE};
use super::{
    Conference, Connection, Credentials, EndReason, Name, Phase, Privileges, Profile, Purpose,
    Report, encode, gcc,
};
use crate::error::{Error, Fault, Full};
use crate::gcc::connect::{
    ConferenceCreateRequest, ConferenceCreateResponse, ConferenceInviteResponse,
    ConferenceJoinRequest, ConferenceJoinResponse, ConferenceQueryRequest, ConferenceQueryResponse,
    ConnectData, ConnectGccPdu, CreateResult, InviteResult, JoinResult, QueryResult,
};
use crate::gcc::types::{
    ChallengeExchange, ChallengeItem, ChallengeRequest, ChallengeResponse,
    ChallengeResponseAlgorithm, ChallengeResponseItem, ConferenceDescriptor, ConferenceName,
    ConferenceNameSelector, Key, NodeType, Password, PasswordChallengeRequestResponse, Privilege,
    TerminationMethod,
};
use crate::mcs::connect::{ConnectInitial, ConnectResponse, DomainParameters};
use crate::mcs::{ChannelId, McsResult, UserId};
use crate::per::{BmpString, Integer, List, NumericString, ObjectIdentifier, Octets, Value};

/// `{itu-t recommendation t 124 version(0) 1}`, the key of ConnectData.
const T124: ObjectIdentifier<'static> = ObjectIdentifier::known(&[0x00, 0x14, 0x7c, 0x00, 0x01]);

/// Which connect PDU a call begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Create,
    Join,
}

pub(super) fn conference_name(name: &str) -> Result<Name, Error> {
    if NumericString::<'_, 1, 255>::new(name).is_none() {
        return Err(Error::Value(Fault::BadCharacter));
    }
    Name::new(name).ok_or(Error::Value(Fault::OutOfRange))
}

pub(super) fn numeric(name: &Name) -> Result<NumericString<'_, 1, 255>, Error> {
    NumericString::new(name.as_str()).ok_or(Error::WrongState)
}

pub(super) fn text(name: &Name) -> Option<BmpString<'_, 0, 255>> {
    BmpString::new(name.as_str())
}

/// A password as a conference is created with: it has digits always.
fn password(password: &Name) -> Option<Password<'_>> {
    let text = password.as_str();
    if text.is_empty() {
        return None;
    }
    let digits = NumericString::new(text).or_else(|| NumericString::new("0"))?;
    let is_numeric = text.bytes().all(|c| c.is_ascii_digit());
    let unicode_text = if is_numeric { None } else { BmpString::new(text) };
    Some(Password { numeric: digits, text: None, unicode_text })
}

fn name_of_password(password: Option<&Password<'_>>) -> Name {
    match password {
        None => Name::EMPTY,
        Some(Password { unicode_text: Some(text), .. }) => Name::of(text.chars()),
        Some(Password { text: Some(text), .. }) => Name::of(text.chars()),
        Some(Password { numeric, .. }) => Name::of(numeric.characters().map(char::from)),
    }
}

/// The challenge that asks for the password in the clear: the only algorithm that is standard.
const fn challenge<'a>() -> ChallengeItem<'a> {
    ChallengeItem {
        response_algorithm: ChallengeResponseAlgorithm::PasswordInTheClear,
        challenge_data: List::new(&[]),
    }
}

/// What a join request is answered with.
fn join_response<'p>(
    profile: &Profile,
    top: UserId,
    tag: i64,
    (result, challenge): (JoinResult, i64),
    privileges: &'p [Option<&'p [Privilege]>; 3],
    items: &'p [ChallengeItem<'p>],
) -> ConferenceJoinResponse<'p> {
    let [conductor, conducted, non_conducted] = *privileges;
    let challenged = result == JoinResult::ChallengeResponseRequired;
    ConferenceJoinResponse {
        node_id: None,
        top_node_id: top,
        tag: Integer(tag),
        conference_name_alias: None,
        password_in_the_clear_required: !profile.password.as_str().is_empty()
            && !profile.challenges,
        locked_conference: profile.locked,
        listed_conference: profile.listed,
        conductible_conference: profile.conductible,
        termination_method: TerminationMethod::Automatic,
        conductor_privileges: conductor.map(List::new),
        conducted_privileges: conducted.map(List::new),
        non_conducted_privileges: non_conducted.map(List::new),
        conference_description: None,
        password: challenged.then_some(PasswordChallengeRequestResponse::ChallengeRequestResponse(
            ChallengeExchange {
                challenge_request: Some(ChallengeRequest {
                    challenge_tag: Integer(challenge),
                    challenge_set: List::new(items),
                }),
                challenge_response: None,
            },
        )),
        result,
        user_data: None,
        node_category: None,
        conference_mode: None,
    }
}

/// A buffer for the three lists of privileges.
type Lists = [[Privilege; 5]; 3];
pub(super) const LISTS: Lists = [[Privilege::Terminate; 5]; 3];

pub(super) fn privileges<'l>(
    profile: &Profile,
    lists: &'l mut Lists,
) -> [Option<&'l [Privilege]>; 3] {
    let [conductor, conducted, non_conducted] = lists;
    [
        profile.conductor_privileges.list(conductor),
        profile.conducted_privileges.list(conducted),
        profile.non_conducted_privileges.list(non_conducted),
    ]
}

impl<'s> Conference<'s> {
    /// This node is the top: all that takes others a way to the top and back happens at once.
    pub(super) fn become_top(&mut self) -> Result<(), Error> {
        self.provider.become_top()?;
        self.challenge = (self.provider.random() >> 33) as i64;
        self.phase = Phase::Attaching;
        if let Some(user) = self.provider.attach(NODE)? {
            self.attached(NODE, Ok(user))?;
        }
        Ok(())
    }

    /// The transport connection of our call is open.
    pub(super) fn opened(&mut self, connection: Connection) -> Result<(), Error> {
        if self.provider.is_lane(connection) {
            return self.provider.lane_opened(connection);
        }
        let purpose = self.provider.transport.link(connection).map(|link| link.purpose);
        let (profile, credentials, caller) = (self.profile, self.credentials, self.config.name);
        let mut lists = LISTS;
        let [conductor, conducted, non_conducted] = privileges(&profile, &mut lists);
        let pdu = match purpose {
            Some(Purpose::Query) => ConnectGccPdu::ConferenceQueryRequest(ConferenceQueryRequest {
                node_type: NodeType::MultiportTerminal,
                asymmetry_indicator: None,
                user_data: None,
            }),
            Some(Purpose::Invite) => return self.send_invitation(connection),
            Some(Purpose::Enter) if self.phase != Phase::Calling(connection) => return Ok(()),
            Some(Purpose::Enter) if self.call == Call::Create => {
                ConnectGccPdu::ConferenceCreateRequest(ConferenceCreateRequest {
                    conference_name: ConferenceName {
                        numeric: numeric(&profile.name)?,
                        text: None,
                        unicode_text: None,
                    },
                    convener_password: password(&profile.convener_password),
                    password: password(&profile.password),
                    locked_conference: profile.locked,
                    listed_conference: profile.listed,
                    conductible_conference: profile.conductible,
                    termination_method: TerminationMethod::Automatic,
                    conductor_privileges: conductor.map(List::new),
                    conducted_privileges: conducted.map(List::new),
                    non_conducted_privileges: non_conducted.map(List::new),
                    conference_description: None,
                    caller_identifier: text(&caller),
                    user_data: None,
                    conference_priority: None,
                    conference_mode: None,
                })
            }
            Some(Purpose::Enter | Purpose::Merge) => {
                ConnectGccPdu::ConferenceJoinRequest(join_request(&credentials, &caller)?)
            }
            Some(Purpose::Accepted | Purpose::Invited) | None => return Ok(()),
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
        let (own, mut lists) = (self.profile, LISTS);
        let granted = privileges(&own, &mut lists);
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
                let mut result = (JoinResult::InvalidConference, self.challenge);
                if self.is_asked_for(&request) {
                    if let (false, Some(node)) = (self.provider.is_top(), self.node) {
                        // The top decides; its answer comes as a GCC response with this tag.
                        return self.ask_top_to_join(node, connection, initial, request);
                    }
                    result.0 = self.decide_join(&request, Some(connection));
                }
                let top = self.top_node.unwrap_or(UserId::MIN);
                let tag = i64::from(connection.0);
                let items = [challenge()];
                let mut answer = join_response(&own, top, tag, result, &granted, &items);
                let result = result.0;
                answer.node_id = self.node.filter(|_| result == JoinResult::Success);
                let answer = ConnectGccPdu::ConferenceJoinResponse(answer);
                let user_data = connect_data(&answer, &mut buffer)?;
                let success = result == JoinResult::Success;
                let wanted = if success { McsResult::Successful } else { McsResult::UserRejected };
                let stands = self.provider.respond(connection, initial, wanted, user_data)?;
                self.conclude(connection, stands);
                return Ok(());
            }
            ConnectGccPdu::ConferenceQueryRequest(_) => {
                let descriptor =
                    NumericString::new(own.name.as_str()).map(|numeric| ConferenceDescriptor {
                        conference_name: ConferenceName { numeric, text: None, unicode_text: None },
                        conference_name_modifier: None,
                        conference_description: None,
                        locked_conference: own.locked,
                        password_in_the_clear_required: !own.password.as_str().is_empty()
                            && !own.challenges,
                        network_address: None,
                        default_conference_flag: None,
                        conference_mode: None,
                    });
                let entered = self.phase == Phase::Entered && own.listed;
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
            ConnectGccPdu::ConferenceInviteRequest(request) => {
                if self.is_invited(connection, initial, &request) {
                    return Ok(());
                }
                let result = InviteResult::UserRejected;
                let answer = ConferenceInviteResponse { result, user_data: None };
                (false, ConnectGccPdu::ConferenceInviteResponse(answer))
            }
            _ => return Err(Error::UnexpectedPdu),
        };
        let user_data = connect_data(&answer, &mut buffer)?;
        let wanted = if result { McsResult::Successful } else { McsResult::UserRejected };
        let stands = self.provider.respond(connection, initial, wanted, user_data)?;
        self.conclude(connection, stands);
        Ok(())
    }

    pub(super) fn conclude(&mut self, connection: Connection, stands: bool) {
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
        let digits = request.conference_name.numeric.characters().map(char::from);
        self.profile = Profile {
            name: Name::of(digits),
            password: name_of_password(request.password.as_ref()),
            convener_password: name_of_password(request.convener_password.as_ref()),
            challenges: false,
            locked: request.locked_conference,
            listed: request.listed_conference,
            conductible: request.conductible_conference,
            conductor_privileges: request
                .conductor_privileges
                .map_or(Privileges::ALL, |list| Privileges::of(Some(list))),
            conducted_privileges: Privileges::of(request.conducted_privileges),
            non_conducted_privileges: Privileges::of(request.non_conducted_privileges),
        };
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

    /// Whether a join request is for this node's conference.
    fn is_asked_for(&self, request: &ConferenceJoinRequest<'_>) -> bool {
        let same = match &request.conference_name {
            Some(ConferenceNameSelector::Numeric(name)) => {
                name.characters().eq(self.profile.name.as_str().bytes())
            }
            // Sent on by a node that has compared it already.
            None => request.tag.is_some(),
            Some(_) => false,
        };
        self.phase == Phase::Entered && same
    }

    /// The top decides who may join (T.124 section 7.2.4).
    fn decide_join(
        &mut self,
        request: &ConferenceJoinRequest<'_>,
        direct: Option<Connection>,
    ) -> JoinResult {
        // One that is about to become a part of another conference takes nobody: two that join
        // each other would be a circle.
        if self.merging_call.is_some() || self.provider.is_merging() {
            return JoinResult::UserRejected;
        }
        if let Some(given) = &request.convener_password {
            let expected = self.profile.convener_password;
            let right = !expected.as_str().is_empty() && is_password(Some(given), &expected);
            if !right || direct.is_none() {
                return JoinResult::InvalidConvenerPassword;
            }
            (self.convener, self.convener_node) = (direct, None);
            return JoinResult::Success;
        }
        if self.profile.locked {
            return JoinResult::UserRejected;
        }
        let expected = self.profile.password;
        if expected.as_str().is_empty() {
            return JoinResult::Success;
        }
        match &request.password {
            Some(PasswordChallengeRequestResponse::PasswordInTheClear(given))
                if !self.profile.challenges =>
            {
                match is_password(Some(given), &expected) {
                    true => JoinResult::Success,
                    false => JoinResult::InvalidPassword,
                }
            }
            Some(PasswordChallengeRequestResponse::ChallengeRequestResponse(
                ChallengeExchange { challenge_response: Some(response), .. },
            )) => {
                let given = match &response.response_item {
                    ChallengeResponseItem::PasswordString(given) => Some(given),
                    ChallengeResponseItem::ResponseData(_) => None,
                };
                let asked = response.challenge_tag == Integer(self.challenge);
                match asked && is_password(given, &expected) {
                    true => JoinResult::Success,
                    false => JoinResult::InvalidChallengeResponse,
                }
            }
            _ if self.profile.challenges => JoinResult::ChallengeResponseRequired,
            _ => JoinResult::InvalidPassword,
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
            self.conclude(connection, stands);
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
        let result = match self.is_asked_for(request) {
            true => self.decide_join(request, None),
            false => JoinResult::InvalidConference,
        };
        let (profile, mut lists) = (self.profile, LISTS);
        let granted = privileges(&profile, &mut lists);
        let items = [challenge()];
        let result = (result, self.challenge);
        let response = join_response(&profile, node, tag, result, &granted, &items);
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
        if response.locked_conference {
            self.profile.locked = true;
        }
        let mut buffer = [0; CONNECT_DATA];
        let pdu = ConnectGccPdu::ConferenceJoinResponse(answer);
        let user_data = connect_data(&pdu, &mut buffer)?;
        let success = response.result == JoinResult::Success;
        let result = if success { McsResult::Successful } else { McsResult::UserRejected };
        let parameters = self.provider.parameters();
        // Its own parameters were found to hold ours when the call came.
        let initial = asking_for(parameters);
        let stands = self.provider.respond(connection, &initial, result, user_data)?;
        self.conclude(connection, stands);
        Ok(())
    }

    /// Our call is answered.
    pub(super) fn answered(
        &mut self,
        connection: Connection,
        response: &ConnectResponse<'_>,
    ) -> Result<(), Error> {
        let gcc = ConnectData::parse(response.user_data).ok();
        let octets = gcc.and_then(|data| data.connect_pdu.as_slice());
        let pdu = octets.and_then(|octets| ConnectGccPdu::parse(octets).ok());
        let success = response.result == McsResult::Successful;
        let reason = match (success, pdu) {
            (_, Some(ConnectGccPdu::ConferenceQueryResponse(_))) => {
                self.keep_query(connection.0, octets.unwrap_or_default());
                EndReason::Ended
            }
            (true, Some(ConnectGccPdu::ConferenceJoinResponse(answer)))
                if answer.result == JoinResult::Success =>
            {
                self.top_node = Some(answer.top_node_id);
                self.superior = Some(answer.node_id.unwrap_or(answer.top_node_id));
                self.tag = answer.tag.0;
                self.profile = Profile {
                    password: Name::EMPTY,
                    convener_password: Name::EMPTY,
                    challenges: false,
                    name: self.credentials.name,
                    locked: answer.locked_conference,
                    listed: answer.listed_conference,
                    conductible: answer.conductible_conference,
                    conductor_privileges: Privileges::of(answer.conductor_privileges),
                    conducted_privileges: Privileges::of(answer.conducted_privileges),
                    non_conducted_privileges: Privileges::of(answer.non_conducted_privileges),
                };
                return self.made(connection);
            }
            (true, Some(ConnectGccPdu::ConferenceCreateResponse(answer)))
                if answer.result == CreateResult::Success =>
            {
                self.top_node = Some(answer.node_id);
                self.superior = Some(answer.node_id);
                self.tag = answer.tag.0;
                return self.made(connection);
            }
            (true, Some(ConnectGccPdu::ConferenceInviteResponse(answer)))
                if answer.result == InviteResult::Success =>
            {
                return self.made(connection);
            }
            (_, Some(ConnectGccPdu::ConferenceJoinResponse(answer))) => match answer.result {
                JoinResult::InvalidConference => EndReason::NoSuchConference,
                JoinResult::UserRejected if answer.locked_conference => EndReason::Locked,
                JoinResult::InvalidPassword
                | JoinResult::InvalidConvenerPassword
                | JoinResult::InvalidChallengeResponse => EndReason::InvalidPassword,
                JoinResult::ChallengeResponseRequired => challenge_of(&answer),
                _ => EndReason::Refused,
            },
            _ => EndReason::Refused,
        };
        self.dropped(connection, reason)
    }

    /// The MCS connection of our call is made, and stands when it has all its streams.
    fn made(&mut self, connection: Connection) -> Result<(), Error> {
        match self.provider.missing(connection) {
            0 => self.stands(connection),
            count => {
                self.pending.streams = Some((connection, count));
                Ok(())
            }
        }
    }

    /// An MCS connection has all its streams.
    pub(super) fn stands(&mut self, connection: Connection) -> Result<(), Error> {
        match self.provider.transport.link(connection).map(|link| link.purpose) {
            Some(Purpose::Enter | Purpose::Invited) => self.enter(connection),
            Some(Purpose::Merge) => {
                self.up(connection);
                self.merge_domain(connection)
            }
            Some(Purpose::Invite) => {
                self.up(connection);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The connection to our superior stands.
    fn enter(&mut self, connection: Connection) -> Result<(), Error> {
        self.up(connection);
        self.phase = Phase::Attaching;
        self.provider.go_below(connection)?;
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

/// What the top wants to be answered.
fn challenge_of(answer: &ConferenceJoinResponse<'_>) -> EndReason {
    let request = match &answer.password {
        Some(PasswordChallengeRequestResponse::ChallengeRequestResponse(exchange)) => {
            exchange.challenge_request
        }
        _ => None,
    };
    let in_the_clear = |item: ChallengeItem<'_>| {
        item.response_algorithm == ChallengeResponseAlgorithm::PasswordInTheClear
    };
    match request {
        Some(request) if request.challenge_set.iter().any(in_the_clear) => {
            EndReason::ChallengeResponseRequired { tag: request.challenge_tag.0 }
        }
        _ => EndReason::Refused,
    }
}

fn join_request<'c>(
    credentials: &'c Credentials,
    caller: &'c Name,
) -> Result<ConferenceJoinRequest<'c>, Error> {
    let given = selector(&credentials.password);
    let password = match (given, credentials.challenge) {
        (None, _) => None,
        (Some(given), None) => Some(PasswordChallengeRequestResponse::PasswordInTheClear(given)),
        (Some(given), Some(tag)) => {
            Some(PasswordChallengeRequestResponse::ChallengeRequestResponse(ChallengeExchange {
                challenge_request: None,
                challenge_response: Some(ChallengeResponse {
                    challenge_tag: Integer(tag),
                    response_algorithm: ChallengeResponseAlgorithm::PasswordInTheClear,
                    response_item: ChallengeResponseItem::PasswordString(given),
                }),
            }))
        }
    };
    Ok(ConferenceJoinRequest {
        conference_name: Some(ConferenceNameSelector::Numeric(numeric(&credentials.name)?)),
        conference_name_modifier: None,
        tag: None,
        password,
        convener_password: selector(&credentials.convener_password),
        caller_identifier: text(caller),
        user_data: None,
        node_category: None,
    })
}

/// The most that GCC puts into a connect PDU here.
pub(super) const CONNECT_DATA: usize = 1024;

pub(super) fn connect_data<'b>(
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

pub(super) const fn asking_for(parameters: DomainParameters) -> ConnectInitial<'static> {
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
