//! SRTP and SRTCP (RFC 3711, RFC 6188, RFC 7714): RTP and RTCP encrypted and authenticated in
//! place.
//!
//! ```text
//! AES-CM    | RTP header | encrypted payload | MKI | tag |
//!           | RTCP, 8 octets | encrypted rest | E, index | MKI | tag |
//! GCM       | RTP header | encrypted payload | tag 16 | MKI |
//!           | RTCP, 8 octets | encrypted rest | tag 16 | E, index | MKI |
//! ```
//!
//! A [`Sender`] and a [`Receiver`] have a master key each: the two directions of a call never
//! share one. Keys come by SDP ([`sdes`]) or out of DTLS ([`MasterKey::from_dtls`]).
//!
//! Nothing of a receiver's state changes before a packet is found to be authentic. What a stream's
//! state is can be taken out and put in again, as after hold; a machine takes another key with
//! [`Sender::rekey`] and [`Receiver::rekey`] and goes on with its rollover counters.
//!
//! The ciphers are RustCrypto's, or those that the host brings, see [`crypto`]. SRTCP that is not
//! encrypted is refused.

mod context;
pub mod crypto;
mod error;
mod index;
mod key;
mod machine;
mod profile;
pub mod sdes;
mod transform;

pub use context::{StreamState, Usage};
pub use error::SrtpError;
pub use index::WindowState;
pub use key::{MasterKey, Mki};
pub use machine::{Receiver, Sender};
pub use profile::Profile;

/// The least that has to be free behind a packet that is to be protected: the longest tag, the
/// index of SRTCP, the longest identifier of a key.
pub const MAXIMUM_OVERHEAD: usize = 20 + Mki::CAPACITY;

/// The bit of SRTCP's index that says that the packet is encrypted.
const ENCRYPTED: u32 = 1 << 31;
/// The greatest index of SRTCP (RFC 3711 section 3.4).
const LAST_RTCP_INDEX: u64 = (1 << 31) - 1;

/// Shows what a type is without showing its keys.
macro_rules! keep_secret {
    ($name:literal, $type:ty $(, $($parameter:tt)+)?) => {
        impl$(<$($parameter)+>)? core::fmt::Debug for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str($name)
            }
        }

        #[cfg(feature = "defmt")]
        impl$(<$($parameter)+>)? defmt::Format for $type {
            fn format(&self, f: defmt::Formatter<'_>) {
                defmt::write!(f, $name);
            }
        }
    };
}

use crypto::Crypto;
keep_secret!("MasterKey", MasterKey);
keep_secret!("srtp::Sender", Sender<S, C>, const S: usize, C: Crypto);
keep_secret!("srtp::Receiver", Receiver<S, K, C>, const S: usize, const K: usize, C: Crypto);

#[cfg(all(test, feature = "srtp-aes256", feature = "srtp-gcm"))]
mod tests;
