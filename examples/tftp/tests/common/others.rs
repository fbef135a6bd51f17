//! The servers of others, where they are installed, each over the same folder.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A server that ends with the scope.
pub(crate) struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts them one after the other, as they are asked for. What is missing is told.
pub(crate) fn start(folder: &Path) -> impl Iterator<Item = (&'static str, SocketAddr, Stopped)> {
    #[cfg(unix)]
    {
        // They serve as somebody who owns nothing.
        use std::os::unix::fs::PermissionsExt as _;
        let all = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(folder, all).unwrap();
    }
    commands(folder).into_iter().filter_map(|(name, address, mut command)| {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(child) = quiet.spawn() else {
            eprintln!("{name} is not installed: it was NOT measured");
            return None;
        };
        std::thread::sleep(Duration::from_millis(500));
        Some((name, address, Stopped(child)))
    })
}

fn commands(folder: &Path) -> Vec<(&'static str, SocketAddr, Command)> {
    let program = |variable: &str, default: &str| -> OsString {
        std::env::var_os(variable).unwrap_or_else(|| default.into())
    };
    let at = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
    let ports: [u16; 3] = std::array::from_fn(|_| handset_testkit::free_port());
    let mut hpa = Command::new("/usr/sbin/in.tftpd");
    hpa.args(["-L", "-c", "-u", "root", "-a", &at(ports[0]).to_string(), "-s"]);
    hpa.arg(folder);
    let mut atftpd = Command::new(program("ATFTPD", "/usr/sbin/atftpd"));
    atftpd.args(["--daemon", "--no-fork", "--logfile", "/dev/null", "--bind-address"]);
    atftpd.args(["127.0.0.1", "--port", &ports[1].to_string()]).arg(folder);
    let mut dnsmasq = Command::new("/usr/sbin/dnsmasq");
    dnsmasq.args(["--no-daemon", "--conf-file=/dev/null", "--port=0", "--enable-tftp"]);
    dnsmasq.args(["--listen-address=127.0.0.1", "--bind-interfaces", "--user=root"]);
    dnsmasq.arg(format!("--tftp-root={}", folder.display()));
    let mut tftpd = Command::new(program("TFTPD", "tftpd"));
    tftpd.args(["-i", "127.0.0.1", "-p", &ports[2].to_string(), "-q", "-d"]).arg(folder);
    vec![
        ("tftpd-hpa", at(ports[0]), hpa),
        ("atftpd", at(ports[1]), atftpd),
        ("dnsmasq", at(69), dnsmasq),
        ("tftpd", at(ports[2]), tftpd),
    ]
}
