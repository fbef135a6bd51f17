//! What it costs a top provider to forward data: it grows with those who hear it, not with those
//! who are there.

#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use t120_core::conference::{Conference, Config, Connection};
use t120_core::mcs::data::{Data, DataKind};
use t120_core::mcs::domain::{AttachUserRequest, ChannelJoinRequest, DomainMcsPdu};
use t120_core::mcs::{ChannelId, DataPriority, Segmentation, UserId};
use t120_core::per::Octets;

const NOW: Duration = Duration::ZERO;

struct Top {
    node: Conference<'static>,
    buffer: Vec<u8>,
    users: Vec<UserId>,
}

fn config(name: &str) -> Config {
    let mut config = Config::new(name).expect("a short name");
    config.max_connections = 2000;
    config.max_users = 3000;
    config.max_channels = 5000;
    config
}

impl Top {
    /// As many subordinates, each with one user; user n joins channel 100 + n / `each`.
    fn new(subordinates: u16, each: u16) -> Self {
        let mut node = Conference::growing(config("top"), [1; 32]).expect("it works");
        node.host("1").expect("it is in none");
        let mut top = Self { node, buffer: vec![0; 70000], users: Vec::new() };
        for number in 0..subordinates {
            top.add(Connection(number), ChannelId::from_number(100 + number / each));
        }
        top
    }

    /// Gives octets to the top; what it sends on this connection.
    fn give(&mut self, connection: Connection, octets: &[u8]) -> Vec<u8> {
        self.node.handle_stream(NOW, connection, octets).expect("it is well formed");
        let mut answer = Vec::new();
        while let Some(sent) = self.node.poll_transmit(NOW, &mut self.buffer) {
            if sent.connection == connection {
                answer.extend_from_slice(&self.buffer[..sent.len]);
            }
        }
        while self.node.poll_event().is_some() {}
        answer
    }

    fn add(&mut self, connection: Connection, channel: ChannelId) {
        self.node.accept(NOW, connection).expect("there is room");
        let mut guest = Conference::growing(config("guest"), [2; 32]).expect("it works");
        guest.join(NOW, Connection(0), "1").expect("it is in none");
        let mut buffer = vec![0; 4096];
        // CR and CC, Connect-Initial and Connect-Response: the guest needs not live longer.
        for _ in 0..2 {
            let sent = guest.poll_transmit(NOW, &mut buffer).expect("it calls");
            let answer = self.give(connection, &buffer[..sent.len]);
            guest.handle_stream(NOW, Connection(0), &answer).expect("it is answered");
        }
        let attach = DomainMcsPdu::AttachUserRequest(AttachUserRequest {});
        let confirm = self.give(connection, &packet(&attach));
        let Ok(DomainMcsPdu::AttachUserConfirm(confirm)) = DomainMcsPdu::parse(&confirm[7..])
        else {
            panic!("{confirm:02x?}")
        };
        let initiator = confirm.initiator.expect("there is room");
        self.users.push(initiator);
        let join = ChannelJoinRequest { initiator, channel_id: channel };
        self.give(connection, &packet(&DomainMcsPdu::ChannelJoinRequest(join)));
    }

    /// Forwards what a user sends; to how many.
    fn forward(&mut self, user: usize, packet: &[u8]) -> usize {
        let taken = self.node.handle_stream(NOW, Connection(user as u16), packet);
        taken.expect("it is well formed");
        let mut count = 0;
        while let Some(sent) = self.node.poll_transmit(NOW, &mut self.buffer) {
            black_box(&sent);
            count += 1;
        }
        count
    }
}

fn packet(pdu: &DomainMcsPdu<'_>) -> Vec<u8> {
    let len = pdu.encoded_len();
    let mut packet = vec![3, 0, 0, (len + 7) as u8, 2, 0xf0, 0x80];
    packet.resize(len + 7, 0);
    pdu.write(&mut packet[7..]).expect("there is room");
    packet
}

fn forward(c: &mut Criterion) {
    let mut group = c.benchmark_group("forward");
    for (subordinates, each) in [(10, 10), (100, 10), (1000, 10), (1000, 2), (1000, 100)] {
        let mut top = Top::new(subordinates, each);
        let payload = [0x5a; 128];
        let data = Data {
            kind: DataKind::SendRequest,
            initiator: top.users[3],
            channel: ChannelId::from_number(100 + 3 / each),
            priority: DataPriority::High,
            segmentation: Segmentation::WHOLE,
            user_data: Octets::new(&payload),
        };
        let mut request = [0; 256];
        let len = data.write_packet(&mut request).expect("there is room");
        assert_eq!(top.forward(3, &request[..len]), usize::from(each) - 1);
        let name = format!("{subordinates}-attached/{}-receivers", each - 1);
        group.bench_function(name, |b| b.iter(|| top.forward(3, black_box(&request[..len]))));
    }
    group.finish();
}

criterion_group!(benches, forward);
criterion_main!(benches);
