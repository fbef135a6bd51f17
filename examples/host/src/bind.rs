//! Sockets on the ports of a policy: the first that are free.

use std::io;
use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result, bail};
use tokio::net::{TcpListener, UdpSocket};

/// What to do where all ports of a policy are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// Fail: a firewall lets nothing else through.
    Refuse,
    /// Take any port that is free, as on one machine with itself.
    AnyFree,
}

/// How many times to look for a free port that has what is needed beside it.
const TRIES: usize = 50;

/// A TCP listener on the first free of these ports.
pub async fn listener(
    ip: IpAddr,
    ports: impl IntoIterator<Item = u16>,
    otherwise: Otherwise,
) -> Result<TcpListener> {
    let mut tried = Tried::default();
    for port in ports {
        match TcpListener::bind((ip, port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) => tried.note(port, error)?,
        }
    }
    if otherwise == Otherwise::Refuse {
        bail!("{tried}");
    }
    TcpListener::bind((ip, 0)).await.context("no TCP port is free")
}

/// A UDP socket and a TCP listener on the same port, the first of these that is free for both.
pub async fn both(
    ip: IpAddr,
    ports: impl IntoIterator<Item = u16>,
    otherwise: Otherwise,
) -> Result<(UdpSocket, TcpListener)> {
    let mut tried = Tried::default();
    for port in ports {
        match both_at(ip, port).await {
            Ok(sockets) => return Ok(sockets),
            Err(error) => tried.note(port, error)?,
        }
    }
    if otherwise == Otherwise::AnyFree {
        for _ in 0..TRIES {
            let udp = UdpSocket::bind((ip, 0)).await.context("no UDP port is free")?;
            if let Ok(tcp) = TcpListener::bind(udp.local_addr()?).await {
                return Ok((udp, tcp));
            }
        }
    }
    bail!("{tried}");
}

/// Two UDP sockets, for RTP and RTCP, on the first of these pairs of ports that is free.
pub async fn pair(
    ip: IpAddr,
    pairs: impl IntoIterator<Item = (u16, u16)>,
    otherwise: Otherwise,
) -> Result<(UdpSocket, UdpSocket)> {
    let mut tried = Tried::default();
    for (rtp, rtcp) in pairs {
        match pair_at(ip, rtp, rtcp).await {
            Ok(sockets) => return Ok(sockets),
            Err(error) => tried.note(rtp, error)?,
        }
    }
    if otherwise == Otherwise::AnyFree {
        for _ in 0..TRIES {
            let one = UdpSocket::bind((ip, 0)).await.context("no UDP port is free")?;
            let port = one.local_addr()?.port();
            // RTP takes the even one of two neighbours.
            let Ok(other) = UdpSocket::bind((ip, port ^ 1)).await else { continue };
            return Ok(if port % 2 == 0 { (one, other) } else { (other, one) });
        }
    }
    bail!("{tried}");
}

async fn both_at(ip: IpAddr, port: u16) -> io::Result<(UdpSocket, TcpListener)> {
    let address = SocketAddr::new(ip, port);
    Ok((UdpSocket::bind(address).await?, TcpListener::bind(address).await?))
}

async fn pair_at(ip: IpAddr, rtp: u16, rtcp: u16) -> io::Result<(UdpSocket, UdpSocket)> {
    Ok((UdpSocket::bind((ip, rtp)).await?, UdpSocket::bind((ip, rtcp)).await?))
}

/// The ports that were taken.
#[derive(Default)]
struct Tried(Vec<u16>);

impl Tried {
    /// Notes a port that is in use; any other trouble would be the same at the next port.
    fn note(&mut self, port: u16, error: io::Error) -> Result<()> {
        if error.kind() != io::ErrorKind::AddrInUse {
            return Err(error).with_context(|| format!("port {port} cannot be opened"));
        }
        self.0.push(port);
        Ok(())
    }
}

impl std::fmt::Display for Tried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.as_slice() {
            [] => write!(f, "the policy has no port for this"),
            [only] => write!(f, "port {only} is taken by another program"),
            [first, .., last] => {
                write!(f, "all of the policy's ports {first} to {last} are taken by other programs")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[tokio::test]
    async fn a_taken_port_is_passed_over_and_all_taken_is_said() {
        let taken = TcpListener::bind((LOCAL, 0)).await.expect("a free port");
        let port = taken.local_addr().expect("an address").port();
        let refusal = listener(LOCAL, [port], Otherwise::Refuse).await.expect_err("it is taken");
        assert!(refusal.to_string().contains(&port.to_string()), "{refusal}");

        let other = listener(LOCAL, [port], Otherwise::AnyFree).await.expect("any other");
        assert_ne!(other.local_addr().expect("an address").port(), port);
        let (udp, tcp) = both(LOCAL, [port], Otherwise::AnyFree).await.expect("any other");
        assert_eq!(udp.local_addr().ok(), tcp.local_addr().ok());
    }

    #[tokio::test]
    async fn a_free_pair_has_its_even_port_for_rtp() {
        let (rtp, rtcp) = pair(LOCAL, [], Otherwise::AnyFree).await.expect("a pair");
        let port = |socket: &UdpSocket| socket.local_addr().expect("an address").port();
        assert_eq!((port(&rtp) % 2, port(&rtcp)), (0, port(&rtp) + 1));
        let pairs = [(port(&rtp), port(&rtcp))];
        assert!(pair(LOCAL, pairs, Otherwise::Refuse).await.is_err());
    }
}
