//! What nasty, broken and confused clients send, and what the RFCs say to it.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_millis(100);

/// A client that sends whatever it is told to.
struct Client {
    socket: UdpSocket,
    server: SocketAddr,
    /// Where the server's end of the transfer is.
    tid: SocketAddr,
}

impl Client {
    fn new(server: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        Self { socket, server, tid: server }
    }

    /// Sends to the server's listening port.
    fn request(&mut self, packet: &[u8]) -> Vec<Vec<u8>> {
        self.tid = self.server;
        self.send(packet, PATIENCE)
    }

    /// Sends to the transfer's port, and waits for all that comes.
    fn send(&mut self, packet: &[u8], patience: Duration) -> Vec<Vec<u8>> {
        self.socket.send_to(packet, self.tid).unwrap();
        if patience.is_zero() { Vec::new() } else { self.wait(patience) }
    }

    fn wait(&mut self, patience: Duration) -> Vec<Vec<u8>> {
        self.socket.set_read_timeout(Some(patience)).unwrap();
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

/// The files that the server has to have: name, content.
pub(crate) fn files() -> Vec<(&'static str, Vec<u8>)> {
    let octets = |len: usize| (0..len).map(|i| (i * 31 + i / 253) as u8).collect();
    vec![("f", octets(5000)), ("big", octets(100_000)), ("text", b"a\nb\rc\n".to_vec())]
}

/// What the RFCs say to each case, and whether the server does so; nothing where the case does not
/// arise with it. A server may stay silent where it might answer with an ERROR.
///
/// `silence` is how long the server's repeats are listened for.
pub(crate) fn cases(server: SocketAddr, silence: Duration) -> Vec<(&'static str, Option<bool>)> {
    let mut verdicts: Vec<(&'static str, Option<bool>)> = Vec::new();
    let mut judge = |rule: &'static str, kept: Option<bool>| {
        match verdicts.iter_mut().find(|(said, _)| *said == rule) {
            // One failure of several is one.
            Some((_, verdict)) => {
                *verdict = match (*verdict, kept) {
                    (Some(one), Some(other)) => Some(one && other),
                    (one, other) => one.or(other),
                };
            }
            None => verdicts.push((rule, kept)),
        }
    };
    let new = || Client::new(server);
    requests(&new, &mut judge);
    reads(&new, silence, &mut judge);
    windows(&new, &mut judge);
    writes(&new, &mut judge);
    judge("each beginning of a request is survived (RFC 1350, 5)", {
        let request = b"\0\x01f\0octet\0blksize\x001428\0windowsize\x004\0tsize\x000\0";
        for len in 0..request.len() {
            new().send(&request[..len], Duration::ZERO);
        }
        for packet in [&b"\0\x02"[..], b"\0\x03\0", b"\0\x04\0", b"\0\x05\0", b"\0\x06", b"\0"] {
            new().send(packet, Duration::ZERO);
        }
        let came = new().request(READ);
        Some(came.len() == 1 && is_data(&came[0], 1))
    });
    verdicts
}

type Judge<'j> = &'j mut dyn FnMut(&'static str, Option<bool>);

fn requests(new: &dyn Fn() -> Client, judge: Judge<'_>) {
    judge("a stray ACK gets ERROR 5 (RFC 1350, 4)", {
        let came = new().request(&ack(1));
        Some(came.is_empty() || is_error(&came, &[5, 4]))
    });
    for packet in [&b"\0\x05\0\0oops\0"[..], b"\0\x05\0", b"\0\x05\0\x01"] {
        let came = new().request(packet);
        judge(
            "an ERROR, and half an ERROR, is never answered (RFC 1350, 7)",
            Some(came.is_empty()),
        );
    }
    judge("an unknown opcode is illegal (RFC 1350, 5)", {
        let came = new().request(b"\0\x09rest\0");
        Some(came.is_empty() || is_error(&came, &[4]))
    });
    judge("a name of 600 octets is refused (RFC 2347)", {
        let long = [&b"\0\x01"[..], &[b'a'; 600], b"\0octet\0"].concat();
        let came = new().request(&long);
        Some(came.is_empty() || is_error(&came, &[0, 1, 2, 4]))
    });
    for packet in [&b"\0\x01f"[..], b"\0\x01f\0octet", b"\0\x01f\0octet\0blksize\x001024"] {
        let came = new().request(packet);
        judge(
            "a missing NUL makes a request illegal (RFC 1350, 5; RFC 2347)",
            Some(came.is_empty() || is_error(&came, &[0, 1, 2, 4, 8])),
        );
    }
    for packet in [&b"\0\x01\0octet\0"[..], b"\0\x01f\0binary\0", b"\0\x01f\0mail\0"] {
        let came = new().request(packet);
        judge(
            "no name, an unknown mode, and mail are refused (RFC 1350, 1 and 5)",
            Some(came.is_empty() || is_error(&came, &[0, 1, 2, 4])),
        );
    }
    for option in [
        "blksize\x007",
        "blksize\x0065465",
        "blksize\x00-1",
        "blksize\0x",
        "blksize\x0018446744073709552128",
        "timeout\x000",
        "timeout\x00256",
        "windowsize\x000",
        "windowsize\x0065536",
    ] {
        let came = new().request(format!("\0\x01f\0octet\0{option}\0").as_bytes());
        let plain = came.first().is_some_and(|first| is_data(first, 1) && first.len() == 516);
        judge(
            "a value out of range is not granted (RFC 2348, 2349, 7440)",
            Some(plain || is_error(&came, &[8])),
        );
    }
    judge("options are known in any letter case, unknown ones ignored (RFC 2347)", {
        let came = new().request(b"\0\x01f\0OcTeT\0BLKSIZE\x00600\0nonsense\0yes\0");
        // It may say the name as it was asked for.
        Some(came.len() == 1 && came[0].eq_ignore_ascii_case(b"\0\x06blksize\x00600\0"))
    });
    judge("tsize is answered with the file's (RFC 2349)", {
        let came = new().request(b"\0\x01f\0octet\0tsize\x000\0");
        Some(came == [b"\0\x06tsize\x005000\0".to_vec()])
    });
}

fn reads(new: &dyn Fn() -> Client, silence: Duration, judge: Judge<'_>) {
    judge("a repeated request is answered once (RFC 1350, 4)", {
        let mut client = new();
        for _ in 0..5 {
            client.tid = client.server;
            client.send(READ, Duration::ZERO);
        }
        let came = client.wait(PATIENCE);
        Some(came.len() == 1 && is_data(&came[0], 1))
    });
    judge("what is repeated to the silent is what was sent (RFC 1350, 2)", {
        let mut client = new();
        let mut came = client.request(READ);
        let until = Instant::now() + silence;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            came.extend(client.wait(left.max(Duration::from_millis(1))));
        }
        let first = came.first().cloned();
        client.send(b"\0\x05\0\0enough\0", Duration::ZERO);
        Some(came.len() > 1 && came.iter().all(|packet| Some(packet) == first.as_ref()))
    });
    judge("repeated ACKs do not repeat blocks: no Sorcerer's Apprentice (RFC 1123, 4.2.3.1)", {
        let mut client = new();
        client.request(READ);
        client.send(&ack(1), PATIENCE);
        for _ in 0..50 {
            client.send(&ack(1), Duration::ZERO);
        }
        // The timer may repeat the block a few times meanwhile; the ACKs may not.
        Some(client.wait(PATIENCE).len() < 10)
    });
    judge("an ACK of what was not sent moves nothing (RFC 1350, 2)", {
        let mut client = new();
        client.request(READ);
        let future = client.send(&ack(7), PATIENCE);
        let next = client.send(&ack(1), PATIENCE);
        let skipped = future.iter().any(|packet| is_data(packet, 8));
        Some(!skipped && next.first().is_none_or(|packet| is_data(packet, 2) || packet[1] == 5))
    });
    judge("a stranger gets ERROR 5, and the transfer goes on (RFC 1350, 4)", {
        let (mut client, mut stranger) = (new(), new());
        client.request(READ);
        stranger.tid = client.tid;
        let told = stranger.send(&ack(1), PATIENCE);
        let next = client.send(&ack(1), PATIENCE);
        let told = told.is_empty() || is_error(&told, &[5]);
        Some(told && next.iter().any(|packet| is_data(packet, 2)))
    });
    judge("an ERROR in the middle ends it, without an answer (RFC 1350, 7)", {
        let mut client = new();
        client.request(READ);
        Some(client.send(b"\0\x05\0\0stop\0", PATIENCE).is_empty())
    });
    for packet in [&b"\0\x04\0"[..], b"\0\x04", b"\0"] {
        let mut client = new();
        client.request(READ);
        let came = client.send(packet, PATIENCE);
        judge(
            "half a packet in the middle is no ACK (RFC 1350, 2)",
            Some(!came.iter().any(|packet| is_data(packet, 2))),
        );
    }
    judge("netascii is CR LF on the wire, a CR alone CR NUL (RFC 1350, 1; RFC 764)", {
        let came = new().request(b"\0\x01text\0netascii\0");
        Some(came == [b"\0\x03\0\x01a\r\nb\r\0c\r\n".to_vec()] || is_error(&came, &[0, 4]))
    });
}

fn windows(new: &dyn Fn() -> Client, judge: Judge<'_>) {
    for asked in ["3", "65535"] {
        let mut client = new();
        let request = format!("\0\x01big\0octet\0blksize\x008\0windowsize\x00{asked}\0");
        let came = client.request(request.as_bytes());
        let granted = came.first().and_then(|oack| windowsize(oack));
        let kept = granted.map(|granted| {
            let first = client.send(&ack(0), PATIENCE);
            // The timer may have begun to repeat them.
            let highest = first.iter().filter_map(|data| number(data)).max().unwrap_or(0);
            client.send(b"\0\x05\0\0enough\0", Duration::ZERO);
            granted <= asked.parse().unwrap_or(0) && (1..=granted).contains(&highest)
        });
        judge("no window is larger than granted, none granted larger than asked (RFC 7440)", kept);
    }
    let mut client = new();
    let came = client.request(b"\0\x01big\0octet\0windowsize\x004\0");
    let kept = came.first().and_then(|oack| windowsize(oack)).map(|granted| {
        client.send(&ack(0), PATIENCE);
        let future = client.send(&ack(granted + 5), PATIENCE);
        let next = client.send(&ack(granted), PATIENCE);
        let skipped = future.iter().any(|packet| number(packet) > Some(granted));
        !skipped && (next.is_empty() || next.iter().any(|packet| is_data(packet, granted + 1)))
    });
    judge("an ACK beyond the window moves nothing (RFC 7440, 4)", kept);
    let mut client = new();
    let came = client.request(b"\0\x01big\0octet\0windowsize\x004\0");
    let kept = came.first().and_then(|oack| windowsize(oack)).filter(|g| *g == 4).map(|_| {
        client.send(&ack(0), PATIENCE);
        let next = client.send(&ack(2), PATIENCE);
        next.first().is_some_and(|packet| is_data(packet, 3))
    });
    judge("after an ACK of a part the window begins behind it (RFC 7440, 4)", kept);
}

fn writes(new: &dyn Fn() -> Client, judge: Judge<'_>) {
    let begin = |name: &str| {
        let mut client = new();
        // What another server has left there is not to be in the way.
        let port = client.server.port();
        let came = client.request(format!("\0\x02{name}{port}\0octet\0").as_bytes());
        // A server that takes no files has no more to be asked.
        (came == [ack(0)]).then_some(client)
    };
    let kept = begin("long").map(|mut client| {
        let came = client.send(&data(1, &[7; 600]), PATIENCE);
        came.is_empty() || is_error(&came, &[4, 2, 0])
    });
    judge("a block longer than agreed is not taken (RFC 1350, 5; RFC 2348)", kept);
    let kept = begin("early").map(|mut client| {
        let came = client.send(&data(2, &[7; 512]), PATIENCE);
        !came.contains(&ack(2))
    });
    judge("a block that comes too early is not acknowledged (RFC 1350, 2)", kept);
    let kept = begin("twice").map(|mut client| {
        client.send(&data(1, &[1; 512]), Duration::ZERO);
        client.send(&data(1, &[1; 512]), PATIENCE);
        client.send(&data(2, b"end"), PATIENCE);
        let mut reader = new();
        let name = format!("\0\x01twice{}\0octet\0", reader.server.port());
        let mut came = reader.request(name.as_bytes());
        came.extend(reader.send(&ack(1), PATIENCE));
        came.iter().any(|packet| *packet == data(2, b"end"))
    });
    judge("a repeated block is written once (RFC 1350, 2)", kept);
    let kept = begin("half").map(|mut client| {
        client.send(&data(1, &[1; 512]), PATIENCE);
        let name = format!("\0\x01half{}\0octet\0", client.server.port());
        let came = new().request(name.as_bytes());
        client.send(b"\0\x05\0\0enough\0", Duration::ZERO);
        came.is_empty() || is_error(&came, &[0, 1, 2])
    });
    judge("half a file is not served (no RFC says so)", kept);
}

fn data(block: u16, octets: &[u8]) -> Vec<u8> {
    [&[0, 3], &block.to_be_bytes()[..], octets].concat()
}

/// The number of a DATA packet.
fn number(packet: &[u8]) -> Option<u16> {
    packet.strip_prefix(&[0, 3])?.first_chunk().map(|octets| u16::from_be_bytes(*octets))
}

/// What an OACK grants; nothing where it grants no window.
fn windowsize(oack: &[u8]) -> Option<u16> {
    let mut fields = oack.strip_prefix(&[0, 6])?.split(|octet| *octet == 0);
    while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
        if name.eq_ignore_ascii_case(b"windowsize") {
            return std::str::from_utf8(value).ok()?.parse().ok();
        }
    }
    None
}
