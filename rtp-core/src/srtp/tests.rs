use super::index::WindowState;
use super::*;
use crate::{BufferTooSmall, Full, Ssrc, packet};
use alloc::vec::Vec;
use handset_testkit::{Random, seeds};

mod keys;
mod network;
mod vectors;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .map(|digit| u8::try_from(digit).unwrap())
        .collect();
    digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect()
}

fn master(profile: Profile) -> MasterKey {
    let octets: Vec<u8> = (0..46).map(|n| n * 5 + 1).collect();
    let len = profile.key_len() + profile.salt_len();
    MasterKey::from_octets(profile, &octets[..len]).unwrap()
}

fn rtp(ssrc: u32, sequence_number: u16, buffer: &mut [u8]) -> usize {
    let csrcs = [Ssrc(1), Ssrc(2)];
    let packet = packet::Packet {
        ssrc: Ssrc(ssrc),
        sequence_number,
        csrcs: (&csrcs).into(),
        extension: Some(crate::extension::HeaderExtension { profile: 0xbede, data: &[1; 8] }),
        payload: &[0x77; 160],
        padding: 4,
        ..Default::default()
    };
    packet.write(buffer).unwrap()
}

#[test]
fn every_profile_opens_what_it_has_protected_across_the_rollover() {
    for profile in Profile::ALL {
        let key = master(profile);
        let (mut sender, mut receiver) = (Sender::<1>::new(&key), Receiver::<1>::new(&key));
        for sequence in [65_533u16, 65_534, 65_535, 0, 1, 2] {
            let mut buffer = [0; 300];
            let len = rtp(9, sequence, &mut buffer);
            let plain = buffer;
            let total = sender.protect_rtp(&mut buffer, len).unwrap();
            assert_eq!(total, len + profile.rtp_overhead());
            let header = len - 164;
            assert_eq!(buffer[..header], plain[..header], "the header stays in clear");
            assert_ne!(buffer[header..len], plain[header..len]);
            assert_eq!(receiver.unprotect_rtp(&mut buffer[..total]), Ok(len));
            assert_eq!(buffer[..len], plain[..len]);
        }
        assert_eq!(receiver.export().next().unwrap().rtp.highest, (1 << 16) | 2);
        for _ in 0..3 {
            let mut buffer = [0; 100];
            let report = crate::rtcp::ReceiverReport { ssrc: Ssrc(9), ..Default::default() };
            let len = report.write(&mut buffer).unwrap();
            let total = sender.protect_rtcp(&mut buffer, len).unwrap();
            assert_eq!(total, len + profile.rtcp_overhead());
            assert_eq!(receiver.unprotect_rtcp(&mut buffer[..total]), Ok(len));
            assert_eq!(crate::rtcp::ReceiverReport::parse(&buffer[..len]), Ok(report));
        }
    }
}

#[test]
fn any_bit_that_was_changed_is_found_and_changes_nothing() {
    for profile in
        [Profile::AesCm128HmacSha1_80, Profile::AesCm128HmacSha1_32, Profile::AeadAes256Gcm]
    {
        let key = master(profile);
        let (mut sender, mut receiver) = (Sender::<1>::new(&key), Receiver::<1>::new(&key));
        let mut buffer = [0; 300];
        let len = rtp(9, 5, &mut buffer);
        let total = sender.protect_rtp(&mut buffer, len).unwrap();
        let mut report = [0; 100];
        let short = crate::rtcp::ReceiverReport { ssrc: Ssrc(9), ..Default::default() };
        let report_len = short.write(&mut report).unwrap();
        let report_total = sender.protect_rtcp(&mut report, report_len).unwrap();
        for bit in 0..total * 8 {
            let mut changed = buffer;
            changed[bit / 8] ^= 1 << (bit % 8);
            let before = changed;
            assert!(receiver.unprotect_rtp(&mut changed[..total]).is_err(), "{profile:?} {bit}");
            assert_eq!(changed, before);
        }
        for bit in 0..report_total * 8 {
            let mut changed = report;
            changed[bit / 8] ^= 1 << (bit % 8);
            let result = receiver.unprotect_rtcp(&mut changed[..report_total]);
            assert!(result.is_err(), "{profile:?} {bit}");
        }
        assert_eq!(receiver.export().count(), 0, "nothing is known of anybody");
        assert_eq!(receiver.unprotect_rtp(&mut buffer[..total]), Ok(len));
        assert_eq!(receiver.unprotect_rtcp(&mut report[..report_total]), Ok(report_len));
    }
}

#[test]
fn a_packet_is_taken_once_and_protected_once() {
    let key = master(Profile::AesCm128HmacSha1_80);
    let (mut sender, mut receiver) = (Sender::<1>::new(&key), Receiver::<1>::new(&key));
    let mut buffer = [0; 300];
    let len = rtp(9, 5, &mut buffer);
    let plain = buffer;
    let total = sender.protect_rtp(&mut buffer, len).unwrap();
    let sent = buffer;
    receiver.unprotect_rtp(&mut buffer[..total]).unwrap();
    buffer = sent;
    assert_eq!(receiver.unprotect_rtp(&mut buffer[..total]), Err(SrtpError::Replay));
    assert_eq!(buffer, sent);
    buffer = plain;
    assert_eq!(sender.protect_rtp(&mut buffer, len), Err(SrtpError::Replay));
}

#[test]
fn a_stream_goes_on_in_another_machine_and_with_another_key() {
    let key = master(Profile::AeadAes128Gcm);
    let (mut sender, mut receiver) = (Sender::<1>::new(&key), Receiver::<1>::new(&key));
    let send = |sender: &mut Sender<1>, receiver: &mut Receiver<1>, sequence| {
        let mut buffer = [0; 300];
        let len = rtp(9, sequence, &mut buffer);
        let total = sender.protect_rtp(&mut buffer, len).unwrap();
        receiver.unprotect_rtp(&mut buffer[..total])
    };
    for sequence in [65_535u16, 0] {
        send(&mut sender, &mut receiver, sequence).unwrap();
    }
    // Into new machines.
    let mut moved = (Sender::new(&key), Receiver::new(&key));
    sender.export().for_each(|state| moved.0.restore(state).unwrap());
    receiver.export().for_each(|state| moved.1.restore(state).unwrap());
    send(&mut moved.0, &mut moved.1, 1).unwrap();
    assert_eq!(moved.1.export().next().unwrap().rtp.highest, (1 << 16) | 1);
    // With a new key, of another profile.
    let other = master(Profile::AesCm256HmacSha1_32);
    moved.0.rekey(&other).unwrap();
    assert_eq!(
        send(&mut moved.0, &mut moved.1, 2),
        Err(SrtpError::Authentication),
        "the receiver has the old key still"
    );
    moved.1.rekey(&other).unwrap();
    send(&mut moved.0, &mut moved.1, 3).unwrap();
    assert_eq!(moved.1.export().next().unwrap().rtp.highest, (1 << 16) | 3);
    // A late joiner is told the rollover counter.
    let mut late = Receiver::<1>::new(&other);
    assert_eq!(send(&mut moved.0, &mut late, 4), Err(SrtpError::Authentication));
    let counter = WindowState { highest: 1 << 16, seen: 0 };
    late.restore(StreamState { ssrc: Ssrc(9), rtp: counter, ..Default::default() }).unwrap();
    assert!(send(&mut moved.0, &mut late, 5).is_ok());
}

#[test]
fn a_source_too_many_is_refused_until_another_is_forgotten() {
    let key = master(Profile::AesCm128HmacSha1_80);
    let mut sender = Sender::<1>::new(&key);
    let mut buffer = [0; 300];
    let len = rtp(1, 5, &mut buffer);
    sender.protect_rtp(&mut buffer, len).unwrap();
    let len = rtp(2, 5, &mut buffer);
    let plain = buffer;
    let error = sender.protect_rtp(&mut buffer, len).unwrap_err();
    assert_eq!(error, SrtpError::Full(Full { capacity: 1 }));
    assert_eq!(buffer, plain);
    sender.remove(Ssrc(1));
    assert!(sender.protect_rtp(&mut buffer, len).is_ok());
}

#[test]
fn what_has_no_room_or_no_header_is_refused() {
    let key = master(Profile::AesCm128HmacSha1_80);
    let mut sender = Sender::<1>::new(&key);
    let mut buffer = [0x80; 30];
    let error = sender.protect_rtp(&mut buffer, 25).unwrap_err();
    assert_eq!(error, SrtpError::BufferTooSmall(BufferTooSmall { needed: 35 }));
    let error = sender.protect_rtp(&mut buffer, 3).unwrap_err();
    assert!(matches!(error, SrtpError::Parse(_)));
    assert_eq!(
        MasterKey::from_octets(Profile::AeadAes128Gcm, &[0; 30]).unwrap_err(),
        SrtpError::KeyLength { needed: 28 }
    );
}

#[test]
fn an_index_of_srtcp_is_never_used_twice() {
    let key = master(Profile::AesCm128HmacSha1_80);
    let mut sender = Sender::<1>::new(&key);
    let last = WindowState { highest: LAST_RTCP_INDEX, seen: 1 };
    sender.restore(StreamState { ssrc: Ssrc(1), rtcp: last, ..Default::default() }).unwrap();
    let mut buffer = [0; 40];
    buffer[..8].copy_from_slice(&[0x80, 201, 0, 1, 0, 0, 0, 1]);
    assert_eq!(sender.protect_rtcp(&mut buffer, 8), Err(SrtpError::KeyExpired));
}

#[test]
fn srtcp_in_clear_is_refused() {
    let key = master(Profile::AesCm128HmacSha1_80);
    let mut datagram = [0; 22];
    datagram[..8].copy_from_slice(&[0x80, 201, 0, 1, 0, 0, 0, 1]);
    let result = Receiver::<1>::new(&key).unprotect_rtcp(&mut datagram);
    assert_eq!(result, Err(SrtpError::NotEncrypted));
}

#[test]
fn keys_of_dtls_come_in_the_order_of_rfc_5764() {
    let profile = Profile::AesCm128HmacSha1_80;
    let octets: Vec<u8> = (0..60).collect();
    let (client, server) = MasterKey::from_dtls(profile, &octets).unwrap();
    assert_eq!(
        (client.key[..16].to_vec(), server.key[..16].to_vec()),
        (octets[..16].to_vec(), octets[16..32].to_vec())
    );
    assert_eq!(
        (client.salt[..].to_vec(), server.salt[..].to_vec()),
        (octets[32..46].to_vec(), octets[46..].to_vec())
    );
    assert!(MasterKey::from_dtls(profile, &octets[1..]).is_err());
    assert_eq!(alloc::format!("{client:?}"), "MasterKey");
}

#[test]
fn names_and_numbers_are_those_of_the_registries() {
    for profile in Profile::ALL {
        assert_eq!(Profile::from_name(profile.name()), Some(profile));
        assert!(profile.rtp_overhead() <= MAXIMUM_OVERHEAD);
        assert!(profile.rtcp_overhead() <= MAXIMUM_OVERHEAD);
    }
    assert_eq!(Profile::AeadAes256Gcm.dtls_number(), Some(8));
}

#[test]
fn whatever_comes_is_refused_without_harm() {
    seeds(200, |seed| {
        let mut random = Random::new(seed);
        let profile = Profile::ALL[random.below(8) as usize];
        let mut receiver = Receiver::<2>::new(&master(profile));
        for _ in 0..50 {
            let len = random.below(80) as usize;
            let mut octets = random.octets(len);
            if let Some(first) = octets.first_mut() {
                *first = 0x80 | (*first & 0x3f);
            }
            assert!(receiver.unprotect_rtp(&mut octets.clone()).is_err());
            assert!(receiver.unprotect_rtcp(&mut octets).is_err());
        }
        assert_eq!(receiver.export().count(), 0);
    });
}
