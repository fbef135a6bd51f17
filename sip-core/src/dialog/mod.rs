//! Dialogs (RFC 3261 section 12): what two user agents remember of each other between the requests
//! of a call or a subscription.
//!
//! A dialog is kept as the pattern of the requests that we send within it: one block of an
//! [`Arena`], written as a message, so that each request copies its rows.
//!
//! ```text
//! BYE sip:bob@192.0.2.4 SIP/2.0            the remote target, or the first strict router
//! Route: <sip:p1.example.com;lr>           the route set, in the order of our requests
//! From: <sip:alice@example.com>;tag=88     our address and tag
//! To: <sip:bob@example.com>;tag=314        the other side's
//! Call-ID: 3848276298220188511
//! Contact: <sip:bob@192.0.2.4>             the remote target
//! ```

use crate::error::WriteError;
use crate::header::{CSeq, CallId, Contact, From, RecordRoute, Route, To};
use crate::message::{Message, Method, Name, Writer};
use crate::storage::{Arena, Block, Blocks, NotKept};
use crate::transaction::Tag;
use crate::uri::{Host, Uri};

/// The state of one dialog. Its octets stand in an arena; give them back with [`Dialog::free`].
#[derive(Debug)]
pub struct Dialog {
    pattern: Block,
    local_cseq: u32,
    remote_cseq: Option<u32>,
}

/// Why there is no dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DialogError {
    /// A header that the dialog needs is missing or malformed.
    Header(&'static str),
    /// The route set is longer than [`Dialog::MAX_ROUTES`].
    Routes,
    /// The dialog's octets could not be kept.
    NotKept(NotKept),
}

impl core::fmt::Display for DialogError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Header(name) => write!(f, "the {name} header is missing or malformed"),
            Self::Routes => write!(f, "the route set has more than {} hops", Dialog::MAX_ROUTES),
            Self::NotKept(error) => core::fmt::Display::fmt(error, f),
        }
    }
}

impl core::error::Error for DialogError {}

impl core::convert::From<NotKept> for DialogError {
    fn from(error: NotKept) -> Self {
        Self::NotKept(error)
    }
}

/// What a request within a dialog is to its order (RFC 3261 section 12.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Order {
    /// It follows those before it.
    Next,
    /// It is older than one that was there before: it is answered 500.
    Late,
}

impl Dialog {
    /// How many hops a route set may have.
    pub const MAX_ROUTES: usize = 16;

    /// The dialog of a server: of a request that arrived, with our tag (RFC 3261 section 12.1.1).
    ///
    /// # Errors
    /// [`DialogError`] where the request cannot make a dialog, or there is no room for it.
    pub fn server(
        arena: &mut Arena<'_>,
        request: &Message<'_>,
        tag: &Tag,
    ) -> Result<Self, DialogError> {
        let from = typed::<From<'_>>(request, "From")?;
        let to = typed::<To<'_>>(request, "To")?;
        let call_id = typed::<CallId<'_>>(request, "Call-ID")?;
        let cseq = typed::<CSeq<'_>>(request, "CSeq")?;
        let target = target(request)?;
        let us = From(if to.tag().is_some() { *to } else { to.with_tag(tag.as_bytes()).0 });
        let routes = Routes::recorded(request, false)?;
        let parts = Parts { routes, us, them: To(*from), call_id, target };
        let pattern = arena.write(|_, room| parts.write(Writer::new(room)))?;
        Ok(Self { pattern, local_cseq: 0, remote_cseq: Some(cseq.number) })
    }

    /// The dialog of a client: of a response to a request of ours (RFC 3261 section 12.1.2).
    ///
    /// # Errors
    /// [`DialogError`] where the response cannot make a dialog, or there is no room for it.
    pub fn client(arena: &mut Arena<'_>, response: &Message<'_>) -> Result<Self, DialogError> {
        let us = typed::<From<'_>>(response, "From")?;
        let them = typed::<To<'_>>(response, "To")?;
        let call_id = typed::<CallId<'_>>(response, "Call-ID")?;
        let cseq = typed::<CSeq<'_>>(response, "CSeq")?;
        // Some answer without a Contact; their address is the best there is then.
        let target = match target(response) {
            Ok(target) => target,
            Err(_) => them.uri().as_bytes().ok_or(DialogError::Header("Contact"))?,
        };
        let routes = Routes::recorded(response, true)?;
        let parts = Parts { routes, us, them, call_id, target };
        let pattern = arena.write(|_, room| parts.write(Writer::new(room)))?;
        Ok(Self { pattern, local_cseq: cseq.number, remote_cseq: None })
    }

    /// The dialog that a NOTIFY makes which overtook the response to our SUBSCRIBE (RFC 6665
    /// section 4.4.1): the NOTIFY's To is ours. `local_cseq` is the SUBSCRIBE's.
    ///
    /// # Errors
    /// [`DialogError`] where the request cannot make a dialog, or there is no room for it.
    pub fn notified(
        arena: &mut Arena<'_>,
        request: &Message<'_>,
        local_cseq: u32,
    ) -> Result<Self, DialogError> {
        let mut dialog = Self::server(arena, request, &Tag::new(0))?;
        dialog.local_cseq = local_cseq;
        Ok(dialog)
    }

    /// The early dialog of a client is confirmed by this 2xx: its route set and its remote target are
    /// those that the 2xx names (RFC 3261 section 13.2.2.4), its numbers go on.
    ///
    /// # Errors
    /// As [`Dialog::client`]; the dialog stays as it was then.
    pub fn confirm(
        &mut self,
        arena: &mut Arena<'_>,
        response: &Message<'_>,
    ) -> Result<(), DialogError> {
        let confirmed = Self::client(arena, response)?;
        self.local_cseq = self.local_cseq.max(confirmed.local_cseq);
        arena.free(core::mem::replace(&mut self.pattern, confirmed.pattern));
        Ok(())
    }

    /// Gives the dialog's octets back.
    pub fn free(self, arena: &mut Arena<'_>) {
        arena.free(self.pattern);
    }

    /// The other side names another remote target in a re-INVITE or its answer (RFC 3261 section
    /// 12.2.1.2, 12.2.2). The route set stays.
    ///
    /// # Errors
    /// [`NotKept`] where there is no room; the old target stays then.
    pub fn refresh(&mut self, arena: &mut Arena<'_>, message: &Message<'_>) -> Result<(), NotKept> {
        let Ok(target) = target(message) else { return Ok(()) };
        let same = self.pattern(arena.blocks()).and_then(|pattern| {
            Some(pattern.typed::<Contact<'_>>()?.ok()?.uri()?.as_bytes()? == target)
        });
        if same == Some(true) {
            return Ok(());
        }
        let pattern = arena.write(|blocks, room| {
            let to = Writer::new(room);
            let Some(old) = self.pattern(blocks) else { return to.finish() };
            let us = old.typed::<From<'_>>().and_then(Result::ok);
            let them = old.typed::<To<'_>>().and_then(Result::ok);
            let call_id = old.typed::<CallId<'_>>().and_then(Result::ok);
            let (Some(us), Some(them), Some(call_id)) = (us, them, call_id) else {
                return to.finish();
            };
            Parts { routes: Routes::kept(&old), us, them, call_id, target }.write(to)
        })?;
        arena.free(core::mem::replace(&mut self.pattern, pattern));
        Ok(())
    }

    /// Takes note of a request's CSeq, and says whether the request is in order.
    pub fn receive(&mut self, request: &Message<'_>) -> Order {
        let Some(Ok(cseq)) = request.typed::<CSeq<'_>>() else { return Order::Late };
        if self.remote_cseq.is_some_and(|last| cseq.number < last) {
            return Order::Late;
        }
        self.remote_cseq = Some(cseq.number);
        Order::Next
    }

    /// The number of our next request.
    pub fn next_cseq(&mut self) -> u32 {
        self.local_cseq = self.local_cseq.saturating_add(1).min(CSeq::MAX);
        self.local_cseq
    }

    /// The number of our last request.
    pub const fn local_cseq(&self) -> u32 {
        self.local_cseq
    }

    /// The number of our last request is this one: it was sent again with credentials.
    pub const fn set_local_cseq(&mut self, number: u32) {
        self.local_cseq = number;
    }

    /// The block that holds the pattern of our requests: its Request-URI is theirs.
    pub const fn block(&self) -> &Block {
        &self.pattern
    }

    /// Writes the rows that each of our requests has: Route, From, To, Call-ID, CSeq and
    /// Max-Forwards. The request line and the Via stand before them.
    pub fn write(&self, blocks: Blocks<'_>, to: &mut Writer<'_>, method: Method<'_>, cseq: u32) {
        let Some(pattern) = self.pattern(blocks) else { return };
        for row in pattern.rows(Name::Route) {
            to.row(&row);
        }
        for name in [Name::From, Name::To, Name::CallId] {
            if let Some(row) = pattern.row(name) {
                to.row(&row);
            }
        }
        to.header(&CSeq { number: cseq, method });
        to.raw_number(Name::MaxForwards, 70);
    }

    /// Whether a request of the other side has the dialog's Call-ID and tags.
    pub fn matches(&self, blocks: Blocks<'_>, request: &Message<'_>) -> bool {
        let Some(pattern) = self.pattern(blocks) else { return false };
        let tag_of = |message: &Message<'_>, theirs: bool, wanted: &Message<'_>| {
            let wanted_from = wanted.typed::<From<'_>>().and_then(Result::ok);
            let wanted_to = wanted.typed::<To<'_>>().and_then(Result::ok);
            let from = message.typed::<From<'_>>().and_then(Result::ok);
            let to = message.typed::<To<'_>>().and_then(Result::ok);
            if theirs {
                from.map(|from| from.tag()) == wanted_to.map(|to| to.tag())
            } else {
                to.map(|to| to.tag()) == wanted_from.map(|from| from.tag())
            }
        };
        request.row(Name::CallId).map(|row| row.value)
            == pattern.row(Name::CallId).map(|row| row.value)
            && tag_of(request, true, &pattern)
            && tag_of(request, false, &pattern)
    }

    /// Whether it is the dialog with these names, our tag and theirs (RFC 3891 section 3).
    pub fn is_named(&self, blocks: Blocks<'_>, call_id: &[u8], ours: &[u8], theirs: &[u8]) -> bool {
        let Some(pattern) = self.pattern(blocks) else { return false };
        let from = pattern.typed::<From<'_>>().and_then(Result::ok);
        let to = pattern.typed::<To<'_>>().and_then(Result::ok);
        pattern.row(Name::CallId).is_some_and(|row| row.value == call_id)
            && from.and_then(|from| from.tag()) == Some(ours)
            && to.and_then(|to| to.tag()) == Some(theirs)
    }

    /// Whether a response is of this dialog, and not of another fork.
    pub fn is_of(&self, blocks: Blocks<'_>, response: &Message<'_>) -> bool {
        let Some(pattern) = self.pattern(blocks) else { return false };
        let ours = pattern.typed::<To<'_>>().and_then(Result::ok);
        let theirs = response.typed::<To<'_>>().and_then(Result::ok);
        ours.map(|to| to.tag()) == theirs.map(|to| to.tag())
    }

    /// Whether we are anonymous in it (RFC 3323 section 4.1.1.3).
    pub fn is_anonymous(&self, blocks: Blocks<'_>) -> bool {
        let pattern = self.pattern(blocks);
        let from = pattern.and_then(|pattern| pattern.typed::<From<'_>>()?.ok());
        let host = from.and_then(|from| from.uri().host());
        matches!(host, Some(Host::Name(name)) if name.eq_ignore_ascii_case(b"anonymous.invalid"))
    }

    /// Where our requests go: the first hop's URI, which is the Request-URI where there is none or
    /// where it is a strict router.
    pub fn next_hop<'a>(&self, blocks: Blocks<'a>) -> Option<Uri<'a>> {
        let pattern = self.pattern(blocks)?;
        let target = pattern.typed::<Contact<'a>>()?.ok()?.uri()?;
        let is_strict = target.as_bytes() != pattern.uri();
        match pattern.typed::<Route<'a>>() {
            Some(Ok(route)) if !is_strict => Some(route.uri()),
            _ => pattern.request_uri()?.ok(),
        }
    }

    fn pattern<'a>(&self, blocks: Blocks<'a>) -> Option<Message<'a>> {
        Message::parse(blocks.get(&self.pattern)).ok()
    }
}

/// The URIs of a route set, in the order of our requests.
#[derive(Clone, Copy)]
struct Routes<'d> {
    hops: [&'d [u8]; Dialog::MAX_ROUTES],
    len: usize,
}

impl<'d> Routes<'d> {
    const NONE: Self = Self { hops: [b""; Dialog::MAX_ROUTES], len: 0 };

    /// Of the Record-Route rows; a client has them in reverse (RFC 3261 section 12.1.2).
    fn recorded(message: &Message<'d>, reverse: bool) -> Result<Self, DialogError> {
        let mut routes = Self::NONE;
        for hop in message.all::<RecordRoute<'d>>() {
            let hop = hop.map_err(|_| DialogError::Header("Record-Route"))?;
            let uri = hop.uri().as_bytes().ok_or(DialogError::Header("Record-Route"))?;
            routes.push(uri)?;
        }
        if reverse && let Some(hops) = routes.hops.get_mut(..routes.len) {
            hops.reverse();
        }
        Ok(routes)
    }

    /// Of a dialog's pattern.
    fn kept(pattern: &Message<'d>) -> Self {
        let mut routes = Self::NONE;
        let target = pattern.typed::<Contact<'d>>().and_then(Result::ok);
        let target = target.and_then(|target| target.uri()?.as_bytes());
        let is_strict = target != pattern.uri();
        if let Some(uri) = pattern.uri().filter(|_| is_strict) {
            // It was no more than the limit before.
            let _ = routes.push(uri);
        }
        for hop in pattern.all::<Route<'d>>().flatten() {
            if let Some(uri) = hop.uri().as_bytes() {
                let _ = routes.push(uri);
            }
        }
        if is_strict {
            // The last hop was the target.
            routes.len = routes.len.saturating_sub(1);
        }
        routes
    }

    fn push(&mut self, uri: &'d [u8]) -> Result<(), DialogError> {
        *self.hops.get_mut(self.len).ok_or(DialogError::Routes)? = uri;
        self.len += 1;
        Ok(())
    }

    fn as_slice(&self) -> &[&'d [u8]] {
        self.hops.get(..self.len).unwrap_or_default()
    }
}

/// What a dialog's pattern is made of.
struct Parts<'d> {
    routes: Routes<'d>,
    us: From<'d>,
    them: To<'d>,
    call_id: CallId<'d>,
    target: &'d [u8],
}

impl Parts<'_> {
    fn write(&self, mut to: Writer<'_>) -> Result<usize, WriteError> {
        let hop = |to: &mut Writer<'_>, name, uri: &[u8]| {
            to.name(name);
            to.text(b"<");
            to.text(uri);
            to.text(b">");
            to.end_row();
        };
        let is_loose = |uri: &[u8]| Uri::parse(uri).is_ok_and(|uri| uri.is_loose_router());
        match self.routes.as_slice() {
            // RFC 3261 section 12.2.1.1: a strict router wants to stand in the Request-URI.
            [first, rest @ ..] if !is_loose(first) => {
                to.request_to(Method::Bye, first);
                for uri in rest {
                    hop(&mut to, Name::Route, uri);
                }
                hop(&mut to, Name::Route, self.target);
            }
            hops => {
                to.request_to(Method::Bye, self.target);
                for uri in hops {
                    hop(&mut to, Name::Route, uri);
                }
            }
        }
        to.header(&self.us);
        to.header(&self.them);
        to.header(&self.call_id);
        hop(&mut to, Name::Contact, self.target);
        to.finish()
    }
}

fn typed<'d, T: crate::header::Header<'d>>(
    message: &Message<'d>,
    name: &'static str,
) -> Result<T, DialogError> {
    message.typed::<T>().and_then(Result::ok).ok_or(DialogError::Header(name))
}

/// The URI of a message's Contact.
fn target<'d>(message: &Message<'d>) -> Result<&'d [u8], DialogError> {
    let contact: Contact<'d> = typed(message, "Contact")?;
    let uri = contact.uri().ok_or(DialogError::Header("Contact"))?;
    uri.as_bytes().ok_or(DialogError::Header("Contact"))
}

#[cfg(test)]
mod tests;
