//! Who uses the messenger, and at which server.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use sip_core::transport::Path;
use tokio::net::UdpSocket;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::bind::{self, Otherwise};
use crate::client::{Client, Setup, Trust};
use crate::ports::{Policy, SERVER_CLEAR, SERVER_TLS};

/// Who this is, and how the server is reached.
#[derive(Clone, Debug, Args)]
pub struct Person {
    /// Who signs in, as sip:alice@example.com
    #[arg(long = "as", value_name = "ADDRESS")]
    pub address: String,
    /// The server [default: the domain of the address; port 5060, with --tls 5061]
    #[arg(long, value_name = "HOST[:PORT]")]
    pub server: Option<String>,
    /// Signs in over TLS: then the server sends over this connection, and no port is opened for it
    #[arg(long, requires = "trust")]
    pub tls: bool,
    /// The certificates that the server's has to be among, or signed by (PEM)
    #[arg(long, value_name = "FILE")]
    pub trust: Option<PathBuf>,
    /// The file with the password [default: the environment's MESSENGER_PASSWORD]
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// The ports to use, as `messenger ports` reads them
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// This machine's address, where others reach it [default: the one that the server sees]
    #[arg(long, value_name = "ADDRESS")]
    pub ip: Option<IpAddr>,
    /// How long the other side may take to answer or to connect
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub wait: u64,
    /// Tells what happens as one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// Somebody who is signed in.
pub(super) struct SignedIn {
    pub(super) client: Client,
    pub(super) ip: IpAddr,
    pub(super) policy: Policy,
    /// The address without its scheme, as the transfer names people.
    pub(super) name: String,
}

impl Person {
    /// Signs in.
    pub(super) async fn sign_in(&self) -> Result<SignedIn> {
        let address = with_scheme(&self.address);
        let name = without_scheme(&address).to_owned();
        let (_, domain) = name.split_once('@').context("--as needs a user and a domain")?;
        let policy = match &self.policy {
            Some(file) => Policy::read(file)?,
            None => Policy::default(),
        };
        let password = self.password()?;
        let server = self.find_server(domain).await?;
        let ip = match self.ip {
            Some(ip) => ip,
            None => own_address(server).await.context("no way leads to the server")?,
        };
        let mut setup = Setup {
            address: &address,
            server: Some(Path::tls(server)),
            password: &password,
            ip,
            udp: None,
            listener: None,
            trust: None,
        };
        if self.tls {
            setup.trust = Some(self.trust(domain)?);
        } else {
            let (udp, listener) = bind::both(ip, policy.sip.ports(), Otherwise::AnyFree).await?;
            setup.server = Some(Path::tcp(server));
            (setup.udp, setup.listener) = (Some(udp), Some(listener));
        }
        let mut client = Client::start(setup)?;
        client.sign_in().await?;
        Ok(SignedIn { client, ip, policy, name })
    }

    fn password(&self) -> Result<String> {
        match &self.password_file {
            Some(file) => {
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("{} cannot be read", file.display()))?;
                Ok(text.trim_end_matches(['\r', '\n']).to_owned())
            }
            None => std::env::var("MESSENGER_PASSWORD")
                .context("there is no password: --password-file, or MESSENGER_PASSWORD"),
        }
    }

    async fn find_server(&self, domain: &str) -> Result<SocketAddr> {
        let server = self.server.as_deref().unwrap_or(domain);
        let port = if self.tls { SERVER_TLS } else { SERVER_CLEAR };
        if let Ok(address) = server.parse() {
            return Ok(address);
        }
        let bare = server.trim_start_matches('[').trim_end_matches(']');
        let with_port = match server.rsplit_once(':') {
            Some((host, port)) if bare.parse::<IpAddr>().is_err() => {
                let port = port.parse().with_context(|| format!("{server} has no valid port"))?;
                (host, port)
            }
            _ => (bare, port),
        };
        let found = tokio::net::lookup_host(with_port).await;
        let found = found.with_context(|| format!("the server {server} cannot be found"))?;
        found.into_iter().next().with_context(|| format!("the server {server} has no address"))
    }

    /// Trust in the certificates of the file and in no others.
    fn trust(&self, domain: &str) -> Result<Trust> {
        let file = self.trust.as_ref().context("--tls needs --trust")?;
        let what = || format!("the certificates of {}", file.display());
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(file).with_context(what)? {
            roots.add(certificate.with_context(what)?).with_context(what)?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(domain.to_owned())
            .with_context(|| format!("{domain} is no name that a certificate could have"))?;
        Ok(Trust { config: Arc::new(config), name })
    }
}

/// An address with its scheme, whether or not somebody has typed it.
pub(super) fn with_scheme(address: &str) -> String {
    if address.starts_with("sip:") || address.starts_with("sips:") {
        address.to_owned()
    } else {
        format!("sip:{address}")
    }
}

/// An address without its scheme and its parameters.
pub(super) fn without_scheme(address: &str) -> &str {
    let bare = address.split_once(':').map_or(address, |(_, bare)| bare);
    bare.split([';', '?']).next().unwrap_or_default()
}

/// The address that packets to the server leave from; none is sent for that.
async fn own_address(server: SocketAddr) -> std::io::Result<IpAddr> {
    let any: SocketAddr = if server.is_ipv4() { ([0; 4], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    Ok(socket.local_addr()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_an_address_without_scheme_and_parameters() {
        for address in ["alice@example.test", "sip:alice@example.test", "sips:alice@example.test"] {
            assert_eq!(without_scheme(&with_scheme(address)), "alice@example.test");
        }
        assert_eq!(without_scheme("sip:bob@example.test;transport=tcp"), "bob@example.test");
    }

    #[tokio::test]
    async fn a_server_is_found_with_and_without_a_port() {
        for (server, tls, expected) in [
            ("127.0.0.1", false, "127.0.0.1:5060"),
            ("127.0.0.1", true, "127.0.0.1:5061"),
            ("127.0.0.1:7", true, "127.0.0.1:7"),
            ("::1", false, "[::1]:5060"),
            ("[::1]", true, "[::1]:5061"),
            ("[::1]:7", false, "[::1]:7"),
        ] {
            let person = Person {
                address: "alice@example.test".into(),
                server: Some(server.into()),
                tls,
                trust: None,
                password_file: None,
                policy: None,
                ip: None,
                wait: 1,
                json: false,
            };
            let found = person.find_server("example.test").await.expect("an address");
            assert_eq!(found, expected.parse().expect("an address"), "{server}");
        }
        let ip = own_address(([127, 0, 0, 1], 9).into()).await.expect("a way");
        assert!(ip.is_loopback());
    }
}
