//! Signatures with the keys of a session (MS-NLMP section 3.4), as a connectionless one has them: each
//! message begins the cipher anew, and the sequence number is always the same.

use rc4::{Rc4, StreamCipher as _};
use subtle::ConstantTimeEq as _;

use super::{Flags, Key};

/// How many octets a signature has (`NTLMSSP_MESSAGE_SIGNATURE`, MS-NLMP section 2.2.2.9).
pub const SIGNATURE_OCTETS: usize = 16;

/// The number that all signatures over SIP carry (MS-SIP section 3.1, as it is on the wire).
pub const SEQUENCE: u32 = 100;

/// The two sides of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Side {
    /// Who signs in.
    Client,
    /// Who is signed in to.
    Server,
}

impl Side {
    /// The side across.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// The keys of one session.
///
/// ```text
///          extended session security (MS-NLMP 3.4.4.2)    without it (3.4.4.1)
/// 0        01 00 00 00                                    01 00 00 00
/// 4        RC4(the first half of HMAC-MD5)                a pad, then RC4(CRC-32)
/// 12       the sequence number                            RC4(zeros) with the sequence number
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Session(Keys);

#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Keys {
    Extended {
        client: Pair,
        server: Pair,
        /// Whether the hash is enciphered: only where a session key was exchanged.
        enciphers: bool,
    },
    Basic(Key),
}

#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Pair {
    sign: Key,
    seal: Key,
}

impl Pair {
    fn new(exported: &Key, flags: Flags, sign: &[u8], seal: &[u8]) -> Self {
        let strength = match flags {
            flags if flags.has(Flags::KEY_128) => 16,
            flags if flags.has(Flags::KEY_56) => 7,
            _ => 5,
        };
        Self { sign: exported.md5(16, sign), seal: exported.md5(strength, seal) }
    }
}

impl Session {
    /// The keys that follow from the exported session key and what was agreed (MS-NLMP sections 3.4.5.2
    /// and 3.4.5.3).
    #[must_use]
    pub fn new(exported: &Key, flags: Flags) -> Self {
        if !flags.has(Flags::EXTENDED_SESSION_SECURITY) {
            return Self(Keys::Basic(exported.clone()));
        }
        Self(Keys::Extended {
            client: Pair::new(
                exported,
                flags,
                b"session key to client-to-server signing key magic constant\0",
                b"session key to client-to-server sealing key magic constant\0",
            ),
            server: Pair::new(
                exported,
                flags,
                b"session key to server-to-client signing key magic constant\0",
                b"session key to server-to-client sealing key magic constant\0",
            ),
            enciphers: flags.has(Flags::KEY_EXCHANGE),
        })
    }

    /// Whether it has extended session security.
    #[must_use]
    pub const fn is_extended(&self) -> bool {
        matches!(self.0, Keys::Extended { .. })
    }

    /// The signature of `side` over a text. `pad` stands in it without extended session security, and
    /// means nothing.
    #[must_use]
    pub fn sign(&self, side: Side, pad: [u8; 4], text: &[u8]) -> [u8; SIGNATURE_OCTETS] {
        match &self.0 {
            Keys::Extended { client, server, enciphers } => {
                let pair = if side == Side::Client { client } else { server };
                let mut cipher = pair.seal.md5(16, &SEQUENCE.to_le_bytes()).rc4();
                extended(&pair.sign, enciphers.then_some(&mut cipher), SEQUENCE, text)
            }
            Keys::Basic(key) => {
                let mut signature = basic(&mut key.rc4(), SEQUENCE, text);
                if let Some(place) = signature.get_mut(4..8) {
                    place.copy_from_slice(&pad);
                }
                signature
            }
        }
    }

    /// Whether this is the signature of `side` over a text; it takes as long whether it is or not.
    #[must_use]
    pub fn verify(&self, side: Side, signature: &[u8; SIGNATURE_OCTETS], text: &[u8]) -> bool {
        // The pad may be anything: whatever came is what is expected.
        let [_, _, _, _, pad @ .., _, _, _, _, _, _, _, _] = *signature;
        self.sign(side, pad, text).ct_eq(signature).into()
    }
}

/// `MAC` with extended session security (MS-NLMP section 3.4.4.2).
fn extended(sign: &Key, cipher: Option<&mut Rc4>, number: u32, text: &[u8]) -> [u8; 16] {
    let number = number.to_le_bytes();
    let hash = sign.hmac(|take| {
        take(&number);
        take(text);
    });
    let mut half = [0; 8];
    half.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
    if let Some(cipher) = cipher {
        // The key stream is far from its end.
        let _ = cipher.try_apply_keystream(&mut half);
    }
    assembled([1, 0, 0, 0], half, number)
}

/// `MAC` without it (MS-NLMP section 3.4.4.1).
fn basic(cipher: &mut Rc4, number: u32, text: &[u8]) -> [u8; 16] {
    let mut octets = [0; 12];
    octets.iter_mut().skip(4).zip(crc32(text).to_le_bytes()).for_each(|(to, from)| *to = from);
    octets.iter_mut().skip(8).zip(number.to_le_bytes()).for_each(|(to, from)| *to = from);
    let _ = cipher.try_apply_keystream(&mut octets);
    let [a, b, c, d, half @ ..] = octets;
    let [e, f, g, h, number @ ..] = half;
    assembled([1, 0, 0, 0], [a, b, c, d, e, f, g, h], number)
}

fn assembled(version: [u8; 4], middle: [u8; 8], last: [u8; 4]) -> [u8; 16] {
    let mut signature = [0; 16];
    let octets = version.into_iter().chain(middle).chain(last);
    signature.iter_mut().zip(octets).for_each(|(to, from)| *to = from);
    signature
}

/// The CRC-32 of ISO 3309, bit by bit: the texts are short, and a table is 1 KiB.
fn crc32(octets: &[u8]) -> u32 {
    !octets.iter().fold(u32::MAX, |crc, octet| {
        (0..8).fold(crc ^ u32::from(*octet), |crc, _| {
            let mask = (crc & 1).wrapping_neg();
            crc >> 1 ^ 0xedb8_8320 & mask
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ntlm::tests::hex;

    const PLAINTEXT: &[u8] = b"P\0l\0a\0i\0n\0t\0e\0x\0t\0";

    fn key(text: &str) -> Key {
        Key::new(hex(text).try_into().unwrap())
    }

    fn pairs(exported: &Key, flags: u32) -> (Pair, Pair) {
        match Session::new(exported, Flags(flags)).0 {
            Keys::Extended { client, server, .. } => (client, server),
            Keys::Basic(_) => panic!(),
        }
    }

    #[test]
    fn a_message_without_extended_security_is_signed_as_in_ms_nlmp() {
        // MS-NLMP section 4.2.2.4: the data were enciphered first.
        let mut cipher = key("55555555555555555555555555555555").rc4();
        let mut data = [0; 18];
        data.copy_from_slice(PLAINTEXT);
        cipher.try_apply_keystream(&mut data).unwrap();
        assert_eq!(data[..], hex("56fe04d861f9319af0d7238a2e3b4d457fb8"));
        assert_eq!(crc32(PLAINTEXT).to_le_bytes()[..], hex("7d84aa93"));
        let signature = basic(&mut cipher, 0, PLAINTEXT);
        assert_eq!(signature[..], hex("0100000045c844e509dcd1df2e459d36"));
    }

    #[test]
    fn a_weak_session_is_signed_as_in_ms_nlmp() {
        // MS-NLMP section 4.2.3.4: 56 bits, no key exchange.
        let exported = key("eb93429a8bd952f8b89c55b87f475edc");
        let (client, _) = pairs(&exported, 0x820a_8233);
        assert_eq!(client.seal, key("04dd7f014d8504d265a25cc86a3a7c06"));
        assert_eq!(client.sign, key("60e799be5c72fc92922ae8ebe961fb8d"));
        let signature = extended(&client.sign, None, 0, PLAINTEXT);
        assert_eq!(signature[..], hex("01000000ff2aeb52f681793a00000000"));
    }

    #[test]
    fn a_strong_session_is_signed_as_in_ms_nlmp() {
        // MS-NLMP section 4.2.4.4.
        let (client, _) = pairs(&Key::new([0x55; 16]), 0xe28a_8233);
        assert_eq!(client.seal, key("59f600973cc4960a25480a7c196e4c58"));
        assert_eq!(client.sign, key("4788dc861b4782f35d43fd98fe1a2d39"));
        let mut cipher = client.seal.rc4();
        let mut data = [0; 18];
        data.copy_from_slice(PLAINTEXT);
        cipher.try_apply_keystream(&mut data).unwrap();
        assert_eq!(data[..], hex("54e50165bf1936dc996020c1811b0f06fb5f"));
        let signature = extended(&client.sign, Some(&mut cipher), 0, PLAINTEXT);
        assert_eq!(signature[..], hex("010000007fb38ec5c55d497600000000"));
    }

    #[test]
    fn the_keys_of_a_real_session_are_those_that_both_ends_had() {
        let (client, server) = pairs(&key("38a84d091bfb5ea17fed4c470e132cf6"), 0x6298_8255);
        assert_eq!(client.sign, key("8901b98aed7bf8cd8cb3118effefd981"));
        assert_eq!(client.seal, key("18b42cfb00de36a3ba572f5439aef8f6"));
        assert_eq!(server.sign, key("1f3bb5295de211de6dc4db42210af903"));
        assert_eq!(server.seal, key("138066f4ac991ac731eeb72a96a24f41"));
    }

    #[test]
    fn the_pad_of_a_signature_is_not_looked_at_and_all_else_is() {
        let session = Session::new(&Key::new([7; 16]), Flags(0));
        let good = session.sign(Side::Client, [1, 2, 3, 4], b"text");
        assert!(session.verify(Side::Server, &good, b"text"), "one key for both sides");
        for at in 0..16 {
            let mut bad = good;
            bad[at] ^= 1;
            assert_eq!(session.verify(Side::Client, &bad, b"text"), (4..8).contains(&at), "{at}");
        }
        assert!(!session.verify(Side::Client, &good, b"tex"));
    }

    #[test]
    fn with_extended_security_the_sides_do_not_sign_for_each_other() {
        let session = Session::new(&Key::new([7; 16]), Flags(0x6298_8255));
        let good = session.sign(Side::Client, [0; 4], b"text");
        assert!(session.verify(Side::Client, &good, b"text"));
        assert!(!session.verify(Side::Server, &good, b"text"));
        for at in 0..16 {
            let mut bad = good;
            bad[at] ^= 1;
            assert!(!session.verify(Side::Client, &bad, b"text"), "{at}");
        }
    }
}
