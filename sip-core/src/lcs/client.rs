//! What stands between an [`Agent`](crate::agent::Agent) and a server of the dialect.
//!
//! ```text
//!            ┌─ Client ───────────────────────────────────────────────┐
//!  network   │ open   signature checked; 401 NTLM ─▶ 401 Digest stand-in│   agent
//!  ────────▶ │        BENOTIFY ─▶ NOTIFY; 200 with a piggybacked one ─▶ │ ────────▶
//!            │        200, then NOTIFY; 200 SERVICE ─▶ 200 PUBLISH      │
//!            │ seal   epid; stand-in ─▶ NTLM; signature                 │
//!  ◀──────── │        200 to a BENOTIFY ─▶ nothing; PUBLISH ─▶ SERVICE  │ ◀────────
//!            └──────────────────────────────────────────────────────────┘
//! ```
//!
//! The agent knows nothing of it: a challenge of NTLM comes to it as one of Digest, which it answers by
//! sending its request again with a new CSeq number, and its answer is taken out and the right one put
//! in. Its account needs a password for that, any one: it does not leave.

use super::endpoint::Epid;
use super::registration::Ended;
use super::relay::{
    Changes, MAX_ROW, STAND_IN, Sealed, call_hash, is_signature, is_stand_in, pass, rewrite,
    splice, with_epid,
};
use super::service::{self, Request, SetPresence};
use super::subscription::{Extensions, Piggyback};
use super::translate::State;
use super::{BENOTIFY, Error, SERVICE};
use crate::header::{CSeq, Expires};
use crate::message::{Message, Method, Name, StatusCode, Writer};
use crate::ntlm::{self, Kerberos, NoKerberos, hex_u32};
use crate::presence::Pidf;
use crate::presence::xml::Text;
use crate::storage::Seeds;

/// How many notifications may wait for answers that are not sent.
const WAITING: usize = 8;

/// What a message that came has become, for the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Opened<'d> {
    /// What the agent is to be handed.
    pub message: &'d [u8],
    /// What it is to be handed then; empty for nothing.
    pub then: &'d [u8],
    /// Why the server has ended the registration, if it has: the agent does not know.
    pub ended: Option<Ended>,
}

/// The dialect for one account of an agent: sign-in, signatures, endpoint identity, notifications and
/// presence.
///
/// What is read from a stream is cut into messages by [`Frame`](crate::transport::Frame).
///
/// ```no_run
/// # use sip_core::agent::Agent;
/// # use sip_core::lcs::{Client, endpoint::Epid};
/// # use sip_core::ntlm::{self, NtHash};
/// # use sip_core::transport::Path;
/// # use core::time::Duration;
/// # fn send(_: Path, _: &[u8]) {}
/// # fn host(agent: &mut Agent<'_>, now: Duration, path: Path, octets: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
/// let hash = NtHash::of("secret");
/// let sign_in = ntlm::Client::new("alice", "EXAMPLE", "PC", hash, [1; 32])?;
/// let mut client = Client::new(sign_in, Epid::new(0xb34a_fb6e_bb23), [2; 32]);
///
/// // A message that came, whole; `time` is that of MS-NLMP, for the sign-in.
/// let (time, mut room) = (0, [0; 8192]);
/// let opened = client.open(time, octets, &mut room)?;
/// for message in [opened.message, opened.then] {
///     let (_, event) = agent.handle_stream(now, path, message)?;
///     println!("{event:?}");
/// }
/// // What goes out.
/// let (mut buffer, mut room) = ([0; Agent::BUFFER], [0; 8192]);
/// while let Some(transmit) = agent.poll_transmit(now, &mut buffer) {
///     let sealed = client.seal(&buffer[..transmit.len], &mut room)?;
///     send(transmit.path, &room[..sealed.len]);
///     let answer = &room[sealed.len..][..sealed.answer];
///     agent.handle_stream(now, path, answer)?;
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Client<K = NoKerberos> {
    /// The sign-in.
    pub sign_in: ntlm::Client<K>,
    /// Whether presence that the agent publishes goes as setPresence: a server of the dialect knows no
    /// PUBLISH.
    pub translates: bool,
    epid: Epid,
    key: (u64, u64),
    /// Tells apart the challenges that stand in for others.
    nonce: u32,
    /// The notifications whose answers are not sent.
    unanswered: [u64; WAITING],
    next: usize,
    /// The PUBLISH that went as a SERVICE.
    published: u64,
}

impl<K: Kerberos> Client<K> {
    /// A client that signs in so, from this device.
    #[must_use]
    pub fn new(sign_in: ntlm::Client<K>, epid: Epid, seed: [u8; 32]) -> Self {
        Self {
            sign_in,
            translates: true,
            epid,
            key: Seeds::new(seed).key(40),
            nonce: 0,
            unanswered: [0; WAITING],
            next: 0,
            published: 0,
        }
    }

    /// A whole message came. Says what the agent is to be handed, which stands in `octets` or `room`; the
    /// room must hold the message twice, and 512 octets more. `time` is the time of day in tenths of
    /// microseconds since 1601.
    ///
    /// # Errors
    /// [`Error::Security`] where it is not signed as it should be: it is to be dropped. What is wrong with
    /// it, or that the room is too small.
    pub fn open<'d>(
        &mut self,
        time: u64,
        octets: &'d [u8],
        room: &'d mut [u8],
    ) -> Result<Opened<'d>, Error> {
        let message = Message::parse(octets)?;
        self.sign_in.check(&message)?;
        let ended = Ended::of(&message);
        if ended.is_some() {
            self.sign_in.reset();
        }
        let same = Opened { message: octets, then: b"", ended };
        let cseq = message.typed::<CSeq<'_>>().and_then(Result::ok).ok_or(Error::Message)?;
        let len = match message.code() {
            None if message.method() == Some(BENOTIFY) => {
                self.leave_unanswered(&message);
                let changes = Changes { method: Some(Method::Notify), body: None };
                rewrite(&message, &changes, room, |row, _| is_signature(row), |_| {})?
            }
            None => return Ok(same),
            Some(StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED) => {
                // A refusal goes on as it is: the agent finds nothing in it to answer.
                match self.sign_in.challenged(time, &message) {
                    Ok(true) => self.stand_in(&message, cseq.method, room)?,
                    Ok(false) | Err(_) => return Ok(same),
                }
            }
            Some(code)
                if cseq.method == SERVICE && call_hash(self.key, &message) == self.published =>
            {
                let changes = Changes { method: Some(Method::Publish), body: None };
                rewrite(
                    &message,
                    &changes,
                    room,
                    |row, _| is_signature(row),
                    |to| {
                        if code.is_success() {
                            to.raw(Name::SipEtag, b"setPresence");
                        }
                    },
                )?
            }
            Some(_) if cseq.method == Method::Subscribe => {
                let Some(first) = Piggyback::of(&message) else { return Ok(same) };
                let len = first_notify(&message, &first, room)?;
                let notify = room.get(..len).unwrap_or_default();
                self.leave_unanswered(&Message::parse(notify)?);
                return Ok(Opened { then: notify, ..same });
            }
            Some(_) => return Ok(same),
        };
        Ok(Opened { message: room.get(..len).unwrap_or_default(), ..same })
    }

    /// A message goes out: writes what is to be sent to the start of `room`, which needs 3 KiB more than
    /// the message. What is no message, a keep-alive, stays as it is.
    ///
    /// # Errors
    /// What is wrong with it, or that the room is too small.
    pub fn seal(&mut self, octets: &[u8], room: &mut [u8]) -> Result<Sealed, Error> {
        if octets.trim_ascii().is_empty() {
            return Ok(Sealed { len: pass(octets, room)?, answer: 0 });
        }
        let message = Message::parse(octets)?;
        let is_request = message.method().is_some();
        if !is_request && self.was_unanswered(&message) {
            return Ok(Sealed::default());
        }
        if self.translates && self.sign_in.is_open() && message.method() == Some(Method::Publish) {
            return self.publish(&message, room);
        }
        let len = self.write(&message, &Changes::NONE, room)?;
        self.sign(room, len)
    }

    /// A message as this device sends it, without its signature.
    fn write(
        &self,
        message: &Message<'_>,
        changes: &Changes<'_>,
        room: &mut [u8],
    ) -> Result<usize, Error> {
        let is_request = message.method().is_some();
        let epid = self.epid.as_bytes();
        let has_one = match is_request {
            true => Epid::of_sender(message).is_some(),
            false => Epid::of_receiver(message).is_some(),
        };
        let is_service = changes.method.is_some();
        let subscribes = message.method() == Some(Method::Subscribe) && self.sign_in.is_open();
        rewrite(
            message,
            changes,
            room,
            |row, to| match row.name {
                Name::From if is_request => with_epid(row, has_one, epid, to),
                Name::To if !is_request => with_epid(row, has_one, epid, to),
                Name::Event | Name::SipIfMatch | Name::Expires => is_service,
                _ => is_stand_in(row),
            },
            |to| {
                if subscribes {
                    // No proxy is required to know of it: an ordinary one would refuse.
                    let all = Extensions { autoextend: false, ..Extensions::ALL };
                    all.write_rows(false, to);
                }
            },
        )
    }

    fn sign(&mut self, room: &mut [u8], len: usize) -> Result<Sealed, Error> {
        let mut row = [0; MAX_ROW];
        let mut to = Writer::new(&mut row);
        let message = Message::parse(room.get(..len).unwrap_or_default())?;
        self.sign_in.write_row(&message, &mut to)?;
        let row = to.as_bytes().len();
        if to.len() > row {
            return Err(Error::Security(ntlm::Error::TooLong));
        }
        let mut copy = [0; MAX_ROW];
        let copy = copy.get_mut(..row).unwrap_or_default();
        copy.copy_from_slice(to.as_bytes());
        Ok(Sealed { len: splice(room, len, copy)?, answer: 0 })
    }

    /// A PUBLISH goes as setPresence. One that only asks for more time is answered here: what was set
    /// stays for as long as the registration.
    fn publish(&mut self, message: &Message<'_>, room: &mut [u8]) -> Result<Sealed, Error> {
        let expires = message.typed::<Expires>().and_then(Result::ok).map(|expires| expires.0);
        let pidf = Pidf::parse(message.body()).ok();
        let state = match (&pidf, expires) {
            (_, Some(0)) => State::OFFLINE,
            (Some(pidf), _) => State::of_pidf(pidf),
            (None, _) if message.body().is_empty() => return answer_publish(message, room),
            (None, _) => {
                // Another package: the server will say what it thinks of it.
                let len = self.write(message, &Changes::NONE, room)?;
                return self.sign(room, len);
            }
        };
        let uri = message.uri().unwrap_or_default();
        let mut presence = SetPresence::new(
            Text::plain(uri),
            state.availability.aggregate(),
            state.activity.aggregate(),
        );
        presence.activity.note = state.note;
        presence.device_id = Some(Text::plain(self.epid.as_bytes()));
        let mut body = [0; 2048];
        let len = Request::SetPresence(presence).write(&mut body).map_err(Error::BufferTooSmall)?;
        let body = body.get(..len).unwrap_or_default();
        let changes = Changes { method: Some(SERVICE), body: Some((service::CONTENT_TYPE, body)) };
        self.published = call_hash(self.key, message);
        let len = self.write(message, &changes, room)?;
        self.sign(room, len)
    }

    /// The challenge that the agent is to see.
    fn stand_in(
        &mut self,
        message: &Message<'_>,
        method: Method<'_>,
        room: &mut [u8],
    ) -> Result<usize, Error> {
        self.nonce = self.nonce.wrapping_add(1);
        let nonce = hex_u32(self.nonce);
        let is_proxy = message.code() == Some(StatusCode::PROXY_AUTHENTICATION_REQUIRED);
        let name = if is_proxy { Name::ProxyAuthenticate } else { Name::WwwAuthenticate };
        let translated = method == SERVICE && call_hash(self.key, message) == self.published;
        let changes = Changes { method: translated.then_some(Method::Publish), body: None };
        rewrite(
            message,
            &changes,
            room,
            |row, _| matches!(row.name, Name::WwwAuthenticate | Name::ProxyAuthenticate),
            |to| {
                to.name(name);
                to.text(b"Digest realm=\"");
                to.text(STAND_IN);
                to.text(b"\", nonce=\"");
                to.text(&nonce);
                to.text(b"\", stale=true");
                to.end_row();
            },
        )
    }

    fn leave_unanswered(&mut self, message: &Message<'_>) {
        let hash = call_hash(self.key, message);
        if let Some(place) = self.unanswered.get_mut(self.next) {
            *place = hash;
        }
        self.next = (self.next + 1) % WAITING;
    }

    fn was_unanswered(&mut self, message: &Message<'_>) -> bool {
        let cseq = message.typed::<CSeq<'_>>().and_then(Result::ok);
        if cseq.is_none_or(|cseq| cseq.method != Method::Notify) {
            return false;
        }
        let hash = call_hash(self.key, message);
        let place = self.unanswered.iter_mut().find(|place| **place == hash);
        place.map(|place| *place = 0).is_some()
    }
}

/// The 200 to a PUBLISH that goes nowhere.
fn answer_publish(message: &Message<'_>, room: &mut [u8]) -> Result<Sealed, Error> {
    let mut to = Writer::new(room);
    to.response(StatusCode::OK, None);
    crate::transaction::write_rows(&mut to, message, None, StatusCode::OK, Some(b"lcs"), false);
    to.raw(Name::SipEtag, b"setPresence");
    if let Some(row) = message.row(Name::Expires) {
        to.row(&row);
    }
    Ok(Sealed { len: 0, answer: to.finish()? })
}

/// The NOTIFY that a piggybacked notification would have been.
fn first_notify(
    message: &Message<'_>,
    first: &Piggyback<'_>,
    room: &mut [u8],
) -> Result<usize, Error> {
    let value = |name| message.row(name).map(|row| row.value).unwrap_or_default();
    let cseq = CSeq { number: first.cseq, method: Method::Notify };
    let mut to = Writer::new(room);
    to.request_to(Method::Notify, b"sip:piggyback.invalid");
    to.name(Name::Via);
    to.text(b"SIP/2.0/TCP piggyback.invalid;branch=z9hG4bK-");
    to.number(first.cseq);
    to.text(b"-");
    to.text(value(Name::CallId));
    to.end_row();
    to.raw(Name::MaxForwards, b"70");
    to.raw(Name::From, value(Name::To));
    to.raw(Name::To, value(Name::From));
    to.raw(Name::CallId, value(Name::CallId));
    to.header(&cseq);
    for row in message.headers() {
        let is_state = matches!(row.name, Name::Contact | Name::Event | Name::SubscriptionState);
        if is_state || row.name == Name::ContentEncoding {
            to.row(&row);
        }
    }
    if message.row(Name::SubscriptionState).is_none() {
        to.name(Name::SubscriptionState);
        to.text(b"active;expires=");
        to.text(value(Name::Expires));
        to.end_row();
    }
    Ok(to.body(first.content_type, first.body)?)
}
