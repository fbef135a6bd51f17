//! Two layers on a bad network: each request is told once and answered, and nothing stays.

use crate::header::CSeq;
use crate::message::{Message, Method, Name, StatusCode};
use crate::transaction::*;
use crate::transport::Path;
use core::net::SocketAddr;
use core::time::Duration;
use handset_testkit::{Link, LinkConfig, Random, seeds};
use std::collections::BTreeMap;
use std::string::String;

const REQUESTS: u32 = 30;

fn address(side: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, side as u8 + 1], 5060))
}

fn ask(layer: &mut Layer<'_, u32>, now: Duration, number: u32, method: Method<'_>) {
    let id = std::format!("call-{number}");
    let path = Path::udp(address(1));
    let asked = layer.send_request(now, path, number, method, b"sip:a@b", |mut to| {
        to.raw(Name::From, b"<sip:us@a>;tag=f");
        to.raw(Name::To, b"<sip:them@b>");
        to.raw(Name::CallId, id.as_bytes());
        to.header(&CSeq { number: 1, method });
        to.finish()
    });
    asked.unwrap();
}

fn answer(
    layer: &mut Layer<'_, u32>,
    now: Duration,
    id: ServerId,
    message: &Message<'_>,
    ok: bool,
) {
    let code = if ok { StatusCode::OK } else { StatusCode::BUSY_HERE };
    let done = if ok && message.method() == Some(Method::Invite) {
        layer.respond_until_acknowledged(now, id, code, |to| to.finish())
    } else {
        layer.respond(now, id, code, |to| to.finish())
    };
    done.unwrap();
    layer.set_user(id, 0).unwrap();
}

fn acknowledge(layer: &mut Layer<'_, u32>, id: ClientId, message: &Message<'_>, path: Path) {
    let cseq = message.typed::<CSeq<'_>>().unwrap().unwrap();
    if cseq.method != Method::Invite || !message.code().is_some_and(StatusCode::is_success) {
        return;
    }
    let acked = layer.acknowledge(id, message, path, b"sip:them@b", |mut to| {
        for name in [Name::CallId, Name::From, Name::To] {
            to.row(&message.row(name).unwrap());
        }
        to.raw(Name::CSeq, b"1 ACK");
        to.finish()
    });
    acked.unwrap();
}

#[test]
fn requests_over_a_bad_network_are_told_once_and_answered() {
    seeds(40, |seed| {
        let mut random = Random::new(seed);
        let mut ours = Storage::<u32, 64, 65536>::new();
        let mut theirs = Storage::<u32, 64, 65536>::new();
        let config = |side| Config::new(SentBy::all(address(side)));
        let mut layers = [
            Layer::new(config(0), &mut ours, random.seed()).unwrap(),
            Layer::new(config(1), &mut theirs, random.seed()).unwrap(),
        ];
        let mut link: Link<SocketAddr> = Link::new(LinkConfig::BAD, seed);
        let mut now = Duration::ZERO;
        // How often each request was told, and how often its sender heard of its end.
        let mut arrived: BTreeMap<String, u32> = BTreeMap::new();
        let mut ended: BTreeMap<u32, u32> = BTreeMap::new();
        let mut sent = 0;
        loop {
            if sent < REQUESTS && random.chance(300) {
                let method = if random.chance(500) { Method::Invite } else { Method::Options };
                ask(&mut layers[0], now, sent, method);
                sent += 1;
            }
            for (side, layer) in layers.iter_mut().enumerate() {
                let mut buffer = [0; 2000];
                while let Some(transmit) = layer.poll_transmit(now, &mut buffer) {
                    let octets = &buffer[..transmit.len];
                    link.send(now, address(side), transmit.path.remote, octets);
                }
                while let Some(event) = layer.poll_event() {
                    if let Event::ClientFailed { user, .. } = event {
                        *ended.entry(user).or_default() += 1;
                    }
                }
            }
            let timeouts = layers.iter().filter_map(Layer::poll_timeout);
            match timeouts.chain(link.next_arrival()).min() {
                Some(next) => now = now.max(next),
                None if sent == REQUESTS => break,
                None => continue,
            }
            for layer in &mut layers {
                layer.handle_timeout(now);
            }
            while let Some((from, to, octets)) = link.receive(now) {
                let layer = &mut layers[usize::from(to == address(1))];
                match layer.handle_datagram(now, Path::udp(from), &octets).unwrap() {
                    Some(Event::Request { transaction, message, .. }) => {
                        let id = message.row(Name::CallId).unwrap().value;
                        let id = String::from_utf8_lossy(id).into_owned();
                        *arrived.entry(id).or_default() += 1;
                        answer(layer, now, transaction, &message, random.chance(500));
                    }
                    Some(Event::Response { transaction, user, message, path }) => {
                        if message.code().is_some_and(StatusCode::is_final) {
                            *ended.entry(user).or_default() += 1;
                        }
                        acknowledge(layer, transaction, &message, path);
                    }
                    _ => {}
                }
            }
        }
        assert!(arrived.values().all(|count| *count == 1), "told twice: {arrived:?}");
        assert_eq!(ended.len(), REQUESTS as usize);
        assert!(ended.values().all(|count| *count == 1), "ended twice: {ended:?}");
        for layer in &layers {
            assert!(layer.is_empty() && layer.arena().is_empty());
        }
    });
}
