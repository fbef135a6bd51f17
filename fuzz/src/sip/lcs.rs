//! The dialect of Live Communications Server, and NTLM.

use core::net::SocketAddr;
use core::time::Duration;

use sip_core::lcs::acl::{self, AclList};
use sip_core::lcs::batch::{self, AdhocList, ResourceList};
use sip_core::lcs::contacts::{self, ContactList};
use sip_core::lcs::endpoint::{ContactInfo, Epid, write_replaced};
use sip_core::lcs::im::{Format, KeyboardActivity, TextFormat};
use sip_core::lcs::presentity::Presentity;
use sip_core::lcs::provisioning::{self, Provisioning};
use sip_core::lcs::registration::{Ended, KeepAlive, Registered, home_server};
use sip_core::lcs::service::{self, Request};
use sip_core::lcs::sharing::Invitation;
use sip_core::lcs::subscription::{Extensions, Piggyback};
use sip_core::lcs::translate::{State, presentity_of};
use sip_core::lcs::watchers::{self, PendingWatchers};
use sip_core::lcs::xpidf::Xpidf;
use sip_core::lcs::{self, Front, Taken};
use sip_core::message::{Message, Writer};
use sip_core::ntlm::{
    self, Association, Authenticate, Challenge, Fields, Flags, Key, Login, Name, NoKerberos,
    NtHash, Policy, Session, Side, Version,
};
use sip_core::presence::Pidf;
use sip_core::presence::xml::Text;
use sip_core::sdp;
use sip_core::server::User;
use sip_core::transport::Path;

use crate::drive::Script;
use crate::exactly;

/// The documents of the dialect, and the rows of a message.
pub fn lcs(octets: &[u8]) {
    if let Ok(document) = Presentity::parse(octets) {
        let written = exactly(document.encoded_len(), |buffer| document.write(buffer));
        let again = Presentity::parse(&written).expect("what is written can be read");
        assert!(document.devices().eq(again.devices()));
        assert_eq!((document.uri, document.user_info), (again.uri, again.user_info));
        let state = State::of(&document);
        let entity = document.uri;
        assert_eq!(State::of(&state.presentity(entity)).activity, state.activity);
        let pidf = state.pidf(b"sip:a@x", b"e");
        let _ = exactly(pidf.encoded_len(), |buffer| pidf.write(buffer));
    }
    if let Ok(pidf) = Pidf::parse(octets) {
        let document = presentity_of(&pidf);
        let written = exactly(document.encoded_len(), |buffer| document.write(buffer));
        Presentity::parse(&written).expect("what is written can be read");
    }
    if let Ok(document) = Xpidf::parse(octets) {
        let written = exactly(document.encoded_len(), |buffer| document.write(buffer));
        let again = Xpidf::parse(&written).expect("what is written can be read");
        assert_eq!((document.status, document.substatus), (again.status, again.substatus));
        let twice = exactly(again.encoded_len(), |buffer| again.write(buffer));
        assert_eq!(written, twice);
        let _ = State::of_xpidf(&again).xpidf(again.uri);
    }
    if let Ok(request) = Request::parse(octets) {
        let written = exactly(request.encoded_len(), |buffer| request.write(buffer));
        assert_eq!(Request::parse(&written), Ok(request));
    }
    let _ = service::parse_group_id(octets);
    lists(octets);
    let _ = KeyboardActivity::parse(octets);
    if let Some(format) = Format::parse(octets) {
        let mut buffer = [0; 16384];
        let mut to = Writer::new(&mut buffer);
        format.write(&mut to);
        if let Some(again) = Format::parse(to.as_bytes()) {
            assert_eq!((again.effects, again.colour), (format.effects, format.colour));
        }
    }
    if let Some(format) = TextFormat::parse(octets) {
        let _ = (format.body(&mut [0; 512]), format.format(&mut [0; 512]));
    }
    if let Some(keep_alive) = KeepAlive::parse(octets) {
        let mut buffer = [0; 128];
        let mut to = Writer::new(&mut buffer);
        keep_alive.write(&mut to);
        assert_eq!(KeepAlive::parse(to.as_bytes()), Some(keep_alive));
    }
    let _ = (Ended::parse(octets), Epid::parse(octets));
    if let Ok(session) = sdp::Session::parse(octets)
        && let Some(own) = Invitation::of(&session)
    {
        let written = exactly(own.encoded_len(), |buffer| own.write(buffer));
        assert!(sdp::Session::parse(&written).is_ok());
    }
    if let Ok(message) = Message::parse(octets) {
        let _ = (Registered::of(&message), home_server(&message), Ended::of(&message));
        let _ = (Extensions::of(&message), Piggyback::of(&message), TextFormat::of(&message));
        let mut buffer = [0; 8192];
        if let Some(Ok(contact)) = message.typed()
            && let Some(info) = ContactInfo::of(&contact)
        {
            let _ = info.methods().count();
            write_replaced(&contact, [10, 0, 0, 1].into(), &mut Writer::new(&mut buffer));
        }
    }
}

fn lists(octets: &[u8]) {
    if let Ok(list) = AclList::parse(octets) {
        let len = acl::encoded_len(list.delta, list.entries());
        let written = exactly(len, |buffer| acl::write(list.delta, list.entries(), buffer));
        let again = AclList::parse(&written).expect("what is written can be read");
        assert!(list.entries().eq(again.entries()));
        let _ = acl::rights_of(list.entries(), &Text::plain(b"sip:a@b.example.com"));
    }
    if let Ok(list) = ContactList::parse(octets) {
        let (delta, extent) = (list.delta, list.extent);
        let len = contacts::encoded_len(delta, extent, list.items());
        let written = exactly(len, |buffer| contacts::write(delta, extent, list.items(), buffer));
        let again = ContactList::parse(&written).expect("what is written can be read");
        assert!(list.items().eq(again.items()));
    }
    if let Ok(list) = AdhocList::parse(octets) {
        let _ = list.resources().count();
    }
    if let Ok(list) = ResourceList::parse(octets) {
        let uri = Text::plain(b"sip:a@x");
        let len = batch::list_len(&uri, list.version, true, list.resources());
        let written = exactly(len, |buffer| {
            batch::write_list(&uri, list.version, true, list.resources(), buffer)
        });
        let again = ResourceList::parse(&written).expect("what is written can be read");
        assert!(list.resources().eq(again.resources()));
    }
    if let Ok(list) = PendingWatchers::parse(octets) {
        let len = watchers::encoded_len(list.watchers());
        let written = exactly(len, |buffer| watchers::write(list.watchers(), buffer));
        let again = PendingWatchers::parse(&written).expect("what is written can be read");
        assert!(list.watchers().eq(again.watchers()));
    }
    if let Ok(list) = Provisioning::parse(octets) {
        let len = provisioning::encoded_len(list.lines());
        let written = exactly(len, |buffer| provisioning::write(list.lines(), buffer));
        let again = Provisioning::parse(&written).expect("what is written can be read");
        assert!(list.lines().eq(again.lines()));
    }
}

/// The messages of NTLM, the rows and what is signed.
pub fn ntlm(octets: &[u8]) {
    let hash = NtHash::new([1; 16]);
    if let Ok(challenge) = Challenge::parse(octets) {
        let written = exactly(challenge.encoded_len(), |buffer| challenge.write(buffer));
        assert_eq!(Challenge::parse(&written), Ok(challenge));
        let login = Login {
            user: Name::Utf8("a"),
            domain: challenge.target,
            workstation: Name::EMPTY,
            hash: &hash,
        };
        let fresh = ntlm::Fresh { challenge: [2; 8], key: Key::new([3; 16]), time: 4 };
        let mut buffer = [0; 16384];
        if let Ok((len, own)) = ntlm::answer(octets, &login, &fresh, Policy::LAX, &mut buffer) {
            let answer = Authenticate::parse(&buffer[..len]).expect("what is written can be read");
            let theirs = answer.verify(&challenge.challenge, &hash, Policy::LAX);
            let theirs = theirs.expect("it is the right password");
            let signature = own.sign(Side::Client, [0; 4], octets);
            assert!(theirs.verify(Side::Client, &signature, octets));
        }
    }
    if let Ok(message) = Authenticate::parse(octets) {
        let written = exactly(message.encoded_len(), |buffer| message.write(buffer));
        assert_eq!(Authenticate::parse(&written), Ok(message));
        assert!(message.verify(&[0; 8], &hash, Policy::LAX).is_err());
    }
    for (id, value) in ntlm::pairs(octets) {
        let _ = (id, value);
    }
    if let Some(fields) = Fields::parse(octets) {
        let mut buffer = vec![0; octets.len() + 512];
        let mut to = Writer::new(&mut buffer);
        fields.write(&mut to);
        let written = to.as_bytes().to_vec();
        let again = Fields::parse(&written).expect("what is written can be read");
        assert_eq!(fields.mechanism, again.mechanism);
    }
    let Ok(message) = Message::parse(octets) else { return };
    for version in [Version::V2, Version::V4] {
        let fields = Fields {
            realm: b"r",
            targetname: b"t",
            opaque: Some(b"o"),
            version: version.number(),
            ..Fields::new(ntlm::Mechanism::Ntlm)
        };
        let session = Session::new(&Key::new([5; 16]), Flags::CLIENT);
        let mut own = Association::new(session.clone(), Side::Client, &fields).expect("they fit");
        let mut theirs = Association::new(session, Side::Server, &fields).expect("they fit");
        if let Ok(signature) = own.sign(&message, 6, &mut NoKerberos) {
            let fields = own.fields(&signature);
            assert_eq!(theirs.verify(&message, &fields, &mut NoKerberos), Ok(()));
            let again = theirs.verify(&message, &fields, &mut NoKerberos);
            assert_eq!(again, Err(ntlm::Error::Replayed));
        }
    }
}

/// Everybody has the password whose hash is ones.
#[derive(Debug)]
struct Everybody;

impl ntlm::Users for Everybody {
    fn nt_hash(&self, user: Name<'_>, _: Name<'_>) -> Option<(User, NtHash)> {
        let mut name = [0; 64];
        Some((User::new(user.copy_to(&mut name)?)?, NtHash::new([1; 16])))
    }
}

/// The two filters, and what one makes of any message at the other: nothing panics, and what a client has
/// signed a server that knows it takes.
pub fn lcs_filter(octets: &[u8]) {
    let mut storage = lcs::Storage::<3, 4>::new();
    let config = ntlm::Config::new("lcs.a.test", "a.test", "A");
    let front = Front::new(&config, Everybody, &mut storage, [7; 32]);
    let mut front = front.expect("its names are short");
    let sign_in = ntlm::Client::new("alice", "A", "PC", NtHash::new([1; 16]), [8; 32]);
    let mut client = lcs::Client::new(sign_in.expect("its names are short"), Epid::new(9), [9; 32]);
    let path = Path::tcp(SocketAddr::from(([10, 0, 0, 2], 7100)));
    let (mut room, mut reply) = (vec![0; 16384], vec![0; 16384]);
    let mut now = Duration::ZERO;

    let mut script = Script::new(octets);
    // The fuzzer finds its way behind the sign-in only if it is there.
    if script.octet() & 1 == 0 {
        const REGISTER: &[u8] =
            b"REGISTER sip:a.test SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.0.2:7100\r\n\
            From: <sip:alice@a.test>;tag=1\r\nTo: <sip:alice@a.test>\r\nCall-ID: r\r\n\
            CSeq: 1 REGISTER\r\n\r\n";
        const REFUSED: &[u8] = b"SIP/2.0 401 No\r\nFrom: <sip:alice@a.test>;tag=1\r\n\
            To: <sip:alice@a.test>;tag=2\r\nCall-ID: r\r\nCSeq: 1 REGISTER\r\n\
            WWW-Authenticate: NTLM realm=\"SIP Communications Service\", targetname=\"lcs.a.test\"\r\n\r\n";
        client.open(0, REFUSED, &mut room).expect("it is a challenge");
        for _ in 0..2 {
            let sealed = client.seal(REGISTER, &mut room).expect("there is room");
            if let Ok(Taken::Answer(answer)) =
                front.open(now, path, &room[..sealed.len], &mut reply)
            {
                client.open(0, answer, &mut vec![0; 16384]).expect("it is a challenge");
            }
        }
        const TAKEN: &[u8] = b"SIP/2.0 200 OK\r\nFrom: <sip:alice@a.test>;tag=1\r\n\
            To: <sip:alice@a.test>;tag=2\r\nCall-ID: r\r\nCSeq: 1 REGISTER\r\n\r\n";
        let sealed = front.seal(now, path, TAKEN, &mut room).expect("there is room");
        client.open(0, &room[..sealed.len], &mut reply).expect("it is signed");
        assert!(client.sign_in.is_open());
    }
    while script.more() {
        let kind = script.octet();
        now += Duration::from_secs(u64::from(kind >> 4));
        let rest = script.octets();
        match kind & 3 {
            0 => {
                let _ = client.open(0, rest, &mut room);
            }
            1 => {
                let _ = front.open(now, path, rest, &mut room);
            }
            2 => {
                if let Ok(sealed) = client.seal(rest, &mut room) {
                    let taken = front.open(now, path, &room[..sealed.len], &mut reply);
                    let is_message = Message::parse(rest).is_ok() && sealed.len > 0;
                    if client.sign_in.is_open() && is_message {
                        let forged = matches!(taken, Err(lcs::Error::Security(_)));
                        assert!(!forged, "{taken:?}");
                    }
                }
            }
            _ => {
                if let Ok(sealed) = front.seal(now, path, rest, &mut room) {
                    assert!(sealed.len + sealed.answer <= room.len());
                    let _ = client.open(0, &room[..sealed.len], &mut reply);
                }
            }
        }
    }
}
