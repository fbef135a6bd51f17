//! Which ports a messenger uses, and what a firewall has to let through for it.
//!
//! An administrator may fix every range in a policy file:
//!
//! ```toml
//! [sip]              # the client's own SIP port in clear mode
//! min = 7100
//! max = 7103
//! [media]            # audio: pairs of RTP and RTCP
//! min = 5350
//! max = 5353
//! [files]
//! min = 6891
//! max = 6900
//! [t120]
//! port = 1503
//! ```
//!
//! What is left out keeps its default. Ports go from 1024 to 65535, and no low end lies above its high end.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};
use sip_core::transport::PortRange;
use toml::Spanned;

/// Where the server takes SIP in clear.
pub const SERVER_CLEAR: u16 = 5060;

/// Where the server takes SIP over TLS.
pub const SERVER_TLS: u16 = 5061;

/// The ports that the messenger takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The client's own SIP port in clear mode, to which the server sends.
    pub sip: PortRange,
    /// Pairs of UDP ports for RTP and RTCP.
    pub media: rtp_core::ports::PortRange,
    /// Where the listening side of a file transfer waits.
    pub files: tftp_core::messenger::PortRange,
    /// Where one side of a whiteboard waits for the other.
    pub t120: u16,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            sip: PortRange::SIP,
            media: rtp_core::ports::PortRange::DEFAULT,
            files: tftp_core::messenger::PortRange::DEFAULT,
            t120: 1503,
        }
    }
}

impl Policy {
    /// Reads a policy file.
    pub fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("the policy {} cannot be read", file.display()))?;
        Self::parse(&text).map_err(|error| anyhow!("{}: {error}", file.display()))
    }

    /// Reads a policy from its text; an error names the line.
    pub fn parse(text: &str) -> Result<Self> {
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

    /// What a firewall has to let through.
    pub fn rules(&self) -> Vec<Rule> {
        use Direction::{In, Out};
        use Protocol::{Tcp, Udp};
        use Route::{Peer, Server};

        let server = |port| (port, port);
        let sip = (self.sip.low(), self.sip.high());
        let media = (self.media.low(), self.media.high());
        let files = (self.files.low(), self.files.high());
        let t120 = (self.t120, self.t120);
        [
            (
                Out,
                Tcp,
                server(SERVER_CLEAR),
                Server,
                "SIP in clear: sign-in, presence, messages, calls",
            ),
            (Out, Udp, server(SERVER_CLEAR), Server, "the same over UDP"),
            (
                Out,
                Tcp,
                server(SERVER_TLS),
                Server,
                "SIP over TLS: all of it on this connection alone",
            ),
            (In, Tcp, sip, Server, "SIP in clear: what the server sends to the client's own port"),
            (In, Udp, sip, Server, "the same over UDP"),
            (In, Udp, media, Peer, "audio and video: RTP and RTCP from the other side"),
            (Out, Udp, media, Peer, "audio and video: RTP and RTCP to the other side"),
            (In, Tcp, files, Peer, "files: the other side connects to this one"),
            (Out, Tcp, files, Peer, "files: this side connects to the other one"),
            (In, Tcp, t120, Peer, "whiteboard and sharing (T.120): the other side connects"),
            (Out, Tcp, t120, Peer, "whiteboard and sharing (T.120): this side connects"),
        ]
        .map(|(direction, protocol, (low, high), route, purpose)| Rule {
            direction,
            protocol,
            low,
            high,
            route,
            purpose,
        })
        .to_vec()
    }
}

/// Which way a connection is opened or a datagram goes, as this machine's firewall sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// To a port of this machine.
    In,
    /// To a port of another machine.
    Out,
}

/// What the ports are ports of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Streams.
    Tcp,
    /// Datagrams.
    Udp,
}

/// With whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Route {
    /// With the server only.
    Server,
    /// With any other client.
    Peer,
}

/// A row of the firewall's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Which way.
    pub direction: Direction,
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The first port, of this machine inwards and of the other one outwards.
    pub low: u16,
    /// The last port.
    pub high: u16,
    /// With whom.
    pub route: Route,
    /// What for.
    pub purpose: &'static str,
}

impl Rule {
    fn ports(&self) -> String {
        if self.low == self.high {
            self.low.to_string()
        } else {
            format!("{}-{}", self.low, self.high)
        }
    }

    const fn protocol(&self) -> &'static str {
        match self.protocol {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        }
    }
}

/// The table for a person.
pub fn text(rules: &[Rule]) -> String {
    let mut text = format!(
        "{:<9}  {:<8}  {:<11}  {:<12}  what for\n",
        "direction", "protocol", "ports", "with"
    );
    for rule in rules {
        let direction = match rule.direction {
            Direction::In => "in",
            Direction::Out => "out",
        };
        let with = match rule.route {
            Route::Server => "server",
            Route::Peer => "peer to peer",
        };
        let (protocol, ports) = (rule.protocol().to_uppercase(), rule.ports());
        let _ = writeln!(
            text,
            "{direction:<9}  {protocol:<8}  {ports:<11}  {with:<12}  {}",
            rule.purpose
        );
    }
    text.push_str(
        "\nPorts are this machine's inwards and the other machine's outwards. A client that signs in over TLS\n\
         needs no SIP port of its own.\n",
    );
    text
}

/// The table for a program.
pub fn json(rules: &[Rule]) -> String {
    format!("{:#}", serde_json::json!({ "rules": rules }))
}

/// The table as rules for `nft -f`.
pub fn nftables(rules: &[Rule]) -> String {
    let mut text = String::from(
        "# Lets the messenger's traffic through and nothing else; for a firewall that has rules already, copy those\n\
         # of both chains into it. Looking up names (DNS) is not among them.\n\
         table inet messenger {\n",
    );
    for (direction, chain) in [(Direction::In, "input"), (Direction::Out, "output")] {
        let interface = if direction == Direction::In { "iif" } else { "oif" };
        let _ = write!(
            text,
            "\tchain {chain} {{\n\
             \t\ttype filter hook {chain} priority filter; policy drop;\n\
             \t\t{interface} lo accept\n\
             \t\tct state established,related accept\n\
             \t\ticmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert }} accept\n"
        );
        for rule in rules.iter().filter(|rule| rule.direction == direction) {
            let (protocol, ports) = (rule.protocol(), rule.ports());
            let _ =
                writeln!(text, "\t\t{protocol} dport {ports} accept comment \"{}\"", rule.purpose);
        }
        text.push_str("\t}\n");
    }
    text.push_str("}\n");
    text
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
