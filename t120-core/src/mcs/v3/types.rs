//! Codes, extended parameters and capabilities of protocol version 3 (T.125 section 8).

use crate::gcc::types::{Key, NonStandardParameter};
use crate::per::{Int, List, Unsigned, choice, sequence};

choice! {
    /// `TokenStatus` (T.125 section 8).
    TokenStatus extensible 8 {
        /// `notInUse`.
        0 NotInUse,
        /// `selfGrabbed`.
        1 SelfGrabbed,
        /// `otherGrabbed`.
        2 OtherGrabbed,
        /// `selfInhibited`.
        3 SelfInhibited,
        /// `otherInhibited`.
        4 OtherInhibited,
        /// `selfRecipient`.
        5 SelfRecipient,
        /// `selfGiving`.
        6 SelfGiving,
        /// `otherGiving`.
        7 OtherGiving,
    }
}

choice! {
    /// `DataPriority` (T.125 section 8).
    DataPriority extensible 4 {
        /// `top`.
        0 Top,
        /// `high`.
        1 High,
        /// `medium`.
        2 Medium,
        /// `low`.
        3 Low,
    }
}

sequence! {
    /// `ExtendedParameters` (T.125 section 8).
    ExtendedParameters<'a> extensible {
        /// `unreliableDataSupported`.
        req unreliable_data_supported: bool,
        /// `domainReferenceID`.
        req domain_reference_id: u16,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ExtendedParameterPropose` (T.125 section 8).
    ExtendedParameterPropose<'a> extensible {
        /// `targetExtendedParameters`.
        req target_extended_parameters: ExtendedParameters<'a>,
        /// `minimumExtendedParameters`.
        req minimum_extended_parameters: ExtendedParameters<'a>,
        /// `maximumExtendedParameters`.
        req maximum_extended_parameters: ExtendedParameters<'a>,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ExtendedParameterAccept` (T.125 section 8).
    ExtendedParameterAccept<'a> extensible {
        /// `extendedParameters`.
        req extended_parameters: ExtendedParameters<'a>,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

choice! {
    /// `CapabilityID` (T.125 section 8).
    CapabilityId<'a> closed 2 {
        /// `standardID`.
        0 StandardId(u16),
        /// `nonstandardID`.
        1 NonstandardId(Key<'a>),
    }
}

choice! {
    /// `CapabilityClass` (T.125 section 8).
    CapabilityClass closed 3 {
        /// `null`.
        0 Null,
        /// `unsignedMin`.
        1 UnsignedMin(Unsigned),
        /// `unsignedMax`.
        2 UnsignedMax(Unsigned),
    }
}

choice! {
    /// `ParticipationIndicator` (T.125 section 8).
    ParticipationIndicator closed 2 {
        /// `global`.
        0 Global,
        /// `partial`.
        1 Partial(Int<1, 2>),
    }
}

sequence! {
    /// `RequestCapability` (T.125 section 8).
    RequestCapability<'a> extensible {
        /// `capabilityID`.
        req capability_id: CapabilityId<'a>,
        /// `capabilityClass`.
        req capability_class: CapabilityClass,
        /// `participationIndicator`.
        req participation_indicator: ParticipationIndicator,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

/// `SeqOfRequestCapabilities` (T.125 section 8).
pub type SeqOfRequestCapabilities<'a> = List<'a, RequestCapability<'a>>;

sequence! {
    /// `IndicationCapability` (T.125 section 8).
    IndicationCapability<'a> extensible {
        /// `capabilityID`.
        req capability_id: CapabilityId<'a>,
        /// `capabilityClass`.
        req capability_class: CapabilityClass,
        /// `summitProviderSupported`.
        req summit_provider_supported: bool,
        /// `intermediateNodeSupported`.
        req intermediate_node_supported: bool,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

/// `SeqOfIndicationCapabilities` (T.125 section 8).
pub type SeqOfIndicationCapabilities<'a> = List<'a, IndicationCapability<'a>>;

sequence! {
    /// `CapabilitiesNotificationRequest` (T.125 section 8).
    CapabilitiesNotificationRequest<'a> extensible {
        /// `v2NodePresent`.
        req v2_node_present: bool,
        /// `addList`.
        opt add_list: SeqOfRequestCapabilities<'a>,
        /// `removeList`.
        opt remove_list: SeqOfRequestCapabilities<'a>,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `CapabilitiesNotificationIndication` (T.125 section 8).
    CapabilitiesNotificationIndication<'a> extensible {
        /// `v2NodePresent`.
        req v2_node_present: bool,
        /// `addList`.
        opt add_list: SeqOfIndicationCapabilities<'a>,
        /// `removeList`.
        opt remove_list: SeqOfIndicationCapabilities<'a>,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

choice! {
    /// `Reason` (T.125 section 8).
    Reason extensible 5 {
        /// `rn-domain-disconnected`.
        0 DomainDisconnected,
        /// `rn-provider-initiated`.
        1 ProviderInitiated,
        /// `rn-token-purged`.
        2 TokenPurged,
        /// `rn-user-requested`.
        3 UserRequested,
        /// `rn-channel-purged`.
        4 ChannelPurged,
    }
}

choice! {
    /// `Result` (T.125 section 8).
    McsResult extensible 16 {
        /// `rt-successful`.
        0 Successful,
        /// `rt-domain-merging`.
        1 DomainMerging,
        /// `rt-domain-not-hierarchical`.
        2 DomainNotHierarchical,
        /// `rt-no-such-channel`.
        3 NoSuchChannel,
        /// `rt-no-such-domain`.
        4 NoSuchDomain,
        /// `rt-no-such-user`.
        5 NoSuchUser,
        /// `rt-not-admitted`.
        6 NotAdmitted,
        /// `rt-other-user-id`.
        7 OtherUserId,
        /// `rt-parameters-unacceptable`.
        8 ParametersUnacceptable,
        /// `rt-token-not-available`.
        9 TokenNotAvailable,
        /// `rt-token-not-possessed`.
        10 TokenNotPossessed,
        /// `rt-too-many-channels`.
        11 TooManyChannels,
        /// `rt-too-many-tokens`.
        12 TooManyTokens,
        /// `rt-too-many-users`.
        13 TooManyUsers,
        /// `rt-unspecified-failure`.
        14 UnspecifiedFailure,
        /// `rt-user-rejected`.
        15 UserRejected,
    }
}

choice! {
    /// `Diagnostic` (T.125 section 8).
    Diagnostic extensible 14 {
        /// `dc-inconsistent-merge`.
        0 InconsistentMerge,
        /// `dc-forbidden-PDU-downward`.
        1 ForbiddenPduDownward,
        /// `dc-forbidden-PDU-upward`.
        2 ForbiddenPduUpward,
        /// `dc-invalid-BER-encoding`.
        3 InvalidBerEncoding,
        /// `dc-invalid-PER-encoding`.
        4 InvalidPerEncoding,
        /// `dc-misrouted-user`.
        5 MisroutedUser,
        /// `dc-unrequested-confirm`.
        6 UnrequestedConfirm,
        /// `dc-wrong-transport-priority`.
        7 WrongTransportPriority,
        /// `dc-channel-id-conflict`.
        8 ChannelIdConflict,
        /// `dc-token-id-conflict`.
        9 TokenIdConflict,
        /// `dc-not-user-id-channel`.
        10 NotUserIdChannel,
        /// `dc-too-many-channels`.
        11 TooManyChannels,
        /// `dc-too-many-tokens`.
        12 TooManyTokens,
        /// `dc-too-many-users`.
        13 TooManyUsers,
    }
}

sequence! {
    /// `NonStandardPDU` (T.125 section 8).
    NonStandardPdu<'a> extensible {
        /// `data`.
        req data: NonStandardParameter<'a>,
    }
}

choice! {
    /// `ExtendedParameterMCSPDU` (T.125 section 8).
    ExtendedParameterMcsPdu<'a> extensible 3 {
        /// `extendedParameterPropose`.
        0 ExtendedParameterPropose(ExtendedParameterPropose<'a>),
        /// `extendedParameterAccept`.
        1 ExtendedParameterAccept(ExtendedParameterAccept<'a>),
        /// `nonStandard`.
        2 NonStandard(NonStandardPdu<'a>),
    }
}
