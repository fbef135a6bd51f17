//! `messenger map`: the ports of a policy, mapped by the router for as long as it runs.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;
use tokio::time::sleep;

use crate::ports::{Direction, Policy, Protocol, Rule};
use crate::router::{LEASE, Mapping, Router};
use crate::stop::Stop;

/// Has the router map the ports that others reach this machine at.
#[derive(Clone, Debug, Args)]
pub struct Map {
    /// The ports, as `messenger ports` reads them
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The router to ask where none answers by UPnP [default: where the default route leads]
    #[arg(long, value_name = "ADDRESS")]
    router: Option<IpAddr>,
    /// Ends after this time [default: with Ctrl-C]
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u64>,
    /// How long the router keeps a mapping that is not renewed; it is at half of that
    #[arg(long, value_name = "SECONDS", default_value_t = LEASE.as_secs(), value_parser = clap::value_parser!(u64).range(2..=86_400))]
    lease: u64,
    /// Tells what happens as one JSON object a line
    #[arg(long)]
    json: bool,
}

/// One port, as a program reads it.
#[derive(Serialize)]
struct Row<'a> {
    event: &'a str,
    protocol: Protocol,
    port: u16,
    external: Option<SocketAddr>,
    what_for: &'a str,
    reason: Option<String>,
}

impl Map {
    /// Maps, waits, and takes the mappings back.
    ///
    /// # Errors
    /// There is no router that maps, or it maps none of the ports.
    pub fn run(&self) -> Result<ExitCode> {
        let policy = self
            .policy
            .as_ref()
            .map_or_else(|| Ok(Policy::default()), |file| Policy::read(file))?;
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?
            .block_on(self.hold(&policy))
    }

    async fn hold(&self, policy: &Policy) -> Result<ExitCode> {
        let rules: Vec<Rule> =
            policy.rules().into_iter().filter(|rule| rule.direction == Direction::In).collect();
        let router = Router::find(self.router).await.with_context(|| without(&rules))?;
        if !self.json {
            println!("The router {router} is {} to others.", router.external());
        }
        let mut stop = Stop::by_signal()?;
        let mut mappings: Vec<Mapping> = Vec::new();
        for (rule, port) in
            rules.iter().flat_map(|rule| (rule.low..=rule.high).map(move |port| (rule, port)))
        {
            let mapped = router.map(rule.protocol, port, Duration::from_secs(self.lease)).await;
            let row = Row {
                event: if mapped.is_ok() { "mapped" } else { "refused" },
                protocol: rule.protocol,
                port,
                external: mapped.as_ref().ok().map(Mapping::external),
                what_for: rule.purpose,
                reason: mapped.as_ref().err().map(|error| format!("{error:#}")),
            };
            self.tell(&row)?;
            mappings.extend(mapped);
        }
        if mappings.is_empty() {
            return Err(anyhow::anyhow!("the router {router} maps none of the ports"))
                .context(without(&rules));
        }
        if self.json {
            println!(r#"{{"event":"ready"}}"#);
        } else {
            println!("Renewed until Ctrl-C, and taken back then.");
        }
        match self.seconds {
            Some(seconds) => tokio::select! {
                () = stop.asked() => {}
                () = sleep(Duration::from_secs(seconds)) => {}
            },
            None => stop.asked().await,
        }
        for mapping in mappings {
            mapping.close().await;
        }
        if self.json {
            println!(r#"{{"event":"ended"}}"#);
        }
        Ok(ExitCode::SUCCESS)
    }

    fn tell(&self, row: &Row<'_>) -> Result<()> {
        let mut out = std::io::stdout().lock();
        if self.json {
            writeln!(out, "{}", serde_json::to_string(row)?)?;
            return Ok(());
        }
        let protocol = row.protocol.name().to_uppercase();
        let (port, what_for) = (row.port, row.what_for);
        match (row.external, &row.reason) {
            (Some(external), _) => {
                writeln!(out, "{protocol} {port:<5}  is {external:<21}  {what_for}")?
            }
            (None, reason) => {
                let reason = reason.as_deref().unwrap_or_default();
                writeln!(out, "{protocol} {port:<5}  refused: {reason}  {what_for}")?;
            }
        }
        Ok(())
    }
}

/// What does not work without a mapping, and which ports to open.
fn without(rules: &[Rule]) -> String {
    let ports: Vec<String> = rules
        .iter()
        .map(|rule| format!("{} {}", rule.protocol.name().to_uppercase(), rule.ports()))
        .collect();
    format!(
        "nobody on the other side of the router can begin anything with this machine: sign in over TLS (--tls), \
         since the server cannot reach a port of this machine in clear; files come and go if the other side \
         can be connected to; calls and whiteboards need these ports, opened by hand at the router: {}",
        ports.join(", ")
    )
}
