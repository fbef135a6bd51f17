//! Keys: identifiers, lifetimes, periods, exchange, ciphers of others.

use super::*;
use crate::rtcp::ReceiverReport;

/// Protects a packet of RTP, and gives it with the plain one.
fn protected(sender: &mut Sender<1>, sequence: u16) -> (Vec<u8>, Vec<u8>) {
    let mut buffer = [0; 300];
    let len = rtp(9, sequence, &mut buffer);
    let plain = buffer[..len].to_vec();
    let total = sender.protect_rtp(&mut buffer, len).unwrap();
    assert_eq!(total, len + sender.rtp_overhead());
    (buffer[..total].to_vec(), plain)
}

/// The same of RTCP.
fn protected_report(sender: &mut Sender<1>) -> (Vec<u8>, Vec<u8>) {
    let mut buffer = [0; 100];
    let len = ReceiverReport { ssrc: Ssrc(9), ..Default::default() }.write(&mut buffer).unwrap();
    let plain = buffer[..len].to_vec();
    let total = sender.protect_rtcp(&mut buffer, len).unwrap();
    assert_eq!(total, len + sender.rtcp_overhead());
    (buffer[..total].to_vec(), plain)
}

fn opens<const KEYS: usize>(
    receiver: &mut Receiver<1, KEYS>,
    (mut octets, plain): (Vec<u8>, Vec<u8>),
) -> Result<(), SrtpError> {
    let len = if octets[1] == crate::rtcp::packet_type::RR {
        receiver.unprotect_rtcp(&mut octets)?
    } else {
        receiver.unprotect_rtp(&mut octets)?
    };
    assert_eq!(octets[..len], plain);
    Ok(())
}

/// A key that begins with this octet.
fn other_key(profile: Profile, first: u8) -> MasterKey {
    let octets = alloc::vec![first; profile.key_len() + profile.salt_len()];
    MasterKey::from_octets(profile, &octets).unwrap()
}

#[test]
fn packets_name_their_key_and_stand_where_the_standards_have_it() {
    for profile in Profile::ALL {
        let one = other_key(profile, 1).with_mki(Mki::new(&[0xab, 1]).unwrap());
        let two = other_key(profile, 2).with_mki(Mki::from_number(0xab02, 2).unwrap());
        let mut receiver = Receiver::<1, 2>::with_crypto(crypto::Software, &one).unwrap();
        receiver.add_key(&two).unwrap();
        let mut senders = [Sender::<1>::new(&one), Sender::<1>::new(&two)];
        for (number, sender) in senders.iter_mut().enumerate() {
            let mki = [0xab, number as u8 + 1];
            let (packet, plain) = protected(sender, 5 + number as u16);
            let tag = profile.rtp_overhead();
            assert_eq!(packet.len(), plain.len() + 2 + tag);
            let at = if profile.is_aead() { packet.len() - 2 } else { packet.len() - tag - 2 };
            assert_eq!(packet[at..at + 2], mki, "{profile:?}");
            opens(&mut receiver, (packet, plain)).unwrap();

            let (report, plain) = protected_report(sender);
            let at = report.len() - if profile.is_aead() { 2 } else { 12 };
            assert_eq!(report[at..at + 2], mki);
            assert_eq!(report[at - 4] & 0x80, 0x80, "the word with the index stands before it");
            // Both keys begin with index 0, which a window takes once.
            let taken = opens(&mut receiver, (report, plain));
            assert_eq!(taken, if number == 0 { Ok(()) } else { Err(SrtpError::Replay) });
        }
        // A key that was taken away, and one that never was there.
        receiver.remove_key(one.mki().unwrap());
        let packet = protected(&mut senders[0], 100);
        assert_eq!(opens(&mut receiver, packet), Err(SrtpError::UnknownKey));
        let packet = protected(&mut senders[1], 100);
        assert_eq!(opens(&mut receiver, packet), Ok(()));
        // The identifier is right and the key is not.
        let wrong = other_key(profile, 3).with_mki(two.mki().unwrap());
        let packet = protected(&mut Sender::new(&wrong), 200);
        assert_eq!(opens(&mut receiver, packet), Err(SrtpError::Authentication));
    }
}

#[test]
fn keys_that_packets_could_not_tell_apart_are_refused() {
    let profile = Profile::AesCm128HmacSha1_80;
    let key = |first, mki: &[u8]| {
        let key = other_key(profile, first);
        if mki.is_empty() { key } else { key.with_mki(Mki::new(mki).unwrap()) }
    };
    let refused = |first: &MasterKey, second: &MasterKey| {
        Receiver::<1, 2>::with_crypto(crypto::Software, first).unwrap().add_key(second)
    };
    assert_eq!(refused(&key(1, b"a"), &key(2, b"b")), Ok(()));
    assert_eq!(refused(&key(1, b""), &key(2, b"")), Err(SrtpError::KeysDiffer));
    assert_eq!(refused(&key(1, b"a"), &key(2, b"a")), Err(SrtpError::KeysDiffer));
    assert_eq!(refused(&key(1, b"a"), &key(2, b"bc")), Err(SrtpError::KeysDiffer));
    let longer = other_key(Profile::AesCm256HmacSha1_80, 1).with_mki(Mki::new(b"b").unwrap());
    assert_eq!(refused(&key(1, b"a"), &longer), Err(SrtpError::KeysDiffer));
    let mut full = Receiver::<1>::new(&key(1, b"a"));
    assert_eq!(full.add_key(&key(2, b"b")), Err(SrtpError::Full(Full { capacity: 1 })));
}

#[test]
fn an_identifier_has_one_to_eight_octets_and_room_for_its_number() {
    assert_eq!(Mki::new(b""), Err(SrtpError::Mki));
    assert_eq!(Mki::new(&[0; 9]), Err(SrtpError::Mki));
    assert_eq!(Mki::from_number(256, 1), Err(SrtpError::Mki));
    assert_eq!(Mki::from_number(1, 0), Err(SrtpError::Mki));
    assert_eq!(Mki::from_number(1, 9), Err(SrtpError::Mki));
    let mki = Mki::from_number(u64::MAX, 8).unwrap();
    assert_eq!((mki.as_octets(), mki.number()), (&[0xff; 8][..], u64::MAX));
}

#[test]
fn a_key_that_has_done_its_packets_does_no_more() {
    let key = master(Profile::AesCm128HmacSha1_80).with_lifetime(3);
    let (mut sender, mut receiver) = (Sender::<1>::new(&key), Receiver::<1>::new(&key));
    let unlimited = master(Profile::AesCm128HmacSha1_80);
    let mut other = Sender::<1>::new(&unlimited);
    for sequence in 1..=3 {
        opens(&mut receiver, protected(&mut sender, sequence)).unwrap();
        opens(&mut receiver, protected_report(&mut sender)).unwrap();
        protected(&mut other, sequence);
        protected_report(&mut other);
    }
    assert_eq!(sender.usage(), Usage { rtp: 3, rtcp: 3 });
    let mut buffer = [0; 300];
    let len = rtp(9, 4, &mut buffer);
    let plain = buffer;
    assert_eq!(sender.protect_rtp(&mut buffer, len), Err(SrtpError::KeyExpired));
    assert_eq!(buffer, plain, "nothing goes out in clear or half done");
    let mut report = [0x80, 201, 0, 1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(sender.protect_rtcp(&mut report, 8), Err(SrtpError::KeyExpired));
    // A peer that goes on with the key is not followed.
    let packet = protected(&mut other, 4);
    assert_eq!(opens(&mut receiver, packet), Err(SrtpError::KeyExpired));
    let report = protected_report(&mut other);
    assert_eq!(opens(&mut receiver, report), Err(SrtpError::KeyExpired));
    // The answer once more with a longer life, as the peer may agree to; then another key.
    sender.rekey(&unlimited).unwrap();
    protected(&mut sender, 4);
    assert_eq!(sender.usage().rtp, 4);
    sender.rekey(&other_key(Profile::AesCm128HmacSha1_80, 5)).unwrap();
    assert_eq!(sender.usage(), Usage::default());
}

#[test]
fn the_limits_of_a_key_are_those_of_rfc_3711_section_9_2() {
    let key = master(Profile::AeadAes128Gcm).with_lifetime(u64::MAX);
    let mut sender = Sender::<1>::new(&key);
    sender.restore_usage(Usage { rtp: (1 << 48) - 1, rtcp: (1 << 31) - 1 });
    protected(&mut sender, 1);
    protected_report(&mut sender);
    sender.remove(Ssrc(9));
    assert_eq!(sender.protect_rtp(&mut [0x80; 100], 50), Err(SrtpError::KeyExpired));
    assert_eq!(sender.protect_rtcp(&mut [0x80; 100], 50), Err(SrtpError::KeyExpired));
}

#[test]
fn session_keys_change_with_the_period_and_packets_may_cross() {
    for profile in [Profile::AesCm128HmacSha1_80, Profile::AeadAes256Gcm] {
        let key = master(profile).with_derivation_rate(2).unwrap();
        let mut sender = Sender::<1>::new(&key);
        let mut receiver = Receiver::<1>::new(&key);
        let mut packets: Vec<_> =
            (65_530u32..65_550).map(|n| protected(&mut sender, n as u16)).collect();
        // Without the rate only the first period is the same.
        let mut unaware = Receiver::<1>::new(&master(profile));
        let state = WindowState { highest: 0, seen: 0 };
        unaware.restore(StreamState { ssrc: Ssrc(9), rtp: state, ..Default::default() }).unwrap();
        assert_eq!(opens(&mut unaware, packets[0].clone()), Err(SrtpError::Authentication));
        // Two and two exchanged: periods end between them.
        packets.chunks_exact_mut(2).for_each(|pair| pair.swap(0, 1));
        for packet in packets {
            opens(&mut receiver, packet).unwrap();
        }
        for _ in 0..10 {
            let report = protected_report(&mut sender);
            opens(&mut receiver, report).unwrap();
        }
    }
    let too_great = master(Profile::AeadAes128Gcm).with_derivation_rate(25);
    assert_eq!(too_great, Err(SrtpError::DerivationRate));
}

#[test]
fn a_forged_packet_of_a_far_period_changes_no_keys() {
    let key = master(Profile::AesCm128HmacSha1_80).with_derivation_rate(0).unwrap();
    let (mut sender, mut receiver) = (Sender::<1>::new(&key), Receiver::<1>::new(&key));
    for sequence in 1..10 {
        let mut forged = protected(&mut Sender::new(&other_key(key.profile(), 9)), sequence + 100);
        assert_eq!(opens(&mut receiver, forged.clone()), Err(SrtpError::Authentication));
        forged.0.truncate(20);
        opens(&mut receiver, protected(&mut sender, sequence)).unwrap();
    }
}

#[test]
fn the_same_key_once_more_changes_nothing() {
    let key = master(Profile::AesCm128HmacSha1_80);
    let (mut sender, mut receiver) = (Sender::<1>::new(&key), Receiver::<1>::new(&key));
    let first = protected(&mut sender, 1);
    opens(&mut receiver, first.clone()).unwrap();
    sender.rekey(&key).unwrap();
    receiver.rekey(&key).unwrap();
    assert_eq!(opens(&mut receiver, first), Err(SrtpError::Replay));
    let mut buffer = [0; 300];
    let len = rtp(9, 1, &mut buffer);
    assert_eq!(sender.protect_rtp(&mut buffer, len), Err(SrtpError::Replay));
    assert_eq!(sender.usage().rtp, 1);
}

#[test]
fn the_index_of_srtcp_goes_on_with_another_key() {
    let profile = Profile::AesCm128HmacSha1_80;
    let key = master(profile);
    let (mut sender, mut receiver) = (Sender::<1>::new(&key), Receiver::<1>::new(&key));
    for _ in 0..3 {
        opens(&mut receiver, protected_report(&mut sender)).unwrap();
    }
    let other = other_key(profile, 7);
    sender.rekey(&other).unwrap();
    receiver.rekey(&other).unwrap();
    let report = protected_report(&mut sender);
    assert_eq!(report.0[report.0.len() - 14..][..4], [0x80, 0, 0, 3]);
    opens(&mut receiver, report).unwrap();
    // A peer that counts from 0 with its new key is heard as well.
    receiver.rekey(&key).unwrap();
    opens(&mut receiver, protected_report(&mut Sender::new(&key))).unwrap();
}

#[test]
fn a_peer_that_begins_its_counter_anew_is_followed_after_it_was_forgotten() {
    let profile = Profile::AeadAes128Gcm;
    let (key, other) = (master(profile), other_key(profile, 7));
    let (mut sender, mut receiver) = (Sender::<1>::new(&key), Receiver::<1>::new(&key));
    for sequence in [65_535, 0] {
        opens(&mut receiver, protected(&mut sender, sequence)).unwrap();
    }
    let mut restarted = Sender::<1>::new(&other);
    receiver.rekey(&other).unwrap();
    let packet = protected(&mut restarted, 1);
    assert_eq!(opens(&mut receiver, packet.clone()), Err(SrtpError::Authentication));
    receiver.remove(Ssrc(9));
    opens(&mut receiver, packet).unwrap();
}

#[test]
fn a_failing_engine_gives_nothing_away() {
    use crate::srtp::crypto::{Aead, CounterMode, Crypto, CryptoError, Software};

    /// An engine that stops working after so many calls.
    struct Chip(core::cell::Cell<u32>);
    struct Engine<'c, T>(&'c Chip, T);
    impl Chip {
        fn call(&self) -> Result<(), CryptoError> {
            let left = self.0.get().checked_sub(1).ok_or(CryptoError)?;
            self.0.set(left);
            Ok(())
        }
    }
    impl<T: CounterMode> CounterMode for Engine<'_, T> {
        fn apply(&mut self, counter: &[u8; 16], data: &mut [u8]) -> Result<(), CryptoError> {
            self.0.call()?;
            self.1.apply(counter, data)
        }
    }
    impl<T: Aead> Aead for Engine<'_, T> {
        fn seal(
            &mut self,
            nonce: &[u8; 12],
            associated: &[u8],
            data: &mut [u8],
        ) -> Result<[u8; 16], CryptoError> {
            self.0.call()?;
            self.1.seal(nonce, associated, data)
        }
        fn open(
            &mut self,
            nonce: &[u8; 12],
            associated: &[u8],
            data: &mut [u8],
            tag: &[u8; 16],
        ) -> Result<(), CryptoError> {
            self.0.call()?;
            self.1.open(nonce, associated, data, tag)
        }
    }
    impl<'c> Crypto for &'c Chip {
        type CounterMode = Engine<'c, <Software as Crypto>::CounterMode>;
        type Mac = <Software as Crypto>::Mac;
        type Aead = Engine<'c, <Software as Crypto>::Aead>;
        fn counter_mode(&self, key: &[u8]) -> Result<Self::CounterMode, CryptoError> {
            Ok(Engine(self, Software.counter_mode(key)?))
        }
        fn mac(&self, key: &[u8; 20]) -> Result<Self::Mac, CryptoError> {
            Software.mac(key)
        }
        fn aead(&self, key: &[u8]) -> Result<Self::Aead, CryptoError> {
            Ok(Engine(self, Software.aead(key)?))
        }
    }

    for profile in [Profile::AesCm128HmacSha1_80, Profile::AeadAes128Gcm] {
        let key = master(profile);
        // Six calls derive the keys, one is for the first packet.
        let chip = Chip(core::cell::Cell::new(7));
        let mut sender = Sender::<1, &Chip>::with_crypto(&chip, &key).unwrap();
        let mut buffer = [0; 300];
        let len = rtp(9, 1, &mut buffer);
        let total = sender.protect_rtp(&mut buffer, len).unwrap();
        assert_eq!(Receiver::<1>::new(&key).unprotect_rtp(&mut buffer[..total]), Ok(len));
        let len = rtp(9, 2, &mut buffer);
        let error = sender.protect_rtp(&mut buffer, len).unwrap_err();
        assert_eq!(error, SrtpError::Crypto(CryptoError));
        let chip = Chip(core::cell::Cell::new(5));
        assert!(Sender::<1, &Chip>::with_crypto(&chip, &key).is_err());
    }
}

#[cfg(feature = "ring")]
#[test]
fn the_faster_ciphers_make_the_same_packets() {
    use crate::srtp::crypto::Ring;
    for profile in Profile::ALL {
        let key = master(profile);
        let mut ours = (Sender::<1>::new(&key), Receiver::<1>::new(&key));
        let mut theirs = (
            Sender::<1, Ring>::with_crypto(Ring, &key).unwrap(),
            Receiver::<1, 1, Ring>::with_crypto(Ring, &key).unwrap(),
        );
        for sequence in 1..5 {
            let mut buffer = [0; 300];
            let len = rtp(9, sequence, &mut buffer);
            let mut other = buffer;
            let total = ours.0.protect_rtp(&mut buffer, len).unwrap();
            assert_eq!(theirs.0.protect_rtp(&mut other, len), Ok(total));
            assert_eq!(buffer, other, "{profile:?}");
            assert_eq!(theirs.1.unprotect_rtp(&mut buffer[..total]), Ok(len));
            assert_eq!(ours.1.unprotect_rtp(&mut other[..total]), Ok(len));
            assert_eq!(buffer[..len], other[..len]);
            other[20] ^= 1;
            assert!(theirs.1.unprotect_rtp(&mut other[..total]).is_err());
        }
    }
}
