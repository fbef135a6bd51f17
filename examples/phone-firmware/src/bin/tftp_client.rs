//! The smallest image that reads a file by TFTP: a client in blocks of 1428 octets, and nothing else.
//! `figures sizes` weighs it. With the feature `tftp-self-test` the network is a server inside the
//! image, and what the client used of the RAM is printed on the serial console when it is done.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::panic::PanicInfo;
use core::time::Duration;

use static_cell::StaticCell;
use tftp_core::client::{Client, Config, Event};
use tftp_core::{Mode, Path};

const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 69);

/// A header of four octets and a block.
static DATAGRAM: StaticCell<[u8; 4 + 1428]> = StaticCell::new();

#[cortex_m_rt::entry]
fn main() -> ! {
    let whole = fetch(DATAGRAM.init([0; 4 + 1428]), &mut Network::default());
    report(black_box(whole));
    loop {
        cortex_m::asm::wfi();
    }
}

/// Reads the file to flash: how long it is, where it came whole.
#[inline(never)]
fn fetch(datagram: &mut [u8], network: &mut Network) -> Option<u64> {
    let mut client = Client::get(now(), &Config::new(SERVER), b"firmware.img", Mode::Octet).ok()?;
    loop {
        while let Some(transmit) = client.poll_transmit(now(), datagram) {
            network.send(datagram.get(..transmit.len)?, transmit.path.remote);
        }
        match client.poll_event() {
            Some(Event::Complete { octets }) => return Some(octets),
            Some(Event::Failed(_)) => return None,
            _ => {}
        }
        match network.receive(datagram, client.poll_timeout()) {
            None => client.handle_timeout(now()),
            Some((len, remote)) => {
                let path = Path { local: 0, remote };
                match client.handle_datagram(now(), path, datagram.get(..len)?) {
                    Ok(Some(Event::Block { offset, data, .. })) => write_flash(offset, data),
                    Ok(Some(Event::Failed(_))) => return None,
                    _ => {}
                }
            }
        }
    }
}

// What a board has instead of these: a driver of its clock, its flash and its network.

#[inline(never)]
fn now() -> Duration {
    Duration::from_micros(black_box(1))
}

#[inline(never)]
fn write_flash(offset: u64, data: &[u8]) {
    black_box((offset, data));
}

#[cfg(not(feature = "tftp-self-test"))]
#[derive(Default)]
struct Network;

#[cfg(not(feature = "tftp-self-test"))]
impl Network {
    #[inline(never)]
    fn send(&mut self, datagram: &[u8], to: SocketAddr) {
        black_box((datagram, to));
    }

    #[inline(never)]
    fn receive(
        &mut self,
        datagram: &mut [u8],
        until: Option<Duration>,
    ) -> Option<(usize, SocketAddr)> {
        black_box((datagram, until));
        black_box(Some((4, SERVER)))
    }
}

#[cfg(not(feature = "tftp-self-test"))]
fn report(_: Option<u64>) {}

#[cfg(feature = "tftp-self-test")]
use self_test::{Network, report};

#[cfg(feature = "tftp-self-test")]
mod self_test {
    use core::fmt::{self, Write};
    use core::net::SocketAddr;
    use core::time::Duration;

    /// The file is so many octets long.
    const SIZE: usize = 100 * 1428 + 7;
    /// The pattern that cortex-m-rt paints the stack with at start.
    const PAINT: u32 = 0xcccc_cccc;

    unsafe extern "C" {
        static _stack_start: u32;
        static _stack_end: u32;
        static __sdata: u32;
        static __edata: u32;
        static __sbss: u32;
        static __ebss: u32;
    }

    /// A server that answers what was sent last.
    #[derive(Default)]
    pub struct Network {
        block: Option<usize>,
    }

    impl Network {
        pub fn send(&mut self, datagram: &[u8], _: SocketAddr) {
            self.block = match datagram {
                [0, 1, ..] => Some(0),
                [0, 4, high, low] => Some(usize::from(u16::from_be_bytes([*high, *low])) + 1),
                _ => None,
            };
        }

        pub fn receive(
            &mut self,
            datagram: &mut [u8],
            _: Option<Duration>,
        ) -> Option<(usize, SocketAddr)> {
            const OACK: &[u8] = b"\0\x06blksize\x001428\0tsize\x00142807\0";
            let from = SocketAddr::new(super::SERVER.ip(), 3000);
            let block = self.block.take()?;
            if block == 0 {
                datagram.get_mut(..OACK.len())?.copy_from_slice(OACK);
                return Some((OACK.len(), from));
            }
            let len = SIZE.checked_sub((block - 1) * 1428)?.min(1428);
            let [high, low] = (block as u16).to_be_bytes();
            datagram.get_mut(..4)?.copy_from_slice(&[0, 3, high, low]);
            datagram.get_mut(4..4 + len)?.fill(low);
            Some((4 + len, from))
        }
    }

    struct Console;

    impl Write for Console {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            for octet in text.bytes() {
                // SAFETY: these are registers of the board's serial port.
                unsafe {
                    (0x4000_4008 as *mut u32).write_volatile(1);
                    while (0x4000_4004 as *const u32).read_volatile() & 1 != 0 {}
                    (0x4000_4000 as *mut u32).write_volatile(u32::from(octet));
                }
            }
            Ok(())
        }
    }

    /// Prints what of the RAM was in use.
    pub fn report(whole: Option<u64>) {
        let (bottom, top) = (&raw const _stack_end, &raw const _stack_start);
        let mut at = bottom;
        // SAFETY: all words from bottom to top are RAM of the stack.
        while at < top && unsafe { at.read_volatile() } == PAINT {
            at = at.wrapping_add(1);
        }
        let size = |from: *const u32, to: *const u32| to as usize - from as usize;
        let statics = size(&raw const __sdata, &raw const __edata)
            + size(&raw const __sbss, &raw const __ebss);
        let stack = size(at, top);
        let right = whole == Some(SIZE as u64);
        let _ = writeln!(Console, "whole {right} statics {statics} stack {stack}");
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}
