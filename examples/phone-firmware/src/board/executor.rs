//! Runs the tasks, and sleeps while none of them has anything to do, counting for how long.

use core::sync::atomic::{AtomicBool, Ordering};

use critical_section::Mutex;
use embassy_executor::Spawner;
use embassy_executor::raw::Executor;
use static_cell::StaticCell;

use super::time;

static EXECUTOR: StaticCell<Executor> = StaticCell::new();
/// A task was woken since the tasks were last run.
static WOKEN: AtomicBool = AtomicBool::new(false);
/// Cycles of the core's clock asleep.
static ASLEEP: Mutex<core::cell::Cell<u64>> = Mutex::new(core::cell::Cell::new(0));

#[unsafe(export_name = "__pender")]
fn pender(_: *mut ()) {
    WOKEN.store(true, Ordering::Relaxed);
}

/// Starts the executor with its first tasks.
pub fn run(start: impl FnOnce(Spawner)) -> ! {
    let executor: &'static Executor = EXECUTOR.init(Executor::new(core::ptr::null_mut()));
    start(executor.spawner());
    loop {
        WOKEN.store(false, Ordering::Relaxed);
        // SAFETY: the executor was initialised, and runs here and nowhere else.
        unsafe { executor.poll() };
        critical_section::with(|cs| {
            // An interrupt that waits ends the sleep, but its handler only runs behind this
            // section: it is not counted as sleep.
            if !WOKEN.load(Ordering::Relaxed) {
                let from = time::cycles(cs);
                cortex_m::asm::wfi();
                let asleep = ASLEEP.borrow(cs);
                asleep.set(asleep.get() + (time::cycles(cs) - from));
            }
        });
    }
}

/// Cycles of the core's clock since the start: asleep, and in all.
pub fn cycles() -> (u64, u64) {
    critical_section::with(|cs| (ASLEEP.borrow(cs).get(), time::cycles(cs)))
}
