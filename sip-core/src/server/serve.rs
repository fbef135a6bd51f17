//! What a request meets on its way: the checks of RFC 3261 section 16.3, the part of the server that it is
//! for, and the answers that the server gives itself.

use core::time::Duration;

use super::event::{Departure, Event, from_uri};
use super::gate;
use super::line::Line;
use super::location::Location;
use super::proxy::{has_to_tag, hops};
use super::refusal::{Refusal, With};
use super::registrar::{Registered, Registrar};
use super::route::Routed;
use super::user::User;
use super::{ALLOW, PIDF, Server, Users};
use crate::error::WriteError;
use crate::header::{Event as EventHeader, From, ProxyRequire, Require, Supported, To};
use crate::message::{Message, Method, Name, StatusCode, Writer};
use crate::transaction::{Error, ServerId, write_rows};
use crate::transport::Path;
use crate::uri::Uri;

impl<U: Users, L: Location> Server<'_, U, L> {
    /// A request that is new: answers or relays it.
    pub(super) fn request<'d>(
        &mut self,
        now: Duration,
        transaction: ServerId,
        path: Path,
        message: &Message<'d>,
    ) -> Option<Event<'d>> {
        match self.serve(now, transaction, path, message) {
            Ok(event) => event,
            Err(refusal) => {
                self.refuse(now, transaction, path, message, &refusal);
                // A first challenge is how it always begins, and nothing to tell of.
                let challenged =
                    matches!(refusal.with, With::Challenge { .. } | With::ProxyChallenge { .. });
                (!challenged || gate::has_credentials(message)).then(|| Event::Refused {
                    method: message.method().unwrap_or(Method::Other(b"")),
                    from: from_uri(message),
                    code: refusal.code,
                    path,
                })
            }
        }
    }

    fn serve<'d>(
        &mut self,
        now: Duration,
        transaction: ServerId,
        path: Path,
        message: &Message<'d>,
    ) -> Result<Option<Event<'d>>, Refusal> {
        let method = message.method().unwrap_or(Method::Other(b""));
        let uri = match message.request_uri() {
            Some(Ok(uri)) => uri,
            _ => return Err(Refusal::bad("Malformed Request-URI")),
        };
        if !uri.is_sip() {
            return Err(Refusal::new(StatusCode::UNSUPPORTED_URI_SCHEME));
        }
        let routed = Routed::of(message, &self.config, &self.flows);
        let target = Uri::parse(routed.target).map_err(|_| Refusal::bad("Malformed Route"))?;
        let is_own = self.config.is_own(&target);
        let is_registration = method == Method::Register && is_own;
        // What goes no further may have come its whole way.
        let is_for_server = is_own && (is_registration || target.user().is_none());
        if is_for_server {
            let known = |tag: &Require<'_>| {
                is_registration && (*tag == Require(b"path") || *tag == Require(b"gruu"))
            };
            self.check_required(
                message
                    .all::<Require<'_>>()
                    .filter(|tag| !tag.as_ref().is_ok_and(known))
                    .map(|tag| tag.is_ok()),
                With::Unsupported,
            )?;
        } else {
            hops(message)?;
        }
        self.check_required(
            message.all::<ProxyRequire<'_>>().map(|tag| tag.is_ok()),
            With::UnsupportedByProxy,
        )?;
        if is_registration {
            return self.register(now, transaction, path, message);
        }
        if is_for_server {
            return self.for_server(now, transaction, path, message, method);
        }
        // A dialog that was set up through this server leads to its other side, and nowhere else.
        if !routed.known || is_own {
            self.gate.check_request(now, &self.config, message)?;
        }
        if !is_own {
            let way = self.onward_path(&routed).ok_or_else(|| match routed.known {
                // The connection of a dialog that was set up through this server is gone.
                true => Refusal::new(StatusCode::TEMPORARILY_UNAVAILABLE),
                false => Refusal::new(StatusCode::FORBIDDEN).because("Relaying Denied"),
            })?;
            return self.relay_to(now, transaction, path, message, &routed, way);
        }
        let user = target.user().and_then(User::new);
        let user = user.filter(|user| self.gate.knows(user));
        let user = user.ok_or(Refusal::new(StatusCode::NOT_FOUND))?;
        let is_presence = message
            .typed::<EventHeader<'_>>()
            .is_some_and(|event| event.is_ok_and(|event| event.package == super::PRESENCE));
        match method {
            Method::Publish => self.publish(now, transaction, path, message, &user),
            Method::Subscribe if is_presence => {
                self.subscribe(now, transaction, path, message, &user)
            }
            // A NOTIFY, BYE or the like to an address of record belongs to no dialog of this server's.
            Method::Notify | Method::Bye | Method::Update | Method::Prack
                if has_to_tag(message) && !routed.known =>
            {
                Err(Refusal::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST))
            }
            _ => self.relay_to_user(now, transaction, path, message, &routed, &user),
        }
    }

    /// A request to the server itself (RFC 3261 section 11.2).
    fn for_server<'d>(
        &mut self,
        now: Duration,
        transaction: ServerId,
        path: Path,
        message: &Message<'d>,
        method: Method<'d>,
    ) -> Result<Option<Event<'d>>, Refusal> {
        match method {
            Method::Options => {
                self.answer(now, transaction, path, message, StatusCode::OK, None, |mut to| {
                    to.raw(Name::Allow, ALLOW);
                    to.raw(Name::Accept, PIDF.as_bytes());
                    to.raw(Name::AllowEvents, super::PRESENCE);
                    to.raw(Name::Supported, b"path, gruu");
                    to.finish()
                })
                .map_err(refusal_of)?;
                Ok(None)
            }
            Method::Other(_) => Err(Refusal::new(StatusCode::NOT_IMPLEMENTED).with(With::Allow)),
            _ => Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED).with(With::Allow)),
        }
    }

    fn register<'d>(
        &mut self,
        now: Duration,
        transaction: ServerId,
        path: Path,
        message: &Message<'d>,
    ) -> Result<Option<Event<'d>>, Refusal> {
        let to = message.typed::<To<'_>>().and_then(Result::ok);
        let aor = to.map(|to| to.uri()).ok_or(Refusal::bad("Malformed To"))?;
        let user = match aor.user().and_then(User::new) {
            Some(user) if self.config.is_own(&aor) => user,
            _ => return Err(Refusal::new(StatusCode::NOT_FOUND)),
        };
        let proof = self.gate.check_register(now, &self.config, message, &user)?;
        let rules = self.config.registrar;
        let before = self.location.count(&user);
        let done = rules.register(&mut self.location, now, path, &user, message)?;
        let bindings = self.location.count(&user);
        // To watchers only the first contact and the last are news.
        if (before == 0) != (bindings == 0) {
            self.watchers.changed(&user);
        }
        let (location, gate) = (&self.location, &mut self.gate);
        let source = path.remote;
        let tag = self.layer.tag(transaction);
        // RFC 5627 section 5.2: only where the client understands it.
        let mut tags = message.all::<Supported<'_>>().flatten();
        let gruu = tags.any(|tag| tag == Supported(b"gruu")).then_some(self.config.domain);
        self.layer
            .forward(now, transaction, StatusCode::OK, |mut to| {
                let tag = tag.as_ref().map(|tag| tag.as_bytes());
                write_head(&mut to, message, source, StatusCode::OK, None, tag);
                if matches!(done, Registered::Bound { .. }) {
                    // RFC 3327 section 5.3.
                    for row in message.rows(Name::Path) {
                        to.row(&row);
                    }
                }
                Registrar::write_contacts(location, now, &user, &done, gruu, &mut to);
                if let Some(proof) = &proof {
                    gate.write_info(now, proof, &mut to);
                }
                to.finish()
            })
            .map_err(refusal_of)?;
        Ok(match done {
            Registered::Bound { contact, expires_s } => {
                Some(Event::Registered { user, contact, expires_s, path, bindings })
            }
            Registered::Removed if bindings < before => {
                Some(Event::Unregistered { user, reason: Departure::Removed, bindings })
            }
            _ => None,
        })
    }

    fn check_required(
        &self,
        mut tags: impl Iterator<Item = bool>,
        with: With,
    ) -> Result<(), Refusal> {
        // There is no extension that this server supports in this sense.
        match tags.next() {
            None => Ok(()),
            Some(_) => Err(Refusal::new(StatusCode::BAD_EXTENSION).with(with)),
        }
    }

    /// Answers a request with a response of the server's own.
    #[expect(clippy::too_many_arguments, reason = "what a response is made of")]
    pub(super) fn answer(
        &mut self,
        now: Duration,
        transaction: ServerId,
        path: Path,
        message: &Message<'_>,
        code: StatusCode,
        tag: Option<&[u8]>,
        mut write: impl FnMut(Writer<'_>) -> Result<usize, WriteError>,
    ) -> Result<(), Error> {
        let own = self.layer.tag(transaction);
        self.layer.forward(now, transaction, code, |mut to| {
            let tag = tag.or(own.as_ref().map(|tag| tag.as_bytes()));
            write_head(&mut to, message, path.remote, code, None, tag);
            write(to)
        })
    }

    /// Refuses a request.
    fn refuse(
        &mut self,
        now: Duration,
        transaction: ServerId,
        path: Path,
        message: &Message<'_>,
        refusal: &Refusal,
    ) {
        let tag = self.layer.tag(transaction);
        let (gate, config) = (&mut self.gate, &self.config);
        let done = self.layer.forward(now, transaction, refusal.code, |mut to| {
            let tag = tag.as_ref().map(|tag| tag.as_bytes());
            write_head(&mut to, message, path.remote, refusal.code, refusal.reason, tag);
            match refusal.with {
                With::Nothing => {}
                With::Accept(types) => to.raw(Name::Accept, types.as_bytes()),
                With::Allow => to.raw(Name::Allow, ALLOW),
                With::AllowEvents => to.raw(Name::AllowEvents, super::PRESENCE),
                With::MinExpires(seconds) => to.raw_number(Name::MinExpires, seconds),
                With::RetryAfter => to.raw_number(Name::RetryAfter, config.retry_after_s),
                With::Challenge { stale } => {
                    gate.write_challenges(now, config, Name::WwwAuthenticate, stale, &mut to);
                }
                With::ProxyChallenge { stale } => {
                    gate.write_challenges(now, config, Name::ProxyAuthenticate, stale, &mut to);
                }
                With::Unsupported => {
                    for row in message.rows(Name::Require) {
                        to.raw(Name::Unsupported, row.value);
                    }
                }
                With::UnsupportedByProxy => {
                    for row in message.rows(Name::ProxyRequire) {
                        to.raw(Name::Unsupported, row.value);
                    }
                }
            }
            to.finish()
        });
        if done.is_err() {
            // Without room for the whole of it, its code alone; without any, the sender asks again.
            let code = refusal.code;
            let _ = self.layer.respond_stateless(path, message, code, |to| to.finish());
        }
    }
}

/// What the sender hears when an answer could not be written.
pub(super) fn refusal_of(error: Error) -> Refusal {
    match error {
        Error::Transactions(full) | Error::Octets(full) => full.into(),
        _ => Refusal::new(StatusCode::SERVER_INTERNAL_ERROR),
    }
}

/// Writes the status line and the rows that a response takes from its request (RFC 3261 section 8.2.6).
fn write_head(
    to: &mut Writer<'_>,
    message: &Message<'_>,
    source: core::net::SocketAddr,
    code: StatusCode,
    reason: Option<&str>,
    tag: Option<&[u8]>,
) {
    to.response(code, reason.map(str::as_bytes));
    write_rows(to, message, Some(source), code, tag, false);
}

/// The user of the domain that From names, if it is one.
pub(super) fn from_user(message: &Message<'_>, config: &super::Config<'_>) -> Option<User> {
    let from = message.typed::<From<'_>>().and_then(Result::ok)?;
    let uri = from.uri();
    if config.is_own(&uri) { uri.user().and_then(User::new) } else { None }
}

/// The URI of this server as one who is reached over `path` sees it, for a user of its domain.
pub(super) fn own_contact<U, L>(server: &Server<'_, U, L>, path: Path, user: &User) -> Line<256> {
    let mut line = Line::new();
    line.put(b"<sip:");
    for octet in user.as_bytes() {
        if octet.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(octet) {
            line.put(&[*octet]);
        } else {
            line.put(b"%").hex_octets(&[*octet]);
        }
    }
    line.put(b"@");
    if let Some(address) = server.config.own_address(path) {
        line.address(address);
    }
    line.put(b";transport=").put(path.transport.uri_token().as_bytes()).put(b">");
    line
}
