//! Chance from a seed.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// A small generator (splitmix64): the same numbers for the same seed, everywhere.
#[derive(Debug)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }

    pub(super) fn one_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == 0
    }

    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())]
    }
}

/// The seeds to play: `fixed` and a few fresh ones. `TIDEGATE_SEED=N` plays one alone, `TIDEGATE_FRESH=N` that many fresh ones,
/// `TIDEGATE_SEQUENCES=N` only so many of the fixed ones.
pub(super) fn seeds(fixed: std::ops::Range<u64>) -> Vec<u64> {
    if let Some(seed) = number("TIDEGATE_SEED") {
        return vec![seed];
    }
    let fresh = || RandomState::new().build_hasher().finish();
    let fresh = (0..number("TIDEGATE_FRESH").unwrap_or(20)).map(|_| fresh());
    match number("TIDEGATE_SEQUENCES") {
        Some(sample) => fixed.take(usize::try_from(sample).unwrap()).collect(),
        None => fixed.chain(fresh).collect(),
    }
}

/// Whether only some of the fixed sequences are played: a quick look, without coverage and without shrinking.
pub(super) fn is_sample() -> bool {
    number("TIDEGATE_SEQUENCES").is_some()
}

#[allow(clippy::disallowed_methods, reason = "a test's own switch")]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("it is a number"))
}
