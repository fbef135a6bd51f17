//! The program itself, over tables of messages.

mod common;

use common::{Run, inspect};
use serde_json::Value;

/// One row of `data/*.json`.
fn check(protocol: &[&str], row: &Value) -> Result<(), String> {
    let mut arguments = protocol.to_vec();
    arguments.push("--reencode");
    let mut extra: Vec<&str> = Vec::new();
    if let Some(more) = row["args"].as_array() {
        extra.extend(more.iter().filter_map(Value::as_str));
    }
    arguments.extend(extra);
    let input = match (&row["hex"], &row["text"]) {
        (Value::String(digits), Value::Null) => {
            arguments.push("--hex");
            digits.clone()
        }
        (Value::Null, Value::String(text)) => text.clone(),
        _ => return Err("a row has either hex or text".into()),
    };
    arguments.push("-");
    let octets = if row["hex"].is_string() {
        hex::decode(input.replace(' ', "")).map_err(|e| e.to_string())?
    } else {
        input.clone().into_bytes()
    };

    let Run { code, object, errors } = inspect(&arguments, input.as_bytes());
    let object = object.ok_or_else(|| format!("no object, but: {errors}"))?;
    let valid = row["valid"].as_bool().ok_or("a row says whether it is valid")?;
    let expect = |what: &str, is: &Value, should: &Value| {
        if is == should {
            Ok(())
        } else {
            Err(format!("{what} is {is}, not {should}; all: {object}"))
        }
    };
    expect("valid", &object["valid"], &valid.into())?;
    if code != i32::from(!valid) {
        return Err(format!("exit code {code}"));
    }
    if valid {
        expect("error", &object["error"], &Value::Null)?;
    } else {
        let at = object.pointer("/error/offset").and_then(Value::as_u64).ok_or("no offset")?;
        if usize::try_from(at).is_ok_and(|at| at > octets.len()) {
            return Err(format!("offset {at} is behind the input"));
        }
        let message = object.pointer("/error/message").and_then(Value::as_str).unwrap_or("");
        if message.is_empty() {
            return Err("an error without words".into());
        }
        if let Some(offset) = row.get("offset") {
            expect("the offset", &at.into(), offset)?;
        }
    }
    match row["reencoded"].as_str() {
        Some("same") => expect("reencoded", &object["reencoded"], &hex::encode(&octets).into())?,
        Some(other) => expect("reencoded", &object["reencoded"], &other.replace(' ', "").into())?,
        None => {}
    }
    if let Some(fields) = row["expect"].as_object() {
        for (pointer, should) in fields {
            expect(pointer, object.pointer(pointer).unwrap_or(&"absent".into()), should)?;
        }
    }
    Ok(())
}

fn table(protocol: &[&str], text: &str) {
    let rows: Vec<Value> = serde_json::from_str(text).expect("the table is JSON");
    assert!(rows.iter().any(|r| r["valid"] == true) && rows.iter().any(|r| r["valid"] == false));
    let mut failures = Vec::new();
    for row in &rows {
        if let Err(error) = check(protocol, row) {
            failures.push(format!("{}: {error}", row["name"]));
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), rows.len(), failures.join("\n"));
}

#[test]
fn rtp_packets_come_out_field_by_field() {
    table(&["rtp"], include_str!("data/rtp.json"));
}

#[test]
fn rtcp_packets_come_out_field_by_field() {
    table(&["rtcp"], include_str!("data/rtcp.json"));
}

#[test]
fn tftp_packets_come_out_field_by_field() {
    table(&["tftp"], include_str!("data/tftp.json"));
}

#[test]
fn sip_messages_come_out_header_by_header() {
    table(&["sip"], include_str!("data/sip.json"));
}

#[test]
fn session_descriptions_come_out_line_by_line() {
    table(&["sdp"], include_str!("data/sdp.json"));
}

#[test]
fn tpkts_come_out_with_their_tpdu() {
    table(&["t120", "--as", "tpkt"], include_str!("data/tpkt.json"));
}
