use std::vec::Vec;

use super::*;
use crate::error::WriteError;
use crate::header::{Contact, ContentLength, Expires, From, MaxForwards, Supported, Via};

const REQUEST: &[u8] = b"INVITE sip:bob@example.com SIP/2.0\r\n\
    Via: SIP/2.0/UDP a.example.com;branch=z9hG4bK1, SIP/2.0/TCP b.example.com:5061\r\n\
    v: SIP/2.0/TLS c.example.com\r\n\
    From: \"A, \\\"B\\\"\" <sip:alice@example.com>;tag=1\r\n\
    To: <sip:bob@example.com>\r\n\
    Call-ID: 1@a\r\n\
    CSeq: 1 INVITE\r\n\
    Contact: <sip:alice@a.example.com;transport=tcp>;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\";q=0.5, <sip:x@y>;expires=30\r\n\
    X-Odd : a\r\n\t b\r\n\
    Supported:\r\n\
    l: 5\r\n\
    \r\n\
    hello";

fn fault(text: &[u8]) -> ParseError {
    Message::parse(text).expect_err(&std::format!("{}", text.escape_ascii()))
}

#[test]
fn a_view_is_small_enough_to_be_handed_around() {
    assert!(size_of::<Message<'_>>() <= 256, "{}", size_of::<Message<'_>>());
}

#[test]
fn start_rows_and_body_are_found() {
    let message = Message::parse(REQUEST).unwrap();
    assert_eq!(message.method(), Some(Method::Invite));
    assert_eq!(message.uri(), Some(&b"sip:bob@example.com"[..]));
    assert_eq!(message.code(), None);
    assert!(message.is_version_2());
    assert_eq!(message.headers().count(), 10);
    assert_eq!(message.body(), b"hello");
    assert_eq!(message.as_bytes(), REQUEST);
    assert!(message.head().ends_with(b"\r\n\r\n"));
    let odd = message.row(Name::Other(b"x-odd")).unwrap();
    assert_eq!(odd.value, b"a\r\n\t b");
    assert_eq!(&REQUEST[odd.at..odd.at + 1], b"a");
    assert_eq!(message.row(Name::Subject).map(|row| row.at), None);
}

#[test]
fn values_are_found_across_rows_and_commas() {
    let message = Message::parse(REQUEST).unwrap();
    let hosts: Vec<_> = message.all::<Via<'_>>().map(|via| via.unwrap().host()).collect();
    assert_eq!(hosts.len(), 3);
    let contacts: Vec<_> = message.all::<Contact<'_>>().map(Result::unwrap).collect();
    assert_eq!(
        contacts[0].instance(),
        Some(&b"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"[..])
    );
    assert_eq!(contacts[0].q_thousandths(), Some(Ok(500)));
    assert_eq!(contacts[1].expires(), Some(Ok(30)));
    let from = message.typed::<From<'_>>().unwrap().unwrap();
    assert_eq!(from.display().unwrap(), b"A, \"B\""[..]);
}

#[test]
fn absent_empty_malformed_and_repeated_are_told_apart() {
    let message = Message::parse(REQUEST).unwrap();
    assert!(message.typed::<MaxForwards>().is_none());
    assert!(message.typed::<Supported<'_>>().is_none());
    assert_eq!(message.all::<Supported<'_>>().count(), 0);
    let text = b"SIP/2.0 200 OK\r\nMax-Forwards: x\r\nFrom: <sip:a@b>\r\nf: <sip:c@d>\r\n\
        Supported:\r\nk: x,, y\r\nk: z\r\n\r\n";
    let message = Message::parse(text).unwrap();
    let error = message.typed::<MaxForwards>().unwrap().unwrap_err();
    assert_eq!((error.what, text[error.at]), (Fault::Number, b'x'));
    let error = message.typed::<From<'_>>().unwrap().unwrap_err();
    assert_eq!((error.what, &text[error.at..][..9]), (Fault::Repeated, &b"<sip:c@d>"[..]));
    let supported: Vec<_> = message.all::<Supported<'_>>().collect();
    assert_eq!(supported[0], Ok(Supported(b"x")));
    assert_eq!(text[supported[1].unwrap_err().at], b',');
    assert_eq!(supported[2], Ok(Supported(b"z")));
    assert_eq!(message.typed::<Supported<'_>>(), Some(Ok(Supported(b"x"))));
}

#[test]
fn broken_start_lines_are_refused_where_they_break() {
    for (line, what, at) in [
        (&b"INVITE sip:a@b SIP/2.0 "[..], Fault::StartLine, 15),
        (b"INVITE  sip:a@b SIP/2.0", Fault::StartLine, 7),
        (b"INVITE sip:a@b", Fault::StartLine, 14),
        (b"INVITE sip:a@b HTTP/1.1", Fault::StartLine, 15),
        (b"INVITE sip:a@b SIP/2", Fault::StartLine, 15),
        (b"INVITE <sip:a@b> SIP/2.0", Fault::RequestUri, 7),
        (b"INVITE sip:a@b; lr SIP/2.0", Fault::StartLine, 16),
        (b"INVITE bob SIP/2.0", Fault::RequestUri, 7),
        (b" INVITE sip:a@b SIP/2.0", Fault::StartLine, 0),
        (b"IN(VITE sip:a@b SIP/2.0", Fault::StartLine, 2),
        (b"SIP/2.0 99 Low", Fault::StatusCode, 8),
        (b"SIP/2.0 099 Low", Fault::StatusCode, 8),
        (b"SIP/2.0 700 High", Fault::StatusCode, 8),
        (b"SIP/2.0 4294967301 Big", Fault::StatusCode, 8),
        (b"SIP/2.0  200 OK", Fault::StatusCode, 8),
        (b"SIP/2.0 2x0 OK", Fault::StatusCode, 8),
        (b"SIP/2.0", Fault::StartLine, 7),
        (b"SIP/x 200 OK", Fault::StartLine, 0),
    ] {
        let mut text = line.to_vec();
        text.extend(b"\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(fault(&text), ParseError::new(what, at), "{}", line.escape_ascii());
    }
}

#[test]
fn broken_framing_is_refused_where_it_breaks() {
    for (rows, what, at) in [
        (&b"Content-Length: -1\r\n\r\n"[..], Fault::ContentLength, 16),
        (b"Content-Length: 1x\r\n\r\n1", Fault::ContentLength, 16),
        (b"Content-Length:\r\n\r\n", Fault::ContentLength, 15),
        (b"Content-Length: 1\r\nl: 1\r\n\r\n1", Fault::Repeated, 22),
        (b"Content-Length: 2\r\n\r\n1", Fault::Truncated, 22),
        (b"Content-Length: 99999999999999999999999999\r\n\r\n1", Fault::Truncated, 47),
        (b"Via\r\n\r\n", Fault::HeaderName, 3),
        (b"Via x: 1\r\n\r\n", Fault::HeaderName, 4),
        (b": x\r\n\r\n", Fault::HeaderName, 0),
        (b" x: y\r\n\r\n", Fault::HeaderName, 0),
        (b"A: b\nC: d\r\n\r\n", Fault::LineEnd, 4),
        (b"A: b\rC: d\r\n\r\n", Fault::LineEnd, 4),
        (b"A: b\r\n\n", Fault::LineEnd, 6),
        (b"A: b\r\n", Fault::Truncated, 6),
        (b"A: b", Fault::Truncated, 4),
        (b"A: b\r\n ", Fault::Truncated, 7),
        (b"A: b\r\n\r", Fault::Truncated, 7),
    ] {
        let mut text = b"SIP/2.0 200 OK\r\n".to_vec();
        text.extend(rows);
        assert_eq!(fault(&text), ParseError::new(what, at + 16), "{}", rows.escape_ascii());
    }
}

#[test]
fn limits_are_errors_and_never_cut() {
    let mut text = b"SIP/2.0 200 OK\r\n".to_vec();
    for _ in 0..Message::MAX_HEADERS {
        text.extend(b"A: b\r\n");
    }
    let more = text.len();
    assert_eq!(Message::parse(&[&text[..], b"\r\n"].concat()).unwrap().headers().count(), 96);
    text.extend(b"A: b\r\n\r\n");
    assert_eq!(fault(&text), ParseError::new(Fault::TooManyHeaders, more));
    let mut text = b"SIP/2.0 200 OK\r\nA: ".to_vec();
    text.resize(70_000, b'x');
    text.extend(b"\r\n\r\n");
    assert_eq!(fault(&text).what, Fault::HeadTooLong);
}

/// A request with as many rows as asked for: fillers with folds, then Subject, a name of its own,
/// and a Via at each end.
fn rows(count: usize) -> Vec<u8> {
    let mut text = b"INFO sip:a@b SIP/2.0\r\nVia: first\r\n".to_vec();
    for number in 4..count {
        text.extend(std::format!("X-Filler-{number}:\r\n {number} \r\n\tfold \r\n").bytes());
    }
    text.extend(
        b"Subject :  deep\r\n  down  \r\nX-Own\t:\r\n mine\r\nv: last\r\n\r\nbody: no row\r\n",
    );
    text
}

#[test]
fn rows_behind_the_index_are_found_like_those_in_it() {
    for count in [4, INDEXED - 1, INDEXED, INDEXED + 1, INDEXED + 2, INDEXED + 3, 96] {
        let text = rows(count);
        let message = Message::parse(&text).unwrap();
        assert_eq!(message.headers().count(), count);
        assert_eq!(message.row(Name::Subject).unwrap().value, b"deep\r\n  down");
        assert_eq!(message.row(Name::Other(b"x-own")).unwrap().value, b"mine");
        let vias: Vec<_> = message.rows(Name::Via).map(|row| row.value).collect();
        assert_eq!(vias, [&b"first"[..], b"last"], "{count}");
        assert!(message.row(Name::CallId).is_none());
        let names: Vec<_> = message.headers().map(|row| row.name).collect();
        assert_eq!(names.last(), Some(&Name::Via));
        if count > 4 {
            let filler = std::format!("X-Filler-{}", count - 1);
            let filler = message.row(Name::Other(filler.as_bytes())).unwrap();
            assert!(filler.value.ends_with(b"fold"));
        }
    }
}

#[test]
fn a_repeated_row_behind_the_index_is_noticed() {
    for count in [4, INDEXED, INDEXED + 5] {
        let mut text = rows(count);
        text.truncate(text.len() - b"\r\nbody: no row\r\n".len());
        text.extend(b"f: <sip:a@b>\r\nFrom: <sip:c@d>\r\n\r\n");
        let message = Message::parse(&text).unwrap();
        let error = message.typed::<From<'_>>().unwrap().unwrap_err();
        assert_eq!(error.what, Fault::Repeated);
    }
}

#[test]
fn a_datagram_may_begin_with_line_ends_and_go_on_behind_the_body() {
    let mut text = b"\r\n\r\n".to_vec();
    text.extend(REQUEST);
    text.extend(b"\r\n\r\nBYE sip:x SIP/2.0\r\n\r\n");
    let message = Message::parse(&text).unwrap();
    assert_eq!(message.as_bytes(), REQUEST);
    text[4] = b' ';
    assert_eq!(fault(&text).at, 4);
}

#[test]
fn without_content_length_a_datagram_is_body_to_its_end_and_a_stream_is_refused() {
    let text = b"SIP/2.0 200 OK\r\nFrom: <sip:a@b>\r\n\r\nhello";
    let message = Message::parse(text).unwrap();
    assert_eq!(message.body(), b"hello");
    assert!(message.typed::<ContentLength>().is_none());
    let error = Message::parse_stream(text, &Limits::DEFAULT).unwrap_err();
    assert_eq!(error, ParseError::new(Fault::ContentLengthMissing, 35));
}

#[test]
fn a_stream_may_be_cut_anywhere() {
    let mut text = b"\r\n".to_vec();
    text.extend(REQUEST);
    let length = text.len();
    text.extend(b"\r\nSIP/2.0 200 OK\r\nl:0\r\n\r\n");
    let mut framer = Framer::new();
    for end in 0..length {
        let part = &text[..end];
        assert!(Message::parse_stream(part, &Limits::DEFAULT).unwrap().is_none(), "{end}");
        assert!(framer.next(part, &Limits::DEFAULT).unwrap().is_none(), "{end}");
    }
    for end in length..text.len() {
        let (used, message) =
            Message::parse_stream(&text[..end], &Limits::DEFAULT).unwrap().unwrap();
        assert_eq!((used, message.as_bytes()), (length, REQUEST));
        let (used, _) = framer.clone().next(&text[..end], &Limits::DEFAULT).unwrap().unwrap();
        assert_eq!(used, length);
    }
    assert!(framer.next(&text, &Limits::DEFAULT).unwrap().is_some());
    let (_, message) = framer.next(&text[length..], &Limits::DEFAULT).unwrap().unwrap();
    assert_eq!(message.code(), Some(StatusCode::OK));
}

#[test]
fn a_message_on_a_stream_that_is_too_long_is_an_error_at_once() {
    let limits = Limits { head_octets: 64, body_octets: 10 };
    let long = b"SIP/2.0 200 OK\r\nX: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    let mut framer = Framer::new();
    for end in 0..=long.len() {
        let parsed = framer.next(&long[..end], &limits);
        match end {
            0..=64 => assert!(parsed.unwrap().is_none(), "{end}"),
            _ => assert_eq!(parsed.unwrap_err(), ParseError::new(Fault::HeadTooLong, 64)),
        }
    }
    let body = b"SIP/2.0 200 OK\r\nl: 11\r\n\r\n";
    let error = Message::parse_stream(body, &limits).unwrap_err();
    assert_eq!(error.what, Fault::BodyTooLong);
}

#[test]
fn a_broken_request_is_salvaged_for_its_answer() {
    let text = b"INVITE <sip:a@b>  SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nbroken\r\n\
        Call-ID: 1\r\nContent-Length: 9999\r\n\r\nxxx";
    assert!(Message::parse(text).is_err());
    let message = Message::salvage(text).unwrap();
    assert_eq!(message.method(), Some(Method::Invite));
    assert_eq!(message.headers().count(), 3);
    assert!(message.typed::<Via<'_>>().unwrap().is_ok());
    assert_eq!(message.body(), b"");
    assert!(Message::salvage(b"SIP/2.0 1000 x\r\nVia: SIP/2.0/UDP h\r\n\r\n").is_none());
    assert!(Message::salvage(b"INVITE x\r\nFrom: y\r\n\r\n").is_none());
    assert!(Message::salvage(b"\x16\x03\x01").is_none());
}

#[test]
fn what_is_written_reads_back() {
    let message = Message::parse(REQUEST).unwrap();
    let mut buffer = [0; 1024];
    let mut writer = Writer::new(&mut buffer);
    writer.request(Method::Invite, &message.request_uri().unwrap().unwrap());
    for row in message.headers().filter(|row| row.name != Name::ContentLength) {
        writer.row(&row);
    }
    let length = writer.body(b"text/plain", message.body()).unwrap();
    let again = Message::parse(&buffer[..length]).unwrap();
    assert_eq!(again.start(), message.start());
    assert_eq!(again.body(), message.body());
    assert_eq!(again.headers().count(), message.headers().count() + 1);
    let odd = again.row(Name::Other(b"X-Odd")).unwrap();
    assert_eq!(odd.value, b"a  \t b", "the fold has become white space");
}

#[test]
fn line_ends_in_values_are_refused_and_short_buffers_say_what_is_needed() {
    for value in [&b"a\r\nEvil: x"[..], b"a\nb", b"a\rb", b"\r\n", b"aaaaaaaaaaaaaaaaaaaa\n"] {
        let mut buffer = [0; 256];
        let mut writer = Writer::new(&mut buffer);
        writer.response(StatusCode::OK, None);
        writer.raw(Name::Subject, value);
        assert_eq!(writer.finish(), Err(WriteError::LineEnd));
    }
    let write = |buffer: &mut [u8]| {
        let mut writer = Writer::new(buffer);
        writer.response(StatusCode::RINGING, &b"Hm"[..]);
        writer.raw_number(Name::Expires, 4_294_967_295);
        writer.body_with(b"a/b", |buffer| {
            let place =
                buffer.first_chunk_mut().ok_or(crate::error::BufferTooSmall { needed: 3 })?;
            *place = *b"xyz";
            Ok(3)
        })
    };
    let mut buffer = [0; 256];
    let length = write(&mut buffer).unwrap();
    let text = b"SIP/2.0 180 Hm\r\nExpires: 4294967295\r\nContent-Type: a/b\r\nContent-Length:          3\r\n\r\nxyz";
    assert_eq!(&buffer[..length], text);
    for short in 0..length {
        let mut buffer = std::vec![0; short];
        let needed = crate::error::BufferTooSmall { needed: length };
        assert_eq!(write(&mut buffer), Err(needed.into()));
    }
}

#[test]
fn texts_of_every_length_are_copied_whole_and_no_line_end_slips_through() {
    for length in 0..70 {
        let text: Vec<u8> = (0..length).map(|at| b'a' + at % 26).collect();
        let written = |text: &[u8]| {
            let mut buffer = [0; 128];
            let mut writer = Writer::new(&mut buffer);
            writer.raw(Name::Subject, text);
            writer.finish().map(|length| buffer[..length].to_vec())
        };
        let expected = [b"Subject: ", &text[..], b"\r\nContent-Length: 0\r\n\r\n"].concat();
        assert_eq!(written(&text).unwrap(), expected);
        for at in 0..text.len() {
            for bad in *b"\r\n" {
                let mut text = text.clone();
                text[at] = bad;
                assert_eq!(written(&text), Err(WriteError::LineEnd), "{length} {at}");
            }
            let mut text = text.clone();
            text[at] = b'\t';
            let expected = [b"Subject: ", &text[..], b"\r\nContent-Length: 0\r\n\r\n"].concat();
            assert_eq!(written(&text).unwrap(), expected, "other controls stay as they are");
        }
    }
}

#[test]
fn ipv4_addresses_are_written_as_the_standard_library_does() {
    for part in 0..=255 {
        for address in [[part, 0, 10, 255], [1, part, part, 99], [100, 9, 200, part]] {
            let address = std::net::Ipv4Addr::from(address);
            let mut buffer = [0; 16];
            let mut writer = Writer::new(&mut buffer);
            writer.v4(address);
            assert_eq!(writer.as_bytes(), std::format!("{address}").as_bytes());
        }
    }
}

#[test]
fn the_first_and_the_second_row_of_a_name_are_found_wherever_they_stand() {
    // Beyond the rows that are indexed, too.
    for rows in [2, 8, 9, 23, 24, 25, 40] {
        for (first, second) in (0..rows).flat_map(|a| (a + 1..rows).map(move |b| (a, b))) {
            let mut text = b"SIP/2.0 200 OK\r\n".to_vec();
            for row in 0..rows {
                text.extend_from_slice(if row == first || row == second {
                    b"Expires: 1\r\n"
                } else {
                    b"Organization: x\r\n"
                });
            }
            text.extend_from_slice(b"\r\n");
            let message = Message::parse(&text).unwrap();
            let places: Vec<usize> = message.rows(Name::Expires).map(|row| row.at).collect();
            assert_eq!(
                places,
                [first, second].map(|row| { 16 + row * 17 + 9 - if row > first { 5 } else { 0 } })
            );
            let error = message.typed::<Expires>().unwrap().unwrap_err();
            assert_eq!(error, ParseError::new(Fault::Repeated, places[1]));
            assert_eq!(message.row(Name::Expires).unwrap().at, places[0]);
        }
    }
}

#[test]
fn a_broken_request_of_very_many_lines_is_salvaged() {
    let mut text = b"OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=b\r\n".to_vec();
    while text.len() < Message::MAX_HEAD_OCTETS {
        text.extend_from_slice(b"x\r\n");
    }
    let message = Message::salvage(&text).unwrap();
    assert_eq!(message.headers().count(), 1, "what is no header is left out");
    assert_eq!(message.row(Name::Via).unwrap().value, b"SIP/2.0/UDP a;branch=b");
}
