//! What the files of losses share: shapes of targets, means over samples, clipping and smoothing, and the options that
//! every loss has.

mod adapted;
mod axes;

pub(in crate::losses) use adapted::read_options;
pub use adapted::{Adapted, LossExt, Reduction};
pub use axes::Axes;

use crate::{Error, Result};
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// Shapes of one sample: the target's is the output's; a target without the last axis is taken for one of length 1.
pub(in crate::losses) fn check_same(
    loss: &'static str,
    output: &[usize],
    target: &[usize],
) -> Result<()> {
    if target == output || matches!(output, [outer @ .., 1] if target == outer) {
        return Ok(());
    }
    let message = format!("it takes a target of the output's shape {output:?}, not {target:?}");
    Err(Error::loss(loss, message))
}

/// Shapes of one sample: the target has one number where the output has a row of scores.
pub(in crate::losses) fn check_class_numbers(
    loss: &'static str,
    output: &[usize],
    target: &[usize],
) -> Result<()> {
    if let [outer @ .., _] = output
        && (target == outer || matches!(target, [rest @ .., 1] if rest == outer))
    {
        return Ok(());
    }
    let message = format!(
        "it takes one class number for each row of scores in the output {output:?}, not a target of {target:?}"
    );
    Err(Error::loss(loss, message))
}

/// output − target.
pub(in crate::losses) fn difference<E: Element>(
    loss: &'static str,
    output: &Var<E>,
    target: &Tensor<E>,
) -> Result<Var<E>> {
    let target = fit(loss, output.shape(), target)?;
    Ok(output.sub(&output.tape().constant(&target))?)
}

/// 1 − target · output, for targets of −1 and 1; where all are 0 and 1, these are meant.
pub(in crate::losses) fn margins<E: Element>(
    loss: &'static str,
    output: &Var<E>,
    target: &Tensor<E>,
) -> Result<Var<E>> {
    let mut target = fit(loss, output.shape(), target)?;
    if target
        .to_vec()
        .iter()
        .all(|&t| t.is_zero() || t == E::one())
    {
        target = target.scale(E::from_f64(2.0)).shift(-E::one());
    }
    let target = output.tape().constant(&target);
    Ok(output.mul(&target)?.neg().shift(E::one()))
}

/// The axis of scores, of an output `[n, …, k]`.
pub(in crate::losses) fn last_axis(loss: &'static str, output: &[usize]) -> Result<usize> {
    let last = output.len().checked_sub(1).filter(|&axis| axis > 0);
    last.ok_or_else(|| {
        let message = format!("an output [n, …, k] is wanted, this one is {output:?}");
        Error::loss(loss, message)
    })
}

/// Sums along the last axis.
pub(in crate::losses) fn sum_of_rows<E: Element>(
    loss: &'static str,
    values: &Var<E>,
) -> Result<Var<E>> {
    let axis = last_axis(loss, values.shape())?;
    Ok(values.sum_axes(&[axis], false)?)
}

/// Values `[n, …]` to their means `[n]` over each sample.
pub(in crate::losses) fn means_of_samples<E: Element>(values: &Var<E>) -> Result<Var<E>> {
    let [samples, rest @ ..] = values.shape() else {
        return Ok(values.reshape([1])?);
    };
    if rest.is_empty() {
        return Ok(values.clone());
    }
    let rows = [*samples, rest.iter().product()];
    Ok(values.reshape(rows)?.mean_axes(&[1], false)?)
}

/// Σ wᵢ · lossᵢ / n.
pub(in crate::losses) fn weighted_mean<E: Element>(
    name: &'static str,
    losses: &Var<E>,
    weights: &Tensor<E>,
) -> Result<Var<E>> {
    if weights.shape() != losses.shape() {
        let (samples, given) = (losses.shape(), weights.shape());
        let message =
            format!("there is a loss for each sample, {samples:?}, but weights of {given:?}");
        return Err(Error::loss(name, message));
    }
    Ok(losses.mul(&losses.tape().constant(weights))?.mean())
}

/// What Keras clips probabilities to: [1e-7, 1 − 1e-7].
pub(in crate::losses) const EPSILON: f64 = 1e-7;

pub(in crate::losses) fn clip<E: Element>(probabilities: &Var<E>) -> Var<E> {
    probabilities.clip(E::from_f64(EPSILON), E::from_f64(1.0 - EPSILON))
}

/// The target in the shape of the output; `[n]` is taken for `[n, 1]`.
pub(in crate::losses) fn fit<E: Element>(
    loss: &'static str,
    output: &[usize],
    target: &Tensor<E>,
) -> Result<Tensor<E>> {
    if target.shape() == output {
        return Ok(target.clone());
    }
    if let [outer @ .., 1] = output
        && target.shape() == outer
    {
        return Ok(target.reshape(output)?);
    }
    let message = format!(
        "the output is {output:?}, the target {:?}; both must have the same shape",
        target.shape()
    );
    Err(Error::loss(loss, message))
}

/// `target · (1 − smoothing) + smoothing · to`: a target that is a little less sure.
pub(in crate::losses) fn smooth<E: Element>(
    target: &Tensor<E>,
    smoothing: f64,
    to: f64,
) -> Tensor<E> {
    if smoothing == 0.0 {
        return target.clone();
    }
    target
        .scale(E::from_f64(1.0 - smoothing))
        .shift(E::from_f64(smoothing * to))
}

pub(in crate::losses) fn check_smoothing(class_name: &str, smoothing: f64) -> Result<()> {
    if (0.0..=1.0).contains(&smoothing) {
        return Ok(());
    }
    Err(Error::Config(format!(
        "{class_name}: label_smoothing {smoothing} is not in [0, 1]"
    )))
}

/// The axes of a shape of that rank that are meant, counted from the end where negative; sorted, none twice.
///
/// # Errors
/// There is no such axis.
pub(in crate::losses) fn axes_of(
    loss: &'static str,
    axes: &[isize],
    output: &[usize],
) -> Result<Vec<usize>> {
    let rank = output.len();
    let mut found = Vec::with_capacity(axes.len());
    for &axis in axes {
        let position = if axis < 0 {
            rank.checked_sub(axis.unsigned_abs())
        } else {
            Some(axis.unsigned_abs()).filter(|&axis| axis < rank)
        };
        let Some(position) = position else {
            let message = format!("an output of {output:?} has no axis {axis}");
            return Err(Error::loss(loss, message));
        };
        found.push(position);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// ln(1 + eˣ), exact and smooth everywhere, for values `[n]`.
pub(in crate::losses) fn softplus_of_samples<E: Element>(x: &Var<E>) -> Result<Var<E>> {
    let column = x.reshape([x.shape()[0], 1])?;
    let zeros = x.tape().constant(&Tensor::zeros([x.shape()[0], 1]));
    Ok(Var::concat(&[&column, &zeros], 1)?.log_sum_exp(1, false)?)
}
