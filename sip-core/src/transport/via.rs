//! The topmost Via header field value, as its receiver uses it: where the request came from is
//! written into it, and responses go by it (RFC 3261 sections 18.2.1 and 18.2.2, RFC 3581).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Path, Transport};

/// The topmost Via of a request that arrived: what matching and routing need of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival<'d> {
    /// The first value of the header row, without what follows its comma.
    pub value: &'d [u8],
    /// The host of sent-by: a name, an IPv4 address, or an IPv6 reference in brackets.
    pub host: &'d [u8],
    /// The port of sent-by.
    pub port: Option<u16>,
    /// The branch parameter.
    pub branch: Option<&'d [u8]>,
    /// Whether the sender asks for `rport`.
    pub rport: bool,
    /// The `maddr` parameter.
    pub maddr: Option<&'d [u8]>,
}

/// The magic cookie at the start of a branch that is unique (RFC 3261 section 8.1.1.7).
const COOKIE: &[u8] = b"z9hG4bK";

impl<'d> Arrival<'d> {
    /// Reads the first value of a Via header row. `None` where it is malformed.
    #[must_use]
    pub fn parse(row: &'d [u8]) -> Option<Self> {
        let value = row.get(..unquoted(row, b',').unwrap_or(row.len()))?.trim_ascii();
        let mut parts = Parts { rest: Some(value) };
        let front = parts.next()?.trim_ascii_end();
        // sent-protocol LWS sent-by; there may be spaces around the slashes of the protocol.
        let mut slashes = front.iter().enumerate().filter(|(_, octet)| **octet == b'/');
        let (second, _) = slashes.nth(1)?;
        let after = front.get(second + 1..)?.trim_ascii_start();
        let space = after.iter().position(u8::is_ascii_whitespace)?;
        let (transport, sent_by) = after.split_at_checked(space)?;
        if transport.is_empty() {
            return None;
        }
        let (host, port) = split_host(sent_by.trim_ascii())?;
        let mut arrival = Self { value, host, port, branch: None, rport: false, maddr: None };
        for part in parts {
            let (name, value) = split_param(part);
            if name.eq_ignore_ascii_case(b"branch") {
                arrival.branch = value;
            } else if name.eq_ignore_ascii_case(b"rport") {
                arrival.rport = true;
            } else if name.eq_ignore_ascii_case(b"maddr") {
                arrival.maddr = value;
            }
        }
        Some(arrival)
    }

    /// The branch, where it is one of RFC 3261 that alone names the transaction.
    #[must_use]
    pub fn unique_branch(&self) -> Option<&'d [u8]> {
        let branch = self.branch?;
        let cookie = branch.get(..COOKIE.len())?;
        let is_it = cookie.eq_ignore_ascii_case(COOKIE) && branch.len() > COOKIE.len();
        is_it.then_some(branch)
    }

    /// The way of a response to a request that came on `path` (RFC 3261 section 18.2.2, RFC 3581
    /// section 4): over its connection, or to the address it came from, there to the port it came
    /// from if it asked for that, else to the port it names.
    #[must_use]
    pub fn response_path(&self, path: Path) -> Path {
        if path.transport.is_reliable() {
            return path;
        }
        let multicast = self.maddr.and_then(address).filter(IpAddr::is_multicast);
        let port = if self.rport { path.remote.port() } else { self.port_or_default(path) };
        match multicast {
            Some(group) => {
                Path { remote: SocketAddr::new(group, self.port_or_default(path)), ..path }
            }
            None => Path { remote: SocketAddr::new(path.remote.ip(), port), ..path },
        }
    }

    /// Where a response goes when the connection that its request came on is gone: to a new
    /// connection to the source's address and the port of sent-by. Over TLS there is none: the
    /// other side's certificate would not be the one that the request came with.
    #[must_use]
    pub fn fallback_path(&self, path: Path) -> Option<Path> {
        let remote = SocketAddr::new(path.remote.ip(), self.port_or_default(path));
        (path.transport == Transport::Tcp && remote != path.remote)
            .then_some(Path { remote, ..path })
    }

    fn port_or_default(&self, path: Path) -> u16 {
        self.port.unwrap_or(path.transport.default_port())
    }
}

/// Hands the parts of a Via row to `put`, one after another, with what arrival adds to its first
/// value: `received` where the source is not the host that sent-by names, `received` and `rport`
/// where the sender asks for it (RFC 3261 section 18.2.1, RFC 3581 section 4). What is there of
/// them already is left out: it is not the sender's to say.
pub fn stamp(row: &[u8], source: SocketAddr, mut put: impl FnMut(&[u8])) {
    let end = unquoted(row, b',').unwrap_or(row.len());
    let (value, others) = row.split_at_checked(end).unwrap_or((row, &[]));
    let Some(arrival) = Arrival::parse(value) else {
        put(row);
        return;
    };
    let mut parts = Parts { rest: Some(value) };
    if let Some(front) = parts.next() {
        put(front.trim_ascii_end());
    }
    for part in parts {
        let (name, _) = split_param(part);
        if !name.eq_ignore_ascii_case(b"received") && !name.eq_ignore_ascii_case(b"rport") {
            put(b";");
            put(part.trim_ascii());
        }
    }
    let mut text = Text::default();
    if arrival.rport || address(arrival.host) != Some(source.ip()) {
        put(b";received=");
        put(text.address(source.ip()));
    }
    if arrival.rport {
        put(b";rport=");
        put(text.number(source.port()));
    }
    put(others);
}

/// The address that a host is, where it is one; IPv6 with or without its brackets.
pub(crate) fn address(host: &[u8]) -> Option<IpAddr> {
    let text = core::str::from_utf8(host).ok()?;
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok()
}

/// Host and port of a sent-by or hostport.
fn split_host(text: &[u8]) -> Option<(&[u8], Option<u16>)> {
    let host_len = match text.first()? {
        b'[' => text.iter().position(|octet| *octet == b']')? + 1,
        _ => text.iter().position(|octet| *octet == b':').unwrap_or(text.len()),
    };
    let (host, rest) = text.split_at_checked(host_len)?;
    let host = host.trim_ascii();
    if host.is_empty() || host.iter().any(u8::is_ascii_whitespace) {
        return None;
    }
    let rest = rest.trim_ascii();
    let Some(digits) = rest.strip_prefix(b":") else {
        return rest.is_empty().then_some((host, None));
    };
    let port = core::str::from_utf8(digits.trim_ascii()).ok()?.parse().ok()?;
    Some((host, Some(port)))
}

/// Where `wanted` first stands outside of a quoted string.
fn unquoted(text: &[u8], wanted: u8) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    text.iter().position(|octet| {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            octet => return *octet == wanted && !quoted,
        }
        false
    })
}

fn split_param(part: &[u8]) -> (&[u8], Option<&[u8]>) {
    match part.iter().position(|octet| *octet == b'=') {
        Some(at) => {
            let (name, value) = part.split_at_checked(at).unwrap_or((part, &[]));
            (name.trim_ascii(), Some(value.get(1..).unwrap_or_default().trim_ascii()))
        }
        None => (part.trim_ascii(), None),
    }
}

/// A value's parts between its semicolons.
struct Parts<'d> {
    rest: Option<&'d [u8]>,
}

impl<'d> Iterator for Parts<'d> {
    type Item = &'d [u8];

    fn next(&mut self) -> Option<&'d [u8]> {
        let rest = self.rest?;
        let (part, rest) = match unquoted(rest, b';') {
            Some(at) => (rest.get(..at)?, rest.get(at + 1..)),
            None => (rest, None),
        };
        self.rest = rest;
        Some(part)
    }
}

/// An address or a number as text, without the formatting machinery.
#[derive(Debug)]
pub(crate) struct Text {
    octets: [u8; 48],
    len: usize,
}

impl Default for Text {
    fn default() -> Self {
        Self { octets: [0; 48], len: 0 }
    }
}

impl Text {
    /// A number in decimal digits.
    pub(crate) fn number(&mut self, number: impl Into<u64>) -> &[u8] {
        self.len = 0;
        self.push_number(number.into());
        self.octets.get(..self.len).unwrap_or_default()
    }

    /// A number in 16 hexadecimal digits.
    pub(crate) fn hex(&mut self, number: u64) -> &[u8] {
        self.len = 0;
        for octet in number.to_be_bytes() {
            self.push_hex(octet >> 4);
            self.push_hex(octet & 15);
        }
        self.octets.get(..self.len).unwrap_or_default()
    }

    /// An address, IPv6 without brackets.
    pub(crate) fn address(&mut self, address: IpAddr) -> &[u8] {
        self.len = 0;
        match address {
            IpAddr::V4(address) => self.push_v4(address),
            IpAddr::V6(address) => self.push_v6(address),
        }
        self.octets.get(..self.len).unwrap_or_default()
    }

    /// An address with its port, as it stands in sent-by and in URIs.
    pub(crate) fn socket(&mut self, address: SocketAddr) -> &[u8] {
        self.len = 0;
        match address.ip() {
            IpAddr::V4(ip) => self.push_v4(ip),
            IpAddr::V6(ip) => {
                self.push(b'[');
                self.push_v6(ip);
                self.push(b']');
            }
        }
        self.push(b':');
        self.push_number(address.port().into());
        self.octets.get(..self.len).unwrap_or_default()
    }

    fn push(&mut self, octet: u8) {
        if let Some(place) = self.octets.get_mut(self.len) {
            *place = octet;
            self.len += 1;
        }
    }

    fn push_hex(&mut self, digit: u8) {
        self.push(if digit < 10 { b'0' + digit } else { b'a' + (digit - 10) });
    }

    fn push_number(&mut self, number: u64) {
        let mut digits = [0; 20];
        let mut rest = number;
        let mut count = 0;
        for place in digits.iter_mut().rev() {
            *place = b'0' + (rest % 10) as u8;
            rest /= 10;
            count += 1;
            if rest == 0 {
                break;
            }
        }
        for digit in digits.iter().skip(20 - count) {
            self.push(*digit);
        }
    }

    fn push_v4(&mut self, address: Ipv4Addr) {
        for (number, octet) in address.octets().into_iter().enumerate() {
            if number > 0 {
                self.push(b'.');
            }
            self.push_number(octet.into());
        }
    }

    /// All eight groups, without the short form: any reader takes it.
    fn push_v6(&mut self, address: Ipv6Addr) {
        for (number, group) in address.segments().into_iter().enumerate() {
            if number > 0 {
                self.push(b':');
            }
            let digits = (16 - group.leading_zeros()).div_ceil(4).max(1);
            for digit in (0..digits).rev() {
                self.push_hex((group >> (4 * digit)) as u8 & 15);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;
    use std::vec::Vec;

    const SOURCE: &str = "192.0.2.7:4444";

    fn stamped(row: &str) -> String {
        let mut out = Vec::new();
        stamp(row.as_bytes(), SOURCE.parse().unwrap(), |part| out.extend_from_slice(part));
        String::from_utf8(out).unwrap()
    }

    fn way(via: &str, path: Path) -> String {
        std::format!("{}", Arrival::parse(via.as_bytes()).unwrap().response_path(path).remote)
    }

    #[test]
    fn received_is_added_where_the_source_is_another_host() {
        assert_eq!(
            stamped("SIP/2.0/UDP pc.example.com:5066;branch=z9hG4bK1"),
            "SIP/2.0/UDP pc.example.com:5066;branch=z9hG4bK1;received=192.0.2.7"
        );
        let same = "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1";
        assert_eq!(stamped(same), same);
    }

    #[test]
    fn rport_is_filled_and_what_the_sender_claims_is_replaced() {
        assert_eq!(
            stamped(
                "SIP/2.0/UDP 192.0.2.7;rport;x=\"a;b,c\";received=1.1.1.1;branch=b, SIP/2.0/TCP c"
            ),
            "SIP/2.0/UDP 192.0.2.7;x=\"a;b,c\";branch=b;received=192.0.2.7;rport=4444, SIP/2.0/TCP c"
        );
    }

    #[test]
    fn a_response_over_udp_goes_to_sent_by_or_rport() {
        let path = Path::udp(SOURCE.parse().unwrap());
        assert_eq!(way("SIP/2.0/UDP a.example", path), "192.0.2.7:5060");
        assert_eq!(way("SIP/2.0/UDP a.example:99", path), "192.0.2.7:99");
        assert_eq!(way("SIP / 2.0 / UDP a.example : 99 ;rport", path), "192.0.2.7:4444");
        assert_eq!(way("SIP/2.0/UDP a;maddr=224.2.0.1;ttl=1", path), "224.2.0.1:5060");
        assert_eq!(way("SIP/2.0/UDP a;maddr=10.0.0.1", path), "192.0.2.7:5060");
    }

    #[test]
    fn a_response_over_a_stream_falls_back_to_sent_by_but_never_over_tls() {
        let tcp = Path::tcp(SOURCE.parse().unwrap());
        let via = Arrival::parse(b"SIP/2.0/TCP [2001:db8::9]:7100;branch=x").unwrap();
        assert_eq!(via.host, b"[2001:db8::9]");
        assert_eq!(via.response_path(tcp), tcp);
        assert_eq!(via.fallback_path(tcp).unwrap().remote, "192.0.2.7:7100".parse().unwrap());
        assert_eq!(via.fallback_path(Path::tls(tcp.remote)), None);
    }

    #[test]
    fn a_branch_is_unique_with_the_cookie_and_something_behind_it() {
        let unique = |via: &'static [u8]| Arrival::parse(via).unwrap().unique_branch();
        assert_eq!(unique(b"SIP/2.0/UDP a;branch=Z9hg4Bk7"), Some(&b"Z9hg4Bk7"[..]));
        assert_eq!(unique(b"SIP/2.0/UDP a;branch=z9hG4bK"), None);
        assert_eq!(unique(b"SIP/2.0/UDP a;branch=1"), None);
        assert_eq!(unique(b"SIP/2.0/UDP a"), None);
    }

    #[test]
    fn a_malformed_via_is_none() {
        for via in
            ["", "SIP/2.0/UDP", "SIP/2.0 a", "SIP/2.0/UDP a:99999", "SIP/2.0/UDP [::1", "//  a"]
        {
            assert_eq!(Arrival::parse(via.as_bytes()), None, "{via}");
        }
    }

    #[test]
    fn text_is_what_the_formatting_machinery_writes() {
        let mut text = Text::default();
        for number in [0, 9, 10, u64::MAX] {
            assert_eq!(text.number(number), std::format!("{number}").as_bytes());
        }
        assert_eq!(text.hex(0xab), b"00000000000000ab");
        for address in ["1.20.255.0", "1:2:0:4:50:600:7000:8"] {
            let address: IpAddr = address.parse().unwrap();
            let written = String::from_utf8_lossy(text.address(address)).into_owned();
            assert_eq!(written.parse::<IpAddr>().unwrap(), address);
        }
    }
}
