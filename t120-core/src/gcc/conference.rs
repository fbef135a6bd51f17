//! The PDUs of conference control, conductorship and time (T.124, GCC-PROTOCOL part 2).

use super::network::{NetworkAddress, NetworkAddressV2};
use super::types::{
    ApplicationInvokeSpecifier, ConferenceNameModifier, ConferenceNameSelector, NodeCategory,
    PasswordSelector, TextString, Time, UserData,
};
use crate::mcs::UserId;
use crate::per::{Integer, List, enumerated, sequence};

sequence! {
    /// `UserIDIndication` (T.124, GCC-PROTOCOL).
    UserIdIndication extensible {
        /// `tag`.
        req tag: Integer,
    }
}

sequence! {
    /// `ConferenceAddRequest` (T.124, GCC-PROTOCOL).
    ConferenceAddRequest<'a> extensible {
        /// `networkAddress`.
        req network_address: NetworkAddress<'a>,
        /// `requestingNode`.
        req requesting_node: UserId,
        /// `tag`.
        req tag: Integer,
        /// `addingMCU`.
        opt adding_mcu: UserId,
        /// `userData`.
        opt user_data: UserData<'a>,
        /// `nodeCategory`.
        add node_category: NodeCategory<'a>,
        /// `networkAddressV2`.
        add network_address_v2: NetworkAddressV2<'a>,
    }
}

enumerated! {
    /// `AddResult` (T.124, GCC-PROTOCOL).
    AddResult extensible 8 {
        /// `success`.
        0 Success,
        /// `invalidRequester`.
        1 InvalidRequester,
        /// `invalidNetworkType`.
        2 InvalidNetworkType,
        /// `invalidNetworkAddress`.
        3 InvalidNetworkAddress,
        /// `addedNodeBusy`.
        4 AddedNodeBusy,
        /// `networkBusy`.
        5 NetworkBusy,
        /// `noPortsAvailable`.
        6 NoPortsAvailable,
        /// `connectionUnsuccessful`.
        7 ConnectionUnsuccessful,
    }
}

sequence! {
    /// `ConferenceAddResponse` (T.124, GCC-PROTOCOL).
    ConferenceAddResponse<'a> extensible {
        /// `tag`.
        req tag: Integer,
        /// `result`.
        req result: AddResult,
        /// `userData`.
        opt user_data: UserData<'a>,
    }
}

sequence! {
    /// `ConferenceLockRequest` (T.124, GCC-PROTOCOL).
    ConferenceLockRequest extensible {
    }
}

enumerated! {
    /// `LockResult` (T.124, GCC-PROTOCOL).
    LockResult extensible 3 {
        /// `success`.
        0 Success,
        /// `invalidRequester`.
        1 InvalidRequester,
        /// `alreadyLocked`.
        2 AlreadyLocked,
    }
}

sequence! {
    /// `ConferenceLockResponse` (T.124, GCC-PROTOCOL).
    ConferenceLockResponse extensible {
        /// `result`.
        req result: LockResult,
    }
}

sequence! {
    /// `ConferenceLockIndication` (T.124, GCC-PROTOCOL).
    ConferenceLockIndication extensible {
    }
}

sequence! {
    /// `ConferenceUnlockRequest` (T.124, GCC-PROTOCOL).
    ConferenceUnlockRequest extensible {
    }
}

enumerated! {
    /// `UnlockResult` (T.124, GCC-PROTOCOL).
    UnlockResult extensible 3 {
        /// `success`.
        0 Success,
        /// `invalidRequester`.
        1 InvalidRequester,
        /// `alreadyUnlocked`.
        2 AlreadyUnlocked,
    }
}

sequence! {
    /// `ConferenceUnlockResponse` (T.124, GCC-PROTOCOL).
    ConferenceUnlockResponse extensible {
        /// `result`.
        req result: UnlockResult,
    }
}

sequence! {
    /// `ConferenceUnlockIndication` (T.124, GCC-PROTOCOL).
    ConferenceUnlockIndication extensible {
    }
}

enumerated! {
    /// `TerminateRequestReason` (T.124, GCC-PROTOCOL).
    TerminateRequestReason extensible 2 {
        /// `userInitiated`.
        0 UserInitiated,
        /// `timedConferenceTermination`.
        1 TimedConferenceTermination,
    }
}

sequence! {
    /// `ConferenceTerminateRequest` (T.124, GCC-PROTOCOL).
    ConferenceTerminateRequest extensible {
        /// `reason`.
        req reason: TerminateRequestReason,
    }
}

enumerated! {
    /// `TerminateResult` (T.124, GCC-PROTOCOL).
    TerminateResult extensible 2 {
        /// `success`.
        0 Success,
        /// `invalidRequester`.
        1 InvalidRequester,
    }
}

sequence! {
    /// `ConferenceTerminateResponse` (T.124, GCC-PROTOCOL).
    ConferenceTerminateResponse extensible {
        /// `result`.
        req result: TerminateResult,
    }
}

enumerated! {
    /// `TerminateReason` (T.124, GCC-PROTOCOL).
    TerminateReason extensible 2 {
        /// `userInitiated`.
        0 UserInitiated,
        /// `timedConferenceTermination`.
        1 TimedConferenceTermination,
    }
}

sequence! {
    /// `ConferenceTerminateIndication` (T.124, GCC-PROTOCOL).
    ConferenceTerminateIndication extensible {
        /// `reason`.
        req reason: TerminateReason,
    }
}

enumerated! {
    /// `EjectRequestReason` (T.124, GCC-PROTOCOL).
    EjectRequestReason extensible 1 {
        /// `userInitiated`.
        0 UserInitiated,
    }
}

sequence! {
    /// `ConferenceEjectUserRequest` (T.124, GCC-PROTOCOL).
    ConferenceEjectUserRequest extensible {
        /// `nodeToEject`.
        req node_to_eject: UserId,
        /// `reason`.
        req reason: EjectRequestReason,
    }
}

enumerated! {
    /// `EjectResult` (T.124, GCC-PROTOCOL).
    EjectResult extensible 3 {
        /// `success`.
        0 Success,
        /// `invalidRequester`.
        1 InvalidRequester,
        /// `invalidNode`.
        2 InvalidNode,
    }
}

sequence! {
    /// `ConferenceEjectUserResponse` (T.124, GCC-PROTOCOL).
    ConferenceEjectUserResponse extensible {
        /// `nodeToEject`.
        req node_to_eject: UserId,
        /// `result`.
        req result: EjectResult,
    }
}

enumerated! {
    /// `EjectReason` (T.124, GCC-PROTOCOL).
    EjectReason extensible 3 {
        /// `userInitiated`.
        0 UserInitiated,
        /// `higherNodeDisconnected`.
        1 HigherNodeDisconnected,
        /// `higherNodeEjected`.
        2 HigherNodeEjected,
    }
}

sequence! {
    /// `ConferenceEjectUserIndication` (T.124, GCC-PROTOCOL).
    ConferenceEjectUserIndication extensible {
        /// `nodeToEject`.
        req node_to_eject: UserId,
        /// `reason`.
        req reason: EjectReason,
    }
}

sequence! {
    /// `ConferenceTransferRequest` (T.124, GCC-PROTOCOL).
    ConferenceTransferRequest<'a> extensible {
        /// `conferenceName`.
        req conference_name: ConferenceNameSelector<'a>,
        /// `conferenceNameModifier`.
        opt conference_name_modifier: ConferenceNameModifier<'a>,
        /// `networkAddress`.
        opt network_address: NetworkAddress<'a>,
        /// `transferringNodes`.
        opt transferring_nodes: List<'a, UserId, 1, 65536>,
        /// `password`.
        opt password: PasswordSelector<'a>,
        /// `networkAddressV2`.
        add network_address_v2: NetworkAddressV2<'a>,
    }
}

enumerated! {
    /// `TransferResult` (T.124, GCC-PROTOCOL).
    TransferResult extensible 2 {
        /// `success`.
        0 Success,
        /// `invalidRequester`.
        1 InvalidRequester,
    }
}

sequence! {
    /// `ConferenceTransferResponse` (T.124, GCC-PROTOCOL).
    ConferenceTransferResponse<'a> extensible {
        /// `conferenceName`.
        req conference_name: ConferenceNameSelector<'a>,
        /// `conferenceNameModifier`.
        opt conference_name_modifier: ConferenceNameModifier<'a>,
        /// `transferringNodes`.
        opt transferring_nodes: List<'a, UserId, 1, 65536>,
        /// `result`.
        req result: TransferResult,
    }
}

sequence! {
    /// `ConferenceTransferIndication` (T.124, GCC-PROTOCOL).
    ConferenceTransferIndication<'a> extensible {
        /// `conferenceName`.
        req conference_name: ConferenceNameSelector<'a>,
        /// `conferenceNameModifier`.
        opt conference_name_modifier: ConferenceNameModifier<'a>,
        /// `networkAddress`.
        opt network_address: NetworkAddress<'a>,
        /// `transferringNodes`.
        opt transferring_nodes: List<'a, UserId, 1, 65536>,
        /// `password`.
        opt password: PasswordSelector<'a>,
        /// `networkAddressV2`.
        add network_address_v2: NetworkAddressV2<'a>,
    }
}

sequence! {
    /// `ApplicationInvokeIndication` (T.124, GCC-PROTOCOL).
    ApplicationInvokeIndication<'a> extensible {
        /// `applicationProtocolEntiyList`.
        req application_protocol_entity_list: List<'a, ApplicationInvokeSpecifier<'a>, 1, 65536>,
        /// `destinationNodes`.
        opt destination_nodes: List<'a, UserId, 1, 65536>,
    }
}

sequence! {
    /// `ConductorAssignIndication` (T.124, GCC-PROTOCOL).
    ConductorAssignIndication extensible {
        /// `conductingNode`.
        req conducting_node: UserId,
    }
}

sequence! {
    /// `ConductorReleaseIndication` (T.124, GCC-PROTOCOL).
    ConductorReleaseIndication extensible {
    }
}

sequence! {
    /// `ConductorPermissionAskIndication` (T.124, GCC-PROTOCOL).
    ConductorPermissionAskIndication extensible {
        /// `grantFlag`.
        req grant_flag: bool,
    }
}

sequence! {
    /// `ConductorPermissionGrantIndication` (T.124, GCC-PROTOCOL).
    ConductorPermissionGrantIndication<'a> extensible {
        /// `permissionList`.
        req permission_list: List<'a, UserId, 0, 65535>,
        /// `waitingList`.
        opt waiting_list: List<'a, UserId, 1, 65536>,
    }
}

sequence! {
    /// `ConferenceTimeRemainingIndication` (T.124, GCC-PROTOCOL).
    ConferenceTimeRemainingIndication extensible {
        /// `timeRemaining`.
        req time_remaining: Time,
        /// `nodeID`.
        opt node_id: UserId,
    }
}

sequence! {
    /// `ConferenceTimeInquireIndication` (T.124, GCC-PROTOCOL).
    ConferenceTimeInquireIndication extensible {
        /// `nodeSpecificTimeFlag`.
        req node_specific_time_flag: bool,
    }
}

sequence! {
    /// `ConferenceTimeExtendIndication` (T.124, GCC-PROTOCOL).
    ConferenceTimeExtendIndication extensible {
        /// `timeToExtend`.
        req time_to_extend: Time,
        /// `nodeSpecificTimeFlag`.
        req node_specific_time_flag: bool,
    }
}

sequence! {
    /// `ConferenceAssistanceIndication` (T.124, GCC-PROTOCOL).
    ConferenceAssistanceIndication<'a> extensible {
        /// `userData`.
        opt user_data: UserData<'a>,
    }
}

sequence! {
    /// `TextMessageIndication` (T.124, GCC-PROTOCOL).
    TextMessageIndication<'a> extensible {
        /// `message`.
        req message: TextString<'a>,
    }
}
