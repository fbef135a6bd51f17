//! What the phone's memory is used for.

use core::fmt::Write;

use sip_core::agent::Agent;

use crate::board::uart::Console;

/// The pattern that cortex-m-rt paints the stack with at start.
const PAINT: u32 = 0xcccc_cccc;

unsafe extern "C" {
    static _stack_start: u32;
    static _stack_end: u32;
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

/// Prints it.
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
