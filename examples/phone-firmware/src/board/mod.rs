//! The board: QEMU's `mps2-an385`, a Cortex-M3 at 25 MHz with a LAN9118 Ethernet controller and
//! CMSDK serial ports. A port to real hardware replaces this folder and nothing else.

pub mod executor;
pub mod lan9118;
pub mod log;
pub mod time;
pub mod uart;

/// The clock of the core and of its peripherals.
pub const CORE_HZ: u32 = 25_000_000;

/// Starts the clock and the serial ports; the Ethernet controller starts with its driver.
pub fn init() {
    time::init();
    uart::init();
}

/// The interrupts in use, by their number on this board.
#[derive(Clone, Copy)]
pub enum Interrupt {
    ConsoleReceive = 0,
    Ethernet = 13,
}

// SAFETY: the numbers are those of the board.
unsafe impl cortex_m::interrupt::InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        self as u16
    }
}

fn enable(interrupt: Interrupt) {
    // SAFETY: its handler is in the vector table below.
    unsafe { cortex_m::peripheral::NVIC::unmask(interrupt) };
}

/// All board interrupts come here; the number says which one it is.
#[cortex_m_rt::exception]
unsafe fn DefaultHandler(number: i16) {
    match number {
        0 => uart::on_interrupt(),
        13 => lan9118::on_interrupt(),
        _ => panic!("an interrupt that nobody enabled"),
    }
}

/// A seed for the SDK's machines. QEMU's board has no source of true randomness: a real phone
/// takes 32 octets from its own here. This one mixes the address with the moment.
pub fn seed(mac: [u8; 6]) -> [u8; 32] {
    let mut seed = [0; 32];
    let ticks = cortex_m::peripheral::SYST::get_current().to_le_bytes();
    let parts =
        mac.into_iter().chain(ticks).chain(embassy_time::Instant::now().as_ticks().to_le_bytes());
    for (octet, part) in seed.iter_mut().zip(parts) {
        *octet = part;
    }
    seed
}
