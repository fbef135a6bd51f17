//! Signatures of real software, and whole sign-ins.

use std::vec::Vec;

use base64ct::{Base64, Encoding as _};

use super::*;
use crate::message::{Message, Writer};
use crate::transport::Path;

pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

pub(super) fn base64(text: &str) -> Vec<u8> {
    let mut octets = std::vec![0; text.len()];
    let len = Base64::decode(text, &mut octets).unwrap().len();
    octets.truncate(len);
    octets
}

fn key(text: &str) -> Key {
    Key::new(hex(text).try_into().unwrap())
}

fn verify(session: &Session, side: Side, text: &str, signature: &str) {
    let signature: [u8; 16] = hex(signature).try_into().unwrap();
    assert!(session.verify(side, &signature, text.as_bytes()), "{text}");
    let mut changed = Vec::from(text);
    for at in 0..changed.len() {
        changed[at] ^= 1;
        assert!(!session.verify(side, &signature, &changed), "{at}");
        changed[at] ^= 1;
    }
}

#[test]
fn office_communications_server_2007_signs_version_2_without_extended_security() {
    let session = Session::new(&key("5F029153BC025058969548615E7099BA"), Flags(0));
    verify(
        &session,
        Side::Server,
        "<NTLM><0878F41B><1><SIP Communications Service><ocs1.ocs.provo.novell.com>\
         <8592g5DCBa1694i5887m0D0Bt2247b3F38xAE9Fx><3><REGISTER><sip:gabriel@ocs.provo.novell.com>\
         <2947328781><B816D65C2300A32CFA6D371F2AF537FD><900><200>",
        "0100000000000000BF2E52667DDF6DED",
    );
}

#[test]
fn office_communicator_2007_r2_and_its_server_sign_version_4() {
    let session = Session::new(&key("6742fbe37bb1946b49d86a525bd29a9b"), Flags::CLIENT);
    verify(
        &session,
        Side::Client,
        "<NTLM><13317733><1><SIP Communications Service><cosmo-ocs-r2.cosmo.local>\
         <4037df9284354df39065195bd57a4b14><3><REGISTER><sip:user@cosmo.local><3e49177a52>\
         <sip:user@cosmo.local><><><><>",
        "0100000029618e9651b65a7764000000",
    );
    verify(
        &session,
        Side::Server,
        "<NTLM><9616454F><1><SIP Communications Service><cosmo-ocs-r2.cosmo.local>\
         <4037df9284354df39065195bd57a4b14><3><REGISTER><sip:user@cosmo.local><3e49177a52>\
         <sip:user@cosmo.local><5E61CCD925D17E043D9A74835A88F664><><><7200><200>",
        "01000000E615438A917661BE64000000",
    );
}

#[test]
fn a_client_of_libpurple_signs_version_2() {
    let session = Session::new(&key("38a84d091bfb5ea17fed4c470e132cf6"), Flags::CLIENT);
    verify(
        &session,
        Side::Client,
        "<NTLM><9a165837><1><SIP Communications Service><lcs.example.test>\
         <4C31g1934a0181i725Em1E9EtDA01b1535x9848x><1><SUBSCRIBE><sip:alice@example.test>\
         <5830040523><><>",
        "01000000DBC4BAE8B119970D64000000",
    );
}

const REGISTER: &str = "REGISTER sip:example.test SIP/2.0\r\n\
    From: <sip:alice@example.test>;tag=296;epid=b34afb6ebb23\r\nTo: <sip:alice@example.test>\r\n\
    CSeq: 1 REGISTER\r\nCall-ID: E971\r\n";

/// The one user.
#[derive(Debug)]
struct Alice(NtHash);

impl Users for Alice {
    fn nt_hash(&self, user: Name<'_>, domain: Name<'_>) -> Option<(crate::server::User, NtHash)> {
        let is_alice = user == Name::Utf8("alice") && domain == Name::Utf8("EXAMPLE");
        is_alice.then(|| (crate::server::User::new(b"alice").unwrap(), self.0.clone()))
    }
}

const PATH: Path = Path {
    transport: crate::transport::Transport::Tcp,
    local: 0,
    remote: core::net::SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::LOCALHOST), 5060),
};
const NOW: core::time::Duration = core::time::Duration::from_secs(9);

/// A message of these rows and one more.
fn with_row(text: &str, row: impl FnOnce(&Message<'_>, &mut Writer<'_>)) -> Vec<u8> {
    let whole = std::format!("{text}\r\n");
    let message = Message::parse(whole.as_bytes()).unwrap();
    let mut buffer = [0; 4096];
    let mut to = Writer::new(&mut buffer);
    to.octets(text.as_bytes());
    row(&message, &mut to);
    to.end_row();
    let len = to.len();
    buffer[..len].to_vec()
}

struct Pair {
    client: Client,
    server: Server<'static, Alice>,
}

impl Pair {
    fn new(password: &str, version: Version) -> Self {
        let mut config = Config::new("lcs.example.test", "example.test", "EXAMPLE");
        config.version = version;
        let storage = std::boxed::Box::leak(std::boxed::Box::new(Storage::<3>::new()));
        let server = Server::new(&config, Alice(NtHash::of("secret")), storage, [1; 32]).unwrap();
        let hash = NtHash::of(password);
        let client = Client::new("alice", "EXAMPLE", "PC", hash, [2; 32]).unwrap();
        Self { client, server }
    }

    fn sent(&mut self, text: &str) -> Vec<u8> {
        with_row(text, |message, to| self.client.write_row(message, to).unwrap())
    }

    fn check(&mut self, octets: &[u8]) -> Verdict {
        self.server.check(NOW, PATH, &Message::parse(octets).unwrap())
    }

    /// One REGISTER and its answer.
    fn step(&mut self) -> (Verdict, Result<bool, Error>) {
        let request = self.sent(REGISTER);
        let verdict = self.check(&request);
        let code = if matches!(verdict, Verdict::Proven(..)) { "200 OK" } else { "401 No" };
        let head = std::format!(
            "SIP/2.0 {code}\r\nFrom: <sip:alice@example.test>;tag=296;epid=b34afb6ebb23\r\n\
             To: <sip:alice@example.test>;tag=7\r\nCSeq: 1 REGISTER\r\nCall-ID: E971\r\n\
             Expires: 900\r\n"
        );
        let server = &mut self.server;
        let response = with_row(&head, |message, to| match verdict {
            Verdict::Proven(..) => assert!(server.write_row(PATH, message, to).unwrap()),
            Verdict::Asks(id) => {
                server.write_challenge(id, crate::message::Name::WwwAuthenticate, to);
            }
            _ => server.write_offers(crate::message::Name::WwwAuthenticate, to),
        });
        let response = Message::parse(&response).unwrap();
        self.client.check(&response).unwrap();
        (verdict, self.client.challenged(0, &response))
    }

    fn sign_in(&mut self) {
        assert_eq!(self.step(), (Verdict::Absent, Ok(true)));
        let (verdict, again) = self.step();
        assert!(matches!(verdict, Verdict::Asks(_)), "{verdict:?}");
        assert_eq!(again, Ok(true));
        let (verdict, again) = self.step();
        let Verdict::Proven(user, id) = verdict else { panic!("{verdict:?}") };
        assert_eq!((user.as_bytes(), again), (&b"alice"[..], Ok(false)));
        assert_eq!(self.server.user(id), Some(&user));
        assert!(self.client.is_open());
    }
}

#[test]
fn a_client_signs_in_and_every_message_is_signed_and_verified() {
    for version in [Version::V2, Version::V3, Version::V4] {
        let mut pair = Pair::new("secret", version);
        pair.sign_in();
        for number in 2..600 {
            let text = REGISTER.replace("1 REGISTER", &std::format!("{number} MESSAGE"));
            let request = pair.sent(&text);
            assert!(matches!(pair.check(&request), Verdict::Proven(..)), "{version:?} {number}");
            assert_eq!(pair.check(&request), Verdict::Refused(Error::Replayed));
        }
    }
}

#[test]
fn another_password_is_refused() {
    let mut pair = Pair::new("Secret", Version::V2);
    assert_eq!(pair.step().1, Ok(true));
    assert_eq!(pair.step().1, Ok(true));
    let (verdict, again) = pair.step();
    assert_eq!(verdict, Verdict::Refused(Error::Password));
    assert_eq!(again, Err(Error::Password));
    assert!(!pair.client.is_begun());
    assert!(pair.server.is_empty(), "one try for a challenge");
}

#[test]
fn what_is_signed_cannot_be_changed() {
    for (version, changed) in [(Version::V2, false), (Version::V3, true)] {
        let mut pair = Pair::new("secret", version);
        pair.sign_in();
        let request = pair.sent(REGISTER);
        let text = std::string::String::from_utf8(request.clone()).unwrap();
        for (from, to) in [
            ("tag=296", "tag=297"),
            ("CSeq: 1", "CSeq: 2"),
            ("E971", "E972"),
            ("From: <sip:alice", "From: <sip:malice"),
            ("cnum=\"1\"", "cnum=\"2\""),
        ] {
            assert_ne!(text, text.replace(from, to));
            let verdict = pair.check(text.replace(from, to).as_bytes());
            assert_eq!(verdict, Verdict::Refused(Error::Signature), "{from}");
        }
        let to = text.replace("To: <sip:alice", "To: <sip:malice");
        let refused = pair.check(to.as_bytes()) == Verdict::Refused(Error::Signature);
        assert_eq!(refused, changed, "only from version 3 on is the URI of To signed");
    }
}

#[test]
fn a_client_that_has_signed_in_drops_what_is_not_signed() {
    let mut pair = Pair::new("secret", Version::V2);
    pair.sign_in();
    let parse = |text: &'static str| Message::parse(text.as_bytes()).unwrap();
    let unsigned = parse(
        "MESSAGE sip:a@x SIP/2.0\r\nFrom: <sip:b@x>;tag=1\r\nTo: <sip:a@x>\r\nCSeq: 1 MESSAGE\r\n\
         Call-ID: c\r\n\r\n",
    );
    assert_eq!(pair.client.check(&unsigned), Err(Error::Unsigned));
    let good = parse("SIP/2.0 200 OK\r\nCSeq: 1 REGISTER\r\n\r\n");
    assert_eq!(pair.client.check(&good), Err(Error::Unsigned));
    for text in [
        "SIP/2.0 401 Unauthorized\r\nCSeq: 1 MESSAGE\r\n\r\n",
        "SIP/2.0 403 Forbidden\r\nCSeq: 1 REGISTER\r\n\r\n",
        "SIP/2.0 100 Trying\r\nCSeq: 1 INVITE\r\n\r\n",
    ] {
        assert_eq!(pair.client.check(&parse(text)), Ok(()), "{text}");
    }
}

#[test]
fn sign_ins_that_only_began_make_room_and_end() {
    let mut pair = Pair::new("secret", Version::V2);
    pair.sign_in();
    let asks = "REGISTER sip:x SIP/2.0\r\nAuthorization: NTLM realm=\"r\", targetname=\"t\", \
                gssapi-data=\"\"\r\n\r\n";
    let mut last = None;
    for _ in 0..10 {
        let verdict = pair.check(asks.as_bytes());
        assert!(matches!(verdict, Verdict::Asks(_)));
        assert_ne!(last, Some(verdict), "each is named anew");
        last = Some(verdict);
    }
    assert_eq!(pair.server.len(), 3);
    let request = pair.sent(REGISTER);
    assert!(matches!(pair.check(&request), Verdict::Proven(..)), "who signed in stays");

    let later = NOW + core::time::Duration::from_secs(61);
    let request = pair.sent(REGISTER);
    let verdict = pair.server.check(later, PATH, &Message::parse(&request).unwrap());
    assert!(matches!(verdict, Verdict::Proven(..)));
    assert_eq!(pair.server.len(), 1);
    let request = pair.sent(REGISTER);
    let late = later + core::time::Duration::from_secs(8 * 3600);
    let verdict = pair.server.check(late, PATH, &Message::parse(&request).unwrap());
    assert_eq!(verdict, Verdict::Gone);
}

#[test]
fn a_message_goes_out_signed_for_the_path_it_takes() {
    let mut pair = Pair::new("secret", Version::V2);
    pair.sign_in();
    let text = "NOTIFY sip:alice@10.0.0.1 SIP/2.0\r\nFrom: <sip:bob@example.test>;tag=1\r\n\
                To: <sip:alice@example.test>;tag=2;epid=b34afb6ebb23\r\nCSeq: 5 NOTIFY\r\nCall-ID: d\r\n";
    let server = &mut pair.server;
    let octets = with_row(text, |message, to| {
        assert!(server.write_row(PATH, message, to).unwrap());
    });
    let message = Message::parse(&octets).unwrap();
    assert_eq!(pair.client.check(&message), Ok(()));
    assert_eq!(pair.client.check(&message), Err(Error::Replayed));
    let other = Path { local: 1, ..PATH };
    with_row(text, |message, to| {
        assert!(!pair.server.write_row(other, message, to).unwrap());
    });
    pair.server.handle_closed(PATH);
    with_row(text, |message, to| {
        assert!(!pair.server.write_row(PATH, message, to).unwrap());
    });
}

/// Kerberos as far as these tests need it: a token is the user, a signature a keyed hash.
#[derive(Debug)]
struct Tickets;

impl Kerberos for Tickets {
    fn initiate(&mut self, _: u32, targetname: &[u8], buffer: &mut [u8]) -> Option<usize> {
        assert_eq!(targetname, b"sip/lcs.example.test");
        buffer.get_mut(..5)?.copy_from_slice(b"alice");
        Some(5)
    }

    fn accept(&mut self, _: u32, token: &[u8]) -> Option<crate::server::User> {
        crate::server::User::new(token)
    }

    fn sign(&mut self, _: u32, text: &[u8], signature: &mut [u8]) -> Option<usize> {
        let hash = Key::new([3; 16]).hmac(|take| take(text));
        signature.get_mut(..16)?.copy_from_slice(hash.as_bytes());
        Some(16)
    }

    fn verify(&mut self, context: u32, text: &[u8], signature: &[u8]) -> bool {
        let mut own = [0; 16];
        self.sign(context, text, &mut own) == Some(16) && own == signature
    }

    fn forget(&mut self, _: u32) {}
}

#[test]
fn a_ticket_of_kerberos_signs_in_at_once() {
    let mut config = Config::new("lcs.example.test", "example.test", "EXAMPLE");
    config.kerberos = true;
    let mut storage = Storage::<3>::new();
    let users = Alice(NtHash::of("secret"));
    let mut server = Server::new_with(&config, users, Tickets, &mut storage, [1; 32]).unwrap();
    let hash = NtHash::of("");
    let mut client = Client::with_kerberos("alice", "", "", hash, Tickets, [2; 32]).unwrap();

    let head = "SIP/2.0 401 Unauthorized\r\n";
    let name = crate::message::Name::WwwAuthenticate;
    let offers = with_row(head, |_, to| server.write_offers(name, to));
    assert_eq!(client.challenged(0, &Message::parse(&offers).unwrap()), Ok(true));
    let request = with_row(REGISTER, |message, to| client.write_row(message, to).unwrap());
    let verdict = server.check(NOW, PATH, &Message::parse(&request).unwrap());
    assert!(matches!(verdict, Verdict::Proven(..)), "{verdict:?}");
    let response = "SIP/2.0 200 OK\r\nFrom: <sip:alice@example.test>;tag=296\r\n\
        To: <sip:alice@example.test>;tag=7\r\nCSeq: 1 REGISTER\r\nCall-ID: E971\r\n";
    let response = with_row(response, |message, to| {
        assert!(server.write_row(PATH, message, to).unwrap());
    });
    client.check(&Message::parse(&response).unwrap()).unwrap();
    assert!(client.is_open());
    let request = with_row(REGISTER, |message, to| client.write_row(message, to).unwrap());
    let verdict = server.check(NOW, PATH, &Message::parse(&request).unwrap());
    assert!(matches!(verdict, Verdict::Proven(..)), "{verdict:?}");
}
