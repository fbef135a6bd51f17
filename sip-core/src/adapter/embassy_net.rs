//! Runs an [`Agent`] over sockets of embassy-net, with embassy-time for a clock.
//!
//! One turn sends all that is queued, then waits until something comes or falls due; what the agent
//! has to tell comes back, and the firmware gives its orders between the turns. A turn can be
//! dropped at any await, so it goes with `embassy_futures::select` beside a button:
//!
//! ```
//! use sip_core::adapter::embassy_net::{Udp, now};
//! use sip_core::agent::{Agent, Event};
//!
//! const SDP: &[u8] = b"v=0\r\n";
//!
//! async fn phone(mut udp: Udp<'_, '_>, mut agent: Agent<'_>) -> ! {
//!     loop {
//!         match udp.turn(&mut agent).await {
//!             Ok(Some(Event::Incoming { call, .. })) => {
//!                 let answered = agent.answer(now(), call, Some((b"application/sdp", SDP)));
//!                 debug_assert!(answered.is_ok());
//!             }
//!             Ok(_) => {}
//!             Err(_error) => {} // a line in the log
//!         }
//!     }
//! }
//! ```

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use embassy_net::tcp::TcpSocket;
use embassy_net::udp::UdpSocket;
use embassy_net::{IpAddress, IpEndpoint};
use embassy_time::{Instant, with_deadline};

use crate::agent::{Agent, Error, Event};
use crate::transport::Path;

/// The time as the machines count it: since the firmware started.
#[must_use]
pub fn now() -> Duration {
    Duration::from_micros(Instant::now().as_micros())
}

/// An agent's UDP socket with its buffers.
pub struct Udp<'a, 'b> {
    socket: UdpSocket<'a>,
    /// What is sent is written here.
    transmit: &'b mut [u8],
    /// What arrives is read into here; events borrow from it.
    receive: &'b mut [u8],
}

impl core::fmt::Debug for Udp<'_, '_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Udp").finish_non_exhaustive()
    }
}

impl<'a, 'b> Udp<'a, 'b> {
    /// Takes a socket that is bound. The `transmit` buffer holds the longest message that the agent
    /// sends, the `receive` buffer the longest that it takes.
    pub const fn new(socket: UdpSocket<'a>, transmit: &'b mut [u8], receive: &'b mut [u8]) -> Self {
        Self { socket, transmit, receive }
    }

    /// Sends what is queued, then waits for a datagram or for what falls due. `Ok(None)` means that
    /// something happened of which there is nothing to tell.
    ///
    /// # Errors
    /// What is wrong with a datagram that arrived; the next turn goes on.
    pub async fn turn<'d>(&'d mut self, agent: &mut Agent<'_>) -> Result<Option<Event<'d>>, Error> {
        while let Some(sent) = agent.poll_transmit(now(), self.transmit) {
            let octets = self.transmit.get(..sent.len).unwrap_or_default();
            if self.socket.send_to(octets, endpoint(sent.path.remote)).await.is_err() {
                agent.handle_closed(now(), sent.path);
            }
        }
        if let Some(event) = agent.poll_event() {
            return Ok(Some(event));
        }
        let received = {
            let receiving = self.socket.recv_from(self.receive);
            with_deadline(deadline(agent), receiving).await
        };
        match received {
            Ok(Ok((len, meta))) => {
                let path = Path::udp(address(meta.endpoint));
                let octets: &'d [u8] = self.receive.get(..len).unwrap_or_default();
                agent.handle_datagram(now(), path, octets)
            }
            // Longer than the buffer: to its sender it is lost.
            Ok(Err(_)) => Ok(None),
            Err(_) => {
                agent.handle_timeout(now());
                Ok(agent.poll_event())
            }
        }
    }
}

/// An agent's one TCP connection, to its server: opened when there is something to send.
pub struct Tcp<'a, 'b> {
    socket: TcpSocket<'a>,
    server: SocketAddr,
    is_open: bool,
    /// What is there of the next message is not all of it.
    wants_more: bool,
    transmit: &'b mut [u8],
    receive: &'b mut [u8],
    start: usize,
    end: usize,
}

impl core::fmt::Debug for Tcp<'_, '_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Tcp").field("server", &self.server).finish_non_exhaustive()
    }
}

impl<'a, 'b> Tcp<'a, 'b> {
    /// Takes a socket that is closed, and the address of the server that all accounts use.
    pub const fn new(
        socket: TcpSocket<'a>,
        server: SocketAddr,
        transmit: &'b mut [u8],
        receive: &'b mut [u8],
    ) -> Self {
        Self {
            socket,
            server,
            is_open: false,
            wants_more: true,
            transmit,
            receive,
            start: 0,
            end: 0,
        }
    }

    /// The connection's name, which the accounts have as their server.
    pub const fn path(&self) -> Path {
        Path::tcp(self.server)
    }

    /// Sends what is queued, opening the connection for it, then waits for octets or for what falls
    /// due. `Ok(None)` means that something happened of which there is nothing to tell.
    ///
    /// # Errors
    /// What is wrong with what arrived; the connection is closed then, and opened by the next turn
    /// that has something to send.
    pub async fn turn<'d>(&'d mut self, agent: &mut Agent<'_>) -> Result<Option<Event<'d>>, Error> {
        let path = self.path();
        while let Some(sent) = agent.poll_transmit(now(), self.transmit) {
            let is_ours = sent.path == path;
            if is_ours && self.send(sent.len, sent.may_connect).await {
                continue;
            }
            if is_ours {
                self.close();
            }
            agent.handle_closed(now(), sent.path);
        }
        if let Some(event) = agent.poll_event() {
            return Ok(Some(event));
        }
        // Of what came before, another message may be whole already.
        if self.wants_more && !self.wait(agent).await {
            return Ok(agent.poll_event());
        }
        let Self { socket, is_open, wants_more, receive, start, end, .. } = self;
        let receive: &'d [u8] = receive;
        let octets = receive.get(*start..*end).unwrap_or_default();
        match agent.handle_stream(now(), path, octets) {
            Ok((used, event)) => {
                *start = start.saturating_add(used).min(*end);
                *wants_more = used == 0;
                Ok(event)
            }
            Err(error) => {
                socket.abort();
                (*is_open, *wants_more, *start, *end) = (false, true, 0, 0);
                agent.handle_closed(now(), path);
                Err(error)
            }
        }
    }

    /// Sends what stands in the buffer; `false` where it cannot be sent.
    async fn send(&mut self, len: usize, may_connect: bool) -> bool {
        if !self.is_open {
            self.is_open = may_connect && self.socket.connect(endpoint(self.server)).await.is_ok();
        }
        let mut rest = self.transmit.get(..len).unwrap_or_default();
        while self.is_open && !rest.is_empty() {
            match self.socket.write(rest).await {
                Ok(written) if written > 0 => rest = rest.get(written..).unwrap_or_default(),
                _ => return false,
            }
        }
        self.is_open
    }

    /// Waits for octets; `false` where none came.
    async fn wait(&mut self, agent: &mut Agent<'_>) -> bool {
        if !self.is_open {
            embassy_time::Timer::at(deadline(agent)).await;
            agent.handle_timeout(now());
            return false;
        }
        self.receive.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let room = self.receive.get_mut(self.end..).unwrap_or_default();
        // A full buffer reads nothing, which looks like the end: the message was too long.
        match with_deadline(deadline(agent), self.socket.read(room)).await {
            Ok(Ok(len)) if len > 0 => {
                self.end = self.end.saturating_add(len).min(self.receive.len());
                true
            }
            Ok(_) => {
                self.close();
                agent.handle_closed(now(), self.path());
                false
            }
            Err(_) => {
                agent.handle_timeout(now());
                false
            }
        }
    }

    fn close(&mut self) {
        self.socket.abort();
        (self.is_open, self.wants_more, self.start, self.end) = (false, true, 0, 0);
    }
}

/// When the agent wants to be woken.
fn deadline(agent: &Agent<'_>) -> Instant {
    let at = agent.poll_timeout().and_then(|at| u64::try_from(at.as_micros()).ok());
    // A little late is harmless, a little early would wake it twice.
    at.map_or(Instant::MAX, |at| Instant::from_micros(at.saturating_add(1)))
}

fn endpoint(address: SocketAddr) -> IpEndpoint {
    let ip = match address.ip() {
        IpAddr::V4(ip) => IpAddress::Ipv4(ip),
        IpAddr::V6(ip) => IpAddress::Ipv6(ip),
    };
    IpEndpoint::new(ip, address.port())
}

fn address(endpoint: IpEndpoint) -> SocketAddr {
    let ip = match endpoint.addr {
        IpAddress::Ipv4(ip) => IpAddr::V4(ip),
        IpAddress::Ipv6(ip) => IpAddr::V6(ip),
    };
    SocketAddr::new(ip, endpoint.port)
}
