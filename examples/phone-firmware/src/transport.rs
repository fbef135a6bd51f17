//! How the phone's SIP travels: datagrams, or a connection to the server.

use core::net::SocketAddr;

use embassy_net::tcp::TcpSocket;
use embassy_net::udp::UdpSocket;
use embassy_time::{Duration, with_timeout};
use sip_core::transport::{Path, Transmit};

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest datagram that goes into an Ethernet frame, in octets.
const DATAGRAM_MAX: usize = 1472;

/// What has come in.
pub enum Input {
    /// A datagram of this length stands in the buffer.
    Datagram(usize, Path),
    /// The buffer holds this many octets of the stream.
    Stream(usize, Path),
    /// The stream has ended.
    Closed(Path),
}

/// The way to the server.
pub enum Transport<'a> {
    /// Datagrams, to and from anybody.
    Udp(UdpSocket<'a>),
    /// A connection to the server, how much of what came over it is not used yet, and whether that
    /// may hold another message.
    Tcp { socket: TcpSocket<'a>, server: SocketAddr, kept: usize, more: bool },
}

impl Transport<'_> {
    /// The way as the agent knows it.
    pub fn path(&self, server: SocketAddr) -> Path {
        match self {
            Self::Udp(_) => Path::udp(server),
            Self::Tcp { .. } => Path::tcp(server),
        }
    }

    /// Sends what the agent has written; the path, where that is not possible.
    pub async fn send(&mut self, transmit: Transmit, octets: &[u8]) -> Result<(), Path> {
        match self {
            Self::Udp(socket) => {
                // The network does not cut datagrams up here, and would keep this one for ever.
                if octets.len() > DATAGRAM_MAX {
                    return Err(transmit.path);
                }
                // What the network does not take is lost like any datagram: it is sent again.
                if let SocketAddr::V4(remote) = transmit.path.remote {
                    let _ = socket.send_to(octets, remote).await;
                }
                Ok(())
            }
            Self::Tcp { socket, server, kept, .. } => {
                if transmit.path.remote != *server {
                    return Err(transmit.path);
                }
                if !socket.may_send() {
                    socket.abort();
                    *kept = 0;
                    let SocketAddr::V4(to) = *server else { return Err(transmit.path) };
                    match with_timeout(CONNECT_TIMEOUT, socket.connect(to)).await {
                        Ok(Ok(())) if transmit.may_connect => {}
                        _ => return Err(transmit.path),
                    }
                }
                let mut rest = octets;
                while !rest.is_empty() {
                    match socket.write(rest).await {
                        Ok(len) if len > 0 => rest = &rest[len..],
                        _ => return Err(transmit.path),
                    }
                }
                Ok(())
            }
        }
    }

    /// Waits for input; a stream's goes behind what is kept of it.
    pub async fn receive(&mut self, buffer: &mut [u8]) -> Input {
        match self {
            Self::Udp(socket) => loop {
                if let Ok((len, from)) = socket.recv_from(buffer).await {
                    let remote = SocketAddr::new(from.endpoint.addr.into(), from.endpoint.port);
                    return Input::Datagram(len, Path::udp(remote));
                }
            },
            Self::Tcp { socket, server, kept, more } => {
                if core::mem::take(more) {
                    return Input::Stream(*kept, Path::tcp(*server));
                }
                if !socket.may_recv() && !socket.may_send() {
                    core::future::pending::<()>().await;
                }
                match socket.read(&mut buffer[*kept..]).await {
                    Ok(len) if len > 0 => {
                        *kept += len;
                        Input::Stream(*kept, Path::tcp(*server))
                    }
                    _ => {
                        socket.abort();
                        *kept = 0;
                        Input::Closed(Path::tcp(*server))
                    }
                }
            }
        }
    }

    /// Forgets the first `used` octets of the stream.
    pub fn consume(&mut self, used: usize, buffer: &mut [u8]) {
        if let Self::Tcp { kept, more, .. } = self {
            buffer.copy_within(used..*kept, 0);
            *kept -= used;
            *more = used > 0 && *kept > 0;
        }
    }

    /// Gives the connection up.
    pub fn close(&mut self) {
        if let Self::Tcp { socket, kept, more, .. } = self {
            socket.abort();
            (*kept, *more) = (0, false);
        }
    }
}
