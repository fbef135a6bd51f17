//! `tftp serve`, `tftp get`, `tftp put`.

#![forbid(unsafe_code)]
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

use std::io::Write as _;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand, ValueEnum};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tftp::Wishes;
use tftp::fetch::{self, Error, Job};
use tftp::jail::Access;
use tftp::report::Report;
use tftp::serve::{Options, Serve};
use tftp::template::Template;
use tftp_core::client::Config;

/// A TFTP server and client (RFC 1350, 2347 to 2349, 7440).
///
/// Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused by the server, 4 no answer.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    /// Tells what happens as one JSON object a line
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves the files of a folder until it is stopped
    Serve(Serving),
    /// Reads files from a server
    Get(Getting),
    /// Writes files to a server
    Put(Putting),
}

#[derive(Debug, Args)]
struct Serving {
    /// The folder; no name leaves it
    root: PathBuf,
    /// Where to listen, also several times; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:69")]
    listen: Vec<SocketAddr>,
    /// Takes new files
    #[arg(long)]
    write: bool,
    /// Takes files that exist already, too
    #[arg(long, requires = "write")]
    overwrite: bool,
    /// Makes files as they are asked for: of the text FILE those whose names fit PATTERN, with what
    /// stands for its `*` in the place of `{*}`, and the client's address in that of `{peer}`
    #[arg(long, value_name = "PATTERN=FILE")]
    template: Vec<Template>,
    /// Passes all packets through the port that is listened on (containers, NAT)
    #[arg(long)]
    single_port: bool,
    /// Sends at most so many octets a second in all
    #[arg(long, value_name = "OCTETS")]
    rate: Option<u64>,
    /// Serves at most so many transfers at a time
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    transfers: usize,
    /// Serves at most so many transfers of one address at a time
    #[arg(long, value_name = "COUNT", default_value_t = 64)]
    per_source: u32,
    /// Takes files of at most so many octets
    #[arg(long, value_name = "OCTETS")]
    size_limit: Option<u64>,
    /// Adds what happens to FILE, with its time, as one JSON object a line
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Lets transfers go on for so long after a stop, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    grace: u64,
    #[command(flatten)]
    wishes: Wishes,
}

#[derive(Debug, Args)]
struct Peer {
    /// The server's name or address
    host: String,
    /// The server's port
    #[arg(long, default_value_t = 69)]
    port: u16,
    /// How the octets are written on the wire
    #[arg(long, value_enum, default_value_t = Mode::Octet)]
    mode: Mode,
    #[command(flatten)]
    wishes: Wishes,
}

#[derive(Debug, Args)]
struct Getting {
    #[command(flatten)]
    peer: Peer,
    /// The files' names at the server; several are read at once
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// The file here, or a folder; `-` is the standard output
    #[arg(short, long, value_name = "OUT")]
    out: Option<PathBuf>,
    /// Keeps what an earlier try has left in OUT.part, and writes only the rest
    #[arg(long)]
    resume: bool,
}

#[derive(Debug, Args)]
struct Putting {
    #[command(flatten)]
    peer: Peer,
    /// The files here; several are written at once
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The name at the server, for one file
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
}

/// How the octets are written on the wire.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    /// As they are
    Octet,
    /// As text with CR LF
    Netascii,
}

impl From<Mode> for tftp_core::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Octet => Self::Octet,
            Mode::Netascii => Self::Netascii,
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Serve(serving) => serve(&serving, cli.json),
        Command::Get(getting) => get(&getting, cli.json),
        Command::Put(putting) => put(&putting, cli.json),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("tftp: {error:#}");
            ExitCode::from(if error.is::<tftp_core::ConfigError>() { 2 } else { 1 })
        }
    }
}

fn serve(serving: &Serving, json: bool) -> anyhow::Result<ExitCode> {
    let granted = serving.wishes.options(65464, 64)?;
    let mut options = Options::new(&serving.root, serving.listen[0]);
    options.listen.clone_from(&serving.listen);
    options.access = Access { write: serving.write, overwrite: serving.overwrite };
    options.templates.clone_from(&serving.template);
    options.single_port = serving.single_port;
    options.rate = serving.rate;
    options.grace = Duration::from_secs(serving.grace);
    let config = &mut options.config;
    config.max_blksize = granted.blksize_or_default();
    config.max_windowsize = granted.windowsize_or_default();
    config.rollover = serving.wishes.rollover.into();
    config.transfers = serving.transfers;
    config.per_source = serving.per_source;
    config.size_limit = serving.size_limit.unwrap_or(u64::MAX);
    if let Some(seconds) = serving.wishes.timeout {
        config.max_timeout = Duration::from_secs(seconds.into());
    }
    let serve = Serve::bind(options)?;
    let stopper = serve.stopper();
    ctrlc::set_handler(move || stopper.stop()).context("cannot be stopped by a signal")?;
    let mut log = serving.log.as_deref().map(Log::open).transpose()?;
    serve.run(|report| {
        print(report, json);
        if let Some(log) = &mut log {
            log.add(report);
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// What a server has done, for later.
struct Log {
    name: PathBuf,
    file: std::fs::File,
    /// The last line could not be written, and that was said.
    is_broken: bool,
}

impl Log {
    fn open(name: &std::path::Path) -> anyhow::Result<Self> {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(name);
        let file = file.with_context(|| format!("the log {} cannot be opened", name.display()))?;
        Ok(Self { name: name.to_owned(), file, is_broken: false })
    }

    fn add(&mut self, report: &Report) {
        #[derive(serde::Serialize)]
        struct Line<'r> {
            time: String,
            #[serde(flatten)]
            report: &'r Report,
        }
        // To the second, which every reader of RFC 3339 takes.
        let now = time::OffsetDateTime::now_utc().replace_nanosecond(0).map_err(|_| ());
        let format = &time::format_description::well_known::Rfc3339;
        let time = now.ok().and_then(|now| now.format(format).ok()).unwrap_or_default();
        let line = serde_json::to_string(&Line { time, report }).unwrap_or_default();
        let written = self.file.write_all(format!("{line}\n").as_bytes());
        if let Err(error) = &written
            && !self.is_broken
        {
            // Files are served all the same.
            eprintln!("tftp: the log {} cannot be written: {error}", self.name.display());
        }
        self.is_broken = written.is_err();
    }
}

fn get(getting: &Getting, json: bool) -> anyhow::Result<ExitCode> {
    let (config, mode) = client_config(&getting.peer)?;
    let several = getting.files.len() > 1;
    let mut jobs = Vec::new();
    for remote in &getting.files {
        let name = remote.rsplit(['/', '\\']).next().unwrap_or_default();
        let local = match &getting.out {
            Some(out) if several || out.is_dir() => {
                anyhow::ensure!(out.is_dir(), "{} is no folder for several files", out.display());
                out.join(name)
            }
            Some(out) => out.clone(),
            None => PathBuf::from(name),
        };
        anyhow::ensure!(!name.is_empty() && name != "..", "{remote:?} is no file's name");
        let remote = remote.clone();
        jobs.push(Job { remote, local, mode, resume: getting.resume, config });
    }
    run(&jobs, json, fetch::get)
}

fn put(putting: &Putting, json: bool) -> anyhow::Result<ExitCode> {
    let (config, mode) = client_config(&putting.peer)?;
    let mut jobs = Vec::new();
    for local in &putting.files {
        let remote = match &putting.name {
            Some(name) => {
                anyhow::ensure!(putting.files.len() == 1, "--as names one file, not several");
                name.clone()
            }
            None => local
                .file_name()
                .and_then(|name| name.to_str())
                .with_context(|| format!("{} is no file's name", local.display()))?
                .to_owned(),
        };
        jobs.push(Job { remote, local: local.clone(), mode, resume: false, config });
    }
    run(&jobs, json, fetch::put)
}

fn client_config(peer: &Peer) -> anyhow::Result<(Config, tftp_core::Mode)> {
    let server = (peer.host.as_str(), peer.port)
        .to_socket_addrs()
        .with_context(|| format!("cannot find {}", peer.host))?
        .next()
        .with_context(|| format!("{} has no address", peer.host))?;
    let mut config = Config::new(server);
    config.options = peer.wishes.options(1428, 16)?;
    config.rollover = peer.wishes.rollover.into();
    Ok((config, peer.mode.into()))
}

type Transfer = fn(&Job, &AtomicBool, &mut dyn FnMut(&Report)) -> Result<u64, Error>;

/// Runs all jobs at once, each with its bar.
fn run(jobs: &[Job], json: bool, transfer: Transfer) -> anyhow::Result<ExitCode> {
    let stop = Arc::new(AtomicBool::new(false));
    let signal = Arc::clone(&stop);
    ctrlc::set_handler(move || signal.store(true, Ordering::Relaxed))
        .context("cannot be stopped by a signal")?;
    let bars = MultiProgress::new();
    let results: Vec<Result<u64, Error>> = std::thread::scope(|scope| {
        let threads: Vec<_> = jobs
            .iter()
            .map(|job| {
                let bar = (!json).then(|| bars.add(bar(&job.remote)));
                let stop = &stop;
                scope.spawn(move || {
                    transfer(job, stop, &mut |report| match &bar {
                        None => print(report, true),
                        Some(bar) => show(bar, report),
                    })
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread.join().unwrap_or_else(|_| Err(Error::Failed("it has crashed".into())))
            })
            .collect()
    });
    let mut code = 0;
    for (job, result) in jobs.iter().zip(results) {
        if let Err(error) = result {
            eprintln!("tftp: {}: {error}", job.remote);
            code = match error {
                Error::Config(_) => 2,
                Error::Peer(..) => 3,
                Error::TimedOut => 4,
                _ => 1,
            };
        }
    }
    Ok(ExitCode::from(code))
}

fn bar(name: &str) -> ProgressBar {
    let style = "{prefix:20!} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {msg}";
    let bar = ProgressBar::no_length().with_prefix(name.to_owned());
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

fn show(bar: &ProgressBar, report: &Report) {
    match report {
        Report::Started { size: Some(size), .. } => bar.set_length(*size),
        Report::Progress { octets, .. } => bar.set_position(*octets),
        Report::Complete { octets, seconds, rate, .. } => {
            bar.set_length(*octets);
            bar.set_position(*octets);
            bar.finish_with_message(format!("in {seconds:.2} s, {:.2} MB/s", rate / 1e6));
            if bar.is_hidden() {
                eprintln!("{report}");
            }
        }
        Report::Failed { .. } => bar.abandon_with_message("failed"),
        _ => {}
    }
}

fn print(report: &Report, json: bool) {
    let mut out = std::io::stdout().lock();
    // Nobody may be reading any more; the transfers matter, not the lines.
    let _ = if json {
        serde_json::to_string(report).map(|line| writeln!(out, "{line}")).unwrap_or(Ok(()))
    } else {
        writeln!(out, "{report}")
    };
    let _ = out.flush();
}
