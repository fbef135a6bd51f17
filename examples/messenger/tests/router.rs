//! `messenger map` behind a router that maps ports: miniupnpd, in machines of their own.

#![cfg(target_os = "linux")]
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Command, Stdio};
use std::time::Duration;

use handset_testkit::{Namespace, Peer, peer};
use serde_json::Value;

const INSIDE: Ipv4Addr = Ipv4Addr::new(192, 168, 77, 2);
const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 77, 1);
/// miniupnpd refuses to map where its own address is no public one.
const PUBLIC: Ipv4Addr = Ipv4Addr::new(11, 22, 33, 7);
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(11, 22, 33, 9);
const PATIENCE: Duration = Duration::from_millis(300);

const NAT: &str = "table inet filter {
    chain miniupnpd { }
    chain prerouting_miniupnpd { }
    chain postrouting_miniupnpd { }
    chain forward {
        type filter hook forward priority 0; policy drop;
        jump miniupnpd
        ct state established,related accept
        iifname \"lan\" accept
    }
    chain prerouting { type nat hook prerouting priority -100; jump prerouting_miniupnpd; }
    chain postrouting {
        type nat hook postrouting priority 100; jump postrouting_miniupnpd; oifname \"wan\" masquerade
    }
}
";

/// A machine, its router with miniupnpd, and somebody on the other side.
struct Places {
    inside: Namespace,
    router: Namespace,
    outside: Namespace,
    _daemon: Peer,
    _files: tempfile::TempDir,
}

impl Places {
    fn new(label: &str, upnp: bool) -> Option<Self> {
        let (nft, daemon) = (peer("nft", "nftables")?, peer("miniupnpd", "miniupnpd-nftables")?);
        let [inside, router, outside] =
            ["inside", "router", "outside"].map(|name| Namespace::new(&format!("{label}-{name}")));
        let (inside, router, outside) = (inside?, router?, outside?);
        inside.connect("eth0", INSIDE, &router, "lan", ROUTER);
        router.connect("wan", PUBLIC, &outside, "eth0", OUTSIDE);
        assert!(inside.configure(&["route", "add", "default", "via", &ROUTER.to_string()]));
        router.run(|| std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").expect("it is there"));

        let files = tempfile::tempdir().expect("a temporary folder");
        let mut load = router.command(nft.to_str().expect("a plain name"));
        let mut load = load.args(["-f", "-"]).stdin(Stdio::piped()).spawn().expect("it starts");
        load.stdin.take().expect("it is piped").write_all(NAT.as_bytes()).expect("it reads");
        assert!(load.wait().expect("it ends").success());

        let (upnp, pid) = (if upnp { "yes" } else { "no" }, files.path().join("pid"));
        let configuration = format!(
            "ext_ifname=wan\next_ip={PUBLIC}\nlistening_ip=lan\nhttp_port=5000\nenable_natpmp=yes\n\
             enable_upnp={upnp}\nsecure_mode=yes\nsystem_uptime=yes\n\
             uuid=73a9cb68-a00b-4d7f-8412-75f5e5b7d3a1\n\
             upnp_forward_chain=miniupnpd\nupnp_nat_chain=prerouting_miniupnpd\n\
             upnp_nat_postrouting_chain=postrouting_miniupnpd\nupnp_table_name=filter\nupnp_nat_table_name=filter\n\
             allow 1024-65535 0.0.0.0/0 1024-65535\ndeny 0-65535 0.0.0.0/0 0-65535\n"
        );
        let file = files.path().join("miniupnpd.conf");
        std::fs::write(&file, configuration).expect("it can be written");
        let daemon = Peer::spawn(
            router
                .command(daemon.to_str().expect("a plain name"))
                .arg("-d")
                .arg("-f")
                .arg(&file)
                .arg("-P")
                .arg(&pid)
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        );
        Some(Self { inside, router, outside, _daemon: daemon, _files: files })
    }

    /// Whether somebody outside reaches this port of the router, and is reached back.
    fn tcp(&self, port: u16) -> bool {
        let listener =
            self.inside.run(|| TcpListener::bind((INSIDE, port)).expect("the port is free"));
        let place = SocketAddr::from((PUBLIC, port));
        self.outside.run(|| TcpStream::connect_timeout(&place, PATIENCE).is_ok())
            && listener.accept().is_ok()
    }

    fn udp(&self, port: u16) -> bool {
        let receiver =
            self.inside.run(|| UdpSocket::bind((INSIDE, port)).expect("the port is free"));
        let sender = self.outside.run(|| UdpSocket::bind((OUTSIDE, 0)).expect("a port is free"));
        for socket in [&receiver, &sender] {
            socket.set_read_timeout(Some(PATIENCE)).expect("it is not zero");
        }
        let mut octets = [0; 16];
        sender.send_to(b"there", (PUBLIC, port)).expect("it can be sent");
        let Ok((_, source)) = receiver.recv_from(&mut octets) else { return false };
        receiver.send_to(b"back", source).is_ok() && sender.recv_from(&mut octets).is_ok()
    }
}

fn ports_go_through(label: &str, upnp: bool, way: &str) {
    let Some(places) = Places::new(label, upnp) else { return };
    assert!(!places.tcp(6891) && !places.udp(5350), "nothing is mapped yet");

    // With a lease so short that it is renewed while this looks.
    let mut command = places.inside.command(env!("CARGO_BIN_EXE_messenger"));
    let mut map =
        Peer::spawn(command.args(["map", "--json", "--lease", "8"]).stdout(Stdio::piped()));
    let pid = map.child().id();
    let mut lines = BufReader::new(map.child().stdout.take().expect("it is piped")).lines();
    let mut mapped = Vec::new();
    loop {
        let line = lines.next().expect("it goes on").expect("it is text");
        let row: Value = serde_json::from_str(&line).expect("it is JSON");
        match row["event"].as_str() {
            Some("mapped") => {
                let external: SocketAddr = row["external"]
                    .as_str()
                    .and_then(|text| text.parse().ok())
                    .expect("an address");
                assert_eq!(external.ip(), IpAddr::V4(PUBLIC), "{way}: {line}");
                assert_eq!(Some(u64::from(external.port())), row["port"].as_u64(), "{way}: {line}");
                mapped.push((
                    row["protocol"].as_str().expect("a protocol").to_owned(),
                    external.port(),
                ));
            }
            Some("ready") => break,
            _ => panic!("{way}: {line}"),
        }
    }
    let expected = (7100..=7103).flat_map(|port| [("tcp", port), ("udp", port)]);
    let expected = expected
        .chain((5350..=5353).map(|port| ("udp", port)))
        .chain((6891..=6900).chain([1503]).map(|port| ("tcp", port)));
    for (protocol, port) in expected {
        assert!(mapped.contains(&(protocol.to_owned(), port)), "{way}: {protocol} {port}");
    }
    std::thread::sleep(Duration::from_secs(10));
    for port in [1503, 6891, 6900, 7100] {
        assert!(places.tcp(port), "{way}: TCP {port}");
    }
    for port in [5350, 5353, 7103] {
        assert!(places.udp(port), "{way}: UDP {port}");
    }
    assert!(!places.tcp(6890) && !places.udp(5354), "{way}: what is not asked for is not mapped");

    // `ip netns exec` has become the messenger: the process is the same.
    let ended = Command::new("kill").args(["-INT", &pid.to_string()]).status();
    assert!(ended.expect("it starts").success());
    assert!(map.child().wait().expect("it ends").success());
    let list = places
        .router
        .command("nft")
        .args(["list", "chain", "inet", "filter", "prerouting_miniupnpd"])
        .output();
    let list = String::from_utf8(list.expect("it starts").stdout).expect("it is text");
    assert!(!list.contains("dnat"), "{way}: {list}");
    assert!(!places.tcp(6891) && !places.udp(5350), "{way}: all is taken back");
}

#[test]
fn ports_go_through_by_upnp() {
    ports_go_through("upnp", true, "UPnP");
}

#[test]
fn ports_go_through_by_pcp_where_there_is_no_upnp() {
    ports_go_through("pcp", false, "PCP");
}

#[test]
fn without_a_router_it_says_what_does_not_work_and_which_ports_to_open() {
    let Some(alone) = Namespace::new("alone") else { return };
    let output =
        alone.command(env!("CARGO_BIN_EXE_messenger")).arg("map").output().expect("it starts");
    assert_eq!(output.status.code(), Some(1));
    let complaint = String::from_utf8(output.stderr).expect("it is text");
    for part in [
        "sign in over TLS",
        "TCP 6891-6900",
        "UDP 5350-5353",
        "TCP 1503",
        "no router answers by UPnP",
    ] {
        assert!(complaint.contains(part), "{part}: {complaint}");
    }
}
