use std::string::String;
use std::vec::Vec;

use super::*;
use crate::header::{
    AuthenticationInfo, Authorization, Header, ProxyAuthenticationInfo, WwwAuthenticate,
};
use crate::message::{Message, Name, Writer};

fn challenge(text: &str) -> Option<Challenge<'_>> {
    let value = WwwAuthenticate::parse(text.as_bytes()).unwrap();
    Challenge::parse(&value).map(Result::unwrap)
}

fn row(write: impl FnOnce(&mut Writer<'_>)) -> String {
    let mut buffer = [0; 1024];
    let mut writer = Writer::new(&mut buffer);
    write(&mut writer);
    String::from_utf8(writer.as_bytes().to_vec()).unwrap()
}

#[test]
fn the_examples_of_rfc_7616_section_3_9_1() {
    for (algorithm, response) in [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ] {
        let text = std::format!(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
             opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        );
        let challenge = challenge(&text).unwrap();
        let account = Account { user: b"Mufasa", password: b"Circle of Life" };
        let cnonce = b"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let answer = challenge.answer(&account, b"GET", b"/dir/index.html", b"", cnonce, 1);
        assert_eq!(answer.response(), response.as_bytes());
    }
}

#[test]
fn the_example_of_rfc_2617_section_3_5() {
    let challenge = challenge(
        "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", \
         nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
    )
    .unwrap();
    let account = Account { user: b"Mufasa", password: b"Circle Of Life" };
    let answer = challenge.answer(&account, b"GET", b"/dir/index.html", b"", b"0a4f113b", 1);
    assert_eq!(answer.response(), b"6629fae49393a05397450978507c4ef1");
    let text = row(|to| answer.write_row(Name::Authorization, to));
    assert_eq!(
        text,
        "Authorization: Digest username=\"Mufasa\", realm=\"testrealm@host.com\", \
         nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", \
         response=\"6629fae49393a05397450978507c4ef1\", algorithm=MD5, cnonce=\"0a4f113b\", \
         opaque=\"5ccc069c403ebaf9f0171e9517f40e41\", qop=auth, nc=00000001\r\n"
    );
}

#[test]
fn the_form_of_rfc_2069_has_no_count() {
    // RFC 2069 section 2.4 with the hash of its erratum 749.
    let challenge = challenge(
        "Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"",
    )
    .unwrap();
    let account = Account { user: b"Mufasa", password: b"CircleOfLife" };
    let answer = challenge.answer(&account, b"GET", b"/dir/index.html", b"", b"", 1);
    assert_eq!(answer.response(), b"1949323746fe6a43ef61f9606e7febea");
    let text = row(|to| answer.write_row(Name::Authorization, to));
    assert!(!text.contains("nc=") && !text.contains("qop") && !text.contains("cnonce"), "{text}");
}

#[test]
fn what_a_client_answers_a_server_verifies_and_nothing_else() {
    for algorithm in Algorithm::ALL {
        for qop in [
            None,
            Some(Qops { auth: true, auth_int: true }),
            Some(Qops { auth: false, auth_int: true }),
        ] {
            let offered = Challenge { qop, ..Challenge::new(b"a \"realm\"", b"nonce", algorithm) };
            let text = row(|to| offered.write_row(Name::WwwAuthenticate, to));
            let text = std::format!("SIP/2.0 401 Unauthorized\r\n{text}\r\n");
            let message = Message::parse(text.as_bytes()).unwrap();
            let row_read = message.typed::<WwwAuthenticate<'_>>().unwrap().unwrap();
            let read = Challenge::parse(&row_read).unwrap().unwrap();
            assert_eq!(read, offered);
            let account = Account { user: b"ali\\ce", password: b"secret" };
            let answer = read.answer(&account, b"REGISTER", b"sip:a", b"body", b"c", 0x1f);
            let text = row(|to| answer.write_row(Name::Authorization, to));
            let text = std::format!("REGISTER sip:a SIP/2.0\r\n{text}\r\n");
            let message = Message::parse(text.as_bytes()).unwrap();
            let row_read = message.typed::<Authorization<'_>>().unwrap().unwrap();
            let response = Response::parse(&row_read).unwrap().unwrap();
            assert_eq!(response.user, b"ali\\ce"[..]);
            assert_eq!(response.uri, b"sip:a");
            assert_eq!(response.count(), if qop.is_some() { 0x1f } else { 0 });
            let password = Secret::Password(b"secret");
            let ha1 = algorithm.ha1(b"ali\\ce", b"a \"realm\"", b"secret");
            assert!(response.verify(password, b"REGISTER", b"body"));
            assert!(response.verify(Secret::Ha1(&ha1), b"REGISTER", b"body"));
            assert!(!response.verify(Secret::Password(b"Secret"), b"REGISTER", b"body"));
            assert!(!response.verify(password, b"INVITE", b"body"));
            let covers_body = response.qop == Some(Qop::AuthInt);
            assert_eq!(response.verify(password, b"REGISTER", b"other"), !covers_body);
            assert_eq!(covers_body, qop.is_some_and(|qop| !qop.auth));
            assert_ne!(
                response.rspauth(password, b"").as_bytes(),
                response.response,
                "the server's hash is another one"
            );
        }
    }
}

#[test]
fn the_strongest_challenge_that_is_known_is_taken() {
    let texts = [
        "Digest realm=\"r\", nonce=\"1\", algorithm=MD5",
        "NTLM realm=\"r\", targetname=\"x\"",
        "Digest realm=\"r\", nonce=\"2\", algorithm=SHA-256, qop=\"auth\"",
        "Digest realm=\"r\", nonce=\"3\", algorithm=SHA-1, qop=\"auth\"",
        "Digest realm=\"r\", nonce=\"4\", algorithm=SHA-256, qop=\"auth\"",
        "Digest realm=\"r\", nonce=\"5\", algorithm=SHA-256-sess, qop=\"new\"",
        "Digest realm=\"r\", algorithm=SHA-256-sess",
    ];
    let challenges: Vec<_> =
        texts.iter().map(|text| WwwAuthenticate::parse(text.as_bytes()).unwrap().0).collect();
    assert_eq!(strongest(challenges).unwrap().nonce, b"2"[..]);
    assert!(challenge(texts[3]).is_none());
    assert!(challenge("Digest realm=\"r\", nonce=\"1\", stale=TRUE").unwrap().stale);
    assert!(strongest([]).is_none());
}

#[test]
fn answers_that_lack_something_are_named() {
    for text in [
        "Digest username=\"a\"",
        "Digest username=\"a\", realm=\"r\", nonce=\"n\", uri=\"u\", response=\"x\", qop=auth",
        "Digest username=\"a\", realm=\"r\", nonce=\"n\", uri=\"u\", response=\"x\", algorithm=MD5-sess",
    ] {
        let value = Authorization::parse(text.as_bytes()).unwrap();
        let error = Response::parse(&value).unwrap().unwrap_err();
        assert_eq!(error.what, crate::error::Fault::ParameterMissing, "{text}");
    }
    let text = "Digest username=\"a\", realm=\"r\", nonce=\"n\", uri=\"u\", response=\"x\", \
                qop=auth, cnonce=\"c\", nc=1";
    let value = Authorization::parse(text.as_bytes()).unwrap();
    assert_eq!(Response::parse(&value).unwrap().unwrap_err().what, crate::error::Fault::Number);
    let text = "Digest username=\"a\", algorithm=SHA-1";
    assert!(Response::parse(&Authorization::parse(text.as_bytes()).unwrap()).is_none());
}

#[test]
fn hashes_are_compared_as_numbers_and_not_shown() {
    let hex = Algorithm::Md5.ha1(b"a", b"b", b"c");
    let upper = hex.as_bytes().to_ascii_uppercase();
    assert!(hex.matches(&upper));
    assert!(!hex.matches(&upper[1..]));
    assert!(!hex.matches(b""));
    assert_eq!(std::format!("{hex:?}"), "Hex(..)");
    assert!(Hex::from_digits(&upper).unwrap().matches(hex.as_bytes()));
}

#[test]
fn the_body_is_covered_where_the_server_asks_for_it() {
    // Computed with Python's hashlib.
    for (algorithm, response) in [
        (&b"MD5"[..], &b"77226bb823dc077c1ad3537415667bae"[..]),
        (b"SHA-256", b"554a9ffe79ce71c3cb6c9630deddd2787d8033f895e5cdef6a73c8e84ed4c979"),
        (b"SHA-512-256", b"e9a7fbc1c80a10421c59a0c982f28d40e0ddc7b62ef3dc4faf68f179c6e05922"),
    ] {
        let Some(algorithm) = Algorithm::parse(algorithm) else { continue };
        let nonce = b"dcd98b7102dd2f0e8b11d0f600bfb0c093";
        let challenge = Challenge {
            qop: Some(Qops { auth: false, auth_int: true }),
            ..Challenge::new(b"biloxi.com", nonce, algorithm)
        };
        let account = Account { user: b"bob", password: b"zanzibar" };
        let uri = b"sip:bob@biloxi.com";
        let answer = challenge.answer(&account, b"INVITE", uri, b"v=0\r\n", b"0a4f113b", 1);
        assert_eq!(answer.response(), response);
    }
}

#[test]
fn the_server_shows_that_it_knows_the_password() {
    for (algorithm, rspauth) in [
        (&b"MD5"[..], "9175a7857f138ef9768651f475f1d73a"),
        (b"SHA-256", "eac28e17b8d5d63e96e148e02f1b50afcf750aeecb3856ac20399028c0ee51e6"),
        (b"SHA-512-256", "975a12c1ffcd062063ecf7569221689a797a7fef76ce1b9d29bd6e57b90be6e8"),
    ] {
        let Some(algorithm) = Algorithm::parse(algorithm) else { continue };
        let nonce = b"dcd98b7102dd2f0e8b11d0f600bfb0c093";
        let challenge = Challenge::new(b"biloxi.com", nonce, algorithm);
        let account = Account { user: b"bob", password: b"zanzibar" };
        let uri = b"sip:bob@biloxi.com";
        let answer = challenge.answer(&account, b"INVITE", uri, b"", b"0a4f113b", 1);
        let text = row(|to| answer.write_row(Name::Authorization, to));
        let value = Authorization::parse(&text.as_bytes()["Authorization: ".len()..]).unwrap();
        let response = Response::parse(&value).unwrap().unwrap();
        let next = Nonces::new([1; 32], Nonces::LIFETIME).make(core::time::Duration::ZERO, 1);
        let secret = Secret::Password(b"zanzibar");
        let name = Name::ProxyAuthenticationInfo;
        let text = row(|to| response.write_info(name, secret, b"", Some(&next), to));
        let value = text.strip_prefix("Proxy-Authentication-Info: ").unwrap();
        let info: Info<'_> = ProxyAuthenticationInfo::parse(value.as_bytes()).unwrap().into();
        assert_eq!(info.rspauth, Some(rspauth.as_bytes()));
        assert_eq!(info.nextnonce.unwrap(), *next.as_bytes());
        assert_eq!((info.qop, info.count()), (Some(Qop::Auth), Some(1)));
        assert!(answer.verify(&info, &account, b""));
        for wrong in [
            Info { rspauth: None, ..info },
            Info { rspauth: Some(b"00"), ..info },
            Info { cnonce: Some(b"other"), ..info },
            Info { qop: Some(Qop::AuthInt), ..info },
            Info { qop: None, ..info },
        ] {
            assert!(!answer.verify(&wrong, &account, b""), "{wrong:?}");
        }
    }
    let none = AuthenticationInfo::parse(b"nc=123456789, cnonce").unwrap();
    assert_eq!(Info::from(none), Info { nc: Some(b"123456789"), ..Info::default() });
    assert_eq!(Info::from(none).count(), None);
}

#[test]
#[cfg(feature = "sha512")]
fn the_example_of_rfc_7616_section_3_9_2_hides_the_user() {
    // With the hashes of erratum 4897.
    let text = "Digest realm=\"api@example.org\", qop=\"auth\", algorithm=SHA-512-256, \
                nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", \
                opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\", \
                charset=UTF-8, userhash=true";
    let challenge = challenge(text).unwrap();
    assert!(challenge.userhash);
    let name = "J\u{e4}s\u{f8}n Doe".as_bytes();
    let account = Account { user: name, password: b"Secret, or not?" };
    let cnonce = b"NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v";
    let answer = challenge.answer(&account, b"GET", b"/doe.json", b"", cnonce, 1);
    let hash = b"3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5";
    assert_eq!(answer.response(), hash);
    let text = row(|to| answer.with_hashed_user().write_row(Name::Authorization, to));
    let user = "username=\"793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b\"";
    assert!(text.contains(user), "{text}");
    assert!(text.ends_with(", userhash=true\r\n"), "{text}");
}

#[test]
fn a_hidden_user_is_known_by_the_hash() {
    for algorithm in Algorithm::ALL {
        let mut offered = Challenge::new(b"example.com", b"nonce", algorithm);
        offered.userhash = true;
        let text = row(|to| offered.write_row(Name::WwwAuthenticate, to));
        assert!(text.ends_with(", userhash=true\r\n"));
        let account = Account { user: b"alice", password: b"secret" };
        let answer = offered.answer(&account, b"REGISTER", b"sip:a", b"", b"c", 1);
        let text = row(|to| answer.clone().with_hashed_user().write_row(Name::Authorization, to));
        assert!(!text.contains("alice"));
        let value = Authorization::parse(&text.as_bytes()["Authorization: ".len()..]).unwrap();
        let response = Response::parse(&value).unwrap().unwrap();
        assert!(response.userhash && response.is_user(b"alice") && !response.is_user(b"bob"));
        let ha1 = algorithm.ha1(b"alice", b"example.com", b"secret");
        assert!(response.verify(Secret::Ha1(&ha1), b"REGISTER", b""));
        let text = row(|to| answer.write_row(Name::Authorization, to));
        let value = Authorization::parse(&text.as_bytes()["Authorization: ".len()..]).unwrap();
        let response = Response::parse(&value).unwrap().unwrap();
        assert!(!response.userhash && response.is_user(b"alice") && !response.is_user(b"bob"));
    }
}

#[test]
#[cfg(feature = "sha512")]
fn the_longest_hash_is_the_strongest() {
    let texts = ["MD5", "SHA-512-256", "SHA-256"]
        .map(|name| std::format!("Digest realm=\"r\", nonce=\"{name}\", algorithm={name}"));
    let challenges =
        texts.each_ref().map(|text| WwwAuthenticate::parse(text.as_bytes()).unwrap().0);
    assert_eq!(strongest(challenges).unwrap().algorithm, Algorithm::Sha512_256);
}
