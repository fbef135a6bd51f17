use core::time::Duration;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::*;
use crate::transport::Path;

/// A line of a zone: name, kind and the record's data as a master file has it.
type Zone = [(&'static str, &'static str, &'static str)];

const TTL_S: u32 = 300;

fn record(kind: &str, data: &'static str) -> Record<'static> {
    let mut words = data.split(' ');
    let mut number = || words.next().unwrap().parse::<u16>().unwrap();
    match kind {
        "A" => Record::A(data.parse().unwrap()),
        "AAAA" => Record::Aaaa(data.parse().unwrap()),
        "SRV" => {
            let (priority, weight, port) = (number(), number(), number());
            Record::Srv { priority, weight, port, target: words.next().unwrap().as_bytes() }
        }
        _ => {
            let (order, preference) = (number(), number());
            let mut text = || words.next().unwrap().trim_matches('"').as_bytes();
            let (flags, services, regexp, replacement) = (text(), text(), text(), text());
            Record::Naptr { order, preference, flags, services, regexp, replacement }
        }
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::A => "A",
        Kind::Aaaa => "AAAA",
        Kind::Srv => "SRV",
        Kind::Naptr => "NAPTR",
    }
}

fn answer(zone: &Zone, query: &Query<'_>) -> Vec<(u32, Record<'static>)> {
    zone.iter()
        .filter(|(name, kind, _)| {
            name.as_bytes().eq_ignore_ascii_case(query.name) && *kind == kind_name(query.kind)
        })
        .map(|(_, kind, data)| (TTL_S, record(kind, data)))
        .collect()
}

const ALL: &[Transport] =
    &[Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];

fn config() -> Config {
    Config { transports: ALL, ipv6: false, ..Config::default() }
}

/// Answers all queries from the zone and lets every candidate fail. Gives what was asked and found.
fn walk<const R: usize, const O: usize>(
    resolver: &mut Resolver<R, O>,
    zone: &Zone,
) -> (Vec<String>, Vec<String>) {
    let (mut asked, mut found) = (Vec::new(), Vec::new());
    let mut name = [0; MAX_NAME];
    loop {
        while let Some(query) = resolver.poll_query(&mut name) {
            let text = String::from_utf8(query.name.to_vec()).unwrap();
            asked.push(format!("{} {text}", kind_name(query.kind)));
            resolver.handle_answer(query.id, answer(zone, &query));
        }
        match resolver.poll_event().expect("neither a query nor an event") {
            Event::Candidate(candidate) => {
                found.push(format!(
                    "{} {}",
                    candidate.transport.via_token().to_ascii_lowercase(),
                    candidate.remote
                ));
                resolver.try_next();
            }
            Event::Exhausted { candidates, .. } => {
                assert_eq!(usize::from(candidates), found.len());
                assert_eq!(resolver.poll_event(), None);
                return (asked, found);
            }
        }
    }
}

fn walk_uri(config: Config, uri: &str, zone: &Zone) -> (Vec<String>, Vec<String>) {
    let mut resolver: Resolver = Resolver::new(config, [1; 32]);
    resolver.resolve(&Uri::parse(uri.as_bytes()).unwrap()).unwrap();
    walk(&mut resolver, zone)
}

fn found(uri: &str, zone: &Zone) -> Vec<String> {
    walk_uri(config(), uri, zone).1
}

/// The zone of RFC 3263 section 4.1 and 4.2.
const EXAMPLE: &Zone = &[
    ("example.com", "NAPTR", "50 50 \"s\" \"SIPS+D2T\" \"\" _sips._tcp.example.com."),
    ("example.com", "NAPTR", "90 50 \"s\" \"SIP+D2T\" \"\" _sip._tcp.example.com"),
    ("example.com", "NAPTR", "100 50 \"s\" \"SIP+D2U\" \"\" _sip._udp.example.com."),
    ("_sips._tcp.example.com", "SRV", "0 1 5061 server1.example.com"),
    ("_sips._tcp.example.com", "SRV", "1 2 5061 server2.example.com"),
    ("_sip._tcp.example.com", "SRV", "0 1 5060 server1.example.com"),
    ("_sip._tcp.example.com", "SRV", "1 2 5060 server2.example.com"),
    ("server1.example.com", "A", "192.0.2.1"),
    ("server2.example.com", "A", "192.0.2.2"),
    ("example.com", "A", "192.0.2.80"),
];

#[test]
fn the_example_of_rfc_3263_goes_to_its_servers_in_order() {
    let without_tls = Config { transports: &[Transport::Udp, Transport::Tcp], ..config() };
    let (asked, found) = walk_uri(without_tls, "sip:user@example.com", EXAMPLE);
    assert_eq!(
        asked,
        [
            "NAPTR example.com",
            "SRV _sip._tcp.example.com",
            "A server1.example.com",
            "A server2.example.com",
            "SRV _sip._udp.example.com",
            "A example.com",
        ]
    );
    assert_eq!(found, ["tcp 192.0.2.1:5060", "tcp 192.0.2.2:5060", "udp 192.0.2.80:5060"]);
    // A server that is reached at once costs three queries.
    let mut resolver: Resolver = Resolver::new(without_tls, [1; 32]);
    resolver.resolve(&Uri::parse(b"sip:example.com").unwrap()).unwrap();
    let mut queries = 0;
    while let Some(query) = resolver.poll_query(&mut [0; MAX_NAME]) {
        queries += 1;
        resolver.handle_answer(query.id, answer(EXAMPLE, &query));
    }
    assert_eq!(queries, 3);
    let remote = "192.0.2.1:5060".parse().unwrap();
    let candidate = Candidate { transport: Transport::Tcp, remote, ttl_s: TTL_S };
    assert_eq!(resolver.poll_event(), Some(Event::Candidate(candidate)));
    assert_eq!(candidate.path(3), Path { transport: Transport::Tcp, local: 3, remote });
}

#[test]
fn what_the_uri_says_is_not_asked() {
    let one: &Zone = &[("h", "A", "192.0.2.7")];
    for (uri, expected) in [
        ("sip:192.0.2.9", "udp 192.0.2.9:5060"),
        ("sips:192.0.2.9", "tls 192.0.2.9:5061"),
        ("sip:[2001:db8::1]:7;transport=tcp", "tcp [2001:db8::1]:7"),
        ("sips:192.0.2.9:99;transport=tcp", "tls 192.0.2.9:99"),
        ("sips:192.0.2.9;transport=ws", "wss 192.0.2.9:443"),
        ("sip:a@h;maddr=192.0.2.9", "udp 192.0.2.9:5060"),
        ("sip:h:5070", "udp 192.0.2.7:5070"),
        ("sips:h:5070", "tls 192.0.2.7:5070"),
        ("sip:h:5070;transport=TCP", "tcp 192.0.2.7:5070"),
        ("sip:h;transport=ws", "ws 192.0.2.7:80"),
        ("sip:a@b.c:5070;maddr=h.", "udp 192.0.2.7:5070"),
    ] {
        let (asked, found) = walk_uri(config(), uri, one);
        assert_eq!(found, [expected], "{uri}");
        assert!(!asked.iter().any(|query| query.starts_with("NAPTR")), "{uri} {asked:?}");
    }
}

#[test]
fn a_transport_without_a_port_is_looked_up_by_srv_only() {
    let (asked, found) = walk_uri(config(), "sip:example.com;transport=tcp", EXAMPLE);
    assert_eq!(asked[0], "SRV _sip._tcp.example.com");
    assert_eq!(found, ["tcp 192.0.2.1:5060", "tcp 192.0.2.2:5060"]);
    // Without SRV records the domain itself is asked for, at the default port.
    let (asked, found) = walk_uri(config(), "sip:example.com;transport=udp", EXAMPLE);
    assert_eq!(asked, ["SRV _sip._udp.example.com", "A example.com"]);
    assert_eq!(found, ["udp 192.0.2.80:5060"]);
}

#[test]
fn without_naptr_each_transport_is_tried_and_then_the_domain() {
    let zone: &Zone = &[
        ("_sip._tcp.d", "SRV", "0 0 5070 s.d"),
        ("s.d", "A", "192.0.2.5"),
        ("d", "A", "192.0.2.6"),
    ];
    let three = Config { transports: &ALL[..3], ..config() };
    let (asked, found) = walk_uri(three, "sip:d", zone);
    assert_eq!(
        asked,
        ["NAPTR d", "SRV _sip._udp.d", "SRV _sip._tcp.d", "A s.d", "SRV _sips._tcp.d"]
    );
    assert_eq!(found, ["tcp 192.0.2.5:5070"], "SRV records were found: the domain is not tried");
    let bare: &Zone = &[("d", "A", "192.0.2.6")];
    assert_eq!(walk_uri(three, "sip:d", bare).1, ["udp 192.0.2.6:5060"]);
    let (asked, found) = walk_uri(three, "sips:d", bare);
    assert_eq!(asked, ["NAPTR d", "SRV _sips._tcp.d", "A d"], "nothing but TLS");
    assert_eq!(found, ["tls 192.0.2.6:5061"]);
    let tcp = Config { transports: &[Transport::Tcp], ..config() };
    assert_eq!(walk_uri(tcp, "sip:d", bare).1, ["tcp 192.0.2.6:5060"]);
}

#[test]
fn a_sips_uri_never_leaves_tls() {
    let found = found("sips:example.com", EXAMPLE);
    assert_eq!(found, ["tls 192.0.2.1:5061", "tls 192.0.2.2:5061"]);
}

#[test]
fn naptr_records_of_other_kinds_are_passed_over() {
    let zone: &Zone = &[
        ("d", "NAPTR", "1 1 \"s\" \"SIP+D2S\" \"\" a.d."),
        ("d", "NAPTR", "2 1 \"u\" \"SIP+D2T\" \"!^.*$!sip:x@y!\" ."),
        ("d", "NAPTR", "2 2 \"a\" \"SIP+D2T\" \"\" a.d."),
        ("d", "NAPTR", "2 3 \"s\" \"E2U+sip\" \"\" a.d."),
        ("d", "NAPTR", "2 4 \"s\" \"SIP+D2T\" \"x\" a.d."),
        ("d", "NAPTR", "2 5 \"s\" \"SIP+D2T\" \"\" a..d"),
        ("d", "NAPTR", "9 9 \"S\" \"sip+d2u\" \"\" _sip._udp.other."),
        ("_sip._udp.other", "SRV", "0 0 5061 o.other."),
        ("o.other", "A", "192.0.2.1"),
    ];
    assert_eq!(found("sip:d", zone), ["udp 192.0.2.1:5061"]);
}

#[test]
fn a_dot_says_that_there_is_no_service() {
    // RFC 2782: a target of "." means that the service is decidedly not available at this domain.
    let zone: &Zone = &[
        ("_sip._udp.d", "SRV", "0 0 0 ."),
        ("_sip._tcp.d", "SRV", "0 0 0 ."),
        ("d", "A", "192.0.2.6"),
    ];
    assert!(found("sip:d;transport=tcp", zone).is_empty());
    assert!(found("sip:d", zone).is_empty());
    assert_eq!(found("sip:d;transport=ws", zone), ["ws 192.0.2.6:80"]);
}

#[test]
fn servers_of_one_priority_are_chosen_by_weight() {
    // The load of RFC 2782's example: three in four to the fast box, and the old slow box behind both.
    let zone: &Zone = &[
        ("_sip._udp.d", "SRV", "1 0 9 sysadmins-box.d"),
        ("_sip._udp.d", "SRV", "0 1 9 old-slow-box.d"),
        ("_sip._udp.d", "SRV", "0 3 9 new-fast-box.d"),
        ("_sip._udp.d", "SRV", "1 0 9 server.d"),
        ("sysadmins-box.d", "A", "192.0.2.1"),
        ("old-slow-box.d", "A", "192.0.2.2"),
        ("new-fast-box.d", "A", "192.0.2.3"),
        ("server.d", "A", "192.0.2.4"),
    ];
    let mut firsts = [0_u32; 2];
    let mut resolver: Resolver = Resolver::new(config(), [9; 32]);
    for _ in 0..2000 {
        resolver.resolve(&Uri::parse(b"sip:d;transport=udp").unwrap()).unwrap();
        let (_, found) = walk(&mut resolver, zone);
        assert_eq!(found.len(), 4);
        let fast_first = found[0] == "udp 192.0.2.3:9";
        firsts[usize::from(fast_first)] += 1;
        let mut level = found[..2].to_vec();
        level.sort();
        assert_eq!(level, ["udp 192.0.2.2:9", "udp 192.0.2.3:9"], "priority goes before weight");
    }
    // RFC 2782 draws from 0 to the sum, both included: 2 in 5 fall to the lighter, which stands first.
    assert!((1000..1600).contains(&firsts[1]), "{firsts:?}");
    let order = |seed| {
        let mut resolver: Resolver = Resolver::new(config(), seed);
        resolver.resolve(&Uri::parse(b"sip:d;transport=udp").unwrap()).unwrap();
        walk(&mut resolver, zone).1
    };
    assert_eq!(order([5; 32]), order([5; 32]), "the seed decides");
}

#[test]
fn a_weight_of_zero_is_chosen_seldom_but_is() {
    let zone: &Zone = &[
        ("_sip._udp.d", "SRV", "0 9 9 b.d"),
        ("_sip._udp.d", "SRV", "0 0 9 a.d"),
        ("a.d", "A", "192.0.2.1"),
        ("b.d", "A", "192.0.2.2"),
    ];
    let mut resolver: Resolver = Resolver::new(config(), [3; 32]);
    let mut zero_first = 0;
    for _ in 0..1000 {
        resolver.resolve(&Uri::parse(b"sip:d;transport=udp").unwrap()).unwrap();
        zero_first += u32::from(walk(&mut resolver, zone).1[0] == "udp 192.0.2.1:9");
    }
    assert!((50..200).contains(&zero_first), "one in ten: {zero_first}");
}

#[test]
fn both_families_are_asked_for_at_once_and_sorted() {
    let zone: &Zone =
        &[("d", "A", "192.0.2.6"), ("d", "AAAA", "2001:db8::6"), ("d", "AAAA", "2001:db8::7")];
    let both = Config { ipv6: true, ..config() };
    let (asked, found) = walk_uri(both, "sip:d:5060", zone);
    assert_eq!(asked, ["AAAA d", "A d"]);
    assert_eq!(found, ["udp [2001:db8::6]:5060", "udp [2001:db8::7]:5060", "udp 192.0.2.6:5060"]);
    let v4_first = Config { ipv6_first: false, ..both };
    assert_eq!(walk_uri(v4_first, "sip:d:5060", zone).1[0], "udp 192.0.2.6:5060");
    let v6_only = Config { ipv4: false, ..both };
    assert_eq!(walk_uri(v6_only, "sip:d:5060", zone).0, ["AAAA d"]);
    let none = Config { ipv4: false, ipv6: false, ..both };
    assert!(walk_uri(none, "sip:d:5060", zone).1.is_empty());
}

#[test]
fn the_least_time_to_live_on_the_way_is_told() {
    let mut resolver: Resolver = Resolver::new(config(), [1; 32]);
    resolver.resolve(&Uri::parse(b"sip:d").unwrap()).unwrap();
    let mut name = [0; MAX_NAME];
    let records: [(u32, Record<'_>); 3] = [
        (90, record("NAPTR", "1 1 s SIP+D2T \"\" _sip._tcp.d")),
        (40, record("SRV", "0 0 5070 s.d")),
        (60, record("A", "192.0.2.5")),
    ];
    for record in records {
        let query = resolver.poll_query(&mut name).unwrap();
        resolver.handle_answer(query.id, [record]);
    }
    let Some(Event::Candidate(candidate)) = resolver.poll_event() else { panic!() };
    assert_eq!(candidate.ttl_s, 40);
    resolver.resolve(&Uri::parse(b"sip:192.0.2.1").unwrap()).unwrap();
    let Some(Event::Candidate(candidate)) = resolver.poll_event() else { panic!() };
    assert_eq!(candidate.ttl_s, u32::MAX);
}

#[test]
fn a_response_finds_its_way_by_the_sent_by() {
    // RFC 3263 section 5.
    let mut resolver: Resolver = Resolver::new(config(), [1; 32]);
    resolver.resolve_sent_by(Transport::Tls, Host::Name(b"example.com"), None).unwrap();
    let (asked, found) = walk(&mut resolver, EXAMPLE);
    assert_eq!(asked[0], "SRV _sips._tcp.example.com");
    assert_eq!(found, ["tls 192.0.2.1:5061", "tls 192.0.2.2:5061"]);
    resolver.resolve_sent_by(Transport::Tcp, Host::Name(b"server2.example.com"), Some(7)).unwrap();
    assert_eq!(walk(&mut resolver, EXAMPLE).1, ["tcp 192.0.2.2:7"]);
}

#[test]
fn uris_that_lead_nowhere_are_refused() {
    let long = "a.".repeat(127);
    for (uri, error) in [
        ("tel:+1", ResolveError::Scheme),
        ("sip:d;transport=sctp", ResolveError::Transport),
        ("sips:d;transport=udp", ResolveError::Transport),
        ("sip:d;maddr=a..b", ResolveError::Host),
        ("sip:d;maddr=[::x]", ResolveError::Host),
        (&format!("sip:{long}b"), ResolveError::Host),
        (&format!("sip:{}.b", "a".repeat(64)), ResolveError::Host),
    ] {
        let mut resolver: Resolver = Resolver::new(config(), [1; 32]);
        let result = resolver.resolve(&Uri::parse(uri.as_bytes()).unwrap());
        assert_eq!(result, Err(error), "{uri}");
        assert_eq!(resolver.poll_event(), None);
        assert!(resolver.poll_query(&mut [0; MAX_NAME]).is_none());
        assert!(!error.to_string().is_empty());
    }
    let no_tls = Config { transports: &[Transport::Udp], ..config() };
    let mut resolver: Resolver = Resolver::new(no_tls, [1; 32]);
    let result = resolver.resolve(&Uri::parse(b"sips:d").unwrap());
    assert_eq!(result, Err(ResolveError::Transport));
}

#[test]
fn a_name_too_long_for_a_prefix_has_no_srv_records() {
    let domain = format!("{}b", "a.".repeat(125));
    let (asked, found) = walk_uri(config(), &format!("sip:{domain};transport=tcp"), &[]);
    assert_eq!(asked, [format!("A {domain}")]);
    assert!(found.is_empty());
    let (asked, _) = walk_uri(config(), &format!("sip:{domain}"), &[]);
    assert_eq!(asked, [format!("NAPTR {domain}"), format!("A {domain}")]);
}

#[test]
fn hostile_answers_are_bounded_and_change_nothing_they_may_not() {
    let mut resolver = Resolver::<4, 128>::new(config(), [1; 32]);
    resolver.resolve(&Uri::parse(b"sip:d").unwrap()).unwrap();
    let mut name = [0; MAX_NAME];
    let naptr = resolver.poll_query(&mut name).unwrap().id;
    assert!(resolver.poll_query(&mut name).is_none(), "a query is asked once");
    let service = |preference| Record::Naptr {
        order: 1,
        preference,
        flags: b"s",
        services: b"SIP+D2U",
        regexp: b"",
        replacement: b"_sip._udp.d",
    };
    // A thousand services; and records that nobody asked for.
    let flood = (0..1000).map(|preference| (1, service(preference)));
    let strange = [(1, record("A", "192.0.2.66")), (1, record("SRV", "0 0 1 x.d"))];
    resolver.handle_answer(naptr, strange.into_iter().chain(flood));
    // The same answer again, and one to a query that was never made.
    resolver.handle_answer(naptr, [(1, record("A", "192.0.2.66"))]);
    resolver.handle_failure(QueryId(999));
    let query = resolver.poll_query(&mut name).unwrap();
    assert_eq!((query.kind, query.name), (Kind::Srv, &b"_sip._udp.d"[..]));
    let id = query.id;
    // Names that are none, ports that are none, and more than there is room for.
    let target = |target| Record::Srv { priority: 0, weight: u16::MAX, port: 5060, target };
    let bad = [&b""[..], b"..", b"a b", b"a\0b", b"\xff", &[b'a'; 300]];
    let bad = bad.into_iter().map(|name| (1, target(name)));
    let port_0 = (1, Record::Srv { priority: 0, weight: 0, port: 0, target: b"zero.d" });
    let good = core::iter::repeat_n((1, target(b"a-rather-long-name.d")), 100);
    resolver.handle_answer(id, bad.chain([port_0]).chain(good));
    let mut asked = Vec::new();
    while let Some(query) = resolver.poll_query(&mut name) {
        asked.push(query.name.to_vec());
        match query.kind {
            Kind::A => {
                let bad = ["0.0.0.0", "255.255.255.255", "224.0.0.1"];
                let records = bad.map(|address| (1, record("A", address)));
                resolver.handle_answer(query.id, records);
            }
            _ => resolver.handle_failure(query.id),
        }
    }
    // Four servers of the first service; the others had no answer, and lead to the domain itself.
    assert_eq!(asked[..4], [b"a-rather-long-name.d"; 4]);
    assert_eq!(asked[4..], [&b"_sip._udp.d"[..], b"d"].repeat(3));
    let Some(Event::Exhausted { candidates: 0, unanswered: 3, left_out }) = resolver.poll_event()
    else {
        panic!()
    };
    assert!(left_out > 1000);
}

#[test]
fn a_resolver_is_small() {
    assert!(size_of::<Resolver<4, 256>>() <= 1024, "{}", size_of::<Resolver<4, 256>>());
    assert!(size_of::<Resolver>() <= 1536, "{}", size_of::<Resolver>());
}

#[test]
fn a_resolution_takes_no_more_queries_than_it_may() {
    // Each service has as many servers as there is room for, and none of these has an address.
    let limits = Config { max_queries: 10, ..config() };
    let mut resolver: Resolver = Resolver::new(limits, [1; 32]);
    resolver.resolve(&Uri::parse(b"sip:d").unwrap()).unwrap();
    let mut name = [0; MAX_NAME];
    let mut asked = 0;
    while let Some(query) = resolver.poll_query(&mut name) {
        asked += 1;
        let id = query.id;
        match query.kind {
            Kind::Naptr => {
                let record = record("NAPTR", "1 1 s SIP+D2U \"\" s.d");
                resolver.handle_answer(id, core::iter::repeat_n((1, record), 8));
            }
            Kind::Srv => {
                let record = record("SRV", "1 1 5060 t.d");
                resolver.handle_answer(id, core::iter::repeat_n((1, record), 8));
            }
            _ => resolver.handle_answer(id, []),
        }
    }
    assert_eq!(asked, 10);
    assert!(matches!(resolver.poll_event(), Some(Event::Exhausted { candidates: 0, .. })));
}

/// A name server in virtual time: it is slow, it loses questions, and the host gives up on each after two
/// seconds.
#[test]
fn over_a_bad_name_server_every_resolution_ends_in_time() {
    handset_testkit::seeds(200, |seed| {
        let mut random = handset_testkit::Random::new(seed);
        let mut resolver: Resolver = Resolver::new(config(), [seed as u8; 32]);
        resolver.resolve(&Uri::parse(b"sip:example.com").unwrap()).unwrap();
        let mut now = Duration::ZERO;
        let mut name = [0; MAX_NAME];
        let mut waiting: Vec<(Duration, QueryId, Option<Vec<_>>)> = Vec::new();
        let mut lost = 0;
        let (candidates, unanswered) = loop {
            while let Some(query) = resolver.poll_query(&mut name) {
                let records = answer(EXAMPLE, &query);
                let is_lost = random.below(3) == 0;
                lost += u16::from(is_lost);
                let delay = if is_lost { 2000 } else { random.below(1900) };
                let at = now + Duration::from_millis(delay);
                waiting.push((at, query.id, (!is_lost).then_some(records)));
            }
            match resolver.poll_event() {
                Some(Event::Candidate(_)) => resolver.try_next(),
                Some(Event::Exhausted { candidates, unanswered, .. }) => {
                    break (candidates, unanswered);
                }
                None => {
                    waiting.sort_by_key(|(at, ..)| core::cmp::Reverse(*at));
                    let (at, id, records) = waiting.pop().expect("the resolver waits for nothing");
                    now = at;
                    match records {
                        Some(records) => resolver.handle_answer(id, records),
                        None => resolver.handle_failure(id),
                    }
                }
            }
        };
        assert!(waiting.is_empty());
        assert_eq!(unanswered, lost);
        assert!(candidates <= 7, "{candidates}");
        assert!(now <= Duration::from_secs(40), "{now:?}");
        if lost == 0 {
            assert_eq!(candidates, 5);
        }
    });
}
