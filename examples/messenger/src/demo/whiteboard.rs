//! A whiteboard that both draw on.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use t120_core::conference::PORT;
use tokio::time::timeout;

use super::{BOB, Demo, Figures, HERE, Pair, description, right, stream_of};
use crate::bind::{self, Otherwise};
use crate::board::{Board, Role};
use crate::net;
use crate::render::{Outline, Point, Shape, inked, render};

/// How long the other side may take for anything here.
const SOON: Duration = Duration::from_secs(5);
const WIDTH: u32 = 800;
const HEIGHT: u32 = 500;

const BLACK: [u8; 3] = [40, 40, 48];
const RED: [u8; 3] = [190, 40, 40];
const GREEN: [u8; 3] = [40, 140, 60];
const BLUE: [u8; 3] = [40, 80, 200];
const BROWN: [u8; 3] = [120, 80, 40];
const YELLOW: [u8; 3] = [250, 200, 60];
const WHITE: [u8; 3] = [250, 250, 245];

pub(super) async fn show(demo: &Demo<'_>, (alice, bob): &mut Pair<'_>) -> Result<((), Figures)> {
    // Alice asks to connect, and Bob says where (RFC 4145).
    let asks = [("setup", "active"), ("connection", "new")];
    let offer = description("application", 9, "tcp", "msdata", &asks)?;
    let of_alice = alice.invite(BOB, offer).await?;
    let (of_bob, _, offer) = bob.incoming(SOON).await?;
    stream_of(&offer, "application")?;
    let ports = [demo.policy.t120];
    let listener = bind::listener(HERE, ports, Otherwise::AnyFree).await?;
    let port = listener.local_addr()?.port();
    let listens = [("setup", "passive"), ("connection", "new")];
    let answer = description("application", port, "tcp", "msdata", &listens)?;
    let (answered, picked_up) =
        tokio::join!(alice.answered(of_alice, SOON), bob.answer(of_bob, answer));
    picked_up?;
    let address: SocketAddr = stream_of(&answered?, "application")?;
    demo.story.tell("alice", format!("opens a whiteboard with Bob, and connects to {address}"));

    let (accepted, connected) =
        tokio::join!(timeout(SOON, listener.accept()), net::open(HERE, address));
    let (stream, _) = accepted.context("Alice did not connect")??;
    let mut at_bob = Board::open(stream, Role::Host, "Bob")?;
    let mut at_alice =
        Board::open(connected.context("Alice cannot connect")?, Role::Guest, "Alice")?;
    for board in [&mut at_alice, &mut at_bob] {
        board
            .until("the other side", SOON, |node| {
                node.board_is_ready() && node.roster().count() == 2
            })
            .await?;
    }

    let (by_alice, by_bob) = (house(), garden());
    let total = by_alice.len() + by_bob.len();
    demo.story.tell("alice", "draws a house in the sun");
    demo.story.tell("bob", "draws smoke, a tree and a meadow at the same time");
    let draw = async |board: &Board, shapes: Vec<Shape>| {
        for shape in shapes {
            board.draw(shape).await?;
            // Nobody draws faster than the other can look.
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        anyhow::Ok(())
    };
    let (drawn, also_drawn) =
        tokio::join!(draw(&at_alice, by_alice.clone()), draw(&at_bob, by_bob.clone()));
    drawn.context("Alice")?;
    also_drawn.context("Bob")?;
    for board in [&mut at_alice, &mut at_bob] {
        board.until("all that was drawn", SOON, move |node| node.board().len() == total).await?;
    }
    let (on_alice, on_bob) = (at_alice.shapes().await?, at_bob.shapes().await?);
    for shape in by_alice.iter().chain(&by_bob) {
        ensure!(on_bob.contains(shape), "{:?} does not stand on the board", shape.outline);
    }
    let closed = tokio::join!(at_alice.close(), at_bob.close());
    closed.0.and(closed.1)?;
    let (hung_up, ended) = tokio::join!(alice.hang_up(of_alice), bob.ended(of_bob, SOON));
    hung_up.and(ended)?;

    let (alice_picture, bob_picture) =
        (render(WIDTH, HEIGHT, &on_alice)?, render(WIDTH, HEIGHT, &on_bob)?);
    for (name, picture) in [("alice", &alice_picture), ("bob", &bob_picture)] {
        let file = demo.out.join(format!("whiteboard-{name}.png"));
        picture.save_png(&file).with_context(|| format!("{} cannot be written", file.display()))?;
        demo.story.tell(name, format!("has the picture in {}", file.display()));
    }
    let equal = alice_picture.data() == bob_picture.data();
    let drawn = inked(&bob_picture);
    let figures = vec![
        ("objects", json!(on_bob.len())),
        ("pixels drawn", json!(drawn)),
        ("pictures", json!(if equal { "equal" } else { "different" })),
        ("port", json!(port)),
        ("standard port", json!(port == PORT)),
    ];
    right(equal, || "the two pictures differ".to_owned(), &figures)?;
    right(drawn > 10_000, || "next to nothing stands on the board".to_owned(), &figures)?;
    Ok(((), figures))
}

fn shape(outline: Outline, colour: [u8; 3], thickness: f32) -> Shape {
    Shape { outline, colour, thickness, fill: None }
}

fn filled(outline: Outline, colour: [u8; 3], thickness: f32, fill: [u8; 3]) -> Shape {
    Shape { fill: Some(fill), ..shape(outline, colour, thickness) }
}

/// A line through the points that a function gives for the numbers up to `count`; a board's points are whole.
fn freehand(count: u16, at: impl Fn(f32) -> Point) -> Outline {
    let whole = |(x, y): Point| (x.round(), y.round());
    Outline::Line((0..count).map(|number| whole(at(f32::from(number)))).collect())
}

/// What Alice draws.
fn house() -> Vec<Shape> {
    let ray = |number: u16| {
        let (sin, cos) = (f32::from(number) * core::f32::consts::PI / 5.0).sin_cos();
        let at = |from: f32| ((670.0 + cos * from).round(), (90.0 + sin * from).round());
        shape(Outline::Line(vec![at(60.0), at(80.0)]), YELLOW, 4.0)
    };
    let mut shapes = vec![
        shape(Outline::Text((40.0, 36.0), 40, "Our house".to_owned()), BLACK, 3.0),
        filled(Outline::Ellipse((625.0, 45.0), (715.0, 135.0)), YELLOW, 4.0, YELLOW),
        filled(Outline::Rectangle((290.0, 140.0), (318.0, 210.0)), BLACK, 3.0, RED),
        filled(Outline::Rectangle((140.0, 230.0), (340.0, 420.0)), BLACK, 3.0, WHITE),
        shape(Outline::Line(vec![(115.0, 240.0), (240.0, 130.0), (365.0, 240.0)]), RED, 8.0),
        filled(Outline::Rectangle((215.0, 320.0), (265.0, 420.0)), BROWN, 3.0, BROWN),
        filled(Outline::Rectangle((165.0, 260.0), (205.0, 300.0)), BLUE, 3.0, WHITE),
        filled(Outline::Rectangle((275.0, 260.0), (315.0, 300.0)), BLUE, 3.0, WHITE),
    ];
    shapes.extend((0..10).map(ray));
    shapes
}

/// What Bob draws.
fn garden() -> Vec<Shape> {
    let smoke = |number: f32| {
        let (sin, cos) = (number / 6.0).sin_cos();
        (
            298.0 + number * 0.9 + cos * (6.0 + number / 8.0),
            128.0 - number * 0.5 + sin * (6.0 + number / 8.0),
        )
    };
    let meadow = |number: f32| {
        (number * 4.0, 424.0 + 10.0 * (number * 1.7).sin() + 6.0 * (number / 9.0).sin())
    };
    vec![
        shape(freehand(160, smoke), BLACK, 2.0),
        filled(Outline::Rectangle((545.0, 300.0), (575.0, 420.0)), BROWN, 3.0, BROWN),
        filled(Outline::Ellipse((480.0, 190.0), (640.0, 330.0)), GREEN, 3.0, GREEN),
        shape(freehand(200, meadow), GREEN, 3.0),
        shape(Outline::Line(vec![(0.0, 450.0), (799.0, 450.0)]), BROWN, 3.0),
        shape(Outline::Text((440.0, 460.0), 28, "... and a tree (Bob)".to_owned()), BLUE, 2.0),
    ]
}
