//! The PDUs of tokens, version 3 (T.125 section 8).

use super::types::{McsResult, TokenStatus};
use crate::gcc::types::NonStandardParameter;
use crate::mcs::types::{TokenId, UserId};
use crate::per::{List, sequence};

sequence! {
    /// `TokenGrabRequest` (T.125 section 8).
    TokenGrabRequest<'a> extensible {
        /// `initiator`.
        req initiator: UserId,
        /// `tokenId`.
        req token_id: TokenId,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `TokenGrabConfirm` (T.125 section 8).
    TokenGrabConfirm<'a> extensible {
        /// `result`.
        req result: McsResult,
        /// `initiator`.
        req initiator: UserId,
        /// `tokenId`.
        req token_id: TokenId,
        /// `tokenStatus`.
        req token_status: TokenStatus,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `TokenInhibitRequest` (T.125 section 8).
    TokenInhibitRequest<'a> extensible {
        /// `initiator`.
        req initiator: UserId,
        /// `tokenId`.
        req token_id: TokenId,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `TokenInhibitConfirm` (T.125 section 8).
    TokenInhibitConfirm<'a> extensible {
        /// `result`.
        req result: McsResult,
        /// `initiator`.
        req initiator: UserId,
        /// `tokenId`.
        req token_id: TokenId,
        /// `tokenStatus`.
        req token_status: TokenStatus,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `TokenGiveRequest` (T.125 section 8).
    TokenGiveRequest<'a> extensible {
        /// `initiator`.
        req initiator: UserId,
        /// `tokenId`.
        req token_id: TokenId,
        /// `recipient`.
        req recipient: UserId,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `TokenGiveIndication` (T.125 section 8).
    TokenGiveIndication<'a> extensible {
        /// `initiator`.
        req initiator: UserId,
        /// `tokenId`.
        req token_id: TokenId,
        /// `recipient`.
        req recipient: UserId,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `TokenGiveResponse` (T.125 section 8).
    TokenGiveResponse<'a> extensible {
        /// `result`.
        req result: McsResult,
        /// `recipient`.
        req recipient: UserId,
        /// `tokenId`.
        req token_id: TokenId,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `TokenGiveConfirm` (T.125 section 8).
    TokenGiveConfirm<'a> extensible {
        /// `result`.
        req result: McsResult,
        /// `initiator`.
        req initiator: UserId,
        /// `tokenId`.
        req token_id: TokenId,
        /// `tokenStatus`.
        req token_status: TokenStatus,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `TokenPleaseRequest` (T.125 section 8).
    TokenPleaseRequest<'a> extensible {
        /// `initiator`.
        req initiator: UserId,
        /// `tokenId`.
        req token_id: TokenId,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `TokenPleaseIndication` (T.125 section 8).
    TokenPleaseIndication<'a> extensible {
        /// `initiator`.
        req initiator: UserId,
        /// `tokenId`.
        req token_id: TokenId,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `TokenReleaseRequest` (T.125 section 8).
    TokenReleaseRequest<'a> extensible {
        /// `initiator`.
        req initiator: UserId,
        /// `tokenId`.
        req token_id: TokenId,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `TokenReleaseConfirm` (T.125 section 8).
    TokenReleaseConfirm<'a> extensible {
        /// `result`.
        req result: McsResult,
        /// `initiator`.
        req initiator: UserId,
        /// `tokenId`.
        req token_id: TokenId,
        /// `tokenStatus`.
        req token_status: TokenStatus,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `TokenTestRequest` (T.125 section 8).
    TokenTestRequest<'a> extensible {
        /// `initiator`.
        req initiator: UserId,
        /// `tokenId`.
        req token_id: TokenId,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `TokenTestConfirm` (T.125 section 8).
    TokenTestConfirm<'a> extensible {
        /// `initiator`.
        req initiator: UserId,
        /// `tokenId`.
        req token_id: TokenId,
        /// `tokenStatus`.
        req token_status: TokenStatus,
        /// `nonStandard`.
        opt non_standard: List<'a, NonStandardParameter<'a>>,
    }
}
