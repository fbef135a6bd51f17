//! Runs of `messenger demo`, as a person starts them.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// No demo may take longer, whatever happens.
const LIMIT: Duration = Duration::from_secs(50);

/// Starts a demo without a terminal and without input, as JSON.
pub(crate) fn start(out: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_messenger"))
        .args(["demo", "--json", "--out"])
        .arg(out)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("it starts")
}

/// Waits for it to end by itself; gives its events.
pub(crate) fn finish(mut demo: Child) -> Vec<Value> {
    let began = Instant::now();
    let mut stdout = demo.stdout.take().expect("it is piped");
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut stdout, &mut text).map(|_| text)
    });
    let status = loop {
        match demo.try_wait().expect("it is ours") {
            Some(status) => break status,
            None if began.elapsed() > LIMIT => {
                demo.kill().expect("it runs");
                panic!("the demo does not end by itself");
            }
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    };
    let text = reader.join().expect("it reads").expect("UTF-8");
    assert!(status.success(), "{status}: {text}");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// A figure of a step's result.
pub(crate) fn figure<'e>(events: &'e [Value], step: &str, name: &str) -> &'e Value {
    let result = events.iter().find(|event| event["event"] == "result" && event["step"] == step);
    let figure = &result.unwrap_or_else(|| panic!("no result of {step}"))["figures"][name];
    assert!(!figure.is_null(), "{step} has no {name}");
    figure
}
