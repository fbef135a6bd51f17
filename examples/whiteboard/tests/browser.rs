//! The page in a real browser: Chromium without a window, driven over its debugging protocol.

#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

mod common;

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};
use common::{Node, SOON, run};
use handset_testkit::{Peer, peer};
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

/// A browser with one page.
struct Browser {
    socket: WebSocket<TcpStream>,
    number: u64,
    _process: Peer,
    _folder: tempfile::TempDir,
}

impl Browser {
    /// Opens a page in a window of this size.
    fn open(program: &Path, address: &str, width: u32, height: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut process = Peer::spawn(
            Command::new(program)
                .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"])
                .args(["--disable-dev-shm-usage", "--remote-debugging-port=0"])
                .arg(format!("--user-data-dir={}", folder.path().display()))
                .arg(format!("--window-size={width},{height}"))
                .arg(address)
                .stdout(Stdio::null())
                .stderr(Stdio::piped()),
        );
        let errors = process.child().stderr.take().expect("it is piped");
        let mut lines = BufReader::new(errors).lines().map_while(Result::ok);
        let listening = lines.find_map(|line| {
            let (_, rest) = line.split_once("DevTools listening on ws://")?;
            rest.split_once('/').map(|(address, _)| address.to_owned())
        });
        let port = listening.expect("it says where it listens");
        // What else it has to complain about must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let page = target(&port);
        let stream = TcpStream::connect(&port).expect("it listens");
        stream.set_read_timeout(Some(SOON)).expect("a stream has a timeout");
        let (socket, _) = tungstenite::client(page.as_str(), stream).expect("a WebSocket");
        Self { socket, number: 0, _process: process, _folder: folder }
    }

    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.number += 1;
        let call = json!({ "id": self.number, "method": method, "params": parameters });
        self.socket.send(Message::text(call.to_string())).expect("it listens");
        loop {
            let Message::Text(text) = self.socket.read().expect("it answers") else { continue };
            let answer: Value = serde_json::from_str(&text).expect("JSON");
            if answer["id"] == self.number {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    /// What an expression of the page is.
    fn value(&mut self, expression: &str) -> Value {
        let call = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let result = self.call("Runtime.evaluate", call);
        assert!(result.get("exceptionDetails").is_none(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    fn until(&mut self, expression: &str) {
        let end = Instant::now() + SOON;
        while self.value(expression) != json!(true) {
            assert!(Instant::now() < end, "{expression} does not come true");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn mouse(&mut self, kind: &str, [x, y]: [f64; 2]) {
        let buttons = u8::from(kind != "mouseReleased");
        let mouse = json!({ "type": kind, "x": x, "y": y, "button": "left", "buttons": buttons, "clickCount": 1 });
        self.call("Input.dispatchMouseEvent", mouse);
    }

    /// Draws from one place of the board to the last, in parts of its width and height.
    fn drag(&mut self, places: &[[f64; 2]]) {
        let places: Vec<_> = places.iter().map(|place| self.on_board(*place)).collect();
        self.mouse("mousePressed", places[0]);
        for place in &places {
            self.mouse("mouseMoved", *place);
        }
        self.mouse("mouseReleased", places[places.len() - 1]);
    }

    fn on_board(&mut self, [x, y]: [f64; 2]) -> [f64; 2] {
        let place = "(() => { const r = document.getElementById('ground').getBoundingClientRect(); \
                     return [r.left, r.top, r.width, r.height]; })()";
        let place: Vec<f64> = serde_json::from_value(self.value(place)).expect("four numbers");
        [place[0] + x * place[2], place[1] + y * place[3]]
    }

    fn choose(&mut self, tool: &str) {
        self.value(&format!("document.querySelector('[data-kind={tool}]').click()"));
    }

    fn screenshot(&mut self) -> Vec<u8> {
        let shot = self.call("Page.captureScreenshot", json!({ "format": "png" }));
        Base64::decode_vec(shot["data"].as_str().expect("base64")).expect("base64")
    }
}

/// The address of the one page's socket.
fn target(port: &str) -> String {
    let end = Instant::now() + SOON;
    loop {
        let list = get(&format!("http://{port}/json/list"));
        let targets: Value = serde_json::from_str(&list).unwrap_or_default();
        let targets = targets.as_array().cloned().unwrap_or_default();
        let page = targets.iter().find(|target| target["type"] == "page");
        if let Some(address) = page.and_then(|page| page["webSocketDebuggerUrl"].as_str()) {
            return address.to_owned();
        }
        assert!(Instant::now() < end, "the browser has no page: {list}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The body of an answer.
fn get(address: &str) -> String {
    use std::io::{Read as _, Write as _};
    let (host, path) = address["http://".len()..].split_once('/').expect("a path");
    let mut stream = TcpStream::connect(host).expect("it listens");
    stream.set_read_timeout(Some(SOON)).expect("a stream has a timeout");
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // Not all servers close: the length says where the body ends.
    loop {
        let mut part = [0; 4096];
        let len = stream.read(&mut part).expect("it answers");
        answer.extend_from_slice(&part[..len]);
        let text = String::from_utf8_lossy(&answer).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
            });
            if len == 0 || length.is_some_and(|length: usize| body.len() >= length) {
                return body.to_owned();
            }
        } else if len == 0 {
            return String::new();
        }
    }
}

#[test]
fn what_is_drawn_in_one_browser_is_seen_in_the_other_and_at_the_nodes() {
    let Some(program) = peer("chromium", "chromium") else { return };
    let host = Node::start(&["host", "--listen", "127.0.0.1:0", "--name", "Anna"]);
    let address = host.address();
    let guest = Node::start(&["join", &address, "--name", "Bert"]);
    let mut anna = Browser::open(&program, &host.page(), 1280, 860);
    let mut bert = Browser::open(&program, &guest.page(), 1280, 860);
    for browser in [&mut anna, &mut bert] {
        browser.until("typeof state === 'object' && state.ready && state.people.length === 2");
    }
    assert_eq!(anna.value("document.querySelectorAll('#people li').length"), 2);

    run(&[
        "draw",
        &address,
        "rectangle 80,420 420,700 fill=#ffe08a color=#e08a1e pen=6",
        "text 100,60 height=56 Our house",
    ]);
    anna.until("state.order.length === 2");
    // With the mouse: a freehand line that goes on and on, a filled ellipse, a marker.
    let wave: Vec<[f64; 2]> = (0..60)
        .map(|step| f64::from(step) / 60.0)
        .map(|part| [0.4 + part * 0.5, 0.3 + (part * 18.0).sin() * 0.1])
        .collect();
    anna.drag(&wave);
    bert.until("state.order.length === 3 && [...state.items.values()][2].points?.length > 50");
    bert.value("paint('#2e9e5b'), document.getElementById('fill').click()");
    bert.choose("ellipse");
    bert.drag(&[[0.55, 0.55], [0.6, 0.6], [0.85, 0.9]]);
    bert.choose("marker");
    bert.value("paint('#f2c14e')");
    bert.drag(&[[0.05, 0.12], [0.2, 0.13], [0.35, 0.12]]);
    anna.until("state.order.length === 5");
    // A pointer moves over the board of the other, with the name.
    anna.choose("pointer");
    for place in [[0.5, 0.5], [0.6, 0.45], [0.62, 0.42]] {
        let place = anna.on_board(place);
        anna.mouse("mouseMoved", place);
        std::thread::sleep(Duration::from_millis(60));
    }
    bert.until("document.querySelector('#pointers text')?.textContent === 'Anna'");
    // A thing is moved by hand, and taken away by key.
    bert.choose("select");
    bert.drag(&[[0.1, 0.6], [0.15, 0.65], [0.2, 0.7]]);
    anna.until("[...state.items.values()].find((i) => i.kind === 'rectangle').from[0] > 150");
    bert.until("document.getElementById('local').childElementCount === 0");

    // Both have the same before their eyes, and so have the files.
    let shapes = "JSON.stringify(state.order.map((name) => { const { shape, ...item } = state.items.get(name); return item; }))";
    let seen = anna.value(shapes);
    bert.until(&format!("{shapes} === {seen}"));
    if let Some(folder) = std::env::var_os("HANDSET_SCREENSHOTS") {
        for (name, browser) in [("anna", &mut anna), ("bert", &mut bert)] {
            let shot = browser.screenshot();
            let file = Path::new(&folder).join(format!("whiteboard-{name}.png"));
            std::fs::write(file, shot).expect("the folder is there");
        }
    }
    let exported = |browser: &mut Browser| {
        browser.value("fetch('/export.svg?page=1').then((answer) => answer.text())")
    };
    let svg = exported(&mut anna);
    assert_eq!(svg, exported(&mut bert));
    assert!(svg.as_str().is_some_and(|svg| svg.contains("Our house")), "{svg}");

    // A picture goes from one browser to the other.
    let insert = "new Promise((done) => { const c = document.createElement('canvas'); c.width = 90; c.height = 60; \
                  const x = c.getContext('2d'); x.fillStyle = '#d64045'; x.fillRect(0, 0, 90, 60); \
                  c.toBlob((blob) => insert(blob).then(() => done(true))); })";
    assert_eq!(anna.value(insert), true);
    bert.until("document.querySelector('#items image') !== null");
    let loaded = "fetch(document.querySelector('#items image').href.baseVal)\
                  .then((answer) => answer.blob()).then((blob) => createImageBitmap(blob))\
                  .then((picture) => [picture.width, picture.height])";
    assert_eq!(bert.value(loaded), json!([90, 60]));

    bert.value("choose([...state.items.values()].find((i) => i.kind === 'rectangle').name)");
    bert.value("document.getElementById('delete').click()");
    anna.until("![...state.items.values()].some((i) => i.kind === 'rectangle')");
    // Who leaves takes the pointer along, and the page says when all is over.
    assert!(host.stop());
    bert.until("document.getElementById('state').textContent.includes('over')");
}
