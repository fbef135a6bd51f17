//! The 49 messages of RFC 4475, each judged as its row of the manifest says, and the checks that
//! the RFC asks for.
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "runs on a host")]

use std::collections::BTreeMap;
use std::path::Path;

use sip_core::error::{Fault, ParseError};
use sip_core::header::*;
use sip_core::message::{Limits, Message, Method, Name, StatusCode};
use sip_core::uri::{Scheme, Uri, unescape};

fn data(file: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/torture").join(file);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The fields of a line of comma-separated values.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut().unwrap().push(other),
        }
    }
    fields
}

struct Row {
    file: String,
    parser: String,
    fault: String,
}

fn manifest() -> Vec<Row> {
    let text = String::from_utf8(data("manifest.csv")).unwrap();
    text.lines()
        .skip(1)
        .map(|line| {
            let fields = fields(line);
            Row {
                file: fields[0].trim_start_matches("rfc4475/").to_owned(),
                parser: fields[5].clone(),
                fault: fields[6].clone(),
            }
        })
        .collect()
}

/// The names of the rows whose values are malformed.
fn bad_rows(text: &[u8], message: &Message<'_>) -> BTreeMap<String, ParseError> {
    let mut bad = BTreeMap::new();
    for row in message.headers() {
        if let Err(error) = row.check() {
            assert!(error.at >= row.at && error.at <= row.at + row.value.len(), "{error}");
            assert!(error.at <= text.len());
            bad.insert(row.name.to_string(), error);
        }
    }
    bad
}

#[test]
fn each_message_is_judged_as_its_row_says() {
    let rows = manifest();
    assert_eq!(rows.iter().filter(|row| row.parser != "any").count(), 49);
    for Row { file, parser, fault } in &rows {
        let text = data(file);
        let parsed = Message::parse(&text);
        match parser.as_str() {
            "reject" => {
                parsed.expect_err(file);
            }
            "accept" => {
                let message = parsed.unwrap_or_else(|error| panic!("{file}: {error}"));
                assert_eq!(bad_rows(&text, &message), BTreeMap::new(), "{file}");
            }
            "lazy" => {
                let message = parsed.unwrap_or_else(|error| panic!("{file}: {error}"));
                let bad = bad_rows(&text, &message);
                for name in fault.split(", ") {
                    let name = name.strip_suffix(" expires").unwrap_or(name);
                    assert!(bad.contains_key(name), "{file}: {name} was not found: {bad:?}");
                }
                let extra = if file == "baddn.dat" { 1 } else { 0 };
                assert_eq!(bad.len(), fault.split(", ").count() + extra, "{file}: {bad:?}");
            }
            _ => {}
        }
    }
}

#[test]
fn on_a_stream_the_same_messages_come_out_the_same() {
    for Row { file, parser, .. } in manifest() {
        let text = data(&file);
        let streamed = Message::parse_stream(&text, &Limits::DEFAULT);
        match (file.as_str(), parser.as_str()) {
            // The rest of the body, or the empty line, may still come.
            ("clerr.dat" | "baddn.dat", _) => assert!(streamed.unwrap().is_none(), "{file}"),
            ("inv2543.dat", _) => {
                assert_eq!(streamed.unwrap_err().what, Fault::ContentLengthMissing, "{file}");
            }
            (_, "reject" | "any") => {
                streamed.expect_err(&file);
            }
            _ => {
                let (used, message) = streamed.unwrap().unwrap();
                let datagram = Message::parse(&text).unwrap();
                assert_eq!(message.as_bytes(), datagram.as_bytes(), "{file}");
                assert_eq!(used, message.as_bytes().len(), "{file}");
            }
        }
    }
}

#[test]
fn every_prefix_of_every_message_is_read_without_harm() {
    for Row { file, .. } in manifest() {
        let text = data(&file);
        for end in 0..text.len() {
            let part = &text[..end];
            if let Ok(message) = Message::parse(part) {
                bad_rows(part, &message);
            }
            if let Ok(Some((used, _))) = Message::parse_stream(part, &Limits::DEFAULT) {
                assert!(used <= end);
            }
            if let Some(message) = Message::salvage(part) {
                bad_rows(part, &message);
            }
        }
    }
}

#[test]
fn faults_are_found_where_they_are() {
    for (file, what, near) in [
        ("clerr.dat", Fault::Truncated, ""),
        ("ncl.dat", Fault::ContentLength, "-999"),
        ("ltgtruri.dat", Fault::RequestUri, "<sip:user@example.com>"),
        ("lwsruri.dat", Fault::StartLine, "lr SIP/2.0"),
        ("lwsstart.dat", Fault::StartLine, " sip:user"),
        ("trws.dat", Fault::StartLine, "SIP/2.0  "),
        ("bigcode.dat", Fault::StatusCode, "4294967301"),
        ("mcl01.dat", Fault::Repeated, "5\r\n"),
    ] {
        let text = data(file);
        let error = Message::parse(&text).unwrap_err();
        let rest = String::from_utf8_lossy(&text[error.at..]).into_owned();
        assert_eq!(error.what, what, "{file}");
        assert!(rest.starts_with(near), "{file}: at {} stands {rest:?}", error.at);
    }
    for (file, name, what, near) in [
        ("badinv01.dat", "Via", Fault::Parameter, ";,;,,"),
        ("badinv01.dat", "Contact", Fault::Parameter, ";;;"),
        ("scalar02.dat", "CSeq", Fault::OutOfRange, "36893488147419103232"),
        ("scalar02.dat", "Max-Forwards", Fault::OutOfRange, "300"),
        ("scalar02.dat", "Expires", Fault::OutOfRange, "1000000"),
        ("scalarlg.dat", "Warning", Fault::OutOfRange, "1812"),
        ("scalarlg.dat", "Retry-After", Fault::OutOfRange, "9493028"),
        ("quotbal.dat", "To", Fault::Quote, "\"Mr. J. User"),
        ("baddate.dat", "Date", Fault::Date, "EST"),
        ("regbadct.dat", "Contact", Fault::Angle, "?Route"),
        ("badaspec.dat", "To", Fault::Scheme, " sip:t.watson"),
        ("baddn.dat", "From", Fault::Scheme, "Bell, Alexander"),
    ] {
        let text = data(file);
        let bad = bad_rows(&text, &Message::parse(&text).unwrap());
        let error = bad[name];
        let rest = String::from_utf8_lossy(&text[error.at..]).into_owned();
        assert_eq!(error.what, what, "{file} {name}");
        assert!(rest.starts_with(near), "{file} {name}: at {} stands {rest:?}", error.at);
    }
}

#[test]
fn wsinv_keeps_its_values_through_all_the_white_space() {
    let text = data("wsinv.dat");
    let message = Message::parse(&text).unwrap();
    let to = message.typed::<To<'_>>().unwrap().unwrap();
    assert_eq!(to.tag(), Some(&b"1918181833n"[..]));
    let from = message.typed::<From<'_>>().unwrap().unwrap();
    assert_eq!(from.display().unwrap(), b"J Rosenberg \\\""[..]);
    assert_eq!(from.tag(), Some(&b"98asjd8"[..]));
    assert_eq!(message.typed::<MaxForwards>(), Some(Ok(MaxForwards(68))));
    let cseq = message.typed::<CSeq<'_>>().unwrap().unwrap();
    assert_eq!(cseq, CSeq { number: 9, method: Method::Invite });
    assert_eq!(message.typed::<Subject<'_>>(), Some(Ok(Subject(b""))));
    let vias: Vec<_> = message.all::<Via<'_>>().map(Result::unwrap).collect();
    let branches: Vec<_> = vias.iter().map(|via| via.branch().unwrap()).collect();
    assert_eq!(branches, [&b"390skdjuw"[..], b"z9hG4bK9ikj8", b"z9hG4bK30239"]);
    assert_eq!(vias[1].transport(), b"TCP");
    let row = message.row(Name::Other(b"UnknownHeaderWithUnusualValue")).unwrap();
    assert_eq!(row.value, b";;,,;;,;");
    let contact = message.typed::<Contact<'_>>().unwrap().unwrap();
    assert_eq!(contact.address().unwrap().display().unwrap(), b"Quoted string \"\""[..]);
    assert_eq!(contact.params().value(b"newparam"), Some(&b"newvalue"[..]));
    assert_eq!(contact.params().get(b"secondparam"), Some(None));
    assert_eq!(contact.q_thousandths(), Some(Ok(330)));
    let route = message.typed::<Route<'_>>().unwrap().unwrap();
    assert!(route.uri().is_loose_router());
}

#[test]
fn intmeth_has_every_character_that_may_stand() {
    let text = data("intmeth.dat");
    let message = Message::parse(&text).unwrap();
    let method = Method::Other(b"!interesting-Method0123456789_*+`.%indeed'~");
    assert_eq!(message.method(), Some(method));
    assert_eq!(message.typed::<CSeq<'_>>().unwrap().unwrap().method, method);
    let uri = message.request_uri().unwrap().unwrap();
    assert_eq!(uri.user(), Some(&b"1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"[..]));
    assert_eq!(uri.password(), Some(&b"&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"[..]));
    let to = message.typed::<To<'_>>().unwrap().unwrap();
    assert_eq!(to.display().unwrap(), b"BEL:\x07 NUL:\x00 DEL:\x7f"[..]);
    let from = message.typed::<From<'_>>().unwrap().unwrap();
    assert_eq!(from.params().iter().count(), 2);
    assert_eq!(from.tag(), Some(&b"_token~1'+`*%!-."[..]));
}

#[test]
fn escapes_are_resolved_in_uris_once_and_nowhere_else() {
    let text = data("esc01.dat");
    let message = Message::parse(&text).unwrap();
    let uri = message.request_uri().unwrap().unwrap();
    assert_eq!(uri.user(), Some(&b"sips%3Auser%40example.com"[..]));
    let to = message.typed::<To<'_>>().unwrap().unwrap();
    assert!(to.uri().same(&Uri::parse(b"sip:user@example.com").unwrap()));
    let contact = message.typed::<Contact<'_>>().unwrap().unwrap().uri().unwrap();
    let (name, value) = contact.params().last().unwrap();
    assert_eq!(unescape(name).collect::<Vec<_>>(), b"name");
    assert_eq!(unescape(value.unwrap()).collect::<Vec<_>>(), b"value%41");

    let text = data("escnull.dat");
    let message = Message::parse(&text).unwrap();
    let contacts: Vec<_> =
        message.all::<Contact<'_>>().map(|contact| contact.unwrap().uri().unwrap()).collect();
    assert_eq!(contacts.len(), 2);
    assert!(!contacts[0].same(&contacts[1]));
    let to = message.typed::<To<'_>>().unwrap().unwrap();
    assert_eq!(to.uri().user(), Some(&b"null-%00-null"[..]));

    let text = data("esc02.dat");
    let message = Message::parse(&text).unwrap();
    assert_eq!(message.method(), Some(Method::Other(b"RE%47IST%45R")));
    assert_eq!(message.all::<Contact<'_>>().count(), 2);
    assert!(message.row(Name::Other(b"C%6Fntact")).is_some());
    let to = message.typed::<To<'_>>().unwrap().unwrap();
    assert_eq!(to.display().unwrap(), b"%Z%45"[..]);
}

#[test]
fn framing_goes_by_content_length() {
    let text = data("dblreq.dat");
    let message = Message::parse(&text).unwrap();
    assert_eq!((message.method(), message.body()), (Some(Method::Register), &b""[..]));
    let text = data("mpart01.dat");
    let message = Message::parse(&text).unwrap();
    assert_eq!(message.body().len(), 553);
    let kind = message.typed::<ContentType<'_>>().unwrap().unwrap();
    assert_eq!(kind.params.value(b"boundary"), Some(&b"7a9cbec02ceef655"[..]));
    let text = data("longreq.dat");
    let message = Message::parse(&text).unwrap();
    assert_eq!(message.all::<Via<'_>>().filter(Result::is_ok).count(), 34);
}

#[test]
fn what_is_valid_means_what_it_says() {
    let text = data("lwsdisp.dat");
    let message = Message::parse(&text).unwrap();
    let from = message.typed::<From<'_>>().unwrap().unwrap();
    assert_eq!(from.display().unwrap(), b"caller"[..]);

    let text = data("semiuri.dat");
    let message = Message::parse(&text).unwrap();
    let uri = message.request_uri().unwrap().unwrap();
    assert_eq!(uri.user(), Some(&b"user;par=u%40example.net"[..]));
    assert_eq!(uri.params().count(), 0);
    assert_eq!(message.all::<Accept<'_>>().filter(Result::is_ok).count(), 6);

    let text = data("transports.dat");
    let message = Message::parse(&text).unwrap();
    let transports: Vec<_> = message.all::<Via<'_>>().map(|via| via.unwrap().transport()).collect();
    assert_eq!(transports, [&b"UDP"[..], b"SCTP", b"TLS", b"UNKNOWN", b"TCP"]);

    let text = data("unreason.dat");
    let message = Message::parse(&text).unwrap();
    let sip_core::message::StartLine::Response { code, reason } = message.start() else {
        panic!("a response")
    };
    assert_eq!(code, StatusCode::OK);
    assert!(reason.starts_with(b"= 2**3 * 5**2 \xd0\xbd"));

    let text = data("noreason.dat");
    assert_eq!(Message::parse(&text).unwrap().code(), Some(StatusCode::TRYING));

    let text = data("cparam01.dat");
    let contact = Message::parse(&text).unwrap().typed::<Contact<'_>>().unwrap().unwrap();
    assert!(contact.params().has(b"unknownparam"));
    assert_eq!(contact.uri().unwrap().params().count(), 0);
    let text = data("cparam02.dat");
    let contact = Message::parse(&text).unwrap().typed::<Contact<'_>>().unwrap().unwrap();
    assert!(contact.params().is_empty());
    assert!(contact.uri().unwrap().param(b"unknownparam").is_some());
    let text = data("regescrt.dat");
    let contact = Message::parse(&text).unwrap().typed::<Contact<'_>>().unwrap().unwrap();
    assert_eq!(
        contact.uri().unwrap().headers().next(),
        Some((&b"Route"[..], Some(&b"%3Csip:sip.example.com%3E"[..])))
    );
}

#[test]
fn what_an_element_has_to_judge_can_be_seen() {
    let text = data("badvers.dat");
    let message = Message::parse(&text).unwrap();
    assert!(!message.is_version_2());
    assert!(message.typed::<Via<'_>>().unwrap().is_ok(), "enough is left to answer");

    for file in ["mismatch01.dat", "mismatch02.dat"] {
        let text = data(file);
        let message = Message::parse(&text).unwrap();
        let cseq = message.typed::<CSeq<'_>>().unwrap().unwrap();
        assert_ne!(Some(cseq.method), message.method());
    }

    let text = data("escruri.dat");
    let uri = Message::parse(&text).unwrap().request_uri().unwrap().unwrap();
    assert_eq!(uri.headers().count(), 1);

    let text = data("badbranch.dat");
    let via = Message::parse(&text).unwrap().typed::<Via<'_>>().unwrap().unwrap();
    assert_eq!(via.branch(), Some(Via::COOKIE));
    assert!(!via.has_unique_branch());

    let text = data("insuf.dat");
    let message = Message::parse(&text).unwrap();
    assert!(message.typed::<CallId<'_>>().is_none());
    assert!(message.typed::<From<'_>>().is_none());

    let text = data("unkscm.dat");
    let uri = Message::parse(&text).unwrap().request_uri().unwrap().unwrap();
    assert_eq!(uri.scheme(), Scheme::Other(b"nobodyKnowsThisScheme"));
    assert_eq!(uri.opaque(), Some(&b"totallyopaquecontent"[..]));
    let text = data("unksm2.dat");
    let to = Message::parse(&text).unwrap().typed::<To<'_>>().unwrap().unwrap();
    assert_eq!(to.uri().scheme(), Scheme::Other(b"isbn"));

    let text = data("bext01.dat");
    let message = Message::parse(&text).unwrap();
    let require: Vec<_> = message.all::<Require<'_>>().map(|tag| tag.unwrap().0).collect();
    assert_eq!(require, [&b"nothingSupportsThis"[..], b"nothingSupportsThisEither"]);
    assert_eq!(message.all::<ProxyRequire<'_>>().count(), 2);

    let text = data("regaut01.dat");
    let message = Message::parse(&text).unwrap();
    let authorization = message.typed::<Authorization<'_>>().unwrap().unwrap();
    assert_eq!(authorization.scheme.as_bytes(), b"NoOneKnowsThisScheme");

    let text = data("multi01.dat");
    let message = Message::parse(&text).unwrap();
    let repeated = |error: Option<ParseError>| error.map(|error| error.what);
    assert_eq!(
        [
            repeated(message.typed::<CSeq<'_>>().unwrap().err()),
            repeated(message.typed::<CallId<'_>>().unwrap().err()),
            repeated(message.typed::<To<'_>>().unwrap().err()),
            repeated(message.typed::<From<'_>>().unwrap().err()),
            repeated(message.typed::<MaxForwards>().unwrap().err()),
        ],
        [Some(Fault::Repeated); 5]
    );

    let text = data("bcast.dat");
    let message = Message::parse(&text).unwrap();
    let second = message.all::<Via<'_>>().nth(1).unwrap().unwrap();
    assert!(matches!(second.host(), sip_core::uri::Host::V4(address) if address.is_broadcast()));

    let text = data("zeromf.dat");
    let message = Message::parse(&text).unwrap();
    assert_eq!(message.typed::<MaxForwards>(), Some(Ok(MaxForwards(0))));

    let text = data("sdp01.dat");
    let message = Message::parse(&text).unwrap();
    assert!(!message.all::<Accept<'_>>().any(|range| range.unwrap().takes(b"application", b"sdp")));
    let text = data("invut.dat");
    let kind = Message::parse(&text).unwrap().typed::<ContentType<'_>>().unwrap().unwrap();
    assert!(kind.is(b"application", b"UnknownFormat"));

    let text = data("inv2543.dat");
    let message = Message::parse(&text).unwrap();
    assert_eq!(message.typed::<Via<'_>>().unwrap().unwrap().branch(), None);
    assert_eq!(message.typed::<From<'_>>().unwrap().unwrap().tag(), None);
    let route = message.typed::<RecordRoute<'_>>().unwrap().unwrap();
    assert!(!route.uri().is_loose_router());
    assert!(message.body().starts_with(b"v=0"));
}
