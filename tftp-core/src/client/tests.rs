use super::*;
use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};

const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 69);
const TID: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3000);
const NOW: Duration = Duration::from_millis(1);

fn from(remote: SocketAddr) -> Path {
    Path { local: 0, remote }
}

fn get(config: &Config) -> Client<'static> {
    Client::get(NOW, config, b"f", Mode::Octet).unwrap()
}

/// All that the client wants to send now, and to whom.
fn sent(client: &mut Client<'_>) -> Vec<(SocketAddr, Vec<u8>)> {
    let mut buffer = vec![0; client.transmit_len()];
    let mut all = Vec::new();
    while let Some(transmit) = client.poll_transmit(NOW, &mut buffer) {
        all.push((transmit.path.remote, buffer[..transmit.len].to_vec()));
    }
    all
}

fn data(block: u16, octets: &[u8]) -> Vec<u8> {
    [&[0, 3], &block.to_be_bytes()[..], octets].concat()
}

fn failed(event: Result<Option<Event<'_>>, Error>) -> Failure<'_> {
    match event {
        Ok(Some(Event::Failed(failure))) => failure,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_request_asks_and_the_oack_is_acknowledged() {
    let mut client = get(&Config::new(SERVER));
    let request = b"\0\x01f\0octet\0tsize\x000\0blksize\x001428\0".to_vec();
    assert_eq!(sent(&mut client), [(SERVER, request)]);
    let oack = b"\0\x06blksize\x001000\0tsize\x005\0";
    let event = client.handle_datagram(NOW, from(TID), oack).unwrap();
    let options = OptionSet { blksize: Some(1000), tsize: Some(5), ..OptionSet::NONE };
    assert_eq!(event, Some(Event::Started { options }));
    assert_eq!(sent(&mut client), [(TID, vec![0, 4, 0, 0])]);
    let last = data(1, b"whole");
    let event = client.handle_datagram(NOW, from(TID), &last).unwrap();
    assert_eq!(event, Some(Event::Block { offset: 0, data: b"whole", last: true }));
    assert_eq!(sent(&mut client), [(TID, vec![0, 4, 0, 1])]);
    assert_eq!(client.poll_event(), Some(Event::Complete { octets: 5 }));
    // The last ACK may have been lost.
    let later = NOW + Duration::from_secs(1);
    assert_eq!(client.handle_datagram(later, from(TID), &last), Ok(None));
    assert_eq!(sent(&mut client), [(TID, vec![0, 4, 0, 1])]);
    client.handle_timeout(later + Duration::from_secs(60));
    assert!(client.is_ended());
}

#[test]
fn options_that_are_not_granted_fall_back_to_lock_step() {
    let mut client = get(&Config::new(SERVER));
    sent(&mut client);
    let block = data(1, &[7; 512]);
    let event = client.handle_datagram(NOW, from(TID), &block).unwrap();
    assert_eq!(event, Some(Event::Block { offset: 0, data: &[7; 512], last: false }));
    assert_eq!(client.options(), OptionSet::NONE);
    assert_eq!(sent(&mut client), [(TID, vec![0, 4, 0, 1])]);
}

#[test]
fn what_was_there_before_a_reset_comes_again_but_not_to_the_host() {
    let config = Config { resume_at: 700, options: OptionSet::NONE, ..Config::new(SERVER) };
    let mut client = get(&config);
    sent(&mut client);
    let file: Vec<u8> = (0..1200).map(|i| (i % 251) as u8).collect();
    let mut flash = Vec::new();
    for (block, octets) in (1..).zip(file.chunks(512)) {
        let block = data(block, octets);
        match client.handle_datagram(NOW, from(TID), &block).unwrap() {
            Some(Event::Block { offset, data, .. }) => {
                assert_eq!(offset, 700 + flash.len() as u64);
                flash.extend_from_slice(data);
            }
            other => assert_eq!(other, None, "the first block is known"),
        }
        sent(&mut client);
    }
    assert_eq!(flash, file[700..]);
    assert_eq!(client.poll_event(), Some(Event::Complete { octets: 1200 }));
}

#[test]
fn a_file_of_another_size_than_announced_is_not_whole() {
    let mut client = get(&Config::new(SERVER));
    sent(&mut client);
    client.handle_datagram(NOW, from(TID), b"\0\x06tsize\x006\0").unwrap();
    sent(&mut client);
    let last = data(1, b"short");
    let failure = failed(client.handle_datagram(NOW, from(TID), &last));
    assert_eq!(failure, Failure::WrongSize { announced: 6, received: 5 });
    assert_eq!(sent(&mut client)[0].1[..4], [0, 5, 0, 0]);
}

#[test]
fn a_file_longer_than_the_limit_is_refused_before_it_comes() {
    let config = Config { size_limit: 100, ..Config::new(SERVER) };
    let mut client = get(&config);
    sent(&mut client);
    let failure = failed(client.handle_datagram(NOW, from(TID), b"\0\x06tsize\x00101\0"));
    assert_eq!(failure, Failure::TooLong);
    assert_eq!(sent(&mut client)[0].1[..4], [0, 5, 0, 3]);
    let mut client = get(&config);
    sent(&mut client);
    let block = data(1, &[0; 512]);
    assert_eq!(failed(client.handle_datagram(NOW, from(TID), &block)), Failure::TooLong);
}

#[test]
fn strangers_are_told_so_and_disturb_nothing() {
    let mut client = get(&Config::new(SERVER));
    sent(&mut client);
    let other = SocketAddr::new(SERVER.ip(), 3001);
    let block = data(1, &[1; 512]);
    client.handle_datagram(NOW, from(TID), &block).unwrap();
    sent(&mut client);
    let stray = data(2, &[2; 512]);
    assert_eq!(client.handle_datagram(NOW, from(other), &stray), Ok(None));
    let told = sent(&mut client);
    assert_eq!((told.len(), told[0].0, &told[0].1[..4]), (1, other, &[0, 5, 0, 5][..]));
    assert_eq!(client.handle_datagram(NOW, from(other), b"\0\x05\0\0no\0"), Ok(None));
    assert!(sent(&mut client).is_empty(), "an ERROR is not answered");
    let next = data(2, b"end");
    let event = client.handle_datagram(NOW, from(TID), &next).unwrap();
    assert_eq!(event, Some(Event::Block { offset: 512, data: b"end", last: true }));
}

#[test]
fn an_error_of_the_server_ends_it_without_an_answer() {
    let mut client = get(&Config::new(SERVER));
    sent(&mut client);
    let failure = failed(client.handle_datagram(NOW, from(TID), b"\0\x05\0\x01none\0"));
    assert_eq!(failure, Failure::Peer { code: ErrorCode::FileNotFound, message: b"none" });
    assert!(sent(&mut client).is_empty() && client.is_ended());
}

#[test]
fn more_than_was_asked_for_is_not_accepted() {
    for oack in [&b"\0\x06blksize\x001429\0"[..], b"\0\x06windowsize\x002\0", b"\0\x06blksize\0x\0"]
    {
        let mut client = get(&Config::new(SERVER));
        sent(&mut client);
        let failure = failed(client.handle_datagram(NOW, from(TID), oack));
        assert!(matches!(failure, Failure::Malformed(_)), "{failure:?}");
        assert_eq!(sent(&mut client)[0].1[..4], [0, 5, 0, 8]);
    }
}

#[test]
fn the_host_may_give_up() {
    let mut client = get(&Config::new(SERVER));
    sent(&mut client);
    client.handle_datagram(NOW, from(TID), &data(1, &[1; 512])).unwrap();
    client.abort(NOW, ErrorCode::DiskFull);
    let told = sent(&mut client);
    assert_eq!((told.len(), &told[0].1[..4]), (1, &[0, 5, 0, 3][..]));
    assert!(client.is_ended());
}

#[test]
fn a_silent_server_is_given_up_after_so_many_tries() {
    let mut client = get(&Config::new(SERVER));
    let mut requests = sent(&mut client).len();
    let mut now = NOW;
    while let Some(at) = client.poll_timeout() {
        now = at;
        client.handle_timeout(now);
        requests += sent(&mut client).len();
    }
    assert_eq!(requests, 7);
    assert_eq!(client.poll_event(), Some(Event::Failed(Failure::TimedOut)));
    assert!(now < Duration::from_secs(60));
}
