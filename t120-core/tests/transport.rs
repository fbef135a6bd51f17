//! A peer whose TPDUs are small: TSDUs come and go in several DT.

#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

use std::time::Duration;

use t120_core::Error;
use t120_core::conference::{Conference, Config, Connection, EndReason, Event};
use t120_core::mcs::connect::ConnectMcsPdu;
use t120_core::tpkt::Tpkt;
use t120_core::x224::Tpdu;

const NOW: Duration = Duration::ZERO;
const CONNECTION: Connection = Connection(0);

fn send(node: &mut Conference<'_>, tpdu: &Tpdu<'_>) -> Result<(usize, Option<Event>), Error> {
    let mut inner = vec![0; tpdu.encoded_len()];
    tpdu.write(&mut inner).unwrap();
    let mut packet = vec![0; inner.len() + 4];
    Tpkt { payload: &inner }.write(&mut packet).unwrap();
    let result = node.handle_stream(NOW, CONNECTION, &packet);
    if let Ok((used, _)) = result {
        assert_eq!(used, packet.len());
    }
    result
}

fn packets(node: &mut Conference<'_>) -> Vec<Vec<u8>> {
    let mut buffer = [0; 8192];
    let next = || {
        let transmit = node.poll_transmit(NOW, &mut buffer)?;
        Some(buffer[..transmit.len].to_vec())
    };
    std::iter::from_fn(next).collect()
}

/// What a guest begins with: CR, and the TSDU of its Connect-Initial.
fn call() -> Vec<u8> {
    let mut guest = Conference::growing(Config::new("guest").unwrap(), [1; 32]).unwrap();
    guest.join(NOW, CONNECTION, "1").unwrap();
    assert_eq!(packets(&mut guest).len(), 1);
    let confirm = [3, 0, 0, 11, 6, 0xd0, 0, 1, 0, 1, 0];
    guest.handle_stream(NOW, CONNECTION, &confirm).unwrap();
    let initial = packets(&mut guest).remove(0);
    initial[7..].to_vec()
}

fn host() -> Conference<'static> {
    let mut config = Config::new("host").unwrap();
    config.max_packet_octets = 8192;
    let mut host = Conference::growing(config, [2; 32]).unwrap();
    host.host("1").unwrap();
    host.accept(NOW, CONNECTION).unwrap();
    while host.poll_event().is_some() {}
    host
}

#[test]
fn tsdus_come_and_go_in_tpdus_of_the_size_that_was_agreed() {
    let mut host = host();
    let request = [3, 0, 0, 14, 9, 0xe0, 0, 0, 0, 9, 0, 0xc0, 1, 7];
    host.handle_stream(NOW, CONNECTION, &request).unwrap();
    assert_eq!(packets(&mut host), [vec![3, 0, 0, 14, 9, 0xd0, 0, 9, 0, 1, 0, 0xc0, 1, 7]]);
    let initial = call();
    let pieces: Vec<&[u8]> = initial.chunks(50).collect();
    for (number, piece) in pieces.iter().enumerate() {
        let end_of_tsdu = number + 1 == pieces.len();
        assert!(packets(&mut host).is_empty());
        send(&mut host, &Tpdu::Data { end_of_tsdu, user_data: piece }).unwrap();
    }
    let mut response = Vec::new();
    let answer = packets(&mut host);
    assert!(answer.iter().all(|packet| packet.len() <= 4 + 128));
    for (number, packet) in answer.iter().enumerate() {
        let Ok(Tpdu::Data { end_of_tsdu, user_data }) = Tpdu::parse(&packet[4..]) else {
            panic!("{packet:02x?} is no DT");
        };
        assert_eq!(end_of_tsdu, number + 1 == answer.len());
        response.extend_from_slice(user_data);
    }
    let response = ConnectMcsPdu::parse(&response);
    assert!(matches!(response, Ok(ConnectMcsPdu::Response(_))), "{response:?}");
}

#[test]
fn a_buffer_that_is_too_small_loses_nothing() {
    let mut host = host();
    host.handle_stream(NOW, CONNECTION, &[3, 0, 0, 11, 6, 0xe0, 0, 0, 0, 9, 0]).unwrap();
    assert_eq!(host.poll_transmit(NOW, &mut [0; 10]), None);
    assert_eq!(host.poll_event(), Some(Event::BufferTooSmall { needed: 11 }));
    assert_eq!(host.poll_event(), None);
    assert_eq!(packets(&mut host).len(), 1);
}

#[test]
fn packets_and_tsdus_beyond_the_limit_are_refused_at_once() {
    let mut node = host();
    let long = node.handle_stream(NOW, CONNECTION, &[3, 0, 0x20, 1]);
    assert_eq!(long, Err(Error::TooLong { length: 8193, limit: 8192 }));
    assert_eq!(node.handle_stream(NOW, CONNECTION, &[3, 0, 0x20, 0]), Ok((0, None)));
    node.handle_stream(NOW, CONNECTION, &[3, 0, 0, 11, 6, 0xe0, 0, 0, 0, 9, 0]).unwrap();
    let piece = Tpdu::Data { end_of_tsdu: false, user_data: &[0; 4000] };
    assert!(send(&mut node, &piece).is_ok() && send(&mut node, &piece).is_ok());
    assert!(matches!(send(&mut node, &piece), Err(Error::TooLong { limit: 8192, .. })));
}

#[test]
fn what_is_no_tpdu_is_answered_with_an_error_and_refused() {
    let mut node = host();
    assert!(node.handle_stream(NOW, CONNECTION, &[3, 0, 0, 8, 3, 0x10, 0, 0]).is_err());
    assert_eq!(packets(&mut node), [vec![3, 0, 0, 9, 4, 0x70, 0, 0, 2]]);
    assert!(node.handle_stream(NOW, CONNECTION, b"GET / HTTP/1.0").is_err());
    assert!(node.handle_stream(NOW, Connection(7), &[3]).is_err());
}

#[test]
fn a_caller_that_is_refused_by_the_transport_learns_it() {
    let mut guest = Conference::growing(Config::new("guest").unwrap(), [1; 32]).unwrap();
    guest.join(NOW, CONNECTION, "1").unwrap();
    assert_eq!(packets(&mut guest).len(), 1);
    let refusal = Tpdu::DisconnectRequest { destination: 1, source: 0, reason: 0, variable: &[] };
    let (_, first) = send(&mut guest, &refusal).unwrap();
    let events: Vec<Event> =
        first.into_iter().chain(std::iter::from_fn(|| guest.poll_event())).collect();
    let reason = EndReason::Refused;
    assert!(events.contains(&Event::Disconnected { connection: CONNECTION, reason }));
    assert!(events.contains(&Event::Ended { reason }));
    guest.handle_closed(NOW, CONNECTION);
    assert!(guest.join(NOW, CONNECTION, "1").is_ok(), "it may try again");
}
