//! A policy from its file.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use sip_core::transport::PortRange;
use toml::Spanned;

use super::{Policy, registry};

impl Policy {
    /// Reads a policy file.
    pub fn read(file: &Path) -> Result<Self> {
        let octets = std::fs::read(file)
            .with_context(|| format!("the policy {} cannot be read", file.display()))?;
        registry::decode(&octets)
            .and_then(|text| Self::parse(&text))
            .map_err(|error| anyhow!("{}: {error}", file.display()))
    }

    /// Reads a policy from its text; an error names the line.
    pub fn parse(text: &str) -> Result<Self> {
        if registry::is_meant(text) {
            return registry::parse(text);
        }
        let file: File = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_at(text, span.start));
            anyhow!("line {line}: {}", error.message())
        })?;
        let mut policy = Self::default();
        policy.sip =
            range(text, "sip", file.sip, (policy.sip.low(), policy.sip.high()), |low, high| {
                PortRange::new(low.into(), high.into())
            })?;
        let media = (policy.media.low(), policy.media.high());
        let media_line = file.media.as_ref().map_or(1, |ends| ends.line(text));
        policy.media = range(text, "media", file.media, media, rtp_core::ports::PortRange::new)?;
        if policy.media.pairs() == 0 {
            bail!(
                "line {media_line}: [media] needs room for an even port and the odd one after it"
            );
        }
        let files = (policy.files.low(), policy.files.high());
        policy.files =
            range(text, "files", file.files, files, tftp_core::messenger::PortRange::new)?;
        if let Some(port) = file.t120.and_then(|t120| t120.port) {
            policy.t120 = number(text, "t120", "port", &port)?;
        }
        Ok(policy)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    sip: Option<Ends>,
    media: Option<Ends>,
    files: Option<Ends>,
    t120: Option<One>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ends {
    min: Option<Spanned<i64>>,
    max: Option<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct One {
    port: Option<Spanned<i64>>,
}

impl Ends {
    /// Where the later of them is said.
    fn line(&self, text: &str) -> usize {
        let lines =
            [&self.min, &self.max].into_iter().flatten().map(|end| line_at(text, end.span().start));
        lines.max().unwrap_or(1)
    }
}

/// A range by its two ends, either of which may be left to its default.
fn range<R, E: std::fmt::Display>(
    text: &str,
    table: &str,
    ends: Option<Ends>,
    (low, high): (u16, u16),
    new: impl FnOnce(u16, u16) -> Result<R, E>,
) -> Result<R> {
    let ends = ends.unwrap_or(Ends { min: None, max: None });
    let end = |name, end: &Option<Spanned<i64>>, default| {
        end.as_ref().map_or(Ok(default), |end| number(text, table, name, end))
    };
    let (low, high) = (end("min", &ends.min, low)?, end("max", &ends.max, high)?);
    new(low, high).map_err(|error| anyhow!("line {}: [{table}]: {error}", ends.line(text)))
}

fn number(text: &str, table: &str, name: &str, value: &Spanned<i64>) -> Result<u16> {
    let (lowest, highest) = (PortRange::MINIMUM, PortRange::MAXIMUM);
    u16::try_from(*value.get_ref()).ok().filter(|port| *port >= lowest).ok_or_else(|| {
        let line = line_at(text, value.span().start);
        let value = value.get_ref();
        anyhow!("line {line}: [{table}] {name} = {value} is outside of {lowest} to {highest}")
    })
}

fn line_at(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|octet| *octet == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::{Direction, Protocol};

    fn refusal(text: &str) -> String {
        Policy::parse(text).expect_err("it has to be refused").to_string()
    }

    #[test]
    fn nothing_said_is_the_default() {
        assert_eq!(Policy::parse("").expect("empty"), Policy::default());
        let policy = Policy::parse("[sip]\nmax = 7200\n").expect("one end");
        assert_eq!((policy.sip.low(), policy.sip.high()), (7100, 7200));
    }

    #[test]
    fn a_port_out_of_range_is_refused_with_its_line() {
        assert_eq!(
            refusal("[sip]\nmin = 1023\n"),
            "line 2: [sip] min = 1023 is outside of 1024 to 65535"
        );
        assert!(refusal("\n[media]\nmax = 65536").starts_with("line 3: [media] max"));
        assert!(refusal("[t120]\nport = -1").starts_with("line 2: [t120] port"));
    }

    #[test]
    fn crossed_ends_are_refused_with_their_line() {
        for table in ["sip", "media", "files"] {
            let reason = refusal(&format!("[{table}]\nmin = 8000\nmax = 7000\n"));
            assert!(reason.starts_with(&format!("line 3: [{table}]")), "{reason}");
        }
        assert!(
            refusal("[media]\nmin = 5351\nmax = 5352").starts_with("line 3: [media]"),
            "no pair"
        );
        // Above the default's high end.
        assert!(refusal("[files]\nmin = 7000").starts_with("line 2: [files]"));
    }

    #[test]
    fn what_is_not_known_is_refused_with_its_line() {
        assert!(
            refusal("[sip]\nmin = 7100\nmaximum = 7103")
                .starts_with("line 3: unknown field `maximum`")
        );
        assert!(refusal("[voice]\nmin = 7100").starts_with("line 1: unknown field `voice`"));
        assert!(refusal("[sip]\nmin = \"7100\"").starts_with("line 2: "));
        assert!(refusal("[sip\n").starts_with("line 1: "));
    }

    #[test]
    fn the_rules_follow_the_policy() {
        let rules = Policy::parse("[t120]\nport = 2000\n[media]\nmin = 6000\nmax = 6099")
            .expect("good")
            .rules();
        let has = |direction, protocol, low, high| {
            rules.iter().any(|r| {
                (r.direction, r.protocol, r.low, r.high) == (direction, protocol, low, high)
            })
        };
        for direction in [Direction::In, Direction::Out] {
            assert!(has(direction, Protocol::Tcp, 2000, 2000));
            assert!(has(direction, Protocol::Udp, 6000, 6099));
            assert!(has(direction, Protocol::Tcp, 6891, 6900));
        }
        assert!(has(Direction::In, Protocol::Tcp, 7100, 7103));
        assert!(!has(Direction::Out, Protocol::Tcp, 7100, 7103));
    }
}
