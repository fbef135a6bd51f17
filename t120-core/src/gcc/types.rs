//! What the PDUs of GCC are made of (T.124, GCC-PROTOCOL part 1).

use super::network::{NetworkAddress, NetworkAddressV2};
use crate::mcs::UserId;
use crate::per::{
    BmpString, DialString, Integer, List, NumericString, ObjectIdentifier, Octets, SimpleText,
    SizedOctets, TwoOctets, Unsigned, choice, enumerated, integer, sequence,
};

integer! {
    /// `ChannelID` (T.124, GCC-PROTOCOL).
    ChannelId: u16 = 1, 65535
}

integer! {
    /// `StaticChannelID` (T.124, GCC-PROTOCOL).
    StaticChannelId: u16 = 1, 1000
}

integer! {
    /// `DynamicChannelID` (T.124, GCC-PROTOCOL).
    DynamicChannelId: u16 = 1001, 65535
}

integer! {
    /// `TokenID` (T.124, GCC-PROTOCOL).
    TokenId: u16 = 1, 65535
}

integer! {
    /// `StaticTokenID` (T.124, GCC-PROTOCOL).
    StaticTokenId: u16 = 1, 16383
}

integer! {
    /// `DynamicTokenID` (T.124, GCC-PROTOCOL).
    DynamicTokenId: u16 = 16384, 65535
}

integer! {
    /// `Time` (T.124, GCC-PROTOCOL).
    Time: i32 = -2147483648, 2147483647
}

integer! {
    /// `Handle` (T.124, GCC-PROTOCOL).
    Handle: u32 = 0, 4294967295
}

/// `H221NonStandardIdentifier` (T.124, GCC-PROTOCOL).
pub type H221NonStandardIdentifier<'a> = SizedOctets<'a, 4, 255>;

choice! {
    /// `Key` (T.124, GCC-PROTOCOL).
    Key<'a> closed 2 {
        /// `object`.
        0 Object(ObjectIdentifier<'a>),
        /// `h221NonStandard`.
        1 H221NonStandard(H221NonStandardIdentifier<'a>),
    }
}

sequence! {
    /// `NonStandardParameter` (T.124, GCC-PROTOCOL).
    NonStandardParameter<'a> closed {
        /// `key`.
        req key: Key<'a>,
        /// `data`.
        req data: Octets<'a>,
    }
}

/// `TextString` (T.124, GCC-PROTOCOL).
pub type TextString<'a> = BmpString<'a, 0, 255>;

/// `SimpleNumericString` (T.124, GCC-PROTOCOL).
pub type SimpleNumericString<'a> = NumericString<'a, 1, 255>;

/// `DiallingString` (T.124, GCC-PROTOCOL).
pub type DiallingString<'a> = NumericString<'a, 1, 16>;

/// `SubAddressString` (T.124, GCC-PROTOCOL).
pub type SubAddressString<'a> = NumericString<'a, 1, 40>;

/// `ExtraDiallingString` (T.124, GCC-PROTOCOL).
pub type ExtraDiallingString<'a> = DialString<'a, 1, 255>;

sequence! {
    /// `UserDataItem` (T.124, GCC-PROTOCOL).
    UserDataItem<'a> closed {
        /// `key`.
        req key: Key<'a>,
        /// `value`.
        opt value: Octets<'a>,
    }
}

/// `UserData` (T.124, GCC-PROTOCOL).
pub type UserData<'a> = List<'a, UserDataItem<'a>>;

sequence! {
    /// `Password` (T.124, GCC-PROTOCOL).
    Password<'a> extensible {
        /// `numeric`.
        req numeric: SimpleNumericString<'a>,
        /// `text`.
        opt text: SimpleText<'a>,
        /// `unicodeText`.
        add unicode_text: TextString<'a>,
    }
}

choice! {
    /// `PasswordSelector` (T.124, GCC-PROTOCOL).
    PasswordSelector<'a> extensible 2 {
        /// `numeric`.
        0 Numeric(SimpleNumericString<'a>),
        /// `text`.
        1 Text(SimpleText<'a>),
    } additions {
        /// `unicodeText`.
        0 UnicodeText(TextString<'a>),
    }
}

choice! {
    /// `ChallengeResponseItem` (T.124, GCC-PROTOCOL).
    ChallengeResponseItem<'a> extensible 2 {
        /// `passwordString`.
        0 PasswordString(PasswordSelector<'a>),
        /// `responseData`.
        1 ResponseData(UserData<'a>),
    }
}

choice! {
    /// `ChallengeResponseAlgorithm` (T.124, GCC-PROTOCOL).
    ChallengeResponseAlgorithm<'a> extensible 2 {
        /// `passwordInTheClear`.
        0 PasswordInTheClear,
        /// `nonStandardAlgorithm`.
        1 NonStandardAlgorithm(NonStandardParameter<'a>),
    }
}

sequence! {
    /// `ChallengeItem` (T.124, GCC-PROTOCOL).
    ChallengeItem<'a> extensible {
        /// `responseAlgorithm`.
        req response_algorithm: ChallengeResponseAlgorithm<'a>,
        /// `challengeData`.
        req challenge_data: UserData<'a>,
    }
}

sequence! {
    /// `ChallengeRequest` (T.124, GCC-PROTOCOL).
    ChallengeRequest<'a> extensible {
        /// `challengeTag`.
        req challenge_tag: Integer,
        /// `challengeSet`.
        req challenge_set: List<'a, ChallengeItem<'a>>,
    }
}

sequence! {
    /// `ChallengeResponse` (T.124, GCC-PROTOCOL).
    ChallengeResponse<'a> extensible {
        /// `challengeTag`.
        req challenge_tag: Integer,
        /// `responseAlgorithm`.
        req response_algorithm: ChallengeResponseAlgorithm<'a>,
        /// `responseItem`.
        req response_item: ChallengeResponseItem<'a>,
    }
}

sequence! {
    /// `ChallengeExchange` (T.124, GCC-PROTOCOL).
    ChallengeExchange<'a> extensible {
        /// `challengeRequest`.
        opt challenge_request: ChallengeRequest<'a>,
        /// `challengeResponse`.
        opt challenge_response: ChallengeResponse<'a>,
    }
}

choice! {
    /// `PasswordChallengeRequestResponse` (T.124, GCC-PROTOCOL).
    PasswordChallengeRequestResponse<'a> extensible 2 {
        /// `passwordInTheClear`.
        0 PasswordInTheClear(PasswordSelector<'a>),
        /// `challengeRequestResponse`.
        1 ChallengeRequestResponse(ChallengeExchange<'a>),
    }
}

sequence! {
    /// `ConferenceName` (T.124, GCC-PROTOCOL).
    ConferenceName<'a> extensible {
        /// `numeric`.
        req numeric: SimpleNumericString<'a>,
        /// `text`.
        opt text: SimpleText<'a>,
        /// `unicodeText`.
        add unicode_text: TextString<'a>,
    }
}

choice! {
    /// `ConferenceNameSelector` (T.124, GCC-PROTOCOL).
    ConferenceNameSelector<'a> extensible 2 {
        /// `numeric`.
        0 Numeric(SimpleNumericString<'a>),
        /// `text`.
        1 Text(SimpleText<'a>),
    } additions {
        /// `unicodeText`.
        0 UnicodeText(TextString<'a>),
    }
}

/// `ConferenceNameModifier` (T.124, GCC-PROTOCOL).
pub type ConferenceNameModifier<'a> = SimpleNumericString<'a>;

enumerated! {
    /// `Privilege` (T.124, GCC-PROTOCOL).
    Privilege extensible 5 {
        /// `terminate`.
        0 Terminate,
        /// `ejectUser`.
        1 EjectUser,
        /// `add`.
        2 Add,
        /// `lockUnlock`.
        3 LockUnlock,
        /// `transfer`.
        4 Transfer,
    }
}

enumerated! {
    /// `TerminationMethod` (T.124, GCC-PROTOCOL).
    TerminationMethod extensible 2 {
        /// `automatic`.
        0 Automatic,
        /// `manual`.
        1 Manual,
    }
}

choice! {
    /// `ConferencePriorityScheme` (T.124, GCC-PROTOCOL).
    ConferencePriorityScheme<'a> extensible 1 {
        /// `nonStandardScheme`.
        0 NonStandardScheme(NonStandardParameter<'a>),
    }
}

sequence! {
    /// `ConferencePriority` (T.124, GCC-PROTOCOL).
    ConferencePriority<'a> extensible {
        /// `priority`.
        req priority: u16,
        /// `scheme`.
        req scheme: ConferencePriorityScheme<'a>,
    }
}

choice! {
    /// `NodeCategory` (T.124, GCC-PROTOCOL).
    NodeCategory<'a> extensible 4 {
        /// `conventional`.
        0 Conventional,
        /// `counted`.
        1 Counted,
        /// `anonymous`.
        2 Anonymous,
        /// `nonStandardCategory`.
        3 NonStandardCategory(NonStandardParameter<'a>),
    }
}

choice! {
    /// `ConferenceMode` (T.124, GCC-PROTOCOL).
    ConferenceMode<'a> extensible 6 {
        /// `conventional-only`.
        0 ConventionalOnly,
        /// `counted-only`.
        1 CountedOnly,
        /// `anonymous-only`.
        2 AnonymousOnly,
        /// `conventional-control`.
        3 ConventionalControl,
        /// `unrestricted-mode`.
        4 UnrestrictedMode,
        /// `non-standard-mode`.
        5 NonStandardMode(NonStandardParameter<'a>),
    }
}

enumerated! {
    /// `NodeType` (T.124, GCC-PROTOCOL).
    NodeType extensible 3 {
        /// `terminal`.
        0 Terminal,
        /// `multiportTerminal`.
        1 MultiportTerminal,
        /// `mcu`.
        2 Mcu,
    }
}

sequence! {
    /// `NodeProperties` (T.124, GCC-PROTOCOL).
    NodeProperties extensible {
        /// `managementDevice`.
        req management_device: bool,
        /// `peripheralDevice`.
        req peripheral_device: bool,
    }
}

choice! {
    /// `AsymmetryIndicator` (T.124, GCC-PROTOCOL).
    AsymmetryIndicator closed 3 {
        /// `callingNode`.
        0 CallingNode,
        /// `calledNode`.
        1 CalledNode,
        /// `unknown`.
        2 Unknown(u32),
    }
}

choice! {
    /// `AlternativeNodeID` (T.124, GCC-PROTOCOL).
    AlternativeNodeId extensible 1 {
        /// `h243NodeID`.
        0 H243NodeId(TwoOctets),
    }
}

sequence! {
    /// `ConferenceDescriptor` (T.124, GCC-PROTOCOL).
    ConferenceDescriptor<'a> extensible {
        /// `conferenceName`.
        req conference_name: ConferenceName<'a>,
        /// `conferenceNameModifier`.
        opt conference_name_modifier: ConferenceNameModifier<'a>,
        /// `conferenceDescription`.
        opt conference_description: TextString<'a>,
        /// `lockedConference`.
        req locked_conference: bool,
        /// `passwordInTheClearRequired`.
        req password_in_the_clear_required: bool,
        /// `networkAddress`.
        opt network_address: NetworkAddress<'a>,
        /// `defaultConferenceFlag`.
        add default_conference_flag: bool,
        /// `conferenceMode`.
        add conference_mode: ConferenceMode<'a>,
    }
}

sequence! {
    /// `NodeRecord` (T.124, GCC-PROTOCOL).
    NodeRecord<'a> extensible {
        /// `superiorNode`.
        opt superior_node: UserId,
        /// `nodeType`.
        req node_type: NodeType,
        /// `nodeProperties`.
        req node_properties: NodeProperties,
        /// `nodeName`.
        opt node_name: TextString<'a>,
        /// `participantsList`.
        opt participants_list: List<'a, TextString<'a>>,
        /// `siteInformation`.
        opt site_information: TextString<'a>,
        /// `networkAddress`.
        opt network_address: NetworkAddress<'a>,
        /// `alternativeNodeID`.
        opt alternative_node_id: AlternativeNodeId,
        /// `userData`.
        opt user_data: UserData<'a>,
        /// `nodeCategory`.
        add node_category: NodeCategory<'a>,
        /// `networkAddressV2`.
        add network_address_v2: NetworkAddressV2<'a>,
    }
}

sequence! {
    /// `SessionKey` (T.124, GCC-PROTOCOL).
    SessionKey<'a> closed {
        /// `applicationProtocolKey`.
        req application_protocol_key: Key<'a>,
        /// `sessionID`.
        opt session_id: ChannelId,
    }
}

enumerated! {
    /// `ChannelType` (T.124, GCC-PROTOCOL).
    ChannelType closed 4 {
        /// `static`.
        0 Static,
        /// `dynamicMulticast`.
        1 DynamicMulticast,
        /// `dynamicPrivate`.
        2 DynamicPrivate,
        /// `dynamicUserId`.
        3 DynamicUserId,
    }
}

sequence! {
    /// `NonCollapsingCapability` (T.124, GCC-PROTOCOL).
    NonCollapsingCapability<'a> closed {
        /// `capabilityID`.
        req capability_id: CapabilityId<'a>,
        /// `applicationData`.
        opt application_data: Octets<'a>,
    }
}

sequence! {
    /// `ApplicationRecord` (T.124, GCC-PROTOCOL).
    ApplicationRecord<'a> extensible {
        /// `applicationActive`.
        req application_active: bool,
        /// `conductingOperationCapable`.
        req conducting_operation_capable: bool,
        /// `startupChannel`.
        opt startup_channel: ChannelType,
        /// `applicationUserID`.
        opt application_user_id: UserId,
        /// `nonCollapsingCapabilities`.
        opt non_collapsing_capabilities: List<'a, NonCollapsingCapability<'a>>,
    }
}

choice! {
    /// `CapabilityID` (T.124, GCC-PROTOCOL).
    CapabilityId<'a> closed 2 {
        /// `standard`.
        0 Standard(u16),
        /// `nonStandard`.
        1 NonStandard(Key<'a>),
    }
}

choice! {
    /// `CapabilityClass` (T.124, GCC-PROTOCOL).
    CapabilityClass extensible 3 {
        /// `logical`.
        0 Logical,
        /// `unsignedMin`.
        1 UnsignedMin(Unsigned),
        /// `unsignedMax`.
        2 UnsignedMax(Unsigned),
    }
}

integer! {
    /// `EntityID` (T.124, GCC-PROTOCOL).
    EntityId: u16 = 0, 65535
}

sequence! {
    /// `ExpectedCapability` (T.124, GCC-PROTOCOL).
    ExpectedCapability<'a> extensible {
        /// `capabilityID`.
        req capability_id: CapabilityId<'a>,
        /// `capabilityClass`.
        req capability_class: CapabilityClass,
    }
}

sequence! {
    /// `ApplicationInvokeSpecifier` (T.124, GCC-PROTOCOL).
    ApplicationInvokeSpecifier<'a> extensible {
        /// `sessionKey`.
        req session_key: SessionKey<'a>,
        /// `expectedCapabilitySet`.
        opt expected_capability_set: List<'a, ExpectedCapability<'a>>,
        /// `startupChannel`.
        opt startup_channel: ChannelType,
        /// `mandatoryFlag`.
        req mandatory_flag: bool,
    }
}
