//! What a registration is good for beside being called: the way of later requests (Path, RFC 3327;
//! Service-Route, RFC 3608), addresses that reach this very device (GRUU, RFC 5627), and several flows
//! to the registrar, of which one is enough (outbound, RFC 5626).
//!
//! ```text
//!           add_account                add_flow
//!  device ===== flow, reg-id=1 =====> edge proxy 1 --\
//!         ===== flow, reg-id=2 =====> edge proxy 2 ---> registrar: one contact, two flows
//!
//!  a flow over a stream:  ping --> pong within 10 s, again after 80 to 100 % of Flow-Timer
//!                         no pong: Event::FlowFailed; registered anew after a wait that doubles
//! ```
//!
//! Each flow is an account of its own to the agent: it has a slot, a name in events, and a registration.
//! What the first one, that was added with [`Agent::add_account`], sends goes over whichever flow is
//! registered; what arrives over any is told as the first one's.

use core::time::Duration;

use super::account::{AccountEntry, Registration};
use super::{AccountId, Agent, Error, Event, Failure};
use crate::header::{Contact, FlowTimer, Require};
use crate::message::{Message, Name, StatusCode, Writer};
use crate::storage::{Block, Blocks, Index};
use crate::transport::{PONG, Path, Transport};
use crate::uri::Uri;

/// How long a pong may take (RFC 5626 section 4.4.1).
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the registrar's rows may be together, in octets.
const MAX_ROWS: usize = 1024;

/// What an account's entry has of it.
#[derive(Debug)]
pub(super) struct Flow {
    /// The number of the flow; 0 where it is none.
    pub(super) reg_id: u32,
    /// The account whose flow it is, if it is not the first.
    of: Option<Index>,
    /// Whether the registrar is asked for routes.
    takes_routes: bool,
    /// Whether the registrar knows of flows.
    is_known: bool,
    /// What the registrar has said, as the rows of a response.
    kept: Option<Block>,
    /// How often to ping, as the registrar wants it.
    every: Option<Duration>,
    /// Until when a pong must be there.
    pub(super) pong_by: Option<Duration>,
    /// A flow that has failed, which is to be told.
    lost: Option<Path>,
}

impl Flow {
    pub(super) const fn new(reg_id: u32, takes_routes: bool) -> Self {
        Self {
            reg_id,
            of: None,
            takes_routes,
            is_known: false,
            kept: None,
            every: None,
            pong_by: None,
            lost: None,
        }
    }

    pub(super) const fn take_block(&mut self) -> Option<Block> {
        self.kept.take()
    }

    pub(super) fn view<'a>(&self, blocks: Blocks<'a>, instance: &'a [u8]) -> FlowView<'a> {
        let kept = self.kept.as_ref().and_then(|kept| Message::parse(blocks.get(kept)).ok());
        let contact = kept.as_ref().and_then(|kept| kept.typed::<Contact<'a>>()?.ok());
        let param = |name| contact.and_then(|contact| contact.params().value(name));
        FlowView {
            instance,
            reg_id: self.reg_id,
            is_known: self.is_known,
            takes_routes: self.takes_routes,
            pub_gruu: param(b"pub-gruu").unwrap_or_default(),
            temp_gruu: param(b"temp-gruu").unwrap_or_default(),
            kept,
        }
    }
}

/// What goes into an account's messages of it.
pub(super) struct FlowView<'a> {
    instance: &'a [u8],
    reg_id: u32,
    is_known: bool,
    takes_routes: bool,
    pub_gruu: &'a [u8],
    temp_gruu: &'a [u8],
    kept: Option<Message<'a>>,
}

impl FlowView<'_> {
    /// Writes the Contact where it is a GRUU: the public one, or where nobody is to know whose it is
    /// the temporary one. Says whether it is.
    pub(super) fn write_gruu(&self, to: &mut Writer<'_>, is_hidden: bool) -> bool {
        let gruu = if is_hidden { self.temp_gruu } else { self.pub_gruu };
        if gruu.is_empty() {
            return false;
        }
        to.name(Name::Contact);
        to.text(b"<");
        to.text(gruu);
        to.text(b">");
        to.end_row();
        true
    }

    /// Writes what makes the other side send over our flow (RFC 5626 section 4.3).
    pub(super) fn write_ob(&self, to: &mut Writer<'_>) {
        if self.is_known && self.reg_id > 0 {
            to.text(b";ob");
        }
    }

    /// Writes what the Contact of a REGISTER has beside its URI.
    pub(super) fn write_binding(&self, to: &mut Writer<'_>) {
        if self.instance.is_empty() {
            return;
        }
        if self.reg_id > 0 {
            to.text(b";reg-id=");
            to.number(self.reg_id);
        }
        to.text(b";+sip.instance=\"<");
        to.text(self.instance);
        to.text(b">\"");
    }

    /// Writes which extensions a REGISTER asks for.
    pub(super) fn write_supported(&self, to: &mut Writer<'_>) {
        if self.takes_routes || self.reg_id > 0 {
            to.raw(Name::Supported, b"path");
        }
        if self.reg_id > 0 {
            to.raw(Name::Supported, b"outbound");
        }
        if !self.instance.is_empty() {
            to.raw(Name::Supported, b"gruu");
        }
    }

    /// Writes the way that the registrar wants other requests to take (RFC 3608 section 6.1).
    pub(super) fn write_routes(&self, to: &mut Writer<'_>) {
        for row in self.kept.iter().flat_map(|kept| kept.rows(Name::ServiceRoute)) {
            to.raw(Name::Route, row.value);
        }
    }

    /// Whether a Contact of a registrar's answer is this device's, over this flow.
    fn is_bound_by(&self, contact: &Contact<'_>) -> bool {
        let instance =
            contact.instance().and_then(|urn| urn.strip_prefix(b"<")?.strip_suffix(b">"));
        !self.instance.is_empty()
            && instance.is_some_and(|urn| urn.eq_ignore_ascii_case(self.instance))
            && (self.reg_id == 0 || contact.reg_id() == Some(self.reg_id))
    }
}

impl Agent<'_> {
    /// Adds another flow to an account that was added with
    /// [`Account::outbound`](super::Account::outbound): over `server`, most often another edge
    /// proxy of the same registrar. Register it like an account; it takes the slot of one.
    ///
    /// # Errors
    /// [`Error::Gone`] where there is no such account, [`Error::State`] where it has no instance,
    /// else as [`Agent::add_account`].
    pub fn add_flow(&mut self, account: AccountId, server: Path) -> Result<AccountId, Error> {
        let first = self.first_flow(account.0);
        let entry = self.accounts.get(first).ok_or(Error::Gone)?;
        let takes_routes = entry.flow.takes_routes;
        if entry.flow.reg_id == 0 {
            return Err(Error::State);
        }
        let is_its = |other: &AccountEntry| other.flow.of == Some(first);
        let flows = self.accounts.iter().filter(|(_, entry)| is_its(entry));
        let last = flows.map(|(_, entry)| entry.flow.reg_id).max().unwrap_or(1);
        let added = self.copy_account(first, server)?;
        if let Some(entry) = self.accounts.get_mut(added) {
            entry.flow = Flow::new(last.saturating_add(1), takes_routes);
            entry.flow.of = Some(first);
        }
        Ok(AccountId(added))
    }

    /// The public GRUU of an account (RFC 5627 section 3.1.1): it reaches this device for good, and
    /// stands in the Contact of its dialogs. None before the registrar has given one.
    pub fn pub_gruu(&self, account: AccountId) -> Option<&[u8]> {
        let flow = self.accounts.get(account.0)?.view(self.layer.arena().blocks()).flow;
        Some(flow.pub_gruu).filter(|gruu| !gruu.is_empty())
    }

    /// The latest temporary GRUU of an account (RFC 5627 section 3.1.2): it reaches this device for as
    /// long as it is registered, and does not say whose it is.
    pub fn temp_gruu(&self, account: AccountId) -> Option<&[u8]> {
        let flow = self.accounts.get(account.0)?.view(self.layer.arena().blocks()).flow;
        Some(flow.temp_gruu).filter(|gruu| !gruu.is_empty())
    }

    /// What the registrar has said, as the rows of a response: the Service-Route that other requests
    /// of the account take (RFC 3608), the Path over which it is reached (RFC 3327), and the binding,
    /// with its GRUUs. None before it was registered.
    pub fn registration(&self, account: AccountId) -> Option<Message<'_>> {
        self.accounts.get(account.0)?.view(self.layer.arena().blocks()).flow.kept
    }

    /// What a registrar's 200 says.
    pub(super) fn keep_registered(&mut self, index: Index, message: &Message<'_>) {
        let Some(entry) = self.accounts.get(index) else { return };
        let view = entry.view(self.layer.arena().blocks());
        let wants_routes = entry.flow.takes_routes;
        // The account's texts stand in the arena that is written to.
        let mut room = [0; MAX_ROWS];
        let mut to = Writer::new(&mut room);
        to.response(StatusCode::OK, None);
        for name in [Name::ServiceRoute, Name::Path] {
            for row in message.rows(name).filter(|_| wants_routes) {
                to.row(&row);
            }
        }
        let contacts = message.all::<Contact<'_>>().flatten();
        if let Some(ours) = contacts.into_iter().find(|contact| view.flow.is_bound_by(contact)) {
            to.header(&ours);
        }
        let written = to.finish();
        let mut required = message.all::<Require<'_>>().flatten();
        let is_known = required.any(|tag| tag.0.eq_ignore_ascii_case(b"outbound"));
        let every = message.typed::<FlowTimer>().and_then(Result::ok);
        let kept = written.ok().and_then(|len| room.get(..len));
        // Without room for it requests go as they would without.
        let kept = kept.and_then(|rows| self.layer.arena_mut().copy(rows).ok());
        let Some(entry) = self.accounts.get_mut(index) else { return };
        entry.flow.is_known = is_known;
        entry.flow.every =
            every.filter(|every| every.0 > 0).map(|every| Duration::from_secs(every.0.into()));
        if let Some(old) = core::mem::replace(&mut entry.flow.kept, kept) {
            self.layer.arena_mut().free(old);
        }
        self.ping_later(index);
    }

    /// How long this device's binding lasts by a registrar's 200, where that names it.
    pub(super) fn bound_for(&self, index: Index, message: &Message<'_>) -> Option<u32> {
        let entry = self.accounts.get(index)?;
        let view = entry.view(self.layer.arena().blocks());
        let mut contacts = message.all::<Contact<'_>>().flatten();
        contacts.find(|contact| view.flow.is_bound_by(contact))?.expires()?.ok()
    }

    /// The registrar, or a proxy on the way, does not know flows (RFC 5626 section 6): registers
    /// without. Says whether it does.
    pub(super) fn without_outbound(&mut self, index: Index, code: StatusCode) -> bool {
        let Some(entry) = self.accounts.get_mut(index) else { return false };
        if code.get() != 439 || entry.flow.reg_id == 0 || entry.flow.of.is_some() {
            return false;
        }
        entry.flow.reg_id = 0;
        self.send_register(self.now, index, false).is_ok()
    }

    /// How long to wait at most after a flow has failed so often (RFC 5626 section 4.5); `None` for
    /// what is no flow.
    pub(super) fn flow_wait(&self, index: Index) -> Option<Duration> {
        let entry = self.accounts.get(index).filter(|entry| entry.flow.reg_id > 0)?;
        let first = entry.flow.of.unwrap_or(index);
        let works = self.accounts.iter().any(|(other, entry)| {
            let is_its = other == first || entry.flow.of == Some(first);
            is_its && other != index && entry.registration == Registration::Held
        });
        let base = if works { self.config.flow_retry } else { self.config.flow_retry_all };
        let doubled = base.saturating_mul(2 << entry.failures.min(16));
        Some(doubled.min(self.config.retry_max))
    }

    /// The account that a flow belongs to.
    pub(super) fn first_flow(&self, index: Index) -> Index {
        self.accounts.get(index).and_then(|entry| entry.flow.of).unwrap_or(index)
    }

    /// A flow of the account that is registered: the account's own, or another.
    pub(super) fn live_flow(&self, index: Index) -> Option<Path> {
        let entry = self.accounts.get(index)?;
        if entry.flow.reg_id == 0 || entry.registration == Registration::Held {
            return entry.server;
        }
        let mut others = self.accounts.iter().filter(|(_, other)| {
            other.flow.of == Some(index) && other.registration == Registration::Held
        });
        others.next().map_or(entry.server, |(_, other)| other.server)
    }

    /// Whether this is the way of one of our flows.
    pub(super) fn is_flow(&self, path: Path) -> bool {
        let is_it = |entry: &AccountEntry| entry.flow.reg_id > 0 && entry.server == Some(path);
        self.accounts.iter().any(|(_, entry)| is_it(entry))
    }

    /// Where a request goes that takes the registrar's way, for an account without a server.
    pub(super) fn routed_way(&self, index: Index) -> Option<Path> {
        let entry = self.accounts.get(index)?;
        let kept = entry.view(self.layer.arena().blocks()).flow.kept?;
        let hop = kept.typed::<crate::header::ServiceRoute<'_>>()?.ok()?;
        super::send::path_of(&hop.uri(), 0)
    }

    /// When to ping next: as the registrar wants it, or every 95 to 120 s over a stream, 24 to 29 s
    /// over datagrams (RFC 5626 section 4.4).
    pub(super) fn ping_later(&mut self, index: Index) {
        let (now, random) = (self.now, self.layer.random());
        let Some(entry) = self.accounts.get_mut(index) else { return };
        let Some(server) = entry.server.filter(|_| entry.flow.reg_id > 0) else { return };
        let between = |least: u64, most: u64| {
            Duration::from_millis(least + random % (most.saturating_sub(least) + 1))
        };
        let wait = match entry.flow.every {
            Some(every) => {
                let most = u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
                between(most / 10 * 8, most)
            }
            None if server.transport.is_reliable() => between(95_000, 120_000),
            None => between(24_000, 29_000),
        };
        entry.ping_at = Some(now.saturating_add(wait));
        self.schedule_account(index);
    }

    /// A ping goes out over a flow: its pong is waited for, where there will be one.
    pub(super) fn pinged(&mut self, index: Index) {
        let now = self.now;
        let Some(entry) = self.accounts.get_mut(index) else { return };
        let answers =
            entry.server.is_some_and(|at| matches!(at.transport, Transport::Tcp | Transport::Tls));
        if entry.flow.reg_id > 0 && answers && entry.flow.pong_by.is_none() {
            entry.flow.pong_by = Some(now.saturating_add(PATIENCE));
        }
        self.ping_later(index);
    }

    /// Octets came on a stream: whether they begin with a pong, which shows that its flow lives. Two
    /// pongs look like a ping, which shows the same.
    pub(super) fn heard(&mut self, path: Path, octets: &[u8]) {
        if !octets.starts_with(PONG) {
            return;
        }
        loop {
            let is_waited_for =
                |entry: &AccountEntry| entry.server == Some(path) && entry.flow.pong_by.is_some();
            let found = self.accounts.iter().find(|(_, entry)| is_waited_for(entry));
            let Some((index, _)) = found else { return };
            if let Some(entry) = self.accounts.get_mut(index) {
                entry.flow.pong_by = None;
            }
            self.schedule_account(index);
        }
    }

    /// No pong came: the flow has failed, and all that waits on it.
    pub(super) fn flow_failed(&mut self, now: Duration, index: Index) {
        let Some(entry) = self.accounts.get_mut(index) else { return };
        entry.flow.pong_by = None;
        let Some(path) = entry.server else { return };
        entry.flow.lost = Some(path);
        self.accounts.set_noted(index);
        self.layer.handle_closed(now, path);
        self.accounts_closed(now, path);
    }

    /// A flow that has failed is told.
    pub(super) fn flow_note(&mut self, index: Index) -> Option<Event<'static>> {
        let entry = self.accounts.get_mut(index)?;
        let path = entry.flow.lost.take()?;
        // Its registration comes next.
        self.accounts.set_noted(index);
        Some(Event::FlowFailed { account: AccountId(index), path, failure: Failure::Timeout })
    }
}

/// The URN of a device (RFC 5626 section 4.1): whether it can stand in a Contact.
pub(super) fn is_instance(urn: &[u8]) -> bool {
    Uri::parse(urn).is_ok_and(|uri| !uri.is_sip())
        && urn.iter().all(|octet| octet.is_ascii_graphic() && !b"\"\\<>".contains(octet))
}
