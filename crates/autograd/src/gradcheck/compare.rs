//! How one sample is checked: the tape's gradients, the differences, and the gradients under other conditions.

use super::{COORDINATES, CaseResult, Sample, Sampler};
use crate::{Gradients, Tape, Var};
use taper_tensor::Tensor;

/// The step of the differences, relative to max(1, |x|).
pub(super) const STEP: f64 = 1e-5;

/// See [`check`](super::check).
pub(super) fn compare(sample: &Sample, sampler: &mut Sampler) -> Result<CaseResult, String> {
    let inputs: Vec<Tensor<f64>> = sample
        .inputs
        .iter()
        .map(|(_, value)| value.clone())
        .collect();
    let (variables, output) = sample.apply(&Tape::new(), &inputs, |_| true)?;
    let weights = sampler.away_from_zero(output.shape());
    let gradients = output
        .backward_with(&weights)
        .map_err(|error| error.to_string())?;

    let mut worst = Worst::new();
    let total = inputs.iter().map(Tensor::len).sum();
    for coordinate in sampler.some_of(total, COORDINATES) {
        let (input, position) = locate(&inputs, coordinate);
        let numeric = difference(sample, &inputs, &weights, input, position)?;
        let taped = element(&gradients, &variables[input], position)?;
        worst.see(taped, numeric, || {
            let (name, value) = &sample.inputs[input];
            format!(
                "{name}[{position}] of shape {:?}: tape {taped:e}, differences {numeric:e}",
                value.shape()
            )
        });
    }
    let reference = Reference {
        inputs: &inputs,
        weights: &weights,
        variables: &variables,
        gradients: &gradients,
    };
    if inputs.len() > 1 {
        for input in 0..inputs.len() {
            check_alone(sample, input, &reference, &mut worst)?;
        }
    }
    if inputs.iter().any(|input| input.rank() > 1) {
        check_strided(sample, &reference, &mut worst)?;
    }
    Ok(worst.result())
}

/// The gradients when all are wanted and all inputs are contiguous.
struct Reference<'a> {
    inputs: &'a [Tensor<f64>],
    weights: &'a Tensor<f64>,
    variables: &'a [Var<f64>],
    gradients: &'a Gradients<f64>,
}

/// The gradient of an input must not depend on whether those of the other inputs are wanted.
fn check_alone(
    sample: &Sample,
    input: usize,
    reference: &Reference<'_>,
    worst: &mut Worst,
) -> Result<(), String> {
    let (variables, output) = sample.apply(&Tape::new(), reference.inputs, |i| i == input)?;
    // An output that does not depend on this input has nothing to say.
    if !output.wants_gradient() {
        return Ok(());
    }
    let gradients = output
        .backward_with(reference.weights)
        .map_err(|error| error.to_string())?;
    see_input(
        sample,
        input,
        reference,
        (&variables, &gradients),
        "it alone wanted",
        worst,
    )
}

/// Nor may gradients depend on how the inputs lie in memory: here they are views with swapped strides.
fn check_strided(
    sample: &Sample,
    reference: &Reference<'_>,
    worst: &mut Worst,
) -> Result<(), String> {
    let strided: Vec<_> = reference
        .inputs
        .iter()
        .map(|input| input.transpose().contiguous().transpose())
        .collect();
    let (variables, output) = sample.apply(&Tape::new(), &strided, |_| true)?;
    let gradients = output
        .backward_with(reference.weights)
        .map_err(|error| error.to_string())?;
    for input in 0..strided.len() {
        see_input(
            sample,
            input,
            reference,
            (&variables, &gradients),
            "strided inputs",
            worst,
        )?;
    }
    Ok(())
}

/// Compares all of an input's gradient with the reference.
fn see_input(
    sample: &Sample,
    input: usize,
    reference: &Reference<'_>,
    (variables, gradients): (&[Var<f64>], &Gradients<f64>),
    condition: &str,
    worst: &mut Worst,
) -> Result<(), String> {
    for position in 0..variables[input].value().len() {
        let expected = element(reference.gradients, &reference.variables[input], position)?;
        let found = element(gradients, &variables[input], position)?;
        worst.see(found, expected, || {
            let name = &sample.inputs[input].0;
            format!("{name}[{position}]: {found:e} with {condition}, {expected:e} without")
        });
    }
    Ok(())
}

/// The input and the position in it that are number `coordinate` of all.
pub(super) fn locate(inputs: &[Tensor<f64>], mut coordinate: usize) -> (usize, usize) {
    for (input, value) in inputs.iter().enumerate() {
        if coordinate < value.len() {
            return (input, coordinate);
        }
        coordinate -= value.len();
    }
    unreachable!("a coordinate is below the number of elements of all inputs")
}

/// The tape's derivative with respect to one element. A parameter without gradient has a gradient of zero.
pub(super) fn element(
    gradients: &Gradients<f64>,
    variable: &Var<f64>,
    position: usize,
) -> Result<f64, String> {
    let Some(gradient) = gradients.get(variable) else {
        return Ok(0.0);
    };
    if gradient.shape() != variable.shape() {
        return Err(format!(
            "a gradient {:?} for an input {:?}",
            gradient.shape(),
            variable.shape()
        ));
    }
    let values = gradient.as_slice().ok_or("a gradient is not contiguous")?;
    Ok(values[position])
}

/// (f(x + h) − f(x − h)) / 2h for Σ output · weights, without recording anything.
fn difference(
    sample: &Sample,
    inputs: &[Tensor<f64>],
    weights: &Tensor<f64>,
    input: usize,
    position: usize,
) -> Result<f64, String> {
    let mut moved = inputs.to_vec();
    let mut at = |x: f64| -> Result<f64, String> {
        moved[input].as_mut_slice()[position] = x;
        let (_, output) = sample.apply(&Tape::new(), &moved, |_| false)?;
        Ok(output
            .value()
            .to_vec()
            .iter()
            .zip(weights.to_vec())
            .map(|(y, weight)| y * weight)
            .sum())
    };
    let x = inputs[input].to_vec()[position];
    let step = STEP * x.abs().max(1.0);
    let (above, below) = (x + step, x - step);
    Ok((at(above)? - at(below)?) / (above - below))
}

/// The worst coordinate so far.
pub(super) struct Worst {
    error: f64,
    coordinates: usize,
    description: String,
}

impl Worst {
    pub(super) fn new() -> Self {
        Worst {
            error: 0.0,
            coordinates: 0,
            description: "no coordinate".into(),
        }
    }

    pub(super) fn result(self) -> CaseResult {
        CaseResult {
            worst: self.error,
            coordinates: self.coordinates,
            description: self.description,
        }
    }

    pub(super) fn see(&mut self, a: f64, b: f64, describe: impl FnOnce() -> String) {
        let error = (a - b).abs() / a.abs().max(b.abs()).max(1.0);
        // NaN compares false with everything and would pass for perfect.
        let error = if error.is_nan() { f64::INFINITY } else { error };
        if self.coordinates == 0 || error > self.error {
            self.error = error;
            self.description = describe();
        }
        self.coordinates += 1;
    }
}
