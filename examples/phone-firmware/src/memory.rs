//! What the phone's memory is used for.

use core::fmt::Write;

use sip_core::agent::Agent;

use crate::board::executor;
use crate::board::uart::Console;

/// The pattern that cortex-m-rt paints the stack with at start.
const PAINT: u32 = 0xcccc_cccc;

unsafe extern "C" {
    static _stack_start: u32;
    static _stack_end: u32;
    static __etext: u32;
}

/// The most octets of stack that were in use at a time, and how many there are.
fn stack() -> (usize, usize) {
    let (bottom, top) = (&raw const _stack_end, &raw const _stack_start);
    let mut at = bottom;
    // SAFETY: all words from bottom to top are RAM of the stack.
    while at < top && unsafe { at.read_volatile() } == PAINT {
        at = at.wrapping_add(1);
    }
    (top as usize - at as usize, top as usize - bottom as usize)
}

/// Hands on what on the stack looks like the place of a call, the last one first.
pub fn callers(mut show: impl FnMut(u32)) {
    let code = 0..(&raw const __etext) as u32;
    let mut at = cortex_m::register::msp::read() as *const u32;
    let mut left = 16;
    while at < &raw const _stack_start && left > 0 {
        // SAFETY: all words from the stack pointer to its start are RAM of the stack.
        let word = unsafe { at.read_volatile() };
        // Return addresses are odd: the core is in Thumb state.
        if word & 1 != 0 && code.contains(&word) {
            show(word & !1);
            left -= 1;
        }
        at = at.wrapping_add(1);
    }
}

/// How busy the core was since this was printed last, in cycles of its clock.
pub struct Busy {
    asleep: u64,
    all: u64,
}

impl Busy {
    /// From the start on.
    pub const fn new() -> Self {
        Self { asleep: 0, all: 0 }
    }

    /// Prints it, and begins anew.
    pub fn print(&mut self) {
        let (asleep, all) = executor::cycles();
        // Both fit: in 32 bits there is room for almost three minutes.
        let spent = (all - self.all) as u32;
        let busy = spent - (asleep - self.asleep) as u32;
        let _ = writeln!(Console, "cpu: busy {busy} of {spent} cycles");
        *self = Self { asleep, all };
    }
}

/// Prints what each part takes.
pub fn print(agent: &Agent<'_>) {
    let (used, size) = stack();
    let (transactions, calls, subscriptions) = agent.live();
    for (name, octets) in crate::STATICS {
        let _ = writeln!(Console, "memory: {name} {octets}");
    }
    let _ = writeln!(Console, "memory: stack {used} of {size}");
    let _ = writeln!(
        Console,
        "memory: live calls {calls} subscriptions {subscriptions} transactions {transactions} free octets {}",
        agent.room_octets()
    );
}
