//! The sockets of a client: what arrives on them becomes an input of the one task that drives its agent.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sip_core::transport::{Path, Transport};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

/// How long it may take to open a connection, with its TLS handshake.
const CONNECT: Duration = Duration::from_secs(5);
/// How many messages may wait for one peer to take them.
const QUEUE: usize = 64;

/// Something that arrived.
pub(crate) enum Input {
    /// A datagram.
    Datagram { path: Path, octets: Vec<u8> },
    /// A peer has opened a connection; what is put into `queue` is sent over it.
    Opened { path: Path, id: u64, queue: mpsc::Sender<Vec<u8>> },
    /// Octets of a connection.
    Stream { path: Path, id: u64, octets: Vec<u8> },
    /// A connection is gone, or could not be opened.
    Closed { path: Path, id: u64, error: Option<String> },
}

/// Whom a client believes over TLS, and by what name it asks for it.
#[derive(Clone, Debug)]
pub struct Trust {
    /// The certificates that are believed.
    pub config: Arc<ClientConfig>,
    /// The name that the server's certificate has to be for.
    pub name: ServerName<'static>,
}

/// Opens and carries connections; all of them end with it.
pub(crate) struct Network {
    inputs: mpsc::Sender<Input>,
    from: IpAddr,
    trust: Option<Trust>,
    ids: Arc<AtomicU64>,
    tasks: JoinSet<()>,
}

impl Network {
    /// A network whose connections leave from the address `from`.
    pub(crate) fn new(inputs: mpsc::Sender<Input>, from: IpAddr, trust: Option<Trust>) -> Self {
        Self { inputs, from, trust, ids: Arc::default(), tasks: JoinSet::new() }
    }

    /// Opens a connection to the path's remote address; what is put into the queue meanwhile waits.
    pub(crate) fn connect(&mut self, path: Path) -> (u64, mpsc::Sender<Vec<u8>>) {
        while self.tasks.try_join_next().is_some() {}
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let (queue, receiver) = mpsc::channel(QUEUE);
        let (inputs, from, trust) = (self.inputs.clone(), self.from, self.trust.clone());
        self.tasks.spawn(async move {
            let error = match path.transport {
                Transport::Tls => match trust {
                    None => Some("this client trusts no certificate".to_owned()),
                    Some(trust) => {
                        match within(CONNECT, open_tls(from, path.remote, trust)).await {
                            Ok(stream) => carry(stream, path, id, receiver, &inputs).await,
                            Err(error) => Some(error.to_string()),
                        }
                    }
                },
                _ => match within(CONNECT, open(from, path.remote)).await {
                    Ok(stream) => carry(stream, path, id, receiver, &inputs).await,
                    Err(error) => Some(error.to_string()),
                },
            };
            // Where the client has ended there is nobody to tell.
            let _ = inputs.send(Input::Closed { path, id, error }).await;
        });
        (id, queue)
    }

    /// Takes datagrams as they come.
    pub(crate) fn receive(&mut self, socket: Arc<UdpSocket>) {
        let inputs = self.inputs.clone();
        self.tasks.spawn(async move {
            let mut buffer = vec![0; 65_535];
            loop {
                let Ok((len, remote)) = socket.recv_from(&mut buffer).await else {
                    // An ICMP answer to something sent earlier: the transaction's timers see to that.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                };
                let octets = buffer.get(..len).unwrap_or_default().to_vec();
                let path = Path { transport: Transport::Udp, local: 0, remote };
                if inputs.send(Input::Datagram { path, octets }).await.is_err() {
                    return;
                }
            }
        });
    }

    /// Takes connections as they come.
    pub(crate) fn accept(&mut self, listener: TcpListener) {
        let (inputs, ids) = (self.inputs.clone(), self.ids.clone());
        self.tasks.spawn(async move {
            let mut streams = JoinSet::new();
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    Some(_) = streams.join_next() => continue,
                };
                let Ok((stream, remote)) = accepted else {
                    // No more files may be open, or the peer is gone already: neither lasts.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                };
                let _ = stream.set_nodelay(true);
                let path = Path { transport: Transport::Tcp, local: 0, remote };
                let (id, inputs) = (ids.fetch_add(1, Ordering::Relaxed), inputs.clone());
                let (queue, receiver) = mpsc::channel(QUEUE);
                if inputs.send(Input::Opened { path, id, queue }).await.is_err() {
                    return;
                }
                streams.spawn(async move {
                    let error = carry(stream, path, id, receiver, &inputs).await;
                    let _ = inputs.send(Input::Closed { path, id, error }).await;
                });
            }
        });
    }
}

/// Carries octets both ways until one side ends it, and says what went wrong.
async fn carry(
    stream: impl AsyncRead + AsyncWrite,
    path: Path,
    id: u64,
    mut queue: mpsc::Receiver<Vec<u8>>,
    inputs: &mpsc::Sender<Input>,
) -> Option<String> {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let read = async {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let octets = match reader.read(&mut buffer).await {
                Err(error) => return Some(error.to_string()),
                Ok(0) => return None,
                Ok(len) => buffer.get(..len).unwrap_or_default().to_vec(),
            };
            if inputs.send(Input::Stream { path, id, octets }).await.is_err() {
                return None;
            }
        }
    };
    let write = async {
        while let Some(octets) = queue.recv().await {
            if let Err(error) = writer.write_all(&octets).await {
                return Some(error.to_string());
            }
            if let Err(error) = writer.flush().await {
                return Some(error.to_string());
            }
        }
        // The agent is done with this connection. The peer may be gone: nothing is lost then.
        let _ = writer.shutdown().await;
        None
    };
    tokio::select! {
        error = read => error,
        error = write => error,
    }
}

/// Opens a connection from the client's own address.
///
/// # Errors
/// The address cannot be bound, or nobody listens there.
pub async fn open(from: IpAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if from.is_ipv4() == to.is_ipv4() {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    let stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn open_tls(
    from: IpAddr,
    to: SocketAddr,
    trust: Trust,
) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let stream = open(from, to).await?;
    TlsConnector::from(trust.config).connect(trust.name, stream).await
}

async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(limit, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
