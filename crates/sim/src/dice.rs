//! Chance that repeats itself: the same numbers for the same seed, everywhere.

/// A small generator (splitmix64).
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// The dice of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Dice of other numbers beside these, which go on as if there were none.
    #[must_use]
    pub fn aside(&self) -> Self {
        Self { state: !self.state }
    }

    /// A number below `sides`; 0 where there are no sides.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)).checked_rem(sides).unwrap_or(0)
    }

    /// Whether something happens that happens `times` in `of`.
    pub fn happens(&mut self, times: u64, of: u64) -> bool {
        self.roll(of) < times
    }

    /// One of several.
    ///
    /// # Panics
    /// When there is none.
    pub fn one_of<T: Clone>(&mut self, of: &[T]) -> T {
        let index = usize::try_from(self.roll(of.len() as u64)).expect("an index of a slice");
        of[index].clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_rolls_the_same_numbers() {
        let rolled = |seed| {
            let mut dice = Dice::new(seed);
            (0..8).map(|_| dice.roll(100)).collect::<Vec<_>>()
        };
        assert_eq!(rolled(7), rolled(7));
        assert_ne!(rolled(7), rolled(8));
        assert_eq!(Dice::new(7).roll(0), 0);
    }

    #[test]
    fn dice_aside_roll_their_own_numbers() {
        let (mut alone, mut dice) = (Dice::new(7), Dice::new(7));
        let mut aside = dice.aside();
        let numbers: Vec<u64> = (0..8).map(|_| aside.roll(100)).collect();
        let expected: Vec<u64> = (0..8).map(|_| alone.roll(100)).collect();
        assert_ne!(numbers, expected);
        assert_eq!((0..8).map(|_| dice.roll(100)).collect::<Vec<_>>(), expected);
    }
}
