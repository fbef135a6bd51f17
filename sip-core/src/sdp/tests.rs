use std::vec::Vec;

use super::*;
use crate::error::{Fault, ParseError};

const OFFER: &[u8] = b"v=0\r\no=alice 2890844526 2890844526 IN IP4 192.0.2.1\r\ns=-\r\n\
    c=IN IP4 192.0.2.1\r\nt=0 0\r\n\
    m=audio 49170 RTP/AVP 97 8 0 99\r\na=rtpmap:97 iLBC/8000\r\na=rtpmap:99 telephone-event/8000\r\n\
    a=fmtp:99 0-15\r\na=ptime:30\r\na=rtcp:53020 IN IP4 192.0.2.9\r\n\
    m=video 51372 RTP/AVP 31\r\nc=IN IP6 2001:db8::1\r\na=inactive\r\n";

fn local(codecs: &'static [Codec<'static>]) -> Local<'static> {
    Local {
        session: 7,
        version: 1,
        address: [192, 0, 2, 2].into(),
        rtp_port: 5350,
        rtcp_port: 5351,
        codecs,
        direction: Direction::SendRecv,
        ptime_ms: 20,
    }
}

const CODECS: &[Codec<'static>] = &[Codec::PCMU, Codec::PCMA, Codec::TELEPHONE_EVENT];

#[test]
fn the_parts_are_found() {
    let session = Session::parse(OFFER).unwrap();
    let origin = session.origin().unwrap();
    assert_eq!((origin.user, origin.version), (&b"alice"[..], &b"2890844526"[..]));
    assert_eq!(session.name(), b"-");
    assert_eq!(session.line(b't'), Some(&b"0 0"[..]));
    let media: Vec<_> = session.media().collect();
    assert_eq!(media.len(), 2);
    assert_eq!(
        media[0].rtpmap(97).unwrap(),
        RtpMap { name: b"iLBC", clock_rate: 8000, channels: 1 }
    );
    assert_eq!(media[0].rtpmap(8).unwrap().name, b"PCMA");
    assert_eq!(media[0].rtpmap(98), None);
    assert_eq!(media[0].fmtp(99), Some(&b"0-15"[..]));
    assert_eq!(media[0].ptime_ms(), Some(30));
    assert_eq!(media[0].rtcp(), Some((53020, Some([192, 0, 2, 9].into()))));
    assert_eq!(session.connection_of(&media[0]).unwrap().ip(), Some([192, 0, 2, 1].into()));
    assert_eq!(
        session.connection_of(&media[1]).unwrap().ip(),
        Some(std::net::IpAddr::V6("2001:db8::1".parse().unwrap()))
    );
    assert_eq!(session.direction(&media[0]), Direction::SendRecv);
    assert_eq!(session.direction(&media[1]), Direction::Inactive);
}

#[test]
fn a_description_is_written_as_it_came() {
    let session = Session::parse(OFFER).unwrap();
    let mut buffer = [0; 512];
    let length = session.write(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], OFFER);
    assert_eq!(session.encoded_len(), OFFER.len());
    assert_eq!(session.write(&mut [0; 9]).unwrap_err().needed, OFFER.len());
    let loose: Vec<u8> = OFFER.iter().copied().filter(|octet| *octet != b'\r').collect();
    let loose = Session::parse(&loose[..loose.len() - 1]).unwrap().write(&mut buffer).unwrap();
    assert_eq!(&buffer[..loose], OFFER);
}

#[test]
fn faults_are_named_and_placed() {
    for (text, what, at) in [
        (&b""[..], Fault::Empty, 0),
        (b"\r\n", Fault::Empty, 0),
        (b"o=- 1 1 IN IP4 x\r\n", Fault::SdpLine, 0),
        (b"v=1\r\n", Fault::SdpLine, 0),
        (b"v=0\r\nx\r\n", Fault::SdpLine, 5),
        (b"v=0\r\nm =audio 1 RTP/AVP 0\r\n", Fault::SdpLine, 5),
        (b"v=0\r\n\r\ns=-\r\n", Fault::SdpLine, 5),
        (b"v=0\r\no=- 1 1 IN IP4\r\n", Fault::SdpField, 7),
        (b"v=0\r\no=- 1 x IN IP4 h\r\n", Fault::SdpField, 7),
        (b"v=0\r\no=- 1 1 IN IP4 h\r\no=- 1 1 IN IP4 h\r\n", Fault::SdpLine, 23),
        (b"v=0\r\nc=IN IP4\r\n", Fault::SdpField, 7),
        (b"v=0\r\nm=audio\r\n", Fault::SdpField, 12),
        (b"v=0\r\nm=audio 65536 RTP/AVP 0\r\n", Fault::SdpField, 13),
        (b"v=0\r\nm=audio 1/x RTP/AVP 0\r\n", Fault::SdpField, 13),
        (b"v=0\r\nm=audio 1 RTP/AVP\r\n", Fault::SdpField, 22),
        (b"v=0\r\nv=0\r\n", Fault::SdpLine, 5),
    ] {
        let error = Session::parse(text).unwrap_err();
        assert_eq!(error, ParseError::new(what, at), "{}", text.escape_ascii());
    }
    let mut many = b"v=0\r\n".to_vec();
    for _ in 0..=Session::MAX_MEDIA {
        many.extend(b"m=audio 1 RTP/AVP 0\r\n");
    }
    assert_eq!(Session::parse(&many).unwrap_err().what, Fault::OutOfRange);
}

#[test]
fn descriptions_of_messenger_are_read() {
    let text = b"v=0\r\no=- 0 0 IN IP4 10.0.0.1\r\ns=session\r\nc=IN IP4 10.0.0.1\r\nb=CT:1000\r\nt=0 0\r\n\
        k=base64:AAAA\r\nm=x-ms-message 5060 sip null\r\na=accept-types:text/plain\r\n\
        m=audio 5352 RTP/AVP 97 111 112 6 0 8 4 5 3 101\r\nk=base64:BBBB\r\na=encryption:optional\r\n";
    let session = Session::parse(text).unwrap();
    assert_eq!(session.line(b'b'), Some(&b"CT:1000"[..]));
    let media: Vec<_> = session.media().collect();
    assert_eq!((media[0].kind, media[0].port), (&b"x-ms-message"[..], 5060));
    assert_eq!(media[0].formats().next(), Some(&b"null"[..]));
    assert_eq!(media[1].lines().next(), Some((b'k', &b"base64:BBBB"[..])));
    assert_eq!(media[1].payload_types().count(), 10);
}

#[test]
fn an_answer_takes_the_first_common_codec_and_refuses_the_rest() {
    let offered = Session::parse(OFFER).unwrap();
    let mut buffer = [0; 512];
    let (length, agreed) = answer(&local(CODECS), &offered, &mut buffer).unwrap();
    let text = core::str::from_utf8(&buffer[..length]).unwrap();
    assert_eq!(
        text,
        "v=0\r\no=- 7 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n\
         m=audio 5350 RTP/AVP 8 99\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:99 telephone-event/8000\r\n\
         a=fmtp:99 0-16\r\na=ptime:20\r\na=sendrecv\r\nm=video 0 RTP/AVP 31\r\n"
    );
    assert_eq!(agreed.codec, Codec::PCMA);
    assert_eq!(agreed.telephone_event, Some((99, 99)));
    assert_eq!(agreed.rtp, "192.0.2.1:49170".parse().unwrap());
    assert_eq!(agreed.rtcp, "192.0.2.9:53020".parse().unwrap());
    assert_eq!(agreed.direction, Direction::SendRecv);
    assert_eq!(agreed.ptime_ms, Some(30));
}

#[test]
fn offerer_and_answerer_agree() {
    let ours = local(CODECS);
    let theirs = Local {
        address: "2001:db8::2".parse().unwrap(),
        rtp_port: 7000,
        rtcp_port: 7009,
        codecs: &[Codec::G722, Codec::PCMA],
        direction: Direction::RecvOnly,
        ..ours
    };
    let (mut first, mut second) = ([0; 512], [0; 512]);
    let length = offer(&ours, &mut first).unwrap();
    let offered = Session::parse(&first[..length]).unwrap();
    let (length, answerer) = answer(&theirs, &offered, &mut second).unwrap();
    let answered = Session::parse(&second[..length]).unwrap();
    let offerer = accept(&ours, &answered).unwrap();
    assert_eq!(offerer.codec, answerer.codec);
    assert_eq!(offerer.codec, Codec::PCMA);
    assert_eq!(offerer.direction, Direction::SendOnly);
    assert_eq!(answerer.direction, Direction::RecvOnly);
    assert_eq!(offerer.telephone_event, None);
    assert_eq!(offerer.rtp, "[2001:db8::2]:7000".parse().unwrap());
    assert_eq!(offerer.rtcp, "[2001:db8::2]:7009".parse().unwrap());
    assert_eq!(answerer.rtcp, "192.0.2.2:5351".parse().unwrap());
}

#[test]
fn hold_is_understood_in_both_manners() {
    for (theirs, ours) in [
        ("a=sendonly", Direction::RecvOnly),
        ("a=recvonly", Direction::SendOnly),
        ("a=inactive", Direction::Inactive),
        ("a=x", Direction::SendRecv),
        ("c=IN IP4 0.0.0.0", Direction::RecvOnly),
    ] {
        let text = std::format!("v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 9 RTP/AVP 0\r\n{theirs}\r\n");
        let session = Session::parse(text.as_bytes()).unwrap();
        assert_eq!(accept(&local(CODECS), &session).unwrap().direction, ours, "{theirs}");
    }
}

#[test]
fn without_agreement_the_reason_is_named() {
    for (media, error) in [
        ("m=video 9 RTP/AVP 31\r\n", NegotiationError::NoAudio),
        ("m=audio 0 RTP/AVP 0\r\n", NegotiationError::NoAudio),
        ("m=audio 9 RTP/SAVP 0\r\n", NegotiationError::NoCommonCrypto),
        ("m=audio 9 RTP/AVP 3\r\n", NegotiationError::NoCommonCodec),
        (
            "m=audio 9 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n",
            NegotiationError::NoCommonCodec,
        ),
        ("m=audio 9 RTP/AVP 0\r\nc=IN IP4 host.example.com\r\n", NegotiationError::NoAddress),
        ("m=audio 9 RTP/AVP 0\r\n", NegotiationError::NoAddress),
    ] {
        let text = std::format!("v=0\r\n{media}");
        let session = Session::parse(text.as_bytes()).unwrap();
        assert_eq!(answer(&local(CODECS), &session, &mut [0; 512]).unwrap_err(), error, "{media}");
    }
    let offered = Session::parse(OFFER).unwrap();
    assert!(matches!(
        answer(&local(CODECS), &offered, &mut [0; 8]).unwrap_err(),
        NegotiationError::Write(_)
    ));
}
