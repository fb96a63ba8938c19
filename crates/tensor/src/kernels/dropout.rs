//! Dropout masks as a pure function of key and position, so that no mask is ever stored.
//!
//! A block of 128 elements takes 16 counters of Philox; element `e` of the block reads half `e / 64` of word
//! `e / 16 % 4` of counter `e % 16`. Sixteen neighbours thus read the same word of sixteen counters, which is what a
//! vector of counters computes at once, whatever the instruction set's width. A mask bit compares 16 random bits with
//! `rate · 65536`, so the rate is exact to 1/65536.

use crate::Key;

/// Elements that share one group of 16 counters.
pub const BLOCK: usize = 128;

/// Inverted dropout: an element is kept with probability `1 − rate` and scaled by `1 / (1 − rate)`. Which elements are
/// kept is a pure function of `key` and the element's row-major position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// Fraction that is dropped, in `[0, 1)`.
    pub rate: f64,
    /// What the mask is drawn from.
    pub key: Key,
}

impl Dropout {
    /// The factor `1 / (1 − rate)` of what is kept.
    pub fn scale(&self) -> f64 {
        1.0 / (1.0 - self.rate)
    }

    /// What 16 random bits must reach for an element to be kept.
    pub(crate) fn threshold(&self) -> u32 {
        (self.rate.clamp(0.0, 1.0) * 65536.0).round() as u32
    }
}

/// Answers position by position; the vector kernels produce the same bits many at a time.
pub(crate) struct Mask {
    key: Key,
    threshold: u32,
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
        (word >> (16 * (e / 64))) & 0xffff >= self.threshold
    }
}
