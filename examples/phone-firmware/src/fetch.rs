//! Fetches files from the provisioning server by TFTP.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;

use embassy_futures::select::{Either, select};
use embassy_net::Stack;
use embassy_net::udp::{PacketMetadata, UdpSocket};
use embassy_time::{Instant, Timer};
use tftp_core::client::{Client, Config, Event};
use tftp_core::{Mode, Path};

/// The port of TFTP (RFC 1350 section 4).
const TFTP: u16 = 69;
/// Ports for the phone's end of transfers: each has its own (RFC 1350 section 4).
const FIRST_PORT: u16 = 49152;

/// What the socket and the client write in: lent, since it is of use only while the phone boots.
pub struct Buffers<'a> {
    /// What the socket has received.
    pub received: &'a mut [u8],
    /// What the socket sends.
    pub sent: &'a mut [u8],
    /// One datagram.
    pub datagram: &'a mut [u8],
}

/// Fetches `name` and hands each block, in order, to `store`; returns the file's length.
///
/// # Errors
/// Why the file is not here, as a text for the console.
pub async fn fetch(
    stack: Stack<'_>,
    server: Ipv4Addr,
    number: u16,
    name: &[u8],
    buffers: &mut Buffers<'_>,
    mut store: impl FnMut(u64, &[u8]) -> Result<(), &'static str>,
) -> Result<u64, &'static str> {
    let mut metadata = [[PacketMetadata::EMPTY; 2]; 2];
    let [received, sent] = &mut metadata;
    let mut socket = UdpSocket::new(stack, received, buffers.received, sent, buffers.sent);
    socket.bind(FIRST_PORT + number).map_err(|_| "no port is free")?;
    let config = Config::new(SocketAddr::new(IpAddr::V4(server), TFTP));
    let mut client = Client::get(now(), &config, name, Mode::Octet)
        .map_err(|_| "the name cannot be asked for")?;
    let mut whole = None;
    let datagram = &mut *buffers.datagram;
    while whole.is_none() || !client.is_ended() {
        while let Some(transmit) = client.poll_transmit(now(), datagram) {
            if let SocketAddr::V4(remote) = transmit.path.remote {
                let _ = socket.send_to(&datagram[..transmit.len], remote).await;
            }
        }
        while let Some(event) = client.poll_event() {
            match event {
                Event::Complete { octets } => whole = Some(octets),
                Event::Failed(_) => return Err("the server did not hand it out"),
                _ => {}
            }
        }
        if let Some(octets) = whole {
            // That the last ACK may be lost is not worth waiting for.
            socket.flush().await;
            return Ok(octets);
        }
        let timer = async {
            match client.poll_timeout() {
                Some(at) => Timer::at(instant(at)).await,
                None => core::future::pending().await,
            }
        };
        match select(socket.recv_from(datagram), timer).await {
            Either::Second(()) => client.handle_timeout(now()),
            Either::First(Err(_)) => {}
            Either::First(Ok((len, from))) => {
                let remote = SocketAddr::new(from.endpoint.addr.into(), from.endpoint.port);
                let event =
                    client.handle_datagram(now(), Path { local: 0, remote }, &datagram[..len]);
                match event {
                    Ok(Some(Event::Block { offset, data, .. })) => store(offset, data)?,
                    Ok(Some(Event::Complete { octets })) => whole = Some(octets),
                    Ok(Some(Event::Failed(_))) => return Err("the server refused"),
                    _ => {}
                }
            }
        }
    }
    whole.ok_or("the transfer ended early")
}

/// The time that the SDK's machines are told.
pub fn now() -> Duration {
    // In 32 bits, which last for 49 days: a division in 64 takes hundreds of instructions.
    let millis = Instant::now().as_millis();
    match u32::try_from(millis) {
        Ok(millis) => Duration::new(u64::from(millis / 1000), millis % 1000 * 1_000_000),
        Err(_) => Duration::from_millis(millis),
    }
}

/// When embassy's timer has to ring for a machine's deadline.
pub fn instant(at: Duration) -> Instant {
    let millis = u64::from(at.subsec_nanos().div_ceil(1_000_000));
    Instant::from_millis(at.as_secs().saturating_mul(1000).saturating_add(millis))
}
