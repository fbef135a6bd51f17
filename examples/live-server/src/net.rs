//! The sockets: what arrives on them becomes an [`Input`] of the one task that drives the server.

use core::net::SocketAddr;
use core::time::Duration;

use alloc::sync::Arc;

use anyhow::{Context, Result};
use sip_core::transport::{Path, Transport};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// How long a new connection may take until its first octets, a TLS handshake included, and how
/// long a message may take from its first octet to its last.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// How long it may take to open a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a peer may take none of what it is sent.
const WRITE: Duration = Duration::from_secs(30);
/// How many messages may wait for one peer to take them.
const QUEUE: usize = 256;
/// The longest datagram there is.
const DATAGRAM: usize = 65_535;

/// Something that arrived.
#[derive(Debug)]
pub(crate) enum Input {
    /// A datagram.
    Datagram { path: Path, octets: Vec<u8> },
    /// A peer has opened a connection; what is put into `queue` is sent over it.
    Opened { path: Path, id: u64, queue: mpsc::Sender<Vec<u8>> },
    /// Octets of a connection.
    Stream { path: Path, id: u64, octets: Vec<u8> },
    /// A connection is gone, or could not be opened.
    Closed { path: Path, id: u64, error: Option<String> },
    /// Something went wrong before there was a connection, or on a socket.
    Trouble { address: SocketAddr, error: String },
}

/// What all connections share.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    inputs: mpsc::Sender<Input>,
    room: Arc<Semaphore>,
    max_connections: usize,
    idle: Duration,
    /// Names the connections; the addresses of two may be the same, one after the other.
    ids: Arc<core::sync::atomic::AtomicU64>,
}

impl Network {
    pub(crate) fn new(inputs: mpsc::Sender<Input>, max_connections: usize, idle: Duration) -> Self {
        let max_connections = max_connections.min(Semaphore::MAX_PERMITS);
        let room = Arc::new(Semaphore::new(max_connections));
        Self { inputs, room, max_connections, idle, ids: Arc::default() }
    }

    /// How many connections are open.
    pub(crate) fn open(&self) -> usize {
        self.max_connections.saturating_sub(self.room.available_permits())
    }

    /// Opens a connection to the path's remote address; what is put into the queue meanwhile waits.
    pub(crate) fn connect(&self, path: Path, from: SocketAddr) -> (u64, mpsc::Sender<Vec<u8>>) {
        let (id, network) = (self.id(), self.clone());
        let (queue, receiver) = mpsc::channel(QUEUE);
        tokio::spawn(async move {
            let Ok(_place) = network.room.clone().try_acquire_owned() else {
                return network.closed(path, id, Some("too many connections".to_owned())).await;
            };
            let error = match timeout(CONNECT, open(from, path.remote)).await {
                Err(_) => Some("no answer to the connection".to_owned()),
                Ok(Err(error)) => Some(error.to_string()),
                Ok(Ok(stream)) => network.carry(stream, path, id, receiver, network.idle).await,
            };
            network.closed(path, id, error).await;
        });
        (id, queue)
    }

    /// Takes datagrams as they come.
    pub(crate) async fn receive(self, socket: Arc<UdpSocket>, local: u16) {
        let mut buffer = vec![0; DATAGRAM];
        loop {
            let input = match socket.recv_from(&mut buffer).await {
                Ok((len, remote)) => {
                    let octets = buffer.get(..len).unwrap_or_default().to_vec();
                    let path = Path { transport: Transport::Udp, local, remote };
                    Input::Datagram { path, octets }
                }
                Err(error) => {
                    let Ok(address) = socket.local_addr() else { return };
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    Input::Trouble { address, error: error.to_string() }
                }
            };
            if self.inputs.send(input).await.is_err() {
                return;
            }
        }
    }

    /// Takes connections as they come, with TLS where there is an acceptor for it.
    pub(crate) async fn accept(self, listener: TcpListener, local: u16, tls: Option<TlsAcceptor>) {
        let transport = if tls.is_some() { Transport::Tls } else { Transport::Tcp };
        loop {
            let (stream, remote) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    let Ok(address) = listener.local_addr() else { return };
                    // No more files may be open, or the peer is gone already: neither lasts.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    if self.trouble(address, format!("cannot accept a connection: {error}")).await {
                        continue;
                    }
                    return;
                }
            };
            let Ok(place) = self.room.clone().try_acquire_owned() else {
                drop(stream);
                if self.trouble(remote, "too many connections, closed".to_owned()).await {
                    continue;
                }
                return;
            };
            let (network, tls) = (self.clone(), tls.clone());
            let path = Path { transport, local, remote };
            tokio::spawn(async move {
                let _place = place;
                let _ = stream.set_nodelay(true);
                match tls {
                    None => network.serve(stream, path).await,
                    Some(tls) => match timeout(PATIENCE, tls.accept(stream)).await {
                        Ok(Ok(stream)) => network.serve(stream, path).await,
                        Ok(Err(error)) => {
                            network.trouble(remote, format!("no TLS: {error}")).await;
                        }
                        Err(_) => {
                            network.trouble(remote, "no TLS: too slow".to_owned()).await;
                        }
                    },
                }
            });
        }
    }

    /// A connection that a peer has opened, from its first octet to its last.
    async fn serve(&self, stream: impl AsyncRead + AsyncWrite, path: Path) {
        let id = self.id();
        let (queue, receiver) = mpsc::channel(QUEUE);
        if self.inputs.send(Input::Opened { path, id, queue }).await.is_ok() {
            let error = self.carry(stream, path, id, receiver, PATIENCE.min(self.idle)).await;
            self.closed(path, id, error).await;
        }
    }

    /// Carries octets both ways until one side ends it, and says what went wrong.
    async fn carry(
        &self,
        stream: impl AsyncRead + AsyncWrite,
        path: Path,
        id: u64,
        mut queue: mpsc::Receiver<Vec<u8>>,
        first: Duration,
    ) -> Option<String> {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let read = async {
            let mut buffer = vec![0; 16 * 1024];
            let mut patience = first;
            loop {
                let octets = match timeout(patience, reader.read(&mut buffer)).await {
                    Err(_) => return Some("nothing came for too long, closed".to_owned()),
                    Ok(Err(error)) => return Some(error.to_string()),
                    Ok(Ok(0)) => return None,
                    Ok(Ok(len)) => buffer.get(..len).unwrap_or_default().to_vec(),
                };
                patience = self.idle;
                if self.inputs.send(Input::Stream { path, id, octets }).await.is_err() {
                    return None;
                }
            }
        };
        let write = async {
            while let Some(octets) = queue.recv().await {
                match timeout(WRITE, writer.write_all(&octets)).await {
                    Err(_) => return Some("takes nothing of what it is sent, closed".to_owned()),
                    Ok(Err(error)) => return Some(error.to_string()),
                    Ok(Ok(())) => {}
                }
            }
            // The server is done with this connection. The peer may be gone: nothing is lost then.
            let _ = timeout(WRITE, writer.shutdown()).await;
            None
        };
        tokio::select! {
            error = read => error,
            error = write => error,
        }
    }

    async fn closed(&self, path: Path, id: u64, error: Option<String>) {
        // Where the server has ended there is nobody to tell.
        let _ = self.inputs.send(Input::Closed { path, id, error }).await;
    }

    async fn trouble(&self, address: SocketAddr, error: String) -> bool {
        self.inputs.send(Input::Trouble { address, error }).await.is_ok()
    }

    fn id(&self) -> u64 {
        self.ids.fetch_add(1, core::sync::atomic::Ordering::Relaxed)
    }
}

/// Opens a UDP socket, with room for what arrives while the server is busy.
pub(crate) async fn bind_udp(address: SocketAddr) -> Result<UdpSocket> {
    let socket = UdpSocket::bind(address).await.with_context(|| taken("udp", address))?;
    // The system may allow less: then more of a burst has to be sent again.
    let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 20);
    Ok(socket)
}

/// Opens a listening socket.
pub(crate) async fn bind_tcp(address: SocketAddr, transport: &'static str) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| taken(transport, address))
}

fn taken(transport: &str, address: SocketAddr) -> String {
    format!(
        "cannot listen on {transport} {address} (give another with --{transport}, port 0 takes a free one)"
    )
}

/// Opens a connection from the server's own address.
async fn open(from: SocketAddr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if from.is_ipv4() == to.is_ipv4() && !from.ip().is_unspecified() {
        socket.bind(SocketAddr::new(from.ip(), 0))?;
    }
    let stream = socket.connect(to).await?;
    let _ = stream.set_nodelay(true);
    Ok(stream)
}
