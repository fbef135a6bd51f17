//! embassy-time's driver: milliseconds from the core's own SysTick, which rings every fifth of them.
//!
//! A timer is up to five milliseconds late then, and always as late for what comes every twenty; in
//! return the core sleeps longer. What the time is, is known to the cycle.

use core::cell::{Cell, RefCell};
use core::task::Waker;

use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{SCB, SYST};
use cortex_m_rt::exception;
use critical_section::{CriticalSection, Mutex};
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

const CYCLES_PER_MILLI: u32 = super::CORE_HZ / 1000;
/// Milliseconds from one interrupt to the next.
const MILLIS: u64 = 5;
/// Cycles of the core's clock from one interrupt to the next.
const PERIOD: u32 = CYCLES_PER_MILLI * MILLIS as u32;

struct SysTickDriver {
    /// How often it has rung.
    periods: Mutex<Cell<u64>>,
    queue: Mutex<RefCell<Queue>>,
    next: Mutex<Cell<u64>>,
}

embassy_time_driver::time_driver_impl!(static DRIVER: SysTickDriver = SysTickDriver {
    periods: Mutex::new(Cell::new(0)),
    queue: Mutex::new(RefCell::new(Queue::new())),
    next: Mutex::new(Cell::new(u64::MAX)),
});

impl Driver for SysTickDriver {
    fn now(&self) -> u64 {
        critical_section::with(|cs| {
            let (periods, cycles) = read(cs);
            periods * MILLIS + u64::from(cycles / CYCLES_PER_MILLI)
        })
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|cs| {
            if self.queue.borrow(cs).borrow_mut().schedule_wake(at, waker) {
                let next = self.next.borrow(cs);
                next.set(next.get().min(at));
            }
        });
    }
}

/// Starts the tick.
pub fn init() {
    // SAFETY: called once, before the executor starts; nothing else uses SysTick.
    let mut syst = unsafe { cortex_m::Peripherals::steal() }.SYST;
    syst.set_clock_source(SystClkSource::Core);
    syst.set_reload(PERIOD - 1);
    syst.clear_current();
    syst.enable_counter();
    syst.enable_interrupt();
}

/// Cycles of the core's clock since the start.
pub fn cycles(cs: CriticalSection<'_>) -> u64 {
    let (periods, cycles) = read(cs);
    periods * u64::from(PERIOD) + u64::from(cycles)
}

/// How often SysTick has rung, and how many cycles ago.
fn read(cs: CriticalSection<'_>) -> (u64, u32) {
    // The order matters: where it rings behind the first reading of the counter, that is seen as one
    // that has not been counted yet, together with a counter read anew.
    let before = SYST::get_current();
    let pending = SCB::is_pendst_pending();
    let counter = if pending { SYST::get_current() } else { before };
    let periods = DRIVER.periods.borrow(cs).get() + u64::from(pending);
    (periods, PERIOD - 1 - counter)
}

#[exception]
fn SysTick() {
    critical_section::with(|cs| {
        let periods = DRIVER.periods.borrow(cs).get() + 1;
        DRIVER.periods.borrow(cs).set(periods);
        let now = periods * MILLIS;
        if DRIVER.next.borrow(cs).get() <= now {
            let next = DRIVER.queue.borrow(cs).borrow_mut().next_expiration(now);
            DRIVER.next.borrow(cs).set(next);
        }
    });
}
