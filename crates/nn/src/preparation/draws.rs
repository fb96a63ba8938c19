//! The random numbers of one sample: functions of the seed, the layer's place, the step and the sample's place in the batch.

use taper_tensor::Key;

/// Numbers that one sample may have, so that none is another sample's.
const EACH: usize = 16;

/// The random numbers of one sample.
pub(crate) struct Draws {
    pub(crate) key: Key,
    /// For values of pixels.
    pub(crate) noise: Key,
    pub(crate) sample: usize,
}

impl Draws {
    /// Number `which` (below 16), uniform in [low, high).
    pub(crate) fn uniform(&self, which: usize, [low, high]: [f64; 2]) -> f64 {
        debug_assert!(which < EACH);
        let unit = self.key.uniform((self.sample * EACH + which) as u64);
        low + (high - low) * unit
    }

    /// As [`uniform`](Self::uniform), of the batch as a whole.
    pub(crate) fn of_batch(&self, which: usize, range: [f64; 2]) -> f64 {
        Draws { sample: 0, ..*self }.uniform(which, range)
    }

    /// A whole number below `bound`, which is not 0.
    pub(crate) fn below(&self, which: usize, bound: usize) -> usize {
        let number = self.uniform(which, [0.0, bound as f64]) as usize;
        number.min(bound - 1)
    }

    /// 1, or 0, with the probability that is itself drawn from a range, as Keras does.
    pub(crate) fn happens(&self, which: usize, probability: [f64; 2]) -> f64 {
        let probability = self.uniform(which, probability);
        f64::from(self.uniform(which + 1, [0.0, 1.0]) < probability)
    }

    /// Standard normal, one a value of a sample that has so many.
    pub(crate) fn normal(&self, count: usize) -> impl Iterator<Item = f64> {
        let first = self.sample * count;
        (first..first + count).map(|at| self.noise.normal(at as u64))
    }
}
