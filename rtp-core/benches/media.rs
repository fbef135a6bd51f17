//! How long the hot paths take, beside what else there is.

use core::hint::black_box;
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rtp_core::codec::g711::Law;
use rtp_core::extension::{Element, Form, HeaderExtension, write_elements};
use rtp_core::jitter::{self, Frame};
use rtp_core::packet::Packet;
use rtp_core::rtcp::{
    self, Chunk, Compound, Item, ItemType, ReportBlock, SenderInfo, SenderReport, SourceDescription,
};
use rtp_core::session::{Cname, Config, Outgoing, Path, Session, Storage};
use rtp_core::{NtpTime, Ssrc};

fn rtp(c: &mut Criterion) {
    let packet = Packet {
        payload_type: 0,
        sequence_number: 7,
        timestamp: 160,
        ssrc: Ssrc(0xdecade),
        payload: &[0xff; 160],
        ..Packet::default()
    };
    let mut datagram = [0; 200];
    let len = packet.write(&mut datagram).expect("it fits");
    let datagram = &datagram[..len];
    let mut group = c.benchmark_group("rtp");
    group.bench_function("parse", |b| {
        b.iter(|| {
            let packet = Packet::parse(black_box(datagram)).expect("it is whole");
            (packet.ssrc, packet.sequence_number, packet.timestamp, packet.payload.len())
        });
    });
    group.bench_function("parse/rtp-types", |b| {
        b.iter(|| {
            let packet = rtp_types::RtpPacket::parse(black_box(datagram)).expect("it is whole");
            (packet.ssrc(), packet.sequence_number(), packet.timestamp(), packet.payload().len())
        });
    });
    group.bench_function("parse/rtp-rs", |b| {
        b.iter(|| {
            let packet = rtp_rs::RtpReader::new(black_box(datagram)).expect("it is whole");
            (packet.ssrc(), packet.sequence_number(), packet.timestamp(), packet.payload().len())
        });
    });
    let mut buffer = [0; 200];
    group.bench_function("build", |b| {
        b.iter(|| black_box(&packet).write(black_box(&mut buffer)));
    });
    group.bench_function("build/rtp-types", |b| {
        b.iter(|| {
            rtp_types::RtpPacketBuilder::<&[u8], &[u8]>::new()
                .payload_type(0)
                .sequence_number(black_box(7))
                .timestamp(160)
                .ssrc(0xdecade)
                .payload(black_box(&[0xff; 160]))
                .write_into(black_box(&mut buffer))
        });
    });
    group.bench_function("build/rtp-rs", |b| {
        b.iter(|| {
            rtp_rs::RtpPacketBuilder::new()
                .payload_type(0)
                .sequence(black_box(7u16).into())
                .timestamp(160)
                .ssrc(0xdecade)
                .payload(black_box(&[0xff; 160]))
                .build_into(black_box(&mut buffer))
        });
    });

    let mut elements = [0; 32];
    let three = [
        Element { id: 1, data: &[0x80] },
        Element { id: 2, data: &[1, 2, 3] },
        Element { id: 3, data: &[4, 5] },
    ];
    let len = write_elements(Form::OneByte, &three, &mut elements).expect("it fits");
    let extension = HeaderExtension { profile: Form::OneByte.profile(), data: &elements[..len] };
    let extended = Packet { extension: Some(extension), ..packet };
    let mut datagram = [0; 200];
    let len = extended.write(&mut datagram).expect("it fits");
    let datagram = &datagram[..len];
    group.bench_function("parse and find one of three extensions", |b| {
        b.iter(|| {
            let packet = Packet::parse(black_box(datagram)).expect("it is whole");
            packet.extension.and_then(|extension| extension.find(black_box(3)))
        });
    });
    group.bench_function("parse and find one of three extensions/rtp-types", |b| {
        b.iter(|| {
            // It gives the octets of all; the elements are its user's.
            let packet = rtp_types::RtpPacket::parse(black_box(datagram)).expect("it is whole");
            let (_, mut elements) = packet.extension()?;
            while let [head, rest @ ..] = elements {
                let (data, rest) = rest.split_at_checked(usize::from(head & 0x0f) + 1)?;
                if head >> 4 == black_box(3) {
                    return Some(data.len());
                }
                elements = rest;
            }
            None
        });
    });
    group.finish();
}

fn rtcp(c: &mut Criterion) {
    let block = ReportBlock { ssrc: Ssrc(5), jitter: 7, ..ReportBlock::default() };
    let blocks = [block];
    let report = SenderReport {
        ssrc: Ssrc(9),
        info: SenderInfo {
            ntp: NtpTime(1 << 60),
            rtp_timestamp: 160,
            packet_count: 1,
            octet_count: 2,
        },
        blocks: (&blocks).into(),
        profile: &[],
    };
    let items = [Item { item_type: ItemType::Cname, value: b"alice@example.org" }];
    let chunks = [Chunk { ssrc: Ssrc(9), items: (&items).into() }];
    let description = SourceDescription { chunks: (&chunks).into() };
    let mut buffer = [0; 200];
    let build = |buffer: &mut [u8]| {
        let first = black_box(&report).write(buffer).expect("it fits");
        first + black_box(&description).write(&mut buffer[first..]).expect("it fits")
    };
    let len = build(&mut buffer);
    let datagram = buffer;
    let datagram = &datagram[..len];
    let mut group = c.benchmark_group("rtcp");
    group.bench_function("build SR + SDES", |b| b.iter(|| build(black_box(&mut buffer))));
    group.bench_function("build SR + SDES/rtcp-types", |b| {
        use rtcp_types::{
            ReportBlock, RtcpPacketWriterExt, Sdes, SdesChunk, SdesItem, SenderReport,
        };
        b.iter(|| {
            let first = SenderReport::builder(9)
                .ntp_timestamp(1 << 60)
                .rtp_timestamp(160)
                .packet_count(1)
                .octet_count(2)
                .add_report_block(ReportBlock::builder(5).interarrival_jitter(7))
                .write_into(black_box(&mut buffer))
                .expect("it fits");
            let chunk = SdesChunk::builder(9)
                .add_item(SdesItem::builder(SdesItem::CNAME, "alice@example.org"));
            first
                + Sdes::builder()
                    .add_chunk(chunk)
                    .write_into(&mut buffer[first..])
                    .expect("it fits")
        });
    });
    group.bench_function("parse SR + SDES", |b| {
        b.iter(|| {
            let mut seen = (0, 0, 0);
            for packet in Compound::parse(black_box(datagram)).expect("it is whole").packets() {
                match packet.expect("it is whole") {
                    rtcp::Packet::SenderReport(report) => {
                        seen.0 = report.info.packet_count;
                        seen.1 = report.blocks.get(0).map_or(0, |block| block.jitter);
                    }
                    rtcp::Packet::SourceDescription(description) => {
                        let cname = description.chunks.iter().find_map(|chunk| chunk.cname());
                        seen.2 = cname.map_or(0, <[u8]>::len);
                    }
                    _ => {}
                }
            }
            seen
        });
    });
    group.bench_function("parse SR + SDES/rtcp-types", |b| {
        b.iter(|| {
            let mut seen = (0, 0, 0);
            for packet in rtcp_types::Compound::parse(black_box(datagram)).expect("it is whole") {
                match packet.expect("it is whole") {
                    rtcp_types::Packet::Sr(report) => {
                        seen.0 = report.packet_count();
                        let block = report.report_blocks().next();
                        seen.1 = block.map_or(0, |block| block.interarrival_jitter());
                    }
                    rtcp_types::Packet::Sdes(description) => {
                        let mut items = description.chunks().flat_map(|chunk| chunk.items());
                        let cname = items.find(|item| item.type_() == rtcp_types::SdesItem::CNAME);
                        seen.2 = cname.map_or(0, |item| item.value().len());
                    }
                    _ => {}
                }
            }
            seen
        });
    });
    group.finish();
}

fn session(c: &mut Criterion) {
    let mut group = c.benchmark_group("session");
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 7000));
    let mut config = Config::new(Cname::new("alice@example.org").expect("a short name"));
    config.rtp = Some(Path::rtp(address));
    config.min_sequential = 0;
    let mut storages = [Storage::<4>::new(), Storage::<4>::new()];
    let [first, second] = &mut storages;
    let mut sender = Session::new(config, first, [1; 32]).expect("it works");
    let mut receiver = Session::new(config, second, [2; 32]).expect("it works");
    let mut datagram = [0; 200];
    let mut tick = 0u32;
    group.bench_function("packetize and handle_datagram, 160 octets", |b| {
        b.iter(|| {
            tick = tick.wrapping_add(1);
            let now = Duration::from_millis(u64::from(tick) * 20);
            let outgoing = Outgoing { timestamp: tick.wrapping_mul(160), ..Outgoing::new(0) };
            let sent =
                sender.packetize(now, &outgoing, &[0xff; 160], &mut datagram).expect("it fits");
            let event = receiver.handle_datagram(now, Path::rtp(address), &datagram[..sent.len]);
            assert!(black_box(event).is_ok());
        });
    });
    group.finish();
}

fn jitter_buffer(c: &mut Criterion) {
    let mut group = c.benchmark_group("jitter");
    let payload = [0xff; 160];
    fn cycle<const PACKETS: usize>(
        group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
        payload: &[u8],
        delay_ms: u64,
    ) {
        let mut storage = Box::new(jitter::Storage::<PACKETS, 160>::new());
        let mut config = jitter::Config::new(8000);
        let delay = Duration::from_millis(delay_ms);
        config.delay = jitter::Delay::Adaptive { minimum: delay, maximum: delay * 2 };
        let mut buffer = jitter::Buffer::new(config, &mut storage).expect("it works");
        let mut sequence = 0u32;
        let mut played = 0u64;
        group.bench_function(format!("push and pop, {delay_ms} ms"), |b| {
            b.iter(|| {
                let now = Duration::from_millis(u64::from(sequence) * 20);
                let frame = Frame {
                    sequence,
                    timestamp: sequence.wrapping_mul(160),
                    payload_type: 0,
                    marker: false,
                    payload: black_box(payload),
                };
                buffer.push(now, frame).expect("there is room");
                sequence += 1;
                played +=
                    u64::from(matches!(black_box(buffer.pop(now)), jitter::Playout::Packet(_)));
            });
        });
        assert!(played + 100 > u64::from(sequence) || sequence < 1000, "{played} of {sequence}");
    }
    cycle::<8>(&mut group, &payload, 40);
    cycle::<128>(&mut group, &payload, 1000);
    group.finish();
}

fn g722(c: &mut Criterion) {
    use rtp_core::codec::g722::{Decoder, Encoder};
    let mut group = c.benchmark_group("g722");
    let samples: [i16; 320] = core::array::from_fn(|n| ((n * 2477) as i16).wrapping_mul(13));
    let (mut codes, mut linear) = ([0; 160], [0; 320]);
    let mut encoder = Encoder::new();
    group.bench_function("encode 20 ms", |b| {
        b.iter(|| encoder.encode(black_box(&samples), black_box(&mut codes)));
    });
    let mut decoder = Decoder::default();
    group.bench_function("decode 20 ms", |b| {
        b.iter(|| decoder.decode(black_box(&codes), black_box(&mut linear)));
    });
    group.finish();
}

fn g711(c: &mut Criterion) {
    let mut group = c.benchmark_group("g711");
    group.throughput(Throughput::Elements(160));
    let samples: [i16; 160] = core::array::from_fn(|n| ((n * 2477) as i16).wrapping_mul(13));
    let mut codes = [0; 160];
    let mut linear = [0; 160];
    for law in [Law::Mu, Law::A] {
        group.bench_function(format!("{law:?} encode 20 ms"), |b| {
            b.iter(|| law.encode(black_box(&samples), black_box(&mut codes)));
        });
        group.bench_function(format!("{law:?} decode 20 ms"), |b| {
            b.iter(|| law.decode(black_box(&codes), black_box(&mut linear)));
        });
    }
    group.finish();
}

criterion_group!(benches, rtp, rtcp, session, jitter_buffer, g711, g722);
criterion_main!(benches);
