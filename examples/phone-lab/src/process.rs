//! Programs that the lab starts, and that end with it.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// A program in the background, whose output goes to a file.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts it.
    pub fn start(name: &str, command: &mut Command, folder: &Path) -> Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0)
            .spawn()
            .with_context(|| format!("{name} cannot be started"))?;
        Ok(Self { name: name.to_owned(), child, log })
    }

    /// Waits for its end; whether it was content.
    pub fn wait(&mut self, within: Duration) -> Result<bool> {
        let until = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.success());
            }
            if Instant::now() > until {
                bail!("{} has not ended within {} s", self.name, within.as_secs());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The last lines that it wrote.
    pub fn tail(&self, lines: usize) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let all: Vec<&str> = text.lines().collect();
        all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
    }
}

impl Process {
    /// Tells it, and whatever it has started itself, to end.
    fn signal(&self, signal: Signal) {
        // It may have ended by itself.
        if let Ok(group) = i32::try_from(self.child.id()) {
            let _ = killpg(Pid::from_raw(group), signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A server that is killed may leave its own processes at work behind it.
        self.signal(Signal::SIGTERM);
        let _ = self.wait(Duration::from_secs(2));
        self.signal(Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

/// Runs a program to its end.
pub fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{program} cannot be started"))?;
    if !output.status.success() {
        bail!(
            "{program} {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

/// Where a program is, in the places that a normal user's path leaves out as well.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}
