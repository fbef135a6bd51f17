//! Nodes joined by streams in virtual time: octets arrive in order, late, and cut anywhere.

#![allow(dead_code, reason = "each test takes what it needs")]

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use handset_testkit::Random;
use t120_core::conference::{Conference, Config, Connection, Event};

/// A stream between two nodes: what is under way in each direction.
struct Pipe {
    ends: [(usize, Connection); 2],
    /// Towards end 0, towards end 1: pieces with their times of arrival.
    under_way: [VecDeque<(Duration, Vec<u8>)>; 2],
    inbox: [Vec<u8>; 2],
    /// Ends at which the stream has been closed.
    closed: [bool; 2],
}

/// The nodes and the streams between them.
pub(crate) struct Net {
    pub(crate) nodes: Vec<Conference<'static>>,
    pub(crate) events: Vec<Vec<Event>>,
    pub(crate) now: Duration,
    /// All that was sent, for those who want to look into it: from end 0 or not, and the packet.
    pub(crate) sent: Vec<(bool, Vec<u8>)>,
    pipes: BTreeMap<usize, Pipe>,
    next_pipe: usize,
    next_connection: Vec<u16>,
    random: Random,
    buffer: Vec<u8>,
    /// The last PDU of GCC that each host was told of.
    pub(crate) gcc: BTreeMap<usize, Vec<u8>>,
    /// On which streams anything was sent.
    pub(crate) routes: Vec<(usize, Connection)>,
    /// Nodes that take again what they did not take before.
    again: Vec<usize>,
    /// Streams that are wanted for further priorities: whose, for which connection, how many.
    pub(crate) wanted: Vec<(usize, Connection, u8)>,
}

impl Net {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            nodes: Vec::new(),
            events: Vec::new(),
            now: Duration::ZERO,
            sent: Vec::new(),
            pipes: BTreeMap::new(),
            next_pipe: 0,
            next_connection: Vec::new(),
            random: Random::new(seed),
            buffer: vec![0; 70000],
            gcc: BTreeMap::new(),
            routes: Vec::new(),
            again: Vec::new(),
            wanted: Vec::new(),
        }
    }

    pub(crate) fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    pub(crate) fn add(&mut self, config: Config) -> usize {
        let seed = self.random.seed();
        self.nodes.push(Conference::growing(config, seed).expect("the configuration works"));
        self.events.push(Vec::new());
        self.next_connection.push(0);
        self.nodes.len() - 1
    }

    fn connection(&mut self, node: usize) -> Connection {
        let number = self.next_connection[node];
        self.next_connection[node] = (number + 1) % 200;
        Connection(number)
    }

    /// Opens a stream between two nodes, and lets the first one join at the second.
    pub(crate) fn join(&mut self, caller: usize, called: usize) -> usize {
        self.call(caller, called, false)
    }

    /// Opens a stream between two nodes, and lets the first one create a conference at the second.
    pub(crate) fn create(&mut self, caller: usize, called: usize) -> usize {
        self.call(caller, called, true)
    }

    /// A new node joins at `called`.
    pub(crate) fn join_next(&mut self, called: usize) -> usize {
        let node = self.add(Config::new("next").expect("a short name"));
        self.join(node, called);
        node
    }

    fn call(&mut self, caller: usize, called: usize, creates: bool) -> usize {
        self.call_with(caller, called, |node, now, connection| {
            let result = if creates {
                node.create(now, connection, "1")
            } else {
                node.join(now, connection, "1")
            };
            result.expect("it is in no conference");
        })
    }

    /// Cuts a stream: what is under way is lost, and both ends see it close.
    pub(crate) fn cut(&mut self, number: usize) {
        let Some(pipe) = self.pipes.remove(&number) else { return };
        for (end, (node, connection)) in pipe.ends.into_iter().enumerate() {
            if !pipe.closed[end] {
                self.nodes[node].handle_closed(self.now, connection);
                self.drain(node);
            }
        }
    }

    /// Cuts the stream that a node knows by this name.
    pub(crate) fn cut_stream(&mut self, end: (usize, Connection)) {
        let mut found = self.pipes.iter().filter(|(_, pipe)| pipe.ends.contains(&end));
        if let Some((number, _)) = found.next_back() {
            let number = *number;
            self.cut(number);
        }
    }

    /// Cuts a stream of a node, any one.
    pub(crate) fn cut_at(&mut self, node: usize) {
        let of_node = self.pipes.iter().filter(|(_, pipe)| pipe.ends.iter().any(|e| e.0 == node));
        let numbers: Vec<usize> = of_node.map(|(number, _)| *number).collect();
        if !numbers.is_empty() {
            let at = self.random.below(numbers.len() as u64) as usize;
            self.cut(numbers[at]);
        }
    }

    /// Takes all that a node wants to send, and all that it tells.
    pub(crate) fn drain(&mut self, node: usize) {
        loop {
            while let Some(transmit) = self.nodes[node].poll_transmit(self.now, &mut self.buffer) {
                let octets = self.buffer[..transmit.len].to_vec();
                let from = (node, transmit.connection);
                let pipes = self.pipes.values_mut();
                let found = pipes.filter_map(|pipe| {
                    let end = pipe.ends.iter().position(|end| *end == from)?;
                    (!pipe.closed[end]).then_some((pipe, end))
                });
                let Some((pipe, end)) = found.last() else { continue };
                self.sent.push((end == 0, octets.clone()));
                self.routes.push(from);
                let late = Duration::from_micros(self.random.below(40_000));
                let queue = &mut pipe.under_way[1 - end];
                // A stream keeps its order: nothing arrives before what was sent earlier.
                let at = queue.back().map_or(Duration::ZERO, |(at, _)| *at).max(self.now + late);
                queue.push_back((at, octets));
            }
            let Some(event) = self.nodes[node].poll_event() else { return };
            self.note(node, event);
            if let Event::Disconnected { connection, .. } = event {
                self.close(node, connection);
            }
        }
    }

    fn note(&mut self, node: usize, event: Event) {
        self.events[node].push(event);
        match event {
            Event::Resumed => self.again.push(node),
            Event::Gcc { .. } => {
                let pdu = self.nodes[node].received_gcc().expect("it is there");
                let mut octets = vec![0; pdu.encoded_len()];
                pdu.write(&mut octets).expect("there is room");
                self.gcc.insert(node, octets);
            }
            Event::StreamsWanted { connection, count } => {
                self.wanted.push((node, connection, count));
            }
            _ => {}
        }
    }

    /// What was held back is offered again.
    fn offer_again(&mut self) {
        while let Some(node) = self.again.pop() {
            let numbers: Vec<usize> = self.pipes.keys().copied().collect();
            for number in numbers {
                for towards in 0..2 {
                    let pipe = self.pipes.get(&number);
                    if pipe.is_some_and(|pipe| pipe.ends[towards].0 == node) {
                        self.feed(number, towards);
                    }
                }
            }
        }
    }

    /// Opens the streams that are wanted for further priorities.
    pub(crate) fn open_wanted(&mut self) {
        while let Some((node, first, count)) = self.wanted.pop() {
            let mut pipes = self.pipes.values().filter(|pipe| pipe.ends.contains(&(node, first)));
            let Some(ends) = pipes.next_back().map(|pipe| pipe.ends) else { continue };
            let other = if ends[0] == (node, first) { ends[1].0 } else { ends[0].0 };
            for _ in 0..count {
                let ends = [(node, self.connection(node)), (other, self.connection(other))];
                self.nodes[other].accept(self.now, ends[1].1).expect("there is room");
                self.nodes[node].add_stream(self.now, ends[0].1, first).expect("it is wanted");
                self.open_pipe(ends);
            }
        }
    }

    fn open_pipe(&mut self, ends: [(usize, Connection); 2]) -> usize {
        let pipe = Pipe {
            ends,
            under_way: Default::default(),
            inbox: Default::default(),
            closed: [false; 2],
        };
        self.pipes.insert(self.next_pipe, pipe);
        self.next_pipe += 1;
        self.drain(ends[0].0);
        self.drain(ends[1].0);
        self.next_pipe - 1
    }

    /// Lets a host call something through a new stream.
    pub(crate) fn call_with(
        &mut self,
        caller: usize,
        called: usize,
        call: impl FnOnce(&mut Conference<'static>, Duration, Connection),
    ) -> usize {
        let ends = [(caller, self.connection(caller)), (called, self.connection(called))];
        self.nodes[called].accept(self.now, ends[1].1).expect("there is room");
        call(&mut self.nodes[caller], self.now, ends[0].1);
        self.open_pipe(ends)
    }

    /// Lets time pass, and every node know it.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.now += time;
        for node in 0..self.nodes.len() {
            self.nodes[node].handle_timeout(self.now);
            self.drain(node);
        }
    }

    /// A node closes a stream: what it has sent still arrives.
    fn close(&mut self, node: usize, connection: Connection) {
        self.nodes[node].handle_closed(self.now, connection);
        for pipe in self.pipes.values_mut() {
            for end in 0..2 {
                if pipe.ends[end] == (node, connection) {
                    pipe.closed[end] = true;
                }
            }
        }
    }

    /// Runs until nothing is under way, or until `limit` has passed.
    pub(crate) fn run(&mut self, limit: Duration) {
        let end = self.now + limit;
        loop {
            self.offer_again();
            let arrivals = self.pipes.iter().flat_map(|(number, pipe)| {
                let next = |towards: usize| {
                    let queue: &VecDeque<_> = &pipe.under_way[towards];
                    queue.front().map(|(at, _)| (*at, *number, towards))
                };
                [next(0), next(1)]
            });
            let Some((at, number, towards)) = arrivals.flatten().min() else {
                self.close_the_rest();
                if !self.again.is_empty() {
                    continue;
                }
                if self.pipes.values().any(|p| p.under_way.iter().any(|q| !q.is_empty())) {
                    continue;
                }
                return;
            };
            if at > end {
                self.now = end;
                return;
            }
            self.now = self.now.max(at);
            let pipe = self.pipes.get_mut(&number).expect("it is there");
            let (_, octets) = pipe.under_way[towards].pop_front().expect("it is there");
            if pipe.closed[towards] {
                continue;
            }
            // The stream may give a part of it now, and the rest with what comes next.
            let cut = self.random.below(octets.len() as u64 + 1) as usize;
            let cut = if self.random.chance(500) { octets.len() } else { cut };
            pipe.inbox[towards].extend_from_slice(&octets[..cut]);
            if cut < octets.len() {
                let rest = octets[cut..].to_vec();
                let late = at + Duration::from_micros(self.random.below(3000));
                let late = pipe.under_way[towards].front().map_or(late, |(at, _)| late.min(*at));
                pipe.under_way[towards].push_front((late, rest));
            }
            self.feed(number, towards);
        }
    }

    fn feed(&mut self, number: usize, towards: usize) {
        loop {
            let Some(pipe) = self.pipes.get_mut(&number) else { return };
            if pipe.closed[towards] {
                return;
            }
            let (node, connection) = pipe.ends[towards];
            let octets = std::mem::take(&mut pipe.inbox[towards]);
            match self.nodes[node].handle_stream(self.now, connection, &octets) {
                Ok((used, event)) => {
                    let pipe = self.pipes.get_mut(&number).expect("it is there");
                    pipe.inbox[towards] = octets[used..].to_vec();
                    if let Some(event) = event {
                        self.note(node, event);
                    }
                    let down = match event {
                        Some(Event::Disconnected { connection, .. }) => Some(connection),
                        _ => None,
                    };
                    self.drain(node);
                    if let Some(connection) = down {
                        self.close(node, connection);
                        self.drain(node);
                    }
                    if used == 0 {
                        return;
                    }
                }
                Err(error) => panic!("node {node}: {error} ({:02x?})", octets.get(..40)),
            }
        }
    }

    /// The other side of a stream that one has closed sees it end.
    fn close_the_rest(&mut self) {
        let ends = self.pipes.iter().filter(|(_, pipe)| pipe.closed.contains(&true));
        let numbers: Vec<usize> = ends.map(|(number, _)| *number).collect();
        for number in numbers {
            self.cut(number);
        }
    }
}
