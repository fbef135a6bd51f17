use super::*;
use crate::message::Message;
use std::string::String;

const TAG: u64 = 0xab;

fn request(routes: &str) -> String {
    std::format!(
        "INVITE sip:bob@192.0.2.4 SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n{routes}\
         From: \"A\" <sip:alice@example.com>;tag=88\r\nTo: <sip:bob@example.com>\r\n\
         Call-ID: c\r\nCSeq: 7 INVITE\r\nContact: <sip:alice@192.0.2.1:7100>\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

fn written(dialog: &mut Dialog, arena: &Arena<'_>, method: Method<'_>) -> String {
    let cseq = dialog.next_cseq();
    let mut buffer = [0; 2000];
    let mut to = Writer::new(&mut buffer);
    let uri = Message::parse(arena.get(dialog.block())).unwrap().uri().unwrap();
    to.request_to(method, uri);
    dialog.write(arena.blocks(), &mut to, method, cseq);
    let len = to.finish().unwrap();
    String::from_utf8(buffer[..len].to_vec()).unwrap()
}

#[test]
fn a_server_turns_to_the_contact_over_the_recorded_routes() {
    let mut octets = [0; 2000];
    let mut arena = Arena::lent(&mut octets, 0);
    let text = request("Record-Route: <sip:p2;lr>, <sip:p1;lr>\r\n");
    let message = Message::parse(text.as_bytes()).unwrap();
    let mut dialog = Dialog::server(&mut arena, &message, &Tag::new(TAG)).unwrap();
    assert_eq!(
        written(&mut dialog, &arena, Method::Bye),
        "BYE sip:alice@192.0.2.1:7100 SIP/2.0\r\nRoute: <sip:p2;lr>\r\nRoute: <sip:p1;lr>\r\n\
         From: <sip:bob@example.com>;tag=00000000000000ab\r\n\
         To: \"A\" <sip:alice@example.com>;tag=88\r\nCall-ID: c\r\nCSeq: 1 BYE\r\n\
         Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    );
    let hop = dialog.next_hop(arena.blocks()).unwrap();
    assert_eq!(hop.as_bytes(), Some(&b"sip:p2;lr"[..]));
    let bye = text.replace("INVITE", "BYE").replace("7 BYE", "8 BYE");
    let bye = bye.replace("To: <sip:bob@example.com>", "To: <sip:b>;tag=00000000000000ab");
    let bye = Message::parse(bye.as_bytes()).unwrap();
    assert!(dialog.matches(arena.blocks(), &bye) && !dialog.matches(arena.blocks(), &message));
    assert_eq!((dialog.receive(&bye), dialog.receive(&message)), (Order::Next, Order::Late));
    dialog.free(&mut arena);
    assert!(arena.is_empty());
}

fn response(routes: &str, contact: &str) -> String {
    std::format!(
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n{routes}\
         From: <sip:alice@example.com>;tag=88\r\nTo: <sip:bob@example.com>;tag=9\r\n\
         Call-ID: c\r\nCSeq: 7 INVITE\r\n{contact}Content-Length: 0\r\n\r\n"
    )
}

#[test]
fn a_client_takes_the_routes_in_reverse() {
    let mut octets = [0; 2000];
    let mut arena = Arena::lent(&mut octets, 0);
    let text = response(
        "Record-Route: <sip:p2;lr>\r\nRecord-Route: <sip:p1;lr>;x=1\r\n",
        "Contact: <sip:bob@192.0.2.4>\r\n",
    );
    let message = Message::parse(text.as_bytes()).unwrap();
    let mut dialog = Dialog::client(&mut arena, &message).unwrap();
    let bye = written(&mut dialog, &arena, Method::Bye);
    assert!(bye.starts_with(
        "BYE sip:bob@192.0.2.4 SIP/2.0\r\nRoute: <sip:p1;lr>\r\nRoute: <sip:p2;lr>\r\n"
    ));
    assert!(bye.contains("CSeq: 8 BYE\r\n"));
}

#[test]
fn a_strict_router_stands_in_the_request_uri_and_the_target_refreshes_behind_it() {
    let mut octets = [0; 2000];
    let mut arena = Arena::lent(&mut octets, 0);
    let text =
        response("Record-Route: <sip:p2;lr>, <sip:p1>\r\n", "Contact: <sip:bob@192.0.2.4>\r\n");
    let message = Message::parse(text.as_bytes()).unwrap();
    let mut dialog = Dialog::client(&mut arena, &message).unwrap();
    let start = "BYE sip:p1 SIP/2.0\r\nRoute: <sip:p2;lr>\r\nRoute: <sip:bob@192.0.2.4>\r\n";
    assert!(written(&mut dialog, &arena, Method::Bye).starts_with(start));
    assert_eq!(dialog.next_hop(arena.blocks()).unwrap().as_bytes(), Some(&b"sip:p1"[..]));
    let moved = response("", "Contact: <sip:bob@192.0.2.99>\r\n");
    dialog.refresh(&mut arena, &Message::parse(moved.as_bytes()).unwrap()).unwrap();
    let start = "BYE sip:p1 SIP/2.0\r\nRoute: <sip:p2;lr>\r\nRoute: <sip:bob@192.0.2.99>\r\n";
    assert!(written(&mut dialog, &arena, Method::Bye).starts_with(start));
    assert_eq!(arena.len(), 1);
}

#[test]
fn what_cannot_make_a_dialog_is_refused_with_the_reason() {
    let mut octets = [0; 2000];
    let mut arena = Arena::lent(&mut octets, 0);
    let tag = Tag::new(TAG);
    let mut server = |text: String| {
        Dialog::server(&mut arena, &Message::parse(text.as_bytes()).unwrap(), &tag).map(|_| ())
    };
    let no_contact = request("").replace("Contact", "X-Contact");
    assert_eq!(server(no_contact), Err(DialogError::Header("Contact")));
    assert_eq!(server(request("Record-Route: x\r\n")), Err(DialogError::Header("Record-Route")));
    let long = "Record-Route: <sip:p;lr>\r\n".repeat(17);
    assert_eq!(server(request(&long)), Err(DialogError::Routes));
    let mut small = [0; 100];
    let mut arena = Arena::lent(&mut small, 0);
    let text = request("");
    let full = Dialog::server(&mut arena, &Message::parse(text.as_bytes()).unwrap(), &tag);
    assert!(matches!(full, Err(DialogError::NotKept(NotKept::Full(_)))));
    let bare = response("", "");
    let bare = Message::parse(bare.as_bytes()).unwrap();
    let mut octets = [0; 500];
    let mut arena = Arena::lent(&mut octets, 0);
    let mut dialog = Dialog::client(&mut arena, &bare).unwrap();
    assert!(written(&mut dialog, &arena, Method::Bye).starts_with("BYE sip:bob@example.com SIP"));
}
