//! Keys of SRTP as descriptions carry them (RFC 4568), for the far end.

use std::io::Read;

use anyhow::{Context, Result};
use rtp_core::srtp::{MasterKey, Profile, Receiver, Sender};

/// The suite that the far end uses.
pub const SUITE: Profile = Profile::AesCm128HmacSha1_80;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A far end's own key.
pub struct Keys {
    octets: [u8; 30],
    key_params: Vec<u8>,
}

/// What protects, and what reads what was protected.
pub type Contexts = (Sender<1>, Receiver<4>);

impl Keys {
    /// A new key.
    pub fn new() -> Result<Self> {
        let mut octets = [0; 30];
        octets.copy_from_slice(random()?.get(..30).context("a key")?);
        let mut key_params = b"inline:".to_vec();
        for [a, b, c] in octets.as_chunks::<3>().0 {
            let word = u32::from_be_bytes([0, *a, *b, *c]);
            key_params.extend([18, 12, 6, 0].map(|shift| ALPHABET[(word >> shift & 63) as usize]));
        }
        Ok(Self { octets, key_params })
    }

    /// As it stands in a description.
    pub fn key_params(&self) -> &[u8] {
        &self.key_params
    }

    /// For a call whose other side has sent this key, in base64.
    pub fn contexts(&self, theirs: &[u8]) -> Result<Contexts> {
        let mut octets = Vec::new();
        for four in theirs.chunks(4) {
            let mut word = 0_u32;
            for digit in four {
                let value = ALPHABET.iter().position(|known| known == digit);
                word = word << 6 | value.context("their key is no base64")? as u32;
            }
            octets.extend_from_slice(word.to_be_bytes().get(1..).unwrap_or_default());
        }
        let (ours, theirs) =
            (MasterKey::from_octets(SUITE, &self.octets)?, MasterKey::from_octets(SUITE, &octets)?);
        Ok((Sender::new(&ours), Receiver::new(&theirs)))
    }
}

/// True randomness.
pub fn random() -> Result<[u8; 32]> {
    let mut octets = [0; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut octets)?;
    Ok(octets)
}
