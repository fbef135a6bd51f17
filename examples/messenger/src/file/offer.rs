//! The bodies of messages that agree on a file.

use anyhow::{Context, Result, bail, ensure};
use rand_core::Rng;
use tftp_core::messenger::{Accept, Address, Cancel, Config, Invitation, Invite, Keys};

use crate::random;

/// The other side does not want the file, or will not go on with it before it has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declined(pub String);

impl std::fmt::Display for Declined {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the other side declined the file ({})", self.0)
    }
}

impl std::error::Error for Declined {}

/// An offer of a file, as both sides keep it.
///
/// Where the sender can listen, the receiver accepts, and the sender says where it listens. Where it
/// cannot (it is behind a NAT), the receiver listens, and says so as it accepts. Either way it is
/// the side that listens whose cookie the receiver shows on the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Ties the bodies of the invitation together.
    pub cookie: u32,
    /// The file's name without its folders.
    pub name: String,
    /// In octets.
    pub size: u64,
    /// Encrypted and checked; without it the plain protocol of old clients runs.
    pub encrypted: bool,
    /// The sender can be connected to.
    pub can_listen: bool,
}

/// Where the other side listens, and the cookie that is shown there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listening {
    /// Its address or name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The cookie.
    pub auth_cookie: u32,
}

impl Offer {
    /// An encrypted offer of this file, by a sender that listens, with a cookie that nobody can
    /// foresee.
    pub fn new(name: &str, size: u64) -> Result<Self> {
        let (encrypted, can_listen) = (true, true);
        Ok(Self { cookie: cookie()?, name: name.to_owned(), size, encrypted, can_listen })
    }

    /// What a received body offers.
    pub fn parse(body: &[u8]) -> Result<Self> {
        match Invitation::parse(body)? {
            Invitation::Invite(invite) => {
                // The name is the other side's: no part of it may lead out of the folder.
                let name = invite.file.rsplit(['/', '\\']).next().unwrap_or_default();
                ensure!(!matches!(name, "" | "." | ".."), "the file has no name");
                let Invite { cookie, size, encrypted, can_listen, .. } = invite;
                Ok(Self { cookie, name: name.to_owned(), size, encrypted, can_listen })
            }
            other => bail!("an offer of a file was expected, not {other:?}"),
        }
    }

    /// The body that offers it.
    pub fn body(&self) -> Result<Vec<u8>> {
        let invite = Invite::new(self.cookie, &self.name, self.size);
        let Self { encrypted, can_listen, .. } = *self;
        body(&Invitation::Invite(Invite { encrypted, can_listen, ..invite }))
    }

    /// The body that takes it, with the keys that the receiver makes.
    pub fn accept(&self) -> Result<(Option<Keys>, Vec<u8>)> {
        ensure!(self.can_listen, "the sender cannot listen: the receiver has to");
        let keys = self.keys()?;
        let accept = Accept::by_receiver(self.cookie, keys.clone());
        Ok((keys, body(&Invitation::Accept(accept))?))
    }

    /// The body that takes it and says where the receiver listens, for a sender that cannot; and
    /// the cookie that is shown there.
    pub fn accept_listening(&self, host: &str, port: u16) -> Result<(Option<Keys>, u32, Vec<u8>)> {
        let (keys, auth_cookie) = (self.keys()?, cookie()?);
        let address = Address::new(host, port, auth_cookie);
        let accept = Accept::by_listening_receiver(self.cookie, keys.clone(), address);
        Ok((keys, auth_cookie, body(&Invitation::Accept(accept))?))
    }

    /// The body that says no.
    pub fn decline(&self) -> Result<Vec<u8>> {
        self.cancel(Cancel::REJECT)
    }

    /// The body that says that it will not be, and why: one of the codes of [`Cancel`].
    pub fn cancel(&self, code: &str) -> Result<Vec<u8>> {
        body(&Invitation::Cancel(Cancel { cookie: self.cookie, code }))
    }

    /// What the receiver's answer says: its keys, and where it listens if it does.
    pub fn accepted(&self, body: &[u8]) -> Result<(Option<Keys>, Option<Listening>)> {
        let answer = self.answer(body)?;
        ensure!(!self.encrypted || answer.keys.is_some(), "the receiver has sent no keys");
        let keys = answer.keys.filter(|_| self.encrypted);
        let listening = answer.address.map(listening);
        ensure!(self.can_listen || listening.is_some(), "the receiver does not listen either");
        Ok((keys, listening))
    }

    /// The body that says where the sender listens, and the cookie that it asks for there.
    pub fn listening(&self, host: &str, port: u16) -> Result<(u32, Vec<u8>)> {
        let auth_cookie = cookie()?;
        let accept = Accept::by_sender(self.cookie, Address::new(host, port, auth_cookie));
        Ok((auth_cookie, body(&Invitation::Accept(accept))?))
    }

    /// Where the sender listens.
    pub fn address(&self, body: &[u8]) -> Result<Listening> {
        let address = self.answer(body)?.address;
        address.map(listening).context("the sender does not say where it listens")
    }

    /// What the connection is to be like; `receiver` is who the file is for.
    pub fn config<'a>(
        &self,
        receiver: &'a str,
        auth_cookie: u32,
        keys: Option<Keys>,
    ) -> Config<'a> {
        match keys {
            Some(keys) => Config::new(receiver, auth_cookie, self.size, keys),
            None => Config::plain(receiver, auth_cookie, self.size),
        }
    }

    pub(super) fn keys(&self) -> Result<Option<Keys>> {
        let mut generator = random::generator()?;
        Ok(self.encrypted.then(|| Keys::generate(&mut generator)))
    }

    fn answer<'b>(&self, body: &'b [u8]) -> Result<Accept<'b>> {
        match Invitation::parse(body)? {
            Invitation::Accept(accept) if accept.cookie == self.cookie => Ok(accept),
            Invitation::Cancel(cancel) if cancel.cookie == self.cookie => {
                Err(Declined(cancel.code.to_owned()).into())
            }
            other => bail!("an answer to the offer was expected, not {other:?}"),
        }
    }
}

fn listening(address: Address<'_>) -> Listening {
    let Address { host, port, auth_cookie, .. } = address;
    Listening { host: host.to_owned(), port, auth_cookie }
}

fn body(invitation: &Invitation<'_>) -> Result<Vec<u8>> {
    let mut body = vec![0; invitation.encoded_len()];
    let len = invitation.write(&mut body)?;
    body.truncate(len);
    Ok(body)
}

/// Known clients stay below 10^9.
pub(super) fn cookie() -> Result<u32> {
    Ok(random::generator()?.next_u32() % 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer() -> Offer {
        Offer::new("file", 1).expect("an offer")
    }

    #[test]
    fn the_bodies_agree_on_name_keys_and_address() {
        let offer = Offer::new("Grüße.bin", 5000).expect("an offer");
        let seen = Offer::parse(&offer.body().expect("a body")).expect("it reads");
        assert_eq!(seen, offer);
        let (keys, body) = seen.accept().expect("a body");
        assert!(offer.accepted(&body).expect("keys").0 == keys && keys.is_some());
        let (auth_cookie, body) = offer.listening("127.0.0.1", 6891).expect("a body");
        let there = Listening { host: "127.0.0.1".into(), port: 6891, auth_cookie };
        assert_eq!(seen.address(&body).expect("an address"), there);
        assert!(offer.accepted(&body).is_err(), "the sender has no keys to give");
        let other = Offer::new("other", 1).expect("an offer");
        assert!(other.accepted(&body).is_err(), "the cookie is another offer's");
        let behind = Offer { can_listen: false, ..offer.clone() };
        assert!(behind.accept().is_err(), "somebody has to listen");
        let declined = offer.accepted(&seen.decline().expect("a body"));
        let error = declined.expect_err("it was declined");
        assert_eq!(error.downcast_ref(), Some(&Declined("REJECT".into())), "{error:#}");
    }

    #[test]
    fn a_name_cannot_lead_out_of_the_folder() {
        for (name, plain) in [("../../etc/passwd", "passwd"), ("C:\\boot.ini", "boot.ini")] {
            let offer = Offer { name: name.into(), ..offer() };
            assert_eq!(Offer::parse(&offer.body().expect("a body")).expect("it reads").name, plain);
        }
        let offer = Offer { name: "folder/..".into(), ..offer() };
        assert!(Offer::parse(&offer.body().expect("a body")).is_err());
    }
}
