//! Whole numbers that stand for things, in the forms that layers give them: Keras's `output_mode`.

use super::wide;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// In which form numbers of things come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputMode {
    /// The numbers themselves.
    Int,
    /// For each number a row of zeros with a 1 at its place.
    OneHot,
    /// For each sample a row with a 1 at the place of every number that it has.
    #[serde(alias = "binary")]
    MultiHot,
    /// For each sample a row that says how often it has each number.
    Count,
}

/// What comes out of samples of this shape, with so many things.
pub(crate) fn coded_shape(
    class_name: &'static str,
    mode: OutputMode,
    input: &[usize],
    depth: usize,
) -> Result<Vec<usize>> {
    Ok(match (mode, input) {
        (OutputMode::Int, _) => input.to_vec(),
        (OutputMode::OneHot, [rest @ .., 1]) => [rest, &[depth]].concat(),
        (OutputMode::OneHot, _) => [input, &[depth]].concat(),
        (_, [_]) => vec![depth],
        _ => {
            let message = format!(
                "output_mode one_hot wants samples of any shape, the others a row of numbers, this is {input:?}"
            );
            return Err(Error::layer(class_name, message));
        }
    })
}

/// The codes of a batch, one a value of `x` (each below `depth`), in this form. The slope is 0 everywhere.
pub(crate) fn coded<E: Element>(
    mode: OutputMode,
    x: &Var<E>,
    codes: &[usize],
    depth: usize,
    sample: &[usize],
) -> Result<Var<E>> {
    let (batch, one) = (x.shape()[0], E::one());
    let shape = [&[batch], sample].concat();
    let each = (codes.len() / batch.max(1)).max(1);
    let mut values = vec![E::zero(); shape.iter().product()];
    for (at, &code) in codes.iter().enumerate() {
        match mode {
            OutputMode::Int => values[at] = E::from_f64(code as f64),
            OutputMode::OneHot => values[at * depth + code] = one,
            OutputMode::MultiHot => values[at / each * depth + code] = one,
            OutputMode::Count => values[at / each * depth + code] += one,
        }
    }
    // Who asks for a gradient gets zeros.
    let axes: Vec<usize> = (1..x.shape().len()).collect();
    let nothing = x.scale(E::zero()).sum_axes(&axes, false)?;
    let nothing = nothing.reshape([vec![batch], vec![1; sample.len()]].concat())?;
    Ok(nothing.add(&wide(x, shape, values))?)
}
