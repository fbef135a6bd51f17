//! The phone's network: DHCP, TFTP, SIP, from other people's programs or from the SDK's own hosts.

use core::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::phone::ADDRESS;
use crate::process::{Process, run};

/// The lab's own address, where every server is.
pub const OWN: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

/// The SIP server's address.
pub fn server() -> SocketAddr {
    SocketAddr::from((OWN, 5060))
}

/// Whose servers the phone meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// in.tftpd and Kamailio; DHCP names the provisioning server by option 66.
    Peers,
    /// The SDK's own `tftp serve` and `live-server`; DHCP uses option 150.
    Own,
}

/// What the phone's configuration file says beside its name and password.
#[derive(Clone, Copy, Debug)]
pub struct Provisioned {
    /// `udp` or `tcp`.
    pub transport: &'static str,
    /// Whether calls are protected.
    pub srtp: bool,
}

/// The programs of other hosts that the SDK has.
#[derive(Clone, Debug)]
pub struct Hosts {
    /// The SIP server.
    pub live_server: PathBuf,
    /// The TFTP program.
    pub tftp: PathBuf,
}

/// Makes the Ethernet that the phone is plugged into.
pub fn network() -> Result<()> {
    run("ip", &["link", "set", "lo", "up"])?;
    run("ip", &["tuntap", "add", "dev", "tap0", "mode", "tap"])?;
    run("ip", &["addr", "add", "10.77.0.1/24", "dev", "tap0"])?;
    run("ip", &["link", "set", "tap0", "up"])
}

/// The servers that run.
pub struct Servers {
    kind: Kind,
    folder: PathBuf,
    hosts: Hosts,
    _dhcp: Process,
    _tftp: Process,
    sip: Option<Process>,
}

impl Servers {
    /// Starts all of them, with their files in the folder.
    pub fn start(
        kind: Kind,
        provisioned: Provisioned,
        folder: &Path,
        hosts: &Hosts,
    ) -> Result<Self> {
        let root = folder.join("root");
        std::fs::create_dir(&root)?;
        // Its server gives up its privileges.
        for folder in [folder, &root] {
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))?;
        }
        let Provisioned { transport, srtp } = provisioned;
        let srtp = if srtp { "on" } else { "off" };
        std::fs::write(
            root.join("phone-525400123456.cfg"),
            format!(
                "user = alice\npassword = secret\ndomain = example.test\nserver = 10.77.0.1:5060\n\
                 expires = 60\ntransport = {transport}\nsrtp = {srtp}\nring = ring.pcmu\n\
                 microphone = loop\n"
            ),
        )?;
        std::fs::write(root.join("ring.pcmu"), [0x80; 1600])?;
        std::fs::write(
            folder.join("users.toml"),
            ["alice", "bob", "carol"].iter().fold(
                "domain = \"example.test\"\n".to_owned(),
                |users, name| {
                    format!("{users}[[user]]\nname = \"{name}\"\npassword = \"secret\"\n")
                },
            ),
        )?;
        let option = match kind {
            Kind::Peers => "--dhcp-option=66,10.77.0.1",
            Kind::Own => "--dhcp-option=150,10.77.0.1",
        };
        let mut dhcp = Command::new("dnsmasq");
        dhcp.args(["--no-daemon", "--conf-file=/dev/null", "--port=0", "--interface=tap0"])
            .args(["--bind-interfaces", "--user=root", option])
            .arg(format!("--dhcp-range={ADDRESS},{ADDRESS},1h"))
            .arg(format!("--dhcp-leasefile={}", folder.join("leases").display()));
        let mut tftp = match kind {
            Kind::Peers => {
                let mut tftp = Command::new("in.tftpd");
                tftp.args(["--foreground", "--listen", "--address", "10.77.0.1:69"])
                    .args(["--user", "root", "--secure"])
                    .arg(&root);
                tftp
            }
            Kind::Own => {
                let mut tftp = Command::new(&hosts.tftp);
                tftp.arg("serve").arg(&root).args(["--listen", "10.77.0.1:69"]);
                tftp
            }
        };
        let mut servers = Self {
            kind,
            folder: folder.to_owned(),
            hosts: hosts.clone(),
            _dhcp: Process::start("dhcp", &mut dhcp, folder)?,
            _tftp: Process::start("tftp", &mut tftp, folder)?,
            sip: None,
        };
        servers.start_sip()?;
        Ok(servers)
    }

    /// Starts the SIP server, which knows nothing of who was registered before.
    pub fn start_sip(&mut self) -> Result<()> {
        let mut sip = match self.kind {
            Kind::Peers => {
                let config = self.folder.join("kamailio.cfg");
                std::fs::write(&config, include_str!("../assets/kamailio.cfg"))?;
                let run = self.folder.join("kamailio");
                std::fs::create_dir_all(&run)?;
                let mut sip = Command::new("kamailio");
                sip.arg("-f").arg(config).args(["-DD", "-E", "-m", "64", "-M", "8", "-P"]);
                sip.arg(run.join("pid")).arg("-Y").arg(run);
                sip
            }
            Kind::Own => {
                let mut sip = Command::new(&self.hosts.live_server);
                sip.arg("--users").arg(self.folder.join("users.toml"));
                sip.args(["--udp", "10.77.0.1:5060", "--tcp", "10.77.0.1:5060"]);
                // baresip 1.0 gives up where SHA-256 is offered beside MD5.
                sip.args(["--digests", "md5"]);
                sip
            }
        };
        self.sip = Some(Process::start("sip", &mut sip, &self.folder)?);
        // Until it listens.
        std::thread::sleep(Duration::from_millis(700));
        Ok(())
    }

    /// Stops the SIP server.
    pub fn stop_sip(&mut self) {
        self.sip = None;
    }

    /// What the SIP server wrote last.
    pub fn sip_tail(&self) -> String {
        self.sip.as_ref().map_or_else(String::new, |sip| sip.tail(12))
    }
}
