//! Conferences of several nodes in virtual time.

#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::Net;
use handset_testkit::seeds;
use t120_core::conference::{Config, EndReason, Event};
use t120_core::whiteboard::{Color, ObjectId, Pen, Point, Shape, Text};

const LONG: Duration = Duration::from_secs(60);

fn named(name: &str) -> Config {
    Config::new(name).expect("a short name")
}

/// A host and `guests` others, each joining at a node that is there already.
fn conference(seed: u64, guests: usize) -> Net {
    let mut net = Net::new(seed);
    let top = net.add(named("node 0"));
    net.nodes[top].host("1").expect("nothing is in the way");
    net.drain(top);
    for guest in 1..=guests {
        let node = net.add(named(&format!("node {guest}")));
        let at = net.random().below(node as u64) as usize;
        net.join(node, at);
        net.run(LONG);
    }
    net
}

fn roster(net: &Net, node: usize) -> Vec<(u16, String)> {
    net.nodes[node].roster().map(|node| (node.id.value(), node.name.to_owned())).collect()
}

fn draw_something(net: &mut Net, node: usize) -> Option<ObjectId> {
    let mut place = || Point::new(net.random().below(900) as i32, net.random().below(700) as i32);
    let (from, to) = (place(), place());
    let points: Vec<Point> = (0..20).map(|_| place()).collect();
    let shape = match net.random().below(5) {
        0 => Shape::Line { from, to },
        1 => Shape::Rectangle { from, to },
        2 => Shape::Ellipse { from, to },
        3 => Shape::Text { at: from, height: 20, text: Text::new("Grüße").expect("short") },
        _ => Shape::Freehand(points[..].into()),
    };
    let red = net.random().below(256) as u8;
    let pen = Pen::new(Color::new(red, 0, 9), 3);
    let id = net.nodes[node].draw(shape, pen, Some(Color::BLACK)).ok();
    net.drain(node);
    id
}

fn assert_equal_everywhere(net: &Net, nodes: &[usize]) {
    let first = nodes[0];
    for node in nodes {
        let board = net.nodes[*node].board();
        assert!(net.nodes[*node].board_is_ready(), "node {node}");
        assert_eq!(board.digest(), net.nodes[first].board().digest(), "node {node}");
        let objects: Vec<String> = board.objects().map(|o| format!("{o:?}")).collect();
        let others = net.nodes[first].board().objects().map(|o| format!("{o:?}"));
        assert!(objects.into_iter().eq(others), "node {node}");
        assert_eq!(roster(net, *node), roster(net, first), "node {node}");
    }
}

#[test]
fn two_nodes_draw_and_see_the_same() {
    seeds(50, |seed| {
        let mut net = conference(seed, 1);
        for _ in 0..30 {
            let node = net.random().below(2) as usize;
            assert!(draw_something(&mut net, node).is_some());
            if net.random().chance(300) {
                net.run(Duration::from_millis(30));
            }
        }
        net.run(LONG);
        assert_eq!(net.nodes[0].board().len(), 30);
        assert_equal_everywhere(&net, &[0, 1]);
        let names: Vec<String> = roster(&net, 1).into_iter().map(|(_, name)| name).collect();
        assert!(names.contains(&"node 0".to_owned()) && names.contains(&"node 1".to_owned()));
    });
}

#[test]
fn what_was_drawn_is_what_is_seen() {
    let mut net = conference(1, 1);
    let points = [Point::new(0, 0), Point::new(16383, 3), Point::new(-16384, -7)];
    let pen = Pen::new(Color::new(1, 2, 3), 255);
    let id = net.nodes[1].draw(Shape::Freehand(points[..].into()), pen, None).unwrap();
    let text = Text::new("日本語 🎈").unwrap();
    let shape = Shape::Text { at: Point::new(5, 6), height: 40, text };
    let text_id = net.nodes[1].draw(shape, pen, None).unwrap();
    net.drain(1);
    net.run(LONG);
    let object = net.nodes[0].board().object(id).unwrap();
    assert_eq!(object.shape, Shape::Freehand(points[..].into()));
    assert_eq!((object.pen, object.fill), (pen, None));
    assert_eq!(net.nodes[0].board().object(text_id).unwrap().shape, shape);
    net.nodes[0].delete(id).unwrap();
    net.nodes[0].delete(text_id).unwrap();
    net.drain(0);
    net.run(LONG);
    assert!(net.nodes[0].board().is_empty() && net.nodes[1].board().is_empty());
}

#[test]
fn coordinates_points_and_names_outside_their_bounds_are_refused_with_the_reason() {
    let mut net = conference(1, 1);
    let far = Shape::Line { from: Point::new(0, 0), to: Point::new(43691, 0) };
    let node = &mut net.nodes[1];
    assert!(node.draw(far, Pen::default(), None).is_err());
    let edge = Shape::Line { from: Point::new(43690, 0), to: Point::new(20000, -21845) };
    assert!(node.draw(edge, Pen::default(), None).is_ok());
    let many = [Point::new(0, 0); 257];
    assert!(node.draw(Shape::Freehand(many[..].into()), Pen::default(), None).is_err());
    assert!(node.draw(Shape::Freehand(many[..256].into()), Pen::default(), None).is_ok());
    assert!(node.draw(Shape::Freehand(many[..0].into()), Pen::default(), None).is_err());
    let thin = Pen { thickness: 0, ..Pen::default() };
    assert!(node.draw(edge, thin, None).is_err());
    assert!(Text::new("").is_none() && Text::new(&"x".repeat(256)).is_none());
    assert!(node.delete(ObjectId(1)).is_err());
    assert!(node.host("2").is_err());
    let mut idle = net.add(named("idle"));
    assert!(net.nodes[idle].host("one").is_err());
    assert!(net.nodes[idle].draw(edge, Pen::default(), None).is_err());
    assert!(Config::new(&"x".repeat(64)).is_err());
    idle += 1;
    assert_eq!(idle, net.nodes.len());
}

#[test]
fn who_joins_later_gets_all_that_stands_on_the_board_while_others_go_on() {
    seeds(100, |seed| {
        let mut net = conference(seed, 2);
        let mut ids = Vec::new();
        for _ in 0..40 {
            let node = net.random().below(3) as usize;
            ids.extend(draw_something(&mut net, node));
        }
        net.run(Duration::from_millis(20));
        let late = net.add(named("late"));
        let at = net.random().below(3) as usize;
        net.join(late, at);
        for _ in 0..60 {
            let node = net.random().below(3) as usize;
            if net.random().chance(300) {
                let id = ids[net.random().below(ids.len() as u64) as usize];
                let _ = net.nodes[node].delete(id);
                net.drain(node);
            } else {
                ids.extend(draw_something(&mut net, node));
            }
            let pause = Duration::from_micros(net.random().below(20_000));
            net.run(pause);
        }
        net.run(LONG);
        assert_equal_everywhere(&net, &[0, 1, 2, late]);
        assert!(!net.nodes[0].board().is_empty());
    });
}

#[test]
fn trees_of_many_nodes_agree_whoever_leaves_or_is_cut_off() {
    seeds(40, |seed| {
        let mut net = Net::new(seed);
        let top = net.add(named("top"));
        net.nodes[top].host("1").unwrap();
        net.drain(top);
        // A node, the node above it, the stream between them.
        let mut above: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        for step in 0..40 {
            let there: Vec<usize> = [top].into_iter().chain(above.keys().copied()).collect();
            let pick = net.random().below(there.len() as u64) as usize;
            match net.random().below(4) {
                0 | 1 if there.len() < 12 => {
                    let node = net.add(named(&format!("node {step}")));
                    let pipe = net.join(node, there[pick]);
                    above.insert(node, (there[pick], pipe));
                    net.run(LONG);
                    assert!(net.nodes[node].node().is_some(), "node {node} is in");
                }
                2 if there[pick] != top => {
                    let gone = there[pick];
                    let (_, pipe) = above[&gone];
                    if net.random().chance(500) {
                        net.cut(pipe);
                    } else {
                        net.nodes[gone].leave().unwrap();
                        net.drain(gone);
                    }
                    // All below are out too.
                    let mut out = vec![gone];
                    while let Some(node) = out.pop() {
                        above.remove(&node);
                        let below = above.iter().filter(|(_, (up, _))| *up == node);
                        out.extend(below.map(|(node, _)| *node).collect::<Vec<_>>());
                    }
                    net.run(LONG);
                }
                _ => {
                    draw_something(&mut net, there[pick]);
                }
            }
        }
        net.run(LONG);
        let there: Vec<usize> = [top].into_iter().chain(above.keys().copied()).collect();
        assert_equal_everywhere(&net, &there);
        assert_eq!(roster(&net, top).len(), there.len());
    });
}

#[test]
fn a_call_for_another_conference_is_refused_and_says_so() {
    let mut net = Net::new(7);
    let host = net.add(named("host"));
    net.nodes[host].host("2").unwrap();
    net.drain(host);
    let guest = net.add(named("guest"));
    net.join(guest, host);
    net.run(LONG);
    let reasons: Vec<EndReason> = net.events[guest]
        .iter()
        .filter_map(|event| match event {
            Event::Disconnected { reason, .. } => Some(*reason),
            _ => None,
        })
        .collect();
    assert_eq!(reasons, [EndReason::NoSuchConference]);
    assert!(net.nodes[guest].node().is_none());
    assert_eq!(net.nodes[host].roster().count(), 1);
}

#[test]
fn when_the_top_leaves_the_conference_ends_for_all() {
    let mut net = conference(3, 4);
    net.nodes[0].leave().unwrap();
    net.drain(0);
    net.run(LONG);
    for node in 1..=4 {
        assert!(net.nodes[node].node().is_none(), "node {node}");
        let ended = |event: &Event| matches!(event, Event::Ended { reason: EndReason::Ended });
        assert!(net.events[node].iter().any(ended), "node {node}: {:?}", net.events[node]);
    }
}

#[test]
fn a_connection_that_says_nothing_is_given_up_in_time() {
    let mut net = Net::new(1);
    let host = net.add(named("host"));
    let node = &mut net.nodes[host];
    node.host("1").unwrap();
    let connection = t120_core::conference::Connection(0);
    node.accept(Duration::from_secs(5), connection).unwrap();
    assert_eq!(node.poll_timeout(), Some(Duration::from_secs(35)));
    node.handle_timeout(Duration::from_secs(34));
    let early = std::iter::from_fn(|| node.poll_event());
    assert!(!early.into_iter().any(|event| matches!(event, Event::Disconnected { .. })));
    node.handle_timeout(Duration::from_secs(35));
    let events: Vec<Event> = std::iter::from_fn(|| node.poll_event()).collect();
    let reason = EndReason::TimedOut;
    assert!(events.contains(&Event::Disconnected { connection, reason }), "{events:?}");
    assert_eq!(node.poll_timeout(), None);
}

#[test]
fn every_stream_of_a_node_that_leaves_is_named_to_be_closed() {
    let mut net = conference(11, 1);
    net.join_next(1);
    net.run(LONG);
    net.nodes[1].leave().unwrap();
    net.drain(1);
    let down = |event: &&Event| matches!(event, Event::Disconnected { .. });
    assert_eq!(net.events[1].iter().filter(down).count(), 2);
    net.run(LONG);
    assert!(net.nodes[2].node().is_none());
    assert_eq!(net.nodes[0].roster().count(), 1);
}

#[test]
fn a_node_that_creates_a_conference_elsewhere_may_end_it() {
    let mut net = Net::new(4);
    let host = net.add(named("host"));
    let convener = net.add(named("convener"));
    net.create(convener, host);
    net.run(LONG);
    assert!(net.nodes[host].is_top() && net.nodes[convener].node().is_some());
    draw_something(&mut net, convener);
    net.run(LONG);
    assert_equal_everywhere(&net, &[host, convener]);
    let guest = net.join_next(host);
    net.run(LONG);
    net.nodes[guest].terminate().unwrap();
    net.drain(guest);
    net.run(LONG);
    assert!(net.nodes[host].is_top(), "only who has created it may");
    net.nodes[convener].terminate().unwrap();
    net.drain(convener);
    net.run(LONG);
    assert!([host, convener, guest].iter().all(|node| net.nodes[*node].node().is_none()));
    let mut strict = named("strict");
    strict.accept_create = false;
    let strict = net.add(strict);
    let other = net.add(named("other"));
    net.create(other, strict);
    net.run(LONG);
    assert!(net.nodes[other].node().is_none() && !net.nodes[strict].is_top());
}

#[test]
fn units_longer_than_a_pdu_are_put_together_again() {
    seeds(20, |seed| {
        let mut net = Net::new(seed);
        let mut small = named("small");
        small.max_pdu_octets = 512;
        let top = net.add(small);
        net.nodes[top].host("1").unwrap();
        net.drain(top);
        for _ in 0..15 {
            let there = net.nodes.len() as u64;
            let at = net.random().below(there) as usize;
            net.join_next(at);
            net.run(LONG);
        }
        let points: Vec<Point> = (0..256).map(|i| Point::new(i * 80, 20000 - i * 70)).collect();
        for node in 0..net.nodes.len() {
            let shape = Shape::Freehand(points[..].into());
            net.nodes[node].draw(shape, Pen::default(), None).unwrap();
            net.drain(node);
        }
        net.run(LONG);
        let all: Vec<usize> = (0..net.nodes.len()).collect();
        assert_equal_everywhere(&net, &all);
        assert_eq!(net.nodes[3].board().len(), 16);
        // TPKT, DT and a domain PDU: connect PDUs alone may be longer.
        assert!(net.sent.iter().all(|(_, packet)| packet.len() <= 512 + 7 || packet[7] == 0x7f));
    });
}
