//! The PDUs that travel as user data of MCS connect PDUs (T.124, GCC-PROTOCOL part 3).

use super::types::{
    AsymmetryIndicator, ConferenceDescriptor, ConferenceMode, ConferenceName,
    ConferenceNameModifier, ConferenceNameSelector, ConferencePriority, Key, NodeCategory,
    NodeType, Password, PasswordChallengeRequestResponse, PasswordSelector, Privilege,
    TerminationMethod, TextString, UserData,
};
use crate::mcs::UserId;
use crate::per::{Integer, List, Octets, choice, enumerated, sequence};

sequence! {
    /// `ConferenceCreateRequest` (T.124, GCC-PROTOCOL).
    ConferenceCreateRequest<'a> extensible {
        /// `conferenceName`.
        req conference_name: ConferenceName<'a>,
        /// `convenerPassword`.
        opt convener_password: Password<'a>,
        /// `password`.
        opt password: Password<'a>,
        /// `lockedConference`.
        req locked_conference: bool,
        /// `listedConference`.
        req listed_conference: bool,
        /// `conductibleConference`.
        req conductible_conference: bool,
        /// `terminationMethod`.
        req termination_method: TerminationMethod,
        /// `conductorPrivileges`.
        opt conductor_privileges: List<'a, Privilege>,
        /// `conductedPrivileges`.
        opt conducted_privileges: List<'a, Privilege>,
        /// `nonConductedPrivileges`.
        opt non_conducted_privileges: List<'a, Privilege>,
        /// `conferenceDescription`.
        opt conference_description: TextString<'a>,
        /// `callerIdentifier`.
        opt caller_identifier: TextString<'a>,
        /// `userData`.
        opt user_data: UserData<'a>,
        /// `conferencePriority`.
        add conference_priority: ConferencePriority<'a>,
        /// `conferenceMode`.
        add conference_mode: ConferenceMode<'a>,
    }
}

sequence! {
    /// `ConferenceCreateResponse` (T.124, GCC-PROTOCOL).
    ConferenceCreateResponse<'a> extensible {
        /// `nodeID`.
        req node_id: UserId,
        /// `tag`.
        req tag: Integer,
        /// `result`.
        req result: CreateResult,
        /// `userData`.
        opt user_data: UserData<'a>,
    }
}

enumerated! {
    /// `CreateResult` (T.124, GCC-PROTOCOL).
    CreateResult extensible 5 {
        /// `success`.
        0 Success,
        /// `userRejected`.
        1 UserRejected,
        /// `resourcesNotAvailable`.
        2 ResourcesNotAvailable,
        /// `rejectedForSymmetryBreaking`.
        3 RejectedForSymmetryBreaking,
        /// `lockedConferenceNotSupported`.
        4 LockedConferenceNotSupported,
    }
}

sequence! {
    /// `ConferenceQueryRequest` (T.124, GCC-PROTOCOL).
    ConferenceQueryRequest<'a> extensible {
        /// `nodeType`.
        req node_type: NodeType,
        /// `asymmetryIndicator`.
        opt asymmetry_indicator: AsymmetryIndicator,
        /// `userData`.
        opt user_data: UserData<'a>,
    }
}

sequence! {
    /// `ConferenceQueryResponse` (T.124, GCC-PROTOCOL).
    ConferenceQueryResponse<'a> extensible {
        /// `nodeType`.
        req node_type: NodeType,
        /// `asymmetryIndicator`.
        opt asymmetry_indicator: AsymmetryIndicator,
        /// `conferenceList`.
        req conference_list: List<'a, ConferenceDescriptor<'a>>,
        /// `result`.
        req result: QueryResult,
        /// `userData`.
        opt user_data: UserData<'a>,
        /// `waitForInvitationFlag`.
        add wait_for_invitation_flag: bool,
        /// `noUnlistedConferenceFlag`.
        add no_unlisted_conference_flag: bool,
    }
}

enumerated! {
    /// `QueryResult` (T.124, GCC-PROTOCOL).
    QueryResult extensible 2 {
        /// `success`.
        0 Success,
        /// `userRejected`.
        1 UserRejected,
    }
}

sequence! {
    /// `ConferenceJoinRequest` (T.124, GCC-PROTOCOL).
    ConferenceJoinRequest<'a> extensible {
        /// `conferenceName`.
        opt conference_name: ConferenceNameSelector<'a>,
        /// `conferenceNameModifier`.
        opt conference_name_modifier: ConferenceNameModifier<'a>,
        /// `tag`.
        opt tag: Integer,
        /// `password`.
        opt password: PasswordChallengeRequestResponse<'a>,
        /// `convenerPassword`.
        opt convener_password: PasswordSelector<'a>,
        /// `callerIdentifier`.
        opt caller_identifier: TextString<'a>,
        /// `userData`.
        opt user_data: UserData<'a>,
        /// `nodeCategory`.
        add node_category: NodeCategory<'a>,
    }
}

sequence! {
    /// `ConferenceJoinResponse` (T.124, GCC-PROTOCOL).
    ConferenceJoinResponse<'a> extensible {
        /// `nodeID`.
        opt node_id: UserId,
        /// `topNodeID`.
        req top_node_id: UserId,
        /// `tag`.
        req tag: Integer,
        /// `conferenceNameAlias`.
        opt conference_name_alias: ConferenceNameSelector<'a>,
        /// `passwordInTheClearRequired`.
        req password_in_the_clear_required: bool,
        /// `lockedConference`.
        req locked_conference: bool,
        /// `listedConference`.
        req listed_conference: bool,
        /// `conductibleConference`.
        req conductible_conference: bool,
        /// `terminationMethod`.
        req termination_method: TerminationMethod,
        /// `conductorPrivileges`.
        opt conductor_privileges: List<'a, Privilege>,
        /// `conductedPrivileges`.
        opt conducted_privileges: List<'a, Privilege>,
        /// `nonConductedPrivileges`.
        opt non_conducted_privileges: List<'a, Privilege>,
        /// `conferenceDescription`.
        opt conference_description: TextString<'a>,
        /// `password`.
        opt password: PasswordChallengeRequestResponse<'a>,
        /// `result`.
        req result: JoinResult,
        /// `userData`.
        opt user_data: UserData<'a>,
        /// `nodeCategory`.
        add node_category: NodeCategory<'a>,
        /// `conferenceMode`.
        add conference_mode: ConferenceMode<'a>,
    }
}

enumerated! {
    /// `JoinResult` (T.124, GCC-PROTOCOL).
    JoinResult extensible 7 {
        /// `success`.
        0 Success,
        /// `userRejected`.
        1 UserRejected,
        /// `invalidConference`.
        2 InvalidConference,
        /// `invalidPassword`.
        3 InvalidPassword,
        /// `invalidConvenerPassword`.
        4 InvalidConvenerPassword,
        /// `challengeResponseRequired`.
        5 ChallengeResponseRequired,
        /// `invalidChallengeResponse`.
        6 InvalidChallengeResponse,
    }
}

sequence! {
    /// `ConferenceInviteRequest` (T.124, GCC-PROTOCOL).
    ConferenceInviteRequest<'a> extensible {
        /// `conferenceName`.
        req conference_name: ConferenceName<'a>,
        /// `nodeID`.
        req node_id: UserId,
        /// `topNodeID`.
        req top_node_id: UserId,
        /// `tag`.
        req tag: Integer,
        /// `passwordInTheClearRequired`.
        req password_in_the_clear_required: bool,
        /// `lockedConference`.
        req locked_conference: bool,
        /// `listedConference`.
        req listed_conference: bool,
        /// `conductibleConference`.
        req conductible_conference: bool,
        /// `terminationMethod`.
        req termination_method: TerminationMethod,
        /// `conductorPrivileges`.
        opt conductor_privileges: List<'a, Privilege>,
        /// `conductedPrivileges`.
        opt conducted_privileges: List<'a, Privilege>,
        /// `nonConductedPrivileges`.
        opt non_conducted_privileges: List<'a, Privilege>,
        /// `conferenceDescription`.
        opt conference_description: TextString<'a>,
        /// `callerIdentifier`.
        opt caller_identifier: TextString<'a>,
        /// `userData`.
        opt user_data: UserData<'a>,
        /// `conferencePriority`.
        add conference_priority: ConferencePriority<'a>,
        /// `nodeCategory`.
        add node_category: NodeCategory<'a>,
        /// `conferenceMode`.
        add conference_mode: ConferenceMode<'a>,
    }
}

sequence! {
    /// `ConferenceInviteResponse` (T.124, GCC-PROTOCOL).
    ConferenceInviteResponse<'a> extensible {
        /// `result`.
        req result: InviteResult,
        /// `userData`.
        opt user_data: UserData<'a>,
    }
}

enumerated! {
    /// `InviteResult` (T.124, GCC-PROTOCOL).
    InviteResult extensible 2 {
        /// `success`.
        0 Success,
        /// `userRejected`.
        1 UserRejected,
    }
}

sequence! {
    /// `ConnectData` (T.124, GCC-PROTOCOL).
    ConnectData<'a> closed {
        /// `t124Identifier`.
        req t124_identifier: Key<'a>,
        /// `connectPDU`.
        req connect_pdu: Octets<'a>,
    }
}

choice! {
    /// `ConnectGCCPDU` (T.124, GCC-PROTOCOL).
    ConnectGccPdu<'a> extensible 8 {
        /// `conferenceCreateRequest`.
        0 ConferenceCreateRequest(ConferenceCreateRequest<'a>),
        /// `conferenceCreateResponse`.
        1 ConferenceCreateResponse(ConferenceCreateResponse<'a>),
        /// `conferenceQueryRequest`.
        2 ConferenceQueryRequest(ConferenceQueryRequest<'a>),
        /// `conferenceQueryResponse`.
        3 ConferenceQueryResponse(ConferenceQueryResponse<'a>),
        /// `conferenceJoinRequest`.
        4 ConferenceJoinRequest(ConferenceJoinRequest<'a>),
        /// `conferenceJoinResponse`.
        5 ConferenceJoinResponse(ConferenceJoinResponse<'a>),
        /// `conferenceInviteRequest`.
        6 ConferenceInviteRequest(ConferenceInviteRequest<'a>),
        /// `conferenceInviteResponse`.
        7 ConferenceInviteResponse(ConferenceInviteResponse<'a>),
    }
}
