//! A SIP server for one domain, as a library: [`run`] opens the addresses of a [`Config`] and serves
//! until it is told to stop.
//!
//! ```text
//!   sockets, TLS (net, tls)                      one task (drive)
//!  ┌──────────────────────┐   Input, bounded    ┌──────────────────────────────┐
//!  │ a task for each      │ ──────────────────▶ │ sip_core::server::Server     │
//!  │ socket, connection   │ ◀────────────────── │ drain rule, one timer        │
//!  └──────────────────────┘  a queue for each   └──────────────────────────────┘
//! ```

#![forbid(unsafe_code)]
#![allow(clippy::std_instead_of_alloc, reason = "a host has std")]

extern crate alloc;

mod drive;
mod lcs;
mod net;
mod notice;
mod tls;
mod users;

use alloc::sync::Arc;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use rustls_pki_types::CertificateDer;
use sip_core::auth::Algorithm;
use sip_core::ntlm::Policy;
use sip_core::server::{self, Listen};
use sip_core::transport::Transport;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use drive::Driver;
use net::Network;
use tls::Identity;

pub use notice::Notice;
pub use tls::Certificate;
pub use users::Users;

/// How many inputs may wait for the server, from all sockets together.
const INPUTS: usize = 256;

/// What a server is to do.
pub struct Config {
    /// The domain and its users.
    pub users: Users,
    /// UDP addresses to listen on; port 0 takes a free one.
    pub udp: Vec<SocketAddr>,
    /// TCP addresses to listen on.
    pub tcp: Vec<SocketAddr>,
    /// TLS addresses to listen on.
    pub tls: Vec<SocketAddr>,
    /// The address that clients reach the server at, where it listens on all addresses.
    pub advertise: Option<IpAddr>,
    /// Where the certificate for the TLS addresses comes from.
    pub certificate: Certificate,
    /// Where to write the certificate that was made, as PEM.
    pub write_cert: Option<PathBuf>,
    /// The digests that challenges offer, in this order: MD5 first by default, since old clients
    /// know no other and take the first.
    pub digests: Vec<Algorithm>,
    /// Whether clients of Live Communications Server are served too, and which sessions of NTLM are good
    /// enough for that.
    pub lcs: Option<Policy>,
    /// How many connections may be open at once.
    pub max_connections: usize,
    /// After how long without any octet a connection is closed.
    pub idle: Duration,
    notify: Notify,
}

/// Takes what the server tells.
type Notify = Box<dyn FnMut(&Notice) + Send>;

impl Config {
    /// A server for these users that listens nowhere yet and tells nobody anything.
    pub fn new(users: Users) -> Self {
        Self {
            users,
            udp: Vec::new(),
            tcp: Vec::new(),
            tls: Vec::new(),
            advertise: None,
            certificate: Certificate::SelfSigned,
            write_cert: None,
            digests: vec![Algorithm::Md5, Algorithm::Sha256],
            lcs: None,
            max_connections: 10_000,
            idle: Duration::from_secs(3900),
            notify: Box::new(|_| {}),
        }
    }

    /// Calls `notify` with everything that happens; it must not block.
    pub fn on_notice(&mut self, notify: impl FnMut(&Notice) + Send + 'static) {
        self.notify = Box::new(notify);
    }
}

impl core::fmt::Debug for Config {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Config")
            .field("domain", &self.users.domain())
            .field("udp", &self.udp)
            .field("tcp", &self.tcp)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

/// Where a server that runs can be reached.
#[derive(Clone, Debug, Default)]
pub struct Ready {
    /// The UDP addresses, with their real ports, in the order of the configuration.
    pub udp: Vec<SocketAddr>,
    /// The TCP addresses.
    pub tcp: Vec<SocketAddr>,
    /// The TLS addresses.
    pub tls: Vec<SocketAddr>,
    /// The certificate that the TLS addresses show.
    pub certificate: Option<CertificateDer<'static>>,
}

/// Serves until `stop` is sent (or its sender dropped). `ready` gets the addresses once all of them
/// are open.
///
/// # Errors
/// An address cannot be opened, the certificate cannot be read or made, or the configuration
/// contradicts itself. What goes wrong later with one peer is a [`Notice`], not an error.
pub async fn run(
    mut config: Config,
    ready: oneshot::Sender<Ready>,
    stop: oneshot::Receiver<()>,
) -> Result<()> {
    let mut notify = core::mem::replace(&mut config.notify, Box::new(|_| {}));
    let (sender, inputs) = mpsc::channel(INPUTS);
    let network = Network::new(sender, config.max_connections, config.idle);
    let mut open = Open::new(&config, network);
    open.all(&mut notify).await?;
    let Open { listen, sockets, report, mut tasks, network, .. } = open;

    notify(&Notice::Ready { domain: config.users.domain().to_owned(), users: config.users.len() });
    // Whoever started the server may not want to know.
    let _ = ready.send(report);

    let mut machine = server::Config::new(config.users.domain(), &listen);
    machine.algorithms = &config.digests;
    let mut driver = Driver::new(machine, &config.users, config.lcs, sockets, network, notify)?;
    let inputs = driver.run(inputs, stop).await;
    tasks.shutdown().await;
    driver.end(inputs).await;
    Ok(())
}

/// The addresses as they are opened, one after the other.
struct Open<'c> {
    config: &'c Config,
    network: Network,
    listen: Vec<Listen>,
    sockets: Vec<Arc<tokio::net::UdpSocket>>,
    report: Ready,
    tasks: JoinSet<()>,
}

impl<'c> Open<'c> {
    fn new(config: &'c Config, network: Network) -> Self {
        Self {
            config,
            network,
            listen: Vec::new(),
            sockets: Vec::new(),
            report: Ready::default(),
            tasks: JoinSet::new(),
        }
    }

    async fn all(&mut self, notify: &mut Notify) -> Result<()> {
        let config = self.config;
        let count = config.udp.len() + config.tcp.len() + config.tls.len();
        ensure!(count > 0, "there is no address to listen on");
        ensure!(!config.digests.is_empty(), "there is no digest to ask for");
        for address in &config.udp {
            let socket = Arc::new(net::bind_udp(*address).await?);
            let address = socket.local_addr().context("the socket has no address")?;
            let local = self.listening(Transport::Udp, address, notify)?;
            self.report.udp.push(address);
            self.sockets.push(socket.clone());
            self.tasks.spawn(self.network.clone().receive(socket, local));
        }
        for address in &config.tcp {
            let listener = net::bind_tcp(*address, "tcp").await?;
            let address = listener.local_addr().context("the socket has no address")?;
            let local = self.listening(Transport::Tcp, address, notify)?;
            self.report.tcp.push(address);
            self.tasks.spawn(self.network.clone().accept(listener, local, None));
        }
        if config.tls.is_empty() {
            return Ok(());
        }
        let acceptor = self.identity(notify)?;
        for address in &config.tls {
            let listener = net::bind_tcp(*address, "tls").await?;
            let address = listener.local_addr().context("the socket has no address")?;
            let local = self.listening(Transport::Tls, address, notify)?;
            self.report.tls.push(address);
            let acceptor = Some(acceptor.clone());
            self.tasks.spawn(self.network.clone().accept(listener, local, acceptor));
        }
        Ok(())
    }

    fn identity(&mut self, notify: &mut Notify) -> Result<TlsAcceptor> {
        let config = self.config;
        let mut addresses: Vec<IpAddr> = config.tls.iter().map(SocketAddr::ip).collect();
        addresses.extend(config.advertise);
        addresses.retain(|address| !address.is_unspecified());
        let identity = Identity::new(&config.certificate, config.users.domain(), &addresses)?;
        if let Some(path) = &config.write_cert {
            identity.write(path)?;
        }
        notify(&Notice::Certificate {
            self_signed: identity.made.is_some(),
            sha256: identity.fingerprint(),
        });
        self.report.certificate = Some(identity.certificate);
        Ok(TlsAcceptor::from(identity.config))
    }

    /// Notes an address that is open, and gives it its number.
    fn listening(
        &mut self,
        transport: Transport,
        address: SocketAddr,
        notify: &mut Notify,
    ) -> Result<u16> {
        let name = drive::transport_name(transport);
        let mut advertised = address;
        if address.ip().is_unspecified() {
            let ip = self.config.advertise.with_context(|| {
                format!("{name} {address} listens everywhere: say with --advertise where clients reach it")
            })?;
            advertised.set_ip(ip);
        }
        let local = u16::try_from(self.listen.len()).context("too many addresses")?;
        self.listen.push(Listen { local, transport, address: advertised });
        notify(&Notice::Listening { transport: name, address });
        Ok(local)
    }
}
