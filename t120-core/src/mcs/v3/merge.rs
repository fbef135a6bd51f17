//! The PDUs that build, merge and purge a domain, version 3 (T.125 section 8).

use crate::gcc::types::NonStandardParameter;
use crate::mcs::types::{
    AssignedChannelId, ChannelId, PrivateChannelId, StaticChannelId, TokenId, UserId,
};
use crate::per::{List, Unsigned, choice, sequence};

sequence! {
    /// `PlumbDomainIndication` (T.125 section 8).
    PlumbDomainIndication<'a> extensible {
        /// `heightLimit`.
        req height_limit: Unsigned,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ErectDomainRequest` (T.125 section 8).
    ErectDomainRequest<'a> extensible {
        /// `subHeight`.
        req sub_height: Unsigned,
        /// `subInterval`.
        req sub_interval: Unsigned,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ChannelAttributesStatic` (T.125 section 8).
    ChannelAttributesStatic<'a> extensible {
        /// `channelId`.
        req channel_id: StaticChannelId,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ChannelAttributesUserId` (T.125 section 8).
    ChannelAttributesUserId<'a> extensible {
        /// `joined`.
        req joined: bool,
        /// `userId`.
        req user_id: UserId,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ChannelAttributesPrivate` (T.125 section 8).
    ChannelAttributesPrivate<'a> extensible {
        /// `joined`.
        req joined: bool,
        /// `channelId`.
        req channel_id: PrivateChannelId,
        /// `manager`.
        req manager: UserId,
        /// `admitted`.
        req admitted: List<'a, UserId>,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ChannelAttributesAssigned` (T.125 section 8).
    ChannelAttributesAssigned<'a> extensible {
        /// `channelId`.
        req channel_id: AssignedChannelId,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

choice! {
    /// `ChannelAttributes` (T.125 section 8).
    ChannelAttributes<'a> extensible 4 {
        /// `static`.
        0 Static(ChannelAttributesStatic<'a>),
        /// `userId`.
        1 UserId(ChannelAttributesUserId<'a>),
        /// `private`.
        2 Private(ChannelAttributesPrivate<'a>),
        /// `assigned`.
        3 Assigned(ChannelAttributesAssigned<'a>),
    }
}

sequence! {
    /// `MergeChannelsRequest` (T.125 section 8).
    MergeChannelsRequest<'a> extensible {
        /// `mergeChannels`.
        req merge_channels: List<'a, ChannelAttributes<'a>>,
        /// `purgeChannelIds`.
        req purge_channel_ids: List<'a, ChannelId>,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `MergeChannelsConfirm` (T.125 section 8).
    MergeChannelsConfirm<'a> extensible {
        /// `mergeChannels`.
        req merge_channels: List<'a, ChannelAttributes<'a>>,
        /// `purgeChannelIds`.
        req purge_channel_ids: List<'a, ChannelId>,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `PurgeChannelsIndication` (T.125 section 8).
    PurgeChannelsIndication<'a> extensible {
        /// `detachChannelIds`.
        req detach_channel_ids: List<'a, ChannelId>,
        /// `purgeChannelIds`.
        req purge_channel_ids: List<'a, ChannelId>,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `TokenAttributesGrabbed` (T.125 section 8).
    TokenAttributesGrabbed<'a> extensible {
        /// `tokenId`.
        req token_id: TokenId,
        /// `grabber`.
        req grabber: UserId,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `TokenAttributesInhibited` (T.125 section 8).
    TokenAttributesInhibited<'a> extensible {
        /// `tokenId`.
        req token_id: TokenId,
        /// `inhibitors`.
        req inhibitors: List<'a, UserId>,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `TokenAttributesGiving` (T.125 section 8).
    TokenAttributesGiving<'a> extensible {
        /// `tokenId`.
        req token_id: TokenId,
        /// `grabber`.
        req grabber: UserId,
        /// `recipient`.
        req recipient: UserId,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `TokenAttributesUngivable` (T.125 section 8).
    TokenAttributesUngivable<'a> extensible {
        /// `tokenId`.
        req token_id: TokenId,
        /// `grabber`.
        req grabber: UserId,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `TokenAttributesGiven` (T.125 section 8).
    TokenAttributesGiven<'a> extensible {
        /// `tokenId`.
        req token_id: TokenId,
        /// `recipient`.
        req recipient: UserId,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

choice! {
    /// `TokenAttributes` (T.125 section 8).
    TokenAttributes<'a> extensible 5 {
        /// `grabbed`.
        0 Grabbed(TokenAttributesGrabbed<'a>),
        /// `inhibited`.
        1 Inhibited(TokenAttributesInhibited<'a>),
        /// `giving`.
        2 Giving(TokenAttributesGiving<'a>),
        /// `ungivable`.
        3 Ungivable(TokenAttributesUngivable<'a>),
        /// `given`.
        4 Given(TokenAttributesGiven<'a>),
    }
}

sequence! {
    /// `MergeTokensRequest` (T.125 section 8).
    MergeTokensRequest<'a> extensible {
        /// `mergeTokens`.
        req merge_tokens: List<'a, TokenAttributes<'a>>,
        /// `purgeTokenIds`.
        req purge_token_ids: List<'a, TokenId>,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `MergeTokensConfirm` (T.125 section 8).
    MergeTokensConfirm<'a> extensible {
        /// `mergeTokens`.
        req merge_tokens: List<'a, TokenAttributes<'a>>,
        /// `purgeTokenIds`.
        req purge_token_ids: List<'a, TokenId>,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `PurgeTokensIndication` (T.125 section 8).
    PurgeTokensIndication<'a> extensible {
        /// `purgeTokenIds`.
        req purge_token_ids: List<'a, TokenId>,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}
