//! From the command line to a client that runs: addresses, names, certificates.

use std::net::{IpAddr, SocketAddr, UdpSocket as StdUdpSocket};
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use host::bind::{self, Otherwise};
use host::client::{Client, Options, Setup, Trust};
use sip_core::transport::{Path, Transport};
use sip_core::uri::{Host, Uri};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::cli::Identity;
use crate::exit::{Exit, Wrong};

/// The ports that the policy has for SIP.
const PORTS: std::ops::RangeInclusive<u16> = 7100..=7103;
/// Where systems keep the certificates that they trust.
const BUNDLES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// A client, and who it is.
pub(crate) struct Connected {
    pub(crate) client: Client,
    /// The address of record.
    pub(crate) account: String,
    /// The address that others reach it at.
    pub(crate) local: SocketAddr,
    /// Whether requests go straight to the address in their URI.
    direct: bool,
    transport: Transport,
}

/// How a client is started.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wish<'a> {
    /// Whom it wants to reach; the way to there tells the own address where there is no server.
    pub(crate) target: Option<&'a str>,
    /// Whether it speaks to the account's server whomever it wants to reach.
    pub(crate) registers: bool,
    /// Whether it says that it rings in a manner that is acknowledged.
    pub(crate) reliable: bool,
}

/// Starts a client.
pub(crate) async fn connect(identity: &Identity, wish: Wish<'_>) -> Result<Connected> {
    let target = wish.target.map(|target| full_uri(target, identity.account.as_deref()));
    let account = identity.account.as_deref().map(|account| full_uri(account, None));
    if wish.registers && account.is_none() {
        return Err(anyhow!("who is to be registered? Give --account sip:NAME@DOMAIN"));
    }
    let transport = transport(identity, target.as_deref());
    // The way to the server, or else to whom it wants to reach.
    let (server, way) = match (&identity.server, wish.registers, &account, &target) {
        (Some(server), ..) => {
            let server = resolve_text(server, transport, identity.local.map(|l| l.ip)).await?;
            (Some(server.clone()), Some(server))
        }
        (None, true, Some(account), _) => {
            let server = resolve_uri(account, transport, identity).await?;
            (Some(server.clone()), Some(server))
        }
        (None, _, _, Some(target)) => {
            let way = resolve_uri(target, transport, identity).await?;
            // Names cannot be in the way where each request goes to the address in its URI.
            let named = way.name.parse::<IpAddr>().is_err();
            (named.then(|| way.clone()), Some(way))
        }
        (None, ..) => (None, None),
    };
    let ip = match (identity.local, &way) {
        (Some(local), _) => local.ip,
        (None, Some(way)) => own_address(way.address).with_context(|| {
            format!("there is no way to {}: is the network up?", way.address.ip())
        })?,
        (None, None) => {
            return Err(anyhow!("at which address? Give --local IP:PORT, or --server"));
        }
    };
    let (udp, listener) = match identity.local.and_then(|local| local.port) {
        Some(0) => bind::both(ip, [], Otherwise::AnyFree).await?,
        Some(port) => bind::both(ip, [port], Otherwise::Refuse).await?,
        None => bind::both(ip, PORTS, Otherwise::AnyFree).await?,
    };
    let local = listener.local_addr()?;
    let trust = match transport {
        Transport::Tls => {
            let way = way.as_ref().context("TLS needs a --server")?;
            Some(trust(identity, &way.name)?)
        }
        _ => None,
    };
    let address = account.unwrap_or_else(|| format!("sip:softphone@{}", bracketed(local.ip())));
    let password = password(identity)?;
    let options = Options {
        display_name: identity.name.clone().unwrap_or_default(),
        user: identity.user.clone().unwrap_or_default(),
        expires_s: Some(identity.expires),
        user_agent: Some(b"Handset softphone"),
        reliable_provisional: wish.reliable,
        // What keeps the way through a firewall open (RFC 5626 section 4.4.1).
        keep_alive: wish.registers.then_some(Duration::from_secs(100)),
        traces: identity.trace,
    };
    let is_tls = transport == Transport::Tls;
    let client = Client::start_with(
        Setup {
            address: &address,
            server: server.as_ref().map(|way| Path::new(transport, way.address)),
            password: &password,
            ip,
            // In TLS everything goes over the connection that the client opens.
            udp: (!is_tls).then_some(udp),
            listener: (!is_tls).then_some(listener),
            trust,
        },
        &options,
    )
    .with_context(|| format!("{address} cannot be an account"))?;
    Ok(Connected { client, account: address, local, direct: server.is_none(), transport })
}

impl Connected {
    /// A URI in full, as it was given or named.
    pub(crate) fn uri(&self, text: &str) -> String {
        let uri = full_uri(text, Some(&self.account));
        let says_transport = uri.to_ascii_lowercase().contains(";transport=");
        if self.direct && self.transport != Transport::Udp && !says_transport {
            return format!("{uri};transport={}", self.transport.uri_token());
        }
        uri
    }
}

/// A URI of a name: `bob` becomes a user of the account's domain.
pub(crate) fn full_uri(text: &str, account: Option<&str>) -> String {
    let has_scheme = ["sip:", "sips:", "tel:"]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|s| s.eq_ignore_ascii_case(scheme)));
    if has_scheme {
        return text.to_owned();
    }
    if text.contains('@') {
        return format!("sip:{text}");
    }
    let domain = account.and_then(|account| {
        let (_, rest) = account.rsplit_once('@')?;
        rest.split([';', '?', '>']).next()
    });
    match domain {
        Some(domain) => format!("sip:{text}@{domain}"),
        None => format!("sip:{text}"),
    }
}

/// How to speak: as asked for, as the URI says, or over UDP.
fn transport(identity: &Identity, target: Option<&str>) -> Transport {
    if let Some(name) = identity.transport {
        return name.transport();
    }
    let uri = target.map(str::as_bytes).and_then(|target| Uri::parse(target).ok());
    let named = uri.and_then(|uri| Transport::from_token(uri.param(b"transport")?));
    named.filter(|_| identity.server.is_none()).unwrap_or(Transport::Udp)
}

/// Where a host is, and by what name it was asked for.
#[derive(Clone, Debug)]
struct Way {
    name: String,
    address: SocketAddr,
}

async fn resolve_uri(uri: &str, transport: Transport, identity: &Identity) -> Result<Way> {
    let parsed = Uri::parse(uri.as_bytes())
        .map_err(|_| anyhow!("{uri} is no SIP URI; one looks like sip:bob@example.com"))?;
    let (host, port) = (parsed.host(), parsed.port());
    let name = match host {
        Some(Host::Name(name)) => String::from_utf8_lossy(name).into_owned(),
        Some(Host::V4(ip)) => ip.to_string(),
        Some(Host::V6(ip)) => ip.to_string(),
        _ => return Err(anyhow!("{uri} has no host: give --server")),
    };
    let port = port.unwrap_or(transport.default_port());
    resolve(&name, port, identity.local.map(|local| local.ip)).await
}

async fn resolve_text(text: &str, transport: Transport, local: Option<IpAddr>) -> Result<Way> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(Way { name: address.ip().to_string(), address });
    }
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse::<IpAddr>() {
        let address = SocketAddr::new(ip, transport.default_port());
        return Ok(Way { name: ip.to_string(), address });
    }
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) => {
            let port = port.parse().map_err(|_| anyhow!("{text} is no HOST or HOST:PORT"))?;
            (name, port)
        }
        None => (text, transport.default_port()),
    };
    resolve(name, port, local).await
}

async fn resolve(name: &str, port: u16, local: Option<IpAddr>) -> Result<Way> {
    let unknown = || Wrong::error(Exit::Network, format!("{name} is not known; check the name"));
    let found = tokio::net::lookup_host((name, port)).await.map_err(|_| unknown())?;
    let suits = |address: &SocketAddr| local.is_none_or(|ip| ip.is_ipv4() == address.is_ipv4());
    let mut found: Vec<_> = found.filter(suits).collect();
    // Most SIP servers listen on IPv4, whatever their name says of IPv6.
    found.sort_by_key(SocketAddr::is_ipv6);
    let address = found.into_iter().next().ok_or_else(unknown)?;
    Ok(Way { name: name.to_owned(), address })
}

/// The address that this machine has on the way to another.
fn own_address(to: SocketAddr) -> std::io::Result<IpAddr> {
    let any: SocketAddr =
        if to.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = StdUdpSocket::bind(any)?;
    // Nothing is sent by that.
    socket.connect(to)?;
    Ok(socket.local_addr()?.ip())
}

fn bracketed(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

fn password(identity: &Identity) -> Result<String> {
    match (&identity.password, &identity.password_file) {
        (_, Some(file)) => {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("the password file {} cannot be read", file.display()))?;
            Ok(text.lines().next().unwrap_or_default().to_owned())
        }
        (Some(password), None) => Ok(password.clone()),
        (None, None) => Ok(String::new()),
    }
}

fn trust(identity: &Identity, name: &str) -> Result<Trust> {
    let file = match &identity.ca {
        Some(file) => file.as_path(),
        None => BUNDLES
            .iter()
            .map(FilePath::new)
            .find(|file| file.exists())
            .context("this system has no certificates to trust: give --ca FILE")?,
    };
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(file)
        .with_context(|| format!("the certificates in {} cannot be read", file.display()))?;
    for certificate in certificates.filter_map(Result::ok) {
        // A bundle may hold some that are of no use here.
        let _ = roots.add(certificate);
    }
    if roots.is_empty() {
        return Err(anyhow!("there is no certificate in {}", file.display()));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = identity.tls_name.as_deref().unwrap_or(name);
    let name = ServerName::try_from(name.to_owned())
        .map_err(|_| anyhow!("{name} is no name that a certificate can be for: give --tls-name"))?;
    Ok(Trust { config: Arc::new(config), name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_uris_of_the_accounts_domain() {
        let account = Some("sip:alice@example.com;transport=tcp");
        for (text, account, uri) in [
            ("bob", account, "sip:bob@example.com"),
            ("bob@other.test", account, "sip:bob@other.test"),
            ("SIP:bob@other.test", account, "SIP:bob@other.test"),
            ("tel:+4930123", account, "tel:+4930123"),
            ("192.0.2.7", None, "sip:192.0.2.7"),
        ] {
            assert_eq!(full_uri(text, account), uri);
        }
    }

    #[tokio::test]
    async fn servers_are_found_with_the_port_of_their_transport() {
        for (text, transport, address) in [
            ("127.0.0.1", Transport::Udp, "127.0.0.1:5060"),
            ("127.0.0.1:5070", Transport::Udp, "127.0.0.1:5070"),
            ("[::1]", Transport::Tls, "[::1]:5061"),
            ("[::1]:99", Transport::Tcp, "[::1]:99"),
        ] {
            let way = resolve_text(text, transport, None).await.unwrap();
            assert_eq!(way.address.to_string(), address);
        }
        assert!(resolve_text("127.0.0.1:port", Transport::Udp, None).await.is_err());
        assert_eq!(own_address(([127, 0, 0, 1], 9).into()).unwrap().to_string(), "127.0.0.1");
    }
}
