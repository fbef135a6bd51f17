//! The program over vectors that independent ASN.1 compilers agree on.

mod common;

use std::fs;

use common::{inspect, package_file};
use serde_json::Value;

/// Which `--as` shows this row.
fn pdu(row: &Value) -> Option<&'static str> {
    Some(match (row["module"].as_str()?, row["type"].as_str()?) {
        (_, "ConnectMCSPDU") => "mcs-connect",
        ("MCS-PROTOCOL", "DomainMCSPDU") => "mcs-domain",
        ("MCS-PROTOCOL-3", "DomainMCSPDU") => "mcs-domain-v3",
        (_, "ConnectData") => "gcc-connect-data",
        (_, "ConnectGCCPDU") => "gcc-connect",
        (_, "GCCPDU") => "gcc",
        (_, "SharePDU") => "t128",
        _ => return None,
    })
}

fn check(row: &Value, pdu: &str) -> Result<(), String> {
    let digits = row["hex"].as_str().ok_or("no hex")?;
    let run = inspect(&["t120", "--as", pdu, "--hex", "--reencode", "-"], digits.as_bytes());
    let object = run.object.ok_or(run.errors)?;
    if run.code != 0 || object["valid"] != true {
        return Err(format!("exit code {}, {}", run.code, object["error"]));
    }
    if object["reencoded"] != digits {
        return Err(format!("encoded again it is {}", object["reencoded"]));
    }
    if object["value"] != row["value"] {
        return Err(format!("decoded it is {}, not {}", object["value"], row["value"]));
    }
    // Cut anywhere it is no PDU any more, and the place of the fault lies within it.
    let half = digits.get(..digits.len() / 4 * 2).unwrap_or_default();
    let cut = inspect(&["t120", "--as", pdu, "--hex", "-"], half.as_bytes());
    let offset = cut.object.as_ref().and_then(|o| o.pointer("/error/offset")?.as_u64());
    match (cut.code, offset) {
        (1, Some(offset)) if offset <= half.len() as u64 / 2 => Ok(()),
        other => Err(format!("cut in half: {other:?}")),
    }
}

#[test]
fn every_vector_is_decoded_to_its_value_and_encoded_to_its_octets() {
    let file = package_file("../../t120-core/tests/data/t120.json");
    let text = fs::read_to_string(file).expect("the vectors can be read");
    let all: Value = serde_json::from_str(&text).expect("the vectors are JSON");
    let (mut checked, mut failures) = (0, Vec::new());
    for row in all["vectors"].as_array().expect("an array of vectors") {
        let Some(pdu) = pdu(row) else { continue };
        checked += 1;
        if let Err(error) = check(row, pdu) {
            failures.push(format!("{} {}: {error}", row["id"], row["name"]));
        }
    }
    assert!(checked >= 70, "only {checked}");
    assert!(failures.is_empty(), "{} of {checked}:\n{}", failures.len(), failures.join("\n"));
}
