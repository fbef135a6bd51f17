//! Asks DHCP for the provisioning server, which embassy-net's client cannot be told to do.
//!
//! Phones learn where their configuration is from option 66 (the server's name, RFC 2132 section
//! 9.4, in practice often an address as text) or option 150 (addresses, RFC 5859). The Ethernet
//! driver shows this module each frame: a DHCP request on its way out gets both options added to
//! its parameter request list, an answer on its way in is read for them.

use core::cell::Cell;
use core::net::Ipv4Addr;

use critical_section::Mutex;

use crate::board::lan9118::Tap;

static SERVER: Mutex<Cell<Option<Ipv4Addr>>> = Mutex::new(Cell::new(None));

/// The address of the provisioning server, where the network's DHCP server has named one.
pub fn provisioning_server() -> Option<Ipv4Addr> {
    critical_section::with(|cs| SERVER.borrow(cs).get())
}

/// What the driver calls with each frame.
pub const TAP: Tap = Tap { sending: ask, received: learn };

const ETHERNET: usize = 14;
const IP: usize = 20;
const UDP: usize = 8;
/// The fixed part of a DHCP message (RFC 2131 section 2) and its magic number.
const FIXED: usize = 236;
const MAGIC: [u8; 4] = [99, 130, 83, 99];
const OPTIONS: usize = ETHERNET + IP + UDP + FIXED + MAGIC.len();

const PAD: u8 = 0;
const PARAMETER_REQUEST_LIST: u8 = 55;
const TFTP_SERVER_NAME: u8 = 66;
const TFTP_SERVER_ADDRESS: u8 = 150;
const END: u8 = 255;

const SERVER_PORT: [u8; 2] = [0, 67];
const CLIENT_PORT: [u8; 2] = [0, 68];

/// Whether a frame is DHCP from `source` to `target` in an IPv4 packet without options.
fn is_dhcp(frame: &[u8], source: [u8; 2], target: [u8; 2]) -> bool {
    let udp = ETHERNET + IP;
    frame.get(12..15) == Some(&[0x08, 0x00, 0x45])
        && frame.get(ETHERNET + 9) == Some(&17)
        && frame.get(udp..udp + 2) == Some(&source)
        && frame.get(udp + 2..udp + 4) == Some(&target)
        && frame.get(OPTIONS - MAGIC.len()..OPTIONS) == Some(&MAGIC)
}

/// Where an option's value stands in the frame.
fn find(frame: &[u8], wanted: u8) -> Option<core::ops::Range<usize>> {
    let mut at = OPTIONS;
    loop {
        match *frame.get(at)? {
            END => return None,
            PAD => at += 1,
            code => {
                let start = at + 2;
                let end = start + usize::from(*frame.get(at + 1)?);
                if code == wanted {
                    return (end <= frame.len()).then_some(start..end);
                }
                at = end;
            }
        }
    }
}

/// Adds two codes to the parameter request list of a request; returns the frame's new length.
fn ask(frame: &mut [u8], len: usize) -> usize {
    const ADDED: [u8; 2] = [TFTP_SERVER_NAME, TFTP_SERVER_ADDRESS];
    let grown = len + ADDED.len();
    if grown > frame.len() || !is_dhcp(&frame[..len], CLIENT_PORT, SERVER_PORT) {
        return len;
    }
    let Some(list) = find(&frame[..len], PARAMETER_REQUEST_LIST) else { return len };
    frame.copy_within(list.end..len, list.end + ADDED.len());
    frame[list.end..list.end + ADDED.len()].copy_from_slice(&ADDED);
    frame[list.start - 1] += ADDED.len() as u8;

    let total = ((grown - ETHERNET) as u16).to_be_bytes();
    frame[ETHERNET + 2..ETHERNET + 4].copy_from_slice(&total);
    frame[ETHERNET + 10..ETHERNET + 12].fill(0);
    let checksum = header_checksum(&frame[ETHERNET..ETHERNET + IP]).to_be_bytes();
    frame[ETHERNET + 10..ETHERNET + 12].copy_from_slice(&checksum);
    let udp = ETHERNET + IP;
    frame[udp + 4..udp + 6].copy_from_slice(&((grown - udp) as u16).to_be_bytes());
    // UDP over IPv4 may go without a checksum (RFC 768).
    frame[udp + 6..udp + 8].fill(0);
    grown
}

/// The checksum of an IPv4 header (RFC 1071).
fn header_checksum(header: &[u8]) -> u16 {
    let sum: u32 =
        header.as_chunks::<2>().0.iter().map(|word| u32::from(u16::from_be_bytes(*word))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded & 0xffff) + (folded >> 16)) as u16
}

/// Reads the options of an answer.
fn learn(frame: &[u8]) {
    if !is_dhcp(frame, SERVER_PORT, CLIENT_PORT) {
        return;
    }
    let address = find(frame, TFTP_SERVER_ADDRESS)
        .and_then(|value| frame[value].first_chunk::<4>())
        .map(|octets| Ipv4Addr::from(*octets));
    let named = || {
        let name = &frame[find(frame, TFTP_SERVER_NAME)?];
        core::str::from_utf8(name).ok()?.trim_end_matches('\0').parse().ok()
    };
    if let Some(server) = address.or_else(named) {
        critical_section::with(|cs| SERVER.borrow(cs).set(Some(server)));
    }
}
