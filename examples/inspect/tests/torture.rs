//! The 49 messages of RFC 4475, each judged as its row in the manifest says.

mod common;

use std::fs;
use std::path::Path;

use common::{inspect, package_file};
use serde_json::Value;

/// The fields of a line of comma-separated values, in which quotes may enclose commas.
fn fields(line: &str) -> Vec<String> {
    let (mut all, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => all.push(String::new()),
            _ => all.last_mut().expect("there is one").push(c),
        }
    }
    all
}

fn headers_with_errors(object: &Value) -> Vec<&str> {
    let headers = object["headers"].as_array().expect("headers are shown");
    headers
        .iter()
        .filter(|header| header.get("error").is_some_and(|e| !e.is_null()))
        .map(|header| header["name"].as_str().expect("a header has a name"))
        .collect()
}

/// What has to survive decoding and encoding: all but places, folding, and the order of parameters
/// and of what describes the body, which the encoder puts last.
fn meaning(object: &Value) -> Value {
    let mut meaning = object.clone();
    forget(&mut meaning);
    let fields = meaning.as_object_mut().expect("an object");
    fields.remove("reencoded");
    fields.remove("consumed");
    let headers = fields.get_mut("headers").and_then(Value::as_array_mut).expect("headers");
    headers.retain(|header| header["name"] != "Content-Length");
    headers.sort_by_key(|header| header["name"] == "Content-Type");
    for header in headers {
        let row = header.as_object_mut().expect("an object");
        for name in ["raw_name", "value", "value_hex"] {
            row.remove(name);
        }
        // What it says depends on the place; whether there is one does not.
        let broken = row.get("error").is_some_and(|error| !error.is_null());
        row.insert("error".into(), broken.into());
    }
    meaning
}

/// Takes places out, and puts parameters in order.
fn forget(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("offset");
            if let Some(Value::Array(parameters)) = fields.get_mut("parameters") {
                parameters.sort_by_key(|parameter| parameter["name"].to_string());
            }
            fields.values_mut().for_each(forget);
        }
        Value::Array(items) => items.iter_mut().for_each(forget),
        _ => {}
    }
}

fn judge(file: &Path, class: &str, parser: &str, fault: &str) -> Result<(), String> {
    let octets = fs::read(file).map_err(|e| e.to_string())?;
    let run = inspect(&["sip", "--reencode", "-"], &octets);
    let object = run.object.ok_or_else(|| format!("no object: {}", run.errors))?;
    let valid = object["valid"] == true;
    if run.code != i32::from(!valid) {
        return Err(format!("exit code {} for {}", run.code, object["valid"]));
    }
    // The archive's file lacks the blank line, so that its framing is broken besides.
    let cut = file.ends_with("baddn.dat");
    match parser {
        "accept" | "lazy" if cut && !valid => return Ok(()),
        "accept" | "lazy" if !valid => return Err(format!("refused: {}", object["error"])),
        "reject" if valid => return Err("taken".into()),
        "reject" => {
            let at = object.pointer("/error/offset").and_then(Value::as_u64);
            return at.filter(|at| *at <= octets.len() as u64).map(drop).ok_or("no place".into());
        }
        _ => {}
    }
    let broken = headers_with_errors(&object);
    if class == "valid" && !broken.is_empty() {
        return Err(format!("errors in {broken:?} of a valid message"));
    }
    if parser == "lazy" {
        // "Contact expires" is a parameter of Contact.
        let named = fault.split(',').filter_map(|name| name.split_whitespace().next());
        for name in named {
            if !broken.contains(&name) {
                return Err(format!("no error in {name}, but in {broken:?}"));
            }
        }
    }
    // Once more through the encoder: the same message.
    let digits = object["reencoded"].as_str().ok_or("not encoded again")?;
    let again = inspect(&["sip", "--hex", "--reencode", "-"], digits.as_bytes());
    let again = again.object.ok_or_else(|| format!("encoded again: {}", again.errors))?;
    let (mut a, mut b) = (meaning(&object), meaning(&again));
    if file.ends_with("badvers.dat") {
        // The encoder makes SIP/2.0 only.
        for one in [&mut a, &mut b] {
            one["version"] = Value::Null;
        }
    }
    if a != b {
        return Err(format!("encoding changes it:\n{a}\n{b}"));
    }
    if again["reencoded"] != object["reencoded"] {
        return Err("the encoder does not repeat itself".into());
    }
    Ok(())
}

#[test]
fn every_torture_message_is_judged_as_its_row_says() {
    let folder = package_file("../../sip-core/tests/data/torture");
    let text = fs::read_to_string(folder.join("manifest.csv")).expect("the manifest can be read");
    let (mut judged, mut failures) = (0, Vec::new());
    for row in text.lines().skip(1).map(fields) {
        let [file, _, _, _, class, parser, fault, ..] = row.as_slice() else {
            panic!("a row of {} fields", row.len())
        };
        if parser == "any" {
            continue;
        }
        judged += 1;
        let path = folder.join(file.rsplit('/').next().unwrap_or(file));
        if let Err(error) = judge(&path, class, parser, fault) {
            failures.push(format!("{file} ({class}, {parser}): {error}"));
        }
    }
    assert_eq!(judged, 49);
    assert!(failures.is_empty(), "{} of {judged}:\n{}", failures.len(), failures.join("\n"));
}
