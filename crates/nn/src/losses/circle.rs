//! The circle loss of embeddings.

use super::{Loss, Row, Sample, softplus_of_samples};
use crate::{Error, Result, config};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taper_autograd::{Tape, Var};
use taper_tensor::{Element, Tensor, setting};

/// ln(1 + Σⱼ exp(γ·(1 + m − d)₊·(1 − m − d)) · Σₖ exp(−γ·(m + d)·(m − d))) of each sample, where d = (1 − cosine)₊ is its
/// distance to sample k of the same class or j of another one within the batch (Sun et al. 2020, Circle Loss: A Unified
/// Perspective of Pair Similarity Optimization). Averaged over the samples whose loss is above 0, as in Keras: those
/// without a partner of their class or without one of another class have none.
///
/// The output `[n, k]` is taken for rows of length 1 (end the model in a normalization), the target `[n]` or `[n, 1]` has
/// class numbers. The loss compares the samples of a batch with each other: batches must be shuffled and not too small.
///
/// ```
/// use taper_nn::losses::{Circle, Loss};
/// # use taper_autograd::Tape;
/// # use taper_tensor::Tensor;
/// let output = Tape::new().constant(&Tensor::<f64>::from_vec([3, 2], vec![1.0, 0.0, 1.0, 0.0, 0.0, 1.0])?);
/// let loss = Circle.forward(&output, &Tensor::from_vec([3], vec![0.0, 0.0, 1.0])?)?;
/// // Two of a class at distance 0, one of another at distance 1: nothing is left to learn.
/// assert!(loss.value().item()? < 1e-9);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Circle {
    /// The scale, above 0 (default: 80).
    pub gamma: f64,
    /// How much is left between the classes, in [0, 1] (default: 0.4).
    pub margin: f64,
    /// Whether a sample is no partner of itself (default: true).
    pub remove_diagonal: bool,
}

/// The loss with Keras's defaults.
#[allow(non_upper_case_globals)]
pub const Circle: Circle = Circle {
    gamma: 80.0,
    margin: 0.4,
    remove_diagonal: true,
};

const NAME: &str = "circle";

/// Stands for −∞ in sums of exponentials.
const NOTHING: f64 = -1e30;

impl Default for Circle {
    fn default() -> Self {
        Circle
    }
}

impl Circle {
    /// With this scale and margin.
    #[must_use]
    pub fn new(gamma: f64, margin: f64) -> Self {
        Circle {
            gamma,
            margin,
            ..Circle
        }
    }

    /// The loss of each sample, before those that have none are left out of the mean.
    fn losses<E: Element>(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        let labels = labels(output.shape(), target)?;
        let n = labels.len();
        let number = E::from_f64;
        let distance = output
            .matmul(&output.transpose())?
            .neg()
            .shift(E::one())
            .relu();
        let same = |i: usize| labels[i / n] == labels[i % n];
        let is_pair = |i: usize| !(self.remove_diagonal && i / n == i % n);
        let with = |terms: &Var<E>, counts: &dyn Fn(usize) -> bool| -> Result<Var<E>> {
            let choose = |yes: f64, no: f64| {
                Tensor::from_fn([n, n], |i| number(if counts(i) { yes } else { no }))
            };
            let mask = terms.tape().constant(&choose(1.0, 0.0));
            let rest = terms.tape().constant(&choose(0.0, NOTHING));
            Ok(terms.mul(&mask)?.add(&rest)?.log_sum_exp(1, false)?)
        };
        let (m, gamma) = (self.margin, number(self.gamma));
        let of_same = distance
            .shift(number(m))
            .mul(&distance.shift(number(-m)))?
            .scale(gamma);
        let of_others = distance
            .neg()
            .shift(number(1.0 + m))
            .relu()
            .mul(&distance.neg().shift(number(1.0 - m)))?
            .scale(gamma);
        let near = with(&of_same, &|i| same(i) && is_pair(i))?;
        let far = with(&of_others, &|i| !same(i))?;
        softplus_of_samples(&near.add(&far)?)
    }
}

/// How many of the losses are above 0.
fn share<E: Element>(losses: &Tensor<E>) -> f64 {
    let valid = losses
        .to_vec()
        .iter()
        .filter(|loss| **loss > E::zero() || loss.is_nan())
        .count();
    valid as f64 / losses.len().max(1) as f64
}

/// The class of each sample.
fn labels<E: Element>(output: &[usize], target: &Tensor<E>) -> Result<Vec<i64>> {
    let fits = match (output, target.shape()) {
        ([n, _], [samples] | [samples, 1]) => n == samples,
        _ => false,
    };
    if !fits {
        let message = format!(
            "the output is {output:?}, the target {:?}; there must be an embedding and a class number for each sample",
            target.shape()
        );
        return Err(Error::loss(NAME, message));
    }
    let number = |(position, value): (usize, E)| {
        let value = value.to_f64();
        if value == value.floor() && value.abs() < 1e15 {
            return Ok(value as i64);
        }
        let message = format!(
            "the label of sample {position} of the batch is {value}, which is no class number"
        );
        Err(Error::loss(NAME, message))
    };
    target
        .to_vec()
        .into_iter()
        .enumerate()
        .map(number)
        .collect()
}

impl<E: Element> Loss<E> for Circle {
    fn name(&self) -> &'static str {
        NAME
    }

    fn config(&self) -> Value {
        config::unparse(self)
    }

    fn per_sample(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        let losses = self.losses(output, target)?;
        let share = share(losses.value());
        Ok(match share > 0.0 {
            true => losses.scale(E::from_f64(1.0 / share)),
            false => losses,
        })
    }

    fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
        if let ([_], [] | [1]) = (output, target) {
            return Ok(());
        }
        let message = format!(
            "it takes embeddings [k] with a class number each, not an output of {output:?} with a target of {target:?}"
        );
        Err(Error::loss(NAME, message))
    }

    /// Samples without a loss add nothing to a sum.
    fn terms(&self, output: &Tensor<E>, target: &Tensor<E>) -> Result<f64> {
        let losses = self.losses(&Tape::new().constant(output), target)?;
        Ok(share(losses.value()))
    }

    fn check(&self) -> Result<()> {
        let checked = setting::positive("gamma", self.gamma)
            .and_then(|()| setting::fraction("margin", self.margin));
        checked.map_err(|fault| Error::Config(format!("Circle: {fault}")))
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Circle",
        name: NAME,
        about: "ln(1 + Σⱼ exp(γ·(1 + m − d)·(1 − m − d)) · Σₖ exp(−γ·(m + d)·(m − d))), d the distances to other \
                samples of a batch",
        file: file!(),
        from_config: |config| {
            let loss: Circle = config::parse("Circle", config)?;
            Loss::<E>::check(&loss)?;
            Ok(Box::new(loss))
        },
        sample: |sampler| {
            let (samples, width) = (sampler.integer(2, 5), sampler.integer(2, 4));
            // Short rows, so that no distance is near 0 or 1 + m.
            let output = sampler.uniform(&[samples, width], -0.3, 0.3);
            let target = Tensor::from_fn([samples], |i| (i % 2) as f64);
            Sample {
                config: json!({
                    "gamma": sampler.one_of(&[1.0, 4.0]),
                    "margin": 0.4,
                    "remove_diagonal": sampler.coin(),
                }),
                output,
                target,
                activation: None,
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{close, value};
    use super::*;

    #[test]
    fn values() {
        // Two samples of one class at distance 0.2, one of another class at distances 1 and 0.4.
        let output = (&[3, 2][..], &[1.0, 0.0, 0.8, 0.6, 0.0, 1.0][..]);
        let loss = Circle::new(2.0, 0.4);
        let near = 2.0 * 0.6 * -0.2;
        let far = |d: f64| 2.0 * (1.4 - d) * (0.6 - d);
        let of = |d: f64| (1.0 + (near + far(d)).exp()).ln();
        // The third has no partner and does not count.
        let wanted = (of(1.0) + of(0.4)) / 2.0;
        close(value(&loss, output, (&[3], &[0.0, 0.0, 1.0])), wanted);
        // All of one class: nothing to tell apart.
        close(value(&loss, output, (&[3, 1], &[4.0; 3])), 0.0);
    }
}
