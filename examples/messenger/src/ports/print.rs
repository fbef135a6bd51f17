//! The table of ports, for people and for firewalls.

use std::fmt::Write;

use super::{Direction, Route, Rule};

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
        let (protocol, ports) = (rule.protocol.name().to_uppercase(), rule.ports());
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
            let (protocol, ports) = (rule.protocol.name(), rule.ports());
            let _ =
                writeln!(text, "\t\t{protocol} dport {ports} accept comment \"{}\"", rule.purpose);
        }
        text.push_str("\t}\n");
    }
    text.push_str("}\n");
    text
}

/// The table as commands for Windows' firewall, whose policy for what is not named is its own.
pub fn netsh(rules: &[Rule]) -> String {
    let mut text = String::new();
    for rule in rules {
        let (direction, place) = match rule.direction {
            Direction::In => ("in", "localport"),
            Direction::Out => ("out", "remoteport"),
        };
        let (protocol, ports, purpose) =
            (rule.protocol.name().to_uppercase(), rule.ports(), rule.purpose);
        let _ = write!(
            text,
            "netsh advfirewall firewall add rule name=\"Messenger: {purpose}\" \
             dir={direction} action=allow protocol={protocol} {place}={ports}\r\n"
        );
    }
    text
}
