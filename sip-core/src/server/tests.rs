//! The server as its clients see it: texts in, texts out.

mod gate;
mod search;

use core::net::SocketAddr;
use core::time::Duration;
use std::boxed::Box;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::*;
use crate::auth::{self, Algorithm};
use crate::header::{Header, ProxyAuthenticate, WwwAuthenticate};
use crate::message::{Message, Name, Writer};
use crate::transport::Transport;

const LISTEN: &[Listen] = &[
    Listen { local: 0, transport: Transport::Udp, address: address(5060) },
    Listen { local: 1, transport: Transport::Tcp, address: address(5060) },
    Listen { local: 2, transport: Transport::Tls, address: address(5061) },
];

const fn address(port: u16) -> SocketAddr {
    SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 100)), port)
}

fn udp(port: u16) -> Path {
    Path::udp(SocketAddr::from(([192, 0, 2, 1], port)))
}

fn tcp(port: u16) -> Path {
    Path { local: 1, ..Path::tcp(SocketAddr::from(([192, 0, 2, 1], port))) }
}

fn tls(port: u16) -> Path {
    Path { local: 2, ..Path::tls(SocketAddr::from(([192, 0, 2, 1], port))) }
}

fn ha1(name: &str) -> Ha1 {
    let hash = |algorithm: Algorithm| Some(algorithm.ha1(name.as_bytes(), b"a.test", b"secret"));
    Ha1 { md5: hash(Algorithm::Md5), sha256: hash(Algorithm::Sha256), ..Ha1::default() }
}

struct Everybody;

impl Users for Everybody {
    fn ha1(&self, user: &[u8]) -> Option<Ha1> {
        matches!(user, b"alice" | b"bob" | b"carol")
            .then(|| ha1(core::str::from_utf8(user).unwrap()))
    }
}

/// Something that the server has sent.
#[derive(Clone, Debug)]
struct Sent {
    path: Path,
    may_connect: bool,
    text: String,
}

impl Sent {
    fn first_line(&self) -> &str {
        self.text.lines().next().unwrap()
    }

    fn code(&self) -> u16 {
        self.text.strip_prefix("SIP/2.0 ").map_or(0, |rest| rest[..3].parse().unwrap())
    }

    fn all(&self, name: &str) -> Vec<&str> {
        let head = self.text.split("\r\n\r\n").next().unwrap();
        let rows = head.lines().filter_map(|line| line.split_once(": "));
        rows.filter(|(found, _)| *found == name).map(|(_, value)| value).collect()
    }

    fn header(&self, name: &str) -> &str {
        self.all(name).first().copied().unwrap_or_default()
    }
}

type Small = Storage<8, 4, 4, 8, 32, 65536>;

struct Desk<'s> {
    server: Server<'s, Everybody>,
    now: Duration,
    number: u32,
    events: Vec<String>,
}

impl<'s> Desk<'s> {
    fn new<
        const B: usize,
        const P: usize,
        const W: usize,
        const R: usize,
        const T: usize,
        const O: usize,
    >(
        storage: &'s mut Storage<B, P, W, R, T, O>,
    ) -> Self {
        let server =
            Server::new(Config::new("a.test", LISTEN), Everybody, storage, [7; 32]).unwrap();
        Self { server, now: Duration::ZERO, number: 0, events: Vec::new() }
    }

    fn drain(&mut self) -> Vec<Sent> {
        let mut buffer = [0; 8192];
        let mut sent = Vec::new();
        while let Some(transmit) = self.server.poll_transmit(self.now, &mut buffer) {
            let text = String::from_utf8(buffer[..transmit.len].to_vec()).unwrap();
            sent.push(Sent { path: transmit.path, may_connect: transmit.may_connect, text });
        }
        while let Some(event) = self.server.poll_event() {
            self.events.push(format!("{event:?}"));
        }
        sent
    }

    fn hand_in(&mut self, path: Path, text: &str) -> Vec<Sent> {
        let octets = text.as_bytes();
        let event = if path.transport == Transport::Udp {
            self.server.handle_datagram(self.now, path, octets).unwrap()
        } else {
            let (used, event) = self.server.handle_stream(self.now, path, octets).unwrap();
            assert_eq!(used, octets.len());
            event
        };
        self.events.extend(event.map(|event| format!("{event:?}")));
        self.drain()
    }

    fn wait(&mut self, seconds: u64) -> Vec<Sent> {
        let end = self.now + Duration::from_secs(seconds);
        let mut sent = Vec::new();
        while let Some(at) = self.server.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.server.handle_timeout(self.now);
            sent.extend(self.drain());
        }
        self.now = end;
        sent
    }

    fn close(&mut self, path: Path) -> Vec<Sent> {
        self.server.handle_closed(self.now, path);
        self.drain()
    }

    /// A request of a user's.
    fn text(&mut self, path: Path, name: &str, method: &str, uri: &str, more: &str) -> String {
        self.number += 1;
        let number = self.number;
        let (head, body) = more.split_once("\r\n\r\n").unwrap_or((more, ""));
        let head = head.trim_end();
        let head = if head.is_empty() { String::new() } else { format!("{head}\r\n") };
        let to = if head.contains("To: ") { String::new() } else { format!("To: <{uri}>\r\n") };
        let call = if head.contains("Call-ID: ") {
            String::new()
        } else {
            format!("Call-ID: {name}-{number}\r\n")
        };
        format!(
            "{method} {uri} SIP/2.0\r\n\
             Via: SIP/2.0/{} {};branch=z9hG4bK-{name}-{number}\r\n\
             Max-Forwards: 70\r\n\
             From: <sip:{name}@a.test>;tag={name}\r\n\
             {to}{call}CSeq: {number} {method}\r\n{head}Content-Length: {}\r\n\r\n{body}",
            path.transport.via_token(),
            path.remote,
            body.len(),
        )
    }

    /// Sends a request, and answers the challenge to it; gives what the server sends then.
    fn ask(&mut self, path: Path, name: &str, method: &str, uri: &str, more: &str) -> Vec<Sent> {
        let first = self.text(path, name, method, uri, more);
        let sent = self.hand_in(path, &first);
        let [challenge] = &sent[..] else { return sent };
        let credentials = match challenge.code() {
            401 => {
                let row = WwwAuthenticate::parse(challenge.header("WWW-Authenticate").as_bytes());
                sign(row.unwrap().0, name, method, uri, Name::Authorization)
            }
            407 => {
                let row =
                    ProxyAuthenticate::parse(challenge.header("Proxy-Authenticate").as_bytes());
                sign(row.unwrap().0, name, method, uri, Name::ProxyAuthorization)
            }
            _ => return sent,
        };
        let second = self.text(path, name, method, uri, &format!("{credentials}{more}"));
        self.hand_in(path, &second)
    }

    fn register(&mut self, path: Path, name: &str, contact: &str, expires_s: u32) -> Sent {
        let more =
            format!("To: <sip:{name}@a.test>\r\nContact: <{contact}>\r\nExpires: {expires_s}\r\n");
        let mut sent = self.ask(path, name, "REGISTER", "sip:a.test", &more);
        assert_eq!(sent[0].code(), 200, "{sent:?}");
        sent.remove(0)
    }
}

fn sign(
    challenge: crate::header::Credentials<'_>,
    name: &str,
    method: &str,
    uri: &str,
    header: Name<'_>,
) -> String {
    let challenge = auth::Challenge::parse(&challenge).unwrap().unwrap();
    let account = auth::Account { user: name.as_bytes(), password: b"secret" };
    let answer = challenge.answer(&account, method.as_bytes(), uri.as_bytes(), b"", b"cn", 1);
    let mut buffer = [0; 1024];
    let mut to = Writer::new(&mut buffer);
    answer.write_row(header, &mut to);
    String::from_utf8(to.as_bytes().to_vec()).unwrap()
}

/// An answer to a request that the server has relayed.
fn reply(request: &Sent, status: &str, more: &str) -> String {
    let mut text = format!("SIP/2.0 {status}\r\n");
    for name in ["Via", "Record-Route", "From", "Call-ID", "CSeq"] {
        for value in request.all(name) {
            text += &format!("{name}: {value}\r\n");
        }
    }
    let to = request.header("To");
    let tag = if to.contains(";tag=") { "" } else { ";tag=there" };
    text + &format!("To: {to}{tag}\r\n{more}Content-Length: 0\r\n\r\n")
}

/// Bob at two places, and what both get when Alice calls.
fn call<'s>(storage: &'s mut Small) -> (Desk<'s>, Sent, Sent) {
    let mut desk = Desk::new(storage);
    desk.register(udp(6001), "bob", "sip:bob@192.0.2.1:6001", 600);
    desk.register(udp(6002), "bob", "sip:bob@192.0.2.1:6002", 600);
    let contact = "Contact: <sip:alice@192.0.2.1:7000>\r\n";
    let sent = desk.ask(udp(7000), "alice", "INVITE", "sip:bob@a.test", contact);
    let at = |port| sent.iter().find(|sent| sent.path == udp(port)).cloned().unwrap();
    let (one, two) = (at(6001), at(6002));
    assert_eq!(sent.len(), 2);
    assert_eq!(one.first_line(), "INVITE sip:bob@192.0.2.1:6001 SIP/2.0");
    assert_eq!(two.first_line(), "INVITE sip:bob@192.0.2.1:6002 SIP/2.0");
    (desk, one, two)
}

#[test]
fn a_call_rings_everywhere_and_whoever_answers_first_has_it() {
    let mut storage = Box::new(Small::new());
    let (mut desk, one, two) = call(&mut storage);
    assert_eq!(one.all("Record-Route").len(), 2);
    assert_eq!(one.all("Via").len(), 2);
    assert!(one.all("Proxy-Authorization").is_empty());
    assert_eq!(one.header("Max-Forwards"), "69");

    let ringing = desk.hand_in(udp(6001), &reply(&one, "180 Ringing", ""));
    assert_eq!((ringing[0].code(), ringing[0].path), (180, udp(7000)));
    assert_eq!(ringing[0].all("Via").len(), 1);
    assert_eq!(desk.hand_in(udp(6002), &reply(&two, "180 Ringing", ""))[0].code(), 180);

    let contact = "Contact: <sip:bob@192.0.2.1:6001>\r\n";
    let sent = desk.hand_in(udp(6001), &reply(&one, "200 OK", contact));
    let answer = sent.iter().find(|sent| sent.code() == 200).unwrap();
    assert_eq!(answer.path, udp(7000));
    let cancel = sent.iter().find(|sent| sent.first_line().starts_with("CANCEL")).unwrap();
    assert_eq!((cancel.path, cancel.all("Via")[0]), (udp(6002), two.all("Via")[0]));
    assert_eq!(sent.len(), 2);
    assert!(desk.events.iter().any(|event| event.starts_with("Answered")), "{:?}", desk.events);

    desk.hand_in(udp(6002), &reply(cancel, "200 OK", ""));
    let sent = desk.hand_in(udp(6002), &reply(&two, "487 Request Terminated", ""));
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert!(sent[0].first_line().starts_with("ACK sip:bob@192.0.2.1:6002 "));

    // The 2xx comes again until the caller's ACK has reached the callee, and is handed on each time.
    assert_eq!(desk.hand_in(udp(6001), &reply(&one, "200 OK", contact))[0].code(), 200);
    let routes: String = answer
        .all("Record-Route")
        .iter()
        .rev()
        .map(|value| format!("Route: {value}\r\n"))
        .collect();
    let to = answer.header("To").to_string();
    let call_id = answer.header("Call-ID").to_string();
    let more = format!("To: {to}\r\nCall-ID: {call_id}\r\n{routes}");
    let ack = desk.text(udp(7000), "alice", "ACK", "sip:bob@192.0.2.1:6001", &more);
    let sent = desk.hand_in(udp(7000), &ack);
    assert_eq!((sent.len(), sent[0].path), (1, udp(6001)));
    assert!(sent[0].all("Route").is_empty());

    // In the dialog nobody is challenged: the Record-Route proves it.
    let bye = desk.text(udp(7000), "alice", "BYE", "sip:bob@192.0.2.1:6001", &more);
    let sent = desk.hand_in(udp(7000), &bye);
    assert_eq!((sent.len(), sent[0].path), (1, udp(6001)));
    let sent = desk.hand_in(udp(6001), &reply(&sent[0], "200 OK", ""));
    assert_eq!((sent.len(), sent[0].code(), sent[0].path), (1, 200, udp(7000)));

    // The other side asks over the same route, from its first to its last.
    let routes: String =
        one.all("Record-Route").iter().map(|value| format!("Route: {value}\r\n")).collect();
    let more = format!("To: <sip:alice@a.test>;tag=alice\r\nCall-ID: {call_id}\r\n{routes}");
    let info = desk.text(udp(6001), "bob", "INFO", "sip:alice@192.0.2.1:7000", &more);
    let sent = desk.hand_in(udp(6001), &info);
    assert_eq!((sent.len(), sent[0].path), (1, udp(7000)));

    // It leads to the other side only, whatever else is asked for: to an address of record one has to
    // prove who one is, and another user's contact is not where it goes.
    let carol = desk.text(udp(6001), "bob", "MESSAGE", "sip:carol@a.test", &more);
    assert_eq!(desk.hand_in(udp(6001), &carol)[0].code(), 407);
    desk.register(udp(6003), "carol", "sip:carol@192.0.2.1:6003", 600);
    let carol = desk.text(udp(6001), "bob", "MESSAGE", "sip:carol@192.0.2.1:6003", &more);
    let elsewhere = desk.hand_in(udp(6001), &carol);
    assert_eq!((elsewhere.len(), elsewhere[0].path), (1, udp(7000)));
    desk.hand_in(udp(7000), &reply(&elsewhere[0], "481 Call Does Not Exist", ""));

    // A route of another call, or one made up, opens nothing.
    let more = more.replace(&call_id, "another");
    let info = desk.text(udp(6001), "bob", "INFO", "sip:alice@192.0.2.1:7000", &more);
    assert_eq!(desk.hand_in(udp(6001), &info)[0].code(), 407);

    desk.hand_in(udp(7000), &reply(&sent[0], "200 OK", ""));
    desk.wait(300);
    let live = desk.server.live();
    assert_eq!((live.transactions, live.relays), (0, 0));
}

#[test]
fn the_best_answer_is_handed_on_when_all_have_answered() {
    let mut storage = Box::new(Small::new());
    let (mut desk, one, two) = call(&mut storage);
    let sent = desk.hand_in(udp(6001), &reply(&one, "408 Request Timeout", ""));
    assert!(sent.iter().all(|sent| sent.first_line().starts_with("ACK")), "{sent:?}");
    let sent = desk.hand_in(udp(6002), &reply(&two, "486 Busy Here", "X-Why: dinner\r\n"));
    let answer = sent.iter().find(|sent| sent.code() > 0).unwrap();
    assert_eq!((answer.code(), answer.header("X-Why"), answer.path), (486, "dinner", udp(7000)));
    assert_eq!(desk.server.live().relays, 0);
}

#[test]
fn a_refusal_for_everywhere_ends_the_other_branches() {
    let mut storage = Box::new(Small::new());
    let (mut desk, one, two) = call(&mut storage);
    desk.hand_in(udp(6002), &reply(&two, "180 Ringing", ""));
    let sent = desk.hand_in(udp(6001), &reply(&one, "603 Decline", ""));
    let cancel = sent.iter().find(|sent| sent.first_line().starts_with("CANCEL")).unwrap();
    assert_eq!(cancel.path, udp(6002));
    assert!(sent.iter().all(|sent| sent.code() == 0), "{sent:?}");
    let sent = desk.hand_in(udp(6002), &reply(&two, "487 Request Terminated", ""));
    assert_eq!(sent.iter().find(|sent| sent.code() > 0).unwrap().code(), 603);
}

#[test]
fn who_calls_may_change_his_mind() {
    let mut storage = Box::new(Small::new());
    let (mut desk, one, two) = call(&mut storage);
    for (port, request) in [(6001, &one), (6002, &two)] {
        desk.hand_in(udp(port), &reply(request, "180 Ringing", ""));
    }
    let invite = format!(
        "CANCEL sip:bob@a.test SIP/2.0\r\nVia: {}\r\nMax-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\n\
         CSeq: {}\r\nContent-Length: 0\r\n\r\n",
        one.all("Via")[1],
        one.header("From"),
        one.header("To"),
        one.header("Call-ID"),
        one.header("CSeq").replace("INVITE", "CANCEL"),
    );
    let sent = desk.hand_in(udp(7000), &invite);
    assert_eq!(sent.iter().filter(|sent| sent.code() == 200 && sent.path == udp(7000)).count(), 1);
    assert_eq!(sent.iter().filter(|sent| sent.first_line().starts_with("CANCEL")).count(), 2);
    desk.hand_in(udp(6001), &reply(&one, "487 Request Terminated", ""));
    let sent = desk.hand_in(udp(6002), &reply(&two, "487 Request Terminated", ""));
    assert_eq!(sent.iter().find(|sent| sent.code() > 0).unwrap().code(), 487);
}

#[test]
fn silence_is_a_timeout_for_a_call_and_silence_for_all_else() {
    let mut storage = Box::new(Small::new());
    let mut desk = Desk::new(&mut storage);
    desk.register(udp(6001), "bob", "sip:bob@192.0.2.1:6001", 600);
    let sent = desk.ask(udp(7000), "alice", "MESSAGE", "sip:bob@a.test", "");
    assert_eq!((sent.len(), sent[0].path), (1, udp(6001)));
    // RFC 4320: whoever asked has given up by then too.
    let sent = desk.wait(60);
    assert!(sent.len() > 5 && sent.iter().all(|sent| sent.path == udp(6001)), "{sent:?}");
    assert_eq!(desk.server.live(), Live::default());

    let sent = desk.ask(udp(7000), "alice", "INVITE", "sip:bob@a.test", "");
    assert_eq!((sent.len(), sent[0].path), (1, udp(6001)));
    let sent = desk.wait(33);
    let answers: Vec<u16> =
        sent.iter().filter(|sent| sent.path == udp(7000)).map(Sent::code).collect();
    // The challenge to the first INVITE, which nobody has acknowledged here, comes again and again.
    assert!(answers.contains(&100) && answers.contains(&408), "{answers:?}");
    desk.wait(60);
    assert_eq!(desk.server.live(), Live::default());
}

#[test]
fn what_comes_on_two_ways_is_a_loop() {
    let mut storage = Box::new(Small::new());
    let (mut desk, one, _) = call(&mut storage);
    // As it went out, and back in at another's hand.
    let again = one.text.replacen("INVITE sip:bob@192.0.2.1:6001", "INVITE sip:bob@a.test", 1);
    let credentials = {
        let first = desk.hand_in(udp(9000), &again);
        assert_eq!(first[0].code(), 407);
        let row = ProxyAuthenticate::parse(first[0].header("Proxy-Authenticate").as_bytes());
        sign(row.unwrap().0, "alice", "INVITE", "sip:bob@a.test", Name::ProxyAuthorization)
    };
    let again = again.replacen("Max-Forwards", &format!("{credentials}Max-Forwards"), 1);
    let again = again.replacen("branch=z9hG4bK", "branch=z9hG4bKx", 1);
    let sent = desk.hand_in(udp(9000), &again);
    assert_eq!(sent[0].code(), 482, "{sent:?}");
}

#[test]
fn a_sender_of_rfc_2543_needs_no_branch() {
    let mut storage = Box::new(Small::new());
    let mut desk = Desk::new(&mut storage);
    let strip = |text: String| {
        let (before, after) = text.split_once(";branch=").unwrap();
        format!(
            "{before}{}",
            after.split_once("\r\n").map(|(_, rest)| format!("\r\n{rest}")).unwrap()
        )
    };
    desk.register(udp(6001), "bob", "sip:bob@192.0.2.1:6001", 600);
    let first = desk.text(udp(7000), "alice", "MESSAGE", "sip:bob@a.test", "");
    let challenge = desk.hand_in(udp(7000), &strip(first)).remove(0);
    let row =
        ProxyAuthenticate::parse(challenge.header("Proxy-Authenticate").as_bytes()).unwrap().0;
    let credentials = sign(row, "alice", "MESSAGE", "sip:bob@a.test", Name::ProxyAuthorization);
    let second = strip(desk.text(udp(7000), "alice", "MESSAGE", "sip:bob@a.test", &credentials));
    let sent = desk.hand_in(udp(7000), &second);
    assert_eq!((sent.len(), sent[0].path), (1, udp(6001)));
    assert!(desk.hand_in(udp(7000), &second).is_empty(), "it came again, and is relayed once");
    let answer = desk.hand_in(udp(6001), &reply(&sent[0], "200 OK", ""));
    assert_eq!((answer[0].code(), answer[0].path), (200, udp(7000)));
    assert_eq!(
        desk.hand_in(udp(7000), &second)[0].code(),
        200,
        "it came again, and is answered again"
    );
}

#[test]
fn tcp_clients_are_reached_on_their_own_port_and_tls_clients_over_their_connection_only() {
    let mut storage = Box::new(Small::new());
    let mut desk = Desk::new(&mut storage);
    desk.register(tcp(40001), "bob", "sip:bob@192.0.2.1:7100;transport=tcp", 600);
    desk.register(tls(40002), "carol", "sip:carol@192.0.2.1:40002;transport=tls", 600);

    let sent = desk.ask(udp(7000), "alice", "MESSAGE", "sip:bob@a.test", "");
    assert_eq!((sent[0].path, sent[0].may_connect), (tcp(40001), true));
    desk.hand_in(tcp(40001), &reply(&sent[0], "200 OK", ""));
    desk.close(tcp(40001));
    let sent = desk.ask(udp(7000), "alice", "MESSAGE", "sip:bob@a.test", "");
    assert_eq!((sent[0].path, sent[0].may_connect), (tcp(7100), true));
    // Nobody listens there.
    let sent = desk.close(tcp(7100));
    assert_eq!((sent.len(), sent[0].code(), sent[0].path), (1, 480, udp(7000)), "{sent:?}");

    let sent = desk.ask(udp(7000), "alice", "MESSAGE", "sip:carol@a.test", "");
    assert_eq!((sent[0].path, sent[0].may_connect), (tls(40002), false));
    let sent = desk.close(tls(40002));
    assert_eq!((sent.len(), sent[0].code()), (1, 480), "{sent:?}");
    let sent = desk.ask(udp(7000), "alice", "MESSAGE", "sip:carol@a.test", "");
    assert_eq!((sent.len(), sent[0].code()), (1, 480));
    assert!(desk.events.iter().any(|event| event.contains("Disconnected")), "{:?}", desk.events);
}

#[test]
fn what_is_full_says_when_to_come_again() {
    let mut storage = Box::new(Storage::<2, 1, 1, 1, 8, 16384>::new());
    let mut desk = Desk::new(&mut *storage);
    desk.register(udp(6001), "bob", "sip:bob@192.0.2.1:6001", 600);
    desk.register(udp(6002), "alice", "sip:alice@192.0.2.1:6002", 600);
    let more = "To: <sip:carol@a.test>\r\nContact: <sip:carol@192.0.2.1:6003>\r\n";
    let sent = desk.ask(udp(6003), "carol", "REGISTER", "sip:a.test", more);
    assert_eq!((sent[0].code(), sent[0].header("Retry-After")), (503, "5"), "{sent:?}");
    // Transactions over UDP live on for a while.
    desk.wait(40);
    assert_eq!(desk.ask(udp(7000), "alice", "MESSAGE", "sip:bob@a.test", "")[0].path, udp(6001));
    let sent = desk.ask(udp(7000), "alice", "MESSAGE", "sip:bob@a.test", "");
    assert_eq!((sent[0].code(), sent[0].header("Retry-After")), (503, "5"), "{sent:?}");
    // With the last transaction gone the layer itself says so.
    let mut last = Vec::new();
    for _ in 0..8 {
        let text = desk.text(udp(7000), "alice", "OPTIONS", "sip:a.test", "");
        if desk.server.handle_datagram(desk.now, udp(7000), text.as_bytes()).is_err() {
            last = desk.drain();
            break;
        }
        desk.drain();
    }
    assert_eq!((last[0].code(), last[0].header("Retry-After")), (503, "5"), "{last:?}");
    desk.wait(120);
    assert_eq!(desk.server.live(), Live::default());
    assert_eq!(desk.ask(udp(7000), "alice", "MESSAGE", "sip:bob@a.test", "")[0].path, udp(6001));
}

#[test]
fn who_may_do_what() {
    let mut storage = Box::new(Small::new());
    let mut desk = Desk::new(&mut storage);
    desk.register(udp(6001), "bob", "sip:bob@192.0.2.1:6001", 600);
    let ask = |desk: &mut Desk<'_>, name: &str, method: &str, uri: &str, more: &str| {
        desk.wait(40);
        desk.ask(udp(7000), name, method, uri, more)[0].code()
    };
    assert_eq!(ask(&mut desk, "alice", "MESSAGE", "sip:nobody@a.test", ""), 404);
    assert_eq!(ask(&mut desk, "alice", "MESSAGE", "sip:carol@a.test", ""), 480);
    assert_eq!(ask(&mut desk, "alice", "MESSAGE", "sip:x@elsewhere.test", ""), 403);
    assert_eq!(ask(&mut desk, "alice", "MESSAGE", "sip:x@192.0.2.66", ""), 403);
    assert_eq!(ask(&mut desk, "mallory", "MESSAGE", "sip:bob@a.test", ""), 407);
    assert_eq!(ask(&mut desk, "alice", "REGISTER", "sip:a.test", "To: <sip:bob@a.test>\r\n"), 403);
    assert_eq!(ask(&mut desk, "alice", "PUBLISH", "sip:bob@a.test", "Event: presence\r\n"), 403);
    assert_eq!(ask(&mut desk, "alice", "FROB", "sip:a.test", ""), 501);
    assert_eq!(ask(&mut desk, "alice", "MESSAGE", "sip:a.test", ""), 405);
    assert_eq!(
        ask(&mut desk, "alice", "BYE", "sip:bob@a.test", "To: <sip:bob@a.test>;tag=x\r\n"),
        481
    );
    assert_eq!(ask(&mut desk, "alice", "OPTIONS", "sip:a.test", "Require: x\r\n"), 420);
    let stranger = desk
        .text(udp(7000), "eve", "MESSAGE", "sip:bob@a.test", "")
        .replace("<sip:eve@a.test>", "<sip:eve@elsewhere.test>");
    assert_eq!(desk.hand_in(udp(7000), &stranger)[0].code(), 403);
    // A nonce that is too old is said to be, to one who knows the password.
    let first = desk.text(udp(7000), "alice", "MESSAGE", "sip:carol@a.test", "");
    let challenge = desk.hand_in(udp(7000), &first).remove(0);
    let row =
        ProxyAuthenticate::parse(challenge.header("Proxy-Authenticate").as_bytes()).unwrap().0;
    let credentials = sign(row, "alice", "MESSAGE", "sip:carol@a.test", Name::ProxyAuthorization);
    desk.wait(400);
    let second = desk.text(udp(7000), "alice", "MESSAGE", "sip:carol@a.test", &credentials);
    let stale = desk.hand_in(udp(7000), &second).remove(0);
    assert!(
        stale.code() == 407 && stale.header("Proxy-Authenticate").contains("stale=TRUE"),
        "{stale:?}"
    );
}

#[test]
fn a_strict_router_before_the_server_is_understood() {
    let mut storage = Box::new(Small::new());
    let (mut desk, one, _) = call(&mut storage);
    let routes = one.all("Record-Route");
    let own = routes[0].trim_matches(['<', '>']).to_string();
    let call_id = one.header("Call-ID").to_string();
    let more = format!(
        "To: <sip:alice@a.test>;tag=alice\r\nCall-ID: {call_id}\r\nRoute: {}\r\nRoute: <sip:alice@192.0.2.1:7000>\r\n",
        routes[1]
    );
    let info = desk.text(udp(6001), "bob", "INFO", &own, &more);
    let sent = desk.hand_in(udp(6001), &info);
    assert_eq!((sent.len(), sent[0].path), (1, udp(7000)), "{sent:?}");
    assert_eq!(sent[0].first_line(), "INFO sip:alice@192.0.2.1:7000 SIP/2.0");
    assert!(sent[0].all("Route").is_empty());
}

const PIDF_TEXT: &str = "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"sip:bob@a.test\">\
    <tuple id=\"1\"><status><basic>open</basic></status></tuple></presence>";

fn watch(desk: &mut Desk<'_>, expires_s: u32) -> Vec<Sent> {
    let more = format!(
        "Event: presence\r\nContact: <sip:alice@192.0.2.1:7000>\r\nExpires: {expires_s}\r\n"
    );
    desk.ask(udp(7000), "alice", "SUBSCRIBE", "sip:bob@a.test", &more)
}

#[test]
fn watchers_see_what_is_published_and_who_is_gone() {
    let mut storage = Box::new(Small::new());
    let mut desk = Desk::new(&mut storage);
    let sent = watch(&mut desk, 600);
    let (answer, notify) = (&sent[0], &sent[1]);
    assert_eq!((answer.code(), answer.header("Expires")), (200, "600"));
    assert!(notify.first_line().starts_with("NOTIFY sip:alice@192.0.2.1:7000 "));
    assert!(notify.text.contains("<basic>closed</basic>"), "{}", notify.text);
    assert!(notify.header("Subscription-State").starts_with("active;expires="));
    // The NOTIFY stands in the dialog that the answer has begun.
    let tag = answer.header("To").split(";tag=").nth(1).unwrap();
    assert!(notify.header("From").ends_with(&format!(";tag={tag}")), "{}", notify.text);
    desk.hand_in(udp(7000), &reply(notify, "200 OK", ""));

    let told = |desk: &mut Desk<'_>, sent: &[Sent], what: &str| {
        let notify = sent.iter().find(|sent| sent.first_line().starts_with("NOTIFY")).unwrap();
        assert!(notify.text.contains(what), "{}", notify.text);
        desk.hand_in(udp(7000), &reply(notify, "200 OK", ""));
    };
    let more = "To: <sip:bob@a.test>\r\nContact: <sip:bob@192.0.2.1:6001>\r\nExpires: 300\r\n";
    let sent = desk.ask(udp(6001), "bob", "REGISTER", "sip:a.test", more);
    told(&mut desk, &sent, "<basic>open</basic>");
    let more = format!("Event: presence\r\nContent-Type: application/pidf+xml\r\n\r\n{PIDF_TEXT}");
    let sent = desk.ask(udp(6001), "bob", "PUBLISH", "sip:bob@a.test", &more);
    assert_eq!(sent[0].code(), 200);
    told(&mut desk, &sent, PIDF_TEXT);
    // Another of his devices does, too: both are shown.
    let sent = desk.ask(udp(6002), "bob", "PUBLISH", "sip:bob@a.test", &more.replace('1', "2"));
    let notify = sent.iter().find(|sent| sent.first_line().starts_with("NOTIFY")).unwrap();
    assert!(notify.text.contains("<tuple id=\"1\">"), "{}", notify.text);
    told(&mut desk, &sent, "<tuple id=\"2\">");
    // Bob does not renew his registration.
    let sent = desk.wait(301);
    told(&mut desk, &sent, "<basic>closed</basic>");
    assert!(desk.events.iter().any(|event| event.contains("Expired")), "{:?}", desk.events);
    // Alice does not renew her subscription.
    let sent = desk.wait(301);
    assert!(sent[0].header("Subscription-State").starts_with("terminated"), "{sent:?}");
    desk.hand_in(udp(7000), &reply(&sent[0], "200 OK", ""));
    assert_eq!(desk.server.live().watchers, 0);
}

#[test]
fn a_look_once_is_one_notify_and_who_refuses_is_told_no_more() {
    let mut storage = Box::new(Small::new());
    let mut desk = Desk::new(&mut storage);
    let sent = watch(&mut desk, 0);
    assert_eq!((sent[0].code(), sent[0].header("Expires")), (200, "0"));
    assert!(sent[1].header("Subscription-State").starts_with("terminated"));
    desk.hand_in(udp(7000), &reply(&sent[1], "200 OK", ""));
    assert_eq!(desk.server.live().watchers, 0);

    desk.wait(40);
    let sent = watch(&mut desk, 600);
    desk.hand_in(udp(7000), &reply(&sent[1], "481 Subscription Does Not Exist", ""));
    assert_eq!(desk.server.live().watchers, 0);
}

#[test]
fn what_presence_refuses() {
    let mut storage = Box::new(Small::new());
    let mut desk = Desk::new(&mut storage);
    desk.server.config.max_document = 64;
    let pidf = "Event: presence\r\nContent-Type: application/pidf+xml\r\n";
    for (method, more, code) in [
        ("PUBLISH", "\r\n\r\n".to_string(), 400),
        ("PUBLISH", "Event: dialog\r\n".to_string(), 489),
        ("PUBLISH", "Event: presence\r\n".to_string(), 400),
        ("PUBLISH", "Event: presence\r\nContent-Type: text/plain\r\n\r\nhello".to_string(), 415),
        ("PUBLISH", format!("{pidf}\r\n\r\n{PIDF_TEXT}"), 413),
        ("PUBLISH", "Event: presence\r\nSIP-If-Match: 0123456789abcdef\r\n".to_string(), 412),
        ("PUBLISH", "Event: presence\r\nSIP-If-Match: x\r\n".to_string(), 412),
        ("PUBLISH", format!("{pidf}Expires: 3\r\n\r\n<x/>"), 423),
        ("SUBSCRIBE", "Event: presence\r\nAccept: text/html\r\n".to_string(), 406),
        ("SUBSCRIBE", "Event: presence\r\n".to_string(), 400),
        ("SUBSCRIBE", "Event: presence\r\nExpires: 9\r\n".to_string(), 423),
        (
            "SUBSCRIBE",
            "Event: presence\r\nContact: <sip:bob@192.0.2.1>\r\nTo: <sip:bob@a.test>;tag=no\r\n"
                .to_string(),
            481,
        ),
        ("SUBSCRIBE", "Event: dialog\r\nContact: <sip:bob@192.0.2.1>\r\n".to_string(), 480),
    ] {
        desk.wait(40);
        let sent = desk.ask(udp(6001), "bob", method, "sip:bob@a.test", &more);
        assert_eq!(sent[0].code(), code, "{method} {more}");
    }
    assert_eq!((desk.server.live().watchers, desk.server.live().publications), (0, 0));
}

#[test]
fn responses_that_belong_to_nothing_change_nothing() {
    let mut storage = Box::new(Small::new());
    let (mut desk, one, _) = call(&mut storage);
    let stray = reply(&one, "200 OK", "").replace("branch=z9hG4bK", "branch=z9hG4bKother");
    assert!(desk.hand_in(udp(6001), &stray).is_empty());
    assert!(Message::parse(stray.as_bytes()).is_ok());
}
