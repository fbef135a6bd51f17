//! Conducted mode: one node leads, and holds a token for it (T.124 section 7.7).

use super::Conference;
use crate::error::Error;
use crate::gcc::conference::{
    ConductorAssignIndication, ConductorPermissionAskIndication,
    ConductorPermissionGrantIndication, ConductorReleaseIndication,
};
use crate::gcc::pdu::IndicationPdu;
use crate::mcs::provider::TokenAction;
use crate::mcs::{McsResult, TokenConfirm, TokenId, UserId};
use crate::per::List;

/// The conductor's token (T.120 Annex A; from memory).
const TOKEN: TokenId = TokenId::MIN;

impl Conference<'_> {
    /// Takes the lead, if nobody has it: [`Event::ConductorChanged`](super::Event::ConductorChanged)
    /// follows.
    ///
    /// # Errors
    /// [`Error::WrongState`] in no conference or one that is not conductible, [`Error::Full`]
    /// without room for the request.
    pub fn assign_conductor(&mut self) -> Result<(), Error> {
        self.conductor_token(TokenAction::Grab)
    }

    /// Gives the lead back.
    ///
    /// # Errors
    /// As for [`assign_conductor`](Self::assign_conductor); [`Error::WrongState`] also where this
    /// node has not the lead.
    pub fn release_conductor(&mut self) -> Result<(), Error> {
        if self.conductor.is_none() || self.conductor != self.node {
            return Err(Error::WrongState);
        }
        self.conductor_token(TokenAction::Release)
    }

    /// Asks the conductor for the lead: its host gets
    /// [`Event::ConductorWanted`](super::Event::ConductorWanted).
    ///
    /// # Errors
    /// As for [`assign_conductor`](Self::assign_conductor).
    pub fn please_conductor(&mut self) -> Result<(), Error> {
        self.conductor_token(TokenAction::Please)
    }

    /// Gives the lead to a node, whose host gets
    /// [`Event::ConductorOffered`](super::Event::ConductorOffered).
    ///
    /// # Errors
    /// As for [`release_conductor`](Self::release_conductor).
    pub fn give_conductor(&mut self, node: UserId) -> Result<(), Error> {
        if self.conductor.is_none() || self.conductor != self.node {
            return Err(Error::WrongState);
        }
        self.conductor_token(TokenAction::Give(node))
    }

    /// Answers [`Event::ConductorOffered`](super::Event::ConductorOffered).
    ///
    /// # Errors
    /// As for [`assign_conductor`](Self::assign_conductor).
    pub fn answer_conductor(&mut self, take: bool) -> Result<(), Error> {
        let result = if take { McsResult::Successful } else { McsResult::UserRejected };
        self.conductor_token(TokenAction::Answer(result))?;
        if take && let Some(node) = self.node {
            self.tell_conductor(node)?;
        }
        Ok(())
    }

    /// Asks the conductor for permission to act, or gives it back.
    ///
    /// # Errors
    /// As for [`assign_conductor`](Self::assign_conductor).
    pub fn ask_permission(&mut self, grant: bool) -> Result<(), Error> {
        let indication = ConductorPermissionAskIndication { grant_flag: grant };
        self.indicate(None, IndicationPdu::ConductorPermissionAskIndication(indication))
    }

    /// Says, as the conductor, which nodes may act.
    ///
    /// # Errors
    /// As for [`release_conductor`](Self::release_conductor).
    pub fn grant_permission(&mut self, nodes: &[UserId]) -> Result<(), Error> {
        if self.conductor.is_none() || self.conductor != self.node {
            return Err(Error::WrongState);
        }
        let indication = ConductorPermissionGrantIndication {
            permission_list: List::new(nodes),
            waiting_list: None,
        };
        self.indicate(None, IndicationPdu::ConductorPermissionGrantIndication(indication))
    }

    /// The node that conducts the conference, if one does.
    pub const fn conductor(&self) -> Option<UserId> {
        self.conductor
    }

    fn conductor_token(&mut self, action: TokenAction) -> Result<(), Error> {
        let node = self.node.filter(|_| self.profile.conductible).ok_or(Error::WrongState)?;
        self.provider.token(node, TOKEN, action)?;
        self.settle()
    }

    pub(super) fn conductor_confirmed(&mut self, confirm: TokenConfirm) -> Result<(), Error> {
        if confirm.result == McsResult::Successful {
            self.tell_conductor(confirm.user)?;
        }
        Ok(())
    }

    pub(super) fn conductor_released(&mut self, confirm: TokenConfirm) -> Result<(), Error> {
        if confirm.result != McsResult::Successful {
            return Ok(());
        }
        self.conductor = None;
        self.pending.conductor = true;
        let indication = ConductorReleaseIndication {};
        self.indicate(None, IndicationPdu::ConductorReleaseIndication(indication))
    }

    pub(super) const fn conductor_offered(&mut self, donor: UserId) -> Result<(), Error> {
        self.pending.conductor_offered = Some(donor);
        Ok(())
    }

    pub(super) const fn conductor_wanted(&mut self, node: UserId) -> Result<(), Error> {
        self.pending.conductor_wanted = Some(node);
        Ok(())
    }

    /// Who was offered the lead has answered, and says so itself where it takes it.
    pub(super) const fn conductor_given(&mut self, confirm: TokenConfirm) -> Result<(), Error> {
        self.pending.conductor |= !matches!(confirm.result, McsResult::Successful);
        Ok(())
    }

    fn tell_conductor(&mut self, node: UserId) -> Result<(), Error> {
        self.conductor = Some(node);
        self.pending.conductor = true;
        let indication = ConductorAssignIndication { conducting_node: node };
        self.indicate(None, IndicationPdu::ConductorAssignIndication(indication))
    }

    /// The top says again who conducts.
    pub(super) fn repeat_conductor(&mut self) -> Result<(), Error> {
        let Some(conducting_node) = self.conductor else { return Ok(()) };
        let indication = ConductorAssignIndication { conducting_node };
        self.indicate(None, IndicationPdu::ConductorAssignIndication(indication))
    }

    /// Something was said about the lead. Whether the host is told of it.
    pub(super) fn conducted(
        &mut self,
        from: UserId,
        from_top: bool,
        indication: &IndicationPdu<'_>,
    ) -> bool {
        match indication {
            IndicationPdu::ConductorAssignIndication(pdu)
                if from_top || from == pdu.conducting_node =>
            {
                if self.conductor.replace(pdu.conducting_node) != Some(pdu.conducting_node) {
                    self.pending.conductor = true;
                }
                false
            }
            IndicationPdu::ConductorReleaseIndication(_)
                if from_top || Some(from) == self.conductor =>
            {
                self.pending.conductor |= self.conductor.take().is_some();
                false
            }
            IndicationPdu::ConductorPermissionAskIndication(_) => true,
            IndicationPdu::ConductorPermissionGrantIndication(_) => Some(from) == self.conductor,
            _ => false,
        }
    }
}
