//! Two nodes in lent storage: nothing is allocated, and they have the sizes that are told.

#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use t120_core::conference::{Conference, Config, Connection, Event, Storage};
use t120_core::whiteboard::{Pen, Point, Shape};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A stream: what was sent and not yet taken.
struct Stream {
    octets: [u8; 32768],
    len: usize,
}

impl Stream {
    const EMPTY: Self = Self { octets: [0; 32768], len: 0 };

    fn put(&mut self, octets: &[u8]) {
        self.octets[self.len..self.len + octets.len()].copy_from_slice(octets);
        self.len += octets.len();
    }

    fn take(&mut self, used: usize) {
        self.octets.copy_within(used..self.len, 0);
        self.len -= used;
    }
}

const CONNECTION: Connection = Connection(0);

/// Carries everything to and fro until nothing moves; says which events came to the second.
fn run(mut nodes: [&mut Conference<'_>; 2], streams: &mut [Stream; 2]) -> (bool, u32) {
    let now = Duration::ZERO;
    let mut buffer = [0; 4096];
    let (mut ready, mut changes) = (false, 0);
    loop {
        let mut moved = false;
        for (number, node) in nodes.iter_mut().enumerate() {
            while let Some(transmit) = node.poll_transmit(now, &mut buffer) {
                streams[1 - number].put(&buffer[..transmit.len]);
                moved = true;
            }
            let stream = &mut streams[number];
            let octets = &stream.octets[..stream.len];
            let (used, event) = node.handle_stream(now, CONNECTION, octets).unwrap();
            stream.take(used);
            moved |= used > 0;
            let mut event = event;
            while let Some(next) = event.take().or_else(|| node.poll_event()) {
                ready |= number == 1 && next == Event::BoardReady;
                changes += u32::from(number == 1 && next == Event::BoardChanged);
            }
        }
        if !moved {
            return (ready, changes);
        }
    }
}

#[test]
fn a_conference_with_a_whiteboard_allocates_nothing() {
    let mut alice_storage = Storage::<2, 8, 16, 4096>::new();
    let mut bob_storage = Storage::<1, 4, 8, 4096>::new();
    let mut streams = [Stream::EMPTY, Stream::EMPTY];
    let now = Duration::ZERO;
    let before = ALLOCATIONS.with(Cell::get);

    let config = |name| {
        let mut config = Config::new(name).unwrap();
        config.max_pdu_octets = 1024;
        config.max_packet_octets = 2048;
        config
    };
    let mut alice = Conference::new(config("Alice"), &mut alice_storage, [1; 32]).unwrap();
    let mut bob = Conference::new(config("Bob"), &mut bob_storage, [2; 32]).unwrap();
    alice.host("1").unwrap();
    alice.accept(now, CONNECTION).unwrap();
    bob.join(now, CONNECTION, "1").unwrap();
    let (ready, _) = run([&mut alice, &mut bob], &mut streams);
    assert!(ready);
    for step in 0..10 {
        let points = [Point::new(step, step); 20];
        let shape = Shape::Freehand(points[..].into());
        bob.draw(shape, Pen::default(), None).unwrap();
        alice.draw(shape, Pen::default(), None).unwrap();
        let (_, changes) = run([&mut alice, &mut bob], &mut streams);
        assert!(changes > 0);
    }
    assert_eq!(alice.board().digest(), bob.board().digest());
    assert!(alice.roster().count() == 2 && bob.roster().count() == 2);
    let after = ALLOCATIONS.with(Cell::get);
    assert_eq!(after - before, 0);
}

#[test]
fn a_board_that_is_full_says_so_and_the_others_go_on() {
    let mut alice_storage = Storage::<2, 8, 16, 4096>::new();
    let mut bob_storage = Storage::<1, 4, 8, 2048>::new();
    let mut streams = [Stream::EMPTY, Stream::EMPTY];
    let now = Duration::ZERO;
    let mut config = Config::new("x").unwrap();
    config.max_pdu_octets = 1024;
    config.max_packet_octets = 2048;
    let mut alice = Conference::new(config, &mut alice_storage, [1; 32]).unwrap();
    let mut bob = Conference::new(config, &mut bob_storage, [2; 32]).unwrap();
    alice.host("1").unwrap();
    alice.accept(now, CONNECTION).unwrap();
    bob.join(now, CONNECTION, "1").unwrap();
    run([&mut alice, &mut bob], &mut streams);
    for step in 0..14 {
        // Steps so wide that each takes four octets.
        let points: [Point; 50] = core::array::from_fn(|i| Point::new(i as i32 % 2 * 300, step));
        alice.draw(Shape::Freehand(points[..].into()), Pen::default(), None).unwrap();
        run([&mut alice, &mut bob], &mut streams);
    }
    assert_eq!(alice.board().len(), 14);
    assert!(bob.board().len() < 14);
    assert_eq!(bob.roster().count(), 2);
}

#[test]
fn more_connections_and_users_than_there_is_room_for_are_refused() {
    let mut storage = Storage::<1, 1, 8, 2048>::new();
    let mut config = Config::new("x").unwrap();
    config.max_pdu_octets = 1024;
    config.max_packet_octets = 1500;
    let mut node = Conference::new(config, &mut storage, [1; 32]).unwrap();
    assert!(node.host("1").is_err(), "a host has two users");
    assert!(node.accept(Duration::ZERO, Connection(1)).is_err());
    assert!(node.accept(Duration::ZERO, Connection(0)).is_ok());
    assert!(node.accept(Duration::ZERO, Connection(0)).is_err());
    config.max_pdu_octets = 100;
    assert!(Conference::new(config, &mut storage, [1; 32]).is_err());
}

#[test]
fn a_node_at_the_edge_of_a_conference_fits_in_24_kib() {
    let storage = size_of::<Storage<1, 4, 8, 4096>>();
    let node = size_of::<Conference<'_>>();
    println!("storage {storage} octets, node {node} octets");
    assert!(storage + node <= 24 * 1024, "{storage} + {node}");
}
