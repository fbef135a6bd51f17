//! Packets out of a capture file: pcap in all its byte orders, and pcapng.

use core::time::Duration;
use std::io::{self, Read};

use anyhow::{Result, bail};
use pcap_parser::pcapng::Block;
use pcap_parser::traits::{PcapNGPacketBlock as _, PcapReaderIterator};
use pcap_parser::{Linktype, PcapBlockOwned, PcapError, create_reader};

use crate::report::Fault;

/// What the reader begins with: many packets at once.
const BUFFER: usize = 1024 * 1024;
/// No packet or block is longer: a length beyond it is a lie.
const LONGEST_BLOCK: usize = 16 * 1024 * 1024;
/// Interfaces of one section of a pcapng file; packets of later ones are left out.
const INTERFACES: usize = 4096;

/// One captured packet.
#[derive(Debug)]
pub(super) struct Packet<'a> {
    /// Counts from 1, as other programs number packets.
    pub(super) number: u64,
    /// Since 1 January 1970.
    pub(super) at: Duration,
    /// What the octets begin with.
    pub(super) link: Linktype,
    pub(super) octets: &'a [u8],
    /// Whether the packet was longer on the wire than what was kept of it.
    pub(super) cut: bool,
}

/// How the reading ended.
#[derive(Debug)]
pub(super) struct Ending {
    /// `pcap` or `pcapng`.
    pub(super) format: &'static str,
    pub(super) packets: u64,
    pub(super) octets: u64,
    /// Why not all of the file could be read.
    pub(super) error: Option<Fault>,
}

/// Reads all packets of a capture, each into `each`.
///
/// What stands before a broken place is read, and [`Ending::error`] tells of the place.
pub(super) fn read<R: Read + Send>(source: R, mut each: impl FnMut(&Packet<'_>)) -> Result<Ending> {
    let mut reader = match create_reader(BUFFER, Filling(source)) {
        Ok(reader) => reader,
        Err(PcapError::ReadError) => bail!("it cannot be read"),
        Err(PcapError::Eof) => bail!("it is empty: a capture has a header at least"),
        Err(_) => bail!(
            "it is no capture: save one as pcap or pcapng, with `tcpdump -w FILE` or in Wireshark"
        ),
    };
    let mut ending = Ending { format: "pcap", packets: 0, octets: 0, error: None };
    let mut section = Section::default();
    let mut capacity = BUFFER;
    loop {
        let at = reader.consumed();
        let used = match reader.next() {
            Ok((used, block)) => {
                if matches!(block, PcapBlockOwned::NG(_)) {
                    ending.format = "pcapng";
                }
                if let Some(mut packet) = section.packet(&block) {
                    ending.packets += 1;
                    ending.octets += packet.octets.len() as u64;
                    packet.number = ending.packets;
                    each(&packet);
                }
                used
            }
            Err(PcapError::Eof) => break,
            Err(PcapError::Incomplete(_)) => {
                let before = reader.data().len();
                if reader.refill().is_err() {
                    bail!("it cannot be read");
                }
                if reader.data().len() == before && !reader.reader_exhausted() {
                    capacity = match larger(reader.as_mut(), capacity) {
                        Some(capacity) => capacity,
                        None => {
                            ending.error = Some(too_long(at));
                            break;
                        }
                    };
                }
                if reader.reader_exhausted() && reader.data().len() == before {
                    ending.error = (before > 0).then(|| cut_off(at));
                    break;
                }
                continue;
            }
            Err(PcapError::BufferTooSmall) => {
                match larger(reader.as_mut(), capacity) {
                    Some(larger) => capacity = larger,
                    None => {
                        ending.error = Some(too_long(at));
                        break;
                    }
                }
                if reader.refill().is_err() {
                    bail!("it cannot be read");
                }
                continue;
            }
            Err(PcapError::UnexpectedEof) => {
                ending.error = Some(cut_off(at));
                break;
            }
            Err(PcapError::ReadError) => bail!("it cannot be read"),
            Err(_) => {
                ending.error = Some(Fault::new("no block of a capture begins here", at));
                break;
            }
        };
        if used == 0 {
            ending.error = Some(Fault::new("a block without octets", at));
            break;
        }
        reader.consume(used);
    }
    Ok(ending)
}

fn cut_off(at: usize) -> Fault {
    Fault::new("the capture is cut off within the packet or block that begins here", at)
}

fn too_long(at: usize) -> Fault {
    let words = "the packet or block that begins here says that it is longer than 16 MiB";
    Fault::new(words, at)
}

fn larger(reader: &mut dyn PcapReaderIterator, capacity: usize) -> Option<usize> {
    let more = capacity.saturating_mul(2);
    (more <= LONGEST_BLOCK && reader.grow(more)).then_some(more)
}

/// Fills the buffer as far as the source goes: a pipe gives less at a time than a header is long.
struct Filling<R>(R);

impl<R: Read> Read for Filling<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.0.read(rest) {
                Ok(0) => break,
                Ok(more) => filled += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

/// What packets need to be known of the headers before them.
#[derive(Debug, Default)]
struct Section {
    /// Of a pcap file.
    link: Linktype,
    nanoseconds: bool,
    /// Of a section of a pcapng file.
    interfaces: Vec<Interface>,
}

#[derive(Debug)]
struct Interface {
    link: Linktype,
    units: Units,
    offset_seconds: i64,
}

/// What the timestamps of an interface count.
#[derive(Clone, Copy, Debug)]
enum Units {
    /// So many a second.
    Decimal(u64),
    /// 2 to this power a second.
    Binary(u32),
}

impl Section {
    /// Takes what a block says of others, and gives the packet that it holds; numbers are the
    /// caller's.
    fn packet<'a>(&mut self, block: &'a PcapBlockOwned<'_>) -> Option<Packet<'a>> {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                self.link = header.network;
                self.nanoseconds = header.is_nanosecond_precision();
                None
            }
            PcapBlockOwned::Legacy(packet) => {
                let nanos = if self.nanoseconds { 1 } else { 1000 };
                let part = Duration::from_nanos(u64::from(packet.ts_usec).saturating_mul(nanos));
                Some(Packet {
                    number: 0,
                    at: Duration::from_secs(packet.ts_sec.into()).saturating_add(part),
                    link: self.link,
                    octets: packet.data,
                    cut: packet.origlen > packet.caplen,
                })
            }
            PcapBlockOwned::NG(Block::SectionHeader(_)) => {
                self.interfaces.clear();
                None
            }
            PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                if self.interfaces.len() < INTERFACES {
                    self.interfaces.push(Interface {
                        link: interface.linktype,
                        units: Units::new(interface.if_tsresol),
                        offset_seconds: interface.if_tsoffset,
                    });
                }
                None
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                let interface = self.interfaces.get(usize::try_from(packet.if_id).ok()?)?;
                let count = (u64::from(packet.ts_high) << 32) | u64::from(packet.ts_low);
                let octets = packet.packet_data();
                let at = interface.units.time(count);
                Some(Packet {
                    number: 0,
                    at: if interface.offset_seconds < 0 {
                        at.saturating_sub(Duration::from_secs(
                            interface.offset_seconds.unsigned_abs(),
                        ))
                    } else {
                        at.saturating_add(Duration::from_secs(
                            interface.offset_seconds.unsigned_abs(),
                        ))
                    },
                    link: interface.link,
                    octets,
                    cut: packet.origlen as usize > octets.len(),
                })
            }
            PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
                let octets = packet.packet_data();
                Some(Packet {
                    number: 0,
                    // Blocks of this kind have no time.
                    at: Duration::ZERO,
                    link: self.interfaces.first()?.link,
                    octets,
                    cut: packet.origlen as usize > octets.len(),
                })
            }
            PcapBlockOwned::NG(_) => None,
        }
    }
}

impl Units {
    /// Reads an interface's `if_tsresol`; units that no clock has are taken for microseconds.
    fn new(resolution: u8) -> Self {
        let power = u32::from(resolution & 0x7f);
        if resolution & 0x80 == 0 {
            Self::Decimal(10u64.checked_pow(power).unwrap_or(1_000_000))
        } else {
            Self::Binary(power.min(63))
        }
    }

    fn time(self, count: u64) -> Duration {
        let (seconds, rest, per_second) = match self {
            Self::Decimal(units) => (count / units.max(1), count % units.max(1), units.max(1)),
            Self::Binary(power) => (count >> power, count & ((1 << power) - 1), 1 << power),
        };
        let nanos = u128::from(rest) * 1_000_000_000 / u128::from(per_second);
        Duration::new(seconds, u32::try_from(nanos).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_of_every_resolution_are_read() {
        let of = |resolution, count| Units::new(resolution).time(count);
        assert_eq!(of(6, 1_500_000), Duration::from_millis(1500));
        assert_eq!(of(9, 1_500_000_000), Duration::from_millis(1500));
        assert_eq!(of(0, 3), Duration::from_secs(3));
        assert_eq!(of(0x80 | 10, 1536), Duration::from_millis(1500));
        assert_eq!(of(0x80 | 127, u64::MAX).as_secs(), 1);
        assert_eq!(of(99, 2_000_000), Duration::from_secs(2));
    }

    #[test]
    fn what_is_no_capture_is_refused_with_advice() {
        let error = |octets: &[u8]| read(octets, |_| {}).expect_err("it is none").to_string();
        assert!(error(b"").contains("empty"));
        assert!(error(b"INVITE sip:bob@example.com SIP/2.0\r\n\r\n").contains("tcpdump -w"));
        assert!(error(&[0xd4, 0xc3]).contains("tcpdump -w"));
    }

    #[test]
    fn a_length_that_lies_ends_the_reading_where_it_stands() {
        let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
        file.extend([0; 12]);
        file.extend([1, 0, 0, 0]);
        file.extend([0; 8]);
        file.extend([0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f, 1, 2, 3]);
        let ending = read(file.as_slice(), |_| {}).expect("its header is good");
        assert_eq!(ending.packets, 0);
        assert_eq!(ending.error.map(|fault| fault.offset), Some(24));
    }
}
