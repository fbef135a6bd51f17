//! Every timer by its name, and what arrives twice, late, or wrong.

mod network;

use super::*;
use crate::message::{Message, Method, Name, StatusCode, Writer};
use crate::transport::{Path, Transmit};
use core::net::SocketAddr;
use core::time::Duration;
use std::string::String;
use std::vec::Vec;

const US: &str = "192.0.2.1:5060";
const THEM: &str = "192.0.2.2:5060";
const MS: Duration = Duration::from_millis(1);

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn udp() -> Path {
    Path::udp(THEM.parse().unwrap())
}

fn tcp() -> Path {
    Path::tcp(THEM.parse().unwrap())
}

fn config() -> Config {
    Config::new(SentBy::all(US.parse::<SocketAddr>().unwrap()))
}

type Store = Storage<u32, 8, 16384>;

fn layer(storage: &mut Store) -> Layer<'_, u32> {
    Layer::new(config(), storage, [1; 32]).unwrap()
}

/// The rows that any request has.
fn rows(mut to: Writer<'_>) -> Result<usize, crate::error::WriteError> {
    to.raw(Name::From, b"<sip:us@example.com>;tag=f");
    to.raw(Name::To, b"<sip:them@example.com>");
    to.raw(Name::CallId, b"c1");
    to.raw(Name::CSeq, b"1 INVITE");
    to.finish()
}

fn rows_of(
    method: &'static [u8],
) -> impl FnMut(Writer<'_>) -> Result<usize, crate::error::WriteError> {
    move |mut to| {
        to.raw(Name::From, b"<sip:us@example.com>;tag=f");
        to.raw(Name::To, b"<sip:them@example.com>");
        to.raw(Name::CallId, b"c1");
        to.name(Name::CSeq);
        to.text(b"1 ");
        to.text(method);
        to.end_row();
        to.finish()
    }
}

fn sent(layer: &mut Layer<'_, u32>, now: Duration) -> Vec<(Transmit, String)> {
    let mut buffer = [0; 2000];
    let mut all = Vec::new();
    while let Some(transmit) = layer.poll_transmit(now, &mut buffer) {
        let text = String::from_utf8(buffer[..transmit.len].to_vec()).unwrap();
        all.push((transmit, text));
    }
    all
}

fn first_lines(layer: &mut Layer<'_, u32>, now: Duration) -> Vec<String> {
    let all = sent(layer, now);
    all.into_iter().map(|(_, text)| text.lines().next().unwrap().into()).collect()
}

/// What happened when, in ms.
type Log = Vec<(u64, String)>;

/// Runs the clock until nothing is due: when what was sent, and what was told.
fn run(layer: &mut Layer<'_, u32>, until: Duration) -> (Log, Log) {
    let (mut lines, mut told) = (Vec::new(), Vec::new());
    while let Some(now) = layer.poll_timeout().filter(|now| *now <= until) {
        layer.handle_timeout(now);
        let at = now.as_millis() as u64;
        lines.extend(first_lines(layer, now).into_iter().map(|line| (at, line)));
        while let Some(event) = layer.poll_event() {
            let text = match event {
                Event::ClientFailed { failure, .. } => std::format!("client {failure:?}"),
                Event::ServerFailed { failure, .. } => std::format!("server {failure:?}"),
                other => std::format!("{other:?}"),
            };
            told.push((at, text));
        }
    }
    (lines, told)
}

fn times(lines: &[(u64, String)]) -> Vec<u64> {
    lines.iter().map(|(at, _)| *at).collect()
}

/// A response to what was sent, as the other side makes it.
fn response(request: &str, code: &str, tag: &str) -> String {
    let mut text = std::format!("SIP/2.0 {code}\r\n");
    for line in request.lines().skip(1) {
        if line.starts_with("To:") {
            text += &std::format!("{line};tag={tag}\r\n");
        } else if !line.is_empty() && !line.starts_with("Content") && !line.starts_with("Max") {
            text += line;
            text += "\r\n";
        }
    }
    text + "Content-Length: 0\r\n\r\n"
}

fn request(method: &str, branch: &str) -> String {
    std::format!(
        "{method} sip:us@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK{branch}\r\n\
         From: <sip:them@example.com>;tag=t\r\nTo: <sip:us@example.com>\r\nCall-ID: c2\r\n\
         CSeq: 7 {method}\r\nContent-Length: 0\r\n\r\n"
    )
}

fn invite(layer: &mut Layer<'_, u32>, path: Path) -> (ClientId, String) {
    let id = layer
        .send_request(Duration::ZERO, path, 9, Method::Invite, b"sip:them@example.com", rows)
        .unwrap();
    (id, sent(layer, Duration::ZERO).pop().unwrap().1)
}

fn options(layer: &mut Layer<'_, u32>, path: Path) -> String {
    let rows = rows_of(b"OPTIONS");
    layer
        .send_request(Duration::ZERO, path, 9, Method::Options, b"sip:them@example.com", rows)
        .unwrap();
    sent(layer, Duration::ZERO).pop().unwrap().1
}

fn arrives(layer: &mut Layer<'_, u32>, now: Duration, path: Path, text: &str) -> ServerId {
    match layer.handle_datagram(now, path, text.as_bytes()).unwrap() {
        Some(Event::Request { transaction, .. }) => transaction,
        other => panic!("{other:?}"),
    }
}

#[test]
fn timer_a_doubles_and_timer_b_ends_an_invite() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    invite(&mut layer, udp());
    let (lines, told) = run(&mut layer, ms(100_000));
    assert_eq!(times(&lines), [500, 1500, 3500, 7500, 15500, 31500]);
    assert_eq!(told, [(32000, "client Timeout".into())]);
    assert!(layer.is_empty() && layer.arena().is_empty());
}

#[test]
fn no_timer_a_over_a_stream() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    invite(&mut layer, tcp());
    let (lines, told) = run(&mut layer, ms(100_000));
    assert_eq!((lines.len(), told), (0, [(32000, "client Timeout".into())].into()));
}

#[test]
fn timer_c_cancels_what_only_rings_and_the_cancel_has_its_own_end() {
    let mut storage = Store::new();
    let timer_c = Some(Duration::from_secs(181));
    let mut layer =
        Layer::<u32>::new(Config { timer_c, ..config() }, &mut storage, [1; 32]).unwrap();
    let (_, text) = invite(&mut layer, udp());
    layer.handle_datagram(ms(100), udp(), response(&text, "180 Ringing", "x").as_bytes()).unwrap();
    layer.handle_datagram(ms(1000), udp(), response(&text, "180 Ringing", "x").as_bytes()).unwrap();
    let (lines, told) = run(&mut layer, ms(400_000));
    assert_eq!(lines[0], (182_000, "CANCEL sip:them@example.com SIP/2.0".into()));
    assert_eq!(told, [(214_000, "client Timeout".into())]);
    assert!(layer.is_empty() && layer.arena().is_empty());
}

#[test]
fn timer_d_keeps_an_invite_that_acknowledges_each_refusal() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    let (id, text) = invite(&mut layer, udp());
    let busy = response(&text, "486 Busy Here", "x");
    let event = layer.handle_datagram(ms(100), udp(), busy.as_bytes()).unwrap();
    assert!(
        matches!(event, Some(Event::Response { transaction, user: 9, .. }) if transaction == id)
    );
    let ack = sent(&mut layer, ms(100)).pop().unwrap().1;
    let via = |text: &str| text.lines().find(|line| line.starts_with("Via")).map(String::from);
    assert_eq!(via(&ack), via(&text), "the branch is the INVITE's");
    assert!(ack.contains("CSeq: 1 ACK\r\n") && ack.contains(";tag=x\r\n"), "{ack}");
    assert!(layer.handle_datagram(ms(200), udp(), busy.as_bytes()).unwrap().is_none());
    assert_eq!(first_lines(&mut layer, ms(200)), ["ACK sip:them@example.com SIP/2.0"]);
    assert_eq!(layer.poll_timeout(), Some(ms(32_100)));
    assert_eq!(run(&mut layer, ms(100_000)), (Vec::new(), Vec::new()));
    assert!(layer.is_empty() && layer.arena().is_empty());
}

#[test]
fn timer_d_is_zero_over_a_stream_and_the_ack_still_goes_out() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    let (_, text) = invite(&mut layer, tcp());
    let busy = response(&text, "486 Busy Here", "x");
    layer.handle_datagram(ms(100), tcp(), busy.as_bytes()).unwrap();
    layer.handle_timeout(ms(100));
    assert_eq!(first_lines(&mut layer, ms(100)), ["ACK sip:them@example.com SIP/2.0"]);
    layer.handle_timeout(ms(100));
    assert!(layer.is_empty() && layer.arena().is_empty());
}

#[test]
fn timer_e_doubles_to_t2_and_timer_f_ends_other_requests() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    options(&mut layer, udp());
    let (lines, told) = run(&mut layer, ms(100_000));
    assert_eq!(times(&lines), [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
    assert_eq!(told, [(32000, "client Timeout".into())]);
}

#[test]
fn timer_e_is_t2_after_a_provisional_response() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    let text = options(&mut layer, udp());
    let trying = response(&text, "100 Trying", "x");
    layer.handle_datagram(ms(100), udp(), trying.as_bytes()).unwrap();
    let (lines, _) = run(&mut layer, ms(10_000));
    assert_eq!(times(&lines), [500, 4500, 8500]);
}

#[test]
fn timer_k_absorbs_what_comes_again() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    let text = options(&mut layer, udp());
    let ok = response(&text, "200 OK", "x");
    assert!(layer.handle_datagram(ms(100), udp(), ok.as_bytes()).unwrap().is_some());
    assert!(layer.handle_datagram(ms(5000), udp(), ok.as_bytes()).unwrap().is_none());
    assert_eq!(layer.poll_timeout(), Some(ms(5100)));
    layer.handle_timeout(ms(5100));
    assert!(layer.is_empty() && layer.arena().is_empty());
    let late = layer.handle_datagram(ms(5200), udp(), ok.as_bytes()).unwrap();
    assert!(matches!(late, Some(Event::Stray { .. })));
}

#[test]
fn timer_m_lets_each_2xx_through_and_the_ack_is_repeated() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    let (id, text) = invite(&mut layer, udp());
    let ok = response(&text, "200 OK", "x");
    let fork = response(&text, "200 OK", "y");
    let Some(Event::Response { message, .. }) =
        layer.handle_datagram(ms(100), udp(), ok.as_bytes()).unwrap()
    else {
        panic!()
    };
    layer.acknowledge(id, &message, udp(), b"sip:them@192.0.2.2", rows_of(b"ACK")).unwrap();
    let ack = sent(&mut layer, ms(100)).pop().unwrap().1;
    assert!(ack.starts_with("ACK sip:them@192.0.2.2 SIP/2.0\r\n"));
    assert!(layer.handle_datagram(ms(600), udp(), ok.as_bytes()).unwrap().is_none());
    assert_eq!(sent(&mut layer, ms(600)).pop().unwrap().1, ack, "the same octets");
    let Some(Event::Response { message, .. }) =
        layer.handle_datagram(ms(700), udp(), fork.as_bytes()).unwrap()
    else {
        panic!("another fork's 2xx is told")
    };
    let again = layer.acknowledge(id, &message, udp(), b"sip:y@192.0.2.2", rows_of(b"ACK"));
    assert_eq!(again, Err(Error::State));
    assert_eq!(layer.poll_timeout(), Some(ms(32_100)));
    run(&mut layer, ms(100_000));
    assert!(layer.is_empty() && layer.arena().is_empty());
}

#[test]
fn trying_after_200_ms_unless_there_was_an_answer() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    arrives(&mut layer, Duration::ZERO, udp(), &request("INVITE", "1"));
    let other = arrives(&mut layer, Duration::ZERO, udp(), &request("INVITE", "2"));
    layer.respond(ms(100), other, StatusCode::RINGING, |to| to.finish()).unwrap();
    assert_eq!(first_lines(&mut layer, ms(100)), ["SIP/2.0 180 Ringing"]);
    let (lines, _) = run(&mut layer, ms(500_000));
    assert_eq!(lines, [(200, "SIP/2.0 100 Trying".into())]);
    let text = request("INVITE", "2");
    let again = layer.handle_datagram(ms(500_000), udp(), text.as_bytes());
    assert!(again.unwrap().is_none());
    assert_eq!(first_lines(&mut layer, ms(500_000)), ["SIP/2.0 180 Ringing"]);
}

#[test]
fn timer_g_repeats_a_refusal_and_timer_h_gives_up() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    let id = arrives(&mut layer, Duration::ZERO, udp(), &request("INVITE", "1"));
    layer.set_user(id, 5).unwrap();
    layer.respond(Duration::ZERO, id, StatusCode::BUSY_HERE, |to| to.finish()).unwrap();
    sent(&mut layer, Duration::ZERO);
    let (lines, told) = run(&mut layer, ms(100_000));
    assert_eq!(times(&lines), [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
    assert_eq!(told, [(32000, "server Timeout".into())]);
    assert!(layer.is_empty() && layer.arena().is_empty());
}

#[test]
fn timer_i_absorbs_acks_after_the_first() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    let id = arrives(&mut layer, Duration::ZERO, udp(), &request("INVITE", "1"));
    layer.respond(Duration::ZERO, id, StatusCode::BUSY_HERE, |to| to.finish()).unwrap();
    sent(&mut layer, Duration::ZERO);
    for at in [100, 300] {
        let ack = request("ACK", "1");
        assert!(layer.handle_datagram(ms(at), udp(), ack.as_bytes()).unwrap().is_none());
    }
    assert_eq!(layer.server_state(id), Some(State::Confirmed));
    assert_eq!(layer.poll_timeout(), Some(ms(5100)));
    assert_eq!(run(&mut layer, ms(100_000)), (Vec::new(), Vec::new()));
    assert!(layer.is_empty() && layer.arena().is_empty());
}

#[test]
fn timer_j_answers_again_and_then_forgets() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    let text = request("OPTIONS", "1");
    let id = arrives(&mut layer, Duration::ZERO, udp(), &text);
    assert!(layer.handle_datagram(ms(50), udp(), text.as_bytes()).unwrap().is_none());
    assert!(sent(&mut layer, ms(50)).is_empty(), "absorbed while it is being worked on");
    layer.respond(ms(100), id, StatusCode::OK, |to| to.finish()).unwrap();
    let first = sent(&mut layer, ms(100)).pop().unwrap();
    assert!(layer.handle_datagram(ms(500), udp(), text.as_bytes()).unwrap().is_none());
    assert_eq!(sent(&mut layer, ms(500)).pop().unwrap(), first);
    assert_eq!(layer.poll_timeout(), Some(ms(32_100)));
    layer.handle_timeout(ms(32_100));
    assert!(layer.is_empty() && layer.arena().is_empty());
}

#[test]
fn timer_j_is_zero_over_a_stream() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    let id = arrives(&mut layer, Duration::ZERO, tcp(), &request("OPTIONS", "1"));
    layer.respond(Duration::ZERO, id, StatusCode::OK, |to| to.finish()).unwrap();
    layer.handle_timeout(Duration::ZERO);
    assert_eq!(first_lines(&mut layer, Duration::ZERO), ["SIP/2.0 200 OK"]);
    assert!(layer.is_empty() && layer.arena().is_empty());
}

#[test]
fn timer_l_absorbs_the_invite_and_a_proxy_may_send_each_2xx() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    let text = request("INVITE", "1");
    let id = arrives(&mut layer, Duration::ZERO, udp(), &text);
    for _ in 0..2 {
        let ok = |mut to: Writer<'_>| {
            to.response(StatusCode::OK, None);
            rows(to)
        };
        layer.forward(ms(100), id, StatusCode::OK, ok).unwrap();
        assert_eq!(first_lines(&mut layer, ms(100)), ["SIP/2.0 200 OK"]);
    }
    assert!(layer.handle_datagram(ms(600), udp(), text.as_bytes()).unwrap().is_none());
    assert!(sent(&mut layer, ms(600)).is_empty());
    assert_eq!(layer.poll_timeout(), Some(ms(32_100)));
    assert_eq!(run(&mut layer, ms(100_000)), (Vec::new(), Vec::new()));
    assert!(layer.is_empty() && layer.arena().is_empty());
}

#[test]
fn a_provisional_response_is_repeated_only_where_a_prack_is_waited_for() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    let id = arrives(&mut layer, Duration::ZERO, udp(), &request("INVITE", "1"));
    let code = StatusCode::RINGING;
    layer.respond_until_acknowledged(Duration::ZERO, id, code, |to| to.finish()).unwrap();
    sent(&mut layer, Duration::ZERO);
    assert_eq!(layer.poll_timeout(), None);
    layer.respond_reliably(Duration::ZERO, id, code, |to| to.finish()).unwrap();
    sent(&mut layer, Duration::ZERO);
    let (lines, _) = run(&mut layer, ms(10_000));
    assert_eq!(times(&lines), [500, 1500, 3500, 7500]);
    layer.provisional_acknowledged(id).unwrap();
    assert_eq!(layer.poll_timeout(), None);
}

#[test]
fn a_2xx_is_sent_until_the_ack_even_over_a_stream() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    let id = arrives(&mut layer, Duration::ZERO, tcp(), &request("INVITE", "1"));
    layer.respond_until_acknowledged(Duration::ZERO, id, StatusCode::OK, |to| to.finish()).unwrap();
    sent(&mut layer, Duration::ZERO);
    let (lines, _) = run(&mut layer, ms(10_000));
    assert_eq!(times(&lines), [500, 1500, 3500, 7500]);
    let ack = request("ACK", "other");
    let event = layer.handle_datagram(ms(10_000), tcp(), ack.as_bytes()).unwrap();
    assert!(matches!(event, Some(Event::Ack { .. })));
    layer.acknowledged(id).unwrap();
    assert_eq!(run(&mut layer, ms(100_000)), (Vec::new(), Vec::new()));
    assert!(layer.is_empty() && layer.arena().is_empty());
}

#[test]
fn a_2xx_without_an_ack_fails() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    let id = arrives(&mut layer, Duration::ZERO, udp(), &request("INVITE", "1"));
    layer.respond_until_acknowledged(Duration::ZERO, id, StatusCode::OK, |to| to.finish()).unwrap();
    let (_, told) = run(&mut layer, ms(100_000));
    assert_eq!(told, [(32_000, "server Timeout".into())]);
    assert!(layer.is_empty() && layer.arena().is_empty());
}

#[test]
fn a_cancel_waits_for_a_provisional_response() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    let (id, text) = invite(&mut layer, udp());
    layer.cancel(ms(10), id).unwrap();
    assert!(sent(&mut layer, ms(10)).is_empty());
    layer.handle_datagram(ms(100), udp(), response(&text, "100 Trying", "x").as_bytes()).unwrap();
    let cancel = sent(&mut layer, ms(100)).pop().unwrap().1;
    assert!(cancel.starts_with("CANCEL sip:them@example.com SIP/2.0\r\n"));
    assert!(cancel.contains("CSeq: 1 CANCEL\r\n"));
    let done = response(&cancel, "200 OK", "x");
    assert!(layer.handle_datagram(ms(200), udp(), done.as_bytes()).unwrap().is_none());
    let gone = response(&text, "487 Request Terminated", "x");
    let event = layer.handle_datagram(ms(200), udp(), gone.as_bytes()).unwrap();
    assert!(matches!(event, Some(Event::Response { .. })));
    assert_eq!(layer.cancel(ms(300), id), Err(Error::State));
    run(&mut layer, ms(100_000));
    assert!(layer.is_empty() && layer.arena().is_empty());
}

#[test]
fn a_cancel_finds_its_invite_or_is_answered_481() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    let id = arrives(&mut layer, Duration::ZERO, udp(), &request("INVITE", "1"));
    layer.set_user(id, 3).unwrap();
    let cancel = request("CANCEL", "1");
    let event = layer.handle_datagram(ms(10), udp(), cancel.as_bytes()).unwrap();
    assert!(
        matches!(event, Some(Event::Cancel { transaction, user: Some(3), .. }) if transaction == id)
    );
    assert_eq!(first_lines(&mut layer, ms(10)), ["SIP/2.0 200 OK"]);
    let stray = request("CANCEL", "2");
    assert!(layer.handle_datagram(ms(10), udp(), stray.as_bytes()).unwrap().is_none());
    let line = "SIP/2.0 481 Call/Transaction Does Not Exist";
    assert_eq!(first_lines(&mut layer, ms(10)), [line]);
}

#[test]
fn an_invite_of_rfc_2543_is_matched_without_a_branch() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    let old = |method: &str| request(method, "x").replace(";branch=z9hG4bKx", "");
    let id = arrives(&mut layer, Duration::ZERO, udp(), &old("INVITE"));
    assert!(layer.handle_datagram(ms(10), udp(), old("INVITE").as_bytes()).unwrap().is_none());
    layer.respond(ms(20), id, StatusCode::BUSY_HERE, |to| to.finish()).unwrap();
    let ack = old("ACK").replace("To: <sip:us@example.com>", "To: <sip:us@example.com>;tag=z");
    assert!(layer.handle_datagram(ms(30), udp(), ack.as_bytes()).unwrap().is_none());
    assert_eq!(layer.server_state(id), Some(State::Confirmed));
}

#[test]
fn a_merged_request_is_answered_482_where_that_is_wanted() {
    let mut storage = Store::new();
    let config = Config { refuse_merged: true, ..config() };
    let mut layer = Layer::<u32>::new(config, &mut storage, [1; 32]).unwrap();
    arrives(&mut layer, Duration::ZERO, udp(), &request("INVITE", "1"));
    let other_way = request("INVITE", "2");
    assert!(layer.handle_datagram(ms(10), udp(), other_way.as_bytes()).unwrap().is_none());
    assert_eq!(first_lines(&mut layer, ms(10)), ["SIP/2.0 482 Loop Detected"]);
}

#[test]
fn without_a_free_transaction_the_answer_is_503() {
    let mut storage = Storage::<u32, 1, 4096>::new();
    let mut layer = Layer::new(config(), &mut storage, [1; 32]).unwrap();
    arrives(&mut layer, Duration::ZERO, udp(), &request("OPTIONS", "1"));
    let text = request("OPTIONS", "2");
    let full = layer.handle_datagram(ms(10), udp(), text.as_bytes());
    assert!(matches!(full, Err(Error::Transactions(_))));
    let text = sent(&mut layer, ms(10)).pop().unwrap().1;
    assert!(text.starts_with("SIP/2.0 503 ") && text.contains("\r\nRetry-After: 5\r\n"), "{text}");
    let own = layer.send_request(ms(10), udp(), 1, Method::Options, b"sip:x", rows_of(b"OPTIONS"));
    assert!(matches!(own, Err(Error::Transactions(_))));
    run(&mut layer, ms(100_000));
    assert!(layer.is_empty() && layer.arena().is_empty());
}

#[test]
fn without_room_for_octets_the_answer_is_503() {
    let mut storage = Storage::<u32, 64, 2048>::new();
    let mut layer = Layer::new(config(), &mut storage, [1; 32]).unwrap();
    let mut refused = 0;
    for number in 0..20 {
        let text = request("OPTIONS", &std::format!("n{number}"));
        if layer.handle_datagram(ms(10), udp(), text.as_bytes()).is_err() {
            refused += 1;
            assert!(first_lines(&mut layer, ms(10))[0].starts_with("SIP/2.0 503 "));
        }
    }
    assert!(refused > 10, "{refused}");
}

#[test]
fn what_is_nearly_a_request_is_answered_and_told() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    let good = request("OPTIONS", "1");
    for (bad, line) in [
        (good.replace("Content-Length: 0", "Content-Length: 9"), "SIP/2.0 400 Bad Request"),
        (good.replace("Content-Length: 0", "Content-Length: x"), "SIP/2.0 400 Bad Request"),
        (good.replace("7 OPTIONS", "7 INVITE"), "SIP/2.0 400 Malformed CSeq"),
        (good.replace("7 OPTIONS", "x OPTIONS"), "SIP/2.0 400 Malformed CSeq"),
        (good.replace("SIP/2.0\r\nVia", "SIP/7.0\r\nVia"), "SIP/2.0 505 Version Not Supported"),
    ] {
        assert!(layer.handle_datagram(ms(1), udp(), bad.as_bytes()).is_err(), "{bad}");
        assert_eq!(first_lines(&mut layer, ms(1)), [line], "{bad}");
    }
    for bad in ["", "\r\n\r\n", "x", "ACK", "SIP/2.0 200 OK\r\n\r\n"] {
        let _ = layer.handle_datagram(ms(1), udp(), bad.as_bytes());
        assert!(sent(&mut layer, ms(1)).is_empty(), "{bad}");
    }
    assert!(layer.is_empty() && layer.arena().is_empty());
}

#[test]
fn a_closed_path_fails_what_waits_on_it() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    invite(&mut layer, tcp());
    options(&mut layer, udp());
    layer.handle_closed(ms(10), tcp());
    let event = layer.poll_event();
    assert!(matches!(event, Some(Event::ClientFailed { failure: Failure::Transport, .. })));
    assert!(layer.poll_event().is_none());
    assert_eq!(layer.len(), 1, "the other path is open still");
}

#[test]
fn a_response_takes_another_connection_when_its_own_is_gone_but_not_over_tls() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    let from = |transport: &str| {
        let mut path = if transport == "TCP" { tcp() } else { Path::tls(tcp().remote) };
        path.remote.set_port(40000);
        (path, request("INVITE", transport).replace("UDP", transport))
    };
    let (path, text) = from("TCP");
    let id = arrives(&mut layer, Duration::ZERO, path, &text);
    layer.handle_closed(ms(10), path);
    layer.respond(ms(20), id, StatusCode::RINGING, |to| to.finish()).unwrap();
    let (transmit, _) = sent(&mut layer, ms(20)).pop().unwrap();
    assert_eq!((transmit.path, transmit.may_connect), (tcp(), true));
    let (path, text) = from("TLS");
    let id = arrives(&mut layer, Duration::ZERO, path, &text);
    layer.respond(ms(20), id, StatusCode::RINGING, |to| to.finish()).unwrap();
    assert!(!sent(&mut layer, ms(20)).pop().unwrap().0.may_connect);
    layer.handle_closed(ms(30), path);
    let event = layer.poll_event();
    assert!(matches!(event, Some(Event::ServerFailed { failure: Failure::Transport, .. })));
}

#[test]
fn a_stream_is_cut_into_messages_and_keep_alives_are_answered() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    let text = std::format!("\r\n\r\n{}\r\n{}", request("OPTIONS", "1"), request("OPTIONS", "2"));
    for step in [1, 7, text.len()] {
        let (mut start, mut requests) = (0, 0);
        for end in (0..=text.len()).step_by(step) {
            loop {
                let bytes = &text.as_bytes()[start..end];
                let (used, event) = layer.handle_stream(MS, tcp(), bytes).unwrap();
                start += used;
                requests += usize::from(matches!(event, Some(Event::Request { .. })));
                if used == 0 {
                    break;
                }
            }
        }
        let all = sent(&mut layer, MS);
        assert_eq!(all[0].1, "\r\n");
        if step == 1 {
            assert_eq!((requests, start), (2, text.len()));
        }
    }
}

#[test]
fn a_buffer_too_small_loses_nothing() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    layer.send_request(MS, udp(), 9, Method::Invite, b"sip:them@example.com", rows).unwrap();
    let mut buffer = [0; 50];
    assert!(layer.poll_transmit(MS, &mut buffer).is_none());
    assert!(layer.poll_transmit(MS, &mut buffer).is_none());
    let Some(Event::BufferTooSmall { needed }) = layer.poll_event() else { panic!() };
    assert!(layer.poll_event().is_none(), "once is enough");
    let mut buffer = std::vec![0; needed];
    assert_eq!(layer.poll_transmit(MS, &mut buffer).map(|transmit| transmit.len), Some(needed));
    assert!(Message::parse(&buffer).is_ok());
}

#[test]
fn one_transaction_takes_no_more_memory_than_this() {
    let slot = size_of::<crate::storage::Slots<Transaction<u32>, 1, 3>>();
    assert!(slot <= 416, "{slot}");
}
