mod network;

use super::*;
use alloc::vec;
use alloc::vec::Vec;
use core::net::SocketAddr;
use handset_testkit::{Random, seeds};

use crate::client::{self, Client};

const CLIENT: SocketAddr = SocketAddr::new(IpAddr::V4(core::net::Ipv4Addr::LOCALHOST), 40_000);
const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(core::net::Ipv4Addr::LOCALHOST), 69);

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn path() -> Path {
    Path { local: 0, remote: CLIENT }
}

#[test]
fn a_buffer_of_transmit_len_holds_blocks_of_the_default_size() {
    let mut storage = Storage::<4>::new();
    let config = Config { max_blksize: 16, ..Config::default() };
    let mut bench = Bench::new(config, &mut storage, vec![0; 1500]);
    assert!(bench.server.transmit_len() >= 516);
    let sent = bench.handle(b"\0\x01file\0octet\0");
    assert_eq!(sent.iter().map(Vec::len).collect::<Vec<_>>(), [516]);
    let put = client::Config::new(SERVER);
    let options = OptionSet { blksize: Some(16), ..put.options };
    let put = client::Config { options, ..put };
    let client = Client::put(ms(1), &put, b"file", Mode::Octet, Some(1500)).unwrap();
    assert!(client.transmit_len() >= 516);
}

/// What a server has sent, and told.
struct Bench<'s> {
    server: Server<'s>,
    now: Duration,
    file: Vec<u8>,
    written: Vec<u8>,
    events: Vec<&'static str>,
    id: Option<TransferId>,
}

impl<'s> Bench<'s> {
    fn new(config: Config, storage: &'s mut Storage<4>, file: Vec<u8>) -> Self {
        let server = Server::new(config, storage, [1; 32]);
        Self { server, now: ms(1), file, written: Vec::new(), events: Vec::new(), id: None }
    }

    fn handle(&mut self, datagram: &[u8]) -> Vec<Vec<u8>> {
        self.handle_from(path(), datagram).into_iter().map(|(_, d)| d).collect()
    }

    fn handle_from(&mut self, path: Path, datagram: &[u8]) -> Vec<(Path, Vec<u8>)> {
        let size = self.file.len() as u64;
        match self.server.handle_datagram(self.now, path, datagram) {
            Ok(Some(Event::Request { transfer, .. })) => {
                self.id = Some(transfer);
                self.events.push("request");
                self.server.accept(self.now, transfer, Grant::size(size)).unwrap();
            }
            Ok(Some(Event::Block { offset, data, .. })) => {
                assert_eq!(offset, self.written.len() as u64);
                self.written.extend_from_slice(data);
            }
            Ok(Some(event)) => self.events.push(name(&event)),
            Ok(None) => {}
            Err(_) => self.events.push("error"),
        }
        self.drain()
    }

    fn drain(&mut self) -> Vec<(Path, Vec<u8>)> {
        let mut sent = Vec::new();
        let mut buffer = vec![0; self.server.transmit_len()];
        while let Some(transmit) = self.server.poll_transmit(self.now, &mut buffer) {
            if let Some((_, read)) = transmit.read {
                let from = usize::try_from(read.offset).unwrap();
                buffer[read.place()].copy_from_slice(&self.file[from..from + read.len]);
            }
            sent.push((transmit.path, buffer[..transmit.len].to_vec()));
        }
        while let Some(event) = self.server.poll_event() {
            self.events.push(name(&event));
        }
        assert_eq!(self.server.poll_transmit(self.now, &mut buffer), None);
        sent
    }

    fn wait(&mut self, time: Duration) -> Vec<Vec<u8>> {
        let until = self.now + time;
        let mut sent = Vec::new();
        while let Some(at) = self.server.poll_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.server.handle_timeout(self.now);
            sent.extend(self.drain().into_iter().map(|(_, d)| d));
        }
        self.now = until;
        sent
    }
}

fn name(event: &Event<'_>) -> &'static str {
    match event {
        Event::Request { .. } => "request",
        Event::Block { .. } => "block",
        Event::Complete { .. } => "complete",
        Event::Failed { failure: Failure::TimedOut, .. } => "timed out",
        Event::Failed { failure: Failure::Peer { .. }, .. } => "peer",
        Event::Failed { failure: Failure::Replaced, .. } => "replaced",
        Event::Failed { failure: Failure::Unreachable, .. } => "unreachable",
        Event::Failed { .. } => "failed",
        Event::Released { .. } => "released",
        Event::BufferTooSmall { .. } => "too small",
    }
}

fn data(block: u16, data: &[u8]) -> Vec<u8> {
    let mut octets = vec![0, 3];
    octets.extend(block.to_be_bytes());
    octets.extend(data);
    octets
}

fn ack(block: u16) -> Vec<u8> {
    [vec![0, 4], block.to_be_bytes().to_vec()].concat()
}

fn error(code: ErrorCode) -> Vec<u8> {
    let mut buffer = vec![0; 64];
    let packet = Packet::Error { code, message: code.message().as_bytes() };
    let len = packet.write(&mut buffer).unwrap();
    buffer.truncate(len);
    buffer
}

fn file(len: u32) -> Vec<u8> {
    (0..len).map(|i| (i * 7 + i / 251) as u8).collect()
}

#[test]
fn a_file_is_read_in_lock_step() {
    let mut storage = Storage::new();
    let mut bench = Bench::new(Config::default(), &mut storage, file(1024));
    assert_eq!(bench.handle(b"\0\x01f\0octet\0"), [data(1, &file(1024)[..512])]);
    assert_eq!(bench.handle(&ack(1)), [data(2, &file(1024)[512..])]);
    assert_eq!(bench.handle(&ack(2)), [data(3, b"")], "a full block is not the last one");
    assert!(bench.handle(&ack(3)).is_empty());
    assert_eq!(bench.events, ["request", "complete", "released"]);
    assert!(bench.server.is_empty() && bench.server.sources.len() == 0);
    assert_eq!(bench.server.poll_timeout(), None);
}

#[test]
fn a_file_is_written_in_lock_step_and_its_last_ack_repeated() {
    let mut storage = Storage::new();
    let mut bench = Bench::new(Config::default(), &mut storage, Vec::new());
    assert_eq!(bench.handle(b"\0\x02f\0octet\0"), [ack(0)]);
    assert_eq!(bench.handle(&data(1, &file(512))), [ack(1)]);
    assert_eq!(bench.handle(&data(2, b"end")), [ack(2)]);
    assert_eq!(bench.events, ["request", "complete"]);
    bench.now += ms(100);
    assert_eq!(bench.handle(&data(2, b"end")), [ack(2)], "the ACK was lost");
    assert_eq!(bench.written, [&file(512)[..], b"end"].concat());
    assert!(bench.wait(Duration::from_secs(10)).is_empty());
    assert_eq!(bench.events, ["request", "complete", "released"]);
    assert!(bench.server.is_empty());
}

#[test]
fn options_are_granted_within_the_limits() {
    let mut storage = Storage::new();
    let config = Config { max_blksize: 1428, max_windowsize: 8, ..Config::default() };
    let mut bench = Bench::new(config, &mut storage, file(2000));
    let sent = bench.handle(
        b"\0\x01f\0octet\0BLKSIZE\x008192\0tsize\x000\0TimeOut\x003\0windowsize\x0064\0foo\0bar\0",
    );
    assert_eq!(sent, [b"\0\x06tsize\x002000\0blksize\x001428\0timeout\x003\0windowsize\x008\0"]);
    assert_eq!(
        bench.handle(&ack(0)),
        [data(1, &file(2000)[..1428]), data(2, &file(2000)[1428..])],
        "a window"
    );
    assert!(bench.handle(&ack(2)).is_empty());
    assert_eq!(bench.events, ["request", "complete", "released"]);
}

#[test]
fn a_window_is_cut_to_what_a_receive_buffer_holds() {
    let config = Config::default();
    let asked = OptionSet { blksize: Some(65464), windowsize: Some(64), ..OptionSet::NONE };
    let granted = config.grant(&asked, Kind::Read, None);
    assert_eq!((granted.blksize, granted.windowsize), (Some(65464), Some(2)));
    let asked = OptionSet { windowsize: Some(65535), ..OptionSet::NONE };
    assert_eq!(config.grant(&asked, Kind::Read, None).windowsize, Some(64));
}

#[test]
fn only_unusable_options_make_a_request_without_options() {
    let mut storage = Storage::new();
    let mut bench = Bench::new(Config::default(), &mut storage, file(3));
    assert_eq!(bench.handle(b"\0\x01f\0octet\0blksize\x007\0x\0y\0"), [data(1, &file(3))]);
}

#[test]
fn the_sorcerer_has_no_apprentice() {
    let mut storage = Storage::new();
    let mut bench = Bench::new(Config::default(), &mut storage, file(5000));
    bench.handle(b"\0\x01f\0octet\0");
    assert_eq!(bench.handle(&ack(1)).len(), 1);
    for _ in 0..100 {
        assert!(bench.handle(&ack(1)).is_empty(), "a repeated ACK is not answered");
        assert!(bench.handle(&ack(0)).is_empty(), "nor is an old one");
        assert!(bench.handle(&ack(3)).is_empty(), "nor one of a block that was not sent");
        assert!(bench.handle(&ack(40_000)).is_empty());
    }
    assert_eq!(bench.handle(&ack(2)), [data(3, &file(5000)[1024..1536])]);
}

#[test]
fn a_repeated_request_is_answered_once() {
    let mut storage = Storage::new();
    let mut bench = Bench::new(Config::default(), &mut storage, file(600));
    assert_eq!(bench.handle(b"\0\x01f\0octet\0").len(), 1);
    for _ in 0..5 {
        assert!(bench.handle(b"\0\x01f\0octet\0").is_empty());
    }
    assert_eq!(bench.events, ["request"]);
    // Another request from there is a client that has started anew.
    assert_eq!(bench.handle(b"\0\x01g\0octet\0").len(), 1);
    assert_eq!(bench.events, ["request", "request", "replaced", "released"]);
    // And so is the same request in the middle of a transfer, after long silence.
    assert_eq!(bench.handle(&ack(1)).len(), 1);
    assert!(bench.handle(b"\0\x01g\0octet\0").is_empty(), "a late repeat");
    bench.now += Duration::from_secs(3);
    assert_eq!(bench.handle(b"\0\x01g\0octet\0"), [data(1, &file(600)[..512])]);
    assert_eq!(bench.server.len(), 1);
}

#[test]
fn a_late_repeat_of_a_request_does_not_write_a_short_file_again() {
    let mut storage = Storage::new();
    let mut bench = Bench::new(Config::default(), &mut storage, Vec::new());
    assert_eq!(bench.handle(b"\0\x02f\0octet\0"), [ack(0)]);
    assert_eq!(bench.handle(&data(1, b"all")), [ack(1)]);
    bench.now += ms(500);
    assert!(bench.handle(b"\0\x02f\0octet\0").is_empty(), "it was under way for long");
    assert_eq!(bench.events, ["request", "complete"]);
    bench.now += Duration::from_secs(3);
    assert_eq!(bench.handle(b"\0\x02f\0octet\0"), [ack(0)], "the client writes it once more");
    assert_eq!(bench.events, ["request", "complete", "request", "released"]);
}

#[test]
fn strangers_are_told_so_and_disturb_nothing() {
    let mut storage = Storage::new();
    let mut bench = Bench::new(Config::default(), &mut storage, file(600));
    bench.handle(b"\0\x01f\0octet\0");
    let stranger = Path { local: 0, remote: SocketAddr::new(CLIENT.ip(), 40_001) };
    for packet in [ack(1), data(1, b"x"), b"\0\x06".to_vec()] {
        let sent = bench.handle_from(stranger, &packet);
        assert_eq!(sent, [(stranger, error(ErrorCode::UnknownTid))]);
    }
    assert!(bench.handle_from(stranger, b"\0\x05\0\0no\0").is_empty(), "no ERROR for an ERROR");
    assert!(bench.handle_from(stranger, b"\0\x05").is_empty(), "not even for half an ERROR");
    assert!(bench.handle_from(stranger, b"\0").is_empty(), "nor for what is no packet at all");
    let illegal = error(ErrorCode::IllegalOperation);
    assert_eq!(bench.handle_from(stranger, b"\0\x09"), [(stranger, illegal)]);
    assert_eq!(bench.handle(&ack(1)).len(), 1, "the transfer goes on");
}

#[test]
fn an_error_ends_a_transfer_without_an_answer() {
    let mut storage = Storage::new();
    let mut bench = Bench::new(Config::default(), &mut storage, file(600));
    bench.handle(b"\0\x01f\0octet\0");
    assert!(bench.handle(b"\0\x05\0\0stop\0").is_empty());
    assert_eq!(bench.events, ["request", "peer", "released"]);
    assert!(bench.wait(Duration::from_secs(60)).is_empty());
}

#[test]
fn what_cannot_be_explained_ends_a_transfer() {
    for packet in [&b"\0\x09"[..], b"\0\x04", b"\0\x03\0\x01x", b"\0\x06"] {
        let mut storage = Storage::new();
        let mut bench = Bench::new(Config::default(), &mut storage, file(600));
        bench.handle(b"\0\x01f\0octet\0");
        assert_eq!(bench.handle(packet), [error(ErrorCode::IllegalOperation)]);
        assert_eq!(bench.events.last(), Some(&"released"), "{packet:?}");
        assert!(bench.events.contains(&"failed"));
        assert!(bench.server.is_empty());
    }
}

#[test]
fn the_silent_hear_seven_times_and_no_more() {
    let mut storage = Storage::new();
    let mut bench = Bench::new(Config::default(), &mut storage, file(600));
    let mut sent = bench.handle(b"\0\x01f\0octet\0");
    sent.extend(bench.wait(Duration::from_secs(120)));
    assert_eq!(sent.len(), 7);
    assert_eq!(bench.events, ["request", "timed out", "released"]);
}

#[test]
fn a_client_that_is_silent_for_ten_seconds_is_waited_for() {
    let mut storage = Storage::new();
    let mut bench = Bench::new(Config::default(), &mut storage, file(5000));
    bench.handle(b"\0\x01f\0octet\0");
    bench.now += Duration::from_micros(100);
    bench.handle(&ack(1));
    let sent = bench.wait(Duration::from_secs(10));
    assert!(sent.len() < 12, "{} packets to somebody who is silent", sent.len());
    assert_eq!(bench.handle(&ack(2)), [data(3, &file(5000)[1024..1536])]);
}

#[test]
fn mail_and_broken_requests_are_refused() {
    let mut storage = Storage::new();
    let mut bench = Bench::new(Config::default(), &mut storage, file(600));
    assert_eq!(bench.handle(b"\0\x01f\0mail\0"), [b"\0\x05\0\x04Mail is not supported\0"]);
    for request in [&b"\0\x01f"[..], b"\0\x01f\0octet", b"\0\x02\0octet\0", b"\0\x01f\0octet\0a"] {
        assert_eq!(bench.handle(request), [error(ErrorCode::IllegalOperation)]);
    }
    assert!(bench.server.is_empty());
}

#[test]
fn the_host_may_refuse_and_abort() {
    let mut storage: Storage<4> = Storage::new();
    let mut server = Server::new(Config::default(), &mut storage, [1; 32]);
    let mut buffer = [0; 1024];
    let now = ms(1);
    let request = server.handle_datagram(now, path(), b"\0\x01f\0octet\0").unwrap();
    let Some(Event::Request { transfer, .. }) = request else { panic!("{request:?}") };
    server.refuse(now, transfer, ErrorCode::AccessViolation, "No").unwrap();
    assert_eq!(server.accept(now, transfer, Grant::PLAIN), Err(Error::UnknownTransfer));
    let len = server.poll_transmit(now, &mut buffer).unwrap().len;
    assert_eq!(&buffer[..len], b"\0\x05\0\x02No\0");
    assert_eq!((server.poll_event(), server.len()), (None, 0));

    let request = server.handle_datagram(now, path(), b"\0\x02f\0octet\0").unwrap();
    let Some(Event::Request { transfer, .. }) = request else { panic!("{request:?}") };
    server.accept(now, transfer, Grant::PLAIN).unwrap();
    assert!(server.poll_transmit(now, &mut buffer).is_some());
    server.handle_datagram(now, path(), &data(1, b"x")).unwrap();
    server.abort(now, transfer, ErrorCode::DiskFull, "Full").unwrap();
    let len = server.poll_transmit(now, &mut buffer).unwrap().len;
    assert_eq!(&buffer[..len], b"\0\x05\0\x03Full\0", "and no ACK");
    assert_eq!(server.poll_event(), Some(Event::Released { transfer }));
    assert_eq!(server.abort(now, transfer, ErrorCode::DiskFull, ""), Err(Error::UnknownTransfer));
}

#[test]
fn a_file_that_is_whole_is_not_aborted_any_more() {
    let mut storage = Storage::new();
    let mut bench = Bench::new(Config::default(), &mut storage, Vec::new());
    bench.handle(b"\0\x02f\0octet\0");
    assert_eq!(bench.handle(&data(1, b"whole")), [ack(1)]);
    let transfer = bench.id.unwrap();
    let aborted = bench.server.abort(bench.now, transfer, ErrorCode::NotDefined, "stopping");
    assert_eq!(aborted, Err(Error::UnknownTransfer));
    assert!(bench.drain().is_empty(), "its client hears nothing else");
    assert_eq!(bench.events, ["request", "complete", "released"]);
    assert!(bench.server.is_empty());
}

#[test]
fn limits_are_told_to_the_client() {
    let mut storage = Storage::new();
    let config = Config { per_source: 2, ..Config::default() };
    let mut bench = Bench::new(config, &mut storage, file(600));
    let from = |host: u8, port| Path {
        local: 0,
        remote: SocketAddr::new(IpAddr::from([192, 0, 2, host]), port),
    };
    let busy = b"\0\x05\0\0Too many transfers, try again later\0";
    for port in 1..=3 {
        let sent = bench.handle_from(from(1, port), b"\0\x01f\0octet\0");
        assert_eq!(sent[0].1 == busy, port == 3);
    }
    bench.handle_from(from(2, 1), b"\0\x01f\0octet\0");
    bench.handle_from(from(3, 1), b"\0\x01f\0octet\0");
    assert_eq!(bench.server.len(), 4);
    let sent = bench.handle_from(from(4, 1), b"\0\x01f\0octet\0");
    assert_eq!(sent[0].1, busy, "all places are taken");
    bench.handle_from(from(1, 1), b"\0\x05\0\0\0");
    assert_eq!(bench.handle_from(from(1, 9), b"\0\x01f\0octet\0")[0].1.len(), 516);
}

#[test]
fn a_transfer_may_have_a_socket_of_its_own() {
    let mut storage: Storage<4> = Storage::new();
    let mut server = Server::new(Config::default(), &mut storage, [1; 32]);
    let mut buffer = [0; 1024];
    let now = ms(1);
    let request = server.handle_datagram(now, path(), b"\0\x01f\0octet\0").unwrap();
    let Some(Event::Request { transfer, .. }) = request else { panic!("{request:?}") };
    server.accept(now, transfer, Grant::size(3).on(17)).unwrap();
    let own = Path { local: 17, remote: CLIENT };
    assert_eq!(server.poll_transmit(now, &mut buffer).unwrap().path, own);
    assert_eq!(server.handle_datagram(now, path(), b"\0\x01f\0octet\0"), Ok(None), "a repeat");
    assert_eq!(server.poll_transmit(now, &mut buffer), None);
    // An ACK to the port of the request is a stranger's.
    assert_eq!(server.handle_datagram(now, path(), &ack(1)), Ok(None));
    let len = server.poll_transmit(now, &mut buffer).unwrap().len;
    assert_eq!(buffer[..len], error(ErrorCode::UnknownTid));
    // A request to the transfer's socket is none.
    let strange = server.handle_datagram(now, own, b"\0\x01g\0octet\0").unwrap();
    assert_eq!(name(&strange.unwrap()), "failed");
}

/// Nanoseconds from an ACK to the next block, with so many transfers live.
#[cfg(feature = "alloc")]
fn answer_time(live: u32) -> u64 {
    let config = Config { transfers: 200_000, ..Config::default() };
    let mut server = Server::growing(config, [1; 32]);
    let (now, mut buffer) = (ms(1), vec![0; 1000]);
    let path = |n: u32| {
        let ip = IpAddr::from([10, (n >> 16) as u8, (n >> 8) as u8, n as u8]);
        Path { local: 0, remote: SocketAddr::new(ip, 40_000) }
    };
    for n in 0..live {
        let request = server.handle_datagram(now, path(n), b"\0\x01f\0octet\0").unwrap();
        let Some(Event::Request { transfer, .. }) = request else { panic!("{request:?}") };
        server.accept(now, transfer, Grant::size(1 << 30)).unwrap();
        assert!(server.poll_transmit(now, &mut buffer).is_some());
    }
    assert_eq!(server.len(), live as usize);
    // The best of many short times: other programs run in the others.
    const ROUNDS: u32 = 50;
    let mut best = u64::MAX;
    for start in (0..2000).step_by(ROUNDS as usize) {
        let since = std::time::Instant::now();
        for round in start..start + ROUNDS {
            let (peer, block) = (path(round * 7919 % live), 1 + round / live);
            server.handle_datagram(now, peer, &ack(block as u16)).unwrap();
            assert!(server.poll_transmit(now, &mut buffer).is_some());
            assert_eq!(server.poll_event(), None);
        }
        best = best.min(u64::try_from(since.elapsed().as_nanos()).unwrap() / u64::from(ROUNDS));
    }
    best
}

#[cfg(feature = "alloc")]
#[test]
fn a_packet_costs_as_much_with_ten_transfers_as_with_a_hundred_thousand() {
    // A search through all of them would take ten thousand times as long; caches and other
    // programs make some difference, too.
    let (few, many) = (answer_time(10), answer_time(100_000));
    std::println!("{few} ns with ten, {many} ns with a hundred thousand");
    assert!(many < few * 100, "{few} {many}");
}

#[test]
fn an_unreachable_client_is_forgotten() {
    let mut storage = Storage::new();
    let mut bench = Bench::new(Config::default(), &mut storage, file(600));
    bench.handle(b"\0\x01f\0octet\0");
    bench.server.handle_closed(bench.now, path());
    bench.drain();
    assert_eq!(bench.events, ["request", "unreachable", "released"]);
}

#[test]
fn a_lost_block_of_a_window_costs_one_round_trip() {
    let mut storage = Storage::new();
    let mut bench = Bench::new(Config::default(), &mut storage, file(512 * 20));
    bench.handle(b"\0\x01f\0octet\0windowsize\x008\0");
    bench.now += ms(40);
    let blocks = |sent: Vec<Vec<u8>>| sent.iter().map(|d| d[3]).collect::<Vec<_>>();
    assert_eq!(blocks(bench.handle(&ack(0))), [1, 2, 3, 4, 5, 6, 7, 8]);
    bench.now += ms(40);
    assert_eq!(
        blocks(bench.handle(&ack(2))),
        [3, 4, 5, 6, 7, 8, 9, 10],
        "one loss: a whole window"
    );
    bench.now += ms(40);
    assert_eq!(blocks(bench.handle(&ack(4)))[0], 5, "nor is the second too many, if much came");
    bench.now += ms(40);
    assert_eq!(blocks(bench.handle(&ack(5))).len(), 8);
    bench.now += ms(40);
    assert_eq!(blocks(bench.handle(&ack(6))), [7, 8, 9, 10], "but little twice in a row halves");
    assert_eq!(
        blocks(bench.wait(ms(25))),
        [11, 12, 13, 14],
        "the rest follows half a round trip later"
    );
    bench.now += ms(40);
    // The first block of the window is lost: the same ACK again, but late enough.
    assert_eq!(blocks(bench.handle(&ack(14))).len(), 5);
    assert!(bench.handle(&ack(14)).is_empty(), "too early to be an answer");
    bench.now += ms(40);
    assert_eq!(blocks(bench.handle(&ack(14)))[0], 15);
}

#[test]
fn a_buffer_too_small_loses_nothing() {
    let mut storage: Storage<4> = Storage::new();
    let mut server = Server::new(Config::default(), &mut storage, [1; 32]);
    let now = ms(1);
    let request = server.handle_datagram(now, path(), b"\0\x01f\0octet\0").unwrap();
    let Some(Event::Request { transfer, .. }) = request else { panic!("{request:?}") };
    server.accept(now, transfer, Grant::size(600)).unwrap();
    assert_eq!(server.poll_transmit(now, &mut [0; 100]), None);
    assert_eq!(server.poll_event(), Some(Event::BufferTooSmall { needed: 516 }));
    assert_eq!(server.poll_event(), None);
    assert_eq!(server.poll_transmit(now, &mut [0; 600]).unwrap().len, 516);
}

#[test]
fn a_file_may_end_where_nobody_knew() {
    let mut storage: Storage<4> = Storage::new();
    let mut server = Server::new(Config::default(), &mut storage, [1; 32]);
    let (mut now, mut buffer) = (ms(1), [0; 1024]);
    let request = b"\0\x01f\0octet\0tsize\x000\0windowsize\x004\0";
    let request = server.handle_datagram(now, path(), request).unwrap();
    let Some(Event::Request { transfer, .. }) = request else { panic!("{request:?}") };
    server.accept(now, transfer, Grant::PLAIN).unwrap();
    let len = server.poll_transmit(now, &mut buffer).unwrap().len;
    assert_eq!(&buffer[..len], b"\0\x06windowsize\x004\0", "no tsize without a size");
    now += ms(1);
    server.handle_datagram(now, path(), &ack(0)).unwrap();
    assert_eq!(server.poll_transmit(now, &mut buffer).unwrap().len, 516);
    assert_eq!(server.poll_transmit(now, &mut buffer).unwrap().len, 516);
    server.ends_at(transfer, 700).unwrap();
    assert_eq!(server.poll_transmit(now, &mut buffer), None, "the second block was the last");
    now += ms(1);
    let last = ack(2);
    let event = server.handle_datagram(now, path(), &last).unwrap();
    assert_eq!(event, Some(Event::Complete { transfer, octets: 700 }));
}

#[test]
fn a_transfer_has_its_fixed_size() {
    let transfer = slot_len::<Transfer>();
    assert!(transfer <= 256, "{transfer}");
    std::println!("transfer {transfer}, source {}", slot_len::<Source>());
}

#[test]
fn hostile_datagrams_break_nothing() {
    seeds(300, |seed| {
        let mut random = Random::new(seed);
        let mut storage = Storage::new();
        let config = Config { listeners: 2, ..Config::default() };
        let mut bench = Bench::new(config, &mut storage, file(3000));
        let requests: [&[u8]; 4] = [
            b"\0\x01f\0octet\0",
            b"\0\x02f\0octet\0windowsize\x004\0",
            b"\0\x01g\0netascii\0blksize\x008\0windowsize\x0016\0",
            b"\0\x02f\0octet\0tsize\x00100\0",
        ];
        for _ in 0..200 {
            let remote = SocketAddr::new(CLIENT.ip(), 1 + random.below(6) as u16);
            let path = Path { local: random.below(3) as u16, remote };
            bench.now += Duration::from_micros(random.below(300_000));
            let octets = match random.below(6) {
                0 => requests[random.below(4) as usize].to_vec(),
                1 => ack(random.below(8) as u16),
                2 => data(random.below(6) as u16, &file(random.below(600) as u32)),
                3 => error(ErrorCode::NotDefined),
                4 => {
                    let len = random.below(8) as usize;
                    random.octets(len)
                }
                _ => {
                    bench.server.handle_timeout(bench.now);
                    bench.drain();
                    continue;
                }
            };
            // Blocks of many transfers run into one another here.
            bench.written.clear();
            let _ = bench.server.handle_datagram(bench.now, path, &octets).map(|event| {
                if let Some(Event::Request { transfer, .. }) = event {
                    bench.server.accept(bench.now, transfer, Grant::size(3000)).unwrap();
                }
            });
            bench.drain();
            assert!(bench.server.len() <= 4);
            assert!(bench.server.sources.len() <= bench.server.len());
        }
        bench.wait(Duration::from_secs(600));
        assert!(bench.server.is_empty(), "all timers end");
        assert_eq!(bench.server.poll_timeout(), None);
        assert!(bench.server.sources.len() == 0);
    });
}
