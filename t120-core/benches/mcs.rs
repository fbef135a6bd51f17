//! MCS data with TPKT and X.224 around it, and Connect-Initial with GCC in it.

#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use t120_core::gcc::connect::{ConferenceCreateRequest, ConnectData, ConnectGccPdu};
use t120_core::gcc::types::{ConferenceName, Key, TerminationMethod};
use t120_core::mcs::connect::{ConnectInitial, ConnectMcsPdu, DomainParameters};
use t120_core::mcs::data::{Data, DataKind};
use t120_core::mcs::{ChannelId, DataPriority, Segmentation, UserId};
use t120_core::per::{NumericString, ObjectIdentifier, Octets};

fn data(user_data: &[u8]) -> Data<'_> {
    Data {
        kind: DataKind::SendRequest,
        initiator: UserId::new(1007).expect("a user's number"),
        channel: ChannelId::from_number(1003),
        priority: DataPriority::High,
        segmentation: Segmentation::WHOLE,
        user_data: Octets::new(user_data),
    }
}

fn send_data(c: &mut Criterion) {
    let octets = [0x5a; 16000];
    let mut group = c.benchmark_group("send-data");
    for len in [16, 128, 1024, 8192, 16000] {
        let mut buffer = [0; 16384];
        group.bench_function(format!("encode/{len}"), |b| {
            b.iter(|| data(black_box(&octets[..len])).write_packet(black_box(&mut buffer)));
        });
        let end = data(&octets[..len]).write_packet(&mut buffer).expect("there is room");
        group.bench_function(format!("decode/{len}"), |b| {
            b.iter(|| Data::parse_packet(black_box(&buffer[..end])));
        });
    }
    group.finish();
}

const PARAMETERS: DomainParameters = DomainParameters {
    max_channel_ids: 34,
    max_user_ids: 2,
    max_token_ids: 0,
    num_priorities: 1,
    min_throughput: 0,
    max_height: 1,
    max_mcs_pdu_size: 65535,
    protocol_version: 2,
};

fn encode_initial(buffer: &mut [u8]) -> usize {
    let create = ConnectGccPdu::ConferenceCreateRequest(ConferenceCreateRequest {
        conference_name: ConferenceName {
            numeric: NumericString::new("1").expect("digits"),
            text: None,
            unicode_text: None,
        },
        convener_password: None,
        password: None,
        locked_conference: false,
        listed_conference: false,
        conductible_conference: false,
        termination_method: TerminationMethod::Automatic,
        conductor_privileges: None,
        conducted_privileges: None,
        non_conducted_privileges: None,
        conference_description: None,
        caller_identifier: None,
        user_data: None,
        conference_priority: None,
        conference_mode: None,
    });
    let mut inner = [0; 256];
    let len = create.write(&mut inner).expect("there is room");
    let key = ObjectIdentifier::new(&[0, 0x14, 0x7c, 0, 1]).expect("an identifier");
    let connect_pdu = Octets::new(&inner[..len]);
    let connect = ConnectData { t124_identifier: Key::Object(key), connect_pdu };
    let mut user_data = [0; 256];
    let len = connect.write(&mut user_data).expect("there is room");
    let initial = ConnectMcsPdu::Initial(ConnectInitial {
        calling_domain_selector: &[1],
        called_domain_selector: &[1],
        upward_flag: true,
        target_parameters: PARAMETERS,
        minimum_parameters: PARAMETERS,
        maximum_parameters: PARAMETERS,
        user_data: &user_data[..len],
    });
    initial.write(buffer).expect("there is room")
}

fn decode_initial(octets: &[u8]) -> usize {
    let Ok(ConnectMcsPdu::Initial(initial)) = ConnectMcsPdu::parse(octets) else { return 0 };
    let Ok(connect) = ConnectData::parse(initial.user_data) else { return 0 };
    let Some(pdu) = connect.connect_pdu.as_slice() else { return 0 };
    ConnectGccPdu::parse(pdu).map_or(0, |pdu| {
        black_box(&pdu);
        1
    })
}

fn connect_initial(c: &mut Criterion) {
    let mut buffer = [0; 512];
    let mut group = c.benchmark_group("connect-initial");
    group.bench_function("encode", |b| b.iter(|| encode_initial(black_box(&mut buffer))));
    let len = encode_initial(&mut buffer);
    assert_eq!(decode_initial(&buffer[..len]), 1);
    group.bench_function("decode", |b| b.iter(|| decode_initial(black_box(&buffer[..len]))));
    group.finish();
}

criterion_group!(benches, send_data, connect_initial);
criterion_main!(benches);
