//! A policy by the names that Windows Messenger's had: one a line, or an export of the registry.
//!
//! Of an export only what these names say is taken: it has other keys and values beside them.

use anyhow::{Result, anyhow, bail};
use sip_core::transport::PortRange;

use super::Policy;

const NAMES: [&str; 4] = ["MinSipDynamicPort", "MaxSipDynamicPort", "MinMediaPort", "MaxMediaPort"];
/// How an export of the registry begins.
const EXPORTS: [&str; 2] = ["Windows Registry Editor", "REGEDIT4"];

/// The text of a file: an export is in UTF-16, everything else in UTF-8.
pub(super) fn decode(octets: &[u8]) -> Result<String> {
    let Some(units) = octets.strip_prefix(&[0xff, 0xfe]) else {
        let text = octets.strip_prefix("\u{feff}".as_bytes()).unwrap_or(octets);
        return Ok(str::from_utf8(text).map_err(|_| anyhow!("it is not text"))?.to_owned());
    };
    let units = units.as_chunks().0.iter().map(|unit| u16::from_le_bytes(*unit));
    char::decode_utf16(units).collect::<Result<_, _>>().map_err(|_| anyhow!("it is not UTF-16"))
}

/// Whether the text has names of the registry.
pub(super) fn is_meant(text: &str) -> bool {
    text.lines().map(str::trim).any(|line| {
        EXPORTS.iter().any(|export| line.starts_with(export))
            || entry(line).is_some_and(|(name, _)| which(name).is_some())
    })
}

/// Reads it; an error names the line.
pub(super) fn parse(text: &str) -> Result<Policy> {
    let is_export = EXPORTS.iter().any(|export| text.trim_start().starts_with(export));
    let mut ports = [None; NAMES.len()];
    for (at, line) in text.lines().enumerate() {
        let (line, at) = (line.trim(), at + 1);
        if line.is_empty() || line.starts_with([';', '#', '[']) {
            continue;
        }
        let known = entry(line).and_then(|(name, value)| Some((which(name)?, value)));
        let Some((which, value)) = known else {
            if is_export {
                continue;
            }
            bail!("line {at}: expected one of {}, with = and a port", NAMES.join(", "));
        };
        if let Some((_, before)) = ports[which] {
            bail!("line {at}: {} is said in line {before} already", NAMES[which]);
        }
        let (lowest, highest) = (PortRange::MINIMUM, PortRange::MAXIMUM);
        let port = number(value).filter(|port| *port >= lowest);
        let name = NAMES[which];
        ports[which] = Some((
            port.ok_or_else(|| {
                anyhow!("line {at}: {name}: {value} is no port from {lowest} to {highest}")
            })?,
            at,
        ));
    }
    let mut policy = Policy::default();
    let [sip_low, sip_high, media_low, media_high] = ports;
    let ends = |low: Option<(u16, usize)>, high: Option<(u16, usize)>, defaults: (u16, u16)| {
        let at = low.into_iter().chain(high).map(|(_, at)| at).max().unwrap_or(1);
        let port = |end: Option<(u16, usize)>, default| end.map_or(default, |(port, _)| port);
        (port(low, defaults.0), port(high, defaults.1), at)
    };
    let (low, high, at) = ends(sip_low, sip_high, (policy.sip.low(), policy.sip.high()));
    policy.sip = PortRange::new(low.into(), high.into())
        .map_err(|error| anyhow!("line {at}: the SIP ports: {error}"))?;
    let (low, high, at) = ends(media_low, media_high, (policy.media.low(), policy.media.high()));
    policy.media = rtp_core::ports::PortRange::new(low, high)
        .map_err(|error| anyhow!("line {at}: the media ports: {error}"))?;
    if policy.media.pairs() == 0 {
        bail!("line {at}: the media ports need an even port and the odd one after it");
    }
    Ok(policy)
}

/// Name and value of a line, the name without its quotes.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    Some((name.trim().trim_matches('"'), value.trim()))
}

fn which(name: &str) -> Option<usize> {
    NAMES.iter().position(|known| known.eq_ignore_ascii_case(name))
}

/// `dword:` and 0x are hexadecimal.
fn number(value: &str) -> Option<u16> {
    let hexadecimal = value.strip_prefix("dword:").or_else(|| value.strip_prefix("0x"));
    match hexadecimal {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?.try_into().ok(),
        None => value.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(policy: &Policy) -> [(u16, u16); 2] {
        [(policy.sip.low(), policy.sip.high()), (policy.media.low(), policy.media.high())]
    }

    #[test]
    fn names_one_a_line() {
        let text = "; the office's\nminsipdynamicport = 7200\nMaxSipDynamicPort=7203\n\nMaxMediaPort=0x1770\n";
        assert!(is_meant(text));
        let policy = parse(text).expect("good");
        assert_eq!(ranges(&policy), [(7200, 7203), (5350, 6000)]);
        assert_eq!(policy.files, Policy::default().files);
    }

    #[test]
    fn an_export_of_the_registry_in_utf_16() {
        let text = "Windows Registry Editor Version 5.00\r\n\r\n\
            [HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Example]\r\n\
            \"Enabled\"=dword:00000001\r\n\"MinMediaPort\"=dword:00001770\r\n\"MaxMediaPort\"=dword:00001773\r\n";
        let octets: Vec<u8> = [0xff, 0xfe]
            .into_iter()
            .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        let decoded = decode(&octets).expect("UTF-16");
        assert!(is_meant(&decoded));
        assert_eq!(ranges(&parse(&decoded).expect("good")), [(7100, 7103), (6000, 6003)]);
        assert!(decode(&[0xff, 0xfe, 0x00, 0xd8]).is_err(), "half a pair");
        assert!(decode(&[0xff, 0xff]).is_err());
        assert_eq!(decode("\u{feff}[sip]".as_bytes()).expect("UTF-8"), "[sip]");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, reason) in [
            ("MinSipDynamicPort=80", "line 1: MinSipDynamicPort: 80 is no port from 1024 to 65535"),
            ("MinMediaPort=1\"", "line 1: MinMediaPort: 1\" is no port"),
            ("MinMediaPort=dword:00010000", "line 1: MinMediaPort"),
            ("MinMediaPort=6000\nMinMediaPort=6000", "line 2: MinMediaPort is said in line 1"),
            ("MinMediaPort=6000\nMinMedaPort=6000", "line 2: expected one of MinSip"),
            ("MinSipDynamicPort=8000\n\nMaxSipDynamicPort=7000", "line 3: the SIP ports: "),
            ("MinMediaPort=6001\nMaxMediaPort=6002", "line 2: the media ports need"),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.starts_with(reason), "{text}: {error}");
        }
    }
}
