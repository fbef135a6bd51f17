//! Ports of this machine, reachable from the other side of a router: by UPnP's Internet Gateway
//! Device as Windows Messenger did, else by PCP (RFC 6887) or NAT-PMP (RFC 6886).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use crab_nat::{InternetProtocol, PortMapping, PortMappingOptions, PortMappingType, TimeoutConfig};
use igd_next::aio::Gateway;
use igd_next::aio::tokio::{Tokio, search_gateway};
use igd_next::{AddPortError, PortMappingProtocol, SearchOptions};
use tokio::net::UdpSocket;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::ports::Protocol;

/// How long a router keeps a mapping that is not renewed; it is at half of that.
pub const LEASE: Duration = Duration::from_secs(600);
/// How long a router may take to say that it is there.
const SEARCH: Duration = Duration::from_secs(3);
const PATIENCE: TimeoutConfig = TimeoutConfig {
    initial_timeout: Duration::from_millis(250),
    max_retries: 3,
    max_retry_timeout: None,
};
/// What stands beside each mapping in the router's own list.
const DESCRIPTION: &str = "Messenger";

/// A router that maps ports for this machine.
#[derive(Clone, Debug)]
pub struct Router {
    way: Way,
    /// This machine's address, on the router's side.
    local: IpAddr,
    external: IpAddr,
}

#[derive(Clone, Debug)]
enum Way {
    Upnp(Gateway<Tokio>),
    /// PCP or NAT-PMP, whichever the router at this address speaks.
    Pcp(IpAddr),
}

impl Router {
    /// Looks for it: by UPnP, and if nobody answers by asking `address`, or else where this
    /// machine's default route leads.
    ///
    /// # Errors
    /// What no way has come to, in words for the person at the machine.
    pub async fn find(address: Option<IpAddr>) -> Result<Self> {
        let mut options = SearchOptions::default();
        (options.timeout, options.single_search_timeout) = (Some(SEARCH), Some(SEARCH));
        let no_upnp = match search_gateway(options).await {
            Ok(gateway) => {
                let external = gateway.get_external_ip().await;
                let external = external.context("the router does not say its own address")?;
                let local = facing(gateway.addr).await?;
                return Ok(Self { way: Way::Upnp(gateway), local, external });
            }
            Err(error) => error,
        };
        let router = address.or_else(default_route).with_context(|| {
            format!("no router answers by UPnP ({no_upnp}), and there is no default route")
        })?;
        let external = crab_nat::natpmp::external_address(router.into(), Some(PATIENCE)).await;
        let external = external.map_err(|error| {
            anyhow!(
                "no router answers by UPnP ({no_upnp}), and {router} does not by NAT-PMP ({error})"
            )
        })?;
        let local = facing(SocketAddr::new(router, crab_nat::GATEWAY_PORT)).await?;
        Ok(Self { way: Way::Pcp(router), local, external: external.into() })
    }

    /// The router's address on the other side.
    pub const fn external(&self) -> IpAddr {
        self.external
    }

    /// Maps a port of this machine, to the same number if nobody else has that, and keeps it mapped.
    ///
    /// # Errors
    /// The router refuses.
    pub async fn map(&self, protocol: Protocol, port: u16, lease: Duration) -> Result<Mapping> {
        let seconds = u32::try_from(lease.as_secs()).unwrap_or(u32::MAX);
        let held = match &self.way {
            Way::Upnp(gateway) => {
                let local = SocketAddr::new(self.local, port);
                let protocol = match protocol {
                    Protocol::Tcp => PortMappingProtocol::TCP,
                    Protocol::Udp => PortMappingProtocol::UDP,
                };
                let mut held = Held::Upnp {
                    gateway: Box::new(gateway.clone()),
                    protocol,
                    external: port,
                    local,
                    seconds,
                };
                if let Err(error) = held.renew().await {
                    if !matches!(error.downcast_ref(), Some(AddPortError::PortInUse)) {
                        return Err(error);
                    }
                    let any = gateway.add_any_port(protocol, local, seconds, DESCRIPTION).await?;
                    if let Held::Upnp { external, .. } = &mut held {
                        *external = any;
                    }
                }
                held
            }
            Way::Pcp(router) => {
                let port = NonZeroU16::new(port).context("port 0 is no port")?;
                let options = PortMappingOptions {
                    external_port: Some(port),
                    lifetime_seconds: Some(seconds),
                    timeout_config: Some(PATIENCE),
                };
                let protocol = match protocol {
                    Protocol::Tcp => InternetProtocol::Tcp,
                    Protocol::Udp => InternetProtocol::Udp,
                };
                let mapping =
                    PortMapping::new((*router).into(), self.local, protocol, port, options).await?;
                Held::Pcp(Box::new(mapping))
            }
        };
        let external = SocketAddr::new(held.address().unwrap_or(self.external), held.port());
        let lease = held.lease();
        let (end, ended) = oneshot::channel();
        Ok(Mapping { external, end, keeper: tokio::spawn(keep(held, lease / 2, ended)) })
    }
}

impl fmt::Display for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.way {
            Way::Upnp(gateway) => write!(f, "{} (UPnP)", gateway.addr.ip()),
            Way::Pcp(router) => write!(f, "{router} (PCP or NAT-PMP)"),
        }
    }
}

/// A port that a router maps. It is renewed until it is closed or dropped, and removed then.
#[derive(Debug)]
pub struct Mapping {
    external: SocketAddr,
    end: oneshot::Sender<()>,
    keeper: JoinHandle<()>,
}

impl Mapping {
    /// Where others reach it.
    pub const fn external(&self) -> SocketAddr {
        self.external
    }

    /// Has the router forget it, and waits for that.
    pub async fn close(self) {
        drop(self.end);
        let _ = self.keeper.await;
    }
}

/// What a router holds for this machine.
enum Held {
    Upnp {
        gateway: Box<Gateway<Tokio>>,
        protocol: PortMappingProtocol,
        external: u16,
        local: SocketAddr,
        seconds: u32,
    },
    Pcp(Box<PortMapping>),
}

impl Held {
    async fn renew(&mut self) -> Result<()> {
        match self {
            Self::Upnp { gateway, protocol, external, local, seconds } => {
                Ok(gateway.add_port(*protocol, *external, *local, *seconds, DESCRIPTION).await?)
            }
            Self::Pcp(mapping) => Ok(mapping.renew().await?),
        }
    }

    async fn remove(self) {
        // A router that does not hear this forgets the mapping by itself when its time is over.
        match self {
            Self::Upnp { gateway, protocol, external, .. } => {
                let _ = gateway.remove_port(protocol, external).await;
            }
            Self::Pcp(mapping) => {
                let _ = mapping.try_drop().await;
            }
        }
    }

    /// PCP says it with each mapping.
    fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Upnp { .. } => None,
            Self::Pcp(mapping) => match mapping.mapping_type() {
                PortMappingType::Pcp { external_ip, .. } => {
                    Some(external_ip.to_canonical()).filter(|ip| !ip.is_unspecified())
                }
                PortMappingType::NatPmp => None,
            },
        }
    }

    fn port(&self) -> u16 {
        match self {
            Self::Upnp { external, .. } => *external,
            Self::Pcp(mapping) => mapping.external_port().get(),
        }
    }

    /// How long the router keeps it.
    fn lease(&self) -> Duration {
        let seconds = match self {
            Self::Upnp { seconds, .. } => *seconds,
            Self::Pcp(mapping) => mapping.lifetime(),
        };
        Duration::from_secs(u64::from(seconds.max(2)))
    }
}

/// Renews what is held until nobody wants it any more, and removes it then.
async fn keep(mut held: Held, every: Duration, mut ended: oneshot::Receiver<()>) {
    loop {
        tokio::select! {
            _ = &mut ended => return held.remove().await,
            // A router that was restarted has forgotten it; the next time may be better.
            () = sleep(every) => drop(held.renew().await),
        }
    }
}

/// The address of this machine that leads to another one.
async fn facing(other: SocketAddr) -> Result<IpAddr> {
    let any: SocketAddr = if other.is_ipv4() { ([0; 4], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(other).await.with_context(|| format!("no way leads to {other}"))?;
    Ok(socket.local_addr()?.ip())
}

/// Where the default route leads, on a system that says it in /proc.
fn default_route() -> Option<IpAddr> {
    let table = std::fs::read_to_string("/proc/net/route").ok()?;
    route_in(&table).map(IpAddr::V4)
}

/// The gateway of the destination 0.0.0.0/0: hexadecimal, in the machine's order of octets.
fn route_in(table: &str) -> Option<Ipv4Addr> {
    table.lines().skip(1).find_map(|line| {
        let columns: Vec<&str> = line.split_ascii_whitespace().collect();
        let [_, "00000000", gateway, _, _, _, _, "00000000", ..] = columns[..] else { return None };
        let gateway = u32::from_str_radix(gateway, 16).ok().filter(|gateway| *gateway != 0)?;
        Some(Ipv4Addr::from(gateway.to_ne_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_route_is_found_among_the_others() {
        let table = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
            eth0\t004DA8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
            eth0\t00000000\t014DA8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n";
        let expected = Ipv4Addr::from(0x014d_a8c0_u32.to_ne_bytes());
        assert_eq!(route_in(table), Some(expected));
        assert_eq!(route_in(&table.replace("014DA8C0", "00000000")), None);
        assert_eq!(route_in(""), None);
    }
}
