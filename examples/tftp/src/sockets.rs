//! The sockets of a server, by the numbers that the machine knows them by.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::UdpSocket;
use mio::{Interest, Poll, Token};

/// How large the sockets' buffers are asked to be, in octets.
const SOCKET_BUFFER: usize = 4 << 20;

/// How long [`Socket::wait`] waits at most.
const WAIT: Duration = Duration::from_millis(10);

/// The sockets; those that requests come to have the first numbers.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    of: Vec<Option<Socket>>,
    /// Where the search for a free number goes on: one that was freed just now may still have
    /// packets under way.
    next: u16,
    listeners: u16,
}

#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) udp: UdpSocket,
    /// One packet of its peer brings one answer, and then the next packet.
    pub(crate) in_turns: bool,
}

impl Socket {
    /// Takes what has come; `WouldBlock` where nothing has.
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        #[cfg(target_os = "linux")]
        if self.in_turns {
            return receive_now(&self.udp, buffer);
        }
        self.udp.recv_from(buffer)
    }

    /// Waits for the next packet of a peer that takes turns, for a short time.
    pub(crate) fn wait(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        if cfg!(target_os = "linux") && self.in_turns {
            return self.udp.recv_from(buffer);
        }
        Err(io::ErrorKind::WouldBlock.into())
    }
}

/// Takes what has come to a socket that otherwise waits.
#[cfg(target_os = "linux")]
fn receive_now(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
    use nix::sys::socket::{MsgFlags, SockaddrStorage, recvmsg};
    let fd = std::os::fd::AsRawFd::as_raw_fd(socket);
    let mut parts = [io::IoSliceMut::new(buffer)];
    let message = recvmsg::<SockaddrStorage>(fd, &mut parts, None, MsgFlags::MSG_DONTWAIT)?;
    let address = message.address.as_ref();
    let v4 =
        address.and_then(|from| from.as_sockaddr_in()).map(|from| SocketAddr::V4((*from).into()));
    let v6 =
        address.and_then(|from| from.as_sockaddr_in6()).map(|from| SocketAddr::V6((*from).into()));
    Ok((message.bytes, v4.or(v6).ok_or(io::ErrorKind::InvalidData)?))
}

impl Sockets {
    /// Adds a socket that requests come to.
    pub(crate) fn listen(&mut self, poll: &Poll, address: SocketAddr) -> io::Result<()> {
        let local = self.listeners;
        self.listeners = local.checked_add(1).ok_or(io::ErrorKind::QuotaExceeded)?;
        self.insert(poll, local, Socket { udp: bind(address, false)?, in_turns: false })
    }

    /// Adds a socket for one transfer, at the address where its request came to the socket `local`,
    /// and says what its number is.
    pub(crate) fn open(&mut self, poll: &Poll, local: u16, in_turns: bool) -> io::Result<u16> {
        let mut address = match self.get(local) {
            Some(listener) => listener.udp.local_addr()?,
            None => return Err(io::ErrorKind::NotFound.into()),
        };
        address.set_port(0);
        let number = self.free().ok_or(io::ErrorKind::QuotaExceeded)?;
        self.insert(poll, number, Socket { udp: bind(address, in_turns)?, in_turns })?;
        Ok(number)
    }

    pub(crate) fn close(&mut self, poll: &Poll, local: u16) {
        if let Some(mut socket) = self.of.get_mut(usize::from(local)).and_then(Option::take) {
            let _ = poll.registry().deregister(&mut socket.udp);
        }
    }

    pub(crate) fn get(&self, local: u16) -> Option<&Socket> {
        self.of.get(usize::from(local))?.as_ref()
    }

    pub(crate) const fn listeners(&self) -> u16 {
        self.listeners
    }

    fn insert(&mut self, poll: &Poll, local: u16, mut socket: Socket) -> io::Result<()> {
        let token = Token(usize::from(local));
        poll.registry().register(&mut socket.udp, token, Interest::READABLE)?;
        let place = usize::from(local);
        if self.of.len() <= place {
            self.of.resize_with(place + 1, || None);
        }
        self.of[place] = Some(socket);
        Ok(())
    }

    /// A number that no socket has.
    fn free(&mut self) -> Option<u16> {
        for _ in self.listeners..u16::MAX {
            self.next = self.next.checked_add(1).unwrap_or(0).max(self.listeners);
            if self.get(self.next).is_none() {
                return Some(self.next);
            }
        }
        None
    }
}

fn bind(address: SocketAddr, in_turns: bool) -> io::Result<UdpSocket> {
    let socket = std::net::UdpSocket::bind(address)?;
    if cfg!(target_os = "linux") && in_turns {
        socket.set_read_timeout(Some(WAIT))?;
    } else {
        socket.set_nonblocking(true)?;
    }
    let options = socket2::SockRef::from(&socket);
    // As large as the system allows; less is no error.
    let _ = options.set_recv_buffer_size(SOCKET_BUFFER);
    let _ = options.set_send_buffer_size(SOCKET_BUFFER);
    Ok(UdpSocket::from_std(socket))
}
