//! Targets of SRTP: both machines, keys in SDP, Messenger's encryption.

use rtp_core::packet::Packet;
use rtp_core::rtcp::{Compound, ReceiverReport};
use rtp_core::srtp::crypto::Software;
use rtp_core::srtp::sdes::CryptoAttribute;
use rtp_core::srtp::{MasterKey, Mki, Profile, Receiver, Sender, StreamState};
use rtp_core::{Ssrc, des};

use crate::drive::Script;
use crate::exactly;

/// What is known of sources, in an order that does not depend on places.
fn known(states: impl Iterator<Item = StreamState>) -> Vec<StreamState> {
    let mut states: Vec<_> = states.collect();
    states.sort_by_key(|state| state.ssrc);
    states
}

/// A datagram on its way: what is protected, what it was before, whether it is RTCP.
type Sealed = (Vec<u8>, Vec<u8>, bool);

/// A sender and a receiver, and a way between them that spoils, repeats, loses and exchanges.
pub fn machines(octets: &[u8]) {
    let mut script = Script::new(octets);
    let mut profile = script.one_of(&Profile::ALL);
    let mki = script.octet() & 1 == 1;
    let rate = script.octet();
    let key = |profile: Profile, number: u8| {
        let octets = [number; 46];
        let key =
            MasterKey::from_octets(profile, &octets[..profile.key_len() + profile.salt_len()]);
        let mut key = key.expect("the right length");
        if mki {
            key = key.with_mki(Mki::new(&[1, number]).expect("two octets"));
        }
        if rate & 1 == 1 {
            key = key.with_derivation_rate(rate >> 4).expect("a small rate");
        }
        key.with_lifetime(200)
    };
    let first = key(profile, 0);
    let mut sender = Sender::<2>::new(&first);
    let mut receiver = Receiver::<2, 2>::with_crypto(Software, &first).expect("it knows the key");
    let mut wire: Vec<Sealed> = Vec::new();
    while script.more() {
        match script.octet() % 10 {
            0..=2 => {
                let payload = script.octets();
                let packet = Packet {
                    ssrc: Ssrc(u32::from(script.octet() % 3)),
                    sequence_number: script.short(),
                    payload,
                    ..Packet::default()
                };
                let mut buffer = vec![0; packet.encoded_len() + sender.rtp_overhead()];
                let len = packet.write(&mut buffer).expect("it fits");
                let plain = buffer[..len].to_vec();
                if let Ok(total) = sender.protect_rtp(&mut buffer, len) {
                    assert_eq!(total, buffer.len());
                    wire.push((buffer, plain, false));
                } else {
                    assert_eq!(buffer[..len], plain, "a refusal changes nothing");
                }
            }
            3 => {
                let report = ReceiverReport {
                    ssrc: Ssrc(u32::from(script.octet() % 3)),
                    ..Default::default()
                };
                let mut buffer = vec![0; report.encoded_len() + sender.rtcp_overhead()];
                let len = report.write(&mut buffer).expect("it fits");
                let plain = buffer[..len].to_vec();
                if sender.protect_rtcp(&mut buffer, len).is_ok() {
                    wire.push((buffer, plain, true));
                }
            }
            // Opened as it is; it stays on the wire to be repeated.
            4 | 5 => {
                let at = script.below(wire.len());
                if let Some((sealed, plain, rtcp)) = wire.get(at) {
                    if let Some(len) = open(&mut receiver, &mut sealed.clone(), *rtcp) {
                        assert_eq!(len, plain.len());
                    }
                    let mut once_more = sealed.clone();
                    assert_eq!(open(&mut receiver, &mut once_more, *rtcp), None, "taken twice");
                }
            }
            // Spoiled.
            6 => {
                let at = script.below(wire.len());
                let (place, bits) = (usize::from(script.short()), script.octet());
                if let Some((sealed, _, rtcp)) = wire.get(at) {
                    let mut spoiled = sealed.clone();
                    let place = place % spoiled.len();
                    spoiled[place] ^= bits;
                    let opened = open(&mut receiver, &mut spoiled, *rtcp);
                    // The second octet tells RTP from RTCP: nothing else does.
                    assert!(opened.is_none() || bits == 0, "a forged packet was taken");
                }
            }
            7 => {
                let number = script.octet() % 4;
                if script.octet() & 1 == 1 {
                    let _ = receiver.add_key(&key(profile, number));
                } else {
                    profile = script.one_of(&Profile::ALL);
                    let key = key(profile, number);
                    sender.rekey(&key).expect("a good key");
                    receiver.rekey(&key).expect("a good key");
                    wire.clear();
                }
            }
            8 => {
                let (states, usage) = (known(sender.export()), sender.usage());
                for state in &states {
                    sender.remove(state.ssrc);
                }
                assert_eq!(sender.export().count(), 0);
                states.iter().for_each(|state| sender.restore(*state).expect("there was room"));
                sender.restore_usage(usage);
                assert_eq!(known(sender.export()), states);
            }
            _ => {
                let mut datagram = script.octets().to_vec();
                assert_eq!(open(&mut receiver, &mut datagram, script.octet() & 1 == 1), None);
            }
        }
        assert!(receiver.export().count() <= 2, "more than there is room for");
    }
}

/// Opens a datagram; a refusal leaves it and what is known as they were.
fn open(receiver: &mut Receiver<2, 2>, datagram: &mut [u8], rtcp: bool) -> Option<usize> {
    let (before, states) = (datagram.to_vec(), known(receiver.export()));
    let opened =
        if rtcp { receiver.unprotect_rtcp(datagram) } else { receiver.unprotect_rtp(datagram) };
    if opened.is_err() {
        assert_eq!((datagram, known(receiver.export())), (&mut before.clone()[..], states));
    }
    opened.ok()
}

/// The value of `a=crypto`, with its keys.
pub fn sdes(octets: &[u8]) {
    let Ok(attribute) = CryptoAttribute::parse(octets) else { return };
    let written = exactly(attribute.encoded_len(), |buffer| attribute.write(buffer));
    let again = CryptoAttribute::parse(&written).expect("what is written can be read");
    assert_eq!((again.tag, again.suite()), (attribute.tag, attribute.suite()));
    assert!(again.session_parameters().eq(attribute.session_parameters()));
    let keys: Vec<_> = attribute.keys().flatten().collect();
    assert_eq!(again.keys().flatten().collect::<Vec<_>>(), keys);
    if keys.is_empty() {
        return;
    }
    let ours = CryptoAttribute::new(attribute.tag, &keys);
    let written = exactly(ours.encoded_len(), |buffer| ours.write(buffer));
    let again = CryptoAttribute::parse(&written).expect("what is written can be read");
    assert!(again.keys().map(|key| key.expect("it is whole")).eq(keys.iter().cloned()));
}

/// Datagrams that Messenger may have encrypted.
pub fn des(octets: &[u8]) {
    let key = des::Key::new(*b"handset.");
    let mut datagram = octets.to_vec();
    if let Ok(packet) = key.decrypt_rtp(&mut datagram) {
        assert!(packet.payload.len() <= octets.len());
    }
    let mut datagram = octets.to_vec();
    if let Ok(packets) = key.decrypt_rtcp(&mut datagram) {
        assert!(Compound::parse(packets).is_ok());
    }
    let mut buffer = octets.to_vec();
    buffer.resize(octets.len() + 11, 0);
    let total = key.encrypt_rtp(&mut buffer, octets.len()).expect("there is room");
    if let Ok(packet) = Packet::parse(octets) {
        let read = key.decrypt_rtp(&mut buffer[..total]);
        // Where padding was marked, more of it moves its count.
        assert!(
            packet.padding > 0 || read.is_ok_and(|read| read.payload.starts_with(packet.payload))
        );
    }
}
