//! What is within a captured packet: link and IP headers taken off, down to UDP and TCP.

use core::net::{IpAddr, SocketAddr};

use etherparse::{
    EtherType, IpNumber, Ipv6ExtensionSlice, LaxLinkExtSlice, LaxNetSlice, LaxSlicedPacket,
    TcpSlice, TransportSlice, UdpSlice,
};
use pcap_parser::Linktype;

use super::capture::Packet;
use super::fragments::{Fragment, Fragments, Key};

/// Rounds of up to three VLAN tags each that are taken off.
const TAG_ROUNDS: usize = 4;

const NULL: Linktype = Linktype(0);
const ETHERNET: Linktype = Linktype(1);
/// Raw IP, as captures on the BSDs and of old libpcap name it.
const RAW_OLD: [Linktype; 2] = [Linktype(12), Linktype(14)];
const RAW: Linktype = Linktype(101);
const LOOP: Linktype = Linktype(108);
const LINUX_SLL: Linktype = Linktype(113);
const IPV4: Linktype = Linktype(228);
const IPV6: Linktype = Linktype(229);
const LINUX_SLL2: Linktype = Linktype(276);

/// A UDP datagram.
#[derive(Debug)]
pub(super) struct Datagram<'a> {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) payload: &'a [u8],
    /// How long the payload was on the wire: more than was captured, where the capture cuts.
    pub(super) wire_len: usize,
}

/// A TCP segment.
#[derive(Debug)]
pub(super) struct Segment<'a> {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) sequence: u32,
    pub(super) syn: bool,
    pub(super) payload: &'a [u8],
}

/// What is in a packet.
#[derive(Debug)]
pub(super) enum Content<'a> {
    Udp(Datagram<'a>),
    Tcp(Segment<'a>),
}

/// Why packets were left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// Of a link layer that is not known.
    pub(super) link: u64,
    /// Neither IPv4 nor IPv6.
    pub(super) not_ip: u64,
    /// Neither UDP nor TCP.
    pub(super) other_transport: u64,
    /// Headers that are broken or cut off.
    pub(super) broken: u64,
}

/// Takes a packet apart, and hands on what it holds, if it is UDP or TCP. A fragment is kept until
/// its datagram is whole.
pub(super) fn content(
    packet: &Packet<'_>,
    fragments: &mut Fragments,
    left_out: &mut LeftOut,
    mut each: impl FnMut(Content<'_>),
) {
    let sliced = match slice(packet.link, packet.octets) {
        Some(Ok(sliced)) => sliced,
        Some(Err(())) => {
            left_out.broken += 1;
            return;
        }
        None => {
            left_out.link += 1;
            return;
        }
    };
    let Some((from, to)) = addresses(&sliced) else {
        let counter =
            if sliced.stop_err.is_some() { &mut left_out.broken } else { &mut left_out.not_ip };
        *counter += 1;
        return;
    };
    if let Some(fragment) = fragment(&sliced, from, to) {
        let Some(whole) = fragments.add(&fragment) else { return };
        match fragment.key.protocol {
            17 => match UdpSlice::from_slice_lax(&whole) {
                Ok(udp) => each(datagram(&udp, from, to)),
                Err(_) => left_out.broken += 1,
            },
            6 => match TcpSlice::from_slice(&whole) {
                Ok(tcp) => each(segment(&tcp, from, to)),
                Err(_) => left_out.broken += 1,
            },
            _ => left_out.other_transport += 1,
        }
        return;
    }
    match &sliced.transport {
        Some(TransportSlice::Udp(udp)) => each(datagram(udp, from, to)),
        Some(TransportSlice::Tcp(tcp)) => each(segment(tcp, from, to)),
        None if is_udp_or_tcp(&sliced) => left_out.broken += 1,
        _ => left_out.other_transport += 1,
    }
}

fn slice(link: Linktype, octets: &[u8]) -> Option<Result<LaxSlicedPacket<'_>, ()>> {
    let ip = |octets| LaxSlicedPacket::from_ip(octets).map_err(drop);
    let sliced = match link {
        ETHERNET => LaxSlicedPacket::from_ethernet(octets).map_err(drop),
        RAW | IPV4 | IPV6 => ip(octets),
        old if RAW_OLD.contains(&old) => ip(octets),
        // Four octets name the family in some byte order; the version of IP says the same.
        NULL | LOOP => octets.get(4..).ok_or(()).and_then(ip),
        LINUX_SLL => cooked(octets, 14, 16),
        LINUX_SLL2 => cooked(octets, 0, 20),
        _ => return None,
    };
    Some(sliced.map(untag))
}

/// Linux' cooked headers: a protocol as Ethernet has it at `at`, the packet from `from` on.
fn cooked(octets: &[u8], at: usize, from: usize) -> Result<LaxSlicedPacket<'_>, ()> {
    let kind = octets.get(at..).and_then(|rest| rest.first_chunk::<2>()).ok_or(())?;
    let rest = octets.get(from..).ok_or(())?;
    Ok(LaxSlicedPacket::from_ether_type(EtherType(u16::from_be_bytes(*kind)), rest))
}

/// Goes on behind more VLAN tags than are taken off at once.
fn untag(mut sliced: LaxSlicedPacket<'_>) -> LaxSlicedPacket<'_> {
    for _ in 0..TAG_ROUNDS {
        let full = sliced.link_exts.len() == LaxSlicedPacket::LINK_EXTS_CAP;
        match sliced.link_exts.last() {
            Some(LaxLinkExtSlice::Vlan(tag)) if full && sliced.net.is_none() => {
                sliced = LaxSlicedPacket::from_ether_type(tag.ether_type(), tag.payload_slice());
            }
            _ => break,
        }
    }
    sliced
}

fn addresses(sliced: &LaxSlicedPacket<'_>) -> Option<(IpAddr, IpAddr)> {
    match sliced.net.as_ref()? {
        LaxNetSlice::Ipv4(ip) => {
            let header = ip.header();
            Some((header.source_addr().into(), header.destination_addr().into()))
        }
        LaxNetSlice::Ipv6(ip) => {
            let header = ip.header();
            Some((header.source_addr().into(), header.destination_addr().into()))
        }
        LaxNetSlice::Arp(_) => None,
    }
}

fn is_udp_or_tcp(sliced: &LaxSlicedPacket<'_>) -> bool {
    let payload = sliced.net.as_ref().and_then(LaxNetSlice::ip_payload_ref);
    payload.is_some_and(|payload| [IpNumber::UDP, IpNumber::TCP].contains(&payload.ip_number))
}

/// The packet as a fragment, if it is one.
fn fragment<'a>(sliced: &LaxSlicedPacket<'a>, from: IpAddr, to: IpAddr) -> Option<Fragment<'a>> {
    let net = sliced.net.as_ref()?;
    let payload = net.ip_payload_ref().filter(|payload| payload.fragmented)?;
    let (identification, offset, more) = match net {
        LaxNetSlice::Ipv4(ip) => {
            let header = ip.header();
            let offset = usize::from(header.fragments_offset().value()) * 8;
            (u32::from(header.identification()), offset, header.more_fragments())
        }
        LaxNetSlice::Ipv6(ip) => {
            ip.extensions().clone().into_iter().find_map(|extension| match extension {
                Ipv6ExtensionSlice::Fragment(fragment) => Some((
                    fragment.identification(),
                    usize::from(fragment.fragment_offset().value()) * 8,
                    fragment.more_fragments(),
                )),
                _ => None,
            })?
        }
        LaxNetSlice::Arp(_) => return None,
    };
    let key = Key { from, to, protocol: payload.ip_number.0, identification };
    Some(Fragment { key, offset, more, octets: payload.payload })
}

fn datagram<'a>(udp: &UdpSlice<'a>, from: IpAddr, to: IpAddr) -> Content<'a> {
    let payload = udp.payload();
    Content::Udp(Datagram {
        from: SocketAddr::new(from, udp.source_port()),
        to: SocketAddr::new(to, udp.destination_port()),
        payload,
        wire_len: usize::from(udp.length()).saturating_sub(8).max(payload.len()),
    })
}

fn segment<'a>(tcp: &TcpSlice<'a>, from: IpAddr, to: IpAddr) -> Content<'a> {
    Content::Tcp(Segment {
        from: SocketAddr::new(from, tcp.source_port()),
        to: SocketAddr::new(to, tcp.destination_port()),
        sequence: tcp.sequence_number(),
        syn: tcp.syn(),
        payload: tcp.payload(),
    })
}
