//! `phone-lab`: boots the phone firmware in QEMU beside real servers and far ends, and checks what
//! it does.
//!
//! ```text
//! unshare: a network and processes of their own, gone when the lab ends
//! ┌──────────────────────────────────────────────────────────────────────────┐
//! │ 10.77.0.1  dnsmasq   TFTP, SIP: in.tftpd, Kamailio │ tftp, live-server   │
//! │            far ends: bob (on the SDK), sipp, carol (baresip)  garbage    │
//! │    │tap0                                                                 │
//! │ 10.77.0.50 QEMU mps2-an385 ── console, monitor, log ── checks            │
//! └──────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! What it needs and cannot find it names, and ends with 77: nothing was shown then.

#![forbid(unsafe_code)]
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Parser;
use phone_lab::{checks, report, servers};

use phone_lab::bench::{Bench, Setting, Wishes};
use phone_lab::checks::Check;
use phone_lab::report::Outcome;
use phone_lab::servers::{Hosts, Kind, Provisioned};

/// Ends so where something that is needed is not there.
const SKIPPED: u8 = 77;

/// Boots the phone firmware in QEMU beside real servers and far ends, and checks what it does.
#[derive(Clone, Debug, Parser)]
#[command(version)]
struct Cli {
    /// The phone's image.
    #[arg(long, value_name = "FILE")]
    image: PathBuf,
    /// The program live-server.
    #[arg(long, value_name = "FILE")]
    live_server: PathBuf,
    /// The program tftp.
    #[arg(long, value_name = "FILE")]
    tftp: PathBuf,
    /// How long garbage is thrown at the phone.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    fuzz_seconds: u64,
    /// Print one JSON object at the end, and nothing else on standard output.
    #[arg(long)]
    json: bool,
    /// Show the phone's own log on standard error.
    #[arg(long)]
    log: bool,
    /// Print the names of the checks, and end.
    #[arg(long)]
    list: bool,
    /// Keep the files of the programs that were started in this folder.
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// The program has a network of its own already.
    #[arg(long, hide = true)]
    inside: bool,
    /// Only these: a setting (peers), a check (fuzz), or one check of one setting (peers.fuzz).
    names: Vec<String>,
}

type Step = (&'static str, &'static str, Check);

const CALL_IN: Step = ("call-in", "a call to the phone is up within 2 s", checks::call_in);
const CALL_OUT: Step = ("call-out", "a call of the phone is up within 2 s", checks::call_out);
const SPEECH: Step =
    ("speech", "speech comes back through the phone, nothing is lost", checks::speech);
const DTMF: Step = ("dtmf", "digits arrive in both directions", checks::dtmf);
const HOLD: Step = ("hold", "hold and resume, by either side", checks::hold);
const PRESENCE: Step = ("presence", "a change of presence is shown", checks::presence);
const MESSAGE: Step = ("message", "instant messages in both directions", checks::message);
const SIPP: Step = ("sipp", "a call from sipp", checks::sipp);
const BARESIP: Step = ("baresip", "calls from and to baresip", checks::baresip);
const REFRESH: Step = ("refresh", "the registration is refreshed in time", checks::refresh);
const RESTART: Step = ("restart", "the server's restart is survived", checks::restart);
const CABLE: Step = ("cable", "a pull of the cable is survived", checks::cable);
const CPU: Step = ("cpu", "the core is idle in a call", checks::cpu);

const SETTINGS: &[(Setting, &[Step])] = &[
    (
        Setting {
            name: "peers",
            kind: Kind::Peers,
            provisioned: Provisioned { transport: "udp", srtp: false },
            counted: false,
        },
        &[
            CALL_IN,
            CALL_OUT,
            SPEECH,
            DTMF,
            HOLD,
            SIPP,
            BARESIP,
            REFRESH,
            ("mailbox", "message waiting is shown", checks::mailbox),
            PRESENCE,
            MESSAGE,
            ("ten-calls", "ten calls leave nothing behind", checks::ten_calls),
            ("fuzz", "garbage changes nothing", checks::fuzz),
            ("fuzz-call", "garbage does not harm a call", checks::fuzz_call),
            CABLE,
            RESTART,
            ("budget", "flash and RAM are within the budget", checks::budget),
        ],
    ),
    (
        Setting {
            name: "own",
            kind: Kind::Own,
            provisioned: Provisioned { transport: "tcp", srtp: false },
            counted: false,
        },
        &[CALL_IN, CALL_OUT, SPEECH, DTMF, HOLD, PRESENCE, MESSAGE, REFRESH, CABLE, RESTART],
    ),
    (
        Setting {
            name: "secure",
            kind: Kind::Own,
            provisioned: Provisioned { transport: "udp", srtp: true },
            counted: false,
        },
        &[
            CALL_IN,
            CALL_OUT,
            SPEECH,
            DTMF,
            HOLD,
            ("sipp", "a call in clear is refused", checks::sipp),
            BARESIP,
            ("ten-calls", "ten calls leave nothing behind", checks::ten_calls),
        ],
    ),
    (
        Setting {
            name: "counted",
            kind: Kind::Own,
            provisioned: Provisioned { transport: "udp", srtp: false },
            counted: true,
        },
        &[CPU],
    ),
    (
        Setting {
            name: "counted-secure",
            kind: Kind::Own,
            provisioned: Provisioned { transport: "udp", srtp: true },
            counted: true,
        },
        &[CPU],
    ),
];

impl Cli {
    fn wants(&self, setting: &str, step: &str) -> bool {
        self.names.is_empty()
            || self
                .names
                .iter()
                .any(|name| name == setting || name == step || *name == format!("{setting}.{step}"))
    }

    fn check_names(&self) -> Result<()> {
        for name in &self.names {
            let known = SETTINGS.iter().any(|(setting, steps)| {
                name == setting.name
                    || steps.iter().any(|(step, _, _)| {
                        name == step || *name == format!("{}.{step}", setting.name)
                    })
            });
            if !known {
                bail!("there is no check {name}; --list prints all of them");
            }
        }
        Ok(())
    }

    fn wishes(&self) -> Wishes {
        Wishes {
            image: self.image.clone(),
            hosts: Hosts { live_server: self.live_server.clone(), tftp: self.tftp.clone() },
            fuzz: Duration::from_secs(self.fuzz_seconds),
            log: self.log,
        }
    }

    /// Starts the program again in a network and a list of processes of its own: whatever it starts
    /// there ends with it.
    fn enter(&self) -> Result<()> {
        let mut command = Command::new("unshare");
        command.args(["--net", "--pid", "--fork", "--kill-child", "--mount-proc"]);
        command.arg(std::env::current_exe()?).args(std::env::args_os().skip(1)).arg("--inside");
        Err(command.exec()).context("unshare cannot be started")
    }

    fn run(&self) -> Result<Vec<Outcome>> {
        servers::network().context("no network of its own: this needs root")?;
        let temporary = tempfile::tempdir()?;
        let folder = self.keep.as_deref().unwrap_or(temporary.path());
        let mut outcomes = Vec::new();
        for (setting, steps) in SETTINGS {
            let wanted: Vec<&Step> =
                steps.iter().filter(|(step, ..)| self.wants(setting.name, step)).collect();
            if !wanted.is_empty() {
                let folder = folder.join(setting.name);
                std::fs::create_dir_all(&folder)?;
                self.run_setting(*setting, &wanted, folder, &mut outcomes);
            }
        }
        Ok(outcomes)
    }

    fn run_setting(
        &self,
        setting: Setting,
        steps: &[&Step],
        folder: PathBuf,
        outcomes: &mut Vec<Outcome>,
    ) {
        const TITLE: &str = "boots, is provisioned, registers";
        let name = |step: &str| format!("{}.{step}", setting.name);
        let began = Instant::now();
        let mut bench = match Bench::start(setting, &self.wishes(), folder) {
            Ok((bench, measured)) => {
                let outcome = Outcome::new(name("boot"), TITLE, Ok(measured), began.elapsed());
                self.tell(outcomes, outcome);
                bench
            }
            Err(error) => {
                let outcome = Outcome::new(name("boot"), TITLE, Err(error), began.elapsed());
                self.tell(outcomes, outcome);
                return;
            }
        };
        for (step, title, check) in steps {
            let began = Instant::now();
            bench.mark = bench.phone.mark();
            let mut result = bench.calm().and_then(|()| check(&mut bench));
            if let Err(error) = result {
                result = Err(anyhow::anyhow!("{error:#}\n{}", bench.evidence()));
                self.clear(&mut bench);
            }
            bench.show_log();
            self.tell(outcomes, Outcome::new(name(step), title, result, began.elapsed()));
        }
    }

    /// A check that failed may have left a call, which would fail the next one.
    fn clear(&self, bench: &mut Bench) {
        let _ = bench.far.hang_up();
        let _ = bench.phone.say("hangup");
        std::thread::sleep(Duration::from_secs(1));
        bench.far.forget();
    }

    fn tell(&self, outcomes: &mut Vec<Outcome>, outcome: Outcome) {
        if self.json {
            eprintln!("{}", outcome.line());
        } else {
            println!("{}", outcome.line());
        }
        outcomes.push(outcome);
    }
}

fn run() -> Result<ExitCode> {
    let cli = Cli::parse();
    if cli.list {
        for (setting, steps) in SETTINGS {
            for (step, title, _) in *steps {
                println!("{}.{step:10} {title}", setting.name);
            }
        }
        return Ok(ExitCode::SUCCESS);
    }
    cli.check_names()?;
    if !std::fs::exists("/dev/net/tun")? {
        eprintln!("SKIPPED: there is no /dev/net/tun: nothing was shown here");
        return Ok(ExitCode::from(SKIPPED));
    }
    for (setting, steps) in SETTINGS {
        if steps.iter().any(|(step, ..)| cli.wants(setting.name, step))
            && let Err(error) = checks::missing(setting.kind, setting.provisioned.srtp)
        {
            eprintln!("SKIPPED: {error}: nothing was shown here");
            return Ok(ExitCode::from(SKIPPED));
        }
    }
    if !cli.inside {
        cli.enter()?;
    }
    let outcomes = cli.run()?;
    let failed = outcomes.iter().filter(|outcome| !outcome.ok).count();
    if cli.json {
        println!("{}", serde_json::to_string(&outcomes)?);
    } else {
        println!("\n{}", report::table(&outcomes));
        println!("{} checks, {failed} failed", outcomes.len());
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        eprintln!("phone-lab: {error:#}");
        ExitCode::FAILURE
    })
}
