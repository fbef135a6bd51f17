//! Streams over a bad network, across rollovers and changes of key.

use super::*;
use core::time::Duration;
use handset_testkit::{Link, LinkConfig};

/// Sends so many packets, and gives how many different ones came and how many were opened. Before
/// each packet `change` may do something to both sides.
fn over<const KEYS: usize>(
    mut sender: Sender<1>,
    mut receiver: Receiver<1, KEYS>,
    seed: u64,
    packets: u32,
    mut change: impl FnMut(u32, &mut Sender<1>, &mut Receiver<1, KEYS>),
) -> (usize, usize) {
    let mut link = Link::new(LinkConfig::BAD, seed);
    let mut came = alloc::collections::BTreeSet::new();
    let mut opened = 0;
    for n in 0..packets {
        change(n, &mut sender, &mut receiver);
        let now = Duration::from_millis(u64::from(n) * 20);
        let mut buffer = [0; 100];
        let packet = packet::Packet {
            ssrc: Ssrc(9),
            sequence_number: 60_000u16.wrapping_add(n as u16),
            timestamp: n,
            payload: &[0x55; 20],
            ..Default::default()
        };
        let len = packet.write(&mut buffer).unwrap();
        let total = sender.protect_rtp(&mut buffer, len).unwrap();
        link.send(now, 0, 1, &buffer[..total]);
        while let Some((_, _, mut octets)) = link.receive(now) {
            let parsed = packet::Packet::parse(&octets).unwrap().timestamp;
            let first = came.insert(parsed);
            match receiver.unprotect_rtp(&mut octets) {
                Ok(len) => {
                    assert!(first, "{parsed} was opened twice");
                    assert_eq!(packet::Packet::parse(&octets[..len]).unwrap().payload, [0x55; 20]);
                    opened += 1;
                }
                Err(error) => assert!(!first || error != SrtpError::Replay, "{parsed}"),
            }
        }
    }
    (came.len(), opened)
}

#[test]
fn whatever_a_bad_network_brings_is_opened_once_across_rollovers() {
    for profile in [Profile::AesCm128HmacSha1_32, Profile::AeadAes128Gcm] {
        seeds(2, |seed| {
            let key = master(profile);
            // A rollover and a half, with a tenth lost, repeats, and packets out of order.
            let (came, opened) =
                over(Sender::new(&key), Receiver::new(&key), seed, 100_000, |_, _, _| {});
            assert_eq!(came, opened);
            assert!(came > 85_000, "{came}");
        });
    }
}

#[test]
fn nothing_is_lost_where_the_next_key_is_known_before_it_is_used() {
    seeds(5, |seed| {
        let profile = Profile::AesCm128HmacSha1_80;
        let keys: Vec<MasterKey> = (0..20u8)
            .map(|n| {
                let octets = alloc::vec![n; 30];
                let key = MasterKey::from_octets(profile, &octets).unwrap();
                key.with_mki(Mki::new(&[n]).unwrap())
            })
            .collect();
        let receiver = Receiver::<1, 2>::with_crypto(crypto::Software, &keys[0]).unwrap();
        let (came, opened) = over(Sender::new(&keys[0]), receiver, seed, 20_000, |n, s, r| {
            let number = (n / 1000) as usize;
            match n % 1000 {
                // The key before goes some time after the last packet made with it.
                500 => {
                    if let Some(before) = number.checked_sub(1) {
                        r.remove_key(keys[before].mki().unwrap());
                    }
                    if let Some(next) = keys.get(number + 1) {
                        r.add_key(next).unwrap();
                    }
                }
                0 => s.rekey(&keys[number]).unwrap(),
                _ => {}
            }
        });
        assert_eq!(came, opened);
    });
}
