//! What nasty, broken and confused clients send, and what the RFCs say to it.
//!
//! With `HANDSET_NASTY=127.0.0.1:69` the same cases are put to another server, which has a file `f`
//! of 5000 octets; what it does otherwise than the RFCs say is printed, not judged.

#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

mod common;

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use common::{Running, content};

const PATIENCE: Duration = Duration::from_millis(150);

struct Client {
    socket: UdpSocket,
    server: SocketAddr,
    /// Where the server's end of the transfer is.
    tid: SocketAddr,
}

impl Client {
    fn new(server: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, server, tid: server }
    }

    /// Sends to the server's listening port.
    fn request(&mut self, packet: &[u8]) -> Vec<Vec<u8>> {
        self.tid = self.server;
        self.send(packet)
    }

    /// Sends to the transfer's port, and waits for all that comes.
    fn send(&mut self, packet: &[u8]) -> Vec<Vec<u8>> {
        self.socket.send_to(packet, self.tid).unwrap();
        self.wait()
    }

    fn wait(&mut self) -> Vec<Vec<u8>> {
        let mut came = Vec::new();
        let mut buffer = [0; 70_000];
        while let Ok((len, from)) = self.socket.recv_from(&mut buffer) {
            self.tid = from;
            came.push(buffer[..len].to_vec());
        }
        came
    }
}

fn ack(block: u16) -> Vec<u8> {
    [vec![0, 4], block.to_be_bytes().to_vec()].concat()
}

fn is_data(packet: &[u8], block: u16) -> bool {
    packet.starts_with(&[0, 3]) && packet.get(2..4) == Some(&block.to_be_bytes()[..])
}

fn is_error(came: &[Vec<u8>], codes: &[u8]) -> bool {
    came.len() == 1
        && came[0].starts_with(&[0, 5, 0])
        && codes.contains(&came[0][3])
        && came[0].ends_with(&[0])
}

const READ: &[u8] = b"\0\x01f\0octet\0";

/// Each case: what the RFC says, and whether the server does so.
fn cases(server: SocketAddr) -> Vec<(&'static str, bool)> {
    let mut verdicts = Vec::new();
    let mut say = |rule, kept| verdicts.push((rule, kept));
    let new = || Client::new(server);

    say("1350 4: an unknown TID gets ERROR 5 or nothing", {
        let came = new().request(&ack(1));
        came.is_empty() || is_error(&came, &[5, 4])
    });
    say("1350 7: an ERROR is never answered", new().request(b"\0\x05\0\0oops\0").is_empty());
    say("1350 7: half an ERROR is not answered", new().request(b"\0\x05\0").is_empty());
    say("1350 5: an unknown opcode is illegal", {
        let came = new().request(b"\0\x09rest\0");
        came.is_empty() || is_error(&came, &[4])
    });
    say("2347: a request of 600 octets is too long", {
        let long = [&b"\0\x01"[..], &[b'a'; 600], b"\0octet\0"].concat();
        let came = new().request(&long);
        came.is_empty() || is_error(&came, &[0, 1, 2, 4])
    });
    for (rule, packet) in [
        ("1350 5: a name without NUL", &b"\0\x01f"[..]),
        ("1350 5: a mode without NUL", b"\0\x01f\0octet"),
        ("1350 5: no name", b"\0\x01\0octet\0"),
        ("1350 5: an unknown mode", b"\0\x01f\0binary\0"),
        ("1350 1: mail is obsolete", b"\0\x01f\0mail\0"),
        ("2347: an option without a value", b"\0\x01f\0octet\0blksize\0"),
    ] {
        let came = new().request(packet);
        say(rule, came.is_empty() || is_error(&came, &[0, 1, 2, 4, 8]));
    }
    for option in
        ["blksize\x007", "blksize\x0065465", "blksize\x00-1", "blksize\0x", "windowsize\x000"]
    {
        let came = new().request(format!("\0\x01f\0octet\0{option}\0").as_bytes());
        say("2348, 7440: a value out of range is not granted", {
            came.len() == 1
                && (is_data(&came[0], 1) && came[0].len() == 516 || is_error(&came, &[8]))
        });
    }
    say("2347: options are known in any letter case, strangers ignored", {
        let came = new().request(b"\0\x01f\0OcTeT\0BLKSIZE\x00600\0nonsense\0yes\0");
        came == [b"\0\x06blksize\x00600\0".to_vec()]
    });
    say("7440: no larger a window is granted than asked for", {
        let mut client = new();
        let came = client.request(b"\0\x01f\0octet\0windowsize\x003\0");
        let first = client.send(&ack(0));
        came.len() == 1 && came[0].starts_with(b"\0\x06windowsize\0") && first.len() <= 3
    });
    say("1350 4: a repeated request is answered once", {
        let mut client = new();
        for _ in 0..5 {
            client.socket.send_to(READ, server).unwrap();
        }
        let came = client.wait();
        came.len() == 1 && is_data(&came[0], 1)
    });
    say("1123 4.2.3.1: the Sorcerer's Apprentice is dismissed", {
        let mut client = new();
        client.request(READ);
        client.send(&ack(1));
        // The timer may repeat the block a few times meanwhile; the ACKs may not.
        for _ in 0..50 {
            client.socket.send_to(&ack(1), client.tid).unwrap();
        }
        client.wait().len() < 10
    });
    say("1350 2: an ACK of what was not sent moves nothing", {
        let mut client = new();
        client.request(READ);
        let future = client.send(&ack(7));
        let next = client.send(&ack(1));
        !future.iter().any(|packet| is_data(packet, 8))
            && next.first().is_none_or(|packet| is_data(packet, 2) || packet[1] == 5)
    });
    say("1350 4: a stranger gets ERROR 5, and the transfer goes on", {
        let (mut client, mut stranger) = (new(), new());
        client.request(READ);
        stranger.tid = client.tid;
        let told = stranger.send(&ack(1));
        let next = client.send(&ack(1));
        (told.is_empty() || is_error(&told, &[5])) && next.iter().any(|packet| is_data(packet, 2))
    });
    say("1350 2: an ERROR in the middle ends it, without an answer", {
        let mut client = new();
        client.request(READ);
        client.send(b"\0\x05\0\0stop\0").is_empty()
    });
    say("1350 2: half a packet in the middle ends it, or is nothing", {
        let mut client = new();
        client.request(READ);
        let came = client.send(b"\0\x04\0");
        came.is_empty() || is_error(&came, &[4])
    });
    say("2348: a block longer than agreed ends it, or is nothing", {
        let mut client = new();
        client.request(b"\0\x02new\0octet\0");
        let came = client.send(&[&b"\0\x03\0\x01"[..], &[7; 600]].concat());
        came.is_empty() || is_error(&came, &[4, 2, 0])
    });
    say("a server lives through each beginning of a request", {
        let request = b"\0\x01f\0octet\0blksize\x001428\0windowsize\x004\0tsize\x000\0";
        for len in 0..request.len() {
            new().socket.send_to(&request[..len], server).unwrap();
        }
        let came = new().request(READ);
        came.len() == 1 && is_data(&came[0], 1)
    });
    verdicts
}

#[test]
fn nasty_clients_get_what_the_rfcs_say() {
    if let Some(address) = std::env::var_os("HANDSET_NASTY") {
        let server = address.to_str().unwrap().parse().unwrap();
        for (rule, kept) in cases(server) {
            println!("{} {rule}", if kept { "kept  " } else { "BROKEN" });
        }
        return;
    }
    for single_port in [false, true] {
        let running = Running::start(|options| {
            options.single_port = single_port;
            options.config.per_source = 1000;
        });
        running.file("f", &content(5000));
        let broken: Vec<_> = cases(running.address).into_iter().filter(|(_, kept)| !kept).collect();
        assert!(broken.is_empty(), "single port {single_port}: {broken:?}");
    }
}
