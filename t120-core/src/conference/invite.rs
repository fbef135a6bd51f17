//! Invitations: a node of a conference calls one that is in none (T.124 section 7.2.5).

use core::time::Duration;

use super::setup::{CONNECT_DATA, LISTS, asking_for, connect_data, numeric, privileges, text};
use super::{Conference, Connection, EndReason, Name, Phase, Privileges, Profile, Purpose, Report};
use crate::error::Error;
use crate::gcc::connect::{
    ConferenceInviteRequest, ConferenceInviteResponse, ConnectGccPdu, InviteResult,
};
use crate::gcc::types::{ConferenceName, TerminationMethod};
use crate::mcs::connect::{ConnectInitial, DomainParameters};
use crate::mcs::{McsResult, UserId};
use crate::per::{Integer, List};

/// An invitation that the host has not answered yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Invitation {
    pub(super) connection: Connection,
    parameters: DomainParameters,
    profile: Profile,
    inviter: UserId,
    top: UserId,
    tag: i64,
}

impl Conference<'_> {
    /// A stream was opened to a node: invites it into this node's conference.
    /// [`Event::Connected`](super::Event::Connected) follows, or
    /// [`Event::Disconnected`](super::Event::Disconnected).
    ///
    /// # Errors
    /// [`Error::WrongState`] in no conference; as for [`accept`](Self::accept).
    pub fn invite(&mut self, now: Duration, connection: Connection) -> Result<(), Error> {
        if self.phase != Phase::Entered {
            return Err(Error::WrongState);
        }
        self.provider.transport.open(connection, true)?;
        self.set_purpose(connection, Purpose::Invite);
        self.watch(now, connection);
        Ok(())
    }

    /// The conference that [`Event::Invited`](super::Event::Invited) tells of: its name has digits.
    pub fn invited_to(&self) -> Option<Name> {
        Some(self.invitation?.profile.name)
    }

    /// Answers [`Event::Invited`](super::Event::Invited).
    /// [`Event::Joined`](super::Event::Joined) follows where the answer is yes.
    ///
    /// # Errors
    /// [`Error::WrongState`] without an invitation, or in a conference; [`Error::Full`] without
    /// room for the answer.
    pub fn answer_invitation(&mut self, accept: bool) -> Result<(), Error> {
        let invitation = self.invitation.take().ok_or(Error::WrongState)?;
        let accept = accept && self.phase == Phase::Idle;
        let result = if accept { InviteResult::Success } else { InviteResult::UserRejected };
        let pdu = ConnectGccPdu::ConferenceInviteResponse(ConferenceInviteResponse {
            result,
            user_data: None,
        });
        let mut buffer = [0; CONNECT_DATA];
        let user_data = connect_data(&pdu, &mut buffer)?;
        let wanted = if accept { McsResult::Successful } else { McsResult::UserRejected };
        let initial = ConnectInitial { upward_flag: false, ..asking_for(invitation.parameters) };
        let connection = invitation.connection;
        if !self.provider.respond(connection, &initial, wanted, user_data)? {
            self.unwatch(connection);
            self.report(connection, Report::Down(EndReason::Refused));
            return if accept { Err(Error::Refused) } else { Ok(()) };
        }
        self.set_purpose(connection, Purpose::Invited);
        self.profile = invitation.profile;
        self.top_node = Some(invitation.top);
        self.superior = Some(invitation.inviter);
        self.tag = invitation.tag;
        self.phase = Phase::Attaching;
        match self.provider.missing(connection) {
            0 => self.stands(connection),
            _ => Ok(()),
        }
    }

    pub(super) fn send_invitation(&mut self, connection: Connection) -> Result<(), Error> {
        let (Some(node), Some(top), Phase::Entered) = (self.node, self.top_node, self.phase) else {
            return self.dropped(connection, EndReason::Refused);
        };
        let (profile, caller, mut lists) = (self.profile, self.config.name, LISTS);
        let [conductor, conducted, non_conducted] = privileges(&profile, &mut lists);
        let pdu = ConnectGccPdu::ConferenceInviteRequest(ConferenceInviteRequest {
            conference_name: ConferenceName {
                numeric: numeric(&profile.name)?,
                text: None,
                unicode_text: None,
            },
            node_id: node,
            top_node_id: top,
            tag: Integer(i64::from(connection.0)),
            password_in_the_clear_required: false,
            locked_conference: profile.locked,
            listed_conference: profile.listed,
            conductible_conference: profile.conductible,
            termination_method: TerminationMethod::Automatic,
            conductor_privileges: conductor.map(List::new),
            conducted_privileges: conducted.map(List::new),
            non_conducted_privileges: non_conducted.map(List::new),
            conference_description: None,
            caller_identifier: text(&caller),
            user_data: None,
            conference_priority: None,
            node_category: None,
            conference_mode: None,
        });
        let mut buffer = [0; CONNECT_DATA];
        let user_data = connect_data(&pdu, &mut buffer)?;
        self.provider.connect(connection, false, user_data)
    }

    /// Keeps an invitation for the host, if this node can follow it.
    pub(super) fn is_invited(
        &mut self,
        connection: Connection,
        initial: &ConnectInitial<'_>,
        request: &ConferenceInviteRequest<'_>,
    ) -> bool {
        let free = self.phase == Phase::Idle && self.invitation.is_none() && !initial.upward_flag;
        let Some(parameters) = self.provider.agreeable(initial).filter(|_| free) else {
            return false;
        };
        let digits = request.conference_name.numeric.characters().map(char::from);
        self.invitation = Some(Invitation {
            connection,
            parameters,
            profile: Profile {
                name: Name::of(digits),
                locked: request.locked_conference,
                listed: request.listed_conference,
                conductible: request.conductible_conference,
                conductor_privileges: Privileges::of(request.conductor_privileges),
                conducted_privileges: Privileges::of(request.conducted_privileges),
                non_conducted_privileges: Privileges::of(request.non_conducted_privileges),
                ..Profile::EMPTY
            },
            inviter: request.node_id,
            top: request.top_node_id,
            tag: request.tag.0,
        });
        self.pending.invited = Some(connection);
        true
    }
}
