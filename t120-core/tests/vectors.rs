//! The PDUs that independent ASN.1 compilers have encoded (`tests/data/t120.json`), both ways.

#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

use t120_core::gcc::connect::{ConnectData, ConnectGccPdu};
use t120_core::gcc::pdu::GccPdu;
use t120_core::mcs;

struct Vector {
    id: String,
    kind: (String, String),
    name: String,
    octets: Vec<u8>,
    value: String,
}

fn vectors() -> Vec<Vector> {
    let text = include_str!("data/t120.json");
    let json: serde_json::Value = serde_json::from_str(text).expect("the file is JSON");
    let vectors = json["vectors"].as_array().expect("it has vectors");
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let vectors = vectors.iter().map(|vector| Vector {
        id: text(&vector["id"]),
        kind: (text(&vector["module"]), text(&vector["type"])),
        name: text(&vector["name"]),
        octets: hex::decode(text(&vector["hex"])).expect("hexadecimal"),
        value: vector["value"].to_string(),
    });
    vectors.collect()
}

macro_rules! again {
    ($type:ty, $octets:expr) => {{
        let pdu = <$type>::parse($octets).map_err(|error| error.to_string())?;
        let mut buffer = vec![0xaa; pdu.encoded_len()];
        let len = pdu.write(&mut buffer).map_err(|error| error.to_string())?;
        assert_eq!(len, buffer.len(), "encoded_len is what write writes");
        let short = &mut vec![0; len - 1][..];
        assert!(pdu.write(short).is_err(), "a buffer too small is refused");
        for cut in 0..$octets.len().min(64) {
            assert!(<$type>::parse(&$octets[..cut]).is_err(), "cut to {cut} octets");
        }
        Ok((buffer, format!("{pdu:?}")))
    }};
}

fn decode_and_encode(vector: &Vector) -> Option<Result<(Vec<u8>, String), String>> {
    let octets = &vector.octets[..];
    let (module, kind) = (&vector.kind.0[..], &vector.kind.1[..]);
    let result = (|| match (module, kind) {
        ("MCS-PROTOCOL", "ConnectMCSPDU") => again!(mcs::connect::ConnectMcsPdu<'_>, octets),
        ("MCS-PROTOCOL", "DomainMCSPDU") => again!(mcs::domain::DomainMcsPdu<'_>, octets),
        ("MCS-PROTOCOL-3", "DomainMCSPDU") => again!(mcs::v3::DomainMcsPdu<'_>, octets),
        ("GCC-PROTOCOL", "ConnectData") => again!(ConnectData<'_>, octets),
        ("GCC-PROTOCOL" | "GCC-PROTOCOL+text8", "ConnectGCCPDU") => {
            again!(ConnectGccPdu<'_>, octets)
        }
        ("GCC-PROTOCOL", "GCCPDU") => again!(GccPdu<'_>, octets),
        ("MAP-PROTOCOL", "MAPConnectConfirmPDU") => {
            again!(mcs::map::MapConnectConfirmPdu<'_>, octets)
        }
        ("AS-PROTOCOL-for-PER-encoding", "SharePDU") => {
            again!(t120_core::sharing::SharePdu<'_>, octets)
        }
        _ => Err(String::new()),
    })();
    match result {
        Err(text) if text.is_empty() => None,
        other => Some(other),
    }
}

#[test]
fn every_vector_is_read_and_written_again_octet_for_octet() {
    let mut failed = Vec::new();
    let mut passed = 0;
    for vector in vectors() {
        match decode_and_encode(&vector) {
            None => println!("not built: {} {:?} {}", vector.id, vector.kind, vector.name),
            Some(Ok((octets, _))) if octets == vector.octets => passed += 1,
            Some(Ok((octets, _))) => {
                failed.push(format!("{} {}: {}", vector.id, vector.name, hex::encode(octets)));
            }
            Some(Err(error)) => failed.push(format!("{} {}: {error}", vector.id, vector.name)),
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(passed == 72, "{passed} vectors");
}

/// Every number that a vector's value has is in what was read: a field that is read as another
/// one would be missed by the round trip, for it would be written back to its place.
#[test]
fn every_number_of_a_vector_is_found_in_what_was_read() {
    for vector in vectors() {
        let Some(Ok((_, shown))) = decode_and_encode(&vector) else { continue };
        let outside_quotes: String = vector.value.split('"').step_by(2).collect();
        for number in outside_quotes.split(|c: char| !c.is_ascii_digit()) {
            let found = shown.split(|c: char| !c.is_ascii_digit()).any(|n| n == number);
            assert!(found, "{} {}: {number} is not in {shown}", vector.id, vector.name);
        }
    }
}
