//! Runs a [`Session`] over two UDP sockets of embassy-net, with embassy-time for a clock.
//!
//! The task of a call waits for what comes first: a packet, or 20 ms that have gone by. (Its end, and
//! orders of the rest of the phone, are one more arm of the `select`.)
//!
//! ```no_run
//! use embassy_futures::select::{Either, select};
//! use embassy_net::udp::UdpSocket;
//! use embassy_time::{Duration, Ticker};
//! use rtp_core::adapter::embassy_net::{RunError, Runner};
//! use rtp_core::codec::{concealment::Narrowband, g711::Law};
//! use rtp_core::jitter::{Buffer, Frame, Playout};
//! use rtp_core::session::{Event, Outgoing, Session};
//!
//! /// The board's microphone and ear-piece, 20 ms at a time.
//! trait Handset {
//!     fn record(&mut self, samples: &mut [i16; 160]);
//!     fn play(&mut self, samples: &[i16; 160]);
//! }
//!
//! async fn talk(
//!     session: Session<'_>,
//!     mut buffer: Buffer<'_>,
//!     (rtp, rtcp): (&UdpSocket<'_>, &UdpSocket<'_>),
//!     handset: &mut impl Handset,
//! ) -> Result<(), RunError> {
//!     let mut runner = Runner::new(session, rtp, Some(rtcp)).only_from_remote();
//!     let mut datagram = [0; Session::BUFFER_LEN];
//!     let mut concealment = Narrowband::new();
//!     let (mut samples, mut codes) = ([0; 160], [0; 160]);
//!     let (mut timestamp, mut ticker) = (0u32, Ticker::every(Duration::from_millis(20)));
//!     loop {
//!         match select(runner.next(&mut datagram), ticker.next()).await {
//!             Either::First(Ok(Event::Packet { sequence, packet })) => {
//!                 let frame = Frame {
//!                     sequence,
//!                     timestamp: packet.timestamp,
//!                     payload_type: packet.payload_type,
//!                     marker: packet.marker,
//!                     payload: packet.payload,
//!                 };
//!                 // What comes late or twice is counted by the buffer.
//!                 let _ = buffer.push(runner.now(), frame);
//!             }
//!             Either::First(Ok(Event::Goodbye { .. } | Event::Timeout { .. })) => break,
//!             // What is refused is counted by the session.
//!             Either::First(_) => {}
//!             Either::Second(()) => {
//!                 match buffer.pop(runner.now()) {
//!                     Playout::Packet(frame) => {
//!                         Law::Mu.decode(frame.payload, &mut samples);
//!                         concealment.receive(&mut samples);
//!                     }
//!                     Playout::Conceal(_) => concealment.conceal(&mut samples),
//!                     Playout::Silence => samples.fill(0),
//!                 }
//!                 handset.play(&samples);
//!                 handset.record(&mut samples);
//!                 Law::Mu.encode(&samples, &mut codes);
//!                 let outgoing = Outgoing { timestamp, ..Outgoing::new(0) };
//!                 timestamp = timestamp.wrapping_add(160);
//!                 runner.send(&outgoing, &codes, &mut datagram).await?;
//!             }
//!         }
//!     }
//!     runner.leave(&mut datagram).await
//! }
//! ```
//!
//! Of a call that is protected ([`Runner::protected`]) only what is authentic reaches the session.
//!
//! IPv4 is enough for it: a host that wants IPv6 switches on `proto-ipv6` of embassy-net, and the
//! feature `embassy-net-ipv6` here.

use core::future::poll_fn;
use core::net::SocketAddr;
use core::task::Poll;
use core::time::Duration;

use embassy_futures::select::{Either, select};
use embassy_net::IpEndpoint;
use embassy_net::udp::{RecvError, SendError, UdpMetadata, UdpSocket};
use embassy_time::{Instant, TICK_HZ, Timer};

use crate::Error;
use crate::demux::{Protocol, protocol};
use crate::session::{Component, Event, Outgoing, Path, Session, Transmit};
#[cfg(feature = "srtp")]
use crate::srtp::crypto::{Crypto, Software};
#[cfg(feature = "srtp")]
use crate::srtp::{MAXIMUM_OVERHEAD, Receiver, Sender, SrtpError};

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
    /// A datagram was not authentic, or could not be protected; call again.
    #[cfg(feature = "srtp")]
    Protection(SrtpError),
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
            #[cfg(feature = "srtp")]
            Self::Protection(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for RunError {}

/// What protects a call's datagrams: `Protection`, with the feature `srtp`, or nothing.
pub trait Protect {
    /// How many octets a datagram is longer at the most.
    const OVERHEAD: usize;

    /// Protects the datagram in the first `len` octets of the buffer; says how long it is then.
    ///
    /// # Errors
    /// [`RunError::Protection`].
    fn seal(&mut self, is_rtcp: bool, buffer: &mut [u8], len: usize) -> Result<usize, RunError>;

    /// Opens a datagram in place; says how long it is then.
    ///
    /// # Errors
    /// [`RunError::Protection`].
    fn open(&mut self, is_rtcp: bool, datagram: &mut [u8]) -> Result<usize, RunError>;
}

/// A call in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Unprotected {}

impl Protect for Unprotected {
    const OVERHEAD: usize = 0;

    fn seal(&mut self, _: bool, _: &mut [u8], _: usize) -> Result<usize, RunError> {
        match *self {}
    }

    fn open(&mut self, _: bool, _: &mut [u8]) -> Result<usize, RunError> {
        match *self {}
    }
}

/// The keys of a protected call: one source of ours, and as many of the other side as a receiver
/// has room for. A chip's own ciphers fit in as `C`.
#[cfg(feature = "srtp")]
#[derive(Debug)]
pub struct Protection<C: Crypto = Software> {
    /// For what is sent.
    pub sender: Sender<1, C>,
    /// For what is received.
    pub receiver: Receiver<2, 1, C>,
}

#[cfg(feature = "srtp")]
impl<C: Crypto> Protect for Protection<C> {
    const OVERHEAD: usize = MAXIMUM_OVERHEAD;

    fn seal(&mut self, is_rtcp: bool, buffer: &mut [u8], len: usize) -> Result<usize, RunError> {
        let sealed = match is_rtcp {
            true => self.sender.protect_rtcp(buffer, len),
            false => self.sender.protect_rtp(buffer, len),
        };
        sealed.map_err(RunError::Protection)
    }

    fn open(&mut self, is_rtcp: bool, datagram: &mut [u8]) -> Result<usize, RunError> {
        let opened = match is_rtcp {
            true => self.receiver.unprotect_rtcp(datagram),
            false => self.receiver.unprotect_rtp(datagram),
        };
        opened.map_err(RunError::Protection)
    }
}

/// A session and its sockets.
#[expect(missing_debug_implementations, reason = "embassy-net's sockets have none")]
pub struct Runner<'a, 's, P = Unprotected> {
    session: Session<'s>,
    rtp: &'a UdpSocket<'a>,
    /// Nothing where RTCP shares the socket of RTP.
    rtcp: Option<&'a UdpSocket<'a>>,
    only_from_remote: bool,
    protection: Option<P>,
}

impl<'a, 's> Runner<'a, 's> {
    /// A session over sockets that the host has bound: an even port for RTP, and the next one
    /// for RTCP, or nothing where both share one.
    pub const fn new(
        session: Session<'s>,
        rtp: &'a UdpSocket<'a>,
        rtcp: Option<&'a UdpSocket<'a>>,
    ) -> Self {
        Self { session, rtp, rtcp, only_from_remote: false, protection: None }
    }
}

impl<'a, 's, P: Protect> Runner<'a, 's, P> {
    /// The same, but what does not come from where RTP and RTCP are sent to is left out, so that
    /// nobody else takes the places of the session's members. Not for a peer behind a NAT, whose
    /// address is another one than its description says.
    #[must_use]
    pub const fn only_from_remote(mut self) -> Self {
        self.only_from_remote = true;
        self
    }

    /// The same with SRTP and SRTCP, where there are keys. The buffers of all calls then need
    /// [`Protect::OVERHEAD`] octets more.
    #[must_use]
    pub fn protected<Q: Protect>(self, protection: Option<Q>) -> Runner<'a, 's, Q> {
        let Self { session, rtp, rtcp, only_from_remote, .. } = self;
        Runner { session, rtp, rtcp, only_from_remote, protection }
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
                Either::First(received) => {
                    let (len, path) = received?;
                    if self.is_welcome(path) {
                        break (len, path);
                    }
                }
                Either::Second(()) => self.session.handle_timeout(now()),
            }
        };
        let datagram = buffer.get_mut(..len).unwrap_or_default();
        let datagram = self.open(path, datagram)?;
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
        let len = self.seal(transmit, buffer)?;
        self.transmit(transmit, buffer, len).await
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

    /// The time by the clock that the session is driven with: for a jitter buffer beside it.
    pub fn now(&self) -> Duration {
        now()
    }

    /// The session, to ask and to tell.
    pub const fn session(&mut self) -> &mut Session<'s> {
        &mut self.session
    }

    /// The keys of a protected call.
    pub const fn protection(&mut self) -> Option<&mut P> {
        self.protection.as_mut()
    }

    async fn send_reports(&mut self, buffer: &mut [u8]) -> Result<(), RunError> {
        loop {
            let room = buffer.get_mut(..self.room_len(buffer)).unwrap_or_default();
            let Some(transmit) = self.session.poll_transmit(now(), room) else { return Ok(()) };
            let len = self.seal(transmit, buffer)?;
            self.transmit(transmit, buffer, len).await?;
        }
    }

    /// How many octets of a buffer the session may write.
    fn room_len(&self, buffer: &[u8]) -> usize {
        let overhead = if self.protection.is_some() { P::OVERHEAD } else { 0 };
        buffer.len().saturating_sub(overhead)
    }

    /// Protects what is to be sent, where the call is protected; says how long it is then.
    fn seal(&mut self, transmit: Transmit, buffer: &mut [u8]) -> Result<usize, RunError> {
        let is_rtcp = self.is_rtcp(transmit.path, buffer);
        match &mut self.protection {
            Some(protection) => protection.seal(is_rtcp, buffer, transmit.len),
            None => Ok(transmit.len),
        }
    }

    /// Opens what has come, where the call is protected.
    fn open<'b>(&mut self, path: Path, datagram: &'b mut [u8]) -> Result<&'b [u8], RunError> {
        let is_rtcp = self.is_rtcp(path, datagram);
        let Some(protection) = &mut self.protection else { return Ok(datagram) };
        let len = protection.open(is_rtcp, datagram)?;
        Ok(datagram.get(..len).unwrap_or_default())
    }

    /// Where both share a socket only the octets tell which of them it is.
    fn is_rtcp(&self, path: Path, octets: &[u8]) -> bool {
        path.component == Component::Rtcp
            || self.rtcp.is_none() && protocol(octets) == Protocol::Rtcp
    }

    fn is_welcome(&self, path: Path) -> bool {
        let config = self.session.config();
        let remote = match path.component {
            Component::Rtp => config.rtp,
            Component::Rtcp => config.rtcp.or(config.rtp),
        };
        !self.only_from_remote || remote.is_some_and(|remote| remote.remote == path.remote)
    }

    async fn transmit(
        &self,
        transmit: Transmit,
        buffer: &[u8],
        len: usize,
    ) -> Result<(), RunError> {
        let socket = match (transmit.path.component, self.rtcp) {
            (Component::Rtcp, Some(rtcp)) => rtcp,
            _ => self.rtp,
        };
        let datagram = buffer.get(..len).unwrap_or_default();
        let remote = endpoint(transmit.path.remote).ok_or(RunError::Send(SendError::NoRoute))?;
        socket.send_to(datagram, remote).await.map_err(RunError::Send)
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

/// Nanoseconds in a tick, where that is a whole number.
const TICK_NANOS: Option<u32> =
    if 1_000_000_000 % TICK_HZ == 0 { Some((1_000_000_000 / TICK_HZ) as u32) } else { None };

// A division in 64 bits takes a small core hundreds of instructions, several times a packet: both
// ways between ticks and times do without, as long as the ticks of 32 bits last.
fn now() -> Duration {
    let now = Instant::now();
    match (u32::try_from(now.as_ticks()), TICK_NANOS) {
        (Ok(ticks), Some(nanos)) => {
            let hertz = TICK_HZ as u32;
            Duration::new(u64::from(ticks / hertz), (ticks % hertz).wrapping_mul(nanos))
        }
        _ => Duration::from_micros(now.as_micros()),
    }
}

/// Rounded up: a timer that is early would ring in vain.
fn instant(time: Duration) -> Instant {
    let whole = time.as_secs().saturating_mul(TICK_HZ);
    let rest = match TICK_NANOS {
        Some(nanos) => u64::from(time.subsec_nanos().div_ceil(nanos)),
        None => (u64::from(time.subsec_nanos()) * TICK_HZ).div_ceil(1_000_000_000),
    };
    Instant::from_ticks(whole.saturating_add(rest))
}

/// The address as embassy-net has it; nothing where it is of IPv6, and that is not switched on.
fn endpoint(address: SocketAddr) -> Option<IpEndpoint> {
    match address {
        SocketAddr::V4(address) => Some(address.into()),
        #[cfg(feature = "embassy-net-ipv6")]
        SocketAddr::V6(address) => Some(address.into()),
        #[cfg(not(feature = "embassy-net-ipv6"))]
        SocketAddr::V6(_) => None,
    }
}

fn address(from: &UdpMetadata) -> SocketAddr {
    SocketAddr::new(from.endpoint.addr.into(), from.endpoint.port)
}
