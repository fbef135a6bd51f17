//! How requests are put together, and where they go.

use core::time::Duration;

use super::credentials::Keys;
use super::machine::ALLOW;
use super::{Agent, Error, Owner, What};
use crate::dialog::Dialog;
use crate::header::{CSeq, CallId, MaxForwards};
use crate::message::{Message, Method, Name};
use crate::storage::Index;
use crate::transaction::{ClientId, Fill, Tag, Target};
use crate::transport::{Path, Transport};
use crate::uri::{Scheme, Uri};

/// What a request begins with.
pub(super) struct Begin<'a> {
    pub(super) path: Path,
    pub(super) method: Method<'a>,
    pub(super) uri: &'a [u8],
    pub(super) to: &'a [u8],
    pub(super) tag: u64,
    pub(super) call_id: u64,
    pub(super) cseq: u32,
    pub(super) body: &'a [u8],
}

/// What a request within a dialog is made of.
#[derive(Clone, Copy)]
pub(super) struct Within<'a> {
    pub(super) dialog: &'a Dialog,
    pub(super) cseq: u32,
    pub(super) path: Path,
    pub(super) method: Method<'a>,
    pub(super) body: &'a [u8],
}

impl Agent<'_> {
    /// Sends a request that begins something: with a new Call-ID, our tag and address.
    pub(super) fn begin(
        &mut self,
        now: Duration,
        begin: &Begin<'_>,
        owner: Owner,
        write: &mut Fill<'_>,
    ) -> Result<ClientId, Error> {
        self.begin_as(now, begin, owner, false, write)
    }

    /// The same without saying who we are, where that is `hidden` (RFC 3323 section 4.1).
    pub(super) fn begin_as(
        &mut self,
        now: Duration,
        begin: &Begin<'_>,
        owner: Owner,
        hidden: bool,
        write: &mut Fill<'_>,
    ) -> Result<ClientId, Error> {
        let path = begin.path;
        let sent_by = self.config.transactions.sent_by.of(path.transport);
        let user_agent = self.config.user_agent;
        let keys = self.fitting_keys(owner.account, owner.what)?;
        let cnonce = Tag::new(self.layer.random());
        let accounts = &self.accounts;
        let entry = accounts.get(owner.account).ok_or(Error::Gone)?;
        let with_contact =
            matches!(begin.method, Method::Invite | Method::Subscribe | Method::Register);
        let sent = self.layer.request_with(
            now,
            path,
            owner,
            begin.method,
            Target::Uri(begin.uri),
            &mut |blocks, mut to| {
                let mut view = entry.view(blocks);
                if cfg!(feature = "calling") && hidden {
                    (view.from, view.contact_user) = (ANONYMOUS, b"");
                }
                to.name(Name::From);
                to.text(view.from);
                to.param(b"tag", Tag::new(begin.tag).as_bytes());
                to.end_row();
                to.name(Name::To);
                to.text(b"<");
                to.text(begin.to);
                to.text(b">");
                to.end_row();
                to.header(&CallId(Tag::new(begin.call_id).as_bytes()));
                to.header(&CSeq { number: begin.cseq, method: begin.method });
                to.header(&MaxForwards(70));
                #[cfg(feature = "outbound")]
                let with_contact = with_contact && begin.method != Method::Register;
                #[cfg(feature = "outbound")]
                if begin.method == Method::Register {
                    view.write_address(&mut to, path.transport, sent_by, true);
                    view.flow.write_supported(&mut to);
                } else {
                    view.flow.write_routes(&mut to);
                }
                if with_contact {
                    view.write_contact(&mut to, path.transport, sent_by);
                }
                to.raw(Name::Allow, ALLOW);
                if !user_agent.is_empty() {
                    to.raw(Name::UserAgent, user_agent);
                }
                keys.write(blocks, entry, &mut to, begin.method, begin.uri, begin.body, &cnonce);
                write(blocks, to)
            },
        )?;
        Ok(sent)
    }

    /// Sends a request within a dialog.
    pub(super) fn within(
        &mut self,
        now: Duration,
        within: &Within<'_>,
        owner: Owner,
        write: &mut Fill<'_>,
    ) -> Result<ClientId, Error> {
        let Within { dialog, cseq, path, method, body } = *within;
        let sent_by = self.config.transactions.sent_by.of(path.transport);
        let user_agent = self.config.user_agent;
        let keys = self.fitting_keys(owner.account, owner.what)?;
        let cnonce = Tag::new(self.layer.random());
        let accounts = &self.accounts;
        let entry = accounts.get(owner.account).ok_or(Error::Gone)?;
        // RFC 3311 section 5.1 wants one in an UPDATE, and RFC 3515 section 2.2 in a REFER, too.
        let with_contact = matches!(
            method,
            Method::Invite | Method::Subscribe | Method::Notify | Method::Update | Method::Refer
        );
        let target = Target::Kept(dialog.block());
        let sent =
            self.layer.request_with(now, path, owner, method, target, &mut |blocks, mut to| {
                dialog.write(blocks, &mut to, method, cseq);
                if with_contact {
                    let view = entry.view_in(blocks, dialog);
                    view.write_contact(&mut to, path.transport, sent_by);
                }
                if !user_agent.is_empty() {
                    to.raw(Name::UserAgent, user_agent);
                }
                let uri =
                    Message::parse(blocks.get(dialog.block())).ok().and_then(|kept| kept.uri());
                let uri = uri.unwrap_or_default();
                keys.write(blocks, entry, &mut to, method, uri, body, &cnonce);
                write(blocks, to)
            })?;
        Ok(sent)
    }

    /// The credentials of a request. A proxy's are enough where there are any, but for what the
    /// registrar itself answers: with both a call that brings keys, or its change, would not fit into
    /// a datagram (RFC 3261 section 18.1.1).
    pub(super) fn fitting_keys(&mut self, account: Index, what: What) -> Result<Keys, Error> {
        let entry = self.accounts.get(account).ok_or(Error::Gone)?;
        let is_registrars = matches!(what, What::Register | What::Publish);
        let only_proxy = (entry.proxy_challenge.is_some() && !is_registrars).then_some(true);
        Ok(self.keys(account, only_proxy))
    }

    /// Where a request to this URI goes.
    pub(super) fn route(&self, account: Index, uri: &[u8]) -> Result<Path, Error> {
        let entry = self.accounts.get(account).ok_or(Error::Gone)?;
        let parsed = Uri::parse(uri).map_err(|_| Error::Uri)?;
        #[cfg(feature = "outbound")]
        if let Some(way) = self.live_flow(account).or_else(|| self.routed_way(account)) {
            return Ok(way);
        }
        if let Some(server) = entry.server {
            return Ok(server);
        }
        #[cfg(feature = "failover")]
        if entry.locator.is_some() {
            return Err(Error::Unresolved);
        }
        path_of(&parsed, 0).ok_or(Error::Unresolved)
    }

    /// Where a request within a dialog goes: over the account's server, if the dialog came about
    /// over it, else to the next hop, else the way that the dialog began.
    pub(super) fn dialog_path(&self, account: Index, dialog: &Dialog, began: Path) -> Path {
        #[cfg(feature = "outbound")]
        if self.is_flow(began) {
            return began;
        }
        let server = self.accounts.get(account).and_then(|entry| entry.server);
        if let Some(server) = server.filter(|server| server.remote.ip() == began.remote.ip()) {
            return server;
        }
        let hop = dialog.next_hop(self.layer.arena().blocks());
        hop.and_then(|hop| path_of(&hop, began.local)).unwrap_or(began)
    }
}

/// The From of who does not want to be known (RFC 3323 section 4.1.1.3).
const ANONYMOUS: &[u8] = b"\"Anonymous\" <sip:anonymous@anonymous.invalid>";

/// The path to a URI whose host is an address.
pub(super) fn path_of(uri: &Uri<'_>, local: u16) -> Option<Path> {
    let address = uri.host()?.address()?;
    let named = uri.param(b"transport").and_then(Transport::from_token);
    let secure = uri.scheme() == Scheme::Sips;
    let transport = match named {
        None | Some(Transport::Udp | Transport::Tcp) if secure => Transport::Tls,
        Some(named) => named,
        None => Transport::Udp,
    };
    let port = uri.port().unwrap_or(transport.default_port());
    Some(Path { transport, local, remote: core::net::SocketAddr::new(address, port) })
}
