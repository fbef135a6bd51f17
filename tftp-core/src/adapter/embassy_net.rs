//! Runs the TFTP [`Client`] and [`Server`] over UDP sockets of embassy-net, with embassy-time for a
//! clock.
//!
//! The sockets stay unconnected, since a server answers from another port than it was asked on.
//! A client that reads a firmware image in blocks of 1428 octets needs, besides itself, one buffer
//! of [`FIRMWARE_BUFFER`] octets and a socket that holds as much.

use core::fmt;
use core::future::Future;
use core::net::SocketAddr;
use core::time::Duration;

use embassy_futures::select::{Either, select};
use embassy_net::udp::{RecvError, SendError, UdpSocket};
use embassy_time::{Instant, Timer};

use crate::client::{self, Client};
use crate::packet::DATA_HEADER;
use crate::server::{self, Grant, Server, TransferId};
use crate::{ErrorCode, Failure, Kind, Mode, Path};

/// The buffer of a client that asks for blocks of 1428 octets.
pub const FIRMWARE_BUFFER: usize = 1428 + DATA_HEADER;

/// Where the octets of a get go, in order, or those of a put come from: the firmware's flash.
pub trait File {
    /// What may go wrong.
    type Error;
    /// Get: writes octets that belong at `offset`.
    fn write(&mut self, offset: u64, data: &[u8]) -> impl Future<Output = Result<(), Self::Error>>;
    /// Put: fills `into` with the octets from `offset` on.
    fn read(
        &mut self,
        offset: u64,
        into: &mut [u8],
    ) -> impl Future<Output = Result<(), Self::Error>>;
}

/// How a transfer has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RunError<E> {
    /// As the machine says; the peer's words are left out.
    Failed(Failure<'static>),
    /// The file has failed; the server has been told.
    File(E),
    /// The network would not take a datagram.
    Send(SendError),
    /// The buffer is too small.
    BufferTooSmall {
        /// How long it has to be, in octets.
        needed: usize,
    },
}

impl<E: fmt::Debug> fmt::Display for RunError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(failure) => failure.fmt(f),
            Self::File(error) => write!(f, "the file has failed: {error:?}"),
            Self::Send(error) => write!(f, "the network would not take a datagram: {error:?}"),
            Self::BufferTooSmall { needed } => write!(f, "the buffer needs {needed} octets"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for RunError<E> {}

fn now() -> Duration {
    Duration::from_micros(Instant::now().as_micros())
}

/// Runs one transfer to its end: returns its octets. The socket is bound to a port of its own; the
/// buffer holds the longest datagram ([`Client::receive_len`], [`Client::transmit_len`]).
///
/// # Errors
/// Why the file is not whole.
pub async fn run<F: File>(
    client: &mut Client<'_>,
    socket: &UdpSocket<'_>,
    file: &mut F,
    buffer: &mut [u8],
) -> Result<u64, RunError<F::Error>> {
    let mut ended = None;
    loop {
        while let Some(transmit) = client.poll_transmit(now(), buffer) {
            if let Some(read) = transmit.read {
                let place = buffer.get_mut(read.place()).unwrap_or_default();
                if let Err(error) = file.read(read.offset, place).await {
                    client.abort(now(), ErrorCode::NotDefined);
                    ended.get_or_insert(Err(RunError::File(error)));
                    continue;
                }
            }
            let datagram = buffer.get(..transmit.len).unwrap_or_default();
            socket.send_to(datagram, transmit.path.remote).await.map_err(RunError::Send)?;
        }
        if let Some(ended) = ended {
            return ended;
        }
        match client.poll_event() {
            Some(client::Event::Complete { octets }) => return Ok(octets),
            Some(client::Event::Failed(failure)) => return Err(RunError::Failed(failure)),
            Some(client::Event::BufferTooSmall { needed }) => {
                return Err(RunError::BufferTooSmall { needed });
            }
            _ => {}
        }
        let Some((len, remote)) = receive(socket, client.poll_timeout(), buffer).await else {
            client.handle_timeout(now());
            continue;
        };
        let path = Path { local: 0, remote };
        let datagram = buffer.get(..len).unwrap_or_default();
        match client.handle_datagram(now(), path, datagram) {
            Ok(Some(client::Event::Block { offset, data, .. })) => {
                if let Err(error) = file.write(offset, data).await {
                    client.abort(now(), ErrorCode::DiskFull);
                    ended = Some(Err(RunError::File(error)));
                }
            }
            Ok(Some(client::Event::Complete { octets })) => ended = Some(Ok(octets)),
            Ok(Some(client::Event::Failed(failure))) => {
                ended = Some(Err(RunError::Failed(without_words(failure))));
            }
            // What is no TFTP is told by an event, where it ends the transfer.
            Ok(_) | Err(_) => {}
        }
    }
}

/// What a server gives and takes.
pub trait Files {
    /// Answers a request: with its size for a read, or with an ERROR's code and words.
    fn request(
        &mut self,
        transfer: TransferId,
        kind: Kind,
        name: &[u8],
        mode: Mode,
        size: Option<u64>,
    ) -> impl Future<Output = Result<Grant, (ErrorCode, &'static str)>>;
    /// Fills `into` with the octets of a read from `offset` on.
    fn read(
        &mut self,
        transfer: TransferId,
        offset: u64,
        into: &mut [u8],
    ) -> impl Future<Output = Result<(), (ErrorCode, &'static str)>>;
    /// Writes octets that belong at `offset`; with the last ones the file is whole.
    fn write(
        &mut self,
        transfer: TransferId,
        offset: u64,
        data: &[u8],
        last: bool,
    ) -> impl Future<Output = Result<(), (ErrorCode, &'static str)>>;
    /// The transfer is over; what is not whole by now never will be.
    fn released(&mut self, transfer: TransferId);
}

/// Serves in single-port mode, for ever: one socket, which is bound to port 69 or another.
///
/// # Errors
/// When the network does not take a datagram, or the buffer is too small.
pub async fn serve(
    server: &mut Server<'_>,
    socket: &UdpSocket<'_>,
    files: &mut impl Files,
    buffer: &mut [u8],
) -> RunError<core::convert::Infallible> {
    loop {
        while let Some(transmit) = server.poll_transmit(now(), buffer) {
            if let Some((transfer, read)) = transmit.read {
                let place = buffer.get_mut(read.place()).unwrap_or_default();
                if let Err((code, words)) = files.read(transfer, read.offset, place).await {
                    let _ = server.abort(now(), transfer, code, words);
                    continue;
                }
            }
            let datagram = buffer.get(..transmit.len).unwrap_or_default();
            if let Err(error) = socket.send_to(datagram, transmit.path.remote).await {
                return RunError::Send(error);
            }
        }
        let mut quiet = true;
        while let Some(event) = server.poll_event() {
            quiet = false;
            match event {
                server::Event::Released { transfer } => files.released(transfer),
                server::Event::BufferTooSmall { needed } => {
                    return RunError::BufferTooSmall { needed };
                }
                _ => {}
            }
        }
        if !quiet {
            continue;
        }
        let Some((len, remote)) = receive(socket, server.poll_timeout(), buffer).await else {
            server.handle_timeout(now());
            continue;
        };
        let path = Path { local: 0, remote };
        let datagram = buffer.get(..len).unwrap_or_default();
        match server.handle_datagram(now(), path, datagram) {
            Ok(Some(server::Event::Request { transfer, kind, name, mode, size })) => {
                // The transfer cannot have gone meanwhile: nobody else drives the machine.
                let _ = match files.request(transfer, kind, name, mode, size).await {
                    Ok(grant) => server.accept(now(), transfer, Grant { local: None, ..grant }),
                    Err((code, words)) => server.refuse(now(), transfer, code, words),
                };
            }
            Ok(Some(server::Event::Block { transfer, offset, data, last })) => {
                if let Err((code, words)) = files.write(transfer, offset, data, last).await {
                    let _ = server.abort(now(), transfer, code, words);
                }
            }
            // What is no TFTP has had its answer.
            Ok(_) | Err(_) => {}
        }
    }
}

/// What comes to the socket before that time; one that is longer than the buffer is as lost.
async fn receive(
    socket: &UdpSocket<'_>,
    until: Option<Duration>,
    buffer: &mut [u8],
) -> Option<(usize, SocketAddr)> {
    loop {
        let came = socket.recv_from(buffer);
        let came = match until {
            None => came.await,
            Some(at) => {
                let micros = u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
                let timer = Timer::at(Instant::from_micros(micros));
                match select(came, timer).await {
                    Either::First(came) => came,
                    Either::Second(()) => return None,
                }
            }
        };
        match came {
            Ok((len, from)) => return Some((len, from.endpoint.into())),
            Err(RecvError::Truncated) => {}
        }
    }
}

/// A failure that borrows nothing.
fn without_words(failure: Failure<'_>) -> Failure<'static> {
    match failure {
        Failure::Peer { code, .. } => Failure::Peer { code, message: code.message().as_bytes() },
        Failure::TimedOut => Failure::TimedOut,
        Failure::Unreachable => Failure::Unreachable,
        Failure::Malformed(error) => Failure::Malformed(error),
        Failure::TooLong => Failure::TooLong,
        Failure::WrongSize { announced, received } => Failure::WrongSize { announced, received },
        Failure::Replaced => Failure::Replaced,
    }
}
