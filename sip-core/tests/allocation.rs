//! Parsing, typed access and writing do not allocate.
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "runs on a host")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use sip_core::auth::{Account, Algorithm, Challenge};
use sip_core::header::*;
use sip_core::message::{Limits, Message, Method, Name, Writer};
use sip_core::presence::Pidf;
use sip_core::sdp::Session;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(run: impl FnOnce()) -> usize {
    let before = COUNT.with(Cell::get);
    run();
    COUNT.with(Cell::get) - before
}

const INVITE: &[u8] = b"INVITE sip:bob@biloxi.example.com SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK74bf9a1c3d;rport\r\n\
    From: \"Alice\" <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n\
    To: <sip:bob@biloxi.example.com>\r\n\
    Call-ID: 3848276298220188511@atlanta.example.com\r\n\
    CSeq: 4711 INVITE\r\n\
    Contact: <sip:alice@[2001:db8::1]:5060;transport=udp>;+sip.instance=\"<urn:uuid:1>\"\r\n\
    Supported: replaces, timer, 100rel\r\n\
    WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"\r\n\
    Content-Type: application/sdp\r\n\
    Content-Length: 58\r\n\r\n\
    v=0\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n";

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![1_u8]))), 1);
}

#[test]
fn parsing_and_typed_access_do_not_allocate() {
    let count = allocations(|| {
        let message = Message::parse(INVITE).unwrap();
        assert!(message.typed::<Via<'_>>().unwrap().is_ok());
        assert!(message.typed::<From<'_>>().unwrap().is_ok());
        assert!(message.typed::<To<'_>>().unwrap().is_ok());
        assert!(message.typed::<CSeq<'_>>().unwrap().is_ok());
        assert!(message.typed::<CallId<'_>>().unwrap().is_ok());
        assert!(message.typed::<Contact<'_>>().unwrap().unwrap().instance().is_some());
        assert_eq!(message.all::<Supported<'_>>().count(), 3);
        for row in message.headers() {
            row.check().unwrap();
        }
        let session = Session::parse(message.body()).unwrap();
        assert_eq!(session.media().next().unwrap().rtpmap(0).unwrap().name, b"PCMU");
        assert!(Message::parse_stream(INVITE, &Limits::DEFAULT).unwrap().is_some());
    });
    assert_eq!(count, 0);
}

#[test]
fn writing_does_not_allocate() {
    let mut buffer = [0; 2048];
    let count = allocations(|| {
        let message = Message::parse(INVITE).unwrap();
        let mut writer = Writer::new(&mut buffer);
        writer.request(Method::Invite, &message.request_uri().unwrap().unwrap());
        writer.header(&message.typed::<Contact<'_>>().unwrap().unwrap());
        let challenge = message.typed::<WwwAuthenticate<'_>>().unwrap().unwrap();
        let challenge = Challenge::parse(&challenge).unwrap().unwrap();
        assert_eq!(challenge.algorithm, Algorithm::Sha256);
        let account = Account { user: b"alice", password: b"secret" };
        let answer = challenge.answer(&account, b"INVITE", b"sip:b", b"", b"c", 1);
        answer.write_row(Name::Authorization, &mut writer);
        for row in message.headers() {
            writer.row(&row);
        }
        writer.body_with(Pidf::CONTENT_TYPE, |room| Pidf::new(b"sip:a").write(room)).unwrap();
    });
    assert_eq!(count, 0);
}
