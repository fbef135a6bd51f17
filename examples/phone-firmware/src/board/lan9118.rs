//! An SMSC LAN9118 Ethernet controller as an embassy-net driver.
//!
//! Frames go through two FIFOs of 32-bit words. A received frame is preceded by a status word; a
//! frame to send by two command words that give its length.

use core::sync::atomic::{AtomicBool, Ordering};
use core::task::Context;

use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState};
use embassy_sync::waitqueue::AtomicWaker;
use static_cell::ConstStaticCell;

const BASE: usize = 0x4020_0000;

const RX_DATA: usize = 0x00;
const TX_DATA: usize = 0x20;
const RX_STATUS: usize = 0x40;
const TX_STATUS: usize = 0x48;
const IRQ_CFG: usize = 0x54;
const INT_STS: usize = 0x58;
const INT_EN: usize = 0x5c;
const FIFO_INT: usize = 0x68;
const RX_CFG: usize = 0x6c;
const TX_CFG: usize = 0x70;
const HW_CFG: usize = 0x74;
const RX_DP_CTRL: usize = 0x78;
const RX_FIFO_INF: usize = 0x7c;
const TX_FIFO_INF: usize = 0x80;
const MAC_CSR_CMD: usize = 0xa4;
const MAC_CSR_DATA: usize = 0xa8;

const RX_STATUS_LEVEL: u32 = 1 << 3;
const PHY_INTERRUPT: u32 = 1 << 18;
const WANTED: u32 = RX_STATUS_LEVEL | PHY_INTERRUPT;

const PHY_STATUS: u32 = 1;
const PHY_INTERRUPT_SOURCE: u32 = 29;
const PHY_INTERRUPT_MASK: u32 = 30;
const PHY_LINK_DOWN: u32 = 1 << 4;
const PHY_NEGOTIATED: u32 = 1 << 6;
const CSR_BUSY: u32 = 1 << 31;
const CSR_READ: u32 = 1 << 30;
const MAC_CR: u32 = 1;
const ADDRH: u32 = 2;
const ADDRL: u32 = 3;
const MII_ACC: u32 = 6;
const MII_DATA: u32 = 7;

/// The longest Ethernet frame without its check sequence.
const FRAME_MAX: usize = 1514;
/// Octets before a frame that has arrived: behind its 14 octets of Ethernet all that follows stands
/// at whole words, which takes a third of the time to copy.
const GAP: usize = 2;
/// Room for the gap, a frame and its check sequence, in whole words.
const FRAME_ROOM: usize = (GAP + FRAME_MAX + 4).next_multiple_of(4);

#[repr(align(4))]
struct Frames([[u8; FRAME_ROOM]; 2]);

/// A frame that has arrived, and one that leaves: not inside the driver, which is moved to its task.
static FRAMES: ConstStaticCell<Frames> = ConstStaticCell::new(Frames([[0; FRAME_ROOM]; 2]));
/// The PHY has to be asked whether the cable is in.
static LINK_CHANGED: AtomicBool = AtomicBool::new(true);
static WAKER: AtomicWaker = AtomicWaker::new();

fn read(register: usize) -> u32 {
    // SAFETY: the address is a register of the controller.
    unsafe { ((BASE + register) as *const u32).read_volatile() }
}

fn write(register: usize, value: u32) {
    // SAFETY: the address is a register of the controller.
    unsafe { ((BASE + register) as *mut u32).write_volatile(value) }
}

fn mac_read(register: u32) -> u32 {
    write(MAC_CSR_CMD, CSR_BUSY | CSR_READ | register);
    while read(MAC_CSR_CMD) & CSR_BUSY != 0 {}
    read(MAC_CSR_DATA)
}

fn mac_write(register: u32, value: u32) {
    write(MAC_CSR_DATA, value);
    write(MAC_CSR_CMD, CSR_BUSY | register);
    while read(MAC_CSR_CMD) & CSR_BUSY != 0 {}
}

fn phy_read(register: u32) -> u32 {
    mac_write(MII_ACC, (1 << 11) | (register << 6) | 1);
    while mac_read(MII_ACC) & 1 != 0 {}
    mac_read(MII_DATA)
}

fn phy_write(register: u32, value: u32) {
    mac_write(MII_DATA, value);
    mac_write(MII_ACC, (1 << 11) | (register << 6) | (1 << 1) | 1);
    while mac_read(MII_ACC) & 1 != 0 {}
}

/// A frame has arrived, or the cable was pulled or put in: masked until the driver has emptied the
/// FIFO.
pub fn on_interrupt() {
    if read(INT_STS) & PHY_INTERRUPT != 0 {
        LINK_CHANGED.store(true, Ordering::Relaxed);
    }
    write(INT_EN, 0);
    WAKER.wake();
}

/// Sees each frame on its way out and in.
#[derive(Clone, Copy)]
pub struct Tap {
    /// May change a frame of the given length within the slice; returns its new length.
    pub sending: fn(&mut [u8], usize) -> usize,
    /// Is shown a frame that has arrived.
    pub received: fn(&[u8]),
}

/// The controller, started.
pub struct Lan9118 {
    tap: Tap,
    frame: &'static mut [u8; FRAME_ROOM],
    sent: &'static mut [u8; FRAME_ROOM],
    address: [u8; 6],
    link: LinkState,
}

impl Lan9118 {
    /// Resets the controller and starts both directions. There is one.
    pub fn new(tap: Tap) -> Self {
        let Frames([frame, sent]) = FRAMES.take();
        write(HW_CFG, 1);
        while read(HW_CFG) & 1 != 0 {}
        // Five of the sixteen KiB are for sending; the rest receives.
        write(HW_CFG, (5 << 16) | (1 << 20));
        write(IRQ_CFG, (1 << 8) | (1 << 4) | 1);
        write(FIFO_INT, 0);
        write(INT_STS, u32::MAX);
        let (low, high) = (mac_read(ADDRL).to_le_bytes(), mac_read(ADDRH).to_le_bytes());
        let address = [low[0], low[1], low[2], low[3], high[0], high[1]];
        write(RX_CFG, (GAP as u32) << 8);
        write(TX_CFG, 1 << 1);
        mac_write(MAC_CR, (1 << 20) | (1 << 3) | (1 << 2));
        phy_write(PHY_INTERRUPT_MASK, PHY_LINK_DOWN | PHY_NEGOTIATED);
        write(INT_EN, WANTED);
        // Until it is configured the controller's line stands for an interrupt.
        super::enable(super::Interrupt::Ethernet);
        Self { tap, frame, sent, address, link: LinkState::Down }
    }

    /// The address that the board was given.
    pub fn address(&self) -> [u8; 6] {
        self.address
    }

    fn can_send() -> bool {
        read(TX_FIFO_INF) & 0xffff >= FRAME_MAX as u32 + 16
    }
}

impl Driver for Lan9118 {
    type RxToken<'a> = RxToken<'a>;
    type TxToken<'a> = TxToken<'a>;

    fn receive(&mut self, cx: &mut Context<'_>) -> Option<(RxToken<'_>, TxToken<'_>)> {
        WAKER.register(cx.waker());
        loop {
            if (read(RX_FIFO_INF) >> 16) & 0xff == 0 {
                write(INT_STS, RX_STATUS_LEVEL);
                write(INT_EN, WANTED);
                // A frame that came between the two would not interrupt again.
                if (read(RX_FIFO_INF) >> 16) & 0xff == 0 {
                    return None;
                }
            }
            if !Self::can_send() {
                return None;
            }
            let status = read(RX_STATUS);
            // The length counts the four octets of the frame check sequence.
            let len = ((status >> 16) & 0x3fff) as usize;
            let damaged = status & (1 << 15) != 0;
            if damaged || !(4..=FRAME_MAX + 4).contains(&len) {
                write(RX_DP_CTRL, 1 << 31);
                while read(RX_DP_CTRL) & (1 << 31) != 0 {}
                continue;
            }
            let end = GAP + len - 4;
            let words = self.frame.as_chunks_mut::<4>().0;
            for word in &mut words[..(GAP + len).div_ceil(4)] {
                *word = read(RX_DATA).to_le_bytes();
            }
            (self.tap.received)(&self.frame[GAP..end]);
            let sent = TxToken { tap: self.tap, frame: self.sent };
            return Some((RxToken(&mut self.frame[GAP..end]), sent));
        }
    }

    fn transmit(&mut self, cx: &mut Context<'_>) -> Option<TxToken<'_>> {
        WAKER.register(cx.waker());
        while (read(TX_FIFO_INF) >> 16) & 0xff != 0 {
            let _ = read(TX_STATUS);
        }
        Self::can_send().then_some(TxToken { tap: self.tap, frame: self.sent })
    }

    fn link_state(&mut self, cx: &mut Context<'_>) -> LinkState {
        WAKER.register(cx.waker());
        if LINK_CHANGED.swap(false, Ordering::Relaxed) {
            // Reading the source ends the interrupt. Of the status link is bit 2, and sticks at
            // "down" until it is read once.
            let _ = phy_read(PHY_INTERRUPT_SOURCE);
            let _ = phy_read(PHY_STATUS);
            let up = phy_read(PHY_STATUS) & (1 << 2) != 0;
            self.link = if up { LinkState::Up } else { LinkState::Down };
        }
        self.link
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = FRAME_MAX;
        capabilities.max_burst_size = Some(1);
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(self.address)
    }
}

/// A frame that has arrived.
pub struct RxToken<'a>(&'a mut [u8]);

impl embassy_net_driver::RxToken for RxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

/// Room for a frame to send.
pub struct TxToken<'a> {
    tap: Tap,
    frame: &'a mut [u8; FRAME_ROOM],
}

impl embassy_net_driver::TxToken for TxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        let Self { tap, frame } = self;
        let len = len.min(FRAME_MAX);
        let result = fill(&mut frame[..len]);
        let len = (tap.sending)(&mut frame[..FRAME_MAX], len);
        // Command A: first and last segment, from offset 0; command B: the packet's length.
        write(TX_DATA, (1 << 13) | (1 << 12) | len as u32);
        write(TX_DATA, len as u32);
        for word in frame[..len.next_multiple_of(4)].as_chunks::<4>().0 {
            write(TX_DATA, u32::from_le_bytes(*word));
        }
        result
    }
}
