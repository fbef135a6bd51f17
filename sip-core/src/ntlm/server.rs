//! The server's side of sign-ins.

use core::time::Duration;

use base64ct::{Base64, Encoding as _};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

use super::association::Association;
use super::short::hex_u32;
use super::{
    Authenticate, Challenge, Error, Fields, Flags, Kerberos, Malformed, Mechanism, Name,
    NoKerberos, NtHash, PairId, Policy, Short, Side, Version, write_pairs,
};
use crate::header::{From, To};
use crate::message::{self, Message, Writer};
use crate::server::User;
use crate::storage::{Index, Seeds, Slots, Table};
use crate::transport::Path;

/// The longest AUTHENTICATE or AP-REQ that is taken, before base64.
const MAX_TOKEN: usize = 4096;

/// How many indexes the table of sign-ins has: by `opaque`, and by path.
pub const INDEXES: usize = 2;

/// The users, as NTLM names them.
pub trait Users {
    /// The name of this user in SIP, and the hash of the password; nothing where there is no such user.
    /// Windows names a user with a domain beside it, or as `alice@example.com` without one; names are
    /// compared without case.
    fn nt_hash(&self, user: Name<'_>, domain: Name<'_>) -> Option<(User, NtHash)>;
}

impl<U: Users> Users for &U {
    fn nt_hash(&self, user: Name<'_>, domain: Name<'_>) -> Option<(User, NtHash)> {
        (*self).nt_hash(user, domain)
    }
}

/// What a server is told at its construction.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Config<'a> {
    /// The realm that rows name.
    pub realm: &'a str,
    /// The server's own name, `lcs.example.com`.
    pub targetname: &'a str,
    /// The domain in DNS, `example.com`.
    pub domain: &'a str,
    /// The domain in NetBIOS, `EXAMPLE`.
    pub netbios_domain: &'a str,
    /// The server in NetBIOS, `LCS`.
    pub netbios_name: &'a str,
    /// Which fields are signed.
    pub version: Version,
    /// Which sessions are good enough.
    pub policy: Policy,
    /// Whether Kerberos is offered.
    pub kerberos: bool,
    /// How long a client has to answer a CHALLENGE.
    pub answer_within: Duration,
    /// How long a sign-in lasts of which nothing is heard.
    pub idle: Duration,
    /// How many sign-ins there may be in a server that grows.
    pub max_associations: usize,
}

impl<'a> Config<'a> {
    /// A server of this name in this domain, as Live Communications Server 2005 was.
    #[must_use]
    pub const fn new(targetname: &'a str, domain: &'a str, netbios_domain: &'a str) -> Self {
        Self {
            realm: "SIP Communications Service",
            targetname,
            domain,
            netbios_domain,
            netbios_name: "LCS",
            version: Version::V2,
            policy: Policy::STRICT,
            kerberos: false,
            answer_within: Duration::from_secs(60),
            idle: Duration::from_secs(8 * 3600),
            max_associations: 100_000,
        }
    }
}

/// Names a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AssociationId(Index);

/// What a server keeps of a sign-in.
#[derive(Debug)]
pub struct Entry {
    opaque: [u8; 8],
    path: Path,
    stage: Stage,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "in place, without an allocator")]
enum Stage {
    Challenged([u8; 8]),
    Open { association: Association, user: User, epid: Short<32>, is_proxy: bool },
}

/// What is found of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Verdict {
    /// It has no row of NTLM or Kerberos: [`Server::write_offers`] into a 401 or 407.
    Absent,
    /// Its sender asks for a CHALLENGE: answer 401 or 407 with [`Server::write_challenge`].
    Asks(AssociationId),
    /// Its sender is this user: with a response to a CHALLENGE or a signature.
    Proven(User, AssociationId),
    /// It belongs to a sign-in that is not known, any more: offer another.
    Gone,
    /// It is not what it says.
    Refused(Error),
}

/// The sign-ins of a server.
pub struct Server<'s, U, K = NoKerberos> {
    users: U,
    kerberos: K,
    realm: Short<64>,
    targetname: Short<128>,
    netbios_domain: Short<32>,
    info: Short<512>,
    version: Version,
    policy: Policy,
    offers_kerberos: bool,
    answer_within: Duration,
    idle: Duration,
    entries: Table<'s, Entry>,
    random: ChaCha8Rng,
}

/// The memory of a [`Server`], to be lent: room for so many sign-ins.
pub type Storage<const N: usize> = Slots<Entry, N, INDEXES>;

impl<'s, U: Users> Server<'s, U> {
    /// A server in memory that the host lends.
    ///
    /// # Errors
    /// [`Error::TooLong`] where a name of the configuration is.
    pub fn new<const N: usize>(
        config: &Config<'_>,
        users: U,
        storage: &'s mut Storage<N>,
        seed: [u8; 32],
    ) -> Result<Self, Error> {
        let entries = Table::lent(storage.lend(), Seeds::new(seed).key(PURPOSE));
        Self::with(config, users, NoKerberos, entries, seed)
    }

    /// A server whose memory grows as far as the configuration's limit.
    ///
    /// # Errors
    /// [`Error::TooLong`] where a name of the configuration is.
    #[cfg(feature = "alloc")]
    pub fn growing(config: &Config<'_>, users: U, seed: [u8; 32]) -> Result<Self, Error> {
        Self::growing_with(config, users, NoKerberos, seed)
    }
}

/// The purpose of the key that follows from the seed.
const PURPOSE: u8 = 32;

impl<'s, U: Users, K: Kerberos> Server<'s, U, K> {
    /// The same with Kerberos of the host's.
    ///
    /// # Errors
    /// [`Error::TooLong`] where a name of the configuration is.
    pub fn new_with<const N: usize>(
        config: &Config<'_>,
        users: U,
        kerberos: K,
        storage: &'s mut Storage<N>,
        seed: [u8; 32],
    ) -> Result<Self, Error> {
        let entries = Table::lent(storage.lend(), Seeds::new(seed).key(PURPOSE));
        Self::with(config, users, kerberos, entries, seed)
    }

    /// The same with Kerberos of the host's.
    ///
    /// # Errors
    /// [`Error::TooLong`] where a name of the configuration is.
    #[cfg(feature = "alloc")]
    pub fn growing_with(
        config: &Config<'_>,
        users: U,
        kerberos: K,
        seed: [u8; 32],
    ) -> Result<Self, Error> {
        let key = Seeds::new(seed).key(PURPOSE);
        let entries = Table::growing(config.max_associations, INDEXES, key);
        Self::with(config, users, kerberos, entries, seed)
    }

    fn with(
        config: &Config<'_>,
        users: U,
        kerberos: K,
        entries: Table<'s, Entry>,
        seed: [u8; 32],
    ) -> Result<Self, Error> {
        let mut info = [0; 512];
        let pairs = [
            (PairId::NbDomainName, Name::Utf8(config.netbios_domain)),
            (PairId::NbComputerName, Name::Utf8(config.netbios_name)),
            (PairId::DnsDomainName, Name::Utf8(config.domain)),
            (PairId::DnsComputerName, Name::Utf8(config.targetname)),
        ];
        let len = write_pairs(&pairs, &mut info).map_err(|_| Error::TooLong)?;
        Ok(Self {
            users,
            kerberos,
            realm: Short::new(config.realm.as_bytes()).ok_or(Error::TooLong)?,
            targetname: Short::new(config.targetname.as_bytes()).ok_or(Error::TooLong)?,
            netbios_domain: Short::new(config.netbios_domain.as_bytes()).ok_or(Error::TooLong)?,
            info: info.get(..len).and_then(Short::new).ok_or(Error::TooLong)?,
            version: config.version,
            policy: config.policy,
            offers_kerberos: config.kerberos,
            answer_within: config.answer_within,
            idle: config.idle,
            entries,
            // The tables' keys come from the seed itself.
            random: ChaCha8Rng::from_seed(seed.map(|octet| octet ^ 0x4e)),
        })
    }

    /// Finds out who has sent a message that came over `path`.
    pub fn check(&mut self, now: Duration, path: Path, message: &Message<'_>) -> Verdict {
        while let Some(index) = self.entries.pop_due(now) {
            self.remove(index);
        }
        let Some((name, fields)) = Fields::of_signed(message, Side::Client) else {
            return Verdict::Absent;
        };
        let is_proxy = name == message::Name::ProxyAuthorization;
        let done = match fields.gssapi_data {
            Some(b"") => return self.begin(now, path),
            Some(data) => self.open(now, path, message, &fields, data, is_proxy),
            None => self.verify(now, path, message, &fields),
        };
        match done {
            Ok(verdict) => verdict,
            Err(Error::Unknown) => Verdict::Gone,
            Err(error) => Verdict::Refused(error),
        }
    }

    /// Writes the rows that offer the mechanisms, under this name: WWW-Authenticate or
    /// Proxy-Authenticate.
    pub fn write_offers(&self, name: message::Name<'_>, to: &mut Writer<'_>) {
        if self.offers_kerberos {
            to.name(name);
            to.text(b"Kerberos realm=\"");
            to.text(self.realm.as_bytes());
            to.text(b"\", targetname=\"sip/");
            to.text(self.targetname.as_bytes());
            to.text(b"\"");
            if let Some(version) = self.version.number() {
                to.text(b", version=");
                to.number(version);
            }
            to.end_row();
        }
        to.name(name);
        self.fields(Mechanism::Ntlm).write(to);
        to.end_row();
    }

    /// Writes the row with the CHALLENGE that a client has asked for.
    pub fn write_challenge(&self, id: AssociationId, name: message::Name<'_>, to: &mut Writer<'_>) {
        let Some(Entry { opaque, stage: Stage::Challenged(challenge), .. }) =
            self.entries.get(id.0)
        else {
            return;
        };
        let target = core::str::from_utf8(self.netbios_domain.as_bytes()).unwrap_or_default();
        let challenge = Challenge {
            flags: Flags::SERVER,
            challenge: *challenge,
            target: Name::Utf8(target),
            info: self.info.as_bytes(),
        };
        let mut octets = [0; 768];
        let octets = challenge.write(&mut octets).ok().and_then(|len| octets.get(..len));
        let mut text = [0; 1024];
        let text = Base64::encode(octets.unwrap_or_default(), &mut text).unwrap_or_default();
        let fields = Fields {
            opaque: Some(opaque),
            gssapi_data: Some(text.as_bytes()),
            ..self.fields(Mechanism::Ntlm)
        };
        to.name(name);
        fields.write(to);
        to.end_row();
    }

    /// Writes the row with the signature of a message that is to be sent over `path`; says whether there
    /// is a sign-in that it belongs to. The message is the one that is being written, with all that is
    /// signed in it.
    ///
    /// # Errors
    /// Why it cannot be signed. Nothing is written then.
    pub fn write_row(
        &mut self,
        path: Path,
        message: &Message<'_>,
        to: &mut Writer<'_>,
    ) -> Result<bool, Error> {
        let random = self.random.next_u32();
        let Some(index) = self.find_for(path, message) else { return Ok(false) };
        let Some(entry) = self.entries.get_mut(index) else { return Ok(false) };
        let Stage::Open { association, is_proxy, .. } = &mut entry.stage else { return Ok(false) };
        let signature = association.sign(message, random, &mut self.kerberos)?;
        to.name(match is_proxy {
            true => message::Name::ProxyAuthenticationInfo,
            false => message::Name::AuthenticationInfo,
        });
        association.fields(&signature).write(to);
        to.end_row();
        Ok(true)
    }

    /// A connection ended. The sign-ins that it had stay good over another.
    pub fn handle_closed(&mut self, path: Path) {
        let hash = self.path_hash(path);
        while let Some(index) = self.entries.find_in(1, hash, |entry| entry.path == path) {
            self.entries.set_hash(index, 1, None);
        }
    }

    /// The user who has signed in with this.
    #[must_use]
    pub fn user(&self, id: AssociationId) -> Option<&User> {
        match &self.entries.get(id.0)?.stage {
            Stage::Open { user, .. } => Some(user),
            Stage::Challenged(_) => None,
        }
    }

    /// The endpoint (`epid`) that has signed in, to which a message that is to be sent over this path
    /// belongs; empty where it has not named itself.
    #[must_use]
    pub fn epid(&self, path: Path, message: &Message<'_>) -> Option<&[u8]> {
        match &self.entries.get(self.find_for(path, message)?)?.stage {
            Stage::Open { epid, .. } => Some(epid.as_bytes()),
            Stage::Challenged(_) => None,
        }
    }

    /// Whether what goes out over this path is signed.
    #[must_use]
    pub fn is_signed(&self, path: Path) -> bool {
        self.entries.find_in(1, self.path_hash(path), |entry| entry.path == path).is_some()
    }

    /// How many sign-ins there are, those included that have begun.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn begin(&mut self, now: Duration, path: Path) -> Verdict {
        let mut challenge = [0; 8];
        self.random.fill_bytes(&mut challenge);
        match self.insert(now, path, Stage::Challenged(challenge), self.answer_within) {
            Some(index) => Verdict::Asks(AssociationId(index)),
            None => Verdict::Refused(Error::Unknown),
        }
    }

    /// A token came: the answer to a CHALLENGE, or Kerberos's own.
    fn open(
        &mut self,
        now: Duration,
        path: Path,
        message: &Message<'_>,
        fields: &Fields<'_>,
        data: &[u8],
        is_proxy: bool,
    ) -> Result<Verdict, Error> {
        let mut token = [0; MAX_TOKEN];
        let token = Base64::decode(data, &mut token).map_err(|_| Malformed::Base64)?;
        let (index, association, user) = match fields.mechanism {
            Mechanism::Ntlm => self.answered(fields, token)?,
            Mechanism::Kerberos => self.accept(now, path, token)?,
        };
        let epid = epid_of(message).and_then(Short::new).unwrap_or_default();
        let Some(entry) = self.entries.get_mut(index) else { return Err(Error::Unknown) };
        entry.stage = Stage::Open { association, user, epid, is_proxy };
        if self.version == Version::V4
            && let Err(error) = self.verify(now, path, message, fields)
        {
            self.remove(index);
            return Err(error);
        }
        self.heard(now, path, index);
        Ok(Verdict::Proven(user, AssociationId(index)))
    }

    /// Checks the answer to a CHALLENGE. There is one try for each.
    fn answered(
        &mut self,
        fields: &Fields<'_>,
        token: &[u8],
    ) -> Result<(Index, Association, User), Error> {
        let index = self.find(fields.opaque).ok_or(Error::Unknown)?;
        let challenge = match self.entries.get(index).map(|entry| &entry.stage) {
            Some(Stage::Challenged(challenge)) => *challenge,
            _ => return Err(Error::Unknown),
        };
        let done = self.verified(&challenge, token).and_then(|(session, user)| {
            let fields = Fields { version: self.version.number(), ..*fields };
            Ok((index, Association::new(session, Side::Server, &fields)?, user))
        });
        if done.is_err() {
            self.remove(index);
        }
        done
    }

    fn verified(&self, challenge: &[u8; 8], token: &[u8]) -> Result<(super::Session, User), Error> {
        let message = Authenticate::parse(token)?;
        let (user, hash) =
            self.users.nt_hash(message.user, message.domain).ok_or(Error::Password)?;
        Ok((message.verify(challenge, &hash, self.policy)?, user))
    }

    fn accept(
        &mut self,
        now: Duration,
        path: Path,
        token: &[u8],
    ) -> Result<(Index, Association, User), Error> {
        if !self.offers_kerberos {
            return Err(Error::Mechanism);
        }
        let stage = Stage::Challenged([0; 8]);
        let index = self.insert(now, path, stage, self.answer_within).ok_or(Error::Unknown)?;
        let opaque = self.entries.get(index).map(|entry| entry.opaque).unwrap_or_default();
        let context = context_of(&opaque);
        let Some(user) = self.kerberos.accept(context, token) else {
            self.remove(index);
            return Err(Error::Password);
        };
        let mut targetname = Short::<128>::new(b"sip/").unwrap_or_default();
        let fits = targetname.push(self.targetname.as_bytes());
        let fields = Fields {
            opaque: Some(&opaque),
            targetname: targetname.as_bytes(),
            ..self.fields(Mechanism::Kerberos)
        };
        let association = Association::kerberos(context, Side::Server, &fields);
        match association {
            Ok(association) if fits => Ok((index, association, user)),
            _ => {
                self.kerberos.forget(context);
                self.remove(index);
                Err(Error::TooLong)
            }
        }
    }

    fn verify(
        &mut self,
        now: Duration,
        path: Path,
        message: &Message<'_>,
        fields: &Fields<'_>,
    ) -> Result<Verdict, Error> {
        let index = self.find(fields.opaque).ok_or(Error::Unknown)?;
        let entry = self.entries.get_mut(index).ok_or(Error::Unknown)?;
        let Stage::Open { association, user, .. } = &mut entry.stage else {
            return Err(Error::Unknown);
        };
        association.verify(message, fields, &mut self.kerberos)?;
        let user = *user;
        self.heard(now, path, index);
        Ok(Verdict::Proven(user, AssociationId(index)))
    }

    /// A sign-in has shown itself over a path: what is sent over that is signed with it.
    fn heard(&mut self, now: Duration, path: Path, index: Index) {
        let hash = self.path_hash(path);
        self.entries.set_hash(index, 1, Some(hash));
        self.entries.set_deadline(index, Some(now.saturating_add(self.idle)));
        if let Some(entry) = self.entries.get_mut(index) {
            entry.path = path;
        }
    }

    fn insert(
        &mut self,
        now: Duration,
        path: Path,
        stage: Stage,
        within: Duration,
    ) -> Option<Index> {
        let opaque = loop {
            let opaque = hex_u32(self.random.next_u32());
            if self.find(Some(&opaque)).is_none() {
                break opaque;
            }
        };
        let hash = self.entries.hash(&[&opaque]);
        let mut entry = Entry { opaque, path, stage };
        loop {
            match self.entries.insert(hash, entry) {
                Ok(index) => {
                    self.entries.set_deadline(index, Some(now.saturating_add(within)));
                    return Some(index);
                }
                Err((back, _)) => entry = back,
            }
            // What ends first makes room: a sign-in that only began, as long as there is one.
            let oldest = self.entries.pop_due(Duration::MAX)?;
            self.remove(oldest);
        }
    }

    fn remove(&mut self, index: Index) {
        if let Some(entry) = self.entries.remove(index)
            && let Stage::Open { association, .. } = entry.stage
            && let Some(context) = association.context()
        {
            self.kerberos.forget(context);
        }
    }

    fn find(&self, opaque: Option<&[u8]>) -> Option<Index> {
        let opaque = opaque?;
        self.entries.find(self.entries.hash(&[opaque]), |entry| entry.opaque == opaque)
    }

    /// The sign-in for a message that goes out: of those on its path the one whose user and endpoint it
    /// names, else the one whose user, else any.
    fn find_for(&self, path: Path, message: &Message<'_>) -> Option<Index> {
        let hash = self.path_hash(path);
        let user = peer_of(message);
        let epid = peer_epid_of(message);
        let is_it = |entry: &Entry, rank: u8| match &entry.stage {
            Stage::Open { user: own, epid: other, .. } if entry.path == path => match rank {
                0 => Some(*own) == user && epid.is_some_and(|epid| epid == other.as_bytes()),
                1 => Some(*own) == user,
                _ => true,
            },
            _ => false,
        };
        (0..3).find_map(|rank| self.entries.find_in(1, hash, |entry| is_it(entry, rank)))
    }

    fn path_hash(&self, path: Path) -> u64 {
        let mut octets = [0; 16];
        let ip = match path.remote.ip() {
            core::net::IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
            core::net::IpAddr::V6(ip) => ip.octets(),
        };
        octets.copy_from_slice(&ip);
        self.entries.hash(&[
            &octets,
            &path.remote.port().to_be_bytes(),
            &path.local.to_be_bytes(),
            path.transport.via_token().as_bytes(),
        ])
    }

    fn fields(&self, mechanism: Mechanism) -> Fields<'_> {
        Fields {
            realm: self.realm.as_bytes(),
            targetname: self.targetname.as_bytes(),
            version: self.version.number(),
            ..Fields::new(mechanism)
        }
    }
}

impl<U, K> core::fmt::Debug for Server<'_, U, K> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Server")
            .field("targetname", &self.targetname)
            .field("associations", &self.entries.len())
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl<U, K> defmt::Format for Server<'_, U, K> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Server({})", self.targetname);
    }
}

/// The number of the host's context: that of `opaque`.
fn context_of(opaque: &[u8; 8]) -> u32 {
    opaque.iter().fold(0, |number, digit| number << 4 | u32::from(crate::uri::hex(*digit)))
}

/// The endpoint that From names.
fn epid_of<'d>(message: &Message<'d>) -> Option<&'d [u8]> {
    message.typed::<From<'_>>()?.ok()?.params().value(b"epid")
}

/// The user at the other end of a message that goes out: whom a request is for, or who has sent what a
/// response answers.
fn peer_of(message: &Message<'_>) -> Option<User> {
    let uri = match message.code() {
        Some(_) => message.typed::<From<'_>>()?.ok()?.uri(),
        None => message.typed::<To<'_>>()?.ok()?.uri(),
    };
    uri.user().and_then(User::new)
}

fn peer_epid_of<'d>(message: &Message<'d>) -> Option<&'d [u8]> {
    match message.code() {
        Some(_) => epid_of(message),
        None => message.typed::<To<'_>>()?.ok()?.params().value(b"epid"),
    }
}
