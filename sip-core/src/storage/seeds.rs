//! What a machine needs of randomness for its tables.

use core::hash::Hasher;

use siphasher::sip::SipHasher13;

/// Keys that follow from a machine's seed, each for one purpose.
#[derive(Debug, Clone)]
pub struct Seeds([u8; 32]);

impl Seeds {
    /// The keys that follow from `seed`.
    #[must_use]
    pub const fn new(seed: [u8; 32]) -> Self {
        Self(seed)
    }

    /// The key for the purpose with this number.
    #[must_use]
    pub fn key(&self, purpose: u8) -> (u64, u64) {
        let half = |salt: u8| {
            let mut hasher = SipHasher13::new_with_key(self.0.first_chunk().unwrap_or(&[0; 16]));
            hasher.write(&self.0);
            hasher.write(&[purpose, salt]);
            hasher.finish()
        };
        (half(0), half(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_purpose_has_its_own_key() {
        let seeds = Seeds::new([3; 32]);
        assert_ne!(seeds.key(0), seeds.key(1));
        assert_ne!(seeds.key(0), Seeds::new([4; 32]).key(0));
    }
}
