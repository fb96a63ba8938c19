//! Random choices as a function of (seed, index): the numbers are Taper's own, so that they are the same everywhere.

use taper_tensor::{Key, Seed, Stream};

/// A sequence of choices.
pub(super) struct Dice {
    key: Key,
    position: u64,
}

impl Dice {
    /// The choices of network number `index`, whatever the others have drawn.
    pub(super) fn of(seed: u64, index: u64) -> Self {
        Dice {
            key: Seed(seed).key(Stream::User(12), index),
            position: 0,
        }
    }

    fn next(&mut self) -> u64 {
        self.position += 1;
        self.position
    }

    /// From `least` to `most`, both among them.
    pub(super) fn within(&mut self, least: usize, most: usize) -> usize {
        let count = (most - least + 1) as u64;
        let position = self.next();
        least + self.key.below(position, count) as usize
    }

    /// From `least` to `most`, where every doubling is as likely as every other.
    pub(super) fn doubling(&mut self, least: usize, most: usize) -> usize {
        let (low, high) = ((least as f64).ln(), (most as f64 + 1.0).ln());
        let position = self.next();
        let drawn = (low + (high - low) * self.key.uniform(position)).exp();
        (drawn as usize).clamp(least, most)
    }

    /// One of them, each as likely as it stands there often.
    pub(super) fn choose<T: Copy>(&mut self, among: &[T]) -> T {
        among[self.within(0, among.len() - 1)]
    }

    /// True so often out of a hundred times.
    pub(super) fn percent(&mut self, percent: usize) -> bool {
        self.within(1, 100) <= percent
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn choices_stay_within_their_bounds_and_repeat() {
        let draw = |seed, index| -> Vec<usize> {
            let mut dice = Dice::of(seed, index);
            (0..100)
                .map(|i| match i % 2 {
                    0 => dice.within(2, 4),
                    _ => dice.doubling(1, 512),
                })
                .collect()
        };
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
        assert_ne!(draw(1, 2), draw(2, 2));
        let drawn = draw(1, 2);
        for (i, &value) in drawn.iter().enumerate() {
            assert!((if i % 2 == 0 { 2..=4 } else { 1..=512 }).contains(&value));
        }
        assert!(drawn.contains(&2) && drawn.contains(&4));
        assert!(drawn.iter().any(|&value| value > 64));
    }
}
