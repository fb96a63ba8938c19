//! Random shapes and values for gradient checks: small, and away from where a derivative jumps.

use taper_tensor::ops::{Dropout, Epilogue, Fusible};
use taper_tensor::{Key, Seed, Stream, Tensor};

/// Draws shapes and values. What it draws is a pure function of (seed, case) and of what was drawn before.
#[derive(Clone, Debug)]
pub struct Sampler {
    key: Key,
    position: u64,
}

impl Sampler {
    /// How far apart [`Sampler::distinct`] values are on average; they keep half of it from each other, and a
    /// quarter from its multiples.
    pub const SPACING: f64 = 0.05;

    /// The sampler of a case.
    pub fn new(seed: u64, case: u64) -> Self {
        Sampler {
            key: Seed(seed).key(Stream::User(0), case),
            position: 0,
        }
    }

    /// A key for a random operation such as dropout, different at every call.
    pub fn key(&mut self) -> Key {
        let seed = Seed(self.integer(0, usize::MAX - 1) as u64);
        seed.key(Stream::User(1), 0)
    }

    /// Relu or nothing, with and without dropout, or another activation function alone.
    pub fn epilogue(&mut self) -> Epilogue {
        if self.integer(0, 2) == 0 {
            return Epilogue {
                activation: Some(self.one_of(Fusible::ALL)),
                dropout: None,
            };
        }
        let dropout = self.coin().then(|| Dropout {
            rate: self.number(0.0, 0.8),
            key: self.key(),
        });
        Epilogue {
            dropout,
            ..Epilogue::relu(self.coin())
        }
    }

    /// A whole number from `low` to `high`, both included.
    pub fn integer(&mut self, low: usize, high: usize) -> usize {
        let position = self.next();
        low + self.key.below(position, (high - low) as u64 + 1) as usize
    }

    /// A number in [low, high).
    pub fn number(&mut self, low: f64, high: f64) -> f64 {
        let position = self.next();
        low + (high - low) * self.key.uniform(position)
    }

    /// True or false.
    pub fn coin(&mut self) -> bool {
        self.integer(0, 1) == 1
    }

    /// One of `choices`, which must not be empty.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.integer(0, choices.len() - 1)]
    }

    /// A shape of rank `low` to `high` with dimensions of 1 to `largest`.
    pub fn shape(&mut self, low: usize, high: usize, largest: usize) -> Vec<usize> {
        let rank = self.integer(low, high);
        (0..rank).map(|_| self.integer(1, largest)).collect()
    }

    /// A shape that broadcasts to `shape`: some dimensions 1, some leading ones left out.
    pub fn broadcastable(&mut self, shape: &[usize]) -> Vec<usize> {
        let skipped = self.integer(0, shape.len());
        shape[skipped..]
            .iter()
            .map(|&dimension| {
                if self.integer(0, 2) == 0 {
                    1
                } else {
                    dimension
                }
            })
            .collect()
    }

    /// Some of the axes 0..rank, in order, without repetition; perhaps none, perhaps all.
    pub fn axes(&mut self, rank: usize) -> Vec<usize> {
        (0..rank).filter(|_| self.coin()).collect()
    }

    /// `count` of the numbers 0..total in random order, or all of them if there are fewer.
    pub fn some_of(&mut self, total: usize, count: usize) -> Vec<usize> {
        let mut numbers: Vec<usize> = (0..total).collect();
        let count = count.min(total);
        for i in 0..count {
            let other = self.integer(i, total - 1);
            numbers.swap(i, other);
        }
        numbers.truncate(count);
        numbers
    }

    /// Values in [low, high).
    pub fn uniform(&mut self, shape: &[usize], low: f64, high: f64) -> Tensor<f64> {
        Tensor::from_fn(shape, |_| self.number(low, high))
    }

    /// Values in [−2, 2).
    pub fn tensor(&mut self, shape: &[usize]) -> Tensor<f64> {
        self.uniform(shape, -2.0, 2.0)
    }

    /// Values in [0.3, 2.3): for logarithms, roots and denominators.
    pub fn positive(&mut self, shape: &[usize]) -> Tensor<f64> {
        self.uniform(shape, 0.3, 2.3)
    }

    /// Values of both signs with 0.3 ≤ |x| < 2.3.
    pub fn away_from_zero(&mut self, shape: &[usize]) -> Tensor<f64> {
        Tensor::from_fn(shape, |_| {
            let size = self.number(0.3, 2.3);
            if self.coin() { size } else { -size }
        })
    }

    /// Values around zero, all different: at least half of [`Sampler::SPACING`] from each other, and a quarter from
    /// zero. For maxima, relu, |x|.
    pub fn distinct(&mut self, shape: &[usize]) -> Tensor<f64> {
        let count: usize = shape.iter().product();
        let ranks = self.some_of(count, count);
        let middle = (count / 2) as f64;
        Tensor::from_fn(shape, |i| {
            let wobble = self.number(-0.25, 0.25);
            (ranks[i] as f64 - middle + 0.5 + wobble) * Self::SPACING
        })
    }

    /// Two tensors whose values, taken together, are [`Sampler::distinct`].
    pub fn distinct_pair(&mut self, a: &[usize], b: &[usize]) -> (Tensor<f64>, Tensor<f64>) {
        let count_a: usize = a.iter().product();
        let count_b: usize = b.iter().product();
        let values = self.distinct(&[count_a + count_b]).to_vec();
        (
            Tensor::from_fn(a, |i| values[i]),
            Tensor::from_fn(b, |i| values[count_a + i]),
        )
    }

    /// The first drawn candidate that is `good`. Gives up after a thousand and returns the last one.
    pub fn until<T>(
        &mut self,
        mut draw: impl FnMut(&mut Self) -> T,
        good: impl Fn(&T) -> bool,
    ) -> T {
        for _ in 1..1000 {
            let candidate = draw(self);
            if good(&candidate) {
                return candidate;
            }
        }
        draw(self)
    }

    fn next(&mut self) -> u64 {
        self.position += 1;
        self.position
    }
}

/// Whether all values keep `gap` from each other and from zero: then a small step takes no maximum over another,
/// and no value through relu's kink.
pub(crate) fn well_separated(values: &Tensor<f64>, gap: f64) -> bool {
    let mut sorted = values.to_vec();
    sorted.push(0.0);
    sorted.sort_by(f64::total_cmp);
    sorted.windows(2).all(|pair| pair[1] - pair[0] >= gap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_values_are_separated() {
        for case in 0..50 {
            let mut sampler = Sampler::new(3, case);
            let shape = sampler.shape(0, 3, 5);
            let values = sampler.distinct(&shape);
            assert!(
                well_separated(&values, Sampler::SPACING / 4.0 - 1e-9),
                "{values:?}"
            );
        }
    }

    #[test]
    fn some_of_repeats_nothing() {
        let mut sampler = Sampler::new(1, 0);
        let mut numbers = sampler.some_of(10, 20);
        assert_eq!(sampler.some_of(10, 4).len(), 4);
        numbers.sort_unstable();
        assert_eq!(numbers, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn a_case_can_be_drawn_again() {
        let draw = |case| Sampler::new(5, case).tensor(&[3, 3]).to_vec();
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
