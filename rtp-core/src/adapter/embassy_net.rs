//! Runs a [`Session`] over two UDP sockets of embassy-net, with embassy-time for a clock.
//!
//! The task of a call waits for three things at once: the session, the microphone, the end.
//!
//! ```text
//! loop {
//!     match select(runner.next(&mut buffer), microphone.read(&mut samples)).await {
//!         Either::First(Ok(Event::Packet { sequence, packet })) => jitter.push(…),
//!         Either::First(_) => {}
//!         Either::Second(_) => runner.send(&outgoing, &codes, &mut datagram).await?,
//!     }
//! }
//! ```

use core::future::poll_fn;
use core::net::SocketAddr;
use core::task::Poll;
use core::time::Duration;

use embassy_futures::select::{Either, select};
use embassy_net::udp::{RecvError, SendError, UdpMetadata, UdpSocket};
use embassy_time::{Instant, Timer};

use crate::Error;
use crate::session::{Component, Event, Outgoing, Path, Session, Transmit};

/// What keeps a [`Runner`] from going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RunError {
    /// The session has refused a datagram or a packet; call again.
    Session(Error),
    /// A datagram was longer than the buffer, and is lost; give a longer one.
    Truncated,
    /// The network would not take a datagram.
    Send(SendError),
}

impl From<Error> for RunError {
    fn from(error: Error) -> Self {
        Self::Session(error)
    }
}

impl core::fmt::Display for RunError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Session(error) => error.fmt(f),
            Self::Truncated => f.write_str("a datagram was longer than the buffer for it"),
            Self::Send(error) => write!(f, "the network would not take a datagram: {error:?}"),
        }
    }
}

impl core::error::Error for RunError {}

/// A session and its sockets.
#[expect(missing_debug_implementations, reason = "embassy-net's sockets have none")]
pub struct Runner<'a, 's> {
    session: Session<'s>,
    rtp: &'a UdpSocket<'a>,
    /// Nothing where RTCP shares the socket of RTP.
    rtcp: Option<&'a UdpSocket<'a>>,
}

impl<'a, 's> Runner<'a, 's> {
    /// A session over sockets that the host has bound: an even port for RTP, and the next one
    /// for RTCP, or nothing where both share one.
    pub const fn new(
        session: Session<'s>,
        rtp: &'a UdpSocket<'a>,
        rtcp: Option<&'a UdpSocket<'a>>,
    ) -> Self {
        Self { session, rtp, rtcp }
    }

    /// Waits for what comes next. RTCP goes out on the way; the buffer has to hold the longest
    /// datagram, and [`Session::BUFFER_LEN`] octets. Nothing is lost where the future is dropped
    /// before it is ready.
    ///
    /// # Errors
    /// Of one datagram; the next call goes on.
    pub async fn next<'b>(&mut self, buffer: &'b mut [u8]) -> Result<Event<'b>, RunError> {
        let (len, path) = loop {
            self.send_reports(buffer).await?;
            if let Some(event) = self.session.poll_event() {
                return Ok(event);
            }
            let due = self.session.poll_timeout();
            let timer = async {
                match due {
                    Some(due) => Timer::at(instant(due)).await,
                    None => core::future::pending().await,
                }
            };
            match select(self.receive(buffer), timer).await {
                Either::First(received) => break received?,
                Either::Second(()) => self.session.handle_timeout(now()),
            }
        };
        let datagram = buffer.get(..len).unwrap_or_default();
        match self.session.handle_datagram(now(), path, datagram)? {
            Some(event) => Ok(event),
            // Every datagram that is taken is an event.
            None => Err(RunError::Truncated),
        }
    }

    /// Sends a payload as RTP, by way of a buffer for the datagram.
    ///
    /// # Errors
    /// The session refuses the packet, or the network the datagram.
    pub async fn send(
        &mut self,
        outgoing: &Outgoing<'_>,
        payload: &[u8],
        buffer: &mut [u8],
    ) -> Result<(), RunError> {
        let transmit = self.session.packetize(now(), outgoing, payload, buffer)?;
        self.transmit(transmit, buffer).await
    }

    /// Leaves the session, and waits until the goodbye is sent.
    ///
    /// # Errors
    /// The network would not take the goodbye.
    pub async fn leave(&mut self, buffer: &mut [u8]) -> Result<(), RunError> {
        self.session.leave(now());
        loop {
            self.send_reports(buffer).await?;
            match self.session.poll_timeout() {
                Some(due) if !self.session.has_left() => {
                    Timer::at(instant(due)).await;
                    self.session.handle_timeout(now());
                }
                _ => return Ok(()),
            }
        }
    }

    /// The session, to ask and to tell.
    pub const fn session(&mut self) -> &mut Session<'s> {
        &mut self.session
    }

    async fn send_reports(&mut self, buffer: &mut [u8]) -> Result<(), RunError> {
        while let Some(transmit) = self.session.poll_transmit(now(), buffer) {
            self.transmit(transmit, buffer).await?;
        }
        Ok(())
    }

    async fn transmit(&self, transmit: Transmit, buffer: &[u8]) -> Result<(), RunError> {
        let socket = match (transmit.path.component, self.rtcp) {
            (Component::Rtcp, Some(rtcp)) => rtcp,
            _ => self.rtp,
        };
        let datagram = buffer.get(..transmit.len).unwrap_or_default();
        socket.send_to(datagram, transmit.path.remote).await.map_err(RunError::Send)
    }

    async fn receive(&self, buffer: &mut [u8]) -> Result<(usize, Path), RunError> {
        poll_fn(|cx| {
            for (component, socket) in
                [(Component::Rtp, Some(self.rtp)), (Component::Rtcp, self.rtcp)]
            {
                let Some(socket) = socket else { continue };
                match socket.poll_recv_from(buffer, cx) {
                    Poll::Ready(Ok((len, from))) => {
                        let path = Path { component, local: 0, remote: address(&from) };
                        return Poll::Ready(Ok((len, path)));
                    }
                    Poll::Ready(Err(RecvError::Truncated)) => {
                        return Poll::Ready(Err(RunError::Truncated));
                    }
                    Poll::Pending => {}
                }
            }
            Poll::Pending
        })
        .await
    }
}

fn now() -> Duration {
    Duration::from_micros(Instant::now().as_micros())
}

fn instant(time: Duration) -> Instant {
    // Rounded up: a timer that is early would ring in vain.
    let micros = u64::try_from(time.as_nanos().div_ceil(1000)).unwrap_or(u64::MAX);
    Instant::from_micros(micros)
}

fn address(from: &UdpMetadata) -> SocketAddr {
    SocketAddr::new(from.endpoint.addr.into(), from.endpoint.port)
}
