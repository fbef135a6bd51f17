//! Seeds that a failing test names, and the generator that they start.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// The random numbers of a simulation: the same seed gives the same ones.
#[derive(Clone, Debug)]
pub struct Random(ChaCha8Rng);

impl Random {
    /// Starts from a seed.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `end`; 0 where `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.number() % end }
    }

    /// True `per_mille` times in a thousand.
    pub fn chance(&mut self, per_mille: u32) -> bool {
        self.below(1000) < u64::from(per_mille)
    }

    /// Octets that anybody may have sent.
    pub fn octets(&mut self, len: usize) -> Vec<u8> {
        let mut octets = vec![0; len];
        self.0.fill_bytes(&mut octets);
        octets
    }

    /// The 32 octets that a machine is seeded with.
    pub fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.0.fill_bytes(&mut seed);
        seed
    }
}

/// Runs `test` with `count` seeds, or with the one in the environment's `HANDSET_SEED`; the seed of
/// a run that panics is printed with the line that repeats it.
pub fn seeds(count: u64, test: impl Fn(u64)) {
    struct Failed(u64);
    impl Drop for Failed {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("seed {0} failed; run it again with HANDSET_SEED={0}", self.0);
            }
        }
    }

    let chosen = std::env::var("HANDSET_SEED")
        .ok()
        .map(|text| text.parse::<u64>().expect("HANDSET_SEED is a number"));
    let (first, end) = chosen.map_or((0, count), |seed| (seed, seed + 1));
    println!("seeds {first}..{end}");
    for seed in first..end {
        let guard = Failed(seed);
        test(seed);
        drop(guard);
    }
}
