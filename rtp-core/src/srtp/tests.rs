use super::*;
use alloc::vec::Vec;
use handset_testkit::{Random, seeds};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .map(|digit| u8::try_from(digit).unwrap())
        .collect();
    digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect()
}

/// The master key and salt of RFC 3711 appendix B.3.
const MASTER: &str = "E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6";

fn master(profile: Profile) -> MasterKey {
    let octets: Vec<u8> = (0..46).map(|n| n * 5 + 1).collect();
    let len = profile.key_len() + profile.salt_len();
    MasterKey::from_octets(profile, &octets[..len]).unwrap()
}

#[test]
fn the_keystream_is_that_of_rfc_3711_appendix_b_2() {
    let key = hex("2B7E151628AED2A6ABF7158809CF4F3C");
    let salt: [u8; 14] = hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD").try_into().unwrap();
    let transform =
        Transform::with_session_keys(Profile::AesCm128HmacSha1_80, &key, &[0; 20], salt);
    // SSRC and index 0, and a packet without a header: the payload is the keystream.
    let prefix = packet::Prefix { len: 0, ssrc: Ssrc(0), sequence_number: 0 };
    let mut body = alloc::vec![0; 0xff02 * 16];
    transform.seal_rtp(prefix, 0, &mut body, &mut [0; 10]);
    let expected = hex("E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB \
        41E95B3BB0A2E8DD477901E4FCA894C0");
    assert_eq!(body[..48], expected);
    let expected = hex("EC8CDF7398607CB0F2D21675EA9EA1E4 362B7C3C6773516318A077D7FC5073AE");
    assert_eq!(body[0xfeff * 16..0xff01 * 16], expected);
}

#[test]
fn session_keys_are_those_of_rfc_3711_appendix_b_3() {
    let master = MasterKey::from_octets(Profile::AesCm128HmacSha1_80, &hex(MASTER)).unwrap();
    let derived = Transform::derive(&master, transform::RTP_LABELS);
    let salt: [u8; 14] = hex("30CBBC08863D8C85D49DB34A9AE1").try_into().unwrap();
    let expected = Transform::with_session_keys(
        Profile::AesCm128HmacSha1_80,
        &hex("C61E7A93744F39EE10734AFE3FF7A087"),
        &hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"),
        salt,
    );
    // The keys are inside their ciphers: the same keys make the same packets.
    let prefix = packet::Prefix { len: 12, ssrc: Ssrc(7), sequence_number: 9 };
    let sealed = [derived, expected].map(|transform| {
        let (mut body, mut tag) = ([0x5a; 100], [0; 10]);
        transform.seal_rtp(prefix, 9, &mut body, &mut tag);
        (body, tag)
    });
    assert_eq!(sealed[0], sealed[1]);
}

#[test]
fn session_keys_of_256_bits_are_those_of_rfc_6188_section_7_4() {
    let octets = hex("f0f04914b513f2763a1b1fa130f10e29 98f6f6e43e4309d1e622a0e332b9f1b6 \
        3b04803de51ee7c96423ab5b78d2");
    let master = MasterKey::from_octets(Profile::AesCm256HmacSha1_80, &octets).unwrap();
    let derived = Transform::derive(&master, transform::RTP_LABELS);
    let salt: [u8; 14] = hex("fa31791685ca444a9e07c6c64e93").try_into().unwrap();
    let expected = Transform::with_session_keys(
        Profile::AesCm256HmacSha1_80,
        &hex("5ba1064e30ec51613cad926c5a28ef73 1ec7fb397f70a960653caf06554cd8c4"),
        &hex("fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"),
        salt,
    );
    let prefix = packet::Prefix { len: 12, ssrc: Ssrc(7), sequence_number: 9 };
    let sealed = [derived, expected].map(|transform| {
        let (mut body, mut tag) = ([0x5a; 100], [0; 10]);
        transform.seal_rtp(prefix, 9, &mut body, &mut tag);
        (body, tag)
    });
    assert_eq!(sealed[0], sealed[1]);
}

#[test]
fn packets_in_galois_mode_are_those_of_rfc_7714_section_16() {
    let salt: [u8; 14] = hex("517569642070726f2071756f 0000").try_into().unwrap();
    let plain = hex("8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 \
        69736120 696e2070 61727465 73207472 6573");
    let key: Vec<u8> = (0..32).collect();
    let cases = [
        (
            Profile::AeadAes128Gcm,
            "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f \
             42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce",
        ),
        (
            Profile::AeadAes256Gcm,
            "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 \
             b50b2a02 76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13",
        ),
    ];
    for (profile, expected) in cases {
        let transform = Transform::with_session_keys(profile, &key[..profile.key_len()], &[], salt);
        let prefix = packet::Prefix::parse(&plain).unwrap();
        let index = u64::from(prefix.sequence_number);
        let (mut body, mut tag) = (plain.clone(), [0; 16]);
        transform.seal_rtp(prefix, index, &mut body, &mut tag);
        assert_eq!([&body[..], &tag].concat(), hex(expected), "{profile:?}");
        transform.open_rtp(prefix, index, &mut body, &tag).unwrap();
        assert_eq!(body, plain);
    }
}

#[test]
fn whole_packets_are_those_that_other_stacks_make() {
    // The reference packets of libsrtp's own tests.
    let cases = [
        (
            Profile::AesCm128HmacSha1_80,
            MASTER,
            "800f1234 decafbad cafebabe 4e55dc4c e79978d8 8ca4d215 949d2402 b78d6acc 99ea179b 8dbb",
            "81c8000b cafebabe 7128035b e487b9bd bef89041 f977a5a8 80000001 993e08cd 54d6c123 0798",
        ),
        (
            Profile::AeadAes128Gcm,
            "000102030405060708090a0b0c0d0e0f a0a1a2a3a4a5a6a7a8a9aaab",
            "800f1234 decafbad cafebabe c5002ede 04cfdd2e b91159e0 880aa06e d2976826 f796b201 \
             df3131a1 27e8a392",
            "81c8000b cafebabe c98b8b5d f0392a55 852b6c21 ac8e7025 c52c6fbe a2b3b446 ea31123b \
             a88ce61e 80000001",
        ),
    ];
    for (profile, key, rtp, rtcp) in cases {
        let master = MasterKey::from_octets(profile, &hex(key)).unwrap();
        let plain_rtp = hex("800f1234decafbadcafebabe abababababababababababababababab");
        let plain_rtcp = hex("81c8000bcafebabe abababababababababababababababab");
        let mut sender = Sender::<1>::new(&master);
        let mut buffer = [0; 64];
        buffer[..28].copy_from_slice(&plain_rtp);
        let len = sender.protect_rtp(&mut buffer, 28).unwrap();
        assert_eq!(buffer[..len], hex(rtp), "{profile:?}");
        let mut receiver = Receiver::<1>::new(&master);
        assert_eq!(receiver.unprotect_rtp(&mut buffer[..len]), Ok(28));
        assert_eq!(buffer[..28], plain_rtp);

        // Their index of SRTCP begins with 1.
        let state = WindowState { highest: 0, seen: 1 };
        let at_one = StreamState { ssrc: Ssrc(0xcafe_babe), rtcp: state, ..Default::default() };
        sender.restore(at_one).unwrap();
        buffer[..24].copy_from_slice(&plain_rtcp);
        let len = sender.protect_rtcp(&mut buffer, 24).unwrap();
        assert_eq!(buffer[..len], hex(rtcp), "{profile:?}");
        assert_eq!(receiver.unprotect_rtcp(&mut buffer[..len]), Ok(24));
        assert_eq!(buffer[..24], plain_rtcp);
    }
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
    moved.0.rekey(&other);
    assert_eq!(
        send(&mut moved.0, &mut moved.1, 2),
        Err(SrtpError::Authentication),
        "the receiver has the old key still"
    );
    moved.1.rekey(&other);
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
