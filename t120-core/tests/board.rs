//! Whiteboards in virtual time: pages, edits, order, pictures, pointers, and boards that stay
//! equal whatever happens.
//!
//! `HANDSET_SCHEDULES=N` runs N times as many random histories.

#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::Net;
use handset_testkit::{Random, seeds};
use t120_core::conference::{Config, Picture};
use t120_core::whiteboard::pdu::SiPdu;
use t120_core::whiteboard::{
    BitmapFormat, Color, Edit, LineStyle, Nib, Object, ObjectId, PageId, PageSetup, Pen, Point,
    Rotation, Shape, Text, ViewState, ZOrder,
};

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

fn settle(net: &mut Net) {
    for node in 0..net.nodes.len() {
        net.drain(node);
    }
    net.run(LONG);
}

/// All that one node sees.
fn seen(net: &Net, node: usize) -> Vec<String> {
    let board = net.nodes[node].board();
    let pages = board.pages().map(|page| format!("{page:?}"));
    let objects = board.objects().map(|object| format!("{object:?}"));
    let pointers = board.pointers().map(|pointer| format!("{pointer:?}"));
    pages.chain(objects).chain(pointers).collect()
}

fn assert_equal_everywhere(net: &Net, nodes: &[usize]) {
    let first = nodes[0];
    for node in nodes {
        assert!(net.nodes[*node].board_is_ready(), "node {node}");
        assert_eq!(seen(net, *node), seen(net, first), "node {node}");
        let (own, other) = (net.nodes[*node].board(), net.nodes[first].board());
        assert_eq!(own.digest(), other.digest(), "node {node}");
    }
}

fn place(random: &mut Random) -> Point {
    Point::new(random.below(900) as i32 - 50, random.below(700) as i32 - 50)
}

fn color(random: &mut Random) -> Color {
    Color::new(random.below(256) as u8, random.below(256) as u8, random.below(256) as u8)
}

fn pen(random: &mut Random) -> Pen {
    let styles = [LineStyle::Solid, LineStyle::Dashed, LineStyle::Dotted, LineStyle::TwoTone];
    Pen {
        nib: if random.chance(500) { Nib::Circular } else { Nib::Square },
        style: styles[random.below(4) as usize],
        highlight: random.chance(200),
        ..Pen::new(color(random), 1 + random.below(255) as u8)
    }
}

fn line(random: &mut Random) -> Vec<Point> {
    let (mut at, len) = (place(random), 1 + random.below(60));
    // Some are drawn in small steps, some in large ones.
    let step = [6, 100, 700][random.below(3) as usize];
    let points = (0..len).map(|_| {
        at.x += random.below(2 * step) as i32 - step as i32;
        at.y += random.below(2 * step) as i32 - step as i32;
        at
    });
    points.filter(|at| at.x.abs() < 20_000 && at.y.abs() < 20_000).collect::<Vec<_>>()
}

fn draw(net: &mut Net, node: usize, page: PageId) -> Option<ObjectId> {
    let random = net.random();
    let (from, to, pen) = (place(random), place(random), pen(random));
    let mut points = line(random);
    points.push(from);
    let fill = random.chance(400).then(|| color(random));
    let shape = match random.below(7) {
        0 => Shape::Line { from, to },
        1 => Shape::Rectangle { from, to },
        2 => Shape::Ellipse { from, to },
        3 => Shape::Text { at: from, height: 20, text: Text::new("Grüße").expect("short") },
        4 => Shape::Polygon(points[..].into()),
        5 => Shape::Dots(points[..].into()),
        _ => Shape::Freehand(points[..].into()),
    };
    net.nodes[node].draw_on(page, shape, pen, fill).ok()
}

fn picture(data: &[u8]) -> Picture<'_> {
    let (width, height) = (data.len() as u32 / 3, 1);
    let format = BitmapFormat::Rgb;
    Picture { at: Point::new(3, 4), width, height, extent: None, format, data }
}

/// Something that somebody may do.
fn act(net: &mut Net, node: usize) {
    let ids: Vec<ObjectId> = net.nodes[node].board().objects().filter_map(|o| o.id).collect();
    let pages: Vec<PageId> = net.nodes[node].board().pages().map(|page| page.id).collect();
    let random = net.random();
    let mut one = |of: usize| random.below(of as u64) as usize;
    let page = pages.get(one(pages.len())).copied().unwrap_or(PageId::FIRST);
    let id = ids.get(one(ids.len())).copied();
    match (random.below(100), id) {
        (0..40, _) => {
            draw(net, node, page);
        }
        (40..46, _) => {
            let len = 3 * (1 + random.below(3000) as usize);
            let octets = random.octets(len);
            let _ = net.nodes[node].place(page, &picture(&octets));
        }
        (46..60, Some(id)) => {
            let _ = net.nodes[node].delete(id);
        }
        (60..63, _) => {
            let background = color(random);
            let _ = net.nodes[node].create_page(&PageSetup { background, ..Default::default() });
        }
        (63..64, _) if pages.len() > 1 => {
            let _ = net.nodes[node].delete_page(page);
        }
        (64..66, _) => {
            let background = color(random);
            let _ = net.nodes[node].edit_page(page, background);
        }
        (66..76, _) => {
            let (at, own) = (place(random), Color::new(node as u8, 0, 0));
            let _ = net.nodes[node].show_pointer(page, at, own);
        }
        (76..78, _) => {
            let _ = net.nodes[node].hide_pointer();
        }
        (_, Some(id)) => {
            let points = line(random);
            let random = net.random();
            let edit = Edit {
                pen: random.chance(300).then(|| pen(random)),
                fill: random.chance(200).then(|| random.chance(500).then(|| color(random))),
                at: random.chance(300).then(|| place(random)),
                points: (random.chance(300) && !points.is_empty())
                    .then(|| (random.below(30) as u16, points[..].into())),
                rotation: random
                    .chance(100)
                    .then(|| Rotation { minutes: random.below(21600) as u16, axis: place(random) }),
                order: random
                    .chance(200)
                    .then(|| if random.chance(500) { ZOrder::Front } else { ZOrder::Back }),
                view: random.chance(100).then_some(ViewState::Selected),
                text: random.chance(100).then(|| (33, Text::new("other").expect("short"))),
            };
            let _ = net.nodes[node].edit(id, &edit);
        }
        _ => {}
    }
    net.drain(node);
}

fn only<'b>(net: &'b Net, node: usize, id: ObjectId) -> Object<'b> {
    net.nodes[node].board().object(id).expect("it stands there")
}

#[test]
fn every_shape_and_pen_arrives_as_it_was_drawn() {
    let mut net = conference(1, 1);
    let points: Vec<Point> = (0..5).map(|i| Point::new(i * 7, 100 - i * i)).collect();
    let text = Text::new("日本語").unwrap();
    let (from, to) = (Point::new(9, 8), Point::new(-7, 600));
    let shapes = [
        Shape::Freehand(points[..].into()),
        Shape::Polygon(points[..].into()),
        Shape::Dots(points[..].into()),
        Shape::Line { from, to },
        Shape::Rectangle { from, to },
        Shape::Ellipse { from, to },
        Shape::Text { at: from, height: 40, text },
    ];
    let pen = Pen {
        nib: Nib::Square,
        style: LineStyle::DashDotDot,
        ..Pen::marker(Color::new(1, 2, 3), 9)
    };
    let ids = shapes.map(|shape| net.nodes[1].draw(shape, pen, Some(Color::WHITE)).unwrap());
    settle(&mut net);
    for (id, shape) in ids.into_iter().zip(shapes) {
        let object = only(&net, 0, id);
        assert_eq!((object.shape, object.pen, object.fill), (shape, pen, Some(Color::WHITE)));
        assert_eq!((object.page, object.plane, object.id), (PageId::FIRST, 0, Some(id)));
        assert_eq!(id.node(), net.nodes[1].node());
    }
    assert_equal_everywhere(&net, &[0, 1]);
}

#[test]
fn an_edit_changes_what_it_says_and_leaves_the_rest() {
    let mut net = conference(2, 2);
    let points: Vec<Point> = (0..10).map(|i| Point::new(i, i)).collect();
    let pen = Pen::new(Color::new(1, 2, 3), 4);
    let id = net.nodes[1].draw(Shape::Freehand(points[..].into()), pen, None).unwrap();
    settle(&mut net);

    let at = Some(Point::new(100, 50));
    net.nodes[2].edit(id, &Edit { at, ..Edit::default() }).unwrap();
    settle(&mut net);
    let moved: Vec<Point> = (0..10).map(|i| Point::new(100 + i, 50 + i)).collect();
    assert_eq!(only(&net, 0, id).shape, Shape::Freehand(moved[..].into()));
    assert_eq!(only(&net, 0, id).pen, pen);

    // A line grows as it is drawn.
    let more = [Point::new(500, 500), Point::new(-500, 900)];
    net.nodes[0]
        .edit(id, &Edit { points: Some((10, more[..].into())), ..Edit::default() })
        .unwrap();
    settle(&mut net);
    let grown = [&moved[..], &more].concat();
    assert_eq!(only(&net, 1, id).shape, Shape::Freehand(grown[..].into()));

    let fill = Some(Some(Color::BLACK));
    net.nodes[0].edit(id, &Edit { fill, ..Edit::default() }).unwrap();
    settle(&mut net);
    assert_eq!((only(&net, 1, id).fill, only(&net, 1, id).pen), (Some(Color::BLACK), pen));
    let rotation = Some(Rotation { minutes: 5400, axis: Point::new(1, -1) });
    let view = Some(ViewState::Hidden);
    let edit = Edit { fill: Some(None), rotation, view, ..Edit::default() };
    net.nodes[2].edit(id, &edit).unwrap();
    settle(&mut net);
    let object = only(&net, 1, id);
    assert_eq!((object.fill, object.rotation, object.view), (None, rotation, ViewState::Hidden));
    assert_eq!(object.shape, Shape::Freehand(grown[..].into()));

    // Beyond the end there is nothing to go on from: at no node does it change anything.
    let before = seen(&net, 0);
    net.nodes[0]
        .edit(id, &Edit { points: Some((40, more[..].into())), ..Edit::default() })
        .unwrap();
    settle(&mut net);
    assert_eq!(seen(&net, 0), before);
    assert!(net.nodes[0].edit(ObjectId(5), &Edit::default()).is_err());
    assert_equal_everywhere(&net, &[0, 1, 2]);
}

#[test]
fn a_text_is_written_anew_where_it_stands() {
    let mut net = conference(3, 1);
    let at = Point::new(5, 6);
    let text = Text::new("old").unwrap();
    let shape = Shape::Text { at, height: 40, text };
    let id = net.nodes[1].draw(shape, Pen::default(), None).unwrap();
    settle(&mut net);
    let text = Text::new("new, and\nlonger").unwrap();
    net.nodes[0].edit(id, &Edit { text: Some((12, text)), ..Edit::default() }).unwrap();
    settle(&mut net);
    assert_eq!(only(&net, 1, id).shape, Shape::Text { at, height: 12, text });
    assert_equal_everywhere(&net, &[0, 1]);
}

#[test]
fn objects_go_above_and_below_the_others_of_their_page() {
    let mut net = conference(4, 1);
    let shape = |x| Shape::Rectangle { from: Point::new(x, 0), to: Point::new(x + 5, 9) };
    let mut draw = |x| net.nodes[0].draw(shape(x), Pen::default(), None).unwrap();
    let ids = [draw(0), draw(1), draw(2)];
    let octets: Vec<u8> = (0..9000u32).map(|i| i as u8).collect();
    let bitmap = net.nodes[1].place(PageId::FIRST, &picture(&octets));
    assert!(bitmap.is_ok(), "it comes from a board that is ready");
    settle(&mut net);
    let bitmap = bitmap.unwrap();
    let order = |net: &Net| -> Vec<ObjectId> {
        net.nodes[1].board().objects().filter_map(|object| object.id).collect()
    };
    assert_eq!(order(&net), [ids[0], ids[1], ids[2], bitmap]);
    let to = |order| Edit { order: Some(order), ..Edit::default() };
    net.nodes[1].edit(ids[0], &to(ZOrder::Front)).unwrap();
    settle(&mut net);
    net.nodes[0].edit(bitmap, &to(ZOrder::Back)).unwrap();
    settle(&mut net);
    assert_eq!(order(&net), [bitmap, ids[1], ids[2], ids[0]]);
    net.nodes[0].edit(bitmap, &to(ZOrder::Front)).unwrap();
    settle(&mut net);
    assert_eq!(order(&net), [ids[1], ids[2], ids[0], bitmap]);
    let Shape::Bitmap(bitmap) = only(&net, 1, bitmap).shape else { panic!("a bitmap") };
    assert!(bitmap.is_complete() && bitmap.data().flatten().eq(&octets));
    assert_equal_everywhere(&net, &[0, 1]);
}

#[test]
fn a_picture_of_many_parts_reaches_also_who_joins_while_it_comes() {
    seeds(20, |seed| {
        let mut net = conference(seed, 2);
        let octets = net.random().octets(30_000);
        let id = net.nodes[1].place(PageId::FIRST, &picture(&octets)).unwrap();
        net.drain(1);
        let pause = Duration::from_micros(net.random().below(200_000));
        net.run(pause);
        let late = net.join_next(0);
        settle(&mut net);
        for node in [0, 1, 2, late] {
            let Shape::Bitmap(bitmap) = only(&net, node, id).shape else { panic!("a bitmap") };
            assert!(bitmap.is_complete() && bitmap.data().flatten().eq(&octets), "node {node}");
            assert_eq!((bitmap.octets(), bitmap.width, bitmap.height), (30_000, 10_000, 1));
        }
        assert_equal_everywhere(&net, &[0, 1, 2, late]);
        net.nodes[late].delete(id).unwrap();
        settle(&mut net);
        assert!(net.nodes[0].board().is_empty());
        assert_equal_everywhere(&net, &[0, 1, 2, late]);
    });
}

#[test]
fn pages_have_backgrounds_and_take_what_stands_on_them_along() {
    let mut net = conference(5, 2);
    let setup = PageSetup { width: 800, height: 600, background: Color::new(9, 9, 9) };
    let page = net.nodes[1].create_page(&setup).unwrap();
    settle(&mut net);
    let shape = Shape::Line { from: Point::new(0, 0), to: Point::new(9, 9) };
    let first = net.nodes[2].draw(shape, Pen::default(), None).unwrap();
    let second = net.nodes[2].draw_on(page, shape, Pen::default(), None).unwrap();
    net.nodes[2].edit_page(page, Color::new(1, 1, 1)).unwrap();
    settle(&mut net);
    let board = net.nodes[0].board();
    let seen = board.page(page).unwrap();
    assert_eq!((seen.width, seen.height, seen.planes), (800, 600, 1));
    assert_eq!(seen.background, Some(Color::new(1, 1, 1)));
    assert_eq!(board.objects_on(page).filter_map(|o| o.id).collect::<Vec<_>>(), [second]);
    assert_eq!(board.objects_on(PageId::FIRST).filter_map(|o| o.id).collect::<Vec<_>>(), [first]);
    net.nodes[0].delete_page(page).unwrap();
    settle(&mut net);
    assert_eq!(net.nodes[1].board().pages().count(), 1);
    assert_eq!(net.nodes[1].board().len(), 1);
    assert!(net.nodes[1].draw_on(page, shape, Pen::default(), None).is_err());
    assert_equal_everywhere(&net, &[0, 1, 2]);
}

#[test]
fn no_board_has_more_pages_than_the_limit() {
    let mut net = conference(6, 1);
    let setup = PageSetup::default();
    let made = (0..300).filter(|_| net.nodes[0].create_page(&setup).is_ok()).count();
    assert_eq!(made, 254);
    settle(&mut net);
    assert_eq!(net.nodes[1].board().pages().count(), 255);
    assert_equal_everywhere(&net, &[0, 1]);
}

#[test]
fn a_pointer_is_seen_moves_and_goes_with_its_node() {
    let mut net = conference(7, 0);
    let nodes = [net.join_next(0), net.join_next(0)];
    net.run(LONG);
    let [a, b] = nodes;
    let red = Color::new(255, 0, 0);
    for at in [Point::new(5, 5), Point::new(50, 70), Point::new(300, 9)] {
        net.nodes[a].show_pointer(PageId::FIRST, at, red).unwrap();
        settle(&mut net);
        let pointers: Vec<_> = net.nodes[b].board().pointers().collect();
        assert_eq!(pointers.len(), 1);
        assert_eq!((pointers[0].at, pointers[0].color), (at, Some(red)));
        assert_eq!(pointers[0].id.node(), net.nodes[a].node());
    }
    // A hand moves faster than the first of it comes back.
    for x in 0..20 {
        net.nodes[b].show_pointer(PageId::FIRST, Point::new(x, 0), Color::BLACK).unwrap();
    }
    settle(&mut net);
    let x: Vec<i32> = net.nodes[0].board().pointers().map(|pointer| pointer.at.x).collect();
    assert_eq!(x, [300, 19]);
    assert!(net.nodes[0].board().is_empty(), "a pointer is no drawing");
    net.nodes[b].hide_pointer().unwrap();
    settle(&mut net);
    assert_eq!(net.nodes[0].board().pointers().count(), 1);
    net.nodes[a].leave().unwrap();
    net.drain(a);
    net.run(LONG);
    assert_eq!(net.nodes[0].board().pointers().count(), 0);
    assert_equal_everywhere(&net, &[0, b]);
}

#[test]
fn a_board_that_was_kept_is_drawn_again() {
    let mut net = conference(8, 2);
    for step in 0..200 {
        act(&mut net, step % 3);
    }
    settle(&mut net);
    let kept: Vec<Vec<u8>> = net.nodes[1].board().pdus().map(<[u8]>::to_vec).collect();
    let before = seen(&net, 1);
    for pdu in &kept {
        assert!(SiPdu::parse(pdu).is_ok());
    }
    let mut other = conference(9, 1);
    for pdu in &kept {
        other.nodes[1].restore(pdu).unwrap();
    }
    settle(&mut other);
    let pages = |seen: &[String]| seen.iter().filter(|line| line.starts_with("Page")).count();
    let after = seen(&other, 0);
    assert_eq!(pages(&after), pages(&before));
    // The first page was there already, with its own background; all that stands on it is equal.
    let rest = |seen: Vec<String>| seen.into_iter().filter(|line| !line.starts_with("Page"));
    assert!(rest(after).eq(rest(before)));
    assert!(other.nodes[0].restore(b"\xff\xff").is_err());
    assert_equal_everywhere(&other, &[0, 1]);
}

#[test]
fn what_edits_do_takes_no_more_room_than_what_stands_there() {
    let mut net = conference(10, 1);
    let shape = Shape::Line { from: Point::new(0, 0), to: Point::new(9, 9) };
    let id = net.nodes[0].draw(shape, Pen::default(), None).unwrap();
    settle(&mut net);
    let size = |net: &Net| net.nodes[1].board().pdus().map(<[u8]>::len).sum::<usize>();
    let before = size(&net);
    for x in 0..500 {
        let at = Some(Point::new(x % 50, 3));
        net.nodes[0].edit(id, &Edit { at, ..Edit::default() }).unwrap();
        net.nodes[1].show_pointer(PageId::FIRST, Point::new(x, 1), Color::BLACK).unwrap();
        net.drain(0);
        net.drain(1);
    }
    settle(&mut net);
    assert!(size(&net) < before + 300, "{} octets, then {}", before, size(&net));
}

fn history(seed: u64) {
    let mut net = Net::new(seed);
    let top = net.add(named("top"));
    net.nodes[top].host("1").unwrap();
    net.drain(top);
    // A node, the node above it, the stream between them.
    let mut above: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    let steps = 60 + net.random().below(100);
    for step in 0..steps {
        let there: Vec<usize> = [top].into_iter().chain(above.keys().copied()).collect();
        let pick = there[net.random().below(there.len() as u64) as usize];
        match net.random().below(100) {
            0..8 if there.len() < 8 => {
                let node = net.add(named(&format!("node {step}")));
                let pipe = net.join(node, pick);
                above.insert(node, (pick, pipe));
                // Others go on while it joins, more often than not; but nobody joins below one
                // that is not there yet.
                net.run(LONG);
                assert!(net.nodes[node].node().is_some(), "node {node} is in");
            }
            8..12 if there.len() < 8 => {
                let node = net.add(named(&format!("node {step}")));
                let pipe = net.join(node, pick);
                for _ in 0..10 {
                    let node = there[net.random().below(there.len() as u64) as usize];
                    act(&mut net, node);
                    let pause = Duration::from_micros(net.random().below(20_000));
                    net.run(pause);
                }
                net.run(LONG);
                above.insert(node, (pick, pipe));
            }
            12..17 if pick != top => {
                let (_, pipe) = above[&pick];
                if net.random().chance(600) {
                    net.cut(pipe);
                } else {
                    net.nodes[pick].leave().unwrap();
                    net.drain(pick);
                }
                // All below are out too.
                let mut out = vec![pick];
                while let Some(node) = out.pop() {
                    above.remove(&node);
                    let below = above.iter().filter(|(_, (up, _))| *up == node);
                    out.extend(below.map(|(node, _)| *node).collect::<Vec<_>>());
                }
                net.run(LONG);
            }
            _ => {
                act(&mut net, pick);
                if net.random().chance(500) {
                    let pause = Duration::from_micros(net.random().below(30_000));
                    net.run(pause);
                }
            }
        }
    }
    net.run(LONG);
    let there: Vec<usize> = [top].into_iter().chain(above.keys().copied()).collect();
    assert_equal_everywhere(&net, &there);
    // Nobody who has left points any more.
    let users: Vec<_> = there.iter().filter_map(|node| net.nodes[*node].node()).collect();
    for pointer in net.nodes[top].board().pointers() {
        assert!(pointer.id.node().is_some_and(|node| users.contains(&node)), "{pointer:?}");
    }
}

#[test]
fn boards_are_equal_after_any_history() {
    let times = std::env::var("HANDSET_SCHEDULES").ok().and_then(|times| times.parse().ok());
    seeds(150 * times.unwrap_or(1), history);
}
