//! defmt's global logger: frames go out on the second serial port, to be decoded on the host.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

use defmt::{Encoder, global_logger};

#[global_logger]
struct Logger;

struct State {
    taken: AtomicBool,
    restore: UnsafeCell<critical_section::RestoreState>,
    encoder: UnsafeCell<Encoder>,
}

// SAFETY: both cells are only touched between `acquire` and `release`, inside a critical section.
unsafe impl Sync for State {}

static STATE: State = State {
    taken: AtomicBool::new(false),
    restore: UnsafeCell::new(critical_section::RestoreState::invalid()),
    encoder: UnsafeCell::new(Encoder::new()),
};

fn put(octets: &[u8]) {
    octets.iter().for_each(|octet| super::uart::trace(*octet));
}

// SAFETY: `acquire` enters a critical section that `release` leaves, and is never nested.
unsafe impl defmt::Logger for Logger {
    fn acquire() {
        // SAFETY: released in `release`.
        let restore = unsafe { critical_section::acquire() };
        assert!(!STATE.taken.swap(true, Ordering::Relaxed), "a log line inside a log line");
        // SAFETY: in a critical section.
        unsafe {
            STATE.restore.get().write(restore);
            (*STATE.encoder.get()).start_frame(put);
        }
    }

    unsafe fn flush() {}

    unsafe fn release() {
        // SAFETY: in the critical section that `acquire` has entered.
        unsafe {
            (*STATE.encoder.get()).end_frame(put);
            STATE.taken.store(false, Ordering::Relaxed);
            critical_section::release(STATE.restore.get().read());
        }
    }

    unsafe fn write(bytes: &[u8]) {
        // SAFETY: in the critical section that `acquire` has entered.
        unsafe { (*STATE.encoder.get()).write(bytes, put) }
    }
}

defmt::timestamp!("{=u64:us}", embassy_time::Instant::now().as_micros());
