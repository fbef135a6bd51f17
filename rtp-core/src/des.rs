//! RTP and RTCP encrypted with DES in CBC mode, as Windows Messenger does it (RFC 3550 section 9.1,
//! \[MS-RTPME\], \[MS-SDP\]).
//!
//! ```text
//! RTP     | header, payload                 | 0 to 7 octets |      all of it encrypted,
//! RTCP    | 4 random octets | packets       | 0 or 4 octets |      from an IV of zeros
//! ```
//!
//! Header and payload are encrypted, and nothing is authenticated. DES can be broken, and the key
//! travels in SDP: this is for talking to such peers, over signalling that is encrypted itself, and
//! protects nothing. What is new uses SRTP.
//!
//! Messenger pads to whole blocks without setting the P bit: a receiver of RTP cannot read how much
//! was added. [`Key::decrypt_rtp`] leaves up to 7 octets at the payload's end, for the payload
//! format to tell (a G.711 packet of 20 ms has 160 octets, and 164 with its padding).

use base64ct::{Base64Unpadded, Encoding};
use des::Des;
use des::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use md5::{Digest, Md5};
use zeroize::Zeroizing;

use crate::packet::Packet;
use crate::rtcp::{HEADER_LEN, Raw, packet_type};
use crate::{BufferTooSmall, Fault, ParseError};

/// The octets of a block.
const BLOCK: usize = 8;
/// The random octets before RTCP (RFC 3550 section 9.1).
const PREFIX: usize = 4;

/// The key of one direction of one medium; forgotten by the memory when it is dropped.
pub struct Key(Des);

impl Key {
    /// The longest phrase, in octets after base64 is undone.
    pub const PHRASE_CAPACITY: usize = 192;

    /// A key as the cipher takes it; parity bits are not looked at.
    pub fn new(octets: [u8; 8]) -> Self {
        Self(Des::new(&octets.into()))
    }

    /// The key that follows from SDP's `k=base64:`: what stands behind the colon.
    ///
    /// The octets are read as text in code page 1252, and written as UTF-8 with a zero behind them;
    /// the first eight octets of the MD5 of that are the key.
    ///
    /// # Errors
    /// It is no base64, or longer than [`Key::PHRASE_CAPACITY`].
    pub fn from_phrase(phrase: &str) -> Result<Self, ParseError> {
        let mut octets = Zeroizing::new([0; Self::PHRASE_CAPACITY]);
        // Padding is left out by some, and a space is put before by others.
        let phrase = phrase.trim_ascii().trim_end_matches('=');
        let octets = Base64Unpadded::decode(phrase, &mut *octets)
            .map_err(|_| ParseError::new(Fault::Value, 0))?;
        let mut hash = Md5::new();
        for octet in octets {
            hash.update(code_page_1252(*octet).encode_utf8(&mut [0; 4]).as_bytes());
        }
        hash.update([0]);
        let digest: Zeroizing<[u8; 16]> = Zeroizing::new(hash.finalize().into());
        let [key @ .., _, _, _, _, _, _, _, _] = *digest;
        Ok(Self::new(key))
    }

    /// Encrypts the RTP packet in the first `len` octets of the buffer, and says how long it is
    /// then: up to 7 octets more.
    ///
    /// # Errors
    /// The buffer is too small; nothing is changed then.
    pub fn encrypt_rtp(&self, buffer: &mut [u8], len: usize) -> Result<usize, BufferTooSmall> {
        let needed = len.next_multiple_of(BLOCK);
        let datagram = buffer.get_mut(..needed).ok_or(BufferTooSmall { needed })?;
        if let Some(padding) = datagram.get_mut(len..) {
            padding.fill(0);
        }
        self.encrypt(datagram);
        Ok(needed)
    }

    /// Encrypts the RTCP packets in the first `len` octets of the buffer, behind random octets that
    /// the host gives, and says how long the datagram is then: up to 11 octets more.
    ///
    /// # Errors
    /// The buffer is too small; nothing is changed then.
    pub fn encrypt_rtcp(
        &self,
        random: [u8; PREFIX],
        buffer: &mut [u8],
        len: usize,
    ) -> Result<usize, BufferTooSmall> {
        let end = len.saturating_add(PREFIX);
        let needed = end.next_multiple_of(BLOCK);
        let datagram = buffer.get_mut(..needed).ok_or(BufferTooSmall { needed })?;
        datagram.copy_within(..len, PREFIX);
        if let Some(prefix) = datagram.first_chunk_mut() {
            *prefix = random;
        }
        if let Some(padding) = datagram.get_mut(end..) {
            padding.fill(0);
        }
        self.encrypt(datagram);
        Ok(needed)
    }

    /// Decrypts a datagram of RTP in place. Up to 7 octets of padding may be left at the end of the
    /// payload.
    ///
    /// # Errors
    /// It is not whole blocks, or what comes out is no RTP: the key is another.
    pub fn decrypt_rtp<'d>(&self, datagram: &'d mut [u8]) -> Result<Packet<'d>, ParseError> {
        self.decrypt(datagram)?;
        Packet::parse(datagram)
    }

    /// Decrypts a datagram of RTCP in place, and gives its packets without what stands around them.
    ///
    /// # Errors
    /// It is not whole blocks, or what comes out is no RTCP: the key is another.
    pub fn decrypt_rtcp<'d>(&self, datagram: &'d mut [u8]) -> Result<&'d [u8], ParseError> {
        self.decrypt(datagram)?;
        let packets = datagram.get(PREFIX..).unwrap_or_default();
        let mut rest = packets;
        // Padding has no header of its own.
        while let [_, packet_type::SR..=packet_type::XR, ..] = rest
            && let Ok((_, after)) = Raw::parse_prefix(rest)
        {
            rest = after;
        }
        let len = packets.len().saturating_sub(rest.len());
        if len < HEADER_LEN || rest.len() >= BLOCK {
            return Err(ParseError::new(Fault::PacketType, PREFIX.saturating_add(len)));
        }
        Ok(packets.get(..len).unwrap_or_default())
    }

    fn encrypt(&self, datagram: &mut [u8]) {
        let mut before = [0; BLOCK];
        for block in datagram.as_chunks_mut::<BLOCK>().0 {
            block.iter_mut().zip(before).for_each(|(octet, before)| *octet ^= before);
            self.0.encrypt_block(block.into());
            before = *block;
        }
    }

    fn decrypt(&self, datagram: &mut [u8]) -> Result<(), ParseError> {
        let (blocks, rest) = datagram.as_chunks_mut::<BLOCK>();
        if !rest.is_empty() {
            return Err(ParseError::new(Fault::Length, blocks.len().saturating_mul(BLOCK)));
        }
        let mut before = [0; BLOCK];
        for block in blocks {
            let encrypted = *block;
            self.0.decrypt_block(block.into());
            block.iter_mut().zip(before).for_each(|(octet, before)| *octet ^= before);
            before = encrypted;
        }
        Ok(())
    }
}

impl core::fmt::Debug for Key {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("des::Key")
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Key {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "des::Key");
    }
}

/// An octet of code page 1252 as Windows reads it: what the page does not define stands for itself.
fn code_page_1252(octet: u8) -> char {
    /// 80 to 9F.
    const UPPER: [char; 32] = [
        '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}',
        '\u{2021}', '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}',
        '\u{8f}', '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}',
        '\u{2014}', '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}',
        '\u{178}',
    ];
    let at = octet.checked_sub(0x80).and_then(|at| UPPER.get(usize::from(at)));
    at.copied().unwrap_or(char::from(octet))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ssrc;
    use crate::rtcp::{Compound, ReceiverReport};

    /// What the first block of a datagram becomes.
    fn first_block(key: &Key, block: [u8; 8]) -> [u8; 8] {
        let mut buffer = block;
        key.encrypt_rtp(&mut buffer, 8).unwrap();
        buffer
    }

    #[test]
    fn blocks_are_those_of_fips_81_and_chained() {
        let key = Key::new([0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]);
        let one = first_block(&key, *b"Now is t");
        assert_eq!(one, [0x3f, 0xa4, 0x0e, 0x8a, 0x98, 0x4d, 0x48, 0x15]);
        let mut buffer = *b"Now is the time ";
        assert_eq!(key.encrypt_rtp(&mut buffer, 16), Ok(16));
        let second: [u8; 8] = core::array::from_fn(|n| b"he time "[n] ^ one[n]);
        assert_eq!(buffer[..8], one);
        assert_eq!(buffer[8..], first_block(&key, second));
    }

    #[test]
    fn keys_follow_from_phrases_as_messenger_has_it() {
        // [MS-SDP]'s example, and the keys of its SDP examples by the same rule.
        for (phrase, octets) in [
            (
                "vzSywNPIJig9m/MkxCoVv1mSNAlPdKgf3cASr9lXvhrXXbnCfW5R45/YntIT",
                0x01CE_0B5B_75DF_401F_u64,
            ),
            ("bhdsfsd78f7dssdfssfsd7sdfssa", 0x76b6_1fdc_54b6_bc3b),
            (" Y6UN8SAFnqNTI61uN+1II3dqRk0spxbtqfuv5EYSYSM", 0x912a_8385_aee3_7ace),
            ("h6KmqIeIFj3rz4iiMAsYQju5EEitwAiveVu7RuHhev8=", 0x0d76_6297_c86e_6d4c),
        ] {
            let (key, expected) =
                (Key::from_phrase(phrase).unwrap(), Key::new(octets.to_be_bytes()));
            assert_eq!(first_block(&key, [7; 8]), first_block(&expected, [7; 8]), "{phrase}");
        }
        assert!(Key::from_phrase("no base64!").is_err());
        assert!(Key::from_phrase(&"A".repeat(400)).is_err());
        assert_eq!(alloc::format!("{:?}", Key::new([1; 8])), "des::Key");
    }

    #[test]
    fn rtp_comes_back_with_its_padding_unmarked() {
        let key = Key::new(*b"01234567");
        for payload in [0usize, 1, 4, 156, 160] {
            let octets = alloc::vec![0xd5; payload];
            let packet = Packet { ssrc: Ssrc(5), payload: &octets, ..Packet::default() };
            let mut buffer = [0xff; 200];
            let len = packet.write(&mut buffer).unwrap();
            let total = key.encrypt_rtp(&mut buffer, len).unwrap();
            assert_eq!(total, len.next_multiple_of(8));
            assert_ne!(buffer[..2], [0x80, 0], "the header is encrypted too");
            let read = key.decrypt_rtp(&mut buffer[..total]).unwrap();
            assert_eq!((read.ssrc, read.padding), (Ssrc(5), 0));
            assert_eq!(read.payload[..payload], octets);
            assert!(read.payload[payload..].iter().all(|octet| *octet == 0));
            assert_eq!(read.payload.len(), total - 12);
        }
        let error = key.encrypt_rtp(&mut [0x80; 15], 13).unwrap_err();
        assert_eq!(error, BufferTooSmall { needed: 16 });
    }

    #[test]
    fn rtcp_comes_back_without_what_stands_around_it() {
        let key = Key::new(*b"01234567");
        for blocks in 0..3 {
            let blocks = alloc::vec![Default::default(); blocks];
            let report =
                ReceiverReport { ssrc: Ssrc(5), blocks: (&blocks[..]).into(), profile: &[] };
            for packets in 1..3 {
                let mut buffer = [0xff; 200];
                let mut len = 0;
                for _ in 0..packets {
                    len += report.write(&mut buffer[len..]).unwrap();
                }
                let total = key.encrypt_rtcp([1, 2, 3, 4], &mut buffer, len).unwrap();
                assert_eq!(total, (len + 4).next_multiple_of(8));
                let read = key.decrypt_rtcp(&mut buffer[..total]).unwrap();
                assert_eq!(read.len(), len);
                assert_eq!(Compound::parse(read).unwrap().packets().count(), packets);
            }
        }
    }

    #[test]
    fn the_random_octets_hide_equal_packets() {
        let key = Key::new(*b"01234567");
        let sent = |random| {
            let mut buffer = [0; 16];
            buffer[..8].copy_from_slice(&[0x80, 201, 0, 1, 0, 0, 0, 5]);
            key.encrypt_rtcp(random, &mut buffer, 8).unwrap();
            buffer
        };
        assert_eq!(sent([1; 4]), sent([1; 4]));
        let (one, other) = (sent([1; 4]), sent([2; 4]));
        assert!(one[..8] != other[..8] && one[8..] != other[8..]);
    }

    #[test]
    fn what_has_another_key_or_no_whole_blocks_is_refused() {
        let key = Key::new(*b"01234567");
        let mut buffer = [0; 24];
        buffer[..20]
            .copy_from_slice(&[0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8]);
        let total = key.encrypt_rtp(&mut buffer, 20).unwrap();
        let wrong = Key::new(*b"76543210").decrypt_rtp(&mut { buffer }[..total]).map(drop);
        assert_eq!(wrong, Err(ParseError { what: Fault::Version, at: 0 }));
        let cut = key.decrypt_rtp(&mut buffer[..20]).map(drop);
        assert_eq!(cut, Err(ParseError { what: Fault::Length, at: 16 }));
        assert!(key.decrypt_rtcp(&mut []).is_err());
        assert!(Key::new(*b"76543210").decrypt_rtcp(&mut buffer[..16]).is_err());
    }
}
