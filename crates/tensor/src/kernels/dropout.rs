//! Dropout masks as a pure function of key and position, so that no mask is ever stored.
//!
//! A block of 128 elements takes 16 counters of Philox; element `e` of the block reads half `e / 64` of word
//! `e / 16 % 4` of counter `e % 16`. Sixteen neighbours thus read the same word of sixteen counters, which is what a
//! vector of counters computes at once, whatever the instruction set's width. A mask bit compares these 16 bits with a
//! threshold. Where 16 bits cannot say the rate well enough (`Threshold`), the elements whose bits equal the
//! threshold (one in 65536) read 32 more, from a block of their own: the rate is then exact to 2⁻⁴⁸, and what is kept is
//! scaled by what is really kept.

use crate::Key;

/// Elements that share one group of 16 counters.
pub const BLOCK: usize = 128;

/// Inverted dropout: an element is kept with probability `1 − rate` and scaled by `1 / (1 − rate)`. Which elements are
/// kept is a pure function of `key` and the element's row-major position.
///
/// The expectation is kept at every rate: to 2⁻¹⁵ (3·10⁻⁵) where 16 random bits an element say the rate well (all multiples
/// of 0.05 up to 0.8), exactly where they do not and 32 more are drawn. Rates nearer to 1 than 2⁻⁴⁸ keep one element in 2⁴⁸; rates below 2⁻⁴⁹ drop nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// Fraction that is dropped, in `[0, 1)`.
    pub rate: f64,
    /// What the mask is drawn from.
    pub key: Key,
}

impl Dropout {
    /// The factor of what is kept: `1 / (1 − rate)`, with the rate that is really applied.
    pub fn scale(&self) -> f64 {
        Threshold::of(self.rate).scale
    }

    /// What the random bits of an element must reach for it to be kept, and the factor then.
    pub(crate) fn threshold(&self) -> Threshold {
        Threshold::of(self.rate)
    }
}

/// What the random bits of an element must reach for it to be kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Threshold {
    /// For the element's 16 bits.
    pub(crate) first: u32,
    /// For 32 more, if the first ones equal `first`; at 0 nobody looks at them.
    pub(crate) second: u32,
    /// The factor of what is kept.
    pub(crate) scale: f64,
}

impl Threshold {
    /// 16 bits alone where they say the rate to a thousandth of it and keep the mean to 2⁻¹⁵. So they do for all
    /// ordinary rates: masks and scale are then those of `rate` as it stands.
    fn of(rate: f64) -> Threshold {
        let rate = rate.clamp(0.0, 1.0);
        let coarse = (rate * 65536.0).round();
        let error = (coarse / 65536.0 - rate).abs();
        if error <= rate / 1000.0 && error <= (1.0 - rate) / 32768.0 && coarse < 65536.0 {
            return Threshold {
                first: coarse as u32,
                second: 0,
                scale: 1.0 / (1.0 - rate),
            };
        }
        const ALL: u64 = 1 << 48;
        // Something is always kept: a scale without end would help nobody.
        let dropped = ((rate * ALL as f64).round() as u64).min(ALL - 1);
        Threshold {
            first: (dropped >> 32) as u32,
            second: dropped as u32,
            scale: ALL as f64 / (ALL - dropped) as f64,
        }
    }

    /// The 32 more bits of the element at `position`, from blocks that no group of counters comes to.
    pub(crate) fn more_bits(key: Key, position: u64) -> u32 {
        key.block(1 << 63 | position)[0]
    }
}

/// Answers position by position; the vector kernels produce the same bits many at a time.
pub(crate) struct Mask {
    key: Key,
    threshold: Threshold,
}

impl Mask {
    pub(crate) fn new(dropout: &Dropout) -> Mask {
        Mask {
            key: dropout.key,
            threshold: dropout.threshold(),
        }
    }

    /// Whether the element at `position` is kept.
    pub(crate) fn keeps(&self, position: u64) -> bool {
        let (block, e) = (position / BLOCK as u64, (position % BLOCK as u64) as usize);
        let word = self.key.block(block * 16 + (e % 16) as u64)[e / 16 % 4];
        let bits = (word >> (16 * (e / 64))) & 0xffff;
        if bits != self.threshold.first || self.threshold.second == 0 {
            return bits >= self.threshold.first;
        }
        Threshold::more_bits(self.key, position) >= self.threshold.second
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Seed, Stream, Tensor};

    const KEY: Key = Key {
        key: [7, 9],
        high: [3 << 24, 5],
    };

    /// The probability that an element is kept, exactly.
    fn kept(threshold: &Threshold) -> f64 {
        let dropped = f64::from(threshold.first) / 65536.0;
        1.0 - dropped - f64::from(threshold.second) / (1u64 << 48) as f64
    }

    #[test]
    fn the_expectation_is_kept_at_every_rate() {
        let ends = (1..60).flat_map(|i| [0.5f64.powi(i), 1.0 - 0.5f64.powi(i)]);
        let tens = (1..16).flat_map(|i| [0.1f64.powi(i), 1.0 - 0.1f64.powi(i)]);
        let percents = (0..100).map(|i| f64::from(i) / 100.0);
        let odd = [
            1e-6,
            0.9999,
            0.999_995,
            1.0 - f64::EPSILON / 2.0,
            1e-300,
            1.0 / 3.0,
        ];
        for rate in ends
            .chain(tens)
            .chain(percents)
            .chain(odd)
            .filter(|&r| r < 1.0)
        {
            let threshold = Threshold::of(rate);
            let mean = kept(&threshold) * threshold.scale;
            assert!(
                (mean - 1.0).abs() <= 1.0 / 32768.0 + 1e-12,
                "{rate}: {mean}"
            );
            let (said, limit) = (1.0 - kept(&threshold), 1.0 / (1u64 << 48) as f64);
            assert!(
                (said - rate).abs() <= rate / 1000.0 + limit,
                "{rate}: {said}"
            );
            if threshold.second > 0 {
                assert!((mean - 1.0).abs() <= 1e-12, "{rate}: {mean}");
            }
        }
    }

    /// The masks and scales of ordinary rates are those of every run before.
    #[test]
    fn ordinary_rates_read_sixteen_bits() {
        for percent in (5..=80).step_by(5) {
            let rate = f64::from(percent) / 100.0;
            let threshold = Threshold::of(rate);
            assert_eq!(threshold.first, (rate * 65536.0).round() as u32, "{rate}");
            assert_eq!(threshold.second, 0, "{rate}");
            assert_eq!(threshold.scale, 1.0 / (1.0 - rate), "{rate}");
        }
    }

    /// Measured over many draws: the mean within five standard deviations, and the number of those dropped likewise.
    #[test]
    fn many_draws_have_the_mean_and_the_rate() {
        const N: usize = 1 << 21;
        let ones = Tensor::<f32>::ones([N]);
        for (rate, steps) in [
            (1e-6, 16),
            (1e-5, 4),
            (0.001, 2),
            (0.2, 2),
            (0.5, 2),
            (0.9, 2),
            (0.99, 4),
            (0.9999, 8),
            (0.999_995, 16),
        ] {
            let (mut sum, mut dropped) = (0.0, 0usize);
            for step in 0..steps {
                let key = Seed(4).key(Stream::Dropout(1), step);
                let y = ones.dropout(&Dropout { rate, key }).unwrap().to_vec();
                sum += y.iter().map(|&y| f64::from(y)).sum::<f64>();
                dropped += y.iter().filter(|&&y| y == 0.0).count();
            }
            let n = N as f64 * steps as f64;
            let deviation = (rate / (1.0 - rate) / n).sqrt();
            let mean = sum / n;
            assert!((mean - 1.0).abs() <= 5.0 * deviation, "{rate}: mean {mean}");
            let (found, deviation) = (dropped as f64, (n * rate * (1.0 - rate)).sqrt());
            assert!(
                (found - n * rate).abs() <= 5.0 * deviation,
                "{rate}: {found} of {n} dropped"
            );
            assert!(dropped > 0 && sum > 0.0, "{rate}: {found} of {n} dropped");
        }
    }

    #[test]
    fn vectors_and_single_values_draw_the_same_where_more_bits_decide() {
        // Three quarters of the rates' elements with equal bits are dropped; there are some 30 of them.
        let rate = (70.0 + 0.75) / 65536.0;
        let dropout = Dropout { rate, key: KEY };
        let threshold = dropout.threshold();
        assert_eq!((threshold.first, threshold.second), (70, 3 << 30));
        let n = 1 << 21;
        let y = Tensor::<f32>::ones([n]).dropout(&dropout).unwrap().to_vec();
        let mask = Mask::new(&dropout);
        let equal = |i: usize| {
            let e = i % BLOCK;
            let word = KEY.block((i / BLOCK * 16 + e % 16) as u64)[e / 16 % 4];
            (word >> (16 * (e / 64))) & 0xffff == 70
        };
        let [mut decided, mut dropped] = [0, 0];
        for (i, &y) in y.iter().enumerate() {
            assert_eq!(y > 0.0, mask.keeps(i as u64), "element {i}");
            if equal(i) {
                decided += 1;
                dropped += usize::from(y == 0.0);
            }
        }
        assert!(
            decided > 10 && dropped > 0 && dropped < decided,
            "{dropped} of {decided}"
        );
    }
}
