//! The domain PDUs of protocol version 3 (T.125 section 8): a codec.
//!
//! Version 3 is an extensible module with parameters that are not standard. A connection speaks it
//! only between the providers at the top of a domain; everywhere else version 2 is spoken.

mod domain;
mod merge;
mod token;
mod types;

pub use domain::*;
pub use merge::*;
pub use token::*;
pub use types::*;

use crate::per::choice;

choice! {
    /// `DomainMCSPDU` (T.125 section 8).
    DomainMcsPdu<'a> extensible 44 {
        /// `plumbDomainIndication`.
        0 PlumbDomainIndication(PlumbDomainIndication<'a>),
        /// `erectDomainRequest`.
        1 ErectDomainRequest(ErectDomainRequest<'a>),
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
        8 DisconnectProviderUltimatum(DisconnectProviderUltimatum<'a>),
        /// `rejectMCSPDUUltimatum`.
        9 RejectMcsPduUltimatum(RejectMcsPduUltimatum<'a>),
        /// `attachUserRequest`.
        10 AttachUserRequest(AttachUserRequest<'a>),
        /// `attachUserConfirm`.
        11 AttachUserConfirm(AttachUserConfirm<'a>),
        /// `detachUserRequest`.
        12 DetachUserRequest(DetachUserRequest<'a>),
        /// `detachUserIndication`.
        13 DetachUserIndication(DetachUserIndication<'a>),
        /// `channelJoinRequest`.
        14 ChannelJoinRequest(ChannelJoinRequest<'a>),
        /// `channelJoinConfirm`.
        15 ChannelJoinConfirm(ChannelJoinConfirm<'a>),
        /// `channelLeaveRequest`.
        16 ChannelLeaveRequest(ChannelLeaveRequest<'a>),
        /// `channelConveneRequest`.
        17 ChannelConveneRequest(ChannelConveneRequest<'a>),
        /// `channelConveneConfirm`.
        18 ChannelConveneConfirm(ChannelConveneConfirm<'a>),
        /// `channelDisbandRequest`.
        19 ChannelDisbandRequest(ChannelDisbandRequest<'a>),
        /// `channelDisbandIndication`.
        20 ChannelDisbandIndication(ChannelDisbandIndication<'a>),
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
        29 TokenGrabRequest(TokenGrabRequest<'a>),
        /// `tokenGrabConfirm`.
        30 TokenGrabConfirm(TokenGrabConfirm<'a>),
        /// `tokenInhibitRequest`.
        31 TokenInhibitRequest(TokenInhibitRequest<'a>),
        /// `tokenInhibitConfirm`.
        32 TokenInhibitConfirm(TokenInhibitConfirm<'a>),
        /// `tokenGiveRequest`.
        33 TokenGiveRequest(TokenGiveRequest<'a>),
        /// `tokenGiveIndication`.
        34 TokenGiveIndication(TokenGiveIndication<'a>),
        /// `tokenGiveResponse`.
        35 TokenGiveResponse(TokenGiveResponse<'a>),
        /// `tokenGiveConfirm`.
        36 TokenGiveConfirm(TokenGiveConfirm<'a>),
        /// `tokenPleaseRequest`.
        37 TokenPleaseRequest(TokenPleaseRequest<'a>),
        /// `tokenPleaseIndication`.
        38 TokenPleaseIndication(TokenPleaseIndication<'a>),
        /// `tokenReleaseRequest`.
        39 TokenReleaseRequest(TokenReleaseRequest<'a>),
        /// `tokenReleaseConfirm`.
        40 TokenReleaseConfirm(TokenReleaseConfirm<'a>),
        /// `tokenTestRequest`.
        41 TokenTestRequest(TokenTestRequest<'a>),
        /// `tokenTestConfirm`.
        42 TokenTestConfirm(TokenTestConfirm<'a>),
        /// `nonStandard`.
        43 NonStandard(NonStandardPdu<'a>),
    }
}
