//! Ranges that random numbers are drawn from, as Keras's layers are told them: a number or a pair.

use serde::{Deserialize, Serialize};

/// How much is varied: a number, or from where to where. `0.2`, `(-0.1, 0.3)` and `[-0.1, 0.3]` convert into it; JSON has
/// `0.2` or `[-0.1, 0.3]`. Which range a single number stands for, the layer says.
///
/// ```
/// use taper_nn::layers::RandomRotation;
/// let either_way = RandomRotation::new(0.1); // as much to the left as to the right
/// let one_way = RandomRotation::new((0.0, 0.1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a number or a pair of them, such as 0.2 or [-0.1, 0.3]"
)]
pub enum Factor {
    /// A single number.
    One(f64),
    /// From the smaller to the larger of two.
    Between(f64, f64),
}

impl From<f64> for Factor {
    fn from(factor: f64) -> Self {
        Factor::One(factor)
    }
}

impl From<(f64, f64)> for Factor {
    fn from((low, high): (f64, f64)) -> Self {
        Factor::Between(low, high)
    }
}

impl From<[f64; 2]> for Factor {
    fn from([low, high]: [f64; 2]) -> Self {
        Factor::Between(low, high)
    }
}

/// What a single number stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Single {
    /// As much below 0 as above.
    Around,
    /// From the smallest that is allowed.
    UpTo,
}

impl Factor {
    /// The range to draw from. Call it on what [`check`](Self::check) found fit.
    pub(crate) fn range(self, single: Single, low: f64) -> [f64; 2] {
        match (self, single) {
            (Factor::One(factor), Single::Around) => [-factor.abs(), factor.abs()],
            (Factor::One(factor), Single::UpTo) => [low, factor],
            (Factor::Between(a, b), _) => [a.min(b), a.max(b)],
        }
    }

    /// Whether every number is within these bounds.
    pub(crate) fn check(self, name: &str, [low, high]: [f64; 2]) -> Result<(), String> {
        let of = |value: f64| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(format!(
                "{name} is {value}, it must be from {low} to {high}"
            ))
        };
        match self {
            Factor::One(factor) => of(factor),
            Factor::Between(a, b) => of(a).and_then(|()| of(b)),
        }
    }
}

/// Which values images have: two finite numbers of f32, the smaller one first.
pub(crate) fn check_range(name: &str, range: [f64; 2]) -> Result<(), String> {
    let [low, high] = range;
    let finite = |value: f64| (value as f32).is_finite();
    if low < high && finite(low) && finite(high) && finite(high - low) {
        return Ok(());
    }
    Err(format!(
        "{name} is [{low}, {high}], it must be two finite numbers, the smaller one first"
    ))
}
