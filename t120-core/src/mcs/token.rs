//! The PDUs of tokens (T.125 section 7, part 8).

use super::types::*;
use crate::per::sequence;

sequence! {
    /// `TokenGrabRequest` (T.125 section 7).
    TokenGrabRequest closed {
        /// `initiator`.
        req initiator: UserId,
        /// `tokenId`.
        req token_id: TokenId,
    }
}

sequence! {
    /// `TokenGrabConfirm` (T.125 section 7).
    TokenGrabConfirm closed {
        /// `result`.
        req result: McsResult,
        /// `initiator`.
        req initiator: UserId,
        /// `tokenId`.
        req token_id: TokenId,
        /// `tokenStatus`.
        req token_status: TokenStatus,
    }
}

sequence! {
    /// `TokenInhibitRequest` (T.125 section 7).
    TokenInhibitRequest closed {
        /// `initiator`.
        req initiator: UserId,
        /// `tokenId`.
        req token_id: TokenId,
    }
}

sequence! {
    /// `TokenInhibitConfirm` (T.125 section 7).
    TokenInhibitConfirm closed {
        /// `result`.
        req result: McsResult,
        /// `initiator`.
        req initiator: UserId,
        /// `tokenId`.
        req token_id: TokenId,
        /// `tokenStatus`.
        req token_status: TokenStatus,
    }
}

sequence! {
    /// `TokenGiveRequest` (T.125 section 7).
    TokenGiveRequest closed {
        /// `initiator`.
        req initiator: UserId,
        /// `tokenId`.
        req token_id: TokenId,
        /// `recipient`.
        req recipient: UserId,
    }
}

sequence! {
    /// `TokenGiveIndication` (T.125 section 7).
    TokenGiveIndication closed {
        /// `initiator`.
        req initiator: UserId,
        /// `tokenId`.
        req token_id: TokenId,
        /// `recipient`.
        req recipient: UserId,
    }
}

sequence! {
    /// `TokenGiveResponse` (T.125 section 7).
    TokenGiveResponse closed {
        /// `result`.
        req result: McsResult,
        /// `recipient`.
        req recipient: UserId,
        /// `tokenId`.
        req token_id: TokenId,
    }
}

sequence! {
    /// `TokenGiveConfirm` (T.125 section 7).
    TokenGiveConfirm closed {
        /// `result`.
        req result: McsResult,
        /// `initiator`.
        req initiator: UserId,
        /// `tokenId`.
        req token_id: TokenId,
        /// `tokenStatus`.
        req token_status: TokenStatus,
    }
}

sequence! {
    /// `TokenPleaseRequest` (T.125 section 7).
    TokenPleaseRequest closed {
        /// `initiator`.
        req initiator: UserId,
        /// `tokenId`.
        req token_id: TokenId,
    }
}

sequence! {
    /// `TokenPleaseIndication` (T.125 section 7).
    TokenPleaseIndication closed {
        /// `initiator`.
        req initiator: UserId,
        /// `tokenId`.
        req token_id: TokenId,
    }
}

sequence! {
    /// `TokenReleaseRequest` (T.125 section 7).
    TokenReleaseRequest closed {
        /// `initiator`.
        req initiator: UserId,
        /// `tokenId`.
        req token_id: TokenId,
    }
}

sequence! {
    /// `TokenReleaseConfirm` (T.125 section 7).
    TokenReleaseConfirm closed {
        /// `result`.
        req result: McsResult,
        /// `initiator`.
        req initiator: UserId,
        /// `tokenId`.
        req token_id: TokenId,
        /// `tokenStatus`.
        req token_status: TokenStatus,
    }
}

sequence! {
    /// `TokenTestRequest` (T.125 section 7).
    TokenTestRequest closed {
        /// `initiator`.
        req initiator: UserId,
        /// `tokenId`.
        req token_id: TokenId,
    }
}

sequence! {
    /// `TokenTestConfirm` (T.125 section 7).
    TokenTestConfirm closed {
        /// `initiator`.
        req initiator: UserId,
        /// `tokenId`.
        req token_id: TokenId,
        /// `tokenStatus`.
        req token_status: TokenStatus,
    }
}
