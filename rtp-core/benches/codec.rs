//! How long concealment, comfort noise and payload formats take. The codecs themselves stand in
//! `media`.

use core::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rtp_core::codec::comfort_noise::{Generator, Suppressor};
use rtp_core::codec::concealment::{Narrowband, Wideband};
use rtp_core::codec::voice_activity::Detector;
use rtp_core::e_model::{Call, Impairment};
use rtp_core::payload::comfort_noise::ComfortNoise;
use rtp_core::payload::{Depacketizer, Encoded, Packetizer, Received, h264, vp8};

/// A voice of 125 Hz, at 8000 Hz or 16000.
fn voice<const COUNT: usize>(period: usize) -> [i16; COUNT] {
    core::array::from_fn(|n| {
        let phase = core::f64::consts::TAU * (n % period) as f64 / period as f64;
        (8000.0 * phase.sin() + 3000.0 * (3.0 * phase).sin()) as i16
    })
}

fn concealment(c: &mut Criterion) {
    let mut group = c.benchmark_group("concealment, 20 ms");
    let sound = voice::<160>(64);
    let mut samples = sound;
    let mut concealer = Narrowband::new();
    group.bench_function("8 kHz, received", |b| {
        b.iter(|| concealer.receive(black_box(&mut samples)));
    });
    // Received before, so that each loss begins with a search for the pitch.
    group.bench_function("8 kHz, one received and one lost", |b| {
        b.iter(|| {
            samples = sound;
            concealer.receive(black_box(&mut samples));
            concealer.conceal(black_box(&mut samples));
        });
    });
    let sound = voice::<320>(128);
    let mut samples = sound;
    let mut concealer = Wideband::new();
    group.bench_function("16 kHz, one received and one lost", |b| {
        b.iter(|| {
            samples = sound;
            concealer.receive(black_box(&mut samples));
            concealer.conceal(black_box(&mut samples));
        });
    });
    group.finish();
}

fn comfort_noise(c: &mut Criterion) {
    let mut group = c.benchmark_group("silence, 20 ms");
    let sound = voice::<160>(64);
    let mut detector = Detector::new(8000);
    group.bench_function("voice is told from noise", |b| {
        b.iter(|| detector.detect(black_box(&sound)));
    });
    let quiet: [i16; 160] = core::array::from_fn(|n| ((n * 2477) % 61) as i16 - 30);
    let mut suppressor = Suppressor::new(8000, 8);
    group.bench_function("noise is measured, order 8", |b| {
        b.iter(|| suppressor.decide(black_box(&quiet)));
    });
    let mut generator = Generator::new(1);
    let payload = [40, 90, 140, 120, 130, 127, 125, 129, 126];
    generator.update(&ComfortNoise::parse(&payload).expect("it is good"));
    let mut samples = [0; 160];
    group.bench_function("noise is made, order 8", |b| {
        b.iter(|| generator.generate(black_box(&mut samples)));
    });
    group.finish();
}

fn payload(c: &mut Criterion) {
    let mut group = c.benchmark_group("a picture of 20000 octets, 1200 in a packet");
    let mut access_unit = vec![0, 0, 0, 1, 0x67, 1, 2, 3, 0, 0, 0, 1, 0x65];
    access_unit.extend((0..20_000u32).map(|n| (n % 251) as u8 + 1));
    let mut datagram = [0; 1200];
    fn there_and_back(
        frame: &Encoded<'_>,
        packetizer: &mut impl Packetizer,
        depacketizer: &mut impl Depacketizer,
        sequence: &mut u16,
        buffers: (&mut [u8], &mut [u8]),
    ) -> usize {
        let mut len = 0;
        while let Some(payload) = packetizer.poll_payload(frame, buffers.0).expect("it fits") {
            *sequence = sequence.wrapping_add(1);
            let packet = Received {
                payload_type: 96,
                sequence: *sequence,
                timestamp: payload.timestamp,
                marker: payload.marker,
                payload: buffers.0.get(..payload.len).unwrap_or_default(),
            };
            let done = depacketizer.push(&packet, buffers.1).expect("it is good");
            len += done.map_or(0, |picture| picture.len);
        }
        assert!(len > 20_000);
        len
    }
    let mut picture = vec![0; 30_000];
    let mut sequence = 0;
    let frame = Encoded { timestamp: 0, octets: &access_unit };
    let mut packetizer = h264::Packetizer::new(h264::Mode::NonInterleaved);
    let mut depacketizer = h264::Depacketizer::new();
    group.bench_function("H.264, cut and put together", |b| {
        b.iter(|| {
            let buffers = (&mut datagram[..], &mut picture[..]);
            there_and_back(&frame, &mut packetizer, &mut depacketizer, &mut sequence, buffers)
        });
    });
    let mut packetizer = vp8::Packetizer::new(vp8::PictureId::Long(1));
    let mut depacketizer = vp8::Depacketizer::new();
    group.bench_function("VP8, cut and put together", |b| {
        b.iter(|| {
            let buffers = (&mut datagram[..], &mut picture[..]);
            there_and_back(&frame, &mut packetizer, &mut depacketizer, &mut sequence, buffers)
        });
    });
    group.finish();
}

fn e_model(c: &mut Criterion) {
    let mut call = Call::new(Impairment::G711_CONCEALED);
    call.loss = Call::loss_of(3, 100);
    c.bench_function("e-model", |b| b.iter(|| black_box(&call).rate().mos_x100()));
}

criterion_group!(benches, concealment, comfort_noise, payload, e_model);
criterion_main!(benches);
