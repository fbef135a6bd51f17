//! Octets that nobody should send: no parser and no machine panics, and what is read is written
//! and read again the same.

#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

mod common;

use std::time::Duration;

use common::Net;
use handset_testkit::{Random, seeds};
use t120_core::conference::{Conference, Config, Connection};
use t120_core::gcc::connect::{ConnectData, ConnectGccPdu};
use t120_core::gcc::pdu::GccPdu;
use t120_core::mcs::connect::ConnectMcsPdu;
use t120_core::mcs::data::Data;
use t120_core::mcs::domain::DomainMcsPdu;
use t120_core::mcs::v3;
use t120_core::sharing::SharePdu;
use t120_core::tpkt::Tpkt;
use t120_core::whiteboard::pdu::SiPdu;
use t120_core::whiteboard::{Pen, Point, Shape};
use t120_core::x224::Tpdu;

macro_rules! stable {
    ($type:ty, $octets:expr) => {
        if let Ok(pdu) = <$type>::parse($octets) {
            let mut once = vec![0; pdu.encoded_len()];
            pdu.write(&mut once).expect("what was read can be written");
            let again = <$type>::parse(&once).expect("what was written can be read");
            let mut twice = vec![0; again.encoded_len()];
            again.write(&mut twice).expect("it still can");
            assert_eq!(once, twice);
            assert_eq!(format!("{pdu:?}"), format!("{again:?}"));
        }
    };
}

fn parse_all(octets: &[u8]) {
    stable!(Tpkt<'_>, octets);
    stable!(Tpdu<'_>, octets);
    stable!(ConnectMcsPdu<'_>, octets);
    stable!(DomainMcsPdu<'_>, octets);
    stable!(Data<'_>, octets);
    stable!(v3::DomainMcsPdu<'_>, octets);
    stable!(ConnectData<'_>, octets);
    stable!(ConnectGccPdu<'_>, octets);
    stable!(GccPdu<'_>, octets);
    stable!(t120_core::mcs::map::MapPdu<'_>, octets);
    stable!(SharePdu<'_>, octets);
    stable!(SiPdu<'_>, octets);
}

fn vectors() -> Vec<Vec<u8>> {
    let json: serde_json::Value =
        serde_json::from_str(include_str!("data/t120.json")).expect("the file is JSON");
    let vectors = json["vectors"].as_array().expect("it has vectors").iter();
    let octets = vectors.map(|vector| hex::decode(vector["hex"].as_str().unwrap_or_default()));
    octets.map(|octets| octets.expect("hexadecimal")).filter(|octets| octets.len() < 512).collect()
}

fn spoil(random: &mut Random, octets: &mut Vec<u8>) {
    for _ in 0..=random.below(3) {
        if octets.is_empty() {
            return;
        }
        let at = random.below(octets.len() as u64) as usize;
        match random.below(4) {
            0 => octets[at] ^= 1 << random.below(8),
            1 => octets[at] = random.number() as u8,
            2 => octets.truncate(at),
            _ => octets.insert(at, random.number() as u8),
        }
    }
}

#[test]
fn spoiled_pdus_are_refused_or_read_the_same_twice() {
    let vectors = vectors();
    seeds(3000, |seed| {
        let mut random = Random::new(seed);
        for vector in &vectors {
            let mut octets = vector.clone();
            spoil(&mut random, &mut octets);
            parse_all(&octets);
        }
    });
}

#[test]
fn any_octets_are_refused_or_read_the_same_twice() {
    seeds(20_000, |seed| {
        let mut random = Random::new(seed);
        let len = random.below(40) as usize;
        parse_all(&random.octets(len));
    });
}

#[test]
fn a_node_takes_any_stream_without_harm() {
    // Everything that a guest says in an orderly conference.
    let mut net = Net::new(1);
    let config = |name| Config::new(name).expect("a short name");
    let host = net.add(config("host"));
    net.nodes[host].host("1").expect("nothing is in the way");
    net.drain(host);
    let guest = net.add(config("guest"));
    net.join(guest, host);
    net.run(Duration::from_secs(9));
    let shape = Shape::Line { from: Point::new(1, 2), to: Point::new(3, 4) };
    let id = net.nodes[guest].draw(shape, Pen::default(), None).expect("the board is ready");
    net.drain(guest);
    net.run(Duration::from_secs(9));
    net.nodes[guest].delete(id).expect("it is there");
    net.drain(guest);
    net.run(Duration::from_secs(9));
    let said: Vec<(bool, Vec<u8>)> = net.sent.clone();

    seeds(2000, |seed| {
        let mut random = Random::new(seed);
        let as_host = random.chance(500);
        let mut node = Conference::growing(config("x"), random.seed()).expect("it works");
        if as_host {
            node.host("1").expect("nothing is in the way");
            node.accept(Duration::ZERO, Connection(0)).expect("there is room");
        } else {
            node.join(Duration::ZERO, Connection(0), "1").expect("it is in none");
        }
        let mut buffer = [0; 8192];
        for (from_guest, packet) in &said {
            if *from_guest != as_host {
                continue;
            }
            let mut packet = packet.clone();
            if random.chance(150) {
                spoil(&mut random, &mut packet);
            }
            if random.chance(50) {
                // A good frame around anything.
                let len = random.below(60) as usize;
                let mut frame = vec![3, 0, 0, len as u8 + 7, 2, 0xf0, 0x80];
                frame.extend(random.octets(len));
                packet = frame;
            }
            let mut octets = &packet[..];
            let mut broken = false;
            while let Ok((used, _)) = node.handle_stream(Duration::ZERO, Connection(0), octets) {
                octets = &octets[used..];
                if used == 0 {
                    break;
                }
            }
            if node.handle_stream(Duration::ZERO, Connection(0), octets).is_err() {
                broken = true;
            }
            while node.poll_transmit(Duration::ZERO, &mut buffer).is_some() {}
            while node.poll_event().is_some() {}
            if broken {
                break;
            }
        }
        node.handle_closed(Duration::ZERO, Connection(0));
        while node.poll_transmit(Duration::ZERO, &mut buffer).is_some() {}
        while node.poll_event().is_some() {}
        node.handle_timeout(Duration::from_secs(1000));
        assert_eq!(node.poll_timeout(), None);
        assert_eq!(node.roster().count(), usize::from(as_host));
    });
}

/// Three nodes, one below the other, that have met.
fn met() -> [Conference<'static>; 3] {
    let mut nodes = [1, 2, 3].map(|seed| {
        let mut config = Config::new("node").unwrap();
        (config.max_users, config.max_channels, config.max_tokens) = (20, 30, 5);
        config.max_connections = 4;
        Conference::growing(config, [seed; 32]).unwrap()
    });
    nodes[0].host("1").unwrap();
    let mut buffer = vec![0; 70000];
    for below in [1, 2] {
        nodes[below - 1].accept(Duration::ZERO, Connection(1)).unwrap();
        nodes[below].join(Duration::ZERO, Connection(0), "1").unwrap();
        let mut busy = true;
        while busy {
            busy = false;
            for number in 0..3 {
                while let Some(sent) = nodes[number].poll_transmit(Duration::ZERO, &mut buffer) {
                    let (to, on) = match sent.connection {
                        Connection(0) => (number - 1, Connection(1)),
                        _ => (number + 1, Connection(0)),
                    };
                    nodes[to].handle_stream(Duration::ZERO, on, &buffer[..sent.len]).unwrap();
                    busy = true;
                }
                while nodes[number].poll_event().is_some() {}
            }
        }
    }
    nodes
}

#[test]
fn a_provider_takes_any_pdus_on_all_of_its_connections() {
    let pdus = vectors();
    seeds(400, |seed| {
        let mut random = Random::new(seed);
        let mut nodes = met();
        let node = &mut nodes[random.below(2) as usize];
        let users: Vec<u16> = node.roster().map(|node| node.id.value()).collect();
        let mut buffer = vec![0; 70000];
        for _ in 0..60 {
            // What is in the domain in place of what the vectors have, so that it is acted on.
            let mut pdu = pdus[random.below(pdus.len() as u64) as usize].clone();
            for _ in 0..random.below(4) {
                let user = users[random.below(users.len() as u64) as usize];
                let value = if random.chance(500) { user } else { user - 1001 };
                let at = random.below(pdu.len() as u64) as usize;
                for (place, octet) in pdu[at..].iter_mut().zip(value.to_be_bytes()) {
                    *place = octet;
                }
            }
            if pdu.len() > 4000 {
                continue;
            }
            let mut packet = vec![3, 0];
            packet.extend_from_slice(&(pdu.len() as u16 + 7).to_be_bytes());
            packet.extend_from_slice(&[2, 0xf0, 0x80]);
            packet.extend_from_slice(&pdu);
            let connection = Connection(random.below(2) as u16);
            if node.handle_stream(Duration::ZERO, connection, &packet).is_err() && random.chance(50)
            {
                node.handle_closed(Duration::ZERO, connection);
            }
            while node.poll_transmit(Duration::ZERO, &mut buffer).is_some() {}
            while node.poll_event().is_some() {}
        }
        for connection in [Connection(0), Connection(1)] {
            node.handle_closed(Duration::ZERO, connection);
        }
        while node.poll_transmit(Duration::ZERO, &mut buffer).is_some() {}
        while node.poll_event().is_some() {}
        let alone = node.roster().count();
        assert!(alone <= 1, "{alone} are said to be there");
    });
}
