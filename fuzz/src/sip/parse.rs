//! Everything that is read from octets.

use core::time::Duration;

use sip_core::auth::{Account, Algorithm, Challenge, Nonces, Response, Secret};
use sip_core::header::*;
use sip_core::message::{Editor, Framer, Limits, Message, Name, StartLine, Writer};
use sip_core::presence::{DialogInfo, IsComposing, MessageSummary, Pidf, WatcherInfo, xml};
use sip_core::sdp::{Codec, Direction, Local, Session, accept, answer};
use sip_core::uri::{Tel, Uri, unescape};

use crate::drive::Script;
use crate::exactly;

/// A datagram, and the same message written again.
pub fn message(octets: &[u8]) {
    let _ = Message::salvage(octets);
    let Ok(message) = Message::parse(octets) else { return };
    look_at(&message);
    edited(&message);
    parts(&message);
    // The writer adds a Content-Length where there is none: one row more than can be read.
    if message.headers().count() == Message::MAX_HEADERS {
        return;
    }
    let Some(written) = rewritten(&message) else { return };
    let again = Message::parse(&written).expect("what is written can be read");
    assert_eq!(message.method(), again.method());
    assert_eq!(message.code(), again.code());
    assert_eq!(message.body(), again.body());
    // Folds have become spaces: from here on nothing changes any more.
    let twice = rewritten(&again).expect("it was written before");
    assert_eq!(written, twice);
}

/// Without changes an editor writes what it was given; what it takes out is out.
fn edited(message: &Message<'_>) {
    let mut buffer = vec![0; message.as_bytes().len() + 64];
    let mut editor: Editor<'_, '_> = Editor::new(message);
    let length = editor.write(&mut buffer).expect("there is room");
    if message.head().ends_with(b"\r\n\r\n") {
        assert_eq!(&buffer[..length], message.as_bytes());
    }
    let before = message.all::<Via<'_>>().count();
    let removed = editor.remove_values(Name::Via, 1);
    editor.remove(Name::Route, |_| true);
    let Ok(length) = editor.write(&mut buffer) else { return };
    let again = Message::parse(&buffer[..length]).expect("what is edited can be read");
    assert!(again.row(Name::Route).is_none());
    assert_eq!(again.body(), message.body());
    if message.all::<Via<'_>>().all(|via| via.is_ok()) {
        assert_eq!(again.all::<Via<'_>>().count(), before - removed);
    }
}

fn parts(message: &Message<'_>) {
    let Some(Ok(multipart)) = message.multipart() else { return };
    for part in multipart.parts().flatten() {
        assert!(part.body().len() <= message.body().len());
        let _ = (part.headers().count(), part.content_type(), part.multipart().is_some());
    }
}

fn look_at(message: &Message<'_>) {
    let _ = message.request_uri();
    let mut before = 0;
    for row in message.headers() {
        assert!(row.at >= before, "rows are in order");
        before = row.at;
        if let Err(error) = row.check() {
            assert!(error.at <= message.as_bytes().len(), "an error lies within the message");
        }
        assert!(message.row(row.name).is_some());
    }
    let _ = message.typed::<Via<'_>>();
    let _ = message.typed::<From<'_>>();
    let _ = message.typed::<CSeq<'_>>();
    let _ = message.all::<Contact<'_>>().count();
    assert!(message.head().len() + message.body().len() == message.as_bytes().len());
}

/// The message through the writer, where nothing in it is refused.
fn rewritten(message: &Message<'_>) -> Option<Vec<u8>> {
    let mut buffer = vec![0; message.as_bytes().len() * 8 + 1024];
    let mut writer = Writer::new(&mut buffer);
    match message.start() {
        StartLine::Request { method, uri } => writer.request_to(method, uri),
        StartLine::Response { code, reason } => writer.response(code, reason),
    }
    let mut content_type = None;
    for row in message.headers() {
        match row.name {
            Name::ContentLength => {}
            // Of two the writer would exchange the places.
            Name::ContentType if content_type.is_some() => return None,
            Name::ContentType => content_type = Some(row.value),
            _ => writer.row(&row),
        }
    }
    let len = match (content_type, message.body()) {
        (None, []) => writer.finish(),
        (None, _) => return None,
        (Some(content_type), body) => writer.body(content_type, body),
    };
    let len = len.ok()?;
    buffer.truncate(len);
    Some(buffer)
}

/// A stream, whole and in pieces: both give the same messages.
pub fn stream(octets: &[u8]) {
    let mut script = Script::new(octets);
    let step = usize::from(script.octet()) + 1;
    let limits = Limits { head_octets: 2048, body_octets: usize::from(script.octet()) * 8 };
    let stream = script.rest();

    let mut whole = Vec::new();
    let mut rest = stream;
    let ended_whole = loop {
        match Message::parse_stream(rest, &limits) {
            Ok(Some((used, message))) => {
                assert!(used > 0 && used <= rest.len());
                whole.push(message.as_bytes().to_vec());
                rest = &rest[used..];
            }
            Ok(None) => break None,
            Err(error) => break Some(error.what),
        }
    };

    let mut pieces = Vec::new();
    let (mut from, mut to) = (0, 0);
    let mut framer = Framer::new();
    let ended_pieces = loop {
        match framer.next(&stream[from..to], &limits) {
            Ok(Some((used, message))) => {
                assert!(used > 0 && used <= to - from);
                pieces.push(message.as_bytes().to_vec());
                from += used;
                framer = Framer::new();
            }
            Ok(None) if to == stream.len() => break None,
            Ok(None) => to = (to + step).min(stream.len()),
            Err(error) => break Some(error.what),
        }
    };
    assert_eq!(whole, pieces);
    match (ended_whole, ended_pieces) {
        // The framer looks at a head when it is whole, and waits for that no longer than its limit.
        (Some(_), None) => assert!(stream.len() - from <= limits.head_octets + limits.body_octets),
        (None, Some(what)) => panic!("only the pieces are broken: {what}"),
        _ => {}
    }
}

/// Two URIs, and whether they are the same.
pub fn uri(octets: &[u8]) {
    let mut halves = octets.splitn(2, |octet| *octet == b'\n');
    let (one, two) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
    let Ok(one) = Uri::parse(one) else { return };
    assert!(one.same(&one), "it is the same as itself");
    if let Some(Ok(number)) = Tel::of(&one) {
        assert!(number.same(&number), "it is the same as itself");
        let mut buffer = vec![0; octets.len() * 3 + 64];
        let mut writer = Writer::new(&mut buffer);
        writer.text(b"sip:");
        number.write_user(&mut writer);
        writer.text(b"@h;user=phone");
        let uri = Uri::parse(writer.as_bytes()).expect("a number may be a user");
        let again = Tel::of(&uri).expect("it says so").expect("it is a number still");
        assert!(again.same(&number));
    }
    let _ = unescape(one.user().unwrap_or_default()).count();
    let _ = (one.params().count(), one.headers().count());
    // Put together from its parts it is the same.
    let mut buffer = vec![0; octets.len() * 2 + 64];
    let mut writer = Writer::new(&mut buffer);
    one.with_port(one.port()).write(&mut writer);
    let len = writer.len();
    assert!(len <= buffer.len());
    let again = Uri::parse(&buffer[..len]).expect("what is written can be read");
    assert_eq!(one.user(), again.user());
    assert_eq!(one.port(), again.port());
    assert!(again.same(&one));
    if let Ok(two) = Uri::parse(two) {
        assert_eq!(one.same(&two), two.same(&one), "sameness has no direction");
    }
}

/// One header value of the type that the first octet chooses.
pub fn headers(octets: &[u8]) {
    let Some((kind, value)) = octets.split_first() else { return };
    macro_rules! choose {
        ($($number:literal $type:ty,)*) => {
            match kind % 52 {
                $($number => {
                    let Some(written) = written::<$type>(value) else { return };
                    let again = written_again::<$type>(&written);
                    assert_eq!(written.escape_ascii().to_string(), again.escape_ascii().to_string());
                })*
                _ => {}
            }
        };
    }
    choose! {
        0 Via<'_>, 1 From<'_>, 2 To<'_>, 3 Contact<'_>, 4 Route<'_>, 5 RecordRoute<'_>, 6 CallId<'_>,
        7 CSeq<'_>, 8 MaxForwards, 9 Expires, 10 MinExpires, 11 RAck<'_>, 12 RSeq,
        13 SessionExpires<'_>, 14 MinSe<'_>, 15 RetryAfter<'_>, 16 Subject<'_>, 17 UserAgent<'_>,
        18 SipEtag<'_>, 19 ContentType<'_>, 20 ContentDisposition<'_>, 21 Accept<'_>,
        22 AcceptEncoding<'_>, 23 AcceptLanguage<'_>, 24 Allow<'_>, 25 AllowEvents<'_>,
        26 Supported<'_>, 27 Require<'_>, 28 InReplyTo<'_>, 29 Event<'_>, 30 SubscriptionState<'_>,
        31 Reason<'_>, 32 Replaces<'_>, 33 Warning<'_>, 34 WwwAuthenticate<'_>, 35 Authorization<'_>,
        36 AuthenticationInfo<'_>, 37 ReferTo<'_>, 38 ReferredBy<'_>, 39 Path<'_>, 40 Date,
        41 ContentLength, 42 PAssertedIdentity<'_>, 43 ReplyTo<'_>, 44 ContentEncoding<'_>,
        45 ServiceRoute<'_>, 46 ProxyAuthenticate<'_>, 47 MaxBreadth,
    }
}

/// The value as it is written; nothing where it is none, or holds line ends, which the writer makes
/// spaces or refuses.
fn written<'d, T: Header<'d>>(value: &'d [u8]) -> Option<Vec<u8>> {
    let parsed = match T::parse(value) {
        Ok(parsed) => parsed,
        Err(error) => {
            assert!(error.at <= value.len(), "an error lies within the value");
            return None;
        }
    };
    let mut buffer = vec![0; value.len() * 2 + 64];
    let mut writer = Writer::new(&mut buffer);
    parsed.write(&mut writer);
    let written = writer.as_bytes().to_vec();
    let is_line = !value.contains(&b'\r') && !value.contains(&b'\n');
    is_line.then_some(written)
}

fn written_again<'d, T: Header<'d>>(value: &'d [u8]) -> Vec<u8> {
    written::<T>(value)
        .unwrap_or_else(|| panic!("what is written cannot be read: {}", value.escape_ascii()))
}

/// A session description, read, written and negotiated with.
pub fn sdp(octets: &[u8]) {
    let Ok(session) = Session::parse(octets) else { return };
    let written = exactly(session.encoded_len(), |buffer| session.write(buffer));
    let again = Session::parse(&written).expect("what is written can be read");
    assert_eq!(session.origin(), again.origin());
    assert_eq!(session.connection(), again.connection());
    assert!(session.media().map(|media| media.port).eq(again.media().map(|media| media.port)));
    for media in session.media() {
        let _ = (session.direction(&media), media.ptime_ms(), media.rtcp());
        for payload_type in media.payload_types() {
            let _ = (media.rtpmap(payload_type), media.fmtp(payload_type));
        }
    }
    let codecs = [Codec::PCMU, Codec::PCMA, Codec::TELEPHONE_EVENT];
    let local = Local {
        session: 1,
        version: 1,
        address: [192, 0, 2, 1].into(),
        rtp_port: 5350,
        rtcp_port: 5351,
        direction: Direction::SendRecv,
        codecs: &codecs,
        ptime_ms: 20,
    };
    let mut buffer = vec![0; octets.len() * 2 + 1024];
    if let Ok((len, _)) = answer(&local, &session, &mut buffer) {
        let answered = Session::parse(&buffer[..len]).expect("an answer can be read");
        assert_eq!(answered.media().count(), session.media().count(), "one answer for each offer");
    }
    let _ = accept(&local, &session);
}

/// Challenges and credentials.
pub fn auth(octets: &[u8]) {
    if let Ok(row) = WwwAuthenticate::parse(octets)
        && let Some(Ok(challenge)) = Challenge::parse(&row.0)
    {
        let account = Account { user: b"alice", password: b"secret" };
        let answered = challenge.answer(&account, b"REGISTER", b"sip:a", b"", b"cnonce", 1);
        let mut buffer = vec![0; octets.len() * 2 + 1024];
        let mut writer = Writer::new(&mut buffer);
        answered.write_row(Name::Authorization, &mut writer);
        let written = writer.as_bytes();
        let value = written.strip_prefix(b"Authorization: ").expect("it begins with its name");
        let value = value.strip_suffix(b"\r\n").expect("it is a row");
        // Folds within a quoted string are kept by the reader and refused by the writer.
        if !octets.contains(&b'\r') && !octets.contains(&b'\n') {
            let row = Authorization::parse(value).expect("what is written can be read");
            let response = Response::parse(&row.0).expect("it is a digest").expect("it is whole");
            assert!(response.verify(Secret::Password(b"secret"), b"REGISTER", b""));
            assert!(!response.verify(Secret::Password(b"other"), b"REGISTER", b""));
        }
    }
    if let Ok(row) = Authorization::parse(octets)
        && let Some(Ok(response)) = Response::parse(&row.0)
    {
        let ha1 = Algorithm::Md5.ha1(b"alice", b"realm", b"secret");
        let _ = response.verify(Secret::Ha1(&ha1), b"REGISTER", b"");
        let _ = response.count();
        let nonces = Nonces::new([7; 32], Nonces::LIFETIME);
        let _ = nonces.check(Duration::from_secs(1), response.nonce);
    }
}

/// Presence documents and what else is XML.
pub fn pidf(octets: &[u8]) {
    let mut reader = xml::Reader::new(octets);
    let mut events = 0;
    while let Ok(Some(_)) = reader.next() {
        events += 1;
        assert!(events <= octets.len() * 2 + 2, "it never ends");
        assert!(reader.depth() <= xml::Reader::MAX_DEPTH);
    }
    if let Ok(document) = Pidf::parse(octets) {
        let written = exactly(document.encoded_len(), |buffer| document.write(buffer));
        let again = Pidf::parse(&written).expect("what is written can be read");
        assert_eq!(document.basic(), again.basic());
        assert_eq!(document.tuples().count(), again.tuples().count());
        let twice = exactly(again.encoded_len(), |buffer| again.write(buffer));
        assert_eq!(written, twice);
    }
    if let Ok(document) = DialogInfo::parse(octets) {
        let written = exactly(document.encoded_len(), |buffer| document.write(buffer));
        assert_eq!(DialogInfo::parse(&written), Ok(document));
    }
    if let Ok(document) = WatcherInfo::parse(octets) {
        let written = exactly(document.encoded_len(), |buffer| document.write(buffer));
        assert_eq!(WatcherInfo::parse(&written), Ok(document));
    }
    if let Ok(summary) = MessageSummary::parse(octets) {
        let written = exactly(summary.encoded_len(), |buffer| summary.write(buffer));
        let again = MessageSummary::parse(&written).expect("what is written can be read");
        assert_eq!(summary.waiting, again.waiting);
    }
    if let Ok(composing) = IsComposing::parse(octets) {
        let written = exactly(composing.encoded_len(), |buffer| composing.write(buffer));
        let again = IsComposing::parse(&written).expect("what is written can be read");
        assert_eq!(composing.state, again.state);
    }
}
