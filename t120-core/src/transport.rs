//! The transport stack of T.123 for TCP: TPKT and X.224 class 0 on many connections at once, with
//! one queue of what is to be sent.

use core::time::Duration;

use crate::conference::Report;
use crate::error::{Error, Full, ParseError};
use crate::storage::{Records, Room};
use crate::x224::{self, Tpdu};
use crate::{mcs, tpkt};

/// Names a transport connection: a number of the host's choice, below the number of connections
/// that there is room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Connection(pub u16);

/// What `poll_transmit` has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Transmit {
    /// The connection on which it has to be sent.
    pub connection: Connection,
    /// Its length in octets, from the start of the buffer.
    pub len: usize,
}

/// What stands before the user data of a packet.
pub(crate) const FRAME: usize = tpkt::HEADER_LEN + x224::DATA_HEADER_LEN;

/// The greatest user data of a DT where the size of TPDUs was not negotiated (RFC 1006 section
/// 5: TPDUs of 65531 octets).
const DEFAULT_DATA: u16 = (tpkt::MAX_LEN - FRAME) as u16;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No connection.
    #[default]
    Closed,
    /// The peer has connected, and its CR has to come.
    Accepted,
    /// CR is sent, CC has to come.
    Called,
    /// TSDUs go both ways.
    Open,
}

/// One connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Link {
    pub(crate) phase: Phase,
    /// The greatest user data of a DT.
    data_limit: u16,
    pub(crate) mcs: mcs::provider::Peer,
    /// By when the connection has to stand.
    pub(crate) due: Option<Duration>,
    /// What the host has to be told.
    pub(crate) report: Option<Report>,
}

/// What a packet has brought.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Received<'d> {
    /// Nothing that the layer above has to know.
    Nothing,
    /// A whole TSDU.
    Tsdu(&'d [u8]),
    /// The last DT of a TSDU that stands in the assembly now.
    Assembled,
    /// The connection that was called for is open.
    Opened,
    /// The peer refused, or gave up.
    Refused,
}

#[derive(Debug)]
pub(crate) struct Transport<'s> {
    links: Room<'s, Link>,
    outbox: Outbox<'s>,
    /// TSDUs that came in several DT, marked with their connection.
    pub(crate) assembly: Records<'s>,
    max_packet: usize,
    /// How many connections have something to tell the host.
    reports: u32,
}

impl<'s> Transport<'s> {
    pub(crate) const fn new(
        links: Room<'s, Link>,
        outbox: Room<'s, u8>,
        assembly: Room<'s, u8>,
        max_packet: usize,
    ) -> Self {
        let outbox = Outbox { records: Records::new(outbox), head: 0 };
        Self { links, outbox, assembly: Records::new(assembly), max_packet, reports: 0 }
    }

    pub(crate) fn link(&self, connection: Connection) -> Option<&Link> {
        self.links.cells().get(usize::from(connection.0))
    }

    pub(crate) fn link_mut(&mut self, connection: Connection) -> Option<&mut Link> {
        self.links.cells_mut().get_mut(usize::from(connection.0))
    }

    pub(crate) fn connections(&self) -> impl Iterator<Item = (Connection, &Link)> {
        (0..=u16::MAX).map(Connection).zip(self.links.cells())
    }

    /// The host has to be told of a connection; what it was to be told before is out of date.
    pub(crate) fn report(&mut self, connection: Connection, report: Report) {
        if let Some(link) = self.link_mut(connection)
            && link.report.replace(report).is_none()
        {
            self.reports += 1;
        }
    }

    /// The next connection that the host has to be told of, and what.
    pub(crate) fn take_report(&mut self) -> Option<(Connection, Report)> {
        if self.reports == 0 {
            return None;
        }
        let found = self.connections().find(|(_, link)| link.report.is_some());
        let Some((connection, _)) = found else {
            self.reports = 0;
            return None;
        };
        self.reports -= 1;
        let report = self.link_mut(connection)?.report.take()?;
        Some((connection, report))
    }

    /// A stream was opened by us, or by the peer.
    pub(crate) fn open(&mut self, connection: Connection, called: bool) -> Result<(), Error> {
        self.links.reserve(usize::from(connection.0) + 1)?;
        let link = self.link_mut(connection).ok_or(Error::Unknown)?;
        if link.phase != Phase::Closed {
            return Err(Error::WrongState);
        }
        let phase = if called { Phase::Called } else { Phase::Accepted };
        *link = Link { phase, data_limit: DEFAULT_DATA, ..Link::default() };
        if called {
            let source = connection.0.wrapping_add(1).max(1);
            self.send_tpdu(connection, &Tpdu::ConnectionRequest(x224::Connection::new(source)))?;
        }
        Ok(())
    }

    /// Nothing goes out on the connection any more.
    pub(crate) fn close_quietly(&mut self, connection: Connection) {
        if let Some(link) = self.link_mut(connection) {
            link.phase = Phase::Closed;
        }
    }

    pub(crate) fn close(&mut self, connection: Connection) {
        if let Some(link) = self.link_mut(connection) {
            let told = link.report.is_some();
            *link = Link::default();
            self.reports -= u32::from(told && self.reports > 0);
        }
        if let Some(at) = self.assembly.find(u64::from(connection.0)).map(|record| record.at) {
            self.assembly.remove(at);
        }
    }

    fn send_tpdu(&mut self, connection: Connection, tpdu: &Tpdu<'_>) -> Result<(), Full> {
        let len = tpdu.encoded_len();
        self.outbox.push(true, [connection], len, |buffer| {
            let _ = tpdu.write(buffer);
        })
    }

    /// Queues a TSDU of `len` octets, which `write` fills in, for all `destinations`.
    pub(crate) fn send(
        &mut self,
        destinations: impl IntoIterator<Item = Connection>,
        len: usize,
        write: impl FnOnce(&mut [u8]),
    ) -> Result<(), Full> {
        self.outbox.push(false, destinations, len, write)
    }

    /// Takes one packet from the start of `octets`; says how many octets it has.
    pub(crate) fn receive<'d>(
        &mut self,
        connection: Connection,
        octets: &'d [u8],
    ) -> Result<(usize, Received<'d>), Error> {
        let max_packet = self.max_packet;
        let link = self.link_mut(connection).ok_or(Error::Unknown)?;
        if link.phase == Phase::Closed {
            return Err(Error::Unknown);
        }
        let Some(length) = tpkt::frame_len(octets)? else {
            return Ok((0, Received::Nothing));
        };
        if length > max_packet {
            return Err(Error::TooLong { length, limit: max_packet });
        }
        let Some(packet) = octets.get(..length) else { return Ok((0, Received::Nothing)) };
        let tpdu = packet.get(tpkt::HEADER_LEN..).unwrap_or_default();
        let phase = link.phase;
        let at = |error: ParseError| ParseError { at: error.at + tpkt::HEADER_LEN, ..error };
        let received = match (phase, Tpdu::parse_with(tpdu, x224::Strictness::Tolerant)) {
            (Phase::Open, Ok(Tpdu::Data { end_of_tsdu, user_data })) => {
                self.assemble(connection, end_of_tsdu, user_data)?
            }
            (Phase::Accepted, Ok(Tpdu::ConnectionRequest(request))) => {
                let mut confirm = x224::Connection::new(connection.0.wrapping_add(1).max(1));
                confirm.destination = request.source;
                confirm.tpdu_size = request.tpdu_size;
                link.open_with(request.tpdu_size);
                self.send_tpdu(connection, &Tpdu::ConnectionConfirm(confirm))?;
                Received::Nothing
            }
            (Phase::Called, Ok(Tpdu::ConnectionConfirm(confirm))) => {
                link.open_with(confirm.tpdu_size);
                Received::Opened
            }
            (_, Ok(Tpdu::DisconnectRequest { .. } | Tpdu::Error { .. })) => Received::Refused,
            (_, Ok(_)) => return Err(Error::UnexpectedPdu),
            (_, Err(error)) => {
                // X.224 section 6.6.2: say that it was no TPDU of ours.
                let error_tpdu = Tpdu::Error { destination: 0, cause: 2, variable: &[] };
                self.send_tpdu(connection, &error_tpdu)?;
                return Err(Error::Parse(at(error)));
            }
        };
        Ok((length, received))
    }

    fn assemble<'d>(
        &mut self,
        connection: Connection,
        end: bool,
        data: &'d [u8],
    ) -> Result<Received<'d>, Error> {
        let mark = u64::from(connection.0);
        let partial = if self.assembly.is_empty() { None } else { self.assembly.find(mark) };
        match partial {
            None if end => return Ok(Received::Tsdu(data)),
            None => {
                self.assembly.push(mark, data)?;
            }
            Some(record) => {
                let length = record.octets.len() + data.len();
                if length > self.max_packet {
                    return Err(Error::TooLong { length, limit: self.max_packet });
                }
                let at = record.at;
                self.assembly.extend(at, data)?;
            }
        }
        Ok(if end { Received::Assembled } else { Received::Nothing })
    }

    /// Writes the next packet; `Err` is the buffer's size that would do.
    pub(crate) fn poll(&mut self, buffer: &mut [u8]) -> Result<Option<Transmit>, usize> {
        let links = self.links.cells();
        let limit = |connection: Connection| {
            let link = links.get(usize::from(connection.0))?;
            (link.phase != Phase::Closed).then_some(usize::from(link.data_limit))
        };
        self.outbox.poll(buffer, limit)
    }
}

impl Link {
    /// No connection.
    pub(crate) const CLOSED: Self = Self {
        phase: Phase::Closed,
        data_limit: 0,
        mcs: mcs::provider::Peer::Idle,
        due: None,
        report: None,
    };

    fn open_with(&mut self, tpdu_size: Option<u16>) {
        self.phase = Phase::Open;
        if let Some(size) = tpdu_size {
            let data = size.saturating_sub(x224::DATA_HEADER_LEN as u16);
            self.data_limit = data.min(DEFAULT_DATA);
        }
    }
}

/// What is to be sent, in its order. A record is
/// `| next destination u16 | sent of it u32 | destinations n | n × u16 | octets … |`,
/// so that one copy of the octets serves all who get them.
#[derive(Debug)]
struct Outbox<'s> {
    records: Records<'s>,
    /// Where the first record that is not done stands.
    head: usize,
}

const ENTRY_HEAD: usize = 8;

struct Entry<'r> {
    next: u16,
    sent: u32,
    destinations: &'r [[u8; 2]],
    octets: &'r [u8],
}

impl<'r> Entry<'r> {
    fn read(record: &'r [u8]) -> Option<Self> {
        let (head, rest) = record.split_first_chunk::<ENTRY_HEAD>()?;
        let [n1, n2, s1, s2, s3, s4, d1, d2] = *head;
        let count = usize::from(u16::from_le_bytes([d1, d2]));
        let (destinations, octets) = rest.split_at_checked(count * 2)?;
        Some(Self {
            next: u16::from_le_bytes([n1, n2]),
            sent: u32::from_le_bytes([s1, s2, s3, s4]),
            destinations: destinations.as_chunks().0,
            octets,
        })
    }
}

impl Outbox<'_> {
    fn push(
        &mut self,
        raw: bool,
        destinations: impl IntoIterator<Item = Connection>,
        len: usize,
        write: impl FnOnce(&mut [u8]),
    ) -> Result<(), Full> {
        let start = match self.records.push(u64::from(raw), &[0; ENTRY_HEAD]) {
            Ok(at) => at,
            Err(_) => {
                self.records.drop_before(self.head);
                self.head = 0;
                self.records.push(u64::from(raw), &[0; ENTRY_HEAD])?
            }
        };
        let result = self.fill(start, destinations, len, write);
        if !matches!(result, Ok(true)) {
            self.records.truncate(start);
        }
        result.map(|_| ())
    }

    /// `Ok(false)` where nobody is there to get it.
    fn fill(
        &mut self,
        start: usize,
        destinations: impl IntoIterator<Item = Connection>,
        len: usize,
        write: impl FnOnce(&mut [u8]),
    ) -> Result<bool, Full> {
        let mut count = 0u16;
        for destination in destinations {
            self.records.extend(start, &destination.0.to_le_bytes())?;
            count = count.saturating_add(1);
        }
        if count == 0 {
            return Ok(false);
        }
        self.records.grow(start, len)?;
        if let Some(record) = self.records.octets_mut(start) {
            if let Some(field) = record.get_mut(6..8) {
                field.copy_from_slice(&count.to_le_bytes());
            }
            if let Some(octets) = record.get_mut(ENTRY_HEAD + usize::from(count) * 2..) {
                write(octets);
            }
        }
        Ok(true)
    }

    fn poll(
        &mut self,
        buffer: &mut [u8],
        limit: impl Fn(Connection) -> Option<usize>,
    ) -> Result<Option<Transmit>, usize> {
        loop {
            let Some(record) = self.records.get(self.head) else {
                self.records.clear();
                self.head = 0;
                return Ok(None);
            };
            let Some(entry) = Entry::read(record.octets) else {
                self.head = self.records.after(self.head);
                continue;
            };
            let Some(destination) = entry.destinations.get(usize::from(entry.next)) else {
                self.head = self.records.after(self.head);
                continue;
            };
            let connection = Connection(u16::from_le_bytes(*destination));
            let (next, sent) = (entry.next, entry.sent);
            let Some(limit) = limit(connection) else {
                self.advance(next + 1, 0);
                continue;
            };
            let raw = record.mark == 1;
            let left = entry.octets.get(sent as usize..).unwrap_or_default();
            let (piece, after) =
                if raw { (left, &[][..]) } else { left.split_at(limit.max(1).min(left.len())) };
            let head_len = if raw { tpkt::HEADER_LEN } else { FRAME };
            let len = head_len + piece.len();
            let Some(packet) = buffer.get_mut(..len) else { return Err(len) };
            let [h1, h2, h3, h4] = tpkt::header(len as u16);
            let [x1, x2, x3] = x224::data_header(after.is_empty());
            let head = [h1, h2, h3, h4, x1, x2, x3];
            let (packet_head, body) = packet.split_at_mut(head_len);
            packet_head.copy_from_slice(head.get(..head_len).unwrap_or_default());
            body.copy_from_slice(piece);
            if after.is_empty() {
                self.advance(next.wrapping_add(1), 0);
            } else {
                let sent = sent.wrapping_add(piece.len() as u32);
                self.advance(next, sent);
            }
            return Ok(Some(Transmit { connection, len }));
        }
    }

    fn advance(&mut self, next: u16, sent: u32) {
        if let Some(record) = self.records.octets_mut(self.head)
            && let Some(head) = record.first_chunk_mut::<6>()
        {
            let [n1, n2] = next.to_le_bytes();
            let [s1, s2, s3, s4] = sent.to_le_bytes();
            *head = [n1, n2, s1, s2, s3, s4];
        }
    }
}
