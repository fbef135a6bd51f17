//! The side that has the file.

use core::time::Duration;

use super::key::Secrets;
use super::line::{self, Line, Queue};
use super::{ByeCode, CHUNK, CHUNK_HEADER, Config, Dialect, Error, Event, NAME_LIMIT, Transmit};
use crate::error::{BufferTooSmall, ConfigError, Fault, ParseError};
use crate::writer::parse_decimal;

/// The part of the file that the [`Sender`] wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Read {
    /// Where it begins, in octets from the file's beginning.
    pub offset: u64,
    /// How many octets of the file are left from there; any part of them may be supplied.
    pub left: u64,
}

/// Sends one file over one connection.
///
/// ```text
///          VER        USR        TFR         all supplied    BYE received
///  Version --> User -----> Transfer --> Data ------------> Bye ----------> ended, Complete
///     any state: wrong line, silence, closed -> ended, Failed;  CCL, BYE -> ended, Cancelled
/// ```
///
/// The host reads the file where [`Sender::poll_read`] says, hands the octets to
/// [`Sender::supply`], and sends what that wrote.
///
/// ```
/// use core::time::Duration;
/// use tftp_core::messenger::{Config, Event, Key, Keys, Sender};
///
/// let keys = Keys { encryption: Key::new([1; 24]), hash: Key::new([2; 24]) };
/// let file = b"hello";
/// let now = Duration::ZERO;
/// let mut sender = Sender::new(now, &Config::new("bob@example.test", 7, 5, keys)).unwrap();
///
/// let mut buffer = [0; 4096];
/// let mut sent = Vec::new();
/// let lines: [&[u8]; 3] = [b"VER MSN_SECURE_FTP\r\n", b"USR bob@example.test 7\r\n", b"TFR\r\n"];
/// for line in lines {
///     let (used, _) = sender.handle_stream(now, line).unwrap();
///     assert_eq!(used, line.len());
///     while let Some(transmit) = sender.poll_transmit(now, &mut buffer) {
///         sent.extend_from_slice(&buffer[..transmit.len]);
///     }
/// }
/// while let Some(read) = sender.poll_read() {
///     let data = &file[read.offset as usize..];
///     let (used, transmit) = sender.supply(now, data, &mut buffer).unwrap();
///     assert_eq!((used, transmit.len), (5, 8));
///     sent.extend_from_slice(&buffer[..transmit.len]);
/// }
/// let (_, event) = sender.handle_stream(now, b"BYE 16777989\r\n").unwrap();
/// assert_eq!(event, Some(Event::Complete));
/// ```
#[derive(Debug)]
pub struct Sender {
    state: State,
    dialect: Dialect,
    secrets: Option<Secrets>,
    name: heapless::String<NAME_LIMIT>,
    auth_cookie: u32,
    size: u64,
    sent: u64,
    silence: Duration,
    deadline: Duration,
    /// How many octets of the peer's stream were used, for the place of an error.
    used: usize,
    lines: Queue,
    event: Option<Event<'static>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Version,
    User,
    Transfer,
    Data,
    Bye,
    Ended,
}

impl Sender {
    /// A sender for a connection that has just been opened, by either side.
    ///
    /// # Errors
    /// [`ConfigError::Name`] where the receiver's name cannot stand in a USR line.
    pub fn new(now: Duration, config: &Config<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            state: State::Version,
            dialect: config.dialect(),
            secrets: config.keys.as_ref().map(Secrets::new),
            name: config.checked_name()?,
            auth_cookie: config.auth_cookie,
            size: config.size,
            sent: 0,
            silence: config.silence,
            deadline: now.saturating_add(config.silence),
            used: 0,
            lines: Queue::new(),
            event: None,
        })
    }

    /// Takes octets that came on the connection, cut anywhere: says how many it used, at most one
    /// line. The host keeps the rest, and calls again as long as it uses some.
    ///
    /// # Errors
    /// Why the transfer has ended. The host drains `poll_transmit` and closes the connection.
    pub fn handle_stream<'d>(
        &mut self,
        now: Duration,
        octets: &'d [u8],
    ) -> Result<(usize, Option<Event<'d>>), Error> {
        if self.state == State::Ended {
            // What comes behind the end is of no interest.
            return Ok((octets.len(), None));
        }
        if !self.lines.is_empty() || octets.is_empty() {
            return Ok((0, None));
        }
        let taken = line::take(octets).inspect_err(|_| self.state = State::Ended)?;
        let Some((used, line)) = taken else { return Ok((0, None)) };
        self.deadline = now.saturating_add(self.silence);
        let event = self.handle_line(line).inspect_err(|_| self.state = State::Ended)?;
        self.used = self.used.saturating_add(used);
        Ok((used, event))
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

    /// Turns octets of the file, beginning where [`Self::poll_read`] says, into chunks: says how
    /// many of them it took, and how many octets of `buffer` there are to send. The longer both
    /// are, the fewer calls; the shortest useful buffer has 4 octets, a full chunk takes 2048.
    ///
    /// Where the file turns out shorter than its size, the host calls [`Self::cancel`].
    ///
    /// # Errors
    /// [`Error::NotWanted`] unless [`Self::poll_read`] asks for octets, [`Error::BufferTooSmall`]
    /// where no chunk fits.
    pub fn supply(
        &mut self,
        now: Duration,
        data: &[u8],
        buffer: &mut [u8],
    ) -> Result<(usize, Transmit), Error> {
        let read = self.poll_read().ok_or(Error::NotWanted)?;
        let left = usize::try_from(read.left).unwrap_or(usize::MAX);
        let mut data = data.get(..left).unwrap_or(data);
        if buffer.len() <= CHUNK_HEADER {
            return Err(BufferTooSmall { needed: CHUNK_HEADER + CHUNK }.into());
        }
        let (mut taken, mut len) = (0usize, 0usize);
        while !data.is_empty() {
            let room = buffer.len().saturating_sub(len).saturating_sub(CHUNK_HEADER);
            let payload = data.len().min(CHUNK);
            // Another short chunk only to fill the buffer is not worth its header.
            if room == 0 || (room < payload && len > 0) {
                break;
            }
            let Some((plain, rest)) = data.split_at_checked(payload.min(room)) else { break };
            let Some(chunk) = buffer.get_mut(len..) else { break };
            let Some((header, chunk)) = chunk.split_first_chunk_mut::<CHUNK_HEADER>() else {
                break;
            };
            let Some(chunk) = chunk.get_mut(..plain.len()) else { break };
            // A chunk is at most 2045 octets long.
            let [low, high] = u16::try_from(plain.len()).unwrap_or(0).to_le_bytes();
            *header = [0, low, high];
            match &mut self.secrets {
                Some(secrets) => secrets.seal(plain, chunk),
                None => chunk.copy_from_slice(plain),
            }
            taken = taken.saturating_add(plain.len());
            len = len.saturating_add(CHUNK_HEADER).saturating_add(plain.len());
            data = rest;
        }
        self.sent = self.sent.saturating_add(taken as u64);
        self.deadline = now.saturating_add(self.silence);
        if self.sent == self.size {
            self.state = State::Bye;
        }
        Ok((taken, Transmit { len }))
    }

    /// Gives up: the peer is told with a chunk of type 1 where it waits for chunks; the event
    /// [`Event::Cancelled`] says that it is done. The host closes the connection then.
    pub fn cancel(&mut self, _now: Duration) {
        if self.state == State::Ended {
            return;
        }
        if self.state == State::Data {
            let _ = self.lines.push_back(Line::End);
        }
        self.state = State::Ended;
        self.event = Some(Event::Cancelled { code: ByeCode::SenderCancelled });
    }

    /// When to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        (self.state != State::Ended).then_some(self.deadline)
    }

    /// Which part of the file is wanted now, if any.
    #[must_use]
    pub fn poll_read(&self) -> Option<Read> {
        if self.state != State::Data || !self.lines.is_empty() {
            return None;
        }
        Some(Read { offset: self.sent, left: self.size.saturating_sub(self.sent) })
    }

    /// How many octets of the file were handed to the connection.
    #[must_use]
    pub const fn transferred(&self) -> u64 {
        self.sent
    }

    /// Whether the transfer has ended, well or not.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    fn handle_line<'d>(&mut self, line: &[u8]) -> Result<Option<Event<'d>>, Error> {
        if let Some(code) = line::farewell(line) {
            return self.handle_farewell(code);
        }
        match self.state {
            State::Version => {
                if !line::offers(line, self.dialect) {
                    return Err(Error::WrongVersion);
                }
                let _ = self.lines.push_back(Line::Version(self.dialect));
                self.state = State::User;
                Ok(None)
            }
            State::User => {
                let mut words = line::words(line);
                let (verb, name, cookie) = (words.next(), words.next(), words.next());
                let (Some(b"USR"), Some(name), Some(cookie)) = (verb, name, cookie) else {
                    return Err(self.unexpected());
                };
                if !name.eq_ignore_ascii_case(self.name.as_bytes()) {
                    return Err(Error::WrongName);
                }
                // The time this takes must not tell how much of a guess is right.
                let said = parse_decimal(cookie).unwrap_or(u64::MAX);
                let right = subtle::ConstantTimeEq::ct_eq(&said, &u64::from(self.auth_cookie));
                if !bool::from(right) {
                    return Err(Error::WrongCookie);
                }
                let _ = self.lines.push_back(Line::File(self.size));
                self.state = State::Transfer;
                Ok(None)
            }
            State::Transfer if line::words(line).next() == Some(b"TFR") => {
                self.state = if self.size == 0 { State::Bye } else { State::Data };
                Ok(Some(Event::Started))
            }
            _ => Err(self.unexpected()),
        }
    }

    fn handle_farewell<'d>(&mut self, code: ByeCode) -> Result<Option<Event<'d>>, Error> {
        if code == ByeCode::Received {
            if self.state != State::Bye {
                // It cannot have what was not sent.
                return Err(self.unexpected());
            }
            if let Some(secrets) = &self.secrets {
                let _ = self.lines.push_back(Line::Mac(secrets.mac_text()));
            }
            self.state = State::Ended;
            return Ok(Some(Event::Complete));
        }
        self.state = State::Ended;
        Ok(Some(Event::Cancelled { code }))
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
