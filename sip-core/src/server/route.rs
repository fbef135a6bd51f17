//! Where a request goes (RFC 3261 sections 16.4 to 16.6): what of its Route is this server's own, whose
//! address its Request-URI is, and over which path a contact is reached.

use core::net::{IpAddr, SocketAddr};

use super::flow::{Flows, MAX_TOKEN, Side};
use super::line::Line;
use super::location::{Binding, Location};
use super::user::User;
use super::{Config, Listen, Server};
use crate::header::{Header, Param, Route};
use crate::message::{Message, Name};
use crate::transport::{Path, Transport, address};
use crate::uri::{Host, Uri};

/// What the Route of a request says to this server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Routed<'d> {
    /// How many of the first Route values are this server's own, and are taken off.
    pub(super) own: usize,
    /// Whether one of them is a token of this server's in this dialog: the dialog was set up through
    /// it.
    pub(super) known: bool,
    /// The side that the last of them names.
    pub(super) side: Option<Side>,
    /// The Request-URI, or what stands in its place (RFC 3261 section 16.4).
    pub(super) target: &'d [u8],
    /// How many of the last Route values are in use as the Request-URI.
    pub(super) taken: usize,
    /// The first Route value that is another's.
    pub(super) next: Option<&'d [u8]>,
}

/// Where the holder of a contact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To be reached over this path.
    Over(Path),
    /// Registered, but with no connection any more.
    Gone,
    /// Not registered with this contact.
    Unknown,
}

impl Config<'_> {
    /// Whether a URI names this server, or an address of record of its domain.
    pub(super) fn is_own(&self, uri: &Uri<'_>) -> bool {
        let secure = matches!(uri.scheme(), crate::uri::Scheme::Sips)
            || uri.param(b"transport").is_some_and(|value| value.eq_ignore_ascii_case(b"tls"));
        let default = if secure { Transport::Tls } else { Transport::Udp }.default_port();
        let names = |text: &[u8]| {
            let mut names = core::iter::once(&self.domain).chain(self.aliases);
            names.any(|name| name.as_bytes().eq_ignore_ascii_case(text))
        };
        let by_name = match uri.host() {
            None => return false,
            Some(Host::Name(name)) => names(name),
            Some(host) => {
                let listens = |listen: &Listen| {
                    host.address() == Some(listen.address.ip())
                        && uri.port().unwrap_or(default) == listen.address.port()
                };
                if self.listen.iter().any(listens) {
                    return true;
                }
                let ip = host.address();
                let mut all = core::iter::once(&self.domain).chain(self.aliases);
                all.any(|name| ip.is_some() && address(name.as_bytes()) == ip)
            }
        };
        let ours = |port| self.listen.iter().any(|listen| listen.address.port() == port);
        by_name && uri.port().is_none_or(ours)
    }

    /// The address of this server on a transport, for one who is reached over `path`.
    pub(super) fn own_address(&self, path: Path) -> Option<SocketAddr> {
        let same = |listen: &&Listen| listen.transport == path.transport;
        let exact = self.listen.iter().filter(same).find(|listen| listen.local == path.local);
        exact.or(self.listen.iter().find(same)).map(|listen| listen.address)
    }
}

impl<'d> Routed<'d> {
    /// Reads the Route of a request.
    pub(super) fn of(message: &Message<'d>, config: &Config<'_>, flows: &Flows) -> Self {
        let call_id = message.row(Name::CallId).map_or(&b""[..], |row| row.value);
        let token = |uri: &Uri<'_>| flows.read(uri.user().unwrap_or_default(), call_id);
        let mut routed = Self {
            own: 0,
            known: false,
            side: None,
            target: message.uri().unwrap_or_default(),
            taken: 0,
            next: None,
        };
        let mut last = None;
        for route in message.all::<Route<'d>>() {
            let Ok(route) = route else { break };
            let uri = route.uri();
            if routed.next.is_none() && config.is_own(&uri) {
                routed.own += 1;
                if let Some(side) = token(&uri) {
                    routed.known = true;
                    routed.side = Some(side);
                }
                continue;
            }
            routed.next = routed.next.or(uri.as_bytes());
            last = uri.as_bytes();
        }
        // A strict router before this one has put this server's own URI there, and the target to the
        // end of Route.
        let own = message.request_uri().and_then(Result::ok);
        if let Some(side) = own.as_ref().filter(|uri| config.is_own(uri)).and_then(token) {
            routed.known = true;
            routed.side = routed.side.or(Some(side));
            if let Some(last) = last {
                routed.target = last;
                routed.taken = 1;
                routed.next = routed.next.filter(|next| *next != last);
            }
        }
        routed
    }
}

impl<U, L: Location> Server<'_, U, L> {
    /// The path on which the holder of the contact `uri` is reached now: a user for whom `is_holder` holds.
    /// Where several are, the one on `path`.
    pub(super) fn way(
        &self,
        path: Option<Path>,
        uri: &[u8],
        is_holder: impl Fn(&User) -> bool,
    ) -> Way {
        let mut way = Way::Unknown;
        self.location.at(uri, &mut |binding| {
            if !is_holder(&binding.user) {
                return true;
            }
            let same = path == Some(binding.path);
            if same || way == Way::Unknown {
                way = reach(binding).map_or(Way::Gone, Way::Over);
            }
            !same
        });
        way
    }

    /// The path to the holder of a dialog's side: where the user is now, else where the dialog began.
    pub(super) fn way_to(&self, side: Side, uri: &[u8]) -> Option<Path> {
        let is_holder = |user: &User| side.user != 0 && self.flows.user(user) == side.user;
        match self.way(Some(side.path), uri, is_holder) {
            Way::Over(path) => Some(path),
            Way::Gone => None,
            Way::Unknown => Some(side.path),
        }
    }

    /// What stands in a Record-Route for one side of a dialog.
    pub(super) fn record_route(&self, side: Side, call_id: &[u8]) -> Line<{ MAX_TOKEN + 100 }> {
        let path = side.path;
        let mut line = Line::new();
        line.put(b"<sip:").put(self.flows.token(side, call_id).as_bytes()).put(b"@");
        if let Some(address) = self.config.own_address(path) {
            line.address(address);
        }
        line.put(b";transport=").put(path.transport.uri_token().as_bytes()).put(b";lr>");
        line
    }
}

/// The path on which a contact is reached: the way it came; where that was a connection in clear TCP
/// that has ended, a new one to the port on which the contact listens.
pub(super) fn reach(binding: &Binding<'_>) -> Option<Path> {
    if binding.connected {
        return Some(binding.path);
    }
    if binding.path.transport != Transport::Tcp {
        return None;
    }
    let hop = crate::header::Cursor::new(binding.route);
    let hop = Route::take(&mut { hop }).ok();
    let uri = match &hop {
        Some(hop) => hop.uri(),
        None => Uri::parse(binding.contact).ok()?,
    };
    let host = uri.param(b"maddr").and_then(|maddr| Host::parse(maddr).ok()).or(uri.host());
    // A name is not looked up: the client is where it came from.
    let ip = host.and_then(|host| host.address()).unwrap_or(binding.path.remote.ip());
    let port = uri.port().unwrap_or(Transport::Tcp.default_port());
    Some(Path { remote: SocketAddr::new(ip, port), ..binding.path })
}

/// The path to an address that a URI names itself, over the first socket of its transport.
pub(super) fn direct(config: &Config<'_>, uri: &[u8]) -> Option<Path> {
    let uri = Uri::parse(uri).ok()?;
    let ip: IpAddr = uri.host()?.address()?;
    let transport = match uri.param(b"transport") {
        Some(token) => Transport::from_token(token)?,
        None => Transport::Udp,
    };
    let local = config.listen.iter().find(|listen| listen.transport == transport)?.local;
    let port = uri.port().unwrap_or(transport.default_port());
    (!transport.is_secure()).then_some(Path { transport, local, remote: SocketAddr::new(ip, port) })
}

/// Whether a parameter's value is this text, in quotes or not.
pub(super) fn is_value(param: &Param<'_>, text: &[u8]) -> bool {
    param.value.is_some_and(|value| {
        let raw = value.raw();
        let bare = raw.strip_prefix(b"\"").and_then(|raw| raw.strip_suffix(b"\"")).unwrap_or(raw);
        bare.eq_ignore_ascii_case(text)
    })
}
