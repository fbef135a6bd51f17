//! The PDUs of users, channels and data, and the repertoire of all domain PDUs of protocol
//! version 2 (T.125 section 7, parts 4 to 7 and 10).

use super::{Segmentation, merge::*, token::*, types::*};
use crate::per::{List, Octets, choice, sequence};

sequence! {
    /// `DisconnectProviderUltimatum` (T.125 section 7).
    DisconnectProviderUltimatum closed {
        /// `reason`.
        req reason: Reason,
    }
}

sequence! {
    /// `RejectMCSPDUUltimatum` (T.125 section 7).
    RejectMcsPduUltimatum<'a> closed {
        /// `diagnostic`.
        req diagnostic: Diagnostic,
        /// `initialOctets`.
        req initial_octets: Octets<'a>,
    }
}

sequence! {
    /// `AttachUserRequest` (T.125 section 7).
    AttachUserRequest closed {
    }
}

sequence! {
    /// `AttachUserConfirm` (T.125 section 7).
    AttachUserConfirm closed {
        /// `result`.
        req result: McsResult,
        /// `initiator`.
        opt initiator: UserId,
    }
}

sequence! {
    /// `DetachUserRequest` (T.125 section 7).
    DetachUserRequest<'a> closed {
        /// `reason`.
        req reason: Reason,
        /// `userIds`.
        req user_ids: List<'a, UserId>,
    }
}

sequence! {
    /// `DetachUserIndication` (T.125 section 7).
    DetachUserIndication<'a> closed {
        /// `reason`.
        req reason: Reason,
        /// `userIds`.
        req user_ids: List<'a, UserId>,
    }
}

sequence! {
    /// `ChannelJoinRequest` (T.125 section 7).
    ChannelJoinRequest closed {
        /// `initiator`.
        req initiator: UserId,
        /// `channelId`.
        req channel_id: ChannelId,
    }
}

sequence! {
    /// `ChannelJoinConfirm` (T.125 section 7).
    ChannelJoinConfirm closed {
        /// `result`.
        req result: McsResult,
        /// `initiator`.
        req initiator: UserId,
        /// `requested`.
        req requested: ChannelId,
        /// `channelId`.
        opt channel_id: ChannelId,
    }
}

sequence! {
    /// `ChannelLeaveRequest` (T.125 section 7).
    ChannelLeaveRequest<'a> closed {
        /// `channelIds`.
        req channel_ids: List<'a, ChannelId>,
    }
}

sequence! {
    /// `ChannelConveneRequest` (T.125 section 7).
    ChannelConveneRequest closed {
        /// `initiator`.
        req initiator: UserId,
    }
}

sequence! {
    /// `ChannelConveneConfirm` (T.125 section 7).
    ChannelConveneConfirm closed {
        /// `result`.
        req result: McsResult,
        /// `initiator`.
        req initiator: UserId,
        /// `channelId`.
        opt channel_id: PrivateChannelId,
    }
}

sequence! {
    /// `ChannelDisbandRequest` (T.125 section 7).
    ChannelDisbandRequest closed {
        /// `initiator`.
        req initiator: UserId,
        /// `channelId`.
        req channel_id: PrivateChannelId,
    }
}

sequence! {
    /// `ChannelDisbandIndication` (T.125 section 7).
    ChannelDisbandIndication closed {
        /// `channelId`.
        req channel_id: PrivateChannelId,
    }
}

sequence! {
    /// `ChannelAdmitRequest` (T.125 section 7).
    ChannelAdmitRequest<'a> closed {
        /// `initiator`.
        req initiator: UserId,
        /// `channelId`.
        req channel_id: PrivateChannelId,
        /// `userIds`.
        req user_ids: List<'a, UserId>,
    }
}

sequence! {
    /// `ChannelAdmitIndication` (T.125 section 7).
    ChannelAdmitIndication<'a> closed {
        /// `initiator`.
        req initiator: UserId,
        /// `channelId`.
        req channel_id: PrivateChannelId,
        /// `userIds`.
        req user_ids: List<'a, UserId>,
    }
}

sequence! {
    /// `ChannelExpelRequest` (T.125 section 7).
    ChannelExpelRequest<'a> closed {
        /// `initiator`.
        req initiator: UserId,
        /// `channelId`.
        req channel_id: PrivateChannelId,
        /// `userIds`.
        req user_ids: List<'a, UserId>,
    }
}

sequence! {
    /// `ChannelExpelIndication` (T.125 section 7).
    ChannelExpelIndication<'a> closed {
        /// `channelId`.
        req channel_id: PrivateChannelId,
        /// `userIds`.
        req user_ids: List<'a, UserId>,
    }
}

sequence! {
    /// `SendDataRequest` (T.125 section 7).
    SendDataRequest<'a> closed {
        /// `initiator`.
        req initiator: UserId,
        /// `channelId`.
        req channel_id: ChannelId,
        /// `dataPriority`.
        req data_priority: DataPriority,
        /// `segmentation`.
        req segmentation: Segmentation,
        /// `userData`.
        req user_data: Octets<'a>,
    }
}

sequence! {
    /// `SendDataIndication` (T.125 section 7).
    SendDataIndication<'a> closed {
        /// `initiator`.
        req initiator: UserId,
        /// `channelId`.
        req channel_id: ChannelId,
        /// `dataPriority`.
        req data_priority: DataPriority,
        /// `segmentation`.
        req segmentation: Segmentation,
        /// `userData`.
        req user_data: Octets<'a>,
    }
}

sequence! {
    /// `UniformSendDataRequest` (T.125 section 7).
    UniformSendDataRequest<'a> closed {
        /// `initiator`.
        req initiator: UserId,
        /// `channelId`.
        req channel_id: ChannelId,
        /// `dataPriority`.
        req data_priority: DataPriority,
        /// `segmentation`.
        req segmentation: Segmentation,
        /// `userData`.
        req user_data: Octets<'a>,
    }
}

sequence! {
    /// `UniformSendDataIndication` (T.125 section 7).
    UniformSendDataIndication<'a> closed {
        /// `initiator`.
        req initiator: UserId,
        /// `channelId`.
        req channel_id: ChannelId,
        /// `dataPriority`.
        req data_priority: DataPriority,
        /// `segmentation`.
        req segmentation: Segmentation,
        /// `userData`.
        req user_data: Octets<'a>,
    }
}

choice! {
    /// `DomainMCSPDU` (T.125 section 7).
    DomainMcsPdu<'a> closed 43 {
        /// `plumbDomainIndication`.
        0 PlumbDomainIndication(PlumbDomainIndication),
        /// `erectDomainRequest`.
        1 ErectDomainRequest(ErectDomainRequest),
        /// `mergeChannelsRequest`.
        2 MergeChannelsRequest(MergeChannelsRequest<'a>),
        /// `mergeChannelsConfirm`.
        3 MergeChannelsConfirm(MergeChannelsConfirm<'a>),
        /// `purgeChannelsIndication`.
        4 PurgeChannelsIndication(PurgeChannelsIndication<'a>),
        /// `mergeTokensRequest`.
        5 MergeTokensRequest(MergeTokensRequest<'a>),
        /// `mergeTokensConfirm`.
        6 MergeTokensConfirm(MergeTokensConfirm<'a>),
        /// `purgeTokensIndication`.
        7 PurgeTokensIndication(PurgeTokensIndication<'a>),
        /// `disconnectProviderUltimatum`.
        8 DisconnectProviderUltimatum(DisconnectProviderUltimatum),
        /// `rejectMCSPDUUltimatum`.
        9 RejectMcsPduUltimatum(RejectMcsPduUltimatum<'a>),
        /// `attachUserRequest`.
        10 AttachUserRequest(AttachUserRequest),
        /// `attachUserConfirm`.
        11 AttachUserConfirm(AttachUserConfirm),
        /// `detachUserRequest`.
        12 DetachUserRequest(DetachUserRequest<'a>),
        /// `detachUserIndication`.
        13 DetachUserIndication(DetachUserIndication<'a>),
        /// `channelJoinRequest`.
        14 ChannelJoinRequest(ChannelJoinRequest),
        /// `channelJoinConfirm`.
        15 ChannelJoinConfirm(ChannelJoinConfirm),
        /// `channelLeaveRequest`.
        16 ChannelLeaveRequest(ChannelLeaveRequest<'a>),
        /// `channelConveneRequest`.
        17 ChannelConveneRequest(ChannelConveneRequest),
        /// `channelConveneConfirm`.
        18 ChannelConveneConfirm(ChannelConveneConfirm),
        /// `channelDisbandRequest`.
        19 ChannelDisbandRequest(ChannelDisbandRequest),
        /// `channelDisbandIndication`.
        20 ChannelDisbandIndication(ChannelDisbandIndication),
        /// `channelAdmitRequest`.
        21 ChannelAdmitRequest(ChannelAdmitRequest<'a>),
        /// `channelAdmitIndication`.
        22 ChannelAdmitIndication(ChannelAdmitIndication<'a>),
        /// `channelExpelRequest`.
        23 ChannelExpelRequest(ChannelExpelRequest<'a>),
        /// `channelExpelIndication`.
        24 ChannelExpelIndication(ChannelExpelIndication<'a>),
        /// `sendDataRequest`.
        25 SendDataRequest(SendDataRequest<'a>),
        /// `sendDataIndication`.
        26 SendDataIndication(SendDataIndication<'a>),
        /// `uniformSendDataRequest`.
        27 UniformSendDataRequest(UniformSendDataRequest<'a>),
        /// `uniformSendDataIndication`.
        28 UniformSendDataIndication(UniformSendDataIndication<'a>),
        /// `tokenGrabRequest`.
        29 TokenGrabRequest(TokenGrabRequest),
        /// `tokenGrabConfirm`.
        30 TokenGrabConfirm(TokenGrabConfirm),
        /// `tokenInhibitRequest`.
        31 TokenInhibitRequest(TokenInhibitRequest),
        /// `tokenInhibitConfirm`.
        32 TokenInhibitConfirm(TokenInhibitConfirm),
        /// `tokenGiveRequest`.
        33 TokenGiveRequest(TokenGiveRequest),
        /// `tokenGiveIndication`.
        34 TokenGiveIndication(TokenGiveIndication),
        /// `tokenGiveResponse`.
        35 TokenGiveResponse(TokenGiveResponse),
        /// `tokenGiveConfirm`.
        36 TokenGiveConfirm(TokenGiveConfirm),
        /// `tokenPleaseRequest`.
        37 TokenPleaseRequest(TokenPleaseRequest),
        /// `tokenPleaseIndication`.
        38 TokenPleaseIndication(TokenPleaseIndication),
        /// `tokenReleaseRequest`.
        39 TokenReleaseRequest(TokenReleaseRequest),
        /// `tokenReleaseConfirm`.
        40 TokenReleaseConfirm(TokenReleaseConfirm),
        /// `tokenTestRequest`.
        41 TokenTestRequest(TokenTestRequest),
        /// `tokenTestConfirm`.
        42 TokenTestConfirm(TokenTestConfirm),
    }
}
