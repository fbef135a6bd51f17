//! `live-server`: a SIP server for one domain.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use live_server::{Certificate, Config, Users};
use sip_core::auth::Algorithm;
use sip_core::ntlm::Policy;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// A SIP server for one domain: users sign in, see each other's presence, and reach each other.
///
/// In clear TCP a client whose connection is gone is reached on its own listening port; in TLS only
/// over the connection that the client opened. Without any address it listens on 127.0.0.1: UDP and
/// TCP 5060, TLS 5061.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// The users that may sign in (TOML: domain = "…", [[user]] name = "…" password = "…").
    #[arg(long, value_name = "FILE")]
    users: PathBuf,
    /// Listen on this UDP address; may be given several times, port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    udp: Vec<SocketAddr>,
    /// Listen on this TCP address.
    #[arg(long, value_name = "ADDRESS:PORT")]
    tcp: Vec<SocketAddr>,
    /// Listen on this TLS address.
    #[arg(long, value_name = "ADDRESS:PORT")]
    tls: Vec<SocketAddr>,
    /// The domain, in place of the one in the users' file.
    #[arg(long, value_name = "NAME")]
    domain: Option<String>,
    /// The address that clients reach the server at, where it listens on 0.0.0.0 or [::].
    #[arg(long, value_name = "ADDRESS")]
    advertise: Option<IpAddr>,
    /// The certificate chain (PEM); without it a self-signed certificate is made.
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// The private key of the certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Write the certificate that was made to this file (PEM), so that a client can trust it.
    #[arg(long, value_name = "FILE", conflicts_with = "cert")]
    write_cert: Option<PathBuf>,
    /// The digests that challenges offer, in this order. Old clients take the first one and give up
    /// at a name that they do not know; clients that know SHA-256 look for it. Some fail wherever it
    /// stands: for those offer md5 alone.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "md5,sha-256")]
    digests: Vec<Digest>,
    /// Serve clients of Live Communications Server too: they sign in with NTLM beside Digest, sign every
    /// message, and get presence in their own format. Windows XP needs lax.
    #[arg(long, value_name = "SECURITY", num_args = 0..=1, default_missing_value = "strict")]
    lcs: Option<Security>,
    /// How many connections may be open at once.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    max_connections: usize,
    /// Close a connection over which nothing came for so long.
    #[arg(long, value_name = "SECONDS", default_value_t = 3900)]
    idle: u64,
    /// Print one JSON object a line, not text.
    #[arg(long)]
    json: bool,
}

/// Which sessions of NTLM are good enough, as the command line names it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Security {
    /// NTLM version 2 with extended session security.
    Strict,
    /// All that clients ever had: version 1, and signatures that can be forged.
    Lax,
}

/// A digest, as the command line names it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Digest {
    /// For clients that know nothing else.
    Md5,
    /// RFC 8760.
    #[value(name = "sha-256")]
    Sha256,
}

impl Digest {
    fn algorithm(self) -> Algorithm {
        match self {
            Self::Md5 => Algorithm::Md5,
            Self::Sha256 => Algorithm::Sha256,
        }
    }
}

impl Cli {
    fn config(mut self) -> Result<Config> {
        let users = Users::read(&self.users, self.domain.as_deref())?;
        if self.udp.is_empty() && self.tcp.is_empty() && self.tls.is_empty() {
            self.udp.push(([127, 0, 0, 1], 5060).into());
            self.tcp.push(([127, 0, 0, 1], 5060).into());
            self.tls.push(([127, 0, 0, 1], 5061).into());
        }
        let mut config = Config::new(users);
        config.udp = self.udp;
        config.tcp = self.tcp;
        config.tls = self.tls;
        config.advertise = self.advertise;
        if let (Some(chain), Some(key)) = (self.cert, self.key) {
            config.certificate = Certificate::Files { chain, key };
        }
        config.write_cert = self.write_cert;
        config.digests = self.digests.iter().map(|digest| digest.algorithm()).collect();
        config.lcs = self.lcs.map(|security| match security {
            Security::Strict => Policy::STRICT,
            Security::Lax => Policy::LAX,
        });
        config.max_connections = self.max_connections;
        config.idle = Duration::from_secs(self.idle.max(1));
        let json = self.json;
        config.on_notice(move |notice| {
            let mut out = std::io::stdout().lock();
            // Nobody reads any more: there is nothing left to tell, and the server goes on.
            let _ = if json {
                serde_json::to_writer(&mut out, notice)
                    .map_err(Into::into)
                    .and_then(|()| writeln!(out))
            } else {
                writeln!(out, "{notice}")
            };
        });
        Ok(config)
    }
}

fn main() -> ExitCode {
    let result = Cli::parse().config().and_then(serve);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("live-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main(flavor = "multi_thread")]
async fn serve(config: Config) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        let _ = stop.send(());
    });
    let (ready, _) = oneshot::channel();
    live_server::run(config, ready, stopped).await
}
