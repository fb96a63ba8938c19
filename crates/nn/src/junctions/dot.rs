//! Sums of products of two inputs along an axis of each.

use super::{Row, Sample, boxed, merged};
use crate::{Context, DescribeJunction, Error, Junction, Result, config, settings};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// Σ a · b along an axis of each of two inputs, for every pair of their other indices: `[…, k, …]` and `[…, k, …]` → the other
/// axes of the first, then those of the second, or `[1]` if neither has any.
///
/// Axes are counted as Keras counts them, with the batch (which cannot be one of them) as axis 0. With `normalize` both are brought
/// to length 1 along their axes first, and the output is their cosine; what is shorter than 10⁻⁷ is divided by that.
///
/// ```
/// use taper_nn::{DescribeJunction, junctions::Dot};
/// assert_eq!(Dot::new(1).output_shapes(&[&[8], &[8]])?, [[1]]);
/// assert_eq!(Dot::new([2, 1]).output_shapes(&[&[5, 8], &[8, 3]])?, [[5, 3]]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dot {
    /// The junction's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The axis of both, or one of each; negative ones count from behind (no default).
    pub axes: OneOrEach,
    /// Whether both are brought to length 1 first (default: no).
    #[serde(default)]
    pub normalize: bool,
}

/// An axis of both inputs, or one of each: `1` and `[2, 1]` convert into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected an axis or two of them, such as 1 or [2, 1]"
)]
pub enum OneOrEach {
    /// The same axis of both.
    One(i64),
    /// An axis of the first and one of the second.
    Each([i64; 2]),
}

impl From<i64> for OneOrEach {
    fn from(axis: i64) -> Self {
        OneOrEach::One(axis)
    }
}

impl From<[i64; 2]> for OneOrEach {
    fn from(axes: [i64; 2]) -> Self {
        OneOrEach::Each(axes)
    }
}

impl Dot {
    /// Along this axis of both (`1`), or of each (`[2, 1]`).
    pub fn new(axes: impl Into<OneOrEach>) -> Self {
        Dot {
            name: None,
            axes: axes.into(),
            normalize: false,
        }
    }

    /// Whether both are brought to length 1 first (default: no).
    pub fn normalize(mut self, on: bool) -> Self {
        self.normalize = on;
        self
    }

    /// The junction's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The axis of each among those of its samples.
    fn places(&self, samples: [&[usize]; 2]) -> Result<[usize; 2]> {
        let axes = match self.axes {
            OneOrEach::One(axis) => [axis; 2],
            OneOrEach::Each(axes) => axes,
        };
        let mut places = [0; 2];
        for ((place, axis), sample) in places.iter_mut().zip(axes).zip(samples) {
            let rank = sample.len() as i64;
            let found = if axis < 0 {
                axis.saturating_add(rank)
            } else {
                axis - 1
            };
            if !(0..rank).contains(&found) {
                let message = format!(
                    "axes is {:?}; of an input {sample:?} the axes are 1 to {rank}, or -{rank} to -1 from behind",
                    self.axes
                );
                return Err(Error::layer("Dot", message));
            }
            *place = found as usize;
        }
        Ok(places)
    }
}

/// A shape without one of its axes.
fn without(shape: &[usize], axis: usize) -> Vec<usize> {
    [&shape[..axis], &shape[axis + 1..]].concat()
}

impl DescribeJunction for Dot {
    fn class_name(&self) -> &'static str {
        "Dot"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        merged::exactly_two("Dot", inputs)?;
        let (a, b) = (inputs[0], inputs[1]);
        let [i, j] = self.places([a, b])?;
        if a[i] != b[j] {
            let message = format!(
                "axes is {:?}, along which inputs {a:?} and {b:?} differ: {} and {}",
                self.axes, a[i], b[j]
            );
            return Err(Error::layer("Dot", message));
        }
        let mut output = [without(a, i), without(b, j)].concat();
        if output.is_empty() {
            output.push(1);
        }
        Ok(vec![output])
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Junction<E> for Dot {
    fn forward(
        &self,
        inputs: &[&Var<E>],
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Vec<Var<E>>> {
        let &[a, b] = inputs else {
            let message = format!("{} inputs; exactly 2 are wanted", inputs.len());
            return Err(Error::layer("Dot", message));
        };
        fn sample<E: Element>(x: &Var<E>) -> &[usize] {
            x.shape().get(1..).unwrap_or_default()
        }
        let [i, j] = self.places([sample(a), sample(b)])?;
        let output = [without(sample(a), i), without(sample(b), j)].concat();
        let unit = |x: &Var<E>, axis: usize| match self.normalize {
            true => settings::of_length_one(x, &[axis + 1], 1e-7),
            false => Ok(x.clone()),
        };
        let (a, b) = (unit(a, i)?, unit(b, j)?);
        let (n, width) = (a.shape()[0], a.shape()[i + 1]);
        let others = |x: &Var<E>, axis: usize| {
            let axes: Vec<usize> = (1..x.shape().len()).filter(|&a| a != axis + 1).collect();
            let count: usize = axes.iter().map(|&axis| x.shape()[axis]).product();
            (axes, count)
        };
        let ((before, rows), (behind, columns)) = (others(&a, i), others(&b, j));
        let a = a.permute(&[&[0], &before[..], &[i + 1]].concat())?;
        let b = b.permute(&[&[0, j + 1], &behind[..]].concat())?;
        let a = a.reshape([n, rows, width])?;
        let product = a.matmul(&b.reshape([n, width, columns])?)?;
        let output = if output.is_empty() { vec![1] } else { output };
        Ok(vec![product.reshape([&[n], &output[..]].concat())?])
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Dot",
        about: "Σ a · b along an axis of each",
        file: file!(),
        from_config: |config| boxed::<E, Dot>("Dot", config),
        sample: |sampler| {
            let mut inputs = [sampler.shape(1, 3, 3), sampler.shape(1, 3, 3)];
            let axes = [(); 2].map(|()| sampler.integer(0, 2));
            let axes = [axes[0] % inputs[0].len(), axes[1] % inputs[1].len()];
            inputs[1][axes[1]] = inputs[0][axes[0]];
            let junction = match axes[0] == axes[1] && sampler.coin() {
                true => Dot::new(axes[0] as i64 + 1),
                false => Dot::new([axes[0] as i64 + 1, axes[1] as i64 - inputs[1].len() as i64]),
            };
            Sample {
                junction: Box::new(junction.normalize(sampler.coin())),
                inputs: inputs.to_vec(),
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_refused_with_reasons() {
        let message = |junction: Dot, inputs: &[&[usize]]| {
            junction.output_shapes(inputs).unwrap_err().to_string()
        };
        for axis in [0, 3, -3, i64::MAX, i64::MIN] {
            assert!(message(Dot::new(axis), &[&[2, 3], &[2, 3]]).contains("axes"));
        }
        assert!(message(Dot::new([1, 2]), &[&[2, 3], &[2, 3]]).contains("2 and 3"));
        assert!(message(Dot::new(1), &[&[2], &[2], &[2]]).contains("exactly 2"));
    }
}
