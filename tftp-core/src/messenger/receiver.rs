//! The side that the file is for.

use core::time::Duration;

use super::key::Secrets;
use super::line::{self, Line, Queue};
use super::{ByeCode, CHUNK_HEADER, Config, Dialect, Error, Event, NAME_LIMIT, Transmit};
use crate::error::{BufferTooSmall, ConfigError, Fault, ParseError};
use crate::writer::parse_decimal;

/// Receives one file over one connection.
///
/// ```text
///           VER        FIL         size reached         MAC
///  Version ----> File ----> Data --------------> Mac ---------> ended, Complete
///                             |  size reached, MSNFTP
///                             +-------------------------------> ended, Complete
///     any state: wrong line, size or MAC, silence, closed -> ended, Failed
///                BYE, chunk of type 1 -> ended, Cancelled
/// ```
#[derive(Debug)]
pub struct Receiver {
    state: State,
    dialect: Dialect,
    secrets: Option<Secrets>,
    name: heapless::String<NAME_LIMIT>,
    auth_cookie: u32,
    size: u64,
    received: u64,
    /// What is left of the chunk that is coming in.
    chunk_left: usize,
    silence: Duration,
    deadline: Duration,
    used: usize,
    lines: Queue,
    event: Option<Event<'static>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Version,
    File,
    Data,
    Mac,
    Ended,
}

impl Receiver {
    /// A receiver for a connection that has just been opened, by either side. It speaks first.
    ///
    /// # Errors
    /// [`ConfigError::Name`] where the name cannot stand in a USR line.
    pub fn new(now: Duration, config: &Config<'_>) -> Result<Self, ConfigError> {
        let mut lines = Queue::new();
        let _ = lines.push_back(Line::Version(config.dialect()));
        Ok(Self {
            state: State::Version,
            dialect: config.dialect(),
            secrets: config.keys.as_ref().map(Secrets::new),
            name: config.checked_name()?,
            auth_cookie: config.auth_cookie,
            size: config.size,
            received: 0,
            chunk_left: 0,
            silence: config.silence,
            deadline: now.saturating_add(config.silence),
            used: 0,
            lines,
            event: None,
        })
    }

    /// Takes octets that came on the connection, cut anywhere: says how many it used, and what they
    /// mean. The host keeps the rest, and calls again as long as it uses some.
    ///
    /// The octets of the file are deciphered where they stand, which is why the host lends them
    /// for writing; those that were not used are not changed.
    ///
    /// # Errors
    /// Why the transfer has ended. The host closes the connection and drops what it has of the
    /// file.
    pub fn handle_stream<'d>(
        &mut self,
        now: Duration,
        octets: &'d mut [u8],
    ) -> Result<(usize, Option<Event<'d>>), Error> {
        if self.state == State::Ended {
            // What comes behind the end is of no interest.
            return Ok((octets.len(), None));
        }
        if !self.lines.is_empty() || octets.is_empty() {
            return Ok((0, None));
        }
        let result = match self.state {
            State::Data => self.handle_chunk(octets),
            _ => self.handle_line(octets),
        };
        match &result {
            Ok((0, _)) => {}
            Ok((used, _)) => {
                self.used = self.used.saturating_add(*used);
                self.deadline = now.saturating_add(self.silence);
            }
            Err(_) => self.state = State::Ended,
        }
        result
    }

    /// The connection has ended, or could not be opened.
    pub fn handle_closed(&mut self, _now: Duration) {
        self.fail(Error::Closed);
    }

    /// The time that [`Self::poll_timeout`] asked for has come.
    pub fn handle_timeout(&mut self, now: Duration) {
        if now >= self.deadline {
            self.fail(Error::TimedOut);
        }
    }

    /// Writes the next line to send. [`TRANSMIT_LEN`](super::TRANSMIT_LEN) octets are enough.
    #[must_use]
    pub fn poll_transmit(&mut self, _now: Duration, buffer: &mut [u8]) -> Option<Transmit> {
        let line = self.lines.front()?;
        match line.write(&self.name, self.auth_cookie, buffer) {
            Ok(len) => {
                self.lines.pop_front();
                Some(Transmit { len })
            }
            Err(BufferTooSmall { needed }) => {
                self.event.get_or_insert(Event::BufferTooSmall { needed });
                None
            }
        }
    }

    /// What came of time, of the end of the connection, or of the host's own calls.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event<'static>> {
        self.event.take()
    }

    /// Gives up and tells the peer why: [`ByeCode::ReceiverCancelled`] goes as `CCL`, any other
    /// code as `BYE`. The event [`Event::Cancelled`] says that it is done; the host sends what
    /// there is, and closes the connection.
    ///
    /// A host that cannot keep the last octets of the file says so before it goes on to
    /// `poll_transmit`: the peer is not told then that they were received.
    pub fn cancel(&mut self, _now: Duration, code: ByeCode) {
        if matches!(self.lines.back(), Some(Line::Bye(ByeCode::Received))) {
            let _ = self.lines.pop_back();
        } else if self.state == State::Ended {
            return;
        }
        let line = match code {
            ByeCode::ReceiverCancelled => Line::Cancel,
            code => Line::Bye(code),
        };
        let _ = self.lines.push_back(line);
        self.state = State::Ended;
        self.event = Some(Event::Cancelled { code });
    }

    /// When to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        (self.state != State::Ended).then_some(self.deadline)
    }

    /// How many octets of the file have come.
    #[must_use]
    pub const fn transferred(&self) -> u64 {
        self.received
    }

    /// Whether the transfer has ended, well or not.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    fn handle_line<'d>(&mut self, octets: &[u8]) -> Result<(usize, Option<Event<'d>>), Error> {
        if self.state == State::Mac && octets.first() == Some(&1) {
            // Some senders of chunks end with a chunk of type 1 although the size is reached.
            return Ok(if octets.len() < CHUNK_HEADER { (0, None) } else { (CHUNK_HEADER, None) });
        }
        let Some((used, line)) = line::take(octets)? else { return Ok((0, None)) };
        if let Some(code) = line::farewell(line) {
            self.state = State::Ended;
            return Ok((used, Some(Event::Cancelled { code })));
        }
        let event = match self.state {
            State::Version => {
                if !line::offers(line, self.dialect) {
                    return Err(Error::WrongVersion);
                }
                let _ = self.lines.push_back(Line::User);
                self.state = State::File;
                None
            }
            State::File => {
                let mut words = line::words(line);
                let (Some(b"FIL"), Some(size)) = (words.next(), words.next()) else {
                    return Err(self.unexpected());
                };
                let said = parse_decimal(size).ok_or(self.unexpected())?;
                if said != self.size {
                    return Err(Error::WrongSize { announced: self.size, said });
                }
                let _ = self.lines.push_back(Line::Transfer);
                self.state = State::Data;
                Some(Event::Started)
            }
            State::Mac => {
                // The NUL that known senders write behind the text may be missing.
                let text = line.strip_suffix(b"\0").unwrap_or(line);
                let Some(text) = text.strip_prefix(b"MAC ") else { return Err(self.unexpected()) };
                if !self.secrets.as_ref().is_some_and(|secrets| secrets.verify(text)) {
                    return Err(Error::WrongMac);
                }
                self.state = State::Ended;
                Some(Event::Complete)
            }
            State::Data | State::Ended => None,
        };
        if self.state == State::Data && self.size == 0 {
            self.finish_data();
        }
        Ok((used, event))
    }

    fn handle_chunk<'d>(
        &mut self,
        octets: &'d mut [u8],
    ) -> Result<(usize, Option<Event<'d>>), Error> {
        let mut header_len = 0;
        let mut payload = octets;
        if self.chunk_left == 0 {
            let Some(([kind, low, high], rest)) = payload.split_first_chunk_mut::<CHUNK_HEADER>()
            else {
                return Ok((0, None));
            };
            let len = u16::from_le_bytes([*low, *high]);
            match *kind {
                0 => {}
                1 => {
                    self.state = State::Ended;
                    let code = ByeCode::SenderCancelled;
                    return Ok((CHUNK_HEADER, Some(Event::Cancelled { code })));
                }
                _ => {
                    let what = Fault::ChunkType;
                    return Err(Error::Parse(ParseError { what, at: self.used }));
                }
            }
            if u64::from(len) > self.size.saturating_sub(self.received) {
                return Err(Error::TooMuchData);
            }
            self.chunk_left = usize::from(len);
            header_len = CHUNK_HEADER;
            payload = rest;
        }
        let len = payload.len().min(self.chunk_left);
        if len == 0 {
            return Ok((header_len, None));
        }
        let (data, _) = payload.split_at_mut_checked(len).unwrap_or_default();
        if let Some(secrets) = &mut self.secrets {
            secrets.open(data);
        }
        let offset = self.received;
        self.received = self.received.saturating_add(len as u64);
        self.chunk_left = self.chunk_left.saturating_sub(len);
        if self.received == self.size {
            self.finish_data();
        }
        Ok((header_len.saturating_add(len), Some(Event::Data { offset, data })))
    }

    /// All octets are there: the peer is told, and has the MAC to send.
    fn finish_data(&mut self) {
        let _ = self.lines.push_back(Line::Bye(ByeCode::Received));
        if self.dialect == Dialect::Secure {
            self.state = State::Mac;
        } else {
            self.state = State::Ended;
            self.event = Some(Event::Complete);
        }
    }

    const fn unexpected(&self) -> Error {
        Error::Parse(ParseError { what: Fault::Command, at: self.used })
    }

    fn fail(&mut self, error: Error) {
        if self.state != State::Ended {
            self.state = State::Ended;
            self.lines.clear();
            self.event = Some(Event::Failed(error));
        }
    }
}
