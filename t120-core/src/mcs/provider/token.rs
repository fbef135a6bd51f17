//! Tokens (T.125 sections 11.36 to 11.49). The top decides; all others know which users of theirs
//! have which token, so that what is asked of these finds them.
//!
//! ```text
//!            grab             give               yes
//!   free ----------> grabbed ------> giving ----------> grabbed by the recipient
//!    ^ \                ^              |   \ no: back to grabbed
//!    |  \ inhibit       | grab, alone  |    \ recipient gone: back to grabbed, the donor is told
//!    |   +-----> inhibited             | release by the donor
//!    |  release of the last            v        yes
//!    +------------------------------ given -----------> grabbed by the recipient
//!                                      no, or recipient gone: free
//! ```

use super::super::domain::DomainMcsPdu;
use super::super::notice::{Notice, TokenConfirm};
use super::super::token::{
    TokenGiveConfirm, TokenGiveIndication, TokenGiveRequest, TokenGiveResponse, TokenGrabConfirm,
    TokenGrabRequest, TokenInhibitConfirm, TokenInhibitRequest, TokenPleaseIndication,
    TokenPleaseRequest, TokenReleaseConfirm, TokenReleaseRequest, TokenTestConfirm,
    TokenTestRequest,
};
use super::super::{McsResult, TokenId, TokenStatus, UserId};
use super::{ListId, NOBODY, Provider, Way, user_of};
use crate::error::{Error, Full};

/// How a token stands (T.125 section 12.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// This is not the top: who has it of those here and below is all that is known.
    Below,
    Grabbed {
        grabber: UserId,
    },
    Inhibited,
    Giving {
        grabber: UserId,
        recipient: UserId,
    },
    Given {
        recipient: UserId,
    },
}

/// A token that somebody has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(super) state: State,
    /// The first of the list of those who have it or are being given it.
    pub(super) first: u32,
}

fn key(token: TokenId) -> u64 {
    u64::from(token.value())
}

/// A request of a local user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenAction {
    Grab,
    Inhibit,
    Give(UserId),
    Answer(McsResult),
    Please,
    Release,
    Test,
}

impl Provider<'_> {
    /// A local user wants something of a token; the answer comes as a notice.
    pub(crate) fn token(
        &mut self,
        user: UserId,
        token_id: TokenId,
        action: TokenAction,
    ) -> Result<(), Error> {
        self.check_local(user)?;
        let initiator = user;
        let pdu = match action {
            TokenAction::Grab => {
                DomainMcsPdu::TokenGrabRequest(TokenGrabRequest { initiator, token_id })
            }
            TokenAction::Inhibit => {
                DomainMcsPdu::TokenInhibitRequest(TokenInhibitRequest { initiator, token_id })
            }
            TokenAction::Give(recipient) => {
                DomainMcsPdu::TokenGiveRequest(TokenGiveRequest { initiator, token_id, recipient })
            }
            TokenAction::Answer(result) => DomainMcsPdu::TokenGiveResponse(TokenGiveResponse {
                result,
                recipient: user,
                token_id,
            }),
            TokenAction::Please => {
                DomainMcsPdu::TokenPleaseRequest(TokenPleaseRequest { initiator, token_id })
            }
            TokenAction::Release => {
                DomainMcsPdu::TokenReleaseRequest(TokenReleaseRequest { initiator, token_id })
            }
            TokenAction::Test => {
                DomainMcsPdu::TokenTestRequest(TokenTestRequest { initiator, token_id })
            }
        };
        self.token_request(user, &pdu)
    }

    /// Sends a request of a user here or below up, or decides it at the top.
    pub(super) fn token_request(
        &mut self,
        initiator: UserId,
        pdu: &DomainMcsPdu<'_>,
    ) -> Result<(), Error> {
        if let (false, Some(upward)) = (self.top, self.upward) {
            if let DomainMcsPdu::TokenGiveResponse(pdu) = pdu
                && pdu.result != McsResult::Successful
            {
                self.dispossess(pdu.token_id, initiator);
            }
            return Ok(self.send_pdu(upward, pdu)?);
        }
        match pdu {
            DomainMcsPdu::TokenGrabRequest(pdu) => self.decide_grab(initiator, pdu.token_id),
            DomainMcsPdu::TokenInhibitRequest(pdu) => self.decide_inhibit(initiator, pdu.token_id),
            DomainMcsPdu::TokenGiveRequest(pdu) => self.decide_give(pdu),
            DomainMcsPdu::TokenGiveResponse(pdu) => self.decide_answer(pdu),
            DomainMcsPdu::TokenPleaseRequest(pdu) => {
                let TokenPleaseRequest { initiator, token_id } = *pdu;
                self.pleased(TokenPleaseIndication { initiator, token_id })
            }
            DomainMcsPdu::TokenReleaseRequest(pdu) => self.decide_release(initiator, pdu.token_id),
            DomainMcsPdu::TokenTestRequest(pdu) => {
                let token_status = self.status(pdu.token_id, initiator);
                let token_id = pdu.token_id;
                let confirm = TokenTestConfirm { initiator, token_id, token_status };
                self.token_confirm(&DomainMcsPdu::TokenTestConfirm(confirm))
            }
            _ => Ok(()),
        }
    }

    /// How a token stands for a user, at the top.
    fn status(&self, token: TokenId, user: UserId) -> TokenStatus {
        let Some(entry) = self.tokens.get(key(token)) else { return TokenStatus::NotInUse };
        let inhibits = || {
            let list = ListId::possessors(token.value());
            self.lists.contains(list, u32::from(user.value()))
        };
        match entry.state {
            State::Giving { recipient, .. } | State::Given { recipient } if recipient == user => {
                TokenStatus::SelfRecipient
            }
            State::Giving { grabber, .. } if grabber == user => TokenStatus::SelfGiving,
            State::Giving { .. } | State::Given { .. } => TokenStatus::OtherGiving,
            State::Grabbed { grabber } if grabber == user => TokenStatus::SelfGrabbed,
            State::Grabbed { .. } => TokenStatus::OtherGrabbed,
            State::Inhibited if inhibits() => TokenStatus::SelfInhibited,
            State::Inhibited => TokenStatus::OtherInhibited,
            State::Below => TokenStatus::NotInUse,
        }
    }

    /// A user has a token from now on, or is being given it.
    pub(super) fn possess(
        &mut self,
        token: TokenId,
        user: UserId,
        state: State,
    ) -> Result<(), Full> {
        let entry = match self.tokens.get(key(token)) {
            Some(entry) => *entry,
            None => {
                let limit = self.parameters.max_token_ids as usize;
                if self.tokens.len() >= limit {
                    return Err(Full { capacity: limit });
                }
                Token { state, first: NOBODY }
            }
        };
        self.tokens.insert(key(token), Token { state, ..entry })?;
        let mut first = entry.first;
        let list = ListId::possessors(token.value());
        let result = self.lists.add(list, &mut first, u32::from(user.value()));
        self.keep_token(
            token,
            Token { state: if result.is_ok() { state } else { entry.state }, first },
        );
        result
    }

    fn keep_token(&mut self, token: TokenId, entry: Token) {
        if entry.first == NOBODY {
            self.tokens.remove(key(token));
        } else if let Some(place) = self.tokens.get_mut(key(token)) {
            *place = entry;
        }
    }

    /// A user has a token no more.
    fn dispossess(&mut self, token: TokenId, user: UserId) {
        let Some(mut entry) = self.tokens.get(key(token)).copied() else { return };
        let list = ListId::possessors(token.value());
        self.lists.remove(list, &mut entry.first, u32::from(user.value()));
        self.keep_token(token, entry);
    }

    fn set_state(&mut self, token: TokenId, state: State) {
        if let Some(entry) = self.tokens.get_mut(key(token)) {
            entry.state = state;
        }
    }

    /// Whether the user has the token alone, as an inhibitor.
    fn inhibits_alone(&self, entry: &Token, token: TokenId, user: UserId) -> bool {
        let mut others = self.users_in(ListId::possessors(token.value()), entry.first);
        entry.state == State::Inhibited && others.all(|other| other == user)
    }

    fn decide_grab(&mut self, initiator: UserId, token_id: TokenId) -> Result<(), Error> {
        let result = match self.tokens.get(key(token_id)).copied() {
            Some(entry) if !self.inhibits_alone(&entry, token_id, initiator) => {
                McsResult::TokenNotAvailable
            }
            _ => match self.possess(token_id, initiator, State::Grabbed { grabber: initiator }) {
                Ok(()) => McsResult::Successful,
                Err(_) => McsResult::TooManyTokens,
            },
        };
        let token_status = self.status(token_id, initiator);
        let confirm = TokenGrabConfirm { result, initiator, token_id, token_status };
        self.token_confirm(&DomainMcsPdu::TokenGrabConfirm(confirm))
    }

    fn decide_inhibit(&mut self, initiator: UserId, token_id: TokenId) -> Result<(), Error> {
        let open = match self.tokens.get(key(token_id)).map(|entry| entry.state) {
            None | Some(State::Inhibited) => true,
            Some(State::Grabbed { grabber }) => grabber == initiator,
            Some(_) => false,
        };
        let result = if !open {
            McsResult::TokenNotAvailable
        } else if self.possess(token_id, initiator, State::Inhibited).is_ok() {
            McsResult::Successful
        } else {
            McsResult::TooManyTokens
        };
        let token_status = self.status(token_id, initiator);
        let confirm = TokenInhibitConfirm { result, initiator, token_id, token_status };
        self.token_confirm(&DomainMcsPdu::TokenInhibitConfirm(confirm))
    }

    fn decide_give(&mut self, request: &TokenGiveRequest) -> Result<(), Error> {
        let TokenGiveRequest { initiator, token_id, recipient } = *request;
        let state = self.tokens.get(key(token_id)).map(|entry| entry.state);
        let result = if state != Some(State::Grabbed { grabber: initiator }) {
            McsResult::TokenNotPossessed
        } else if !self.is_user(recipient) || recipient == initiator {
            McsResult::NoSuchUser
        } else {
            let giving = State::Giving { grabber: initiator, recipient };
            if self.possess(token_id, recipient, giving).is_ok() {
                let indication = TokenGiveIndication { initiator, token_id, recipient };
                return self.given(indication);
            }
            McsResult::TooManyTokens
        };
        self.confirm_give(result, initiator, token_id)
    }

    fn confirm_give(
        &mut self,
        result: McsResult,
        initiator: UserId,
        token_id: TokenId,
    ) -> Result<(), Error> {
        let token_status = self.status(token_id, initiator);
        let confirm = TokenGiveConfirm { result, initiator, token_id, token_status };
        self.token_confirm(&DomainMcsPdu::TokenGiveConfirm(confirm))
    }

    /// The recipient of a token is gone, and its donor is told.
    pub(super) fn confirm_no_recipient(
        &mut self,
        donor: UserId,
        token: TokenId,
    ) -> Result<(), Error> {
        self.confirm_give(McsResult::NoSuchUser, donor, token)
    }

    fn decide_answer(&mut self, response: &TokenGiveResponse) -> Result<(), Error> {
        let TokenGiveResponse { result, recipient, token_id } = *response;
        let taken = result == McsResult::Successful;
        match self.tokens.get(key(token_id)).map(|entry| entry.state) {
            Some(State::Giving { grabber, recipient: expected }) if expected == recipient => {
                if taken {
                    self.set_state(token_id, State::Grabbed { grabber: recipient });
                    self.dispossess(token_id, grabber);
                } else {
                    self.set_state(token_id, State::Grabbed { grabber });
                    self.dispossess(token_id, recipient);
                }
                self.confirm_give(result, grabber, token_id)
            }
            Some(State::Given { recipient: expected }) if expected == recipient => {
                if taken {
                    self.set_state(token_id, State::Grabbed { grabber: recipient });
                } else {
                    self.dispossess(token_id, recipient);
                }
                Ok(())
            }
            // It was answered before, or given to somebody else meanwhile.
            _ => Ok(()),
        }
    }

    fn decide_release(&mut self, initiator: UserId, token_id: TokenId) -> Result<(), Error> {
        let possessed = match self.status(token_id, initiator) {
            TokenStatus::SelfGrabbed | TokenStatus::SelfInhibited => true,
            TokenStatus::SelfGiving => {
                let entry = self.tokens.get(key(token_id));
                if let Some(State::Giving { recipient, .. }) = entry.map(|entry| entry.state) {
                    self.set_state(token_id, State::Given { recipient });
                }
                true
            }
            _ => false,
        };
        if possessed {
            self.dispossess(token_id, initiator);
        }
        let result = if possessed { McsResult::Successful } else { McsResult::TokenNotPossessed };
        let token_status = self.status(token_id, initiator);
        let confirm = TokenReleaseConfirm { result, initiator, token_id, token_status };
        self.token_confirm(&DomainMcsPdu::TokenReleaseConfirm(confirm))
    }

    /// A confirm goes down to whoever has asked; all on the way learn what it has.
    pub(super) fn token_confirm(&mut self, pdu: &DomainMcsPdu<'_>) -> Result<(), Error> {
        let confirm = |user, token, result, status| TokenConfirm { user, token, result, status };
        let notice = match pdu {
            DomainMcsPdu::TokenGrabConfirm(p) => {
                Notice::TokenGrab(confirm(p.initiator, p.token_id, p.result, p.token_status))
            }
            DomainMcsPdu::TokenInhibitConfirm(p) => {
                Notice::TokenInhibit(confirm(p.initiator, p.token_id, p.result, p.token_status))
            }
            DomainMcsPdu::TokenGiveConfirm(p) => {
                Notice::TokenGiveConfirm(confirm(p.initiator, p.token_id, p.result, p.token_status))
            }
            DomainMcsPdu::TokenReleaseConfirm(p) => {
                Notice::TokenRelease(confirm(p.initiator, p.token_id, p.result, p.token_status))
            }
            DomainMcsPdu::TokenTestConfirm(p) => Notice::TokenTest(confirm(
                p.initiator,
                p.token_id,
                McsResult::Successful,
                p.token_status,
            )),
            _ => return Ok(()),
        };
        let (Notice::TokenGrab(told)
        | Notice::TokenInhibit(told)
        | Notice::TokenGiveConfirm(told)
        | Notice::TokenRelease(told)
        | Notice::TokenTest(told)) = notice
        else {
            return Ok(());
        };
        if !self.top && self.is_user(told.user) {
            match told.status {
                TokenStatus::SelfGrabbed
                | TokenStatus::SelfInhibited
                | TokenStatus::SelfRecipient
                | TokenStatus::SelfGiving => {
                    // Without room for it here nobody asks this user for the token.
                    let _ = self.possess(told.token, told.user, State::Below);
                }
                _ => self.dispossess(told.token, told.user),
            }
        }
        match self.way_to(told.user) {
            Some(Way::Below(connection)) => Ok(self.send_pdu(connection, pdu)?),
            Some(Way::Here) => {
                self.tell(notice);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The recipient is asked whether it takes the token.
    pub(super) fn given(&mut self, indication: TokenGiveIndication) -> Result<(), Error> {
        let TokenGiveIndication { initiator, token_id, recipient } = indication;
        if !self.top && self.is_user(recipient) {
            let _ = self.possess(token_id, recipient, State::Below);
        }
        match self.way_to(recipient) {
            Some(Way::Below(connection)) => {
                Ok(self.send_pdu(connection, &DomainMcsPdu::TokenGiveIndication(indication))?)
            }
            Some(Way::Here) => {
                self.tell(Notice::TokenGive { user: recipient, token: token_id, donor: initiator });
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// All who have the token are asked for it.
    pub(super) fn pleased(&mut self, indication: TokenPleaseIndication) -> Result<(), Error> {
        let TokenPleaseIndication { initiator, token_id } = indication;
        let Some(entry) = self.tokens.get(key(token_id)).copied() else { return Ok(()) };
        let list = ListId::possessors(token_id.value());
        let pdu = DomainMcsPdu::TokenPleaseIndication(indication);
        let mut next = entry.first;
        let mut told = None;
        while let Some(user) = user_of(next) {
            next = self.lists.after(list, next);
            match self.way_to(user) {
                Some(Way::Here) => {
                    self.tell(Notice::TokenPlease { user, token: token_id, initiator });
                }
                Some(Way::Below(connection)) => {
                    // One for each connection, however many are below it.
                    let way = Some(Way::Below(connection));
                    let first = self.users_in(list, entry.first).find(|u| self.way_to(*u) == way);
                    if first == Some(user) && told != way {
                        told = way;
                        self.send_pdu(connection, &pdu)?;
                    }
                }
                None => {}
            }
        }
        Ok(())
    }

    /// A user who had a token, or was being given it, is gone.
    pub(super) fn no_longer_possesses(&mut self, token: u16, user: UserId) -> Result<(), Error> {
        let Some(token) = TokenId::new(token) else { return Ok(()) };
        let state = self.tokens.get(key(token)).map(|entry| entry.state);
        let mut donor = None;
        match state {
            Some(State::Giving { grabber, recipient }) if grabber == user => {
                self.set_state(token, State::Given { recipient });
            }
            Some(State::Giving { grabber, .. }) => {
                self.set_state(token, State::Grabbed { grabber });
                donor = Some(grabber);
            }
            _ => {}
        }
        self.dispossess(token, user);
        match donor {
            Some(donor) => self.confirm_no_recipient(donor, token),
            None => Ok(()),
        }
    }
}
