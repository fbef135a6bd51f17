//! The PDUs that build, merge and purge a domain (T.125 section 7, part 3).

use super::types::*;
use crate::per::{List, Unsigned, choice, sequence};

sequence! {
    /// `PlumbDomainIndication` (T.125 section 7).
    PlumbDomainIndication closed {
        /// `heightLimit`.
        req height_limit: Unsigned,
    }
}

sequence! {
    /// `ErectDomainRequest` (T.125 section 7).
    ErectDomainRequest closed {
        /// `subHeight`.
        req sub_height: Unsigned,
        /// `subInterval`.
        req sub_interval: Unsigned,
    }
}

sequence! {
    /// `ChannelAttributesStatic` (T.125 section 7).
    ChannelAttributesStatic closed {
        /// `channelId`.
        req channel_id: StaticChannelId,
    }
}

sequence! {
    /// `ChannelAttributesUserId` (T.125 section 7).
    ChannelAttributesUserId closed {
        /// `joined`.
        req joined: bool,
        /// `userId`.
        req user_id: UserId,
    }
}

sequence! {
    /// `ChannelAttributesPrivate` (T.125 section 7).
    ChannelAttributesPrivate<'a> closed {
        /// `joined`.
        req joined: bool,
        /// `channelId`.
        req channel_id: PrivateChannelId,
        /// `manager`.
        req manager: UserId,
        /// `admitted`.
        req admitted: List<'a, UserId>,
    }
}

sequence! {
    /// `ChannelAttributesAssigned` (T.125 section 7).
    ChannelAttributesAssigned closed {
        /// `channelId`.
        req channel_id: AssignedChannelId,
    }
}

choice! {
    /// `ChannelAttributes` (T.125 section 7).
    ChannelAttributes<'a> closed 4 {
        /// `static`.
        0 Static(ChannelAttributesStatic),
        /// `userId`.
        1 UserId(ChannelAttributesUserId),
        /// `private`.
        2 Private(ChannelAttributesPrivate<'a>),
        /// `assigned`.
        3 Assigned(ChannelAttributesAssigned),
    }
}

sequence! {
    /// `MergeChannelsRequest` (T.125 section 7).
    MergeChannelsRequest<'a> closed {
        /// `mergeChannels`.
        req merge_channels: List<'a, ChannelAttributes<'a>>,
        /// `purgeChannelIds`.
        req purge_channel_ids: List<'a, ChannelId>,
    }
}

sequence! {
    /// `MergeChannelsConfirm` (T.125 section 7).
    MergeChannelsConfirm<'a> closed {
        /// `mergeChannels`.
        req merge_channels: List<'a, ChannelAttributes<'a>>,
        /// `purgeChannelIds`.
        req purge_channel_ids: List<'a, ChannelId>,
    }
}

sequence! {
    /// `PurgeChannelsIndication` (T.125 section 7).
    PurgeChannelsIndication<'a> closed {
        /// `detachUserIds`.
        req detach_user_ids: List<'a, UserId>,
        /// `purgeChannelIds`.
        req purge_channel_ids: List<'a, ChannelId>,
    }
}

sequence! {
    /// `TokenAttributesGrabbed` (T.125 section 7).
    TokenAttributesGrabbed closed {
        /// `tokenId`.
        req token_id: TokenId,
        /// `grabber`.
        req grabber: UserId,
    }
}

sequence! {
    /// `TokenAttributesInhibited` (T.125 section 7).
    TokenAttributesInhibited<'a> closed {
        /// `tokenId`.
        req token_id: TokenId,
        /// `inhibitors`.
        req inhibitors: List<'a, UserId>,
    }
}

sequence! {
    /// `TokenAttributesGiving` (T.125 section 7).
    TokenAttributesGiving closed {
        /// `tokenId`.
        req token_id: TokenId,
        /// `grabber`.
        req grabber: UserId,
        /// `recipient`.
        req recipient: UserId,
    }
}

sequence! {
    /// `TokenAttributesUngivable` (T.125 section 7).
    TokenAttributesUngivable closed {
        /// `tokenId`.
        req token_id: TokenId,
        /// `grabber`.
        req grabber: UserId,
    }
}

sequence! {
    /// `TokenAttributesGiven` (T.125 section 7).
    TokenAttributesGiven closed {
        /// `tokenId`.
        req token_id: TokenId,
        /// `recipient`.
        req recipient: UserId,
    }
}

choice! {
    /// `TokenAttributes` (T.125 section 7).
    TokenAttributes<'a> closed 5 {
        /// `grabbed`.
        0 Grabbed(TokenAttributesGrabbed),
        /// `inhibited`.
        1 Inhibited(TokenAttributesInhibited<'a>),
        /// `giving`.
        2 Giving(TokenAttributesGiving),
        /// `ungivable`.
        3 Ungivable(TokenAttributesUngivable),
        /// `given`.
        4 Given(TokenAttributesGiven),
    }
}

sequence! {
    /// `MergeTokensRequest` (T.125 section 7).
    MergeTokensRequest<'a> closed {
        /// `mergeTokens`.
        req merge_tokens: List<'a, TokenAttributes<'a>>,
        /// `purgeTokenIds`.
        req purge_token_ids: List<'a, TokenId>,
    }
}

sequence! {
    /// `MergeTokensConfirm` (T.125 section 7).
    MergeTokensConfirm<'a> closed {
        /// `mergeTokens`.
        req merge_tokens: List<'a, TokenAttributes<'a>>,
        /// `purgeTokenIds`.
        req purge_token_ids: List<'a, TokenId>,
    }
}

sequence! {
    /// `PurgeTokensIndication` (T.125 section 7).
    PurgeTokensIndication<'a> closed {
        /// `purgeTokenIds`.
        req purge_token_ids: List<'a, TokenId>,
    }
}
