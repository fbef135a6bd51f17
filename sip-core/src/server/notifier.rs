//! Presence: PUBLISH, SUBSCRIBE, and the NOTIFY requests that follow (RFC 3903, RFC 6665, RFC 3856).

use core::time::Duration;

use super::event::{Event, from_uri};
use super::gate::Users;
use super::line::Line;
use super::location::Location;
use super::publication::Publish;
use super::refusal::{Refusal, With};
use super::serve::{from_user, own_contact, refusal_of};
use super::user::User;
use super::watcher::{End, Subscribe, WatcherId};
use super::{Owner, PIDF, PRESENCE, Server};
use crate::header::{
    Accept, CSeq, Contact, ContentType, Event as EventHeader, Expires, From, RecordRoute,
    SipIfMatch, To,
};
use crate::message::{Message, Method, Name, StatusCode, Writer};
use crate::presence::compose;
use crate::transaction::ServerId;
use crate::transport::Path;

/// How long to wait with NOTIFY requests when there is no room for one.
const BREATH: Duration = Duration::from_millis(500);

impl<U: Users, L: Location> Server<'_, U, L> {
    /// A PUBLISH for a user's presence (RFC 3903 section 6).
    pub(super) fn publish<'d>(
        &mut self,
        now: Duration,
        transaction: ServerId,
        path: Path,
        message: &Message<'d>,
        user: &User,
    ) -> Result<Option<Event<'d>>, Refusal> {
        if from_user(message, &self.config).as_ref() != Some(user) {
            return Err(Refusal::new(StatusCode::FORBIDDEN).because("Not Your Presence"));
        }
        match message.typed::<EventHeader<'_>>() {
            None => return Err(Refusal::bad("Missing Event")),
            Some(Ok(event)) if event.package == PRESENCE => {}
            Some(_) => return Err(Refusal::new(StatusCode::BAD_EVENT).with(With::AllowEvents)),
        }
        let etag = match message.typed::<SipIfMatch<'_>>() {
            None => None,
            Some(tag) => {
                let unknown = Refusal::new(StatusCode::CONDITIONAL_REQUEST_FAILED);
                let tag = tag.map_err(|_| Refusal::bad("Malformed SIP-If-Match"))?;
                Some(number(tag.0).ok_or(unknown)?)
            }
        };
        let body = message.body();
        if !body.is_empty() {
            let accept = Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE).with(With::Accept(PIDF));
            match message.typed::<ContentType<'_>>() {
                Some(Ok(kind)) if is_pidf(kind.kind, kind.subtype) => {}
                _ => return Err(accept),
            }
            if body.len() > self.config.max_document {
                return Err(Refusal::new(StatusCode::REQUEST_ENTITY_TOO_LARGE));
            }
        }
        let expires_s = self.interval(message)?;
        let publish = Publish {
            etag,
            document: Some(body).filter(|body| !body.is_empty()),
            expires: Duration::from_secs(expires_s.into()),
        };
        let published = self.publications.publish(now, user, &publish)?;
        if published.changed {
            self.watchers.changed(user);
        }
        let mut tag = Line::<16>::new();
        tag.hex(published.etag);
        self.answer(now, transaction, path, message, StatusCode::OK, None, |mut to| {
            to.raw(Name::SipEtag, tag.as_bytes());
            to.raw_number(Name::Expires, expires_s);
            to.finish()
        })
        .map_err(refusal_of)?;
        Ok(published.changed.then_some(Event::Published { user: *user }))
    }

    /// A SUBSCRIBE for a user's presence (RFC 6665 section 4.2.1).
    pub(super) fn subscribe<'d>(
        &mut self,
        now: Duration,
        transaction: ServerId,
        path: Path,
        message: &Message<'d>,
        user: &User,
    ) -> Result<Option<Event<'d>>, Refusal> {
        let mut types = message.all::<Accept<'_>>().peekable();
        let all = types.peek().is_none();
        if !all && !types.flatten().any(|accept| accept.takes(b"application", b"pidf+xml")) {
            return Err(Refusal::new(StatusCode::NOT_ACCEPTABLE).with(With::Accept(PIDF)));
        }
        let expires_s = self.interval(message)?;
        let contact = message.typed::<Contact<'_>>().and_then(Result::ok);
        let contact = contact.and_then(|contact| contact.uri()).and_then(|uri| uri.as_bytes());
        let contact = contact.ok_or(Refusal::bad("Missing or Malformed Contact"))?;
        let from = message.typed::<From<'_>>().and_then(Result::ok);
        let to = message.typed::<To<'_>>().and_then(Result::ok);
        let (Some(from), Some(to)) = (from, to) else {
            return Err(Refusal::bad("Malformed From or To"));
        };
        let Some(from_tag) = from.tag() else { return Err(Refusal::bad("From Without a Tag")) };
        let cseq = match message.typed::<CSeq<'_>>() {
            Some(Ok(cseq)) => cseq.number,
            _ => return Err(Refusal::bad("Malformed CSeq")),
        };
        let mut routes = Line::<1024>::new();
        for route in message.all::<RecordRoute<'_>>().flatten() {
            if !routes.as_bytes().is_empty() {
                routes.put(b", ");
            }
            routes.put(route.as_bytes().unwrap_or_default());
        }
        if routes.as_bytes().is_empty() && message.row(Name::RecordRoute).is_some() {
            return Err(
                Refusal::new(StatusCode::MESSAGE_TOO_LARGE).because("Record-Route Too Long")
            );
        }
        let value = |name| message.row(name).map_or(&b""[..], |row| row.value);
        // The gate has let nobody else through.
        let watcher = from_user(message, &self.config).ok_or(Refusal::bad("Malformed From"))?;
        let subscribe = Subscribe {
            resource: *user,
            watcher,
            call_id: value(Name::CallId),
            from: value(Name::From),
            from_tag,
            to: value(Name::To),
            contact,
            routes: routes.as_bytes(),
            event: value(Name::Event),
            cseq,
            path,
            expires: Duration::from_secs(expires_s.into()),
        };
        let mut own_tag = Line::<16>::new();
        let fresh = match to.tag() {
            Some(tag) => {
                self.watchers.renew(now, tag, &subscribe)?;
                false
            }
            None => {
                let (_, tag) = self.watchers.begin(now, &subscribe)?;
                own_tag.hex(tag);
                true
            }
        };
        let own = own_contact(self, path, user);
        let tag = Some(own_tag.as_bytes()).filter(|_| fresh);
        self.answer(now, transaction, path, message, StatusCode::OK, tag, |mut to| {
            for row in message.rows(Name::RecordRoute) {
                to.row(&row);
            }
            to.raw(Name::Contact, own.as_bytes());
            to.raw_number(Name::Expires, expires_s);
            to.finish()
        })
        .map_err(refusal_of)?;
        // Renewals are no news to the host.
        let told = fresh || expires_s == 0;
        Ok(told.then(|| Event::Subscribed { user: *user, watcher: from_uri(message), expires_s }))
    }

    /// The time that a SUBSCRIBE or PUBLISH asks for and gets, in seconds.
    fn interval(&self, message: &Message<'_>) -> Result<u32, Refusal> {
        match message.typed::<Expires>() {
            None => Ok(self.config.max_presence_s),
            Some(Ok(Expires(0))) => Ok(0),
            Some(Ok(Expires(asked))) if asked < self.config.min_presence_s => {
                Err(Refusal::new(StatusCode::INTERVAL_TOO_BRIEF)
                    .with(With::MinExpires(self.config.min_presence_s)))
            }
            Some(Ok(Expires(asked))) => Ok(asked.min(self.config.max_presence_s)),
            Some(Err(_)) => Err(Refusal::bad("Malformed Expires")),
        }
    }
}

impl<U, L: Location> Server<'_, U, L> {
    /// Sends the next NOTIFY that is due. Says whether there was one.
    pub(super) fn notify_next(&mut self, now: Duration) -> bool {
        if self.notify_after.is_some_and(|at| at > now) {
            return false;
        }
        let Some(id) = self.watchers.take_ready() else { return false };
        match self.send_notify(now, id) {
            Some(true) => true,
            Some(false) => {
                self.watchers.postpone(id);
                self.notify_after = Some(now.saturating_add(BREATH));
                false
            }
            None => {
                self.watchers.answered(id, false);
                true
            }
        }
    }

    /// Says whether there was room for it; nothing where there is no way to the watcher.
    fn send_notify(&mut self, now: Duration, id: WatcherId) -> Option<bool> {
        let notify = self.watchers.notify(now, id)?;
        let user = notify.resource;
        let side = self.flows.side(notify.path, Some(&notify.watcher));
        let path = self.way_to(side, notify.target)?;
        let own = own_contact(self, path, &user);
        let mut from = Line::<16>::new();
        from.hex(notify.from_tag);
        let mut state = Line::<48>::new();
        match notify.ended {
            Some(End::Timeout) => state.put(b"terminated;reason=timeout"),
            None => state.put(b"active;expires=").number(notify.remaining.as_secs()),
        };
        let online = self.location.count(&user) > 0;
        // No longer than a NOTIFY may be; what was published first is left out then.
        let mut room = self.config.limits.body_octets;
        let documents = self.publications.documents(&user).take_while(|document| {
            let left = room.checked_sub(document.len());
            room = left.unwrap_or_default();
            left.is_some()
        });
        let shown = if online { documents.count() } else { 0 };
        let domain = self.config.domain;
        let write = |mut to: Writer<'_>| {
            to.raw(Name::MaxForwards, b"70");
            if !notify.routes.is_empty() {
                to.raw(Name::Route, notify.routes);
            }
            to.name(Name::From);
            to.text(notify.from);
            to.param(b"tag", from.as_bytes());
            to.end_row();
            to.raw(Name::To, notify.to);
            to.raw(Name::CallId, notify.call_id);
            to.header(&CSeq { number: notify.cseq, method: Method::Notify });
            to.raw(Name::Contact, own.as_bytes());
            to.raw(Name::Event, notify.event);
            to.raw(Name::SubscriptionState, state.as_bytes());
            let mut documents = self.publications.documents(&user).take(shown);
            match (documents.next(), documents.next()) {
                (None, _) => {
                    let body = registration(&user, domain, online);
                    to.body(PIDF.as_bytes(), body.as_bytes())
                }
                (Some(document), None) => to.body(PIDF.as_bytes(), document),
                (Some(_), Some(_)) => {
                    let all = self.publications.documents(&user).take(shown);
                    let entity = user.uri(domain);
                    to.body_with(PIDF.as_bytes(), |room| compose(entity.as_bytes(), all, room))
                }
            }
        };
        let owner = Owner::Notify(id);
        let sent = self.layer.send_request(now, path, owner, Method::Notify, notify.target, write);
        match sent {
            Ok(_) => Some(true),
            Err(
                crate::transaction::Error::Transactions(_) | crate::transaction::Error::Octets(_),
            ) => Some(false),
            Err(_) => None,
        }
    }
}

/// The presence of a user who has published none (RFC 3863): open where the user is signed in.
fn registration(user: &User, domain: &str, online: bool) -> Line<1024> {
    let mut line = Line::new();
    line.put(
        b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
          <presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"",
    );
    let basic: &[u8] = if online { b"open" } else { b"closed" };
    line.put(user.uri(domain).as_bytes())
        .put(b"\"><tuple id=\"registration\"><status><basic>")
        .put(basic)
        .put(b"</basic></status></tuple></presence>\r\n");
    line
}

fn is_pidf(kind: &[u8], subtype: &[u8]) -> bool {
    kind.eq_ignore_ascii_case(b"application") && subtype.eq_ignore_ascii_case(b"pidf+xml")
}

/// The number that an entity tag of ours stands for.
fn number(tag: &[u8]) -> Option<u64> {
    let mut octets = [0; 8];
    super::line::from_hex(tag, &mut octets).filter(|len| *len == 8)?;
    Some(u64::from_be_bytes(octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_without_a_publication_is_open_or_closed() {
        let user = User::new(b"a<b").unwrap();
        let open = registration(&user, "example.test", true);
        let text = core::str::from_utf8(open.as_bytes()).unwrap();
        assert!(text.contains("entity=\"sip:a%3cb@example.test\""), "{text}");
        assert!(text.contains("<basic>open</basic>"), "{text}");
        let closed = registration(&user, "example.test", false);
        assert!(core::str::from_utf8(closed.as_bytes()).unwrap().contains("<basic>closed</basic>"));
    }
}
