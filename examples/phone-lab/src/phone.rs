//! The phone: QEMU with the image, its console, its monitor, its log.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The phone's Ethernet address, after which its configuration file is named.
pub const MAC: &str = "52:54:00:12:34:56";
/// What DHCP gives it.
pub const ADDRESS: &str = "10.77.0.50";
/// With instructions counted one takes two to the power of this, in nanoseconds of the board's time.
pub const ICOUNT_SHIFT: u32 = 5;

/// A line of the console, and when it came.
#[derive(Clone, Debug)]
pub struct Line {
    /// When it came.
    pub at: Instant,
    /// Without its end.
    pub text: String,
}

#[derive(Default)]
struct Lines {
    lines: Mutex<Vec<Line>>,
    more: Condvar,
}

/// A phone that runs.
pub struct Phone {
    qemu: Child,
    keyboard: ChildStdin,
    lines: Arc<Lines>,
    monitor: UnixStream,
    /// The frames of its log.
    pub log: PathBuf,
    /// When it was switched on.
    pub started: Instant,
}

impl Phone {
    /// Switches one on; with `counted`, instructions and not the host's clock drive its time.
    pub fn start(image: &Path, folder: &Path, counted: bool) -> Result<Self> {
        let log = folder.join("phone.defmt");
        let socket = folder.join("monitor");
        let nic =
            format!("tap,ifname=tap0,script=no,downscript=no,model=lan9118,mac={MAC},id=net0");
        let mut command = Command::new("qemu-system-arm");
        command
            .args(["-M", "mps2-an385", "-display", "none", "-serial", "stdio", "-nic", &nic])
            .arg("-serial")
            .arg(format!("file:{}", log.display()))
            .arg("-monitor")
            .arg(format!("unix:{},server=on,wait=off", socket.display()))
            .arg("-kernel")
            .arg(image);
        if counted {
            command.args(["-icount", &format!("shift={ICOUNT_SHIFT},align=on,sleep=on")]);
        }
        let started = Instant::now();
        let mut qemu = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(folder.join("qemu.log"))?)
            .spawn()
            .context("qemu-system-arm cannot be started")?;
        let keyboard = qemu.stdin.take().context("QEMU has no input")?;
        let output = qemu.stdout.take().context("QEMU has no output")?;
        let lines = Arc::new(Lines::default());
        let shared = Arc::clone(&lines);
        std::thread::spawn(move || {
            for text in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                let text = String::from_utf8_lossy(&text).trim_end().to_owned();
                if let Ok(mut lines) = shared.lines.lock() {
                    lines.push(Line { at: Instant::now(), text });
                }
                shared.more.notify_all();
            }
        });
        let until = started + Duration::from_secs(10);
        let monitor = loop {
            match UnixStream::connect(&socket) {
                Ok(monitor) => break monitor,
                Err(_) if Instant::now() < until => std::thread::sleep(Duration::from_millis(20)),
                Err(error) => return Err(error).context("QEMU's monitor does not answer"),
            }
        };
        monitor.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut phone = Self { qemu, keyboard, lines, monitor, log, started };
        phone.until_prompt()?;
        Ok(phone)
    }

    /// Types a line.
    pub fn say(&mut self, line: &str) -> Result<()> {
        // A serial line has no flow control: the phone takes a line at a time.
        writeln!(self.keyboard, "{line}").context("the phone is gone")?;
        self.keyboard.flush()?;
        Ok(())
    }

    /// How many lines it has written: what comes later comes behind this mark.
    pub fn mark(&self) -> usize {
        self.lines.lines.lock().map_or(0, |lines| lines.len())
    }

    /// What it has written behind a mark.
    pub fn since(&self, mark: usize) -> Vec<Line> {
        let lines = self.lines.lines.lock();
        lines.map(|lines| lines.get(mark..).unwrap_or_default().to_vec()).unwrap_or_default()
    }

    /// Waits for the first line behind the mark that has the text in it.
    pub fn expect(&self, mark: usize, text: &str, within: Duration) -> Result<Line> {
        let until = Instant::now() + within;
        let mut from = mark;
        let Ok(mut lines) = self.lines.lines.lock() else { bail!("the console is lost") };
        loop {
            let new = lines.get(from..).unwrap_or_default();
            if let Some(line) = new.iter().find(|line| line.text.contains(text)) {
                return Ok(line.clone());
            }
            from = lines.len();
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("the phone did not say \"{text}\" within {:.1} s", within.as_secs_f64());
            }
            let Ok((again, _)) = self.lines.more.wait_timeout(lines, left) else {
                bail!("the console is lost");
            };
            lines = again;
        }
    }

    /// Types a line, and waits for an answer that has the text in it.
    pub fn ask(&mut self, line: &str, answer: &str) -> Result<Line> {
        let mark = self.mark();
        self.say(line)?;
        self.expect(mark, answer, Duration::from_secs(5))
    }

    /// Pulls the cable out, or puts it in again.
    pub fn cable(&mut self, plugged: bool) -> Result<()> {
        let state = if plugged { "on" } else { "off" };
        self.order(&format!("set_link net0 {state}"))
    }

    fn order(&mut self, order: &str) -> Result<()> {
        writeln!(self.monitor, "{order}")?;
        self.until_prompt()
    }

    fn until_prompt(&mut self) -> Result<()> {
        let mut octets = Vec::new();
        let mut octet = [0];
        while !octets.ends_with(b"(qemu) ") {
            self.monitor.read_exact(&mut octet).context("QEMU's monitor does not answer")?;
            octets.extend(octet);
        }
        Ok(())
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}
