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
//! The names that Windows Messenger's policy had are taken as well, one a line or as an export of the registry:
//!
//! ```text
//! MinSipDynamicPort=7100
//! "MaxSipDynamicPort"=dword:00001bbf
//! "MinMediaPort"=dword:000014e6
//! "MaxMediaPort"=dword:000014e9
//! ```

mod policy;
mod print;
mod registry;

use serde::Serialize;
use sip_core::transport::PortRange;

pub use self::print::{json, netsh, nftables, text};

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

impl Protocol {
    /// As nftables spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
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
    pub(crate) fn ports(&self) -> String {
        if self.low == self.high {
            self.low.to_string()
        } else {
            format!("{}-{}", self.low, self.high)
        }
    }
}
