//! A SIP connection over anything that reads and writes octets asynchronously: a TCP socket, or a
//! TLS session on top of one.
//!
//! ```
//! # use sip_core::adapter::embedded_io::{Connection, ReceiveError};
//! # use sip_core::agent::{Agent, Event};
//! # use embedded_io_async::{Read, Write};
//! # use core::time::Duration;
//! # fn clock() -> Duration { Duration::ZERO }
//! # fn show(_: Event<'_>) {}
//! /// Takes what comes on a connection until it ends.
//! async fn read<C: Read + Write>(
//!     connection: &mut Connection<'_, C>,
//!     agent: &mut Agent<'_>,
//! ) -> Result<(), ReceiveError<C::Error>> {
//!     let path = connection.path();
//!     while connection.receive().await? > 0 {
//!         loop {
//!             let now = clock();
//!             match connection.next(|bytes| agent.handle_stream(now, path, bytes)) {
//!                 Ok(Some(event)) => show(event),
//!                 Ok(None) => break,
//!                 Err(_) => return Ok(()), // send what is queued, then close
//!             }
//!             // ... and here the drain: poll_transmit into connection.send, poll_event
//!         }
//!     }
//!     agent.handle_closed(clock(), path);
//!     Ok(())
//! }
//! ```

use core::fmt;

use embedded_io_async::{Read, Write};

use crate::transport::Path;

/// A connection with the octets that it brought and nobody has used yet.
#[derive(Debug)]
pub struct Connection<'b, C> {
    io: C,
    path: Path,
    buffer: &'b mut [u8],
    start: usize,
    end: usize,
}

/// Why nothing more can be received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ReceiveError<E> {
    /// The connection failed.
    Io(E),
    /// The buffer is full and holds no whole message: it must be as long as the longest message
    /// that the machine's limits let through.
    Full {
        /// How long the buffer is, in octets.
        capacity: usize,
    },
}

impl<E: fmt::Debug> fmt::Display for ReceiveError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the connection failed: {error:?}"),
            Self::Full { capacity } => write!(f, "no whole message fits into {capacity} octets"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for ReceiveError<E> {}

impl<'b, C: Read + Write> Connection<'b, C> {
    /// A connection that is open, named by `path`, with a buffer for its longest message.
    pub fn new(io: C, path: Path, buffer: &'b mut [u8]) -> Self {
        Self { io, path, buffer, start: 0, end: 0 }
    }

    /// Waits for octets and says how many came; 0 means that the connection has ended. Nothing is
    /// lost where the future is dropped before its end, if that holds for the connection's own.
    ///
    /// # Errors
    /// [`ReceiveError`].
    pub async fn receive(&mut self) -> Result<usize, ReceiveError<C::Error>> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let capacity = self.buffer.len();
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        if room.is_empty() {
            return Err(ReceiveError::Full { capacity });
        }
        let len = self.io.read(room).await.map_err(ReceiveError::Io)?;
        self.end = self.end.saturating_add(len).min(capacity);
        Ok(len)
    }

    /// Hands what was received to a machine's `handle_stream`, until that tells something or needs
    /// more octets. What was not used stays.
    ///
    /// # Errors
    /// The machine's.
    pub fn next<'d, T, E>(
        &'d mut self,
        mut handle: impl FnMut(&'d [u8]) -> Result<(usize, Option<T>), E>,
    ) -> Result<Option<T>, E> {
        let Self { buffer, start, end, .. } = self;
        let buffer: &'d [u8] = buffer;
        loop {
            let (used, told) = handle(buffer.get(*start..*end).unwrap_or_default())?;
            *start = start.saturating_add(used).min(*end);
            if told.is_some() || used == 0 {
                return Ok(told);
            }
        }
    }

    /// Sends what a machine wrote.
    ///
    /// # Errors
    /// The connection's.
    pub async fn send(&mut self, octets: &[u8]) -> Result<(), C::Error> {
        self.io.write_all(octets).await?;
        self.io.flush().await
    }

    /// The connection's name.
    pub const fn path(&self) -> Path {
        self.path
    }

    /// The connection itself.
    pub const fn io(&mut self) -> &mut C {
        &mut self.io
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transaction::{Config, Event, Layer, SentBy, Storage};
    use core::convert::Infallible;
    use core::pin::pin;
    use core::task::{Context, Poll, Waker};
    use core::time::Duration;
    use std::vec::Vec;

    /// A connection that brings its octets in pieces, and keeps what is sent.
    struct Pieces {
        input: Vec<u8>,
        at: usize,
        piece: usize,
        sent: Vec<u8>,
    }

    impl embedded_io_async::ErrorType for Pieces {
        type Error = Infallible;
    }

    impl Read for Pieces {
        async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
            let len = self.piece.min(buffer.len()).min(self.input.len() - self.at);
            buffer[..len].copy_from_slice(&self.input[self.at..self.at + len]);
            self.at += len;
            Ok(len)
        }
    }

    impl Write for Pieces {
        async fn write(&mut self, buffer: &[u8]) -> Result<usize, Infallible> {
            self.sent.extend_from_slice(buffer);
            Ok(buffer.len())
        }

        async fn flush(&mut self) -> Result<(), Infallible> {
            Ok(())
        }
    }

    fn now<F: Future>(future: F) -> F::Output {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => done,
            Poll::Pending => panic!("it never waits"),
        }
    }

    fn request(number: u32) -> std::string::String {
        std::format!(
            "OPTIONS sip:us@a SIP/2.0\r\nVia: SIP/2.0/TCP b;branch=z9hG4bK{number}\r\n\
             From: <sip:b@b>;tag=1\r\nTo: <sip:us@a>\r\nCall-ID: {number}\r\nCSeq: 1 OPTIONS\r\n\
             Content-Length: 0\r\n\r\n"
        )
    }

    #[test]
    fn messages_come_whole_however_they_are_cut_and_a_keep_alive_is_answered() {
        let address = "192.0.2.1:5060".parse().unwrap();
        for piece in [1, 7, 1000] {
            let mut storage = Storage::<(), 8, 4096>::new();
            let mut layer =
                Layer::new(Config::new(SentBy::all(address)), &mut storage, [0; 32]).unwrap();
            let input = (request(1) + "\r\n\r\n" + &request(2)).into_bytes();
            let io = Pieces { input, at: 0, piece, sent: Vec::new() };
            let mut buffer = [0; 400];
            let mut connection = Connection::new(io, Path::tcp(address), &mut buffer);
            let path = connection.path();
            let mut requests = 0;
            while now(connection.receive()).unwrap() > 0 {
                while let Some(event) = connection
                    .next(|bytes| layer.handle_stream(Duration::ZERO, path, bytes))
                    .unwrap()
                {
                    requests += u32::from(matches!(event, Event::Request { .. }));
                }
                let mut out = [0; 1000];
                while let Some(sent) = layer.poll_transmit(Duration::ZERO, &mut out) {
                    now(connection.send(&out[..sent.len])).unwrap();
                }
            }
            assert_eq!((requests, &connection.io().sent[..]), (2, &b"\r\n"[..]));
        }
    }

    #[test]
    fn a_message_longer_than_the_buffer_is_an_error() {
        let io = Pieces { input: request(1).into_bytes(), at: 0, piece: 1000, sent: Vec::new() };
        let mut buffer = [0; 50];
        let path = Path::tcp("192.0.2.1:5060".parse().unwrap());
        let mut connection = Connection::new(io, path, &mut buffer);
        assert_eq!(now(connection.receive()), Ok(50));
        assert_eq!(now(connection.receive()), Err(ReceiveError::Full { capacity: 50 }));
    }
}
