//! Nonces that the server can tell as its own without keeping them, and nonce counts.

use core::time::Duration;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize;

/// A nonce as it stands in a challenge: 64 hexadecimal digits.
///
/// ```text
/// time in milliseconds  salt      the first half of a keyed hash over both
/// 8 octets              8 octets  16 octets
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Nonce([u8; 64]);

impl Nonce {
    /// The digits.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl core::fmt::Debug for Nonce {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(&self.0.escape_ascii(), f)
    }
}

/// What a server finds of a nonce that comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Freshness {
    /// It is the server's own and not too old.
    Fresh {
        /// The salt that it was made with.
        salt: u64,
        /// How long ago it was made.
        age: Duration,
    },
    /// It is the server's own, but too old: a new challenge says `stale`.
    Stale,
    /// The server never made it.
    Foreign,
}

/// Makes nonces, and knows them again (RFC 7616 section 3.3, RFC 3261 section 22.4).
///
/// Nothing is kept for a nonce: it says itself when it was made, under a hash with the server's
/// key. The key is wiped when this is dropped.
pub struct Nonces {
    key: [u8; 32],
    lifetime: Duration,
}

impl Nonces {
    /// How long a nonce is by default: five minutes.
    pub const LIFETIME: Duration = Duration::from_secs(300);

    /// A maker with a random key; a nonce holds for `lifetime`.
    pub const fn new(key: [u8; 32], lifetime: Duration) -> Self {
        Self { key, lifetime }
    }

    /// A nonce made now. `salt` tells apart those of one millisecond: a counter or a random number.
    pub fn make(&self, now: Duration, salt: u64) -> Nonce {
        let time = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let mac = self.mac(time, salt);
        let mut digits = [0; 64];
        let octets = time
            .to_be_bytes()
            .into_iter()
            .chain(salt.to_be_bytes())
            .chain(mac.into_iter().take(16));
        for ([high, low], octet) in digits.as_chunks_mut().0.iter_mut().zip(octets) {
            *high = digit(octet >> 4);
            *low = digit(octet & 15);
        }
        Nonce(digits)
    }

    /// What to think of a nonce that a client sends.
    pub fn check(&self, now: Duration, nonce: &[u8]) -> Freshness {
        let Ok(digits) = <&[u8; 64]>::try_from(nonce) else { return Freshness::Foreign };
        if !digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
            return Freshness::Foreign;
        }
        let mut octets = [0; 32];
        for (octet, [high, low]) in octets.iter_mut().zip(digits.as_chunks().0) {
            *octet = crate::uri::hex(*high) << 4 | crate::uri::hex(*low);
        }
        let (time, rest) = octets.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
        let (salt, mac) = rest.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
        let (time, salt) = (u64::from_be_bytes(*time), u64::from_be_bytes(*salt));
        let expected = self.mac(time, salt);
        if !bool::from(expected.get(..16).unwrap_or_default().ct_eq(mac)) {
            return Freshness::Foreign;
        }
        match now.checked_sub(Duration::from_millis(time)) {
            Some(age) if age <= self.lifetime => Freshness::Fresh { salt, age },
            _ => Freshness::Stale,
        }
    }

    /// HMAC-SHA-256 (RFC 2104) with a key of half a block.
    fn mac(&self, time: u64, salt: u64) -> [u8; 32] {
        let pad = |with: u8| {
            let mut block = [with; 64];
            for (octet, key) in block.iter_mut().zip(self.key) {
                *octet ^= key;
            }
            block
        };
        let mut block = pad(0x36);
        let inner = Sha256::new_with_prefix(block)
            .chain_update(time.to_be_bytes())
            .chain_update(salt.to_be_bytes())
            .finalize();
        block = pad(0x5c);
        let outer = Sha256::new_with_prefix(block).chain_update(inner).finalize();
        block.zeroize();
        outer.into()
    }
}

impl Drop for Nonces {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl core::fmt::Debug for Nonces {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Nonces").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Nonces {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Nonces(..)");
    }
}

const fn digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' + value - 10 }
}

/// Which nonce counts were used with a nonce (RFC 7616 section 3.4, `nc`).
///
/// Requests may overtake each other, so the last 64 counts are told apart; older ones are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ReplayWindow {
    highest: u32,
    /// Bit `i` is set when `highest - i` was used.
    used: u64,
}

impl ReplayWindow {
    /// A window in which no count was used.
    pub const fn new() -> Self {
        Self { highest: 0, used: 0 }
    }

    /// Whether this count is new; it is used from now on. Zero is never new.
    pub fn accept(&mut self, count: u32) -> bool {
        if count == 0 {
            return false;
        }
        if count > self.highest {
            let step = count - self.highest;
            self.used = self.used.checked_shl(step).unwrap_or(0) | 1;
            self.highest = count;
            return true;
        }
        let age = self.highest - count;
        if age >= 64 || self.used >> age & 1 == 1 {
            return false;
        }
        self.used |= 1 << age;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    #[test]
    fn a_nonce_is_known_again_until_it_is_too_old() {
        let nonces = Nonces::new(KEY, Duration::from_secs(10));
        let now = Duration::from_millis(123_456_789);
        let nonce = nonces.make(now, 42);
        let fresh = |age| Freshness::Fresh { salt: 42, age };
        assert_eq!(nonces.check(now, nonce.as_bytes()), fresh(Duration::ZERO));
        let late = now + Duration::from_secs(10);
        assert_eq!(nonces.check(late, nonce.as_bytes()), fresh(Duration::from_secs(10)));
        let later = late + Duration::from_millis(1);
        assert_eq!(nonces.check(later, nonce.as_bytes()), Freshness::Stale);
        assert_ne!(nonce, nonces.make(now, 43));
    }

    #[test]
    fn a_nonce_of_others_is_foreign() {
        let nonces = Nonces::new(KEY, Duration::from_secs(10));
        let now = Duration::from_secs(5);
        let nonce = nonces.make(now, 1);
        for at in 0..64 {
            let mut changed = *nonce.as_bytes().first_chunk::<64>().unwrap();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(nonces.check(now, &changed), Freshness::Foreign, "{at}");
        }
        let others = Nonces::new([8; 32], Duration::from_secs(10)).make(now, 1);
        assert_eq!(nonces.check(now, others.as_bytes()), Freshness::Foreign);
        assert_eq!(nonces.check(now, b""), Freshness::Foreign);
        assert_eq!(nonces.check(now, &[b'g'; 64]), Freshness::Foreign);
    }

    #[test]
    fn the_hash_is_hmac_sha_256() {
        use hmac::{Hmac, KeyInit as _, Mac as _};
        let mut reference = Hmac::<Sha256>::new_from_slice(&KEY).unwrap();
        reference.update(&5_u64.to_be_bytes());
        reference.update(&6_u64.to_be_bytes());
        let expected: [u8; 32] = reference.finalize().into_bytes().into();
        assert_eq!(Nonces::new(KEY, Duration::ZERO).mac(5, 6), expected);
    }

    #[test]
    fn a_count_is_new_once() {
        let mut window = ReplayWindow::new();
        assert!(!window.accept(0));
        for count in [1, 3, 2, 70, 10, 7] {
            assert!(window.accept(count), "{count}");
            assert!(!window.accept(count), "{count}");
        }
        assert!(!window.accept(6), "too old to tell");
        assert!(window.accept(u32::MAX));
        assert!(!window.accept(70));
        assert!(window.accept(u32::MAX - 63));
    }
}
