//! The server on real sockets of the loopback address: UDP, TCP and TLS.

mod common;

use core::time::Duration;
use std::io::Write;
use std::net::TcpStream;

use common::{Client, TestServer};
use live_server::Notice;

const BOB: &str = "sip:bob@example.test";
const PIDF: &str = "<?xml version=\"1.0\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
                    entity=\"sip:bob@example.test\"><tuple id=\"t1\"><status><basic>open</basic></status>\
                    <note>in a meeting</note></tuple></presence>";

fn clients(server: &TestServer, name: &str) -> [Client; 3] {
    let ready = &server.ready;
    [Client::udp(name, ready), Client::tcp(name, ready), Client::tls(name, ready)]
}

#[test]
fn users_sign_in_and_out_over_each_transport() {
    let server = TestServer::start();
    for mut alice in clients(&server, "alice") {
        let answer = alice.register(600);
        assert_eq!(answer.code(), 200, "{}", answer.0);
        assert!(answer.header("Contact").contains(&alice.contact), "{}", answer.0);
        assert!(answer.header("Contact").contains("expires=600"), "{}", answer.0);
        assert_eq!(answer.header("Expires"), "600");
        let transport = alice.transport;
        let notice = server.notice(|notice| matches!(notice, Notice::Registered { .. }));
        let Notice::Registered { user, transport: over, devices: 1, .. } = notice else {
            panic!("{notice:?}")
        };
        assert_eq!((user.as_str(), over), ("alice", transport));
        let answer = alice.register(0);
        assert_eq!((answer.code(), answer.header("Contact")), (200, ""), "{}", answer.0);
        server.notice(|notice| matches!(notice, Notice::Unregistered { reason: "removed", .. }));
    }
}

#[test]
fn the_stronger_digest_is_taken_too_and_a_wrong_one_is_not() {
    let server = TestServer::start();
    let mut alice = Client::tcp("alice", &server.ready);
    let more = format!("Contact: <{}>\r\n", alice.contact);
    let to = "<sip:alice@example.test>";
    alice.start("REGISTER", "sip:example.test", to, &more, "");
    let challenge = alice.answer();
    assert_eq!(challenge.code(), 401);
    assert_eq!(challenge.all("WWW-Authenticate").len(), 2);
    let sha = alice.credentials(&challenge, "REGISTER", "sip:example.test", "SHA-256");
    alice.start("REGISTER", "sip:example.test", to, &format!("{more}{sha}"), "");
    assert_eq!(alice.answer().code(), 200);

    let wrong = alice.credentials(&challenge, "REGISTER", "sip:other.test", "SHA-256");
    alice.start("REGISTER", "sip:example.test", to, &format!("{more}{wrong}"), "");
    assert_ne!(alice.answer().code(), 200, "the digest was made for another URI");

    let mut mallory = Client::tcp("mallory", &server.ready);
    assert_eq!(mallory.register(600).code(), 401);
    // Carol's password does not open Alice's mailbox.
    let mut carol = Client::tcp("carol", &server.ready);
    let more = format!("Contact: <{}>\r\n", carol.contact);
    assert_eq!(carol.ask("REGISTER", "sip:example.test", to, &more, "").code(), 403);
}

#[test]
fn messages_pass_between_each_two_transports() {
    let server = TestServer::start();
    for (a, b) in [(0, 1), (1, 2), (2, 0)] {
        let mut alice = clients(&server, "alice").into_iter().nth(a).unwrap();
        let mut bob = clients(&server, "bob").into_iter().nth(b).unwrap();
        assert_eq!(alice.register(600).code(), 200);
        assert_eq!(bob.register(600).code(), 200);
        let more = "Content-Type: text/plain\r\n";
        let asked = std::thread::spawn(move || {
            let answer = alice.ask("MESSAGE", BOB, "<sip:bob@example.test>", more, "hello, bob");
            (alice, answer)
        });
        let message = bob.request("MESSAGE");
        assert_eq!(message.first_line(), format!("MESSAGE {} SIP/2.0", bob.contact));
        assert_eq!((message.body(), message.header("Max-Forwards")), ("hello, bob", "69"));
        assert_eq!(message.header("Proxy-Authorization"), "", "the password's proof stays here");
        bob.reply(&message, "200 OK", "");
        let (mut alice, answer) = asked.join().unwrap();
        assert_eq!(answer.code(), 200, "{}", answer.0);
        assert_eq!(answer.all("Via").len(), 1);
        assert_eq!((alice.register(0).code(), bob.register(0).code()), (200, 200));
    }
}

#[test]
fn in_clear_tcp_a_client_is_reached_on_its_own_port_when_its_connection_is_gone() {
    let server = TestServer::start();
    let mut alice = Client::udp("alice", &server.ready);
    let mut bob = Client::tcp("bob", &server.ready);
    assert_eq!((alice.register(600).code(), bob.register(600).code()), (200, 200));
    bob.hang_up();
    std::thread::sleep(Duration::from_millis(100));
    let asked = std::thread::spawn(move || {
        alice.ask(
            "MESSAGE",
            BOB,
            "<sip:bob@example.test>",
            "Content-Type: text/plain\r\n",
            "still there?",
        )
    });
    bob.accept();
    let message = bob.request("MESSAGE");
    assert_eq!(message.body(), "still there?");
    bob.reply(&message, "200 OK", "");
    assert_eq!(asked.join().unwrap().code(), 200);
}

#[test]
fn in_tls_a_client_is_reached_only_over_the_connection_that_it_opened() {
    let server = TestServer::start();
    let mut alice = Client::udp("alice", &server.ready);
    let mut bob = Client::tls("bob", &server.ready);
    assert_eq!((alice.register(600).code(), bob.register(600).code()), (200, 200));
    bob.hang_up();
    server.notice(|notice| matches!(notice, Notice::Unregistered { reason: "disconnected", .. }));
    let more = "Content-Type: text/plain\r\n";
    let answer = alice.ask("MESSAGE", BOB, "<sip:bob@example.test>", more, "gone?");
    assert_eq!(answer.code(), 480, "{}", answer.0);
}

#[test]
fn presence_reaches_watchers() {
    let server = TestServer::start();
    let mut alice = Client::tls("alice", &server.ready);
    let mut bob = Client::tcp("bob", &server.ready);
    assert_eq!(alice.register(600).code(), 200);
    let more = format!(
        "Event: presence\r\nAccept: application/pidf+xml\r\nContact: <{}>\r\nExpires: 600\r\n",
        alice.contact
    );
    let answer = alice.ask("SUBSCRIBE", BOB, "<sip:bob@example.test>", &more, "");
    assert_eq!((answer.code(), answer.header("Expires")), (200, "600"), "{}", answer.0);
    let mut told = |what: &str| {
        let notify = alice.request("NOTIFY");
        assert!(notify.header("Subscription-State").starts_with("active"), "{}", notify.0);
        assert_eq!(notify.header("Event"), "presence");
        assert!(notify.body().contains(what), "{what}: {}", notify.0);
        alice.reply(&notify, "200 OK", "");
    };
    told("<basic>closed</basic>");
    assert_eq!(bob.register(600).code(), 200);
    told("<basic>open</basic>");
    let more = "Event: presence\r\nContent-Type: application/pidf+xml\r\nExpires: 600\r\n";
    let answer = bob.ask("PUBLISH", BOB, "<sip:bob@example.test>", more, PIDF);
    assert_eq!(answer.code(), 200, "{}", answer.0);
    assert_ne!(answer.header("SIP-ETag"), "");
    told("in a meeting");
    assert_eq!(bob.register(0).code(), 200);
    told("<basic>closed</basic>");
}

#[test]
fn a_call_passes_through_from_its_beginning_to_its_end() {
    let server = TestServer::start();
    let mut alice = Client::tcp("alice", &server.ready);
    let mut bob = Client::tls("bob", &server.ready);
    assert_eq!((alice.register(600).code(), bob.register(600).code()), (200, 200));

    let contact = format!("Contact: <{}>\r\n", alice.contact);
    alice.next_call();
    alice.start("INVITE", BOB, "<sip:bob@example.test>", &contact, "");
    let challenge = alice.answer();
    assert_eq!(challenge.code(), 407, "{}", challenge.0);
    let more = format!("{contact}{}", alice.credentials(&challenge, "INVITE", BOB, "MD5"));
    alice.start("INVITE", BOB, "<sip:bob@example.test>", &more, "");
    let invite = bob.request("INVITE");
    assert!(!invite.all("Record-Route").is_empty());
    bob.reply(&invite, "180 Ringing", "");
    assert_eq!(alice.wait_for(|text| text.code() == 180).header("CSeq"), invite.header("CSeq"));
    let contact = format!("Contact: <{}>\r\n", bob.contact);
    bob.reply(&invite, "200 OK", &contact);
    let answer = alice.answer();
    assert_eq!(answer.code(), 200, "{}", answer.0);
    server.notice(|notice| matches!(notice, Notice::Call { state: "answered", .. }));

    // The route set: Record-Route from the last to the first at the caller (RFC 3261 12.1.2).
    let mut routes = String::new();
    for value in answer.all("Record-Route").iter().rev() {
        routes.push_str(&format!("Route: {value}\r\n"));
    }
    let (target, to) = (bob.contact.clone(), answer.header("To").to_owned());
    alice.start("ACK", &target, &to, &routes, "");
    assert_eq!(bob.request("ACK").first_line(), format!("ACK {target} SIP/2.0"));

    alice.start("BYE", &target, &to, &routes, "");
    let bye = bob.request("BYE");
    assert_eq!(bye.all("Route").len(), 0, "the server was the only hop");
    bob.reply(&bye, "200 OK", "");
    assert_eq!(alice.answer().code(), 200);
    server.notice(|notice| matches!(notice, Notice::Call { state: "ended", .. }));
}

#[test]
fn garbage_and_silence_disturb_nobody() {
    let server = TestServer::start();
    let mut alice = Client::tcp("alice", &server.ready);
    let mut bob = Client::udp("bob", &server.ready);
    assert_eq!((alice.register(600).code(), bob.register(600).code()), (200, 200));

    let mut half = TcpStream::connect(server.ready.tcp[0]).unwrap();
    half.write_all(b"REGISTER sip:example.test SIP/2.0\r\nVia: SIP/2.0/TCP ").unwrap();
    let mut garbage = Client::tcp("garbage", &server.ready);
    garbage.send("\u{0}\u{1}\u{2} this is not SIP at all\r\n\r\n");
    assert!(garbage.is_closed());
    // What is no TLS at all, on the TLS port.
    let mut plain = TcpStream::connect(server.ready.tls[0]).unwrap();
    plain.write_all(b"OPTIONS sip:example.test SIP/2.0\r\n\r\n").unwrap();
    server
        .notice(|notice| matches!(notice, Notice::Trouble { error, .. } if error.contains("TLS")));
    let mut datagrams = Client::udp("datagrams", &server.ready);
    for text in [
        "",
        "\r\n\r\n",
        "x",
        "SIP/2.0 200 OK\r\n\r\n",
        "INVITE sip:bob@example.test SIP/2.0\r\n\r\n",
    ] {
        datagrams.send(text);
    }

    let asked = std::thread::spawn(move || {
        alice.ask("MESSAGE", BOB, "<sip:bob@example.test>", "Content-Type: text/plain\r\n", "hello")
    });
    let message = bob.request("MESSAGE");
    bob.reply(&message, "200 OK", "");
    assert_eq!(asked.join().unwrap().code(), 200);
    drop(half);
}

#[test]
fn what_is_too_large_is_refused_and_the_connection_closed() {
    let server = TestServer::start();
    let head = "OPTIONS sip:example.test SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK-x\r\n\
                From: <sip:alice@example.test>;tag=1\r\nTo: <sip:example.test>\r\nCall-ID: c\r\n\
                CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n";
    for more in [
        format!("X-Long: {}\r\n", "x".repeat(20_000)),
        "Content-Length: 999999999\r\n\r\n".to_owned(),
    ] {
        let mut alice = Client::tcp("alice", &server.ready);
        alice.send(&format!("{head}{more}"));
        assert_eq!(alice.answer().code(), 513);
        assert!(alice.is_closed());
    }
}

#[test]
fn connections_beyond_the_limit_are_closed() {
    let server = TestServer::start_with(|config| config.max_connections = 2);
    let mut first = Client::tcp("alice", &server.ready);
    let mut second = Client::tcp("bob", &server.ready);
    assert_eq!((first.register(600).code(), second.register(600).code()), (200, 200));
    let mut third = Client::tcp("carol", &server.ready);
    assert!(third.is_closed());
    assert_eq!(first.register(600).code(), 200);
    second.hang_up();
    drop(second);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(Client::tcp("carol", &server.ready).register(600).code(), 200);
}

#[test]
fn a_connection_that_says_nothing_is_closed() {
    let server = TestServer::start_with(|config| config.idle = Duration::from_millis(200));
    let mut silent = Client::tcp("alice", &server.ready);
    assert!(silent.is_closed());
}

#[test]
fn what_rfc_3261_refuses_is_refused() {
    let server = TestServer::start();
    let mut alice = Client::tcp("alice", &server.ready);
    let ask = |alice: &mut Client, text: &str| {
        alice.send(&text.replace('\n', "\r\n"));
        alice.answer()
    };
    let head =
        "Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK-x\nFrom: <sip:alice@example.test>;tag=1\n";
    let tail = "Call-ID: c\nCSeq: 1 OPTIONS\nContent-Length: 0\n\n";
    let to = "To: <sip:bob@example.test>\n";

    let hops = ask(
        &mut alice,
        &format!("OPTIONS sip:bob@example.test SIP/2.0\n{head}{to}Max-Forwards: 0\n{tail}"),
    );
    assert_eq!(hops.code(), 483, "{}", hops.0);
    let head = head.replace("-x", "-y");
    let required = ask(
        &mut alice,
        &format!(
            "OPTIONS sip:bob@example.test SIP/2.0\n{head}{to}Max-Forwards: 9\nProxy-Require: sesame\n{tail}"
        ),
    );
    assert_eq!(
        (required.code(), required.header("Unsupported")),
        (420, "sesame"),
        "{}",
        required.0
    );
    let head = head.replace("-y", "-z");
    let scheme = ask(
        &mut alice,
        &format!("OPTIONS tel:+4312345 SIP/2.0\n{head}{to}Max-Forwards: 9\n{tail}"),
    );
    assert_eq!(scheme.code(), 416, "{}", scheme.0);
    let head = head.replace("-z", "-w");
    let missing = ask(
        &mut alice,
        &format!("OPTIONS sip:bob@example.test SIP/2.0\n{head}Max-Forwards: 9\n{tail}"),
    );
    assert_eq!(missing.code(), 400, "{}", missing.0);
    let head = head.replace("-w", "-v");
    let own = ask(
        &mut alice,
        &format!("OPTIONS sip:example.test SIP/2.0\n{head}{to}Max-Forwards: 9\n{tail}"),
    );
    assert_eq!(own.code(), 200, "{}", own.0);
    assert!(own.header("Allow").contains("REGISTER"));

    alice.register(600);
    let nobody =
        alice.ask("MESSAGE", "sip:nobody@example.test", "<sip:nobody@example.test>", "", "");
    assert_eq!(nobody.code(), 404);
    let offline = alice.ask("MESSAGE", BOB, "<sip:bob@example.test>", "", "");
    assert_eq!(offline.code(), 480);
    let brief = alice.register(1);
    assert_eq!((brief.code(), brief.header("Min-Expires")), (423, "60"));
}

#[test]
fn the_server_says_good_bye() {
    let server = TestServer::start();
    let mut alice = Client::tcp("alice", &server.ready);
    assert_eq!(alice.register(600).code(), 200);
    let notices = server.stop();
    assert!(
        matches!(notices.last(), Some(Notice::Stopped { received: 2, sent: 2 })),
        "{notices:?}"
    );
    assert!(alice.is_closed());
}
