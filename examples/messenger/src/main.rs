//! The messenger's command line.

#![forbid(unsafe_code)]
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use messenger::exchange::{Send, Take};
use messenger::map::Map;
use messenger::{demo, ports};

/// A messenger: presence, instant messages, calls, files and whiteboards over SIP.
#[derive(Parser)]
#[command(version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Starts a server and two clients on this machine and shows everything that they can do.
    ///
    /// Ends with a table of what was measured; the exit status is 0 only if all of it was right.
    Demo {
        /// The folder for summary.json, call.wav, the received file and the two pictures.
        #[arg(long, value_name = "DIR", default_value = "messenger-demo")]
        out: PathBuf,
        /// Tells the story as one JSON object a line.
        #[arg(long)]
        json: bool,
        /// Tells each second of the call how much is lost, the jitter, the round trip and the MOS.
        #[arg(long)]
        stats: bool,
    },
    /// Offers files to somebody, and sends those that he takes.
    ///
    /// Ctrl-C gives up what is under way, and the other side is told. Exit codes: 0 all are there,
    /// 1 failed, 2 wrong usage, 3 declined, 4 not reached or no answer, 5 given up by one of the two.
    Send(Send),
    /// Waits for somebody to offer files, and takes them.
    ///
    /// Ends with the conversation, or with Ctrl-C: then the other side is told. Exit codes as with
    /// `send`.
    Take(Take),
    /// Has the router map the ports that others reach this machine at (UPnP, PCP or NAT-PMP).
    ///
    /// Renews them until Ctrl-C, and takes them back then.
    Map(Map),
    /// Prints what a firewall has to let through.
    Ports {
        /// A policy in TOML: [sip] min, max; [media] min, max; [files] min, max; [t120] port. Or by
        /// the names MinSipDynamicPort, MaxSipDynamicPort, MinMediaPort, MaxMediaPort: one a line, or
        /// an export of the registry.
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// How to print it.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Format {
    /// A table to read.
    #[default]
    Text,
    /// One JSON object.
    Json,
    /// Rules for `nft -f`.
    Nftables,
    /// Commands for Windows' firewall.
    Netsh,
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Demo { out, json, stats } => show(&out, json, stats),
        Command::Send(send) => end(send.run()),
        Command::Take(take) => end(take.run()),
        Command::Map(map) => end(map.run()),
        Command::Ports { policy, format } => print_ports(policy, format),
    }
}

fn show(out: &std::path::Path, json: bool, stats: bool) -> ExitCode {
    match demo::run(out, json, stats) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("messenger: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn end(result: anyhow::Result<ExitCode>) -> ExitCode {
    result.unwrap_or_else(|error| {
        eprintln!("messenger: {error:#}");
        ExitCode::FAILURE
    })
}

fn print_ports(policy: Option<PathBuf>, format: Format) -> ExitCode {
    let policy =
        policy.map_or_else(|| Ok(ports::Policy::default()), |file| ports::Policy::read(&file));
    let rules = match policy {
        Ok(policy) => policy.rules(),
        Err(error) => {
            eprintln!("messenger: {error:#}");
            return ExitCode::from(2);
        }
    };
    match format {
        Format::Text => print!("{}", ports::text(&rules)),
        Format::Json => println!("{}", ports::json(&rules)),
        Format::Netsh => print!("{}", ports::netsh(&rules)),
        Format::Nftables => print!("{}", ports::nftables(&rules)),
    }
    ExitCode::SUCCESS
}
