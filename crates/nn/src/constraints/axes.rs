//! Along which axes a norm is taken, and all norms of a weight.

use crate::setting::Checked;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use taper_autograd::gradcheck::Sampler;
use taper_tensor::{Element, Scalar, Tensor};

/// The axes along which numbers belong together, counted from the front, or with −1 for the last one from the back. In JSON
/// `0` or `[0, 1, 2]`. Of a dense kernel `[in, out]` axis 0 holds what enters one unit, of a convolution's
/// `[kh, kw, in, out]` the axes 0, 1 and 2 do. Layers take them, too, and count as Keras does, with the batch as axis 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OneOrMore", into = "OneOrMore")]
pub struct Axes(Vec<i64>);

impl Default for Axes {
    /// The first one.
    fn default() -> Self {
        Axes(vec![0])
    }
}

impl From<i64> for Axes {
    fn from(axis: i64) -> Self {
        Axes(vec![axis])
    }
}

impl<const N: usize> From<[i64; N]> for Axes {
    fn from(axes: [i64; N]) -> Self {
        Axes(axes.to_vec())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected an axis or several of them, such as 0 or [0, 1, 2]"
)]
enum OneOrMore {
    One(i64),
    More(Vec<i64>),
}

impl From<OneOrMore> for Axes {
    fn from(axes: OneOrMore) -> Self {
        match axes {
            OneOrMore::One(axis) => Axes(vec![axis]),
            OneOrMore::More(axes) => Axes(axes),
        }
    }
}

impl From<Axes> for OneOrMore {
    fn from(Axes(axes): Axes) -> Self {
        match axes[..] {
            [axis] => OneOrMore::One(axis),
            _ => OneOrMore::More(axes),
        }
    }
}

impl Axes {
    /// The last one.
    pub(crate) fn last() -> Self {
        Axes(vec![-1])
    }

    /// Those of samples with so many axes behind the batch, at least one; from the front or from behind.
    pub(crate) fn drawn(sampler: &mut Sampler, rank: usize) -> Self {
        let axes = sampler.until(|s| s.axes(rank), |axes| !axes.is_empty());
        let base = if sampler.coin() { 1 } else { -(rank as i64) };
        Axes(axes.into_iter().map(|axis| axis as i64 + base).collect())
    }

    /// The axes of a sample of this shape, in order; the batch is axis 0 and cannot be one of them.
    pub(crate) fn of_sample(&self, class_name: &str, sample: &[usize]) -> Result<Vec<usize>> {
        let rank = sample.len() as i64;
        let (front, behind) = (1..=rank, -rank..=-1);
        let fault = if self.0.is_empty() {
            Some("at least one axis is wanted".to_owned())
        } else if !(self.0.iter().all(|a| front.contains(a))
            || self.0.iter().all(|a| behind.contains(a)))
        {
            Some(format!(
                "of an input {sample:?} the axes are 1 to {rank}, or -{rank} to -1 from behind, not both"
            ))
        } else {
            None
        };
        let base = if self.0.iter().any(|&a| a < 0) {
            rank
        } else {
            -1
        };
        let mut axes: Vec<usize> = self
            .0
            .iter()
            .map(|&a| a.saturating_add(base) as usize)
            .collect();
        axes.sort_unstable();
        let twice = || axes.windows(2).any(|pair| pair[0] == pair[1]);
        let fault = fault.or_else(|| twice().then(|| "each may stand once".to_owned()));
        match fault {
            Some(fault) => Err(Error::layer(
                class_name,
                format!("axis is {:?}: {fault}", self.0),
            )),
            None => Ok(axes),
        }
    }

    /// The axes of a batch of this shape, as [`of_sample`](Self::of_sample).
    pub(crate) fn of_batch(&self, class_name: &str, batch: &[usize]) -> Result<Vec<usize>> {
        let axes = self.of_sample(class_name, batch.get(1..).unwrap_or_default())?;
        Ok(axes.into_iter().map(|axis| axis + 1).collect())
    }

    /// They are axes of this shape, each once.
    pub(super) fn check(&self, shape: &[usize]) -> Checked {
        let rank = shape.len() as i64;
        let mut seen = vec![false; shape.len()];
        for &axis in &self.0 {
            let place = if axis < 0 { axis + rank } else { axis };
            match usize::try_from(place)
                .ok()
                .and_then(|place| seen.get_mut(place))
            {
                None => {
                    return Err(format!(
                        "axis is {axis}, a weight {shape:?} has {rank} of them"
                    ));
                }
                Some(true) => return Err(format!("axis is {:?}, each may stand once", self.0)),
                Some(seen) => *seen = true,
            }
        }
        Ok(())
    }

    /// Scales the numbers that belong together by what `factor` makes of their norm, in f64. Axes that the weight has not are
    /// passed over.
    pub(super) fn rescale<E: Element>(&self, weight: &mut Tensor<E>, factor: impl Fn(f64) -> f64) {
        let shape = weight.shape().to_vec();
        let rank = shape.len() as i64;
        let taken = |axis: usize| {
            let mut axes = self.0.iter();
            axes.any(|&a| (if a < 0 { a + rank } else { a }) == axis as i64)
        };
        // How far one step along each axis is among the norms.
        let mut steps = vec![0; shape.len()];
        let mut count = 1;
        for axis in (0..shape.len()).rev().filter(|&axis| !taken(axis)) {
            steps[axis] = count;
            count *= shape[axis];
        }
        let mut sums = vec![0.0f64; count];
        each(&shape, &steps, weight.as_mut_slice(), |value, norm| {
            let value = Scalar::to_f64(*value);
            sums[norm] += value * value;
        });
        let factors: Vec<f64> = sums.into_iter().map(|sum| factor(sum.sqrt())).collect();
        each(&shape, &steps, weight.as_mut_slice(), |value, norm| {
            *value = E::from_f64(Scalar::to_f64(*value) * factors[norm]);
        });
    }
}

/// Every value with the number of its norm, in order.
fn each<E>(shape: &[usize], steps: &[usize], values: &mut [E], mut f: impl FnMut(&mut E, usize)) {
    let (Some(&inner), Some(&step)) = (shape.last(), steps.last()) else {
        return values.iter_mut().for_each(|value| f(value, 0));
    };
    let mut place = vec![0; shape.len() - 1];
    for row in values.chunks_exact_mut(inner.max(1)) {
        let first: usize = place.iter().zip(steps).map(|(at, step)| at * step).sum();
        for (i, value) in row.iter_mut().enumerate() {
            f(value, first + i * step);
        }
        for axis in (0..place.len()).rev() {
            place[axis] += 1;
            if place[axis] < shape[axis] {
                break;
            }
            place[axis] = 0;
        }
    }
}
