//! Chance that can be had again: a failing test says its seed, and HANDSEL_TEST_SEED plays it once more.

use handsel::system::OsEntropy;
use handsel_core::port::Entropy;
use std::sync::{Mutex, PoisonError};

const VARIABLE: &str = "HANDSEL_TEST_SEED";
/// Steps of splitmix64.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The seed that the environment names, or one of its own for each test.
pub(crate) fn seed() -> u64 {
    let named = std::env::var(VARIABLE).ok();
    named.map_or_else(fresh, |text| text.parse().unwrap_or_else(|_| panic!("{VARIABLE} must be a whole number")))
}

/// A number that nobody chose.
pub(super) fn fresh() -> u64 {
    let mut bytes = [0; 8];
    OsEntropy.fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// How a seed is told to whoever wants the same again.
pub(crate) fn told(seed: u64) -> String {
    format!("the same chance again: {VARIABLE}={seed}")
}

/// The same bytes for the same seed.
#[derive(Debug)]
pub(crate) struct Chance(Mutex<u64>);

impl Chance {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
    /// One for itself, that gives something else.
    pub(crate) fn branch(seed: u64, number: u64) -> Self {
        Self::new(seed.rotate_left(32) ^ (number + 1).wrapping_mul(GOLDEN))
    }
    pub(crate) fn next(&self) -> u64 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state = state.wrapping_add(GOLDEN);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
    /// From 0 to below `bound`.
    pub(crate) fn below(&self, bound: u64) -> u64 {
        self.next() % bound
    }
}

impl Entropy for Chance {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }
}
