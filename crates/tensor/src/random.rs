//! Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw: *Parallel random numbers: as easy as
//! 1, 2, 3*, 2011), checked against the known answers of its authors' library Random123.
//!
//! There is no generator with a state: a number is a pure function of (seed, stream, step, position). Whoever knows
//! these can ask for any of them, in any order, on any thread.

use crate::steady;

/// The one seed of a run.
///
/// ```
/// use taper_tensor::{Seed, Stream, Tensor};
///
/// let key = Seed(7).key(Stream::Init(0), 0);
/// let weights = Tensor::<f32>::uniform([3, 2], -0.05, 0.05, key);
/// assert_eq!(weights, Tensor::uniform([3, 2], -0.05, 0.05, key)); // same key, same numbers
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seed(pub u64);

/// What the numbers are for. Streams never overlap, nor do the indices within one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stream {
    /// Initial values of the parameter with this index.
    Init(u32),
    /// The order of samples; the step is the epoch.
    Shuffle,
    /// Masks of the dropout layer with this index; the step is the training step.
    Dropout(u32),
    /// Augmentation with this index.
    Augment(u32),
    /// Whatever else a program needs.
    User(u32),
}

impl Seed {
    /// The key of the numbers for (`stream`, `step`).
    ///
    /// The key words are the two halves of the seed (low half first). Counter word 2 holds the kind of stream in its
    /// upper 8 bits and the stream's index in the lower 24; counter word 3 holds the step. So different arguments give
    /// different keys for every index below 2²⁴ and every step below 2³². What lies beyond is folded in: the key words
    /// are then replaced by an encryption of the bits that have no place, where an overlap is as improbable as two
    /// equal random 64-bit seeds.
    pub fn key(self, stream: Stream, step: u64) -> Key {
        let (kind, index) = match stream {
            Stream::Init(index) => (1, index),
            Stream::Shuffle => (2, 0),
            Stream::Dropout(index) => (3, index),
            Stream::Augment(index) => (4, index),
            Stream::User(index) => (5, index),
        };
        let (step_high, step_low) = halves(step);
        let (seed_high, seed_low) = halves(self.0);
        let mut key = [seed_low, seed_high];
        if step_high != 0 || index >> 24 != 0 {
            // Kind 0 belongs to no stream: this block is used for nothing else.
            let [a, b, ..] = philox4x32(key, [step_high, index >> 24, 0, 0]);
            key = [a, b];
        }
        Key {
            key,
            high: [kind << 24 | index & 0x00ff_ffff, step_low],
        }
    }
}

/// Which numbers: the key of Philox (two words) and the upper half of its counter (two words); the lower half of the
/// counter is the position. Made by [`Seed::key`].
///
/// The methods draw from the same blocks: use a key for one kind of number only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// The key words of Philox.
    pub key: [u32; 2],
    /// Counter words 2 and 3.
    pub high: [u32; 2],
}

/// The multipliers of Philox4x32.
pub(crate) const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
/// What the key words grow by from round to round.
pub(crate) const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// One block of Philox4x32-10: a bijection of the counter for every key.
pub fn philox4x32(key: [u32; 2], counter: [u32; 4]) -> [u32; 4] {
    let [mut k0, mut k1] = key;
    let [mut c0, mut c1, mut c2, mut c3] = counter;
    for _ in 0..10 {
        let (high_0, low_0) = halves(u64::from(c0) * u64::from(MULTIPLIERS[0]));
        let (high_1, low_1) = halves(u64::from(c2) * u64::from(MULTIPLIERS[1]));
        [c0, c1, c2, c3] = [high_1 ^ c1 ^ k0, low_1, high_0 ^ c3 ^ k1, low_0];
        k0 = k0.wrapping_add(WEYL[0]);
        k1 = k1.wrapping_add(WEYL[1]);
    }
    [c0, c1, c2, c3]
}

/// Blocks `first..first + LANES` of Philox4x32-10 side by side, word by word: what a vector of counters computes at once.
#[inline(always)]
pub(crate) fn philox_lanes<const LANES: usize>(key: Key, first: u64) -> [[u32; LANES]; 4] {
    let counter = |i: usize| first + i as u64;
    let mut c: [[u32; LANES]; 4] = [
        std::array::from_fn(|i| counter(i) as u32),
        std::array::from_fn(|i| (counter(i) >> 32) as u32),
        [key.high[0]; LANES],
        [key.high[1]; LANES],
    ];
    let [mut k0, mut k1] = key.key;
    for _ in 0..10 {
        let mut next = [[0; LANES]; 4];
        for i in 0..LANES {
            let product_0 = u64::from(c[0][i]) * u64::from(MULTIPLIERS[0]);
            let product_1 = u64::from(c[2][i]) * u64::from(MULTIPLIERS[1]);
            next[0][i] = (product_1 >> 32) as u32 ^ c[1][i] ^ k0;
            next[1][i] = product_1 as u32;
            next[2][i] = (product_0 >> 32) as u32 ^ c[3][i] ^ k1;
            next[3][i] = product_0 as u32;
        }
        c = next;
        k0 = k0.wrapping_add(WEYL[0]);
        k1 = k1.wrapping_add(WEYL[1]);
    }
    c
}

impl Key {
    /// Block number `position`: four 32-bit words.
    pub fn block(self, position: u64) -> [u32; 4] {
        let (high, low) = halves(position);
        philox4x32(self.key, [low, high, self.high[0], self.high[1]])
    }

    /// Uniform in [0, 1) with 53 bits. Positions 2n and 2n + 1 share block n.
    pub fn uniform(self, position: u64) -> f64 {
        unit(words(self.block(position / 2))[(position % 2) as usize])
    }

    /// Uniform integer below `bound`, without bias (Lemire's multiplication with rejection).
    ///
    /// # Panics
    /// If `bound` is 0.
    pub fn below(self, position: u64, bound: u64) -> u64 {
        assert!(bound > 0, "no integer is below 0");
        let threshold = bound.wrapping_neg() % bound; // 2⁶⁴ mod bound: so many low products are one too many
        self.first(position, |[a, b]| {
            [a, b].into_iter().find_map(|word| {
                let product = u128::from(word) * u128::from(bound);
                (product as u64 >= threshold).then_some((product >> 64) as u64)
            })
        })
    }

    /// Standard normal (Box–Muller), the same bits on every system. Positions 2n and 2n + 1 are the cosine and the sine of block n.
    pub fn normal(self, position: u64) -> f64 {
        box_muller(words(self.block(position / 2)))[(position % 2) as usize]
    }

    /// Standard normal, drawn again while it is more than 2 standard deviations from 0 (as Keras's `TruncatedNormal`).
    /// Its own standard deviation is 0.87962566103423978.
    pub fn truncated_normal(self, position: u64) -> f64 {
        self.first(position, |pair| {
            box_muller(pair)
                .into_iter()
                .find(|value| value.abs() <= 2.0)
        })
    }

    /// A permutation of 0..n (Fisher–Yates), for shuffling.
    ///
    /// # Panics
    /// If `n` exceeds 2³².
    pub fn permutation(self, n: usize) -> Vec<u32> {
        let last = n.saturating_sub(1);
        let last = u32::try_from(last).expect("a permutation has at most 2^32 elements");
        let mut order: Vec<u32> = if n == 0 {
            Vec::new()
        } else {
            (0..=last).collect()
        };
        for i in (1..n).rev() {
            order.swap(i, self.below(i as u64, i as u64 + 1) as usize);
        }
        order
    }

    /// The first pair of words that `accept` takes: those of block `position`, and, for as long as they are rejected,
    /// of the block that has the rejected one as its counter.
    fn first<T>(self, position: u64, accept: impl Fn([u64; 2]) -> Option<T>) -> T {
        let mut block = self.block(position);
        loop {
            if let Some(value) = accept(words(block)) {
                return value;
            }
            block = philox4x32(self.key, block);
        }
    }
}

/// Upper and lower 32 bits.
fn halves(value: u64) -> (u32, u32) {
    ((value >> 32) as u32, value as u32)
}

fn words([a, b, c, d]: [u32; 4]) -> [u64; 2] {
    [
        u64::from(b) << 32 | u64::from(a),
        u64::from(d) << 32 | u64::from(c),
    ]
}

/// The upper 53 bits as a multiple of 2⁻⁵³.
fn unit(word: u64) -> f64 {
    (word >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

fn box_muller([a, b]: [u64; 2]) -> [f64; 2] {
    let radius = (-2.0 * steady::ln(1.0 - unit(a))).sqrt(); // 1 − u is never 0
    let (sine, cosine) = steady::sin_cos_of_half_turns(2.0 * unit(b));
    [radius * cosine, radius * sine]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const KEY: Key = Key {
        key: [1, 2],
        high: [3, 4],
    };

    /// The `philox4x32 10` lines of Random123's `tests/kat_vectors`.
    #[test]
    fn known_answers() {
        let cases = [
            (
                [0; 4],
                [0; 2],
                [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8],
            ),
            (
                [u32::MAX; 4],
                [u32::MAX; 2],
                [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd],
            ),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, answer) in cases {
            assert_eq!(philox4x32(key, counter), answer);
        }
    }

    #[test]
    fn the_position_is_the_lower_half_of_the_counter() {
        assert_eq!(KEY.block(5 << 32 | 6), philox4x32([1, 2], [6, 5, 3, 4]));
    }

    #[test]
    fn keys_differ() {
        let mut keys = HashSet::new();
        let mut count = 0;
        for seed in [0, 1, 1 << 32, u64::MAX] {
            for step in [0, 1, 1 << 24, u64::from(u32::MAX), 1 << 32, u64::MAX] {
                for index in [0, 1, 2, (1 << 24) - 1, 1 << 24, u32::MAX] {
                    for stream in [Stream::Init, Stream::Dropout, Stream::Augment, Stream::User] {
                        keys.insert(Seed(seed).key(stream(index), step));
                        count += 1;
                    }
                }
                keys.insert(Seed(seed).key(Stream::Shuffle, step));
                count += 1;
            }
        }
        assert_eq!(keys.len(), count);
    }

    /// What every system must draw; libm's logarithm and cosine differ in their last bits.
    #[test]
    fn normal_numbers_have_the_same_bits_everywhere() {
        let sum = (0..10_000).fold(0u64, |sum, i| sum.rotate_left(5) ^ KEY.normal(i).to_bits());
        assert_eq!(sum, 0xf16a_ba05_c601_6c14, "{sum:#x}");
    }

    #[test]
    fn uniform_and_normal_have_their_moments() {
        const N: u64 = 200_000;
        let moments = |draw: &dyn Fn(u64) -> f64| {
            let mean = (0..N).map(draw).sum::<f64>() / N as f64;
            let variance = (0..N).map(|i| (draw(i) - mean).powi(2)).sum::<f64>() / N as f64;
            (mean, variance)
        };
        let near = |value: f64, expected: f64| {
            assert!((value - expected).abs() < 0.01, "{value}, not {expected}")
        };
        let (mean, variance) = moments(&|i| KEY.uniform(i));
        near(mean, 0.5);
        near(variance, 1.0 / 12.0);
        let (mean, variance) = moments(&|i| KEY.normal(i));
        near(mean, 0.0);
        near(variance, 1.0);
        let (mean, variance) = moments(&|i| KEY.truncated_normal(i));
        near(mean, 0.0);
        near(variance.sqrt(), 0.879_625_661_034_239_8);
        assert!(
            (0..N)
                .all(|i| KEY.truncated_normal(i).abs() <= 2.0
                    && (0.0..1.0).contains(&KEY.uniform(i)))
        );
    }

    #[test]
    fn below_is_below_and_even() {
        let mut counts = [0u32; 6];
        for i in 0..60_000 {
            counts[KEY.below(i, 6) as usize] += 1;
        }
        assert!(
            counts.iter().all(|count| count.abs_diff(10_000) < 400),
            "{counts:?}"
        );
        assert_eq!(KEY.below(9, 1), 0);
        let big = (1 << 63) + 1; // nearly half of all words are rejected: the chain of blocks is walked
        assert!((0..1000).all(|i| KEY.below(i, big) < big));
    }

    #[test]
    fn a_permutation_holds_every_number_once() {
        for n in [0, 1, 2, 17, 1000] {
            let mut order = KEY.permutation(n);
            assert_eq!(order, KEY.permutation(n));
            assert!(n < 17 || order != (0..n as u32).collect::<Vec<_>>());
            order.sort_unstable();
            assert_eq!(order, (0..n as u32).collect::<Vec<_>>());
        }
    }

    #[test]
    fn permutations_of_three_are_equally_likely() {
        let mut counts = std::collections::HashMap::new();
        for step in 0..6000 {
            *counts
                .entry(Seed(1).key(Stream::Shuffle, step).permutation(3))
                .or_insert(0u32) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(
            counts.values().all(|count| count.abs_diff(1000) < 150),
            "{counts:?}"
        );
    }

    #[test]
    fn lanes_are_the_blocks_one_by_one() {
        let key = Seed(u64::MAX - 5).key(Stream::Dropout(3), 11);
        for first in [0, 16, u64::from(u32::MAX) - 7] {
            let lanes = philox_lanes::<16>(key, first);
            for (i, counter) in (first..first + 16).enumerate() {
                assert_eq!(key.block(counter), lanes.map(|word| word[i]));
            }
        }
    }
}
