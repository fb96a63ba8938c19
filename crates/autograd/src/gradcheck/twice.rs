//! How the second derivatives of one sample are checked.

use super::compare::{STEP, Worst, element, locate};
use super::{COORDINATES, CaseResult, Sample, Sampler};
use crate::Tape;
use taper_tensor::Tensor;

/// See [`check_twice`](super::check_twice).
pub(super) fn compare(sample: &Sample, sampler: &mut Sampler) -> Result<CaseResult, String> {
    let told = |error: taper_tensor::Error| error.to_string();
    let inputs: Vec<Tensor<f64>> = sample
        .inputs
        .iter()
        .map(|(_, value)| value.clone())
        .collect();
    let tape = Tape::new();
    let (variables, output) = sample.apply(&tape, &inputs, |_| true)?;
    let weights = sampler.away_from_zero(output.shape());
    let directions: Vec<Tensor<f64>> = inputs
        .iter()
        .map(|input| sampler.away_from_zero(input.shape()))
        .collect();
    let sum = output.mul(&tape.constant(&weights)).map_err(told)?.sum();
    let targets: Vec<_> = variables.iter().collect();
    let slopes = sum.gradients(&targets).map_err(told)?;
    let first = First {
        sample,
        weights: &weights,
        directions: &directions,
    };
    // The same first derivatives as without a second, of the inputs as they are and of views with other strides.
    let mut worst = Worst::new();
    let mut total = tape.constant(&Tensor::scalar(0.0));
    for (slope, direction) in slopes.iter().zip(&directions) {
        let product = slope.mul(&tape.constant(direction)).map_err(told)?;
        total = total.add(&product.sum()).map_err(told)?;
    }
    let found = total.value().item().map_err(told)?;
    let plain = first.directed(&inputs)?;
    worst.see(found, plain, || {
        format!("gradient on the tape {found:e}, without {plain:e}")
    });
    let strided = inputs
        .iter()
        .map(|input| input.transpose().contiguous().transpose());
    let strided = first.directed(&strided.collect::<Vec<_>>())?;
    worst.see(found, strided, || {
        format!("gradient on the tape {found:e}, strided {strided:e}")
    });

    // Where no slope depends on an input, its second derivative is 0.
    let gradients = match total.wants_gradient() {
        true => Some(total.backward().map_err(told)?),
        false => None,
    };
    let count = inputs.iter().map(Tensor::len).sum();
    for coordinate in sampler.some_of(count, COORDINATES / 4) {
        let (input, position) = locate(&inputs, coordinate);
        let numeric = first.difference(&inputs, input, position)?;
        let taped = match &gradients {
            Some(gradients) => element(gradients, &variables[input], position)?,
            None => 0.0,
        };
        worst.see(taped, numeric, || {
            let (name, value) = &sample.inputs[input];
            let shape = value.shape();
            format!(
                "{name}[{position}] of shape {shape:?}: tape {taped:e}, differences {numeric:e}"
            )
        });
    }
    Ok(worst.result())
}

/// Σ gradient · direction by the walk back that frees the tape.
struct First<'a> {
    sample: &'a Sample,
    weights: &'a Tensor<f64>,
    directions: &'a [Tensor<f64>],
}

impl First<'_> {
    fn directed(&self, inputs: &[Tensor<f64>]) -> Result<f64, String> {
        let (variables, output) = self.sample.apply(&Tape::new(), inputs, |_| true)?;
        let gradients = output.backward_with(self.weights);
        let gradients = gradients.map_err(|error| error.to_string())?;
        let mut sum = 0.0;
        for (variable, direction) in variables.iter().zip(self.directions) {
            for (position, direction) in direction.to_vec().into_iter().enumerate() {
                sum += element(&gradients, variable, position)? * direction;
            }
        }
        Ok(sum)
    }

    fn difference(
        &self,
        inputs: &[Tensor<f64>],
        input: usize,
        position: usize,
    ) -> Result<f64, String> {
        let mut moved = inputs.to_vec();
        let mut at = |x: f64| {
            moved[input].as_mut_slice()[position] = x;
            self.directed(&moved)
        };
        let x = inputs[input].to_vec()[position];
        let step = STEP * x.abs().max(1.0);
        let (above, below) = (x + step, x - step);
        Ok((at(above)? - at(below)?) / (above - below))
    }
}
