//! What else of ours is in a capture: TFTP, and the ports of T.120 and of Messenger's files. Named
//! in a summary, and not followed further.

use core::net::SocketAddr;
use std::collections::HashSet;

use tftp_core::packet::{Kind, Packet};

use super::calls::Seen;
use super::link::{Datagram, Segment};

/// Requests and connections that are kept.
const KEPT: usize = 1000;
/// The port of TFTP over UDP (RFC 1350).
const TFTP: u16 = 69;
/// The port of T.120 over TCP (T.123).
const T120: u16 = 1503;
/// The ports of Messenger's file transfer.
const FILES: core::ops::RangeInclusive<u16> = 6891..=6900;

/// A request for a file.
#[derive(Clone, Debug)]
pub(super) struct Transfer {
    pub(super) seen: Seen,
    pub(super) client: SocketAddr,
    pub(super) server: SocketAddr,
    /// Whether the client reads the file, or writes it.
    pub(super) reads: bool,
    pub(super) name: String,
}

/// A connection to a port of ours.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) seen: Seen,
    pub(super) client: SocketAddr,
    pub(super) server: SocketAddr,
    pub(super) protocol: &'static str,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Others {
    pub(super) transfers: Vec<Transfer>,
    pub(super) connections: Vec<Connection>,
    known: HashSet<(SocketAddr, SocketAddr)>,
}

impl Others {
    pub(super) fn datagram(&mut self, seen: Seen, datagram: &Datagram<'_>) {
        if datagram.to.port() != TFTP || self.transfers.len() >= KEPT {
            return;
        }
        if let Ok(Packet::Request(request)) = Packet::parse(datagram.payload) {
            self.transfers.push(Transfer {
                seen,
                client: datagram.from,
                server: datagram.to,
                reads: request.kind == Kind::Read,
                name: String::from_utf8_lossy(request.name).into_owned(),
            });
        }
    }

    pub(super) fn segment(&mut self, seen: Seen, segment: &Segment<'_>) {
        let ports = (segment.from.port(), segment.to.port());
        let protocol = |port| match port {
            T120 => Some("T.120"),
            port if FILES.contains(&port) => Some("Messenger file transfer"),
            _ => None,
        };
        let (client, server, protocol) = match (protocol(ports.0), protocol(ports.1)) {
            (_, Some(protocol)) => (segment.from, segment.to, protocol),
            (Some(protocol), None) => (segment.to, segment.from, protocol),
            (None, None) => return,
        };
        if self.connections.len() < KEPT && self.known.insert((client, server)) {
            self.connections.push(Connection { seen, client, server, protocol });
        }
    }
}
