//! Numbers that are the same on each run.

/// A generator of the family xorshift64*.
pub struct Random(u64);

impl Random {
    /// One for a purpose; `EIGHTBELLS_SEED` gives others.
    pub fn new(purpose: u64) -> Self {
        let seed: u64 = std::env::var("EIGHTBELLS_SEED").map_or(1, |seed| seed.parse().unwrap());
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ purpose.wrapping_mul(0xd1b5_4a32_d192_ed03) | 1)
    }

    /// Less than `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.below(among.len())]
    }
}
