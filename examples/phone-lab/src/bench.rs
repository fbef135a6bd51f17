//! The bench: a phone, its servers, a far end, and what the checks ask of them again and again.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::far::{FarEnd, Identity, News};
use crate::phone::Phone;
use crate::servers::{Hosts, Kind, OWN, Provisioned, Servers, server};
use crate::trace::Trace;

/// Where calls to the phone go.
pub const ALICE: &str = "sip:alice@example.test";

/// What a bench is made of.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name, which stands before each of its checks.
    pub name: &'static str,
    /// Whose servers.
    pub kind: Kind,
    /// What the configuration file says.
    pub provisioned: Provisioned,
    /// Whether instructions drive the board's time.
    pub counted: bool,
}

/// What the person who runs the lab wants.
#[derive(Clone, Debug)]
pub struct Wishes {
    /// The phone's image.
    pub image: PathBuf,
    /// The SDK's hosts.
    pub hosts: Hosts,
    /// How long garbage is thrown.
    pub fuzz: Duration,
    /// Whether the phone's log is shown.
    pub log: bool,
}

/// Everything that runs for a setting.
pub struct Bench {
    /// What it is made of.
    pub setting: Setting,
    /// What is wanted.
    pub wishes: Wishes,
    /// Where files are.
    pub folder: PathBuf,
    /// The servers.
    pub servers: Servers,
    /// The phone.
    pub phone: Phone,
    /// Bob's telephone.
    pub far: FarEnd,
    /// Where the console stood when the check began.
    pub mark: usize,
    trace: Trace,
}

/// The counts of the line `memory: live`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Live {
    /// Calls.
    pub calls: u64,
    /// Subscriptions.
    pub subscriptions: u64,
    /// Transactions.
    pub transactions: u64,
    /// Octets that are free for messages and dialogs.
    pub free: u64,
}

/// The counts of the line `media:`.
#[derive(Clone, Copy, Debug)]
pub struct Stats {
    /// Packets sent.
    pub sent: u64,
    /// Packets received.
    pub received: u64,
    /// Packets that the jitter buffer has missed.
    pub lost: u64,
    /// Those of them that came too late.
    pub late: u64,
    /// How long packets wait in the jitter buffer, in milliseconds.
    pub delay_ms: u64,
}

impl Bench {
    /// Starts servers, far end and phone, and waits until the phone is ready for calls.
    pub fn start(setting: Setting, wishes: &Wishes, folder: PathBuf) -> Result<(Self, String)> {
        let servers = Servers::start(setting.kind, setting.provisioned, &folder, &wishes.hosts)?;
        let far = bob(setting)?;
        let phone = Phone::start(&wishes.image, &folder, setting.counted)?;
        let trace = Trace::new(&wishes.image, &phone.log)?;
        let wishes = wishes.clone();
        let mut bench = Self { setting, wishes, folder, servers, phone, far, mark: 0, trace };
        let result = bench.boot();
        match result {
            Ok(measured) => Ok((bench, measured)),
            Err(error) => Err(anyhow::anyhow!("{error:#}\n{}", bench.evidence())),
        }
    }

    fn boot(&self) -> Result<String> {
        let ready = |phone: &Phone, text: &str, seconds| {
            let line = phone.expect(0, text, Duration::from_secs(seconds))?;
            Ok::<_, anyhow::Error>(line.at.duration_since(phone.started).as_secs_f64())
        };
        let address = ready(&self.phone, "phone: address 10.77.0.50", 20)?;
        let file = ready(&self.phone, "phone: configured by phone-525400123456.cfg", 20)?;
        let ring = ready(&self.phone, "phone: ring tone of 1600 octets", 5)?;
        let registered = ready(&self.phone, "phone: registered for", 8)?;
        self.far
            .expect("its registration", Duration::from_secs(5), |news| *news == News::Registered)?;
        Ok(format!(
            "address after {address:.1} s, configuration {file:.1} s, ring tone {ring:.1} s, \
             registered {registered:.1} s"
        ))
    }

    /// A far end anew, for a server that has forgotten the old one.
    pub fn renew_far(&mut self) -> Result<()> {
        // The old one has the ports until it is gone.
        let away = Identity { user: "nobody", port: 5090, registers: false, srtp: false };
        self.far = FarEnd::start(away, OWN, server())?;
        self.far = bob(self.setting)?;
        self.far
            .expect("its registration", Duration::from_secs(5), |news| *news == News::Registered)?;
        Ok(())
    }

    /// The far end calls and the phone answers at once: how long until both can talk.
    pub fn call_in(&mut self) -> Result<Duration> {
        self.far.forget();
        let mark = self.phone.mark();
        self.far.call(ALICE)?;
        self.phone.expect(mark, "phone: ringing", Duration::from_secs(3))?;
        self.phone.say("answer")?;
        self.phone.expect(mark, "phone: talking", Duration::from_secs(3))?;
        self.up()
    }

    /// The phone calls, and the far end answers at once: how long until both can talk.
    pub fn call_out(&mut self) -> Result<Duration> {
        self.far.forget();
        let mark = self.phone.mark();
        let began = Instant::now();
        self.phone.say("dial sip:bob@example.test")?;
        let talking = self.phone.expect(mark, "phone: talking", Duration::from_secs(5))?;
        self.up()?;
        Ok(talking.at.duration_since(began))
    }

    fn up(&self) -> Result<Duration> {
        let up = self
            .far
            .expect("a call", Duration::from_secs(5), |news| matches!(news, News::Up(_)))?;
        let News::Up(after) = up.1 else { return Ok(Duration::ZERO) };
        Ok(after)
    }

    /// The far end hangs up.
    pub fn hang_up(&mut self) -> Result<()> {
        let mark = self.phone.mark();
        self.far.hang_up()?;
        self.phone.expect(mark, "phone: they hung up", Duration::from_secs(3))?;
        self.over()
    }

    /// Waits until the far end has seen the call's end.
    pub fn over(&self) -> Result<()> {
        let ended = |news: &News| matches!(news, News::Ended(_));
        self.far.expect("the call's end", Duration::from_secs(3), ended).map(|_| ())
    }

    /// The figures of the call.
    pub fn stats(&mut self) -> Result<Stats> {
        let line = self.phone.ask("stats", "media: sent")?.text;
        let number = |name| number_after(&line, name);
        Ok(Stats {
            sent: number("sent")?,
            received: number("received")?,
            lost: number("lost")?,
            late: number("late")?,
            delay_ms: number("delay")?,
        })
    }

    /// What lives in the phone.
    pub fn live(&mut self) -> Result<Live> {
        let line = self.phone.ask("memory", "memory: live")?.text;
        let number = |name| number_after(&line, name);
        Ok(Live {
            calls: number("calls")?,
            subscriptions: number("subscriptions")?,
            transactions: number("transactions")?,
            free: number("octets")?,
        })
    }

    /// What lives when little does: the least within the time that a transaction lasts.
    pub fn at_rest(&mut self) -> Result<Live> {
        let until = Instant::now() + Duration::from_secs(40);
        let mut least = self.live()?;
        while least.transactions > 0 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(500));
            let live = self.live()?;
            if live.calls == 0 && live.transactions < least.transactions {
                least = live;
            }
        }
        ensure!(least.calls == 0, "a call is left: {least:?}");
        Ok(least)
    }

    /// Waits until the phone has come back to where it was; what comes and goes by itself, refreshes
    /// of its registration and its subscriptions, may be there or not, and a few octets may be in use
    /// where a nonce or a number has grown.
    pub fn back_at(&mut self, before: Live) -> Result<Live> {
        let until = Instant::now() + Duration::from_secs(100);
        loop {
            let live = self.live()?;
            let same = (live.calls, live.subscriptions) == (before.calls, before.subscriptions);
            if same && live.transactions <= before.transactions && live.free + 32 >= before.free {
                return Ok(live);
            }
            ensure!(Instant::now() < until, "before {before:?}, after {live:?}");
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// Waits until the phone has places for another call's transactions: the past ones keep theirs
    /// for 32 s, and a phone in 64 KiB has few.
    pub fn calm(&mut self) -> Result<()> {
        let until = Instant::now() + Duration::from_secs(60);
        while self.live()?.transactions > 5 {
            ensure!(Instant::now() < until, "the phone does not come to rest");
            std::thread::sleep(Duration::from_millis(250));
        }
        Ok(())
    }

    /// Shows the log's new lines, where that is wanted.
    pub fn show_log(&mut self) {
        if self.wishes.log {
            let lines = self.trace.lines().unwrap_or_else(|error| vec![format!("{error:#}")]);
            lines.iter().for_each(|line| eprintln!("log: {line}"));
        }
    }

    /// What was said lately, for somebody who has to find out what went wrong.
    pub fn evidence(&mut self) -> String {
        let console = self.phone.since(self.mark);
        let memory = |line: &&crate::phone::Line| line.text.starts_with("memory:");
        let from = console.iter().filter(|line| !memory(line)).count().saturating_sub(40);
        let mut text = "the console:\n".to_owned();
        for line in console.iter().filter(|line| !memory(line)).skip(from) {
            text += &format!("    {}\n", line.text);
        }
        text += "the log:\n";
        let log = self.trace.lines().unwrap_or_default();
        for line in log.get(log.len().saturating_sub(20)..).unwrap_or_default() {
            text += &format!("    {line}\n");
        }
        format!("{text}the SIP server:\n{}", self.servers.sip_tail())
    }
}

fn bob(setting: Setting) -> Result<FarEnd> {
    let srtp = setting.provisioned.srtp;
    FarEnd::start(Identity { user: "bob", port: 5070, registers: true, srtp }, OWN, server())
}

/// The number that stands behind a word.
pub fn number_after(line: &str, word: &str) -> Result<u64> {
    let mut words = line.split([' ', ',', ':']);
    words.find(|other| *other == word);
    let number = words.next().and_then(|number| number.parse().ok());
    number.with_context(|| format!("no number behind \"{word}\" in \"{line}\""))
}
