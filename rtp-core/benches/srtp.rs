//! How long SRTP takes, beside webrtc-srtp, and beside the ciphers alone.

use core::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use rtp_core::Ssrc;
use rtp_core::packet::Packet;
use rtp_core::srtp::crypto::{Aead, CounterMode, Crypto, Mac, Software};
use rtp_core::srtp::{MasterKey, Profile, Receiver, Sender};
use webrtc_srtp::{context::Context, protection_profile::ProtectionProfile};

/// The payload of a call's packet and of a picture's.
const PAYLOADS: [usize; 2] = [160, 1200];
/// How many packets are opened before their source is forgotten, so that they can be opened again.
const PACKETS: u16 = 64;

fn srtp(c: &mut Criterion) {
    let mut group = c.benchmark_group("srtp");
    for profile in [Profile::AesCm128HmacSha1_80, Profile::AeadAes128Gcm] {
        for payload in PAYLOADS {
            let len = profile.key_len() + profile.salt_len();
            let key = MasterKey::from_octets(profile, &[7; 46][..len]).expect("the right length");
            let (sender, receiver) = (Sender::new(&key), Receiver::new(&key));
            protect_and_unprotect(&mut group, profile.name(), payload, sender, receiver);
            #[cfg(feature = "ring")]
            if profile == Profile::AeadAes128Gcm {
                use rtp_core::srtp::crypto::Ring;
                let sender = Sender::with_crypto(Ring, &key).expect("it works");
                let receiver = Receiver::with_crypto(Ring, &key).expect("it works");
                let name = "AEAD_AES_128_GCM by ring,";
                protect_and_unprotect(&mut group, name, payload, sender, receiver);
            }
            webrtc(&mut group, profile, payload);
        }
    }
    group.finish();
}

fn protect_and_unprotect<C: Crypto>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    payload: usize,
    mut sender: Sender<1, C>,
    mut receiver: Receiver<1, 1, C>,
) {
    let octets = vec![0xff; payload];
    let mut packet = Packet { ssrc: Ssrc(9), payload: &octets, ..Packet::default() };
    let mut buffer = [0; 1500];
    let len = packet.write(&mut buffer).expect("it fits");
    let sealed: Vec<_> = (0..PACKETS)
        .map(|number| {
            packet.sequence_number = number;
            packet.write(&mut buffer).expect("it fits");
            let len = sender.protect_rtp(&mut buffer, len).expect("it fits");
            buffer[..len].to_vec()
        })
        .collect();
    packet.sequence_number = PACKETS;
    group.bench_function(format!("{name} protect {payload}"), |b| {
        b.iter(|| {
            packet.sequence_number = packet.sequence_number.wrapping_add(1);
            packet.write_header(&mut buffer).expect("it fits");
            sender.protect_rtp(black_box(&mut buffer), len).expect("it fits")
        });
    });
    let mut all = sealed.iter().cycle();
    let mut count = 0u16;
    group.bench_function(format!("{name} unprotect {payload}"), |b| {
        b.iter(|| {
            if count.is_multiple_of(PACKETS) {
                receiver.remove(Ssrc(9));
            }
            count = count.wrapping_add(1);
            let Some(sealed) = all.next() else { return 0 };
            let datagram = &mut buffer[..sealed.len()];
            datagram.copy_from_slice(sealed);
            receiver.unprotect_rtp(black_box(datagram)).expect("authentic")
        });
    });
}

/// The same by webrtc-srtp, which allocates each packet that it makes.
fn webrtc(group: &mut BenchmarkGroup<'_, WallTime>, profile: Profile, payload: usize) {
    let theirs = match profile {
        Profile::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        _ => ProtectionProfile::Aes128CmHmacSha1_80,
    };
    let context = || {
        let (key, salt) = ([7; 16], [7; 14]);
        let salt = &salt[..profile.salt_len()];
        Context::new(&key, salt, theirs, None, None).expect("it works")
    };
    let (mut sender, mut receiver) = (context(), context());
    let octets = vec![0xff; payload];
    let mut packet = Packet { ssrc: Ssrc(9), payload: &octets, ..Packet::default() };
    let mut buffer = [0; 1500];
    let len = packet.write(&mut buffer).expect("it fits");
    let sealed = sender.encrypt_rtp(&buffer[..len]).expect("it works");
    let name = profile.name();
    group.bench_function(format!("{name} protect {payload}/webrtc-srtp"), |b| {
        b.iter(|| {
            packet.sequence_number = packet.sequence_number.wrapping_add(1);
            packet.write_header(&mut buffer).expect("it fits");
            sender.encrypt_rtp(black_box(&buffer[..len])).expect("it works").len()
        });
    });
    group.bench_function(format!("{name} unprotect {payload}/webrtc-srtp"), |b| {
        // Without a window for replay.
        b.iter(|| receiver.decrypt_rtp(black_box(&sealed)).expect("authentic").len());
    });
}

/// What the ciphers alone take, in place, with nothing around them.
fn pieces(c: &mut Criterion) {
    let mut group = c.benchmark_group("srtp");
    let mut counter = Software.counter_mode(&[7; 16]).expect("it works");
    let mut mac = Software.mac(&[7; 20]).expect("it works");
    let mut aead = Software.aead(&[7; 16]).expect("it works");
    for payload in PAYLOADS {
        let mut buffer = vec![0xff; 12 + payload];
        group.bench_function(format!("AES_CM_128_HMAC_SHA1_80 pieces {payload}"), |b| {
            b.iter(|| {
                counter.apply(black_box(&[7; 16]), &mut buffer[12..]).expect("it works");
                mac.tag(black_box(&buffer), [0; 4]).expect("it works")
            });
        });
        group.bench_function(format!("AEAD_AES_128_GCM pieces {payload}"), |b| {
            b.iter(|| {
                let (header, data) = buffer.split_at_mut(12);
                aead.seal(black_box(&[7; 12]), header, data).expect("it works")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, srtp, pieces);
criterion_main!(benches);
