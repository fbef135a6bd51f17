//! The speed table: what Criterion measured, a row a benchmark.

use core::fmt::Write;
use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};

/// The rows: what was measured, its benchmark, and the one of a crate beside it in the same run.
const ROWS: &[(&str, &str, &str)] = &[
    ("SIP: parse an INVITE of 781 octets", "INVITE of 781 octets/parse", ""),
    (
        "SIP: the same, with six headers typed",
        "INVITE of 781 octets/parse and six typed headers",
        "",
    ),
    ("SIP: write it from typed parts", "INVITE of 781 octets/write from typed parts", ""),
    ("SIP: parse an SDP of 251 octets", "SDP of 251 octets/parse", ""),
    ("RTP: parse, 160 octets", "rtp/parse", "rtp/parse rtp-types"),
    ("RTP: build, 160 octets", "rtp/build", "rtp/build rtp-rs"),
    (
        "RTP: parse, one of three extensions found",
        "rtp/parse and find one of three extensions",
        "rtp/parse and find one of three extensions rtp-types",
    ),
    ("RTCP: parse SR and SDES", "rtcp/parse SR + SDES", "rtcp/parse SR + SDES rtcp-types"),
    ("RTCP: build SR and SDES", "rtcp/build SR + SDES", "rtcp/build SR + SDES rtcp-types"),
    ("RTP: jitter buffer, push and pop", "jitter/push and pop, 40 ms", ""),
    (
        "SRTP: protect 160 octets, AES-CM",
        "srtp/AES CM 128 HMAC SHA1 80 protect 160",
        "srtp/AES CM 128 HMAC SHA1 80 protect 160 webrtc-srtp",
    ),
    (
        "SRTP: protect 1200 octets, AES-CM",
        "srtp/AES CM 128 HMAC SHA1 80 protect 1200",
        "srtp/AES CM 128 HMAC SHA1 80 protect 1200 webrtc-srtp",
    ),
    (
        "SRTP: protect 160 octets, AES-GCM",
        "srtp/AEAD AES 128 GCM protect 160",
        "srtp/AEAD AES 128 GCM protect 160 webrtc-srtp",
    ),
    ("SRTP: protect 160 octets, AES-GCM by ring", "srtp/AEAD AES 128 GCM by ring, protect 160", ""),
    ("G.711: encode 20 ms", "g711/Mu encode 20 ms", ""),
    ("G.711: decode 20 ms", "g711/Mu decode 20 ms", ""),
    ("G.722: encode 20 ms", "g722/encode 20 ms", ""),
    ("G.722: decode 20 ms", "g722/decode 20 ms", ""),
    ("TFTP: parse DATA", "parse data", ""),
    ("T.120: encode SendData, 128 octets", "send-data/encode 128", ""),
    ("T.120: decode SendData, 128 octets", "send-data/decode 128", ""),
    ("T.120: decode Connect-Initial", "connect-initial/decode", ""),
];

/// Reads every `new/estimates.json` below `results`; the folder's name is the benchmark's.
pub(crate) fn table(results: &Path) -> Result<String> {
    let mut measured = BTreeMap::new();
    collect(results, results, &mut measured)?;
    let find = |name: &str| {
        let found = measured.get(name).copied();
        found.with_context(|| {
            format!("no result of \"{name}\" in {}: run cargo bench first", results.display())
        })
    };
    let mut text = String::from("| | Handset | beside it |\n|---|---:|---:|\n");
    for (what, benchmark, peer) in ROWS {
        let ours = time(find(benchmark)?);
        let theirs = match peer.rsplit_once(' ') {
            Some((_, name)) => format!("{} ({name})", time(find(peer)?)),
            None => String::new(),
        };
        writeln!(text, "| {what} | {ours} | {theirs} |")?;
    }
    Ok(text)
}

fn collect(root: &Path, folder: &Path, rows: &mut BTreeMap<String, f64>) -> Result<()> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        let estimates = path.join("new").join("estimates.json");
        if estimates.is_file() {
            let name = path.strip_prefix(root)?.display().to_string().replace('_', " ");
            rows.insert(name, estimate(&estimates)?);
        } else {
            collect(root, &path, rows)?;
        }
    }
    Ok(())
}

/// The estimate in nanoseconds: the slope where Criterion fitted one, else the mean.
fn estimate(file: &Path) -> Result<f64> {
    let text = std::fs::read_to_string(file)?;
    let json: serde_json::Value = serde_json::from_str(&text)?;
    ["slope", "mean"]
        .iter()
        .find_map(|kind| json[kind]["point_estimate"].as_f64())
        .with_context(|| format!("{} has no estimate", file.display()))
}

fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns < 100.0 => format!("{ns:.1} ns"),
        ns if ns < 10_000.0 => format!("{ns:.0} ns"),
        ns => format!("{:.1} µs", ns / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit_that_suits_them() {
        assert_eq!(time(4.46), "4.5 ns");
        assert_eq!(time(786.6), "787 ns");
        assert_eq!(time(11_220.0), "11.2 µs");
    }
}
