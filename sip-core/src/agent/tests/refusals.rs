//! What a user agent answers to requests that are no good (RFC 3261 section 8.2).

use super::*;

/// A request for Alice, with something changed.
fn request(method: &str) -> String {
    format!(
        "{method} sip:alice@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP {BOB};branch=z9hG4bK{method}1\r\n\
         From: <sip:bob@example.com>;tag=1\r\nTo: <sip:alice@example.com>\r\nCall-ID: {method}\r\n\
         CSeq: 7 {method}\r\nMax-Forwards: 70\r\nContact: <sip:bob@{BOB}>\r\nContent-Length: 0\r\n\r\n"
    )
}

fn answer(agent: &mut Agent<'_>, text: &str) -> (String, bool) {
    let told = agent.handle_datagram(ms(0), Path::udp(address(BOB)), text.as_bytes());
    let told = matches!(told, Ok(Some(_)));
    let mut buffer = [0; Agent::BUFFER];
    let sent = agent.poll_transmit(ms(0), &mut buffer);
    let text = sent.map_or(&b""[..], |sent| &buffer[..sent.len]);
    (String::from_utf8_lossy(text).into_owned(), told)
}

#[test]
fn what_rfc_3261_refuses_is_refused_with_its_code() {
    let invite = || request("INVITE");
    let tagged =
        |text: String| text.replace("example.com>\r\nCall-ID", "example.com>;tag=x\r\nCall-ID");
    let typed = |kind: &str| {
        invite().replace(
            "Content-Length: 0\r\n\r\n",
            &format!("Content-Type: {kind}\r\nContent-Length: 2\r\n\r\nxx"),
        )
    };
    for (text, code, also) in [
        (invite().replace("7 INVITE", "7 BYE"), 400, "SIP/2.0 400 Malformed CSeq\r\n"),
        (invite().replace("From: <", "From: <<"), 400, "SIP/2.0 400 Malformed From\r\n"),
        (invite().replace("Call-ID", "X-Call-ID"), 400, "SIP/2.0 400 Missing Call-ID\r\n"),
        (invite().replace("Contact", "X-Contact"), 400, ""),
        (invite().replace("Max-Forwards: 70", "Record-Route: ;;"), 400, ""),
        (invite().replace("sip:alice@", "sip:carol@").replace("<sip:alice", "<sip:carol"), 404, ""),
        (request("PUBLISH"), 405, "Allow: INVITE"),
        (request("REGISTER"), 405, "Allow: INVITE"),
        (typed("text/html"), 415, "Accept: application/sdp"),
        (invite().replace("INVITE sip:alice@192.0.2.1", "INVITE tel:+1234"), 416, ""),
        (invite().replace("Max-Forwards: 70", "Require: 100rel, x"), 420, "\r\nUnsupported: x\r\n"),
        (tagged(request("BYE")), 481, ""),
        (tagged(invite()), 481, ""),
        (tagged(request("NOTIFY")), 481, ""),
        (request("BYE"), 481, ""),
        (request("PRACK"), 481, ""),
        (request("UPDATE"), 481, ""),
        (request("REFER"), 481, ""),
        (invite().replace("Max", "Replaces: x;to-tag=a;from-tag=b\r\nMax"), 481, ""),
        (
            invite().replace("Max", "Supported: timer\r\nSession-Expires: 60\r\nMax"),
            422,
            "Min-SE: 90",
        ),
        (request("CANCEL"), 481, ""),
        (request("SUBSCRIBE"), 489, "Allow-Events: presence"),
        (
            request("SUBSCRIBE").replace("Max", "Event: dialog\r\nMax"),
            489,
            "Allow-Events: presence",
        ),
        (request("FROBNICATE"), 501, "Allow: INVITE"),
        (invite().replace("SIP/2.0\r\nVia", "SIP/3.0\r\nVia"), 505, ""),
    ] {
        let mut storage = Store::new();
        let (mut agent, _) = agent(&mut storage, ALICE, "alice", 1);
        let (answer, told) = answer(&mut agent, &text);
        assert!(answer.starts_with(&format!("SIP/2.0 {code} ")), "{text}\n{answer}");
        assert!(answer.contains(also), "{answer}");
        assert!(!told, "{text}");
        assert_eq!((agent.live().1, agent.live().2), (0, 0));
    }
}

#[test]
fn a_merged_request_is_answered_482() {
    let mut storage = Store::new();
    let (mut agent, _) = agent(&mut storage, ALICE, "alice", 1);
    assert!(answer(&mut agent, &request("MESSAGE")).1);
    let (text, told) =
        answer(&mut agent, &request("MESSAGE").replace("branch=z9hG4bK", "branch=z9hG4bKx"));
    assert!(text.starts_with("SIP/2.0 482 ") && !told, "{text}");
}

#[test]
fn a_late_request_within_a_call_is_answered_500() {
    let mut storage = Store::new();
    let (mut agent, _) = agent(&mut storage, ALICE, "alice", 1);
    let path = Path::udp(address(BOB));
    let text = request("INVITE");
    let Ok(Some(Event::Incoming { call, .. })) =
        agent.handle_datagram(ms(0), path, text.as_bytes())
    else {
        panic!()
    };
    agent.answer(ms(0), call, ANSWER).unwrap();
    let mut buffer = [0; Agent::BUFFER];
    let sent = agent.poll_transmit(ms(0), &mut buffer).unwrap();
    let ok = String::from_utf8_lossy(&buffer[..sent.len]).into_owned();
    let tag = ok.split("alice@example.com>;tag=").nth(1).unwrap().split('\r').next().unwrap();
    let within = |method: &str, cseq: u32| {
        request(method)
            .replace("Call-ID: ", "Call-ID: INVITE\r\nX: ")
            .replace("7 ", &format!("{cseq} "))
            .replace("alice@example.com>", &format!("alice@example.com>;tag={tag}"))
    };
    assert_eq!(answer(&mut agent, &within("ACK", 7)), (String::new(), true));
    assert!(answer(&mut agent, &within("INFO", 6)).0.starts_with("SIP/2.0 500 "));
    let other = within("INFO", 8).replace("tag=1\r", "tag=2\r").replace("INFO1", "INFO2");
    assert!(answer(&mut agent, &other).0.starts_with("SIP/2.0 481 "), "another dialog's From tag");
    assert!(answer(&mut agent, &within("BYE", 9)).0.starts_with("SIP/2.0 200 "));
    assert_eq!(agent.live().1, 0);
}
