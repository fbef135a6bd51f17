//! One transfer as the server keeps it: at most 256 octets with its place in the table.

use core::time::Duration;

use super::{Config, Grant};
use crate::error::{BufferTooSmall, Fault, ParseError};
use crate::flow::{Acked, Receiving, Sending, Taken, Timer, micros};
use crate::option::OptionSet;
use crate::packet::{DATA_HEADER, ErrorCode, Kind, Packet};
use crate::writer::Writer;
use crate::{Failure, Path, Read};

/// Where a transfer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The host has not answered the request yet.
    Asked,
    /// The first answer is under way; `due` when it is to be sent.
    Offering { due: bool },
    /// Blocks flow.
    Running,
    /// A write is whole; the last ACK is repeated on demand.
    Lingering,
    /// An ERROR has to be sent, and then the reason to be reported.
    Refusing { code: ErrorCode, message: &'static str, then: After },
    /// Over; to be reported and forgotten.
    Ended(Reason),
}

/// What follows an ERROR that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// The transfer is forgotten without a word.
    Forget,
    /// The host is told that it is released, after the reason where it does not know it.
    Release(Reason),
}

/// Why a transfer is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The host knows.
    Told,
    TimedOut,
    Unreachable,
    Replaced,
    /// What, and at which octet, as far as 16 bits go.
    Malformed(Fault, u16),
    /// Refused, and its ERROR sent.
    Refused,
}

impl Reason {
    pub(super) fn failure(self) -> Option<Failure<'static>> {
        match self {
            Self::Told | Self::Refused => None,
            Self::TimedOut => Some(Failure::TimedOut),
            Self::Unreachable => Some(Failure::Unreachable),
            Self::Replaced => Some(Failure::Replaced),
            Self::Malformed(what, at) => {
                Some(Failure::Malformed(ParseError { what, at: usize::from(at) }))
            }
        }
    }
}

/// An [`OptionSet`] in half the room: 0 and, of the size, `u64::MAX` stand for none.
#[derive(Clone, Copy, Debug)]
struct Packed {
    tsize: u64,
    blksize: u16,
    windowsize: u16,
    timeout: u8,
}

impl From<OptionSet> for Packed {
    fn from(set: OptionSet) -> Self {
        Self {
            tsize: set.tsize.unwrap_or(u64::MAX),
            blksize: set.blksize.unwrap_or(0),
            windowsize: set.windowsize.unwrap_or(0),
            timeout: set.timeout.unwrap_or(0),
        }
    }
}

impl From<Packed> for OptionSet {
    fn from(packed: Packed) -> Self {
        Self {
            tsize: (packed.tsize != u64::MAX).then_some(packed.tsize),
            blksize: (packed.blksize > 0).then_some(packed.blksize),
            windowsize: (packed.windowsize > 0).then_some(packed.windowsize),
            timeout: (packed.timeout > 0).then_some(packed.timeout),
        }
    }
}

/// A datagram that was written: where it goes, how long it is, what is to be read into it.
pub(super) type Outgoing = (Path, usize, Option<Read>);

#[derive(Debug)]
enum Flow {
    Sending(Sending),
    Receiving(Receiving),
}

/// One transfer.
#[derive(Debug)]
pub(crate) struct Transfer {
    pub(super) path: Path,
    /// The socket that the request came to.
    pub(super) asked_local: u16,
    /// The host knows that a lingering write is whole.
    pub(super) reported: bool,
    pub(super) phase: Phase,
    /// What of the request is compared with later ones.
    pub(super) digest: u32,
    /// When the client was last heard, in milliseconds that wrap: see [`Self::silent_ms`].
    heard_at: u32,
    options: Packed,
    pub(super) timer: Timer,
    flow: Flow,
}

impl Transfer {
    pub(super) fn new(
        path: Path,
        kind: Kind,
        options: OptionSet,
        digest: u32,
        now: u64,
        config: &Config,
    ) -> Self {
        let ceiling = options.timeout.map_or(u32::MAX, |s| u32::from(s).saturating_mul(1_000_000));
        let timer = Timer::new(
            short(config.first_timeout).min(ceiling),
            short(config.min_timeout),
            short(config.max_timeout).min(ceiling),
            config.tries,
        );
        let flow = match kind {
            Kind::Read => Flow::Sending(Sending::new(None, 1, 1, config.rollover)),
            Kind::Write => Flow::Receiving(Receiving::new(1, 1, config.rollover)),
        };
        Self {
            path,
            asked_local: path.local,
            reported: false,
            phase: Phase::Asked,
            digest,
            heard_at: millis(now),
            options: options.into(),
            timer,
            flow,
        }
    }

    /// The client has been heard.
    pub(super) fn heard(&mut self, now: u64) {
        self.heard_at = millis(now);
    }

    /// For how long the client has not been heard; no transfer lives long enough for it to wrap.
    pub(super) fn silent_ms(&self, now: u64) -> u32 {
        millis(now).wrapping_sub(self.heard_at)
    }

    pub(super) fn accept(&mut self, _now: u64, grant: &Grant, config: &Config) {
        if let Some(local) = grant.local {
            self.path.local = local;
        }
        let kind = match self.flow {
            Flow::Sending(_) => Kind::Read,
            Flow::Receiving(_) => Kind::Write,
        };
        let options = config.grant(&self.options(), kind, grant.size);
        let (blksize, window) = (options.blksize_or_default(), options.windowsize_or_default());
        self.options = options.into();
        self.phase = Phase::Offering { due: true };
        match &mut self.flow {
            Flow::Sending(sending) => {
                *sending = Sending::new(grant.size, blksize, window, config.rollover);
                if options.is_empty() {
                    // Without options the first block is the answer.
                    self.phase = Phase::Running;
                }
            }
            Flow::Receiving(receiving) => {
                *receiving = Receiving::new(blksize, window, config.rollover);
            }
        }
    }

    /// `None` where an ACK has no place here.
    pub(super) fn handle_ack(&mut self, now: u64, block: u16, _: &Config) -> Option<Acked> {
        let Flow::Sending(sending) = &mut self.flow else { return None };
        match self.phase {
            Phase::Offering { .. } => {
                if block == 0 {
                    sending.handle_consent(now, &mut self.timer);
                    self.phase = Phase::Running;
                }
                Some(Acked::Nothing)
            }
            Phase::Running => Some(sending.handle_ack(now, block, &mut self.timer)),
            _ => Some(Acked::Nothing),
        }
    }

    /// `Ok(None)` where DATA has no place here.
    pub(super) fn handle_data(
        &mut self,
        now: u64,
        block: u16,
        len: usize,
        config: &Config,
    ) -> Result<Option<Taken>, (ErrorCode, Failure<'static>)> {
        let Flow::Receiving(receiving) = &mut self.flow else { return Ok(None) };
        if !matches!(self.phase, Phase::Offering { .. } | Phase::Running | Phase::Lingering) {
            return Ok(Some(Taken::Nothing));
        }
        if len > receiving.blksize() {
            if self.phase == Phase::Lingering {
                return Ok(Some(Taken::Nothing));
            }
            let error = ParseError { what: Fault::BlockTooLong, at: receiving.blksize() };
            return Err((ErrorCode::IllegalOperation, Failure::Malformed(error)));
        }
        let taken = receiving.handle_data(now, block, len, &mut self.timer);
        if let Taken::Block { last, .. } = taken {
            self.phase = Phase::Running;
            let octets = receiving.octets();
            if octets > config.size_limit {
                return Err((ErrorCode::DiskFull, Failure::TooLong));
            }
            if last {
                self.phase = Phase::Lingering;
            }
        }
        Ok(Some(taken))
    }

    pub(super) fn handle_timeout(&mut self, now: u64) {
        if now < self.timer.deadline {
            return;
        }
        let goes_on = match (&mut self.phase, &mut self.flow) {
            (Phase::Lingering, _) => {
                self.end(Reason::Told);
                return;
            }
            (Phase::Asked | Phase::Refusing { .. } | Phase::Ended(_), _) => return,
            (Phase::Offering { due }, _) => {
                *due = true;
                let goes_on = self.timer.back_off();
                self.timer.start(now);
                goes_on
            }
            (Phase::Running, Flow::Sending(sending)) => {
                sending.handle_timeout(now, &mut self.timer)
            }
            (Phase::Running, Flow::Receiving(receiving)) => {
                receiving.handle_timeout(now, &mut self.timer)
            }
        };
        if !goes_on {
            self.end(Reason::TimedOut);
        }
    }

    /// Whether [`Self::transmit`] has something.
    pub(super) fn has_transmit(&self) -> bool {
        match (self.phase, &self.flow) {
            (Phase::Asked | Phase::Ended(_), _) => false,
            (Phase::Refusing { .. }, _) => true,
            (Phase::Offering { due }, Flow::Receiving(receiving)) => {
                due || receiving.ack().is_some()
            }
            (Phase::Offering { due }, _) => due,
            (_, Flow::Sending(sending)) => sending.piece().is_some(),
            (_, Flow::Receiving(receiving)) => receiving.ack().is_some(),
        }
    }

    pub(super) fn transmit(
        &mut self,
        now: u64,
        buffer: &mut [u8],
        config: &Config,
    ) -> Option<Result<Outgoing, BufferTooSmall>> {
        if !self.has_transmit() {
            return None;
        }
        let path = self.path;
        let whole = |len| (path, len, None);
        match (self.phase, &mut self.flow) {
            (Phase::Refusing { code, message, then }, _) => {
                let written = Packet::Error { code, message: message.as_bytes() }.write(buffer);
                Some(written.map(|len| {
                    self.end(match then {
                        After::Forget => Reason::Refused,
                        After::Release(reason) => reason,
                    });
                    whole(len)
                }))
            }
            (Phase::Offering { .. }, flow) => {
                let mut writer = Writer::new(buffer);
                let options = OptionSet::from(self.options);
                if options.is_empty() {
                    writer.octets(&[0, 4, 0, 0]);
                } else {
                    writer.octets(&[0, 6]);
                    options.emit(&mut writer);
                }
                Some(writer.finish().map(|len| {
                    self.phase = Phase::Offering { due: false };
                    self.timer.start(now);
                    match flow {
                        Flow::Sending(sending) => sending.offered(now, self.timer.is_fresh()),
                        Flow::Receiving(receiving) => receiving.sent(now, &mut self.timer),
                    }
                    whole(len)
                }))
            }
            (_, Flow::Sending(sending)) => {
                let piece = sending.piece()?;
                let len = DATA_HEADER.saturating_add(piece.len);
                let Some(header) =
                    buffer.get_mut(..len).and_then(|b| b.first_chunk_mut::<DATA_HEADER>())
                else {
                    return Some(Err(BufferTooSmall { needed: len }));
                };
                let [high, low] = piece.wire.to_be_bytes();
                *header = [0, 3, high, low];
                sending.sent(now, &mut self.timer);
                let read = Read { offset: piece.offset, at: DATA_HEADER, len: piece.len };
                Some(Ok((path, len, Some(read))))
            }
            (_, Flow::Receiving(receiving)) => {
                let block = receiving.ack()?;
                Some(Packet::Ack { block }.write(buffer).map(|len| {
                    receiving.sent(now, &mut self.timer);
                    if self.phase == Phase::Lingering {
                        self.timer.start_for(now, micros(config.linger));
                    }
                    whole(len)
                }))
            }
        }
    }

    /// Sends an ERROR, and then reports that the transfer is released, or nothing at all.
    pub(super) fn refuse(&mut self, code: ErrorCode, message: &'static str, release: bool) {
        let then = if release { After::Release(Reason::Told) } else { After::Forget };
        self.phase = Phase::Refusing { code, message, then };
        self.timer.stop();
    }

    /// Sends an ERROR, and then reports the reason.
    pub(super) fn fail(&mut self, code: ErrorCode, reason: Reason) {
        warn!("a transfer has failed: {}", code);
        let then = After::Release(reason);
        self.phase = Phase::Refusing { code, message: code.message(), then };
        self.timer.stop();
    }

    pub(super) fn end(&mut self, reason: Reason) {
        self.phase = Phase::Ended(reason);
        self.timer.stop();
    }

    pub(super) fn set_size(&mut self, size: u64) {
        if let Flow::Sending(sending) = &mut self.flow {
            sending.set_size(size);
        }
    }

    /// What was asked for, then what is granted.
    pub(super) fn options(&self) -> OptionSet {
        self.options.into()
    }

    /// Whether the client is known to have had the first answer.
    pub(super) fn has_begun(&self) -> bool {
        match (self.phase, &self.flow) {
            (Phase::Asked | Phase::Offering { .. }, _) => false,
            (_, Flow::Sending(sending)) => !sending.at_start() || !self.options().is_empty(),
            (_, Flow::Receiving(receiving)) => !receiving.at_start(),
        }
    }

    pub(super) fn is_refused(&self) -> bool {
        self.phase == Phase::Ended(Reason::Refused)
    }

    pub(super) fn octets(&self) -> u64 {
        match &self.flow {
            Flow::Sending(sending) => sending.octets(),
            Flow::Receiving(receiving) => receiving.octets(),
        }
    }
}

/// The lower 32 bits of the milliseconds in so many microseconds.
fn millis(micros: u64) -> u32 {
    (micros / 1000) as u32
}

/// Microseconds that fit the timer.
fn short(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}
