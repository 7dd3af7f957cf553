//! Randomness from a seed, so that a failure can be had again.

/// A xorshift generator; good enough to shuffle and to choose.
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// Starts from this seed.
    pub fn new(seed: u64) -> Self {
        // Spread, so that neighbouring seeds give unlike rows; odd, since zero would stay zero.
        Self { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1 }
    }

    /// A number below `bound`.
    ///
    /// # Panics
    ///
    /// If there is none, which is when the bound is zero.
    pub fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let bound = u64::try_from(bound).expect("a bound fits in 64 bits");
        usize::try_from((self.state >> 11) % bound).expect("a number below a usize is one")
    }

    /// Puts the items in random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
