//! Parsing and writing an INVITE of 800 octets and its session description.
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "runs on a host")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use sip_core::header::{CSeq, CallId, Contact, From, Header, MaxForwards, To, Via};
use sip_core::message::{Message, Method, Name, Writer};
use sip_core::sdp::Session;
use sip_core::uri::{Host, Scheme, Uri};

const SDP: &[u8] = b"v=0\r\n\
    o=alice 2890844526 2890844526 IN IP4 192.168.10.20\r\n\
    s=-\r\n\
    c=IN IP4 192.168.10.20\r\n\
    t=0 0\r\n\
    m=audio 49172 RTP/AVP 0 8 9 101\r\n\
    a=rtpmap:0 PCMU/8000\r\n\
    a=rtpmap:8 PCMA/8000\r\n\
    a=rtpmap:9 G722/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\n\
    a=ptime:20\r\n\
    a=sendrecv\r\n";

const HEAD: &str = "INVITE sip:bob@biloxi.example.com SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.168.10.20:5060;branch=z9hG4bK74bf9a1c3d;rport\r\n\
    Max-Forwards: 70\r\n\
    From: \"Alice\" <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n\
    To: <sip:bob@biloxi.example.com>\r\n\
    Call-ID: 3848276298220188511@atlanta.example.com\r\n\
    CSeq: 4711 INVITE\r\n\
    Contact: <sip:alice@192.168.10.20:5060;transport=udp>\r\n\
    Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE\r\n\
    Supported: replaces, timer, 100rel\r\n\
    User-Agent: Handset/0.1\r\n\
    Content-Type: application/sdp\r\n\
    Content-Length: ";

fn invite() -> Vec<u8> {
    let mut text = format!("{HEAD}{}\r\n\r\n", SDP.len()).into_bytes();
    text.extend_from_slice(SDP);
    text
}

fn typed<'d, T: Header<'d>>(message: &Message<'d>) -> T {
    message.typed().expect("present").expect("well-formed")
}

/// Writes the message from its typed parts.
fn write(buffer: &mut [u8]) -> usize {
    let mut writer = Writer::new(buffer);
    let to = Uri::new(Scheme::Sip, Host::Name(b"biloxi.example.com")).with_user(b"bob");
    let from = Uri::new(Scheme::Sip, Host::Name(b"atlanta.example.com")).with_user(b"alice");
    let host = Host::V4([192, 168, 10, 20].into());
    writer.request(Method::Invite, &to);
    writer.header(&Via::new(b"UDP", host, Some(5060), b"z9hG4bK74bf9a1c3d").with_rport());
    writer.header(&MaxForwards(70));
    writer.header(&From::new(from).with_display(b"Alice").with_tag(b"9fxced76sl"));
    writer.header(&To::new(to));
    writer.header(&CallId(b"3848276298220188511@atlanta.example.com"));
    writer.header(&CSeq { number: 4711, method: Method::Invite });
    let contact = Uri::new(Scheme::Sip, host).with_user(b"alice").with_port(Some(5060));
    writer.header(&Contact::new(contact.with_params(b";transport=udp")));
    writer.raw(Name::Allow, b"INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE");
    writer.raw(Name::Supported, b"replaces, timer, 100rel");
    writer.raw(Name::UserAgent, b"Handset/0.1");
    writer.body(b"application/sdp", SDP).expect("the buffer is long enough")
}

fn benches(criterion: &mut Criterion) {
    let invite = invite();
    let mut buffer = [0; 1500];
    let length = write(&mut buffer);
    assert_eq!(&buffer[..length], &invite[..], "what is written is what is parsed");
    let mut group = criterion.benchmark_group(format!("INVITE of {} octets", invite.len()));
    group.bench_function("parse", |bencher| {
        bencher.iter(|| {
            black_box(Message::parse(black_box(&invite)).expect("valid")).headers().count()
        });
    });
    group.bench_function("parse and six typed headers", |bencher| {
        bencher.iter(|| {
            let message = Message::parse(black_box(&invite)).expect("valid");
            black_box(typed::<Via<'_>>(&message));
            black_box(typed::<From<'_>>(&message));
            black_box(typed::<To<'_>>(&message));
            black_box(typed::<CSeq<'_>>(&message));
            black_box(typed::<CallId<'_>>(&message));
            black_box(typed::<Contact<'_>>(&message));
        });
    });
    group.bench_function("write from typed parts", |bencher| {
        bencher.iter(|| write(black_box(&mut buffer)));
    });
    group.finish();
    let mut group = criterion.benchmark_group(format!("SDP of {} octets", SDP.len()));
    group.bench_function("parse", |bencher| {
        bencher.iter(|| black_box(Session::parse(black_box(SDP)).expect("valid")));
    });
    group.finish();
}

criterion_group!(message, benches);
criterion_main!(message);
