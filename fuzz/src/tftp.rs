//! Targets of tftp-core.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::collections::VecDeque;

use tftp_core::client::{self, Client};
use tftp_core::messenger::{self, ByeCode, Invitation, Key, Keys, Receiver, Sender};
use tftp_core::netascii::{Decoder, Encoder};
use tftp_core::server::{self, Grant, Server, Storage, TransferId};
use tftp_core::{ErrorCode, Kind, Mode, OptionSet, Packet, Path, Rollover};

use crate::drive::{Machine, Script, drive};
use crate::exactly;

/// A packet with its options.
pub fn packet(octets: &[u8]) {
    let Ok(packet) = Packet::parse(octets) else { return };
    if let Packet::Request(request) = &packet {
        let _ = request.options.known();
        let _ = request.options.granted(&OptionSet::NONE);
    }
    let written = exactly(packet.encoded_len(), |buffer| packet.write(buffer));
    assert_eq!(Packet::parse(&written), Ok(packet));
}

/// Text there and back, cut anywhere.
pub fn netascii(octets: &[u8]) {
    let mut script = Script::new(octets);
    let step = usize::from(script.octet()) + 1;
    let room = usize::from(script.octet()) % 64 + 1;
    let text = octets.get(2..).unwrap_or_default();

    let mut wire = Vec::new();
    let (mut encoder, mut rest) = (Encoder::new(), text);
    while !rest.is_empty() || encoder.has_pending() {
        let mut buffer = vec![0; room];
        let (used, written) = encoder.encode(&rest[..rest.len().min(step)], &mut buffer);
        assert!(used > 0 || written > 0, "no progress");
        wire.extend_from_slice(&buffer[..written]);
        rest = &rest[used..];
    }
    let mut local = Vec::new();
    let (mut decoder, mut rest) = (Decoder::new(), wire.as_slice());
    while !rest.is_empty() {
        let mut buffer = vec![0; room];
        let (used, written) = decoder.decode(&rest[..rest.len().min(step)], &mut buffer);
        assert!(used > 0 || written > 0, "no progress");
        local.extend_from_slice(&buffer[..written]);
        rest = &rest[used..];
    }
    local.extend(decoder.finish());
    assert_eq!(local, text);

    // Octets that no encoder makes are read without harm.
    let mut buffer = vec![0; text.len() * 2 + 2];
    let (used, written) = Decoder::new().decode(text, &mut buffer);
    assert!(used <= text.len() && written <= buffer.len());
}

/// The body of a message that agrees on a file transfer.
pub fn invitation(octets: &[u8]) {
    let Ok(invitation) = Invitation::parse(octets) else { return };
    let written = exactly(invitation.encoded_len(), |buffer| invitation.write(buffer));
    assert_eq!(Invitation::parse(&written).as_ref(), Ok(&invitation));
}

/// A client and the server that it talks to.
pub fn client(octets: &[u8]) {
    let mut storage = Storage::<2>::new();
    let mut script = Script::new(octets);
    let mut client = one_client(&mut script);
    let mut server = one_server(&mut storage, &mut script);
    let wires: &[&[_]] = &[&[Some((1, 0))], &[Some((0, 0))]];
    drive(&mut [&mut client, &mut server], wires, script.rest());
    assert!(client.client.is_ended(), "a client never ends");
    assert!(server.server.is_empty(), "a transfer is never released");
}

/// A server, and more clients than it has room for.
pub fn server(octets: &[u8]) {
    let mut storage = Storage::<2>::new();
    let mut script = Script::new(octets);
    let mut clients = [0, 1, 2].map(|_| one_client(&mut script));
    let mut server = one_server(&mut storage, &mut script);
    let wires: &[&[_]] = &[
        &[Some((3, 0))],
        &[Some((3, 1))],
        &[Some((3, 2))],
        &[Some((0, 0)), Some((1, 0)), Some((2, 0))],
    ];
    let [a, b, c] = &mut clients;
    drive(&mut [a, b, c, &mut server], wires, script.rest());
    assert!(server.server.is_empty(), "a transfer is never released");
}

/// How many octets the files have that are offered.
const SIZES: [u64; 4] = [0, 1, 512, 1500];

fn one_client(script: &mut Script<'_>) -> TftpClient {
    let mut config = client::Config::new(address(0));
    let choice = script.octet();
    config.options = OptionSet {
        blksize: script.one_of(&[None, Some(8), Some(512), Some(1428)]),
        timeout: script.one_of(&[None, None, Some(1), Some(255)]),
        tsize: script.one_of(&[None, Some(0)]),
        windowsize: script.one_of(&[None, Some(1), Some(4), Some(65535)]),
    };
    config.size_limit = script.one_of(&[u64::MAX, 1000]);
    config.rollover = script.one_of(&[Rollover::Zero, Rollover::One, Rollover::One]);
    let mode = script.one_of(&[Mode::Octet, Mode::Netascii]);
    let client = if choice & 1 == 0 {
        Client::get(Duration::ZERO, &config, b"file", mode)
    } else {
        let size = SIZES[usize::from(choice >> 4) % SIZES.len()];
        Client::put(Duration::ZERO, &config, b"file", mode, Some(size))
    };
    TftpClient { client: client.expect("the configuration is good") }
}

fn address(peer: usize) -> SocketAddr {
    let port = 1069 + u16::try_from(peer).unwrap_or(0);
    (Ipv4Addr::LOCALHOST, if peer == 0 { 69 } else { port }).into()
}

fn path(peer: usize) -> Path {
    Path { local: 0, remote: address(peer) }
}

struct TftpClient {
    client: Client<'static>,
}

impl Machine for TftpClient {
    fn handle(&mut self, now: Duration, peer: usize, octets: &[u8]) {
        if let Ok(Some(client::Event::Block { data, .. })) =
            self.client.handle_datagram(now, path(peer), octets)
        {
            assert!(data.len() < octets.len());
        }
    }

    fn closed(&mut self, now: Duration, peer: usize) {
        self.client.handle_closed(now, path(peer));
    }

    fn timeout(&mut self, now: Duration) {
        self.client.handle_timeout(now);
    }

    fn transmit(&mut self, now: Duration, buffer: &mut [u8]) -> Option<(usize, usize)> {
        let most = self.client.transmit_len();
        let sent = self.client.poll_transmit(now, buffer)?;
        assert!(sent.len <= most, "longer than was said");
        if let Some(read) = sent.read {
            buffer[..sent.len][read.place()].fill(0x42);
        }
        Some((0, sent.len))
    }

    fn event(&mut self) -> bool {
        self.client.poll_event().is_some()
    }

    fn deadline(&mut self) -> Option<Duration> {
        self.client.poll_timeout()
    }

    fn call(&mut self, now: Duration, script: &mut Script<'_>) -> Vec<(usize, Vec<u8>)> {
        match script.octet() % 8 {
            0 => self.client.abort(now, ErrorCode::DiskFull),
            1 => self.client.ends_at(u64::from(script.short())),
            _ => {
                let _ = (self.client.transferred(), self.client.options());
            }
        }
        Vec::new()
    }
}

fn one_server<'s>(storage: &'s mut Storage<2>, script: &mut Script<'_>) -> TftpServer<'s> {
    let mut config = server::Config::default();
    let choice = script.octet();
    config.max_blksize = if choice & 1 == 0 { 1428 } else { 16 };
    config.per_source = if choice & 2 == 0 { 1 } else { 64 };
    config.size_limit = if choice & 4 == 0 { u64::MAX } else { 600 };
    TftpServer { server: Server::new(config, storage, [9; 32]), asked: Vec::new(), choice }
}

struct TftpServer<'s> {
    server: Server<'s>,
    asked: Vec<TransferId>,
    choice: u8,
}

impl TftpServer<'_> {
    fn answer(&mut self, now: Duration, transfer: TransferId, kind: Kind) {
        // At once, later, or with a socket of its own.
        let size = SIZES[usize::from(self.choice >> 4) % SIZES.len()];
        let grant = if kind == Kind::Read { Grant::size(size) } else { Grant::PLAIN };
        if self.choice & 8 != 0 {
            self.asked.push(transfer);
        } else {
            let _ = self.server.accept(now, transfer, grant);
        }
    }
}

impl Machine for TftpServer<'_> {
    fn handle(&mut self, now: Duration, peer: usize, octets: &[u8]) {
        // Peer 0 of the server is a client like the others.
        match self.server.handle_datagram(now, path(peer + 1), octets) {
            Ok(Some(server::Event::Request { transfer, kind, .. })) => {
                self.answer(now, transfer, kind);
            }
            Ok(Some(server::Event::Block { data, .. })) => assert!(data.len() < octets.len()),
            _ => {}
        }
        assert!(self.server.len() <= 2, "more transfers than storage");
    }

    fn closed(&mut self, now: Duration, peer: usize) {
        self.server.handle_closed(now, path(peer + 1));
    }

    fn timeout(&mut self, now: Duration) {
        self.server.handle_timeout(now);
    }

    fn transmit(&mut self, now: Duration, buffer: &mut [u8]) -> Option<(usize, usize)> {
        let sent = self.server.poll_transmit(now, buffer)?;
        assert!(sent.len <= self.server.transmit_len(), "longer than was said");
        if let Some((_, read)) = sent.read {
            buffer[..sent.len][read.place()].fill(0x42);
        }
        let peer = sent.path.remote.port().wrapping_sub(1070);
        Some((usize::from(peer), sent.len))
    }

    fn settle(&mut self, now: Duration) {
        for transfer in self.asked.drain(..) {
            let _ = self.server.refuse(now, transfer, ErrorCode::AccessViolation, "too late");
        }
    }

    fn event(&mut self) -> bool {
        self.server.poll_event().is_some()
    }

    fn deadline(&mut self) -> Option<Duration> {
        self.server.poll_timeout()
    }

    fn call(&mut self, now: Duration, script: &mut Script<'_>) -> Vec<(usize, Vec<u8>)> {
        let Some(transfer) = self.asked.get(script.below(self.asked.len())).copied() else {
            return Vec::new();
        };
        match script.octet() % 8 {
            0 => drop(self.server.refuse(now, transfer, ErrorCode::FileNotFound, "no")),
            1 => drop(self.server.abort(now, transfer, ErrorCode::DiskFull, "full")),
            2 => drop(self.server.ends_at(transfer, u64::from(script.short()))),
            3 => drop(self.server.accept(now, transfer, Grant::PLAIN.on(7))),
            _ => drop(self.server.accept(now, transfer, Grant::size(700))),
        }
        let _ = (self.server.transferred(transfer), self.server.options(transfer));
        Vec::new()
    }
}

/// Both sides of Messenger's transfer.
pub fn messenger(octets: &[u8]) {
    let mut script = Script::new(octets);
    let size = u64::from(script.short()) % 9000;
    let keys = Keys { encryption: Key::new([1; 24]), hash: Key::new([2; 24]) };
    let config = if script.octet() & 1 == 0 {
        messenger::Config::new("bob@example.test", 7, size, keys)
    } else {
        messenger::Config::plain("bob@example.test", 7, size)
    };
    let now = Duration::ZERO;
    let mut sender = Side::new(Sender::new(now, &config).expect("the name is good"));
    let mut receiver = Side::new(Receiver::new(now, &config).expect("the name is good"));
    let wires: &[&[_]] = &[&[Some((1, 0))], &[Some((0, 0))]];
    drive(&mut [&mut sender, &mut receiver], wires, script.rest());
    assert!(sender.machine.is_ended() && receiver.machine.is_ended(), "a transfer never ends");
}

/// What is the same for both sides of Messenger's transfer.
trait Stream {
    fn take(&mut self, now: Duration, octets: &mut [u8]) -> Result<usize, messenger::Error>;
    fn send(&mut self, now: Duration, buffer: &mut [u8]) -> Option<usize>;
    fn cancel(&mut self, now: Duration, octet: u8);
    fn closed(&mut self, now: Duration);
    fn timeout(&mut self, now: Duration);
    fn event(&mut self) -> bool;
    fn deadline(&self) -> Option<Duration>;
}

impl Stream for Sender {
    fn take(&mut self, now: Duration, octets: &mut [u8]) -> Result<usize, messenger::Error> {
        self.handle_stream(now, octets).map(|(used, _)| used)
    }

    fn send(&mut self, now: Duration, buffer: &mut [u8]) -> Option<usize> {
        if let Some(sent) = self.poll_transmit(now, buffer) {
            assert!(sent.len <= messenger::TRANSMIT_LEN, "a line beyond the limit");
            return Some(sent.len);
        }
        let read = self.poll_read()?;
        let data = vec![0x42; usize::try_from(read.left.min(3000)).unwrap_or(0)];
        let (used, sent) = self.supply(now, &data, buffer).ok()?;
        assert!(used <= data.len());
        (sent.len > 0).then_some(sent.len)
    }

    fn cancel(&mut self, now: Duration, _: u8) {
        self.cancel(now);
    }

    fn closed(&mut self, now: Duration) {
        self.handle_closed(now);
    }

    fn timeout(&mut self, now: Duration) {
        self.handle_timeout(now);
    }

    fn event(&mut self) -> bool {
        self.poll_event().is_some()
    }

    fn deadline(&self) -> Option<Duration> {
        self.poll_timeout()
    }
}

impl Stream for Receiver {
    fn take(&mut self, now: Duration, octets: &mut [u8]) -> Result<usize, messenger::Error> {
        self.handle_stream(now, octets).map(|(used, _)| used)
    }

    fn send(&mut self, now: Duration, buffer: &mut [u8]) -> Option<usize> {
        let sent = self.poll_transmit(now, buffer)?;
        assert!(sent.len <= messenger::TRANSMIT_LEN, "a line beyond the limit");
        Some(sent.len)
    }

    fn cancel(&mut self, now: Duration, octet: u8) {
        let codes = [ByeCode::ReceiverCancelled, ByeCode::DiskFull];
        self.cancel(now, codes[usize::from(octet) % codes.len()]);
    }

    fn closed(&mut self, now: Duration) {
        self.handle_closed(now);
    }

    fn timeout(&mut self, now: Duration) {
        self.handle_timeout(now);
    }

    fn event(&mut self) -> bool {
        self.poll_event().is_some()
    }

    fn deadline(&self) -> Option<Duration> {
        self.poll_timeout()
    }
}

/// One side, with the octets of its stream that were not used yet.
struct Side<M> {
    machine: M,
    unread: VecDeque<u8>,
    /// The connection was closed, after an error or by the peer.
    over: bool,
}

impl<M: Stream> Side<M> {
    fn new(machine: M) -> Self {
        Self { machine, unread: VecDeque::new(), over: false }
    }

    /// Hands the octets in as long as some are used; true if some were.
    fn feed(&mut self, now: Duration) -> bool {
        let mut progress = false;
        while !self.over {
            match self.machine.take(now, self.unread.make_contiguous()) {
                Ok(0) => break,
                Ok(used) => {
                    assert!(used <= self.unread.len());
                    self.unread.drain(..used);
                    progress = true;
                }
                Err(_) => self.over = true,
            }
        }
        progress
    }
}

impl<M: Stream> Machine for Side<M> {
    fn handle(&mut self, now: Duration, _: usize, octets: &[u8]) {
        if !self.over {
            self.unread.extend(octets);
            self.feed(now);
        }
    }

    fn closed(&mut self, now: Duration, _: usize) {
        self.over = true;
        self.machine.closed(now);
    }

    fn timeout(&mut self, now: Duration) {
        self.machine.timeout(now);
    }

    fn transmit(&mut self, now: Duration, buffer: &mut [u8]) -> Option<(usize, usize)> {
        loop {
            if let Some(len) = self.machine.send(now, buffer) {
                return Some((0, len));
            }
            // What waited for the line to be sent goes on now.
            if !self.feed(now) {
                let room = buffer.len() >= messenger::TRANSMIT_LEN;
                let waits = !self.over && self.unread.len() > messenger::LINE_LIMIT;
                assert!(!(room && waits), "it waits for more than its limit");
                return None;
            }
        }
    }

    fn event(&mut self) -> bool {
        self.machine.event()
    }

    fn deadline(&mut self) -> Option<Duration> {
        self.machine.deadline()
    }

    fn call(&mut self, now: Duration, script: &mut Script<'_>) -> Vec<(usize, Vec<u8>)> {
        let octet = script.octet();
        if octet & 7 == 0 {
            self.machine.cancel(now, octet >> 3);
        }
        Vec::new()
    }
}
