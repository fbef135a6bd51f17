//! The repertoire of PDUs sent as MCS user data (T.124, GCC-PROTOCOL part 4).

use super::conference::{
    ApplicationInvokeIndication, ConductorAssignIndication, ConductorPermissionAskIndication,
    ConductorPermissionGrantIndication, ConductorReleaseIndication, ConferenceAddRequest,
    ConferenceAddResponse, ConferenceAssistanceIndication, ConferenceEjectUserIndication,
    ConferenceEjectUserRequest, ConferenceEjectUserResponse, ConferenceLockIndication,
    ConferenceLockRequest, ConferenceLockResponse, ConferenceTerminateIndication,
    ConferenceTerminateRequest, ConferenceTerminateResponse, ConferenceTimeExtendIndication,
    ConferenceTimeInquireIndication, ConferenceTimeRemainingIndication,
    ConferenceTransferIndication, ConferenceTransferRequest, ConferenceTransferResponse,
    ConferenceUnlockIndication, ConferenceUnlockRequest, ConferenceUnlockResponse,
    TextMessageIndication, UserIdIndication,
};
use super::connect::{ConferenceJoinRequest, ConferenceJoinResponse};
use super::registry::{
    RegistryAllocateHandleRequest, RegistryAllocateHandleResponse, RegistryAssignTokenRequest,
    RegistryDeleteEntryRequest, RegistryMonitorEntryIndication, RegistryMonitorEntryRequest,
    RegistryRegisterChannelRequest, RegistryResponse, RegistryRetrieveEntryRequest,
    RegistrySetParameterRequest,
};
use super::roster::RosterUpdateIndication;
use super::types::NonStandardParameter;
use crate::per::{choice, sequence};

choice! {
    /// `GCCPDU` (T.124, GCC-PROTOCOL).
    GccPdu<'a> closed 3 {
        /// `request`.
        0 Request(RequestPdu<'a>),
        /// `response`.
        1 Response(ResponsePdu<'a>),
        /// `indication`.
        2 Indication(IndicationPdu<'a>),
    }
}

choice! {
    /// `RequestPDU` (T.124, GCC-PROTOCOL).
    RequestPdu<'a> extensible 15 {
        /// `conferenceJoinRequest`.
        0 ConferenceJoinRequest(ConferenceJoinRequest<'a>),
        /// `conferenceAddRequest`.
        1 ConferenceAddRequest(ConferenceAddRequest<'a>),
        /// `conferenceLockRequest`.
        2 ConferenceLockRequest(ConferenceLockRequest),
        /// `conferenceUnlockRequest`.
        3 ConferenceUnlockRequest(ConferenceUnlockRequest),
        /// `conferenceTerminateRequest`.
        4 ConferenceTerminateRequest(ConferenceTerminateRequest),
        /// `conferenceEjectUserRequest`.
        5 ConferenceEjectUserRequest(ConferenceEjectUserRequest),
        /// `conferenceTransferRequest`.
        6 ConferenceTransferRequest(ConferenceTransferRequest<'a>),
        /// `registryRegisterChannelRequest`.
        7 RegistryRegisterChannelRequest(RegistryRegisterChannelRequest<'a>),
        /// `registryAssignTokenRequest`.
        8 RegistryAssignTokenRequest(RegistryAssignTokenRequest<'a>),
        /// `registrySetParameterRequest`.
        9 RegistrySetParameterRequest(RegistrySetParameterRequest<'a>),
        /// `registryRetrieveEntryRequest`.
        10 RegistryRetrieveEntryRequest(RegistryRetrieveEntryRequest<'a>),
        /// `registryDeleteEntryRequest`.
        11 RegistryDeleteEntryRequest(RegistryDeleteEntryRequest<'a>),
        /// `registryMonitorEntryRequest`.
        12 RegistryMonitorEntryRequest(RegistryMonitorEntryRequest<'a>),
        /// `registryAllocateHandleRequest`.
        13 RegistryAllocateHandleRequest(RegistryAllocateHandleRequest),
        /// `nonStandardRequest`.
        14 NonStandardRequest(NonStandardPdu<'a>),
    }
}

choice! {
    /// `ResponsePDU` (T.124, GCC-PROTOCOL).
    ResponsePdu<'a> extensible 11 {
        /// `conferenceJoinResponse`.
        0 ConferenceJoinResponse(ConferenceJoinResponse<'a>),
        /// `conferenceAddResponse`.
        1 ConferenceAddResponse(ConferenceAddResponse<'a>),
        /// `conferenceLockResponse`.
        2 ConferenceLockResponse(ConferenceLockResponse),
        /// `conferenceUnlockResponse`.
        3 ConferenceUnlockResponse(ConferenceUnlockResponse),
        /// `conferenceTerminateResponse`.
        4 ConferenceTerminateResponse(ConferenceTerminateResponse),
        /// `conferenceEjectUserResponse`.
        5 ConferenceEjectUserResponse(ConferenceEjectUserResponse),
        /// `conferenceTransferResponse`.
        6 ConferenceTransferResponse(ConferenceTransferResponse<'a>),
        /// `registryResponse`.
        7 RegistryResponse(RegistryResponse<'a>),
        /// `registryAllocateHandleResponse`.
        8 RegistryAllocateHandleResponse(RegistryAllocateHandleResponse),
        /// `functionNotSupportedResponse`.
        9 FunctionNotSupportedResponse(FunctionNotSupportedResponse<'a>),
        /// `nonStandardResponse`.
        10 NonStandardResponse(NonStandardPdu<'a>),
    }
}

choice! {
    /// `IndicationPDU` (T.124, GCC-PROTOCOL).
    IndicationPdu<'a> extensible 19 {
        /// `userIDIndication`.
        0 UserIdIndication(UserIdIndication),
        /// `conferenceLockIndication`.
        1 ConferenceLockIndication(ConferenceLockIndication),
        /// `conferenceUnlockIndication`.
        2 ConferenceUnlockIndication(ConferenceUnlockIndication),
        /// `conferenceTerminateIndication`.
        3 ConferenceTerminateIndication(ConferenceTerminateIndication),
        /// `conferenceEjectUserIndication`.
        4 ConferenceEjectUserIndication(ConferenceEjectUserIndication),
        /// `conferenceTransferIndication`.
        5 ConferenceTransferIndication(ConferenceTransferIndication<'a>),
        /// `rosterUpdateIndication`.
        6 RosterUpdateIndication(RosterUpdateIndication<'a>),
        /// `applicationInvokeIndication`.
        7 ApplicationInvokeIndication(ApplicationInvokeIndication<'a>),
        /// `registryMonitorEntryIndication`.
        8 RegistryMonitorEntryIndication(RegistryMonitorEntryIndication<'a>),
        /// `conductorAssignIndication`.
        9 ConductorAssignIndication(ConductorAssignIndication),
        /// `conductorReleaseIndication`.
        10 ConductorReleaseIndication(ConductorReleaseIndication),
        /// `conductorPermissionAskIndication`.
        11 ConductorPermissionAskIndication(ConductorPermissionAskIndication),
        /// `conductorPermissionGrantIndication`.
        12 ConductorPermissionGrantIndication(ConductorPermissionGrantIndication<'a>),
        /// `conferenceTimeRemainingIndication`.
        13 ConferenceTimeRemainingIndication(ConferenceTimeRemainingIndication),
        /// `conferenceTimeInquireIndication`.
        14 ConferenceTimeInquireIndication(ConferenceTimeInquireIndication),
        /// `conferenceTimeExtendIndication`.
        15 ConferenceTimeExtendIndication(ConferenceTimeExtendIndication),
        /// `conferenceAssistanceIndication`.
        16 ConferenceAssistanceIndication(ConferenceAssistanceIndication<'a>),
        /// `textMessageIndication`.
        17 TextMessageIndication(TextMessageIndication<'a>),
        /// `nonStandardIndication`.
        18 NonStandardIndication(NonStandardPdu<'a>),
    }
}

sequence! {
    /// `FunctionNotSupportedResponse` (T.124, GCC-PROTOCOL).
    FunctionNotSupportedResponse<'a> closed {
        /// `request`.
        req request: RequestPdu<'a>,
    }
}

sequence! {
    /// `NonStandardPDU` (T.124, GCC-PROTOCOL).
    NonStandardPdu<'a> extensible {
        /// `data`.
        req data: NonStandardParameter<'a>,
    }
}
