//! baresip as Carol's telephone, which answers by itself.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process::Process;

/// One that runs, and its control connection.
pub struct Baresip {
    process: Process,
    control: TcpStream,
    told: Vec<u8>,
}

impl Baresip {
    /// Starts it, and waits until it is registered.
    pub fn start(folder: &Path, srtp: bool) -> Result<Self> {
        let home = folder.join("baresip");
        std::fs::create_dir_all(&home)?;
        std::fs::write(home.join("config"), include_str!("../assets/baresip.config"))?;
        std::fs::write(home.join("contacts"), "")?;
        let security = if srtp { ";mediaenc=srtp-mand" } else { "" };
        std::fs::write(
            home.join("accounts"),
            format!(
                "<sip:carol@example.test>;auth_user=carol;auth_pass=secret;\
                 outbound=\"sip:10.77.0.1:5060\";regint=60;answermode=auto;\
                 audio_codecs=PCMU,PCMA{security}\n"
            ),
        )?;
        let mut command = Command::new("baresip");
        command.arg("-f").arg(&home);
        let process = Process::start("baresip", &mut command, folder)?;
        let until = Instant::now() + Duration::from_secs(10);
        let control = loop {
            match TcpStream::connect("127.0.0.1:4446") {
                Ok(control) => break control,
                Err(_) if Instant::now() < until => std::thread::sleep(Duration::from_millis(50)),
                Err(error) => {
                    return Err(error).context(process.tail(10)).context("baresip does not answer");
                }
            }
        };
        control.set_read_timeout(Some(Duration::from_millis(200)))?;
        let mut baresip = Self { process, control, told: Vec::new() };
        baresip.expect("REGISTER_OK", Duration::from_secs(10)).or_else(|error| {
            // It may have registered before the connection was there.
            let log = baresip.process.tail(50);
            if log.contains("200 OK") { Ok(()) } else { Err(error) }
        })?;
        Ok(baresip)
    }

    /// Gives it an order.
    pub fn order(&mut self, command: &str, parameters: &str) -> Result<()> {
        let json = serde_json::json!({ "command": command, "params": parameters, "token": "lab" });
        let json = json.to_string();
        write!(self.control, "{}:{json},", json.len()).context("baresip is gone")
    }

    /// Waits until it tells of something.
    pub fn expect(&mut self, event: &str, within: Duration) -> Result<()> {
        let until = Instant::now() + within;
        let mut buffer = [0; 4096];
        loop {
            let text = String::from_utf8_lossy(&self.told);
            if let Some(at) = text.find(event) {
                let used = at + event.len();
                self.told.drain(..used.min(self.told.len()));
                return Ok(());
            }
            if Instant::now() > until {
                bail!("baresip did not tell of {event}: {text}\n{}", self.process.tail(15));
            }
            match self.control.read(&mut buffer) {
                Ok(0) => bail!("baresip is gone:\n{}", self.process.tail(15)),
                Ok(len) => self.told.extend(buffer.get(..len).unwrap_or_default()),
                Err(_) => {}
            }
        }
    }
}
