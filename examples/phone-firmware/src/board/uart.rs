//! The serial console: a CMSDK UART, lines in and lines out.
//!
//! ```text
//! 0x00 DATA   0x04 STATE (0 tx full, 1 rx full)   0x08 CTRL (0 tx, 1 rx, 3 rx interrupt)
//! 0x0c INTSTATUS (write 1 to clear)               0x10 BAUDDIV
//! ```

use core::fmt;

use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::Channel;

const CONSOLE: usize = 0x4000_4000;
const TRACE: usize = 0x4000_5000;

const DATA: usize = 0x00;
const STATE: usize = 0x04;
const CTRL: usize = 0x08;
const INTSTATUS: usize = 0x0c;
const BAUDDIV: usize = 0x10;

const TX_FULL: u32 = 1 << 0;
const RX_FULL: u32 = 1 << 1;
const TX_ENABLE: u32 = 1 << 0;
const RX_ENABLE: u32 = 1 << 1;
const RX_INTERRUPT: u32 = 1 << 3;

/// The longest command line; what is longer is cut, and says so by not being understood.
pub const LINE_MAX: usize = 128;

static TYPED: Channel<CriticalSectionRawMutex, u8, LINE_MAX> = Channel::new();

fn read(base: usize, register: usize) -> u32 {
    // SAFETY: the address is a register of the UART, which may be read at any time.
    unsafe { ((base + register) as *const u32).read_volatile() }
}

fn write(base: usize, register: usize, value: u32) {
    // SAFETY: the address is a register of the UART, which may be written at any time.
    unsafe { ((base + register) as *mut u32).write_volatile(value) }
}

fn send(base: usize, octet: u8) {
    while read(base, STATE) & TX_FULL != 0 {}
    write(base, DATA, u32::from(octet));
}

/// Starts both ports: the console, and the one that carries log frames.
pub fn init() {
    write(CONSOLE, BAUDDIV, super::CORE_HZ / 115_200);
    write(CONSOLE, CTRL, TX_ENABLE | RX_ENABLE | RX_INTERRUPT);
    write(TRACE, BAUDDIV, super::CORE_HZ / 115_200);
    write(TRACE, CTRL, TX_ENABLE);
    super::enable(super::Interrupt::ConsoleReceive);
}

/// Sends one octet of a log frame.
pub fn trace(octet: u8) {
    send(TRACE, octet);
}

/// Reads a line that somebody typed, without its end.
pub async fn line() -> heapless::Vec<u8, LINE_MAX> {
    let mut line = heapless::Vec::new();
    loop {
        match TYPED.receive().await {
            b'\r' | b'\n' if line.is_empty() => {}
            b'\r' | b'\n' => return line,
            octet => {
                let _ = line.push(octet);
            }
        }
    }
}

/// What `print!` writes to.
pub struct Console;

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for octet in text.bytes() {
            send(CONSOLE, octet);
        }
        Ok(())
    }
}

/// Takes the octet that has arrived.
pub fn on_interrupt() {
    // First: an octet that comes while the others are read interrupts again.
    write(CONSOLE, INTSTATUS, 0b10);
    while read(CONSOLE, STATE) & RX_FULL != 0 {
        // A host that types faster than we read loses octets, as on any serial line.
        let _ = TYPED.try_send(read(CONSOLE, DATA) as u8);
    }
}
