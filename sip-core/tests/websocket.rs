//! SIP over WebSocket (RFC 7118): one SIP message in each WebSocket message, and what stands in Via.

use core::time::Duration;

use sip_core::message::{Message, Method, Name, StatusCode, Writer};
use sip_core::transaction::{Config, Event, Layer, SentBy, Storage};
use sip_core::transport::{Path, Transport};

const NOW: Duration = Duration::ZERO;

fn path(transport: Transport) -> Path {
    Path::new(transport, "192.0.2.2:50000".parse().unwrap())
}

type Store = Storage<u8, 4, 8192>;

fn layer(storage: &mut Store) -> Layer<'_, u8> {
    let config = Config::new(SentBy::all("192.0.2.1:443".parse().unwrap()));
    Layer::new(config, storage, [7; 32]).unwrap()
}

fn sent(layer: &mut Layer<'_, u8>) -> Option<(Path, bool, Vec<u8>)> {
    let mut buffer = [0; 2048];
    let transmit = layer.poll_transmit(NOW, &mut buffer)?;
    Some((transmit.path, transmit.may_connect, buffer[..transmit.len].to_vec()))
}

/// The REGISTER of RFC 7118 section 8.1, which has no Content-Length.
const REGISTER: &[u8] = b"REGISTER sip:proxy.example.com SIP/2.0\r\n\
    Via: SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bKasudf\r\n\
    From: sip:alice@example.com;tag=65bnmj.34asd\r\nTo: sip:alice@example.com\r\n\
    Call-ID: aiuy7k9njasd\r\nCSeq: 1 REGISTER\r\nMax-Forwards: 70\r\n\
    Supported: path, outbound, gruu\r\n\
    Contact: <sip:alice@df7jal23ls0d.invalid;transport=ws>;reg-id=1\
    ;+sip.instance=\"<urn:uuid:f81-7dec-14a06cf1>\"\r\n\r\n";

#[test]
fn a_message_without_content_length_is_whole_and_is_answered_on_its_connection() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    let event = layer.handle_datagram(NOW, path(Transport::Wss), REGISTER).unwrap();
    let Some(Event::Request { transaction, message, .. }) = event else { panic!("{event:?}") };
    assert_eq!(message.method(), Some(Method::Register));
    layer.respond(NOW, transaction, StatusCode::OK, |to| to.finish()).unwrap();
    let (to, may_connect, response) = sent(&mut layer).unwrap();
    assert_eq!((to, may_connect), (path(Transport::Wss), false), "a browser cannot be called");
    let response = Message::parse(&response).unwrap();
    // The host in Via is made up (RFC 7118 section 5.1): the connection is the way back.
    let via = response.row(Name::Via).unwrap().value;
    assert!(via.starts_with(b"SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bKasudf"));
}

#[test]
fn requests_name_ws_or_wss_in_their_via_and_are_sent_once() {
    for (transport, token) in [(Transport::Ws, "SIP/2.0/WS "), (Transport::Wss, "SIP/2.0/WSS ")] {
        let mut storage = Store::new();
        let mut layer = layer(&mut storage);
        let rows = |mut to: Writer<'_>| {
            to.raw(Name::From, b"<sip:a@example.com>;tag=1");
            to.raw(Name::To, b"<sip:b@example.com>");
            to.raw(Name::CallId, b"c");
            to.raw(Name::CSeq, b"1 OPTIONS");
            to.finish()
        };
        layer.send_request(NOW, path(transport), 0, Method::Options, b"sip:b@h", rows).unwrap();
        let (_, _, request) = sent(&mut layer).unwrap();
        let via = Message::parse(&request).unwrap().row(Name::Via).unwrap().value;
        assert!(via.starts_with(token.as_bytes()), "{}", via.escape_ascii());
        // Reliable: nothing is sent again (RFC 3261 section 17.1.2.2).
        layer.handle_timeout(Duration::from_secs(5));
        assert!(sent(&mut layer).is_none());
        assert_eq!(Transport::from_token(transport.via_token().as_bytes()), Some(transport));
    }
    assert_eq!((Transport::Ws.default_port(), Transport::Wss.default_port()), (80, 443));
}

#[test]
fn a_keep_alive_is_a_message_of_its_own_and_so_is_its_answer() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    for _ in 0..3 {
        let event = layer.handle_datagram(NOW, path(Transport::Ws), b"\r\n\r\n").unwrap();
        assert!(event.is_none());
    }
    assert_eq!(sent(&mut layer), Some((path(Transport::Ws), false, b"\r\n".to_vec())));
    assert_eq!(sent(&mut layer), None, "one answer for all that waited");
    // A pong, or nothing, asks for nothing; and over UDP a keep-alive has no answer.
    layer.handle_datagram(NOW, path(Transport::Ws), b"\r\n").unwrap();
    layer.handle_datagram(NOW, path(Transport::Ws), b"").unwrap();
    layer.handle_datagram(NOW, path(Transport::Udp), b"\r\n\r\n").unwrap();
    assert_eq!(sent(&mut layer), None);
}

#[test]
fn what_follows_a_message_in_its_frame_is_not_taken_for_another() {
    let mut storage = Store::new();
    let mut layer = layer(&mut storage);
    let mut two = REGISTER.to_vec();
    let end = two.len() - 2;
    two.splice(end..end, *b"Content-Length: 0\r\n");
    let smuggled = [&two[..], b"OPTIONS sip:a SIP/2.0\r\n\r\n"].concat();
    let event = layer.handle_datagram(NOW, path(Transport::Ws), &smuggled).unwrap();
    let Some(Event::Request { message, .. }) = event else { panic!("{event:?}") };
    assert_eq!((message.method(), message.body()), (Some(Method::Register), &b""[..]));
    assert!(layer.poll_event().is_none());
}
