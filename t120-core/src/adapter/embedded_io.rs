//! A [`Conference`] with one connection over any `embedded_io_async` stream.

use core::fmt;
use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;

use embedded_io_async::{Read, Write};

use crate::conference::{Conference, Connection, Event};

/// A stream, the number that the node knows it by, and memory for what comes and goes on it.
#[derive(Debug)]
pub struct Driver<'b, S> {
    stream: S,
    connection: Connection,
    inbox: &'b mut [u8],
    filled: usize,
    outbox: &'b mut [u8],
}

/// What a step has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// Something for the host.
    Event(Event),
    /// What the host waited for has come first.
    Other(T),
    /// The stream has ended, and the node knows it.
    Closed,
}

/// Why a step has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DriverError<E> {
    /// The stream.
    Stream(E),
    /// What the peer sent.
    Node(crate::Error),
    /// A packet is longer than the memory for what comes.
    InboxTooSmall,
}

impl<E: fmt::Display> fmt::Display for DriverError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(error) => write!(f, "the stream failed: {error}"),
            Self::Node(error) => error.fmt(f),
            Self::InboxTooSmall => f.write_str("a packet is longer than the inbox: lend more"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for DriverError<E> {}

impl<'b, S: Read + Write> Driver<'b, S> {
    /// A driver for a stream that is open, and that the node was told of with
    /// [`accept`](Conference::accept) or [`join`](Conference::join).
    ///
    /// `inbox` holds the greatest packet that may come
    /// ([`max_packet_octets`](crate::conference::Config::max_packet_octets)), `outbox` the
    /// greatest that goes ([`transmit_len`](Conference::transmit_len)).
    pub const fn new(
        stream: S,
        connection: Connection,
        inbox: &'b mut [u8],
        outbox: &'b mut [u8],
    ) -> Self {
        Self { stream, connection, inbox, filled: 0, outbox }
    }

    /// The stream, for the host to close.
    pub fn into_inner(self) -> S {
        self.stream
    }

    /// Sends all that the node has to send. To be called after each call of the host that changes
    /// something; [`step`](Self::step) does it itself.
    ///
    /// # Errors
    /// The stream failed.
    pub async fn flush(
        &mut self,
        node: &mut Conference<'_>,
        now: Duration,
    ) -> Result<(), DriverError<S::Error>> {
        while let Some(transmit) = node.poll_transmit(now, self.outbox) {
            let packet = self.outbox.get(..transmit.len).unwrap_or_default();
            self.stream.write_all(packet).await.map_err(DriverError::Stream)?;
        }
        self.stream.flush().await.map_err(DriverError::Stream)
    }

    /// Goes on until there is something for the host: an event, or that `other` is ready (a timer
    /// for [`poll_timeout`](Conference::poll_timeout), a key that was pressed).
    ///
    /// # Errors
    /// The stream failed, or what came cannot be taken; the node knows then that the connection
    /// is closed.
    pub async fn step<T>(
        &mut self,
        node: &mut Conference<'_>,
        now: Duration,
        other: impl Future<Output = T>,
    ) -> Result<Step<T>, DriverError<S::Error>> {
        let result = self.try_step(node, now, other).await;
        if matches!(result, Err(_) | Ok(Step::Closed)) {
            node.handle_closed(now, self.connection);
        }
        result
    }

    async fn try_step<T>(
        &mut self,
        node: &mut Conference<'_>,
        now: Duration,
        other: impl Future<Output = T>,
    ) -> Result<Step<T>, DriverError<S::Error>> {
        let mut other = pin!(other);
        loop {
            self.flush(node, now).await?;
            if let Some(event) = node.poll_event() {
                return Ok(Step::Event(event));
            }
            let octets = self.inbox.get(..self.filled).unwrap_or_default();
            let (used, event) = match node.handle_stream(now, self.connection, octets) {
                Ok(taken) => taken,
                Err(error) => {
                    // The peer gets to know why.
                    self.flush(node, now).await?;
                    return Err(DriverError::Node(error));
                }
            };
            if used > 0 {
                self.inbox.copy_within(used.min(self.filled)..self.filled, 0);
                self.filled = self.filled.saturating_sub(used);
                self.flush(node, now).await?;
                match event {
                    Some(event) => return Ok(Step::Event(event)),
                    None => continue,
                }
            }
            let room = self.inbox.get_mut(self.filled..).unwrap_or_default();
            if room.is_empty() {
                return Err(DriverError::InboxTooSmall);
            }
            let mut read = pin!(self.stream.read(room));
            let first = poll_fn(|context| {
                if let Poll::Ready(value) = other.as_mut().poll(context) {
                    return Poll::Ready(Err(value));
                }
                read.as_mut().poll(context).map(Ok)
            });
            match first.await {
                Err(value) => return Ok(Step::Other(value)),
                Ok(Ok(0)) => return Ok(Step::Closed),
                Ok(Ok(len)) => self.filled = self.filled.saturating_add(len),
                Ok(Err(error)) => return Err(DriverError::Stream(error)),
            }
        }
    }
}
