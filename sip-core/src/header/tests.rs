use std::string::String;
use std::vec::Vec;

use super::*;
use crate::message::{Message, Method};
use crate::uri::{Host, Scheme as UriScheme, Uri};

fn written<'d, T: Header<'d>>(value: &T) -> String {
    let mut buffer = [0; 512];
    let mut writer = Writer::new(&mut buffer);
    value.write(&mut writer);
    String::from_utf8(writer.as_bytes().to_vec()).unwrap()
}

/// What is read is written as it stood, up to the white space that means nothing.
fn round_trip<'d, T: Header<'d>>(texts: &[&'d str]) {
    for text in texts {
        let value =
            T::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{} {text}: {error}", T::NAME));
        assert_eq!(written(&value), *text, "{}", T::NAME);
    }
}

fn refused<'d, T: Header<'d>>(texts: &[&'d str]) {
    for text in texts {
        assert!(T::parse(text.as_bytes()).is_err(), "{} {text}", T::NAME);
    }
}

#[test]
fn every_typed_header_is_written_as_it_was_read() {
    let addresses = [
        "sip:a@b",
        "<sip:a@b>;tag=1",
        "\"A, \\\"B\\\" <C>\" <sips:a:pw@b.c:5061;lr;maddr=1.2.3.4?x=y>;tag=9;x=\"<;,>\";y",
        "A B <tel:+1-201>",
    ];
    round_trip::<From<'_>>(&addresses);
    round_trip::<To<'_>>(&addresses);
    round_trip::<Contact<'_>>(&addresses);
    round_trip::<Contact<'_>>(&["*"]);
    round_trip::<Route<'_>>(&addresses);
    round_trip::<RecordRoute<'_>>(&addresses);
    round_trip::<ReplyTo<'_>>(&addresses);
    round_trip::<ReferTo<'_>>(&["<sip:a@b?Replaces=1%40c%3Bto-tag%3D2>"]);
    round_trip::<ReferredBy<'_>>(&["<sip:a@b>;cid=\"1@2\""]);
    round_trip::<Path<'_>>(&addresses);
    round_trip::<ServiceRoute<'_>>(&addresses);
    round_trip::<PAssertedIdentity<'_>>(&addresses);
    round_trip::<PPreferredIdentity<'_>>(&addresses);
    round_trip::<Via<'_>>(&[
        "SIP/2.0/UDP 1.2.3.4",
        "SIP/2.0/tcp host.:5060;branch=z9hG4bK1;rport;received=1.2.3.4;ttl=3;maddr=h",
        "SIP/2.0/WSS [2001:db8::1]:443;branch=x;rport=9;received=2001:db8::2",
    ]);
    round_trip::<CallId<'_>>(&["a@b", "x", "word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"]);
    round_trip::<CSeq<'_>>(&["1 INVITE", "2147483647 FOO"]);
    round_trip::<RAck<'_>>(&["776656 1 INVITE"]);
    round_trip::<RSeq>(&["988789"]);
    round_trip::<FlowTimer>(&["126"]);
    round_trip::<ReferSub<'_>>(&["true", "false;x=y"]);
    round_trip::<InfoPackage<'_>>(&["foo", "bar;a=b"]);
    round_trip::<RecvInfo<'_>>(&["foo;a"]);
    round_trip::<Privacy<'_>>(&["id", "header;user; critical"]);
    round_trip::<AlertInfo<'_>>(&["<http://www.example.com/sounds/moo.wav>", "<urn:alert:x>;a=b"]);
    round_trip::<CallInfo<'_>>(&["<http://a/photo.jpg>;purpose=icon"]);
    round_trip::<ErrorInfo<'_>>(&["<sip:not-in-service-recording@atlanta.com>"]);
    round_trip::<ContentId<'_>>(&["<1234@example.com>"]);
    round_trip::<Priority<'_>>(&["emergency", "non-urgent"]);
    round_trip::<MimeVersion>(&["1.0"]);
    round_trip::<Timestamp<'_>>(&["54", "54.", "54.21 0.5", "54 .5"]);
    round_trip::<MaxForwards>(&["0", "255"]);
    round_trip::<MaxBreadth>(&["60"]);
    round_trip::<ContentLength>(&["0", "4294967295"]);
    round_trip::<Expires>(&["0", "4294967295"]);
    round_trip::<MinExpires>(&["60"]);
    round_trip::<SessionExpires<'_>>(&["1800", "4000;refresher=uac"]);
    round_trip::<MinSe<'_>>(&["90", "90;x=y"]);
    round_trip::<RetryAfter<'_>>(&["5", "120 (I'm (really \\) in) a meeting);duration=60"]);
    round_trip::<Date>(&["Sat, 13 Nov 2010 23:29:00 GMT"]);
    round_trip::<Subject<'_>>(&["", "any, text; at all \"", "\u{4e00}"]);
    round_trip::<UserAgent<'_>>(&["Softphone Beta1.5 (x)"]);
    round_trip::<Server<'_>>(&["HomeServer v2"]);
    round_trip::<Organization<'_>>(&["Boxes by Bob"]);
    round_trip::<SipEtag<'_>>(&["dx200xyz"]);
    round_trip::<SipIfMatch<'_>>(&["dx200xyz"]);
    round_trip::<Supported<'_>>(&["100rel"]);
    round_trip::<Require<'_>>(&["100rel"]);
    round_trip::<ProxyRequire<'_>>(&["ms-benotify"]);
    round_trip::<Unsupported<'_>>(&["foo"]);
    round_trip::<ContentEncoding<'_>>(&["gzip"]);
    round_trip::<ContentLanguage<'_>>(&["fr"]);
    round_trip::<AllowEvents<'_>>(&["presence.winfo"]);
    round_trip::<Allow<'_>>(&["INVITE", "BENOTIFY"]);
    round_trip::<InReplyTo<'_>>(&["70710@saturn.bell-tel.com"]);
    round_trip::<Accept<'_>>(&["*/*", "application/sdp;level=1;q=0.5", "text/*"]);
    round_trip::<AcceptEncoding<'_>>(&["gzip;q=1.0", "*"]);
    round_trip::<AcceptLanguage<'_>>(&["da", "en-gb;q=0.8"]);
    round_trip::<ContentType<'_>>(&[
        "application/sdp",
        "text/plain;charset=UTF-8;msgr=WAAtAE0ATQBTAC0/ASQB+AA0ACgANAAoA",
        "multipart/mixed;boundary=\"a b\"",
    ]);
    round_trip::<ContentDisposition<'_>>(&["session;handling=optional"]);
    round_trip::<Event<'_>>(&["presence", "refer;id=93809824"]);
    round_trip::<SubscriptionState<'_>>(&["active;expires=60", "terminated;reason=noresource"]);
    round_trip::<Join<'_>>(&["12adf2f34456gs5;to-tag=12345;from-tag=54321"]);
    round_trip::<TargetDialog<'_>>(&[
        "fa77as7dad8-sd98ajzz@host.example.com;local-tag=kkaz-;remote-tag=6544",
    ]);
    round_trip::<HistoryInfo<'_>>(&[
        "<sip:bob@192.0.2.4?Reason=SIP%3Bcause%3D302>;index=1.1;rc=1",
        "<sip:office@example.com>;index=1",
    ]);
    round_trip::<SuppressIfMatch<'_>>(&["*", "b4cf7"]);
    round_trip::<SessionId<'_>>(&[
        "ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000",
    ]);
    round_trip::<Replaces<'_>>(&[
        "425928@bobster.example.org;to-tag=7743;from-tag=6472;early-only",
    ]);
    round_trip::<Reason<'_>>(&["SIP;cause=200;text=\"Call completed elsewhere\""]);
    round_trip::<Warning<'_>>(&["307 isi.edu \"Session parameter 'foo' not understood\""]);
    let credentials = [
        "Digest realm=\"a, b\", nonce=\"x\", algorithm=MD5",
        "NTLM qop=\"auth\", gssapi-data=\"TlRM==\"",
        "Basic QWxhZGRpbjpvcGVu==",
        "Negotiate",
    ];
    round_trip::<WwwAuthenticate<'_>>(&credentials);
    round_trip::<ProxyAuthenticate<'_>>(&credentials);
    round_trip::<Authorization<'_>>(&credentials);
    round_trip::<ProxyAuthorization<'_>>(&credentials);
    round_trip::<AuthenticationInfo<'_>>(&["nextnonce=\"47364c23432d2e131a5fb210812c\", qop=auth"]);
    round_trip::<ProxyAuthenticationInfo<'_>>(&["NTLM rspauth=\"0\", srand=\"1\""]);
}

#[test]
fn the_extensions_say_what_their_standards_have_them_say() {
    let session = SessionExpires::parse(b"4000;Refresher=UAS").unwrap();
    assert_eq!(session.refresher(), Some(Refresher::Uas));
    assert_eq!(SessionExpires::parse(b"4000;refresher=x").unwrap().refresher(), None);
    for refresher in [None, Some(Refresher::Uac), Some(Refresher::Uas)] {
        let text = written(&SessionExpires::new(90, refresher));
        assert_eq!(SessionExpires::parse(text.as_bytes()).unwrap().refresher(), refresher);
    }
    let contact = Contact::parse(
        b"<sip:callee@192.0.2.1>;pub-gruu=\"sip:callee@example.com;gr=urn:uuid:f81d4fae\"\
          ;temp-gruu=\"sip:tgruu.7hs==jd7vnzga5w7fajsc7-ajd6fabz0f8g5@example.com;gr\"\
          ;+sip.instance=\"<urn:uuid:f81d4fae>\";reg-id=1;expires=3600",
    )
    .unwrap();
    assert_eq!(contact.reg_id(), Some(1));
    let gruu = contact.pub_gruu().unwrap().unwrap();
    assert_eq!(gruu.param(b"gr"), Some(&b"urn:uuid:f81d4fae"[..]));
    assert_eq!(contact.temp_gruu().unwrap().unwrap().param(b"gr"), Some(&b""[..]));
    assert_eq!(contact.instance(), Some(&b"<urn:uuid:f81d4fae>"[..]));
    assert_eq!(Contact::parse(b"<sip:a@b>;reg-id=0").unwrap().reg_id(), None);
    assert_eq!(Contact::parse(b"<sip:a@b>;reg-id=1x").unwrap().reg_id(), None);
    assert!(Contact::parse(b"<sip:a@b>;pub-gruu=x").unwrap().pub_gruu().unwrap().is_err());
    let privacy = Privacy::parse(b"Header ;\tID").unwrap();
    assert!(privacy.has(b"id") && privacy.has(b"HEADER") && !privacy.is_critical());
    let text = b"INFO sip:a SIP/2.0\r\nRecv-Info:\r\nRecv-Info: a, b;c\r\n\r\n";
    let message = Message::parse(text).unwrap();
    let packages: Vec<_> = message.all::<RecvInfo<'_>>().map(|one| one.unwrap().package).collect();
    assert_eq!(packages, [b"a", b"b"]);
}

#[test]
fn what_is_malformed_is_refused() {
    refused::<ReferSub<'_>>(&["", "yes", "true false"]);
    refused::<InfoPackage<'_>>(&["", "a, b"]);
    refused::<Privacy<'_>>(&["", "id;", ";id", "id, header"]);
    refused::<AlertInfo<'_>>(&["", "http://a", "<http://a", "<>", "<a b>"]);
    refused::<ContentId<'_>>(&["a@b", "<a@b", "<a@b> x"]);
    refused::<MimeVersion>(&["", "1", "1.", "1.256", "1.0.0"]);
    refused::<Timestamp<'_>>(&["", ".5", "1.2.3", "x", "1 x", "1 ."]);
    refused::<FlowTimer>(&["", "-1", "4294967296"]);
    refused::<Via<'_>>(&[
        "",
        "SIP/2.0",
        "SIP/2.0/UDP",
        "SIP/2.0/UDPhost",
        "SIP/2.0/UDP h:x",
        "SIP/2.0/UDP h:65536",
        "SIP/2.0/UDP h;;",
        "SIP/2.0/UDP h x",
        "/2.0/UDP h",
        "SIP 2.0 UDP h",
        "SIP/2.0/UDP [::1",
    ]);
    refused::<From<'_>>(&[
        "",
        "<sip:a@b",
        "\"A <sip:a@b>",
        "\"A\" sip:a@b",
        "A, B <sip:a@b>",
        "<sip:a@b> x",
        "<sip:a@b>;",
        "<sip:a@b>;tag=",
        "sip:a@b?x=y",
        "< sip:a@b>",
        "<>",
        "<sip:a@b>;x=\"y",
    ]);
    refused::<CSeq<'_>>(&["", "1", "INVITE", "1INVITE x", "-1 INVITE", "2147483648 INVITE", "1 "]);
    refused::<CallId<'_>>(&["", "a b"]);
    refused::<MaxForwards>(&["", "256", "7 0", "x"]);
    refused::<Expires>(&["", "4294967296", "1.5"]);
    refused::<ContentType<'_>>(&["", "text", "text/", "/plain", "text/plain;", "text/plain x"]);
    refused::<Warning<'_>>(&["99 a \"b\"", "307 a b", "307 \"b\"", "307 a \"b"]);
    refused::<Replaces<'_>>(&["", "1", "1;to-tag=2", ";to-tag=1;from-tag=2"]);
    refused::<Join<'_>>(&["", "1", "1;to-tag=2", ";to-tag=1;from-tag=2"]);
    refused::<TargetDialog<'_>>(&["", "1;local-tag=2", "1;remote-tag=2"]);
    refused::<SessionId<'_>>(&["", "ab30", "ab30317f1a784dc48ff824d0d3715d8g"]);
    refused::<RetryAfter<'_>>(&["x", "5 (open", "5 (a) b"]);
    refused::<WwwAuthenticate<'_>>(&["", "Digest", "Digest x=\"", "Digest a=b c=d", "Digest a=b,"]);
    refused::<Event<'_>>(&["", "a b", "a;"]);
    refused::<Supported<'_>>(&["", "a b", "a,"]);
    refused::<Accept<'_>>(&["text", "text/plain;q="]);
}

#[test]
fn a_value_may_be_folded_anywhere_between_its_parts() {
    let via =
        Via::parse(b"SIP\r\n / 2.0 /\r\n\tUDP\r\n  h\r\n :\r\n 5060 ;\r\n branch\r\n =\r\n x")
            .unwrap();
    assert_eq!(
        (via.transport(), via.port(), via.branch()),
        (&b"UDP"[..], Some(5060), Some(&b"x"[..]))
    );
    let cseq = CSeq::parse(b"1\r\n INVITE").unwrap();
    assert_eq!(cseq, CSeq { number: 1, method: Method::Invite });
    let from = From::parse(b"\"a\r\n b\"\r\n <sip:a@b>\r\n ;tag=1").unwrap();
    assert_eq!(from.display().unwrap(), b"a b"[..]);
    assert_eq!(written(&from), "\"a   b\"   <sip:a@b>   ;tag=1");
}

#[test]
fn what_is_put_together_is_written_in_its_order() {
    let uri = Uri::new(UriScheme::Sip, Host::Name(b"example.com")).with_user(b"alice");
    let from = From::new(uri).with_display(b"A \"B\"").with_tag(b"7");
    assert_eq!(written(&from), "\"A \\\"B\\\"\" <sip:alice@example.com>;tag=7");
    let received = To::parse(b"\"Bob\" <sip:bob@example.com>;epid=1").unwrap();
    assert_eq!(written(&received.with_tag(b"8")), "\"Bob\" <sip:bob@example.com>;tag=8;epid=1");
    let via = Via::new(b"UDP", Host::V4([10, 0, 255, 1].into()), Some(7100), b"z9hG4bK1");
    assert_eq!(written(&via.with_rport()), "SIP/2.0/UDP 10.0.255.1:7100;branch=z9hG4bK1;rport");
    let params = Params::parse(b";expires=60;q=0.5").unwrap();
    assert_eq!(
        written(&Contact::new(uri).with_params(params)),
        "<sip:alice@example.com>;expires=60;q=0.5"
    );
}

#[test]
fn a_via_is_marked_with_where_it_came_from() {
    for (text, marked) in [
        ("SIP/2.0/UDP h;branch=1", "SIP/2.0/UDP h;branch=1;received=192.0.2.9"),
        (
            "SIP/2.0/UDP h:5;x=\"y\";rport;branch=1;z",
            "SIP/2.0/UDP h:5;branch=1;rport=4000;received=192.0.2.9;x=\"y\";z",
        ),
        ("SIP/2.0/UDP h;received=1.1.1.1;rport=1", "SIP/2.0/UDP h;rport=4000;received=192.0.2.9"),
    ] {
        let via = Via::parse(text.as_bytes()).unwrap();
        let via = via.with_received([192, 0, 2, 9].into(), 4000);
        assert_eq!(written(&via), marked);
        let again = marked.as_bytes();
        let again = Via::parse(again).unwrap();
        assert_eq!(again.received(), Some([192, 0, 2, 9].into()));
        assert_eq!(again.rport(), via.rport());
    }
    let via = Via::parse(b"SIP/2.0/UDP h;received=2001:db8::9:255;ttl=16;maddr=224.2.0.1").unwrap();
    assert_eq!(via.received(), Some("2001:db8::9:255".parse().unwrap()));
    assert_eq!(via.ttl(), Some(16));
    assert_eq!(via.maddr(), Some(Host::V4([224, 2, 0, 1].into())));
}

#[test]
fn q_values_are_thousandths() {
    for (text, value) in [
        ("0", Some(0)),
        ("1", Some(1000)),
        ("1.000", Some(1000)),
        ("0.5", Some(500)),
        ("0.333", Some(333)),
        ("0.", Some(0)),
        ("1.001", None),
        ("2", None),
        ("0.1234", None),
        (".5", None),
        ("x", None),
    ] {
        assert_eq!(address::q_thousandths(text.as_bytes()).ok(), value, "{text}");
    }
}

/// The first REGISTER of pidgin-sipe, and that of Windows Messenger 5.1.
#[test]
fn registers_of_messengers_are_read_whole() {
    let sipe = b"REGISTER sip:example.test SIP/2.0\r\n\
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
    let messenger = b"REGISTER sip:sip.blueface.ie SIP/2.0\r\n\
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
    for (text, rows) in [(&sipe[..], 13), (&messenger[..], 11)] {
        let message = Message::parse(text).unwrap();
        assert_eq!(message.headers().count(), rows);
        for row in message.headers() {
            row.check().unwrap_or_else(|error| panic!("{}: {error}", row.name));
        }
    }
    let message = Message::parse(sipe).unwrap();
    let from = message.typed::<From<'_>>().unwrap().unwrap();
    assert_eq!(from.params().value(b"epid"), Some(&b"b34afb6ebb23"[..]));
    let contacts: Vec<_> = message.all::<Contact<'_>>().map(Result::unwrap).collect();
    assert_eq!(contacts.len(), 1);
    assert_eq!(contacts[0].uri().unwrap().user(), None);
    assert_eq!(contacts[0].params().value(b"proxy"), Some(&b"replace"[..]));
    assert_eq!(
        contacts[0].instance(),
        Some(&b"<urn:uuid:085e0bd8-031c-5a0d-8d9a-f149aae6954a>"[..])
    );
    assert_eq!(message.all::<Supported<'_>>().count(), 4);
    let message = Message::parse(messenger).unwrap();
    let via = message.typed::<Via<'_>>().unwrap().unwrap();
    assert_eq!(via.branch(), None);
    assert!(!via.has_unique_branch());
}

#[test]
fn quoted_transport_in_a_uri_and_odd_hosts_are_read() {
    let contact =
        Contact::parse(b"<sip:a@b:5060;maddr=1.2.3.4;transport=\"tcp\">;proxy=replace").unwrap();
    assert_eq!(contact.uri().unwrap().param(b"transport"), Some(&b"\"tcp\""[..]));
    let from = From::parse(b"<sip:34020000001320000001@3402000000>;tag=1").unwrap();
    assert_eq!(from.uri().host(), Some(Host::Name(b"3402000000")));
}

#[test]
fn where_a_request_has_been_is_told_by_its_history() {
    let target = HistoryInfo::parse(b"<sip:a@b>;index=1.2;mp=1.1").unwrap();
    assert_eq!(target.index(), Some(&b"1.2"[..]));
    assert_eq!(target.chosen(), Some((&b"mp"[..], &b"1.1"[..])));
    assert_eq!(HistoryInfo::parse(b"<sip:a@b>").unwrap().chosen(), None);
    let session = SessionId::parse(b"ab30317f1a784dc48ff824d0d3715d86;remote=nobody").unwrap();
    assert_eq!(session.remote(), None);
}
