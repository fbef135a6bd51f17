//! Three nodes share a board over TCP, by the real program.

#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

mod common;

use std::io::Write as _;
use std::process::Stdio;

use common::{Node, run, whiteboard};

const HOST: [&str; 5] = ["host", "--listen", "127.0.0.1:0", "--name", "Anna"];

#[test]
fn three_nodes_draw_and_export_equal_pictures() {
    let host = Node::start(&[&HOST[..], &["--no-web"]].concat());
    let at_host = host.address();
    // The second takes others below itself.
    let second =
        Node::start(&["join", &at_host, "--listen", "127.0.0.1:0", "--no-web", "--name", "Bert"]);
    let at_second = second.address();
    second.wait("ready");
    let all = |event: &serde_json::Value| event["names"].as_array().is_some_and(|n| n.len() == 2);
    host.wait_for("people", all);

    let by_first = run(&[
        "draw",
        &at_host,
        "rectangle 100,100 400,300 fill=#ffe08a color=#e08a1e pen=6",
        "ellipse 200,50 900,700 dashed",
        "line 50,50 300,90 500,20 900,400 pen=12 color=#2f7dd1",
    ]);
    assert_eq!(by_first["ids"].as_array().map(Vec::len), Some(3));
    // The third joins below the second, and reads what to draw from its input.
    let mut third = whiteboard(&["draw", &at_second, "-", "--name", "Cleo"]);
    let mut third = third.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it starts");
    let mut input = third.stdin.take().expect("it is piped");
    let points: String = (0..700).map(|x| format!(" {},{}", x, 400 + x % 40)).collect();
    writeln!(input, "text 300,500 height=60 Grüße from Cleo\n\nline{points} marker pen=20")
        .unwrap();
    drop(input);
    assert!(third.wait().expect("it ends").success());

    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name).to_str().expect("a name").to_owned();
    for ending in ["png", "svg", "json"] {
        let names = [file(&format!("a.{ending}")), file(&format!("b.{ending}"))];
        let one = run(&["export", &at_host, &names[0]]);
        let other = run(&["export", &at_second, &names[1]]);
        // 700 points are three lines of at most 256, each beginning where the last ended.
        assert_eq!((&one["objects"], &other["objects"]), (&7.into(), &7.into()));
        let [one, other] = names.map(|name| std::fs::read(name).expect("it was written"));
        if ending == "json" {
            let items = |octets: &[u8]| -> serde_json::Value {
                let scene: serde_json::Value = serde_json::from_slice(octets).expect("JSON");
                scene["items"].clone()
            };
            assert_eq!(items(&one), items(&other));
        } else {
            assert_eq!(one, other, "{ending}");
            assert!(one.len() > 1000, "{ending}");
        }
    }
    assert!(second.stop() && host.stop());
}

#[test]
fn a_board_that_was_kept_is_hosted_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = folder.path().join("board.t126").to_str().expect("a name").to_owned();
    let host = Node::start(&[&HOST[..], &["--no-web"]].concat());
    let address = host.address();
    run(&["draw", &address, "ellipse 10,10 500,300 fill=#2e9e5b", "text 20,20 Here"]);
    run(&["export", &address, &kept]);
    assert!(host.stop());
    let again = Node::start(&[&HOST[..], &["--no-web", "--restore", &kept]].concat());
    let svg = folder.path().join("board.svg").to_str().expect("a name").to_owned();
    assert_eq!(run(&["export", &again.address(), &svg])["objects"], 2);
    let svg = std::fs::read_to_string(svg).expect("it was written");
    assert!(svg.contains("<ellipse") && svg.contains(">Here</text>"), "{svg}");
}

#[test]
fn what_cannot_be_is_said() {
    let host = Node::start(&[&HOST[..], &["--no-web", "--conference", "42"]].concat());
    let address = host.address();
    let fails = |arguments: &[&str], why: &str| {
        let output = whiteboard(arguments).output().expect("it starts");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(error.contains(why), "{arguments:?}: {error}");
    };
    fails(&["export", &address, "x.png"], "NoSuchConference");
    let known = ["--conference", "42"];
    fails(&[&["draw", &address, "circle 1,1"][..], &known].concat(), "circle is not");
    fails(&[&["draw", &address, "--page", "3", "dots 1,1"][..], &known].concat(), "no page 3");
    fails(&[&["export", &address, "x.gif"][..], &known].concat(), "ends in none of");
    fails(&["draw", "127.0.0.1:1", "dots 1,1"], "no connection to 127.0.0.1:1");
    fails(&[&HOST[..], &["--restore", "/dev/null"]].concat(), "no kept board");
}
