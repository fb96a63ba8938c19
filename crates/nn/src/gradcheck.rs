//! What can be checked for its gradients: every layer, junction, activation, loss and regularizer of the tables. `cargo xtask
//! gradcheck` and the tests run these beside the operations of `taper_autograd::ops`.

use crate::{
    Context, Error, Layer, Linear, OrthogonalRegularizer, Result, activations, junctions, layers,
    losses, regularizers,
};
use serde_json::Value;
use taper_autograd::gradcheck::{Report, Sample, Sampler, run_samples};
use taper_autograd::{Tape, Var};
use taper_tensor::{Seed, Tensor};

/// One thing whose gradients can be compared with differences.
pub struct Check {
    /// `layer`, `junction`, `activation`, `loss` or `regularizer`.
    pub kind: &'static str,
    /// Its name, e.g. `Conv2D` or `categorical_crossentropy from logits`.
    pub name: String,
    /// What it computes.
    pub formula: &'static str,
    sample: Box<dyn Fn(&mut Sampler) -> Sample>,
}

impl Check {
    /// Checks `cases` random samples; the same seed draws the same ones.
    ///
    /// ```
    /// let checks = taper_nn::gradcheck::all();
    /// let dense = checks.iter().find(|check| check.name == "Dense").unwrap();
    /// let report = dense.run(5, 7);
    /// assert!(report.worst <= 1e-6, "{}", report.description);
    /// ```
    pub fn run(&self, cases: u64, seed: u64) -> Report {
        run_samples(
            self.name.clone(),
            |sampler| (self.sample)(sampler),
            cases,
            seed,
        )
    }
}

/// Everything of this crate that has a gradient.
pub fn all() -> Vec<Check> {
    let layers = layers::all::<f64>().into_iter().map(|row| Check {
        kind: "layer",
        name: row.class_name.to_owned(),
        formula: row.about,
        sample: Box::new(move |sampler| layer_sample(&row, sampler)),
    });
    let junctions = junctions::all::<f64>().into_iter().map(|row| Check {
        kind: "junction",
        name: row.class_name.to_owned(),
        formula: row.about,
        sample: Box::new(move |sampler| junction_sample(&row, sampler)),
    });
    let activations = activations::all().iter().map(|row| Check {
        kind: "activation",
        name: row.name.to_owned(),
        formula: row.about,
        sample: Box::new(|sampler| {
            let shape = sampler.shape(1, 3, 4);
            let draw = |sampler: &mut Sampler| sampler.distinct(&shape);
            let x = sampler.until(draw, |x| avoids(x, row.bends) && (row.is_smooth)(x));
            Sample::new(|inputs| row.kind.apply(&inputs[0])).input("x", x)
        }),
    });
    let losses = losses::all::<f64>().into_iter().flat_map(|row| {
        let joint = (row.sample)(&mut Sampler::new(0, 0)).activation.is_some();
        let forms = if joint {
            vec![false, true]
        } else {
            vec![false]
        };
        let (name, formula, from_config, sample) =
            (row.name, row.about, row.from_config, row.sample);
        forms.into_iter().map(move |from_logits| Check {
            kind: "loss",
            name: format!("{name}{}", if from_logits { " from logits" } else { "" }),
            formula,
            sample: Box::new(move |sampler| loss_sample(from_config, sample, from_logits, sampler)),
        })
    });
    let regularizers = regularizers::all().into_iter().map(|row| Check {
        kind: "regularizer",
        name: row.class_name.to_owned(),
        formula: row.about,
        sample: Box::new(move |sampler| {
            let regularizer = (row.sample)(sampler);
            let shape = sampler.shape(0, 3, 4);
            let draw = |sampler: &mut Sampler| sampler.away_from_zero(&shape);
            let bends =
                |penalty: OrthogonalRegularizer, w: &Tensor<f64>| !penalty.is_smooth_at(w, MARGIN);
            let w = sampler.until(draw, |w| {
                !regularizer
                    .orthogonal
                    .is_some_and(|penalty| bends(penalty, w))
            });
            Sample::new(move |inputs| regularizer.penalty(&inputs[0])).input("w", w)
        }),
    });
    layers
        .chain(junctions)
        .chain(activations)
        .chain(losses)
        .chain(regularizers)
        .collect()
}

/// How far what stands in front of relu, |x| or a maximum must stay from where they bend; far more than a step of
/// the differences.
const MARGIN: f64 = 1e-3;

/// Whether no value is near one of the places where a function bends.
fn avoids(values: &Tensor<f64>, bends: &[f64]) -> bool {
    let is_far = |x: &f64| bends.iter().all(|bend| (x - bend).abs() >= MARGIN);
    values.to_vec().iter().all(is_far)
}

/// A layer in training mode: input and weights to output, with the penalty of the output added to each element.
fn layer_sample(row: &layers::Row<f64>, sampler: &mut Sampler) -> Sample {
    let layers::Sample { layer, input } = (row.sample)(sampler);
    let specs = layer
        .weights(&input)
        .expect("a sample's input fits its layer");
    let batch = sampler.integer(1, 3);
    let seed = Seed(sampler.integer(0, 1 << 30) as u64);
    let draw = |sampler: &mut Sampler| {
        let shape = [&[batch], input.as_slice()].concat();
        let x = match layer.indices() {
            // In the middle between two numbers, where little changes nothing.
            Some(count) => Tensor::from_fn(shape, |_| sampler.integer(0, count - 1) as f64 + 0.5),
            None => sampler.distinct(&shape),
        };
        let mut values = vec![x];
        values.extend(
            specs
                .iter()
                .map(|spec| match spec.name.contains("variance") {
                    true => sampler.positive(&spec.shape),
                    false => sampler.away_from_zero(&spec.shape),
                }),
        );
        values
    };
    let values = sampler.until(draw, |values| {
        smooth(&*layer, values, seed).unwrap_or(false)
    });
    let names = ["x"]
        .into_iter()
        .chain(specs.iter().map(|spec| &*spec.name));
    let inputs: Vec<_> = names.zip(values).collect();
    let sample = Sample::new(move |inputs: &[Var<f64>]| -> Result<Var<f64>> {
        let mut context = Context::training(seed, 0);
        let output = layer.forward(&inputs[0], &inputs[1..], &mut context)?;
        Ok(context
            .penalties
            .iter()
            .try_fold(output, |output, penalty| output.add(penalty))?)
    });
    inputs
        .into_iter()
        .fold(sample, |sample, (name, value)| sample.input(name, value))
}

/// A junction in training mode: all inputs and weights to the first output.
fn junction_sample(row: &junctions::Row<f64>, sampler: &mut Sampler) -> Sample {
    let junctions::Sample { junction, inputs } = (row.sample)(sampler);
    let shapes: Vec<&[usize]> = inputs.iter().map(Vec::as_slice).collect();
    let specs = junction
        .weights(&shapes)
        .expect("a sample's inputs fit its junction");
    let batch = sampler.integer(1, 3);
    let seed = Seed(sampler.integer(0, 1 << 30) as u64);
    let mut named: Vec<(String, Tensor<f64>)> = Vec::new();
    // No two values of all inputs are equal, nor nearly so: maxima bend there. None is large.
    let counts = shapes
        .iter()
        .map(|shape| batch * shape.iter().product::<usize>());
    let all = sampler.distinct(&[counts.sum()]).to_vec();
    let scale = 2.0 / all.iter().fold(2.0f64, |most, x| most.max(x.abs()));
    let mut values = all.into_iter().map(|x| x * scale);
    for (i, shape) in shapes.iter().enumerate() {
        let shape = [&[batch], *shape].concat();
        let input = Tensor::from_fn(shape, |_| values.next().unwrap_or_default());
        named.push((format!("input {i}"), input));
    }
    for spec in &specs {
        named.push((spec.name.to_string(), sampler.away_from_zero(&spec.shape)));
    }
    let count = inputs.len();
    let sample = Sample::new(move |values: &[Var<f64>]| -> Result<Var<f64>> {
        let (inputs, weights) = values.split_at(count);
        let inputs: Vec<&Var<f64>> = inputs.iter().collect();
        let mut context = Context::training(seed, 0);
        let outputs = junction.forward(&inputs, weights, &mut context)?;
        let none = || Error::layer(junction.class_name(), "it has no output");
        outputs.into_iter().next().ok_or_else(none)
    });
    named
        .into_iter()
        .fold(sample, |sample, (name, value)| sample.input(name, value))
}

/// Whether the layer is smooth around these inputs: nothing in front of its activation function is where that bends,
/// nor, with a penalty of the output, near 0.
fn smooth(layer: &dyn Layer<f64>, values: &[Tensor<f64>], seed: Seed) -> Result<bool> {
    // A layer with an activity regularizer cannot be split; a copy without it can.
    let mut config = layer.config();
    let penalty = config.get_mut("activity_regularizer").map(Value::take);
    let whole = layers::from_config::<f64>(layer.class_name(), &config)?;
    let (activation, plain) = whole.split_activation().unwrap_or((Linear, whole));
    let row = activation.row();
    let mut bends = row.bends.to_vec();
    // A penalty bends where the output is 0; activation functions that can be 0 are so at 0.
    bends.extend(penalty.filter(|penalty| !penalty.is_null()).map(|_| 0.0));
    let tape = Tape::new();
    let variables: Vec<Var<f64>> = values.iter().map(|value| tape.constant(value)).collect();
    let output = plain.forward(
        &variables[0],
        &variables[1..],
        &mut Context::training(seed, 0),
    )?;
    Ok(avoids(output.value(), &bends) && (row.is_smooth)(output.value()))
}

/// A loss as a function of the output, or of the logits.
fn loss_sample(
    from_config: fn(&Value) -> Result<Box<dyn losses::Loss<f64>>>,
    sample: fn(&mut Sampler) -> losses::Sample,
    from_logits: bool,
    sampler: &mut Sampler,
) -> Sample {
    let losses::Sample {
        config,
        output,
        target,
        activation,
    } = sample(sampler);
    let loss = from_config(&config).expect("a sample's settings are valid");
    let function = move |inputs: &[Var<f64>]| match activation {
        Some(activation) if from_logits => loss
            .from_logits(&inputs[0], &target, activation)
            .unwrap_or_else(|| Err(Error::loss("loss", "the joint form is missing"))),
        _ => loss.forward(&inputs[0], &target),
    };
    Sample::new(function).input(if from_logits { "logits" } else { "output" }, output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gradient_agrees_with_differences() {
        let checks = all();
        assert!(
            checks.len()
                >= layers::all::<f64>().len()
                    + junctions::all::<f64>().len()
                    + activations::all().len()
                    + losses::all::<f64>().len()
                    + regularizers::all().len()
        );
        for check in checks {
            let report = check.run(30, 5);
            assert!(
                report.worst <= 1e-6,
                "{} {}: {} ({})",
                check.kind,
                check.name,
                report.worst,
                report.description
            );
        }
    }
}
