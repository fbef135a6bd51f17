//! What real clients and servers have sent, and the examples of MS-SIP.

use core::time::Duration;

use super::*;
use crate::lcs::batch::{AdhocList, ResourceList, part_of};
use crate::lcs::endpoint::ContactInfo;
use crate::lcs::im::TextFormat;
use crate::lcs::subscription::{Extensions, Piggyback};
use crate::lcs::translate::State;
use crate::ntlm::{Fields, Mechanism, Side};
use crate::sdp::Session;

/// The first REGISTER of pidgin-sipe, whole.
const PURPLE: &str = "REGISTER sip:example.test SIP/2.0\r\n\
    Via: SIP/2.0/tcp 127.0.0.1:51224;branch=z9hG4bK976CC173C7582F6C14B3\r\n\
    From: <sip:alice@example.test>;tag=2968444269;epid=b34afb6ebb23\r\n\
    To: <sip:alice@example.test>\r\n\
    Max-Forwards: 70\r\n\
    CSeq: 1 REGISTER\r\n\
    User-Agent: Purple/2.14.12 Sipe/1.25.0 (linux-x86_64)\r\n\
    Call-ID: E971g5DE4a69B6i1BC9m9F3Dt30DCbFFFEx9AECx\r\n\
    Contact: <sip:127.0.0.1:51224;transport=tcp;ms-opaque=d3470f2e1d>;methods=\"INVITE, MESSAGE, INFO, SUBSCRIBE, OPTIONS, BYE, CANCEL, NOTIFY, ACK, REFER, BENOTIFY\";proxy=replace;+sip.instance=\"<urn:uuid:085e0bd8-031c-5a0d-8d9a-f149aae6954a>\"\r\n\
    Supported: gruu-10, adhoclist, msrtc-event-categories, com.microsoft.msrtc.presence\r\n\
    Event: registration\r\n\
    Allow-Events: presence\r\n\
    ms-keep-alive: UAC;hop-hop=yes\r\n\
    Content-Length: 0\r\n\r\n";

/// A REGISTER of Windows Messenger 5.1, whole.
const MESSENGER: &str = "REGISTER sip:sip.blueface.ie SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.168.1.10:15796\r\n\
    Max-Forwards: 70\r\n\
    From: <sip:user@sip.blueface.ie>;tag=1a52c38c46e3439c8b4fe8a58f5ae834;epid=1bb41c1f89\r\n\
    To: <sip:user@sip.blueface.ie>\r\n\
    Call-ID: aeb2c6c905a84610a54de60bb6ef476c\r\n\
    CSeq: 417 REGISTER\r\n\
    Contact: <sip:192.168.1.10:15796>;methods=\"INVITE, MESSAGE, INFO, SUBSCRIBE, OPTIONS, BYE, CANCEL, NOTIFY, ACK, REFER, BENOTIFY\"\r\n\
    User-Agent: RTC/1.3.5470 (Messenger 5.1.0680)\r\n\
    Event: registration\r\n\
    Allow-Events: presence\r\n\
    Content-Length: 0\r\n\r\n";

#[test]
fn the_registers_of_real_clients_are_read_whole_and_taken() {
    assert_eq!(PURPLE.len(), 764);
    for (text, domain, epid, branch) in [
        (PURPLE, "example.test", &b"b34afb6ebb23"[..], true),
        (MESSENGER, "sip.blueface.ie", b"1bb41c1f89", false),
    ] {
        let message = Message::parse(text.as_bytes()).unwrap();
        assert_eq!(Epid::of_sender(&message).unwrap().as_bytes(), epid);
        let contact = message.typed::<crate::header::Contact<'_>>().unwrap().unwrap();
        let info = ContactInfo::of(&contact).unwrap();
        assert_eq!((info.proxy_replace, info.methods().count()), (branch, 11));
        assert_eq!(info.instance.is_some(), branch);
        let via = message.typed::<crate::header::Via<'_>>().unwrap().unwrap();
        assert_eq!(via.branch().is_some(), branch);
        assert_eq!(registration::KeepAlive::of(&message).is_some(), branch);
        assert_eq!(registration::supports(&message, option::ADHOCLIST), branch);

        // A server takes it, with or without a branch, once and when it comes again.
        let listen =
            [Listen { local: 0, transport: Transport::Tcp, address: SERVER.parse().unwrap() }];
        let storage = leak(server::Storage::<2, 2, 2, 2, 8, 16384>::new());
        let mut server =
            Server::new(server::Config::new(domain, &listen), Everybody, storage, [7; 32]).unwrap();
        let path = Path::tcp("127.0.0.1:51224".parse().unwrap());
        let mut codes = Vec::new();
        for user in [None, User::new(if branch { b"alice" } else { b"user" })] {
            server.prove(user);
            let mut next = text.to_string();
            if user.is_some() {
                // Sent again after the challenge, as a request of its own.
                for (from, to) in
                    [("CSeq: 1 ", "CSeq: 2 "), ("CSeq: 417", "CSeq: 418"), ("B3\r", "B4\r")]
                {
                    next = next.replace(from, to);
                }
            }
            let (used, _) = server.handle_stream(Duration::ZERO, path, next.as_bytes()).unwrap();
            assert_eq!(used, next.len());
            let mut buffer = [0; 4096];
            while let Some(transmit) = server.poll_transmit(Duration::ZERO, &mut buffer) {
                let message = Message::parse(&buffer[..transmit.len]).unwrap();
                codes.push(message.code().unwrap().digits());
            }
        }
        assert_eq!(codes, [*b"401", *b"200"]);
    }
}

/// The batched SUBSCRIBE of MS-SIP section 4.3.
const BATCH: &str = "SUBSCRIBE sip:user1@server.contoso.com SIP/2.0\r\n\
    Via: SIP/2.0/TCP 11.22.33.44:14383\r\nMax-Forwards: 70\r\n\
    From: \"User 1\" <sip:user1@server.contoso.com>\r\n \
    ;tag=90ee61ca61c643f9b80c582e3d3e5aae;epid=f540d58d81\r\n\
    To: sip:user1@server.contoso.com\r\nCall-ID: fb80bc9af4974421b96cebd16ea599f2\r\n\
    CSeq: 1 SUBSCRIBE\r\nContact: <sip:user1@server.contoso.com:14383;maddr=11.22.33.44;\
    transport=\"tcp\">\r\n ;proxy=replace\r\nUser-Agent: RTC/1.3\r\nEvent: presence\r\n\
    Accept: application/rlmi+xml,text/xml+msrtc.pidf,multipart/related\r\n\
    Supported: com.microsoft.autoextend\r\nSupported: ms-benotify\r\n\
    Proxy-Require: ms-benotify\r\nSupported: ms-piggyback-first-notify\r\n\
    Require: adhoclist\r\nSupported: eventlist\r\n\
    Proxy-Authorization: Kerberos qop=\"auth\", realm=\"SIP Communications Service\", \
    opaque=\"1CF1F9E0\", crand=\"541f0209\", cnum=\"5\", targetname=\"sip/server.contoso.com\", \
    response=\"602306092a864886f71201020201011100ffffffff066ded2537aaae51fb4e69ca00ea6b20\"\r\n\
    Content-Type: application/adrl+xml\r\nContent-Length: 262\r\n\r\n\
    <adhoclist xmlns=\"urn:ietf:params:xml:ns:adrl\" uri=\"sip:user1@server.contoso.com\" \
    name=\"sip:user1@server.contoso.com\"><create xmlns=\"\"><resource \
    uri=\"sip:user2@server.contoso.com\" /><resource uri=\"sip:user3@server.contoso.com\" />\
    </create></adhoclist>   ";

#[test]
fn the_batched_subscribe_of_ms_sip_is_read() {
    let (head, body) = BATCH.split_once("\r\n\r\n").unwrap();
    let head = head.replace("Content-Length: 262", &format!("Content-Length: {}", body.len()));
    let text = format!("{head}\r\n\r\n{body}");
    let message = Message::parse(text.as_bytes()).unwrap();
    assert_eq!(Extensions::of(&message), Extensions::ALL);
    assert_eq!(Epid::of_sender(&message).unwrap().as_bytes(), b"f540d58d81");
    let list = AdhocList::parse(message.body()).unwrap();
    assert_eq!(list.resources().count(), 2);
    let (_, fields) = Fields::of_signed(&message, Side::Client).unwrap();
    assert_eq!((fields.mechanism, fields.opaque), (Mechanism::Kerberos, Some(&b"1CF1F9E0"[..])));
    assert_eq!(fields.signed.unwrap().number, b"5");
}

#[test]
fn the_piggybacked_batch_of_ms_sip_is_read_part_by_part() {
    let part = |id: &str, kind: &str, body: &str| {
        format!(
            "--e7904a528704417c9a90297d24081f8e\r\nContent-Transfer-Encoding: binary\r\n\
             Content-ID: {id}\r\nContent-Type: {kind}\r\n\r\n{body}\r\n"
        )
    };
    let user = |name: &str| {
        let document = format!(
            "<presentity uri=\"{name}@server.contoso.com\"\r\n\
             xmlns=\"http://schemas.microsoft.com/2002/09/sip/presence\">\r\n\
             <availability aggregate=\"0\" description=\"\" />\r\n\
             <activity aggregate=\"0\" description=\"\" />\r\n<displayName displayName=\"{name}\" />\r\n\
             </presentity>"
        );
        part(&format!("{name}@server.contoso.com"), "text/xml+msrtc.pidf", &document)
    };
    let index = "<list xmlns=\"urn:ietf:params:xml:ns:rlmi\" uri=\"sip:user1@server.contoso.com\" \
        version=\"0\" fullState=\"true\"><resource uri=\"sip:user2@server.contoso.com\"><instance id=\"0\" \
        state=\"active\" cid=\"user2@server.contoso.com\" /></resource>\
        <resource uri=\"sip:user3@server.contoso.com\"><instance id=\"0\" state=\"active\" \
        cid=\"user3@server.contoso.com\" /></resource></list>";
    let body = format!(
        "{}{}{}--e7904a528704417c9a90297d24081f8e--\r\n",
        part("resourceList", "application/rlmi+xml", index),
        user("user2"),
        user("user3")
    );
    let text = format!(
        "SIP/2.0 200 OK\r\nContact: <sip:server.contoso.com;transport=tcp>\r\n\
         Via: SIP/2.0/TCP 11.22.33.44:14383;ms-received-port=1624;ms-received-cid=12c00\r\n\
         From: \"User 1\" <sip:user1@server.contoso.com>\r\n ;tag=90ee61ca;epid=f540d58d81\r\n\
         To: <sip:user1@server.contoso.com>\r\n ;tag=A53585F7\r\nCall-ID: fb80bc9a\r\n\
         CSeq: 1 SUBSCRIBE\r\nExpires: 24767\r\nRequire: eventlist\r\n\
         Content-Type: multipart/related; type=\"application/rlmi+xml\";\r\n \
         start=resourceList; boundary=e7904a528704417c9a90297d24081f8e\r\nEvent: presence\r\n\
         subscription-state: active;expires=24767\r\nms-piggyback-cseq: 1\r\n\
         Supported: com.microsoft.autoextend, ms-piggyback-first-notify,\r\n ms-benotify\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let message = Message::parse(text.as_bytes()).unwrap();
    assert_eq!(Piggyback::of(&message).unwrap().cseq, 1);
    let parts = message.multipart().unwrap().unwrap();
    let root = parts.root().unwrap();
    let list = ResourceList::parse(root.body()).unwrap();
    let mut seen = Vec::new();
    for resource in list.resources() {
        let part = part_of(&parts, &resource.cid.unwrap()).unwrap();
        let document = Presentity::parse(part.body()).unwrap();
        assert_eq!(State::of(&document), State::OFFLINE);
        seen.push(String::from_utf8(document.display_name.unwrap().raw().to_vec()).unwrap());
    }
    assert_eq!(seen, ["user2", "user3"]);
}

#[test]
fn the_signed_set_ace_of_messenger_5_1_is_read() {
    let row = "NTLM qop=\"auth\", realm=\"SIP Communications Service\", opaque=\"8F8C803E\", \
        crand=\"bac716ec\", cnum=\"12\", targetname=\"server.contoso.com\", \
        response=\"0100000066363861cf249229af0f9ad1\"";
    let fields = Fields::parse(row.as_bytes()).unwrap();
    let signed = fields.signed.unwrap();
    assert_eq!((signed.side, signed.number), (Side::Client, &b"12"[..]));
    let row = "NTLM rspauth=\"0100000000000000E82E2E0BAF0F9AD1\", srand=\"EAA5A52F\", snum=\"14\", \
        opaque=\"8F8C803E\", qop=\"auth\", targetname=\"server.contoso.com\", \
        realm=\"SIP Communications Service\"";
    let server = Fields::parse(row.as_bytes()).unwrap();
    // Without extended session security both sides' signatures end alike.
    let last = |signature: &[u8]| signature[signature.len() - 8..].to_ascii_lowercase();
    assert_eq!(last(signed.signature), last(server.signed.unwrap().signature));
    let none =
        Fields::parse(b"NTLM realm=\"r\", targetname=\"t\", snum=1, srand=98984345, rspauth=\"f\"");
    assert_eq!(none.unwrap().signed.unwrap().random, b"98984345");
}

#[test]
fn an_invitation_of_libpurple_brings_its_first_message() {
    let sdp = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=session\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
        m=x-ms-message 5060 sip null\r\na=accept-types:text/plain text/html image/gif \
        application/im-iscomposing+xml application/ms-imdn+xml text/x-msmsgsinvite\r\n";
    let text = format!(
        "INVITE sip:bob@example.test SIP/2.0\r\nVia: SIP/2.0/tcp 127.0.0.1:51224\r\n\
         From: <sip:alice@example.test>;tag=1;epid=b34afb6ebb23\r\nTo: <sip:bob@example.test>\r\n\
         Call-ID: i\r\nCSeq: 1 INVITE\r\nMs-Conversation-ID: 7\r\n\
         ms-text-format: text/plain; charset=UTF-8;msgr=WAAtAE0ATQBTAC0;ms-body=aGVsbG8gYm9i\r\n\
         Contact: <sip:127.0.0.1:51224;transport=tcp>\r\nContent-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    );
    let message = Message::parse(text.as_bytes()).unwrap();
    let session = Session::parse(message.body()).unwrap();
    assert_eq!(im::im_of(&session).unwrap().formats_as_bytes(), b"null");
    let first = TextFormat::of(&message).unwrap();
    assert_eq!(first.body(&mut [0; 64]), Some(&b"hello bob"[..]));
    assert!(first.content_type.starts_with(b"text/plain; charset=UTF-8;msgr="));
}

#[test]
fn a_registration_that_the_server_ends_is_told_and_its_sign_in_forgotten() {
    let mut net = Net::new(ntlm::Version::V2);
    let alice = net.add("alice", "secret");
    net.register(alice);
    let body = registration::Ended::Deactivated.body();
    let text = format!(
        "BENOTIFY sip:alice@10.0.0.2:7100 SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK1\r\n\
         From: <sip:alice@a.test>;tag=1\r\nTo: <sip:alice@a.test>;tag=2;epid=b34afb6ebb00\r\n\
         Call-ID: e\r\nCSeq: 1 BENOTIFY\r\nEvent: registration-notify\r\n\
         Content-Type: text/registration-event\r\nContent-Length: {}\r\n\r\n{}",
        body.len(),
        core::str::from_utf8(body).unwrap()
    );
    let path = Path::tcp(net.phones[alice].at);
    let mut room = [0; 4096];
    let mut again = [0; 4096];
    let client = net.phones[alice].client.as_mut().unwrap();
    let unsigned = Err(Error::Security(ntlm::Error::Unsigned));
    assert_eq!(client.open(0, text.as_bytes(), &mut room), unsigned);
    let sealed = net.front.seal(net.now, path, text.as_bytes(), &mut room).unwrap();
    let client = net.phones[alice].client.as_mut().unwrap();
    let opened = client.open(0, &room[..sealed.len], &mut again).unwrap();
    assert_eq!(opened.ended, Some(registration::Ended::Deactivated));
    assert!(!client.sign_in.is_begun());
}
