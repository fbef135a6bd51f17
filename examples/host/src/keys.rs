//! Keys for SRTP, as session descriptions carry them (RFC 4568).

use anyhow::{Context, Result, anyhow};
use rand_core::Rng;
use rtp_core::srtp::sdes::CryptoAttribute;
use rtp_core::srtp::{MasterKey, Profile};
use sip_core::sdp::{Crypto, CryptoChoice};

use crate::random;

/// Whether sound is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// It is not; who asks for it is refused.
    #[default]
    Off,
    /// It is where the other side can; else the call is in clear.
    Offer,
    /// It is, or there is no call.
    Require,
}

/// The suites that are offered where nothing else is said, the best first.
pub const SUITES: &[Profile] =
    &[Profile::AesCm128HmacSha1_80, Profile::AesCm128HmacSha1_32, Profile::AeadAes128Gcm];

/// Keys to send with, one for each suite.
pub struct Keys(Vec<(MasterKey, String)>);

impl Keys {
    /// New keys, which nobody can foresee.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn new(suites: &[Profile]) -> Result<Self> {
        let mut random = random::generator()?;
        let mut keys = Vec::new();
        for (tag, &suite) in (1..).zip(suites) {
            let mut octets = [0; 46];
            random.fill_bytes(&mut octets);
            let len = suite.key_len() + suite.salt_len();
            let key = MasterKey::from_octets(suite, octets.get(..len).unwrap_or_default())?;
            let attribute = CryptoAttribute::new(tag, std::slice::from_ref(&key));
            let mut text = vec![0; attribute.encoded_len()];
            attribute.write(&mut text)?;
            keys.push((key, String::from_utf8(text)?));
        }
        Ok(Self(keys))
    }

    /// As a description has them.
    pub fn attributes(&self) -> Vec<Crypto<'_>> {
        self.0.iter().filter_map(|(_, text)| Crypto::parse(text.as_bytes())).collect()
    }

    /// The keys that both sides have agreed on.
    ///
    /// # Errors
    /// The other side's key cannot be read.
    pub fn agree(&self, choice: &CryptoChoice, theirs: &Crypto<'_>) -> Result<Agreement> {
        let (ours, _) = self.0.get(choice.ours).context("no key of ours was taken")?;
        let mut value = format!("{} ", theirs.tag).into_bytes();
        value.extend([theirs.suite, b" ", theirs.key_params].concat());
        let attribute = CryptoAttribute::parse(&value)?;
        let theirs = attribute.keys().next().ok_or_else(|| anyhow!("the key is missing"))?;
        let theirs = theirs.context("the other side's key for SRTP cannot be read")?;
        Ok(Agreement { ours: ours.clone(), theirs })
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

/// What protects the sound of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// The key to send with.
    pub ours: MasterKey,
    /// The key to receive with.
    pub theirs: MasterKey,
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtp_core::srtp::{Receiver, Sender};

    #[test]
    fn each_suite_has_a_key_that_fits_at_the_other_side() {
        let suites = Profile::ALL;
        let (alice, bob) = (Keys::new(&suites).unwrap(), Keys::new(&suites).unwrap());
        let (of_alice, of_bob) = (alice.attributes(), bob.attributes());
        assert_eq!(of_alice.len(), suites.len());
        for at in 0..suites.len() {
            let choice = CryptoChoice { ours: at, media: 0, tag: at as u32 + 1 };
            let at_alice = alice.agree(&choice, &of_bob[at]).unwrap();
            let at_bob = bob.agree(&choice, &of_alice[at]).unwrap();
            assert_eq!(at_alice.ours, at_bob.theirs);
            let mut packet = [0; 64];
            packet[0] = 0x80;
            let len = Sender::<1>::new(&at_alice.ours).protect_rtp(&mut packet, 20).unwrap();
            let opened = Receiver::<1>::new(&at_bob.theirs).unprotect_rtp(&mut packet[..len]);
            assert_eq!(opened, Ok(20), "{:?}", suites[at]);
        }
    }

    #[test]
    fn a_key_that_is_none_is_refused() {
        let keys = Keys::new(SUITES).unwrap();
        let choice = CryptoChoice { ours: 0, media: 0, tag: 1 };
        let theirs = Crypto {
            tag: 1,
            suite: b"AES_CM_128_HMAC_SHA1_80",
            key_params: b"inline:QUJD",
            session_params: b"",
        };
        assert!(keys.agree(&choice, &theirs).is_err());
    }
}
