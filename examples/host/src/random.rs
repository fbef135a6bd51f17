//! Random numbers from the system, for seeds, cookies and keys.

use anyhow::{Result, anyhow};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tokio_rustls::rustls::crypto::ring;

/// What a machine is seeded with.
pub fn seed() -> Result<[u8; 32]> {
    let mut seed = [0; 32];
    ring::default_provider()
        .secure_random
        .fill(&mut seed)
        .map_err(|_| anyhow!("the system gives no random numbers"))?;
    Ok(seed)
}

/// A generator that nobody can foresee.
pub fn generator() -> Result<ChaCha20Rng> {
    Ok(ChaCha20Rng::from_seed(seed()?))
}
