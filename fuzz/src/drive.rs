//! Drives one machine, or several that talk to each other, by any octets.
//!
//! The input is a script: each step lets time pass, delivers, repeats, loses or spoils what a
//! machine sent, hands in octets that nobody sent, or makes one of the host's calls. So the fuzzer
//! finds its way behind the handshakes, where random datagrams alone would never come. At the end
//! the machines are left alone with their timers, which have to come to rest.

use std::collections::VecDeque;
use std::time::Duration;

/// The input, read step by step; at its end everything is 0.
#[derive(Debug)]
pub struct Script<'d>(&'d [u8]);

impl<'d> Script<'d> {
    /// A script of these octets.
    pub fn new(octets: &'d [u8]) -> Self {
        Self(octets)
    }

    /// Whether anything is left.
    pub fn more(&self) -> bool {
        !self.0.is_empty()
    }

    /// What is left.
    pub fn rest(&self) -> &'d [u8] {
        self.0
    }

    /// The next octet.
    pub fn octet(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// The next two octets.
    pub fn short(&mut self) -> u16 {
        u16::from_be_bytes([self.octet(), self.octet()])
    }

    /// The next four octets.
    pub fn long(&mut self) -> u32 {
        u32::from(self.short()) << 16 | u32::from(self.short())
    }

    /// A number below `end`, or 0.
    pub fn below(&mut self, end: usize) -> usize {
        let octet = usize::from(self.octet());
        if end == 0 { 0 } else { octet % end }
    }

    /// One of these.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// Some octets, as many as the next octet or two say.
    pub fn octets(&mut self) -> &'d [u8] {
        let wanted = match self.octet() {
            255 => usize::from(self.short()),
            short => usize::from(short),
        };
        let (taken, rest) = self.0.split_at(wanted.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A span of time: mostly short, at times hours.
    pub fn time(&mut self) -> Duration {
        let octet = self.octet();
        Duration::from_millis(match octet >> 6 {
            0 => u64::from(octet),
            1 => u64::from(octet & 63) * 20,
            2 => u64::from(octet & 63) * 1000,
            _ => u64::from(octet & 63) * 300_000,
        })
    }
}

/// A machine as the driver sees it. Peers are numbered: a machine's own peers, not other machines.
pub trait Machine {
    /// Octets came from a peer: a datagram, or the next of a stream.
    fn handle(&mut self, now: Duration, peer: usize, octets: &[u8]);
    /// The stream of a peer ended.
    fn closed(&mut self, now: Duration, peer: usize) {
        let _ = (now, peer);
    }
    /// The time that [`Machine::deadline`] asked for.
    fn timeout(&mut self, now: Duration);
    /// What it sends next: to which peer, and how many octets of the buffer.
    fn transmit(&mut self, now: Duration, buffer: &mut [u8]) -> Option<(usize, usize)>;
    /// Takes an event; false where there is none.
    fn event(&mut self) -> bool;
    /// When it wants to be called.
    fn deadline(&mut self) -> Option<Duration>;
    /// Whether it goes on for ever by itself, as one that reports in intervals does.
    fn beats(&self) -> bool {
        false
    }
    /// The script is over: the host answers what waits for its answer.
    fn settle(&mut self, now: Duration) {
        let _ = now;
    }
    /// A call of the host, chosen by the script; gives what the host sends by it, and to which peer.
    fn call(&mut self, now: Duration, script: &mut Script<'_>) -> Vec<(usize, Vec<u8>)> {
        let _ = (now, script);
        Vec::new()
    }
}

/// More polls in a row than any input can be the cause of: a machine that gives more never ends.
const POLLS: usize = 20_000;
/// Timeouts after the last input. Machines that come to rest need far fewer.
const REST: usize = 5_000;
/// The same for machines that never rest, but beat steadily.
const BEATS: usize = 300;
/// More octets than anything here sends at once.
const ROOM: usize = 65_536;
/// Timeouts that may fall on one instant.
const AT_ONCE: usize = 2_000;

/// How machines are joined: what machine `m` sends to its peer `p` arrives at `wires[m][p]`, as from
/// that machine's peer; `None` is the outside.
pub type Wires<'w> = &'w [&'w [Option<(usize, usize)>]];

/// Runs the script to its end, and the machines to their rest.
pub fn drive(machines: &mut [&mut dyn Machine], wires: Wires<'_>, script: &[u8]) {
    let buffer = vec![0; ROOM];
    let mut world = World { machines, wires, now: Duration::ZERO, flying: VecDeque::new(), buffer };
    let mut script = Script::new(script);
    world.drain(ROOM);
    while script.more() {
        world.step(&mut script);
    }
    world.rest();
}

struct World<'m, 'a> {
    machines: &'m mut [&'a mut dyn Machine],
    wires: Wires<'m>,
    now: Duration,
    flying: VecDeque<(usize, usize, Vec<u8>)>,
    buffer: Vec<u8>,
}

impl World<'_, '_> {
    fn step(&mut self, script: &mut Script<'_>) {
        let op = script.octet();
        let who = usize::from(op >> 4) % self.machines.len();
        match op & 15 {
            // The network is good for a while.
            0 | 1 => {
                for _ in 0..64 {
                    let Some((to, from, octets)) = self.flying.pop_front() else { break };
                    self.deliver(to, from, &octets);
                }
            }
            2 => {
                if let Some((to, from, octets)) = self.flying.pop_front() {
                    self.deliver(to, from, &octets);
                }
            }
            3 => drop(self.flying.pop_front()),
            4 => {
                let at = script.below(self.flying.len());
                if let Some((to, from, octets)) = self.flying.get(at).cloned() {
                    self.deliver(to, from, &octets);
                }
            }
            5 => {
                let at = script.below(self.flying.len());
                if let Some((to, from, octets)) = self.flying.remove(at) {
                    self.deliver(to, from, &octets);
                }
            }
            // One octet is spoiled.
            6 => {
                let (at, place, with) =
                    (script.below(self.flying.len()), script.short(), script.octet());
                if let Some((_, _, octets)) = self.flying.get_mut(at) {
                    let len = octets.len().max(1);
                    if let Some(octet) = octets.get_mut(usize::from(place) % len) {
                        *octet = with;
                    }
                }
            }
            // The end, or a piece in the middle, is lost, or something is put in.
            7 => {
                let (at, place, more) =
                    (script.below(self.flying.len()), script.short(), script.octets());
                if let Some((_, _, octets)) = self.flying.get_mut(at) {
                    let place = usize::from(place) % (octets.len() + 1);
                    if more.is_empty() {
                        octets.truncate(place);
                    } else {
                        octets.splice(place..place, more.iter().copied());
                    }
                }
            }
            8 => {
                let (peer, octets) = (script.below(6), script.octets());
                self.deliver(who, peer, octets);
            }
            9 => {
                let peer = script.below(6);
                self.machines[who].closed(self.now, peer);
            }
            10 => self.machines[who].timeout(self.now),
            11 | 12 => {
                for (peer, octets) in self.machines[who].call(self.now, script) {
                    self.send(who, peer, octets);
                }
            }
            13 => self.now += script.time(),
            // To the next deadline.
            _ => {
                if let Some(next) = self.next_deadline() {
                    self.now = self.now.max(next);
                    self.timeouts();
                }
            }
        }
        let room = if op == 0xfd { 16 } else { ROOM };
        self.drain(room);
        // The network holds only so much.
        while self.flying.len() > 256 {
            self.flying.pop_front();
        }
    }

    fn deliver(&mut self, to: usize, from: usize, octets: &[u8]) {
        self.machines[to].handle(self.now, from, octets);
        self.drain(ROOM);
    }

    fn send(&mut self, from: usize, peer: usize, octets: Vec<u8>) {
        if let Some(&Some((to, peer))) = self.wires.get(from).and_then(|wires| wires.get(peer)) {
            self.flying.push_back((to, peer, octets));
        }
    }

    fn timeouts(&mut self) {
        for machine in self.machines.iter_mut() {
            if machine.deadline().is_some_and(|at| at <= self.now) {
                machine.timeout(self.now);
            }
        }
    }

    fn next_deadline(&mut self) -> Option<Duration> {
        self.machines.iter_mut().filter_map(|m| m.deadline()).min()
    }

    /// The drain rule: everything to send, then everything that happened.
    fn drain(&mut self, room: usize) {
        for index in 0..self.machines.len() {
            let mut polls = 0;
            while let Some((peer, len)) =
                self.machines[index].transmit(self.now, &mut self.buffer[..room])
            {
                assert!(len <= room, "a transmit lies in the buffer");
                let octets = self.buffer[..len].to_vec();
                self.send(index, peer, octets);
                polls += 1;
                assert!(polls < POLLS, "machine {index} never stops to send");
            }
            while self.machines[index].event() {
                polls += 1;
                assert!(polls < POLLS, "machine {index} never runs out of events");
            }
        }
    }

    /// No more input: only time passes.
    fn rest(&mut self) {
        for machine in self.machines.iter_mut() {
            machine.settle(self.now);
        }
        self.drain(ROOM);
        self.flying.clear();
        let (mut at_once, mut last) = (0, self.now);
        let beats = self.machines.iter().any(|machine| machine.beats());
        for _ in 0..if beats { BEATS } else { REST } {
            let Some(next) = self.next_deadline() else { return };
            self.now = self.now.max(next);
            at_once = if self.now == last { at_once + 1 } else { 0 };
            last = self.now;
            assert!(at_once < AT_ONCE, "a deadline stays at {last:?}");
            self.timeouts();
            self.drain(ROOM);
            self.flying.clear();
        }
        assert!(beats, "the timers do not come to rest");
    }
}
