//! What stands between the clients of the dialect and a [`Server`](crate::server::Server) of plain SIP.
//!
//! ```text
//!            ┌─ Front ────────────────────────────────────────────────────┐
//!  network   │ open   NTLM asked for ─▶ 401 (answered here)                │   server
//!  ────────▶ │        signature checked ─▶ who it is (Server::prove)       │ ────────▶
//!            │        SERVICE setPresence ─▶ PUBLISH of a PIDF             │
//!            │        SUBSCRIBE to presence ─▶ for a PIDF                  │
//!            │ seal   401, 407 ─▶ NTLM offered too; signature              │
//!  ◀──────── │        NOTIFY of a PIDF ─▶ BENOTIFY of Microsoft's document │ ◀────────
//!            │        200 PUBLISH ─▶ 200 SERVICE; 200 REGISTER with rows   │
//!            └──────────────────────────────────────────────────────────────┘
//! ```
//!
//! Plain clients pass through it unchanged, and are offered NTLM beside Digest. What the server does not
//! know, other requests in SERVICE and the event packages of the dialect, is the host's: [`Taken::Host`].

use core::time::Duration;

use super::endpoint::Epid;
use super::presentity::Presentity;
use super::registration::KeepAlive;
use super::relay::{
    Changes, MAX_ROW, Sealed, call_hash, dialog_id, is_signature, pass, rewrite, splice, with_epid,
};
use super::service::{self, Request};
use super::subscription::Extensions;
use super::translate::{State, presentity_of};
use super::xpidf::Xpidf;
use super::{BENOTIFY, Error, SERVICE, name, option, package};
use crate::error::WriteError;
use crate::header::{Accept, CSeq, Event, From, ProxyRequire, To};
use crate::message::{Message, Method, Name, Row, StatusCode, Writer};
use crate::ntlm::{self, Kerberos, NoKerberos, Short, Verdict};
use crate::presence::Pidf;
use crate::presence::xml::Text;
use crate::server::User;
use crate::storage::{Seeds, Slots, Table, hash};
use crate::transaction::write_rows;
use crate::transport::Path;

/// The documents that a watcher takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Msrtc,
    Pidf,
    Xpidf,
}

/// What is kept of a dialog, or of a device's presence.
#[derive(Debug)]
pub struct FrontEntry {
    key: u64,
    what: What,
}

#[derive(Debug)]
enum What {
    /// A subscription to presence.
    Watcher { format: Format, extensions: Extensions },
    /// A SERVICE that went on as a PUBLISH, of the device with this key.
    Publish { device: u64 },
    /// The presence of a device: what the server calls it.
    Device { etag: Short<32> },
}

/// What a message that came is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Taken<'d> {
    /// The server is to be handed this, and told who has sent it: [`Server::prove`](crate::server::Server::prove).
    Message {
        /// The message.
        message: &'d [u8],
        /// Its sender, where a signature has shown it.
        user: Option<User>,
    },
    /// It is answered already: this is to be sent back over the same path.
    Answer(&'d [u8]),
    /// A request of this user that is the host's to serve: a body of [`service`], or a SUBSCRIBE to one of
    /// [`package`]. [`Front::answer`] answers it.
    Host {
        /// The message.
        message: &'d [u8],
        /// Its sender.
        user: User,
    },
}

/// The memory of a [`Front`], to be lent: room for so many sign-ins, and for so many subscriptions and
/// devices that publish.
#[derive(Debug)]
pub struct Storage<const SIGN_INS: usize, const OTHERS: usize> {
    sign_ins: ntlm::Storage<SIGN_INS>,
    entries: Slots<FrontEntry, OTHERS>,
}

impl<const S: usize, const O: usize> Storage<S, O> {
    /// Memory that holds nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { sign_ins: ntlm::Storage::new(), entries: Slots::new() }
    }
}

impl<const S: usize, const O: usize> Default for Storage<S, O> {
    fn default() -> Self {
        Self::new()
    }
}

/// The dialect for all clients of a server.
#[derive(Debug)]
pub struct Front<'s, U, K = NoKerberos> {
    /// The sign-ins.
    pub sign_ins: ntlm::Server<'s, U, K>,
    /// After how many seconds of silence a connection is taken for dead, as clients are told.
    pub keep_alive_s: u32,
    domain: Short<64>,
    entries: Table<'s, FrontEntry>,
    key: (u64, u64),
}

/// How long an entry stays that nothing is heard of: longer than any subscription or publication.
const LIFE: Duration = Duration::from_secs(12 * 3600);

/// The purposes of the keys that follow from the seed.
const ENTRIES: u8 = 41;
const HASHES: u8 = 42;

impl<'s, U: ntlm::Users> Front<'s, U> {
    /// A front in memory that the host lends.
    ///
    /// # Errors
    /// [`Error::Security`] where a name of the configuration is too long.
    pub fn new<const S: usize, const O: usize>(
        config: &ntlm::Config<'_>,
        users: U,
        storage: &'s mut Storage<S, O>,
        seed: [u8; 32],
    ) -> Result<Self, Error> {
        let sign_ins = ntlm::Server::new(config, users, &mut storage.sign_ins, seed)?;
        let seeds = Seeds::new(seed);
        let entries = Table::lent(storage.entries.lend(), seeds.key(ENTRIES));
        Self::with(config, sign_ins, entries, &seeds)
    }
}

impl<'s, U: ntlm::Users, K: Kerberos> Front<'s, U, K> {
    /// A front over sign-ins of the host's making, whose memory grows as far as `max_entries`
    /// subscriptions and devices.
    ///
    /// # Errors
    /// [`Error::Security`] where a name of the configuration is too long.
    #[cfg(feature = "alloc")]
    pub fn growing(
        config: &ntlm::Config<'_>,
        sign_ins: ntlm::Server<'s, U, K>,
        max_entries: usize,
        seed: [u8; 32],
    ) -> Result<Self, Error> {
        let seeds = Seeds::new(seed);
        let entries = Table::growing(max_entries, 1, seeds.key(ENTRIES));
        Self::with(config, sign_ins, entries, &seeds)
    }

    fn with(
        config: &ntlm::Config<'_>,
        sign_ins: ntlm::Server<'s, U, K>,
        entries: Table<'s, FrontEntry>,
        seeds: &Seeds,
    ) -> Result<Self, Error> {
        let domain = Short::new(config.domain.as_bytes());
        let domain = domain.ok_or(Error::Security(ntlm::Error::TooLong))?;
        Ok(Self { sign_ins, keep_alive_s: 300, domain, entries, key: seeds.key(HASHES) })
    }

    /// A whole message came. What it has become stands in `octets` or in `room`, which needs 4 KiB more
    /// than the message.
    ///
    /// # Errors
    /// [`Error::Security`] where it is not signed as it should be: it is to be dropped. What is wrong with
    /// it, or that the room is too small.
    pub fn open<'d>(
        &mut self,
        now: Duration,
        path: Path,
        octets: &'d [u8],
        room: &'d mut [u8],
    ) -> Result<Taken<'d>, Error> {
        while let Some(index) = self.entries.pop_due(now) {
            self.entries.remove(index);
        }
        let message = Message::parse(octets)?;
        let method = message.method();
        let is_proxy = method != Some(Method::Register);
        let unknown = Taken::Message { message: octets, user: None };
        let user = match self.sign_ins.check(now, path, &message) {
            Verdict::Absent if !self.sign_ins.is_signed(path) => return Ok(unknown),
            Verdict::Absent => match method {
                // A client that has begun anew does not know of its sign-in any more.
                Some(Method::Register) => return Ok(unknown),
                Some(Method::Ack | Method::Cancel) | None => {
                    return Err(Error::Security(ntlm::Error::Unsigned));
                }
                Some(_) => return self.challenge(path, &message, is_proxy, None, room),
            },
            Verdict::Asks(id) => {
                let is_proxy = message.row(Name::ProxyAuthorization).is_some();
                return self.challenge(path, &message, is_proxy, Some(id), room);
            }
            Verdict::Gone | Verdict::Refused(ntlm::Error::Password | ntlm::Error::Weak) => {
                return self.challenge(path, &message, is_proxy, None, room);
            }
            Verdict::Refused(error) => return Err(Error::Security(error)),
            Verdict::Proven(user, _) => user,
        };
        let Some(method) = method else {
            // A response: it belongs to a request that went out over this path.
            let len = rewrite(&message, &Changes::NONE, room, |row, _| is_signature(row), |_| {})?;
            let message = room.get(..len).unwrap_or_default();
            return Ok(Taken::Message { message, user: None });
        };
        if from_user(&message) != Some(user) {
            let code = StatusCode::FORBIDDEN;
            let len = self.answer(path, &message, code, room, |to| to.finish())?;
            return Ok(Taken::Answer(room.get(..len).unwrap_or_default()));
        }
        let user_of = |len: usize, room: &'d mut [u8]| {
            let room: &'d [u8] = room;
            Taken::Message { message: room.get(..len).unwrap_or_default(), user: Some(user) }
        };
        let package = message.typed::<Event<'_>>().and_then(Result::ok);
        match method {
            SERVICE => match Request::parse(message.body()) {
                Ok(Request::SetPresence(presence)) => {
                    let state =
                        State { note: presence.activity.note, ..State::of(&levels(&presence)) };
                    let len = self.publish(now, &message, &user, &state, room)?;
                    Ok(user_of(len, room))
                }
                _ => Ok(Taken::Host { message: octets, user }),
            },
            Method::Subscribe if package.is_some_and(|event| is_of_dialect(event.package)) => {
                Ok(Taken::Host { message: octets, user })
            }
            Method::Subscribe if package.is_some_and(|event| event.package == b"presence") => {
                let len = self.subscribe(now, &message, room)?;
                Ok(user_of(len, room))
            }
            _ => {
                let len =
                    rewrite(&message, &Changes::NONE, room, |row, _| is_signature(row), |_| {})?;
                Ok(user_of(len, room))
            }
        }
    }

    /// A message goes out over `path`: writes what is to be sent to the start of `room`, which needs 3 KiB
    /// more than the message.
    ///
    /// # Errors
    /// What is wrong with it, or that the room is too small.
    pub fn seal(
        &mut self,
        now: Duration,
        path: Path,
        octets: &[u8],
        room: &mut [u8],
    ) -> Result<Sealed, Error> {
        if octets.trim_ascii().is_empty() {
            return Ok(Sealed { len: pass(octets, room)?, answer: 0 });
        }
        let message = Message::parse(octets)?;
        let cseq = message.typed::<CSeq<'_>>().and_then(Result::ok).ok_or(Error::Message)?;
        let is_signed = self.sign_ins.is_signed(path);
        let keep_alive = KeepAlive::server(self.keep_alive_s);
        let len = match (message.code(), cseq.method) {
            (Some(StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED), _) => {
                let sign_ins = &self.sign_ins;
                rewrite(
                    &message,
                    &Changes::NONE,
                    room,
                    |_, _| false,
                    |to| {
                        for name in [Name::WwwAuthenticate, Name::ProxyAuthenticate] {
                            if message.row(name).is_some() {
                                sign_ins.write_offers(name, to);
                            }
                        }
                    },
                )?
            }
            (Some(code), Method::Publish) if is_signed => {
                self.published(now, &message, code, room)?
            }
            (Some(code), Method::Register) if is_signed && code.is_success() => rewrite(
                &message,
                &Changes::NONE,
                room,
                |_, _| false,
                |to| {
                    to.raw(Name::AllowEvents, b"presence");
                    to.name(name::KEEP_ALIVE);
                    keep_alive.write(to);
                    to.end_row();
                },
            )?,
            (Some(code), Method::Subscribe) if code.is_success() => {
                let watcher = self.watcher(&message);
                rewrite(
                    &message,
                    &Changes::NONE,
                    room,
                    |_, _| false,
                    |to| {
                        if watcher.is_some_and(|(_, extensions)| extensions.benotify) {
                            to.raw(Name::Supported, option::BENOTIFY);
                        }
                    },
                )?
            }
            (None, Method::Notify) if is_signed => return self.notify(path, &message, room),
            (None, _) if is_signed => {
                let epid = self.sign_ins.epid(path, &message);
                rewrite(&message, &Changes::NONE, room, |row, to| to_device(row, epid, to), |_| {})?
            }
            _ => pass(octets, room)?,
        };
        Ok(Sealed { len: self.sign(path, room, len)?, answer: 0 })
    }

    /// Writes an answer to a request that is the host's, signed, to the start of `room`, and gives its
    /// length. `write` adds what is to be said beside the rows that the request gives, and ends it.
    ///
    /// # Errors
    /// What `write` says, or that the room is too small.
    pub fn answer(
        &mut self,
        path: Path,
        request: &Message<'_>,
        code: StatusCode,
        room: &mut [u8],
        write: impl FnOnce(Writer<'_>) -> Result<usize, WriteError>,
    ) -> Result<usize, Error> {
        let mut to = Writer::new(room);
        to.response(code, None);
        let tag = ntlm::hex_u32(call_hash(self.key, request) as u32);
        write_rows(&mut to, request, Some(path.remote), code, Some(&tag), true);
        let len = write(to)?;
        self.sign(path, room, len)
    }

    /// A connection ended.
    pub fn handle_closed(&mut self, path: Path) {
        self.sign_ins.handle_closed(path);
    }

    /// Asks the sender to sign in: with the CHALLENGE that he has asked for, or with an offer.
    fn challenge<'d>(
        &self,
        path: Path,
        message: &Message<'_>,
        is_proxy: bool,
        id: Option<ntlm::AssociationId>,
        room: &'d mut [u8],
    ) -> Result<Taken<'d>, Error> {
        let (code, name) = match is_proxy {
            true => (StatusCode::PROXY_AUTHENTICATION_REQUIRED, Name::ProxyAuthenticate),
            false => (StatusCode::UNAUTHORIZED, Name::WwwAuthenticate),
        };
        let mut to = Writer::new(room);
        to.response(code, None);
        let tag = ntlm::hex_u32(call_hash(self.key, message) as u32);
        write_rows(&mut to, message, Some(path.remote), code, Some(&tag), false);
        match id {
            Some(id) => self.sign_ins.write_challenge(id, name, &mut to),
            None => self.sign_ins.write_offers(name, &mut to),
        }
        let len = to.finish()?;
        Ok(Taken::Answer(room.get(..len).unwrap_or_default()))
    }

    /// A SUBSCRIBE to presence, for the server: it is to send PIDF, and knows no BENOTIFY.
    fn subscribe(
        &mut self,
        now: Duration,
        message: &Message<'_>,
        room: &mut [u8],
    ) -> Result<usize, Error> {
        let takes = |kind: &[u8], subtype: &[u8]| {
            message.all::<Accept<'_>>().flatten().any(|accept| accept.takes(kind, subtype))
        };
        let format = if takes(b"text", b"xml+msrtc.pidf") {
            Format::Msrtc
        } else if takes(b"application", b"xpidf+xml") {
            Format::Xpidf
        } else {
            Format::Pidf
        };
        let extensions = Extensions::of(message);
        self.keep(now, dialog_id(message), What::Watcher { format, extensions });
        let only_benotify =
            message.all::<ProxyRequire<'_>>().flatten().all(|tag| tag.0 == option::BENOTIFY);
        rewrite(
            message,
            &Changes::NONE,
            room,
            |row, _| match row.name {
                Name::Accept => true,
                Name::ProxyRequire => only_benotify,
                _ => is_signature(row),
            },
            |to| to.raw(Name::Accept, Pidf::CONTENT_TYPE),
        )
    }

    /// A setPresence, as the PUBLISH that the server knows.
    fn publish(
        &mut self,
        now: Duration,
        message: &Message<'_>,
        user: &User,
        state: &State<'_>,
        room: &mut [u8],
    ) -> Result<usize, Error> {
        let epid = Epid::of_sender(message);
        let epid = epid.as_ref().map_or(&b"device"[..], Epid::as_bytes);
        let device = hash(self.key, &[b"device", user.as_bytes(), epid]);
        let etag = self.find(device).and_then(|index| match &self.entries.get(index)?.what {
            What::Device { etag } => Some(*etag),
            _ => None,
        });
        let mut entity = Short::<256>::new(b"sip:").unwrap_or_default();
        let fits = entity.push(user.as_bytes())
            && entity.push(b"@")
            && entity.push(self.domain.as_bytes());
        let pidf = state.pidf(entity.as_bytes(), epid);
        let mut body = [0; 2048];
        let len = pidf.write(&mut body).map_err(Error::BufferTooSmall)?;
        let body = body.get(..len).filter(|_| fits).ok_or(Error::Message)?;
        let call = call_hash(self.key, message);
        self.insert(now, call, What::Publish { device });
        let changes =
            Changes { method: Some(Method::Publish), body: Some((Pidf::CONTENT_TYPE, body)) };
        rewrite(
            message,
            &changes,
            room,
            |row, _| is_signature(row),
            |to| {
                to.raw(Name::Event, b"presence");
                if let Some(etag) = &etag {
                    to.raw(Name::SipIfMatch, etag.as_bytes());
                }
            },
        )
    }

    /// The answer to a PUBLISH, which may have been a SERVICE.
    fn published(
        &mut self,
        now: Duration,
        message: &Message<'_>,
        code: StatusCode,
        room: &mut [u8],
    ) -> Result<usize, Error> {
        let index = self.find(call_hash(self.key, message));
        let device = index.and_then(|index| match self.entries.get(index)?.what {
            What::Publish { device } => Some((index, device)),
            _ => None,
        });
        let Some((index, device)) = device else {
            return rewrite(message, &Changes::NONE, room, |_, _| false, |_| {});
        };
        if !code.is_provisional() {
            self.entries.remove(index);
        }
        let etag = message.row(Name::SipEtag).and_then(|row| Short::new(row.value.trim_ascii()));
        if let Some(old) = self.find(device)
            && !code.is_provisional()
        {
            // One that the server has forgotten is published anew the next time.
            self.entries.remove(old);
        }
        if let Some(etag) = etag {
            self.insert(now, device, What::Device { etag });
        }
        let changes = Changes { method: Some(SERVICE), body: None };
        rewrite(message, &changes, room, |row, _| row.name == Name::SipEtag, |_| {})
    }

    /// A NOTIFY of presence, as its watcher takes it.
    fn notify(
        &mut self,
        path: Path,
        message: &Message<'_>,
        room: &mut [u8],
    ) -> Result<Sealed, Error> {
        let (format, extensions) =
            self.watcher(message).unwrap_or((Format::Pidf, Extensions::default()));
        let mut body = [0; 4096];
        let pidf = Pidf::parse(message.body()).ok();
        let changed = match (&pidf, format) {
            (Some(pidf), Format::Msrtc) => {
                let presentity = presentity_of(pidf);
                Some((Presentity::CONTENT_TYPE, presentity.write(&mut body)))
            }
            (Some(pidf), Format::Xpidf) => {
                let xpidf = State::of_pidf(pidf).xpidf(Text::plain(pidf.entity.raw()));
                Some((Xpidf::CONTENT_TYPE, xpidf.write(&mut body)))
            }
            _ => None,
        };
        let changed = match changed {
            Some((kind, len)) => {
                let len = len.map_err(Error::BufferTooSmall)?;
                Some((kind, body.get(..len).unwrap_or_default()))
            }
            None => None,
        };
        let method = extensions.benotify.then_some(BENOTIFY);
        let changes = Changes { method, body: changed };
        let epid = self.sign_ins.epid(path, message);
        let len = rewrite(message, &changes, room, |row, to| to_device(row, epid, to), |_| {})?;
        let len = self.sign(path, room, len)?;
        let answer = match method {
            Some(_) => {
                let mut to = Writer::new(room.get_mut(len..).unwrap_or_default());
                to.response(StatusCode::OK, None);
                write_rows(&mut to, message, None, StatusCode::OK, None, false);
                to.finish()?
            }
            None => 0,
        };
        Ok(Sealed { len, answer })
    }

    fn sign(&mut self, path: Path, room: &mut [u8], len: usize) -> Result<usize, Error> {
        let mut row = [0; MAX_ROW];
        let mut to = Writer::new(&mut row);
        let message = Message::parse(room.get(..len).unwrap_or_default())?;
        if !self.sign_ins.write_row(path, &message, &mut to)? {
            return Ok(len);
        }
        let written = to.len();
        let row = row.get(..written).ok_or(Error::Security(ntlm::Error::TooLong))?;
        splice(room, len, row)
    }

    /// What is kept of the subscription that a message belongs to.
    fn watcher(&self, message: &Message<'_>) -> Option<(Format, Extensions)> {
        let key = hash(self.key, &[b"dialog", dialog_id(message)]);
        match self.entries.get(self.find(key)?)?.what {
            What::Watcher { format, extensions } => Some((format, extensions)),
            _ => None,
        }
    }

    fn keep(&mut self, now: Duration, dialog: &[u8], what: What) {
        let key = hash(self.key, &[b"dialog", dialog]);
        if let Some(old) = self.find(key) {
            self.entries.remove(old);
        }
        self.insert(now, key, what);
    }

    fn find(&self, key: u64) -> Option<crate::storage::Index> {
        self.entries.find(key, |entry| entry.key == key)
    }

    /// Keeps something; what is oldest makes room. A client of whom nothing is kept gets plain SIP.
    fn insert(&mut self, now: Duration, key: u64, what: What) {
        let mut entry = FrontEntry { key, what };
        loop {
            match self.entries.insert(key, entry) {
                Ok(index) => {
                    return self.entries.set_deadline(index, Some(now.saturating_add(LIFE)));
                }
                Err((back, _)) => entry = back,
            }
            let Some(oldest) = self.entries.pop_due(Duration::MAX) else { return };
            self.entries.remove(oldest);
        }
    }
}

/// Writes To with the device that a request goes to, by which its user finds the sign-in (MS-SIP section
/// 4.2).
fn to_device(row: &Row<'_>, epid: Option<&[u8]>, to: &mut Writer<'_>) -> bool {
    use crate::header::Header as _;
    let Some(epid) = epid.filter(|epid| !epid.is_empty() && row.name == Name::To) else {
        return false;
    };
    let has_one = To::parse(row.value).is_ok_and(|to| to.params().has(b"epid"));
    with_epid(row, has_one, epid, to)
}

/// A setPresence's levels, where a document has them.
fn levels<'d>(presence: &service::SetPresence<'d>) -> Presentity<'d> {
    let mut presentity = Presentity::new(presence.uri);
    presentity.availability = presence.availability;
    presentity.activity = presence.activity;
    presentity
}

fn from_user(message: &Message<'_>) -> Option<User> {
    message.typed::<From<'_>>()?.ok()?.uri().user().and_then(User::new)
}

fn is_of_dialect(event: &[u8]) -> bool {
    [
        package::CONTACTS,
        package::ACL,
        package::PROVISIONING,
        package::WATCHERS,
        package::REGISTRATION,
    ]
    .iter()
    .any(|known| event.eq_ignore_ascii_case(known))
}
