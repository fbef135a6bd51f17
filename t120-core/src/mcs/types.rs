//! The identifiers and codes of MCS (T.125 section 7, parts 1 and 9).

use crate::per::{enumerated, integer};

integer! {
    /// `ChannelId` (T.125 section 7).
    ChannelId: u16 = 0, 65535
}

integer! {
    /// `StaticChannelId` (T.125 section 7).
    StaticChannelId: u16 = 1, 1000
}

integer! {
    /// `DynamicChannelId` (T.125 section 7).
    DynamicChannelId: u16 = 1001, 65535
}

integer! {
    /// `UserId` (T.125 section 7).
    UserId: u16 = 1001, 65535
}

integer! {
    /// `PrivateChannelId` (T.125 section 7).
    PrivateChannelId: u16 = 1001, 65535
}

integer! {
    /// `AssignedChannelId` (T.125 section 7).
    AssignedChannelId: u16 = 1001, 65535
}

integer! {
    /// `TokenId` (T.125 section 7).
    TokenId: u16 = 1, 65535
}

enumerated! {
    /// `TokenStatus` (T.125 section 7).
    TokenStatus closed 8 {
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

enumerated! {
    /// `DataPriority` (T.125 section 7).
    DataPriority closed 4 {
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

enumerated! {
    /// `Reason` (T.125 section 7).
    Reason closed 5 {
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

enumerated! {
    /// `Result` (T.125 section 7).
    McsResult closed 16 {
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

enumerated! {
    /// `Diagnostic` (T.125 section 7).
    Diagnostic closed 14 {
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
