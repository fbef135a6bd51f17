//! Clients of Live Communications Server at this server: what comes and goes passes a
//! [`Front`](sip_core::lcs::Front).

use core::time::Duration;
use std::collections::VecDeque;

use anyhow::{Context, Result};
use sip_core::lcs::{Front, SERVICE, Taken};
use sip_core::message::{Message, Name, StatusCode};
use sip_core::ntlm::{self, NtHash, Policy};
use sip_core::server::{Event, Server, User};
use sip_core::transport::Path;

use crate::Users;

/// How many subscriptions, and devices that publish, are known to be of the dialect.
const MAX_ENTRIES: usize = 200_000;

/// What a message may grow by.
const GROWTH: usize = 8192;

impl ntlm::Users for Users {
    fn nt_hash(&self, user: ntlm::Name<'_>, domain: ntlm::Name<'_>) -> Option<(User, NtHash)> {
        let text = |name: ntlm::Name<'_>| name.chars().collect::<String>();
        let (user, domain) = (text(user), text(domain));
        // `alice` of `EXAMPLE` or `example.test`, or `alice@example.test` of nothing.
        let (user, domain) = match user.split_once('@') {
            Some((user, named)) if domain.is_empty() => (user.to_owned(), named.to_owned()),
            _ => (user, domain),
        };
        let label = netbios(self.domain());
        let is_ours = domain.is_empty()
            || domain.eq_ignore_ascii_case(self.domain())
            || domain.eq_ignore_ascii_case(&label);
        let known = [user.clone(), user.to_ascii_lowercase()];
        let found = known.iter().find_map(|name| Some((name, self.nt_hash_of(name)?)));
        let (name, hash) = found.filter(|_| is_ours)?;
        Some((User::new(name.as_bytes())?, hash.clone()))
    }
}

/// The name that a domain has in NetBIOS: its first label.
fn netbios(domain: &str) -> String {
    domain.split('.').next().unwrap_or_default().to_ascii_uppercase()
}

/// The dialect for all clients that speak it.
pub(crate) struct Dialect<'c> {
    front: Front<'static, &'c Users>,
    room: Vec<u8>,
    /// What is to be sent beside what the server itself sends.
    pub(crate) replies: VecDeque<(Path, Vec<u8>)>,
}

impl<'c> Dialect<'c> {
    /// The sign-ins of these users, at a server of this name.
    pub(crate) fn new(
        users: &'c Users,
        name: &str,
        policy: Policy,
        seed: [u8; 32],
    ) -> Result<Self> {
        let label = netbios(users.domain());
        let mut config = ntlm::Config::new(name, users.domain(), &label);
        config.policy = policy;
        let refused = "the names of the server or its domain are too long for NTLM";
        let sign_ins = ntlm::Server::growing(&config, users, seed).context(refused)?;
        let front = Front::growing(&config, sign_ins, MAX_ENTRIES, seed).context(refused)?;
        Ok(Self { front, room: Vec::new(), replies: VecDeque::new() })
    }

    /// Hands a message that came over `path` to the server, unless it ends here.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn take(
        &mut self,
        server: &mut Server<'_, &Users>,
        now: Duration,
        path: Path,
        octets: &[u8],
        mut tell: impl FnMut(&Event<'_>),
    ) -> Result<(), String> {
        self.room.resize(octets.len().saturating_mul(2).saturating_add(GROWTH), 0);
        let taken = self.front.open(now, path, octets, &mut self.room);
        match taken.map_err(|error| error.to_string())? {
            Taken::Message { message, user } => {
                server.prove(user);
                let done = if path.transport.is_reliable() {
                    server.handle_stream(now, path, message).map(|(_, event)| event)
                } else {
                    server.handle_datagram(now, path, message)
                };
                if let Ok(Some(event)) = &done {
                    tell(event);
                }
                let done = done.map(|_| ()).map_err(|error| error.to_string());
                server.prove(None);
                done
            }
            Taken::Answer(answer) => {
                self.replies.push_back((path, answer.to_vec()));
                Ok(())
            }
            Taken::Host { message, .. } => {
                let request = Message::parse(message).map_err(|error| error.to_string())?;
                // Contacts and access lists are not kept here: clients go on without.
                let code = match request.method() == Some(SERVICE) {
                    true => StatusCode::NOT_IMPLEMENTED,
                    false => StatusCode::BAD_EVENT,
                };
                let mut answer = vec![0; message.len().saturating_add(GROWTH)];
                let len = self.front.answer(path, &request, code, &mut answer, |mut to| {
                    to.raw(Name::AllowEvents, b"presence");
                    to.finish()
                });
                answer.truncate(len.map_err(|error| error.to_string())?);
                self.replies.push_back((path, answer));
                Ok(())
            }
        }
    }

    /// A message of the server's, as it goes out over `path`; and what the server is to be handed in
    /// place of the answer that will not come.
    ///
    /// # Errors
    /// Why it cannot go out.
    pub(crate) fn seal(
        &mut self,
        now: Duration,
        path: Path,
        octets: &[u8],
    ) -> Result<(Vec<u8>, Vec<u8>), String> {
        let mut room = vec![0; octets.len().saturating_mul(2).saturating_add(GROWTH)];
        let sealed =
            self.front.seal(now, path, octets, &mut room).map_err(|error| error.to_string())?;
        room.truncate(sealed.len + sealed.answer);
        let answer = room.split_off(sealed.len);
        Ok((room, answer))
    }

    pub(crate) fn closed(&mut self, path: Path) {
        self.front.handle_closed(path);
    }
}
