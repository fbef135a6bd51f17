//! What MCS tells its users: confirms and indications (T.122 section 7).

use super::types::{ChannelId, McsResult, PrivateChannelId, Reason, TokenId, TokenStatus, UserId};

/// A confirm or an indication for a user that is attached here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Notice {
    /// MCS-ATTACH-USER confirm.
    Attach {
        /// What the request was marked with.
        tag: u16,
        /// The user's number, or why there is none.
        result: Result<UserId, McsResult>,
    },
    /// MCS-DETACH-USER indication: the user is attached no more, without having asked for it.
    Detach {
        /// Who.
        user: UserId,
        /// Why.
        reason: Reason,
    },
    /// MCS-CHANNEL-JOIN confirm.
    ChannelJoin {
        /// Who has asked.
        user: UserId,
        /// For which channel; 0 asked for a new one.
        requested: ChannelId,
        /// The channel that is joined, or why none is.
        result: Result<ChannelId, McsResult>,
    },
    /// MCS-CHANNEL-LEAVE indication: the channel was purged.
    ChannelLeave {
        /// Who had joined it.
        user: UserId,
        /// Which.
        channel: ChannelId,
    },
    /// MCS-CHANNEL-CONVENE confirm.
    ChannelConvene {
        /// Who has asked: the manager of the channel.
        user: UserId,
        /// The new private channel, or why there is none.
        result: Result<PrivateChannelId, McsResult>,
    },
    /// MCS-CHANNEL-DISBAND indication.
    ChannelDisband {
        /// Who was admitted to it.
        user: UserId,
        /// The channel that is no more.
        channel: PrivateChannelId,
    },
    /// MCS-CHANNEL-ADMIT indication: the user may join.
    ChannelAdmit {
        /// Who may.
        user: UserId,
        /// Which channel.
        channel: PrivateChannelId,
        /// Who lets it.
        manager: UserId,
    },
    /// MCS-CHANNEL-EXPEL indication: the user may not join any more.
    ChannelExpel {
        /// Who may not.
        user: UserId,
        /// Which channel.
        channel: PrivateChannelId,
    },
    /// MCS-TOKEN-GRAB confirm.
    TokenGrab(TokenConfirm),
    /// MCS-TOKEN-INHIBIT confirm.
    TokenInhibit(TokenConfirm),
    /// MCS-TOKEN-GIVE confirm: the recipient has answered, or is gone.
    TokenGiveConfirm(TokenConfirm),
    /// MCS-TOKEN-RELEASE confirm.
    TokenRelease(TokenConfirm),
    /// MCS-TOKEN-TEST confirm.
    TokenTest(TokenConfirm),
    /// MCS-TOKEN-GIVE indication: to be answered.
    TokenGive {
        /// To whom it is given.
        user: UserId,
        /// What.
        token: TokenId,
        /// Who gives.
        donor: UserId,
    },
    /// MCS-TOKEN-PLEASE indication: somebody would like a token that the user has.
    TokenPlease {
        /// Who has it, or is being given it.
        user: UserId,
        /// Which.
        token: TokenId,
        /// Who would like it.
        initiator: UserId,
    },
}

/// What became of a request for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TokenConfirm {
    /// Who has asked.
    pub user: UserId,
    /// For which token.
    pub token: TokenId,
    /// Whether it was granted; a test always is.
    pub result: McsResult,
    /// How the token stands now, from the user's point of view.
    pub status: TokenStatus,
}

impl Notice {
    /// Room that is free.
    pub(crate) const EMPTY: Self =
        Self::Detach { user: UserId::MIN, reason: Reason::DomainDisconnected };
}

impl Notice {
    /// Whom it is for; none for an attachment.
    pub const fn user(&self) -> Option<UserId> {
        match self {
            Self::Attach { .. } => None,
            Self::Detach { user, .. }
            | Self::ChannelJoin { user, .. }
            | Self::ChannelLeave { user, .. }
            | Self::ChannelConvene { user, .. }
            | Self::ChannelDisband { user, .. }
            | Self::ChannelAdmit { user, .. }
            | Self::ChannelExpel { user, .. }
            | Self::TokenGive { user, .. }
            | Self::TokenPlease { user, .. } => Some(*user),
            Self::TokenGrab(confirm)
            | Self::TokenInhibit(confirm)
            | Self::TokenGiveConfirm(confirm)
            | Self::TokenRelease(confirm)
            | Self::TokenTest(confirm) => Some(confirm.user),
        }
    }
}

impl Default for Notice {
    fn default() -> Self {
        Self::EMPTY
    }
}
