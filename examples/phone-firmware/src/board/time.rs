//! embassy-time's driver: milliseconds of a counter that runs freely, and SysTick, which rings every
//! five of them for the timers.
//!
//! A timer is up to five milliseconds late then, and always as late for what comes every twenty; in
//! return the core sleeps longer. What the time is, is known to the cycle, and stays right where the
//! core was kept from an interrupt.
//!
//! The counter is the first half of the board's dual timer (CMSDK):
//!
//! ```text
//! 0x04 VALUE (counts down)   0x08 CONTROL (7 enable, 6 periodic, 1 32 bits)
//! ```

use core::cell::{Cell, RefCell};
use core::task::Waker;

use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;
use critical_section::{CriticalSection, Mutex};
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

const COUNTER: usize = 0x4000_2000;
const VALUE: usize = 0x04;
const CONTROL: usize = 0x08;
const ENABLE: u32 = 1 << 7;
const WIDE: u32 = 1 << 1;

const CYCLES_PER_MILLI: u32 = super::CORE_HZ / 1000;
/// Milliseconds from one interrupt to the next.
const MILLIS: u32 = 5;

/// What the counter has come to; brought up to date at each reading, long before it is round.
#[derive(Clone, Copy)]
struct Clock {
    last: u32,
    cycles: u64,
    millis: u64,
    /// Cycles beyond the last whole millisecond.
    rest: u32,
}

struct CounterDriver {
    clock: Mutex<Cell<Clock>>,
    queue: Mutex<RefCell<Queue>>,
    next: Mutex<Cell<u64>>,
}

embassy_time_driver::time_driver_impl!(static DRIVER: CounterDriver = CounterDriver {
    clock: Mutex::new(Cell::new(Clock { last: 0, cycles: 0, millis: 0, rest: 0 })),
    queue: Mutex::new(RefCell::new(Queue::new())),
    next: Mutex::new(Cell::new(u64::MAX)),
});

impl Driver for CounterDriver {
    fn now(&self) -> u64 {
        critical_section::with(|cs| read(cs).millis)
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

/// Starts the counter and the tick.
pub fn init() {
    // SAFETY: the address is the timer's control register.
    unsafe { ((COUNTER + CONTROL) as *mut u32).write_volatile(ENABLE | WIDE) };
    critical_section::with(|cs| {
        let clock = DRIVER.clock.borrow(cs);
        clock.set(Clock { last: counter(), ..clock.get() });
    });
    // SAFETY: called once, before the executor starts; nothing else uses SysTick.
    let mut syst = unsafe { cortex_m::Peripherals::steal() }.SYST;
    syst.set_clock_source(SystClkSource::Core);
    syst.set_reload(CYCLES_PER_MILLI * MILLIS - 1);
    syst.clear_current();
    syst.enable_counter();
    syst.enable_interrupt();
}

/// Cycles of the core's clock since the start.
pub fn cycles(cs: CriticalSection<'_>) -> u64 {
    read(cs).cycles
}

fn counter() -> u32 {
    // SAFETY: the address is the timer's value, which may be read at any time. It counts down.
    !unsafe { ((COUNTER + VALUE) as *const u32).read_volatile() }
}

fn read(cs: CriticalSection<'_>) -> Clock {
    let cell = DRIVER.clock.borrow(cs);
    let Clock { last, cycles, millis, rest } = cell.get();
    let now = counter();
    let passed = now.wrapping_sub(last);
    let rest = rest + passed % CYCLES_PER_MILLI;
    let clock = Clock {
        last: now,
        cycles: cycles + u64::from(passed),
        millis: millis + u64::from(passed / CYCLES_PER_MILLI + rest / CYCLES_PER_MILLI),
        rest: rest % CYCLES_PER_MILLI,
    };
    cell.set(clock);
    clock
}

#[exception]
fn SysTick() {
    critical_section::with(|cs| {
        let now = read(cs).millis;
        if DRIVER.next.borrow(cs).get() <= now {
            let next = DRIVER.queue.borrow(cs).borrow_mut().next_expiration(now);
            DRIVER.next.borrow(cs).set(next);
        }
    });
}
