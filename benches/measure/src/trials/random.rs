//! Random moments that a seed repeats: SplitMix64 (Steele, Lea and Flood 2014).

/// A stream of numbers.
pub(super) struct Random(u64);

impl Random {
    /// The stream of a round, whatever the rounds before it have drawn.
    pub(super) fn of(seed: u64, round: usize) -> Self {
        let mut random = Random(seed);
        let start = random.next();
        Random(start ^ (round as u64).wrapping_mul(0xd134_2543_de82_ef95))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// At least 0 and below 1.
    pub(super) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// One of them.
    pub(super) fn choose<T: Copy>(&mut self, among: &[T]) -> T {
        among[(self.share() * among.len() as f64) as usize]
    }
}
