//! Into conferences and out of them: what the host begins.

use core::time::Duration;

#[cfg(doc)]
use super::Event;
use super::{Conference, Connection, Credentials, Phase, Profile, Purpose, setup};
use crate::error::Error;
use crate::mcs::Reason;

impl Conference<'_> {
    /// Starts a conference with this node at its top. Its name has digits only.
    ///
    /// # Errors
    /// [`Error::WrongState`] in a conference already, [`Error::Value`] for another name,
    /// [`Error::Full`] without room for two users.
    pub fn host(&mut self, conference: &str) -> Result<(), Error> {
        self.host_with(Profile::new(conference)?)
    }

    /// Starts a conference with this node at its top, with a password, locked, conducted …
    ///
    /// # Errors
    /// As for [`host`](Self::host).
    pub fn host_with(&mut self, profile: Profile) -> Result<(), Error> {
        if self.phase != Phase::Idle {
            return Err(Error::WrongState);
        }
        self.profile = profile;
        let result = self.become_top();
        if result.is_err() {
            let _ = self.provider.end(Reason::ProviderInitiated);
            self.forget_conference();
        }
        result
    }

    /// A stream was accepted: the peer's call is awaited on it.
    ///
    /// # Errors
    /// [`Error::Full`] for a number beyond the connections that there is room for,
    /// [`Error::WrongState`] for a number in use.
    pub fn accept(&mut self, now: Duration, connection: Connection) -> Result<(), Error> {
        self.provider.transport.open(connection, false)?;
        self.watch(now, connection);
        Ok(())
    }

    /// A stream was opened to a node: joins the conference there. [`Event::Joined`] follows, or
    /// [`Event::Disconnected`]. A node that is the top of a conference makes it a part of the
    /// other one, and [`Event::Merged`] follows.
    ///
    /// # Errors
    /// As for [`host`](Self::host) and [`accept`](Self::accept).
    pub fn join(
        &mut self,
        now: Duration,
        connection: Connection,
        conference: &str,
    ) -> Result<(), Error> {
        self.join_with(now, connection, Credentials::new(conference)?)
    }

    /// As [`join`](Self::join), with a password or the answer to a challenge.
    ///
    /// # Errors
    /// As for [`join`](Self::join).
    pub fn join_with(
        &mut self,
        now: Duration,
        connection: Connection,
        credentials: Credentials,
    ) -> Result<(), Error> {
        if self.phase == Phase::Entered && self.provider.is_top() {
            return self.call_to_merge(now, connection, credentials);
        }
        self.call(now, connection, credentials, setup::Call::Join)
    }

    /// A stream was opened to a node: creates a conference whose top that node becomes.
    ///
    /// # Errors
    /// As for [`join`](Self::join).
    pub fn create(
        &mut self,
        now: Duration,
        connection: Connection,
        conference: &str,
    ) -> Result<(), Error> {
        self.create_with(now, connection, Profile::new(conference)?)
    }

    /// As [`create`](Self::create), with a password, locked, conducted …
    ///
    /// # Errors
    /// As for [`join`](Self::join).
    pub fn create_with(
        &mut self,
        now: Duration,
        connection: Connection,
        profile: Profile,
    ) -> Result<(), Error> {
        let credentials = Credentials { name: profile.name, ..Credentials::EMPTY };
        self.call(now, connection, credentials, setup::Call::Create)?;
        self.profile = profile;
        Ok(())
    }

    /// A stream was opened to a node: asks which conferences there are.
    /// [`Event::QueryAnswered`] follows, or [`Event::Disconnected`].
    ///
    /// # Errors
    /// As for [`accept`](Self::accept).
    pub fn query(&mut self, now: Duration, connection: Connection) -> Result<(), Error> {
        self.provider.transport.open(connection, true)?;
        self.set_purpose(connection, Purpose::Query);
        self.watch(now, connection);
        Ok(())
    }

    /// A stream was opened for [`Event::StreamsWanted`].
    ///
    /// # Errors
    /// As for [`accept`](Self::accept); [`Error::WrongState`] also where none is wanted.
    pub fn add_stream(
        &mut self,
        now: Duration,
        connection: Connection,
        first: Connection,
    ) -> Result<(), Error> {
        self.provider.add_lane(connection, first)?;
        self.watch(now, connection);
        Ok(())
    }

    /// The stream of a connection takes nothing at present: `poll_transmit` gives nothing for it
    /// until [`resume`](Self::resume), and what there is waits.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a number that was never in use.
    pub fn pause(&mut self, connection: Connection) -> Result<(), Error> {
        self.provider.transport.set_paused(connection, true)
    }

    /// The stream of a connection takes something again.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a number that was never in use.
    pub fn resume(&mut self, connection: Connection) -> Result<(), Error> {
        self.provider.transport.set_paused(connection, false)
    }

    fn call(
        &mut self,
        now: Duration,
        connection: Connection,
        credentials: Credentials,
        call: setup::Call,
    ) -> Result<(), Error> {
        if self.phase != Phase::Idle {
            return Err(Error::WrongState);
        }
        self.provider.transport.open(connection, true)?;
        self.set_purpose(connection, Purpose::Enter);
        self.watch(now, connection);
        self.credentials = credentials;
        self.profile = Profile { name: credentials.name, ..Profile::EMPTY };
        self.call = call;
        self.phase = Phase::Calling(connection);
        Ok(())
    }

    pub(super) fn set_purpose(&mut self, connection: Connection, purpose: Purpose) {
        if let Some(link) = self.provider.transport.link_mut(connection) {
            link.purpose = purpose;
        }
    }

    /// Leaves the conference; at its top this ends it for all. The streams can be closed once
    /// `poll_transmit` gives nothing.
    ///
    /// # Errors
    /// [`Error::Full`] where there is no room to say so.
    pub fn leave(&mut self) -> Result<(), Error> {
        if self.phase == Phase::Entered && self.provider.is_top() {
            self.announce_termination()?;
        }
        self.provider.end(Reason::UserRequested)?;
        self.forget_conference();
        Ok(())
    }

    /// Ends the conference for all. At the top this is [`leave`](Self::leave); anywhere else the
    /// top is asked, which grants it to the node that has created the conference.
    ///
    /// # Errors
    /// [`Error::WrongState`] in no conference, [`Error::Full`] where there is no room to say so.
    pub fn terminate(&mut self) -> Result<(), Error> {
        if self.provider.is_top() {
            return self.leave();
        }
        self.request_termination()
    }
}
