//! The PDUs of users, channels and data, version 3 (T.125 section 8).

use super::types::*;
use crate::gcc::types::NonStandardParameter;
use crate::mcs::Segmentation;
use crate::mcs::types::{ChannelId, PrivateChannelId, UserId};
use crate::per::{Integer, List, Octets, sequence};

sequence! {
    /// `DisconnectProviderUltimatum` (T.125 section 8).
    DisconnectProviderUltimatum<'a> extensible {
        /// `reason`.
        req reason: Reason,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `RejectMCSPDUUltimatum` (T.125 section 8).
    RejectMcsPduUltimatum<'a> extensible {
        /// `diagnostic`.
        req diagnostic: Diagnostic,
        /// `initialOctets`.
        req initial_octets: Octets<'a>,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `AttachUserRequest` (T.125 section 8).
    AttachUserRequest<'a> extensible {
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `AttachUserConfirm` (T.125 section 8).
    AttachUserConfirm<'a> extensible {
        /// `result`.
        req result: McsResult,
        /// `initiator`.
        opt initiator: UserId,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `DetachUserRequest` (T.125 section 8).
    DetachUserRequest<'a> extensible {
        /// `reason`.
        req reason: Reason,
        /// `userIds`.
        req user_ids: List<'a, UserId>,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `DetachUserIndication` (T.125 section 8).
    DetachUserIndication<'a> extensible {
        /// `reason`.
        req reason: Reason,
        /// `userIds`.
        req user_ids: List<'a, UserId>,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ChannelJoinRequest` (T.125 section 8).
    ChannelJoinRequest<'a> extensible {
        /// `initiator`.
        req initiator: UserId,
        /// `channelId`.
        req channel_id: ChannelId,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ChannelJoinConfirm` (T.125 section 8).
    ChannelJoinConfirm<'a> extensible {
        /// `result`.
        req result: McsResult,
        /// `initiator`.
        req initiator: UserId,
        /// `requested`.
        req requested: ChannelId,
        /// `channelId`.
        opt channel_id: ChannelId,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ChannelLeaveRequest` (T.125 section 8).
    ChannelLeaveRequest<'a> extensible {
        /// `channelIds`.
        req channel_ids: List<'a, ChannelId>,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ChannelConveneRequest` (T.125 section 8).
    ChannelConveneRequest<'a> extensible {
        /// `initiator`.
        req initiator: UserId,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ChannelConveneConfirm` (T.125 section 8).
    ChannelConveneConfirm<'a> extensible {
        /// `result`.
        req result: McsResult,
        /// `initiator`.
        req initiator: UserId,
        /// `channelId`.
        opt channel_id: PrivateChannelId,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ChannelDisbandRequest` (T.125 section 8).
    ChannelDisbandRequest<'a> extensible {
        /// `initiator`.
        req initiator: UserId,
        /// `channelId`.
        req channel_id: PrivateChannelId,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ChannelDisbandIndication` (T.125 section 8).
    ChannelDisbandIndication<'a> extensible {
        /// `channelId`.
        req channel_id: PrivateChannelId,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ChannelAdmitRequest` (T.125 section 8).
    ChannelAdmitRequest<'a> extensible {
        /// `initiator`.
        req initiator: UserId,
        /// `channelId`.
        req channel_id: PrivateChannelId,
        /// `userIds`.
        req user_ids: List<'a, UserId>,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ChannelAdmitIndication` (T.125 section 8).
    ChannelAdmitIndication<'a> extensible {
        /// `initiator`.
        req initiator: UserId,
        /// `channelId`.
        req channel_id: PrivateChannelId,
        /// `userIds`.
        req user_ids: List<'a, UserId>,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ChannelExpelRequest` (T.125 section 8).
    ChannelExpelRequest<'a> extensible {
        /// `initiator`.
        req initiator: UserId,
        /// `channelId`.
        req channel_id: PrivateChannelId,
        /// `userIds`.
        req user_ids: List<'a, UserId>,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ChannelExpelIndication` (T.125 section 8).
    ChannelExpelIndication<'a> extensible {
        /// `channelId`.
        req channel_id: PrivateChannelId,
        /// `userIds`.
        req user_ids: List<'a, UserId>,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `SendDataRequest` (T.125 section 8).
    SendDataRequest<'a> extensible {
        /// `initiator`.
        req initiator: UserId,
        /// `channelId`.
        req channel_id: ChannelId,
        /// `reliability`.
        req reliability: bool,
        /// `domainReferenceID`.
        opt domain_reference_id: u16,
        /// `dataPriority`.
        req data_priority: DataPriority,
        /// `segmentation`.
        req segmentation: Segmentation,
        /// `userData`.
        req user_data: Octets<'a>,
        /// `totalDataSize`.
        opt total_data_size: Integer,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `SendDataIndication` (T.125 section 8).
    SendDataIndication<'a> extensible {
        /// `initiator`.
        req initiator: UserId,
        /// `channelId`.
        req channel_id: ChannelId,
        /// `reliability`.
        req reliability: bool,
        /// `domainReferenceID`.
        opt domain_reference_id: u16,
        /// `dataPriority`.
        req data_priority: DataPriority,
        /// `segmentation`.
        req segmentation: Segmentation,
        /// `userData`.
        req user_data: Octets<'a>,
        /// `totalDataSize`.
        opt total_data_size: Integer,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `UniformSendDataRequest` (T.125 section 8).
    UniformSendDataRequest<'a> extensible {
        /// `initiator`.
        req initiator: UserId,
        /// `channelId`.
        req channel_id: ChannelId,
        /// `reliability`.
        req reliability: bool,
        /// `domainReferenceID`.
        opt domain_reference_id: u16,
        /// `dataPriority`.
        req data_priority: DataPriority,
        /// `segmentation`.
        req segmentation: Segmentation,
        /// `userData`.
        req user_data: Octets<'a>,
        /// `totalDataSize`.
        opt total_data_size: Integer,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `UniformSendDataIndication` (T.125 section 8).
    UniformSendDataIndication<'a> extensible {
        /// `initiator`.
        req initiator: UserId,
        /// `channelId`.
        req channel_id: ChannelId,
        /// `reliability`.
        req reliability: bool,
        /// `domainReferenceID`.
        opt domain_reference_id: u16,
        /// `dataPriority`.
        req data_priority: DataPriority,
        /// `segmentation`.
        req segmentation: Segmentation,
        /// `userData`.
        req user_data: Octets<'a>,
        /// `totalDataSize`.
        opt total_data_size: Integer,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}
