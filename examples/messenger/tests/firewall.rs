//! The rules of `messenger ports`, loaded into the firewall of a machine: what a messenger needs goes
//! through in both directions, and nothing else.

#![cfg(target_os = "linux")]
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Command, Stdio};
use std::time::Duration;

use handset_testkit::{Namespace, peer};

/// The machine with the firewall, and any other one.
const INSIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const OUTSIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));
/// How long nothing may arrive until it counts as dropped: the machines stand side by side.
const PATIENCE: Duration = Duration::from_millis(150);

const POLICY: &str =
    "MinSipDynamicPort=7200\nMaxSipDynamicPort=7201\nMinMediaPort=6000\nMaxMediaPort=6001\n";

#[test]
fn the_rules_let_through_what_is_needed_and_nothing_else() {
    let Some(nft) = peer("nft", "nftables") else { return };
    let (Some(inside), Some(outside)) = (Namespace::new("inside"), Namespace::new("outside"))
    else {
        return;
    };
    let addresses = [INSIDE, OUTSIDE].map(|ip| match ip {
        IpAddr::V4(ip) => ip,
        IpAddr::V6(_) => unreachable!("both are of version 4"),
    });
    inside.connect("wire", addresses[0], &outside, "wire", addresses[1]);

    let mut policy = tempfile::NamedTempFile::new().expect("a temporary file");
    policy.write_all(POLICY.as_bytes()).expect("it can be written");
    let rules = Command::new(env!("CARGO_BIN_EXE_messenger"))
        .args(["ports", "--format", "nftables", "--policy"])
        .arg(policy.path())
        .output()
        .expect("it starts");
    assert!(rules.status.success());

    let is_up = (0..20).any(|_| tcp(&outside, &inside, INSIDE, 79));
    assert!(is_up, "the cable carries nothing");
    // Without the rules everything goes through, so that what does not is their doing.
    for port in [79, 6890] {
        assert!(tcp(&outside, &inside, INSIDE, port) && udp(&outside, &inside, INSIDE, port));
    }
    let mut load = inside
        .command(nft.to_str().expect("a plain name"))
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("it starts");
    load.stdin.take().expect("it is piped").write_all(&rules.stdout).expect("it reads");
    assert!(load.wait().expect("it ends").success());

    type Through = fn(&Namespace, &Namespace, IpAddr, u16) -> bool;
    let inwards: [(&str, Through, &[u16], &[u16]); 2] = [
        (
            "TCP",
            tcp,
            &[1503, 6891, 6900, 7200, 7201],
            &[79, 1502, 1504, 5060, 5061, 6890, 6901, 7199, 7202, 6000],
        ),
        ("UDP", udp, &[6000, 6001, 7200, 7201], &[53, 1503, 5060, 5999, 6002, 6891, 7199, 7202]),
    ];
    let outwards: [(&str, Through, &[u16], &[u16]); 2] = [
        (
            "TCP",
            tcp,
            &[1503, 5060, 5061, 6891, 6900],
            &[80, 1502, 1504, 5059, 5062, 6890, 6901, 6000, 7200],
        ),
        ("UDP", udp, &[5060, 6000, 6001], &[53, 1503, 5061, 5999, 6002, 6891, 7200]),
    ];
    for (way, from, to, address, cases) in [
        ("inwards", &outside, &inside, INSIDE, inwards),
        ("outwards", &inside, &outside, OUTSIDE, outwards),
    ] {
        for (protocol, through, needed, others) in cases {
            for port in needed {
                assert!(through(from, to, address, *port), "{protocol} {port} {way} is needed");
            }
            for port in others {
                assert!(!through(from, to, address, *port), "{protocol} {port} {way} goes through");
            }
        }
    }
}

/// Whether a connection comes about and carries an answer.
fn tcp(from: &Namespace, to: &Namespace, address: IpAddr, port: u16) -> bool {
    let place = SocketAddr::new(address, port);
    let listener = to.run(|| TcpListener::bind(place).expect("the port is free"));
    from.run(|| TcpStream::connect_timeout(&place, PATIENCE).is_ok()) && listener.accept().is_ok()
}

/// Whether a datagram arrives, and one in answer.
fn udp(from: &Namespace, to: &Namespace, address: IpAddr, port: u16) -> bool {
    let place = SocketAddr::new(address, port);
    let receiver = to.run(|| UdpSocket::bind(place).expect("the port is free"));
    receiver.set_read_timeout(Some(PATIENCE)).expect("it is not zero");
    let sender = from.run(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a port is free"));
    sender.set_read_timeout(Some(PATIENCE)).expect("it is not zero");
    // The firewall refuses some of what goes out as soon as it is sent.
    if sender.send_to(b"there", place).is_err() {
        return false;
    }
    let mut octets = [0; 16];
    let Ok((_, source)) = receiver.recv_from(&mut octets) else { return false };
    receiver.send_to(b"back", source).is_ok() && sender.recv_from(&mut octets).is_ok()
}
