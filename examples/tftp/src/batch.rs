//! Datagrams of one length to one peer, sent with one system call where the system can (UDP
//! segmentation offload on Linux), and one by one elsewhere.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tftp_core::Path;

/// How much one send may take: what fits an IPv4 datagram, less some for headers.
const MOST: usize = 65_000;
/// How many datagrams one send may make (UDP_MAX_SEGMENTS of older kernels).
const SEGMENTS: usize = 64;
/// How long a full socket is waited for before a datagram counts as lost.
const PATIENCE: Duration = Duration::from_millis(2);

/// A socket that datagrams go out of.
pub(crate) trait Outlet {
    fn send_to(&self, octets: &[u8], to: SocketAddr) -> io::Result<()>;
    /// Sends `octets` as datagrams of `segment` octets; the last may be shorter.
    fn send_segments(&self, octets: &[u8], segment: usize, to: SocketAddr) -> io::Result<()>;
}

#[cfg(target_os = "linux")]
fn segments(
    fd: std::os::fd::RawFd,
    octets: &[u8],
    segment: usize,
    to: SocketAddr,
) -> io::Result<()> {
    use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrStorage, sendmsg};
    let segment = u16::try_from(segment).map_err(|_| io::ErrorKind::InvalidInput)?;
    let address = SockaddrStorage::from(to);
    let control = [ControlMessage::UdpGsoSegments(&segment)];
    let parts = [io::IoSlice::new(octets)];
    sendmsg(fd, &parts, &control, MsgFlags::empty(), Some(&address))?;
    Ok(())
}

macro_rules! outlet {
    ($socket:ty) => {
        impl Outlet for $socket {
            fn send_to(&self, octets: &[u8], to: SocketAddr) -> io::Result<()> {
                <$socket>::send_to(self, octets, to).map(|_| ())
            }

            #[cfg(target_os = "linux")]
            fn send_segments(
                &self,
                octets: &[u8],
                segment: usize,
                to: SocketAddr,
            ) -> io::Result<()> {
                segments(std::os::fd::AsRawFd::as_raw_fd(self), octets, segment, to)
            }

            #[cfg(not(target_os = "linux"))]
            fn send_segments(&self, _: &[u8], _: usize, _: SocketAddr) -> io::Result<()> {
                Err(io::ErrorKind::Unsupported.into())
            }
        }
    };
}

outlet!(mio::net::UdpSocket);
outlet!(std::net::UdpSocket);

/// Collects datagrams until one of another length or to another peer comes.
#[derive(Debug)]
pub(crate) struct Batch {
    buffer: Vec<u8>,
    /// The longest datagram that can come.
    room: usize,
    start: usize,
    end: usize,
    count: usize,
    segment: usize,
    path: Option<Path>,
    offload: bool,
}

impl Batch {
    pub(crate) fn new(room: usize) -> Self {
        Self {
            buffer: vec![0; room + MOST.max(room)],
            room,
            start: 0,
            end: 0,
            count: 0,
            segment: 0,
            path: None,
            offload: cfg!(target_os = "linux"),
        }
    }

    /// Where the next datagram is to be written.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        &mut self.buffer[self.end..self.end + self.room]
    }

    /// Whether a datagram of `len` octets, written into [`Self::space`], goes with those before it.
    pub(crate) fn takes(&self, path: Path, len: usize) -> bool {
        let together = self.end - self.start + len <= MOST && self.count < SEGMENTS;
        // A shorter one may come last: then no more fit.
        let even = (self.end - self.start) == self.count * self.segment;
        self.count > 0
            && self.path == Some(path)
            && len <= self.segment
            && even
            && together
            && self.offload
    }

    /// Adds the datagram written into [`Self::space`]. Those before it have been sent, unless
    /// [`Self::takes`] said that it goes with them.
    pub(crate) fn push(&mut self, path: Path, len: usize) {
        if self.count == 0 {
            self.segment = len;
            self.path = Some(path);
        }
        self.count += 1;
        self.end += len;
    }

    /// Sends what is there, out of `socket`. The datagram in [`Self::space`], of `next` octets, is
    /// kept.
    pub(crate) fn flush(&mut self, socket: Option<&impl Outlet>, next: usize) {
        if let (Some(path), Some(socket)) = (self.path.take(), socket) {
            self.send(socket, path.remote);
        }
        self.buffer.copy_within(self.end..self.end + next, 0);
        (self.start, self.end, self.count) = (0, 0, 0);
    }

    /// Where what is there goes out of.
    pub(crate) fn path(&self) -> Option<Path> {
        self.path
    }

    fn send(&mut self, socket: &impl Outlet, to: SocketAddr) {
        let octets = &self.buffer[self.start..self.end];
        if self.count > 1 {
            match patiently(|| socket.send_segments(octets, self.segment, to)) {
                Ok(()) => return,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // Not with this kernel, or not over this interface.
                Err(_) => self.offload = false,
            }
        }
        let octets = &self.buffer[self.start..self.end];
        for datagram in octets.chunks(self.segment.max(1)) {
            // What cannot be sent is lost as on the way; the timer sees to it.
            let _ = patiently(|| socket.send_to(datagram, to));
        }
    }
}

/// Tries again for a moment while the socket is full.
fn patiently(mut send: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    let mut since = None;
    loop {
        match send() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if since.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                    return Err(error);
                }
                std::thread::yield_now();
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
