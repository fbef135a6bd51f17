//! Contacts of different preferences, and how far a request is forked.

use super::*;
use crate::header::Contact;

/// Bob where he is best reached, and where else he is.
fn preferred<'s>(storage: &'s mut Small) -> (Desk<'s>, Sent) {
    let mut desk = Desk::new(storage);
    let more = "To: <sip:bob@a.test>\r\nContact: <sip:bob@192.0.2.1:6001>;q=0.5\r\n";
    assert_eq!(desk.ask(udp(6001), "bob", "REGISTER", "sip:a.test", more)[0].code(), 200);
    desk.register(udp(6002), "bob", "sip:bob@192.0.2.1:6002", 600);
    let contact = "Contact: <sip:alice@192.0.2.1:7000>\r\n";
    let sent = desk.ask(udp(7000), "alice", "INVITE", "sip:bob@a.test", contact);
    assert_eq!((sent.len(), sent[0].path), (1, udp(6002)), "{sent:?}");
    (desk, sent[0].clone())
}

#[test]
fn the_contacts_of_a_lower_preference_are_tried_when_the_better_ones_have_refused() {
    let mut storage = Box::new(Small::new());
    let (mut desk, first) = preferred(&mut storage);
    let sent = desk.hand_in(udp(6002), &reply(&first, "486 Busy Here", ""));
    let second = sent.iter().find(|sent| sent.first_line().starts_with("INVITE")).unwrap();
    assert_eq!(second.first_line(), "INVITE sip:bob@192.0.2.1:6001 SIP/2.0");
    assert_eq!(second.path, udp(6001));
    let sent = desk.hand_in(udp(6001), &reply(second, "480 Temporarily Unavailable", ""));
    let answer = sent.iter().find(|sent| sent.path == udp(7000)).unwrap();
    assert_eq!(answer.code(), 486, "the better of both");
    desk.wait(300);
    assert_eq!(desk.server.live(), Live::default());
}

#[test]
fn who_does_not_answer_in_time_leaves_it_to_the_contacts_of_a_lower_preference() {
    let mut storage = Box::new(Small::new());
    let (mut desk, first) = preferred(&mut storage);
    desk.hand_in(udp(6002), &reply(&first, "180 Ringing", ""));
    let sent = desk.wait(21);
    let cancel = sent.iter().find(|sent| sent.first_line().starts_with("CANCEL")).unwrap();
    assert_eq!(cancel.path, udp(6002));
    desk.hand_in(udp(6002), &reply(cancel, "200 OK", ""));
    let sent = desk.hand_in(udp(6002), &reply(&first, "487 Request Terminated", ""));
    let second = sent.iter().find(|sent| sent.first_line().starts_with("INVITE")).unwrap();
    assert_eq!(second.path, udp(6001));
    let contact = "Contact: <sip:bob@192.0.2.1:6001>\r\n";
    let sent = desk.hand_in(udp(6001), &reply(second, "200 OK", contact));
    assert_eq!((sent.len(), sent[0].code(), sent[0].path), (1, 200, udp(7000)));
    desk.wait(300);
    assert_eq!((desk.server.live().transactions, desk.server.live().relays), (0, 0));
}

#[test]
fn who_hangs_up_before_ends_the_search() {
    let mut storage = Box::new(Small::new());
    let (mut desk, first) = preferred(&mut storage);
    desk.hand_in(udp(6002), &reply(&first, "180 Ringing", ""));
    let via = first.all("Via")[1].split(";received").next().unwrap().to_string();
    let call_id = first.header("Call-ID").to_string();
    let from = first.header("From").to_string();
    let cseq = first.header("CSeq").replace("INVITE", "CANCEL");
    let cancel = format!(
        "CANCEL sip:bob@a.test SIP/2.0\r\nVia: {via}\r\nFrom: {from}\r\nTo: <sip:bob@a.test>\r\n\
         Call-ID: {call_id}\r\nCSeq: {cseq}\r\nContent-Length: 0\r\n\r\n"
    );
    let sent = desk.hand_in(udp(7000), &cancel);
    let cancel = sent.iter().find(|sent| sent.first_line().starts_with("CANCEL")).unwrap();
    desk.hand_in(udp(6002), &reply(cancel, "200 OK", ""));
    let sent = desk.hand_in(udp(6002), &reply(&first, "487 Request Terminated", ""));
    assert!(sent.iter().all(|sent| !sent.first_line().starts_with("INVITE")), "{sent:?}");
    assert!(sent.iter().any(|sent| sent.path == udp(7000) && sent.code() == 487), "{sent:?}");
}

#[test]
fn a_request_is_forked_no_further_than_it_may_be() {
    let mut storage = Box::new(Small::new());
    let (mut desk, one, _) = call(&mut storage);
    assert_eq!(one.header("Max-Breadth"), "30");
    let sent = desk.ask(udp(7000), "alice", "MESSAGE", "sip:bob@a.test", "Max-Breadth: 5\r\n");
    assert!(sent.iter().all(|sent| sent.header("Max-Breadth") == "2"), "{sent:?}");
    let sent = desk.ask(udp(7000), "alice", "OPTIONS", "sip:bob@a.test", "Max-Breadth: 1\r\n");
    assert_eq!((sent.len(), sent[0].code()), (1, 440), "{sent:?}");
}

#[test]
fn requests_take_the_route_that_a_registration_came_over() {
    let mut storage = Box::new(Small::new());
    let mut desk = Desk::new(&mut storage);
    let more = "To: <sip:bob@a.test>\r\nContact: <sip:bob@10.0.0.7>\r\nSupported: path\r\n\
        Path: <sip:edge@192.0.2.77;lr>, <sip:inner@10.0.0.1;lr>\r\nExpires: 300\r\n";
    let sent = desk.ask(udp(6001), "bob", "REGISTER", "sip:a.test", more);
    assert_eq!(sent[0].code(), 200, "{sent:?}");
    assert_eq!(sent[0].header("Path"), "<sip:edge@192.0.2.77;lr>, <sip:inner@10.0.0.1;lr>");
    let sent = desk.ask(udp(7000), "alice", "MESSAGE", "sip:bob@a.test", "");
    assert_eq!(sent[0].path, udp(6001));
    assert_eq!(sent[0].first_line(), "MESSAGE sip:bob@10.0.0.7 SIP/2.0");
    assert_eq!(sent[0].all("Route"), ["<sip:edge@192.0.2.77;lr>, <sip:inner@10.0.0.1;lr>"]);
    let bad = more.replace("Path: <", "Path: <<");
    assert_eq!(desk.ask(udp(6001), "bob", "REGISTER", "sip:a.test", &bad)[0].code(), 400);
}

#[test]
fn a_gruu_leads_to_the_one_agent_that_it_names() {
    let mut storage = Box::new(Small::new());
    let mut desk = Desk::new(&mut storage);
    let register = |desk: &mut Desk<'_>, port: u16, instance: &str| {
        let more = format!(
            "To: <sip:bob@a.test>\r\nSupported: gruu\r\nContact: <sip:bob@192.0.2.1:{port}>\
             ;+sip.instance=\"<urn:uuid:{instance}>\"\r\n"
        );
        desk.ask(udp(port), "bob", "REGISTER", "sip:a.test", &more).remove(0)
    };
    register(&mut desk, 6001, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
    let answer = register(&mut desk, 6002, "f81d4fae-7dec-11d0-a765-00a0c91e6bf7");
    let contact = answer.all("Contact").into_iter().find(|row| row.contains("6002")).unwrap();
    let contact = Contact::parse(contact.as_bytes()).unwrap();
    let gruu = contact.pub_gruu().unwrap().unwrap();
    let text = core::str::from_utf8(gruu.as_bytes().unwrap()).unwrap().to_string();
    assert_eq!(text, "sip:bob@a.test;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf7");

    let sent = desk.ask(udp(7000), "alice", "MESSAGE", &text, "");
    assert_eq!((sent.len(), sent[0].path), (1, udp(6002)), "{sent:?}");
    assert_eq!(sent[0].first_line(), "MESSAGE sip:bob@192.0.2.1:6002 SIP/2.0");
    // An agent that is not there.
    let other = text.replace("6bf7", "6bf8");
    assert_eq!(desk.ask(udp(7000), "alice", "MESSAGE", &other, "")[0].code(), 480);
    // To the user, both are asked.
    assert_eq!(desk.ask(udp(7000), "alice", "MESSAGE", "sip:bob@a.test", "").len(), 2);
}
