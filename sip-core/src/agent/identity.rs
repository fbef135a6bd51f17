//! Who calls: calls without a name (RFC 3323), and what trusted proxies say of who it is (RFC 3325).

use core::time::Duration;

use super::{AccountId, Agent, CallId, Error};
use crate::header::PAssertedIdentity;
use crate::message::{Message, Name};
use crate::transport::Path;

/// How a caller wants to be known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity<'a> {
    /// Whether From and Contact do not say who calls (RFC 3323 section 4.1).
    pub is_anonymous: bool,
    /// What the network is to hide, as the value of Privacy (RFC 3323 section 4.2): `id`, `user;id`,
    /// …; nothing is asked for where it is empty.
    pub privacy: &'a [u8],
    /// Which of its identities the caller wants to have asserted, as the value of
    /// P-Preferred-Identity (RFC 3325 section 9.2): `<sip:alice@example.com>`; none where it is
    /// empty.
    pub preferred: &'a [u8],
    /// Who it is, as a gateway or server that is trusted itself asserts (RFC 3325 section 9.1):
    /// the value of P-Asserted-Identity; none where it is empty.
    pub asserted: &'a [u8],
    /// On whose behalf it is, as the value of Referred-By (RFC 3892); none where it is empty.
    pub referred_by: &'a [u8],
}

impl Identity<'static> {
    /// Nobody that the called could know: From and Contact name no user, and the network is to hide
    /// the asserted identity.
    #[must_use]
    pub const fn anonymous() -> Self {
        Self { is_anonymous: true, privacy: b"id", preferred: b"", asserted: b"", referred_by: b"" }
    }
}

impl Agent<'_> {
    /// Calls somebody as [`Agent::invite`] does, but under this identity. The call stays anonymous
    /// where it began so.
    ///
    /// # Errors
    /// As [`Agent::invite`].
    pub fn invite_as(
        &mut self,
        now: Duration,
        account: AccountId,
        uri: &[u8],
        offer: Option<(&[u8], &[u8])>,
        identity: &Identity<'_>,
    ) -> Result<CallId, Error> {
        self.invite_with(now, account, uri, offer, identity.is_anonymous, &mut |to| {
            for (name, value) in [
                (Name::Privacy, identity.privacy),
                (Name::PPreferredIdentity, identity.preferred),
                (Name::PAssertedIdentity, identity.asserted),
                (Name::ReferredBy, identity.referred_by),
            ] {
                if !value.is_empty() {
                    to.raw(name, value);
                }
            }
        })
    }

    /// Who sends a request, as a proxy asserts that [`Config::trusted`](super::Config::trusted) or
    /// [`Config::trusts_servers`](super::Config::trusts_servers) names: `path` is the way the request
    /// came. Nothing where who says so is not trusted (RFC 3325 section 6); at most two, a SIP URI
    /// and a telephone number, where all goes as it should.
    pub fn asserted_identities<'d>(
        &self,
        path: Path,
        message: &Message<'d>,
    ) -> impl Iterator<Item = PAssertedIdentity<'d>> {
        let source = path.remote.ip();
        let mut accounts = self.accounts.iter();
        let is_server = self.config.trusts_servers
            && accounts.any(|(_, entry)| entry.server.is_some_and(|at| at.remote.ip() == source));
        let is_trusted = is_server || self.config.trusted.contains(&source);
        message.all::<PAssertedIdentity<'d>>().flatten().filter(move |_| is_trusted)
    }
}
