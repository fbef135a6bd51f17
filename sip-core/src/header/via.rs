//! Via (RFC 3261 section 20.42).

use core::net::IpAddr;

use super::Header;
use super::cursor::{Cursor, TOKEN};
use super::params::{Param, Params};
use crate::error::{Fault, ParseError};
use crate::message::{Name, Writer};
use crate::uri::Host;

/// One hop of the way that a request took (RFC 3261 section 20.42).
///
/// ```text
/// SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK77;rport=5062;received=198.51.100.7
///         |   sent-by        |
///         transport          params
/// ```
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Via<'d> {
    /// The value as it was received; empty once something was changed.
    raw: &'d [u8],
    transport: &'d [u8],
    host: Host<'d>,
    port: Option<u16>,
    params: Params<'d>,
    branch: Option<&'d [u8]>,
    received: Option<&'d [u8]>,
    rport: Option<Option<u16>>,
    /// What [`with_received`](Self::with_received) gave; is written in place of `received`.
    #[cfg_attr(feature = "defmt", defmt(Debug2Format))]
    source: Option<IpAddr>,
}

impl<'d> Via<'d> {
    /// What every branch of RFC 3261 begins with (section 8.1.1.7).
    pub const COOKIE: &'static [u8] = b"z9hG4bK";

    /// A Via of our own: `SIP/2.0/transport host:port;branch=branch`.
    pub const fn new(
        transport: &'d [u8],
        host: Host<'d>,
        port: Option<u16>,
        branch: &'d [u8],
    ) -> Self {
        Self {
            raw: b"",
            transport,
            host,
            port,
            params: Params::NONE,
            branch: Some(branch),
            received: None,
            rport: None,
            source: None,
        }
    }

    /// The same with an `rport` without value: the server is asked to fill it in (RFC 3581
    /// section 3).
    pub const fn with_rport(mut self) -> Self {
        self.rport = Some(None);
        self.raw = b"";
        self
    }

    /// The same as the server that received it passes it on: with the address that it came from,
    /// and with its port if the client asked for it with `rport` (RFC 3261 section 18.2.1,
    /// RFC 3581 section 4).
    pub const fn with_received(mut self, address: IpAddr, port: u16) -> Self {
        self.source = Some(address);
        if self.rport.is_some() {
            self.rport = Some(Some(port));
        }
        self.raw = b"";
        self
    }

    /// The same with these parameters behind its own.
    pub const fn with_params(mut self, params: Params<'d>) -> Self {
        self.params = params;
        self.raw = b"";
        self
    }

    /// The transport as it stands: `UDP`, `TCP`, `TLS`, `WS`, …; compared without case.
    #[inline]
    pub const fn transport(&self) -> &'d [u8] {
        self.transport
    }

    /// The host of the sent-by.
    #[inline]
    pub const fn host(&self) -> Host<'d> {
        self.host
    }

    /// The port of the sent-by, where it is given.
    #[inline]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// The branch; a client of RFC 2543 gives none.
    #[inline]
    pub const fn branch(&self) -> Option<&'d [u8]> {
        self.branch
    }

    /// Whether the branch begins with the cookie of RFC 3261 and goes on behind it, that is,
    /// whether it names the transaction (section 17.2.3).
    pub fn has_unique_branch(&self) -> bool {
        self.branch.and_then(|branch| branch.split_at_checked(Self::COOKIE.len())).is_some_and(
            |(cookie, rest)| cookie.eq_ignore_ascii_case(Self::COOKIE) && !rest.is_empty(),
        )
    }

    /// The address that the request came from, where the server has noted it.
    pub fn received(&self) -> Option<IpAddr> {
        match (self.source, self.received) {
            (Some(address), _) => Some(address),
            (None, Some(text)) => Host::parse(text).ok()?.address(),
            (None, None) => None,
        }
    }

    /// `Some(None)` where the client asks for its port, `Some(Some(port))` where the server has
    /// answered (RFC 3581).
    #[inline]
    pub const fn rport(&self) -> Option<Option<u16>> {
        self.rport
    }

    /// The value of `maddr`, the group or host to answer to (RFC 3261 section 18.2.2).
    pub fn maddr(&self) -> Option<Host<'d>> {
        Host::parse(self.params.value(b"maddr")?).ok()
    }

    /// The value of `ttl`.
    pub fn ttl(&self) -> Option<u8> {
        let mut cursor = Cursor::new(self.params.value(b"ttl")?);
        cursor.number(255).ok().and_then(|ttl| u8::try_from(ttl).ok())
    }

    /// All parameters as they were received.
    pub const fn params(&self) -> Params<'d> {
        self.params
    }

    fn is_written_apart(param: &Param<'_>) -> bool {
        [&b"branch"[..], b"received", b"rport"].iter().any(|name| param.is(name))
    }
}

impl<'d> Header<'d> for Via<'d> {
    const NAME: Name<'static> = Name::Via;
    const LIST: bool = true;

    #[inline]
    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        let start = cursor.position();
        let transport = if cursor.rest().starts_with(b"SIP/2.0/") {
            cursor.advance(8);
            cursor.token()?
        } else {
            protocol(cursor)?
        };
        let before = cursor.position();
        cursor.skip_whitespace();
        if cursor.position() == before {
            return Err(cursor.error(Fault::Host));
        }
        let host = Host::take(cursor)?;
        let mut port = None;
        cursor.skip_whitespace();
        if cursor.eat(b':') {
            cursor.skip_whitespace();
            let at = cursor.offset();
            let number = cursor.number(65535).map_err(|_| ParseError::new(Fault::Port, at))?;
            port = u16::try_from(number).ok();
        }
        let (mut branch, mut received, mut rport) = (None, None, None);
        let params = cursor.params_with(|param| match param.name.len() {
            6 if branch.is_none() && param.is(b"branch") => {
                branch = param.value.map(|value| value.raw());
            }
            8 if param.is(b"received") => received = param.value.map(|value| value.raw()),
            5 if param.is(b"rport") => {
                rport = Some(param.value.and_then(|value| {
                    let mut digits = Cursor::new(value.raw());
                    digits.number(65535).ok().and_then(|port| u16::try_from(port).ok())
                }));
            }
            _ => {}
        })?;
        let raw = super::cursor::trim_end(cursor.since(start));
        Ok(Self { raw, transport, host, port, params, branch, received, rport, source: None })
    }

    fn write(&self, to: &mut Writer<'_>) {
        if !self.raw.is_empty() {
            return to.text(self.raw);
        }
        to.fixed(b"SIP/2.0/");
        to.text(self.transport);
        to.fixed(b" ");
        self.host.write(to);
        if let Some(port) = self.port {
            to.fixed(b":");
            to.number(port.into());
        }
        if let Some(branch) = self.branch {
            to.fixed(b";branch=");
            to.text(branch);
        }
        match self.rport {
            Some(Some(port)) => {
                to.fixed(b";rport=");
                to.number(port.into());
            }
            Some(None) => to.fixed(b";rport"),
            None => {}
        }
        match (self.source, self.received) {
            (Some(address), _) => {
                to.fixed(b";received=");
                match address {
                    IpAddr::V4(address) => to.v4(address),
                    IpAddr::V6(address) => to.v6(address),
                }
            }
            (None, Some(text)) => to.param(b"received", text),
            (None, None) => {}
        }
        if !self.params.is_empty() {
            self.params.write_except(to, Self::is_written_apart);
        }
    }
}

/// Reads `SIP / 2.0 / transport` with white space wherever it may stand, and other protocols.
#[cold]
fn protocol<'d>(cursor: &mut Cursor<'d>) -> Result<&'d [u8], ParseError> {
    for _ in 0..2 {
        if cursor.span(TOKEN).is_empty() {
            return Err(cursor.error(Fault::Token));
        }
        cursor.require(b'/', Fault::Version)?;
    }
    cursor.token()
}
