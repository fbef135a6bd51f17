//! How long packets and transfers take in the machines alone.
#![allow(missing_docs)]

use core::hint::black_box;
use core::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tftp_core::messenger::{Config, Key, Keys, Sender};
use tftp_core::server::{self, Event, Grant, Server, Storage};
use tftp_core::{Packet, Path};

const REQUEST: &[u8] =
    b"\0\x01firmware/phone-42.bin\0octet\0tsize\x000\0blksize\x001428\0windowsize\x0016\0";

fn parse(c: &mut Criterion) {
    let mut data = vec![0, 3, 0, 7];
    data.resize(516, 7);
    for (name, packet) in [
        ("request", REQUEST),
        ("data", &data),
        ("ack", b"\0\x04\0\x07"),
        ("error", b"\0\x05\0\x01no\0"),
    ] {
        c.bench_function(&format!("parse {name}"), |b| {
            b.iter(|| Packet::parse(black_box(packet)).is_ok());
        });
        let parsed = Packet::parse(packet).expect("it is a packet");
        let mut buffer = [0; 600];
        c.bench_function(&format!("write {name}"), |b| {
            b.iter(|| black_box(&parsed).write(&mut buffer));
        });
    }
}

/// A read of 1 MiB among as many other transfers: each block costs an ACK in and a block out.
fn serve(c: &mut Criterion) {
    let mut group = c.benchmark_group("serve 2048 blocks of 512");
    group.throughput(Throughput::Elements(2048));
    for others in [0u16, 10_000] {
        group.bench_function(format!("beside {others} transfers"), |b| {
            let mut storage: Box<Storage<10_001>> = Box::default();
            let config = server::Config { per_source: u32::MAX, ..server::Config::default() };
            let mut server = Server::new(config, &mut storage, [7; 32]);
            let now = Duration::from_secs(1);
            let mut buffer = [0; 600];
            let path = |port| Path { local: 0, remote: ([192, 0, 2, 1], port).into() };
            let mut begin = |server: &mut Server<'_>, port| {
                let event = server.handle_datagram(now, path(port), b"\0\x01f\0octet\0");
                if let Ok(Some(Event::Request { transfer, .. })) = event {
                    server.accept(now, transfer, Grant::size(2048 * 512)).expect("it waits");
                }
                while server.poll_transmit(now, &mut buffer).is_some() {}
            };
            for port in 0..others {
                begin(&mut server, 2000 + port);
            }
            let mut buffer = [0; 600];
            b.iter(|| {
                begin(&mut server, 1);
                for block in 1..=2049u16 {
                    let [high, low] = block.to_be_bytes();
                    let _ = black_box(server.handle_datagram(now, path(1), &[0, 4, high, low]));
                    while server.poll_transmit(now, &mut buffer).is_some() {}
                }
                while server.poll_event().is_some() {}
                assert_eq!(server.len(), usize::from(others));
            });
        });
    }
}

fn messenger(c: &mut Criterion) {
    let mut group = c.benchmark_group("messenger");
    let data = vec![7; 64 * 1024];
    group.throughput(Throughput::Bytes(data.len() as u64));
    group.bench_function("seal 64 KiB", |b| {
        let keys = Keys { encryption: Key::new([1; 24]), hash: Key::new([2; 24]) };
        let now = Duration::ZERO;
        let config = Config::new("bob@example.test", 7, u64::MAX / 2, keys);
        let mut sender = Sender::new(now, &config).expect("the name is good");
        let mut buffer = vec![0; 72 * 1024];
        let lines: [&[u8]; 3] =
            [b"VER MSN_SECURE_FTP\r\n", b"USR bob@example.test 7\r\n", b"TFR\r\n"];
        for line in lines {
            sender.handle_stream(now, line).expect("the line is right");
            while sender.poll_transmit(now, &mut buffer).is_some() {}
        }
        b.iter(|| sender.supply(now, black_box(&data), &mut buffer));
    });
}

criterion_group!(benches, parse, serve, messenger);
criterion_main!(benches);
