//! Who is let through, and how often.

use super::*;
use crate::auth::{Account as Signer, Answer, Challenge, Info};
use crate::header::AuthenticationInfo;

const REGISTER: &str =
    "To: <sip:bob@a.test>\r\nContact: <sip:bob@192.0.2.1:6001>\r\nExpires: 600\r\n";
const BOB: Signer<'static> = Signer { user: b"bob", password: b"secret" };

/// The first challenge of an answer, as it would be kept.
fn challenge_of(sent: &Sent) -> String {
    assert_eq!(sent.code(), 401, "{sent:?}");
    sent.header("WWW-Authenticate").to_string()
}

fn parsed(challenge: &str) -> Challenge<'_> {
    let row = WwwAuthenticate::parse(challenge.as_bytes()).unwrap().0;
    Challenge::parse(&row).unwrap().unwrap()
}

fn answer<'d>(challenge: &Challenge<'d>, count: u32) -> Answer<'d> {
    challenge.answer(&BOB, b"REGISTER", b"sip:a.test", b"", b"cn", count)
}

impl Desk<'_> {
    fn register_with(&mut self, answer: &Answer<'_>) -> Sent {
        let mut buffer = [0; 1024];
        let mut to = Writer::new(&mut buffer);
        answer.write_row(Name::Authorization, &mut to);
        let row = core::str::from_utf8(to.as_bytes()).unwrap().to_string();
        let text =
            self.text(tcp(6001), "bob", "REGISTER", "sip:a.test", &format!("{row}{REGISTER}"));
        self.hand_in(tcp(6001), &text).remove(0)
    }

    fn challenge(&mut self) -> String {
        let text = self.text(tcp(6001), "bob", "REGISTER", "sip:a.test", REGISTER);
        challenge_of(&self.hand_in(tcp(6001), &text)[0])
    }
}

#[test]
fn a_nonce_count_is_good_once_and_in_any_order() {
    let mut storage = Box::new(Small::new());
    let mut desk = Desk::new(&mut storage);
    let text = desk.challenge();
    let challenge = parsed(&text);
    for count in [2, 1, 3, 70] {
        assert_eq!(desk.register_with(&answer(&challenge, count)).code(), 200, "{count}");
        let again = desk.register_with(&answer(&challenge, count));
        let stale = challenge_of(&again);
        assert!(parsed(&stale).stale, "the password is right: {stale}");
    }
    assert!(parsed(&challenge_of(&desk.register_with(&answer(&challenge, 5)))).stale);
    assert_eq!(desk.register_with(&answer(&challenge, 71)).code(), 200);
}

#[test]
fn a_guess_uses_no_count_up() {
    let mut storage = Box::new(Small::new());
    let mut desk = Desk::new(&mut storage);
    let text = desk.challenge();
    let challenge = parsed(&text);
    let liar = Signer { user: b"bob", password: b"guess" };
    let guess = challenge.answer(&liar, b"REGISTER", b"sip:a.test", b"", b"cn", 1);
    let refused = challenge_of(&desk.register_with(&guess));
    assert!(!parsed(&refused).stale);
    assert_eq!(desk.register_with(&answer(&challenge, 1)).code(), 200);
}

#[test]
fn without_a_count_a_nonce_is_good_once() {
    let mut storage = Box::new(Small::new());
    let mut desk = Desk::new(&mut storage);
    let text = desk.challenge();
    let plain = Challenge { qop: None, ..parsed(&text) };
    assert_eq!(desk.register_with(&answer(&plain, 1)).code(), 200);
    assert!(parsed(&challenge_of(&desk.register_with(&answer(&plain, 1)))).stale);
}

#[test]
fn with_no_room_the_oldest_nonces_are_challenged_again_and_never_served_twice() {
    // Room for four nonces.
    let mut storage = Box::new(Storage::<8, 4, 4, 8, 4, 65536>::new());
    let mut desk = Desk::new(&mut storage);
    let texts: Vec<String> = (0..6)
        .map(|_| {
            desk.wait(1);
            desk.challenge()
        })
        .collect();
    for text in &texts {
        desk.wait(1);
        assert_eq!(desk.register_with(&answer(&parsed(text), 1)).code(), 200);
    }
    for (number, text) in texts.iter().enumerate() {
        desk.wait(1);
        let again = desk.register_with(&answer(&parsed(text), 1));
        assert!(parsed(&challenge_of(&again)).stale, "{number} is served twice");
    }
    // The four that were used last still go on; the others were pushed out.
    let codes = [0, 1, 2, 3, 4, 5].map(|number| {
        desk.wait(1);
        desk.register_with(&answer(&parsed(&texts[number]), 2)).code()
    });
    assert_eq!(codes, [401, 401, 200, 200, 200, 200]);
}

#[test]
fn the_answer_shows_that_the_server_knows_the_password_and_brings_the_next_nonce() {
    let mut storage = Box::new(Small::new());
    let mut desk = Desk::new(&mut storage);
    let text = desk.challenge();
    let challenge = parsed(&text);
    let first = answer(&challenge, 1);
    let sent = desk.register_with(&first);
    let info: Info<'_> =
        AuthenticationInfo::parse(sent.header("Authentication-Info").as_bytes()).unwrap().into();
    assert!(first.verify(&info, &BOB, b""));

    assert!(!answer(&challenge, 2).verify(&info, &BOB, b""), "it is of another request");
    assert!(!first.verify(&info, &Signer { user: b"bob", password: b"else" }, b""));
    assert_eq!(info.nextnonce, None, "the nonce is young");

    // Past half of its life another one comes, and that is good for the next request.
    desk.wait(200);
    let sent = desk.register_with(&answer(&challenge, 2));
    let row = sent.header("Authentication-Info").to_string();
    let info: Info<'_> = AuthenticationInfo::parse(row.as_bytes()).unwrap().into();
    let next = challenge.with_nonce(info.nextnonce.unwrap());
    desk.wait(200);
    assert_eq!(desk.register_with(&answer(&next, 1)).code(), 200);
    assert!(parsed(&challenge_of(&desk.register_with(&answer(&challenge, 3)))).stale, "too old");
}

#[test]
fn whom_the_host_knows_is_not_challenged() {
    let mut storage = Box::new(Small::new());
    let mut desk = Desk::new(&mut storage);
    let code = |desk: &mut Desk<'_>| {
        let text = desk.text(tcp(6001), "bob", "REGISTER", "sip:a.test", REGISTER);
        desk.hand_in(tcp(6001), &text)[0].code()
    };
    desk.server.prove(User::new(b"bob"));
    assert_eq!(code(&mut desk), 200);
    desk.server.prove(User::new(b"alice"));
    assert_eq!(code(&mut desk), 403, "nobody takes another's name");
    desk.server.prove(None);
    assert_eq!(code(&mut desk), 401);
}
