//! The transport stack of T.123 for TCP: TPKT and X.224 class 0 on many connections at once, with
//! one queue of what is to be sent.

mod outbox;

use core::time::Duration;

use outbox::{Outbox, Readiness, Sent};

use crate::conference::{Purpose, Report};
use crate::error::{Error, Full, ParseError};
use crate::mcs::provider::link::NO_LANE;
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
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) phase: Phase,
    /// The greatest user data of a DT.
    data_limit: u16,
    pub(crate) mcs: mcs::provider::Peer,
    /// By when the connection has to stand.
    pub(crate) due: Option<Duration>,
    /// What the host has to be told.
    pub(crate) report: Option<Report>,
    /// What it was opened for.
    pub(crate) purpose: Purpose,
    /// How many transport connections of this MCS connection are still to come.
    pub(crate) missing: u8,
    /// The stream takes nothing at present.
    paused: bool,
    /// The further transport connections of this MCS connection: high, medium, low.
    pub(crate) lanes: [u16; 3],
    /// What the called provider calls this MCS connection.
    pub(crate) called_connect_id: u32,
    /// How many TSDUs wait to be sent.
    queued: u32,
    /// How many were sent since the time below.
    sent: u32,
    /// Since when something has waited all the time.
    since: Option<Duration>,
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
    /// How many connections have something waiting that their streams do not take.
    slow: u32,
    /// Whether any MCS connection has had more than one transport connection.
    pub(crate) lanes: bool,
}

impl<'s> Transport<'s> {
    pub(crate) const fn new(
        links: Room<'s, Link>,
        outbox: Room<'s, u8>,
        assembly: Room<'s, u8>,
        max_packet: usize,
    ) -> Self {
        let outbox = Outbox::new(outbox);
        Self {
            links,
            outbox,
            assembly: Records::new(assembly),
            max_packet,
            reports: 0,
            slow: 0,
            lanes: false,
        }
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
        *link = Link { phase, data_limit: DEFAULT_DATA, ..Link::CLOSED };
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
        // What waits for it is to be forgotten.
        self.outbox.rewind();
    }

    pub(crate) fn close(&mut self, connection: Connection) {
        if let Some(link) = self.link_mut(connection) {
            let (told, slow) = (link.report.is_some(), link.since.is_some());
            *link = Link::CLOSED;
            self.reports -= u32::from(told && self.reports > 0);
            self.slow -= u32::from(slow && self.slow > 0);
        }
        if let Some(at) = self.assembly.find(u64::from(connection.0)).map(|record| record.at) {
            self.assembly.remove(at);
        }
    }

    fn send_tpdu(&mut self, connection: Connection, tpdu: &Tpdu<'_>) -> Result<(), Full> {
        let len = tpdu.encoded_len();
        let links = self.links.cells_mut();
        let write = |buffer: &mut [u8]| {
            let _ = tpdu.write(buffer);
        };
        self.outbox.push(true, [connection], len, |to| to, |to| count(links, to), write)
    }

    /// Queues a TSDU of `len` octets, which `write` fills in, for all `destinations`.
    pub(crate) fn send(
        &mut self,
        destinations: impl IntoIterator<Item = Connection>,
        len: usize,
        write: impl FnOnce(&mut [u8]),
    ) -> Result<(), Full> {
        let links = self.links.cells_mut();
        self.outbox.push(false, destinations, len, |to| to, |to| count(links, to), write)
    }

    /// The same for data: on the transport connections of its priority.
    pub(crate) fn send_on(
        &mut self,
        lane: u8,
        destinations: impl IntoIterator<Item = Connection>,
        len: usize,
        write: impl FnOnce(&mut [u8]),
    ) -> Result<(), Full> {
        let lanes = self.lanes;
        if lane == 0 || !lanes {
            return self.send(destinations, len, write);
        }
        // Few have more than one transport connection: where each goes is looked up twice.
        let links = core::cell::RefCell::new(self.links.cells_mut());
        let route = |to: Connection| {
            let links = links.try_borrow();
            let first = links.ok().and_then(|links| links.get(usize::from(to.0)).copied());
            first.map_or(to, |first| first.lane(to, lane))
        };
        let queued = |to: Connection| {
            if let Ok(mut links) = links.try_borrow_mut() {
                count(&mut links, to);
            }
        };
        self.outbox.push(false, destinations, len, route, queued, write)
    }

    /// The transport connection of an MCS connection that carries a priority.
    pub(crate) fn lane(&self, first: Connection, lane: u8) -> Connection {
        self.link(first).map_or(first, |link| link.lane(first, lane))
    }

    /// Whether so much waits to be sent that nothing more should be taken in.
    pub(crate) fn is_congested(&self) -> bool {
        self.outbox.is_half_full()
    }

    /// Whether nothing waits to be sent.
    pub(crate) const fn is_idle(&self) -> bool {
        self.outbox.is_empty()
    }

    /// The stream takes nothing for now, or takes something again.
    pub(crate) fn set_paused(&mut self, connection: Connection, paused: bool) -> Result<(), Error> {
        let link = self.link_mut(connection).ok_or(Error::Unknown)?;
        link.paused = paused;
        if !paused {
            self.outbox.rewind();
        }
        Ok(())
    }

    /// When the first of the connections whose streams are slow has been so for `interval`.
    pub(crate) fn first_slow(&self, interval: Duration) -> Option<Duration> {
        if self.slow == 0 {
            return None;
        }
        let since = self.links.cells().iter().filter_map(|link| link.since).min();
        since.map(|since| since.saturating_add(interval))
    }

    /// A connection whose stream has taken less than `least` TSDUs in each `interval`, although
    /// they have waited all the time.
    pub(crate) fn take_offender(
        &mut self,
        now: Duration,
        interval: Duration,
        least: u32,
    ) -> Option<Connection> {
        if self.slow == 0 {
            return None;
        }
        for (number, link) in (0..=u16::MAX).zip(self.links.cells_mut()) {
            if link.since.is_none_or(|since| since.saturating_add(interval) > now) {
                continue;
            }
            let sent = core::mem::take(&mut link.sent);
            link.since = Some(now);
            if sent < least {
                return Some(Connection(number));
            }
        }
        None
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
    pub(crate) fn poll(
        &mut self,
        now: Duration,
        buffer: &mut [u8],
    ) -> Result<Option<Transmit>, usize> {
        let Self { links, outbox, slow, .. } = self;
        let links = links.cells_mut();
        let state = |connection: Connection| {
            let link = links.get_mut(usize::from(connection.0));
            match link {
                Some(link) if link.phase == Phase::Closed => Readiness::Closed,
                None => Readiness::Closed,
                Some(link) if link.paused => {
                    if link.since.is_none() {
                        (link.since, link.sent) = (Some(now), 0);
                        *slow = slow.saturating_add(1);
                    }
                    Readiness::Paused
                }
                Some(link) => Readiness::Ready(usize::from(link.data_limit)),
            }
        };
        let sent = outbox.poll(buffer, state)?;
        if let Some(Sent { connection, end: true, .. }) = sent
            && let Some(link) = links.get_mut(usize::from(connection.0))
        {
            link.queued = link.queued.saturating_sub(1);
            link.sent = link.sent.saturating_add(1);
            if link.queued == 0 && link.since.take().is_some() {
                *slow = slow.saturating_sub(1);
            }
        }
        Ok(sent.map(|sent| Transmit { connection: sent.connection, len: sent.len }))
    }
}

/// One more TSDU waits for this connection.
fn count(links: &mut [Link], to: Connection) {
    if let Some(link) = links.get_mut(usize::from(to.0)) {
        link.queued = link.queued.saturating_add(1);
    }
}

impl Default for Link {
    fn default() -> Self {
        Self::CLOSED
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
        purpose: Purpose::Accepted,
        missing: 0,
        paused: false,
        lanes: [NO_LANE; 3],
        called_connect_id: 0,
        queued: 0,
        sent: 0,
        since: None,
    };

    fn lane(&self, first: Connection, lane: u8) -> Connection {
        let place = usize::from(lane).checked_sub(1).and_then(|at| self.lanes.get(at));
        place.filter(|number| **number != NO_LANE).map_or(first, |number| Connection(*number))
    }

    fn open_with(&mut self, tpdu_size: Option<u16>) {
        self.phase = Phase::Open;
        if let Some(size) = tpdu_size {
            let data = size.saturating_sub(x224::DATA_HEADER_LEN as u16);
            self.data_limit = data.min(DEFAULT_DATA);
        }
    }
}
