//! What the standards and other stacks have computed.

use super::*;
use crate::srtp::crypto::{CounterMode, Crypto, Mac, Software};
use crate::srtp::transform::{self, Transform};
use hmac::{Hmac, KeyInit, Mac as _};
use zeroize::Zeroizing;

/// The master key and salt of RFC 3711 appendix B.3.
const MASTER: &str = "E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6";

fn with_session_keys(profile: Profile, key: &[u8], auth: &[u8], salt: &str) -> Transform<Software> {
    let mut octets = hex(salt);
    octets.resize(14, 0);
    let mut full = [0; 20];
    full[..auth.len()].copy_from_slice(auth);
    let salt = Zeroizing::new(octets.try_into().unwrap());
    Transform::with_session_keys(&Software, profile, key, &full, salt).unwrap()
}

fn derived(master: &MasterKey) -> Transform<Software> {
    Transform::derive(&Software, master, transform::RTP_LABELS, 0).unwrap()
}

/// Whether two transforms have the same keys, which are inside their ciphers: the same keys make
/// the same packets.
fn are_alike(one: Transform<Software>, other: Transform<Software>) -> bool {
    let prefix = packet::Prefix { len: 12, ssrc: Ssrc(7), sequence_number: 9 };
    let [one, other] = [one, other].map(|mut transform| {
        let (mut body, mut tag) = ([0x5a; 100], [0; 16]);
        transform.seal_rtp(prefix, 9, &mut body, &mut tag).unwrap();
        (body, tag)
    });
    one == other
}

/// The keystream for SSRC and index 0: the payload of a packet without a header.
fn keystream(profile: Profile, key: &str, octets: usize) -> Vec<u8> {
    let salt = "F0F1F2F3F4F5F6F7F8F9FAFBFCFD";
    let mut transform = with_session_keys(profile, &hex(key), &[0; 20], salt);
    let prefix = packet::Prefix { len: 0, ssrc: Ssrc(0), sequence_number: 0 };
    let mut body = alloc::vec![0; octets];
    transform.seal_rtp(prefix, 0, &mut body, &mut [0; 10]).unwrap();
    body
}

#[test]
fn the_keystream_is_that_of_rfc_3711_appendix_b_2() {
    let profile = Profile::AesCm128HmacSha1_80;
    let body = keystream(profile, "2B7E151628AED2A6ABF7158809CF4F3C", 0xff02 * 16);
    let expected = hex("E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB \
        41E95B3BB0A2E8DD477901E4FCA894C0");
    assert_eq!(body[..48], expected);
    let expected = hex("EC8CDF7398607CB0F2D21675EA9EA1E4 362B7C3C6773516318A077D7FC5073AE");
    assert_eq!(body[0xfeff * 16..0xff01 * 16], expected);
}

#[test]
fn longer_keys_make_the_keystreams_of_rfc_6188_section_7() {
    let key = "57f82fe3613fd170a85ec93c40b1f092 2ec4cb0dc025b58272147cc438944a98";
    let expected = hex("92bdd28a93c3f52511c677d08b5515a4 9da71b2378a854f67050756ded165bac \
        63c4868b7096d88421b563b8c94c9a31");
    assert_eq!(keystream(Profile::AesCm256HmacSha1_80, key, 48), expected);
    let key = "eab234764e517b2d3d160d587d8c8621 9740f65f99b6bcf7";
    let expected = hex("35096cba4610028dc1b57503804ce37c 5de986291dcce161d5165ec4568f5c9a \
        474a40c77894bc17180202272a4c264d");
    assert_eq!(keystream(Profile::AesCm192HmacSha1_80, key, 48), expected);
}

#[test]
fn session_keys_are_those_of_rfc_3711_and_rfc_6188() {
    // Master key and salt; session key, key of the tag, salt: RFC 3711 appendix B.3, RFC 6188
    // sections 7.3 and 7.4.
    let cases = [
        (
            Profile::AesCm128HmacSha1_80,
            MASTER,
            "C61E7A93744F39EE10734AFE3FF7A087",
            "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4",
            "30CBBC08863D8C85D49DB34A9AE1",
        ),
        (
            Profile::AesCm192HmacSha1_80,
            "73edc66c4fa15776fb57f9505c171365 50ffda71f3e8e5f1 c8522f3acd4ce86d5add78edbb11",
            "31874736a8f1143870c26e4857d8a5b2 c4a354407faadabb",
            "355b10973cd95b9eacf4061c7e1a7151e7cfbfcb",
            "2372b82d639b6d8503a47adc0a6c",
        ),
        (
            Profile::AesCm256HmacSha1_80,
            "f0f04914b513f2763a1b1fa130f10e29 98f6f6e43e4309d1e622a0e332b9f1b6 \
             3b04803de51ee7c96423ab5b78d2",
            "5ba1064e30ec51613cad926c5a28ef73 1ec7fb397f70a960653caf06554cd8c4",
            "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05",
            "fa31791685ca444a9e07c6c64e93",
        ),
    ];
    for (profile, master, key, auth, salt) in cases {
        let master = MasterKey::from_octets(profile, &hex(master)).unwrap();
        let expected = with_session_keys(profile, &hex(key), &hex(auth), salt);
        assert!(are_alike(derived(&master), expected), "{profile:?}");
    }
}

#[test]
fn keys_of_a_later_period_follow_from_its_number() {
    // Appendix B.3's master key once more, in period 0x0102030405: label and number are added to
    // the salt's last seven octets (RFC 3711 section 4.3.1).
    let octets = hex(MASTER);
    let master = MasterKey::from_octets(Profile::AesCm128HmacSha1_80, &octets).unwrap();
    let later = Transform::derive(&Software, &master, transform::RTP_LABELS, 0x01_0203_0405);
    let derive = |label: u8, len: usize| {
        let mut counter = [0; 16];
        counter[..14].copy_from_slice(&octets[16..]);
        for (cell, octet) in counter[7..14].iter_mut().zip([label, 0, 1, 2, 3, 4, 5]) {
            *cell ^= octet;
        }
        let mut keystream = alloc::vec![0; len];
        let mut cipher = Software.counter_mode(&octets[..16]).unwrap();
        cipher.apply(&counter, &mut keystream).unwrap();
        keystream
    };
    let salt = Zeroizing::new(derive(2, 14).try_into().unwrap());
    let auth: [u8; 20] = derive(1, 20).try_into().unwrap();
    let expected = Transform::with_session_keys(
        &Software,
        Profile::AesCm128HmacSha1_80,
        &derive(0, 16),
        &auth,
        salt,
    );
    assert!(are_alike(later.unwrap(), expected.unwrap()));
}

#[test]
fn tags_are_those_of_rfc_2202_and_of_another_hmac() {
    let mut mac = Software.mac(&[0x0b; 20]).unwrap();
    let expected = hex("b617318655057264e28bc0b6fb378c8ef146be00");
    assert_eq!(mac.tag(b"Hi T", *b"here").unwrap()[..], expected);
    let key: [u8; 20] = core::array::from_fn(|n| n as u8 * 11);
    let mut mac = Software.mac(&key).unwrap();
    let packet: Vec<u8> = (0..300u32).map(|n| (n * 7) as u8).collect();
    for len in 0..packet.len() {
        let mut other = Hmac::<sha1::Sha1>::new_from_slice(&key).unwrap();
        other.update(&packet[..len]);
        other.update(&[9, 8, 7, 6]);
        let expected = other.finalize().into_bytes();
        assert_eq!(mac.tag(&packet[..len], [9, 8, 7, 6]).unwrap()[..], expected[..], "{len}");
    }
}

#[test]
fn packets_in_galois_mode_are_those_of_rfc_7714_section_16() {
    let salt = "517569642070726f2071756f";
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
        let mut transform = with_session_keys(profile, &key[..profile.key_len()], &[], salt);
        let prefix = packet::Prefix::parse(&plain).unwrap();
        let index = u64::from(prefix.sequence_number);
        let (mut body, mut tag) = (plain.clone(), [0; 16]);
        transform.seal_rtp(prefix, index, &mut body, &mut tag).unwrap();
        assert_eq!([&body[..], &tag].concat(), hex(expected), "{profile:?}");
        transform.open_rtp(prefix, index, &mut body, &tag).unwrap();
        assert_eq!(body, plain);
    }
}

#[test]
fn reports_in_galois_mode_are_those_of_rfc_7714_section_17() {
    let salt = "517569642070726f2071756f";
    let plain = hex("81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 \
        deadbeef deadbeef deadbeef deadbeef deadbeef");
    let key: Vec<u8> = (0..32).collect();
    let cases = [
        (
            Profile::AeadAes128Gcm,
            "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 \
             730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade",
        ),
        (
            Profile::AeadAes256Gcm,
            "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 \
             110555be 8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be",
        ),
    ];
    for (profile, expected) in cases {
        let mut transform = with_session_keys(profile, &key[..profile.key_len()], &[], salt);
        let (mut body, mut tag) = (plain.clone(), [0; 16]);
        let (ssrc, index) = (Ssrc(0x4d61_7273), 0x5d4);
        transform.seal_rtcp(ssrc, index, &mut body, &mut tag).unwrap();
        assert_eq!([&body[..], &tag].concat(), hex(expected), "{profile:?}");
        transform.open_rtcp(ssrc, index, &mut body, &tag).unwrap();
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
