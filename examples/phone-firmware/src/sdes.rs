//! The keys of a protected call, as descriptions carry them (SDES, RFC 4568).
//!
//! A call has a key of ours for each suite that it offers, and the other side's for the one that
//! was agreed on. All of it is forgotten by the memory when the call is over.

use base64ct::{Base64, Encoding};
use rtp_core::srtp::{MasterKey, Profile};
use sip_core::sdp::{Crypto, CryptoChoice};
use zeroize::{Zeroize, Zeroizing};

/// What is offered and taken, the best first.
pub const SUITES: [Profile; 2] = [Profile::AesCm128HmacSha1_80, Profile::AesCm128HmacSha1_32];

/// Octets of a key and its salt, which are as long in both suites.
const KEY: usize = 30;
/// How a key stands in a description: base64 behind a word.
const INLINE: &[u8] = b"inline:";
const TEXT: usize = INLINE.len() + KEY / 3 * 4;

/// The keys of one call.
pub struct Keys {
    ours: Zeroizing<[[u8; KEY]; SUITES.len()]>,
    theirs: Zeroizing<[u8; KEY]>,
    /// How many suites an offer has: once the best is agreed on, that one alone, so that a change of
    /// the session with all its credentials stays within a datagram.
    offered: usize,
}

impl Keys {
    /// New keys of random numbers that nobody can guess: the agent's own, since a generator of the
    /// phone's would stand in the image beside it.
    pub fn new(mut random: impl FnMut() -> u64) -> Self {
        let mut ours = Zeroizing::new([[0; KEY]; SUITES.len()]);
        for octets in ours.as_flattened_mut().chunks_mut(8) {
            octets.iter_mut().zip(random().to_le_bytes()).for_each(|(to, from)| *to = from);
        }
        Self { ours, theirs: Zeroizing::new([0; KEY]), offered: SUITES.len() }
    }

    /// How many of our keys an offer has, the first ones.
    pub const fn offered(&self) -> usize {
        self.offered
    }

    /// Our keys as text, for as long as a description is written or read.
    pub fn texts(&self) -> Texts {
        let mut texts = Texts([[0; TEXT]; SUITES.len()]);
        for (text, key) in texts.0.iter_mut().zip(self.ours.iter()) {
            if let Some((word, digits)) = text.split_at_mut_checked(INLINE.len()) {
                word.copy_from_slice(INLINE);
                // It has the length that such a key comes to.
                let _ = Base64::encode(key, digits);
            }
        }
        texts
    }

    /// The keys that were agreed on, to send and to receive with; nothing where they are the ones
    /// of before, so that what is known of the streams goes on.
    ///
    /// # Errors
    /// The other side's key cannot be read.
    pub fn agree(
        &mut self,
        choice: &CryptoChoice,
        theirs: &Crypto<'_>,
    ) -> Result<Option<(MasterKey, MasterKey)>, BadKey> {
        let text = theirs.inline_keys().next().ok_or(BadKey)?;
        let mut octets = Zeroizing::new([0; KEY]);
        let read = Base64::decode(text, &mut *octets).map_err(|_| BadKey)?.len();
        let (suite, ours) =
            SUITES.get(choice.ours).zip(self.ours.get(choice.ours)).ok_or(BadKey)?;
        if read != KEY {
            return Err(BadKey);
        }
        if *octets == *self.theirs {
            return Ok(None);
        }
        let sender = MasterKey::from_octets(*suite, ours).map_err(|_| BadKey)?;
        let receiver = MasterKey::from_octets(*suite, &*octets).map_err(|_| BadKey)?;
        self.theirs = octets;
        self.offered = choice.ours + 1;
        Ok(Some((sender, receiver)))
    }
}

/// The other side's key is no base64, or has another length than its suite asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadKey;

/// Keys as text.
pub struct Texts([[u8; TEXT]; SUITES.len()]);

impl Texts {
    /// As a description has them.
    pub fn attributes(&self) -> [Crypto<'_>; SUITES.len()] {
        let [strong, short] = &self.0;
        [(1, SUITES[0], strong), (2, SUITES[1], short)].map(|(tag, suite, text)| Crypto {
            tag,
            suite: suite.name().as_bytes(),
            key_params: text,
            session_params: b"",
        })
    }
}

impl Drop for Texts {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use rtp_core::srtp::{Receiver, Sender};

    use super::*;

    /// Numbers that are no other start's.
    fn keys(start: u64) -> Keys {
        let mut state = start;
        Keys::new(|| {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            state
        })
    }

    #[test]
    fn two_sides_come_to_keys_that_fit() {
        let (mut alice, mut bob) = (keys(1), keys(2));
        let choice = CryptoChoice { ours: 1, media: 0, tag: 2 };
        let (of_alice, of_bob) = (alice.texts(), bob.texts());
        let (send, _) = alice.agree(&choice, &of_bob.attributes()[1]).unwrap().unwrap();
        let (_, receive) = bob.agree(&choice, &of_alice.attributes()[1]).unwrap().unwrap();
        let mut packet = [0; 32];
        packet[0] = 0x80;
        let len = Sender::<1>::new(&send).protect_rtp(&mut packet, 20).unwrap();
        assert_eq!(len, 24);
        assert_eq!(Receiver::<1>::new(&receive).unprotect_rtp(&mut packet[..len]), Ok(20));
        // The same once more is no news.
        assert!(alice.agree(&choice, &of_bob.attributes()[1]).unwrap().is_none());
    }

    #[test]
    fn calls_and_suites_have_keys_of_their_own() {
        let (first, second) = (keys(1), keys(2));
        let (one, other) = (first.texts(), second.texts());
        let [a, b] = one.attributes().map(|crypto| crypto.key_params);
        let [c, d] = other.attributes().map(|crypto| crypto.key_params);
        assert!(a != b && a != c && b != d && c != d);
        assert!(a.starts_with(b"inline:") && a.len() == 47);
    }

    #[test]
    fn bad_keys_are_refused() {
        let choice = CryptoChoice { ours: 0, media: 0, tag: 1 };
        for key_params in [&b"inline:!!!!"[..], b"inline:QUJD", b"elsewhere:QUJD", b""] {
            let theirs = Crypto { tag: 1, suite: b"", key_params, session_params: b"" };
            assert_eq!(keys(1).agree(&choice, &theirs).err(), Some(BadKey));
        }
    }
}
