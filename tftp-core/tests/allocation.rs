//! The machines allocate nothing: a counting allocator watches whole transfers.
#![allow(missing_docs)]
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

use core::cell::Cell;
use core::time::Duration;
use std::alloc::{GlobalAlloc, Layout, System};

use tftp_core::client::{self, Client};
use tftp_core::messenger::{self, Invitation, Key, Keys, Receiver, Sender};
use tftp_core::server::{self, Event, Grant, Server, Storage};
use tftp_core::{Mode, OptionSet, Path};

struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(run: impl FnOnce()) -> u64 {
    let before = COUNT.get();
    run();
    COUNT.get() - before
}

#[test]
fn the_allocator_counts() {
    assert!(allocations(|| drop(std::hint::black_box(vec![0u8; 10]))) > 0);
}

#[test]
fn a_transfer_between_client_and_server_allocates_nothing() {
    let count = allocations(|| {
        let client_at = ([192, 0, 2, 1], 4000).into();
        let server_at = ([192, 0, 2, 2], 69).into();
        let mut storage: Storage<4> = Storage::new();
        let mut server = Server::new(server::Config::default(), &mut storage, [9; 32]);
        let mut config = client::Config::new(server_at);
        config.options = OptionSet { windowsize: Some(8), ..config.options };
        let mut now = Duration::from_millis(1);
        let mut client = Client::get(now, &config, b"f", Mode::Octet).unwrap();
        let (mut buffer, mut octets, mut complete) = ([0; 1432], 0, false);
        while !complete {
            now += Duration::from_millis(1);
            client.handle_timeout(now);
            while let Some(transmit) = client.poll_transmit(now, &mut buffer) {
                let path = Path { local: 0, remote: client_at };
                let event = server.handle_datagram(now, path, &buffer[..transmit.len]).unwrap();
                if let Some(Event::Request { transfer, .. }) = event {
                    server.accept(now, transfer, Grant::size(100_000)).unwrap();
                }
            }
            while let Some(transmit) = server.poll_transmit(now, &mut buffer) {
                let path = Path { local: 0, remote: server_at };
                let event = client.handle_datagram(now, path, &buffer[..transmit.len]).unwrap();
                if let Some(client::Event::Block { data, .. }) = event {
                    octets += data.len();
                }
            }
            while let Some(event) = client.poll_event() {
                complete |= matches!(event, client::Event::Complete { octets: 100_000 });
            }
            while server.poll_event().is_some() {}
        }
        assert_eq!(octets, 100_000);
    });
    assert_eq!(count, 0);
}

#[test]
fn a_messenger_transfer_allocates_nothing() {
    let count = allocations(|| {
        let keys = Keys { encryption: Key::new([1; 24]), hash: Key::new([2; 24]) };
        let accept = messenger::Accept::by_receiver(7, Some(keys.clone()));
        let mut body = [0; 512];
        let len = Invitation::Accept(accept).write(&mut body).unwrap();
        assert!(Invitation::parse(&body[..len]).is_ok());

        let config = messenger::Config::new("bob@example.test", 7, 6000, keys);
        let now = Duration::ZERO;
        let mut sender = Sender::new(now, &config).unwrap();
        let mut receiver = Receiver::new(now, &config).unwrap();
        let (file, mut buffer, mut complete) = ([5; 6000], [0; 2048], false);
        let mut came = 0;
        while !complete {
            while let Some(transmit) = receiver.poll_transmit(now, &mut buffer) {
                let (used, _) = sender.handle_stream(now, &buffer[..transmit.len]).unwrap();
                assert_eq!(used, transmit.len);
            }
            let len = match sender.poll_transmit(now, &mut buffer) {
                Some(transmit) => transmit.len,
                None => match sender.poll_read() {
                    Some(read) => {
                        let data = &file[usize::try_from(read.offset).unwrap()..];
                        sender.supply(now, data, &mut buffer).unwrap().1.len
                    }
                    None => 0,
                },
            };
            let mut octets = &mut buffer[..len];
            while !octets.is_empty() {
                let (used, event) = receiver.handle_stream(now, octets).unwrap();
                match event {
                    Some(messenger::Event::Data { data, .. }) => came += data.len(),
                    Some(messenger::Event::Complete) => complete = true,
                    _ => {}
                }
                octets = &mut octets[used..];
            }
        }
        assert_eq!(came, 6000);
    });
    assert_eq!(count, 0);
}

#[test]
fn the_firmware_client_needs_little_ram() {
    let ram = size_of::<Client<'_>>() + 1428 + 4;
    println!("client {} octets, with its buffer {ram}", size_of::<Client<'_>>());
    assert!(ram < 2048, "{ram}");
    println!("sender {}, receiver {}", size_of::<Sender>(), size_of::<Receiver>());
}
